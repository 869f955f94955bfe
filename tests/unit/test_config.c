/* tests/unit/test_config.c: rules as INI and JSON: what is printed reads back, what is wrong is refused with its
 * line */
#include "jobs/cli/config.h"
#include "tests/check.h"
#include <stdint.h>
#include <stdlib.h>
#include <string.h>
#include <yajl/yajl_tree.h>

/* Both come back by way of a file, malloc'ed. */
static char *text_of(const anc_rules *r, void (*print)(const anc_rules *r, FILE *to))
{
    const char *path = check_path("printed");
    FILE *to = fopen(path, "w");
    CU_ASSERT_FATAL(to != NULL);
    print(r, to);
    fclose(to);
    return check_slurp(path, NULL);
}

static char *json_of(const anc_rules *r) { return text_of(r, anc_config_json); }
static char *ini_of(const anc_rules *r) { return text_of(r, anc_config_print); }

/* Alike in every key, those of both stages. */
static void same_rules(const anc_rules *a, const anc_rules *b)
{
    anc_rules whole_a = *a, whole_b = *b;
    whole_a.stage = whole_b.stage = ANC_STAGE_ROI;
    char *x = json_of(&whole_a), *y = json_of(&whole_b);
    CU_ASSERT_STRING_EQUAL(x, y);
    free(x);
    free(y);
}

enum { N_PRESETS = 7 };

static void each_preset_printed_reads_back_as_itself(void)
{
    for (int p = 0; p < N_PRESETS; p++) {
        const anc_rules *preset = anc_rules_preset(anc_rules_preset_names[p]);
        char *text = ini_of(preset);
        anc_rules r = *anc_rules_preset(anc_rules_preset_names[(p + 1) % N_PRESETS]);
        anc_err err = { 0 };
        CU_ASSERT_FATAL(!anc_config_read(check_file("preset.ini", text, strlen(text)), NULL, &r, &err));
        same_rules(&r, preset);
        /* without [preset], every value stands in the keys alone */
        char *keys = strstr(text, "\n[view]");
        r = *anc_rules_preset(anc_rules_preset_names[(p + 1) % N_PRESETS]);
        memcpy(r.name, preset->name, sizeof r.name);
        CU_ASSERT_FATAL(!anc_config_read(check_file("keys.ini", keys, strlen(keys)), NULL, &r, &err));
        same_rules(&r, preset);
        free(text);
    }
}

static void the_fullest_and_oddest_rules_read_back_to_the_last_bit(void)
{
    check_rng random = { 31 };
    anc_rules r = *anc_rules_preset("detectron2-fpn"), back = r;
    r.view.n_min_sizes = ANC_MAX_MIN_SIZES;
    for (int i = 0; i < ANC_MAX_MIN_SIZES; i++) r.view.min_size[i] = 99985 + i;
    r.anchors.n_levels = ANC_MAX_LEVELS;
    r.anchors.n_ratios = ANC_MAX_RATIOS;
    for (int i = 0; i < ANC_MAX_RATIOS; i++) r.anchors.ratio[i] = 0.02 + check_uniform(&random);
    for (int l = 0; l < ANC_MAX_LEVELS; l++) {
        r.anchors.stride[l] = 1 << l;
        r.anchors.n_sizes[l] = ANC_MAX_SIZES;
        for (int s = 0; s < ANC_MAX_SIZES; s++) r.anchors.size[l][s] = 1 + 1000 * check_uniform(&random);
    }
    r.view.flip = 1. / 3;
    r.match.positive_iou = 0.7000000000000001;
    r.match.float64 = r.match.legacy = true;
    r.boxes.crowd = ANC_CROWD_EXCLUDE;
    for (int e = 0; e < 4; e++) r.coder.weight[e] = 1e-5 + check_uniform(&random);
    for (int e = 0; e < 4; e++) r.roi.weight[e] = 1e-5 + check_uniform(&random);
    r.roi.positive_iou = 1. / 3;
    r.roi.negative_iou_high = 0.30000000000000004;
    r.roi.negative_iou_low = 0.1;
    r.roi.append_gt = ANC_APPEND_BEFORE;
    r.roi.classes = ANC_CLASSES_FROM_ONE;
    r.roi.coder = ANC_CODER_DOUBLE;
    char *text = ini_of(&r);
    anc_err err = { 0 };
    CU_ASSERT_EQUAL(anc_config_read(check_file("full.ini", text, strlen(text)), NULL, &back, &err), ANC_OK);
    if (err.code) puts(err.text);
    same_rules(&r, &back);
    CU_ASSERT_EQUAL(memcmp(r.anchors.size, back.anchors.size, sizeof r.anchors.size), 0);
    CU_ASSERT_EQUAL(memcmp(r.coder.weight, back.coder.weight, sizeof r.coder.weight), 0);
    CU_ASSERT_EQUAL(memcmp(&r.roi, &back.roi, sizeof r.roi), 0);
    free(text);
}

