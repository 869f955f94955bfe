/* tests/unit/test_h5.c: HDF5 files: whole or absent, the same bytes again, every fault in words */
#include "io/file/seal.h"
#include "io/hdf5/h5.h"
#include "tests/check.h"
#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

#define FORMAT "anchorage-test"

static int exists(const char *path) { return access(path, F_OK) == 0; }

/* A file with one dataset of each type and the strings and attributes that others use. */
static anc_status write_all(const char *path, anc_err *err)
{
    anc_h5_file f;
    const char *const text[] = { "", "caf\xc3\xa9", "a longer name" };
    unsigned char bytes[3 * 5 * 8];
    for (size_t k = 0; k < sizeof bytes; k++) bytes[k] = (unsigned char)(k * 37 % 120);
    if (anc_h5_create_part(path, &f, err)) return err->code;
    anc_status status = anc_h5_stamp(&f, FORMAT, 2, "{\"a\": 1}", err);
    for (int t = ANC_H5_I8; !status && t <= ANC_H5_F64; t++) {
        char name[32];
        snprintf(name, sizeof name, "/deep/er/%s", anc_h5_type_name((anc_h5_type)t));
        anc_h5_spec spec = { name, (anc_h5_type)t, 2, { 3, 5 }, t % 3 - 1, t % 2, 0, "px", NULL };
        status = anc_h5_write(&f, &spec, bytes, err);
    }
    anc_h5_spec none = { "/none", ANC_H5_F32, 2, { 0, 4 }, 0, 1, 0, NULL, "no rows" };
    if (!status) status = anc_h5_write(&f, &none, NULL, err);
    if (!status) status = anc_h5_write_strings(&f, "/text", 3, text, "words", err);
    if (!status) status = anc_h5_write_strings(&f, "/no_text", 0, NULL, "words", err);
    if (!status) status = anc_h5_set_int(&f, "/group", "count", -5, err);
    if (!status) status = anc_h5_set_real(&f, "/text", "weight", 0.25, err);
    if (!status) return anc_h5_commit(&f, err);
    anc_h5_abandon(&f);
    return status;
}

static void everything_written_is_read_back(void)
{
    anc_err err = { 0 };
    anc_h5_file f;
    const char *path = check_path("all.h5");
    CU_ASSERT_EQUAL_FATAL(write_all(path, &err), ANC_OK);
    CU_ASSERT_EQUAL_FATAL(anc_h5_open(path, FORMAT, 2, &f, &err), ANC_OK);
    for (int t = ANC_H5_I8; t <= ANC_H5_F64; t++) {
        char name[32];
        void *data = NULL;
        int64_t n = 0;
        snprintf(name, sizeof name, "/deep/er/%s", anc_h5_type_name((anc_h5_type)t));
        CU_ASSERT_EQUAL_FATAL(anc_h5_read(&f, name, (anc_h5_type)t, 2, (int64_t[]){ -1, 5 }, &data, &n, &err),
                              ANC_OK);
        CU_ASSERT_EQUAL(n, 3);
        for (size_t k = 0; k < 15 * anc_h5_type_bytes((anc_h5_type)t); k++)
            CU_ASSERT_EQUAL(((unsigned char *)data)[k], k * 37 % 120);
        free(data);
    }
    void *data = NULL;
    int64_t n = 9;
    char **text = NULL, *config = NULL;
    CU_ASSERT_EQUAL(anc_h5_read(&f, "/none", ANC_H5_F32, 2, (int64_t[]){ -1, 4 }, &data, &n, &err), ANC_OK);
    CU_ASSERT(data && n == 0);
    free(data);
    CU_ASSERT_EQUAL_FATAL(anc_h5_read_strings(&f, "/text", -1, &text, &n, &err), ANC_OK);
    CU_ASSERT(n == 3 && !strcmp(text[0], "") && !strcmp(text[1], "caf\xc3\xa9") &&
              !strcmp(text[2], "a longer name"));
    for (int k = 0; k < 3; k++) free(text[k]);
    free(text);
    CU_ASSERT_EQUAL(anc_h5_read_strings(&f, "/no_text", 0, &text, &n, &err), ANC_OK);
    free(text);
    CU_ASSERT_EQUAL_FATAL(anc_h5_get_string(&f, "/", "config", &config, &err), ANC_OK);
    CU_ASSERT_STRING_EQUAL(config, "{\"a\": 1}");
    free(config);
    int64_t count = 0;
    double weight = 0;
    CU_ASSERT(anc_h5_get_int(&f, "/group", "count", &count, &err) == ANC_OK && count == -5);
    CU_ASSERT(anc_h5_get_real(&f, "/text", "weight", &weight, &err) == ANC_OK && weight == 0.25);
    CU_ASSERT(anc_h5_exists(&f, "/group") && !anc_h5_exists(&f, "/grouq"));
    anc_h5_close(&f);
    CU_ASSERT_EQUAL(H5Fget_obj_count((hid_t)H5F_OBJ_ALL, H5F_OBJ_ALL), 0);
}

