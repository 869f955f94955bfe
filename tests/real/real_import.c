/* tests/real/real_import.c: every real annotation set through `anchorage import`, beside an independent reading in
 * Python
 *
 * ANC_REAL is a folder with data/, which is not part of this repository. tests/real/real_import.py reads each set
 * a second time with the standard library alone, holds its counts to those that the sets' READMEs state, and
 * compares what was written image for image and box for box.
 */
#include "tests/check.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static void cases(const char *words, int at_least)
{
    const char *real = getenv("ANC_REAL");
    if (!real) puts("ANC_REAL must name the folder with data/; run `make check-real REAL=FOLDER`");
    CU_ASSERT_PTR_NOT_NULL_FATAL(real);
    char *text = NULL;
    int code = check_run(&text, "timeout -k 10 800 /usr/bin/python3 tests/real/real_import.py %s %s %s",
                         ANC_BINARY, real, words);
    CU_ASSERT_EQUAL(code, 0);
    const char *last = strstr(text, " cases, 0 failed");
    int n = 0;
    for (const char *p = last; p && p > text && p[-1] >= '0' && p[-1] <= '9'; p--) n = atoi(p - 1);
    CU_ASSERT(n >= at_least);
    printf("\n%s", text);
    free(text);
}

static void coco_files_arrive_as_python_reads_them(void) { cases("coco-", 13); }
static void voc_folders_arrive_as_python_reads_them_and_as_their_coco_conversions(void)
{
    cases("voc coco-pascal coco-toy bccd", 14);
}
static void yolo_folders_arrive_as_python_reads_them_and_as_their_coco_file(void)
{
    cases("yolo coco-coco128", 6);
}
static void wider_face_arrives_the_same_from_text_and_from_xml(void) { cases("wider", 7); }
static void kitti_arrives_the_same_from_labels_xml_and_yolo(void) { cases("kitti", 5); }
static void open_images_and_crowdhuman_arrive_as_python_reads_them(void)
{
    cases("open-images crowdhuman", 4);
}
static void what_is_none_of_the_formats_is_refused(void) { cases("dota captions", 2); }

CHECK_SUITE("import", CHECK(coco_files_arrive_as_python_reads_them),
            CHECK(voc_folders_arrive_as_python_reads_them_and_as_their_coco_conversions),
            CHECK(yolo_folders_arrive_as_python_reads_them_and_as_their_coco_file),
            CHECK(wider_face_arrives_the_same_from_text_and_from_xml),
            CHECK(kitti_arrives_the_same_from_labels_xml_and_yolo),
            CHECK(open_images_and_crowdhuman_arrive_as_python_reads_them),
            CHECK(what_is_none_of_the_formats_is_refused));
