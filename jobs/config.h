/* jobs/config.h: the rules as text: an INI file to edit, and JSON to keep */
#ifndef ANC_JOBS_CONFIG_H
#define ANC_JOBS_CONFIG_H

#include "core/rules.h"
#include <stdbool.h>
#include <stdio.h>

/* Reads an INI file over the rules (libinih). Every key may be missing; an unknown section, key or value is
 * refused with the nearest known one, as is a key that stands twice. [preset] name = X starts from that
 * preset; it must agree with *preset if that is not NULL. Errors name file and line. */
anc_status anc_config_read(const char *path, const char *preset, anc_rules *r, anc_err *err);

/* Which keys were given, whatever by. Zeroed: none. */
enum { ANC_CONFIG_KEYS = 64 };
typedef struct {
    bool key[ANC_CONFIG_KEYS];
} anc_config_given;

/* Whether "view.min_size" was. */
bool anc_config_gives(const anc_config_given *given, const char *name);

/* The same as anc_config_read; *given: the keys that stand in the file. */
anc_status anc_config_read_given(const char *path, const char *preset, anc_rules *r, anc_config_given *given,
                                 anc_err *err);

/* One key from elsewhere than a file: name "view.min_size", its value as it would stand in one, and what gave
 * it, for errors: "--min-size". */
typedef struct {
    const char *option, *name, *value;
} anc_config_setting;

/* Sets n of them over the rules, adds them to *given, and checks the rules. A key that is given twice is
 * refused. Errors: ANC_EARGUMENT, naming the option. */
anc_status anc_config_apply(const anc_config_setting *s, int n, anc_rules *r, anc_config_given *given,
                            anc_err *err);

/* The rules as such a file. */
void anc_config_print(const anc_rules *r, FILE *to);

/* The rules as one JSON object on one line: the same keys, in the same order; those of [roi] only if that is
 * the stage. Of views whose sizes are given, view.resize is "like", and min_size, max_size and pad are left
 * out. */
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
