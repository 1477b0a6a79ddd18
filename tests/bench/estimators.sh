#!/bin/sh
# estimators.sh [--repeats R] - the variance of the gradient of a sigmoid belief net's family by each
# estimator, as a table: with the terms that depend on a latent alone and with the whole bound, with
# each control variate, and two bounds of several draws.
#
# examples/sbn on the binarised digits that ship, in double precision, at the start of training with
# all parameters perturbed as check-grad does, 100 rows. Each side is compiled and its `check-grad`
# run; there is no table if one shows a bias. Markdown on stdout, progress on stderr.
set -eu
cd "$(dirname "$0")/../.."
repeats=400
[ "${1:-}" != --repeats ] || { repeats=$2; shift 2; }
[ $# -eq 0 ] || { echo "usage: estimators.sh [--repeats R]" >&2; exit 2; }
build=${DGM_BUILD:-build}
{ [ -f "$build/CMakeCache.txt" ] || cmake -S . -B "$build"
  cmake --build "$build" -j 2 --target dgmc dgm_f64; } >&2
digits=examples/data/optdigits.tra.csv.gz:0-63
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT
export OMP_NUM_THREADS=1

# side LABEL OBJECTIVE ESTIMATOR
side() {
    echo "$1" >&2
    sed "s/objective .*/objective $2/; s/h by .*/$3/" examples/sbn/sbn.dgm >"$work/sbn.dgm"
    "$build/dgmc" "$work/sbn.dgm" -D P=64 -D D=8 --only=step --precision f64 -o "$work/sbn"
    "$work/sbn" check-grad --data "x=$digits" --binarise threshold --batch 100 \
        --repeats "$repeats" --json --quiet >"$work/sbn.json" ||
        { echo "$1: biased" >&2; cat "$work/sbn.json" >&2; exit 1; }
    tr -d ' \n' <"$work/sbn.json" | sed 's/{"name"/\n{"name"/g' | awk -F'[:,}]' -v label="$1" '
        /^{"name":"encoder/ { for (i = 1; i < NF; i++) {
            if ($i == "\"variance\"") v += $(i + 1)
            if ($i == "\"z\"" && $(i + 1) > z) z = $(i + 1) } }
        END { printf "%s | %.3g | %.1f |\n", label, v, z }'
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
