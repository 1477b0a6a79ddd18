# stochastic.sh - `dgmc run` where the spec says what to fit (a family, minibatches), and where the
# density cannot be had (nets, discrete latents that are drawn): trained without a setting, weighted
# where weights can be trusted, honest where not.
. "$DGM_ROOT/tests/systems/lib.sh"
export DGMC_CACHE="$PWD/cache"
# run MODEL ARGUMENTS: quietly, into fit/, warnings to err.txt
run() { "$dgmc" run "$@" --quiet --out fit 2>err.txt || { cat err.txt; fail "run $*"; }; }
quiet() { [ ! -s err.txt ] || { cat err.txt; fail "a warning"; }; }
# method NAME: that is what ran
method() {
    tr -d ' \n' <fit/report.json | grep -q "\"method\":{\"name\":\"$1\"" || fail "not by method $1"
}
# said KEY: the number of the report
said() { json fit/report.json "$1"; }
# of NAME: mean and sd of the posterior that is reported, first element
of() {
    sed -n '/^  "posterior": {/,/^  }/p' fit/report.json >posterior.json
    mean=$(tr -d ' \n' <posterior.json | sed "s/.*\"$1\":{\"mean\":\[*\([^],]*\).*/\1/")
    sd=$(tr -d ' \n' <posterior.json | sed "s/.*\"$1\":{\"mean\":[^\"]*\"sd\":\[*\([^],]*\).*/\1/")
}

# ---- a user's family that is too narrow: weights make it right --------------------------------------------
# a, b ~ normal(0, 1), y ~ normal(a + b, 1.5): by hand, of correlation -0.31
cat >two.dgm <<'EOF'
model two {
  data y : real
  latent a, b : real ~ normal(0, 1)
  y ~ normal(a + b, 1.5)
  report sum = a + b
}
family for two {
  param ma, mb : real
  param sa, sb : positive
  a ~ normal(ma, sa)
  b ~ normal(mb, sb)
}
EOF
echo '{"y": 2}' >y.json
run two.dgm --data y.json
quiet
[ "$(grep -c '"posterior_by": "importance weights"' fit/report.json)" = 1 ] || fail "not weighted"
var=$(echo | awk '{ print 2 + 2.25 }')                   # of y
of a
echo "a: $mean sd $sd"
holds "($mean - 2 / $var)^2 < (0.1 * $sd)^2 && ($sd / sqrt(1 - 1 / $var) - 1)^2 < 0.15^2" "a"
of sum
holds "($mean - 4 / $var)^2 < (0.1 * $sd)^2 && ($sd / sqrt(2 - 4 / $var) - 1)^2 < 0.15^2" "a + b"
evidence=$(awk "BEGIN { print -0.5 * log(2 * atan2(0, -1) * $var) - 4 / (2 * $var) }")
estimate=$(tr -d ' \n' <fit/report.json | sed 's/.*"evidence":{"log":\([^,]*\),"se":\([^}]*\)}.*/\1 \2/')
set -- $estimate
echo "evidence: $1 se $2, exactly $evidence"
holds "($1 - $evidence)^2 < (4 * $2)^2" "evidence"
holds "$(said elbo) < $evidence && $(said elbo) > $evidence - 0.5" "the bound is one"

method deterministic
echo "# the same in steps, by --steps"
run two.dgm --data y.json --steps 20000
quiet
method stochastic
of a
holds "($mean - 2 / $var)^2 < (0.1 * $sd)^2 && ($sd / sqrt(1 - 1 / $var) - 1)^2 < 0.15^2" "a in steps"

run two.dgm --data y.json --method stochastic
method stochastic
expect_rc 2 "$dgmc" run two.dgm --data y.json --method stochastic --family fullrank
expect_rc 2 "$dgmc" run two.dgm --data y.json --method deterministic --steps 100
grep -q 'do not suit' err.txt || { cat err.txt; fail "fixed draws in steps"; }
echo "# the same by the default family, where the one of the spec is not wanted"
run two.dgm --data y.json --family fullrank
grep -q '"fixed_draws"' fit/report.json || fail "no fixed draws"
grep -q '"fit": {' fit/report.json || fail "the family of the spec although another was named"
of a
holds "($mean - 2 / $var)^2 < (0.1 * $sd)^2" "a by fullrank"

# ---- minibatches ------------------------------------------------------------------------------------------
cat >mean.dgm <<'EOF'
model m {
  data x[N] : real
  latent a : real ~ normal(0, 10)
  latent s : positive ~ cauchy(0, 5)
  for n in N { x[n] ~ normal(a, s) }
}
train m { objective elbo; batch 50 }
EOF
awk 'BEGIN { srand(7); print "x"
             for (i = 0; i < 2000; i++) print 3 + 2 * sqrt(-2 * log(1 - rand())) * cos(6.283185307 * rand()) }' >x.csv
