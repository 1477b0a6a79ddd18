/* spin.c - how long a thread that waits for the others keeps its core.
 *
 * Idea: OpenMP lets it spin for milliseconds, which is ruinous where other programs want the cores:
 * the thread that is waited for has none, while the one that waits has. A thousand turns, some 20
 * microseconds, cover the waits between pieces of one step; then it sleeps. A process can be told
 * so by the environment that it begins with alone, so it begins again.
 */
#include "cli/cli.h"

#include <stdlib.h>
#include <unistd.h>

void spin_briefly(char **argv)
{
    if (getenv("OMP_WAIT_POLICY") != NULL || getenv("GOMP_SPINCOUNT") != NULL)
        return;
    if (setenv("GOMP_SPINCOUNT", "1000", 1) == 0 && setenv("KMP_BLOCKTIME", "1", 0) == 0)
        execv("/proc/self/exe", argv);           /* where there is none it goes on as it is */
}
