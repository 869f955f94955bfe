/* jobs/job_train.c: `anchorage train`: targets and features in, a trained RPN head out
 *
 * A step takes a batch of views, dealt out to the ranks in turn (jobs/train_feed.h). Each rank computes its
 * views' gradients, one after another; they are summed exactly (mpi/reduce.h), and every rank takes the same
 * step. So the head's bits depend on data and options, never on the number of ranks.
 */
#include "core/half.h"
#include "core/loss.h"
#include "core/sgd.h"
#include "io/h5.h"
#include "io/head_file.h"
#include "io/lock.h"
#include "jobs/choose.h"
#include "jobs/clock.h"
#include "jobs/closing.h"
#include "jobs/format.h"
#include "jobs/job.h"
#include "jobs/opts.h"
#include "jobs/run_folder.h"
#include "jobs/run_opts.h"
#include "jobs/stop.h"
#include "jobs/summary.h"
#include "jobs/train_feed.h"
#include "jobs/train_recall.h"
#include "jobs/train_validate.h"
#include "mpi/reduce.h"
#include <errno.h>
#include <limits.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const char *const normalisers[] = { "sampled", "constant", "image",
                                           NULL }; /* as anc_feed_normaliser */
static const char *const schedules[] = { "steps", "cosine", NULL };
static const char *const sums[] = { "exact", "float", NULL };

typedef struct {
    const char *paths[2], *out, *init, *log, *summary, *simd, *schedule, *milestones, *normaliser, *reduce,
        *limit, *val_targets, *val_features, *val_annotations;
    int64_t seed, steps, epochs, batch, per_image, warm_up, checkpoint_every, keep, stop_at, validate_every;
    double rate, momentum, decay, gamma, clip, beta, deviation;
    bool no_shuffle, untrained, overwrite, dry_run, quiet;
} options;

enum { WAIT, COMPUTE, REDUCE, UPDATE, N_STAGES }; /* WAIT: for views that are not gathered yet */

typedef struct {
    options o;
    anc_team team;
    const anc_kernels *kernels;
    anc_schedule schedule;
    anc_train_data data;
    anc_feed_plan plan;
    anc_feed *feed;
    anc_reduce reduce;
    anc_validator validator; /* open with --val-targets */
    anc_recall_check recall; /* open with --val-annotations */
    anc_lock *lock;          /* rank 0: on the output */
    anc_head_file head;
    bool one_blas;         /* all ranks' BLAS chose the same kernels */
    int64_t first_step;    /* done by earlier runs */
    size_t size;           /* numbers in a gradient */
    int64_t share;         /* views of a batch that this rank takes */
    float *gradient, *sum; /* [share][size], [size] */
    int64_t *image;        /* [share] ids */
    float *by_logit, (*by_delta)[4];
    int32_t most_sampled;
    double stage_s[N_STAGES], gather_s, start_s, reported_s;
    FILE *log;
} job;

/* ---- options ---- */

static int word(const char *text, const char *const *words)
{
    for (int i = 0; words[i]; i++)
        if (!strcmp(text, words[i])) return i;
    return -1;
}

static anc_status read_milestones(const char *text, anc_schedule *s, anc_err *err)
{
    for (const char *at = text; at && *at; at += strspn(at, ", ")) {
        char *end;
        errno = 0;
        long long step = strtoll(at, &end, 10);
        if (end == at || errno || step < 1 || s->n_milestones == ANC_MAX_MILESTONES ||
            (*end && !strchr(", ", *end)) || (s->n_milestones && step <= s->milestone[s->n_milestones - 1]))
            return anc_fail(err, ANC_EARGUMENT,
                            "--milestones %s: must be at most %d ascending steps, such as 60000,80000", text,
                            ANC_MAX_MILESTONES);
        s->milestone[s->n_milestones++] = step;
        at = end;
    }
    return ANC_OK;
}

static anc_status read_options(job *j, anc_err *err)
{
    const options *o = &j->o;
    int norm = word(o->normaliser, normalisers), schedule = word(o->schedule, schedules);
    if (norm < 0)
        return anc_fail(err, ANC_EARGUMENT, "--normaliser %s: must be sampled, constant or image",
                        o->normaliser);
    if (schedule < 0)
        return anc_fail(err, ANC_EARGUMENT, "--schedule %s: must be steps or cosine", o->schedule);
    if (word(o->reduce, sums) < 0)
        return anc_fail(err, ANC_EARGUMENT, "--reduce %s: must be exact or float", o->reduce);
    bool named;
    j->kernels = anc_choose_kernels(o->simd, &named, err);
    if (!j->kernels) return err->code;
    j->plan.normaliser = (anc_feed_normaliser)norm;
    j->schedule = (anc_schedule){
        .rate = o->rate, .warm_up = o->warm_up, .form = (anc_schedule_form)schedule, .gamma = o->gamma
    };
    return read_milestones(o->milestones, &j->schedule, err);
}

static anc_status count_steps(job *j, anc_err *err)
{
    if (!anc_feed_cycle(&j->data, j->o.batch))
        return anc_fail(err, ANC_EARGUMENT, "--batch %lld: no epoch of %s has so many views",
                        (long long)j->o.batch, j->o.paths[0]);
    int64_t steps = j->o.steps ? j->o.steps : anc_feed_steps(&j->data, j->o.batch, j->o.epochs);
    j->schedule.steps = j->o.untrained ? 0 : steps;
    return ANC_OK;
}

/* ---- one step ---- */

