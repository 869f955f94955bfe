/* io/dataset/coco_write.c: see coco_write.h */
#include "io/dataset/coco_write.h"
#include "io/file/out.h"
#include <assert.h>
#include <stdlib.h>
#include <string.h>

enum { IMAGES, ANNOTATIONS, CATEGORIES };

struct anc_coco_writer {
    anc_out *out;
    int part;           /* the array being written */
    bool some;          /* it has an element */
    bool crowd, inside; /* the annotation being written; inside: its outline has begun */
    char *at, *start;   /* place in the output's buffer while one element is written */
    int64_t n_bytes;
};

/* No element but an outline is longer; outlines are handed over as they grow. */
enum { ROOM = 4096 };

static void take(anc_coco_writer *w) { w->at = w->start = anc_out_reserve(w->out, ROOM); }

static void give(anc_coco_writer *w)
{
    assert(w->at - w->start <= ROOM);
    anc_out_advance(w->out, (size_t)(w->at - w->start));
    w->n_bytes += w->at - w->start;
}

static void text(anc_coco_writer *w, const char *s)
{
    size_t n = strlen(s);
    memcpy(w->at, s, n);
    w->at += n;
}
#define LITERAL(w, s) (memcpy((w)->at, s, sizeof(s) - 1), (w)->at += sizeof(s) - 1)

static const char pairs[] = "00010203040506070809101112131415161718192021222324252627282930313233343536373839"
                            "40414243444546474849505152535455565758596061626364656667686970717273747576777879"
                            "8081828384858687888990919293949596979899";

static void whole(anc_coco_writer *w, int64_t v)
{
    char digits[20], *p = digits + sizeof digits;
    uint64_t u = v < 0 ? -(uint64_t)v : (uint64_t)v;
    if (v < 0) *w->at++ = '-';
    while (u >= 100) {
        memcpy(p -= 2, pairs + 2 * (u % 100), 2);
        u /= 100;
    }
    if (u >= 10)
        memcpy(p -= 2, pairs + 2 * u, 2);
    else
        *--p = (char)('0' + u);
    size_t n = (size_t)(digits + sizeof digits - p);
    memcpy(w->at, p, n);
    w->at += n;
}

/* v hundredths, v >= 0: "12.0", "12.5", "12.25", as the official files have it. */
static void hundredths(anc_coco_writer *w, int32_t v)
{
    uint32_t u = (uint32_t)v, pixels = u / 100, rest = u % 100;
    if (pixels >= 100 && pixels < 1000) { /* nearly all of them */
        w->at[0] = (char)('0' + pixels / 100);
        memcpy(w->at + 1, pairs + 2 * (pixels % 100), 2);
        w->at += 3;
    } else {
        whole(w, pixels);
    }
    w->at[0] = '.';
    memcpy(w->at + 1, pairs + 2 * rest, 2);
    w->at += 2 + (rest % 10 != 0);
}

/* v units of 1/20000: an exact decimal of five places at most. */
static void area(anc_coco_writer *w, int64_t v)
{
    whole(w, v / 20000);
    *w->at++ = '.';
    int64_t rest = v % 20000 * 5, unit = 10000;
    do {
        *w->at++ = (char)('0' + rest / unit);
        rest %= unit;
        unit /= 10;
    } while (rest);
}

anc_status anc_coco_write_open(const char *path, const char *description, anc_coco_writer **out, anc_err *err)
{
    *out = NULL;
    anc_coco_writer *w = calloc(1, sizeof *w);
    if (!w) return anc_fail(err, ANC_EMEMORY, "%s: out of memory", path);
    if (anc_out_open(path, &w->out, err)) {
        free(w);
        return err->code;
    }
    take(w);
    LITERAL(w, "{\"info\": {\"description\": \"");
    assert(strlen(description) < ROOM / 2);
    text(w, description);
    LITERAL(w, "\",\"version\": \"1.0\"},\"licenses\": [],\"images\": [");
    give(w);
    *out = w;
    return ANC_OK;
}

