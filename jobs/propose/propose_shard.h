/* jobs/propose/propose_shard.h: what a propose run is, and the proposals of one of its shards
 *
 * A shard is a run of images, ascending by id, fixed by the features and the options, never by the number of
 * ranks.
 */
#ifndef ANC_JOBS_PROPOSE_PROPOSE_SHARD_H
#define ANC_JOBS_PROPOSE_PROPOSE_SHARD_H

#include "core/head/dense.h"
#include "core/proposals.h"
#include "io/store/feature.h"
#include "io/store/proposals.h"

/* Everything that decides the bytes of the output; plain bytes, so that rank 0 can broadcast it. */
typedef struct {
    anc_rules rules; /* the head's: anchors and coder count */
    char preset[64]; /* whose proposal rules */
    anc_proposal_rules proposals;
    anc_head_shape shape;
    uint64_t head, features; /* fingerprints */
    int64_t n_images, images_per_shard;
} anc_propose_plan;

int64_t anc_propose_shards(const anc_propose_plan *p);
void anc_propose_run_of(const anc_propose_plan *p, int64_t shard, int64_t *first, int64_t *n);

/* The plan as one line of JSON, malloc'ed; NULL: no memory. */
char *anc_propose_describe(const anc_propose_plan *p);

/* The features must be of the plan's levels, strides and channels. Errors: ANC_EDATA, naming file and remedy.
 */
anc_status anc_propose_fit(const anc_propose_plan *p, const char *head, const anc_features_info *info,
                           anc_err *err);

/* Of the parameters; of sizes, grids and a few rows of the features. */
uint64_t anc_propose_head_fingerprint(const anc_head_shape *s, const float *parameters);
anc_status anc_propose_features_fingerprint(anc_features *f, uint64_t *fingerprint, anc_err *err);

/* Places in the features, ascending by image id: malloc'ed [n_images]; NULL: no memory. */
int64_t *anc_propose_order(const anc_features_info *info);

/* What a rank tells of a finished shard: counts, and seconds of work by stage. */
enum {
    ANC_P_IMAGES,
    ANC_P_POSITIONS,
    ANC_P_ANCHORS,
    ANC_P_CANDIDATES,
    ANC_P_PROPOSALS,
    ANC_P_WITHOUT,
    ANC_P_COUNTS
};
enum { ANC_PS_READ, ANC_PS_DENSE, ANC_PS_RANK, ANC_PS_NMS, ANC_PS_WRITE, ANC_PS_STAGES };
typedef struct {
    int64_t n[ANC_P_COUNTS];
    double s[ANC_PS_STAGES];
} anc_propose_record;

double anc_propose_busy_s(const anc_propose_record *r); /* of all stages */

/* Makes shards one after the other; init, then free. */
typedef struct {
    const anc_propose_plan *plan; /* borrowed, as are features and order */
    anc_features *features;
    const int64_t *order;
    anc_dense dense;
    anc_proposer proposer;
    anc_grid grid;
    float *logit, (*delta)[4];
    int32_t capacity;     /* anchors */
    anc_proposal_set set; /* of the shard that was made last */
    int64_t set_capacity;
    bool (*between)(void *context); /* between two levels: false drops the shard. NULL: nobody asks */
    void *context;
} anc_proposal_maker;

anc_status anc_proposal_maker_init(anc_proposal_maker *m, const anc_propose_plan *plan,
                                   anc_features *features, const int64_t *order, const float *parameters,
                                   const anc_kernels *kernels, anc_err *err);
void anc_proposal_maker_free(anc_proposal_maker *m);

/* The proposals of one shard into m->set; adds to *r. *dropped: `between` said so, m->set is not whole.
 * Errors name the image. */
anc_status anc_proposals_make(anc_proposal_maker *m, int64_t shard, anc_propose_record *r, bool *dropped,
                              anc_err *err);

#endif
