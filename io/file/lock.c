/* io/file/lock.c: see lock.h */
#include "io/file/lock.h"
#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <limits.h>
#include <pthread.h>
#include <pwd.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>
#include <unistd.h>

/* A beat must reach the file system's server and be seen by others; NFS clients may need several seconds. */
enum { BEAT_S = 1, PATIENCE_S = 15, LOOK_MS = 250, TEXT_BYTES = 1024, TRIES = 20 };

struct anc_lock {
    char path[PATH_MAX], tag[64], token[17];
    int beat_at; /* where in the file the count stands */
    pthread_t thread;
    pthread_mutex_t mutex;
    pthread_cond_t wake;
    bool ending;
    atomic_bool lost;
    atomic_llong
        seen_ms; /* when the file was last seen to be its own, by a clock that runs while it does not */
};

/* A lock file that was found in the folder. */
typedef struct {
    char name[256];
    int part, n_parts, generation;
    char text[TEXT_BYTES]; /* as first seen */
    bool dead;
} seen;

typedef struct {
    seen *lock;
    int n, capacity;
} list;

/* ---- what a lock file says ---- */

/* The first line of a file of /proc, or what a link points to. */
static void proc_line(const char *path, bool link, char out[64])
{
    out[0] = '\0';
    if (link) {
        ssize_t n = readlink(path, out, 63);
        out[n > 0 ? n : 0] = '\0';
        return;
    }
    FILE *f = fopen(path, "r");
    if (!f) return;
    if (!fgets(out, 64, f)) out[0] = '\0';
    out[strcspn(out, "\n")] = '\0';
    fclose(f);
}

/* Start time of a process, in ticks since the boot; 0: there is none. */
static unsigned long long started(long pid)
{
    char path[64], text[1024];
    unsigned long long ticks = 0;
    snprintf(path, sizeof path, "/proc/%ld/stat", pid);
    FILE *f = fopen(path, "r");
    if (!f) return 0;
    size_t n = fread(text, 1, sizeof text - 1, f);
    fclose(f);
    text[n] = '\0';
    const char *rest = strrchr(text, ')'); /* the name before it may hold anything */
    char state = 'X';
    if (rest &&
        sscanf(rest + 1, " %c %*d %*d %*d %*d %*d %*u %*u %*u %*u %*u %*u %*u %*d %*d %*d %*d %*d %*d %llu",
               &state, &ticks) != 2)
        ticks = 0;
    return state == 'Z' || state == 'X' ? 0 : ticks;
}

/* Where process ids mean the same as here; empty: cannot be known. */
static void locality(char out[160])
{
    char boot[64], space[64];
    proc_line("/proc/sys/kernel/random/boot_id", false, boot);
    proc_line("/proc/self/ns/pid", true, space);
    snprintf(out, 160, "%s%s%s", boot, *boot && *space ? " " : "", space);
    if (!*boot || !*space) out[0] = '\0';
}

static int describe(char text[TEXT_BYTES], const char *token)
{
    char host[256] = "?", when[64], where[160];
    time_t now = time(NULL);
    struct tm local;
    const struct passwd *user = getpwuid(getuid());
    const char *job = getenv("SLURM_JOB_ID");
    gethostname(host, sizeof host - 1);
    strftime(when, sizeof when, "%Y-%m-%d %H:%M:%S", localtime_r(&now, &local));
    locality(where);
    return snprintf(text, TEXT_BYTES,
                    "process %ld of %s on %s%s%s, since %s\nlocal %llu %ld %s\ntoken %s\nbeat ",
                    (long)getpid(), user ? user->pw_name : "?", host, job ? ", SLURM job " : "",
                    job ? job : "", when, started(getpid()), (long)getpid(), *where ? where : "-", token);
}

static const char *owner_of(const seen *s, char out[300])
{
    snprintf(out, 300, "%.*s", (int)strcspn(s->text, "\n"), s->text);
    return *out ? out : "a run that is just starting";
}

/* 1: its process is alive on this host, 0: dead, -1: cannot be told from here. */
static int alive_here(const char *text)
{
    unsigned long long ticks;
    long pid;
    char where[160];
    int at = 0;
    const char *line = strstr(text, "\nlocal ");
    locality(where);
    if (!line || !*where || sscanf(line, "\nlocal %llu %ld %n", &ticks, &pid, &at) < 2 || !at) return -1;
    size_t n = strlen(where);
    if (strncmp(line + at, where, n) || line[at + (int)n] != '\n') return -1;
    return ticks && started(pid) == ticks;
}

