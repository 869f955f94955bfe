/* tests/e2e/e2e_hostile.c: files that crash HDF5, through the real program: one line, exit code 1 */
#include "tests/check.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* A features.h5 as h5py writes it, whose heap of strings says that an entry has 2^63 bytes: libhdf5 1.10
 * crashes on it. Other versions may refuse it, which is as well. */
static const char *hostile(void)
{
    const char *path = check_path("hostile.h5");
    CU_ASSERT_EQUAL_FATAL(
        check_run(NULL,
                  "/usr/bin/python3 -c \"import h5py; f = h5py.File('%s', 'w'); "
                  "f.attrs['format'] = 'anchorage-features'; f.attrs['format_version'] = 1; f.close(); "
                  "b = bytearray(open('%s', 'rb').read()); h = b.index(b'GCOL') + 24; "
                  "b[h : h + 8] = bytes(7) + bytes([128]); open('%s', 'wb').write(b)\"",
                  path, path, path),
        0);
    return path;
}

static void one_line(int code, char *text, const char *path)
{
    char *line = strstr(text, path);
    if (code != 1 || !line) puts(text);
    CU_ASSERT_EQUAL(code, 1);
    CU_ASSERT_PTR_NOT_NULL(line);
    CU_ASSERT_PTR_NULL(strstr(text, "Segmentation"));
    CU_ASSERT_PTR_NULL(strstr(text, "Signal:"));
    free(text);
}

static void a_file_that_crashes_hdf5_is_named_in_one_line(void)
{
    const char *path = hostile();
    char *text;
    int code = check_run(&text, ANC_BINARY " inspect %s", path);
    CU_ASSERT_EQUAL(text[strcspn(text, "\n") + 1], '\0');
    one_line(code, text, path);
}

static void so_it_is_by_a_team(void)
{
    const char *path = hostile(), *scenes = check_path("hostile-scenes");
    char *text;
    CU_ASSERT_EQUAL(check_run(NULL, ANC_BINARY " synth -q -o %s --scenes 3", scenes), 0);
    int code = check_run(&text, "mpirun -n 2 " ANC_BINARY " label -q %s/annotations.json -o %s --like %s",
                         scenes, check_path("hostile-targets"), path);
    one_line(code, text, path);
}

CHECK_SUITE("hostile", CHECK(a_file_that_crashes_hdf5_is_named_in_one_line), CHECK(so_it_is_by_a_team));