static void a_long_list_may_go_on_in_further_lines(void)
{
    anc_rules r = *anc_rules_preset("detectron2-fpn");
    anc_err err = { 0 };
    char text[2000] = "[view]\n  min_size = 640 ; short\n\t672\n   704 736\n";
    size_t n = strlen(text);
    memset(text + n, ';', 700); /* a long comment */
    strcpy(text + n + 700, " sizes = 5\nmax_size=1000\n[anchors]\noffset = 0.5\n");
    CU_ASSERT_EQUAL(anc_config_read(check_file("long.ini", text, strlen(text)), NULL, &r, &err), ANC_OK);
    if (err.code) puts(err.text);
    CU_ASSERT_EQUAL(r.view.n_min_sizes, 4);
    CU_ASSERT_EQUAL(r.view.min_size[3], 736);
}

static void keys_that_are_left_out_stay_as_they_were(void)
{
    anc_rules r = *anc_rules_preset("mmdet-fpn"), wanted = r;
    anc_err err = { 0 };
    const char text[] = "; a comment\n[match]\npositive_iou = 0.6 ; and another\n\n[sample]\nbatch=512\n";
    CU_ASSERT_FATAL(!anc_config_read(check_file("part.ini", text, strlen(text)), NULL, &r, &err));
    wanted.match.positive_iou = 0.6;
    wanted.sample.batch = 512;
    same_rules(&r, &wanted);
    CU_ASSERT_FATAL(!anc_config_read(check_file("empty.ini", "", 0), NULL, &r, &err));
    same_rules(&r, &wanted);
}

static void refused(const char *text, const char *preset, const char *says)
{
    anc_rules r = *anc_rules_preset("torchvision-fpn");
    anc_err err = { 0 };
    CU_ASSERT_NOT_EQUAL(anc_config_read(check_file("wrong.ini", text, strlen(text)), preset, &r, &err),
                        ANC_OK);
    if (!strstr(err.text, says) || !strstr(err.text, "wrong.ini")) puts(err.text);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, says));
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "wrong.ini"));
    CU_ASSERT_PTR_NULL(strchr(err.text, '\n'));
}

static void a_wrong_value_is_refused_with_its_line(void)
{
    refused("[view]\nresize = bilinear\n", NULL,
            "line 2: view.resize = bilinear: must be one of none, torchvision,");
    refused("[view]\n\nmax_size = big\n", NULL, "line 3: view.max_size = big: must be a number");
    refused("[view]\nmax_size = 1333.5\n", NULL, "line 2: view.max_size = 1333.5: must be whole");
    refused("[view]\nmax_size = 1e300\n", NULL, "line 2: view.max_size = 1e300: must be whole");
    refused("[view]\nmax_size = 5 6\n", NULL, "line 2: view.max_size = 5 6: must be a number");
    refused("[view]\nmin_size = 800, x\n", NULL, "line 2: view.min_size = 800, x: must be a list of numbers");
    refused("[view]\nmin_size = 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16 17\n", NULL,
            "must be a list of numbers");
    refused("[view]\nflip =\n", NULL, "line 2: view.flip = : must be a number");
    refused("[anchors]\nsizes = 32 | | 64\n", NULL,
            "line 2: anchors.sizes = 32 | | 64: must be 1 to 16 numbers for");
    refused("[anchors]\nsizes = 1|2|3|4|5|6|7|8|9\n", NULL, "levels parted by |");
    refused("[match]\nlegacy = true\n", NULL, "line 2: match.legacy = true: must be yes or no");
    refused("[match]\niou = float16\n", NULL, "must be one of float32, float64");
    refused("[coder]\nweights = 1 1 1\n", NULL, "line 2: coder.weights = 1 1 1: must be four numbers");
    refused("[coder]\nweights = 1 1 1 1 1\n", NULL, "must be four numbers");
    refused("[match]\npositive_iou = 0.7x\n", NULL, "line 2: match.positive_iou = 0.7x: must be a number");
}

