/* signals.c - being asked to stop: finish the step, save, then die by the same signal.
 *
 * The first SIGTERM or SIGINT only sets a flag, which the loop reads once a step; the second one
 * ends the process at once (the last complete checkpoint stands, for a save is atomic). SIGUSR1
 * asks for a checkpoint without stopping. The process finally re-raises the signal, so that a
 * parent sees 130 or 143 and not a made-up exit code. A file size limit (ulimit -f) is an errno to
 * every command, not a death.
 *
 * A signal handler has no argument to carry a context, hence the two flags of this file: they are
 * the only mutable file-scope variables of the runtime, are of the type that C allows in handlers,
 * and are reset by signals_begin.
 */
#include "session/session.h"

#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

static volatile sig_atomic_t stop_signal;
static volatile sig_atomic_t save_signal;

static void on_stop(int number)
{
    static const char text[] = "\nstopping after this step; once more to stop at once\n";

    stop_signal = number;
    if (write(STDERR_FILENO, text, sizeof text - 1) < 0)
        stop_signal = number;                        /* nobody listens: stop all the same */
}

static void on_save(int number)
{
    save_signal = number;
}

static void handle(int number, void (*handler)(int), int flags)
{
    struct sigaction action;

    memset(&action, 0, sizeof action);
    sigemptyset(&action.sa_mask);
    action.sa_handler = handler;
    action.sa_flags = flags;
    sigaction(number, &action, NULL);
}

void signals_file_limit(void)
{
    handle(SIGXFSZ, SIG_IGN, 0);        /* so that write fails with EFBIG, and names the file */
}

void signals_begin(void)
{
    stop_signal = 0;
    save_signal = 0;
    handle(SIGTERM, on_stop, SA_RESETHAND | SA_RESTART);
    handle(SIGINT, on_stop, SA_RESETHAND | SA_RESTART);
    handle(SIGUSR1, on_save, SA_RESTART);
    handle(SIGPIPE, SIG_IGN, 0);        /* a closed terminal or pipe must not kill a long run */
}

void signals_end(void)
{
    handle(SIGTERM, SIG_DFL, 0);
    handle(SIGINT, SIG_DFL, 0);
    handle(SIGUSR1, SIG_DFL, 0);
    handle(SIGPIPE, SIG_DFL, 0);
}

int signals_stop(void)
{
    return stop_signal;
}

bool signals_save(void)
{
    bool asked = save_signal != 0;

    save_signal = 0;
    return asked;
}

_Noreturn void signals_reraise(int number)
{
    fflush(NULL);                       /* the signal ends the process without doing it */
    sigset_t set;

    handle(number, SIG_DFL, 0);
    sigemptyset(&set);
    sigaddset(&set, number);
    sigprocmask(SIG_UNBLOCK, &set, NULL);
    raise(number);
    _exit(128 + number);                             /* not reached: the default action is death */
}
