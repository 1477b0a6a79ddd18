# report.sh - quantities of `report` for draws of the latents: functions of latents and data; marginals
# and modes of discrete latents against every joint state written out; `predict`.
. "$DGM_ROOT/tests/systems/lib.sh"

cat >chain.dgm <<'END'
model chain(K = 3, T = 4) {
  data y[T] : real
  latent A[K] : simplex[K] ~ dirichlet(1)
  latent mu[K] : real ~ normal(0, 3)
  scan t in T {
    latent z : index(K) ~ if t == 0 then categorical(1 / K) else categorical(A[z[t - 1]])
    y[t] ~ normal(mu[z], 1)
  }
  report path = mode(z)
  report share[t in T] = marginal(z[t])
  report first = marginal(z[0])[1] + 0 * y[0]
  report spread = max(mu) - min(mu)
  predict y
}
END
# The same with its states as data: the density of one path.
sed '/report\|predict/d; s/latent z : .*then categorical(1 \/ K) else/z[t] ~ if t == 0 then categorical(1 \/ K) else/
    s/mu\[z\]/mu[z[t]]/; s/data y\[T\] : real/data y[T] : real\n  data z[T] : index(K)/' chain.dgm >path.dgm
y='[0.3, -0.4, 2.2, 1.9]'
echo "{\"y\": $y}" >data.json
cat >one.json <<'END'
{"A": [[0.7, 0.2, 0.1], [0.1, 0.6, 0.3], [0.25, 0.25, 0.5]], "mu": [-0.5, 1.0, 2.5]}
END
cat >draws.json <<'END'
{"A": [[[0.7, 0.2, 0.1], [0.1, 0.6, 0.3], [0.25, 0.25, 0.5]],
       [[0.2, 0.4, 0.4], [0.3, 0.4, 0.3], [0.1, 0.1, 0.8]]],
 "mu": [[-0.5, 1.0, 2.5], [0, 0.1, 3]]}
END
quick_dgmc chain.dgm --only=report,marginals,modes,simulate -o ./chain
quick_dgmc path.dgm --only=log_prob -o ./path
for a in 0 1 2; do for b in 0 1 2; do for c in 0 1 2; do for d in 0 1 2; do
    echo "{\"y\": $y, \"z\": [$a, $b, $c, $d]}" >path.json
    ./path log-prob --data path.json --at one.json --json >lp.json
    echo "$a $b $c $d $(json lp.json log_prob)"
done; done; done; done >paths.txt
./chain report --data data.json --draws draws.json --out report.json

# marginals of the first draw: sums of exp log p over the paths
awk '{ p = exp($5); s += p; for (t = 1; t <= 4; t++) m[t, $t] += p }
    END { for (t = 1; t <= 4; t++) for (k = 0; k < 3; k++) printf "%.15g\n", m[t, k] / s }' \
    paths.txt >exact.txt
values report.json share | head -12 | paste - exact.txt | awk '
    { d = $1 - $2; n++; if (!(d * d < 1e-24)) { print $1, $2; bad = 1 } } END { exit bad || n != 12 }' ||
    fail "a marginal is not that of the enumeration"
holds "$(values report.json first | head -1) == $(values report.json share | sed -n 2p)"
best=$(sort -k5,5gr paths.txt | head -1 | cut -d' ' -f1-4)
[ "$(values report.json path | head -4 | tr '\n' ' ')" = "$best " ] ||
    fail "the mode is $(values report.json path | head -4 | tr '\n' ' ') instead of $best"
[ "$(values report.json spread | tr '\n' ' ')" = "3.0 3.0 " ] || fail "spread: $(values report.json spread)"
[ "$(values report.json y | wc -l)" -eq 8 ] || fail "predictions of y"
./chain report --data data.json --draws draws.json >table.txt
grep -q '^share\[3, 2\]' table.txt || fail "$(cat table.txt)"

