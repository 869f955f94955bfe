/* tests/unit/test_part_block.c: a part as a block of bytes, and blocks that lie */
#include "io/formats/parsed.h"
#include "tests/check.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

/* One image with one box of a named category, and a diagnostic; packed. */
static unsigned char *packed(size_t *n)
{
    anc_parsed p = { .file = "some.txt", .line = 3 };
    anc_err err = { 0 };
    int64_t image;
    int32_t category;
    void *bytes = NULL;
    CU_ASSERT_FATAL(
        !anc_parsed_add_image(&p, &(anc_parsed_image){ "key", "name.jpg", 40, 60, false }, &image, &err));
    CU_ASSERT_FATAL(!anc_parsed_category(&p, "cat", &category, &err));
    CU_ASSERT_FATAL(
        !anc_parsed_add_box(&p, image, &(anc_parsed_box){ { 1, 2, 3, 4 }, 7, category, false, 0 }, &err));
    anc_parsed_find_here(&p, ANC_DIAG_NUMBER);
    CU_ASSERT_FATAL(!anc_parsed_pack(&p, &bytes, n, &err));
    anc_parsed_clear(&p);
    return bytes;
}

static anc_status unpacked(const unsigned char *bytes, size_t n)
{
    anc_parsed p = { 0 };
    anc_err err = { 0 };
    unsigned char *guarded = check_guarded(n ? n : 1);
    memcpy(guarded, bytes, n);
    anc_status status = anc_parsed_unpack(guarded, n, &p, &err);
    CU_ASSERT(status || (p.n_images == 1 && p.n_boxes == 1 && p.diagnostics.of[ANC_DIAG_NUMBER].n == 1));
    anc_parsed_clear(&p);
    check_guarded_free(guarded, n ? n : 1);
    return status;
}

static void a_block_comes_back_and_no_shorter_one_does(void)
{
    size_t n;
    unsigned char *bytes = packed(&n);
    CU_ASSERT_EQUAL(unpacked(bytes, n), ANC_OK);
    for (size_t k = 0; k < n; k++) CU_ASSERT_EQUAL_FATAL(unpacked(bytes, k), ANC_EDATA);
    free(bytes);
}

static void counts_that_add_up_only_beyond_64_bits_are_refused(void)
{
    enum { BOXES = 16, TEXT = 40, BOX_ROW = sizeof(anc_parsed_box_row) }; /* places in the head */
    size_t n;
    unsigned char *bytes = packed(&n);
    uint64_t text, more = n / BOX_ROW - 1; /* boxes beyond the end of the block, and as much less text */
    int64_t boxes = 1 + (int64_t)more;
    memcpy(&text, bytes + TEXT, sizeof text);
    text -= more * BOX_ROW;
    memcpy(bytes + BOXES, &boxes, sizeof boxes);
    memcpy(bytes + TEXT, &text, sizeof text);
    CU_ASSERT(text > INT64_MAX);
    CU_ASSERT_EQUAL(unpacked(bytes, n), ANC_EDATA);
    free(bytes);
}

static void places_of_findings_that_do_not_end_are_refused(void)
{
    size_t n;
    unsigned char *bytes = packed(&n), *place = memmem(bytes, n, "some.txt:3", 10);
    CU_ASSERT_PTR_NOT_NULL_FATAL(place);
    memset(place, 'x', ANC_DIAGNOSTIC_PLACE_BYTES);
    CU_ASSERT_EQUAL(unpacked(bytes, n), ANC_EDATA);
    free(bytes);
}

CHECK_SUITE("part_block", CHECK(a_block_comes_back_and_no_shorter_one_does),
            CHECK(counts_that_add_up_only_beyond_64_bits_are_refused),
            CHECK(places_of_findings_that_do_not_end_are_refused));
