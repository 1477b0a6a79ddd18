"""NumPyro's side of svi.sh: mean-field variational inference, by the bound of ten draws and Adam.

    numpyro_side.py WORK speed f32|f64        answers lines `MODEL` of standard input: microseconds
                                              per step, all steps of a window in one jitted scan
    numpyro_side.py WORK fit MODEL OUT        10,000 steps and 1000 draws, and all again; OUT: means
                                              of the latents, seconds of the second time
    numpyro_side.py WORK reference MODEL OUT  means and standard deviations by 40,000 draws of NUTS
Data in WORK/MODEL.json.
"""
import json
import sys
import time

import jax
import jax.numpy as jnp
import numpy as np
import numpyro
import numpyro.distributions as dist
from numpyro.infer import MCMC, NUTS, SVI, Trace_ELBO
from numpyro.infer.autoguide import AutoDiagonalNormal, AutoNormal

from models import eight_schools, logistic

WINDOWS, WINDOW = 10, 0.1      # count, seconds at least
STEPS, DRAWS, RATE = 10000, 1000, 0.02


def line(d):
    a = numpyro.sample("a", dist.Normal(0, 10))
    b = numpyro.sample("b", dist.Normal(0, 10))
    s = numpyro.sample("s", dist.HalfNormal(5))
    numpyro.sample("y", dist.Normal(a + b * d["x"], s), obs=d["y"])


MODELS = {m.__name__: m for m in (logistic, eight_schools, line)}


def data(work, model):
    with open(f"{work}/{model}.json") as f:
        values = json.load(f)
    return {k: jnp.asarray(v, float) if isinstance(v, list) else v for k, v in values.items()}


def inference(model, guide):
    return SVI(model, guide(model), numpyro.optim.Adam(RATE), Trace_ELBO(num_particles=10))


def seconds(run):
    t = time.perf_counter()
    jax.block_until_ready(run())
    return time.perf_counter() - t


class Side:
    """Steps of one model with one guide, as many in a scan as take a window."""

    def __init__(self, model, guide, d):
        svi = inference(model, guide)
        self.start = svi.init(jax.random.PRNGKey(0), d)
        self.many = jax.jit(lambda state, n: jax.lax.scan(
            lambda s, _: svi.update(s, d), state, None, length=n), static_argnums=1)
        self.seconds(256)                      # compiles
        self.n = 1 + int(256 * WINDOW / self.seconds(256))
        self.seconds(self.n)

    def seconds(self, n):
        return seconds(lambda: self.many(self.start, n))

    def microseconds(self):
        return 1e6 * min(self.seconds(self.n) for _ in range(WINDOWS)) / self.n


def speed(work):
    """The faster of the two guides that are mean field."""
    sides = {name: [Side(model, guide, data(work, name))
                    for guide in (AutoNormal, AutoDiagonalNormal)]
             for name, model in MODELS.items()}
    for request in sys.stdin:
        print(min(side.microseconds() for side in sides[request.strip()]), flush=True)


def save(out, result):
    with open(out, "w") as f:
        json.dump(result, f)


def fit(work, name, out):
    d = data(work, name)
    svi = inference(MODELS[name], AutoNormal)
    run = jax.jit(lambda key: svi.run(key, STEPS, d, progress_bar=False).params)

    def posterior(seed):
        key, draw = jax.random.split(jax.random.PRNGKey(seed))
        draws = svi.guide.sample_posterior(draw, run(key), sample_shape=(DRAWS,))
        return {k: np.mean(v, axis=0).tolist() for k, v in draws.items()}

    means = posterior(0)
    t = time.perf_counter()
    posterior(1)
    save(out, {"mean": means, "again": time.perf_counter() - t})


def reference(work, name, out):
    mcmc = MCMC(NUTS(MODELS[name], target_accept_prob=0.95), num_warmup=2000, num_samples=40000,
                progress_bar=False)
    mcmc.run(jax.random.PRNGKey(1), data(work, name))
    draws = mcmc.get_samples()
    save(out, {"mean": {k: np.mean(v, axis=0).tolist() for k, v in draws.items()},
               "sd": {k: np.std(v, axis=0).tolist() for k, v in draws.items()}})


work, what, *rest = sys.argv[1:]
if what == "reference" or rest[-1] == "f64":
    numpyro.enable_x64()
if what == "speed":
    speed(work)
else:
    {"fit": fit, "reference": reference}[what](work, *rest)
