/* io/formats/voc.c: see voc.h
 *
 * expat calls back for each element; the path of open elements that matter is kept as one small state,
 * everything below an unknown element is skipped by depth. Objects are gathered and put into the part at the
 * file's end, when the image's size is known, wherever <size> stands.
 */
#include "io/formats/voc.h"
#include "io/text/number.h"
#include <expat.h>
#include <inttypes.h>
#include <math.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

enum { MAX_DEPTH = 32, MAX_TEXT = ANC_MAX_NAME_BYTES + 1, MAX_OBJECTS = 1000000 };

/* Where the parser stands. */
typedef enum { IN_FILE, IN_ANNOTATION, IN_SIZE, IN_OBJECT, IN_BOX } place;

/* Elements with a value. */
typedef enum {
    NOTHING,
    FILENAME,
    WIDTH,
    HEIGHT,
    NAME,
    DIFFICULT,
    TRUNCATED,
    OCCLUDED,
    XMIN,
    YMIN,
    XMAX,
    YMAX
} value_kind;

static const struct {
    place in;
    const char *name;
    value_kind kind;
} values[] = {
    { IN_ANNOTATION, "filename", FILENAME },
    { IN_SIZE, "width", WIDTH },
    { IN_SIZE, "height", HEIGHT },
    { IN_OBJECT, "name", NAME },
    { IN_OBJECT, "difficult", DIFFICULT },
    { IN_OBJECT, "truncated", TRUNCATED },
    { IN_OBJECT, "occluded", OCCLUDED },
    { IN_BOX, "xmin", XMIN },
    { IN_BOX, "ymin", YMIN },
    { IN_BOX, "xmax", XMAX },
    { IN_BOX, "ymax", YMAX },
};

typedef struct {
    double corner[4];
    int32_t category;
    uint8_t flags;
    int64_t line;
} object;

typedef struct {
    XML_Parser parser;
    anc_number_reader numbers;
    const anc_reader_options *o;
    anc_parsed *part;
    anc_err *err;

    place at;
    int depth, skip; /* skip: depth of the element that is skipped; 0: none */
    value_kind value;
    size_t n_text;
    char text[MAX_TEXT];

    char filename[MAX_TEXT], name[MAX_TEXT];
    int64_t width, height;
    unsigned seen; /* bit per value_kind, of the object; bit 0: its bndbox */
    object now, *object;
    int64_t n_objects, capacity;
} reader;

/* Where the parser is; expat 2.9 deprecates the calls that every version has. */
#if XML_MAJOR_VERSION * 100 + XML_MINOR_VERSION >= 209
static int64_t line_of(const reader *r) { return (int64_t)XML_GetCurrentLineNumber64(r->parser); }
static int64_t column_of(const reader *r) { return (int64_t)XML_GetCurrentColumnNumber64(r->parser) + 1; }
#else
static int64_t line_of(const reader *r) { return (int64_t)XML_GetCurrentLineNumber(r->parser); }
static int64_t column_of(const reader *r) { return (int64_t)XML_GetCurrentColumnNumber(r->parser) + 1; }
#endif

static void stop(reader *r, const char *format, ...) __attribute__((format(printf, 2, 3)));
static void stop(reader *r, const char *format, ...)
{
    char text[700];
    va_list args;
    if (r->err->code) return;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    r->part->line = line_of(r);
    anc_parsed_fail(r->part, r->err, "%s", text);
    XML_StopParser(r->parser, XML_FALSE);
}

/* ---- numbers ---- */

/* Puts the number of the element's text, trimmed, into *out. A decimal comma is repaired. */
static bool number(reader *r, double *out)
{
    char *p = r->text + strspn(r->text, " \t\r\n");
    size_t n = strlen(p);
    while (n && strchr(" \t\r\n", p[n - 1])) n--;
    p[n] = '\0';
    char *comma = strchr(p, ',');
    if (comma && !strchr(comma + 1, ',') && !strchr(p, '.')) {
        *comma = '.';
        r->part->line = line_of(r);
        anc_parsed_find_here(r->part, ANC_DIAG_NUMBER);
    }
    if (n && n == strspn(p, "+-0123456789.eE") &&
        anc_number_real(&r->numbers, p + (*p == '+'), n - (*p == '+'), out))
        return true;
    stop(r, "'%.40s' is not a number: correct it", p);
    return false;
}

