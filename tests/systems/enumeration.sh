# enumeration.sh - models with discrete latents against the same models with every joint state written
# out: one log density and one gradient, to 1e-12. And equations of a sequence, written out likewise.
. "$DGM_ROOT/tests/systems/lib.sh"

# -- a mixture, nested plates ---------------------------------------------------------------------
cat >mixture.dgm <<'END'
model mixture(K = 3) {
  data y[N] : real
  latent w : simplex[K] ~ dirichlet(2)
  latent mu[K] : real ~ normal(0, 3)
  for n in N { latent c : index(K) ~ categorical(w); y[n] ~ normal(mu[c], 1) }
}
END
cat >mixture-all.dgm <<'END'
model mixture(K = 3) {
  data y[N] : real
  latent w : simplex[K] ~ dirichlet(2)
  latent mu[K] : real ~ normal(0, 3)
  for n in N { factor logsumexp[c in K](log(w[c]) + logpdf(normal(mu[c], 1), y[n])) }
}
END
echo '{"y": [0.3, -1.2, 2.5, 0.9]}' >mixture.json
echo '{"w": [0.2, 0.5, 0.3], "mu": [-1, 0.4, 2]}' >mixture.at
pair mixture

cat >counts.dgm <<'END'
model counts(K = 5) {
  data y[R, T] : count
  latent lambda : positive ~ gamma(2, 1)
  latent p : unit ~ flat
  for i in R { latent n : count(K) ~ poisson(lambda); for t in T { y[i, t] ~ binomial(n, p) } }
}
END
cat >counts-all.dgm <<'END'
model counts(K = 5) {
  data y[R, T] : count
  latent lambda : positive ~ gamma(2, 1)
  latent p : unit ~ flat
  for i in R {
    factor logsumexp[n in K + 1](logpdf(poisson(lambda), n) + sum[t in T](logpdf(binomial(n, p), y[i, t])))
  }
}
END
echo '{"y": [[2, 1], [0, 3], [0, 0]]}' >counts.json
echo '{"lambda": 1.7, "p": 0.4}' >counts.at
pair counts

# -- chains ---------------------------------------------------------------------------------------
cat >chain.dgm <<'END'
model chain(K = 2) {
  data y[T] : real
  latent first : simplex[K] ~ dirichlet(1)
  latent A[K] : simplex[K] ~ dirichlet(2)
  latent mu[K] : real ~ normal(0, 3)
  scan t in T {
    latent z : index(K) ~ if t == 0 then categorical(first) else categorical(A[z[t - 1]])
    y[t] ~ normal(mu[z], 1)
  }
}
END
cat >chain-all.dgm <<'END'
model chain(K = 2) {
  data y[T] : real
  latent first : simplex[K] ~ dirichlet(1)
  latent A[K] : simplex[K] ~ dirichlet(2)
  latent mu[K] : real ~ normal(0, 3)
  let e(z, t) = logpdf(normal(mu[z], 1), y[t])
  factor logsumexp[a in K, b in K, c in K, d in K](log(first[a]) + log(A[a][b]) + log(A[b][c])
    + log(A[c][d]) + e(a, 0) + e(b, 1) + e(c, 2) + e(d, 3))
}
END
echo '{"y": [0.3, -1.2, 2.5, 0.9]}' >chain.json
echo '{"first": [0.3, 0.7], "A": [[0.8, 0.2], [0.4, 0.6]], "mu": [-1, 1.5]}' >chain.at
pair chain

# States that are impossible: log 0 must not reach the gradient. Two animals, three occasions.
cat >alive.dgm <<'END'
model alive {
  data y[I, T] : bit
  latent phi, p : unit ~ beta(2, 2)
  for i in I { scan t in T {
    latent alive : bit ~ bernoulli(phi * previous(alive, 1))
    y[i, t] ~ bernoulli(p * alive)
  } }
}
END
cat >alive-all.dgm <<'END'
model alive {
  data y[I, T] : bit
  latent phi, p : unit ~ beta(2, 2)
  let mass(x, q) = if x == 1 then q else 1 - q
  for i in I {
    factor log(sum[a in 2, b in 2, c in 2](mass(a, phi) * mass(b, phi * a) * mass(c, phi * b)
      * mass(y[i, 0], p * a) * mass(y[i, 1], p * b) * mass(y[i, 2], p * c)))
  }
}
END
echo '{"y": [[1, 0, 1], [1, 0, 0], [0, 0, 0]]}' >alive.json
echo '{"phi": 0.8, "p": 0.6}' >alive.at
pair alive

