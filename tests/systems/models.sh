# models.sh [NAME ..] - every model of examples/models simulates data at known values, is compiled
# for them, has the gradient of central differences with them (f64, relative 1e-6), is trained, and
# finds the values again. A row of the table is
#     model | sizes | rows | covariates | values | found: NAME ELEMENT SD, .. | training
# The value lies within 4 sds of the mean of 20 draws of the fit, and their sd is at most SD: a fit
# that learns nothing is wider. Where mean field is too narrow, =ERROR stands for SD: the mean is as
# near. NAME< is NAME with its elements in order: which component gets which label is chance.
. "$DGM_ROOT/tests/systems/lib.sh"
wanted=$*
draws=20
covered=

# column EXPRESSION N: [e, e, ..], the expression in i
column() {
    awk "BEGIN { for (i = 0; i < $2; i++) printf \"%s%.6g\", i ? \", \" : \"[\", ($1)
        printf \"]\" }"
}
pairs() {
    awk "BEGIN { for (i = 0; i < $3; i++)
            printf \"%s[%.6g, %.6g]\", i ? \", \" : \"[\", ($1), ($2)
        printf \"]\" }"
}

# elements FILE NAME: the values of NAME, one a line; of NAME< in increasing order
elements() { case $2 in *'<') values "$1" "${2%<}" | sort -g ;; *) values "$1" "$2" ;; esac; }

# finds MODEL NAME ELEMENT SD
finds() {
    truth=$(elements "$1.json" "$2" | sed -n "$(($3 + 1))p")
    i=0
    while [ $i -lt $draws ]; do
        elements "$1.draw$i" "$2" | sed -n "$(($3 + 1))p"
        i=$((i + 1))
    done | awk '{ n++; a += $1; b += $1 * $1 }
        END { m = a / n; printf "%.6g %.6g\n", m, sqrt((b - a * m) / (n - 1)) }' >found.txt
    read -r mean sd <found.txt
    found="$1: $2[$3] is $truth, found $mean with sd $sd"
    echo "$found"
    case $4 in
    =*) holds "($truth - $mean) ^ 2 <= ${4#=} ^ 2" "$found" ;;
    *) holds "($truth - $mean) ^ 2 <= 16 * $sd ^ 2 && $sd <= $4" "$found" ;;
    esac
}

# with_gaps: `camel` on stdin; each seventh number of y is null and stands in y_missing
with_gaps() {
    awk '/"y":/ { y = 1 } /^  \]/ { y = 0 }
        y && /[0-9]/ && ++n % 7 == 0 {
            x = $1; sub(",", "", x); gone = gone (gone ? ", " : "") x; sub(/[-+0-9.eE]+/, "null") }
        /^}/ { print ", \"y_missing\": [" gone "]" } { print }'
}

is_wanted() { [ -z "$wanted" ] || case " $wanted " in *" $1 "*) ;; *) return 1 ;; esac; }

# model NAME SIZES ROWS COVARIATES VALUES FOUND [TRAIN OPTIONS]; NAME.fit and NAME.grad, for sed,
# change what is fitted and what check-grad runs
model() {
    covered="$covered$1.dgm "
    is_wanted "$1" || return 0
    spec=$DGM_ROOT/examples/models/$1.dgm
    touch "$1.fit"
    sed -f "$1.fit" "$spec" >"$1.dgm"
    data=
    [ -z "$4" ] || { echo "{$4}" >"$1.cov"; data="--data $1.cov"; }
    echo "{$5}" >"$1.at"
    # shellcheck disable=SC2086
    quick_dgmc "$1.dgm" $2 $data --only=simulate -o ./sim || fail "$1 does not compile"
    # shellcheck disable=SC2086
    ./sim simulate $3 $data --at "$1.at" --seed 11 --out "$1.json" || fail "$1 cannot be simulated"
    sizes=$2
    [ "$1" != camel ] || { with_gaps <"$1.json" >gaps.json; mv gaps.json "$1.json"; sizes=; }
    # shellcheck disable=SC2086
    "$dgmc" "$1.dgm" $sizes --data "$1.json" --precision f64 -o ./fit || fail "$1: its data"
    ./fit log-prob --data "$1.json" --at "$1.json" --json >lp.json || fail "log-prob of $1"
    [ "$(json lp.json log_prob)" != null ] || fail "$1: the density at the truth"
    cp fit checked
    [ ! -f "$1.grad" ] || {
        sed -f "$1.grad" "$spec" >checked.dgm
        quick_dgmc checked.dgm --only=step --data "$1.json" --precision f64 || fail "$1.grad"
    }
    ./checked check-grad --data "$1.json" --tol 1e-6 >out.txt || {
        cat out.txt
        fail "check-grad of $1"
    }
    # shellcheck disable=SC2086
    ./fit train --data "$1.json" --out "$1.run" --quiet --lr 0.03 ${7:---steps 2000} ||
        fail "training $1"
    i=0
    while [ $i -lt $draws ]; do
        ./fit encode "$1.run" --data "$1.json" --json --quiet --seed $((i + 1)) >"$1.draw$i" ||
            fail "encode $1"
        i=$((i + 1))
    done
    echo "$6" | tr ',' '\n' >"$1.found"
    while read -r name at most; do finds "$1" "$name" "$at" "$most"; done <"$1.found"
}

