/* tests/fuzz/main.c: all targets in one libFuzzer program, which is the one that it is called by; see fuzz.h
 *
 *     coco corpus/ -max_total_time=60      (build-fuzz/coco is a link to build-fuzz/fuzz)
 *     fuzz --targets                       lists them, with their kinds
 */
#include "tests/fuzz/fuzz.h"
#include <fcntl.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int LLVMFuzzerInitialize(int *argc, char ***argv);
int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n);
const char *__lsan_default_suppressions(void);

/* libhdf5 loses some of its own; that readers close what they open is checked by itself. */
const char *__lsan_default_suppressions(void) { return "leak:libhdf5\n"; }

static const struct {
    const char *name, *kind;
    void (*run)(const uint8_t *bytes, size_t n);
} targets[] = {
#define TARGET(name, kind) { #name, #kind, fuzz_##name },
#include "tests/fuzz/targets.def"
#undef TARGET
};
enum { N_TARGETS = sizeof targets / sizeof *targets };

static void (*run)(const uint8_t *bytes, size_t n);

int LLVMFuzzerInitialize(int *argc, char ***argv)
{
    const char *slash = strrchr(**argv, '/'), *name = slash ? slash + 1 : **argv;
    bool list = *argc > 1 && !strcmp((*argv)[1], "--targets");
    for (int i = 0; i < N_TARGETS; i++) {
        if (list) printf("%s %s\n", targets[i].name, targets[i].kind);
        if (!strcmp(targets[i].name, name)) run = targets[i].run;
    }
    if (list) exit(fflush(stdout) != 0);
    if (run) return 0;
    fprintf(stderr, "%s: no target is called '%s'; --targets lists them\n", **argv, name);
    exit(2);
}

int LLVMFuzzerTestOneInput(const uint8_t *bytes, size_t n)
{
    run(bytes, n);
    return 0;
}

/* ---- what targets share ---- */

static void die(const char *what)
{
    perror(what);
    abort();
}

static char dir[64];

static void remove_dir(void)
{
    char command[128];
    snprintf(command, sizeof command, "rm -rf '%s'", dir);
    if (system(command)) perror(dir);
}

const char *fuzz_dir(void)
{
    if (dir[0]) return dir;
    snprintf(dir, sizeof dir, "%s/anchorage-fuzz-XXXXXX", access("/dev/shm", W_OK) ? "/tmp" : "/dev/shm");
    if (!mkdtemp(dir)) die("mkdtemp");
    atexit(remove_dir);
    return dir;
}

const char *fuzz_file(const uint8_t *bytes, size_t n)
{
    static char path[128];
    if (path[0]) unlink(path); /* a new one each time: nothing of the one before stays in any cache */
    snprintf(path, sizeof path, "%s/input", fuzz_dir());
    fuzz_put("input", bytes, n);
    return path;
}

void fuzz_put(const char *name, const void *bytes, size_t n)
{
    char path[512];
    snprintf(path, sizeof path, "%s/%s", fuzz_dir(), name);
    int fd = open(path, O_WRONLY | O_CREAT | O_TRUNC | O_CLOEXEC, 0666);
    if (fd < 0 || write(fd, bytes, n) != (ssize_t)n) die(path);
    close(fd);
}

void fuzz_check(int kept, const char *promise)
{
    if (kept) return;
    fprintf(stderr, "broken promise: %s\n", promise);
    abort();
}

void fuzz_check_error(anc_status status, const anc_err *err, const char *begins)
{
    if (!status) return;
    fuzz_check(err->code == status, "the status is the error's code");
    fuzz_check(err->text[0] && memchr(err->text, 0, sizeof err->text), "an error says something");
    for (const char *c = err->text; *c; c++)
        if ((unsigned char)*c < 0x20 || *c == 0x7f) {
            fprintf(stderr, "%s\n", err->text);
            fuzz_check(0, "an error is one line of plain text");
        }
    if (begins && strncmp(err->text, begins, strlen(begins))) {
        fprintf(stderr, "%s\n", err->text);
        fuzz_check(0, "an error begins with the file's name");
    }
}
