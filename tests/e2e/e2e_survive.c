/* tests/e2e/e2e_survive.c: runs that are ended and go on, and their verification; check-faults kills and breaks
 * more */
#include "tests/check.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *scenes(void)
{
    const char *path = check_path("survive");
    if (check_run(NULL, "test -e %s/annotations.json", path))
        CU_ASSERT_EQUAL_FATAL(check_run(NULL, "%s synth -o %s --scenes 600 -q", ANC_BINARY, path), 0);
    return path;
}

/* label on so many ranks into a folder below check_dir(). */
static int label(char **text, int ranks, const char *folder, const char *options)
{
    return check_run(text,
                     "mpirun -n %d %s label %s/annotations.json -o %s --images-per-shard 25 --flip 0.5 -q %s",
                     ranks, ANC_BINARY, scenes(), check_path("%s", folder), options);
}

static void expect(int got, int code, char *text, const char *says)
{
    CU_ASSERT_EQUAL(got, code);
    if (!strstr(text, says)) printf("wanted: %s\ngot: %s\n", says, text);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, says));
    free(text);
}

static void same(const char *a, const char *b)
{
    CU_ASSERT_EQUAL(check_run(NULL, "diff -r %s %s", check_path("%s", a), check_path("%s", b)), 0);
}

static void a_stopped_run_goes_on_to_the_same_bytes(void)
{
    char *text;
    CU_ASSERT_EQUAL(label(NULL, 1, "whole", ""), 0);
    int code = label(&text, 2, "stopped", "--time-limit 0");
    expect(code, 75, text, "run the same command again to go on");
    CU_ASSERT_EQUAL(check_run(NULL, "%s import -q %s/annotations.json -o %s/annotations.h5", ANC_BINARY,
                              scenes(), scenes()),
                    0);
    code = check_run(
        &text,
        "mpirun -n 2 %s label %s/annotations.h5 -o %s --images-per-shard 25 --flip 0.5 -q --time-limit 0",
        ANC_BINARY, scenes(), check_path("stopped"));
    expect(code, 75, text,
           "stopped by --time-limit with 24 of 24 shards left; run the same command again to go on");
    CU_ASSERT_EQUAL(label(NULL, 3, "stopped", ""), 0);
    same("whole", "stopped");
}

/* In mid-run, when each rank has a shard in hand and one that waits for its name. What a stop says to be done
 * is on disk, and nothing half. */
static void a_stop_in_mid_run_counts_only_what_is_there(void)
{
    for (int ranks = 1; ranks <= 3; ranks += 2) {
        char *text;
        int code = check_run(
            &text,
            "cd %s && rm -rf mid; mpirun -n %d %s label survive/annotations.json -o mid -q --epochs 40 "
            "--images-per-shard 10 2>said & P=$!; cd %s; while ! ls mid/shard-000[12]*.h5 >/dev/null 2>&1 && "
            "kill -0 $P; do sleep 0.002; done; kill -USR1 $P; wait $P; test $? = 75 && "
            "left=$(tr -d , <said | sed -n 's/.*with \\([0-9]*\\) of 2400 shards left.*/\\1/p') && "
            "there=$(ls mid | grep -c '^shard.*h5$') && echo $left left, $there there && "
            "test $there -gt 9 && test $left -gt 9 && test $((left + there)) = 2400 && ! ls mid/*.part || "
            "{ cat said; exit 1; }",
            check_dir(), ranks, ANC_BINARY, check_dir());
        if (code) puts(text);
        free(text);
        CU_ASSERT_EQUAL(code, 0);
    }
}

static void parts_make_the_whole(void)
{
    CU_ASSERT_EQUAL(label(NULL, 1, "parts", "--part 2/3"), 0);
    CU_ASSERT_EQUAL(label(NULL, 2, "parts", "--part 1/3"), 0);
    CU_ASSERT_EQUAL(check_run(NULL, "test ! -e %s", check_path("parts/targets.h5")), 0);
    CU_ASSERT_EQUAL(label(NULL, 1, "parts", "--part 3/3"), 0);
    same("whole", "parts");
    CU_ASSERT_EQUAL(label(NULL, 1, "parts", "--part 4/3"), 2);
    CU_ASSERT_EQUAL(label(NULL, 1, "parts", "--part 1/3 --restart"), 2);
}

