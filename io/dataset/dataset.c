/* io/dataset/dataset.c: see dataset.h */
#include "io/dataset/dataset.h"
#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

void anc_dataset_clear(anc_dataset *d)
{
    for (int64_t i = 0; d->file_name && i < d->n_images; i++) free(d->file_name[i]);
    for (int64_t i = 0; d->category && i < d->n_categories; i++) free(d->category[i].name);
    free(d->image);
    free(d->file_name);
    free(d->box_offset);
    free(d->box);
    free(d->category);
    *d = (anc_dataset){ 0 };
}

/* Strict UTF-8: no overlong forms, no surrogates, nothing above U+10FFFF. */
static bool is_utf8(const char *text)
{
    const unsigned char *s = (const unsigned char *)text;
    while (*s) {
        if (*s < 0x80) {
            s++;
            continue;
        }
        int more = *s >= 0xc2 && *s <= 0xdf ? 1 : (*s & 0xf0) == 0xe0 ? 2 : *s >= 0xf0 && *s <= 0xf4 ? 3 : 0;
        if (!more) return false;
        unsigned char low = *s == 0xe0 ? 0xa0 : *s == 0xf0 ? 0x90 : 0x80;
        unsigned char high = *s == 0xed ? 0x9f : *s == 0xf4 ? 0x8f : 0xbf;
        if (s[1] < low || s[1] > high) return false;
        for (int k = 2; k <= more; k++)
            if ((s[k] & 0xc0) != 0x80) return false;
        s += more + 1;
    }
    return true;
}

static anc_status check_name(const char *name, const char *what, int64_t id, anc_err *err)
{
    if (!name) return anc_fail(err, ANC_EDATA, "%s %" PRId64 " has no name", what, id);
    if (strlen(name) > ANC_MAX_NAME_BYTES)
        return anc_fail(err, ANC_EDATA, "the name of %s %" PRId64 " is longer than %d bytes", what, id,
                        ANC_MAX_NAME_BYTES);
    if (!is_utf8(name))
        return anc_fail(err, ANC_EDATA, "the name of %s %" PRId64 " is not UTF-8: save the source as UTF-8",
                        what, id);
    return ANC_OK;
}

anc_status anc_dataset_check_names(const anc_dataset *d, anc_err *err)
{
    for (int64_t i = 0; i < d->n_images; i++)
        if (check_name(d->file_name[i], "image", d->image[i].id, err)) return err->code;
    return ANC_OK;
}

anc_status anc_image_check(const anc_image *image, const anc_image *before, anc_err *err)
{
    if (image->width < 1 || image->height < 1 || image->width > ANC_MAX_SIDE || image->height > ANC_MAX_SIDE)
        return anc_fail(err, ANC_EDATA,
                        "image %" PRId64 " is %d pixels wide and %d high; each must be 1 to %d", image->id,
                        image->width, image->height, ANC_MAX_SIDE);
    if (before && image->id <= before->id)
        return anc_fail(err, ANC_EDATA, "image id %" PRId64 " follows %" PRId64 ": ids must ascend",
                        image->id, before->id);
    return ANC_OK;
}

static anc_status check_offsets(const anc_dataset *d, int64_t i, anc_err *err)
{
    if (d->box_offset[i + 1] >= d->box_offset[i] && d->box_offset[i + 1] <= d->n_boxes) return ANC_OK;
    return anc_fail(err, ANC_EDATA,
                    "the box offsets of image %" PRId64 " (%" PRId64 " to %" PRId64
                    ") do not ascend within the %" PRId64 " boxes",
                    d->image[i].id, d->box_offset[i], d->box_offset[i + 1], d->n_boxes);
}

static anc_status check_box(const anc_gt *box, int64_t image_id, anc_err *err)
{
    const double *c = box->xyxy;
    const char *fault = NULL;
    for (int k = 0; k < 4; k++)
        if (!(fabs(c[k]) <= ANC_MAX_COORDINATE)) fault = "is not finite or beyond 1e9 pixels";
    if (!fault && !(c[0] < c[2] && c[1] < c[3])) fault = "has no positive width and height";
    if (!fault && box->crowd > 1) fault = "has a crowd mark other than 0 and 1";
    if (!fault) return ANC_OK;
    return anc_fail(err, ANC_EDATA, "annotation %" PRId64 " of image %" PRId64 ": box (%g, %g, %g, %g) %s",
                    box->id, image_id, c[0], c[1], c[2], c[3], fault);
}

