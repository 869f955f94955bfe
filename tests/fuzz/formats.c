/* tests/fuzz/formats.c: targets for the readers of annotation formats, and for what stands beside annotations
 */
#include "io/formats/image_size.h"
#include "io/formats/size_table.h"
#include "io/source/source.h"
#include "tests/fuzz/fuzz.h"
#include <fcntl.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* Options of every kind from one byte. */
static anc_reader_options options_of(unsigned how)
{
    return (anc_reader_options){ .difficult = (anc_difficult)(how % 3),
                                 .corners = (anc_corners)(how / 3 % 3),
                                 .box = (anc_box_kind)(how / 9 % 3),
                                 .strict = how >> 7 };
}

/* Packed and unpacked it is the same; behind another part it is twice as much. */
static void check_part(const anc_parsed *p)
{
    anc_err err = { 0 };
    anc_parsed again = { 0 };
    void *one = NULL, *two = NULL;
    size_t n, k;
    fuzz_check(!anc_parsed_pack(p, &one, &n, &err), "a part can be packed");
    anc_status status = anc_parsed_unpack(one, n, &again, &err);
    if (status) fprintf(stderr, "%s\n", err.text);
    fuzz_check(!status, "and unpacked");
    fuzz_check(!anc_parsed_pack(&again, &two, &k, &err) && n == k && !memcmp(one, two, n), "and is the same");
    fuzz_check(!anc_parsed_append(&again, p, &err), "a part goes behind another");
    fuzz_check(again.n_images == 2 * p->n_images && again.n_boxes == 2 * p->n_boxes, "with all that it has");
    anc_parsed_clear(&again);
    free(one);
    free(two);
}

/* One reader's read on one file. The first byte: options; the second, when odd: from an open file, in small
 * blocks. */
static void read_as(const char *format, const char *name, const uint8_t *bytes, size_t n)
{
    const anc_reader *reader = anc_reader_find(format);
    anc_reader_options o = options_of(n ? bytes[0] : 0);
    int fd = -1, from_file = n > 1 && bytes[1] & 1;
    size_t skip = n < 2 ? n : 2;
    anc_stream in;
    anc_parsed part = { .file = name };
    anc_file file = { (char *)"a/b.txt", (char *)"a/b", (char *)"b.jpg" };
    anc_err err = { 0 };
    void *state = NULL;
    bytes += skip;
    n -= skip;
    if (from_file) {
        fd = open(fuzz_file(bytes, n), O_RDONLY | O_CLOEXEC);
        anc_stream_fd(&in, fd, name);
    } else {
        anc_stream_memory(&in, bytes, n, name);
    }
    anc_status status = reader->start ? reader->start(&o, &state, &err) : ANC_OK;
    if (!status) status = reader->read(&o, state, &file, &in, &part, &err);
    fuzz_check_error(status, &err, name);
    if (!status) check_part(&part);
    if (reader->end) reader->end(state);
    anc_parsed_clear(&part);
    anc_stream_end(&in);
    if (fd >= 0) close(fd);
}

void fuzz_voc(const uint8_t *bytes, size_t n) { read_as("voc", "a/b.xml", bytes, n); }
void fuzz_yolo(const uint8_t *bytes, size_t n) { read_as("yolo", "a/b.txt", bytes, n); }
void fuzz_open_images(const uint8_t *bytes, size_t n) { read_as("openimages", "a.csv", bytes, n); }
void fuzz_wider(const uint8_t *bytes, size_t n) { read_as("wider", "a.txt", bytes, n); }
void fuzz_crowdhuman(const uint8_t *bytes, size_t n) { read_as("crowdhuman", "a.odgt", bytes, n); }
void fuzz_kitti(const uint8_t *bytes, size_t n) { read_as("kitti", "a/b.txt", bytes, n); }
void fuzz_visdrone(const uint8_t *bytes, size_t n) { read_as("visdrone", "a/b.txt", bytes, n); }

