/* io/formats/kitti.c: see kitti.h */
#include "io/formats/kitti.h"
#include "io/formats/label_folder.h"
#include "io/text/field.h"
#include <string.h>

enum { TYPE, TRUNCATED, OCCLUDED, ALPHA, LEFT, TOP, RIGHT, BOTTOM, N_FIELDS = 15, N_WITH_SCORE };
static const char *const field_name[N_WITH_SCORE] = { "the type", "truncated", "occluded", "alpha",
                                                      "left",     "top",       "right",    "bottom",
                                                      "height",   "width",     "length",   "x",
                                                      "y",        "z",         "rotation", "the score" };
static const anc_label_folder folder = { "label_2", "image_2", ".png" };

/* Takes a line apart and converts what must be numbers. NULL when all is well, otherwise what is not. */
static const char *parse(const anc_number_reader *r, char *line, char **field, double *value, size_t *n)
{
    *n = anc_field_split(line, ' ', field, N_WITH_SCORE);
    if (*n < N_FIELDS || *n > N_WITH_SCORE) return "count";
    for (size_t k = TRUNCATED; k < *n; k++)
        if (!anc_field_real(r, field[k], &value[k])) return field_name[k];
    return NULL;
}

static bool fits(const anc_probe *p)
{
    char line[1024], *field[N_WITH_SCORE];
    double value[N_WITH_SCORE];
    anc_number_reader r;
    size_t n;
    if (!anc_label_folder_line(&folder, p, line, sizeof line) || strchr("+-.0123456789", line[0]))
        return false;
    bool good = anc_number_open(&r) && !parse(&r, line, field, value, &n);
    anc_number_close(&r);
    return good;
}

static anc_status list(const anc_reader_options *o, const char *path, anc_listing *l, anc_err *err)
{
    (void)o;
    return anc_label_folder_list(&folder, path, l, err);
}

static anc_status take_line(const anc_number_reader *r, char *line, int64_t image, anc_parsed *part,
                            anc_err *err)
{
    char *field[N_WITH_SCORE];
    double v[N_WITH_SCORE];
    size_t n;
    const char *wrong = parse(r, line, field, v, &n);
    if (wrong && !strcmp(wrong, "count"))
        return anc_parsed_fail(part, err, "%zu fields, not the 15 of a KITTI label (or 16 with a score)", n);
    if (wrong) return anc_parsed_fail(part, err, "%s is no number: correct or remove the line", wrong);
    anc_parsed_box box = {
        { v[LEFT], v[TOP], v[RIGHT], v[BOTTOM] }, 0, 0, !strcmp(field[TYPE], "DontCare"), 0
    };
    if (v[TRUNCATED] > 0) box.flags |= ANC_FLAG_TRUNCATED;
    if (v[OCCLUDED] == 1 || v[OCCLUDED] == 2) box.flags |= ANC_FLAG_OCCLUDED; /* 3 means unknown */
    if (anc_parsed_category(part, field[TYPE], &box.category, err)) return err->code;
    return anc_parsed_add_box(part, image, &box, err);
}

static anc_status read_txt(const anc_reader_options *o, void *state, const anc_file *file, anc_stream *in,
                           anc_parsed *part, anc_err *err)
{
    (void)o, (void)state;
    return anc_label_folder_read(file, in, take_line, part, err);
}

const anc_reader anc_kitti_reader = {
    .name = "kitti",
    .what = "KITTI: a folder label_2 of text files, each line a type and 14 or 15 numbers",
    .fits = fits,
    .list = list,
    .read = read_txt,
};
