# own_files.sh - a user's own distribution and layer, in the user's file, are the equals of shipped
# ones: they train, and their gradients are right.
. "$DGM_ROOT/tests/systems/lib.sh"
cat >own.dgm <<'SPEC'
/// Gumbel distribution.
distribution gumbel(mu : real, beta : positive) on real {
  let z(x) = (x - mu) / beta
  logpdf(x) = -(z(x) + exp(-z(x))) - log(beta)
  sample { u : unit ~ uniform(0, 1); mu - beta * log(-log(u)) }
  mean = mu + beta * euler_gamma
}
/// A dense layer that adds its input.
layer residual_dense()(x : real[I]) {
  param W : real[I, I] init normal(0, 0.01)
  x + tanh(x @ W)
}
model own {
  data x[N] : real[P]
  data y[N] : real
  latent m : real ~ normal(0, 10)
  latent s : positive ~ exponential(1)
  net f(a) = a |> residual_dense() |> dense(1)
  for n in N { y[n] ~ gumbel(m + f(x[n])[0], s) }
}
SPEC
sed 's/y\[n\] ~ gumbel(m + f(x\[n\])\[0\], s)/x[n] ~ gumbel(m, s)/; /net f/d; /data y/d' own.dgm >gumbel.dgm
quick_dgmc own.dgm --only=step --precision f64 -D P=3
./own check-grad --tol 1e-6
quick_dgmc gumbel.dgm -D P=4
./gumbel train --data x="$DGM_ROOT/examples/data/iris.csv" --steps 2000 --lr 0.02 --optimizer adam --quiet --out run
./gumbel eval run --data x="$DGM_ROOT/examples/data/iris.csv" --samples 200 --json >eval.json
holds "$(json eval.json log_likelihood) >= $(json eval.json elbo) - 1e-3"
