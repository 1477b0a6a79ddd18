/* method.c - `--method`: how a posterior is fitted, and why.
 *
 *     what        the law that `--family` names, by the exact density of all numbers; or the family
 *                 that the spec states, by its bound
 *     how         deterministic: with draws that stay the same, by quasi-Newton steps; stochastic:
 *                 in many small steps, each with draws of its own (of the family of the spec only)
 * `auto` takes the family of the spec where the spec says something of it, or where there is no
 * density; and fixed draws where data and family are small enough for them.
 */
#include "posterior/posterior.h"

#include <string.h>

static const char *const names[] = {
    [METHOD_AUTO] = "auto", [METHOD_DETERMINISTIC] = "deterministic",
    [METHOD_STOCHASTIC] = "stochastic",
};

static MethodKind find_method(const char *text)
{
    for (size_t k = 0; k < sizeof names / sizeof *names; k++)
        if (strcmp(text, names[k]) == 0)
            return (MethodKind)k;
    dgm_fail(DGM_EXIT_USAGE, "known are auto, deterministic and stochastic",
             "there is no method `%s`", text);
}

/* Why the family of the spec is fitted; NULL: the one that --family names is. */
static const char *spec_reason(const Posterior *p)
{
    const DgmModel *m = p->model;
    bool named = p->options->value[OPT_FAMILY].source == FROM_COMMAND;

    if (m->log_prob_free == NULL)
        return "the model has nets or discrete latents that are drawn: the family of the spec";
    if (named && p->asked != METHOD_STOCHASTIC)
        return NULL;
    if (m->guided)
        return "the spec says what the latents are drawn from, or by which gradient";
    if (m->batch > 0)
        return "the train block says minibatches";
    return p->asked == METHOD_STOCHASTIC ? "as asked for" : NULL;
}

/* A fit by the density takes no small steps: an option of theirs would do nothing. */
static void refuse_training_options(const Options *o)
{
    static const struct { OptionId id; const char *name; } training[] = {
        { OPT_STEPS, "--steps" }, { OPT_BATCH, "--batch" },
    };

    for (size_t i = 0; i < sizeof training / sizeof *training; i++)
        if (o->value[training[i].id].source == FROM_COMMAND)
            dgm_fail(DGM_EXIT_USAGE, "leave it out, or add --method stochastic; --budget limits a "
                     "fit by the density", "%s is of stochastic training, and this model is fitted "
                     "by its density", training[i].name);
}

static void check(const Posterior *p, const char *why)
{
    const DgmModel *m = p->model;

    if (why == NULL)
        refuse_training_options(p->options);

    if (why != NULL && p->options->value[OPT_FAMILY].source == FROM_COMMAND)
        dgm_fail(DGM_EXIT_USAGE, "leave out --family: the one of the spec is fitted",
                 "--family %s is fitted to the density of all latents%s",
                 option_text(p->options, OPT_FAMILY),
                 m->log_prob_free == NULL ? ", which a model with nets or discrete latents that "
                 "are drawn does not have" : "; stochastic steps are of the spec's family");
    if (why != NULL && option_given(p->options, OPT_BUDGET))
        dgm_fail(DGM_EXIT_USAGE, "--steps limits it",
                 "--budget is for a fit by the density, and this one is trained");
    if (why != NULL && (m->step == NULL || m->encode == NULL))
        dgm_fail(DGM_EXIT_USAGE, "`info` lists what this trainer can do",
                 "this trainer was made without the bound of its family, or has no latents");
    if (option_flag(p->options, OPT_SAVE_DRAWS) && !option_given(p->options, OPT_OUT_POSTERIOR))
        dgm_fail(DGM_EXIT_USAGE, "give a directory: --out DIR", "--save-draws needs --out");
    if (option_count(p->options, OPT_POSTERIOR_DRAWS, 0) < FEWEST_ASKED)
        dgm_fail(DGM_EXIT_USAGE, "give 100 or more", "--draws %s is too few",
                 option_text(p->options, OPT_POSTERIOR_DRAWS));
}

bool method_choose(Posterior *p)
{
    p->asked = find_method(option_text(p->options, OPT_METHOD));
    const char *why = spec_reason(p);
    check(p, why);
    p->method = "deterministic";
    p->why_method = why != NULL ? why : p->asked != METHOD_AUTO ? "as asked for"
                  : "the exact density of all numbers at once is known";
    return why != NULL;
}

void method_settle(Posterior *p, bool fixed, const char *why_not)
{
    if (!fixed && p->asked == METHOD_DETERMINISTIC)
        dgm_fail(DGM_EXIT_USAGE, "leave out --method", "fixed draws do not suit this fit: %s",
                 why_not);
    p->method = fixed ? "deterministic" : "stochastic";
}
