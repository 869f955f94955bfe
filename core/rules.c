/* core/rules.c: see rules.h. The presets follow docs/METHOD.md, which names the source of each value. */
#include "core/rules.h"
#include <math.h>
#include <stddef.h>
#include <string.h>

#define FPN_LEVELS                                                               \
    .n_levels = 5, .stride = { 4, 8, 16, 32, 64 }, .n_sizes = { 1, 1, 1, 1, 1 }, \
    .size = { { 32 }, { 64 }, { 128 }, { 256 }, { 512 } }, .n_ratios = 3, .ratio = { 0.5, 1, 2 }
#define C4_LEVEL                                                                                             \
    .n_levels = 1, .stride = { 16 }, .n_sizes = { 5 }, .size = { { 32, 64, 128, 256, 512 } }, .n_ratios = 3, \
    .ratio = { 0.5, 1, 2 }
#define SAMPLE                                                             \
    {                                                                      \
        .batch = 256, .positive_fraction = 0.5, .rule = ANC_SAMPLER_PHILOX \
    }
#define UNIT_CODER(form)                       \
    {                                          \
        .rule = form, .weight = { 1, 1, 1, 1 } \
    }

#define ROI(size, order, numbers, form)                                                          \
    {                                                                                            \
        .batch = size, .positive_fraction = 0.25, .positive_iou = 0.5, .negative_iou_high = 0.5, \
        .append_gt = order, .classes = numbers, .coder = form, .weight = {                       \
            10,                                                                                  \
            10,                                                                                  \
            5,                                                                                   \
            5                                                                                    \
        }                                                                                        \
    }

/* What torchvision changed from 0.14 on is how sizes are computed; anchors, labels, samples and targets are
 * the same. */
#define TORCHVISION_FPN(its_name, its_resize)                                                     \
    {                                                                                             \
        .name = its_name,                                                                         \
        .view = { .resize = its_resize,                                                           \
                  .n_min_sizes = 1,                                                               \
                  .min_size = { 800 },                                                            \
                  .max_size = 1333,                                                               \
                  .pad = 32 },                                                                    \
        .boxes = { .rule = ANC_BOXES_TORCHVISION, .crowd = ANC_CROWD_DROP, .ignore_iof = 0.5 },   \
        .anchors = { .rule = ANC_ANCHORS_TORCHVISION, FPN_LEVELS, .stride_from_grid = true },     \
        .match = { .positive_iou = 0.7, .negative_iou = 0.3, .low_quality = ANC_LOW_QUALITY_ON }, \
        .sample = SAMPLE, .coder = UNIT_CODER(ANC_CODER_CORNER),                                  \
        .roi = ROI(512, ANC_APPEND_AFTER, ANC_CLASSES_IDS, ANC_CODER_CORNER),                     \
    }

