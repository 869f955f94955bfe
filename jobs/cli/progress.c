/* jobs/cli/progress.c: see progress.h */
#include "jobs/cli/progress.h"
#include "jobs/cli/clock.h"
#include "jobs/cli/format.h"
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

/* Whole percent, rounded down: 100 means all. */
static int percent(const anc_progress *p)
{
    if (p->total <= 0) return 100;
    return (int)((double)p->done / (double)p->total * 100);
}

static void bar(int percent_done, int width, char *out)
{
    int full = width * percent_done / 100;
    memset(out, '=', (size_t)full);
    memset(out + full, ' ', (size_t)(width - full));
    if (full < width) out[full] = '>';
    out[width] = '\0';
}

void anc_progress_text(const anc_progress *p, double elapsed_s, int width, char *out, size_t size)
{
    int64_t here = p->done - p->first;
    double rate = elapsed_s > 0 ? (double)here / elapsed_s : 0;
    char count[192], speed[128] = "", left[96] = "";
    snprintf(count, sizeof count, "%s/%s %.32s", anc_format_count(p->done).text,
             anc_format_count(p->total).text, p->unit);
    if (rate > 0) {
        snprintf(speed, sizeof speed, "  %s %.32s/s", anc_format_rate(rate).text, p->unit);
        if (p->done < p->total)
            snprintf(left, sizeof left, "  %s left",
                     anc_format_time((double)(p->total - p->done) / rate).text);
    }
    if (width == 0) {
        snprintf(out, size, "%s: %s (%d %%)%s%s", p->job, count, percent(p), speed, left);
        return;
    }

    enum { SHORTEST = 10, LONGEST = 40 };
    char text[512], drawing[LONGEST + 1];
    int capacity = width - 1; /* the last column makes some terminals wrap */
    int n = snprintf(text, sizeof text, "%3d %%  %s%s%s", percent(p), count, speed, left);
    if (n > capacity) n = snprintf(text, sizeof text, "%3d %%  %s%s", percent(p), count, left);
    if (n > capacity) n = snprintf(text, sizeof text, "%3d %%%s", percent(p), left);
    int wide = capacity - n - (int)strlen(p->job) - 4; /* " [" and "] " */
    if (wide < SHORTEST) {
        snprintf(out, size, "%.*s", capacity > 0 ? capacity : 0, text);
        return;
    }
    bar(percent(p), wide < LONGEST ? wide : LONGEST, drawing);
    snprintf(out, size, "%s [%s] %s", p->job, drawing, text);
}

static int columns(FILE *to)
{
    struct winsize w;
    if (ioctl(fileno(to), TIOCGWINSZ, &w) || w.ws_col == 0) return 80;
    return w.ws_col;
}

static void draw(anc_progress *p, double now)
{
    char text[1024];
    anc_progress_text(p, now - p->start_s, p->terminal ? columns(p->to) : 0, text, sizeof text);
    /* "\033[K" clears what a longer line before left behind. */
    fprintf(p->to, p->terminal ? "\r%s\033[K" : "%s\n", text);
    fflush(p->to);
    p->drawn_s = now;
    p->drawn = true;
}

void anc_progress_start(anc_progress *p, FILE *to, bool quiet, const char *job, const char *unit,
                        int64_t first, int64_t total, double every_s)
{
    double now = anc_now_s();
    *p = (anc_progress){ .to = to,
                         .job = job,
                         .unit = unit,
                         .total = total,
                         .first = first,
                         .done = first,
                         .start_s = now,
                         .drawn_s = now,
                         .quiet = quiet,
                         .terminal = isatty(fileno(to)) };
    p->every_s = p->terminal ? 0.1 : every_s > 0 ? every_s : 5;
    if (p->terminal && !quiet) draw(p, now);
}

void anc_progress_set(anc_progress *p, int64_t done)
{
    p->done = done;
    if (p->quiet) return;
    double now = anc_now_s();
    if (now - p->drawn_s >= p->every_s) draw(p, now);
}

void anc_progress_stop(anc_progress *p)
{
    if (p->quiet || !p->terminal) return;
    draw(p, anc_now_s());
    fputc('\n', p->to);
    fflush(p->to);
}
