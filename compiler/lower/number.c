/* number.c - numbers known while compiling: sizes, positions, initial values.
 *
 * Names mean constants of the language, then arguments of the model: -D, data, or their default.
 */
#include "lower.h"

#include <math.h>
#include <string.h>

/* ---- operations by name ---------------------------------------------------------------------- */

static const struct { const char *text; int operands; Op op; } operators[] = {
#define OPERATOR(text, operands, op) { text, operands, OP_##op },
#include "../check/builtins.def"
#undef OPERATOR
};

Op op_of_operator(Str text, int operands)
{
    for (size_t i = 0; i < sizeof operators / sizeof *operators; i++)
        if (operators[i].operands == operands && !strcmp(operators[i].text, text))
            return operators[i].op;
    return N_OPS;
}

bool op_named(Str name, OpKind kind, Op *op)
{
    for (int i = 0; i < N_OPS; i++)
        if (op_info[i].kind == kind && !strcmp(op_info[i].name, name))
            return *op = (Op)i, true;
    return false;
}

/* ---- evaluation ------------------------------------------------------------------------------ */

/* A size or an argument of the model: -D, data, then its default. */
bool argument_value(Lower *L, Str name, double *x)
{
    for (size_t i = 0; i < vec_len(L->c->defines); i++)
        if (L->c->defines[i].name == name)
            return *x = (double)L->c->defines[i].value, true;
    for (size_t i = 0; i < vec_len(L->c->numbers); i++)
        if (L->c->numbers[i].name == name)
            return *x = L->c->numbers[i].value, true;
    const Ast *args = L->d ? L->d->model->node->kids[MODEL_ARGS] : NULL;
    for (size_t i = 0; args && i < vec_len(args->kids); i++) {
        const Ast *arg = args->kids[i];
        if (arg->name == name && arg->kids[ARGDECL_DEFAULT])
            return eval_number(L, NULL, arg->kids[ARGDECL_DEFAULT], x);
    }
    return false;
}

bool constant_value(const Ast *name, double *x)
{
    return !name->decl && builtin_constant(name->name, x);
}

static bool name_number(Lower *L, Env *env, const Ast *name, double *x)
{
    Env *e = env_find(env, name->name, false);
    if (e)
        return e->val && e->val->kind == VAL_TENSOR && e->val->t->op == OP_CONST
            && (*x = e->val->t->num, true);
    return constant_value(name, x) || argument_value(L, name->name, x);
}

/* The elementwise operation that a node stands for, with its operands; N_OPS: none. */
static Op operation(const Ast *e, const Ast **operand)
{
    size_t n = vec_len(e->kids);
    Op op = N_OPS;
    if (e->kind == AST_UNARY || e->kind == AST_BINARY)
        op = op_of_operator(e->name, (int)n);
    else if (e->kind == AST_CALL && !e->decl)
        op_named(e->name, OP_KIND_MAP, &op);
    if (op != N_OPS && (size_t)op_info[op].arity != n)
        return N_OPS;
    for (size_t i = 0; op != N_OPS && i < n; i++)
        operand[i] = e->kind == AST_CALL ? e->kids[i]->kids[ARG_VALUE] : e->kids[i];
    return op;
}

bool eval_number(Lower *L, Env *env, const Ast *e, double *x)
{
    if (e->kind == AST_NUM)
        return *x = e->num, true;
    if (e->kind == AST_NAME)
        return name_number(L, env, e, x);
    if (e->kind == AST_IF) {
        double c;
        return eval_number(L, env, e->kids[IF_COND], &c)
            && eval_number(L, env, e->kids[c != 0 ? IF_THEN : IF_ELSE], x);
    }
    const Ast *operand[3];
    double in[3] = { 0 };
    Op op = operation(e, operand);
    for (int i = 0; op != N_OPS && i < op_info[op].arity; i++)
        if (!eval_number(L, env, operand[i], &in[i]))
            return false;
    return op != N_OPS && !isnan(*x = tir_fold(op, in));
}

static bool find_values(Ast *e, void *found)
{
    bool index = e->kind == AST_NAME && e->decl && e->decl->kind == AST_BINDER;
    *(bool *)found |= index || e->kind == AST_INDEX;
    return true;
}

/* Does it depend on values of data, or on an index? */
static bool reads_values(const Ast *e)
{
    bool found = false;
    ast_walk((Ast *)e, find_values, &found);
    return found;
}

int64_t eval_size(Lower *L, Env *env, const Ast *e)
{
    double x;
    if (!eval_number(L, env, e, &x)) {
        diag_error(L->c, E_LOWER_UNBOUND, e->span, fmt_expr(L->c, e));
        if (reads_values(e))
            diag_help(L->c, "it differs from place to place: run over a size and say which count, "
                            "`k in K where k < %s`", fmt_expr(L->c, e));
        else
            diag_help(L->c, "give it on the command line: -D %s=..., or --data NAME=FILE",
                      e->kind == AST_NAME ? e->name : "NAME");
        return 1;
    }
    if (!(x >= 0 && x <= (double)LIMIT_SIZE && x == floor(x))) {
        diag_error(L->c, E_LOWER_SIZE, e->span, fmt_expr(L->c, e), x);
        diag_help(L->c, "a size is a whole number: `a div b` is rounded down");
        return 1;
    }
    return (int64_t)x;
}
