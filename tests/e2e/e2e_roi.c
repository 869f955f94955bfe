/* tests/e2e/e2e_roi.c: `anchorage label --stage roi` through the real binary and mpirun */
#include "tests/check.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { SCENES = 160 };

static const char *annotations(void)
{
    const char *path = check_path("roi/annotations.json");
    if (access(path, F_OK))
        CU_ASSERT_EQUAL_FATAL(
            check_run(NULL, "%s synth -o %s --scenes %d -q", ANC_BINARY, check_path("roi"), SCENES), 0);
    return path;
}

static const char *proposals(void)
{
    const char *path = check_path("roi/proposals.h5");
    if (access(path, F_OK))
        CU_ASSERT_EQUAL_FATAL(
            check_run(NULL, "/usr/bin/python3 tests/python/make_proposals.py %s %s", annotations(), path), 0);
    return path;
}

/* Other suites have folders here, too. */
static const char *folder(const char *name) { return check_path("roi-%s", name); }

/* ranks 0: without mpirun. */
static int label(char **text, int ranks, const char *out, const char *options)
{
    char team[64] = "";
    if (ranks) snprintf(team, sizeof team, "mpirun -n %d ", ranks);
    return check_run(
        text, "timeout -k 5 60 %s%s label %s -o %s --stage roi --proposals %s --images-per-shard 20 %s", team,
        ANC_BINARY, annotations(), folder(out), proposals(), options);
}

static void expect(int got, int code, char *text, const char *says)
{
    CU_ASSERT_EQUAL(got, code);
    if (!strstr(text, says)) printf("wanted: %s\ngot: %s\n", says, text);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, says));
    free(text);
}

static void same(const char *a, const char *b)
{
    CU_ASSERT_EQUAL(check_run(NULL, "diff -r %s %s", folder(a), folder(b)), 0);
}

#define RICH "-q --epochs 2 --flip 0.5 --seed 3 --with-gt --crowd ignore "

static void the_bytes_depend_on_neither_ranks_nor_kernels(void)
{
    CU_ASSERT_EQUAL_FATAL(label(NULL, 0, "wanted", RICH "--simd scalar"), 0);
    CU_ASSERT_EQUAL(check_run(NULL, "test $(ls %s | wc -l) = 18", folder("wanted")), 0);
    static const int ranks[] = { 1, 2, 3, 5 };
    for (int i = 0; i < 4; i++) {
        char name[32];
        snprintf(name, sizeof name, "ranks-%d", ranks[i]);
        CU_ASSERT_EQUAL(label(NULL, ranks[i], name, RICH), 0);
        same("wanted", name);
    }
    CU_ASSERT_EQUAL(label(NULL, 0, "seed", RICH "--seed 4"), 0);
    CU_ASSERT_NOT_EQUAL(check_run(NULL, "cmp -s %s/shard-00000-of-00016.h5 %s/shard-00000-of-00016.h5",
                                  folder("wanted"), folder("seed")),
                        0);
}

static void a_stopped_or_killed_run_goes_on_to_the_same_bytes(void)
{
    char *text;
    int code = label(&text, 2, "stopped", RICH "--time-limit 0");
    expect(code, 75, text, "; run the same command again to go on"); /* with all left, or while it read */
    CU_ASSERT_EQUAL(label(NULL, 3, "stopped", RICH), 0);
    same("wanted", "stopped");
    /* killed as soon as a shard is there */
    CU_ASSERT_EQUAL(
        check_run(
            NULL,
            "%s label %s -o %s --stage roi --proposals %s --images-per-shard 20 " RICH "& p=$!; "
            "until ls %s/shard-*-of-00016.h5 >/dev/null 2>&1; do kill -0 $p || exit 3; sleep 0.002; done; "
            "kill -9 $p; wait $p; true",
            ANC_BINARY, annotations(), folder("killed"), proposals(), folder("killed")),
        0);
    CU_ASSERT_EQUAL(label(NULL, 2, "killed", RICH), 0);
    same("wanted", "killed");
    CU_ASSERT_EQUAL(label(NULL, 1, "parts", RICH "--part 2/2"), 0);
    CU_ASSERT_EQUAL(label(NULL, 2, "parts", RICH "--part 1/2"), 0);
    same("wanted", "parts");
}

