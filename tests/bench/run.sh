#!/bin/sh
# run.sh [--rounds R] [--windows W] [--python PYTHON] [--modes "fused compile"] - training steps per
# second of the VAE of examples/vae (784-500-20-500-784, Adam, float32) side by side: the trainer that
# dgmc generates, vae_hand.c on the same runtime and BLAS, and, where PYTHON has them, PyTorch (modes
# of torch_vae.py) and JAX on the CPU.
#
# Every round visits each number of threads and batch, and runs all sides there one after the other,
# so that a change of the machine's speed meets all alike. A run gives the best of its W windows of
# steps (other guests of a shared machine only slow a window down), the table medians over rounds:
# steps per second of the generated trainer, and its ratio to each other side within a round.
# Markdown on stdout, progress on stderr. It reports and judges nothing.
set -eu
cd "$(dirname "$0")/../.."
rounds=5
python=
windows=20
modes=fused                            # of PyTorch; "fused compile" takes minutes a batch
while [ $# -gt 1 ]; do
    case $1 in
    --rounds) rounds=$2 ;;
    --python) python=$2 ;;
    --modes) modes=$2 ;;
    --windows) windows=$2 ;;
    *) break ;;
    esac
    shift 2
done
[ $# -eq 0 ] || { echo "usage: run.sh [--rounds R] [--python PYTHON] [--modes MODES] [--windows W]" >&2; exit 2; }
build=${DGM_BUILD:-build}
{ [ -f "$build/CMakeCache.txt" ] || cmake -S . -B "$build"
  cmake --build "$build" -j 2 --target dgmc dgm_f32 vae_hand; } >&2
work=$(mktemp -d)
trap 'rm -rf "$work"' EXIT

# Gray noise, binarised at half: 10000 images of 28 x 28 as IDX.
{ printf '\0\0\010\003\0\0\047\020\0\0\0\034\0\0\0\034'; head -c 7840000 /dev/urandom; } >"$work/x.idx"
"$build/dgmc" examples/vae/vae.dgm -D P=784 -o "$work/generated" >&2
cp "$build/tests/vae_hand" "$work/hand"

# median FILE: of numbers, one a line
median() { sort -g "$1" | awk '{ v[NR] = $1 } END { print (v[int((NR + 1) / 2)] + v[int(NR / 2) + 1]) / 2 }'; }

# trainer SIDE BATCH THREADS: steps per second
trainer() {
    window=$((2000 / $2))
    rm -rf "$work/run"
    "$work/$1" train --data "x=$work/x.idx" --out "$work/run" --quiet \
        --batch "$2" --threads "$3" --steps $((windows * window)) --log-every "$window" --binarise threshold || exit 1
    sed -n 's/.*"kind":"step".*"steps_per_second":\([0-9.e+-]*\).*/\1/p' "$work/run/metrics.jsonl" |
        sort -g | tail -1
}

# One line a run: ROUND THREADS BATCH SIDE STEPS_PER_SECOND
has_torch=false
has_jax=false
[ -n "$python" ] && "$python" -c 'import torch' 2>/dev/null && has_torch=true
[ -n "$python" ] && "$python" -c 'import jax' 2>/dev/null && has_jax=true
for round in $(seq "$rounds"); do
    for threads in 1 2; do
        for batch in 100 500 2000; do
            for side in generated hand; do
                rate=$(trainer $side $batch $threads)
                echo "$round $threads $batch $side $rate"
            done
            if $has_torch; then
                "$python" tests/bench/torch_vae.py speed --threads $threads --mode $modes \
                    --batch $batch --windows "$windows" | sed "s/^/$round $threads /"
            fi
            if $has_jax; then
                taskset -c 0-$((threads - 1)) "$python" tests/bench/jax_vae.py \
                    --batch $batch --windows "$windows" | sed "s/^/$round $threads /"
            fi
        done
    done
done | tee "$work/runs" >&2

cpu=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1)
blas=$(sed -n 's/.*"blas": "\(.*\)".*/\1/p' "$work/run/run.json")
echo "Processor: $cpu; $blas; $rounds rounds; $(date +%Y-%m-%d)."
if $has_torch; then "$python" -c 'import torch; print("PyTorch", torch.__version__ + ", Adam fused.")'; fi
if $has_jax; then "$python" -c 'import jax; print("JAX", jax.__version__ + ", jit of a scan over the steps of a window.")'; fi
sides=$(awk '$4 != "generated" && !seen[$4]++ { print $4 }' "$work/runs")
echo
echo "| threads | batch | generated, steps/s |$(printf ' / %s |' $sides)"
echo "|---|---|---|$(printf -- '---|%.0s' $sides)"
for threads in 1 2; do
    for batch in 100 500 2000; do
        awk -v t=$threads -v b=$batch '$2 == t && $3 == b && $4 == "generated" { print $5 }' \
            "$work/runs" >"$work/windows"
        line="| $threads | $batch | $(median "$work/windows") |"
        for side in $sides; do
            awk -v t=$threads -v b=$batch -v s="$side" '$2 == t && $3 == b { v[$4, $1] = $5 }
                END { for (r = 1; (s, r) in v; r++) print v["generated", r] / v[s, r] }' \
                "$work/runs" >"$work/windows"
            line="$line $(median "$work/windows" | cut -c1-5) |"
        done
        echo "$line"
    done
done