# A chain with a mixture at every step, a let of the state and lagged data; it starts at step 1.
cat >both.dgm <<'END'
model both(K = 2) {
  data y[T] : real
  latent A[K] : simplex[K] ~ dirichlet(2)
  latent W[K] : simplex[3] ~ dirichlet(2)
  latent mu[3] : real ~ normal(0, 3)
  latent r : real ~ normal(0, 1)
  scan t in 1 .. T {
    latent z : index(K) ~ categorical(A[previous(z, 1)])
    latent c : index(3) ~ categorical(W[z])
    let m = mu[c] + r * y[t - 1] + 0.1 * z
    y[t] ~ normal(m, 1)
  }
}
END
cat >both-all.dgm <<'END'
model both(K = 2) {
  data y[T] : real
  latent A[K] : simplex[K] ~ dirichlet(2)
  latent W[K] : simplex[3] ~ dirichlet(2)
  latent mu[3] : real ~ normal(0, 3)
  latent r : real ~ normal(0, 1)
  let e(z, t) = logsumexp[c in 3](log(W[z][c]) + logpdf(normal(mu[c] + r * y[t - 1] + 0.1 * z, 1), y[t]))
  factor logsumexp[a in K, b in K, c in K](log(A[1][a]) + log(A[a][b]) + log(A[b][c])
    + e(a, 1) + e(b, 2) + e(c, 3))
}
END
echo '{"y": [0.3, -1.2, 2.5, 0.9]}' >both.json
echo '{"A": [[0.8, 0.2], [0.4, 0.6]], "W": [[0.2, 0.3, 0.5], [0.6, 0.1, 0.3]], "mu": [-1, 1.5, 0.2], "r": 0.3}' >both.at
pair both

# Capture and recapture (cjs of the language's page): rows without a capture do not count, a sequence
# begins after the first capture of its row.
cat >cjs.dgm <<'END'
model cjs {
  data y[I, T] : bit
  let first[i in I] = argmax(y[i])
  latent phi[T], p : unit ~ beta(2, 2)
  for i in I where any(y[i]) { scan t in first[i] + 1 .. T {
    latent alive : bit ~ bernoulli(phi[t - 1] * previous(alive, 1))
    y[i, t] ~ bernoulli(p * alive)
  } }
}
END
cat >cjs-all.dgm <<'END'
model cjs {
  data y[I, T] : bit
  latent phi[T], p : unit ~ beta(2, 2)
  let mass(x, q) = if x == 1 then q else 1 - q
  factor log(sum[a in 2, b in 2](mass(a, phi[0]) * mass(b, phi[1] * a) * mass(y[0, 1], p * a)
    * mass(y[0, 2], p * b)))
  factor log(sum[b in 2](mass(b, phi[1]) * mass(y[1, 2], p * b)))
}
END
echo '{"y": [[1, 0, 1], [0, 1, 0], [0, 0, 0], [0, 0, 1]]}' >cjs.json
echo '{"phi": [0.8, 0.7, 0.4], "p": 0.6}' >cjs.at
pair cjs

# Two chains of one sequence that read each other, with a mixture at every step: their joint states.
cat >coupled.dgm <<'END'
model coupled(K = 2) {
  data y[T] : real
  data u[T] : bit
  latent A[K] : simplex[K] ~ dirichlet(2)
  latent B[K, 3] : simplex[3] ~ dirichlet(2)
  latent mu[K] : real ~ normal(0, 3)
  latent p : unit ~ beta(2, 2)
  scan t in T {
    latent z : index(K) ~ if t == 0 then categorical(1 / K) else categorical(A[z[t - 1]])
    latent w : index(3) ~ categorical(B[previous(z, 0), previous(w, 1)])
    latent c : bit ~ bernoulli(if w == 2 then p else 0.4)
    y[t] ~ normal(mu[z] + w * c, 1)
    u[t] ~ bernoulli(0.1 + 0.2 * w + 0.1 * z)
  }
}
END
cat >coupled-all.dgm <<'END'
model coupled(K = 2) {
  data y[T] : real
  data u[T] : bit
  latent A[K] : simplex[K] ~ dirichlet(2)
  latent B[K, 3] : simplex[3] ~ dirichlet(2)
  latent mu[K] : real ~ normal(0, 3)
  latent p : unit ~ beta(2, 2)
  let e(z, w, t) = logpdf(bernoulli(0.1 + 0.2 * w + 0.1 * z), u[t])
    + logsumexp[c in 2](logpdf(bernoulli(if w == 2 then p else 0.4), c)
      + logpdf(normal(mu[z] + w * c, 1), y[t]))
  factor logsumexp[z0 in K, z1 in K, z2 in K, w0 in 3, w1 in 3, w2 in 3](
    log(1 / K) + log(B[0, 1][w0]) + e(z0, w0, 0)
    + log(A[z0][z1]) + log(B[z0, w0][w1]) + e(z1, w1, 1)
    + log(A[z1][z2]) + log(B[z1, w1][w2]) + e(z2, w2, 2))
}
END
echo '{"y": [0.3, -1.2, 2.5], "u": [0, 1, 1]}' >coupled.json
echo '{"A": [[0.8, 0.2], [0.4, 0.6]], "mu": [-1, 1.5], "p": 0.3,
  "B": [[[0.2, 0.3, 0.5], [0.6, 0.3, 0.1], [0.1, 0.1, 0.8]],
        [[0.4, 0.4, 0.2], [0.3, 0.3, 0.4], [0.25, 0.5, 0.25]]]}' >coupled.at
pair coupled

