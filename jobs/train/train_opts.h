/* jobs/train/train_opts.h: the command line of `anchorage train` */
#ifndef ANC_JOBS_TRAIN_TRAIN_OPTS_H
#define ANC_JOBS_TRAIN_TRAIN_OPTS_H

#include "jobs/train/train_run.h"

/* Parses argv into *o, which begins with the defaults. Returns 0 to go on, otherwise 1 + the exit code to end
 * with, as anc_opts_parse does. */
int anc_train_opts_parse(anc_train_opts *o, int argc, char **argv);

/* What the options' words and lists stand for: the run's kernels, normaliser and schedule, but for its number
 * of steps. Errors: ANC_EARGUMENT, naming the option. */
anc_status anc_train_opts_read(anc_train_run *r, anc_err *err);

#endif
