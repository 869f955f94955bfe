/* tests/e2e/e2e_label.c: `anchorage label` through the real binary and mpirun */
#include "io/dataset/annotations.h"
#include "io/formats/coco.h"
#include "tests/check.h"
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

/* Small views, so that a run takes a fraction of a second. */
#define SMALL "[view]\nmin_size = 200\nmax_size = 333\n"

static const char *small(void) { return check_file("small.ini", SMALL, strlen(SMALL)); }

/* 40 images: one without boxes, one with 10,000, some crowds, boxes over the edge and without area; ids
 * descend. */
static const char *scenes(void)
{
    static const char *path;
    if (path) return path;
    path = check_path("scenes.json");
    check_rng r = { 77 };
    FILE *f = fopen(path, "w");
    CU_ASSERT_FATAL(f != NULL);
    fputs("{\"images\":[", f);
    for (int i = 40; i > 0; i--)
        fprintf(f, "%s{\"id\":%d,\"height\":%d,\"width\":%d,\"file_name\":\"%d.jpg\"}", i < 40 ? "," : "",
                10 * i, check_int(&r, 120, 480), check_int(&r, 120, 640), i);
    fputs("],\"annotations\":[", f);
    for (int i = 1, id = 1; i <= 40; i++)
        for (int n = i == 7 ? 0 : i == 20 ? 10000 : check_int(&r, 1, 12); n > 0; n--, id++)
            fprintf(f,
                    "%s{\"id\":%d,\"image_id\":%d,\"category_id\":1,\"iscrowd\":%d,\"bbox\":[%d,%d,%d,%d.5]}",
                    id > 1 ? "," : "", id, 10 * i, check_int(&r, 0, 15) == 0, check_int(&r, -5, 200),
                    check_int(&r, -5, 110), check_int(&r, 0, 120), check_int(&r, 0, 120));
    fputs("],\"categories\":[{\"id\":1,\"name\":\"thing\"}]}", f);
    CU_ASSERT_EQUAL_FATAL(fclose(f), 0);
    return path;
}

/* ranks 0: without mpirun. */
static int label(char **output, int ranks, const char *annotations, const char *out, const char *options)
{
    char team[64] = "";
    if (ranks) snprintf(team, sizeof team, "mpirun -n %d ", ranks);
    return check_run(output, "timeout -k 5 60 %s%s label %s -o %s --config %s %s", team, ANC_BINARY,
                     annotations, out, small(), options);
}

#define RICH "--quiet --epochs 2 --flip 0.5 --seed 3 --assignment --labels --with-gt --crowd ignore "

static void the_bytes_depend_on_neither_ranks_nor_kernels(void)
{
    const char *wanted = check_path("bytes");
    CU_ASSERT_EQUAL_FATAL(label(NULL, 0, scenes(), wanted, RICH "--images-per-shard 7 --simd scalar"), 0);
    CU_ASSERT_EQUAL(check_run(NULL, "test $(ls %s | wc -l) = 14", wanted),
                    0); /* 6 shards an epoch, the index, and run.json */
    static const int ranks[] = { 1, 2, 3, 5 };
    for (int i = 0; i < 4; i++) {
        const char *got = check_path("bytes-%d", ranks[i]);
        CU_ASSERT_EQUAL(label(NULL, ranks[i], scenes(), got, RICH "--images-per-shard 7"), 0);
        CU_ASSERT_EQUAL(check_run(NULL, "diff -r %s %s", wanted, got), 0);
    }
    if (__builtin_cpu_supports("avx2")) {
        CU_ASSERT_EQUAL(label(NULL, 2, scenes(), check_path("avx2"), RICH "--images-per-shard 7 --simd avx2"),
                        0);
        CU_ASSERT_EQUAL(check_run(NULL, "diff -r %s %s", wanted, check_path("avx2")), 0);
    } else {
        puts("NOT RUN: --simd avx2: this CPU has no AVX2");
    }
}

static void more_ranks_than_shards_write_the_same(void)
{
    CU_ASSERT_EQUAL(label(NULL, 0, scenes(), check_path("few"), "-q"), 0);
    CU_ASSERT_EQUAL(label(NULL, 5, scenes(), check_path("many"), "-q"), 0);
    CU_ASSERT_EQUAL(check_run(NULL, "diff -r %s %s", check_path("few"), check_path("many")), 0);
}

