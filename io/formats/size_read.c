/* io/formats/size_read.c: reads a table of sizes, see size_table.h */
#include "io/file/files.h"
#include "io/formats/size_json.h"
#include "io/formats/size_table.h"
#include "io/text/csv.h"
#include "io/text/field.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

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

anc_status anc_size_table_read(anc_stream *in, anc_size_table **out, anc_err *err)
{
    char byte;
    anc_size_table *t = anc_size_table_new();
    anc_status status =
        t ? anc_stream_peek(in, &byte, err) : anc_fail(err, ANC_EMEMORY, "%s: no memory", in->name);
    if (!status) status = byte == '{' ? anc_size_json_read(in, t, err) : read_rows(t, in, err);
    if (!status && !anc_size_table_sort(t))
        status = anc_fail(err, ANC_EDATA,
                          "%s: no sizes in it: path, width and height are needed on each line", in->name);
    if (status) {
        anc_size_table_close(t);
        return status;
    }
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