static void verify_finds_what_is_wrong_and_repair_mends_it(void)
{
    const char *folder = check_path("broken");
    char *text;
    CU_ASSERT_EQUAL(check_run(NULL, "cp -r %s %s", check_path("whole"), folder), 0);
    CU_ASSERT_EQUAL(
        check_run(NULL, "%s verify -q %s --recompute %s/annotations.json", ANC_BINARY, folder, scenes()), 0);
    /* a row that is wrong under a seal that is right: only labelling again can tell */
    CU_ASSERT_EQUAL(
        check_run(&text,
                  "/usr/bin/python3 -c \"import h5py, zlib; p = '%s/shard-00003-of-00024.h5'; "
                  "f = h5py.File(p, 'r+'); f['views/scale'][4] *= 2; f.close(); "
                  "b = open(p, 'rb').read().split(b'\\nanchorage-seal')[0]; "
                  "open(p, 'wb').write(b + b'\\nanchorage-seal crc32 %%08x\\n' %% zlib.crc32(b))\"",
                  folder),
        0);
    free(text);
    CU_ASSERT_EQUAL(check_run(NULL, "%s verify -q %s", ANC_BINARY, folder), 0);
    int code = check_run(&text, "mpirun -n 2 %s verify %s --recompute %s/annotations.json", ANC_BINARY,
                         folder, scenes());
    expect(code, 1, text, "broken/shard-00003-of-00024.h5: view 4 (image ");
    CU_ASSERT_EQUAL(
        check_run(NULL, "rm %s/shard-00003-of-00024.h5; echo >> %s/shard-00005-of-00024.h5", folder, folder),
        0);
    code = check_run(&text, "mpirun -n 3 %s verify %s", ANC_BINARY, folder);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "shard-00003-of-00024.h5: missing"));
    expect(code, 1, text, "broken/shard-00005-of-00024.h5: does not end in a seal");
    code = label(&text, 2, "broken", "--repair");
    expect(code, 0, text, "shard-00005-of-00024.h5: does not end in a seal");
    same("whole", "broken");
    /* no HDF5 files any more, which elsewhere are never replaced */
    CU_ASSERT_EQUAL(
        check_run(
            NULL,
            "cd %s && printf x | dd of=shard-00007-of-00024.h5 bs=1 seek=1 conv=notrunc "
            "status=none && head -c 4096 /dev/zero > shard-00008-of-00024.h5 && echo notes > targets.h5",
            folder),
        0);
    code = label(&text, 2, "broken", "");
    expect(code, 0, text, "shard-00007-of-00024.h5: its bytes are not those that were written");
    same("whole", "broken");
    code = check_run(&text, "%s verify %s --recompute %s/run.json", ANC_BINARY, folder, folder);
    CU_ASSERT_NOT_EQUAL(code, 0);
    free(text);
}

