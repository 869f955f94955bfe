/* io/formats/yolo.c: see yolo.h */
#include "io/formats/yolo.h"
#include "io/file/files.h"
#include "io/text/number.h"
#include <inttypes.h>
#include <math.h>
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { MAX_DEPTH = 8 };
static const double FAR = 2; /* shares beyond this are no shares: the file holds pixels */

/* ---- one file ---- */

/* The next number of the row, NULL when the row has ended. */
static char *next_word(char **at)
{
    char *word = *at + strspn(*at, " \t");
    if (!*word) return NULL;
    *at = word + strcspn(word, " \t");
    if (**at) *(*at)++ = '\0';
    return word;
}

typedef struct {
    int n; /* numbers after the class */
    double first[4];
    double low[2], high[2]; /* of x and y in turn: a polygon's box */
} row;

static anc_status read_row(const anc_number_reader *numbers, const anc_parsed *part, char *at, row *r,
                           anc_err *err)
{
    char *word;
    *r = (row){ .low = { INFINITY, INFINITY }, .high = { -INFINITY, -INFINITY } };
    while ((word = next_word(&at))) {
        double v;
        if (strspn(word, "+-0123456789.eE") != strlen(word) ||
            !anc_number_real(numbers, word, strlen(word), &v))
            return anc_parsed_fail(part, err, "'%.40s' is not a number: correct it", word);
        if (fabs(v) > FAR)
            return anc_parsed_fail(part, err,
                                   "%.40s is no share of the picture's width or height (those are 0 to 1): "
                                   "is this file in pixels?",
                                   word);
        if (r->n < 4) r->first[r->n] = v;
        int axis = r->n++ % 2;
        r->low[axis] = v < r->low[axis] ? v : r->low[axis];
        r->high[axis] = v > r->high[axis] ? v : r->high[axis];
    }
    return ANC_OK;
}

static anc_status take_row(const anc_number_reader *numbers, anc_parsed *part, int64_t image, char *line,
                           anc_err *err)
{
    char *at = line, *word = next_word(&at);
    int64_t class;
    row r;
    if (!word) return ANC_OK; /* a blank line */
    if (strspn(word, "+-0123456789.eE") != strlen(word) ||
        !anc_number_whole(numbers, word, strlen(word), &class) || class < 0 || class > INT32_MAX)
        return anc_parsed_fail(part, err, "'%.40s' is not the number of a class, from 0 on", word);
    if (read_row(numbers, part, at, &r, err)) return err->code;
    anc_parsed_box box = { 0 };
    if (r.n == 4 || r.n == 5) { /* a fifth is a confidence or a track */
        const double *c = r.first;
        const double xyxy[4] = { c[0] - c[2] / 2, c[1] - c[3] / 2, c[0] + c[2] / 2, c[1] + c[3] / 2 };
        memcpy(box.xyxy, xyxy, sizeof xyxy);
    } else if (r.n >= 6 && r.n % 2 == 0) {
        const double xyxy[4] = { r.low[0], r.low[1], r.high[0], r.high[1] };
        memcpy(box.xyxy, xyxy, sizeof xyxy);
        anc_parsed_find_here(part, ANC_DIAG_POLYGON);
    } else {
        return anc_parsed_fail(
            part, err,
            "%d numbers after the class; a box has 4 (x y w h), a polygon an even number from 6 on", r.n);
    }
    if (anc_parsed_category_number(part, class, &box.category, err)) return err->code;
    return anc_parsed_add_box(part, image, &box, err);
}

static anc_status yolo_read(const anc_reader_options *o, void *state, const anc_file *file, anc_stream *in,
                            anc_parsed *part, anc_err *err)
{
    int64_t image;
    char *line;
    size_t n;
    (void)o;
    const anc_parsed_image about = { file->key, file->image, 0, 0, true };
    if (anc_parsed_add_image(part, &about, &image, err)) return err->code;
    while (!anc_stream_line(in, &line, &n, err) && line) {
        part->line = in->line;
        if (take_row(state, part, image, line, err)) break;
    }
    return err->code;
}

static void yolo_end(void *state)
{
    if (state) anc_number_close(state);
    free(state);
}

static anc_status yolo_start(const anc_reader_options *o, void **state, anc_err *err)
{
    (void)o;
    anc_number_reader *numbers = *state = calloc(1, sizeof *numbers);
    if (numbers && anc_number_open(numbers)) return ANC_OK;
    yolo_end(numbers);
    *state = NULL;
    return anc_fail(err, ANC_EMEMORY, "no memory to read numbers");
}

/* ---- the folder: which labels and pictures belong together ---- */

static const char *const labels_suffix[] = { ".txt", NULL };
static const char *const picture_suffix[] = { ".jpg", ".jpeg", ".png", ".webp", ".bmp", NULL };

