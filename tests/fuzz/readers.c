/* tests/fuzz/readers.c: see readers.h */
#include "tests/fuzz/readers.h"
#include "core/half.h"
#include "io/dataset/annotations.h"
#include "io/store/feature.h"
#include "io/hdf5/h5.h"
#include "io/store/head_file.h"
#include "io/store/proposals.h"
#include "io/source/source.h"
#include "io/store/targets_read.h"
#include "jobs/cli/config.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void promise(int kept, const char *what)
{
    if (kept) return;
    fprintf(stderr, "broken promise: %s\n", what);
    abort();
}

anc_status fuzz_read_annotations(const char *path, anc_err *err)
{
    anc_source *s = NULL;
    anc_dataset names = { 0 };
    uint64_t fingerprint = 0, again = 0;
    if (anc_source_open(path, NULL, &s, err)) return err->code;
    int64_t n = anc_source_images(s), boxes = 0;
    for (int64_t i = 0; i < n && !err->code; i += 2) {
        anc_dataset slice = { 0 };
        anc_err other = { 0 };
        if (anc_source_read(s, i, n - i < 2 ? n - i : 2, &slice, err))
            promise(!slice.image, "a slice stays empty on errors");
        else
            promise(!anc_dataset_check(&slice, &other), "a slice keeps dataset.h's promises");
        boxes += slice.n_boxes;
        fingerprint = anc_dataset_fingerprint(&slice, fingerprint);
        anc_dataset_clear(&slice);
    }
    promise(err->code || boxes == anc_source_boxes(s), "all boxes belong to an image");
    if (!err->code && !anc_source_fingerprint(s, &again, err))
        promise(again == fingerprint, "the fingerprint is the content's");
    if (!err->code && anc_source_categories(s, &names, err))
        promise(!names.category, "categories stay empty on errors");
    for (int64_t i = 0; i < names.n_categories; i++)
        promise(strlen(names.category[i].name) <= ANC_MAX_NAME_BYTES, "names are short");
    anc_dataset_clear(&names);
    anc_source_close(s);
    anc_annotations *a = NULL;
    if (!err->code && !anc_annotations_open(path, &a, err) && anc_annotations_read_all(a, &names, err))
        promise(!names.image, "a data set stays empty on errors");
    anc_annotations_close(a);
    anc_dataset_clear(&names);
    return err->code;
}

anc_status fuzz_read_targets(const char *path, anc_err *err)
{
    anc_targets_file *f = NULL;
    anc_targets t = { 0 };
    anc_targets_sum sum = { 0 };
    anc_rules rules;
    if (anc_targets_open(path, &f, err)) return err->code;
    const anc_targets_info *info = anc_targets_about_file(f);
    int64_t n = info->n[ANC_ROWS_VIEWS];
    for (int64_t i = 0; i < n && !err->code; i += 3) {
        if (anc_targets_read(f, i, n - i < 3 ? n - i : 3, &t, err)) break;
        anc_targets_sum_add(&sum, &t);
    }
    for (int64_t i = n - 1; i >= 0 && i > n - 4 && !err->code; i--)
        anc_targets_read(f, i, 1, &t, err); /* back again */
    const char *const *name = NULL;
    if (!err->code) anc_targets_names(f, &name, err);
    for (int64_t i = 0; name && i < n && !err->code; i++) {
        int32_t image;
        if (!anc_targets_image(f, i, &image, err) && !name[image]) abort();
    }
    if (!err->code) anc_targets_sum_end(&sum, info);
    if (!err->code) anc_config_read_json(info->config, &rules, &(anc_err){ 0 });
    anc_targets_clear(&t);
    anc_targets_close(f);
    return err->code;
}

anc_status fuzz_read_features(const char *path, anc_err *err)
{
    anc_features *f = NULL;
    if (anc_features_open(path, &f, err)) return err->code;
    const anc_features_info *info = anc_features_about(f);
    double sum = 0;
    for (int64_t i = 0; i < info->n_images && !err->code; i++) {
        anc_feature_map map[ANC_MAX_LEVELS];
        promise(anc_features_find(f, info->id[i]) == i, "an image is found by its id");
        if (anc_features_map(f, i, map, err)) break;
        for (int l = 0; l < info->n_levels; l++) {
            size_t count = (size_t)map[l].h * (size_t)map[l].w * (size_t)info->channels;
            for (size_t k = 0; k < count; k++)
                sum += map[l].half ? ((const uint16_t *)map[l].row)[k] : ((const float *)map[l].row)[k];
        }
    }
    volatile double kept = sum; /* every number was looked at */
    (void)kept;
    anc_features_close(f);
    return err->code;
}

anc_status fuzz_read_head(const char *path, anc_err *err)
{
    anc_head_file h;
    if (anc_head_read(path, &h, err)) {
        promise(!h.parameters && !h.config, "a head stays empty on errors");
        return err->code;
    }
    size_t n = anc_head_size(&h.shape);
    for (size_t i = 0; i < n; i++)
        promise(isfinite(h.parameters[i]) && isfinite(h.momentum[i]), "parameters are finite");
    for (int64_t i = 0; i < h.step; i++)
        promise(h.history[i].rate == h.history[i].rate || 1, "history has a row for each step");
    promise(h.config != NULL, "a head has a configuration");
    anc_head_file_clear(&h);
    return ANC_OK;
}

anc_status fuzz_read_proposals(const char *path, anc_err *err)
{
    anc_proposals *p = NULL;
    if (anc_proposals_open(path, &p, err)) return err->code;
    int64_t n = anc_proposals_images(p), rows = 0;
    for (int64_t i = 0; i < n && !err->code; i += 2) {
        anc_proposal_set s;
        if (anc_proposals_read(p, i, n - i < 2 ? n - i : 2, &s, err)) {
            promise(!s.xyxy, "a set stays empty on errors");
            break;
        }
        promise(s.image_id[0] == anc_proposals_ids(p)[i], "a set begins with the first image");
        for (int64_t k = 0; k < s.n; k++)
            promise(s.xyxy[k][0] <= s.xyxy[k][2] && isfinite(s.score[k]), "a proposal is a box");
        rows += s.n;
        anc_proposal_set_clear(&s);
    }
    promise(err->code || rows == anc_proposals_count(p), "all proposals belong to an image");
    anc_proposals_close(p);
    return err->code;
}

anc_status fuzz_read_any(const char *path, anc_err *err)
{
    static const struct {
        const char *format;
        anc_status (*read)(const char *path, anc_err *err);
    } readers[] = {
        { ANC_ANNOTATIONS_FORMAT, fuzz_read_annotations },
        { ANC_TARGETS_FORMAT, fuzz_read_targets },
        { ANC_ROI_TARGETS_FORMAT, fuzz_read_targets },
        { ANC_FEATURES_FORMAT, fuzz_read_features },
        { ANC_HEAD_FORMAT, fuzz_read_head },
        { ANC_PROPOSALS_FORMAT, fuzz_read_proposals },
    };
    char *format = NULL;
    if (anc_h5_format_of(path, &format, err)) return anc_within(err, "%s", path);
    for (size_t i = 0; i < sizeof readers / sizeof *readers; i++)
        if (!strcmp(format, readers[i].format)) {
            free(format);
            return readers[i].read(path, err);
        }
    anc_fail(err, ANC_EDATA, "%s: holds '%.100s', which is none of anchorage's formats", path, format);
    free(format);
    return err->code;
}
