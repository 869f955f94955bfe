/* io/formats/crowdhuman.c: see crowdhuman.h
 *
 * yajl calls back for every value of a line; what lies inside a value that is not wanted is passed over by
 * depth.
 */
#include "io/formats/crowdhuman.h"
#include "io/text/json.h"
#include "io/text/number.h"
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <yajl/yajl_parse.h>

enum { MAX_DEPTH = 64 };

/* Where the parser stands, as nesting depth: in the line's object, the list of boxes, a box, a list or object
 * of a box. */
enum { DEPTH_LINE = 1, DEPTH_LIST, DEPTH_BOX, DEPTH_MEMBER };

/* The member whose value comes next. */
typedef enum { OTHER, ID, BOXES, TAG, CORNERS, EXTRA, HEAD, IGNORE, OCCLUDED } member;

typedef struct {
    double xywh[4];
    int n; /* numbers in xywh; -1: the box has no such member */
    bool ignore, occluded;
} gathered;

typedef struct {
    const char *kind; /* "fbox", "vbox" or "hbox" */
    bool heads;
    anc_number_reader numbers;
    anc_parsed *part;
    anc_err *err;
    int32_t category;

    int depth, skip; /* skip: depth of the container that is passed over, 0: none */
    member of[DEPTH_MEMBER + 1];
    bool has_id, has_boxes;
    char id[ANC_MAX_NAME_BYTES];
    gathered *box; /* [n_boxes] of this line */
    size_t n_boxes, capacity;
} reader;

static int stop(reader *r, const char *format, ...) __attribute__((format(printf, 2, 3)));
static int stop(reader *r, const char *format, ...)
{
    char text[400];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    anc_parsed_fail(r->part, r->err, "%s", text);
    return 0;
}

/* "gtboxes[3]" */
static int stop_box(reader *r, const char *what) { return stop(r, "gtboxes[%zu]: %s", r->n_boxes - 1, what); }

static gathered *current(reader *r) { return &r->box[r->n_boxes - 1]; }

/* ---- values ---- */

/* A value of a kind that cannot stand here. Most members do not matter. */
static int misplaced(reader *r, const char *kind)
{
    char text[80];
    switch (r->depth) {
    case 0: return stop(r, "the line holds %s, not an object with ID and gtboxes", kind);
    case DEPTH_LINE:
        if (r->of[DEPTH_LINE] == ID) return stop(r, "ID is %s, not a string", kind);
        return r->of[DEPTH_LINE] == BOXES ? stop(r, "gtboxes is %s, not a list", kind) : 1;
    case DEPTH_LIST: return stop(r, "gtboxes holds %s, not only objects", kind);
    case DEPTH_BOX:
        if (r->of[DEPTH_BOX] == OTHER) return 1;
        snprintf(text, sizeof text, "%s is %s: correct or remove the box",
                 r->of[DEPTH_BOX] == TAG       ? "tag"
                 : r->of[DEPTH_BOX] == CORNERS ? r->kind
                 : r->of[DEPTH_BOX] == EXTRA   ? "extra"
                                               : "head_attr",
                 kind);
        return stop_box(r, text);
    default:
        if (r->of[DEPTH_BOX] != CORNERS && r->of[DEPTH_MEMBER] == OTHER) return 1;
        snprintf(text, sizeof text, "%s where a number must be: correct or remove the box", kind);
        return stop_box(r, text);
    }
}

static int on_number(void *context, const char *text, size_t n)
{
    reader *r = context;
    double value;
    if (r->skip) return 1;
    if (r->depth != DEPTH_MEMBER) return misplaced(r, "a number");
    if (r->of[DEPTH_BOX] != CORNERS && r->of[DEPTH_MEMBER] == OTHER) return 1;
    if (!anc_number_real(&r->numbers, text, n, &value))
        return stop_box(r, "a number that float64 cannot hold");
    gathered *b = current(r);
    if (r->of[DEPTH_BOX] == CORNERS) {
        if (b->n < 4) b->xywh[b->n] = value;
        b->n++;
        return 1;
    }
    if (r->of[DEPTH_MEMBER] == IGNORE)
        b->ignore |= value != 0 && (r->of[DEPTH_BOX] == EXTRA || r->heads);
    else
        b->occluded |= value != 0 && (r->of[DEPTH_BOX] == EXTRA) != r->heads;
    return 1;
}

