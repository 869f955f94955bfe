/* tests/unit/test_wider.c: WIDER FACE's text (io/formats/wider.h) */
#include "io/formats/wider.h"
#include "tests/check.h"
#include "tests/unit/test_reading.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const anc_reader *const r = &anc_wider_reader;

static const char whole[] = "0--Parade/0_Parade_b_1.jpg\n"
                            "2\n"
                            "345 211 4 5 2 0 0 0 2 0 \n"
                            "331 126 3 3 0 0 0 1 0 0 \n"
                            "0--Parade/0_Parade_a_2.jpg\n"
                            "0\n"
                            "0 0 0 0 0 0 0 0 0 0 \n"
                            "1--Handshaking/1_x y_3.png\n"
                            "1\n"
                            "1 2 3 4\n";

static void faces_arrive_with_their_picture(void)
{
    anc_parsed p = { 0 };
    anc_err err = { 0 };
    CU_ASSERT_EQUAL_FATAL(read_text(r, NULL, whole, "", &p, &err), ANC_OK);
    CU_ASSERT_EQUAL(p.n_images, 3);
    CU_ASSERT_EQUAL(p.n_boxes, 3);
    CU_ASSERT_EQUAL(p.annotations, 3); /* the zeros behind a count of 0 are no face */
    CU_ASSERT(box_is(&p, 0, "0--Parade/0_Parade_b_1.jpg", "face", 345, 211, 349, 216, 0, ANC_FLAG_OCCLUDED));
    CU_ASSERT(box_is(&p, 1, "0--Parade/0_Parade_b_1.jpg", "face", 331, 126, 334, 129, 1, 0)); /* invalid */
    CU_ASSERT(box_is(&p, 2, "1--Handshaking/1_x y_3.png", "face", 1, 2, 4, 6, 0, 0));
    CU_ASSERT_STRING_EQUAL(p.text + p.image[1].name, "0--Parade/0_Parade_a_2.jpg");
    anc_parsed_clear(&p);
}

static void zeros_behind_a_count_of_0_may_be_missing_and_lines_may_be_empty(void)
{
    anc_parsed p = { 0 };
    anc_err err = { 0 };
    CU_ASSERT_EQUAL_FATAL(
        read_text(r, NULL,
                  "a.jpg\r\n0\r\nb.JPG\r\n0\r\n\r\n0 0 0 0\r\n\r\nc.jpeg\r\n1\r\n1 2 3 4\r\nd.jpg\r\n0", "",
                  &p, &err),
        ANC_OK);
    CU_ASSERT_EQUAL(p.n_images, 4);
    CU_ASSERT(box_is(&p, 0, "c.jpeg", "face", 1, 2, 4, 6, 0, 0));
    CU_ASSERT_EQUAL(p.annotations, 1);
    anc_parsed_clear(&p);
}

static void a_lone_face_of_zeros_is_dropped_and_found(void)
{
    anc_parsed p = { 0 };
    anc_err err = { 0 };
    CU_ASSERT_EQUAL_FATAL(read_text(r, NULL,
                                    "a.jpg\n1\n0 0 0 0 0 0 0 0 0 0\nb.jpg\n1\n1050 142 -26 50 0 0 0 0 0 0\n",
                                    "", &p, &err),
                          ANC_OK);
    CU_ASSERT_EQUAL(p.n_images, 2);
    CU_ASSERT_EQUAL(p.n_boxes, 0);
    CU_ASSERT_EQUAL(p.annotations, 2);
    CU_ASSERT_STRING_EQUAL(p.diagnostics.of[ANC_DIAG_EMPTY_BOX].place[0], "made.txt:3");
    CU_ASSERT_STRING_EQUAL(p.diagnostics.of[ANC_DIAG_INVERTED_BOX].place[0], "made.txt:6");
    anc_parsed_clear(&p);
}