# -- two chains that read each other: every pair of paths ---------------------------------------------
cat >pair.dgm <<'END'
model pair(T = 3) {
  data y[T] : real
  latent a : unit ~ beta(1, 1)
  scan t in T {
    latent z : index(3) ~ categorical(if previous(z, 2) == 2 then [0.2, 0.5, 0.3] else [0.6, 0.3, 0.1])
    latent w : bit ~ bernoulli(if previous(w, 1) then a else 0.2 + 0.1 * previous(z, 0))
    y[t] ~ normal(z - 2 * w, 1)
  }
  report share[t in T] = marginal(z[t])
  report lit[t in T] = marginal(w[t])
  report path = mode(z)
  report lights = mode(w)
}
END
echo '{"y": [0.4, -1.5, 1.2]}' >pair.json
echo '{"a": [0.7, 0.1]}' >pair.at
quick_dgmc pair.dgm --only=report,marginals,modes,simulate -o ./pair
./pair report --data pair.json --draws pair.at --out pair.out
awk 'function start(u, z) { return u ? (z == 0 ? 0.2 : z == 1 ? 0.5 : 0.3) : (z == 0 ? 0.6 : z == 1 ? 0.3 : 0.1) }
    function bit(w, q) { return w ? q : 1 - q }
    BEGIN { split("0.4 -1.5 1.2", y, " "); split("0.7 0.1", a, " ")
        for (d = 1; d <= 2; d++) {
            s = best = 0; split("", m); split("", l)
            for (n = 0; n < 216; n++) {
                k = n; p = 1; z0 = 0; w0 = 1
                for (t = 1; t <= 3; t++) {
                    s6 = k % 6; k = int(k / 6); z = s6 % 3; w = int(s6 / 3)
                    p *= start(t == 1 || z0 == 2, z) * bit(w, w0 ? a[d] : 0.2 + 0.1 * z0)
                    p *= exp(-(y[t] - z + 2 * w) ^ 2 / 2); path[t] = z; light[t] = w; z0 = z; w0 = w }
                s += p
                for (t = 1; t <= 3; t++) { m[t, path[t]] += p; l[t] += light[t] * p }
                if (p > best) { best = p; b = path[1] " " path[2] " " path[3]; c = light[1] " " light[2] " " light[3] }
            }
            for (t = 1; t <= 3; t++) for (z = 0; z < 3; z++) printf "%.15g\n", m[t, z] / s >"share.txt"
            for (t = 1; t <= 3; t++) printf "%.15g\n", l[t] / s >"lit.txt"
            print b >"path.txt"; print c >"lights.txt" } }'
for name in share lit; do
    values pair.out $name | paste - $name.txt | awk '{ d = $1 - $2; n++; if (!(d * d < 1e-24)) exit 1 }
        END { exit n < 6 }' || fail "$name: $(values pair.out $name | paste - $name.txt)"
done
for name in path lights; do
    [ "$(values pair.out $name | tr '\n' ' ')" = "$(tr '\n' ' ' <$name.txt)" ] ||
        fail "$name: $(values pair.out $name | tr '\n' ' ') instead of $(cat $name.txt)"
done

# -- states of rows, a bit and a count; predictions follow their law ---------------------------------
cat >rows.dgm <<'END'
model rows {
  data y[N] : real
  latent m : real ~ normal(0, 10)
  for n in N {
    latent on : bit ~ bernoulli(0.3)
    latent k : count(2) ~ binomial(2, 0.5)
    y[n] ~ normal(m * on + k, 1)
  }
  report lit[n in N] = marginal(on[n])
  report counts[n in N] = marginal(k[n])
  report rest[n in N] = y[n] - m
  predict y
}
END
echo '{"y": [0.5, 4, 7]}' >rows.json
echo '{"m": [3, 5]}' >rows.at
quick_dgmc rows.dgm --only=report,marginals,modes,simulate -o ./rows
./rows report --data rows.json --draws rows.at --out rows.out
awk 'function f(y, m, on, k) { return (on ? 0.3 : 0.7) * (k == 1 ? 0.5 : 0.25) * exp(-(y - m * on - k) ^ 2 / 2) }
    BEGIN { split("0.5 4 7", y, " "); split("3 5", m, " ")
        for (d = 1; d <= 2; d++) for (i = 1; i <= 3; i++) {
            on = s = 0
            for (k = 0; k < 3; k++) { a = f(y[i], m[d], 1, k); on += a; s += a + f(y[i], m[d], 0, k) }
            printf "%.15g\n", on / s } }' >exact.txt
