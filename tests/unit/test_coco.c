/* tests/unit/test_coco.c: COCO JSON, well-formed and otherwise */
#include "io/formats/coco.h"
#include "io/text/number.h"
#include "tests/check.h"
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static anc_status read_text(const char *json, anc_dataset *d, anc_err *err)
{
    return anc_coco_read(check_file("c.json", json, strlen(json)), d, err);
}

static void accepts(const char *json, int64_t images, int64_t boxes)
{
    anc_dataset d = { 0 };
    anc_err err = { 0 };
    CU_ASSERT_EQUAL(read_text(json, &d, &err), ANC_OK);
    if (err.code) printf("\n  %s\n  of %.200s\n", err.text, json);
    CU_ASSERT_EQUAL(d.n_images, images);
    CU_ASSERT_EQUAL(d.n_boxes, boxes);
    anc_dataset_clear(&d);
}

/* The error must hold every one of the words, separated by '|'. */
static void refuses(const char *json, const char *words)
{
    anc_dataset d = { 0 };
    anc_err err = { 0 };
    CU_ASSERT_EQUAL(read_text(json, &d, &err), ANC_EDATA);
    CU_ASSERT_PTR_NULL(d.image);
    CU_ASSERT_PTR_NULL(strchr(err.text, '\n'));
    char *copy = strdup(words), *rest = copy;
    for (char *word; (word = strsep(&rest, "|"));) {
        CU_ASSERT_PTR_NOT_NULL(strstr(err.text, word));
        if (!strstr(err.text, word)) printf("\n  \"%s\"\n  lacks '%s'\n", err.text, word);
    }
    free(copy);
    anc_dataset_clear(&d);
}

#define IMAGE             "{\"id\": 3, \"width\": 640, \"height\": 480, \"file_name\": \"a.jpg\"}"
#define WITH(annotations) "{\"images\": [" IMAGE "], \"annotations\": [" annotations "]}"
#define BOX(bbox)         WITH("{\"id\": 7, \"image_id\": 3, \"category_id\": 1, \"bbox\": " bbox "}")

static const char whole[] =
    "\xef\xbb\xbf{\"info\": {\"year\": 2017, \"x\": [[{\"id\": 5, \"bbox\": [1]}]]},\r\n \"annotations\": "
    "[\r\n"
    "  {\"segmentation\": [[1.5, 2, 3e5, -4]], \"area\": 1e999, \"iscrowd\": 0, \"image_id\": 5000000000,\r\n"
    "   \"bbox\": [10.25, 20.5, 30, 40.125], \"category_id\": 0, \"id\": 900100000000001},\r\n"
    "  {\"bbox\": [0, 0, 0, 5], \"image_id\": 4, \"category_id\": 0, \"id\": 8},\r\n"
    "  {\"id\": 9, \"bbox\": [-2e0, 1.5E1, 4, 4], \"image_id\": 4.0, \"category_id\": 7, \"iscrowd\": 1},\r\n"
    "  {\"id\": 9, \"bbox\": [1, 1, 4, 4], \"image_id\": 4, \"category_id\": 7, \"ignore\": true, \"note\": "
    "\"x\"}],\r\n"
    " \"images\": [{\"id\": 5000000000, \"width\": 640.0, \"height\": 4.8e2, \"file_name\": \"d/\\u00e9 "
    "\\\"q\\\".jpg\"},\r\n"
    "  {\"height\": 20, \"width\": 10, \"id\": 4, \"license\": null}],\r\n"
    " \"categories\": [{\"name\": \"\xc3\xa9t\\u00e9\", \"id\": 7, \"supercategory\": \"s\"}, {\"id\": "
    "0}]}\n";

