/* jobs/choose.c: see choose.h */
#include "jobs/choose.h"
#include "jobs/opts.h"
#include <ctype.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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
static void spell_out(const char *name, char *to, size_t room)
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
    snprintf(to, room, "%s%s", begins, rest);
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
    const char *near = anc_opts_nearest(word, anc_rules_preset_names, n);
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

const anc_kernels *anc_choose_kernels(const char *simd, bool *named, anc_err *err)
{
    const char *variable = getenv("ANCHORAGE_SIMD"), *name = simd                    ? simd
                                                             : variable && *variable ? variable
                                                                                     : NULL;
    const anc_kernels *k = anc_kernels_find(name);
    *named = name != NULL;
    if (!k)
        anc_fail(err, ANC_EARGUMENT, "no kernels called '%s' run on this machine; leave %s out", name,
                 simd ? "--simd" : "ANCHORAGE_SIMD");
    return k;
}
