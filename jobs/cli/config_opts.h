/* jobs/cli/config_opts.h: keys of the configuration file as options: --set SECTION.KEY=VALUE, and the common ones
 * by names of their own
 */
#ifndef ANC_JOBS_CLI_CONFIG_OPTS_H
#define ANC_JOBS_CLI_CONFIG_OPTS_H

#include "jobs/cli/config.h"
#include "jobs/cli/opts.h"

enum { ANC_CONFIG_OPTS = 10 }; /* with a name of their own */

/* What the command line gave; zeroed before. */
typedef struct {
    const char *value[ANC_CONFIG_OPTS];
    anc_opt_list set;
} anc_config_words;

/* The row of a table of anc_opt for the option at this place, of 0 to ANC_CONFIG_OPTS - 1; then --set's. */
anc_opt anc_config_opt(anc_config_words *w, int place);
anc_opt anc_config_opt_set(anc_config_words *w);

/* ANC_CONFIG_OPTS rows and one. */
#define ANC_CONFIG_OPT_ROWS(w)                                                                  \
    anc_config_opt(w, 0), anc_config_opt(w, 1), anc_config_opt(w, 2), anc_config_opt(w, 3),     \
        anc_config_opt(w, 4), anc_config_opt(w, 5), anc_config_opt(w, 6), anc_config_opt(w, 7), \
        anc_config_opt(w, 8), anc_config_opt(w, 9), anc_config_opt_set(w)

/* Sets them over the rules, whose stage is known, and adds them to *given. Under the second stage --batch and
 * the IoUs are those of [roi], and what is of anchors is refused. Errors: ANC_EARGUMENT, naming the option.
 */
anc_status anc_config_take(const anc_config_words *w, anc_rules *r, anc_config_given *given, anc_err *err);

#endif
