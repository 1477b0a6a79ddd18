"""Writes scipy_facts.def: log densities by SciPy, as facts that the tests need no Python for.

    python3 scipy_facts.py > scipy_facts.def
"""
import numpy as np
import scipy
from scipy import stats

ROWS = []


def add(law, x, value):
    ROWS.append((law, x, float(value)))


for mu, s in ((0.7, 1.6), (-3, 0.2)):
    for x in (-2.5, 0.0, 1.3):
        add(f"normal({mu}, {s})", x, stats.norm.logpdf(x, mu, s))
        add(f"normal({mu}, prec: {1 / s**2!r})", x, stats.norm.logpdf(x, mu, s))
        add(f"laplace({mu}, {s})", x, stats.laplace.logpdf(x, mu, s))
        add(f"cauchy({mu}, {s})", x, stats.cauchy.logpdf(x, mu, s))
        add(f"student_t(4.5, {mu}, {s})", x, stats.t.logpdf(x, 4.5, mu, s))
    for x in (0.01, 1.0, 7.5):
        add(f"lognormal({mu}, {s})", x, stats.lognorm.logpdf(x, s, scale=np.exp(mu)))
for a, b in ((0.6, 1.7), (12.0, 0.3)):
    for x in (0.02, 1.0, 9.0):
        add(f"weibull({a}, {b})", x, stats.weibull_min.logpdf(x, a, scale=b))
        add(f"inv_gamma({a}, {b})", x, stats.invgamma.logpdf(x, a, scale=b))
        add(f"gompertz({a}, {b})", x, stats.gompertz.logpdf(x, a, scale=1 / b))
        add(f"rayleigh({b})", x, stats.rayleigh.logpdf(x, scale=b))
        add(f"chi_squared({a})", x, stats.chi2.logpdf(x, a))
        add(f"gamma({a}, {b})", x, stats.gamma.logpdf(x, a, scale=1 / b))
        add(f"gamma({a}, scale: {b})", x, stats.gamma.logpdf(x, a, scale=b))
        add(f"exponential({b})", x, stats.expon.logpdf(x, scale=1 / b))
    for x in (0.02, 0.5, 0.97):
        add(f"beta({a}, {b})", x, stats.beta.logpdf(x, a, b))
        add(f"uniform({-a}, {b + 1})", x, stats.uniform.logpdf(x, -a, a + b + 1))
for p in (0.2, 0.999):
    for x in (0, 1):
        add(f"bernoulli({p})", x, stats.bernoulli.logpmf(x, p))
        add(f"bernoulli(logits: {float(np.log(p / (1 - p)))!r})", x, stats.bernoulli.logpmf(x, p))
for x, p in enumerate((0.2, 0.5, 0.3)):
    add("categorical([0.2, 0.5, 0.3])", x, np.log(p))
L = np.array([[1.2, 0], [0.3, 0.8]])
mu = np.array([0.5, -1.0])
for x in ((0.0, 0.0), (2.0, -3.0)):
    text = f"[{x[0]}, {x[1]}]"
    value = stats.multivariate_normal.logpdf(x, mu, L @ L.T)
    add("mvnormal([0.5, -1.0], chol: [[1.2, 0], [0.3, 0.8]])", text, value)
    C = L @ L.T
    cov = f"[[{C[0, 0]!r}, {C[0, 1]!r}], [{C[1, 0]!r}, {C[1, 1]!r}]]".replace("np.float64(", "").replace(")", "")
    add(f"mvnormal([0.5, -1.0], cov: {cov})", text, value)
    add("mvnormal([0.5, -1.0], sd: [1.5, 0.4])", text, stats.norm.logpdf(x, mu, [1.5, 0.4]).sum())
add("dirichlet([1.4, 0.8, 2.3])", "[0.2, 0.5, 0.3]", stats.dirichlet.logpdf([0.2, 0.5, 0.3], [1.4, 0.8, 2.3]))

print(f"/* scipy_facts.def - log densities computed by SciPy {scipy.__version__}; made by scipy_facts.py. */")
for law, x, value in ROWS:
    print(f'FACT("{law}", "{x}", {value:.17g})')
