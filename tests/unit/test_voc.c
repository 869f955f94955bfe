/* tests/unit/test_voc.c: PASCAL VOC XML, as its tools and their users write it */
#include "io/formats/voc.h"
#include "tests/check.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Reads text as the file of image "a"; the part is then to be cleared. */
static anc_status read_as(const anc_reader_options *o, const char *text, size_t n, anc_parsed *part,
                          anc_err *err)
{
    void *state = NULL;
    anc_stream in;
    anc_file file = { (char *)"a.xml", (char *)"a", (char *)"" };
    *part = (anc_parsed){ .file = "a.xml" };
    *err = (anc_err){ 0 };
    CU_ASSERT_EQUAL_FATAL(anc_voc_reader.start(o, &state, err), ANC_OK);
    anc_stream_memory(&in, text, n, "a.xml");
    anc_status status = anc_voc_reader.read(o, state, &file, &in, part, err);
    anc_stream_end(&in);
    anc_voc_reader.end(state);
    return status;
}

static const anc_reader_options defaults;

static void expect_error(const char *text, const char *words)
{
    anc_parsed p;
    anc_err err;
    CU_ASSERT_EQUAL(read_as(&defaults, text, strlen(text), &p, &err), ANC_EDATA);
    CU_ASSERT(strstr(err.text, words) != NULL);
    if (!strstr(err.text, words)) puts(err.text);
    anc_parsed_clear(&p);
}

#define SIZE         "<size><width>500</width><height>375</height><depth>3</depth></size>"
#define OBJECT(more) "<object><name>cow</name>" more "</object>"
#define BOX(x1, y1, x2, y2) \
    "<bndbox><xmin>" #x1 "</xmin><ymin>" #y1 "</ymin><xmax>" #x2 "</xmax><ymax>" #y2 "</ymax></bndbox>"
#define FILE_OF(content) "<annotation><filename>a.jpg</filename>" content "</annotation>"

static void corners(const char *text, anc_corners rule, const double *want)
{
    anc_reader_options o = { .corners = rule };
    anc_parsed p;
    anc_err err;
    CU_ASSERT_EQUAL(read_as(&o, text, strlen(text), &p, &err), ANC_OK);
    CU_ASSERT_EQUAL_FATAL(p.n_boxes, 1);
    CU_ASSERT(!memcmp(p.box[0].xyxy, want, 4 * sizeof *want));
    anc_parsed_clear(&p);
}

static void corners_become_edges_by_the_chosen_rule(void)
{
    static const char text[] = FILE_OF(SIZE OBJECT(BOX(1, 2, 500, 375)));
    corners(text, ANC_CORNERS_ONE, (double[]){ 0, 1, 500, 375 });
    corners(text, ANC_CORNERS_ZERO, (double[]){ 1, 2, 501, 376 });
    corners(text, ANC_CORNERS_EDGES, (double[]){ 1, 2, 500, 375 });
}

static void corners_may_stand_in_any_order_and_size_at_the_end(void)
{
    corners(
        FILE_OF(OBJECT("<bndbox><ymax>9</ymax><xmin>3</xmin><xmax>7.5</xmax><ymin>4</ymin></bndbox>") SIZE),
        ANC_CORNERS_EDGES, (double[]){ 3, 4, 7.5, 9 });
}

static void an_image_has_its_names_size_and_marks(void)
{
    static const char text[] =
        FILE_OF(SIZE OBJECT("<difficult>1</difficult><truncated>1</truncated><occluded>1</occluded>" BOX(
            1, 1, 9, 9)) "<object><name> "
                         "big dog </name><difficult>0</difficult><pose>Unspecified</pose>" BOX(
                             2, 2, 8, 8) "</object>");
    anc_parsed p;
    anc_err err;
    CU_ASSERT_EQUAL_FATAL(read_as(&defaults, text, strlen(text), &p, &err), ANC_OK);
    CU_ASSERT_EQUAL_FATAL(p.n_images, 1);
    CU_ASSERT_STRING_EQUAL(p.text + p.image[0].key, "a");
    CU_ASSERT_STRING_EQUAL(p.text + p.image[0].name, "a.jpg");
    CU_ASSERT(p.image[0].width == 500 && p.image[0].height == 375 && !p.image[0].relative);
    CU_ASSERT_EQUAL_FATAL(p.n_boxes, 2);
    CU_ASSERT_EQUAL(p.box[0].flags, ANC_FLAG_DIFFICULT | ANC_FLAG_TRUNCATED | ANC_FLAG_OCCLUDED);
    CU_ASSERT(!p.box[0].crowd && !p.box[1].flags);
    CU_ASSERT_STRING_EQUAL(p.text + p.category[p.box[1].category].key, "big dog");
    for (int k = 0; k < ANC_N_DIAGNOSTICS; k++) CU_ASSERT_EQUAL(p.diagnostics.of[k].n, 0);
    anc_parsed_clear(&p);
}

