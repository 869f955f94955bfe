/* tests/unit/test_visdrone.c: VisDrone's annotations (io/formats/visdrone.h) */
#include "io/formats/visdrone.h"
#include "tests/check.h"
#include "tests/unit/test_reading.h"
#include <string.h>

static const anc_reader *const r = &anc_visdrone_reader;

static const char whole[] = "684,8,273,116,0,0,0,0\n"
                            "406,119,265,70,0,0,0,0,\r\n"
                            "255,22,119,128,1,1,0,0\n"
                            "1,3,209,78,1,4,1,2,\n"
                            "\n"
                            "708,471,74,33,1,11,0,1\n"
                            "639, 425, 61, 46, 0, 10, 0, 0\n";

static void rows_become_boxes_and_what_is_not_evaluated_is_ignored(void)
{
    anc_parsed p = { 0 };
    anc_err err = { 0 };
    CU_ASSERT_EQUAL_FATAL(read_text(r, NULL, whole, "0000002_00005_d_0000014", &p, &err), ANC_OK);
    const char *image = "0000002_00005_d_0000014";
    CU_ASSERT_EQUAL(p.n_boxes, 6);
    CU_ASSERT(box_is(&p, 0, image, "#0", 684, 8, 957, 124, 1, 0));
    CU_ASSERT(box_is(&p, 1, image, "#0", 406, 119, 671, 189, 1, 0));
    CU_ASSERT(box_is(&p, 2, image, "#1", 255, 22, 374, 150, 0, 0));
    CU_ASSERT(box_is(&p, 3, image, "#4", 1, 3, 210, 81, 0, ANC_FLAG_TRUNCATED | ANC_FLAG_OCCLUDED));
    CU_ASSERT(box_is(&p, 4, image, "#11", 708, 471, 782, 504, 1, ANC_FLAG_OCCLUDED));
    CU_ASSERT(box_is(&p, 5, image, "#10", 639, 425, 700, 471, 1, 0)); /* a score of 0 */
    anc_parsed_clear(&p);
}

static void what_cannot_be_meant_is_placed(void)
{
    refuses(r, "1,2,3,4,1,1,0,0\n1,2,3,4,1,1,0\n", "made.txt:2: ", "7 fields, not the 8");
    refuses(r, "1,2,3,4,1,1,0,0,5\n", "made.txt:1: ", "9 fields, not the 8");
    refuses(r, "1,2,3,,1,1,0,0\n", "made.txt:1: ", "height is no number");
    refuses(r, "1,2,3,4,1,12,0,0\n", "made.txt:1: ", "category 12 is none of VisDrone's");
    refuses(r, "1,2,3,4,1,-1,0,0\n", "made.txt:1: ", "category -1 is none of VisDrone's");
    refuses(r, "1,2,3,4,1,1.5,0,0\n", "made.txt:1: ", "category 1.5 is none of VisDrone's");
    refuses(r, "1,2,3,4,1,1e300,0,0\n", "made.txt:1: ", "is none of VisDrone's");
    refuses(r, "1,2,3,4,0.97,4,-1,-1\n", "made.txt:1: ", "are these results");
    refuses(r, "1,2,3,1e10,1,4,0,0\n", "made.txt:1: ", "beyond 1e9");
}

static void boxes_without_area_are_diagnostics(void)
{
    anc_parsed p = { 0 };
    anc_err err = { 0 };
    CU_ASSERT_EQUAL_FATAL(read_text(r, NULL, "1,2,0,4,1,1,0,0\n1,2,3,-4,1,1,0,0\n", "a", &p, &err), ANC_OK);
    CU_ASSERT_EQUAL(p.n_boxes, 0);
    CU_ASSERT_STRING_EQUAL(p.diagnostics.of[ANC_DIAG_EMPTY_BOX].place[0], "made.txt:1");
    CU_ASSERT_STRING_EQUAL(p.diagnostics.of[ANC_DIAG_INVERTED_BOX].place[0], "made.txt:2");
    anc_parsed_clear(&p);
}

static void eight_numbers_make_the_format_known(void)
{
    CU_ASSERT(fits_text(r, whole));
    CU_ASSERT(fits_text(r, "406,119,265,70,0,0,0,0,\n"));
    CU_ASSERT_FALSE(fits_text(r, "0 0.5 0.5 0.1 0.1\n"));
    CU_ASSERT_FALSE(fits_text(r, "1,7,2,3,4,5,1,4,0,0\n")); /* of VisDrone's videos */
    CU_ASSERT_FALSE(fits_text(r, "path,width,height,a,b,c,d,e\n"));
    CU_ASSERT_FALSE(fits_text(r, ""));
}

static void damage_is_survived(void) { survives_damage(r, whole, "a"); }

CHECK_SUITE("visdrone", CHECK(rows_become_boxes_and_what_is_not_evaluated_is_ignored),
            CHECK(what_cannot_be_meant_is_placed), CHECK(boxes_without_area_are_diagnostics),
            CHECK(eight_numbers_make_the_format_known), CHECK(damage_is_survived));
