/* tests/unit/test_run_folder.c: the folder of a run: what run.json says, who is refused, what is swept away; time
 * limits */
#include "jobs/cli/config.h"
#include "jobs/label/label_shard.h"
#include "jobs/cli/run_folder.h"
#include "jobs/cli/stop.h"
#include "tests/check.h"
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define RUN(seed) "{\"seed\":" #seed ",\"rules\":{\"view\":{\"min_size\":[800,832],\"flip\":0}}}"

static void differences_are_named(void)
{
    char text[700];
    CU_ASSERT(!anc_run_differs(RUN(1), RUN(1), text, sizeof text));
    CU_ASSERT(anc_run_differs(RUN(1), RUN(2), text, sizeof text));
    CU_ASSERT_STRING_EQUAL(text, "seed is 1 there and 2 here");
    CU_ASSERT(anc_run_differs(
        RUN(1), "{\"seed\":1,\"rules\":{\"view\":{\"min_size\":[800],\"flip\":0},\"new\":true}}", text,
        sizeof text));
    CU_ASSERT_STRING_EQUAL(
        text, "rules.view.min_size is [800 832] there and [800] here, rules.new is nothing there and "
              "true here");
    CU_ASSERT(anc_run_differs("{\"a\":1,\"b\":1,\"c\":1,\"d\":1,\"e\":1,\"f\":1}",
                              "{\"a\":2,\"b\":2,\"c\":2,\"d\":2,\"e\":2,\"f\":2}", text, sizeof text));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "d is 1 there and 2 here, and 2 more"));
    CU_ASSERT(anc_run_differs("not JSON", RUN(1), text, 12)); /* short of room, still a string */
    CU_ASSERT(strlen(text) < 12);
}

static void the_plan_of_every_preset_comes_back_from_its_json(void)
{
    for (size_t i = 0; anc_rules_preset_names[i]; i++) {
        anc_label_plan p = { .rules = *anc_rules_preset(anc_rules_preset_names[i]),
                             .seed = 7,
                             .epochs = 3,
                             .images_per_shard = 64,
                             .labels = true,
                             .n_images = 1000,
                             .n_boxes = 12345,
                             .fingerprint = 0xfedcba9876543210u },
                       q;
        anc_err err = { 0 };
        p.rules.view.flip = 0.1;
        char *text = anc_label_describe(&p), *again = NULL;
        CU_ASSERT_EQUAL(anc_label_plan_read(text, &q, &err), ANC_OK);
        if (err.code) puts(err.text);
        again = anc_label_describe(&q);
        CU_ASSERT_STRING_EQUAL(text, again);
        CU_ASSERT(q.fingerprint == p.fingerprint && q.labels && !q.assignment && anc_label_shards(&q) == 48);
        free(text);
        free(again);
    }
    static const char *const wrong[] = {
        "", "{}", "[]", "{\"seed\":\"x\"}", "{\"seed\":1,\"epochs\":0}", NULL
    };
    for (int i = 0; wrong[i]; i++) {
        anc_label_plan q;
        anc_err err = { 0 };
        CU_ASSERT_EQUAL(anc_label_plan_read(wrong[i], &q, &err), ANC_EDATA);
    }
}

/* By the data set and the options; a run of more ranks asks the same. */
static void shards_grow_where_there_would_be_over_a_thousand(void)
{
    static const struct {
        int64_t images, epochs, wanted, shards;
        bool labels;
    } of[] = {
        { 118287, 1, 2048, 58, false },
        { 118287, 12, 2048, 696, false },
        { 118287, 24, 4096, 696, false },
        { 118287, 50, 8192, 750, false },
        { 118287, 99, 8192, 1485, false },
        { 118287, 24, 2048, 1392, true },
        { 2048 * 1000, 1, 2048, 1000, false },
        { 2048 * 1000 + 1, 1, 4096, 501, false },
        { 0, 1, 2048, 0, false },
        { 10, 5000, 2048, 5000, false },
    };
    for (size_t i = 0; i < sizeof of / sizeof *of; i++) {
        anc_label_plan p = { .n_images = of[i].images, .epochs = of[i].epochs, .labels = of[i].labels };
        p.images_per_shard = anc_label_images_per_shard(&p);
        CU_ASSERT_EQUAL(p.images_per_shard, of[i].wanted);
        CU_ASSERT_EQUAL(anc_label_shards(&p), of[i].shards);
    }
}

static anc_status claim(const char *dir, bool restart, const char *config, anc_err *err)
{
    const anc_run_folder f = { dir, 1, 1, restart, NULL, NULL };
    anc_lock *l = NULL;
    size_t made;
    *err = (anc_err){ 0 };
    if (!anc_run_folder_enter(&f, &l, &made, err)) anc_run_folder_claim(&f, l, config, 9, err);
    anc_run_folder_leave(&f, l, made);
    return err->code;
}

static bool exists(const char *path) { return !access(path, F_OK); }

