/* tests/unit/test_roi_targets.c: shards of the second stage and their index written, read back, and damaged */
#include "io/file/seal.h"
#include "io/store/targets_read.h"
#include "tests/check.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

enum { VIEWS = 20, PER_SHARD = 6, SHARDS = 4 };

static const int32_t category[] = { 2, 5, 6, 90 };

static anc_classes classes(anc_classes_rule rule) { return (anc_classes){ rule, 4, category }; }

static anc_rules rules(void)
{
    anc_rules r = *anc_rules_preset("torchvision-fpn");
    r.stage = ANC_STAGE_ROI;
    r.view.min_size[0] = 96;
    r.view.max_size = 160;
    r.view.flip = 0.5;
    r.roi.batch = 24;
    return r;
}

/* Gathers views [first, first + n) of a data set that is drawn from the view's number. */
static anc_status gather(anc_targets *t, const anc_rules *r, const anc_classes *c, int first, int n,
                         bool gt_too, int32_t odd_category, anc_err *err)
{
    anc_labeller l = { .rules = r, .kernels = anc_kernels_find(NULL), .seed = 9 };
    anc_rois rois = { 0 };
    err->code = ANC_OK;
    CU_ASSERT_FATAL(!anc_targets_init(t, r, (anc_kept){ .gt = gt_too }, err));
    for (int v = first; v < first + n && !err->code; v++) {
        check_rng random = { (unsigned long long)v };
        anc_gt gt[8];
        double proposal[40][4];
        int n_gt = v % 5 ? check_int(&random, 0, 8) : 0, n_proposals = v % 7 ? check_int(&random, 1, 40) : 0;
        for (int i = 0; i < n_gt + n_proposals; i++) {
            double x = check_uniform(&random) * 100, y = check_uniform(&random) * 100;
            double b[4] = { x, y, x + 5 + check_uniform(&random) * 60, y + 5 + check_uniform(&random) * 60 };
            if (i >= n_gt) {
                if (n_gt && i % 2) memcpy(b, gt[i % n_gt].xyxy, sizeof b);
                memcpy(proposal[i - n_gt], b, sizeof b);
                continue;
            }
            gt[i] = (anc_gt){ .id = i + 1,
                              .category = odd_category ? odd_category : category[check_int(&random, 0, 3)] };
            memcpy(gt[i].xyxy, b, sizeof b);
        }
        const anc_label_image image = {
            .id = 1000 + v, .epoch = v % 3, .h = 120, .w = 130, .annotation = gt, .n = n_gt
        };
        anc_label_rois(&l, &rois, &image, (const double(*)[4])proposal, n_proposals, c, t, NULL, err);
    }
    anc_rois_free(&rois);
    anc_labeller_free(&l);
    return err->code;
}

static void same(const anc_targets *a, const anc_targets *b)
{
    for (int k = 0; k < ANC_ROWS_KINDS; k++) {
        CU_ASSERT_EQUAL_FATAL(a->with[k], b->with[k]);
        CU_ASSERT_EQUAL_FATAL(a->n[k], b->n[k]);
        if (k && a->with[k])
            CU_ASSERT_FATAL(!memcmp(a->offset[k], b->offset[k], ((size_t)a->n[0] + 1) * sizeof(int64_t)));
    }
    for (int c = 0; c < ANC_N_COLUMNS; c++) {
        if (!anc_targets_has(a->with, 0, c)) continue;
        size_t bytes = (size_t)a->n[anc_columns[c].rows] * anc_targets_row_bytes(c, 0);
        CU_ASSERT(bytes > 0 && !memcmp(a->column[c], b->column[c], bytes));
    }
}

static void write_folder(const char *dir, const anc_rules *r, const anc_classes *c, bool gt)
{
    anc_err err = { 0 };
    int64_t n_bytes;
    bool with[ANC_ROWS_ALL];
    anc_targets_about about = { .config = "{\"seed\":9}", .rules = r, .classes = c };
    check_run(NULL, "mkdir -p %s", dir);
    for (int s = 0; s < SHARDS; s++) {
        anc_targets t;
        char name[64], path[4200];
        int n = s < SHARDS - 1 ? PER_SHARD : VIEWS - s * PER_SHARD;
        CU_ASSERT_FATAL(!gather(&t, r, c, s * PER_SHARD, n, gt, 0, &err));
        anc_targets_shard_name(name, s, SHARDS);
        snprintf(path, sizeof path, "%s/%s", dir, name);
        about.shard = s;
        CU_ASSERT_FATAL(!anc_targets_write(&t, path, &about, &n_bytes, &err));
        anc_targets_clear(&t);
    }
    anc_targets_kept(ANC_STAGE_ROI, (anc_kept){ .gt = gt }, with);
    CU_ASSERT_EQUAL(anc_targets_write_index(dir, SHARDS, with, 0, &about, &n_bytes, &err), ANC_OK);
    if (err.code) puts(err.text);
}

