/* io/formats/voc_folder.c: which files a VOC source has: see voc.h */
#include "io/file/files.h"
#include "io/formats/voc.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

bool anc_voc_fits(const anc_probe *p)
{
    char head[4096];
    if (!p->folder) return p->head[0] == '<' && strstr(p->head, "<annotation");
    const char *sub = anc_probe_has(p, "Annotations") ? "Annotations" : "";
    return anc_probe_sample(p, sub, ".xml", head, sizeof head) && strstr(head, "<annotation");
}

static anc_status list_folder(anc_listing *l, const char *folder, anc_err *err)
{
    static const char *const suffixes[] = { ".xml", NULL };
    anc_files files;
    if (anc_listing_folder(l, folder, err) ||
        anc_files_list(folder, suffixes, 8, &files, &l->diagnostics, err))
        return err->code;
    for (int64_t i = 0; i < files.n && !err->code; i++) {
        char key[4096];
        snprintf(key, sizeof key, "%.*s", (int)strlen(files.path[i]) - 4, files.path[i]);
        anc_listing_add(l, files.path[i], key, "", err);
    }
    if (!err->code && !files.n) anc_fail(err, ANC_EDATA, "%s: no .xml files in this folder", folder);
    anc_files_clear(&files);
    return err->code;
}

anc_status anc_voc_list(const anc_reader_options *o, const char *path, anc_listing *l, anc_err *err)
{
    (void)o;
    char *inner = anc_path_join(path, "Annotations"), *pictures = anc_path_join(path, "JPEGImages");
    if (!inner || !pictures) {
        anc_fail(err, ANC_EMEMORY, "%s: no memory to list it", path);
    } else if (anc_is_folder(path)) {
        list_folder(l, anc_is_folder(inner) ? inner : path, err);
        if (!err->code && anc_is_folder(pictures)) anc_listing_images(l, pictures, err);
    } else {
        const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path, *dot = strrchr(name, '.');
        char key[4096];
        snprintf(key, sizeof key, "%.*s", (int)(dot && dot > name ? dot - name : (long)strlen(name)), name);
        anc_listing_add(l, path, key, "", err);
    }
    free(inner);
    free(pictures);
    return err->code;
}