/* ---- listing and judging ---- */

/* *there: false when it has been released meanwhile. A lock that cannot be read for another reason may be
 * alive. */
static anc_status read_text(const char *dir, const char *name, char text[TEXT_BYTES], bool *there,
                            anc_err *err)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/%s", dir, name);
    int fd = open(path, O_RDONLY | O_CLOEXEC); /* opening anew asks an NFS server for the latest content */
    ssize_t n = fd < 0 ? -1 : read(fd, text, TEXT_BYTES - 1);
    int reason = errno;
    text[n > 0 ? n : 0] = '\0';
    if (fd >= 0) close(fd);
    *there = n >= 0;
    if (n >= 0 || reason == ENOENT || reason == ESTALE) return ANC_OK;
    return anc_fail(err, ANC_ESYSTEM, "%s: cannot be read: %s", path, strerror(reason));
}

static const char *stem(const anc_lock_request *r) { return r->name ? r->name : "run"; }

static bool is_lock(const anc_lock_request *r, const char *name, seen *s)
{
    size_t n = strlen(stem(r));
    int end = 0;
    return !strncmp(name, stem(r), n) &&
           sscanf(name + n, ".lock.%d-of-%d.%d%n", &s->part, &s->n_parts, &s->generation, &end) == 3 &&
           !name[n + (size_t)end];
}

/* For one more lock. */
static anc_status reserve_capacity(list *l, const anc_lock_request *r, anc_err *err)
{
    if (l->n < l->capacity) return ANC_OK;
    int capacity = l->capacity ? 2 * l->capacity : 16;
    seen *grown = realloc(l->lock, (size_t)capacity * sizeof *grown);
    if (!grown) return anc_fail(err, ANC_EMEMORY, "%s: no memory for its locks", r->dir);
    l->lock = grown;
    l->capacity = capacity;
    return ANC_OK;
}

static anc_status list_locks(const anc_lock_request *r, list *l, anc_err *err)
{
    DIR *d = opendir(r->dir);
    l->n = 0;
    if (!d) return anc_fail(err, ANC_ESYSTEM, "%s: cannot be listed: %s", r->dir, strerror(errno));
    for (struct dirent *e; !err->code && (e = readdir(d));) {
        bool there = false;
        if (reserve_capacity(l, r, err)) break;
        seen *s = &l->lock[l->n];
        *s = (seen){ 0 };
        if (!is_lock(r, e->d_name, s) || read_text(r->dir, e->d_name, s->text, &there, err) || !there)
            continue;
        snprintf(s->name, sizeof s->name, "%s", e->d_name);
        l->n++;
    }
    closedir(d);
    return err->code;
}

static bool excludes(const anc_lock_request *r, const seen *s)
{
    return s->n_parts != r->n_parts || s->part == r->part;
}

static void nap(void) { nanosleep(&(struct timespec){ 0, LOOK_MS * 1000000L }, NULL); }

static anc_status held(const anc_lock_request *r, const seen *s, anc_err *err)
{
    char owner[300];
    return anc_fail(err, ANC_ESYSTEM, "%s%s%s: in use by %s; wait for it, end it, or choose another --output",
                    r->dir, r->name ? "/" : "", r->name ? r->name : "", owner_of(s, owner));
}

/* Marks the dead among the locks that stand in the way; fails at the first that lives. */
static anc_status judge(const anc_lock_request *r, list *l, anc_err *err)
{
    int open = 0;
    bool told = false, there;
    char now[TEXT_BYTES], owner[300];
    for (int i = 0; i < l->n; i++) {
        int alive = excludes(r, &l->lock[i]) ? alive_here(l->lock[i].text) : 0;
        if (alive == 1) return held(r, &l->lock[i], err);
        l->lock[i].dead = alive == 0;
        open += alive < 0;
    }
    for (int look = 0; open && look < PATIENCE_S * 1000 / LOOK_MS; look++) {
        if (r->stop && r->stop())
            return anc_fail(err, ANC_ESYSTEM, "%s: stopped while waiting for its lock", r->dir);
        nap();
        for (int i = 0; i < l->n; i++) {
            seen *s = &l->lock[i];
            if (s->dead) continue;
            if (!told && r->waiting && look == 8) r->waiting(owner_of(s, owner)), told = true;
            if (read_text(r->dir, s->name, now, &there, err)) return err->code;
            if (!there)
                s->dead = true, open--; /* released */
            else if (strcmp(now, s->text))
                return held(r, s, err);
        }
    }
    for (int i = 0; i < l->n; i++) l->lock[i].dead = true;
    return ANC_OK;
}

