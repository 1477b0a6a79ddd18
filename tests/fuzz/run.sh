#!/bin/sh
# run.sh [SECONDS] - every fuzz target under libFuzzer for so long each (60), with the sanitizers, starting
# from the committed corpus. What reaches new code is left in build-fuzz/found, crashes in build-fuzz.
set -eu
cd "$(dirname "$0")/../.."
root=$PWD build=${SETUP_BUILD:-build-fuzz} seconds=${1:-60}
readers=$(ls tests/fuzz/corpus)
cmake -S . -B "$build" -DCMAKE_C_COMPILER=clang -DDGM_SANITIZE=ON -DDGM_FUZZ=ON >/dev/null
# shellcheck disable=SC2046
cmake --build "$build" -j 2 --target $(for reader in $readers; do echo "fuzz_$reader"; done) >/dev/null
cd "$build"
status=0
for reader in $readers; do
    mkdir -p "found/$reader"
    if tests/fuzz_"$reader" -max_total_time="$seconds" -max_len=4096 -timeout=20 -rss_limit_mb=4096 \
        -print_final_stats=1 "found/$reader" "$root/tests/fuzz/corpus/$reader" >"$reader.log" 2>&1; then
        echo "$reader: $(sed -n 's/^stat::number_of_executed_units: *//p' "$reader.log") inputs, nothing found"
    else
        tail -40 "$reader.log"; status=1
    fi
done
exit $status
