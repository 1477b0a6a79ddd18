#!/bin/sh
# posteriors.sh [--date YYYY-MM-DD] - `posterior` on the models of examples/posteriordb, with data and
# reference draws of ../shared/data/posteriordb: two tables in Markdown on stdout, progress on
# stderr. With reference draws: the error of the worst mean in standard deviations of the reference,
# and the worst ratio of standard deviations, for three raw families and for the weighted default.
# Without: k-hat, effective draws, seconds and warnings. A run is given 20 seconds; those that take
# longer are named below the tables. Models that were compiled stay in build/posteriors.
set -eu
cd "$(dirname "$0")/../.."
date=$(date +%Y-%m-%d)
[ "${1:-}" != --date ] || date=$2
build=${DGM_BUILD:-build}
shared=../shared/data/posteriordb
[ -d "$shared" ] || { echo "posteriors.sh: no $shared" >&2; exit 2; }
{ [ -f "$build/CMakeCache.txt" ] || cmake -S . -B "$build"
  cmake --build "$build" -j 2 --target dgmc dgm_f64; } >&2
work=$build/posteriors
mkdir -p "$work"
cc -O2 tests/bench/posteriors.c -ljansson -lm -o "$work/posteriors"
tool=$work/posteriors
export OMP_WAIT_POLICY=passive

# reference NAME: the posterior whose draws are the reference for NAME; none if there are none
reference() {
    name=$(sed -n 's/.*"reference_posterior_name": *"\([^"]*\)".*/\1/p' "$shared/posteriors/$1.json")
    [ -f "$shared/reference_posteriors/draws/draws/$name.json.zip" ] && echo "$name" || echo none
}
# fit NAME FAMILY: report in the folder NAME/FAMILY; false if it failed or took too long
fit() {
    here=$work/$1
    rm -rf "$here/$2"
    timeout 20 "$here/model" posterior --data "$here/data.json" --family "$2" --out "$here/$2" \
        --quiet 2>"$here/$2.log" && return 0
    got=$?
    if [ $got -eq 124 ]; then late="$late $1"; else failed="$failed $1"; fi
    return 1
}
# pair WHICH: error and ratio of `posterior` or `family` in the file compared
pair() { awk -v w="$1" '$1 == w { printf "%s, %s", $2, $3 }' "$work/compared"; }

late= failed=
: >"$work/with" && : >"$work/without" && : >"$work/score"
while IFS='	' read -r name model data _; do
    here=$work/$name
    mkdir -p "$here"
    echo "$name" >&2
    gunzip -c <"$shared/data/data/$data.json.zip" >"$here/data.json"
    only=log_prob_free,to_values,log_prob_noncentred,to_values_noncentred    # as dgmc run
    ! grep -q '^ *predict' "examples/posteriordb/$model" || only=$only,simulate
    { [ "$here/model" -nt "$build/dgmc" ] && [ "$here/model" -nt "$build/libdgm_f64.a" ]; } ||
        "$build/dgmc" "examples/posteriordb/$model" --precision f64 --data "$here/data.json" \
            --only=$only -o "$here/model" >&2 ||
        { failed="$failed $name"; continue; }
    draws=$(reference "$name")
    if [ "$draws" = none ]; then
        fit "$name" auto || continue
        "$tool" line "$here/auto/report.json" | while read -r khat ess all seconds warnings; do
            echo "| $name | $khat | $ess of $all | $seconds | $warnings |"
        done >>"$work/without"
        continue
    fi
    gunzip -c <"$shared/reference_posteriors/draws/draws/$draws.json.zip" >"$here/draws.json"
    row="| $name |"
    for family in meanfield fullrank "lowrank(4)" auto; do
        which=family
        [ $family != auto ] || which=posterior
        if fit "$name" "$family" &&
                "$tool" compare "$here/$family/report.json" "$here/draws.json" >"$work/compared"; then
            row="$row $(pair $which) |"
            awk -v w=$which -v f="$family" '$1 == w { print f, $2, $3 }' "$work/compared" \
                >>"$work/score"
        else
            row="$row - |"
        fi
    done
    last=$(awk '$1 == "posterior" { print $4, "|", $5 }' "$work/compared")
    echo "$row $last |" >>"$work/with"
done <examples/posteriordb/models.tsv

late=$(echo "$late" | tr ' ' '\n' | sort -u | tr '\n' ' ' | sed 's/^ *//; s/ *$//; s/ /, /g')
cpu=$(LC_ALL=C lscpu | sed -n 's/^Model name: *//p' | head -1)
cpus=$(LC_ALL=C lscpu | sed -n 's/^CPU(s): *//p')
cat <<END
# Posteriors of posteriordb by \`posterior\`

$cpus processors of $cpu, shared with other work; gcc $(cc -dumpfullversion); $date.
Made by \`sh tests/bench/posteriors.sh\` at commit $(git rev-parse --short HEAD): seed 1, 4000 draws, and
a limit of 20 seconds for a fit. Seconds are those of the fit, without compiling the model.

## With reference draws

In each cell the error of the worst mean, in standard deviations of the reference, and the worst ratio
of standard deviations to the reference. The families are as fitted; \`auto\` is what a user gets: full
rank with importance weights, or draws that were moved where weights are not enough; then, and where
weights are all but equal, there is no k-hat. k-hat and seconds are those of \`auto\`. The reference
itself has 10,000 draws: its means are known to 0.01 standard deviations.

| posterior | meanfield | fullrank | lowrank(4) | auto | k-hat | seconds |
|---|---|---|---|---|---|---|
END
sed 's/| nan |/| - |/' "$work/with"
echo
awk '
    function size(x) { return x < 0 ? -x : x }
    { n[$1]++; if ($2 + 0 == $2 && $2 < 0.1 && $3 > 0.85 && $3 < 1.15) good[$1]++ }
    END {
        printf "Within 0.1 standard deviations and 15 %%:"
        split("meanfield fullrank lowrank(4) auto", f, " ")
        for (i = 1; i <= 4; i++)
            printf " %s %d of %d%s", f[i], good[f[i]], n[f[i]], i < 4 ? "," : ".\n"
    }' "$work/score"
cat <<END

## Without reference draws

| posterior | k-hat | effective draws | seconds | warnings |
|---|---|---|---|---|
END
sed 's/| nan |/| - |/' "$work/without"
echo
echo "Not finished within 20 seconds (by one family at least): ${late:-none}."
[ -z "$failed" ] || printf '\nFailed:%s.\n' "$failed"
