#!/bin/sh
# svi.sh --python PYTHON [--rounds R] [--colds C] - variational inference side by side: dgmc, NumPyro
# and RStan's vb, on one thread, on logistic regression (1000 rows, 25 covariates), the eight schools
# (non-centred) and a line through 100 points (3 parameters). Models and sides: svi/, gradients/.
#
# 1. Microseconds per step of mean field with ten draws and Adam: `./model train`, and NumPyro's
#    SVI.update in one jitted scan, with the faster of its two mean-field guides. A run gives the best
#    of its windows; R rounds.
# 2. Seconds from the model and its data to posterior means, C rounds: from nothing, compilation
#    included, and with what was compiled before. Errors of the means against long runs of NUTS.
# Every round runs all sides one after the other on the first processor; the tables have medians over
# rounds, and in brackets the median ratio to dgmc within a round. Markdown on stdout, progress on
# stderr. What was compiled for part 1, and the references, stay in build/svi for next time.
set -eu
cd "$(dirname "$0")/../.."
rounds=7
colds=3
python=
while [ $# -gt 1 ]; do
    case $1 in
    --rounds) rounds=$2 ;;
    --colds) colds=$2 ;;
    --python) python=$2 ;;
    *) break ;;
    esac
    shift 2
done
if [ $# -ne 0 ] || [ -z "$python" ]; then
    echo "usage: svi.sh --python PYTHON [--rounds R] [--colds C]" >&2
    exit 2
fi
"$python" -c 'import numpyro' || { echo "svi.sh: $python has no numpyro" >&2; exit 2; }
build=${DGM_BUILD:-build}
{ [ -f "$build/CMakeCache.txt" ] || cmake -S . -B "$build"
  cmake --build "$build" -j 2 --target dgmc dgm_f32 dgm_f64; } >&2
here=tests/bench/svi
work=$build/svi
mkdir -p "$work"
runs=$work/runs
. tests/bench/sides.sh
models="logistic eight_schools line"

# The specs without a train block, and with one.
block='objective elbo(samples: 10); optimizer adam(0.02)'
sed '/^train/,/^}/d' examples/logistic/logistic.dgm >"$work/logistic.dgm"
grep -v '^ *report' examples/posteriordb/eight_schools_noncentered.dgm >"$work/eight_schools.dgm"
cp $here/line.dgm "$work/line.dgm"
cp tests/bench/gradients/logistic.stan tests/bench/gradients/eight_schools.stan $here/line.stan "$work"
for model in $models; do
    awk -v model="$model" -f tests/bench/gradients/data.awk >"$work/$model.json"
    { cat "$work/$model.dgm"
      echo "train $(sed -n 's/^model \([a-z_]*\).*/\1/p' "$work/$model.dgm") { $block }"
    } >"$work/$model-train.dgm"
    for precision in f32 f64; do
        "$build/dgmc" "$work/$model-train.dgm" --data "$work/$model.json" --only=step \
            --precision $precision -o "$work/$model-$precision" >&2
    done
    [ -f "$work/$model-reference.json" ] ||
        { echo "reference of $model" >&2
          "$python" $here/numpyro_side.py "$work" reference "$model" "$work/$model-reference.json"; }
done
stan=
! Rscript -e 'library(rstan); library(jsonlite)' >/dev/null 2>&1 || stan=stan
[ -n "$stan" ] || echo "svi.sh: no Stan: R has no rstan or jsonlite" >&2

# ---- 1. steps -----------------------------------------------------------------------------------

for precision in f32 f64; do
    server $precision "$python" $here/numpyro_side.py "$work" speed $precision
done
exec 3>"$work/f32.in" 4<"$work/f32.out" 5>"$work/f64.in" 6<"$work/f64.out"

# numpyro MODEL PRECISION: microseconds per step
numpyro() {
    case $2 in
    f32) echo "$1" >&3 && read -r line <&4 ;;
    f64) echo "$1" >&5 && read -r line <&6 ;;
    esac && echo "$line" || { echo "svi.sh: no answer of NumPyro for $1" >&2; exit 1; }
}
# trainer MODEL PRECISION DRAWS: microseconds per step, the best of ten windows
trainer() {
    window=100000
    [ "$1" != logistic ] || window=2500
    taskset -c 0 "$work/$1-$2" train --data "$work/$1.json" --samples "$3" --out "$work/run" \
        --overwrite --quiet --steps $((10 * window)) --log-every $window
    sed -n 's/.*"kind":"step".*"steps_per_second":\([0-9.e+-]*\).*/\1/p' "$work/run/metrics.jsonl" |
        sort -g | awk '{ rate = $1 } END { print 1e6 / rate }'
}

numpyro line f32 >/dev/null && numpyro line f64 >/dev/null     # all is compiled

# One line a run: ROUND MODEL-PRECISION SIDE MICROSECONDS
: >"$runs"
for round in $(seq "$rounds"); do
    for model in $models; do
        for precision in f64 f32; do
            echo "$round $model-$precision dgmc $(trainer "$model" $precision 10)"
            echo "$round $model-$precision one $(trainer "$model" $precision 1)"
            echo "$round $model-$precision numpyro $(numpyro "$model" $precision)"
        done
    done
