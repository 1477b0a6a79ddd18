# vae.sh - the whole pipeline on real digits: compile, train, evaluate, sample, encode, reconstruct;
# the bits do not depend on threads, and a stopped run resumes bit for bit.
. "$DGM_ROOT/tests/systems/lib.sh"
train="x=$digits.tra.csv.gz:0-63" test="x=$digits.tes.csv.gz:0-63"

$dgmc "$DGM_ROOT/examples/vae/vae.dgm" -D H=60 -D D=8 --data "$train"
run() { ./vae train --data "$train" --binarise threshold --seed 7 --batch 100 --quiet "$@"; }

run --epochs 12 --threads 2 --valid "$test" --out a
./vae eval a --data "$test" --samples 50 --json >eval.json
elbo=$(json eval.json elbo) kl=$(json eval.json kl) rec=$(json eval.json reconstruction)
ll=$(json eval.json log_likelihood)
holds "$elbo > -27 && $elbo < -15" "elbo"
holds "($rec - $kl - $elbo)^2 < 1e-6" "elbo = reconstruction - kl"
holds "$ll >= $elbo && $ll < $elbo + 10" "importance-weighted bound is above the ELBO"
holds "$(json eval.json n) == 1797"

run --epochs 2 --threads 1 --out t1
for t in 2 3 8; do
    run --epochs 2 --threads $t --out t$t
    same t1/last.safetensors t$t/last.safetensors
done

run --steps 76 --out whole
run --steps 33 --out part
run --steps 76 --out part --resume
same whole/last.safetensors part/last.safetensors

./vae sample a -n 16 --png s.png --out s.npy
./vae reconstruct a --data "$test" -n 8 --png r.png
./vae encode a --data "$test" --out z.csv
[ "$(head -c 4 s.png | tail -c 3)" = PNG ] && [ -s r.png ] && [ -s z.csv ] || fail "outputs"
for f in metrics.jsonl run.json last.safetensors best.safetensors loss.png samples.png \
    reconstructions.png; do
    [ -s a/$f ] || fail "a/$f is missing"
done
