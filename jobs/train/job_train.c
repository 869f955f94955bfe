/* jobs/train/job_train.c: `anchorage train`: targets and features in, a trained RPN head out
 *
 * A step takes a batch of views, dealt out to the ranks in turn (jobs/train/train_feed.h). Each rank computes its
 * views' gradients, one after another; they are summed exactly (mpi/reduce.h), and every rank takes the same
 * step. So the head's bits depend on data and options, never on the number of ranks.
 */
#include "core/head/loss.h"
#include "core/head/sgd.h"
#include "io/file/lock.h"
#include "jobs/cli/clock.h"
#include "jobs/cli/closing.h"
#include "jobs/cli/output_name.h"
#include "jobs/cli/start.h"
#include "jobs/cli/stop.h"
#include "jobs/cli/summary.h"
#include "jobs/job.h"
#include "jobs/train/train_feed.h"
#include "jobs/train/train_opts.h"
#include "jobs/train/train_output.h"
#include "jobs/train/train_recall.h"
#include "jobs/train/train_report.h"
#include "jobs/train/train_start.h"
#include "jobs/train/train_validate.h"
#include "mpi/reduce.h"
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    anc_train_run run;
    anc_feed_plan plan;
    anc_feed *feed;
    anc_reduce reduce;
    anc_validator validator; /* open with --val-targets */
    anc_recall_check recall; /* open with --val-annotations */
    anc_lock *lock;          /* rank 0: on the output */
    size_t size;             /* numbers in a gradient */
    int64_t share;           /* views of a batch that this rank takes */
    float *gradient, *sum;   /* [share][size], [size] */
    int64_t *image;          /* [share] ids */
    float *d_logit, (*d_delta)[4];
    int32_t most_sampled;
    anc_train_timings t; /* filled as the run goes on */
    anc_train_clock clock;
    FILE *log;
} job;

/* ---- one step ---- */

static anc_status reserve_samples(job *j, int32_t n, anc_err *err)
{
    if (n <= j->most_sampled) return ANC_OK;
    free(j->d_logit);
    free(j->d_delta);
    j->d_logit = malloc((size_t)n * sizeof *j->d_logit);
    j->d_delta = malloc((size_t)n * sizeof *j->d_delta);
    j->most_sampled = j->d_logit && j->d_delta ? n : 0;
    return j->most_sampled ? ANC_OK : anc_fail(err, ANC_EMEMORY, "out of memory for %d sampled anchors", n);
}

static anc_status do_view(job *j, anc_feed_view *v, float *gradient, double loss[2], anc_err *err)
{
    double start = anc_now_s();
    if (reserve_samples(j, v->n, err)) return err->code;
    anc_head_forward(&v->pass, j->run.head.parameters, v->n_positive);
    loss[0] = anc_loss_objectness(v->pass.logit, v->n_positive, v->n, v->weight, j->d_logit);
    loss[1] = anc_loss_boxes((const float(*)[4])v->pass.delta, (const float(*)[4])v->target, v->n_positive,
                             j->run.o.beta, v->weight, j->d_delta);
    anc_head_backward(&v->pass, j->run.head.parameters, v->n_positive, j->d_logit,
                      (const float(*)[4])j->d_delta, gradient);
    j->t.stage_s[ANC_TS_COMPUTE] += anc_now_s() - start;
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
        j->t.stage_s[ANC_TS_WAIT] += anc_now_s() - start;
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
    *record = (anc_head_step){ anc_schedule_rate(&j->run.schedule, step), (double)extra.sum[0] * 0x1p-40,
                               (double)extra.sum[1] * 0x1p-40, anc_sgd_norm(j->sum, j->size) };
    double factor = j->run.o.clip > 0 && record->norm > j->run.o.clip ? j->run.o.clip / record->norm : 1;
    anc_sgd_step(j->run.head.parameters, j->run.head.momentum, j->sum, j->size, record->rate,
                 j->run.o.momentum, j->run.o.decay, factor);
    j->t.stage_s[ANC_TS_REDUCE] += t1 - t0;
    j->t.stage_s[ANC_TS_UPDATE] += anc_now_s() - t1;
    *stop = extra.flag;
    return ANC_OK;
}

