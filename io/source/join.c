/* io/source/join.c: see join.h */
#include "io/source/join.h"
#include "io/dataset/builder.h"
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

typedef struct {
    const anc_dataset *set;
    const char *const *name;
    int n;
    int32_t **category; /* [n][set's n_categories] the new ids; NULL: as they are */
    anc_join_changes changes;
} join;

static anc_status no_memory(int64_t n, const char *what, anc_err *err)
{
    return anc_fail(err, ANC_EMEMORY, "no memory to join %" PRId64 " %s", n, what);
}

/* ---- categories ---- */

typedef struct {
    const char *name;
    int32_t id;
    int set;
    int64_t at; /* in the set's list */
} category_row;

static int by_name(const void *a, const void *b)
{
    const category_row *x = a, *y = b;
    int order = strcmp(x->name, y->name);
    if (!order) order = (x->id > y->id) - (x->id < y->id);
    return order ? order : x->set - y->set;
}

static int by_id(const void *a, const void *b)
{
    const category_row *x = a, *y = b;
    int order = (x->id > y->id) - (x->id < y->id);
    return order ? order : strcmp(x->name, y->name);
}

/* Where the rows of one name end. */
static int64_t end_of_name(const category_row *row, int64_t first, int64_t n)
{
    int64_t end = first + 1;
    while (end < n && !strcmp(row[end].name, row[first].name)) end++;
    return end;
}

/* Whether the sets that have a name (rows [first, end), by id) do not all give it the same ids. */
static bool ids_differ(const category_row *row, int64_t first, int64_t end, int *count, int n_sets)
{
    int64_t ids = 0;
    memset(count, 0, (size_t)n_sets * sizeof *count);
    for (int64_t r = first; r < end; r++) {
        ids += r == first || row[r].id != row[r - 1].id;
        count[row[r].set]++;
    }
    for (int64_t r = first; r < end; r++)
        if (count[row[r].set] != ids) return true;
    return false;
}

/* Leaves row [n] sorted by name. */
static bool contradict(category_row *row, int64_t n, int *count, int n_sets)
{
    if (n) qsort(row, (size_t)n, sizeof *row, by_id);
    bool differ = false;
    for (int64_t r = 1; r < n; r++)
        differ |= row[r].id == row[r - 1].id && strcmp(row[r].name, row[r - 1].name);
    if (n) qsort(row, (size_t)n, sizeof *row, by_name);
    for (int64_t first = 0, end; first < n && !differ; first = end) {
        end = end_of_name(row, first, n);
        differ = ids_differ(row, first, end, count, n_sets);
    }
    return differ;
}

/* row [n] by name; seen [n_sets] is for its use. */
static anc_status number_names(join *j, const category_row *row, int64_t n, int *seen, anc_err *err)
{
    int32_t next = 0;
    memset(seen, 0, (size_t)j->n * sizeof *seen);
    for (int64_t r = 0; r < n; r++) {
        next += !r || strcmp(row[r].name, row[r - 1].name);
        if (seen[row[r].set] == next)
            return anc_fail(err, ANC_EDATA,
                            "%s: the category '%.100s' is listed twice, and other sources number their "
                            "categories otherwise: the two cannot be told apart by name; rename one",
                            j->name[row[r].set], row[r].name);
        seen[row[r].set] = next;
        j->category[row[r].set][row[r].at] = next;
    }
    return ANC_OK;
}

static anc_status agree_on_categories(join *j, category_row *row, int64_t n, int *count, anc_err *err)
{
    int64_t filled = 0;
    for (int s = 0; s < j->n; s++)
        for (int64_t k = 0; k < j->set[s].n_categories; k++)
            row[filled++] = (category_row){ j->set[s].category[k].name, j->set[s].category[k].id, s, k };
    j->changes.categories = contradict(row, n, count, j->n);
    if (!j->changes.categories) return ANC_OK;
    j->category = calloc((size_t)j->n, sizeof *j->category);
    for (int s = 0; j->category && s < j->n; s++)
        if (!(j->category[s] = calloc((size_t)j->set[s].n_categories + 1, sizeof **j->category)))
            return no_memory(n, "categories", err);
    return j->category ? number_names(j, row, n, count, err) : no_memory(n, "categories", err);
}

