/* tests/fuzz/text.c: targets for what is read as text, and for packed bytes */
#include "core/grid.h"
#include "io/dataset/builder.h"
#include "io/file/lock.h"
#include "io/file/seal.h"
#include "io/formats/coco.h"
#include "io/source/join.h"
#include "io/store/results.h"
#include "jobs/cli/config.h"
#include "jobs/cli/run_folder.h"
#include "jobs/label/label_shard.h"
#include "tests/fuzz/fuzz.h"
#include <fcntl.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* Packed and unpacked again it is the same. */
static void check_dataset(const anc_dataset *d)
{
    anc_err err = { 0 };
    anc_dataset again = { 0 };
    void *packed = NULL;
    size_t n;
    fuzz_check(!anc_dataset_check(d, &err), "a data set that was read keeps dataset.h's promises");
    fuzz_check(!anc_dataset_pack(d, 0, d->n_images, &packed, &n, &err), "a data set can be packed");
    fuzz_check(!anc_dataset_unpack(packed, n, &again, &err), "and unpacked");
    fuzz_check(anc_dataset_fingerprint(d, 0) == anc_dataset_fingerprint(&again, 0), "and is the same");
    anc_dataset_clear(&again);
    free(packed);
}

/* The first byte says how much of the file was read before. */
void fuzz_coco(const uint8_t *bytes, size_t n)
{
    anc_err err = { 0 };
    anc_dataset d = { 0 };
    anc_diagnostics diagnostics = { 0 };
    size_t head = n ? bytes[0] % 16 : 0;
    if (n) bytes++, n--;
    if (head > n) head = n;
    int fd = open(fuzz_file(bytes + head, n - head), O_RDONLY | O_CLOEXEC);
    anc_status status = anc_coco_read_fd(NULL, fd, bytes, head, "some.json", &d, &diagnostics, &err);
    close(fd);
    fuzz_check_error(status, &err, "some.json: ");
    if (status)
        fuzz_check(!d.n_images && !d.image && !d.box, "a data set stays empty on errors");
    else
        check_dataset(&d);
    anc_dataset_clear(&d);
}

/* A set out of the bytes up to the next 255, five for each thing: what it is, then id, name and whatever
 * else. */
static size_t gather_set(const uint8_t *bytes, size_t n, anc_dataset *d)
{
    anc_err err = { 0 };
    anc_builder *b = anc_builder_new();
    size_t at = 0;
    for (; at + 5 <= n && bytes[at] != 255; at += 5) {
        const uint8_t *v = bytes + at;
        char name[] = { (char)('a' + v[2] % 8), '\0' };
        if (v[0] % 4 == 0) anc_builder_category(b, (int8_t)v[1], name, 1, &err);
        if (v[0] % 4 == 1) anc_builder_image(b, (int8_t)v[1], v[3] + 1, v[4] + 1, name, v[2] % 9 != 8, &err);
        if (v[0] % 4 > 1) {
            const anc_gt box = {
                { v[3], v[4], v[3] + 1 + v[0] / 4, v[4] + 2 }, v[2], (int8_t)v[2], v[3] & 1, v[4] & 31
            };
            anc_builder_box(b, (int8_t)v[1], &box, &err);
        }
    }
    anc_builder_finish(b, d, &err); /* often it cannot: then it is empty */
    anc_builder_free(b);
    return at + 1 < n ? at + 1 : n;
}

void fuzz_join(const uint8_t *bytes, size_t n)
{
    enum { MOST = 5 };
    static const char *const name[MOST] = { "a", "b", "c", "d", "e" };
    anc_err err = { 0 };
    anc_dataset set[MOST] = { { 0 } }, all = { 0 };
    anc_join_changes changes;
    int64_t images = 0, boxes = 0;
    int n_sets = 0;
    for (size_t at = 0; !n_sets || (at < n && n_sets < MOST); n_sets++) {
        at += gather_set(bytes + at, n - at, &set[n_sets]);
        images += set[n_sets].n_images;
        boxes += set[n_sets].n_boxes;
    }
    anc_status status = anc_join(set, name, n_sets, &all, &changes, &err);
    fuzz_check_error(status, &err, NULL);
    if (status) {
        fuzz_check(!all.n_images && !all.image && !all.box && !all.category,
                   "a data set stays empty on errors");
    } else {
        fuzz_check(all.n_images == images && all.n_boxes == boxes, "nothing is lost");
        fuzz_check(n_sets > 1 || anc_dataset_fingerprint(&all, 0) == anc_dataset_fingerprint(&set[0], 0),
                   "one set stays as it is");
        check_dataset(&all);
    }
    for (int s = 0; s < n_sets; s++) anc_dataset_clear(&set[s]);
    anc_dataset_clear(&all);
}

