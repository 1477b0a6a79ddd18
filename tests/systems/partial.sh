# partial.sh - latents of plates with a condition and of ragged rows against the same models with the
# cells that count selected by hand: one log density and one gradient, to 1e-12. Cells that do not
# count are null, and leave the evidence as it is.
. "$DGM_ROOT/tests/systems/lib.sh"

# pair NAME GAPS: the values of NAME that count are those of NAME-hand, and GAPS others have no slope
pair() {
    for m in "$1" "$1-hand"; do
        quick_dgmc "$m.dgm" --data "$m.json" -o "./$m" || fail "$m does not compile"
        "./$m" log-prob --data "$m.json" --at "$m.at" --json >"$m.out" || fail "log-prob of $m"
        "./$m" log-prob --data "$m.json" --at "$m.at" --json --unconstrained >"$m.free" || fail "$m"
        numbers "$m.out" >"$m.txt"
    done
    [ "$(grep -c '^0\.0$' "$1.txt")" -eq "$2" ] || fail "$1: $(cat "$1.txt")"
    grep -v '^0\.0$' "$1.txt" >"$1-kept.txt"
    [ "$(wc -l <"$1-kept.txt")" -eq "$(wc -l <"$1-hand.txt")" ] || fail "$1: $(cat "$1.txt")"
    paste "$1-kept.txt" "$1-hand.txt" | awk '
        { d = $1 - $2; s = $2 < 0 ? -$2 : $2; s = s > 1 ? s : 1; if (d < 0) d = -d
          if (!(d <= 1e-12 * s)) { print $1, $2; bad = 1 } } END { exit bad }' ||
        fail "$1 is not the model of the cells that count"
    "./$1" check-grad --data "$1.json" >check.txt || fail "check-grad of $1: $(cat check.txt)"
}
# rest NAME FREE: FREE free numbers of NAME, at 0, have the standard normal density and no other
rest() {
    holds "sqrt(($(json "$1.free" log_prob) - $(json "$1-hand.free" log_prob) \
           + $2 * 0.91893853320467274) ^ 2) < 1e-11"
}

# -- a condition on data ------------------------------------------------------------------------------
cat >seen.dgm <<'END'
model seen {
  data seen[N] : bit
  data y[N] : real
  latent mu : real ~ normal(0, 5)
  latent s : positive ~ normal(0, 2)
  for n in N where seen[n] {
    latent u : real ~ normal(mu, s)
    latent v : positive ~ gamma(2, 1)
    latent w : simplex[3] ~ dirichlet(2)
    latent b[j in 2] : real ~ normal(j, 1)
    latent c : bit ~ bernoulli(0.3)
    y[n] ~ normal(u + w[1] * b[0] - b[1] + 2 * c, v)
  }
  factor -sq(sum[n in N where seen[n]](u[n]))
  report mean_u = mean[n in N where seen[n]](u[n])
  for n in N where seen[n] { report twice = 2 * u }
  for n in N where seen[n] { predict z ~ normal(u, v) }
}
END
sed -e 's/model seen/model seenhand/; s/ where seen\[n\]//; /data seen/d' seen.dgm >seen-hand.dgm
echo '{"seen": [1, 0, 1, 1, 0], "y": [0.5, 9, 1, 3, -7]}' >seen.json
echo '{"y": [0.5, 1, 3]}' >seen-hand.json
cat >seen.at <<'END'
{"mu": 0.3, "s": 1.2, "u": [0.1, null, 0.2, 0.3, null], "v": [1, null, 2, 0.5, null],
 "w": [[0.2, 0.3, 0.5], [null, null, null], [0.1, 0.1, 0.8], [0.3, 0.3, 0.4], [null, null, null]],
 "b": [[0.2, 0.9], [null, null], [1, 2], [-0.5, 0.4], [null, null]]}
END
cat >seen-hand.at <<'END'
{"mu": 0.3, "s": 1.2, "u": [0.1, 0.2, 0.3], "v": [1, 2, 0.5],
 "w": [[0.2, 0.3, 0.5], [0.1, 0.1, 0.8], [0.3, 0.3, 0.4]], "b": [[0.2, 0.9], [1, 2], [-0.5, 0.4]]}
