/* io/dataset/builder.c: see builder.h */
#include "io/dataset/builder.h"
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    anc_image image;
    char *name;
} named_image;

struct anc_builder {
    named_image *image;
    anc_category *category;
    anc_gt *box;
    int64_t *box_image; /* [n_boxes] image id; later the place of the box in the result */
    int64_t n_images, n_categories, n_boxes;
    int64_t image_capacity, category_capacity, box_capacity;
    int64_t annotations, empty;
    anc_diagnostics *diagnostics; /* NULL: nobody asks for places */
};

anc_builder *anc_builder_new(void) { return calloc(1, sizeof(anc_builder)); }

void anc_builder_free(anc_builder *b)
{
    if (!b) return;
    for (int64_t i = 0; b->image && i < b->n_images; i++) free(b->image[i].name);
    for (int64_t i = 0; b->category && i < b->n_categories; i++) free(b->category[i].name);
    free(b->image);
    free(b->category);
    free(b->box);
    free(b->box_image);
    free(b);
}

static anc_status no_memory(anc_err *err, int64_t n, const char *what)
{
    return anc_fail(err, ANC_EMEMORY, "no memory for %" PRId64 " %s", n, what);
}

/* The room after the next growth: half as much again, so that memory stays near to what the data need. */
static int64_t more_capacity(int64_t capacity) { return capacity < 64 ? 64 : capacity + capacity / 2; }

static char *copy_name(const char *name, size_t n)
{
    char *copy = malloc(n + 1);
    if (!copy) return NULL;
    if (n) memcpy(copy, name, n);
    copy[n] = '\0';
    return copy;
}

anc_status anc_builder_image(anc_builder *b, int64_t id, int64_t height, int64_t width, const char *name,
                             size_t n_bytes, anc_err *err)
{
    if (width < 1 || height < 1 || width > ANC_MAX_SIDE || height > ANC_MAX_SIDE)
        return anc_fail(err, ANC_EDATA,
                        "image %" PRId64 " is %" PRId64 " pixels wide and %" PRId64
                        " high; each must be 1 to %d: put the picture's true size there",
                        id, width, height, ANC_MAX_SIDE);
    if (b->n_images == b->image_capacity) {
        int64_t capacity = more_capacity(b->image_capacity);
        named_image *grown = realloc(b->image, (size_t)capacity * sizeof *grown);
        if (!grown) return no_memory(err, capacity, "images");
        b->image = grown;
        b->image_capacity = capacity;
    }
    char *copy = copy_name(name, n_bytes);
    if (!copy) return no_memory(err, b->n_images, "images");
    b->image[b->n_images++] = (named_image){ { id, (int32_t)height, (int32_t)width }, copy };
    return ANC_OK;
}

anc_status anc_builder_category(anc_builder *b, int64_t id, const char *name, size_t n_bytes, anc_err *err)
{
    if (id < INT32_MIN || id > INT32_MAX)
        return anc_fail(err, ANC_EDATA,
                        "category id %" PRId64 " does not fit in 32 bits: renumber the categories", id);
    if (b->n_categories == b->category_capacity) {
        int64_t capacity = more_capacity(b->category_capacity);
        anc_category *grown = realloc(b->category, (size_t)capacity * sizeof *grown);
        if (!grown) return no_memory(err, capacity, "categories");
        b->category = grown;
        b->category_capacity = capacity;
    }
    char *copy = copy_name(name, n_bytes);
    if (!copy) return no_memory(err, b->n_categories, "categories");
    b->category[b->n_categories++] = (anc_category){ (int32_t)id, copy };
    return ANC_OK;
}

static anc_status grow_boxes(anc_builder *b, anc_err *err)
{
    int64_t capacity = more_capacity(b->box_capacity);
    anc_gt *box = realloc(b->box, (size_t)capacity * sizeof *box);
    if (box) b->box = box;
    int64_t *image = realloc(b->box_image, (size_t)capacity * sizeof *image);
    if (image) b->box_image = image;
    if (!box || !image) return no_memory(err, capacity, "boxes");
    b->box_capacity = capacity;
    return ANC_OK;
}

void anc_builder_unseen(anc_builder *b, int64_t annotations, int64_t empty)
{
    b->annotations += annotations;
    b->empty += empty;
}

void anc_builder_diagnostics(anc_builder *b, anc_diagnostics *diagnostics) { b->diagnostics = diagnostics; }

anc_status anc_builder_box(anc_builder *b, int64_t image_id, const anc_gt *box, anc_err *err)
{
    const double *c = box->xyxy;
    for (int k = 0; k < 4; k++)
        if (!(fabs(c[k]) <= ANC_MAX_COORDINATE))
            return anc_fail(err, ANC_EDATA,
                            "annotation %" PRId64 " of image %" PRId64 ": box (%g, %g, %g, %g) is not "
                            "finite or reaches beyond 1e9 pixels: correct or remove it",
                            box->id, image_id, c[0], c[1], c[2], c[3]);
    if (c[2] < c[0] || c[3] < c[1])
        return anc_fail(err, ANC_EDATA,
                        "annotation %" PRId64 " of image %" PRId64 ": box is %g wide and %g high; "
                        "negative sizes mean nothing: correct or remove it",
                        box->id, image_id, c[2] - c[0], c[3] - c[1]);
    b->annotations++;
    if (c[0] == c[2] || c[1] == c[3]) {
        b->empty++;
        if (b->diagnostics)
            anc_diagnose(b->diagnostics, ANC_DIAG_EMPTY_BOX, "annotation %" PRId64 " of image %" PRId64,
                         box->id, image_id);
        return ANC_OK;
    }
    if (b->n_boxes == b->box_capacity && grow_boxes(b, err)) return err->code;
    b->box_image[b->n_boxes] = image_id;
    b->box[b->n_boxes++] = *box;
    return ANC_OK;
}

