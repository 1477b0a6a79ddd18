/* estimator.c - how the gradient by each latent's family is estimated, and why.
 *
 *     z by reparam                  through the draw: it must be a differentiable function of noise
 *     z by score(control: loo)      by the score of q: any law (score.c)
 *     z by closed                   no sampling noise between prior and family (kl.c)
 *     c by sum                      no draw at all: finitely many states (sum_out.c)
 * Without such a line the first that is legal is taken, in the order: summed out (unless the family
 * names a law), through the draw, by the score. What is illegal is refused here, with the reason.
 * establishes: Latent.by, score, control and why
 */
#include "derive.h"

#include <string.h>

/* ---- laws whose draws have no slope ---------------------------------------------------------- */

static const char NONE[] = "none", FN[] = "fn";
static const struct { const char *name; bool random; const char *slope[2]; } ops[] = {
#define KIND_MAP false
#define KIND_RANDOM true
#define KIND_SHAPE false
#define KIND_SOURCE false
#define OP(id, name, kind, arity, range, da, db, dc, text, doc) \
    { name, KIND_##kind, { da, db } },
#include "../ops.def"
#undef OP
};

static bool visit_noise(Ast *e, void *data);

/* The noise in the sampler of a law, through which no derivative passes; or NULL. */
static const char *noise_without_slope(const Ast *called)
{
    const char *found = NULL;
    Ast *member = called ? law_member(called, AST_SAMPLE, NULL, NULL) : NULL;
    if (member)
        ast_walk(member, visit_noise, &found);
    return found;
}

static bool visit_noise(Ast *e, void *data)
{
    const char **found = data;
    for (size_t i = 0; e->kind == AST_CALL && i < sizeof ops / sizeof *ops; i++)
        if (ops[i].random && !strcmp(e->name, ops[i].name)
            && (ops[i].slope[0] == NONE || ops[i].slope[1] == NONE))
            *found = ops[i].name;
    const Ast *law = e->kind == AST_CALL ? law_called(e) : NULL;
    if (!*found && law && law_base(law)->kids[DIST_SUPPORT]->type->elem != ELEM_REAL)
        *found = e->name;              /* a choice */
    else if (!*found && law)
        *found = noise_without_slope(law);
    return !*found;
}

/* ---- what the train block says --------------------------------------------------------------- */

static void refuse(Derive *d, const Ast *by, Str why, Str way_out)
{
    diag_error(d->c, E_ESTIMATOR, by->span, by->kids[BY_TARGET]->name,
               by->kids[BY_METHOD]->name, why);
    diag_help(d->c, "%s", way_out);
}

/* Which of the words the argument of `by score(KEY: WORD)` is; otherwise: of none. */
static int word_of(Derive *d, const Ast *by, const char *key, const char *const *words, int n,
                   int otherwise)
{
    const Ast *value = by ? ast_argument(by->kids[BY_METHOD], key) : NULL;
    Str list = NULL;
    if (!value)
        return otherwise;
    for (int i = 0; i < n; i++) {
        if (value->kind == AST_NAME && !strcmp(value->name, words[i]))
            return i;
        list = str_fmt(d->c, i == 0 ? "%s`%s`" : i + 1 < n ? "%s, `%s`" : "%s or `%s`",
                       list ? list : "", words[i]);
    }
    diag_error(d->c, E_SETTING_VALUE, value->span, key, list);
    return otherwise;
}

static void read_score(Derive *d, Latent *z, const Ast *by)
{
    static const char *const controls[] = { "none", "average", "loo" };
    static const char *const terms[] = { "blanket", "all" };
    bool several = d->m->training.samples > 1;
    z->whole = word_of(d, by, "terms", terms, 2, 0) == 1;
    z->control = (Control)word_of(d, by, "control", controls, 3,
                                  several ? CONTROL_LOO : CONTROL_AVERAGE);
    if (z->control == CONTROL_LOO && !several)
        refuse(d, by, str(d->c, "with one draw there is none to leave out"),
               str(d->c, "write `objective elbo(samples: 2)` or more, or `control: average`"));
}

static const Ast *by_of(const Derive *d, const Var *v)
{
    const Ast *body = d->m->training.node ? d->m->training.node->kids[TRAIN_BODY] : NULL;
    for (size_t i = 0; body && i < vec_len(body->kids); i++)
        if (body->kids[i]->kind == AST_BY && body->kids[i]->kids[BY_TARGET]->name == v->name)
            return body->kids[i];
    return NULL;
}

void choose_estimator(Derive *d, Latent *z)
{
    Ctx *c = d->c;
    const Ast *by = by_of(d, z->var), *law = z->guide->law ? law_see(d->m, z->guide->law) : NULL;
    const char *method = by ? by->kids[BY_METHOD]->name : "";
    const char *noise = law ? noise_without_slope(law_called(law)) : NULL;
    Str score_way = str_fmt(c, "write `%s by score`, or leave the line out", z->var->name);
    if (z->var->drawn)
        z->why = str(c, "its values are whole numbers, so a draw is no differentiable function of "
                        "the family's parameters");
    else if (noise)
        z->why = str_fmt(c, "no derivative passes through `%s`, from which the family draws it",
                         noise);
    z->score = z->why != NULL;
    z->by = !strcmp(method, "reparam") ? BY_REPARAM : !strcmp(method, "closed") ? BY_CLOSED
                                                                                : BY_AUTO;
    z->by_at = (Ast *)by;
    if (z->by == BY_REPARAM && z->why)
        refuse(d, by, z->why, score_way);
    else if (!strcmp(method, "sum"))
        refuse(d, by, str(c, "its values are no list of states to be summed over"),
               str(c, "write `by reparam` or `by score`"));
    else if (!strcmp(method, "score")) {
        z->why = str(c, "the train block says `by score`");
        z->score = true;
    }
    if (z->score)
        read_score(d, z, by);
}

/* What is drawn as one vector has one estimator. */
void check_group(Derive *d, Latent *const *members, size_t n)
{
    for (size_t i = 0; i < n; i++)
        for (size_t k = 0; k < n; k++)
            if (members[i]->score && members[i]->by_at && !members[k]->score) {
                refuse(d, members[i]->by_at,
                       str_fmt(d->c, "it is drawn jointly with `%s`", members[k]->var->name),
                       str_fmt(d->c, "also write `%s by score`", members[k]->var->name));
                return;
            }
}

/* Every by-statement names a latent, and of those summed out only `by sum` can be said. */
void check_by(Derive *d)
{
    Ast *body = d->m->training.node ? d->m->training.node->kids[TRAIN_BODY] : NULL;
    for (size_t i = 0; body && i < vec_len(body->kids); i++) {
        const Ast *by = body->kids[i];
        const Var *v = by->kind == AST_BY ? model_var(d->m, by->kids[BY_TARGET]->decl) : NULL;
        if (by->kind != AST_BY || (v && v->kind == VAR_LATENT && !var_is_summed(v)))
            continue;
        if (!v || v->kind != VAR_LATENT) {
            diag_error(d->c, E_OBJECTIVE_FIT, by->span, "by", "it names no latent of the model");
            diag_help(d->c, "estimators are chosen for latents");
        } else if (strcmp(by->kids[BY_METHOD]->name, "sum")) {
            refuse(d, by, str(d->c, "it is summed out, exactly: there is nothing to estimate"),
                   str_fmt(d->c, "leave the line out, or draw it: `%s by score`", v->name));
        }
    }
}
