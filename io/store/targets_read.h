/* io/store/targets_read.h: training targets read back: a shard, the index over shards, or the folder that holds
 * both
 *
 * Rows come from the shards themselves, never through the index's virtual datasets: for a shard that is
 * missing, or one too many for the process's open files, HDF5 gives fill values without a word.
 */
#ifndef ANC_IO_STORE_TARGETS_READ_H
#define ANC_IO_STORE_TARGETS_READ_H

#include "io/store/targets_table.h"

typedef struct anc_targets_file anc_targets_file;

/* One level's anchors, as the file has them. */
typedef struct {
    int32_t stride; /* px */
    double offset;  /* of position 0, in strides */
    bool stride_from_grid;
    int32_t n_shapes;
    float (*base)[4]; /* [n_shapes] x1, y1, x2, y2 */
} anc_targets_level;

/* The classes that RoIs are labelled with, as the file has them. */
typedef struct {
    int32_t n, background;
    int32_t *category, *label; /* [n] both ascending */
} anc_targets_classes;

typedef struct {
    anc_stage stage;
    const char *path; /* of the file; in a folder that of its targets.h5 */
    bool index;
    int64_t n_shards; /* 1 for a shard by itself */
    bool placed;      /* an index that says which shard and row each view is in */
    int64_t n_images; /* that an index names; -1: none, and of a shard */
    int64_t shard;    /* which one a shard is; -1: an index, or not known */
    int64_t n_bytes;  /* of the file, and of an index's shards */
    bool with[ANC_ROWS_KINDS];
    int64_t n[ANC_ROWS_KINDS]; /* rows */
    int32_t n_levels;          /* 0 for the second stage */
    anc_targets_level level[ANC_MAX_LEVELS];
    anc_targets_classes classes; /* of the second stage */
    char *version;               /* of the program that wrote it */
    char *config;                /* JSON */
} anc_targets_info;

/* Opens a shard, an index, or a folder's targets.h5. Shapes and types of all datasets are checked, offsets
 * walked; of an index also that it maps each shard's rows to their place, and that every shard is there, of
 * the same run, with the rows and offsets that the index expects. Errors: ANC_EDATA, ANC_ESYSTEM,
 * ANC_EMEMORY; the text starts with the path, of the shard if it is to blame. */
anc_status anc_targets_open(const char *path, anc_targets_file **out, anc_err *err);
void anc_targets_close(anc_targets_file *f); /* NULL is allowed */
const anc_targets_info *anc_targets_about_file(const anc_targets_file *f);

/* The file names of an index's images [n_images], "" where unknown; NULL: it says nothing of them. They last
 * until the file is closed. */
anc_status anc_targets_names(anc_targets_file *f, const char *const **name, anc_err *err);

/* Which of them a view is of; -1 where the index says nothing of images. */
anc_status anc_targets_image(const anc_targets_file *f, int64_t view, int32_t *image, anc_err *err);

/* Views [first, first + n) with the rows of every kind that the file has, into t, whose rows they replace and
 * whose offsets then start at 0. t is zeroed before its first use; anc_targets_clear in the end. Every row is
 * checked against what docs/FORMAT.md says. Errors as above, naming the view. */
anc_status anc_targets_read(anc_targets_file *f, int64_t first, int64_t n, anc_targets *t, anc_err *err);

/* A checksum over the content: docs/FORMAT.md, "The checksum". Zeroed, then fed all views in order, in any
 * runs. */
typedef struct {
    uint64_t column[ANC_N_COLUMNS], offset[ANC_ROWS_KINDS];
    int64_t n[ANC_ROWS_KINDS]; /* rows so far */
} anc_targets_sum;
void anc_targets_sum_add(anc_targets_sum *s, const anc_targets *t);
uint64_t anc_targets_sum_end(const anc_targets_sum *s, const anc_targets_info *info);

#endif