# likelier MODEL NAME VALUE ..: the density at the truth is above that with NAME = VALUE instead
likelier() {
    is_wanted "$1" || return 0
    m=$1 name=$2
    shift 2
    ./fit log-prob --data "$m.json" --at "$m.json" --json >lp.json
    truth=$(json lp.json log_prob)
    for value; do
        sed "s/\"$name\": *[-+0-9.eE]*/\"$name\": $value/" "$m.json" >wrong.json
        ./fit log-prob --data "$m.json" --at wrong.json --json >lp.json
        echo "$m: log density $truth, at $name = $value $(json lp.json log_prob)"
        holds "$(json lp.json log_prob) < $truth - 5" "$m: $name = $value"
    done
}

# Large gradients at the start, where theta is beyond 1, would hide the small ones: --clip.
model arma "-D T=300" "" "" '"mu": 1, "phi": 0.5, "theta": 0.6, "sigma": 0.5' \
    "mu 0 0.12, phi 0 0.1, theta 0 0.1, sigma 0 0.06" "--steps 4000 --clip 10"

model camel "-D y_gaps=0" "-n 300" "" '"Sigma": [[2, 0.8], [0.8, 1]]' \
    "Sigma 0 0.3, Sigma 1 0.15, Sigma 3 0.15"

# In 8 visits an animal is marked at one of the first five: the rest is drawn.
model capture_recapture "" "" "\"y\": $(awk 'BEGIN {
        for (i = 0; i < 200; i++) { printf "%s", i ? ", " : "["
            for (t = 0; t < 8; t++) printf "%s%d", t ? ", " : "[", t == i % 5
            printf "]" }
        printf "]" }')" '"phi": [0.9, 0.6, 0.8, 0.9, 0.7, 0.8, 0.8, 0.5], "p": 0.6' \
    "p 0 0.05, phi 0 0.1, phi 2 0.1, phi 3 0.07, phi 4 0.07"

model dogs "-D T=25" "-n 30" "" '"b": [1.8, -0.3, -0.2]' "b 0 0.2, b 1 0.05, b 2 0.05"

model gaussian_process "" "" "\"x\": $(column 'i / 2 - 15' 60)" \
    '"rho": 6, "alpha": 1.5, "s": 0.2' \
    "rho 0 2, s 0 0.06"

model hidden_markov "-D T=200" "" "" '"A": [[0.9, 0.1], [0.3, 0.7]], "mu": [3, 8]' \
    "mu 0 0.2, mu 1 0.2, A 0 0.05"

model lda "-D K=2 -D V=6 -D M=60 -D L_max=40" "" "\"L\": $(column '20 + i % 21' 60)" \
    '"phi": [[0.6, 0.2, 0.1, 0.05, 0.03, 0.02], [0.02, 0.03, 0.05, 0.1, 0.35, 0.45]]' \
    "phi< 9 0.04, phi< 10 0.04, phi< 11 0.04"

model n_mixture "-D T=6 -D K=20" "-n 80" "" '"lambda": 5, "p": 0.6' "lambda 0 0.5, p 0 0.05"

