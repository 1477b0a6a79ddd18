# estimators.sh - gradients of draws that no derivative passes through: each estimator has the mean
# of the derivative of the expected objective (|z| < 4, fixed seeds), control variates and
# Rao-Blackwellization reduce its variance, a wrong one is caught, and training by them finds the
# exact posterior, with the same bits after a resume and for any number of threads.
. "$DGM_ROOT/tests/systems/lib.sh"
sbn=$DGM_ROOT/examples/sbn/sbn.dgm

# unbiased FILE ARGUMENTS: compiles the spec and checks its estimates; the table is in FILE.json
unbiased() {
    name=$1; shift
    quick_dgmc $name.dgm -o $name --only=step --precision f64 "$@"
    ./$name check-grad --repeats 400 --json >$name.json || { cat $name.json; fail "$name"; }
}
# variance FILE PARAMETER
variance() {
    tr -d ' \n' <$1.json | sed "s/.*\"name\":\"$2\"[^}]*\"variance\":\([-+0-9.eE]*\).*/\1/"
}

# ---- every control variate, with and without Rao-Blackwellization ----------------------------------
for terms in blanket all; do for control in none average loo; do
    sed "s/by score.*/by score(control: $control, terms: $terms)/" "$sbn" >${control}_$terms.dgm
    unbiased ${control}_$terms -D P=9 -D D=4
done; done
less() { holds "$(variance $1 encoder.dense_1.W) < $3 * $(variance $2 encoder.dense_1.W)" "$1 < $2"; }
less none_blanket none_all 0.2
less average_blanket none_blanket 0.1
less loo_blanket none_blanket 0.1
less loo_blanket loo_all 0.5

# ---- the same by the command line, in the place of the file's line ----------------------------------
"$dgmc" explain none_all.dgm -D P=9 >file.txt
"$dgmc" explain loo_blanket.dgm -D P=9 --estimator "h=score(control: none, terms: all)" >line.txt
sed 's/none_all/loo_blanket/' file.txt | cmp - line.txt || fail "--estimator is another line"
expect_rc 1 "$dgmc" check none_all.dgm --estimator "h=score } model evil {"
grep -q E0965 err.txt || fail "no E0963"
expect_rc 1 "$dgmc" check none_all.dgm --estimator h=reparam
grep -q E0916 err.txt || fail "reparam of a bit"
echo "# at the parameters of a run, where the gradient has another variance"
bits="--data x=$DGM_ROOT/examples/data/optdigits.tra.csv.gz:0-8 --binarise threshold"
./loo_blanket train $bits --steps 200 --out trained --quiet
for run in "" "--run trained"; do
    ./loo_blanket check-grad $bits $run --repeats 400 --json >at.json || { cat at.json; fail "check-grad $run"; }
    echo "$(variance at encoder.dense_1.W)"
done >variances
[ "$(uniq variances | wc -l)" = 2 ] || { cat variances; fail "--run changes nothing"; }
expect_rc 4 ./loo_blanket check-grad --run nowhere

# ---- latents of all kinds, in one bound ------------------------------------------------------------
cat >kinds.dgm <<'END'
model kinds(N = 4) {
  data y[N] : real
  latent g : bit ~ bernoulli(0.3)
  latent m : real ~ normal(0, 1)
  latent s : positive ~ gamma(2, 1)
  latent a : interval(-pi, pi) ~ von_mises(0, 1)
  for n in N {
    latent c : index(3) ~ categorical([0.2, 0.3, 0.5])
    latent d : bit ~ bernoulli(0.2 + 0.5 * g)
    latent k : count ~ poisson(2)
    latent e : bit ~ bernoulli(0.5)
    y[n] ~ normal(m * c + g + d + 0.1 * k + sin(a) + e, s)
  }
}
family for kinds {
  param r, q : real
  param w : positive
  a ~ von_mises(r, w)
  for n in N { k ~ poisson(log: q) }
  others ~ meanfield
}
train kinds {
  objective elbo(samples: 3, beta: 0.5)
  g by score; c by score(control: none); d by score(control: average); m by score; e by sum
}
END
unbiased kinds
cat >layers.dgm <<'END'
model layers(D = 3, H = 4, P = 5) {
  data x[N] : bit[P]
  param W : real[D, P]
  for n in N {
    latent u : bit[H] ~ bernoulli(0.5)
    latent h : bit[D] ~ bernoulli(logits: sum(u) - 2)
    latent z : real ~ normal(0, 1)
    x[n] ~ bernoulli(logits: h @ W + z)
  }
}
family for layers {
  net e1(x) = x |> dense(D)
  net e2(h) = h |> dense(H)
  net e3(h, u) = concat(h, u) |> dense(1)
  for n in N {
    h ~ bernoulli(logits: e1(x[n]))
    u ~ bernoulli(logits: e2(h))
    z ~ normal(e3(h, u)[0], 0.5)
  }
}
train layers { objective elbo(samples: 3); u by score(control: average) }
END
unbiased layers
./layers check-grad --repeats 20 >layers.txt
for latent in h u z; do
    grep -q "^$latent  *(its family)" layers.txt || fail "no summary of $latent"
