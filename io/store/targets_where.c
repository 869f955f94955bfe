/* io/store/targets_where.c: see targets_where.h */
#include "io/store/targets_where.h"
#include "io/store/targets.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

enum { DEFLATE = 1, AT_ONCE = 8192 };

#define SHARD_NAMES "/shards/file_name"
#define IMAGE_NAMES "/images/file_name"

/* One int32 for each view. */
static anc_h5_spec of_views(const char *name, int64_t n_views, const char *description)
{
    return (anc_h5_spec){ .name = name,
                          .type = ANC_H5_I32,
                          .rank = 1,
                          .dims = { n_views },
                          .deflate = DEFLATE,
                          .description = description };
}

/* ---- writing ---- */

/* In runs of whole chunks, so that memory does not grow with the views. rows: the view's row in its shard,
 * not the shard. */
static anc_status write_places(anc_h5_file *f, const anc_h5_spec *spec, const int64_t *first, bool rows,
                               anc_err *err)
{
    int64_t n = spec->dims[0], run = anc_h5_chunk_rows(spec), shard = 0;
    if (!n) return anc_h5_write(f, spec, NULL, err);
    int32_t *block = malloc((size_t)run * sizeof *block);
    if (!block) return anc_fail(err, ANC_EMEMORY, "%s: no memory for %s", f->part, spec->name);
    anc_h5_data d;
    anc_status status = anc_h5_define(f, spec, H5P_DEFAULT, &d, err);
    for (int64_t v = 0; !status && v < n;) {
        int64_t k = 0;
        for (; k < run && v + k < n; k++) {
            while (v + k >= first[shard + 1]) shard++;
            block[k] = (int32_t)(rows ? v + k - first[shard] : shard);
        }
        status = anc_h5_data_pack(&d, spec, v, k, block, err);
        v += k;
    }
    anc_h5_data_close(&d);
    free(block);
    return status ? anc_within(err, "%s", f->part) : ANC_OK;
}

static anc_status write_shard_names(anc_h5_file *f, int64_t n_shards, anc_err *err)
{
    typedef char shard_name[64];
    shard_name *name = malloc(((size_t)n_shards + 1) * sizeof *name);
    const char **text = malloc(((size_t)n_shards + 1) * sizeof *text);
    anc_status status = ANC_OK;
    if (!name || !text)
        status = anc_fail(err, ANC_EMEMORY, "%s: no memory for the names of %" PRId64 " shards", f->part,
                          n_shards);
    for (int64_t s = 0; !status && s < n_shards; s++) {
        anc_targets_shard_name(name[s], s, n_shards);
        text[s] = name[s];
    }
    if (!status)
        status = anc_h5_write_strings(f, SHARD_NAMES, n_shards, text,
                                      "the shards' files, in the index's folder, UTF-8, NUL-padded", err);
    free(text);
    free(name);
    return status;
}

anc_status anc_where_write_shards(anc_h5_file *f, int64_t n_shards, const int64_t *first, anc_err *err)
{
    const anc_h5_spec shard =
        of_views("/views/shard", first[n_shards], "the view's shard: index into " SHARD_NAMES);
    const anc_h5_spec row = of_views("/views/row", first[n_shards], "which of its shard's views it is");
    if (write_places(f, &shard, first, false, err) || write_places(f, &row, first, true, err))
        return err->code;
    return write_shard_names(f, n_shards, err);
}

anc_status anc_where_write_images(anc_h5_file *f, const anc_dataset *images, const int32_t *image,
                                  int64_t n_views, anc_err *err)
{
    const anc_h5_spec id_spec = { .name = "/images/id",
                                  .type = ANC_H5_I64,
                                  .rank = 1,
                                  .dims = { images->n_images },
                                  .deflate = DEFLATE,
                                  .description = "image ids, ascending" };
    const anc_h5_spec of_view =
        of_views("/views/image", n_views, "the view's image: index into /images; its id is /images/id there");
    int64_t *id = malloc(((size_t)images->n_images + 1) * sizeof *id);
    if (!id)
        return anc_fail(err, ANC_EMEMORY, "%s: no memory for the ids of %" PRId64 " images", f->part,
                        images->n_images);
    for (int64_t i = 0; i < images->n_images; i++) id[i] = images->image[i].id;
    anc_status status = anc_h5_write(f, &id_spec, id, err);
    free(id);
    if (!status)
        status =
            anc_h5_write_strings(f, IMAGE_NAMES, images->n_images, (const char *const *)images->file_name,
                                 "file names of the images, UTF-8, NUL-padded, empty: unknown", err);
    return status ? status : anc_h5_write(f, &of_view, image, err);
}