void fuzz_results(const uint8_t *bytes, size_t n)
{
    anc_err err = { 0 };
    anc_proposal_set s = { 0 };
    anc_status status = anc_results_read(fuzz_file(bytes, n), &s, &err);
    fuzz_check_error(status, &err, NULL);
    if (status) fuzz_check(!s.n && !s.image_id && !s.xyxy, "a set stays empty on errors");
    for (int64_t i = 0; !status && i < s.n_images; i++) {
        fuzz_check(!i || s.image_id[i] > s.image_id[i - 1], "image ids ascend");
        fuzz_check(s.offset[i + 1] > s.offset[i] && (i || !s.offset[0]), "offsets ascend from 0");
    }
    for (int64_t k = 0; k < s.n; k++)
        fuzz_check(isfinite(s.score[k]) && s.xyxy[k][0] <= s.xyxy[k][2] && s.xyxy[k][1] <= s.xyxy[k][3] &&
                       isfinite(s.xyxy[k][0]) && isfinite(s.xyxy[k][1]) && isfinite(s.xyxy[k][2]) &&
                       isfinite(s.xyxy[k][3]),
                   "boxes and scores are finite, corners in order");
    fuzz_check(status || s.offset[s.n_images] == s.n, "offsets end at the number of rows");
    anc_proposal_set_clear(&s);
}

static char *json_of(const anc_rules *r)
{
    char *text = NULL;
    size_t n;
    FILE *to = open_memstream(&text, &n);
    fputs("{\"rules\":", to);
    anc_config_json(r, to);
    fputs("}", to);
    fclose(to);
    return text;
}

/* Rules that were accepted: written as INI and as JSON they read back the same, and they lay anchors. */
static void check_rules(const anc_rules *r)
{
    anc_err err = { 0 };
    anc_grid *g = malloc(sizeof *g);
    char *ini = NULL, *json = json_of(r);
    size_t n;
    FILE *to = open_memstream(&ini, &n);
    anc_config_print(r, to);
    fclose(to);
    for (int way = 0; way < 2; way++) {
        anc_rules again = *anc_rules_preset("torchvision-fpn");
        anc_status status = way ? anc_config_read_json(json, &again, &err)
                                : anc_config_read(fuzz_file((uint8_t *)ini, n), NULL, &again, &err);
        if (status) fprintf(stderr, "%s\n", err.text);
        fuzz_check(!status, "accepted rules are accepted again");
        char *other = json_of(&again);
        if (strcmp(json, other)) fprintf(stderr, "%s\n%s\n", json, other);
        fuzz_check(!strcmp(json, other), "and are the same");
        free(other);
    }
    anc_status status = anc_grid_place(g, r, 120, 90, 128, 96, &err);
    fuzz_check_error(status, &err, NULL);
    free(ini);
    free(json);
    free(g);
}

void fuzz_config(const uint8_t *bytes, size_t n)
{
    anc_err err = { 0 };
    anc_rules r = *anc_rules_preset("torchvision-fpn");
    const char *path = fuzz_file(bytes, n);
    anc_status status = anc_config_read(path, NULL, &r, &err);
    fuzz_check_error(status, &err, path);
    if (!status) check_rules(&r);
}

void fuzz_config_json(const uint8_t *bytes, size_t n)
{
    anc_err err = { 0 };
    anc_rules r = *anc_rules_preset("torchvision-fpn");
    char *text = strndup((const char *)bytes, n);
    anc_status status = anc_config_read_json(text, &r, &err);
    fuzz_check_error(status, &err, NULL);
    if (!status) check_rules(&r);
    free(text);
}

void fuzz_pack(const uint8_t *bytes, size_t n)
{
    anc_err err = { 0 };
    anc_dataset d = { 0 };
    anc_status status = anc_dataset_unpack(bytes, n, &d, &err);
    fuzz_check_error(status, &err, NULL);
    if (status)
        fuzz_check(!d.n_images && !d.image && !d.box, "a data set stays empty on errors");
    else
        check_dataset(&d);
    anc_dataset_clear(&d);
}

