/* io/text/field.c: see field.h */
#include "io/text/field.h"
#include <string.h>

static bool blank(char c) { return c == ' ' || c == '\t'; }

/* [from, to) without the blanks around it, terminated. to is a byte of the line that may be written. */
static char *trimmed(char *from, char *to)
{
    while (from < to && blank(*from)) from++;
    while (to > from && blank(to[-1])) to--;
    *to = '\0';
    return from;
}

static size_t split_blanks(char *line, char **field, size_t capacity)
{
    size_t n = 0;
    for (char *p = line; *p;) {
        while (blank(*p)) p++;
        if (!*p) break;
        char *end = p + strcspn(p, " \t"), *next = *end ? end + 1 : end;
        *end = '\0';
        if (n < capacity) field[n] = p;
        n++;
        p = next;
    }
    return n;
}

size_t anc_field_split(char *line, char separator, char **field, size_t capacity)
{
    if (separator == ' ') return split_blanks(line, field, capacity);
    size_t n = 0;
    char *p = trimmed(line, line + strlen(line)), *last = p + strlen(p);
    while (p < last) {
        char *end = memchr(p, separator, (size_t)(last - p));
        if (!end) end = last;
        char *text = trimmed(p, end);
        if (n < capacity) field[n] = text;
        n++;
        p = end + 1;
    }
    return n;
}

static bool digit(char c) { return c >= '0' && c <= '9'; }

/* [sign] digits [. digits] [e [sign] digits] with a digit on one side of the point at least */
static bool is_number(const char *p)
{
    size_t n = 0;
    if (*p == '-' || *p == '+') p++;
    while (digit(*p)) p++, n++;
    if (*p == '.')
        for (p++; digit(*p); p++) n++;
    if (!n) return false;
    if (*p == 'e' || *p == 'E') {
        p++;
        if (*p == '-' || *p == '+') p++;
        if (!digit(*p)) return false;
        while (digit(*p)) p++;
    }
    return !*p;
}

bool anc_field_real(const anc_number_reader *r, const char *text, double *out)
{
    if (!is_number(text)) return false;
    text += *text == '+';
    return anc_number_real(r, text, strlen(text), out);
}

bool anc_field_whole(const anc_number_reader *r, const char *text, int64_t *out)
{
    if (!is_number(text)) return false;
    text += *text == '+';
    return anc_number_whole(r, text, strlen(text), out);
}
