/* tests/test_open_images.c: Open Images' box CSV (io/open_images.h) */
#include "io/open_images.h"
#include "tests/check.h"
#include "tests/test_reading.h"
#include <string.h>

static const anc_reader *const r = &anc_open_images_reader;

static const char whole[] = "ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax,IsOccluded,IsTruncated,"
                            "IsGroupOf,IsDepiction,IsInside\n"
                            "00ff,xclick,/m/031n1,1,0.25,0.5,0.125,1,0,0,0,0,0\n"
                            "000a,xclick,/m/0k0pj,1,0,1,0,1,1,1,1,1,1\n"
                            "00ff,activemil,/m/0k0pj,1,5.6e-05,0.75,.5,0.9000000000000001,-1,-1,-1,-1,-1\n";

static void rows_become_boxes_in_shares_of_their_image(void)
{
    anc_part p = { 0 };
    anc_err err = { 0 };
    CU_ASSERT_EQUAL_FATAL(read_text(r, NULL, whole, "", &p, &err), ANC_OK);
    CU_ASSERT_EQUAL(p.n_images, 2);
    CU_ASSERT_EQUAL(p.n_boxes, 3);
    CU_ASSERT_EQUAL(p.annotations, 3);
    CU_ASSERT(box_is(&p, 0, "00ff", "/m/031n1", 0.25, 0.125, 0.5, 1, 0, 0));
    CU_ASSERT(box_is(&p, 1, "000a", "/m/0k0pj", 0, 0, 1, 1, 1,
                     ANC_FLAG_OCCLUDED | ANC_FLAG_TRUNCATED | ANC_FLAG_DEPICTION | ANC_FLAG_INSIDE));
    CU_ASSERT(
        box_is(&p, 2, "00ff", "/m/0k0pj", 5.6e-05, 0.5, 0.75, 0.9000000000000001, 0, 0)); /* -1: unknown */
    for (int64_t i = 0; i < p.n_images; i++)
        CU_ASSERT(p.image[i].relative && !p.image[i].height && !p.image[i].width);
    CU_ASSERT_STRING_EQUAL(p.text + p.image[0].name, "00ff.jpg");
    anc_part_clear(&p);
}

static void columns_may_stand_in_any_order_and_be_few(void)
{
    anc_part p = { 0 };
    anc_err err = { 0 };
    CU_ASSERT_EQUAL_FATAL(read_text(r, NULL,
                                    "\xef\xbb\xbfYMax,YMin,\"Title, long\",XMax,XMin,LabelName,ImageID\r\n"
                                    "0.4,0.3,\"says \"\"x, y\"\"\r\nand more\",0.2,0.1,Cat,a\r\n",
                                    "", &p, &err),
                          ANC_OK);
    CU_ASSERT(box_is(&p, 0, "a", "Cat", 0.1, 0.3, 0.2, 0.4, 0, 0));
    CU_ASSERT_EQUAL(p.n_boxes, 1);
    anc_part_clear(&p);
}

static void boxes_without_area_are_findings(void)
{
    anc_part p = { 0 };
    anc_err err = { 0 };
    CU_ASSERT_EQUAL_FATAL(read_text(r, NULL,
                                    "ImageID,LabelName,XMin,XMax,YMin,YMax\n"
                                    "a,/m/0,0.5,0.5,0,1\n"
                                    "a,/m/0,0.6,0.5,0,1\n",
                                    "", &p, &err),
                          ANC_OK);
    CU_ASSERT_EQUAL(p.n_boxes, 0);
    CU_ASSERT_EQUAL(p.n_images, 1);
    CU_ASSERT_EQUAL(p.findings.of[ANC_FIND_EMPTY_BOX].n, 1);
    CU_ASSERT_STRING_EQUAL(p.findings.of[ANC_FIND_EMPTY_BOX].place[0], "made.txt:2");
    CU_ASSERT_EQUAL(p.findings.of[ANC_FIND_INVERTED_BOX].n, 1);
    CU_ASSERT_STRING_EQUAL(p.findings.of[ANC_FIND_INVERTED_BOX].place[0], "made.txt:3");
    anc_part_clear(&p);
}

#define HEAD "ImageID,LabelName,XMin,XMax,YMin,YMax,IsGroupOf\n"

static void what_cannot_be_meant_is_placed(void)
{
    refuses(r, "", "made.txt: ", "no column is headed ImageID");
    refuses(r, "00ff,xclick,/m/031n1,1,0.2,0.4,0.8,0.9\n", "made.txt:1: ", "no column is headed ImageID");
    refuses(r, "ImageID,LabelName,XMin,XMax,YMin\n", "made.txt:1: ", "no column is headed YMax");
    refuses(r, HEAD "a,/m/0,0.1,0.2,0.3,0.4\n",
            "made.txt:2: ", "the row has 6 fields and ends before IsGroupOf");
    refuses(r, HEAD "a,/m/0,0.1,0.2,0.3,\n", "made.txt:2: ", "the row has 6 fields");
    refuses(r, HEAD "\na,/m/0,0.1,x,0.3,0.4,0\n", "made.txt:3: ", "XMax is 'x', not a number");
    refuses(r, HEAD "a,/m/0,0.1,nan,0.3,0.4,0\n", "made.txt:2: ", "XMax is 'nan', not a number");
    refuses(r, HEAD "a,/m/0,0.1,0.2,0.3,2e9,0\n", "made.txt:2: ", "beyond 1e9");
    refuses(r, HEAD "a,/m/0,0.1,0.2,0.3,0.4,2\n", "made.txt:2: ", "IsGroupOf is '2', not 1");
    refuses(r, HEAD ",/m/0,0.1,0.2,0.3,0.4,0\n", "made.txt:2: ", "ImageID is empty");
    refuses(r, HEAD "\"a\nb\",/m/0,0.1,0.2,0.3,0.4,0\n", "made.txt:2: ", "control character");
    refuses(r, HEAD "a,\"/m/0,0.1,0.2,0.3,0.4,0\n", "made.txt:2: ", "never closed");
}

static void its_headings_make_the_format_known(void)
{
    CU_ASSERT(fits_text(r, whole));
    CU_ASSERT_FALSE(fits_text(r, "ImageID,Source,LabelName,Confidence\n00ff,verification,/m/0,1\n"));
    CU_ASSERT_FALSE(fits_text(r, "path,width,height\n"));
    CU_ASSERT_FALSE(fits_text(r, "{\"ImageID\": \"XMin, YMax\"}"));
    CU_ASSERT_FALSE(fits_text(r, ""));
}

static void damage_is_survived(void) { survives_damage(r, whole, ""); }

CHECK_SUITE("open-images", CHECK(rows_become_boxes_in_shares_of_their_image),
            CHECK(columns_may_stand_in_any_order_and_be_few), CHECK(boxes_without_area_are_findings),
            CHECK(what_cannot_be_meant_is_placed), CHECK(its_headings_make_the_format_known),
            CHECK(damage_is_survived));
