/* io/formats/parsed.c: see part.h */
#include "io/formats/parsed.h"
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Keys to rows by open addressing, never more than half full; made when first asked for. */
struct anc_parsed_index {
    int64_t *slot; /* row + 1; 0: free */
    uint64_t mask;
    int64_t n; /* rows that are in it */
};

static void index_free(struct anc_parsed_index *x)
{
    if (x) free(x->slot);
    free(x);
}

void anc_parsed_clear(anc_parsed *p)
{
    index_free(p->images);
    index_free(p->categories);
    free(p->image);
    free(p->box);
    free(p->category);
    free(p->text);
    *p = (anc_parsed){ 0 };
}

anc_status anc_parsed_fail(const anc_parsed *p, anc_err *err, const char *format, ...)
{
    char text[800];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    if (!p->line) return anc_fail(err, ANC_EDATA, "%s: %s", p->file ? p->file : "annotations", text);
    return anc_fail(err, ANC_EDATA, "%s:%" PRId64 ": %s", p->file ? p->file : "annotations", p->line, text);
}

void anc_parsed_find_here(anc_parsed *p, anc_diagnostic_kind kind)
{
    if (p->line)
        anc_diagnose(&p->diagnostics, kind, "%s:%" PRId64, p->file, p->line);
    else
        anc_diagnose(&p->diagnostics, kind, "%s", p->file);
}

static anc_status no_memory(const anc_parsed *p, anc_err *err)
{
    return anc_fail(err, ANC_EMEMORY, "%s: no memory for its boxes", p->file ? p->file : "annotations");
}

/* Room for `more` elements of `bytes` behind n; false: no memory. */
static bool reserve_capacity(void *array, int64_t n, int64_t more, int64_t *capacity, size_t bytes)
{
    if (n + more <= *capacity) return true;
    int64_t wanted = *capacity + *capacity / 2 > n + more ? *capacity + *capacity / 2 : n + more;
    if (wanted < 16) wanted = 16;
    void *grown = realloc(*(void **)array, (size_t)wanted * bytes);
    if (!grown) return false;
    *(void **)array = grown;
    *capacity = wanted;
    return true;
}

static bool add_text(anc_parsed *p, const char *text, size_t *at)
{
    size_t n = strlen(text) + 1;
    if (!reserve_capacity(&p->text, (int64_t)p->n_text, (int64_t)n, &p->text_capacity, 1)) return false;
    memcpy(p->text + p->n_text, text, n);
    *at = p->n_text;
    p->n_text += n;
    return true;
}

static anc_status check_name(const anc_parsed *p, const char *name, const char *what, anc_err *err)
{
    size_t n = strlen(name);
    if (n > ANC_MAX_NAME_BYTES)
        return anc_parsed_fail(p, err, "the %s name is longer than %d bytes", what, ANC_MAX_NAME_BYTES);
    for (size_t i = 0; i < n; i++)
        if ((unsigned char)name[i] < 32 || name[i] == 127)
            return anc_parsed_fail(p, err, "the %s name '%.60s' holds a control character: correct it", what,
                                   name);
    return ANC_OK;
}

anc_status anc_parsed_add_image(anc_parsed *p, const anc_parsed_image *image, int64_t *row, anc_err *err)
{
    if (check_name(p, image->key, "image's", err) || check_name(p, image->name, "image's file", err))
        return err->code;
    bool unknown = !image->height && !image->width;
    if (!unknown && (image->width < 1 || image->height < 1 || image->width > ANC_MAX_SIDE ||
                     image->height > ANC_MAX_SIDE))
        return anc_parsed_fail(p, err,
                               "the image is %" PRId64 " pixels wide and %" PRId64
                               " high; each must be 1 to %d: put "
                               "the picture's true size there",
                               image->width, image->height, ANC_MAX_SIDE);
    if (p->n_images == INT32_MAX) return anc_parsed_fail(p, err, "more than 2^31 - 1 images");
    anc_parsed_image_row r = { 0, 0, (int32_t)image->height, (int32_t)image->width, image->relative };
    if (!reserve_capacity(&p->image, p->n_images, 1, &p->image_capacity, sizeof *p->image) ||
        !add_text(p, image->key, &r.key) || !add_text(p, image->name, &r.name))
        return no_memory(p, err);
    if (row) *row = p->n_images;
    p->image[p->n_images++] = r;
    return ANC_OK;
}

