/* tests/unit/test_targets.c: shards and their index written, read back, and damaged */
#include "io/store/targets_read.h"
#include "tests/check.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

enum { VIEWS = 30, PER_SHARD = 8, SHARDS = 4 };

static anc_rules rules(void)
{
    anc_rules r = *anc_rules_preset("torchvision-fpn");
    r.view.min_size[0] = 96;
    r.view.max_size = 160;
    r.view.flip = 0.5;
    return r;
}

/* Labels views [first, first + n) of a data set that is drawn from the view's number. */
static void gather(anc_targets *t, const anc_rules *r, int first, int n, bool rich)
{
    anc_labeller l = { .rules = r, .kernels = anc_kernels_find(NULL), .seed = 9 };
    anc_err err;
    CU_ASSERT_FATAL(!anc_targets_init(t, r, (anc_kept){ rich, rich, rich, false }, &err));
    for (int v = first; v < first + n; v++) {
        check_rng random = { (unsigned long long)v };
        anc_gt gt[40];
        int h = check_int(&random, 50, 200), w = check_int(&random, 50, 200),
            n_gt = v % 5 ? check_int(&random, 0, 9) : 0;
        for (int i = 0; i < n_gt; i++) {
            double x = check_uniform(&random) * w, y = check_uniform(&random) * h;
            gt[i] =
                (anc_gt){ { x, y, x + 5 + check_uniform(&random) * 90, y + 5 + check_uniform(&random) * 90 },
                          i + 1,
                          check_int(&random, 1, 90),
                          check_int(&random, 0, 7) == 0,
                          0 };
        }
        CU_ASSERT_FATAL(!anc_label_by_rule(&l, 1000 + v, v % 3, h, w, gt, n_gt, &err) &&
                        !anc_label_match(&l, &err) && !anc_label_sample(&l, &err) &&
                        !anc_label_encode(&l, &err));
        CU_ASSERT_FATAL(!anc_targets_append(t, &l, &err));
    }
    anc_labeller_free(&l);
}

static void same(const anc_targets *a, const anc_targets *b)
{
    for (int k = 0; k < ANC_ROWS_KINDS; k++) {
        CU_ASSERT_EQUAL_FATAL(a->with[k], b->with[k]);
        if (!a->with[k]) continue;
        CU_ASSERT_EQUAL_FATAL(a->n[k], b->n[k]);
        if (k) CU_ASSERT_FATAL(!memcmp(a->offset[k], b->offset[k], ((size_t)a->n[0] + 1) * sizeof(int64_t)));
    }
    for (int c = 0; c < ANC_N_COLUMNS; c++) {
        anc_rows k = anc_columns[c].rows;
        size_t bytes = (size_t)a->n[k] * anc_targets_row_bytes(c, a->n_levels);
        if (a->with[k] && bytes && memcmp(a->column[c], b->column[c], bytes))
            CU_FAIL_FATAL("a column differs");
    }
}

/* A folder of shards and their index. */
static const char *write_all(const char *name, bool rich)
{
    const char *dir = check_path("targets-%s", name); /* all suites share one folder */
    anc_rules r = rules();
    anc_targets_about about = { .config = "{\"seed\":9}", .rules = &r };
    anc_err err = { 0 };
    int64_t n_bytes;
    mkdir(dir, 0777);
    for (int s = 0; s < SHARDS; s++) {
        anc_targets t;
        char shard[64];
        gather(&t, &r, s * PER_SHARD, s == SHARDS - 1 ? VIEWS - s * PER_SHARD : PER_SHARD, rich);
        anc_targets_shard_name(shard, s, SHARDS);
        about.shard = s;
        CU_ASSERT_FATAL(
            !anc_targets_write(&t, check_path("targets-%s/%s", name, shard), &about, &n_bytes, &err));
        struct stat info;
        CU_ASSERT(!stat(check_path("targets-%s/%s", name, shard), &info) && info.st_size == n_bytes);
        anc_targets_clear(&t);
    }
    bool with[ANC_ROWS_KINDS] = { true, true, true, rich, rich, rich };
    CU_ASSERT_FATAL(!anc_targets_write_index(dir, SHARDS, with, r.anchors.n_levels, &about, &n_bytes, &err));
    return dir;
}

