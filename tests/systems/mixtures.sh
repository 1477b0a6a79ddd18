# mixtures.sh - `mixture(w, d)` and `mixture(w, d0, d1, ..)` as laws, and laws as values, against the same
# models with the component as a discrete latent or all written out, to 1e-12; draws and their moments.
. "$DGM_ROOT/tests/systems/lib.sh"

# -- components by their weights; outliers; zeros; priors --------------------------------------------
cat >laws.dgm <<'END'
model laws {
  data y[N] : real;  data x[N] : real;  data k[N] : count;  data b[N] : count(3)
  latent w : simplex[2] ~ dirichlet([1, 1])
  latent mu[2] : real ~ normal(0, 5)
  latent s : positive ~ exponential(1)
  latent rate : positive ~ exponential(0.2)
  latent e : unit ~ beta(1, 9)
  latent z : real ~ mixture([0.4, 0.6], normal([-1, 1], prec: 2))
  latent u : positive ~ mixture(w, gamma(2, 1), lognormal(z, 1))
  for n in N {
    y[n] ~ mixture(w, normal(mu, s))
    x[n] ~ mixture([1 - e, e / 2, e / 2], normal(z, prec: u), uniform(-10, 20), lognormal(z, s))
    k[n] ~ mixture(w, delta(0), poisson(rate))
    b[n] ~ mixture(w, binomial(3, e), binomial(2, 0.5))
  }
  report middle = mean(mixture(w, normal(mu, s)))
  report width = variance(mixture(w, normal(mu, s)))
  report below = cdf(mixture(w, normal(z, s), lognormal(z, s)), 0.7)
}
END
cat >laws-all.dgm <<'END'
model laws {
  data y[N] : real;  data x[N] : real;  data k[N] : count;  data b[N] : count(3)
  latent w : simplex[2] ~ dirichlet([1, 1])
  latent mu[2] : real ~ normal(0, 5)
  latent s : positive ~ exponential(1)
  latent rate : positive ~ exponential(0.2)
  latent e : unit ~ beta(1, 9)
  latent z : real ~ flat
  factor log(0.4 * exp(logpdf(normal(-1, prec: 2), z)) + 0.6 * exp(logpdf(normal(1, prec: 2), z)))
  latent u : positive ~ flat
  factor log(w[0] * exp(logpdf(gamma(2, 1), u)) + w[1] * exp(logpdf(lognormal(z, 1), u)))
  for n in N {
    latent c : index(2) ~ categorical(w)
    y[n] ~ normal(mu[c], s)
    let tail = if x[n] > 0 then exp(logpdf(lognormal(z, s), if x[n] > 0 then x[n] else 1)) else 0
    factor log((1 - e) * exp(logpdf(normal(z, prec: u), x[n])) + e / 2 * (1 / 30) + e / 2 * tail)
    factor log(w[0] * (if k[n] == 0 then 1 else 0) + w[1] * exp(logpdf(poisson(rate), k[n])))
    let two = if b[n] < 3 then exp(logpdf(binomial(2, 0.5), min(b[n], 2))) else 0
    factor log(w[0] * exp(logpdf(binomial(3, e), b[n])) + w[1] * two)
  }
  report middle = w[0] * mu[0] + w[1] * mu[1]
  report width = sq(s) + w[0] * w[1] * sq(mu[0] - mu[1])
  report below = w[0] * cdf(normal(z, s), 0.7) + w[1] * cdf(lognormal(z, s), 0.7)
}
END
echo '{"y": [0.3, 1.2, -2.5, 0.1], "x": [0.3, 12.5, -3, 0.2], "k": [0, 0, 4, 1], "b": [3, 0, 1, 2]}' >laws.json
echo '{"w": [0.3, 0.7], "mu": [-1, 2], "s": 0.7, "rate": 2.5, "e": 0.1, "z": 0.4, "u": 1.3}' >laws.at
pair laws
summaries laws

