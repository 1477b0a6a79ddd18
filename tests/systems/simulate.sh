# simulate.sh - draws from the model: moments of what is drawn, given what its laws read, at |z| < 4;
# sequences, chains, cut laws, orders; one file for --data and --at; what cannot be drawn is named.
. "$DGM_ROOT/tests/systems/lib.sh"

# near MEAN SD: the numbers on stdin have this mean and this sd, within 4 standard errors of each
near() {
    awk -v m="$1" -v s="$2" '{ n++; a += $1; b += ($1 - m) ^ 2; c += ($1 - m) ^ 4 }
        END { z = (a / n - m) / (s / sqrt(n)); v = b / n; e = sqrt((c / n - v ^ 2) / n)
              if (n < 100 || z ^ 2 > 16 || (v - s ^ 2) ^ 2 > 16 * e ^ 2) {
                  print n, a / n, m, sqrt(v), s; exit 1 } }' || fail "not of mean $1 and sd $2"
}

# -- a regression with groups: what is drawn, given the covariates --------------------------------
cat >groups.dgm <<'END'
model groups(J = 3) {
  data y[N] : real
  data x[N] : real
  data g[N] : index(J) from 1
  latent mu : real ~ normal(0, 5)
  latent tau : positive ~ normal(0, 2)
  latent theta[J] : real ~ normal(mu, tau)
  for n in N { y[n] ~ normal(theta[g[n]] + mu * x[n], 0.5) }
}
END
awk 'BEGIN { printf "{\"x\": ["; for (i = 0; i < 6000; i++) printf "%s%g", i ? ", " : "", i % 7 - 3
    printf "], \"g\": ["; for (i = 0; i < 6000; i++) printf "%s%d", i ? ", " : "", i % 3 + 1; print "]}" }' \
    >covariates.json
quick_dgmc groups.dgm --only=simulate,log_prob -o ./groups
./groups simulate --data covariates.json --seed 4 --out a.json
mu=$(values a.json mu)
values a.json theta | tr '\n' ' ' >theta.txt
values a.json y >y.txt
values a.json x >x.txt
values a.json g >g.txt
paste y.txt x.txt g.txt | awk -v mu="$mu" -v theta="$(cat theta.txt)" \
    'BEGIN { split(theta, t, " ") } { print $1 - t[$3] - mu * $2 }' | near 0 0.5
./groups log-prob --data a.json --at a.json --json >lp.json
holds "$(json lp.json log_prob) < 0 && $(json lp.json log_prob) > -1e5"

./groups simulate --data covariates.json --seed 4 --threads 3 --out b.json
same a.json b.json
./groups simulate --data covariates.json --seed 5 --out b.json
! cmp -s a.json b.json || fail "two seeds, one simulation"
./groups simulate --data covariates.json --at a.json --seed 6 --out b.json
holds "$(values b.json mu) == $mu" "--at keeps a latent"
! cmp -s a.json b.json || fail "--at keeps the data too"
expect_rc 2 ./groups simulate
grep -q 'needs\|is missing' err.txt || fail "no word of the covariates: $(cat err.txt)"

# -- data declared with an index, cut at it or not; an `if` of laws over it ---------------------------
cat >indexed.dgm <<'END'
model indexed {
  data y[p in 2, n in 3000] : real
  data k[p in 2, n in 3000] : count(20 + p)
  latent m : unit ~ beta(2, 2)
  for p in 2 {
    for n in 3000 {
      y[p, n] ~ if p == 0 then normal(5, 2.5) else normal(13, 0.5)
      k[p, n] ~ binomial(20 + p, m) |> truncate(lower: p)
    }
  }
}
END
quick_dgmc indexed.dgm --only=simulate -o ./indexed
echo '{"m": 0.5}' >half.json
./indexed simulate --at half.json --seed 2 --out a.json
values a.json y >y.txt
values a.json k >k.txt
head -3000 y.txt | near 5 2.5
tail -3000 y.txt | near 13 0.5
head -3000 k.txt | near 10 2.23607
tail -3000 k.txt | near 10.5 2.29129

