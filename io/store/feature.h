/* io/store/feature.h: features.h5, the feature maps that a user's backbone made of each image
 *
 * Maps that lie in the file in one piece as little-endian float16 or float32 are used where they are (mmap):
 * of a large file only the pages around sampled anchors are ever read. Chunked, packed or otherwise stored
 * maps are read through HDF5, one image at a time. A seal is not looked at: the file may be larger than what
 * is read of it. docs/FORMAT.md lists the datasets.
 */
#ifndef ANC_IO_STORE_FEATURE_H
#define ANC_IO_STORE_FEATURE_H

#include "core/head/head.h"

#define ANC_FEATURES_FORMAT "anchorage-features"
enum { ANC_FEATURES_VERSION = 1 };

typedef struct anc_features anc_features;

/* Pairs are height, width. */
typedef struct {
    const char *path;
    int64_t n_images;
    int32_t n_levels, channels;
    int64_t *id;                        /* [n_images] each once, in any order */
    int32_t (*size)[2];                 /* [n_images] px as fed to the backbone, before padding */
    int32_t (*padded)[2];               /* [n_images] px */
    int32_t (*original)[2];             /* [n_images] px, or NULL when the file does not say */
    float (*scale)[2];                  /* [n_images] size / original, or NULL when the file does not say */
    int32_t stride[ANC_MAX_LEVELS];     /* px */
    int32_t (*grid[ANC_MAX_LEVELS])[2]; /* [n_images] positions */
    bool in_place;                      /* all levels are used where they lie */
    bool half;                          /* all levels are float16 */
} anc_features_info;

/* Opens and checks everything but the features' values. Errors: ANC_EDATA, ANC_ESYSTEM, ANC_EMEMORY; the text
 * starts with the path. */
anc_status anc_features_open(const char *path, anc_features **out, anc_err *err);
void anc_features_close(anc_features *f); /* NULL is allowed */
const anc_features_info *anc_features_about(const anc_features *f);

/* Where an image id stands, or -1. */
int64_t anc_features_find(const anc_features *f, int64_t id);

/* Whole maps will be read, image after image: the system may read ahead. Otherwise rows here and there. */
void anc_features_read_whole(anc_features *f);

/* The maps of image i, map [n_levels]; good until the next call. Errors as above. */
anc_status anc_features_map(anc_features *f, int64_t i, anc_feature_map *map, anc_err *err);

#endif
