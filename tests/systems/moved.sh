# moved.sh - posteriors with mass that importance weights do not see, against quadrature: variances of
# random effects near 0 (where only the non-centred numbers move), thin curved ridges, heavy tails, jumps.
# An improper posterior is said to drift; weights that are all but equal have no k-hat.
. "$DGM_ROOT/tests/systems/lib.sh"

# posterior NAME SEED DATA ..: NAME.dgm fitted; NAME.out is the report on one line
posterior() {
    [ -x "$1" ] || quick_dgmc "$1.dgm" --precision f64 -o "$1"
    name=$1 seed=$2; shift 2
    "./$name" posterior "$@" --seed $seed --json --quiet 2>err.txt | tr -d ' \n' >"$name.out"
}
# near NAME QUANTITY MEAN SD ERROR SHARE: the mean within ERROR sds, the sd within SHARE
near() {
    sed 's/.*"posterior":{//; s/"family":{.*//; s/.*"'"$2"'":{//' "$1.out" >part.txt
    s=$(sed 's/^[^}]*"sd":\[*\([-0-9.e]*\).*/\1/' part.txt | head -c 40)
    m=$(sed 's/^[^}]*"mean":\[*\([-0-9.e]*\).*/\1/' part.txt | head -c 40)
    echo "$1 $2: mean $m for $3, sd $s for $4"
    holds "($m - $3)^2 < ($5 * $4)^2" "mean of $2"
    holds "$s > (1 - $6) * $4 && $s < (1 + $6) * $4" "sd of $2"
}

# Yields of six batches of dyestuff (Davies 1967; the example of Box & Tiao 1973). mu and the batch means
# integrated out, quadrature over log sw and log sb on a grid of 1501 x 3001: log sb has 3.0434 and
# 1.69978, its lower tail the flat prior of log tb as far as tb is below 1000.
cat >dyes.dgm <<'END'
model dyes(B = 6, n = 5) {
  data y[B, n] : real
  latent tw, tb : positive ~ gamma(0.001, 0.001)
  let sw = 1 / sqrt(tw)
  let sb = 1 / sqrt(tb)
  latent mu : real ~ normal(0, 1e5)
  for b in B {
    latent m : real ~ normal(mu, sb)
    for i in n { y[b, i] ~ normal(m, sw) }
  }
  report lw = log(sw)
  report lb = log(sb)
}
END
cat >dyes.json <<'END'
{"y": [[1545, 1440, 1440, 1520, 1580], [1540, 1555, 1490, 1560, 1495],
       [1595, 1550, 1605, 1510, 1560], [1445, 1440, 1595, 1465, 1545],
       [1595, 1630, 1515, 1635, 1625], [1520, 1455, 1450, 1480, 1445]]}
END
for seed in 1 2 3; do
    posterior dyes $seed --data dyes.json
    near dyes lw 3.976035 0.168999 0.1 0.1
    near dyes lb 3.043401 1.699782 0.2 0.2
    grep -q '"posterior_by":"moveddraws"' dyes.out || fail "dyes: not moved"
done

# |a| where a b is 2, nearly, by quadrature over a and b on a grid of 4001 x 4001
cat >ridge.dgm <<'END'
model ridge {
  data y : real
  latent a, b : real ~ normal(0, 1)
  y ~ normal(a * b, 0.1)
  report size = abs(a)
}
END
echo '{"y": 2}' >ridge.json
for seed in 1 2 3; do
    posterior ridge $seed --data ridge.json
    near ridge size 1.484671 0.489147 0.1 0.15
    log=$(sed 's/.*"evidence":{"log":\([-0-9.]*\),.*/\1/' ridge.out)
    holds "($log + 3.309132)^2 < 0.06^2" "evidence of a ridge: $log"
done

cat >tails.dgm <<'END'
model tails { latent x[5] : real ~ student_t(3, 0, 1); report far = mean[k in 5](min(abs(x[k]), 5)) }
END
# min(|x|, 5) of Student's t with 3 degrees of freedom: its mean, and the sd of that of five, by quadrature
posterior tails 1
near tails far 1.061478 0.453978 0.1 0.15
log=$(sed 's/.*"evidence":{"log":\([-0-9.]*\),.*/\1/' tails.out)
holds "$log^2 < 0.05^2" "evidence of a prior: $log"

