/* jobs/label/label_rules.h: the rules that the options, the configuration and an earlier run ask for */
#ifndef ANC_JOBS_LABEL_LABEL_RULES_H
#define ANC_JOBS_LABEL_LABEL_RULES_H

#include "core/rules.h"
#include "jobs/label/label_opts.h"

/* Preset, then configuration file, then options. *unused becomes true when the file has keys that --like leaves
 * without effect. Errors: ANC_EARGUMENT, ANC_EDATA, ANC_ESYSTEM, naming the option or the file and line. */
anc_status anc_label_rules(const anc_label_opts *o, anc_rules *r, bool *unused, anc_err *err);

/* What an earlier version has begun in the folder goes on as it was recorded: under the name that the preset
 * had then, and under --like, where it decides nothing, with the preset's resize rule. Asked for by that
 * name, which stands for other rules today, it is refused with the one to ask for. Errors: ANC_EARGUMENT. */
anc_status anc_label_rules_as_begun(const anc_label_opts *o, anc_rules *r, anc_err *err);

#endif
