/* tests/fuzz/hdf5.c: targets for each kind of HDF5 file that we read: what it holds, and who reads it
 *
 * Three images, five boxes; two levels of 4 x 4 and 2 x 2 positions, three anchors each: 60 anchors a view.
 */
#include "core/head/head.h"
#include "io/store/targets_table.h"
#include "jobs/cli/config.h"
#include "tests/fuzz/fuzz.h"
#include "tests/fuzz/readers.h"
#include "tests/fuzz/shape.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define COUNT(list) ((int)(sizeof(list) / sizeof *(list)))

static double zero(int64_t i) { return (void)i, 0; }
static double one(int64_t i) { return (void)i, 1; }
static double two(int64_t i) { return (void)i, 2; }
static double four(int64_t i) { return (void)i, 4; }
static double hundred(int64_t i) { return (void)i, 100; }
static double ascending(int64_t i) { return (double)(i + 1); }
static double counting(int64_t i) { return (double)i; }
static double tenth(int64_t i) { return (double)(i % 7) / 10; }
static double boxes(int64_t i) { return (double)(i / 4 + (i % 4 > 1 ? 10 : 0)); }
static double box_offset(int64_t i) { return (double[]){ 0, 2, 2, 5 }[i < 4 ? i : 3]; }

#define ROOT(format)                                                                                   \
    { "/", "format", SHAPE_TEXT, .text = format }, { "/", "format_version", SHAPE_INT, .value = one }, \
    {                                                                                                  \
        "/", "anchorage_version", SHAPE_TEXT, .text = "0.1.0"                                          \
    }
#define DATA(name, type_, value_, rank_, ...)                                        \
    {                                                                                \
        name, .type = type_, .rank = rank_, .dims = { __VA_ARGS__ }, .value = value_ \
    }

/* How many HDF5 objects are open. */
static int64_t count_open(void)
{
    static const H5I_type_t kinds[] = { H5I_FILE,    H5I_GROUP, H5I_DATATYPE,   H5I_DATASPACE,
                                        H5I_DATASET, H5I_ATTR,  H5I_GENPROP_LST };
    int64_t all = 0;
    for (int k = 0; k < COUNT(kinds); k++) {
        hsize_t n = 0;
        H5Inmembers(kinds[k], &n);
        all += (int64_t)n;
    }
    return all;
}

typedef anc_status (*reader)(const char *path, anc_err *err);

static anc_status read_closed(reader read, const char *path, anc_err *err)
{
    int64_t before = count_open();
    anc_status status = read(path, err);
    H5Eclear2(H5E_DEFAULT);
    fuzz_check(count_open() == before, "a reader closes what it opens");
    return status;
}

static void check_error(anc_status status, const anc_err *err, const char *path)
{
    char folder[64];
    snprintf(folder, sizeof folder, "%s/", fuzz_dir());
    fuzz_check_error(status, err, strncmp(path, folder, strlen(folder)) ? path : fuzz_dir());
}

static void run(const shape_item *items, int n, const uint8_t *bytes, size_t size, reader read)
{
    anc_err err = { 0 };
    shape_stream s = { bytes, bytes + size };
    const char *path = fuzz_file(NULL, 0);
    shape_write(path, items, n, &s);
    anc_status status = read_closed(read, path, &err);
    if (!size && status) fprintf(stderr, "%s\n", err.text);
    fuzz_check(size || !status, "a file that is not bent is read");
    check_error(status, &err, path);
}

/* ---- annotations ---- */

#define REPORT(name, value_)                        \
    {                                               \
        "/report", name, SHAPE_INT, .value = value_ \
    }

