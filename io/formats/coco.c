/* io/formats/coco.c: see coco.h
 *
 * yajl calls back for every value; what lies inside an unwanted value is dropped by the first test of each
 * callback. Numbers arrive as text, so only wanted ones are converted.
 */
#include "io/formats/coco.h"
#include "io/dataset/builder.h"
#include "io/text/json.h"
#include "io/text/number.h"
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdarg.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>
#include <yajl/yajl_parse.h>

#ifndef ANC_BLOCK_BYTES /* fuzzers give a small one, so that tokens span blocks */
#define ANC_BLOCK_BYTES (256 << 10)
#endif

enum {
    BLOCK_BYTES = ANC_BLOCK_BYTES, /* stays in the second-level cache between read() and the parser */
    MAX_DEPTH = 64,
    MAX_TOKEN_BYTES = 16 << 20 /* yajl keeps a token that spans blocks, and scans it anew for each */
};

/* Where the parser stands: inside the file's object, one of its lists, an item of that list, its bbox. */
enum { DEPTH_FILE = 1, DEPTH_LIST, DEPTH_ITEM, DEPTH_BBOX };

typedef enum { NO_LIST = 0, IMAGES = 1, ANNOTATIONS = 2, CATEGORIES = 4 } list_kind;
static const char *const list_name[] = {
    [IMAGES] = "images", [ANNOTATIONS] = "annotations", [CATEGORIES] = "categories"
};

/* Members of items that matter. Those from GROUP on are marks that Open Images and VOC have, of any form.
 * SEGMENTS and CAPTION are only noticed, to tell other COCO files apart. */
/* clang-format off */
typedef enum {
    OTHER, ID, IMAGE_ID, CATEGORY_ID, CROWD, IGNORE, BBOX, WIDTH, HEIGHT, NAME, URL, SEGMENTS, CAPTION,
    GROUP, DIFFICULT, TRUNCATED, OCCLUDED, DEPICTION, INSIDE, N_FIELDS
} field_kind;
/* clang-format on */
static const char *const field_name[N_FIELDS] = { [ID] = "id",
                                                  [IMAGE_ID] = "image_id",
                                                  [CATEGORY_ID] = "category_id",
                                                  [CROWD] = "iscrowd",
                                                  [IGNORE] = "ignore",
                                                  [BBOX] = "bbox",
                                                  [WIDTH] = "width",
                                                  [HEIGHT] = "height",
                                                  [SEGMENTS] = "segments_info",
                                                  [CAPTION] = "caption",
                                                  [URL] = "coco_url",
                                                  [GROUP] = "isgroupof",
                                                  [DIFFICULT] = "difficult",
                                                  [TRUNCATED] = "istruncated",
                                                  [OCCLUDED] = "isoccluded",
                                                  [DEPICTION] = "isdepiction",
                                                  [INSIDE] = "isinside" };

typedef struct {
    int depth;
    int skip; /* depth of the container that is being skipped; 0: none */
    list_kind list;
    field_kind field;        /* the member whose value comes next */
    int64_t item;            /* index of the current item in its list */
    unsigned seen;           /* bit per field_kind: has a value in this item */
    unsigned found;          /* list_kind bits met so far */
    int64_t whole[N_FIELDS]; /* values of the item's whole numbers */
    double bbox[4];
    int n_bbox;
    size_t n_name;
    char name[ANC_MAX_NAME_BYTES];
    char complaint[200]; /* first fault of the item, told at its end, when the ids are known */
    int64_t complaint_line, complaint_column;
    char uncategorised[300]; /* the first annotation without category_id, while no list of categories was met
                              */

    anc_builder *builder;
    anc_number_reader numbers;
    anc_err *err;
    yajl_handle parser;
    const unsigned char *block;
    int64_t lines;        /* newlines before the block */
    int64_t line_bytes;   /* bytes of the current line before the block */
    size_t longest_token; /* most that yajl has asked to keep, bytes */
} reader;

/* ---- where and what ---- */

/* Line and column, from 1, of the nth byte of the block (n from 1). */
static void place_of(const reader *r, size_t n, int64_t *line, int64_t *column)
{
    const unsigned char *p = r->block, *end = r->block + n, *newline;
    *line = r->lines + 1;
    *column = r->line_bytes;
    /* The newline that ends a line belongs to it, hence end - 1. */
    while (p < end && (newline = memchr(p, '\n', (size_t)(end - p))) && newline < end - 1) {
        ++*line;
        *column = 0;
        p = newline + 1;
    }
    *column += end - p;
    if (*column < 1) *column = 1;
}

