/* io/dataset/annotations.c: see annotations.h */
#include "io/dataset/annotations.h"
#include "io/hdf5/h5.h"
#include "io/text/json.h"
#include <assert.h>
#include <inttypes.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

struct anc_annotations {
    anc_h5_file file;
    anc_h5_data xyxy, category, crowd, box_id; /* kept open: HDF5 caches chunks per open dataset */
    anc_h5_data flags;                         /* if has_flags */
    bool has_flags;
    anc_dataset table; /* images and box_offset of all; n_boxes; no boxes */
};

/* Attributes of /report and the members that they hold. */
static const struct {
    const char *name;
    size_t at;
} report_field[] = {
    { "annotations", offsetof(anc_dataset_report, annotations) },
    { "empty_boxes", offsetof(anc_dataset_report, empty_boxes) },
    { "over_edge", offsetof(anc_dataset_report, over_edge) },
    { "outside", offsetof(anc_dataset_report, outside) },
    { "crowds", offsetof(anc_dataset_report, crowds) },
    { "duplicate_ids", offsetof(anc_dataset_report, duplicate_ids) },
    { "without_boxes", offsetof(anc_dataset_report, without_boxes) },
};
enum { N_REPORT = sizeof report_field / sizeof *report_field };

/* ---- writing ---- */

typedef void (*gather)(const anc_dataset *d, void *column);

static void gather_image_id(const anc_dataset *d, void *column)
{
    for (int64_t i = 0; i < d->n_images; i++) ((int64_t *)column)[i] = d->image[i].id;
}

static void gather_size(const anc_dataset *d, void *column)
{
    for (int64_t i = 0; i < d->n_images; i++) {
        ((int32_t *)column)[2 * i] = d->image[i].height;
        ((int32_t *)column)[2 * i + 1] = d->image[i].width;
    }
}

static void gather_offset(const anc_dataset *d, void *column)
{
    for (int64_t i = 0; i <= d->n_images; i++) ((int64_t *)column)[i] = i ? d->box_offset[i] : 0;
}

static void gather_xyxy(const anc_dataset *d, void *column)
{
    for (int64_t k = 0; k < d->n_boxes; k++)
        memcpy((double *)column + 4 * k, d->box[k].xyxy, 4 * sizeof(double));
}

static void gather_category(const anc_dataset *d, void *column)
{
    for (int64_t k = 0; k < d->n_boxes; k++) ((int32_t *)column)[k] = d->box[k].category;
}

static void gather_crowd(const anc_dataset *d, void *column)
{
    for (int64_t k = 0; k < d->n_boxes; k++) ((uint8_t *)column)[k] = d->box[k].crowd;
}

static void gather_flags(const anc_dataset *d, void *column)
{
    for (int64_t k = 0; k < d->n_boxes; k++) ((uint8_t *)column)[k] = d->box[k].flags;
}

static bool any_flags(const anc_dataset *d)
{
    for (int64_t k = 0; k < d->n_boxes; k++)
        if (d->box[k].flags) return true;
    return false;
}

static void gather_box_id(const anc_dataset *d, void *column)
{
    for (int64_t k = 0; k < d->n_boxes; k++) ((int64_t *)column)[k] = d->box[k].id;
}

static void gather_category_id(const anc_dataset *d, void *column)
{
    for (int64_t i = 0; i < d->n_categories; i++) ((int32_t *)column)[i] = d->category[i].id;
}

