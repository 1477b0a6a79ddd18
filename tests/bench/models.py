"""Models in NumPyro that several benchmarks fit: densities of data d, the values of MODEL.json."""
import numpyro
import numpyro.distributions as dist


def logistic(d):
    b = numpyro.sample("b", dist.Normal(0, 5))
    w = numpyro.sample("w", dist.Normal(0, 2.5).expand([d["P"]]).to_event(1))
    numpyro.sample("y", dist.Bernoulli(logits=d["X"] @ w + b), obs=d["y"])


def eight_schools(d):
    mu = numpyro.sample("mu", dist.Normal(0, 5))
    tau = numpyro.sample("tau", dist.HalfCauchy(5))
    theta = numpyro.sample("theta_trans", dist.Normal(0, 1).expand([d["J"]]).to_event(1))
    numpyro.sample("y", dist.Normal(mu + tau * theta, d["sigma"]), obs=d["y"])
