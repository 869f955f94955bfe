/* tests/unit/test_dataset.c: the canonical data set: gathering, slices, packing, checksum */
#include "io/dataset/builder.h"
#include "io/dataset/dataset.h"
#include "tests/check.h"
#include <math.h>
#include <stdlib.h>
#include <string.h>

static anc_gt gt(double x1, double y1, double x2, double y2, int64_t id)
{
    return (anc_gt){ { x1, y1, x2, y2 }, id, 1, 0, 0 };
}

/* Three images given as 30, 10, 20; boxes mixed; image 20 has none. */
static void example(anc_dataset *d)
{
    anc_err err = { 0 };
    anc_builder *b = anc_builder_new();
    const int64_t image_of[] = { 30, 10, 30, 10, 10 };
    anc_builder_category(b, 1, "dog", 3, &err);
    anc_builder_image(b, 30, 100, 200, "c.jpg", 5, &err);
    anc_builder_image(b, 10, 50, 60, "a.jpg", 5, &err);
    anc_builder_image(b, 20, 7, 8, "b.jpg", 5, &err);
    for (int k = 0; k < 5; k++) {
        anc_gt box = gt(k, k, k + 10, k + 20, 100 + k);
        anc_builder_box(b, image_of[k], &box, &err);
    }
    CU_ASSERT_EQUAL_FATAL(anc_builder_finish(b, d, &err), ANC_OK);
    anc_builder_free(b);
}

static void images_are_sorted_and_boxes_keep_the_order_of_the_source(void)
{
    anc_dataset d = { 0 };
    const int64_t ids[] = { 101, 103, 104, 100, 102 }, offsets[] = { 0, 3, 3, 5 };
    example(&d);
    CU_ASSERT_EQUAL_FATAL(d.n_images, 3);
    CU_ASSERT_EQUAL(d.image[0].id, 10);
    CU_ASSERT_EQUAL(d.image[1].id, 20);
    CU_ASSERT_EQUAL(d.image[2].height, 100);
    CU_ASSERT_STRING_EQUAL(d.file_name[2], "c.jpg");
    CU_ASSERT_EQUAL(memcmp(d.box_offset, offsets, sizeof offsets), 0);
    for (int k = 0; k < 5; k++) CU_ASSERT_EQUAL(d.box[k].id, ids[k]);
    CU_ASSERT_EQUAL(d.report.without_boxes, 1);
    CU_ASSERT_EQUAL(d.report.outside, 0);
    anc_dataset_clear(&d);
    CU_ASSERT_PTR_NULL(d.image);
}

static void boxes_over_the_edge_are_counted_and_kept(void)
{
    anc_err err = { 0 };
    anc_dataset d = { 0 };
    anc_builder *b = anc_builder_new();
    const double box[][4] = {
        { 0, 0, 10, 10 },  { -1, 0, 5, 5 }, { 0, 0, 10.5, 5 },
        { 10, 0, 20, 5 }, /* touches: wholly outside */
        { -5, -5, 0, 10 }, { 3, 3, 3, 9 },  /* empty */ { 1e8, 1, 1e8 + 1e-9, 2 } /* empty in float64 */
    };
    anc_builder_image(b, 1, 10, 10, "", 0, &err);
    for (int k = 0; k < 7; k++) {
        anc_gt g = gt(box[k][0], box[k][1], box[k][2], box[k][3], 7);
        g.crowd = k == 0;
        CU_ASSERT_EQUAL(anc_builder_box(b, 1, &g, &err), ANC_OK);
    }
    CU_ASSERT_EQUAL_FATAL(anc_builder_finish(b, &d, &err), ANC_OK);
    CU_ASSERT_EQUAL(d.n_boxes, 5);
    CU_ASSERT_EQUAL(d.report.annotations, 7);
    CU_ASSERT_EQUAL(d.report.empty_boxes, 2);
    CU_ASSERT_EQUAL(d.report.over_edge, 4);
    CU_ASSERT_EQUAL(d.report.outside, 2);
    CU_ASSERT_EQUAL(d.report.crowds, 1);
    CU_ASSERT_EQUAL(d.report.duplicate_ids, 4);
    anc_builder_free(b);
    anc_dataset_clear(&d);
}

