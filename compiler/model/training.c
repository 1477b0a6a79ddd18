/* training.c - the train block of a model, read into numbers.
 *
 *     train vae with amortized { objective elbo(samples: 5); optimizer adam(1e-3); batch 100 }
 *  -> objective "elbo", samples 5, beta 1, optimizer "adam", hypers { lr: 1e-3 }, batch 100
 * requires: a checked file (setting names and their arguments are known). What it does not say
 * keeps the defaults below; the objective is chosen by derive.
 */
#include "build.h"

#include <string.h>

#define DRAWS_WEIGHTED 5               /* of iwae and renyi, where they say nothing */

typedef struct Settings {
    Ctx *c;
    Training *t;
} Settings;

/* A number written as a constant expression; false if it is none. */
static bool number(const Ast *e, double *x)
{
    double a, b;
    switch (e->kind) {
    case AST_NUM:
        *x = e->num;
        return true;
    case AST_UNARY:
        return !strcmp(e->name, "-") && number(e->kids[UNARY_A], &a) && (*x = -a, true);
    case AST_BINARY:
        if (!number(e->kids[BINARY_A], &a) || !number(e->kids[BINARY_B], &b))
            return false;
        switch (e->name[0]) {
        case '+': *x = a + b; return true;
        case '-': *x = a - b; return true;
        case '*': *x = a * b; return true;
        case '/': *x = a / b; return b != 0;
        default: return false;
        }
    default:
        return false;
    }
}

static double setting_number(Settings *s, Ast *value, Str name, double low, bool whole)
{
    double x = 0;
    if (value->kind == AST_CALL) {
        diag_error(s->c, E_ND_SCHEDULE, value->span, name);
        diag_help(s->c, "give a number");
        return low;
    }
    if (!number(value, &x) || x < low || (whole && (x > 9e15 || x != (double)(long)x))) {
        const char *must = whole ? "a whole number, at least 1" : "a number, not negative";
        diag_error(s->c, E_SETTING_VALUE, value->span, name, must);
        return low;
    }
    return x;
}

static void set_hyper(Settings *s, Str name, double value)
{
    vec_push(s->c, s->t->hyper_names, name);
    vec_push(s->c, s->t->hyper_values, value);
}

static void set_gradient(Settings *s, const Ast *objective, Ast *value)
{
    bool elbo = !strcmp(objective->name, "elbo");
    Str word = value->kind == AST_NAME ? value->name : NULL;
    if (word && !strcmp(word, "total"))
        s->t->gradient = GRADIENT_TOTAL;
    else if (word && elbo && !strcmp(word, "path"))
        s->t->gradient = GRADIENT_PATH;
    else if (word && !elbo && !strcmp(word, "doubly"))
        s->t->gradient = GRADIENT_DOUBLY;
    else
        diag_error(s->c, E_SETTING_VALUE, value->span, "gradient",
                   elbo ? "`total` or `path`" : "`total` or `doubly`");
}

static void set_samples(Settings *s, Ast *value)
{
    s->t->samples = (int)setting_number(s, value, str(s->c, "samples"), 1, true);
    s->t->samples_said = true;
}

static void set_alpha(Settings *s, Ast *value)
{
    s->t->alpha = setting_number(s, value, str(s->c, "alpha"), 0, false);
    if (s->t->alpha == 1) {
        diag_error(s->c, E_SETTING_VALUE, value->span, "alpha", "another number than 1");
        diag_help(s->c, "its limit at 1 is the evidence lower bound: write `objective elbo`");
    }
}