/* ---- whole sources ---- */

static void read_source(const char *path, const anc_reader_options *o)
{
    anc_err err = { 0 };
    anc_source *s = NULL;
    uint64_t fingerprint;
    anc_status status = anc_source_open(path, o, &s, &err);
    fuzz_check_error(status, &err, NULL);
    if (!status) {
        anc_dataset all = { 0 }, names = { 0 };
        status = anc_source_read(s, 0, anc_source_images(s), &all, &err);
        fuzz_check(!status && all.n_boxes == anc_source_boxes(s) && !anc_dataset_check(&all, &err),
                   "a source gives images and boxes as dataset.h promises");
        fuzz_check(!anc_source_fingerprint(s, &fingerprint, &err) &&
                       fingerprint == anc_dataset_fingerprint(&all, 0),
                   "its fingerprint is theirs");
        fuzz_check(!anc_source_categories(s, &names, &err), "it has categories");
        anc_dataset_clear(&all);
        anc_dataset_clear(&names);
        anc_source_close(s);
    }
}

/* A file of any format, which its content decides or (second byte) an option; sizes from a table. */
void fuzz_source(const uint8_t *bytes, size_t n)
{
    static const char *const formats[] = { NULL,    "coco",       "voc",  "openimages", "wider",
                                           "kitti", "crowdhuman", "yolo", "visdrone",   "none such" };
    static const char sizes[] = "file,width,height\na,60,40\nb,1,1\nc.jpg,1000000,1\n";
    char table[256];
    anc_reader_options o = options_of(n ? bytes[0] : 0);
    unsigned how = n > 1 ? bytes[1] : 0;
    size_t skip = n < 2 ? n : 2;
    fuzz_put("sizes.csv", sizes, sizeof sizes - 1);
    snprintf(table, sizeof table, "%s/sizes.csv", fuzz_dir());
    o.format = formats[how % 10];
    if (how & 64) o.sizes = table;
    read_source(fuzz_file(bytes + skip, n - skip), &o);
}

/* A folder: the input, parted at NUL bytes, as one file after the other of a YOLO, VOC, KITTI or VisDrone
 * set. */
void fuzz_folder(const uint8_t *bytes, size_t n)
{
    static const char *const names[4][4] = {
        { "data.yaml", "labels/a.txt", "labels/b.txt", "images/a.png" },
        { "Annotations/a.xml", "Annotations/b.xml", "JPEGImages/a.jpg", "labels.txt" },
        { "label_2/000001.txt", "label_2/000002.txt", "image_2/000001.png", "x" },
        { "annotations/a.txt", "annotations/b.txt", "images/a.jpg", "y" }
    };
    char path[256];
    anc_reader_options o = options_of(n ? bytes[0] : 0);
    unsigned how = n > 1 ? bytes[1] : 0;
    size_t skip = n < 2 ? n : 2;
    const char *const *name = names[how % 4];
    static const char *const folders[] = {
        "set",         "set/labels",  "set/images",     "set/Annotations", "set/JPEGImages",
        "set/label_2", "set/image_2", "set/annotations"
    };
    bytes += skip;
    n -= skip;
    for (size_t i = 0; i < sizeof folders / sizeof *folders; i++) {
        snprintf(path, sizeof path, "%s/%s", fuzz_dir(), folders[i]);
        mkdir(path, 0777);
    }
    for (int i = 0; i < 4 && n; i++) {
        const uint8_t *end = i < 3 ? memchr(bytes, 0, n) : NULL;
        size_t k = end ? (size_t)(end - bytes) : n;
        snprintf(path, sizeof path, "set/%s", name[i]);
        fuzz_put(path, bytes, k);
        bytes += k + (end != NULL);
        n -= k + (end != NULL);
    }
    snprintf(path, sizeof path, "%s/set", fuzz_dir());
    read_source(path, &o);
    for (int i = 0; i < 4; i++) {
        snprintf(path, sizeof path, "%s/set/%s", fuzz_dir(), name[i]);
        unlink(path);
    }
}

