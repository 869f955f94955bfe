/* jobs/propose/propose_output.c: see propose_output.h */
#include "jobs/propose/propose_output.h"
#include "io/hdf5/h5.h"
#include "io/file/seal.h"
#include "io/store/targets.h"
#include "jobs/cli/run_folder.h"
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

anc_output_state anc_output_look(const char *path, const char *config, bool *never, anc_err *err)
{
    anc_proposals *p = NULL;
    char text[400];
    err->code = ANC_OK;
    *never = false;
    if (anc_h5_look(path) == ANC_H5_NOTHING) return ANC_OUTPUT_ABSENT;
    if (anc_h5_may_replace(path, ANC_PROPOSALS_FORMAT, err)) {
        *never = true;
        return ANC_OUTPUT_OTHER;
    }
    if (anc_seal_check(path, err) || anc_proposals_open(path, &p, err)) return ANC_OUTPUT_DAMAGED;
    bool other = anc_run_differs(anc_proposals_config(p), config, text, sizeof text);
    anc_proposals_close(p);
    if (other)
        anc_fail(err, ANC_EARGUMENT,
                 "%s: is of another run: %s; choose another --output, or give --restart to throw it away",
                 path, text);
    return other ? ANC_OUTPUT_OTHER : ANC_OUTPUT_DONE;
}

void anc_output_shard(char *to, const char *parts, int64_t shard, int64_t n_shards)
{
    char name[64];
    anc_targets_shard_name(name, shard, n_shards);
    snprintf(to, PATH_MAX, "%s/%s", parts, name);
}

anc_status anc_output_check_shard(const char *parts, const anc_propose_plan *plan, const char *config,
                                  const anc_features_info *info, const int64_t *order, int64_t shard,
                                  bool *there, anc_err *err)
{
    char path[PATH_MAX];
    anc_proposals *p;
    int64_t first, n;
    anc_output_shard(path, parts, shard, anc_propose_shards(plan));
    *there = !access(path, F_OK);
    if (!*there)
        return anc_fail(err, errno == ENOENT ? ANC_EDATA : ANC_ESYSTEM, "%s: %s", path, strerror(errno));
    if (anc_seal_check(path, err) || anc_proposals_open(path, &p, err)) return err->code;
    anc_propose_run_of(plan, shard, &first, &n);
    if (!anc_proposals_config(p) || strcmp(anc_proposals_config(p), config))
        anc_fail(err, ANC_EDATA, "%s: is of another run", path);
    else if (anc_proposals_images(p) != n)
        anc_fail(err, ANC_EDATA, "%s: has %lld images, where %lld are meant", path,
                 (long long)anc_proposals_images(p), (long long)n);
    for (int64_t i = 0; !err->code && i < n; i++)
        if (anc_proposals_ids(p)[i] != info->id[order[first + i]])
            anc_fail(err, ANC_EDATA, "%s: has image %lld, where %lld is meant", path,
                     (long long)anc_proposals_ids(p)[i], (long long)info->id[order[first + i]]);
    anc_proposals_close(p);
    return err->code;
}

/* ---- joining ---- */

static anc_status open_shard(const char *parts, int64_t shard, int64_t n_shards, anc_proposals **p,
                             anc_err *err)
{
    char path[PATH_MAX];
    anc_output_shard(path, parts, shard, n_shards);
    return anc_proposals_open(path, p, err);
}

static anc_status append_shard(anc_proposals_out *to, const anc_proposals *p, anc_err *err)
{
    enum { AT_ONCE = 256 }; /* images */
    int64_t n = anc_proposals_images(p);
    for (int64_t i = 0; i < n && !err->code; i += AT_ONCE) {
        anc_proposal_set set;
        if (anc_proposals_read(p, i, n - i < AT_ONCE ? n - i : AT_ONCE, &set, err)) break;
        anc_proposals_append(to, &set, err);
        anc_proposal_set_clear(&set);
    }
    return err->code;
}

anc_status anc_output_join(const char *path, const char *parts, const anc_propose_plan *plan,
                           const char *config, const char *tag, bool (*stop)(void *context), void *context,
                           bool *stopped, anc_err *err)
{
    int64_t n_shards = anc_propose_shards(plan), n = 0;
    anc_proposals_out *to;
    anc_proposals *p;
    for (int64_t s = 0; s < n_shards; s++) {
        if (open_shard(parts, s, n_shards, &p, err)) return err->code;
        n += anc_proposals_count(p);
        anc_proposals_close(p);
    }
    if (anc_proposals_create(path, tag, plan->n_images, n, config, &to, err)) return err->code;
    *stopped = false;
    for (int64_t s = 0; s < n_shards && !err->code && !*stopped; s++) {
        if (open_shard(parts, s, n_shards, &p, err)) break;
        append_shard(to, p, err);
        anc_proposals_close(p);
        *stopped = stop(context);
    }
    if (!err->code && !*stopped) return anc_proposals_commit(to, err);
    anc_proposals_abandon(to);
    return err->code;
}

void anc_output_clear(const char *parts, int64_t n_shards)
{
    char path[PATH_MAX];
    for (int64_t s = 0; s < n_shards; s++) {
        anc_output_shard(path, parts, s, n_shards);
        unlink(path);
    }
}

void anc_output_tidy(const char *parts, int64_t n_shards, anc_lock *lock)
{
    char path[PATH_MAX];
    bool any = false;
    for (int64_t s = 0; s < n_shards && !any; s++) {
        anc_output_shard(path, parts, s, n_shards);
        any = !access(path, F_OK);
    }
    snprintf(path, sizeof path, "%s/run.json", parts);
    if (!any && !anc_lock_lost(lock)) unlink(path);
}
