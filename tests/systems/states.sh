# states.sh - draws of discrete latents from their posterior, which `report` and `predict` read: how often
# each joint state is drawn, against its probability with every state written out; forecasts by the
# same.
. "$DGM_ROOT/tests/systems/lib.sh"
n=20000

# repeated NAME JSON ..: an object in which each value is that of every draw
repeated() {
    awk -v n=$n 'BEGIN {
        for (a = 1; a < ARGC; a += 2) {
            printf "%s\"%s\": [", (a > 1 ? ", " : "{"), ARGV[a]
            for (i = 0; i < n; i++) printf "%s%s", i ? ", " : "", ARGV[a + 1]
            printf "]" }
        print "}" }' "$@"
}

# written NAME BASE CELLS FORMAT: NAME-all.dgm has the states of NAME as data. FORMAT is their JSON, the
# first cell the lowest digit of a code in BASE; `CODE LOG-DENSITY` of all codes that are possible is added
# to NAME.written.
written() {
    quick_dgmc "$1-all.dgm" --only=log_prob --data "$1.json" -o "./$1-all"
    awk -v b="$2" -v n="$3" -v f="$4" -v name="$1" 'BEGIN {
        getline data <(name ".json"); sub(/}$/, ", ", data)
        for (code = 0; code < b ^ n; code++) {
            k = code
            for (i = 1; i <= 8; i++) { d[i] = k % b; k = int(k / b) }
            file = name "-" code ".state"
            printf(data f "}\n", d[1], d[2], d[3], d[4], d[5], d[6], d[7], d[8]) >file
            close(file) } }'
    code=0
    while [ -f "$1-$code.state" ]; do
        "./$1-all" log-prob --data "$1-$code.state" --at "$1.one" --json >lp.json
        grep -q '"log_prob": null' lp.json || echo "$code $(json lp.json log_prob)" >>"$1.written"
        code=$((code + 1))
    done
}

# exact NAME: `CODE PROBABILITY` from NAME.written, to NAME.exact
exact() {
    awk '{ p[$1] += exp($2); s += exp($2) } END { for (k in p) print k, p[k] / s }' "$1.written" >"$1.exact"
}

# frequent FILE EXACT: are the codes of FILE, one a line, drawn with the probabilities of EXACT? Those that are
# expected less than 20 times are counted together.
frequent() {
    awk -v n=$n '
        function cell(name, drawn, e) {
            d = drawn - e; v = e * (1 - e / n); chi += d * d / e; df++
            if (d * d > 16 * v) { print "code", name, "drawn", drawn + 0, "not", e; bad = 1 } }
        FNR == NR { p[$1] = $2; next }
        { c[$1 + 0]++; m++; if (p[$1 + 0] == 0) { print "impossible:", $1; exit bad = 1 } }
        END {
            if (bad || m != n) exit 1
            for (k in p)
                if (n * p[k] >= 20) cell(k, c[k], n * p[k])
                else { few += n * p[k]; rare += c[k] }
            if (few > 1) cell("of few", rare, few)
            if (chi - df > 4 * sqrt(2 * df)) { print "chi-squared", chi, "of", df; bad = 1 }
            exit bad }' "$2" "$1" || fail "$1 is not drawn with its probabilities"
}

# moment FILE MEAN VARIANCE: is the mean of the numbers of FILE that of n draws?
moment() {
    awk -v m="$2" -v v="$3" '{ s += $1 } END { d = s / NR - m; exit !(d * d < 16 * v / NR) }' "$1" ||
        fail "$1: mean $(awk '{ s += $1 } END { print s / NR }' "$1") instead of $2"
}

# drawn NAME: reports of n draws to NAME.out, the codes to NAME.codes, whose probabilities are right
drawn() {
    exact "$1"
    quick_dgmc "$1.dgm" --only=report --data "$1.json" -o "./$1"
    "./$1" report --data "$1.json" --draws "$1.at" --seed 7 --out "$1.out"
    values "$1.out" code >"$1.codes"
    frequent "$1.codes" "$1.exact"
}

# -- a chain: its path, what is computed from it, and how it goes on -------------------------------------
cat >chain.dgm <<'END2'
model chain(K = 3, T = 4) {
  data y[T] : real
  latent A[K] : simplex[K] ~ dirichlet(1)
  latent mu[K] : real ~ normal(0, 3)
  scan t in T {
    latent z : index(K) ~ if t == 0 then categorical(1 / K) else categorical(A[z[t - 1]])
    y[t] ~ normal(mu[z], 1)
  }
  report code = sum[t in T](z[t] * 3 ^ t)
  report level[t in T] = mu[z[t]]
  report share[t in T] = marginal(z[t])
  predict y[T .. T + 2]
}
END2
sed '/report\|predict/d; s/latent z : .*then categorical(1 \/ K) else/z[t] ~ if t == 0 then categorical(1 \/ K) else/
    s/mu\[z\]/mu[z[t]]/; s/data y\[T\] : real/data y[T] : real\n  data z[T] : index(K)/' chain.dgm >chain-all.dgm
