/* io/store/feature_write.h: writes a features.h5 (docs/FORMAT.md), image by image, its maps as float16 in one piece
 * per level */
#ifndef ANC_IO_STORE_FEATURE_WRITE_H
#define ANC_IO_STORE_FEATURE_WRITE_H

#include "core/rules.h"

typedef struct anc_features_out anc_features_out;

/* Pairs are height, width in px. All is borrowed for the call alone. */
typedef struct {
    int64_t n_images;
    const int64_t *id;                                      /* [n_images] each once */
    const int32_t (*size)[2], (*padded)[2], (*original)[2]; /* [n_images] */
    int32_t n_levels, channels;
    const int32_t *stride; /* [n_levels]; grids have ceil(padded / stride) positions */
} anc_features_plan;

/* Starts path.part. config: JSON text that says how the features came about. Errors: ANC_ESYSTEM,
 * ANC_EMEMORY. */
anc_status anc_features_create(const char *path, const anc_features_plan *plan, const char *config,
                               anc_features_out **out, anc_err *err);

/* The next image's maps, binary16: map[l] [grid h * grid w][channels]. Errors: ANC_ESYSTEM. */
anc_status anc_features_append(anc_features_out *o, const uint16_t *const *map, anc_err *err);

/* After the last image: the file gets its final name, and o is freed in any case; on errors nothing is left.
 */
anc_status anc_features_commit(anc_features_out *o, anc_err *err);
void anc_features_abandon(anc_features_out *o); /* NULL is allowed */

#endif
