/* tests/unit/test_annotations.c: annotations.h5, and sources of any format */
#include "io/dataset/annotations.h"
#include "io/formats/coco.h"
#include "io/hdf5/h5.h"
#include "io/source/source.h"
#include "tests/check.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

/* A COCO file of n images, about 5 boxes each, as text. */
static const char *example_json(int n)
{
    char *text = NULL;
    size_t size = 0;
    check_rng rng = { 11 };
    FILE *f = open_memstream(&text, &size);
    fprintf(f, "{\"categories\": [{\"id\": 2, \"name\": \"dog\"}, {\"id\": 1, \"name\": \"caf\\u00e9\"}], "
               "\"annotations\": [");
    for (int k = 0; k < 5 * n; k++) {
        /* One draw at a time: compilers evaluate arguments in any order. */
        int image = check_int(&rng, 1, n - 1), category = check_int(&rng, 1, 2), w = check_int(&rng, 0, 30);
        double x = check_uniform(&rng) * 100 - 10, y = check_uniform(&rng) * 100;
        fprintf(f, "%s{\"id\": %d, \"image_id\": %d, \"category_id\": %d, \"iscrowd\": %d, ", k ? ", " : "",
                k % 97, image, category, k % 11 == 0);
        fprintf(f, "\"bbox\": [%.2f, %.3f, %d, %g]}", x, y, w, 7.5);
    }
    fprintf(f, "], \"images\": [");
    for (int i = n; i > 0; i--)
        fprintf(f, "%s{\"id\": %d, \"width\": 100, \"height\": %d, \"file_name\": \"%d.jpg\"}",
                i < n ? ", " : "", i, i + 5, i % 7 ? i : 1000000 * i);
    fprintf(f, "]}");
    fclose(f);
    const char *path = check_file("example.json", text, size);
    free(text);
    return path;
}

static void expect_equal(const anc_dataset *a, const anc_dataset *b)
{
    CU_ASSERT_EQUAL_FATAL(a->n_images, b->n_images);
    CU_ASSERT_EQUAL_FATAL(a->n_boxes, b->n_boxes);
    CU_ASSERT_EQUAL_FATAL(a->n_categories, b->n_categories);
    CU_ASSERT_EQUAL(anc_dataset_fingerprint(a, 0), anc_dataset_fingerprint(b, 0));
    for (int64_t i = 0; i < a->n_images; i++) CU_ASSERT_STRING_EQUAL(a->file_name[i], b->file_name[i]);
    for (int64_t i = 0; i < a->n_categories; i++)
        CU_ASSERT(a->category[i].id == b->category[i].id &&
                  !strcmp(a->category[i].name, b->category[i].name));
    CU_ASSERT(!memcmp(&a->report, &b->report, sizeof a->report));
}

static void a_coco_file_comes_back_whole(void)
{
    anc_err err = { 0 };
    anc_dataset d = { 0 }, back = { 0 };
    anc_annotations *a;
    const char *path = check_path("whole.h5");
    CU_ASSERT_EQUAL_FATAL(anc_coco_read(example_json(300), &d, &err), ANC_OK);
    CU_ASSERT(d.report.empty_boxes && d.report.over_edge && d.report.duplicate_ids && d.report.without_boxes);
    CU_ASSERT_EQUAL_FATAL(anc_annotations_write(path, &d, "{}", &err), ANC_OK);
    CU_ASSERT_EQUAL_FATAL(anc_annotations_open(path, &a, &err), ANC_OK);
    CU_ASSERT_EQUAL_FATAL(anc_annotations_read_all(a, &back, &err), ANC_OK);
    expect_equal(&d, &back);
    anc_dataset_clear(&back);
    anc_annotations_close(a);
    CU_ASSERT_EQUAL(H5Fget_obj_count((hid_t)H5F_OBJ_ALL, H5F_OBJ_ALL), 0);
    anc_dataset_clear(&d);
}

static void an_empty_data_set_comes_back_empty(void)
{
    static const char *const json[] = {
        "{\"images\": [], \"annotations\": []}",
        "{\"images\": [{\"id\": 1, \"width\": 2, \"height\": 3}], \"annotations\": []}"
    };
    for (int k = 0; k < 2; k++) {
        anc_err err = { 0 };
        anc_dataset d = { 0 }, back = { 0 };
        anc_annotations *a;
        CU_ASSERT_EQUAL_FATAL(anc_coco_read(check_file("e.json", json[k], strlen(json[k])), &d, &err),
                              ANC_OK);
        CU_ASSERT_EQUAL_FATAL(anc_annotations_write(check_path("e.h5"), &d, "{}", &err), ANC_OK);
        CU_ASSERT_EQUAL_FATAL(anc_annotations_open(check_path("e.h5"), &a, &err), ANC_OK);
        CU_ASSERT_EQUAL_FATAL(anc_annotations_read_all(a, &back, &err), ANC_OK);
        expect_equal(&d, &back);
        anc_annotations_close(a);
        anc_dataset_clear(&back);
        anc_dataset_clear(&d);
    }
}

static void the_same_data_give_the_same_bytes(void)
{
    anc_err err = { 0 };
    anc_dataset d = { 0 };
    size_t n1, n2;
    CU_ASSERT_EQUAL_FATAL(anc_coco_read(example_json(50), &d, &err), ANC_OK);
    CU_ASSERT_EQUAL(anc_annotations_write(check_path("1.h5"), &d, "{}", &err), ANC_OK);
    sleep(1); /* HDF5 stamps in whole seconds */
    CU_ASSERT_EQUAL(anc_annotations_write(check_path("2.h5"), &d, "{}", &err), ANC_OK);
    char *one = check_slurp(check_path("1.h5"), &n1), *two = check_slurp(check_path("2.h5"), &n2);
    CU_ASSERT(n1 == n2 && !memcmp(one, two, n1));
    free(one);
    free(two);
    anc_dataset_clear(&d);
}

static void both_formats_are_the_same_source(void)
{
    anc_err err = { 0 };
    anc_dataset d = { 0 };
    anc_source *json, *h5;
    uint64_t from_json = 0, from_h5 = 1;
    const char *path = example_json(200), *misnamed = check_path("misnamed.json");
    CU_ASSERT_EQUAL_FATAL(anc_coco_read(path, &d, &err), ANC_OK);
    CU_ASSERT_EQUAL_FATAL(anc_annotations_write(misnamed, &d, "{}", &err), ANC_OK);
    CU_ASSERT_EQUAL_FATAL(anc_source_open(path, NULL, &json, &err), ANC_OK);
    CU_ASSERT_EQUAL_FATAL(anc_source_open(misnamed, NULL, &h5, &err), ANC_OK);
    CU_ASSERT_STRING_EQUAL(anc_source_format(json), "coco");
    CU_ASSERT_STRING_EQUAL(anc_source_format(h5), "annotations");
    CU_ASSERT_EQUAL(anc_source_images(json), anc_source_images(h5));
    CU_ASSERT_EQUAL(anc_source_boxes(json), anc_source_boxes(h5));
    CU_ASSERT(!memcmp(anc_source_report(json), anc_source_report(h5), sizeof d.report));
    CU_ASSERT_EQUAL(anc_source_fingerprint(json, &from_json, &err), ANC_OK);
    CU_ASSERT_EQUAL(anc_source_fingerprint(h5, &from_h5, &err), ANC_OK);
    CU_ASSERT_EQUAL(from_json, from_h5);
    for (int64_t first = 0; first <= 200; first += 23)
        for (int64_t n = 0; first + n <= 200; n += 31) {
            anc_dataset a = { 0 }, b = { 0 };
            CU_ASSERT_EQUAL_FATAL(anc_source_read(json, first, n, &a, &err), ANC_OK);
            CU_ASSERT_EQUAL_FATAL(anc_source_read(h5, first, n, &b, &err), ANC_OK);
            CU_ASSERT(a.n_images == n && b.n_images == n && a.n_boxes == b.n_boxes);
            CU_ASSERT_EQUAL(anc_dataset_fingerprint(&a, 1), anc_dataset_fingerprint(&b, 1));
            anc_dataset_clear(&a);
            anc_dataset_clear(&b);
        }
    anc_source_close(json);
    anc_source_close(h5);
    anc_dataset_clear(&d);
}