anc_status anc_where_find(const anc_dataset *images, const int64_t *id, int64_t n, int32_t *image,
                          anc_err *err)
{
    int64_t next = 0; /* where the last one's neighbour is */
    for (int64_t v = 0; v < n; v++, next++) {
        if (next >= images->n_images || images->image[next].id != id[v]) {
            int64_t high = images->n_images;
            next = 0;
            while (next < high) {
                int64_t mid = next + (high - next) / 2;
                if (images->image[mid].id < id[v])
                    next = mid + 1;
                else
                    high = mid;
            }
        }
        if (next == images->n_images || images->image[next].id != id[v])
            return anc_fail(err, ANC_EDATA,
                            "view %" PRId64 " is of image %" PRId64
                            ", which the annotations do not have; remove the shard and run again",
                            v, id[v]);
        image[v] = (int32_t)next;
    }
    return ANC_OK;
}

/* ---- reading ---- */

#define AGAIN "remove it and run the same label command again"

static anc_status check_places(const anc_h5_file *f, int64_t n_shards, const int64_t *first, anc_err *err)
{
    static const char *const name[] = { "/views/shard", "/views/row" };
    for (int rows = 0; rows < 2; rows++) {
        int32_t block[AT_ONCE];
        int64_t n = first[n_shards], shard = 0;
        anc_h5_data d = { 0 };
        if (anc_h5_data_open(f, name[rows], ANC_H5_I32, 1, &n, &d, err)) return err->code;
        for (int64_t v = 0; !err->code && v < n; v += AT_ONCE) {
            int64_t some = n - v < AT_ONCE ? n - v : AT_ONCE;
            if (anc_h5_data_read(&d, v, some, block, err)) break;
            for (int64_t k = 0; !err->code && k < some; k++) {
                while (v + k >= first[shard + 1]) shard++;
                int64_t wanted = rows ? v + k - first[shard] : shard;
                if (block[k] != wanted)
                    anc_fail(err, ANC_EDATA, "%s: view %" PRId64 " is in %" PRId64 ", not in %d; " AGAIN,
                             name[rows], v + k, wanted, block[k]);
            }
        }
        anc_h5_data_close(&d);
        if (err->code) return err->code;
    }
    return ANC_OK;
}

static anc_status check_shard_names(const anc_h5_file *f, int64_t n_shards, anc_err *err)
{
    char **text;
    int64_t n;
    if (anc_h5_read_strings(f, SHARD_NAMES, n_shards, &text, &n, err)) return err->code;
    for (int64_t s = 0; s < n; s++) {
        char wanted[64];
        anc_targets_shard_name(wanted, s, n_shards);
        if (!err->code && strcmp(wanted, text[s]))
            anc_fail(err, ANC_EDATA, SHARD_NAMES ": shard %" PRId64 " is %s, not %.64s; " AGAIN, s, wanted,
                     text[s]);
        free(text[s]);
    }
    free(text);
    return err->code;
}

static anc_status open_images(const anc_h5_file *f, int64_t n_views, anc_where *w, anc_err *err)
{
    void *id;
    if (anc_h5_read(f, "/images/id", ANC_H5_I64, 1, (int64_t[]){ -1 }, &id, &w->n_images, err))
        return err->code;
    w->id = id;
    for (int64_t i = 1; i < w->n_images; i++)
        if (w->id[i] <= w->id[i - 1])
            return anc_fail(err, ANC_EDATA, "/images/id: %" PRId64 " follows %" PRId64 "; " AGAIN, w->id[i],
                            w->id[i - 1]);
    return anc_h5_data_open(f, "/views/image", ANC_H5_I32, 1, &n_views, &w->image, err);
}

anc_status anc_where_open(const anc_h5_file *f, int64_t n_shards, const int64_t *first, anc_where *w,
                          anc_err *err)
{
    *w = (anc_where){ .shards = anc_h5_exists(f, "/views/shard"), .images = anc_h5_exists(f, "/images") };
    err->code = ANC_OK;
    if (w->shards && (check_places(f, n_shards, first, err) || check_shard_names(f, n_shards, err)))
        return err->code;
    return w->images ? open_images(f, first[n_shards], w, err) : ANC_OK;
}

void anc_where_forget(anc_where *w)
{
    free(w->id);
    w->id = NULL;
}

void anc_where_close(anc_where *w)
{
    anc_where_forget(w);
    anc_h5_data_close(&w->image);
    *w = (anc_where){ 0 };
}

anc_status anc_where_check(const anc_where *w, int64_t first, const int64_t *id, int64_t n, anc_err *err)
{
    int32_t image[AT_ONCE];
    for (int64_t v = 0; w->images && v < n; v += AT_ONCE) {
        int64_t some = n - v < AT_ONCE ? n - v : AT_ONCE;
        if (anc_h5_data_read(&w->image, first + v, some, image, err)) return err->code;
        for (int64_t k = 0; k < some; k++) {
            bool there = image[k] >= 0 && image[k] < w->n_images;
            if (there && w->id[image[k]] == id[v + k]) continue;
            return anc_fail(err, ANC_EDATA,
                            "/views/image: view %" PRId64 " is of image %" PRId64
                            ", not of row %d of /images; " AGAIN,
                            first + v + k, id[v + k], image[k]);
        }
    }
    return ANC_OK;
}
