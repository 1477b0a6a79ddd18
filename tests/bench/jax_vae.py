"""The yardstick in JAX: the same VAE, a jitted lax.scan over the steps of a window with donated state.

    jax_vae.py [--windows 20]      steps per second of each batch size that standard input names;
                                   threads: by taskset, as XLA takes all it is given
"""
import argparse
import sys
import time

import jax
import jax.numpy as jnp
import numpy as np

P, H, D = 784, 500, 20


def dense(key, i, o):
    a = 1 / np.sqrt(i)
    k1, k2 = jax.random.split(key)
    return jax.random.uniform(k1, (i, o), minval=-a, maxval=a), jax.random.uniform(k2, (o,), minval=-a, maxval=a)


def init(key):
    sizes = [(P, H), (H, D), (H, D), (D, H), (H, P)]
    return [dense(k, i, o) for k, (i, o) in zip(jax.random.split(key, 5), sizes)]


def loss(w, x, key):
    (e1, b1), (m, bm), (s, bs), (d1, c1), (d2, c2) = w
    h = jnp.tanh(x @ e1 + b1)
    mu, sigma = h @ m + bm, jax.nn.softplus(h @ s + bs)
    z = mu + sigma * jax.random.normal(key, mu.shape)
    logits = jnp.tanh(z @ d1 + c1) @ d2 + c2
    rec = (x * logits - jax.nn.softplus(logits)).sum()
    kl = 0.5 * (mu * mu + sigma * sigma - 1 - 2 * jnp.log(sigma)).sum()
    return (kl - rec) / len(x)


def step(state, _, x):
    w, m, v, t, key = state
    key, sub = jax.random.split(key)
    g = jax.grad(loss)(w, x, sub)
    t = t + 1
    m = jax.tree_util.tree_map(lambda a, b: 0.9 * a + 0.1 * b, m, g)
    v = jax.tree_util.tree_map(lambda a, b: 0.999 * a + 0.001 * b * b, v, g)
    c1, c2 = 1 - 0.9 ** t, 1 - 0.999 ** t
    w = jax.tree_util.tree_map(lambda p, a, b: p - 1e-3 * (a / c1) / (jnp.sqrt(b / c2) + 1e-8), w, m, v)
    return (w, m, v, t, key), None


def main():
    """Batch sizes from standard input; for each BATCH jax STEPS_PER_SECOND, the best window."""
    p = argparse.ArgumentParser()
    p.add_argument("--windows", type=int, default=20)
    a = p.parse_args()
    for batch in map(int, sys.stdin):
        steps = 2000 // batch
        x = jnp.asarray(np.random.default_rng(0).random((batch, P)) < 0.5, jnp.float32)
        w = init(jax.random.PRNGKey(0))
        zero = jax.tree_util.tree_map(jnp.zeros_like, w)
        state = (w, zero, jax.tree_util.tree_map(jnp.zeros_like, w), jnp.float32(0),
                 jax.random.PRNGKey(1))
        run = jax.jit(lambda s: jax.lax.scan(lambda c, i: step(c, i, x), s, None, length=steps)[0],
                      donate_argnums=0)
        rates = []
        for _ in range(a.windows):
            t = time.perf_counter()
            state = jax.block_until_ready(run(state))
            rates.append(steps / (time.perf_counter() - t))
        print(batch, "jax", f"{max(rates):.2f}", flush=True)


main()
