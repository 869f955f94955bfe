/* anchorage.h: the labels, minibatches and regression targets of region proposal networks, in process
 *
 * libanchorage does for one image, or a batch of them, what `anchorage label` does for a data set: it gives
 * the same numbers, bit for bit, without files, MPI or threads of its own. It needs libc and libm. A page for
 * those who embed it, with a whole program: docs/LIBRARY.md and examples/embed.c.
 *
 * Coordinates are pixels, boxes are x1, y1, x2, y2 with x to the right and y downwards. x2 and y2 are
 * exclusive edges (width = x2 - x1) unless a comment says "as the rules have them": under match.legacy the
 * rules count pixels (width = x2 - x1 + 1). Sizes are height, width. Shapes in comments: I images, L levels,
 * A anchors of one view, G boxes of one image, M sampled anchors, P positives among them; all arrays are
 * dense, in C order. An anchor's index counts (level, y, x, shape) flattened in this order, as torchvision,
 * detectron2 and mmdetection count.
 *
 * Errors: functions that can fail return ANCHORAGE_OK (0) or another anchorage_status, and then describe it
 * in *error on one line; error may be NULL. On failure, outputs are as they were unless a comment says more,
 * and every object can still be used and must still be freed. No function prints, exits, reads the
 * environment or keeps global state; wrong arguments are errors, never undefined, as far as a pointer can be
 * checked.
 *
 * Ownership: what a _new function gives is the caller's, for the _free function of its type, which accepts
 * NULL. Nothing that is passed in is kept after the call returns, and configurations may be freed while
 * objects that were made from them live.
 *
 * Threads: configurations, layouts and results may be shared by any threads once they exist. Labellers,
 * proposers and recalls hold scratch: one for each thread. Objects may move between threads. All functions
 * are reentrant.
 *
 * Versions: within one soname (libanchorage.so.0) functions are only added, enumerators keep their values,
 * and structures grow only at their end. Structures that a caller fills begin with `size`: zero them, then
 * set it to sizeof; a member that is zero has its default. A caller who was compiled with an older header hands
 * in less, and gets the defaults; with a newer one, members that this library does not know yet must be zero.
 */
#ifndef ANCHORAGE_H
#define ANCHORAGE_H

#include <stddef.h>
#include <stdint.h>

#define ANCHORAGE_VERSION_MAJOR  0
#define ANCHORAGE_VERSION_MINOR  1
#define ANCHORAGE_VERSION_PATCH  0
#define ANCHORAGE_VERSION_STRING "0.1.0"
#define ANCHORAGE_VERSION_NUMBER \
    (ANCHORAGE_VERSION_MAJOR * 1000000 + ANCHORAGE_VERSION_MINOR * 1000 + ANCHORAGE_VERSION_PATCH)

#if defined(__GNUC__)
#define ANCHORAGE_API __attribute__((visibility("default")))
#else
#define ANCHORAGE_API
#endif

