/* io/intake.c: see intake.h */
#include "io/intake.h"
#include "io/builder.h"
#include "io/files.h"
#include "io/image_size.h"
#include "io/size_table.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FILES_PER_RUN = 128 };
typedef enum { STAGE_FILES, STAGE_SIZES, STAGE_DONE } stage;

struct anc_intake {
    const anc_reader_options *o;
    const anc_reader *reader;
    const char *path;
    anc_listing listing;
    stage stage;
    anc_part all;
    int32_t *unsized; /* rows of all.image whose size is looked for in STAGE_SIZES */
    int64_t n_unsized, n_taken;
};

/* ---- a run as bytes: header and NUL-terminated strings ---- */

typedef struct {
    char *bytes;
    size_t n, room;
    bool failed;
} writer;

static void put(writer *w, const void *bytes, size_t n)
{
    if (w->failed) return;
    if (w->n + n > w->room) {
        size_t room = 2 * (w->n + n) + 1024;
        char *grown = realloc(w->bytes, room);
        if (!grown) {
            w->failed = true;
            return;
        }
        w->bytes = grown;
        w->room = room;
    }
    memcpy(w->bytes + w->n, bytes, n);
    w->n += n;
}

static void put_string(writer *w, const char *text) { put(w, text, strlen(text) + 1); }

typedef struct {
    const char *at, *end;
} cursor;

/* The next string; "" when the bytes end too early, which they do not. */
static const char *get_string(cursor *c)
{
    const char *text = c->at, *end = text < c->end ? memchr(text, 0, (size_t)(c->end - text)) : NULL;
    if (!end) return "";
    c->at = end + 1;
    return text;
}

/* ---- stages and runs, on rank 0 ---- */

static int64_t things(const anc_intake *i)
{
    return i->stage == STAGE_FILES ? i->listing.n_files : i->stage == STAGE_SIZES ? i->n_unsized : 0;
}

int64_t anc_intake_files(const anc_intake *i) { return things(i); }
int64_t anc_intake_runs(const anc_intake *i) { return (things(i) + FILES_PER_RUN - 1) / FILES_PER_RUN; }

bool anc_intake_done(const anc_intake *i) { return i->stage == STAGE_DONE; }
const char *anc_intake_path(const anc_intake *i) { return i->path; }

static const char *pictures(const anc_intake *i)
{
    return i->o->images ? i->o->images : i->listing.images ? i->listing.images : "";
}

anc_status anc_intake_pack(const anc_intake *i, int64_t run, void **bytes, size_t *n, anc_err *err)
{
    int64_t first = run * FILES_PER_RUN,
            end = first + FILES_PER_RUN < things(i) ? first + FILES_PER_RUN : things(i);
    writer w = { 0 };
    put_string(&w, i->stage == STAGE_FILES ? "files" : "sizes");
    put_string(&w, i->reader->name);
    put_string(&w, i->path);
    put_string(&w, i->stage == STAGE_FILES ? i->listing.folder ? i->listing.folder : "" : pictures(i));
    for (int64_t k = first; k < end; k++) {
        if (i->stage == STAGE_FILES) {
            put_string(&w, i->listing.file[k].path);
            put_string(&w, i->listing.file[k].key);
            put_string(&w, i->listing.file[k].image);
        } else {
            const anc_part_image_row *row = &i->all.image[i->unsized[k]];
            put_string(&w, i->all.text + row->key);
            put_string(&w, i->all.text + row->name);
        }
    }
    if (w.failed) {
        free(w.bytes);
        return anc_fail(err, ANC_EMEMORY, "no memory for the names of %d files", FILES_PER_RUN);
    }
    *bytes = w.bytes;
    *n = w.n;
    return ANC_OK;
}

/* ---- doing a run, on any rank ---- */

static anc_status read_file(const anc_reader *r, const anc_reader_options *o, void *state, const char *folder,
                            const anc_file *file, anc_part *part, anc_err *err)
{
    char *path = anc_path_join(folder, file->path);
    if (!path) return anc_fail(err, ANC_EMEMORY, "no memory for a file name");
    anc_stream in = { 0 };
    int fd = -1;
    if (file->path[0]) {
        fd = anc_open_file(path, err);
        if (fd >= 0) anc_stream_fd(&in, fd, path);
        in.asked = o->asked;
        in.context = o->context;
    } else {
        anc_stream_memory(&in, "", 0, file->image);
    }
    part->file = in.name;
    part->line = 0;
    if (fd >= 0 || !file->path[0]) {
        part->file = in.name;
        r->read(o, state, file, &in, part, err);
        anc_stream_end(&in);
    }
    if (fd >= 0) close(fd);
    part->file = NULL;
    free(path);
    return err->code;
}

