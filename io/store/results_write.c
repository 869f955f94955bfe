/* io/store/results_write.c: proposals as COCO results JSON */
#include "io/file/out.h"
#include "io/store/proposals.h"
#include <inttypes.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The shortest decimal that reads back as the same float32. */
static void number(anc_out *o, double x)
{
    char *to = anc_out_reserve(o, 32);
    int n = 0;
    for (int digits = 6; digits <= 9; digits++) {
        n = snprintf(to, 32, "%.*g", digits, (double)(float)x);
        if (strtof(to, NULL) == (float)x) break;
    }
    anc_out_advance(o, (size_t)n);
}

static void write_text(anc_out *o, const char *text) { anc_out_write(o, text, strlen(text)); }

static void write_set(anc_out *o, const anc_proposal_set *s, bool *any)
{
    for (int64_t i = 0; i < s->n_images; i++)
        for (int64_t k = s->offset[i]; k < s->offset[i + 1]; k++) {
            char *to = anc_out_reserve(o, 96);
            anc_out_advance(o, (size_t)snprintf(to, 96,
                                                "%s{\"image_id\":%" PRId64 ",\"category_id\":1,\"bbox\":[",
                                                *any ? ",\n" : "\n", s->image_id[i]));
            *any = true;
            const double *b = s->xyxy[k], xywh[4] = { b[0], b[1], b[2] - b[0], b[3] - b[1] };
            for (int e = 0; e < 4; e++) {
                if (e) write_text(o, ",");
                number(o, xywh[e]);
            }
            write_text(o, "],\"score\":");
            number(o, s->score[k]);
            write_text(o, "}");
        }
}

anc_status anc_proposals_write_coco(const anc_proposals *p, const char *path, anc_err *err)
{
    enum { AT_ONCE = 64 }; /* images */
    int64_t n = anc_proposals_images(p);
    bool any = false;
    anc_out *o;
    if (anc_out_open(path, &o, err)) return err->code;
    write_text(o, "[");
    for (int64_t i = 0; i < n; i += AT_ONCE) {
        anc_proposal_set set;
        if (anc_proposals_read(p, i, n - i < AT_ONCE ? n - i : AT_ONCE, &set, err)) {
            anc_out_abandon(o);
            return err->code;
        }
        write_set(o, &set, &any);
        anc_proposal_set_clear(&set);
    }
    write_text(o, "\n]\n");
    return anc_out_commit(o, err);
}
