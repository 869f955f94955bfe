/* io/store/targets_where.h: what an index says itself of its views: which shard and row each is in, which image it
 * is of, and the names of both
 *
 * These are ordinary datasets of targets.h5, for readers that open the shards themselves and never see a
 * virtual dataset (docs/FORMAT.md, "The index"). An index of an earlier build has none of them, and one that
 * was written without the images' names has no images.
 */
#ifndef ANC_IO_STORE_TARGETS_WHERE_H
#define ANC_IO_STORE_TARGETS_WHERE_H

#include "io/dataset/dataset.h"
#include "io/hdf5/h5.h"

/* ---- writing ---- */

/* /views/shard, /views/row and /shards/file_name. first [n_shards + 1]: each shard's first view, and their
 * number. */
anc_status anc_where_write_shards(anc_h5_file *f, int64_t n_shards, const int64_t *first, anc_err *err);

/* /images/id, /images/file_name and /views/image; image [n_views]: indices into images. */
anc_status anc_where_write_images(anc_h5_file *f, const anc_dataset *images, const int32_t *image,
                                  int64_t n_views, anc_err *err);

/* The index of each id [n] in images; ids mostly come in ascending order. Errors: ANC_EDATA, one that is none
 * of theirs. */
anc_status anc_where_find(const anc_dataset *images, const int64_t *id, int64_t n, int32_t *image,
                          anc_err *err);

/* ---- reading ---- */

/* Zeroed before it is opened. */
typedef struct {
    bool shards, images; /* which of the two the index has */
    int64_t n_images;
    anc_h5_data image; /* /views/image */
    int64_t *id;       /* [n_images] ascending; until anc_where_forget */
} anc_where;

/* Reads what there is, and holds the shards' part to first [n_shards + 1]. Errors: ANC_EDATA. */
anc_status anc_where_open(const anc_h5_file *f, int64_t n_shards, const int64_t *first, anc_where *w,
                          anc_err *err);
void anc_where_forget(anc_where *w); /* the ids, once the views have been checked */
void anc_where_close(anc_where *w);

/* Whether views [first, first + n) are of the images with these ids [n]. Errors: ANC_EDATA, naming the view.
 */
anc_status anc_where_check(const anc_where *w, int64_t first, const int64_t *id, int64_t n, anc_err *err);

#endif
