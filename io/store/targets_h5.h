/* io/store/targets_h5.h: one HDF5 file of targets, shard or index, with its datasets open; for targets_read.c */
#ifndef ANC_IO_STORE_TARGETS_H5_H
#define ANC_IO_STORE_TARGETS_H5_H

#include "io/store/targets_table.h"

enum { ANC_OFFSETS_AT_ONCE = 8192 }; /* entries that a pass over offsets holds in memory */

/* One HDF5 file, shard or index, its datasets open. */
typedef struct {
    anc_h5_file file;
    anc_stage stage;
    bool index; /* its columns are maps of other files, not to be read */
    int32_t n_levels;
    bool with[ANC_ROWS_KINDS];
    int64_t n[ANC_ROWS_KINDS];
    anc_h5_data offset[ANC_ROWS_KINDS], column[ANC_N_COLUMNS];
    char *config;
} anc_targets_h5;

/* Checks format, kinds, shapes and offsets. Errors: ANC_EDATA, ANC_ESYSTEM, ANC_EMEMORY, naming path; *p is zeroed
 * then. */
anc_status anc_targets_h5_open(anc_targets_h5 *p, const char *path, anc_err *err);
void anc_targets_h5_close(anc_targets_h5 *p);

/* Entries [first, first + n) of the offsets of kind k. */
anc_status anc_targets_h5_offsets(const anc_targets_h5 *p, int k, int64_t first, int64_t n, int64_t *out,
                                  anc_err *err);

#endif