# A chain that looks two steps back, guarded and with values before the start.
cat >second.dgm <<'END'
model second(K = 2) {
  data y[T] : real
  latent A[K, K] : simplex[K] ~ dirichlet(2)
  latent mu[K] : real ~ normal(0, 3)
  latent phi : unit ~ beta(2, 2)
  scan t in T {
    latent z : index(K) ~ if t < 2 then categorical(1 / K) else categorical(A[z[t - 1], z[t - 2]])
    y[t] ~ normal(mu[z], 1)
  }
  scan t in T {
    latent on : bit ~ bernoulli(phi * previous(on, 1, lag: 2) * (1 - 0.3 * previous(on, 0)))
    factor logpdf(normal(on, 1), y[t])
  }
}
END
cat >second-all.dgm <<'END'
model second(K = 2) {
  data y[T] : real
  latent A[K, K] : simplex[K] ~ dirichlet(2)
  latent mu[K] : real ~ normal(0, 3)
  latent phi : unit ~ beta(2, 2)
  let e(m, t) = logpdf(normal(m, 1), y[t])
  factor logsumexp[a in K, b in K, c in K, d in K](2 * log(1 / K) + log(A[b, a][c])
    + log(A[c, b][d]) + e(mu[a], 0) + e(mu[b], 1) + e(mu[c], 2) + e(mu[d], 3))
  let mass(x, q) = if x == 1 then q else 1 - q
  factor log(sum[a in 2, b in 2, c in 2, d in 2](mass(a, phi) * mass(b, phi * (1 - 0.3 * a))
    * mass(c, phi * a * (1 - 0.3 * b)) * mass(d, phi * b * (1 - 0.3 * c))
    * exp(e(a, 0) + e(b, 1) + e(c, 2) + e(d, 3))))
}
END
echo '{"y": [0.3, -1.2, 2.5, 0.9]}' >second.json
echo '{"A": [[[0.8, 0.2], [0.4, 0.6]], [[0.3, 0.7], [0.55, 0.45]]], "mu": [-1, 1.5], "phi": 0.8}' >second.at
pair second

# Animals that die and that leave: two chains, one of memory two, whose first step is of each row.
cat >leave.dgm <<'END'
model leave(T = 6) {
  data y[I, T] : bit
  let first[i in I] = argmax(y[i])
  latent phi[T], p, psi : unit ~ beta(2, 2)
  for i in I where any(y[i]) { scan t in first[i] + 1 .. T {
    latent alive : bit ~ bernoulli(phi[t - 1] * previous(alive, 1))
    latent here : bit ~ bernoulli(0.1 + 0.9 * psi * previous(here, 1, lag: 2) * previous(alive, 1))
    y[i, t] ~ bernoulli(p * alive * here)
  } }
}
END
cat >leave-all.dgm <<'END'
model leave(T = 6) {
  data y[I, T] : bit
  latent phi[T], p, psi : unit ~ beta(2, 2)
  let mass(x, q) = if x == 1 then q else 1 - q
  let stay(h, a) = 0.1 + 0.9 * psi * h * a
  factor log(sum[a in 2, b in 2, c in 2, h in 2, k in 2, l in 2](mass(a, phi[2]) * mass(b, phi[3] * a)
    * mass(c, phi[4] * b) * mass(h, stay(1, 1)) * mass(k, stay(1, a)) * mass(l, stay(h, b))
    * mass(y[0, 3], p * a * h) * mass(y[0, 4], p * b * k) * mass(y[0, 5], p * c * l)))
  factor log(sum[c in 2, l in 2](mass(c, phi[4]) * mass(l, stay(1, 1)) * mass(y[1, 5], p * c * l)))
}
END
echo '{"y": [[0, 0, 1, 0, 0, 1], [0, 0, 0, 0, 1, 0], [0, 0, 0, 0, 0, 0]]}' >leave.json
echo '{"phi": [0.3, 0.4, 0.8, 0.7, 0.6, 0.5], "p": 0.6, "psi": 0.7}' >leave.at
pair leave

# A plate within the sequence: a chain for each of its positions.
cat >panel.dgm <<'END'
model panel {
  data y[T, J] : real
  latent p : unit ~ beta(2, 2)
  scan t in T { for j in J {
    latent z : bit ~ bernoulli(0.5 * p + 0.2 * previous(z, 0))
    y[t, j] ~ normal(z, 1)
  } }
}
END
cat >panel-all.dgm <<'END'
model panel {
  data y[T, J] : real
  latent p : unit ~ beta(2, 2)
  let mass(x, q) = if x == 1 then q else 1 - q
  let q(z) = 0.5 * p + 0.2 * z
  for j in J {
    factor log(sum[a in 2, b in 2, c in 2](mass(a, q(0)) * mass(b, q(a)) * mass(c, q(b))
      * exp(logpdf(normal(a, 1), y[0, j]) + logpdf(normal(b, 1), y[1, j])
        + logpdf(normal(c, 1), y[2, j]))))
  }
}
END
echo '{"y": [[1, 0.3], [0.2, -0.5], [2, 0.6]]}' >panel.json
echo '{"p": 0.3}' >panel.at
pair panel

cat >seen.dgm <<'END'
model seen {
  data y[N] : real
  data good[N] : bit
  data a : count
  latent mu : real ~ normal(0, 1)
  for n in N where good[n] { y[n] ~ normal(mu, 1) }
  for n in a .. N { factor -sq(mu - y[n]) }
}
END
cat >seen-all.dgm <<'END'
model seen {
  data y[N] : real
  data good[N] : bit
  data a : count
  latent mu : real ~ normal(0, 1)
  factor logpdf(normal(mu, 1), y[1]) + logpdf(normal(mu, 1), y[3])
  factor -sq(mu - y[2]) - sq(mu - y[3])
}
END
echo '{"y": [0.3, -1.2, 2.5, 0.9], "good": [0, 1, 0, 1], "a": 2}' >seen.json
echo '{"mu": 0.3}' >seen.at
pair seen

