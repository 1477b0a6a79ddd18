# cells.sh - data that have not a value in every cell. Missing cells: the density is that of the data with
# them filled in, and its integral over a cell is the density without that cell. Ragged rows: against the
# sum over the topics written out; simulated rows are as long as they should be. Wrong files are refused.
. "$DGM_ROOT/tests/systems/lib.sh"

# -- ragged rows --------------------------------------------------------------------------------------
lda=$DGM_ROOT/examples/models/lda.dgm
echo '{"w": [[0, 1, 2], [1], [2, 2, 0, 1]]}' >w.json
echo '{"phi": [[0.5, 0.3, 0.2], [0.1, 0.6, 0.3]], "theta": [[0.5, 0.5], [0.2, 0.8], [0.7, 0.3]]}' >w.at
quick_dgmc "$lda" -D K=2 -D V=3 --data w.json --only=log_prob,simulate -o ./lda
./lda log-prob --data w.json --at w.at --json >w.out
awk 'BEGIN { split("0.5 0.3 0.2", a, " "); split("0.1 0.6 0.3", b, " "); split("0.5 0.2 0.7", t, " ")
    split("1 1 1 2 3 3 3 3", row, " "); split("0 1 2 1 2 2 0 1", w, " ")
    for (i in row) { k = w[i] + 1; m = row[i]; s += log(t[m] * a[k] + (1 - t[m]) * b[k]) } printf "%.17g\n", s }' >w.sum
awk -v a="$(sed -n 's/.*"w": *\([-0-9.e]*\).*/\1/p' w.out | head -1)" -v b="$(cat w.sum)" \
    'BEGIN { exit !((a - b) ^ 2 < 1e-24 && a < 0) }' || fail "$(cat w.out) for $(cat w.sum)"
# The lengths may be given, and then they must be those of the rows.
echo '{"w": [[0, 1, 2], [1], [2, 2, 0, 1]], "L": [3, 1, 4]}' >both.json
./lda log-prob --data both.json --at w.at --json >both.out
same w.out both.out
echo '{"w": [[0, 1, 2], [1], [2, 2, 0, 1]], "L": [3, 2, 4]}' >wrong.json
expect_rc 3 ./lda log-prob --data wrong.json --at w.at
grep -q 'row 1 (from 0) has 1 elements, but L says 2' err.txt || fail "$(cat err.txt)"
echo '{"w": [[0, 1, 2], [1], [2, null, 0, 1]]}' >wrong.json
expect_rc 3 ./lda log-prob --data wrong.json --at w.at
grep -q 'element 9 (from 0): nan' err.txt || fail "$(cat err.txt)"
echo '{"w": [[0, 1, 2], [1], [2, 2, 0, 1, 1]]}' >wrong.json
expect_rc 3 ./lda log-prob --data wrong.json --at w.at
grep -q 'compile the model for these data' err.txt || fail "$(cat err.txt)"
# Simulated rows have the lengths that are given.
echo '{"L": [2, 4, 1]}' >L.json
./lda simulate --data L.json --at w.at --seed 3 --out sim.json
[ "$(values sim.json w | wc -l)" -eq 7 ] || fail "$(cat sim.json)"
./lda log-prob --data sim.json --at sim.json --json >sim.out
echo '{"L": [2, 5, 1]}' >L.json
expect_rc 3 ./lda simulate --data L.json --at w.at --seed 3 --out sim.json
grep -q '5 is outside the support count(L_max)' err.txt || fail "$(cat err.txt)"

# -- missing cells ------------------------------------------------------------------------------------
camel=$DGM_ROOT/examples/models/camel.dgm
echo '{"y": [[1, 1], [2, null], [null, -2], [1.5, "NA"]]}' >y.json
echo '{"y": [[1, 1], [2, 0.3], [-0.7, -2], [1.5, 0.2]]}' >full.json
echo '{"Sigma": [[2, 0.5], [0.5, 1]], "y_missing": [0.3, -0.7, 0.2]}' >y.at
echo '{"Sigma": [[2, 0.5], [0.5, 1]]}' >full.at
quick_dgmc "$camel" --data y.json --only=log_prob,log_prob_free,step -o ./gaps
sed 's/ missing$//' "$camel" >full.dgm
quick_dgmc full.dgm --data full.json --only=log_prob -o ./full
./gaps log-prob --data y.json --at y.at --json >y.out
./full log-prob --data full.json --at full.at --json >full.out
holds "($(json y.out log_prob) - ($(json full.out log_prob))) ^ 2 < 1e-24"
values y.out Sigma >a.txt && values full.out Sigma >b.txt && same a.txt b.txt
./gaps check-grad --data y.json --tol 1e-6 >grad.txt || fail "$(cat grad.txt)"

