/* tests/unit/test_yolo.c: YOLO's label files and lists of names */
#include "io/formats/yolo.h"
#include "tests/check.h"
#include <stdio.h>
#include <string.h>

static const anc_reader_options defaults;

static anc_status read_text(const char *text, size_t n, anc_parsed *part, anc_err *err)
{
    void *state = NULL;
    anc_stream in;
    anc_file file = { (char *)"a.txt", (char *)"a", (char *)"a.jpg" };
    *part = (anc_parsed){ .file = "a.txt" };
    *err = (anc_err){ 0 };
    CU_ASSERT_EQUAL_FATAL(anc_yolo_reader.start(&defaults, &state, err), ANC_OK);
    anc_stream_memory(&in, text, n, "a.txt");
    anc_status status = anc_yolo_reader.read(&defaults, state, &file, &in, part, err);
    anc_stream_end(&in);
    anc_yolo_reader.end(state);
    return status;
}

static void expect_error(const char *text, const char *words)
{
    anc_parsed p;
    anc_err err;
    CU_ASSERT_EQUAL(read_text(text, strlen(text), &p, &err), ANC_EDATA);
    CU_ASSERT(strstr(err.text, words) != NULL);
    if (!strstr(err.text, words)) puts(err.text);
    anc_parsed_clear(&p);
}

static void rows_become_boxes_in_shares_of_the_picture(void)
{
    static const char text[] = "3 0.5 0.25 0.5 0.5\r\n\n  0\t0.75 0.75 0.5 0.25 \n7 0.5 0.5 1 1 0.98";
    static const double want[3][4] = { { 0.25, 0, 0.75, 0.5 }, { 0.5, 0.625, 1, 0.875 }, { 0, 0, 1, 1 } };
    static const int64_t class[3] = { 3, 0, 7 };
    anc_parsed p;
    anc_err err;
    CU_ASSERT_EQUAL_FATAL(read_text(text, strlen(text), &p, &err), ANC_OK);
    CU_ASSERT_EQUAL_FATAL(p.n_boxes, 3);
    CU_ASSERT(p.image[0].relative && !p.image[0].width);
    CU_ASSERT_STRING_EQUAL(p.text + p.image[0].name, "a.jpg");
    for (int i = 0; i < 3; i++) {
        CU_ASSERT(!memcmp(p.box[i].xyxy, want[i], sizeof want[i]));
        CU_ASSERT_EQUAL(p.category[p.box[i].category].number, class[i]);
    }
    anc_parsed_clear(&p);
}

static void polygons_become_their_boxes_and_are_found(void)
{
    static const char text[] = "1 0.1 0.5 0.3 0.2 0.25 0.75\n2 0.1 0.1 0.2 0.1 0.2 0.2 0.1 0.2\n";
    static const double want[4] = { 0.1, 0.2, 0.3, 0.75 };
    anc_parsed p;
    anc_err err;
    CU_ASSERT_EQUAL_FATAL(read_text(text, strlen(text), &p, &err), ANC_OK);
    CU_ASSERT_EQUAL_FATAL(p.n_boxes, 2);
    CU_ASSERT(!memcmp(p.box[0].xyxy, want, sizeof want));
    CU_ASSERT_EQUAL(p.diagnostics.of[ANC_DIAG_POLYGON].n, 2);
    CU_ASSERT_STRING_EQUAL(p.diagnostics.of[ANC_DIAG_POLYGON].place[1], "a.txt:2");
    anc_parsed_clear(&p);
}

static void an_empty_file_is_an_image_without_boxes(void)
{
    anc_parsed p;
    anc_err err;
    CU_ASSERT_EQUAL(read_text("", 0, &p, &err), ANC_OK);
    CU_ASSERT(p.n_images == 1 && p.n_boxes == 0);
    anc_parsed_clear(&p);
}

static void wrong_rows_are_named_by_line(void)
{
    expect_error("0 0.5 0.5 0.5 0.5\n0 0.5 0.5 0.5\n", "a.txt:2: 3 numbers after the class");
    expect_error("0 .1 .1 .1 .1 .1 .1 .1", "a.txt:1: 7 numbers after the class");
    expect_error("cat 0.5 0.5 0.5 0.5", "a.txt:1: 'cat' is not the number of a class");
    expect_error("-1 0.5 0.5 0.5 0.5", "'-1' is not the number of a class");
    expect_error("0.5 0.5 0.5 0.5 0.5", "'0.5' is not the number of a class");
    expect_error("3000000000 0.5 0.5 0.5 0.5", "is not the number of a class");
    expect_error("0 320 240 64 48", "a.txt:1: 320 is no share of the picture's width or height");
    expect_error("0 nan 0.5 0.5 0.5", "'nan' is not a number");
    expect_error("0 0.5 0.5 0x1p-1 0.5", "'0x1p-1' is not a number");
    expect_error("0 0.5,0.5 0.5 0.5", "'0.5,0.5' is not a number");
    anc_parsed p;
    anc_err err;
    CU_ASSERT_EQUAL(read_text("0 0 0\0 0", 8, &p, &err), ANC_EDATA);
    CU_ASSERT(strstr(err.text, "a.txt:1: a NUL byte") != NULL);
    anc_parsed_clear(&p);
}

