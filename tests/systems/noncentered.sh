# noncentered.sh - a latent that the compiler non-centres has the density and gradient, by its free
# numbers, of the model that does it by hand; values, bound and facts stay right.
. "$DGM_ROOT/tests/systems/lib.sh"
models=$DGM_ROOT/examples/posteriordb
case=$DGM_ROOT/tests/posteriordb/eight_schools-eight_schools_noncentered

# -- eight schools: by the option, by the family's word, and the file written by hand -----------------
quick_dgmc "$models/eight_schools_centered.dgm" -D J=8 --noncenter theta -o option
quick_dgmc "$models/eight_schools_centered.dgm" -D J=8 --noncenter none -o centred
quick_dgmc "$models/eight_schools_noncentered.dgm" -D J=8 --only=log_prob,log_prob_free -o hand
{
    cat "$models/eight_schools_centered.dgm"
    echo 'family for eight_schools_centered { for j in J { theta ~ noncentered }; others ~ meanfield }'
} >word.dgm
quick_dgmc word.dgm -D J=8 --only=log_prob,log_prob_free -o word
for tau in 1.2 -9; do
    echo "[4, $tau, 0, 1, -1, 0.5, 0.25, -2, 2, 1]" >u.json
    for p in option hand word; do at_free $p "$case/data.json" u.json $p.json; done
    equal option.json hand.json
    equal word.json hand.json
done
echo '{"mu": 4, "tau": 3, "theta": [4, 7, 1, 5.5, 4, 4, 10, 7]}' >at.json
for p in option centred; do
    ./$p log-prob --data "$case/data.json" --at at.json --json >$p.json
    numbers $p.json >$p.txt
done
same option.txt centred.txt
at_free option "$case/data.json" at.json option.json
at_free centred "$case/data.json" at.json centred.json
unconstrained option.json >u.json
tr -d '[]' <u.json | tr ',' '\n' >u.txt
printf '%s\n' 4 1.0986122886681098 0 1 -1 0.5 0 0 2 1 | paste - u.txt |
    awk '($1 - $2) ^ 2 > 1e-28 { exit 1 }' || fail "free numbers: $(cat u.json)"
# d theta / d u = tau, eight times
holds "($(json option.json log_prob) - ($(json centred.json log_prob)) - 8 * log(3)) ^ 2 < 1e-20"
at_free option "$case/data.json" u.json again.json
equal option.json again.json

# -- what the trainer says of it ------------------------------------------------------------------------
./option info | grep -q '^  theta .*   non-centred$' || fail "$(./option info)"
./centred info | grep -q '^  theta .*could be non-centred$' || fail "$(./centred info)"
if ./centred info | grep '^  mu' | grep 'non-centred'; then fail "mu depends on nothing"; fi
./centred info --json | tr -d ' \n' | grep -q '"name":"theta"[^}]*"centring":"noncentrable"' ||
    fail "$(./centred info --json)"

# -- the bound and its gradient; a funnel at the end of its neck ------------------------------------------
./option check-grad --data "$case/data.json" --tol 1e-6 || fail "gradient of the bound"
"$dgmc" explain "$models/eight_schools_centered.dgm" -D J=8 --noncenter auto >explain.txt
grep -q 'θ_j = μ + τ·u_θ\[j\] .*\[non-centring\]' explain.txt || fail "$(cat explain.txt)"
grep -q 'θ: mean field of the standard values' explain.txt || fail "$(cat explain.txt)"
cat >funnel.dgm <<'END'
model funnel {
  latent v : real ~ normal(0, 3)
  latent x : real[9] ~ normal(0, exp(v / 2))
}
family for funnel { (v, x) ~ fullrank }
END
quick_dgmc funnel.dgm --noncenter auto -o ./funnel
./funnel check-grad --tol 1e-6 || fail "gradient of the bound of the funnel"
echo '[-60, 1, 2, 3, 4, 5, 6, 7, 8, 9]' >u.json
./funnel log-prob --at u.json --unconstrained --json >funnel.json
# one normal of sd 3 at -60, nine standard ones
holds "($(json funnel.json log_prob) + 0.5 * (400 + 285) + log(3) + 5 * log(6.283185307179586)) ^ 2 < 1e-20"
[ "$(vector funnel.json | sed -n 11p)" = -9.0 ] || fail "$(cat funnel.json)"

