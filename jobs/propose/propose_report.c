/* jobs/propose/propose_report.c: see propose_report.h */
#include "jobs/propose/propose_report.h"
#include "jobs/cli/format.h"
#include <stdio.h>

#define COUNT(x)   anc_format_count(x).text
#define OF(n, one) anc_format_of(n, one).text

void anc_propose_print_plan(const anc_propose_report *a)
{
    const anc_features_info *info = a->info;
    const anc_propose_plan *p = a->plan;
    printf("propose: %s: %s, %s a position (%s); %s: %s, %s, %s, %s\n", a->head,
           OF(p->shape.channels, "channel"), OF(p->shape.n_shapes, "anchor"), p->rules.name, info->path,
           OF(info->n_images, "image"), OF(info->n_levels, "level"), info->half ? "float16" : "float32",
           info->in_place ? "used in place" : "read through HDF5");
    printf("propose: %s's rules: of a level the best %s, suppression at IoU %.3g, of an image the best %s\n",
           p->preset, COUNT(p->proposals.n_before), p->proposals.iou, COUNT(p->proposals.n_after));
    printf("propose: %s, %s, %s kernels, BLAS for %s\n", OF(a->n_shards, "shard"), OF(a->ranks, "rank"),
           a->kernels, a->blas);
    if (!a->one_blas)
        printf("  note: the ranks' CPUs differ, and with them the BLAS library's rounding; for the same bits "
               "on any ranks set "
               "OPENBLAS_CORETYPE=Haswell on all\n");
    if (!info->original && !info->scale)
        printf("  note: the features do not say how images were resized; boxes stay in the pixels that the "
               "backbone saw\n");
    if (a->n_before)
        printf("propose: %s of them %s done already\n", COUNT(a->n_before),
               anc_format_verb(a->n_before, "is", "are"));
}

/* Operations of the head at one position, counted as a plain convolution. */
static double flop_of(const anc_head_shape *s)
{
    return 2.0 * s->hidden * (9.0 * s->channels + 5.0 * s->n_shapes);
}

static double gflops_of(const anc_propose_report *a, const anc_propose_record *r)
{
    double s = r->s[ANC_PS_DENSE];
    return s > 0 ? 1e-9 * flop_of(&a->plan->shape) * (double)r->n[ANC_P_POSITIONS] / s : 0;
}

void anc_propose_print_summary(const anc_propose_report *a)
{
    const anc_propose_record *r = a->record;
    const anc_propose_timings *t = a->t;
    double busy = anc_propose_busy_s(r) > 0 ? anc_propose_busy_s(r) : 1;
    printf("\n  images      %15s   %s images/s\n", COUNT(r->n[ANC_P_IMAGES]),
           anc_format_rate((double)r->n[ANC_P_IMAGES] / t->total_s).text);
    printf("  anchors     %15s   %s positions\n", COUNT(r->n[ANC_P_ANCHORS]), COUNT(r->n[ANC_P_POSITIONS]));
    printf("  candidates  %15s   the best of each level\n", COUNT(r->n[ANC_P_CANDIDATES]));
    printf("  proposals   %15s   %.1f an image\n", COUNT(r->n[ANC_P_PROPOSALS]),
           r->n[ANC_P_IMAGES] ? (double)r->n[ANC_P_PROPOSALS] / (double)r->n[ANC_P_IMAGES] : 0);
    if (r->n[ANC_P_WITHOUT])
        printf("  note: %s %s no proposals\n", OF(r->n[ANC_P_WITHOUT], "image"),
               anc_format_verb(r->n[ANC_P_WITHOUT], "has", "have"));
    printf("\n  prepare %s; propose %s; join %s", anc_format_time(t->prepare_s).text,
           anc_format_time(t->propose_s).text, anc_format_time(t->join_s).text);
    if (a->coco) printf("; %s %s", a->coco, anc_format_time(t->coco_s).text);
    printf("\n  work of all ranks: read %.0f %%, dense head %.0f %% (%.0f GFLOP/s a rank, counted as a plain "
           "convolution), rank and "
           "decode %.0f %%, suppress %.0f %%, write %.0f %%\n",
           100 * r->s[ANC_PS_READ] / busy, 100 * r->s[ANC_PS_DENSE] / busy, gflops_of(a, r),
           100 * r->s[ANC_PS_RANK] / busy, 100 * r->s[ANC_PS_NMS] / busy, 100 * r->s[ANC_PS_WRITE] / busy);
    printf("  memory: at most %.0f MiB on a rank (rank %d), pages of the features included\n", t->peak.max,
           t->peak.max_rank);
    printf("propose: wrote %s, %s in %s\n", a->out, anc_format_bytes(t->n_bytes).text,
           anc_format_time(t->total_s).text);
}

void anc_propose_print_json(const void *report, FILE *to)
{
    const anc_propose_report *a = report;
    const anc_propose_record *r = a->record;
    const anc_propose_timings *t = a->t;
    fprintf(to,
            "{\"config\":%s,\n "
            "\"ranks\":%d,\"kernels\":\"%s\",\"blas\":\"%s\",\"shards\":%lld,\"shards_before\":%lld,"
            "\"bytes\":%lld,\n",
            a->config, a->ranks, a->kernels, a->blas, (long long)a->n_shards, (long long)a->n_before,
            (long long)t->n_bytes);
    fprintf(to,
            " \"images\":%lld,\"positions\":%lld,\"anchors\":%lld,\"candidates\":%lld,\"proposals\":%lld,"
            "\"images_without\":%lld,"
            "\"dense_gflops\":%.6g,\n",
            (long long)r->n[ANC_P_IMAGES], (long long)r->n[ANC_P_POSITIONS], (long long)r->n[ANC_P_ANCHORS],
            (long long)r->n[ANC_P_CANDIDATES], (long long)r->n[ANC_P_PROPOSALS],
            (long long)r->n[ANC_P_WITHOUT], gflops_of(a, r));
    fprintf(to,
            " \"seconds\":{\"total\":%.6f,\"prepare\":%.6f,\"propose\":%.6f,\"join\":%.6f,\"coco\":%.6f,\n"
            "  \"all_ranks\":{\"read\":%.6f,\"dense\":%.6f,\"rank\":%.6f,\"nms\":%.6f,\"write\":%.6f},\n"
            "  \"busy_min\":%.6f,\"busy_mean\":%.6f,\"busy_max\":%.6f,\"busy_max_rank\":%d},\n "
            "\"peak_mib\":%.1f}\n",
            t->total_s, t->prepare_s, t->propose_s, t->join_s, t->coco_s, r->s[ANC_PS_READ],
            r->s[ANC_PS_DENSE], r->s[ANC_PS_RANK], r->s[ANC_PS_NMS], r->s[ANC_PS_WRITE], t->busy.min,
            t->busy.mean, t->busy.max, t->busy.max_rank, t->peak.max);
}
