/* jobs/config.h: the rules as text: an INI file to edit, and JSON to keep */
#ifndef ANC_JOBS_CONFIG_H
#define ANC_JOBS_CONFIG_H

#include "core/rules.h"
#include <stdio.h>

/* Reads an INI file over the rules (libinih). Every key may be missing; an unknown section, key or value is
 * refused with the nearest known one, as is a key that stands twice. [preset] name = X starts from that
 * preset; it must agree with *preset if that is not NULL. Errors name file and line. */
anc_status anc_config_read(const char *path, const char *preset, anc_rules *r, anc_err *err);

/* The rules as such a file. */
void anc_config_print(const anc_rules *r, FILE *to);

/* The rules as one JSON object on one line: the same keys, in the same order; those of [roi] only if that is
 * the stage. */
void anc_config_json(const anc_rules *r, FILE *to);

/* The shortest decimal that reads back as the same double. */
void anc_config_real(double x, FILE *to);

/* The inverse: the rules in the object "rules" of a file's whole configuration, and their stage; of a head's,
 * those of its targets. Errors: ANC_EDATA, ANC_EARGUMENT. */
anc_status anc_config_read_json(const char *json, anc_rules *r, anc_err *err);

/* Sets the crowd rule from "drop", "keep", "ignore", "exclude", "ignore=0.5", "exclude=0.5". */
anc_status anc_config_crowd(const char *text, anc_rules *r, anc_err *err);

/* The crowd rule's word: "drop" ... */
const char *anc_config_crowd_word(const anc_rules *r);

/* Sets the sampler from "philox" or "torch" (in mmdetection's way under its preset). */
anc_status anc_config_sampler(const char *text, anc_rules *r, anc_err *err);

#endif