static anc_status match_categories(join *j, anc_err *err)
{
    int64_t n = 0;
    int with = -1, without = -1;
    for (int s = 0; s < j->n; s++) {
        n += j->set[s].n_categories;
        if (j->set[s].n_categories)
            with = s;
        else if (j->set[s].n_boxes)
            without = s;
    }
    if (with >= 0 && without >= 0)
        return anc_fail(err, ANC_EDATA,
                        "%s: lists no categories, but %s does: add the list to both or neither",
                        j->name[without], j->name[with]);
    category_row *row = malloc(((size_t)n + 1) * sizeof *row);
    int *count = malloc((size_t)j->n * sizeof *count);
    if (row && count)
        agree_on_categories(j, row, n, count, err);
    else
        no_memory(n, "categories", err);
    free(row);
    free(count);
    return err->code;
}

/* ---- images and annotations ---- */

typedef struct {
    int64_t id;
    int set;
} id_row;

static int by_number(const void *a, const void *b)
{
    const id_row *x = a, *y = b;
    return x->id != y->id ? (x->id > y->id) - (x->id < y->id) : x->set - y->set;
}

/* Sorts row [n]; the first that has its id from the one before it, but another set. 0: there is none. */
static int64_t first_shared(id_row *row, int64_t n)
{
    if (n) qsort(row, (size_t)n, sizeof *row, by_number);
    for (int64_t r = 1; r < n; r++)
        if (row[r].id == row[r - 1].id && row[r].set != row[r - 1].set) return r;
    return 0;
}

/* Numbered anew, an image is known by its file name alone. */
static anc_status check_nameless(const join *j, const id_row *shared, anc_err *err)
{
    for (int s = 0; s < j->n; s++)
        for (int64_t i = 0; i < j->set[s].n_images; i++)
            if (!*j->set[s].file_name[i])
                return anc_fail(
                    err, ANC_EDATA,
                    "image %" PRId64 " is in %s and in %s, and image %" PRId64
                    " of %s has no file name, so that images cannot be numbered anew: leave one out, "
                    "or give them other ids",
                    shared->id, j->name[shared[-1].set], j->name[shared->set], j->set[s].image[i].id,
                    j->name[s]);
    return ANC_OK;
}

static anc_status compare_image_ids(join *j, anc_err *err)
{
    int64_t n = 0, filled = 0;
    for (int s = 0; s < j->n; s++) n += j->set[s].n_images;
    id_row *row = malloc(((size_t)n + 1) * sizeof *row);
    if (!row) return no_memory(n, "images", err);
    for (int s = 0; s < j->n; s++)
        for (int64_t i = 0; i < j->set[s].n_images; i++) row[filled++] = (id_row){ j->set[s].image[i].id, s };
    int64_t shared = first_shared(row, n);
    j->changes.images = shared > 0;
    if (shared) check_nameless(j, &row[shared], err);
    free(row);
    return err->code;
}

static anc_status compare_annotation_ids(join *j, anc_err *err)
{
    int64_t n = 0, filled = 0;
    for (int s = 0; s < j->n; s++) n += j->set[s].n_boxes;
    id_row *row = malloc(((size_t)n + 1) * sizeof *row);
    if (!row) return no_memory(n, "annotations", err);
    for (int s = 0; s < j->n; s++)
        for (int64_t k = 0; k < j->set[s].n_boxes; k++)
            if (j->set[s].box[k].id) row[filled++] = (id_row){ j->set[s].box[k].id, s };
    j->changes.annotations = first_shared(row, filled) > 0;
    free(row);
    return ANC_OK;
}

typedef struct {
    const char *name;
    int set;
} name_row;

static int by_file_name(const void *a, const void *b)
{
    const name_row *x = a, *y = b;
    int order = strcmp(x->name, y->name);
    return order ? order : x->set - y->set;
}

static anc_status compare_file_names(const join *j, anc_err *err)
{
    int64_t n = 0, filled = 0;
    for (int s = 0; s < j->n; s++) n += j->set[s].n_images;
    name_row *row = malloc(((size_t)n + 1) * sizeof *row);
    if (!row) return no_memory(n, "images", err);
    for (int s = 0; s < j->n; s++)
        for (int64_t i = 0; i < j->set[s].n_images; i++)
            if (*j->set[s].file_name[i]) row[filled++] = (name_row){ j->set[s].file_name[i], s };
    if (filled) qsort(row, (size_t)filled, sizeof *row, by_file_name);
    for (int64_t r = 1; r < filled && !err->code; r++)
        if (row[r].set != row[r - 1].set && !strcmp(row[r].name, row[r - 1].name))
            anc_fail(err, ANC_EDATA,
                     "the picture '%.200s' is in %s and in %s: leave one out, or give it another name",
                     row[r].name, j->name[row[r - 1].set], j->name[row[r].set]);
    free(row);
    return err->code;
}