END
pair seen 14
rest seen 12
# A value is wanted where the cell counts, and there it must lie in the support.
sed 's/"v": \[1,/"v": [null,/' seen.at >wrong.at
expect_rc 3 ./seen log-prob --data seen.json --at wrong.at
grep -q 'v\[0\] is nan' err.txt || fail "$(cat err.txt)"
sed 's/\[0.1, 0.1, 0.8\]/[0.1, 0.2, 0.8]/' seen.at >wrong.at
expect_rc 3 ./seen log-prob --data seen.json --at wrong.at
grep -q 'w\[2, 0\] is' err.txt || fail "$(cat err.txt)"
# Reports of draws: null where nothing is.
cat >draws.json <<'END'
{"mu": [0.3], "s": [1.2], "u": [[0.1, null, 0.2, 0.3, null]], "v": [[1, null, 2, 0.5, null]],
 "w": [[[0.2, 0.3, 0.5], [null, null, null], [0.1, 0.1, 0.8], [0.3, 0.3, 0.4], [null, null, null]]],
 "b": [[[0.2, 0.9], [null, null], [1, 2], [-0.5, 0.4], [null, null]]]}
END
./seen report --data seen.json --draws draws.json --json >report.out || fail "report"
tr -d ' \n' <report.out | grep -q '"twice":{"mean":\[0.2[0-9]*,null,0.4[0-9]*,0.59*[0-9]*,null\]' ||
    fail "$(cat report.out)"
tr -d ' \n' <report.out | grep -q '"z":{"mean":\[[-0-9.]*,null,[-0-9.]*,[-0-9.]*,null\]' ||
    fail "$(cat report.out)"
tr -d ' \n' <report.out | sed 's/.*"mean_u":/{/' >mean_u.out
holds "sqrt(($(json mean_u.out mean) - 0.2) ^ 2) < 1e-12"

# -- ragged rows --------------------------------------------------------------------------------------
cat >rows.dgm <<'END'
model rows {
  data w[m in M, L[m]] : real
  latent m0 : real ~ normal(0, 3)
  for m in M {
    latent mu : real ~ normal(m0, 1)
    for i in L[m] { latent u : real ~ normal(mu, 0.5); w[m, i] ~ normal(u, 1) }
  }
  let total[m in M] = sum[i in L[m]](u[m, i])
  report mean_u[m in M] = mean[i in L[m]](u[m, i])
  report whole = sum(total)
}
family free for rows {
  param a, b : real
  m0 ~ meanfield
  for m in M { mu ~ normal(a, 0.5); for i in L[m] { u ~ normal(b * w[m, i], 0.7) } }
}
train rows with free { steps 3 }
END
cat >rows-hand.dgm <<'END'
model rowshand(M = 4) {
  data row[N] : index(M)
  data w[N] : real
  latent m0 : real ~ normal(0, 3)
  latent mu[M] : real ~ normal(m0, 1)
  for n in N { latent u : real ~ normal(mu[row[n]], 0.5); w[n] ~ normal(u, 1) }
}
END
echo '{"w": [[1.2, 0.3, 2.2], [-1], [0.4, 0.9], [3, 2, 2.4, 2.8]]}' >rows.json
echo '{"w": [1.2, 0.3, 2.2, -1, 0.4, 0.9, 3, 2, 2.4, 2.8], "row": [0, 0, 0, 1, 2, 2, 3, 3, 3, 3]}' \
    >rows-hand.json
cat >rows.at <<'END'
{"m0": 0.7, "mu": [1, -0.4, 0.8, 2],
 "u": [[1.1, 0.9, 1.4, null], [-0.6, null, null, null], [0.5, 0.7, null, null], [2.2, 2.1, 2.3, 2.5]]}
END
echo '{"m0": 0.7, "mu": [1, -0.4, 0.8, 2], "u": [1.1, 0.9, 1.4, -0.6, 0.5, 0.7, 2.2, 2.1, 2.3, 2.5]}' \
    >rows-hand.at
pair rows 6
rest rows 6
# Rows are drawn as long as they are, and what is drawn can be asked for its density.
./rows simulate --data rows.json --seed 1 --out drawn.json || fail "simulate"
[ "$(tr -cd 'n' <drawn.json | wc -c)" -eq 6 ] || fail "$(cat drawn.json)"
./rows log-prob --data drawn.json --at drawn.json --json >drawn.out || fail "log-prob of what is drawn"
holds "$(json drawn.out log_prob) < 0"

