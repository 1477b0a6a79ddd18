"""Writes scipy_facts.def: log densities by SciPy, as facts that the tests need no Python for.

    python3 scipy_facts.py > scipy_facts.def
"""
import numpy as np
import scipy
from scipy import stats

ROWS = []


def add(law, x, value):
    if np.isfinite(value):             # SciPy underflows where the log density does not
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

# ---- discrete -------------------------------------------------------------------------------
for p in (0.2, 0.999):
    for x in (0, 3, 10):
        add(f"binomial(10, {p})", x, stats.binom.logpmf(x, 10, p))
        add(f"binomial(10, logits: {float(np.log(p / (1 - p)))!r})", x, stats.binom.logpmf(x, 10, p))
        add(f"geometric({p})", x, stats.geom.logpmf(x + 1, p))
        add(f"neg_binomial(r: 2.5, p: {p})", x, stats.nbinom.logpmf(x, 2.5, p))
for rate in (0.3, 40.0):
    for x in (0, 2, 55):
        add(f"poisson({rate})", x, stats.poisson.logpmf(x, rate))
        add(f"poisson(log: {float(np.log(rate))!r})", x, stats.poisson.logpmf(x, rate))
        for shape in (0.7, 12.0):
            p = shape / (shape + rate)
            value = stats.nbinom.logpmf(x, shape, p)
            add(f"neg_binomial(mean: {rate}, shape: {shape})", x, value)
            add(f"neg_binomial(log: {float(np.log(rate))!r}, shape: {shape})", x, value)
            add(f"neg_binomial(alpha: {shape}, beta: {shape / rate!r})", x, value)
for x in (0, 4, 9):
    add("beta_binomial(9, 0.6, 1.7)", x, stats.betabinom.logpmf(x, 9, 0.6, 1.7))
for x in (2, 4, 6):
    add("hypergeometric(6, 9, 4)", x, stats.hypergeom.logpmf(x, 13, 9, 6))
for x in (-2, 0, 3):
    add("discrete_uniform(0 - 2, 3)", x, stats.randint.logpmf(x, -2, 4))
add("multinomial(7, [0.2, 0.5, 0.3])", "[1, 4, 2]", stats.multinomial.logpmf([1, 4, 2], 7, [0.2, 0.5, 0.3]))
add("dirichlet_multinomial(7, [1.4, 0.8, 2.3])", "[1, 4, 2]",
    stats.dirichlet_multinomial.logpmf([1, 4, 2], [1.4, 0.8, 2.3], 7))

# ---- continuous -----------------------------------------------------------------------------
for mu, s in ((0.7, 1.6), (-3, 0.2)):
    for x in (-2.5, 0.0, 1.3):
        add(f"gumbel({mu}, {s})", x, stats.gumbel_r.logpdf(x, mu, s))
        add(f"logistic({mu}, {s})", x, stats.logistic.logpdf(x, mu, s))
        add(f"skew_normal({mu}, {s}, -4.0)", x, stats.skewnorm.logpdf(x, -4, mu, s))
        add(f"exp_mod_normal({mu}, {s}, 0.8)", x, stats.exponnorm.logpdf(x, 1 / (0.8 * s), mu, s))
        add(f"generalized_normal({mu}, {s}, 1.3)", x, stats.gennorm.logpdf(x, 1.3, mu, s))
        add(f"von_mises({mu}, {s})", x, stats.vonmises.logpdf(x, s, mu))
        add(f"von_mises({mu}, {100 * s})", x, stats.vonmises.logpdf(x, 100 * s, mu))
    for x in (mu + 0.01, mu + 3.0):
        add(f"levy({mu}, {s})", repr(x), stats.levy.logpdf(x, mu, s))
for a, b in ((0.6, 1.7), (12.0, 0.3)):
    for x in (0.02, 1.0, 9.0):
        add(f"erlang(3, {b})", x, stats.erlang.logpdf(x, 3, scale=1 / b))
        add(f"erlang(3, scale: {b})", x, stats.erlang.logpdf(x, 3, scale=b))
        add(f"fisher_f({a}, {b})", x, stats.f.logpdf(x, a, b))
        add(f"frechet({a}, {b})", x, stats.invweibull.logpdf(x, a, scale=b))
        add(f"log_logistic({a}, {b})", x, stats.fisk.logpdf(x, a, scale=b))
        add(f"beta_prime({a}, {b})", x, stats.betaprime.logpdf(x, a, b))
        add(f"inv_gaussian({a}, {b})", x, stats.invgauss.logpdf(x, a / b, scale=b))
        add(f"inv_chi_squared({a})", x, stats.invgamma.logpdf(x, a / 2, scale=0.5))
        add(f"scaled_inv_chi_squared({a}, {b})", x, stats.invgamma.logpdf(x, a / 2, scale=a * b * b / 2))
        add(f"pareto(0.01, {a})", x, stats.pareto.logpdf(x, a, scale=0.01))
        add(f"reciprocal(0.01, {a + 9})", x, stats.loguniform.logpdf(x, 0.01, a + 9))
    for x in (0.02, 0.5, 0.97):
        add(f"triangular(0 - {a}, {b + 1}, 0.4)", x,
            stats.triang.logpdf(x, (0.4 + a) / (a + b + 1), -a, a + b + 1))

# ---- matrices -------------------------------------------------------------------------------
def text_of(A):
    return "[" + ", ".join("[" + ", ".join(repr(float(v)) for v in row) + "]" for row in A) + "]"


V, X = L @ L.T, np.array([[2.0, 0.4], [0.4, 1.1]])
prec = np.linalg.inv(V)
for x in ((0.0, 0.0), (2.0, -3.0)):
    text = f"[{x[0]}, {x[1]}]"
    add(f"mvnormal([0.5, -1.0], prec: {text_of(prec)})", text, stats.multivariate_normal.logpdf(x, np.array([0.5, -1.0]), V))
    value = stats.multivariate_t.logpdf(x, np.array([0.5, -1.0]), V, 4.5)
    add(f"mvstudent_t(4.5, [0.5, -1.0], chol: {text_of(L)})", text, value)
    add(f"mvstudent_t(4.5, [0.5, -1.0], scale: {text_of(V)})", text, value)
add(f"wishart(5.5, chol: {text_of(L)})", text_of(X), stats.wishart.logpdf(X, 5.5, V))
add(f"wishart(5.5, scale: {text_of(V)})", text_of(X), stats.wishart.logpdf(X, 5.5, V))
add(f"inv_wishart(5.5, chol: {text_of(L)})", text_of(X), stats.invwishart.logpdf(X, 5.5, V))
add(f"inv_wishart(5.5, scale: {text_of(V)})", text_of(X), stats.invwishart.logpdf(X, 5.5, V))

print(f"/* scipy_facts.def - log densities computed by SciPy {scipy.__version__}; made by scipy_facts.py. */")
for law, x, value in ROWS:
    print(f'FACT("{law}", "{x}", {value:.17g})')