model ordinal "-D K=4 -D J=10" "" \
    "\"x\": $(column '(i % 7) / 3 - 1' 600), \"who\": $(column 'i % 10' 600)" \
    '"c": [-1, 0.5, 1.5], "s": 1, "b": 0.8,
     "u": [-1.2, -0.8, -0.4, -0.1, 0, 0.1, 0.4, 0.6, 0.9, 1.3]' \
    "c 0 0.2, c 1 0.2, c 2 0.25, b 0 0.25, s 0 0.32, u 0 0.32, u 9 0.32"

# By default th and z0 start near 1, where the populations explode. The gradient is that of the
# steps taken: differences see also how their lengths change, which is little at a small tolerance.
cat >predator_prey.fit <<'END'
$a\
family for predator_prey {\
  param a : real[4] init -2; param b : positive[4] init 0.05\
  param c : real[2] init 3; param d : positive[2] init 0.05\
  th ~ lognormal(a, b); z0 ~ lognormal(c, d); s ~ meanfield\
}
END
echo 's/at: ts)/at: ts, method: rk45(1e-10))/' >predator_prey.grad
model predator_prey "" "" "\"ts\": $(column 'i + 1' 20)" \
    '"th": [0.55, 0.028, 0.84, 0.026], "z0": [34, 6], "s": [0.2, 0.2]' \
    "th 0 =0.1, th 1 =0.006, th 2 =0.15, th 3 =0.004, z0 0 =4, z0 1 =1.5, s 0 =0.1, s 1 =0.1" \
    "--steps 3000 --clip 10"

model raters "-D K=2 -D J=4" "-n 150" "" \
    '"pi": [0.6, 0.4], "theta": [[[0.9, 0.1], [0.2, 0.8]], [[0.8, 0.2], [0.1, 0.9]],
        [[0.7, 0.3], [0.3, 0.7]], [[0.95, 0.05], [0.1, 0.9]]]' \
    "pi 0 0.07, theta 0 0.07, theta 15 0.07"

model stick_breaking "-D K=2 -D D=1" "-n 300" "" \
    '"alpha": 1, "v": [0.7, 0.5], "mu": [[-3], [5]], "s": [[1], [2]]' \
    "mu< 0 0.1, mu< 1 0.3, s< 0 0.1, s< 1 0.3"

# Mean field of a sequence has no correlation of its steps, so phi would be found near 0 and s too
# large: these are held against the density.
model stochastic_volatility "-D T=300" "" "" '"mu": -1, "phi": 0.6, "s": 1' "mu 0 0.3"
likelier stochastic_volatility phi 0.2 0.9 -0.6
likelier stochastic_volatility s 0.7 1.5

# The law of the time reads the time, which simulate leaves as it is: here quantiles of the law.
time='exp((1 - 0.7 * ((i % 5) / 2 - 1)) / 1.5) * (-log((i + 0.5) * 0.6180339887 % 1)) ^ (1 / 1.5)'
model survival "" "" "\"time\": $(column "$time < 3 ? $time : 3" 400), \
    \"died\": $(column "$time < 3" 400), \"x\": $(pairs 1 '(i % 5) / 2 - 1' 400)" \
    '"b": [-1, 0.7], "r": 1.5' "b 0 0.1, b 1 0.15, r 0 0.1"

model varying_slopes "-D J=20" "" "\"x\": $(pairs 1 '(i % 9) / 4 - 1' 600), \
    \"u\": $(column 1 20 | sed 's/1/[1]/g'), \"g\": $(column 'i % 20 + 1' 600)" \
    '"G": [[1, -0.5]], "tau": [0.8, 0.5], "L": [[1, 0], [0.5, 0.8660254037844386]], "sigma": 0.4' \
    "G 0 0.25, G 1 0.2, tau 0 0.2, tau 1 0.1, L 2 0.27, sigma 0 0.04, b 0 0.1, b 39 0.2"

model zero_inflated "" "" "\"x\": $(pairs 1 '(i % 5) / 2 - 1' 300)" '"b": [1, 0.7], "theta": 0.3' \
    "b 0 0.1, b 1 0.1, theta 0 0.07"

for f in "$DGM_ROOT"/examples/models/*.dgm; do
    case $covered in *"${f##*/} "*) ;; *) fail "$f has no row" ;; esac
done