# The integral over the missing cells of an AR(1), where a missing one is read as the past of the next.
cat >ar.dgm <<'END'
model ar(T = 3) {
  data y[T] : real missing
  latent phi : interval(-1, 1) ~ uniform(-1, 1)
  scan t in T { y[t] ~ normal(phi * previous(y, 0), 1) }
}
END
echo '{"y": [0.5, null, 1]}' >ar.json
quick_dgmc ar.dgm --data ar.json --only=log_prob -o ./ar
i=-36
while [ $i -le 36 ]; do
    echo "{\"phi\": 0.6, \"y_missing\": [$(awk "BEGIN { print $i / 4 }")]}" >ar.at
    ./ar log-prob --data ar.json --at ar.at --json >ar.out
    json ar.out log_prob
    i=$((i + 1))
done >curve.txt
awk '{ s += exp($1) / 4 } END { pi = atan2(0, -1); v = 1 + 0.6 ^ 2
    exact = 0.5 * exp(-0.125) / sqrt(2 * pi) * exp(-(1 - 0.36 * 0.5) ^ 2 / 2 / v) / sqrt(2 * pi * v)
    d = s / exact - 1; exit !(d * d < 1e-20) }' curve.txt || fail "the integral over a missing cell"

# A joint law of two columns by a factor: known cells and missing ones have the density of the pair, and
# a missing one is given to what is simulated, not drawn.
cat >pair.dgm <<'END'
model pair {
  data x[N] : real
  data y[N] : real missing
  data z[N] : real
  latent m : real ~ normal(0, 1)
  for n in N {
    factor logpdf(mvnormal([0, m], cov: [[2, 1], [1, 1]]), [x[n], y[n]])
    z[n] ~ normal(y[n], 1)
  }
}
END
echo '{"x": [0.5, -1], "y": [null, 1], "z": [0.7, 1]}' >pair.json
echo '{"m": 0.4, "y_missing": [0.7]}' >pair.at
quick_dgmc pair.dgm --data pair.json --only=log_prob,simulate -o ./pair
./pair log-prob --data pair.json --at pair.at --json >pair.out
awk -v got="$(json pair.out log_prob)" 'function pair(x, y) { return -log(2 * atan2(0, -1)) \
        - (x ^ 2 - 2 * x * y + 2 * y ^ 2) / 2 }
    BEGIN { exact = pair(0.5, 0.3) + pair(-1, 0.6) - 0.08 - 1.5 * log(2 * atan2(0, -1))
        exit !((got - exact) ^ 2 < 1e-24) }' || fail "a pair by a factor: $(cat pair.out)"
echo '{"m": 0.4}' >m.at
expect_rc 2 ./pair simulate --data pair.json --at m.at
grep -q '`y_missing` cannot be drawn: a `factor` reads it' err.txt || fail "$(cat err.txt)"

# A sentinel, and CSV.
cat >csv.dgm <<'END'
model csv {
  data y[N] : positive missing -1
  data x[N] : real
  latent b : real ~ normal(0, 1)
  for n in N { y[n] ~ lognormal(b * x[n], 1) }
}
END
printf 'x,y\n1,2\n2,NA\n3,-1\n0.5,4\n' >c.csv
printf 'x,y\n1,2\n2,0.5\n3,0.7\n0.5,4\n' >d.csv
quick_dgmc csv.dgm --data c.csv --only=log_prob -o ./csv
sed 's/ missing -1//' csv.dgm >plain.dgm
quick_dgmc plain.dgm --data d.csv --only=log_prob -o ./plain
echo '{"b": 0.3, "y_missing": [0.5, 0.7]}' >c.at
echo '{"b": 0.3}' >d.at
./csv log-prob --data c.csv --at c.at --json >c.out
./plain log-prob --data d.csv --at d.at --json >d.out
holds "($(json c.out log_prob) - ($(json d.out log_prob))) ^ 2 < 1e-24"
expect_rc 3 ./csv log-prob --data d.csv --at d.at
grep -q 'has 0 missing cells, but the model was compiled for 2' err.txt || fail "$(cat err.txt)"
expect_rc 3 ./plain log-prob --data c.csv --at d.at
grep -q 'declare the data `missing`' err.txt || fail "$(cat err.txt)"

