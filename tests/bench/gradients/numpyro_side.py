"""The models of gradients.sh in NumPyro; answers lines `MODEL check|call|loop` of standard input.

    numpyro_side.py WORK       data in WORK/MODEL.json
check: log p(b) - log p(a), then the gradient at b, by the free numbers in dgmc's order.
call, loop: evaluations per second, the best of some windows: a jitted call from Python for each, or
all in one jitted loop. Each point is the first one moved a little by the gradient of the last.
"""
import json
import sys
import time

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as dist
from numpyro.distributions import constraints
from numpyro.infer.util import initialize_model

from models import eight_schools, logistic

WINDOWS, WINDOW = 10, 0.05     # count, seconds at least


def flat(name, support, *shape):
    return numpyro.sample(name, dist.ImproperUniform(support, shape[:-1], shape[-1:]))


def logistic_loop(d):
    logistic(d)


def hmm(d):
    """The forward algorithm in probabilities, scaled: faster here than in logarithms or unrolled.

    The simplexes have the free numbers of dgmc's, so that gradients can be compared.
    """
    k, y = d["K"], d["y"]
    pi1_free = flat("pi1_free", constraints.real_vector, k - 1)
    a_free = flat("A_free", constraints.real_vector, k, k - 1)
    mu = flat("mu", constraints.ordered_vector, k)
    sigma = numpyro.sample("sigma", dist.ImproperUniform(constraints.positive, (k,), ()))
    log_pi = jax.nn.log_softmax(jnp.append(pi1_free, 0))
    log_a = jax.nn.log_softmax(jnp.concatenate([a_free, jnp.zeros((k, 1))], axis=1), axis=1)
    numpyro.factor("jacobian", log_pi.sum() + log_a.sum())
    each = dist.Normal(mu, sigma).log_prob(y[:, None])
    numpyro.factor("first", each[0].sum())
    top = each[1:].max(axis=1, keepdims=True)

    def step(state, weight):
        state, scale = state
        state = (state @ a) * weight
        total = state.sum()
        return (state / total, scale + jnp.log(total)), None

    a = jnp.exp(log_a)
    (_, scale), _ = jax.lax.scan(step, (jnp.exp(log_pi), 0.0), jnp.exp(each[1:] - top))
    numpyro.factor("y", scale + top.sum())


def radon(d):
    mu = numpyro.sample("mu_alpha", dist.Normal(0, 10))
    sigma_alpha = numpyro.sample("sigma_alpha", dist.HalfNormal(1))
    sigma_y = numpyro.sample("sigma_y", dist.HalfNormal(1))
    alpha = numpyro.sample("alpha", dist.Normal(mu, sigma_alpha).expand([d["J"]]).to_event(1))
    beta = numpyro.sample("beta", dist.Normal(0, 10))
    mean = alpha[d["county_idx"] - 1] + beta * d["floor_measure"]
    numpyro.sample("log_radon", dist.Normal(mean, sigma_y), obs=d["log_radon"])


# Names of the free numbers in dgmc's order
MODELS = {
    logistic: ["b", "w"],
    logistic_loop: ["b", "w"],
    eight_schools: ["mu", "tau", "theta_trans"],
    hmm: ["pi1_free", "A_free", "mu", "sigma"],
    radon: ["mu_alpha", "sigma_alpha", "sigma_y", "alpha", "beta"],
}


def density(model, names, data):
    """log density of a vector of free numbers with its gradient; how many"""
    info = initialize_model(jax.random.PRNGKey(0), model, model_args=(data,))
    shapes = [np.shape(info.param_info.z[name]) for name in names]
    ends = np.cumsum([int(np.prod(s)) for s in shapes])

    def log_density(u):
        parts = jnp.split(u, ends[:-1])
        return -info.potential_fn({n: p.reshape(s) for n, p, s in zip(names, parts, shapes)})

    return jax.value_and_grad(log_density), int(ends[-1])


class Side:
    def __init__(self, model, names, work):
        with open(f"{work}/{model.__name__}.json") as f:
            data = json.load(f)
        data = {k: jnp.asarray(v) if isinstance(v, list) else v for k, v in data.items()}
        self.f, n = density(model, names, data)
        i = jnp.arange(1.0, n + 1)
        self.a, self.b = 0.1 * jnp.sin(i), 0.2 * jnp.cos(i)

        def move(start, u):
            value, gradient = self.f(u)
            return start + 1e-9 * gradient, value

        def step(start, k, state):
            u, value = move(start, state[0])
            return u, state[1] + value

        self.one = jax.jit(move)
        self.many = jax.jit(lambda n, start: jax.lax.fori_loop(
            0, n, lambda k, state: step(start, k, state), (start, 0.0)))

    def check(self):
        value, gradient = self.f(self.b)
        return [value - self.f(self.a)[0], *gradient]

    def call(self, n):
        u = self.b
        for _ in range(n):
            u, value = self.one(self.b, u)
        return u, value

    def loop(self, n):
        return self.many(n, self.b)

    def speed(self, run):
        def seconds(n):
            t = time.perf_counter()
            jax.block_until_ready(run(n))
            return time.perf_counter() - t

        n = 1
        seconds(n)             # compiles
        while seconds(n) < WINDOW:
            n *= 2
        return [round(n / min(seconds(n) for _ in range(WINDOWS)))]


def main():
    numpyro.enable_x64()
    sides = {m.__name__: Side(m, names, sys.argv[1]) for m, names in MODELS.items()}
    for line in sys.stdin:
        name, what = line.split()
        side = sides[name]
        answer = side.check() if what == "check" else side.speed(getattr(side, what))
        print(*(f"{x:.17g}" for x in map(float, answer)), flush=True)


main()
