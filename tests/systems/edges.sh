# edges.sh - log densities where the obvious formula fails: in the tails of cut laws, at cut-off counts,
# outside of a support whose ends are latent, at states that make a parameter 0. Values by SciPy 1.17.1
# (logpdf, logsf, logcdf, logsumexp), gradients by central differences of the compiled density.
. "$DGM_ROOT/tests/systems/lib.sh"

# at NAME DATA VALUES EXPECTED < model: the log joint, to 1e-10 of it
at() {
    cat >"$1.dgm"
    echo "$2" >"$1.json"
    echo "$3" >"$1.at"
    quick_dgmc "$1.dgm" --only=log_prob --data "$1.json" -o "./$1" || fail "$1 does not compile"
    "./$1" log-prob --data "$1.json" --at "$1.at" --json >"$1.out" || fail "log-prob of $1"
    value=$(log_prob "$1.out")
    awk -v a="$value" -v b="$4" 'BEGIN { if (b ~ /null/) exit a !~ /null/
        d = a - b; if (d < 0) d = -d; if (b < 0) b = -b; exit !(a !~ /n/ && d <= 1e-10 * (b + 1)) }' ||
        fail "$1: $value, not $4"
}

log_prob() {
    sed 's/.*"log_prob": *\([^,}]*\).*/\1/; t; d' "$1" | head -n 1
}

# slope NAME LATENT: the gradient by a number, against differences at 1e-5 about its value
slope() {
    x=$(sed 's/.*"'"$2"'": *\([-0-9.e]*\).*/\1/' "$1.at")
    for side in - +; do
        awk -v x="$x" -v s="$side" -v n="$2" 'BEGIN { printf "{\"%s\": %.17g}\n", n, x + (s "1e-5") }' >"$1$side.at"
        "./$1" log-prob --data "$1.json" --at "$1$side.at" --json >"$1$side.out"
    done
    g=$(tr -d ' \n' <"$1.out" | sed 's/.*"gradient":{"'"$2"'":\([^,}]*\).*/\1/')
    awk -v g="$g" -v a="$(log_prob "$1-.out")" -v b="$(log_prob "$1+.out")" 'BEGIN {
        d = (b - a) / 2e-5; s = d < 0 ? -d : d; e = g - d; if (e < 0) e = -e
        exit !(g !~ /n/ && e <= 1e-6 * (s + 1)) }' || fail "$1: gradient $g"
}

# -- tails of cut laws ------------------------------------------------------------------------------
cut() {                                # NAME TYPE DATA VALUES EXPECTED LATENT LAW
    at "$1" "$3" "$4" "$5" <<END
model cut {
  data y[N] : $2
  latent m : $6
  for n in N { y[n] ~ $7 }
}
END
    case $5 in null) ;; *) slope "$1" m ;; esac
}
at half '{"y": [0.1], "c": -1}' '{"s": 0.5}' -58.13085964234287 <<'END'
model half {
  data y[N] : real
  data c : real
  latent s : positive ~ normal(c, 0.1)
  for n in N { y[n] ~ normal(0, s) }
}
END
slope half s
two='{"y": [1, 1.5]}'
cut below real '{"y": [1.2, 1]}' '{"m": 0.2}' -1782.025293980652 'real ~ flat' \
    'normal(m, 0.01) |> truncate(lower: 1)'
cut censored real '{"y": [0.2, 1]}' '{"m": 0.2}' -3201.614889704107 'real ~ flat' \
    'normal(m, 0.01) |> censor(upper: 1)'
cut waiting positive '{"y": [3, 5]}' '{"m": 200}' -1594.701682633452 'positive ~ flat' \
    'exponential(m) |> censor(upper: 5)'
cut above real "$two" '{"m": 9}' -7.194261892419419 'real ~ flat' \
    'normal(m, 1) |> truncate(lower: 0, upper: 2)'
cut far real "$two" '{"m": -40}' -94.24599303890159 'real ~ flat' \
    'normal(m, 1) |> truncate(lower: 0, upper: 2)'

# -- counts: both ends are within -------------------------------------------------------------------
cut positive_counts count '{"y": [1, 1]}' '{"m": 1}' -1.0826497092258365 'positive ~ flat' \
    'poisson(m) |> truncate(lower: 1)'
cut some count '{"y": [1, 4]}' '{"m": 0.3}' -3.327010267408752 'unit ~ flat' \
    'binomial(10, m) |> truncate(lower: 1, upper: 4)'
cut many count '{"y": [1, 3]}' '{"m": 1.5}' -2.7492151298491776 'positive ~ flat' \
    'poisson(m) |> censor(upper: 3)'
cut outside_counts count '{"y": [1, 0]}' '{"m": 1}' null 'positive ~ flat' \
    'poisson(m) |> truncate(lower: 1)'

