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

# -- functions that are laws, and the same laws written out ----------------------------------------------------
cat >lawful.dgm <<'END'
let noise(k, s = 1) = student_t(3, k, s)
model lawful {
  data y[N] : real
  latent k : real ~ normal(0, 1)
  let wide(a) = noise(a, s: 3)
  let either(a) = if a > 0 then noise(a) else wide(a)
  latent u : real ~ wide(k)
  latent v : positive ~ noise(k, 2) |> truncate(lower: 0.5)
  for n in N { y[n] ~ if y[n] > 1 then either(k) else mixture([0.3, 0.7], noise(u), normal(v, 1)) }
  factor logpdf(either(u), 0.3)
}
END
cat >lawfulhand.dgm <<'END'
model lawfulhand {
  data y[N] : real
  latent k : real ~ normal(0, 1)
  latent u : real ~ student_t(3, k, 3)
  latent v : positive ~ student_t(3, k, 2) |> truncate(lower: 0.5)
  for n in N {
    y[n] ~ if y[n] > 1 then (if k > 0 then student_t(3, k, 1) else student_t(3, k, 3))
           else mixture([0.3, 0.7], student_t(3, u, 1), normal(v, 1))
  }
  factor if u > 0 then logpdf(student_t(3, u, 1), 0.3) else logpdf(student_t(3, u, 3), 0.3)
}
END
echo '{"y": [0.5, 1.2, -0.3]}' >lawful.json
echo '{"k": 0.4, "u": -0.2, "v": 0.9}' >lawful.at
for m in lawful lawfulhand; do
    quick_dgmc $m.dgm --only=log_prob --data lawful.json -o ./$m || fail "$m does not compile"
    ./$m log-prob --data lawful.json --at lawful.at --json >out.json || fail "log-prob of $m"
    numbers out.json >$m.txt
done
agree lawful.txt lawfulhand.txt || fail "functions that are laws"