static void values_that_cannot_work_are_refused_with_their_key(void)
{
    refused("[match]\npositive_iou = 2\n", NULL, "match.positive_iou = 2: must be from 0.001 to 1");
    refused("[match]\npositive_iou = nan\n", NULL, "match.positive_iou = nan: must be");
    refused("[match]\nnegative_iou = 0.9\n", NULL,
            "match.negative_iou = 0.9: must be from 0.001 to match.positive_iou");
    refused("[view]\nmax_size = 0\n", NULL, "view.max_size = 0: must be from 1 to 100000 px");
    refused("[view]\nmin_size = 800 -1\n", NULL, "view.min_size = -1: must be");
    refused("[view]\nflip = 1.5\n", NULL, "view.flip = 1.5: must be from 0 to 1");
    refused("[sample]\nbatch = 0\n", NULL, "sample.batch = 0: must be from 1 to 65536");
    refused("[coder]\nweights = 1 1 0 1\n", NULL, "coder.weights = 0: must be");
    refused("[anchors]\nstrides = 4 8\n", NULL,
            "anchors.sizes is for 5 levels, anchors.strides for 2: must be as many");
    refused("[anchors]\nratios = 0\n", NULL, "anchors.ratios = 0: must be");
    refused("[roi]\nbatch = 0\n", NULL, "roi.batch = 0: must be from 1 to 65536");
    refused("[roi]\nnegative_iou_high = 0.6\n", NULL,
            "roi.negative_iou_high = 0.6: must be from 0.001 to roi.positive_iou");
    refused("[roi]\nnegative_iou_low = 0.6\n", NULL, "roi.negative_iou_low = 0.6: must be from 0 to");
    refused("[roi]\nweights = 10 10 5 -5\n", NULL, "roi.weights = -5: must be");
    refused("[roi]\nappend_gt = yes\n", NULL, "roi.append_gt = yes: must be one of off, after, before");
    refused("[roi]\nclasses = names\n", NULL, "must be one of ids, from-one, from-zero");
    refused("[match]\nzero_overlap = yes\nlow_quality = off\n", NULL, "match.zero_overlap needs");
}

static void a_wrong_key_or_section_is_refused_with_the_nearest(void)
{
    refused("[view]\nmaxsize = 5\n", NULL, "line 2: [view] has no key 'maxsize', did you mean 'max_size'?");
    refused("[anchors]\nbatch = 5\n", NULL, "line 2: [anchors] has no key 'batch'");
    refused("[sampling]\nbatch = 5\n", NULL,
            "line 2: no section is called [sampling]; there are preset, view,");
    refused("batch = 5\n", NULL, "line 1: 'batch' stands before the first [section]");
    refused("[sample]\nbatch = 5\nbatch = 6\n", NULL, "line 3: sample.batch stands twice");
    refused("[sample]\nbatch = 5\nwhat is this\n", NULL, "line 3: ");
    char text[1000] = "[anchors]\nratios =";
    for (int i = 0; i < 16; i++) strcat(text, " 0.12345678901234567");
    strcat(text, "\n[view]\nflip = 0.5\nwhat is this\n");
    refused(text, NULL, "line 5: not `key = value`");
    refused("[sample\nbatch = 5\n", NULL, "line 1: ");
}

static void the_preset_section_comes_first_and_agrees(void)
{
    anc_rules r = *anc_rules_preset("torchvision-fpn");
    anc_err err = { 0 };
    const char good[] = "[preset]\nname = mmdet-fpn\n[sample]\nbatch = 5\n";
    CU_ASSERT_FATAL(!anc_config_read(check_file("good.ini", good, strlen(good)), "mmdet-fpn", &r, &err));
    CU_ASSERT_STRING_EQUAL(r.name, "mmdet-fpn");
    CU_ASSERT_EQUAL(r.sample.batch, 5);
    refused(good, "torchvision-fpn",
            "line 2: starts from preset 'mmdet-fpn', but preset 'torchvision-fpn' is asked for");
    refused("[preset]\nname = yolo\n", NULL, "line 2: no preset is called 'yolo'");
    refused("[preset]\nfile = x\n", NULL, "line 2: [preset] knows the key name only, not 'file'");
    refused("[sample]\nbatch = 5\n[preset]\nname = mmdet-fpn\n", NULL,
            "line 4: [preset] must stand before every other");
}