static int stop(reader *r, const char *format, ...) __attribute__((format(printf, 2, 3)));
static int stop(reader *r, const char *format, ...)
{
    char text[800];
    va_list args;
    va_start(args, format);
    vsnprintf(text, sizeof text, format, args);
    va_end(args);
    int64_t line, column;
    place_of(r, yajl_get_bytes_consumed(r->parser), &line, &column);
    anc_fail(r->err, ANC_EDATA, "line %" PRId64 ", column %" PRId64 ": %s", line, column, text);
    return 0;
}

/* Notes a fault of the current item; the first one counts. Parsing goes on to the item's end. */
static int complain(reader *r, const char *format, ...) __attribute__((format(printf, 2, 3)));
static int complain(reader *r, const char *format, ...)
{
    if (r->complaint[0]) return 1;
    va_list args;
    va_start(args, format);
    vsnprintf(r->complaint, sizeof r->complaint, format, args);
    va_end(args);
    place_of(r, yajl_get_bytes_consumed(r->parser), &r->complaint_line, &r->complaint_column);
    return 1;
}

static bool has(const reader *r, field_kind field) { return r->seen >> field & 1; }

/* "annotation 7 of image 3", as far as the ids are known. */
static const char *item_name(const reader *r, char *text, size_t capacity)
{
    const char *what = r->list == IMAGES ? "image" : r->list == ANNOTATIONS ? "annotation" : "category";
    int n = has(r, ID) ? snprintf(text, capacity, "%s %" PRId64, what, r->whole[ID])
                       : snprintf(text, capacity, "%s[%" PRId64 "]", list_name[r->list], r->item);
    if (r->list == ANNOTATIONS && has(r, IMAGE_ID) && n > 0 && (size_t)n < capacity)
        snprintf(text + n, capacity - (size_t)n, " of image %" PRId64, r->whole[IMAGE_ID]);
    return text;
}

/* ---- items ---- */

static int need(reader *r, field_kind field, const char *remedy)
{
    if (has(r, field)) return 1;
    return complain(r, "no member '%s': %s", field_name[field], remedy);
}

static bool marked(const reader *r, field_kind field) { return has(r, field) && r->whole[field] == 1; }

/* Where there are categories, which may come behind the annotations, each annotation has one. */
static void need_category(reader *r)
{
    static const char remedy[] = "say what the box shows";
    char what[96];
    int64_t line, column;
    if (r->found & CATEGORIES) need(r, CATEGORY_ID, remedy);
    if (r->found & CATEGORIES || r->uncategorised[0]) return;
    place_of(r, yajl_get_bytes_consumed(r->parser), &line, &column);
    snprintf(r->uncategorised, sizeof r->uncategorised,
             "line %" PRId64 ", column %" PRId64 ": %s: no member 'category_id': %s", line, column,
             item_name(r, what, sizeof what), remedy);
}

static void finish_annotation(reader *r)
{
    if (!has(r, BBOX)) {
        if (has(r, CAPTION))
            complain(
                r, "no bounding boxes here, but a caption: is this a captions file? Use the instances file");
        else if (has(r, SEGMENTS))
            complain(r, "no 'bbox', but 'segments_info': this is a panoptic file; use the instances file");
        else
            complain(r,
                     "no bounding boxes (no member 'bbox'): is this a captions file? Use the instances file");
        return;
    }
    if (r->n_bbox != 4) {
        complain(r, "bbox holds %d numbers, not the 4 of [x, y, width, height]: correct or remove it",
                 r->n_bbox);
        return;
    }
    need(r, IMAGE_ID, "say which image the box belongs to");
    if (!has(r, CATEGORY_ID)) need_category(r);
    int64_t category = has(r, CATEGORY_ID) ? r->whole[CATEGORY_ID] : 0;
    if (category < INT32_MIN || category > INT32_MAX)
        complain(r, "category_id %" PRId64 " does not fit in 32 bits: renumber the categories", category);
    const double *b = r->bbox;
    if (b[2] < 0 || b[3] < 0)
        complain(r, "bbox is %g wide and %g high; negative sizes mean nothing: correct or remove it", b[2],
                 b[3]);
    if (r->complaint[0]) return;

    bool crowd = marked(r, CROWD) || marked(r, IGNORE) || marked(r, GROUP);
    uint8_t flags =
        (uint8_t)(marked(r, DIFFICULT) * ANC_FLAG_DIFFICULT | marked(r, TRUNCATED) * ANC_FLAG_TRUNCATED |
                  marked(r, OCCLUDED) * ANC_FLAG_OCCLUDED | marked(r, DEPICTION) * ANC_FLAG_DEPICTION |
                  marked(r, INSIDE) * ANC_FLAG_INSIDE);
    anc_gt box = { { b[0], b[1], b[0] + b[2], b[1] + b[3] },
                   has(r, ID) ? r->whole[ID] : 0,
                   (int32_t)category,
                   crowd,
                   flags };
    anc_builder_box(r->builder, r->whole[IMAGE_ID], &box, r->err);
}