static anc_targets_file *opened(const char *path)
{
    anc_targets_file *f = NULL;
    anc_err err = { 0 };
    CU_ASSERT_EQUAL(anc_targets_open(path, &f, &err), ANC_OK);
    if (err.code) puts(err.text);
    CU_ASSERT_FATAL(f != NULL);
    return f;
}

static void a_shard_reads_back_as_it_was_gathered(void)
{
    for (int rich = 0; rich < 2; rich++) {
        const char *dir = write_all(rich ? "rich" : "plain", rich);
        anc_rules r = rules();
        anc_targets wanted, got = { 0 };
        anc_err err = { 0 };
        char path[4096];
        gather(&wanted, &r, PER_SHARD, PER_SHARD, rich);
        snprintf(path, sizeof path, "%s/shard-00001-of-00004.h5", dir);
        anc_targets_file *f = opened(path);
        const anc_targets_info *info = anc_targets_about_file(f);
        CU_ASSERT(!info->index && info->n[0] == PER_SHARD && info->n_levels == 5 &&
                  info->level[2].stride == 16);
        CU_ASSERT(info->level[0].n_shapes == 3 && info->level[0].base[0][0] == -23 &&
                  info->level[0].stride_from_grid);
        CU_ASSERT_STRING_EQUAL(info->config, "{\"seed\":9}");
        CU_ASSERT_EQUAL(anc_targets_read(f, 0, PER_SHARD, &got, &err), ANC_OK);
        same(&got, &wanted);
        anc_targets_close(f);
        anc_targets_clear(&got);
        anc_targets_clear(&wanted);
    }
}

static void an_index_reads_as_its_shards_in_a_row(void)
{
    const char *dir = write_all("index", true);
    anc_rules r = rules();
    anc_targets wanted, got = { 0 };
    anc_err err = { 0 };
    anc_targets_file *f = opened(dir);
    CU_ASSERT(anc_targets_about_file(f)->index && anc_targets_about_file(f)->n_shards == SHARDS);
    check_rng random = { 2 };
    for (int i = 0; i < 60; i++) { /* any run of views, over any number of shards */
        int first = i ? check_int(&random, 0, VIEWS) : 0,
            n = i ? check_int(&random, 0, VIEWS - first) : VIEWS;
        gather(&wanted, &r, first, n, true);
        CU_ASSERT_EQUAL(anc_targets_read(f, first, n, &got, &err), ANC_OK);
        same(&got, &wanted);
        anc_targets_clear(&wanted);
    }
    anc_targets_close(f);
    anc_targets_clear(&got);
}

/* Through HDF5's own virtual datasets, as other readers see it. */
static void read_virtual(const char *dir)
{
    anc_rules r = rules();
    anc_targets wanted;
    anc_h5_file f = { 0 };
    anc_err err = { 0 };
    char path[4096];
    snprintf(path, sizeof path, "%s/targets.h5", dir);
    gather(&wanted, &r, 0, VIEWS, true);
    CU_ASSERT_FATAL(!anc_h5_open(path, ANC_TARGETS_FORMAT, ANC_TARGETS_VERSION, &f, &err));
    for (int c = 0; c < ANC_N_COLUMNS; c++) {
        if (!anc_targets_has(wanted.with, 5, c)) continue;
        anc_h5_spec spec = anc_targets_spec(c, wanted.n[anc_columns[c].rows], 5);
        void *data;
        int64_t n;
        CU_ASSERT_FATAL(!anc_h5_read(&f, spec.name, spec.type, spec.rank, spec.dims, &data, &n, &err));
        if (memcmp(data, wanted.column[c], (size_t)n * anc_targets_row_bytes(c, 5)))
            CU_FAIL("a virtual dataset differs");
        free(data);
    }
    int64_t *offset, n;
    CU_ASSERT_FATAL(!anc_h5_read(&f, "/minibatch/offset", ANC_H5_I64, 1, (int64_t[]){ VIEWS + 1 },
                                 (void **)&offset, &n, &err));
    CU_ASSERT_EQUAL(memcmp(offset, wanted.offset[ANC_ROWS_MINIBATCH], (VIEWS + 1) * sizeof *offset), 0);
    free(offset);
    anc_h5_close(&f);
    anc_targets_clear(&wanted);
}

