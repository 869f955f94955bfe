/* jobs/label/shard_check.h: is a shard, or the index, what its run says it must be */
#ifndef ANC_JOBS_LABEL_SHARD_CHECK_H
#define ANC_JOBS_LABEL_SHARD_CHECK_H

#include "jobs/label/label_shard.h"

typedef struct {
    const char *dir, *config, *version;
    const anc_label_plan *plan;
} anc_run_of_shards;

/* Holds one shard to the run: its seal over every byte, format, version, configuration, number, views, kinds
 * of rows, offsets; with `rows` also every row to what docs/FORMAT.md promises. *there: a file has that name.
 * Errors: ANC_EDATA (missing or wrong), ANC_ESYSTEM, ANC_EMEMORY; the text starts with the shard's path. */
anc_status anc_shard_check(const anc_run_of_shards *r, int64_t shard, bool rows, bool *there, anc_err *err);

/* The index: its seal, configuration, version and number of shards. What it says of the shards is for
 * anc_targets_open. */
anc_status anc_index_check(const anc_run_of_shards *r, bool *there, anc_err *err);

/* Whether a whole index says where its views are and names the data set's images as images does. Errors:
 * ANC_EDATA, with the index's path: another name, or an index of an earlier build, which says neither
 * (*earlier). */
anc_status anc_index_names_check(const anc_run_of_shards *r, const anc_dataset *images, bool *earlier,
                                 anc_err *err);

#endif
