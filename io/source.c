/* io/source.c: see source.h */
#include "io/source.h"
#include "io/annotations.h"
#include "io/coco.h"
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

struct anc_source {
    anc_annotations *annotations; /* NULL: the data set is in memory */
    anc_dataset dataset;
};

/* Up to room bytes from the start of a file or pipe. */
static anc_status read_head(int fd, unsigned char *head, size_t room, size_t *n, anc_err *err)
{
    for (*n = 0; *n < room;) {
        ssize_t got = read(fd, head + *n, room - *n);
        if (got < 0 && errno == EINTR) continue;
        if (got < 0 && errno == EISDIR)
            return anc_fail(err, ANC_ESYSTEM, "is a directory, not an annotation file");
        if (got < 0) return anc_fail(err, ANC_ESYSTEM, "cannot read: %s", strerror(errno));
        if (got == 0) break;
        *n += (size_t)got;
    }
    return ANC_OK;
}

static anc_status open_content(anc_source *s, int fd, const char *path, anc_err *err)
{
    static const unsigned char hdf5[] = { 0x89, 'H', 'D', 'F', '\r', '\n', 0x1a, '\n' };
    unsigned char head[sizeof hdf5];
    size_t n;
    if (read_head(fd, head, sizeof head, &n, err)) return anc_within(err, "%s", path);
    if (n == sizeof hdf5 && !memcmp(head, hdf5, n)) return anc_annotations_open(path, &s->annotations, err);
    size_t skip = n >= 3 && !memcmp(head, "\xef\xbb\xbf", 3) ? 3 : 0;
    while (skip < n && strchr(" \t\r\n", head[skip]) && head[skip]) skip++;
    if (skip < n && head[skip] == '<')
        return anc_fail(err, ANC_EDATA,
                        "%s: XML, not JSON or annotations.h5: `anchorage import` reads other formats", path);
    return anc_coco_read_fd(fd, head, n, path, &s->dataset, err);
}

anc_status anc_source_open(const char *path, anc_source **out, anc_err *err)
{
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0) return anc_fail(err, ANC_ESYSTEM, "%s: cannot open: %s", path, strerror(errno));
    anc_source *s = calloc(1, sizeof *s);
    anc_status status =
        s ? open_content(s, fd, path, err) : anc_fail(err, ANC_EMEMORY, "%s: no memory", path);
    close(fd);
    if (status) {
        free(s);
        return status;
    }
    *out = s;
    return ANC_OK;
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

int64_t anc_source_boxes(const anc_source *s)
{
    return s->annotations ? anc_annotations_boxes(s->annotations) : s->dataset.n_boxes;
}

const char *anc_source_format(const anc_source *s) { return s->annotations ? "annotations" : "coco"; }

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

anc_status anc_source_write(anc_source *s, const char *path, const char *config, anc_err *err)
{
    if (!s->annotations) return anc_annotations_write(path, &s->dataset, config, err);
    anc_dataset all = { 0 };
    anc_status status = anc_annotations_read_all(s->annotations, &all, err);
    if (!status) status = anc_annotations_write(path, &all, config, err);
    anc_dataset_clear(&all);
    return status;
}
