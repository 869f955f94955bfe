/* io/text/field.h: lines of text taken apart into fields, and numbers out of fields */
#ifndef ANC_IO_TEXT_FIELD_H
#define ANC_IO_TEXT_FIELD_H

#include "io/text/number.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* Cuts a line into at most room fields, in place: each becomes NUL-terminated text without spaces and tabs
 * around it. separator ' ' means any run of spaces and tabs; another one stands between two fields, and one
 * at the line's end begins none. Returns the number of fields that there are, which may be more than room. */
size_t anc_field_split(char *line, char separator, char **field, size_t capacity);

/* The whole text as a decimal number, nothing before and nothing behind it: "12", "-3.5", ".5", "1e-05",
 * "+7". False for anything else, nan, inf and hexadecimal forms included, and for what float64 cannot hold.
 */
bool anc_field_real(const anc_number_reader *r, const char *text, double *out);

/* The same for whole numbers of 64 bits; "3.0" is one. */
bool anc_field_whole(const anc_number_reader *r, const char *text, int64_t *out);

#endif
