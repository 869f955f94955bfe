/* io/formats/label_folder.c: see label_folder.h */
#include "io/formats/label_folder.h"
#include "io/file/files.h"
#include <stdlib.h>
#include <string.h>

static anc_status no_memory(anc_err *err, const char *path)
{
    return anc_fail(err, ANC_EMEMORY, "%s: no memory to list it", path);
}

/* The folder that holds path, "" for the current one; malloc'ed, NULL: no memory. */
static char *parent_of(const char *path)
{
    size_t n = strlen(path);
    while (n > 1 && path[n - 1] == '/') n--;
    while (n && path[n - 1] != '/') n--;
    return strndup(path, n);
}

static anc_status add_file(anc_listing *l, const char *name, const char *ending, anc_err *err)
{
    size_t n = strlen(name) - strlen(".txt"), capacity = n + strlen(ending) + 1;
    char *key = strndup(name, n), *image = malloc(capacity);
    anc_status status = ANC_EMEMORY;
    if (key && image) {
        memcpy(image, name, n);
        memcpy(image + n, ending, capacity - n);
        status = anc_listing_add(l, name, key, image, err);
    } else {
        no_memory(err, name);
    }
    free(key);
    free(image);
    return status;
}

static anc_status list_files(const anc_label_folder *f, const char *folder, anc_listing *l, anc_err *err)
{
    static const char *const suffixes[] = { ".txt", NULL };
    anc_files files = { 0 };
    anc_status status = anc_files_list(folder, suffixes, 0, &files, &l->diagnostics, err);
    if (!status && !files.n)
        status = anc_fail(err, ANC_EDATA, "%s: no .txt file in this folder: name the folder of the labels",
                          folder);
    for (int64_t i = 0; !status && i < files.n; i++) status = add_file(l, files.path[i], f->ending, err);
    anc_files_clear(&files);
    return status;
}

/* folder/../images, if it is there. */
static anc_status find_images(const anc_label_folder *f, const char *folder, anc_listing *l, anc_err *err)
{
    char *parent = parent_of(folder), *images = parent ? anc_path_join(parent, f->images) : NULL;
    anc_status status = images ? ANC_OK : no_memory(err, folder);
    if (!status && anc_is_folder(images)) status = anc_listing_images(l, images, err);
    free(parent);
    free(images);
    return status;
}

anc_status anc_label_folder_list(const anc_label_folder *f, const char *path, anc_listing *l, anc_err *err)
{
    bool one = !anc_is_folder(path);
    char *below = anc_path_join(path, f->labels), *folder = one ? parent_of(path) : strdup(path);
    anc_status status = ANC_OK;
    if (!below || !folder) {
        status = no_memory(err, path);
    } else if (!one && anc_is_folder(below)) {
        free(folder);
        folder = below;
        below = NULL;
    }
    if (!status) status = anc_listing_folder(l, folder, err);
    if (!status)
        status = one ? add_file(l, path + strlen(folder), f->ending, err) : list_files(f, folder, l, err);
    if (!status) status = find_images(f, one && !*folder ? "./labels" : folder, l, err);
    free(below);
    free(folder);
    return status;
}

bool anc_label_folder_line(const anc_label_folder *f, const anc_probe *p, char *line, size_t capacity)
{
    char sample[4096];
    const char *text = p->head;
    if (p->folder) {
        const char *sub = anc_probe_has(p, f->labels) ? f->labels : "";
        if (!anc_probe_sample(p, sub, ".txt", sample, sizeof sample)) return false;
        text = sample;
    }
    text += strspn(text, " \t\r\n");
    size_t n = strcspn(text, "\r\n");
    if (!n || n >= capacity) return false;
    memcpy(line, text, n);
    line[n] = '\0';
    return true;
}

anc_status anc_label_folder_read(const anc_file *file, anc_stream *in, anc_label_line take, anc_parsed *part,
                                 anc_err *err)
{
    anc_number_reader numbers;
    char *line;
    size_t n;
    int64_t image;
    if (!anc_number_open(&numbers)) return anc_fail(err, ANC_EMEMORY, "%s: no memory to read it", in->name);
    anc_status status =
        anc_parsed_add_image(part, &(anc_parsed_image){ .key = file->key, .name = file->image }, &image, err);
    while (!status && !(status = anc_stream_line(in, &line, &n, err)) && line) {
        part->line = in->line;
        if (line[strspn(line, " \t")]) status = take(&numbers, line, image, part, err);
    }
    anc_number_close(&numbers);
    return status;
}
