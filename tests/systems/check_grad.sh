# check_grad.sh - for every example, the emitted gradient against central differences of the emitted
# objective, in double precision, at perturbed parameters: relative 1e-6.
. "$DGM_ROOT/tests/systems/lib.sh"
data=$DGM_ROOT/examples/data
n=0
check() {
    name=$1; shift
    quick_dgmc "$DGM_ROOT/examples/$name/$name.dgm" --only=step --precision f64 "$@"
    ./$name check-grad --tol 1e-6 || fail "$name"
    n=$((n + 1))
}
check vae -D P=64 -D H=20 -D D=5
check linear_vae -D D=4
check regression --data X=$data/iris.csv:0-2
check sbn -D P=9 -D D=4
check logistic --data X=$data/iris_pair.csv:0-3
own=$(for f in "$DGM_ROOT"/examples/*/*.dgm; do
    [ "$(basename "$f" .dgm)" = "$(basename "$(dirname "$f")")" ] && echo "$f"; done | grep -vc /clinic/)
[ $n -eq "$own" ] || fail "an example is not checked here"          # posteriordb: posteriordb.sh; clinic
                                                                    # has discrete latents alone: joint.sh

# slopes NAME AT: the gradient of NAME.dgm on NAME.json is right; lp.json has that at the values AT
slopes() {
    quick_dgmc "$1.dgm" --only=step,log_prob --precision f64
    "./$1" check-grad --data "$1.json" --tol 1e-6 || fail "$1"
    echo "$2" >"$1.at"
    "./$1" log-prob --data "$1.json" --at "$1.at" --json >lp.json
}

# The derivative of a branch that is not taken may be infinite: at p = 1, at p = 0, of a root of 0.
cat >branches.dgm <<'END'
model branches {
  data y[N] : bit
  data s[N] : count
  latent a : unit ~ flat
  latent b : positive ~ lognormal(0, 1)
  for n in N {
    y[n] ~ bernoulli(a^s[n])
    let p = a * s[n]
    let root = sqrt(b * s[n])
    factor if p > 0 then log(p) else 0
    factor if root > 0 then root * log(root) - root else 0
    factor if s[n] > 0 then (if y[n] == 1 then log(b * s[n]) else log1p(-a^s[n])) else log1p(p)
  }
}
END
echo '{"y": [1, 1, 0, 0, 1], "s": [0, 1, 1, 3, 0]}' >branches.json
slopes branches '{"a": 0.5, "b": 2}'
holds "$(json lp.json a)^2 < 1e6 && $(json lp.json b)^2 < 1e6" "the gradient is finite"

# So may that of a logsumexp there: claims of a compound Poisson-gamma law, of which some are 0.
cat >claims.dgm <<'END'
model claims {
  data y[N] : nonnegative
  latent lambda, a, b : positive ~ exponential(1)
  for n in N {
    factor if y[n] > 0
      then logsumexp[k in 1 .. 9](logpdf(poisson(lambda), k) + logpdf(gamma(k * a, b), y[n]))
      else -lambda
  }
}
END
echo '{"y": [1, 0, 2.5, 0]}' >claims.json
slopes claims '{"lambda": 1.5, "a": 2, "b": 1.5}'
holds "$(json lp.json a)^2 < 1e6" "the gradient through a logsumexp that is not taken is finite"

# So may that of what a sequence is given at a step, which is kept beside what the other steps are given,
# and that of a product, of which each factor is kept so.
cat >doses.dgm <<'END'
model doses(T = 4) {
  data y[T], x[T] : nonnegative
  latent b, c : positive ~ exponential(1)
  latent a[3] : positive ~ exponential(1)
  scan t in T {
    let m = if x[t] > 0 then c * previous(m, 1) + b * log(x[t]) else c * previous(m, 1)
    let r = max(0, if x[t] > 0 then previous(r, 1) * (1 + log(x[t]) * b)^2 else previous(r, 1) + c)
    factor -sq(y[t] - m) - abs(y[t] - r)
    factor if x[t] > 0 then log(prod[k in 3](exp(a[k] / x[t]))) else -b
  }
}
END
echo '{"y": [1, 0, 2, 1], "x": [1, 0, 2, 3]}' >doses.json
slopes doses '{"a": [1.2, 2, 0.7], "b": 0.3, "c": 0.5}'
holds "$(json lp.json b)^2 < 1e6 && $(json lp.json c)^2 < 1e6" "the gradient through a sequence is finite"
grep -q null lp.json && fail "the gradient through a product is finite"
:
