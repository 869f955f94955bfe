/* jobs/cli/progress.h: how far the job is, for the person who waits
 *
 * On a terminal one line that is drawn over, at most 10 times a second:
 *     label [==========>           ]  48 %  56,700/118,287 images  9,410 images/s  7 s left
 * otherwise (mpirun, a batch job's log) a line of its own every few seconds:
 *     label: 56,700/118,287 images (47 %)  9,410 images/s  7 s left
 * and nothing when quiet. Only rank 0 makes one.
 */
#ifndef ANC_JOBS_CLI_PROGRESS_H
#define ANC_JOBS_CLI_PROGRESS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

typedef struct {
    FILE *to;
    const char *job, *unit;     /* "label", "images": borrowed */
    int64_t total, first, done; /* first: done by an earlier run, so no part of the rate */
    double start_s, drawn_s, every_s;
    bool quiet, terminal, drawn;
} anc_progress;

/* first of total are done already. every_s is the time between plain lines; 0: the usual 5 s. */
void anc_progress_start(anc_progress *p, FILE *to, bool quiet, const char *job, const char *unit,
                        int64_t first, int64_t total, double every_s);

/* done counts from the beginning of the data set (first included). Cheap enough for every view: 30 ns
 * or so when it is not time to draw. */
void anc_progress_set(anc_progress *p, int64_t done);

/* Ends the line on a terminal, so that what is printed next stands on one of its own. */
void anc_progress_stop(anc_progress *p);

/* The text alone, at elapsed_s after the start, without "\r" or "\n"; width is the terminal's columns,
 * 0 for a plain line. Parts that do not fit are left out, least important first. */
void anc_progress_text(const anc_progress *p, double elapsed_s, int width, char *out, size_t size);

#endif
