/* jobs/job_presets.c: `anchorage presets`: the presets, and any of them as an INI file */
#include "jobs/cli/choose.h"
#include "jobs/cli/config.h"
#include "jobs/job.h"
#include "jobs/cli/opts.h"
#include <errno.h>
#include <stdio.h>
#include <string.h>

static int written(void)
{
    if (!fflush(stdout) && !ferror(stdout)) return ANC_EXIT_DONE;
    fprintf(stderr, "anchorage: presets: cannot write: %s\n", strerror(errno));
    return ANC_EXIT_FAILED;
}

int anc_job_presets(int argc, char **argv)
{
    const anc_opt opt[] = { { 0 } };
    const anc_usage usage = {
        .command = "presets",
        .operands = "[NAME]",
        .max_operands = 1,
        .about = "Lists the presets, each with the version of its system that it was held to, or prints one "
                 "as an INI file for `anchorage label --config`.",
        .example = "anchorage presets torchvision-fpn > my.ini",
        .opt = opt,
    };
    const char *name;
    int n, ended = anc_opts_parse(&usage, argc, argv, &name, &n);
    if (ended) return ended - 1;
    if (!anc_opts_speaks()) return ANC_EXIT_DONE;
    if (!n) {
        for (const char *const *p = anc_rules_preset_names; *p; p++)
            printf("%-24s held to %s\n", *p, anc_rules_preset_held_to(*p));
        return written();
    }
    anc_err err = { 0 };
    const anc_rules *r = anc_choose_preset(name, &err);
    if (!r) {
        fprintf(stderr, "anchorage: presets: %s\n", err.text);
        return ANC_EXIT_USAGE;
    }
    anc_config_print(r, stdout);
    return written();
}
