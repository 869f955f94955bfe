/* tests/unit/test_open_images.c: Open Images' box CSV (io/formats/open_images.h) */
#include "io/formats/open_images.h"
#include "tests/check.h"
#include "tests/unit/test_reading.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const anc_reader *const r = &anc_open_images_reader;

static const char whole[] = "ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax,IsOccluded,IsTruncated,"
                            "IsGroupOf,IsDepiction,IsInside\n"
                            "00ff,xclick,/m/031n1,1,0.25,0.5,0.125,1,0,0,0,0,0\n"
                            "000a,xclick,/m/0k0pj,1,0,1,0,1,1,1,1,1,1\n"
                            "00ff,activemil,/m/0k0pj,1,5.6e-05,0.75,.5,0.9000000000000001,-1,-1,-1,-1,-1\n";

static void rows_become_boxes_in_shares_of_their_image(void)
{
    anc_parsed p = { 0 };
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
    anc_parsed_clear(&p);
}

static void columns_may_stand_in_any_order_and_be_few(void)
{
    anc_parsed p = { 0 };
    anc_err err = { 0 };
    CU_ASSERT_EQUAL_FATAL(read_text(r, NULL,
                                    "\xef\xbb\xbfYMax,YMin,\"Title, long\",XMax,XMin,LabelName,ImageID\r\n"
                                    "0.4,0.3,\"says \"\"x, y\"\"\r\nand more\",0.2,0.1,Cat,a\r\n",
                                    "", &p, &err),
                          ANC_OK);
    CU_ASSERT(box_is(&p, 0, "a", "Cat", 0.1, 0.3, 0.2, 0.4, 0, 0));
    CU_ASSERT_EQUAL(p.n_boxes, 1);
    anc_parsed_clear(&p);
}

static void boxes_without_area_are_diagnostics(void)
{
    anc_parsed p = { 0 };
    anc_err err = { 0 };
    CU_ASSERT_EQUAL_FATAL(read_text(r, NULL,
                                    "ImageID,LabelName,XMin,XMax,YMin,YMax\n"
                                    "a,/m/0,0.5,0.5,0,1\n"
                                    "a,/m/0,0.6,0.5,0,1\n",
                                    "", &p, &err),
                          ANC_OK);
    CU_ASSERT_EQUAL(p.n_boxes, 0);
    CU_ASSERT_EQUAL(p.n_images, 1);
    CU_ASSERT_EQUAL(p.diagnostics.of[ANC_DIAG_EMPTY_BOX].n, 1);
    CU_ASSERT_STRING_EQUAL(p.diagnostics.of[ANC_DIAG_EMPTY_BOX].place[0], "made.txt:2");
    CU_ASSERT_EQUAL(p.diagnostics.of[ANC_DIAG_INVERTED_BOX].n, 1);
    CU_ASSERT_STRING_EQUAL(p.diagnostics.of[ANC_DIAG_INVERTED_BOX].place[0], "made.txt:3");
    anc_parsed_clear(&p);
}

static void thousands_of_labels_and_images_keep_their_rows(void)
{
    enum { LABELS = 3000, IMAGES = 1009 };
    char *text = malloc(2 * LABELS * 40 + 64), image[16], label[16];
    CU_ASSERT_PTR_NOT_NULL_FATAL(text);
    size_t n = (size_t)sprintf(text, "ImageID,LabelName,XMin,XMax,YMin,YMax\n");
    for (int k = 0; k < 2 * LABELS; k++)
        n += (size_t)sprintf(text + n, "i%d,/m/%d,0,%d,0,1\n", k * 7 % IMAGES, k % LABELS, k + 1);
    anc_parsed p = { 0 };
    anc_err err = { 0 };
    CU_ASSERT_EQUAL_FATAL(read_text(r, NULL, text, "", &p, &err), ANC_OK);
    CU_ASSERT_EQUAL(p.n_images, IMAGES);
    CU_ASSERT_EQUAL(p.n_categories, LABELS);
    CU_ASSERT_EQUAL(p.n_boxes, 2 * LABELS);
    for (int k = 0; k < 2 * LABELS; k++) {
        snprintf(image, sizeof image, "i%d", k * 7 % IMAGES);
        snprintf(label, sizeof label, "/m/%d", k % LABELS);
        CU_ASSERT(box_is(&p, k, image, label, 0, 0, k + 1, 1, 0, 0));
    }
    anc_parsed_clear(&p);
    free(text);
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

/* Which ids and names the classes of a file get, as "1 /m/0 Name; ...". */
static const char *classes_of(const char *text)
{
    static char out[2048];
    const anc_reader_options o = { .names = check_file("classes.csv", text, strlen(text)) };
    anc_listing l = { 0 };
    anc_err err = { 0 };
    size_t n = 0;
    out[0] = '\0';
    if (r->list(&o, "boxes.csv", &l, &err)) snprintf(out, sizeof out, "%s", err.text);
    for (int64_t k = 0; !err.code && k < l.n_categories; k++)
        n += (size_t)snprintf(out + n, sizeof out - n, "%d %s %s; ", (int)l.category[k].id, l.category[k].key,
                              l.category[k].name);
    CU_ASSERT(err.code || (l.n_files == 1 && !strcmp(l.file[0].path, "boxes.csv")));
    anc_listing_clear(&l);
    return out;
}

static void class_descriptions_give_ids_in_their_order(void)
{
    CU_ASSERT_STRING_EQUAL(classes_of("/m/9,Tortoise\n/m/1,\"Food, drink\"\n"),
                           "1 /m/9 Tortoise; 2 /m/1 Food, drink; ");
    CU_ASSERT_STRING_EQUAL(classes_of("LabelName,DisplayName\r\n/m/9,Tortoise\r\n"), "1 /m/9 Tortoise; ");
    CU_ASSERT_STRING_EQUAL(classes_of("cat,Cat\ndog,Dog\n"), "1 cat Cat; 2 dog Dog; ");
    CU_ASSERT_STRING_EQUAL(classes_of("/m/9,\n"), "1 /m/9 /m/9; "); /* as the official list has it */
    CU_ASSERT_PTR_NOT_NULL(
        strstr(classes_of("/m/9,Tortoise\n/m/1\n"), "classes.csv:2: not a class's code and name"));
    CU_ASSERT_PTR_NOT_NULL(strstr(classes_of(""), "classes.csv: no class in it"));
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
            CHECK(columns_may_stand_in_any_order_and_be_few), CHECK(boxes_without_area_are_diagnostics),
            CHECK(thousands_of_labels_and_images_keep_their_rows), CHECK(what_cannot_be_meant_is_placed),
            CHECK(class_descriptions_give_ids_in_their_order), CHECK(its_headings_make_the_format_known),
            CHECK(damage_is_survived));
