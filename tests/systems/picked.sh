# picked.sh - discrete latents that the positions of another plate read by an index of data, against the same
# models with the sums over their states written out: one log density and one gradient, to 1e-12; marginals.
. "$DGM_ROOT/tests/systems/lib.sh"

# -- a class for each person, in a long table whose rows name the person: with states of the rows, a state of
# the person that depends on it, a let, a condition, two statements by other indices, a plate in the rows -----
cat >persons.dgm <<'END2'
model persons(K = 3, J) {
  data who[N] : index(J) from 1
  data pair[M] : index(J) from 1
  data y[N, T], x[J], v[M] : real
  data seen[N] : bit
  latent w : simplex[K] ~ dirichlet(2)
  latent m : real[K] ~ normal(0, 1)
  for j in J {
    latent a : real ~ normal(0, 1)
    latent c : index(K) ~ categorical(w)
    latent lit : bit ~ bernoulli(0.3 + 0.1 * c)
    x[j] ~ normal(m[c] + lit, 1)
  }
  for n in N where seen[n] {
    latent out : bit ~ bernoulli(0.2)
    let level = m[c[who[n]]] + a[who[n]]
    for t in T { y[n, t] ~ normal(if out then 0 else level + 0.1 * t, 1) }
  }
  for i in M { v[i] ~ normal(2 * c[pair[i]] - a[pair[i]], 1) }
  report class[j in J] = marginal(c[j])
  report on[j in J] = marginal(lit[j])
}
END2
cat >persons-all.dgm <<'END2'
model persons(K = 3, J) {
  data who[N] : index(J) from 1
  data pair[M] : index(J) from 1
  data y[N, T], x[J], v[M] : real
  data seen[N] : bit
  latent w : simplex[K] ~ dirichlet(2)
  latent m : real[K] ~ normal(0, 1)
  latent a[J] : real ~ normal(0, 1)
  let mass(c, p) = if c == 1 then log(p) else log1p(-p)
  let row(n, l) = logsumexp[o in 2](mass(o, 0.2)
    + sum[t in T](logpdf(normal(if o == 1 then 0 else l + 0.1 * t, 1), y[n, t])))
  let f(k, l, j) = log(w[k]) + mass(l, 0.3 + 0.1 * k) + logpdf(normal(m[k] + l, 1), x[j])
    + sum[n in N](if seen[n] and who[n] == j then row(n, m[k] + a[j]) else 0)
    + sum[i in M](if pair[i] == j then logpdf(normal(2 * k - a[j], 1), v[i]) else 0)
  let all[j in J] = logsumexp[k in K, l in 2](f(k, l, j))
  factor sum[j in J](all[j])
  report class[j in J, k in K] = exp(logsumexp[l in 2](f(k, l, j)) - all[j])
  report on[j in J] = exp(logsumexp[k in K](f(k, 1, j)) - all[j])
}
END2
cat >persons.json <<'END2'
{"who": [1, 3, 3, 2, 4, 1, 3], "pair": [4, 4, 1], "seen": [1, 1, 0, 1, 1, 1, 1], "v": [1.5, 0.3, -0.2],
 "x": [0.1, 1.2, -0.4, 0.8],
 "y": [[0.3, 0.1], [1.2, 0.9], [-0.7, 0.2], [1.9, 2.2], [-1.1, 0.4], [0.6, 0.6], [1.4, -0.3]]}
END2
echo '{"w": [0.5, 0.3, 0.2], "m": [-0.4, 0.7, 1.6], "a": [0.3, -0.2, 0.5, 0.1]}' >persons.at
pair persons
summaries persons

