# supports.sh - data on supports of vectors and matrices are checked as a whole, row by row; what a file
# that is no JSON for a small reason should be is said.
. "$DGM_ROOT/tests/systems/lib.sh"

# checked TYPE GOOD BAD FAULT: the first row of data is GOOD, the second BAD
checked() {
    cat >m.dgm <<END2
model m {
  data x[N] : $1
  latent a : real ~ normal(0, 1)
  for n in N { factor a * sum(x[n]) }
}
END2
    echo "{\"x\": [$2, $2]}" >data.json
    quick_dgmc m.dgm --only=log_prob --data data.json -o ./m || fail "$1 does not compile"
    echo '{"a": 0.1}' >at.json
    ./m log-prob --data data.json --at at.json >out.txt || fail "$1: good data are refused"
    echo "{\"x\": [$2, $3]}" >data.json
    expect_rc 3 ./m log-prob --data data.json --at at.json
    grep -qF " 1 (from 0) is outside the support $1: $4" err.txt || fail "$1: $(cat err.txt)"
}
checked 'simplex[3]' '[0.2, 0.3, 0.5]' '[0.2, 0.3, 0.4]' 'its sum is not 1'
checked 'zerosum[3]' '[0.2, 0.3, -0.5]' '[0.2, 0.3, 0.4]' 'its sum is not 0'
checked 'ordered[3]' '[-1, 0, 7]' '[-1, 7, 0]' 'it does not increase'
checked 'ordered(0, inf)[2]' '[1, 2]' '[2, 1]' 'it does not increase'
checked 'unit_vector[2]' '[0.6, -0.8]' '[0.6, 0.6]' 'its length is not 1'
checked 'cholesky[2]' '[[1, 0], [3, 2]]' '[[1, 0.1], [3, 2]]' 'it is not lower triangular'
checked 'cholesky[2]' '[[1, 0], [3, 2]]' '[[1, 0], [3, -2]]' 'its diagonal is not above 0'
checked 'corr_cholesky[2]' '[[1, 0], [0.6, 0.8]]' '[[1, 0], [3, 2]]' 'its rows are not of length 1'
checked 'covariance[2]' '[[4, 1], [1, 2]]' '[[4, 1], [1.1, 2]]' 'it is not symmetric'
checked 'covariance[2]' '[[4, 1], [1, 2]]' '[[1, 2], [2, 1]]' 'it is not positive definite'
checked 'covariance[3]' '[[4, 1, 0], [1, 2, 1], [0, 1, 1]]' '[[4, 1, 0], [1, 2, 2], [0, 2, 1]]' \
    'it is not positive definite'
checked 'corr[2]' '[[1, 0.2], [0.2, 1]]' '[[1, 0.2], [0.2, 1.1]]' 'its diagonal is not 1'

# Files that other programs write: a byte order mark, numbers that JSON does not have, one for a list.
cat >m.dgm <<'END2'
model m {
  data y[N] : real
  latent a : real ~ normal(0, 1)
  for n in N { y[n] ~ normal(a, 1) }
}
END2
printf '\357\273\277{"y": [1, 2]}' >data.json
quick_dgmc m.dgm --only=log_prob --data data.json -o ./m || fail "a byte order mark: does not compile"
./m log-prob --data data.json --at at.json >out.txt || fail "a byte order mark"
said() {                               # TEXT SENTENCE
    echo "{\"y\": $1}" >data.json
    expect_rc 3 ./m log-prob --data data.json --at at.json
    grep -q "$2" err.txt || fail "$1: $(cat err.txt)"
}
said '[1, NaN]' 'write null for a missing value'
said '[1, Infinity]' 'write null for a missing value'
said '[1, 12345678901234567890123]' 'with a point'
said '1' 'y is one number, but the model declares an axis'
said '[]' 'holds no rows'