static void take_size(reader *r, int64_t *out)
{
    double v;
    if (!r->text[strspn(r->text, " \t\r\n")] || !number(r, &v)) return; /* an empty element says nothing */
    if (v != floor(v) || v < 0 || v > 1e9)
        stop(r, "a side of %g pixels; whole numbers are needed: put the picture's true size there", v);
    else
        *out = (int64_t)v;
}

/* 0 and 1; VOC tools also write Unspecified, which says nothing. */
static void take_flag(reader *r, uint8_t bit)
{
    const char *p = r->text + strspn(r->text, " \t\r\n");
    if (*p == '1' || *p == 't' || *p == 'T') r->now.flags |= bit;
}

/* ---- elements ---- */

static void begin_object(reader *r)
{
    r->now = (object){ .line = line_of(r) };
    r->name[0] = '\0';
    r->seen = 0;
}

static bool enters(reader *r, const char *element)
{
    switch (r->at) {
    case IN_FILE:
        if (!strcmp(element, "annotation")) return r->at = IN_ANNOTATION, true;
        stop(r, "the root element is <%.40s>, not <annotation>: this is no PASCAL VOC annotation", element);
        return false;
    case IN_ANNOTATION:
        if (!strcmp(element, "size")) return r->at = IN_SIZE, true;
        if (strcmp(element, "object")) return false;
        begin_object(r);
        return r->at = IN_OBJECT, true;
    case IN_OBJECT:
        if (strcmp(element, "bndbox")) return false;
        if (r->seen & 1) stop(r, "a second <bndbox> in one <object>: give each object one box");
        r->seen |= 1;
        return r->at = IN_BOX, true;
    default: return false;
    }
}

static void XMLCALL on_start(void *context, const XML_Char *element, const XML_Char **attribute)
{
    reader *r = context;
    (void)attribute;
    if (++r->depth > MAX_DEPTH) {
        stop(r, "elements nest more than %d deep", MAX_DEPTH);
        return;
    }
    if (r->skip || enters(r, element) || r->err->code) return;
    r->skip = r->depth;
    r->value = NOTHING;
    for (size_t i = 0; i < sizeof values / sizeof *values; i++)
        if (values[i].in == r->at && !strcmp(values[i].name, element)) r->value = values[i].kind;
    r->n_text = 0;
    r->text[0] = '\0';
}

static void XMLCALL on_text(void *context, const XML_Char *text, int n)
{
    reader *r = context;
    if (r->value == NOTHING || r->depth != r->skip) return;
    if (r->n_text + (size_t)n >= sizeof r->text) {
        stop(r, "a value is longer than %d bytes", ANC_MAX_NAME_BYTES);
        return;
    }
    memcpy(r->text + r->n_text, text, (size_t)n);
    r->n_text += (size_t)n;
    r->text[r->n_text] = '\0';
}

/* Without blanks at both ends. */
static void take_text(const reader *r, char *out)
{
    const char *p = r->text + strspn(r->text, " \t\r\n");
    size_t n = strlen(p);
    while (n && strchr(" \t\r\n", p[n - 1])) n--;
    memcpy(out, p, n);
    out[n] = '\0';
}