# -- bits; an array of them in a plate; a state around all that changes their law; missing cells ------------------
cat >nested.dgm <<'END2'
model nested(J = 3) {
  data who[I, N] : index(J)
  data y[I, N] : real missing
  latent p : unit ~ beta(2, 2)
  latent d : real ~ normal(0, 1)
  latent s : bit ~ bernoulli(0.4)
  for i in I {
    for j in J { latent z : bit ~ bernoulli(if s then p else 0.5) }
    for n in N { y[i, n] ~ normal(d * z[who[i, n]] + s, 1) }
  }
  report on[i in I, j in J] = marginal(z[i, j])
  report shift = marginal(s)
}
END2
cat >nested-all.dgm <<'END2'
model nested(J = 3) {
  data who[I, N] : index(J)
  data y[I, N] : real missing
  latent p : unit ~ beta(2, 2)
  latent d : real ~ normal(0, 1)
  let mass(c, p) = if c == 1 then log(p) else log1p(-p)
  let one(i, j, z, s) = mass(z, if s == 1 then p else 0.5)
    + sum[n in N](if who[i, n] == j then logpdf(normal(d * z + s, 1), y[i, n]) else 0)
  let g(s) = mass(s, 0.4) + sum[i in I, j in J](logsumexp[z in 2](one(i, j, z, s)))
  let all = logsumexp[s in 2](g(s))
  factor all
  report on[i in I, j in J] = sum[s in 2](exp(g(s) - all + one(i, j, 1, s) - logsumexp[z in 2](one(i, j, z, s))))
  report shift = exp(g(1) - all)
}
END2
sed -i 's/ missing//' nested.dgm nested-all.dgm
echo '{"who": [[0, 2, 2, 1], [1, 1, 0, 0]], "y": [[0.4, -0.3, 1.2, 0.8], [1.9, 0.2, -0.5, 0.1]]}' >nested.json
echo '{"p": 0.7, "d": 1.3}' >nested.at
pair nested
summaries nested

# -- a read by two indices at once is over joint states, as before -------------------------------------------
cat >duel.dgm <<'END2'
model duel(J = 3) {
  data a[N], b[N] : index(J)
  data y[N] : bit
  latent p : unit ~ beta(2, 2)
  latent strong[J] : bit ~ bernoulli(p)
  for n in N { y[n] ~ bernoulli(logistic(2 * strong[a[n]] - 2 * strong[b[n]])) }
  report who[j in J] = marginal(strong[j])
}
END2
cat >duel-all.dgm <<'END2'
model duel(J = 3) {
  data a[N], b[N] : index(J)
  data y[N] : bit
  latent p : unit ~ beta(2, 2)
  let mass(c) = if c == 1 then log(p) else log1p(-p)
  let f(u, v, w) = mass(u) + mass(v) + mass(w) + sum[n in N](logpdf(bernoulli(logistic(
    2 * [u, v, w][a[n]] - 2 * [u, v, w][b[n]])), y[n]))
  let all = logsumexp[u in 2, v in 2, w in 2](f(u, v, w))
  factor all
  report who = [exp(logsumexp[v in 2, w in 2](f(1, v, w)) - all),
                exp(logsumexp[u in 2, w in 2](f(u, 1, w)) - all),
                exp(logsumexp[u in 2, v in 2](f(u, v, 1)) - all)]
}
END2
echo '{"a": [0, 1, 2, 0], "b": [1, 2, 0, 2], "y": [1, 1, 0, 0]}' >duel.json
echo '{"p": 0.4}' >duel.at
pair duel
summaries duel

