# posteriordb.sh [all] - models of examples/posteriordb have Stan's log density, up to a constant, and
# where the maps from free numbers agree its gradient, at Stan's own points. Without `all` those whose
# data and points ship in tests/posteriordb; with it every line of models.tsv, from ../shared, and the
# gradient of the bound by mean field is that of central differences: relative 1e-6. Not so where an
# equation is solved: differences see how the steps change (models.sh has that), and `sir` has no
# solution where the check begins.
. "$DGM_ROOT/tests/systems/lib.sh"
models=$DGM_ROOT/examples/posteriordb
shared=$DGM_ROOT/../shared/data/posteriordb
points=$DGM_BUILD/tests/points
all=${1:-}

# check_posterior NAME MODEL DATA.json POINTS.json NOTE
check_posterior() {
    mkdir -p "$1"
    quick_dgmc "$models/$2" --only=log_prob_free --data "$3" -o "$1/model" || fail "$1 does not compile"
    n=$("$points" write "$4" "$1")
    i=0
    while [ $i -lt "$n" ]; do
        "$1/model" log-prob --data "$3" --at "$1/at-$i.json" --unconstrained --json \
            >"$1/out-$i.json" || fail "$1: log-prob at point $i"
        i=$((i + 1))
    done
    # shellcheck disable=SC2086
    line=$("$points" compare "$4" "$1" $5) || fail "$1: $line"
    echo "$1: $line"
    [ "$all" != all ] || [ "$5" = solver ] || check_bound "$1" "$2" "$3"
    rm -rf "$1"
}

# check_bound NAME MODEL DATA.json
check_bound() {
    quick_dgmc "$models/$2" --only=step --precision f64 --data "$3" -o "$1/bound" || fail "$1: step"
    "$1/bound" check-grad --data "$3" --tol 1e-6 >out.txt || { cat out.txt; fail "$1: check-grad"; }
}

if [ "$all" = all ]; then
    [ -d "$shared" ] || skip "no ../shared/data/posteriordb"
    while IFS='	' read -r name model data note; do
        gunzip -c <"$shared/data/data/$data.json.zip" >data.json
        check_posterior "$name" "$model" data.json "$shared/log_density/$name.json" "$note"
    done <"$models/models.tsv"
else
    for case in "$DGM_ROOT"/tests/posteriordb/*/; do
        name=$(basename "$case")
        line=$(grep "^$name	" "$models/models.tsv") || fail "$name is not in models.tsv"
        check_posterior "$name" "$(echo "$line" | cut -f2)" "$case/data.json" \
            "$case/log_density.json" "$(echo "$line" | cut -f4)"
    done
fi