echo '{"y": [0.3, -0.4, 2.2, 1.9]}' >chain.json
A='[[0.7, 0.2, 0.1], [0.1, 0.6, 0.3], [0.25, 0.25, 0.5]]' mu='[-0.5, 1.0, 2.5]'
echo "{\"A\": $A, \"mu\": $mu}" >chain.one
repeated A "$A" mu "$mu" >chain.at
written chain 3 4 '"z": [%d, %d, %d, %d]'
drawn chain
values chain.out level | paste - - - - | paste chain.codes - | awk '
    BEGIN { split("-0.5 1.0 2.5", mu, " ") }
    { k = $1; for (t = 2; t <= 5; t++) { if ($t != mu[k % 3 + 1]) exit 1; k = int(k / 3) } }' ||
    fail "a report reads states of another draw"
# z_next given the last state: two steps of A
awk 'BEGIN { split("0.7 0.2 0.1 0.1 0.6 0.3 0.25 0.25 0.5", A, " ") }
    { last[int($1 / 27)] += $2 }
    END { for (i = 0; i < 3; i++) for (j = 0; j < 3; j++) {
              q = last[0] * A[1 + i] + last[1] * A[4 + i] + last[2] * A[7 + i]
              print i + 3 * j, q * A[3 * i + j + 1] } }' chain.exact >next.exact
values chain.out z_next | paste - - | awk '{ print $1 + 3 * $2 }' >next.codes
frequent next.codes next.exact
set -- $(awk 'BEGIN { split("-0.5 1.0 2.5", mu, " ") }
    { p = $2; x = mu[int($1 / 3) + 1]; m += p * x; v += p * x * x } END { print m, v - m * m + 1 }' next.exact)
values chain.out y_next | paste - - | cut -f2 >y.txt
moment y.txt "$1" "$2"

# the same for any number of threads, and another with another seed
for threads in 1 3; do
    ./chain report --data chain.json --draws chain.at --seed 7 --threads $threads --out threads.out
    same threads.out chain.out
done
./chain report --data chain.json --draws chain.at --seed 8 --out seed.out
if cmp -s seed.out chain.out; then fail "a seed makes no difference"; fi

# -- a state of all data, a class of each sequence, and its chain: outer states first -------------------
cat >mix.dgm <<'END2'
model mix {
  data y[I, T] : real
  latent p : unit ~ beta(1, 1)
  latent g : bit ~ bernoulli(0.4)
  for i in I {
    latent c : index(2) ~ categorical(if g then [p, 1 - p] else [0.5, 0.5])
    scan t in T {
      latent z : bit ~ bernoulli(if previous(z, 0) then 0.7 - 0.4 * c else 0.2 + 0.5 * c)
      y[i, t] ~ normal(2 * z + c - 0.5 * g, 1)
    }
  }
  report code = g + sum[i in I](2 ^ (i + 1) * c[i]) + sum[i in I, t in T](2 ^ (3 + 2 * i + t) * z[i, t])
  predict y
  predict y[i, T .. T + 1]
  predict at[i in I] ~ delta(c[i] + 2 * g)
}
END2
sed '/report\|predict/d; s/latent g : bit/g/; s/latent c : index(2)/c[i]/; s/latent z : bit/z[i, t]/
    s/previous(z, 0)/(if t == 0 then 0 else z[i, t - 1]) == 1/; s/\* c\([ ,)-]\)/* c[i]\1/g; s/2 \* z + c/2 * z[i, t] + c[i]/
    s/data y.*/&\n  data g : bit\n  data c[I] : index(2)\n  data z[I, T] : bit/' mix.dgm >mix-all.dgm
echo '{"y": [[0.3, 2.1], [1.5, -0.2]]}' >mix.json
echo '{"p": 0.3}' >mix.one
repeated p 0.3 >mix.at
written mix 2 7 '"g": %d, "c": [%d, %d], "z": [[%d, %d], [%d, %d]]'
drawn mix
# z_next follows the last states, c of their sequences
awk '{ g = $1 % 2
       for (a = 0; a < 4; a++) {
           q = $2
           for (i = 0; i < 2; i++) {
               c = int($1 / 2 ^ (i + 1)) % 2; z = int($1 / 2 ^ (4 + 2 * i)) % 2
               u = z ? 0.7 - 0.4 * c : 0.2 + 0.5 * c
               q *= int(a / 2 ^ i) % 2 ? u : 1 - u }
           p[a] += q } }
    END { for (a = 0; a < 4; a++) print a, p[a] }' mix.exact >next.exact