static void a_file_that_cannot_be_read_is_named(void)
{
    anc_rules r = *anc_rules_preset("torchvision-fpn");
    anc_err err = { 0 };
    CU_ASSERT_EQUAL(anc_config_read("/nowhere/x.ini", NULL, &r, &err), ANC_ESYSTEM);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "/nowhere/x.ini: cannot be opened: No such file"));
    CU_ASSERT_EQUAL(anc_config_read(check_dir(), NULL, &r, &err), ANC_ESYSTEM);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "cannot be read"));
}

static void every_preset_says_what_it_was_held_to(void)
{
    int n = 0;
    for (; anc_rules_preset_names[n]; n++) {
        const char *name = anc_rules_preset_names[n], *former = anc_rules_preset_former(name);
        CU_ASSERT_PTR_NOT_NULL(anc_rules_preset_held_to(name));
        CU_ASSERT_STRING_EQUAL(anc_rules_preset_now(anc_rules_preset(name)), name);
        if (!former) continue;
        anc_rules then = *anc_rules_preset(name);
        snprintf(then.name, sizeof then.name, "%s", former);
        CU_ASSERT_STRING_EQUAL(anc_rules_preset_now(&then), name);
    }
    CU_ASSERT_EQUAL(n, N_PRESETS);
    CU_ASSERT_PTR_NULL(anc_rules_preset_held_to("yolo"));
    CU_ASSERT_PTR_NULL(anc_rules_preset_former("yolo"));
}

static void json_is_one_line_that_parses(void)
{
    for (int p = 0; p < N_PRESETS; p++) {
        const anc_rules *r = anc_rules_preset(anc_rules_preset_names[p]);
        char *text = json_of(r), error[128];
        CU_ASSERT_PTR_NULL(strchr(text, '\n'));
        yajl_val tree = yajl_tree_parse(text, error, sizeof error);
        CU_ASSERT_PTR_NOT_NULL_FATAL(tree);
        const char *name[] = { "preset", NULL }, *batch[] = { "sample", "batch", NULL },
                   *size[] = { "anchors", "sizes", NULL };
        yajl_val v = yajl_tree_get(tree, name, yajl_t_string);
        CU_ASSERT_PTR_NOT_NULL_FATAL(v);
        CU_ASSERT_STRING_EQUAL(v->u.string, r->name);
        v = yajl_tree_get(tree, batch, yajl_t_number);
        CU_ASSERT(v && YAJL_GET_INTEGER(v) == 256);
        v = yajl_tree_get(tree, size, yajl_t_array);
        CU_ASSERT(v && (int)YAJL_GET_ARRAY(v)->len == r->anchors.n_levels);
        yajl_tree_free(tree);
        free(text);
    }
}

static void a_first_stage_is_described_without_the_second(void)
{
    for (int p = 0; p < N_PRESETS; p++)
        for (int stage = ANC_STAGE_RPN; stage <= ANC_STAGE_ROI; stage++) {
            anc_rules r = *anc_rules_preset(anc_rules_preset_names[p]), back = { 0 };
            anc_err err = { 0 };
            char *text = NULL;
            r.stage = (anc_stage)stage;
            if (stage) r.roi.batch = 77;
            char *json = json_of(&r);
            CU_ASSERT_EQUAL(strstr(json, "\"roi\":{") != NULL, stage == ANC_STAGE_ROI);
            CU_ASSERT_FATAL(asprintf(&text, "{\"rules\":%s}", json) > 0);
            CU_ASSERT_EQUAL(anc_config_read_json(text, &back, &err), ANC_OK);
            CU_ASSERT_EQUAL((int)back.stage, stage);
            same_rules(&r, &back);
            free(text);
            free(json);
        }
}

static void crowd(const char *text, anc_crowd_rule rule, double iof)
{
    anc_rules r = *anc_rules_preset("torchvision-fpn");
    anc_err err = { 0 };
    CU_ASSERT_EQUAL(anc_config_crowd(text, &r, &err), ANC_OK);
    CU_ASSERT(r.boxes.crowd == rule && r.boxes.ignore_iof == iof);
}

