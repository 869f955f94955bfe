/* tests/e2e/e2e_import.c: `anchorage import`, and labels straight from folders, through the real binary under
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
    int code = check_run(&text, "/usr/bin/python3 tests/python/make_sources.py %s", dir);
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
            expect(0, command, ""); /* the same diagnostics in the same order */
        }
}

static void python_reads_the_same_from_the_same_files(void)
{
    expect(0, "/usr/bin/python3 $OLDPWD/tests/python/make_sources.py --check .", "equal: 400 images");
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

/* voc/ in two pieces beside all of it: numbered by the same names, so that the bytes are the same. */
static void pieces_are_joined_to_the_whole(void)
{
    expect(
        0,
        "rm -rf p1 p2 && cp -r voc p1 && cp -r voc p2 && find p1/Annotations -name '*[02468].xml' -delete && "
        "find p2/Annotations -name '*[13579].xml' -delete",
        "");
    expect(0, ANC_BINARY " import -q p1 -o p1.h5 && " ANC_BINARY " import -q p2 -o p2.json", "");
    for (int ranks = 1; ranks <= 3; ranks += 2) {
        char command[300];
        snprintf(command, sizeof command, "mpirun -n %d %s import p1 p2 -o joined%d.h5 --difficult keep",
                 ranks, ANC_BINARY, ranks);
        expect(0, command, "import: all of them: 400 images");
    }
    expect(0, "cmp joined1.h5 joined3.h5", "");
    expect(0, ANC_BINARY " import p1.h5 p2.json -o mixed.h5",
           "images are numbered anew from 1, as sources share ids");
    expect(0,
           "/usr/bin/python3 -c 'import h5py, json, numpy as np\n"
           "def read(p):\n"
           "    f = h5py.File(p); o = f[\"boxes/offset\"][:]; n = dict(zip(f[\"categories/id\"][:], "
           "f[\"categories/name\"][:]))\n"
           "    return {f[\"images/file_name\"][i]: (f[\"images/size\"][i].tolist(), "
           "f[\"boxes/xyxy\"][o[i]:o[i+1]].tolist(), [n[c] for c in f[\"boxes/category\"][o[i]:o[i+1]]]) "
           "for i in range(len(o) - 1)}, dict(f[\"report\"].attrs), json.loads(f.attrs[\"config\"])\n"
           "whole, mixed, joined = read(\"voc1.h5\"), read(\"mixed.h5\"), read(\"joined1.h5\")\n"
           "assert len(whole[0]) == 400 and whole[0] == mixed[0] == joined[0]\n"
           "assert whole[1] == joined[1], (whole[1], joined[1])\n"
           "assert [f[\"format\"] for f in mixed[2][\"from\"]] == [\"voc\", \"coco\"], mixed[2]\n"
           "assert joined[2][\"difficult\"] == \"keep\" and joined[2][\"format\"] == \"several\"\n"
           "print(\"equal\")'",
           "equal");
    expect(1, ANC_BINARY " import p1 p1 -o no.h5", "is in p1 and in p1: leave one out");
    expect(1, ANC_BINARY " import p1 none -o no.h5", "none: cannot open");
    expect(2, ANC_BINARY " import p1 p2 -o no.h5 --list x",
           "--list is for one source; import each with its own");
    expect(2, ANC_BINARY " import p1 p2.json -o p2.json", "p2.json: is read by this import");
    expect(0, "test ! -e no.h5", "");
}

static void a_dry_run_reports_and_writes_nothing(void)
{
    expect(0, "ls > before", "");
    expect(0, "mpirun -n 2 " ANC_BINARY " import voc --dry-run > dry.txt", "");
    expect(0, "sed -n '/wrote/!p' dry.txt | cmp - voc1.txt", ""); /* whose last line was cut off, too */
    expect(0, ANC_BINARY " import voc --dry-run -o never.h5", "import: dry run: wrote nothing");
    expect(1, ANC_BINARY " import voc --dry-run --strict", "would be ");
    expect(0, "rm dry.txt && ls | cmp - before && rm before", "");
}

/* What was said of the first import is kept by the second. */
static void imported_again_a_file_says_where_it_came_from(void)
{
    expect(0,
           ANC_BINARY " import -q voc -o first.h5 --corners edges && " ANC_BINARY
                      " import -q first.h5 -o second.h5",
           "");
    expect(0, "/usr/bin/python3 -c 'import h5py; print(h5py.File(\"second.h5\").attrs[\"config\"])'",
           "{\"command\":\"import\",\"format\":\"annotations\",\"from\":[{\"command\":\"import\",\"format\":"
           "\"voc\","
           "\"corners\":\"edges\"}]}");
}

CHECK_SUITE("import", CHECK(a_folder_is_the_same_bytes_on_any_number_of_ranks),
            CHECK(python_reads_the_same_from_the_same_files), CHECK(the_report_says_what_was_found_and_where),
            CHECK(labels_come_straight_from_a_folder), CHECK(pieces_are_joined_to_the_whole),
            CHECK(a_dry_run_reports_and_writes_nothing), CHECK(imported_again_a_file_says_where_it_came_from),
            CHECK(difficult_and_corners_reach_the_file), CHECK(a_broken_file_is_one_error_on_any_rank),
            CHECK(the_source_is_never_written_over),
            CHECK(a_signal_while_reading_ends_with_75_and_leaves_nothing));
