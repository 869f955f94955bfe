/* jobs/train/train_output.c: see train_output.h */
#include "jobs/train/train_output.h"
#include "io/file/files.h"
#include "jobs/cli/stop.h"
#include "jobs/cli/summary.h"
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

/* head.h5 at a step: head-00000500.h5 */
static void name_kept(const anc_train_run *r, int64_t step, char path[PATH_MAX])
{
    size_t n = strlen(r->o.out);
    if (n > 3 && !strcmp(r->o.out + n - 3, ".h5")) n -= 3;
    snprintf(path, PATH_MAX, "%.*s-%08lld.h5", (int)n, r->o.out, (long long)step);
}

/* Whether a file could be a kept checkpoint of this output. */
static bool is_kept_name(const anc_train_run *r, const char *path)
{
    char own[PATH_MAX], folder[2][PATH_MAX];
    long long step;
    int end = 0;
    const char *slash = strrchr(path, '/'), *dash = strrchr(path, '-');
    if (!dash || (slash && dash < slash) || sscanf(dash, "-%8lld.h5%n", &step, &end) != 1 || !end ||
        dash[end])
        return false;
    name_kept(r, step, own);
    const char *mine = strrchr(own, '/');
    if (strcmp(mine ? mine + 1 : own, slash ? slash + 1 : path)) return false;
    for (int k = 0; k < 2; k++) {
        const char *of = k ? own : path, *last = k ? mine : slash;
        snprintf(folder[k], PATH_MAX, "%.*s", last ? (int)(last - of) + 1 : 1, last ? of : ".");
    }
    return anc_same_file(folder[0], folder[1]);
}

anc_status anc_train_check_files(const anc_train_run *r, anc_err *err)
{
    const anc_train_opts *o = &r->o;
    const char *const reads[] = { r->data.info->path, o->paths[1], o->val_features, o->val_annotations,
                                  o->init };
    for (size_t i = 0; i < sizeof reads / sizeof *reads; i++)
        if (anc_same_file(reads[i], o->out))
            return anc_fail(err, ANC_EARGUMENT, "--output %s: the run reads this file; choose another name",
                            o->out);
    if (o->keep && o->init && is_kept_name(r, o->init))
        return anc_fail(
            err, ANC_EARGUMENT,
            "--init %s: is a name that --keep gives to checkpoints of %s, which would replace it; choose "
            "another --output, or copy it",
            o->init, o->out);
    const char *const files[] = { o->paths[0],     o->paths[1],        o->init, o->val_targets,
                                  o->val_features, o->val_annotations, o->out,  o->log };
    if (o->log && anc_summary_check("--log", o->log, files, 7, NULL, err)) return err->code;
    return o->summary ? anc_summary_check("--summary-json", o->summary, files, 8, NULL, err) : ANC_OK;
}

static void say_waiting(const char *owner)
{
    fprintf(stderr, "train: the output was held by %s; looking for 15 s whether it still is\n", owner);
}

anc_status anc_train_lock(const anc_train_run *r, anc_lock **lock, anc_err *err)
{
    char dir[PATH_MAX];
    const char *slash = strrchr(r->o.out, '/'), *name = slash ? slash + 1 : r->o.out;
    int n = slash ? (int)(slash - r->o.out) + (slash == r->o.out) : 1;
    if (strlen(r->o.out) > sizeof dir - 64 || !*name)
        return anc_fail(err, ANC_EARGUMENT, "--output %s: must be the name of a file", r->o.out);
    snprintf(dir, sizeof dir, "%.*s", n, slash ? r->o.out : ".");
    if (r->o.dry_run)
        return access(dir, W_OK | X_OK)
                   ? anc_fail(err, ANC_ESYSTEM, "%s: cannot be written to: %s", dir, strerror(errno))
                   : ANC_OK;
    const anc_lock_request q = { dir, 1, 1, say_waiting, anc_stop_wanted, name };
    return anc_lock_take(&q, lock, err);
}

anc_status anc_train_save(const anc_train_run *r, anc_err *err)
{
    bool keeps =
        r->o.keep && (r->head.step % r->o.checkpoint_every == 0 || r->head.step == r->schedule.steps);
    if (!anc_head_write(&r->head, r->o.out, r->data.info, err) && keeps) {
        char path[PATH_MAX];
        name_kept(r, r->head.step, path);
        unlink(path);
        if (link(r->o.out, path)) anc_fail(err, ANC_ESYSTEM, "%s: cannot be kept: %s", path, strerror(errno));
        int64_t before = r->head.step ? (r->head.step - 1) / r->o.checkpoint_every : 0; /* whole intervals */
        name_kept(r, (before - r->o.keep + 1) * r->o.checkpoint_every, path);
        if (before >= r->o.keep) unlink(path); /* not there: no harm */
    }
    return err->code;
}
