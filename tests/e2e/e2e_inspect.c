/* tests/e2e/e2e_inspect.c: `anchorage inspect` through the real binary */
#include "io/dataset/annotations.h"
#include "io/formats/coco.h"
#include "tests/check.h"
#include <hdf5.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define SMALL "[view]\nmin_size = 200\nmax_size = 333\n"

/* Everything that the tests look at, made once. */
static const char *scenes(void)
{
    static const char *path;
    if (path) return path;
    path = check_path("seen/annotations.json");
    CU_ASSERT_EQUAL_FATAL(
        check_run(NULL, "%s synth -o %s --scenes 50 --seed 5 -q", ANC_BINARY, check_path("seen")), 0);
    anc_dataset d = { 0 };
    anc_err err = { 0 };
    CU_ASSERT_FATAL(!anc_coco_read(path, &d, &err));
    CU_ASSERT_FATAL(!anc_annotations_write(check_path("seen.h5"), &d, "{\"made\":\"here\"}", &err));
    anc_dataset_clear(&d);
    return path;
}

static const char *targets(const char *name, const char *options)
{
    const char *out = check_path("%s", name);
    CU_ASSERT_EQUAL_FATAL(
        check_run(NULL, "%s label %s -o %s --config %s -q --assignment --with-gt --epochs 2 --flip 0.5 %s",
                  ANC_BINARY, scenes(), out, check_file("inspect.ini", SMALL, strlen(SMALL)), options),
        0);
    return out;
}

/* stdout alone, stderr must be empty. */
static char *inspect(const char *what, const char *options)
{
    char *text = NULL;
    CU_ASSERT_EQUAL(check_run(&text, "%s inspect %s %s", ANC_BINARY, what, options), 0);
    CU_ASSERT_PTR_NULL(strstr(text, "anchorage: inspect:"));
    return text;
}

static void says(const char *what, const char *options, const char *const *wanted)
{
    char *text = inspect(what, options);
    for (; *wanted; wanted++) {
        if (!strstr(text, *wanted)) printf("wanted: %s\n%s", *wanted, text);
        CU_ASSERT_PTR_NOT_NULL(strstr(text, *wanted));
    }
    free(text);
}

static void refused(int code, const char *what, const char *wanted)
{
    char *text = NULL;
    CU_ASSERT_EQUAL(check_run(&text, "%s inspect %s", ANC_BINARY, what), code);
    if (!strstr(text, wanted)) printf("wanted: %s\n%s", wanted, text);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, wanted));
    CU_ASSERT_PTR_EQUAL(strchr(text, '\n'), text + strlen(text) - 1); /* one line */
    free(text);
}

static void annotations_are_told_alike_in_both_forms(void)
{
    const char *const wanted[] = { "images                   50",
                                   "boxes in an image      images",
                                   "size of a box",
                                   "red ellipse",
                                   "and 70 more (--categories N)",
                                   "image              id   width",
                                   NULL };
    says(scenes(), "", wanted);
    says(check_path("seen.h5"), "", wanted);
    char *a = inspect(scenes(), "--views 50 --categories 80"),
         *b = inspect(check_path("seen.h5"), "--views 50 --categories 80");
    CU_ASSERT_STRING_EQUAL(strchr(a, '\n'),
                           strchr(b, '\n')); /* but for the first line, which names the file */
    free(a);
    free(b);
    a = inspect(scenes(), "--checksum");
    b = inspect(check_path("seen.h5"), "--checksum");
    CU_ASSERT_STRING_EQUAL(a, b);
    CU_ASSERT_EQUAL(strlen(a), 17);
    free(a);
    free(b);
    a = inspect(check_path("seen.h5"), "--config");
    CU_ASSERT_STRING_EQUAL(a, "{\"made\":\"here\"}\n");
    free(a);
}

static void targets_are_told_in_words_and_tables(void)
{
    const char *const wanted[] = { "training targets, index over 10 shards, all there",
                                   "preset torchvision-fpn, seed 0, 2 epochs",
                                   "made from 50 images with ",
                                   "every positive and ignored anchor, the boxes in view pixels",
                                   "views                   100   epochs 0 to 1, ",
                                   "positives in a view     views",
                                   "46x22 32x32 22x46",
                                   "target        mean  std. deviation",
                                   "    tx ",
                                   " yes ",
                                   NULL };
    const char *const shard[] = { "training targets, one shard (",
                                  "views                    10   epochs 0 to 0, ", NULL };
    const char *out = targets("told", "--images-per-shard 10");
    char path[4096];
    says(out, "--views 100", wanted);
    snprintf(path, sizeof path, "%s/targets.h5", out);
    says(path, "--views 100", wanted);
    snprintf(path, sizeof path, "%s/shard-00000-of-00010.h5", out);
    says(path, "", shard);
}

