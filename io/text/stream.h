/* io/text/stream.h: the text of one annotation file, from memory or an open file, as bytes or as lines
 *
 * So that every reader runs on a plain buffer in tests and under a fuzzer.
 */
#ifndef ANC_IO_TEXT_STREAM_H
#define ANC_IO_TEXT_STREAM_H

#include "core/err.h"
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum { ANC_MAX_LINE_BYTES = 64 << 20 };

typedef struct {
    const char *name; /* for places: the path as the user gave it, or below the folder that he gave */
    int64_t line;     /* number of the line given last, from 1 */
    int fd;           /* -1: memory only */
    const unsigned char *bytes; /* what is at hand: [at, n) is unread */
    size_t at, n;
    unsigned char *block; /* owned; NULL without fd */
    char *text;           /* owned: the line given last */
    size_t capacity;
    bool (*asked)(void *context); /* before each block: true ends with ANC_ESTOPPED; NULL: nobody asks */
    void *context;
    bool started, cr; /* cr: the last line ended with CR; a LF that follows belongs to it */
} anc_stream;

/* name and bytes are borrowed; fd is, too: it stays open. */
void anc_stream_memory(anc_stream *s, const void *bytes, size_t n, const char *name);
void anc_stream_fd(anc_stream *s, int fd, const char *name);
void anc_stream_end(anc_stream *s); /* frees; harmless on a zeroed one */

/* The next line without its end, NUL-terminated, the caller may write into it; valid until the next call. LF,
 * CR LF and CR end a line; a byte order mark at the start is taken off. *line is NULL at the end of the text.
 * Errors: ANC_EDATA (a NUL byte, a line over ANC_MAX_LINE_BYTES), ANC_ESYSTEM, ANC_EMEMORY, ANC_ESTOPPED;
 * with name and line. */
anc_status anc_stream_line(anc_stream *s, char **line, size_t *n, anc_err *err);

/* The next bytes as they are, some at a time; *n is 0 at the end. Not to be mixed with lines. */
anc_status anc_stream_bytes(anc_stream *s, const void **bytes, size_t *n, anc_err *err);

/* The text's first byte that is no blank, line end or byte order mark, while nothing is taken yet; nothing is
 * taken by this. *byte is 0 when the first block holds none. Errors: ANC_ESYSTEM, ANC_EMEMORY. */
anc_status anc_stream_peek(anc_stream *s, char *byte, anc_err *err);

/* ANC_EDATA, in words, when the first n bytes of a file are no text in UTF-8: nothing, compressed, an
 * archive, UTF-16. */
anc_status anc_stream_refuse(const unsigned char *bytes, size_t n, anc_err *err);

#endif