static void numpy_finds_the_same_rois(void)
{
    char *text;
    CU_ASSERT_EQUAL_FATAL(label(NULL, 2, "numpy", "-q --epochs 2 --flip 0.5"), 0);
    int code = check_run(&text, "/usr/bin/python3 tests/python/read_roi_targets.py %s %s %s/targets.h5",
                         annotations(), proposals(), folder("numpy"));
    expect(code, 0, text, "320 views recomputed, equal\n");
    code = check_run(&text, "/usr/bin/python3 examples/read_roi_targets.py %s/targets.h5 1", folder("numpy"));
    expect(code, 0, text, "for each class: targets (");
    code = check_run(&text, "/usr/bin/python3 examples/read_targets.py %s/targets.h5", folder("numpy"));
    expect(code, 1, text, "holds targets of the second stage; see read_roi_targets.py\n");
}

/* Every preset's shards hold what docs/FORMAT.md promises, and the portable kernels find the same. */
static void every_preset_is_whole_when_labelled_again(void)
{
    static const char *const names[] = {
        "torchvision-fpn", "torchvision-0.14-fpn", "detectron2-fpn",        "detectron2-c4",
        "mmdet-fpn",       "faster-rcnn-vgg16",    "maskrcnn-benchmark-fpn"
    };
    for (int p = 0; p < 7; p++) {
        char options[128], *text;
        snprintf(options, sizeof options, "-q --preset %s --with-gt --flip 0.5 %s", names[p],
                 p % 2 ? "--sampler torch" : "");
        CU_ASSERT_EQUAL(label(NULL, 2, names[p], options), 0);
        int code = check_run(&text, "mpirun -n 2 %s verify %s --recompute %s --proposals %s", ANC_BINARY,
                             folder(names[p]), annotations(), proposals());
        expect(code, 0, text, "with 160 views are whole, and the same when labelled again");
    }
}

static void verify_finds_a_changed_byte_and_repair_mends_it(void)
{
    const char *broken = folder("broken");
    char *text;
    CU_ASSERT_EQUAL(check_run(NULL, "cp -r %s %s", folder("wanted"), broken), 0);
    CU_ASSERT_EQUAL(check_run(NULL, "%s verify -q %s", ANC_BINARY, broken), 0);
    CU_ASSERT_EQUAL(
        check_run(NULL, "printf X | dd of=%s/shard-00002-of-00016.h5 bs=1 seek=3000 conv=notrunc 2>/dev/null",
                  broken),
        0);
    int code = check_run(&text, "%s verify %s", ANC_BINARY, broken);
    expect(code, 1, text, "shard-00002-of-00016.h5: its bytes are not those that were written");
    code = label(&text, 2, "broken", RICH);
    expect(code, 0, text, "shard-00002-of-00016.h5: its bytes are not those that were written");
    same("wanted", "broken");
    /* rows that are wrong under a seal that is right */
    static const struct {
        const char *change, *says;
    } wrong[] = {
        { "f['rois/label'][0] = 7777",
          "view 0 (image 1): /rois/label of a positive is none of /classes/label" },
        { "f['rois/proposal'][:2] = 5", "view 0 (image 1): /rois/proposal does not ascend" },
        { "f['rois/proposal'][1] = -2", "view 0 (image 1): /rois/proposal is neither a proposal nor -1" },
        { "f['rois/xyxy'][2, 0] = float('nan')", "view 0 (image 1): /rois/xyxy is not a number" },
        { "f['rois/xyxy'][2, 2] = -5", "view 0 (image 1): /rois/xyxy is not a box" },
        { "f['positives/target'][3, 1] = float('inf')",
          "view 0 (image 1): /positives/target is not a number" },
        { "f['positives/gt'][3] = 1000000", "view 0 (image 1): /positives/gt is no box of the image" },
        { "f['views/count'][0, 0] = 0", "view 0 (image 1): there are more positive or negative RoIs than" },
        { "f['classes/label'][0] = 0", "/classes do not ascend, or one is the background" },
        { "f['rois/offset'][1] = 100000", "/rois/offset does not ascend from 0" },
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        const char *path = check_path("one.h5");
        CU_ASSERT_EQUAL(
            check_run(NULL,
                      "cp %s/shard-00000-of-00016.h5 %s; /usr/bin/python3 -c \"import h5py, zlib; p = '%s'; "
                      "f = h5py.File(p, 'r+'); %s; f.close(); "
                      "b = open(p, 'rb').read().split(b'\\nanchorage-seal')[0]; "
                      "open(p, 'wb').write(b + b'\\nanchorage-seal crc32 %%08x\\n' %% zlib.crc32(b))\"",
                      folder("wanted"), path, path, wrong[i].change),
            0);
        code = check_run(&text, "%s verify %s", ANC_BINARY, path);
        expect(code, 1, text, wrong[i].says);
    }
}