static void the_figures_are_those_of_numpy(void)
{
    const char *out = targets("figures", "--images-per-shard 20");
    const char *script = check_path("figures.py");
    char *told = inspect(out, ""), *text = NULL;
    const char *saved = check_file("told.txt", told, strlen(told));
    FILE *f = fopen(script, "w");
    CU_ASSERT_FATAL(f != NULL);
    fputs("import h5py, sys\n"
          "told = open(sys.argv[1]).read()\n"
          "f = h5py.File(sys.argv[2] + '/targets.h5')\n"
          "t, count = f['positives/target'][:].astype(float), f['views/count'][:]\n"
          "def has(line):\n"
          "    assert ' '.join(line.split()) in ' '.join(told.split()), line\n"
          "for i, name in enumerate(('tx', 'ty', 'tw', 'th')):\n"
          "    x = t[:, i]\n"
          "    has('%s %.5f %.5f %.5f %.5f' % (name, x.mean(), x.std(), x.min(), x.max()))\n"
          "has('positive {:,} {:.1f} a view'.format(count[:, 0].sum(), count[:, 0].mean()))\n"
          "has('ignored {:,} {:.1f} a view'.format(count[:, 2].sum(), count[:, 2].mean()))\n"
          "has('minibatches {:,} anchors'.format(len(f['minibatch/anchor'])))\n"
          "has('{:,} of them matched as objects'.format(f['gt/used'][:].sum()))\n"
          "def met(group): return sum(len(set(f[group + '/gt'][a:b]) - {-1}) for a, b in "
          "zip(f[group + '/offset'][:], f[group + '/offset'][1:]))\n"
          "n = int(f['gt/used'][:].sum()); none = n - met('assignment')\n"
          "has('per object {:.2f} positive anchors; {:,} objects ({:.1f} %) have none'.format(count[:, "
          "0].sum() / n, "
          "none, 100 * none / n))\n"
          "has('{} mirrored'.format(f['views/flip'][:].sum()))\n"
          "level, o, p = [0] * 5, f['minibatch/offset'][:], f['positives/offset'][:]\n"
          "for v in range(len(o) - 1):\n"
          "    first = (f['views/grid'][v].prod(axis=1) * 3).cumsum()\n"
          "    for a in f['minibatch/anchor'][o[v]:o[v] + p[v + 1] - p[v]]: level[(first <= a).sum()] += 1\n"
          "for n in level: has('{:,} {:.1f} %'.format(n, 100 * n / len(t)))\n"
          "print('ok')\n",
          f);
    fclose(f);
    CU_ASSERT_EQUAL(check_run(&text, "/usr/bin/python3 %s %s %s", script, saved, out), 0);
    CU_ASSERT_STRING_EQUAL(text, "ok\n");
    if (strcmp(text, "ok\n")) puts(text);
    free(told);
    free(text);
}

/* Without the assignment and the boxes there are the sampled positives, and the objects that have some. */
static void positives_per_object_are_told_as_far_as_the_file_knows(void)
{
    char *text = NULL;
    const char *out = check_path("bare");
    CU_ASSERT_EQUAL_FATAL(check_run(NULL, "%s label %s -o %s -q", ANC_BINARY, scenes(), out), 0);
    char *told = inspect(out, "");
    const char *saved = check_file("bare.txt", told, strlen(told));
    CU_ASSERT_EQUAL(check_run(&text,
                              "/usr/bin/python3 -c \"import h5py, sys; f = h5py.File('%s/targets.h5'); o = "
                              "f['positives/offset'][:]; "
                              "met = sum(len(set(f['positives/gt'][a:b])) for a, b in zip(o, o[1:])); "
                              "line = '%%.2f   sampled positive anchors, of the %%d objects that have any "
                              "(label --with-gt tells of the rest)' %% (o[-1] / met, met); "
                              "sys.exit(line not in open('%s').read())\"",
                              out, saved),
                    0);
    if (*text) puts(text);
    free(told);
    free(text);
}