static void set_objective(Settings *s, Ast *setting, Ast *value)
{
    static const char *const derived[] = { "elbo", "map", "likelihood", "iwae", "renyi" };
    bool known = false;
    s->t->objective_at = setting;
    s->t->objective = value->name;
    for (size_t i = 0; i < sizeof derived / sizeof *derived; i++)
        known |= value->name && !strcmp(value->name, derived[i]);
    if (!known) {
        diag_error(s->c, E_ND_OBJECTIVE, value->span, value->name ? value->name : "?");
        diag_help(s->c, "derived today: likelihood, map, elbo(samples: S, beta: b), iwae(K), "
                  "renyi(alpha, samples: K)");
        return;
    }
    bool renyi = !strcmp(value->name, "renyi");
    if (renyi || !strcmp(value->name, "iwae"))
        s->t->samples = DRAWS_WEIGHTED, s->t->samples_said = true;
    for (size_t i = 0; value->kind == AST_CALL && i < vec_len(value->kids); i++) {
        Ast *arg = value->kids[i];
        Str name = arg->name ? arg->name : str(s->c, renyi ? "alpha" : "samples");
        if (!strcmp(name, "gradient"))
            set_gradient(s, value, arg->kids[ARG_VALUE]);
        else if (!strcmp(name, "alpha"))
            set_alpha(s, arg->kids[ARG_VALUE]);
        else if (!strcmp(name, "samples"))
            set_samples(s, arg->kids[ARG_VALUE]);
        else if (!strcmp(name, "beta"))
            s->t->beta = setting_number(s, arg->kids[ARG_VALUE], name, 0, false);
        else
            diag_error(s->c, E_ND_SETTING, arg->span, name);
    }
}

static void set_optimizer(Settings *s, Ast *value)
{
    s->t->optimizer = value->name;
    for (size_t i = 0; value->kind == AST_CALL && i < vec_len(value->kids); i++) {
        Ast *arg = value->kids[i];
        Str name = arg->name ? arg->name : str(s->c, "lr");
        set_hyper(s, name, setting_number(s, arg->kids[ARG_VALUE], name, 0, false));
    }
}

static void set(Settings *s, Ast *setting)
{
    Training *t = s->t;
    Ast *value = setting->kids[SETTING_VALUE];
    Str name = setting->name;
    if (!value || value->kind == AST_UNIT) {
        diag_error(s->c, E_ND_SETTING, setting->span, name);
        return;
    }
    if (!strcmp(name, "objective"))
        set_objective(s, setting, value);
    else if (!strcmp(name, "optimizer"))
        set_optimizer(s, value);
    else if (!strcmp(name, "batch"))
        t->batch = (long)setting_number(s, value, name, 1, true);
    else if (!strcmp(name, "epochs"))
        t->epochs = setting_number(s, value, name, 0, false);
    else if (!strcmp(name, "steps"))
        t->steps = (long)setting_number(s, value, name, 1, true);
    else if (!strcmp(name, "samples"))
        set_samples(s, value);
    else if (!strcmp(name, "clip"))
        t->clip = setting_number(s, value, name, 0, false);
    else if (!strcmp(name, "seed"))
        t->seed = (long)setting_number(s, value, name, 1, true);
    else {
        diag_error(s->c, E_ND_SETTING, setting->span, name);
        diag_help(s->c, "derived today: objective, optimizer, batch, epochs, steps, samples, clip, "
                        "seed");
    }
}

bool training_select(Build *b)
{
    Training *t = &b->m->training;
    *t = (Training){ .samples = 1, .beta = 1 };
    for (size_t i = 0; i < vec_len(b->m->file->kids); i++) {
        Ast *item = b->m->file->kids[i];
        if (item->kind != AST_TRAIN || item->name != b->m->name)
            continue;
        if (t->node) {
            diag_error(b->c, E_MANY_TRAIN, item->span, b->m->name);
            diag_note(b->c, t->node->span, "the first is here");
            return false;
        }
        t->node = item;
    }
    return true;
}

void training_build(Build *b)
{
    Settings s = { b->c, &b->m->training };
    if (!s.t->node)
        return;
    Ast *body = s.t->node->kids[TRAIN_BODY];
    for (size_t i = 0; i < vec_len(body->kids); i++) {
        Ast *item = body->kids[i];
        if (item->kind == AST_SETTING) {
            set(&s, item);
        } else if (item->kind == AST_UNTIL) {
            diag_error(b->c, E_ND_SETTING, item->span, "until");
            diag_help(b->c, "give a number of epochs or steps");
        } else if (item->kind == AST_NET) {
            diag_error(b->c, E_ND_SETTING, item->span, "net");
            diag_help(b->c, "networks of the training block belong to adversarial objectives");
        }
    }
}
