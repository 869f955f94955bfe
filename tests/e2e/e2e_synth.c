/* tests/e2e/e2e_synth.c: `anchorage synth` through the real binary, its files read back by Python and libpng */
#include "tests/check.h"
#include <png.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

static int synth(char **output, const char *folder, const char *options)
{
    return check_run(output, "%s synth -o %s %s", ANC_BINARY, folder, options);
}

/* Runs a Python program over FOLDER/annotations.json, parsed as d; it says "ok" when all is as it should be.
 */
static void python(const char *folder, const char *program)
{
    const char *script = check_path("look.py");
    FILE *f = fopen(script, "w");
    CU_ASSERT_PTR_NOT_NULL_FATAL(f);
    fprintf(f,
            "import json\n"
            "from collections import Counter\n"
            "d = json.load(open('%s/annotations.json'))\n"
            "images = {i['id']: i for i in d['images']}\n"
            "boxes = [a for a in d['annotations'] if not a['iscrowd']]\n"
            "crowds = [a for a in d['annotations'] if a['iscrowd']]\n"
            "count = Counter(a['image_id'] for a in d['annotations'])\n"
            "def near(what, value, wanted, slack):\n"
            "    assert abs(value - wanted) <= slack, (what, value, wanted)\n"
            "%s\nprint('ok')\n",
            folder, program);
    fclose(f);
    char *text = NULL;
    CU_ASSERT_EQUAL(check_run(&text, "/usr/bin/python3 %s", script), 0);
    CU_ASSERT_STRING_EQUAL(text, "ok\n");
    if (strcmp(text, "ok\n")) puts(text);
    free(text);
}

static void the_same_command_writes_the_same_bytes(void)
{
    const char *a = check_path("same/a"), *b = check_path("same/b");
    CU_ASSERT_EQUAL(synth(NULL, a, "--scenes 20 --seed 3 --images --width 40-90 --height 30-60 --quiet"), 0);
    CU_ASSERT_EQUAL(synth(NULL, b, "--scenes 20 --seed 3 --images --width 40-90 --height 30-60 --quiet"), 0);
    CU_ASSERT_EQUAL(check_run(NULL, "diff -r %s %s", a, b), 0);
    CU_ASSERT_EQUAL(check_run(NULL, "test $(ls %s/images | wc -l) = 20", a), 0);
    CU_ASSERT_EQUAL(synth(NULL, b, "--scenes 20 --seed 4 --images --width 40-90 --height 30-60 --quiet"), 0);
    CU_ASSERT_EQUAL(check_run(NULL, "diff -r %s %s", a, b), 1);
}

static void more_scenes_keep_the_first_ones(void)
{
    const char *few = check_path("few"), *many = check_path("many");
    CU_ASSERT_EQUAL(synth(NULL, few, "--scenes 5 -q"), 0);
    CU_ASSERT_EQUAL(synth(NULL, many, "--scenes 50 -q"), 0);
    char *text = NULL;
    int code = check_run(
        &text,
        "/usr/bin/python3 -c \"import json, sys; a, b = (json.load(open(p + '/annotations.json')) for "
        "p in sys.argv[1:]); n = len(a['annotations']); print(a['annotations'] == "
        "b['annotations'][:n] and a['images'] == b['images'][:5] and n < len(b['annotations']))\" "
        "%s %s",
        few, many);
    CU_ASSERT_EQUAL(code, 0);
    CU_ASSERT_STRING_EQUAL(text, "True\n");
    free(text);
}

/* train2017: 7.27 boxes an image, 41/34/24 % small/medium/large, 0.9 % images without, 1.2 % crowds. */
static void statistics_are_like_train2017s(void)
{
    const char *folder = check_path("like");
    CU_ASSERT_EQUAL(synth(NULL, folder, "--scenes 6000 -q"), 0);
    python(folder, "n = len(d['annotations'])\n"
                   "area = [a['area'] for a in boxes]\n"
                   "near('scenes', len(images), 6000, 0)\n"
                   "near('boxes per image', n / 6000, 7.27, 0.25)\n"
                   "near('small', sum(x < 1024 for x in area) / len(area), 0.414, 0.015)\n"
                   "near('medium', sum(1024 <= x < 9216 for x in area) / len(area), 0.343, 0.015)\n"
                   "near('large', sum(x >= 9216 for x in area) / len(area), 0.243, 0.015)\n"
                   "near('without', 1 - len(count) / 6000, 0.009, 0.004)\n"
                   "near('crowds', len(crowds) / n, 0.0117, 0.003)\n"
                   "near('most boxes', max(count.values()), 93, 0)\n"
                   "ratio = sorted(a['bbox'][2] / a['bbox'][3] for a in boxes)\n"
                   "near('median aspect ratio', ratio[len(ratio) // 2], 1, 0.05)\n"
                   "near('wide tenth', ratio[len(ratio) * 9 // 10], 2.2, 0.3)\n"
                   "near('tall tenth', ratio[len(ratio) // 10], 0.45, 0.06)\n"
                   "near('640 x 480', sum((i['width'], i['height']) == (640, 480) for i in images.values()) "
                   "/ 6000, 0.28, 0.02)\n"
                   "category = Counter(a['category_id'] for a in d['annotations'])\n"
                   "near('categories', len(category), 80, 0)\n"
                   "near('first category', category[1] / n, 0.29, 0.02)");
}