done
tr -d ' \n' <layers.json | grep -q '"name":"e2.dense_1.W","latent":"u"' || fail "latent of e2"
"$dgmc" explain layers.dgm >layers.txt
grep -q "f = x - kl_u + prior_h - kl_z: the terms that depend on h_n" layers.txt || fail "blanket"
grep -q "f = x + prior_h - kl_z: the terms that depend on u_n" layers.txt || fail "blanket of u"

# ---- a wrong one -----------------------------------------------------------------------------------
# The score is that of another law than the one drawn from.
cat >wrong.dgm <<'END'
distribution crooked(logits : real) on bit {
  logpdf(x) = 1.3 * (x * logits - softplus(logits))
  sample { if random_uniform() < logistic(logits) then 1 else 0 }
}
model wrong(D = 4, P = 9) {
  data x[N] : bit[P]
  param W : real[D, P]
  for n in N { latent h : bit[D] ~ bernoulli(0.5); x[n] ~ bernoulli(logits: h @ W) }
}
family for wrong { net encoder(x) = x |> dense(D)
  for n in N { h ~ crooked(encoder(x[n])) } }
train wrong { objective elbo(samples: 4) }
END
quick_dgmc wrong.dgm --only=step --precision f64
expect_rc 1 ./wrong check-grad --repeats 3200
grep -q "encoder.dense_1.b .*BIASED" out.txt && ! grep -q "^W .*BIASED" out.txt || fail "not caught"

# ---- the exact posterior ---------------------------------------------------------------------------
cat >coin.dgm <<'END'
model coin {
  data y : real
  latent c : bit ~ bernoulli(0.3)
  y ~ normal(2 * c, 1)
}
train coin { objective elbo(samples: 16); c by score; optimizer adam(0.05); steps 4000 }
END
echo '{"y": 1.7}' >coin.json
"$dgmc" coin.dgm --precision f64 --data coin.json
./coin train --data coin.json --schedule cosine --out coin_run --quiet
./coin eval coin_run --data coin.json --samples 100000 --json >eval.json
# log(0.3 N(1.7; 2, 1) + 0.7 N(1.7; 0, 1))
exact=$(awk 'BEGIN { print log(0.3 * exp(-0.045) + 0.7 * exp(-1.445)) - log(2 * 3.14159265358979) / 2 }')
holds "($(json eval.json elbo) - $exact)^2 < 1e-4" "the bound is tight at the exact posterior"

# ---- training: resume and threads ------------------------------------------------------------------
for control in average loo; do
    sed "s/by score.*/by score(control: $control)/" "$sbn" >train_$control.dgm
    "$dgmc" train_$control.dgm -D P=64 -o train_$control
    run() { ./train_$control train --data "x=$digits.tra.csv.gz:0-63" --binarise threshold --quiet "$@"; }
    run --steps 60 --threads 1 --out $control.whole
    run --steps 25 --threads 2 --out $control.part
    run --steps 60 --threads 3 --out $control.part --resume
    same $control.whole/last.safetensors $control.part/last.safetensors
    run --steps 60 --threads 2 --clip 0.5 --out $control.clipped
done
run --epochs 12 --out fit
./train_loo eval fit --data "x=$digits.tes.csv.gz:0-63" --samples 50 --json >eval.json
holds "$(json eval.json elbo) > -26" "elbo"
holds "$(json eval.json log_likelihood) >= $(json eval.json elbo)"
./train_loo sample fit -n 16 --png s.png --out s.npy