static void a_moved_folder_still_reads_as_a_whole(void)
{
    read_virtual(write_all("here", true));
    CU_ASSERT_EQUAL(rename(check_path("targets-here"), check_path("targets-there")), 0);
    read_virtual(check_path("targets-there"));
    anc_targets_close(opened(check_path("targets-there/")));
}

static uint64_t checksum_of(const char *path, int run)
{
    anc_targets_file *f = opened(path);
    anc_targets t = { 0 };
    anc_targets_sum sum = { 0 };
    anc_err err = { 0 };
    int n = (int)anc_targets_about_file(f)->n[0];
    for (int v = 0; v < n; v += run) {
        CU_ASSERT_FATAL(!anc_targets_read(f, v, n - v < run ? n - v : run, &t, &err));
        anc_targets_sum_add(&sum, &t);
    }
    uint64_t h = anc_targets_sum_end(&sum, anc_targets_about_file(f));
    anc_targets_close(f);
    anc_targets_clear(&t);
    return h;
}

static void the_checksum_is_of_the_content_alone(void)
{
    anc_rules r = rules();
    anc_targets t;
    anc_err err = { 0 };
    int64_t n_bytes;
    anc_targets_about about = { .config = "{}", .rules = &r };
    const char *dir = write_all("sum", true), *single = check_path("single.h5");
    uint64_t wanted = checksum_of(dir, VIEWS);
    CU_ASSERT_EQUAL(checksum_of(dir, 1), wanted);
    CU_ASSERT_EQUAL(checksum_of(dir, 7), wanted);
    gather(&t, &r, 0, VIEWS, true);
    CU_ASSERT_FATAL(!anc_targets_write(&t, single, &about, &n_bytes, &err));
    CU_ASSERT_EQUAL(checksum_of(single, 11), wanted);
    /* any one value counts */
    float *x = (float *)t.column[ANC_POSITIVES_TARGET] + 5;
    *x += 1;
    CU_ASSERT_FATAL(!anc_targets_write(&t, single, &about, &n_bytes, &err));
    CU_ASSERT_NOT_EQUAL(checksum_of(single, 11), wanted);
    *x -= 1;
    ((uint8_t *)t.column[ANC_VIEWS_FLIP])[VIEWS - 1] ^= 1;
    CU_ASSERT_FATAL(!anc_targets_write(&t, single, &about, &n_bytes, &err));
    CU_ASSERT_NOT_EQUAL(checksum_of(single, 11), wanted);
    anc_targets_clear(&t);
}

static void refused(const char *dir, const char *says)
{
    anc_targets_file *f = NULL;
    anc_err err = { 0 };
    CU_ASSERT_EQUAL(anc_targets_open(dir, &f, &err), ANC_EDATA);
    if (!strstr(err.text, says)) puts(err.text);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, says));
    if (!err.code) anc_targets_close(f);
}

static void a_shard_that_is_missing_or_another_is_named(void)
{
    const char *dir = write_all("faults", false);
    const char *one = check_path("targets-faults/shard-00001-of-00004.h5"),
               *kept = check_path("targets-faults/kept.h5");
    rename(one, kept);
    refused(dir, "faults/shard-00001-of-00004.h5: the shard is missing");
    CU_ASSERT_EQUAL(check_run(NULL, "cp %s %s", check_path("targets-faults/shard-00002-of-00004.h5"), one),
                    0);
    refused(dir, "faults/shard-00001-of-00004.h5: "); /* as many views, others */
    CU_ASSERT_EQUAL(check_run(NULL, "cp %s %s", check_path("targets-faults/shard-00003-of-00004.h5"), one),
                    0);
    refused(dir, "faults/shard-00001-of-00004.h5: is shard 3 under another's name");
    CU_ASSERT_EQUAL(check_run(NULL, "head -c 9000 %s > %s", kept, one), 0);
    refused(dir, "faults/shard-00001-of-00004.h5: ");
    anc_rules r = rules();
    anc_targets t;
    anc_err err;
    int64_t n_bytes;
    gather(&t, &r, PER_SHARD, PER_SHARD, false);
    CU_ASSERT(!anc_targets_write(
        &t, one, &(anc_targets_about){ .config = "{\"seed\":8}", .rules = &r, .shard = 1 }, &n_bytes, &err));
    refused(dir, "faults/shard-00001-of-00004.h5: is of another run");
    anc_targets_clear(&t);
    rename(kept, one);
    anc_targets_close(opened(dir));
    unlink(check_path("targets-faults/targets.h5"));
    refused(dir, "faults: the folder holds no targets.h5");
}

