#!/bin/sh
# estimators.sh [--repeats R] [--plants FOLDER] - the variance of the gradient of a sigmoid belief
# net's family by each estimator, as a table: with the terms that depend on a latent alone and with
# the whole bound, with each control variate, and two bounds of several draws.
#
# examples/sbn on the binarised digits that ship, in double precision, at the start of training with
# all parameters perturbed as check-grad does, 100 rows. Each side is compiled and its `check-grad`
# run; there is no table if one shows a bias. Markdown on stdout, progress on stderr.
#
# A second table, where FOLDER has plants.{train,valid,test}.data.gz (69 bits; Van Haaren & Davis,
# Markov network structure learning, 2012): 32 latents trained by four estimators, the bound and the
# log-likelihood of the test set, and the variance at the end of training.
set -eu
cd "$(dirname "$0")/../.."
repeats=400
plants=
while [ $# -gt 1 ]; do
    case $1 in
    --repeats) repeats=$2 ;;
    --plants) plants=$2 ;;
    *) break ;;
    esac
    shift 2
done
[ $# -eq 0 ] || { echo "usage: estimators.sh [--repeats R] [--plants FOLDER]" >&2; exit 2; }
build=${DGM_BUILD:-build}
{ [ -f "$build/CMakeCache.txt" ] || cmake -S . -B "$build"
  cmake --build "$build" -j 2 --target dgmc dgm_f64; } >&2
digits=examples/data/optdigits.tra.csv.gz:0-63
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export OMP_NUM_THREADS=1

# compile OBJECTIVE ESTIMATOR SIZES..
compile() {
    sed "s/objective .*/objective $1/; s/h by .*/$2/" examples/sbn/sbn.dgm >"$work/sbn.dgm"
    shift 2
    "$build/dgmc" "$work/sbn.dgm" "$@" --precision f64 -o "$work/sbn"
}
# variance LABEL ARGUMENTS: of the gradient by the encoder, and the largest z
variance() {
    label=$1
    shift
    "$work/sbn" check-grad "$@" --batch 100 --repeats "$repeats" --json --quiet >"$work/sbn.json" ||
        { echo "$label: biased" >&2; cat "$work/sbn.json" >&2; exit 1; }
    tr -d ' \n' <"$work/sbn.json" | sed 's/{"name"/\n{"name"/g' | awk -F'[:,}]' '
        /^{"name":"encoder/ { for (i = 1; i < NF; i++) {
            if ($i == "\"variance\"") v += $(i + 1)
            if ($i == "\"z\"" && $(i + 1) > z) z = $(i + 1) } }
        END { printf "%.3g | %.1f |\n", v, z }'
}
# side LABEL OBJECTIVE ESTIMATOR
side() {
    echo "$1" >&2
    compile "$2" "$3" -D P=64 -D D=8 --only=step
    echo "$1 | $(variance "$1" --data "x=$digits" --binarise threshold)"
}

echo "| draws, objective | f | control variate | variance | largest z |"
echo "|---|---|---|---|---|"
for samples in 1 4; do
    for terms in all blanket; do
        for control in none average loo; do
            [ $samples$control = 1loo ] ||
                side "| $samples, elbo | $terms | $control" "elbo(samples: $samples)" \
                    "h by score(control: $control, terms: $terms)"
        done
    done
done
for control in none average loo; do
    side "| 4, iwae | bound of the row | $control" "iwae(4)" "h by score(control: $control)"
done

# trained LABEL OBJECTIVE ESTIMATOR: a line of the second table
trained() {
    echo "plants, $1" >&2
    compile "$2" "$3" -D P=69 -D D=32
    "$work/sbn" train --data "x=$plants/plants.train.data.gz" --overwrite --quiet --epochs 100 \
        --valid "x=$plants/plants.valid.data.gz" --schedule linear --out "$work/run"
    "$work/sbn" eval "$work/run" --data "x=$plants/plants.test.data.gz" --samples 1000 --json \
        --quiet >"$work/eval.json"
    number() { sed -n 's/^  "'"$1"'": \([-0-9.e]*\).*/\1/p' "$work/eval.json"; }
    awk -v label="$1" -v elbo="$(number elbo)" -v l="$(number log_likelihood)" \
        'BEGIN { printf "%s | %.2f | %.2f | ", label, elbo, l }'
    variance "$1" --run "$work/run" --data "x=$plants/plants.train.data.gz"
}

[ -n "$plants" ] || exit 0
[ -f "$plants/plants.train.data.gz" ] ||
    { echo "estimators.sh: no plants.train.data.gz in $plants: no second table" >&2; exit 0; }
echo
echo "| draws, objective | control variate | bound | log-likelihood | variance | largest z |"
echo "|---|---|---|---|---|---|"
score='h by score(control'
trained "| 1, elbo | none" "elbo(samples: 1)" "$score: none)"
trained "| 1, elbo | average" "elbo(samples: 1)" "$score: average)"
trained "| 4, elbo | loo" "elbo(samples: 4)" "$score: loo)"
trained "| 4, iwae | loo" "iwae(4)" "$score: loo)"