static anc_status reserve_samples(job *j, int32_t n, anc_err *err)
{
    if (n <= j->most_sampled) return ANC_OK;
    free(j->by_logit);
    free(j->by_delta);
    j->by_logit = malloc((size_t)n * sizeof *j->by_logit);
    j->by_delta = malloc((size_t)n * sizeof *j->by_delta);
    j->most_sampled = j->by_logit && j->by_delta ? n : 0;
    return j->most_sampled ? ANC_OK : anc_fail(err, ANC_EMEMORY, "out of memory for %d sampled anchors", n);
}

static anc_status do_view(job *j, anc_feed_view *v, float *gradient, double loss[2], anc_err *err)
{
    double start = anc_now_s();
    if (reserve_samples(j, v->n, err)) return err->code;
    anc_head_forward(&v->pass, j->head.parameters, v->n_positive);
    loss[0] = anc_loss_objectness(v->pass.logit, v->n_positive, v->n, v->weight, j->by_logit);
    loss[1] = anc_loss_boxes((const float(*)[4])v->pass.delta, (const float(*)[4])v->target, v->n_positive,
                             j->o.beta, v->weight, j->by_delta);
    anc_head_backward(&v->pass, j->head.parameters, v->n_positive, j->by_logit,
                      (const float(*)[4])j->by_delta, gradient);
    j->stage_s[COMPUTE] += anc_now_s() - start;
    return ANC_OK;
}

/* Losses travel as multiples of 2^-40: sums of integers are the same in any order. A batch's sum stays below
 * 2^22. */
static anc_status add_losses(anc_reduce_extra *extra, const double loss[2], int64_t image, anc_err *err)
{
    for (int k = 0; k < 2; k++) {
        if (!isfinite(loss[k])) continue; /* its gradient says so, with the tensor's name */
        if (loss[k] > 64)
            return anc_fail(err, ANC_EDATA, "image %lld: its loss is %g: training diverges; lower --lr",
                            (long long)image, loss[k]);
        extra->sum[k] += llrint(loss[k] * 0x1p40);
    }
    return ANC_OK;
}

static anc_status do_views(job *j, anc_reduce_extra *extra, int64_t *n, anc_err *err)
{
    for (; *n < j->share; (*n)++) {
        double loss[2] = { 0 }, start = anc_now_s();
        anc_feed_view *v = anc_feed_next(j->feed, err);
        j->stage_s[WAIT] += anc_now_s() - start;
        if (!v) return err->code;
        j->image[*n] = v->image_id;
        if (do_view(j, v, j->gradient + (size_t)*n * j->size, loss, err) ||
            add_losses(extra, loss, v->image_id, err))
            return err->code;
    }
    return ANC_OK;
}

/* Collective. One step of all ranks; *stop when one of them was asked to. */
static anc_status do_step(job *j, int64_t step, anc_head_step *record, bool *stop, anc_err *err)
{
    anc_reduce_extra extra = { .n = 2, .flag = anc_stop_wanted() || (j->lock && anc_lock_lost(j->lock)) };
    int64_t n = 0;
    do_views(j, &extra, &n, err);
    double t0 = anc_now_s();
    if (anc_reduce_sum(&j->reduce, j->gradient, j->image, n, j->sum, &extra, err))
        return anc_within(err, "step %lld", (long long)step + 1);
    double t1 = anc_now_s();
    *record = (anc_head_step){ anc_schedule_rate(&j->schedule, step), (double)extra.sum[0] * 0x1p-40,
                               (double)extra.sum[1] * 0x1p-40, anc_sgd_norm(j->sum, j->size) };
    double factor = j->o.clip > 0 && record->norm > j->o.clip ? j->o.clip / record->norm : 1;
    anc_sgd_step(j->head.parameters, j->head.momentum, j->sum, j->size, record->rate, j->o.momentum,
                 j->o.decay, factor);
    j->stage_s[REDUCE] += t1 - t0;
    j->stage_s[UPDATE] += anc_now_s() - t1;
    *stop = extra.flag;
    return ANC_OK;
}

/* ---- checkpoints ---- */

/* head.h5 at a step: head-00000500.h5 */
static void name_kept(const job *j, int64_t step, char path[PATH_MAX])
{
    size_t n = strlen(j->o.out);
    if (n > 3 && !strcmp(j->o.out + n - 3, ".h5")) n -= 3;
    snprintf(path, PATH_MAX, "%.*s-%08lld.h5", (int)n, j->o.out, (long long)step);
}

/* Collective. Rank 0 writes the output, and keeps it under its step's name too: after whole intervals and in
 * the end, not where a run was stopped, so that many stops leave no more files than --keep says. */
static anc_status checkpoint(job *j, anc_err *err)
{
    if (j->lock && anc_lock_lost(j->lock))
        anc_fail(err, ANC_ESYSTEM,
                 "%s: another run has taken it over while this one did not run; this one ends", j->o.out);
    if (j->feed) anc_feed_hold(j->feed);
    bool keeps =
        j->o.keep && (j->head.step % j->o.checkpoint_every == 0 || j->head.step == j->schedule.steps);
    if (!j->team.rank && !err->code && !anc_head_write(&j->head, j->o.out, j->data.info, err) && keeps) {
        char path[PATH_MAX];
        name_kept(j, j->head.step, path);
        unlink(path);
        if (link(j->o.out, path)) anc_fail(err, ANC_ESYSTEM, "%s: cannot be kept: %s", path, strerror(errno));
        int64_t before = j->head.step ? (j->head.step - 1) / j->o.checkpoint_every : 0; /* whole intervals */
        name_kept(j, (before - j->o.keep + 1) * j->o.checkpoint_every, path);
        if (before >= j->o.keep) unlink(path); /* not there: no harm */
    }
    if (j->feed) anc_feed_release(j->feed);
    if (!j->team.rank && j->log) fflush(j->log);
    return anc_team_agree(&j->team, err);
}

/* ---- starting ---- */

