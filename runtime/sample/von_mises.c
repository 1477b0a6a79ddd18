/* von_mises.c - angles of density exp(k cos x) / (2 pi I0(k)), by rejection from a wrapped Cauchy
 * (Best and Fisher, Efficient simulation of the von Mises distribution, 1979).
 *
 * The paper's r = (1 + rho^2) / (2 rho) and f = (1 + r z) / (r + z) lose all digits where k is
 * small or f near 1. Here rho, 1 - rho, r - 1 and 1 - f are formed without differences, and the
 * angle is 2 asin(sqrt((1 - f) / 2)): right to rounding for any concentration.
 */
#include "element.h"

static const double PI = 3.14159265358979323846;

static double von_mises_draw(double k, Element *e)
{
    double u, v;
    if (!(k >= 0) || isinf(k))
        return NAN;
    if (k < 1e-150) {
        element_next(e, &u, &v);
        return PI * (2 * u - 1);
    }
    double root = sqrt(1 + 4 * k * k), tau = 1 + root;
    double rho = sqrt(tau) * 2 * k / (tau * (sqrt(tau) + sqrt(2.0)));
    double below_one = rho < 0.5 ? 1 - rho
                                 : (sqrt(2 * tau) - 1 - 1 / (2 * k + root)) / (2 * k);
    double r_less = below_one * below_one / (2 * rho);
    for (;;) {
        element_next(e, &u, &v);
        double s = sin(0.5 * PI * u), t = cos(0.5 * PI * u);        /* z = cos(PI u) */
        double f_less = r_less * 2 * s * s / (r_less + 2 * t * t);
        double c = k * (r_less + f_less);
        if (c * (2 - c) - v <= 0 && log(c / v) + 1 - c < 0)
            continue;
        element_next(e, &u, &v);
        double angle = 2 * asin(sqrt(0.5 * fmin(f_less, 2)));
        return u < 0.5 ? -angle : angle;
    }
}

void dgm_fill_von_mises(const DgmCtx *c, uint32_t site, Real *dst, const Real *concentration,
                        long first, long count)
{
    for (long i = 0; i < count; i++) {
        Element e = element_stream(c, site, first + i);
        dst[i] = (Real)von_mises_draw((double)concentration[i], &e);
    }
}
