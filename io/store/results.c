/* io/store/results.c: see results.h */
#include "io/store/results.h"
#include "io/text/json.h"
#include "io/text/number.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <yajl/yajl_parse.h>

#ifndef ANC_BLOCK_BYTES /* fuzzers give a small one, so that tokens span blocks */
#define ANC_BLOCK_BYTES (256 << 10)
#endif

enum { BLOCK_BYTES = ANC_BLOCK_BYTES, MAX_DEPTH = 64 };
enum { DEPTH_LIST = 1, DEPTH_ITEM, DEPTH_BBOX };
typedef enum { OTHER, IMAGE_ID, BBOX, SCORE } field_kind;
static const char *const field_name[] = { [IMAGE_ID] = "image_id", [BBOX] = "bbox", [SCORE] = "score" };

typedef struct {
    int64_t image_id, at; /* at: its place in the file, so that the order of an image's items stays */
    double xyxy[4], score;
} row;

typedef struct {
    int depth, skip; /* skip: depth of the container that is being skipped; 0: none */
    field_kind field;
    unsigned seen;
    row item;
    int n_bbox;
    row *rows;
    int64_t n, capacity;
    anc_number_reader numbers;
    anc_err *err;
    yajl_handle parser;
    const unsigned char *block;
    size_t n_block;            /* 0 behind the end */
    int64_t lines, line_bytes; /* before the block */
} reader;

static int stop(reader *r, const char *format, ...) __attribute__((format(printf, 2, 3)));
static int stop(reader *r, const char *format, ...)
{
    char text[600];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    int64_t line = r->lines + 1, column = r->line_bytes;
    size_t n = yajl_get_bytes_consumed(r->parser);
    if (n > r->n_block) n = r->n_block;
    for (size_t i = 0; i < n; i++) { /* only once, on the way out */
        column++;
        if (r->block[i] == '\n' && i + 1 < n) {
            line++;
            column = 0;
        }
    }
    anc_fail(r->err, ANC_EDATA, "line %" PRId64 ", column %" PRId64 ": item %" PRId64 ": %s", line, column,
             r->n, text);
    return 0;
}

static int finish_item(reader *r)
{
    for (int f = IMAGE_ID; f <= SCORE; f++)
        if (!(r->seen >> f & 1))
            return stop(r, "no member '%s': COCO results need image_id, bbox and score", field_name[f]);
    double *b = r->item.xyxy;
    if (r->n_bbox != 4)
        return stop(r, "bbox holds %d numbers, not the 4 of [x, y, width, height]", r->n_bbox);
    if (b[2] < 0 || b[3] < 0)
        return stop(r, "bbox is %g wide and %g high; negative sizes mean nothing", b[2], b[3]);
    b[2] += b[0];
    b[3] += b[1];
    if (!isfinite(b[2]) || !isfinite(b[3])) return stop(r, "bbox is too large for float64");
    if (r->n == r->capacity) {
        int64_t capacity = r->capacity ? 2 * r->capacity : 4096;
        row *more = realloc(r->rows, (size_t)capacity * sizeof *more);
        if (!more) return anc_fail(r->err, ANC_EMEMORY, "no memory for %" PRId64 " results", capacity), 0;
        r->rows = more;
        r->capacity = capacity;
    }
    r->item.at = r->n;
    r->rows[r->n++] = r->item;
    return 1;
}

/* A value of a kind that cannot stand here. */
static int misplaced(reader *r, const char *kind)
{
    if (r->depth == 0)
        return stop(r, "the file holds %s, not a list of results%s", kind,
                    kind[3] == 'o' ? ": is it a file of annotations? Those come second" : "");
    if (r->depth == DEPTH_LIST) return stop(r, "it is %s, not an object", kind);
    if (r->depth == DEPTH_ITEM && r->field == OTHER) return 1;
    return stop(r, "'%s' holds %s, not %s", field_name[r->depth == DEPTH_BBOX ? BBOX : r->field], kind,
                r->field == BBOX ? "4 numbers" : "a number");
}

static int on_number(void *context, const char *text, size_t n)
{
    reader *r = context;
    double value;
    if (r->skip || (r->depth == DEPTH_ITEM && r->field == OTHER)) return 1;
    if (r->depth < DEPTH_ITEM || (r->depth == DEPTH_ITEM && r->field == BBOX))
        return misplaced(r, "a number");
    if (r->depth == DEPTH_ITEM) r->seen |= 1u << r->field;
    if (r->depth == DEPTH_ITEM && r->field == IMAGE_ID) {
        if (anc_number_whole(&r->numbers, text, n, &r->item.image_id)) return 1;
        return stop(r, "image_id is %.*s, not a whole number of at most 64 bits", n < 40 ? (int)n : 40, text);
    }
    if (!anc_number_real(&r->numbers, text, n, &value))
        return stop(r, "%.*s is too large for float64", n < 40 ? (int)n : 40, text);
    if (r->depth == DEPTH_ITEM)
        r->item.score = value;
    else if (r->n_bbox++ < 4)
        r->item.xyxy[r->n_bbox - 1] = value;
    return 1;
}

static int on_null(void *context) { return ((reader *)context)->skip ? 1 : misplaced(context, "null"); }
static int on_boolean(void *context, int value)
{
    (void)value;
    return ((reader *)context)->skip ? 1 : misplaced(context, "true or false");
}
static int on_string(void *context, const unsigned char *text, size_t n)
{
    (void)text, (void)n;
    return ((reader *)context)->skip ? 1 : misplaced(context, "a string");
}