static void difficult_objects_are_kept_dropped_or_ignored(void)
{
    static const char text[] =
        FILE_OF(SIZE OBJECT("<difficult>1</difficult>" BOX(1, 1, 9, 9)) OBJECT(BOX(2, 2, 8, 8)));
    for (int rule = ANC_DIFFICULT_KEEP; rule <= ANC_DIFFICULT_IGNORE; rule++) {
        anc_reader_options o = { .difficult = (anc_difficult)rule };
        anc_parsed p;
        anc_err err;
        CU_ASSERT_EQUAL(read_as(&o, text, strlen(text), &p, &err), ANC_OK);
        CU_ASSERT_EQUAL(p.annotations, 2);
        CU_ASSERT_EQUAL_FATAL(p.n_boxes, rule == ANC_DIFFICULT_DROP ? 1 : 2);
        CU_ASSERT_EQUAL(p.box[0].crowd, rule == ANC_DIFFICULT_IGNORE);
        CU_ASSERT_EQUAL(p.diagnostics.of[ANC_DIAG_DIFFICULT].n, rule == ANC_DIFFICULT_DROP);
        anc_parsed_clear(&p);
    }
}

static void boxes_of_parts_and_unknown_elements_are_passed_over(void)
{
    corners(FILE_OF("<owner><name>x</name></owner>" SIZE OBJECT("<part><name>head</name>" BOX(
                1, 1, 2, 2) "</part><actions><jumping>1</jumping></actions>" BOX(5, 6, 7, 8))),
            ANC_CORNERS_EDGES, (double[]){ 5, 6, 7, 8 });
}

static void a_decimal_comma_is_repaired_and_found_with_its_line(void)
{
    static const char text[] =
        "<annotation>\n<filename>a.jpg</filename>" SIZE "<object><name>cow</name>\n" BOX(
            10, 20, 30, 40) "</object>\n<object><name>cow</name><bndbox>\n<xmin>1,5</xmin><ymin>2</"
                            "ymin><xmax>3</xmax><ymax>4"
                            "</ymax></bndbox></object></annotation>";
    anc_parsed p;
    anc_err err;
    CU_ASSERT_EQUAL(read_as(&defaults, text, strlen(text), &p, &err), ANC_OK);
    CU_ASSERT_EQUAL_FATAL(p.n_boxes, 2);
    CU_ASSERT_EQUAL(p.box[1].xyxy[0], 0.5);
    CU_ASSERT_EQUAL(p.diagnostics.of[ANC_DIAG_NUMBER].n, 1);
    CU_ASSERT_STRING_EQUAL(p.diagnostics.of[ANC_DIAG_NUMBER].place[0], "a.xml:5");
    anc_parsed_clear(&p);
}

static void lines_may_end_with_cr_and_a_mark_may_begin(void)
{
    char text[] = "\xef\xbb\xbf<?xml version=\"1.0\" encoding=\"utf-8\"?>\r<annotation>\r" SIZE
                  "\r" OBJECT(BOX(1, 2, 3, 4)) "\r"
                                               "</annotation>\r";
    corners(text, ANC_CORNERS_EDGES, (double[]){ 1, 2, 3, 4 });
}

static void empty_and_inverted_boxes_are_dropped_and_found(void)
{
    static const char text[] =
        FILE_OF(SIZE OBJECT(BOX(5, 5, 5, 9)) OBJECT(BOX(1050, 142, 1024, 192)) OBJECT(BOX(1, 2, 3, 4)));
    anc_reader_options o = { .corners = ANC_CORNERS_EDGES };
    anc_parsed p;
    anc_err err;
    CU_ASSERT_EQUAL(read_as(&o, text, strlen(text), &p, &err), ANC_OK);
    CU_ASSERT(p.n_boxes == 1 && p.annotations == 3);
    CU_ASSERT_EQUAL(p.diagnostics.of[ANC_DIAG_EMPTY_BOX].n, 1);
    CU_ASSERT_EQUAL(p.diagnostics.of[ANC_DIAG_INVERTED_BOX].n, 1);
    anc_parsed_clear(&p);
}