static void a_folder_reads_back_as_it_was_gathered(void)
{
    static const anc_classes_rule rule[] = { ANC_CLASSES_IDS, ANC_CLASSES_FROM_ONE, ANC_CLASSES_FROM_ZERO };
    static const int32_t label[3][4] = { { 2, 5, 6, 90 }, { 1, 2, 3, 4 }, { 0, 1, 2, 3 } };
    for (int i = 0; i < 3; i++) {
        const anc_classes c = classes(rule[i]);
        anc_rules r = rules();
        const char *dir = check_path("rois-%d", i);
        anc_targets whole, got = { 0 };
        anc_targets_file *f;
        anc_err err = { 0 };
        write_folder(dir, &r, &c, i != 1);
        CU_ASSERT_FATAL(!gather(&whole, &r, &c, 0, VIEWS, i != 1, 0, &err));
        CU_ASSERT_EQUAL_FATAL(anc_targets_open(dir, &f, &err), ANC_OK);
        const anc_targets_info *info = anc_targets_about_file(f);
        CU_ASSERT(info->stage == ANC_STAGE_ROI && info->n_levels == 0 && info->n_shards == SHARDS);
        CU_ASSERT(info->classes.n == 4 && info->classes.background == (i == 2 ? 4 : 0));
        CU_ASSERT(!memcmp(info->classes.label, label[i], sizeof label[i]) &&
                  !memcmp(info->classes.category, category, sizeof category));
        CU_ASSERT_EQUAL(anc_targets_read(f, 0, VIEWS, &got, &err), ANC_OK);
        same(&whole, &got);
        for (int v = 0; v < VIEWS; v++) CU_ASSERT_EQUAL(anc_targets_read(f, v, 1, &got, &err), ANC_OK);
        anc_targets_clear(&got);
        anc_targets_clear(&whole);
        anc_targets_close(f);
    }
}

/* A reader that was used for one kind of file serves the other. */
static void one_reader_takes_both_stages(void)
{
    anc_targets_file *f;
    anc_targets got = { 0 };
    anc_err err = { 0 };
    anc_labeller l = { .rules = anc_rules_preset("torchvision-fpn"), .kernels = anc_kernels_find(NULL) };
    anc_targets t;
    int64_t n_bytes;
    const char *path = check_path("anchors.h5");
    CU_ASSERT_FATAL(!anc_targets_init(&t, l.rules, (anc_kept){ 0 }, &err));
    CU_ASSERT_FATAL(!anc_label_by_rule(&l, 1, 0, 100, 100, NULL, 0, &err) && !anc_label_match(&l, &err) &&
                    !anc_label_sample(&l, &err) && !anc_label_encode(&l, &err) &&
                    !anc_targets_append(&t, &l, &err));
    CU_ASSERT_FATAL(!anc_targets_write(&t, path, &(anc_targets_about){ .config = "{}", .rules = l.rules },
                                       &n_bytes, &err));
    const char *files[] = { path, check_path("rois-0"), path, check_path("rois-1") };
    for (int i = 0; i < 4; i++) {
        CU_ASSERT_EQUAL_FATAL(anc_targets_open(files[i], &f, &err), ANC_OK);
        CU_ASSERT_EQUAL(anc_targets_read(f, 0, 1, &got, &err), ANC_OK);
        CU_ASSERT_EQUAL(got.with[ANC_ROWS_ROIS], i % 2);
        CU_ASSERT_EQUAL(got.with[ANC_ROWS_MINIBATCH], !(i % 2));
        anc_targets_close(f);
    }
    anc_targets_clear(&got);
    anc_targets_clear(&t);
    anc_labeller_free(&l);
}

static void a_category_that_is_none_is_named(void)
{
    anc_rules r = rules();
    const anc_classes c = classes(ANC_CLASSES_IDS);
    anc_targets t;
    anc_err err = { 0 };
    CU_ASSERT_EQUAL(gather(&t, &r, &c, 1, 3, false, 7, &err), ANC_EDATA);
    CU_ASSERT_PTR_NOT_NULL(
        strstr(err.text, "is of category 7, which is not in the data set's list of categories"));
    anc_targets_clear(&t);
}

