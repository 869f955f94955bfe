/* core/config.c: see config.h. One table of keys drives reading, printing and JSON. */
#include "core/config.h"
#include "core/words.h"
#include <ctype.h>
#include <errno.h>
#include <math.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>

typedef enum { WORD, INTEGER, REAL, YES_NO, INTEGERS, REALS, SIZES } kind;

static const char *const resize_words[] = { "none", "torchvision",        "torchvision-double", "detectron2",
                                            "mmcv", "maskrcnn-benchmark", "py-faster-rcnn",     NULL };
static const char *const boxes_words[] = { "torchvision",        "detectron2",     "mmdet",
                                           "maskrcnn-benchmark", "py-faster-rcnn", NULL };
static const char *const crowd_words[] = { "drop", "keep", "ignore", "exclude", NULL };
static const char *const anchors_words[] = { "torchvision", "detectron2", "mmdet", "legacy", NULL };
static const char *const border_words[] = { "keep", "drop", "ignore", NULL };
static const char *const low_quality_words[] = { "off", "on", "claim", NULL };
static const char *const iou_words[] = { "float32", "float64", NULL };
static const char *const sampler_words[] = { "philox", "torch", "torch-needed", NULL };
static const char *const coder_words[] = { "corner", "centre", "double", NULL };
static const char *const append_words[] = { "off", "after", "before", NULL };
static const char *const classes_words[] = { "ids", "from-one", "from-zero", NULL };

_Static_assert(sizeof resize_words / sizeof *resize_words == ANC_RESIZE_LIKE + 1, "see word_of");

#define AT(member) offsetof(anc_rules, member)

