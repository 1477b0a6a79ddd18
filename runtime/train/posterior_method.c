/* posterior_method.c - `--method`: how a posterior is fitted. `auto` takes the first row of the
 * table that takes the model; by name any can be asked for, and says itself what it cannot do.
 */
#include "train/posterior.h"

#include <stdio.h>
#include <string.h>

static bool has_density(const DgmModel *m)
{
    return m->log_prob_free != NULL;
}

static const Method methods[] = {
    {"deterministic", "the exact density of all numbers at once is known, so the draws of the "
     "bound are held fixed", has_density, deterministic_check, deterministic_fit},
};
enum { N_METHODS = sizeof methods / sizeof *methods };

/* The names that there are, in a sentence. */
static void list_names(char *text, size_t size)
{
    size_t n = (size_t)snprintf(text, size, "known are auto");

    for (int k = 0; k < N_METHODS && n < size; k++)
        n += (size_t)snprintf(text + n, size - n, "%s%s", k + 1 < N_METHODS ? ", " : " and ",
                              methods[k].name);
}

const Method *method_choose(Posterior *p)
{
    const char *text = option_text(p->options, OPT_METHOD);
    char names[200];

    p->why_method = "as asked for";
    for (int k = 0; k < N_METHODS; k++)
        if (strcmp(text, methods[k].name) == 0)
            return &methods[k];
    list_names(names, sizeof names);
    if (strcmp(text, "auto") != 0)
        dgm_fail(DGM_EXIT_USAGE, names, "there is no method `%s`", text);
    for (int k = 0; k < N_METHODS; k++)
        if (methods[k].takes(p->model)) {
            p->why_method = methods[k].why;
            return &methods[k];
        }
    return &methods[0];                /* which says what is missing */
}