# ---- bounds of several draws -----------------------------------------------------------------------
cat >deep.dgm <<'END'
model deep(D = 2, H = 3, P = 6) {
  data x[N] : bit[P]
  net decoder(z) = z |> dense(H) |> tanh |> dense(P)
  for n in N {
    latent z1 : real[D] ~ normal(0, 1)
    latent z : real[D] ~ normal(z1, 1)
    x[n] ~ bernoulli(logits: decoder(z))
  }
}
family for deep {
  net encoder(x) = x |> dense(H) |> tanh |> { mu: dense(D), sigma: dense(D) |> softplus }
  net above(x) = x |> { mu: dense(D), sigma: dense(D) |> softplus }
  for n in N {
    let q = encoder(x[n])
    z1 ~ normal(q.mu, q.sigma)
    let r = above(z1)
    z ~ normal(r.mu, r.sigma)
  }
}
END
objective() { { cat deep.dgm; echo "train deep { objective $2 }"; } >$1.dgm; }
objective iwae "iwae(6)"
objective iwae_total "iwae(6, gradient: total)"
objective renyi "renyi(0.5, samples: 4)"
objective path "elbo(samples: 2, gradient: path)"
objective iwae_score "iwae(4); z1 by score"
objective renyi_average "renyi(0.5, samples: 3); z by score(control: average)"
for name in iwae iwae_total renyi path iwae_score renyi_average; do unbiased $name; done
./iwae_total check-grad --tol 1e-6 >exact.txt && grep -q "is right" exact.txt || fail "slope of the bound itself"
# Global latents: one weight for the whole data, and no minibatch.
cat >line.dgm <<'END'
model line {
  data x[N], y[N] : real
  latent a, b : real ~ normal(0, 10)
  latent s : positive ~ lognormal(0, 1)
  for n in N { y[n] ~ normal(a + b * x[n], s) }
}
family for line { (a, b) ~ fullrank; s ~ meanfield }
train line { objective iwae(8) }
END
unbiased line

# x = z + noise: log p(x) is known, a bound of more draws is tighter, and at the posterior the path
# derivative, and the doubly reparameterized one, have no noise while that of sampled terms has.
echo '{"x": 1.3}' >known.json
for o in "elbo(samples: 8)" "iwae(8)" "iwae(8, gradient: total)" "renyi(0, samples: 8)" "elbo(samples: 8, gradient: path)"; do
    name=known_$(echo "$o" | tr -c 'a-z0-9\n' '_')
    cat >$name.dgm <<END
model known {
  data x : real
  latent z : real ~ normal(0, 1)
  x ~ normal(z, 1)
}
train known { objective $o; optimizer adam(0.03); steps 3000 }
END
    "$dgmc" $name.dgm --precision f64 -o $name
    ./$name train --data known.json --schedule cosine --out $name.run --quiet
    ./$name train --data known.json --steps 1 --out $name.first --quiet
done
last() { tail -1 $1.run/metrics.jsonl | sed "s/.*\"$2\":\([-+0-9.eE]*\).*/\1/"; }
norm() { grep grad_norm $1.run/metrics.jsonl | tail -1 | sed 's/.*"grad_norm":\([-+0-9.eE]*\).*/\1/'; }
first() { head -1 $1.first/metrics.jsonl | sed "s/.*\"objective\":\([-+0-9.eE]*\).*/\1/"; }
exact=$(awk 'BEGIN { print -1.3 ^ 2 / 4 - log(4 * 3.14159265358979) / 2 }')
for name in known_iwae_8_ known_elbo_samples__8__gradient__path_; do
    holds "($(last $name objective) - $exact)^2 < 1e-3" "$name is tight"
done
holds "$(first known_iwae_8_) == $(first known_renyi_0__samples__8_)" "renyi(0) is iwae"
holds "$(first known_iwae_8_) > $(first known_elbo_samples__8__gradient__path_)" "more draws, tighter"
holds "$(norm known_elbo_samples__8__gradient__path_) < 0.01"
holds "$(norm known_elbo_samples__8_) > 0.05"
holds "$(norm known_iwae_8_) < 0.01"
holds "$(norm known_iwae_8__gradient__total_) > 0.05"