# -- a chain, whose steps the rows of a table name: two rows at one step, none at another -----------------------
cat >steps.dgm <<'END2'
model steps(T = 4) {
  data when[N] : index(T)
  data y[N], x[T] : real
  latent p : unit ~ beta(2, 2)
  latent m : real ~ normal(0, 1)
  scan t in T {
    latent z : bit ~ bernoulli(if previous(z, 0) then 0.8 else p)
    latent w : index(3) ~ categorical(if previous(w, 1) == 2 then [0.2, 0.5, 0.3] else [0.3, 0.3 + 0.1 * z, 0.4 - 0.1 * z])
    x[t] ~ normal(z + m, 1)
  }
  for n in N { y[n] ~ normal(m * w[when[n]] + z[when[n]], 1) }
  report on[t in T] = marginal(z[t])
}
END2
cat >steps-all.dgm <<'END2'
model steps(T = 4) {
  data when[N] : index(T)
  data y[N], x[T] : real
  latent p : unit ~ beta(2, 2)
  latent m : real ~ normal(0, 1)
  let mass(c, p) = if c == 1 then log(p) else log1p(-p)
  let law(w, before, z) = if before == 2 then log([0.2, 0.5, 0.3][w]) else log([0.3, 0.3 + 0.1 * z, 0.4 - 0.1 * z][w])
  let f(t, z, w, z0, w0) = mass(z, if z0 == 1 then 0.8 else p) + law(w, w0, z) + logpdf(normal(z + m, 1), x[t])
    + sum[n in N](if when[n] == t then logpdf(normal(m * w + z, 1), y[n]) else 0)
  let last(z, w) = logsumexp[a in 2, b in 3](f(3, a, b, z, w))
  let third(z, w) = logsumexp[a in 2, b in 3](f(2, a, b, z, w) + last(a, b))
  let second(z, w) = logsumexp[a in 2, b in 3](f(1, a, b, z, w) + third(a, b))
  let first(a) = logsumexp[b in 3](f(0, a, b, 0, 1) + second(a, b))
  let all = logsumexp[a in 2](first(a))
  factor all
  report on = [exp(first(1) - all)]
}
END2
echo '{"when": [0, 3, 3, 1], "y": [0.3, 1.2, -0.4, 0.9], "x": [0.5, -0.2, 1.7, 0.4]}' >steps.json
echo '{"p": 0.3, "m": 0.6}' >steps.at
pair steps
sed -i 's/report on.*/report on = [marginal(z[0])]/' steps.dgm
summaries steps

# -- a panel in a long table: chains of persons, whose class their law and a let of theirs read, rows that name
# person and step and have a state of their own ----------------------------------------------------------------
cat >panel.dgm <<'END2'
model panel(J = 2, T = 3) {
  data who[N] : index(J)
  data when[N] : index(T) from 1
  data y[N] : real
  latent p : unit ~ beta(2, 2)
  latent m : real ~ normal(0, 1)
  for j in J {
    latent c : bit ~ bernoulli(0.3)
    let shift = m + c
    scan t in T { latent z : bit ~ bernoulli(if previous(z, 0) then 0.9 - 0.3 * c else p) }
  }
  for n in N {
    latent out : bit ~ bernoulli(0.2)
    y[n] ~ normal(if out then 0 else m * z[who[n], when[n]] + shift[who[n]], 1)
  }
  report class[j in J] = marginal(c[j])
  report on[j in J] = marginal(z[j, 0])
}
END2
cat >panel-all.dgm <<'END2'
model panel(J = 2, T = 3) {
  data who[N] : index(J)
  data when[N] : index(T) from 1
  data y[N] : real
  latent p : unit ~ beta(2, 2)
  latent m : real ~ normal(0, 1)
  let mass(c, p) = if c == 1 then log(p) else log1p(-p)
  let row(n, l) = logsumexp[o in 2](mass(o, 0.2) + logpdf(normal(if o == 1 then 0 else l, 1), y[n]))
  let f(j, t, z, z0, c) = mass(z, if z0 == 1 then 0.9 - 0.3 * c else p)
    + sum[n in N](if who[n] == j and when[n] == t then row(n, m * z + m + c) else 0)
  let g(j, c, u) = mass(c, 0.3) + f(j, 0, u, 0, c)
    + logsumexp[v in 2, w in 2](f(j, 1, v, u, c) + f(j, 2, w, v, c))
  let all[j in J] = logsumexp[c in 2, u in 2](g(j, c, u))
  factor sum[j in J](all[j])
  report class[j in J] = exp(logsumexp[u in 2](g(j, 1, u)) - all[j])
  report on[j in J] = exp(logsumexp[c in 2](g(j, c, 1)) - all[j])
}
END2
echo '{"who": [0, 1, 1, 0, 1], "when": [1, 3, 3, 2, 1], "y": [0.3, 1.2, -0.4, 0.9, 2]}' >panel.json
echo '{"p": 0.3, "m": 0.6}' >panel.at
pair panel
summaries panel
sed -i 's/for j in J {/latent c[J] : bit ~ bernoulli(0.3)\n  for j in J {/; /latent c : bit/d; s/0.3 \* c else/0.3 * c[j] else/; s/m + c$/m + c[j]/' panel.dgm
grep -q 'latent c\[J\]' panel.dgm
pair panel                             # the class is declared as an array
summaries panel

