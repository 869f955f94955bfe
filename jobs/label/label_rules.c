/* jobs/label/label_rules.c: see label_rules.h */
#include "jobs/label/label_rules.h"
#include "jobs/cli/choose.h"
#include "jobs/cli/config.h"
#include "jobs/cli/run_folder.h"
#include "jobs/label/label_shard.h"
#include <math.h>
#include <stdio.h>
#include <string.h>

/* What is wrong with --stage and the options that belong to one of them, or NULL. */
static const char *wrong_stage(const anc_label_opts *o)
{
    bool roi = o->stage && !strcmp(o->stage, "roi");
    if (o->stage && !roi && strcmp(o->stage, "rpn")) return "--stage must be rpn or roi";
    if (roi && !o->proposals) return "--stage roi needs --proposals FILE, as `anchorage propose` writes it";
    if (!roi && o->proposals) return "--proposals is for --stage roi; give that, too, or leave it out";
    if (roi && (o->assignment || o->labels))
        return "--assignment and --labels are of anchors, for --stage rpn";
    return NULL;
}

/* The options that stand for keys of the configuration. */
static anc_status take_settings(const anc_label_opts *o, anc_rules *r, anc_config_given *here, anc_err *err)
{
    const struct {
        bool given;
        const char *option, *key;
    } older[] = { { !isnan(o->flip), "--flip", "view.flip" },
                  { o->crowd, "--crowd", "boxes.crowd" },
                  { o->crowd, "--crowd", "boxes.ignore_iof" },
                  { o->sampler, "--sampler", "sample.sampler" } };
    if (anc_config_take(&o->settings, r, here, err)) return err->code;
    for (size_t i = 0; i < sizeof older / sizeof *older; i++)
        if (older[i].given && anc_config_gives(here, older[i].key))
            return anc_fail(err, ANC_EARGUMENT, "%s is given twice, by %s and by --set; keep one",
                            older[i].key, older[i].option);
    return ANC_OK;
}

/* The features of --like place the views: an option that would is refused, one that a file has in passing is
 * said to take no part (*unused). */
static anc_status check_like(const anc_label_opts *o, const anc_config_given *by_option,
                             const anc_config_given *by_file, bool *unused, anc_err *err)
{
    static const char *const key[] = { "view.resize", "view.min_size", "view.max_size", "view.pad" };
    for (size_t i = 0; o->like && i < sizeof key / sizeof *key; i++) {
        if (anc_config_gives(by_option, key[i]))
            return anc_fail(err, ANC_EARGUMENT,
                            "%s and --like exclude each other: %s says how large each view is; leave one out",
                            key[i], o->like);
        *unused = *unused || anc_config_gives(by_file, key[i]);
    }
    return ANC_OK;
}

anc_status anc_label_rules(const anc_label_opts *o, anc_rules *r, bool *unused, anc_err *err)
{
    if (wrong_stage(o)) return anc_fail(err, ANC_EARGUMENT, "%s", wrong_stage(o));
    const anc_rules *preset = anc_choose_preset(o->preset ? o->preset : ANC_DEFAULT_PRESET, err);
    if (!preset) return err->code;
    *r = *preset;
    r->stage = o->proposals ? ANC_STAGE_ROI : ANC_STAGE_RPN;
    anc_config_given by_file = { 0 }, by_option = { 0 };
    if (o->config && anc_config_read_given(o->config, o->preset, r, &by_file, err)) return err->code;
    if (take_settings(o, r, &by_option, err) || check_like(o, &by_option, &by_file, unused, err))
        return err->code;
    if (o->crowd && anc_config_crowd(o->crowd, r, err)) return err->code;
    if (o->sampler && anc_config_sampler(o->sampler, r, err)) return err->code;
    if (!isnan(o->flip)) r->view.flip = o->flip;
    return anc_rules_check(r, err);
}

anc_status anc_label_rules_as_begun(const anc_label_opts *o, anc_rules *r, anc_err *err)
{
    anc_run run;
    anc_label_plan there;
    anc_err ignored = { 0 };
    if (o->like) r->view.resize = ANC_RESIZE_LIKE;
    if (o->restart || !*o->out || !anc_run_folder_began(o->out, &run)) return ANC_OK;
    bool known = !anc_label_plan_read(run.config, &there, &ignored);
    anc_run_clear(&run);
    if (!known) return ANC_OK;
    const anc_rules *began = &there.rules;
    if (o->like && there.like) r->view.resize = began->view.resize;
    const char *former = anc_rules_preset_former(r->name), *now = anc_rules_preset_now(began);
    if (former && !strcmp(former, began->name) && r->view.resize == began->view.resize) {
        snprintf(r->name, sizeof r->name, "%s", began->name);
        return ANC_OK;
    }
    bool asked_by_former = !strcmp(r->name, began->name) && strcmp(r->name, now) != 0 &&
                           r->view.resize == anc_rules_preset(r->name)->view.resize;
    if (!asked_by_former) return ANC_OK;
    return anc_fail(err, ANC_EARGUMENT,
                    "%s: was begun by the rules of preset %s, which %s was called then; go on by --preset %s "
                    "(in a configuration: [preset] name = %s), choose another --output, or give --restart to "
                    "throw it away",
                    o->out, now, began->name, now, now);
}