static void a_source_that_is_none_is_named(void)
{
    anc_err err = { 0 };
    anc_source *s;
    CU_ASSERT_EQUAL(anc_source_open(check_path("nothing"), NULL, &s, &err), ANC_ESYSTEM);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "nothing: cannot open"));
    mkdir(check_path("nothing-in-it"), 0777);
    CU_ASSERT_EQUAL(anc_source_open(check_path("nothing-in-it"), NULL, &s, &err), ANC_EDATA);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "this folder is none of what --format can name"));
    CU_ASSERT_EQUAL(anc_source_open(check_file("x", "", 0), NULL, &s, &err), ANC_EDATA);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "empty"));
    CU_ASSERT_EQUAL(anc_source_open(check_file("x", "<svg></svg>", 11), NULL, &s, &err), ANC_EDATA);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "x: this file is none of what --format can name ("));
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "COCO: a JSON file"));
}

/* ---- broken files ---- */

/* Changes one value of a dataset in place. */
static void change(const char *path, const char *name, hid_t type, hsize_t at, const void *value)
{
    const hsize_t one = 1;
    hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT), data = H5Dopen2(file, name, H5P_DEFAULT);
    hid_t space = H5Dget_space(data), memory = H5Screate_simple(1, &one, NULL);
    hsize_t dims[2], place[2] = { at, 0 };
    int rank = H5Sget_simple_extent_dims(space, dims, NULL);
    if (rank == 2) place[0] = at / dims[1], place[1] = at % dims[1];
    H5Sselect_elements(space, H5S_SELECT_SET, 1, place);
    CU_ASSERT(H5Dwrite(data, type, memory, space, H5P_DEFAULT, value) >= 0);
    H5Sclose(memory);
    H5Sclose(space);
    H5Dclose(data);
    H5Fclose(file);
}

static anc_status open_and_read(const char *path, anc_err *err)
{
    anc_annotations *a;
    anc_dataset d = { 0 };
    *err = (anc_err){ 0 };
    if (anc_annotations_open(path, &a, err)) return err->code;
    anc_status status = anc_annotations_read_all(a, &d, err);
    if (!status) CU_ASSERT_EQUAL(anc_dataset_check(&d, err), ANC_OK);
    anc_dataset_clear(&d);
    anc_annotations_close(a);
    return status;
}

static const char *fresh(const char *name)
{
    anc_err err = { 0 };
    anc_dataset d = { 0 };
    const char *path = check_path("%s", name);
    CU_ASSERT_EQUAL_FATAL(anc_coco_read(example_json(30), &d, &err), ANC_OK);
    CU_ASSERT_EQUAL_FATAL(anc_annotations_write(path, &d, "{}", &err), ANC_OK);
    anc_dataset_clear(&d);
    return path;
}

static void every_broken_promise_is_named(void)
{
    const double nan_value = NAN, far = 1e12, zero = -1e9;
    const int64_t big = INT64_MAX, minus = -1, two = 2;
    const int32_t nothing = 0, one = 1;
    const uint8_t odd = 2;
    const struct {
        const char *name;
        hid_t type;
        hsize_t at;
        const void *value;
        const char *word;
    } row[] = {
        { "/boxes/xyxy", H5T_NATIVE_DOUBLE, 5, &nan_value, "not finite" },
        { "/boxes/xyxy", H5T_NATIVE_DOUBLE, 5, &far, "beyond 1e9" },
        { "/boxes/xyxy", H5T_NATIVE_DOUBLE, 6, &zero, "positive width" },
        { "/boxes/crowd", H5T_NATIVE_UINT8, 3, &odd, "crowd" },
        { "/boxes/offset", H5T_NATIVE_INT64, 0, &two, "starts at 2" },
        { "/boxes/offset", H5T_NATIVE_INT64, 9, &minus, "falls" },
        { "/boxes/offset", H5T_NATIVE_INT64, 9, &big, "falls" },
        { "/boxes/offset", H5T_NATIVE_INT64, 30, &big, "ends at" },
        { "/images/size", H5T_NATIVE_INT32, 9, &nothing, "image 5 is 0 pixels wide" },
        { "/images/id", H5T_NATIVE_INT64, 9, &two, "image id 2 follows 9" },
        { "/categories/id", H5T_NATIVE_INT32, 1, &one, "category id 1 follows 1" },
        { "/images/file_name", H5T_NATIVE_INT32, 0, NULL, NULL },
    };
    for (size_t k = 0; row[k].value; k++) {
        anc_err err;
        const char *path = fresh("broken.h5");
        change(path, row[k].name, row[k].type, row[k].at, row[k].value);
        CU_ASSERT_EQUAL(open_and_read(path, &err), ANC_EDATA);
        CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "broken.h5: "));
        CU_ASSERT_PTR_NOT_NULL(strstr(err.text, row[k].word));
        if (!strstr(err.text, row[k].word)) printf("\n  '%s' lacks '%s'\n", err.text, row[k].word);
    }
}

