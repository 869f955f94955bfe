/* tests/fuzz/damage.c: small HDF5 files with a few bytes changed: every reader refuses or reads them, in
 * bounded time and memory, and where libhdf5 itself crashes the guard (io/hdf5/h5_guard.h) has the last word
 *
 *     damage RUNS SECONDS SEED FOLDER FILE...
 *
 * Not by libFuzzer: libhdf5's own faults would stop it again and again. Each changed file is read by a child
 * process of the same code as the program's, without sanitizers. Ends with a line of counts; what went wrong
 * stays in FOLDER.
 */
#include "io/hdf5/h5.h"
#include "io/hdf5/h5_guard.h"
#include "tests/fuzz/readers.h"
#include <dirent.h>
#include <errno.h>
#include <libgen.h>
#include <signal.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

enum {
    HANG_S = 20,
    MOST_MIB = 512,
    MOST_FILE = 1 << 20,
    READ = 0,
    REFUSED = 1,
    GUARDED = 70,
    STUCK,
    NO_WORDS,
    NO_MEMORY
};

static uint64_t state;
static uint64_t draw(uint64_t n)
{
    uint64_t z = state += 0x9e3779b97f4a7c15u;
    z = (z ^ z >> 30) * 0xbf58476d1ce4e5b9u;
    z = (z ^ z >> 27) * 0x94d049bb133111ebu;
    return (z ^ z >> 31) % n;
}

typedef struct {
    char *bytes;
    size_t n;
} block;

static void die(const char *what)
{
    perror(what);
    exit(2);
}

static block load(const char *path)
{
    FILE *f = fopen(path, "rb");
    block b = { malloc(MOST_FILE + 1), 0 };
    if (!f || !b.bytes) die(path);
    b.n = fread(b.bytes, 1, MOST_FILE + 1, f);
    fclose(f);
    if (b.n > MOST_FILE || !b.n) {
        fprintf(stderr, "%s: empty, or larger than %d bytes\n", path, MOST_FILE);
        exit(2);
    }
    return b;
}

static void store(const char *path, const char *bytes, size_t n)
{
    FILE *f = fopen(path, "wb");
    if (!f || fwrite(bytes, 1, n, f) != n || fclose(f)) die(path);
}

/* ---- changes ---- */

/* Mostly where something is: files have much padding. */
static size_t place(const char *bytes, size_t n)
{
    size_t at = draw(n);
    for (int i = 0; i < 6 && !bytes[at]; i++) at = draw(n);
    return at;
}

static void change(char *bytes, size_t *n)
{
    static const int64_t odd[] = { 0,         1,         -1,         2,         8,         127,
                                   128,       255,       256,        32767,     65535,     65536,
                                   INT32_MAX, INT32_MIN, UINT32_MAX, INT64_MAX, INT64_MIN, 1ll << 40 };
    size_t at = place(bytes, *n), k;
    uint64_t word = 0;
    switch (draw(8)) {
    case 0:
    case 1: bytes[at] ^= (char)(1 << draw(8)); break;
    case 2: bytes[at] = (char)draw(256); break;
    case 3: bytes[at] = (char)(bytes[at] + (draw(2) ? 1 : -1)); break;
    case 4:
        k = (size_t)1 << draw(4);
        word = (uint64_t)(draw(4) ? odd[draw(sizeof odd / sizeof *odd)] : (int64_t)(*n + draw(9) - 4));
        if (at + k <= *n) memcpy(bytes + at, &word, k);
        break;
    case 5: /* an address or a size from elsewhere in the file */
        k = (size_t)1 << draw(4);
        if (at + k <= *n && *n > k) memcpy(bytes + at, bytes + draw(*n - k), k);
        break;
    case 6:
        k = 1 + draw(64);
        if (at + k <= *n) memset(bytes + at, draw(2) ? 0 : 255, k);
        break;
    default:
        if (!draw(4)) *n = 1 + draw(*n);
        break;
    }
}

/* ---- a child that reads ---- */

static void last_words(const char *path, bool stuck)
{
    (void)path;
    _exit(stuck ? STUCK : GUARDED);
}

/* libhdf5 believes a damaged length of a string, up to 4 GiB, and reports that it did not get them; our own
 * code must not ask for so much. */
static void limit_memory(void)
{
    FILE *f = fopen("/proc/self/statm", "r");
    long pages = 0;
    if (!f || fscanf(f, "%ld", &pages) != 1) die("/proc/self/statm");
    fclose(f);
    rlim_t most = (rlim_t)pages * (rlim_t)sysconf(_SC_PAGESIZE) + ((rlim_t)MOST_MIB << 20);
    setrlimit(RLIMIT_AS, &(struct rlimit){ most, most });
}

static int read_once(const char *path, const char *folder)
{
    anc_err err = { 0 };
    struct rlimit core = { 0, 0 };
    setrlimit(RLIMIT_CORE, &core);
    limit_memory();
    alarm(HANG_S);
    anc_h5_guard_set(last_words, 1);
    anc_status status = fuzz_read_any(path, &err);
    if (!status && folder) status = fuzz_read_targets(folder, &err);
    if (!status) return READ;
    if (status == ANC_EMEMORY) return NO_MEMORY;
    for (const char *c = err.text; *c; c++)
        if ((unsigned char)*c < 0x20) return NO_WORDS;
    return err.text[0] && err.code == status ? REFUSED : NO_WORDS;
}

