/* tests/unit/test_coco_write.c: io/dataset/coco_write, and io/file/out below it */
#include "io/dataset/coco_write.h"
#include "io/file/out.h"
#include "tests/check.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static anc_coco_writer *opened(const char *path)
{
    anc_coco_writer *w = NULL;
    anc_err err = { 0 };
    CU_ASSERT_EQUAL_FATAL(anc_coco_write_open(path, "a test", &w, &err), ANC_OK);
    return w;
}

static char *closed(anc_coco_writer *w, const char *path)
{
    anc_err err = { 0 };
    int64_t n_bytes = 0;
    size_t n = 0;
    CU_ASSERT_EQUAL(anc_coco_write_close(w, &n_bytes, &err), ANC_OK);
    char *text = check_slurp(path, &n);
    CU_ASSERT_EQUAL(n_bytes, (int64_t)n);
    return text;
}

#define HEAD "{\"info\": {\"description\": \"a test\",\"version\": \"1.0\"},\"licenses\": [],"

static void a_file_has_the_official_layout(void)
{
    const char *path = check_path("layout.json");
    anc_coco_writer *w = opened(path);
    anc_coco_write_image(w, 9, "a.png", 640, 480);
    anc_coco_write_image(w, 10, "b.png", 1, 2);
    anc_coco_write_begin(w, false);
    anc_coco_write_point(w, 0, 5);
    anc_coco_write_point(w, 1200, 1250);
    anc_coco_write_point(w, 12345, 100001);
    anc_coco_annotation a = { 1, 9, 3 * 20000 + 1, { 0, 5, 12345, 99996 }, 90, 480, 640 };
    anc_coco_write_end(w, &a);
    anc_coco_write_begin(w, true);
    anc_coco_write_run(w, 0);
    anc_coco_write_run(w, 2);
    a = (anc_coco_annotation){ 900000000002, 10, 2 * 20000, { 0, 0, 100, 200 }, 1, 2, 1 };
    anc_coco_write_end(w, &a);
    anc_coco_write_category(w, 1, "red star", "star");
    char *text = closed(w, path);
    CU_ASSERT_STRING_EQUAL(
        text, HEAD
        "\"images\": [{\"file_name\": \"a.png\",\"height\": 480,\"width\": 640,\"id\": 9},"
        "{\"file_name\": \"b.png\",\"height\": 2,\"width\": 1,\"id\": 10}],"
        "\"annotations\": [{\"segmentation\": [[0.0,0.05,12.0,12.5,123.45,1000.01]],\"area\": 3.00005,"
        "\"iscrowd\": 0,\"image_id\": 9,\"bbox\": [0.0,0.05,123.45,999.96],\"category_id\": 90,\"id\": 1},"
        "{\"segmentation\": {\"counts\": [0,2],\"size\": [2,1]},\"area\": 2,\"iscrowd\": 1,"
        "\"image_id\": 10,\"bbox\": [0.0,0.0,1.0,2.0],\"category_id\": 1,\"id\": 900000000002}],"
        "\"categories\": [{\"supercategory\": \"star\",\"id\": 1,\"name\": \"red star\"}]}");
    free(text);
}

static void a_file_may_be_empty(void)
{
    const char *path = check_path("empty.json");
    char *text = closed(opened(path), path);
    CU_ASSERT_STRING_EQUAL(text, HEAD "\"images\": [],\"annotations\": [],\"categories\": []}");
    free(text);
}

/* Every number of hundredths up to 2000 px, and areas, against printf; far more than one buffer of it. */
static void numbers_are_exact_however_long_the_outline(void)
{
    const char *path = check_path("numbers.json");
    anc_coco_writer *w = opened(path);
    anc_coco_write_begin(w, false);
    for (int v = 0; v < 200000; v++) anc_coco_write_point(w, v, 6553500 - v);
    anc_coco_annotation a = { .area = 0 };
    anc_coco_write_end(w, &a);
    char *text = closed(w, path), *at = strstr(text, "[[");
    CU_ASSERT_PTR_NOT_NULL_FATAL(at);
    int bad = 0;
    for (int v = 0; v < 200000 && !bad; v++)
        for (int i = 0; i < 2; i++) {
            char wanted[32];
            int u = i ? 6553500 - v : v, n = snprintf(wanted, sizeof wanted, "%d.%02d", u / 100, u % 100);
            if (wanted[n - 1] == '0') n--;
            at += i || v ? 1 : 2;
            bad += memcmp(at, wanted, (size_t)n) != 0 || (at[n] != ',' && at[n] != ']');
            at += n;
        }
    CU_ASSERT_EQUAL(bad, 0);
    free(text);
    for (int64_t v = 0; v < 60000; v += 211) {
        w = opened(path);
        anc_coco_write_begin(w, false);
        a.area = v * v;
        anc_coco_write_end(w, &a);
        text = closed(w, path);
        CU_ASSERT_DOUBLE_EQUAL(strtod(strstr(text, "area\": ") + 7, NULL), (double)(v * v) / 20000, 0);
        free(text);
    }
}

