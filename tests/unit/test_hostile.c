/* tests/unit/test_hostile.c: HDF5 files that would make HDF5 or us crash, loop, or take all memory, each made here
 */
#include "io/hdf5/h5.h"
#include "io/hdf5/h5_guard.h"
#include "io/store/feature.h"
#include "io/store/proposals.h"
#include "io/store/targets_read.h"
#include "tests/check.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

#define FORMAT "anchorage-test"

/* A file of another writer (no seal), with the root attributes, open for more. */
static hid_t begin(const char *path)
{
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    hid_t f = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT), scalar = H5Screate(H5S_SCALAR);
    hid_t text = H5Tcopy(H5T_C_S1);
    H5Tset_size(text, sizeof FORMAT);
    hid_t a = H5Acreate2(f, "format", text, scalar, H5P_DEFAULT, H5P_DEFAULT);
    H5Awrite(a, text, FORMAT);
    H5Aclose(a);
    a = H5Acreate2(f, "format_version", H5T_STD_I64LE, scalar, H5P_DEFAULT, H5P_DEFAULT);
    H5Awrite(a, H5T_NATIVE_INT, &(int){ 1 });
    H5Aclose(a);
    H5Tclose(text);
    H5Sclose(scalar);
    return f;
}

static void add(hid_t f, const char *name, hid_t type, hsize_t n, hsize_t most, hid_t plist, const void *data)
{
    hid_t space = H5Screate_simple(1, &n, &most);
    hid_t id = H5Dcreate2(f, name, type, space, H5P_DEFAULT, plist, H5P_DEFAULT);
    CU_ASSERT_FATAL(id >= 0);
    if (data) CU_ASSERT(H5Dwrite(id, type, H5S_ALL, H5S_ALL, H5P_DEFAULT, data) >= 0);
    H5Dclose(id);
    H5Sclose(space);
}

static void refused(const char *path, const char *name, const char *says)
{
    anc_h5_file f;
    anc_h5_data d = { 0 };
    anc_err err = { 0 };
    CU_ASSERT_EQUAL_FATAL(anc_h5_open(path, FORMAT, 1, &f, &err), ANC_OK);
    CU_ASSERT_EQUAL(anc_h5_data_open(&f, name, ANC_H5_I64, 1, (int64_t[]){ -1 }, &d, &err), ANC_EDATA);
    if (!strstr(err.text, says)) puts(err.text);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, says));
    anc_h5_data_close(&d);
    anc_h5_close(&f);
}

/* A virtual dataset of n rows, all of them `source` of `file`. */
static void add_virtual(hid_t f, const char *name, hsize_t n, const char *file, const char *source)
{
    hid_t plist = H5Pcreate(H5P_DATASET_CREATE), space = H5Screate_simple(1, &n, NULL);
    CU_ASSERT(H5Pset_virtual(plist, space, file, source, space) >= 0);
    add(f, name, H5T_STD_I64LE, n, n, plist, NULL);
    H5Sclose(space);
    H5Pclose(plist);
}

static void a_virtual_dataset_that_maps_itself_is_not_followed(void)
{
    const char *path = check_path("cycle.h5");
    hid_t f = begin(path);
    add_virtual(f, "/self", 5, ".", "/self");
    add_virtual(f, "/name", 5, "cycle.h5", "/other");
    H5Fclose(f);
    refused(path, "/self", "/self: maps ");
    refused(path, "/name", "/name: maps its own file");
}

static void a_virtual_dataset_maps_ordinary_ones_that_are_there(void)
{
    const char *path = check_path("virtual.h5");
    int64_t rows[5] = { 1, 2, 3, 4, 5 }, *got, n;
    hid_t f = begin(check_path("source.h5"));
    add(f, "/rows", H5T_STD_I64LE, 5, 5, H5P_DEFAULT, rows);
    add_virtual(f, "/map", 5, "virtual.h5", "/back");
    H5Fclose(f);
    f = begin(path);
    add_virtual(f, "/good", 5, "source.h5", "/rows");
    add_virtual(f, "/back", 5, "source.h5", "/map");
    add_virtual(f, "/gone", 5, "gone.h5", "/rows");
    add_virtual(f, "/none", 5, "source.h5", "/none");
    add_virtual(f, "/large", (hsize_t)1 << 40, "source.h5", "/rows");
    H5Fclose(f);
    refused(path, "/back", "which is virtual itself");
    refused(path, "/gone", "gone.h5, which is not there");
    refused(path, "/none", "which cannot be opened");
    refused(path, "/large", "more than its stored bytes hold");
    anc_h5_file file;
    anc_err err = { 0 };
    CU_ASSERT_EQUAL_FATAL(anc_h5_open(path, FORMAT, 1, &file, &err), ANC_OK);
    CU_ASSERT_EQUAL_FATAL(
        anc_h5_read(&file, "/good", ANC_H5_I64, 1, (int64_t[]){ 5 }, (void **)&got, &n, &err), ANC_OK);
    CU_ASSERT(n == 5 && !memcmp(got, rows, sizeof rows));
    free(got);
    anc_h5_close(&file);
}

