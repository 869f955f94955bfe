/* jobs/inspect/inspect_views.h: what `anchorage inspect` finds and tells alike of targets of both stages */
#ifndef ANC_JOBS_INSPECT_INSPECT_VIEWS_H
#define ANC_JOBS_INSPECT_INSPECT_VIEWS_H

#include "io/store/targets_read.h"
#include "jobs/inspect/inspect.h"

enum { ANC_INSPECT_RANGES = 32, ANC_INSPECT_PARTS = 4 };

/* Zeroed, then fed all views. */
typedef struct {
    int64_t flipped, least_batch, most_batch;
    int32_t low_size[2], high_size[2], low_padded[2], high_padded[2], first_epoch, last_epoch;
    int64_t count[3];                  /* positives, negatives, ignored */
    int64_t range[ANC_INSPECT_RANGES]; /* views with 0, 1, 2-3, 4-7, ... positives */
    double sum[ANC_INSPECT_PARTS], squares[ANC_INSPECT_PARTS], low[ANC_INSPECT_PARTS],
        high[ANC_INSPECT_PARTS]; /* of targets, shifted by what the first one is */
    double shift[ANC_INSPECT_PARTS];
    int64_t n_targets, gt, used;
    int64_t met;  /* objects that have a positive: of all where these are kept, else of the minibatches */
    int32_t *one; /* scratch [capacity] */
    int64_t capacity;
    bool out_of_memory; /* then met is not whole */
} anc_view_diagnostics;

void anc_inspect_forget(anc_view_diagnostics *f); /* frees */

/* One view of t, whose minibatch has n_batch rows; first: it is the first of all. */
void anc_inspect_view(anc_view_diagnostics *f, const anc_targets *t, int64_t v, int64_t n_batch, bool first);

/* The targets and boxes of all views of t. */
void anc_inspect_positives(anc_view_diagnostics *f, const anc_targets *t);

void anc_inspect_widen(int32_t low[2], int32_t high[2], const int32_t *x, bool first);

/* All there is to say of targets of the second stage (inspect_rois.c). */
anc_status anc_inspect_rois(const char *path, anc_targets_file *file, const anc_inspect *o, anc_err *err);

/* Title, format, version, configuration in short; `what`: "training targets". */
void anc_inspect_head(const char *path, const anc_targets_info *info, const char *what);

/* A line of views, and a line each of positives, negatives, ignored. */
void anc_inspect_print_views(const anc_view_diagnostics *f, int64_t views);
void anc_inspect_print_counts(const anc_view_diagnostics *f, int64_t views);
/* Positives per object, and objects with none, as far as the file tells; what: "anchor". */
void anc_inspect_print_objects(const anc_view_diagnostics *f, const anc_targets_info *info, const char *what);
void anc_inspect_print_ranges(const anc_view_diagnostics *f, int64_t views);
void anc_inspect_print_targets(const anc_view_diagnostics *f);

/* The first `wanted` views, a line each; sampled: the kind of rows that minibatches are of. */
anc_status anc_inspect_print_some(anc_targets_file *file, anc_rows sampled, int64_t wanted, anc_err *err);

/* Reads all views in runs and hands them to add. */
anc_status anc_inspect_read(anc_targets_file *file,
                            void (*add)(void *context, const anc_targets *t, bool first), void *context,
                            anc_err *err);

#endif
