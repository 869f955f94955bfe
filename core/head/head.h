/* core/head/head.h: the RPN's head at the sampled anchors only, forward and backward
 *
 * A 3x3 convolution (C channels to C', zero padding of one) with ReLU, and two 1x1 convolutions on it:
 * objectness [A] and deltas [4 A, shape-major: a * 4 + k]. One head for all levels, so each level has A
 * shapes. Only sampled anchors carry loss, and the features are not trained: the convolution is needed at
 * their positions alone, at most 256 of 89,523 in a view of 800 x 1333 px, and its gradients are those of the
 * dense computation.
 *
 * Parameters, gradients and momentum are flat vectors of anc_head_size floats, part after part:
 *     convolution  [C'][3 y][3 x][C]   channels innermost, as features lie; torch has [C'][C][3][3]
 *     its bias     [C']
 *     objectness   [A][C'], bias [A]
 *     deltas       [4 A][C'], bias [4 A]
 *
 * A pass is a function of one view and the parameters: every view has its own matrix products, whose shapes
 * depend on it alone, on one thread; so the bits do not depend on which views a process computes before,
 * after or beside it. They do depend on the BLAS library's kernels, that is on the kind of CPU.
 *
 * Source: Ren et al. 2015, section 3.1; docs/METHOD.md, "Training".
 */
#ifndef ANC_CORE_HEAD_HEAD_H
#define ANC_CORE_HEAD_HEAD_H

#include "core/kernels.h"
#include "core/rules.h"

typedef enum {
    ANC_HEAD_CONV_WEIGHT,
    ANC_HEAD_CONV_BIAS,
    ANC_HEAD_CLS_WEIGHT,
    ANC_HEAD_CLS_BIAS,
    ANC_HEAD_BOX_WEIGHT,
    ANC_HEAD_BOX_BIAS,
    ANC_HEAD_PARTS
} anc_head_tensor;

/* torchvision's names: "head.conv.0.0.weight" ... */
extern const char *const anc_head_names[ANC_HEAD_PARTS];

enum { ANC_HEAD_MAX_CHANNELS = 65536 };

typedef struct {
    int32_t channels, hidden, n_shapes; /* C, C', A */
} anc_head_shape;

size_t anc_head_size(const anc_head_shape *s);                        /* numbers in all parts */
size_t anc_head_first(const anc_head_shape *s, anc_head_tensor part); /* where a part begins */
size_t anc_head_count(const anc_head_shape *s, anc_head_tensor part); /* how many it has */

/* Weights drawn from a normal distribution of that deviation, keyed by seed (Philox); biases 0.
 * Section 3.1.3. */
void anc_head_init(const anc_head_shape *s, uint64_t seed, double std, float *parameters);

/* Between our order of the convolution's weights and torch's, [C'][C][3][3]; in and out differ. */
void anc_head_conv_to_torch(const anc_head_shape *s, const float *ours, float *torch);
void anc_head_conv_from_torch(const anc_head_shape *s, const float *torch, float *ours);

/* One level's feature map: row y * w + x holds the C channels of position (y, x). Borrowed. */
typedef struct {
    int32_t h, w;
    bool half;       /* rows are float16, else float32 */
    const void *row; /* [h * w][C], aligned to its type */
} anc_feature_map;

/* One view's way through the head. Zeroed, then shape and kernels set; anc_head_activations_free. */
typedef struct {
    anc_head_shape shape;
    const anc_kernels *kernels;

    int32_t n, n_positions;    /* sampled anchors, and the positions they stand on */
    int32_t *at, *a;           /* [n] which of the positions, which shape */
    int32_t *position;         /* [n_positions] ascending: over all levels, row after row */
    float *patch;              /* [n_positions][9 C] */
    float *hidden;             /* [n_positions][C'] after the ReLU */
    float *logit, (*delta)[4]; /* [n] objectness; [n] of which the positives' are computed */

    float *back; /* [n_positions][C'] gradient of the loss by hidden */
    int32_t capacity;
} anc_head_activations;

/* Gathers the patches of a view's sampled anchors: anchor [n_positive + n_negative] as core/sample.h has
 * them, each part ascending. map [n_levels]. Deduplicates positions that several anchors share. Errors:
 * ANC_EMEMORY. */
anc_status anc_head_gather(anc_head_activations *p, const anc_feature_map *map, int n_levels,
                           const int32_t *anchor, int32_t n_positive, int32_t n_negative, anc_err *err);

/* logit of all n anchors, delta of the first n_positive. */
void anc_head_forward(anc_head_activations *p, const float *parameters, int32_t n_positive);

/* The gradient of a loss by the parameters, from its gradients by logit [n] and delta [n_positive];
 * overwrites gradient [anc_head_size]. After anc_head_forward with the same parameters. */
void anc_head_backward(anc_head_activations *p, const float *parameters, int32_t n_positive,
                       const float *d_logit, const float (*d_delta)[4], float *gradient);

void anc_head_activations_free(anc_head_activations *p);

/* One thread for the BLAS library, in this process: ranks share the cores already. Once, before the first
 * pass. */
void anc_head_one_thread(void);

/* The kernels that the BLAS library chose for this CPU: "Haswell". */
const char *anc_head_blas(void);

#endif
