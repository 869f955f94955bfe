/* tests/main.c: runs the registered suites; arguments name the suites to run, none runs all */
#include "tests/check.h"
#include <CUnit/Basic.h>
#include <errno.h>
#include <ftw.h>
#include <signal.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MAX_SUITES = 128 };
static struct {
    const char *name;
    const check_test *tests;
} suites[MAX_SUITES];
static int n_suites;
static char dir[256], suite_dir[384];
static int running = -1; /* of the suites that are run, which one */
static const char *runs[MAX_SUITES];
static int n_runs;

static void die(const char *what)
{
    perror(what);
    exit(2);
}

void check_register(const char *suite, const check_test *tests)
{
    if (n_suites == MAX_SUITES) {
        fputs("tests: too many suites\n", stderr);
        exit(2);
    }
    suites[n_suites].name = suite;
    suites[n_suites++].tests = tests;
}

static int remove_entry(const char *path, const struct stat *info, int type, struct FTW *at)
{
    (void)info, (void)type, (void)at;
    return remove(path);
}

static pid_t owner;
static void remove_dir(void)
{
    if (getpid() == owner) nftw(dir, remove_entry, 16, FTW_DEPTH | FTW_PHYS);
}

const char *check_dir(void)
{
    if (!dir[0]) {
        const char *base = getenv("TMPDIR");
        snprintf(dir, sizeof dir, "%s/anchorage-test-XXXXXX", base && *base ? base : "/tmp");
        if (!mkdtemp(dir)) die(dir);
        owner = getpid();
        atexit(remove_dir);
    }
    if (running < 0) return dir;
    snprintf(suite_dir, sizeof suite_dir, "%s/%s", dir, runs[running]);
    if (mkdir(suite_dir, 0777) && errno != EEXIST) die(suite_dir);
    return suite_dir;
}

/* CUnit calls it before each suite, in the order in which they were added. */
static int begin_suite(void)
{
    running++;
    return 0;
}

const char *check_path(const char *format, ...)
{
    char name[512];
    va_list args;
    va_start(args, format);
    vsnprintf(name, sizeof name, format, args);
    va_end(args);
    static char *all[65536]; /* kept reachable: the strings live as long as the process */
    static int n_all;
    char *path = NULL;
    if (n_all == 65536 || asprintf(&path, "%s/%s", check_dir(), name) < 0) die("check_path");
    return all[n_all++] = path;
}

const char *check_file(const char *name, const void *bytes, size_t n)
{
    const char *path = check_path("%s", name);
    FILE *f = fopen(path, "wb");
    if (!f || fwrite(bytes, 1, n, f) != n || fclose(f)) die(path);
    return path;
}

int check_run(char **output, const char *format, ...)
{
    char *command = NULL;
    va_list args;
    va_start(args, format);
    if (vasprintf(&command, format, args) < 0) die("check_run");
    va_end(args);
    char *full = NULL;
    if (asprintf(&full, "exec 2>&1; %s", command) < 0) die("check_run");
    fflush(NULL);
    FILE *f = popen(full, "r");
    if (!f) die(command);
    char *text = NULL;
    size_t n = 0;
    FILE *sink = open_memstream(&text, &n);
    for (int c; (c = getc(f)) != EOF;) putc(c, sink);
    fclose(sink);
    int status = pclose(f);
    free(full);
    free(command);
    if (output)
        *output = text;
    else
        free(text);
    return WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status);
}

char *check_slurp(const char *path, size_t *n)
{
    FILE *f = fopen(path, "rb");
    if (!f) return NULL;
    char *text = NULL;
    size_t length = 0;
    FILE *sink = open_memstream(&text, &length);
    char block[65536];
    for (size_t k; (k = fread(block, 1, sizeof block, f)) > 0;) fwrite(block, 1, k, sink);
    fclose(f);
    fclose(sink);
    if (n) *n = length;
    return text;
}

static size_t guarded_span(size_t n)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE);
    return (n + page - 1) / page * page;
}

void *check_guarded(size_t n)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), span = guarded_span(n);
    char *p = mmap(NULL, span + page, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (p == MAP_FAILED || mprotect(p + span, page, PROT_NONE)) die("check_guarded");
    return p + span - n;
}

void check_guarded_free(void *p, size_t n)
{
    size_t page = (size_t)sysconf(_SC_PAGESIZE), span = guarded_span(n);
    munmap((char *)p + n - span, span + page);
}

unsigned long long check_u64(check_rng *r)
{
    unsigned long long z = r->state += 0x9e3779b97f4a7c15ULL;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9ULL;
    z = (z ^ z >> 27) * 0x94d049bb133111ebULL;
    return z ^ z >> 31;
}

double check_uniform(check_rng *r) { return (double)(check_u64(r) >> 11) * 0x1p-53; }

int check_int(check_rng *r, int low, int high)
{
    return low + (int)(check_u64(r) % (unsigned long long)(high - low + 1));
}

static bool wanted(const char *name, int argc, char **argv)
{
    for (int i = 1; i < argc; i++)
        if (!strcmp(argv[i], name)) return true;
    return argc == 1;
}

int main(int argc, char **argv)
{
    for (int i = 1; i < argc; i++) {
        bool known = false;
        for (int s = 0; s < n_suites; s++) known |= !strcmp(argv[i], suites[s].name);
        if (!known) {
            fprintf(stderr, "%s: no suite is called '%s'\n", argv[0], argv[i]);
            return 2;
        }
    }
    if (CU_initialize_registry() != CUE_SUCCESS) return 2;
    for (int s = 0; s < n_suites; s++) {
        if (!wanted(suites[s].name, argc, argv)) continue;
        CU_pSuite suite = CU_add_suite(suites[s].name, begin_suite, NULL);
        runs[n_runs++] = suites[s].name;
        for (const check_test *t = suites[s].tests; t->name; t++)
            if (!suite || !CU_add_test(suite, t->name, t->run)) {
                fprintf(stderr, "%s: cannot register %s: %s\n", argv[0], t->name, CU_get_error_msg());
                return 2;
            }
    }
    CU_basic_set_mode(CU_BRM_VERBOSE);
    CU_basic_run_tests();
    /* CUnit's own return value says nothing of failed assertions. */
    unsigned failed = CU_get_number_of_failures(), ran = CU_get_number_of_tests_run();
    bool broken = failed || CU_get_error() != CUE_SUCCESS || ran == 0;
    CU_cleanup_registry();
    return broken;
}
