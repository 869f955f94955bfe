/* io/file/diagnostics.h: what a reader of annotations met that was not as it should be, with the first places
 *
 * A diagnostic is repaired (the data were changed to what they plainly mean), dropped (left out), or odd (kept
 * as it is). What cannot be read at all is no diagnostic but an error. `import --strict` makes the first two
 * kinds errors. Plain bytes: may be copied and sent.
 */
#ifndef ANC_IO_FILE_DIAGNOSTICS_H
#define ANC_IO_FILE_DIAGNOSTICS_H

#include "core/err.h"
#include <stdint.h>

typedef enum { ANC_REPAIRED, ANC_DROPPED, ANC_ODD } anc_diagnostic_class;

/* In the order in which they are told. A new kind is a row here and one in diagnostics.c. */
typedef enum {
    ANC_DIAG_EMPTY_BOX,     /* dropped: width or height 0 */
    ANC_DIAG_INVERTED_BOX,  /* dropped: negative width or height */
    ANC_DIAG_DIFFICULT,     /* dropped because --difficult drop asked */
    ANC_DIAG_SKIPPED_ENTRY, /* dropped: folder entry that is not a regular file */
    ANC_DIAG_STRAY_LABEL,   /* dropped: annotations without their picture */
    ANC_DIAG_NUMBER,        /* repaired: a decimal comma, a value in an unusual form */
    ANC_DIAG_SIZE_HEADER,   /* repaired: the image's size was missing and taken from its header or a table */
    ANC_DIAG_SIZE_DIFFERS,  /* odd: the size in the annotation is not that of the picture */
    ANC_DIAG_POLYGON,       /* odd: a polygon became its box */
    ANC_DIAG_NAME_DIFFERS,  /* odd: the picture's name is not that of the annotation file */
    ANC_DIAG_OVER_EDGE,     /* odd: part of the box lies outside of its image */
    ANC_DIAG_OUTSIDE,       /* odd: all of it does (counted in over_edge, too) */
    ANC_DIAG_DUPLICATE_ID,  /* odd: annotation id seen before */
    ANC_DIAG_DUPLICATE_BOX, /* odd: the same box and category twice in an image */
    ANC_N_DIAGNOSTICS
} anc_diagnostic_kind;

enum { ANC_DIAGNOSTIC_PLACES = 3, ANC_DIAGNOSTIC_PLACE_BYTES = 160 };

typedef struct {
    int64_t n;
    char place[ANC_DIAGNOSTIC_PLACES][ANC_DIAGNOSTIC_PLACE_BYTES]; /* of the first ones; "" ends the list */
} anc_diagnostic;

typedef struct {
    anc_diagnostic of[ANC_N_DIAGNOSTICS];
} anc_diagnostics;

/* Adds one; the place (printf) is kept while there is room for it: "file:line", "image 7, annotation 9". */
void anc_diagnose(anc_diagnostics *f, anc_diagnostic_kind kind, const char *place, ...)
    __attribute__((format(printf, 3, 4)));

/* Adds all of more behind those of f. */
void anc_diagnostics_add(anc_diagnostics *f, const anc_diagnostics *more);

/* The attribute's name in /report of annotations.h5: "inverted_boxes"; and the words of the report. */
const char *anc_diagnostic_name(anc_diagnostic_kind kind);
/* "boxes of negative width or height", of one "box of ..." */
const char *anc_diagnostic_words(anc_diagnostic_kind kind, int64_t n);
anc_diagnostic_class anc_diagnostic_class_of(anc_diagnostic_kind kind);

/* ANC_EDATA with kind, count and first place if anything was repaired or dropped. */
anc_status anc_diagnostics_strict(const anc_diagnostics *f, anc_err *err);

#endif
