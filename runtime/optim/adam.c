/* adam.c - Kingma and Ba (2015), with bias correction:
 *   m = b1 m + (1 - b1) g,  v = b2 v + (1 - b2) g^2,
 *   p = p + lr m/(1 - b1^t) / (sqrt(v/(1 - b2^t)) + eps).
 * The corrections are computed once a step (optim.c) and multiplied in: one pass over all. */
#include "optim.h"

void dgm_adam_update(const DgmOptim *o, Real *restrict param, const Real *restrict grad,
                     Real *const *slabs, long count, Real scale)
{
    const double beta1 = o->hyper[DGM_ADAM_BETA1].value, beta2 = o->hyper[DGM_ADAM_BETA2].value;
    const Real b1 = (Real)beta1, b2 = (Real)beta2, a1 = (Real)(1 - beta1), a2 = (Real)(1 - beta2);
    const Real rate = (Real)(o->now.lr * o->now.correct_m);
    const Real root = (Real)o->now.correct_v, eps = (Real)o->hyper[DGM_ADAM_EPS].value;
    Real *restrict m = slabs[0], *restrict v = slabs[1];
    for (long i = 0; i < count; i++) {
        Real g = scale * grad[i];
        m[i] = b1 * m[i] + a1 * g;
        v[i] = b2 * v[i] + a2 * (g * g);
        param[i] += rate * m[i] / (dgm_sqrt(v[i]) * root + eps);
    }
}