static void a_chunk_larger_than_its_file_can_hold_is_refused(void)
{
    const char *path = check_path("chunk.h5");
    hsize_t chunk = (hsize_t)1 << 28; /* 2 GiB, to be unpacked for 5 rows */
    int64_t rows[5] = { 0 };
    hid_t f = begin(path), plist = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_chunk(plist, 1, &chunk);
    H5Pset_deflate(plist, 1);
    add(f, "/rows", H5T_STD_I64LE, 5, H5S_UNLIMITED, plist, NULL);
    chunk = 4096;
    H5Pset_chunk(plist, 1, &chunk);
    add(f, "/small", H5T_STD_I64LE, 5, H5S_UNLIMITED, plist, rows);
    H5Pclose(plist);
    H5Fclose(f);
    refused(path, "/rows", "/rows has chunks of 2147483648 bytes, more than its file can hold");
    anc_h5_file file;
    anc_h5_data d;
    anc_err err = { 0 };
    CU_ASSERT_EQUAL_FATAL(anc_h5_open(path, FORMAT, 1, &file, &err), ANC_OK);
    CU_ASSERT_EQUAL(anc_h5_data_open(&file, "/small", ANC_H5_I64, 1, (int64_t[]){ 5 }, &d, &err), ANC_OK);
    anc_h5_data_close(&d);
    anc_h5_close(&file);
}

static void strings_beyond_any_name_are_refused(void)
{
    const char *path = check_path("strings.h5");
    enum { LONG = ANC_H5_MAX_STRING + 1 };
    char *text = malloc(LONG + 1), **got = NULL, *words[2] = { "short", text };
    int64_t n;
    memset(text, 'a', LONG);
    text[LONG] = '\0';
    hid_t f = begin(path), variable = H5Tcopy(H5T_C_S1), fixed = H5Tcopy(H5T_C_S1);
    H5Tset_size(variable, H5T_VARIABLE);
    H5Tset_size(fixed, (size_t)1 << 30);
    add(f, "/variable", variable, 2, 2, H5P_DEFAULT, words);
    add(f, "/fixed", fixed, 0, 0, H5P_DEFAULT, NULL); /* no entries, of a gigabyte each */
    H5Tclose(variable);
    H5Tclose(fixed);
    H5Fclose(f);
    anc_h5_file file;
    anc_err err = { 0 };
    CU_ASSERT_EQUAL_FATAL(anc_h5_open(path, FORMAT, 1, &file, &err), ANC_OK);
    CU_ASSERT_EQUAL(anc_h5_read_strings(&file, "/variable", 2, &got, &n, &err), ANC_EDATA);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "entry 1 of /variable is longer than 65536 bytes"));
    CU_ASSERT_EQUAL(anc_h5_read_strings(&file, "/fixed", -1, &got, &n, &err), ANC_EDATA);
    anc_h5_close(&file);
    free(text);
}

/* ---- the guard ---- */

static void speak(const char *path, bool stuck)
{
    const char *word = strrchr(path, '/') ? strrchr(path, '/') + 1 : path;
    _exit(!strcmp(word, "some.h5") ? stuck ? 41 : 40 : 42);
}

static int overflow(volatile int *depth)
{
    volatile char capacity[4096] = { 0 };
    ++*depth;
    return *depth < 1 << 30 ? overflow(depth) + capacity[*depth % 4096] : 0;
}

/* How a child ends that does what harms, inside of the guard or after it: its exit code, or the signal,
 * negative. */
static int outcome(void (*harm)(void), bool inside)
{
    int status = 0;
    fflush(NULL);
    pid_t child = fork();
    if (!child) {
        for (int k = 0; k < 4; k++) signal((int[]){ SIGSEGV, SIGFPE, SIGABRT, SIGBUS }[k], SIG_DFL);
        if (!freopen("/dev/null", "w", stderr)) _exit(1);
        anc_h5_guard_set(speak, 1);
        anc_h5_guard_enter("a/some.h5");
        anc_h5_guard_enter("a/some.h5"); /* pairs nest */
        anc_h5_guard_leave("a/some.h5");
        if (!inside) anc_h5_guard_leave("a/some.h5");
        harm();
        _exit(0);
    }
    waitpid(child, &status, 0);
    return WIFSIGNALED(status) ? -WTERMSIG(status) : WEXITSTATUS(status);
}