static void finish_image(reader *r)
{
    static const char size_remedy[] = "give every image its width and height in pixels";
    need(r, ID, "every image needs one");
    need(r, WIDTH, size_remedy);
    need(r, HEIGHT, size_remedy);
    if (r->complaint[0]) return;
    anc_builder_image(r->builder, r->whole[ID], r->whole[HEIGHT], r->whole[WIDTH], r->name, r->n_name,
                      r->err);
}

static void finish_category(reader *r)
{
    need(r, ID, "every category needs one");
    if (r->complaint[0]) return;
    anc_builder_category(r->builder, r->whole[ID], r->name, r->n_name, r->err);
}

static int finish_item(reader *r)
{
    if (!r->complaint[0]) {
        switch (r->list) {
        case IMAGES: finish_image(r); break;
        case ANNOTATIONS: finish_annotation(r); break;
        case CATEGORIES: finish_category(r); break;
        case NO_LIST: break;
        }
    }
    if (r->err->code) { /* from the builder, which knows ids but no places */
        anc_err deep = *r->err;
        stop(r, "%s", deep.text);
        r->err->code = deep.code;
        return 0;
    }
    if (!r->complaint[0]) {
        r->item++;
        return 1;
    }
    char what[96];
    anc_fail(r->err, ANC_EDATA, "line %" PRId64 ", column %" PRId64 ": %s: %s", r->complaint_line,
             r->complaint_column, item_name(r, what, sizeof what), r->complaint);
    return 0;
}

/* ---- values ---- */

/* A value of a kind that cannot stand here. */
static int misplaced(reader *r, const char *kind)
{
    switch (r->depth) {
    case 0:
        return stop(r, "the file holds %s, not an object with 'images' and 'annotations'%s", kind,
                    kind[0] == 'a' && kind[2] == 'l' ? ": is it a file of results? Use the annotations" : "");
    case DEPTH_FILE: return r->list ? stop(r, "member '%s' is %s, not a list", list_name[r->list], kind) : 1;
    case DEPTH_LIST:
        return stop(r, "%s[%" PRId64 "] is %s, not an object", list_name[r->list], r->item, kind);
    case DEPTH_BBOX: return complain(r, "bbox holds %s, not only numbers: correct or remove it", kind);
    default: break;
    }
    if (r->field == OTHER || r->field >= URL) return 1;
    if (r->field == NAME) return complain(r, "the name is %s, not a string", kind);
    if (r->field == BBOX)
        return complain(r, "bbox is %s, not a list of 4 numbers: correct or remove it", kind);
    return complain(r, "'%s' is %s, not a number", field_name[r->field], kind);
}

static int on_number(void *context, const char *text, size_t n)
{
    reader *r = context;
    if (r->skip) return 1;
    if (r->depth == DEPTH_BBOX) {
        double value = 0;
        if (!anc_number_real(&r->numbers, text, n, &value))
            return complain(r, "bbox holds %.*s, which float64 cannot hold: correct or remove it",
                            n < 40 ? (int)n : 40, text);
        if (r->n_bbox < 4) r->bbox[r->n_bbox] = value;
        r->n_bbox++;
        return 1;
    }
    if (r->depth == DEPTH_ITEM && r->field >= GROUP) {
        r->seen |= 1u << r->field;
        r->whole[r->field] = n == 1 && *text == '1'; /* Open Images has -1 for what it does not know */
        return 1;
    }
    if (r->depth != DEPTH_ITEM || r->field < ID || r->field > HEIGHT || r->field == BBOX)
        return r->depth == DEPTH_ITEM && r->field != NAME && r->field != BBOX ? 1 : misplaced(r, "a number");
    int64_t value;
    if (!anc_number_whole(&r->numbers, text, n, &value))
        return complain(r, "'%s' is %.*s, not a whole number of at most 64 bits", field_name[r->field],
                        n < 40 ? (int)n : 40, text);
    if ((r->field == CROWD || r->field == IGNORE) && value != 0 && value != 1)
        return complain(r, "'%s' is %" PRId64 ", neither 0 nor 1", field_name[r->field], value);
    r->whole[r->field] = value;
    r->seen |= 1u << r->field;
    return 1;
}

