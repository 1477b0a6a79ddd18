# linear_vae.sh - the linear VAE's optimum is probabilistic PCA: its ELBO reaches the exact maximum
# log-likelihood of the same data within 1e-2 nats per datum, and never passes it.
. "$DGM_ROOT/tests/systems/lib.sh"
iris=$DGM_ROOT/examples/data/iris.csv
exact=$("$DGM_BUILD/tests/exact" ppca "$iris" 2)
$dgmc "$DGM_ROOT/examples/linear_vae/linear_vae.dgm" --data x="$iris"
./linear_vae train --data x="$iris" --seed 3 --schedule cosine --quiet --out run
./linear_vae eval run --data x="$iris" --samples 2000 --json >eval.json
elbo=$(json eval.json elbo) ll=$(json eval.json log_likelihood)
echo "exact $exact elbo $elbo importance-weighted $ll"
holds "$exact - $elbo < 1e-2 && $elbo - $exact < 1e-2" "ELBO against exact PPCA"
holds "($ll - $exact)^2 < 1e-4" "importance-weighted log-likelihood against exact PPCA"