values mix.out z_next | paste - - | awk '{ print $1 + 2 * $2 }' >next.codes
frequent next.codes next.exact
# `predict y`: g is from the posterior, c and z are those of new sequences
set -- $(awk '{ if ($1 % 2) s += $2 }
    END { for (g = 0; g < 2; g++) for (c = 0; c < 2; c++) for (z = 0; z < 2; z++) {
              q = (g ? s : 1 - s) * (g ? (c ? 0.7 : 0.3) : 0.5) * (z ? 0.2 + 0.5 * c : 0.8 - 0.5 * c)
              x = 2 * z + c - 0.5 * g; m += q * x; v += q * x * x }
          print m, v - m * m + 1 }' mix.exact)
values mix.out y | paste - - - - | cut -f1 >y.txt
moment y.txt "$1" "$2"
# what is drawn by a law of its own reads the states of the data
values mix.out at | paste - - | paste mix.codes - | awk '
    { g = $1 % 2; if ($2 != int($1 / 2) % 2 + 2 * g || $3 != int($1 / 4) % 2 + 2 * g) exit 1 }' ||
    fail "a prediction reads states of another draw"

# -- a chain that looks two steps back, with one that reads it, from its second step on -------------------
cat >pair.dgm <<'END2'
model pair(T = 4) {
  data y[T] : real
  latent a : unit ~ beta(1, 1)
  scan t in 1 .. T {
    latent z : bit ~ bernoulli(if t < 3 then a else 0.1 + 0.3 * z[t - 1] + 0.5 * z[t - 2])
    latent w : bit ~ bernoulli(if previous(w, 1) then a else 0.2 + 0.3 * previous(z, 0))
    y[t] ~ normal(z - 2 * w, 1)
  }
  report code = sum[t in T - 1](2 ^ t * z[t] + 2 ^ (t + 3) * w[t])
  predict y[T .. T + 2]
}
END2
cat >pair-all.dgm <<'END2'
model pair(T = 4) {
  data y[T] : real
  data z[3] : bit
  data w[3] : bit
  latent a : unit ~ beta(1, 1)
  for t in 3 {
    z[t] ~ bernoulli(if t < 2 then a else 0.1 + 0.3 * z[t - 1] + 0.5 * z[t - 2])
    w[t] ~ bernoulli(if (if t == 0 then 1 else w[t - 1]) == 1 then a else 0.2 + 0.3 * (if t == 0 then 0 else z[t - 1]))
    y[t + 1] ~ normal(z[t] - 2 * w[t], 1)
  }
}
END2
echo '{"y": [9, 0.4, -1.5, 1.2]}' >pair.json
echo '{"a": 0.7}' >pair.one
repeated a 0.7 >pair.at
written pair 2 6 '"z": [%d, %d, %d], "w": [%d, %d, %d]'
drawn pair
awk '{ z1 = int($1 / 2) % 2; z2 = int($1 / 4) % 2; w = int($1 / 32) % 2
       for (a = 0; a < 2; a++) for (b = 0; b < 2; b++) for (c = 0; c < 2; c++) {
           u = 0.1 + 0.3 * z2 + 0.5 * z1; v = 0.1 + 0.3 * a + 0.5 * z2; r = w ? 0.7 : 0.2 + 0.3 * z2
           p[a + 2 * b + 4 * c] += $2 * (a ? u : 1 - u) * (b ? v : 1 - v) * (c ? r : 1 - r) } }
    END { for (k in p) print k, p[k] }' pair.exact >next.exact
values pair.out z_next | paste - - >z.txt
values pair.out w_next | paste - - | paste z.txt - | awk '{ print $1 + 2 * $2 + 4 * $3 }' >next.codes
frequent next.codes next.exact

# -- joint states of an array, which all rows read; chains of a plate within the sequence --------------------
cat >slab.dgm <<'END2'
model slab(P = 4) {
  data x[N] : real[P]
  data y[N] : real
  latent b[P] : real ~ normal(0, 2)
  latent g[P] : bit ~ bernoulli(0.3)
  for n in N { y[n] ~ normal(sum[j in P](g[j] * b[j] * x[n, j]), 1) }
  report code = sum[j in P](2 ^ j * g[j])
  report mean_y[n in N] = sum[j in P](g[j] * b[j] * x[n, j])
  predict y
}
END2
sed '/report\|predict/d; s/latent g\[P\] : bit/for j in P { g[j]/; s/bernoulli(0.3)/& }/
    s/data y.*/&\n  data g[P] : bit/' slab.dgm >slab-all.dgm