static int on_string(void *context, const unsigned char *text, size_t n)
{
    reader *r = context;
    if (r->skip) return 1;
    if (r->depth == DEPTH_LINE && r->of[DEPTH_LINE] == ID) {
        if (n > sizeof r->id - sizeof ".jpg" || memchr(text, 0, n))
            return stop(r, "ID holds a NUL character or is longer than %d bytes", ANC_MAX_NAME_BYTES - 5);
        memcpy(r->id, text, n);
        r->id[n] = '\0';
        r->has_id = n > 0;
        return 1;
    }
    if (r->depth == DEPTH_BOX && r->of[DEPTH_BOX] == TAG) {
        current(r)->ignore |= n != 6 || memcmp(text, "person", 6) != 0;
        return 1;
    }
    return misplaced(r, "a string");
}

static int on_boolean(void *context, int value)
{
    (void)value;
    reader *r = context;
    return r->skip ? 1 : misplaced(r, "true or false");
}

static int on_null(void *context)
{
    reader *r = context;
    return r->skip ? 1 : misplaced(r, "null");
}

/* ---- containers ---- */

static int deeper(reader *r)
{
    if (++r->depth <= MAX_DEPTH) return 1;
    return stop(r, "lists and objects nest more than %d deep", MAX_DEPTH);
}

static int pass_over(reader *r, const char *kind)
{
    if (!misplaced(r, kind)) return 0;
    r->skip = r->depth + 1;
    return deeper(r);
}

static int begin_box(reader *r)
{
    if (r->n_boxes == r->capacity) {
        size_t capacity = r->capacity ? 2 * r->capacity : 64;
        gathered *grown = realloc(r->box, capacity * sizeof *grown);
        if (!grown) return anc_fail(r->err, ANC_EMEMORY, "no memory for %zu boxes", capacity), 0;
        r->box = grown;
        r->capacity = capacity;
    }
    r->box[r->n_boxes++] = (gathered){ .n = -1 };
    r->of[DEPTH_BOX] = OTHER;
    return deeper(r);
}

static int on_start_map(void *context)
{
    reader *r = context;
    if (r->skip) return deeper(r);
    if (r->depth == 0) return deeper(r);
    if (r->depth == DEPTH_LIST) return begin_box(r);
    if (r->depth == DEPTH_BOX && (r->of[DEPTH_BOX] == EXTRA || r->of[DEPTH_BOX] == HEAD)) {
        r->of[DEPTH_MEMBER] = OTHER;
        return deeper(r);
    }
    return pass_over(r, "an object");
}

static int on_start_array(void *context)
{
    reader *r = context;
    if (r->skip) return deeper(r);
    if (r->depth == DEPTH_LINE && r->of[DEPTH_LINE] == BOXES) return deeper(r);
    if (r->depth == DEPTH_BOX && r->of[DEPTH_BOX] == CORNERS) {
        if (current(r)->n >= 0) return stop_box(r, "its box is there twice");
        current(r)->n = 0;
        return deeper(r);
    }
    return pass_over(r, "a list");
}

static int on_end(void *context)
{
    reader *r = context;
    if (r->depth-- == r->skip) r->skip = 0;
    return 1;
}

static bool equal(const unsigned char *key, size_t n, const char *name)
{
    return strlen(name) == n && !memcmp(key, name, n);
}

static int on_key(void *context, const unsigned char *key, size_t n)
{
    reader *r = context;
    if (r->skip) return 1;
    member m = OTHER;
    bool twice = false;
    switch (r->depth) {
    case DEPTH_LINE:
        m = equal(key, n, "ID") ? ID : equal(key, n, "gtboxes") ? BOXES : OTHER;
        twice = (m == ID && r->has_id) || (m == BOXES && r->has_boxes);
        r->has_boxes |= m == BOXES;
        break;
    case DEPTH_BOX:
        m = equal(key, n, "tag")         ? TAG
            : equal(key, n, r->kind)     ? CORNERS
            : equal(key, n, "extra")     ? EXTRA
            : equal(key, n, "head_attr") ? HEAD
                                         : OTHER;
        break;
    default: m = equal(key, n, "ignore") ? IGNORE : equal(key, n, "occ") ? OCCLUDED : OTHER; break;
    }
    r->of[r->depth] = m;
    return twice ? stop(r, "member %.*s is there twice", (int)n, (const char *)key) : 1;
}

static const yajl_callbacks callbacks = { .yajl_null = on_null,
                                          .yajl_boolean = on_boolean,
                                          .yajl_number = on_number,
                                          .yajl_string = on_string,
                                          .yajl_start_map = on_start_map,
                                          .yajl_map_key = on_key,
                                          .yajl_end_map = on_end,
                                          .yajl_start_array = on_start_array,
                                          .yajl_end_array = on_end };

/* ---- lines ---- */