void fuzz_annotations(const uint8_t *bytes, size_t n)
{
    static const shape_item items[] = {
        ROOT("anchorage-annotations"),
        DATA("/images/id", ANC_H5_I64, ascending, 1, 3),
        DATA("/images/size", ANC_H5_I32, hundred, 2, 3, 2),
        { "/images/file_name", .kind = SHAPE_NAMES, .rank = 1, .dims = { 3 } },
        DATA("/boxes/offset", ANC_H5_I64, box_offset, 1, 4),
        DATA("/boxes/xyxy", ANC_H5_F64, boxes, 2, 5, 4),
        DATA("/boxes/category", ANC_H5_I32, one, 1, 5),
        DATA("/boxes/crowd", ANC_H5_U8, zero, 1, 5),
        DATA("/boxes/id", ANC_H5_I64, ascending, 1, 5),
        DATA("/categories/id", ANC_H5_I32, ascending, 1, 2),
        { "/categories/name", .kind = SHAPE_NAMES, .rank = 1, .dims = { 2 } },
        REPORT("annotations", four),
        REPORT("empty_boxes", zero),
        REPORT("over_edge", zero),
        REPORT("outside", zero),
        REPORT("crowds", zero),
        REPORT("duplicate_ids", zero),
        REPORT("without_boxes", one),
    };
    int with_report = n ? bytes[0] & 1 : 1; /* without: the boxes are counted */
    run(items, with_report ? COUNT(items) : COUNT(items) - 7, bytes + (n > 0), n ? n - 1 : 0,
        fuzz_read_annotations);
}

/* ---- targets ---- */

/* Of each view: anchor 5 is positive, anchor 7 ignored; the minibatch is 5 | 1 2 3. */
static double anchor_of(int64_t i) { return (double[]){ 5, 1, 2, 3 }[i % 4]; }
static double label_of(int64_t i) { return i % 4 == 0; }
static double kept_of(int64_t i) { return i % 2 ? 7 : 5; }
static double kept_gt(int64_t i) { return i % 2 ? -1 : 0; }
static double every_label(int64_t i) { return i % 60 == 5 ? 1 : i % 60 == 7 ? -1 : 0; }
static double count_of(int64_t i) { return (double[]){ 1, 58, 1 }[i % 3]; }
static double grid_of(int64_t i) { return i % 4 < 2 ? 4 : 2; }
static double by_two(int64_t i) { return 2 * (double)i; }
static double by_four(int64_t i) { return 4 * (double)i; }
static double by_sixty(int64_t i) { return 60 * (double)i; }
static double base_of(int64_t i) { return i % 4 < 2 ? -16 : 16; }
static double stride0(int64_t i) { return (void)i, 16; }
static double stride1(int64_t i) { return (void)i, 32; }
static double sixty(int64_t i) { return (void)i, 60; }
static double sixty_four(int64_t i) { return (void)i, 64; }

/* Of each view three RoIs: one positive, two negatives. */
static double roi_label(int64_t i) { return i % 3 ? 0 : 4; }
static double roi_proposal(int64_t i) { return (double)(i % 3); }

typedef struct {
    double (*value)(int64_t i);
} filler;
static const filler fillers[ANC_N_COLUMNS] = {
    [ANC_VIEWS_IMAGE_ID] = { ascending },
    [ANC_VIEWS_EPOCH] = { zero },
    [ANC_VIEWS_FLIP] = { zero },
    [ANC_VIEWS_SIZE] = { sixty },
    [ANC_VIEWS_PADDED_SIZE] = { sixty_four },
    [ANC_VIEWS_SCALE] = { one },
    [ANC_VIEWS_GRID] = { grid_of },
    [ANC_VIEWS_COUNT] = { count_of },
    [ANC_MINIBATCH_ANCHOR] = { anchor_of },
    [ANC_MINIBATCH_LABEL] = { label_of },
    [ANC_POSITIVES_TARGET] = { tenth },
    [ANC_POSITIVES_GT] = { zero },
    [ANC_ASSIGNMENT_ANCHOR] = { kept_of },
    [ANC_ASSIGNMENT_GT] = { kept_gt },
    [ANC_LABELS_LABEL] = { every_label },
    [ANC_GT_XYXY] = { boxes },
    [ANC_GT_CATEGORY] = { one },
    [ANC_GT_CROWD] = { zero },
    [ANC_GT_USED] = { one },
    [ANC_ROIS_XYXY] = { boxes },
    [ANC_ROIS_LABEL] = { roi_label },
    [ANC_ROIS_PROPOSAL] = { roi_proposal },
};
static const struct {
    int per_view;
    double (*offset)(int64_t i);
} rows_of[ANC_ROWS_KINDS] = {
    [ANC_ROWS_VIEWS] = { 1, NULL },         [ANC_ROWS_MINIBATCH] = { 4, by_four },
    [ANC_ROWS_POSITIVES] = { 1, counting }, [ANC_ROWS_ASSIGNMENT] = { 2, by_two },
    [ANC_ROWS_LABELS] = { 60, by_sixty },   [ANC_ROWS_GT] = { 1, counting },
};