static void take_value(reader *r)
{
    value_kind kind = r->value;
    r->value = NOTHING;
    if (kind >= NAME && r->seen >> kind & 1) {
        stop(r, "a value of this <object> stands twice: keep one");
        return;
    }
    if (kind >= NAME) r->seen |= 1u << kind;
    switch (kind) {
    case NOTHING: break;
    case FILENAME: take_text(r, r->filename); break;
    case WIDTH: take_size(r, &r->width); break;
    case HEIGHT: take_size(r, &r->height); break;
    case NAME: take_text(r, r->name); break;
    case DIFFICULT: take_flag(r, ANC_FLAG_DIFFICULT); break;
    case TRUNCATED: take_flag(r, ANC_FLAG_TRUNCATED); break;
    case OCCLUDED: take_flag(r, ANC_FLAG_OCCLUDED); break;
    case XMIN:
    case YMIN:
    case XMAX:
    case YMAX: number(r, &r->now.corner[kind - XMIN]); break;
    }
}

static void finish_object(reader *r)
{
    static const char *const corner[] = { "xmin", "ymin", "xmax", "ymax" };
    if (!r->name[0]) stop(r, "an <object> without <name>: say what it shows");
    if (!(r->seen & 1)) stop(r, "an <object> without <bndbox>: give it a box or remove it");
    for (int k = 0; k < 4; k++)
        if (!(r->seen >> (XMIN + k) & 1)) stop(r, "a <bndbox> without <%s>: complete it", corner[k]);
    if (r->n_objects == MAX_OBJECTS) stop(r, "more than %d objects in an image", MAX_OBJECTS);
    if (r->err->code) return;
    r->part->line = r->now.line;
    if (anc_parsed_category(r->part, r->name, &r->now.category, r->err)) {
        XML_StopParser(r->parser, XML_FALSE);
        return;
    }
    if (r->n_objects == r->capacity) {
        int64_t capacity = r->capacity ? 2 * r->capacity : 16;
        object *grown = realloc(r->object, (size_t)capacity * sizeof *grown);
        if (!grown) {
            anc_fail(r->err, ANC_EMEMORY, "%s: no memory for its objects", r->part->file);
            XML_StopParser(r->parser, XML_FALSE);
            return;
        }
        r->object = grown;
        r->capacity = capacity;
    }
    r->object[r->n_objects++] = r->now;
}

static void XMLCALL on_end(void *context, const XML_Char *element)
{
    reader *r = context;
    (void)element;
    if (r->err->code) return;
    if (r->depth-- == r->skip) {
        take_value(r);
        r->skip = 0;
        return;
    }
    if (r->skip) return;
    switch (r->at) {
    case IN_OBJECT: finish_object(r); /* fall through */
    case IN_SIZE: r->at = IN_ANNOTATION; break;
    case IN_BOX: r->at = IN_OBJECT; break;
    default: break;
    }
}

/* ---- the file ---- */

static anc_status syntax_error(reader *r, anc_err *err)
{
    enum XML_Error code = XML_GetErrorCode(r->parser);
    r->part->line = line_of(r);
    const char *hint = code == XML_ERROR_NO_ELEMENTS || code == XML_ERROR_UNCLOSED_TOKEN
                           ? ": is the file whole?"
                       : code == XML_ERROR_AMPLIFICATION_LIMIT_BREACH ? ": entities that grow without end"
                                                                      : "";
    return anc_parsed_fail(r->part, err, "column %" PRId64 ": %s%s", column_of(r), XML_ErrorString(code),
                           hint);
}

static anc_status parse(reader *r, anc_stream *in, anc_err *err)
{
    const void *bytes;
    size_t n;
    do {
        if (anc_stream_bytes(in, &bytes, &n, err)) return err->code;
        for (size_t at = 0; at < n || !n;) {
            size_t some = n - at < 1 << 20 ? n - at : 1 << 20;
            enum XML_Status status = XML_Parse(r->parser, (const char *)bytes + at, (int)some, !n);
            if (err->code) return err->code;
            if (status != XML_STATUS_OK) return syntax_error(r, err);
            at += some;
            if (!n) break;
        }
    } while (n);
    return ANC_OK;
}

static void corners(const reader *r, const double *c, double *xyxy)
{
    double low = r->o->corners == ANC_CORNERS_ONE ? 1 : 0, high = r->o->corners == ANC_CORNERS_ZERO ? 1 : 0;
    xyxy[0] = c[0] - low;
    xyxy[1] = c[1] - low;
    xyxy[2] = c[2] + high;
    xyxy[3] = c[3] + high;
}