static anc_status write_columns(anc_h5_file *f, const anc_dataset *d, anc_err *err)
{
    const int64_t n = d->n_images, k = d->n_boxes;
    const struct {
        gather fill;
        anc_h5_spec spec;
    } columns[] = {
        { gather_image_id, { "/images/id", ANC_H5_I64, 1, { n }, 0, 1, 0, NULL, "image ids, ascending" } },
        { gather_size, { "/images/size", ANC_H5_I32, 2, { n, 2 }, 0, 1, 0, "pixels", "height, width" } },
        { gather_offset,
          { "/boxes/offset",
            ANC_H5_I64,
            1,
            { n + 1 },
            0,
            1,
            0,
            "boxes",
            "the boxes of image i are rows offset[i] to offset[i + 1] of /boxes, the latter not included" } },
        { gather_xyxy,
          { "/boxes/xyxy",
            ANC_H5_F64,
            2,
            { k, 4 },
            0,
            1,
            0,
            "original pixels",
            "x1, y1, x2, y2; x2 and y2 are exclusive" } },
        { gather_category, { "/boxes/category", ANC_H5_I32, 1, { k }, 0, 1, 0, NULL, "category id" } },
        { gather_crowd,
          { "/boxes/crowd",
            ANC_H5_U8,
            1,
            { k },
            0,
            1,
            0,
            NULL,
            "1: a crowd or ignore region, not an object" } },
        { gather_box_id, { "/boxes/id", ANC_H5_I64, 1, { k }, 0, 1, 0, NULL, "annotation id, 0: none" } },
        { any_flags(d) ? gather_flags : NULL, /* left out when there are none */
          { "/boxes/flags",
            ANC_H5_U8,
            1,
            { k },
            0,
            1,
            0,
            NULL,
            "bits: 1 difficult, 2 truncated, 4 occluded, 8 depiction, 16 inside" } },
        { gather_category_id,
          { "/categories/id",
            ANC_H5_I32,
            1,
            { d->n_categories },
            0,
            1,
            0,
            NULL,
            "category ids, ascending" } },
    };
    int64_t most = n + 1 > k ? n + 1 : k;
    if (d->n_categories > most) most = d->n_categories;
    void *column = malloc((size_t)most * 4 * sizeof(double)); /* xyxy has the widest rows */
    if (!column) return anc_fail(err, ANC_EMEMORY, "no memory to write %" PRId64 " boxes", k);
    anc_status status = ANC_OK;
    for (size_t c = 0; !status && c < sizeof columns / sizeof *columns; c++) {
        if (!columns[c].fill) continue;
        columns[c].fill(d, column);
        status = anc_h5_write(f, &columns[c].spec, column, err);
    }
    free(column);
    return status;
}

static anc_status write_names(anc_h5_file *f, const anc_dataset *d, anc_err *err)
{
    const char **names = malloc(((size_t)d->n_categories + 1) * sizeof *names);
    if (!names) return anc_fail(err, ANC_EMEMORY, "no memory for the names of categories");
    for (int64_t i = 0; i < d->n_categories; i++) names[i] = d->category[i].name;
    anc_status status = anc_h5_write_strings(f, "/categories/name", d->n_categories, names,
                                             "names of the categories, UTF-8, NUL-padded", err);
    if (!status)
        status = anc_h5_write_strings(f, "/images/file_name", d->n_images, (const char *const *)d->file_name,
                                      "file names of the images, UTF-8, NUL-padded, empty: unknown", err);
    free(names);
    return status;
}

static anc_status write_report(anc_h5_file *f, const anc_dataset_report *report, anc_err *err)
{
    if (anc_h5_set_string(f, "/report", "description", "what the reader of the source met: counts", err))
        return err->code;
    for (int i = 0; i < N_REPORT; i++) {
        int64_t value;
        memcpy(&value, (const char *)report + report_field[i].at, sizeof value);
        if (anc_h5_set_int(f, "/report", report_field[i].name, value, err)) return err->code;
    }
    for (int k = 0; k < ANC_N_DIAGNOSTICS; k++)
        if (report->found[k] &&
            anc_h5_set_int(f, "/report", anc_diagnostic_name((anc_diagnostic_kind)k), report->found[k], err))
            return err->code;
    return ANC_OK;
}

anc_status anc_annotations_write(const char *path, const anc_dataset *d, const char *config, anc_err *err)
{
    anc_h5_file f;
    assert((d->file_name || !d->n_images) && (d->category || !d->n_categories));
    if (anc_dataset_check(d, err)) return anc_within(err, "%s", path);
    if (anc_h5_create_part(path, &f, err)) return err->code;
    if (anc_h5_stamp(&f, ANC_ANNOTATIONS_FORMAT, ANC_ANNOTATIONS_VERSION, config, err) ||
        write_columns(&f, d, err) || write_names(&f, d, err) || write_report(&f, &d->report, err)) {
        anc_h5_abandon(&f);
        return err->code;
    }
    return anc_h5_commit(&f, err);
}