# -- every kind of latent: plates, indices, vectors, factors, images under a map --------------------------
cat >kinds.dgm <<'END'
model kinds(J = 3) {
  data y[N] : real
  data x[N] : real[2]
  data g[N] : index(J)
  data z[J] : real
  latent m : real ~ normal(0, 2)
  latent w : positive ~ lognormal(0, 1)
  latent tau : positive[2] ~ lognormal(0, 0.5)
  latent L : corr_cholesky[2] ~ lkj_cholesky(2)
  latent a[j in J] : real ~ normal(m * z[j], w)
  latent b[J] : real[2] ~ mvnormal(0, chol: diag(tau) @ L)
  latent c[j in J] : real[2] ~ mvnormal(b[j], chol: diag(exp(z[j]) * tau) @ L)
  latent d : real[2] ~ mvnormal(b[1], sd: tau)
  latent s[J] : positive ~ lognormal(m, w)
  latent t : real[2] ~ student_t(5, m, tau)
  latent r[j in J] : positive ~ gamma(2.5, w * exp(z[j]))
  latent p : unit ~ logit_normal(m, w)
  let P = [[w, 0.3 * w], [0.3 * w, w]]
  latent e : real[2] ~ mvnormal(m, cov: P)
  let Q[i in 2, j in 2] = if i == j then w else 0.3 * w
  latent f : real[2] ~ mvnormal(m, prec: Q)
  latent q[i in J, j in J] : real ~ cauchy(z[i] * m, w + exp(z[j]))
  for j in J {
    latent k : real ~ laplace(a[j], exp(r[j]))
    latent v : real[2] ~ mvnormal(b[j], chol: diag(tau) @ L)
  }
  for n in N {
    let slope = b[g[n]] + c[g[n]] + d + e + f + v[g[n]]
    let h = a[g[n]] + x[n] @ slope + sum(t) + k[g[n]] + q[g[n], 0] + q[1, g[n]]
    y[n] ~ normal(h, s[g[n]] + r[g[n]] + p)
  }
}
END
cat >by_hand.dgm <<'END'
model by_hand(J = 3) {
  data y[N] : real
  data x[N] : real[2]
  data g[N] : index(J)
  data z[J] : real
  latent m : real ~ normal(0, 2)
  latent w : positive ~ lognormal(0, 1)
  latent tau : positive[2] ~ lognormal(0, 0.5)
  latent L : corr_cholesky[2] ~ lkj_cholesky(2)
  latent a_u[J] : real ~ normal(0, 1)
  latent b_u[J] : real[2] ~ normal(0, 1)
  latent c_u[J] : real[2] ~ normal(0, 1)
  latent d_u : real[2] ~ normal(0, 1)
  latent s_u[J] : real ~ normal(0, 1)
  latent t_u : real[2] ~ student_t(5, 0, 1)
  latent r_u[J] : positive ~ gamma(2.5, 1)
  latent p_u : real ~ normal(0, 1)
  let a[j in J] = m * z[j] + w * a_u[j]
  let b[j in J] = (diag(tau) @ L) @ b_u[j]
  let c[j in J] = b[j] + exp(z[j]) * tau * (L @ c_u[j])
  let d = b[1] + tau * d_u
  let s[j in J] = exp(m + w * s_u[j])
  let t = m + tau * t_u
  let r[j in J] = r_u[j] / (w * exp(z[j]))
  let p = logistic(m + w * p_u)
  let P = [[w, 0.3 * w], [0.3 * w, w]]
  latent e_u : real[2] ~ normal(0, 1)
  latent f_u : real[2] ~ normal(0, 1)
  latent q_u[i in J, j in J] : real ~ cauchy(0, 1)
  let q[i in J, j in J] = z[i] * m + (w + exp(z[j])) * q_u[i, j]
  for j in J {
    latent k_u : real ~ laplace(0, 1)
    latent v_u : real[2] ~ normal(0, 1)
  }
  for n in N {
    let k = a[g[n]] + exp(r[g[n]]) * k_u[g[n]]
    let v = b[g[n]] + tau * (L @ v_u[g[n]])
    let e = m + cholesky(P) @ e_u
    let f = m + cholesky(inverse(P)) @ f_u
    let h = a[g[n]] + x[n] @ (b[g[n]] + c[g[n]] + d + e + f + v) + sum(t) + k + q[g[n], 0] + q[1, g[n]]
    y[n] ~ normal(h, s[g[n]] + r[g[n]] + p)
  }
}
END
cat >data.json <<'END'
{"y": [1.2, -0.4, 2.1, 0.3], "x": [[1, 0.5], [1, -0.2], [1, 0.1], [1, 2]], "g": [0, 1, 2, 1],
 "z": [0.2, -0.5, 1]}
