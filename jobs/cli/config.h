/* jobs/cli/config.h: rules (core/config.h) from a file, and from the configuration that a file of ours holds */
#ifndef ANC_JOBS_CLI_CONFIG_H
#define ANC_JOBS_CLI_CONFIG_H

#include "core/config.h"

/* Reads an INI file over the rules, as anc_config_text does. Errors name file and line. */
anc_status anc_config_read(const char *path, const char *preset, anc_rules *r, anc_err *err);

/* The same; *given: the keys that stand in the file. */
anc_status anc_config_read_given(const char *path, const char *preset, anc_rules *r, anc_config_given *given,
                                 anc_err *err);

/* The inverse of anc_config_json: the rules in the object "rules" of a file's whole configuration, and their
 * stage; of a head's, those of its targets. Errors: ANC_EDATA, ANC_EARGUMENT. */
anc_status anc_config_read_json(const char *json, anc_rules *r, anc_err *err);

#endif
