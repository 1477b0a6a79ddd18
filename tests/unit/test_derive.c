/* test_derive.c - model graph, proof of the rows, derivation and explanation of programs.
 *
 * errors.def: the bad program of each E08 and E09 row gives exactly that error, the good one is
 * derived. tests/golden/explain: the explanation as text and LaTeX.
 * DGM_PROMOTE=1 writes what came out instead of comparing.
 */
#include "derive/objective.h"

#include <dirent.h>
#include <unistd.h>

#include "golden.h"

typedef struct Run {
    Ctx *c;
    Model *m;
    Derivation *d;
    char *text;                        /* what was printed */
    size_t length;
    int errors;
} Run;

/* From a file if path is given; sizes: "N=3 K=2" or NULL. */
static Run run(const char *program, const char *path, const char *sizes)
{
    Run r = { .c = ctx_new() };
    r.c->err = open_memstream(&r.text, &r.length);
    char name[64];
    long value;
    int used;
    for (const char *p = sizes; p && sscanf(p, " %63[^=]=%ld%n", name, &value, &used) == 2;
         p += used)
        vec_push(r.c, r.c->defines, ((Define){ str(r.c, name), value, str(r.c, "-D") }));
    Source *s = path ? NULL : source_text(r.c, "test.dgm", program, strlen(program), false);
    Ast *file = path ? parse_file(r.c, path) : parse_text(r.c, s);
    Ast *library = parse_library(r.c);
    if (file && check(r.c, file, library)) {
        r.m = model_build(r.c, file, NULL);
        if (r.m && prove_plates(r.c, r.m, false)) {
            model_verify(r.m);
            r.d = derive(r.c, r.m, library);
        }
        if (r.d)
            derivation_verify(r.d);
    }
    fclose(r.c->err);
    r.errors = diag_count(r.c);
    return r;
}

static Run derived(const char *program, const char *sizes)
{
    Run r = run(program, NULL, sizes);
    if (!r.d)
        fail_msg("not derived:\n%s\n%s", program, r.text);
    return r;
}

static void end(Run *r)
{
    ctx_free(r->c);
    free(r->text);
}

static const Term *term(const Query *q, const char *name)
{
    for (size_t i = 0; i < vec_len(q->terms); i++)
        if (!strcmp(q->terms[i].name, name))
            return &q->terms[i];
    fail_msg("query %s has no term %s", q->name, name);
    return NULL;
}

static const Bind *bind_of(const Query *q, const char *var)
{
    for (size_t i = 0; i < vec_len(q->binds); i++)
        if (!strcmp(q->binds[i].var->name, var))
            return &q->binds[i];
    fail_msg("query %s binds no %s", q->name, var);
    return NULL;
}

/* "+ likelihood x" for every term, separated by commas. */
static void assert_terms(const Query *q, const char *expected)
{
    char text[1000] = "";
    for (size_t i = 0; i < vec_len(q->terms); i++)
        snprintf(text + strlen(text), sizeof text - strlen(text), "%s%c%s", i ? " " : "",
                 q->terms[i].sign < 0 ? '-' : '+', q->terms[i].name);
    assert_string_equal(text, expected);
}

/* ---- terms ----------------------------------------------------------------------------------- */

static const char vae[] =
    "model vae(D = 2, H = 3, P = 4) {\n  data x[N] : bit[P]\n"
    "  net decoder(z) = z |> dense(H) |> tanh |> dense(P)\n  for n in N {\n"
    "    latent z : real[D] ~ normal(0, 1)\n    x[n] ~ bernoulli(logits: decoder(z))\n  }\n}\n"
    "family for vae {\n  net encoder(x) = x |> dense(H) |> {\n"
    "    mu: dense(D), sigma: dense(D) |> softplus }\n"
    "  for n in N { let q = encoder(x[n]); z ~ normal(q.mu, q.sigma) }\n}\n";

static void vae_has_likelihood_and_closed_kl(void **state)
{
    (void)state;
    Run r = derived(vae, NULL);
    assert_terms(&r.d->step, "+x -kl_z");
    assert_terms(&r.d->weight, "+x +prior_z -log_q_z");
    assert_true(r.m->rows != NULL && term(&r.d->step, "kl_z")->local);
    assert_int_equal(term(&r.d->step, "kl_z")->kind, TERM_KL);
    assert_true(r.m->family->guides[0].amortized);
    assert_int_equal(bind_of(&r.d->step, "z")->site, bind_of(&r.d->encode, "z")->site);
    assert_int_equal(bind_of(&r.d->step, "z")->site % 2, 0);
    assert_int_equal(bind_of(&r.d->sample, "z")->site, bind_of(&r.d->step, "z")->site + 1);
    assert_null(r.d->sample.absent);
    end(&r);
}

