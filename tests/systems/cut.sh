# cut.sh - laws of numbers cut to supports of vectors: what their normaliser owes to latents stays in the
# density. Values by SciPy 1.17.1; a constant is left out, so that differences between points are compared.
. "$DGM_ROOT/tests/systems/lib.sh"

# differ LAW A B EXPECTED: log joint of the latents at A less that at B
differ() {
    cat >m.dgm <<END2
model m {
  data y : real
  latent s : positive ~ exponential(1)
  latent m : real ~ normal(0, 1)
  $1
  y ~ normal(m, s)
}
END2
    quick_dgmc m.dgm --only=log_prob -o ./m || fail "does not compile: $1"
    for at in "$2" "$3"; do
        echo "$at" >at.json
        echo '{"y": 0.4}' >data.json
        ./m log-prob --data data.json --at at.json --json >out.json || fail "log-prob: $1"
        sed 's/.*"log_prob": *\([^,}]*\).*/\1/; t; d' out.json | head -n 1
    done >values.txt
    awk -v want="$4" 'NR == 1 { a = $1 } END { d = a - $1 - want; if (d < 0) d = -d
        exit !(NR == 2 && d <= 1e-10) }' values.txt || fail "$1: $(tr '\n' ' ' <values.txt), not $4 apart"
}
a='{"s": 0.7, "m": 0.3, "c": [0.1, 0.2, -0.3]}'
b='{"s": 2.0, "m": -1, "c": [1, -0.2, -0.8]}'
differ 'latent c : zerosum[3] ~ normal(0, s)' "$a" "$b" 5.206405149006237
differ 'latent c : zerosum[3] ~ normal(m, s)' "$a" "$b" 5.206405149006237
differ 'latent c : zerosum[3] ~ normal(0, s) |> unnormalised' "$a" "$b" 6.256227273504916
a='{"s": 0.7, "m": 0.3, "c": [0.1, 0.2, 0.3]}'
b='{"s": 2.0, "m": -1, "c": [0.2, 0.5, 0.6]}'
differ 'latent c : ordered(0, 1)[3] ~ normal(m, s)' "$a" "$b" 3.2619877206190413
differ 'latent c : ordered(0, inf)[3] ~ normal(m, s)' "$a" "$b" 4.611505194132416
differ 'latent c : ordered[3] ~ normal(m, s)' "$a" "$b" 6.919314008198793
a='{"s": 0.7, "m": 0.3, "c": [[0.1, 0.2, -0.3], [0.3, 0.1, -0.4]]}'
b='{"s": 2.0, "m": -1, "c": [[1, -0.2, -0.8], [0, 0.5, -0.5]]}'
differ 'latent c[2] : zerosum[3] ~ normal(0, s)' "$a" "$b" 7.103243275554613
differ 'for j in 2 { latent c : zerosum[3] ~ normal(0, s) }' "$a" "$b" 7.103243275554613
