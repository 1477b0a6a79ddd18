# run.sh - `dgmc run` compiles, fits and reports in one command; what was compiled is found again.
. "$DGM_ROOT/tests/systems/lib.sh"
export DGMC_CACHE="$PWD/cache of mine"
cat >line.dgm <<'END'
model line {
  data x[N], y[N] : real
  latent a, b : real ~ normal(0, 10)
  latent s : positive ~ normal(0, 5)
  for n in N { y[n] ~ normal(a + b * x[n], s) }
  report at_two = a + 2 * b
}
END
echo '{"x": [0, 1, 2, 3, 4], "y": [1.1, 2.9, 5.2, 7.1, 8.8]}' >data.json
"$dgmc" run line.dgm --data data.json --out fit --seed 3 >out.txt 2>err.txt || { cat err.txt; fail "run"; }
grep -q '^at_two' out.txt || fail "no reported quantity in the table"
grep -q '"converged": true' fit/report.json || fail "not converged"
[ ! -s err.txt ] || { cat err.txt; fail "a warning"; }

echo "# the second time nothing is compiled, and the result is the same"
[ "$(find "$DGMC_CACHE" -name model | wc -l)" = 1 ] || fail "not one entry in the cache"
"$dgmc" run line.dgm --data data.json --out again --seed 3 >again.txt || fail "run again"
for f in fit again; do grep -v '"seconds"' "$f/report.json" >"$f.txt"; done
cmp fit.txt again.txt || fail "another result from the cache"

echo "# other data of the same sizes: the same trainer; a damaged entry is made anew"
echo '{"x": [0, 1, 2, 3, 4], "y": [1, 2, 3, 4, 5.5]}' >other.json
"$dgmc" run line.dgm --data other.json --quiet || fail "other data"
[ "$(find "$DGMC_CACHE" -name model | wc -l)" = 1 ] || fail "data made a new entry"
: >"$(find "$DGMC_CACHE" -name model.c)"
"$dgmc" run line.dgm --data other.json --quiet || fail "damaged entry"
stamp=$(find "$DGMC_CACHE" -name made_by)
grep -q libdgm "$stamp" || fail "an entry does not say by which runtime it was made"
echo "cc" >"$stamp"
"$dgmc" run line.dgm --data other.json --quiet || fail "an entry of another runtime"
grep -q libdgm "$stamp" || fail "a trainer of another runtime was taken"
quick_dgmc run line.dgm --data other.json --quiet || fail "another C compiler"
[ "$(find "$DGMC_CACHE" -name model | wc -l)" = 2 ] || fail "no entry of its own for another C compiler"

echo "# refusals"
refused() {
    want=$1 text=$2
    shift 2
    expect_rc "$want" "$@"
    grep -q "$text" err.txt || { cat err.txt; fail "no '$text' from: $*"; }
}
refused 2 'no family `nonsense`' "$dgmc" run line.dgm --data data.json --family nonsense
refused 2 'no method `nonsense`' "$dgmc" run line.dgm --data data.json --method nonsense
refused 2 'too few' "$dgmc" run line.dgm --data data.json --draws 3
refused 2 'does not belong' "$dgmc" check line.dgm --family fullrank
refused 2 'needs a value' "$dgmc" run line.dgm --data data.json --family
echo 'model m { data y : real; y ~ normal(0, 1) }' >none.dgm
echo '{"y": 1}' >y.json
refused 1 'E0961' "$dgmc" run none.dgm --data y.json
echo 'model m { data y : bit; latent z : bit ~ bernoulli(0.2); y ~ bernoulli(if z then 0.9 else 0.1)
  report share = marginal(z) }' >states.dgm
"$dgmc" run states.dgm --data y.json --json >states.json || fail "discrete latents alone"
tr -d ' \n' <states.json | grep -q '"share":{"mean":0.692307692' || fail "$(cat states.json)"
DGMC_CACHE=/proc/none refused 4 'cannot write' "$dgmc" run line.dgm --data other.json
