# evidence.sh - the log evidence that `posterior` reports, by each of its estimators, against exact values:
# Beta-Bernoulli, Dirichlet-multinomial, Normal-Gamma, linear Gaussian.
. "$DGM_ROOT/tests/systems/lib.sh"

cat >beta.dgm <<'END'
model beta {
  data y[N] : bit
  latent p : unit ~ beta(2, 3)
  for n in N { y[n] ~ bernoulli(p) }
}
END
echo '{"y": [1, 1, 0, 1, 0, 1, 1, 0, 1, 0]}' >beta.json
cat >dirichlet.dgm <<'END'
model dirichlet {
  data y[N] : index(3)
  data a[3] : positive
  latent p : simplex[3] ~ dirichlet(a)
  for n in N { y[n] ~ categorical(p) }
}
END
echo '{"y": [0, 2, 2, 1, 2, 1, 2, 2, 0, 2, 2, 2], "a": [1, 2, 3]}' >dirichlet.json
cat >gamma.dgm <<'END'
model gamma {
  data y[N] : real
  latent t : positive ~ gamma(2, 1)
  latent m : real ~ normal(0, 1 / sqrt(2 * t))
  for n in N { y[n] ~ normal(m, 1 / sqrt(t)) }
}
END
echo '{"y": [1.2, -0.3, 0.8, 2.1, 0.4, 1.1]}' >gamma.json
cat >linear.dgm <<'END'
model linear {
  data y[N], x[N] : real
  latent b[2] : real ~ normal(0, 2)
  for n in N { y[n] ~ normal(b[0] + b[1] * x[n], 0.5) }
}
END
echo '{"y": [0.5, 1.1, 0.9, 1.9], "x": [-1, 0, 1, 2]}' >linear.json
cat >exact.awk <<'END'
function g(n, i, s) { for (i = 2; i < n; i++) s += log(i); return s }     # log Gamma of a whole number
BEGIN {
    print "beta", g(8) + g(7) - g(15) - (g(2) + g(3) - g(5))
    print "dirichlet", g(1 + 2) + g(2 + 2) + g(3 + 8) - g(6 + 12) - (g(1) + g(2) + g(3) - g(6))
    # Normal-Gamma: mean 0 by 2 draws, shape 2, rate 1 (Murphy 2007, equation 95)
    n = split("1.2 -0.3 0.8 2.1 0.4 1.1", y, " ")
    for (i = 1; i <= n; i++) { s += y[i]; q += y[i] ^ 2 }
    rate = 1 + (q - s * s / n) / 2 + 2 * n * (s / n) ^ 2 / (2 * (2 + n))
    print "gamma", g(2 + n / 2) - g(2) - (2 + n / 2) * log(rate) + log(2 / (2 + n)) / 2 - n / 2 * log(8 * atan2(1, 1))
    # linear Gaussian: one predictive density after the other
    n = split("0.5 1.1 0.9 1.9", y, " "); split("-1 0 1 2", x, " ")
    A = D = 4; B = m0 = m1 = 0
    for (i = 1; i <= n; i++) {
        u = A + B * x[i]; v = B + D * x[i]; S = u + v * x[i] + 0.25; e = y[i] - m0 - m1 * x[i]
        l -= (log(8 * atan2(1, 1) * S) + e * e / S) / 2
        m0 += u * e / S; m1 += v * e / S; A -= u * u / S; B -= u * v / S; D -= v * v / S
    }
    print "linear", l
}
END
awk -v OFMT=%.15g -f exact.awk >exact.txt
[ "$(wc -l <exact.txt)" -eq 4 ] || fail "$(cat exact.txt)"
# pick PATTERN: two numbers of the field `evidence`
estimate='{"log":\([-0-9.e]*\),"se":\([-0-9.e]*\)'
pick() { tr -d ' \n' <report.json | sed 's/.*"evidence"://' | sed -n "s/$1/\1 \2/p"; }

