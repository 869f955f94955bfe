/* jobs/train/train_feed.h: the views that a rank's steps take, in order, gathered ahead by a thread of its own
 *
 * Which views a step takes is a function of its number, so that a run goes on from a checkpoint as if it had
 * never stopped: an epoch is floor(views / batch) steps over a shuffle keyed by (seed, epoch) (Philox; Fisher
 * and Yates); views that fill no batch sit it out; targets of several epochs are gone through in turn. A
 * batch is dealt out to the ranks in turn.
 *
 * The thread reads targets and features and gathers the patches of the next views while the trainer computes.
 * It alone touches them from anc_feed_start on. HDF5 is one at a time: who uses it for anything else
 * meanwhile, such as a checkpoint, stands between anc_feed_hold and anc_feed_release.
 */
#ifndef ANC_JOBS_TRAIN_TRAIN_FEED_H
#define ANC_JOBS_TRAIN_TRAIN_FEED_H

#include "core/head/head.h"
#include "jobs/train/train_data.h"

typedef enum { ANC_FEED_SAMPLED, ANC_FEED_CONSTANT, ANC_FEED_IMAGE } anc_feed_normaliser;

typedef struct {
    anc_train_data *data; /* its epochs are known (anc_train_data_check) */
    int rank, n_ranks;
    int64_t batch; /* views of a step, over all ranks */
    uint64_t seed; /* of the order */
    bool in_order; /* no shuffle */
    anc_feed_normaliser normaliser;
    int64_t per_image;  /* of ANC_FEED_CONSTANT */
    int64_t first, end; /* steps */
    anc_head_shape shape;
    const anc_kernels *kernels;
} anc_feed_plan;

/* One view of a step, gathered. */
typedef struct {
    int64_t image_id;
    double weight; /* what its sums of losses are multiplied by: 1/N */
    int32_t n, n_positive;
    float (*target)[4]; /* [n_positive] */
    anc_head_activations pass;
    int32_t target_capacity;
} anc_feed_view;

typedef struct anc_feed anc_feed;

/* Steps that go once through all epochs of the targets. */
int64_t anc_feed_cycle(const anc_train_data *d, int64_t batch);

/* Steps that `epochs` epochs have. */
int64_t anc_feed_steps(const anc_train_data *d, int64_t batch, int64_t epochs);

/* How many views of each step are this rank's. */
int64_t anc_feed_share(const anc_feed_plan *p);

/* Copies the plan and starts the thread. Errors: ANC_EMEMORY, ANC_ESYSTEM. */
anc_status anc_feed_start(const anc_feed_plan *plan, anc_feed **out, anc_err *err);

/* The next view of this rank, in the order of steps; good until the next call. NULL: err says why. Not to be
 * called for more views than the plan's steps have. */
anc_feed_view *anc_feed_next(anc_feed *f, anc_err *err);

void anc_feed_hold(anc_feed *f);
void anc_feed_release(anc_feed *f);

/* Ends the thread, wherever it is, and frees f. gather_s, if not NULL: the thread's time. NULL is allowed. */
void anc_feed_stop(anc_feed *f, double *gather_s);

#endif