values rows.out lit | paste - exact.txt | awk '{ d = $1 - $2; n++; if (d * d > 1e-24) exit 1 } END { exit n != 6 }' ||
    fail "$(values rows.out lit | paste - exact.txt)"
[ "$(values rows.out counts | wc -l)" -eq 18 ] || fail "a count has its states and 0"
[ "$(values rows.out rest | tr '\n' ' ')" = "-2.5 1.0 4.0 -4.5 -1.0 2.0 " ] || fail "$(cat rows.out)"
awk 'BEGIN { printf "{\"m\": ["; for (i = 0; i < 3000; i++) printf "%s2", i ? ", " : ""; print "]}" }' >many.at
./rows report --data rows.json --draws many.at --out many.out
values many.out y | awk '{ s += $1; q += $1 ^ 2 } END { n = NR; m = s / n; v = q / n - m ^ 2
    exit !(n == 9000 && (m - 1.6) ^ 2 < 16 * 2.34 / n && (v - 2.34) ^ 2 < 0.04) }' ||
    fail "predictions are not of their law"

# -- `predict z ~ d`: vectors, counts, cut laws, what follows from a draw, rows and other positions ----
cat >drawn.dgm <<'END'
model drawn {
  data y[N], x_new[M] : real
  latent m[2] : real[2] ~ normal(0, 1)
  latent L : cholesky[2] ~ flat
  for n in N { y[n] ~ normal(m[0, 0], 1) }
  predict v[j in 2] ~ mvnormal(m[j], chol: L)
  predict line[i in M] ~ normal(x_new[i] * m[1, 1], 0.5)
  predict above[i in M] ~ delta(line[i] > 4)
  predict events ~ poisson(exp(m[1, 0]))
  predict cut ~ normal(0, 1) |> truncate(lower: 1)
  predict again[n in N] ~ normal(y[n], 0.1)
}
END
echo '{"y": [1, 2, 3], "x_new": [1.8, 2]}' >drawn.json
awk 'BEGIN { printf "{\"m\": ["; for (i = 0; i < 4000; i++) printf "%s[[1, -1], [0.5, 2]]", i ? ", " : ""
    printf "], \"L\": ["; for (i = 0; i < 4000; i++) printf "%s[[1, 0], [0.6, 0.8]]", i ? ", " : ""
    print "]}" }' >drawn.at
quick_dgmc drawn.dgm --only=report,simulate --data drawn.json -o ./drawn
./drawn report --data drawn.json --draws drawn.at --out drawn.out
# moments NAME WIDTH MEAN VARIANCE ..: of each of its WIDTH numbers, |z| < 4
moments() {
    name=$1 width=$2
    shift 2
    values drawn.out "$name" | awk -v w="$width" -v want="$*" '
        { k = NR % w == 0 ? w : NR % w; s[k] += $1; q[k] += $1 ^ 2; n[k]++ }
        END { split(want, e, " ")
            for (k = 1; k <= w; k++) {
                m = s[k] / n[k]; v = q[k] / n[k] - m ^ 2; d = m - e[2 * k - 1]; r = e[2 * k]
                if (n[k] != 4000 || d * d > 16 * r / n[k] || (v - r) ^ 2 > 16 * 4 * r ^ 2 / n[k]) {
                    print "number", k, "mean", m, "variance", v; bad = 1 } } exit bad }' ||
        fail "predictions of $name"
}
moments v 4 1 1 -1 1 0.5 1 2 1
moments line 2 3.6 0.25 4 0.25
moments above 2 0.2118554 0.1669727 0.5 0.25
moments events 1 1.6487213 1.6487213
moments cut 1 1.5251353 0.1990978
moments again 3 1 0.01 2 0.01 3 0.01
values drawn.out v | paste - - - - | awk '{ s += ($1 - 1) * ($2 + 1); n++ }
    END { d = s / n - 0.6; exit !(d * d < 16 * 1.36 / n) }' || fail "the covariance of v"

