/* jobs/cli/config_file.c: see config.h */
#include "jobs/cli/config.h"
#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <yajl/yajl_tree.h>

anc_status anc_config_read(const char *path, const char *preset, anc_rules *r, anc_err *err)
{
    anc_config_given given;
    return anc_config_read_given(path, preset, r, &given, err);
}

anc_status anc_config_read_given(const char *path, const char *preset, anc_rules *r, anc_config_given *given,
                                 anc_err *err)
{
    *given = (anc_config_given){ 0 };
    FILE *file = fopen(path, "r");
    if (!file) return anc_fail(err, ANC_ESYSTEM, "%s: cannot be opened: %s", path, strerror(errno));
    char *text = malloc(ANC_CONFIG_BYTES + 1); /* a byte more than there may be */
    size_t n = text ? fread(text, 1, ANC_CONFIG_BYTES + 1, file) : 0;
    bool unreadable = ferror(file);
    fclose(file);
    if (!text)
        anc_fail(err, ANC_EMEMORY, "%s: out of memory", path);
    else if (unreadable)
        anc_fail(err, ANC_ESYSTEM, "%s: cannot be read; is it a text file?", path);
    else if (!anc_config_text(text, n, preset, r, given, err))
        err->code = ANC_OK;
    else
        anc_within(err, "%s", path);
    free(text);
    return err->code;
}

/* ---- JSON ---- */

/* A JSON value as the text that stands for it in a file. */
static void put_text(yajl_val v, FILE *to)
{
    if (YAJL_IS_STRING(v)) fputs(v->u.string, to);
    if (YAJL_IS_NUMBER(v)) fputs(v->u.number.r, to);
    if (YAJL_IS_TRUE(v) || YAJL_IS_FALSE(v)) fputs(YAJL_IS_TRUE(v) ? "yes" : "no", to);
    for (size_t i = 0; YAJL_IS_ARRAY(v) && i < YAJL_GET_ARRAY(v)->len; i++) {
        yajl_val part = YAJL_GET_ARRAY(v)->values[i];
        if (i) fputs(YAJL_IS_ARRAY(part) ? " | " : " ", to);
        put_text(part, to);
    }
}

static anc_status set_from(yajl_val rules, int k, anc_rules *r, anc_err *err)
{
    const char *section, *key;
    if (!anc_config_key(k, &section, &key)) return ANC_OK;
    yajl_val v = yajl_tree_get(rules, (const char *[]){ section, key, NULL }, yajl_t_any);
    char *text = NULL;
    size_t n;
    if (!v) return anc_fail(err, ANC_EDATA, "rules.%s.%s is missing", section, key);
    if (!strcmp(section, "view") && !strcmp(key, "resize") && YAJL_IS_STRING(v) &&
        !strcmp(v->u.string, "like")) {
        r->view.resize = ANC_RESIZE_LIKE;
        return ANC_OK;
    }
    FILE *to = open_memstream(&text, &n);
    if (!to) return anc_fail(err, ANC_EMEMORY, "out of memory for the rules");
    put_text(v, to);
    fclose(to);
    if (anc_config_set(r, k, text, err)) anc_within(err, "rules");
    free(text);
    return err->code;
}

anc_status anc_config_read_json(const char *json, anc_rules *r, anc_err *err)
{
    err->code = ANC_OK;
    yajl_val tree = yajl_tree_parse(json, NULL, 0);
    yajl_val rules = tree ? yajl_tree_get(tree, (const char *[]){ "rules", NULL }, yajl_t_object) : NULL;
    if (tree && !rules)
        rules = yajl_tree_get(tree, (const char *[]){ "targets", "rules", NULL }, yajl_t_object);
    yajl_val name = rules ? yajl_tree_get(rules, (const char *[]){ "preset", NULL }, yajl_t_string) : NULL;
    const anc_rules *preset = name ? anc_rules_preset(name->u.string) : NULL;
    if (preset) *r = *preset;
    if (preset && yajl_tree_get(rules, (const char *[]){ "roi", NULL }, yajl_t_object))
        r->stage = ANC_STAGE_ROI;
    if (!preset) anc_fail(err, ANC_EDATA, "the configuration names no preset that this version knows");
    const char *section, *key;
    for (int k = 0; !err->code && anc_config_key(k, &section, &key); k++)
        if (anc_config_has(r, k)) set_from(rules, k, r, err);
    yajl_tree_free(tree);
    return err->code ? err->code : anc_rules_check(r, err);
}
