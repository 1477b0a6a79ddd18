# sides.sh - sourced by the benchmarks that compare sides of other languages, from the root: all sides
# on one thread, servers, medians. In $work there is room for files.

export OMP_NUM_THREADS=1
export XLA_FLAGS="--xla_cpu_multi_thread_eigen=false intra_op_parallelism_threads=1 \
    --xla_cpu_prefer_vector_width=512"
export PYTHONPATH=tests/bench${PYTHONPATH:+:$PYTHONPATH}    # models.py
export PYTHONDONTWRITEBYTECODE=1

# The sides of R and Python take long to start: one process each answers all rounds.
# server NAME COMMAND..: starts it between the fifos NAME.in and NAME.out
servers=
trap '' PIPE
stop() {
    for s in $servers; do kill "$s" 2>/dev/null || true; done
    rm -f "$work"/*.in "$work"/*.out
}
trap stop EXIT
server() {
    name=$1
    shift
    rm -f "$work/$name.in" "$work/$name.out"
    mkfifo "$work/$name.in" "$work/$name.out"
    taskset -c 0 "$@" <"$work/$name.in" >"$work/$name.out" &
    servers="$servers $!"
}

# median: of numbers, one a line
median() {
    sort -g | awk '{ v[NR] = $1 } END { print (v[int((NR + 1) / 2)] + v[int(NR / 2) + 1]) / 2 }'
}