# Cells of labels, counts and bits are summed out, however many: what is left is the density of the others,
# in rows and in what a chain draws.
cat >discrete.dgm <<'END'
model discrete(K = 2) {
  data g[N] : index(3) from 1 missing -1
  data k[T] : count missing
  data hit[N] : bit missing
  latent p : simplex[3] ~ dirichlet(2)
  latent A[K] : simplex[K] ~ dirichlet(2)
  latent rate : ordered[K] ~ normal(0, 1)
  for n in N { g[n] ~ categorical(p); hit[n] ~ bernoulli(p[0]) }
  scan t in T {
    latent z : index(K) ~ if t == 0 then categorical(1 / K) else categorical(A[z[t - 1]])
    k[t] ~ poisson(exp(rate[z]))
  }
}
END
cat >seen.dgm <<'END'
model seen(K = 2) {
  data g[N] : index(3) from 1
  data k[T] : count
  data hit[N], g_seen[N], k_seen[T], hit_seen[N] : bit
  latent p : simplex[3] ~ dirichlet(2)
  latent A[K] : simplex[K] ~ dirichlet(2)
  latent rate : ordered[K] ~ normal(0, 1)
  for n in N where g_seen[n] == 1 { g[n] ~ categorical(p) }
  for n in N where hit_seen[n] == 1 { hit[n] ~ bernoulli(p[0]) }
  scan t in T {
    latent z : index(K) ~ if t == 0 then categorical(1 / K) else categorical(A[z[t - 1]])
    factor if k_seen[t] == 1 then logpdf(poisson(exp(rate[z])), k[t]) else 0
  }
}
END
echo '{"g": [3, -1, 1, 2], "k": [2, null, 0, 5, null], "hit": [null, 1, 0, 1]}' >some.json
echo '{"g": [3, 2, 1, 2], "k": [2, 1, 0, 5, 7], "hit": [0, 1, 0, 1], "g_seen": [1, 0, 1, 1],
       "k_seen": [1, 0, 1, 1, 0], "hit_seen": [0, 1, 1, 1]}' >seen.json
echo '{"p": [0.2, 0.5, 0.3], "A": [[0.7, 0.3], [0.4, 0.6]], "rate": [-0.5, 1]}' >some.at
quick_dgmc discrete.dgm -D N=4 -D T=5 --only=log_prob,simulate -o ./discrete
quick_dgmc seen.dgm --data seen.json --only=log_prob -o ./seen
./discrete log-prob --data some.json --at some.at --json >some.out
./seen log-prob --data seen.json --at some.at --json >seen.out
numbers some.out >some.txt && numbers seen.out >seen.txt
[ "$(wc -l <some.txt)" -eq 10 ] || fail "$(cat some.out)"
paste some.txt seen.txt | awk '{ d = $1 - $2; if (!(d * d <= 1e-24 * (1 + $2 * $2))) exit 1 }' ||
    fail "discrete cells: $(paste some.txt seen.txt)"
# All of them may be there, or none.
sed 's/"k": [^]]*]/"k": [null, null, null, null, null]/' some.json >none.json
./discrete log-prob --data none.json --at some.at --json >none.out
holds "$(json none.out log_prob) > $(json some.out log_prob)"
./discrete simulate -n 4 --at some.at --seed 1 --out drawn.json
./discrete log-prob --data drawn.json --at drawn.json --json >drawn.out

# -- what simulate draws has the cells of its data, so that log-prob reads it back -------------------------
cat >cells.dgm <<'EOF'
model cells {
  data y[T] : real missing
  data k[T] : count missing -1
  data x[m in M, L[m]] : real
  data w[m in M, L[m]] : real
  latent a : unit ~ beta(2, 2)
  scan t in T {
    y[t] ~ normal(a * previous(y, 0), 1)
    k[t] ~ poisson(exp(a))
  }
  for m in M { for l in L[m] { w[m, l] ~ normal(a * x[m, l], 1) } }
}
EOF
echo '{"y": [1, null, 3, null], "k": [1, -1, 3, 4], "x": [[1, 2, 3], [4], [5, 6]], "w": [[0, 0, 0], [0], [0, 0]]}' \
    >cells.json
quick_dgmc cells.dgm --data cells.json --only=log_prob,simulate -o ./cells
./cells simulate --data cells.json --seed 2 --out drawn.json
tr -d ' \n' <drawn.json >drawn.txt
grep -q '"x":\[\[1.0,2.0,3.0\],\[4.0\],\[5.0,6.0\]\]' drawn.txt || fail "ragged covariates: $(cat drawn.json)"
grep -q '"y":\[[-.0-9e]*,null,[-.0-9e]*,null\]' drawn.txt || fail "missing cells: $(cat drawn.json)"
grep -q '"k":\[[0-9]*,null,' drawn.txt || fail "missing counts: $(cat drawn.json)"
[ "$(values drawn.json y_missing | wc -l)" -eq 2 ] || fail "latents of missing cells: $(cat drawn.json)"
./cells log-prob --data drawn.json --at drawn.json --json >drawn.out
holds "$(json drawn.out log_prob) < 0"
