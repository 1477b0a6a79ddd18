# families.sh - families over unconstrained space: gradients against differences with the same random
# numbers, for latents of every shape, support and plate; and what training finds, against the exact
# evidence.
. "$DGM_ROOT/tests/systems/lib.sh"

# right NAME: every gradient of NAME.dgm is that of differences
right() {
    name=$1; shift
    quick_dgmc $name.dgm -o $name --only=step --precision f64
    ./$name check-grad "$@" --tol 1e-6 >$name.txt || { cat $name.txt; fail "$name"; }
    grep -q "is right" $name.txt || fail "$name: not compared"
}

# ---- latents of every kind -------------------------------------------------------------------------
echo '{"y": [1, 2, -3], "late": [4, 5, -6]}' >kinds.json
for family in meanfield fullrank 'lowrank(2)' 'mixture(2)' point; do
    cat >kinds.dgm <<END
model kinds(J = 3) {
  data y[J], late[J] : real
  latent mu : real ~ normal(0, 5)
  latent tau : positive ~ lognormal(0, 1)
  latent W : real[2, J] ~ normal(0, 1)
  latent p : simplex[3] ~ dirichlet([2, 2, 2])
  latent b[j in J] : real ~ normal(j, tau)
  latent S[2] : simplex[3] ~ dirichlet([1, 2, 3])
  latent C : covariance[2] ~ wishart(5, scale: diag([1, 2]))
  for j in J {
    latent theta : real ~ normal(mu, tau)
    latent v : positive[2] ~ gamma(2, 1)
    y[j] ~ normal(theta + W[0, j] * v[0] + W[1, j] * v[1] + p[1] + b[j] + S[1, 2] + C[0, 1], 1)
  }
  for j in 1 .. J {
    latent first : real ~ normal(mu, 1)
    for k in 2 {
      latent second : real ~ normal(first, 1)
      factor -sq(late[j] + k - second)
    }
  }
}
family for kinds { all ~ $family }
train kinds { objective elbo(samples: 2) }
END
    right kinds --data kinds.json
    quick_dgmc kinds.dgm -o kinds --noncenter=auto --only=step --precision f64
    ./kinds check-grad --data kinds.json --tol 1e-6 >/dev/null || fail "$family, non-centred"
done

# The law that a point is judged by is its prior as stated.
expect_rc 1 "$dgmc" kinds.dgm --noncenter=theta -o kinds
grep -q "the family takes a point" err.txt || fail "a point is not non-centred"

# ---- the exact evidence ----------------------------------------------------------------------------
# y = (mu + theta_j + noise) has covariance 2 I + 1 1', of determinant 20 and inverse (I - 1 1' / 5) / 2.
# The posterior is a normal, which the path derivative finds without noise.
echo '{"y": [0.5, -1, 4]}' >level.json
exact=$(awk 'BEGIN { q = (0.25 + 1 + 16 - 3.5 ^ 2 / 5) / 2
                     print -(q + log(20) + 3 * log(2 * 3.14159265358979)) / 2 }')
# fit NAME FAMILY: the trained bound
fit() {
    cat >$1.dgm <<END
model level(J = 3) {
  data y[J] : real
  latent mu : real ~ normal(0, 1)
  for j in 1 .. J + 1 {
    latent theta : real ~ normal(mu, 1)
    y[j - 1] ~ normal(theta, 1)
  }
}
family for level { $2 }
train level { objective elbo(samples: 8, gradient: path); optimizer adam(0.03); steps 3000 }
END
    "$dgmc" $1.dgm -o $1 --precision f64 2>err.txt || { cat err.txt; fail "$1"; }
    ./$1 train --data level.json --schedule cosine --out $1.run --quiet
    ./$1 eval $1.run --data level.json --samples 20000 --json >$1.json
    json $1.json elbo
}
gap() { holds "($1 - $exact)^2 < $2^2" "$1 against $exact"; }
gap "$(fit full 'all ~ fullrank')" 1e-3
gap "$(fit low 'all ~ lowrank(4)')" 1e-3
# Independent normals lose half of log det of the precision's diagonal over that of the precision.
gap "$(fit mean 'all ~ meanfield') + 0.5 * log(4 * 8 / 20)" 2e-2

