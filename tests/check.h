/* tests/check.h: CUnit suites that register themselves, and the few helpers that all tests share
 *
 * A test file ends with
 *     CHECK_SUITE("match", CHECK(a_far_box_changes_no_label), CHECK(...));
 * and a test's name is a sentence that is true when the test passes.
 */
#ifndef ANC_TESTS_CHECK_H
#define ANC_TESTS_CHECK_H

#include <CUnit/CUnit.h>
#include <stdarg.h>
#include <stddef.h>

typedef struct {
    const char *name;
    void (*run)(void);
} check_test;

void check_register(const char *suite, const check_test *tests);

#define CHECK(function)     \
    {                       \
#function, function \
    }
#define CHECK_SUITE(name, ...)                                                                             \
    static const check_test check_tests_[] = { __VA_ARGS__, { NULL, NULL } };                              \
    __attribute__((constructor)) static void check_register_(void) { check_register(name, check_tests_); } \
    _Static_assert(sizeof check_tests_ > sizeof(check_test), "a suite has tests")

/* A folder for this suite's files, made once, removed at exit. No slash at its end. */
const char *check_dir(void);

/* printf into a path below check_dir(); the returned string lives until the process ends. */
const char *check_path(const char *format, ...) __attribute__((format(printf, 1, 2)));

/* Writes n bytes as a file and returns its path (check_path rules). */
const char *check_file(const char *name, const void *bytes, size_t n);

/* Runs a shell command; its stdout and stderr come back in *output (malloc'ed; NULL: dropped), and
 * its exit status is returned (128 + signal when it was killed). */
int check_run(char **output, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* Whole file into memory (malloc'ed, NUL-terminated), NULL when it cannot be read. */
char *check_slurp(const char *path, size_t *n);

/* n bytes that end right before a page that cannot be touched: one byte too far dies. The content is
 * aligned to `align` only if n is a multiple of it. Free with check_guarded_free. */
void *check_guarded(size_t n);
void check_guarded_free(void *p, size_t n);

/* Small deterministic generator for tests (splitmix64). */
typedef struct {
    unsigned long long state;
} check_rng;
unsigned long long check_u64(check_rng *r);
double check_uniform(check_rng *r);             /* [0, 1) */
int check_int(check_rng *r, int low, int high); /* [low, high] */

#endif
