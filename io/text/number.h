/* io/text/number.h: JSON number text to values, exact, fast and the same under every locale */
#ifndef ANC_IO_TEXT_NUMBER_H
#define ANC_IO_TEXT_NUMBER_H

#include <locale.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

/* A zeroed one may be closed. */
typedef struct {
    locale_t c; /* strtod follows the locale's decimal point: this one has a dot */
} anc_number_reader;

bool anc_number_open(anc_number_reader *r); /* false: no memory */
void anc_number_close(anc_number_reader *r);

/* text [n] is a JSON number. The nearest float64; false when it is too large to be finite, or longer than 500
 * characters. */
bool anc_number_real(const anc_number_reader *r, const char *text, size_t n, double *out);

/* The same for whole numbers, which may be written as 640.0 or 6.4e2. False when there is a fraction, when
 * 64 bits do not suffice, or when a form with a point or exponent lies beyond 2^53. */
bool anc_number_whole(const anc_number_reader *r, const char *text, size_t n, int64_t *out);

#endif