#ifdef __cplusplus
extern "C" {
#endif

/* ---- the library ---- */

/* The library's own version, to be compared with the macros that the caller was compiled with: "0.1.0", and
 * major * 1000000 + minor * 1000 + patch. */
ANCHORAGE_API const char *anchorage_version(void);
ANCHORAGE_API int32_t anchorage_version_number(void);

/* The instruction sets that this machine can run, fastest first: "avx2", "scalar". NULL behind the last one.
 * All of them give the same bits. */
ANCHORAGE_API const char *anchorage_simd(size_t i);

/* The presets, in the order of `anchorage presets`: "torchvision-fpn", ... NULL behind the last one. */
ANCHORAGE_API const char *anchorage_preset(size_t i);

typedef enum anchorage_status {
    ANCHORAGE_OK = 0,
    ANCHORAGE_EARGUMENT = 1, /* the caller asked for something impossible */
    ANCHORAGE_EDATA = 2,     /* an image, or its boxes, cannot be what they say */
    ANCHORAGE_EMEMORY = 3    /* out of memory */
} anchorage_status;

/* Plain; never grows. */
typedef struct anchorage_error {
    int32_t code;    /* anchorage_status */
    char text[1020]; /* one line, no control characters, NUL-terminated */
} anchorage_error;

/* ---- configurations ---- */

/* Every rule that decides which anchors a view has, how they are labelled, sampled and encoded. Immutable. */
typedef struct anchorage_config anchorage_config;

/* A configuration from a preset and a text.
 *
 *   preset  its name; NULL: the one that the text's [preset] section names, else torchvision-fpn
 *   ini     [n_bytes] a text as `anchorage label --config` reads it, over the preset; NULL when n_bytes is 0.
 *           `anchorage presets NAME` prints all keys with their meaning; anchorage_config_ini gives the same.
 *
 * Errors: ANCHORAGE_EARGUMENT or ANCHORAGE_EDATA, naming line, key, and the nearest known one;
 * ANCHORAGE_EMEMORY. Numbers are read with a decimal point, whatever the process's locale. */
ANCHORAGE_API int anchorage_config_new(anchorage_config **config, const char *preset, const char *ini,
                                       size_t n_bytes, anchorage_error *error);
ANCHORAGE_API void anchorage_config_free(anchorage_config *config);

/* The whole configuration as such a text, and as the JSON object "rules" that the program keeps in its files;
 * with the keys of both stages. Both live as long as the configuration. */
ANCHORAGE_API const char *anchorage_config_ini(const anchorage_config *config);
ANCHORAGE_API const char *anchorage_config_json(const anchorage_config *config);

/* L, the number of feature levels; 0 for NULL. */
ANCHORAGE_API int32_t anchorage_config_levels(const anchorage_config *config);

/* ---- labels ---- */

/* Labels images one after the other; holds scratch, and the results of its latest call. */
typedef struct anchorage_labeller anchorage_labeller;

/* A labeller by a configuration, of which it keeps a copy.
 *
 *   seed  of sampling, flips and drawn sizes; what is drawn for an image depends on (seed, its id, its epoch)
 *         alone, never on order, threads or batches
 *   simd  an instruction set by name; NULL: the fastest
 *
 * Errors: ANCHORAGE_EARGUMENT (an instruction set that this machine lacks), ANCHORAGE_EMEMORY. Its
 * scratch grows with the largest view, by anchors and by boxes, never by their product. */
ANCHORAGE_API int anchorage_labeller_new(anchorage_labeller **labeller, const anchorage_config *config,
                                         uint64_t seed, const char *simd, anchorage_error *error);
ANCHORAGE_API void anchorage_labeller_free(anchorage_labeller *labeller);

/* The instruction set that it uses; NULL for NULL. */
ANCHORAGE_API const char *anchorage_labeller_simd(const anchorage_labeller *labeller);

/* Whether a view is mirrored left to right. */
typedef enum anchorage_flip {
    ANCHORAGE_FLIP_DRAWN = 0, /* with the configuration's probability, view.flip */
    ANCHORAGE_FLIP_NO = 1,
    ANCHORAGE_FLIP_YES = 2
} anchorage_flip;

/* One image, annotated. Zero it and set size: what stays zero is left to the configuration. */
typedef struct anchorage_image {
    size_t size;           /* sizeof(anchorage_image) */
    int64_t id;            /* keys the draws, with the epoch */
    int32_t epoch;         /* of the training run, from 0 on */
    int32_t height, width; /* of the original, 1 to 1,000,000 px */
    int32_t n_boxes;       /* G */

    /* [G][4] in original pixels, exclusive edges, x1 < x2 and y1 < y2; they may lie over the image's edge.
     * float64, so that each system's own rounding of the resize can follow. */
    const double *boxes;
    const uint8_t *crowd;    /* [G] 1: a crowd or ignore region, no object; NULL: none is */
    const int32_t *category; /* [G] category ids; NULL: all 0. Only the second stage computes with them. */

    int32_t view_height, view_width; /* px: the size that the image was resized to; 0: by view.resize */

    /* px: what the anchors lie on, no less than the view; 0: the view's size rounded up to view.pad. */
    int32_t padded_height, padded_width;
    const int32_t *grid; /* [L][2] rows, columns of each level's feature map; NULL: ceil(padded / stride) */
    int32_t flip;        /* anchorage_flip */

    /* 1: boxes and proposals are in the view's pixels, after an augmentation of the caller's own: resized,
     * mirrored, clipped, corners as the rules have them. They are rounded to float32 and taken as they are;
     * those without area take no part. */
    int32_t boxes_in_view;
    const double *proposals; /* [n_proposals][4] of the second stage: as boxes, in any order */
    int32_t n_proposals;
    int32_t reserved; /* 0 */
} anchorage_image;

/* What anchorage_label does beside its usual results. */
enum {
    ANCHORAGE_ASSIGNMENT = 1, /* every positive and ignored anchor */
    ANCHORAGE_LABELS = 2,     /* the label of every anchor: A bytes an image, and time that grows with A */
    ANCHORAGE_BOXES = 4,      /* the annotated boxes in the view's pixels */
    ANCHORAGE_BOX_STATS = 8,  /* of each box the best IoU and the number of positives */
    ANCHORAGE_PAD_TO_LARGEST = 16 /* lay the anchors of all images on the largest padded height and width
                                     among them, as a batch's tensor is padded; then A is the same for all.
                                     Not with images that give a grid. */
};

/* Results for I images: the columns of a target file (docs/FORMAT.md), and the same bytes. Rows of one kind
 * lie side by side for all images; those of image i are offset[i] to offset[i + 1]. Kinds that were not asked
 * for have offset and columns NULL; a column without rows may be NULL, too. Read-only. */
typedef struct anchorage_targets {
    size_t size;                /* bytes of this structure in this library */
    int32_t n_images, n_levels; /* I; L, 0 of the second stage */

    const int64_t *image_id;    /* [I] */
    const int32_t *epoch;       /* [I] */
    const uint8_t *flip;        /* [I] 1: mirrored */
    const int32_t *view_size;   /* [I][2] px */
    const int32_t *padded_size; /* [I][2] px */
    const float *scale;         /* [I][2] view px / original px: y, x */
    const int32_t *grid;        /* [I][L][2] rows, columns of each level; NULL of the second stage */
    const int32_t *stride;      /* [I][L][2] px from one row, one column to the next; likewise */
    const int32_t *count; /* [I][3] positives, negatives, ignored, before sampling: anchors, or candidates */

    /* The minibatch, of the first stage: positives first, each part ascending. Ren et al. 2015,
     * section 3.1.3. */
    const int64_t *minibatch_offset; /* [I + 1] */
    const int32_t *minibatch_anchor; /* anchor index */
    const int8_t *minibatch_label;   /* 1 positive, 0 negative */

    /* Its positives, in the same order; of the second stage, those of rois. Ren et al. 2015, equation 2. */
    const int64_t *positives_offset; /* [I + 1] */
    const float *positives_target;   /* [][4] tx, ty, tw, th with the configuration's weights */
    const int32_t *positives_gt;     /* the matched box: an index into the image's boxes */

    /* ANCHORAGE_ASSIGNMENT: every anchor that is not negative, ascending. */
    const int64_t *assignment_offset; /* [I + 1] */
    const int32_t *assignment_anchor;
    const int32_t *assignment_gt; /* the matched box; -1: ignored */

    /* ANCHORAGE_LABELS */
    const int64_t *labels_offset; /* [I + 1] */
    const int8_t *labels;         /* 1 positive, 0 negative, -1 ignored (takes no part in the loss) */

    /* ANCHORAGE_BOXES: all of the image's boxes, in their order. */
    const int64_t *boxes_offset; /* [I + 1] */
    const float *boxes;          /* [][4] view px, as the rules have them */
    const int32_t *boxes_category;
    const uint8_t *boxes_crowd;
    const uint8_t *boxes_used; /* 1: took part as an object; 0: a crowd region, or nothing was left of it */

    /* ANCHORAGE_BOX_STATS, of the first stage: all boxes again; 0 for those that took no part as objects. */
    const int64_t *stats_offset;    /* [I + 1] */
    const float *stats_iou;         /* highest IoU with an anchor that takes part */
    const int32_t *stats_positives; /* positive anchors whose matched box it is, before sampling */

    /* The minibatch of the second stage: positives first. */
    const int64_t *rois_offset;   /* [I + 1] */
    const float *rois;            /* [][4] view px, as the rules have them */
    const int32_t *rois_label;    /* class, numbered as roi.classes says; negatives: the background's */
    const int32_t *rois_proposal; /* index into the image's proposals; -1: one of its boxes */
} anchorage_targets;

/* Labels images for the proposal network: places the view, matches anchors, samples, encodes.
 *
 *   images   [n_images], each of images[0].size bytes
 *   flags    ANCHORAGE_... of the enum above
 *   targets  gets the results; they are the labeller's, until its next call, unless they are taken
 *
 * A box that overlaps no anchor makes none positive (some systems make all positive: match.zero_overlap).
 *
 * Errors, naming image and box: ANCHORAGE_EARGUMENT, ANCHORAGE_EDATA (an image of impossible shape, a box
 * that is none), ANCHORAGE_EMEMORY. After one the labeller has no results.
 *
 * Cost: some 10 us for a view of 800 x 1333 px with 268,569 anchors and 7 boxes (docs/RESULTS.md,
 * view.total), growing with the boxes, hardly with the anchors; there is no anchors x boxes matrix.
 *
 * Source: Ren et al. 2015 (arXiv:1506.01497v3), sections 3.1.2 and 3.1.3; where systems differ,
 * docs/METHOD.md. */
ANCHORAGE_API int anchorage_label(anchorage_labeller *labeller, const anchorage_image *images,
                                  size_t n_images, uint32_t flags, const anchorage_targets **targets,
                                  anchorage_error *error);

/* Labels proposals for the detector behind it: which are positive, a minibatch of them, classes and targets,
 * by the rules of [roi]. The images' proposals are used; flags may hold ANCHORAGE_BOXES and
 * ANCHORAGE_PAD_TO_LARGEST.
 *
 *   categories  [n_categories] the data set's category ids, ascending; every matched box is of one of them
 *
 * Errors and cost as anchorage_label's, O(proposals x boxes) here.
 * Source: Girshick 2015 (arXiv:1504.08083v2), section 2.3; docs/METHOD.md, "The second stage". */
ANCHORAGE_API int anchorage_label_rois(anchorage_labeller *labeller, const anchorage_image *images,
                                       size_t n_images, const int32_t *categories, int32_t n_categories,
                                       uint32_t flags, const anchorage_targets **targets,
                                       anchorage_error *error);

/* Makes the results of the labeller's latest call the caller's, without a copy; for anchorage_targets_free.
 * They may outlive the labeller. NULL: there are none, or they were taken. */
ANCHORAGE_API anchorage_targets *anchorage_labeller_take(anchorage_labeller *labeller);
ANCHORAGE_API void anchorage_targets_free(anchorage_targets *targets);

/* ---- anchors, and boxes relative to them ---- */

/* The anchors of one view, as a rule. Immutable. */
typedef struct anchorage_layout anchorage_layout;

/* One level of it; never grows. */
typedef struct anchorage_level {
    int32_t rows, columns;      /* positions of its grid */
    int32_t stride_y, stride_x; /* px between them; by anchors.stride_from_grid they depend on the view */
    int32_t first;              /* index of its first anchor */
    int32_t shapes;             /* anchors at each position */
} anchorage_level;

/* The anchors of a view.
 *
 *   view    [2] height, width, px: what a border rule counts from
 *   padded  [2] what the anchors lie on; NULL: the view rounded up to view.pad
 *   grid    [L][2] rows, columns of each level; NULL: ceil(padded / stride)
 *
 * The arrays may point into anchorage_targets. Errors: ANCHORAGE_EARGUMENT; ANCHORAGE_EDATA (no position, or
 * 2^31 anchors and more); ANCHORAGE_EMEMORY. About 80 KB, whatever A is. */
ANCHORAGE_API int anchorage_layout_new(anchorage_layout **layout, const anchorage_config *config,
                                       const int32_t *view, const int32_t *padded, const int32_t *grid,
                                       anchorage_error *error);
ANCHORAGE_API void anchorage_layout_free(anchorage_layout *layout);

/* A; 0 for NULL. */
ANCHORAGE_API int32_t anchorage_layout_anchors(const anchorage_layout *layout);

/* Writes the first `capacity` levels to levels, and returns how many there are: L; 0 for NULL. */
ANCHORAGE_API int32_t anchorage_layout_levels(const anchorage_layout *layout, anchorage_level *levels,
                                              int32_t capacity);

/* The boxes of anchors first, first + 1, ... first + n - 1, in view px, as the rules have them, rounded once:
 * boxes [n][4]. Errors: ANCHORAGE_EARGUMENT.
 * Source: each system's own generator; docs/METHOD.md, "Anchors". */
ANCHORAGE_API int anchorage_layout_boxes(const anchorage_layout *layout, int32_t first, int32_t n,
                                         float *boxes, anchorage_error *error);

/* Targets of n pairs of an anchor, by index, and a box in view px: anchors [n], boxes [n][4], targets [n][4].
 * Logarithms are taken in double and rounded once, so the bits are the same on every machine; boxes without
 * area give NaN or infinity. Errors: ANCHORAGE_EARGUMENT, such as an anchor that the layout lacks.
 * Source: Ren et al. 2015, equation 2; docs/METHOD.md, "Targets". */
ANCHORAGE_API int anchorage_encode(const anchorage_layout *layout, const int32_t *anchors, const float *boxes,
                                   int32_t n, float *targets, anchorage_error *error);

/* The way back, from predictions to boxes, neither clipped nor cleaned; tw and th are bound as the
 * configuration's system bounds them. Arguments as above, with targets in and boxes out. */
ANCHORAGE_API int anchorage_decode(const anchorage_layout *layout, const int32_t *anchors,
                                   const float *targets, int32_t n, float *boxes, anchorage_error *error);

/* The same between boxes, for the second stage: from RoIs to boxes, with [roi] coder and weights. rois, boxes
 * and targets [n][4]; boxes as the rules have them. Errors: ANCHORAGE_EARGUMENT. */
ANCHORAGE_API int anchorage_encode_rois(const anchorage_config *config, const float *rois, const float *boxes,
                                        int32_t n, float *targets, anchorage_error *error);
ANCHORAGE_API int anchorage_decode_rois(const anchorage_config *config, const float *rois,
                                        const float *targets, int32_t n, float *boxes,
                                        anchorage_error *error);

/* ---- suppression and proposals ---- */

/* Zero it and set size and iou. */
typedef struct anchorage_nms_options {
    size_t size; /* sizeof(anchorage_nms_options) */
    double iou;  /* a box that overlaps a better one by more is suppressed; a float32 IoU is compared with it
                    in double */
    int32_t limit;     /* how many are kept at most; 0: any number */
    int32_t at_least;  /* 1: an overlap of exactly iou suppresses, too (py-faster-rcnn's cpu_nms) */
    int32_t inclusive; /* 1: width = x2 - x1 + 1 */
    int32_t reserved;  /* 0 */
} anchorage_nms_options;

/* Non-maximum suppression, greedy and exact: what is kept equals what the O(n^2) loop keeps, bit for bit.
 *
 *   boxes   [n][4] any floats; one with a NaN, or without area, suppresses nothing
 *   scores  [n] ties go to the lower index, NaN comes last
 *   groups  [n] classes or levels: only boxes of one group suppress each other; NULL: all are of one
 *   keep    [n] gets the kept ones' indices, the best first, and *n_keep how many; undefined on failure
 *
 * Errors: ANCHORAGE_EARGUMENT, ANCHORAGE_EMEMORY. Near O(n log n).
 * Source: torchvision's nms (ops/csrc/cpu/nms_kernel.cpp) and, by group, its batched_nms without the offsets'
 * rounding; docs/METHOD.md, "Suppression". */
ANCHORAGE_API int anchorage_nms(const float *boxes, const float *scores, const int32_t *groups, int32_t n,
                                const anchorage_nms_options *options, int32_t *keep, int32_t *n_keep,
                                anchorage_error *error);

/* How a view's proposals are chosen. */
typedef struct anchorage_proposal_options {
    size_t size;         /* sizeof(anchorage_proposal_options) */
    double iou;          /* see anchorage_nms_options */
    double min_side;     /* px */
    double least_score;  /* -INFINITY: any */
    int32_t n_before;    /* of a level, the best by score, before suppression */
    int32_t n_level;     /* of a level, after it; 0: any number */
    int32_t n_after;     /* of the view */
    int32_t at_least;    /* see anchorage_nms_options */
    int32_t side_above;  /* 1: sides must be above min_side; 0: min_side itself will do */
    int32_t side_scaled; /* 1: min_side counts in the original's pixels */
    int32_t small_first; /* 1: n_before counts only boxes that are large enough */
    int32_t probability; /* 1: scores are 1 / (1 + exp(-logit)); 0: the logits */
    int32_t finite;      /* 1: boxes and scores that are not finite are dropped; 0: clipped */
    int32_t batched; /* of a view with at most so many boxes, levels are told apart in suppression by moving
                        their boxes away from each other in float32, whose rounding can show, as systems do */
} anchorage_proposal_options;

/* Sets options to what the configuration's system does, in training (training = 1: more proposals) or at test
 * time. options->size must be set. Errors: ANCHORAGE_EARGUMENT. */
ANCHORAGE_API int anchorage_proposal_options_of(const anchorage_config *config, int32_t training,
                                                anchorage_proposal_options *options, anchorage_error *error);

/* Scratch and latest result of proposals. For one thread at a time. */
typedef struct anchorage_proposer anchorage_proposer;

/* Errors: ANCHORAGE_EARGUMENT (options that make no sense), ANCHORAGE_EMEMORY. */
ANCHORAGE_API int anchorage_proposer_new(anchorage_proposer **proposer, const anchorage_config *config,
                                         const anchorage_proposal_options *options, anchorage_error *error);
ANCHORAGE_API void anchorage_proposer_free(anchorage_proposer *proposer);

/* The proposals of one view, the best first. The proposer's, until its next call. */
typedef struct anchorage_proposals {
    size_t size; /* bytes of this structure in this library */
    int32_t n;
    const int32_t *anchor; /* [n] anchor index */
    const int32_t *level;  /* [n] */
    const float *score;    /* [n] */
    const float *boxes;    /* [n][4] view px, clipped to the view, as the rules have them */
} anchorage_proposals;

/* From a head's predictions to proposals: the best of each level are decoded, clipped, cleared of small ones,
 * suppressed.
 *
 *   layout  of the view, by the proposer's configuration
 *   logits  [A] objectness
 *   deltas  [A][4] relative to the anchors
 *   scale   view px per original px, for side_scaled; 1 otherwise
 *
 * Errors: ANCHORAGE_EARGUMENT, ANCHORAGE_EMEMORY. O(A), and O(n_before log n_before) for each level.
 * Source: Ren et al. 2015, section 3.3; docs/METHOD.md, "Proposals". */
ANCHORAGE_API int anchorage_propose(anchorage_proposer *proposer, const anchorage_layout *layout,
                                    const float *logits, const float *deltas, double scale,
                                    const anchorage_proposals **proposals, anchorage_error *error);

/* ---- average recall ---- */

typedef enum anchorage_recall_protocol {
    ANCHORAGE_RECALL_COCO = 0,     /* cocoapi's COCOeval with useCats = 0 */
    ANCHORAGE_RECALL_DETECTRON = 1 /* evaluate_box_proposals of Detectron and detectron2 */
} anchorage_recall_protocol;

/* Rows of a recall: objects of all sizes, or below 32^2 px, below 96^2 px, and above; then one for each
 * group. */
enum {
    ANCHORAGE_RECALL_ALL = 0,
    ANCHORAGE_RECALL_SMALL = 1,
    ANCHORAGE_RECALL_MEDIUM = 2,
    ANCHORAGE_RECALL_LARGE = 3,
    ANCHORAGE_RECALL_GROUPS = 4
};

/* Counts of found objects, image by image. For one thread at a time. */
typedef struct anchorage_recall anchorage_recall;

/* Empty counts.
 *
 *   tops      [n_tops] ascending, from 1 on: how many of an image's proposals may count; at most 16 of them
 *   n_groups  categories that are also counted by themselves
 *
 * Errors: ANCHORAGE_EARGUMENT, ANCHORAGE_EMEMORY. */
ANCHORAGE_API int anchorage_recall_new(anchorage_recall **recall, int32_t protocol, const int32_t *tops,
                                       int32_t n_tops, int32_t n_groups, anchorage_error *error);
ANCHORAGE_API void anchorage_recall_free(anchorage_recall *recall);

/* Counts one image: its boxes, crowd and proposals, in original pixels; category holds groups, 0 to n_groups
 * - 1 (NULL with n_groups 0). scores [n_proposals]: the best come first, ties as they stand. Class-agnostic.
 * Errors: ANCHORAGE_EARGUMENT, ANCHORAGE_EDATA, ANCHORAGE_EMEMORY; the image is then not counted. O(boxes x
 * proposals). */
ANCHORAGE_API int anchorage_recall_add(anchorage_recall *recall, const anchorage_image *image,
                                       const double *scores, anchorage_error *error);

/* Adds the counts of another one with the same protocol, tops and groups, such as another thread's. Errors:
 * ANCHORAGE_EARGUMENT. */
ANCHORAGE_API int anchorage_recall_merge(anchorage_recall *into, const anchorage_recall *from,
                                         anchorage_error *error);

/* Objects of a row; and the share of them that the best tops[top] proposals of each image find, at IoU
 * .50 + .05 * iou, 0 <= iou < 10, or averaged over these (Hosang et al. 2015). NAN without objects, or for a
 * row, iou or top that there is not. */
ANCHORAGE_API int64_t anchorage_recall_objects(const anchorage_recall *recall, int32_t row);
ANCHORAGE_API double anchorage_recall_at(const anchorage_recall *recall, int32_t row, int32_t iou,
                                         int32_t top);
ANCHORAGE_API double anchorage_recall_average(const anchorage_recall *recall, int32_t row, int32_t top);

/* ---- random numbers, so that others can repeat what is drawn here ---- */

/* One block of Philox4x32-10 (Salmon et al. 2011, as in Random123): out [4] of key [2] and counter [4]. All
 * draws are of key (seed's low, high half) and counter (purpose << 24 | block, epoch, id's low, high half).
 */
ANCHORAGE_API void anchorage_philox(const uint32_t *key, const uint32_t *counter, uint32_t *out);

/* What numbers are drawn for. */
typedef enum anchorage_purpose {
    ANCHORAGE_DRAW_POSITIVES = 1,
    ANCHORAGE_DRAW_NEGATIVES = 2,
    ANCHORAGE_DRAW_FLIP = 3,
    ANCHORAGE_DRAW_SCALE = 4,
    ANCHORAGE_DRAW_ROI_POSITIVES = 8,
    ANCHORAGE_DRAW_ROI_NEGATIVES = 9
} anchorage_purpose;

/* The first number in [0, 1), of 53 bits, that is drawn for an image in an epoch: it is mirrored when that of
 * ANCHORAGE_DRAW_FLIP is below view.flip. */
ANCHORAGE_API double anchorage_uniform(uint64_t seed, int64_t id, int32_t epoch, int32_t purpose);

/* k of [0, n) by Floyd's algorithm, ascending, every subset equally likely: out [k]. The places, among a
 * view's positives in ascending order, of those in its minibatch (sample.sampler = philox); likewise of RoIs.
 * Of negatives only where they are rare, see docs/METHOD.md, "Minibatches". Errors: ANCHORAGE_EARGUMENT,
 * ANCHORAGE_EMEMORY. */
ANCHORAGE_API int anchorage_draw(uint64_t seed, int64_t id, int32_t epoch, int32_t purpose, int32_t n,
                                 int32_t k, int32_t *out, anchorage_error *error);

/* torch.randperm(n) on the CPU after torch.manual_seed(seed) and `skip` earlier draws of 32 bits: out [n]. A
 * permutation of n takes n - 1 of them, so that with sampler = torch the positives are the first of
 * randperm(0, n_positive), and the negatives of randperm(n_positive - 1, n_negative), both by seed. Errors:
 * ANCHORAGE_EARGUMENT. O(skip + n). */
ANCHORAGE_API int anchorage_torch_randperm(uint64_t seed, int64_t skip, int32_t n, int32_t *out,
                                           anchorage_error *error);

#ifdef __cplusplus
}
#endif

#endif