/* ---- reading ---- */

static anc_status check_table(const anc_dataset *t, anc_err *err)
{
    if (t->box_offset[0])
        return anc_fail(err, ANC_EDATA, "/boxes/offset starts at %" PRId64 ", not at 0", t->box_offset[0]);
    for (int64_t i = 0; i < t->n_images; i++)
        if (t->box_offset[i + 1] < t->box_offset[i])
            return anc_fail(err, ANC_EDATA,
                            "/boxes/offset falls from %" PRId64 " to %" PRId64 " at entry %" PRId64,
                            t->box_offset[i], t->box_offset[i + 1], i + 1);
    if (t->box_offset[t->n_images] != t->n_boxes)
        return anc_fail(err, ANC_EDATA, "/boxes/offset ends at %" PRId64 ", but there are %" PRId64 " boxes",
                        t->box_offset[t->n_images], t->n_boxes);
    for (int64_t i = 0; i < t->n_images; i++)
        if (anc_image_check(&t->image[i], i ? &t->image[i - 1] : NULL, err)) return err->code;
    return ANC_OK;
}

static anc_status read_table(const anc_h5_file *f, anc_dataset *t, anc_err *err)
{
    int64_t n = 0, n_offsets = 0;
    void *id = NULL, *size = NULL, *offset = NULL;
    anc_status status = anc_h5_read(f, "/images/id", ANC_H5_I64, 1, (int64_t[]){ -1 }, &id, &n, err);
    if (!status) status = anc_h5_read(f, "/images/size", ANC_H5_I32, 2, (int64_t[]){ n, 2 }, &size, &n, err);
    if (!status)
        status =
            anc_h5_read(f, "/boxes/offset", ANC_H5_I64, 1, (int64_t[]){ n + 1 }, &offset, &n_offsets, err);
    if (!status && !(t->image = malloc(((size_t)n + 1) * sizeof *t->image)))
        status = anc_fail(err, ANC_EMEMORY, "no memory for %" PRId64 " images", n);
    if (!status) {
        for (int64_t i = 0; i < n; i++)
            t->image[i] =
                (anc_image){ ((int64_t *)id)[i], ((int32_t *)size)[2 * i], ((int32_t *)size)[2 * i + 1] };
        t->n_images = n;
        t->box_offset = offset;
        offset = NULL;
    }
    free(id);
    free(size);
    free(offset);
    return status;
}

static anc_status open_boxes(anc_annotations *a, anc_err *err)
{
    if (anc_h5_data_open(&a->file, "/boxes/xyxy", ANC_H5_F64, 2, (int64_t[]){ -1, 4 }, &a->xyxy, err))
        return err->code;
    int64_t k = a->xyxy.dims[0];
    a->table.n_boxes = k;
    if (anc_h5_data_open(&a->file, "/boxes/category", ANC_H5_I32, 1, &k, &a->category, err) ||
        anc_h5_data_open(&a->file, "/boxes/crowd", ANC_H5_U8, 1, &k, &a->crowd, err) ||
        anc_h5_data_open(&a->file, "/boxes/id", ANC_H5_I64, 1, &k, &a->box_id, err))
        return err->code;
    a->has_flags = anc_h5_exists(&a->file, "/boxes/flags");
    return a->has_flags ? anc_h5_data_open(&a->file, "/boxes/flags", ANC_H5_U8, 1, &k, &a->flags, err)
                        : ANC_OK;
}

enum { IMAGES_AT_ONCE = 8192 };

static anc_status count_boxes(anc_annotations *a, anc_err *err)
{
    anc_dataset_report *report = &a->table.report;
    report->annotations = a->table.n_boxes;
    for (int64_t first = 0; first < a->table.n_images; first += IMAGES_AT_ONCE) {
        int64_t left = a->table.n_images - first;
        anc_dataset slice = { 0 };
        if (anc_annotations_read(a, first, left < IMAGES_AT_ONCE ? left : IMAGES_AT_ONCE, &slice, err))
            return err->code;
        anc_dataset_count(&slice, report);
        anc_dataset_clear(&slice);
    }
    return ANC_OK;
}