static void every_missing_dataset_is_named(void)
{
    static const char *const name[] = { "/images/id",      "/images/size",    "/images/file_name",
                                        "/boxes/offset",   "/boxes/xyxy",     "/boxes/crowd",
                                        "/boxes/id",       "/boxes/category", "/categories/id",
                                        "/categories/name" };
    for (size_t k = 0; k < sizeof name / sizeof *name; k++) {
        anc_err err;
        const char *path = fresh("missing.h5");
        hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
        H5Ldelete(file, name[k], H5P_DEFAULT);
        H5Fclose(file);
        CU_ASSERT_EQUAL(open_and_read(path, &err), ANC_EDATA);
        CU_ASSERT_PTR_NOT_NULL(strstr(err.text, name[k]));
    }
}

static void a_file_without_a_report_is_counted(void)
{
    anc_err err = { 0 };
    anc_source *s;
    const char *path = fresh("counted.h5");
    CU_ASSERT_EQUAL_FATAL(anc_source_open(path, NULL, &s, &err), ANC_OK);
    anc_dataset_report want = *anc_source_report(s);
    want.annotations = anc_source_boxes(s);
    want.empty_boxes = want.duplicate_ids = 0; /* gone, and not looked for */
    anc_source_close(s);
    hid_t file = H5Fopen(path, H5F_ACC_RDWR, H5P_DEFAULT);
    H5Ldelete(file, "/report", H5P_DEFAULT);
    H5Fclose(file);
    CU_ASSERT_EQUAL_FATAL(anc_source_open(path, NULL, &s, &err), ANC_OK);
    CU_ASSERT(!memcmp(anc_source_report(s), &want, sizeof want));
    anc_source_close(s);
}

/* Opens `n_files` damaged copies of a file; gives how many were refused, -1 when something went through that
 * should not have. */
static int open_damaged(const char *path, int n_files)
{
    check_rng rng = { 5 };
    size_t n;
    unsigned char *bytes = (unsigned char *)check_slurp(path, &n), *copy = malloc(n);
    int refused = 0;
    for (int k = 0; copy && k < n_files; k++) {
        size_t size = n;
        int cut = k % 3 == 0;
        memcpy(copy, bytes, n);
        if (cut) size = (size_t)check_int(&rng, 0, (int)n - 32); /* the seal's 31 bytes are not HDF5's */
        for (int flips = cut ? 0 : check_int(&rng, 1, 4); flips; flips--)
            copy[check_int(&rng, 0, (int)n - 1)] ^= (unsigned char)(1 << check_int(&rng, 0, 7));
        FILE *f = fopen(path, "wb");
        if (!f || fwrite(copy, 1, size, f) != size || fclose(f)) return -1;
        anc_err err;
        int failed = open_and_read(path, &err) != ANC_OK;
        if (cut && !failed) return -1;
        refused += failed;
    }
    free(copy);
    free(bytes);
    return refused;
}

/* In a child, since HDF5 1.10 itself loses 400 bytes for each damaged object header that it refuses. */
static void no_damage_to_the_bytes_breaks_the_reader(void)
{
    const char *path = fresh("flip.h5");
    fflush(NULL);
    pid_t child = fork();
    if (!child) {
        unsigned before = CU_get_number_of_failures();
        int refused = open_damaged(path, 3000);
        /* The rest hit bytes that mean nothing: gaps, descriptions. */
        _exit(refused > 1500 && CU_get_number_of_failures() == before ? 0 : 1);
    }
    int status = -1;
    waitpid(child, &status, 0);
    CU_ASSERT_EQUAL(status, 0);
}

CHECK_SUITE("annotations", CHECK(a_coco_file_comes_back_whole), CHECK(an_empty_data_set_comes_back_empty),
            CHECK(the_same_data_give_the_same_bytes), CHECK(both_formats_are_the_same_source),
            CHECK(a_source_that_is_none_is_named), CHECK(every_broken_promise_is_named),
            CHECK(every_missing_dataset_is_named), CHECK(a_file_without_a_report_is_counted),
            CHECK(no_damage_to_the_bytes_breaks_the_reader));