static void the_same_content_gives_the_same_bytes(void)
{
    anc_err err = { 0 };
    size_t n1, n2;
    CU_ASSERT_EQUAL_FATAL(write_all(check_path("one.h5"), &err), ANC_OK);
    sleep(1); /* HDF5 stamps in whole seconds */
    CU_ASSERT_EQUAL_FATAL(write_all(check_path("two.h5"), &err), ANC_OK);
    char *one = check_slurp(check_path("one.h5"), &n1), *two = check_slurp(check_path("two.h5"), &n2);
    CU_ASSERT(n1 == n2 && !memcmp(one, two, n1));
    free(one);
    free(two);
}

static void rows_are_read_in_runs(void)
{
    enum { N = 1000 };
    anc_err err = { 0 };
    anc_h5_file f;
    anc_h5_data d;
    const char *path = check_path("rows.h5");
    int32_t rows[N][3], got[N][3];
    for (int k = 0; k < 3 * N; k++) rows[k / 3][k % 3] = k;
    anc_h5_spec spec = { "/a/rows", ANC_H5_I32, 2, { N, 3 }, 64, 1, 0, NULL, "numbers" };
    CU_ASSERT_EQUAL_FATAL(anc_h5_create_part(path, &f, &err), ANC_OK);
    CU_ASSERT_EQUAL(anc_h5_stamp(&f, FORMAT, 1, "{}", &err), ANC_OK);
    CU_ASSERT_EQUAL_FATAL(anc_h5_define(&f, &spec, H5P_DEFAULT, &d, &err), ANC_OK);
    for (int first = 0; first < N; first += 300)
        CU_ASSERT_EQUAL(anc_h5_data_write(&d, first, first + 300 > N ? N - first : 300, rows[first], &err),
                        ANC_OK);
    anc_h5_data_close(&d);
    CU_ASSERT(exists(check_path("rows.h5.part")) && !exists(path));
    CU_ASSERT_EQUAL_FATAL(anc_h5_commit(&f, &err), ANC_OK);
    CU_ASSERT(!exists(check_path("rows.h5.part")) && exists(path));

    CU_ASSERT_EQUAL_FATAL(anc_h5_open(path, FORMAT, 1, &f, &err), ANC_OK);
    CU_ASSERT_EQUAL_FATAL(anc_h5_data_open(&f, "/a/rows", ANC_H5_I32, 2, (int64_t[]){ -1, 3 }, &d, &err),
                          ANC_OK);
    for (int first = 0; first <= N; first += 37)
        for (int n = 0; first + n <= N && n < 200; n += 61) {
            CU_ASSERT_EQUAL(anc_h5_data_read(&d, first, n, got, &err), ANC_OK);
            CU_ASSERT(!memcmp(got, rows[first], (size_t)n * sizeof *rows));
        }
    anc_h5_data_close(&d);
    anc_h5_close(&f);
}