/* The recipe of docs/FORMAT.md, written a second time. */
static const char recipe[] =
    "import h5py, numpy as np, sys\n"
    "def mix(h, w):\n"
    "    h = (h ^ w) * 0x9e3779b97f4a7c15 % 2**64\n"
    "    return h ^ h >> 32\n"
    "def over(data, h=0):\n"
    "    data = np.ascontiguousarray(data).ravel()\n"
    "    data = data.view(np.uint32) if data.dtype == np.float32 else data.astype(np.int64)\n"
    "    for w in data.tolist(): h = mix(h, w % 2**64)\n"
    "    return h\n"
    "order = {'views': 'image_id epoch flip size padded_size scale grid count', 'minibatch': 'anchor "
    "label',\n"
    "         'positives': 'target gt', 'assignment': 'anchor gt', 'labels': 'label', 'gt': 'xyxy category "
    "crowd used'}\n"
    "f, h = h5py.File(sys.argv[1]), 0\n"
    "for group, names in order.items():\n"
    "    if group not in f: continue\n"
    "    g, names = f[group], names.split()\n"
    "    h = mix(h, len(g[names[0]]))\n"
    "    if 'offset' in g: h = mix(h, over(g['offset'][1:]))\n"
    "    for name in names: h = mix(h, over(g[name][:]))\n"
    "for k in range(len(f['anchors'])):\n"
    "    g = f['anchors/level%d' % k]\n"
    "    for w in (g.attrs['stride'], np.float64(g.attrs['offset']).view(np.int64), "
    "g.attrs['stride_from_grid'], len(g['base'])):\n"
    "        h = mix(h, int(w))\n"
    "    h = over(g['base'][:], h)\n"
    "print('%016x' % h)\n";

static void the_checksum_does_not_depend_on_the_sharding(void)
{
    const char *script = check_file("checksum.py", recipe, strlen(recipe));
    char *wanted = inspect(targets("sum-1", "--images-per-shard 1"), "--checksum");
    CU_ASSERT_EQUAL(strlen(wanted), 17);
    static const char *const shards[] = { "7", "50", "1000" };
    for (int i = 0; i < 3; i++) {
        char options[64];
        snprintf(options, sizeof options, "--restart --images-per-shard %s", shards[i]);
        const char *out = targets("sum-many", options);
        char *got = inspect(out, "--checksum");
        CU_ASSERT_STRING_EQUAL(got, wanted);
        free(got);
        if (i) continue;
        CU_ASSERT_EQUAL(check_run(&got, "/usr/bin/python3 %s %s/targets.h5", script, out), 0);
        CU_ASSERT_STRING_EQUAL(got, wanted);
        free(got);
    }
    char *other = inspect(targets("sum-other", "--seed 1"), "--checksum");
    CU_ASSERT_STRING_NOT_EQUAL(other, wanted);
    free(other);
    /* fewer open files than shards: through the virtual datasets most rows would read as missing */
    char *few = NULL;
    CU_ASSERT_EQUAL(
        check_run(&few, "ulimit -n 40; %s inspect --checksum %s", ANC_BINARY, check_path("sum-1")), 0);
    CU_ASSERT_STRING_EQUAL(few, wanted);
    free(few);
    free(wanted);
}

static void a_shard_that_is_gone_is_named(void)
{
    const char *out = targets("gone", "--images-per-shard 10");
    char path[4096];
    snprintf(path, sizeof path, "%s/shard-00004-of-00010.h5", out);
    CU_ASSERT_EQUAL(unlink(path), 0);
    refused(1, out,
            "gone/shard-00004-of-00010.h5: the shard is missing; put it beside its index, or run the same "
            "label command again");
    char *text = NULL;
    CU_ASSERT_EQUAL(check_run(&text, "%s inspect --checksum %s", ANC_BINARY, out), 1);
    CU_ASSERT_PTR_NULL(strstr(text, "\n0")); /* no number */
    free(text);
}