static int on_string(void *context, const unsigned char *text, size_t n)
{
    reader *r = context;
    if (r->skip) return 1;
    if (r->depth == DEPTH_ITEM && r->field == URL && !has(r, NAME)) {
        const unsigned char *slash =
            memrchr(text, '/', n); /* LVIS names pictures by the end of their address only */
        n -= slash ? (size_t)(slash + 1 - text) : 0;
        text = slash ? slash + 1 : text;
    } else if (r->depth != DEPTH_ITEM || r->field != NAME) {
        return misplaced(r, "a string");
    }
    if (n > sizeof r->name) return complain(r, "the name is longer than %zu bytes", sizeof r->name);
    if (memchr(text, 0, n)) return complain(r, "the name holds a NUL character");
    memcpy(r->name, text, n);
    r->n_name = n;
    if (r->field == NAME) r->seen |= 1u << NAME;
    return 1;
}

static int on_boolean(void *context, int value)
{
    reader *r = context;
    if (r->skip) return 1;
    if (r->depth != DEPTH_ITEM || (r->field != CROWD && r->field != IGNORE && r->field < GROUP))
        return misplaced(r, "true or false");
    r->whole[r->field] = value;
    r->seen |= 1u << r->field;
    return 1;
}

static int on_null(void *context)
{
    reader *r = context;
    if (r->skip) return 1;
    bool fine = r->depth == DEPTH_ITEM && (r->field == CROWD || r->field == IGNORE || r->field == NAME);
    return fine ? 1 : misplaced(r, "null");
}

static int deeper(reader *r)
{
    if (++r->depth <= MAX_DEPTH) return 1;
    return stop(r, "lists and objects nest more than %d deep", MAX_DEPTH);
}

static int on_start_array(void *context)
{
    reader *r = context;
    if (!r->skip) {
        if (r->depth == DEPTH_ITEM && r->field == BBOX) {
            r->n_bbox = 0;
            r->seen |= 1u << BBOX;
        } else if (r->depth == DEPTH_FILE && r->list) {
            r->item = 0;
        } else {
            if (!misplaced(r, "a list")) return 0;
            r->skip = r->depth + 1;
        }
    }
    return deeper(r);
}

static int on_start_map(void *context)
{
    reader *r = context;
    if (!r->skip) {
        if (r->depth == DEPTH_LIST) {
            r->seen = 0;
            r->n_name = 0;
            r->field = OTHER;
        } else if (r->depth) {
            if (!misplaced(r, "an object")) return 0;
            r->skip = r->depth + 1;
        }
    }
    return deeper(r);
}

static int on_end(void *context)
{
    reader *r = context;
    if (r->skip) {
        if (r->depth-- == r->skip) r->skip = 0;
        return 1;
    }
    int left = r->depth--;
    if (left == DEPTH_ITEM) return finish_item(r);
    if (left == DEPTH_LIST) r->list = NO_LIST;
    return 1;
}

static bool equal(const unsigned char *key, size_t n, const char *name)
{
    return strlen(name) == n && !memcmp(key, name, n);
}