/* ---- what stands beside them ---- */

/* The head of a block that was packed here, with five numbers and the rest from the input: counts of images,
 * boxes, categories, annotations, and bytes of text. Where the first byte is odd, the diagnostics are
 * overwritten, too. */
void fuzz_part(const uint8_t *bytes, size_t n)
{
    enum { COUNTS = 5 * sizeof(int64_t) };
    anc_err err = { 0 };
    anc_parsed part = { 0 };
    void *head = NULL;
    size_t n_head;
    int spoil = n && bytes[0] & 1;
    if (n) bytes++, n--;
    fuzz_check(!anc_parsed_pack(&part, &head, &n_head, &err), "an empty part can be packed");
    size_t taken = n < COUNTS ? n : COUNTS;
    uint8_t *all = malloc(n_head + n);
    memcpy(all, head, n_head);
    memcpy(all + sizeof(uint64_t), bytes, taken); /* behind the mark */
    if (spoil) memset(all + n_head - 200, 'x', 200);
    memcpy(all + n_head, bytes + taken, n - taken);
    anc_status status = anc_parsed_unpack(all, n_head + n - taken, &part, &err);
    free(all);
    free(head);
    fuzz_check_error(status, &err, NULL);
    if (!status) {
        for (int64_t i = 0; i < part.n_images; i++)
            fuzz_check(strlen(part.text + part.image[i].key) < part.n_text, "names end within the text");
        for (int k = 0; k < ANC_N_DIAGNOSTICS; k++)
            for (int i = 0; i < ANC_DIAGNOSTIC_PLACES; i++)
                fuzz_check(memchr(part.diagnostics.of[k].place[i], 0, ANC_DIAGNOSTIC_PLACE_BYTES) != NULL,
                           "places of findings end");
        check_part(&part);
    }
    anc_parsed_clear(&part);
}

/* A header is told from all bytes as from the file. Fewer bytes give the same, or are too few, or end before
 * the damage: libwebp looks at what follows the size, too. */
void fuzz_image_size(const uint8_t *bytes, size_t n)
{
    anc_err err = { 0 }, other = { 0 };
    int32_t h = 0, w = 0, h2 = 0, w2 = 0;
    bool short_of = false, short_of_half = false;
    anc_status status = anc_image_size(bytes, n, &h, &w, &short_of, &err);
    fuzz_check_error(status, &err, NULL);
    fuzz_check(status || (h >= 1 && w >= 1 && h <= ANC_MAX_SIDE && w <= ANC_MAX_SIDE),
               "a picture has a size");
    anc_status half = anc_image_size(bytes, n / 2, &h2, &w2, &short_of_half, &other);
    if (!half && !status) fuzz_check(h == h2 && w == w2, "what follows the header changes nothing");
    const char *path = fuzz_file(bytes, n);
    other = (anc_err){ 0 };
    anc_status of_file = anc_image_size_of(path, &h2, &w2, &other);
    fuzz_check_error(of_file, &other, path);
    fuzz_check((of_file == ANC_OK) == (status == ANC_OK) && (status || (h == h2 && w == w2)),
               "a file is as its bytes");
}

void fuzz_size_table(const uint8_t *bytes, size_t n)
{
    anc_err err = { 0 };
    anc_size_table *t = NULL;
    anc_stream in;
    int32_t h, w;
    anc_stream_memory(&in, bytes, n, "sizes.txt");
    anc_status status = anc_size_table_read(&in, &t, &err);
    fuzz_check_error(status, &err, NULL);
    if (!status && anc_size_table_find(t, "a.jpg", "a", &h, &w))
        fuzz_check(h >= 1 && w >= 1 && h <= ANC_MAX_SIDE && w <= ANC_MAX_SIDE, "a size in the table is one");
    if (!status) anc_size_table_close(t);
    anc_stream_end(&in);
}
