# equations.sh - equations of a sequence against the same written out step by step; matrices by
# Cramer's rule; one density in two spellings: one log density and one gradient, to 1e-12.
. "$DGM_ROOT/tests/systems/lib.sh"

# -- sequences ------------------------------------------------------------------------------------
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

# -- matrices -------------------------------------------------------------------------------------
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