/* ---- all together ---- */

static int by_category_id(const void *a, const void *b)
{
    int32_t x = ((const anc_category *)a)->id, y = ((const anc_category *)b)->id;
    return (x > y) - (x < y);
}

static anc_status renumber(const join *j, int s, int64_t image, anc_gt *box, anc_err *err)
{
    const anc_dataset *d = &j->set[s];
    const anc_category wanted = { box->category, NULL },
                       *c = bsearch(&wanted, d->category, (size_t)d->n_categories, sizeof *d->category,
                                    by_category_id);
    if (!c)
        return anc_fail(err, ANC_EDATA,
                        "%s: annotation %" PRId64 " of image %" PRId64
                        " has category %d, which the list of categories lacks",
                        j->name[s], box->id, image, box->category);
    box->category = j->category[s][c - d->category];
    return ANC_OK;
}

static anc_status put_categories(const join *j, anc_builder *b, anc_err *err)
{
    int64_t n = 0, filled = 0;
    for (int s = 0; s < j->n; s++) n += j->set[s].n_categories;
    anc_category *all = malloc(((size_t)n + 1) * sizeof *all);
    if (!all) return no_memory(n, "categories", err);
    for (int s = 0; s < j->n; s++)
        for (int64_t k = 0; k < j->set[s].n_categories; k++)
            all[filled++] = (anc_category){ j->category ? j->category[s][k] : j->set[s].category[k].id,
                                            j->set[s].category[k].name };
    if (n) qsort(all, (size_t)n, sizeof *all, by_category_id);
    for (int64_t k = 0; k < n && !err->code; k++)
        if (!k || all[k].id != all[k - 1].id)
            anc_builder_category(b, all[k].id, all[k].name, strlen(all[k].name), err);
    free(all);
    return err->code;
}

/* first: the number of the images before this set. */
static anc_status put_set(const join *j, int s, int64_t first, anc_builder *b, anc_err *err)
{
    const anc_dataset *d = &j->set[s];
    for (int64_t i = 0; i < d->n_images; i++) {
        int64_t id = j->changes.images ? first + i + 1 : d->image[i].id;
        if (anc_builder_image(b, id, d->image[i].height, d->image[i].width, d->file_name[i],
                              strlen(d->file_name[i]), err))
            return err->code;
        for (int64_t k = d->box_offset[i]; k < d->box_offset[i + 1]; k++) {
            anc_gt box = d->box[k];
            if (j->category && renumber(j, s, d->image[i].id, &box, err)) return err->code;
            if (j->changes.annotations) box.id = 0;
            if (anc_builder_box(b, id, &box, err)) return err->code;
        }
    }
    return ANC_OK;
}

/* What a set's reader found stays found; what can be seen in the data was counted by the builder. */
static void sum_reports(const join *j, anc_dataset_report *r)
{
    r->annotations = r->empty_boxes = r->duplicate_ids = 0;
    memset(r->found, 0, sizeof r->found);
    for (int s = 0; s < j->n; s++) {
        const anc_dataset_report *of = &j->set[s].report;
        r->annotations += of->annotations;
        r->empty_boxes += of->empty_boxes;
        r->duplicate_ids += of->duplicate_ids;
        for (int k = 0; k < ANC_N_DIAGNOSTICS; k++) r->found[k] += of->found[k];
    }
}

static anc_status build(const join *j, anc_dataset *out, anc_err *err)
{
    anc_builder *b = anc_builder_new();
    if (!b) return no_memory(j->n, "sources", err);
    int64_t first = 0;
    put_categories(j, b, err);
    for (int s = 0; s < j->n && !err->code; first += j->set[s++].n_images) put_set(j, s, first, b, err);
    if (!err->code && !anc_builder_finish(b, out, err)) sum_reports(j, &out->report);
    anc_builder_free(b);
    return err->code;
}

anc_status anc_join(const anc_dataset *set, const char *const *name, int n, anc_dataset *out,
                    anc_join_changes *changes, anc_err *err)
{
    join j = { .set = set, .name = name, .n = n };
    err->code = ANC_OK;
    if (!compare_file_names(&j, err) && !compare_image_ids(&j, err) && !compare_annotation_ids(&j, err) &&
        !match_categories(&j, err))
        build(&j, out, err);
    for (int s = 0; j.category && s < n; s++) free(j.category[s]);
    free(j.category);
    *changes = j.changes;
    return err->code;
}
