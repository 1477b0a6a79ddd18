# enumeration.sh - models with discrete latents against the same models with every joint state written
# out: one log density and one gradient, to 1e-12. Latents that statements read together: joint.sh.
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