static void every_member_arrives_in_any_order(void)
{
    anc_dataset d = { 0 };
    anc_err err = { 0 };
    CU_ASSERT_EQUAL_FATAL(anc_coco_read(check_file("w.json", whole, strlen(whole)), &d, &err), ANC_OK);
    CU_ASSERT_EQUAL_FATAL(d.n_images, 2);
    CU_ASSERT_EQUAL_FATAL(d.n_boxes, 3);
    CU_ASSERT_EQUAL(d.image[0].id, 4);
    CU_ASSERT_EQUAL(d.image[0].height, 20);
    CU_ASSERT_EQUAL(d.image[1].id, 5000000000);
    CU_ASSERT_EQUAL(d.image[1].width, 640);
    CU_ASSERT_EQUAL(d.image[1].height, 480);
    CU_ASSERT_STRING_EQUAL(d.file_name[0], "");
    CU_ASSERT_STRING_EQUAL(d.file_name[1], "d/\xc3\xa9 \"q\".jpg");
    const anc_gt *b = d.box;
    CU_ASSERT(b[0].id == 9 && b[0].crowd == 1 && b[0].category == 7);
    CU_ASSERT(b[0].xyxy[0] == -2 && b[0].xyxy[1] == 15 && b[0].xyxy[2] == 2 && b[0].xyxy[3] == 19);
    CU_ASSERT(b[1].crowd == 1);
    CU_ASSERT(b[2].id == 900100000000001 && b[2].crowd == 0 && b[2].category == 0);
    CU_ASSERT(b[2].xyxy[0] == 10.25 && b[2].xyxy[2] == 40.25 && b[2].xyxy[3] == 60.625);
    CU_ASSERT_EQUAL(d.n_categories, 2);
    CU_ASSERT_EQUAL(d.category[0].id, 0);
    CU_ASSERT_STRING_EQUAL(d.category[0].name, "");
    CU_ASSERT_STRING_EQUAL(d.category[1].name, "\xc3\xa9t\xc3\xa9");
    CU_ASSERT_EQUAL(d.report.annotations, 4);
    CU_ASSERT_EQUAL(d.report.empty_boxes, 1);
    CU_ASSERT_EQUAL(d.report.duplicate_ids, 1);
    CU_ASSERT_EQUAL(d.report.crowds, 2);
    CU_ASSERT_EQUAL(d.report.over_edge, 1);
    anc_dataset_clear(&d);
}

static void lists_may_be_empty(void)
{
    accepts("{\"images\": [], \"annotations\": []}", 0, 0);
    accepts(WITH(""), 1, 0);
    accepts(WITH("{\"image_id\": 3, \"bbox\": [1, 2, 3, 4]}"), 1, 1);
    accepts(BOX("[1, 2, 0, 4]"), 1, 0);
    accepts(BOX("[1, 2, -0.0, 4]"), 1, 0);
    accepts(BOX("[-1000, 2, 3, 4]"), 1, 1);
}

static void impossible_boxes_name_annotation_and_image(void)
{
    refuses(BOX("[1, 2, -3, 4]"), "annotation 7 of image 3|negative|correct or remove");
    refuses(BOX("[1, 2, 3, -1e-300]"), "annotation 7 of image 3|negative");
    refuses(BOX("[1, 2, 1e999, 4]"), "annotation 7 of image 3|1e999");
    refuses(BOX("[1, 2, 1e300, 4]"), "annotation 7 of image 3|1e9 pixels");
    refuses(BOX("[1, 2, 3]"), "annotation 7 of image 3|3 numbers");
    refuses(BOX("[1, 2, 3, 4, 5]"), "annotation 7 of image 3|5 numbers");
    refuses(BOX("[]"), "annotation 7 of image 3|0 numbers");
    refuses(BOX("[1, 2, \"3\", 4]"), "annotation 7 of image 3|a string");
    refuses(BOX("[1, 2, null, 4]"), "annotation 7 of image 3|null");
    refuses(BOX("[1, 2, [3], 4]"), "annotation 7 of image 3|a list");
    refuses(BOX("null"), "annotation 7 of image 3|bbox is null");
    refuses(BOX("{\"x\": 1}"), "annotation 7 of image 3|bbox is an object");
    refuses(WITH("{\"bbox\": [1, 2, -3, 4], \"image_id\": 3, \"id\": 7}"), "annotation 7 of image 3");
    refuses(WITH("{\"bbox\": [1, 2, -3, 4]}"), "annotations[0]");
}

