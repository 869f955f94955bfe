/* tests/unit/test_feature.c: features.h5 read in place and through HDF5, heads written and read back, damage said
 * in words */
#include "io/store/feature.h"
#include "io/hdf5/h5.h"
#include "io/store/head_file.h"
#include "tests/check.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

enum { IMAGES = 3, LEVELS = 2, C = 5 };
static const int32_t grids[LEVELS][IMAGES][2] = { { { 4, 6 }, { 2, 8 }, { 6, 4 } },
                                                  { { 2, 3 }, { 1, 4 }, { 3, 2 } } };

/* What a test changes of a good file. */
typedef struct {
    bool half, packed;
    int64_t id2, offset1, stride, channels;
    int32_t padded_h, grid_h;
    const char *without; /* a dataset to leave out */
} variant;
static const variant good = {
    .half = true, .id2 = 30, .offset1 = 24, .stride = 8, .channels = C, .padded_h = 32, .grid_h = 4
};

static float value(int l, int64_t row, int c) { return (float)((l * 100 + row * C + c) % 300) / 4 - 20; }

/* The bits of a float16 for a number that is one and not subnormal. */
static uint16_t half_of(float x)
{
    int e;
    float m = frexpf(fabsf(x), &e);
    if (x == 0) return 0;
    return (uint16_t)((x < 0 ? 0x8000 : 0) | (e + 14) << 10 | ((int)(m * 2048) & 1023));
}

static anc_status put(anc_h5_file *f, const variant *v, const char *name, anc_h5_type type, int64_t n,
                      int64_t m, const void *data, anc_err *err)
{
    bool rows = strstr(name, "feature") != NULL;
    anc_h5_spec spec = { name, type, m ? 2 : 1,   { n, m }, rows && v->packed ? 7 : -1, rows && v->packed,
                         0,    NULL, "for a test" };
    return v->without && !strcmp(v->without, name) ? ANC_OK : anc_h5_write(f, &spec, data, err);
}

static anc_status put_level(anc_h5_file *f, const variant *v, int l, anc_err *err)
{
    char group[16], name[32];
    int64_t offset[IMAGES + 1] = { 0 };
    int32_t grid[IMAGES][2];
    memcpy(grid, grids[l], sizeof grid);
    for (int i = 0; i < IMAGES; i++) offset[i + 1] = offset[i] + grid[i][0] * grid[i][1];
    int64_t n = offset[IMAGES];
    float *x = malloc((size_t)n * C * sizeof *x);
    uint16_t *h = malloc((size_t)n * C * sizeof *h);
    for (int64_t k = 0; k < n * C; k++) h[k] = half_of(x[k] = value(l, k / C, (int)(k % C)));
    if (!l) {
        grid[0][0] = v->grid_h;
        offset[1] = v->offset1;
    }
    snprintf(group, sizeof group, "/level%d", l);
    snprintf(name, sizeof name, "%s/feature", group);
    put(f, v, name, v->half ? ANC_H5_F16 : ANC_H5_F32, n, C, v->half ? (void *)h : x, err);
    free(x);
    free(h);
    snprintf(name, sizeof name, "%s/grid", group);
    if (!err->code) put(f, v, name, ANC_H5_I32, IMAGES, 2, grid, err);
    snprintf(name, sizeof name, "%s/offset", group);
    if (!err->code) put(f, v, name, ANC_H5_I64, IMAGES + 1, 0, offset, err);
    if (!err->code) anc_h5_set_int(f, group, "stride", v->stride << l, err);
    if (!err->code) anc_h5_set_int(f, group, "channels", v->channels, err);
    return err->code;
}

static const char *write_features(const variant *v)
{
    const char *path = check_path("features.h5");
    anc_h5_file f;
    anc_err err = { 0 };
    int64_t id[IMAGES] = { 20, 10, v->id2 };
    int32_t size[IMAGES][2] = { { 30, 48 }, { 16, 60 }, { 48, 32 } },
            padded[IMAGES][2] = { { v->padded_h, 48 }, { 16, 64 }, { 48, 32 } };
    CU_ASSERT_EQUAL_FATAL(anc_h5_create_part(path, &f, &err), ANC_OK);
    if (!anc_h5_stamp(&f, ANC_FEATURES_FORMAT, 1, "{}", &err) &&
        !put(&f, v, "/images/id", ANC_H5_I64, IMAGES, 0, id, &err) &&
        !put(&f, v, "/images/size", ANC_H5_I32, IMAGES, 2, size, &err) &&
        !put(&f, v, "/images/padded_size", ANC_H5_I32, IMAGES, 2, padded, &err))
        for (int l = 0; l < LEVELS && !err.code; l++) put_level(&f, v, l, &err);
    CU_ASSERT_EQUAL_FATAL(err.code, ANC_OK);
    CU_ASSERT_EQUAL_FATAL(anc_h5_commit(&f, &err), ANC_OK);
    return path;
}