/* Puts the line's image and boxes into the part. */
static anc_status finish_line(reader *r)
{
    if (!r->has_id || !r->has_boxes)
        return anc_parsed_fail(r->part, r->err, "no member %s: this is no line of CrowdHuman",
                               r->has_id ? "gtboxes" : "ID, or an empty one");
    char name[ANC_MAX_NAME_BYTES + sizeof ".jpg"];
    int64_t image;
    snprintf(name, sizeof name, "%s.jpg", r->id);
    if (anc_parsed_find(r->part, r->id) >= 0)
        return anc_parsed_fail(r->part, r->err, "ID %.200s is there twice: remove one", r->id);
    if (anc_parsed_add_image(r->part, &(anc_parsed_image){ .key = r->id, .name = name }, &image, r->err))
        return r->err->code;
    for (size_t k = 0; k < r->n_boxes; k++) {
        const gathered *b = &r->box[k];
        const double *v = b->xywh;
        if (b->n != 4)
            return anc_parsed_fail(r->part, r->err,
                                   b->n < 0 ? "gtboxes[%zu] has no %s: remove it or choose another --box"
                                            : "gtboxes[%zu]: %s is not 4 numbers x, y, width, height",
                                   k, r->kind);
        anc_parsed_box box = { { v[0], v[1], v[0] + v[2], v[1] + v[3] },
                               0,
                               r->category,
                               b->ignore,
                               b->occluded ? ANC_FLAG_OCCLUDED : 0 };
        if (anc_parsed_add_box(r->part, image, &box, r->err)) return r->err->code;
    }
    return ANC_OK;
}

static anc_status syntax_error(reader *r, yajl_handle parser, size_t n, bool at_end)
{
    return anc_parsed_fail(r->part, r->err, "column %zu: %s%s", at_end ? n : yajl_get_bytes_consumed(parser),
                           anc_json_said(parser).text,
                           at_end ? ": the line ends too early; was the file copied whole?" : "");
}

static anc_status take_line(reader *r, const char *line, size_t n)
{
    yajl_handle parser = yajl_alloc(&callbacks, NULL, r);
    if (!parser) return anc_fail(r->err, ANC_EMEMORY, "no memory to read JSON");
    r->depth = r->skip = 0;
    r->n_boxes = 0;
    r->has_id = r->has_boxes = false;
    r->of[DEPTH_LINE] = OTHER;
    yajl_status status = yajl_parse(parser, (const unsigned char *)line, n);
    bool at_end = status == yajl_status_ok;
    if (at_end) status = yajl_complete_parse(parser);
    if (status == yajl_status_error) syntax_error(r, parser, n, at_end);
    yajl_free(parser);
    return status == yajl_status_ok ? finish_line(r) : r->err->code;
}

static anc_status read_odgt(const anc_reader_options *o, void *state, const anc_file *file, anc_stream *in,
                            anc_parsed *part, anc_err *err)
{
    (void)state, (void)file;
    static const char *const kind[] = {
        [ANC_BOX_FULL] = "fbox", [ANC_BOX_VISIBLE] = "vbox", [ANC_BOX_HEAD] = "hbox"
    };
    reader *r = calloc(1, sizeof *r);
    if (!r || !anc_number_open(&r->numbers)) {
        free(r);
        return anc_fail(err, ANC_EMEMORY, "%s: no memory to read it", in->name);
    }
    r->part = part;
    r->err = err;
    r->kind = kind[o->box];
    r->heads = o->box == ANC_BOX_HEAD;
    char *line;
    size_t n;
    anc_status status = anc_parsed_category(part, r->heads ? "head" : "person", &r->category, err);
    while (!status && !(status = anc_stream_line(in, &line, &n, err)) && line) {
        part->line = in->line;
        if (line[strspn(line, " \t")]) status = take_line(r, line, n);
    }
    anc_number_close(&r->numbers);
    free(r->box);
    free(r);
    return status;
}

/* The start of the first line: an object whose first member is ID, gtboxes or the like, and no object of
 * COCO. */
static bool fits(const anc_probe *p)
{
    if (p->folder || *p->head != '{') return false;
    size_t n = strcspn(p->head, "\r\n");
    const char *id = strstr(p->head, "\"ID\""), *boxes = strstr(p->head, "\"gtboxes\"");
    return (id && id < p->head + n) || (boxes && boxes < p->head + n);
}

const anc_reader anc_crowdhuman_reader = {
    .name = "crowdhuman",
    .what = "CrowdHuman: an .odgt file, one JSON object with ID and gtboxes a line",
    .fits = fits,
    .pipe = true,
    .read = read_odgt,
};