/* ---- starting ---- */

static anc_status count_steps(anc_train_run *r, anc_err *err)
{
    if (!anc_feed_cycle(&r->data, r->o.batch))
        return anc_fail(err, ANC_EARGUMENT, "--batch %lld: no epoch of %s has so many views",
                        (long long)r->o.batch, r->o.paths[0]);
    int64_t steps = r->o.steps ? r->o.steps : anc_feed_steps(&r->data, r->o.batch, r->o.epochs);
    r->schedule.steps = r->o.untrained ? 0 : steps;
    return ANC_OK;
}

/* Rank 0 prepares everything; then all have the same. */
static anc_status prepare(job *j, anc_err *err)
{
    anc_train_run *r = &j->run;
    if (anc_train_opts_read(r, err)) return err->code;
    if (!r->team.rank && anc_output_name_h5("--output", r->o.out, err)) return anc_team_agree(&r->team, err);
    if (!anc_train_data_open(&r->data, r->o.paths[0], r->o.paths[1], err) && !r->team.rank)
        anc_train_data_check(&r->data, err);
    if (anc_team_agree(&r->team, err)) return err->code;
    if (anc_train_data_share(&r->data, &r->team, err)) return err->code;
    if (count_steps(r, err)) return err->code; /* the same on all ranks */
    if (!anc_train_start(r, err) && !r->team.rank && !anc_train_check_files(r, err) &&
        !anc_train_lock(r, &j->lock, err) && !anc_train_resume(r, err) && !r->o.dry_run)
        anc_train_log_open(r, &j->log, err);
    return anc_team_agree(&r->team, err);
}

/* Collective. Rank 0's state to all, and room for the steps. */
static anc_status share(job *j, anc_err *err)
{
    anc_train_run *r = &j->run;
    anc_reduce_tensor part[ANC_HEAD_PARTS];
    const anc_head_shape *s = &r->head.shape;
    j->size = anc_head_size(s);
    j->plan = (anc_feed_plan){ .data = &r->data,
                               .rank = r->team.rank,
                               .n_ranks = r->team.size,
                               .batch = r->o.batch,
                               .seed = (uint64_t)r->o.seed,
                               .in_order = r->o.no_shuffle,
                               .normaliser = r->normaliser,
                               .per_image = r->o.per_image,
                               .end = r->schedule.steps,
                               .shape = *s,
                               .kernels = r->kernels };
    j->share = anc_feed_share(&j->plan);
    for (int k = 0; k < ANC_HEAD_PARTS; k++)
        part[k] = (anc_reduce_tensor){ anc_head_names[k], anc_head_first(s, (anc_head_tensor)k),
                                       anc_head_count(s, (anc_head_tensor)k) };
    anc_team_bcast(&r->team, &r->head.step, sizeof r->head.step, 0);
    anc_team_bcast(&r->team, r->head.parameters, j->size * sizeof(float), 0);
    anc_team_bcast(&r->team, r->head.momentum, j->size * sizeof(float), 0);
    j->plan.first = r->first_step = r->head.step;
    anc_head_step *history = realloc(r->head.history, (size_t)(r->schedule.steps + 1) * sizeof *history);
    if (history) r->head.history = history;
    j->gradient = malloc(((size_t)j->share * j->size + 1) * sizeof *j->gradient);
    j->sum = malloc(j->size * sizeof *j->sum);
    j->image = malloc((size_t)(j->share + 1) * sizeof *j->image);
    if (!history || !j->gradient || !j->sum || !j->image)
        anc_fail(err, ANC_EMEMORY,
                 "out of memory for the gradients of %lld views; use more ranks, or a smaller --batch",
                 (long long)j->share);
    if (!err->code)
        anc_reduce_init(&j->reduce, &r->team, part, ANC_HEAD_PARTS, !strcmp(r->o.reduce, "exact"), err);
    double kind = 0; /* the kernels' name as a number */
    for (const char *c = anc_head_blas(); *c; c++) kind = fmod(kind * 31 + *c, 1e9);
    anc_spread kinds = anc_team_spread(&r->team, kind);
    r->one_blas = kinds.min == kinds.max;
    for (int64_t i = 0; !err->code && !r->team.rank && i < r->first_step; i++)
        anc_train_log_step(r, i, j->log);
    return anc_team_agree(&r->team, err);
}

