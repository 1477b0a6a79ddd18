# lib.sh - sourced by the system tests: build folder, scratch folder, small checks.
set -eu
: "${DGM_BUILD:?}" "${DGM_ROOT:?}"
dgmc=$DGM_BUILD/dgmc
digits=$DGM_ROOT/examples/data/optdigits
scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT
cd "$scratch"

fail() { echo "FAIL: $*" >&2; exit 1; }
skip() { echo "SKIP: $*"; exit 77; }

# json FILE KEY: the number behind "KEY": in a flat JSON object
json() {
    value=$(tr ',{}' '\n\n\n' <"$1" | sed -n "s/^ *\"$2\": *\\([-+0-9.eE]*\\).*/\\1/p" | head -1)
    [ -n "$value" ] || fail "no $2 in $1"
    echo "$value"
}
# numbers FILE: log_prob, then the gradient, of log-prob --json; one a line
numbers() {
    json "$1" log_prob
    tr -d '\n' <"$1" | sed 's/.*"gradient": *{//; s/"[^"]*"//g' | tr -c '0-9eE.+\n-' '\n' | grep '[0-9]'
}
# values FILE NAME: all numbers of the field NAME of an object of nested arrays; one a line
values() {
    tr -d ' \n' <"$1" | sed "s/.*\"$2\":\([^\"]*\).*/\1/" | tr -c '0-9eE.+\n-' '\n' | grep '[0-9]' ||
        fail "no $2 in $1"
}
# quick_dgmc ARGUMENTS: dgmc without optimisation, for models that run for a moment only
printf '#!/bin/sh
exec %s "$@" -O0
' "${CC:-cc}" >cc-quick && chmod +x cc-quick
quick_dgmc() { CC=$scratch/cc-quick "$dgmc" "$@"; }
# holds EXPRESSION: arithmetic comparison by awk
holds() { awk "BEGIN { exit !($1) }" || fail "not true: $1${2:+ ($2)}"; }
same() { cmp -s "$1" "$2" || fail "$1 and $2 differ"; }
# expect_rc CODE COMMAND...: runs it, stderr to err.txt
expect_rc() {
    want=$1; shift; got=0
    "$@" >out.txt 2>err.txt || got=$?
    [ "$got" -eq "$want" ] || { cat err.txt >&2; fail "exit $got instead of $want: $*"; }
}
