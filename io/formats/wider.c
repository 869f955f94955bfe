/* io/formats/wider.c: see wider.h */
#include "io/formats/wider.h"
#include "io/file/files.h"
#include "io/text/field.h"
#include <inttypes.h>
#include <string.h>

enum { X, Y, W, H, BLUR, EXPRESSION, ILLUMINATION, INVALID, OCCLUSION, POSE, N_FIELDS };

/* What the next line must be. */
typedef enum { PATH, COUNT, FACE, ZEROS_OR_PATH } expectation;

typedef struct {
    anc_number_reader numbers;
    anc_parsed *part;
    expectation next;
    int64_t image, faces, taken; /* row of the picture, faces that it should have and has so far */
    int32_t face;                /* the category's row */
} reader;

static bool is_picture(const char *name)
{
    return anc_ends_with(name, ".jpg") || anc_ends_with(name, ".jpeg") || anc_ends_with(name, ".png");
}

/* A line of the head as text without blanks around; head moves on behind it. False: it is not whole. */
static bool head_line(const char **head, char *line, size_t capacity)
{
    size_t n = strcspn(*head, "\r\n");
    char *field[1];
    if (!(*head)[n] || n >= capacity) return false;
    memcpy(line, *head, n);
    line[n] = '\0';
    *head += n + strspn(*head + n, "\r\n");
    return anc_field_split(line, '\n', field, 1) == 1 && memmove(line, field[0], strlen(field[0]) + 1);
}

static bool fits(const anc_probe *p)
{
    const char *head = p->head;
    char line[ANC_MAX_NAME_BYTES];
    if (p->folder || !head_line(&head, line, sizeof line) || !is_picture(line)) return false;
    if (!head_line(&head, line, sizeof line) || !*line || line[strspn(line, "0123456789")]) return false;
    head += strspn(head, " \t");
    return strchr("-0123456789", *head) != NULL; /* which the end of the head is, too */
}

static anc_status take_path(reader *r, char *line, anc_err *err)
{
    char *path[1];
    if (!anc_field_split(line, '\n', path, 1)) return ANC_OK; /* an empty line between pictures */
    if (!is_picture(path[0]))
        return anc_parsed_fail(
            r->part, err,
            "'%.60s' is no path of a .jpg or .png, which must stand here: do the count and the rows of the "
            "picture before disagree?",
            path[0]);
    r->next = COUNT;
    if (anc_parsed_find(r->part, path[0]) >= 0)
        return anc_parsed_fail(r->part, err, "picture %.200s is there twice: remove one", path[0]);
    return anc_parsed_add_image(r->part, &(anc_parsed_image){ .key = path[0], .name = path[0] }, &r->image,
                                err);
}

static anc_status take_count(reader *r, char *line, anc_err *err)
{
    char *text[1];
    if (anc_field_split(line, ' ', text, 1) != 1 || !anc_field_whole(&r->numbers, text[0], &r->faces) ||
        r->faces < 0)
        return anc_parsed_fail(
            r->part, err, "'%.40s' stands where the number of faces must: is this a list of boxes?", line);
    r->taken = 0;
    r->next = r->faces ? FACE : ZEROS_OR_PATH;
    return ANC_OK;
}

/* The numbers of a face's line; those that are cut off are 0. */
static anc_status numbers_of(reader *r, char *line, double *value, anc_err *err)
{
    char *field[N_FIELDS];
    size_t n = anc_field_split(line, ' ', field, N_FIELDS);
    for (size_t k = 0; k < N_FIELDS; k++) value[k] = 0;
    for (size_t k = 0; k < n && k < N_FIELDS; k++)
        if (!anc_field_real(&r->numbers, field[k], &value[k]))
            return anc_parsed_fail(r->part, err,
                                   "'%.60s' is no number; face %" PRId64 " of %" PRId64
                                   " must stand here: is the count right?",
                                   field[k], r->taken + 1, r->faces);
    if (n < 4 || n > N_FIELDS)
        return anc_parsed_fail(r->part, err,
                               "%zu numbers, not x y w h and up to 6 more; face %" PRId64 " of %" PRId64
                               " must stand here",
                               n, r->taken + 1, r->faces);
    return ANC_OK;
}

static anc_status take_face(reader *r, char *line, anc_err *err)
{
    double v[N_FIELDS];
    if (numbers_of(r, line, v, err)) return err->code;
    if (v[INVALID] != 0 && v[INVALID] != 1)
        return anc_parsed_fail(r->part, err, "the eighth number (invalid) is %g, neither 0 nor 1",
                               v[INVALID]);
    if (++r->taken == r->faces) r->next = PATH;
    anc_parsed_box box = { { v[X], v[Y], v[X] + v[W], v[Y] + v[H] },
                           0,
                           r->face,
                           v[INVALID] != 0,
                           v[OCCLUSION] > 0 ? ANC_FLAG_OCCLUDED : 0 };
    return anc_parsed_add_box(r->part, r->image, &box, err);
}

static anc_status take_zeros_or_path(reader *r, char *line, anc_err *err)
{
    bool zeros = strchr(line, '0') && !line[strspn(line, "0 \t")];
    if (!zeros) return take_path(r, line, err);
    r->next = PATH;
    return ANC_OK;
}

static anc_status take_line(reader *r, char *line, anc_err *err)
{
    switch (r->next) {
    case PATH: return take_path(r, line, err);
    case COUNT: return take_count(r, line, err);
    case FACE: return take_face(r, line, err);
    case ZEROS_OR_PATH: return take_zeros_or_path(r, line, err);
    }
    return ANC_OK;
}

static anc_status read_txt(const anc_reader_options *o, void *state, const anc_file *file, anc_stream *in,
                           anc_parsed *part, anc_err *err)
{
    (void)o, (void)state, (void)file;
    reader r = { .part = part };
    char *line;
    size_t n;
    if (!anc_number_open(&r.numbers)) return anc_fail(err, ANC_EMEMORY, "%s: no memory to read it", in->name);
    anc_status status = anc_parsed_category(part, "face", &r.face, err);
    while (!status && !(status = anc_stream_line(in, &line, &n, err)) && line) {
        part->line = in->line;
        status = take_line(&r, line, err);
    }
    if (!status && r.next == COUNT)
        status = anc_parsed_fail(part, err, "the file ends before the number of faces: was it copied whole?");
    if (!status && r.next == FACE)
        status = anc_parsed_fail(part, err,
                                 "the file ends after %" PRId64 " of %" PRId64 " faces: was it copied whole?",
                                 r.taken, r.faces);
    anc_number_close(&r.numbers);
    return status;
}

const anc_reader anc_wider_reader = {
    .name = "wider",
    .what = "WIDER FACE: a text file of picture paths, each with the number of its faces and their rows",
    .fits = fits,
    .pipe = true,
    .read = read_txt,
};