static void every_storage_gives_the_same_maps(void)
{
    const anc_kernels *k = anc_kernels_find(NULL);
    for (int s = 0; s < 4; s++) {
        variant v = good;
        v.half = s & 1;
        v.packed = s & 2;
        anc_features *f;
        anc_err err = { 0 };
        CU_ASSERT_EQUAL_FATAL(anc_features_open(write_features(&v), &f, &err), ANC_OK);
        const anc_features_info *info = anc_features_about(f);
        CU_ASSERT(info->n_images == IMAGES && info->n_levels == LEVELS && info->channels == C &&
                  info->stride[1] == 16);
        CU_ASSERT(info->half == v.half && info->in_place == !v.packed && !info->original);
        CU_ASSERT(anc_features_find(f, 10) == 1 && anc_features_find(f, 20) == 0 &&
                  anc_features_find(f, 11) == -1);
        for (int i = IMAGES - 1; i >= 0; i--) {
            anc_feature_map map[ANC_MAX_LEVELS];
            CU_ASSERT_EQUAL_FATAL(anc_features_map(f, i, map, &err), ANC_OK);
            for (int l = 0; l < LEVELS; l++) {
                int64_t first = 0, n = grids[l][i][0] * grids[l][i][1];
                for (int b = 0; b < i; b++) first += grids[l][b][0] * grids[l][b][1];
                float row[C];
                CU_ASSERT(map[l].h == grids[l][i][0] && map[l].w == grids[l][i][1] && map[l].half == v.half);
                for (int64_t r = 0; r < n; r++) {
                    if (v.half)
                        k->widen((const uint16_t *)map[l].row + r * C, C, row);
                    else
                        memcpy(row, (const float *)map[l].row + r * C, sizeof row);
                    for (int c = 0; c < C; c++) CU_ASSERT_EQUAL(row[c], value(l, first + r, c));
                }
            }
        }
        anc_features_close(f);
    }
}

static void refused(variant v, const char *says)
{
    anc_features *f = NULL;
    anc_err err = { 0 };
    const char *path = write_features(&v);
    CU_ASSERT_EQUAL(anc_features_open(path, &f, &err), ANC_EDATA);
    CU_ASSERT(!strncmp(err.text, path, strlen(path)) && strstr(err.text, says));
    if (!strstr(err.text, says)) puts(err.text);
}

static void damage_is_said_in_words(void)
{
    variant v = good;
    v.id2 = 20;
    refused(v, "image 20 stands twice in /images/id");
    v = good, v.offset1 = 25;
    refused(v, "/level0/offset gives image 20 rows 0 to 25, its grid has 4 x 6");
    v = good, v.grid_h = 0;
    refused(v, "/level0/grid is 0 x 6 for image 20, which cannot be");
    v = good, v.grid_h = INT32_MAX;
    refused(v, "/level0/grid is too large for image 20");
    v = good, v.stride = 0;
    refused(v, "/level0: a stride of 0 cannot be");
    v = good, v.channels = 6;
    refused(v, "/level0/feature has 5 columns, its attribute says 6 channels");
    v = good, v.padded_h = 29;
    refused(v, "image 20: /images/padded_size is less than /images/size");
    v = good, v.without = "/level1/grid";
    refused(v, "dataset /level1/grid cannot be opened");
    v = good, v.without = "/images/size";
    refused(v, "dataset /images/size cannot be opened");
}

static void a_file_cut_short_is_refused(void)
{
    size_t n;
    char *bytes = check_slurp(write_features(&good), &n);
    for (size_t cut = 0; cut < n; cut += 97) {
        anc_features *f = NULL;
        anc_err err = { 0 };
        CU_ASSERT(anc_features_open(check_file("cut.h5", bytes, cut), &f, &err) != ANC_OK);
        if (!err.code) anc_features_close(f);
    }
    free(bytes);
}

static void a_head_comes_back_as_it_was_written(void)
{
    anc_head_shape s = { 3, 4, 2 };
    size_t n = anc_head_size(&s);
    anc_head_step history[2] = { { 0.1, 0.7, 0.2, 3 }, { 0.2, 0.6, 0.1, 2 } };
    float base[2][4] = { { -4, -4, 4, 4 }, { -8, -8, 8, 8 } };
    char config[] = "{\"a\":1}";
    anc_head_validation validation[1] = { { 2, 0.5, 0.4, 0.25 } };
    anc_head_file h = { .shape = s,
                        .parameters = malloc(n * sizeof(float)),
                        .momentum = malloc(n * sizeof(float)),
                        .step = 2,
                        .history = history,
                        .n_validations = 1,
                        .validation = validation,
                        .config = config },
                  back;
    anc_targets_info info = { .n_levels = 1, .level = { { 8, 0.5, true, 2, base } } };
    anc_err err = { 0 };
    const char *path = check_path("head.h5");
    anc_head_init(&s, 1, 1, h.parameters);
    anc_head_init(&s, 2, 1, h.momentum);
    CU_ASSERT_EQUAL_FATAL(anc_head_write(&h, path, &info, &err), ANC_OK);
    CU_ASSERT_EQUAL_FATAL(anc_head_read(path, &back, &err), ANC_OK);
    CU_ASSERT(!memcmp(&back.shape, &s, sizeof s) && back.step == 2 && !strcmp(back.config, config));
    CU_ASSERT(!memcmp(back.parameters, h.parameters, n * sizeof(float)) &&
              !memcmp(back.momentum, h.momentum, n * sizeof(float)));
    CU_ASSERT(!memcmp(back.history, history, sizeof history));
    CU_ASSERT(back.n_validations == 1 && !memcmp(back.validation, validation, sizeof validation));
    anc_head_file_clear(&back);
    h.parameters[7] = NAN;
    CU_ASSERT_EQUAL_FATAL(anc_head_write(&h, path, &info, &err), ANC_OK);
    CU_ASSERT_EQUAL(anc_head_read(path, &back, &err), ANC_EDATA);
    CU_ASSERT_PTR_NOT_NULL(
        strstr(err.text, "head.h5: /head.conv.0.0.weight holds values that are infinite or no numbers"));
    free(h.parameters);
    free(h.momentum);
}

CHECK_SUITE("feature", CHECK(every_storage_gives_the_same_maps), CHECK(damage_is_said_in_words),
            CHECK(a_file_cut_short_is_refused), CHECK(a_head_comes_back_as_it_was_written));
