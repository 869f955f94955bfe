/* io/formats/size_table.c: see size_table.h */
#include "io/formats/size_table.h"
#include "io/dataset/dataset.h"
#include "io/file/files.h"
#include "io/formats/size_json.h"
#include "io/text/csv.h"
#include "io/text/field.h"
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

/* Where a table's columns are. */
typedef struct {
    int path, width, height; /* width -1: without headings, the last two */
} columns;

/* False: the row holds no headings. */
static bool find_columns(const anc_csv *c, columns *at)
{
    static const char *const path[] = { "path", "file",  "file_name", "filename",
                                        "name", "image", "ImageID",   "ID" };
    at->width = anc_csv_column(c, "width");
    at->height = anc_csv_column(c, "height");
    if (at->width < 0 || at->height < 0) {
        at->width = -1; /* one alone is no heading, but the name of a picture */
        return false;
    }
    at->path = -1;
    for (size_t k = 0; at->path < 0 && k < sizeof path / sizeof *path; k++)
        at->path = anc_csv_column(c, path[k]);
    if (at->path < 0) at->path = 0;
    return true;
}

/* A row of one field that is parted by blanks: cuts the last two off, and leaves the path, which may hold
 * blanks. */
static bool cut_blanks(char *text, char *field[3])
{
    size_t n = strlen(text);
    field[0] = text;
    for (int k = 2; k >= 0; k--) {
        while (n && strchr(" \t", text[n - 1])) n--;
        text[n] = '\0';
        if (!n) return false;
        if (!k) break;
        while (n && !strchr(" \t", text[n - 1])) n--;
        field[k] = text + n;
    }
    return true;
}

static anc_status take_row(anc_size_table *t, const anc_number_reader *numbers, anc_csv *c, columns *at,
                           bool first, anc_err *err)
{
    char *field[3] = { NULL, NULL, NULL };
    int64_t width = 0, height = 0;
    if (first && find_columns(c, at)) return ANC_OK;
    size_t n = c->n;
    if (at->width >= 0) {
        const int column[3] = { at->path, at->width, at->height };
        for (int k = 0; k < 3; k++) field[k] = column[k] < (int)n ? c->field[column[k]] : NULL;
    } else if (n >= 3) {
        field[0] = c->field[0];
        field[1] = c->field[n - 2];
        field[2] = c->field[n - 1];
    } else if (n == 1) {
        cut_blanks(c->field[0], field);
    }
    bool fine = field[0] && *field[0] && field[1] && field[2] && anc_field_whole(numbers, field[1], &width) &&
                anc_field_whole(numbers, field[2], &height);
    if (fine)
        return anc_size_table_add(t, field[0], width, height, err)
                   ? anc_within(err, "%s:%" PRId64, c->stream->name, c->line)
                   : ANC_OK;
    if (first) return ANC_OK; /* headings of another kind */
    return anc_fail(err, ANC_EDATA,
                    "%s:%" PRId64 ": no path, width and height: these three columns are needed",
                    c->stream->name, c->line);
}

static anc_status read_rows(anc_size_table *t, anc_stream *in, anc_err *err)
{
    anc_csv *c = malloc(sizeof *c);
    anc_number_reader numbers;
    columns at = { 0, -1, -1 };
    bool first = true;
    if (!c || !anc_number_open(&numbers)) {
        free(c);
        return anc_fail(err, ANC_EMEMORY, "%s: no memory", in->name);
    }
    anc_csv_begin(c, in, 0);
    anc_status status;
    while (!(status = anc_csv_row(c, err)) && c->n) {
        status = take_row(t, &numbers, c, &at, first, err);
        if (status) break;
        first = false;
    }
    anc_csv_end(c);
    anc_number_close(&numbers);
    free(c);
    return status;
}

static int by_name(const void *a, const void *b)
{
    const row *x = a, *y = b;
    int order = strcmp(x->name, y->name);
    return order ? order : (x->line > y->line) - (x->line < y->line);
}

anc_status anc_size_table_read(anc_stream *in, anc_size_table **out, anc_err *err)
{
    char byte;
    anc_size_table *t = anc_size_table_new();
    anc_status status =
        t ? anc_stream_peek(in, &byte, err) : anc_fail(err, ANC_EMEMORY, "%s: no memory", in->name);
    if (!status) status = byte == '{' ? anc_size_json_read(in, t, err) : read_rows(t, in, err);
    if (!status && !t->n)
        status = anc_fail(err, ANC_EDATA,
                          "%s: no sizes in it: path, width and height are needed on each line", in->name);
    if (status) {
        anc_size_table_close(t);
        return status;
    }
    qsort(t->row, (size_t)t->n, sizeof *t->row, by_name);
    *out = t;
    return ANC_OK;
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
