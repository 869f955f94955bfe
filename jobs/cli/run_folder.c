/* jobs/cli/run_folder.c: see run_folder.h */
#include "jobs/cli/run_folder.h"
#include "io/file/out.h"
#include "io/file/seal.h"
#include "io/hdf5/h5.h"
#include "io/store/targets.h"
#include <dirent.h>
#include <errno.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>
#include <yajl/yajl_tree.h>

void anc_run_clear(anc_run *r)
{
    free(r->version);
    free(r->config);
    *r = (anc_run){ 0 };
}

/* ---- how two configurations differ ---- */

typedef struct {
    char *text;
    size_t size, used;
    int n;
} report;

static void print_leaf(yajl_val v, FILE *to)
{
    if (!v)
        fputs("nothing", to);
    else if (YAJL_IS_STRING(v))
        fputs(v->u.string, to);
    else if (YAJL_IS_NUMBER(v))
        fputs(v->u.number.r, to);
    else if (YAJL_IS_TRUE(v) || YAJL_IS_FALSE(v))
        fputs(YAJL_IS_TRUE(v) ? "true" : "false", to);
    else if (YAJL_IS_ARRAY(v)) {
        putc('[', to);
        for (size_t i = 0; i < YAJL_GET_ARRAY(v)->len; i++) {
            if (i) putc(' ', to);
            print_leaf(YAJL_GET_ARRAY(v)->values[i], to);
        }
        putc(']', to);
    }
}

static void leaf(yajl_val v, char *text, size_t size)
{
    FILE *to = fmemopen(text, size, "w");
    text[0] = text[size - 1] = '\0';
    if (!to) return;
    print_leaf(v, to);
    fclose(to);
    text[size - 1] = '\0';
}

static void compare(yajl_val a, yajl_val b, const char *name, report *r)
{
    enum { NAMED = 4 };
    if (YAJL_IS_OBJECT(a) && YAJL_IS_OBJECT(b)) {
        for (int side = 0; side < 2; side++) { /* the keys of a, then those that only b has */
            yajl_val from = side ? b : a, other = side ? a : b;
            for (size_t i = 0; i < YAJL_GET_OBJECT(from)->len; i++) {
                const char *key = YAJL_GET_OBJECT(from)->keys[i];
                yajl_val mine = YAJL_GET_OBJECT(from)->values[i];
                yajl_val its = yajl_tree_get(other, (const char *[]){ key, NULL }, yajl_t_any);
                char path[128];
                if (side && its) continue;
                snprintf(path, sizeof path, "%s%s%s", name, *name ? "." : "", key);
                compare(side ? its : mine, side ? mine : its, path, r);
            }
        }
        return;
    }
    char there[120], here[120];
    leaf(a, there, sizeof there);
    leaf(b, here, sizeof here);
    if (!strcmp(there, here)) return;
    if (r->n++ < NAMED && r->used < r->size)
        r->used += (size_t)snprintf(r->text + r->used, r->size - r->used, "%s%s is %s there and %s here",
                                    r->n > 1 ? ", " : "", name, there, here);
}

bool anc_run_differs(const char *there, const char *here, char *text, size_t size)
{
    report r = { text, size, 0, 0 };
    text[0] = '\0';
    if (!strcmp(there, here)) return false;
    yajl_val a = yajl_tree_parse(there, NULL, 0), b = yajl_tree_parse(here, NULL, 0);
    if (a && b) compare(a, b, "", &r);
    yajl_tree_free(a);
    yajl_tree_free(b);
    if (!r.n) snprintf(text, size, "its configuration is another");
    if (r.n > 4 && r.used < size) snprintf(text + r.used, size - r.used, ", and %d more", r.n - 4);
    return true;
}

/* ---- run.json ---- */

/* {"format":"anchorage-run","format_version":1,"anchorage_version":"...","shards":N,"config":{...},"crc32":"..."}
 */
#define CHECKSUM ",\"crc32\":\""

static anc_status damaged(anc_err *err, const char *path)
{
    return anc_fail(err, ANC_EDATA,
                    "%s: damaged; remove this one file and run the same command again, which checks "
                    "the shards by themselves",
                    path);
}

static char *slurp(const char *path, anc_err *err)
{
    FILE *f = fopen(path, "r");
    char *text = NULL;
    size_t capacity = 0;
    if (!f) {
        anc_fail(err, ANC_ESYSTEM, "%s: cannot open: %s", path, strerror(errno));
        return NULL;
    }
    ssize_t n = getdelim(&text, &capacity, '\0', f);
    fclose(f);
    if (n >= 0 && strlen(text) == (size_t)n) return text;
    free(text);
    damaged(err, path);
    return NULL;
}

