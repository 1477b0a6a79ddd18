# joint.sh - discrete latents whose elements statements read together, against the same models with
# every joint state written out: one log density and one gradient, to 1e-12; marginals and modes.
. "$DGM_ROOT/tests/systems/lib.sh"

# -- a vector of bits, read by all rows: spike and slab ----------------------------------------------
cat >spike.dgm <<'END'
model spike(P = 3) {
  data x[N] : real[P]
  data y[N] : real
  latent p : unit ~ beta(2, 2)
  latent b[P] : real ~ normal(0, 2)
  latent g[P] : bit ~ bernoulli(p)
  for n in N { y[n] ~ normal(sum[j in P](g[j] * b[j] * x[n, j]), 1) }
  report inc[j in P] = marginal(g[j])
  report best[j in P] = mode(g[j])
}
END
cat >spike-all.dgm <<'END'
model spike(P = 3) {
  data x[N] : real[P]
  data y[N] : real
  latent p : unit ~ beta(2, 2)
  latent b[P] : real ~ normal(0, 2)
  let mass(g) = if g == 1 then log(p) else log1p(-p)
  let f(u, v, w) = mass(u) + mass(v) + mass(w)
    + sum[n in N](logpdf(normal(u * b[0] * x[n, 0] + v * b[1] * x[n, 1] + w * b[2] * x[n, 2], 1), y[n]))
  let all = logsumexp[u in 2, v in 2, w in 2](f(u, v, w))
  factor all
  report inc = [exp(logsumexp[v in 2, w in 2](f(1, v, w)) - all),
                exp(logsumexp[u in 2, w in 2](f(u, 1, w)) - all),
                exp(logsumexp[u in 2, v in 2](f(u, v, 1)) - all)]
  let top = argmax([f(0, 0, 0), f(0, 0, 1), f(0, 1, 0), f(0, 1, 1), f(1, 0, 0), f(1, 0, 1), f(1, 1, 0),
                    f(1, 1, 1)])
  report best = [top div 4, (top div 2) mod 2, top mod 2]
}
END
echo '{"x": [[1, 0.5, -1], [0.2, -0.3, 1], [0, 1, 2], [1, 1, 1]], "y": [0.3, 1.2, 2.1, 1.4]}' >spike.json
echo '{"p": 0.3, "b": [0.4, -0.9, 0.8]}' >spike.at
pair spike
summaries spike

# -- a state of each row, compared with one of all rows -------------------------------------------------
cat >alike.dgm <<'END'
model alike {
  data y[N] : real
  latent m : real ~ normal(0, 1)
  latent u : index(3) ~ flat
  for n in N {
    latent z : index(3) ~ categorical([0.2, 0.3, 0.5])
    factor if z == u then 1 else 0
    y[n] ~ normal(m * z, 1)
  }
}
END
cat >alike-all.dgm <<'END'
model alike {
  data y[N] : real
  latent m : real ~ normal(0, 1)
  let one(n, u) = logsumexp[z in 3](log([0.2, 0.3, 0.5][z]) + (if z == u then 1 else 0)
    + logpdf(normal(m * z, 1), y[n]))
  factor logsumexp[u in 3](sum[n in N](one(n, u)))
}
END
echo '{"y": [0.4, -0.3, 1.2]}' >alike.json
echo '{"m": 0.7}' >alike.at
pair alike

