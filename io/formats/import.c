/* io/formats/import.c: see import.h */
#include "io/formats/import.h"
#include "io/file/files.h"
#include "io/formats/batch_bytes.h"
#include "io/formats/finalize.h"
#include "io/formats/name_list.h"
#include "io/formats/size_table.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { FILES_PER_RUN = 128 };
typedef enum { STAGE_FILES, STAGE_SIZES, STAGE_DONE } stage;

struct anc_import {
    const anc_reader_options *o;
    const anc_reader *reader;
    const char *path;
    anc_listing listing;
    stage stage;
    anc_parsed all;
    int32_t *unsized; /* rows of all.image whose size is looked for in STAGE_SIZES */
    int64_t n_unsized, n_taken;
};

/* ---- stages and runs, on rank 0 ---- */

static int64_t things(const anc_import *i)
{
    return i->stage == STAGE_FILES ? i->listing.n_files : i->stage == STAGE_SIZES ? i->n_unsized : 0;
}

int64_t anc_import_files(const anc_import *i) { return things(i); }
int64_t anc_import_batches(const anc_import *i) { return (things(i) + FILES_PER_RUN - 1) / FILES_PER_RUN; }

bool anc_import_done(const anc_import *i) { return i->stage == STAGE_DONE; }
const char *anc_import_path(const anc_import *i) { return i->path; }

static const char *pictures(const anc_import *i)
{
    return i->o->images ? i->o->images : i->listing.images ? i->listing.images : "";
}