/* Text files that stand beside labels and are none. */
static bool no_label(const char *path)
{
    static const char *const names[] = { "classes.txt", "labels.txt", "names.txt",  "train.txt", "val.txt",
                                         "test.txt",    "README.txt", "readme.txt", NULL };
    const char *slash = strrchr(path, '/'), *name = slash ? slash + 1 : path;
    for (int i = 0; names[i]; i++)
        if (!strcmp(name, names[i])) return true;
    return false;
}

typedef struct {
    char *labels, *pictures, *root; /* folders; pictures NULL: there are none; owned */
} folders;

static void folders_clear(folders *f)
{
    free(f->labels);
    free(f->pictures);
    free(f->root);
}

/* path with the last folder called `from` called `to` instead; *root is what stands before it. False: none.
 */
static bool swap_folder(const char *path, const char *from, const char *to, char **swapped, char **root)
{
    size_t n = strlen(from);
    for (const char *p = path + strlen(path); p-- > path;) {
        if ((p > path && p[-1] != '/') || strncmp(p, from, n) || (p[n] && p[n] != '/')) continue;
        if (asprintf(swapped, "%.*s%s%s", (int)(p - path), path, to, p + n) < 0) *swapped = NULL;
        *root = p > path ? strndup(path, (size_t)(p - path)) : strdup(".");
        if (*swapped && *root && anc_is_folder(*swapped)) return true;
        free(*swapped);
        free(*root);
        *swapped = *root = NULL;
    }
    return false;
}

/* root/labels with root/images, the same from within either, or both kinds of files in one folder. */
static bool find_folders(const char *path, folders *f)
{
    static const char *const pair[][2] = { { "labels", "images" }, { "Annotations", "Images" } };
    *f = (folders){ 0 };
    for (int i = 0; i < 2; i++) {
        char *labels = anc_path_join(path, pair[i][0]), *pictures = anc_path_join(path, pair[i][1]);
        bool inner = labels && anc_is_folder(labels);
        if (inner)
            *f = (folders){ labels, pictures && anc_is_folder(pictures) ? strdup(pictures) : NULL,
                            strdup(path) };
        if (!inner) free(labels);
        free(pictures);
        if (inner) return f->root;
        if (swap_folder(path, pair[i][0], pair[i][1], &f->pictures, &f->root))
            return (f->labels = strdup(path));
        if (swap_folder(path, pair[i][1], pair[i][0], &f->labels, &f->root))
            return (f->pictures = strdup(path));
    }
    char *inner = anc_path_join(path, "obj_train_data");
    bool darknet = inner && anc_is_folder(inner);
    f->labels = darknet ? inner : strdup(path);
    if (!darknet) free(inner);
    f->root = strdup(path);
    f->pictures = f->labels ? strdup(f->labels) : NULL;
    return f->labels && f->root && f->pictures;
}

static size_t stem_bytes(const char *path)
{
    const char *dot = strrchr(path, '.');
    return dot && !strchr(dot, '/') ? (size_t)(dot - path) : strlen(path);
}

static int compare_stems(const char *a, const char *b)
{
    size_t n = stem_bytes(a), k = stem_bytes(b);
    int order = memcmp(a, b, n < k ? n : k);
    return order ? order : (n > k) - (n < k);
}

static int by_stem(const void *a, const void *b)
{
    return compare_stems(*(char *const *)a, *(char *const *)b);
}

static anc_status add(anc_listing *l, const char *label, const char *picture, anc_err *err)
{
    const char *path = *label ? label : picture;
    char *key = strndup(path, stem_bytes(path));
    if (!key) return anc_fail(err, ANC_EMEMORY, "%s: no memory to list it", path);
    anc_listing_add(l, label, key, picture, err);
    free(key);
    return err->code;
}

/* Both lists in the order of their stems, so that a walk along both finds the pairs. Labels whose picture is
 * missing are diagnostics, unless a table of sizes or the lack of any pictures says that there need be none. */
static anc_status pair_up(anc_listing *l, anc_files *labels, anc_files *pictures, bool keep_strays,
                          anc_err *err)
{
    if (labels->n) qsort(labels->path, (size_t)labels->n, sizeof *labels->path, by_stem);
    if (pictures->n) qsort(pictures->path, (size_t)pictures->n, sizeof *pictures->path, by_stem);
    int64_t i = 0, k = 0;
    while ((i < labels->n || k < pictures->n) && !err->code) {
        const char *label = i < labels->n ? labels->path[i] : NULL,
                   *picture = k < pictures->n ? pictures->path[k] : NULL;
        int order = !label ? 1 : !picture ? -1 : compare_stems(label, picture);
        if (!order) {
            add(l, label, picture, err);
            k++;
            /* A second picture of the same stem comes without a label and is refused later as the same image.
             */
            i++;
        } else if (order > 0) {
            add(l, "", picture, err);
            k++;
        } else {
            i++;
            if (no_label(label)) continue;
            if (keep_strays)
                add(l, label, "", err);
            else
                anc_diagnose(&l->diagnostics, ANC_DIAG_STRAY_LABEL, "%s%s", l->folder, label);
        }
    }
    return err->code;
}