typedef struct {
    int64_t runs, read, refused, guarded, stuck, hangs, faults;
    long most_kib;
} counts;

/* NULL, or what is wrong. */
static const char *judge(int status, long kib, counts *c)
{
    c->runs++;
    if (kib > c->most_kib) c->most_kib = kib;
    if (WIFSIGNALED(status) && WTERMSIG(status) == SIGALRM) return c->hangs++, "hang";
    if (WIFSIGNALED(status)) return c->faults++, strsignal(WTERMSIG(status));
    switch (WEXITSTATUS(status)) {
    case READ: c->read++; return NULL;
    case REFUSED: c->refused++; return NULL;
    case GUARDED: c->guarded++; return NULL;
    case STUCK: c->stuck++; return NULL;
    case NO_MEMORY: return c->faults++, "memory";
    default: return c->faults++, "no words";
    }
}

static void copy_siblings(const char *file, const char *to)
{
    char *copy = strdup(file), path[4096], other[4096];
    DIR *d = opendir(dirname(copy));
    for (struct dirent *e; d && (e = readdir(d));) {
        size_t n = strlen(e->d_name);
        if (n < 3 || strcmp(e->d_name + n - 3, ".h5") ||
            (strncmp(e->d_name, "shard-", 6) && strcmp(e->d_name, "targets.h5")))
            continue;
        snprintf(path, sizeof path, "%s/%s", copy, e->d_name);
        snprintf(other, sizeof other, "%s/%s", to, e->d_name);
        block b = load(path);
        store(other, b.bytes, b.n);
        free(b.bytes);
    }
    if (d) closedir(d);
    free(copy);
}

static void run_file(const char *file, int64_t runs, time_t until, const char *folder, counts *c)
{
    char work[] = "/dev/shm/anchorage-damage-XXXXXX", path[4096], kept[4096], *name = strdup(file);
    const char *base = basename(name);
    if (!mkdtemp(work)) die(work);
    bool targets = !strncmp(base, "shard-", 6) || !strcmp(base, "targets.h5");
    if (targets) copy_siblings(file, work);
    snprintf(path, sizeof path, "%s/%s", work, base);
    block b = load(file);
    char *bytes = malloc(b.n);
    for (int64_t i = 0; i < runs && time(NULL) < until; i++) {
        size_t n = b.n;
        memcpy(bytes, b.bytes, n);
        for (int64_t k = i ? 1 + (int64_t)draw(6) : 0; k > 0; k--) change(bytes, &n);
        store(path, bytes, n);
        fflush(NULL);
        pid_t child = fork();
        if (child < 0) die("fork");
        if (!child) {
            if (!freopen("/dev/null", "w", stderr)) _exit(2); /* glibc's words on a damaged heap */
            _exit(read_once(path, targets ? work : NULL));
        }
        int status;
        struct rusage use;
        while (wait4(child, &status, 0, &use) < 0)
            if (errno != EINTR) die("wait4");
        const char *wrong = judge(status, use.ru_maxrss, c);
        if (!i && (wrong || WEXITSTATUS(status) != READ)) wrong = "the file itself is not read";
        if (wrong) {
            snprintf(kept, sizeof kept, "%s/damage-%s-%lld-%s", folder, strtok(strdup(wrong), " "),
                     (long long)i, base);
            store(kept, bytes, n);
            printf("%s: %s: %s\n", file, wrong, kept);
        }
        if (!i && wrong) exit(1);
    }
    free(bytes);
    free(b.bytes);
    free(name);
    char command[4200];
    snprintf(command, sizeof command, "rm -rf '%s'", work);
    if (system(command)) perror(work);
}

int main(int argc, char **argv)
{
    if (argc < 6) {
        fprintf(stderr, "usage: damage RUNS SECONDS SEED FOLDER FILE...\n");
        return 2;
    }
    int64_t runs = atoll(argv[1]), seconds = atoll(argv[2]);
    counts all = { 0 };
    state = (uint64_t)atoll(argv[3]);
    H5open();
    H5Eset_auto2(H5E_DEFAULT, NULL, NULL);
    for (int i = 5; i < argc; i++) {
        counts c = { 0 };
        run_file(argv[i], runs / (argc - 5), time(NULL) + seconds / (argc - 5) + 1, argv[4], &c);
        if (getenv("DAMAGE_EACH"))
            printf("  %s: %lld runs, %lld crashes, %lld loops, %lld hangs\n", argv[i], (long long)c.runs,
                   (long long)c.guarded, (long long)c.stuck, (long long)c.hangs);
        all = (counts){ all.runs + c.runs,       all.read + c.read,
                        all.refused + c.refused, all.guarded + c.guarded,
                        all.stuck + c.stuck,     all.hangs + c.hangs,
                        all.faults + c.faults,   c.most_kib > all.most_kib ? c.most_kib : all.most_kib };
    }
    printf("damage: %lld runs: %lld read, %lld refused, %lld crashes and %lld endless loops of libhdf5 "
           "guarded; %lld hangs, %lld faults; at most %ld MiB\n",
           (long long)all.runs, (long long)all.read, (long long)all.refused, (long long)all.guarded,
           (long long)all.stuck, (long long)all.hangs, (long long)all.faults, all.most_kib >> 10);
    return all.faults || all.hangs;
}
