/* io/formats/finalize.c: see settle.h */
#include "io/formats/finalize.h"
#include "io/dataset/builder.h"
#include "io/file/files.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct {
    const char *key;
    int64_t row;
} keyed;

static int by_key(const void *a, const void *b)
{
    return strcmp(((const keyed *)a)->key, ((const keyed *)b)->key);
}

/* id[row]: the image's number in the order of the keys. */
static anc_status number_images(const anc_parsed *p, anc_builder *b, int64_t *id, anc_err *err)
{
    int64_t n = p->n_images;
    keyed *order = malloc(((size_t)n + 1) * sizeof *order);
    if (!order) return anc_fail(err, ANC_EMEMORY, "no memory for %" PRId64 " images", n);
    for (int64_t i = 0; i < n; i++) order[i] = (keyed){ p->text + p->image[i].key, i };
    if (n) qsort(order, (size_t)n, sizeof *order, by_key);
    for (int64_t i = 0; i < n && !err->code; i++) {
        const anc_parsed_image_row *row = &p->image[order[i].row];
        const char *name = p->text + row->name;
        if (!name[0]) name = order[i].key; /* labels without their picture: what they are called is known */
        id[order[i].row] = i + 1;
        if (i && !strcmp(order[i].key, order[i - 1].key))
            anc_fail(err, ANC_EDATA, "image '%.200s' is there twice: remove or rename one", order[i].key);
        else
            anc_builder_image(b, i + 1, row->height, row->width, name, strlen(name), err);
    }
    free(order);
    return err->code;
}

/* --names of formats that read none of their own: a line for each category, in the order of their ids. */
static anc_status read_names(const char *path, anc_listing *l, const anc_parsed *p, anc_err *err)
{
    anc_stream in;
    char *line;
    size_t n;
    bool numbered = p->n_categories && p->category[0].numbered;
    int fd = anc_open_file(path, err);
    if (fd < 0) return err->code;
    anc_stream_fd(&in, fd, path);
    while (!anc_stream_line(&in, &line, &n, err) && line) {
        while (n && (line[n - 1] == ' ' || line[n - 1] == '\t')) line[--n] = '\0';
        if (n) anc_listing_category(l, l->n_categories + !numbered, line, line, err);
        if (err->code) break;
    }
    anc_stream_end(&in);
    close(fd);
    if (!err->code && !l->n_categories)
        anc_fail(err, ANC_EDATA, "%s: no names: one name on each line is needed", path);
    return err->code;
}

static int by_known_id(const void *a, const void *b)
{
    int64_t x = ((const anc_known_category *)a)->id, y = ((const anc_known_category *)b)->id;
    return (x > y) - (x < y);
}

static int by_known_key(const void *a, const void *b)
{
    return strcmp(((const anc_known_category *)a)->key, ((const anc_known_category *)b)->key);
}

static int by_known_key_and_id(const void *a, const void *b)
{
    int order = by_known_key(a, b);
    return order ? order : by_known_id(a, b);
}

/* Each category that occurs, in known [n], sorted by ids or by keys as the annotations have it. Of names that
 * are alike the first counts. */
static anc_status find_known(const anc_parsed *p, const anc_known_category *known, int64_t n, bool numbered,
                             int64_t *id, anc_err *err)
{
    for (int64_t c = 0; c < p->n_categories; c++) {
        const anc_parsed_category_row *row = &p->category[c];
        if (row->numbered != numbered) continue;
        const anc_known_category wanted = { row->number, p->text + row->key, NULL },
                                 *found = bsearch(&wanted, known, (size_t)n, sizeof *known,
                                                  numbered ? by_known_id : by_known_key);
        if (!found && numbered)
            return anc_fail(err, ANC_EDATA,
                            "%s: category %" PRId64 " has no name in the list of %" PRId64
                            " names: correct the number or complete the list",
                            p->text + row->place, row->number, n);
        if (!found)
            return anc_fail(err, ANC_EDATA,
                            "%s: category '%.100s' is not in the list of %" PRId64
                            " names: correct it or complete the list",
                            p->text + row->place, p->text + row->key, n);
        while (!numbered && found > known && !strcmp(found[-1].key, found->key)) found--;
        id[c] = found->id;
    }
    return ANC_OK;
}

