/* core/rules.h: everything that decides which anchors a view has, how they are labelled, sampled and encoded;
 * and the same for the second stage's RoIs
 *
 * One struct holds every choice in which known systems differ; a preset is a filled struct. Plain data: no
 * pointers, copied freely. docs/METHOD.md states each rule, where it comes from and who uses it.
 */
#ifndef ANC_CORE_RULES_H
#define ANC_CORE_RULES_H

#include "core/err.h"
#include <stdbool.h>
#include <stdint.h>

enum {
    ANC_MAX_LEVELS = 8,
    ANC_MAX_SIZES = 16,                                    /* anchor sizes of one level */
    ANC_MAX_RATIOS = 16,                                   /* ratio = height / width */
    ANC_MAX_PER_POSITION = ANC_MAX_SIZES * ANC_MAX_RATIOS, /* anchors per position */
    ANC_MAX_MIN_SIZES = 16
};

/* How (height, width) of an image becomes (height, width) of its view. Each does its system's own arithmetic.
 */
typedef enum {
    ANC_RESIZE_NONE,
    ANC_RESIZE_TORCHVISION,        /* 0.14: float32 scale by reciprocal, floor */
    ANC_RESIZE_TORCHVISION_DOUBLE, /* 0.21, eager mode: the scale in double, floor */
    ANC_RESIZE_DETECTRON2,         /* two steps in double, round half up */
    ANC_RESIZE_MMCV,               /* one factor in double, round half up */
    ANC_RESIZE_MASKRCNN_BENCHMARK, /* short side exact, long side truncated */
    ANC_RESIZE_PY_FASTER_RCNN,     /* one factor in double, round half to even */
    ANC_RESIZE_LIKE                /* none: each view's sizes are given (anc_view_choice) */
} anc_resize_rule;

/* How an annotated box becomes a box of the view: conversion, cleaning, scaling, clipping, rounding. */
typedef enum {
    ANC_BOXES_TORCHVISION,
    ANC_BOXES_DETECTRON2,
    ANC_BOXES_MMDET,
    ANC_BOXES_MASKRCNN_BENCHMARK,
    ANC_BOXES_PY_FASTER_RCNN
} anc_boxes_rule;

typedef enum {
    ANC_CROWD_DROP,   /* crowd boxes take no part: what lies in them is background */
    ANC_CROWD_KEEP,   /* crowd boxes are objects like others */
    ANC_CROWD_IGNORE, /* negatives that lie in one by more than ignore_iof become ignored */
    ANC_CROWD_EXCLUDE /* any anchor that lies in one by more than ignore_iof is ignored before matching */
} anc_crowd_rule;

typedef enum {
    ANC_ANCHORS_TORCHVISION, /* float32, rounded to even integers, ratio-major */
    ANC_ANCHORS_DETECTRON2,  /* double, not rounded, size-major */
    ANC_ANCHORS_MMDET,       /* float32, not rounded, ratio-major */
    ANC_ANCHORS_LEGACY       /* py-faster-rcnn: inclusive, rounded at the stride's size, ratio-major */
} anc_anchors_rule;

typedef enum {
    ANC_BORDER_KEEP,  /* anchors over the edge are like others */
    ANC_BORDER_DROP,  /* they are ignored, and matched by nothing */
    ANC_BORDER_IGNORE /* they are matched, then ignored: a box whose best anchor is one of them loses it */
} anc_border_rule;

/* A box whose best IoU is below positive_iou still makes its best anchors positive (all of a tie). */
typedef enum {
    ANC_LOW_QUALITY_OFF,
    ANC_LOW_QUALITY_ON,   /* such an anchor's matched gt stays the one with the largest IoU */
    ANC_LOW_QUALITY_CLAIM /* its matched gt becomes the box it is best for; the last such box wins */
} anc_low_quality_rule;

typedef enum {
    ANC_CODER_CORNER, /* centre = x1 + w / 2, float32 */
    ANC_CODER_CENTRE, /* centre = (x1 + x2) / 2, float32 */
    ANC_CODER_DOUBLE  /* corner form, anchor side and quotients in double, rounded once at the end */
} anc_coder_rule;

typedef enum {
    ANC_SAMPLER_PHILOX,      /* keyed by (seed, image id, epoch) */
    ANC_SAMPLER_TORCH,       /* torch's CPU randperm over positives, then over negatives */
    ANC_SAMPLER_TORCH_NEEDED /* the same, but a list that fits whole draws nothing (mmdet) */
} anc_sampler_rule;