static uint64_t hash(const char *key)
{
    uint64_t h = UINT64_C(0xcbf29ce484222325);
    for (; *key; key++) h = (h ^ (unsigned char)*key) * UINT64_C(0x100000001b3);
    return h ^ h >> 32;
}

/* Reserves capacity for the keys of n rows; an index that had too little is emptied. False: no memory. */
static bool index_capacity(struct anc_parsed_index **x, int64_t n)
{
    if (!*x && !(*x = calloc(1, sizeof **x))) return false;
    if ((*x)->slot && 2 * (uint64_t)n <= (*x)->mask) return true;
    uint64_t capacity = 64;
    while (capacity < 4 * (uint64_t)n) capacity *= 2;
    free((*x)->slot);
    (*x)->slot = calloc(capacity, sizeof *(*x)->slot);
    (*x)->mask = capacity - 1;
    (*x)->n = 0;
    return (*x)->slot != NULL;
}

static int64_t *image_slot(const anc_parsed *p, const char *key)
{
    const struct anc_parsed_index *x = p->images;
    uint64_t at = hash(key) & x->mask;
    while (x->slot[at] && strcmp(p->text + p->image[x->slot[at] - 1].key, key)) at = (at + 1) & x->mask;
    return &x->slot[at];
}

/* The first of several rows of one key counts. */
int64_t anc_parsed_find(anc_parsed *p, const char *key)
{
    if (!index_capacity(&p->images, p->n_images)) return -1;
    for (; p->images->n < p->n_images; p->images->n++) {
        int64_t *slot = image_slot(p, p->text + p->image[p->images->n].key);
        if (!*slot) *slot = p->images->n + 1;
    }
    return *image_slot(p, key) - 1;
}

static bool same_category(const anc_parsed *p, const anc_parsed_category_row *c, const char *key,
                          bool numbered, int64_t number)
{
    return c->numbered == numbered && (numbered ? c->number == number : !strcmp(p->text + c->key, key));
}

static int64_t *category_slot(const anc_parsed *p, const char *key, bool numbered, int64_t number)
{
    const struct anc_parsed_index *x = p->categories;
    uint64_t at = numbered ? (uint64_t)number * UINT64_C(0x9e3779b97f4a7c15) >> 32 : hash(key);
    for (at &= x->mask; x->slot[at]; at = (at + 1) & x->mask)
        if (same_category(p, &p->category[x->slot[at] - 1], key, numbered, number)) break;
    return &x->slot[at];
}

/* The row, -1: there is none, -2: no memory. The box before often has the same category. */
static int64_t find_category(anc_parsed *p, const char *key, bool numbered, int64_t number)
{
    if (p->n_boxes) {
        int32_t before = p->box[p->n_boxes - 1].category;
        if (same_category(p, &p->category[before], key, numbered, number)) return before;
    }
    if (!index_capacity(&p->categories, p->n_categories)) return -2;
    for (; p->categories->n < p->n_categories; p->categories->n++) {
        const anc_parsed_category_row *c = &p->category[p->categories->n];
        *category_slot(p, p->text + c->key, c->numbered, c->number) = p->categories->n + 1;
    }
    return *category_slot(p, key, numbered, number) - 1;
}

static anc_status category_row(anc_parsed *p, const char *key, bool numbered, int64_t number, int32_t *row,
                               anc_err *err)
{
    int64_t n = p->n_categories, found = find_category(p, key, numbered, number);
    *row = (int32_t)(found < 0 ? n : found);
    if (found >= 0) return ANC_OK;
    if (found < -1) return no_memory(p, err);
    if (check_name(p, key, "category's", err)) return err->code;
    if (n == 1000000)
        return anc_parsed_fail(p, err, "more than 1,000,000 categories: is this the right column?");
    anc_parsed_category_row c = { .number = number, .numbered = numbered };
    char place[ANC_DIAGNOSTIC_PLACE_BYTES];
    snprintf(place, sizeof place, p->line ? "%s:%" PRId64 : "%s", p->file ? p->file : "annotations", p->line);
    if (!reserve_capacity(&p->category, n, 1, &p->category_capacity, sizeof *p->category) ||
        !add_text(p, key, &c.key) || !add_text(p, place, &c.place))
        return no_memory(p, err);
    p->category[p->n_categories++] = c;
    return ANC_OK;
}

anc_status anc_parsed_category(anc_parsed *p, const char *key, int32_t *row, anc_err *err)
{
    return category_row(p, key, false, 0, row, err);
}