/* ---- holding ---- */

static long long now_ms(void)
{
    struct timespec t;
    clock_gettime(CLOCK_BOOTTIME, &t);
    return t.tv_sec * 1000LL + t.tv_nsec / 1000000;
}

/* False when the file is gone or another's; a disk that does not answer well is no reason to stop. */
static bool is_own(int fd, const char *token)
{
    char text[TEXT_BYTES];
    if (fd < 0) return errno != ENOENT && errno != ESTALE;
    ssize_t n = read(fd, text, sizeof text - 1);
    text[n > 0 ? n : 0] = '\0';
    return n <= 0 || strstr(text, token);
}

static bool looks_own(const char *path, const char *token)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    bool own = is_own(fd, token);
    if (fd >= 0) close(fd);
    return own;
}

/* False as is_own. */
static bool beat(const anc_lock *l, unsigned long long count)
{
    char number[24];
    int fd = open(l->path, O_RDWR | O_CLOEXEC);
    bool own = is_own(fd, l->token);
    int length = snprintf(number, sizeof number, "%016llu\n", count);
    if (fd >= 0 && own && pwrite(fd, number, (size_t)length, l->beat_at) == length) fsync(fd);
    if (fd >= 0) close(fd);
    return own;
}

static void *keep_beating(void *context)
{
    anc_lock *l = context;
    unsigned long long count = 0;
    pthread_mutex_lock(&l->mutex);
    while (!l->ending && !l->lost) {
        struct timespec until;
        clock_gettime(CLOCK_REALTIME, &until);
        until.tv_sec += BEAT_S;
        pthread_cond_timedwait(&l->wake, &l->mutex, &until);
        if (l->ending) break;
        pthread_mutex_unlock(&l->mutex);
        bool mine = beat(l, ++count);
        pthread_mutex_lock(&l->mutex);
        if (mine)
            atomic_store(&l->seen_ms, now_ms());
        else
            atomic_store(&l->lost, true);
    }
    pthread_mutex_unlock(&l->mutex);
    return NULL;
}

static anc_status start_beating(anc_lock *l, anc_err *err)
{
    sigset_t all, before;
    sigfillset(&all); /* signals are for the thread that works */
    pthread_mutex_init(&l->mutex, NULL);
    pthread_cond_init(&l->wake, NULL);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int failed = pthread_create(&l->thread, NULL, keep_beating, l);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return failed ? anc_fail(err, ANC_ESYSTEM, "cannot start a thread: %s", strerror(failed)) : ANC_OK;
}

/* Makes and fills the file. 1: made; 0: another was first; -1: an error. */
static int make(const anc_lock_request *r, int generation, anc_lock *l, anc_err *err)
{
    char text[TEXT_BYTES];
    snprintf(l->path, sizeof l->path, "%s/%s.lock.%d-of-%d.%d", r->dir, stem(r), r->part, r->n_parts,
             generation);
    int n = l->beat_at = describe(text, l->token);
    n += snprintf(text + n, sizeof text - (size_t)n, "%016d\n", 0);
    int fd = open(l->path, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0 && errno == EEXIST) return 0;
    if (fd >= 0) errno = ENOSPC; /* what a write of fewer bytes means */
    bool good = fd >= 0 && write(fd, text, (size_t)n) == n && !fsync(fd);
    int reason = errno;
    if (fd >= 0) close(fd);
    if (good) return 1;
    if (fd >= 0) unlink(l->path);
    anc_fail(err, ANC_ESYSTEM, "%s: cannot be written: %s", l->path, strerror(reason));
    return -1;
}