/* Which part of Faster R-CNN the targets are for. */
typedef enum {
    ANC_STAGE_RPN, /* the proposal network: anchors */
    ANC_STAGE_ROI  /* the detector on its proposals: regions of interest */
} anc_stage;

/* Ground-truth boxes among the second stage's candidates. */
typedef enum {
    ANC_APPEND_OFF,
    ANC_APPEND_AFTER, /* behind the proposals, matched as these are */
    ANC_APPEND_BEFORE /* in front of them, each matched with itself */
} anc_append_rule;

/* Numbers that stand for classes in the second stage. */
typedef enum {
    ANC_CLASSES_IDS,      /* the category's id; background is 0 */
    ANC_CLASSES_FROM_ONE, /* 1 to C, in ascending order of the ids; background is 0 */
    ANC_CLASSES_FROM_ZERO /* 0 to C - 1, in ascending order of the ids; background is C */
} anc_classes_rule;

typedef struct {
    char name[64];   /* the preset this started from */
    anc_stage stage; /* not part of a preset */
    struct {
        anc_resize_rule resize;
        int32_t n_min_sizes;
        int32_t min_size[ANC_MAX_MIN_SIZES]; /* px, wanted short side; several: one drawn per view */
        int32_t max_size;                    /* px, bound on the long side */
        int32_t pad;                         /* sides padded up to a multiple; 0 and 1: not padded */
        double flip;                         /* probability that a view is mirrored left to right */
    } view;
    struct {
        anc_boxes_rule rule;
        anc_crowd_rule crowd;
        double ignore_iof; /* intersection over the anchor's area */
    } boxes;
    struct {
        anc_anchors_rule rule;
        int32_t n_levels;
        int32_t stride[ANC_MAX_LEVELS]; /* px between grid positions, ascending */
        int32_t n_sizes[ANC_MAX_LEVELS];
        double size[ANC_MAX_LEVELS][ANC_MAX_SIZES]; /* px, square root of the area at ratio 1 */
        int32_t n_ratios;
        double ratio[ANC_MAX_RATIOS]; /* height / width */
        double offset;                /* of position 0, in strides */
        bool stride_from_grid;        /* step = padded side / grid side, as torchvision does */
        anc_border_rule border;
        double border_px; /* how far over the edge still counts as inside */
    } anchors;
    struct {
        double positive_iou, negative_iou;
        anc_low_quality_rule low_quality;
        double low_quality_iou; /* a box's best IoU must reach this for the low-quality rule */
        double union_floor;     /* px^2, the least union that an IoU is divided by */
        bool legacy;            /* inclusive corners: width = x2 - x1 + 1 */
        bool float64;           /* IoU in double */
        bool zero_overlap; /* a gt that overlaps no anchor makes all positive, as some systems do; only with
                              low_quality on */
    } match;
    struct {
        int32_t batch;            /* anchors per view */
        double positive_fraction; /* at most this share of them positive */
        anc_sampler_rule rule;
    } sample;
    struct {
        anc_coder_rule rule;
        double weight[4]; /* of tx, ty, tw, th */
    } coder;
    struct {
        int32_t batch;            /* RoIs per view */
        double positive_fraction; /* at most this share of them positive */
        double positive_iou;      /* a candidate with at least this much is positive */
        double negative_iou_high; /* one with less than this, and at least negative_iou_low, is negative */
        double negative_iou_low;
        anc_append_rule append_gt;
        anc_classes_rule classes;
        anc_coder_rule coder;
        double weight[4]; /* of tx, ty, tw, th */
    } roi;                /* IoU is computed as match says, draws come from where sample says */
} anc_rules;

/* Presets by name, and their names in order (NULL-terminated). NULL for an unknown name. */
const anc_rules *anc_rules_preset(const char *name);
extern const char *const anc_rules_preset_names[];
#define ANC_DEFAULT_PRESET "torchvision-fpn"

/* Which version of its system a preset was held to, by output of that system's own code: "torchvision
 * 0.21.0". NULL for an unknown name. */
const char *anc_rules_preset_held_to(const char *name);

/* The name under which a preset's rules were recorded before it had its own; NULL: under no other. */
const char *anc_rules_preset_former(const char *name);

/* What the rules' preset is called today: "torchvision-0.14-fpn" for rules that are recorded as
 * torchvision-fpn and resize as torchvision 0.14 does. */
const char *anc_rules_preset_now(const anc_rules *r);

/* Refuses values that no view could be labelled with, naming key and value. Errors: ANC_EARGUMENT. */
anc_status anc_rules_check(const anc_rules *r, anc_err *err);

#endif