/* Collective: --val-targets and --val-features. */
static anc_status open_validator(job *j, anc_err *err)
{
    anc_train_run *r = &j->run;
    j->validator.team = &r->team;
    j->validator.normaliser = r->normaliser;
    j->validator.per_image = r->o.per_image;
    j->validator.beta = r->o.beta;
    j->recall.team = &r->team;
    j->recall.kernels = r->kernels;
    if (!r->o.val_targets) return ANC_OK;
    if (anc_validator_open(&j->validator, r->o.val_targets, r->o.val_features, &r->head.shape, r->kernels,
                           err) ||
        !r->o.val_annotations)
        return err->code;
    return anc_recall_check_open(&j->recall, r->o.val_annotations, &j->validator.data, &r->head.shape, err);
}

/* ---- the job ---- */

/* Collective. Rank 0 writes the output. */
static anc_status checkpoint(job *j, anc_err *err)
{
    anc_train_run *r = &j->run;
    if (j->lock && anc_lock_lost(j->lock))
        anc_fail(err, ANC_ESYSTEM,
                 "%s: another run has taken it over while this one did not run; this one ends", r->o.out);
    if (j->feed) anc_feed_hold(j->feed);
    if (!r->team.rank && !err->code) anc_train_save(r, err);
    if (j->feed) anc_feed_release(j->feed);
    if (!r->team.rank && j->log) fflush(j->log);
    return anc_team_agree(&r->team, err);
}

/* Collective, after every --validate-every steps and after the last. */
static anc_status validate(job *j, anc_err *err)
{
    anc_train_run *r = &j->run;
    int64_t step = r->head.step;
    if (!r->o.val_targets || (step % r->o.validate_every && step < r->schedule.steps)) return ANC_OK;
    anc_head_validation v = { .step = (double)step, .recall = NAN }, *more;
    anc_feed_hold(j->feed);
    if (!anc_validate(&j->validator, r->head.parameters, &v, err) && r->o.val_annotations)
        anc_recall_check_run(&j->recall, r->head.parameters, &v.recall, err);
    anc_feed_release(j->feed);
    if (err->code) return err->code;
    more = realloc(r->head.validation, (size_t)(r->head.n_validations + 1) * sizeof *more);
    if (more) {
        r->head.validation = more;
        more[r->head.n_validations++] = v;
    } else {
        anc_fail(err, ANC_EMEMORY, "out of memory for the losses of validations");
    }
    if (!r->team.rank && !r->o.quiet) anc_train_say_validation(&v);
    return anc_team_agree(&r->team, err);
}

static int64_t last_step(const anc_train_run *r)
{
    return r->o.stop_at && r->o.stop_at < r->schedule.steps ? r->o.stop_at : r->schedule.steps;
}

/* Steps until the end, --stop-at or a signal. */
static anc_status train(job *j, anc_err *err)
{
    anc_train_run *r = &j->run;
    int64_t end = last_step(r), saved = r->head.step;
    bool stop = false;
    if (r->o.untrained) return checkpoint(j, err);
    while (r->head.step < end && !stop) {
        int64_t step = r->head.step;
        if (do_step(j, step, &r->head.history[step], &stop, err)) return err->code;
        r->head.step++;
        if (validate(j, err)) return err->code;
        if (!r->team.rank) anc_train_log_step(r, step, j->log);
        anc_train_say_step(r, &j->clock, false);
        if (r->o.checkpoint_every && r->head.step % r->o.checkpoint_every == 0) {
            if (checkpoint(j, err)) return err->code;
            saved = r->head.step;
        }
    }
    anc_train_say_step(r, &j->clock, true);
    return saved < r->head.step ? checkpoint(j, err) : ANC_OK;
}