# within EXACT LOG SE WHAT: |z| < 4, where rounding counts as an error too
within() { holds "($2 - ($1)) ^ 2 < (4 * $3 + 1e-9) ^ 2" "$4: $2, se $3, exact $1"; }
while read -r name exact; do
    quick_dgmc $name.dgm --precision f64 --data $name.json -o ./$name
    for seed in 1 2 3; do
        ./$name posterior --data $name.json --json --seed $seed >report.json
        what="$name, seed $seed"
        is=$(pick "^$estimate.*") prior=$(pick ".*\"prior\":$estimate.*")
        ten=$(pick ".*$estimate,\"K\":10}.*") hundred=$(pick ".*$estimate,\"K\":100}.*")
        for value in "$is" "$prior" "$ten" "$hundred"; do
            [ -n "$value" ] || fail "$what: an estimate is missing: $(cat report.json)"
        done
        within "$exact" ${is% *} ${is#* } "$what, importance sampling"
        within "$exact" ${prior% *} ${prior#* } "$what, from the prior"
        holds "${prior#* } > 0 && ${prior#* } < 0.2"
        holds "${is#* } < 0.02"
        # bounds: below, and closer with more draws; at 100 the gap is below a hundredth here
        elbo=$(json report.json elbo)
        holds "${ten% *} < $exact + 4 * ${ten#* } + 1e-9" "$what, K = 10: $ten, exact $exact"
        holds "${hundred% *} < $exact + 4 * ${hundred#* } + 1e-9" "$what, K = 100: $hundred, exact $exact"
        holds "${ten% *} > $elbo - 4 * ${ten#* } - 1e-9" "$what: K = 10 is below the bound: $ten, $elbo"
        holds "${hundred% *} > $exact - 0.01 - 4 * ${hundred#* }" "$what, K = 100: $hundred, exact $exact"
    done
done <exact.txt

# Where next to no draw of the prior has any likelihood, its error is not known.
echo '{"y": [39.99, 40, 40.01], "x": [5, 5.1, 5.2]}' >far.json
./linear posterior --data far.json --json >report.json
tr -d ' \n' <report.json | grep -q '"prior":{"log":[-0-9.e]*,"se":null,"ess":[0-9.]*,"draws":4000}' ||
    fail "$(cat report.json)"

# Where the density is no law of all, the prior has no say, and the report has the reason.
cat >flat.dgm <<'END'
model flat {
  data y[N] : real
  latent m : real ~ flat
  for n in N { y[n] ~ normal(m, 1) }
}
END
quick_dgmc flat.dgm --precision f64 -o flat
./flat posterior --data gamma.json --json >report.json
tr -d '\n' <report.json | grep -q '"prior": *{ *"why_not": *"' || fail "$(cat report.json)"
# The integral of the likelihood: (2 pi)^(-5/2) 6^(-1/2) exp(- sum of squares about the mean / 2)
exact=$(awk 'BEGIN { n = split("1.2 -0.3 0.8 2.1 0.4 1.1", y, " "); for (i = 1; i <= n; i++) { s += y[i]; q += y[i] ^ 2 }
    printf "%.15g", -2.5 * log(8 * atan2(1, 1)) - log(n) / 2 - (q - s * s / n) / 2 }')
is=$(pick "^$estimate.*")
within "$exact" ${is% *} ${is#* } "flat"
# What `dgmc run` compiles leaves the draws of the prior out, and says that, not more.
cat >drawn.dgm <<'END2'
model drawn { data x[N] : real; latent m : real ~ normal(0, 1); for n in N { x[n] ~ normal(m, 1) } }
END2
echo '{"x": [0.4, 1.1]}' >drawn.json
DGMC_CACHE=$scratch/cache $dgmc run drawn.dgm --data drawn.json --json >report.json || fail "drawn"
tr -d '\n' <report.json | grep -q '"prior": *{ *"why_not": *"compiled for `run`' || fail "$(cat report.json)"