static void a_missing_size_is_left_to_the_picture_and_found(void)
{
    static const char *const without[] = {
        "<annotation><filename>b.jpg</filename></annotation>",
        "<annotation><filename>b.jpg</filename><size><width>0</width><height>0</height></size></annotation>",
        "<annotation><filename>b.jpg</filename><size><width></width><height> </height></size></annotation>",
    };
    for (int i = 0; i < 3; i++) {
        anc_parsed p;
        anc_err err;
        CU_ASSERT_EQUAL(read_as(&defaults, without[i], strlen(without[i]), &p, &err), ANC_OK);
        CU_ASSERT_EQUAL_FATAL(p.n_images, 1);
        CU_ASSERT(!p.image[0].width && !p.image[0].height);
        CU_ASSERT_EQUAL(p.diagnostics.of[ANC_DIAG_SIZE_HEADER].n, 1);
        CU_ASSERT_EQUAL(p.diagnostics.of[ANC_DIAG_NAME_DIFFERS].n, 1);
        anc_parsed_clear(&p);
    }
}

static void what_cannot_be_meant_is_an_error_with_its_line(void)
{
    expect_error("", "a.xml:1: column 1: no element found: is the file whole?");
    expect_error("<annotation><object>\n", "a.xml:2: column 1: no element found");
    expect_error("<annotation>\n<a></b></annotation>", "a.xml:2: column 6: mismatched tag");
    expect_error("<svg/>", "a.xml:1: the root element is <svg>, not <annotation>");
    expect_error(FILE_OF(SIZE "<object>" BOX(1, 2, 3, 4) "</object>"), "an <object> without <name>");
    expect_error(FILE_OF(SIZE OBJECT("")), "an <object> without <bndbox>");
    expect_error(FILE_OF(SIZE OBJECT("<bndbox><xmin>1</xmin></bndbox>")), "a <bndbox> without <ymin>");
    expect_error(FILE_OF(SIZE OBJECT(BOX(1, 2, three, 4))), "'three' is not a number");
    expect_error(FILE_OF(SIZE OBJECT(BOX(1, 2, nan, 4))), "'nan' is not a number");
    expect_error(FILE_OF(SIZE OBJECT(BOX(1, 2, 1e999, 4))), "'1e999' is not a number");
    expect_error(FILE_OF(SIZE OBJECT(BOX(1, 2, 2e9, 4))), "reaches beyond 1e9");
    expect_error(FILE_OF(SIZE OBJECT(BOX(1, 2, 3, 4) BOX(1, 2, 3, 4))), "a second <bndbox> in one <object>");
    expect_error(FILE_OF(SIZE OBJECT("<bndbox><xmin>1</xmin><xmin>1</xmin></bndbox>")), "stands twice");
    expect_error(FILE_OF("<size><width>50.5</width><height>3</height></size>"), "a side of 50.5 pixels");
    expect_error(FILE_OF("<size><width>5000000</width><height>3</height></size>"),
                 "each must be 1 to 1000000");
}

static void a_long_or_deep_file_is_refused(void)
{
    enum { N = 200000 };
    char *text = malloc(N + 100);
    anc_parsed p;
    anc_err err;
    size_t n = (size_t)sprintf(text, "<annotation><filename>");
    memset(text + n, 'a', N);
    strcpy(text + n + N, "</filename></annotation>");
    CU_ASSERT_EQUAL(read_as(&defaults, text, strlen(text), &p, &err), ANC_EDATA);
    CU_ASSERT(strstr(err.text, "a value is longer than 4096 bytes") != NULL);
    anc_parsed_clear(&p);
    n = (size_t)sprintf(text, "<annotation>");
    for (int i = 0; i < 1000; i++) n += (size_t)sprintf(text + n, "<a>");
    CU_ASSERT_EQUAL(read_as(&defaults, text, n, &p, &err), ANC_EDATA);
    CU_ASSERT(strstr(err.text, "elements nest more than 32 deep") != NULL);
    anc_parsed_clear(&p);
    free(text);
}

static void entities_that_grow_without_end_are_refused(void)
{
    char text[8192];
    size_t n = (size_t)sprintf(text, "<!DOCTYPE a [<!ENTITY e0 \"%064d\">", 0);
    for (int i = 1; i < 30; i++) {
        n += (size_t)sprintf(text + n, "<!ENTITY e%d \"", i);
        for (int k = 0; k < 10; k++) n += (size_t)sprintf(text + n, "&e%d;", i - 1);
        n += (size_t)sprintf(text + n, "\">");
    }
    sprintf(text + n, "]><annotation><folder>&e29;</folder></annotation>");
    expect_error(text, "entities that grow without end");
    strcpy(text + n, "]><annotation><filename>&e3;</filename></annotation>");
    expect_error(text, "a value is longer than 4096 bytes");
}