static void ids_are_held_to_each_other(void)
{
    refuses(WITH("{\"id\": 7, \"image_id\": 4, \"bbox\": [1, 2, 3, 4]}"), "annotation 7|image 4|lacks");
    refuses("{\"images\": [" IMAGE ", " IMAGE "], \"annotations\": []}", "image id 3|twice");
    refuses(
        "{\"categories\": [{\"id\": 2}], \"annotations\": [{\"id\": 7, \"image_id\": 3, \"category_id\": 1, "
        "\"bbox\": [1, 2, 3, 4]}], \"images\": [" IMAGE "]}",
        "annotation 7 of image 3|category 1");
    refuses("{\"categories\": [{\"id\": 2}, {\"id\": 2}], \"images\": [], \"annotations\": []}",
            "category id 2|twice");
    refuses("{\"categories\": [{\"id\": 3000000000}], \"images\": [], \"annotations\": []}", "3000000000");
    refuses(WITH("{\"id\": 7, \"bbox\": [1, 2, 3, 4]}"), "annotation 7|image_id");
    refuses(WITH("{\"id\": 7.5, \"image_id\": 3, \"bbox\": [1, 2, 3, 4]}"), "7.5|whole number");
    refuses(WITH("{\"id\": 9223372036854775808, \"image_id\": 3, \"bbox\": [1, 2, 3, 4]}"),
            "9223372036854775808");
    refuses(WITH("{\"id\": 7, \"image_id\": \"3\", \"bbox\": [1, 2, 3, 4]}"),
            "annotation 7|'image_id' is a string");
    refuses(WITH("{\"id\": 7, \"image_id\": 3, \"bbox\": [1, 2, 3, 4], \"iscrowd\": 2}"),
            "annotation 7|iscrowd");
    /* also where the list comes behind, and knows what a missing number would be taken for */
    refuses("{\"images\": [{\"id\": 3, \"width\": 9, \"height\": 9}], \"annotations\": [\n{\"id\": 7, "
            "\"image_id\": "
            "3, \"bbox\": [1, 2, 3, 4]}], \"categories\": [{\"id\": 0, \"name\": \"x\"}]}",
            "line 2, column 46: annotation 7 of image 3: no member 'category_id': say what the box shows");
    refuses(WITH("{\"id\": 7, \"image_id\": 3, \"bbox\": [1, 2, 3, 4], \"category_id\": 3000000000}"),
            "annotation 7");
}

static void images_need_a_possible_size(void)
{
#define SIZED(members) "{\"annotations\": [], \"images\": [{\"id\": 12" members "}]}"
    refuses(SIZED(""), "image 12|width|pixels");
    refuses(SIZED(", \"width\": 5"), "image 12|height");
    refuses(SIZED(", \"width\": 0, \"height\": 5"), "image 12");
    refuses(SIZED(", \"width\": 5, \"height\": -5"), "image 12");
    refuses(SIZED(", \"width\": 5, \"height\": 1000000000"), "image 12|1000000000");
    refuses(SIZED(", \"width\": 1e300, \"height\": 5"), "image 12");
    refuses(SIZED(", \"width\": null, \"height\": 5"), "image 12|null");
    refuses(SIZED(", \"width\": 5.5, \"height\": 5"), "image 12|5.5");
    refuses("{\"annotations\": [], \"images\": [{\"width\": 5, \"height\": 5}]}", "images[0]|'id'");
}

static void other_coco_files_are_told_apart(void)
{
    refuses(WITH("{\"image_id\": 3, \"id\": 7, \"caption\": \"A dog.\"}"),
            "annotation 7 of image 3|no bounding boxes|is this a captions file?");
    refuses(WITH("{\"image_id\": 3, \"id\": 7}"), "no bounding boxes|is this a captions file?");
    refuses(
        WITH("{\"image_id\": 3, \"file_name\": \"a.png\", \"segments_info\": [{\"bbox\": [1, 2, 3, 4]}]}"),
        "panoptic");
    refuses("{\"images\": []}", "annotations|image_info");
    refuses("{\"annotations\": []}", "'images'");
    refuses("{}", "no COCO annotation file");
    refuses("[{\"image_id\": 3, \"bbox\": [1, 2, 3, 4], \"score\": 0.5}]", "a list|results");
    refuses("7", "a number|line 1");
    refuses("\"x\"", "a string");
    refuses("{\"images\": {}}", "'images' is an object, not a list");
    refuses("{\"images\": [], \"annotations\": null}", "'annotations' is null");
    refuses("{\"images\": [3]}", "images[0] is a number");
    refuses("{\"images\": [[]]}", "images[0] is a list");
    refuses("{\"images\": [], \"images\": []}", "'images'|twice");
    refuses("\x1f\x8b\x08", "gunzip");
    refuses("PK\3\4xx", "unzip");
    refuses("\xff\xfe{", "UTF-8");
    refuses("", "the file is empty");
}