static anc_status read_files(const anc_reader *r, const anc_reader_options *o, const char *folder, cursor *c, void **result,
                             size_t *n_result, anc_err *err)
{
    void *state = NULL;
    anc_part part = { 0 };
    anc_status status = r->start ? r->start(o, &state, err) : ANC_OK;
    while (!status && c->at < c->end) {
        const char *path = get_string(c), *key = get_string(c), *image = get_string(c);
        const anc_file file = { (char *)(uintptr_t)path, (char *)(uintptr_t)key, (char *)(uintptr_t)image };
        status = read_file(r, o, state, folder, &file, &part, err);
    }
    if (!status) status = anc_part_pack(&part, result, n_result, err);
    if (r->end) r->end(state);
    anc_part_clear(&part);
    return status;
}

/* Where the picture may be: by its name, by its bare name, by the key and a usual ending. NULL: in none of
 * these places. */
static char *find_picture(const char *folder, const char *key, const char *name)
{
    static const char *const ending[] = { "",      ".jpg", ".jpeg", ".png", ".JPG",
                                          ".JPEG", ".PNG", ".webp", ".bmp" };
    char candidate[2 * ANC_MAX_NAME_BYTES + 16];
    const char *slash = strrchr(name, '/');
    const char *base[] = { name, slash ? slash + 1 : "", key,
                           strrchr(key, '/') ? strrchr(key, '/') + 1 : "" };
    for (int b = 0; b < 4; b++)
        for (size_t e = 0; base[b][0] && anc_path_stays(base[b]) && e < sizeof ending / sizeof *ending; e++) {
            snprintf(candidate, sizeof candidate, "%s%s", base[b], ending[e]);
            char *path = anc_path_join(folder, candidate);
            if (!path || anc_is_file(path)) return path;
            free(path);
        }
    return NULL;
}

static anc_status find_size(const char *folder, const char *key, const char *name, int32_t *size,
                            anc_err *err)
{
    const char *shown = name[0] ? name : key;
    if (!folder[0])
        return anc_fail(err, ANC_EDATA,
                        "%s: the annotations do not say how large this image is: give the folder of the "
                        "pictures with --images DIR, or a table with --sizes FILE",
                        shown);
    char *path = find_picture(folder, key, name);
    if (!path)
        return anc_fail(err, ANC_EDATA,
                        "%s: the annotations do not say how large this image is, and no such picture is in "
                        "%s: give their folder with --images DIR, or a table with --sizes FILE",
                        shown, folder);
    anc_image_size_of(path, &size[0], &size[1], err);
    free(path);
    return err->code;
}

static anc_status read_sizes(const anc_reader_options *o, const char *source, const char *folder, cursor *c,
                             void **result, size_t *n_result, anc_err *err)
{
    writer w = { 0 };
    while (c->at < c->end) {
        if (o->asked && o->asked(o->context)) {
            anc_fail(err, ANC_ESTOPPED, "stopped while looking for sizes in %s", folder);
            break;
        }
        const char *key = get_string(c), *name = get_string(c);
        int32_t size[2] = { 0, 0 };
        if (find_size(folder, key, name, size, err)) {
            anc_within(err, "%s", source);
            break;
        }
        put(&w, size, sizeof size);
    }
    if (!err->code && w.failed) anc_fail(err, ANC_EMEMORY, "no memory for the sizes of images");
    if (err->code) {
        free(w.bytes);
        return err->code;
    }
    *result = w.bytes;
    *n_result = w.n;
    return ANC_OK;
}

anc_status anc_run_do(const anc_reader_options *o, const void *bytes, size_t n, void **result, size_t *n_result,
                      anc_err *err)
{
    cursor c = { bytes, (const char *)bytes + n };
    const char *what = get_string(&c);
    const anc_reader *r = anc_reader_find(get_string(&c));
    const char *source = get_string(&c), *folder = get_string(&c);
    *result = NULL;
    *n_result = 0;
    if (!strcmp(what, "sizes")) return read_sizes(o, source, folder, &c, result, n_result, err);
    if (!r || !r->read) return anc_fail(err, ANC_EDATA, "a run of files of an unknown format");
    return read_files(r, o, folder, &c, result, n_result, err);
}