static const struct {
    const char *section, *key;
    kind kind;
    size_t at;
    const char *const *words; /* WORD: the enum's values, in order */
    size_t count_at;          /* lists: where their length stands; 0: it is fixed at `most` */
    int most;
    const char *help;
} keys[] = {
    { "view", "resize", WORD, AT(view.resize), resize_words, 0, 0, "rule that gives the view's size" },
    { "view", "min_size", INTEGERS, AT(view.min_size), NULL, AT(view.n_min_sizes), ANC_MAX_MIN_SIZES,
      "px, wanted short side; of several one is drawn for each view" },
    { "view", "max_size", INTEGER, AT(view.max_size), NULL, 0, 0, "px, bound on the long side" },
    { "view", "pad", INTEGER, AT(view.pad), NULL, 0, 0, "px, sides are padded up to a multiple; 0: not" },
    { "view", "flip", REAL, AT(view.flip), NULL, 0, 0, "probability that a view is mirrored left to right" },
    { "boxes", "rule", WORD, AT(boxes.rule), boxes_words, 0, 0,
      "how boxes are converted, clipped, scaled, rounded" },
    { "boxes", "crowd", WORD, AT(boxes.crowd), crowd_words, 0, 0, "what becomes of crowd regions" },
    { "boxes", "ignore_iof", REAL, AT(boxes.ignore_iof), NULL, 0, 0,
      "share of an anchor that lies in a crowd region, for ignore and exclude" },
    { "anchors", "rule", WORD, AT(anchors.rule), anchors_words, 0, 0, "how base anchors are computed" },
    { "anchors", "strides", INTEGERS, AT(anchors.stride), NULL, AT(anchors.n_levels), ANC_MAX_LEVELS,
      "px, one for each level" },
    { "anchors", "sizes", SIZES, AT(anchors.size), NULL, 0, 0,
      "px, those of a level side by side, levels parted by |" },
    { "anchors", "ratios", REALS, AT(anchors.ratio), NULL, AT(anchors.n_ratios), ANC_MAX_RATIOS,
      "height / width" },
    { "anchors", "offset", REAL, AT(anchors.offset), NULL, 0, 0, "of grid position 0, in strides" },
    { "anchors", "stride_from_grid", YES_NO, AT(anchors.stride_from_grid), NULL, 0, 0,
      "step = padded side / grid side" },
    { "anchors", "border", WORD, AT(anchors.border), border_words, 0, 0, "anchors over the image's edge" },
    { "anchors", "border_px", REAL, AT(anchors.border_px), NULL, 0, 0,
      "px over the edge that still count as inside" },
    { "match", "positive_iou", REAL, AT(match.positive_iou), NULL, 0, 0,
      "an anchor with at least this much is positive" },
    { "match", "negative_iou", REAL, AT(match.negative_iou), NULL, 0, 0,
      "one with less than this is negative" },
    { "match", "low_quality", WORD, AT(match.low_quality), low_quality_words, 0, 0,
      "a box's best anchors are positive too" },
    { "match", "low_quality_iou", REAL, AT(match.low_quality_iou), NULL, 0, 0,
      "if their IoU is at least this" },
    { "match", "union_floor", REAL, AT(match.union_floor), NULL, 0, 0,
      "px^2, least union that an IoU is divided by" },
    { "match", "legacy", YES_NO, AT(match.legacy), NULL, 0, 0, "inclusive corners: width = x2 - x1 + 1" },
    { "match", "iou", WORD, AT(match.float64), iou_words, 0, 0, "precision that IoU is computed in" },
    { "match", "zero_overlap", YES_NO, AT(match.zero_overlap), NULL, 0, 0,
      "a box that overlaps no anchor makes all positive, as some systems do" },
    { "sample", "batch", INTEGER, AT(sample.batch), NULL, 0, 0, "anchors of each view in the minibatch" },
    { "sample", "positive_fraction", REAL, AT(sample.positive_fraction), NULL, 0, 0,
      "at most this share of them positive" },
    { "sample", "sampler", WORD, AT(sample.rule), sampler_words, 0, 0, "where random numbers come from" },
    { "coder", "rule", WORD, AT(coder.rule), coder_words, 0, 0, "form and precision of the targets" },
    { "coder", "weights", REALS, AT(coder.weight), NULL, 0, 4, "of tx, ty, tw, th" },
    { "roi", "batch", INTEGER, AT(roi.batch), NULL, 0, 0,
      "second stage (label --stage roi): RoIs of each view" },
    { "roi", "positive_fraction", REAL, AT(roi.positive_fraction), NULL, 0, 0,
      "at most this share of them positive" },
    { "roi", "positive_iou", REAL, AT(roi.positive_iou), NULL, 0, 0,
      "a proposal with at least this much is positive" },
    { "roi", "negative_iou_high", REAL, AT(roi.negative_iou_high), NULL, 0, 0,
      "one with less than this is negative" },
    { "roi", "negative_iou_low", REAL, AT(roi.negative_iou_low), NULL, 0, 0, "if it has at least this much" },
    { "roi", "append_gt", WORD, AT(roi.append_gt), append_words, 0, 0,
      "annotated boxes among the proposals" },
    { "roi", "classes", WORD, AT(roi.classes), classes_words, 0, 0,
      "labels; background is 0, under from-zero the number of classes" },
    { "roi", "coder", WORD, AT(roi.coder), coder_words, 0, 0, "form and precision of the targets" },
    { "roi", "weights", REALS, AT(roi.weight), NULL, 0, 4, "of tx, ty, tw, th" },
};
enum { N_KEYS = sizeof keys / sizeof *keys };
_Static_assert((int)N_KEYS <= (int)ANC_CONFIG_KEYS, "anc_config_given has too little room");

bool anc_config_key(int k, const char **section, const char **key)
{
    if (k < 0 || k >= N_KEYS) return false;
    *section = keys[k].section;
    *key = keys[k].key;
    return true;
}

/* ---- values ---- */

static bool number(const char **text, double *value)
{
    char *end;
    errno = 0;
    *value = strtod(*text, &end);
    if (end == *text || errno == ERANGE) return false;
    *text = end;
    return true;
}

/* Numbers parted by blanks or commas; -1 when there is something else, or too many. */
static int numbers(const char *text, double *out, int most)
{
    int n = 0;
    for (;;) {
        while (isspace((unsigned char)*text) || *text == ',') text++;
        if (!*text) return n;
        if (n == most || !number(&text, &out[n])) return -1;
        n++;
    }
}

