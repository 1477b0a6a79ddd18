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

# The Python sides take long to start: one process for each number of threads answers all rounds.
# ask SIDE BATCH THREADS: its lines `BATCH SIDE STEPS_PER_SECOND`
others= pids=
n_modes=$(echo "$modes" | wc -w)
has() { [ -n "$python" ] && "$python" -c "import $1" 2>/dev/null; }
for threads in 1 2; do mkfifo "$work/torch-$threads" "$work/jax-$threads"; done
if has torch; then
    others=torch
    for threads in 1 2; do
        # shellcheck disable=SC2086
        "$python" tests/bench/torch_vae.py speed --threads $threads --mode $modes \
            --windows "$windows" <"$work/torch-$threads" >"$work/torch-$threads.out" &
        pids="$pids $!"
    done
    exec 3>"$work/torch-1" 4>"$work/torch-2"
fi
if has jax; then
    others="$others jax"
    for threads in 1 2; do
        taskset -c 0-$((threads - 1)) "$python" tests/bench/jax_vae.py --windows "$windows" \
            <"$work/jax-$threads" >"$work/jax-$threads.out" &
        pids="$pids $!"
    done
    exec 5>"$work/jax-1" 6>"$work/jax-2"
fi
ask() {
    out=$work/$1-$3.out
    lines=1
    [ "$1" = jax ] || lines=$n_modes
    wanted=$(($(wc -l <"$out") + lines))
    case $1-$3 in
    torch-1) echo "$2" >&3 ;;
    torch-2) echo "$2" >&4 ;;
    jax-1) echo "$2" >&5 ;;
    jax-2) echo "$2" >&6 ;;
    esac
    while [ "$(wc -l <"$out")" -lt "$wanted" ]; do
        # shellcheck disable=SC2086
        kill -0 $pids || { echo "run.sh: a Python side died" >&2; exit 1; }
        sleep 1
    done
    tail -n "$lines" "$out"
}

# One line a run: ROUND THREADS BATCH SIDE STEPS_PER_SECOND
for round in $(seq "$rounds"); do
    for threads in 1 2; do
        for batch in 100 500 2000; do
            for side in generated hand; do
                echo "$round $threads $batch $side $(trainer $side $batch $threads)"
            done
            for side in $others; do
                ask "$side" $batch $threads | sed "s/^/$round $threads /"
            done
        done
    done
done | tee "$work/runs" >&2

cpu=$(sed -n 's/^model name[^:]*: //p' /proc/cpuinfo | head -1)
blas=$(sed -n 's/.*"blas": "\(.*\)".*/\1/p' "$work/run/run.json")
echo "Processor: $cpu; $blas; $rounds rounds; $(date +%Y-%m-%d)."
if has torch; then "$python" -c 'import torch; print("PyTorch", torch.__version__ + ", Adam fused.")'; fi
if has jax; then "$python" -c 'import jax; print("JAX", jax.__version__ + ", jit of a scan over the steps of a window.")'; fi
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
