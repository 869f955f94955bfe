/* io/targets_table.h: the datasets of anchorage-targets and anchorage-roi-targets, shared by what writes and
 * what reads them */
#ifndef ANC_IO_TARGETS_TABLE_H
#define ANC_IO_TARGETS_TABLE_H

#include "io/h5.h"
#include "io/targets.h"

enum { ANC_TARGETS_LEVELS = -1 }; /* a dimension as large as the number of levels */

/* The datasets that are not offsets: indices of anc_targets.column. */
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
    ANC_N_COLUMNS
};

typedef struct {
    const char *name;
    anc_rows rows;
    anc_h5_type type;
    int rank;
    int dim1, dim2;  /* 0: none */
    int64_t missing; /* what the index gives for a row whose shard is not there; NaN for floats */
    const char *units, *description;
} anc_targets_column;

typedef enum { ANC_NEVER, ANC_ALWAYS, ANC_OPTIONAL } anc_presence;

typedef struct {
    const char *group;
    const char *offset_of;    /* description of its offset; NULL: it has none */
    anc_presence presence[2]; /* by stage */
} anc_targets_kind;

extern const anc_targets_column anc_targets_columns[ANC_N_COLUMNS];
extern const anc_targets_kind anc_targets_kinds[ANC_ROWS_KINDS];

/* Whether targets with these kinds of rows have the column: those of the second stage have no levels, and no
 * grids. */
bool anc_targets_has(const bool with[ANC_ROWS_KINDS], int32_t n_levels, int column);

/* The column as a dataset of n rows. */
anc_h5_spec anc_targets_spec(int column, int64_t n, int32_t n_levels);
size_t anc_targets_row_bytes(int column, int32_t n_levels);

#endif