# -- two states of one person that rows read at unlike persons: joint states, nothing else ------------------------
cat >unlike.dgm <<'END2'
model unlike(J = 2) {
  data a[N], b[N] : index(J)
  data y[N] : real
  latent p : unit ~ beta(2, 2)
  for j in J {
    latent u : bit ~ bernoulli(p)
    latent v : bit ~ bernoulli(0.4 + 0.2 * u)
  }
  for n in N { y[n] ~ normal(u[a[n]] + 2 * v[b[n]], 1) }
  report high[j in J] = marginal(u[j])
}
END2
cat >unlike-all.dgm <<'END2'
model unlike(J = 2) {
  data a[N], b[N] : index(J)
  data y[N] : real
  latent p : unit ~ beta(2, 2)
  let mass(c, p) = if c == 1 then log(p) else log1p(-p)
  let f(u, x, v, w) = mass(u, p) + mass(x, p) + mass(v, 0.4 + 0.2 * u) + mass(w, 0.4 + 0.2 * x)
    + sum[n in N](logpdf(normal([u, x][a[n]] + 2 * [v, w][b[n]], 1), y[n]))
  let all = logsumexp[u in 2, x in 2, v in 2, w in 2](f(u, x, v, w))
  factor all
  report high = [exp(logsumexp[x in 2, v in 2, w in 2](f(1, x, v, w)) - all),
                 exp(logsumexp[u in 2, v in 2, w in 2](f(u, 1, v, w)) - all)]
}
END2
echo '{"a": [0, 1, 1], "b": [1, 1, 0], "y": [0.3, 1.9, 2.4]}' >unlike.json
echo '{"p": 0.3}' >unlike.at
pair unlike
summaries unlike

# ---- beside states of the rows themselves; cells of two axes
cat >raters.dgm <<'END'
model raters(I = 3, J = 2) {
  data item[N] : index(I)
  data who[N] : index(J)
  data y[N] : real
  data w[I] : real
  latent p : unit ~ beta(2, 2)
  latent m[J, 2] : real ~ normal(0, 2)
  latent z[I] : bit ~ bernoulli(p)
  for i in I { w[i] ~ normal(z[i], 1) }
  for n in N {
    latent odd : bit ~ bernoulli(0.1)
    y[n] ~ normal(m[who[n], z[item[n]]], if odd then 5 else 1)
  }
}
END
cat >raters-all.dgm <<'END'
model raters(I = 3, J = 2) {
  data item[N] : index(I)
  data who[N] : index(J)
  data y[N] : real
  data w[I] : real
  latent p : unit ~ beta(2, 2)
  latent m[J, 2] : real ~ normal(0, 2)
  for i in I {
    factor logsumexp[z in 2](log(if z == 1 then p else 1 - p) + logpdf(normal(z, 1), w[i])
      + sum[n in N where item[n] == i](log(0.1 * exp(logpdf(normal(m[who[n], z], 5), y[n]))
                                       + 0.9 * exp(logpdf(normal(m[who[n], z], 1), y[n])))))
  }
}
END
echo '{"item": [2, 0, 0, 1, 1, 2, 2], "who": [1, 0, 1, 1, 0, 0, 1], "y": [0.3, 1.2, -0.7, 6, 0.1, -1, 0.8],
"w": [0.1, 1.3, 2]}' >raters.json
echo '{"p": 0.3, "m": [[0.2, 1], [-0.5, 2]]}' >raters.at
pair raters
cat >cells.dgm <<'END'
model cells(I = 2, J = 3, K = 3) {
  data a[N] : index(I)
  data b[N] : index(J)
  data y[N] : real
  latent w[I] : simplex[K] ~ dirichlet(1)
  latent mu[K] : real ~ normal(0, 2)
  latent z[i in I, j in J] : index(K) ~ categorical(w[i])
  for n in N { y[n] ~ normal(mu[z[a[n], b[n]]], 1) }
}
END
cat >cells-all.dgm <<'END'
model cells(I = 2, J = 3, K = 3) {
  data a[N] : index(I)
  data b[N] : index(J)
  data y[N] : real
  latent w[I] : simplex[K] ~ dirichlet(1)
  latent mu[K] : real ~ normal(0, 2)
  for i in I { for j in J {
    factor logsumexp[k in K](log(w[i, k])
      + sum[n in N where a[n] == i and b[n] == j](logpdf(normal(mu[k], 1), y[n])))
  } }
}
END
echo '{"a": [0, 1, 1, 0, 1, 1], "b": [2, 0, 1, 2, 1, 1], "y": [0.3, 1.1, -2, 0.5, 1.4, -1.7]}' >cells.json
echo '{"w": [[0.2, 0.5, 0.3], [0.6, 0.1, 0.3]], "mu": [-1, 0.4, 2]}' >cells.at
pair cells