END
quick_dgmc kinds.dgm --data data.json --noncenter auto -o ./kinds
quick_dgmc by_hand.dgm --data data.json --only=log_prob,log_prob_free -o ./by_hand
[ "$(./kinds info | grep -c '   non-centred$')" -eq 13 ] || fail "$(./kinds info)"
n=$(./kinds info --json | tr -d ' \n' | grep -o '"free":[0-9]*' | awk -F: '{ s += $2 } END { print s }')
for seed in 1 2 3; do
    points "$n" $seed >u.json
    at_free kinds data.json u.json kinds.json
    at_free by_hand data.json u.json hand.json
    equal kinds.json hand.json
done
./kinds check-grad --data data.json --tol 1e-6 || fail "gradient of the bound of all kinds"
"$dgmc" explain kinds.dgm --data data.json --noncenter auto >explain.txt
grep -q 'no `sample`: the law of `a` reads the data `z`, which has no law' explain.txt ||
    fail "$(tail -5 explain.txt)"

# linked MODEL.c PROGRAM.c OUT: with the flags of a trainer, by the C API
linked() {
    flags=$(sed -n 's/.*\.cflags = "\(.*\)",$/\1/p' "$1")
    # shellcheck disable=SC2086
    cc ${flags:?} -DDGM_NO_MAIN -DDGM_F64 -I "$DGM_ROOT/runtime" "$1" "$2" "$DGM_BUILD/libdgm_f64.a" \
        -lopenblas -lpng -lz -ljansson -lm -o "$3"
}
"$dgmc" kinds.dgm --data data.json --noncenter auto --only=log_prob_free --emit=c -o kinds.c
linked kinds.c "$DGM_ROOT/tests/systems/round_trip.c" round_trip
read -r trip slope <<END
$(./round_trip data.json)
END
holds "$trip < 1e-12 && $slope < 1e-8" "round trip $trip, gradient $slope"

# A sampler at the free numbers of the centred file; reference draws: mu 4.4 (sd 3.3), tau 3.6 (sd 3.2).
"$dgmc" "$models/eight_schools_centered.dgm" -D J=8 --noncenter auto --emit=c -o eight.c
linked eight.c "$DGM_ROOT/examples/sampler/hmc.c" hmc
OMP_NUM_THREADS=1 ./hmc "$case/data.json" >hmc.txt
mean() { awk -v z="$1[0]" '$1 == z { print $2 }' hmc.txt; }
holds "($(mean mu) - 4.4) ^ 2 < 0.16 && ($(mean tau) - 3.6) ^ 2 < 0.25" "$(cat hmc.txt)"

# From values to free numbers and back: one density by both ways.
./kinds simulate --data data.json --seed 5 --out sim.json
tr -d ' \n' <sim.json | sed 's/"[gxyz]":\[\[*[^"]*\],*//g; s/,}$/}/' >values.json
at_free kinds data.json values.json once.json
unconstrained once.json >u.json
at_free kinds data.json u.json twice.json
equal once.json twice.json

# -- what cannot be non-centred stays as it is under `auto` ---------------------------------------------------
cat >stays.dgm <<'END'
model stays(T = 4) {
  data y[T] : real
  latent q : positive ~ normal(0, 1)
  latent h : positive ~ normal(0, q)
  latent p : unit ~ beta(q, 1)
  latent c : real ~ if y[0] > 0 then normal(0, q) else cauchy(0, q)
  for t in T { y[t] ~ normal(c, h + p) }
}
END
quick_dgmc stays.dgm --only=log_prob,log_prob_free --noncenter=auto -o ./stays
if ./stays info | grep 'non-centred'; then fail "it cannot be"; fi

# -- the option names latents that can be ------------------------------------------------------------------------
refused() {
    expect_rc 1 quick_dgmc "$1" --noncenter "$2" -o ./refused
    grep -q "error\[E0940\]: $3" err.txt || fail "wanted '$3': $(cat err.txt)"
}
refused stays.dgm c '`c` cannot be non-centred: the laws of its `if` are not one, moved and stretched'
refused stays.dgm p,h '`h` cannot be non-centred: its law is cut off'
refused stays.dgm q,none_such '`none_such` cannot be non-centred: it is no latent of the model'
cat >coins.dgm <<'END'
model coins {
  data y : real
  latent c : bit ~ bernoulli(0.5)
  latent m : real ~ normal(0, 1)
  y ~ normal(m + c, 1)
}
family for coins { m ~ normal(0, 1) }
END
refused coins.dgm c '`c` cannot be non-centred: it is discrete'
refused coins.dgm m '`m` cannot be non-centred: the family has a law of its own for it'