static anc_status parse(char *text, const char *path, anc_run *r, anc_err *err)
{
    char *end = NULL;
    for (char *at = text; (at = strstr(at, CHECKSUM)); at++) end = at;
    char wanted[32] = "";
    if (end) snprintf(wanted, sizeof wanted, "%08x\"}\n", anc_seal_crc32(0, text, (size_t)(end - text)));
    if (!end || strcmp(end + strlen(CHECKSUM), wanted)) return damaged(err, path);
    *end = '\0';
    const char *config = strstr(text, ",\"config\":"), *version = strstr(text, "\"anchorage_version\":\"");
    const char *shards = strstr(text, "\"shards\":");
    if (!config || !version || !shards || !strstr(text, "\"format_version\":1,"))
        return anc_fail(err, ANC_EDATA, "%s: written by a later version of anchorage", path);
    version += strlen("\"anchorage_version\":\"");
    r->config = strdup(config + strlen(",\"config\":"));
    r->version = strndup(version, strcspn(version, "\""));
    r->n_shards = strtoll(shards + strlen("\"shards\":"), NULL, 10);
    return r->config && r->version ? ANC_OK : anc_fail(err, ANC_EMEMORY, "%s: no memory", path);
}

anc_status anc_run_read(const char *dir, anc_run *r, bool *there, anc_err *err)
{
    char path[PATH_MAX];
    struct stat info;
    *r = (anc_run){ 0 };
    err->code = ANC_OK;
    snprintf(path, sizeof path, "%s/run.json", dir);
    *there = !stat(path, &info);
    if (!*there) return ANC_OK;
    char *text = slurp(path, err);
    if (text && parse(text, path, r, err)) anc_run_clear(r);
    free(text);
    return err->code;
}

/* Several parts of one run may do this at once: each by a name of its own, with the same bytes. */
static anc_status write_manifest(const char *dir, const char *tag, const char *config, int64_t n_shards,
                                 anc_err *err)
{
    char own[PATH_MAX], path[PATH_MAX], *text = NULL;
    anc_out *out;
    snprintf(own, sizeof own, "%s/run.json.%s", dir, tag);
    snprintf(path, sizeof path, "%s/run.json", dir);
    int n = asprintf(&text,
                     "{\"format\":\"anchorage-run\",\"format_version\":1,\"anchorage_version\":\"" ANC_VERSION
                     "\",\"shards\":%lld,\"config\":%s",
                     (long long)n_shards, config);
    if (n < 0) return anc_fail(err, ANC_EMEMORY, "%s: no memory", path);
    char end[32];
    int more = snprintf(end, sizeof end, CHECKSUM "%08x\"}\n", anc_seal_crc32(0, text, (size_t)n));
    if (!anc_out_open(own, &out, err)) {
        anc_out_write(out, text, (size_t)n);
        anc_out_write(out, end, (size_t)more);
        if (!anc_out_commit(out, err) && rename(own, path)) {
            anc_fail(err, ANC_ESYSTEM, "%s: cannot be written: %s", path, strerror(errno));
            unlink(own);
        }
    }
    free(text);
    return err->code;
}

/* ---- the folder ---- */

anc_status anc_run_folder_enter(const anc_run_folder *f, anc_lock **lock, size_t *made, anc_err *err)
{
    const anc_lock_request r = { f->dir, f->part, f->n_parts, f->waiting, f->stop, NULL };
    *made = 0;
    *lock = NULL;
    if (strlen(f->dir) > PATH_MAX - 300)
        return anc_fail(err, ANC_EARGUMENT, "%s: the name is too long", f->dir);
    if (!anc_out_mkdir_new(f->dir, made, err)) {
        if (access(f->dir, W_OK | X_OK))
            anc_fail(err, ANC_ESYSTEM, "%s: cannot be written to: %s", f->dir, strerror(errno));
        else
            anc_lock_take(&r, lock, err);
    }
    if (err->code) anc_run_folder_leave(f, NULL, *made);
    return err->code;
}

void anc_run_folder_leave(const anc_run_folder *f, anc_lock *lock, size_t made)
{
    anc_lock_release(lock);
    anc_out_rmdir(f->dir, made);
}

static bool ends_in(const char *text, const char *end)
{
    size_t n = strlen(text), k = strlen(end);
    return n >= k && !strcmp(text + n - k, end);
}

anc_status anc_run_folder_lost(const char *dir, anc_err *err)
{
    return anc_fail(err, ANC_ESYSTEM,
                    "%s: another run has taken the folder over while this one did not run; this one ends",
                    dir);
}

static anc_status still_held(const anc_run_folder *f, anc_lock *lock, anc_err *err)
{
    return anc_lock_lost(lock) ? anc_run_folder_lost(f->dir, err) : ANC_OK;
}

/* Removes what a dead run was writing: all of it, or a part's own. */
static anc_status sweep(const anc_run_folder *f, anc_lock *lock, anc_err *err)
{
    char mine[32];
    DIR *d = opendir(f->dir);
    if (!d) return anc_fail(err, ANC_ESYSTEM, "%s: cannot be listed: %s", f->dir, strerror(errno));
    snprintf(mine, sizeof mine, ".%d-of-%d-", f->part, f->n_parts);
    for (struct dirent *e; !err->code && (e = readdir(d));) {
        const char *name = e->d_name;
        bool part =
            ends_in(name, ".part") && (!strncmp(name, "shard-", 6) || !strncmp(name, "targets.h5.", 11));
        bool manifest = !strncmp(name, "run.json.", 9);
        if ((!part && !manifest) || (f->n_parts > 1 && !strstr(name, mine))) continue;
        if (still_held(f, lock, err)) break;
        if (unlinkat(dirfd(d), name, 0) && errno != ENOENT)
            anc_fail(err, ANC_ESYSTEM, "%s/%s: cannot be removed: %s", f->dir, name, strerror(errno));
    }
    closedir(d);
    return err->code;
}

