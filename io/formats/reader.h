/* io/formats/reader.h: what a reader of one annotation format is; one row of the table in reader.c for each format
 *
 * A reader does three things, of which the last is the one with the work in it:
 *
 *   fits   says whether a file or folder looks like its format, by content;
 *   list   names the files to read, in order, and what is known beforehand (left out: the source is one file);
 *   read   takes the text of one file into an anc_parsed (io/formats/parsed.h). It opens nothing and knows no
 *          other file, so it runs on any rank, in tests and under a fuzzer on plain memory.
 *
 * io/formats/import.c does the rest for all formats alike: order, ids, sizes that the annotations do not tell,
 * categories. docs/ARCHITECTURE.md says what else a new format touches.
 *
 * Ids (docs/FORMATS.md): images are numbered from 1 in the bytewise order of their keys; categories that have
 * names from 1 in the order of --names (or listing->category), otherwise in the bytewise order of the names
 * met; categories that are numbers keep their numbers. Boxes have no annotation id (0) unless the format
 * gives one.
 */
#ifndef ANC_IO_FORMATS_READER_H
#define ANC_IO_FORMATS_READER_H

#include "io/formats/parsed.h"
#include "io/text/stream.h"

typedef enum { ANC_DIFFICULT_KEEP, ANC_DIFFICULT_DROP, ANC_DIFFICULT_IGNORE } anc_difficult;
/* What a VOC corner means: the number of a pixel from 1 (PASCAL), from 0, both ends included; or the edge
 * itself. */
typedef enum { ANC_CORNERS_ONE, ANC_CORNERS_ZERO, ANC_CORNERS_EDGES } anc_corners;
typedef enum { ANC_BOX_FULL, ANC_BOX_VISIBLE, ANC_BOX_HEAD } anc_box_kind; /* CrowdHuman's fbox, vbox, hbox */

/* The same on all ranks; strings are borrowed, NULL when not given. A zeroed one holds the defaults. */
typedef struct {
    const char *format; /* NULL: by content */
    const char *images; /* folder of the pictures, whose headers give missing sizes */
    const char *sizes;  /* file of sizes: lines of path, width, height */
    const char *names;  /* file of category names */
    const char *list;   /* file of image names: only these are read */
    anc_difficult difficult;
    anc_corners corners;
    anc_box_kind box;
    bool strict;
    /* Asked now and then while reading (may be NULL); true: end with ANC_ESTOPPED. The only member that may
     * differ by rank. */
    bool (*asked)(void *context);
    void *context;
} anc_reader_options;

typedef struct {
    char *path;  /* below listing->folder; "" when the image has no annotation file */
    char *key;   /* of its image or images: what they are ordered by */
    char *image; /* the picture's file name below listing->images, "" when not known beforehand */
} anc_file;

typedef struct {
    int64_t id;
    char *key, *name; /* what the annotations call it; its name for people */
} anc_known_category;

/* What list gives. All strings are owned. */
typedef struct {
    char *folder; /* "" or ends with '/': in front of every path */
    char *images; /* where pictures are unless options say; NULL: nowhere known */
    anc_file *file;
    int64_t n_files, file_capacity;
    anc_known_category *category; /* none: the categories are those met */
    int64_t n_categories, category_capacity;
    anc_diagnostics diagnostics;
} anc_listing;

void anc_listing_clear(anc_listing *l);
/* Copies. Errors: ANC_EMEMORY. */
anc_status anc_listing_folder(anc_listing *l, const char *folder, anc_err *err);
anc_status anc_listing_images(anc_listing *l, const char *folder, anc_err *err);
anc_status anc_listing_add(anc_listing *l, const char *path, const char *key, const char *image,
                           anc_err *err);
anc_status anc_listing_category(anc_listing *l, int64_t id, const char *key, const char *name, anc_err *err);

/* What fits looks at. */
typedef struct {
    const char *path;
    bool folder;
    /* of a file: its first bytes, mark and white space skipped, NUL-terminated; "" for a folder */
    const char *head;
    const unsigned char *raw; /* [n_raw] the same from the very first on */
    size_t n_raw;
} anc_probe;

/* In a folder: the start of the first file (bytewise, at most 3 folders down) below `sub` ("" for all) whose
 * name ends with suffix, NUL-terminated; false: there is none. In a file: false. */
bool anc_probe_sample(const anc_probe *p, const char *sub, const char *suffix, char *head, size_t capacity);
/* The same of the file at this path below the folder; false: it is empty or cannot be read. */
bool anc_probe_read(const anc_probe *p, const char *path, char *head, size_t capacity);
/* In a folder: whether an entry has this name. */
bool anc_probe_has(const anc_probe *p, const char *name);

typedef struct anc_reader anc_reader;
struct anc_reader {
    const char *name; /* of --format */
    const char *what; /* "PASCAL VOC: an XML file, or a folder of them": for help and errors */
    bool (*fits)(const anc_probe *p);
    bool pipe; /* what read needs is in one file, which may be a pipe */

    /* Fills the listing of path. NULL: path is one file. Errors: as all, one line with path, place and
     * remedy. */
    anc_status (*list)(const anc_reader_options *o, const char *path, anc_listing *l, anc_err *err);

    /* What reading needs beside options (a parser that is used again for the next file); both may be NULL. */
    anc_status (*start)(const anc_reader_options *o, void **state, anc_err *err);
    void (*end)(void *state);

    /* Takes one file. The caller has set part->file to in->name; read keeps part->line up to date. */
    anc_status (*read)(const anc_reader_options *o, void *state, const anc_file *file, anc_stream *in,
                       anc_parsed *part, anc_err *err);

    /* Instead of list and read, for formats with ids of their own: fd, of which the first n_head bytes were
     * read, becomes a data set. */
    anc_status (*whole)(const anc_reader_options *o, int fd, const void *head, size_t n_head,
                        const char *name, anc_dataset *out, anc_diagnostics *diagnostics, anc_err *err);
};

extern const anc_reader *const anc_readers[]; /* ends with NULL */

/* By name, NULL: there is none. */
const anc_reader *anc_reader_find(const char *name);

/* The one that o->format names, or whose content p shows. Errors: ANC_EARGUMENT (no such format), ANC_EDATA
 * (it fits none: says what was looked for, or what it is instead). */
anc_status anc_reader_for(const anc_reader_options *o, const anc_probe *p, const anc_reader **out,
                          anc_err *err);

#endif
