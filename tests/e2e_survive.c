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

CHECK_SUITE("survive", CHECK(a_stopped_run_goes_on_to_the_same_bytes), CHECK(parts_make_the_whole),
            CHECK(verify_finds_what_is_wrong_and_repair_mends_it));