static void another_seed_draws_others(void)
{
    CU_ASSERT_EQUAL(label(NULL, 0, scenes(), check_path("seed-0"), "-q"), 0);
    CU_ASSERT_EQUAL(label(NULL, 0, scenes(), check_path("seed-1"), "-q --seed 1"), 0);
    CU_ASSERT_EQUAL(check_run(NULL, "cmp -s %s/shard-00000-of-00001.h5 %s/shard-00000-of-00001.h5",
                              check_path("seed-0"), check_path("seed-1")),
                    1);
}

static void json_and_annotations_h5_give_the_same_bytes(void)
{
    anc_dataset d = { 0 };
    anc_err err = { 0 };
    const char *h5 = check_path("scenes.h5");
    CU_ASSERT_FATAL(!anc_coco_read(scenes(), &d, &err));
    CU_ASSERT_FATAL(!anc_annotations_write(h5, &d, "{}", &err));
    anc_dataset_clear(&d);
    CU_ASSERT_EQUAL(label(NULL, 0, scenes(), check_path("from-json"), RICH), 0);
    CU_ASSERT_EQUAL(label(NULL, 2, h5, check_path("from-h5"), RICH), 0);
    CU_ASSERT_EQUAL(check_run(NULL, "diff -r %s %s", check_path("from-json"), check_path("from-h5")), 0);
}

static void numpy_finds_the_same_labels_and_targets(void)
{
    char *text = NULL;
    const char *out = check_path("numpy");
    CU_ASSERT_EQUAL(label(NULL, 2, scenes(), out,
                          "-q --epochs 2 --flip 0.5 --images-per-shard 9 --assignment --labels --with-gt"),
                    0);
    CU_ASSERT_EQUAL(check_run(&text,
                              "/usr/bin/python3 tests/python/read_targets.py %s/targets.h5 0 1 6 8 9 30 39 40 46 79",
                              out),
                    0);
    CU_ASSERT_STRING_EQUAL(text, "10 views recomputed, equal\n");
    free(text);
}

static void an_empty_data_set_gives_an_empty_index(void)
{
    const char json[] = "{\"images\":[],\"annotations\":[],\"categories\":[]}", *out = check_path("empty");
    const char *path = check_file("empty-set.json", json, strlen(json));
    for (int ranks = 0; ranks <= 3; ranks += 3) {
        CU_ASSERT_EQUAL(label(NULL, ranks, path, out, "-q --restart"), 0);
        CU_ASSERT_EQUAL(check_run(NULL, "test \"$(ls -A %s | grep -v run.json)\" = targets.h5", out), 0);
    }
    CU_ASSERT_EQUAL(check_run(NULL,
                              "/usr/bin/python3 -c \"import h5py; f = h5py.File('%s/targets.h5'); "
                              "assert len(f['views/image_id']) == 0 and list(f['minibatch/offset']) == [0]\"",
                              out),
                    0);
}

static void the_summary_agrees_with_the_files(void)
{
    const char *out = check_path("summed"), *script = check_path("sum.py"),
               *summary = check_path("summary.json");
    char options[512], *text = NULL;
    snprintf(options, sizeof options,
             "--epochs 2 --images-per-shard 9 --assignment --with-gt --summary-json %s", summary);
    CU_ASSERT_EQUAL(label(&text, 2, scenes(), out, options), 0);
    CU_ASSERT(strstr(text, "label: wrote 10 shards and targets.h5 to ") && strstr(text, "80   "));
    const char *said = check_file("said.txt", text, strlen(text));
    free(text);
    FILE *f = fopen(script, "w");
    CU_ASSERT_FATAL(f != NULL);
    fputs("import h5py, json, os, sys\n"
          "s = json.load(open(sys.argv[1]))\n"
          "f = h5py.File(sys.argv[2] + '/targets.h5')\n"
          "count = f['views/count'][:].sum(axis=0)\n"
          "label = f['minibatch/label'][:]\n"
          "assert s['views'] == len(f['views/image_id']) == 80 and s['ranks'] == 2 and s['shards'] == 10\n"
          "assert [s['positives'], s['negatives'], s['ignored']] == list(count) and s['anchors'] == "
          "count.sum()\n"
          "assert [s['sampled_positives'], s['sampled_negatives']] == [(label == 1).sum(), (label == "
          "0).sum()]\n"
          "assert s['objects'] == f['gt/used'][:].sum()\n"
          "assert s['bytes'] == sum(os.path.getsize(sys.argv[2] + '/' + n) for n in os.listdir(sys.argv[2]) "
          "if n != 'run.json')\n"
          "assert s['config'] == json.loads(f.attrs['config']) and s['config']['data']['images'] == 40\n"
          "assert s['source']['annotations'] == s['source']['empty_boxes'] + s['config']['data']['boxes']\n"
          "o, gt = f['assignment/offset'][:], f['assignment/gt'][:]\n"
          "met = sum(len(set(gt[a:b]) - {-1}) for a, b in zip(o, o[1:]))\n"
          "assert s['objects_without_positives'] == s['objects'] - met > 100, (s, met)\n"
          "assert s['objects_without_positives'] >= s['unmatched']\n"
          "none = s['objects_without_positives']\n"
          "line = '  per object  %15.2f   positive; %s objects (%.1f %%) have none' % (s['positives'] / "
          "s['objects'], "
          "format(none, ','), 100 * none / s['objects'])\n"
          "assert line in open(sys.argv[3]).read(), line\n"
          "assert s['views_without_positives'] == (f['views/count'][:, 0] == 0).sum() >= 2\n"
          "print('ok')\n",
          f);
    fclose(f);
    CU_ASSERT_EQUAL(check_run(&text, "/usr/bin/python3 %s %s %s %s", script, summary, out, said), 0);
    CU_ASSERT_STRING_EQUAL(text, "ok\n");
    if (strcmp(text, "ok\n")) puts(text);
    free(text);
}

