/* core/roi_match_tmpl.h: matching of candidates and boxes for one floating type (included by roi.c only)
 *
 * REAL is float or double, SUFFIX(x) is x_f32 or x_f64.
 */

/* The candidates side by side, as the loops want them. */
static void SUFFIX(arrange)(const anc_rois *r, REAL legacy_offset, REAL *column)
{
    int32_t capacity = r->capacity;
    for (int32_t i = 0; i < r->n; i++) {
        REAL x1 = r->box[i].x1, y1 = r->box[i].y1, x2 = r->box[i].x2, y2 = r->box[i].y2;
        column[i] = x1;
        column[capacity + i] = y1;
        column[2 * capacity + i] = x2;
        column[3 * capacity + i] = y2;
        column[4 * capacity + i] = (x2 - x1 + legacy_offset) * (y2 - y1 + legacy_offset);
    }
}

/* Leaves in r->gt the matched box of each candidate that reaches the positive threshold, and the two marks.
 */
static void SUFFIX(match)(anc_rois *r, const SUFFIX(anc_loops) * loops, const anc_rules *rules,
                          const anc_box *box, int32_t n_box)
{
    REAL *column = (REAL *)r->column, *best = (REAL *)r->best;
    const SUFFIX(anc_terms)
        terms = { .legacy_offset = rules->match.legacy, .eps = (REAL)rules->match.union_floor };
    const REAL positive = (REAL)rules->roi.positive_iou, high = (REAL)rules->roi.negative_iou_high,
               low = (REAL)rules->roi.negative_iou_low;
    SUFFIX(arrange)(r, terms.legacy_offset, column);
    for (int32_t i = 0; i < r->n; i++) best[i] = n_box ? ANC_CLEAN : 0;
    for (int32_t g = 0; g < n_box; g++) {
        SUFFIX(anc_query) q = { .x1 = box[g].x1, .y1 = box[g].y1, .x2 = box[g].x2, .y2 = box[g].y2 };
        q.w = q.x2 - q.x1 + terms.legacy_offset;
        q.h = q.y2 - q.y1 + terms.legacy_offset;
        q.area = q.w * q.h;
        loops->enter(column, r->capacity, r->n, &q, &terms, g, best, r->gt);
    }
    for (int32_t i = 0; i < r->n; i++) {
        if (n_box && best[i] >= positive) continue;
        r->gt[i] = !n_box || (best[i] < high && best[i] >= low) ? ANC_ROI_NEGATIVE : ANC_ROI_IGNORED;
    }
}