# -- vectors, labels, a mixture of mixtures, cut-off ones; what all components share -----------------
cat >parts.dgm <<'END'
model parts {
  data y[N] : real[2];  data g[N] : index(3);  data x[N] : real
  latent w : simplex[2] ~ dirichlet([1, 1]);  latent v[2] : simplex[2] ~ dirichlet([2, 2])
  latent mu[2] : real[2] ~ normal(0, 5);      latent L : cholesky[2] ~ flat
  latent p[2] : simplex[3] ~ dirichlet([1, 1, 1])
  latent s : positive ~ mixture(w, normal([0, 3], 1))
  for n in N {
    y[n] ~ mixture(w, mvnormal(mu, chol: L))
    g[n] ~ mixture(w, categorical(p))
    x[n] ~ mixture(w, mixture(v, normal(mu, s))) |> truncate(lower: -3)
  }
}
END
cat >parts-all.dgm <<'END'
model parts {
  data y[N] : real[2];  data g[N] : index(3);  data x[N] : real
  latent w : simplex[2] ~ dirichlet([1, 1]);  latent v[2] : simplex[2] ~ dirichlet([2, 2])
  latent mu[2] : real[2] ~ normal(0, 5);      latent L : cholesky[2] ~ flat
  latent p[2] : simplex[3] ~ dirichlet([1, 1, 1])
  latent s : positive ~ flat
  factor log(w[0] * exp(logpdf(normal(0, 1), s)) + w[1] * exp(logpdf(normal(3, 1), s)))
    - log(1 - w[0] * cdf(normal(0, 1), 0) - w[1] * cdf(normal(3, 1), 0))
  let mass = 1 - sum[i in 2, j in 2](w[i] * v[i, j] * cdf(normal(mu[i, j], s), -3))
  for n in N {
    latent c : index(2) ~ categorical(w)
    y[n] ~ mvnormal(mu[c], chol: L)
    latent d : index(2) ~ categorical(w)
    g[n] ~ categorical(p[d])
    factor logsumexp[i in 2, j in 2](log(w[i]) + log(v[i, j]) + logpdf(normal(mu[i, j], s), x[n]))
      - log(mass)
  }
}
END
echo '{"y": [[0.3, 1.2], [-2.5, 0.1], [1, 1]], "g": [0, 2, 1], "x": [0.3, -2, 4]}' >parts.json
echo '{"w": [0.3, 0.7], "v": [[0.2, 0.8], [0.6, 0.4]], "mu": [[-1, 2], [0.5, 3]], "s": 0.7,
  "L": [[1, 0], [-0.4, 2]], "p": [[0.2, 0.3, 0.5], [0.1, 0.8, 0.1]]}' >parts.at
pair parts

# -- laws as values: branches, cut-off and censored ones asked for their density ---------------------
cat >values.dgm <<'END'
model values {
  data y[N] : real;  data g[N] : bit
  latent m : real ~ normal(0, 1);  latent s : positive ~ exponential(1)
  let branch[n in N] = logpdf(if g[n] == 1 then normal(m, 1) else cauchy(m, 1), y[n])
  let cut(x) = logpdf(normal(m, s) |> truncate(lower: -1), x)
  factor sum(branch) + sum[n in N](cut(y[n]))
  for n in N {
    factor logsumexp([log(0.3) + logpdf(normal(m, s) |> truncate(lower: 0, upper: 5), y[n]),
                      log(0.7) + logpdf(student_t(3, m, s) |> censor(upper: 1.3), y[n])])
  }
  report at = logpdf(normal(m, s) |> truncate(lower: 0), 0.4)
}
END
cat >values-all.dgm <<'END'
model values {
  data y[N] : real;  data g[N] : bit
  latent m : real ~ normal(0, 1);  latent s : positive ~ exponential(1)
  for n in N {
    factor if g[n] == 1 then logpdf(normal(m, 1), y[n]) else logpdf(cauchy(m, 1), y[n])
    factor logpdf(normal(m, s), y[n]) - log(1 - cdf(normal(m, s), -1))
    let cut = logpdf(normal(m, s), y[n]) - log(cdf(normal(m, s), 5) - cdf(normal(m, s), 0))
    let seen = if y[n] >= 1.3 then log(1 - cdf(student_t(3, m, s), y[n]))
               else logpdf(student_t(3, m, s), y[n])
    factor log((if y[n] > 0 then 0.3 * exp(cut) else 0) + 0.7 * exp(seen))
  }
  report at = logpdf(normal(m, s), 0.4) - log(1 - cdf(normal(m, s), 0))
}
END
echo '{"y": [0.2, 1.4, -0.3], "g": [0, 1, 1]}' >values.json
echo '{"m": 0.3, "s": 0.8}' >values.at
pair values
summaries values