static void a_dry_run_reads_all_and_writes_nothing(void)
{
    char *text = NULL;
    const char *out = check_path("dry");
    CU_ASSERT_EQUAL(label(&text, 2, scenes(), out, "--dry-run --images-per-shard 9"), 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "label: dry run: would write 5 shards and targets.h5 to "));
    CU_ASSERT_NOT_EQUAL(access(out, F_OK), 0);
    free(text);
}

static void targets_that_are_there_are_replaced_only_when_asked(void)
{
    const char *out = check_path("again");
    char *text = NULL;
    CU_ASSERT_EQUAL(label(NULL, 0, scenes(), out, "-q --images-per-shard 4"), 0);
    CU_ASSERT_EQUAL(label(&text, 0, scenes(), out, "-q"), 2);
    CU_ASSERT_PTR_NOT_NULL(strstr(
        text, "again: holds another run: images_per_shard is 4 there and 2048 here; give the same options"));
    free(text);
    CU_ASSERT_EQUAL(label(NULL, 2, scenes(), out, "-q --restart"), 0);
    CU_ASSERT_EQUAL(check_run(&text, "ls -A %s", out), 0); /* the earlier run's ten shards are gone */
    CU_ASSERT_STRING_EQUAL(text, "run.json\nshard-00000-of-00001.h5\ntargets.h5\n");
    free(text);
}

/* Fails with one line of ours, which says that, and leaves no file of a final name. */
static void fails(int code, int ranks, const char *annotations, const char *options, const char *says)
{
    char *text = NULL;
    static int n;
    const char *out = check_path("failed-%d", n++);
    int got = label(&text, ranks, annotations, out, options), lines = 0;
    for (const char *at = text; (at = strstr(at, "anchorage: label: ")) || (at = NULL); at++) lines++;
    if (got != code || lines != 1 || !strstr(text, says))
        printf("%d ranks, %d, wanted %s:\n%s", ranks, got, says, text);
    CU_ASSERT_EQUAL(got, code);
    CU_ASSERT_EQUAL(lines, 1);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, says));
    if (!ranks) CU_ASSERT_PTR_EQUAL(strchr(text, '\n'), text + strlen(text) - 1); /* nothing else is said */
    CU_ASSERT_EQUAL(check_run(NULL, "test -z \"$(ls -A %s 2>/dev/null | grep -v run.json)\"", out), 0);
    free(text);
}

#define SET(images, annotations) \
    "{\"images\":[" images "],\"annotations\":[" annotations "],\"categories\":[{\"id\":1,\"name\":\"a\"}]}"
#define IMAGE        "{\"id\":1,\"width\":64,\"height\":48}"
#define BOX(numbers) "{\"id\":7,\"image_id\":1,\"category_id\":1,\"bbox\":[" numbers "]}"