static void boxes_without_area_are_dropped_and_found(void)
{
    static const char text[] = "0 0.5 0.5 0 0.5\n0 0.5 0.5 0.1 -0.5\n0 0.5 0.5 0.1 0.1\n";
    anc_parsed p;
    anc_err err;
    CU_ASSERT_EQUAL(read_text(text, strlen(text), &p, &err), ANC_OK);
    CU_ASSERT_EQUAL(p.n_boxes, 1);
    CU_ASSERT_STRING_EQUAL(p.diagnostics.of[ANC_DIAG_EMPTY_BOX].place[0], "a.txt:1");
    CU_ASSERT_STRING_EQUAL(p.diagnostics.of[ANC_DIAG_INVERTED_BOX].place[0], "a.txt:2");
    anc_parsed_clear(&p);
}

/* The names as "0=a,1=b,", or the error's text. */
static const char *names_of(const char *file, const char *text)
{
    static char all[1200];
    anc_stream in;
    anc_listing l = { 0 };
    anc_err err = { 0 };
    anc_stream_memory(&in, text, strlen(text), file);
    size_t n = 0;
    if (anc_yolo_names(&in, &l, &err))
        snprintf(all, sizeof all, "%s", err.text);
    else
        for (int64_t i = 0; i < l.n_categories; i++)
            n += (size_t)snprintf(all + n, sizeof all - n, "%lld=%s,", (long long)l.category[i].id,
                                  l.category[i].name);
    anc_stream_end(&in);
    anc_listing_clear(&l);
    return all;
}

static void names_come_from_yaml_of_any_form_or_from_lines(void)
{
    CU_ASSERT_STRING_EQUAL(names_of("c.txt", "person\r\ntraffic light \n\ndog"),
                           "0=person,1=traffic light,2=dog,");
    CU_ASSERT_STRING_EQUAL(
        names_of("d.yaml", "# x\npath: .\nnc: 2\nnames:\n  0: person\n  5: 'traffic light'\ntrain: a\n"),
        "0=person,5=traffic light,");
    CU_ASSERT_STRING_EQUAL(names_of("d.yaml", "train: [a, b]\nnames: [person, \"dog\"]\nval: {names: [x]}\n"),
                           "0=person,1=dog,");
    CU_ASSERT_STRING_EQUAL(names_of("d.yml", "names:\n- a\n- b\n"), "0=a,1=b,");
    CU_ASSERT_STRING_EQUAL(names_of("d.yaml", "other:\n  names: [x]\nnames: [a]\n"), "0=a,");
    CU_ASSERT(strstr(names_of("d.yaml", "names: [a, [b]]\n"),
                     "d.yaml:1: 'names' must be a list or numbers") != NULL);
    CU_ASSERT(strstr(names_of("d.yaml", "nc: 3\n"), "no names of classes in it (member 'names')") != NULL);
    CU_ASSERT(strstr(names_of("d.yaml", "names: {x: y}\n"), "'x' is no number of a class") != NULL);
    CU_ASSERT(strstr(names_of("d.yaml", "names: [a\nb: c: d\n"), "d.yaml:") != NULL);
    CU_ASSERT(strstr(names_of("d.yaml", "a: &a [x, y]\nnames: *a\n"), "write the names out") != NULL);
    CU_ASSERT(strstr(names_of("c.txt", "\n\n"), "no names of classes in it") != NULL);
}

static void aliases_in_yaml_do_not_grow(void)
{
    char text[4096];
    size_t n = (size_t)sprintf(text, "a0: &a0 [x]\n");
    for (int i = 1; i < 40; i++) {
        n += (size_t)sprintf(text + n, "a%d: &a%d [", i, i);
        for (int k = 0; k < 9; k++) n += (size_t)sprintf(text + n, "*a%d%s", i - 1, k < 8 ? "," : "]\n");
    }
    sprintf(text + n, "names: [a]\n");
    CU_ASSERT_STRING_EQUAL(names_of("d.yaml", text), "0=a,");
}

CHECK_SUITE("yolo", CHECK(rows_become_boxes_in_shares_of_the_picture),
            CHECK(polygons_become_their_boxes_and_are_found), CHECK(an_empty_file_is_an_image_without_boxes),
            CHECK(wrong_rows_are_named_by_line), CHECK(boxes_without_area_are_dropped_and_found),
            CHECK(names_come_from_yaml_of_any_form_or_from_lines), CHECK(aliases_in_yaml_do_not_grow));