static void verify_labels_again_on_the_features_of_the_run(void)
{
    static const char ini[] = "[anchors]\nstrides = 8 16\nsizes = 24 48 | 64 128\n";
    const char *dir = check_path("onmaps"), *config = check_file("onmaps.ini", ini, sizeof ini - 1);
    char *text;
    int code = check_run(
        &text,
        "%s synth -q -o %s --scenes 24 --width 120-200 --height 100-160 && for w in f packed missing; do "
        "/usr/bin/python3 tests/python/make_features.py %s/annotations.json %s/$w.h5 $w || exit 1; done && "
        "%s label -q %s/annotations.json -o %s/t --config %s --like %s/f.h5 --images-per-shard 7",
        ANC_BINARY, dir, dir, dir, ANC_BINARY, dir, dir, config, dir);
    if (code) puts(text);
    free(text);
    CU_ASSERT_EQUAL_FATAL(code, 0);
    const struct {
        int ranks;
        const char *options;
        int code;
        const char *says;
    } runs[] = {
        { 1, "--recompute %s/annotations.json --like %s/f.h5", 0, "the same when labelled again" },
        { 3, "--recompute %s/annotations.json --like %s/packed.h5", 0, "the same when labelled again" },
        { 1, "--recompute %s/annotations.json", 2, "--recompute needs them too, as --like FEATURES.h5" },
        { 2, "--recompute %s/annotations.json --like %s/missing.h5", 2,
          "missing.h5: has other images, sizes or grids than" },
        { 2, "--recompute %s/annotations.json --like %s/none.h5", 1, "none.h5: cannot open: No such file" },
        { 1, "--like %s/annotations.json", 2, "--like is for --recompute ANNOTATIONS, which is missing" },
    };
    for (size_t i = 0; i < sizeof runs / sizeof *runs; i++) {
        char options[1200];
        snprintf(options, sizeof options, runs[i].options, dir, dir);
        code = check_run(&text, "mpirun -n %d %s verify %s/t %s", runs[i].ranks, ANC_BINARY, dir, options);
        expect(code, runs[i].code, text, runs[i].says);
    }
    code = check_run(&text, "%s verify %s --recompute %s/annotations.json --like %s/f.h5", ANC_BINARY,
                     check_path("whole"), scenes(), dir);
    expect(code, 2, text, "whole: its views were placed by the rules alone; leave --like out");
    const char *break_view = "import h5py, zlib; p = '%s/t/shard-00002-of-00004.h5'; f = h5py.File(p, 'r+'); "
                             "f['minibatch/anchor'][300] += 1; f.close(); b = open(p, "
                             "'rb').read().split(b'\\nanchorage-seal')[0]; "
                             "open(p, 'wb').write(b + b'\\nanchorage-seal crc32 %%08x\\n' %% zlib.crc32(b))";
    char command[1200];
    snprintf(command, sizeof command, break_view, dir);
    CU_ASSERT_EQUAL(check_run(NULL, "/usr/bin/python3 -c \"%s\"", command), 0);
    code = check_run(&text, "%s verify %s/t --recompute %s/annotations.json --like %s/f.h5", ANC_BINARY, dir,
                     dir, dir);
    expect(code, 1, text, "/t/shard-00002-of-00004.h5: view 1 (image ");
}

static void a_summary_takes_no_file_of_the_run(void)
{
    const char *dir = check_path("summary"), *config = check_file("summary.ini", "[view]\nflip = 0.5\n", 18);
    CU_ASSERT_EQUAL_FATAL(check_run(NULL,
                                    "cp -r %s %s && ln -s whole %s && cp %s/annotations.json %s && mkfifo %s",
                                    check_path("whole"), dir, check_path("link"), scenes(),
                                    check_path("a.json"), check_path("fifo")),
                          0);
    static const struct {
        const char *name, *says;
    } refused[] = {
        { "summary/targets.h5", "the run's own name for another file" },
        { "summary/shard-00003-of-00024.h5", "the run's own name for another file" },
        { "summary/../summary/run.json", "the run's own name for another file" },
        { "summary/run.lock.1-of-1.7", "the run's own name for another file" },
        { "a.json", "the run reads or writes this file" },
        { "summary.ini", "the run reads or writes this file" },
        { "link/targets.h5", "an HDF5 file" }, /* of another run */
        { "summary", "a folder" },
        { "none/s.json", "its folder cannot be written to: No such file" },
    };
    for (size_t i = 0; i < sizeof refused / sizeof *refused; i++) {
        const char *path = check_path("%s", refused[i].name);
        char *text;
        int code = check_run(
            &text, "mpirun -n 2 %s label %s -o %s --config %s --images-per-shard 25 -q --summary-json %s",
            ANC_BINARY, check_path("a.json"), dir, config, path);
        CU_ASSERT_PTR_NOT_NULL(strstr(text, path));
        expect(code, 2, text, refused[i].says);
    }
    same("whole", "summary");
    CU_ASSERT_EQUAL(check_run(NULL, "cmp %s %s/annotations.json", check_path("a.json"), scenes()), 0);
    /* in a folder that is not there yet */
    const char *fresh = check_path("summary-new"), *good = check_path("summary-new/summary.json");
    CU_ASSERT_EQUAL(check_run(NULL,
                              "%s label %s -o %s --config %s --images-per-shard 25 -q --summary-json %s",
                              ANC_BINARY, check_path("a.json"), fresh, config, good),
                    0);
    char *text;
    int code =
        check_run(&text,
                  "/usr/bin/python3 -c 'import json, sys; d = json.load(open(sys.argv[1])); "
                  "s = d[\"seconds\"]; print(d[\"shards\"], all(0 < x < s[\"total\"] for x in (s[\"lock\"], "
                  "s[\"claim\"], s[\"look\"], s[\"index_seal\"], s[\"index_sync\"], "
                  "s[\"all_ranks\"][\"seal\"], s[\"all_ranks\"][\"sync\"])))' %s",
                  good);
    expect(code, 0, text, "24 True");
    code = check_run(
        &text, "cat %s & %s label %s -o %s --config %s --images-per-shard 25 -q --summary-json %s; wait",
        check_path("fifo"), ANC_BINARY, check_path("a.json"), dir, config, check_path("fifo"));
    expect(code, 0, text, "\"shards\":24");
}

