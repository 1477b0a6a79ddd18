/* progress.c - what a person sees while the trainer works; everything goes to stderr.
 *
 * On a terminal one line is redrawn at most ten times a second. Otherwise (a pipe, a log file,
 * TERM=dumb, CI) plain lines appear: the first, the last, and at most one in ten seconds between,
 * without any control character. Nothing here changes the course of training.
 */
#include "train/train.h"

#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#define BAR_CELLS 24
#define SECONDS_PER_FRAME 0.1
#define SECONDS_PER_LINE 10.0

double clock_seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static bool terminal_redraws(void)
{
    const char *term = getenv("TERM"), *ci = getenv("CI");

    return isatty(STDERR_FILENO) && term != NULL && strcmp(term, "dumb") != 0
           && (ci == NULL || ci[0] == '\0');
}

Progress progress_begin(const char *what, uint64_t first, uint64_t total, bool quiet)
{
    Progress p = {.what = what, .first = first, .total = total, .quiet = quiet};

    p.redraw = terminal_redraws();
    p.start = clock_seconds();
    p.shown = p.start - SECONDS_PER_LINE;            /* the first report is shown */
    return p;
}

/* "1:02:03" or "4:05". */
static void print_duration(FILE *f, double seconds)
{
    long s = (long)(seconds + 0.5);

    if (s >= 3600)
        fprintf(f, "%ld:%02ld:%02ld", s / 3600, s / 60 % 60, s % 60);
    else
        fprintf(f, "%ld:%02ld", s / 60, s % 60);
}

double progress_rate(const Progress *p, uint64_t done)
{
    double elapsed = clock_seconds() - p->start;

    return elapsed > 0 ? (double)(done - p->first) / elapsed : 0;
}

static void draw_bar(double share)
{
    int full = (int)(share * BAR_CELLS + 0.5);

    fputc('[', stderr);
    for (int i = 0; i < BAR_CELLS; i++)
        fputc(i < full ? '=' : i == full ? '>' : ' ', stderr);
    fprintf(stderr, "] %3.0f%%", 100 * share);
}

static void draw(const Progress *p, uint64_t done, const char *text, const char *unit)
{
    double rate = progress_rate(p, done);
    double share = p->total > 0 ? (double)done / (double)p->total : 1;

    if (p->redraw) {
        fprintf(stderr, "\r\033[K%s ", p->what);
        draw_bar(share);
    } else {
        fprintf(stderr, "%s %llu/%llu", p->what, (unsigned long long)done,
                (unsigned long long)p->total);
    }
    if (text[0] != '\0')
        fprintf(stderr, "  %s", text);
    if (rate > 0) {
        fprintf(stderr, rate < 10 ? "  %.2f %s" : "  %.0f %s", rate, unit);
        if (done < p->total) {
            fprintf(stderr, "  ETA ");
            print_duration(stderr, (double)(p->total - done) / rate);
        }
    }
    if (!p->redraw)
        fputc('\n', stderr);
    fflush(stderr);
}

bool progress_due(const Progress *p)
{
    double wait = p->redraw ? SECONDS_PER_FRAME : SECONDS_PER_LINE;

    return !p->quiet && clock_seconds() - p->shown >= wait;
}

void progress_show(Progress *p, uint64_t done, const char *text, const char *unit)
{
    if (p->quiet)
        return;
    draw(p, done, text, unit);
    p->shown = clock_seconds();
    p->drawn = true;
}

void progress_end(Progress *p, uint64_t done, const char *text, const char *unit)
{
    if (p->quiet)
        return;
    draw(p, done, text, unit);
    if (p->redraw)
        fputc('\n', stderr);
}

void progress_break(Progress *p)
{
    if (!p->quiet && p->redraw && p->drawn)
        fprintf(stderr, "\r\033[K");
    p->drawn = false;
}