static const anc_rules presets[] = {
    TORCHVISION_FPN("torchvision-fpn", ANC_RESIZE_TORCHVISION_DOUBLE),
    TORCHVISION_FPN("torchvision-0.14-fpn", ANC_RESIZE_TORCHVISION),
    {
        .name = "detectron2-fpn",
        .view = { .resize = ANC_RESIZE_DETECTRON2,
                  .n_min_sizes = 1,
                  .min_size = { 800 },
                  .max_size = 1333,
                  .pad = 32 },
        .boxes = { .rule = ANC_BOXES_DETECTRON2, .crowd = ANC_CROWD_DROP, .ignore_iof = 0.5 },
        .anchors = { .rule = ANC_ANCHORS_DETECTRON2, FPN_LEVELS },
        .match = { .positive_iou = 0.7, .negative_iou = 0.3, .low_quality = ANC_LOW_QUALITY_ON },
        .sample = SAMPLE,
        .coder = UNIT_CODER(ANC_CODER_CORNER),
        .roi = ROI(512, ANC_APPEND_AFTER, ANC_CLASSES_FROM_ZERO, ANC_CODER_CORNER),
    },
    {
        .name = "detectron2-c4",
        .view = { .resize = ANC_RESIZE_DETECTRON2, .n_min_sizes = 1, .min_size = { 800 }, .max_size = 1333 },
        .boxes = { .rule = ANC_BOXES_DETECTRON2, .crowd = ANC_CROWD_DROP, .ignore_iof = 0.5 },
        .anchors = { .rule = ANC_ANCHORS_DETECTRON2, C4_LEVEL },
        .match = { .positive_iou = 0.7, .negative_iou = 0.3, .low_quality = ANC_LOW_QUALITY_ON },
        .sample = SAMPLE,
        .coder = UNIT_CODER(ANC_CODER_CORNER),
        .roi = ROI(512, ANC_APPEND_AFTER, ANC_CLASSES_FROM_ZERO, ANC_CODER_CORNER),
    },
    {
        .name = "mmdet-fpn",
        .view = { .resize = ANC_RESIZE_MMCV,
                  .n_min_sizes = 1,
                  .min_size = { 800 },
                  .max_size = 1333,
                  .pad = 32 },
        .boxes = { .rule = ANC_BOXES_MMDET, .crowd = ANC_CROWD_DROP, .ignore_iof = 0.5 },
        .anchors = { .rule = ANC_ANCHORS_MMDET, FPN_LEVELS },
        .match = { .positive_iou = 0.7,
                   .negative_iou = 0.3,
                   .low_quality = ANC_LOW_QUALITY_CLAIM,
                   .low_quality_iou = 0.3,
                   .union_floor = 1e-6 },
        .sample = SAMPLE,
        .coder = UNIT_CODER(ANC_CODER_CENTRE),
        .roi = ROI(512, ANC_APPEND_BEFORE, ANC_CLASSES_FROM_ZERO, ANC_CODER_CENTRE),
    },
    {
        .name = "faster-rcnn-vgg16",
        .view = { .resize = ANC_RESIZE_PY_FASTER_RCNN,
                  .n_min_sizes = 1,
                  .min_size = { 600 },
                  .max_size = 1000 },
        .boxes = { .rule = ANC_BOXES_PY_FASTER_RCNN, .crowd = ANC_CROWD_KEEP, .ignore_iof = 0.5 },
        .anchors = { .rule = ANC_ANCHORS_LEGACY,
                     .n_levels = 1,
                     .stride = { 16 },
                     .n_sizes = { 3 },
                     .size = { { 128, 256, 512 } },
                     .n_ratios = 3,
                     .ratio = { 0.5, 1, 2 },
                     .border = ANC_BORDER_DROP },
        .match = { .positive_iou = 0.7,
                   .negative_iou = 0.3,
                   .low_quality = ANC_LOW_QUALITY_ON,
                   .legacy = true,
                   .float64 = true },
        .sample = SAMPLE,
        .coder = UNIT_CODER(ANC_CODER_DOUBLE),
        .roi = ROI(128, ANC_APPEND_AFTER, ANC_CLASSES_FROM_ONE, ANC_CODER_DOUBLE),
    },
    {
        .name = "maskrcnn-benchmark-fpn",
        .view = { .resize = ANC_RESIZE_MASKRCNN_BENCHMARK,
                  .n_min_sizes = 1,
                  .min_size = { 800 },
                  .max_size = 1333,
                  .pad = 32 },
        .boxes = { .rule = ANC_BOXES_MASKRCNN_BENCHMARK, .crowd = ANC_CROWD_DROP, .ignore_iof = 0.5 },
        .anchors = { .rule = ANC_ANCHORS_LEGACY, FPN_LEVELS, .border = ANC_BORDER_IGNORE },
        .match = { .positive_iou = 0.7,
                   .negative_iou = 0.3,
                   .low_quality = ANC_LOW_QUALITY_ON,
                   .legacy = true },
        .sample = SAMPLE,
        .coder = UNIT_CODER(ANC_CODER_CORNER),
        .roi = ROI(512, ANC_APPEND_AFTER, ANC_CLASSES_FROM_ONE, ANC_CODER_CORNER),
    },
};

const char *const anc_rules_preset_names[] = {
    "torchvision-fpn", "torchvision-0.14-fpn", "detectron2-fpn",         "detectron2-c4",
    "mmdet-fpn",       "faster-rcnn-vgg16",    "maskrcnn-benchmark-fpn", NULL,
};