done | tee -a "$runs" >&2

# ---- 2. from the model to the posterior ---------------------------------------------------------

# timed COMMAND..: its seconds
timed() {
    from=$(date +%s.%N)
    taskset -c 0 "$@" >"$work/timed.out" 2>"$work/timed.err" ||
        { echo "svi.sh: failed: $*" >&2; tail -5 "$work/timed.err" >&2; exit 1; }
    awk -v from="$from" -v to="$(date +%s.%N)" 'BEGIN { print to - from }'
}
again() { sed -n 's/.*"again": *\([0-9.e-]*\).*/\1/p' "$1"; }
run() { timed "$build/dgmc" run "$work/$model.dgm" --data "$work/$model.json" --json; }
fit() { timed "$python" $here/numpyro_side.py "$work" fit "$model" "$work/$model-numpyro.json"; }
errors() { "$python" $here/compare.py "$work/$model-reference.json" "$@"; }

for round in $(seq "$colds"); do
    for model in $models; do
        export DGMC_CACHE="$work/cache" JAX_COMPILATION_CACHE_DIR="$work/jax"
        export JAX_PERSISTENT_CACHE_MIN_COMPILE_TIME_SECS=0
        rm -rf "$work/cache" "$work/jax"
        echo "$round $model dgmc-cold $(run)"
        echo "$round $model dgmc-warm $(run)"
        cp "$work/timed.out" "$work/$model-dgmc.json"
        echo "$round $model numpyro-cold $(fit)"
        echo "$round $model numpyro-again $(again "$work/$model-numpyro.json")"
        echo "$round $model numpyro-warm $(fit)"
        if [ -n "$stan" ]; then
            rm -f "$work/$model.rds"
            echo "$round $model stan-both $(timed Rscript $here/vb.R "$work" "$model" \
                "$work/$model-stan.json")"
            echo "$round $model stan-again $(again "$work/$model-stan.json")"
        fi
        echo "$round $model dgmc-error $(errors "$work/$model-dgmc.json")"
        echo "$round $model numpyro-error $(errors "$work/$model-numpyro.json")"
        [ -z "$stan" ] || echo "$round $model stan-error $(errors "$work/$model-stan.json")"
    done
done >"$work/colds"
awk '{ print }
    $3 == "stan-both" { both = $4 }
    $3 == "stan-again" { print $1, $2, "stan-cold", both - $4 }' "$work/colds" |
    tee -a "$runs" >&2

# ---- tables -------------------------------------------------------------------------------------

cpu=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1)
echo "Processor: $cpu; $(cc --version | head -1); $rounds and $colds rounds; $(date +%Y-%m-%d)."
"$python" -c 'import jax, numpyro
print("NumPyro", numpyro.__version__, "with JAX", jax.__version__)'
[ -z "$stan" ] || Rscript -e 'cat("RStan", format(packageVersion("rstan")), "with Stan",
    rstan::stan_version(), "and", R.version.string, "\n")'

# cell MODEL SIDE [BASE]: the side's median, in brackets its ratio to BASE within a round
cell() {
    value=$(awk -v m="$1" -v s="$2" '$2 == m && $3 == s { print $4 }' "$runs" | median)
    ratio=
    [ -z "${3:-}" ] || ratio=$(awk -v m="$1" -v s="$2" -v b="$3" '
        $2 == m && $3 == b { base[$1] = $4 }
        $2 == m && $3 == s { side[$1] = $4 }
        END { for (r in side) print side[r] / base[r] }' "$runs" | median)
    awk -v v="$value" -v r="$ratio" 'BEGIN {
        printf "%s", sprintf("%.3g", v) + 0
        if (r != "") printf " (%s)", sprintf("%.3g", r) + 0 }'
}
echo
echo "| model | precision | dgmc, us | NumPyro, us | dgmc with one draw, us |"
echo "|---|---|---|---|---|"
for model in $models; do
    for precision in f64 f32; do
        m=$model-$precision
        echo "| $model | $precision | $(cell "$m" dgmc) | $(cell "$m" numpyro dgmc) | $(cell "$m" one) |"
    done
done
echo
title="| model | dgmc run | NumPyro |"
rule="|---|---|---|"
[ -z "$stan" ] || { title="$title RStan |" && rule="$rule---|"; }
for what in cold warm again error; do
    case $what in
    cold) printf 'From nothing, seconds:\n\n' ;;
    warm) printf '\nA new process, compiled before, seconds:\n\n' ;;
    again) printf '\nThe same process again, seconds (dgmc: a new one):\n\n' ;;
    error) printf '\nWorst error of a mean, in standard deviations:\n\n' ;;
    esac
    echo "$title"
    echo "$rule"
    for model in $models; do
        own=dgmc-$what base=dgmc-$what
        [ $what != again ] || own=dgmc-warm base=dgmc-warm
        [ $what != error ] || base=
        line="| $model | $(cell "$model" $own) | $(cell "$model" numpyro-$what $base) |"
        [ -z "$stan" ] || [ $what != warm ] || line="$line - |"
        [ -z "$stan" ] || [ $what = warm ] || line="$line $(cell "$model" stan-$what $base) |"
        echo "$line"
    done
done
