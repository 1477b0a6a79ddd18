/* labels.c - which labels of a model may change places.
 *
 * Idea: the labels of a mixture are positions along axes of one length, of several latents:
 * weights, means, standard deviations. Which axes belong together no declaration says, but the
 * density does: at some point it is the same, to rounding, when two positions are exchanged along
 * them all, and not along fewer. So sets of axes of one length are tried, small ones first.
 */
#include "posterior/posterior.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MOST_LABELS = 10, AXES_TRIED = 8, POINTS_TRIED = 20, STREAM = 620000 };
static const double MOST_WORK = 2e9;   /* operations of all trials */
static const double SAME = 1e-9;       /* of a log density, for what only rounding tells apart */

typedef struct Axis {
    int latent;
    long outer, size, inner;           /* of its values [outer][size][inner] */
} Axis;

/* Positions a and b along each axis of the set change places. */
typedef struct Way { unsigned long axes; long a, b; } Way;

struct Labels {
    Axis axis[sizeof(long) * 8 - 1];   /* a set is a long of bits */
    int n_axes;
    Way *way;                          /* [target.exchanges] */
    double *values, *free;             /* scratch */
};

/* ---- exchanging ------------------------------------------------------------------------------ */

static void exchange_along(const Axis *x, long a, long b, double *v)
{
    for (long o = 0; o < x->outer; o++)
        for (long i = 0; i < x->inner; i++) {
            double *p = v + o * x->size * x->inner + i, kept = p[a * x->inner];

            p[a * x->inner] = p[b * x->inner];
            p[b * x->inner] = kept;
        }
}

static void exchange_values(const Posterior *p, Way w, DensityForm form, double *x)
{
    const Labels *l = p->labels;

    for (int i = 0; i < l->n_axes; i++) {
        long at, n = density_latent(p->density, form, l->axis[i].latent, &at);
        bool whole = n == l->axis[i].outer * l->axis[i].size * l->axis[i].inner;

        if (w.axes >> i & 1 && whole)
            exchange_along(&l->axis[i], w.a, w.b, x + at);
    }
}

/* By way of the values. Free numbers that are standard values in this form alone by themselves: no
 * map leads there. */
static void exchange(const Posterior *p, Way w, DensityForm form, const double *u, double *v)
{
    const Labels *l = p->labels;

    density_map(p->density, form, u, l->values);
    exchange_values(p, w, FORM_VALUES, l->values);
    density_map(p->density, FORM_VALUES, l->values, v);
    if (form != FORM_NONCENTRED)
        return;
    memcpy(l->free, u, (size_t)p->target.n * sizeof *u);
    exchange_values(p, w, FORM_FREE, l->free);
    for (int i = 0; i < p->model->n_latents; i++) {
        long at, n = density_latent(p->density, form, i, &at);

        if (p->model->latents[i].centring == DGM_NONCENTRABLE)
            memcpy(v + at, l->free + at, (size_t)n * sizeof *v);
    }
}

static void exchange_way(void *of, long way, const double *u, double *v)
{
    const Copy *copy = of;

    exchange(copy->owner, copy->owner->labels->way[way], copy->form, u, v);
}

/* ---- finding --------------------------------------------------------------------------------- */

static void take_axes(Posterior *p, Labels *l)
{
    for (int i = 0; i < p->model->n_latents; i++) {
        const DgmLatent *z = &p->model->latents[i];
        long inner = z->count, outer = z->rows ? density_rows(p->density) : 1;

        for (int k = 0; k < z->rank; k++) {
            inner /= z->shape[k] > 0 ? z->shape[k] : 1;
            if (z->shape[k] >= 2 && z->shape[k] <= MOST_LABELS
                && l->n_axes < (int)(sizeof l->axis / sizeof *l->axis))
                l->axis[l->n_axes++] = (Axis){i, outer, z->shape[k], inner};
            outer *= z->shape[k];
        }
    }
}

/* A point like any other. */
static bool point(Posterior *p, double *u, double *f)
{
    for (int k = 0; k < POINTS_TRIED; k++) {
        noise_normal(p->session.seed, STREAM + (uint64_t)k, 1, p->target.n, u);
        *f = target_at(&p->target, u, NULL);
        if (isfinite(*f))
            return true;
    }
    return false;
}

