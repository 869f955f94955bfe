/* jobs/inspect/inspect_proposals.c: `anchorage inspect` for proposals.h5 */
#include "core/rules.h"
#include "io/store/proposals.h"
#include "jobs/cli/format.h"
#include "jobs/inspect/inspect.h"
#include "jobs/inspect/inspect_print.h"
#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>

#define COUNT(x) anc_format_count(x).text

enum { BINS = 6 };
static const double side_from[BINS] = { 0, 16, 32, 64, 128, 256 }; /* px, square root of the area */

typedef struct {
    int64_t without, fewest, most;                    /* images without any; fewest and most of an image */
    int64_t level[ANC_MAX_LEVELS], other, side[BINS]; /* proposals */
    double best, worst;                               /* scores */
} figures;

static void count(figures *f, const anc_proposal_set *s)
{
    for (int64_t i = 0; i < s->n_images; i++) {
        int64_t n = s->offset[i + 1] - s->offset[i];
        f->without += !n;
        f->fewest = n < f->fewest ? n : f->fewest;
        f->most = n > f->most ? n : f->most;
    }
    for (int64_t k = 0; k < s->n; k++) {
        double area = (s->xyxy[k][2] - s->xyxy[k][0]) * (s->xyxy[k][3] - s->xyxy[k][1]);
        int bin = BINS - 1;
        while (bin && area < side_from[bin] * side_from[bin]) bin--;
        f->side[bin]++;
        if (s->level[k] >= 0 && s->level[k] < ANC_MAX_LEVELS)
            f->level[s->level[k]]++;
        else
            f->other++;
        f->best = s->score[k] > f->best ? s->score[k] : f->best;
        f->worst = s->score[k] < f->worst ? s->score[k] : f->worst;
    }
}

static void print_figures(const figures *f, int64_t n)
{
    int64_t most = 0;
    char name[40];
    printf("  scores            %.6g to %.6g\n\n  by feature level\n", f->worst, f->best);
    for (int l = 0; l < ANC_MAX_LEVELS; l++) most = f->level[l] > most ? f->level[l] : most;
    for (int l = 0; l < ANC_MAX_LEVELS; l++) {
        snprintf(name, sizeof name, "%d", l);
        if (f->level[l]) anc_inspect_bar(name, f->level[l], n, most);
    }
    if (f->other) printf("    no level there can be: %s\n", COUNT(f->other));
    most = 0;
    for (int b = 0; b < BINS; b++) most = f->side[b] > most ? f->side[b] : most;
    puts("\n  by size, square root of the area");
    for (int b = 0; b < BINS; b++) {
        if (b + 1 < BINS)
            snprintf(name, sizeof name, "%g-%g px", side_from[b], side_from[b + 1]);
        else
            snprintf(name, sizeof name, "from %g px", side_from[b]);
        anc_inspect_bar(name, f->side[b], n, most);
    }
}

static void print_image(const anc_proposal_set *s)
{
    enum { SHOWN = 3 };
    printf("\n  image %" PRId64 ": %s\n", s->image_id[0], anc_format_of(s->n, "proposal").text);
    for (int64_t k = 0; k < s->n && k < SHOWN; k++)
        printf("    %.4f  (%.1f, %.1f) to (%.1f, %.1f), level %d\n", s->score[k], s->xyxy[k][0],
               s->xyxy[k][1], s->xyxy[k][2], s->xyxy[k][3], s->level[k]);
}

static anc_status read_all(const anc_proposals *p, figures *f, anc_err *err)
{
    enum { RUN = 256 };
    int64_t n = anc_proposals_images(p);
    for (int64_t i = 0; i < n; i += RUN) {
        anc_proposal_set set;
        if (anc_proposals_read(p, i, n - i < RUN ? n - i : RUN, &set, err)) return err->code;
        count(f, &set);
        anc_proposal_set_clear(&set);
    }
    return ANC_OK;
}

anc_status anc_inspect_proposals(const char *path, const anc_inspect *o, anc_err *err)
{
    anc_proposals *p;
    figures f = { .fewest = INT64_MAX, .best = -1e300, .worst = 1e300 };
    if (o->checksum)
        return anc_fail(err, ANC_EARGUMENT, "%s: --checksum is for annotations and targets", path);
    if (anc_proposals_open(path, &p, err)) return err->code;
    int64_t images = anc_proposals_images(p), n = anc_proposals_count(p);
    if (!read_all(p, &f, err)) {
        printf("%s: proposals of %s\n\n  images            %s, %s without any\n", path,
               anc_format_of(images, "image").text, COUNT(images), COUNT(f.without));
        printf("  proposals         %s", COUNT(n));
        if (images)
            printf(", %.1f an image (%s to %s)", anc_inspect_mean((double)n, images), COUNT(f.fewest),
                   COUNT(f.most));
        putchar('\n');
        if (n) print_figures(&f, n);
    }
    for (int64_t i = 0; i < images && i < o->views && !err->code; i++) {
        anc_proposal_set set;
        if (anc_proposals_read(p, i, 1, &set, err)) break;
        print_image(&set);
        anc_proposal_set_clear(&set);
    }
    anc_proposals_close(p);
    return err->code;
}