static void broken_json_is_placed_by_line_and_column(void)
{
    refuses("{\"images\": [}", "line 1, column 13|unallowed token");
    refuses("{\n \"images\"\n: [],\n  ?}", "line 4, column 3");
    refuses("{\n\"images\" 5", "line 2, column 10|colon");
    refuses("{\"images\": [], \"annotations\": []} x", "line 1, column 3");
    refuses("{\"images\": [NaN]}", "line 1, column 13|NaN");
    refuses("   \n ", "too early");
    refuses("{\"images\": [{\"id\": 1,\n", "line 2, column 1|too early");
    refuses(BOX("[1, 2, 3, 4"), "line 1, column");
    refuses("{\n \"images\": [\n  {\"id\": 1, \"width\": \"w\", \"height\": 2}]}",
            "line 3, column 24|image 1|a string");
}

static void nesting_and_names_are_bounded(void)
{
    char json[20000];
    snprintf(json, sizeof json, "{\"x\": %.*s%.*s, \"images\": [], \"annotations\": []}", 63,
             "[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[[", 63,
             "]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]]");
    accepts(json, 0, 0);
    memset(json, '[', 10000);
    memcpy(json, "{\"x\":", 5);
    json[10000] = '\0';
    refuses(json, "64 deep");

    char name[6000];
    for (int n = 4096; n <= 4097; n++) {
        memset(name, 'a', (size_t)n);
        name[n] = '\0';
        snprintf(json, sizeof json,
                 "{\"images\": [{\"id\": 1, \"width\": 2, \"height\": 2, \"file_name\": \"%s\"}], "
                 "\"annotations\": []}",
                 name);
        if (n == 4096)
            accepts(json, 1, 0);
        else
            refuses(json, "image 1|longer than 4096");
    }
    refuses("{\"images\": [{\"id\": 1, \"width\": 2, \"height\": 2, \"file_name\": \"a\\u0000b\"}], "
            "\"annotations\": []}",
            "image 1|NUL");
    refuses("{\"images\": [{\"id\": 1, \"width\": 2, \"height\": 2, \"file_name\": \"caf\xe9\"}], "
            "\"annotations\": []}",
            "image 1|UTF-8");
    accepts("{\"images\": [{\"id\": 1, \"width\": 2, \"height\": 2, \"note\": \"caf\xe9\"}], "
            "\"annotations\": []}",
            1, 0);
}

static void a_token_without_end_is_given_up(void)
{
    anc_dataset d = { 0 };
    anc_err err = { 0 };
    const size_t n = 18 << 20;
    char *text = malloc(n);
    memset(text, 'a', n);
    memcpy(text, "{\"x\": \"", 7);
    const char *path = check_file("long.json", text, n);
    CU_ASSERT_EQUAL(anc_coco_read(path, &d, &err), ANC_EDATA);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "longer than 16 MiB"));
    remove(path);
    free(text);
}

static void what_is_no_file_is_a_system_error(void)
{
    anc_dataset d = { 0 };
    anc_err err = { 0 };
    CU_ASSERT_EQUAL(anc_coco_read(check_path("absent.json"), &d, &err), ANC_ESYSTEM);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "absent.json: cannot open: No such file"));
    CU_ASSERT_EQUAL(anc_coco_read(check_dir(), &d, &err), ANC_ESYSTEM);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "directory"));
}

/* Tokens, newlines and members fall on every possible place of the 256 KiB blocks. */
static void block_borders_change_nothing(void)
{
    anc_dataset d = { 0 };
    anc_err err = { 0 };
    uint64_t want = 0;
    const size_t border = 256 << 10, n = strlen(whole) - 3; /* without the byte order mark */
    char *text = malloc(2 * border + n);
    for (size_t at = 0; at <= n; at += 3) {
        memset(text, ' ', border);
        memcpy(text + border - at, whole + 3, n);
        CU_ASSERT_EQUAL(anc_coco_read(check_file("border.json", text, border - at + n), &d, &err), ANC_OK);
        uint64_t got = anc_dataset_fingerprint(&d, 0);
        if (!at) want = got;
        CU_ASSERT(got == want && d.n_boxes == 3);
        anc_dataset_clear(&d);
    }
    memset(text, '\n', border);
    memcpy(text + border - 2, "\n {\n ?", 6);
    CU_ASSERT_EQUAL(anc_coco_read(check_file("border.json", text, border + 4), &d, &err), ANC_EDATA);
    char place[64];
    snprintf(place, sizeof place, "line %zu, column 2:", border + 1);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, place));
    memset(text, ' ', 2 * border); /* three blocks: of line 1, with the newline, with the fault */
    memcpy(text + 2 * border - 4, "\n   ?", 5);
    CU_ASSERT_EQUAL(anc_coco_read(check_file("border.json", text, 2 * border + 1), &d, &err), ANC_EDATA);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "line 2, column 4:"));
    free(text);
}

