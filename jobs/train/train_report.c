/* jobs/train/train_report.c: see train_report.h */
#include "jobs/train/train_report.h"
#include "jobs/cli/clock.h"
#include "jobs/cli/format.h"
#include <errno.h>
#include <math.h>
#include <string.h>
#include <unistd.h>

#define COUNT(x)   anc_format_count(x).text
#define OF(n, one) anc_format_of(n, one).text

bool anc_train_is_finished(const anc_train_run *r)
{
    return r->first_step > 0 && r->first_step == r->schedule.steps;
}

void anc_train_print_plan(const anc_train_run *r)
{
    const anc_train_data *d = &r->data;
    printf("train: %s: %s in %s; %s: %s, %s of %s, %s, %s\n", d->info->path,
           OF(d->info->n[ANC_ROWS_VIEWS], "view"), OF(d->n_epochs, "epoch"), d->maps->path,
           OF(d->maps->n_images, "image"), OF(d->maps->n_levels, "level"), OF(d->maps->channels, "channel"),
           d->maps->half ? "float16" : "float32", d->maps->in_place ? "used in place" : "read through HDF5");
    printf("train: %s of %s, %s, %s, %s kernels, BLAS for %s\n", OF(r->schedule.steps, "step"),
           OF(r->o.batch, "view"), OF((int64_t)anc_head_size(&r->head.shape), "parameter"),
           OF(r->team.size, "rank"), r->kernels->name, anc_head_blas());
    if (r->o.batch % r->team.size)
        printf("  note: %s a step %s not divide by %d ranks; some wait\n", OF(r->o.batch, "view"),
               anc_format_verb(r->o.batch, "does", "do"), r->team.size);
    if (!r->one_blas)
        printf("  note: the ranks' CPUs differ, and with them the BLAS library's rounding; for the same bits "
               "on any ranks "
               "set OPENBLAS_CORETYPE=Haswell on all\n");
    if (r->first_step && !anc_train_is_finished(r))
        printf("train: goes on after step %s\n", COUNT(r->first_step));
    fflush(stdout);
}

void anc_train_print_dry_run(const anc_train_run *r, int64_t end)
{
    int64_t left = r->o.untrained ? 0 : end - r->first_step;
    if (left > 0 || r->o.untrained)
        printf("train: dry run: would take %s and write %s\n", OF(left, "step"), r->o.out);
    else
        printf("train: dry run: nothing to do: %s is at step %lld\n", r->o.out, (long long)r->first_step);
}

/* Mean losses of the n steps before `step`. */
static void mean_losses(const anc_train_run *r, int64_t step, int64_t n, double loss[2])
{
    loss[0] = loss[1] = 0;
    if (n > step) n = step;
    for (int64_t i = step - n; i < step; i++) {
        loss[0] += r->head.history[i].objectness / (double)n;
        loss[1] += r->head.history[i].boxes / (double)n;
    }
}

void anc_train_say_step(const anc_train_run *r, anc_train_clock *c, bool last)
{
    bool terminal = isatty(STDERR_FILENO);
    double t = anc_now_s(), every = terminal ? 0.2 : 5, loss[2];
    if (r->o.quiet || r->team.rank || !r->head.step || (!last && t - c->reported_s < every) ||
        (last && !terminal))
        return;
    c->reported_s = t;
    int64_t done = r->head.step, here = done - r->first_step;
    double rate = (double)here / (t - c->start_s);
    mean_losses(r, done, 20, loss);
    fprintf(stderr,
            "%strain: step %s/%s  loss %.4f = %.4f objectness + %.4f boxes  lr %.3g  %s views/s  %s left%s",
            terminal ? "\r" : "", COUNT(done), COUNT(r->schedule.steps), loss[0] + loss[1], loss[0], loss[1],
            r->head.history[done - 1].rate, anc_format_rate(rate * (double)r->o.batch).text,
            anc_format_time((double)(r->schedule.steps - done) / rate).text, terminal ? "\033[K" : "\n");
    if (last) putc('\n', stderr);
    fflush(stderr);
}

void anc_train_say_validation(const anc_head_validation *v)
{
    fprintf(stderr, "%strain: after step %s  validation loss %.4f = %.4f objectness + %.4f boxes",
            isatty(STDERR_FILENO) ? "\r\033[K" : "", COUNT((int64_t)v->step), v->objectness + v->boxes,
            v->objectness, v->boxes);
    if (!isnan(v->recall)) fprintf(stderr, "  average recall %.4f at 100", v->recall);
    putc('\n', stderr);
}