# -- a sequence runs on: with next to no noise, by the recursion itself; with noise, its variance ------
cat >ahead.dgm <<'END'
model ahead {
  data y[T] : real
  data x[L] : real
  latent a : real ~ normal(0, 1)
  latent q, r : positive ~ normal(0, 1)
  scan t in T {
    latent z : real ~ normal(a * previous(z, 0), q)
    let e = y[t] - z
    y[t] ~ normal(z + 0.1 * previous(e, 0) + (if t < 2 then 0 else 0.2 * y[t - 2]) + 0.01 * t * x[t], r)
  }
  predict y[T .. T + 4]
}
END
echo '{"y": [1, 2, 3.5], "x": [1, 2, 3, 4, 5, 6, 7]}' >ahead.json
awk 'BEGIN { printf "{\"a\": ["; for (i = 0; i < 4000; i++) printf "%s0.9", i ? ", " : ""
    for (k = 0; k < 2; k++) { printf "], \"%s\": [", k ? "r" : "q"
        for (i = 0; i < 4000; i++) printf "%s%s", i ? ", " : "", i < 2000 ? 1e-9 : 0.5 }
    printf "], \"z\": ["; for (i = 0; i < 4000; i++) printf "%s[1, 2, 3]", i ? ", " : ""
    print "]}" }' >ahead.at
quick_dgmc ahead.dgm --only=simulate --data ahead.json -o ./ahead
./ahead report --data ahead.json --draws ahead.at --out ahead.out
values ahead.out y_next | paste - - - - | awk '
    NR == 1 { split("1 2 3.5", y, " "); z = 3; e = 0.5
        for (t = 3; t < 7; t++) {
            z *= 0.9; y[t + 1] = z + 0.1 * e + 0.2 * y[t - 1] + 0.01 * t * (t + 1); e = y[t + 1] - z } }
    NR <= 2000 { for (k = 1; k <= 4; k++) if (($k - y[k + 3]) ^ 2 > 1e-14) { print k, $k, y[k + 3]; exit 1 } }
    NR > 2000 { d = $1 - y[4]; s += d; q += d ^ 2; n++
        u = $2 - y[5]; c += d * u }
    END { if (n != 2000 || s ^ 2 / n > 16 * 0.5 || (q / n - 0.5) ^ 2 > 16 * 0.5 / n) exit 1
        w = 0.25 * 0.9 + 0.1 * 0.25                   # of z, and of the noise of y by the error
        exit !((c / n - w) ^ 2 < 16 * 0.5 / n) }' || fail "a sequence beyond its data"

# Sequences of a plate: a let above what it reads one step back, covariates of the plate.
cat >series.dgm <<'END'
model series {
  data y[I, T] : real
  data x[I, L] : real
  latent phi : real ~ normal(0, 1)
  latent q : positive ~ lognormal(0, 0.5)
  latent b[I] : real ~ normal(0, 1)
  for i in I {
    latent a : real ~ normal(0, 1)
    scan t in T {
      let m = a + b[i] + phi * (if t == 0 then 0 else y[i, t - 1]) + x[i, t]
        + 0.5 * (if t < 2 then 0 else y[i, t - 2])
      y[i, t] ~ normal(m, q)
    }
  }
  predict y[i, T .. T + 3]
}
END
echo '{"y": [[1, 2, 3, 4, 5], [0, 1, 0, 2, 1]],
  "x": [[1, 2, 3, 4, 5, 6, 7, 8], [0, 0, 0, 0, 0, 0.1, 0.2, 0.3]]}' >series.json
