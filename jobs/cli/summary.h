/* jobs/cli/summary.h: the file of --summary-json, which must not take the place of anything that the run reads or
 * writes */
#ifndef ANC_JOBS_CLI_SUMMARY_H
#define ANC_JOBS_CLI_SUMMARY_H

#include "core/err.h"
#include <stdio.h>

/* Before the work: can what an option ("--summary-json") names be written, and is that no file of the run's?
 * `reads` are n files that the run reads or writes (NULL ones are skipped); folder, when not NULL, is its
 * output folder, which exists: its shards, index, run.json and locks are the run's own. Existing HDF5 files
 * are refused in any case. Errors: ANC_EARGUMENT, by name. */
anc_status anc_summary_check(const char *option, const char *path, const char *const *reads, int n,
                             const char *folder, anc_err *err);

/* Writes what print says of context, complete or not at all; into path itself where that is no ordinary file
 * (/dev/stdout). Errors: ANC_ESYSTEM, ANC_EMEMORY. */
anc_status anc_summary_write(const char *path, void (*print)(const void *context, FILE *to),
                             const void *context, anc_err *err);

#endif
