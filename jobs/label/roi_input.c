/* jobs/label/roi_input.c: see roi_input.h */
#include "jobs/label/roi_input.h"
#include "io/file/seal.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

anc_status anc_roi_input_open(anc_roi_input *in, const char *path, anc_err *err)
{
    *in = (anc_roi_input){ .path = path };
    if (anc_proposals_open(path, &in->file, err)) return err->code;
    in->lists_all = !strcmp(anc_proposals_format(in->file), "proposals");
    return ANC_OK;
}

void anc_roi_input_close(anc_roi_input *in)
{
    anc_proposals_close(in->file);
    anc_proposal_set_clear(&in->run);
    *in = (anc_roi_input){ 0 };
}

/* Both lists ascend. */
static anc_status compare(const anc_roi_input *in, const char *annotations, const anc_dataset *slice,
                          int64_t *at, anc_err *err)
{
    const int64_t *id = anc_proposals_ids(in->file), n = anc_proposals_images(in->file);
    for (int64_t i = 0; i < slice->n_images; i++) {
        int64_t wanted = slice->image[i].id;
        if (*at < n && id[*at] == wanted) {
            ++*at;
            continue;
        }
        if (*at < n && id[*at] < wanted) return ANC_OK; /* one that the annotations lack */
        if (in->lists_all)
            return anc_fail(err, ANC_EDATA,
                            "%s: lists no image %" PRId64 " of %s; propose on it, too, or leave it out of "
                            "the annotations",
                            in->path, wanted, annotations);
    }
    return ANC_OK;
}

anc_status anc_roi_input_check(const anc_roi_input *in, const char *annotations, anc_source *source,
                               uint32_t *crc, anc_err *err)
{
    enum { IMAGES_AT_ONCE = 8192 };
    int64_t n = anc_source_images(source), at = 0;
    if (anc_seal_crc_of(in->path, crc, err)) return err->code;
    for (int64_t first = 0; first < n; first += IMAGES_AT_ONCE) {
        anc_dataset slice = { 0 };
        if (anc_source_read(source, first, n - first < IMAGES_AT_ONCE ? n - first : IMAGES_AT_ONCE, &slice,
                            err))
            return err->code;
        bool last = first + slice.n_images == n;
        int64_t highest = slice.image[slice.n_images - 1].id;
        compare(in, annotations, &slice, &at, err);
        anc_dataset_clear(&slice);
        if (err->code) return err->code;
        if (at < anc_proposals_images(in->file) && (last || anc_proposals_ids(in->file)[at] <= highest))
            break;
    }
    if (at == anc_proposals_images(in->file)) return ANC_OK;
    return anc_fail(err, ANC_EDATA,
                    "%s: has proposals for image %" PRId64 ", which %s lacks; give the annotations that "
                    "they were made for",
                    in->path, anc_proposals_ids(in->file)[at], annotations);
}

/* The place of an image in the file, -1: it is not listed. */
static int64_t find(const anc_proposals *p, int64_t image_id)
{
    const int64_t *id = anc_proposals_ids(p);
    int64_t low = 0, high = anc_proposals_images(p), n = high;
    while (low < high) {
        int64_t mid = low + (high - low) / 2;
        if (id[mid] < image_id)
            low = mid + 1;
        else
            high = mid;
    }
    return low < n && id[low] == image_id ? low : -1;
}

anc_status anc_roi_input_image(anc_roi_input *in, int64_t image_id, const double (**xyxy)[4], int32_t *n,
                               anc_err *err)
{
    enum { RUN = 32 }; /* images in memory: some MB at 2,000 proposals each */
    int64_t at = find(in->file, image_id), left = anc_proposals_images(in->file) - at;
    *n = 0;
    *xyxy = NULL;
    if (at < 0) return ANC_OK;
    if (at < in->first || at >= in->first + in->run.n_images) {
        anc_proposal_set_clear(&in->run);
        if (anc_proposals_read(in->file, at, left < RUN ? left : RUN, &in->run, err)) return err->code;
        in->first = at;
    }
    const int64_t *offset = in->run.offset + (at - in->first);
    *xyxy = (const double(*)[4])in->run.xyxy + offset[0];
    *n = (int32_t)(offset[1] - offset[0]);
    return ANC_OK;
}

/* ---- classes ---- */

anc_status anc_classes_read(const anc_source *source, anc_classes_rule rule, int32_t **category,
                            anc_classes *c, anc_err *err)
{
    anc_dataset d = { 0 };
    if (anc_source_categories(source, &d, err)) return err->code;
    *c = (anc_classes){ .rule = rule, .n = (int32_t)d.n_categories };
    *category = malloc(((size_t)d.n_categories + 1) * sizeof **category);
    if (!*category) anc_fail(err, ANC_EMEMORY, "out of memory for %" PRId64 " categories", d.n_categories);
    for (int64_t i = 0; *category && i < d.n_categories; i++) (*category)[i] = d.category[i].id;
    c->category = *category;
    anc_dataset_clear(&d);
    if (!err->code && rule == ANC_CLASSES_IDS && c->n && c->category[0] < 1)
        anc_fail(err, ANC_EARGUMENT,
                 "category id %d would be the background's label, 0, or less; set [roi] classes = "
                 "from-one in --config",
                 c->category[0]);
    return err->code;
}

anc_status anc_classes_share(const anc_team *team, int32_t **category, anc_classes *c, anc_err *err)
{
    anc_team_bcast(team, c, sizeof *c, 0);
    if (team->rank && !(*category = malloc(((size_t)c->n + 1) * sizeof **category)))
        anc_fail(err, ANC_EMEMORY, "out of memory for %d classes", c->n);
    if (anc_team_agree(team, err)) return err->code;
    anc_team_bcast(team, *category, (size_t)c->n * sizeof **category, 0);
    c->category = *category;
    return ANC_OK;
}

/* FNV-1a, 64 bits. */
uint64_t anc_classes_fingerprint(const anc_classes *c)
{
    uint64_t h = 0xcbf29ce484222325u;
    const unsigned char *at = (const unsigned char *)c->category;
    for (size_t i = 0; i < (size_t)c->n * sizeof *c->category; i++) h = (h ^ at[i]) * 0x100000001b3u;
    return h;
}
