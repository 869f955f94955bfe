/* core/gather.h: views labelled one after the other, their training targets gathered as columns
 *
 * What a shard holds, and what the library hands out: flat arrays beside offsets over the views
 * (docs/FORMAT.md). Both come from here, so they are the same bytes.
 */
#ifndef ANC_CORE_GATHER_H
#define ANC_CORE_GATHER_H

#include "core/label.h"
#include "core/roi.h"

/* Kinds of rows; each but the views has an offset array over the views. */
typedef enum {
    ANC_ROWS_VIEWS,
    ANC_ROWS_MINIBATCH,
    ANC_ROWS_POSITIVES,
    ANC_ROWS_ASSIGNMENT,             /* optional: every positive and ignored anchor */
    ANC_ROWS_LABELS,                 /* optional: the label of every anchor */
    ANC_ROWS_GT,                     /* optional: the view's annotated boxes */
    ANC_ROWS_ROIS,                   /* the second stage's minibatch */
    ANC_ROWS_KINDS,                  /* those that files have; and one that they have not: */
    ANC_ROWS_FARES = ANC_ROWS_KINDS, /* optional: how each annotated box fared in matching */
    ANC_ROWS_ALL
} anc_rows;

enum { ANC_COLUMN_LEVELS = -1 }; /* a dimension as large as the number of levels */

/* The columns that are not offsets: indices of anc_targets.column. */
enum {
    ANC_VIEWS_IMAGE_ID,
    ANC_VIEWS_EPOCH,
    ANC_VIEWS_FLIP,
    ANC_VIEWS_SIZE,
    ANC_VIEWS_PADDED_SIZE,
    ANC_VIEWS_SCALE,
    ANC_VIEWS_GRID,
    ANC_VIEWS_COUNT,
    ANC_MINIBATCH_ANCHOR,
    ANC_MINIBATCH_LABEL,
    ANC_POSITIVES_TARGET,
    ANC_POSITIVES_GT,
    ANC_ASSIGNMENT_ANCHOR,
    ANC_ASSIGNMENT_GT,
    ANC_LABELS_LABEL,
    ANC_GT_XYXY,
    ANC_GT_CATEGORY,
    ANC_GT_CROWD,
    ANC_GT_USED,
    ANC_ROIS_XYXY,
    ANC_ROIS_LABEL,
    ANC_ROIS_PROPOSAL,
    ANC_N_COLUMNS, /* those that files have; and those that they have not: */
    ANC_VIEWS_STRIDE = ANC_N_COLUMNS,
    ANC_FARES_IOU,
    ANC_FARES_POSITIVES,
    ANC_ALL_COLUMNS
};

/* A column's rows, and their shape: bytes of an element, and how many; 0: no such dimension. */
typedef struct {
    anc_rows rows;
    int32_t bytes, dim1, dim2;
} anc_column;
extern const anc_column anc_columns[ANC_ALL_COLUMNS];

/* What is kept on request. */
typedef struct {
    bool assignment, labels, gt, fares;
} anc_kept;

/* Which kinds of rows the targets of a stage keep. */
void anc_targets_kept(anc_stage stage, anc_kept asked, bool with[ANC_ROWS_ALL]);

/* Whether targets with these kinds of rows have the column: those of the second stage have no levels, and no
 * grids. */
bool anc_targets_has(const bool *with, int32_t n_levels, int column);
size_t anc_targets_row_bytes(int column, int32_t n_levels);

typedef struct {
    bool with[ANC_ROWS_ALL]; /* which kinds are kept */
    int32_t n_levels;        /* 0: of the second stage, which has none */
    int64_t n[ANC_ROWS_ALL]; /* rows so far */
    int64_t capacity[ANC_ROWS_ALL];
    int64_t *offset[ANC_ROWS_ALL]; /* [n views + 1] */
    void *column[ANC_ALL_COLUMNS];
} anc_targets;

/* Empty targets for a stage of the rules; anc_targets_reset empties them again and keeps the memory. Errors:
 * ANC_EMEMORY. */
anc_status anc_targets_init(anc_targets *t, const anc_rules *rules, anc_kept asked, anc_err *err);
void anc_targets_reset(anc_targets *t);
void anc_targets_clear(anc_targets *t);

/* Appends the labeller's latest view. Errors: ANC_EMEMORY. */
anc_status anc_targets_append(anc_targets *t, anc_labeller *l, anc_err *err);

/* Appends the second stage of the view that the labeller has placed and whose RoIs r has. Errors:
 * ANC_EMEMORY; ANC_EDATA, a matched box of a category that is none of the classes. */
anc_status anc_targets_append_rois(anc_targets *t, const anc_labeller *l, const anc_rois *r,
                                   const anc_classes *classes, anc_err *err);

/* Seconds that each stage took, added up; core/ has no clock of its own. */
typedef enum {
    ANC_STEP_PLACE,
    ANC_STEP_MATCH,
    ANC_STEP_SAMPLE,
    ANC_STEP_ENCODE,
    ANC_STEP_GATHER,
    ANC_STEPS
} anc_step;
typedef struct {
    double (*now)(void);
    double s[ANC_STEPS];
} anc_steps_clock;

/* One view from its annotation to its rows: place, match, sample, encode, append. This is the one way to
 * label; the program and the library both go it. clock: NULL when nobody asks. Errors: those of the stages.
 */
anc_status anc_label_view(anc_labeller *l, const anc_label_image *image, anc_targets *t,
                          anc_steps_clock *clock, anc_err *err);

/* The same of the second stage: proposal [n], original pixels, or view pixels as image->in_view says. */
anc_status anc_label_rois(anc_labeller *l, anc_rois *rois, const anc_label_image *image,
                          const double (*proposal)[4], int32_t n, const anc_classes *classes, anc_targets *t,
                          anc_steps_clock *clock, anc_err *err);

#endif