static anc_status run(job *j, anc_err *err)
{
    anc_train_run *r = &j->run;
    anc_head_one_thread();
    anc_stop_listen(r->o.limit, err); /* the same on all ranks */
    if (err->code || prepare(j, err) || share(j, err) || open_validator(j, err)) return err->code;
    bool speaks = !r->team.rank;
    if (speaks && (!r->o.quiet || r->o.dry_run)) anc_train_print_plan(r);
    if (r->o.dry_run) {
        if (speaks) anc_train_print_dry_run(r, last_step(r));
        return ANC_OK;
    }
    if (r->first_step < r->schedule.steps) anc_feed_start(&j->plan, &j->feed, err);
    if (anc_team_agree(&r->team, err)) return err->code;
    j->clock.start_s = j->clock.reported_s = anc_now_s();
    if (train(j, err)) return err->code;
    anc_feed_stop(j->feed, &j->t.gather_s);
    j->feed = NULL;
    j->t.total_s = anc_now_s() - j->clock.start_s;
    j->t.mpi_s = j->reduce.wait_s;
    j->t.busy = anc_team_spread(&r->team, j->t.stage_s[ANC_TS_COMPUTE] + j->t.gather_s);
    j->t.wait = anc_team_spread(&r->team, j->t.mpi_s);
    j->t.peak = anc_team_spread(&r->team, anc_peak_mib());
    if (speaks && j->log && fclose(j->log))
        anc_fail(err, ANC_ESYSTEM, "%s: cannot be written: %s", r->o.log, strerror(errno));
    j->log = NULL;
    const anc_train_report about = { r, &j->t };
    if (speaks && !r->o.quiet) anc_train_print_summary(&about);
    if (speaks && r->o.summary && !err->code)
        anc_summary_write(r->o.summary, anc_train_print_json, &about, err);
    if (anc_team_agree(&r->team, err)) return err->code;
    if (r->head.step < r->schedule.steps)
        anc_say_stopped(&r->team, "train", r->o.stop_at ? "--stop-at" : "request", "after step %lld of %lld",
                        (long long)r->head.step, (long long)r->schedule.steps);
    return ANC_OK;
}

static void job_clear(job *j)
{
    if (j->log) fclose(j->log);
    anc_feed_stop(j->feed, NULL);
    anc_lock_release(j->lock);
    anc_recall_check_close(&j->recall);
    anc_validator_close(&j->validator);
    anc_train_data_close(&j->run.data);
    anc_reduce_clear(&j->reduce);
    anc_head_file_clear(&j->run.head);
    free(j->gradient);
    free(j->sum);
    free(j->image);
    free(j->d_logit);
    free(j->d_delta);
}

int anc_job_train(int argc, char **argv)
{
    job j = { 0 };
    int ended = anc_train_opts_parse(&j.run.o, argc, argv);
    if (ended) return ended - 1;
    anc_err err = { 0 };
    if (!anc_start_team(&j.run.team, "train")) return ANC_EXIT_FAILED;
    run(&j, &err);
    bool early = !err.code && !j.run.o.dry_run && j.run.head.step < j.run.schedule.steps;
    if (err.code && !j.run.team.rank) fprintf(stderr, "anchorage: train: %s\n", err.text);
    job_clear(&j);
    anc_team_stop(&j.run.team);
    if (early) return ANC_EXIT_AGAIN;
    return !err.code ? ANC_EXIT_DONE : err.code == ANC_EARGUMENT ? ANC_EXIT_USAGE : ANC_EXIT_FAILED;
}
