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
quick_dgmc branches.dgm --only=step,log_prob --precision f64
./branches check-grad --data branches.json --tol 1e-6 || fail branches
echo '{"a": 0.5, "b": 2}' >branches.at
./branches log-prob --data branches.json --at branches.at --json >lp.json
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
quick_dgmc claims.dgm --only=step,log_prob --precision f64
./claims check-grad --data claims.json --tol 1e-6 || fail claims
echo '{"lambda": 1.5, "a": 2, "b": 1.5}' >claims.at
./claims log-prob --data claims.json --at claims.at --json >lp.json
holds "$(json lp.json a)^2 < 1e6" "the gradient through a logsumexp that is not taken is finite"