static void what_is_not_as_asked_is_refused(void)
{
    anc_err err = { 0 };
    anc_h5_file f;
    anc_h5_data d;
    char **text;
    int64_t n;
    const char *path = check_path("refuse.h5");
    CU_ASSERT_EQUAL_FATAL(write_all(path, &err), ANC_OK);
    CU_ASSERT_EQUAL(anc_h5_open(path, "anchorage-other", 2, &f, &err), ANC_EDATA);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "'anchorage-test', not 'anchorage-other'"));
    CU_ASSERT_EQUAL(anc_h5_open(path, FORMAT, 1, &f, &err), ANC_EDATA);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "format_version 2"));
    CU_ASSERT_EQUAL_FATAL(anc_h5_open(path, FORMAT, 2, &f, &err), ANC_OK);
    const struct {
        const char *name;
        anc_h5_type type;
        int rank;
        int64_t dims[2];
        const char *word;
    } row[] = {
        { "/deep/er/int64", ANC_H5_I32, 2, { 3, 5 }, "int64, not int32" },
        { "/deep/er/uint32", ANC_H5_I32, 2, { 3, 5 }, "uint32, not int32" },
        { "/deep/er/int32", ANC_H5_U64, 2, { 3, 5 }, "int32, not uint64" },
        { "/deep/er/float64", ANC_H5_F32, 2, { 3, 5 }, "float64, not float32" },
        { "/deep/er/float32", ANC_H5_I64, 2, { 3, 5 }, "float32, not int64" },
        { "/text", ANC_H5_I64, 1, { 3, 0 }, "strings, not int64" },
        { "/deep/er/int32", ANC_H5_I32, 1, { 15, 0 }, "2 dimensions, not 1" },
        { "/deep/er/int32", ANC_H5_I32, 2, { 4, 5 }, "3 entries in dimension 0, not 4" },
        { "/deep/er", ANC_H5_I32, 1, { 1, 0 }, "/deep/er cannot be opened (HDF5: " },
        { "/absent", ANC_H5_I32, 1, { 1, 0 }, "/absent" },
    };
    for (size_t k = 0; k < sizeof row / sizeof *row; k++) {
        CU_ASSERT_EQUAL(anc_h5_data_open(&f, row[k].name, row[k].type, row[k].rank, row[k].dims, &d, &err),
                        ANC_EDATA);
        CU_ASSERT_PTR_NOT_NULL(strstr(err.text, row[k].word));
        if (!strstr(err.text, row[k].word)) printf("\n  '%s' lacks '%s'\n", err.text, row[k].word);
    }
    CU_ASSERT_EQUAL(anc_h5_data_open(&f, "/deep/er/int8", ANC_H5_I64, 2, (int64_t[]){ 3, 5 }, &d, &err),
                    ANC_OK);
    anc_h5_data_close(&d);
    CU_ASSERT_EQUAL(anc_h5_read_strings(&f, "/text", 4, &text, &n, &err), ANC_EDATA);
    CU_ASSERT_EQUAL(anc_h5_read_strings(&f, "/deep/er/int8", -1, &text, &n, &err), ANC_EDATA);
    char *value;
    CU_ASSERT_EQUAL(anc_h5_get_string(&f, "/", "format_version", &value, &err), ANC_EDATA);
    CU_ASSERT_EQUAL(anc_h5_get_int(&f, "/", "format", &n, &err), ANC_EDATA);
    CU_ASSERT_EQUAL(anc_h5_get_int(&f, "/", "absent", &n, &err), ANC_EDATA);
    anc_h5_close(&f);
}