static anc_status bad_value(anc_err *err, int k, const char *value, const char *wanted)
{
    return anc_fail(err, ANC_EARGUMENT, "%s.%s = %s: must be %s", keys[k].section, keys[k].key, value,
                    wanted);
}

static anc_status set_word(anc_rules *r, int k, const char *value, anc_err *err)
{
    char wanted[256] = "";
    for (int i = 0; keys[k].words[i]; i++) {
        if (!strcmp(keys[k].words[i], value)) {
            if (keys[k].words == iou_words)
                r->match.float64 = i;
            else
                memcpy((char *)r + keys[k].at, &i,
                       sizeof i); /* every enum of anc_rules is as large as an int */
            return ANC_OK;
        }
        size_t n = strlen(wanted);
        snprintf(wanted + n, sizeof wanted - n, "%s%s", i ? ", " : "one of ", keys[k].words[i]);
    }
    return bad_value(err, k, value, wanted);
}
_Static_assert(sizeof(anc_resize_rule) == sizeof(int) && sizeof(anc_coder_rule) == sizeof(int),
               "see set_word");

/* "32 64 | 128": each level's sizes. */
static anc_status set_sizes(anc_rules *r, int k, const char *value, anc_err *err)
{
    char text[4096];
    snprintf(text, sizeof text, "%s", value);
    int level = 0;
    for (char *part = text; part; level++) {
        char *bar = strchr(part, '|');
        if (bar) *bar = '\0';
        int n = level < ANC_MAX_LEVELS ? numbers(part, r->anchors.size[level], ANC_MAX_SIZES) : -1;
        if (n < 1)
            return bad_value(err, k, value, "1 to 16 numbers for each of 1 to 8 levels, levels parted by |");
        r->anchors.n_sizes[level] = n;
        part = bar ? bar + 1 : NULL;
    }
    for (; level < ANC_MAX_LEVELS; level++) r->anchors.n_sizes[level] = 0;
    return ANC_OK;
}

anc_status anc_config_set(anc_rules *r, int k, const char *value, anc_err *err)
{
    char *at = (char *)r + keys[k].at;
    double list[64];
    int most = keys[k].most ? keys[k].most : 1, n;
    switch (keys[k].kind) {
    case WORD: return set_word(r, k, value, err);
    case SIZES: return set_sizes(r, k, value, err);
    case YES_NO:
        if (strcmp(value, "yes") && strcmp(value, "no")) return bad_value(err, k, value, "yes or no");
        *(bool *)at = value[0] == 'y';
        return ANC_OK;
    default: break;
    }
    n = numbers(value, list, most);
    if (n < 1 || (keys[k].most && !keys[k].count_at && n != most))
        return bad_value(err, k, value,
                         most == 1          ? "a number"
                         : keys[k].count_at ? "a list of numbers"
                                            : "four numbers");
    for (int i = 0; i < n; i++) {
        if (keys[k].kind == REAL || keys[k].kind == REALS) {
            ((double *)at)[i] = list[i];
        } else {
            if (!(fabs(list[i]) <= INT32_MAX) || list[i] != (double)(int32_t)list[i])
                return bad_value(err, k, value, "whole");
            ((int32_t *)at)[i] = (int32_t)list[i];
        }
    }
    if (keys[k].count_at) memcpy((char *)r + keys[k].count_at, &n, sizeof n);
    return ANC_OK;
}

int anc_config_find(const char *section, const char *key, anc_err *err)
{
    const char *known[N_KEYS];
    size_t n = 0;
    for (int k = 0; k < N_KEYS; k++) {
        if (strcmp(keys[k].section, section)) continue;
        if (!strcmp(keys[k].key, key)) return k;
        known[n++] = keys[k].key;
    }
    const char *near = anc_nearest(key, known, n);
    if (n)
        anc_fail(err, ANC_EARGUMENT, "[%s] has no key '%s'%s%s%s; see anchorage presets", section, key,
                 near ? ", did you mean '" : "", near ? near : "", near ? "'?" : "");
    else
        anc_fail(err, ANC_EARGUMENT,
                 "no section is called [%s]; there are preset, view, boxes, anchors, match, "
                 "sample, coder, roi",
                 section);
    return -1;
}