# A recursion in every state of a latent that stands above the sequence.
cat >classes.dgm <<'END'
model classes {
  data y[I, T] : real
  latent phi[2] : real ~ normal(0, 1)
  latent p : unit ~ beta(2, 2)
  for i in I {
    latent c : bit ~ bernoulli(p)
    scan t in T {
      let m = phi[c] + 0.5 * (if t == 0 then 0 else m[t - 1])
      y[i, t] ~ normal(m + previous(m, 0) * c, 1)
    }
  }
}
END
cat >classes-all.dgm <<'END'
model classes {
  data y[I, T] : real
  latent phi[2] : real ~ normal(0, 1)
  latent p : unit ~ beta(2, 2)
  for i in I {
    factor logsumexp[c in 2](log(if c == 1 then p else 1 - p) + logpdf(normal(phi[c], 1), y[i, 0])
      + logpdf(normal((1.5 + c) * phi[c], 1), y[i, 1])
      + logpdf(normal((1.75 + 1.5 * c) * phi[c], 1), y[i, 2]))
  }
}
END
echo '{"y": [[1, 2, 0.3], [1, 2, 0]]}' >classes.json
echo '{"phi": [0.3, 0.7], "p": 0.4}' >classes.at
pair classes

# Missing labels that other statements read, in a plate that is opened twice, and a Markov chain with
# steps that were not seen. The labels of the file are written out again in the second program, where
# each known cell of the file is drawn with probability 1/2.
cat >unseen.dgm <<'END'
model unseen(K = 3) {
  data x[N] : index(K) from 1 missing
  data s[N] : bit missing -1
  data y[N] : real
  latent p : simplex[K] ~ dirichlet(2)
  latent A[2] : unit ~ beta(2, 2)
  latent b[K] : real ~ normal(0, 2)
  for n in N { x[n] ~ categorical(p) }
  for i in N { y[i] ~ normal(b[x[i]] + sum[n in N](y[n]), 1 + x[i]) }
  scan t in N {
    s[t] ~ bernoulli(if previous(s, 0) then A[0] else A[1])
    let m = if t == 0 then s[t] else s[t] - 0.5 * s[t - 1]
    factor logpdf(normal(m, 1), y[t])
  }
}
END
cat >unseen-all.dgm <<'END'
model unseen(K = 3) {
  data x[N] : index(K) from 1 missing
  data s[N] : bit missing -1
  data y[N] : real
  latent p : simplex[K] ~ dirichlet(2)
  latent A[2] : unit ~ beta(2, 2)
  latent b[K] : real ~ normal(0, 2)
  let cells = [2, 0, -1, -1]
  let e(k, n) = log(p[k]) + logpdf(normal(b[k] + sum(y), 1 + k), y[n])
  for n in N {
    x[n] ~ categorical([0.5, 0.25, 0.25])
    s[n] ~ bernoulli(0.5)
    factor if cells[n] < 0 then logsumexp[k in K](e(k, n))
           else logsumexp[k in K where k == cells[n]](e(k, n))
  }
  factor 3 * log(2) + 2 * log(2)
  let step(now, before, t) = log(if now == 1 then A[1 - before] else 1 - A[1 - before])
    + logpdf(normal(if t == 0 then now else now - 0.5 * before, 1), y[t])
  factor logsumexp[a in 2, c in 2](step(a, 0, 0) + step(1, a, 1) + step(c, 1, 2) + step(0, c, 3))
}
END
echo '{"x": [3, 1, null, null], "s": [-1, 1, -1, 0], "y": [0.3, -1.2, 0.5, 0.9]}' >unseen.json
echo '{"p": [0.2, 0.5, 0.3], "A": [0.7, 0.4], "b": [-1, 0.4, 1.3]}' >unseen.at
pair unseen

# -- equations ------------------------------------------------------------------------------------
# Two lets that read each other's past, one of them two steps back, in every row.
cat >lets.dgm <<'END'
model lets {
  data y[I, T] : real
  latent a, b, c : real ~ normal(0, 1)
  for i in I {
    latent u : real ~ normal(0, 1)
    scan t in T {
      let v = u + a * previous(w, 1) + c * previous(v, 0.5, lag: 2)
      let w = b * v + sin(y[i, t])
      y[i, t] ~ normal(v + w, 1)
    }
  }
}
END
cat >lets-all.dgm <<'END'
model lets {
  data y[I, T] : real
  latent a, b, c : real ~ normal(0, 1)
  for i in I {
    latent u : real ~ normal(0, 1)
    let v0 = u + a + c * 0.5
    let w0 = b * v0 + sin(y[i, 0])
    let v1 = u + a * w0 + c * 0.5
    let w1 = b * v1 + sin(y[i, 1])
    let v2 = u + a * w1 + c * v0
    let w2 = b * v2 + sin(y[i, 2])
    factor logpdf(normal(v0 + w0, 1), y[i, 0]) + logpdf(normal(v1 + w1, 1), y[i, 1])
      + logpdf(normal(v2 + w2, 1), y[i, 2])
  }
}
END
echo '{"y": [[0.3, -1.2, 2.5], [1, 2, 0.1]]}' >lets.json
echo '{"a": 0.3, "b": -0.7, "c": 0.4, "u": [0.5, -0.2]}' >lets.at
pair lets