static const struct {
    const char *name, *text, *says;
    bool team; /* also on three ranks */
} broken[] = {
    { "nothing.json", "", "nothing.json: the file is empty", true },
    { "cut.json", "{\"images\":[" IMAGE "],\"annotations\":[{\"id\":1,\"bb", "cut.json: line 1, column ",
      true },
    { "comma.json", "{\"images\":[{\"id\":1,\n}]}", "comma.json: line 2, column 1: ", false },
    { "list.json", "[1, 2]", "list.json: ", false },
    { "xml.json", "<svg></svg>", "xml.json: this file is none of what --format can name", false },
    { "binary.json", "\x89HDF\r\n\x1a\nand more", "binary.json: ", false },
    { "orphan.json", SET(IMAGE, "{\"id\":7,\"image_id\":99,\"category_id\":1,\"bbox\":[1,2,3,4]}"),
      "orphan.json: annotation 7 belongs to image 99, which", true },
    { "twice.json", SET(IMAGE "," IMAGE, ""), "twice.json: image id 1 is listed twice", false },
    { "nan.json", SET(IMAGE, BOX("1,2,NaN,4")), "nan.json: line 1, column ", false },
    { "negative.json", SET(IMAGE, BOX("1,2,-3,4")), "negative.json: line 1, column ", false },
    { "overflow.json", SET(IMAGE, BOX("1,2,1e999,4")), "overflow.json: line 1, column ", false },
    { "three.json", SET(IMAGE, BOX("1,2,3")), "three.json: line 1, column ", false },
    { "sizeless.json", SET("{\"id\":1,\"height\":48}", ""), "sizeless.json: line 1, column ", false },
    { "flat.json", SET("{\"id\":1,\"width\":0,\"height\":48}", ""), "flat.json: line 1, column ", false },
    { "giant.json", SET("{\"id\":1,\"width\":1000000000,\"height\":48}", ""), "giant.json: line 1, column ",
      false },
    { "thin.json", SET("{\"id\":5,\"width\":100000,\"height\":1}", ""),
      "thin.json: image 5: 100000 x 1 px becomes", true },
};

static void broken_annotations_are_refused_in_one_line(void)
{
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        const char *path = check_file(broken[i].name, broken[i].text, strlen(broken[i].text));
        fails(1, 0, path, "-q", broken[i].says);
        if (broken[i].team) fails(1, 3, path, "-q", broken[i].says);
    }
    fails(1, 0, check_path("nowhere.json"), "-q", "nowhere.json: cannot open: No such file or directory");
    fails(1, 3, check_path("nowhere.json"), "-q", "nowhere.json: cannot open: No such file or directory");
    CU_ASSERT_EQUAL(check_run(NULL, "mkdir %s", check_path("bare")), 0);
    fails(1, 0, check_path("bare"), "-q", "bare: this folder is none of what --format can name");
}

static void wrong_options_are_refused_in_one_line(void)
{
    fails(2, 0, scenes(), "--preset yolo", "no preset is called 'yolo'; see anchorage presets");
    fails(2, 0, scenes(), "--preset mmdet", "no preset is called 'mmdet'");
    fails(2, 0, scenes(), "--crowd perhaps", "--crowd perhaps: must be drop, keep, ignore");
    fails(2, 0, scenes(), "--sampler dice", "--sampler dice: must be philox or torch");
    fails(2, 3, scenes(), "--simd mmx", "no kernels called 'mmx' run on this machine");
    fails(1, 0, scenes(), "--config /nowhere/rules.ini",
          "/nowhere/rules.ini: cannot be opened: No such file");
    const char wrong[] = "[match]\npositive_iou = high\n";
    char options[4200];
    snprintf(options, sizeof options, "--config %s", check_file("wrong-rules.ini", wrong, strlen(wrong)));
    fails(2, 3, scenes(), options, "wrong-rules.ini: line 2: match.positive_iou = high: must be a number");
    char *text = NULL;
    CU_ASSERT_EQUAL(check_run(&text, "%s label %s --presets x", ANC_BINARY, scenes()), 2);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "there is no option --presets (did you mean --preset?)"));
    free(text);
}

/* Preset, then the file, then options: and what they say is all that decides the bytes. */
static void options_say_what_a_configuration_file_says(void)
{
    const char ini[] = SMALL "[match]\npositive_iou = 0.6\nlow_quality = off\n[sample]\nbatch = 64\n"
                             "[anchors]\nratios = 0.5 1\nborder = drop\nsizes = 16 | 32 | 64 | 128 | 256\n";
    const char half[] = "[view]\nmin_size = 500\nmax_size = 333\n[match]\npositive_iou = 0.9\n";
    char *text = NULL, options[9000];
    snprintf(options, sizeof options, "-q --config %s", check_file("all.ini", ini, strlen(ini)));
    CU_ASSERT_EQUAL(label(&text, 0, scenes(), check_path("by-file"), options), 0);
    free(text);
    snprintf(options, sizeof options,
             "-q --config %s --min-size 200 --positive-iou 0.6 --set 'match.low_quality = off' --batch=64 "
             "--anchor-ratios 0.5,1 --border drop --anchor-sizes '16|32|64|128|256'",
             check_file("half.ini", half, strlen(half)));
    CU_ASSERT_EQUAL(label(&text, 2, scenes(), check_path("by-options"), options), 0);
    free(text);
    CU_ASSERT_EQUAL(check_run(NULL, "diff -r %s %s", check_path("by-file"), check_path("by-options")), 0);
}

