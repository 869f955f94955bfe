/* io/store/targets_table.h: the datasets of anchorage-targets and anchorage-roi-targets, shared by what writes and
 * what reads them */
#ifndef ANC_IO_STORE_TARGETS_TABLE_H
#define ANC_IO_STORE_TARGETS_TABLE_H

#include "io/hdf5/h5.h"
#include "io/store/targets.h"

typedef struct {
    const char *name;
    anc_h5_type type;
    int rank;
    int64_t missing; /* what the index gives for a row whose shard is not there; NaN for floats */
    const char *units, *description;
} anc_targets_column;

typedef struct {
    const char *group;
    const char *offset_of; /* description of its offset; NULL: it has none */
} anc_targets_kind;

extern const anc_targets_column anc_targets_columns[ANC_N_COLUMNS];
extern const anc_targets_kind anc_targets_kinds[ANC_ROWS_KINDS];

/* The column as a dataset of n rows. */
anc_h5_spec anc_targets_spec(int column, int64_t n, int32_t n_levels);

#endif