# 1,500 groups: more numbers than have a covariance. The means of the groups integrated out, quadrature
# over mu and tau.
cat >groups.dgm <<'END'
model groups(J) {
  data y[J] : real
  latent mu : real ~ normal(0, 5)
  latent tau : positive ~ normal(0, 5)
  latent theta[J] : real ~ normal(mu, tau)
  for j in J { y[j] ~ normal(theta[j], 1) }
}
END
awk 'BEGIN { srand(3); printf "{\"y\": ["
    for (j = 0; j < 1500; j++) { z = -6; for (k = 0; k < 12; k++) z += rand()
        printf "%s%.6f", j ? ", " : "", 0.7 + 1.5 * z }
    print "]}" }' >groups.json
"$dgmc" groups.dgm --data groups.json --precision f64 -o groups
tr -c '0-9.\n-' '\n' <groups.json | awk '/[0-9]/ { n++; a += $1; q += $1 ^ 2 }
    END { for (i = 0; i <= 300; i++) for (k = 0; k <= 300; k++) {
            mu = 0.4 + 0.6 * i / 300; tau = 0.7 + 0.9 * k / 300; v = 1 + tau ^ 2
            l = -0.5 * (q - 2 * mu * a + n * mu ^ 2) / v - n / 2 * log(v) - (mu ^ 2 + tau ^ 2) / 50
            if (!top) top = l
            p = exp(l - top - 30); w += p; m += p * mu; m2 += p * mu ^ 2; t += p * tau; t2 += p * tau ^ 2 }
        m /= w; t /= w; printf "%.6f %.6f %.6f %.6f\n", m, sqrt(m2 / w - m ^ 2), t, sqrt(t2 / w - t ^ 2) }' >exact.txt
read -r m ms t ts <exact.txt
posterior groups 1 --data groups.json
near groups mu $m $ms 0.2 0.2
near groups tau $t $ts 0.2 0.2
grep -q '"warnings":\[\]' groups.out || fail "groups: a warning"

# Few data: weights without a variance (k-hat 0.5 and more) have sds too small by an eighth. The dose
# response of Racine et al. (1986; Gelman et al. 2013, section 3.7), quadrature over a grid of 1601 x 2701.
cat >bioassay.dgm <<'END'
model bioassay {
  data x[N] : real
  data n[N], y[N] : count
  latent alpha, beta : real ~ flat
  for i in N { y[i] ~ binomial(n[i], logits: alpha + beta * x[i]) }
}
END
echo '{"x": [-0.86, -0.3, -0.05, 0.73], "n": [5, 5, 5, 5], "y": [0, 1, 3, 5]}' >bioassay.json
for seed in 1 2 3; do
    posterior bioassay $seed --data bioassay.json
    near bioassay alpha 1.314707 1.102076 0.08 0.06
    near bioassay beta 11.635556 5.773095 0.08 0.06
done

# A density that jumps wherever s T passes a whole number: no gradient leads there, and the fit is ten
# times too narrow in e or l. 111 years of coal-mining disasters, by sums over the year (s is uniform
# within it, e and l gamma given it).
cat >change.dgm <<'END'
model change(T = 111) {
  data y[T] : count
  latent e, l : positive ~ exponential(1)
  latent s : unit ~ beta(1, 1)
  for t in T { y[t] ~ poisson(if t < s * T then e else l) }
}
END
echo '{"y": [4,5,4,0,1,4,3,4,0,6,3,3,4,0,2,6,3,3,5,4,5,3,1,4,4,1,5,5,3,4,2,5,2,2,3,4,2,1,3,2,2,1,1,1,1,3,0,0,1,
0,1,1,0,0,3,1,0,3,2,2,0,1,1,1,0,1,0,1,0,0,0,2,1,0,0,0,1,1,0,2,3,3,1,1,2,1,1,1,1,2,4,2,0,0,1,4,0,0,0,1,0,0,0,
0,0,1,0,0,1,0,1]}' >change.json
for seed in 1 2 3; do
    posterior change $seed --data change.json
    near change e 3.066227 0.284838 0.15 0.12
    near change l 0.936064 0.117842 0.15 0.12
    near change s 0.355881 0.022258 0.15 0.12
done