/* The length settles nearly every member with one comparison at most; this runs for each key of each item. */
static field_kind field_of(list_kind list, const unsigned char *key, size_t n)
{
    field_kind guess = OTHER;
    switch (n) {
    case 2: return !memcmp(key, "id", 2) ? ID : OTHER;
    case 4:
        return list == CATEGORIES && !memcmp(key, "name", 4)    ? NAME
               : list == ANNOTATIONS && !memcmp(key, "bbox", 4) ? BBOX
                                                                : OTHER;
    case 5: return list == IMAGES && !memcmp(key, "width", 5) ? WIDTH : OTHER;
    case 6: guess = list == IMAGES ? HEIGHT : IGNORE; break;
    case 7: guess = list == ANNOTATIONS && key[0] == 'i' ? CROWD : CAPTION; break;
    case 8:
        if (list == IMAGES) return !memcmp(key, "coco_url", 8) ? URL : OTHER;
        guess = key[1] == 's' ? INSIDE : IMAGE_ID;
        break;
    case 9:
        if (list == IMAGES) return !memcmp(key, "file_name", 9) ? NAME : OTHER;
        guess = key[0] == 'i' ? GROUP : DIFFICULT;
        break;
    case 10: guess = OCCLUDED; break;
    case 11: guess = key[0] != 'i' ? CATEGORY_ID : key[2] == 't' ? TRUNCATED : DEPICTION; break;
    case 13: guess = SEGMENTS; break;
    default: return OTHER;
    }
    if (list != ANNOTATIONS && guess != HEIGHT) return OTHER;
    return !memcmp(key, field_name[guess], n) ? guess : OTHER;
}

