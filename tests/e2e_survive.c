/* tests/e2e_survive.c: runs that are ended and go on, and their verification; check-faults kills and breaks more */
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
    return check_run(text, "mpirun -n %d %s label %s/annotations.json -o %s --images-per-shard 25 --flip 0.5 -q %s", ranks,
                     ANC_BINARY, scenes(), check_path("%s", folder), options);
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
    expect(code, 75, text, "stopped by --time-limit with 24 of 24 shards left; run the same command again to go on");
    CU_ASSERT_EQUAL(label(NULL, 3, "stopped", ""), 0);
    same("whole", "stopped");
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
    CU_ASSERT_EQUAL(check_run(NULL, "%s verify -q %s --recompute %s/annotations.json", ANC_BINARY, folder, scenes()), 0);
    /* a row that is wrong under a seal that is right: only labelling again can tell */
    CU_ASSERT_EQUAL(check_run(&text, "/usr/bin/python3 -c \"import h5py, zlib; p = '%s/shard-00003-of-00024.h5'; "
                                     "f = h5py.File(p, 'r+'); f['views/image_id'][4] += 100000; f.close(); "
                                     "b = open(p, 'rb').read().split(b'\\nanchorage-seal')[0]; "
                                     "open(p, 'wb').write(b + b'\\nanchorage-seal crc32 %%08x\\n' %% zlib.crc32(b))\"", folder), 0);
    free(text);
    CU_ASSERT_EQUAL(check_run(NULL, "%s verify -q %s", ANC_BINARY, folder), 0);
    int code = check_run(&text, "mpirun -n 2 %s verify %s --recompute %s/annotations.json", ANC_BINARY, folder, scenes());
    expect(code, 1, text, "broken/shard-00003-of-00024.h5: view 4 (image ");
    CU_ASSERT_EQUAL(check_run(NULL, "rm %s/shard-00003-of-00024.h5; echo >> %s/shard-00005-of-00024.h5", folder, folder), 0);
    code = check_run(&text, "mpirun -n 3 %s verify %s", ANC_BINARY, folder);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "shard-00003-of-00024.h5: missing"));
    expect(code, 1, text, "broken/shard-00005-of-00024.h5: does not end in a seal");
    code = label(&text, 2, "broken", "--repair");
    expect(code, 0, text, "shard-00005-of-00024.h5: does not end in a seal");
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
    int code = check_run(&text, "%s synth -q -o %s --scenes 24 --width 120-200 --height 100-160 && for w in f packed missing; do "
                                "/usr/bin/python3 tests/make_features.py %s/annotations.json %s/$w.h5 $w || exit 1; done && "
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
        { 2, "--recompute %s/annotations.json --like %s/missing.h5", 2, "missing.h5: has other images, sizes or grids than" },
        { 2, "--recompute %s/annotations.json --like %s/none.h5", 1, "none.h5: cannot open: No such file" },
        { 1, "--like %s/annotations.json", 2, "--like is for --recompute ANNOTATIONS, which is missing" },
    };
    for (size_t i = 0; i < sizeof runs / sizeof *runs; i++) {
        char options[1200];
        snprintf(options, sizeof options, runs[i].options, dir, dir);
        code = check_run(&text, "mpirun -n %d %s verify %s/t %s", runs[i].ranks, ANC_BINARY, dir, options);
        expect(code, runs[i].code, text, runs[i].says);
    }
    code = check_run(&text, "%s verify %s --recompute %s/annotations.json --like %s/f.h5", ANC_BINARY, check_path("whole"),
                     scenes(), dir);
    expect(code, 2, text, "whole: its views were laid by the rules alone; leave --like out");
    const char *break_view = "import h5py, zlib; p = '%s/t/shard-00002-of-00004.h5'; f = h5py.File(p, 'r+'); "
                             "f['minibatch/anchor'][300] += 1; f.close(); b = open(p, 'rb').read().split(b'\\nanchorage-seal')[0]; "
                             "open(p, 'wb').write(b + b'\\nanchorage-seal crc32 %%08x\\n' %% zlib.crc32(b))";
    char command[1200];
    snprintf(command, sizeof command, break_view, dir);
    CU_ASSERT_EQUAL(check_run(NULL, "/usr/bin/python3 -c \"%s\"", command), 0);
    code = check_run(&text, "%s verify %s/t --recompute %s/annotations.json --like %s/f.h5", ANC_BINARY, dir, dir, dir);
    expect(code, 1, text, "/t/shard-00002-of-00004.h5: view 1 (image ");
}

CHECK_SUITE("survive", CHECK(a_stopped_run_goes_on_to_the_same_bytes), CHECK(parts_make_the_whole),
            CHECK(verify_finds_what_is_wrong_and_repair_mends_it),
            CHECK(verify_labels_again_on_the_features_of_the_run));
