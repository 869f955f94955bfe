/* tests/unit/test_size_table.c: tables of image sizes (io/formats/size_table.h, io/formats/size_json.h) */
#include "io/formats/size_table.h"
#include "tests/check.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The size of an image as "WxH", "-" when the table lacks it; the error when the table cannot be read. */
static const char *size_in(const char *text, const char *name, const char *key)
{
    static char out[1100];
    anc_stream in;
    anc_size_table *t = NULL;
    anc_err err = { 0 };
    int32_t height, width;
    size_t n = strlen(text);
    char *guarded = check_guarded(n ? n : 1);
    memcpy(guarded, text, n);
    anc_stream_memory(&in, guarded, n, "made.txt");
    if (anc_size_table_read(&in, &t, &err))
        snprintf(out, sizeof out, "%s", err.text);
    else if (anc_size_table_find(t, name, key, &height, &width))
        snprintf(out, sizeof out, "%dx%d", width, height);
    else
        strcpy(out, "-");
    anc_size_table_close(t);
    anc_stream_end(&in);
    check_guarded_free(guarded, n ? n : 1);
    return out;
}

static void columns_are_parted_by_tabs_commas_or_blanks(void)
{
    CU_ASSERT_STRING_EQUAL(size_in("a/b.jpg\t640\t480\n", "a/b.jpg", ""), "640x480");
    CU_ASSERT_STRING_EQUAL(size_in("a/b.jpg,640,480\r\n", "a/b.jpg", ""), "640x480");
    CU_ASSERT_STRING_EQUAL(size_in("a/b c.jpg  640 480 \n", "a/b c.jpg", ""), "640x480");
    CU_ASSERT_STRING_EQUAL(size_in("a,b.jpg\t640\t480\n", "a,b.jpg", ""), "640x480");
    CU_ASSERT_STRING_EQUAL(size_in("\"a,b\",x,640,480\n", "a,b.jpg", ""), "640x480");
}

static void headings_say_which_column_is_which(void)
{
    CU_ASSERT_STRING_EQUAL(size_in("Rotation,Height,ImageID,Width\n0,480,ff,640\n", "ff.jpg", "ff"),
                           "640x480");
    CU_ASSERT_STRING_EQUAL(size_in("height\twidth\tfile_name\n480\t640\tff.jpg\n", "ff.jpg", "ff"),
                           "640x480");
    CU_ASSERT_STRING_EQUAL(size_in("picture,width,height\nff,640,480\n", "", "ff"), "640x480");
    CU_ASSERT_STRING_EQUAL(size_in("picture,across,down\nff,640,480\n", "", "ff"), "640x480");
}

static void one_heading_alone_is_no_heading(void)
{
    CU_ASSERT_STRING_EQUAL(size_in("width\n", "", "x"),
                           "made.txt: no sizes in it: path, width and height are needed on each line");
    CU_ASSERT_STRING_EQUAL(size_in("a,width\nff,640,480\n", "", "ff"), "640x480");
    CU_ASSERT_STRING_EQUAL(size_in("height\nff 640 480\n", "", "ff"), "640x480");
}

static void a_path_is_found_whole_first_then_by_its_name(void)
{
    static const char table[] = "x/1.jpg\t1\t1\ny/1.jpg\t2\t2\n1\t3\t3\nz/1.jpg\t4\t4\nz/1.jpg\t5\t5\n";
    CU_ASSERT_STRING_EQUAL(size_in(table, "y/1.jpg", ""), "2x2");
    CU_ASSERT_STRING_EQUAL(size_in(table, "", "y/1"), "2x2");
    CU_ASSERT_STRING_EQUAL(size_in(table, "", "1"), "3x3");
    CU_ASSERT_STRING_EQUAL(size_in(table, "z/1.jpg", ""), "4x4");
    CU_ASSERT_STRING_EQUAL(size_in(table, "elsewhere/1.png", ""), "1x1"); /* by name: the first of them */
    CU_ASSERT_STRING_EQUAL(size_in(table, "2.jpg", "2"), "-");
}