# Lags that the index of a reduction decides, from 0, from 1, and one within the other.
cat >arma.dgm <<'END'
model arma(P = 2, Q = 3) {
  data y[T] : real
  latent mu : real ~ normal(0, 1)
  latent phi : real[P] ~ normal(0, 1)
  latent theta : real[Q] ~ normal(0, 1)
  latent both : real[P, Q] ~ normal(0, 1)
  scan t in T {
    let nu = mu + sum[p in P](phi[p] * previous(y, mu, lag: p + 1))
      + sum[q in 1 .. Q + 1](theta[q - 1] * previous(err, 0, lag: q))
      + sum[p in P, q in Q where q > 0](both[p, q] * previous(err, 0.1, lag: p + q + 1))
    y[t] ~ normal(nu, 1)
    let err = y[t] - nu
  }
}
END
cat >arma-all.dgm <<'END'
model arma(P = 2, Q = 3) {
  data y[T] : real
  latent mu : real ~ normal(0, 1)
  latent phi : real[P] ~ normal(0, 1)
  latent theta : real[Q] ~ normal(0, 1)
  latent both : real[P, Q] ~ normal(0, 1)
  let e0 = y[0] - (mu + phi[0] * mu + phi[1] * mu
                   + 0.1 * (both[0, 1] + both[0, 2] + both[1, 1] + both[1, 2]))
  let e1 = y[1] - (mu + phi[0] * y[0] + phi[1] * mu + theta[0] * e0
                   + 0.1 * (both[0, 1] + both[0, 2] + both[1, 1] + both[1, 2]))
  let e2 = y[2] - (mu + phi[0] * y[1] + phi[1] * y[0] + theta[0] * e1 + theta[1] * e0
                   + both[0, 1] * e0 + 0.1 * (both[0, 2] + both[1, 1] + both[1, 2]))
  let e3 = y[3] - (mu + phi[0] * y[2] + phi[1] * y[1] + theta[0] * e2 + theta[1] * e1 + theta[2] * e0
                   + both[0, 1] * e1 + (both[0, 2] + both[1, 1]) * e0 + 0.1 * both[1, 2])
  factor logpdf(normal(0, 1), e0) + logpdf(normal(0, 1), e1)
  factor logpdf(normal(0, 1), e2) + logpdf(normal(0, 1), e3)
}
END
echo '{"y": [0.3, -1.2, 2.5, 0.4]}' >arma.json
echo '{"mu": 0.3, "phi": [0.5, -0.4], "theta": [0.2, -0.3, 0.6],
  "both": [[0.1, 0.7, -0.2], [0.4, -0.5, 0.9]]}' >arma.at
pair arma

# Data over plates and steps, in either order.
for order in "J, T" "T, J"; do
    at=$(echo "$order" | tr JT jt)
    case $order in J*) first='for j in J' second='scan t in T' before='y[j, t - 1]' ;;
    *) first='scan t in T' second='for j in J' before='y[t - 1, j]' ;; esac
    cat >panel.dgm <<END
model panel {
  data y[$order] : real
  latent a[J] : real ~ normal(0, 1)
  latent b, c : real ~ normal(0, 0.5)
  $first { $second { y[$at] ~ normal(a[j] + b * previous(y, 0.3) + c * previous(y, 0.1, lag: 2), 1) } }
}
END
    sed "s/previous(y, 0.3)/(if t < 1 then 0.3 else $before)/
        s/previous(y, 0.1, lag: 2)/(if t < 2 then 0.1 else $(echo "$before" | sed 's/1/2/'))/" panel.dgm >panel-all.dgm
    echo '{"y": [[1, 2, 1.5], [0, 0.1, -0.3], [2.5, 3, 1]]}' >panel.json
    echo '{"a": [0.3, -0.2, 1], "b": 0.4, "c": -0.7}' >panel.at
    pair panel
done

# Arrays and vectors that a sequence carries on, read at other positions: ratings (Elo 1978) whose
# let is declared below its reader, a matrix model of ages (Leslie 1945), the filter of Kalman 1960.
cat >elo.dgm <<'END'
model elo(P) {
  data winner[G], loser[G] : index(P)
  data y[G] : bit
  latent k : positive ~ lognormal(0, 1)
  latent start[P] : real ~ normal(0, 1)
  scan g in G {
    let before = previous(rating, start)
    let p = logistic(before[g, winner[g]] - before[g, loser[g]])
    let rating[i in P] = before[g, i]
      + k * (if i == winner[g] then 1 - p else if i == loser[g] then p - 1 else 0)
    y[g] ~ bernoulli(p)
  }
}
END
cat >elo-all.dgm <<'END'
model elo(P) {
  data winner[G], loser[G] : index(P)
  data y[G] : bit
  latent k : positive ~ lognormal(0, 1)
  latent start[P] : real ~ normal(0, 1)
  let p0 = logistic(start[0] - start[1])
  let a0 = start[0] + k * (1 - p0)
  let a1 = start[1] + k * (p0 - 1)
  let p1 = logistic(a1 - start[2])
  let b2 = start[2] + k * (p1 - 1)
  factor logpdf(bernoulli(p0), y[0]) + logpdf(bernoulli(p1), y[1])
    + logpdf(bernoulli(logistic(b2 - a0)), y[2])
}
END
echo '{"winner": [0, 1, 2], "loser": [1, 2, 0], "y": [1, 0, 1], "P": 3}' >elo.json
echo '{"k": 0.7, "start": [0.1, -0.3, 0.5]}' >elo.at
pair elo

