// examples/logistic/logistic.dgm with a statement for each datum, as models are mostly written.
data {
  int N;
  int P;
  row_vector[P] X[N];
  int<lower=0, upper=1> y[N];
}
parameters {
  real b;
  vector[P] w;
}
model {
  b ~ normal(0, 5);
  w ~ normal(0, 2.5);
  for (n in 1:N) y[n] ~ bernoulli_logit(X[n] * w + b);
}