static void entropy_is_added_and_jacobian_counted(void **state)
{
    (void)state;
    Run r = derived("model m { data x[N] : real\n  latent tau : positive ~ gamma(1, 1)\n"
                    "  latent mu : real ~ normal(0, prec: tau)\n"
                    "  for n in N { x[n] ~ normal(mu, prec: tau) } }", NULL);
    assert_terms(&r.d->step, "+x +prior_tau +jacobian_tau +entropy_tau -kl_mu");
    assert_terms(&r.d->weight, "+x +prior_tau +jacobian_tau -log_q_tau +prior_mu -log_q_mu");
    assert_int_equal(vec_len(r.d->params), 4);
    assert_int_equal(bind_of(&r.d->step, "tau")->kind, BIND_VALUE);
    end(&r);
}

static void objective_is_chosen(void **state)
{
    (void)state;
    Run r = derived("model m { data x[N] : real\n  param mu : real\n"
                    "  for n in N { x[n] ~ normal(mu, 1) } }", NULL);
    assert_string_equal(r.d->objective, "likelihood");
    assert_terms(&r.d->step, "+x");
    assert_non_null(r.d->encode.absent);
    end(&r);
    r = derived("model m { data x[N] : real\n  param mu : real ~ normal(0, 1)\n"
                "  for n in N { x[n] ~ normal(mu, 1) } }", NULL);
    assert_string_equal(r.d->objective, "map");
    assert_terms(&r.d->step, "+x +penalty_mu");
    end(&r);
}

static void beta_weighs_the_divergence_only(void **state)
{
    (void)state;
    Run r = derived("model m { data x[N] : real\n  latent mu : real ~ cauchy(0, 1)\n"
                    "  for n in N { x[n] ~ normal(mu, 1) } }\n"
                    "train m { objective elbo(samples: 7, beta: 0.25) }", NULL);
    assert_int_equal(r.m->training.samples, 7);
    assert_terms(&r.d->step, "+x +prior_mu +entropy_mu");
    assert_true(term(&r.d->step, "x")->weight == 1);
    assert_true(term(&r.d->step, "prior_mu")->weight == 0.25);
    assert_true(term(&r.d->step, "entropy_mu")->weight == 0.25);
    assert_true(term(&r.d->weight, "prior_mu")->weight == 1);
    end(&r);
}

static void closed_kl_is_refused_where_it_is_wrong(void **state)
{
    (void)state;
    static const char model[] = "model m { latent a : real ~ normal(0, 1)\n"
                                "  latent b : real ~ normal(a, 1); factor -a * b }\n";
    char text[400];
    /* q draws a from b: the prior of b reads what is drawn from b. */
    snprintf(text, sizeof text, "%sfamily for m {\n  b ~ normal(0, 1)\n  a ~ normal(b, 1)\n}",
             model);
    Run r = derived(text, NULL);
    assert_terms(&r.d->step, "+factor -kl_a +prior_b +entropy_b");
    end(&r);
    snprintf(text, sizeof text, "%sfamily for m {\n  a ~ normal(0, 1)\n  b ~ normal(a, 1)\n}",
             model);
    r = derived(text, NULL);
    assert_terms(&r.d->step, "+factor -kl_a -kl_b");
    end(&r);
    snprintf(text, sizeof text, "%strain m { objective elbo; a by reparam; b by closed }", model);
    r = derived(text, NULL);
    assert_terms(&r.d->step, "+factor +prior_a -log_q_a -kl_b");
    end(&r);
}

static void full_rank_draws_one_vector(void **state)
{
    (void)state;
    Run r = derived("model m { data x[N] : real[P]; data y[N] : real\n"
                    "  latent b : real[P] ~ normal(0, 1)\n  latent s : positive ~ gamma(2, 2)\n"
                    "  for n in N { y[n] ~ normal(x[n] @ b, s) } }\n"
                    "family for m { (b, s) ~ fullrank }", "P=3");
    int draws = 0;
    for (size_t i = 0; i < vec_len(r.d->step.binds); i++)
        draws += r.d->step.binds[i].kind == BIND_DRAW;
    assert_int_equal(draws, 1);
    assert_terms(&r.d->step, "+y +prior_b +entropy_b +prior_s +jacobian_s");
    int64_t n;
    Str missing;
    assert_true(
        size_value(r.c, bind_of(&r.d->step, "b_s_free")->var->type->event[0], &n, &missing));
    assert_int_equal(n, 4);
    assert_string_equal(fmt_expr(r.c, bind_of(&r.d->step, "s")->expr->kids[0]->kids[0]),
                        "b_s_free[3]");
    assert_non_null(r.d->sample.absent);   /* x has no law */
    end(&r);
}

static void plates_keep_parameters_by_row(void **state)
{
    (void)state;
    Run r = derived("model m(J = 8) { data y[J] : real\n  latent tau : positive ~ lognormal(0, 1)\n"
                    "  for j in J {\n    latent theta : real ~ normal(0, tau)\n"
                    "    y[j] ~ normal(theta, 1)\n  } }", NULL);
    assert_null(r.m->rows);
    assert_non_null(r.m->full_batch);
    assert_string_equal(fmt_expr(r.c, bind_of(&r.d->step, "theta")->expr),
                        "normal(theta_mu[j], theta_sd[j])");
    assert_false(term(&r.d->step, "kl_theta")->local);
    end(&r);
}

