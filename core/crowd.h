/* core/crowd.h: the anchors that lie in crowd regions by more than a share of their own area (IoF) */
#ifndef ANC_CORE_CROWD_H
#define ANC_CORE_CROWD_H

#include "core/grid.h"

typedef struct {
    int32_t shape;       /* index in the grid's base[] */
    int32_t position, n; /* positions [position, position + n) of the shape's level, y * w + x */
} anc_crowd_run;

typedef struct {
    anc_crowd_run *run; /* [n]; may overlap where crowd boxes do */
    int32_t n, capacity;
} anc_crowd_cells_list;

/* Every anchor with intersection / max(its area, 1e-6) > iof for one of the crowd boxes, in float32, as
 * mmdetection's bbox_overlaps(mode='iof') computes it. Reuses and grows out. Errors: ANC_EMEMORY. */
anc_status anc_crowd_cells(const anc_grid *grid, const anc_box *crowd, int32_t n_crowd, float iof,
                           anc_crowd_cells_list *out, anc_err *err);

#endif
