/* std.h - the library, lang/std, as the build embeds it (compiler/embed.cmake). */
#ifndef DGMC_STD_H
#define DGMC_STD_H

#include <stddef.h>

typedef struct StdFile {
    const char *name;                  /* path in the repository: lang/std/dist/normal.dgm */
    const char *text;                  /* NUL-terminated */
    size_t n;                          /* its bytes */
} StdFile;

extern const StdFile std_files[];      /* sorted by name */
extern const size_t std_files_count;

#endif