/* Whether a kind is one of report_field, too. */
static bool has_field(const char *name)
{
    for (int i = 0; i < N_REPORT; i++)
        if (!strcmp(report_field[i].name, name)) return true;
    return false;
}

/* Counts of other diagnostics, which are there only when there were some. */
static anc_status read_found(anc_annotations *a, anc_err *err)
{
    for (int k = 0; k < ANC_N_DIAGNOSTICS; k++) {
        const char *name = anc_diagnostic_name((anc_diagnostic_kind)k);
        int64_t value;
        if (has_field(name) || !anc_h5_has_attribute(&a->file, "/report", name)) continue;
        if (anc_h5_get_int(&a->file, "/report", name, &value, err)) return err->code;
        if (value < 0) return anc_fail(err, ANC_EDATA, "attribute '%s' of /report is %" PRId64, name, value);
        a->table.report.found[k] = value;
    }
    return ANC_OK;
}

static anc_status read_report(anc_annotations *a, anc_err *err)
{
    if (!anc_h5_exists(&a->file, "/report")) return count_boxes(a, err);
    for (int i = 0; i < N_REPORT; i++) {
        int64_t value;
        if (anc_h5_get_int(&a->file, "/report", report_field[i].name, &value, err)) return err->code;
        if (value < 0)
            return anc_fail(err, ANC_EDATA, "attribute '%s' of /report is %" PRId64, report_field[i].name,
                            value);
        memcpy((char *)&a->table.report + report_field[i].at, &value, sizeof value);
    }
    return read_found(a, err);
}

anc_status anc_annotations_open(const char *path, anc_annotations **out, anc_err *err)
{
    anc_annotations *a = calloc(1, sizeof *a);
    if (!a) return anc_fail(err, ANC_EMEMORY, "%s: no memory", path);
    if (anc_h5_open(path, ANC_ANNOTATIONS_FORMAT, ANC_ANNOTATIONS_VERSION, &a->file, err) ||
        read_table(&a->file, &a->table, err) || open_boxes(a, err) || check_table(&a->table, err) ||
        read_report(a, err)) {
        anc_annotations_close(a);
        return anc_within(err, "%s", path);
    }
    *out = a;
    return ANC_OK;
}

void anc_annotations_close(anc_annotations *a)
{
    if (!a) return;
    anc_h5_data_close(&a->xyxy);
    anc_h5_data_close(&a->category);
    anc_h5_data_close(&a->crowd);
    anc_h5_data_close(&a->box_id);
    anc_h5_data_close(&a->flags);
    anc_h5_close(&a->file);
    anc_dataset_clear(&a->table);
    free(a);
}

int64_t anc_annotations_images(const anc_annotations *a) { return a->table.n_images; }
const anc_image *anc_annotations_image(const anc_annotations *a, int64_t i) { return &a->table.image[i]; }
int64_t anc_annotations_boxes(const anc_annotations *a) { return a->table.n_boxes; }
const anc_dataset_report *anc_annotations_report(const anc_annotations *a) { return &a->table.report; }

char *anc_annotations_config(const anc_annotations *a)
{
    anc_err none = { 0 };
    char *config = NULL;
    if (anc_h5_has_attribute(&a->file, "/", "config"))
        anc_h5_get_string(&a->file, "/", "config", &config, &none);
    if (config && anc_json_valid(config)) return config;
    free(config);
    return NULL;
}

/* Boxes [first, first + n) into box. */
static anc_status read_boxes(const anc_annotations *a, int64_t first, int64_t n, anc_gt *box, anc_err *err)
{
    double *column = malloc(((size_t)n + 1) * 4 * sizeof *column); /* wide enough for each */
    if (!column) return anc_fail(err, ANC_EMEMORY, "no memory for %" PRId64 " boxes", n);
    anc_status status = anc_h5_data_read(&a->xyxy, first, n, column, err);
    for (int64_t k = 0; !status && k < n; k++) memcpy(box[k].xyxy, column + 4 * k, sizeof box[k].xyxy);
    if (!status) status = anc_h5_data_read(&a->box_id, first, n, column, err);
    for (int64_t k = 0; !status && k < n; k++) box[k].id = ((int64_t *)column)[k];
    if (!status) status = anc_h5_data_read(&a->category, first, n, column, err);
    for (int64_t k = 0; !status && k < n; k++) box[k].category = ((int32_t *)column)[k];
    if (!status) status = anc_h5_data_read(&a->crowd, first, n, column, err);
    for (int64_t k = 0; !status && k < n; k++) box[k].crowd = ((uint8_t *)column)[k];
    if (!status && a->has_flags) status = anc_h5_data_read(&a->flags, first, n, column, err);
    for (int64_t k = 0; !status && k < n; k++) box[k].flags = a->has_flags ? ((uint8_t *)column)[k] : 0;
    free(column);
    return status;
}

