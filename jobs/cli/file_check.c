/* jobs/cli/file_check.c: see file_check.h */
#include "jobs/cli/file_check.h"
#include "io/dataset/annotations.h"
#include "io/file/files.h"
#include "io/file/seal.h"
#include "io/hdf5/h5.h"
#include "io/source/source.h"
#include "io/store/feature.h"
#include "io/store/head_file.h"
#include "io/store/proposals.h"
#include "io/store/targets_read.h"
#include <errno.h>
#include <math.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static anc_status read_targets(const char *path, anc_file_found *found, anc_err *err)
{
    anc_targets_file *f;
    anc_targets t = { 0 };
    if (anc_targets_open(path, &f, err)) return err->code;
    const anc_targets_info *info = anc_targets_about_file(f);
    int64_t run = info->with[ANC_ROWS_LABELS] ? 16 : 2048;
    found->n_views = info->n[ANC_ROWS_VIEWS];
    for (int64_t v = 0; v < found->n_views && !err->code; v += run)
        anc_targets_read(f, v, found->n_views - v < run ? found->n_views - v : run, &t, err);
    anc_targets_clear(&t);
    anc_targets_close(f);
    return err->code;
}

static anc_status read_annotations(const char *path, const anc_reader_options *how, anc_err *err)
{
    enum { RUN = 4096 };
    anc_source *s;
    if (anc_source_open(path, how, &s, err)) return err->code;
    int64_t n = anc_source_images(s);
    for (int64_t i = 0; i < n && !err->code; i += RUN) {
        anc_dataset slice = { 0 };
        anc_source_read(s, i, n - i < RUN ? n - i : RUN, &slice, err);
        anc_dataset_clear(&slice);
    }
    anc_dataset categories = { 0 };
    const anc_dataset *names;
    if (!err->code && !anc_source_categories(s, &categories, err)) anc_source_names(s, &names, err);
    anc_dataset_clear(&categories);
    anc_source_close(s);
    return err->code;
}

static anc_status read_head(const char *path, anc_err *err)
{
    anc_head_file h;
    if (anc_head_read(path, &h, err)) return err->code;
    anc_head_file_clear(&h);
    return ANC_OK;
}

/* The first of n values that is infinite or no number, or n. */
static size_t first_odd(const anc_feature_map *m, size_t n)
{
    size_t i = 0;
    if (m->half) {
        const uint16_t *x = m->row;
        while (i < n && (x[i] & 0x7c00) != 0x7c00) i++;
    } else {
        const float *x = m->row;
        while (i < n && isfinite(x[i])) i++;
    }
    return i;
}

static anc_status check_values(anc_features *f, anc_err *err)
{
    const anc_features_info *info = anc_features_about(f);
    anc_feature_map map[ANC_MAX_LEVELS];
    anc_features_read_whole(f);
    for (int64_t i = 0; i < info->n_images; i++) {
        if (anc_features_map(f, i, map, err)) return err->code;
        for (int l = 0; l < info->n_levels; l++) {
            size_t channels = (size_t)info->channels, n = (size_t)map[l].h * (size_t)map[l].w * channels,
                   at = first_odd(&map[l], n);
            if (at < n)
                return anc_fail(err, ANC_EDATA,
                                "%s: image %lld: /level%d/feature is infinite or no number at y %zu, x %zu, "
                                "channel %zu",
                                info->path, (long long)info->id[i], l, at / channels / (size_t)map[l].w,
                                at / channels % (size_t)map[l].w, at % channels);
        }
    }
    return ANC_OK;
}

static anc_status read_features(const char *path, anc_err *err)
{
    anc_features *f;
    if (anc_features_open(path, &f, err)) return err->code;
    check_values(f, err);
    anc_features_close(f);
    return err->code;
}