exact=$(awk 'NR > 1 { n++; a += $1; b += $1 * $1 } END { m = a / n; print m, sqrt((b / n - m * m) / n) }' x.csv)
run mean.dgm --data x.csv
quiet
of a
echo "a: $mean sd $sd; by hand $exact; $(said steps) steps, k-hat $(said khat)"
set -- $exact
holds "($mean - $1)^2 < (0.1 * $2)^2 && ($sd / $2 - 1)^2 < 0.15^2" "mean of many data"

# ---- nets: an amortized family ------------------------------------------------------------------------------
vae_spec 3 20 >vae.dgm
run vae.dgm -D P=64 --data x="$digits.tra.csv.gz:0-63" --valid x="$digits.tes.csv.gz:0-63" \
    --binarise threshold --steps 2000 --draws 500
grep -q '^warning: converged' err.txt || fail "2000 steps, and no word of it"
"$dgmc" vae.dgm -D P=64
./vae eval fit --checkpoint last --data x="$digits.tra.csv.gz:0-63" --binarise threshold --samples 0 --json >e.json
echo "elbo $(said elbo) se $(said elbo_se); of the last iterate $(json e.json elbo_total)"
holds "$(said elbo) > $(json e.json elbo_total)" "the mean of iterates is worse than the last"
holds "$(said log_likelihood) > -30 && $(said log_likelihood) < 0" "held out"
tr -d ' \n' <fit/report.json | grep -q '"khat_of_rows":{"rows":100,' || fail "no k-hat of rows"
[ -s fit/samples.png ] || fail "no samples"
first=$(cksum <fit/best.safetensors)
run vae.dgm -D P=64 --data x="$digits.tra.csv.gz:0-63" --binarise threshold --steps 2000 --draws 500 \
    --valid x="$digits.tes.csv.gz:0-63" --threads 1
[ "$first" = "$(cksum <fit/best.safetensors)" ] || fail "other bits with one thread"

# 100 rows are soon learnt by heart: the best held out is an earlier step than the last, and is named
gunzip -c "$digits.tra.csv.gz" | head -100 >few.csv
run vae.dgm -D P=64 --data x=few.csv:0-63 --valid x="$digits.tes.csv.gz:0-63" \
    --binarise threshold --steps 4000 --draws 500
best=$(tr -d ' \n' <fit/report.json | sed -n 's/.*"best":{"step":\([0-9]*\),.*/\1/p')
holds "${best:-4000} > 0 && ${best:-4000} < 4000" "step of the best held out: ${best:-none}"

# ---- discrete latents that are drawn --------------------------------------------------------------------------
cat >belief.dgm <<'EOF'
model belief(D = 2) {
  data x[N] : bit[P]
  param W : real[D, P] init normal(0, 1)
  for n in N {
    latent h : bit[D] ~ bernoulli(0.5)
    x[n] ~ bernoulli(logits: h @ W)
  }
}
family for belief {
  net encoder(x) = x |> dense(D)
  for n in N { h ~ bernoulli(logits: encoder(x[n])) }
}
train belief { objective elbo(samples: 4); h by score(control: loo) }
EOF
awk 'BEGIN { srand(3); for (i = 0; i < 200; i++) { a = rand() < 0.5; b = rand() < 0.5
    print (rand() < (a ? 0.9 : 0.5)) "," (rand() < (a ? 0.9 : 0.5)) "," (rand() < (b ? 0.1 : 0.5)) "," (rand() < (b ? 0.1 : 0.5)) } }' >bits.csv
run belief.dgm -D P=4 --data x=bits.csv --draws 500 --steps 20000
grep -q '"W"' fit/report.json || fail "no parameters"
"$dgmc" run belief.dgm -D P=4 --data x=bits.csv --draws 500 --steps 300 --json 2>err.txt >report.json
tr -d ' \n' <report.json | grep -q '"name":"stochastic"' || fail "no report on stdout"
expect_rc 7 "$dgmc" run belief.dgm -D P=4 --data x=bits.csv --draws 500 --steps 50 --strict

# ---- draws ----------------------------------------------------------------------------------------------------------
run mean.dgm --data x.csv --save-draws --draws 200
[ "$(wc -l <fit/draws.csv)" = 201 ] || fail "draws.csv"
[ -s fit/posterior.zarr/.zmetadata ] || fail "no posterior.zarr"
[ -s fit/densities.png ] || fail "no densities"
mkdir trained && ./vae train --data x="$digits.tra.csv.gz:0-63" --binarise threshold --steps 10 --quiet \
    --out trained 2>/dev/null
expect_rc 2 "$dgmc" run mean.dgm --data x.csv --out trained
grep -q 'already holds a run' err.txt || fail "a run was overwritten"

# ---- what cannot be had -----------------------------------------------------------------------------------------
expect_rc 2 "$dgmc" run belief.dgm -D P=4 --data x=bits.csv --family fullrank
grep -q 'is fitted to the density of all latents' err.txt || { cat err.txt; fail "fullrank over drawn bits"; }
