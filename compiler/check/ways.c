/* ways.c - which parameterization a call of a distribution means, and what to say when it means
 * none.
 *
 * Idea: the set of argument names decides (law.c). A message lists all ways to write the call.
 */
#include "check.h"

#include <string.h>

Way *ways_of(Check *s, Ast *dist)
{
    Way *ways = NULL;
    Ast **laws = law_parameterizations(s->c, dist);
    for (size_t i = 0; i < vec_len(laws); i++) {
        Way way = { laws[i], law_params(s->c, laws[i]) };
        vec_push(s->c, ways, way);
    }
    return ways;
}

static void help_ways(Check *s, Ast *dist, Way *ways)
{
    Out *o = out_new(s->c);
    size_t length;
    for (size_t i = 0; i < vec_len(ways); i++) {
        out_printf(o, "%s%s(", i ? ", or " : "", dist->name);
        for (size_t k = 0; k < vec_len(ways[i].formals); k++) {
            Ast *formal = ways[i].formals[k];
            out_printf(o, "%s%s", k ? ", " : "", formal->name);
            if (i && k < vec_len(ways[0].formals) && ways[0].formals[k]->name != formal->name)
                out_puts(o, ":");
        }
        out_puts(o, ")");
    }
    diag_help(s->c, "write %s", out_text(o, &length));
}

bool known_anywhere(Way *ways, Str name, Ast **formal)
{
    for (size_t i = 0; i < vec_len(ways); i++)
        for (size_t k = 0; k < vec_len(ways[i].formals); k++)
            if (ways[i].formals[k]->name == name) { *formal = ways[i].formals[k]; return true; }
    return false;
}

/* Names of arguments elsewhere, and what of theirs is given here. */
static const struct { const char *theirs, *ours, *of; } foreign[] = {
    { "sd", "sigma", NULL }, { "std", "sigma", NULL }, { "stdev", "sigma", NULL },
    { "var", "sigma", "sqrt" }, { "variance", "sigma", "sqrt" },
    { "tau", "prec", NULL }, { "precision", "prec", NULL },
    { "probs", "p", NULL }, { "prob", "p", NULL }, { "logit", "logits", NULL },
    { "logit_p", "logits", NULL }, { "df", "nu", NULL },
};

static bool suggest_ours(Check *s, Way *ways, const Ast *arg)
{
    Ast *formal;
    for (size_t i = 0; i < sizeof foreign / sizeof *foreign; i++) {
        if (strcmp(foreign[i].theirs, arg->name)) continue;
        if (!known_anywhere(ways, str(s->c, foreign[i].ours), &formal)) continue;
        Str value = fmt_expr(s->c, arg->kids[ARG_VALUE]);
        if (foreign[i].of) value = str_fmt(s->c, "%s(%s)", foreign[i].of, value);
        diag_help(s->c, "`%s:` is written `%s: %s` here", arg->name, foreign[i].ours, value);
        return true;
    }
    return false;
}

static void suggest_argument(Check *s, Way *ways, const Ast *arg)
{
    Str *list = NULL, name = arg->name;
    if (suggest_ours(s, ways, arg)) return;
    for (size_t i = 0; i < vec_len(ways); i++)
        for (size_t k = 0; k < vec_len(ways[i].formals); k++)
            vec_push(s->c, list, ways[i].formals[k]->name);
    Str near = vec_len(list) ? nearest(s->c, name, list, vec_len(list)) : NULL;
    if (near) diag_help(s->c, "did you mean `%s:`?", near);
}

/* Order and repetition of the arguments, whatever the parameterization. */
static bool check_argument_list(Check *s, Ast *call, Ast *dist, Way *ways)
{
    for (size_t i = 0; i < vec_len(call->kids); i++) {
        Ast *arg = call->kids[i], *formal;
        if (!arg->name && i && call->kids[i - 1]->name) {
            FAIL(s, E_ARG_ORDER, arg->span, dist->name);
            diag_help(s->c, "name it too, or write it before `%s:`", call->kids[i - 1]->name);
            return false;
        }
        for (size_t k = 0; arg->name && k < i; k++)
            if (call->kids[k]->name == arg->name) {
                FAIL(s, E_ARG_TWICE, arg->span, arg->name, dist->name);
                diag_note(s->c, call->kids[k]->span, "first given here");
                return false;
            }
        if (arg->name && !known_anywhere(ways, arg->name, &formal)) {
            FAIL(s, E_ARG_UNKNOWN, arg->span, dist->name, arg->name);
            suggest_argument(s, ways, arg);
            help_ways(s, dist, ways);
            return false;
        }
    }
    return true;
}

/* The message when no way takes all arguments. */
static void explain_misfit(Check *s, Ast *call, Ast *dist, Way *ways)
{
    size_t most = 0, positional = 0;
    for (size_t i = 0; i < vec_len(ways); i++)
        if (vec_len(ways[i].formals) > most) most = vec_len(ways[i].formals);
    for (size_t i = 0; i < vec_len(call->kids); i++) positional += call->kids[i]->name == NULL;
    if (positional > most) {
        FAIL(s, E_ARG_EXTRA, call->kids[most]->span, dist->name, (int)most, most == 1 ? "" : "s",
             (int)positional);
        help_ways(s, dist, ways);
        return;
    }
    for (size_t w = 0; w < vec_len(ways); w++) {
        for (size_t i = positional; i < vec_len(call->kids); i++) {
            for (size_t k = 0; k < positional; k++)
                if (law_param(ways[w].formals, call->kids[k], k)
                    == law_param(ways[w].formals, call->kids[i], i)) {
                    FAIL(s, E_ARG_TWICE, call->kids[i]->span, call->kids[i]->name, dist->name);
                    diag_note(s->c, call->kids[k]->span, "given here by position");
                    help_ways(s, dist, ways);
                    return;
                }
        }
    }
    Ast *last = call->kids[vec_len(call->kids) - 1];
    FAIL(s, E_ARG_CONFLICT, last->span, dist->name);
    help_ways(s, dist, ways);
}

Way *choose_way(Check *s, Ast *call, Ast *dist, Way *ways)
{
    Ast *lacking = NULL, *first = NULL;
    int fewest = -1;
    if (!check_argument_list(s, call, dist, ways)) return NULL;
    for (size_t i = 0; i < vec_len(ways); i++) {
        int missing = law_missing(s->c, ways[i].formals, call, &first);
        if (missing == 0) return &ways[i];
        if (missing > 0 && (fewest < 0 || missing < fewest)) { fewest = missing; lacking = first; }
    }
    if (fewest < 0) {
        explain_misfit(s, call, dist, ways);
        return NULL;
    }
    FAIL(s, E_ARG_MISSING, call->span, dist->name, lacking->name);
    help_ways(s, dist, ways);
    return NULL;
}

static bool is_matrix(const Ast *formal)
{
    const SupportRow *row =
        formal->kids[ARGDECL_TYPE] ? support_row(formal->kids[ARGDECL_TYPE]->name) : NULL;
    return row && row->core == 2;
}

/* A covariance and its Cholesky factor look alike: where both are offered, the name is required. */
bool check_labels(Check *s, Ast *call, Ast *dist, Way *ways, const Way *way)
{
    if (vec_len(ways) < 2) return true;
    for (size_t i = 0; i < vec_len(call->kids); i++) {
        Ast *formal = law_param(way->formals, call->kids[i], i);
        if (call->kids[i]->name || !is_matrix(formal)) continue;
        FAIL(s, E_ARG_LABEL, call->kids[i]->span, (int)i + 1, dist->name);
        help_ways(s, dist, ways);
        return false;
    }
    return true;
}
