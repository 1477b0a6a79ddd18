/* cache.c - trainers that `dgmc run` has compiled before, by the C text that they were made from.
 *
 * DIR/HASH/ holds the trainer `model`, the text model.c and `made_by`, which names the C compiler
 * and the runtime: its path, size and time. DIR is $DGMC_CACHE, else $XDG_CACHE_HOME/dgmc, else
 * $HOME/.cache/dgmc, else a folder of the user's own in /tmp. An entry counts only if both files
 * are the same to the last byte, so a collision of hashes, an update or another dgmc costs a
 * compilation, never a wrong answer. Entries may be deleted at any time.
 */
#include <errno.h>
#include <limits.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "emit.h"

static Str cache_root(Ctx *c)
{
    const char *own = getenv("DGMC_CACHE"), *xdg = getenv("XDG_CACHE_HOME"), *home = getenv("HOME");
    if (own && *own)
        return *own == '/' ? str(c, own) : str_fmt(c, "./%s", own);
    if (xdg && *xdg == '/')
        return str_fmt(c, "%s/dgmc", xdg);
    if (home && *home == '/')
        return str_fmt(c, "%s/.cache/dgmc", home);
    return str_fmt(c, "/tmp/dgmc-cache-%ld", (long)getuid());
}

/* FNV-1a, 64 bits (Fowler, Noll & Vo), from that of the text before. */
static const uint64_t HASH_BASIS = 0xcbf29ce484222325u;

static uint64_t hash_text(uint64_t h, const Out *o)
{
    size_t n;
    const char *text = out_text(o, &n);
    for (size_t i = 0; i < n; i++)
        h = (h ^ (unsigned char)text[i]) * 0x100000001b3u;
    return h;
}

static bool make_folders(Ctx *c, Str path)
{
    char *copy = memcpy(arena_alloc(c->arena, strlen(path) + 1), path, strlen(path) + 1);
    for (char *p = copy + 1; *p; p++)
        if (*p == '/') {
            *p = 0;
            mkdir(copy, 0700);
            *p = '/';
        }
    if (mkdir(copy, 0700) == 0 || errno == EEXIST)
        return true;
    return diag_error(c, E_WRITE, NOSPAN, str_fmt(c, "the folder %s", path), strerror(errno));
}

static bool same_text(Str path, const Out *o)
{
    FILE *f = fopen(path, "rb");
    bool same = f != NULL;
    char block[4096];
    size_t n, at = 0;
    const char *text = out_text(o, &n);
    while (same) {
        size_t got = fread(block, 1, sizeof block, f);
        if (got == 0)
            break;
        same = at + got <= n && !memcmp(block, text + at, got);
        at += got;
    }
    if (f)
        fclose(f);
    return same && at == n;
}

static Out *made_by(Ctx *c, const char *cc)
{
    Str runtime = runtime_library(c);
    struct stat s;
    Out *o = out_new(c);
    bool found = stat(runtime, &s) == 0;
    out_printf(o, "%s\n%s\n", cc_name(c, cc), runtime);
    if (found)
        out_printf(o, "%lld bytes, %lld.%09ld s\n", (long long)s.st_size,
                   (long long)s.st_mtim.tv_sec, s.st_mtim.tv_nsec);
    return o;
}

Str cached_trainer(Ctx *c, const char *cc, const Out *text)
{
    const Out *maker = made_by(c, cc);
    Str folder = str_fmt(c, "%s/%016llx", cache_root(c),
                         (unsigned long long)hash_text(hash_text(HASH_BASIS, maker), text));
    Str source = str_fmt(c, "%s/model.c", folder), trainer = str_fmt(c, "%s/model", folder);
    Str stamp = str_fmt(c, "%s/made_by", folder);
    if (same_text(source, text) && same_text(stamp, maker) && access(trainer, X_OK) == 0)
        return trainer;
    if (!make_folders(c, folder))
        return NULL;
    unlink(stamp);                     /* it vouches for the trainer: last to be written */
    if (isatty(2))
        fprintf(c->err, "compiling ..");
    bool ok = run_cc(c, cc, text, trainer);
    if (isatty(2))
        fprintf(c->err, "\r            \r");
    return ok && out_save(c, text, source) && out_save(c, maker, stamp) ? trainer : NULL;
}
