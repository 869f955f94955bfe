/* core/api/api.c: the library itself, its configurations, and anchors by themselves: see include/anchorage.h */
#include "core/api/api.h"
#include "core/config.h"
#include "core/target.h"
#include "core/words.h"
#include <locale.h>
#include <math.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

/* ---- what all parts share ---- */

_Static_assert(sizeof(anc_box) == 4 * sizeof(float), "boxes are handed in and out as float [n][4]");
_Static_assert(sizeof((anchorage_error){ 0 }.text) == sizeof((anc_err){ 0 }.text), "error texts fit");

int anc_api_fail(anchorage_error *error, const anc_err *err)
{
    int code = err->code == ANC_EMEMORY ? ANCHORAGE_EMEMORY
               : err->code == ANC_EDATA ? ANCHORAGE_EDATA
                                        : ANCHORAGE_EARGUMENT;
    if (error) {
        error->code = code;
        memcpy(error->text, err->text, strlen(err->text) + 1);
    }
    return code;
}

int anc_api_refuse(anchorage_error *error, const char *format, ...)
{
    anc_err err;
    char text[sizeof err.text];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    anc_fail(&err, ANC_EARGUMENT, "%s", text);
    return anc_api_fail(error, &err);
}

int anc_api_take(void *to, size_t n, size_t first, const void *from, const char *name, anchorage_error *error)
{
    size_t size;
    if (!from) return anc_api_refuse(error, "%s is NULL", name);
    memcpy(&size, from, sizeof size);
    if (size < first)
        return anc_api_refuse(error, "%s.size is %zu, but at least %zu is needed: set it to sizeof", name,
                              size, first);
    for (size_t i = n; i < size; i++)
        if (((const unsigned char *)from)[i])
            return anc_api_refuse(error, "%s sets a member that this library, %s, does not know", name,
                                  anchorage_version());
    memset(to, 0, n);
    memcpy(to, from, size < n ? size : n);
    return ANCHORAGE_OK;
}

anc_rules anc_api_rules(const anchorage_config *config, anc_stage stage)
{
    anc_rules r = config->rules;
    r.stage = stage;
    return r;
}

anc_status anc_api_check_boxes(const double *xyxy, int32_t n, bool with_area, const char *what, anc_err *err)
{
    for (int32_t i = 0; i < n; i++) {
        const double *b = xyxy + 4 * (size_t)i;
        const char *fault = NULL;
        for (int e = 0; e < 4; e++)
            if (!(fabs(b[e]) <= ANC_API_MAX_COORDINATE)) fault = "is not finite or beyond 1e9 pixels";
        if (!fault && with_area && !(b[0] < b[2] && b[1] < b[3])) fault = "has no positive width and height";
        if (fault)
            return anc_fail(err, ANC_EDATA, "%s %d (%g, %g, %g, %g) %s", what, i, b[0], b[1], b[2], b[3],
                            fault);
    }
    return ANC_OK;
}

/* ---- the library ---- */

const char *anchorage_version(void) { return ANCHORAGE_VERSION_STRING; }
int32_t anchorage_version_number(void) { return ANCHORAGE_VERSION_NUMBER; }

const char *anchorage_simd(size_t i)
{
    for (const anc_kernels *const *k = anc_kernels_all; *k; k++)
        if ((*k)->usable() && !i--) return (*k)->name;
    return NULL;
}

const char *anchorage_preset(size_t i)
{
    size_t n = 0;
    while (n < i && anc_rules_preset_names[n]) n++;
    return anc_rules_preset_names[n];
}

/* ---- configurations ---- */

static char *text_of(const anc_rules *r, void (*print)(const anc_rules *r, FILE *to))
{
    char *text = NULL;
    size_t n;
    FILE *to = open_memstream(&text, &n);
    if (!to) return NULL;
    print(r, to);
    bool whole = !ferror(to);
    if (fclose(to) || !whole) {
        free(text);
        return NULL;
    }
    return text;
}

static anc_status make_config(anchorage_config *c, const char *preset, const char *ini, size_t n,
                              anc_err *err)
{
    anc_config_given given;
    const anc_rules *start = anc_choose_preset(preset ? preset : ANC_DEFAULT_PRESET, err);
    if (!start) return err->code;
    c->rules = *start;
    if (anc_config_text(ini, n, preset, &c->rules, &given, err)) return err->code;
    anc_rules whole = c->rules;
    whole.stage = ANC_STAGE_ROI; /* whose keys stand in the JSON only then */
    c->ini = text_of(&whole, anc_config_print);
    c->json = text_of(&whole, anc_config_json);
    return c->ini && c->json ? ANC_OK : anc_fail(err, ANC_EMEMORY, "out of memory for a configuration");
}

