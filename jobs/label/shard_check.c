/* jobs/label/shard_check.c: see shard_check.h */
#include "jobs/label/shard_check.h"
#include "io/file/seal.h"
#include "io/store/targets_read.h"
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static anc_status missing(const char *path, anc_err *err)
{
    return anc_fail(err, errno == ENOENT ? ANC_EDATA : ANC_ESYSTEM, "%s: %s", path,
                    errno == ENOENT ? "missing" : strerror(errno));
}

static anc_status check_rows(anc_targets_file *f, anc_err *err)
{
    const anc_targets_info *info = anc_targets_about_file(f);
    int64_t n = info->n[ANC_ROWS_VIEWS], run = info->with[ANC_ROWS_LABELS] ? 16 : 2048; /* bounds memory */
    anc_targets t = { 0 };
    for (int64_t first = 0; first < n && !err->code; first += run)
        anc_targets_read(f, first, n - first < run ? n - first : run, &t, err);
    anc_targets_clear(&t);
    return err->code;
}

static anc_status check_open(const anc_run_of_shards *r, const char *path, int64_t shard,
                             const anc_targets_info *info, anc_err *err)
{
    bool with[ANC_ROWS_ALL];
    anc_targets_kept(r->plan->rules.stage,
                     (anc_kept){ r->plan->assignment, r->plan->labels, r->plan->with_gt, false }, with);
    int64_t n = anc_label_range_of(r->plan, shard).n;
    if (strcmp(info->version, r->version))
        return anc_fail(err, ANC_EDATA, "%s: written by anchorage %s, the run is of %s", path, info->version,
                        r->version);
    if (info->index || strcmp(info->config, r->config))
        return anc_fail(err, ANC_EDATA, "%s: is of another run", path);
    if (info->shard != shard)
        return anc_fail(err, ANC_EDATA, "%s: is shard %lld under another's name", path,
                        (long long)info->shard);
    if (info->n[ANC_ROWS_VIEWS] != n || memcmp(with, info->with, sizeof with))
        return anc_fail(err, ANC_EDATA, "%s: has %lld views, where %lld are meant, or other kinds of rows",
                        path, (long long)info->n[ANC_ROWS_VIEWS], (long long)n);
    return ANC_OK;
}

anc_status anc_shard_check(const anc_run_of_shards *r, int64_t shard, bool rows, bool *there, anc_err *err)
{
    char name[64], path[PATH_MAX];
    anc_targets_file *f;
    err->code = ANC_OK;
    anc_targets_shard_name(name, shard, anc_label_shards(r->plan));
    snprintf(path, sizeof path, "%s/%s", r->dir, name);
    *there = !access(path, F_OK);
    if (!*there) return missing(path, err);
    if (anc_seal_check(path, err) || anc_targets_open(path, &f, err)) return err->code;
    if (!check_open(r, path, shard, anc_targets_about_file(f), err) && rows) check_rows(f, err);
    anc_targets_close(f);
    return err->code;
}

anc_status anc_index_check(const anc_run_of_shards *r, bool *there, anc_err *err)
{
    char path[PATH_MAX], *config = NULL, *version = NULL;
    anc_h5_file f = { 0 };
    int64_t n = -1;
    err->code = ANC_OK;
    snprintf(path, sizeof path, "%s/targets.h5", r->dir);
    *there = !access(path, F_OK);
    if (!*there) return missing(path, err);
    if (anc_seal_check(path, err)) return err->code;
    if (anc_h5_open(path, anc_targets_format(r->plan->rules.stage), ANC_TARGETS_VERSION, &f, err) ||
        anc_h5_get_string(&f, "/", "config", &config, err) ||
        anc_h5_get_string(&f, "/", "anchorage_version", &version, err) ||
        anc_h5_get_int(&f, "/", "shards", &n, err))
        anc_within(err, "%s", path);
    else if (strcmp(config, r->config) || strcmp(version, r->version) || n != anc_label_shards(r->plan))
        anc_fail(err, ANC_EDATA, "%s: is of another run", path);
    anc_h5_close(&f);
    free(config);
    free(version);
    return err->code;
}

/* The first image that the index has otherwise, or -1. */
static int64_t other_image(const anc_dataset *images, const int64_t *id, char *const *name, int64_t n)
{
    int64_t i = 0;
    while (i < n && i < images->n_images && id[i] == images->image[i].id &&
           !strcmp(name[i], images->file_name[i]))
        i++;
    return i < n || i < images->n_images ? i : -1;
}

anc_status anc_index_names_check(const anc_run_of_shards *r, const anc_dataset *images, bool *earlier,
                                 anc_err *err)
{
    char path[PATH_MAX], **name = NULL;
    anc_h5_file f = { 0 };
    int64_t n = 0, n_names = 0, other = -1;
    void *id = NULL;
    err->code = ANC_OK;
    *earlier = false;
    snprintf(path, sizeof path, "%s/targets.h5", r->dir);
    if (anc_h5_open(path, NULL, ANC_TARGETS_VERSION, &f, err)) return anc_within(err, "%s", path);
    *earlier = !anc_h5_exists(&f, "/views/shard") || !anc_h5_exists(&f, "/images");
    if (*earlier)
        anc_fail(err, ANC_EDATA, "is of an earlier build: it does not say where each view is");
    else if (!anc_h5_read(&f, "/images/id", ANC_H5_I64, 1, (int64_t[]){ -1 }, &id, &n, err) &&
             !anc_h5_read_strings(&f, "/images/file_name", n, &name, &n_names, err))
        other = other_image(images, id, name, n);
    if (other >= 0)
        anc_fail(err, ANC_EDATA, "entry %lld of /images is not the annotations' image of that place and name",
                 (long long)other);
    anc_h5_close(&f);
    for (int64_t i = 0; name && i < n_names; i++) free(name[i]);
    free(name);
    free(id);
    return err->code ? anc_within(err, "%s", path) : ANC_OK;
}
