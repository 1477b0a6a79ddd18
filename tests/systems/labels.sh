# labels.sh - `run` where labels can change places: each label has the posterior of all, or a warning
# says that it has not.
. "$DGM_ROOT/tests/systems/lib.sh"
export DGMC_CACHE="$scratch/cache"

# three groups of 12 about 100, 130 and 170
awk 'BEGIN { split("-9 -7 -5 -4 -2 -1 1 2 3 5 7 10", e); split("100 130 170", m); printf "{\"y\": ["
    for (k = 1; k <= 3; k++) for (i = 1; i <= 12; i++)
        printf "%s%s", m[k] + e[i] / 2, k * i < 36 ? ", " : "]}\n" }' >groups.json
cat >groups.dgm <<'END'
model groups(K = 3) {
  data y[N] : real
  latent w : simplex[K] ~ dirichlet(1)
  latent mu[K] : real ~ normal(0, 100)
  latent s[K] : positive ~ normal(0, 20)
  for n in N {
    latent z : index(K) ~ categorical(w)
    y[n] ~ normal(mu[z], s[z])
  }
}
END
# fitted MODEL DATA SEED [OPTION ..]
fitted() {
    model=$1 data=$2 seed=$3
    shift 3
    "$dgmc" run "$model" --data "$data" --seed "$seed" --out out --quiet "$@" 2>warnings.txt ||
        fail "$model: $(cat warnings.txt)"
}
# of NAME: the numbers of that field of `posterior`, one a line
of() {
    tr -d ' \n' <out/report.json | sed 's/.*"posterior":{//; s/.*"'"$1"'":{"mean":\[\([^]]*\)\].*/\1/' |
        tr ',' '\n'
}
# alike NAME SPREAD: these means are one, to within SPREAD
alike() {
    of "$1" | awk -v spread="$2" 'NR == 1 { low = high = $1 }
        $1 < low { low = $1 } $1 > high { high = $1 } END { exit !(NR > 1 && high - low < spread) }' ||
        fail "$1 of seed $seed: $(of "$1" | tr '\n' ' ')"
}
for seed in 1 2 3; do
    fitted groups.dgm groups.json "$seed"
    alike mu 3                         # of an sd of 28
    [ ! -s warnings.txt ] || fail "seed $seed: $(cat warnings.txt)"
done

"$dgmc" run groups.dgm --data groups.json >table.txt
grep -q 'the labels of `w`, `mu`, `s` can change places: each label has the posterior of all' table.txt ||
    fail "it is not said: $(head -12 table.txt)"

# -- more orders than a law has parts for --------------------------------------------------------------
fitted groups.dgm groups.json 1 -D K=4
grep -q 'labels of `w`, `mu`, `s` can change places, in 24 orders' warnings.txt ||
    grep -q '^warning: modes' warnings.txt || fail "four labels: $(cat warnings.txt)"

# -- one Gaussian alone reports one of the orders, and says so ------------------------------------------
fitted groups.dgm groups.json 1 --family fullrank
grep -qE '^warning: (modes|labels)' warnings.txt || fail "one order: $(cat warnings.txt)"

# -- labels along two axes, of rows and columns at once; means with a law of their own ------------------
cat >chain.dgm <<'END'
model chain(K = 2) {
  data y[T] : real
  latent A[K] : simplex[K] ~ dirichlet(2)
  latent m : real ~ normal(0, 10)
  latent tau : positive ~ normal(0, 5)
  latent mu[K] : real ~ normal(m, tau)
  scan t in T {
    latent z : index(K) ~ if t == 0 then categorical([0.5, 0.5]) else categorical(A[z[t - 1]])
    y[t] ~ normal(mu[z], 1)
  }
}
END
echo '{"y": [1.2, 0.3, 0.9, 1.8, 5.5, 4.1, 5.2, 6, 4.6, 0.1, 1, 1.4, 0.8, 1.1, 4.9, 5.1, 5.3]}' >chain.json
for seed in 1 2; do
    fitted chain.dgm chain.json "$seed"
    alike mu 0.3                       # of an sd of 2
    [ ! -s warnings.txt ] || fail "seed $seed of the chain: $(cat warnings.txt)"
done

# -- what an order or a prior tells apart, or no mode does, is left as it is -------------------------------
sed 's/mu\[K\] : real/mu : ordered[K]/' groups.dgm >ordered.dgm
fitted ordered.dgm groups.json 1
[ ! -s warnings.txt ] || fail "ordered: $(cat warnings.txt)"
of mu | awk 'NR > 1 && $1 < last + 20 { exit 1 } { last = $1 }' || fail "ordered: $(of mu)"
cat >sum.dgm <<'END'
model sum_of(K = 3) {
  data y[N] : real
  latent a[K] : real ~ normal(0, 1)
  for n in N { y[n] ~ normal(sum(a), 1) }
}
END
echo '{"y": [1, 2, 3]}' >sum.json
fitted sum.dgm sum.json 1
[ ! -s warnings.txt ] || fail "a sum: $(cat warnings.txt)"
"$dgmc" run sum.dgm --data sum.json >table.txt
if grep 'change places' table.txt; then fail "they are not told apart by any mode"; fi
if grep -q 'mixture' out/report.json; then fail "a sum has one mode: $(cat out/report.json)"; fi
