/* io/source/source.c: see source.h */
#include "io/source/source.h"
#include "io/dataset/annotations.h"
#include "io/dataset/coco_export.h"
#include "io/file/files.h"
#include "io/hdf5/h5.h"
#include <errno.h>
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct anc_source {
    anc_annotations *annotations; /* NULL: the data set is in memory */
    const anc_reader *reader;     /* NULL: annotations.h5, or several */
    bool several, strict;
    anc_dataset dataset;
    anc_diagnostics diagnostics;
};

enum { HEAD_BYTES = 4096 };

/* Up to room bytes from the start of a file or pipe. */
static anc_status read_head(int fd, char *head, size_t capacity, size_t *n, anc_err *err)
{
    for (*n = 0; *n < capacity;) {
        ssize_t got = read(fd, head + *n, capacity - *n);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0) return anc_fail(err, ANC_ESYSTEM, "cannot read: %s", strerror(errno));
        if (got == 0) break;
        *n += (size_t)got;
    }
    return ANC_OK;
}

static anc_status strictly(anc_source *s, const char *path, anc_err *err)
{
    if (s->strict && anc_diagnostics_strict(&s->diagnostics, err)) return anc_within(err, "%s", path);
    return ANC_OK;
}

/* An open file or pipe: what it is, and, if its reader takes it whole, all of it. */
static anc_status begin_file(anc_source *s, int fd, const char *path, const anc_reader_options *o,
                             anc_import **import, anc_err *err)
{
    char head[HEAD_BYTES + 1];
    size_t n;
    if (read_head(fd, head, HEAD_BYTES, &n, err)) return anc_within(err, "%s", path);
    head[n] = '\0';
    if (anc_h5_begins(head, n) && anc_source_is_stdin(path))
        return anc_fail(err, ANC_EDATA, "%s: an HDF5 file cannot be read from a pipe: give its name", path);
    if (anc_h5_begins(head, n) && (!o->format || !strcmp(o->format, "annotations")))
        return anc_annotations_open(path, &s->annotations, err);
    size_t skip = n >= 3 && !memcmp(head, "\xef\xbb\xbf", 3) ? 3 : 0;
    skip += strspn(head + skip, " \t\r\n");
    const anc_probe p = { path, false, head + skip, (const unsigned char *)head, n };
    if (anc_reader_for(o, &p, &s->reader, err)) return err->code;
    if (s->reader->whole) {
        if (s->reader->whole(o, fd, head, n, path, &s->dataset, &s->diagnostics, err)) return err->code;
        return strictly(s, path, err);
    }
    if (!anc_source_is_stdin(path) && anc_is_file(path)) return ANC_OK;
    if (!s->reader->pipe)
        return anc_fail(err, ANC_EDATA, "%s: %s cannot be read from a pipe: save it as a file", path,
                        s->reader->name);
    if (anc_import_open(o, s->reader, path, import, err)) return err->code;
    return anc_import_stream(*import, fd, head, n, err);
}

/* Options that the source's format has no use for are mistakes. */
static anc_status refuse_options(const anc_source *s, const char *path, const anc_reader_options *o,
                                 anc_err *err)
{
    const char *option = o->images  ? "images"
                         : o->sizes ? "sizes"
                         : o->names ? "names"
                         : o->list  ? "list"
                                    : NULL;
    if (!option || (s->reader && s->reader->read)) return ANC_OK;
    return anc_fail(err, ANC_EARGUMENT, "%s: --%s is not for a file of format %s, which says all that itself",
                    path, option, s->reader ? s->reader->name : "annotations");
}

bool anc_source_is_stdin(const char *path) { return !strcmp(path, "-"); }

static anc_status begin(anc_source *s, const char *path, const anc_reader_options *o, anc_import **import,
                        anc_err *err)
{
    bool standard = anc_source_is_stdin(path);
    int fd = standard ? fcntl(STDIN_FILENO, F_DUPFD_CLOEXEC, 3) : open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return anc_fail(err, ANC_ESYSTEM, "%s: cannot open: %s", path, strerror(errno));
    if (standard) {
        begin_file(s, fd, path, o, import, err);
        close(fd);
        return err->code;
    }
    const anc_probe folder = { path, true, "", (const unsigned char *)"", 0 };
    if (anc_is_folder(path))
        anc_reader_for(o, &folder, &s->reader, err);
    else
        begin_file(s, fd, path, o, import, err);
    close(fd);
    if (!err->code && s->reader && s->reader->whole && anc_is_folder(path))
        anc_fail(err, ANC_EDATA, "%s: a folder, but %s is one file: name the file", path, s->reader->name);
    return err->code;
}

