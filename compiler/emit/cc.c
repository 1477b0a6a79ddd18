/* cc.c - runs the C compiler on the emitted file, without a shell.
 *
 * Idea: arguments are an argv array from first to last, so no name can be read as syntax; names
 * that begin with `-` get `./` in front. The C text goes to a file in a fresh private directory.
 * The trainer is linked beside its place and renamed, so a failed or killed link leaves an old
 * trainer whole. Machine flags that the compiler does not know are left out.
 * requires:    DGMC_RUNTIME_SOURCE (folder of dgm.h), DGMC_RUNTIME_BUILD (folder of libdgm_*.a)
 */
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <spawn.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#include "emit.h"

#ifndef DGMC_RUNTIME_SOURCE
#define DGMC_RUNTIME_SOURCE "/usr/local/include/dgm"
#endif
#ifndef DGMC_RUNTIME_BUILD
#define DGMC_RUNTIME_BUILD "/usr/local/lib"
#endif
#ifndef DGMC_OPENBLAS
#define DGMC_OPENBLAS "-lopenblas"
#endif
#ifndef DGMC_EXTRA_CFLAGS
#define DGMC_EXTRA_CFLAGS ""           /* e.g. the sanitizers the runtime was built with */
#endif

extern char **environ;

static const char base_flags[] = "-std=gnu11 -O3 -fno-math-errno -fno-trapping-math "
                                 "-ffp-contract=fast -fopenmp";
#if defined __x86_64__ || defined __i386__
static const char machine_flags[] = "-march=native -mprefer-vector-width=512";
#else
static const char machine_flags[] = "-mcpu=native";
#endif

typedef struct Argv { Ctx *c; char **words; } Argv;     /* vec; a NULL is appended last */

static void add(Argv *a, const char *word)
{
    char *copy = word ? (char *)str(a->c, word) : NULL;
    vec_push(a->c, a->words, copy);
}

/* Blank-separated words; for flags and for CC, never for file names. */
static void add_words(Argv *a, const char *text)
{
    while (*(text += strspn(text, " \t"))) {
        size_t n = strcspn(text, " \t");
        add(a, str_n(a->c, text, n));
        text += n;
    }
}

/* A file name that no program takes for an option. */
static Str safe_path(Ctx *c, const char *path)
{
    return path[0] == '-' ? str_fmt(c, "./%s", path) : str(c, path);
}

Str cc_name(Ctx *c, const char *cc)
{
    if (!cc)
        cc = getenv("CC");
    return str(c, cc && *cc ? cc : "cc");
}

/* CC may be a path with blanks in it, or a command with arguments: "ccache gcc". */
static void add_compiler(Argv *a, Str cc)
{
    if (strchr(cc, '/') && access(cc, X_OK) == 0)
        add(a, safe_path(a->c, cc));
    else
        add_words(a, cc);
}

static int spawn_wait(char **argv, bool quiet, int *why)
{
    posix_spawn_file_actions_t actions;
    pid_t pid;
    int status = 0;
    posix_spawn_file_actions_init(&actions);
    if (quiet) {
        posix_spawn_file_actions_addopen(&actions, 1, "/dev/null", O_WRONLY, 0);
        posix_spawn_file_actions_addopen(&actions, 2, "/dev/null", O_WRONLY, 0);
    }
    *why = posix_spawnp(&pid, argv[0], &actions, NULL, argv, environ);
    posix_spawn_file_actions_destroy(&actions);
    if (*why)
        return -1;
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

/* Does the compiler take the machine flags? One preprocessing of an empty file. */
static bool knows_machine(Ctx *c, Str cc)
{
    Argv a = {c, NULL};
    int why;
    add_compiler(&a, cc);
    add_words(&a, machine_flags);
    add_words(&a, "-E -x c /dev/null");
    add(&a, NULL);
    return spawn_wait(a.words, true, &why) == 0;
}

static Str flags_for(Ctx *c, bool machine)
{
    Str extra = str(c, DGMC_EXTRA_CFLAGS);
    return str_fmt(c, "%s%s%s%s%s", base_flags, machine ? " " : "", machine ? machine_flags : "",
                   *extra ? " " : "", extra);
}

Str cc_flags(Ctx *c)
{
    return flags_for(c, true);
}

static bool fail(Ctx *c, const char *what, const char *name, const char *why)
{
    return diag_error(c, E_WRITE, NOSPAN, str_fmt(c, "%s%s", what, name), why);
}

Str runtime_library(Ctx *c)
{
    return str_fmt(c, "%s/libdgm_%s.a", DGMC_RUNTIME_BUILD, c->f64 ? "f64" : "f32");
}

static char **link_command(Ctx *c, Str cc, Str source, Str target)
{
    Argv a = {c, NULL};
    add_compiler(&a, cc);
    add_words(&a, flags_for(c, knows_machine(c, cc)));
    if (c->f64)
        add(&a, "-DDGM_F64");
    add(&a, str_fmt(c, "-I%s", DGMC_RUNTIME_SOURCE));
    add(&a, source);
    add(&a, "-o");
    add(&a, target);
    add(&a, runtime_library(c));
    if (DGMC_OPENBLAS[0] == '/')
        add(&a, DGMC_OPENBLAS);
    else
        add_words(&a, DGMC_OPENBLAS);
    add_words(&a, "-lpng -lz -ljansson -lm");
    add(&a, NULL);
    return a.words;
}

static bool compile_to(Ctx *c, Str cc, Str source, Str target, Str out)
{
    int why = 0, rc = spawn_wait(link_command(c, cc, source, target), false, &why);
    if (rc < 0) {
        fprintf(c->err, "dgmc: error: cannot run the C compiler `%s`: %s\n"
                        "  help: install gcc or clang, or name one with --cc\n", cc, strerror(why));
        return false;
    }
    if (rc) {
        fprintf(c->err, "dgmc: error: the C compiler `%s` ended with status %d\n"
                        "  help: `dgmc --emit=c` writes the C file\n", cc, rc);
        unlink(target);
        return false;
    }
    if (rename(target, out) == 0)
        return true;
    why = errno;
    unlink(target);
    return fail(c, "", out, strerror(why));
}

bool run_cc(Ctx *c, const char *cc, const Out *text, Str out)
{
    const char *tmp = getenv("TMPDIR");
    Str safe = safe_path(c, out);
    char *dir = arena_alloc(c->arena, PATH_MAX);
    snprintf(dir, PATH_MAX, "%s/dgmc-XXXXXX", tmp && *tmp == '/' ? tmp : "/tmp");
    if (!mkdtemp(dir))
        return fail(c, "a file in ", dir, strerror(errno));
    Str source = str_fmt(c, "%s/model.c", dir);
    Str target = str_fmt(c, "%s.%ld.new", safe, (long)getpid());
    bool ok = out_save(c, text, source);
    if (ok && access(".", W_OK) != 0 && !strchr(safe, '/'))
        ok = fail(c, "", out, strerror(errno));
    ok = ok && compile_to(c, cc_name(c, cc), source, target, safe);
    unlink(source);
    rmdir(dir);
    return ok;
}
