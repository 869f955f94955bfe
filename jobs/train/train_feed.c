/* jobs/train/train_feed.c: see train_feed.h */
#include "jobs/train/train_feed.h"
#include "core/rng.h"
#include "io/hdf5/h5.h"
#include "jobs/cli/clock.h"
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>
#include <string.h>

enum { AHEAD = 4 }; /* views: enough to hide a slow read, 3 MB each at 256 channels */

struct anc_feed {
    anc_feed_plan plan;
    int64_t share, cycle;
    int64_t shuffled; /* the run's epoch that order is of, or -1 */
    int64_t *order;   /* [n_views] */
    anc_feed_view view[AHEAD];
    anc_err err; /* of the thread: what came after view `made` */
    double gather_s;

    pthread_t thread;
    pthread_mutex_t mutex, hdf5; /* of what follows; of HDF5, and with it of the data */
    pthread_cond_t change;
    int64_t made, taken; /* views */
    bool failed, ending;
};

/* ---- which views a step takes ---- */

static int64_t steps_of(const anc_train_data *d, int64_t batch, int64_t epoch)
{
    return (d->epoch_first[epoch + 1] - d->epoch_first[epoch]) / batch;
}

int64_t anc_feed_cycle(const anc_train_data *d, int64_t batch)
{
    int64_t sum = 0;
    for (int64_t e = 0; e < d->n_epochs; e++) sum += steps_of(d, batch, e);
    return sum;
}

int64_t anc_feed_steps(const anc_train_data *d, int64_t batch, int64_t epochs)
{
    int64_t steps = epochs / d->n_epochs * anc_feed_cycle(d, batch);
    for (int64_t e = 0; e < epochs % d->n_epochs; e++) steps += steps_of(d, batch, e);
    return steps;
}

int64_t anc_feed_share(const anc_feed_plan *p) { return (p->batch - p->rank + p->n_ranks - 1) / p->n_ranks; }

static anc_status shuffle(anc_feed *f, int64_t epoch, anc_err *err)
{
    if (f->shuffled == epoch) return ANC_OK;
    int64_t n = f->plan.data->n_views;
    free(f->order);
    f->order = malloc((size_t)n * sizeof *f->order);
    if (!f->order)
        return anc_fail(err, ANC_EMEMORY, "out of memory for the order of %lld views", (long long)n);
    for (int64_t i = 0; i < n; i++) f->order[i] = i;
    anc_rng r;
    anc_rng_init(&r, f->plan.seed, 0, (int32_t)epoch, ANC_RNG_SHUFFLE);
    for (int64_t i = n - 1; i > 0 && !f->plan.in_order; i--) {
        int64_t k = anc_rng_below(&r, (uint32_t)(i + 1)), keep = f->order[i];
        f->order[i] = f->order[k];
        f->order[k] = keep;
    }
    f->shuffled = epoch;
    return ANC_OK;
}

/* The batch of a step: views (*batch)[0 .. plan.batch) of the epoch that is then loaded. */
static anc_status find_batch(anc_feed *f, int64_t step, const int64_t **batch, anc_err *err)
{
    anc_train_data *d = f->plan.data;
    int64_t cycle = step / f->cycle, at = step % f->cycle, e = 0;
    while (at >= steps_of(d, f->plan.batch, e)) at -= steps_of(d, f->plan.batch, e++);
    if (anc_train_data_load(d, e, err) || shuffle(f, cycle * d->n_epochs + e, err)) return err->code;
    *batch = f->order + at * f->plan.batch;
    return ANC_OK;
}

static int64_t rows_of(const anc_train_data *d, int64_t view) { return d->row[view + 1] - d->row[view]; }

static double weight_of(const anc_feed *f, const int64_t *batch, int64_t view)
{
    const anc_feed_plan *p = &f->plan;
    int64_t n = 0;
    switch (p->normaliser) {
    case ANC_FEED_SAMPLED:
        for (int64_t i = 0; i < p->batch; i++) n += rows_of(p->data, batch[i]);
        break;
    case ANC_FEED_CONSTANT: n = p->per_image * p->batch; break;
    case ANC_FEED_IMAGE: n = rows_of(p->data, view) * p->batch; break;
    }
    return n ? 1 / (double)n : 0;
}

/* ---- the thread ---- */

