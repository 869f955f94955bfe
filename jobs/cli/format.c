/* jobs/cli/format.c: see format.h */
#include "jobs/cli/format.h"
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>

static anc_format two(int64_t a, const char *a_unit, int64_t b, const char *b_unit)
{
    anc_format f;
    snprintf(f.text, sizeof f.text, "%" PRId64 " %s %" PRId64 " %s", a, a_unit, b, b_unit);
    return f;
}

anc_format anc_format_time(double s)
{
    anc_format f = { "?" };
    if (!(s >= 0 && s < 1e11)) return f; /* NaN, too; 1e11 s are 3000 years */
    if (s < 0.9995) {
        snprintf(f.text, sizeof f.text, "%.0f ms", s * 1e3);
        return f;
    }
    if (s < 9.95) {
        snprintf(f.text, sizeof f.text, "%.1f s", s);
        return f;
    }
    int64_t n = llround(s); /* rounded once, at the start, so that no "60 s" comes out */
    if (n < 60) {
        snprintf(f.text, sizeof f.text, "%" PRId64 " s", n);
        return f;
    }
    if (n < 3600) return two(n / 60, "min", n % 60, "s");
    n = (n + 30) / 60;
    if (n < 24 * 60) return two(n / 60, "h", n % 60, "min");
    n = (n + 30) / 60;
    return two(n / 24, "d", n % 24, "h");
}

anc_format anc_format_bytes(int64_t n)
{
    static const char *const unit[] = { "B", "KiB", "MiB", "GiB", "TiB", "PiB", "EiB" };
    anc_format f;
    if (n > -1024 && n < 1024) {
        snprintf(f.text, sizeof f.text, "%" PRId64 " B", n);
        return f;
    }
    double v = (double)n;
    int u = 0;
    /* 1023.5 would print as 1024 */
    for (; u < 6 && fabs(v) >= 1023.5; u++) v /= 1024;
    snprintf(f.text, sizeof f.text, "%.*f %s", fabs(v) < 99.95, v, unit[u]);
    return f;
}

anc_format anc_format_count(int64_t n)
{
    char digits[24];
    uint64_t size = n < 0 ? 0 - (uint64_t)n : (uint64_t)n;
    int length = snprintf(digits, sizeof digits, "%" PRIu64, size);
    anc_format f;
    int at = 0;
    if (n < 0) f.text[at++] = '-';
    for (int i = 0; i < length; i++) {
        if (i > 0 && (length - i) % 3 == 0) f.text[at++] = ',';
        f.text[at++] = digits[i];
    }
    f.text[at] = '\0';
    return f;
}

static bool ends(const char *word, const char *end)
{
    size_t n = strlen(word), m = strlen(end);
    return n >= m && !strcmp(word + n - m, end);
}

/* Puts n bytes behind what f has, as far as there is room. */
static void put(anc_format *f, const char *text, size_t n)
{
    size_t at = strlen(f->text), capacity = sizeof f->text - 1 - at;
    if (n > capacity) n = capacity;
    memcpy(f->text + at, text, n);
    f->text[at + n] = '\0';
}

anc_format anc_format_of(int64_t n, const char *one)
{
    anc_format f = anc_format_count(n);
    size_t length = strlen(one);
    const char *more = n == 1 ? "" : ends(one, "x") || ends(one, "s") || ends(one, "tch") ? "es" : "s";
    if (n != 1 && length > 1 && ends(one, "y") && !strchr("aeiou", one[length - 2])) {
        more = "ies";
        length--;
    }
    put(&f, " ", 1);
    put(&f, one, length);
    put(&f, more, strlen(more));
    return f;
}

const char *anc_format_verb(int64_t n, const char *of_one, const char *of_more)
{
    return n == 1 ? of_one : of_more;
}

anc_format anc_format_rate(double per_s)
{
    anc_format f = { "?" };
    if (!(per_s >= 0 && per_s < 9e18)) return f;
    if (per_s >= 99.5) return anc_format_count(llround(per_s));
    snprintf(f.text, sizeof f.text, "%.*f", per_s >= 9.95 ? 0 : per_s >= 0.995 || per_s == 0 ? 1 : 2, per_s);
    return f;
}