static int exists(const char *path) { return access(path, F_OK) == 0; }

static void the_name_appears_only_with_the_whole_file(void)
{
    const char *path = check_path("whole"), *part = check_path("whole.part");
    anc_err err = { 0 };
    anc_out *o = NULL;
    CU_ASSERT_EQUAL_FATAL(anc_out_open(path, &o, &err), ANC_OK);
    anc_out_write(o, "abc", 3);
    CU_ASSERT(!exists(path) && exists(part));
    CU_ASSERT_EQUAL(anc_out_commit(o, &err), ANC_OK);
    CU_ASSERT(exists(path) && !exists(part));
    CU_ASSERT_EQUAL_FATAL(anc_out_open(path, &o, &err), ANC_OK);
    anc_out_write(o, "xyz", 3);
    anc_out_abandon(o);
    char *text = check_slurp(path, NULL);
    CU_ASSERT_STRING_EQUAL(text, "abc");
    CU_ASSERT(!exists(part));
    free(text);
}

static void writes_of_any_size_arrive_in_order(void)
{
    const char *path = check_path("sizes");
    anc_err err = { 0 };
    anc_out *o = NULL;
    check_rng r = { 1 };
    size_t total = 12 << 20, at = 0, n;
    char *bytes = malloc(total);
    for (size_t i = 0; i < total; i++) bytes[i] = (char)check_u64(&r);
    CU_ASSERT_EQUAL_FATAL(anc_out_open(path, &o, &err), ANC_OK);
    while (at < total) {
        n = (size_t)check_int(&r, 0, check_int(&r, 0, 9) ? 60000 : 3 << 20);
        if (n > total - at) n = total - at;
        if (n < 60000 && check_int(&r, 0, 1)) {
            memcpy(anc_out_reserve(o, n), bytes + at, n);
            anc_out_advance(o, n);
        } else {
            anc_out_write(o, bytes + at, n);
        }
        at += n;
    }
    CU_ASSERT_EQUAL(anc_out_commit(o, &err), ANC_OK);
    char *text = check_slurp(path, &n);
    CU_ASSERT_EQUAL_FATAL(n, total);
    CU_ASSERT(!memcmp(text, bytes, n));
    free(text);
    free(bytes);
}

static void a_folder_that_cannot_be_made_is_named(void)
{
    anc_err err = { 0 };
    CU_ASSERT_EQUAL(anc_out_mkdir(check_path("one/two/three"), &err), ANC_OK);
    CU_ASSERT_EQUAL(anc_out_mkdir(check_path("one/two/"), &err), ANC_OK);
    const char *file = check_file("plain", "x", 1);
    CU_ASSERT_EQUAL(anc_out_mkdir(file, &err), ANC_ESYSTEM);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, file));
    CU_ASSERT_EQUAL(anc_out_mkdir(check_path("plain/below"), &err), ANC_ESYSTEM);
    size_t made;
    const char *deep = check_path("one/new//er/");
    CU_ASSERT_EQUAL(anc_out_mkdir_new(deep, &made, &err), ANC_OK);
    CU_ASSERT_EQUAL(made, strlen(check_path("one/new")));
    check_file("one/new/kept", "x", 1);
    anc_out_rmdir(deep, made);
    CU_ASSERT_EQUAL(check_run(NULL, "test ! -e %s/er -a -e %s/kept && rm %s/kept && mkdir %s/er",
                              check_path("one/new"), check_path("one/new"), check_path("one/new"),
                              check_path("one/new")),
                    0);
    anc_out_rmdir(deep, made);
    CU_ASSERT_EQUAL(check_run(NULL, "test ! -e %s -a -e %s", check_path("one/new"), check_path("one/two")),
                    0);
    CU_ASSERT_EQUAL(anc_out_mkdir_new(check_path("one/two"), &made, &err), ANC_OK);
    CU_ASSERT_EQUAL(made, 0);
    anc_out_rmdir(check_path("one/two"), made);
    CU_ASSERT_EQUAL(check_run(NULL, "test -d %s", check_path("one/two")), 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "Not a directory"));
    anc_out *o;
    CU_ASSERT_EQUAL(anc_out_open(check_path("nowhere/file"), &o, &err), ANC_ESYSTEM);
    CU_ASSERT_PTR_NULL(o);
}

CHECK_SUITE("coco_write", CHECK(a_file_has_the_official_layout), CHECK(a_file_may_be_empty),
            CHECK(numbers_are_exact_however_long_the_outline),
            CHECK(the_name_appears_only_with_the_whole_file), CHECK(writes_of_any_size_arrive_in_order),
            CHECK(a_folder_that_cannot_be_made_is_named));