anc_status anc_dataset_check(const anc_dataset *d, anc_err *err)
{
    if (d->n_images && d->box_offset[0])
        return anc_fail(err, ANC_EDATA, "box offsets start at %" PRId64 ", not at 0", d->box_offset[0]);
    for (int64_t i = 0; i < d->n_images; i++) {
        if (anc_image_check(&d->image[i], i ? &d->image[i - 1] : NULL, err) || check_offsets(d, i, err))
            return err->code;
        for (int64_t k = d->box_offset[i]; k < d->box_offset[i + 1]; k++)
            if (check_box(&d->box[k], d->image[i].id, err)) return err->code;
        if (d->file_name && check_name(d->file_name[i], "image", d->image[i].id, err)) return err->code;
    }
    int64_t owned = d->n_images ? d->box_offset[d->n_images] : 0;
    if (owned != d->n_boxes)
        return anc_fail(err, ANC_EDATA, "%" PRId64 " of %" PRId64 " boxes belong to no image",
                        d->n_boxes - owned, d->n_boxes);
    for (int64_t i = 0; d->category && i < d->n_categories; i++) {
        const anc_category *c = &d->category[i];
        if (i && c->id <= c[-1].id)
            return anc_fail(err, ANC_EDATA, "category id %d follows %d: ids must ascend", c->id, c[-1].id);
        if (check_name(c->name, "category", c->id, err)) return err->code;
    }
    return ANC_OK;
}

void anc_dataset_count(const anc_dataset *d, anc_dataset_report *report)
{
    for (int64_t i = 0; i < d->n_images; i++) {
        double w = d->image[i].width, h = d->image[i].height;
        report->without_boxes += d->box_offset[i] == d->box_offset[i + 1];
        for (int64_t k = d->box_offset[i]; k < d->box_offset[i + 1]; k++) {
            const double *c = d->box[k].xyxy;
            report->over_edge += c[0] < 0 || c[1] < 0 || c[2] > w || c[3] > h;
            report->outside += c[2] <= 0 || c[3] <= 0 || c[0] >= w || c[1] >= h;
            report->crowds += d->box[k].crowd;
        }
    }
}

/* One step for each 64-bit word. Multiplying by an odd number and folding the upper half down are both
 * invertible, so no step forgets a difference, and words that change places give another value. */
static uint64_t add_word(uint64_t h, uint64_t word)
{
    h = (h ^ word) * UINT64_C(0x9e3779b97f4a7c15);
    return h ^ h >> 32;
}

uint64_t anc_dataset_fingerprint(const anc_dataset *d, uint64_t start)
{
    uint64_t h = start;
    for (int64_t i = 0; i < d->n_images; i++) {
        const anc_image *image = &d->image[i];
        h = add_word(h, (uint64_t)image->id);
        h = add_word(h, (uint64_t)image->height << 32 | (uint64_t)image->width);
        h = add_word(h, (uint64_t)(d->box_offset[i + 1] - d->box_offset[i]));
        for (int64_t k = d->box_offset[i]; k < d->box_offset[i + 1]; k++) {
            const anc_gt *box = &d->box[k];
            for (int c = 0; c < 4; c++) {
                double x = box->xyxy[c] + 0.0; /* -0 and 0 are the same place */
                uint64_t bits;
                memcpy(&bits, &x, sizeof bits);
                h = add_word(h, bits);
            }
            h = add_word(h, (uint64_t)box->id);
            h = add_word(h, (uint64_t)(uint32_t)box->category << 1 | box->crowd);
        }
    }
    return h;
}

/* Room for n images and k boxes in an empty data set; at least one element each, so that no pointer is NULL.
 */
static anc_status allocate(anc_dataset *d, int64_t n, int64_t k, anc_err *err)
{
    d->image = calloc((size_t)n + 1, sizeof *d->image);
    d->box_offset = calloc((size_t)n + 1, sizeof *d->box_offset);
    d->box = calloc((size_t)k + 1, sizeof *d->box);
    if (!d->image || !d->box_offset || !d->box) {
        anc_dataset_clear(d);
        return anc_fail(err, ANC_EMEMORY, "no memory for %" PRId64 " images with %" PRId64 " boxes", n, k);
    }
    d->n_images = n;
    d->n_boxes = k;
    return ANC_OK;
}

anc_status anc_dataset_slice_table(const anc_dataset *d, int64_t first, int64_t n, anc_dataset *slice,
                                   anc_err *err)
{
    assert(first >= 0 && n >= 0 && n <= d->n_images - first);
    if (!n) return allocate(slice, 0, 0, err);
    int64_t start = d->box_offset[first];
    if (allocate(slice, n, d->box_offset[first + n] - start, err)) return err->code;
    memcpy(slice->image, d->image + first, (size_t)n * sizeof *d->image);
    for (int64_t i = 0; i <= n; i++) slice->box_offset[i] = d->box_offset[first + i] - start;
    return ANC_OK;
}

