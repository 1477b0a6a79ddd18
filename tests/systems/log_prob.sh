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
