/* jobs/label/label_shard.h: what a label run is, and the labelling of one of its shards
 *
 * A shard is a run of images of one epoch, fixed by the data set and the options, never by the number of
 * ranks. Shared by `label`, which writes shards, and `verify`, which labels them again.
 */
#ifndef ANC_JOBS_LABEL_LABEL_SHARD_H
#define ANC_JOBS_LABEL_LABEL_SHARD_H

#include "core/label.h"
#include "io/store/targets.h"
#include "jobs/cli/clock.h"
#include "jobs/cli/layout.h"
#include "jobs/label/roi_input.h"

/* Everything that decides the bytes of the output; plain bytes, so that rank 0 can broadcast it. */
typedef struct {
    anc_rules rules;
    int64_t seed, epochs, images_per_shard;
    bool assignment, labels, with_gt;
    int64_t n_images, n_boxes;
    uint64_t fingerprint; /* of the data set */
    uint64_t like;        /* of the table of --like; 0: the rules place the views */
    struct {              /* of the second stage: what --proposals is, and the data set's categories */
        int64_t images, count, n_classes;
        uint32_t crc;
        uint64_t classes; /* their fingerprint */
    } roi;
} anc_label_plan;

int64_t anc_label_shards(const anc_label_plan *p);

/* How many images a shard gets when nobody says: 2,048, or twice or four times as many where that would be
 * over 1,000 shards. By the data set and the options alone: never by ranks. p->images_per_shard is not looked
 * at. */
int64_t anc_label_images_per_shard(const anc_label_plan *p);

typedef struct {
    int32_t epoch;
    int64_t first, n; /* images */
} anc_label_range;
anc_label_range anc_label_range_of(const anc_label_plan *p, int64_t shard);

/* The plan as one line of JSON, malloc'ed (NULL: no memory), and back. Errors: ANC_EDATA, ANC_EMEMORY. */
char *anc_label_describe(const anc_label_plan *p);
anc_status anc_label_plan_read(const char *json, anc_label_plan *p, anc_err *err);

/* What a rank tells of a finished shard: counts, and seconds of work by stage. */
enum {
    ANC_N_VIEWS,
    ANC_N_BOXES,
    ANC_N_CROWDS,
    ANC_N_CLIPPED,
    ANC_N_DROPPED,
    ANC_N_UNMATCHED,
    ANC_N_WITHOUT_ANCHOR, /* objects that are no positive's, before sampling; of the second stage no RoI's */
    ANC_N_WITHOUT_POSITIVES,
    ANC_N_ANCHORS,
    ANC_N_POSITIVES,
    ANC_N_NEGATIVES,
    ANC_N_IGNORED,
    ANC_N_SAMPLED_POSITIVES,
    ANC_N_SAMPLED_NEGATIVES,
    ANC_N_BYTES,
    ANC_N_PROPOSALS,
    ANC_N_LEFT_OUT,
    ANC_N_WITHOUT_PROPOSALS,
    ANC_N_COUNTS
};
enum {
    ANC_S_LAY,
    ANC_S_MATCH,
    ANC_S_SAMPLE,
    ANC_S_ENCODE,
    ANC_S_GATHER,
    ANC_S_WRITE,
    ANC_S_SEAL,
    ANC_S_SYNC,
    ANC_N_STAGES
};
typedef struct {
    int64_t n[ANC_N_COUNTS];
    double s[ANC_N_STAGES];
} anc_label_record;

/* Labels shards one after the other; init, then free. */
typedef struct {
    const anc_label_plan *plan; /* borrowed */
    const anc_layout_row *like; /* [n_like] borrowed; needed when plan->like is not 0 */
    int64_t n_layout;
    anc_labeller labeller;
    anc_rois rois;              /* of the second stage; proposals and classes are then needed */
    anc_roi_input *proposals;   /* borrowed */
    const anc_classes *classes; /* borrowed */
    bool bad_proposals;  /* the error is of these, and names their file and image; not of the annotations */
    anc_targets targets; /* of the shard that was labelled last */
    uint8_t *met;        /* [met_capacity] of each object: whether a positive is its */
    int32_t met_capacity;
    bool (*between)(void *context); /* after each view; false: drop the shard. NULL: nobody asks */
    void *context;
} anc_shard_maker;

anc_status anc_shard_maker_init(anc_shard_maker *m, const anc_label_plan *plan, const anc_kernels *kernels,
                                anc_err *err);
void anc_shard_maker_free(anc_shard_maker *m);

/* Labels the images of one shard into m->targets and adds to *r. *dropped: `between` said so, m->targets are
 * not whole. Errors name the image. */
anc_status anc_shard_make(anc_shard_maker *m, const anc_dataset *images, int32_t epoch, anc_label_record *r,
                          bool *dropped, anc_err *err);

#endif
