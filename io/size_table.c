/* io/size_table.c: see size_table.h */
#include "io/size_table.h"
#include "io/dataset.h"
#include "io/files.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct {
    char *name; /* without folder and ending for the looser looks */
    const char *full;
    int32_t height, width;
    int64_t line;
} row;

struct anc_size_table {
    row *row; /* ascending by bare name, then line */
    int64_t n, room;
};

/* "a/b.jpg" gives "b". malloc'ed. */
static char *bare(const char *path)
{
    const char *slash = strrchr(path, '/'), *from = slash ? slash + 1 : path, *dot = strrchr(from, '.');
    return strndup(from, dot && dot > from ? (size_t)(dot - from) : strlen(from));
}

static int64_t whole(const char *text)
{
    char *end;
    long v = strtol(text, &end, 10);
    while (*end == ' ') end++;
    return end != text && !*end && v >= 0 ? v : -1;
}

/* Cuts the line in place: path at its start, the two last columns. */
static bool cut(char *line, int64_t *width, int64_t *height)
{
    const char *marks = strpbrk(line, "\t,") ? "\t," : " ";
    char *column[3] = { NULL, NULL, NULL };
    size_t n = strlen(line);
    for (int c = 2; c >= 1; c--) {
        while (n && !strchr(marks, line[n - 1])) n--;
        if (!n) return false;
        column[c] = line + n;
        line[--n] = '\0';
    }
    line[strcspn(line, strcmp(marks, " ") ? marks : "")] = '\0';
    *width = whole(column[1]);
    *height = whole(column[2]);
    return line[0];
}

static anc_status add(anc_size_table *t, const anc_stream *in, const char *path, int64_t width,
                      int64_t height, anc_err *err)
{
    if (width < 1 || height < 1 || width > ANC_MAX_SIDE || height > ANC_MAX_SIDE)
        return anc_fail(err, ANC_EDATA,
                        "%s:%" PRId64 ": width and height, the last two columns, must be 1 to %d", in->name,
                        in->line, ANC_MAX_SIDE);
    if (t->n == t->room) {
        int64_t room = t->room ? 2 * t->room : 256;
        row *grown = realloc(t->row, (size_t)room * sizeof *grown);
        if (!grown) return anc_fail(err, ANC_EMEMORY, "%s: no memory for %" PRId64 " sizes", in->name, room);
        t->row = grown;
        t->room = room;
    }
    row r = { bare(path), strdup(path), (int32_t)height, (int32_t)width, in->line };
    t->row[t->n++] = r;
    return r.name && r.full ? ANC_OK : anc_fail(err, ANC_EMEMORY, "%s: no memory for its names", in->name);
}

static int by_name(const void *a, const void *b)
{
    const row *x = a, *y = b;
    int order = strcmp(x->name, y->name);
    return order ? order : (x->line > y->line) - (x->line < y->line);
}

anc_status anc_size_table_read(anc_stream *in, anc_size_table **out, anc_err *err)
{
    anc_size_table *t = calloc(1, sizeof *t);
    char *line;
    size_t n;
    if (!t) return anc_fail(err, ANC_EMEMORY, "%s: no memory", in->name);
    while (!anc_stream_line(in, &line, &n, err) && line) {
        int64_t width, height;
        while (n && (line[n - 1] == ' ' || line[n - 1] == '\t')) line[--n] = '\0';
        if (!n) continue;
        bool fine = cut(line, &width, &height);
        if (in->line == 1 && (!fine || (width < 0 && height < 0))) continue; /* a heading */
        if (!fine)
            anc_fail(err, ANC_EDATA, "%s:%" PRId64 ": three columns are needed: path, width, height",
                     in->name, in->line);
        else
            add(t, in, line, width, height, err);
        if (err->code) break;
    }
    if (!err->code) {
        if (t->n) qsort(t->row, (size_t)t->n, sizeof *t->row, by_name);
        *out = t;
        return ANC_OK;
    }
    anc_size_table_close(t);
    return err->code;
}

anc_status anc_size_table_open(const char *path, anc_size_table **out, anc_err *err)
{
    anc_stream in;
    int fd = anc_open_file(path, err);
    if (fd < 0) return err->code;
    anc_stream_fd(&in, fd, path);
    anc_size_table_read(&in, out, err);
    anc_stream_end(&in);
    close(fd);
    return err->code;
}

void anc_size_table_close(anc_size_table *t)
{
    if (!t) return;
    for (int64_t i = 0; i < t->n; i++) {
        free(t->row[i].name);
        free((char *)(uintptr_t)t->row[i].full);
    }
    free(t->row);
    free(t);
}

static int64_t first_of(const anc_size_table *t, const char *name)
{
    int64_t low = 0, high = t->n;
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (strcmp(t->row[middle].name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return low;
}

/* How well a row's path is the wanted one: whole, without the ending, by the bare name. */
static int likeness(const char *have, const char *wanted)
{
    size_t n = strlen(wanted);
    if (!strcmp(have, wanted)) return 3;
    return !strncmp(have, wanted, n) && have[n] == '.' && !strchr(have + n, '/') ? 2 : 1;
}

static const row *find_as(const anc_size_table *t, const char *name, const char *wanted)
{
    const row *best = NULL;
    for (int64_t i = first_of(t, name); i < t->n && !strcmp(t->row[i].name, name); i++)
        if (!best || likeness(t->row[i].full, wanted) > likeness(best->full, wanted)) best = &t->row[i];
    return best;
}

/* A key has no ending, and may yet have a dot: as it is first. */
static const row *find(const anc_size_table *t, const char *wanted)
{
    const char *slash = strrchr(wanted, '/'), *whole_name = slash ? slash + 1 : wanted;
    if (!*whole_name) return NULL;
    const row *r = find_as(t, whole_name, wanted);
    char *name = r ? NULL : bare(wanted);
    if (name) r = find_as(t, name, wanted);
    free(name);
    return r;
}

bool anc_size_table_find(const anc_size_table *t, const char *name, const char *key, int32_t *height,
                         int32_t *width)
{
    const row *r = find(t, name);
    if (!r) r = find(t, key);
    if (!r) return false;
    *height = r->height;
    *width = r->width;
    return true;
}
