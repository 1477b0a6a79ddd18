# regression.sh - Bayesian linear regression with known noise: the full-rank family is exact, so its
# mean and covariance match the exact posterior to 1e-3, and the bound is tight.
. "$DGM_ROOT/tests/systems/lib.sh"
iris=$DGM_ROOT/examples/data/iris.csv
$dgmc "$DGM_ROOT/examples/regression/regression.dgm" --precision f64 --data X="$iris:0-2"
./regression train --data X="$iris:0-2" --data y="$iris:3" --seed 5 --schedule cosine --quiet --out run
distance=$("$DGM_BUILD/tests/exact" regression "$iris" 3 0.5 2 1 run/last.safetensors)
echo "largest distance of mean and covariance: $distance"
set -- $distance
holds "$1 < 1e-3" "posterior mean"
holds "$2 < 1e-3" "posterior covariance"