cat >ages.dgm <<'END'
model ages(A = 3) {
  data y[I, T, A] : count
  latent s : unit[A] ~ beta(2, 2)
  latent f : positive ~ lognormal(0, 1)
  for i in I {
    latent n0 : positive[A] ~ lognormal(1, 1)
    scan t in T {
      let n[a in A] = if t == 0 then n0[a] else if a == 0 then f * n[t - 1, A - 1]
                      else s[a - 1] * n[t - 1, a - 1]
      for a in A { y[i, t, a] ~ poisson(n[t, a]) }
    }
  }
}
END
cat >ages-all.dgm <<'END'
model ages(A = 3) {
  data y[I, T, A] : count
  latent s : unit[A] ~ beta(2, 2)
  latent f : positive ~ lognormal(0, 1)
  for i in I {
    latent n0 : positive[A] ~ lognormal(1, 1)
    let n1 = [f * n0[2], s[0] * n0[0], s[1] * n0[1]]
    let n2 = [f * n1[2], s[0] * n1[0], s[1] * n1[1]]
    for a in A {
      factor logpdf(poisson(n0[a]), y[i, 0, a]) + logpdf(poisson(n1[a]), y[i, 1, a])
        + logpdf(poisson(n2[a]), y[i, 2, a])
    }
  }
}
END
echo '{"y": [[[1, 2, 3], [0, 1, 2], [4, 0, 1]], [[2, 2, 0], [1, 1, 1], [5, 0, 2]]]}' >ages.json
echo '{"s": [0.5, 0.6, 0.7], "f": 2.5, "n0": [[4, 3, 2], [1, 2, 5]]}' >ages.at
pair ages

cat >kalman.dgm <<'END'
model kalman {
  data y[T] : real
  latent q, r : positive ~ lognormal(0, 1)
  latent phi : interval(-1, 1) ~ uniform(-1, 1)
  let A = [[1, 1], [0, phi]]
  let H = [1, 0]
  scan t in T {
    let P = A @ previous(C, diag([1, 1])) @ A' + sq(q) * diag([1, 1])
    let to = A @ previous(m, [0, 0])
    let S = H @ P @ H + sq(r)
    let gain = P @ H / S
    y[t] ~ normal(H @ to, sqrt(S))
    let m = to + gain * (y[t] - H @ to)
    let C[i in 2, j in 2] = P[t, i, j] - gain[t, i] * gain[t, j] * S
  }
}
END
cat >kalman-all.dgm <<'END'
model kalman {
  data y[T] : real
  latent q, r : positive ~ lognormal(0, 1)
  latent phi : interval(-1, 1) ~ uniform(-1, 1)
  let A = [[1, 1], [0, phi]]
  let Q = sq(q) * diag([1, 1])
  let C1 = A @ A' + Q
  let C2 = A @ C1 @ A' + Q
  let C3 = A @ C2 @ A' + Q
  let c12 = (A @ C1)[0, 0]
  let c13 = (A @ A @ C1)[0, 0]
  let c23 = (A @ C2)[0, 0]
  let V = [[C1[0, 0], c12, c13], [c12, C2[0, 0], c23], [c13, c23, C3[0, 0]]]
  y ~ mvnormal(0, cov: V + sq(r) * diag([1, 1, 1]))
}
END
echo '{"y": [1, 2.5, 2]}' >kalman.json
echo '{"q": 0.5, "r": 0.7, "phi": 0.3}' >kalman.at
pair kalman

# A renewal equation: every step reads all steps before it, from the second on.
cat >renewal.dgm <<'END'
model renewal {
  data w[T] : nonnegative
  data d[I, T] : count
  latent r : positive ~ lognormal(0, 1)
  latent c0[I] : positive ~ lognormal(0, 1)
  for i in I { scan t in 1 .. T {
    let c = if t == 1 then c0[i]
            else (1 - sum[s in 1 .. t](c[s]) / 100) * r * sum[s in 1 .. t](c[s] * w[t - 1 - s])
    let b[k in 2] = c * (k + 1) + (if t < 3 then 0 else 0.1 * b[t - 2, 1 - k])
    let top = if t == 1 then 0 else c[1 + t div 3]
    d[i, t] ~ poisson(max(c + b[t, 0] + b[t, 1] + top, 0))
  } }
}
END
cat >renewal-all.dgm <<'END'
model renewal {
  data w[T] : nonnegative
  data d[I, T] : count
  latent r : positive ~ lognormal(0, 1)
  latent c0[I] : positive ~ lognormal(0, 1)
  for i in I {
    let c2 = (1 - c0[i] / 100) * r * c0[i] * w[0]
    let c3 = (1 - (c0[i] + c2) / 100) * r * (c0[i] * w[1] + c2 * w[0])
    let b30 = c3 + 0.2 * c0[i]
    let b31 = 2 * c3 + 0.1 * c0[i]
    factor logpdf(poisson(4 * c0[i]), d[i, 1]) + logpdf(poisson(max(4 * c2 + c0[i], 0)), d[i, 2])
      + logpdf(poisson(max(c3 + b30 + b31 + c2, 0)), d[i, 3])
  }
}
END
echo '{"w": [0.6, 0.3, 0.1, 0.05], "d": [[9, 1, 2, 3], [0, 1, 0, 2]]}' >renewal.json
echo '{"r": 1.3, "c0": [5, 3]}' >renewal.at
pair renewal