static void crowd_and_sampler_are_set_from_words(void)
{
    crowd("drop", ANC_CROWD_DROP, 0.5);
    crowd("keep", ANC_CROWD_KEEP, 0.5);
    crowd("ignore", ANC_CROWD_IGNORE, 0.5);
    crowd("ignore=0.25", ANC_CROWD_IGNORE, 0.25);
    crowd("exclude=1", ANC_CROWD_EXCLUDE, 1);
    static const char *const wrong[] = { "",         "ignor", "ignore=", "ignore=x", "ignore=0.5x",
                                         "drop=0.5", "keeps" };
    anc_rules r = *anc_rules_preset("mmdet-fpn");
    anc_err err = { 0 };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++)
        CU_ASSERT_EQUAL(anc_config_crowd(wrong[i], &r, &err), ANC_EARGUMENT);
    CU_ASSERT(!anc_config_sampler("torch", &r, &err) && r.sample.rule == ANC_SAMPLER_TORCH_NEEDED);
    CU_ASSERT(!anc_config_sampler("philox", &r, &err) && r.sample.rule == ANC_SAMPLER_PHILOX);
    r = *anc_rules_preset("detectron2-fpn");
    CU_ASSERT(!anc_config_sampler("torch", &r, &err) && r.sample.rule == ANC_SAMPLER_TORCH);
    CU_ASSERT_EQUAL(anc_config_sampler("numpy", &r, &err), ANC_EARGUMENT);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "--sampler numpy: must be philox or torch"));
}

/* Reads text of n bytes over a preset; the error's text, "" when there is none. */
static const char *outcome(const char *text, size_t n, anc_rules *r)
{
    static anc_err err;
    anc_config_given given;
    *r = *anc_rules_preset("torchvision-fpn");
    return anc_config_text(text, n, NULL, r, &given, &err) ? err.text : "";
}

static void lines_end_and_comments_begin_as_documented(void)
{
    anc_rules r;
    static const char *const same[] = {
        "[sample]\nbatch = 7\n[match]\npositive_iou = 0.75\n",
        "\xef\xbb\xbf[sample]\r\nbatch = 7\r\n[match]\r\npositive_iou=0.75",
        "[sample]\rbatch : 7\r[match]\r\tpositive_iou = 0.75\r",
        "# first\n; second\n  # third\n[sample] ; of it\nbatch = 7 ;8\n\n[match]\npositive_iou =\n  0.75\n",
        "[sample]\nbatch =\n\n ; between\n   7\n[match]\npositive_iou=0.75 ; 0.8\n",
    };
    for (size_t i = 0; i < sizeof same / sizeof *same; i++) {
        CU_ASSERT_STRING_EQUAL(outcome(same[i], strlen(same[i]), &r), "");
        CU_ASSERT(r.sample.batch == 7 && r.match.positive_iou == 0.75);
    }
    const char hash[] = "[sample]\nbatch = 7 # no comment\n";
    CU_ASSERT_STRING_EQUAL(outcome(hash, strlen(hash), &r),
                           "line 2: sample.batch = 7 # no comment: must be a number");
    const char more[] = "[sample] batch = 7\n";
    CU_ASSERT_STRING_EQUAL(outcome(more, strlen(more), &r), "line 1: not `key = value`, nor `[section]`");
}

static void what_is_no_text_of_ours_is_refused(void)
{
    anc_rules r;
    const char nul[] = "[sample]\nbatch = 7\n\0batch = 8\n";
    CU_ASSERT_STRING_EQUAL(outcome(nul, sizeof nul - 1, &r),
                           "line 3: holds a NUL byte; save it as UTF-8 text");
    size_t n = ANC_CONFIG_BYTES + 1;
    char *text = malloc(n);
    CU_ASSERT_PTR_NOT_NULL_FATAL(text);
    memset(text, ' ', n);
    CU_ASSERT_STRING_EQUAL(outcome(text, n - 1, &r), "");
    CU_ASSERT_PTR_NOT_NULL(strstr(outcome(text, n, &r), "a configuration has at most 1048576 bytes"));
    memcpy(text, "[anchors]\nratios =", 18);
    for (size_t i = 18; i < n; i += 2) memcpy(text + i, "1 ", 2 - (i + 1 == n));
    CU_ASSERT_STRING_EQUAL(outcome(text, n - 1, &r),
                           "line 2: the value of ratios is longer than 4095 characters");
    const char *guarded = memcpy(check_guarded(8), "[sample]", 8); /* nothing behind the text is read */
    CU_ASSERT_STRING_EQUAL(outcome(guarded, 8, &r), "");
    check_guarded_free((void *)(uintptr_t)guarded, 8);
    free(text);
}

