/* tests/unit/test_crowdhuman.c: CrowdHuman's lines of JSON (io/formats/crowdhuman.h) */
#include "io/formats/crowdhuman.h"
#include "tests/check.h"
#include "tests/unit/test_reading.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const anc_reader *const r = &anc_crowdhuman_reader;

#define PERSON                                                                                              \
    "{\"tag\": \"person\", \"hbox\": [5, 6, 7, 8], \"head_attr\": {\"ignore\": 0, \"occ\": 1, \"unsure\": " \
    "0}, "                                                                                                  \
    "\"fbox\": [-19, 2, 30, 40], \"vbox\": [0, 2, 11, 40.5], \"extra\": {\"box_id\": 0, \"occ\": 0}}"
#define MASK                                                                                           \
    "{\"fbox\": [1, 2, 3, 4], \"tag\": \"mask\", \"hbox\": [1, 2, 3, 4], \"extra\": {\"ignore\": 1}, " \
    "\"vbox\": [1, 2, 3, 4], \"head_attr\": {}}"
#define NO_HEAD                                                                                            \
    "{\"tag\": \"person\", \"hbox\": [9, 9, 2, 2], \"head_attr\": {\"ignore\": 1, \"occ\": 0}, "           \
    "\"fbox\": [9, 9, 9, 9], \"vbox\": [9, 9, 9, 9], \"extra\": {\"occ\": 1, \"more\": [{\"ignore\": 1}, " \
    "[[2]]]}}"
static const char whole[] =
    "{\"ID\": \"273271,c9db\", \"gtboxes\": [" PERSON ", " MASK "]}\n"
    "{\"gtboxes\": [" NO_HEAD "], \"other\": {\"ID\": [1, {\"gtboxes\": null}]}, \"ID\": \"1,a\"}\n"
    "\n"
    "{\"ID\": \"2,b\", \"gtboxes\": []}";

static void read_as(anc_box_kind kind, anc_parsed *p)
{
    anc_err err = { 0 };
    const anc_reader_options o = { .box = kind };
    CU_ASSERT_EQUAL_FATAL(read_text(r, &o, whole, "", p, &err), ANC_OK);
    CU_ASSERT_EQUAL(p->n_images, 3);
    CU_ASSERT_EQUAL(p->n_boxes, 3);
}

static void members_arrive_in_any_order(void)
{
    anc_parsed p = { 0 };
    read_as(ANC_BOX_FULL, &p);
    CU_ASSERT(box_is(&p, 0, "273271,c9db", "person", -19, 2, 11, 42, 0, 0));
    CU_ASSERT(box_is(&p, 1, "273271,c9db", "person", 1, 2, 4, 6, 1, 0));
    CU_ASSERT(box_is(&p, 2, "1,a", "person", 9, 9, 18, 18, 0, ANC_FLAG_OCCLUDED));
    CU_ASSERT_STRING_EQUAL(p.text + p.image[0].name, "273271,c9db.jpg");
    anc_parsed_clear(&p);
}

static void the_visible_part_is_taken_on_request(void)
{
    anc_parsed p = { 0 };
    read_as(ANC_BOX_VISIBLE, &p);
    CU_ASSERT(box_is(&p, 0, "273271,c9db", "person", 0, 2, 11, 42.5, 0, 0));
    CU_ASSERT(box_is(&p, 1, "273271,c9db", "person", 1, 2, 4, 6, 1, 0));
    anc_parsed_clear(&p);
}

static void heads_have_an_ignore_mark_of_their_own(void)
{
    anc_parsed p = { 0 };
    read_as(ANC_BOX_HEAD, &p);
    CU_ASSERT(box_is(&p, 0, "273271,c9db", "head", 5, 6, 12, 14, 0, ANC_FLAG_OCCLUDED));
    CU_ASSERT(box_is(&p, 1, "273271,c9db", "head", 1, 2, 4, 6, 1, 0));
    CU_ASSERT(box_is(&p, 2, "1,a", "head", 9, 9, 11, 11, 1, 0));
    anc_parsed_clear(&p);
}

#define BOX(members) "{\"ID\": \"a\", \"gtboxes\": [{\"tag\": \"person\"" members "}]}\n"