static void what_cannot_be_is_refused_by_name(void)
{
    anc_err err = { 0 };
    anc_builder *b = anc_builder_new();
    const double bad[][4] = { { 0, 0, NAN, 1 }, { 0, 0, INFINITY, 1 }, { 0, 0, 2e9, 1 }, { 5, 0, 4, 1 } };
    for (int k = 0; k < 4; k++) {
        anc_gt g = gt(bad[k][0], bad[k][1], bad[k][2], bad[k][3], 77);
        CU_ASSERT_EQUAL(anc_builder_box(b, 33, &g, &err), ANC_EDATA);
        CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "annotation 77 of image 33"));
    }
    const int64_t sizes[] = { 0, -1, 1000001, INT64_MAX };
    for (int k = 0; k < 4; k++) {
        CU_ASSERT_EQUAL(anc_builder_image(b, 9, sizes[k], 5, "", 0, &err), ANC_EDATA);
        CU_ASSERT_EQUAL(anc_builder_image(b, 9, 5, sizes[k], "", 0, &err), ANC_EDATA);
        CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "image 9"));
    }
    CU_ASSERT_EQUAL(anc_builder_category(b, INT64_C(1) << 31, "", 0, &err), ANC_EDATA);
    anc_builder_free(b);
}

static void names_must_be_utf8(void)
{
    const struct {
        const char *name;
        anc_status status;
    } row[] = { { "caf\xc3\xa9", ANC_OK },     { "\xf0\x9f\x90\x95", ANC_OK },
                { "caf\xe9", ANC_EDATA },      { "\xc0\xaf", ANC_EDATA },
                { "\xed\xa0\x80", ANC_EDATA }, { "\xf4\x90\x80\x80", ANC_EDATA },
                { "\xe2\x82", ANC_EDATA },     { "\xf0\x80\x80\xaf", ANC_EDATA },
                { "\x80", ANC_EDATA },         { "\xf4\x8f\xbf\xbf", ANC_OK } };
    for (size_t k = 0; k < sizeof row / sizeof *row; k++) {
        anc_err err = { 0 };
        anc_dataset d = { 0 };
        anc_builder *b = anc_builder_new();
        anc_builder_image(b, 1, 1, 1, row[k].name, strlen(row[k].name), &err);
        CU_ASSERT_EQUAL(anc_builder_finish(b, &d, &err), row[k].status);
        anc_builder_free(b);
        anc_dataset_clear(&d);
    }
}

static void a_slice_packs_and_unpacks_to_itself(void)
{
    anc_dataset d = { 0 };
    anc_err err = { 0 };
    example(&d);
    for (int64_t first = 0; first <= 3; first++)
        for (int64_t n = 0; first + n <= 3; n++) {
            anc_dataset slice = { 0 }, back = { 0 };
            void *bytes, *again;
            size_t size, size_again;
            CU_ASSERT_EQUAL_FATAL(anc_dataset_slice(&d, first, n, &slice, &err), ANC_OK);
            CU_ASSERT_EQUAL_FATAL(anc_dataset_pack(&d, first, n, &bytes, &size, &err), ANC_OK);
            CU_ASSERT_EQUAL_FATAL(anc_dataset_unpack(bytes, size, &back, &err), ANC_OK);
            CU_ASSERT_EQUAL(back.n_images, n);
            CU_ASSERT_EQUAL(back.n_boxes, slice.n_boxes);
            CU_ASSERT_EQUAL(anc_dataset_fingerprint(&back, 5), anc_dataset_fingerprint(&slice, 5));
            CU_ASSERT_EQUAL_FATAL(anc_dataset_pack(&slice, 0, n, &again, &size_again, &err), ANC_OK);
            CU_ASSERT(size == size_again && !memcmp(bytes, again, size));
            free(bytes);
            free(again);
            anc_dataset_clear(&slice);
            anc_dataset_clear(&back);
        }
    anc_dataset_clear(&d);
}

