/* jobs/cli/layout.c: see like.h */
#include "jobs/cli/layout.h"
#include "io/store/feature.h"
#include <stdlib.h>
#include <string.h>

static int by_image(const void *a, const void *b)
{
    int64_t x = ((const anc_layout_row *)a)->image_id, y = ((const anc_layout_row *)b)->image_id;
    return x < y ? -1 : x > y;
}

static anc_status check_levels(const anc_rules *r, const anc_features_info *info, anc_err *err)
{
    if (r->view.flip > 0)
        return anc_fail(err, ANC_EARGUMENT,
                        "%s: the features are of images as they are; --like and a flip exclude each other",
                        info->path);
    if (r->stage == ANC_STAGE_ROI) return ANC_OK; /* RoIs have no levels of their own */
    if (r->anchors.n_levels != info->n_levels)
        return anc_fail(err, ANC_EARGUMENT,
                        "%s: has %d levels, preset %s %d; give [anchors] strides and sizes in --config",
                        info->path, info->n_levels, r->name, r->anchors.n_levels);
    for (int l = 0; l < info->n_levels; l++)
        if (r->anchors.stride[l] != info->stride[l])
            return anc_fail(
                err, ANC_EARGUMENT,
                "%s: level %d has stride %d, the anchors' is %d; set [anchors] strides in --config",
                info->path, l, info->stride[l], r->anchors.stride[l]);
    return ANC_OK;
}

static anc_status take_rows(const anc_features_info *info, anc_layout_row **rows, anc_err *err)
{
    anc_layout_row *to = calloc((size_t)info->n_images + 1, sizeof *to);
    if (!to)
        return anc_fail(err, ANC_EMEMORY, "%s: out of memory for %lld images", info->path,
                        (long long)info->n_images);
    for (int64_t i = 0; i < info->n_images; i++) {
        to[i].image_id = info->id[i];
        memcpy(to[i].size, info->size[i], sizeof to[i].size);
        memcpy(to[i].padded, info->padded[i], sizeof to[i].padded);
        for (int l = 0; l < info->n_levels; l++)
            memcpy(to[i].grid[l], info->grid[l][i], sizeof to[i].grid[l]);
    }
    qsort(to, (size_t)info->n_images, sizeof *to, by_image);
    *rows = to;
    return ANC_OK;
}

anc_status anc_layout_read(const char *path, const anc_rules *rules, anc_layout_row **rows, int64_t *n,
                           anc_err *err)
{
    anc_features *f;
    if (anc_features_open(path, &f, err)) return err->code;
    const anc_features_info *info = anc_features_about(f);
    *n = info->n_images;
    anc_status status = check_levels(rules, info, err);
    if (!status) status = take_rows(info, rows, err);
    anc_features_close(f);
    return status;
}

anc_status anc_layout_share(const anc_team *team, anc_layout_row **rows, int64_t *n, anc_err *err)
{
    anc_team_bcast(team, n, sizeof *n, 0);
    size_t n_bytes = (size_t)*n * sizeof **rows;
    if (team->rank && !(*rows = malloc(n_bytes + 1)))
        anc_fail(err, ANC_EMEMORY, "out of memory for the %lld images of --like", (long long)*n);
    if (anc_team_agree(team, err)) return err->code;
    anc_team_bcast(team, *rows, n_bytes, 0);
    return ANC_OK;
}

/* FNV-1a, 64 bits. */
uint64_t anc_layout_fingerprint(const anc_layout_row *rows, int64_t n)
{
    uint64_t h = 0xcbf29ce484222325u;
    const unsigned char *at = (const unsigned char *)rows;
    for (size_t i = 0; i < (size_t)n * sizeof *rows; i++) h = (h ^ at[i]) * 0x100000001b3u;
    return h ? h : 1;
}

const anc_layout_row *anc_layout_find(const anc_layout_row *rows, int64_t n, int64_t image_id)
{
    const anc_layout_row wanted = { .image_id = image_id };
    return bsearch(&wanted, rows, (size_t)n, sizeof wanted, by_image);
}

anc_status anc_layout_covers(const char *path, const anc_layout_row *rows, int64_t n, anc_source *s,
                             anc_err *err)
{
    enum { IMAGES_AT_ONCE = 8192 }; /* bounds memory */
    int64_t images = anc_source_images(s);
    for (int64_t first = 0; first < images && !err->code; first += IMAGES_AT_ONCE) {
        anc_dataset slice = { 0 };
        if (anc_source_read(s, first, images - first < IMAGES_AT_ONCE ? images - first : IMAGES_AT_ONCE,
                            &slice, err))
            return err->code;
        for (int64_t i = 0; i < slice.n_images && !err->code; i++)
            if (!anc_layout_find(rows, n, slice.image[i].id))
                anc_fail(err, ANC_EDATA,
                         "%s: has nothing of image %lld; add it, or leave the image out of the annotations",
                         path, (long long)slice.image[i].id);
        anc_dataset_clear(&slice);
    }
    return err->code;
}
