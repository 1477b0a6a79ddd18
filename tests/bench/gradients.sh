#!/bin/sh
# gradients.sh [--rounds R] [--python PYTHON] - evaluations per second of the log density and its
# gradient by the free numbers, with the Jacobian, in double precision on one thread: dgmc's C API,
# Stan (the C++ of stanc in the same loop, and RStan's grad_log_prob), and, where PYTHON has NumPyro,
# JAX (all in one jitted loop, and a jitted call for each). Models, data and sides: gradients/.
# "dgmc, steps" are the gradients of whole steps of mean field with ten draws and Adam (`./model train`),
# ten to a step.
#
# First all sides must agree, or there is no table: the difference of the log density between two
# points and the gradient, relative 1e-8. Every round visits each model and runs all sides there one
# after the other on the first processor. A run gives the best of its windows, the table medians over
# rounds: evaluations per second, and in brackets the ratio of dgmc to the side within a round.
# Markdown on stdout, progress on stderr. What was compiled stays in build/gradients for next time.
set -eu
cd "$(dirname "$0")/../.."
rounds=9
python=
while [ $# -gt 1 ]; do
    case $1 in
    --rounds) rounds=$2 ;;
    --python) python=$2 ;;
    *) break ;;
    esac
    shift 2
done
[ $# -eq 0 ] || { echo "usage: gradients.sh [--rounds R] [--python PYTHON]" >&2; exit 2; }
build=${DGM_BUILD:-build}
{ [ -f "$build/CMakeCache.txt" ] || cmake -S . -B "$build"
  cmake --build "$build" -j 2 --target dgmc dgm_f64; } >&2
here=tests/bench/gradients
work=$build/gradients
mkdir -p "$work"
runs=$work/runs
. tests/bench/sides.sh
models="logistic logistic_loop eight_schools hmm radon"
sides="dgmc steps"

spec() {
    case $1 in
    logistic | logistic_loop) echo examples/logistic/logistic.dgm ;;
    eight_schools) echo examples/posteriordb/eight_schools_noncentered.dgm ;;
    hmm) echo examples/posteriordb/hmm_gaussian.dgm ;;
    radon) echo examples/posteriordb/radon_variable_intercept_centered.dgm ;;
    esac
}
for model in $models; do
    awk -v model="$model" -f $here/data.awk >"$work/$model.json"
    "$build/dgmc" "$(spec "$model")" --data "$work/$model.json" --precision f64 \
        --only=log_prob_free --emit=c -o "$work/$model.c"
    flags=$(sed -n 's/.*\.cflags = "\(.*\)",$/\1/p' "$work/$model.c")    # those of a trainer
    # shellcheck disable=SC2086
    cc $flags -DDGM_NO_MAIN -DDGM_F64 -I runtime "$work/$model.c" $here/dgmc.c $here/loop.c \
        "$build/libdgm_f64.a" -lopenblas -lpng -lz -ljansson -lm -o "$work/$model-dgmc"
    { sed '/^train/,/^}/d' "$(spec "$model")"
      echo "train $(sed -n 's/^model \([a-z_]*\).*/\1/p' "$(spec "$model")") {
          objective elbo(samples: 10); optimizer adam(0.02) }"
    } >"$work/$model-steps.dgm"
    "$build/dgmc" "$work/$model-steps.dgm" --data "$work/$model.json" --only=step --precision f64 \
        -o "$work/$model-steps"
done

if Rscript -e 'library(rstan); library(jsonlite)' >/dev/null 2>&1; then
    sides="$sides stan rstan"
    echo "CXX14FLAGS = -O3 -march=native -w" >"$work/Makevars"
    cp $here/*.stan "$work"
    R_MAKEVARS_USER=$PWD/$work/Makevars Rscript $here/rstan_side.R "$work" compile >&2
    cc -O2 -c $here/loop.c -o "$work/loop.o"
    for model in $models; do
        new=$work/$model-stan
        stale=$(find "$here/$model.stan" $here/stan.cpp $here/loop.? -newer "$new" 2>&1) || true
        [ -n "$stale" ] || continue
        echo "g++ compiles $model" >&2
        # shellcheck disable=SC2046
        g++ -std=c++14 -O3 -march=native -w $(cat "$work/flags") -I $here -I "$work" \
            -DMODEL="<$model.hpp>" $here/stan.cpp "$work/loop.o" \
            $(cat "$work/libraries") -lStanHeaders -ltbb -o "$new"
    done
    server rstan Rscript $here/rstan_side.R "$work"
    exec 3>"$work/rstan.in" 4<"$work/rstan.out"
else
    echo "gradients.sh: no Stan: R has no rstan or jsonlite" >&2
fi
if [ -n "$python" ] && "$python" -c 'import numpyro' 2>/dev/null; then
    sides="$sides loop call"
    server numpyro "$python" $here/numpyro_side.py "$work"
    exec 5>"$work/numpyro.in" 6<"$work/numpyro.out"
else
    echo "gradients.sh: no JAX: --python names no Python with numpyro" >&2
fi

# steps MODEL: draws per second of its trainer, the best of ten windows
steps() {
    window=25000
    [ "$1" != eight_schools ] || window=100000
    case $1 in hmm | logistic*) window=1000 ;; esac
    taskset -c 0 "$work/$1-steps" train --data "$work/$1.json" --out "$work/run" --overwrite --quiet \
        --steps $((10 * window)) --log-every $window >/dev/null
    sed -n 's/.*"kind":"step".*"steps_per_second":\([0-9.e+-]*\).*/\1/p' "$work/run/metrics.jsonl" |
        sort -g | awk '{ rate = $1 } END { printf "%.0f\n", 10 * rate }'
}