enum { SHARDS = 2, ROOM = 64 };
static const char *const shard_names[SHARDS] = { "shard-00000-of-00002.h5", "shard-00001-of-00002.h5" };
static const int64_t shard_views[SHARDS] = { 1, 2 };
static int64_t shard_rows[ANC_ROWS_KINDS][SHARDS];
static char *config;

/* Where the three views of an index are, and of which image. */
static double view_shard(int64_t i) { return i > 0; }
static double view_row(int64_t i) { return i > 1; }

static int list_places(shape_item items[ROOM], int n)
{
    const shape_item places[] = {
        DATA("/views/shard", ANC_H5_I32, view_shard, 1, 3),
        DATA("/views/row", ANC_H5_I32, view_row, 1, 3),
        DATA("/views/image", ANC_H5_I32, view_row, 1, 3), /* ids ascend from 1 in each shard */
        { "/shards/file_name", .kind = SHAPE_NAMES, .rank = 1, .dims = { 2 }, .n_maps = SHARDS,
          .map = shard_names },
        DATA("/images/id", ANC_H5_I64, ascending, 1, 2),
        { "/images/file_name", .kind = SHAPE_NAMES, .rank = 1, .dims = { 2 } },
    };
    memcpy(items + n, places, sizeof places);
    return n + COUNT(places);
}

/* What targets of n views hold; an index (of both shards) maps all but the offsets. */
static int list_targets(shape_item items[ROOM], int64_t views, int with, int index)
{
    static const shape_item root[] = {
        ROOT("anchorage-targets"),
        DATA("/anchors/level0/base", ANC_H5_F32, base_of, 2, 3, 4),
        { "/anchors/level0", "stride", SHAPE_INT, .value = stride0 },
        { "/anchors/level0", "offset", SHAPE_REAL, .value = zero },
        { "/anchors/level0", "stride_from_grid", SHAPE_INT, .value = one },
        DATA("/anchors/level1/base", ANC_H5_F32, base_of, 2, 3, 4),
        { "/anchors/level1", "stride", SHAPE_INT, .value = stride1 },
        { "/anchors/level1", "offset", SHAPE_REAL, .value = zero },
        { "/anchors/level1", "stride_from_grid", SHAPE_INT, .value = zero },
    };
    static char offset_names[ANC_ROWS_KINDS][64];
    int n = COUNT(root);
    memcpy(items, root, sizeof root);
    if (!config) {
        size_t length;
        FILE *to = open_memstream(&config, &length);
        fputs("{\"seed\":0,\"rules\":", to);
        anc_config_json(anc_rules_preset("torchvision-fpn"), to);
        fputs("}", to);
        fclose(to);
    }
    items[n++] = (shape_item){ "/", "config", SHAPE_TEXT, .text = config };
    for (int k = 1; k < ANC_ROWS_KINDS; k++) {
        if (!(with >> k & 1)) continue;
        snprintf(offset_names[k], sizeof offset_names[k], "%s/offset", anc_targets_kinds[k].group);
        items[n++] = (shape_item)DATA(offset_names[k], ANC_H5_I64, rows_of[k].offset, 1, views + 1);
    }
    for (int c = 0; c < ANC_N_COLUMNS; c++) {
        int k = anc_columns[c].rows;
        if (!(with >> k & 1)) continue;
        anc_h5_spec spec = anc_targets_spec(c, views * rows_of[k].per_view, 2);
        items[n] = (shape_item){
            .object = spec.name, .type = spec.type, .rank = spec.rank, .value = fillers[c].value
        };
        memcpy(items[n].dims, spec.dims, sizeof spec.dims);
        for (int s = 0; s < SHARDS; s++) shard_rows[k][s] = shard_views[s] * rows_of[k].per_view;
        if (index) items[n].n_maps = SHARDS, items[n].map = shard_names, items[n].rows = shard_rows[k];
        n++;
    }
    return index ? list_places(items, n) : n;
}

enum { ALL_KINDS = 63, FEW_KINDS = 7 };

void fuzz_shard(const uint8_t *bytes, size_t n)
{
    shape_item items[ROOM];
    int count = list_targets(items, 3, n && bytes[0] & 1 ? FEW_KINDS : ALL_KINDS, 0);
    items[count++] = (shape_item){ "/", "shard", SHAPE_INT, .value = zero };
    run(items, count, bytes + (n > 0), n ? n - 1 : 0, fuzz_read_targets);
}

