/* jobs/label/label_opts.c: see label_opts.h */
#include "jobs/label/label_opts.h"
#include "jobs/cli/opts.h"
#include "jobs/cli/run_opts.h"
#include "jobs/cli/stop.h"
#include <math.h>
#include <stdio.h>

/* "2/4" */
static bool read_part(anc_label_opts *o)
{
    int end = 0;
    o->part_i = o->part_n = 1;
    if (!o->part) return true;
    return sscanf(o->part, "%d/%d%n", &o->part_i, &o->part_n, &end) == 2 && !o->part[end] && o->part_i >= 1 &&
           o->part_i <= o->part_n && o->part_n <= 1000000;
}

int anc_label_opts_parse(anc_label_opts *o, int argc, char **argv)
{
    *o = (anc_label_opts){ .epochs = 1, .flip = NAN };
    const anc_opt opt[] = {
        { "output", 'o', "DIR", ANC_OPT_STRING, &o->out, 0, 0,
          "folder for the shards and targets.h5; made if missing" },
        { "preset", 'p', "NAME", ANC_OPT_STRING, &o->preset, 0, 0,
          "whose rules to follow (torchvision-fpn); `anchorage presets` lists them" },
        { "config", 'c', "FILE.ini", ANC_OPT_STRING, &o->config, 0, 0,
          "change any part of the preset; see `anchorage presets NAME`" },
        ANC_CONFIG_OPT_ROWS(&o->settings),
        { "stage", 0, "NAME", ANC_OPT_STRING, &o->stage, 0, 0,
          "rpn: anchors, for the proposal network (rpn); roi: proposals, for the detector behind it" },
        { "proposals", 0, "FILE", ANC_OPT_STRING, &o->proposals, 0, 0,
          "proposals.h5, or COCO results, for --stage roi; every rank reads it" },
        { "seed", 's', "N", ANC_OPT_INT, &o->seed, 0, 9007199254740991.0, "of sampling and flips" },
        { "epochs", 'e', "N", ANC_OPT_INT, &o->epochs, 1, 1000000,
          "views of each image, each with its own draws" },
        { "like", 0, "FEATURES.h5", ANC_OPT_STRING, &o->like, 0, 0,
          "place the views on exactly the sizes, paddings and grids of these features, for `anchorage "
          "train`" },
        { "flip", 0, "P", ANC_OPT_REAL, &o->flip, 0, 1,
          "mirror a view with this probability; otherwise as the preset says" },
        { "crowd", 0, "RULE", ANC_OPT_ONCE, &o->crowd, 0, 0,
          "crowd regions: drop, keep, ignore=SHARE (negatives in them by more than SHARE of their area "
          "become ignored), exclude=SHARE" },
        { "sampler", 0, "NAME", ANC_OPT_ONCE, &o->sampler, 0, 0,
          "philox, or torch: torch's CPU randperm, seeded anew for each view" },
        { "images-per-shard", 0, "N", ANC_OPT_SIZE, &o->images_per_shard, 1, 16777216,
          "images in one file (2048; twice or four times as many where that would be over 1,000 files)" },
        { "assignment", 0, NULL, ANC_OPT_FLAG, &o->assignment, 0, 0,
          "also keep every positive and ignored anchor" },
        { "labels", 0, NULL, ANC_OPT_FLAG, &o->labels, 0, 0, "also keep the label of every anchor (large)" },
        { "with-gt", 0, NULL, ANC_OPT_FLAG, &o->with_gt, 0, 0, "also keep the boxes in view pixels" },
        ANC_SOURCE_OPTS(o->words),
        { "restart", 0, NULL, ANC_OPT_FLAG, &o->restart, 0, 0, "throw away what DIR holds of another run" },
        { "repair", 0, NULL, ANC_OPT_FLAG, &o->repair, 0, 0,
          "check every row of the shards that are there, too" },
        { "part", 0, "I/N", ANC_OPT_STRING, &o->part, 0, 0,
          "do the shards of part I of N only, as one of N jobs that write to DIR; the one that finds all "
          "done writes the index" },
        anc_opt_time_limit(&o->limit),
        anc_opt_dry_run(&o->dry_run),
        anc_opt_simd(&o->simd),
        anc_opt_summary(&o->summary),
        anc_opt_quiet(&o->quiet),
        { 0 },
    };
    const anc_usage usage = {
        .command = "label",
        .operands = "ANNOTATIONS",
        .min_operands = 1,
        .max_operands = 1,
        .about =
            "Labels the anchors of every image, samples minibatches, encodes regression targets, and writes "
            "them as HDF5 shards and an index over them; with --stage roi the same for proposals, the second "
            "stage's RoIs. ANNOTATIONS is an annotations.h5 or any file or folder that `anchorage import` "
            "reads, - standard input. The bytes written depend on the data and the options, never on the "
            "number of ranks. Rerun the same command to resume after any interruption.",
        .example = "mpirun -n 64 anchorage label instances_train2017.json -o targets/ --preset "
                   "detectron2-fpn --epochs 12 --flip 0.5",
        .opt = opt,
    };
    int n, ended = anc_opts_parse(&usage, argc, argv, &o->annotations, &n);
    if (ended) return ended;
    if (!read_part(o))
        return 1 + anc_opts_refuse(&usage, "--part %s: must be I/N, such as 1/4 to 4/4", o->part);
    if (o->part && o->restart)
        return 1 +
               anc_opts_refuse(
                   &usage, "--restart would throw away what other parts do; remove the folder's files first");
    if (!o->out && !o->dry_run) return 1 + anc_opts_refuse(&usage, "--output DIR is missing");
    if (!o->out) o->out = "";
    anc_err err = { 0 };
    if (anc_source_options(&o->words, &o->source, &err) || anc_stop_listen(o->limit, &err))
        return 1 + anc_opts_refuse(&usage, "%s", err.text);
    return 0;
}