anc_status anc_source_begin(const char *path, const anc_reader_options *o, anc_source **out,
                            anc_import **import, anc_err *err)
{
    anc_source *s = *out = calloc(1, sizeof *s);
    *import = NULL;
    if (!s) return anc_fail(err, ANC_EMEMORY, "%s: no memory", path);
    s->strict = o->strict;
    if (begin(s, path, o, import, err) || refuse_options(s, path, o, err)) return err->code;
    if (s->reader && s->reader->read && !*import) return anc_import_open(o, s->reader, path, import, err);
    return ANC_OK;
}

anc_status anc_source_end(anc_source *s, anc_import *import, anc_err *err)
{
    if (!import) return ANC_OK;
    const char *path = anc_import_path(import);
    if (anc_import_finish(import, &s->dataset, &s->diagnostics, err)) return anc_within(err, "%s", path);
    if (strictly(s, path, err)) return err->code;
    anc_import_close(import);
    return ANC_OK;
}

/* All runs of an import, one after the other. */
static anc_status read_all(const anc_reader_options *o, anc_import *import, anc_err *err)
{
    while (!anc_import_done(import)) {
        for (int64_t r = 0; r < anc_import_batches(import) && !err->code; r++) {
            void *run = NULL, *result = NULL;
            size_t n_run, n_result;
            if (!anc_import_pack(import, r, &run, &n_run, err) &&
                !anc_import_batch(o, run, n_run, &result, &n_result, err))
                anc_import_take(import, result, n_result, err);
            free(run);
            free(result);
        }
        if (err->code || anc_import_advance(import, err)) return err->code;
    }
    return ANC_OK;
}

anc_status anc_source_open(const char *path, const anc_reader_options *o, anc_source **out, anc_err *err)
{
    static const anc_reader_options defaults;
    anc_source *s;
    anc_import *import;
    if (!o) o = &defaults;
    if (!anc_source_begin(path, o, &s, &import, err) && (!import || !read_all(o, import, err)) &&
        !anc_source_end(s, import, err)) {
        *out = s;
        return ANC_OK;
    }
    anc_import_close(import);
    anc_source_close(s);
    *out = NULL;
    return err->code;
}

void anc_source_close(anc_source *s)
{
    if (!s) return;
    anc_annotations_close(s->annotations);
    anc_dataset_clear(&s->dataset);
    free(s);
}

int64_t anc_source_images(const anc_source *s)
{
    return s->annotations ? anc_annotations_images(s->annotations) : s->dataset.n_images;
}

const anc_image *anc_source_image(const anc_source *s, int64_t i)
{
    return s->annotations ? anc_annotations_image(s->annotations, i) : &s->dataset.image[i];
}

int64_t anc_source_boxes(const anc_source *s)
{
    return s->annotations ? anc_annotations_boxes(s->annotations) : s->dataset.n_boxes;
}

const char *anc_source_format(const anc_source *s)
{
    return s->several ? "several" : s->reader ? s->reader->name : "annotations";
}

char *anc_source_config(const anc_source *s)
{
    return s->annotations ? anc_annotations_config(s->annotations) : NULL;
}

const anc_diagnostics *anc_source_diagnostics(const anc_source *s)
{
    return s->annotations ? NULL : &s->diagnostics;
}

const anc_dataset_report *anc_source_report(const anc_source *s)
{
    return s->annotations ? anc_annotations_report(s->annotations) : &s->dataset.report;
}

static anc_status copy_categories(const anc_dataset *d, anc_dataset *out, anc_err *err)
{
    out->category = calloc((size_t)d->n_categories + 1, sizeof *out->category);
    if (!out->category) return anc_fail(err, ANC_EMEMORY, "no memory for the categories");
    for (; out->n_categories < d->n_categories; out->n_categories++) {
        anc_category *c = &out->category[out->n_categories];
        *c = (anc_category){ d->category[out->n_categories].id, strdup(d->category[out->n_categories].name) };
        if (!c->name) return anc_fail(err, ANC_EMEMORY, "no memory for the names of categories");
    }
    return ANC_OK;
}

anc_status anc_source_categories(const anc_source *s, anc_dataset *out, anc_err *err)
{
    anc_status status = s->annotations ? anc_annotations_categories(s->annotations, out, err)
                                       : copy_categories(&s->dataset, out, err);
    if (status) anc_dataset_clear(out);
    return status;
}

anc_status anc_source_names(anc_source *s, const anc_dataset **out, anc_err *err)
{
    if (s->annotations) return anc_annotations_names(s->annotations, out, err);
    *out = &s->dataset;
    return ANC_OK;
}

