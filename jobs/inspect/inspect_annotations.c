/* jobs/inspect/inspect_annotations.c: what a set of annotations holds */
#include "io/source/source.h"
#include "jobs/cli/format.h"
#include "jobs/inspect/inspect.h"
#include "jobs/inspect/inspect_print.h"
#include <stdio.h>
#include <stdlib.h>

enum { IMAGES_AT_ONCE = 8192, RANGES = 24, SIZES = 3 };

typedef struct {
    int32_t id, index; /* index in the data set's categories */
    int64_t boxes;
} tally;

typedef struct {
    int64_t range[RANGES]; /* images with 0, 1, 2-3, 4-7, ... boxes */
    int64_t size[SIZES];   /* boxes below 32^2, 96^2 px, and the others; crowd regions not */
    int64_t most_boxes, most_id;
    int64_t unlisted;       /* boxes of categories that the file does not list */
    double low[4], high[4]; /* of images' width and height, of boxes' width and height */
    tally *category;
    int64_t n_categories;
} diagnostics;

#define COUNT(x) anc_format_count(x).text

static void note(diagnostics *f, int what, double x)
{
    if (x < f->low[what]) f->low[what] = x;
    if (x > f->high[what]) f->high[what] = x;
}

static int by_id(const void *key, const void *entry)
{
    int32_t a = *(const int32_t *)key, b = ((const tally *)entry)->id;
    return a < b ? -1 : a > b;
}

static void add_box(diagnostics *f, const anc_gt *box)
{
    double w = box->xyxy[2] - box->xyxy[0], h = box->xyxy[3] - box->xyxy[1], area = w * h;
    tally *c = bsearch(&box->category, f->category, (size_t)f->n_categories, sizeof *c, by_id);
    if (c)
        c->boxes++;
    else
        f->unlisted++;
    note(f, 2, w);
    note(f, 3, h);
    if (!box->crowd) f->size[area < 32 * 32 ? 0 : area < 96 * 96 ? 1 : 2]++;
}

static void add_images(diagnostics *f, const anc_dataset *d)
{
    for (int64_t i = 0; i < d->n_images; i++) {
        int64_t n = d->box_offset[i + 1] - d->box_offset[i];
        int range = n ? 64 - __builtin_clzll((unsigned long long)n) : 0;
        f->range[range < RANGES ? range : RANGES - 1]++;
        if (n > f->most_boxes) {
            f->most_boxes = n;
            f->most_id = d->image[i].id;
        }
        note(f, 0, d->image[i].width);
        note(f, 1, d->image[i].height);
    }
    for (int64_t k = 0; k < d->n_boxes; k++) add_box(f, &d->box[k]);
}

static anc_status gather(anc_source *s, const anc_dataset *categories, diagnostics *f, anc_err *err)
{
    int64_t n = anc_source_images(s);
    for (int i = 0; i < 4; i++) f->low[i] = 1e300;
    f->category = calloc((size_t)categories->n_categories + 1, sizeof *f->category);
    if (!f->category) return anc_fail(err, ANC_EMEMORY, "out of memory for the categories");
    for (; f->n_categories < categories->n_categories; f->n_categories++)
        f->category[f->n_categories] =
            (tally){ categories->category[f->n_categories].id, (int32_t)f->n_categories, 0 };
    for (int64_t first = 0; first < n; first += IMAGES_AT_ONCE) {
        anc_dataset slice = { 0 };
        if (anc_source_read(s, first, n - first < IMAGES_AT_ONCE ? n - first : IMAGES_AT_ONCE, &slice, err))
            return err->code;
        add_images(f, &slice);
        anc_dataset_clear(&slice);
    }
    return ANC_OK;
}

static int by_boxes(const void *a, const void *b)
{
    const tally *x = a, *y = b;
    if (x->boxes != y->boxes) return x->boxes > y->boxes ? -1 : 1;
    return x->id < y->id ? -1 : 1;
}

static void print_ranges(const diagnostics *f, int64_t images)
{
    int last = RANGES - 1;
    int64_t most = 0;
    while (last && !f->range[last]) last--;
    for (int i = 0; i <= last; i++)
        if (f->range[i] > most) most = f->range[i];
    printf("\n  boxes in an image      images\n");
    for (int i = 0; i <= last; i++) {
        char name[32];
        long long low = i ? 1LL << (i - 1) : 0, high = i ? (1LL << i) - 1 : 0;
        snprintf(name, sizeof name,
                 low == high       ? "%lld"
                 : i == RANGES - 1 ? "%lld or more"
                                   : "%lld-%lld",
                 low, high);
        anc_inspect_bar(name, f->range[i], images, most);
    }
}