/* A hash table from ids to indices, open addressing, never more than half full. */
typedef struct {
    struct id_slot {
        int64_t id, index; /* index -1: free */
    } * slot;
    uint64_t mask;
} id_map;

static bool id_map_init(id_map *m, int64_t n)
{
    uint64_t capacity = 16;
    while (capacity < 2 * (uint64_t)n) capacity *= 2;
    m->mask = capacity - 1;
    m->slot = malloc(capacity * sizeof *m->slot);
    for (uint64_t i = 0; m->slot && i < capacity; i++) m->slot[i].index = -1;
    return m->slot != NULL;
}

static struct id_slot *id_map_slot(const id_map *m, int64_t id)
{
    uint64_t h = (uint64_t)id * UINT64_C(0x9e3779b97f4a7c15);
    h = (h ^ h >> 29) * UINT64_C(0xbf58476d1ce4e5b9);
    uint64_t at = h >> 32 & m->mask;
    while (m->slot[at].index >= 0 && m->slot[at].id != id) at = (at + 1) & m->mask;
    return &m->slot[at];
}

static int by_image_id(const void *a, const void *b)
{
    int64_t x = ((const named_image *)a)->image.id, y = ((const named_image *)b)->image.id;
    return (x > y) - (x < y);
}

static int by_category_id(const void *a, const void *b)
{
    int32_t x = ((const anc_category *)a)->id, y = ((const anc_category *)b)->id;
    return (x > y) - (x < y);
}

static anc_status finish_images(anc_builder *b, anc_dataset *out, anc_err *err)
{
    int64_t n = b->n_images;
    if (n) qsort(b->image, (size_t)n, sizeof *b->image, by_image_id);
    for (int64_t i = 1; i < n; i++)
        if (b->image[i].image.id == b->image[i - 1].image.id)
            return anc_fail(err, ANC_EDATA,
                            "image id %" PRId64 " is listed twice ('%.100s' and '%.100s'): ids must be "
                            "unique",
                            b->image[i].image.id, b->image[i - 1].name, b->image[i].name);
    out->image = malloc(((size_t)n + 1) * sizeof *out->image);
    out->file_name = malloc(((size_t)n + 1) * sizeof *out->file_name);
    out->box_offset = calloc((size_t)n + 1, sizeof *out->box_offset);
    if (!out->image || !out->file_name || !out->box_offset) return no_memory(err, n, "images");
    for (int64_t i = 0; i < n; i++) {
        out->image[i] = b->image[i].image;
        out->file_name[i] = b->image[i].name;
    }
    out->n_images = n;
    b->n_images = 0; /* the names have moved */
    return ANC_OK;
}

static anc_status finish_categories(anc_builder *b, anc_dataset *out, anc_err *err)
{
    int64_t n = b->n_categories;
    if (n) qsort(b->category, (size_t)n, sizeof *b->category, by_category_id);
    for (int64_t i = 1; i < n; i++)
        if (b->category[i].id == b->category[i - 1].id)
            return anc_fail(err, ANC_EDATA,
                            "category id %d is listed twice ('%.100s' and '%.100s'): ids must be unique",
                            b->category[i].id, b->category[i - 1].name, b->category[i].name);
    out->category = b->category ? b->category : calloc(1, sizeof *out->category);
    if (!out->category) return no_memory(err, n, "categories");
    out->n_categories = n;
    b->category = NULL;
    b->n_categories = 0;
    if (!n) return ANC_OK;

    int32_t known = out->category[0].id; /* neighbours often share theirs */
    for (int64_t k = 0; k < b->n_boxes; k++) {
        int32_t id = b->box[k].category;
        if (id == known) continue;
        const anc_category wanted = { id, NULL };
        if (!bsearch(&wanted, out->category, (size_t)n, sizeof *out->category, by_category_id))
            return anc_fail(err, ANC_EDATA,
                            "annotation %" PRId64 " of image %" PRId64 " has category %d, which the list of "
                            "categories lacks: add it there or correct the annotation",
                            b->box[k].id, b->box_image[k], id);
        known = id;
    }
    return ANC_OK;
}