static void a_folder_is_of_one_run_until_it_is_restarted(void)
{
    const char *dir = check_path("run-folder/deeper");
    anc_err err;
    anc_run r;
    bool there;
    CU_ASSERT_EQUAL(claim(dir, false, RUN(1), &err), ANC_OK);
    CU_ASSERT_EQUAL(anc_run_read(dir, &r, &there, &err), ANC_OK);
    CU_ASSERT(there && r.n_shards == 9 && !strcmp(r.version, ANC_VERSION) && !strcmp(r.config, RUN(1)));
    anc_run_clear(&r);
    CU_ASSERT_EQUAL(claim(dir, false, RUN(1), &err), ANC_OK);
    CU_ASSERT_EQUAL(claim(dir, false, RUN(2), &err), ANC_EARGUMENT);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "holds another run: seed is 1 there and 2 here;"));
    check_file("run-folder/deeper/shard-00001-of-00009.h5", "x", 1);
    check_file("run-folder/deeper/mine.txt", "x", 1);
    CU_ASSERT_EQUAL(claim(dir, true, RUN(2), &err), ANC_OK);
    CU_ASSERT(!exists(check_path("run-folder/deeper/shard-00001-of-00009.h5")));
    CU_ASSERT(exists(check_path("run-folder/deeper/mine.txt")));
    CU_ASSERT_EQUAL(claim(dir, false, RUN(1), &err), ANC_EARGUMENT);
}

static void half_written_files_are_swept_away(void)
{
    const char *dir = check_path("run-sweep");
    anc_err err;
    mkdir(dir, 0777);
    static const char *const gone[] = { "shard-00001-of-00009.h5.part",
                                        "shard-00001-of-00009.h5.1-of-1-abcd.part",
                                        "targets.h5.1-of-1-abcd.part", "run.json.1-of-1-abcd.part" };
    for (int i = 0; i < 4; i++) check_run(NULL, "echo > %s", check_path("run-sweep/%s", gone[i]));
    check_file("run-sweep/other.part", "x", 1);
    CU_ASSERT_EQUAL(claim(dir, false, RUN(1), &err), ANC_OK);
    for (int i = 0; i < 4; i++) CU_ASSERT(!exists(check_path("run-sweep/%s", gone[i])));
    CU_ASSERT(exists(check_path("run-sweep/other.part")));
}

static void any_damage_to_run_json_is_found(void)
{
    const char *dir = check_path("run-json"), *path = check_path("run-json/run.json");
    anc_err err;
    CU_ASSERT_EQUAL(claim(dir, false, RUN(1), &err), ANC_OK);
    size_t n;
    char *bytes = check_slurp(path, &n);
    for (size_t i = 0; i < 2 * n; i++) { /* one bit wrong, or cut off */
        anc_run r;
        bool there;
        char *copy = malloc(n);
        memcpy(copy, bytes, n);
        copy[i % n] ^= (char)(1 << (i % 8));
        check_file("run-json/run.json", copy, i < n ? n : i - n);
        CU_ASSERT_EQUAL(anc_run_read(dir, &r, &there, &err), ANC_EDATA);
        anc_run_clear(&r);
        free(copy);
    }
    free(bytes);
}

static void a_signal_or_a_time_limit_asks_to_stop(void)
{
    anc_err err = { 0 };
    static const char *const wrong[] = { "", "x", "-1", "5x", "1:2:3:4", "1:2m", "10 ", "1:", NULL };
    for (int i = 0; wrong[i]; i++) CU_ASSERT_EQUAL(anc_stop_listen(wrong[i], &err), ANC_EARGUMENT);
    static const char *const far[] = { "90", "90s", "15m", "2h", "0.5h", "15:00", "1:30:00", NULL };
    for (int i = 0; far[i]; i++) {
        CU_ASSERT_EQUAL(anc_stop_listen(far[i], &err), ANC_OK);
        CU_ASSERT(!anc_stop_wanted() && !anc_stop_reason());
    }
    CU_ASSERT_EQUAL(anc_stop_listen("0.02s", &err), ANC_OK);
    usleep(30000);
    CU_ASSERT(anc_stop_wanted());
    CU_ASSERT_STRING_EQUAL(anc_stop_reason(), "--time-limit");
    raise(SIGUSR1);
    CU_ASSERT(anc_stop_wanted());
    CU_ASSERT_STRING_EQUAL(anc_stop_reason(), "SIGUSR1");
    signal(SIGTERM, SIG_DFL);
    signal(SIGINT, SIG_DFL);
    signal(SIGUSR1, SIG_DFL);
}

CHECK_SUITE("run_folder", CHECK(differences_are_named),
            CHECK(the_plan_of_every_preset_comes_back_from_its_json),
            CHECK(shards_grow_where_there_would_be_over_a_thousand),
            CHECK(a_folder_is_of_one_run_until_it_is_restarted), CHECK(half_written_files_are_swept_away),
            CHECK(any_damage_to_run_json_is_found), CHECK(a_signal_or_a_time_limit_asks_to_stop));
