# positions.sh - data read as positions of an array must be positions of it; plates whose size no data
# have run over all of it.
. "$DGM_ROOT/tests/systems/lib.sh"

# spec TYPE STATEMENTS: data y and g of rows, three numbers a
spec() {
    cat >m.dgm <<END2
model m {
  data y[N] : real
  data g[N] : $1
  latent a[3] : real ~ normal(0, 1)
  $2
}
END2
}
echo '{"a": [0.1, -0.2, 0.3]}' >at.json
data() { echo "{\"y\": [1, 2, 3, 4], \"g\": [$1]}" >data.json; }

# log_joint OUT: at at.json
log_joint() {
    quick_dgmc m.dgm --only=log_prob --data data.json -o ./m || fail "does not compile: $(cat m.dgm)"
    ./m log-prob --data data.json --at at.json --json >out.json || fail "log-prob: $(cat m.dgm)"
    numbers out.json >"$1"
}
# refused VALUES SENTENCE: data that the compiled model refuses
refused() {
    data "$1"
    expect_rc 3 ./m log-prob --data data.json --at at.json
    grep -q "$2" err.txt || fail "$1: $(cat err.txt)"
}

data '0, 2, 1, 2'
spec 'index(3)' 'for n in N { y[n] ~ normal(a[g[n]], 1) }'
log_joint labels
for type in count integer; do
    data '0, 2, 1, 2'
    spec $type 'for n in N { y[n] ~ normal(a[g[n]], 1) }'
    log_joint out; agree out labels || fail "$type as labels"
    refused '0, 2, 1, 3' 'row 3, element 0 (both from 0): 3 is outside the support 0 .. 2 (positions of `a`)'
    data '1, 3, 2, 3'
    spec $type 'for n in N { y[n] ~ normal(a[g[n] - 1], 1) }'
    log_joint out; agree out labels || fail "$type as labels from 1"
    refused '1, 3, 0, 2' 'row 2, .* 0 is outside the support 1 .. 3'
    refused '1, 3, 4, 2' 'row 2, .* 4 is outside the support 1 .. 3'
done
refused '1, 3, 1.5, 2' '1.5 is not a whole number'
data '1, 3, 2, 3'
spec count 'let h[n in N] = g[n] - 1
  for n in N { y[n] ~ normal(a[h[n]], 1) }'
log_joint out; agree out labels || fail "labels computed by a let"
refused '1, 3, 0, 2' '0 is outside the support 1 .. 3'

# What a condition keeps out is no position.
data '0, 3, 2, 1'
for statement in 'for n in N { y[n] ~ normal(if g[n] > 0 then a[g[n] - 1] else 0, 1) }' \
    'for n in N where g[n] > 0 { y[n] ~ normal(a[g[n] - 1], 1) }' \
    'factor sum[n in N where g[n] > 0](a[g[n] - 1])'; do
    spec count "$statement"
    log_joint out
done

# Plates of three positions, of what is computed of the data: the same with data of that size.
data '0, 1, 2, 0'
spec 'index(3)' 'let s[i in 3] = sum[n in N where g[n] == i](y[n])
  for i in 3 { s[i] ~ normal(a[i], 1); factor s[i] * a[i] }'
log_joint computed
cat >m.dgm <<'END2'
model m {
  data s[3] : real
  latent a[3] : real ~ normal(0, 1)
  for i in 3 { s[i] ~ normal(a[i], 1); factor s[i] * a[i] }
}
END2
echo '{"s": [5, 2, 3]}' >data.json
log_joint given
agree computed given || fail "a plate whose size no data have"

# Cumulative sums, this position included, are those of the positions before and this one.
data '0, 1, 2, 0'
spec 'index(3)' 'let c[n in N] = sum[s in 0 .. n + 1](y[s])
  for n in N { c[n] ~ normal(a[g[n]], 1) }'
log_joint included
spec 'index(3)' 'let c[n in N] = sum[s in n](y[s]) + y[n]
  for n in N { c[n] ~ normal(a[g[n]], 1) }'
log_joint before
agree included before || fail "a cumulative sum to n + 1"