static void what_cannot_be_meant_is_placed(void)
{
    refuses(r, "\n{\"ID\": 5, \"gtboxes\": []}", "made.txt:2: ", "ID is a number, not a string");
    refuses(r, "{\"gtboxes\": []}", "made.txt:1: ", "no member ID");
    refuses(r, "{\"ID\": \"\", \"gtboxes\": []}", "made.txt:1: ", "no member ID, or an empty one");
    refuses(r, "{\"ID\": \"a\"}", "made.txt:1: ", "no member gtboxes");
    refuses(r, "[1]", "made.txt:1: ", "the line holds a list, not an object");
    refuses(r, "{\"ID\": \"a\", \"gtboxes\": {}}", "made.txt:1: ", "gtboxes is an object, not a list");
    refuses(r, "{\"ID\": \"a\", \"gtboxes\": [7]}",
            "made.txt:1: ", "gtboxes holds a number, not only objects");
    refuses(r, "{\"ID\": \"a\", \"ID\": \"b\", \"gtboxes\": []}", "made.txt:1: ", "member ID is there twice");
    refuses(r, "{\"ID\": \"a\", \"gtboxes\": [], \"gtboxes\": []}",
            "made.txt:1: ", "member gtboxes is there twice");
    refuses(r, "{\"ID\": \"a\", \"gtboxes\": []}\n{\"ID\": \"a\", \"gtboxes\": []}",
            "made.txt:2: ", "ID a is there twice");
    refuses(r, BOX(""), "made.txt:1: ", "gtboxes[0] has no fbox");
    refuses(r, BOX(", \"fbox\": [1, 2, 3]"), "made.txt:1: ", "gtboxes[0]: fbox is not 4 numbers");
    refuses(r, BOX(", \"fbox\": [1, 2, 3, 4, 5]"), "made.txt:1: ", "gtboxes[0]: fbox is not 4 numbers");
    refuses(r, BOX(", \"fbox\": [1, 2, 3, \"4\"]"),
            "made.txt:1: ", "gtboxes[0]: a string where a number must be");
    refuses(r, BOX(", \"fbox\": [1, 2, 3, null]"), "made.txt:1: ", "gtboxes[0]: null where a number must be");
    refuses(r, BOX(", \"fbox\": 1"), "made.txt:1: ", "gtboxes[0]: fbox is a number");
    refuses(r, BOX(", \"fbox\": [1, 2, 3, 1e999]"), "made.txt:1: ", "float64 cannot hold");
    refuses(r, BOX(", \"fbox\": [1, 2, 3, 4e9]"), "made.txt:1: ", "beyond 1e9");
    refuses(r, BOX(", \"fbox\": [1, 2, 3, 4], \"fbox\": [1, 2, 3, 4]"), "made.txt:1: ", "there twice");
    refuses(r, BOX(", \"fbox\": [1, 2, 3, 4], \"extra\": 7"),
            "made.txt:1: ", "gtboxes[0]: extra is a number");
    refuses(r, BOX(", \"tag\": null"), "made.txt:1: ", "gtboxes[0]: tag is null");
    refuses(r, "{\"ID\": \"a\", \"gtboxes\": [}", "made.txt:1: column ", "");
    refuses(r, "{\"ID\": \"a\", \"gtboxes\": [", "made.txt:1: column ", "was the file copied whole?");
    refuses(r, "{\"ID\": \"a\", \"gtboxes\": []} {}", "made.txt:1: column ", "trailing garbage");
    refuses(r, "{\"ID\": \"a\nb\", \"gtboxes\": []}", "made.txt:1: column ", "");
    refuses(r, "{\"ID\": \"\xff\", \"gtboxes\": []}", "made.txt:1: column ", "UTF8");
    refuses(r, "{\"ID\": \"a\\u0000b\", \"gtboxes\": []}", "made.txt:1: ", "NUL");
}

/* The benchmark's own reader asks for other than 0. */
static void any_ignore_but_0_marks_a_region(void)
{
    anc_parsed p = { 0 };
    anc_err err = { 0 };
    CU_ASSERT_EQUAL_FATAL(
        read_text(r, NULL, BOX(", \"fbox\": [1, 2, 3, 4], \"extra\": {\"ignore\": 2}"), "", &p, &err),
        ANC_OK);
    CU_ASSERT(box_is(&p, 0, "a", "person", 1, 2, 4, 6, 1, 0));
    anc_parsed_clear(&p);
}

static void nesting_is_bounded(void)
{
    enum { DEPTH = 1000000 };
    static const char start[] = "{\"ID\": \"a\", \"x\": ";
    char *text = malloc(sizeof start + DEPTH);
    CU_ASSERT_PTR_NOT_NULL_FATAL(text);
    memcpy(text, start, sizeof start - 1);
    memset(text + sizeof start - 1, '[', DEPTH);
    text[sizeof start - 1 + DEPTH] = '\0';
    refuses(r, text, "made.txt:1: ", "nest more than 64 deep");
    free(text);
}

static void boxes_without_area_are_diagnostics(void)
{
    anc_parsed p = { 0 };
    anc_err err = { 0 };
    CU_ASSERT_EQUAL_FATAL(
        read_text(r, NULL, BOX(", \"fbox\": [1, 2, 0, 4]}, {\"tag\": \"person\", \"fbox\": [1, 2, 3, -4]"),
                  "", &p, &err),
        ANC_OK);
    CU_ASSERT_EQUAL(p.n_boxes, 0);
    CU_ASSERT_EQUAL(p.annotations, 2);
    CU_ASSERT_STRING_EQUAL(p.diagnostics.of[ANC_DIAG_EMPTY_BOX].place[0], "made.txt:1");
    CU_ASSERT_EQUAL(p.diagnostics.of[ANC_DIAG_INVERTED_BOX].n, 1);
    anc_parsed_clear(&p);
}

static void its_members_make_the_format_known(void)
{
    CU_ASSERT(fits_text(r, whole));
    CU_ASSERT(fits_text(r, "{\"gtboxes\": [{\"fbox\": [72, 202"));
    CU_ASSERT_FALSE(fits_text(r, "{\"images\": [{\"id\": 1}]}"));
    CU_ASSERT_FALSE(fits_text(r, "{\"images\": [],\n\"ID\": 1}"));
    CU_ASSERT_FALSE(fits_text(r, ""));
}

static void damage_is_survived(void) { survives_damage(r, whole, ""); }

CHECK_SUITE("crowdhuman", CHECK(members_arrive_in_any_order), CHECK(the_visible_part_is_taken_on_request),
            CHECK(heads_have_an_ignore_mark_of_their_own), CHECK(what_cannot_be_meant_is_placed),
            CHECK(any_ignore_but_0_marks_a_region), CHECK(nesting_is_bounded),
            CHECK(boxes_without_area_are_diagnostics), CHECK(its_members_make_the_format_known),
            CHECK(damage_is_survived));
