/* objective.c - from the raw sums of the terms to the numbers people read.
 *
 * Per datum, with B rows in the batch and N rows that the plate scale refers to:
 *     share of term t      = sign * (local ? sum / B : value / N)
 *     objective            = sum over t of weight * share, but for terms that are only shown
 *     reconstruction       = sum of the shares of likelihood terms
 *     kl                   = - sum of the shares of kl, prior, entropy and jacobian terms
 *     elbo                 = reconstruction - kl     (penalties belong to the objective only)
 * Annealing weights change the objective, never elbo, kl or reconstruction.
 *
 * Running sums are kept in double and travel in checkpoints, so that a resumed run prints the same
 * averages as one that was never stopped.
 */
#include "session/session.h"

#include <math.h>
#include <string.h>

double term_share(const DgmTerm *term, double value, double rows, double N)
{
    return term->sign * (term->local ? value / rows : value / N);
}

double objective_value(const DgmCtx *c)
{
    double sum = 0;

    for (int t = 0; t < c->model->n_terms; t++)
        sum += c->model->terms[t].reported ? 0 : c->weight[t]
               * term_share(&c->model->terms[t], c->terms[t], (double)c->B, (double)c->N);
    return sum;
}

bool model_has_latents(const DgmModel *model)
{
    for (int t = 0; t < model->n_terms; t++) {
        DgmTermKind kind = model->terms[t].kind;

        if (kind != DGM_TERM_LIKELIHOOD && kind != DGM_TERM_PENALTY && kind != DGM_TERM_BOUND)
            return true;
    }
    return false;
}

/* A global term among those of latents. */
bool model_has_global_latents(const DgmModel *m)
{
    for (int t = 0; t < m->n_terms; t++)
        if (!m->terms[t].local && m->terms[t].kind != DGM_TERM_PENALTY
            && m->terms[t].kind != DGM_TERM_LIKELIHOOD)
            return true;
    return false;
}

Running *running_new(const DgmModel *model)
{
    size_t doubles = (size_t)(model->n_terms > 0 ? model->n_terms : 1);
    Running *r = dgm_alloc(sizeof *r + doubles * sizeof r->share[0]);

    r->model = model;
    return r;
}

void running_clear(Running *r)
{
    r->count = 0;
    r->objective = 0;
    memset(r->share, 0, (size_t)r->model->n_terms * sizeof r->share[0]);
}

void running_add(Running *r, const DgmCtx *c)
{
    double sum = 0;

    for (int t = 0; t < r->model->n_terms; t++) {
        const DgmTerm *term = &r->model->terms[t];
        double share = term_share(term, c->terms[t], (double)c->B, (double)c->N);

        r->share[t] += share;
        sum += term->reported ? 0 : c->weight[t] * share;
    }
    r->objective += sum;
    r->count++;
}

Report running_report(const Running *r)
{
    Report report = {0};
    double n = r->count > 0 ? (double)r->count : 1;

    report.objective = r->objective / n;
    for (int t = 0; t < r->model->n_terms; t++) {
        double share = r->share[t] / n;

        switch (r->model->terms[t].kind) {
        case DGM_TERM_LIKELIHOOD: report.reconstruction += share; break;
        case DGM_TERM_PENALTY: case DGM_TERM_BOUND: break;
        default:                  report.kl -= share; break;
        }
    }
    report.elbo = report.reconstruction - report.kl;
    return report;
}

double running_term(const Running *r, int t)
{
    return r->model->terms[t].sign * r->share[t] / (r->count > 0 ? (double)r->count : 1);
}
