# models.sh [NAME ..] - models of examples/models: each simulates data at known values, is compiled
# for them, trained by its default family, and finds the values again. A row of the table is
#     model | sizes | rows | covariates | values | what is to be found: NAME ELEMENT TOLERANCE, ..
# Where nothing is to be found, the density at the values is finite: mean field with a fixed rate leaves
# `arma` in a local optimum.
. "$DGM_ROOT/tests/systems/lib.sh"
wanted=$*

# column EXPRESSION N: [e, e, ..], the expression in i
column() { awk "BEGIN { for (i = 0; i < $2; i++) printf \"%s%.6g\", i ? \", \" : \"[\", ($1); printf \"]\" }"; }
pairs() { awk "BEGIN { for (i = 0; i < $3; i++) printf \"%s[%.6g, %.6g]\", i ? \", \" : \"[\", ($1), ($2); printf \"]\" }"; }

# model NAME SIZES ROWS COVARIATES VALUES FOUND [TRAIN OPTIONS]
model() {
    [ -z "$wanted" ] || case " $wanted " in *" $1 "*) ;; *) return 0 ;; esac
    spec=$DGM_ROOT/examples/models/$1.dgm
    data=
    [ -z "$4" ] || { echo "{$4}" >"$1.cov"; data="--data $1.cov"; }
    echo "{$5}" >"$1.at"
    # shellcheck disable=SC2086
    quick_dgmc "$spec" $2 $data --only=simulate -o ./sim || fail "$1 does not compile"
    # shellcheck disable=SC2086
    ./sim simulate $3 $data --at "$1.at" --seed 11 --out "$1.json" || fail "$1 cannot be simulated"
    # shellcheck disable=SC2086
    "$dgmc" "$spec" $2 --data "$1.json" -o ./fit || fail "$1 does not compile for its data"
    ./fit log-prob --data "$1.json" --at "$1.json" --json >lp.json || fail "log-prob of $1"
    [ "$(json lp.json log_prob)" != null ] || fail "$1: the density at the truth"
    [ -n "$6" ] || return 0
    # shellcheck disable=SC2086
    ./fit train --data "$1.json" --out "$1.run" --quiet --lr 0.03 ${7:---steps 2000} || fail "training $1"
    ./fit encode "$1.run" --data "$1.json" --json >"$1.fit" 2>err.txt || { cat err.txt; fail "encode $1"; }
    echo "$6" | tr ',' '\n' | while read -r name at tolerance; do
        truth=$(values "$1.json" "$name" | sed -n "$((at + 1))p")
        found=$(values "$1.fit" "$name" | sed -n "$((at + 1))p")
        echo "$1: $name[$at] is $truth, found $found"
        holds "($truth - $found) ^ 2 <= $tolerance ^ 2" "$1: $name[$at] is $truth, found $found"
    done
}

model arma "-D T=300" "" "" '"mu": 1, "phi": 0.5, "theta": 0.6, "sigma": 0.5' \
    ""
model hidden_markov "-D T=200" "" "" '"A": [[0.9, 0.1], [0.3, 0.7]], "mu": [3, 8]' \
    "mu 0 0.4, mu 1 0.4, A 0 0.1, A 3 0.2"
model raters "-D K=2 -D J=4" "-n 150" "" \
    '"pi": [0.6, 0.4], "theta": [[[0.9, 0.1], [0.2, 0.8]], [[0.8, 0.2], [0.1, 0.9]], [[0.7, 0.3], [0.3, 0.7]], [[0.95, 0.05], [0.1, 0.9]]]' \
    "pi 0 0.15, theta 0 0.15, theta 15 0.15"
model zero_inflated "" "" "\"x\": $(pairs 1 '(i % 5) / 2 - 1' 300)" '"b": [1, 0.7], "theta": 0.3' \
    "b 0 0.2, b 1 0.2, theta 0 0.1"