static void every_flipped_byte_is_found(void)
{
    const char *path = check_path("rois-0/shard-00001-of-00004.h5");
    size_t n;
    char *bytes = check_slurp(path, &n);
    anc_err err = { 0 };
    uint32_t crc, again;
    CU_ASSERT_FATAL(bytes != NULL);
    CU_ASSERT(!anc_seal_check(path, &err) && !anc_seal_crc_of(path, &crc, &err));
    int64_t missed = 0;
    for (size_t i = 0; i < n; i += 13) {
        bytes[i] ^= 16;
        const char *damaged = check_file("damaged.h5", bytes, n);
        err.code = ANC_OK;
        missed += anc_seal_check(damaged, &err) != ANC_EDATA;
        bytes[i] ^= 16;
    }
    CU_ASSERT_EQUAL(missed, 0);
    /* without a seal all bytes count */
    err.code = ANC_OK;
    CU_ASSERT(!anc_seal_crc_of(check_file("unsealed.h5", bytes, n - 31), &again, &err) && again == crc);
    bytes[40] ^= 1;
    CU_ASSERT(!anc_seal_crc_of(check_file("unsealed.h5", bytes, n - 31), &again, &err) && again != crc);
    CU_ASSERT_EQUAL(anc_seal_crc_of(check_file("sealed.h5", bytes, n), &again, &err), ANC_EDATA);
    free(bytes);
}

/* One byte changed, or the file cut behind it, 400 times; how often that was refused. */
static int open_damaged(char *bytes, size_t n)
{
    check_rng random = { 4 };
    int refused = 0;
    for (int i = 0; i < 400; i++) {
        size_t at = (size_t)(check_uniform(&random) * (double)n);
        char was = bytes[at];
        bytes[at] = (char)check_int(&random, 0, 255);
        const char *damaged = check_file("broken.h5", bytes, i % 8 ? n : at + 1);
        anc_targets_file *f;
        anc_targets t = { 0 };
        anc_err err = { 0 };
        if (!anc_targets_open(damaged, &f, &err)) {
            anc_targets_read(f, 0, anc_targets_about_file(f)->n[ANC_ROWS_VIEWS], &t, &err);
            anc_targets_clear(&t);
            anc_targets_close(f);
        }
        refused += err.code != ANC_OK;
        if (err.code) CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "broken.h5"));
        bytes[at] = was;
    }
    return refused;
}

/* In a process of its own: HDF5 leaks when it meets damage. */
static void no_damage_to_the_bytes_breaks_the_reader(void)
{
    size_t n;
    char *bytes = check_slurp(check_path("rois-0/shard-00002-of-00004.h5"), &n);
    CU_ASSERT_PTR_NOT_NULL_FATAL(bytes);
    fflush(NULL);
    pid_t child = fork();
    if (!child) {
        unsigned before = CU_get_number_of_failures();
        _exit(open_damaged(bytes, n) > 50 && CU_get_number_of_failures() == before ? 0 : 1);
    }
    int status = -1;
    waitpid(child, &status, 0);
    CU_ASSERT_EQUAL(status, 0);
    free(bytes);
}

static void a_missing_shard_reads_as_missing_to_others_and_is_named_by_us(void)
{
    const char *dir = check_path("rois-2");
    char *text;
    anc_targets_file *f;
    anc_err err = { 0 };
    CU_ASSERT_EQUAL(unlink(check_path("rois-2/shard-00000-of-00004.h5")), 0);
    CU_ASSERT_EQUAL(anc_targets_open(dir, &f, &err), ANC_EDATA);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "shard-00000-of-00004.h5: the shard is missing"));
    CU_ASSERT_EQUAL(
        check_run(&text,
                  "/usr/bin/python3 -c \"import h5py, numpy; f = h5py.File('%s/targets.h5'); "
                  "print(f['rois/label'][0], f['rois/proposal'][0], numpy.isnan(f['rois/xyxy'][0]).all(), "
                  "f['views/count'][0].tolist())\"",
                  dir),
        0);
    CU_ASSERT_STRING_EQUAL(text, "-2147483648 -2147483648 True [-2147483648, -2147483648, -2147483648]\n");
    free(text);
}

CHECK_SUITE("roi_targets", CHECK(a_folder_reads_back_as_it_was_gathered), CHECK(one_reader_takes_both_stages),
            CHECK(a_category_that_is_none_is_named), CHECK(every_flipped_byte_is_found),
            CHECK(no_damage_to_the_bytes_breaks_the_reader),
            CHECK(a_missing_shard_reads_as_missing_to_others_and_is_named_by_us));