static void what_is_no_hdf5_file_is_named(void)
{
    anc_err err = { 0 };
    anc_h5_file f;
    size_t n;
    CU_ASSERT_EQUAL(anc_h5_open(check_path("absent.h5"), FORMAT, 1, &f, &err), ANC_ESYSTEM);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "No such file"));
    CU_ASSERT_EQUAL(anc_h5_open(check_dir(), FORMAT, 1, &f, &err), ANC_ESYSTEM);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "directory"));
    CU_ASSERT_EQUAL(anc_h5_open(check_file("empty.h5", "", 0), FORMAT, 1, &f, &err), ANC_EDATA);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "empty"));
    CU_ASSERT_EQUAL(anc_h5_open(check_file("text.h5", "hello", 5), FORMAT, 1, &f, &err), ANC_EDATA);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "not an HDF5 file"));
    CU_ASSERT_EQUAL_FATAL(write_all(check_path("cut.h5"), &err), ANC_OK);
    char *bytes = check_slurp(check_path("cut.h5"), &n);
    CU_ASSERT_EQUAL(anc_h5_open(check_file("cut.h5", bytes, n / 2), FORMAT, 1, &f, &err), ANC_EDATA);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "truncated file"));
    free(bytes);
}

static void damaged_data_are_noticed_in_words(void)
{
    anc_err err = { 0 };
    anc_h5_file f;
    void *data;
    int64_t n;
    size_t size;
    double rows[64];
    const char *path = check_path("damaged.h5");
    for (int k = 0; k < 64; k++) rows[k] = 1 + k;
    anc_h5_spec spec = { "/rows", ANC_H5_F64, 1, { 64 }, 0, 0, 0, NULL, "numbers" };
    CU_ASSERT_EQUAL_FATAL(anc_h5_create_part(path, &f, &err), ANC_OK);
    CU_ASSERT_EQUAL(anc_h5_stamp(&f, FORMAT, 1, "{}", &err), ANC_OK);
    CU_ASSERT_EQUAL(anc_h5_write(&f, &spec, rows, &err), ANC_OK);
    CU_ASSERT_EQUAL_FATAL(anc_h5_commit(&f, &err), ANC_OK);
    char *bytes = check_slurp(path, &size), *place = memmem(bytes, size, rows, sizeof rows);
    CU_ASSERT_PTR_NOT_NULL_FATAL(place);
    place[100] ^= 1;
    CU_ASSERT_EQUAL_FATAL(anc_h5_open(check_file("damaged.h5", bytes, size), FORMAT, 1, &f, &err), ANC_EDATA);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "its bytes are not those that were written (checksum "));
    size -= 31; /* without its seal HDF5's own checksums are left */
    CU_ASSERT_EQUAL_FATAL(anc_h5_open(check_file("damaged.h5", bytes, size), FORMAT, 1, &f, &err), ANC_OK);
    CU_ASSERT_EQUAL(anc_h5_read(&f, "/rows", ANC_H5_F64, 1, (int64_t[]){ -1 }, &data, &n, &err), ANC_EDATA);
    static const char ours[] = "/rows cannot be read; is the file damaged? (HDF5: ";
    const char *said = strstr(err.text, ours); /* then HDF5's own words, which change with its version */
    CU_ASSERT_PTR_NOT_NULL_FATAL(said);
    CU_ASSERT(strlen(said) > strlen(ours) + 10);
    anc_h5_close(&f);
    free(bytes);
}

static void an_abandoned_file_leaves_nothing(void)
{
    anc_err err = { 0 };
    anc_h5_file f;
    static const char older[] = "\x89HDF\r\n\x1a\nold";
    const char *path = check_file("kept.h5", older, sizeof older);
    CU_ASSERT_EQUAL_FATAL(anc_h5_create_part(path, &f, &err), ANC_OK);
    anc_h5_abandon(&f);
    CU_ASSERT(!exists(check_path("kept.h5.part")));
    size_t n;
    char *old = check_slurp(path, &n);
    CU_ASSERT(n == sizeof older && !memcmp(old, older, n));
    free(old);
    CU_ASSERT_EQUAL(anc_h5_create_part(check_path("no/such/folder.h5"), &f, &err), ANC_ESYSTEM);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "folder.h5.part: cannot create: No such file"));
}