static anc_status gather(anc_feed *f, const int64_t *batch, int64_t view, anc_feed_view *to, anc_err *err)
{
    anc_train_data *d = f->plan.data;
    anc_feature_map map[ANC_MAX_LEVELS];
    to->image_id = d->image_id[view];
    to->weight = weight_of(f, batch, view);
    to->n = (int32_t)rows_of(d, view);
    to->n_positive = (int32_t)(d->positive[view + 1] - d->positive[view]);
    if (to->n_positive > to->target_capacity) {
        free(to->target);
        to->target = malloc((size_t)to->n_positive * sizeof *to->target);
        to->target_capacity = to->target ? to->n_positive : 0;
        if (!to->target) return anc_fail(err, ANC_EMEMORY, "out of memory for %d targets", to->n_positive);
    }
    if (to->n_positive)
        memcpy(to->target, d->target + d->positive[view], (size_t)to->n_positive * sizeof *to->target);
    if (anc_features_map(d->features, d->image[view], map, err)) return err->code;
    return anc_head_gather(&to->pass, map, d->info->n_levels, d->anchor + d->row[view], to->n_positive,
                           to->n - to->n_positive, err);
}

/* The i-th view of this rank, into its place. */
static anc_status make(anc_feed *f, int64_t i, anc_err *err)
{
    const int64_t *batch = NULL;
    double start = anc_now_s();
    pthread_mutex_lock(&f->hdf5);
    anc_status status = find_batch(f, f->plan.first + i / f->share, &batch, err);
    if (!status)
        status =
            gather(f, batch, batch[f->plan.rank + i % f->share * f->plan.n_ranks], &f->view[i % AHEAD], err);
    pthread_mutex_unlock(&f->hdf5);
    f->gather_s += anc_now_s() - start;
    return status;
}

static void *run(void *context)
{
    anc_feed *f = context;
    int64_t n = (f->plan.end - f->plan.first) * f->share;
    anc_h5_start();
    pthread_mutex_lock(&f->mutex);
    for (int64_t i = 0; i < n && !f->ending && !f->failed; i++) {
        /* the view that was taken last is in use until the next one is asked for */
        while (!f->ending && i - f->taken >= AHEAD - 1) pthread_cond_wait(&f->change, &f->mutex);
        if (f->ending) break;
        pthread_mutex_unlock(&f->mutex);
        anc_status status = make(f, i, &f->err);
        pthread_mutex_lock(&f->mutex);
        if (status)
            f->failed = true;
        else
            f->made = i + 1;
        pthread_cond_broadcast(&f->change);
    }
    pthread_mutex_unlock(&f->mutex);
    return NULL;
}

anc_status anc_feed_start(const anc_feed_plan *plan, anc_feed **out, anc_err *err)
{
    anc_feed *f = calloc(1, sizeof *f);
    if (!f) return anc_fail(err, ANC_EMEMORY, "out of memory for the views of a step");
    f->plan = *plan;
    f->share = anc_feed_share(plan);
    f->cycle = anc_feed_cycle(plan->data, plan->batch);
    f->shuffled = -1;
    for (int i = 0; i < AHEAD; i++)
        f->view[i].pass = (anc_head_activations){ .shape = plan->shape, .kernels = plan->kernels };
    pthread_mutex_init(&f->mutex, NULL);
    pthread_mutex_init(&f->hdf5, NULL);
    pthread_cond_init(&f->change, NULL);
    sigset_t all, before;
    sigfillset(&all); /* signals are for the thread that works */
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&f->thread, NULL, run, f);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    if (failed) {
        free(f);
        return anc_fail(err, ANC_ESYSTEM, "cannot start a thread: %s", strerror(failed));
    }
    *out = f;
    return ANC_OK;
}

anc_feed_view *anc_feed_next(anc_feed *f, anc_err *err)
{
    anc_feed_view *v = NULL;
    pthread_mutex_lock(&f->mutex);
    while (f->made == f->taken && !f->failed) pthread_cond_wait(&f->change, &f->mutex);
    if (f->made > f->taken)
        v = &f->view[f->taken++ % AHEAD];
    else
        *err = f->err;
    pthread_cond_broadcast(&f->change);
    pthread_mutex_unlock(&f->mutex);
    return v;
}

void anc_feed_hold(anc_feed *f) { pthread_mutex_lock(&f->hdf5); }
void anc_feed_release(anc_feed *f) { pthread_mutex_unlock(&f->hdf5); }

void anc_feed_stop(anc_feed *f, double *gather_s)
{
    if (!f) return;
    pthread_mutex_lock(&f->mutex);
    f->ending = true;
    pthread_cond_broadcast(&f->change);
    pthread_mutex_unlock(&f->mutex);
    pthread_join(f->thread, NULL);
    if (gather_s) *gather_s = f->gather_s;
    for (int i = 0; i < AHEAD; i++) {
        anc_head_activations_free(&f->view[i].pass);
        free(f->view[i].target);
    }
    pthread_mutex_destroy(&f->mutex);
    pthread_mutex_destroy(&f->hdf5);
    pthread_cond_destroy(&f->change);
    free(f->order);
    free(f);
}
