/* jobs/train/train_run.h: what a run of `anchorage train` is: options, data, and the head so far */
#ifndef ANC_JOBS_TRAIN_TRAIN_RUN_H
#define ANC_JOBS_TRAIN_TRAIN_RUN_H

#include "core/head/sgd.h"
#include "io/store/head_file.h"
#include "jobs/train/train_data.h"
#include "jobs/train/train_feed.h"
#include "mpi/team.h"
#include <stdbool.h>
#include <stdint.h>

/* The command line. Strings are borrowed from argv; NULL: not given. */
typedef struct {
    const char *paths[2], *out, *init, *log, *summary, *simd, *schedule, *milestones, *normaliser, *reduce,
        *limit, *val_targets, *val_features, *val_annotations;
    int64_t seed, steps, epochs, batch, per_image, warm_up, checkpoint_every, keep, stop_at, validate_every;
    double rate, momentum, decay, gamma, clip, beta, std;
    bool no_shuffle, untrained, overwrite, dry_run, quiet;
} anc_train_opts;

typedef struct {
    anc_train_opts o;
    anc_team team;
    const anc_kernels *kernels;
    anc_feed_normaliser normaliser;
    anc_schedule schedule;
    anc_train_data data; /* targets and features */
    anc_head_file head;  /* owned; its history and configuration are whole on rank 0 only */
    int64_t first_step;  /* done by earlier runs */
    bool one_blas;       /* all ranks' BLAS chose the same kernels */
} anc_train_run;

#endif
