/* jobs/inspect/inspect_features.c: what a backbone's features are: images, levels, grids, and what values they hold
 */
#include "core/half.h"
#include "io/store/feature.h"
#include "jobs/cli/format.h"
#include "jobs/inspect/inspect.h"
#include "jobs/inspect/inspect_print.h"
#include <math.h>
#include <stdio.h>

#define COUNT(x) anc_format_count(x).text

enum { SAMPLED_IMAGES = 16 }; /* whose values are looked at: maps are large */

typedef struct {
    int64_t n, bad; /* values; those that are infinite or no numbers */
    double sum, square, most;
} values;

static void add_map(values *v, const anc_feature_map *m, int32_t channels)
{
    size_t n = (size_t)m->h * (size_t)m->w * (size_t)channels;
    for (size_t i = 0; i < n; i++) {
        double x = m->half ? anc_half(((const uint16_t *)m->row)[i]) : ((const float *)m->row)[i];
        v->n++;
        if (!isfinite(x)) {
            v->bad++;
            continue;
        }
        v->sum += x;
        v->square += x * x;
        v->most = fmax(v->most, fabs(x));
    }
}

static anc_status gather(anc_features *f, values v[ANC_MAX_LEVELS], int64_t *looked, anc_err *err)
{
    const anc_features_info *info = anc_features_about(f);
    anc_feature_map map[ANC_MAX_LEVELS];
    *looked = info->n_images < SAMPLED_IMAGES ? info->n_images : SAMPLED_IMAGES;
    for (int64_t i = 0; i < *looked; i++) { /* spread over the file */
        if (anc_features_map(f, info->n_images * i / *looked, map, err)) return err->code;
        for (int l = 0; l < info->n_levels; l++) add_map(&v[l], &map[l], info->channels);
    }
    return ANC_OK;
}

/* "24" or "24 - 96" */
static const char *range(int32_t low, int32_t high, char text[32])
{
    if (low == high)
        snprintf(text, 32, "%d", low);
    else
        snprintf(text, 32, "%d - %d", low, high);
    return text;
}

static void print_levels(const anc_features_info *info, const values v[ANC_MAX_LEVELS])
{
    printf("\n  level  stride    positions    grids (rows x columns)         mean  deviation    largest\n");
    for (int l = 0; l < info->n_levels; l++) {
        int32_t low[2] = { INT32_MAX, INT32_MAX }, high[2] = { 0, 0 };
        int64_t positions = 0;
        char grids[80], side[2][32];
        for (int64_t i = 0; i < info->n_images; i++) {
            for (int k = 0; k < 2; k++) {
                if (info->grid[l][i][k] < low[k]) low[k] = info->grid[l][i][k];
                if (info->grid[l][i][k] > high[k]) high[k] = info->grid[l][i][k];
            }
            positions += (int64_t)info->grid[l][i][0] * info->grid[l][i][1];
        }
        snprintf(grids, sizeof grids, "%s x %s", range(low[0], high[0], side[0]),
                 range(low[1], high[1], side[1]));
        int64_t n = v[l].n - v[l].bad;
        double mean = anc_inspect_mean(v[l].sum, n), square = anc_inspect_mean(v[l].square, n) - mean * mean;
        printf("  %5d  %6d  %11s    %-26s  %7.3g  %9.3g  %9.3g\n", l, info->stride[l], COUNT(positions),
               grids, mean, sqrt(square > 0 ? square : 0), v[l].most);
        if (v[l].bad)
            printf("         %s values are infinite or no numbers: training stops at them\n",
                   COUNT(v[l].bad));
    }
}

anc_status anc_inspect_features(const char *path, anc_err *err)
{
    anc_features *f;
    values v[ANC_MAX_LEVELS] = { { 0 } };
    int64_t looked;
    if (anc_features_open(path, &f, err)) return err->code;
    const anc_features_info *info = anc_features_about(f);
    if (!gather(f, v, &looked, err)) {
        printf("%s: features of %s: %s of %s, %s, %s\n", path, anc_format_of(info->n_images, "image").text,
               anc_format_of(info->n_levels, "level").text, anc_format_of(info->channels, "channel").text,
               info->half ? "float16" : "float32",
               info->in_place ? "used where they lie" : "read through HDF5");
        print_levels(info, v);
        printf("\n  values: of %s\n", anc_format_of(looked, "image").text);
    }
    anc_features_close(f);
    return err->code;
}