static uint64_t fingerprint(const float *x, size_t n)
{
    uint64_t h = n;
    for (size_t i = 0; i < n; i++) {
        uint32_t bits;
        memcpy(&bits, &x[i], sizeof bits);
        h = (h ^ bits) * 0x9e3779b97f4a7c15u;
        h ^= h >> 32;
    }
    return h;
}

/* What another backbone's features differ in: a row of each level of some images, the same however they are
 * stored. */
static anc_status mark_features(const job *j, uint64_t *mark, anc_err *err)
{
    enum { LOOKED_AT = 64 };
    const anc_features_info *info = j->data.maps;
    anc_feature_map map[ANC_MAX_LEVELS];
    size_t width = (size_t)info->channels;
    int64_t *order = anc_propose_order(info);
    float *row = malloc(width * sizeof *row);
    *mark = 0;
    if (!order || !row)
        anc_fail(err, ANC_EMEMORY, "out of memory for %lld images", (long long)info->n_images);
    for (int64_t i = 0; i < info->n_images && !err->code; i += info->n_images / LOOKED_AT + 1) {
        if (anc_features_map(j->data.features, order[i], map, err)) break;
        for (int l = 0; l < info->n_levels; l++) {
            size_t at = (size_t)map[l].h * (size_t)map[l].w / 2 * width;
            for (size_t c = 0; c < width; c++)
                row[c] = map[l].half ? anc_half(((const uint16_t *)map[l].row)[at + c])
                                     : ((const float *)map[l].row)[at + c];
            *mark = (*mark ^ fingerprint(row, width)) * 0x9e3779b97f4a7c15u;
        }
    }
    free(order);
    free(row);
    return err->code;
}

/* All that decides the head's bits. start: the fingerprint of the parameters before the first step; features:
 * their mark. */
static char *describe(const job *j, uint64_t start, uint64_t features)
{
    char *text = NULL;
    size_t n;
    FILE *to = open_memstream(&text, &n);
    if (!to) return NULL;
    const options *o = &j->o;
    fprintf(to,
            "{\"command\":\"train\",\"seed\":%lld,\"steps\":%lld,\"batch\":%lld,\"shuffle\":%s,\"lr\":%.17g,"
            "\"momentum\":%.17g,"
            "\"weight_decay\":%.17g,\"schedule\":\"%s\",\"warm_up\":%lld,\"milestones\":[",
            (long long)o->seed, (long long)j->schedule.steps, (long long)o->batch,
            o->no_shuffle ? "false" : "true", o->rate, o->momentum, o->decay, o->schedule,
            (long long)o->warm_up);
    for (int i = 0; i < j->schedule.n_milestones; i++)
        fprintf(to, "%s%lld", i ? "," : "", (long long)j->schedule.milestone[i]);
    fprintf(
        to,
        "],\"gamma\":%.17g,\"clip\":%.17g,\"beta\":%.17g,\"normaliser\":\"%s\",\"per_image\":%lld,\"reduce\":"
        "\"%s\","
        "\"start\":\"%016llx\",\"features\":{\"images\":%lld,\"levels\":%d,\"channels\":%d,\"mark\":\"%"
        "016llx\"},"
        "\"targets\":%s}",
        o->gamma, o->clip, o->beta, o->normaliser, (long long)o->per_image, o->reduce,
        (unsigned long long)start, (long long)j->data.maps->n_images, j->data.maps->n_levels,
        j->data.maps->channels, (unsigned long long)features, j->data.info->config);
    if (fclose(to)) {
        free(text);
        return NULL;
    }
    return text;
}

static anc_status start_parameters(job *j, anc_err *err)
{
    anc_head_shape s = { j->data.maps->channels, j->data.maps->channels, j->data.info->level[0].n_shapes };
    if (j->o.init) {
        anc_head_file from;
        if (anc_head_read(j->o.init, &from, err)) return err->code;
        if (from.shape.channels != s.channels || from.shape.n_shapes != s.n_shapes)
            anc_fail(err, ANC_EDATA, "%s: is for %d channels and %d anchors a position; here are %d and %d",
                     j->o.init, from.shape.channels, from.shape.n_shapes, s.channels, s.n_shapes);
        j->head.shape = from.shape;
        j->head.parameters = from.parameters;
        from.parameters = NULL;
        anc_head_file_clear(&from);
    } else {
        j->head.shape = s;
        j->head.parameters = malloc(anc_head_size(&s) * sizeof *j->head.parameters);
        if (!j->head.parameters) return anc_fail(err, ANC_EMEMORY, "out of memory for the parameters");
        anc_head_init(&s, (uint64_t)j->o.seed, j->o.deviation, j->head.parameters);
    }
    if (err->code) return err->code;
    size_t n = anc_head_size(&j->head.shape);
    j->head.momentum = calloc(n, sizeof *j->head.momentum);
    uint64_t mark = 0; /* rank 0's configuration is the one that is written and compared */
    if (!j->team.rank && mark_features(j, &mark, err)) return err->code;
    j->head.config = describe(j, fingerprint(j->head.parameters, n), mark);
    return j->head.momentum && j->head.config
               ? ANC_OK
               : anc_fail(err, ANC_EMEMORY, "out of memory for the parameters");
}