static void settings_stand_over_what_was_there(void)
{
    const anc_config_setting some[] = { { "--min-size", "view.min_size", "640, 672 704" },
                                        { "--set", "anchors.sizes", "8|16 24|32|64|128" },
                                        { "--set", "match.low_quality", "off" } };
    anc_rules r = *anc_rules_preset("detectron2-fpn"), wanted = r;
    anc_config_given given = { 0 };
    anc_err err = { 0 };
    const char text[] = "[view]\nmin_size = 640 672 704\n[anchors]\nsizes = 8 | 16 24 | 32 | 64 | 128\n"
                        "[match]\nlow_quality = off\n";
    CU_ASSERT_FATAL(!anc_config_apply(some, 3, &r, &given, &err));
    CU_ASSERT_FATAL(!anc_config_read(check_file("same.ini", text, strlen(text)), NULL, &wanted, &err));
    same_rules(&r, &wanted);
    CU_ASSERT(anc_config_gives(&given, "view.min_size") && anc_config_gives(&given, "match.low_quality"));
    CU_ASSERT(!anc_config_gives(&given, "view.max_size") && !anc_config_gives(&given, "view"));
}

static void a_wrong_setting_names_its_option(void)
{
    static const struct {
        anc_config_setting of[2];
        const char *says;
    } cases[] = {
        { { { "--max-size", "view.max_size", "big" } }, "--max-size: view.max_size = big: must be a number" },
        { { { "--max-size", "view.max_size", "-5" } },
          "--max-size: view.max_size = -5: must be from 1 to 100000 px" },
        { { { "--set", "view.max_sise", "5" } },
          "--set: [view] has no key 'max_sise', did you mean 'max_size'?; see anchorage presets" },
        { { { "--set", "viev.max_size", "5" } }, "--set: no section is called [viev]; there are" },
        { { { "--set", "max_size", "5" } }, "--set: 'max_size' is no key of the form section.key" },
        { { { "--set", "preset.name", "mmdet-fpn" } }, "--set: preset.name: give the preset as --preset" },
        { { { "--batch", "sample.batch", "8" }, { "--set", "sample.batch", "8" } },
          "sample.batch is given twice, by --batch and by --set; keep one" },
        { { { "--batch", "sample.batch", "8" }, { "--strides", "anchors.strides", "4,8" } },
          "--strides: anchors.sizes is for 5 levels, anchors.strides for 2: must be as many" },
        { { { "--positive-iou", "match.positive_iou", "0.2" } },
          "--positive-iou: match.negative_iou = 0.3: must be from 0.001 to match.positive_iou" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        anc_rules r = *anc_rules_preset("torchvision-fpn");
        anc_config_given given = { 0 };
        anc_err err = { 0 };
        CU_ASSERT_EQUAL(anc_config_apply(cases[i].of, cases[i].of[1].option ? 2 : 1, &r, &given, &err),
                        ANC_EARGUMENT);
        if (strncmp(err.text, cases[i].says, strlen(cases[i].says))) puts(err.text);
        CU_ASSERT_EQUAL(strncmp(err.text, cases[i].says, strlen(cases[i].says)), 0);
    }
}

CHECK_SUITE("config", CHECK(settings_stand_over_what_was_there), CHECK(a_wrong_setting_names_its_option),
            CHECK(each_preset_printed_reads_back_as_itself),
            CHECK(the_fullest_and_oddest_rules_read_back_to_the_last_bit),
            CHECK(a_long_list_may_go_on_in_further_lines), CHECK(keys_that_are_left_out_stay_as_they_were),
            CHECK(a_wrong_value_is_refused_with_its_line),
            CHECK(values_that_cannot_work_are_refused_with_their_key),
            CHECK(a_wrong_key_or_section_is_refused_with_the_nearest),
            CHECK(the_preset_section_comes_first_and_agrees), CHECK(a_file_that_cannot_be_read_is_named),
            CHECK(lines_end_and_comments_begin_as_documented), CHECK(what_is_no_text_of_ours_is_refused),
            CHECK(every_preset_says_what_it_was_held_to), CHECK(json_is_one_line_that_parses),
            CHECK(a_first_stage_is_described_without_the_second),
            CHECK(crowd_and_sampler_are_set_from_words));
