# server.sh - sourced: opponents that take long to start are one process each, which answers lines
# until the script ends; $work is where their fifos are.
servers=
trap '' PIPE
stop() {
    for s in $servers; do kill "$s" 2>/dev/null || true; done
    rm -f "$work"/*.in "$work"/*.out
}
trap stop EXIT
# server NAME COMMAND..: starts it on the first processor, between the fifos NAME.in and NAME.out
server() {
    name=$1
    shift
    rm -f "$work/$name.in" "$work/$name.out"
    mkfifo "$work/$name.in" "$work/$name.out"
    taskset -c 0 "$@" <"$work/$name.in" >"$work/$name.out" &
    servers="$servers $!"
}
