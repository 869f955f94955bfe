/* io/store/targets.h: the training targets of a run of views (core/gather.h), written as one shard; and the index
 *
 * Both kinds of file have the same format, "anchorage-targets" or, for the second stage,
 * "anchorage-roi-targets", and the same datasets (docs/FORMAT.md). In the index all but the offsets are
 * virtual datasets over the shards, named relative to it, so that the folder can be moved; and it says which
 * shard and row each view is in (io/store/targets_where.h).
 */
#ifndef ANC_IO_STORE_TARGETS_H
#define ANC_IO_STORE_TARGETS_H

#include "core/gather.h"
#include "io/dataset/dataset.h"
#include "io/hdf5/h5.h"
#include "io/file/out.h"

#define ANC_TARGETS_FORMAT     "anchorage-targets"
#define ANC_ROI_TARGETS_FORMAT "anchorage-roi-targets"
enum { ANC_TARGETS_VERSION = 1 };

/* Either format, and a stage of it. */
const char *anc_targets_format(anc_stage stage);

/* The stage of a file that says its format is one of the two, else ANC_STAGE_RPN. Errors: ANC_EDATA,
 * ANC_ESYSTEM. */
anc_status anc_targets_stage_of(const char *path, anc_stage *stage, anc_err *err);

/* What both kinds of file carry besides their rows. */
typedef struct {
    const char *config;         /* JSON: the run's whole configuration */
    const anc_rules *rules;     /* their stage, and for /anchors */
    int64_t shard;              /* which shard this is; of no meaning for an index */
    const char *tag;            /* for the name while it is written, see anc_h5_create_part_as; NULL: none */
    const anc_classes *classes; /* for /classes of the second stage */
    anc_out_cost *cost;         /* of the file's commit, added to until then; NULL: nobody asks */
    const anc_dataset *images;  /* all, with their names, for an index; NULL: it says nothing of them */
} anc_targets_about;

/* Writes one shard, whole or not at all. *n_bytes is the file's size. Its content is on disk before it gets
 * its name; that the name is too is for the caller to see to, once for all shards (anc_out_sync_folder),
 * before the index. */
anc_status anc_targets_write(const anc_targets *t, const char *path, const anc_targets_about *about,
                             int64_t *n_bytes, anc_err *err);

/* The same up to the wait for the disk: *f gets the sealed file, which still has its part's name, for
 * anc_h5_commit or anc_h5_abandon. On errors *f is closed and nothing is left. */
anc_status anc_targets_write_part(const anc_targets *t, const char *path, const anc_targets_about *about,
                                  anc_h5_file *f, int64_t *n_bytes, anc_err *err);

/* shard-00007-of-00030.h5 */
void anc_targets_shard_name(char name[64], int64_t shard, int64_t n_shards);

/* Removes the index, then every shard, whole or part, from dir; other files stay. */
anc_status anc_targets_remove(const char *dir, anc_err *err);

/* Writes dir/targets.h5 over the dir's n_shards shards, of the kinds in with[] and n_levels levels, one shard
 * open at a time. */
anc_status anc_targets_write_index(const char *dir, int64_t n_shards, const bool with[ANC_ROWS_KINDS],
                                   int32_t n_levels, const anc_targets_about *about, int64_t *n_bytes,
                                   anc_err *err);

#endif