/* Turns box_image from ids into the place of each box in the result and fills box_offset. */
static anc_status place_boxes(anc_builder *b, anc_dataset *out, anc_err *err)
{
    id_map images;
    if (!id_map_init(&images, out->n_images)) return no_memory(err, out->n_images, "images");
    for (int64_t i = 0; i < out->n_images; i++)
        *id_map_slot(&images, out->image[i].id) = (struct id_slot){ out->image[i].id, i };
    for (int64_t k = 0; k < b->n_boxes; k++) {
        int64_t id = b->box_image[k], i = id_map_slot(&images, id)->index;
        if (i < 0) {
            free(images.slot);
            return anc_fail(err, ANC_EDATA,
                            "annotation %" PRId64 " belongs to image %" PRId64 ", which the list of images "
                            "lacks: add the image or remove the annotation",
                            b->box[k].id, id);
        }
        b->box_image[k] = i;
        out->box_offset[i + 1]++;
    }
    free(images.slot);

    /* box_offset[i + 1] is the count of i; sum up, then use the starts as cursors, which leaves each start
     * one place too far down: shift back. */
    int64_t *start = out->box_offset;
    for (int64_t i = 0; i < out->n_images; i++) start[i + 1] += start[i];
    for (int64_t k = 0; k < b->n_boxes; k++) b->box_image[k] = start[b->box_image[k]]++;
    for (int64_t i = out->n_images; i > 0; i--) start[i] = start[i - 1];
    start[0] = 0;
    return ANC_OK;
}

static anc_status count_duplicates(const anc_builder *b, int64_t *duplicates, anc_err *err)
{
    int64_t k = 1;
    while (k < b->n_boxes && b->box[k].id > b->box[k - 1].id) k++;
    if (k >= b->n_boxes) return ANC_OK; /* ids ascend: none occurs twice */
    id_map seen;
    if (!id_map_init(&seen, b->n_boxes)) return no_memory(err, b->n_boxes, "annotation ids");
    for (k = 0; k < b->n_boxes; k++) {
        if (!b->box[k].id) continue;
        struct id_slot *slot = id_map_slot(&seen, b->box[k].id);
        if (slot->index >= 0 && b->diagnostics)
            anc_diagnose(b->diagnostics, ANC_DIAG_DUPLICATE_ID, "annotation %" PRId64 " of image %" PRId64,
                         b->box[k].id, b->box_image[k]);
        *duplicates += slot->index >= 0;
        *slot = (struct id_slot){ b->box[k].id, k };
    }
    free(seen.slot);
    return ANC_OK;
}

/* Boxes over their image's edge, by place. */
static void find_edges(const anc_dataset *d, anc_diagnostics *f)
{
    for (int64_t i = 0; i < d->n_images; i++) {
        double w = d->image[i].width, h = d->image[i].height;
        for (int64_t k = d->box_offset[i]; k < d->box_offset[i + 1]; k++) {
            const double *c = d->box[k].xyxy;
            int64_t id = d->box[k].id, nth = k - d->box_offset[i] + 1;
            if (c[0] >= 0 && c[1] >= 0 && c[2] <= w && c[3] <= h) continue;
            for (int kind = ANC_DIAG_OVER_EDGE; kind <= ANC_DIAG_OUTSIDE; kind++) {
                if (kind == ANC_DIAG_OUTSIDE && c[2] > 0 && c[3] > 0 && c[0] < w && c[1] < h) continue;
                anc_diagnose(f, (anc_diagnostic_kind)kind, "image %" PRId64 "%s%.80s%s, %s %" PRId64,
                             d->image[i].id, *d->file_name[i] ? " (" : "", d->file_name[i],
                             *d->file_name[i] ? ")" : "", id ? "annotation" : "box", id ? id : nth);
            }
        }
    }
}

/* Places of what the report counts, and into the report what only the diagnostics count. */
static void note_findings(anc_dataset *d, anc_diagnostics *f)
{
    find_edges(d, f);
    for (int k = 0; k < ANC_N_DIAGNOSTICS; k++)
        if (k != ANC_DIAG_EMPTY_BOX && k != ANC_DIAG_OVER_EDGE && k != ANC_DIAG_OUTSIDE &&
            k != ANC_DIAG_DUPLICATE_ID)
            d->report.found[k] = f->of[k].n;
}

anc_status anc_builder_finish(anc_builder *b, anc_dataset *out, anc_err *err)
{
    anc_dataset_report report = { .annotations = b->annotations, .empty_boxes = b->empty };
    if (count_duplicates(b, &report.duplicate_ids, err) || finish_images(b, out, err) ||
        finish_categories(b, out, err) || place_boxes(b, out, err)) {
        anc_dataset_clear(out);
        return err->code;
    }
    /* A second array, because following the permutation in place waits for memory at every step. */
    out->box = malloc(((size_t)b->n_boxes + 1) * sizeof *out->box);
    if (!out->box) {
        anc_dataset_clear(out);
        return no_memory(err, b->n_boxes, "boxes");
    }
    for (int64_t k = 0; k < b->n_boxes; k++) out->box[b->box_image[k]] = b->box[k];
    out->n_boxes = b->n_boxes;
    anc_dataset_count(out, &report);
    out->report = report;
    if (anc_dataset_check(out, err) == ANC_OK) {
        if (b->diagnostics) note_findings(out, b->diagnostics);
        return ANC_OK;
    }
    anc_dataset_clear(out);
    return err->code;
}
