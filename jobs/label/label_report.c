/* jobs/label/label_report.c: see label_report.h */
#include "jobs/label/label_report.h"
#include "jobs/cli/config.h"
#include "jobs/cli/diagnostics_report.h"
#include "jobs/cli/format.h"

double anc_label_busy_s(const anc_label_record *r)
{
    double sum = 0;
    for (int i = 0; i < ANC_N_STAGES; i++) sum += r->s[i];
    return sum;
}

#define COUNT(x)   anc_format_count(x).text
#define OF(n, one) anc_format_of(n, one).text

void anc_label_print_plan(const anc_label_report *a)
{
    const anc_label_plan *p = a->plan;
    printf("label: %s: %s, %s (%s); preset %s\n", a->annotations, OF(p->n_images, "image"),
           OF(p->n_boxes, "box"), anc_source_format(a->source), anc_rules_preset_now(&p->rules));
    if (anc_source_diagnostics(a->source)) anc_diagnostics_print(anc_source_diagnostics(a->source), false);
    if (a->proposals) {
        printf("label: %s: %s, %s (%s); second stage\n", a->proposals, OF(p->roi.count, "proposal"),
               OF(p->roi.images, "image"), a->proposals_format);
    }
    printf("label: %s, %s, %s, %s kernels\n", OF(p->n_images * p->epochs, "view"), OF(a->n_shards, "shard"),
           OF(a->ranks, "rank"), a->kernels);
    if (a->like) printf("label: views of the sizes and grids of %s\n", a->like);
    if (a->unused)
        printf("  note: resize, min_size, max_size and pad of %s take no part: --like places the views\n",
               a->unused);
    if (a->n_parts > 1) printf("label: part %d of %d: %s\n", a->part, a->n_parts, OF(a->n_mine, "shard"));
    if (a->n_before)
        printf("label: %s of them %s done already\n", COUNT(a->n_before),
               anc_format_verb(a->n_before, "is", "are"));
}

static void print_end(const anc_label_report *a)
{
    const anc_label_record *r = a->record;
    const anc_label_timings *t = a->t;
    if (a->n_before == a->n_mine && !a->index_written) {
        printf("label: all is there and whole (%s): nothing to do (%s)\n", OF(a->n_mine, "shard"),
               anc_format_time(t->total_s).text);
        return;
    }
    printf("label: wrote %s%s to %s, %s in %s\n", OF(a->n_mine - a->n_before, "shard"),
           a->index_written ? " and targets.h5" : "", a->out,
           anc_format_bytes(r->n[ANC_N_BYTES] + t->index_bytes).text, anc_format_time(t->total_s).text);
}

/* What was labelled: anchors, or the second stage's candidates. */
static void print_labelled(const anc_label_report *a)
{
    const anc_label_record *r = a->record;
    if (a->proposals) {
        printf("  candidates  %15s   ", COUNT(r->n[ANC_N_ANCHORS]));
        printf("%s, %s\n", OF(r->n[ANC_N_PROPOSALS] - r->n[ANC_N_LEFT_OUT], "proposal"),
               OF(r->n[ANC_N_ANCHORS] - r->n[ANC_N_PROPOSALS] + r->n[ANC_N_LEFT_OUT], "box"));
    } else {
        printf("  anchors     %15s\n", COUNT(r->n[ANC_N_ANCHORS]));
    }
    printf("    positive  %15s   %s sampled\n", COUNT(r->n[ANC_N_POSITIVES]),
           COUNT(r->n[ANC_N_SAMPLED_POSITIVES]));
    printf("    negative  %15s   %s sampled\n", COUNT(r->n[ANC_N_NEGATIVES]),
           COUNT(r->n[ANC_N_SAMPLED_NEGATIVES]));
    printf("    ignored   %15s\n", COUNT(r->n[ANC_N_IGNORED]));
    if (r->n[ANC_N_BOXES]) {
        double n = (double)r->n[ANC_N_BOXES];
        int64_t none = r->n[ANC_N_WITHOUT_ANCHOR];
        printf("  per object  %15.2f   positive; %s (%.1f %%) %s none\n", (double)r->n[ANC_N_POSITIVES] / n,
               OF(none, "object"), 100 * (double)none / n, anc_format_verb(none, "has", "have"));
    }
    if (r->n[ANC_N_LEFT_OUT])
        printf("  note: %s without area in the view %s left out\n", OF(r->n[ANC_N_LEFT_OUT], "proposal"),
               anc_format_verb(r->n[ANC_N_LEFT_OUT], "was", "were"));
    if (r->n[ANC_N_WITHOUT_PROPOSALS])
        printf("  note: %s without proposals; there the boxes alone are trained on, if there are any\n",
               OF(r->n[ANC_N_WITHOUT_PROPOSALS], "view"));
}

