# cut.sh - laws of numbers cut to the supports of latents: to bounds that come from data, to vectors. Values by
# SciPy 1.17.1. Of vectors a constant is left out, so that differences between points are compared.
. "$DGM_ROOT/tests/systems/lib.sh"

# bounded LAW VALUES DATA EXPECTED: the log joint where the ends of the support come from data
bounded() {
    cat >m.dgm <<END2
model m {
  data a : unit
  data y[N] : positive
  latent $1
}
END2
    quick_dgmc m.dgm --only=log_prob --data "$3" -o ./m 2>err.txt || fail "$1: $(cat err.txt)"
    echo "$2" >at.json
    ./m log-prob --data "$3" --at at.json --json >out.json || fail "log-prob: $1"
    awk -v a="$(json out.json log_prob)" -v b="$4" 'BEGIN { d = a - b; if (d < 0) d = -d
        exit !(d <= 1e-10) }' || fail "$1: $(json out.json log_prob), not $4"
}
echo '{"a": 0.3, "y": [0.4, 1]}' >data.json
bounded 's : interval(a, inf) ~ exponential(1)' '{"s": 1.1}' data.json -0.8
bounded 's[2] : interval(a, inf) ~ exponential(1)' '{"s": [1.1, 0.5]}' data.json -1.0
bounded 's : interval(a, inf)[2] ~ exponential(1)' '{"s": [1.1, 0.5]}' data.json -1.0
bounded 's : interval(a, 2) ~ exponential(1)' '{"s": 1.1}' data.json -0.5982711043325548
bounded 's : interval(0, a) ~ beta(2, 2)' '{"s": 0.2}' data.json 1.4916548767777174
bounded 's : interval(max(y), inf) ~ exponential(1); for n in N { y[n] ~ uniform(0, s) }' '{"s": 1.1}' \
    data.json -0.29062035960864996
sed 's/latent .*/latent s : interval(a - 1, inf) ~ exponential(1)/' m.dgm >outside.dgm
expect_rc 1 $dgmc outside.dgm --data data.json -o ./m
grep -q 'E0914.*interval(a - 1, inf)' err.txt || fail "$(cat err.txt)"
$dgmc run m.dgm --data data.json --json >out.json || fail "a bound that is a reduction of data"

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

# survived TYPE LAW DATA AT EXPECTED: the log likelihood of times that are cut off, then censored
survived() {
    cat >m.dgm <<END2
model m {
  data t[N] : $1
  data entry[N] : real
  data exit[N] : real
  latent k : positive ~ lognormal(0, 1)
  latent s : positive ~ lognormal(2, 1)
  for n in N { t[n] ~ $2 }
}
END2
    echo "$3" >data.json
    echo "$4" >at.json
    quick_dgmc m.dgm --data data.json --only=log_prob,simulate -o ./m || fail "does not compile: $2"
    ./m log-prob --data data.json --at at.json --json >out.json || fail "log-prob: $2"
    awk -v a="$(tr -d ' \n' <out.json | sed 's/.*"t":\([^}]*\)}.*"lines".*/\1/')" -v b="$5" 'BEGIN {
        d = a - b; exit !(d * d <= 1e-20) }' || fail "$2: $(cat out.json), not $5"
}
survived positive 'weibull(k, s) |> truncate(lower: entry[n]) |> censor(upper: exit[n])' \
    '{"t": [3, 5, 7, 10], "entry": [1, 0.5, 6, 9], "exit": [10, 10, 7, 10]}' '{"k": 1.4, "s": 6.5}' \
    -4.881894944369944
./m simulate --data data.json --seed 3 --out drawn.json
tr -d ' \n' <drawn.json | sed 's/.*"t":\[\([^]]*\)\].*/\1/' |
    awk -F, '{ exit !($1 >= 1 && $1 <= 10 && $2 >= 0.5 && $3 >= 6 && $3 <= 7 && $4 >= 9 && $4 <= 10) }' ||
    fail "drawn out of bounds: $(cat drawn.json)"
survived real 'normal(k, s) |> truncate(lower: entry[n], upper: 4) |> censor(lower: 0, upper: exit[n])' \
    '{"t": [0, 1, 2], "entry": [-1, -1, -1], "exit": [2, 2, 2]}' '{"k": 0.3, "s": 1.2}' -4.717738387950485