static bool is_exchangeable(Posterior *p, Way w, const double *u, double f, double *v)
{
    exchange(p, w, FORM_FREE, u, v);
    return fabs(target_at(&p->target, v, NULL) - f) <= SAME * (1 + fabs(f));
}

static void add_ways(Posterior *p, unsigned long axes, long size)
{
    for (long b = 1; b < size; b++) {
        for (long a = 0; a < b; a++)
            p->labels->way[p->target.exchanges++] = (Way){axes, a, b};
        p->target.labellings *= (double)(b + 1);
    }
}

/* Sets of some of the axes that have this length, `tried` bits for them. */
static unsigned long set_of(const Labels *l, long size, unsigned long tried)
{
    unsigned long set = 0;

    for (int i = 0; i < l->n_axes; i++)
        if (l->axis[i].size == size) {
            set |= (tried & 1) << i;
            tried >>= 1;
        }
    return set;
}

static int axes_of(const Labels *l, long size)
{
    int n = 0;

    for (int i = 0; i < l->n_axes; i++)
        n += l->axis[i].size == size;
    return n < AXES_TRIED ? n : AXES_TRIED;
}

static int bits(unsigned long set)
{
    int n = 0;

    for (; set != 0; set &= set - 1)
        n++;
    return n;
}

/* All sets of axes of one length, by the number of their axes; none that has one found in it. */
static void find_of_size(Posterior *p, Labels *l, long size, const double *u, double f, double *v)
{
    unsigned long found[AXES_TRIED], sets = 1UL << axes_of(l, size);
    int n_found = 0;

    for (int n = 1; n <= axes_of(l, size); n++)
        for (unsigned long tried = 1; tried < sets; tried++) {
            unsigned long set = set_of(l, size, tried);
            bool good = bits(tried) == n;

            for (int k = 0; k < n_found && good; k++)
                good = (set & found[k]) != found[k];
            for (long a = 0; a + 1 < size && good; a++)
                good = is_exchangeable(p, (Way){set, a, a + 1}, u, f, v);
            if (good && n_found < AXES_TRIED) {
                found[n_found++] = set;
                add_ways(p, set, size);
            }
        }
}

void labels_find(Posterior *p)
{
    long n = p->target.n, trials = 0;
    Labels *l = p->labels = dgm_alloc(sizeof *l);
    double *u = dgm_alloc((size_t)(2 * n + 1) * sizeof *u), f;

    p->target.exchange = exchange_way;
    p->target.labellings = 1;
    take_axes(p, l);
    for (long size = 2; size <= MOST_LABELS; size++)
        trials += 1L << axes_of(l, size);
    l->way = dgm_alloc((size_t)(AXES_TRIED * MOST_LABELS * MOST_LABELS * MOST_LABELS)
                       * sizeof *l->way);
    l->values = dgm_alloc((size_t)(density_count(p->density, FORM_VALUES) + n + 1) * sizeof *u);
    l->free = l->values + density_count(p->density, FORM_VALUES);
    if (p->model->to_free != NULL && l->n_axes > 0
        && (double)trials * p->target.work <= MOST_WORK && point(p, u, &f))
        for (long size = 2; size <= MOST_LABELS; size++)
            find_of_size(p, l, size, u, f, u + n);
    free(u);
}

/* The latents whose labels they are: "`w`, `mu`". */
void labels_text(const Posterior *p, char *text, size_t size)
{
    const Labels *l = p->labels;
    unsigned long axes = p->target.exchanges > 0 ? l->way[0].axes : 0;
    int last = -1;

    text[0] = '\0';
    for (int i = 0; i < l->n_axes; i++) {
        if (!(axes >> i & 1) || l->axis[i].latent == last)
            continue;
        size_t used = strlen(text);
        snprintf(text + used, size - used, "%s`%s`", used > 0 ? ", " : "",
                 p->model->latents[l->axis[i].latent].name);
        last = l->axis[i].latent;
    }
}

void labels_free(Posterior *p)
{
    free(p->labels->way);
    free(p->labels->values);
    free(p->labels);
}