# -- data outside of a support that depends on a latent -----------------------------------------------
cut within positive "$two" '{"m": 2}' -1.3862943611198906 'positive ~ flat' 'uniform(0, m)'
cut outside positive "$two" '{"m": 1.2}' null 'positive ~ flat' 'uniform(0, m)'
cut under positive "$two" '{"m": 1.2}' null 'positive ~ flat' 'pareto(m, 2)'
cut off real '{"y": [1, -3]}' '{"m": 1.2}' null 'real ~ flat' 'normal(m, 1) |> truncate(lower: 0, upper: 2)'

# -- states that put a parameter on the edge of its domain ----------------------------------------------
states() {                             # NAME DATA EXPECTED TYPE STATES LAW
    at "$1" "$2" '{"p": 0.3}' "$3" <<END
model states {
  data y[N] : $4
  latent p : unit ~ flat
  for i in N { latent n : count($5) ~ binomial($5, 0.5); y[i] ~ $6 }
}
END
    slope "$1" p
}
states detect '{"y": [0, 1]}' -1.606972204791198 bit 2 'bernoulli(1 - (1 - p)^n)'
states rate '{"y": [0, 1]}' -1.7924673766748627 count 3 'poisson(n * p)'
states mean '{"y": [0, 1]}' -1.9163347777630897 count 3 'neg_binomial(mean: n * p, shape: 2)'

# -- distribution functions at the ends of a support and beyond ----------------------------------------
at ends '{"x": [-1, 0, 0.5, 3], "entry": [0, 1], "t": [2.6, 2.6]}' '{"a": 0.7}' -1.7807706557955774 <<'END'
model ends(k = 1.3) {
  data x[N] : real
  data entry[M] : nonnegative
  data t[M] : positive
  latent a : positive ~ flat
  for n in N {
    factor cdf(weibull(k, a), x[n]) + cdf(exponential(a), x[n]) + cdf(uniform(0, 2 * a), x[n])
    factor cdf(pareto(a, k), x[n]) + cdf(lognormal(a, k), x[n])
  }
  for m in M { t[m] ~ weibull(k, a) |> truncate(lower: entry[m]) }
}
END
slope ends a

# -- cut laws whose distribution function is an incomplete beta function, by its parameters ---------------
at hurdle '{"y": [1, 4, 2]}' '{"r": 0.8}' -4.824851256802388 <<'END'
model hurdle {
  data y[N] : count
  latent r : positive ~ flat
  for n in N { y[n] ~ neg_binomial(mean: 1.4, shape: r) |> truncate(lower: 1) }
}
END
slope hurdle r
at limits '{"y": [0, 1.7, 0.4]}' '{"nu": 3.5}' -4.058138668533383 <<'END'
model limits {
  data y[N] : real
  latent nu : positive ~ flat
  for n in N { y[n] ~ student_t(nu, 0.2, 1.3) |> censor(lower: 0) }
}
END
slope limits nu

# -- probabilities of a link function, where they are 0 or 1 in double precision ---------------------------
while read -r name m expected law; do
    cut "$name" 'bit' '{"y": [0, 1]}' "{\"m\": $m}" "$expected" 'real ~ flat' "$law"
done <<END
probit 12 -75.41067300156881 bernoulli(normal_cdf(m))
probit_low -40 -804.6084420137539 bernoulli(normal_cdf(m))
probit_other -12 -75.41067300156881 bernoulli(1 - normal_cdf(m))
probit_trials 12 -75.41067300156881 binomial(1, normal_cdf(m))
log_log -40 -40 bernoulli(1 - exp(-exp(m)))
log_log_high 4 -54.598150033144236 bernoulli(1 - exp(-exp(m)))
log_log_other 40 -40 bernoulli(exp(-exp(-m)))
logit_other 40 -40 bernoulli(1 - logistic(m))
END

# -- laws of the user's own that read other laws' densities ----------------------------------------------
at own_laws '{"y": [0, 2], "x": [0, 0.3]}' '{"a": 0.3, "m": 1.5}' -7.000021221831499 <<'END'
distribution hurdle(a : unit, m : positive) on count {
  logpdf(y) = if y == 0 then log(a) else log1p(-a) + logpdf(poisson(m), y) - log(1 - exp(-m))
}
distribution inflated(a : unit, p : positive, q : positive) on interval(0, 1) {
  cdf(x) = cdf(beta(p, q), x)
  logpdf(x) = {
    let inside = x > 0 and x < 1
    if inside then log1p(-a) + logpdf(beta(p, q), if inside then x else 0.5) else log(a / 2)
  }
}
distribution bump(a : real) on unit {
  logpdf(z) = logpdf(uniform(0, 1), z) + logpdf(normal(a, 1), z)
}
model own_laws {
  data y[N] : count
  data x[N] : interval(0, 1)
  latent a : unit ~ bump(0.3) |> unnormalised
  latent m : positive ~ exponential(1)
  for n in N { y[n] ~ hurdle(a, m); x[n] ~ inflated(a, m, 2) }
}
END
