/* io/text/number.c: see number.h */
#include "io/text/number.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_TEXT = 500 };

bool anc_number_open(anc_number_reader *r)
{
    r->c = newlocale(LC_ALL_MASK, "C", (locale_t)0);
    return r->c != (locale_t)0;
}

void anc_number_close(anc_number_reader *r)
{
    if (r->c) freelocale(r->c);
    r->c = (locale_t)0;
}

static bool slow_real(const anc_number_reader *r, const char *text, size_t n, double *out)
{
    char copy[MAX_TEXT + 1];
    if (n > MAX_TEXT) return false;
    memcpy(copy, text, n);
    copy[n] = '\0';
    *out = strtod_l(copy, NULL, r->c);
    return isfinite(*out);
}

bool anc_number_real(const anc_number_reader *r, const char *text, size_t n, double *out)
{
    /* Up to 15 digits and a power of ten up to 10^22 are both exact in float64, so one division rounds once
     * and correctly (Clinger 1990). Everything else goes to strtod. */
    static const double power[] = { 1e0, 1e1, 1e2,  1e3,  1e4,  1e5,  1e6,  1e7,
                                    1e8, 1e9, 1e10, 1e11, 1e12, 1e13, 1e14, 1e15 };
    size_t i = n && text[0] == '-', first = i;
    uint64_t digits = 0;
    size_t point = n; /* index of the point */
    if (n - first > 16) return slow_real(r, text, n, out);
    for (; i < n; i++) {
        unsigned d = (unsigned char)text[i] - '0';
        if (d <= 9)
            digits = digits * 10 + d;
        else if (text[i] == '.')
            point = i;
        else
            return slow_real(r, text, n, out);
    }
    size_t n_digits = n - first - (point < n), decimals = point < n ? n - point - 1 : 0;
    if (n_digits > 15) return slow_real(r, text, n, out);
    double value = (double)digits / power[decimals];
    *out = first ? -value : value;
    return true;
}

bool anc_number_whole(const anc_number_reader *r, const char *text, size_t n, int64_t *out)
{
    size_t i = n && text[0] == '-';
    bool negative = i;
    int64_t value = 0; /* gathered below zero, where INT64_MIN has room */
    for (; i < n; i++) {
        int d = text[i] - '0';
        if (d < 0 || d > 9) {
            double real;
            if (!anc_number_real(r, text, n, &real) || real != rint(real) || fabs(real) > 0x1p53)
                return false;
            *out = (int64_t)real;
            return true;
        }
        if (__builtin_mul_overflow(value, 10, &value) || __builtin_sub_overflow(value, d, &value))
            return false;
    }
    if (!negative && value == INT64_MIN) return false;
    *out = negative ? value : -value;
    return true;
}