anc_status anc_source_fingerprint(anc_source *s, uint64_t *out, anc_err *err)
{
    enum { IMAGES_AT_ONCE = 8192 }; /* bounds memory; the value does not depend on it */
    int64_t n = anc_source_images(s);
    *out = 0;
    if (!s->annotations) {
        *out = anc_dataset_fingerprint(&s->dataset, 0);
        return ANC_OK;
    }
    for (int64_t first = 0; first < n; first += IMAGES_AT_ONCE) {
        anc_dataset slice = { 0 };
        if (anc_source_read(s, first, n - first < IMAGES_AT_ONCE ? n - first : IMAGES_AT_ONCE, &slice, err))
            return err->code;
        *out = anc_dataset_fingerprint(&slice, *out);
        anc_dataset_clear(&slice);
    }
    return ANC_OK;
}

anc_status anc_source_read(anc_source *s, int64_t first, int64_t n, anc_dataset *slice, anc_err *err)
{
    return s->annotations ? anc_annotations_read(s->annotations, first, n, slice, err)
                          : anc_dataset_slice(&s->dataset, first, n, slice, err);
}

/* What was found in one source of several. Ids of images and annotations say little without the source. */
static void add_findings(const anc_source *part, const char *path, anc_diagnostics *sum)
{
    const anc_dataset_report *r = anc_source_report(part);
    anc_diagnostics f = part->diagnostics;
    const char *slash = strrchr(path, '/');
    if (slash && slash[1]) path = slash + 1;
    for (int k = 0; k < ANC_N_DIAGNOSTICS; k++) {
        if (part->annotations) f.of[k].n = r->found[k];
        for (int p = 0; p < ANC_DIAGNOSTIC_PLACES && f.of[k].place[p][0]; p++) {
            const char *place = part->diagnostics.of[k].place[p];
            if (!part->reader->whole && strncmp(place, "image ", 6)) continue; /* names its file */
            snprintf(f.of[k].place[p], sizeof f.of[k].place[p], "%.60s: %.90s", path, place);
        }
    }
    if (part->annotations) { /* which has no places, and keeps these apart */
        f.of[ANC_DIAG_EMPTY_BOX].n = r->empty_boxes;
        f.of[ANC_DIAG_OVER_EDGE].n = r->over_edge;
        f.of[ANC_DIAG_OUTSIDE].n = r->outside;
        f.of[ANC_DIAG_DUPLICATE_ID].n = r->duplicate_ids;
    }
    anc_diagnostics_add(sum, &f);
}

anc_status anc_source_join(anc_source *const *part, const char *const *path, int n, anc_source **out,
                           anc_join_changes *changes, anc_err *err)
{
    anc_dataset *set = calloc((size_t)n, sizeof *set);
    anc_source *s = *out = calloc(1, sizeof *s);
    err->code = ANC_OK;
    if (!set || !s) anc_fail(err, ANC_EMEMORY, "no memory for %d sources", n);
    for (int k = 0; k < n && !err->code; k++) {
        if (part[k]->annotations)
            anc_annotations_read_all(part[k]->annotations, &set[k], err);
        else
            set[k] = part[k]->dataset; /* lent */
        if (!err->code) add_findings(part[k], path[k], &s->diagnostics);
    }
    if (!err->code && !anc_join(set, path, n, &s->dataset, changes, err)) s->several = true;
    for (int k = 0; set && k < n; k++)
        if (part[k]->annotations) anc_dataset_clear(&set[k]);
    free(set);
    if (!err->code) return ANC_OK;
    anc_source_close(s);
    *out = NULL;
    return err->code;
}

anc_status anc_source_write(anc_source *s, const char *path, const char *config, anc_err *err)
{
    if (!s->annotations) return anc_annotations_write(path, &s->dataset, config, err);
    anc_dataset all = { 0 };
    anc_status status = anc_annotations_read_all(s->annotations, &all, err);
    if (!status) status = anc_annotations_write(path, &all, config, err);
    anc_dataset_clear(&all);
    return status;
}

anc_status anc_source_export(anc_source *s, const char *path, bool (*asked)(void *context), void *context,
                             anc_err *err)
{
    if (!s->annotations) return anc_coco_export(path, &s->dataset, asked, context, err);
    anc_dataset all = { 0 };
    anc_status status = anc_annotations_read_all(s->annotations, &all, err);
    if (!status) status = anc_coco_export(path, &all, asked, context, err);
    anc_dataset_clear(&all);
    return status;
}