/* An output of the same command is gone on from; any other is refused. */
static anc_status resume(job *j, anc_err *err)
{
    if (anc_h5_look(j->o.out) == ANC_H5_NOTHING) return ANC_OK;
    if (anc_h5_may_replace(j->o.out, ANC_HEAD_FORMAT, err) || j->o.overwrite) return err->code;
    anc_head_file old;
    if (anc_head_read(j->o.out, &old, err))
        return anc_within(err, "cannot go on from it; choose another --output, or give --overwrite");
    char what[512];
    if (anc_run_differs(old.config, j->head.config, what, sizeof what)) {
        anc_fail(
            err, ANC_EARGUMENT,
            "%s: is of another run: %s; give the same options, choose another --output, or give --overwrite",
            j->o.out, what);
        anc_head_file_clear(&old);
        return err->code;
    }
    if (memcmp(&old.shape, &j->head.shape, sizeof old.shape)) {
        anc_fail(
            err, ANC_EDATA,
            "%s: its tensors are of other shapes than its configuration makes them; choose another --output, "
            "or give --overwrite",
            j->o.out);
        anc_head_file_clear(&old);
        return err->code;
    }
    if (old.step > j->schedule.steps) {
        anc_fail(err, ANC_EDATA,
                 "%s: is at step %lld of %lld, which cannot be; choose another --output, or give --overwrite",
                 j->o.out, (long long)old.step, (long long)j->schedule.steps);
        anc_head_file_clear(&old);
        return err->code;
    }
    anc_head_file_clear(&j->head);
    j->head = old;
    return ANC_OK;
}

static void say_waiting(const char *owner)
{
    fprintf(stderr, "train: the output was held by %s; looking for 15 s whether it still is\n", owner);
}

/* One run at a time writes an output. */
static anc_status take_lock(job *j, anc_err *err)
{
    char dir[PATH_MAX];
    const char *slash = strrchr(j->o.out, '/'), *name = slash ? slash + 1 : j->o.out;
    int n = slash ? (int)(slash - j->o.out) + (slash == j->o.out) : 1;
    if (strlen(j->o.out) > sizeof dir - 64 || !*name)
        return anc_fail(err, ANC_EARGUMENT, "--output %s: must be the name of a file", j->o.out);
    snprintf(dir, sizeof dir, "%.*s", n, slash ? j->o.out : ".");
    if (j->o.dry_run)
        return access(dir, W_OK | X_OK)
                   ? anc_fail(err, ANC_ESYSTEM, "%s: cannot be written to: %s", dir, strerror(errno))
                   : ANC_OK;
    const anc_lock_request r = { dir, 1, 1, say_waiting, anc_stop_wanted, name };
    return anc_lock_take(&r, &j->lock, err);
}

/* Whether a file could be a kept checkpoint of this output. */
static bool is_kept_name(const job *j, const char *path)
{
    char own[PATH_MAX], folder[2][PATH_MAX];
    long long step;
    int end = 0;
    const char *slash = strrchr(path, '/'), *dash = strrchr(path, '-');
    if (!dash || (slash && dash < slash) || sscanf(dash, "-%8lld.h5%n", &step, &end) != 1 || !end ||
        dash[end])
        return false;
    name_kept(j, step, own);
    const char *mine = strrchr(own, '/');
    if (strcmp(mine ? mine + 1 : own, slash ? slash + 1 : path)) return false;
    for (int k = 0; k < 2; k++) {
        const char *of = k ? own : path, *last = k ? mine : slash;
        snprintf(folder[k], PATH_MAX, "%.*s", last ? (int)(last - of) + 1 : 1, last ? of : ".");
    }
    struct stat a, b;
    return !stat(folder[0], &a) && !stat(folder[1], &b) && a.st_dev == b.st_dev && a.st_ino == b.st_ino;
}

/* The head, the summary and the log take the place of none of the run's files; --overwrite does not change
 * that. */
