/* io/formats/batch_bytes.h: a run of files as a block of bytes: NUL-terminated strings, put one behind the other and
 * taken again
 *
 * Between io/formats/import.c, which packs runs, and io/formats/import_batch.c, which does them.
 */
#ifndef ANC_IO_FORMATS_BATCH_BYTES_H
#define ANC_IO_FORMATS_BATCH_BYTES_H

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

/* A zeroed one is empty; bytes are malloc'ed, and failed says that memory ran out. */
typedef struct {
    char *bytes;
    size_t n, capacity;
    bool failed;
} anc_batch_writer;

static inline void anc_batch_put(anc_batch_writer *w, const void *bytes, size_t n)
{
    if (w->failed) return;
    if (w->n + n > w->capacity) {
        size_t capacity = 2 * (w->n + n) + 1024;
        char *grown = realloc(w->bytes, capacity);
        if (!grown) {
            w->failed = true;
            return;
        }
        w->bytes = grown;
        w->capacity = capacity;
    }
    memcpy(w->bytes + w->n, bytes, n);
    w->n += n;
}

static inline void anc_batch_put_string(anc_batch_writer *w, const char *text)
{
    anc_batch_put(w, text, strlen(text) + 1);
}

typedef struct {
    const char *at, *end;
} anc_batch_cursor;

/* The next string; "" when the bytes end too early, which they do not. */
static inline const char *anc_batch_string(anc_batch_cursor *c)
{
    const char *text = c->at, *end = text < c->end ? memchr(text, 0, (size_t)(c->end - text)) : NULL;
    if (!end) return "";
    c->at = end + 1;
    return text;
}

#endif
