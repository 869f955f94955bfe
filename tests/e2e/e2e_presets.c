/* tests/e2e/e2e_presets.c: presets through the real binary: which versions they were held to, and what becomes of
 * targets that were begun when torchvision-fpn stood for torchvision 0.14 */
#include "io/file/seal.h"
#include "tests/check.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Of both images the view is 799 rows by torchvision 0.14; by its later rule the first one's is 800. */
static const char two_images[] =
    "{\"images\":[{\"id\":1,\"height\":427,\"width\":640},{\"id\":2,\"height\":375,\"width\":500}],"
    "\"annotations\":["
    "{\"id\":1,\"image_id\":1,\"category_id\":1,\"bbox\":[10,20,200,100],\"iscrowd\":0},"
    "{\"id\":2,\"image_id\":2,\"category_id\":1,\"bbox\":[30,5,60,300],\"iscrowd\":0}],"
    "\"categories\":[{\"id\":1,\"name\":\"thing\"}]}\n";

/* The configuration as it was recorded for them, word for word. */
static const char old_config[] =
    "{\"command\":\"label\",\"seed\":0,\"epochs\":1,\"images_per_shard\":1,\"assignment\":false,"
    "\"labels\":false,\"with_gt\":true,\"like\":\"0000000000000000\",\"data\":{\"images\":2,\"boxes\":2,"
    "\"fingerprint\":\"f3f85f78cfeacac0\"},\"rules\":{\"preset\":\"torchvision-fpn\","
    "\"view\":{\"resize\":\"torchvision\",\"min_size\":[800],\"max_size\":1333,\"pad\":32,\"flip\":0},"
    "\"boxes\":{\"rule\":\"torchvision\",\"crowd\":\"drop\",\"ignore_iof\":0.5},"
    "\"anchors\":{\"rule\":\"torchvision\",\"strides\":[4,8,16,32,64],"
    "\"sizes\":[[32],[64],[128],[256],[512]],\"ratios\":[0.5,1,2],\"offset\":0,\"stride_from_grid\":true,"
    "\"border\":\"keep\",\"border_px\":0},\"match\":{\"positive_iou\":0.7,\"negative_iou\":0.3,"
    "\"low_quality\":\"on\",\"low_quality_iou\":0,\"union_floor\":0,\"legacy\":false,\"iou\":\"float32\","
    "\"zero_overlap\":false},\"sample\":{\"batch\":256,\"positive_fraction\":0.5,\"sampler\":\"philox\"},"
    "\"coder\":{\"rule\":\"corner\",\"weights\":[1,1,1,1]}}}";

static const char *annotations(void) { return check_file("two.json", two_images, strlen(two_images)); }

/* run.json as this version would have written it then; malloc'ed. */
static char *old_manifest(void)
{
    char *text = NULL, *all = NULL;
    CU_ASSERT_FATAL(asprintf(&text,
                             "{\"format\":\"anchorage-run\",\"format_version\":1,\"anchorage_version\":"
                             "\"" ANC_VERSION "\",\"shards\":2,\"config\":%s",
                             old_config) > 0);
    CU_ASSERT_FATAL(asprintf(&all, "%s,\"crc32\":\"%08x\"}\n", text, anc_seal_crc32(0, text, strlen(text))) >
                    0);
    free(text);
    return all;
}

static int label(char **output, const char *out, const char *options)
{
    return check_run(output, "%s label -q %s -o %s --images-per-shard 1 --with-gt %s", ANC_BINARY,
                     annotations(), out, options);
}

static void succeeds(const char *out, const char *options)
{
    char *text = NULL;
    CU_ASSERT_EQUAL(label(&text, out, options), 0);
    CU_ASSERT_STRING_EQUAL(text, "");
    free(text);
}

static void refused(const char *out, const char *options, const char *says)
{
    char *text = NULL;
    CU_ASSERT_EQUAL(label(&text, out, options), 2);
    if (!strstr(text, says)) puts(text);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, says));
    const char *end = strchr(text, '\n');
    CU_ASSERT(end && !end[1]);
    free(text);
}

/* Finished targets as they were written then: the same rules under the same name can still be asked for. */
static const char *old_targets(void)
{
    static const char *path;
    if (path) return path;
    path = check_path("old");
    succeeds(path, "--preset torchvision-fpn --set view.resize=torchvision");
    char *wanted = old_manifest(), *text = check_slurp(check_path("old/run.json"), NULL);
    CU_ASSERT_STRING_EQUAL(text, wanted);
    free(text);
    free(wanted);
    return path;
}

/* What a run of then has left: one shard of two, without the index. */
static const char *half_done(const char *name)
{
    const char *path = check_path("%s", name);
    CU_ASSERT_EQUAL_FATAL(check_run(NULL, "cp -r %s %s && rm %s/targets.h5 %s/shard-00001-of-00002.h5",
                                    old_targets(), path, path, path),
                          0);
    return path;
}

#define THEN "was begun by the rules of preset torchvision-0.14-fpn, which torchvision-fpn was called then; "