/* Each damage to what is written, and the words that name it. */
static void rows_that_break_a_promise_are_named_with_their_view(void)
{
    anc_rules r = rules();
    anc_targets t;
    gather(&t, &r, 0, VIEWS, true);
    int v = 7;
    int64_t row = t.offset[ANC_ROWS_MINIBATCH][v], positive = t.offset[ANC_ROWS_POSITIVES][v];
    CU_ASSERT_FATAL(t.offset[ANC_ROWS_POSITIVES][v + 1] - positive >= 2);
    int32_t *anchor = (int32_t *)t.column[ANC_MINIBATCH_ANCHOR] + row,
            *count = (int32_t *)t.column[ANC_VIEWS_COUNT] + 3 * v;
    int8_t *label = (int8_t *)t.column[ANC_LABELS_LABEL] + t.offset[ANC_ROWS_LABELS][v];
    int32_t *grid = (int32_t *)t.column[ANC_VIEWS_GRID] + 10 * v,
            *gt = (int32_t *)t.column[ANC_POSITIVES_GT] + positive;
    int32_t *rest = (int32_t *)t.column[ANC_ASSIGNMENT_ANCHOR] + t.offset[ANC_ROWS_ASSIGNMENT][v];
    float *target = (float *)t.column[ANC_POSITIVES_TARGET] + 4 * positive, nan = __builtin_nanf("");
    int32_t bits;
    memcpy(&bits, &nan, sizeof bits);
    const struct {
        void *at;
        int32_t value;
        const char *says;
    } damage[] = {
        { anchor, -1, "/minibatch/anchor is not an anchor" },
        { anchor, 1 << 30, "/minibatch/anchor is not an anchor" },
        { anchor + 1, anchor[0], "/minibatch/anchor does not ascend" },
        { count, count[0] + 1, "/views/count does not add up" },
        { grid, 0, "/views/grid has no positions" },
        { grid, INT32_MAX, "/views/grid has no positions, or too many" },
        { target, bits, "/positives/target is not a number" },
        { gt, 99, "/positives/gt is no box" },
        { gt, -1, "/positives/gt is no box" },
        { rest + 1, rest[0], "/assignment/anchor does not ascend" },
        { (int32_t *)t.column[ANC_VIEWS_SIZE] + 2 * v, 0, "/views/size is not positive" },
        { (int32_t *)t.column[ANC_VIEWS_PADDED_SIZE] + 2 * v, 1, "/views/padded_size is less" },
        { (int32_t *)t.column[ANC_VIEWS_EPOCH] + v, -1, "/views/epoch is negative" },
    };
    for (size_t i = 0; i <= sizeof damage / sizeof *damage; i++) {
        bool last = i == sizeof damage / sizeof *damage;
        int32_t kept = 0;
        int8_t kept_label = label[0];
        if (last)
            label[0] = 2;
        else {
            memcpy(&kept, damage[i].at, sizeof kept);
            memcpy(damage[i].at, &damage[i].value, sizeof kept);
        }
        const char *path = check_path("damaged.h5");
        anc_targets got = { 0 };
        anc_err err = { 0 };
        int64_t n_bytes;
        CU_ASSERT_FATAL(!anc_targets_write(&t, path, &(anc_targets_about){ .config = "{}", .rules = &r },
                                           &n_bytes, &err));
        anc_targets_file *f = opened(path);
        CU_ASSERT_EQUAL(anc_targets_read(f, 5, 5, &got, &err), ANC_EDATA);
        const char *says = last ? "/labels/label is none of" : damage[i].says;
        if (!strstr(err.text, says)) printf("wanted: %s\ngot: %s\n", says, err.text);
        CU_ASSERT_PTR_NOT_NULL(strstr(err.text, says));
        CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "damaged.h5: view 7 (image 1007): "));
        anc_targets_clear(&got);
        anc_targets_close(f);
        if (last)
            label[0] = kept_label;
        else
            memcpy(damage[i].at, &kept, sizeof kept);
    }
    anc_targets_clear(&t);
}

