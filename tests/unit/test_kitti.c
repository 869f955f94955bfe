/* tests/unit/test_kitti.c: KITTI's label files (io/formats/kitti.h) and folders of labels (io/formats/label_folder.h) */
#include "io/formats/kitti.h"
#include "tests/check.h"
#include "tests/unit/test_reading.h"
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static const anc_reader *const r = &anc_kitti_reader;

static const char whole[] =
    "Truck 0.00 0 -1.57 599.41 156.40 629.75 189.25 2.85 2.63 12.34 0.47 1.49 69.44 -1.56\r\n"
    "Car 0.12 2 1.85 387.63 181.54 423.81 203.12 1.67 1.87 3.69 -16.53 2.39 58.49 1.57 0.98\r\n"
    "Person_sitting 0.00 3 -1.65 676.60 163.95 688.98 193.93 1.86 0.60 2.02 4.59 1.32 45.84 -1.55\n"
    "\n"
    "DontCare -1 -1 -10 503.89 169.71 590.61 190.13 -1 -1 -1 -1000 -1000 -1000 -10\n";

static void lines_become_boxes(void)
{
    anc_parsed p = { 0 };
    anc_err err = { 0 };
    CU_ASSERT_EQUAL_FATAL(read_text(r, NULL, whole, "000001", &p, &err), ANC_OK);
    CU_ASSERT_EQUAL(p.n_images, 1);
    CU_ASSERT_EQUAL(p.n_boxes, 4);
    CU_ASSERT(box_is(&p, 0, "000001", "Truck", 599.41, 156.40, 629.75, 189.25, 0, 0));
    CU_ASSERT(box_is(&p, 1, "000001", "Car", 387.63, 181.54, 423.81, 203.12, 0,
                     ANC_FLAG_TRUNCATED | ANC_FLAG_OCCLUDED));
    CU_ASSERT(
        box_is(&p, 2, "000001", "Person_sitting", 676.60, 163.95, 688.98, 193.93, 0, 0)); /* 3: not known */
    CU_ASSERT(box_is(&p, 3, "000001", "DontCare", 503.89, 169.71, 590.61, 190.13, 1, 0));
    CU_ASSERT_STRING_EQUAL(p.text + p.image[0].name, "000001.png");
    anc_parsed_clear(&p);
}

static void an_empty_file_is_an_image_without_boxes(void)
{
    anc_parsed p = { 0 };
    anc_err err = { 0 };
    CU_ASSERT_EQUAL_FATAL(read_text(r, NULL, "", "7", &p, &err), ANC_OK);
    CU_ASSERT_EQUAL(p.n_images, 1);
    CU_ASSERT_EQUAL(p.annotations, 0);
    anc_parsed_clear(&p);
}

#define CAR "Car 0 0 0 1 2 3 4 1 1 1 1 1 1 1"

static void what_cannot_be_meant_is_placed(void)
{
    refuses(r, CAR "\nCar 0 0 0 1 2 3 4\n", "made.txt:2: ", "8 fields, not the 15 of a KITTI label");
    refuses(r, CAR " 0.5 9\n", "made.txt:1: ", "17 fields");
    refuses(r, "Car 0 0 0 1 2 x 4 1 1 1 1 1 1 1\n", "made.txt:1: ", "right is no number");
    refuses(r, "Car 0 0 0 1 2 inf 4 1 1 1 1 1 1 1\n", "made.txt:1: ", "right is no number");
    refuses(r, CAR " score\n", "made.txt:1: ", "the score is no number");
    refuses(r, "Car 0 0 0 1 2 3e9 4 1 1 1 1 1 1 1\n", "made.txt:1: ", "beyond 1e9");
}

static void boxes_without_area_are_diagnostics(void)
{
    anc_parsed p = { 0 };
    anc_err err = { 0 };
    CU_ASSERT_EQUAL_FATAL(read_text(r, NULL,
                                    "Car 0 0 0 1 2 1 4 1 1 1 1 1 1 1\nCar 0 0 0 9 2 3 4 1 1 1 1 1 1 1\n", "7",
                                    &p, &err),
                          ANC_OK);
    CU_ASSERT_EQUAL(p.n_boxes, 0);
    CU_ASSERT_STRING_EQUAL(p.diagnostics.of[ANC_DIAG_EMPTY_BOX].place[0], "made.txt:1");
    CU_ASSERT_STRING_EQUAL(p.diagnostics.of[ANC_DIAG_INVERTED_BOX].place[0], "made.txt:2");
    anc_parsed_clear(&p);
}