static void a_sealed_file_waits_for_its_name(void)
{
    anc_err err = { 0 };
    anc_out_cost cost = { 0 };
    const char *path = check_path("sealed.h5"), *part = check_path("sealed.h5.part");
    for (int keep = 0; keep < 2; keep++) {
        anc_h5_file f;
        bool sealed = false;
        CU_ASSERT_EQUAL_FATAL(anc_h5_create_part(path, &f, &err), ANC_OK);
        f.cost = &cost;
        CU_ASSERT_EQUAL(anc_h5_stamp(&f, FORMAT, 1, "{}", &err), ANC_OK);
        CU_ASSERT_EQUAL_FATAL(anc_h5_seal(&f, &err), ANC_OK);
        CU_ASSERT(exists(part) && !exists(path));
        CU_ASSERT(!anc_seal_check_any(part, &sealed, &err) && sealed); /* whole already */
        if (keep) {
            CU_ASSERT_EQUAL(anc_h5_commit(&f, &err), ANC_OK);
        } else {
            anc_h5_abandon(&f);
        }
        CU_ASSERT(!exists(part) && exists(path) == keep);
        CU_ASSERT(!f.sealed && !f.path && !f.part);
        anc_h5_abandon(&f); /* of a closed one: nothing */
        CU_ASSERT(exists(path) == keep);
    }
    CU_ASSERT(cost.seal_s > 0 && cost.sync_s > 0);
}

/* Whoever comes second takes nothing away from the first, sealed or not. */
static void two_writers_of_one_file_do_not_meet(void)
{
    anc_err err = { 0 };
    anc_h5_file first, second;
    anc_out *text;
    const char *path = check_path("two.h5");
    for (int sealed = 0; sealed < 2; sealed++) {
        CU_ASSERT_EQUAL_FATAL(anc_h5_create_part(path, &first, &err), ANC_OK);
        CU_ASSERT_EQUAL(anc_h5_stamp(&first, FORMAT, 1, "{}", &err), ANC_OK);
        if (sealed) CU_ASSERT_EQUAL_FATAL(anc_h5_seal(&first, &err), ANC_OK);
        CU_ASSERT_EQUAL(anc_h5_create_part(path, &second, &err), ANC_ESYSTEM);
        CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "two.h5.part: another process is writing this file"));
        CU_ASSERT_EQUAL(anc_out_open(path, &text, &err), ANC_ESYSTEM);
        CU_ASSERT_EQUAL(anc_h5_commit(&first, &err), ANC_OK);
        CU_ASSERT_EQUAL(anc_seal_check(path, &err), ANC_OK);
    }
    CU_ASSERT_EQUAL_FATAL(anc_h5_create_part(path, &second, &err), ANC_OK); /* the first is done */
    anc_h5_abandon(&second);
}

static void what_may_be_replaced_is_told_from_what_is_somebodys(void)
{
    static const char seal[] = "\nanchorage-seal crc32 00000000\n";
    anc_err err = { 0 };
    anc_h5_file f;
    const char *path = check_path("mine.h5");
    CU_ASSERT_EQUAL_FATAL(anc_h5_create_part(path, &f, &err), ANC_OK);
    CU_ASSERT_EQUAL(anc_h5_stamp(&f, FORMAT, 1, "{}", &err), ANC_OK);
    CU_ASSERT_EQUAL_FATAL(anc_h5_commit(&f, &err), ANC_OK);
    CU_ASSERT_EQUAL(anc_h5_may_replace(path, FORMAT, &err), ANC_OK);
    CU_ASSERT_EQUAL(anc_h5_may_replace(check_path("absent.h5"), FORMAT, &err), ANC_OK);
    CU_ASSERT_EQUAL(anc_h5_may_replace(check_file("empty.h5", "", 0), FORMAT, &err), ANC_OK);
    CU_ASSERT_EQUAL(anc_h5_may_replace(path, "other", &err), ANC_EARGUMENT);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "mine.h5: holds '" FORMAT "', so it is not replaced"));
    CU_ASSERT_EQUAL(anc_h5_may_replace(check_file("notes.txt", "notes", 5), FORMAT, &err), ANC_EARGUMENT);
    CU_ASSERT_EQUAL(anc_h5_may_replace(check_dir(), FORMAT, &err), ANC_EARGUMENT);
    size_t n;
    char *bytes = check_slurp(path, &n);
    memcpy(bytes + n - sizeof seal + 1, seal, sizeof seal - 1);
    CU_ASSERT_EQUAL(anc_h5_may_replace(check_file("damaged.h5", bytes, n), FORMAT, &err), ANC_OK);
    free(bytes);
    hid_t id = H5Fcreate(check_path("theirs.h5"), H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    H5Fclose(id);
    CU_ASSERT_EQUAL(anc_h5_may_replace(check_path("theirs.h5"), FORMAT, &err), ANC_EARGUMENT);
    CU_ASSERT_PTR_NOT_NULL(
        strstr(err.text, "theirs.h5: is another program's HDF5 file, so it is not replaced"));
}

