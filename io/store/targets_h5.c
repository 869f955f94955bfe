/* io/store/targets_h5.c: see targets_h5.h */
#include "io/store/targets_h5.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

void anc_targets_h5_close(anc_targets_h5 *p)
{
    for (int c = 0; c < ANC_N_COLUMNS; c++) anc_h5_data_close(&p->column[c]);
    for (int k = 0; k < ANC_ROWS_KINDS; k++) anc_h5_data_close(&p->offset[k]);
    anc_h5_close(&p->file);
    free(p->config);
    *p = (anc_targets_h5){ 0 };
}

anc_status anc_targets_h5_offsets(const anc_targets_h5 *p, int k, int64_t first, int64_t n, int64_t *out,
                                  anc_err *err)
{
    return anc_h5_data_read(&p->offset[k], first, n, out, err);
}

static anc_status check_offsets(const anc_targets_h5 *p, int k, anc_err *err)
{
    int64_t block[ANC_OFFSETS_AT_ONCE], last = 0, n = p->offset[k].dims[0];
    for (int64_t first = 0; first < n; first += ANC_OFFSETS_AT_ONCE) {
        int64_t some = n - first < ANC_OFFSETS_AT_ONCE ? n - first : ANC_OFFSETS_AT_ONCE;
        if (anc_targets_h5_offsets(p, k, first, some, block, err)) return err->code;
        for (int64_t i = 0; i < some; i++) {
            if (block[i] < last || (!first && !i && block[i]))
                return anc_fail(err, ANC_EDATA, "%s/offset does not ascend from 0: entry %lld is %lld",
                                anc_targets_kinds[k].group, (long long)(first + i), (long long)block[i]);
            last = block[i];
        }
    }
    if (last != p->n[k])
        return anc_fail(err, ANC_EDATA, "%s/offset ends at %lld, but there are %lld rows",
                        anc_targets_kinds[k].group, (long long)last, (long long)p->n[k]);
    return ANC_OK;
}

static anc_status open_kind(anc_targets_h5 *p, int k, anc_err *err)
{
    bool always[ANC_ROWS_ALL], ever[ANC_ROWS_ALL];
    anc_targets_kept(p->stage, (anc_kept){ 0 }, always);
    anc_targets_kept(p->stage, (anc_kept){ true, true, true, false }, ever);
    p->with[k] = always[k] || (ever[k] && anc_h5_exists(&p->file, anc_targets_kinds[k].group));
    p->n[k] = -1;
    for (int c = 0; c < ANC_N_COLUMNS && p->with[k]; c++) {
        if ((int)anc_columns[c].rows != k || !anc_targets_has(p->with, p->n_levels, c)) continue;
        anc_h5_spec spec = anc_targets_spec(c, p->n[k], p->n_levels);
        if ((p->index ? anc_h5_data_open_map : anc_h5_data_open)(&p->file, spec.name, spec.type, spec.rank,
                                                                 spec.dims, &p->column[c], err))
            return err->code;
        p->n[k] = p->column[c].dims[0];
    }
    if (!p->with[k]) p->n[k] = 0;
    if (!p->with[k] || k == ANC_ROWS_VIEWS) return ANC_OK;
    char name[64];
    snprintf(name, sizeof name, "%s/offset", anc_targets_kinds[k].group);
    if (anc_h5_data_open(&p->file, name, ANC_H5_I64, 1, (int64_t[]){ p->n[ANC_ROWS_VIEWS] + 1 },
                         &p->offset[k], err))
        return err->code;
    return check_offsets(p, k, err);
}

static anc_status open_inner(anc_targets_h5 *p, const char *path, anc_err *err)
{
    char *format = NULL;
    if (anc_h5_open(path, NULL, ANC_TARGETS_VERSION, &p->file, err) ||
        anc_h5_get_string(&p->file, "/", "format", &format, err))
        return err->code;
    p->stage = !strcmp(format, ANC_ROI_TARGETS_FORMAT) ? ANC_STAGE_ROI : ANC_STAGE_RPN;
    bool ours = !strcmp(format, anc_targets_format(p->stage));
    if (!ours) anc_fail(err, ANC_EDATA, "holds '%.100s', not '%s'", format, anc_targets_format(p->stage));
    free(format);
    if (!ours || anc_h5_get_string(&p->file, "/", "config", &p->config, err)) return err->code;
    p->index = anc_h5_has_attribute(&p->file, "/", "shards");
    for (char name[32]; p->stage == ANC_STAGE_RPN && p->n_levels < ANC_MAX_LEVELS; p->n_levels++) {
        snprintf(name, sizeof name, "/anchors/level%d", p->n_levels);
        if (!anc_h5_exists(&p->file, name)) break;
    }
    if (!p->n_levels && p->stage == ANC_STAGE_RPN)
        return anc_fail(err, ANC_EDATA, "/anchors/level0 is missing");
    for (int k = 0; k < ANC_ROWS_KINDS; k++)
        if (open_kind(p, k, err)) return err->code;
    return ANC_OK;
}

anc_status anc_targets_h5_open(anc_targets_h5 *p, const char *path, anc_err *err)
{
    *p = (anc_targets_h5){ 0 };
    if (!open_inner(p, path, err)) return ANC_OK;
    anc_targets_h5_close(p);
    return anc_within(err, "%s", path);
}
