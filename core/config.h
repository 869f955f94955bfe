/* core/config.h: the rules as text: an INI file to edit, and JSON to keep
 *
 * The text:  [section], then  key = value  (or  key : value), one on a line. Every key may be missing. A line
 * that begins with a blank goes on with the value of the line before. What follows ; at a line's beginning or
 * after a blank is a comment, and a line whose first character other than blanks is #. UTF-8, with or without
 * its mark; lines end as Unix, Windows or old Macs end them. `anchorage presets NAME` prints every key with
 * what it means.
 */
#ifndef ANC_CORE_CONFIG_H
#define ANC_CORE_CONFIG_H

#include "core/rules.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdio.h>

/* Which keys were given, whatever by. Zeroed: none. */
enum { ANC_CONFIG_KEYS = 64 };
typedef struct {
    bool key[ANC_CONFIG_KEYS];
} anc_config_given;

enum {
    ANC_CONFIG_BYTES = 1 << 20, /* a longer text is no configuration */
    ANC_CONFIG_VALUE = 4096     /* one more than a value's characters at most */
};

/* Reads n bytes of text over the rules and checks them. An unknown section, key or value is refused with the
 * nearest known one, as is a key that stands twice. [preset] name = X starts from that preset; it must agree
 * with *preset if that is not NULL. *given: the keys that stand in the text. Errors: ANC_EARGUMENT,
 * ANC_EDATA; they name the line. */
anc_status anc_config_text(const char *text, size_t n, const char *preset, anc_rules *r,
                           anc_config_given *given, anc_err *err);

/* Whether "view.min_size" was. */
bool anc_config_gives(const anc_config_given *given, const char *name);

/* One key from elsewhere than a text: name "view.min_size", its value as it would stand in one, and what gave
 * it, for errors: "--min-size". */
typedef struct {
    const char *option, *name, *value;
} anc_config_setting;

/* Sets n of them over the rules, adds them to *given, and checks the rules. A key that is given twice is
 * refused. Errors: ANC_EARGUMENT, naming the option. */
anc_status anc_config_apply(const anc_config_setting *s, int n, anc_rules *r, anc_config_given *given,
                            anc_err *err);

/* The rules as such a text. */
void anc_config_print(const anc_rules *r, FILE *to);

/* The rules as one JSON object on one line: the same keys, in the same order; those of [roi] only if that is
 * the stage. Of views whose sizes are given, view.resize is "like", and min_size, max_size and pad are left
 * out. */
void anc_config_json(const anc_rules *r, FILE *to);

/* The shortest decimal that reads back as the same double. */
void anc_config_real(double x, FILE *to);

/* The table of keys, from 0 on, for what reads JSON. False: there is no such key. */
bool anc_config_key(int k, const char **section, const char **key);

/* The place of a key in the table; -1 and *err (ANC_EARGUMENT): there is none. */
int anc_config_find(const char *section, const char *key, anc_err *err);

/* Sets key k from the text of its value. Errors: ANC_EARGUMENT. */
anc_status anc_config_set(anc_rules *r, int k, const char *value, anc_err *err);

/* Whether key k stands in anc_config_json of these rules. */
bool anc_config_has(const anc_rules *r, int k);

/* Sets the crowd rule from "drop", "keep", "ignore", "exclude", "ignore=0.5", "exclude=0.5". */
anc_status anc_config_crowd(const char *text, anc_rules *r, anc_err *err);

/* The crowd rule's word: "drop" ... */
const char *anc_config_crowd_word(const anc_rules *r);

/* Sets the sampler from "philox" or "torch" (in mmdetection's way under its preset). */
anc_status anc_config_sampler(const char *text, anc_rules *r, anc_err *err);

#endif
