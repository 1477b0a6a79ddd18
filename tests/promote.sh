#!/bin/sh
# promote.sh - makes what the compiler says now the expected text of the tests that pin text: trees,
# tensor IR, errors, explanations. A new case of errors or explanations gets its files. Read `git diff`.
set -eu
cd "$(dirname "$0")/.."
root=$PWD build=${SETUP_BUILD:-build}
cmake -S . -B "$build" >/dev/null
cmake --build "$build" -j 2 --target test_syntax test_tensor test_check test_derive >/dev/null
log=$(mktemp)
trap 'rm -f "$log"' EXIT
status=0
cd "$build/tests"
promote() { "$@" >"$log" 2>&1 || { cat "$log" >&2; status=1; }; }
promote ./test_syntax promote
promote ./test_tensor "$root" promote
promote env DGM_PROMOTE=1 ./test_check
promote env DGM_PROMOTE=1 ./test_derive
git -C "$root" status --short tests
exit $status
