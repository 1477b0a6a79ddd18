# log_prob.sh - log-prob refuses wrong values and data by name; its terms add up; free numbers and values
# give one density up to the Jacobian; and a sampler linked to a compiled model finds the posterior.
. "$DGM_ROOT/tests/systems/lib.sh"
case=$DGM_ROOT/tests/posteriordb/eight_schools-eight_schools_noncentered
model=$DGM_ROOT/examples/posteriordb/eight_schools_noncentered.dgm
"$dgmc" "$model" --data "$case/data.json" -o eight
echo '{"mu": 4, "tau": 3, "theta_trans": [0, 1, -1, 0.5, 0, 0, 2, 1]}' >at.json
./eight log-prob --data "$case/data.json" --at at.json --json >values.json
./eight log-prob --data "$case/data.json" --at at.json --json --unconstrained >free.json
./eight log-prob --data "$case/data.json" --at at.json >table.txt
grep -q 'eight_schools_noncentered.dgm:6: log cauchy' table.txt || fail "no spec line: $(cat table.txt)"
holds "$(json values.json mu) + $(json values.json tau) + $(json values.json theta_trans) \
    + $(json values.json y) - ($(json values.json log_prob)) < 1e-9"
# d tau / d u = tau: the Jacobian is log 3
holds "($(json free.json log_prob) - ($(json values.json log_prob)) - log(3)) ^ 2 < 1e-20"
# N(4; 0, 5), and the half-Cauchy with its factor 2
holds "($(json values.json mu) - (-0.32 - log(5) - 0.5 * log(6.283185307179586))) ^ 2 < 1e-20"
holds "($(json values.json tau) - (log(2) - log(3.141592653589793 * 5 * 1.36))) ^ 2 < 1e-20"

refuse() { expect_rc 3 ./eight log-prob --data "$1" --at "$2"
    grep -q "$3" err.txt || fail "wanted '$3': $(cat err.txt)"; }
echo '{"mu": 4, "tau": 3}' >less.json
refuse "$case/data.json" less.json "no field .theta_trans."
echo '{"mu": 4, "tau": 3, "theta_trans": [0, 1, -1, 0.5, 0, 0, 2, 1], "eta": 1}' >more.json
refuse "$case/data.json" more.json "eta"
echo '{"mu": 4, "tau": 3, "theta_trans": [0, 1]}' >short.json
refuse "$case/data.json" short.json "theta_trans. has shape \[2\]"
sed 's/"J":8/"J":9/' "$case/data.json" >nine.json
refuse nine.json at.json "J is 9"
sed 's/"J":8/"J":8,"age":[1]/' "$case/data.json" >extra.json
refuse extra.json at.json "no data .age."
sed 's/"sigma":\[15/"sigma":[-15/' "$case/data.json" >support.json
refuse support.json at.json "element 0.*-15 is outside the support positive"
sed 's/"sigma"/"sigmas"/' "$case/data.json" >name.json
refuse name.json at.json "no data .sigmas."
quick_dgmc "$model" --only=log_prob -D J=8 --precision f32 -o single
expect_rc 2 ./single log-prob --data "$case/data.json" --at at.json

# A matrix by name: covariance[K] is K x K in the file. The value is SciPy 1.17.1's.
cat >w.dgm <<'END'
model w {
  data S : covariance[K]
  latent W : covariance[K] ~ wishart(5, scale: S)
}
END
echo '{"S": [[2, 0.3, 0.1], [0.3, 1, 0.2], [0.1, 0.2, 1.5]]}' >w.json
echo '{"W": [[3, 0.5, 0.2], [0.5, 2, 0.1], [0.2, 0.1, 1]]}' >w_at.json
quick_dgmc w.dgm --only=log_prob --data w.json -o w
./w log-prob --data w.json --at w_at.json --json >w_out.json
holds "($(json w_out.json log_prob) + 10.883303176188367) ^ 2 < 1e-24"