/* Beyond what reading asks of any such file: levels, and the order of scores. */
static anc_status check_proposals(const char *path, const anc_proposal_set *s, anc_err *err)
{
    for (int64_t i = 0; i < s->n_images; i++)
        for (int64_t k = s->offset[i]; k < s->offset[i + 1]; k++) {
            if (s->level[k] < 0 || s->level[k] >= ANC_MAX_LEVELS)
                return anc_fail(err, ANC_EDATA, "%s: image %lld: proposal %lld is of level %d", path,
                                (long long)s->image_id[i], (long long)(k - s->offset[i]), s->level[k]);
            if (s->xyxy[k][0] < 0 || s->xyxy[k][1] < 0)
                return anc_fail(err, ANC_EDATA, "%s: image %lld: proposal %lld lies outside of the image",
                                path, (long long)s->image_id[i], (long long)(k - s->offset[i]));
            if (k > s->offset[i] && s->score[k] > s->score[k - 1])
                return anc_fail(err, ANC_EDATA,
                                "%s: image %lld: proposal %lld has a higher score than the one before it",
                                path, (long long)s->image_id[i], (long long)(k - s->offset[i]));
        }
    return ANC_OK;
}

static anc_status read_proposals(const char *path, anc_err *err)
{
    enum { RUN = 256 };
    anc_proposals *p;
    if (anc_proposals_open(path, &p, err)) return err->code;
    int64_t n = anc_proposals_images(p);
    for (int64_t i = 0; i < n && !err->code; i += RUN) {
        anc_proposal_set set;
        if (anc_proposals_read(p, i, n - i < RUN ? n - i : RUN, &set, err)) break;
        check_proposals(path, &set, err);
        anc_proposal_set_clear(&set);
    }
    anc_proposals_close(p);
    return err->code;
}

/* Opening checks all that there is. */
static anc_status read_results(const char *path, anc_err *err)
{
    anc_proposals *p;
    if (anc_proposals_open(path, &p, err)) return err->code;
    anc_proposals_close(p);
    return ANC_OK;
}

/* COCO results, which no other JSON file is alike: a list. */
static bool is_results(const char *head, size_t n)
{
    size_t at = n >= 3 && !memcmp(head, "\xef\xbb\xbf", 3) ? 3 : 0;
    while (at < n && memchr(" \t\r\n", head[at], 4)) at++;
    return at < n && head[at] == '[';
}

/* The first bytes of a file; a folder of annotations has none. */
static anc_status look(const char *path, char *head, size_t capacity, size_t *n, anc_err *err)
{
    *n = 0;
    if (anc_is_folder(path)) return ANC_OK;
    int fd = anc_open_file(path, err);
    if (fd < 0) return err->code;
    ssize_t got = pread(fd, head, capacity, 0);
    int reason = errno;
    close(fd);
    if (got < 0) return anc_fail(err, ANC_ESYSTEM, "%s: cannot read: %s", path, strerror(reason));
    *n = (size_t)got;
    return ANC_OK;
}

static anc_status check_hdf5(const char *path, anc_file_found *found, anc_err *err)
{
    char *format = NULL;
    if (anc_seal_check_any(path, &found->sealed, err)) return anc_within(err, "%s", path);
    if (anc_h5_format_of(path, &format, err))
        anc_within(err, "%s", path);
    else if (!strcmp(format, ANC_TARGETS_FORMAT) || !strcmp(format, ANC_ROI_TARGETS_FORMAT)) {
        if (!anc_seal_check(path, err)) read_targets(path, found, err); /* ours alone: always sealed */
    } else if (!strcmp(format, ANC_ANNOTATIONS_FORMAT))
        read_annotations(path, NULL, err);
    else if (!strcmp(format, ANC_HEAD_FORMAT))
        read_head(path, err);
    else if (!strcmp(format, ANC_FEATURES_FORMAT))
        read_features(path, err);
    else if (!strcmp(format, ANC_PROPOSALS_FORMAT))
        read_proposals(path, err);
    else if (!found->sealed)
        anc_fail(err, ANC_EDATA, "%s: holds '%.100s', which is none of anchorage's formats", path, format);
    free(format);
    return err->code;
}

anc_status anc_file_check(const char *path, const anc_reader_options *how, anc_file_found *found,
                          anc_err *err)
{
    char head[4096];
    size_t n;
    *found = (anc_file_found){ 0 };
    err->code = ANC_OK;
    if (look(path, head, sizeof head, &n, err)) return err->code;
    found->hdf5 = anc_h5_begins(head, n);
    if (found->hdf5) return check_hdf5(path, found, err);
    return !how->format && is_results(head, n) ? read_results(path, err) : read_annotations(path, how, err);
}
