# open.sh - posteriors that nothing ends, and fits that find no place to begin, say so.
. "$DGM_ROOT/tests/systems/lib.sh"
export DGMC_CACHE=$scratch/cache

# warned NAME CODE SENTENCE: the fit of NAME.dgm warns, and --strict ends with 7
warned() {
    expect_rc 7 $dgmc run "$1.dgm" --data data.json --strict
    grep -q "^warning: open: .*$2" err.txt || fail "$1: $(cat err.txt)"
}
echo '{"x": [1, 2, 3, 4], "z": [2, 4, 6, 8], "y": [1, 2, 1.5, 3]}' >data.json
cat >collinear.dgm <<'END2'
model collinear {
  data x[N], y[N], z[N] : real
  latent a, b, c : real ~ flat
  latent s : positive ~ exponential(1)
  for n in N { y[n] ~ normal(a + b * z[n] + c * x[n], s) }
}
END2
warned collinear '`c` and `b` are known only together'
sed 's/flat/normal(0, 1000)/' collinear.dgm >proper.dgm
$dgmc run proper.dgm --data data.json --strict >out.txt 2>err.txt || fail "proper: $(cat err.txt)"

echo '{"y": [2, 2, 2]}' >data.json
cat >sum.dgm <<'END2'
model sum {
  data y[N] : real
  latent a, b : real ~ flat
  for n in N { y[n] ~ normal(a + b, 1) }
}
END2
warned sum 'known only together'
cat >product.dgm <<'END2'
model product {
  data y[N] : real
  latent a, b : positive ~ flat
  for n in N { y[n] ~ normal(a * b, 1) }
}
END2
warned product 'draws of `[ab]` are beyond'
cat >constant.dgm <<'END2'
model constant {
  data y[N] : real
  latent m : real ~ flat
  latent s : positive ~ flat
  for n in N { y[n] ~ normal(m, s) }
}
END2
warned constant 'some scale goes to 0'

# nowhere SENTENCE < model: no point to begin at
nowhere() {
    cat >m.dgm
    expect_rc 5 $dgmc run m.dgm --data data.json
    grep -q "$1" err.txt || fail "$1: $(cat err.txt)"
}
echo '{"n": [2, 2, 2], "y": [0, 3, 1]}' >data.json
nowhere '`y` (m.dgm:4) was not finite at any' <<'END2'
model m {
  data n[N], y[N] : count
  latent p : unit ~ beta(1, 1)
  for i in N { y[i] ~ binomial(n[i], p) }
}
END2
echo '{"y": [0.2, 0.5, 1.9]}' >data.json
nowhere 'highest at an edge' <<'END2'
model m {
  data y[N] : positive
  latent b : positive ~ pareto(0.1, 1)
  for n in N { y[n] ~ uniform(0, b) }
}
END2
echo '{"x": [1, 0, 2], "g": [0, 1, 2, 1], "z": [1, 2, 3, 1]}' >data.json
nowhere 'its derivative by `b` (m.dgm:5) is no number' <<'END2'
model m {
  data x[N] : nonnegative
  data g[M] : index(N)
  data z[M] : real
  latent a, b : real ~ normal(0, 1)
  let l[n in N] = b * log(x[n])
  for m in M { z[m] ~ normal(if x[g[m]] > 0 then l[g[m]] else a, 1) }
}
END2
