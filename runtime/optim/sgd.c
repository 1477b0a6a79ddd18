/* sgd.c - stochastic gradient ascent with momentum:  v = mu v + g,  p = p + lr v. */
#include "optim.h"

void dgm_sgd_update(const DgmOptim *o, Real *restrict param, const Real *restrict grad,
                    Real *const *slabs, long count, Real scale)
{
    const Real lr = (Real)o->now.lr, mu = (Real)o->hyper[DGM_SGD_MOMENTUM].value;
    Real *restrict v = slabs[0];
    for (long i = 0; i < count; i++) {
        v[i] = mu * v[i] + scale * grad[i];
        param[i] += lr * v[i];
    }
}