# -- 300 persons with 2 classes each, of whom 2^300 joint states could not be summed: their draws ---------------
cat >many.dgm <<'END2'
model many(J = 300) {
  data who[N] : index(J)
  data y[N] : real
  latent d : real ~ normal(0, 3)
  latent z[J] : bit ~ bernoulli(0.5)
  for n in N { y[n] ~ normal(d * z[who[n]], 1) }
  report on[j in J] = marginal(z[j])
  report drawn[j in J] = z[j]
  report best[j in J] = mode(z[j])
  predict y
}
END2
awk 'BEGIN { printf "{\"who\": ["; for (n = 0; n < 900; n++) printf "%s%d", n ? ", " : "", n % 300
    printf "], \"y\": ["; for (n = 0; n < 900; n++) printf "%s%.3f", n ? ", " : "", (n % 300 % 2) * 1.2 + sin(n)
    print "]}" }' >many.json
awk 'BEGIN { printf "{\"d\": ["; for (i = 0; i < 500; i++) printf "%s1.2", i ? ", " : ""; print "]}" }' >many.at
quick_dgmc many.dgm --only=report --data many.json -o ./many
./many report --data many.json --draws many.at --out many.out
for name in on drawn best; do values many.out $name >$name.txt; done
paste on.txt drawn.txt best.txt | awk '
    { j = (NR - 1) % 300; p = $1; s[j] += $2; v[j] = p * (1 - p); q[j] = p
      if ($3 != (p > 0.5)) { print "mode", j, p, $3; exit bad = 1 } }
    END { if (bad || NR != 150000) exit 1
        for (j in s) { z = (s[j] - 500 * q[j]) / sqrt(500 * v[j]); if (z * z > 16) { print j, q[j], s[j]; exit 1 } } }' ||
    fail "states of 300 persons"
awk 'BEGIN { for (n = 0; n < 900; n++) { y = sprintf("%.3f", (n % 300 % 2) * 1.2 + sin(n)) + 0; l[n % 300] += 1.2 * y - 0.72 }
    for (j = 0; j < 300; j++) printf "%.15g\n", 1 / (1 + exp(-l[j])) }' >exact.txt
head -300 on.txt | paste - exact.txt | awk '{ d = $1 - $2; if (d * d > 1e-24) { print NR, $0; exit 1 } }' ||
    fail "marginals of 300 persons"
values many.out y | awk 'NR % 900 == 2 { s += $1; n++ } END { print s / n }' >y.txt
holds "($(cat y.txt) - 1.2 * $(sed -n 2p exact.txt)) ^ 2 < 16 * 1.36 / 500" "predictions of a row whose person is known"
