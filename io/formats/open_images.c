/* io/formats/open_images.c: see open_images.h */
#include "io/formats/open_images.h"
#include "io/file/files.h"
#include "io/text/csv.h"
#include "io/text/field.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* clang-format off */
typedef enum {
    IMAGE_ID, LABEL, X_MIN, X_MAX, Y_MIN, Y_MAX, N_NEEDED,
    GROUP = N_NEEDED, OCCLUDED, TRUNCATED, DEPICTION, INSIDE, N_COLUMNS
} column;
static const char *const heading[N_COLUMNS] = {
    "ImageID", "LabelName", "XMin", "XMax", "YMin", "YMax",
    "IsGroupOf", "IsOccluded", "IsTruncated", "IsDepiction", "IsInside"
};
/* clang-format on */
static const uint8_t flag_of[N_COLUMNS] = { [OCCLUDED] = ANC_FLAG_OCCLUDED,
                                            [TRUNCATED] = ANC_FLAG_TRUNCATED,
                                            [DEPICTION] = ANC_FLAG_DEPICTION,
                                            [INSIDE] = ANC_FLAG_INSIDE };

typedef struct {
    anc_csv csv;
    anc_number_reader numbers;
    int at[N_COLUMNS]; /* field of each column, -1: none */
    anc_parsed *part;
    int64_t image; /* row of the image met last; rows of one image mostly stand together */
    char id[ANC_MAX_NAME_BYTES];
} reader;

static bool fits(const anc_probe *p)
{
    if (p->folder || strchr("{<", *p->head)) return false; /* "" is a match, too */
    size_t n = strcspn(p->head, "\r\n");
    char line[1024];
    if (n >= sizeof line) return false;
    memcpy(line, p->head, n);
    line[n] = '\0';
    return strstr(line, "ImageID") && strchr(line, ',') && strstr(line, "XMin") && strstr(line, "YMax");
}

/* ---- class descriptions: code,name on each line, with a line of headings before them or without ---- */

/* Open Images' own codes are /m/... and /g/...: a first line of another kind is headings when such follow. */
static bool is_heading(const anc_csv *c, const char *first) { return *first != '/' && c->field[0][0] == '/'; }

static anc_status take_class(anc_listing *l, const char *code, const char *name, anc_err *err)
{
    /* The official list has classes without a name. */
    return anc_listing_category(l, l->n_categories + 1, code, *name ? name : code, err);
}

static anc_status read_classes(anc_csv *c, anc_listing *l, anc_err *err)
{
    char first[2][ANC_MAX_NAME_BYTES] = { "", "" };
    anc_status status;
    for (int64_t n = 0; !(status = anc_csv_row(c, err)) && c->n; n++) {
        const char *code = c->field[0], *name = c->n > 1 ? c->field[1] : "";
        if (c->n < 2 || !*code || strlen(code) >= sizeof *first || strlen(name) >= sizeof *first)
            return anc_fail(err, ANC_EDATA,
                            "%s:%" PRId64 ": not a class's code and name, such as /m/011k07,Tortoise",
                            c->stream->name, c->line);
        if (!n) {
            memcpy(first[0], code, strlen(code) + 1);
            memcpy(first[1], name, strlen(name) + 1);
            continue;
        }
        if (n == 1 && !is_heading(c, first[0]) && take_class(l, first[0], first[1], err)) return err->code;
        if (take_class(l, code, name, err)) return err->code;
    }
    if (!status && !l->n_categories && first[0][0]) status = take_class(l, first[0], first[1], err);
    if (!status && !l->n_categories)
        status = anc_fail(err, ANC_EDATA, "%s: no class in it: each line must hold a code and a name",
                          c->stream->name);
    return status;
}

static anc_status list(const anc_reader_options *o, const char *path, anc_listing *l, anc_err *err)
{
    anc_stream in;
    anc_csv c;
    if (anc_listing_add(l, path, path, "", err) || !o->names) return err->code;
    int fd = anc_open_file(o->names, err);
    if (fd < 0) return err->code;
    anc_stream_fd(&in, fd, o->names);
    anc_csv_begin(&c, &in, ',');
    anc_status status = read_classes(&c, l, err);
    anc_csv_end(&c);
    anc_stream_end(&in);
    close(fd);
    return status;
}

/* ---- rows ---- */