static void inspect_tells_them_in_words_and_tables(void)
{
    static const char *const wanted[] = {
        "targets of the second stage (RoIs), index over 16 shards, all there",
        "anchorage-roi-targets version 1",
        "proposals of 160 images, checksum ",
        "views                   320   epochs 0 to 1, ",
        "classes                  80   background is label 0",
        "size of a RoI, square root of its area (px)",
        "positives in a view     views",
        "target        mean  std. deviation",
        " yes ",
        NULL
    };
    char *text, *sum, *again;
    CU_ASSERT_EQUAL(check_run(&text, "%s inspect %s --views 50", ANC_BINARY, folder("wanted")), 0);
    for (int i = 0; wanted[i]; i++) {
        if (!strstr(text, wanted[i])) printf("wanted: %s\n%s", wanted[i], text);
        CU_ASSERT_PTR_NOT_NULL(strstr(text, wanted[i]));
    }
    const char *told = check_file("told-rois.txt", text, strlen(text));
    free(text);
    int code =
        check_run(&text,
                  "/usr/bin/python3 -c \"import h5py\n"
                  "told = ' '.join(open('%s').read().replace(',', '').split())\n"
                  "f = h5py.File('%s/targets.h5')\n"
                  "label, t = f['rois/label'][:], f['positives/target'][:].astype(float)\n"
                  "count = f['views/count'][:].sum(axis=0)\n"
                  "def has(line): assert line in told, line\n"
                  "has('candidates %%d proposals' %% count.sum())\n"
                  "has('RoIs %%d ' %% len(label))\n"
                  "has('positive %%d %%.1f a view %%.1f %%%%; %%d of them appended' %% (len(t), len(t) / "
                  "320, 100 * len(t) / len(label),"
                  " (f['rois/proposal'][:] < 0).sum()))\n"
                  "has(' 3 3 %%d %%.1f %%%%' %% ((label == 3).sum(), 100 * (label == 3).sum() / len(t)))\n"
                  "for i, name in enumerate(('tx', 'ty', 'tw', 'th')):\n"
                  "    has('%%s %%.5f %%.5f %%.5f %%.5f' %% (name, t[:, i].mean(), t[:, i].std(), t[:, "
                  "i].min(), t[:, i].max()))\n"
                  "print('ok')\"",
                  told, folder("wanted"));
    expect(code, 0, text, "ok\n");
    CU_ASSERT_EQUAL(check_run(&sum, "%s inspect --checksum %s", ANC_BINARY, folder("wanted")), 0);
    CU_ASSERT_EQUAL(label(NULL, 0, "resharded", RICH "--images-per-shard 1000"), 0);
    CU_ASSERT_EQUAL(check_run(&again, "%s inspect --checksum %s", ANC_BINARY, folder("resharded")), 0);
    CU_ASSERT_EQUAL(strlen(sum), 17);
    CU_ASSERT_STRING_EQUAL(sum, again); /* of the content, not of the sharding */
    free(again);
    free(sum);
}