/* What stands under the final name stays, whether it cannot be replaced or the part is gone, as when another
 * run has taken the folder over and swept it. */
static void a_sealed_file_that_cannot_get_its_name_leaves_nothing(void)
{
    anc_err err = { 0 };
    anc_h5_file f;
    const char *path = check_path("taken.h5"), *part = check_path("taken.h5.part");
    CU_ASSERT_EQUAL_FATAL(anc_h5_create_part(path, &f, &err), ANC_OK);
    CU_ASSERT_EQUAL_FATAL(anc_h5_seal(&f, &err), ANC_OK);
    CU_ASSERT_EQUAL_FATAL(mkdir(path, 0777), 0);
    CU_ASSERT_EQUAL(anc_h5_commit(&f, &err), ANC_ESYSTEM);
    CU_ASSERT_PTR_NOT_NULL(
        strstr(err.text, "taken.h5.part: cannot rename to its final name: Is a directory"));
    CU_ASSERT(!exists(part) && exists(path));
    CU_ASSERT_EQUAL(rmdir(path), 0);

    static const char older[] = "\x89HDF\r\n\x1a\nold";
    check_file("taken.h5", older, sizeof older);
    CU_ASSERT_EQUAL_FATAL(anc_h5_create_part(path, &f, &err), ANC_OK);
    CU_ASSERT_EQUAL_FATAL(anc_h5_seal(&f, &err), ANC_OK);
    CU_ASSERT_EQUAL(unlink(part), 0);
    CU_ASSERT_EQUAL(anc_h5_commit(&f, &err), ANC_ESYSTEM);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "cannot rename to its final name: No such file"));
    size_t n;
    char *old = check_slurp(path, &n);
    CU_ASSERT(n == sizeof older && !memcmp(old, older, n) && !exists(part));
    free(old);
}

/* A source given as the output too; as root a device, which the rename would replace. */
static void only_an_hdf5_file_is_ever_replaced(void)
{
    anc_err err = { 0 };
    anc_h5_file f = { 0 };
    const char *source = check_file("source.json", "{\"images\":[]}", 13);
    CU_ASSERT_EQUAL(anc_h5_create_part(source, &f, &err), ANC_ESYSTEM);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "source.json: already there and not an HDF5 file"));
    CU_ASSERT(!exists(check_path("source.json.part")));
    CU_ASSERT_EQUAL(anc_h5_create_part(check_dir(), &f, &err), ANC_ESYSTEM);
    const char *pipe = check_path("pipe");
    CU_ASSERT_EQUAL_FATAL(mkfifo(pipe, 0600), 0);
    CU_ASSERT_EQUAL(anc_h5_create_part(pipe, &f, &err), ANC_ESYSTEM);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "not an HDF5 file"));
}

/* In a child, because the limit stays. A file that may not grow behaves as a full disk does; much data fail
 * while they are written, a little when the file is closed. */