# -- conditions and lengths at the declaration, and reads that a branch guards --------------------------
# Triangles: of the pairs j < i, of j <= i, and of i < j; a is only where seen.
cat >pairs.dgm <<'END'
model pairs(I = 3) {
  data y[I, I] : real
  data seen[I] : bit
  data at[N] : index(I)
  data x[N] : real
  latent q : real ~ normal(0, 1)
  latent s[i in I, j in i] : real ~ normal(q, 1)
  latent a[i in I where seen[i]] : real ~ normal(0, 2)
  latent b[i in I, j in 2 where j > 0] : real ~ normal(i, 1)
  let d[i in I, j in i + 1 .. I] = q * (j - i)
  for i in I { for j in i { y[i, j] ~ normal(s[i, j], 1) } }
  for i in I { for j in i + 1 .. I { y[i, j] ~ normal(d[i, j], 2) } }
  for i in I where seen[i] { y[i, i] ~ normal(a[i], 1) }
  for n in N { x[n] ~ normal((if seen[at[n]] then a[at[n]] else q) + b[at[n], 1], 1) }
  for i in 2 { for j in i + 1 { factor -0.1 * sq(q - j) } }
  report all = sum[i in I, k in I where k < i](s[i, k]) + sum[k in I where seen[k]](a[k])
  report twice[i in I where seen[i]] = 2 * a[i]
}
END
cat >pairs-hand.dgm <<'END'
model pairshand {
  data y[3, 3] : real
  data x[4] : real
  latent q : real ~ normal(0, 1)
  latent s[3] : real ~ normal(q, 1)
  latent a[2] : real ~ normal(0, 2)
  latent b[3] : real ~ flat
  for i in 3 { factor logpdf(normal(i, 1), b[i]) }
  y[1, 0] ~ normal(s[0], 1)
  y[2, 0] ~ normal(s[1], 1)
  y[2, 1] ~ normal(s[2], 1)
  y[0, 1] ~ normal(q, 2)
  y[0, 2] ~ normal(2 * q, 2)
  y[1, 2] ~ normal(q, 2)
  y[0, 0] ~ normal(a[0], 1)
  y[2, 2] ~ normal(a[1], 1)
  x[0] ~ normal(a[0] + b[0], 1)
  x[1] ~ normal(q + b[1], 1)
  x[2] ~ normal(a[1] + b[2], 1)
  x[3] ~ normal(a[0] + b[0], 1)
  factor -0.1 * (2 * sq(q) + sq(q - 1))
}
END
echo '{"y": [[1, 2, 3], [0.5, 9, 1.5], [-1, 0.2, 2]], "seen": [1, 0, 1], "at": [0, 1, 2, 0],
       "x": [0.1, 0.7, -0.4, 2]}' >pairs.json
echo '{"y": [[1, 2, 3], [0.5, 9, 1.5], [-1, 0.2, 2]], "x": [0.1, 0.7, -0.4, 2]}' >pairs-hand.json
echo '{"q": 0.3, "s": [[null, null, null], [0.2, null, null], [0.4, -0.7, null]], "a": [1.1, null, 0.8],
       "b": [[null, 0.9], [null, 0.5], [null, 2.5]]}' >pairs.at
echo '{"q": 0.3, "s": [0.2, 0.4, -0.7], "a": [1.1, 0.8], "b": [0.9, 0.5, 2.5]}' >pairs-hand.at
pair pairs 10
rest pairs 10
./pairs simulate --data pairs.json --seed 1 --at pairs.at --out pairs.drawn || fail "simulate of pairs"
echo '{"q": [0.3], "s": [[[null, null, null], [0.2, null, null], [0.4, -0.7, null]]],
       "a": [[1.1, null, 0.8]], "b": [[[null, 0.9], [null, 0.5], [null, 2.5]]]}' >draws.json
./pairs report --data pairs.json --draws draws.json --json | tr -d ' \n' >report.out
grep -q '"all":{"mean":1.799*8*[0-9]*,' report.out || grep -q '"all":{"mean":1.8[,0]' report.out ||
    fail "$(cat report.out)"
grep -q '"twice":{"mean":\[2.2[0-9]*,null,1.6[0-9]*\]' report.out || fail "$(cat report.out)"

