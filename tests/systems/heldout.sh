# heldout.sh - `posterior --valid`: the predictive density of held-out data against closed forms, by
# rows and of a sequence at once; at one point it is the likelihood term of `log-prob`; what cannot be
# scored is refused with its name; the same for any number of threads; `dgmc run` passes it on.
. "$DGM_ROOT/tests/systems/lib.sh"
model() { cat >"$1.dgm" && quick_dgmc "$1.dgm" --precision f64 ${2:+--data "$2"} -o "./$1"; }
# held REPORT KEY: a number of its field `held_out`
held() { echo "$(tr -d ' \n' <"$1" | sed -n "s/.*\"held_out\":{[^}]*\"$2\":\([-0-9.e+]*\).*/\1/p")"; }
near() { holds "($1 - ($2)) ^ 2 < $3 ^ 2" "$4: $1, exact $2"; }

# m ~ normal(0, 2), y ~ normal(m, 1): given y it is normal(s v, sqrt v) with v = 1 / (1/4 + n), s = sum y
echo '{"y": [1.3, -0.2, 0.9, 2.4]}' >train.json
echo '{"y": [0.4, 3.1, 1.0]}' >new.json
model mean <<'END'
model mean {
  data y[N] : real
  latent m : real ~ normal(0, 2)
  for n in N { y[n] ~ normal(m, 1) }
}
END
./mean posterior --data train.json --valid new.json --draws 20000 --json --quiet >report.json
awk 'BEGIN { v = 1 / (0.25 + 4); s = 4.4; n = split("0.4 3.1 1.0", y, " ")
    for (i = 1; i <= n; i++) { l[i] = -log(8 * atan2(1, 1) * (v + 1)) / 2 - (y[i] - s * v) ^ 2 / (2 * (v + 1))
        sum += l[i]; print l[i] }
    for (i = 1; i <= n; i++) q += (l[i] - sum / n) ^ 2
    print sum; print sqrt(n * q / (n - 1)) }' >exact.txt
tr -d ' \n' <report.json | sed 's/.*"by_row":\[\([^]]*\).*/\1/' | tr ',' '\n' >got.txt
echo >>got.txt
held report.json log_density >>got.txt
held report.json se >>got.txt
[ "$(wc -l <got.txt)" -eq 5 ] || fail "$(cat got.txt)"
paste -d' ' got.txt exact.txt | while read -r got exact; do near $got $exact 0.02 "row of the mean"; done
holds "$(held report.json rows) == 3 && $(held report.json draws) == 20000"
tr -d ' \n' <report.json | grep -q '"held_out":{"of":"rows"' || fail "not by rows"
for t in 1 2 3; do
    ./mean posterior --data train.json --valid new.json --threads $t --json --quiet |
        grep -v '"seconds"' >"t$t.json"
done
same t1.json t2.json
same t1.json t3.json
./mean posterior --data train.json --valid new.json >table.txt
grep -q 'held out: log predictive density -[0-9.]* (se [0-9.]*) of 3 rows' table.txt || fail "$(cat table.txt)"
./mean posterior --data train.json --json --quiet | grep -q held_out && fail "held out without --valid"

echo "# one draw, with covariates: the likelihood term of log-prob on the held-out data"
echo '{"x": [0, 1, 2, 3], "y": [1.3, -0.2, 0.9, 2.4], "g": [0, 1, 1, 0]}' >train.json
echo '{"x": [1.5, -1, 2], "y": [0.4, 3.1, 1.0], "g": [1, 0, 1]}' >new.json
model line train.json <<'END'
model line(G = 2) {
  data x[N], y[N] : real
  data g[N] : index(G)
  latent a[G] : real ~ normal(0, 3)
  latent b : real ~ normal(0, 1)
  latent s : positive ~ gamma(2, 1)
  for n in N { y[n] ~ normal(a[g[n]] + b * exp(x[n]), s * sqrt(N)) }
}
END
./line posterior --data train.json --valid new.json --family map --json --quiet >report.json 2>err.txt
{
    printf '{"a": [%s], ' "$(tr -d ' \n' <report.json | sed 's/.*"posterior":{"a":{"mean":\[\([^]]*\).*/\1/')"
    tr -d ' \n' <report.json | sed 's/.*"posterior":{.*"b":{"mean":\([^,]*\),.*"s":{"mean":\([^,]*\),.*"family".*/"b": \1, "s": \2}/'
} >at.json
./line log-prob --data new.json --at at.json --json >at.txt || fail "$(cat at.json)"
near "$(held report.json log_density)" "$(json at.txt y)" 1e-9 "at one point"

echo "# a sequence: all of it at once"
echo '{"y": [1, 2, 3, 1.5]}' >train.json
echo '{"y": [2, 2, 1, 0]}' >new.json
model drift <<'END'
model drift(T = 4) {
  data y[T] : real
  latent m : real ~ normal(0, 2)
  scan t in T { y[t] ~ normal(m + 0.5 * previous(y, 0), 1) }
}
END
./drift posterior --data train.json --valid new.json --draws 20000 --json --quiet >report.json
exact=$(awk 'BEGIN { v = 4; m = 0; split("1 2 3 1.5 2 2 1 0", y, " ")
    for (i = 1; i <= 8; i++) {
        e = y[i] - (i == 1 || i == 5 ? 0 : 0.5 * y[i - 1]) - m
        if (i > 4) l -= (log(8 * atan2(1, 1) * (v + 1)) + e * e / (v + 1)) / 2
        m += v / (v + 1) * e; v = v / (v + 1) }
    printf "%.15g", l }')
error=$(held report.json monte_carlo)
holds "$error > 0 && $error < 0.03" "Monte Carlo error $error"
near "$(held report.json log_density)" "$exact" "(4 * $error)" "sequence"
tr -d ' \n' <report.json | grep -q '"held_out":{"of":"alldata".*"se":null' || fail "$(cat report.json)"

echo "# refusals"
model units train.json <<'END'
model units {
  data y[N] : real
  latent m : real ~ normal(0, 2)
  for n in N { latent z : real ~ normal(m, 1); y[n] ~ normal(z, 1) }
}
END
model weighed <<'END'
model weighed {
  data y[N] : real
  latent m : real ~ normal(0, 2)
  for n in N { y[n] ~ normal(m, 1); factor -abs(m - y[n]) }
}
END
echo '{"x": 1}' >x.json
echo '{"y": [1, null, 3, 1.5]}' >gaps.json
model gaps gaps.json <<'END'
model gaps {
  data y[N] : real missing
  latent m : real ~ normal(0, 2)
  for n in N { y[n] ~ normal(m, 1) }
}
END
model none <<'END'
model none {
  data x : real
  latent m : real ~ normal(x, 2)
}
END
while read -r name text; do
    data=train.json
    [ $name != gaps ] || data=gaps.json
    [ $name != none ] || data=x.json
    expect_rc 2 ./$name posterior --data $data --valid new.json
    grep -q -- "$text" err.txt || { cat err.txt; fail "$name: no '$text'"; }
done <<'END'
units `z` has a value for each position of data
weighed weighs rows by a factor
gaps `y` has missing cells
none the model draws no data
END
expect_rc 3 ./mean posterior --data train.json --valid missing.json

export DGMC_CACHE="$PWD/cache"
"$dgmc" run mean.dgm --data train.json --valid new.json --out fit >out.txt || fail "run"
grep -q 'held out: .* of 4 rows' out.txt || fail "$(cat out.txt)"
grep -q '"held_out"' fit/report.json || fail "no held-out data in the report"