static void wrong_settings_are_refused_in_one_line(void)
{
    fails(2, 0, scenes(), "--min-size 0", "--min-size: view.min_size = 0: must be from 1 to 100000 px");
    fails(2, 3, scenes(), "--set match.positive_iou=high",
          "--set: match.positive_iou = high: must be a number");
    fails(2, 0, scenes(), "--set match.positive_iou", "must be SECTION.KEY=VALUE, as in --set match.");
    fails(2, 0, scenes(), "--set view.min_size=$(printf %05000d 7)", "...: is longer than 4095 bytes\n");
    fails(2, 0, scenes(), "--batch 64 --set sample.batch=64",
          "sample.batch is given twice, by --set and by --batch; keep one");
    fails(2, 0, scenes(), "--flip 0.5 --set view.flip=0.5",
          "view.flip is given twice, by --flip and by --set; keep one");
    fails(2, 0, scenes(), "--min-size 200 --min-size 300", "--min-size is given twice; keep one");
    fails(2, 2, scenes(), "--crowd keep --crowd drop", "--crowd is given twice; keep one");
    fails(2, 0, scenes(), "--anchor-sizes 32", "anchors.sizes is for 1 level, anchors.strides for 5");
    fails(2, 0, scenes(), "--seed -1", "--seed: -1 is out of range (0 to 9007199254740991)");
    fails(2, 0, scenes(), "--stage roi --proposals x.h5 --strides 8,16",
          "--strides is of anchors, for --stage rpn");
    char *text = NULL;
    CU_ASSERT_EQUAL(check_run(&text, "%s label %s --ratios 1", ANC_BINARY, scenes()), 2);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "there is no option --ratios (did you mean --anchor-ratios?)"));
    free(text);
}

static void an_output_that_cannot_be_written_is_named(void)
{
    static const char *const out[] = { "%s/below", "/proc/anchorage" };
    for (int i = 0; i < 2; i++)
        for (int ranks = 0; ranks <= 3; ranks += 3) {
            char folder[4096], *text = NULL;
            snprintf(folder, sizeof folder, out[i], scenes());
            CU_ASSERT_EQUAL(label(&text, ranks, scenes(), folder, "-q"), 1);
            CU_ASSERT_PTR_NOT_NULL(strstr(text, folder));
            const char *first = strstr(text, "cannot make this folder: ");
            CU_ASSERT(first && !strstr(first + 1, "cannot make this folder: "));
            free(text);
        }
}

/* A disk of 60 kB. */
static void a_full_disk_leaves_nothing_half_written(void)
{
    const char *disk = check_path("disk");
    mkdir(disk, 0777);
    if (mount("none", disk, "tmpfs", 0, "size=60k")) {
        puts("NOT RUN: a full disk: no permission to mount one");
        return;
    }
    for (int ranks = 0; ranks <= 3; ranks += 3) {
        char *text = NULL;
        CU_ASSERT_EQUAL(
            label(&text, ranks, scenes(), disk, "-q --restart --labels --assignment --images-per-shard 20"),
            1);
        CU_ASSERT_PTR_NOT_NULL(strstr(text, "disk/shard-0000"));
        CU_ASSERT_PTR_NOT_NULL(strstr(text, "No space left on device"));
        free(text);
        CU_ASSERT_EQUAL(check_run(NULL, "! ls -A %s | grep -e part -e targets.h5", disk), 0);
    }
    CU_ASSERT_EQUAL(umount(disk), 0);
}

CHECK_SUITE("label", CHECK(the_bytes_depend_on_neither_ranks_nor_kernels),
            CHECK(more_ranks_than_shards_write_the_same), CHECK(another_seed_draws_others),
            CHECK(json_and_annotations_h5_give_the_same_bytes),
            CHECK(numpy_finds_the_same_labels_and_targets), CHECK(an_empty_data_set_gives_an_empty_index),
            CHECK(the_summary_agrees_with_the_files), CHECK(a_dry_run_reads_all_and_writes_nothing),
            CHECK(targets_that_are_there_are_replaced_only_when_asked),
            CHECK(broken_annotations_are_refused_in_one_line), CHECK(wrong_options_are_refused_in_one_line),
            CHECK(options_say_what_a_configuration_file_says), CHECK(wrong_settings_are_refused_in_one_line),
            CHECK(an_output_that_cannot_be_written_is_named), CHECK(a_full_disk_leaves_nothing_half_written));
