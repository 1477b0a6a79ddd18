/* build.c - by what a trainer was made and on what it runs, as `info` and run.json say it. */
#include "session/session.h"

json_t *build_json(const DgmModel *m)
{
    char abi[40];

    snprintf(abi, sizeof abi, "%d.%d", DGM_ABI_MAJOR, DGM_ABI_MINOR);
    return json_pack("{s:s, s:s, s:s, s:i, s:s?, s:s?, s:s, s:s?, s:s}", "dgmc", m->dgmc_version,
                     "runtime", DGM_VERSION, "abi", abi, "bits", 8 * (int)sizeof(Real), "compiler",
                     m->cc, "flags", m->cflags, "blas", dgm_blas_name(), "blas_warning",
                     dgm_blas_warning(), "cpu", dgm_cpu_name());
}
