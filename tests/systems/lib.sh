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

# vae_spec LATENTS HIDDEN: a variational autoencoder of bits, trained in minibatches
vae_spec() {
    cat <<END
model vae(D = $1) {
  data x[N] : bit[P]
  net decoder(z) = z |> dense($2) |> tanh |> dense(P)
  for n in N {
    latent z : real[D] ~ normal(0, 1)
    x[n] ~ bernoulli(logits: decoder(z))
  }
}
family for vae {
  net encoder(x) = x |> dense($2) |> tanh |> { mu: dense(D), sigma: dense(D) |> softplus }
  for n in N {
    let q = encoder(x[n])
    z ~ normal(q.mu, q.sigma)
  }
}
train vae { objective elbo; batch 100 }
END
}

# agree A B: the same numbers in both files, to 1e-12 of them or of 1
agree() {
    paste "$1" "$2" | awk '
        { d = $1 - $2; s = $2 < 0 ? -$2 : $2; s = s > 1 ? s : 1; if (d < 0) d = -d
          if (NF != 2 || !(d <= 1e-12 * s)) { print $1, $2; bad = 1 } } END { exit bad || NR == 0 }'
}

# pair NAME: NAME.dgm and NAME-all.dgm, in which all states are written out, have one log density
# and one gradient at NAME.at on NAME.json
pair() {
    for m in "$1" "$1-all"; do
        quick_dgmc "$m.dgm" --only=log_prob --data "$1.json" -o "./run-$m" || fail "$m does not compile"
        "./run-$m" log-prob --data "$1.json" --at "$1.at" --json >"$m.out" || fail "log-prob of $m"
        numbers "$m.out" >"$m.txt"
    done
    [ "$(wc -l <"$1.txt")" -gt 1 ] || fail "$1 has no gradient"
    agree "$1.txt" "$1-all.txt" || fail "$1 is not the sum over its states"
}

# summaries NAME: they report the same too
summaries() {
    awk '{ for (i = 1; i <= length($0); i++) {       # each value in brackets: a list of one draw
        c = substr($0, i, 1)
        if (c ~ /[]}]/) depth--
        if (depth == 1 - (c == "}") && c ~ /[,}]/) printf "]"
        printf "%s", c
        if (c ~ /[[{]/) depth++
        if (depth == 1 && c == ":") printf "[" } }' "$1.at" >"$1.draw"
    for m in "$1" "$1-all"; do
        quick_dgmc "$m.dgm" --only=report --data "$1.json" -o "./run-$m" || fail "$m does not compile"
        "./run-$m" report --data "$1.json" --draws "$1.draw" --out "$m.rep" || fail "report of $m"
        tr -c '0-9eE.+\n-' '\n' <"$m.rep" | grep '[0-9]' >"$m.txt"
    done
    agree "$1.txt" "$1-all.txt" || fail "$1 reports other states"
}

# equal FILE FILE: log_prob and the vector of the gradient agree to 1e-12 of the largest number
vector() { json "$1" log_prob; tr -d ' \n' <"$1" | sed 's/.*"gradient":\[//; s/\].*//' | tr ',' '\n'; }
equal() {
    vector "$1" >one.txt
    vector "$2" >two.txt
    paste one.txt two.txt | awk '
        { d = $1 - $2; d = d < 0 ? -d : d; a = $1 < 0 ? -$1 : $1 }
        NF != 2 || d > most || d != d { most = NF == 2 && d == d ? d : 1e300 }
        a > size { size = a }
        END { exit !(NR > 1 && most <= 1e-12 * (1 + size)) }' ||
        fail "$1 and $2 differ: $(paste one.txt two.txt)"
}
# at_free PROGRAM DATA AT OUT: the density of the free numbers
at_free() { "./$1" log-prob --data "$2" --at "$3" --unconstrained --json >"$4"; }
# unconstrained FILE: that field, as a file of free numbers
unconstrained() { tr -d ' \n' <"$1" | sed 's/.*"unconstrained":\(\[[^]]*\]\).*/\1/'; }
# points N SEED: N free numbers between -1 and 1
points() {
    awk -v n="$1" -v s="$2" 'BEGIN { srand(s); printf "["
        for (i = 0; i < n; i++) printf "%s%.3f", i ? ", " : "", 2 * rand() - 1
        print "]" }'
}
