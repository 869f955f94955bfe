/* jobs/label/label_opts.h: the command line of `anchorage label` */
#ifndef ANC_JOBS_LABEL_LABEL_OPTS_H
#define ANC_JOBS_LABEL_LABEL_OPTS_H

#include "jobs/cli/config_opts.h"
#include "jobs/cli/source_opts.h"
#include <stdbool.h>
#include <stdint.h>

typedef struct {
    const char *annotations, *out, *preset, *config, *crowd, *sampler, *simd, *summary, *part, *limit, *like,
        *stage, *proposals;
    int64_t seed, epochs, images_per_shard;
    double flip;
    bool assignment, labels, with_gt, restart, repair, dry_run, quiet;
    int part_i, part_n; /* of --part */
    anc_source_words words;
    anc_reader_options source; /* what words say */
    anc_config_words settings;
} anc_label_opts;

/* Parses argv into *o, and begins to listen for the stops that it asks for. Returns 0 to go on, otherwise 1 + the
 * exit code to end with, as anc_opts_parse does. */
int anc_label_opts_parse(anc_label_opts *o, int argc, char **argv);

#endif