static void views_may_lie_on_the_sizes_of_features(void)
{
    const char *features = check_path("roi/features.h5"), *script = check_path("like.py");
    char options[512], *text;
    FILE *f = fopen(script, "w");
    CU_ASSERT_FATAL(f != NULL);
    fputs("import h5py, json, numpy as np, sys\n"
          "images = sorted(json.load(open(sys.argv[1]))['images'], key=lambda i: i['id'])\n"
          "f = h5py.File(sys.argv[2], 'w')\n"
          "f.attrs['format'], f.attrs['format_version'] = 'anchorage-features', 1\n"
          "n = len(images)\n"
          "f['images/id'] = np.array([i['id'] for i in images])\n"
          "f['images/size'] = np.array([[48, 64]] * n, np.int32)\n"
          "f['images/padded_size'] = np.array([[64, 64]] * n, np.int32)\n"
          "f['level0/feature'] = np.zeros((n * 16, 2), np.float32)\n"
          "f['level0/offset'] = np.arange(n + 1) * 16\n"
          "f['level0/grid'] = np.array([[4, 4]] * n, np.int32)\n"
          "f['level0'].attrs['stride'], f['level0'].attrs['channels'] = 16, 2\n",
          f);
    fclose(f);
    CU_ASSERT_EQUAL_FATAL(check_run(NULL, "/usr/bin/python3 %s %s %s", script, annotations(), features), 0);
    snprintf(options, sizeof options, "-q --like %s", features);
    CU_ASSERT_EQUAL(label(&text, 2, "like", options), 0);
    free(text);
    int code = check_run(
        &text,
        "/usr/bin/python3 -c \"import h5py; f = h5py.File('%s/targets.h5'); "
        "b = f['rois/xyxy'][:]; assert (f['views/size'][:] == (48, 64)).all() and len(b) > 1000; "
        "assert b.min() >= 0 and b[:, 2].max() < 64.0001 and b[:, 3].max() < 48.0001; print('ok')\"",
        folder("like"));
    expect(code, 0, text, "ok\n");
}

/* Fails with one line of ours on as many ranks, and leaves no shard. */
static void fails(int code, int ranks, const char *set, const char *options, const char *says)
{
    char *text, team[64] = "";
    static int n;
    const char *out = check_path("roi-failed-%d", n++);
    if (ranks) snprintf(team, sizeof team, "mpirun -n %d ", ranks);
    int got = check_run(&text, "timeout -k 5 60 %s%s label %s -o %s %s", team, ANC_BINARY, set, out, options),
        lines = 0;
    for (const char *at = text; (at = strstr(at, "anchorage: label: ")); at++) lines++;
    if (got != code || lines != 1 || !strstr(text, says)) printf("%d, wanted %s:\n%s", got, says, text);
    CU_ASSERT_EQUAL(got, code);
    CU_ASSERT_EQUAL(lines, 1);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, says));
    CU_ASSERT_EQUAL(check_run(NULL, "test -z \"$(ls -A %s 2>/dev/null | grep -v run.json)\"", out), 0);
    free(text);
}

/* A proposals.h5 of two images, 1 and 2, after a change to it. */
static const char *two(const char *name, const char *change)
{
    const char *path = check_path("%s", name);
    CU_ASSERT_EQUAL_FATAL(
        check_run(
            NULL,
            "/usr/bin/python3 -c \"import h5py, numpy as np; f = h5py.File('%s', 'w'); nan = float('nan')\n"
            "f.attrs['format'], f.attrs['format_version'], f.attrs['config'] = 'anchorage-proposals', 1, "
            "'{}'\n"
            "f.attrs['anchorage_version'] = 'test'\n"
            "f['images/id'], f['proposals/offset'] = np.array([1, 2]), np.array([0, 2, 3])\n"
            "f['proposals/xyxy'] = np.array([[1, 2, 30, 40], [5, 5, 9, 9], [1, 1, 20, 20]], np.float32)\n"
            "f['proposals/score'], f['proposals/level'] = np.zeros(3, np.float32), np.zeros(3, np.int32)\n"
            "%s\"",
            path, change),
        0);
    return path;
}

#define SET(more, category)                                                                         \
    "{\"images\":[{\"id\":1,\"width\":64,\"height\":48},{\"id\":2,\"width\":64,\"height\":48}" more \
    "],\"annotations\":["                                                                           \
    "{\"id\":7,\"image_id\":1,\"category_id\":" category                                            \
    ",\"bbox\":[1,2,29,38]}],\"categories\":[{\"id\":1,\"name\":\"a\"},"                            \
    "{\"id\":0,\"name\":\"b\"}]}"