static anc_status read_names(const anc_reader_options *o, const char *root, anc_listing *l, anc_err *err)
{
    static const char *const candidate[] = { "data.yaml",   "data.yml",  "dataset.yaml", "config.yaml",
                                             "classes.txt", "obj.names", "names.txt",    NULL };
    char *path = o->names ? strdup(o->names) : NULL;
    for (int i = 0; !o->names && !path && candidate[i]; i++) {
        path = anc_path_join(root, candidate[i]);
        if (path && anc_is_file(path)) break;
        free(path);
        path = NULL;
    }
    if (!path) return ANC_OK; /* the numbers do for names */
    anc_stream in;
    int fd = anc_open_file(path, err);
    if (fd >= 0) {
        anc_stream_fd(&in, fd, path);
        anc_yolo_names(&in, l, err);
        anc_stream_end(&in);
        close(fd);
    }
    free(path);
    return err->code;
}

static anc_status list_pairs(const anc_reader_options *o, const folders *f, anc_listing *l, anc_err *err)
{
    const char *pictures_folder = o->images ? o->images : f->pictures;
    anc_files labels = { 0 }, pictures = { 0 };
    if (!anc_listing_folder(l, f->labels, err) &&
        !anc_files_list(f->labels, labels_suffix, MAX_DEPTH, &labels, &l->diagnostics, err) &&
        pictures_folder && !anc_listing_images(l, pictures_folder, err))
        anc_files_list(pictures_folder, picture_suffix, MAX_DEPTH, &pictures, &l->diagnostics, err);
    if (!err->code) pair_up(l, &labels, &pictures, o->sizes || !pictures.n, err);
    anc_files_clear(&labels);
    anc_files_clear(&pictures);
    if (!err->code && !l->n_files)
        anc_fail(err, ANC_EDATA, "%s: neither labels (.txt) nor pictures in this folder", f->labels);
    return err->code;
}

static anc_status yolo_list(const anc_reader_options *o, const char *path, anc_listing *l, anc_err *err)
{
    folders f;
    char *trimmed = strdup(path);
    size_t n = strlen(path);
    while (trimmed && n > 1 && trimmed[n - 1] == '/') trimmed[--n] = '\0';
    if (!anc_is_folder(path))
        anc_fail(err, ANC_EDATA,
                 "%s: yolo needs the folder of labels, or the one that has labels/ and images/ in it", path);
    else {
        f = (folders){ 0 };
        if (!trimmed || !find_folders(trimmed, &f))
            anc_fail(err, ANC_EMEMORY, "%s: no memory to list it", path);
        else if (!list_pairs(o, &f, l, err))
            read_names(o, f.root, l, err);
        folders_clear(&f);
    }
    free(trimmed);
    return err->code;
}

/* The first row of a label file: a class and 4, 5 or many numbers, all of them small. */
static bool looks_like_labels(char *text)
{
    char *line = text + strspn(text, "\r\n"), *at = line, *word;
    int n = 0;
    line[strcspn(line, "\r\n")] = '\0';
    while ((word = next_word(&at))) {
        char *end;
        double v = strtod(word, &end);
        if (*end || !(fabs(v) <= (n ? FAR : 1e9)) || (!n && v != floor(v))) return false;
        n++;
    }
    return n == 5 || n == 6 || (n >= 7 && n % 2);
}

/* The start of the first label file that has something in it; false: there is none among the first hundred.
 */
static bool first_label(const anc_probe *folder, char *head, size_t capacity)
{
    anc_files files;
    anc_err ignored = { 0 };
    bool found = false;
    if (anc_files_list(folder->path, labels_suffix, MAX_DEPTH, &files, NULL, &ignored)) return false;
    for (int64_t i = 0; i < files.n && i < 100 && !found; i++)
        found = !no_label(files.path[i]) && anc_probe_read(folder, files.path[i], head, capacity);
    anc_files_clear(&files);
    return found;
}

static bool yolo_fits(const anc_probe *p)
{
    char head[4096];
    if (!p->folder) return false;
    folders f;
    if (!find_folders(p->path, &f)) {
        folders_clear(&f);
        return false;
    }
    const anc_probe labels = { f.labels, true, "", p->raw, 0 };
    bool any = first_label(&labels, head, sizeof head);
    bool pair = f.pictures && strcmp(f.pictures, f.labels);
    folders_clear(&f);
    return any ? looks_like_labels(head) : pair;
}

const anc_reader anc_yolo_reader = {
    .name = "yolo",
    .what = "YOLO: a folder of text labels, or one that has labels/ and images/ in it",
    .fits = yolo_fits,
    .list = yolo_list,
    .start = yolo_start,
    .end = yolo_end,
    .read = yolo_read,
};
