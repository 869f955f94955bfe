/* io/store/proposals.c: see proposals.h */
#include "io/store/proposals.h"
#include "io/hdf5/h5.h"
#include "io/store/results.h"
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

struct anc_proposals {
    char *path;
    anc_h5_file file; /* closed for results */
    char *config;     /* NULL for results */
    anc_h5_data xyxy, score, level;
    anc_proposal_set set; /* results: everything; otherwise ids and offsets alone */
};

static anc_status open_file(anc_proposals *p, anc_err *err)
{
    int64_t n = 0, n_offsets = 0;
    anc_proposal_set *s = &p->set;
    if (anc_h5_open(p->path, ANC_PROPOSALS_FORMAT, ANC_PROPOSALS_VERSION, &p->file, err)) return err->code;
    if (anc_h5_read(&p->file, "/images/id", ANC_H5_I64, 1, (int64_t[]){ -1 }, (void **)&s->image_id, &n,
                    err) ||
        anc_h5_read(&p->file, "/proposals/offset", ANC_H5_I64, 1, (int64_t[]){ n + 1 }, (void **)&s->offset,
                    &n_offsets, err) ||
        anc_h5_data_open(&p->file, "/proposals/xyxy", ANC_H5_F32, 2, (int64_t[]){ -1, 4 }, &p->xyxy, err))
        return err->code;
    if (anc_h5_get_string(&p->file, "/", "config", &p->config, err)) return err->code;
    s->n_images = n;
    s->n = p->xyxy.dims[0];
    if (anc_h5_data_open(&p->file, "/proposals/score", ANC_H5_F32, 1, (int64_t[]){ s->n }, &p->score, err) ||
        anc_h5_data_open(&p->file, "/proposals/level", ANC_H5_I32, 1, (int64_t[]){ s->n }, &p->level, err))
        return err->code;
    return anc_proposal_set_check_table(s, err);
}

anc_status anc_proposals_open(const char *path, anc_proposals **out, anc_err *err)
{
    anc_proposals *p = calloc(1, sizeof *p);
    *out = NULL;
    if (!p || !(p->path = strdup(path))) {
        free(p);
        return anc_fail(err, ANC_EMEMORY, "%s: no memory to open it", path);
    }
    if (anc_h5_look(path) == ANC_H5_SOME ? open_file(p, err) : anc_results_read(path, &p->set, err)) {
        anc_proposals_close(p);
        return anc_within(err, "%s", path);
    }
    *out = p;
    return ANC_OK;
}

void anc_proposals_close(anc_proposals *p)
{
    if (!p) return;
    anc_h5_data_close(&p->xyxy);
    anc_h5_data_close(&p->score);
    anc_h5_data_close(&p->level);
    anc_h5_close(&p->file);
    anc_proposal_set_clear(&p->set);
    free(p->config);
    free(p->path);
    free(p);
}

int64_t anc_proposals_images(const anc_proposals *p) { return p->set.n_images; }
int64_t anc_proposals_count(const anc_proposals *p) { return p->set.n; }
const int64_t *anc_proposals_ids(const anc_proposals *p) { return p->set.image_id; }
const char *anc_proposals_format(const anc_proposals *p) { return p->file.id ? "proposals" : "coco results"; }

const char *anc_proposals_config(const anc_proposals *p) { return p->config; }

/* Rows [first, first + out->n) into the set's columns. */
static anc_status read_rows(const anc_proposals *p, int64_t first, anc_proposal_set *out, anc_err *err)
{
    const size_t n = (size_t)out->n;
    if (!p->file.id) {
        memcpy(out->xyxy, p->set.xyxy + first, n * sizeof *out->xyxy);
        memcpy(out->score, p->set.score + first, n * sizeof *out->score);
        return ANC_OK;
    }
    float *narrow = malloc((n + 1) * 4 * sizeof *narrow);
    out->level = malloc((n + 1) * sizeof *out->level);
    if (!narrow || !out->level) {
        free(narrow);
        return anc_fail(err, ANC_EMEMORY, "no memory for %" PRId64 " proposals", out->n);
    }
    anc_status status = anc_h5_data_read(&p->xyxy, first, out->n, narrow, err);
    for (size_t i = 0; !status && i < 4 * n; i++) out->xyxy[i / 4][i % 4] = narrow[i];
    if (!status) status = anc_h5_data_read(&p->score, first, out->n, narrow, err);
    for (size_t i = 0; !status && i < n; i++) out->score[i] = narrow[i];
    if (!status) status = anc_h5_data_read(&p->level, first, out->n, out->level, err);
    free(narrow);
    return status;
}

anc_status anc_proposals_read(const anc_proposals *p, int64_t first, int64_t n, anc_proposal_set *out,
                              anc_err *err)
{
    int64_t from = p->set.offset[first];
    *out = (anc_proposal_set){ .n_images = n, .n = p->set.offset[first + n] - from };
    out->image_id = malloc(((size_t)n + 1) * sizeof *out->image_id);
    out->offset = malloc(((size_t)n + 1) * sizeof *out->offset);
    out->xyxy = malloc(((size_t)out->n + 1) * sizeof *out->xyxy);
    out->score = malloc(((size_t)out->n + 1) * sizeof *out->score);
    if (!out->image_id || !out->offset || !out->xyxy || !out->score) {
        anc_fail(err, ANC_EMEMORY, "no memory for %" PRId64 " proposals", out->n);
    } else {
        memcpy(out->image_id, p->set.image_id + first, (size_t)n * sizeof *out->image_id);
        for (int64_t i = 0; i <= n; i++) out->offset[i] = p->set.offset[first + i] - from;
        if (!read_rows(p, from, out, err)) anc_proposal_set_check_rows(out, err);
    }
    if (!err->code) return ANC_OK;
    anc_proposal_set_clear(out);
    return anc_within(err, "%s", p->path);
}