# -- labels, a plate that reads its own element too, two axes, an element by a number ---------------
cat >labels.dgm <<'END'
model labels(K = 3) {
  data y[2, 2] : real
  data x[2] : real
  data s : real
  latent w : simplex[K] ~ dirichlet(2)
  latent m : real[K] ~ normal(0, 1)
  for i in 2 {
    latent a : real ~ normal(0, 1)
    for j in 2 {
      latent z : index(K) ~ categorical(w)
      y[i, j] ~ normal(m[z] + a, 1)
    }
    x[i] ~ normal(sum[j in 2](m[z[j]]), 0.5)
  }
  s ~ normal(m[z[0, 1]] * m[z[1, 0]], 0.7)
}
END
cat >labels-all.dgm <<'END'
model labels(K = 3) {
  data y[2, 2] : real
  data x[2] : real
  data s : real
  latent w : simplex[K] ~ dirichlet(2)
  latent m : real[K] ~ normal(0, 1)
  latent a[2] : real ~ normal(0, 1)
  let f(z, i, j) = log(w[z]) + logpdf(normal(m[z] + a[i], 1), y[i, j])
  let row(u, v, i) = f(u, i, 0) + f(v, i, 1) + logpdf(normal(m[u] + m[v], 0.5), x[i])
  factor logsumexp[b in K, c in K, d in K, e in K](row(b, c, 0) + row(d, e, 1)
    + logpdf(normal(m[c] * m[d], 0.7), s))
}
END
echo '{"y": [[0.3, 1.2], [2.1, 1.4]], "x": [0.5, -0.2], "s": 0.4}' >labels.json
echo '{"w": [0.3, 0.5, 0.2], "m": [0.4, -0.9, 0.8], "a": [0.3, -0.6]}' >labels.at
pair labels

# In a plate of its own, at other positions than the plate's.
cat >pairs.dgm <<'END'
model pairs(N = 3) {
  data x[N] : real
  latent m : real ~ normal(0, 1)
  latent c[N] : bit ~ bernoulli(logistic(m))
  for n in N { x[n] ~ normal(m * c[N - 1 - n] - c[n] + (if n > 0 then c[n - 1] else 0.5), 1) }
}
END
cat >pairs-all.dgm <<'END'
model pairs(N = 3) {
  data x[N] : real
  latent m : real ~ normal(0, 1)
  let mass(c) = logpdf(bernoulli(logistic(m)), c == 1)
  factor logsumexp[a in 2, b in 2, c in 2](mass(a) + mass(b) + mass(c)
    + logpdf(normal(m * c - a + 0.5, 1), x[0]) + logpdf(normal(m * b - b + a, 1), x[1])
    + logpdf(normal(m * a - c + b, 1), x[2]))
}
END
echo '{"x": [0.4, -0.3, 1.2]}' >pairs.json
echo '{"m": 0.7}' >pairs.at
pair pairs

# Read by a chain at all its steps.
cat >switches.dgm <<'END'
model switches(T = 3) {
  data y[T] : real
  latent m : real ~ normal(0, 1)
  latent kind[2] : bit ~ bernoulli(logistic(m))
  scan t in T {
    latent z : bit ~ bernoulli(if previous(z, 0) then 0.7 else if kind[0] then 0.4 else 0.1)
    y[t] ~ normal(m * z + kind[1], 1)
  }
}
END
cat >switches-all.dgm <<'END'
model switches(T = 3) {
  data y[T] : real
  latent m : real ~ normal(0, 1)
  let mass(c, p) = if c == 1 then log(p) else log1p(-p)
  let f(z, before, a, b, y) = mass(z, if before == 1 then 0.7 else if a == 1 then 0.4 else 0.1)
    + logpdf(normal(m * z + b, 1), y)
  factor logsumexp[a in 2, b in 2, u in 2, v in 2, w in 2](mass(a, logistic(m)) + mass(b, logistic(m))
    + f(u, 0, a, b, y[0]) + f(v, u, a, b, y[1]) + f(w, v, a, b, y[2]))
}
END
echo '{"y": [0.4, -0.3, 1.2]}' >switches.json
echo '{"m": 0.7}' >switches.at
pair switches