echo '{"phi": [0.5], "q": [1e-9], "b": [[0.1, 0.2]], "a": [[1, 2]]}' >series.at
quick_dgmc series.dgm --only=simulate --data series.json -o ./series
./series report --data series.json --draws series.at --out series.out
values series.out y_next | tr '\n' ' ' | awk '{ split("11.6 16.4 23.1 3.8 4.8 6.8", e, " ")
    for (i = 1; i <= 6; i++) if (($i - e[i]) ^ 2 > 1e-14) exit 1
    exit NF != 6 }' || fail "sequences of a plate beyond their data: $(values series.out y_next)"

# Lags that the index of a reduction decides; a sequence that begins later; a plate of data.
cat >arma.dgm <<'END'
model arma(P = 3, Q = 2) {
  data y[T], x[T] : real
  latent phi : real[P] ~ normal(0, 1)
  latent theta : real[Q] ~ normal(0, 1)
  latent q : positive ~ exponential(1)
  scan t in T {
    let m = 1 + sum[p in P](phi[p] * previous(y, 0, lag: p + 1))
      + sum[j in Q](theta[j] * previous(e, 0, lag: j + 1))
    y[t] ~ normal(m, q)
    let e = y[t] - m
  }
  LOOP t in P .. T {
    x[t] ~ normal((if t < P + 1 then phi[t - 1] * 0 else sum[p in P](phi[p] * x[t - 1 - p])) + 0.1 * t, q)
  }
  predict y[T .. T + 4]
  predict x[T .. T + 4]
}
END
echo '{"y": [1, 2, 0.5, -1], "x": [1, 2, 3, 5]}' >arma.json
echo '{"phi": [[0.5, -0.2, 0.1]], "theta": [[0.3, 0.4]], "q": [1e-9]}' >arma.at
for loop in scan for; do
    sed "s/LOOP/$loop/" arma.dgm >arma-$loop.dgm
    quick_dgmc arma-$loop.dgm --only=simulate --data arma.json -o ./arma-$loop
    ./arma-$loop report --data arma.json --draws arma.at --out arma.out
    { values arma.out y_next; values arma.out x_next; } | tr '\n' ' ' | awk '{
        split("1 2 0.5 -1", y, " "); split("1 2 3 5", x, " ")
        for (t = 1; t <= 8; t++) {                    # what is not there is 0
            m = 1 + 0.5 * y[t - 1] - 0.2 * y[t - 2] + 0.1 * y[t - 3] + 0.3 * e[t - 1] + 0.4 * e[t - 2]
            if (t > 4) {
                y[t] = m; x[t] = 0.5 * x[t - 1] - 0.2 * x[t - 2] + 0.1 * x[t - 3] + 0.1 * (t - 1)
                if (($(t - 4) - y[t]) ^ 2 > 1e-14 || ($t - x[t]) ^ 2 > 1e-14) exit 1 }
            e[t] = y[t] - m }
        exit NF != 8 }' || fail "$loop of lags: $(values arma.out y_next) $(values arma.out x_next)"
done

