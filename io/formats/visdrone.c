/* io/formats/visdrone.c: see visdrone.h */
#include "io/formats/visdrone.h"
#include "io/formats/label_folder.h"
#include "io/text/field.h"
#include <inttypes.h>
#include <string.h>

enum { LEFT, TOP, WIDTH, HEIGHT, SCORE, CATEGORY, TRUNCATION, OCCLUSION, N_FIELDS };
static const char *const field_name[N_FIELDS] = { "left",  "top",      "width",      "height",
                                                  "score", "category", "truncation", "occlusion" };

enum { IGNORED_REGIONS = 0, OTHERS = 11, N_CATEGORIES };
static const char *const category_name[N_CATEGORIES] = {
    "ignored regions", "pedestrian", "people",          "bicycle", "car",   "van",
    "truck",           "tricycle",   "awning-tricycle", "bus",     "motor", "others"
};
static const anc_label_folder folder = { "annotations", "images", ".jpg" };

/* NULL when all is well, otherwise what is not. */
static const char *parse(const anc_number_reader *r, char *line, double *value, size_t *n)
{
    char *field[N_FIELDS];
    *n = anc_field_split(line, ',', field, N_FIELDS);
    if (*n != N_FIELDS) return "count";
    for (size_t k = 0; k < N_FIELDS; k++)
        if (!anc_field_real(r, field[k], &value[k])) return field_name[k];
    return NULL;
}

static bool fits(const anc_probe *p)
{
    char line[1024];
    double value[N_FIELDS];
    anc_number_reader r;
    size_t n;
    if (!anc_label_folder_line(&folder, p, line, sizeof line)) return false;
    bool good = anc_number_open(&r) && !parse(&r, line, value, &n);
    anc_number_close(&r);
    return good;
}

static anc_status list(const anc_reader_options *o, const char *path, anc_listing *l, anc_err *err)
{
    (void)o;
    for (int k = 0; k < N_CATEGORIES; k++) {
        char key[] = { k > 9 ? '1' : (char)('0' + k), k > 9 ? (char)('0' + k - 10) : '\0', '\0' };
        if (anc_listing_category(l, k, key, category_name[k], err)) return err->code;
    }
    return anc_label_folder_list(&folder, path, l, err);
}

static anc_status take_line(const anc_number_reader *r, char *line, int64_t image, anc_parsed *part,
                            anc_err *err)
{
    double v[N_FIELDS];
    size_t n;
    const char *wrong = parse(r, line, v, &n);
    if (wrong && !strcmp(wrong, "count"))
        return anc_parsed_fail(part, err, "%zu fields, not the 8 of a VisDrone annotation", n);
    if (wrong) return anc_parsed_fail(part, err, "%s is no number: correct or remove the line", wrong);
    int64_t category = v[CATEGORY] >= 0 && v[CATEGORY] < N_CATEGORIES ? (int64_t)v[CATEGORY] : -1;
    if (category < 0 || (double)category != v[CATEGORY])
        return anc_parsed_fail(
            part, err, "category %g is none of VisDrone's, 0 to 11: correct or remove the line", v[CATEGORY]);
    if (v[SCORE] != 0 && v[SCORE] != 1)
        return anc_parsed_fail(part, err, "score %g is neither 0 nor 1: are these results, not annotations?",
                               v[SCORE]);
    anc_parsed_box box = { .xyxy = { v[LEFT], v[TOP], v[LEFT] + v[WIDTH], v[TOP] + v[HEIGHT] },
                           .crowd = category == IGNORED_REGIONS || category == OTHERS || v[SCORE] == 0 };
    if (v[TRUNCATION] > 0) box.flags |= ANC_FLAG_TRUNCATED;
    if (v[OCCLUSION] > 0) box.flags |= ANC_FLAG_OCCLUDED;
    if (anc_parsed_category_number(part, category, &box.category, err)) return err->code;
    return anc_parsed_add_box(part, image, &box, err);
}

static anc_status read_txt(const anc_reader_options *o, void *state, const anc_file *file, anc_stream *in,
                           anc_parsed *part, anc_err *err)
{
    (void)o, (void)state;
    return anc_label_folder_read(file, in, take_line, part, err);
}

const anc_reader anc_visdrone_reader = {
    .name = "visdrone",
    .what = "VisDrone: a folder of text files, each line "
            "left,top,width,height,score,category,truncation,occlusion",
    .fits = fits,
    .list = list,
    .read = read_txt,
};
