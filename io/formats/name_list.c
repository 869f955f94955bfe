/* io/formats/name_list.c: see name_list.h */
#include "io/formats/name_list.h"
#include "io/file/files.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

typedef struct {
    char *path;       /* without the ending; owned */
    const char *name; /* the part behind the last slash */
    int64_t line;
    bool used;
} row;

struct anc_name_list {
    char *file;
    row *row; /* ascending by name, then line */
    int64_t n, capacity;
};

static const char *bare(const char *path)
{
    const char *slash = strrchr(path, '/');
    return slash ? slash + 1 : path;
}

/* Takes off the ending of a picture's or annotation file's name. */
static void trim_ending(char *name)
{
    static const char *const endings[] = { ".jpg", ".jpeg", ".png", ".webp", ".bmp", ".xml", ".txt" };
    for (size_t i = 0; i < sizeof endings / sizeof *endings; i++)
        if (anc_ends_with(name, endings[i])) {
            name[strlen(name) - strlen(endings[i])] = '\0';
            return;
        }
}

/* Takes off blanks, the number of a class list, and the ending. */
static void trim(char *line, size_t n)
{
    static const char *const numbers[] = { "-1", "0", "1" };
    while (n && (line[n - 1] == ' ' || line[n - 1] == '\t')) line[--n] = '\0';
    char *last = line + n;
    while (last > line && last[-1] != ' ' && last[-1] != '\t') last--;
    for (int i = 0; i < 3 && last > line; i++)
        if (!strcmp(last, numbers[i])) {
            while (last > line && (last[-1] == ' ' || last[-1] == '\t')) last--;
            *last = '\0';
            break;
        }
    trim_ending(line);
}

static anc_status add(anc_name_list *l, const char *path, int64_t line, anc_err *err)
{
    if (l->n == l->capacity) {
        int64_t capacity = l->capacity ? 2 * l->capacity : 256;
        row *grown = realloc(l->row, (size_t)capacity * sizeof *grown);
        if (!grown)
            return anc_fail(err, ANC_EMEMORY, "%s: no memory for %" PRId64 " names", l->file, capacity);
        l->row = grown;
        l->capacity = capacity;
    }
    while (!strncmp(path, "./", 2)) path += 2;
    char *copy = strdup(path);
    if (!copy) return anc_fail(err, ANC_EMEMORY, "%s: no memory for its names", l->file);
    l->row[l->n++] = (row){ copy, bare(copy), line, false };
    return ANC_OK;
}

static int by_name(const void *a, const void *b)
{
    const row *x = a, *y = b;
    int order = strcmp(x->name, y->name);
    return order ? order : (x->line > y->line) - (x->line < y->line);
}

anc_status anc_name_list_read(anc_stream *in, anc_name_list **out, anc_err *err)
{
    anc_name_list *l = calloc(1, sizeof *l);
    char *line;
    size_t n;
    if (!l || !(l->file = strdup(in->name))) {
        free(l);
        return anc_fail(err, ANC_EMEMORY, "%s: no memory", in->name);
    }
    while (!anc_stream_line(in, &line, &n, err) && line) {
        char *from = line + strspn(line, " \t");
        trim(from, strlen(from));
        if (*from && add(l, from, in->line, err)) break;
    }
    if (!err->code && !l->n) anc_fail(err, ANC_EDATA, "%s: no names of images in it", in->name);
    if (err->code) {
        anc_name_list_close(l);
        return err->code;
    }
    qsort(l->row, (size_t)l->n, sizeof *l->row, by_name);
    *out = l;
    return ANC_OK;
}

anc_status anc_name_list_open(const char *path, anc_name_list **out, anc_err *err)
{
    anc_stream in;
    int fd = anc_open_file(path, err);
    if (fd < 0) return err->code;
    anc_stream_fd(&in, fd, path);
    anc_name_list_read(&in, out, err);
    anc_stream_end(&in);
    close(fd);
    return err->code;
}

void anc_name_list_close(anc_name_list *l)
{
    if (!l) return;
    for (int64_t i = 0; i < l->n; i++) free(l->row[i].path);
    free(l->row);
    free(l->file);
    free(l);
}

/* Whether the shorter one is the end of the longer, at a slash. */
static bool same_tail(const char *a, const char *b)
{
    size_t n = strlen(a), k = strlen(b);
    const char *more = n > k ? a : b, *less = n > k ? b : a;
    size_t from = n > k ? n - k : k - n;
    return !strcmp(more + from, less) && (!from || more[from - 1] == '/');
}

bool anc_name_list_has(anc_name_list *l, const char *whole_key)
{
    char key[4097];
    snprintf(key, sizeof key, "%s", whole_key); /* keys are no longer */
    trim_ending(key);
    const char *name = bare(key);
    int64_t low = 0, high = l->n;
    bool found = false;
    while (low < high) {
        int64_t middle = low + (high - low) / 2;
        if (strcmp(l->row[middle].name, name) < 0)
            low = middle + 1;
        else
            high = middle;
    }
    for (; low < l->n && !strcmp(l->row[low].name, name); low++)
        if (same_tail(l->row[low].path, key)) found = l->row[low].used = true;
    return found;
}

anc_status anc_name_list_all_used(const anc_name_list *l, anc_err *err)
{
    const row *first = NULL;
    for (int64_t i = 0; i < l->n; i++)
        if (!l->row[i].used && (!first || l->row[i].line < first->line)) first = &l->row[i];
    if (!first) return ANC_OK;
    return anc_fail(err, ANC_EDATA,
                    "%s:%" PRId64
                    ": there is no image '%.200s': correct the list or complete the annotations",
                    l->file, first->line, first->path);
}
