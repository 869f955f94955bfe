/* io/formats/size_table.c: see size_table.h */
#include "io/formats/size_table.h"
#include "io/dataset/dataset.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    char *name; /* without folder and ending for the looser looks */
    const char *full;
    int32_t height, width;
    int64_t line;
} row;

struct anc_size_table {
    row *row; /* ascending by bare name, then line */
    int64_t n, capacity;
};

/* "a/b.jpg" gives "b". malloc'ed. */
static char *bare(const char *path)
{
    const char *slash = strrchr(path, '/'), *from = slash ? slash + 1 : path, *dot = strrchr(from, '.');
    return strndup(from, dot && dot > from ? (size_t)(dot - from) : strlen(from));
}

anc_size_table *anc_size_table_new(void) { return calloc(1, sizeof(anc_size_table)); }

anc_status anc_size_table_add(anc_size_table *t, const char *path, int64_t width, int64_t height,
                              anc_err *err)
{
    if (width < 1 || height < 1 || width > ANC_MAX_SIDE || height > ANC_MAX_SIDE)
        return anc_fail(err, ANC_EDATA,
                        "'%.200s' is %" PRId64 " pixels wide and %" PRId64
                        " high; each must be 1 to %d: put the picture's "
                        "true size there",
                        path, width, height, ANC_MAX_SIDE);
    if (t->n == t->capacity) {
        int64_t capacity = t->capacity ? 2 * t->capacity : 256;
        row *grown = realloc(t->row, (size_t)capacity * sizeof *grown);
        if (!grown) return anc_fail(err, ANC_EMEMORY, "no memory for %" PRId64 " sizes", capacity);
        t->row = grown;
        t->capacity = capacity;
    }
    row r = { bare(path), strdup(path), (int32_t)height, (int32_t)width, t->n };
    t->row[t->n++] = r;
    return r.name && r.full ? ANC_OK : anc_fail(err, ANC_EMEMORY, "no memory for the names of sizes");
}

static int by_name(const void *a, const void *b)
{
    const row *x = a, *y = b;
    int order = strcmp(x->name, y->name);
    return order ? order : (x->line > y->line) - (x->line < y->line);
}

bool anc_size_table_sort(anc_size_table *t)
{
    if (t->n) qsort(t->row, (size_t)t->n, sizeof *t->row, by_name);
    return t->n > 0;
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