static int deeper(reader *r)
{
    return ++r->depth <= MAX_DEPTH ? 1 : stop(r, "lists and objects nest more than %d deep", MAX_DEPTH);
}

static int on_start_array(void *context)
{
    reader *r = context;
    if (!r->skip && r->depth == DEPTH_ITEM && r->field == BBOX) {
        r->n_bbox = 0;
        r->seen |= 1u << BBOX;
    } else if (!r->skip && r->depth) {
        if (!misplaced(r, "a list")) return 0;
        r->skip = r->depth + 1;
    }
    return deeper(r);
}

static int on_start_map(void *context)
{
    reader *r = context;
    if (!r->skip && r->depth == DEPTH_LIST) {
        r->seen = 0;
        r->field = OTHER;
    } else if (!r->skip) {
        if (!misplaced(r, "an object")) return 0;
        r->skip = r->depth + 1;
    }
    return deeper(r);
}

static int on_end(void *context)
{
    reader *r = context;
    int left = r->depth--;
    if (r->skip) {
        if (left == r->skip) r->skip = 0;
        return 1;
    }
    return left == DEPTH_ITEM ? finish_item(r) : 1;
}

static int on_key(void *context, const unsigned char *key, size_t n)
{
    reader *r = context;
    if (r->skip) return 1;
    r->field = OTHER;
    for (int f = IMAGE_ID; f <= SCORE; f++)
        if (strlen(field_name[f]) == n && !memcmp(key, field_name[f], n)) r->field = (field_kind)f;
    return 1;
}

static const yajl_callbacks callbacks = { .yajl_null = on_null,
                                          .yajl_boolean = on_boolean,
                                          .yajl_number = on_number,
                                          .yajl_string = on_string,
                                          .yajl_start_map = on_start_map,
                                          .yajl_map_key = on_key,
                                          .yajl_end_map = on_end,
                                          .yajl_start_array = on_start_array,
                                          .yajl_end_array = on_end };

static anc_status syntax(reader *r, yajl_status status, size_t n, anc_err *err)
{
    if (status == yajl_status_ok || err->code) return err->code;
    stop(r, "%s%s", anc_json_said(r->parser).text,
         n ? "" : ": the file ends too early; was it copied or downloaded whole?");
    return err->code;
}

static anc_status read_stream(reader *r, int fd, unsigned char *block, anc_err *err)
{
    for (;;) {
        ssize_t got = read(fd, block, BLOCK_BYTES);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return anc_fail(err, ANC_ESYSTEM, "cannot read: %s", strerror(errno));
        if (got == 0) break;
        r->block = block;
        r->n_block = (size_t)got;
        if (syntax(r, yajl_parse(r->parser, block, (size_t)got), (size_t)got, err)) return err->code;
        for (ssize_t i = 0; i < got; i++) {
            r->line_bytes = block[i] == '\n' ? 0 : r->line_bytes + 1;
            r->lines += block[i] == '\n';
        }
    }
    r->n_block = 0;
    return syntax(r, yajl_complete_parse(r->parser), 0, err);
}

static int by_image(const void *a, const void *b)
{
    const row *x = a, *y = b;
    if (x->image_id != y->image_id) return x->image_id < y->image_id ? -1 : 1;
    return (x->at > y->at) - (x->at < y->at);
}

/* The rows, by image, as columns. */
static anc_status arrange(reader *r, anc_proposal_set *out, anc_err *err)
{
    size_t n = (size_t)r->n;
    if (n) qsort(r->rows, n, sizeof *r->rows, by_image);
    out->image_id = malloc((n + 1) * sizeof *out->image_id);
    out->offset = malloc((n + 1) * sizeof *out->offset);
    out->xyxy = malloc((n + 1) * sizeof *out->xyxy);
    out->score = malloc((n + 1) * sizeof *out->score);
    if (!out->image_id || !out->offset || !out->xyxy || !out->score) {
        anc_proposal_set_clear(out);
        return anc_fail(err, ANC_EMEMORY, "no memory for %" PRId64 " results", r->n);
    }
    for (out->n = 0; out->n < r->n; out->n++) {
        const row *x = &r->rows[out->n];
        if (!out->n || x->image_id != x[-1].image_id) {
            out->image_id[out->n_images] = x->image_id;
            out->offset[out->n_images++] = out->n;
        }
        memcpy(out->xyxy[out->n], x->xyxy, sizeof x->xyxy);
        out->score[out->n] = x->score;
    }
    out->offset[out->n_images] = out->n;
    return ANC_OK;
}

anc_status anc_results_read(const char *path, anc_proposal_set *out, anc_err *err)
{
    reader r = { .err = err };
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return anc_fail(err, ANC_ESYSTEM, "cannot open: %s", strerror(errno));
    unsigned char *block = malloc(BLOCK_BYTES);
    r.parser = yajl_alloc(&callbacks, NULL, &r);
    if (!block || !r.parser || !anc_number_open(&r.numbers))
        anc_fail(err, ANC_EMEMORY, "no memory to read JSON");
    else if (!read_stream(&r, fd, block, err))
        arrange(&r, out, err);
    anc_number_close(&r.numbers);
    if (r.parser) yajl_free(r.parser);
    free(block);
    free(r.rows);
    close(fd);
    return err->code;
}
