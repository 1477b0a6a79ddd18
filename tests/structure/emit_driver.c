/* emit_driver.c - runs the one program of an emitted file on given numbers; for test_emit.c.
 *
 * Compiled with -DEMITTED="FILE". Arguments: B S threads. stdin: doubles, parameters then data.
 * stdout: doubles: terms, gradients and outputs in order, then the draws of sites 0 .. 7 as normals
 * and as uniforms, DRAWS of each.
 */
#define main emitted_main
#include EMITTED
#undef main

#include <stdlib.h>

enum { SITES = 8, DRAWS = 20000 };

int dgm_main(const DgmModel *m, int argc, char **argv)
{
    (void)m, (void)argc, (void)argv;
    return 0;
}

static void write_reals(const Real *x, long n)
{
    for (long i = 0; i < n; i++) {
        double d = x[i];
        fwrite(&d, sizeof d, 1, stdout);
    }
}

static void read_reals(Real *x, long n)
{
    for (long i = 0; i < n; i++) {
        double d = 0;
        if (fread(&d, sizeof d, 1, stdin) != 1)
            dgm_fail(DGM_EXIT_DATA, NULL, "too few numbers");
        x[i] = (Real)d;
    }
}

static long output_count(const DgmCtx *c, const DgmOutput *o)
{
    return o->count * (o->rows ? c->B : 1) * (o->samples ? c->S : 1);
}

static void write_draws(DgmCtx *c)
{
    Real *x = dgm_alloc(sizeof *x * DRAWS);
    for (int uniform = 0; uniform < 2; uniform++)
        for (uint32_t site = 0; site < SITES; site++) {
            if (uniform)
                dgm_fill_uniform(c, site, x, 0, DRAWS);
            else
                dgm_fill_normal(c, site, x, 0, DRAWS);
            write_reals(x, DRAWS);
        }
    free(x);
}

int main(int argc, char **argv)
{
    const DgmProgram *p = model.step ? model.step : model.sample;
    DgmCtx c = {.model = &model, .seed = 7, .step = 3, .purpose = DGM_STREAM_TRAIN};
    Real *data_of[16] = {0};
    long B = argc > 3 ? atol(argv[1]) : 1, S = argc > 3 ? atol(argv[2]) : 1;
    c.threads = argc > 3 ? atoi(argv[3]) : 1;
    c.N = B;
    dgm_blas_setup();
    c.param = dgm_slab_new((size_t)model.param_reals + 16);
    c.grad = dgm_slab_new((size_t)model.param_reals + 16);
    for (int i = 0; i < model.n_params; i++)
        read_reals(c.param + model.params[i].offset, model.params[i].count);
    for (int i = 0; i < model.n_data; i++) {
        long n = model.data[i].count * (model.data[i].rows ? B : 1);
        data_of[i] = dgm_slab_new((size_t)n);
        read_reals(data_of[i], n);
    }
    c.data = data_of;
    dgm_bind(&c, p, B, S);
    for (int repeat = 0; repeat < 2; repeat++)         /* nothing is left over from a first run */
        p->run(&c);
    for (int i = 0; i < model.n_terms; i++)
        fwrite(&c.terms[i], sizeof(double), 1, stdout);
    for (int i = 0; i < model.n_params; i++)
        write_reals(c.grad + model.params[i].offset, model.params[i].count);
    for (int i = 0; i < p->n_outputs; i++)
        write_reals(c.out[i], output_count(&c, &p->outputs[i]));
    write_draws(&c);
    dgm_unbind(&c);
    dgm_slab_free(c.param);
    dgm_slab_free(c.grad);
    for (int i = 0; i < 16; i++)
        dgm_slab_free(data_of[i]);
    return 0;
}
