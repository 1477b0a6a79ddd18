/* machine.c - which BLAS was loaded, which processor this is, and whether they fit.
 *
 * OpenBLAS chooses its kernels when it is loaded, and OPENBLAS_CORETYPE overrides the choice: a
 * variable left over in a shell halves the speed of everything without a word. So the trainer says.
 * The openblas_ functions are weak: with another BLAS the runtime still links and runs.
 */
#include "dgm.h"

#include <string.h>
#include <strings.h>

char *openblas_get_config(void) __attribute__((weak));
char *openblas_get_corename(void) __attribute__((weak));
void openblas_set_num_threads(int n) __attribute__((weak));

void dgm_blas_setup(void)
{
    if (openblas_set_num_threads != NULL)
        openblas_set_num_threads(1);
}

const char *dgm_blas_name(void)
{
    return openblas_get_config != NULL ? openblas_get_config() : "unknown BLAS";
}

#if defined __x86_64__ || defined __i386__
#define SLOW(core, has, way)                                                                      \
    { core, "OpenBLAS runs its " core " kernels although this processor has " has ": products "  \
            "run at about half speed or less. Unset OPENBLAS_CORETYPE, or set it to " way }

typedef struct SlowCore {
    const char *core, *sentence;
} SlowCore;

/* Cores whose kernels use vectors narrower than 512 bits, and narrower than 256 bits. */
static const SlowCore below_512[] = {
    SLOW("Haswell", "AVX-512", "SkylakeX"),       SLOW("Zen", "AVX-512", "SkylakeX"),
    SLOW("Sandybridge", "AVX-512", "SkylakeX"),   SLOW("Excavator", "AVX-512", "SkylakeX"),
    SLOW("Steamroller", "AVX-512", "SkylakeX"),   SLOW("Piledriver", "AVX-512", "SkylakeX"),
    SLOW("Bulldozer", "AVX-512", "SkylakeX"),     SLOW("Nehalem", "AVX-512", "SkylakeX"),
    SLOW("Prescott", "AVX-512", "SkylakeX"),      SLOW("Penryn", "AVX-512", "SkylakeX"),
    SLOW("Core2", "AVX-512", "SkylakeX"),         SLOW("Dunnington", "AVX-512", "SkylakeX"),
    SLOW("Barcelona", "AVX-512", "SkylakeX"),     SLOW("Atom", "AVX-512", "SkylakeX"),
};
static const SlowCore below_256[] = {
    SLOW("Sandybridge", "AVX2", "Haswell"),       SLOW("Piledriver", "AVX2", "Haswell"),
    SLOW("Bulldozer", "AVX2", "Haswell"),         SLOW("Nehalem", "AVX2", "Haswell"),
    SLOW("Prescott", "AVX2", "Haswell"),          SLOW("Penryn", "AVX2", "Haswell"),
    SLOW("Core2", "AVX2", "Haswell"),             SLOW("Dunnington", "AVX2", "Haswell"),
    SLOW("Barcelona", "AVX2", "Haswell"),         SLOW("Atom", "AVX2", "Haswell"),
};

static const char *look_up(const SlowCore *table, size_t n, const char *core)
{
    for (size_t i = 0; i < n; i++)
        if (strcasecmp(table[i].core, core) == 0)
            return table[i].sentence;
    return NULL;
}

static const char *slow_core(const char *core)
{
    if (__builtin_cpu_supports("avx512f") && __builtin_cpu_supports("avx512bw") &&
        __builtin_cpu_supports("avx512vl"))
        return look_up(below_512, sizeof below_512 / sizeof *below_512, core);
    if (__builtin_cpu_supports("avx2") && __builtin_cpu_supports("fma"))
        return look_up(below_256, sizeof below_256 / sizeof *below_256, core);
    return NULL;
}
#else
static const char *slow_core(const char *core)         /* other processors have one vector width */
{
    (void)core;
    return NULL;
}
#endif

const char *dgm_blas_warning(void)
{
    if (openblas_get_corename == NULL)
        return "the BLAS library is not OpenBLAS: results are right, speed and bitwise equality "
               "between thread counts are not promised";
    return slow_core(openblas_get_corename());
}

/* The one buffer that outlives a call, because the caller gets a plain string: a thread's own copy
 * of a text that never changes. */
const char *dgm_cpu_name(void)
{
    static _Thread_local char name[128];
    char line[256];
    FILE *f = name[0] == '\0' ? fopen("/proc/cpuinfo", "re") : NULL;
    while (f != NULL && fgets(line, sizeof line, f) != NULL) {
        if (strncmp(line, "model name", 10) != 0)
            continue;
        const char *text = strchr(line, ':');
        text = text != NULL ? text + 1 + strspn(text + 1, " \t") : line;
        snprintf(name, sizeof name, "%.*s", (int)strcspn(text, "\n"), text);
        break;
    }
    if (f != NULL)
        fclose(f);
    if (name[0] == '\0')
        snprintf(name, sizeof name, "unknown processor");
    return name;
}
