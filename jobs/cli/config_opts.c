/* jobs/cli/config_opts.c: see config_opts.h */
#include "jobs/cli/config_opts.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name, *meta, *key, *roi_key, *help; /* roi_key: of the second stage; NULL: it has none */
} rows[] = {
    { "min-size", "PX", "view.min_size", "view.min_size",
      "wanted short side of a view; of several, as in 640,672,704, one is drawn (view.min_size)" },
    { "max-size", "PX", "view.max_size", "view.max_size", "bound on its long side (view.max_size)" },
    { "strides", "PX,...", "anchors.strides", NULL, "of the levels, one each (anchors.strides)" },
    { "anchor-sizes", "PX,...", "anchors.sizes", NULL,
      "those of a level side by side, levels parted by |, as in '32 | 64 | 128' (anchors.sizes)" },
    { "anchor-ratios", "X,...", "anchors.ratios", NULL,
      "height / width of the anchors, as in 0.5,1,2 (anchors.ratios)" },
    { "positive-iou", "X", "match.positive_iou", "roi.positive_iou",
      "with this much an anchor is positive (match.positive_iou; of --stage roi: roi.positive_iou)" },
    { "negative-iou", "X", "match.negative_iou", "roi.negative_iou_high",
      "with less it is negative (match.negative_iou; of --stage roi: roi.negative_iou_high)" },
    { "batch", "N", "sample.batch", "roi.batch",
      "anchors of each view in its minibatch (sample.batch; of --stage roi: roi.batch)" },
    { "positive-fraction", "X", "sample.positive_fraction", "roi.positive_fraction",
      "at most this share of them positive (sample.positive_fraction; of --stage roi: "
      "roi.positive_fraction)" },
    { "border", "RULE", "anchors.border", NULL,
      "anchors over the image's edge: keep, drop or ignore (anchors.border)" },
};
_Static_assert(sizeof rows / sizeof *rows == ANC_CONFIG_OPTS, "see ANC_CONFIG_OPT_ROWS");

anc_opt anc_config_opt(anc_config_words *w, int i)
{
    return (anc_opt){ rows[i].name, 0, rows[i].meta, ANC_OPT_ONCE, &w->value[i], 0, 0, rows[i].help };
}

anc_opt anc_config_opt_set(anc_config_words *w)
{
    return (anc_opt){ "set",
                      0,
                      "KEY=VALUE",
                      ANC_OPT_LIST,
                      &w->set,
                      0,
                      0,
                      "any key of the configuration file, as in --set match.low_quality=off; may be given "
                      "again; over --config" };
}

enum { WORD = 4096 }; /* as a value in a file may be */

/* "key = value" into two strings without the blanks around them; false: it is not of this form. */
static bool part(const char *text, char key[WORD], char value[WORD])
{
    const char *equals = strchr(text, '=');
    if (!equals) return false;
    const char *from[] = { text, equals + 1 }, *to[] = { equals, equals + strlen(equals) };
    char *out[] = { key, value };
    for (int i = 0; i < 2; i++) {
        while (from[i] < to[i] && strchr(" \t", *from[i])) from[i]++;
        while (to[i] > from[i] && strchr(" \t", to[i][-1])) to[i]--;
        snprintf(out[i], WORD, "%.*s", (int)(to[i] - from[i]), from[i]);
    }
    return true;
}

anc_status anc_config_take(const anc_config_words *w, anc_rules *r, anc_config_given *given, anc_err *err)
{
    enum { MOST = ANC_CONFIG_OPTS + sizeof w->set.item / sizeof *w->set.item };
    anc_config_setting setting[MOST];
    char option[MOST][32], *text = calloc((size_t)w->set.n + 1, 2 * WORD);
    int n = 0;
    if (!text) return anc_fail(err, ANC_EMEMORY, "out of memory");
    for (int i = 0; i < w->set.n && !err->code; i++, n++) {
        char *key = text + (size_t)i * 2 * WORD, *value = key + WORD;
        if (strlen(w->set.item[i]) >= WORD)
            anc_fail(err, ANC_EARGUMENT, "--set %.40s...: is longer than %d bytes", w->set.item[i], WORD - 1);
        else if (!part(w->set.item[i], key, value))
            anc_fail(err, ANC_EARGUMENT,
                     "--set %.80s: must be SECTION.KEY=VALUE, as in --set match.positive_iou=0.6",
                     w->set.item[i]);
        setting[n] = (anc_config_setting){ "--set", key, value };
    }
    for (int i = 0; i < ANC_CONFIG_OPTS && !err->code; i++) {
        if (!w->value[i]) continue;
        const char *key = r->stage == ANC_STAGE_ROI ? rows[i].roi_key : rows[i].key;
        snprintf(option[n], sizeof option[n], "--%s", rows[i].name);
        if (!key) anc_fail(err, ANC_EARGUMENT, "%s is of anchors, for --stage rpn", option[n]);
        setting[n] = (anc_config_setting){ option[n], key, w->value[i] };
        n++;
    }
    if (!err->code) anc_config_apply(setting, n, r, given, err);
    free(text);
    return err->code;
}