# -- several names with one law ------------------------------------------------------------------------
cat >names.dgm <<'END'
model names {
  data y[N] : real
  latent (a, b) : real ~ mvnormal([0, 1], cov: [[2, 0.5], [0.5, 1]])
  latent (u, v) : positive ~ exponential(1)
  for n in N {
    latent (p, q) : real ~ mvstudent_t(4, [a, b], scale: [[1, 0.2], [0.2, 1]])
    y[n] ~ normal(p + q, u + v)
  }
}
END
sed 's/(a, b)\( : real\)/ab\1[2]/; s/(p, q)\( : real\)/pq\1[2]/; s/\[a, b\]/ab/; s/p + q/pq[0] + pq[1]/' names.dgm >vectors.dgm
echo '{"y": [1, 2, 0.5]}' >names.json
echo '{"a": 0.2, "b": 0.4, "u": 1, "v": 0.5, "p": [0.1, 0.2, 0.3], "q": [1, 2, 3]}' >names.at
echo '{"ab": [0.2, 0.4], "u": 1, "v": 0.5, "pq": [[0.1, 1], [0.2, 2], [0.3, 3]]}' >vectors.at
for m in names vectors; do
    quick_dgmc $m.dgm --only=log_prob --data names.json -o ./$m || fail "$m does not compile"
    ./$m log-prob --data names.json --at $m.at --json >$m.out || fail "log-prob of $m"
    json $m.out log_prob >$m.txt
    tr -d '\n' <$m.out | sed 's/.*"gradient": *{//; s/"[^"]*"//g' | tr -c '0-9eE.+\n-' '\n' | grep '[0-9]' |
        sort -g >>$m.txt
done
agree names.txt vectors.txt || fail "names with one law are not the elements of its vector"

# -- outside of all components the density is 0 ------------------------------------------------------
cat >out.dgm <<'END'
model out { data x : real; latent a : unit ~ beta(2, 2)
  x ~ mixture([0.5, 0.5], uniform([0, 0], [1, 2])) }
END
echo '{"a": 0.5}' >out.at
for x in 3 1.5 0.5; do
    echo "{\"x\": $x}" >out.json
    quick_dgmc out.dgm --only=log_prob --data out.json -o ./out || fail "out"
    ./out log-prob --data out.json --at out.at >out.rep || fail "out at $x"
    got=$(awk '$1 == "log_prob" { print $2 }' out.rep)
    case $x in
        3) [ "$got" = -inf ] || fail "outside: $(cat out.rep)" ;;
        1.5) holds "($got - log(1.5 * 0.25)) ^ 2 < 1e-20" ;;
        0.5) holds "($got - log(1.5 * 0.75)) ^ 2 < 1e-20" ;;
    esac
done

# -- draws: moments of 40,000 ------------------------------------------------------------------------
cat >draws.dgm <<'END'
model draws {
  latent a[40000] : real ~ mixture([0.3, 0.7], normal([-2, 1], [0.5, 1]))
  latent b[40000] : positive ~ mixture([0.2, 0.5, 0.3], exponential(2), gamma(3, 1), uniform(1, 2))
  data k[40000] : count
  for i in 40000 { k[i] ~ mixture([0.25, 0.75], delta(0), poisson(3)) }
}
END
quick_dgmc draws.dgm --only=simulate --precision f64 -o ./draws || fail "draws do not compile"
./draws simulate --seed 1 --out draws.json --quiet || fail "simulate"
# moments NAME MEAN VARIANCE: z of the mean below 4, variance within 5 %
moments() {
    values draws.json "$1" | awk -v m="$2" -v v="$3" '{ s += $1; q += $1 * $1 }
        END { mean = s / NR; var = q / NR - mean * mean; z = (mean - m) / sqrt(v / NR)
              exit !(NR == 40000 && z < 4 && z > -4 && var > 0.95 * v && var < 1.05 * v) }' ||
        fail "$1 has other moments than $2, $3"
}
moments a 0.1 2.665
moments b 2.05 2.5975
moments k 2.25 3.9375