static void print_sizes(const diagnostics *f)
{
    static const char *const name[SIZES] = { "small", "medium", "large" };
    int64_t all = f->size[0] + f->size[1] + f->size[2], most = 0;
    for (int i = 0; i < SIZES; i++)
        if (f->size[i] > most) most = f->size[i];
    printf("\n  size of a box           boxes  (area of the box; small below 32^2 px, large from 96^2 px; "
           "crowds aside)\n");
    for (int i = 0; i < SIZES; i++) anc_inspect_bar(name[i], f->size[i], all, most);
}

static void print_categories(diagnostics *f, const anc_dataset *categories, int64_t boxes, int64_t wanted)
{
    qsort(f->category, (size_t)f->n_categories, sizeof *f->category, by_boxes);
    int64_t n = f->n_categories < wanted ? f->n_categories : wanted;
    if (n) printf("\n  category       id         boxes\n");
    for (int64_t i = 0; i < n; i++) {
        const tally *c = &f->category[i];
        printf("    %12d %13s %5.1f %%  %s\n", c->id, COUNT(c->boxes),
               anc_inspect_mean(100. * (double)c->boxes, boxes), categories->category[c->index].name);
    }
    if (n && n < f->n_categories) printf("    and %s more (--categories N)\n", COUNT(f->n_categories - n));
    if (f->unlisted)
        printf("    %s of categories that the file does not list\n", anc_format_of(f->unlisted, "box").text);
}

static anc_status print_images(anc_source *s, int64_t wanted, anc_err *err)
{
    int64_t n = anc_source_images(s);
    if (wanted < n) n = wanted;
    if (n) printf("\n  image              id   width  height   boxes  crowds\n");
    for (int64_t i = 0; i < n; i++) {
        anc_dataset d = { 0 };
        if (anc_source_read(s, i, 1, &d, err)) return err->code;
        int64_t crowds = 0;
        for (int64_t k = 0; k < d.n_boxes; k++) crowds += d.box[k].crowd;
        printf("    %16lld %7d %7d %7lld %7lld\n", (long long)d.image[0].id, d.image[0].width,
               d.image[0].height, (long long)d.n_boxes, (long long)crowds);
        anc_dataset_clear(&d);
    }
    return ANC_OK;
}

static void print_all(const char *path, anc_source *s, uint64_t fingerprint, diagnostics *f,
                      const anc_dataset *categories, const anc_inspect *o)
{
    const anc_dataset_report *r = anc_source_report(s);
    int64_t images = anc_source_images(s), boxes = anc_source_boxes(s);
    printf("%s: annotations (%s)\n\n", path, anc_source_format(s));
    printf("  images      %15s   %s of them without a box\n", COUNT(images), COUNT(r->without_boxes));
    printf("  boxes       %15s   %.2f an image, at most %s", COUNT(boxes),
           anc_inspect_mean((double)boxes, images), COUNT(f->most_boxes));
    if (f->most_boxes) printf(" (image %lld)", (long long)f->most_id);
    printf("\n    crowd     %15s\n    over edge %15s   %s of them wholly outside of their image\n",
           COUNT(r->crowds), COUNT(r->over_edge), COUNT(r->outside));
    printf("  categories  %15s\n  fingerprint %016llx\n", COUNT(f->n_categories),
           (unsigned long long)fingerprint);
    if (r->empty_boxes)
        printf("  note: %s without area %s left out when the source was read\n",
               anc_format_of(r->empty_boxes, "box").text, anc_format_verb(r->empty_boxes, "was", "were"));
    if (r->duplicate_ids)
        printf("  note: %s %s more than once\n", anc_format_of(r->duplicate_ids, "annotation id").text,
               anc_format_verb(r->duplicate_ids, "stands", "stand"));
    if (images)
        printf("\n  an image is %.0f to %.0f px wide, %.0f to %.0f px high\n", f->low[0], f->high[0],
               f->low[1], f->high[1]);
    if (boxes)
        printf("  a box is %.6g to %.6g px wide, %.6g to %.6g px high\n", f->low[2], f->high[2], f->low[3],
               f->high[3]);
    if (images) print_ranges(f, images);
    if (boxes) print_sizes(f);
    print_categories(f, categories, boxes, o->categories);
}

anc_status anc_inspect_annotations(const char *path, const anc_inspect *o, anc_err *err)
{
    anc_source *s;
    anc_dataset categories = { 0 };
    diagnostics f = { 0 };
    uint64_t fingerprint;
    if (anc_source_open(path, NULL, &s, err)) return err->code;
    anc_status status = anc_source_fingerprint(s, &fingerprint, err);
    if (!status && o->checksum) {
        printf("%016llx\n", (unsigned long long)fingerprint);
    } else if (!status) {
        status = anc_source_categories(s, &categories, err);
        if (!status) status = gather(s, &categories, &f, err);
        if (!status) {
            print_all(path, s, fingerprint, &f, &categories, o);
            status = print_images(s, o->views, err);
        }
    }
    anc_source_close(s);
    anc_dataset_clear(&categories);
    free(f.category);
    return status;
}