static const char consistent[] =
    "assert len({a['id'] for a in d['annotations']}) == len(d['annotations'])\n"
    "assert len(d['categories']) == 80\n"
    "names = {c['id']: c['name'] for c in d['categories']}\n"
    "assert len(set(names.values())) == 80 and min(names) == 1 and max(names) == 90 and 12 not in names\n"
    "for a in d['annotations']:\n"
    "    i, (x, y, w, h) = images[a['image_id']], a['bbox']\n"
    "    assert a['category_id'] in names\n"
    "    assert x >= 0 and y >= 0 and w >= 1 and h >= 1, a\n"
    "    assert x + w <= i['width'] + 1e-9 and y + h <= i['height'] + 1e-9, a\n"
    "    assert all(v == round(v, 2) for v in a['bbox'])\n"
    "for a in boxes:\n"
    "    (p,), (x, y, w, h) = a['segmentation'], a['bbox']\n"
    "    X, Y, n = p[0::2], p[1::2], len(p) // 2\n"
    "    near('left', min(X), x, 1e-9), near('right', max(X), x + w, 1e-9)\n"
    "    near('top', min(Y), y, 1e-9), near('bottom', max(Y), y + h, 1e-9)\n"
    "    twice = sum(X[k - 1] * Y[k] - X[k] * Y[k - 1] for k in range(n))\n"
    "    near('area', a['area'], abs(twice) / 2, 1e-6)\n"
    "assert len(crowds) > 10\n"
    "for a in crowds:\n"
    "    i, (x, y, w, h), inside, at = images[a['image_id']], a['bbox'], [], 0\n"
    "    for k, run in enumerate(a['segmentation']['counts']):\n"
    "        assert run > 0 or k == 0, a\n"
    "        if k % 2: inside += range(at, at + run)\n"
    "        at += run\n"
    "    assert a['segmentation']['size'] == [i['height'], i['width']]\n"
    "    near('runs', at, i['height'] * i['width'], 0)\n"
    "    near('area', a['area'], len(inside), 0)\n"
    "    columns, rows = [p // i['height'] for p in inside], [p % i['height'] for p in inside]\n"
    "    assert [min(columns), min(rows)] == [x, y]\n"
    "    assert [max(columns) + 1, max(rows) + 1] == [x + w, y + h]";

static void annotations_are_consistent(void)
{
    const char *folder = check_path("consistent");
    CU_ASSERT_EQUAL(synth(NULL, folder, "--scenes 600 --seed 11 -q"), 0);
    python(folder, consistent);
    /* so low that crowd regions reach from the top to the bottom, and runs go on in the next column */
    CU_ASSERT_EQUAL(synth(NULL, folder, "--scenes 600 --width 5-60 --height 1-3 --boxes 3 -q"), 0);
    python(folder, consistent);
}

static void counts_and_sizes_follow_the_options(void)
{
    const char *folder = check_path("bounded");
    CU_ASSERT_EQUAL(
        synth(NULL, folder, "--scenes 60 --width 100 --height 50-60 --boxes 2-4 --whole-pixels -q"), 0);
    python(folder, "assert {i['width'] for i in images.values()} == {100}\n"
                   "assert {i['height'] for i in images.values()} == set(range(50, 61))\n"
                   "assert set(count.values()) == {2, 3, 4} and len(count) == 60\n"
                   "assert all(v == int(v) for a in d['annotations'] for v in a['bbox'])");
    CU_ASSERT_EQUAL(synth(NULL, folder, "--scenes 3 --boxes 0 -q"), 0);
    python(folder, "assert len(images) == 3 and not d['annotations']");
    CU_ASSERT_EQUAL(synth(NULL, folder, "--scenes 0 -q"), 0);
    python(folder, "assert d['images'] == [] and d['annotations'] == [] and len(d['categories']) == 80");
    CU_ASSERT_EQUAL(synth(NULL, folder, "--scenes 1 --boxes 10000 -q"), 0);
    python(folder, "assert list(count.values()) == [10000]");
    CU_ASSERT_EQUAL(synth(NULL, folder, "--scenes 200 --max-boxes 5 -q"), 0);
    python(folder, "assert max(count.values()) == 5");
}