# ask SIDE MODEL check|speed: the side's answer, one line
ask() {
    what=$3
    case $1-$what in
    loop-speed) what=loop ;;
    rstan-speed | call-speed) what=call ;;
    esac
    case $1 in
    dgmc) taskset -c 0 "$work/$2-dgmc" "$work/$2.json" "$what" ;;
    stan) taskset -c 0 "$work/$2-stan" "$work/$2.dump" "$what" ;;
    steps) steps "$2" ;;
    rstan) echo "$2 $what" >&3 && read -r line <&4 && echo "$line" ;;
    *) echo "$2 $what" >&5 && read -r line <&6 && echo "$line" ;;
    esac || { echo "gradients.sh: no answer of $1 for $2" >&2; exit 1; }
}

for model in $models; do
    ask dgmc "$model" check >"$work/expected"
    for side in $sides; do
        [ "$side" != steps ] || continue
        ask "$side" "$model" check >"$work/answer"
        awk -v who="$side, $model" '
            function size(x) { return x < 0 ? -x : x }
            NR == 1 { n = NF; for (i = 1; i <= n; i++) want[i] = $i }
            NR == 2 {
                for (i = 2; i <= n; i++) if (size(want[i]) > scale) scale = size(want[i])
                bad = NF != n || !(size($1 - want[1]) <= 1e-8 * size(want[1]))
                for (i = 2; i <= n; i++) if (!(size($i - want[i]) <= 1e-8 * scale)) bad = 1
            }
            END {
                if (NR == 2 && !bad) exit 0
                print "gradients.sh: not the density of dgmc: " who
                exit 1
            }
        ' "$work/expected" "$work/answer" >&2
    done
done

# One line a run: ROUND MODEL SIDE EVALUATIONS_PER_SECOND
: >"$runs"
for round in $(seq "$rounds"); do
    for model in $models; do
        for side in $sides; do
            rate=$(ask "$side" "$model" speed)
            echo "$round $model $side $rate" | tee -a "$runs" >&2
        done
    done
done

cpu=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1)
echo "Processor: $cpu; $(cc --version | head -1); $rounds rounds; $(date +%Y-%m-%d)."
case $sides in *stan*) Rscript -e 'cat("RStan", format(packageVersion("rstan")), "with Stan",
    rstan::stan_version(), "and", R.version.string, "\n")' ;; esac
case $sides in *loop*) "$python" -c 'import jax, numpyro
print("NumPyro", numpyro.__version__, "with JAX", jax.__version__)' ;; esac
echo

title() {
    case $1 in
    dgmc) echo dgmc ;;
    steps) echo "dgmc, steps" ;;
    stan) echo "Stan, C++" ;;
    rstan) echo RStan ;;
    loop) echo "JAX, one loop" ;;
    call) echo "JAX, calls" ;;
    esac
}
line="| model | free numbers |"
rule="|---|---|"
for side in $sides; do
    line="$line $(title "$side") |"
    rule="$rule---|"
done
echo "$line"
echo "$rule"
for model in $models; do
    ask dgmc "$model" check >"$work/answer"
    line="| $model | $(awk '{ print NF - 1 }' "$work/answer") |"
    for side in $sides; do
        of=dgmc to=$side
        [ "$side" != steps ] || of=steps to=rstan
        rate=$(awk -v m="$model" -v s="$side" '$2 == m && $3 == s { print $4 }' "$runs" | median)
        ratio=$(awk -v m="$model" -v of="$of" -v to="$to" '
            $2 == m && $3 == of { rate = $4 }
            $2 == m && $3 == to { print rate / $4 }' "$runs" | median)
        line="$line $(awk -v r="$rate" 'BEGIN { print sprintf("%.3g", r) + 0 }')"
        [ "$side" = dgmc ] || [ "$ratio" = 0 ] || line="$line ($(awk -v r="$ratio" 'BEGIN { printf "%.3g", r }'))"
        line="$line |"
    done
    echo "$line"
done
