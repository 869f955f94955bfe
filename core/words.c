/* core/words.c: see words.h */
#include "core/words.h"
#include <ctype.h>
#include <stdio.h>
#include <string.h>

enum { WORD_MAX = 63 };

/* The number of letters to insert, delete, replace or swap with their neighbour. */
static int distance(const char *a, const char *b)
{
    int row[3][WORD_MAX + 1];
    int n = (int)strlen(b);
    for (int j = 0; j <= n; j++) row[0][j] = j;
    for (int i = 1; a[i - 1]; i++) {
        int *now = row[i % 3], *last = row[(i + 2) % 3], *before = row[(i + 1) % 3];
        now[0] = i;
        for (int j = 1; j <= n; j++) {
            int d = last[j - 1] + (a[i - 1] != b[j - 1]);
            if (d > last[j] + 1) d = last[j] + 1;
            if (d > now[j - 1] + 1) d = now[j - 1] + 1;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] && d > before[j - 2] + 1)
                d = before[j - 2] + 1;
            now[j] = d;
        }
    }
    return row[strlen(a) % 3][n];
}

const char *anc_nearest(const char *word, const char *const *known, size_t n)
{
    size_t length = strlen(word);
    if (length > WORD_MAX || length < 2) return NULL;
    const char *best = NULL;
    int best_d = 1 + (int)length / 3; /* a word in which more is wrong was not meant */
    for (size_t i = 0; i < n; i++) {
        size_t known_length = strlen(known[i]);
        if (known_length > WORD_MAX) continue;
        size_t more = known_length > length ? known_length - length : 0;
        int d =
            length >= 3 && !strncmp(word, known[i], length) ? 1 : distance(word, known[i]); /* cut short */
        if (length >= 3 && more && known[i][more - 1] == '-' && !strcmp(known[i] + more, word)) d = 2;
        if (d < best_d + !best) best_d = d, best = known[i];
    }
    return best;
}

/* What people call the systems, and how their presets' names begin. */
static const struct {
    const char *called, *begins;
} systems[] = {
    { "d2", "detectron2" },          { "detectron", "detectron2" },  { "tv", "torchvision" },
    { "torch", "torchvision" },      { "pytorch", "torchvision" },   { "mm", "mmdet" },
    { "mmdetection", "mmdet" },      { "mmlab", "mmdet" },           { "frcnn", "faster-rcnn" },
    { "fasterrcnn", "faster-rcnn" }, { "py-faster", "faster-rcnn" }, { "py-faster-rcnn", "faster-rcnn" },
    { "vgg", "faster-rcnn" },        { "vgg16", "faster-rcnn" },     { "mrcnn", "maskrcnn" },
    { "mask-rcnn", "maskrcnn" },     { "maskrcnn", "maskrcnn" },
};

/* A name in small letters and dashes, its system as our presets call it: "D2_C4" is "detectron2-c4". */
static void spell_out(const char *name, char *to, size_t capacity)
{
    char word[64];
    snprintf(word, sizeof word, "%s", name);
    for (char *c = word; *c; c++) *c = *c == '_' || *c == ' ' ? '-' : (char)tolower((unsigned char)*c);
    const char *begins = "", *rest = word;
    size_t longest = 0;
    for (size_t i = 0; i < sizeof systems / sizeof *systems; i++) {
        size_t n = strlen(systems[i].called);
        if (n <= longest || strncmp(word, systems[i].called, n) || (word[n] && word[n] != '-')) continue;
        longest = n;
        begins = systems[i].begins;
        rest = word + n;
    }
    snprintf(to, capacity, "%s%s", begins, rest);
}

/* The preset that a name which is none may stand for, or NULL. */
static const char *nearest_preset(const char *name)
{
    char word[128];
    size_t n = 0;
    spell_out(name, word, sizeof word);
    size_t length = strlen(word), system = strcspn(word, "-");
    if (length < 2) return NULL;
    for (; anc_rules_preset_names[n]; n++)
        if (!strncmp(anc_rules_preset_names[n], word, length)) return anc_rules_preset_names[n];
    const char *near = anc_nearest(word, anc_rules_preset_names, n);
    for (size_t i = 0; !near && i < n; i++)
        if (strstr(anc_rules_preset_names[i], word)) near = anc_rules_preset_names[i];
    for (size_t i = 0; !near && system > 2 && i < n; i++)
        if (!strncmp(anc_rules_preset_names[i], word, system)) near = anc_rules_preset_names[i];
    return near;
}

const anc_rules *anc_choose_preset(const char *name, anc_err *err)
{
    const anc_rules *preset = anc_rules_preset(name);
    if (preset) return preset;
    const char *near = nearest_preset(name);
    anc_fail(err, ANC_EARGUMENT, "no preset is called '%s'%s%s%s; see anchorage presets", name,
             near ? " (did you mean '" : "", near ? near : "", near ? "'?)" : "");
    return NULL;
}