static void broken_proposals_are_refused_in_one_line(void)
{
    static const struct {
        const char *change, *says;
        int set; /* 0: images 1 and 2; 1: 1, 2 and 3 */
    } broken[] = {
        { "del f['images/id'], f['proposals/offset']; f['images/id'], f['proposals/offset'] = [1, 2, 5], [0, "
          "2, 3, 3]",
          ": has proposals for image 5, which ", 0 },
        { "del f['images/id'], f['proposals/offset']; f['images/id'], f['proposals/offset'] = [0, 1, 2], [0, "
          "0, 2, 3]",
          ": has proposals for image 0, which ", 0 },
        { "f['images/id'][1] = 3", ": lists no image 2 of ", 0 },
        { "", ": lists no image 3 of ", 1 },
        { "f['images/id'][:] = [2, 1]", ": image ids do not ascend: 1 follows 2", 0 },
        { "f['proposals/xyxy'][2, 1] = nan", ": image 2: proposal 0 is (1, nan, 20, 20), not a box", 0 },
        { "f['proposals/xyxy'][1, 2] = 4", ": image 1: proposal 1 is (5, 5, 4, 9), not a box", 0 },
        { "f['proposals/score'][1] = nan", ": image 1: proposal 1 has a score of nan", 0 },
        { "f['proposals/offset'][:] = [0, 5, 3]", ": /proposals/offset goes from 5 to 3", 0 },
        { "del f['proposals/xyxy']", "/proposals/xyxy", 0 },
        { "f.attrs['format'] = 'anchorage-targets'", "holds 'anchorage-targets', not 'anchorage-proposals'",
          0 },
    };
    const char json[] = SET("", "1"), more[] = SET(",{\"id\":3,\"width\":64,\"height\":48}", "1");
    const char *ini = check_file("one.ini", "[roi]\nclasses = from-one\n", 25 - 1);
    const char *set[2] = { check_file("two.json", json, strlen(json)),
                           check_file("three.json", more, strlen(more)) };
    for (size_t i = 0; i < sizeof broken / sizeof *broken; i++) {
        char options[700];
        const char *path = two("two.h5", broken[i].change);
        snprintf(options, sizeof options, "-q --stage roi --proposals %s --config %s", path, ini);
        fails(1, i % 3 ? 0 : 3, set[broken[i].set], options, broken[i].says);
    }
    char options[700];
    snprintf(options, sizeof options, "-q --stage roi --proposals %s --config %s", check_path("nowhere.h5"),
             ini);
    fails(1, 0, set[0], options, "nowhere.h5: cannot ");
    fails(1, 3, set[0], options, "nowhere.h5: cannot ");
    /* it is the proposals that are to blame */
    const char *nan = two("nan.h5", "f['proposals/xyxy'][2, 1] = nan");
    char *text, wanted[4200];
    snprintf(wanted, sizeof wanted, "anchorage: label: %s: image 2: proposal 0 is ", nan);
    int code = check_run(&text, "%s label %s -o %s --stage roi --proposals %s --config %s -q", ANC_BINARY,
                         set[0], folder("blamed"), nan, ini);
    expect(code, 1, text, wanted);
    /* a sealed file that was changed */
    CU_ASSERT_EQUAL(
        check_run(
            NULL,
            "cp %s/shard-00000-of-00016.h5 %s; printf X | dd of=%s bs=1 seek=3000 conv=notrunc 2>/dev/null",
            folder("wanted"), check_path("shard.h5"), check_path("shard.h5")),
        0);
    snprintf(options, sizeof options, "-q --stage roi --proposals %s --config %s", check_path("shard.h5"),
             ini);
    fails(1, 0, set[0], options, "shard.h5: ");
    /* a category 0 where ids are the labels */
    snprintf(options, sizeof options, "-q --stage roi --proposals %s", two("two.h5", ""));
    fails(2, 2, set[0], options, "category id 0 would be the background's label");
    const char orphan[] = SET("", "9");
    snprintf(options, sizeof options, "-q --stage roi --proposals %s --config %s", two("two.h5", ""), ini);
    fails(1, 2, check_file("orphan-category.json", orphan, strlen(orphan)), options,
          "annotation 7 of image 1 has category 9, which the list of categories lacks");
}

