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
for family in meanfield fullrank 'lowrank(2)'; do
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
    ./$1 eval $1.run --data level.json --samples 2000 --json >$1.json
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