static anc_status known_categories(const anc_listing *l, const anc_parsed *p, anc_builder *b, int64_t *id,
                                   anc_err *err)
{
    int64_t n = l->n_categories;
    for (int64_t k = 0; k < n; k++)
        if (anc_builder_category(b, l->category[k].id, l->category[k].name, strlen(l->category[k].name), err))
            return err->code;
    anc_known_category *known = malloc((size_t)n * sizeof *known);
    if (!known) return anc_fail(err, ANC_EMEMORY, "no memory for %" PRId64 " categories", n);
    memcpy(known, l->category, (size_t)n * sizeof *known);
    qsort(known, (size_t)n, sizeof *known, by_known_id);
    if (!find_known(p, known, n, true, id, err)) {
        qsort(known, (size_t)n, sizeof *known, by_known_key_and_id);
        find_known(p, known, n, false, id, err);
    }
    free(known);
    return err->code;
}

static anc_status met_categories(const anc_parsed *p, anc_builder *b, int64_t *id, anc_err *err)
{
    keyed *order = malloc(((size_t)p->n_categories + 1) * sizeof *order);
    int64_t n = 0, next = 0;
    if (!order) return anc_fail(err, ANC_EMEMORY, "no memory for the categories");
    for (int64_t c = 0; c < p->n_categories && !err->code; c++) {
        char text[24];
        snprintf(text, sizeof text, "%" PRId64, p->category[c].number);
        if (!p->category[c].numbered)
            order[n++] = (keyed){ p->text + p->category[c].key, c };
        else
            anc_builder_category(b, id[c] = p->category[c].number, text, strlen(text), err);
    }
    if (n) qsort(order, (size_t)n, sizeof *order, by_key);
    for (int64_t k = 0; k < n && !err->code; k++)
        anc_builder_category(b, id[order[k].row] = ++next, order[k].key, strlen(order[k].key), err);
    free(order);
    return err->code;
}

static anc_status put_boxes(const anc_parsed *p, anc_builder *b, const int64_t *image,
                            const int64_t *category, anc_err *err)
{
    for (int64_t k = 0; k < p->n_boxes; k++) {
        const anc_parsed_box_row *r = &p->box[k];
        const anc_parsed_image_row *i = &p->image[r->image];
        double x = i->relative ? i->width : 1, y = i->relative ? i->height : 1;
        const anc_gt box = { .xyxy = { r->xyxy[0] * x, r->xyxy[1] * y, r->xyxy[2] * x, r->xyxy[3] * y },
                             .id = r->id,
                             .category = (int32_t)category[r->category],
                             .crowd = r->crowd,
                             .flags = r->flags };
        if (anc_builder_box(b, image[r->image], &box, err)) return err->code;
    }
    return ANC_OK;
}

anc_status anc_finalize(const anc_reader_options *o, anc_listing *l, anc_parsed *p, anc_dataset *out,
                        anc_diagnostics *diagnostics, anc_err *err)
{
    int64_t *image = calloc((size_t)p->n_images + 1, sizeof *image);
    int64_t *category = calloc((size_t)p->n_categories + 1, sizeof *category);
    anc_builder *b = anc_builder_new();
    anc_status status = ANC_OK;
    if (!image || !category || !b)
        status = anc_fail(err, ANC_EMEMORY, "no memory for %" PRId64 " images", p->n_images);
    if (!status && !l->n_categories && o->names) status = read_names(o->names, l, p, err);
    if (!status) status = number_images(p, b, image, err);
    if (!status)
        status =
            l->n_categories ? known_categories(l, p, b, category, err) : met_categories(p, b, category, err);
    if (!status) status = put_boxes(p, b, image, category, err);
    *diagnostics = l->diagnostics;
    anc_diagnostics_add(diagnostics, &p->diagnostics);
    if (!status) anc_builder_unseen(b, p->annotations - p->n_boxes, diagnostics->of[ANC_DIAG_EMPTY_BOX].n);
    if (!status) anc_builder_diagnostics(b, diagnostics);
    anc_parsed_clear(p); /* its rows are copied: make room */
    if (!status) status = anc_builder_finish(b, out, err);
    anc_builder_free(b);
    free(image);
    free(category);
    return status;
}
