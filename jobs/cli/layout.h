/* jobs/cli/layout.h: what a backbone made of each image, for views that are placed on exactly that (`label --like`)
 */
#ifndef ANC_JOBS_CLI_LAYOUT_H
#define ANC_JOBS_CLI_LAYOUT_H

#include "core/label.h"
#include "io/source/source.h"
#include "mpi/team.h"

/* Plain bytes, so that rank 0 can broadcast a table of them. */
typedef struct {
    int64_t image_id;
    int32_t size[2], padded[2], grid[ANC_MAX_LEVELS][2]; /* px, px, positions: height, width */
} anc_layout_row;

/* Reads sizes, paddings and grids of a features.h5 into *rows [*n], malloc'ed, ascending by image. Its levels
 * and strides must be those of the rules. Errors name the file and what to set. */
anc_status anc_layout_read(const char *path, const anc_rules *rules, anc_layout_row **rows, int64_t *n,
                           anc_err *err);

/* Collective. Gives all ranks rank 0's table; the others' *rows and *n are set. The caller frees *rows. */
anc_status anc_layout_share(const anc_team *team, anc_layout_row **rows, int64_t *n, anc_err *err);

/* A checksum of the table, never 0: another table places other views. */
uint64_t anc_layout_fingerprint(const anc_layout_row *rows, int64_t n);

/* Fails with ANC_EDATA, by id, when the source has an image that the features have not. */
anc_status anc_layout_covers(const char *path, const anc_layout_row *rows, int64_t n, anc_source *s,
                             anc_err *err);

/* NULL when there is no such image. */
const anc_layout_row *anc_layout_find(const anc_layout_row *rows, int64_t n, int64_t image_id);

#endif
