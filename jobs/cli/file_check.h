/* jobs/cli/file_check.h: whether one file is what it should be: its seal, if it has one, and all that its format
 * promises
 */
#ifndef ANC_JOBS_CLI_FILE_CHECK_H
#define ANC_JOBS_CLI_FILE_CHECK_H

#include "io/formats/reader.h"
#include <stdbool.h>
#include <stdint.h>

typedef struct {
    bool hdf5;   /* others are text, which has no seal */
    bool sealed; /* and found right */
    int64_t n_views;
} anc_file_found;

/* Reads all of it. Targets, which are ours alone, must be sealed; annotations, features, heads and proposals
 * may have been written by others. how: to read annotations of other formats. Errors: ANC_EDATA (a fault),
 * ANC_ESYSTEM, ANC_EMEMORY, ANC_EARGUMENT; the text starts with the path. */
anc_status anc_file_check(const char *path, const anc_reader_options *how, anc_file_found *found,
                          anc_err *err);

#endif