/* The extent of the coloured pixels of a PNG: left, top, and one beyond right and bottom. */
static void extent(const char *path, int size[2], int box[4])
{
    png_image image = { .version = PNG_IMAGE_VERSION };
    CU_ASSERT_FATAL(png_image_begin_read_from_file(&image, path));
    image.format = PNG_FORMAT_RGB;
    unsigned char *rgb = malloc(PNG_IMAGE_SIZE(image)), *p = rgb;
    CU_ASSERT_FATAL(png_image_finish_read(&image, NULL, rgb, 0, NULL));
    size[0] = (int)image.width;
    size[1] = (int)image.height;
    box[0] = box[1] = 1 << 30;
    box[2] = box[3] = 0;
    for (int y = 0; y < size[1]; y++)
        for (int x = 0; x < size[0]; x++, p += 3) {
            int high = p[0] > p[1] ? p[0] : p[1], low = p[0] < p[1] ? p[0] : p[1];
            if ((high > p[2] ? high : p[2]) - (low < p[2] ? low : p[2]) < 50) continue;
            if (x < box[0]) box[0] = x;
            if (y < box[1]) box[1] = y;
            if (x >= box[2]) box[2] = x + 1;
            if (y >= box[3]) box[3] = y + 1;
        }
    free(rgb);
}

static void drawn_shapes_fill_the_boxes_of_the_json(void)
{
    const char *folder = check_path("drawn");
    CU_ASSERT_EQUAL(synth(NULL, folder, "--scenes 25 --images --boxes 1 --whole-pixels -q"), 0);
    char *text = NULL;
    int code = check_run(&text,
                         "/usr/bin/python3 -c \"import json; d = json.load(open('%s/annotations.json')); "
                         "[print(i['file_name'], i['width'], i['height'], *map(int, a['bbox'])) for i, a in "
                         "zip(d['images'], d['annotations']) if a['image_id'] == i['id']]\"",
                         folder);
    CU_ASSERT_EQUAL(code, 0);
    int n = 0;
    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n"), n++) {
        char name[64];
        int size[2], seen[4], width, height, x, y, w, h;
        CU_ASSERT_EQUAL_FATAL(sscanf(line, "%63s %d %d %d %d %d %d", name, &width, &height, &x, &y, &w, &h),
                              7);
        extent(check_path("drawn/images/%s", name), size, seen);
        CU_ASSERT(size[0] == width && size[1] == height);
        CU_ASSERT(seen[0] == x && seen[1] == y && seen[2] == x + w && seen[3] == y + h);
    }
    CU_ASSERT_EQUAL(n, 25);
    free(text);
}

static void refused(int code, const char *folder, const char *options, const char *says)
{
    char *text = NULL;
    CU_ASSERT_EQUAL(synth(&text, folder, options), code);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, says));
    CU_ASSERT(strchr(text, '\n') && !strchr(text, '\n')[1]); /* one line */
    if (!strstr(text, says)) puts(text);
    free(text);
}

static void wrong_arguments_are_refused_before_anything_is_written(void)
{
    const char *folder = check_path("refused");
    refused(2, folder, "--scenes 4x", "--scenes: '4x' is not a whole number");
    refused(2, folder, "--scenes -1", "--scenes: -1 is out of range (0 to 1000000000)");
    refused(2, folder, "--width 640", "--width and --height go together");
    refused(2, folder, "--width 0 --height 5", "--width: 0 is out of range (1 to 65535");
    refused(2, folder, "--width 9-5 --height 5", "--width: 9-5 is out of range");
    refused(2, folder, "--width 5-9px --height 5", "--width: '5-9px' is not a number or a range");
    refused(2, folder, "--width 5- --height 5", "--width: '5-' is not a number or a range");
    refused(2, folder, "--boxes 3-2", "--boxes: 3-2 is out of range");
    refused(2, folder, "--boxes 99999999999", "--boxes: '99999999999' is not a number");
    refused(2, folder, "--images --width 65535 --height 65535",
            "--images draws pictures of 268435456 pixels at most");
    refused(2, folder, "scenes.json", "'scenes.json' is one operand too many");
    refused(2, "''", "", "-o DIR is missing");
    CU_ASSERT_EQUAL(access(folder, F_OK), -1);
}

static void what_cannot_be_written_is_named(void)
{
    const char *file = check_file("in_the_way", "x", 1);
    refused(1, file, "--scenes 3", "in_the_way: cannot make this folder: Not a directory");
    refused(1, "/proc/nowhere", "--scenes 3", "/proc/nowhere: cannot make this folder: ");
    const char *folder = check_path("taken");
    CU_ASSERT_EQUAL(check_run(NULL, "mkdir -p %s/annotations.json", folder), 0);
    refused(1, folder, "--scenes 3", "taken/annotations.json: cannot write this file: Is a directory");
    CU_ASSERT_EQUAL(access(check_path("taken/annotations.json.part"), F_OK), -1);
}