# A latent that is an array at every step, its law read at another position of the step before.
cat >ring.dgm <<'END'
model ring(K = 3) {
  data y[T, K] : real
  latent rho : real ~ normal(0, 1)
  scan t in T {
    latent h[k in K] : real ~ normal(if t == 0 then k else rho * h[t - 1, (k + 1) mod K], 0.5 + k)
    for k in K { y[t, k] ~ normal(h[t, k] + previous(h, 2)[k], 1) }
  }
}
END
cat >ring-all.dgm <<'END'
model ring(K = 3) {
  data y[2, K] : real
  latent rho : real ~ normal(0, 1)
  latent h[2, K] : real ~ flat
  for k in K {
    factor logpdf(normal(k, 0.5 + k), h[0, k])
      + logpdf(normal(rho * h[0, (k + 1) mod K], 0.5 + k), h[1, k])
    y[0, k] ~ normal(h[0, k] + 2, 1)
    y[1, k] ~ normal(h[1, k] + h[0, k], 1)
  }
}
END
echo '{"y": [[0.3, -1.2, 2.5], [1, 2, 0.1]]}' >ring.json
echo '{"rho": 0.3, "h": [[0.5, -0.2, 0.8], [1, 0.3, -0.4]]}' >ring.at
pair ring

# A latent path, vectors, prefix sums and products, a condition on a binder.
cat >paths.dgm <<'END'
model paths {
  data y[T] : real[2]
  latent A : real[2, 2] ~ normal(0, 1)
  scan t in T {
    latent z : real[2] ~ normal(A @ previous(z, 0.5), 1)
    let s = sum[k in t](y[k, 0]) + prod[k in t](1 + 0.1 * y[k, 1]) + sum[k in T where k > t](y[k, 0])
    y[t] ~ normal(z + s, 1)
  }
}
END
cat >paths-all.dgm <<'END'
model paths {
  data y[3] : real[2]
  latent A : real[2, 2] ~ normal(0, 1)
  latent z[3] : real[2] ~ flat
  let start = [0.5, 0.5]
  factor logpdf(normal(A @ start, 1), z[0]) + logpdf(normal(A @ z[0], 1), z[1])
    + logpdf(normal(A @ z[1], 1), z[2])
  let s0 = 1 + y[1, 0] + y[2, 0]
  let s1 = y[0, 0] + 1 + 0.1 * y[0, 1] + y[2, 0]
  let s2 = y[0, 0] + y[1, 0] + (1 + 0.1 * y[0, 1]) * (1 + 0.1 * y[1, 1])
  factor logpdf(normal(z[0] + s0, 1), y[0]) + logpdf(normal(z[1] + s1, 1), y[1])
    + logpdf(normal(z[2] + s2, 1), y[2])
}
END
echo '{"y": [[0.3, -1.2], [2.5, 0.4], [1, 2]]}' >paths.json
echo '{"A": [[0.3, -0.7], [0.2, 0.5]], "z": [[0.5, -0.2], [1, 0.3], [-0.4, 0.8]]}' >paths.at
pair paths

# Latents that read each other one step back, the later declared one by previous.
cat >cross.dgm <<'END'
model cross {
  data y[T] : real
  latent s : positive ~ lognormal(0, 1)
  scan t in T {
    latent a : real ~ normal(sum(previous(b, 0.3)), 1)
    latent b : real[2] ~ normal(0.5 * previous(a, 1), s)
    y[t] ~ normal(a + sum(b), 1)
  }
}
END
cat >cross-all.dgm <<'END'
model cross {
  data y[2] : real
  latent s : positive ~ lognormal(0, 1)
  latent a[2] : real ~ flat
  latent b[2] : real[2] ~ flat
  factor logpdf(normal(0.6, 1), a[0]) + logpdf(normal(sum(b[0]), 1), a[1])
  factor logpdf(normal(0.5, s), b[0]) + logpdf(normal(0.5 * a[0], s), b[1])
  for t in 2 { y[t] ~ normal(a[t] + sum(b[t]), 1) }
}
END
echo '{"y": [0.3, -1.2]}' >cross.json
echo '{"s": 0.7, "a": [0.5, -0.2], "b": [[1, 0.3], [-0.4, 0.8]]}' >cross.at
pair cross