const anc_rules *anc_rules_preset(const char *name)
{
    for (size_t i = 0; i < sizeof presets / sizeof *presets; i++)
        if (!strcmp(presets[i].name, name)) return &presets[i];
    return NULL;
}

/* Git commits where a system made no release of what was run. */
static const struct {
    const char *name, *held_to, *former;
} pedigrees[] = {
    { "torchvision-fpn", "torchvision 0.21.0", NULL },
    { "torchvision-0.14-fpn", "torchvision 0.14.1", "torchvision-fpn" },
    { "detectron2-fpn", "detectron2 02b5c4e", NULL },
    { "detectron2-c4", "detectron2 02b5c4e", NULL },
    { "mmdet-fpn", "mmdetection 3.2.0", NULL },
    { "faster-rcnn-vgg16", "py-faster-rcnn 781a917", NULL },
    { "maskrcnn-benchmark-fpn", "maskrcnn-benchmark 57eec25", NULL },
};

const char *anc_rules_preset_held_to(const char *name)
{
    for (size_t i = 0; i < sizeof pedigrees / sizeof *pedigrees; i++)
        if (!strcmp(pedigrees[i].name, name)) return pedigrees[i].held_to;
    return NULL;
}

const char *anc_rules_preset_former(const char *name)
{
    for (size_t i = 0; i < sizeof pedigrees / sizeof *pedigrees; i++)
        if (!strcmp(pedigrees[i].name, name)) return pedigrees[i].former;
    return NULL;
}

const char *anc_rules_preset_now(const anc_rules *r)
{
    for (size_t i = 0; i < sizeof pedigrees / sizeof *pedigrees; i++)
        if (pedigrees[i].former && !strcmp(pedigrees[i].former, r->name) &&
            anc_rules_preset(pedigrees[i].name)->view.resize == r->view.resize)
            return pedigrees[i].name;
    return r->name;
}

static anc_status bad(anc_err *err, const char *key, double value, const char *wanted)
{
    return anc_fail(err, ANC_EARGUMENT, "%s = %g: must be %s", key, value, wanted);
}

static bool within(double x, double low, double high) { return x >= low && x <= high; /* false for NaN */ }

static anc_status check_view(const anc_rules *r, anc_err *err)
{
    if (r->view.resize != ANC_RESIZE_NONE && r->view.resize != ANC_RESIZE_LIKE) {
        if (!within(r->view.n_min_sizes, 1, ANC_MAX_MIN_SIZES))
            return bad(err, "view.min_size", r->view.n_min_sizes, "1 to 16 numbers");
        for (int i = 0; i < r->view.n_min_sizes; i++)
            if (!within(r->view.min_size[i], 1, 100000))
                return bad(err, "view.min_size", r->view.min_size[i], "from 1 to 100000 px");
        if (!within(r->view.max_size, 1, 100000))
            return bad(err, "view.max_size", r->view.max_size, "from 1 to 100000 px");
    }
    if (!within(r->view.pad, 0, 65536)) return bad(err, "view.pad", r->view.pad, "from 0 to 65536 px");
    if (!within(r->view.flip, 0, 1)) return bad(err, "view.flip", r->view.flip, "from 0 to 1");
    if (!within(r->boxes.ignore_iof, 0, 1))
        return bad(err, "boxes.ignore_iof", r->boxes.ignore_iof, "from 0 to 1");
    return ANC_OK;
}

