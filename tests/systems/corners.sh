# corners.sh - gradients of models whose axes are implicit in unusual ways, against central differences
# in double precision; and optima that are known exactly.
. "$DGM_ROOT/tests/systems/lib.sh"

gradient() {
    cat >"$1.dgm"
    name=$1; shift
    quick_dgmc "$name.dgm" --only=step --precision f64 "$@"
    ./$name check-grad --tol 1e-6 || fail "$name"
}

# facts of laws whose arguments are numbers, vectors, and mixed
gradient facts <<'SPEC'
model facts(D = 3) {
  data x[N] : real[D]
  param mu : real[D]
  param s : positive
  for n in N { x[n] ~ normal(mu, s) }
  factor -sum(sq(mean(normal(mu, s)))) - sq(mean(normal(0, s)))
  factor -sum(sd(normal(0, [s, 2 * s]))) - sum(variance(normal(mu, s)))
  factor -entropy(normal(0, s)) - kl(normal(mu[0], s), normal(mu[1], 2))
  factor logpdf(normal(mu, 1), 0.5)
}
SPEC

# a parameter for every position of two plates, one with a penalty
gradient plates <<'SPEC'
model plates(J = 3, K = 2) {
  data y[J, K] : real
  for j in J {
    param mu : real ~ normal(0, 2)
    param p : simplex[4] init normal(0, 0.5)
    for k in K {
      param s : positive init 2
      y[j, k] ~ normal(mu + p[0], s)
    }
  }
}
SPEC

# a parameterization that replaces one parameter of two
gradient partial <<'SPEC'
distribution bell(m : real, s : positive) on real {
  also (tau : positive) = (s: 1 / sqrt(tau))
  logpdf(x) = -0.5 * sq((x - m) / s) - log(s)
  sample { m + s * random_normal() }
  mean = m
  entropy = log(s) + 0.5
  kl(bell(n, r)) = log(r) - log(s) + (sq(s) + sq(m - n)) / (2 * sq(r)) - 0.5
}
model partial {
  data x[N] : real
  latent a : real ~ bell(0, tau: 4)
  for n in N { x[n] ~ bell(a, tau: 2) }
}
family for partial {
  param u : real
  param v : positive
  a ~ bell(u, tau: v)
}
SPEC

# -- arrays of records: of each field an array ---------------------------------------------------------------
for read in 'z[n].a - z[n].b[1]' 'z.a[n] - z.b[n][1]'; do
    cat >records.dgm <<END
model records {
  data y[N] : real
  latent k : real ~ normal(0, 1)
  let pair(x) = { a: k * x, b: [k, 2 * k] }
  let z[n in N] = pair(y[n])
  for n in N { y[n] ~ normal($read, 1) }
}
END
    echo '{"y": [0.5, 1.2, -0.3]}' >records.json
    echo '{"k": 0.4}' >records.at
    quick_dgmc records.dgm --only=log_prob --data records.json -o ./records || fail "array of records"
    ./records log-prob --data records.json --at records.at --json >out.json || fail "array of records"
    holds "sqrt(($(json out.json log_prob) + 5.7081541328186916) ^ 2) < 1e-12" "$(cat out.json)"
done
