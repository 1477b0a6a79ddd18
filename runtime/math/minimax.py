"""Minimax coefficients of the polynomials in vmath_f32.h and vmath_f64.h.

Each line of JOBS is a function g on [a, b] and a degree; the polynomial minimises the largest
|w(x) (P(x) - g(x))|, by Remez exchange in 60-digit arithmetic. Coefficients are printed from the
lowest power up, as hexadecimal literals rounded to the target precision.
Usage: python3 minimax.py [name]   (needs mpmath; not used by the build or the tests)
"""
import sys
from mpmath import mp, mpf, matrix, lu_solve, cos, pi, exp, log, sin, atan, sqrt, erf, erfc, frexp
mp.dps = 50


def remez(g, w, a, b, degree, rounds=12):
    n = degree + 2
    nodes = [(a + b) / 2 - (b - a) / 2 * cos(pi * (2 * i + 1) / (2 * n)) for i in range(n)]
    grid = [a + (b - a) * (1 - cos(pi * mpf(i) / (40 * n))) / 2 for i in range(40 * n + 1)]
    # relative weights are singular at 0: stay off the end points that are exactly 0
    grid = [t if t != 0 else (b - a) * mpf(10) ** -12 for t in grid]
    gv = [(t, g(t), w(t)) for t in grid]
    for _ in range(rounds):
        m, r = matrix(n, n), matrix(n, 1)
        for i, t in enumerate(nodes):
            for j in range(degree + 1):
                m[i, j] = t ** j
            m[i, degree + 1] = (-1) ** i / w(t)
            r[i] = g(t)
        s = lu_solve(m, r)
        c = [s[j] for j in range(degree + 1)]
        err = []
        for t, gt, wt in gv:
            p = mpf(0)
            for k in reversed(c):
                p = p * t + k
            err.append((t, (p - gt) * wt))
        # extrema: the largest error of every run of equal sign
        runs, best = [], err[0]
        for e in err[1:]:
            if (e[1] > 0) == (best[1] > 0):
                if abs(e[1]) > abs(best[1]):
                    best = e
            else:
                runs.append(best)
                best = e
        runs.append(best)
        while len(runs) > n:
            runs.pop(0 if abs(runs[0][1]) < abs(runs[-1][1]) else -1)
        if len(runs) < n:
            break
        new = [t for t, _ in runs]
        lo, hi = min(abs(e) for _, e in runs), max(abs(e) for _, e in runs)
        nodes = new
        if hi / lo < mpf('1.001'):
            break
    return c, max(abs(e) for _, e in err)


def literal(c, bits):
    mant, e = frexp(c)
    n = int(mp.nint(mant * 2 ** bits))
    v = float(mpf(n) * mpf(2) ** (e - bits))
    return v.hex() if bits == 53 else v.hex().replace('00000p', 'p')


def expm1_q(t):    # (e^t - 1 - t) / t^2
    if abs(t) < mpf('1e-6'):
        return mpf(1) / 2 + t / 6 + t * t / 24 + t ** 3 / 120
    return (exp(t) - 1 - t) / t ** 2


def log1p_p(t):    # (log(1 + t) - t + t^2/2) / t^3
    if abs(t) < mpf('1e-6'):
        return mpf(1) / 3 - t / 4 + t * t / 5 - t ** 3 / 6
    return (log(1 + t) - t + t * t / 2) / t ** 3


def atanh_p(u):    # (2 atanh(s) - 2 s) / s^3 as a function of u = s^2
    s = sqrt(u)
    if u < mpf('1e-9'):
        return mpf(2) / 3 + 2 * u / 5 + 2 * u * u / 7
    return (log((1 + s) / (1 - s)) - 2 * s) / s ** 3


def sin_p(u):      # (sin r - r) / r^3, u = r^2
    r = sqrt(u)
    return (sin(r) - r) / r ** 3 if u > mpf('1e-9') else -mpf(1) / 6 + u / 120 - u * u / 5040


def cos_p(u):      # (cos r - 1 + r^2/2) / r^4
    r = sqrt(u)
    return (cos(r) - 1 + u / 2) / u ** 2 if u > mpf('1e-7') else mpf(1) / 24 - u / 720


def atan_p(u):
    r = sqrt(u)
    return (atan(r) - r) / r ** 3 if u > mpf('1e-9') else -mpf(1) / 3 + u / 5 - u * u / 7


def erf_p(u):      # erf(x) / x
    x = sqrt(u)
    return erf(x) / x if x > mpf('1e-12') else 2 / sqrt(pi)


def erfcx_t(t):    # exp(x^2) erfc(x) where t = (x - 2)/(x + 2)
    x = 2 * (1 + t) / (1 - t)
    return exp(x * x) * erfc(x)


ONE = lambda t: mpf(1)
L2 = log(mpf(2)) / 2 * mpf('1.01')
S = sqrt(mpf(2))
JOBS = {
    'exp_f': (expm1_q, ONE, -L2, L2, 4, 24), 'exp_d': (expm1_q, ONE, -L2, L2, 10, 53),
    'log_f': (log1p_p, lambda t: t * t, 1 / S - 1, S - 1, 7, 24),
    'log_d': (atanh_p, ONE, mpf(0), ((S - 1) / (S + 1)) ** 2 * mpf('1.001'), 6, 53),
    'softplus_f': (atanh_p, ONE, mpf(0), mpf(1) / 9, 3, 24),
    'softplus_d': (atanh_p, ONE, mpf(0), mpf(1) / 9, 9, 53),
    'sin_f': (sin_p, lambda u: u, mpf(0), (pi / 4) ** 2 * mpf('1.01'), 2, 24),
    'cos_f': (cos_p, lambda u: u * u, mpf(0), (pi / 4) ** 2 * mpf('1.01'), 2, 24),
    'sin_d': (sin_p, lambda u: u, mpf(0), (pi / 4) ** 2 * mpf('1.01'), 5, 53),
    'cos_d': (cos_p, lambda u: u * u, mpf(0), (pi / 4) ** 2 * mpf('1.01'), 5, 53),
    'atan_f': (atan_p, lambda u: u, mpf(0), (S - 1) ** 2, 3, 24),
    'atan_d': (atan_p, lambda u: u, mpf(0), (S - 1) ** 2, 10, 53),
    'erf_f': (erf_p, ONE, mpf(0), mpf(1), 6, 24),
    'erf_d': (erf_p, ONE, mpf(0), mpf(1), 12, 53),
    'erfcx_f': (erfcx_t, lambda t: 1 / erfcx_t(t), -mpf(1) / 3, mpf('0.36'), 7, 24),
    'erfcx_d': (erfcx_t, lambda t: 1 / erfcx_t(t), -mpf(1) / 3, mpf('0.53'), 17, 53),
}

for name, (g, w, a, b, degree, bits) in JOBS.items():
    if len(sys.argv) > 1 and name not in sys.argv[1:]:
        continue
    c, e = remez(g, w, a, b, degree)
    print(name, 'largest error 2^%.1f' % float(log(e, 2)))
    for k in c:
        print('   ', literal(k, bits))