anc_status anc_import_pack(const anc_import *i, int64_t run, void **bytes, size_t *n, anc_err *err)
{
    int64_t first = run * FILES_PER_RUN,
            end = first + FILES_PER_RUN < things(i) ? first + FILES_PER_RUN : things(i);
    anc_batch_writer w = { 0 };
    anc_batch_put_string(&w, i->stage == STAGE_FILES ? "files" : "sizes");
    anc_batch_put_string(&w, i->reader->name);
    anc_batch_put_string(&w, i->path);
    anc_batch_put_string(&w,
                         i->stage == STAGE_FILES ? i->listing.folder ? i->listing.folder : "" : pictures(i));
    for (int64_t k = first; k < end; k++) {
        if (i->stage == STAGE_FILES) {
            anc_batch_put_string(&w, i->listing.file[k].path);
            anc_batch_put_string(&w, i->listing.file[k].key);
            anc_batch_put_string(&w, i->listing.file[k].image);
        } else {
            const anc_parsed_image_row *row = &i->all.image[i->unsized[k]];
            anc_batch_put_string(&w, i->all.text + row->key);
            anc_batch_put_string(&w, i->all.text + row->name);
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

/* ---- taking results, on rank 0 ---- */

static anc_status take_sizes(anc_import *i, const void *bytes, size_t n, anc_err *err)
{
    int64_t k = (int64_t)(n / (2 * sizeof(int32_t)));
    if (k > i->n_unsized - i->n_taken) return anc_fail(err, ANC_EDATA, "more sizes than images");
    for (int64_t j = 0; j < k; j++) {
        int32_t size[2];
        memcpy(size, (const char *)bytes + (size_t)j * sizeof size, sizeof size);
        anc_parsed_image_row *row = &i->all.image[i->unsized[i->n_taken++]];
        row->height = size[0];
        row->width = size[1];
    }
    return ANC_OK;
}

anc_status anc_import_take(anc_import *i, const void *bytes, size_t n, anc_err *err)
{
    if (i->stage == STAGE_SIZES) return take_sizes(i, bytes, n, err);
    anc_parsed part = { 0 };
    if (anc_parsed_unpack(bytes, n, &part, err)) return err->code;
    anc_parsed_append(&i->all, &part, err);
    anc_parsed_clear(&part);
    return err->code;
}

anc_status anc_import_stream(anc_import *i, int fd, const void *head, size_t n_head, anc_err *err)
{
    void *result;
    size_t n;
    if (anc_import_stream_batch(i->o, i->reader, i->path, fd, head, n_head, &result, &n, err))
        return err->code;
    anc_import_take(i, result, n, err);
    free(result);
    return err->code ? err->code : anc_import_advance(i, err);
}

/* --list: of a folder's files those that are named, before they are read. A single file is read whole and
 * then thinned. */
static anc_status choose_files(anc_import *i, anc_err *err)
{
    anc_name_list *list;
    int64_t kept = 0;
    if (anc_name_list_open(i->o->list, &list, err)) return err->code;
    for (int64_t k = 0; k < i->listing.n_files; k++) {
        anc_file f = i->listing.file[k];
        if (anc_name_list_has(list, f.key)) {
            i->listing.file[kept++] = f;
        } else {
            free(f.path);
            free(f.key);
            free(f.image);
        }
    }
    i->listing.n_files = kept;
    anc_name_list_all_used(list, err);
    anc_name_list_close(list);
    return err->code;
}

/* The same for the images of one file, with their boxes. */
static anc_status choose_images(anc_import *i, anc_err *err)
{
    anc_parsed *p = &i->all;
    anc_name_list *list;
    int64_t images = 0, boxes = 0;
    int32_t *new_row = malloc(((size_t)p->n_images + 1) * sizeof *new_row);
    if (!new_row) return anc_fail(err, ANC_EMEMORY, "no memory for %" PRId64 " images", p->n_images);
    if (anc_name_list_open(i->o->list, &list, err)) {
        free(new_row);
        return err->code;
    }
    for (int64_t k = 0; k < p->n_images; k++) {
        bool wanted = anc_name_list_has(list, p->text + p->image[k].key);
        new_row[k] = wanted ? (int32_t)images : -1;
        if (wanted) p->image[images++] = p->image[k];
    }
    for (int64_t k = 0; k < p->n_boxes; k++) {
        anc_parsed_box_row r = p->box[k];
        if (new_row[r.image] < 0) continue;
        r.image = new_row[r.image];
        p->box[boxes++] = r;
    }
    p->annotations -= p->n_boxes - boxes;
    p->n_images = images;
    p->n_boxes = boxes;
    anc_name_list_all_used(list, err);
    anc_name_list_close(list);
    free(new_row);
    return err->code;
}

static anc_status list_unsized(anc_import *i, anc_err *err)
{
    anc_size_table *table = NULL;
    i->unsized = malloc(((size_t)i->all.n_images + 1) * sizeof *i->unsized);
    if (!i->unsized) return anc_fail(err, ANC_EMEMORY, "no memory for %" PRId64 " images", i->all.n_images);
    if (i->o->sizes && anc_size_table_open(i->o->sizes, &table, err)) return err->code;
    for (int64_t k = 0; k < i->all.n_images; k++) {
        anc_parsed_image_row *row = &i->all.image[k];
        if (row->height) continue;
        if (table && anc_size_table_find(table, i->all.text + row->name, i->all.text + row->key, &row->height,
                                         &row->width))
            continue;
        i->unsized[i->n_unsized++] = (int32_t)k;
    }
    anc_size_table_close(table);
    return ANC_OK;
}

anc_status anc_import_advance(anc_import *i, anc_err *err)
{
    if (i->stage == STAGE_SIZES && i->n_taken != i->n_unsized)
        return anc_fail(err, ANC_EDATA, "%" PRId64 " of %" PRId64 " sizes are missing",
                        i->n_unsized - i->n_taken, i->n_unsized);
    bool thin = i->stage == STAGE_FILES && i->o->list && !i->listing.folder;
    if (thin && choose_images(i, err)) return err->code;
    if (i->stage == STAGE_FILES && list_unsized(i, err)) return err->code;
    i->stage++;
    return ANC_OK;
}

anc_status anc_import_finish(anc_import *i, anc_dataset *out, anc_diagnostics *diagnostics, anc_err *err)
{
    return anc_finalize(i->o, &i->listing, &i->all, out, diagnostics, err);
}

anc_status anc_import_open(const anc_reader_options *o, const anc_reader *reader, const char *path,
                           anc_import **out, anc_err *err)
{
    anc_import *i = *out = calloc(1, sizeof *i);
    if (!i) return anc_fail(err, ANC_EMEMORY, "%s: no memory", path);
    i->o = o;
    i->reader = reader;
    i->path = path;
    if (reader->list)
        reader->list(o, path, &i->listing, err);
    else if (anc_is_folder(path))
        anc_fail(err, ANC_EDATA, "%s: a folder, but %s is one file: name the file", path, reader->name);
    else
        anc_listing_add(&i->listing, path, path, "", err);
    if (!err->code && o->list && i->listing.folder) choose_files(i, err);
    if (!err->code) return ANC_OK;
    anc_import_close(i);
    *out = NULL;
    return err->code;
}

void anc_import_close(anc_import *i)
{
    if (!i) return;
    anc_listing_clear(&i->listing);
    anc_parsed_clear(&i->all);
    free(i->unsized);
    free(i);
}
