# logistic.sh - Bayesian logistic regression with nothing but the model: the bound rises to a value
# below, and within half a nat per hundred data of, the importance-weighted evidence.
. "$DGM_ROOT/tests/systems/lib.sh"
pair=$DGM_ROOT/examples/data/iris_pair.csv
$dgmc "$DGM_ROOT/examples/logistic/logistic.dgm" --data X="$pair:0-3"
./logistic train --data X="$pair:0-3" --data y="$pair:4" --seed 2 --quiet --out run
./logistic eval run --data X="$pair:0-3" --data y="$pair:4" --samples 5000 --json >eval.json
elbo=$(json eval.json elbo) ll=$(json eval.json log_likelihood)
echo "elbo $elbo importance-weighted $ll"
holds "$ll > $elbo - 1e-3" "the bound lies below the evidence"
holds "$ll - $elbo < 0.05" "the bound is close"
./logistic encode run --data X="$pair:0-3" --data y="$pair:4" >table.txt
grep -q '^w\[3\]' table.txt || fail "no summary of w"