int anchorage_config_new(anchorage_config **config, const char *preset, const char *ini, size_t n_bytes,
                         anchorage_error *error)
{
    anc_err err;
    if (!config) return anc_api_refuse(error, "config is NULL");
    if (!ini && n_bytes) return anc_api_refuse(error, "ini is NULL, but n_bytes is %zu", n_bytes);
    anchorage_config *c = calloc(1, sizeof *c);
    locale_t decimal_point = newlocale(LC_NUMERIC_MASK, "C", (locale_t)0), before = (locale_t)0;
    anc_status status = ANC_OK;
    if (!c || !decimal_point) status = anc_fail(&err, ANC_EMEMORY, "out of memory for a configuration");
    if (!status) {
        before = uselocale(decimal_point); /* of this thread alone */
        status = make_config(c, preset, ini ? ini : "", n_bytes, &err);
        uselocale(before);
    }
    if (decimal_point) freelocale(decimal_point);
    if (status) {
        anchorage_config_free(c);
        return anc_api_fail(error, &err);
    }
    *config = c;
    return ANCHORAGE_OK;
}

void anchorage_config_free(anchorage_config *config)
{
    if (!config) return;
    free(config->ini);
    free(config->json);
    free(config);
}

const char *anchorage_config_ini(const anchorage_config *config) { return config ? config->ini : NULL; }
const char *anchorage_config_json(const anchorage_config *config) { return config ? config->json : NULL; }
int32_t anchorage_config_levels(const anchorage_config *config)
{
    return config ? config->rules.anchors.n_levels : 0;
}

/* ---- layouts ---- */

static bool sides_in(const int32_t *side, int32_t least)
{
    return side[0] >= least && side[0] <= ANC_API_MAX_SIDE && side[1] >= least && side[1] <= ANC_API_MAX_SIDE;
}

int anchorage_layout_new(anchorage_layout **layout, const anchorage_config *config, const int32_t *view,
                         const int32_t *padded, const int32_t *grid, anchorage_error *error)
{
    anc_err err;
    anc_view v;
    if (!layout || !config || !view)
        return anc_api_refuse(error, "%s is NULL", !layout ? "layout" : !config ? "config" : "view");
    if (!sides_in(view, 1))
        return anc_api_refuse(error, "view is %d x %d px: must be 1 to 1000000", view[1], view[0]);
    if (padded && !sides_in(padded, 1))
        return anc_api_refuse(error, "padded is %d x %d px: must be 1 to 1000000", padded[1], padded[0]);
    anchorage_layout *l = calloc(1, sizeof *l);
    if (!l) {
        anc_fail(&err, ANC_EMEMORY, "out of memory for a layout");
        return anc_api_fail(error, &err);
    }
    l->rules = anc_api_rules(config, ANC_STAGE_RPN);
    l->kernels = anc_kernels_find(NULL);
    anc_view_choice choice = { .size = { view[0], view[1] }, .flip = ANC_FLIP_OFF };
    if (padded) memcpy(choice.padded, padded, sizeof choice.padded);
    if (anc_view_place(&v, &l->rules, 0, 0, 0, view[0], view[1], &choice, &err) ||
        anc_grid_place_on(&l->grid, &l->rules, v.h, v.w, v.padded_h, v.padded_w, (const int32_t(*)[2])grid,
                          &err)) {
        free(l);
        return anc_api_fail(error, &err);
    }
    l->h = v.h;
    l->w = v.w;
    *layout = l;
    return ANCHORAGE_OK;
}

void anchorage_layout_free(anchorage_layout *layout) { free(layout); }

int32_t anchorage_layout_anchors(const anchorage_layout *layout)
{
    return layout ? layout->grid.n_anchors : 0;
}

int32_t anchorage_layout_levels(const anchorage_layout *layout, anchorage_level *levels, int32_t capacity)
{
    if (!layout) return 0;
    for (int32_t i = 0; levels && i < layout->grid.n_levels && i < capacity; i++) {
        const anc_level *v = &layout->grid.level[i];
        levels[i] = (anchorage_level){ v->h, v->w, v->stride_y, v->stride_x, v->first, v->n_shapes };
    }
    return layout->grid.n_levels;
}

int anchorage_layout_boxes(const anchorage_layout *layout, int32_t first, int32_t n, float *boxes,
                           anchorage_error *error)
{
    if (!layout || (!boxes && n)) return anc_api_refuse(error, "%s is NULL", layout ? "boxes" : "layout");
    if (first < 0 || n < 0 || n > layout->grid.n_anchors || first > layout->grid.n_anchors - n)
        return anc_api_refuse(error, "anchors [%d, %d + %d) are not among the layout's %d", first, first, n,
                              layout->grid.n_anchors);
    for (int32_t i = 0; i < n; i++) {
        anc_box b = anc_grid_box(&layout->grid, anc_grid_at(&layout->grid, first + i));
        memcpy(boxes + 4 * (size_t)i, &b, sizeof b);
    }
    return ANCHORAGE_OK;
}

/* ---- boxes relative to anchors ---- */

enum { BLOCK = 64 };

