/* core/err.c: see err.h */
#include "core/err.h"
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

/* Texts quote what files hold: no line ends and no terminal's commands get out. */
static void one_line(char *text)
{
    for (; *text; text++)
        if ((unsigned char)*text < ' ' || *text == 127) *text = '?';
}

anc_status anc_fail(anc_err *err, anc_status code, const char *format, ...)
{
    va_list args;
    err->code = code;
    va_start(args, format);
    vsnprintf(err->text, sizeof err->text, format, args);
    va_end(args);
    one_line(err->text);
    return code;
}

anc_status anc_within(anc_err *err, const char *format, ...)
{
    char where[sizeof err->text];
    va_list args;
    va_start(args, format);
    vsnprintf(where, sizeof where, format, args);
    va_end(args);
    one_line(where);
    size_t n = strlen(where);
    size_t capacity = sizeof err->text - 1;
    if (n + 2 > capacity) return err->code; /* no room for more context: the cause matters most */
    size_t keep = strlen(err->text);
    if (keep > capacity - n - 2) keep = capacity - n - 2;
    memmove(err->text + n + 2, err->text, keep);
    err->text[n + 2 + keep] = '\0';
    memcpy(err->text, where, n);
    memcpy(err->text + n, ": ", 2);
    return err->code;
}