static anc_status find_columns(reader *r, anc_err *err)
{
    if (anc_csv_row(&r->csv, err)) return err->code;
    r->part->line = r->csv.line;
    for (int k = 0; k < N_COLUMNS; k++) {
        r->at[k] = anc_csv_column(&r->csv, heading[k]);
        if (r->at[k] < 0 && k < N_NEEDED)
            return anc_parsed_fail(
                r->part, err,
                "no column is headed %s: this is no list of Open Images boxes, or its first line with the "
                "headings is lost",
                heading[k]);
    }
    return ANC_OK;
}

static anc_status find_image(reader *r, const char *id, anc_err *err)
{
    if (r->image >= 0 && !strcmp(id, r->id)) return ANC_OK;
    size_t n = strlen(id);
    if (!n || n + sizeof ".jpg" > sizeof r->id)
        return anc_parsed_fail(r->part, err, "ImageID is %s: give the image's name without .jpg",
                               n ? "too long" : "empty");
    memcpy(r->id, id, n + 1);
    r->image = anc_parsed_find(r->part, id);
    if (r->image >= 0) return ANC_OK;
    char name[ANC_MAX_NAME_BYTES];
    memcpy(name, id, n);
    memcpy(name + n, ".jpg", sizeof ".jpg");
    return anc_parsed_add_image(r->part, &(anc_parsed_image){ .key = r->id, .name = name, .relative = true },
                                &r->image, err);
}

/* A mark of a row: 1 yes, 0 no, -1 unknown, which counts as no. */
static anc_status mark_of(reader *r, column k, bool *out, anc_err *err)
{
    int64_t value = 0;
    const char *text = r->at[k] < 0 ? "0" : r->csv.field[r->at[k]];
    *out = false;
    if (*text && (!anc_field_whole(&r->numbers, text, &value) || value < -1 || value > 1))
        return anc_parsed_fail(r->part, err, "%s is '%.40s', not 1 (yes), 0 (no) or -1 (unknown)", heading[k],
                               text);
    *out = value == 1;
    return ANC_OK;
}

static anc_status take_row(reader *r, anc_err *err)
{
    r->part->line = r->csv.line;
    anc_parsed_box box = { { 0 }, 0, 0, false, 0 };
    static const column corner[4] = { X_MIN, Y_MIN, X_MAX, Y_MAX };
    for (int k = 0; k < N_COLUMNS; k++)
        if (r->at[k] >= (int)r->csv.n)
            return anc_parsed_fail(r->part, err,
                                   "the row has %zu fields and ends before %s: is the line whole?", r->csv.n,
                                   heading[k]);
    for (int k = 0; k < 4; k++)
        if (!anc_field_real(&r->numbers, r->csv.field[r->at[corner[k]]], &box.xyxy[k]))
            return anc_parsed_fail(r->part, err, "%s is '%.40s', not a number", heading[corner[k]],
                                   r->csv.field[r->at[corner[k]]]);
    for (int k = GROUP; k < N_COLUMNS; k++) {
        bool marked;
        if (mark_of(r, (column)k, &marked, err)) return err->code;
        if (k == GROUP)
            box.crowd = marked;
        else if (marked)
            box.flags |= flag_of[k];
    }
    if (find_image(r, r->csv.field[r->at[IMAGE_ID]], err) ||
        anc_parsed_category(r->part, r->csv.field[r->at[LABEL]], &box.category, err))
        return err->code;
    return anc_parsed_add_box(r->part, r->image, &box, err);
}

static anc_status read_csv(const anc_reader_options *o, void *state, const anc_file *file, anc_stream *in,
                           anc_parsed *part, anc_err *err)
{
    (void)o, (void)state, (void)file;
    reader *r = calloc(1, sizeof *r);
    if (!r || !anc_number_open(&r->numbers)) {
        free(r);
        return anc_fail(err, ANC_EMEMORY, "%s: no memory to read it", in->name);
    }
    r->part = part;
    r->image = -1;
    anc_csv_begin(&r->csv, in, ',');
    anc_status status = find_columns(r, err);
    while (!status && !(status = anc_csv_row(&r->csv, err)) && r->csv.n) status = take_row(r, err);
    anc_csv_end(&r->csv);
    anc_number_close(&r->numbers);
    free(r);
    return status;
}

const anc_reader anc_open_images_reader = {
    .name = "openimages",
    .what = "Open Images: a CSV file of boxes with the headings ImageID, LabelName, XMin, XMax, YMin, YMax",
    .fits = fits,
    .list = list,
    .pipe = true,
    .read = read_csv,
};
