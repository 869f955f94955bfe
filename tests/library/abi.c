/* abi.c: prints what programs that are linked to libanchorage depend on: sizes, offsets, enumerators. abi.txt records it,
 * and check.sh compares: a line that changes or goes breaks them (raise SOVERSION), a new line does not. */
#include <anchorage.h>
#include <stdio.h>

#define SIZE(type)     printf("size %s %zu\n", #type, sizeof(type))
#define AT(type, name) printf("at %s.%s %zu\n", #type, #name, offsetof(type, name))
#define IS(name)       printf("is %s %d\n", #name, (int)name)

static void filled_by_callers(void)
{
    SIZE(anchorage_error);
    AT(anchorage_error, code);
    AT(anchorage_error, text);
    SIZE(anchorage_level);
    AT(anchorage_level, rows);
    AT(anchorage_level, columns);
    AT(anchorage_level, stride_y);
    AT(anchorage_level, stride_x);
    AT(anchorage_level, first);
    AT(anchorage_level, shapes);
    SIZE(anchorage_image);
    AT(anchorage_image, size);
    AT(anchorage_image, id);
    AT(anchorage_image, epoch);
    AT(anchorage_image, height);
    AT(anchorage_image, width);
    AT(anchorage_image, n_boxes);
    AT(anchorage_image, boxes);
    AT(anchorage_image, crowd);
    AT(anchorage_image, category);
    AT(anchorage_image, view_height);
    AT(anchorage_image, view_width);
    AT(anchorage_image, padded_height);
    AT(anchorage_image, padded_width);
    AT(anchorage_image, grid);
    AT(anchorage_image, flip);
    AT(anchorage_image, boxes_in_view);
    AT(anchorage_image, proposals);
    AT(anchorage_image, n_proposals);
    AT(anchorage_image, reserved);
    SIZE(anchorage_nms_options);
    AT(anchorage_nms_options, size);
    AT(anchorage_nms_options, iou);
    AT(anchorage_nms_options, limit);
    AT(anchorage_nms_options, at_least);
    AT(anchorage_nms_options, inclusive);
    AT(anchorage_nms_options, reserved);
    SIZE(anchorage_proposal_options);
    AT(anchorage_proposal_options, size);
    AT(anchorage_proposal_options, iou);
    AT(anchorage_proposal_options, min_side);
    AT(anchorage_proposal_options, least_score);
    AT(anchorage_proposal_options, n_before);
    AT(anchorage_proposal_options, n_level);
    AT(anchorage_proposal_options, n_after);
    AT(anchorage_proposal_options, at_least);
    AT(anchorage_proposal_options, side_above);
    AT(anchorage_proposal_options, side_scaled);
    AT(anchorage_proposal_options, small_first);
    AT(anchorage_proposal_options, probability);
    AT(anchorage_proposal_options, finite);
    AT(anchorage_proposal_options, batched);
}

static void handed_out(void)
{
    AT(anchorage_targets, size);
    AT(anchorage_targets, n_images);
    AT(anchorage_targets, n_levels);
    AT(anchorage_targets, image_id);
    AT(anchorage_targets, epoch);
    AT(anchorage_targets, flip);
    AT(anchorage_targets, view_size);
    AT(anchorage_targets, padded_size);
    AT(anchorage_targets, scale);
    AT(anchorage_targets, grid);
    AT(anchorage_targets, stride);
    AT(anchorage_targets, count);
    AT(anchorage_targets, minibatch_offset);
    AT(anchorage_targets, minibatch_anchor);
    AT(anchorage_targets, minibatch_label);
    AT(anchorage_targets, positives_offset);
    AT(anchorage_targets, positives_target);
    AT(anchorage_targets, positives_gt);
    AT(anchorage_targets, assignment_offset);
    AT(anchorage_targets, assignment_anchor);
    AT(anchorage_targets, assignment_gt);
    AT(anchorage_targets, labels_offset);
    AT(anchorage_targets, labels);
    AT(anchorage_targets, boxes_offset);
    AT(anchorage_targets, boxes);
    AT(anchorage_targets, boxes_category);
    AT(anchorage_targets, boxes_crowd);
    AT(anchorage_targets, boxes_used);
    AT(anchorage_targets, stats_offset);
    AT(anchorage_targets, stats_iou);
    AT(anchorage_targets, stats_positives);
    AT(anchorage_targets, rois_offset);
    AT(anchorage_targets, rois);
    AT(anchorage_targets, rois_label);
    AT(anchorage_targets, rois_proposal);
    AT(anchorage_proposals, size);
    AT(anchorage_proposals, n);
    AT(anchorage_proposals, anchor);
    AT(anchorage_proposals, level);
    AT(anchorage_proposals, score);
    AT(anchorage_proposals, boxes);
}

static void enumerators(void)
{
    IS(ANCHORAGE_OK);
    IS(ANCHORAGE_EARGUMENT);
    IS(ANCHORAGE_EDATA);
    IS(ANCHORAGE_EMEMORY);
    IS(ANCHORAGE_FLIP_DRAWN);
    IS(ANCHORAGE_FLIP_NO);
    IS(ANCHORAGE_FLIP_YES);
    IS(ANCHORAGE_ASSIGNMENT);
    IS(ANCHORAGE_LABELS);
    IS(ANCHORAGE_BOXES);
    IS(ANCHORAGE_BOX_STATS);
    IS(ANCHORAGE_PAD_TO_LARGEST);
    IS(ANCHORAGE_RECALL_COCO);
    IS(ANCHORAGE_RECALL_DETECTRON);
    IS(ANCHORAGE_RECALL_ALL);
    IS(ANCHORAGE_RECALL_SMALL);
    IS(ANCHORAGE_RECALL_MEDIUM);
    IS(ANCHORAGE_RECALL_LARGE);
    IS(ANCHORAGE_RECALL_GROUPS);
    IS(ANCHORAGE_DRAW_POSITIVES);
    IS(ANCHORAGE_DRAW_NEGATIVES);
    IS(ANCHORAGE_DRAW_FLIP);
    IS(ANCHORAGE_DRAW_SCALE);
    IS(ANCHORAGE_DRAW_ROI_POSITIVES);
    IS(ANCHORAGE_DRAW_ROI_NEGATIVES);
}

int main(void)
{
    filled_by_callers();
    handed_out();
    enumerators();
    return 0;
}