echo '{"x": [[1, 2, 0, 1], [0, 1, 1, 1], [2, 0, 1, 0]], "y": [1, 2, 0.5]}' >slab.json
echo '{"b": [0.5, 1, -0.7, 0.3]}' >slab.one
repeated b '[0.5, 1, -0.7, 0.3]' >slab.at
written slab 2 4 '"g": [%d, %d, %d, %d]'
drawn slab
values slab.out mean_y >m.txt
values slab.out y | paste - m.txt | awk '{ d = $1 - $2; s += d; q += d * d; n++ }
    END { exit !(n == 60000 && s * s < 16 * n && (q / n - 1) ^ 2 < 16 * 2 / n) }' ||
    fail "rows are not predicted by the states that they share"

cat >inner.dgm <<'END2'
model inner {
  data y[T, J] : real
  latent p : unit ~ beta(1, 1)
  scan t in T {
    for j in J {
      latent z : bit ~ bernoulli(if previous(z, 0) then 0.8 else p)
      y[t, j] ~ normal(z, 1)
    }
  }
  report code = sum[t in T, j in J](2 ^ (2 * t + j) * z[t, j])
}
END2
sed '/report/d; s/latent z : bit/z[t, j]/; s/previous(z, 0)/(if t == 0 then 0 else z[t - 1, j]) == 1/; s/normal(z,/normal(z[t, j],/
    s/data y.*/&\n  data z[T, J] : bit/' inner.dgm >inner-all.dgm
echo '{"y": [[0.4, -0.5], [1, 1], [0, 2]]}' >inner.json
echo '{"p": 0.3}' >inner.one
repeated p 0.3 >inner.at
written inner 2 6 '"z": [[%d, %d], [%d, %d], [%d, %d]]'
drawn inner

# -- rows, a count, cells that are missing; a law with an impossible state ----------------------------------
cat >rows.dgm <<'END2'
model rows {
  data s[N] : bit missing
  data y[N] : real
  latent m : real ~ normal(0, 10)
  for n in N {
    latent k : count(3) ~ binomial(3, if y[n] > 3 then 1 else 0.4)
    s[n] ~ bernoulli(0.5)
    y[n] ~ normal(m * k + s[n], 1)
  }
  report code = k[0] + 4 * k[1] + 16 * k[2]
  report known[n in N] = s_state[n]
}
END2
cat >rows-all.dgm <<'END2'
model rows {
  data s[N] : bit
  data y[N] : real
  data k[N] : count(3)
  latent m : real ~ normal(0, 10)
  for n in N {
    k[n] ~ binomial(3, if y[n] > 3 then 1 else 0.4)
    s[n] ~ bernoulli(0.5)
    y[n] ~ normal(m * k[n] + s[n], 1)
  }
}
END2
echo '{"m": 1.1}' >rows.one
repeated m 1.1 >rows.at
for s in 0 1; do                       # the last of s is missing: the sum over its values
    echo "{\"y\": [0.5, 2.2, 4.1], \"s\": [0, 1, $s]}" >rows.json
    written rows 4 3 '"k": [%d, %d, %d]'
done
[ "$(wc -l <rows.written)" -eq 32 ] || fail "of rows 16 codes are possible"
echo '{"y": [0.5, 2.2, 4.1], "s": [0, 1, null]}' >rows.json
drawn rows
values rows.out known | paste - - - | awk '$1 != 0 || $2 != 1 { exit 1 } { s += $3 }
    END { e = exp(-0.02) / (exp(-0.02) + exp(-0.32)); d = s / NR - e; exit !(NR == 20000 && d * d < 16 * e * (1 - e) / NR) }' ||
    fail "the state of a missing cell"

