/* io/store/proposals_write.c: the writing half of proposals.h
 *
 * Rows are packed into chunks as they come; ids and offsets, which are few, are kept until the end.
 */
#include "io/hdf5/h5.h"
#include "io/store/proposals.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { XYXY, SCORE, LEVEL, COLUMNS };

static const anc_h5_spec specs[COLUMNS] = {
    [XYXY] = { "/proposals/xyxy",
               ANC_H5_F32,
               2,
               { 0, 4 },
               0,
               4,
               2,
               "original pixels",
               "x1, y1, x2, y2; x2 and y2 are exclusive" },
    [SCORE] = { "/proposals/score",
                ANC_H5_F32,
                1,
                { 0 },
                0,
                4,
                2,
                NULL,
                "objectness: the higher the better; an image's proposals descend by it" },
    [LEVEL] = { "/proposals/level", ANC_H5_I32, 1, { 0 }, 0, 4, 0, NULL, "feature level, from 0" },
};

/* A dataset and the rows that fill no chunk yet. */
typedef struct {
    anc_h5_spec spec;
    anc_h5_data data;
    int64_t chunk;       /* rows */
    size_t row;          /* bytes */
    unsigned char *rows; /* [chunk] */
    int64_t n_held;
} column;

struct anc_proposals_out {
    char *path;
    anc_h5_file file;
    column column[COLUMNS];
    int64_t n_images, n;        /* wanted */
    int64_t images, done;       /* so far: images, and proposals */
    int64_t *image_id, *offset; /* [n_images], [n_images + 1] */
};

static void clear(anc_proposals_out *o)
{
    for (int c = 0; c < COLUMNS; c++) free(o->column[c].rows);
    free(o->image_id);
    free(o->offset);
    free(o->path);
    free(o);
}

/* Before their file, which keeps what fails now. */
static void close_columns(anc_proposals_out *o)
{
    for (int c = 0; c < COLUMNS; c++) anc_h5_data_close(&o->column[c].data);
}

void anc_proposals_abandon(anc_proposals_out *o)
{
    if (!o) return;
    close_columns(o);
    anc_h5_abandon(&o->file);
    clear(o);
}

static anc_status define(anc_proposals_out *o, anc_err *err)
{
    for (int c = 0; c < COLUMNS; c++) {
        column *k = &o->column[c];
        k->spec = specs[c];
        k->spec.dims[0] = o->n;
        k->chunk = anc_h5_chunk_rows(&k->spec);
        k->row = anc_h5_type_bytes(k->spec.type) * (c == XYXY ? 4 : 1);
        k->rows = malloc((size_t)k->chunk * k->row);
        if (!k->rows) return anc_fail(err, ANC_EMEMORY, "no memory to write %" PRId64 " proposals", o->n);
        if (anc_h5_define(&o->file, &k->spec, H5P_DEFAULT, &k->data, err)) return err->code;
    }
    return ANC_OK;
}

anc_status anc_proposals_create(const char *path, const char *tag, int64_t n_images, int64_t n,
                                const char *config, anc_proposals_out **out, anc_err *err)
{
    anc_proposals_out *o = calloc(1, sizeof *o);
    *out = NULL;
    if (o) o->path = strdup(path);
    if (o) o->image_id = malloc(((size_t)n_images + 1) * sizeof *o->image_id);
    if (o) o->offset = calloc((size_t)n_images + 1, sizeof *o->offset);
    if (!o || !o->path || !o->image_id || !o->offset) {
        if (o) clear(o);
        return anc_fail(err, ANC_EMEMORY, "%s: no memory for %" PRId64 " images", path, n_images);
    }
    o->n_images = n_images;
    o->n = n;
    if (anc_h5_create_part_as(path, tag, &o->file, err)) {
        clear(o);
        return err->code;
    }
    if (anc_h5_stamp(&o->file, ANC_PROPOSALS_FORMAT, ANC_PROPOSALS_VERSION, config, err) || define(o, err)) {
        anc_proposals_abandon(o);
        return err->code;
    }
    *out = o;
    return ANC_OK;
}