static anc_status throw_away(const char *dir, anc_err *err)
{
    char path[PATH_MAX];
    snprintf(path, sizeof path, "%s/run.json", dir);
    if (anc_targets_remove(dir, err)) return err->code;
    if (unlink(path) && errno != ENOENT)
        return anc_fail(err, ANC_ESYSTEM, "%s: cannot be removed: %s", path, strerror(errno));
    return ANC_OK;
}

/* What one shard, or the index, says of its run. False: it cannot be read. */
static bool ask_file(const char *dir, const char *name, anc_run *r)
{
    char path[PATH_MAX];
    anc_h5_file f = { 0 };
    anc_err ignored = { 0 };
    anc_stage stage;
    if ((size_t)snprintf(path, sizeof path, "%s/%s", dir, name) >= sizeof path || access(path, F_OK) ||
        anc_targets_stage_of(path, &stage, &ignored) ||
        anc_h5_open(path, anc_targets_format(stage), ANC_TARGETS_VERSION, &f, &ignored))
        return false;
    bool there = !anc_h5_get_string(&f, "/", "config", &r->config, &ignored) &&
                 !anc_h5_get_string(&f, "/", "anchorage_version", &r->version, &ignored);
    if (!there) anc_run_clear(r);
    anc_h5_close(&f);
    return there;
}

/* A folder without run.json: what its index, or else its first shard, says; nothing where neither can be
 * read. */
static void ask_files(const char *dir, int64_t n_shards, anc_run *r, bool *there)
{
    char name[64];
    *there = ask_file(dir, "targets.h5", r);
    for (int64_t i = 0; i < n_shards && !*there; i++) {
        anc_targets_shard_name(name, i, n_shards);
        *there = ask_file(dir, name, r);
    }
    r->n_shards = n_shards;
}

bool anc_run_folder_began(const char *dir, anc_run *r)
{
    bool there;
    anc_err ignored = { 0 };
    if (anc_run_read(dir, r, &there, &ignored)) return false;
    if (there || ask_file(dir, "targets.h5", r)) return true;
    DIR *d = opendir(dir);
    for (struct dirent *e; d && !there && (e = readdir(d));)
        there = !strncmp(e->d_name, "shard-", 6) && ends_in(e->d_name, ".h5") && ask_file(dir, e->d_name, r);
    if (d) closedir(d);
    return there;
}

/* Whether what lies in the folder is of this run. *told: by its run.json. */
static anc_status compare_run(const anc_run_folder *f, const char *config, int64_t n_shards, bool *told,
                              anc_err *err)
{
    anc_run before = { 0 };
    char text[700];
    if (anc_run_read(f->dir, &before, told, err)) return err->code;
    bool there = *told;
    if (!there) ask_files(f->dir, n_shards, &before, &there);
    if (there && strcmp(before.version, ANC_VERSION))
        anc_fail(err, ANC_EARGUMENT,
                 "%s: was begun by anchorage %s, this is " ANC_VERSION
                 "; go on with that version, choose another --output, or give --restart to throw it away",
                 f->dir, before.version);
    else if (there && anc_run_differs(before.config, config, text, sizeof text))
        anc_fail(err, ANC_EARGUMENT,
                 "%s: holds another run: %s; give the same options, choose another --output, or "
                 "give --restart to throw it away",
                 f->dir, text);
    anc_run_clear(&before);
    return err->code;
}

anc_status anc_run_folder_check(const anc_run_folder *f, const char *config, int64_t n_shards, anc_err *err)
{
    bool told;
    struct stat info;
    err->code = ANC_OK;
    if (stat(f->dir, &info)) return ANC_OK;
    if (!S_ISDIR(info.st_mode))
        return anc_fail(err, ANC_ESYSTEM, "%s: cannot make this folder: %s", f->dir, strerror(ENOTDIR));
    if (access(f->dir, W_OK | X_OK))
        return anc_fail(err, ANC_ESYSTEM, "%s: cannot be written to: %s", f->dir, strerror(errno));
    return f->restart ? ANC_OK : compare_run(f, config, n_shards, &told, err);
}

anc_status anc_run_folder_claim(const anc_run_folder *f, anc_lock *lock, const char *config, int64_t n_shards,
                                anc_err *err)
{
    bool told;
    err->code = ANC_OK;
    if (still_held(f, lock, err) || (f->restart && throw_away(f->dir, err)) ||
        compare_run(f, config, n_shards, &told, err) || sweep(f, lock, err) || told ||
        still_held(f, lock, err))
        return err->code;
    return write_manifest(f->dir, anc_lock_tag(lock), config, n_shards, err);
}