static anc_status check_files(const job *j, anc_err *err)
{
    const options *o = &j->o;
    const char *const reads[] = { j->data.info->path, o->paths[1], o->val_features, o->val_annotations,
                                  o->init };
    struct stat out, in;
    for (size_t i = 0; i < sizeof reads / sizeof *reads && !stat(o->out, &out); i++)
        if (reads[i] && !stat(reads[i], &in) && in.st_dev == out.st_dev && in.st_ino == out.st_ino)
            return anc_fail(err, ANC_EARGUMENT, "--output %s: the run reads this file; choose another name",
                            o->out);
    if (o->keep && o->init && is_kept_name(j, o->init))
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

static anc_status open_log(job *j, anc_err *err)
{
    if (!j->o.log) return ANC_OK;
    j->log = fopen(j->o.log, "w");
    if (!j->log) return anc_fail(err, ANC_ESYSTEM, "%s: cannot be written: %s", j->o.log, strerror(errno));
    fprintf(j->log, "step,lr,objectness,box_reg,grad_norm%s\n",
            j->o.val_targets ? ",val_objectness,val_box_reg,val_recall" : "");
    return ANC_OK;
}

/* The validation after so many steps, or NULL. */
static const anc_head_validation *validation_at(const job *j, int64_t steps)
{
    for (int64_t i = j->head.n_validations - 1; i >= 0 && j->head.validation[i].step >= (double)steps; i--)
        if (j->head.validation[i].step == (double)steps) return &j->head.validation[i];
    return NULL;
}

static void log_step(const job *j, int64_t step)
{
    const anc_head_step *r = &j->head.history[step];
    const anc_head_validation *v = validation_at(j, step + 1);
    if (!j->log) return;
    fprintf(j->log, "%lld,%.9g,%.9g,%.9g,%.9g", (long long)step + 1, r->rate, r->objectness, r->boxes,
            r->norm);
    if (j->o.val_targets)
        fprintf(j->log, ",%.9g,%.9g,%.9g", v ? v->objectness : NAN, v ? v->boxes : NAN, v ? v->recall : NAN);
    putc('\n', j->log);
}

/* Rank 0 prepares everything; then all have the same. */
static anc_status prepare(job *j, anc_err *err)
{
    if (read_options(j, err)) return err->code;
    if (!anc_train_data_open(&j->data, j->o.paths[0], j->o.paths[1], err) && !j->team.rank)
        anc_train_data_check(&j->data, err);
    if (anc_team_agree(&j->team, err)) return err->code;
    if (anc_train_data_share(&j->data, &j->team, err)) return err->code;
    if (count_steps(j, err)) return err->code; /* the same on all ranks */
    if (!start_parameters(j, err) && !j->team.rank && !check_files(j, err) && !take_lock(j, err) &&
        !resume(j, err) && !j->o.dry_run)
        open_log(j, err);
    return anc_team_agree(&j->team, err);
}

/* Collective. Rank 0's state to all, and room for the steps. */
static anc_status share(job *j, anc_err *err)
{
    anc_reduce_part part[ANC_HEAD_PARTS];
    const anc_head_shape *s = &j->head.shape;
    j->size = anc_head_size(s);
    j->plan = (anc_feed_plan){ .data = &j->data,
                               .rank = j->team.rank,
                               .n_ranks = j->team.size,
                               .batch = j->o.batch,
                               .seed = (uint64_t)j->o.seed,
                               .in_order = j->o.no_shuffle,
                               .normaliser = j->plan.normaliser,
                               .per_image = j->o.per_image,
                               .end = j->schedule.steps,
                               .shape = *s,
                               .kernels = j->kernels };
    j->share = anc_feed_share(&j->plan);
    for (int k = 0; k < ANC_HEAD_PARTS; k++)
        part[k] = (anc_reduce_part){ anc_head_names[k], anc_head_first(s, (anc_head_part)k),
                                     anc_head_count(s, (anc_head_part)k) };
    anc_team_bcast(&j->team, &j->head.step, sizeof j->head.step, 0);
    anc_team_bcast(&j->team, j->head.parameters, j->size * sizeof(float), 0);
    anc_team_bcast(&j->team, j->head.momentum, j->size * sizeof(float), 0);
    j->plan.first = j->first_step = j->head.step;
    anc_head_step *history = realloc(j->head.history, (size_t)(j->schedule.steps + 1) * sizeof *history);
    if (history) j->head.history = history;
    j->gradient = malloc(((size_t)j->share * j->size + 1) * sizeof *j->gradient);
    j->sum = malloc(j->size * sizeof *j->sum);
    j->image = malloc((size_t)(j->share + 1) * sizeof *j->image);
    if (!history || !j->gradient || !j->sum || !j->image)
        anc_fail(err, ANC_EMEMORY,
                 "out of memory for the gradients of %lld views; use more ranks, or a smaller --batch",
                 (long long)j->share);
    if (!err->code)
        anc_reduce_init(&j->reduce, &j->team, part, ANC_HEAD_PARTS, !strcmp(j->o.reduce, "exact"), err);
    double kind = 0; /* the kernels' name as a number */
    for (const char *c = anc_head_blas(); *c; c++) kind = fmod(kind * 31 + *c, 1e9);
    anc_spread kinds = anc_team_spread(&j->team, kind);
    j->one_blas = kinds.min == kinds.max;
    for (int64_t i = 0; !err->code && !j->team.rank && i < j->first_step; i++) log_step(j, i);
    return anc_team_agree(&j->team, err);
}

/* ---- reporting ---- */

#define COUNT(x) anc_format_count(x).text

static void print_plan(const job *j)
{
    const anc_train_data *d = &j->data;
    printf("train: %s: %s views in %s epoch%s; %s: %s images, %d level%s of %d channels, %s, %s\n",
           d->info->path, COUNT(d->info->n[ANC_ROWS_VIEWS]), COUNT(d->n_epochs), d->n_epochs == 1 ? "" : "s",
           d->maps->path, COUNT(d->maps->n_images), d->maps->n_levels, d->maps->n_levels == 1 ? "" : "s",
           d->maps->channels, d->maps->half ? "float16" : "float32",
           d->maps->in_place ? "used in place" : "read through HDF5");
    printf("train: %s steps of %s views, %s parameters, %d rank%s, %s kernels, BLAS for %s\n",
           COUNT(j->schedule.steps), COUNT(j->o.batch), COUNT((int64_t)j->size), j->team.size,
           j->team.size == 1 ? "" : "s", j->kernels->name, anc_head_blas());
    if (j->o.batch % j->team.size)
        printf("  note: %s views do not divide by %d ranks; some wait\n", COUNT(j->o.batch), j->team.size);
    if (!j->one_blas)
        printf("  note: the ranks' CPUs differ, and with them the BLAS library's rounding; for the same bits "
               "on any ranks "
               "set OPENBLAS_CORETYPE=Haswell on all\n");
    if (j->first_step) printf("train: goes on after step %s\n", COUNT(j->first_step));
    fflush(stdout);
}

/* Mean losses of the n steps before `step`. */
static void mean_losses(const job *j, int64_t step, int64_t n, double loss[2])
{
    loss[0] = loss[1] = 0;
    if (n > step) n = step;
    for (int64_t i = step - n; i < step; i++) {
        loss[0] += j->head.history[i].objectness / (double)n;
        loss[1] += j->head.history[i].boxes / (double)n;
    }
}

/* A line every 5 s, on a terminal one that is drawn over. */
static void report(job *j, bool last)
{
    bool terminal = isatty(STDERR_FILENO);
    double t = anc_now_s(), every = terminal ? 0.2 : 5, loss[2];
    if (j->o.quiet || j->team.rank || !j->head.step || (!last && t - j->reported_s < every) ||
        (last && !terminal))
        return;
    j->reported_s = t;
    int64_t done = j->head.step, here = done - j->first_step;
    double rate = (double)here / (t - j->start_s);
    mean_losses(j, done, 20, loss);
    fprintf(stderr,
            "%strain: step %s/%s  loss %.4f = %.4f objectness + %.4f boxes  lr %.3g  %s images/s  %s left%s",
            terminal ? "\r" : "", COUNT(done), COUNT(j->schedule.steps), loss[0] + loss[1], loss[0], loss[1],
            j->head.history[done - 1].rate, anc_format_rate(rate * (double)j->o.batch).text,
            anc_format_time((double)(j->schedule.steps - done) / rate).text, terminal ? "\033[K" : "\n");
    if (last) putc('\n', stderr);
    fflush(stderr);
}

typedef struct {
    double total_s;
    anc_spread busy, wait, peak;
} timings;

static void print_summary(const job *j, const timings *t)
{
    int64_t here = j->head.step - j->first_step;
    double loss[2], all = 0;
    for (int i = 0; i < N_STAGES; i++) all += j->stage_s[i];
    mean_losses(j, j->head.step, 100, loss);
    if (!(all > 0)) all = 1;
    printf("\n  loss of the last %s steps: %.5f = %.5f objectness + %.5f boxes\n",
           COUNT(j->head.step < 100 ? j->head.step : 100), loss[0] + loss[1], loss[0], loss[1]);
    printf("  rank 0: wait for views %.0f %%, head and loss %.0f %%, sum over ranks %.0f %% (%.0f %% of all "
           "in MPI), "
           "update %.0f %%; gathered meanwhile in %s\n",
           100 * j->stage_s[WAIT] / all, 100 * j->stage_s[COMPUTE] / all, 100 * j->stage_s[REDUCE] / all,
           100 * j->reduce.wait_s / all, 100 * j->stage_s[UPDATE] / all, anc_format_time(j->gather_s).text);
    printf("  memory: at most %.0f MiB on a rank (rank %d)\n", t->peak.max, t->peak.max_rank);
    printf("train: %s after step %s of %s; %s steps in %s, %s images/s\n", j->o.out, COUNT(j->head.step),
           COUNT(j->schedule.steps), COUNT(here), anc_format_time(t->total_s).text,
           anc_format_rate(t->total_s > 0 ? (double)(here * j->o.batch) / t->total_s : 0).text);
}

typedef struct {
    const job *j;
    const timings *t;
} outcome;

static void print_json(const void *context, FILE *to)
{
    const job *j = ((const outcome *)context)->j;
    const timings *t = ((const outcome *)context)->t;
    double loss[2];
    mean_losses(j, j->head.step, 100, loss);
    fprintf(to, "{\"config\":%s,\n \"ranks\":%d,\"kernels\":\"%s\",\"blas\":\"%s\",\"in_place\":%s,\n",
            j->head.config, j->team.size, j->kernels->name, anc_head_blas(),
            j->data.maps->in_place ? "true" : "false");
    fprintf(to, " \"step\":%lld,\"steps_here\":%lld,\"parameters\":%zu,\"loss_last100\":[%.9g,%.9g],\n",
            (long long)j->head.step, (long long)(j->head.step - j->first_step), j->size, loss[0], loss[1]);
    fprintf(
        to,
        " \"seconds\":{\"training\":%.6f,\"rank0\":{\"gather\":%.6f,\"wait\":%.6f,\"compute\":%.6f,"
        "\"reduce\":%.6f,\"mpi\":"
        "%.6f,\"update\":%.6f},\n"
        "  \"busy_min\":%.6f,\"busy_mean\":%.6f,\"busy_max\":%.6f,\"mpi_mean\":%.6f},\n \"peak_mib\":%.1f}\n",
        t->total_s, j->gather_s, j->stage_s[WAIT], j->stage_s[COMPUTE], j->stage_s[REDUCE], j->reduce.wait_s,
        j->stage_s[UPDATE], t->busy.min, t->busy.mean, t->busy.max, t->wait.mean, t->peak.max);
}

/* ---- the job ---- */

/* Collective: --val-targets and --val-features. */
static anc_status open_validator(job *j, anc_err *err)
{
    j->validator.team = &j->team;
    j->validator.normaliser = j->plan.normaliser;
    j->validator.per_image = j->o.per_image;
    j->validator.beta = j->o.beta;
    j->recall.team = &j->team;
    j->recall.kernels = j->kernels;
    if (!j->o.val_targets) return ANC_OK;
    if (anc_validator_open(&j->validator, j->o.val_targets, j->o.val_features, &j->head.shape, j->kernels,
                           err) ||
        !j->o.val_annotations)
        return err->code;
    return anc_recall_check_open(&j->recall, j->o.val_annotations, &j->validator.data, &j->head.shape, err);
}

static void say_validation(const anc_head_validation *v)
{
    fprintf(stderr, "%strain: after step %s  validation loss %.4f = %.4f objectness + %.4f boxes",
            isatty(STDERR_FILENO) ? "\r\033[K" : "", COUNT((int64_t)v->step), v->objectness + v->boxes,
            v->objectness, v->boxes);
    if (!isnan(v->recall)) fprintf(stderr, "  average recall %.4f at 100", v->recall);
    putc('\n', stderr);
}

/* Collective, after every --validate-every steps and after the last. */
static anc_status validate(job *j, anc_err *err)
{
    int64_t step = j->head.step;
    if (!j->o.val_targets || (step % j->o.validate_every && step < j->schedule.steps)) return ANC_OK;
    anc_head_validation v = { .step = (double)step, .recall = NAN }, *more;
    anc_feed_hold(j->feed);
    if (!anc_validate(&j->validator, j->head.parameters, &v, err) && j->o.val_annotations)
        anc_recall_check_run(&j->recall, j->head.parameters, &v.recall, err);
    anc_feed_release(j->feed);
    if (err->code) return err->code;
    more = realloc(j->head.validation, (size_t)(j->head.n_validations + 1) * sizeof *more);
    if (more) {
        j->head.validation = more;
        more[j->head.n_validations++] = v;
    } else {
        anc_fail(err, ANC_EMEMORY, "out of memory for the losses of validations");
    }
    if (!j->team.rank && !j->o.quiet) say_validation(&v);
    return anc_team_agree(&j->team, err);
}

static int64_t last_step(const job *j)
{
    return j->o.stop_at && j->o.stop_at < j->schedule.steps ? j->o.stop_at : j->schedule.steps;
}

/* Steps until the end, --stop-at or a signal. */
static anc_status train(job *j, anc_err *err)
{
    int64_t end = last_step(j), saved = j->head.step;
    bool stop = false;
    if (j->o.untrained) return checkpoint(j, err);
    while (j->head.step < end && !stop) {
        int64_t step = j->head.step;
        if (do_step(j, step, &j->head.history[step], &stop, err)) return err->code;
        j->head.step++;
        if (validate(j, err)) return err->code;
        if (!j->team.rank) log_step(j, step);
        report(j, false);
        if (j->o.checkpoint_every && j->head.step % j->o.checkpoint_every == 0) {
            if (checkpoint(j, err)) return err->code;
            saved = j->head.step;
        }
    }
    report(j, true);
    return saved < j->head.step ? checkpoint(j, err) : ANC_OK;
}

static void print_dry_run(const job *j)
{
    int64_t left = j->o.untrained ? 0 : last_step(j) - j->first_step;
    if (left > 0 || j->o.untrained)
        printf("train: dry run: would take %lld steps and write %s\n", (long long)left, j->o.out);
    else
        printf("train: dry run: nothing to do: %s is at step %lld\n", j->o.out, (long long)j->first_step);
}

static anc_status run(job *j, anc_err *err)
{
    timings t = { 0 };
    anc_head_one_thread();
    anc_stop_listen(j->o.limit, err); /* the same on all ranks */
    if (err->code || prepare(j, err) || share(j, err) || open_validator(j, err)) return err->code;
    bool speaks = !j->team.rank;
    if (speaks && (!j->o.quiet || j->o.dry_run)) print_plan(j);
    if (j->o.dry_run) {
        if (speaks) print_dry_run(j);
        return ANC_OK;
    }
    if (j->first_step < j->schedule.steps) anc_feed_start(&j->plan, &j->feed, err);
    if (anc_team_agree(&j->team, err)) return err->code;
    j->start_s = j->reported_s = anc_now_s();
    if (train(j, err)) return err->code;
    anc_feed_stop(j->feed, &j->gather_s);
    j->feed = NULL;
    t.total_s = anc_now_s() - j->start_s;
    t.busy = anc_team_spread(&j->team, j->stage_s[COMPUTE] + j->gather_s);
    t.wait = anc_team_spread(&j->team, j->reduce.wait_s);
    t.peak = anc_team_spread(&j->team, anc_peak_mib());
    if (speaks && j->log && fclose(j->log))
        anc_fail(err, ANC_ESYSTEM, "%s: cannot be written: %s", j->o.log, strerror(errno));
    j->log = NULL;
    if (speaks && !j->o.quiet) print_summary(j, &t);
    const outcome all = { j, &t };
    if (speaks && j->o.summary && !err->code) anc_summary_write(j->o.summary, print_json, &all, err);
    if (anc_team_agree(&j->team, err)) return err->code;
    if (j->head.step < j->schedule.steps)
        anc_say_stopped(&j->team, "train", j->o.stop_at ? "--stop-at" : "request", "after step %lld of %lld",
                        (long long)j->head.step, (long long)j->schedule.steps);
    return ANC_OK;
}

static void job_clear(job *j)
{
    if (j->log) fclose(j->log);
    anc_feed_stop(j->feed, NULL);
    anc_lock_release(j->lock);
    anc_recall_check_close(&j->recall);
    anc_validator_close(&j->validator);
    anc_train_data_close(&j->data);
    anc_reduce_clear(&j->reduce);
    anc_head_file_clear(&j->head);
    free(j->gradient);
    free(j->sum);
    free(j->image);
    free(j->by_logit);
    free(j->by_delta);
}

int anc_job_train(int argc, char **argv)
{
    job j = { .o = { .epochs = 12,
                     .batch = 16,
                     .per_image = 256,
                     .rate = 0.02,
                     .momentum = 0.9,
                     .decay = 1e-4,
                     .warm_up = 100,
                     .gamma = 0.1,
                     .beta = 1.0 / 9,
                     .deviation = 0.01,
                     .keep = 0,
                     .checkpoint_every = 1000,
                     .validate_every = 1000,
                     .schedule = "steps",
                     .normaliser = "sampled",
                     .reduce = "exact" } };
    options *o = &j.o;
    const anc_opt opt[] = {
        { "output", 'o', "HEAD.h5", ANC_OPT_STRING, &o->out, 0, 0,
          "the head; one of an unfinished run of the same command is gone on from" },
        { "steps", 'n', "N", ANC_OPT_INT, &o->steps, 0, 1000000000,
          "steps to take; 0: as many as --epochs has" },
        { "epochs", 'e', "N", ANC_OPT_INT, &o->epochs, 1, 1000000, "times that every image is seen" },
        { "batch", 'b', "N", ANC_OPT_INT, &o->batch, 1, ANC_REDUCE_MAX_IMAGES,
          "views of a step, over all ranks" },
        { "lr", 0, "X", ANC_OPT_REAL, &o->rate, 0, 1e6, "learning rate" },
        { "momentum", 0, "X", ANC_OPT_REAL, &o->momentum, 0, 1, "of SGD" },
        { "weight-decay", 0, "X", ANC_OPT_REAL, &o->decay, 0, 1, "of all parameters" },
        { "warm-up", 0, "N", ANC_OPT_INT, &o->warm_up, 0, 1000000000,
          "steps over which the rate grows linearly" },
        { "schedule", 0, "NAME", ANC_OPT_STRING, &o->schedule, 0, 0,
          "steps: times --gamma at each milestone; cosine: down to 0" },
        { "milestones", 0, "N,N", ANC_OPT_STRING, &o->milestones, 0, 0, "steps after which the rate falls" },
        { "gamma", 0, "X", ANC_OPT_REAL, &o->gamma, 0, 1, "what it is multiplied by" },
        { "clip", 0, "X", ANC_OPT_REAL, &o->clip, 0, 1e30, "largest norm of the gradient; 0: any" },
        { "beta", 0, "X", ANC_OPT_REAL, &o->beta, 0, 1e6,
          "where smooth L1 turns from square to line; 0: L1" },
        { "normaliser", 0, "NAME", ANC_OPT_STRING, &o->normaliser, 0, 0,
          "losses over the batch's sampled anchors (sampled), --per-image times views (constant), or each "
          "view's own (image)" },
        { "per-image", 0, "N", ANC_OPT_INT, &o->per_image, 1, 1000000,
          "anchors that --normaliser constant counts for a view" },
        { "seed", 's', "N", ANC_OPT_INT, &o->seed, 0, 9007199254740991.0, "of start weights and order" },
        { "init", 0, "HEAD.h5", ANC_OPT_STRING, &o->init, 0, 0,
          "start from its parameters instead of random ones" },
        { "untrained", 0, NULL, ANC_OPT_FLAG, &o->untrained, 0, 0,
          "take no step: write the start weights, to compare a trained head with" },
        { "no-shuffle", 0, NULL, ANC_OPT_FLAG, &o->no_shuffle, 0, 0,
          "take the views in the order of the targets" },
        { "reduce", 0, "NAME", ANC_OPT_STRING, &o->reduce, 0, 0,
          "exact: the same bits for any number of ranks; float: plain sums" },
        { "val-targets", 0, "TARGETS", ANC_OPT_STRING, &o->val_targets, 0, 0,
          "also give the losses on these, which are not trained on; with --val-features" },
        { "val-features", 0, "FEATURES", ANC_OPT_STRING, &o->val_features, 0, 0,
          "features of --val-targets" },
        { "val-annotations", 0, "ANNOTATIONS", ANC_OPT_STRING, &o->val_annotations, 0, 0,
          "of --val-features: also give the average recall of 100 proposals, as `propose` and `evaluate` "
          "do" },
        { "validate-every", 0, "N", ANC_OPT_INT, &o->validate_every, 1, 1000000000,
          "steps; and after the last one" },
        { "checkpoint-every", 0, "N", ANC_OPT_INT, &o->checkpoint_every, 0, 1000000000,
          "steps; 0: at the end only" },
        { "keep", 0, "N", ANC_OPT_INT, &o->keep, 0, 1000000,
          "checkpoints to keep beside it, as HEAD-00001000.h5" },
        { "stop-at", 0, "N", ANC_OPT_INT, &o->stop_at, 0, 1000000000,
          "stop after this step, to go on another time; 0: do not" },
        anc_opt_time_limit(&o->limit),
        { "log", 0, "FILE.csv", ANC_OPT_STRING, &o->log, 0, 0,
          "a row for every step: rate, losses, norm of the gradient" },
        { "overwrite", 0, NULL, ANC_OPT_FLAG, &o->overwrite, 0, 0, "begin anew, whatever HEAD.h5 holds" },
        anc_opt_dry_run(&o->dry_run),
        anc_opt_simd(&o->simd),
        anc_opt_summary(&o->summary),
        anc_opt_quiet(&o->quiet),
        { 0 },
    };
    const anc_usage usage = {
        .command = "train",
        .operands = "TARGETS FEATURES",
        .min_operands = 2,
        .max_operands = 2,
        .about = "Trains an RPN head on TARGETS (from `anchorage label --like FEATURES`) and FEATURES "
                 "(features.h5, from your "
                 "backbone). The head is computed at the sampled anchors only; its bits depend on data and "
                 "options, never on the "
                 "number of ranks. Interrupted (SIGTERM, SIGINT, SIGUSR1, --time-limit, SLURM's limit), it "
                 "saves and "
                 "ends with 75: the same command goes on.",
        .example = "mpirun -n 16 anchorage train targets/ features.h5 -o head.h5 --epochs 12 --batch 16 "
                   "--milestones 60000,80000",
        .opt = opt,
    };
    int n, ended = anc_opts_parse(&usage, argc, argv, o->paths, &n);
    if (ended) return ended - 1;
    if (!o->out) return anc_opts_refuse(&usage, "--output HEAD.h5 is missing");
    if (!o->val_targets != !o->val_features)
        return anc_opts_refuse(&usage, "--val-targets and --val-features go together");
    if (o->val_annotations && !o->val_targets)
        return anc_opts_refuse(&usage, "--val-annotations goes with --val-targets and --val-features");
    if (o->keep && !o->checkpoint_every) return anc_opts_refuse(&usage, "--keep needs --checkpoint-every");
    anc_err err = { 0 };
    anc_team_start(&j.team);
    run(&j, &err);
    bool early = !err.code && !o->dry_run && j.head.step < j.schedule.steps;
    if (err.code && !j.team.rank) fprintf(stderr, "anchorage: train: %s\n", err.text);
    job_clear(&j);
    anc_team_stop(&j.team);
    if (early) return ANC_EXIT_AGAIN;
    return !err.code ? ANC_EXIT_DONE : err.code == ANC_EARGUMENT ? ANC_EXIT_USAGE : ANC_EXIT_FAILED;
}
