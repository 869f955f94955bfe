/* io/formats/reader.c: see reader.h: the table of formats, and which of them a source has */
#include "io/formats/reader.h"
#include "io/file/files.h"
#include "io/formats/coco.h"
#include "io/formats/crowdhuman.h"
#include "io/formats/kitti.h"
#include "io/formats/open_images.h"
#include "io/formats/visdrone.h"
#include "io/formats/voc.h"
#include "io/formats/wider.h"
#include "io/formats/yolo.h"
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Asked in this order: the more particular before the more general. */
const anc_reader *const anc_readers[] = { &anc_crowdhuman_reader,  &anc_coco_reader,  &anc_voc_reader,
                                          &anc_open_images_reader, &anc_wider_reader, &anc_kitti_reader,
                                          &anc_visdrone_reader,    &anc_yolo_reader,  NULL };

const anc_reader *anc_reader_find(const char *name)
{
    for (const anc_reader *const *r = anc_readers; *r; r++)
        if (!strcmp((*r)->name, name)) return *r;
    return NULL;
}

/* ---- listings ---- */

void anc_listing_clear(anc_listing *l)
{
    for (int64_t i = 0; i < l->n_files; i++) {
        free(l->file[i].path);
        free(l->file[i].key);
        free(l->file[i].image);
    }
    for (int64_t i = 0; i < l->n_categories; i++) {
        free(l->category[i].key);
        free(l->category[i].name);
    }
    free(l->file);
    free(l->category);
    free(l->folder);
    free(l->images);
    *l = (anc_listing){ 0 };
}

static anc_status no_memory(anc_err *err)
{
    return anc_fail(err, ANC_EMEMORY, "no memory to list the source's files");
}

anc_status anc_listing_folder(anc_listing *l, const char *folder, anc_err *err)
{
    free(l->folder);
    l->folder = anc_path_join(folder, "");
    return l->folder ? ANC_OK : no_memory(err);
}

anc_status anc_listing_images(anc_listing *l, const char *folder, anc_err *err)
{
    free(l->images);
    l->images = strdup(folder);
    return l->images ? ANC_OK : no_memory(err);
}

anc_status anc_listing_add(anc_listing *l, const char *path, const char *key, const char *image, anc_err *err)
{
    if (l->n_files == l->file_capacity) {
        int64_t capacity = l->file_capacity ? 2 * l->file_capacity : 64;
        anc_file *grown = realloc(l->file, (size_t)capacity * sizeof *grown);
        if (!grown) return no_memory(err);
        l->file = grown;
        l->file_capacity = capacity;
    }
    anc_file f = { strdup(path), strdup(key), strdup(image) };
    l->file[l->n_files++] = f;
    return f.path && f.key && f.image ? ANC_OK : no_memory(err);
}

anc_status anc_listing_category(anc_listing *l, int64_t id, const char *key, const char *name, anc_err *err)
{
    if (l->n_categories == l->category_capacity) {
        int64_t capacity = l->category_capacity ? 2 * l->category_capacity : 64;
        anc_known_category *grown = realloc(l->category, (size_t)capacity * sizeof *grown);
        if (!grown) return no_memory(err);
        l->category = grown;
        l->category_capacity = capacity;
    }
    anc_known_category c = { id, strdup(key), strdup(name) };
    l->category[l->n_categories++] = c;
    return c.key && c.name ? ANC_OK : no_memory(err);
}

/* ---- what a source looks like ---- */

static size_t read_start(const char *path, char *head, size_t capacity)
{
    anc_err ignored = { 0 };
    size_t n = 0;
    int fd = anc_open_file(path, &ignored);
    while (fd >= 0 && n + 1 < capacity) {
        ssize_t got = read(fd, head + n, capacity - 1 - n);
        if (got < 0 && errno == EINTR) continue;
        if (got <= 0) break;
        n += (size_t)got;
    }
    head[n] = '\0';
    if (fd >= 0) close(fd);
    return n;
}

bool anc_probe_has(const anc_probe *p, const char *name)
{
    char *path = p->folder ? anc_path_join(p->path, name) : NULL;
    bool there = path && !access(path, F_OK);
    free(path);
    return there;
}

bool anc_probe_read(const anc_probe *p, const char *path, char *head, size_t capacity)
{
    char *full = anc_path_join(p->path, path);
    bool found = full && read_start(full, head, capacity) > 0;
    free(full);
    return found;
}

bool anc_probe_sample(const anc_probe *p, const char *sub, const char *suffix, char *head, size_t capacity)
{
    const char *const suffixes[] = { suffix, NULL };
    anc_files files = { 0 };
    anc_err ignored = { 0 };
    char *folder = p->folder ? anc_path_join(p->path, sub) : NULL;
    bool found = folder && anc_is_folder(folder) &&
                 !anc_files_list(folder, suffixes, 3, &files, NULL, &ignored) && files.n;
    char *path = found ? anc_path_join(folder, files.path[0]) : NULL;
    found = path && read_start(path, head, capacity) > 0;
    anc_files_clear(&files);
    free(folder);
    free(path);
    return found;
}

/* "coco, voc, ..." */
static const char *names_of_all(char *text, size_t capacity)
{
    size_t n = 0;
    text[0] = '\0';
    for (const anc_reader *const *r = anc_readers; *r && n < capacity; r++)
        n += (size_t)snprintf(text + n, capacity - n, "%s%s", n ? ", " : "", (*r)->name);
    return text;
}

/* A folder in which the file lies that was meant. */
static bool name_file_within(const char *path, anc_err *err)
{
    static const char *const suffixes[] = { ".json", ".odgt", ".csv", ".h5", NULL };
    anc_files files = { 0 };
    anc_err ignored = { 0 };
    bool found = !anc_files_list(path, suffixes, 1, &files, NULL, &ignored) && files.n;
    if (found)
        anc_fail(err, ANC_EDATA,
                 "%s: this folder is none of what --format can name; if a file in it is meant, such as "
                 "%.200s, name "
                 "that",
                 path, files.path[0]);
    anc_files_clear(&files);
    return found;
}

static anc_status none_fits(const char *path, bool folder, anc_err *err)
{
    char text[880];
    size_t n = 0;
    if (folder && name_file_within(path, err)) return err->code;
    for (const anc_reader *const *r = anc_readers; *r && n < sizeof text; r++)
        n += (size_t)snprintf(text + n, sizeof text - n, "%s%s", n ? "; " : "", (*r)->what);
    return anc_fail(err, ANC_EDATA, "%s: this %s is none of what --format can name (%s)", path,
                    folder ? "folder" : "file", text);
}

anc_status anc_reader_for(const anc_reader_options *o, const anc_probe *p, const anc_reader **out,
                          anc_err *err)
{
    char all[256];
    *out = o->format ? anc_reader_find(o->format) : NULL;
    if (*out) return ANC_OK;
    if (o->format)
        return anc_fail(err, ANC_EARGUMENT, "no format is called '%s'; there are %s", o->format,
                        names_of_all(all, sizeof all));
    if (!p->folder && anc_stream_refuse(p->raw, p->n_raw, err)) return anc_within(err, "%s", p->path);
    for (const anc_reader *const *r = anc_readers; *r && !*out; r++)
        if ((*r)->fits(p)) *out = *r;
    return *out ? ANC_OK : none_fits(p->path, p->folder, err);
}