/* ---- settings one by one ---- */

bool anc_config_gives(const anc_config_given *given, const char *name)
{
    for (int k = 0; k < N_KEYS; k++) {
        size_t n = strlen(keys[k].section);
        if (!strncmp(name, keys[k].section, n) && name[n] == '.' && !strcmp(name + n + 1, keys[k].key))
            return given->key[k];
    }
    return false;
}

static int find_name(const char *name, anc_err *err)
{
    const char *dot = strchr(name, '.');
    char section[64];
    if (!dot || dot == name || !dot[1]) {
        anc_fail(err, ANC_EARGUMENT, "'%s' is no key of the form section.key, as match.positive_iou is",
                 name);
        return -1;
    }
    snprintf(section, sizeof section, "%.*s", (int)(dot - name), name);
    if (strcmp(section, "preset")) return anc_config_find(section, dot + 1, err);
    anc_fail(err, ANC_EARGUMENT, "%s: give the preset as --preset", name);
    return -1;
}

/* Whose setting an error of anc_rules_check speaks of: the last of those whose key is named in it. */
static const char *blamed(const anc_config_setting *s, int n, const char *text)
{
    const char *option = NULL;
    for (int i = 0; i < n; i++)
        if (strstr(text, s[i].name)) option = s[i].option;
    return option;
}

anc_status anc_config_apply(const anc_config_setting *s, int n, anc_rules *r, anc_config_given *given,
                            anc_err *err)
{
    const char *by[N_KEYS] = { 0 };
    for (int i = 0; i < n; i++) {
        int k = find_name(s[i].name, err);
        if (k >= 0 && by[k])
            return anc_fail(err, ANC_EARGUMENT, "%s.%s is given twice, by %s and by %s; keep one",
                            keys[k].section, keys[k].key, by[k], s[i].option);
        if (k < 0 || anc_config_set(r, k, s[i].value, err)) return anc_within(err, "%s", s[i].option);
        by[k] = s[i].option;
        given->key[k] = true;
    }
    if (!n || !anc_rules_check(r, err)) return ANC_OK;
    const char *option = blamed(s, n, err->text);
    return option ? anc_within(err, "%s", option) : err->code;
}

/* ---- writing ---- */

/* Of views whose sizes are given these decide nothing, and are not in the configuration. */
static bool lays(const anc_rules *r, int k)
{
    size_t at = keys[k].at;
    return r->view.resize != ANC_RESIZE_LIKE ||
           (at != AT(view.min_size) && at != AT(view.max_size) && at != AT(view.pad));
}

/* What is for the second stage only decides nothing of the first, and is not in its configuration. */
static bool is_roi(int k) { return !strcmp(keys[k].section, "roi"); }

bool anc_config_has(const anc_rules *r, int k)
{
    return lays(r, k) && (!is_roi(k) || r->stage == ANC_STAGE_ROI);
}

void anc_config_real(double x, FILE *to)
{
    char text[40];
    for (int digits = 6; digits <= 17; digits++) {
        snprintf(text, sizeof text, "%.*g", digits, x);
        if (strtod(text, NULL) == x) break;
    }
    fputs(text, to);
}

static void print_reals(const double *x, int n, const char *between, FILE *to)
{
    for (int i = 0; i < n; i++) {
        if (i) fputs(between, to);
        anc_config_real(x[i], to);
    }
}

static int length_of(const anc_rules *r, int k)
{
    int n = keys[k].most;
    if (keys[k].count_at) memcpy(&n, (const char *)r + keys[k].count_at, sizeof n);
    return keys[k].most ? n : 1;
}

static const char *word_of(const anc_rules *r, int k)
{
    int i = r->match.float64;
    if (keys[k].words != iou_words) memcpy(&i, (const char *)r + keys[k].at, sizeof i);
    return keys[k].words == resize_words && i == ANC_RESIZE_LIKE ? "like" : keys[k].words[i];
}