static void segfault(void) { raise(SIGSEGV); }
static void give_up(void) { abort(); }
static void use_up_the_stack(void) { overflow(&(volatile int){ 0 }); }
static void loop(void)
{
    for (volatile int i = 1; i; i = 1) {}
}
static void do_nothing(void) {}

static void a_crash_in_the_guards_keep_has_last_words(void)
{
    CU_ASSERT_EQUAL(outcome(segfault, true), 40);
    CU_ASSERT_EQUAL(outcome(give_up, true), 40);
    CU_ASSERT_EQUAL(outcome(use_up_the_stack, true), 40);
    CU_ASSERT_EQUAL(outcome(do_nothing, true), 0);
}

static void an_endless_loop_in_its_keep_ends(void) { CU_ASSERT_EQUAL(outcome(loop, true), 41); }

static void a_crash_elsewhere_stays_a_crash(void)
{
    CU_ASSERT_EQUAL(outcome(segfault, false), -SIGSEGV);
    CU_ASSERT_EQUAL(outcome(give_up, false), -SIGABRT);
}

static void open_features(void)
{
    anc_features *f;
    anc_err err = { 0 };
    if (!anc_features_open(check_path("some.h5"), &f, &err)) anc_features_close(f);
    _exit(err.code ? 50 : 51);
}

/* Strings of variable length, as h5py writes attributes, stand in a heap. libhdf5 1.10 looks for its end for
 * ever when an entry is all zeros. Where a later version refuses it, that will do. */
static void a_heap_of_zeros_in_somebodys_file_ends_in_words(void)
{
    const char *path = check_path("some.h5"), *word = ANC_FEATURES_FORMAT;
    hid_t f = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT), scalar = H5Screate(H5S_SCALAR);
    hid_t text = H5Tcopy(H5T_C_S1);
    H5Tset_size(text, H5T_VARIABLE);
    hid_t a = H5Acreate2(f, "format", text, scalar, H5P_DEFAULT, H5P_DEFAULT);
    H5Awrite(a, text, &word);
    H5Aclose(a);
    H5Tclose(text);
    H5Sclose(scalar);
    H5Fclose(f);
    CU_ASSERT_EQUAL(outcome(open_features, false), 50); /* the file itself: only datasets are missing */
    size_t n;
    char *bytes = check_slurp(path, &n), *heap = memmem(bytes, n, "GCOL", 4);
    CU_ASSERT_PTR_NOT_NULL_FATAL(heap);
    memset(heap + 16, 0, 64);
    check_file("some.h5", bytes, n);
    free(bytes);
    int code = outcome(open_features, false);
    CU_ASSERT(code == 41 || code == 40 || code == 50);
}

/* Their difference overflows. */
static void offsets_at_the_ends_of_their_range_are_refused(void)
{
    anc_err err = { 0 };
    int64_t id[] = { 4, 5 }, below[] = { INT64_MIN, 2, 3 }, beyond[] = { 0, INT64_MAX, INT64_MAX };
    anc_proposal_set s = { .n_images = 2, .n = 3, .image_id = id, .offset = below };
    CU_ASSERT_EQUAL(anc_proposal_set_check_table(&s, &err), ANC_EDATA);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "/proposals/offset starts at -9223372036854775808, not at 0"));
    s.offset = beyond;
    CU_ASSERT_EQUAL(anc_proposal_set_check_table(&s, &err), ANC_EDATA);
    CU_ASSERT_PTR_NOT_NULL(
        strstr(err.text, "/proposals/offset goes from 0 to 9223372036854775807 at image 4"));
}

CHECK_SUITE("hostile", CHECK(offsets_at_the_ends_of_their_range_are_refused),
            CHECK(a_virtual_dataset_that_maps_itself_is_not_followed),
            CHECK(a_virtual_dataset_maps_ordinary_ones_that_are_there),
            CHECK(a_chunk_larger_than_its_file_can_hold_is_refused),
            CHECK(strings_beyond_any_name_are_refused), CHECK(a_crash_in_the_guards_keep_has_last_words),
            CHECK(an_endless_loop_in_its_keep_ends), CHECK(a_crash_elsewhere_stays_a_crash),
            CHECK(a_heap_of_zeros_in_somebodys_file_ends_in_words));