# Values outside of their supports are refused by name; edges are not outside, and sums may be rounded.
cat >sup.dgm <<'END'
model sup {
  data y : real
  latent o : ordered[3] ~ normal(0, 3)
  latent b : ordered(0, 1)[2] ~ normal(0, 1)
  latent w[2] : simplex[3] ~ dirichlet(2)
  latent R : corr[2] ~ lkj(2)
  latent z : zerosum[3] ~ normal(0, 1)
  latent p : unit ~ beta(2, 2)
  latent q : positive ~ exponential(1)
  latent u : unit_vector[2] ~ flat
  latent L : cholesky[2] ~ flat
  latent K : corr_cholesky[3] ~ lkj_cholesky(2)
  latent C : covariance[2] ~ wishart(3, scale: [[1, 0], [0, 1]])
  latent v : interval(-1000, 2) ~ normal(0, 1)
  y ~ normal(p + u[0] + L[0, 0], 1)
}
END
cat >sup.at <<'END'
{"o": [1, 2, 3],
"b": [0.2, 0.5],
"w": [[0.2, 0.3, 0.5], [0.1, 0.1, 0.8]],
"R": [[1, 0.5], [0.5, 1]],
"z": [1, -0.5, -0.5],
"p": 0.3,
"q": 1,
"u": [0.6, 0.8],
"L": [[1, 0], [0.3, 2]],
"K": [[1, 0, 0], [0.6, 0.8, 0], [0.6, 0, 0.8]],
"C": [[2, 0.5], [0.5, 1]],
"v": 1e-9}
END
echo '{"y": 1}' >sup.json
quick_dgmc sup.dgm --only=log_prob -o sup
./sup log-prob --data sup.json --at sup.at --json >sup_out.json
# at NAME VALUES: the values with those of NAME instead
at() { sed "s/\"$1\": .*[^},]\([},]*\)\$/\"$1\": $2\1/" sup.at >one.at; grep -qF -- "$2" one.at || fail "$1"; }
while read -r name value; do
    at "$name" "$value"
    ./sup log-prob --data sup.json --at one.at >/dev/null || fail "$name $value is no edge"
done <<'END'
o [1, 1, 2]
b [0, 1]
w [[0.333333, 0.333333, 0.333333], [0.2, 0.8, 0]]
w [[0, 0, 1], [1, 0, 0]]
R [[1, 1], [1, 1]]
z [0, 0, 0]
p 1
q 0
u [0, 1]
K [[1, 0, 0], [1, 0, 0], [0.6, 0, 0.8]]
C [[1, 1], [1, 1]]
v -1000
END
while read -r name value; do
    at "$name" "$value"
    expect_rc 3 ./sup log-prob --data sup.json --at one.at
    grep -q "\`$name\` (sup.dgm:[0-9]*) is outside of its support .*(.*): $name.* is [-0-9]" err.txt ||
        fail "$name $value: $(cat err.txt)"
done <<'END'
o [3, 2, 1]
b [0.5, 0.2]
b [0.5, 1.2]
w [[0.2, 0.3, 0.5], [0.5, 0.5, 0.5]]
w [[-0.5, 0.7, 0.8], [0.1, 0.1, 0.8]]
R [[1, 0.5], [0.2, 1]]
R [[1, 1.5], [1.5, 1]]
R [[2, 0.5], [0.5, 2]]
z [1, 1, 1]
p 1.5
q -1
u [1, 1]
L [[1, 2], [1, 1]]
L [[-1, 0], [0, 1]]
K [[1, 0, 0], [0.6, 0.9, 0], [0.6, 0, 0.8]]
C [[1, 2], [2, 1]]
C [[1, 0.2], [0.3, 1]]
v 2.01
END

# One latent: its free number alone is as good as its name.
cat >one.dgm <<'END'
model one {
  data y[N] : real
  latent s : positive ~ exponential(1)
  for n in N { y[n] ~ normal(0, s) }
}
END
echo '{"y": [1, 2, 3]}' >one.json
echo '[0.3]' >one.free
echo '{"s": 1.3498588075760032}' >one.at
quick_dgmc one.dgm --only=log_prob,log_prob_free -o one
for at in free at; do
    ./one log-prob --unconstrained --data one.json --at one.$at --json >one_$at.json