static void targets_of_torchvision_fpn_s_old_meaning_are_not_gone_on_with_by_the_new_one(void)
{
    const char *dir = half_done("mixed");
    char *before = check_slurp(check_path("mixed/run.json"), NULL);
    static const char *const asked[] = { "", "--preset torchvision-fpn", "--preset torchvision-fpn --dry-run",
                                         "--part 1/2", "--flip 0.5" };
    for (size_t i = 0; i < sizeof asked / sizeof *asked; i++)
        refused(dir, asked[i], THEN "go on by --preset torchvision-0.14-fpn");
    const char ini[] = "[preset]\nname = torchvision-fpn\n";
    char options[300];
    snprintf(options, sizeof options, "--config %s", check_file("new.ini", ini, strlen(ini)));
    refused(dir, options, "(in a configuration: [preset] name = torchvision-0.14-fpn)");
    /* without run.json, by what the shard says */
    CU_ASSERT_EQUAL(check_run(NULL, "mv %s/run.json %s/kept", dir, dir), 0);
    refused(dir, "", THEN);
    CU_ASSERT_EQUAL(check_run(NULL, "mv %s/kept %s/run.json && test $(ls %s | wc -l) = 2", dir, dir, dir), 0);
    char *after = check_slurp(check_path("mixed/run.json"), NULL);
    CU_ASSERT_STRING_EQUAL(before, after);
    free(before);
    free(after);
    succeeds(dir, "--restart"); /* the new meaning, if that is what is wanted */
    CU_ASSERT_EQUAL(check_run(NULL, "grep -q '\"resize\":\"torchvision-double\"' %s/run.json", dir), 0);
}

static void they_are_gone_on_with_by_the_name_of_today_to_the_same_bytes(void)
{
    const char *dir = half_done("resumed");
    succeeds(dir, "--preset torchvision-0.14-fpn");
    CU_ASSERT_EQUAL(check_run(NULL, "diff -r %s %s", old_targets(), dir), 0);
    succeeds(dir, "--preset torchvision-0.14-fpn"); /* done: nothing changes */
    CU_ASSERT_EQUAL(check_run(NULL, "diff -r %s %s", old_targets(), dir), 0);
    const char *bare = half_done("bare"); /* and run.json comes back as it was */
    CU_ASSERT_EQUAL(check_run(NULL, "rm %s/run.json", bare), 0);
    succeeds(bare, "--preset torchvision-0.14-fpn");
    CU_ASSERT_EQUAL(check_run(NULL, "diff -r %s %s", old_targets(), bare), 0);
    const char *parts = half_done("parts");
    succeeds(parts, "--preset torchvision-0.14-fpn --part 1/2");
    succeeds(parts, "--preset torchvision-0.14-fpn --part 2/2");
    CU_ASSERT_EQUAL(check_run(NULL, "diff -r %s %s", old_targets(), parts), 0);
    CU_ASSERT_EQUAL(check_run(NULL, "%s verify -q %s --recompute %s", ANC_BINARY, dir, annotations()), 0);
    /* and they are spoken of by it */
    char *text = NULL;
    CU_ASSERT_EQUAL(label(&text, dir, "--preset torchvision-0.14-fpn --dry-run"), 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "; preset torchvision-0.14-fpn\n"));
    free(text);
    CU_ASSERT_EQUAL(check_run(&text, "%s inspect %s", ANC_BINARY, dir), 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "  preset torchvision-0.14-fpn, seed "));
    free(text);
    /* what else differs is named as ever */
    refused(dir, "--preset torchvision-0.14-fpn --seed 3",
            "holds another run: seed is 0 there and 3 here; give the same options");
}

static void a_run_that_is_begun_today_is_recorded_by_today_s_name(void)
{
    const char *dir = check_path("today");
    succeeds(dir, "--preset torchvision-0.14-fpn");
    CU_ASSERT_EQUAL(
        check_run(NULL,
                  "grep -q '\"preset\":\"torchvision-0.14-fpn\",\"view\":{\"resize\":\"torchvision\",' "
                  "%s/run.json",
                  dir),
        0);
    refused(dir, "",
            "holds another run: rules.preset is torchvision-0.14-fpn there and torchvision-fpn here, "
            "rules.view.resize is torchvision there and torchvision-double here;");
    const char *later = check_path("later");
    succeeds(later, "");
    refused(later, "--preset torchvision-0.14-fpn",
            "holds another run: rules.preset is torchvision-fpn there and torchvision-0.14-fpn here,");
}

static void each_preset_is_listed_with_the_version_that_it_was_held_to(void)
{
    static const char *const lines[] = {
        "torchvision-fpn          held to torchvision 0.21.0\n",
        "torchvision-0.14-fpn     held to torchvision 0.14.1\n",
        "detectron2-fpn           held to detectron2 02b5c4e\n",
        "detectron2-c4            held to detectron2 02b5c4e\n",
        "mmdet-fpn                held to mmdetection 3.2.0\n",
        "faster-rcnn-vgg16        held to py-faster-rcnn 781a917\n",
        "maskrcnn-benchmark-fpn   held to maskrcnn-benchmark 57eec25\n",
    };
    char *text = NULL, wanted[1000] = "";
    CU_ASSERT_EQUAL(check_run(&text, "%s presets", ANC_BINARY), 0);
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) strcat(wanted, lines[i]);
    CU_ASSERT_STRING_EQUAL(text, wanted);
    free(text);
    CU_ASSERT_EQUAL(check_run(&text, "%s presets torchvision-0.14-fpn", ANC_BINARY), 0);
    CU_ASSERT(strstr(text, "[preset]\n; held to torchvision 0.14.1\nname = torchvision-0.14-fpn\n") == text);
    free(text);
}

CHECK_SUITE("presets", CHECK(targets_of_torchvision_fpn_s_old_meaning_are_not_gone_on_with_by_the_new_one),
            CHECK(they_are_gone_on_with_by_the_name_of_today_to_the_same_bytes),
            CHECK(a_run_that_is_begun_today_is_recorded_by_today_s_name),
            CHECK(each_preset_is_listed_with_the_version_that_it_was_held_to));