static void an_empty_data_set_has_an_index_of_no_shards(void)
{
    anc_rules r = rules();
    anc_err err = { 0 };
    int64_t n_bytes;
    const bool with[ANC_ROWS_KINDS] = { true, true, true, true, true, true };
    mkdir(check_path("targets-none"), 0777);
    CU_ASSERT_FATAL(!anc_targets_write_index(check_path("targets-none"), 0, with, 5,
                                             &(anc_targets_about){ .config = "{}", .rules = &r }, &n_bytes,
                                             &err));
    anc_targets_file *f = opened(check_path("targets-none"));
    const anc_targets_info *info = anc_targets_about_file(f);
    CU_ASSERT(info->index && info->n_shards == 0 && info->n[0] == 0 && info->n[ANC_ROWS_LABELS] == 0);
    anc_targets t = { 0 };
    CU_ASSERT_EQUAL(anc_targets_read(f, 0, 0, &t, &err), ANC_OK);
    anc_targets_clear(&t);
    anc_targets_close(f);
}

/* What the three optional kinds say of each view agrees with its minibatch and with each other. */
static void the_optional_rows_agree_with_each_other(void)
{
    anc_rules r = rules();
    anc_targets t;
    gather(&t, &r, 0, VIEWS, true);
    const int32_t *row_anchor = t.column[ANC_ASSIGNMENT_ANCHOR], *row_gt = t.column[ANC_ASSIGNMENT_GT];
    const int32_t *anchor = t.column[ANC_MINIBATCH_ANCHOR], *gt = t.column[ANC_POSITIVES_GT];
    const int8_t *sampled = t.column[ANC_MINIBATCH_LABEL];
    const uint8_t *used = t.column[ANC_GT_USED];
    for (int v = 0; v < VIEWS; v++) {
        const int8_t *label = (int8_t *)t.column[ANC_LABELS_LABEL] + t.offset[ANC_ROWS_LABELS][v];
        int64_t n = t.offset[ANC_ROWS_LABELS][v + 1] - t.offset[ANC_ROWS_LABELS][v],
                k = t.offset[ANC_ROWS_ASSIGNMENT][v];
        for (int32_t a = 0; a < n; a++) { /* the rows are just the anchors whose label is not 0 */
            if (!label[a]) continue;
            CU_ASSERT_FATAL(k < t.offset[ANC_ROWS_ASSIGNMENT][v + 1] && row_anchor[k] == a &&
                            (row_gt[k] >= 0) == (label[a] == 1));
            if (row_gt[k] >= 0) CU_ASSERT_FATAL(used[t.offset[ANC_ROWS_GT][v] + row_gt[k]]);
            k++;
        }
        CU_ASSERT_EQUAL_FATAL(k, t.offset[ANC_ROWS_ASSIGNMENT][v + 1]);
        int64_t p = t.offset[ANC_ROWS_POSITIVES][v];
        k = t.offset[ANC_ROWS_ASSIGNMENT][v];
        for (int64_t i = t.offset[ANC_ROWS_MINIBATCH][v]; i < t.offset[ANC_ROWS_MINIBATCH][v + 1]; i++) {
            CU_ASSERT_FATAL(label[anchor[i]] == sampled[i]);
            if (!sampled[i]) continue;
            while (row_anchor[k] != anchor[i]) k++;
            CU_ASSERT_FATAL(row_gt[k] == gt[p++]);
        }
    }
    anc_targets_clear(&t);
}

static void the_same_content_gives_the_same_bytes(void)
{
    write_all("once", true);
    write_all("twice", true);
    CU_ASSERT_EQUAL(check_run(NULL, "diff -r %s %s", check_path("targets-once"), check_path("targets-twice")),
                    0);
}

CHECK_SUITE("targets", CHECK(a_shard_reads_back_as_it_was_gathered),
            CHECK(an_index_reads_as_its_shards_in_a_row), CHECK(a_moved_folder_still_reads_as_a_whole),
            CHECK(the_checksum_is_of_the_content_alone), CHECK(a_shard_that_is_missing_or_another_is_named),
            CHECK(rows_that_break_a_promise_are_named_with_their_view),
            CHECK(an_empty_data_set_has_an_index_of_no_shards),
            CHECK(the_optional_rows_agree_with_each_other), CHECK(the_same_content_gives_the_same_bytes));