static void two_thousand_faces_arrive_in_order(void)
{
    enum { FACES = 1968 };
    char *text = malloc(FACES * 40 + 64);
    CU_ASSERT_PTR_NOT_NULL_FATAL(text);
    size_t n = (size_t)sprintf(text, "2--Demonstration/crowd.jpg\n%d\n", FACES);
    for (int k = 0; k < FACES; k++)
        n += (size_t)sprintf(text + n, "%d %d 3 4 0 0 0 %d 0 0 \n", k, k / 2, k % 7 == 0);
    anc_parsed p = { 0 };
    anc_err err = { 0 };
    CU_ASSERT_EQUAL_FATAL(read_text(r, NULL, text, "", &p, &err), ANC_OK);
    CU_ASSERT_EQUAL(p.n_boxes, FACES);
    for (int k = 0; k < FACES; k++)
        CU_ASSERT(
            box_is(&p, k, "2--Demonstration/crowd.jpg", "face", k, k / 2, k + 3, k / 2 + 4, k % 7 == 0, 0));
    anc_parsed_clear(&p);
    free(text);
}

static void counts_and_rows_that_disagree_are_placed(void)
{
    refuses(r, "a.jpg\n3\n1 2 3 4\n1 2 3 4\nb.jpg\n", "made.txt:5: ", "face 3 of 3 must stand here");
    refuses(r, "a.jpg\n1\n1 2 3 4\n5 6 7 8\nb.jpg\n0\n", "made.txt:4: ", "is no path of a .jpg or .png");
    refuses(r, "a.jpg\nb.jpg\n", "made.txt:2: ", "where the number of faces must");
    refuses(r, "a.jpg\n-1\n", "made.txt:2: ", "where the number of faces must");
    refuses(r, "a.jpg\n1.5\n", "made.txt:2: ", "where the number of faces must");
    refuses(r, "a.jpg\n1 2\n", "made.txt:2: ", "where the number of faces must");
    refuses(r, "a.jpg\n1\n1 2 3\n", "made.txt:3: ", "3 numbers, not x y w h");
    refuses(r, "a.jpg\n1\n1 2 3 4 5 6 7 0 9 10 11\n", "made.txt:3: ", "11 numbers, not x y w h");
    refuses(r, "a.jpg\n1\n1 2 3 4 0 0 0 2 0 0\n", "made.txt:3: ", "(invalid) is 2");
    refuses(r, "a.jpg\n1\n1 2 3 1e300\n", "made.txt:3: ", "beyond 1e9");
    refuses(r, "a.jpg\n99999999999999999999\n", "made.txt:2: ", "where the number of faces must");
    refuses(r, "a.jpg\n0\na.jpg\n0\n", "made.txt:3: ", "is there twice");
}

static void a_file_that_ends_too_early_is_no_whole_one(void)
{
    refuses(r, "a.jpg\n", "made.txt:1: ", "ends before the number of faces");
    refuses(r, "a.jpg\n9223372036854775807\n1 2 3 4\n",
            "made.txt:3: ", "ends after 1 of 9223372036854775807 faces");
}

static void paths_and_counts_make_the_format_known(void)
{
    CU_ASSERT(fits_text(r, whole));
    CU_ASSERT(fits_text(r, "a.jpg\r\n1\r\n1 2 3 4\r\n"));
    CU_ASSERT(fits_text(r, "a.jpg\n0\n0 0 0 0 0 0 0 0 0 0 \n"));
    CU_ASSERT_FALSE(fits_text(r, "a.jpg\nb.jpg\nc.jpg\n"));
    CU_ASSERT_FALSE(fits_text(r, "validation/0001eeaf4aed83f9.jpg\n-1\n1\n"));
    CU_ASSERT_FALSE(fits_text(r, "a.txt\n1\n1 2 3 4\n"));
    CU_ASSERT_FALSE(fits_text(r, "a.jpg"));
    CU_ASSERT_FALSE(fits_text(r, ""));
}

static void damage_is_survived(void) { survives_damage(r, whole, ""); }

CHECK_SUITE("wider", CHECK(faces_arrive_with_their_picture),
            CHECK(zeros_behind_a_count_of_0_may_be_missing_and_lines_may_be_empty),
            CHECK(a_lone_face_of_zeros_is_dropped_and_found), CHECK(two_thousand_faces_arrive_in_order),
            CHECK(counts_and_rows_that_disagree_are_placed),
            CHECK(a_file_that_ends_too_early_is_no_whole_one), CHECK(paths_and_counts_make_the_format_known),
            CHECK(damage_is_survived));