/* ---- taking results, on rank 0 ---- */

static anc_status take_sizes(anc_intake *i, const void *bytes, size_t n, anc_err *err)
{
    int64_t k = (int64_t)(n / (2 * sizeof(int32_t)));
    if (k > i->n_unsized - i->n_taken) return anc_fail(err, ANC_EDATA, "more sizes than images");
    for (int64_t j = 0; j < k; j++) {
        int32_t size[2];
        memcpy(size, (const char *)bytes + (size_t)j * sizeof size, sizeof size);
        anc_part_image_row *row = &i->all.image[i->unsized[i->n_taken++]];
        row->height = size[0];
        row->width = size[1];
    }
    return ANC_OK;
}

anc_status anc_intake_take(anc_intake *i, const void *bytes, size_t n, anc_err *err)
{
    if (i->stage == STAGE_SIZES) return take_sizes(i, bytes, n, err);
    anc_part part = { 0 };
    if (anc_part_unpack(bytes, n, &part, err)) return err->code;
    anc_part_append(&i->all, &part, err);
    anc_part_clear(&part);
    return err->code;
}

static anc_status list_unsized(anc_intake *i, anc_err *err)
{
    anc_size_table *table = NULL;
    i->unsized = malloc(((size_t)i->all.n_images + 1) * sizeof *i->unsized);
    if (!i->unsized) return anc_fail(err, ANC_EMEMORY, "no memory for %" PRId64 " images", i->all.n_images);
    if (i->o->sizes && anc_size_table_open(i->o->sizes, &table, err)) return err->code;
    for (int64_t k = 0; k < i->all.n_images; k++) {
        anc_part_image_row *row = &i->all.image[k];
        if (row->height) continue;
        if (table && anc_size_table_find(table, i->all.text + row->name, i->all.text + row->key, &row->height,
                                         &row->width))
            continue;
        i->unsized[i->n_unsized++] = (int32_t)k;
    }
    anc_size_table_close(table);
    return ANC_OK;
}

anc_status anc_intake_advance(anc_intake *i, anc_err *err)
{
    if (i->stage == STAGE_SIZES && i->n_taken != i->n_unsized)
        return anc_fail(err, ANC_EDATA, "%" PRId64 " of %" PRId64 " sizes are missing",
                        i->n_unsized - i->n_taken, i->n_unsized);
    if (i->stage == STAGE_FILES && list_unsized(i, err)) return err->code;
    i->stage++;
    return ANC_OK;
}

/* ---- the end: order, ids, categories ---- */

typedef struct {
    const char *key;
    int64_t row;
} keyed;

static int by_key(const void *a, const void *b)
{
    return strcmp(((const keyed *)a)->key, ((const keyed *)b)->key);
}