static void rewrite(const char *path, const char *text, size_t n)
{
    FILE *f = fopen(path, "wb");
    CU_ASSERT_FATAL(f && fwrite(text, 1, n, f) == n && !fclose(f));
}

static void no_truncated_file_is_taken_for_a_whole_one(void)
{
    anc_dataset d = { 0 };
    const char *path = check_path("cut.json");
    for (size_t n = 0; n < strlen(whole) - 2; n++) {
        anc_err err = { 0 };
        rewrite(path, whole, n);
        CU_ASSERT_EQUAL(anc_coco_read(path, &d, &err), ANC_EDATA);
        CU_ASSERT_PTR_NULL(d.image);
    }
}

static void no_flipped_byte_breaks_the_reader(void)
{
    check_rng rng = { 3 };
    const char *path = check_path("flip.json");
    size_t n = strlen(whole);
    char *text = malloc(n);
    for (int k = 0; k < 5000; k++) {
        anc_dataset d = { 0 };
        anc_err err = { 0 };
        memcpy(text, whole, n);
        for (int flips = check_int(&rng, 1, 3); flips; flips--)
            text[check_int(&rng, 0, (int)n - 1)] = (char)check_int(&rng, 0, 255);
        rewrite(path, text, n);
        if (anc_coco_read(path, &d, &err) == ANC_OK) CU_ASSERT_EQUAL(anc_dataset_check(&d, &err), ANC_OK);
        anc_dataset_clear(&d);
    }
    free(text);
}

static void numbers_are_the_nearest_float64(void)
{
    check_rng rng = { 4 };
    anc_number_reader r;
    CU_ASSERT_FATAL(anc_number_open(&r));
    for (int k = 0; k < 200000; k++) {
        char text[64];
        double value = (check_uniform(&rng) - 0.5) * pow(10, check_int(&rng, -20, 20)), got = 0;
        const char *forms[] = { "%.2f", "%.17g", "%.*e", "%.*f" };
        int form = check_int(&rng, 0, 3), digits = check_int(&rng, 0, 18);
        int n = form < 2 ? snprintf(text, sizeof text, forms[form], value)
                         : snprintf(text, sizeof text, forms[form], digits, value);
        CU_ASSERT_FATAL(n < (int)sizeof text);
        double want = strtod(text, NULL);
        CU_ASSERT(anc_number_real(&r, text, (size_t)n, &got) && !memcmp(&got, &want, sizeof got));
    }
    int64_t whole_number = 0;
    CU_ASSERT(anc_number_whole(&r, "-9223372036854775808", 20, &whole_number) && whole_number == INT64_MIN);
    CU_ASSERT(anc_number_whole(&r, "9223372036854775807", 19, &whole_number) && whole_number == INT64_MAX);
    CU_ASSERT(!anc_number_whole(&r, "9223372036854775808", 19, &whole_number));
    CU_ASSERT(!anc_number_whole(&r, "1e19", 4, &whole_number));
    CU_ASSERT(anc_number_whole(&r, "6.4e2", 5, &whole_number) && whole_number == 640);
    anc_number_close(&r);
}

