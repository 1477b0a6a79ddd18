// examples/posteriordb/radon_variable_intercept_centered.dgm; the likelihood has Stan's form for
// generalised linear models, which is faster than `normal` here.
data {
  int N;
  int J;
  int<lower=1, upper=J> county_idx[N];
  vector[N] floor_measure;
  vector[N] log_radon;
}
transformed data {
  matrix[N, 1] x;
  x[, 1] = floor_measure;
}
parameters {
  real mu_alpha;
  real<lower=0> sigma_alpha;
  real<lower=0> sigma_y;
  vector[J] alpha;
  vector[1] beta;
}
model {
  mu_alpha ~ normal(0, 10);
  sigma_alpha ~ normal(0, 1);
  sigma_y ~ normal(0, 1);
  alpha ~ normal(mu_alpha, sigma_alpha);
  beta ~ normal(0, 10);
  log_radon ~ normal_id_glm(x, alpha[county_idx], beta, sigma_y);
}
