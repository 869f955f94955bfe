/* io/dataset/coco_export.c: see coco_export.h */
#include "io/dataset/coco_export.h"
#include "io/file/out.h"
#include <inttypes.h>
#include <locale.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { ASK_EVERY = 4096 /* boxes */ };

typedef struct {
    anc_out *out;
    char line[512];
    size_t n;
} writer;

static void flush(writer *w)
{
    anc_out_write(w->out, w->line, w->n);
    w->n = 0;
}

static void text(writer *w, const char *s)
{
    size_t n = strlen(s);
    if (w->n + n > sizeof w->line) flush(w);
    memcpy(w->line + w->n, s, n); /* all pieces are short */
    w->n += n;
}

static void whole(writer *w, int64_t v)
{
    char digits[24];
    snprintf(digits, sizeof digits, "%" PRId64, v);
    text(w, digits);
}

/* The shortest decimal that reads back as v. Hundredths, as most files have them, need no trying. */
static void real(writer *w, double v)
{
    char digits[40];
    double h = v * 100;
    if (fabs(h) < 1e12 && h == floor(h) && h / 100 == v) {
        int64_t n = (int64_t)h, whole_part = n / 100, rest = llabs(n % 100);
        snprintf(digits, sizeof digits, rest ? "%s%" PRId64 ".%02" PRId64 : "%s%" PRId64 ".0",
                 n < 0 && !whole_part ? "-" : "", whole_part, rest);
    } else {
        for (int precision = 15; precision <= 17; precision++) {
            snprintf(digits, sizeof digits, "%.*g", precision, v);
            if (strtod(digits, NULL) == v) break;
        }
    }
    text(w, digits);
}

static void string(writer *w, const char *s)
{
    text(w, "\"");
    for (; *s; s++) {
        char piece[8] = { *s };
        if (*s == '"' || *s == '\\')
            snprintf(piece, sizeof piece, "\\%c", *s);
        else if ((unsigned char)*s < 32 || *s == 127)
            snprintf(piece, sizeof piece, "\\u%04x", (unsigned char)*s);
        text(w, piece);
    }
    text(w, "\"");
}

/* A w for which low + w is high. The nearest difference does where rounding is finer than high's; else a
 * neighbour may. */
static double extent(double low, double high)
{
    double w = high - low;
    if (low + w == high) return w;
    const double near[] = { nextafter(w, INFINITY), nextafter(w, -INFINITY) };
    for (int i = 0; i < 2; i++)
        if (low + near[i] == high) return near[i];
    return w;
}

static void put_images(writer *w, const anc_dataset *d)
{
    text(w, "\"images\": [");
    for (int64_t i = 0; i < d->n_images; i++) {
        text(w, i ? ",\n{\"id\": " : "\n{\"id\": ");
        whole(w, d->image[i].id);
        text(w, ", \"width\": ");
        whole(w, d->image[i].width);
        text(w, ", \"height\": ");
        whole(w, d->image[i].height);
        if (*d->file_name[i]) {
            text(w, ", \"file_name\": ");
            string(w, d->file_name[i]);
        }
        text(w, "}");
    }
    text(w, "],\n");
}

static void put_flags(writer *w, uint8_t flags)
{
    static const struct {
        uint8_t bit;
        const char *member;
    } marks[] = { { ANC_FLAG_DIFFICULT, ", \"difficult\": 1" },
                  { ANC_FLAG_TRUNCATED, ", \"istruncated\": 1" },
                  { ANC_FLAG_OCCLUDED, ", \"isoccluded\": 1" },
                  { ANC_FLAG_DEPICTION, ", \"isdepiction\": 1" },
                  { ANC_FLAG_INSIDE, ", \"isinside\": 1" } };
    for (size_t i = 0; i < sizeof marks / sizeof *marks; i++)
        if (flags & marks[i].bit) text(w, marks[i].member);
}

static void put_box(writer *w, int64_t image, const anc_gt *box, int64_t id)
{
    const double *c = box->xyxy, width = extent(c[0], c[2]), height = extent(c[1], c[3]);
    const double bbox[] = { c[0], c[1], width, height };
    text(w, "{\"id\": ");
    whole(w, id);
    text(w, ", \"image_id\": ");
    whole(w, image);
    text(w, ", \"category_id\": ");
    whole(w, box->category);
    text(w, ", \"bbox\": [");
    for (int k = 0; k < 4; k++) {
        if (k) text(w, ", ");
        real(w, bbox[k]);
    }
    text(w, "], \"area\": ");
    real(w, width * height);
    text(w, box->crowd ? ", \"iscrowd\": 1" : ", \"iscrowd\": 0");
    put_flags(w, box->flags);
    text(w, "}");
}

/* Fresh ids for boxes without: the numbers after the largest. */
static int64_t first_free_id(const anc_dataset *d, anc_err *err)
{
    int64_t most = 0, without = 0;
    for (int64_t k = 0; k < d->n_boxes; k++) {
        if (d->box[k].id > most) most = d->box[k].id;
        without += !d->box[k].id;
    }
    if (without && most > INT64_MAX - without)
        anc_fail(err, ANC_EDATA, "annotation ids reach 2^63: none are left for the %" PRId64 " boxes without",
                 without);
    return most + 1;
}

static anc_status put_boxes(writer *w, const anc_dataset *d, bool (*asked)(void *), void *context,
                            anc_err *err)
{
    int64_t next = first_free_id(d, err);
    text(w, "\"annotations\": [");
    for (int64_t i = 0; i < d->n_images && !err->code; i++)
        for (int64_t k = d->box_offset[i]; k < d->box_offset[i + 1]; k++) {
            if (k % ASK_EVERY == 0 && (anc_out_failed(w->out) || (asked && asked(context)))) break;
            text(w, k ? ",\n" : "\n");
            put_box(w, d->image[i].id, &d->box[k], d->box[k].id ? d->box[k].id : next++);
        }
    text(w, "],\n");
    if (!err->code && asked && asked(context)) anc_fail(err, ANC_ESTOPPED, "stopped while writing");
    return err->code;
}

static void put_categories(writer *w, const anc_dataset *d)
{
    if (!d->n_categories) { /* as the source had none: category ids then mean nothing */
        text(w, "\"info\": {}}\n");
        return;
    }
    text(w, "\"categories\": [");
    for (int64_t i = 0; i < d->n_categories; i++) {
        text(w, i ? ",\n{\"id\": " : "\n{\"id\": ");
        whole(w, d->category[i].id);
        text(w, ", \"name\": ");
        string(w, d->category[i].name);
        text(w, "}");
    }
    text(w, "]}\n");
}

anc_status anc_coco_export(const char *path, const anc_dataset *d, bool (*asked)(void *context),
                           void *context, anc_err *err)
{
    writer w = { 0 };
    if (anc_dataset_check(d, err)) return anc_within(err, "%s", path);
    if (anc_out_open(path, &w.out, err)) return err->code;
    locale_t c = newlocale(LC_NUMERIC_MASK, "C", (locale_t)0), before = (locale_t)0;
    if (c) before = uselocale(c); /* a decimal point, wherever this runs */
    text(&w, "{");
    put_images(&w, d);
    put_boxes(&w, d, asked, context, err);
    put_categories(&w, d);
    flush(&w);
    if (c) {
        uselocale(before);
        freelocale(c);
    }
    if (!err->code) return anc_out_commit(w.out, err);
    anc_out_abandon(w.out);
    return anc_within(err, "%s", path);
}
