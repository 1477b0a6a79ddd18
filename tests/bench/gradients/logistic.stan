// examples/logistic/logistic.dgm in Stan's form for generalised linear models.
data {
  int N;
  int P;
  matrix[N, P] X;
  int<lower=0, upper=1> y[N];
}
parameters {
  real b;
  vector[P] w;
}
model {
  b ~ normal(0, 5);
  w ~ normal(0, 2.5);
  y ~ bernoulli_logit_glm(X, b, w);
}