# -- sequences: a let with memory, a chain of states, data that read data ---------------------------
cat >sequence.dgm <<'END'
model sequence(T = 600, K = 2) {
  data y[T] : real
  data u[T] : index(K)
  latent phi : interval(-1, 1) ~ uniform(-1, 1)
  latent s : positive ~ lognormal(0, 1)
  latent stay : unit ~ beta(2, 2)
  scan t in T {
    latent z : index(K) ~ if t == 0 then categorical(1 / K)
                          else categorical(if z[t - 1] == 0 then [stay, 1 - stay] else [1 - stay, stay])
    u[t] ~ categorical(if z == 0 then [0.999, 0.001] else [0.001, 0.999])
    let level = phi * previous(err, 0) + u[t]
    y[t] ~ normal(level, s)
    let err = y[t] - level
  }
}
END
echo '{"phi": 0.7, "s": 2, "stay": 0.8}' >at.json
quick_dgmc sequence.dgm --only=simulate -o ./sequence
./sequence simulate --at at.json --seed 2 --out a.json
values a.json y >y.txt
values a.json u >u.txt
values a.json z >z.txt
paste y.txt u.txt | awk '{ e = $1 - 0.7 * e - $2; print e }' | near 0 2
awk 'NR > 1 { print ($1 == before) } { before = $1 }' z.txt | near 0.8 0.4
paste z.txt u.txt | awk '{ n += $1 != $2 } END { exit !(n < 8) }' || fail "u does not follow z"

# -- laws that are cut, ordered, chosen, and of one point ---------------------------------------------
cat >cut.dgm <<'END'
model cut(J = 3000) {
  data y[N] : count
  data w[N] : real
  data c[N] : real
  latent half[J] : positive ~ normal(0, 1)
  latent between[J] : interval(-1, 2) ~ student_t(5, 0, 1)
  latent pair[J] : ordered[2] ~ normal(0, 1)
  latent above[J] : ordered(0, inf)[2] ~ normal(0, 1)
  latent null[J] : zerosum[3] ~ normal(0.5, 3)
  latent zero : unit ~ beta(2, 2)
  for n in N {
    y[n] ~ poisson(2) |> truncate(lower: 1)
    w[n] ~ normal(0, 1) |> censor(upper: 0.5)
    latent none : bit ~ bernoulli(zero)
    c[n] ~ if none then normal(5, 1) else normal(-5, 1)
  }
}
END
quick_dgmc cut.dgm --only=simulate,log_prob -o ./cut
echo '{"zero": 0.25}' >at.json
./cut simulate -n 4000 --at at.json --seed 3 --out a.json
values a.json half | near 0.7978846 0.6028103
values a.json pair | awk 'NR % 2 == 0' | near 0.5641896 0.8256453
# of two half-normals: the smaller has mean 2 (sqrt 2 - 1) / sqrt pi, the larger 2 / sqrt pi
values a.json above | awk 'NR % 2 == 1' | near 0.4673900 0.3806926
values a.json above | awk 'NR % 2 == 0' | near 1.1283792 0.6028103
values a.json above | paste - - | awk '!(0 < $1 && $1 < $2) { exit 1 }' || fail "not in order"
for k in 0 1 2; do
    values a.json null | awk -v k=$k 'NR % 3 == k' | near 0 2.4494897
done
values a.json null | paste - - - | awk '($1 + $2 + $3) ^ 2 > 1e-24 { exit 1 }' || fail "sums are not 0"
values a.json between | awk '$1 < -1 || $1 > 2 { exit 1 }' || fail "a cut law leaves its bounds"
# Exact moments of Student's t with 5 degrees of freedom between -1 and 2, by Simpson's rule here.
awk 'function f(x) { return (1 + x * x / 5) ^ -3 }
    BEGIN { n = 3000; h = 3 / n
        for (i = 0; i <= n; i++) { x = -1 + i * h; w = (i == 0 || i == n ? 1 : i % 2 ? 4 : 2) * f(x)
            s += w; a += w * x; b += w * x * x }
        print a / s, sqrt(b / s - (a / s) ^ 2) }' >exact.txt
read -r mean sd <exact.txt
values a.json between | near "$mean" "$sd"
values a.json y | near 2.3130353 1.2605451
values a.json w | awk '$1 > 0.5 { exit 1 }' || fail "a censored value lies above its bound"
values a.json w | awk '{ print ($1 == 0.5) }' | near 0.3085375 0.4618905
values a.json none >none.txt
near 0.25 0.4330127 <none.txt
values a.json c | paste - none.txt | awk '{ print $1 - ($2 ? 5 : -5) }' | near 0 1