# ---- the cost of a factor --------------------------------------------------------------------------
# Nothing of the size of the covariance is in a program of low rank.
squares() {
    printf 'model wide { latent z : real[37] ~ normal(0, 1); factor -sum(z) ^ 2 }\nfamily for wide { z ~ %s }\n' "$1" >wide.dgm
    "$dgmc" wide.dgm --emit=c -o - | grep -c "\\<1369\\>" || true
}
holds "$(squares fullrank) > 0 && $(squares 'lowrank(3)') == 0" "no 37 x 37 matrix"

# ---- mixtures --------------------------------------------------------------------------------------
# Several groups, a group for each element of a plate, laws that read one, rows, a latent by its score.
echo '{"y": [1, 2, 3, 1, 2], "z": [1, 2, 1]}' >several.json
cat >several.dgm <<'END'
model several(J = 3) {
  data y[N] : real
  data z[J] : real
  latent a, b : real ~ normal(0, 2)
  latent s : positive ~ lognormal(0, 1)
  latent c : simplex[3] ~ dirichlet([1, 2, 3])
  latent d : real ~ normal(a, 1)
  for j in J { latent theta : real ~ normal(a, 2); z[j] ~ normal(sin(theta) + b, 3) }
  for n in N {
    latent h : bit ~ bernoulli(0.3)
    y[n] ~ normal(sin(a * b) + c[1] + d + h, 3 + tanh(s))
  }
}
family for several {
  (a, c) ~ mixture(2)
  (b, s) ~ mixture(3)
  param r : real
  d ~ normal(a * r, 0.5)
  for j in J { theta ~ mixture(2) }
  net e(y) = [y] |> dense(1)
  for n in N { h ~ bernoulli(logits: e(y[n])[0]) }
}
END
trained() { { cat several.dgm; echo "train several { objective $2 }"; } >$1.dgm; }
trained strata "elbo(samples: 3, beta: 0.7)"
trained path "elbo(samples: 2, gradient: path)"
trained scores "elbo(samples: 2); a by score; c by score; b by score; s by score; theta by score"
trained weighted "iwae(3); a by score; c by score; b by score; s by score; theta by score"
for name in strata path scores weighted; do
    quick_dgmc $name.dgm -o $name --only=step --precision f64
    ./$name check-grad --data several.json --repeats 400 >$name.txt || { cat $name.txt; fail "$name"; }
done
# By strata only the latent by its score has a gradient that is right in its mean alone.
grep -E '^(a_c|b_s|theta)_(mu|w) ' strata.txt | awk '$5 > 0.001 { exit 1 }' || fail "strata"
if "$dgmc" explain several.dgm | grep -q 'E_q\[f\] = Σ_k q_w'; then fail "names"; fi
"$dgmc" explain several.dgm >several.txt
grep -q 'E_q\[f\] = Σ_k a_c_w\[k\] E_q\[f | k\]  *\[strata\]' several.txt || fail "explain"

# The law written out by a user draws a choice: it is estimated by its score.
cat >own.dgm <<'END'
model own { latent x : real[2] ~ normal(0, 1); factor -sum(cos(x)) }
family for own {
  param w : simplex[3]
  param m : real[3, 2]
  param L : cholesky[3, 2]
  x ~ mvnormal_mixture(w, mu: m, chol: L)
}
train own { objective elbo(samples: 4) }
END
quick_dgmc own.dgm -o own --only=step --precision f64
./own check-grad --repeats 1000 >own.txt || { cat own.txt; fail "own"; }
"$dgmc" explain own.dgm | grep -q "no derivative passes through .categorical." || fail "a choice has no slope"

# Two modes, with weights 1/4 and 3/4: the trained mixture is the density itself (path derivative), one
# normal lies below by the mode that it misses, and draws, strata and closed moments agree.
modes() {
    cat >$1.dgm <<END
model modes {
  latent x : real ~ flat
  factor logsumexp([logpdf(normal(3, 1), x) + log(0.25), logpdf(normal(-3, 1), x) + log(0.75)])
}
family for modes { x ~ $2 }
train modes { objective elbo(samples: 4, gradient: path); optimizer adam(0.03); steps 3000 }
END
    "$dgmc" $1.dgm -o $1 --precision f64
    ./$1 train --schedule cosine --out $1.run --quiet ${3:-}
    ./$1 eval $1.run --samples 4000 --json >$1.json
}
modes two 'mixture(2)'
modes one fullrank
modes four 'mixture(4)'
holds "$(json two.json elbo)^2 < 1e-6" "the mixture is found"
holds "$(json two.json elbo) - $(json one.json elbo) > -log(0.75) - 0.02" "one normal misses a mode"
holds "$(json four.json elbo)^2 < 1e-3" "more components than modes"

