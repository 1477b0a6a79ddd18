/* nowhere.c - why a fit found no point to begin at: a term that is infinite wherever it is asked,
 * as of data that the model cannot have made; a density that is highest at an edge beyond which it
 * is 0; or a derivative that is no number where the density is one.
 */
#include "posterior/posterior.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { ASKED = 40 };

/* Counts the points for each latent at which the derivatives by it are finite. */
static void count_derivatives(const Posterior *p, const double *g, long *smooth)
{
    for (int i = 0; i < p->model->n_latents; i++) {
        long offset, n = density_latent(p->density, FORM_FREE, i, &offset);
        bool finite = true;

        for (long k = 0; k < n; k++)
            finite = finite && isfinite(g[offset + k]);
        smooth[i] += finite;
    }
}

/* Points at which each term is finite, of ASKED uniform in (-2, 2); the last count is of points at
 * which all are. smooth: of these, for each latent, those with finite derivatives by it. */
static void count_finite(Posterior *p, const DgmProgram *program, long *finite, long *smooth)
{
    long n = p->target.n;
    double *u = dgm_alloc((size_t)(2 * n + program->n_terms + 1) * sizeof *u), *g = u + n;
    double *terms = g + n;

    for (int t = 0; t <= program->n_terms; t++)
        finite[t] = 0;
    for (int k = 0; k < ASKED; k++) {
        for (long i = 0; i < n; i++)
            u[i] = k == 0 ? 0 : 4 * dgm_random_unit(p->session.seed, DGM_STREAM_POSTERIOR,
                                                    (uint64_t)k, (uint64_t)i) - 2;
        double all = density_log_prob(p->density, FORM_FREE, u, terms, g);

        finite[program->n_terms] += isfinite(all) != 0;
        if (isfinite(all))
            count_derivatives(p, g, smooth);
        for (int t = 0; t < program->n_terms; t++)
            finite[t] += isfinite(terms[t]) != 0;
    }
    free(u);
}

static void fail_derivative(const Posterior *p, const DgmLatent *latent)
{
    dgm_fail(DGM_EXIT_NUMERIC, "it may go through what is infinite where it is not read, as "
             "log(x[n]) where x[n] is 0: write log(if x[n] > 0 then x[n] else 1)",
             "the density is finite at some points, but its derivative by `%s` (%s:%d) is no "
             "number at any of them", latent->name, p->model->spec_path, latent->line);
}

void fail_nowhere(Posterior *p)
{
    const DgmProgram *program = p->model->log_prob_free;
    size_t n_counts = (size_t)(program->n_terms + 1 + p->model->n_latents);
    long *finite = dgm_alloc(n_counts * sizeof *finite), *smooth = finite + program->n_terms + 1;
    char help[256];

    for (int i = 0; i < p->model->n_latents; i++)
        smooth[i] = 0;
    count_finite(p, program, finite, smooth);
    for (int t = 0; t < program->n_terms; t++)
        if (finite[t] == 0) {
            const DgmTerm *term = &program->terms[t];

            snprintf(help, sizeof help, "are these data possible under %.120s:%d? `log-prob --at` "
                     "gives the terms at any values", p->model->spec_path, term->line);
            dgm_fail(DGM_EXIT_NUMERIC, help, "no point was found at which the density is finite: "
                     "`%s` (%s:%d) was not finite at any of the %d tried", term->name,
                     p->model->spec_path, term->line, ASKED);
        }
    for (int i = 0; i < p->model->n_latents; i++)
        if (finite[program->n_terms] > 0 && smooth[i] == 0)
            fail_derivative(p, &p->model->latents[i]);
    if (finite[program->n_terms] > 0)
        dgm_fail(DGM_EXIT_NUMERIC, "let the support of the latent end there, as in "
                 "`latent b : interval(max(y), inf) ~ ..`", "the density is finite at some points, "
                 "but no Gaussian fits there: it may be highest at an edge beyond which it is 0");
    dgm_fail(DGM_EXIT_NUMERIC, "`log-prob --at` shows which term is not finite",
             "no point was found at which the density and its gradient are finite");
}