# -- matrices: the emitted samplers, whose factors and solves have axes of one another ------------------
cat >matrices.dgm <<'END'
model matrices(J = 3000) {
  data y : real
  data V : covariance[2]
  latent P[J] : covariance[2] ~ wishart(5, scale: V)
  latent S[J] : covariance[2] ~ inv_wishart(12, scale: V)
  latent T : covariance[2] ~ inv_wishart(12, scale: V)
  latent R[J] : corr[2] ~ lkj(2)
  latent L[J] : corr_cholesky[2] ~ lkj_cholesky(2)
  y ~ normal(0, 1)
}
END
echo '{"V": [[2, 0.5], [0.5, 1]]}' >matrices.json
quick_dgmc matrices.dgm --only=simulate -o ./matrices
./matrices simulate --data matrices.json --seed 3 --out a.json
# element NAME ROW COLUMN: those of all matrices
element() { values a.json "$1" | awk -v k="$((2 * $2 + $3))" '(NR - 1) % 4 == k'; }
element P 0 0 | near 10 6.3245553
element P 1 0 | near 2.5 3.3541020
element P 1 1 | near 5 3.1622777
element S 0 0 | near 0.2222222 0.1187828
element S 1 0 | near 0.0555556 0.0604947
element S 1 1 | near 0.1111111 0.0593914
element R 0 1 | near 0 0.4472136
element L 1 0 | near 0 0.4472136
values a.json T | tr '\n' ' ' | awk '{ exit !(NF == 4 && $1 > 0 && $2 == $3 && $1 * $4 > $2 * $3) }' ||
    fail "$(values a.json T) is no covariance"

# -- counts: the emitted samplers, at small and large parameters ----------------------------------------
cat >counts.dgm <<'END'
model counts {
  data m[N], d[N] : count(60)[3]
  data big[N] : count(1000000)[3]
  data h[N] : count(20)
  data few[N] : count(2000)
  latent p : simplex[3] ~ dirichlet(1)
  for n in N {
    m[n] ~ multinomial(60, p)
    big[n] ~ multinomial(1000000, p)
    d[n] ~ dirichlet_multinomial(60, 10 * p + [0, 1e-9, 0])
    h[n] ~ hypergeometric(20, 30, 12)
    few[n] ~ hypergeometric(2000, 40000, 1000000)
  }
}
END
echo '{"p": [0.2, 0, 0.8]}' >at.json
quick_dgmc counts.dgm --only=simulate -o ./counts
./counts simulate -n 4000 --at at.json --seed 3 --out a.json
values a.json m | awk 'NR % 3 == 1' | near 12 3.0983867
values a.json big | awk 'NR % 3 == 0' | near 800000 400
values a.json d | awk 'NR % 3 == 1' | near 12 7.8160674
for name in m d; do
    values a.json $name | paste - - - | awk '$2 != 0 || $1 + $3 != 60 { exit 1 }' ||
        fail "$name does not count 60"
done
values a.json h | near 14.2857143 1.4799136
values a.json h | awk '$1 < 8 || $1 > 20 { exit 1 }' || fail "balls that are not there"
values a.json few | near 76.9230769 8.5919921

# -- what is given must lie in its support, as for log-prob and report ---------------------------------
cat >given.dgm <<'END'
model given {
  data y[N] : real
  latent tau : positive ~ normal(0, 1)
  latent p : simplex[2] ~ dirichlet(1)
  latent w[2] : unit ~ beta(1, 1)
  for n in N {
    latent z : bit ~ bernoulli(w[1])
    y[n] ~ normal(if z then p[0] else 0, tau)
  }
}
END
quick_dgmc given.dgm --only=simulate -o ./given
refused() {
    echo "$1" >at.json
    expect_rc 3 ./given simulate -n 2 --at at.json
    grep -q "at.json: $2" err.txt || fail "$(cat err.txt)"
}
refused '{"tau": -1}' '`tau` (given.dgm:3) is outside of its support positive (above 0): tau is -1'
refused '{"p": [0.5, 0.6]}' '`p` (given.dgm:4) is outside of its support simplex\[2\]'
refused '{"w": [0.5, 1.5]}' '`w` (given.dgm:5) is outside of its support unit (between 0 and 1): w\[1\] is 1.5'
refused '{"z": [0, 2]}' '`z` (given.dgm:7) is outside of its support bit (0 or 1): z\[1\] is 2'
echo '{"tau": 1e-9, "p": [0, 1], "w": [0, 1], "z": [0, 1]}' >at.json
./given simulate -n 2 --at at.json --out a.json
holds "$(values a.json y | head -1) ^ 2 < 1e-12" "values at the edges are taken"

