/* tests/unit/test_source.c: folders and files of annotations, from what they look like to the data set: order,
 * ids, sizes, lists */
#include "io/dataset/coco_export.h"
#include "io/file/png.h"
#include "io/source/source.h"
#include "tests/check.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* printf into a new file below check_dir(), making its folders. */
static void put(const char *name, const char *text)
{
    CU_ASSERT_EQUAL(check_run(NULL, "mkdir -p \"$(dirname '%s/%s')\"", check_dir(), name), 0);
    check_file(name, text, strlen(text));
}

static void put_voc(const char *name, const char *category, int x, int width)
{
    char text[600];
    snprintf(text, sizeof text,
             "<annotation><filename>%d.png</filename>%s%d%s<object><name>%s</name><bndbox><xmin>%d</"
             "xmin><ymin>1</ymin>"
             "<xmax>%d</xmax><ymax>5</ymax></bndbox></object></annotation>",
             x, width ? "<size><width>" : "<!--", width, width ? "</width><height>20</height></size>" : "-->",
             category, x, x + 3);
    put(name, text);
}

static void put_png(const char *name, int width, int height)
{
    anc_err err = { 0 };
    uint8_t *rgb = calloc(3, (size_t)(width * height));
    put(name, "");
    CU_ASSERT_EQUAL(anc_png_write(check_path("%s", name), rgb, width, height, &err), ANC_OK);
    free(rgb);
}

/* Opens and copies everything; NULL on errors, which *err then holds. */
static anc_source *open_all(const char *name, const anc_reader_options *o, anc_dataset *d, anc_err *err)
{
    anc_source *s;
    *err = (anc_err){ 0 };
    *d = (anc_dataset){ 0 };
    if (anc_source_open(check_path("%s", name), o, &s, err)) return NULL;
    CU_ASSERT_EQUAL(err->code, ANC_OK);
    CU_ASSERT_EQUAL(anc_source_read(s, 0, anc_source_images(s), d, err), ANC_OK);
    CU_ASSERT_EQUAL(anc_source_categories(s, d, err), ANC_OK);
    return s;
}

static void expect_error(const char *name, const anc_reader_options *o, anc_status code, const char *words)
{
    anc_dataset d;
    anc_err err;
    anc_source *s = open_all(name, o, &d, &err);
    CU_ASSERT_PTR_NULL(s);
    CU_ASSERT_EQUAL(err.code, code);
    CU_ASSERT(strstr(err.text, words) != NULL);
    if (!strstr(err.text, words)) puts(err.text);
    anc_source_close(s);
    anc_dataset_clear(&d);
}

static int64_t count(const anc_source *s, anc_diagnostic_kind kind)
{
    return anc_source_diagnostics(s)->of[kind].n;
}