# -- summaries of all data, and of a latent of every row --------------------------------------------------
cat >whole.dgm <<'END'
model whole {
  data y[N] : real
  latent s : positive ~ exponential(1)
  for n in N { latent z : real ~ normal(0, 1)
    y[n] ~ normal(z, s) }
  report r2 = 1 - sq(s) / variance(y)
  report b = mean[n in N](y[n])
  report top = max(y)
  report c = sum[n in N](sq(y[n] / s))
  report most = max(z)
  report res[n in N] = y[n] - mean(y)
  predict again ~ delta(mean(y) * s)
}
END
echo '{"y": [1, 2, 3, 6]}' >whole.json
echo '{"s": [2, 0.5], "z": [[1, 2, 4, 3], [3, 2, 1, 1]]}' >whole.at
quick_dgmc whole.dgm --only=report,simulate --data whole.json -o ./whole
./whole report --data whole.json --draws whole.at --out whole.out
for line in 'r2 0.1428571428571429 0.9464285714285714' 'b 3.0 3.0' 'top 6.0 6.0' 'c 12.5 200.0' \
    'most 4.0 3.0' 'res -2.0 -1.0 0.0 3.0 -2.0 -1.0 0.0 3.0' 'again 6.0 1.5'; do
    values whole.out "${line%% *}" | tr '\n' ' ' | awk -v want="${line#* }" '
        { n = split(want, e, " "); for (i = 1; i <= n; i++) if (($i - e[i]) ^ 2 > 1e-28) exit 1
          exit n != NF }' || fail "report of all data: $line: $(values whole.out "${line%% *}")"
done

./whole report --data whole.json --draws whole.at --json | tr -d ' \n' >whole.txt
grep -q '"b":{"mean":3.0,"sd":0.0,"q05":3.0,"q50":3.0,"q95":3.0}' whole.txt || fail "$(cat whole.txt)"
grep -q '"res":{"mean":\[-2.0,-1.0,0.0,3.0\],"sd":\[0.0,0.0,0.0,0.0\]' whole.txt || fail "$(cat whole.txt)"
grep -q '"most":{"mean":3.5,"sd":0.70710678118654757,"q05":3.0' whole.txt || fail "$(cat whole.txt)"

# -- mistakes -----------------------------------------------------------------------------------------
expect_rc 2 ./rows report --data rows.json
grep -q 'needs --draws' err.txt || fail "$(cat err.txt)"
echo '{"m": [1, 2], "q": [1, 2]}' >bad.at
expect_rc 3 ./rows report --data rows.json --draws bad.at
grep -q '`q`' err.txt || fail "$(cat err.txt)"
echo '{"m": 3}' >bad.at
expect_rc 3 ./rows report --data rows.json --draws bad.at
grep -q 'first axis' err.txt || fail "$(cat err.txt)"
echo '{"s": [2, -0.5], "z": [[1, 2, 4, 3], [3, 2, 1, 1]]}' >bad.at
expect_rc 3 ./whole report --data whole.json --draws bad.at
grep -q '`s` .*outside of its support positive' err.txt || fail "$(cat err.txt)"

# -- labels that start at 1 are predicted as the file has them ----------------------------------------------
cat >labels.dgm <<'END'
model labels(K = 3, T = 4) {
  data g[N] : index(K) from 1
  data s[T] : index(K) from 1
  data h[N] : index(K)
  latent a : real ~ normal(0, 1)
  let last(k) = [if k == 0 then 1 else 0, if k == 1 then 1 else 0, if k == 2 then 1 else 0]
  for n in N { g[n] ~ categorical(last(2)); h[n] ~ categorical(last(2)) }
  scan t in T { s[t] ~ categorical(last((previous(s, 0) + 1) mod K)) }
  predict g
  predict h
  predict s[T .. T + 2]
  predict third ~ delta(g[0] == 2)
}
END
echo '{"g": [3, 3], "h": [2, 2], "s": [2, 3, 1, 2]}' >labels.json
echo '{"a": [0.5]}' >labels.at
quick_dgmc labels.dgm --only=report,simulate --data labels.json -o ./labels
./labels report --data labels.json --draws labels.at --out labels.out
for line in 'g 3 3' 'h 2 2' 's_next 3 1' 'third 1'; do
    [ "$(values labels.out "${line%% *}" | tr '\n' ' ')" = "${line#* } " ] ||
        fail "labels: $line: $(values labels.out "${line%% *}")"