void anc_train_print_summary(const anc_train_report *a)
{
    const anc_train_run *r = a->run;
    const anc_train_timings *t = a->t;
    if (anc_train_is_finished(r)) {
        printf("train: %s is finished, after all of its %s: nothing to do\n", r->o.out,
               OF(r->schedule.steps, "step"));
        return;
    }
    int64_t here = r->head.step - r->first_step;
    double loss[2], all = 0;
    for (int i = 0; i < ANC_TS_STAGES; i++) all += t->stage_s[i];
    mean_losses(r, r->head.step, 100, loss);
    if (!(all > 0)) all = 1;
    printf("\n  loss of the last %s: %.5f = %.5f objectness + %.5f boxes\n",
           OF(r->head.step < 100 ? r->head.step : 100, "step"), loss[0] + loss[1], loss[0], loss[1]);
    printf("  rank 0: wait for views %.0f %%, head and loss %.0f %%, sum over ranks %.0f %% (%.0f %% of all "
           "in MPI), "
           "update %.0f %%; gathered meanwhile in %s\n",
           100 * t->stage_s[ANC_TS_WAIT] / all, 100 * t->stage_s[ANC_TS_COMPUTE] / all,
           100 * t->stage_s[ANC_TS_REDUCE] / all, 100 * t->mpi_s / all, 100 * t->stage_s[ANC_TS_UPDATE] / all,
           anc_format_time(t->gather_s).text);
    printf("  memory: at most %.0f MiB on a rank (rank %d)\n", t->peak.max, t->peak.max_rank);
    printf("train: %s after step %s of %s; %s in %s, %s views/s\n", r->o.out, COUNT(r->head.step),
           COUNT(r->schedule.steps), OF(here, "step"), anc_format_time(t->total_s).text,
           anc_format_rate(t->total_s > 0 ? (double)(here * r->o.batch) / t->total_s : 0).text);
}

void anc_train_print_json(const void *report, FILE *to)
{
    const anc_train_report *a = report;
    const anc_train_run *r = a->run;
    const anc_train_timings *t = a->t;
    double loss[2];
    mean_losses(r, r->head.step, 100, loss);
    fprintf(to, "{\"config\":%s,\n \"ranks\":%d,\"kernels\":\"%s\",\"blas\":\"%s\",\"in_place\":%s,\n",
            r->head.config, r->team.size, r->kernels->name, anc_head_blas(),
            r->data.maps->in_place ? "true" : "false");
    fprintf(to, " \"step\":%lld,\"steps_here\":%lld,\"parameters\":%zu,\"loss_last100\":[%.9g,%.9g],\n",
            (long long)r->head.step, (long long)(r->head.step - r->first_step), anc_head_size(&r->head.shape),
            loss[0], loss[1]);
    fprintf(
        to,
        " \"seconds\":{\"training\":%.6f,\"rank0\":{\"gather\":%.6f,\"wait\":%.6f,\"compute\":%.6f,"
        "\"reduce\":%.6f,\"mpi\":"
        "%.6f,\"update\":%.6f},\n"
        "  \"busy_min\":%.6f,\"busy_mean\":%.6f,\"busy_max\":%.6f,\"mpi_mean\":%.6f},\n \"peak_mib\":%.1f}\n",
        t->total_s, t->gather_s, t->stage_s[ANC_TS_WAIT], t->stage_s[ANC_TS_COMPUTE],
        t->stage_s[ANC_TS_REDUCE], t->mpi_s, t->stage_s[ANC_TS_UPDATE], t->busy.min, t->busy.mean,
        t->busy.max, t->wait.mean, t->peak.max);
}

anc_status anc_train_log_open(const anc_train_run *r, FILE **log, anc_err *err)
{
    if (!r->o.log) return ANC_OK;
    *log = fopen(r->o.log, "w");
    if (!*log) return anc_fail(err, ANC_ESYSTEM, "%s: cannot be written: %s", r->o.log, strerror(errno));
    fprintf(*log, "step,lr,objectness,box_reg,grad_norm%s\n",
            r->o.val_targets ? ",val_objectness,val_box_reg,val_recall" : "");
    return ANC_OK;
}

/* The validation after so many steps, or NULL. */
static const anc_head_validation *validation_at(const anc_train_run *r, int64_t steps)
{
    for (int64_t i = r->head.n_validations - 1; i >= 0 && r->head.validation[i].step >= (double)steps; i--)
        if (r->head.validation[i].step == (double)steps) return &r->head.validation[i];
    return NULL;
}

void anc_train_log_step(const anc_train_run *r, int64_t step, FILE *log)
{
    const anc_head_step *s = &r->head.history[step];
    const anc_head_validation *v = validation_at(r, step + 1);
    if (!log) return;
    fprintf(log, "%lld,%.9g,%.9g,%.9g,%.9g", (long long)step + 1, s->rate, s->objectness, s->boxes, s->norm);
    if (r->o.val_targets)
        fprintf(log, ",%.9g,%.9g,%.9g", v ? v->objectness : NAN, v ? v->boxes : NAN, v ? v->recall : NAN);
    putc('\n', log);
}