# -- what cannot be drawn is named, with the way out ----------------------------------------------------
cat >flat.dgm <<'END'
model flat_prior {
  data y[N] : real
  latent m : real ~ flat
  for n in N { y[n] ~ normal(m, 1) }
}
END
quick_dgmc flat.dgm --only=simulate -o ./flat
expect_rc 2 ./flat simulate -n 5
grep -q '`m` cannot be drawn: its prior is flat' err.txt || fail "$(cat err.txt)"
echo '{"m": 100}' >at.json
./flat simulate -n 400 --at at.json --out a.json
values a.json y | near 100 1
expect_rc 2 ./flat simulate --at at.json
grep -q 'how many rows' err.txt || fail "$(cat err.txt)"
quick_dgmc flat.dgm --only=simulate -D N=7 -o ./flat
./flat simulate --at at.json --out a.json
[ "$(values a.json y | wc -l)" -eq 7 ] || fail "rows of -D N=7: $(cat a.json)"
expect_rc 3 ./flat simulate -n 5 --at covariates.json

# Data whose law reads them stay as their file has them, and a note says so.
cat >limits.dgm <<'END'
model limits {
  data t[N] : positive
  data died[N] : bit
  latent r : positive ~ gamma(2, 1)
  for n in N { t[n] ~ exponential(r) |> censor(upper: if died[n] then inf else t[n]) }
}
END
quick_dgmc limits.dgm --only=simulate -o ./limits
echo '{"t": [1, 2, 4], "died": [1, 1, 0]}' >limits.json
./limits simulate --data limits.json --seed 1 --out a.json 2>err.txt
grep -q 'limits.dgm:2: `t` stays as it is in the file: its law reads it itself' err.txt ||
    fail "$(cat err.txt)"
[ "$(values a.json t | tr '\n' ' ')" = "1.0 2.0 4.0 " ] || fail "$(values a.json t)"

# -- one law of several names: the draws of a vector with that law ------------------------------------------
cat >vector.dgm <<'END'
model vector {
  data u[J] : real
  latent s : positive ~ exponential(1)
  latent ab : real[2] ~ mvnormal([0, 3], cov: s * [[1, 0.9], [0.9, 1]])
  for j in J {
    latent cd : real[2] ~ mvnormal(ab, cov: [[1, -0.5], [-0.5, 1]])
    u[j] ~ normal(cd[0] + cd[1], 1)
  }
}
END
sed -e 's/model vector/model names/; s/ab : real\[2\]/(a, b) : real/; s/cd : real\[2\]/(c, d) : real/' \
    -e 's/mvnormal(ab,/mvnormal([a, b],/; s/cd\[0\] + cd\[1\]/c + d/' vector.dgm >names.dgm
echo '{"u": [0, 0, 0]}' >u.json
for m in vector names; do
    quick_dgmc "$m.dgm" -D J=3 -o "./$m"
    "./$m" simulate --data u.json --seed 5 --out "$m.out" || fail "simulate of $m"
    tr -d ' \n[]' <"$m.out" | sed 's/"[a-z]*"://g; s/[{}]//g' | tr ',' '\n' | sort >"$m.numbers"
done
same vector.numbers names.numbers

# -- how many rows: the files, the size, -n or the compiled size; never silently one --------------------
cat >counted.dgm <<'END'
model counted {
  data y[N] : real
  data s : positive
  latent b : real ~ normal(0, 1)
  for n in N { y[n] ~ normal(b, s) }
}
END
quick_dgmc counted.dgm --only=simulate -o ./open
quick_dgmc counted.dgm --only=simulate -D N=3 -o ./three
echo '{"s": 2}' >s.json
echo '{"s": 2, "N": 4}' >sized.json
echo '{"s": 2, "y": [0, 0, 0, 0, 0]}' >rows.json
rows() { [ "$(values a.json y | wc -l)" = "$1" ] || fail "$1 rows: $(values a.json y)"; }
expect_rc 2 ./open simulate --data s.json --out a.json
./open simulate --data s.json -n 2 --out a.json && rows 2
./open simulate --data sized.json --out a.json && rows 4
./open simulate --data rows.json -n 2 --out a.json && rows 5
./three simulate --data s.json --out a.json && rows 3
./three simulate --data s.json -n 6 --out a.json && rows 6

# -- a file of no fields binds nothing; a list is one array ------------------------------------------------
cat >one.dgm <<'END'
model one {
  data y[N] : real
  latent b : real ~ normal(0, 1)
  for n in N { y[n] ~ normal(b, 2) }
}
END
echo '{}' >none.json
echo '[1, 2, 4]' >list.json
quick_dgmc one.dgm --data none.json -o ./one || fail "an empty object"
./one simulate --data none.json -n 2 --out a.json && rows 2
expect_rc 2 "$dgmc" run one.dgm --data none.json --out none
grep -q "data array y is missing" err.txt || fail "$(cat err.txt)"
quick_dgmc one.dgm --data y=list.json --only=simulate -o ./one || fail "a list"
./one simulate --out a.json && rows 3
