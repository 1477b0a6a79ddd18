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
echo '{"y": [1, 2]}' >data.json

# Bits as R writes them; values at an edge where the density is no number.
cat >b.dgm <<'END2'
model b {
  data x[N] : real
  data y[N] : bit
  latent s : positive ~ exponential(1)
  for n in N { x[n] ~ normal(y[n], s) }
}
END2
printf '"x","y"\n1,TRUE\n0.5,FALSE\n' >bits.csv
printf 'x,y\n1,1\n0.5,0\n' >ones.csv
quick_dgmc b.dgm --only=log_prob,log_prob_free -o ./b || fail "b does not compile"
echo '{"s": 0.7}' >at.json
for file in bits ones; do
    ./b log-prob --data $file.csv --at at.json --json >$file.out || fail "$file.csv"
    numbers $file.out >$file.txt
done
agree bits.txt ones.txt || fail "TRUE and FALSE are not 1 and 0"
echo '{"s": 0}' >at.json
for form in "" --unconstrained; do
    expect_rc 3 ./b log-prob --data ones.csv --at at.json $form
    grep -qF '`s` (b.dgm:4) is at the edge of its support positive (above 0): s is 0' err.txt ||
        fail "at 0: $(cat err.txt)"
done
echo '[1]' >at.json
expect_rc 3 ./b log-prob --data ones.csv --at at.json
grep -q 'no object with a field for each latent' err.txt || fail "$(cat err.txt)"

# Options of stochastic training, where the fit is another.
expect_rc 2 $dgmc run m.dgm --data data.json --steps 10

# A part of a sum of what is not negative is a unit, and all parts are a simplex: shares as books write
# them, whose density is that of their logarithms.
cat >shares.dgm <<'END2'
model shares(K = 3, G = 2) {
  data pick[N] : index(K)
  data first[N], second[N] : index(K)
  data won[N], ill[N], mixed[N] : bit
  data genotype[N] : index(3)
  latent p[K] : positive ~ gamma(2, 1)
  latent half, top : positive ~ gamma(2, 1)
  latent q : unit ~ beta(2, 2)
  let total = sum[k in K](p[k])
  let share[k in K] = p[k] / total
  let normal_form(v) = { let w = v * v; w / sum(w) }
  for n in N {
    pick[n] ~ categorical(share)
    won[n] ~ bernoulli(p[first[n]] / (p[first[n]] + p[second[n]]))
    ill[n] ~ bernoulli(q * half^2 / (half^2 + top^2))
    mixed[n] ~ bernoulli((half + q) / (q + top + half))
    genotype[n] ~ categorical([q * q, 2 * q * (1 - q), (1 - q)^2])
    factor log(normal_form([p[0], p[2]])[1])
  }
}
END2
cat >data.json <<'END2'
{"pick": [0, 2], "first": [0, 1], "second": [2, 0], "won": [1, 0], "ill": [1, 0], "mixed": [1, 0],
 "genotype": [1, 2]}
END2
echo '{"p": [1, 2, 3], "half": 1, "top": 2, "q": 0.5}' >at.json
quick_dgmc shares.dgm --only=log_prob --data data.json -o ./shares || fail "shares do not compile"
./shares log-prob --data data.json --at at.json --json >lp.json
exact() { holds "($(json lp.json $1) - ($2))^2 < 1e-22" "$1"; }
exact pick "log(1/6) + log(3/6)"
exact won "log(1/4) + log(1/3)"
exact ill "log(0.1) + log(0.9)"
exact mixed "log(1.5 / 3.5) + log(2 / 3.5)"
exact genotype "log(0.5) + log(0.25)"
exact factor "2 * log(0.9)"