static void what_is_not_ours_is_refused_in_one_line(void)
{
    refused(1, "/nowhere/file.h5", "/nowhere/file.h5: cannot open: No such file or directory");
    refused(1, check_file("notes.txt", "hello", 5), "notes.txt: this file is none of what --format can name");
    refused(1, check_file("void", "", 0), "void: the file is empty");
    refused(1, check_dir(), "the folder holds no targets.h5");
    const char *path = check_path("other.h5");
    hid_t f = H5Fcreate(path, H5F_ACC_TRUNC, H5P_DEFAULT, H5P_DEFAULT);
    H5Fclose(f);
    refused(1, path, "other.h5: is an HDF5 file, but not one of anchorage's");
    size_t n;
    char *bytes = check_slurp(path, &n);
    refused(1, check_file("cut.h5", bytes, n / 2), "cut.h5: cannot be opened");
    free(bytes);
    char command[4096];
    snprintf(command, sizeof command, "--config %s", scenes());
    refused(2, command, "--config is for the HDF5 files that anchorage writes");
    snprintf(command, sizeof command, "--config --checksum %s", check_path("seen.h5"));
    refused(2, command, "--config and --checksum exclude each other");
}

static void heads_and_features_are_told_in_tables(void)
{
    const char *d = check_path("learn");
    char *text = NULL;
    CU_ASSERT_EQUAL_FATAL(
        check_run(&text,
                  "%s synth -q -o %s --scenes 20 --width 90-200 --height 70-160 --features && "
                  "%s label -q %s/annotations.json --like %s/features.h5 -o %s/targets && "
                  "%s train -q %s/targets %s/features.h5 -o %s/head.h5 --steps 25 --batch 4 --val-targets "
                  "%s/targets "
                  "--val-features %s/features.h5 --validate-every 20 && %s verify -q %s/head.h5 && %s verify "
                  "-q %s/features.h5",
                  ANC_BINARY, d, ANC_BINARY, d, d, d, ANC_BINARY, d, d, d, d, d, ANC_BINARY, d, ANC_BINARY,
                  d),
        0);
    free(text);
    says(check_path("learn/head.h5"), "",
         (const char *const[]){
             "head.h5: an RPN head: 32 channels, 32 hidden, 3 anchors a position; 9,743 parameters",
             "trained for 25 steps", "         23 - 25 ", "                     20  ",
             "                     25  ", "head.bbox_pred.weight             384 ", NULL });
    says(check_path("learn/features.h5"), "",
         (const char *const[]){
             "features.h5: features of 20 images: 5 levels of 32 channels, float16, used where they lie",
             "  4      64  ", "values: of 16 images", NULL });
    char command[4096];
    snprintf(command, sizeof command, "--checksum %s", check_path("learn/head.h5"));
    refused(2, command, "head.h5: --checksum is for annotations, targets and proposals");
    size_t n;
    char *bytes = check_slurp(check_path("learn/head.h5"), &n);
    bytes[n / 2] ^= 1;
    const char *bad = check_file("bad-head.h5", bytes, n);
    free(bytes);
    CU_ASSERT_EQUAL(check_run(&text, "%s verify %s", ANC_BINARY, bad), 1);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "bad-head.h5: "));
    free(text);
}

static void a_file_of_a_later_format_says_what_it_is(void)
{
    char *text = NULL;
    const char *path = check_path("head.h5");
    CU_ASSERT_EQUAL(check_run(NULL,
                              "/usr/bin/python3 -c \"import h5py; a = h5py.File('%s', 'w').attrs; "
                              "a['format'] = 'anchorage-head'; "
                              "a['format_version'] = 3; a['anchorage_version'] = '9.1'; a['config'] = '{}'\"",
                              path),
                    0);
    text = inspect(path, "");
    CU_ASSERT_PTR_NOT_NULL(
        strstr(text, "head.h5: anchorage-head, version 3, written by anchorage 9.1\n  config: {}\n"));
    free(text);
}

CHECK_SUITE("inspect", CHECK(annotations_are_told_alike_in_both_forms),
            CHECK(targets_are_told_in_words_and_tables), CHECK(the_figures_are_those_of_numpy),
            CHECK(positives_per_object_are_told_as_far_as_the_file_knows),
            CHECK(the_checksum_does_not_depend_on_the_sharding), CHECK(a_shard_that_is_gone_is_named),
            CHECK(what_is_not_ours_is_refused_in_one_line), CHECK(heads_and_features_are_told_in_tables),
            CHECK(a_file_of_a_later_format_says_what_it_is));
