/* tests/e2e_import.c: `anchorage import`, and labels straight from folders, through the real binary under
 * mpirun */
#include "tests/check.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* A folder voc/ of 400 XML files with their quirks, and yolo/ of the same boxes; made once. */
static const char *data(void)
{
    static const char *dir;
    if (dir) return dir;
    dir = check_path("import");
    char *text = NULL;
    int code = check_run(&text, "/usr/bin/python3 tests/make_sources.py %s", dir);
    CU_ASSERT_EQUAL_FATAL(code, 0);
    if (code) puts(text);
    free(text);
    return dir;
}

/* Runs in data(); what it printed must hold `words`. */
static void expect(int want, const char *command, const char *words)
{
    char *text = NULL;
    int code = check_run(&text, "cd %s && timeout -k 10 120 %s 2>&1", data(), command);
    CU_ASSERT_EQUAL(code, want);
    CU_ASSERT(strstr(text, words) != NULL);
    if (code != want || !strstr(text, words)) printf("%s: %d: %s\n", command, code, text);
    free(text);
}

static void a_folder_is_the_same_bytes_on_any_number_of_ranks(void)
{
    static const char *const sources[] = { "voc", "yolo" };
    for (int s = 0; s < 2; s++)
        for (int ranks = 1; ranks <= 4; ranks++) {
            char command[256];
            snprintf(command, sizeof command, "mpirun -n %d %s import %s -o %s%d.h5 > %s%d.txt", ranks,
                     ANC_BINARY, sources[s], sources[s], ranks, sources[s], ranks);
            expect(0, command, "");
            snprintf(command, sizeof command, "cmp %s1.h5 %s%d.h5", sources[s], sources[s], ranks);
            expect(0, command, "");
            snprintf(command, sizeof command, "sed -i /wrote/d %s%d.txt && cmp %s1.txt %s%d.txt", sources[s],
                     ranks, sources[s], sources[s], ranks);
            expect(0, command, ""); /* the same findings in the same order */
        }
}

static void python_reads_the_same_from_the_same_files(void)
{
    expect(0, "/usr/bin/python3 $OLDPWD/tests/make_sources.py --check .", "equal: 400 images");
}

static void the_report_says_what_was_found_and_where(void)
{
    expect(0, "cat voc1.txt",
           "repaired: 4 missing image sizes, taken from the picture or a table: voc/Annotations/a/0007.xml");
    expect(0, "cat voc1.txt", "dropped: 3 boxes of negative width or height: voc/Annotations/");
    expect(1, ANC_BINARY " import voc -o strict.h5 --strict", "would be ");
    CU_ASSERT(access(check_path("import/strict.h5"), F_OK));
}

static void labels_come_straight_from_a_folder(void)
{
    static const char *const ways[] = { "voc", "voc1.h5", "voc.json" };
    expect(0, ANC_BINARY " import voc -o voc.json -q", "");
    for (int w = 0; w < 3; w++)
        for (int ranks = 1; ranks <= 3; ranks += 2) {
            char command[256];
            snprintf(command, sizeof command,
                     "rm -rf t && mpirun -n %d %s label %s -o t -q --images-per-shard 100 && %s inspect "
                     "--checksum t >> sums%d",
                     ranks, ANC_BINARY, ways[w], ANC_BINARY, w == 2);
            expect(0, command, "");
        }
    expect(0,
           "test $(sort -u sums0 | wc -l) = 1 && test $(wc -l < sums0) = 4 && test $(sort -u sums1 | wc -l) "
           "= 1 && echo one",
           "one");
    expect(0, ANC_BINARY " verify t --recompute voc.json", "");
}

static void difficult_and_corners_reach_the_file(void)
{
    expect(0, ANC_BINARY " import voc -o d.h5 --difficult ignore --corners zero", " crowd regions");
    expect(0,
           "/usr/bin/python3 -c \"import h5py; f = h5py.File('d.h5'); print(f['boxes/crowd'][:].sum(), "
           "f['boxes/flags'][:].sum() "
           "> 0, f.attrs['config'])\"",
           "\"difficult\":\"ignore\",\"corners\":\"zero\"}");
    expect(2, ANC_BINARY " import voc -o e.h5 --difficult maybe",
           "--difficult maybe: must be keep, drop or ignore");
    expect(2, ANC_BINARY " import voc -o e.h5 --format vok", "no format is called 'vok'; there are ");
}

static void a_broken_file_is_one_error_on_any_rank(void)
{
    expect(0, "cp -r voc broken && printf '<annotation>\\n<object>' > broken/Annotations/a/0150.xml", "");
    for (int ranks = 1; ranks <= 3; ranks++) {
        char command[256];
        snprintf(command, sizeof command,
                 "mpirun -n %d %s import broken -o broken.h5 2>&1 | grep -c anchorage:", ranks, ANC_BINARY);
        expect(0, command, "1\n");
        snprintf(command, sizeof command, "mpirun -n %d %s import broken -o broken.h5", ranks, ANC_BINARY);
        expect(1, command, "broken/Annotations/a/0150.xml:2: column 9: ");
        CU_ASSERT(access(check_path("import/broken.h5"), F_OK) &&
                  access(check_path("import/broken.h5.part"), F_OK));
    }
}

static void the_source_is_never_written_over(void)
{
    expect(0, "cp voc.json same.json && cksum same.json > before", "");
    expect(2, ANC_BINARY " import same.json -o same.json", "same.json: is read by this import");
    expect(2, ANC_BINARY " import same.json -o ./../import/same.json", "is read by this import");
    expect(2, ANC_BINARY " import voc -o voc/Annotations/a/0001.xml",
           "has a name like annotations or pictures have");
    expect(2, ANC_BINARY " import voc -o voc", "voc: is a folder");
    expect(0, "cksum same.json | cmp - before && ! ls *.part", "");
}

static void a_signal_while_reading_ends_with_75_and_leaves_nothing(void)
{
    /* a pipe that never ends keeps the reader reading */
    expect(75,
           "sh -c 'rm -f pipe; mkfifo pipe; (printf \"{\\\"images\\\": [\"; while :; do printf \"%0262144d\" "
           "0 | tr 0 \" \" || "
           "exit; done) > pipe & \"$0\" import --format coco pipe -o stopped.h5 & p=$!; sleep 1; kill -TERM "
           "$p; wait $p' " ANC_BINARY,
           "stopped on request; nothing was written");
    CU_ASSERT(access(check_path("import/stopped.h5"), F_OK) &&
              access(check_path("import/stopped.h5.part"), F_OK));
}

CHECK_SUITE("import", CHECK(a_folder_is_the_same_bytes_on_any_number_of_ranks),
            CHECK(python_reads_the_same_from_the_same_files), CHECK(the_report_says_what_was_found_and_where),
            CHECK(labels_come_straight_from_a_folder), CHECK(difficult_and_corners_reach_the_file),
            CHECK(a_broken_file_is_one_error_on_any_rank), CHECK(the_source_is_never_written_over),
            CHECK(a_signal_while_reading_ends_with_75_and_leaves_nothing));