static void blanket_is_children_and_self(void **state)
{
    (void)state;
    Run r = derived("model m { data x[N] : real\n  latent a : real ~ normal(0, 1)\n"
                    "  latent b : real ~ normal(a, 1)\n  latent c : real ~ normal(0, 1)\n"
                    "  let both = b + c\n  for n in N { x[n] ~ normal(both, 1) } }", NULL);
    Site **sites = model_blanket(r.c, r.m, r.m->sites[1].var);       /* of b */
    assert_int_equal(vec_len(sites), 2);
    assert_string_equal(sites[0]->var->name, "b");
    assert_string_equal(sites[1]->var->name, "x");
    end(&r);
}

static void known_size_licenses_the_whole_data_only(void **state)
{
    (void)state;
    static const char mixing[] = "model m { data x[N] : real\n  param s : positive\n"
                                 "  for n in N { x[n] ~ normal(mean(x), s) } }";
    Run r = run(mixing, NULL, NULL);
    assert_null(r.d);
    assert_non_null(strstr(r.text, "E0801"));
    end(&r);
    r = derived(mixing, "N=5");
    assert_null(r.m->rows);
    assert_non_null(strstr(r.m->full_batch, "mixes the rows"));
    end(&r);
}

/* ---- errors ---------------------------------------------------------------------------------- */

static const struct { const char *code, *bad, *good; } rows[] = {
#define ERROR(id, code, message, explanation, bad, good) { code, bad, good },
#include "base/errors.def"
#undef ERROR
};

static bool ours(const char *code)
{
    return (!strncmp(code, "E08", 3) || !strncmp(code, "E09", 3)) && strcmp(code, "E0901")
        && strcmp(code, "E0910");
}

static void every_error_has_its_program(void **state)
{
    (void)state;
    int seen = 0, wrong = 0;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        char mark[32];
        if (!ours(rows[i].code) || !*rows[i].bad)
            continue;
        seen++;
        snprintf(mark, sizeof mark, "error[%s]", rows[i].code);
        Run bad = run(rows[i].bad, NULL, NULL);
        if (bad.errors != 1 || !strstr(bad.text, mark)) {
            print_error("%s: bad program gives %d errors:\n%s\n", rows[i].code, bad.errors,
                        bad.text);
            wrong++;
        }
        end(&bad);
        Run good = run(rows[i].good, NULL, NULL);
        if (!good.d) {
            print_error("%s: good program is refused:\n%s\n", rows[i].code, good.text);
            wrong++;
        }
        end(&good);
    }
    assert_true(seen >= 36);
    assert_int_equal(wrong, 0);
}

/* ---- files ----------------------------------------------------------------------------------- */

/* CASE.dgm's output against CASE.EXTENSION. */
static bool same_as(const char *name, const char *extension, const char *text)
{
    char path[600];
    snprintf(path, sizeof path, "%.*s.%s", (int)(strlen(name) - 4), name, extension);
    return golden_same(path, text);
}

static bool explain_case(const char *name)
{
    Run r = run(NULL, name, NULL);
    bool same = r.d != NULL;
    for (int latex = 0; r.d && latex < 2; latex++) {
        Out *o = out_new(r.c);
        size_t n;
        explain(r.c, o, r.d, latex ? EXPLAIN_LATEX : EXPLAIN_TEXT);
        same &= same_as(name, latex ? "tex" : "txt", out_text(o, &n));
    }
    if (!r.d)
        print_error("%s: not derived\n%s\n", name, r.text);
    end(&r);
    return same;
}

static void each_file(const char *folder, bool (*one)(const char *), int least)
{
    int cases = 0, wrong = 0;
    assert_int_equal(chdir(TEST_ROOT), 0);
    assert_int_equal(chdir(folder), 0);
    DIR *dir = opendir(".");
    for (struct dirent *d; (d = readdir(dir));) {
        size_t n = strlen(d->d_name);
        if (n < 5 || strcmp(d->d_name + n - 4, ".dgm"))
            continue;
        cases++;
        wrong += !one(d->d_name);
    }
    closedir(dir);
    assert_true(cases >= least);
    assert_int_equal(wrong, 0);
}

static void explanations_are_as_pinned(void **state)
{
    (void)state;
    each_file("tests/golden/explain", explain_case, 5);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(vae_has_likelihood_and_closed_kl),
        cmocka_unit_test(entropy_is_added_and_jacobian_counted),
        cmocka_unit_test(objective_is_chosen),
        cmocka_unit_test(beta_weighs_the_divergence_only),
        cmocka_unit_test(closed_kl_is_refused_where_it_is_wrong),
        cmocka_unit_test(full_rank_draws_one_vector),
        cmocka_unit_test(plates_keep_parameters_by_row),
        cmocka_unit_test(blanket_is_children_and_self),
        cmocka_unit_test(known_size_licenses_the_whole_data_only),
        cmocka_unit_test(every_error_has_its_program),
        cmocka_unit_test(explanations_are_as_pinned),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