void anc_label_print_summary(const anc_label_report *a)
{
    const anc_label_record *r = a->record;
    const anc_label_timings *t = a->t;
    if (a->n_before == a->n_mine) {
        print_end(a);
        return;
    }
    const anc_dataset_report *found = anc_source_report(a->source);
    double busy = anc_label_busy_s(r) > 0 ? anc_label_busy_s(r) : 1;
    printf("\n  views       %15s   %s views/s\n", COUNT(r->n[ANC_N_VIEWS]),
           anc_format_rate((double)r->n[ANC_N_VIEWS] / t->total_s).text);
    printf("  objects     %15s   %s clipped at the edge, %s outside or empty in the view\n",
           COUNT(r->n[ANC_N_BOXES]), COUNT(r->n[ANC_N_CLIPPED]), COUNT(r->n[ANC_N_DROPPED]));
    printf("  crowds      %15s   annotated; rule: %s\n", COUNT(found->crowds),
           anc_config_crowd_word(&a->plan->rules));
    print_labelled(a);
    if (found->empty_boxes)
        printf("  note: %s without area %s left out\n", OF(found->empty_boxes, "annotated box"),
               anc_format_verb(found->empty_boxes, "was", "were"));
    if (found->duplicate_ids)
        printf("  note: %s %s more than once\n", OF(found->duplicate_ids, "annotation id"),
               anc_format_verb(found->duplicate_ids, "stands", "stand"));
    if (r->n[ANC_N_UNMATCHED])
        printf("  note: %s objects reach no anchor well enough to make one positive\n",
               COUNT(r->n[ANC_N_UNMATCHED]));
    if (r->n[ANC_N_WITHOUT_POSITIVES])
        printf("  note: %s %s no positive %s\n", OF(r->n[ANC_N_WITHOUT_POSITIVES], "view"),
               anc_format_verb(r->n[ANC_N_WITHOUT_POSITIVES], "has", "have"),
               a->proposals ? "RoI" : "anchor");
    printf("\n  read annotations %s; label and write %s; index %s\n", anc_format_time(t->read_s).text,
           anc_format_time(t->label_s).text, anc_format_time(t->index_s).text);
    printf("  work of all ranks: match %.0f %%, sample %.0f %%, encode %.0f %%, place and gather %.0f %%, "
           "write %.0f %%\n",
           100 * r->s[ANC_S_MATCH] / busy, 100 * r->s[ANC_S_SAMPLE] / busy, 100 * r->s[ANC_S_ENCODE] / busy,
           100 * (r->s[ANC_S_LAY] + r->s[ANC_S_GATHER]) / busy,
           100 * (r->s[ANC_S_WRITE] + r->s[ANC_S_SEAL] + r->s[ANC_S_SYNC]) / busy);
    printf("  memory: at most %.0f MiB on a rank (rank %d)\n", t->peak.max, t->peak.max_rank);
    print_end(a);
}

