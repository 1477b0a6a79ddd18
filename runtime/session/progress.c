/* progress.c - what a person sees while the trainer works; everything goes to stderr.
 *
 * On a terminal one line, never wider than it, is redrawn at most ten times a second. Otherwise (a
 * pipe, a log file, TERM=dumb, CI) plain lines appear: the first, the last, and at most one in ten
 * seconds between, without any control character. Nothing here changes the course of training.
 */
#include "session/session.h"

#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

#define BAR_CELLS 24
#define BAR_LEAST 11                   /* columns; a smaller bar says less than the percentage */
#define PART 200
#define SECONDS_PER_FRAME 0.1
#define SECONDS_PER_LINE 10.0

double clock_seconds(void)
{
    struct timespec t;

    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

Progress progress_begin(const char *what, uint64_t first, uint64_t total, bool quiet)
{
    Progress p = {.what = what, .first = first, .total = total, .quiet = quiet};

    p.redraw = dgm_stderr_redraws();
    p.start = clock_seconds();
    p.shown = p.start - SECONDS_PER_LINE;            /* the first report is shown */
    return p;
}

double progress_rate(const Progress *p, uint64_t done)
{
    double elapsed = clock_seconds() - p->start;

    return elapsed > 0 ? (double)(done - p->first) / elapsed : 0;
}

/* ---- the line ------------------------------------------------------------------------------- */

typedef struct Line {                  /* what stands behind the count or the bar; "" for nothing */
    char text[PART], rate[PART], eta[PART];
} Line;

/* "1:02:03" or "4:05". */
static void duration_text(double seconds, char *text, size_t size)
{
    long s = seconds < 1e9 ? (long)(seconds + 0.5) : 1000000000;

    if (s >= 3600)
        snprintf(text, size, "  ETA %ld:%02ld:%02ld", s / 3600, s / 60 % 60, s % 60);
    else
        snprintf(text, size, "  ETA %ld:%02ld", s / 60, s % 60);
}

static Line line_make(const Progress *p, uint64_t done, const char *text, const char *unit)
{
    double rate = progress_rate(p, done);
    Line l = {"", "", ""};

    if (text[0] != '\0')
        snprintf(l.text, sizeof l.text, "  %s", text);
    if (rate > 0) {
        snprintf(l.rate, sizeof l.rate, rate < 10 ? "  %.2f %s" : "  %.0f %s", rate, unit);
        if (done < p->total)
            duration_text((double)(p->total - done) / rate, l.eta, sizeof l.eta);
    }
    return l;
}

static int columns(void)
{
    struct winsize w;

    return ioctl(STDERR_FILENO, TIOCGWINSZ, &w) == 0 && w.ws_col > 0 ? w.ws_col : 80;
}

/* Makes the line fit: the rate goes first, then items of the text from the right, each whole.
 * Returns the columns that are left over. */
static int line_fit(Line *l, int room)
{
    room -= (int)(strlen(l->text) + strlen(l->rate) + strlen(l->eta));
    if (room < BAR_LEAST) {
        room += (int)strlen(l->rate);
        l->rate[0] = '\0';
    }
    while (room < 0 && l->text[0] != '\0') {
        char *last = l->text;

        for (char *at = l->text; (at = strstr(at + 1, "  ")) != NULL;)
            last = at;
        room += (int)strlen(last);
        *last = '\0';
    }
    return room;
}

/* "[=====>    ] " in the given columns, or "" if they are too few. */
static void bar_text(double share, int room, char *text)
{
    int cells = room - 3 < BAR_CELLS ? room - 3 : BAR_CELLS, full = (int)(share * cells + 0.5);

    text[0] = '\0';
    if (room < BAR_LEAST)
        return;
    *text++ = '[';
    for (int i = 0; i < cells; i++)
        *text++ = i < full ? '=' : i == full ? '>' : ' ';
    strcpy(text, "] ");
}

/* One write a frame, and what was there is covered before the rest is cleared: no flicker. */
static void draw(const Progress *p, uint64_t done, const char *text, const char *unit)
{
    Line l = line_make(p, done, text, unit);
    double share = p->total > 0 ? (double)done / (double)p->total : 1;

    if (p->redraw) {
        char bar[BAR_CELLS + 4];
        int room = columns() - 1 - (int)strlen(p->what) - (int)strlen(" 100%");

        bar_text(share, line_fit(&l, room), bar);
        fprintf(stderr, "\r%s %s%3.0f%%%s%s%s\033[K", p->what, bar, 100 * share, l.text, l.rate,
                l.eta);
    } else {
        fprintf(stderr, "%s %llu/%llu%s%s%s\n", p->what, (unsigned long long)done,
                (unsigned long long)p->total, l.text, l.rate, l.eta);
    }
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