static void images_and_categories_are_numbered_in_the_order_of_their_names(void)
{
    put_voc("v1/b/2.xml", "dog", 2, 30);
    put_voc("v1/a/3.xml", "cat", 3, 30);
    put_voc("v1/10.xml", "emu", 10, 30);
    put_voc("v1/9.xml", "cat", 9, 30);
    put("v1/notes.txt", "x");
    anc_dataset d;
    anc_err err;
    anc_source *s = open_all("v1", NULL, &d, &err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(s);
    CU_ASSERT_STRING_EQUAL(anc_source_format(s), "voc");
    static const double x[] = { 9, 8, 2, 1 }; /* 10, 9, a/3, b/2 */
    static const int category[] = { 3, 1, 1, 2 };
    CU_ASSERT(d.n_images == 4 && d.n_boxes == 4 && d.n_categories == 3);
    for (int i = 0; i < 4 && d.n_boxes == 4; i++)
        CU_ASSERT(d.image[i].id == i + 1 && d.box[i].xyxy[0] == x[i] && d.box[i].category == category[i] &&
                  !d.box[i].id);
    CU_ASSERT_STRING_EQUAL(d.category[0].name, "cat");
    CU_ASSERT_STRING_EQUAL(d.category[2].name, "emu");
    anc_source_close(s);
    anc_dataset_clear(&d);
}

static void given_names_decide_the_category_ids(void)
{
    put("names.txt", "emu\r\ncat\ndog\n");
    put("few.txt", "emu\ncat\n");
    anc_reader_options o = { .names = check_path("names.txt") };
    anc_dataset d;
    anc_err err;
    anc_source *s = open_all("v1", &o, &d, &err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(s);
    CU_ASSERT(d.n_categories == 3 && d.box[0].category == 1 && d.box[1].category == 2 &&
              d.box[3].category == 3);
    anc_source_close(s);
    anc_dataset_clear(&d);
    o.names = check_path("few.txt");
    expect_error("v1", &o, ANC_EDATA, "b/2.xml:1: category 'dog' is not in the list of 2 names");
}

static void a_voc_folder_has_its_parts_in_the_usual_places(void)
{
    put_voc("v2/Annotations/1.xml", "cat", 1, 0);
    put_voc("v2/Annotations/2.xml", "cat", 2, 25);
    put_voc("v2/other/3.xml", "cat", 3, 25);
    put_png("v2/JPEGImages/1.png", 17, 13);
    anc_dataset d;
    anc_err err;
    anc_source *s = open_all("v2", NULL, &d, &err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(s);
    CU_ASSERT(d.n_images == 2 && d.image[0].width == 17 && d.image[0].height == 13 && d.image[1].width == 25);
    CU_ASSERT_EQUAL(count(s, ANC_DIAG_SIZE_HEADER), 1);
    anc_source_close(s);
    anc_dataset_clear(&d);
    s = open_all("v2/Annotations/2.xml", NULL, &d, &err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(s);
    CU_ASSERT(d.n_images == 1 && d.n_boxes == 1);
    anc_source_close(s);
    anc_dataset_clear(&d);
    anc_reader_options strict = { .strict = true };
    expect_error("v2", &strict, ANC_EDATA, "1.xml: missing image sizes");
    expect_error("v2/Annotations", NULL, ANC_EDATA,
                 "1.png: the annotations do not say how large this image is");
}

static void sizes_come_from_a_table_too(void)
{
    put("sizes.tsv", "path\twidth\theight\nsub/1.png\t40\t30\n");
    put("sizes.bad", "1.png,40,30\n2.png,0,30\n");
    anc_reader_options o = { .sizes = check_path("sizes.tsv") };
    anc_dataset d;
    anc_err err;
    anc_source *s = open_all("v2/Annotations", &o, &d, &err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(s);
    CU_ASSERT(d.image[0].width == 40 && d.image[0].height == 30);
    anc_source_close(s);
    anc_dataset_clear(&d);
    o.sizes = check_path("sizes.bad");
    expect_error("v2/Annotations", &o, ANC_EDATA, "sizes.bad:2: '2.png' is 0 pixels wide and 30 high");
}

static void names_that_leave_the_folder_of_pictures_are_not_followed(void)
{
    put("v3/1.xml", "<annotation><filename>../v3/secret.png</filename></annotation>");
    put_png("v3/secret.png", 9, 9);
    put_png("v3/pictures/keep.png", 9, 9);
    anc_reader_options o = { .images = check_path("v3/pictures") };
    expect_error("v3/1.xml", &o, ANC_EDATA,
                 "secret.png: the annotations do not say how large this image is, and no such picture");
    put("v3/1.xml", "<annotation><filename>/etc/passwd</filename></annotation>");
    expect_error("v3/1.xml", &o, ANC_EDATA, "/etc/passwd: the annotations do not say");
}

static void entries_that_are_no_files_are_passed_over_and_found(void)
{
    put_voc("v4/1.xml", "cat", 1, 30);
    put_voc("v4/.hidden.xml", "cat", 1, 30);
    put_voc("v4/._1.xml", "cat", 1, 30);
    put_voc("elsewhere/2.xml", "cat", 2, 30);
    CU_ASSERT_EQUAL(mkfifo(check_path("v4/0.xml"), 0600), 0);
    CU_ASSERT_EQUAL(symlink(check_path("elsewhere/2.xml"), check_path("v4/2.xml")),
                    0); /* a link to a file is one */
    CU_ASSERT_EQUAL(symlink(check_path("elsewhere"), check_path("v4/loop")), 0);
    CU_ASSERT_EQUAL(symlink("nowhere", check_path("v4/broken.xml")), 0);
    anc_dataset d;
    anc_err err;
    anc_source *s = open_all("v4", NULL, &d, &err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(s);
    CU_ASSERT_EQUAL(d.n_images, 2);
    CU_ASSERT_EQUAL(count(s, ANC_DIAG_SKIPPED_ENTRY), 3);
    CU_ASSERT(strstr(anc_source_diagnostics(s)->of[ANC_DIAG_SKIPPED_ENTRY].place[0], "v4/0.xml") != NULL);
    anc_source_close(s);
    anc_dataset_clear(&d);
}

static void a_list_says_which_images_are_wanted(void)
{
    put("list.txt", "b/2 -1\n./9.jpg  1\n");
    put("missing.txt", "9\n\n77\n");
    anc_reader_options o = { .list = check_path("list.txt") };
    anc_dataset d;
    anc_err err;
    anc_source *s = open_all("v1", &o, &d, &err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(s);
    CU_ASSERT(d.n_images == 2 && d.box[0].xyxy[0] == 8 && d.box[1].xyxy[0] == 1);
    anc_source_close(s);
    anc_dataset_clear(&d);
    o.list = check_path("missing.txt");
    expect_error("v1", &o, ANC_EDATA, "missing.txt:3: there is no image '77'");
    o.list = check_path("v4/nothing");
    expect_error("v1", &o, ANC_ESYSTEM, "v4/nothing: cannot open");
}

static void yolo_labels_find_their_pictures(void)
{
    put("y/labels/train/a.txt", "1 0.5 0.5 0.5 0.5\n");
    put("y/labels/train/stray.txt", "1 0.5 0.5 0.5 0.5\n");
    put("y/labels/classes.txt", "not a label\n");
    put("y/data.yaml", "names: {0: cat, 1: dog}\n");
    put_png("y/images/train/a.png", 40, 20);
    put_png("y/images/train/none.png", 10, 10);
    static const char *const ways[] = { "y", "y/", "y/labels", "y/labels/train", "y/images/train" };
    for (int i = 0; i < 5; i++) {
        static const double want[] = { 10, 5, 30, 15 };
        anc_dataset d;
        anc_err err;
        anc_source *s = open_all(ways[i], NULL, &d, &err);
        if (!s) puts(err.text);
        CU_ASSERT_PTR_NOT_NULL_FATAL(s);
        CU_ASSERT_STRING_EQUAL(anc_source_format(s), "yolo");
        CU_ASSERT(d.n_images == 2 && d.n_boxes == 1 && d.image[0].width == 40 && d.image[1].width == 10);
        CU_ASSERT(!memcmp(d.box[0].xyxy, want, sizeof want) && d.box[0].category == 1);
        CU_ASSERT(d.n_categories == 2 && !strcmp(d.category[1].name, "dog"));
        CU_ASSERT_EQUAL(count(s, ANC_DIAG_STRAY_LABEL), 1);
        anc_source_close(s);
        anc_dataset_clear(&d);
    }
    put("y/labels/train/a.txt", "2 0.5 0.5 0.5 0.5\n");
    expect_error("y", NULL, ANC_EDATA, "a.txt:1: category 2 has no name in the list of 2 names");
}

static void two_pictures_of_one_label_are_refused(void)
{
    put("y2/labels/a.txt", "1 0.5 0.5 0.5 0.5\n");
    put_png("y2/images/a.png", 40, 20);
    put_png("y2/images/a.jpg", 40, 20);
    expect_error("y2", NULL, ANC_EDATA, "image 'a' is there twice");
}

static void labels_without_pictures_take_sizes_from_a_table(void)
{
    put("y3/a.txt", "4 0.5 0.5 0.5 0.5\n");
    put("y3/b.c.txt", "0 0.25 0.5 0.5 0.5\n");
    put("y3.txt", "images/a.jpg 640 480\nb.c.png 320 240\n");
    anc_reader_options o = { .sizes = check_path("y3.txt") };
    anc_dataset d;
    anc_err err;
    anc_source *s = open_all("y3", &o, &d, &err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(s);
    CU_ASSERT(d.n_images == 2 && d.image[0].width == 640 && d.image[1].height == 240 &&
              d.box[1].xyxy[2] == 160);
    CU_ASSERT(d.n_categories == 2 && d.category[0].id == 0 && d.category[1].id == 4 &&
              !strcmp(d.category[1].name, "4"));
    CU_ASSERT_EQUAL(anc_source_export(s, check_path("y3.json"), NULL, NULL, &err), ANC_OK);
    CU_ASSERT_EQUAL(check_run(NULL, "grep -q '\"file_name\": \"a\"' '%s'", check_path("y3.json")), 0);
    CU_ASSERT_EQUAL(check_run(NULL, "grep -q '\"file_name\": \"b.c\"' '%s'", check_path("y3.json")), 0);
    anc_source_close(s);
    anc_dataset_clear(&d);
}

static void what_no_reader_fits_is_told_what_there_is(void)
{
    put("odd/x.bin", "\1\2\3");
    put("odd.txt", "hello\n");
    expect_error("odd", NULL, ANC_EDATA, "this folder is none of what --format can name (");
    put("odd/in/boxes.json", "[]");
    expect_error("odd", NULL, ANC_EDATA, "if a file in it is meant, such as in/boxes.json, name that");
    expect_error("odd.txt", NULL, ANC_EDATA, "this file is none of what --format can name");
    const anc_reader_options typo = { .format = "vok" }, voc = { .format = "voc" },
                             coco = { .format = "coco" };
    expect_error("odd", &typo, ANC_EARGUMENT, "no format is called 'vok'; there are ");
    expect_error("odd", &voc, ANC_EDATA, "no .xml files in this folder");
    expect_error("odd", &coco, ANC_EDATA, "a folder, but coco is one file");
    expect_error("odd.txt", &voc, ANC_EDATA, "odd.txt:1: column 1:");
    const anc_reader_options useless = { .names = "x" };
    put("c.json", "{\"images\":[],\"annotations\":[]}");
    expect_error("c.json", &useless, ANC_EARGUMENT, "c.json: --names is not for a file of format coco");
}

/* ---- export ---- */

static void expect_same(const anc_dataset *a, const anc_dataset *b)
{
    CU_ASSERT(a->n_images == b->n_images && a->n_boxes == b->n_boxes && a->n_categories == b->n_categories);
    if (a->n_images != b->n_images || a->n_boxes != b->n_boxes || a->n_categories != b->n_categories) return;
    for (int64_t i = 0; i < a->n_images; i++) {
        CU_ASSERT(!memcmp(&a->image[i], &b->image[i], sizeof a->image[i]));
        CU_ASSERT_EQUAL(a->box_offset[i], b->box_offset[i]);
        if (a->file_name && b->file_name) CU_ASSERT_STRING_EQUAL(a->file_name[i], b->file_name[i]);
    }
    for (int64_t k = 0; k < a->n_boxes; k++) {
        const anc_gt *x = &a->box[k], *y = &b->box[k];
        CU_ASSERT(!memcmp(x->xyxy, y->xyxy, sizeof x->xyxy) && x->id == y->id && x->category == y->category &&
                  x->crowd == y->crowd && x->flags == y->flags);
    }
    for (int64_t c = 0; c < a->n_categories; c++) {
        CU_ASSERT_EQUAL(a->category[c].id, b->category[c].id);
        CU_ASSERT_STRING_EQUAL(a->category[c].name, b->category[c].name);
    }
}

static void an_exported_data_set_reads_back_the_same(void)
{
    enum { N = 50 };
    check_rng random = { 3 };
    char *text = malloc(1 << 20);
    size_t n = (size_t)sprintf(
        text,
        "{\"categories\":[{\"id\":-5,\"name\":\"a \\\"quoted\\\" \\\\ name\"},{\"id\":2147483647,\"name\":"
        "\"\xc3\xa9\xe6\x97\xa5\"},{\"id\":0,\"name\":\"\"}],\"images\":[");
    static const int64_t category[] = { -5, 2147483647, 0 };
    for (int i = 0; i < N; i++)
        n += (size_t)sprintf(text + n, "%s{\"id\":%lld,\"width\":%d,\"height\":%d%s}", i ? "," : "",
                             (long long)i * 900719925474099 - 7, 1 + i, 1000000 - i,
                             i % 3 ? ",\"file_name\":\"d/\\u00e9 x.jpg\"" : "");
    n += (size_t)sprintf(text + n, "],\"annotations\":[");
    for (int k = 0; k < 1000; k++) {
        double size = k % 3 == 0 ? 1 : k % 3 == 1 ? 1000 : 1e-3;
        double b[4];
        for (int c = 0; c < 4; c++) b[c] = check_uniform(&random) * size - (c < 2 ? 0.3 * size : -1e-9);
        if (k % 5 == 0)
            for (int c = 0; c < 4; c++) b[c] = (double)(int)(b[c] * 100 + 100) / 100 + 0.01;
        n += (size_t)sprintf(
            text + n,
            "%s{\"id\":%lld,\"image_id\":%lld,\"category_id\":%lld,\"bbox\":[%.17g,%.17g,%.17g,%.17g],"
            "\"iscrowd\":%d%s%s%s}",
            k ? "," : "", k % 10 ? (long long)k * 9223372036854775 : -k - 1,
            (long long)(k % N) * 900719925474099 - 7, (long long)category[k % 3], b[0], b[1], b[2], b[3],
            k % 7 == 0, k % 11 ? "" : ",\"difficult\":1",
            k % 13 ? "" : ",\"istruncated\":true,\"isinside\":1",
            k % 17 ? "" : ",\"isdepiction\":1,\"isoccluded\":1");
    }
    sprintf(text + n, "]}");
    put("all.json", text);
    free(text);
    anc_source *s;
    anc_dataset a = { 0 }, b = { 0 };
    anc_err err = { 0 };
    anc_source *back;
    s = open_all("all.json", NULL, &a, &err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(s);
    CU_ASSERT_EQUAL(a.n_boxes, 1000);
    uint8_t seen = 0;
    for (int64_t k = 0; k < a.n_boxes; k++) seen |= a.box[k].flags;
    CU_ASSERT_EQUAL(seen, ANC_FLAGS);
    CU_ASSERT_EQUAL(anc_source_export(s, check_path("back.json"), NULL, NULL, &err), ANC_OK);
    back = open_all("back.json", NULL, &b, &err);
    if (!back) puts(err.text);
    CU_ASSERT_PTR_NOT_NULL_FATAL(back);
    expect_same(&a, &b);
    anc_dataset_clear(&b);
    anc_source_close(back);
    /* and by way of annotations.h5, to the same bytes */
    CU_ASSERT_EQUAL(anc_source_write(s, check_path("all.h5"), "{}", &err), ANC_OK);
    back = open_all("all.h5", NULL, &b, &err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(back);
    expect_same(&a, &b);
    CU_ASSERT_EQUAL(anc_source_export(back, check_path("back2.json"), NULL, NULL, &err), ANC_OK);
    CU_ASSERT_EQUAL(check_run(NULL, "cmp %s %s", check_path("back.json"), check_path("back2.json")), 0);
    anc_source_close(back);
    anc_source_close(s);
    anc_dataset_clear(&a);
    anc_dataset_clear(&b);
}

static void boxes_without_ids_get_them_on_export(void)
{
    put("noid.json", "{\"images\":[{\"id\":1,\"width\":9,\"height\":9}],\"annotations\":[{\"image_id\":1,"
                     "\"bbox\":[0,0,1,1]},{\"id\":7,"
                     "\"image_id\":1,\"bbox\":[0,0,2,2]},{\"image_id\":1,\"bbox\":[0,0,3,3]}]}");
    anc_dataset a, b;
    anc_err err;
    anc_source *s = open_all("noid.json", NULL, &a, &err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(s);
    CU_ASSERT_EQUAL(anc_source_export(s, check_path("ids.json"), NULL, NULL, &err), ANC_OK);
    anc_source *back = open_all("ids.json", NULL, &b, &err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(back);
    CU_ASSERT(b.n_boxes == 3 && b.box[0].id == 8 && b.box[1].id == 7 && b.box[2].id == 9 &&
              b.n_categories == 0);
    anc_source_close(s);
    anc_source_close(back);
    anc_dataset_clear(&a);
    anc_dataset_clear(&b);
}

static bool at_once(void *context)
{
    (void)context;
    return true;
}

static void an_export_that_is_stopped_leaves_nothing(void)
{
    anc_dataset a;
    anc_err err;
    anc_source *s = open_all("noid.json", NULL, &a, &err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(s);
    CU_ASSERT_EQUAL(anc_source_export(s, check_path("stopped.json"), at_once, NULL, &err), ANC_ESTOPPED);
    CU_ASSERT(access(check_path("stopped.json"), F_OK) && access(check_path("stopped.json.part"), F_OK));
    anc_source_close(s);
    anc_dataset_clear(&a);
}

static void findings_of_json_name_annotation_and_image(void)
{
    put("f.json", "{\"images\":[{\"id\":1,\"width\":9,\"height\":9,\"file_name\":\"p.jpg\"}],\"annotations\":"
                  "[{\"id\":3,\"image_id\":1,"
                  "\"bbox\":[0,0,0,1]},{\"id\":4,\"image_id\":1,\"bbox\":[-2,0,4,2]},{\"id\":4,\"image_id\":"
                  "1,\"bbox\":[20,0,3,3]}]}");
    anc_dataset d;
    anc_err err;
    anc_source *s = open_all("f.json", NULL, &d, &err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(s);
    const anc_diagnostic *f = anc_source_diagnostics(s)->of;
    CU_ASSERT_STRING_EQUAL(f[ANC_DIAG_EMPTY_BOX].place[0], "annotation 3 of image 1");
    CU_ASSERT(f[ANC_DIAG_OVER_EDGE].n == 2 && f[ANC_DIAG_OUTSIDE].n == 1 && f[ANC_DIAG_DUPLICATE_ID].n == 1);
    CU_ASSERT_STRING_EQUAL(f[ANC_DIAG_OVER_EDGE].place[0], "image 1 (p.jpg), annotation 4");
    anc_source_close(s);
    anc_dataset_clear(&d);
    const anc_reader_options strict = { .strict = true };
    expect_error("f.json", &strict, ANC_EDATA,
                 "f.json: annotation 3 of image 1: boxes of no area: 1 of them would be left out");
}

static void other_findings_and_flags_live_on_in_the_file(void)
{
    anc_dataset d;
    anc_err err;
    anc_reader_options o = { .difficult = ANC_DIFFICULT_DROP };
    put("v5/1.xml", "<annotation><filename>q.png</filename><size><width>9</width><height>9</height></"
                    "size><object><name>a</name>"
                    "<truncated>1</truncated><bndbox><xmin>1</xmin><ymin>1</ymin><xmax>3</xmax><ymax>3</"
                    "ymax></bndbox></object>"
                    "<object><name>b</name><difficult>1</difficult><bndbox><xmin>1</xmin><ymin>1</"
                    "ymin><xmax>3</xmax><ymax>3</ymax>"
                    "</bndbox></object></annotation>");
    anc_source *s = open_all("v5", &o, &d, &err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(s);
    CU_ASSERT_EQUAL(anc_source_write(s, check_path("v5.h5"), "{}", &err), ANC_OK);
    anc_dataset_report want = *anc_source_report(s);
    CU_ASSERT(want.found[ANC_DIAG_DIFFICULT] == 1 && want.found[ANC_DIAG_NAME_DIFFERS] == 1 &&
              want.annotations == 2);
    anc_source_close(s);
    anc_dataset_clear(&d);
    s = open_all("v5.h5", NULL, &d, &err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(s);
    CU_ASSERT(!memcmp(anc_source_report(s), &want, sizeof want));
    CU_ASSERT(d.n_boxes == 1 && d.box[0].flags == ANC_FLAG_TRUNCATED && d.n_categories == 2);
    anc_source_close(s);
    anc_dataset_clear(&d);
}

CHECK_SUITE("source", CHECK(images_and_categories_are_numbered_in_the_order_of_their_names),
            CHECK(given_names_decide_the_category_ids), CHECK(a_voc_folder_has_its_parts_in_the_usual_places),
            CHECK(sizes_come_from_a_table_too),
            CHECK(names_that_leave_the_folder_of_pictures_are_not_followed),
            CHECK(entries_that_are_no_files_are_passed_over_and_found),
            CHECK(a_list_says_which_images_are_wanted), CHECK(yolo_labels_find_their_pictures),
            CHECK(two_pictures_of_one_label_are_refused),
            CHECK(labels_without_pictures_take_sizes_from_a_table),
            CHECK(what_no_reader_fits_is_told_what_there_is), CHECK(an_exported_data_set_reads_back_the_same),
            CHECK(boxes_without_ids_get_them_on_export), CHECK(an_export_that_is_stopped_leaves_nothing),
            CHECK(findings_of_json_name_annotation_and_image),
            CHECK(other_findings_and_flags_live_on_in_the_file));