/* An odd first byte: the rest gets the checksum that run.json ends in. */
void fuzz_run_json(const uint8_t *bytes, size_t n)
{
    anc_err err = { 0 };
    anc_run run;
    bool there, sealed = n && bytes[0] & 1;
    char *text = NULL, path[128], say[700];
    size_t length;
    FILE *to = open_memstream(&text, &length);
    if (n) fwrite(bytes + 1, 1, n - 1, to);
    fflush(to);
    if (sealed) fprintf(to, ",\"crc32\":\"%08x\"}\n", anc_seal_crc32(0, text, length));
    fclose(to);
    fuzz_put("run.json", text, length);
    snprintf(path, sizeof path, "%s/run.json", fuzz_dir());
    anc_status status = anc_run_read(fuzz_dir(), &run, &there, &err);
    fuzz_check(there, "a file that is there is found");
    fuzz_check_error(status, &err, path);
    if (!status) {
        anc_label_plan plan;
        fuzz_check(run.version && run.config, "a run has a version and a configuration");
        anc_run_differs(run.config, "{\"seed\":7,\"rules\":{\"view\":{\"pad\":32}}}", say, sizeof say);
        anc_run_differs("{\"seed\":7}", run.config, say, sizeof say);
        status = anc_label_plan_read(run.config, &plan, &err);
        fuzz_check_error(status, &err, NULL);
        if (!status) {
            int64_t shards = anc_label_shards(&plan);
            fuzz_check(shards >= 0, "a plan has shards");
            if (shards) anc_label_range_of(&plan, shards - 1);
            check_rules(&plan.rules);
        }
    }
    anc_run_clear(&run);
    free(text);
}

static bool at_once(void) { return true; }

/* A lock file of another, its name's last part from the first byte. Nobody waits: a lock is taken, or
 * refused. */
void fuzz_lock(const uint8_t *bytes, size_t n)
{
    static const char *const names[] = { "run.lock.1-of-1.0", "run.lock.1-of-2.7",
                                         "run.lock.2-of-2.2147483647", "run.lock.1-of-1.99999999999999999999",
                                         "run.lock.-1-of--1.-1" };
    anc_err err = { 0 };
    anc_lock *lock = NULL;
    char path[256];
    const char *name = names[n ? bytes[0] % 5 : 0];
    fuzz_put(name, bytes + (n > 0), n ? n - 1 : 0);
    const anc_lock_request r = { .dir = fuzz_dir(), .part = 1, .n_parts = 1, .stop = at_once };
    anc_status status = anc_lock_take(&r, &lock, &err);
    fuzz_check_error(status, &err, NULL);
    fuzz_check((status == ANC_OK) == (lock != NULL), "a lock, or an error");
    anc_lock_release(lock);
    snprintf(path, sizeof path, "%s/%s", fuzz_dir(), name);
    unlink(path);
}

/* The CRC-32 of zlib, bit by bit. */
static uint32_t crc_of(const uint8_t *bytes, size_t n)
{
    uint32_t crc = ~0u;
    for (size_t i = 0; i < n; i++) {
        crc ^= bytes[i];
        for (int k = 0; k < 8; k++) crc = crc >> 1 ^ (crc & 1 ? 0xedb88320u : 0);
    }
    return ~crc;
}

/* An odd first byte: the rest is sealed first. */
void fuzz_seal(const uint8_t *bytes, size_t n)
{
    enum { SEAL = 31 };
    anc_err err = { 0 };
    if (!n) return;
    uint8_t *all = malloc(n + SEAL);
    size_t length = n - 1;
    memcpy(all, bytes + 1, length);
    char text[SEAL + 1];
    snprintf(text, sizeof text, "\nanchorage-seal crc32 %08x\n", crc_of(all, length));
    if (bytes[0] & 1) memcpy(all + length, text, SEAL), length += SEAL;
    if (length >= SEAL)
        snprintf(text, sizeof text, "\nanchorage-seal crc32 %08x\n", crc_of(all, length - SEAL));
    int good = length > SEAL && !memcmp(all + length - SEAL, text, SEAL);
    const char *path = fuzz_file(all, length);
    anc_status status = anc_seal_check(path, &err);
    fuzz_check_error(status, &err, path);
    fuzz_check((status == ANC_OK) == good, "a seal holds if its checksum is that of the bytes before it");
    free(all);
}