# Inverses, solutions and products of a matrix of any kind, by Cramer's rule.
cat >matrices.dgm <<'END'
model matrices {
  data y[N] : real[2]
  latent A : real[2, 2] ~ normal(0, 1)
  let w[n in N] = solve(A, y[n])
  for n in N { w[n] ~ normal(0, 1) }
  factor -sum(sq(solve(A, A')) + inverse(A' + 1)) - sum(solve(A @ A', y[0]))
  factor -sum(sq(A @ A' @ A @ A'))
}
END
cat >matrices-all.dgm <<'END'
model matrices {
  data y[N] : real[2]
  latent A : real[2, 2] ~ normal(0, 1)
  let d = A[0, 0] * A[1, 1] - A[0, 1] * A[1, 0]
  let Y = [[A[1, 1], -A[0, 1]], [-A[1, 0], A[0, 0]]] / d
  for n in N { factor logpdf(normal(0, 1), Y @ y[n]) }
  let e = (A[0, 0] + 1) * (A[1, 1] + 1) - (A[0, 1] + 1) * (A[1, 0] + 1)
  factor -sum(sq(Y @ A')) - (A[0, 0] + A[1, 1] - A[0, 1] - A[1, 0]) / e
  factor -sum(Y' @ (Y @ y[0]))
  let p = sq(A[0, 0]) + sq(A[0, 1])
  let q = A[0, 0] * A[1, 0] + A[0, 1] * A[1, 1]
  let r = sq(A[1, 0]) + sq(A[1, 1])
  factor -sq(p * p + q * q) - 2 * sq(p * q + q * r) - sq(q * q + r * r)
}
END
echo '{"y": [[0.3, -1.2], [2.5, 0.4], [1, 2]]}' >matrices.json
echo '{"A": [[0.3, -0.7], [1.2, 0.5]]}' >matrices.at
pair matrices

# -- one density in two spellings -----------------------------------------------------------------
# mixtures of probabilities are probabilities
cat >weights.dgm <<'END'
model weights(K = 3) {
  data y[N] : bit
  latent u : unit ~ beta(1, 1)
  latent b : real ~ normal(0, 1)
  latent w : simplex[K] ~ dirichlet(2)
  latent q : unit[K] ~ beta(2, 1)
  for n in N { y[n] ~ bernoulli(u + (1 - u) * logistic(b)) }
  factor logpdf(bernoulli(u * q[0] + (1 - q[1]) * (1 - u)), 1)
  factor logpdf(bernoulli(w @ q), 1) + logpdf(bernoulli(sum(q * w)), 0)
  factor logpdf(bernoulli(sum[k in K](w[k] * q[k])), 1)
}
END
cat >weights-all.dgm <<'END'
model weights(K = 3) {
  data y[N] : bit
  latent u : unit ~ beta(1, 1)
  latent b : real ~ normal(0, 1)
  latent w : simplex[K] ~ dirichlet(2)
  latent q : unit[K] ~ beta(2, 1)
  let p = w[0] * q[0] + w[1] * q[1] + w[2] * q[2]
  for n in N { y[n] ~ bernoulli(min(1, u + (1 - u) * logistic(b))) }
  factor log(u * q[0] + (1 - q[1]) * (1 - u)) + 2 * log(p) + log1p(-p)
}
END
echo '{"y": [1, 0, 1]}' >weights.json
echo '{"u": 0.3, "b": -0.4, "w": [0.2, 0.5, 0.3], "q": [0.9, 0.2, 0.6]}' >weights.at
pair weights

# a law of numbers on a vector in order, and one between bounds that follow from data
cat >bounds.dgm <<'END'
model bounds(K = 3) {
  data y[3] : real
  let s = sd(y)
  latent rate : ordered(0, inf)[K] ~ gamma(2, 0.5)
  latent sigma : positive ~ uniform(s / 100, s * 100)
  for n in 3 { y[n] ~ normal(rate[n], sigma) }
}
END
cat >bounds-all.dgm <<'END'
model bounds(K = 3) {
  data y[3] : real
  let s = sd(y)
  latent rate : ordered(0, inf)[K] ~ flat
  latent sigma : interval(s / 100, s * 100) ~ uniform(s / 100, s * 100)
  factor sum[k in K](logpdf(gamma(2, 0.5), rate[k]))
  for n in 3 { y[n] ~ normal(rate[n], sigma) }
}
END
echo '{"y": [1.5, 0.2, 3.1]}' >bounds.json
echo '{"rate": [0.4, 1.7, 2.5], "sigma": 1.2}' >bounds.at
pair bounds

# positions below another position: sticks are one fewer than their pieces
cat >sticks.dgm <<'END'
model sticks(K = 3) {
  data y[N] : index(K)
  latent v[K - 1] : unit ~ beta(1, 2)
  let w[k in K] = (if k < K - 1 then v[k] else 1) * prod[j in k](1 - v[j])
  for n in N { factor log(w[y[n]]) + sum[j in y[n]](v[j]) }
}
END
cat >sticks-all.dgm <<'END'
model sticks(K = 3) {
  data y[N] : index(K)
  latent v[K - 1] : unit ~ beta(1, 2)
  let w = [v[0], (1 - v[0]) * v[1], (1 - v[0]) * (1 - v[1])]
  let before = [0, v[0], v[0] + v[1]]
  for n in N { factor log(w[y[n]]) + before[y[n]] }
}
END
echo '{"y": [2, 0, 1, 2]}' >sticks.json
echo '{"v": [0.3, 0.8]}' >sticks.at
pair sticks
