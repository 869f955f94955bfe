/* io/store/targets_sum.c: one number for the rows of a run, however they lie in shards: see targets_read.h */
#include "io/store/targets_read.h"
#include <string.h>

static uint64_t mix(uint64_t h, uint64_t word)
{
    h = (h ^ word) * 0x9e3779b97f4a7c15u;
    return h ^ h >> 32;
}

static uint64_t mix_elements(uint64_t h, anc_h5_type type, const void *data, int64_t n)
{
    for (int64_t i = 0; i < n; i++) {
        uint64_t word;
        switch (type) {
        case ANC_H5_I8: word = (uint64_t)((const int8_t *)data)[i]; break;
        case ANC_H5_U8: word = ((const uint8_t *)data)[i]; break;
        case ANC_H5_I32: word = (uint64_t)((const int32_t *)data)[i]; break;
        case ANC_H5_I64: word = (uint64_t)((const int64_t *)data)[i]; break;
        default: word = ((const uint32_t *)data)[i]; break; /* float32: its bits */
        }
        h = mix(h, word);
    }
    return h;
}

void anc_targets_sum_add(anc_targets_sum *s, const anc_targets *t)
{
    int64_t n = t->n[ANC_ROWS_VIEWS];
    for (int c = 0; c < ANC_N_COLUMNS; c++) {
        int k = anc_columns[c].rows;
        if (!anc_targets_has(t->with, t->n_levels, c)) continue;
        int64_t per_row =
            (int64_t)(anc_targets_row_bytes(c, t->n_levels) / anc_h5_type_bytes(anc_targets_columns[c].type));
        s->column[c] =
            mix_elements(s->column[c], anc_targets_columns[c].type, t->column[c], t->n[k] * per_row);
    }
    for (int k = ANC_ROWS_MINIBATCH; k < ANC_ROWS_KINDS; k++) /* the first entry of all, 0, changes nothing */
        for (int64_t v = 1; v <= n; v++)
            s->offset[k] = mix(s->offset[k], (uint64_t)(s->n[k] + t->offset[k][v]));
    for (int k = 0; k < ANC_ROWS_KINDS; k++) s->n[k] += t->n[k];
}

uint64_t anc_targets_sum_end(const anc_targets_sum *s, const anc_targets_info *info)
{
    uint64_t h = 0;
    for (int k = 0; k < ANC_ROWS_KINDS; k++) {
        if (!info->with[k]) continue;
        h = mix(h, (uint64_t)s->n[k]);
        if (k) h = mix(h, s->offset[k]);
        for (int c = 0; c < ANC_N_COLUMNS; c++)
            if ((int)anc_columns[c].rows == k && anc_targets_has(info->with, info->n_levels, c))
                h = mix(h, s->column[c]);
    }
    for (int l = 0; l < info->n_levels; l++) {
        const anc_targets_level *v = &info->level[l];
        uint64_t offset;
        memcpy(&offset, &v->offset, sizeof offset);
        h = mix(mix(mix(h, (uint64_t)v->stride), offset), v->stride_from_grid);
        h = mix_elements(mix(h, (uint64_t)v->n_shapes), ANC_H5_F32, v->base, 4 * (int64_t)v->n_shapes);
    }
    if (info->stage == ANC_STAGE_RPN) return h;
    h = mix(mix(h, (uint64_t)info->classes.background), (uint64_t)info->classes.n);
    h = mix_elements(h, ANC_H5_I32, info->classes.category, info->classes.n);
    return mix_elements(h, ANC_H5_I32, info->classes.label, info->classes.n);
}
