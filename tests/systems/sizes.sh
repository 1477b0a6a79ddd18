# sizes.sh - sizes that follow from values of data, against the same model with the number written
# down: one log density and gradient. Other data must fit the program; files that say nothing of
# values leave such a size open. Real numbers that a discrete law draws are whole ones of the law.
. "$DGM_ROOT/tests/systems/lib.sh"

# log_joint NAME DATA: of NAME.dgm at at.json
log_joint() {
    quick_dgmc "$1.dgm" --only=log_prob --data "$2" -o "./$1" || fail "$1 does not compile"
    "./$1" log-prob --data "$2" --at at.json --json >out.json || fail "log-prob of $1"
    numbers out.json >"$1.txt"
}
# refused NAME DATA SENTENCE
refused() {
    echo "$2" >other.json
    expect_rc 3 "./$1" log-prob --data other.json --at at.json
    grep -q "$3" err.txt || fail "$2: $(cat err.txt)"
}

# -- the largest value, a number of the data ------------------------------------------------------------
spec() {                               # NAME DECLARATIONS SIZE
    cat >"$1.dgm" <<END
model $1 {
  data y[N] : real
  data g[N] : count
  data K : count
  $2
  latent a[$3] : real ~ normal(0, 1)
  latent b : real[K] ~ normal(1, 2)
  for n in N { y[n] ~ normal(a[g[n]] * $3 + sum(b) / K, 1) }
}
END
}
echo '{"y": [1, 2, 3, 4], "g": [0, 2, 1, 2], "K": 2, "M": 2}' >data.json
echo '{"a": [0.1, -0.2, 0.3], "b": [0.4, 0.7]}' >at.json
spec number '' 3
sed -i 's/real\[K\]/real[2]/; /data K/d; s/ K/ 2/' number.dgm
echo '{"y": [1, 2, 3, 4], "g": [0, 2, 1, 2]}' >number.json
log_joint number number.json
spec named 'let J = max(g) + 1' J
spec direct '' '(max(g) + 1)'
spec reduced 'let most = max[n in N](g[n]); let J = most + K - 1' J
spec either 'let J = max(max(g), 1) + 1' J
spec ahead 'data M : count; let J = M + 1' J
for m in named direct reduced either ahead; do
    log_joint $m data.json
    agree $m.txt number.txt || fail "$m is another model than with 3 written down"
    refused $m '{"y": [1, 2, 3, 4], "g": [0, 3, 1, 2], "K": 2, "M": 2}' '3 is outside the support 0 .. 2'
    refused $m '{"y": [1, 2, 3, 4], "g": [0, 2, 1, 2], "K": 3, "M": 2}' 'K is 3, but .* compiled for K = 2'
done
printf 'y,g\n1,0\n2,2\n3,1\n4,2\n' >data.csv
quick_dgmc named.dgm --only=log_prob --data data.csv -D K=2 -o ./csv || fail "the largest of a column"
# smaller values fit
refused ahead '{"y": [1, 2, 3, 4], "g": [0, 2, 1, 2], "K": 2, "M": 3}' 'M is 3, but .* compiled for M = 2'
echo '{"y": [1, 2], "g": [0, 1], "K": 2}' >data.json
./named log-prob --data data.json --at at.json >/dev/null || fail "smaller labels do not fit"
# without the values it is open
sed -i 's/ \* J / /' named.dgm
expect_rc 1 "$dgmc" named.dgm -D K=2 -o ./none
grep -q 'it follows from data: give them, --data FILE' err.txt || fail "$(cat err.txt)"