static void a_type_and_14_numbers_make_the_format_known(void)
{
    CU_ASSERT(fits_text(r, whole));
    CU_ASSERT_FALSE(fits_text(r, "0 0.5 0.5 0.1 0.1\n"));
    CU_ASSERT_FALSE(fits_text(r, "0 0 0 0 1 2 3 4 1 1 1 1 1 1 1\n"));
    CU_ASSERT_FALSE(fits_text(r, "825 2336 833 2344 785 2382 778 2372 large-vehicle 0\n"));
    CU_ASSERT_FALSE(fits_text(r, "imagesource:GoogleEarth\n"));
    CU_ASSERT_FALSE(fits_text(r, ""));
}

/* training/label_2 with two labels, a link called like one that leads nowhere, and a note; image_2 beside it.
 */
static const char *make_folder(void)
{
    const char *training = check_path("training");
    if (mkdir(training, 0777)) return training; /* made before */
    mkdir(check_path("training/label_2"), 0777);
    mkdir(check_path("training/image_2"), 0777);
    CU_ASSERT_EQUAL(symlink("nowhere", check_path("training/label_2/000009.txt")), 0);
    check_file("training/label_2/000002.txt", whole, sizeof whole - 1);
    check_file("training/label_2/000000.txt", "", 0);
    check_file("training/label_2/notes.md", "x", 1);
    return training;
}

static void lists(const char *path, int64_t n, const char *folder)
{
    static const anc_reader_options none;
    anc_listing l = { 0 };
    anc_err err = { 0 };
    CU_ASSERT_EQUAL_FATAL(r->list(&none, path, &l, &err), ANC_OK);
    CU_ASSERT_EQUAL_FATAL(l.n_files, n);
    CU_ASSERT_STRING_EQUAL(l.file[n - 1].path, "000002.txt");
    CU_ASSERT_STRING_EQUAL(l.file[n - 1].key, "000002");
    CU_ASSERT_STRING_EQUAL(l.file[n - 1].image, "000002.png");
    CU_ASSERT_PTR_NOT_NULL_FATAL(l.images);
    CU_ASSERT_EQUAL(strncmp(l.folder, folder, strlen(folder)), 0);
    struct stat at;
    CU_ASSERT(!stat(l.images, &at) && S_ISDIR(at.st_mode) && strstr(l.images, "image_2"));
    if (n > 1) CU_ASSERT_EQUAL(l.diagnostics.of[ANC_DIAG_SKIPPED_ENTRY].n, 1);
    anc_listing_clear(&l);
}

static void labels_are_listed_from_their_folder_the_one_above_and_one_file(void)
{
    const char *training = make_folder(), *labels = check_path("training/label_2");
    lists(labels, 2, labels);
    lists(check_path("training/label_2/"), 2, labels);
    lists(training, 2, labels);
    lists(check_path("training/label_2/000002.txt"), 1, labels);
}

static void a_folder_without_labels_is_refused(void)
{
    static const anc_reader_options none;
    anc_listing l = { 0 };
    anc_err err = { 0 };
    make_folder();
    CU_ASSERT_EQUAL(r->list(&none, check_path("training/image_2"), &l, &err), ANC_EDATA);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "training/image_2: no .txt file"));
    anc_listing_clear(&l);
}

static void damage_is_survived(void) { survives_damage(r, whole, "000001"); }

CHECK_SUITE("kitti", CHECK(lines_become_boxes), CHECK(an_empty_file_is_an_image_without_boxes),
            CHECK(what_cannot_be_meant_is_placed), CHECK(boxes_without_area_are_diagnostics),
            CHECK(a_type_and_14_numbers_make_the_format_known),
            CHECK(labels_are_listed_from_their_folder_the_one_above_and_one_file),
            CHECK(a_folder_without_labels_is_refused), CHECK(damage_is_survived));
