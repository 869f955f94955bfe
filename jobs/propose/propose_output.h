/* jobs/propose/propose_output.h: proposals.h5 on its way: shards in OUT.parts/, then one file
 *
 * While a run is at work, OUT.parts/ holds its lock, run.json and the finished shards, each a whole proposals
 * file of some images. When all are there they are joined to OUT, and the folder goes. So OUT is complete or
 * absent, and a run that was ended in any way goes on from its shards.
 */
#ifndef ANC_JOBS_PROPOSE_PROPOSE_OUTPUT_H
#define ANC_JOBS_PROPOSE_PROPOSE_OUTPUT_H

#include "io/file/lock.h"
#include "jobs/propose/propose_shard.h"
#include <stdbool.h>

/* What lies under the output's name already. */
typedef enum {
    ANC_OUTPUT_ABSENT,
    ANC_OUTPUT_DONE,   /* this run's, and whole */
    ANC_OUTPUT_OTHER,  /* of another run */
    ANC_OUTPUT_DAMAGED /* begins as HDF5 does, but cannot be trusted; *err says why */
} anc_output_state;

/* Looks at path. *err: what to say of OTHER and DAMAGED; its code stays ANC_OK otherwise. A file that is no
 * HDF5 is never replaced: state OTHER, and *never is set. */
anc_output_state anc_output_look(const char *path, const char *config, bool *never, anc_err *err);

/* OUT.parts/shard-00007-of-00030.h5; room for PATH_MAX characters. */
void anc_output_shard(char *to, const char *parts, int64_t shard, int64_t n_shards);

/* Holds a shard to the run: its seal, configuration and images. *there: a file has that name. Errors:
 * ANC_EDATA, ANC_ESYSTEM, ANC_EMEMORY; the text starts with the shard's path. */
anc_status anc_output_check_shard(const char *parts, const anc_propose_plan *plan, const char *config,
                                  const anc_features_info *info, const int64_t *order, int64_t shard,
                                  bool *there, anc_err *err);

/* Joins all shards to path. stop ends it: *stopped, and nothing is written. */
anc_status anc_output_join(const char *path, const char *parts, const anc_propose_plan *plan,
                           const char *config, const char *tag, bool (*stop)(void *context), void *context,
                           bool *stopped, anc_err *err);

/* Removes the shards. */
void anc_output_clear(const char *parts, int64_t n_shards);

/* With the lock held, in the end: removes run.json where there is no shard, so that the folder of a run which
 * failed at once can go with its lock (run_folder.h), and one of other options may follow. */
void anc_output_tidy(const char *parts, int64_t n_shards, anc_lock *lock);

#endif