static anc_status put_objects(reader *r, int64_t image, anc_err *err)
{
    anc_parsed *p = r->part;
    for (int64_t k = 0; k < r->n_objects; k++) {
        const object *o = &r->object[k];
        bool difficult = o->flags & ANC_FLAG_DIFFICULT;
        p->line = o->line;
        if (difficult && r->o->difficult == ANC_DIFFICULT_DROP) {
            p->annotations++;
            anc_parsed_find_here(p, ANC_DIAG_DIFFICULT);
            continue;
        }
        anc_parsed_box box = { .category = o->category,
                               .crowd = difficult && r->o->difficult == ANC_DIFFICULT_IGNORE,
                               .flags = o->flags };
        corners(r, o->corner, box.xyxy);
        if (anc_parsed_add_box(p, image, &box, err)) return err->code;
    }
    return ANC_OK;
}

/* "a/b.jpg" and key "b": is it the same picture's name? */
static bool named_like(const char *filename, const char *key)
{
    const char *f = strrchr(filename, '/'), *k = strrchr(key, '/');
    f = f ? f + 1 : filename;
    k = k ? k + 1 : key;
    const char *dot = strrchr(f, '.');
    size_t n = dot ? (size_t)(dot - f) : strlen(f);
    return strlen(k) == n && !strncmp(f, k, n);
}

static anc_status finish_file(reader *r, const anc_file *file, anc_err *err)
{
    anc_parsed *p = r->part;
    int64_t row;
    bool sized = r->width > 0 && r->height > 0;
    p->line = 0;
    if (r->filename[0] && !named_like(r->filename, file->key)) anc_parsed_find_here(p, ANC_DIAG_NAME_DIFFERS);
    if (!sized) anc_parsed_find_here(p, ANC_DIAG_SIZE_HEADER);
    const anc_parsed_image image = { file->key, r->filename, sized ? r->height : 0, sized ? r->width : 0,
                                     false };
    if (anc_parsed_add_image(p, &image, &row, err)) return err->code;
    return put_objects(r, row, err);
}

static anc_status voc_read(const anc_reader_options *o, void *state, const anc_file *file, anc_stream *in,
                           anc_parsed *part, anc_err *err)
{
    reader *r = state;
    if (!XML_ParserReset(r->parser, NULL))
        return anc_fail(err, ANC_EMEMORY, "%s: no memory to parse it", in->name);
    XML_SetUserData(r->parser, r);
    XML_SetElementHandler(r->parser, on_start, on_end);
    XML_SetCharacterDataHandler(r->parser, on_text);
    r->o = o;
    r->part = part;
    r->err = err;
    r->at = IN_FILE;
    r->depth = r->skip = 0;
    r->value = NOTHING;
    r->filename[0] = '\0';
    r->width = r->height = r->n_objects = 0;
    if (parse(r, in, err)) return err->code;
    return finish_file(r, file, err);
}

static void voc_end(void *state)
{
    reader *r = state;
    if (!r) return;
    if (r->parser) XML_ParserFree(r->parser);
    anc_number_close(&r->numbers);
    free(r->object);
    free(r);
}

static anc_status voc_start(const anc_reader_options *o, void **state, anc_err *err)
{
    (void)o;
    reader *r = *state = calloc(1, sizeof *r);
    if (r && anc_number_open(&r->numbers) && (r->parser = XML_ParserCreate(NULL))) return ANC_OK;
    voc_end(r);
    *state = NULL;
    return anc_fail(err, ANC_EMEMORY, "no memory to parse XML");
}

const anc_reader anc_voc_reader = {
    .name = "voc",
    .what = "PASCAL VOC: an XML file, or a folder of them",
    .fits = anc_voc_fits,
    .list = anc_voc_list,
    .start = voc_start,
    .end = voc_end,
    .read = voc_read,
};
