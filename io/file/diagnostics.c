/* io/file/diagnostics.c: see diagnostics.h */
#include "io/file/diagnostics.h"
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *name, *words, *one;
    anc_diagnostic_class is;
} row[ANC_N_DIAGNOSTICS] = {
    [ANC_DIAG_EMPTY_BOX] = { "empty_boxes", "boxes of no area", "box of no area", ANC_DROPPED },
    [ANC_DIAG_INVERTED_BOX] = { "inverted_boxes", "boxes of negative width or height",
                                "box of negative width or height", ANC_DROPPED },
    [ANC_DIAG_DIFFICULT] = { "difficult_boxes", "boxes marked difficult (--difficult drop)",
                             "box marked difficult (--difficult drop)", ANC_DROPPED },
    [ANC_DIAG_SKIPPED_ENTRY] = { "skipped_entries", "folder entries that are no regular files",
                                 "folder entry that is no regular file", ANC_DROPPED },
    [ANC_DIAG_STRAY_LABEL] = { "stray_labels", "annotation files without their picture",
                               "annotation file without its picture", ANC_DROPPED },
    [ANC_DIAG_NUMBER] = { "odd_numbers", "numbers in an unusual form, such as a decimal comma",
                          "number in an unusual form, such as a decimal comma", ANC_REPAIRED },
    [ANC_DIAG_SIZE_HEADER] = { "sizes_found", "missing image sizes, taken from the picture or a table",
                               "missing image size, taken from the picture or a table", ANC_REPAIRED },
    [ANC_DIAG_SIZE_DIFFERS] = { "sizes_differ", "image sizes that are not those of the picture",
                                "image size that is not that of the picture", ANC_ODD },
    [ANC_DIAG_POLYGON] = { "polygons", "polygons, reduced to their boxes", "polygon, reduced to its box",
                           ANC_ODD },
    [ANC_DIAG_NAME_DIFFERS] = { "names_differ", "pictures named unlike their annotation file",
                                "picture named unlike its annotation file", ANC_ODD },
    [ANC_DIAG_OVER_EDGE] = { "over_edge", "boxes that reach over their image's edge",
                             "box that reaches over its image's edge", ANC_ODD },
    [ANC_DIAG_OUTSIDE] = { "outside", "boxes wholly outside of their image (counted above, too)",
                           "box wholly outside of its image (counted above, too)", ANC_ODD },
    [ANC_DIAG_DUPLICATE_ID] = { "duplicate_ids", "annotation ids seen before", "annotation id seen before",
                                ANC_ODD },
    [ANC_DIAG_DUPLICATE_BOX] = { "duplicate_boxes", "boxes that stand twice in an image",
                                 "box that stands twice in an image", ANC_ODD },
};

static void keep_place(anc_diagnostic *f, const char *text)
{
    for (int i = 0; i < ANC_DIAGNOSTIC_PLACES; i++) {
        if (f->place[i][0]) continue;
        snprintf(f->place[i], sizeof f->place[i], "%s", text);
        return;
    }
}

void anc_diagnose(anc_diagnostics *f, anc_diagnostic_kind kind, const char *place, ...)
{
    anc_diagnostic *one = &f->of[kind];
    if (one->n++ >= ANC_DIAGNOSTIC_PLACES) return;
    char text[ANC_DIAGNOSTIC_PLACE_BYTES];
    va_list args;
    va_start(args, place);
    vsnprintf(text, sizeof text, place, args);
    va_end(args);
    keep_place(one, text);
}

void anc_diagnostics_add(anc_diagnostics *f, const anc_diagnostics *more)
{
    for (int k = 0; k < ANC_N_DIAGNOSTICS; k++) {
        f->of[k].n += more->of[k].n;
        for (int i = 0; i < ANC_DIAGNOSTIC_PLACES && more->of[k].place[i][0]; i++)
            keep_place(&f->of[k], more->of[k].place[i]);
    }
}

const char *anc_diagnostic_name(anc_diagnostic_kind kind) { return row[kind].name; }
const char *anc_diagnostic_words(anc_diagnostic_kind kind, int64_t n)
{
    return n == 1 ? row[kind].one : row[kind].words;
}
anc_diagnostic_class anc_diagnostic_class_of(anc_diagnostic_kind kind) { return row[kind].is; }

anc_status anc_diagnostics_strict(const anc_diagnostics *f, anc_err *err)
{
    for (int k = 0; k < ANC_N_DIAGNOSTICS; k++)
        if (f->of[k].n && row[k].is != ANC_ODD)
            return anc_fail(err, ANC_EDATA,
                            "%s: %s: %" PRId64 " of them %s; correct the source, or leave --strict out",
                            f->of[k].place[0], row[k].words, f->of[k].n,
                            row[k].is == ANC_DROPPED ? "would be left out" : "would be repaired");
    return ANC_OK;
}