done

# -- beyond the data a step that has a number is the one of the data -----------------------------------------
cat >fixed.dgm <<'END'
model fixed(T = 6) {
  data y[T] : real
  latent q : positive ~ exponential(1)
  scan t in T {
    latent m : real ~ normal(if t == 0 then y[0] else m[t - 1] + 0.1 * (y[0] - m[0]), q)
    y[t] ~ normal(m + 0.5 * (if t == 0 then 0 else y[1] - m[0]), q)
  }
  predict y[T .. T + 2]
}
END
echo '{"y": [1, 0, 3, 4, 5, 6]}' >fixed.json
echo '{"q": [1e-9], "m": [[4, 1, 1, 1, 1, 2]]}' >fixed.at
quick_dgmc fixed.dgm --only=simulate --data fixed.json -o ./fixed
./fixed report --data fixed.json --draws fixed.at --out fixed.out
values fixed.out y_next | tr '\n' ' ' |
    awk '{ exit !(NF == 2 && ($1 + 0.3) ^ 2 < 1e-14 && ($2 + 0.6) ^ 2 < 1e-14) }' ||
    fail "forecast from fixed steps: $(values fixed.out y_next)"

# -- a sequence with plates inside runs on as it is written by hand ------------------------------------------
cat >panel.dgm <<'END'
model panel(T = 4, J = 2, K = 2) {
  data y[T, J] : real
  data z[T, J, K] : count
  latent r : unit ~ beta(2, 2)
  scan t in T {
    latent h : real ~ normal(0.9 * previous(h, 0), 1)
    for j in J {
      latent g : real ~ normal(r * previous(g, 0), 0.5)
      let m = h + g
      y[t, j] ~ normal(m + r * previous(y, 0), 1)
      for k in K { z[t, j, k] ~ poisson(exp(0.1 * m + 0.1 * (if t > 0 then z[t - 1, j, k] else 0))) }
    }
  }
NEXT
}
END
cat >next.txt <<'END'
  scan t in 3 {
    predict h_next : real ~ normal(0.9 * previous(h_next, h[T - 1]), 1)
    for j in J {
      predict g_next : real ~ normal(r * previous(g_next, g[T - 1, j]), 0.5)
      let m_next = h_next + g_next
      predict y_next : real ~ normal(m_next + r * previous(y_next, y[T - 1, j]), 1)
      for k in K {
        predict z_next : count ~ poisson(exp(0.1 * m_next + 0.1 * (if T + t > 0
                                             then previous(z_next, z[T - 1, j, k]) else 0)))
      }
    }
  }
END
sed 's/NEXT/  predict y[T .. T + 3]/' panel.dgm >panelon.dgm
sed -e '/NEXT/{' -e 'r next.txt' -e 'd' -e '}' panel.dgm >panelhand.dgm
cat >panel.json <<'END'
{"y": [[0.5, 1], [1, 0.2], [0.3, 0.9], [1.1, 1.4]],
 "z": [[[0, 1], [2, 1]], [[1, 1], [0, 0]], [[2, 3], [1, 0]], [[1, 2], [0, 1]]]}
END
cat >panel.draws <<'END'
{"r": [0.5, 0.4], "h": [[0.1, 0.2, 0.3, 0.4], [1, 0.5, 0, -1]],
 "g": [[[0, 0.1], [0.2, 0.1], [0.3, 0.4], [0, 1]], [[0, 0], [1, 1], [0, 1], [2, -2]]]}
END
for m in panelon panelhand; do
    quick_dgmc "$m.dgm" --only=report -o "./$m" || fail "$m does not compile"
    "./$m" report --data panel.json --draws panel.draws --seed 3 --json >"$m.out" || fail "report of $m"
done
grep -q '"z_next"' panelon.out || fail "$(cat panelon.out)"
same panelon.out panelhand.out
