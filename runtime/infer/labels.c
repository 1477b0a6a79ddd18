/* labels.c - labels that may change places.
 *
 * Idea: where the density stays as it is when two labels of a mixture are exchanged, each mode is
 * one of several that are equal but for names. Descents find some of them, by chance, and a law of
 * those says of each label more than is known. So the modes that matter are seen with two labels
 * exchanged too, until nothing new is seen; that needs no descent. Where there are more than a law
 * has parts for, none is added. labels_left tells what the law that was fitted leaves out.
 */
#include "infer/infer.h"

#include <stdlib.h>
#include <string.h>

enum { MOST_LABELLINGS = 8, MOST_SEEN = 32 };

/* A Gaussian at the mode u joins those seen. Its bound. */
static double see(Target *t, Mixture *seen, const double *u, uint64_t seed)
{
    double bound;

    mixture_add(seen, modes_gaussian(t, u, seed, &bound), 1);
    return bound;
}

/* Those that may matter, each once. */
static Mixture rivals(Target *t, const Start *s, uint64_t seed)
{
    double best = start_bound(s);
    Mixture seen = mixture_new(t->n);

    if (s->mode)
        see(t, &seen, s->mean, seed);
    for (long k = 0; k < s->others && s->other[k].bound >= best - RIVAL; k++)
        if (seen.parts < MOST_SEEN && !mixture_reaches(&seen, s->other[k].mean))
            see(t, &seen, s->other[k].mean, seed);
    return seen;
}

void labels_complete(Target *t, Start *s, uint64_t seed)
{
    if (t->exchanges == 0 || t->labellings > MOST_LABELLINGS || target_late(t))
        return;
    Mixture seen = rivals(t, s, seed);
    double *u = dgm_alloc((size_t)(t->n + 1) * sizeof *u);

    for (long k = 0; k < seen.parts; k++)              /* grows */
        for (long way = 0; way < t->exchanges && seen.parts < MOST_SEEN; way++) {
            t->exchange(t->of[0], way, seen.part[k].mean, u);
            if (mixture_reaches(&seen, u) || target_late(t))
                continue;
            Mode m = {dgm_alloc((size_t)t->n * sizeof *u), see(t, &seen, u, seed), 0};
            memcpy(m.mean, u, (size_t)t->n * sizeof *u);
            start_keep(s, m);
        }
    free(u);
    mixture_free(&seen);
}

/* Does an exchange lead from part k of q to where `law` has no draws? */
static bool leads_out(const Target *t, const Mixture *q, long k, const Mixture *law)
{
    double *u = dgm_alloc((size_t)(t->n + 1) * sizeof *u);
    bool out = false;

    for (long way = 0; way < t->exchanges && modes_seen(q, k) && !out; way++) {
        t->exchange(t->of[0], way, q->part[k].mean, u);
        out = !mixture_reaches(law, u);
    }
    free(u);
    return out;
}

bool labels_left(const Target *t, const Mixture *q)
{
    bool left = false;

    for (long k = 0; k < q->parts && !left; k++)
        left = leads_out(t, q, k, q);
    return left;
}

bool labels_mixed(const Target *t, const Mixture *q)
{
    bool apart = false;

    for (long k = 0; k < q->parts && !apart; k++)
        apart = leads_out(t, q, k, &(Mixture){q->n, 1, &q->weight[k], &q->part[k]});
    return apart && !labels_left(t, q);
}
