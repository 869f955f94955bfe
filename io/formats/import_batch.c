/* io/formats/import_batch.c: one run of an import, done on any rank: files read into a part, or sizes found in
 * pictures; see import.h */
#include "io/file/files.h"
#include "io/formats/batch_bytes.h"
#include "io/formats/image_size.h"
#include "io/formats/import.h"
#include <stdio.h>
#include <unistd.h>

static anc_status read_file(const anc_reader *r, const anc_reader_options *o, void *state, const char *folder,
                            const anc_file *file, anc_parsed *part, anc_err *err)
{
    char *path = anc_path_join(folder, file->path);
    if (!path) return anc_fail(err, ANC_EMEMORY, "no memory for a file name");
    anc_stream in = { 0 };
    int fd = -1;
    if (file->path[0]) {
        fd = anc_open_file(path, err);
        if (fd >= 0) anc_stream_fd(&in, fd, path);
        in.asked = o->asked;
        in.context = o->context;
    } else {
        anc_stream_memory(&in, "", 0, file->image);
    }
    part->file = in.name;
    part->line = 0;
    if (fd >= 0 || !file->path[0]) {
        part->file = in.name;
        r->read(o, state, file, &in, part, err);
        anc_stream_end(&in);
    }
    if (fd >= 0) close(fd);
    part->file = NULL;
    free(path);
    return err->code;
}

static anc_status read_files(const anc_reader *r, const anc_reader_options *o, const char *folder,
                             anc_batch_cursor *c, void **result, size_t *n_result, anc_err *err)
{
    void *state = NULL;
    anc_parsed part = { 0 };
    anc_status status = r->start ? r->start(o, &state, err) : ANC_OK;
    while (!status && c->at < c->end) {
        const char *path = anc_batch_string(c), *key = anc_batch_string(c), *image = anc_batch_string(c);
        const anc_file file = { (char *)(uintptr_t)path, (char *)(uintptr_t)key, (char *)(uintptr_t)image };
        status = read_file(r, o, state, folder, &file, &part, err);
    }
    if (!status) status = anc_parsed_pack(&part, result, n_result, err);
    if (r->end) r->end(state);
    anc_parsed_clear(&part);
    return status;
}

anc_status anc_import_stream_batch(const anc_reader_options *o, const anc_reader *r, const char *path, int fd,
                                   const void *head, size_t n_head, void **result, size_t *n_result,
                                   anc_err *err)
{
    char nothing[] = "";
    const anc_file file = { (char *)(uintptr_t)path, (char *)(uintptr_t)path, nothing };
    void *state = NULL;
    anc_stream in;
    anc_parsed part = { .file = path };
    anc_stream_fd(&in, fd, path);
    in.bytes = head; /* and then what fd gives */
    in.n = n_head;
    in.asked = o->asked;
    in.context = o->context;
    if ((!r->start || !r->start(o, &state, err)) && !r->read(o, state, &file, &in, &part, err)) {
        part.file = NULL;
        anc_parsed_pack(&part, result, n_result, err);
    }
    anc_stream_end(&in);
    if (r->end) r->end(state);
    anc_parsed_clear(&part);
    return err->code;
}

/* Where the picture may be: by its name, by its bare name, by the key and a usual ending. NULL: in none of
 * these places. */
static char *find_picture(const char *folder, const char *key, const char *name)
{
    static const char *const ending[] = { "",      ".jpg", ".jpeg", ".png", ".JPG",
                                          ".JPEG", ".PNG", ".webp", ".bmp" };
    char candidate[2 * ANC_MAX_NAME_BYTES + 16];
    const char *slash = strrchr(name, '/');
    const char *base[] = { name, slash ? slash + 1 : "", key,
                           strrchr(key, '/') ? strrchr(key, '/') + 1 : "" };
    for (int b = 0; b < 4; b++)
        for (size_t e = 0; base[b][0] && anc_path_stays(base[b]) && e < sizeof ending / sizeof *ending; e++) {
            snprintf(candidate, sizeof candidate, "%s%s", base[b], ending[e]);
            char *path = anc_path_join(folder, candidate);
            if (!path || anc_is_file(path)) return path;
            free(path);
        }
    return NULL;
}

/* table: --sizes, which does not have this image; NULL: none was given. */
static anc_status find_size(const char *folder, const char *table, const char *key, const char *name,
                            int32_t *size, anc_err *err)
{
    const char *shown = name[0] ? name : key;
    if (!folder[0] && table)
        return anc_fail(err, ANC_EDATA,
                        "%s: how large this image is say neither the annotations nor %s: add it to that "
                        "table, or give the "
                        "folder of the pictures with --images DIR",
                        shown, table);
    if (!folder[0])
        return anc_fail(err, ANC_EDATA,
                        "%s: the annotations do not say how large this image is: give the folder of the "
                        "pictures with --images DIR, or a table with --sizes FILE",
                        shown);
    char *path = find_picture(folder, key, name);
    if (!path)
        return anc_fail(err, ANC_EDATA,
                        "%s: the annotations do not say how large this image is, and no such picture is in "
                        "%s: give their folder with --images DIR, or a table with --sizes FILE",
                        shown, folder);
    anc_image_size_of(path, &size[0], &size[1], err);
    free(path);
    return err->code;
}

static anc_status read_sizes(const anc_reader_options *o, const char *source, const char *folder,
                             anc_batch_cursor *c, void **result, size_t *n_result, anc_err *err)
{
    anc_batch_writer w = { 0 };
    while (c->at < c->end) {
        if (o->asked && o->asked(o->context)) {
            anc_fail(err, ANC_ESTOPPED, "stopped while looking for sizes in %s", folder);
            break;
        }
        const char *key = anc_batch_string(c), *name = anc_batch_string(c);
        int32_t size[2] = { 0, 0 };
        if (find_size(folder, o->sizes, key, name, size, err)) {
            anc_within(err, "%s", source);
            break;
        }
        anc_batch_put(&w, size, sizeof size);
    }
    if (!err->code && w.failed) anc_fail(err, ANC_EMEMORY, "no memory for the sizes of images");
    if (err->code) {
        free(w.bytes);
        return err->code;
    }
    *result = w.bytes;
    *n_result = w.n;
    return ANC_OK;
}

anc_status anc_import_batch(const anc_reader_options *o, const void *bytes, size_t n, void **result,
                            size_t *n_result, anc_err *err)
{
    anc_batch_cursor c = { bytes, (const char *)bytes + n };
    const char *what = anc_batch_string(&c);
    const anc_reader *r = anc_reader_find(anc_batch_string(&c));
    const char *source = anc_batch_string(&c), *folder = anc_batch_string(&c);
    *result = NULL;
    *n_result = 0;
    if (!strcmp(what, "sizes")) return read_sizes(o, source, folder, &c, result, n_result, err);
    if (!r || !r->read) return anc_fail(err, ANC_EDATA, "a run of files of an unknown format");
    return read_files(r, o, folder, &c, result, n_result, err);
}