# A label of each sequence, with three states, that its chain reads: a mixture of chains.
cat >chains.dgm <<'END'
model chains(T = 3, K = 3) {
  data y[I, T] : real
  latent w : simplex[K] ~ dirichlet(2)
  latent stay[K] : unit ~ beta(2, 2)
  for i in I {
    latent c : index(K) ~ categorical(w)
    scan t in T {
      latent z : bit ~ bernoulli(if previous(z, 1) then stay[c] else 0.3)
      y[i, t] ~ normal(z, 1)
    }
  }
}
END
cat >chains-all.dgm <<'END'
model chains(T = 3, K = 3) {
  data y[I, T] : real
  latent w : simplex[K] ~ dirichlet(2)
  latent stay[K] : unit ~ beta(2, 2)
  let mass(c, p) = if c == 1 then log(p) else log1p(-p)
  let f(z, before, c, y) = mass(z, if before == 1 then stay[c] else 0.3) + logpdf(normal(z, 1), y)
  for i in I {
    factor logsumexp[c in K, u in 2, v in 2, x in 2](log(w[c]) + f(u, 1, c, y[i, 0])
      + f(v, u, c, y[i, 1]) + f(x, v, c, y[i, 2]))
  }
}
END
echo '{"y": [[0.4, -0.3, 1.2], [1, 0.2, 0.8]]}' >chains.json
echo '{"w": [0.2, 0.5, 0.3], "stay": [0.4, 0.7, 0.9]}' >chains.at
pair chains

# -- causes of each row, and a label of the row that they share: a noisy or (Pearl 1988) ------------
cat >causes.dgm <<'END'
model causes(D = 3, S = 2) {
  data y[N, S] : bit
  latent q[D] : unit ~ beta(1, 3)
  latent leak[2] : unit ~ beta(1, 9)
  latent c[D, S] : unit ~ beta(2, 2)
  for n in N {
    latent old : bit ~ bernoulli(0.4)
    for d in D { latent sick : bit ~ bernoulli(if old then sqrt(q[d]) else q[d]) }
    for s in S {
      y[n, s] ~ bernoulli(1 - (1 - leak[old]) * prod[d in D](if sick[d] then 1 - c[d, s] else 1))
    }
  }
  report ill[n in N, d in D] = marginal(sick[n, d])
  report aged[n in N] = marginal(old[n])
}
END
cat >causes-all.dgm <<'END'
model causes(D = 3, S = 2) {
  data y[N, S] : bit
  latent q[D] : unit ~ beta(1, 3)
  latent leak[2] : unit ~ beta(1, 9)
  latent c[D, S] : unit ~ beta(2, 2)
  let mass(x, p) = if x == 1 then log(p) else log1p(-p)
  let f(n, o, a, b, e) = log(if o == 1 then 0.4 else 0.6)
    + mass(a, if o == 1 then sqrt(q[0]) else q[0]) + mass(b, if o == 1 then sqrt(q[1]) else q[1])
    + mass(e, if o == 1 then sqrt(q[2]) else q[2])
    + sum[s in S](mass(y[n, s], 1 - (1 - leak[o]) * (1 - a * c[0, s]) * (1 - b * c[1, s])
                                                  * (1 - e * c[2, s])))
  let all[n in N] = logsumexp[o in 2, a in 2, b in 2, e in 2](f(n, o, a, b, e))
  factor sum[n in N](all[n])
  report ill[n in N, d in D] = exp(logsumexp[o in 2, a in 2, b in 2, e in 2
    where (if d == 0 then a else if d == 1 then b else e) == 1](f(n, o, a, b, e)) - all[n])
  report aged[n in N] = exp(logsumexp[a in 2, b in 2, e in 2](f(n, 1, a, b, e)) - all[n])
}
END
echo '{"y": [[1, 0], [1, 1], [0, 0]]}' >causes.json
echo '{"q": [0.1, 0.3, 0.2], "leak": [0.05, 0.1], "c": [[0.5, 0.6], [0.7, 0.2], [0.3, 0.9]]}' >causes.at
pair causes
summaries causes

