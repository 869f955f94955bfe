/* io/text/csv.c: see csv.h */
#include "io/text/csv.h"
#include <inttypes.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>
#include <strings.h>

void anc_csv_begin(anc_csv *c, anc_stream *stream, char separator)
{
    *c = (anc_csv){ .stream = stream, .separator = separator };
}

void anc_csv_end(anc_csv *c)
{
    free(c->text);
    c->text = NULL;
    c->capacity = c->n = 0;
}

static anc_status fail(const anc_csv *c, anc_err *err, const char *what)
{
    return anc_fail(err, ANC_EDATA, "%s:%" PRId64 ": %s", c->stream->name, c->line, what);
}

/* Puts n bytes at text[have], and leaves room for an end. */
static anc_status keep(anc_csv *c, size_t have, const char *bytes, size_t n, anc_err *err)
{
    if (have + n + 2 > ANC_MAX_LINE_BYTES) return fail(c, err, "the row never ends: is a quote missing?");
    if (have + n + 2 > c->capacity) {
        size_t capacity = 2 * (have + n + 2) + 256;
        char *text = realloc(c->text, capacity);
        if (!text)
            return anc_fail(err, ANC_EMEMORY, "%s:%" PRId64 ": no memory for the row", c->stream->name,
                            c->line);
        c->text = text;
        c->capacity = capacity;
    }
    memcpy(c->text + have, bytes, n);
    c->text[have + n] = '\0';
    return ANC_OK;
}

/* Whether the text ends within quotes: an odd number of them so far. */
static bool open_quote(bool before, const char *p)
{
    for (; (p = strchr(p, '"')); p++) before = !before;
    return before;
}

/* Brings a whole row into text: one line, or more when a quoted field holds line ends. */
static anc_status gather(anc_csv *c, size_t *have, anc_err *err)
{
    char *line;
    size_t n;
    bool quoted = false;
    *have = 0;
    do {
        if (anc_stream_line(c->stream, &line, &n, err)) return err->code;
        if (!line) return quoted ? fail(c, err, "a quote is opened here and never closed") : ANC_OK;
        if (!quoted) c->line = c->stream->line;
        if (quoted && keep(c, (*have)++, "\n", 1, err)) return err->code;
        if (keep(c, *have, line, n, err)) return err->code;
        quoted = open_quote(quoted, c->text + *have);
        *have += n;
    } while (quoted || !*have);
    return ANC_OK;
}

/* Takes a quoted field apart in place: from is behind the opening quote. Gives what follows the closing one,
 * NULL when there is none. */
static char *unquote(char *from)
{
    char *to = from;
    for (; *from; *to++ = *from++) {
        if (*from == '"' && *++from != '"') {
            *to = '\0'; /* where the closing quote was, or before it */
            return from;
        }
    }
    return NULL;
}

anc_status anc_csv_row(anc_csv *c, anc_err *err)
{
    size_t have;
    c->n = 0;
    if (gather(c, &have, err)) return err->code;
    if (!have) return ANC_OK;
    if (!c->separator) c->separator = strchr(c->text, '\t') ? '\t' : ',';
    const char stops[] = { c->separator, '\0' };
    for (char *p = c->text;; p++) {
        if (c->n == ANC_CSV_MAX_FIELDS) return fail(c, err, "over 1024 fields: is this the right file?");
        char *start = p, *end;
        if (*p == '"') {
            start = p + 1;
            end = unquote(start);
            if (!end || (*end && *end != c->separator))
                return fail(c, err,
                            "a quote stands within a field: put the field in quotes and double those within");
        } else {
            end = p + strcspn(p, stops);
        }
        bool last = !*end;
        if (*p != '"') *end = '\0';
        c->field[c->n++] = start;
        if (last) return ANC_OK;
        p = end;
    }
}

int anc_csv_column(const anc_csv *c, const char *name)
{
    for (size_t k = 0; k < c->n; k++)
        if (!strcasecmp(c->field[k], name)) return (int)k;
    return -1;
}
