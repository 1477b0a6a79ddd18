# estimators_exact.sh - gradients by the score against enumeration: a second spec states the expected
# objective as a sum over all joint states of all draws, and its gradient is exact.
. "$DGM_ROOT/tests/systems/lib.sh"

# Two latents, the second drawn from the first, and three parameters of the family.
functions='
  let lp0(a) = a * log(0.3) + (1 - a) * log(0.7)
  let lp1(a, b) = b * log(0.2 + 0.5 * a) + (1 - b) * log(0.8 - 0.5 * a)
  let lq(l, a) = a * l - softplus(l)
  let joint(a, b) = lp0(a) + lp1(a, b) + logpdf(normal(2 * a - b, 0.8), x)
  let family(a, b) = lq(u, a) + lq(v + w * a, b)
  let weight(a, b) = joint(a, b) - family(a, b)
  let q(a, b) = exp(family(a, b))'
# spec NAME OBJECTIVE [ESTIMATORS]
spec() {
    cat >$1.dgm <<END
model two {
  data x : real
  latent a : bit ~ bernoulli(0.3)
  latent b : bit ~ bernoulli(0.2 + 0.5 * a)
  x ~ normal(2 * a - b, 0.8)
}
family for two {
  param u, v, w : real
  a ~ bernoulli(logits: u)
  b ~ bernoulli(logits: v + w * a)
}
train two { objective $2${3:+; $3} }
END
    quick_dgmc $1.dgm --only=step --precision f64
    ./$1 check-grad --data x.json --repeats 4000 --seed 3 --json >$1.json || fail "$1: biased"
}
# sum NAME EXPECTATION: the exact one
sum() {
    printf 'model sum {\n  data x : real\n  param u, v, w : real%s\n  factor %s\n}\n' "$functions" "$2" >$1.dgm
    quick_dgmc $1.dgm --only=step --precision f64
    ./$1 check-grad --data x.json --seed 3 --json >$1.json || fail "$1"
}
field() { tr -d ' \n' <$1.json | sed "s/.*\"name\":\"$2\"\([^}]*\)}.*/\1/; s/.*\"$3\":\([-+0-9.eE]*\).*/\1/"; }
compare() {
    for parameter in u v w; do
        holds "($(field $1 $parameter gradient) - $(field $2 $parameter gradient))^2 \
            < 16 * $(field $1 $parameter variance) / 4000" "$1, $parameter"
    done
}
echo '{"x": 1.1}' >x.json
sum elbo 'sum[a in 2, b in 2](q(a, b) * weight(a, b))'
pairs='a in 2, b in 2, c in 2, d in 2'
sum iwae "sum[$pairs](q(a, b) * q(c, d) * log(0.5 * (exp(weight(a, b)) + exp(weight(c, d)))))"
power() { echo "exp($1 * weight(a, b)) + exp($1 * weight(c, d))"; }
sum renyi "sum[$pairs](q(a, b) * q(c, d) * 2 * log(0.5 * ($(power 0.5))))"

for control in none average loo; do
    for terms in blanket all; do
        spec elbo_${control}_$terms "elbo(samples: 2)" \
            "a by score(control: $control, terms: $terms); b by score(control: $control)"
        compare elbo_${control}_$terms elbo
    done
    spec iwae_$control "iwae(2)" "a by score(control: $control); b by score(control: $control)"
    compare iwae_$control iwae
    spec renyi_$control "renyi(0.5, samples: 2)" "a by score(control: $control)"
    compare renyi_$control renyi
done

# The comparison tells one objective from another.
if (compare elbo_loo_blanket iwae) 2>/dev/null; then fail "it passes whatever comes"; fi