void anc_label_print_json(const void *report, FILE *to)
{
    const anc_label_report *a = report;
    const anc_label_record *r = a->record;
    const anc_label_timings *t = a->t;
    const anc_dataset_report *found = anc_source_report(a->source);
    fprintf(to, "{\"config\":%s,\n", a->config);
    fprintf(to, " \"ranks\":%d,\"kernels\":\"%s\",\"shards\":%lld,\"shards_before\":%lld,\"bytes\":%lld,\n",
            a->ranks, a->kernels, (long long)a->n_mine, (long long)a->n_before,
            (long long)(r->n[ANC_N_BYTES] + t->index_bytes));
    fprintf(to,
            " \"source\":{\"annotations\":%lld,\"empty_boxes\":%lld,\"over_edge\":%lld,\"outside\":%lld,"
            "\"crowds\":%lld,"
            "\"duplicate_ids\":%lld,\"images_without_boxes\":%lld},\n",
            (long long)found->annotations, (long long)found->empty_boxes, (long long)found->over_edge,
            (long long)found->outside, (long long)found->crowds, (long long)found->duplicate_ids,
            (long long)found->without_boxes);
    fprintf(to,
            " \"views\":%lld,\"objects\":%lld,\"crowd_regions\":%lld,\"clipped\":%lld,\"dropped\":%lld,"
            "\"unmatched\":%lld,"
            "\"objects_without_positives\":%lld,\"views_without_positives\":%lld,\n",
            (long long)r->n[ANC_N_VIEWS], (long long)r->n[ANC_N_BOXES], (long long)r->n[ANC_N_CROWDS],
            (long long)r->n[ANC_N_CLIPPED], (long long)r->n[ANC_N_DROPPED], (long long)r->n[ANC_N_UNMATCHED],
            (long long)r->n[ANC_N_WITHOUT_ANCHOR], (long long)r->n[ANC_N_WITHOUT_POSITIVES]);
    fprintf(to,
            " \"%s\":%lld,\"positives\":%lld,\"negatives\":%lld,\"ignored\":%lld,\"sampled_positives\":%lld,"
            "\"sampled_negatives\":%lld,\n",
            a->proposals ? "candidates" : "anchors", (long long)r->n[ANC_N_ANCHORS],
            (long long)r->n[ANC_N_POSITIVES], (long long)r->n[ANC_N_NEGATIVES],
            (long long)r->n[ANC_N_IGNORED], (long long)r->n[ANC_N_SAMPLED_POSITIVES],
            (long long)r->n[ANC_N_SAMPLED_NEGATIVES]);
    if (a->proposals)
        fprintf(to, " \"proposals\":%lld,\"proposals_left_out\":%lld,\"views_without_proposals\":%lld,\n",
                (long long)r->n[ANC_N_PROPOSALS], (long long)r->n[ANC_N_LEFT_OUT],
                (long long)r->n[ANC_N_WITHOUT_PROPOSALS]);
    fprintf(to,
            " \"seconds\":{\"total\":%.6f,\"read\":%.6f,\"label_and_write\":%.6f,\"index\":%.6f,\n"
            "  "
            "\"all_ranks\":{\"lay\":%.6f,\"match\":%.6f,\"sample\":%.6f,\"encode\":%.6f,\"gather\":%.6f,"
            "\"write\":%.6f,\"seal\":%.6f,"
            "\"sync\":%.6f},\n"
            "  \"lock\":%.6f,\"claim\":%.6f,\"look\":%.6f,\"index_seal\":%.6f,\"index_sync\":%.6f,\n"
            "  \"busy_min\":%.6f,\"busy_mean\":%.6f,\"busy_max\":%.6f,\"busy_max_rank\":%d},\n",
            t->total_s, t->read_s, t->label_s, t->index_s, r->s[ANC_S_LAY], r->s[ANC_S_MATCH],
            r->s[ANC_S_SAMPLE], r->s[ANC_S_ENCODE], r->s[ANC_S_GATHER], r->s[ANC_S_WRITE], r->s[ANC_S_SEAL],
            r->s[ANC_S_SYNC], t->lock_s, t->claim_s, t->look_s, t->index.seal_s, t->index.sync_s + t->names_s,
            t->busy.min, t->busy.mean, t->busy.max, t->busy.max_rank);
    fprintf(to, " \"peak_mib\":%.1f,\"peak_mib_mean\":%.1f}\n", t->peak.max, t->peak.mean);
}
