/* io/formats/parsed.h: what a reader took out of some of a source's files, in the order in which it stands there
 *
 * Readers of formats that name images and categories by text fill one; parts of consecutive files are then
 * put behind each other. Images whose size the files do not say have size 0 until io/formats/import.c has found it.
 * The parts of a folder are read on any rank, packed, and put together in order, so that the result does not
 * depend on who read what.
 */
#ifndef ANC_IO_FORMATS_PARSED_H
#define ANC_IO_FORMATS_PARSED_H

#include "io/dataset/dataset.h"
#include "io/file/diagnostics.h"
#include <stdbool.h>

typedef struct {
    size_t key, name;      /* places in text: what the image is sorted by, unique; the picture's file name */
    int32_t height, width; /* px; 0: not known yet */
    bool relative;         /* its boxes are in shares of the image's width and height */
} anc_parsed_image_row;

typedef struct {
    double xyxy[4]; /* see anc_parsed_box */
    int64_t id;
    int32_t image, category; /* rows of this part */
    uint8_t crowd, flags;
} anc_parsed_box_row;

typedef struct {
    size_t key;     /* place in text; the category's name or code; "" when it has a number */
    size_t place;   /* where it was first met, for errors */
    int64_t number; /* of formats whose categories are numbers */
    bool numbered;
} anc_parsed_category_row;

typedef struct {
    anc_parsed_image_row *image;
    anc_parsed_box_row *box;
    anc_parsed_category_row *category;
    char *text; /* NUL-terminated strings */
    int64_t n_images, n_boxes, n_categories;
    size_t n_text;
    int64_t image_capacity, box_capacity, category_capacity, text_capacity;
    int64_t annotations; /* seen, whatever became of them */
    anc_diagnostics diagnostics;
    const char
        *file; /* borrowed: where the reader is, for diagnostics: file and line (0: none); it sets them */
    int64_t line;
    struct anc_parsed_index *images, *categories; /* rows by key, made when first asked for */
} anc_parsed;

void anc_parsed_clear(anc_parsed *p); /* a zeroed part is empty and may be cleared */

/* Begins an image; boxes that follow are put to the row in *row (may be NULL). key orders the images and must
 * be unique in the source (checked in the end); name is the picture's file name, "" if not known. height and
 * width are both 0 when the file does not say: they are then looked up (options' sizes, the picture's
 * header). relative: see anc_parsed_box. Errors: ANC_EDATA (names over ANC_MAX_NAME_BYTES or with control
 * characters, sizes out of [1, ANC_MAX_SIDE]), ANC_EMEMORY; with file and line. */
typedef struct {
    const char *key, *name;
    int64_t height, width;
    bool relative;
} anc_parsed_image;
anc_status anc_parsed_add_image(anc_parsed *p, const anc_parsed_image *image, int64_t *row, anc_err *err);

/* The row of the image with this key, -1: there is none. For formats whose rows are not grouped by image. */
int64_t anc_parsed_find(anc_parsed *p, const char *key);

/* The category's row in this part, made when new. */
anc_status anc_parsed_category(anc_parsed *p, const char *key, int32_t *row, anc_err *err);
anc_status anc_parsed_category_number(anc_parsed *p, int64_t number, int32_t *row, anc_err *err);

/* A box of image row `image`, as x1, y1, x2, y2 with exclusive edges: in px, or for a relative image in
 * shares of width and height (scaled when the size is known). Boxes that are empty or inverted are dropped
 * and found. An id of 0: none. Errors: ANC_EDATA (not finite, beyond ANC_MAX_COORDINATE), ANC_EMEMORY; with
 * file and line. */
typedef struct {
    double xyxy[4];
    int64_t id;
    int32_t category;
    bool crowd;
    uint8_t flags; /* ANC_FLAG_... of io/dataset/dataset.h */
} anc_parsed_box;
anc_status anc_parsed_add_box(anc_parsed *p, int64_t image, const anc_parsed_box *box, anc_err *err);

/* A diagnostic where the reader is now: "file:line". */
void anc_parsed_find_here(anc_parsed *p, anc_diagnostic_kind kind);

/* "file:line: text", or "file: text" when line is 0. */
anc_status anc_parsed_fail(const anc_parsed *p, anc_err *err, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Puts more behind p. Errors: ANC_EMEMORY; ANC_EDATA when there are over 2^31 - 1 images or categories. */
anc_status anc_parsed_append(anc_parsed *p, const anc_parsed *more, anc_err *err);

/* To one block of bytes (malloc'ed) and back into a zeroed part. Errors: ANC_EMEMORY, ANC_EDATA (not such a
 * block). */
anc_status anc_parsed_pack(const anc_parsed *p, void **bytes, size_t *n, anc_err *err);
anc_status anc_parsed_unpack(const void *bytes, size_t n, anc_parsed *p, anc_err *err);

#endif