/* An index over two good shards, or over one that is bent, too. */
void fuzz_index(const uint8_t *bytes, size_t n)
{
    static int good[SHARDS] = { -1, -1 };
    shape_item items[ROOM];
    shape_stream none = { NULL, NULL }, s = { bytes, bytes + n };
    char path[256];
    unsigned how = shape_take(&s);
    int with = how & 1 ? FEW_KINDS : ALL_KINDS, bad = how & 2 ? (int)(how >> 2 & 1) : -1;
    for (int i = 0; i < SHARDS; i++) {
        if (good[i] == with && i != bad) continue;
        int count = list_targets(items, shard_views[i], with, 0);
        items[count++] = (shape_item){ "/", "shard", SHAPE_INT, .value = i ? one : zero };
        snprintf(path, sizeof path, "%s/%s", fuzz_dir(), shard_names[i]);
        unlink(path);
        shape_write(path, items, count, i == bad ? &s : &none);
        good[i] = i == bad ? -1 : with;
    }
    int count = list_targets(items, 3, with, 1);
    items[count++] = (shape_item){ "/", "shards", SHAPE_INT, .value = two };
    snprintf(path, sizeof path, "%s/targets.h5", fuzz_dir());
    unlink(path);
    shape_write(path, items, count, &s);
    anc_err err = { 0 };
    anc_status status = read_closed(fuzz_read_targets, how & 8 ? path : fuzz_dir(), &err);
    if (!n && status) fprintf(stderr, "%s\n", err.text);
    fuzz_check(n || !status, "an index that is not bent is read");
    check_error(status, &err, path);
}

/* ---- targets of the second stage ---- */

static double by_three(int64_t i) { return 3 * (double)i; }
static double class_label(int64_t i) { return 4 + (double)i; }

void fuzz_roi_shard(const uint8_t *bytes, size_t n)
{
    enum {
        WITH_GT = 1 << ANC_ROWS_VIEWS | 1 << ANC_ROWS_POSITIVES | 1 << ANC_ROWS_ROIS | 1 << ANC_ROWS_GT,
        VIEWS = 3
    };
    static const shape_item root[] = {
        ROOT("anchorage-roi-targets"),
        { "/", "config", SHAPE_TEXT, .text = "{}" },
        { "/", "shard", SHAPE_INT, .value = zero },
        DATA("/classes/category", ANC_H5_I32, ascending, 1, 2),
        DATA("/classes/label", ANC_H5_I32, class_label, 1, 2),
        { "/classes", "background", SHAPE_INT, .value = zero },
    };
    static const struct {
        int per_view;
        double (*offset)(int64_t i);
    } rows[ANC_ROWS_KINDS] = { [ANC_ROWS_VIEWS] = { 1, NULL },
                               [ANC_ROWS_POSITIVES] = { 1, counting },
                               [ANC_ROWS_GT] = { 1, counting },
                               [ANC_ROWS_ROIS] = { 3, by_three } };
    static char offset_names[ANC_ROWS_KINDS][64];
    shape_item items[ROOM];
    bool with[ANC_ROWS_ALL];
    int count = COUNT(root), kinds = n && bytes[0] & 1 ? WITH_GT & ~(1 << ANC_ROWS_GT) : WITH_GT;
    memcpy(items, root, sizeof root);
    for (int k = 0; k < ANC_ROWS_KINDS; k++) {
        with[k] = kinds >> k & 1;
        if (!with[k] || !k) continue;
        snprintf(offset_names[k], sizeof offset_names[k], "%s/offset", anc_targets_kinds[k].group);
        items[count++] = (shape_item)DATA(offset_names[k], ANC_H5_I64, rows[k].offset, 1, VIEWS + 1);
    }
    for (int c = 0; c < ANC_N_COLUMNS; c++) {
        if (!anc_targets_has(with, 0, c)) continue;
        anc_h5_spec spec = anc_targets_spec(c, VIEWS * rows[anc_columns[c].rows].per_view, 0);
        items[count] = (shape_item){
            .object = spec.name, .type = spec.type, .rank = spec.rank, .value = fillers[c].value
        };
        memcpy(items[count++].dims, spec.dims, sizeof spec.dims);
    }
    run(items, count, bytes + (n > 0), n ? n - 1 : 0, fuzz_read_targets);
}

