/* jobs/inspect/inspect_head.c: what a trained head is: its shape, how its training went, its weights */
#include "io/store/head_file.h"
#include "jobs/cli/format.h"
#include "jobs/inspect/inspect.h"
#include "jobs/inspect/inspect_print.h"
#include <math.h>
#include <stdio.h>

#define COUNT(x) anc_format_count(x).text

static void print_losses(const anc_head_file *h)
{
    enum { LINES = 10 };
    int64_t lines = h->step < LINES ? h->step : LINES;
    printf("\n  steps                  learning rate   objectness     boxes   gradient   (means)\n");
    for (int64_t i = 0; i < lines; i++) {
        int64_t first = h->step * i / lines, end = h->step * (i + 1) / lines;
        double mean[4] = { 0 };
        for (int64_t s = first; s < end; s++) {
            const anc_head_step *r = &h->history[s];
            const double v[4] = { r->rate, r->objectness, r->boxes, r->norm };
            for (int k = 0; k < 4; k++) mean[k] += v[k] / (double)(end - first);
        }
        printf("  %9s - %-9s  %13.4g  %11.5f  %8.5f  %9.4f\n", COUNT(first + 1), COUNT(end), mean[0], mean[1],
               mean[2], mean[3]);
    }
}

static void print_validations(const anc_head_file *h)
{
    enum { MOST = 20 };
    int64_t first = h->n_validations > MOST ? h->n_validations - MOST : 0;
    printf("\n  validation after step   objectness     boxes   recall@100\n");
    if (first) printf("  ... %s before\n", COUNT(first));
    for (int64_t i = first; i < h->n_validations; i++) {
        const anc_head_validation *v = &h->validation[i];
        printf("  %21s  %11.5f  %8.5f", COUNT((int64_t)v->step), v->objectness, v->boxes);
        if (isnan(v->recall))
            puts("            -");
        else
            printf("  %11.4f\n", v->recall);
    }
}

static void print_weights(const anc_head_file *h)
{
    printf("\n  tensor                        numbers   deviation    largest\n");
    for (int k = 0; k < ANC_HEAD_PARTS; k++) {
        const float *w = h->parameters + anc_head_first(&h->shape, (anc_head_tensor)k);
        size_t n = anc_head_count(&h->shape, (anc_head_tensor)k);
        double sum = 0, most = 0;
        for (size_t i = 0; i < n; i++) {
            sum += (double)w[i] * (double)w[i];
            most = fmax(most, fabs((double)w[i]));
        }
        printf("  %-24s  %11s  %10.3g %10.3g\n", anc_head_names[k], COUNT((int64_t)n),
               sqrt(anc_inspect_mean(sum, (int64_t)n)), most);
    }
}

anc_status anc_inspect_head_file(const char *path, anc_err *err)
{
    anc_head_file h;
    if (anc_head_read(path, &h, err)) return err->code;
    printf("%s: an RPN head: %s, %s hidden, %s a position; %s\n", path,
           anc_format_of(h.shape.channels, "channel").text, COUNT(h.shape.hidden),
           anc_format_of(h.shape.n_shapes, "anchor").text,
           anc_format_of((int64_t)anc_head_size(&h.shape), "parameter").text);
    printf("  trained for %s (inspect --config prints how)\n", anc_format_of(h.step, "step").text);
    if (h.step) print_losses(&h);
    if (h.n_validations) print_validations(&h);
    print_weights(&h);
    anc_head_file_clear(&h);
    return ANC_OK;
}