anc_status anc_parsed_category_number(anc_parsed *p, int64_t number, int32_t *row, anc_err *err)
{
    return category_row(p, "", true, number, row, err);
}

anc_status anc_parsed_add_box(anc_parsed *p, int64_t image, const anc_parsed_box *box, anc_err *err)
{
    const double *c = box->xyxy;
    p->annotations++;
    for (int k = 0; k < 4; k++)
        if (!(fabs(c[k]) <= ANC_MAX_COORDINATE))
            return anc_parsed_fail(
                p, err, "box (%g, %g, %g, %g) is not finite or reaches beyond 1e9: correct or remove it",
                c[0], c[1], c[2], c[3]);
    if (c[2] < c[0] || c[3] < c[1]) {
        anc_parsed_find_here(p, ANC_DIAG_INVERTED_BOX);
        return ANC_OK;
    }
    if (c[2] == c[0] || c[3] == c[1]) {
        anc_parsed_find_here(p, ANC_DIAG_EMPTY_BOX);
        return ANC_OK;
    }
    if (!reserve_capacity(&p->box, p->n_boxes, 1, &p->box_capacity, sizeof *p->box)) return no_memory(p, err);
    p->box[p->n_boxes++] = (anc_parsed_box_row){
        { c[0], c[1], c[2], c[3] }, box->id, (int32_t)image, box->category, box->crowd, box->flags
    };
    return ANC_OK;
}

static anc_status append_rows(anc_parsed *p, const anc_parsed *more, int32_t *category, anc_err *err)
{
    size_t shift = p->n_text;
    int64_t first = p->n_images;
    if (!reserve_capacity(&p->image, p->n_images, more->n_images, &p->image_capacity, sizeof *p->image) ||
        !reserve_capacity(&p->box, p->n_boxes, more->n_boxes, &p->box_capacity, sizeof *p->box) ||
        !reserve_capacity(&p->text, (int64_t)p->n_text, (int64_t)more->n_text, &p->text_capacity, 1))
        return no_memory(p, err);
    if (more->n_text) memcpy(p->text + p->n_text, more->text, more->n_text);
    p->n_text += more->n_text;
    for (int64_t i = 0; i < more->n_images; i++) {
        anc_parsed_image_row r = more->image[i];
        r.key += shift;
        r.name += shift;
        p->image[p->n_images++] = r;
    }
    for (int64_t k = 0; k < more->n_boxes; k++) {
        anc_parsed_box_row r = more->box[k];
        r.image += (int32_t)first;
        r.category = category[r.category];
        p->box[p->n_boxes++] = r;
    }
    p->annotations += more->annotations;
    anc_diagnostics_add(&p->diagnostics, &more->diagnostics);
    return ANC_OK;
}

anc_status anc_parsed_append(anc_parsed *p, const anc_parsed *more, anc_err *err)
{
    if (p->n_images + more->n_images > INT32_MAX) return anc_parsed_fail(p, err, "more than 2^31 - 1 images");
    int32_t *category = malloc(((size_t)more->n_categories + 1) * sizeof *category);
    if (!category) return no_memory(p, err);
    anc_status status = ANC_OK;
    for (int64_t i = 0; !status && i < more->n_categories; i++) {
        const anc_parsed_category_row *c = &more->category[i];
        p->file = more->text + c->place; /* so that the first place stays with it */
        p->line = 0;
        status = category_row(p, more->text + c->key, c->numbered, c->number, &category[i], err);
    }
    p->file = NULL;
    if (!status) status = append_rows(p, more, category, err);
    free(category);
    return status;
}

/* ---- as one block: the header, then the arrays as they are (both sides run the same program) ---- */

typedef struct {
    uint64_t mark;
    int64_t n_images, n_boxes, n_categories, annotations;
    uint64_t n_text;
    anc_diagnostics diagnostics;
} block_header;
#define BLOCK_MARK UINT64_C(0x7472617020636e61)