/* ---- features ---- */

static double grid0(int64_t i) { return (void)i, 4; }
static double by_sixteen(int64_t i) { return 16 * (double)i; }

void fuzz_features(const uint8_t *bytes, size_t n)
{
    shape_item items[] = {
        ROOT("anchorage-features"),
        DATA("/images/id", ANC_H5_I64, ascending, 1, 3),
        DATA("/images/size", ANC_H5_I32, sixty, 2, 3, 2),
        DATA("/images/padded_size", ANC_H5_I32, sixty_four, 2, 3, 2),
        DATA("/images/original_size", ANC_H5_I32, hundred, 2, 3, 2),
        DATA("/images/scale", ANC_H5_F32, one, 2, 3, 2),
        DATA("/level0/feature", ANC_H5_F32, tenth, 2, 48, 4),
        DATA("/level0/offset", ANC_H5_I64, by_sixteen, 1, 4),
        DATA("/level0/grid", ANC_H5_I32, grid0, 2, 3, 2),
        { "/level0", "stride", SHAPE_INT, .value = stride0 },
        { "/level0", "channels", SHAPE_INT, .value = four },
        DATA("/level1/feature", ANC_H5_F32, tenth, 2, 12, 4),
        DATA("/level1/offset", ANC_H5_I64, by_four, 1, 4),
        DATA("/level1/grid", ANC_H5_I32, two, 2, 3, 2),
        { "/level1", "stride", SHAPE_INT, .value = stride1 },
        { "/level1", "channels", SHAPE_INT, .value = four },
    };
    if (n && bytes[0] & 1) items[8].type = items[13].type = ANC_H5_F16;
    run(items, COUNT(items), bytes + (n > 0), n ? n - 1 : 0, fuzz_read_features);
}

/* ---- head ---- */

#define TENSORS(group)                                                           \
    DATA(group "/head.conv.0.0.weight", ANC_H5_F32, tenth, 4, 6, 4, 3, 3),       \
        DATA(group "/head.conv.0.0.bias", ANC_H5_F32, tenth, 1, 6),              \
        DATA(group "/head.cls_logits.weight", ANC_H5_F32, tenth, 4, 3, 6, 1, 1), \
        DATA(group "/head.cls_logits.bias", ANC_H5_F32, tenth, 1, 3),            \
        DATA(group "/head.bbox_pred.weight", ANC_H5_F32, tenth, 4, 12, 6, 1, 1), \
        DATA(group "/head.bbox_pred.bias", ANC_H5_F32, tenth, 1, 12)

void fuzz_head(const uint8_t *bytes, size_t n)
{
    static const shape_item items[] = {
        ROOT("anchorage-head"),
        { "/", "config", SHAPE_TEXT, .text = "{}" },
        TENSORS(""),
        { "/", "step", SHAPE_INT, .value = two },
        TENSORS("/momentum"),
        DATA("/history/step", ANC_H5_F64, tenth, 2, 2, 4),
        DATA("/anchors/level0/base", ANC_H5_F32, base_of, 2, 3, 4),
        { "/anchors/level0", "stride", SHAPE_INT, .value = stride0 },
        { "/anchors/level0", "offset", SHAPE_REAL, .value = zero },
        { "/anchors/level0", "stride_from_grid", SHAPE_INT, .value = one },
    };
    run(items, COUNT(items), bytes, n, fuzz_read_head);
}

/* ---- proposals ---- */

void fuzz_proposals(const uint8_t *bytes, size_t n)
{
    static const shape_item items[] = {
        ROOT("anchorage-proposals"),
        { "/", "config", SHAPE_TEXT, .text = "{}" },
        DATA("/images/id", ANC_H5_I64, ascending, 1, 3),
        DATA("/proposals/offset", ANC_H5_I64, box_offset, 1, 4),
        DATA("/proposals/xyxy", ANC_H5_F32, boxes, 2, 5, 4),
        DATA("/proposals/score", ANC_H5_F32, tenth, 1, 5),
        DATA("/proposals/level", ANC_H5_I32, zero, 1, 5),
    };
    run(items, COUNT(items), bytes, n, fuzz_read_proposals);
}