anc_status anc_dataset_slice(const anc_dataset *d, int64_t first, int64_t n, anc_dataset *slice, anc_err *err)
{
    if (anc_dataset_slice_table(d, first, n, slice, err)) return err->code;
    if (slice->n_boxes)
        memcpy(slice->box, d->box + d->box_offset[first], (size_t)slice->n_boxes * sizeof *d->box);
    return ANC_OK;
}

/* A packed block: the header, then one array per field, widest first, without gaps:
 * image id [n], offset [n + 1], xyxy [k][4], box id [k], height and width [n][2], category [k], crowd [k]. */
typedef struct {
    uint64_t mark;
    int64_t n_images, n_boxes;
} pack_header;

/* Spells "anc pack" here and nonsense on a machine of the other byte order. */
#define PACK_MARK UINT64_C(0x6b63617020636e61)
enum { IMAGE_BYTES = 8 + 8 + 8, BOX_BYTES = 32 + 8 + 4 + 1 };

static size_t packed_bytes(int64_t n, int64_t k)
{
    return sizeof(pack_header) + (size_t)n * IMAGE_BYTES + 8 + (size_t)k * BOX_BYTES;
}

static unsigned char *put(unsigned char *p, const void *value, size_t bytes)
{
    memcpy(p, value, bytes);
    return p + bytes;
}

anc_status anc_dataset_pack(const anc_dataset *d, int64_t first, int64_t n, void **bytes, size_t *n_bytes,
                            anc_err *err)
{
    assert(first >= 0 && n >= 0 && n <= d->n_images - first);
    int64_t start = n ? d->box_offset[first] : 0, k = n ? d->box_offset[first + n] - start : 0;
    pack_header header = { PACK_MARK, n, k };
    size_t size = packed_bytes(n, k);
    unsigned char *p = malloc(size);
    if (!p) return anc_fail(err, ANC_EMEMORY, "no memory for a message of %zu bytes", size);
    *bytes = p;
    *n_bytes = size;

    const anc_image *image = d->image + first;
    const anc_gt *box = d->box + start;
    p = put(p, &header, sizeof header);
    for (int64_t i = 0; i < n; i++) p = put(p, &image[i].id, 8);
    for (int64_t i = 0; i <= n; i++) {
        int64_t offset = n ? d->box_offset[first + i] - start : 0;
        p = put(p, &offset, 8);
    }
    for (int64_t i = 0; i < k; i++) p = put(p, box[i].xyxy, 32);
    for (int64_t i = 0; i < k; i++) p = put(p, &box[i].id, 8);
    for (int64_t i = 0; i < n; i++) p = put(put(p, &image[i].height, 4), &image[i].width, 4);
    for (int64_t i = 0; i < k; i++) p = put(p, &box[i].category, 4);
    for (int64_t i = 0; i < k; i++) p = put(p, &box[i].crowd, 1);
    return ANC_OK;
}

static const unsigned char *get(const unsigned char *p, void *value, size_t bytes)
{
    memcpy(value, p, bytes);
    return p + bytes;
}

anc_status anc_dataset_unpack(const void *bytes, size_t n_bytes, anc_dataset *d, anc_err *err)
{
    pack_header header = { 0 };
    if (n_bytes >= sizeof header) memcpy(&header, bytes, sizeof header);
    int64_t n = header.n_images, k = header.n_boxes;
    bool fits = header.mark == PACK_MARK && n >= 0 && k >= 0 && (uint64_t)n <= n_bytes / IMAGE_BYTES &&
                (uint64_t)k <= n_bytes / BOX_BYTES && packed_bytes(n, k) == n_bytes;
    if (!fits) return anc_fail(err, ANC_EDATA, "%zu bytes are not a packed run of images", n_bytes);
    if (allocate(d, n, k, err)) return err->code;

    const unsigned char *p = (const unsigned char *)bytes + sizeof header;
    for (int64_t i = 0; i < n; i++) p = get(p, &d->image[i].id, 8);
    for (int64_t i = 0; i <= n; i++) p = get(p, &d->box_offset[i], 8);
    for (int64_t i = 0; i < k; i++) p = get(p, d->box[i].xyxy, 32);
    for (int64_t i = 0; i < k; i++) p = get(p, &d->box[i].id, 8);
    for (int64_t i = 0; i < n; i++) p = get(get(p, &d->image[i].height, 4), &d->image[i].width, 4);
    for (int64_t i = 0; i < k; i++) p = get(p, &d->box[i].category, 4);
    for (int64_t i = 0; i < k; i++) p = get(p, &d->box[i].crowd, 1);
    if (anc_dataset_check(d, err) == ANC_OK) return ANC_OK;
    anc_dataset_clear(d);
    return anc_within(err, "packed run of images");
}