/* A file size limit stands for the full disk: the write fails in the middle. */
static void a_full_disk_leaves_no_file_behind(void)
{
    const char *folder = check_path("full");
    char *text = NULL;
    CU_ASSERT_EQUAL(
        check_run(&text, "trap '' XFSZ; ulimit -f 2000; %s synth -o %s --scenes 20000", ANC_BINARY, folder),
        1);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "full/annotations.json: cannot write this file: File too large"));
    free(text);
    CU_ASSERT_EQUAL(check_run(&text, "ls -A %s", folder), 0);
    CU_ASSERT_STRING_EQUAL(text, "");
    free(text);
}

static void the_summary_says_what_was_written(void)
{
    char *text = NULL;
    CU_ASSERT_EQUAL(synth(&text, check_path("summary"), "--scenes 1200"), 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "synth: 1,200 scenes with 8,"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "summary/annotations.json ("));
    free(text);
    CU_ASSERT_EQUAL(synth(&text, check_path("summary"), "--scenes 12 --quiet"), 0);
    CU_ASSERT_STRING_EQUAL(text, "");
    free(text);
}

/* The maps of every scene stand under its id, on grids that label takes without a configuration. */
static void features_belong_to_the_scenes_and_can_be_labelled_on(void)
{
    const char *folder = check_path("features");
    char *text = NULL;
    CU_ASSERT_EQUAL(synth(&text, folder, "--scenes 12 --width 90-200 --height 70-160 --features"), 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "features/features.h5"));
    free(text);
    CU_ASSERT_EQUAL(
        check_run(
            &text,
            "cd %s && /usr/bin/python3 -c \"import h5py, json, numpy as np\n"
            "f, d = h5py.File('features.h5'), json.load(open('annotations.json'))\n"
            "assert list(f['images/id']) == [i['id'] for i in d['images']]\n"
            "assert f['images/size'][:].tolist() == [[i['height'], i['width']] for i in d['images']]\n"
            "assert (f['images/padded_size'][:] %% 64 == 0).all() and (f['images/scale'][:] == 1).all()\n"
            "for l in range(5):\n"
            "    g = f['level%%d' %% l]\n"
            "    assert (g['grid'][:] == f['images/padded_size'][:] // g.attrs['stride']).all()\n"
            "    assert (np.diff(g['offset'][:]) == g['grid'][:].prod(1)).all()\n"
            "    x = g['feature'][:].astype(np.float32)\n"
            "    assert x.shape == (g['offset'][-1], 32) and np.isfinite(x).all() and x.std() > 0.1\n\""
            " && %s label -q annotations.json --like features.h5 -o targets && %s verify targets",
            folder, ANC_BINARY, ANC_BINARY),
        0);
    if (text && strstr(text, "Error")) puts(text);
    free(text);
}

static void the_same_command_makes_the_same_features(void)
{
    size_t n[2];
    char *bytes[2];
    for (int i = 0; i < 2; i++) {
        const char *folder = check_path("features%d", i);
        CU_ASSERT_EQUAL(
            synth(NULL, folder, "-q --scenes 5 --width 90-200 --height 70-160 --features --strides 8,16"), 0);
        bytes[i] = check_slurp(check_path("features%d/features.h5", i), &n[i]);
    }
    CU_ASSERT(bytes[0] && bytes[1] && n[0] == n[1] && !memcmp(bytes[0], bytes[1], n[0]));
    free(bytes[0]);
    free(bytes[1]);
    refused(2, check_path("features2"), "--features --strides 16,8", "--strides 16,8: must be at most");
    refused(2, check_path("features2"), "--features --strides 8,", "--strides 8,: must be at most");
}

CHECK_SUITE("synth", CHECK(the_same_command_writes_the_same_bytes), CHECK(more_scenes_keep_the_first_ones),
            CHECK(statistics_are_like_train2017s), CHECK(annotations_are_consistent),
            CHECK(counts_and_sizes_follow_the_options), CHECK(drawn_shapes_fill_the_boxes_of_the_json),
            CHECK(wrong_arguments_are_refused_before_anything_is_written),
            CHECK(what_cannot_be_written_is_named), CHECK(a_full_disk_leaves_no_file_behind),
            CHECK(the_summary_says_what_was_written),
            CHECK(features_belong_to_the_scenes_and_can_be_labelled_on),
            CHECK(the_same_command_makes_the_same_features));