/* As LVIS has it: no file_name and no iscrowd, ids of categories without boxes; polygons in number lists. */
static void lvis_names_pictures_by_the_end_of_their_address(void)
{
    static const char json[] = "\xef\xbb\xbf{\"images\": [{\"date_captured\": \"2013\", "
                               "\"neg_category_ids\": [66, 3], \"id\": 397133,\r\n"
                               "\"license\": 4, \"height\": 427.0, \"width\": 640, \"flickr_url\": "
                               "\"http://x/y.jpg\", \"coco_url\": "
                               "\"http://images.cocodataset.org/val2017/000000397133.jpg\", "
                               "\"not_exhaustive_category_ids\": []},\r\n"
                               "{\"id\": 2, \"coco_url\": \"http://h/a.jpg\", \"file_name\": \"val/b.jpg\", "
                               "\"height\": 4, \"width\": 4},"
                               "{\"id\": 3, \"file_name\": \"val/c.jpg\", \"coco_url\": \"http://h/a.jpg\", "
                               "\"height\": 4, \"width\": 4}],"
                               "\"annotations\": [{\"area\": 9.5, \"id\": 5, \"segmentation\": [[1, 2.5, 3, "
                               "4, 5, 6]], \"image_id\": 397133, "
                               "\"bbox\": [1, 2.5, 4, 3.5], \"category_id\": 1203}], \"categories\": "
                               "[{\"frequency\": \"c\", \"id\": 1203, "
                               "\"synset\": \"zucchini.n.02\", \"synonyms\": [\"zucchini\", \"courgette\"], "
                               "\"def\": \"small\", \"name\": "
                               "\"zucchini\"}]}";
    anc_dataset d = { 0 };
    anc_err err = { 0 };
    CU_ASSERT_EQUAL(read_text(json, &d, &err), ANC_OK);
    CU_ASSERT_EQUAL_FATAL(d.n_images, 3);
    CU_ASSERT_STRING_EQUAL(d.file_name[2], "000000397133.jpg");
    CU_ASSERT_STRING_EQUAL(d.file_name[0], "val/b.jpg"); /* file_name counts, wherever it stands */
    CU_ASSERT_STRING_EQUAL(d.file_name[1], "val/c.jpg");
    CU_ASSERT(d.image[2].height == 427 && d.n_boxes == 1 && d.box[0].category == 1203 && !d.box[0].crowd);
    anc_dataset_clear(&d);
}

static void marks_of_open_images_and_voc_become_crowd_and_flags(void)
{
    static const char json[] =
        "{\"images\":[{\"id\":1,\"width\":9,\"height\":9}],\"annotations\":["
        "{\"id\":1,\"image_id\":1,\"bbox\":[0,0,1,1],\"iscrowd\":0,\"isgroupof\":1,\"isoccluded\":0,"
        "\"istruncated\":-1},"
        "{\"id\":2,\"image_id\":1,\"bbox\":[0,0,1,1],\"isoccluded\":1,\"istruncated\":true,\"isdepiction\":1,"
        "\"isinside\":1},"
        "{\"id\":3,\"image_id\":1,\"bbox\":[0,0,1,1],\"difficult\":1,\"isinside\":\"no\",\"isoccluded\":[1],"
        "\"isgroupof\":null},"
        "{\"id\":4,\"image_id\":1,\"bbox\":[0,0,1,1],\"difficult\":0.5,\"isgroupof\":false}]}";
    static const uint8_t flags[] = { 0,
                                     ANC_FLAG_OCCLUDED | ANC_FLAG_TRUNCATED | ANC_FLAG_DEPICTION |
                                         ANC_FLAG_INSIDE,
                                     ANC_FLAG_DIFFICULT, 0 };
    anc_dataset d = { 0 };
    anc_err err = { 0 };
    CU_ASSERT_EQUAL(read_text(json, &d, &err), ANC_OK);
    CU_ASSERT_EQUAL_FATAL(d.n_boxes, 4);
    for (int k = 0; k < 4; k++) CU_ASSERT(d.box[k].flags == flags[k] && d.box[k].crowd == (k == 0));
    anc_dataset_clear(&d);
}

CHECK_SUITE("coco", CHECK(lvis_names_pictures_by_the_end_of_their_address),
            CHECK(marks_of_open_images_and_voc_become_crowd_and_flags),
            CHECK(every_member_arrives_in_any_order), CHECK(lists_may_be_empty),
            CHECK(impossible_boxes_name_annotation_and_image), CHECK(ids_are_held_to_each_other),
            CHECK(images_need_a_possible_size), CHECK(other_coco_files_are_told_apart),
            CHECK(broken_json_is_placed_by_line_and_column), CHECK(nesting_and_names_are_bounded),
            CHECK(a_token_without_end_is_given_up), CHECK(what_is_no_file_is_a_system_error),
            CHECK(block_borders_change_nothing), CHECK(no_truncated_file_is_taken_for_a_whole_one),
            CHECK(no_flipped_byte_breaks_the_reader), CHECK(numbers_are_the_nearest_float64));
