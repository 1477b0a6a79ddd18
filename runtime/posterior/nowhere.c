/* nowhere.c - why a fit found no point to begin at: a term that is infinite wherever it is asked,
 * as of data that the model cannot have made, or a density that is highest at an edge beyond which
 * it is 0.
 */
#include "posterior/posterior.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { ASKED = 40 };

/* Points at which each term is finite, of ASKED uniform in (-2, 2); the last count is of points at
 * which all are. */
static void count_finite(Posterior *p, const DgmProgram *program, long *finite)
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
        for (int t = 0; t < program->n_terms; t++)
            finite[t] += isfinite(terms[t]) != 0;
    }
    free(u);
}

void fail_nowhere(Posterior *p)
{
    const DgmProgram *program = p->model->log_prob_free;
    long *finite = dgm_alloc(((size_t)program->n_terms + 1) * sizeof *finite);
    char help[256];

    count_finite(p, program, finite);
    for (int t = 0; t < program->n_terms; t++)
        if (finite[t] == 0) {
            const DgmTerm *term = &program->terms[t];

            snprintf(help, sizeof help, "are these data possible under %.120s:%d? `log-prob --at` "
                     "gives the terms at any values", p->model->spec_path, term->line);
            dgm_fail(DGM_EXIT_NUMERIC, help, "no point was found at which the density is finite: "
                     "`%s` (%s:%d) was not finite at any of the %d tried", term->name,
                     p->model->spec_path, term->line, ASKED);
        }
    if (finite[program->n_terms] > 0)
        dgm_fail(DGM_EXIT_NUMERIC, "let the support of the latent end there, as in "
                 "`latent b : interval(max(y), inf) ~ ..`", "the density is finite at some points, "
                 "but no Gaussian fits there: it may be highest at an edge beyond which it is 0");
    dgm_fail(DGM_EXIT_NUMERIC, "`log-prob --at` shows which term is not finite",
             "no point was found at which the density and its gradient are finite");
}