anc_status anc_parsed_pack(const anc_parsed *p, void **bytes, size_t *n, anc_err *err)
{
    block_header h = { BLOCK_MARK,     p->n_images, p->n_boxes,    p->n_categories,
                       p->annotations, p->n_text,   p->diagnostics };
    size_t size[] = { sizeof h, (size_t)p->n_images * sizeof *p->image, (size_t)p->n_boxes * sizeof *p->box,
                      (size_t)p->n_categories * sizeof *p->category, p->n_text };
    const void *from[] = { &h, p->image, p->box, p->category, p->text };
    *n = 0;
    for (int i = 0; i < 5; i++) *n += size[i];
    unsigned char *to = *bytes = malloc(*n);
    if (!to) return no_memory(p, err);
    for (int i = 0; i < 5; i++) {
        if (size[i]) memcpy(to, from[i], size[i]);
        to += size[i];
    }
    return ANC_OK;
}

/* A bool that came as a byte. */
static bool is_bool(const void *byte) { return *(const unsigned char *)byte <= 1; }

static bool holds(const anc_parsed *p)
{
    const int64_t most = INT64_MAX >> 8; /* counts that can be added up */
    if (p->n_text && p->text[p->n_text - 1]) return false;
    if (p->annotations < 0 || p->annotations > most) return false;
    for (int k = 0; k < ANC_N_DIAGNOSTICS; k++) {
        if (p->diagnostics.of[k].n < 0 || p->diagnostics.of[k].n > most) return false;
        for (int i = 0; i < ANC_DIAGNOSTIC_PLACES; i++)
            if (!memchr(p->diagnostics.of[k].place[i], 0, ANC_DIAGNOSTIC_PLACE_BYTES)) return false;
    }
    for (int64_t i = 0; i < p->n_images; i++)
        if (!is_bool(&p->image[i].relative)) return false;
    for (int64_t i = 0; i < p->n_categories; i++)
        if (!is_bool(&p->category[i].numbered)) return false;
    for (int64_t i = 0; i < p->n_images; i++)
        if (p->image[i].key >= p->n_text || p->image[i].name >= p->n_text) return false;
    for (int64_t i = 0; i < p->n_categories; i++)
        if (p->category[i].key >= p->n_text || p->category[i].place >= p->n_text) return false;
    for (int64_t k = 0; k < p->n_boxes; k++)
        if (p->box[k].image < 0 || p->box[k].image >= p->n_images || p->box[k].category < 0 ||
            p->box[k].category >= p->n_categories)
            return false;
    return true;
}

static void *copy_of(const unsigned char **from, size_t n)
{
    void *to = malloc(n + 1);
    if (to && n) memcpy(to, *from, n);
    *from += n;
    return to;
}

anc_status anc_parsed_unpack(const void *bytes, size_t n, anc_parsed *p, anc_err *err)
{
    block_header h = { 0 };
    if (n >= sizeof h) memcpy(&h, bytes, sizeof h);
    size_t left = n >= sizeof h ? n - sizeof h : 0;
    bool fits = h.mark == BLOCK_MARK && h.n_images >= 0 && h.n_boxes >= 0 && h.n_categories >= 0 &&
                (uint64_t)h.n_images <= left / sizeof *p->image &&
                (uint64_t)h.n_boxes <= left / sizeof *p->box &&
                (uint64_t)h.n_categories <= left / sizeof *p->category && h.n_text <= left &&
                (size_t)h.n_images * sizeof *p->image + (size_t)h.n_boxes * sizeof *p->box +
                        (size_t)h.n_categories * sizeof *p->category + h.n_text ==
                    left;
    if (!fits) return anc_fail(err, ANC_EDATA, "%zu bytes are not a packed part of a source", n);
    const unsigned char *from = (const unsigned char *)bytes + sizeof h;
    p->image = copy_of(&from, (size_t)h.n_images * sizeof *p->image);
    p->box = copy_of(&from, (size_t)h.n_boxes * sizeof *p->box);
    p->category = copy_of(&from, (size_t)h.n_categories * sizeof *p->category);
    p->text = copy_of(&from, h.n_text);
    p->n_images = p->image_capacity = h.n_images;
    p->n_boxes = p->box_capacity = h.n_boxes;
    p->n_categories = p->category_capacity = h.n_categories;
    p->n_text = h.n_text;
    p->text_capacity = (int64_t)h.n_text;
    p->annotations = h.annotations;
    p->diagnostics = h.diagnostics;
    bool memory = p->image && p->box && p->category && p->text;
    if (memory && holds(p)) return ANC_OK;
    anc_parsed_clear(p);
    return memory ? anc_fail(err, ANC_EDATA, "a packed part of a source points outside of itself")
                  : anc_fail(err, ANC_EMEMORY, "no memory for a part of the source");
}
