/* adagrad.c - Duchi, Hazan, Singer (2011):  s = s + g^2,  p = p + lr g / (sqrt(s) + eps). */
#include "optim.h"

void dgm_adagrad_update(const DgmOptim *o, Real *restrict param, const Real *restrict grad,
                        Real *const *slabs, long count, Real scale)
{
    const Real lr = (Real)o->now.lr, eps = (Real)o->hyper[DGM_ADAGRAD_EPS].value;
    Real *restrict s = slabs[0];
    for (long i = 0; i < count; i++) {
        Real g = scale * grad[i];
        s[i] += g * g;
        param[i] += lr * g / (dgm_sqrt(s[i]) + eps);
    }
}
