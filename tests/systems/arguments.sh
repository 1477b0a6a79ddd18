# arguments.sh - what -D and the fields of a data file say of arguments and sizes: numbers of any kind,
# names that must be those of the model, sizes that are the model's own and not the library's.
. "$DGM_ROOT/tests/systems/lib.sh"

cat >m.dgm <<'END2'
model m(K, mu0 = 0, s : positive = 1) {
  data x[N] : real[K]
  data y[N] : index(3)
  latent b : real[K] ~ normal(mu0, s)
  latent p : simplex[3] ~ dirichlet(2)
  latent o : ordered[2] ~ normal(0, 1)
  latent C : corr[3] ~ lkj(2)
  for n in N {
    y[n] ~ categorical(p)
    factor logpdf(ordered_logistic(x[n] @ b, o), y[n])
  }
}
END2
echo '{"b": [0.3], "p": [0.2, 0.3, 0.5], "o": [-0.4, 1.1],
       "C": [[1, 0.2, 0.1], [0.2, 1, -0.3], [0.1, -0.3, 1]]}' >at.json
echo '{"x": [[1], [2], [-1]], "y": [0, 2, 1]}' >data.json

# value OUT ARGUMENTS...: the log joint at at.json of the model compiled with them
value() {
    out=$1; shift
    quick_dgmc "$@" --only=log_prob -o ./run || fail "does not compile: $*"
    ./run log-prob --data data.json --at at.json --json >out.json || fail "log-prob: $*"
    numbers out.json >"$out"
}

# A size K of 1 is that of the model: the library's laws have a K of their own.
value one m.dgm --data data.json
sed 's/\<K\>/covariates/g' m.dgm >n.dgm
value other n.dgm --data data.json
agree one other || fail "sizes of the model reach the library"

# Numbers that are no sizes, by -D and by a field.
sed 's/mu0 = 0/mu0 = -0.5/; s/positive = 1/positive = 2.25/' m.dgm >n.dgm
value written n.dgm --data data.json
value given m.dgm --data data.json -D mu0=-0.5 -D s=2.25
agree written given || fail "-D is not what the default would be"
echo '{"x": [[1], [2], [-1]], "y": [0, 2, 1], "mu0": -0.5, "s": 2.25, "N": 3, "K": 1}' >data.json
value field m.dgm --data data.json
agree written field || fail "a field is not what the default would be"
./run info --json | tr -d ' \n' | grep -q '"mu0":-0.5' || fail "info does not say mu0"
echo '{"x": [[1], [2], [-1]], "y": [0, 2, 1], "mu0": 0.5}' >data.json
expect_rc 3 ./run log-prob --data data.json --at at.json
grep -q 'mu0 is 0.5, but m was compiled for mu0 = -0.5' err.txt || fail "$(cat err.txt)"

# Names that the model does not have, and values that it cannot have.
echo '{"x": [[1], [2], [-1]], "y": [0, 2, 1]}' >data.json
for d in mu=3 n=3 b=2; do
    expect_rc 2 $dgmc m.dgm --data data.json -D $d -o ./run
    grep -q "no argument or size of this name" err.txt || fail "-D $d: $(cat err.txt)"
done
expect_rc 2 $dgmc m.dgm --data data.json -D MU0=3 -D S0=1 -o ./run
expect_rc 2 $dgmc m.dgm --data data.json -D s=1 -D s=2 -o ./run
for d in s= s=x s=1x s=nan s=inf s=0x10 =1; do expect_rc 2 $dgmc m.dgm --data data.json -D $d -o ./run; done
expect_rc 1 $dgmc m.dgm --data data.json -D s=-1 -o ./run
grep -q 'E0510.*`s` is -1 (-D), but must be positive' err.txt || fail "$(cat err.txt)"
expect_rc 1 $dgmc m.dgm -D K=1.5 --data data.json -o ./run
# A whole number may be a size that other models of the same file need.
for extra in 3.5 '[3]' '"a"' -1 null; do
    echo '{"x": [[1], [2], [-1]], "y": [0, 2, 1], "extra": '"$extra"'}' >data.json
    expect_rc 3 $dgmc run m.dgm --data data.json
    grep -q 'the model has no data `extra`' err.txt || fail "extra: $extra: $(cat err.txt)"
done
echo '{"x": [[1], [2], [-1]], "y": [0, 2, 1], "extra": 3}' >data.json
$dgmc run m.dgm --data data.json --quiet || fail "a size of other models"
$dgmc m.dgm --data data.json -o ./run && ./run posterior --data data.json --quiet || fail "the same of a trainer"
# That nothing is missing may be said before there are data.
$dgmc check "$DGM_ROOT/examples/models/camel.dgm" -D y_gaps=0 || fail "camel without gaps"
expect_rc 2 $dgmc check "$DGM_ROOT/examples/models/camel.dgm" -D z_gaps=0

# A number of rows that the spec says.
cat >five.dgm <<'END_OF_SPEC'
model five {
  data y[n in 5] : real
  latent m : real ~ normal(0, 1)
  for n in 5 { y[n] ~ normal(m, 1) }
}
END_OF_SPEC
quick_dgmc five.dgm --only=log_prob,simulate -o ./five
echo '{"y": [1, 2, 3, 4, 5, 6]}' >six.json
echo '{"m": 0.5}' >half.json
expect_rc 3 ./five log-prob --data six.json --at half.json
grep -q 'y has 6 rows, but the model declares 5 (five.dgm:2)' err.txt || fail "$(cat err.txt)"
./five simulate --out a.json
[ "$(values a.json y | wc -l)" -eq 5 ] || fail "rows of y[5]: $(cat a.json)"
