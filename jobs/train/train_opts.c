/* jobs/train/train_opts.c: see train_opts.h */
#include "jobs/train/train_opts.h"
#include "jobs/cli/choose.h"
#include "jobs/cli/opts.h"
#include "jobs/cli/run_opts.h"
#include "mpi/reduce.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>

static const char *const normalisers[] = { "sampled", "constant", "image",
                                           NULL }; /* as anc_feed_normaliser */
static const char *const schedules[] = { "steps", "cosine", NULL };
static const char *const sums[] = { "exact", "float", NULL };

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

anc_status anc_train_opts_read(anc_train_run *r, anc_err *err)
{
    const anc_train_opts *o = &r->o;
    int norm = word(o->normaliser, normalisers), schedule = word(o->schedule, schedules);
    if (norm < 0)
        return anc_fail(err, ANC_EARGUMENT, "--normaliser %s: must be sampled, constant or image",
                        o->normaliser);
    if (schedule < 0)
        return anc_fail(err, ANC_EARGUMENT, "--schedule %s: must be steps or cosine", o->schedule);
    if (word(o->reduce, sums) < 0)
        return anc_fail(err, ANC_EARGUMENT, "--reduce %s: must be exact or float", o->reduce);
    bool named;
    r->kernels = anc_choose_kernels(o->simd, &named, err);
    if (!r->kernels) return err->code;
    r->normaliser = (anc_feed_normaliser)norm;
    r->schedule = (anc_schedule){
        .rate = o->rate, .warm_up = o->warm_up, .form = (anc_schedule_form)schedule, .gamma = o->gamma
    };
    return read_milestones(o->milestones, &r->schedule, err);
}

int anc_train_opts_parse(anc_train_opts *o, int argc, char **argv)
{
    *o = (anc_train_opts){ .epochs = 12,
                           .batch = 16,
                           .per_image = 256,
                           .rate = 0.02,
                           .momentum = 0.9,
                           .decay = 1e-4,
                           .warm_up = 100,
                           .gamma = 0.1,
                           .beta = 1.0 / 9,
                           .std = 0.01,
                           .keep = 0,
                           .checkpoint_every = 1000,
                           .validate_every = 1000,
                           .schedule = "steps",
                           .normaliser = "sampled",
                           .reduce = "exact" };
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
    if (ended) return ended;
    if (!o->out) return 1 + anc_opts_refuse(&usage, "--output HEAD.h5 is missing");
    if (!o->val_targets != !o->val_features)
        return 1 + anc_opts_refuse(&usage, "--val-targets and --val-features go together");
    if (o->val_annotations && !o->val_targets)
        return 1 + anc_opts_refuse(&usage, "--val-annotations goes with --val-targets and --val-features");
    if (o->keep && !o->checkpoint_every)
        return 1 + anc_opts_refuse(&usage, "--keep needs --checkpoint-every");
    return 0;
}