/* Moves on to `part`, closing what comes before it. */
static void enter(anc_coco_writer *w, int part)
{
    assert(w->part <= part);
    for (; w->part < part; w->part++, w->some = false) {
        if (w->part == IMAGES)
            LITERAL(w, "],\"annotations\": [");
        else
            LITERAL(w, "],\"categories\": [");
    }
    if (w->some) *w->at++ = ',';
    w->some = true;
}

void anc_coco_write_image(anc_coco_writer *w, int64_t id, const char *file_name, int32_t width,
                          int32_t height)
{
    assert(strlen(file_name) < ROOM / 2);
    take(w);
    enter(w, IMAGES);
    LITERAL(w, "{\"file_name\": \"");
    text(w, file_name);
    LITERAL(w, "\",\"height\": ");
    whole(w, height);
    LITERAL(w, ",\"width\": ");
    whole(w, width);
    LITERAL(w, ",\"id\": ");
    whole(w, id);
    *w->at++ = '}';
    give(w);
}

void anc_coco_write_begin(anc_coco_writer *w, bool crowd)
{
    take(w);
    enter(w, ANNOTATIONS);
    w->crowd = crowd;
    w->inside = false;
    if (crowd)
        LITERAL(w, "{\"segmentation\": {\"counts\": [");
    else
        LITERAL(w, "{\"segmentation\": [[");
}

/* Between two numbers of an outline; also hands a full stretch over. */
static void next_number(anc_coco_writer *w)
{
    if (w->at - w->start > ROOM / 2) {
        give(w);
        take(w);
    }
    if (w->inside) *w->at++ = ',';
    w->inside = true;
}

void anc_coco_write_point(anc_coco_writer *w, int32_t x, int32_t y)
{
    next_number(w);
    hundredths(w, x);
    *w->at++ = ',';
    hundredths(w, y);
}

void anc_coco_write_run(anc_coco_writer *w, int64_t pixels)
{
    next_number(w);
    whole(w, pixels);
}

void anc_coco_write_end(anc_coco_writer *w, const anc_coco_annotation *a)
{
    if (w->crowd) {
        LITERAL(w, "],\"size\": [");
        whole(w, a->height);
        *w->at++ = ',';
        whole(w, a->width);
        LITERAL(w, "]},\"area\": ");
        whole(w, a->area / 20000);
        LITERAL(w, ",\"iscrowd\": 1,\"image_id\": ");
    } else {
        LITERAL(w, "]],\"area\": ");
        area(w, a->area);
        LITERAL(w, ",\"iscrowd\": 0,\"image_id\": ");
    }
    whole(w, a->image_id);
    LITERAL(w, ",\"bbox\": [");
    for (int i = 0; i < 4; i++) {
        if (i) *w->at++ = ',';
        hundredths(w, a->xywh[i]);
    }
    LITERAL(w, "],\"category_id\": ");
    whole(w, a->category);
    LITERAL(w, ",\"id\": ");
    whole(w, a->id);
    *w->at++ = '}';
    give(w);
}

void anc_coco_write_category(anc_coco_writer *w, int32_t id, const char *name, const char *supercategory)
{
    assert(strlen(name) + strlen(supercategory) < ROOM / 2);
    take(w);
    enter(w, CATEGORIES);
    LITERAL(w, "{\"supercategory\": \"");
    text(w, supercategory);
    LITERAL(w, "\",\"id\": ");
    whole(w, id);
    LITERAL(w, ",\"name\": \"");
    text(w, name);
    LITERAL(w, "\"}");
    give(w);
}

bool anc_coco_write_failed(const anc_coco_writer *w) { return anc_out_failed(w->out); }

anc_status anc_coco_write_close(anc_coco_writer *w, int64_t *n_bytes, anc_err *err)
{
    take(w);
    if (w->part < CATEGORIES) enter(w, CATEGORIES);
    LITERAL(w, "]}");
    give(w);
    *n_bytes = w->n_bytes;
    anc_status status = anc_out_commit(w->out, err);
    free(w);
    return status;
}

void anc_coco_write_abandon(anc_coco_writer *w)
{
    if (!w) return;
    anc_out_abandon(w->out);
    free(w);
}
