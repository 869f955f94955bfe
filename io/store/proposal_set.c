/* io/store/proposal_set.c: see proposal_set.h */
#include "io/store/proposal_set.h"
#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

void anc_proposal_set_clear(anc_proposal_set *s)
{
    free(s->image_id);
    free(s->offset);
    free(s->xyxy);
    free(s->score);
    free(s->level);
    *s = (anc_proposal_set){ 0 };
}

anc_status anc_proposal_set_check_table(const anc_proposal_set *s, anc_err *err)
{
    for (int64_t i = 1; i < s->n_images; i++)
        if (s->image_id[i] <= s->image_id[i - 1])
            return anc_fail(err, ANC_EDATA, "image ids do not ascend: %" PRId64 " follows %" PRId64,
                            s->image_id[i], s->image_id[i - 1]);
    if (s->offset[0] != 0) /* first, so that no difference below overflows */
        return anc_fail(err, ANC_EDATA, "/proposals/offset starts at %" PRId64 ", not at 0", s->offset[0]);
    for (int64_t i = 0; i < s->n_images; i++)
        if (s->offset[i + 1] < s->offset[i] || s->offset[i + 1] - s->offset[i] > INT32_MAX)
            return anc_fail(err, ANC_EDATA,
                            "/proposals/offset goes from %" PRId64 " to %" PRId64 " at image %" PRId64,
                            s->offset[i], s->offset[i + 1], s->image_id[i]);
    if (s->offset[s->n_images] != s->n)
        return anc_fail(err, ANC_EDATA,
                        "/proposals/offset ends at %" PRId64 ", but there are %" PRId64 " proposals",
                        s->offset[s->n_images], s->n);
    return ANC_OK;
}

anc_status anc_proposal_set_check_rows(const anc_proposal_set *s, anc_err *err)
{
    for (int64_t i = 0; i < s->n_images; i++)
        for (int64_t k = s->offset[i]; k < s->offset[i + 1]; k++) {
            const double *b = s->xyxy[k];
            if (!(b[2] >= b[0] && b[3] >= b[1] && isfinite(b[0]) && isfinite(b[1]) && isfinite(b[2]) &&
                  isfinite(b[3])))
                return anc_fail(err, ANC_EDATA,
                                "image %" PRId64 ": proposal %" PRId64 " is (%g, %g, %g, %g), not a box",
                                s->image_id[i], k - s->offset[i], b[0], b[1], b[2], b[3]);
            if (!isfinite(s->score[k]))
                return anc_fail(err, ANC_EDATA, "image %" PRId64 ": proposal %" PRId64 " has a score of %g",
                                s->image_id[i], k - s->offset[i], s->score[k]);
        }
    return ANC_OK;
}