static int on_key(void *context, const unsigned char *key, size_t n)
{
    reader *r = context;
    if (r->skip) return 1;
    if (r->depth == DEPTH_ITEM) {
        r->field = field_of(r->list, key, n);
        if (r->field == CAPTION || r->field == SEGMENTS) r->seen |= 1u << r->field;
        return 1;
    }
    r->list = NO_LIST;
    for (unsigned kind = IMAGES; kind <= CATEGORIES; kind *= 2)
        if (equal(key, n, list_name[kind])) r->list = (list_kind)kind;
    if (r->found & r->list) return stop(r, "member '%s' is there twice", list_name[r->list]);
    r->found |= r->list;
    return 1;
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

/* ---- the stream ---- */

/* yajl's memory, watched: it grows only for tokens that span blocks (and slowly with depth). */
static void *watch_malloc(void *context, size_t n) { return (void)context, malloc(n); }
static void watch_free(void *context, void *p) { (void)context, free(p); }
static void *watch_realloc(void *context, void *p, size_t n)
{
    reader *r = context;
    if (n > r->longest_token) r->longest_token = n;
    return realloc(p, n);
}

/* yajl's own words for a syntax error, with the place and what often lies behind. */
static anc_status syntax_error(reader *r, bool at_end, anc_err *err)
{
    size_t n = at_end ? 0 : yajl_get_bytes_consumed(r->parser);
    int64_t line, column;
    place_of(r, n, &line, &column);
    const char *hint = "";
    if (at_end)
        hint = ": the file ends too early; was it copied or downloaded whole?";
    else if (n && (r->block[n - 1] == 'N' || r->block[n - 1] == 'I'))
        hint = " (JSON has no NaN and no Infinity)";
    return anc_fail(err, ANC_EDATA, "line %" PRId64 ", column %" PRId64 ": %s%s", line, column,
                    anc_json_said(r->parser).text, hint);
}

/* Hands n bytes to yajl. */
static anc_status feed(reader *r, const unsigned char *bytes, size_t n, anc_err *err)
{
    r->block = bytes;
    yajl_status status = yajl_parse(r->parser, bytes, n);
    if (status == yajl_status_client_canceled) return err->code;
    if (status != yajl_status_ok) return syntax_error(r, false, err);
    if (r->longest_token > MAX_TOKEN_BYTES)
        return stop(r, "a string or number is longer than %d MiB", MAX_TOKEN_BYTES >> 20), err->code;
    const unsigned char *p = bytes, *end = bytes + n, *newline;
    while ((newline = memchr(p, '\n', (size_t)(end - p)))) {
        r->lines++;
        r->line_bytes = 0;
        p = newline + 1;
    }
    r->line_bytes += end - p;
    return ANC_OK;
}

/* Fills the block from fd; fewer bytes than asked for mean the end. */
static anc_status read_block(int fd, unsigned char *block, size_t capacity, size_t *n, anc_err *err)
{
    while (*n < capacity) {
        ssize_t got = read(fd, block + *n, capacity - *n);
        if (got == 0) break;
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return anc_fail(err, ANC_ESYSTEM, "cannot read: %s", strerror(errno));
        *n += (size_t)got;
    }
    return ANC_OK;
}

static anc_status read_stream(reader *r, const anc_reader_options *o, int fd, unsigned char *block, size_t n,
                              anc_err *err)
{
    if (read_block(fd, block, BLOCK_BYTES, &n, err) || anc_stream_refuse(block, n, err)) return err->code;
    size_t mark = n >= 3 && !memcmp(block, "\xef\xbb\xbf", 3) ? 3 : 0;
    bool more = n == BLOCK_BYTES;
    if (feed(r, block + mark, n - mark, err)) return err->code;
    while (more) {
        n = 0;
        if (o && o->asked && o->asked(o->context))
            return anc_fail(err, ANC_ESTOPPED, "stopped while reading it");
        if (read_block(fd, block, BLOCK_BYTES, &n, err) || feed(r, block, n, err)) return err->code;
        more = n == BLOCK_BYTES;
    }
    yajl_status status = yajl_complete_parse(r->parser);
    if (status == yajl_status_client_canceled) return err->code;
    return status == yajl_status_ok ? ANC_OK : syntax_error(r, true, err);
}

static anc_status check_lists(const reader *r, anc_err *err)
{
    if (!(r->found & (IMAGES | ANNOTATIONS)))
        return anc_fail(err, ANC_EDATA,
                        "no members 'images' and 'annotations': this is no COCO annotation file");
    if (!(r->found & IMAGES))
        return anc_fail(err, ANC_EDATA, "no member 'images': the sizes of the images are needed");
    if (!(r->found & ANNOTATIONS))
        return anc_fail(err, ANC_EDATA,
                        "no member 'annotations': is this an image_info (test) file? "
                        "For images without boxes write \"annotations\": []");
    if (r->found & CATEGORIES && r->uncategorised[0]) return anc_fail(err, ANC_EDATA, "%s", r->uncategorised);
    return ANC_OK;
}

anc_status anc_coco_read_fd(const anc_reader_options *o, int fd, const void *head, size_t n_head,
                            const char *name, anc_dataset *out, anc_diagnostics *diagnostics, anc_err *err)
{
    yajl_alloc_funcs memory = { watch_malloc, watch_realloc, watch_free, NULL };
    reader *r = calloc(1, sizeof *r);
    unsigned char *block = malloc(BLOCK_BYTES);
    anc_status status = ANC_EMEMORY;
    *err = (anc_err){ 0 };
    memory.ctx = r;
    if (r) {
        r->err = err;
        r->builder = anc_builder_new();
        r->parser = yajl_alloc(&callbacks, &memory, r);
    }
    if (!r || !block || n_head > BLOCK_BYTES || !r->builder || !r->parser || !anc_number_open(&r->numbers)) {
        anc_fail(err, ANC_EMEMORY, "no memory to read JSON");
    } else {
        yajl_config(r->parser, yajl_dont_validate_strings,
                    1); /* names are checked when kept, the rest is skipped */
        if (n_head) memcpy(block, head, n_head);
        anc_builder_diagnostics(r->builder, diagnostics);
        status = read_stream(r, o, fd, block, n_head, err);
        if (!status) status = check_lists(r, err);
        if (!status) status = anc_builder_finish(r->builder, out, err);
    }
    if (r) {
        anc_number_close(&r->numbers);
        if (r->parser) yajl_free(r->parser);
        anc_builder_free(r->builder);
    }
    free(block);
    free(r);
    return status ? anc_within(err, "%s", name) : ANC_OK;
}

anc_status anc_coco_read(const char *path, anc_dataset *out, anc_err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return anc_fail(err, ANC_ESYSTEM, "%s: cannot open: %s", path, strerror(errno));
    anc_status status = anc_coco_read_fd(NULL, fd, NULL, 0, path, out, NULL, err);
    close(fd);
    return status;
}

static bool coco_fits(const anc_probe *p) { return p->head[0] == '{' || p->head[0] == '['; }

static anc_status coco_whole(const anc_reader_options *o, int fd, const void *head, size_t n_head,
                             const char *name, anc_dataset *out, anc_diagnostics *diagnostics, anc_err *err)
{
    return anc_coco_read_fd(o, fd, head, n_head, name, out, diagnostics, err);
}

const anc_reader anc_coco_reader = {
    .name = "coco",
    .what = "COCO: a JSON file with 'images' and 'annotations'",
    .fits = coco_fits,
    .whole = coco_whole,
};