static void a_view_without_proposals_trains_on_its_boxes(void)
{
    const char json[] = SET("", "1"), *ini = check_file("one.ini", "[roi]\nclasses = from-one\n", 24);
    const char *set = check_file("two.json", json, strlen(json)), *out = folder("lonely");
    const char results[] =
        "[{\"image_id\":2,\"category_id\":1,\"bbox\":[1,1,19,19],\"score\":0.5}]"; /* none in image 1 */
    char *text;
    int code = check_run(&text, "%s label %s -o %s --stage roi --proposals %s --config %s", ANC_BINARY, set,
                         out, check_file("results.json", results, strlen(results)), ini);
    expect(code, 0, text,
           "note: 1 view without proposals; there the boxes alone are trained on, if there are any");
    code = check_run(&text,
                     "/usr/bin/python3 -c \"import h5py; f = h5py.File('%s/targets.h5'); "
                     "print(*(f['rois/' + x][:].tolist() for x in ('offset', 'label', 'proposal')), "
                     "f['classes'].attrs['background'], f['positives/target'][:].tolist())\"",
                     out);
    expect(code, 0, text,
           "[0, 1, 2] [2, 0] [-1, 0] 0 [[0.0, 0.0, 0.0, 0.0]]\n"); /* 1 is the second of 0 and 1 */
}

static void wrong_options_are_refused_in_one_line(void)
{
    char options[700];
    fails(2, 0, annotations(), "--stage roi", "--stage roi needs --proposals FILE");
    fails(2, 0, annotations(), "--stage fast", "--stage must be rpn or roi");
    snprintf(options, sizeof options, "--proposals %s", proposals());
    fails(2, 3, annotations(), options, "--proposals is for --stage roi");
    snprintf(options, sizeof options, "--stage roi --proposals %s --labels", proposals());
    fails(2, 0, annotations(), options, "--assignment and --labels are of anchors, for --stage rpn");
    char *text;
    int code = label(&text, 2, "wanted", RICH "--seed 9");
    expect(code, 2, text, "holds another run: seed is 3 there and 9 here");
    code = check_run(&text, "%s label %s -o %s --images-per-shard 20 " RICH, ANC_BINARY, annotations(),
                     folder("wanted"));
    expect(code, 2, text, "holds another run: "); /* the first stage */
    code = check_run(&text, "%s verify %s --recompute %s", ANC_BINARY, folder("wanted"), annotations());
    expect(code, 2, text,
           "holds targets of RoIs; --recompute needs their proposals too, as --proposals FILE");
    code = check_run(&text, "%s verify %s --proposals %s", ANC_BINARY, folder("wanted"), proposals());
    expect(code, 2, text, "--proposals is for --recompute ANNOTATIONS, which is missing");
    CU_ASSERT_EQUAL(check_run(NULL,
                              "cp %s %s; /usr/bin/python3 -c \"import h5py; h5py.File('%s', "
                              "'r+')['proposals/xyxy'][0, 0] = 0.25\"",
                              proposals(), check_path("other.h5"), check_path("other.h5")),
                    0);
    code = check_run(&text, "%s verify %s --recompute %s --proposals %s", ANC_BINARY, folder("wanted"),
                     annotations(), check_path("other.h5"));
    expect(code, 2, text, "other.h5: is another file than the proposals of ");
    code = check_run(&text, "%s train %s %s -o %s", ANC_BINARY, folder("wanted"),
                     check_path("roi/features.h5"), check_path("head.h5"));
    expect(code, 1, text, "holds targets of the second stage (RoIs); this trains the proposal network");
}

CHECK_SUITE("roi", CHECK(the_bytes_depend_on_neither_ranks_nor_kernels),
            CHECK(a_stopped_or_killed_run_goes_on_to_the_same_bytes), CHECK(numpy_finds_the_same_rois),
            CHECK(every_preset_is_whole_when_labelled_again),
            CHECK(verify_finds_a_changed_byte_and_repair_mends_it),
            CHECK(inspect_tells_them_in_words_and_tables), CHECK(views_may_lie_on_the_sizes_of_features),
            CHECK(broken_proposals_are_refused_in_one_line),
            CHECK(a_view_without_proposals_trains_on_its_boxes),
            CHECK(wrong_options_are_refused_in_one_line));
