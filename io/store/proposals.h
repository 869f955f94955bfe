/* io/store/proposals.h: proposals.h5 (docs/FORMAT.md), and COCO results JSON as another source of proposals
 *
 * Images ascend by id. The proposals of image i are rows offset[i] .. offset[i + 1], the best first in a file
 * of ours, in the file's order in a results file.
 */
#ifndef ANC_IO_STORE_PROPOSALS_H
#define ANC_IO_STORE_PROPOSALS_H

#include "io/store/proposal_set.h"

#define ANC_PROPOSALS_FORMAT "anchorage-proposals"
enum { ANC_PROPOSALS_VERSION = 1 };

/* Writes a set (with levels) as path; the same set and config give the same bytes; complete or not at all.
 * config is JSON text. Errors: ANC_EDATA (a promise above is broken), ANC_ESYSTEM, ANC_EMEMORY. */
anc_status anc_proposals_write(const char *path, const anc_proposal_set *set, const char *config,
                               anc_err *err);

/* The same, set after set, for more than fit in memory: n_images and n are those of all sets. tag: of the
 * name while it is written, see anc_h5_create_part_as; NULL: none. Commit or abandon frees *out; commit
 * checks that all came. */
typedef struct anc_proposals_out anc_proposals_out;
anc_status anc_proposals_create(const char *path, const char *tag, int64_t n_images, int64_t n,
                                const char *config, anc_proposals_out **out, anc_err *err);
anc_status anc_proposals_append(anc_proposals_out *o, const anc_proposal_set *set, anc_err *err);
anc_status anc_proposals_commit(anc_proposals_out *o, anc_err *err);
void anc_proposals_abandon(anc_proposals_out *o); /* NULL is allowed */

typedef struct anc_proposals anc_proposals;

/* Opens either kind; the content decides. Of a proposals.h5 only the image table stays in memory; a results
 * JSON is read whole, as a stream. Errors: ANC_EDATA (with line and column for JSON), ANC_ESYSTEM,
 * ANC_EMEMORY; the text starts with the path. */
anc_status anc_proposals_open(const char *path, anc_proposals **out, anc_err *err);
void anc_proposals_close(anc_proposals *p); /* NULL is allowed */

int64_t anc_proposals_images(const anc_proposals *p);
int64_t anc_proposals_count(const anc_proposals *p);
const int64_t *anc_proposals_ids(const anc_proposals *p); /* [images] ascending */
const char *anc_proposals_format(const anc_proposals *p); /* "proposals", "coco results" */
const char *anc_proposals_config(const anc_proposals *p); /* JSON; NULL for results */

/* Images [first, first + n), within the file, into an empty set, which stays empty on errors. */
anc_status anc_proposals_read(const anc_proposals *p, int64_t first, int64_t n, anc_proposal_set *out,
                              anc_err *err);

/* Writes all of them as COCO results: a list of {"image_id", "category_id" (1), "bbox": [x, y, w, h],
 * "score"}; the numbers are the shortest that read back as the same float32. Errors: ANC_EDATA, ANC_ESYSTEM,
 * ANC_EMEMORY. */
anc_status anc_proposals_write_coco(const anc_proposals *p, const char *path, anc_err *err);

#endif