# -- lengths that data say: sums over n[j], and over min(t, 2) -------------------------------------------
cat >lengths.dgm <<'END'
model lengths {
  data n[J] : count
  data y[T] : real
  latent c : real[max(n)] ~ normal(0, 1)
  for j in J { factor sum[i in n[j]](c[i]) }
  scan t in T { y[t] ~ normal(sum[s in min(t, 2)](c[s] * y[t - 1 - s]), 1) }
}
END
cat >lengthshand.dgm <<'END'
model lengthshand {
  data y[3] : real
  latent c : real[3] ~ normal(0, 1)
  factor c[0] + c[0] + c[1] + c[2]
  factor logpdf(normal(0, 1), y[0]) + logpdf(normal(c[0] * y[0], 1), y[1])
       + logpdf(normal(c[0] * y[1] + c[1] * y[0], 1), y[2])
}
END
echo '{"n": [1, 3, 0], "y": [0.5, 1, -2]}' >data.json
echo '{"y": [0.5, 1, -2]}' >hand.json
echo '{"c": [0.3, -0.2, 0.9]}' >at.json
log_joint lengths data.json
log_joint lengthshand hand.json
agree lengths.txt lengthshand.txt || fail "sums over lengths that data say"
refused lengths '{"n": [1, 4, 0], "y": [0.5, 1, -2]}' '4 is outside the support 0 .. 3'

# -- loops to where the data say, over rows of one width: as of ragged rows -------------------------------
rows() {                               # NAME DECLARATION LENGTH
    cat >"$1.dgm" <<END
model $1 {
  $2
  latent r : real ~ normal(0, 1)
  let total[j in J] = sum[k in $3](y[j, k])
  for j in J {
    factor -sq(total[j] - r)
    for k in $3 { y[j, k] ~ normal(r * k, 1) }
    scan k in 1 .. $3 { let e = r * previous(e, 1); factor -sq(y[j, k] - e) }
  }
}
END
}
rows ragged 'data y[j in J, n[j]] : real' 'n[j]'
rows padded 'data n[J] : count; data y[J, K] : real' 'n[j]'
rows until 'data n[J] : count; data y[J, K] : real' '0 .. n[j]'
sed -i 's/1 \.\. 0 \.\./1 ../' until.dgm
echo '{"r": 0.7}' >at.json
echo '{"y": [[1, 2], [1, 2, 3], [1]]}' >ragged.json
echo '{"n": [2, 3, 1], "y": [[1, 2, 9], [1, 2, 3], [1, 9, 9]]}' >padded.json
log_joint ragged ragged.json
for m in padded until; do
    log_joint $m padded.json
    agree $m.txt ragged.txt || fail "$m rows are no ragged ones"
    refused $m '{"n": [2, 4, 1], "y": [[1, 2, 9], [1, 2, 3], [1, 9, 9]]}' '4 is outside the support 0 .. 3'
done

# -- real numbers left of a discrete law ------------------------------------------------------------------
echo '{"p": 0.3}' >at.json
bits() {                               # NAME TYPE LEFT LAW
    cat >"$1.dgm" <<END
model $1 {
  data y[N] : $2
  latent p : unit ~ beta(1, 1)
  let z[n in N] = y[n] - 1
  for n in N { $3 ~ $4 }
}
END
}
bits plain bit 'y[n]' 'bernoulli(p)'
echo '{"y": [1, 0, 1]}' >bits.json
log_joint plain bits.json
drawn() {                              # TYPE LEFT LAW DATA
    bits drawn "$1" "$2" "$3"
    echo "{\"y\": [$4]}" >data.json
    log_joint drawn data.json
    agree drawn.txt plain.txt || fail "$2 of type $1 drawn as bits"
    refused drawn '{"y": [1, 0.5, 2]}' '0.5 is not a whole number, as .* needs'
    refused drawn '{"y": [1, 7, 2]}' '7 is outside the support'
}
drawn real 'y[n]' 'bernoulli(p)' '1, 0, 1'
drawn count 'y[n]' 'categorical([1 - p, p])' '1, 0, 1'
drawn integer 'y[n]' 'binomial(1, p)' '1, 0, 1'
drawn real 'z[n]' 'bernoulli(p)' '2, 1, 2'