static void json_gives_height_then_width(void)
{
    static const char table[] = "\xef\xbb\xbf {\"273271,c9db\": [480, 640], \"b\": [1.0, 2]}\n";
    CU_ASSERT_STRING_EQUAL(size_in(table, "273271,c9db.jpg", "273271,c9db"), "640x480");
    CU_ASSERT_STRING_EQUAL(size_in(table, "b.jpg", "b"), "2x1");
}

static void broken_tables_are_placed(void)
{
    static const struct {
        const char *text, *words;
    } bad[] = {
        { "", "made.txt: no sizes in it" },
        { "path,width,height\n", "made.txt: no sizes in it" },
        { "a,640,480\nb,640\n", "made.txt:2: no path, width and height" },
        { "a,640,480\nb,640,x\n", "made.txt:2: no path, width and height" },
        { "a 640 480\nb\n", "made.txt:2: no path, width and height" },
        { "a,640,480\n,640,480\n", "made.txt:2: no path, width and height" },
        { "a,640,480\nb,0,480\n", "made.txt:2: 'b' is 0 pixels wide and 480 high" },
        { "a,-640,480\n", "made.txt:1: 'a' is -640 pixels wide" },
        { "a,640,1000001\n", "made.txt:1: 'a' is 640 pixels wide and 1000001 high" },
        { "width,height,path\n640,480\n", "made.txt:2: no path, width and height" },
        { "{\"a\": [480]}", "made.txt: member 'a': sizes as JSON" },
        { "{\"a\": [480, 640, 3]}", "made.txt: member 'a': sizes as JSON" },
        { "{\"a\": 480}", "made.txt: member 'a'" },
        { "{\"a\": {}}", "made.txt: member 'a'" },
        { "{\"a\": [[480], 640]}", "made.txt: member 'a'" },
        { "{\"a\": [\"480\", 640]}", "made.txt: member 'a'" },
        { "{\"a\": [480.5, 640]}", "made.txt: member 'a'" },
        { "{\"a\": [0, 640]}", "made.txt: 'a' is 640 pixels wide and 0 high" },
        { "{\"a\": [480, 640]", "made.txt: behind member 'a': " },
        { "{\"a\": [480, 640],}", "made.txt: behind member 'a': " },
        { "{}", "made.txt: no sizes in it" },
    };
    for (size_t k = 0; k < sizeof bad / sizeof *bad; k++) {
        const char *said = size_in(bad[k].text, "a", "a");
        bool good = !strncmp(said, bad[k].words, strlen(bad[k].words));
        CU_ASSERT(good);
        if (!good) printf("\n    for %s: %s\n", bad[k].text, said);
    }
}

static void thousands_of_rows_are_found_again(void)
{
    enum { ROWS = 5000 };
    char *text = malloc(ROWS * 40), name[32], wanted[32];
    size_t n = 0;
    CU_ASSERT_PTR_NOT_NULL_FATAL(text);
    for (int k = 0; k < ROWS; k++)
        n += (size_t)sprintf(text + n, "event%d/picture_%d.jpg\t%d\t%d\n", k % 7, k, k + 1, 2 * k + 1);
    for (int k = 0; k < ROWS; k += 997) {
        snprintf(name, sizeof name, "event%d/picture_%d.jpg", k % 7, k);
        snprintf(wanted, sizeof wanted, "%dx%d", k + 1, 2 * k + 1);
        CU_ASSERT_STRING_EQUAL(size_in(text, name, ""), wanted);
    }
    free(text);
}

CHECK_SUITE("size-table", CHECK(columns_are_parted_by_tabs_commas_or_blanks),
            CHECK(headings_say_which_column_is_which), CHECK(one_heading_alone_is_no_heading),
            CHECK(a_path_is_found_whole_first_then_by_its_name), CHECK(json_gives_height_then_width),
            CHECK(broken_tables_are_placed), CHECK(thousands_of_rows_are_found_again));