static void bad_input_leaves_nothing_behind(void)
{
    static const char *const wrong[][2] = {
        /* options, what is said */
        { "%s", "none.json: cannot open" },
        { "%s/annotations.json --config nowhere.ini", "nowhere.ini" },
        { "%s/annotations.json --summary-json nowhere/s.json", "nowhere/s.json" },
        { "%s/annotations.json --like nowhere.h5", "nowhere.h5" },
    };
    const char *cut = check_file("cut.json", "{\"images\": [", 12);
    char *text;
    for (int i = 0; i < 4; i++) {
        char options[600];
        snprintf(options, sizeof options, wrong[i][0], i ? scenes() : check_path("none.json"));
        int code =
            check_run(&text, "%s label %s -o %s/deep/er/ -q", ANC_BINARY, options, check_path("nothing"));
        CU_ASSERT(code == 1 || code == 2);
        CU_ASSERT_PTR_NOT_NULL(strstr(text, wrong[i][1]));
        free(text);
        CU_ASSERT_EQUAL(check_run(NULL, "test ! -e %s", check_path("nothing")), 0);
    }
    CU_ASSERT_EQUAL(check_run(NULL, "mkdir -p %s", check_path("some/thing")), 0);
    CU_ASSERT_EQUAL(check_run(&text, "mpirun -n 3 %s label %s -o %s/new/er -q", ANC_BINARY, cut,
                              check_path("some/thing")),
                    1);
    free(text);
    CU_ASSERT_EQUAL(check_run(NULL, "%s label %s -o %s -q", ANC_BINARY, cut, check_path("some/thing")), 1);
    CU_ASSERT_EQUAL(check_run(NULL, "test -d %s && test -z \"$(ls -A %s)\"", check_path("some/thing"),
                              check_path("some/thing")),
                    0);
}

static void features_that_lack_an_image_stop_the_run_before_it_begins(void)
{
    char *text;
    const char *dir = check_path("onmaps");
    int code = check_run(&text, "%s label -q %s/annotations.json -o %s/lack --config %s --like %s/missing.h5",
                         ANC_BINARY, dir, dir, check_path("onmaps.ini"), dir);
    expect(code, 1, text, "onmaps/missing.h5: has nothing of image ");
    CU_ASSERT_EQUAL(check_run(NULL, "test ! -e %s/lack", dir), 0);
}

CHECK_SUITE("survive", CHECK(a_stopped_run_goes_on_to_the_same_bytes),
            CHECK(a_stop_in_mid_run_counts_only_what_is_there), CHECK(parts_make_the_whole),
            CHECK(verify_finds_what_is_wrong_and_repair_mends_it),
            CHECK(verify_labels_again_on_the_features_of_the_run), CHECK(a_summary_takes_no_file_of_the_run),
            CHECK(bad_input_leaves_nothing_behind),
            CHECK(features_that_lack_an_image_stop_the_run_before_it_begins));
