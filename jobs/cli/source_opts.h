/* jobs/cli/source_opts.h: the options of every command that takes annotations: which format, and what it needs to
 * be told */
#ifndef ANC_JOBS_CLI_SOURCE_OPTS_H
#define ANC_JOBS_CLI_SOURCE_OPTS_H

#include "io/formats/reader.h"
#include "jobs/cli/opts.h"

/* What the command line gave; words before they are understood. */
typedef struct {
    const char *format, *images, *sizes, *names, *list, *difficult, *corners, *box;
    bool strict;
} anc_source_words;

/* Rows for a table of anc_opt; w is an anc_source_words. */
#define ANC_SOURCE_OPTS(w)                                                                                   \
    { "format",                                                                                              \
      0,                                                                                                     \
      "NAME",                                                                                                \
      ANC_OPT_STRING,                                                                                        \
      &(w).format,                                                                                           \
      0,                                                                                                     \
      0,                                                                                                     \
      "of the annotations (guessed from their content): coco, voc, yolo ...; docs/FORMATS.md says what "     \
      "each reads" },                                                                                        \
        { "images",    0,                                                                                    \
          "DIR",       ANC_OPT_STRING,                                                                       \
          &(w).images, 0,                                                                                    \
          0,           "folder of the pictures, whose headers give sizes that the annotations do not" },     \
        { "sizes",    0, "FILE", ANC_OPT_STRING,                                                             \
          &(w).sizes, 0, 0,      "table of such sizes instead: path, width, height on each line" },          \
        { "names",    0, "FILE", ANC_OPT_STRING,                                                             \
          &(w).names, 0, 0,      "names of the categories, one on each line in the order of their ids" },    \
        { "list",    0,                                                                                      \
          "FILE",    ANC_OPT_STRING,                                                                         \
          &(w).list, 0,                                                                                      \
          0,         "only these images, one name on each line, such as VOC's ImageSets/Main/train.txt" },   \
        { "difficult",                                                                                       \
          0,                                                                                                 \
          "RULE",                                                                                            \
          ANC_OPT_STRING,                                                                                    \
          &(w).difficult,                                                                                    \
          0,                                                                                                 \
          0,                                                                                                 \
          "VOC objects marked difficult: keep (default), drop, or ignore: make them ignore regions" },       \
        { "corners",                                                                                         \
          0,                                                                                                 \
          "RULE",                                                                                            \
          ANC_OPT_STRING,                                                                                    \
          &(w).corners,                                                                                      \
          0,                                                                                                 \
          0,                                                                                                 \
          "what VOC corners are: one (default): pixels counted from 1, zero: from 0, both ends in the box; " \
          "edges: "                                                                                          \
          "taken as they are" },                                                                             \
        { "box",    0,                                                                                       \
          "KIND",   ANC_OPT_STRING,                                                                          \
          &(w).box, 0,                                                                                       \
          0,        "which CrowdHuman box: fbox (default: full body), vbox (visible) or hbox (head)" },      \
    {                                                                                                        \
        "strict", 0, NULL, ANC_OPT_FLAG, &(w).strict, 0, 0,                                                  \
            "anything that would be repaired or dropped is an error"                                         \
    }

/* Errors: ANC_EARGUMENT with the option's name and what it can be. */
anc_status anc_source_options(const anc_source_words *w, anc_reader_options *out, anc_err *err);

#endif