anc_status anc_annotations_read(const anc_annotations *a, int64_t first, int64_t n, anc_dataset *slice,
                                anc_err *err)
{
    if (anc_dataset_slice_table(&a->table, first, n, slice, err)) return anc_within(err, "%s", a->file.path);
    if (read_boxes(a, a->table.box_offset[first], slice->n_boxes, slice->box, err) ||
        anc_dataset_check(slice, err)) {
        anc_dataset_clear(slice);
        return anc_within(err, "%s", a->file.path);
    }
    return ANC_OK;
}

anc_status anc_annotations_categories(const anc_annotations *a, anc_dataset *out, anc_err *err)
{
    int64_t n = 0;
    char **name = NULL;
    void *id = NULL;
    if (anc_h5_read(&a->file, "/categories/id", ANC_H5_I32, 1, (int64_t[]){ -1 }, &id, &n, err) ||
        anc_h5_read_strings(&a->file, "/categories/name", n, &name, &n, err)) {
        free(id);
        return anc_within(err, "%s", a->file.path);
    }
    out->category = malloc(((size_t)n + 1) * sizeof *out->category);
    anc_status status =
        out->category ? ANC_OK : anc_fail(err, ANC_EMEMORY, "no memory for %" PRId64 " categories", n);
    for (int64_t i = 0; i < n; i++) {
        if (status)
            free(name[i]);
        else
            out->category[i] = (anc_category){ ((int32_t *)id)[i], name[i] };
    }
    out->n_categories = status ? 0 : n;
    free(name);
    free(id);
    const anc_dataset alone = { .category = out->category, .n_categories = out->n_categories };
    return status || anc_dataset_check(&alone, err) ? anc_within(err, "%s", a->file.path) : ANC_OK;
}

static anc_status read_names(const anc_annotations *a, anc_dataset *out, anc_err *err)
{
    int64_t n = 0;
    if (anc_h5_read_strings(&a->file, "/images/file_name", out->n_images, &out->file_name, &n, err) ||
        anc_dataset_check(out, err))
        return anc_within(err, "%s", a->file.path);
    return ANC_OK;
}

/* As many times "". */
static anc_status no_names(int64_t n, char ***out, anc_err *err)
{
    char **name = *out = calloc((size_t)n + 1, sizeof *name);
    if (!name) return anc_fail(err, ANC_EMEMORY, "no memory for the names of %" PRId64 " images", n);
    for (int64_t i = 0; i < n; i++)
        if (!(name[i] = strdup(""))) return anc_fail(err, ANC_EMEMORY, "no memory for names");
    return ANC_OK;
}

anc_status anc_annotations_names(anc_annotations *a, const anc_dataset **out, anc_err *err)
{
    anc_dataset *t = &a->table;
    int64_t n = 0;
    *out = t;
    err->code = ANC_OK;
    if (t->file_name) return ANC_OK;
    if (!anc_h5_exists(&a->file, "/images/file_name"))
        no_names(t->n_images, &t->file_name, err);
    else if (!anc_h5_read_strings(&a->file, "/images/file_name", t->n_images, &t->file_name, &n, err))
        anc_dataset_check_names(t, err);
    return err->code ? anc_within(err, "%s", a->file.path) : ANC_OK;
}

anc_status anc_annotations_read_all(const anc_annotations *a, anc_dataset *out, anc_err *err)
{
    if (anc_annotations_read(a, 0, a->table.n_images, out, err)) return err->code;
    if (anc_annotations_categories(a, out, err) || read_names(a, out, err)) {
        anc_dataset_clear(out);
        return err->code;
    }
    out->report = a->table.report;
    return ANC_OK;
}
