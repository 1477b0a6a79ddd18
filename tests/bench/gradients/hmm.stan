// examples/posteriordb/hmm_gaussian.dgm. The simplexes have the free numbers of dgmc's, a softmax,
// so that gradients can be compared: as fast as Stan's own stick-breaking. Stan 2.21 has no
// hmm_marginal; the forward algorithm in scaled probabilities is slower here.
data {
  int K;
  int T;
  vector[T] y;
}
parameters {
  vector[K - 1] pi1_free;
  vector[K - 1] A_free[K];
  ordered[K] mu;
  vector<lower=0>[K] sigma;
}
model {
  vector[K] log_pi = log_softmax(append_row(pi1_free, 0));
  vector[K] to[K];                     // to[j, i]: log of the probability to go from i to j
  vector[K] state = log_pi;
  vector[K] next;
  for (i in 1:K) {
    vector[K] leave = log_softmax(append_row(A_free[i], 0));
    target += sum(leave);
    for (j in 1:K) to[j, i] = leave[j];
  }
  target += sum(log_pi);
  target += normal_lpdf(y[1] | mu, sigma);
  for (t in 2:T) {
    for (j in 1:K) next[j] = log_sum_exp(state + to[j]) + normal_lpdf(y[t] | mu[j], sigma[j]);
    state = next;
  }
  target += log_sum_exp(state);
}
