/* mpi/reduce.h: the sum of all images' gradients, the same bits however the images are spread over the ranks
 *
 * Floating-point sums depend on their order, and so on the number of ranks; sums of integers do not. Each
 * image's gradient is rounded to 64-bit fixed point, with one power of two for each part (a tensor) that the
 * largest number of all images decides, and those are summed. That number is taken to between 2^46 and 2^47:
 * what is at least 2^-23 of it is exact, what is smaller is rounded at 2^-47 of it, which is finer than
 * float32 sums are.
 */
#ifndef ANC_MPI_REDUCE_H
#define ANC_MPI_REDUCE_H

#include "mpi/team.h"
#include <stdbool.h>

enum { ANC_REDUCE_MAX_TENSORS = 16, ANC_REDUCE_MAX_EXTRA = 8 };

/* A run of the gradient with a scale of its own. */
typedef struct {
    const char *name; /* for errors */
    size_t first, n;
} anc_reduce_tensor;

typedef struct {
    const anc_team *team;
    int n_parts;
    anc_reduce_tensor part[ANC_REDUCE_MAX_TENSORS];
    size_t n;       /* numbers in all parts */
    bool exact;     /* else plain float32 sums, for comparison */
    double wait_s;  /* time in MPI so far, waiting for others included */
    int64_t *fixed; /* [n + ANC_REDUCE_MAX_EXTRA] scratch */
} anc_reduce;

/* The parts follow one another from 0. Errors: ANC_EMEMORY. */
anc_status anc_reduce_init(anc_reduce *r, const anc_team *team, const anc_reduce_tensor *part, int n_parts,
                           bool exact, anc_err *err);
void anc_reduce_clear(anc_reduce *r);

enum { ANC_REDUCE_MAX_IMAGES = 1 << 15 }; /* 2^47 each: their sum stays below 2^62 */

/* What goes along with the gradients. */
typedef struct {
    int64_t sum[ANC_REDUCE_MAX_EXTRA]; /* summed over the ranks */
    int n;
    bool flag; /* raised for all when a rank raises it */
} anc_reduce_extra;

/* Collective. gradient [n_images][r->n] and image [n_images] (ids, for errors) are this rank's. sum [r->n]
 * and *extra are the same on all ranks afterwards. An error that is set in *err on entry is this rank's
 * failure, and is agreed upon. Errors, the same on all ranks: ANC_EDATA, a gradient that is infinite or no
 * number, naming image and part; or a sum that float32 cannot hold, naming the part. */
anc_status anc_reduce_sum(anc_reduce *r, const float *gradient, const int64_t *image, int64_t n_images,
                          float *sum, anc_reduce_extra *extra, anc_err *err);

#endif