done
holds "($(json one_free.json log_prob) - ($(json one_at.json log_prob))) ^ 2 < 1e-24"
expect_rc 3 ./one log-prob --data one.json --at one.free

# A latent array that nothing reads has the gradient 0.
cat >unread.dgm <<'END'
model unread {
  data y : real
  latent a[3] : real ~ flat
  latent b : real ~ normal(0, 1)
  y ~ normal(b, 1)
}
END
echo '{"a": [1, 2, 3], "b": 0.5, "y": 1}' >unread.json
quick_dgmc unread.dgm --only=log_prob -o unread
./unread log-prob --data unread.json --at unread.json --json | tr -d ' \n' >unread.out
grep -q '"a":\[0.0,0.0,0.0\]' unread.out || fail "$(cat unread.out)"

# What depends on the data alone is computed once: no lgamma in a density of counts, with the same value.
cat >counts.dgm <<'END'
model counts {
  data c[N], g[N] : count
  data t[N] : positive
  latent m : real ~ normal(0, 2)
  latent u[3] : real ~ normal(0, 1)
  for n in N { c[n] ~ poisson(t[n] ^ 0.75 * exp(m + u[g[n]])) }
}
END
"$dgmc" counts.dgm --only=log_prob --dump=ir --stop=ir >counts.ir
[ "$(sed '/^fn log_prob$/,$d' counts.ir | grep -c -e lgamma -e pow)" = 2 ] || fail "not once: $(cat counts.ir)"
sed -n '/^fn log_prob$/,$p' counts.ir | grep -e lgamma -e pow && fail "computed again and again"
echo '{"c": [1, 5, 0], "g": [0, 2, 2], "t": [1.5, 2.5, 1.1], "m": 0.3, "u": [0.1, 0.2, -0.4]}' >counts.json
quick_dgmc counts.dgm --only=log_prob --data counts.json -o counts
./counts log-prob --data counts.json --at counts.json --json >counts.out
want=$(awk 'BEGIN { split("1 5 0", c, " "); split("0.1 -0.4 -0.4", u, " "); split("1.5 2.5 1.1", t, " ")
    split("0 4.787491742782046 0", f, " ")             # log c!
    x = -log(2) - 0.5 * (0.3 / 2) ^ 2 - 0.5 * (0.1 ^ 2 + 0.2 ^ 2 + 0.4 ^ 2) - 2 * log(8 * atan2(1, 1))
    for (n = 1; n <= 3; n++) { r = 0.75 * log(t[n]) + 0.3 + u[n]; x += c[n] * r - exp(r) - f[n] }
    printf "%.17g", x }')
holds "($(json counts.out log_prob) - ($want)) ^ 2 < 1e-24" "$(cat counts.out) $want"

# Hamiltonian Monte Carlo through the C API; reference draws: mu 4.4 (sd 3.3), tau 3.6 (sd 3.2).
"$dgmc" "$model" -D J=8 --emit=c -o eight.c
libraries="-lopenblas -lpng -lz -ljansson -lm"
flags=$(sed -n 's/.*\.cflags = "\(.*\)",$/\1/p' eight.c)    # those of a trainer
# shellcheck disable=SC2086
cc ${flags:?} -DDGM_NO_MAIN -DDGM_F64 -I "$DGM_ROOT/runtime" eight.c \
    "$DGM_ROOT/examples/sampler/hmc.c" "$DGM_BUILD/libdgm_f64.a" $libraries -o hmc
OMP_NUM_THREADS=1 ./hmc "$case/data.json" >hmc.txt
mean() { awk -v z="$1[0]" '$1 == z { print $2 }' hmc.txt; }
holds "($(mean mu) - 4.4) ^ 2 < 0.16" "$(cat hmc.txt)"
holds "($(mean tau) - 3.6) ^ 2 < 0.25" "$(cat hmc.txt)"
