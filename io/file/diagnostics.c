/* io/file/diagnostics.c: see findings.h */
#include "io/file/diagnostics.h"
#include <inttypes.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>

static const struct {
    const char *name, *words, *one;
    anc_finding_class is;
} row[ANC_N_FINDINGS] = {
    [ANC_FIND_EMPTY_BOX] = { "empty_boxes", "boxes of no area", "box of no area", ANC_DROPPED },
    [ANC_FIND_INVERTED_BOX] = { "inverted_boxes", "boxes of negative width or height",
                                "box of negative width or height", ANC_DROPPED },
    [ANC_FIND_DIFFICULT] = { "difficult_boxes", "boxes marked difficult (--difficult drop)",
                             "box marked difficult (--difficult drop)", ANC_DROPPED },
    [ANC_FIND_SKIPPED_ENTRY] = { "skipped_entries", "folder entries that are no regular files",
                                 "folder entry that is no regular file", ANC_DROPPED },
    [ANC_FIND_STRAY_LABEL] = { "stray_labels", "annotation files without their picture",
                               "annotation file without its picture", ANC_DROPPED },
    [ANC_FIND_NUMBER] = { "odd_numbers", "numbers in an unusual form, such as a decimal comma",
                          "number in an unusual form, such as a decimal comma", ANC_REPAIRED },
    [ANC_FIND_SIZE_HEADER] = { "sizes_found", "missing image sizes, taken from the picture or a table",
                               "missing image size, taken from the picture or a table", ANC_REPAIRED },
    [ANC_FIND_SIZE_DIFFERS] = { "sizes_differ", "image sizes that are not those of the picture",
                                "image size that is not that of the picture", ANC_ODD },
    [ANC_FIND_POLYGON] = { "polygons", "polygons, reduced to their boxes", "polygon, reduced to its box",
                           ANC_ODD },
    [ANC_FIND_NAME_DIFFERS] = { "names_differ", "pictures named unlike their annotation file",
                                "picture named unlike its annotation file", ANC_ODD },
    [ANC_FIND_OVER_EDGE] = { "over_edge", "boxes that reach over their image's edge",
                             "box that reaches over its image's edge", ANC_ODD },
    [ANC_FIND_OUTSIDE] = { "outside", "boxes wholly outside of their image (counted above, too)",
                           "box wholly outside of its image (counted above, too)", ANC_ODD },
    [ANC_FIND_DUPLICATE_ID] = { "duplicate_ids", "annotation ids seen before", "annotation id seen before",
                                ANC_ODD },
    [ANC_FIND_DUPLICATE_BOX] = { "duplicate_boxes", "boxes that stand twice in an image",
                                 "box that stands twice in an image", ANC_ODD },
};

static void keep_place(anc_finding *f, const char *text)
{
    for (int i = 0; i < ANC_FINDING_PLACES; i++) {
        if (f->place[i][0]) continue;
        snprintf(f->place[i], sizeof f->place[i], "%s", text);
        return;
    }
}

void anc_find(anc_findings *f, anc_finding_kind kind, const char *place, ...)
{
    anc_finding *one = &f->of[kind];
    if (one->n++ >= ANC_FINDING_PLACES) return;
    char text[ANC_FINDING_PLACE_BYTES];
    va_list args;
    va_start(args, place);
    vsnprintf(text, sizeof text, place, args);
    va_end(args);
    keep_place(one, text);
}

void anc_findings_add(anc_findings *f, const anc_findings *more)
{
    for (int k = 0; k < ANC_N_FINDINGS; k++) {
        f->of[k].n += more->of[k].n;
        for (int i = 0; i < ANC_FINDING_PLACES && more->of[k].place[i][0]; i++)
            keep_place(&f->of[k], more->of[k].place[i]);
    }
}

const char *anc_finding_name(anc_finding_kind kind) { return row[kind].name; }
const char *anc_finding_words(anc_finding_kind kind, int64_t n)
{
    return n == 1 ? row[kind].one : row[kind].words;
}
anc_finding_class anc_finding_class_of(anc_finding_kind kind) { return row[kind].is; }

anc_status anc_findings_strict(const anc_findings *f, anc_err *err)
{
    for (int k = 0; k < ANC_N_FINDINGS; k++)
        if (f->of[k].n && row[k].is != ANC_ODD)
            return anc_fail(err, ANC_EDATA,
                            "%s: %s: %" PRId64 " of them %s; correct the source, or leave --strict out",
                            f->of[k].place[0], row[k].words, f->of[k].n,
                            row[k].is == ANC_DROPPED ? "would be left out" : "would be repaired");
    return ANC_OK;
}