static void fill_disk(int n, rlim_t capacity)
{
    const char *path = check_path("full.h5");
    fflush(NULL);
    pid_t child = fork();
    if (!child) {
        anc_err err = { 0 };
        anc_h5_file f;
        signal(SIGXFSZ, SIG_IGN);
        setrlimit(RLIMIT_FSIZE, &(struct rlimit){ capacity, capacity });
        int32_t *data = malloc((size_t)n * sizeof *data);
        check_rng rng = { 9 };
        for (int k = 0; data && k < n; k++) data[k] = (int32_t)check_u64(&rng);
        anc_h5_spec spec = { "/data", ANC_H5_I32, 1, { n }, 0, 1, 0, NULL, "noise" };
        anc_status status = anc_h5_create_part(path, &f, &err);
        if (!status) {
            status = anc_h5_write(&f, &spec, data, &err);
            if (status)
                anc_h5_abandon(&f);
            else
                status = anc_h5_commit(&f, &err);
        }
        free(data);
        _exit(status == ANC_ESYSTEM && strstr(err.text, "is the disk full?") ? 0 : 1);
    }
    int status = -1;
    waitpid(child, &status, 0);
    CU_ASSERT_EQUAL(status, 0);
    CU_ASSERT(!exists(path) && !exists(check_path("full.h5.part")));
}

static void a_full_disk_leaves_nothing_and_says_so(void)
{
    fill_disk(1 << 20, 100000);
    fill_disk(1000, 1000);
}

static void a_dataset_that_claims_more_than_it_stores_is_refused(void)
{
    anc_err err = { 0 };
    anc_h5_file f;
    anc_h5_data d;
    const char *path = check_path("huge.h5");
    const hsize_t dims = (hsize_t)1 << 50, chunk = 4096;
    CU_ASSERT_EQUAL_FATAL(anc_h5_create_part(path, &f, &err), ANC_OK);
    CU_ASSERT_EQUAL(anc_h5_stamp(&f, FORMAT, 1, "{}", &err), ANC_OK);
    hid_t space = H5Screate_simple(1, &dims, NULL), plist = H5Pcreate(H5P_DATASET_CREATE);
    H5Pset_chunk(plist, 1, &chunk);
    hid_t id = H5Dcreate2(f.id, "/huge", H5T_STD_I64LE, space, H5P_DEFAULT, plist, H5P_DEFAULT);
    CU_ASSERT(id >= 0);
    H5Dclose(id);
    H5Pclose(plist);
    H5Sclose(space);
    CU_ASSERT_EQUAL_FATAL(anc_h5_commit(&f, &err), ANC_OK);
    CU_ASSERT_EQUAL_FATAL(anc_h5_open(path, FORMAT, 1, &f, &err), ANC_OK);
    CU_ASSERT_EQUAL(anc_h5_data_open(&f, "/huge", ANC_H5_I64, 1, (int64_t[]){ -1 }, &d, &err), ANC_EDATA);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "more than its stored bytes hold"));
    anc_h5_close(&f);
}

CHECK_SUITE("h5", CHECK(everything_written_is_read_back), CHECK(the_same_content_gives_the_same_bytes),
            CHECK(rows_are_read_in_runs), CHECK(what_is_not_as_asked_is_refused),
            CHECK(what_is_no_hdf5_file_is_named), CHECK(damaged_data_are_noticed_in_words),
            CHECK(an_abandoned_file_leaves_nothing), CHECK(a_sealed_file_waits_for_its_name),
            CHECK(two_writers_of_one_file_do_not_meet),
            CHECK(what_may_be_replaced_is_told_from_what_is_somebodys),
            CHECK(a_sealed_file_that_cannot_get_its_name_leaves_nothing),
            CHECK(only_an_hdf5_file_is_ever_replaced), CHECK(a_full_disk_leaves_nothing_and_says_so),
            CHECK(a_dataset_that_claims_more_than_it_stores_is_refused));