static void an_entity_of_another_file_is_not_fetched(void)
{
    static const char text[] =
        "<!DOCTYPE a [<!ENTITY e SYSTEM \"/etc/passwd\">]><annotation><filename>&e;</filename>" SIZE
        "</annotation>";
    anc_parsed p;
    anc_err err;
    CU_ASSERT_EQUAL(read_as(&defaults, text, strlen(text), &p, &err), ANC_OK);
    CU_ASSERT_EQUAL_FATAL(p.n_images, 1);
    CU_ASSERT_STRING_EQUAL(p.text + p.image[0].name, "");
    anc_parsed_clear(&p);
}

static void every_cut_of_a_file_is_read_or_refused(void)
{
    static const char text[] =
        FILE_OF(SIZE OBJECT("<difficult>1</difficult>" BOX(1, 1, 9, 9)) OBJECT(BOX(2, 2, 8, 8)));
    int whole = 0;
    for (size_t n = 0; n < sizeof text; n++) {
        char *copy = check_guarded(n ? n : 1);
        memcpy(copy, text, n);
        anc_parsed p;
        anc_err err;
        anc_status status = read_as(&defaults, copy, n, &p, &err);
        whole += status == ANC_OK;
        CU_ASSERT(status == ANC_OK || (status == ANC_EDATA && !strncmp(err.text, "a.xml:1: ", 9)));
        anc_parsed_clear(&p);
        check_guarded_free(copy, n ? n : 1);
    }
    CU_ASSERT_EQUAL(whole, 1);
}

static void one_parser_reads_many_files(void)
{
    void *state = NULL;
    anc_parsed p = { 0 };
    anc_err err = { 0 };
    CU_ASSERT_EQUAL_FATAL(anc_voc_reader.start(&defaults, &state, &err), ANC_OK);
    for (int i = 0; i < 300; i++) {
        char text[512], key[16];
        anc_stream in;
        sprintf(key, "%03d", i);
        anc_file file = { key, key, (char *)"" };
        bool broken = i % 3 == 2;
        sprintf(text,
                "<annotation>%s<object><name>c%d</name><bndbox><xmin>%d</xmin><ymin>1</ymin><xmax>%d</"
                "xmax><ymax>9</ymax>"
                "</bndbox></object>%s",
                SIZE, i % 7, i + 1, i + 10, broken ? "<" : "</annotation>");
        anc_stream_memory(&in, text, strlen(text), key);
        p.file = key;
        err = (anc_err){ 0 };
        CU_ASSERT_EQUAL(anc_voc_reader.read(&defaults, state, &file, &in, &p, &err),
                        broken ? ANC_EDATA : ANC_OK);
    }
    CU_ASSERT_EQUAL(p.n_images, 200);
    CU_ASSERT_EQUAL(p.n_boxes, 200);
    CU_ASSERT_EQUAL(p.n_categories, 7);
    CU_ASSERT_EQUAL(p.box[199].xyxy[0], 298);
    anc_voc_reader.end(state);
    anc_parsed_clear(&p);
}

CHECK_SUITE("voc", CHECK(corners_become_edges_by_the_chosen_rule),
            CHECK(corners_may_stand_in_any_order_and_size_at_the_end),
            CHECK(an_image_has_its_names_size_and_marks),
            CHECK(difficult_objects_are_kept_dropped_or_ignored),
            CHECK(boxes_of_parts_and_unknown_elements_are_passed_over),
            CHECK(a_decimal_comma_is_repaired_and_found_with_its_line),
            CHECK(lines_may_end_with_cr_and_a_mark_may_begin),
            CHECK(empty_and_inverted_boxes_are_dropped_and_found),
            CHECK(a_missing_size_is_left_to_the_picture_and_found),
            CHECK(what_cannot_be_meant_is_an_error_with_its_line), CHECK(a_long_or_deep_file_is_refused),
            CHECK(entities_that_grow_without_end_are_refused),
            CHECK(an_entity_of_another_file_is_not_fetched), CHECK(every_cut_of_a_file_is_read_or_refused),
            CHECK(one_parser_reads_many_files));