/* A value as text; between and around say how lists, and lists of lists, are set. */
static void print_value(const anc_rules *r, int k, bool json, FILE *to)
{
    const char *at = (const char *)r + keys[k].at, *between = json ? "," : " ";
    bool list = keys[k].kind == INTEGERS || keys[k].kind == REALS || keys[k].kind == SIZES;
    if (list && json) putc('[', to);
    switch (keys[k].kind) {
    case WORD: fprintf(to, json ? "\"%s\"" : "%s", word_of(r, k)); break;
    case YES_NO:
        fputs(json ? *(const bool *)at ? "true" : "false" : *(const bool *)at ? "yes" : "no", to);
        break;
    case INTEGER:
    case INTEGERS:
        for (int i = 0; i < length_of(r, k); i++)
            fprintf(to, "%s%d", i ? between : "", ((const int32_t *)at)[i]);
        break;
    case REAL:
    case REALS: print_reals((const double *)at, length_of(r, k), between, to); break;
    case SIZES:
        for (int l = 0; l < r->anchors.n_levels; l++) {
            fputs(json ? l ? ",[" : "[" : l ? " | " : "", to);
            print_reals(r->anchors.size[l], r->anchors.n_sizes[l], between, to);
            if (json) putc(']', to);
        }
        break;
    }
    if (list && json) putc(']', to);
}

void anc_config_print(const anc_rules *r, FILE *to)
{
    const char *held_to = anc_rules_preset_held_to(r->name);
    fprintf(to, "[preset]\n");
    if (held_to) fprintf(to, "; held to %s\n", held_to);
    fprintf(to, "name = %s\n", r->name);
    for (int k = 0; k < N_KEYS; k++) {
        if (!k || strcmp(keys[k].section, keys[k - 1].section)) fprintf(to, "\n[%s]\n", keys[k].section);
        fprintf(to, "; %s", keys[k].help);
        for (int i = 0; keys[k].kind == WORD && keys[k].words[i]; i++)
            fprintf(to, "%s%s", i ? " | " : ": ", keys[k].words[i]);
        fprintf(to, "\n%s = ", keys[k].key);
        print_value(r, k, false, to);
        putc('\n', to);
    }
}

void anc_config_json(const anc_rules *r, FILE *to)
{
    fprintf(to, "{\"preset\":\"%s\"", r->name);
    for (int k = 0; k < N_KEYS; k++) {
        bool first = !k || strcmp(keys[k].section, keys[k - 1].section);
        if (!anc_config_has(r, k)) continue;
        if (first) fprintf(to, "%s,\"%s\":{", k ? "}" : "", keys[k].section);
        fprintf(to, "%s\"%s\":", first ? "" : ",", keys[k].key);
        print_value(r, k, true, to);
    }
    fputs("}}", to);
}

anc_status anc_config_crowd(const char *text, anc_rules *r, anc_err *err)
{
    for (int i = 0; crowd_words[i]; i++) {
        size_t n = strlen(crowd_words[i]);
        if (strncmp(text, crowd_words[i], n)) continue;
        if (text[n] == '=' && i >= ANC_CROWD_IGNORE) {
            const char *rest = text + n + 1;
            if (!number(&rest, &r->boxes.ignore_iof) || *rest) break;
        } else if (text[n]) {
            break;
        }
        r->boxes.crowd = (anc_crowd_rule)i;
        return ANC_OK;
    }
    return anc_fail(err, ANC_EARGUMENT,
                    "--crowd %s: must be drop, keep, ignore, ignore=SHARE, exclude or exclude=SHARE", text);
}

const char *anc_config_crowd_word(const anc_rules *r) { return crowd_words[r->boxes.crowd]; }

anc_status anc_config_sampler(const char *text, anc_rules *r, anc_err *err)
{
    if (!strcmp(text, "philox"))
        r->sample.rule = ANC_SAMPLER_PHILOX;
    else if (!strcmp(text, "torch"))
        r->sample.rule = !strcmp(r->name, "mmdet-fpn") ? ANC_SAMPLER_TORCH_NEEDED : ANC_SAMPLER_TORCH;
    else
        return anc_fail(err, ANC_EARGUMENT, "--sampler %s: must be philox or torch", text);
    return ANC_OK;
}
