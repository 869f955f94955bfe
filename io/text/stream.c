/* io/text/stream.c: see stream.h */
#include "io/text/stream.h"
#include <errno.h>
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#ifndef ANC_BLOCK_BYTES /* fuzzers give a small one */
#define ANC_BLOCK_BYTES (256 << 10)
#endif

enum { BLOCK_BYTES = ANC_BLOCK_BYTES };

void anc_stream_memory(anc_stream *s, const void *bytes, size_t n, const char *name)
{
    *s = (anc_stream){ .name = name, .fd = -1, .bytes = bytes, .n = n };
}

void anc_stream_fd(anc_stream *s, int fd, const char *name) { *s = (anc_stream){ .name = name, .fd = fd }; }

void anc_stream_end(anc_stream *s)
{
    free(s->block);
    free(s->text);
    s->block = NULL;
    s->text = NULL;
    s->capacity = s->n = s->at = 0;
}

/* Reads a block when all is used up; s->at == s->n afterwards means the end. */
static anc_status more(anc_stream *s, anc_err *err)
{
    if (s->at < s->n || s->fd < 0) return ANC_OK;
    if (!s->block && !(s->block = malloc(BLOCK_BYTES)))
        return anc_fail(err, ANC_EMEMORY, "%s: no memory to read it", s->name);
    if (s->asked && s->asked(s->context))
        return anc_fail(err, ANC_ESTOPPED, "stopped while reading %s", s->name);
    ssize_t got;
    while ((got = read(s->fd, s->block, BLOCK_BYTES)) < 0 && errno == EINTR) {}
    if (got < 0) return anc_fail(err, ANC_ESYSTEM, "%s: cannot read: %s", s->name, strerror(errno));
    s->bytes = s->block;
    s->at = 0;
    s->n = (size_t)got;
    return ANC_OK;
}

anc_status anc_stream_peek(anc_stream *s, char *byte, anc_err *err)
{
    *byte = 0;
    if (more(s, err)) return err->code;
    size_t k = s->at + (s->n - s->at >= 3 && !memcmp(s->bytes + s->at, "\xef\xbb\xbf", 3) ? 3 : 0);
    while (k < s->n && memchr(" \t\r\n", s->bytes[k], 4)) k++;
    if (k < s->n) *byte = (char)s->bytes[k];
    return ANC_OK;
}

anc_status anc_stream_bytes(anc_stream *s, const void **bytes, size_t *n, anc_err *err)
{
    if (more(s, err)) return err->code;
    *bytes = s->bytes + s->at;
    *n = s->n - s->at;
    s->at = s->n;
    return ANC_OK;
}

static anc_status keep(anc_stream *s, size_t have, const unsigned char *p, size_t n, anc_err *err)
{
    if (have + n > ANC_MAX_LINE_BYTES)
        return anc_fail(err, ANC_EDATA,
                        "%s:%" PRId64 ": the line is longer than %d MiB: is this the right file?", s->name,
                        s->line, ANC_MAX_LINE_BYTES >> 20);
    if (have + n + 1 > s->capacity) {
        size_t capacity = 2 * (have + n + 1) < 256 ? 256 : 2 * (have + n + 1);
        char *text = realloc(s->text, capacity);
        if (!text)
            return anc_fail(err, ANC_EMEMORY, "%s:%" PRId64 ": no memory for the line", s->name, s->line);
        s->text = text;
        s->capacity = capacity;
    }
    if (n) memcpy(s->text + have, p, n);
    s->text[have + n] = '\0';
    return ANC_OK;
}

/* The end of the line in [p, p + n): an index, n when there is none. */
static size_t end_of_line(const unsigned char *p, size_t n)
{
    const unsigned char *lf = memchr(p, '\n', n);
    size_t k = lf ? (size_t)(lf - p) : n;
    const unsigned char *cr = memchr(p, '\r', k);
    return cr ? (size_t)(cr - p) : k;
}

anc_status anc_stream_line(anc_stream *s, char **line, size_t *n, anc_err *err)
{
    size_t have = 0;
    bool any = false;
    *line = NULL;
    *n = 0;
    s->line++;
    for (;;) {
        if (more(s, err)) return err->code;
        if (s->at == s->n) break;
        if (s->cr && s->bytes[s->at] == '\n') {
            s->at++;
            s->cr = false;
            continue;
        }
        s->cr = false;
        any = true;
        const unsigned char *p = s->bytes + s->at;
        size_t left = s->n - s->at, k = end_of_line(p, left);
        if (keep(s, have, p, k, err)) return err->code;
        have += k;
        s->at += k;
        if (k == left) continue;
        s->cr = p[k] == '\r';
        s->at++;
        break;
    }
    if (!any) return ANC_OK;
    if (memchr(s->text, 0, have))
        return anc_fail(err, ANC_EDATA, "%s:%" PRId64 ": a NUL byte: this is no text file", s->name, s->line);
    size_t mark = !s->started && have >= 3 && !memcmp(s->text, "\xef\xbb\xbf", 3) ? 3 : 0;
    s->started = true;
    *line = s->text + mark;
    *n = have - mark;
    return ANC_OK;
}

anc_status anc_stream_refuse(const unsigned char *p, size_t n, anc_err *err)
{
    if (!n) return anc_fail(err, ANC_EDATA, "the file is empty");
    if (n >= 2 && p[0] == 0x1f && p[1] == 0x8b)
        return anc_fail(err, ANC_EDATA, "compressed by gzip: gunzip it first");
    if (n >= 4 && !memcmp(p, "PK\3\4", 4)) return anc_fail(err, ANC_EDATA, "a zip archive: unzip it first");
    if (n >= 2 && ((p[0] == 0xff && p[1] == 0xfe) || (p[0] == 0xfe && p[1] == 0xff)))
        return anc_fail(err, ANC_EDATA, "UTF-16 text: save it as UTF-8");
    return ANC_OK;
}