/* id[row]: the image's number in the order of the keys. */
static anc_status number_images(const anc_part *p, anc_builder *b, int64_t *id, anc_err *err)
{
    int64_t n = p->n_images;
    keyed *order = malloc(((size_t)n + 1) * sizeof *order);
    if (!order) return anc_fail(err, ANC_EMEMORY, "no memory for %" PRId64 " images", n);
    for (int64_t i = 0; i < n; i++) order[i] = (keyed){ p->text + p->image[i].key, i };
    if (n) qsort(order, (size_t)n, sizeof *order, by_key);
    for (int64_t i = 0; i < n && !err->code; i++) {
        const anc_part_image_row *row = &p->image[order[i].row];
        const char *name = p->text + row->name;
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
static anc_status read_names(anc_intake *i, anc_err *err)
{
    anc_stream in;
    char *line;
    size_t n;
    bool numbered = i->all.n_categories && i->all.category[0].numbered;
    int fd = anc_open_file(i->o->names, err);
    if (fd < 0) return err->code;
    anc_stream_fd(&in, fd, i->o->names);
    while (!anc_stream_line(&in, &line, &n, err) && line) {
        while (n && (line[n - 1] == ' ' || line[n - 1] == '\t')) line[--n] = '\0';
        if (n) anc_listing_category(&i->listing, i->listing.n_categories + !numbered, line, line, err);
        if (err->code) break;
    }
    anc_stream_end(&in);
    close(fd);
    if (!err->code && !i->listing.n_categories)
        anc_fail(err, ANC_EDATA, "%s: no names: one name on each line is needed", i->o->names);
    return err->code;
}

static anc_status known_categories(anc_intake *i, anc_builder *b, int64_t *id, anc_err *err)
{
    const anc_listing *l = &i->listing;
    const anc_part *p = &i->all;
    for (int64_t k = 0; k < l->n_categories; k++)
        if (anc_builder_category(b, l->category[k].id, l->category[k].name, strlen(l->category[k].name), err))
            return err->code;
    for (int64_t c = 0; c < p->n_categories; c++) {
        const anc_part_category_row *row = &p->category[c];
        int64_t k = 0;
        while (k < l->n_categories && (row->numbered ? l->category[k].id != row->number
                                                     : strcmp(l->category[k].key, p->text + row->key)))
            k++;
        if (k == l->n_categories && row->numbered)
            return anc_fail(err, ANC_EDATA,
                            "%s: category %" PRId64 " has no name in the list of %" PRId64
                            " names: correct the number or complete the list",
                            p->text + row->place, row->number, l->n_categories);
        if (k == l->n_categories)
            return anc_fail(err, ANC_EDATA,
                            "%s: category '%.100s' is not in the list of %" PRId64
                            " names: correct it or complete the list",
                            p->text + row->place, p->text + row->key, l->n_categories);
        id[c] = l->category[k].id;
    }
    return ANC_OK;
}

static anc_status met_categories(const anc_part *p, anc_builder *b, int64_t *id, anc_err *err)
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

static anc_status put_boxes(const anc_part *p, anc_builder *b, const int64_t *image, const int64_t *category,
                            anc_err *err)
{
    for (int64_t k = 0; k < p->n_boxes; k++) {
        const anc_part_box_row *r = &p->box[k];
        const anc_part_image_row *i = &p->image[r->image];
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

anc_status anc_intake_finish(anc_intake *i, anc_dataset *out, anc_findings *findings, anc_err *err)
{
    const anc_part *p = &i->all;
    int64_t *image = calloc((size_t)p->n_images + 1, sizeof *image);
    int64_t *category = calloc((size_t)p->n_categories + 1, sizeof *category);
    anc_builder *b = anc_builder_new();
    anc_status status = ANC_OK;
    if (!image || !category || !b)
        status = anc_fail(err, ANC_EMEMORY, "no memory for %" PRId64 " images", p->n_images);
    if (!status && !i->listing.n_categories && i->o->names) status = read_names(i, err);
    if (!status) status = number_images(p, b, image, err);
    if (!status)
        status = i->listing.n_categories ? known_categories(i, b, category, err)
                                         : met_categories(p, b, category, err);
    if (!status) status = put_boxes(p, b, image, category, err);
    *findings = i->listing.findings;
    anc_findings_add(findings, &p->findings);
    if (!status) anc_builder_unseen(b, p->annotations - p->n_boxes, findings->of[ANC_FIND_EMPTY_BOX].n);
    if (!status) anc_builder_findings(b, findings);
    anc_part_clear(&i->all); /* its rows are copied: make room */
    if (!status) status = anc_builder_finish(b, out, err);
    anc_builder_free(b);
    free(image);
    free(category);
    return status;
}

anc_status anc_intake_open(const anc_reader_options *o, const anc_reader *reader, const char *path,
                           anc_intake **out, anc_err *err)
{
    anc_intake *i = *out = calloc(1, sizeof *i);
    if (!i) return anc_fail(err, ANC_EMEMORY, "%s: no memory", path);
    i->o = o;
    i->reader = reader;
    i->path = path;
    i->path = path;
    if (reader->list)
        reader->list(o, path, &i->listing, err);
    else if (anc_is_folder(path))
        anc_fail(err, ANC_EDATA, "%s: a folder, but %s is one file: name the file", path, reader->name);
    else
        anc_listing_add(&i->listing, path, path, "", err);
    if (!err->code) return ANC_OK;
    anc_intake_close(i);
    *out = NULL;
    return err->code;
}

void anc_intake_close(anc_intake *i)
{
    if (!i) return;
    anc_listing_clear(&i->listing);
    anc_part_clear(&i->all);
    free(i->unsized);
    free(i);
}
