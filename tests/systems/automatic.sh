# automatic.sh - `optimizer auto`: no step size and no number of steps to choose. A posterior that mean
# field can have exactly is found, whatever its scale, in under 2,000 steps; a net is fitted in
# minibatches as well as by Adam with a step size searched by hand; a run that was stopped goes on with
# the same bits; what has not converged says so.
. "$DGM_ROOT/tests/systems/lib.sh"

# fitted NAME DATA..: trains NAME by several seeds; sets steps, and the posterior's mean and sd of `a`
fitted() {
    name=$1; shift
    ./$name train "$@" --seed $seed --quiet --overwrite --out run 2>err.txt
    [ ! -s err.txt ] || { cat err.txt; fail "$name, seed $seed: a warning"; }
    steps=$(tail -1 run/metrics.jsonl | sed 's/.*"step": *\([0-9]*\).*/\1/')
    ./$name encode run "$@" --json --quiet >latents.json
    mean=$(values latents.json a.mean); sd=$(values latents.json a.sd)
    echo "$name, seed $seed: $steps steps, a $mean sd $sd"
}

# ---- exact answers, three scales ---------------------------------------------------------------------
cat >normal.dgm <<'EOF'
model normal { latent a : real ~ normal(0, 1) }
train normal { objective elbo; a by reparam }
EOF
quick_dgmc normal.dgm
for seed in 1 2 3; do
    fitted normal
    holds "$steps < 2000 && ($mean)^2 < 0.05^2 && ($sd - 1)^2 < 0.05^2" "normal(0, 1)"
done
cat >scaled.dgm <<'EOF'
model scaled(scale = 1) {
  data x[N] : real
  latent a : real ~ normal(0, 100 * scale)
  for n in N { x[n] ~ normal(a, scale) }
}
train scaled { objective elbo(samples: 10); a by reparam }
EOF
seed=1
for scale in 0.01 1 100; do                     # mean 2.5 scale, sd scale / 2
    echo "$scale" | awk '{ printf "{\"x\": [%g, %g, %g, %g]}", $1, 2 * $1, 3 * $1, 4 * $1 }' >x.json
    sed "s/scale = 1/scale = $scale/; s/(scale = .*) {/{/; s/scale)/$scale)/g" scaled.dgm >s.dgm
    quick_dgmc s.dgm -o scaled
    fitted scaled --data x.json
    holds "($mean - 2.5 * $scale)^2 < (0.1 * 0.5 * $scale)^2 && ($sd / (0.5 * $scale) - 1)^2 < 0.1^2" \
          "scale $scale"
done

# ---- a net in minibatches ------------------------------------------------------------------------------
vae_spec 4 40 >vae.dgm
"$dgmc" vae.dgm -D P=64
vae() { ./vae train --data x="$digits.tra.csv.gz:0-63" --binarise threshold --quiet "$@"; }
reached() {
    ./vae eval "$1" --data x="$digits.tra.csv.gz:0-63" --binarise threshold --samples 0 --json >e.json
    json e.json elbo
}
vae --steps 8000 --out auto 2>err.txt
grep -q 'may still be rising after 8000 steps' err.txt || fail "no warning of a rising objective"
auto=$(reached auto)
best=-1000
for lr in 0.001 0.003 0.01 0.03; do
    vae --optimizer adam --lr $lr --steps 8000 --overwrite --out hand
    by_hand=$(reached hand)
    echo "elbo: auto $auto, adam $lr $by_hand"
    best=$(echo "$best $by_hand" | awk '{ print ($1 > $2) ? $1 : $2 }')
done
holds "$auto > $best" "better than constant steps of any size"

# ---- past the saddle of one latent --------------------------------------------------------------------------
iris=$DGM_ROOT/examples/data/iris.csv
exact=$("$DGM_BUILD/tests/exact" ppca "$iris" 2)
"$dgmc" "$DGM_ROOT/examples/linear_vae/linear_vae.dgm" --data x="$iris:0-3"
for seed in 1 2 3 4; do
    ./linear_vae posterior --data x="$iris:0-3" --seed $seed --draws 100 --json >report.json 2>err.txt
    elbo=$(json report.json elbo) se=$(json report.json elbo_se)
    echo "linear vae, seed $seed: elbo $elbo / 150 se $se / 150, exactly $exact"
    holds "$exact - $elbo / 150 < 0.02 + 3 * $se / 150" "the exact maximum, with a tolerance of 0.01"
done

# ---- stopped and resumed -------------------------------------------------------------------------------
vae --steps 1200 --threads 1 --overwrite --out whole 2>err.txt
vae --steps 700 --threads 2 --overwrite --out parts 2>err.txt
cp parts/last.safetensors before
./vae train --resume --steps 1200 --quiet --out parts 2>err.txt
same whole/last.safetensors parts/last.safetensors
same whole/best.safetensors parts/best.safetensors
grep window whole/metrics.jsonl >a.txt                 # the first part was cut, and said so
grep window parts/metrics.jsonl | grep -v '"step":700,' >b.txt
same a.txt b.txt

# ---- what goes wrong ------------------------------------------------------------------------------------
expect_rc 2 vae --optimizer auto --schedule cosine --out x
grep -q 'both choose step sizes' err.txt || fail "no word about the schedule"