static anc_status check_anchors(const anc_rules *r, anc_err *err)
{
    if (!within(r->anchors.n_levels, 1, ANC_MAX_LEVELS))
        return bad(err, "anchors.strides", r->anchors.n_levels, "1 to 8 numbers");
    if (!within(r->anchors.n_ratios, 1, ANC_MAX_RATIOS))
        return bad(err, "anchors.ratios", r->anchors.n_ratios, "1 to 16 numbers");
    int n_sized = ANC_MAX_LEVELS;
    while (n_sized && !r->anchors.n_sizes[n_sized - 1]) n_sized--;
    if (n_sized != r->anchors.n_levels)
        return anc_fail(err, ANC_EARGUMENT,
                        "anchors.sizes is for %d level%s, anchors.strides for %d: must be as many", n_sized,
                        n_sized == 1 ? "" : "s", r->anchors.n_levels);
    for (int l = 0; l < r->anchors.n_levels; l++) {
        if (!within(r->anchors.stride[l], 1, 65536))
            return bad(err, "anchors.strides", r->anchors.stride[l], "from 1 to 65536 px");
        if (!within(r->anchors.n_sizes[l], 1, ANC_MAX_SIZES))
            return bad(err, "anchors.sizes", r->anchors.n_sizes[l], "1 to 16 numbers for each level");
        for (int s = 0; s < r->anchors.n_sizes[l]; s++)
            if (!within(r->anchors.size[l][s], 1, 100000))
                return bad(err, "anchors.sizes", r->anchors.size[l][s], "from 1 to 100000 px");
    }
    for (int i = 0; i < r->anchors.n_ratios; i++)
        if (!within(r->anchors.ratio[i], 0.01, 100))
            return bad(err, "anchors.ratios", r->anchors.ratio[i], "from 0.01 to 100");
    if (!within(r->anchors.offset, 0, 1))
        return bad(err, "anchors.offset", r->anchors.offset, "from 0 to 1 strides");
    if (!within(r->anchors.border_px, 0, 100000))
        return bad(err, "anchors.border_px", r->anchors.border_px, "from 0 to 100000 px");
    return ANC_OK;
}

static anc_status check_weights(const double weight[4], const char *key, anc_err *err)
{
    for (int i = 0; i < 4; i++)
        if (!within(weight[i], 1e-6, 1e6)) return bad(err, key, weight[i], "from 1e-6 to 1e6");
    return ANC_OK;
}

static anc_status check_roi(const anc_rules *r, anc_err *err)
{
    if (!within(r->roi.batch, 1, 65536)) return bad(err, "roi.batch", r->roi.batch, "from 1 to 65536");
    if (!within(r->roi.positive_fraction, 0, 1))
        return bad(err, "roi.positive_fraction", r->roi.positive_fraction, "from 0 to 1");
    if (!within(r->roi.positive_iou, 0.001, 1))
        return bad(err, "roi.positive_iou", r->roi.positive_iou, "from 0.001 to 1");
    if (!within(r->roi.negative_iou_high, 0.001, r->roi.positive_iou))
        return bad(err, "roi.negative_iou_high", r->roi.negative_iou_high, "from 0.001 to roi.positive_iou");
    if (!within(r->roi.negative_iou_low, 0, r->roi.negative_iou_high))
        return bad(err, "roi.negative_iou_low", r->roi.negative_iou_low, "from 0 to roi.negative_iou_high");
    return check_weights(r->roi.weight, "roi.weights", err);
}

anc_status anc_rules_check(const anc_rules *r, anc_err *err)
{
    if (check_view(r, err) || check_anchors(r, err)) return err->code;
    if (!within(r->match.positive_iou, 0.001, 1))
        return bad(err, "match.positive_iou", r->match.positive_iou, "from 0.001 to 1");
    if (!within(r->match.negative_iou, 0.001, r->match.positive_iou))
        return bad(err, "match.negative_iou", r->match.negative_iou, "from 0.001 to match.positive_iou");
    if (!within(r->match.low_quality_iou, 0, 1))
        return bad(err, "match.low_quality_iou", r->match.low_quality_iou, "from 0 to 1");
    if (r->match.zero_overlap && (r->match.low_quality != ANC_LOW_QUALITY_ON || r->match.low_quality_iou > 0))
        return anc_fail(err, ANC_EARGUMENT,
                        "match.zero_overlap needs match.low_quality = on and match.low_quality_iou = 0");
    if (!within(r->match.union_floor, 0, 1))
        return bad(err, "match.union_floor", r->match.union_floor, "from 0 to 1 px^2");
    if (!within(r->sample.batch, 1, 65536))
        return bad(err, "sample.batch", r->sample.batch, "from 1 to 65536");
    if (!within(r->sample.positive_fraction, 0, 1))
        return bad(err, "sample.positive_fraction", r->sample.positive_fraction, "from 0 to 1");
    if (check_weights(r->coder.weight, "coder.weights", err)) return err->code;
    return check_roi(r, err);
}