# cells that reports and predictions read elsewhere: a sequence of bits whose last is missing goes on
cat >gap.dgm <<'END2'
model gap(T = 4) {
  data y[T] : bit missing
  data at[M] : index(T)
  latent p : unit ~ beta(1, 1)
  scan t in T { y[t] ~ bernoulli(if previous(y, 0) then 0.9 else p) }
  report filled[t in T] = y[t]
  predict y[T .. T + 2]
  predict same[m in M] ~ delta(y[at[m]])
}
END2
echo '{"y": [1, 0, null, null], "at": [3, 0]}' >gap.json
repeated p 0.3 >gap.at
quick_dgmc gap.dgm --only=report --data gap.json -o ./gap
./gap report --data gap.json --draws gap.at --out gap.out
values gap.out filled | paste - - - - >filled.txt
awk '$1 != 1 || $2 != 0 { exit 1 }' filled.txt || fail "cells that are known"
cut -f3 filled.txt >y.txt
moment y.txt 0.3 0.21                  # 0 before it
cut -f4 filled.txt >y.txt
moment y.txt 0.48 0.2496               # 0.3 * 0.9 + 0.7 * 0.3
values gap.out y_next | paste - - | cut -f2 >y.txt
moment y.txt 0.6528 0.2267             # 0.3 + 0.6 * (0.3 + 0.6 * 0.48)
values gap.out same | paste - - | paste filled.txt - | awk '$5 != $4 || $6 != $1 { exit 1 }' ||
    fail "a prediction reads cells of another draw"

# -- discrete latents alone: -n draws, and `dgmc run` -------------------------------------------------------
cat >weather.dgm <<'END2'
model weather(T = 5) {
  data y[T] : bit
  scan t in T {
    latent rain : bit ~ bernoulli(if previous(rain, 0) then 0.7 else 0.3)
    y[t] ~ bernoulli(if rain then 0.9 else 0.2)
  }
  report code = sum[t in T](2 ^ t * rain[t])
  predict y[T .. T + 1]
}
END2
echo '{"y": [1, 1, 0, 1, 1]}' >weather.json
awk 'BEGIN { split("1 1 0 1 1", y, " ")
    for (k = 0; k < 64; k++) {
        p = 1; z0 = 0
        for (t = 1; t <= 6; t++) {
            z = int(k / 2 ^ (t - 1)) % 2; q = z0 ? 0.7 : 0.3; p *= z ? q : 1 - q; z0 = z
            if (t < 6) { e = z ? 0.9 : 0.2; p *= y[t] ? e : 1 - e } }
        s += p; if (k < 32) f[k] = 0
        f[k % 32] += p; if (z) u += p }
    for (k in f) print k, f[k] / s
    print u / s >"rain.txt" }' >weather.exact
quick_dgmc weather.dgm --data weather.json -o ./weather
./weather report --data weather.json -n $n --out weather.out
values weather.out code >weather.codes
frequent weather.codes weather.exact
values weather.out rain_next >rain.drawn
moment rain.drawn "$(cat rain.txt)" 0.25
echo '{}' >none.at
./weather report --data weather.json --draws none.at --out weather.out
[ "$(values weather.out code | wc -l)" -eq 4000 ] || fail "4000 draws where nothing is said"
expect_rc 2 ./chain report --data chain.json --draws chain.at -n 5
grep -q 'has no place here' err.txt || fail "$(cat err.txt)"

# a forecast as a user asks for it
cat >hmm.dgm <<'END2'
model hmm(K = 2) {
  data y[T] : real
  latent A[K] : simplex[K] ~ dirichlet(1)
  latent mu : ordered[K] ~ normal(0, 5)
  scan t in T {
    latent z : index(K) ~ if t == 0 then categorical(1 / K) else categorical(A[z[t - 1]])
    y[t] ~ normal(mu[z], 0.5)
  }
  report high = count[t in T](z[t] == 1)
  predict y[T .. T + 3]
}
END2
awk 'BEGIN { printf "{\"y\": ["; for (t = 0; t < 60; t++) printf "%s%s", t ? ", " : "", (int(t / 10) % 2 ? 3 : -1) + 0.5 * sin(7 * t)
    print "]}" }' >hmm.json
DGMC_CACHE=$scratch/cache; export DGMC_CACHE
"$dgmc" run hmm.dgm --data hmm.json --out fit --seed 3 >fit.txt
grep -q '^high  *30 ' fit.txt || fail "$(cat fit.txt)"
grep -q '^y_next\[2\]' fit.txt || fail "$(cat fit.txt)"
# the last state is 1, and A[1][0] about 3 of 31: the middle draw is near 3, and below 0 at 5 % later on
grep '^y_next\[0\]' fit.txt | awk '{ exit !($5 > 2.5 && $5 < 3.5 && $2 > 1.8 && $2 < 3) }' || fail "$(cat fit.txt)"
"$dgmc" explain hmm.dgm --data hmm.json >explain.txt
grep -q 'z: drawn from its posterior, .*by forward filtering, backward sampling' explain.txt || fail "$(cat explain.txt)"