# -- a fit --------------------------------------------------------------------------------------------
# All laws are normal, so the full-rank bound is the evidence; u may as well be integrated out by hand.
cat >short.dgm <<'END'
model short {
  data w[m in M, L[m]] : real
  latent m0 : real ~ normal(0, 3)
  for m in M { latent mu : real ~ normal(m0, 1); for i in L[m] { w[m, i] ~ normal(mu, sqrt(1.25)) } }
}
END
quick_dgmc short.dgm --data rows.json -o ./short
for m in rows short; do
    "./$m" posterior --family auto --data rows.json --out "$m-fit" >"$m.table" || fail "posterior of $m"
    tr -d ' \n' <"$m-fit/report.json" | sed 's/.*"posterior":{//; s/"family":{.*//' >"$m.posterior"
    sed 's/.*"mu":{"mean":\[\([^]]*\)\].*/\1/' "$m.posterior" | tr ',' '\n' >"$m.means"
done
holds "sqrt(($(json rows-fit/report.json elbo) - $(json short-fit/report.json elbo)) ^ 2) < 0.01"
[ "$(wc -w <rows.means)" -eq 4 ] || fail "$(cat rows.means)"
paste rows.means short.means | awk '!(($1 - $2) ^ 2 < 0.06 ^ 2) { bad = 1 } END { exit bad }' ||
    fail "$(paste rows.means short.means)"
grep -q '"u":{"mean":\[\[[-0-9.]*,[-0-9.]*,[-0-9.]*,null\],\[[-0-9.]*,null,null,null\]' rows.posterior ||
    fail "$(cat rows.posterior)"
# Sums over rows count what the rows have.
sed 's/.*"whole":{/{/' rows.posterior >whole.out
sed 's/.*"mean_u":{"mean":\[\([^]]*\)\].*/\1/' rows.posterior | tr ',' ' ' >mean_u.out
awk -v whole="$(json whole.out mean)" '
    { d = 3 * $1 + $2 + 2 * $3 + 4 * $4 - whole; exit !(d * d < 1e-18) }' mean_u.out ||
    fail "$(cat mean_u.out) and $(json whole.out mean)"

# -- a sequence that starts where the data say --------------------------------------------------------
cat >steps.dgm <<'END'
model steps(I = 2, T = 4) {
  data y[I, T] : real
  data first[I] : index(T)
  latent q : positive ~ normal(0, 1)
  for i in I { scan t in first[i] .. T {
    latent h : real ~ normal(previous(h, 0.5), q)
    y[i, t] ~ normal(h, 1)
  } }
}
END
cat >steps-hand.dgm <<'END'
model stepshand {
  data y[5] : real
  latent q : positive ~ normal(0, 1)
  latent h[5] : real ~ flat
  factor logpdf(normal(0.5, q), h[0]) + logpdf(normal(h[0], q), h[1])
  factor logpdf(normal(0.5, q), h[2]) + logpdf(normal(h[2], q), h[3]) + logpdf(normal(h[3], q), h[4])
  for i in 5 { y[i] ~ normal(h[i], 1) }
}
END
echo '{"y": [[9, 9, 0.4, 0.7], [9, 1, 2, 3]], "first": [2, 1]}' >steps.json
echo '{"y": [0.4, 0.7, 1, 2, 3]}' >steps-hand.json
echo '{"q": 0.8, "h": [[null, null, 0.3, -0.1], [null, 0.5, 0.9, 1.4]]}' >steps.at
echo '{"q": 0.8, "h": [0.3, -0.1, 0.5, 0.9, 1.4]}' >steps-hand.at
pair steps 3
rest steps 3
./steps simulate --data steps.json --seed 1 | tr -d ' \n' | grep -q '"h":\[\[null,null,[-0-9.]*,' ||
    fail "simulate of a sequence"

# -- rows in minibatches ------------------------------------------------------------------------------
cat >codes.dgm <<'END'
model codes {
  data seen[N] : bit
  data x[N] : real[3]
  param W : real[2, 3]
  for n in N where seen[n] { latent z : real[2] ~ normal(0, 1); x[n] ~ normal(z @ W, 1) }
}
family for codes {
  net e(x) = x |> dense(4) |> tanh |> { mu: dense(2), sigma: dense(2) |> softplus }
  for n in N where seen[n] { let q = e(x[n]); z ~ normal(q.mu, q.sigma) }
}
train codes { batch 2; epochs 3 }
END
echo '{"seen": [1, 0, 1, 1, 0], "x": [[1, 2, 3], [0, 0, 0], [1, 1, 1], [0, 1, 2], [2, 2, 2]]}' >codes.json
quick_dgmc codes.dgm --precision f64 -o ./codes
./codes check-grad --data codes.json >check.txt || fail "check-grad of codes: $(cat check.txt)"
./codes train --data codes.json --out codes-run >/dev/null 2>&1 || fail "training of codes"