/* A lock that was not judged before this one was made: somebody else is starting. */
static const seen *newcomer(const anc_lock_request *r, const list *before, const list *after,
                            const char *token)
{
    for (int i = 0; i < after->n; i++) {
        const seen *s = &after->lock[i];
        bool known = !excludes(r, s) || strstr(s->text, token);
        for (int k = 0; k < before->n && !known; k++) /* a name may come again, a token does not */
            known = !strcmp(before->lock[k].name, s->name) && !strcmp(before->lock[k].text, s->text);
        if (!known) return s;
    }
    return NULL;
}

/* One attempt. ANC_OK and l->path empty: another was faster, look again. */
static anc_status attempt(const anc_lock_request *r, list *before, list *after, anc_lock *l, anc_err *err)
{
    int generation = 0;
    l->path[0] = '\0';
    if (list_locks(r, before, err) || judge(r, before, err)) return err->code;
    for (int i = 0; i < before->n; i++)
        if (before->lock[i].generation >= generation && before->lock[i].generation < INT_MAX)
            generation = before->lock[i].generation + 1;
    int made = make(r, generation, l, err);
    if (made < 0) return err->code;
    if (!made) {
        l->path[0] = '\0';
        return ANC_OK;
    }
    const seen *other = list_locks(r, after, err) ? NULL : newcomer(r, before, after, l->token);
    if (other) held(r, other, err);
    if (err->code) {
        unlink(l->path);
        return err->code;
    }
    for (int i = 0; i < before->n; i++) {
        char path[PATH_MAX];
        if (!excludes(r, &before->lock[i])) continue;
        snprintf(path, sizeof path, "%s/%s", r->dir, before->lock[i].name);
        unlink(path);
    }
    return ANC_OK;
}

anc_status anc_lock_take(const anc_lock_request *r, anc_lock **out, anc_err *err)
{
    uint64_t random = 0;
    *out = NULL;
    err->code = ANC_OK;
    anc_lock *l = calloc(1, sizeof *l);
    list before = { 0 }, after = { 0 };
    if (!l) anc_fail(err, ANC_EMEMORY, "%s: no memory for its lock", r->dir);
    if (!err->code && getrandom(&random, sizeof random, 0) != sizeof random)
        anc_fail(err, ANC_ESYSTEM, "no random number for the lock of %s: %s", r->dir, strerror(errno));
    if (!err->code) {
        snprintf(l->token, sizeof l->token, "%016llx", (unsigned long long)random);
        snprintf(l->tag, sizeof l->tag, "%d-of-%d-%.8s", r->part, r->n_parts, l->token);
    }
    for (int i = 0; i < TRIES && !err->code && !l->path[0]; i++)
        if (!attempt(r, &before, &after, l, err) && !l->path[0]) nap();
    if (!err->code && !l->path[0]) anc_fail(err, ANC_ESYSTEM, "%s: its lock cannot be taken", r->dir);
    atomic_store(&l->seen_ms, now_ms());
    if (!err->code && start_beating(l, err)) unlink(l->path);
    free(before.lock);
    free(after.lock);
    if (err->code)
        free(l);
    else
        *out = l;
    return err->code;
}

bool anc_lock_lost(anc_lock *l)
{
    enum { STALE_MS = 3000 * BEAT_S };
    if (atomic_load(&l->lost)) return true;
    if (now_ms() - atomic_load(&l->seen_ms) < STALE_MS) return false;
    if (looks_own(l->path, l->token))
        atomic_store(&l->seen_ms, now_ms());
    else
        atomic_store(&l->lost, true);
    return atomic_load(&l->lost);
}

void anc_lock_mark_of(const anc_lock *l, anc_lock_mark *m)
{
    memset(m, 0, sizeof *m);
    snprintf(m->path, sizeof m->path, "%s", l->path);
    snprintf(m->token, sizeof m->token, "%s", l->token);
}

bool anc_lock_mark_holds(const anc_lock_mark *m) { return !*m->path || looks_own(m->path, m->token); }

const char *anc_lock_tag(const anc_lock *l) { return l->tag; }

void anc_lock_release(anc_lock *l)
{
    if (!l) return;
    pthread_mutex_lock(&l->mutex);
    l->ending = true;
    pthread_cond_signal(&l->wake);
    pthread_mutex_unlock(&l->mutex);
    pthread_join(l->thread, NULL);
    if (!l->lost && beat(l, 0)) unlink(l->path); /* only while it is still this one's */
    pthread_cond_destroy(&l->wake);
    pthread_mutex_destroy(&l->mutex);
    free(l);
}