/* Proposal k of the set as a row of column c. */
static void put(const anc_proposal_set *s, int64_t k, int c, unsigned char *to)
{
    float narrow[4];
    if (c == LEVEL) {
        memcpy(to, &s->level[k], sizeof *s->level);
    } else if (c == SCORE) {
        narrow[0] = (float)s->score[k];
        memcpy(to, narrow, sizeof narrow[0]);
    } else {
        for (int e = 0; e < 4; e++) narrow[e] = (float)s->xyxy[k][e];
        memcpy(to, narrow, sizeof narrow);
    }
}

static anc_status append_rows(anc_proposals_out *o, const anc_proposal_set *s, int c, anc_err *err)
{
    column *k = &o->column[c];
    int64_t at = o->done - k->n_held; /* where the held rows belong */
    for (int64_t i = 0; i < s->n; i++) {
        put(s, i, c, k->rows + (size_t)k->n_held++ * k->row);
        if (k->n_held < k->chunk && at + k->n_held < o->n) continue;
        if (anc_h5_data_pack(&k->data, &k->spec, at, k->n_held, k->rows, err)) return err->code;
        at += k->n_held;
        k->n_held = 0;
    }
    return ANC_OK;
}

anc_status anc_proposals_append(anc_proposals_out *o, const anc_proposal_set *s, anc_err *err)
{
    if (anc_proposal_set_check_table(s, err) || anc_proposal_set_check_rows(s, err))
        return anc_within(err, "%s", o->path);
    if (o->images + s->n_images > o->n_images || o->done + s->n > o->n)
        return anc_fail(err, ANC_EDATA, "%s: more images or proposals than were announced", o->path);
    if (o->images && s->n_images && s->image_id[0] <= o->image_id[o->images - 1])
        return anc_fail(err, ANC_EDATA, "%s: image ids do not ascend: %" PRId64 " follows %" PRId64, o->path,
                        s->image_id[0], o->image_id[o->images - 1]);
    for (int c = 0; c < COLUMNS; c++)
        if (append_rows(o, s, c, err)) return anc_within(err, "%s", o->path);
    for (int64_t i = 0; i < s->n_images; i++) {
        o->image_id[o->images + i] = s->image_id[i];
        o->offset[o->images + i + 1] = o->done + s->offset[i + 1];
    }
    o->images += s->n_images;
    o->done += s->n;
    return ANC_OK;
}

anc_status anc_proposals_commit(anc_proposals_out *o, anc_err *err)
{
    const anc_h5_spec id = { "/images/id",          ANC_H5_I64, 1, { o->n_images }, 0, 4, 0, NULL,
                             "image ids, ascending" };
    const anc_h5_spec offset = { "/proposals/offset",
                                 ANC_H5_I64,
                                 1,
                                 { o->n_images + 1 },
                                 0,
                                 4,
                                 0,
                                 "proposals",
                                 "image i has rows offset[i] to offset[i + 1], the latter not included" };
    if (o->images != o->n_images || o->done != o->n)
        anc_fail(err, ANC_EDATA,
                 "%s: %" PRId64 " of %" PRId64 " images and %" PRId64 " of %" PRId64 " proposals came",
                 o->path, o->images, o->n_images, o->done, o->n);
    else if (!anc_h5_write(&o->file, &id, o->image_id, err))
        anc_h5_write(&o->file, &offset, o->offset, err);
    if (err->code) {
        anc_proposals_abandon(o);
        return err->code;
    }
    close_columns(o);
    anc_h5_commit(&o->file, err);
    clear(o);
    return err->code;
}

anc_status anc_proposals_write(const char *path, const anc_proposal_set *s, const char *config, anc_err *err)
{
    anc_proposals_out *o;
    if (anc_proposals_create(path, NULL, s->n_images, s->n, config, &o, err)) return err->code;
    if (!anc_proposals_append(o, s, err)) return anc_proposals_commit(o, err);
    anc_proposals_abandon(o);
    return err->code;
}