/* Whether pairs of an anchor with four numbers can be read and written. */
static int check_pairs(const anchorage_layout *layout, const int32_t *anchors, const void *in, int32_t n,
                       const void *out, anchorage_error *error)
{
    if (!layout) return anc_api_refuse(error, "layout is NULL");
    if (n < 0) return anc_api_refuse(error, "n is %d", n);
    if (n && (!anchors || !in || !out)) return anc_api_refuse(error, "an array is NULL, but n is %d", n);
    for (int32_t i = 0; i < n; i++)
        if (anchors[i] < 0 || anchors[i] >= layout->grid.n_anchors)
            return anc_api_refuse(error, "anchor %d (entry %d) is not among the layout's %d", anchors[i], i,
                                  layout->grid.n_anchors);
    return ANCHORAGE_OK;
}

int anchorage_encode(const anchorage_layout *layout, const int32_t *anchors, const float *boxes, int32_t n,
                     float *targets, anchorage_error *error)
{
    int32_t each[BLOCK];
    anc_box box[BLOCK];
    float target[BLOCK][4];
    int status = check_pairs(layout, anchors, boxes, n, targets, error);
    if (status) return status;
    for (int32_t i = 0; i < BLOCK; i++) each[i] = i;
    for (int32_t i = 0; i < n; i += BLOCK) {
        int32_t m = n - i < BLOCK ? n - i : BLOCK;
        memcpy(box, boxes + 4 * (size_t)i, (size_t)m * sizeof *box);
        anc_encode(layout->kernels, &layout->rules, &layout->grid, anchors + i, each, m, box, target);
        memcpy(targets + 4 * (size_t)i, target, (size_t)m * sizeof *target);
    }
    return ANCHORAGE_OK;
}

/* Decodes n targets [n][4] relative to boxes, by block. */
static void decode_block(const anc_rules *rules, const anc_box *from, const float *targets, int32_t n,
                         float *boxes)
{
    float target[BLOCK][4];
    anc_box box[BLOCK];
    memcpy(target, targets, (size_t)n * sizeof *target);
    anc_decode(rules, from, (const float(*)[4])target, n, box);
    memcpy(boxes, box, (size_t)n * sizeof *box);
}

int anchorage_decode(const anchorage_layout *layout, const int32_t *anchors, const float *targets, int32_t n,
                     float *boxes, anchorage_error *error)
{
    anc_box from[BLOCK];
    int status = check_pairs(layout, anchors, targets, n, boxes, error);
    if (status) return status;
    for (int32_t i = 0; i < n; i += BLOCK) {
        int32_t m = n - i < BLOCK ? n - i : BLOCK;
        for (int32_t k = 0; k < m; k++)
            from[k] = anc_grid_box(&layout->grid, anc_grid_at(&layout->grid, anchors[i + k]));
        decode_block(&layout->rules, from, targets + 4 * (size_t)i, m, boxes + 4 * (size_t)i);
    }
    return ANCHORAGE_OK;
}

static int check_rois(const anchorage_config *config, const void *rois, const void *in, int32_t n,
                      const void *out, anchorage_error *error)
{
    if (!config) return anc_api_refuse(error, "config is NULL");
    if (n < 0) return anc_api_refuse(error, "n is %d", n);
    if (n && (!rois || !in || !out)) return anc_api_refuse(error, "an array is NULL, but n is %d", n);
    return ANCHORAGE_OK;
}

int anchorage_encode_rois(const anchorage_config *config, const float *rois, const float *boxes, int32_t n,
                          float *targets, anchorage_error *error)
{
    anc_box from[BLOCK], to[BLOCK];
    float target[BLOCK][4];
    int status = check_rois(config, rois, boxes, n, targets, error);
    if (status) return status;
    const anc_rules *r = &config->rules;
    for (int32_t i = 0; i < n; i += BLOCK) {
        int32_t m = n - i < BLOCK ? n - i : BLOCK;
        memcpy(from, rois + 4 * (size_t)i, (size_t)m * sizeof *from);
        memcpy(to, boxes + 4 * (size_t)i, (size_t)m * sizeof *to);
        anc_encode_boxes(anc_kernels_find(NULL), r->roi.coder, r->roi.weight, r->match.legacy, from, to, m,
                         target);
        memcpy(targets + 4 * (size_t)i, target, (size_t)m * sizeof *target);
    }
    return ANCHORAGE_OK;
}

int anchorage_decode_rois(const anchorage_config *config, const float *rois, const float *targets, int32_t n,
                          float *boxes, anchorage_error *error)
{
    anc_box from[BLOCK];
    int status = check_rois(config, rois, targets, n, boxes, error);
    if (status) return status;
    anc_rules r = config->rules;
    r.coder.rule = r.roi.coder;
    memcpy(r.coder.weight, r.roi.weight, sizeof r.coder.weight);
    for (int32_t i = 0; i < n; i += BLOCK) {
        int32_t m = n - i < BLOCK ? n - i : BLOCK;
        memcpy(from, rois + 4 * (size_t)i, (size_t)m * sizeof *from);
        decode_block(&r, from, targets + 4 * (size_t)i, m, boxes + 4 * (size_t)i);
    }
    return ANCHORAGE_OK;
}