# Four studies: descents run to tau = 1e-155, where th - mu is rounded to 0 and the density seems to
# grow without end. The effects integrated out, quadrature over mu and the quantiles of tau.
cat >studies.dgm <<'END'
model studies(J = 4) {
  data y[J] : real
  data s[J] : positive
  latent mu : real ~ normal(0, 2)
  latent tau : positive ~ cauchy(0, 0.5)
  for j in J { latent th : real ~ normal(mu, tau); y[j] ~ normal(th, s[j]) }
}
END
echo '{"y": [1.2, -0.3, 0.4, 0.1], "s": [1, 0.8, 1.2, 1]}' >studies.json
for seed in 1 2 3; do
    posterior studies $seed --data studies.json
    near studies mu 0.256836 0.538989 0.1 0.1
    near studies tau 0.408554 0.413038 0.1 0.15
    log=$(sed 's/.*"evidence":{"log":\([-0-9.]*\),.*/\1/' studies.out)
    holds "($log + 6.202465)^2 < 0.06^2" "evidence of four studies: $log"
done

# equal data: the density grows without end as the scale goes to 0
cat >equal.dgm <<'END'
model equal {
  data y[N] : real
  latent mu : real ~ normal(0, 10)
  latent s : positive ~ cauchy(0, 1)
  for i in N { y[i] ~ normal(mu, s) }
}
END
echo '{"y": [1.5, 1.5, 1.5, 1.5]}' >equal.json
posterior equal 1 --data equal.json
grep -q '"converged":false' equal.out || fail "a density without bound, said to have converged"
grep -q '"code":"open"' equal.out || fail "a density without bound, and no warning"

# flat priors, and data that a step separates
cat >separate.dgm <<'END'
model separate {
  data x[N] : real
  data y[N] : bit
  latent a, b : real ~ flat
  for n in N { y[n] ~ bernoulli(logits: a + b * x[n]) }
}
END
echo '{"x": [-2, -1.5, -1, -0.5, 0.5, 1, 1.5, 2], "y": [0, 0, 0, 0, 1, 1, 1, 1]}' >separate.json
posterior separate 1 --data separate.json
grep -q '"code":"drift"' separate.out || fail "an improper posterior that does not drift"

cat >even.dgm <<'END'
model even { data y[N] : real; latent m : real ~ normal(0, 1); for n in N { y[n] ~ normal(m, 1) } }
END
echo '{"y": [1, 2, 3]}' >even.json
posterior even 1 --data even.json
grep -q '"khat":null' even.out || fail "a k-hat of equal weights"
grep -q '"warnings":\[\]' even.out || fail "a warning"
./even posterior --data even.json | grep -q 'weights all but equal, 4000 effective draws of 4000' ||
    fail "the table of equal weights"

# -- a budget, and Ctrl-C -------------------------------------------------------------------------
# A horseshoe: some seconds, were it not ended. What is there by then is a report.
cat >long.dgm <<'END'
model long(D = 60) {
  data X[N, D] : real
  data y[N] : real
  latent t : positive ~ cauchy(0, 1)
  for d in D {
    latent l : positive ~ cauchy(0, 1)
    latent b : real ~ normal(0, t * l)
  }
  for n in N { y[n] ~ normal(dot(X[n], b), 1) }
}
END
awk 'BEGIN {
    srand(7)
    printf "{\"y\": ["
    for (n = 0; n < 400; n++) printf "%s%.3f", n ? "," : "", 4 * rand() - 2
    printf "], \"X\": ["
    for (n = 0; n < 400; n++) {
        printf "%s[", n ? "," : ""
        for (d = 0; d < 60; d++) printf "%s%.3f", d ? "," : "", 2 * rand() - 1
        printf "]"
    }
    print "]}"
}' >long.json
posterior long 1 --data long.json --budget 0
grep -q '"code":"budget"' long.out || fail "a fit that was ended does not say so"
grep -q '"elbo":-[0-9]' long.out || fail "no bound of a fit that was ended"
./long posterior --data long.json --json --quiet >long.txt 2>err.txt &
job=$!
sleep 1
kill -INT $job
wait $job || fail "Ctrl-C: exit code $?"
grep -q '"code": "budget"' long.txt || fail "Ctrl-C does not end a fit with a warning"
expect_rc 2 ./long posterior --data long.json --budget never