static void no_damaged_block_unpacks_to_a_broken_data_set(void)
{
    anc_dataset d = { 0 };
    anc_err err = { 0 };
    void *bytes;
    size_t size;
    check_rng rng = { 1 };
    example(&d);
    CU_ASSERT_EQUAL_FATAL(anc_dataset_pack(&d, 0, 3, &bytes, &size, &err), ANC_OK);
    for (size_t n = 0; n < size; n++) {
        unsigned char *cut = check_guarded(n);
        memcpy(cut, bytes, n);
        anc_dataset back = { 0 };
        CU_ASSERT_EQUAL(anc_dataset_unpack(cut, n, &back, &err), ANC_EDATA);
        CU_ASSERT_PTR_NULL(back.image);
        check_guarded_free(cut, n);
    }
    unsigned char *copy = check_guarded(size + 1);
    memcpy(copy, bytes, size);
    anc_dataset longer = { 0 };
    CU_ASSERT_EQUAL(anc_dataset_unpack(copy, size + 1, &longer, &err), ANC_EDATA);
    check_guarded_free(copy, size + 1);
    copy = check_guarded(size);
    for (int k = 0; k < 20000; k++) {
        memcpy(copy, bytes, size);
        for (int flips = check_int(&rng, 1, 4); flips; flips--)
            copy[check_int(&rng, 0, (int)size - 1)] ^= (unsigned char)(1 << check_int(&rng, 0, 7));
        anc_dataset back = { 0 };
        if (anc_dataset_unpack(copy, size, &back, &err) == ANC_OK)
            CU_ASSERT_EQUAL(anc_dataset_check(&back, &err), ANC_OK);
        anc_dataset_clear(&back);
    }
    check_guarded_free(copy, size);
    free(bytes);
    anc_dataset_clear(&d);
}

static void the_fingerprint_sees_every_field_and_no_slicing(void)
{
    anc_dataset d = { 0 };
    anc_err err = { 0 };
    example(&d);
    const uint64_t whole = anc_dataset_fingerprint(&d, 0);
    uint64_t parts = 0;
    for (int64_t i = 0; i < 3; i++) {
        anc_dataset slice = { 0 };
        CU_ASSERT_EQUAL_FATAL(anc_dataset_slice(&d, i, 1, &slice, &err), ANC_OK);
        parts = anc_dataset_fingerprint(&slice, parts);
        anc_dataset_clear(&slice);
    }
    CU_ASSERT_EQUAL(parts, whole);
#define SEEN(place, value)                                          \
    do {                                                            \
        __typeof__(place) kept = place;                             \
        place = value;                                              \
        CU_ASSERT_NOT_EQUAL(anc_dataset_fingerprint(&d, 0), whole); \
        place = kept;                                               \
    } while (0)
    SEEN(d.image[1].id, 21);
    SEEN(d.image[1].width, 9);
    SEEN(d.image[1].height, 9);
    SEEN(d.box_offset[1], 2);
    SEEN(d.box[4].xyxy[3], nextafter(d.box[4].xyxy[3], 1e9));
    SEEN(d.box[4].id, 0);
    SEEN(d.box[4].category, 2);
    SEEN(d.box[4].crowd, 1);
    anc_gt first = d.box[0];
    d.box[0] = d.box[1];
    d.box[1] = first;
    CU_ASSERT_NOT_EQUAL(anc_dataset_fingerprint(&d, 0), whole);
    anc_dataset_clear(&d);
}

CHECK_SUITE("dataset", CHECK(images_are_sorted_and_boxes_keep_the_order_of_the_source),
            CHECK(boxes_over_the_edge_are_counted_and_kept), CHECK(what_cannot_be_is_refused_by_name),
            CHECK(names_must_be_utf8), CHECK(a_slice_packs_and_unpacks_to_itself),
            CHECK(no_damaged_block_unpacks_to_a_broken_data_set),
            CHECK(the_fingerprint_sees_every_field_and_no_slicing));