# z BOUND: the mean of the numbers on stdin is 0, |z| < 4
z_test() { awk '{ n++; s += $1; q += $1 * $1 } END { m = s / n
    z = m / sqrt((q / n - m * m) / (n - 1)); exit !(n == 30 && z * z < 16 && q > 0) }' || fail "$1"; }
# Barely trained, q is not p. Its closed moments say what E_q[log p] is; E_q[p / q] = 1.
cat >early.dgm <<'END'
model early { latent x : real ~ flat; factor logpdf(normal(0.7, 2), x) }
family for early { x ~ mixture(3) }
train early { objective elbo(samples: 4); optimizer adam(0.1); steps 12 }
END
"$dgmc" early.dgm -o early --precision f64
./early train --out early.run --quiet
./early encode early.run --out codes >codes.txt
exact=$(awk '$1 == "x" { print -($3 ^ 2 + ($2 - 0.7) ^ 2) / 8 - log(8 * 3.14159265358979) / 2 }' codes.txt)
for seed in $(seq 30); do
    ./early eval early.run --samples 2000 --seed $seed --json >e.json
    awk "BEGIN { print exp($(json e.json log_likelihood)) - 1 }" >>ratio.txt
    awk "BEGIN { print $(json e.json factor) - $exact }" >>moment.txt
done
z_test "E_q[p / q]" <ratio.txt
z_test "E_q[log p] by strata" <moment.txt
holds "$(json e.json elbo) < -0.01" "q is not p"

# ---- points ----------------------------------------------------------------------------------------
# The mode of a gamma posterior is (a + sum y - 1) / (b + N); with the Jacobian it would be the mode of
# log tau, (a + sum y) / (b + N). A parameter with the law as penalty has the same objective.
echo '{"y": [1, 2, 3, 5]}' >counts.json
counts() {
    cat >$1.dgm <<END
model counts {
  data y[N] : count
  $2 tau : positive ~ gamma(3, 1)
  for n in N { y[n] ~ poisson(tau) }
}
$3
train counts { objective $4; optimizer adam(0.05); steps 800 }
END
    "$dgmc" $1.dgm -o $1 --precision f64
    ./$1 train --data counts.json --schedule cosine --out $1.run --quiet
    ./$1 eval $1.run --data counts.json --json >$1.json
}
counts point latent 'family for counts { all ~ point }' elbo
counts mode param '' map
./point encode point.run --data counts.json --out codes >codes.txt
holds "($(awk '$1 == "tau" { print $2 }' codes.txt) - 13 / 5)^2 < 1e-6" "the mode on the support"
holds "($(json point.json objective) - $(json mode.json objective))^2 < 1e-10" "as a parameter"

# Beside a latent that is drawn: y ~ normal(0, sqrt(tau^2 + 1)), largest at tau^2 = y^2 - 1.
echo '{"y": 3}' >one.json
for objective in 'elbo(samples: 16, gradient: path)' 'iwae(4)'; do
    cat >beside.dgm <<END
model beside {
  data y : real
  latent tau : positive ~ flat
  latent mu : real ~ normal(0, tau)
  y ~ normal(mu, 1)
}
family for beside { tau ~ point; mu ~ fullrank }
train beside { objective $objective; optimizer adam(0.03); steps 3000 }
END
    "$dgmc" beside.dgm -o beside --precision f64
    rm -rf beside.run
    ./beside train --data one.json --schedule cosine --out beside.run --quiet
    ./beside encode beside.run --data one.json --out codes >codes.txt
    ./beside eval beside.run --data one.json --samples 1000 --json >e.json
    holds "($(awk '$1 == "tau" { print $2 }' codes.txt) - sqrt(8))^2 < 0.05^2" "tau, $objective"
    holds "($(json e.json log_likelihood) + 0.5 + log(2 * 3.14159265358979 * 9) / 2)^2 < 1e-5" "$objective"
done
"$dgmc" explain beside.dgm >beside.txt
grep -q 'not drawn: the parameter τ_point, mapped onto .positive.' beside.txt || fail "explain a point"