# -- a field of spins on the edges of a graph (Ising 1925), seen through noise -----------------------
cat >spins.dgm <<'END'
model spins(V) {
  data a[M], b[M] : index(V)
  data y[V] : real
  latent J : real ~ normal(0, 1)
  latent up[V] : bit ~ bernoulli(0.5)
  let s[i in V] = 2 * up[i] - 1
  factor J * sum[m in M](s[a[m]] * s[b[m]])
  for i in V { y[i] ~ normal(s[i], 1) }
  report high[i in V] = marginal(up[i])
}
END
cat >spins-all.dgm <<'END'
model spins(V) {
  data a[M], b[M] : index(V)
  data y[V] : real
  latent J : real ~ normal(0, 1)
  let f(u, v, w, x) = -4 * log(2)
    + J * ((2 * u - 1) * (2 * v - 1) + (2 * v - 1) * (2 * w - 1) + (2 * w - 1) * (2 * x - 1)
           + (2 * x - 1) * (2 * u - 1))
    + logpdf(normal(2 * u - 1, 1), y[0]) + logpdf(normal(2 * v - 1, 1), y[1])
    + logpdf(normal(2 * w - 1, 1), y[2]) + logpdf(normal(2 * x - 1, 1), y[3])
  let all = logsumexp[u in 2, v in 2, w in 2, x in 2](f(u, v, w, x))
  factor all
  report high = [exp(logsumexp[v in 2, w in 2, x in 2](f(1, v, w, x)) - all),
                 exp(logsumexp[u in 2, w in 2, x in 2](f(u, 1, w, x)) - all),
                 exp(logsumexp[u in 2, v in 2, x in 2](f(u, v, 1, x)) - all),
                 exp(logsumexp[u in 2, v in 2, w in 2](f(u, v, w, 1)) - all)]
}
END
echo '{"a": [0, 1, 2, 3], "b": [1, 2, 3, 0], "y": [0.4, -0.1, 0.9, -1.3]}' >spins.json
echo '{"J": 0.6}' >spins.at
pair spins
summaries spins

# -- discrete latents alone: nothing to draw, and their marginals are reported unasked ---------------
clinic=$DGM_ROOT/examples/clinic
want=$(awk 'function m(x, p) { return x ? p : 1 - p }
    BEGIN { for (k = 0; k < 32; k++) {
        v = int(k / 16); s = int(k / 8) % 2; t = int(k / 4) % 2; c = int(k / 2) % 2; b = k % 2; e = t || c
        p = m(v, 0.01) * 0.5 * m(t, v ? 0.05 : 0.01) * m(c, s ? 0.1 : 0.01) * m(b, s ? 0.6 : 0.3) \
            * (e ? 0.98 : 0.05) * (e && b ? 0.9 : e ? 0.7 : b ? 0.8 : 0.1)
        z += p; sick[1] += v * p; sick[2] += s * p; sick[3] += t * p; sick[4] += c * p; sick[5] += b * p }
        printf "%.15g", log(z); for (i = 1; i <= 5; i++) printf " %.15g", sick[i] / z }')
"$dgmc" "$clinic/clinic.dgm" --only=log_prob,log_prob_free,report -o ./clinic
./clinic posterior --data "$clinic/patient.json" --json --strict >clinic.fit || fail "discrete latents alone: $(cat clinic.fit)"
got=$(printf '%s' "$(json clinic.fit elbo)"; for z in visit smoker tuberculosis cancer bronchitis; do
    printf ' %s' "$(tr -d ' \n' <clinic.fit | sed "s/.*\"posterior\":.*\"marginal_$z\":{\"mean\":\([^,]*\).*/\1/")"; done)
echo "$got $want" | awk '{ for (i = 1; i <= 6; i++) if (($i - $(i + 6)) ^ 2 > 1e-24) exit 1; exit NF != 12 }' ||
    fail "discrete latents alone: $got for $want"
echo '{}' >none.json
./clinic log-prob --data "$clinic/patient.json" --at none.json --json >clinic.out
holds "($(json clinic.out log_prob) - ($(json clinic.fit elbo))) ^ 2 < 1e-24"
./clinic report --data "$clinic/patient.json" --draws none.json --out clinic.rep
grep -q marginal_cancer clinic.rep || fail "a report without latents"
