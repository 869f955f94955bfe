/* tests/e2e/e2e_train.c: `anchorage train` through the real binary: the same bits whatever the ranks, the
 * storage, the stops */
#include "tests/check.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PYTHON  "/usr/bin/python3"
#define OPTIONS "--steps 100 --batch 6 --lr 0.05 --checkpoint-every 40 -q"

/* Features of 24 scenes, and their targets of two epochs, made once. */
static const char *scenes(void)
{
    static const char *dir;
    if (dir) return dir;
    dir = check_path("scenes");
    static const char ini[] = "[preset]\nname = torchvision-fpn\n[anchors]\nstrides = 8 16\nsizes = 24 48 | "
                              "64 128\n[sample]\nbatch = 64\n";
    const char *config = check_file("scenes.ini", ini, sizeof ini - 1);
    char *text = NULL;
    int code = check_run(
        &text,
        "%s synth -q -o %s --scenes 24 --width 120-200 --height 100-160 --boxes 1-6 --seed 3 && " PYTHON
        " tests/python/make_features.py %s/annotations.json %s/f.h5 && "
        "%s label -q %s/annotations.json -o %s/targets --config %s --like %s/f.h5 --epochs 2",
        ANC_BINARY, dir, dir, dir, ANC_BINARY, dir, dir, config, dir);
    if (code) puts(text);
    free(text);
    CU_ASSERT_EQUAL_FATAL(code, 0);
    return dir;
}

/* Trains into NAME.h5 and returns the exit code; how: what stands before the program. */
static int train(char **output, const char *how, const char *features, const char *name, const char *options)
{
    return check_run(output, "%s timeout -k 10 100 %s train %s/targets %s/%s -o %s/%s.h5 %s", how, ANC_BINARY,
                     scenes(), scenes(), features, scenes(), name, options);
}

/* The head that one rank trains without a stop, made once. */
static const char *whole(void)
{
    static const char *path;
    if (path) return path;
    path = check_path("scenes/whole.h5");
    CU_ASSERT_EQUAL_FATAL(train(NULL, "", "f.h5", "whole", OPTIONS), 0);
    return path;
}

static void same_as_whole(const char *name)
{
    size_t n, m;
    char *one = check_slurp(whole(), &n), *other = check_slurp(check_path("scenes/%s.h5", name), &m);
    CU_ASSERT(one && other && n == m && !memcmp(one, other, n));
    free(one);
    free(other);
}

static void any_number_of_ranks_trains_the_same_bits(void)
{
    for (int n = 1; n <= 4; n++) {
        char how[32], name[16];
        snprintf(how, sizeof how, "mpirun -n %d", n);
        snprintf(name, sizeof name, "ranks%d", n);
        CU_ASSERT_EQUAL(train(NULL, how, "f.h5", name, OPTIONS), 0);
        same_as_whole(name);
    }
}

static void a_run_goes_on_as_if_it_had_never_stopped(void)
{
    CU_ASSERT_EQUAL(train(NULL, "", "f.h5", "parts", OPTIONS " --stop-at 50"), 75);
    CU_ASSERT_EQUAL(train(NULL, "mpirun -n 2", "f.h5", "parts", OPTIONS), 0);
    same_as_whole("parts");
    char *text = NULL; /* and once it is done, there is nothing left to do */
    CU_ASSERT_EQUAL(train(&text, "", "f.h5", "parts", "--steps 100 --batch 6 --lr 0.05"), 0);
    CU_ASSERT(strstr(text, "is finished, after all of its 100 steps: nothing to do") != NULL);
    free(text);
    same_as_whole("parts");
}

static void a_signal_saves_and_the_same_command_goes_on(void)
{
    char *text = NULL;
    int code = check_run(&text,
                         "%s train %s/targets %s/f.h5 -o %s/signal.h5 --steps 200000 --batch 6 --lr 0.05 -q "
                         "--checkpoint-every 0 & "
                         "sleep 0.7; kill -TERM $!; wait $!; code=$?; " PYTHON " -c \"import h5py; "
                         "f = h5py.File('%s/signal.h5'); print(0 < f.attrs['step'] == len(f['history/step']) "
                         "< 200000)\"; exit $code",
                         ANC_BINARY, scenes(), scenes(), scenes(), scenes());
    CU_ASSERT_EQUAL(code, 75);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "True"));
    free(text);
}

static void a_time_limit_saves_too(void)
{
    char *text = NULL;
    CU_ASSERT_EQUAL(
        train(&text, "mpirun -n 2", "f.h5", "limit", "--steps 2000000 --batch 6 -q --time-limit 1s"), 75);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "train: stopped by --time-limit after step "));
    free(text);
    CU_ASSERT_EQUAL(train(&text, "", "f.h5", "limit", "--steps 2000000 --batch 6 -q --time-limit soon"), 2);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "--time-limit soon: must be a time"));
    free(text);
}

/* The second is refused while the first works; once that is killed, the lock that it leaves stops nobody, and
 * the run goes on from its last checkpoint. */
static void one_run_at_a_time_writes_a_head(void)
{
    char *text = NULL;
    const char *d = scenes();
    int code = check_run(
        &text,
        "%s train %s/targets %s/f.h5 -o %s/held.h5 --steps 200000 --batch 6 -q --checkpoint-every 10 & "
        "first=$!; "
        "until [ -e %s/held.h5 ]; do sleep 0.05; done; "
        "%s train %s/targets %s/f.h5 -o %s/held.h5 --steps 200000 --batch 6 -q; echo second $?; "
        "%s train %s/targets %s/f.h5 -o %s/free.h5 --steps 10 --batch 6 -q; echo beside $?; "
        "kill -9 $first; wait $first; ls %s/held.h5.lock.*; "
        "%s train %s/targets %s/f.h5 -o %s/held.h5 --steps 200000 --batch 6 --checkpoint-every 10 "
        "--time-limit 0.1; "
        "echo third $?; ls %s/held.h5.*",
        ANC_BINARY, d, d, d, d, ANC_BINARY, d, d, d, ANC_BINARY, d, d, d, d, ANC_BINARY, d, d, d, d);
    CU_ASSERT_NOT_EQUAL(code, 0); /* nothing is left but the head */
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "held.h5: in use by process "));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "second 1\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "beside 0\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "held.h5.lock.1-of-1.0\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "train: goes on after step "));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "third 75\n"));
    free(text);
}

static void storage_and_kernels_do_not_change_the_bits(void)
{
    static const char *const words[] = { "packed", "float32", "reversed", "packed float32 reversed" };
    for (int i = 0; i < 4; i++) {
        char features[16], name[16];
        snprintf(features, sizeof features, "s%d.h5", i);
        snprintf(name, sizeof name, "storage%d", i);
        CU_ASSERT_EQUAL(check_run(NULL, PYTHON " tests/python/make_features.py %s/annotations.json %s/%s %s",
                                  scenes(), scenes(), features, words[i]),
                        0);
        CU_ASSERT_EQUAL(train(NULL, "", features, name, OPTIONS), 0);
        same_as_whole(name);
    }
    CU_ASSERT_EQUAL(train(NULL, "ANCHORAGE_SIMD=scalar", "f.h5", "scalar", OPTIONS), 0);
    same_as_whole("scalar");
}

static void the_head_learns_and_reads_as_torchvisions(void)
{
    char *text = NULL;
    whole();
    int code = check_run(
        &text,
        PYTHON
        " -c \"import h5py; f = h5py.File('%s'); "
        "print({k: v.shape for k, v in f.items() if k.startswith('head.')}); h = f['history/step'][:, 1]; "
        "print(h[:5].mean() > 1.2 * h[-10:].mean(), f.attrs['step'], f['anchors/level1'].attrs['stride'])\"",
        whole());
    CU_ASSERT_EQUAL(code, 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "'head.conv.0.0.weight': (16, 16, 3, 3)"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "'head.cls_logits.weight': (6, 16, 1, 1)"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "'head.bbox_pred.bias': (24,)"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "True 100 16"));
    free(text);
}

static void float_sums_come_near(void)
{
    char *text = NULL;
    CU_ASSERT_EQUAL(train(NULL, "mpirun -n 3", "f.h5", "float", OPTIONS " --reduce float"), 0);
    int code = check_run(
        &text,
        PYTHON " -c \"import h5py, numpy as np; a, b = (h5py.File(p) for p in ('%s', '%s/float.h5')); "
               "print(max(np.abs(a[k][:] - b[k][:]).max() for k in a if k.startswith('head.')) < 1e-4)\"",
        whole(), scenes());
    CU_ASSERT_EQUAL(code, 0);
    CU_ASSERT_STRING_EQUAL(text, "True\n");
    free(text);
}

static void options_reach_the_trainer(void)
{
    char *text = NULL;
    int code = train(&text, "", "f.h5", "options",
                     "--epochs 6 --batch 5 --schedule cosine --clip 0.05 --normaliser constant --per-image "
                     "64 --beta 0 --warm-up 4 "
                     "--keep 2 --checkpoint-every 5 --log options.csv --summary-json options.json --quiet");
    CU_ASSERT_EQUAL(code, 0);
    CU_ASSERT_STRING_EQUAL(text, "");
    free(text);
    /* 24 views make 4 whole batches of 5: 6 epochs have 24 steps */
    code = check_run(
        &text,
        "wc -l < options.csv; sed -n 2p options.csv | cut -d, -f2; " PYTHON
        " -c \"import json; d = json.load(open("
        "'options.json')); print(d['step'], d['config']['normaliser'], d['config']['targets']['command'])\"; "
        "rm -f options.csv options.json; cd %s; ls options*",
        scenes());
    CU_ASSERT_EQUAL(code, 0);
    CU_ASSERT_STRING_EQUAL(
        text, "25\n0.005\n24 constant label\noptions-00000020.h5\noptions-00000024.h5\noptions.h5\n");
    if (strncmp(text, "25\n", 3)) puts(text);
    free(text);
    CU_ASSERT_EQUAL(
        train(NULL, "", "f.h5", "tuned", "-q --steps 1 --warm-up 0 --lr 0 --batch 6 --init $PWD/none.h5"), 1);
    char tune[512]; /* a step of rate 0 leaves what it started from */
    snprintf(tune, sizeof tune, "-q --steps 1 --warm-up 0 --lr 0 --batch 6 --init %s", whole());
    CU_ASSERT_EQUAL(train(NULL, "", "f.h5", "tuned", tune), 0);
    code = check_run(&text,
                     PYTHON " -c \"import h5py; a, b = (h5py.File(p) for p in ('%s', '%s/tuned.h5')); "
                            "print(all((a[k][:] == b[k][:]).all() for k in a if k.startswith('head.')))\"",
                     whole(), scenes());
    CU_ASSERT_STRING_EQUAL(text, "True\n");
    free(text);
}

/* The first of the two epochs once more, made once. */
static void validation_targets(void)
{
    static int made;
    if (made++) return;
    CU_ASSERT_EQUAL_FATAL(check_run(NULL,
                                    "%s label -q %s/annotations.json -o %s/val --config %s --like %s/f.h5",
                                    ANC_BINARY, scenes(), scenes(), check_path("scenes.ini"), scenes()),
                          0);
}

/* Same images, same grids, other values: a run does not go on with them. */
static void features_of_another_backbone_are_another_run(void)
{
    char *text = NULL;
    CU_ASSERT_EQUAL(check_run(NULL,
                              "cd %s && cp f.h5 other-backbone.h5 && " PYTHON
                              " -c \"import h5py; f = h5py.File('other-backbone.h5', "
                              "'r+'); f['level1/feature'][:] = f['level1/feature'][:] * 2\"",
                              scenes()),
                    0);
    CU_ASSERT_EQUAL(train(NULL, "", "f.h5", "backbone", OPTIONS " --stop-at 5"), 75);
    CU_ASSERT_EQUAL(train(&text, "mpirun -n 2", "other-backbone.h5", "backbone", OPTIONS), 2);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "backbone.h5: is of another run: features.mark is "));
    free(text);
    CU_ASSERT_EQUAL(train(NULL, "", "f.h5", "backbone", OPTIONS), 0);
    same_as_whole("backbone");
}

/* A file that claims more steps than the run has is not gone on from. */
static void a_head_beyond_the_end_of_its_run_is_refused(void)
{
    char *text = NULL;
    CU_ASSERT_EQUAL(
        check_run(
            NULL,
            "cp %s %s/beyond.h5 && " PYTHON
            " -c \"import h5py, numpy as np; f = h5py.File('%s/beyond.h5', 'r+'); "
            "h = f['history/step'][:]; del f['history/step']; f['history/step'] = np.concatenate([h, h]); "
            "f.attrs['step'] = 200\"",
            whole(), scenes(), scenes()),
        0);
    CU_ASSERT_EQUAL(train(&text, "mpirun -n 2", "f.h5", "beyond", OPTIONS), 1);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "beyond.h5: is at step 200 of 100, which cannot be"));
    free(text);
}

static void a_stop_leaves_no_more_checkpoints_than_are_kept(void)
{
    char *text = NULL;
    CU_ASSERT_EQUAL(train(NULL, "", "f.h5", "kept",
                          "-q --steps 60 --batch 6 --checkpoint-every 20 --keep 2 --stop-at 33"),
                    75);
    CU_ASSERT_EQUAL(train(NULL, "", "f.h5", "kept",
                          "-q --steps 60 --batch 6 --checkpoint-every 20 --keep 2 --stop-at 47"),
                    75);
    CU_ASSERT_EQUAL(train(NULL, "", "f.h5", "kept", "-q --steps 60 --batch 6 --checkpoint-every 20 --keep 2"),
                    0);
    CU_ASSERT_EQUAL(check_run(&text, "cd %s && ls kept*", scenes()), 0);
    CU_ASSERT_STRING_EQUAL(text, "kept-00000040.h5\nkept-00000060.h5\nkept.h5\n");
    free(text);
}

static void only_a_head_is_written_over(void)
{
    char *text = NULL;
    CU_ASSERT_EQUAL(check_run(NULL, "cp %s/targets/targets.h5 %s/index.h5", scenes(), scenes()), 0);
    CU_ASSERT_EQUAL(train(&text, "", "f.h5", "index", OPTIONS " --overwrite"), 2);
    CU_ASSERT_PTR_NOT_NULL(
        strstr(text, "index.h5: holds 'anchorage-targets', so it is not replaced; choose another --output"));
    free(text);
    CU_ASSERT_EQUAL(check_run(NULL, "cmp %s/targets/targets.h5 %s/index.h5", scenes(), scenes()), 0);
    CU_ASSERT_EQUAL(check_run(NULL, "cd %s && echo notes > notes.h5 && : > empty.h5", scenes()), 0);
    CU_ASSERT_EQUAL(train(&text, "", "f.h5", "notes", OPTIONS " --overwrite"), 2);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "notes.h5: is there and is no HDF5 file, so it is not replaced"));
    free(text);
    CU_ASSERT_EQUAL(check_run(NULL, "cd %s && test \"$(cat notes.h5)\" = notes", scenes()), 0);
    CU_ASSERT_EQUAL(train(NULL, "", "f.h5", "empty", OPTIONS), 0); /* as a job's script may have made it */
    CU_ASSERT_EQUAL(check_run(NULL, "cmp %s %s/empty.h5", whole(), scenes()), 0);
    char options[400];
    snprintf(options, sizeof options, "-q --steps 1 --batch 6 --overwrite --init %s/empty.h5", scenes());
    CU_ASSERT_EQUAL(train(&text, "", "f.h5", "empty", options), 2);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "empty.h5: the run reads this file; choose another name"));
    free(text);
    CU_ASSERT_EQUAL(check_run(NULL, "cmp %s %s/empty.h5", whole(), scenes()), 0);
    CU_ASSERT_EQUAL(
        check_run(NULL,
                  "/usr/bin/python3 -c 'import h5py, sys; h5py.File(sys.argv[1], \"w\")[\"mine\"] = 1' "
                  "%s/mine.h5",
                  scenes()),
        0);
    CU_ASSERT_EQUAL(train(&text, "", "f.h5", "mine", OPTIONS " --overwrite"), 2);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "mine.h5: is another program's HDF5 file, so it is not replaced"));
    free(text);
    CU_ASSERT_EQUAL(check_run(NULL, "cp %s %s/fine-00000040.h5", whole(), scenes()), 0);
    snprintf(options, sizeof options, OPTIONS " --keep 2 --init %s/../scenes/fine-00000040.h5", scenes());
    CU_ASSERT_EQUAL(train(&text, "", "f.h5", "fine", options), 2);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "is a name that --keep gives to checkpoints of"));
    free(text);
    CU_ASSERT_EQUAL(train(&text, "", "f.h5", "fine", "-q --untrained --keep 1"), 0);
    free(text);
    CU_ASSERT_EQUAL(check_run(NULL, "cmp %s/fine.h5 %s/fine-00000000.h5", scenes(), scenes()), 0);
}

/* Another writer's targets, whose configuration has other anchors than their tables. */
static void anchors_that_contradict_each_other_are_refused(void)
{
    char *text = NULL, options[1200];
    CU_ASSERT_EQUAL(
        check_run(NULL,
                  "cd %s && rm -rf odd && cp -r targets odd && /usr/bin/python3 -c 'import h5py, json\n"
                  "for p in __import__(\"glob\").glob(\"odd/*.h5\"):\n"
                  "    f = h5py.File(p, \"r+\"); c = json.loads(f.attrs[\"config\"])\n"
                  "    c[\"rules\"][\"anchors\"][\"ratios\"] = [1.0]\n"
                  "    del f.attrs[\"config\"]; f.attrs[\"config\"] = json.dumps(c)'",
                  scenes()),
        0);
    snprintf(options, sizeof options,
             "-q --steps 1 --batch 6 --val-targets %s/odd --val-features %s/f.h5 --val-annotations "
             "%s/annotations.json",
             scenes(), scenes(), scenes());
    CU_ASSERT_EQUAL(train(&text, "mpirun -n 2", "f.h5", "never", options), 1);
    if (!strstr(text, "anchors a position, level 0 of the configuration has 2")) puts(text);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "anchors a position, level 0 of the configuration has 2"));
    free(text);
}

static void a_dry_run_checks_everything_and_writes_nothing(void)
{
    static const char all[] = OPTIONS " --checkpoint-every 1 --log dry.csv --summary-json dry.json --dry-run";
    char *text = NULL;
    CU_ASSERT_EQUAL(train(&text, "mpirun -n 2", "f.h5", "dry", all), 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "train: dry run: would take "));
    free(text);
    CU_ASSERT_EQUAL(train(&text, "", "none.h5", "dry", all), 1);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "none.h5: cannot open"));
    free(text);
    CU_ASSERT_EQUAL(train(&text, "", "f.h5", "none/dry", all), 1);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "none: cannot be written to: No such file"));
    free(text);
    CU_ASSERT_EQUAL(check_run(NULL, "! ls dry.* %s/dry*", scenes()), 0);
    whole();
    CU_ASSERT_EQUAL(train(&text, "", "f.h5", "whole", OPTIONS " --dry-run"), 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "whole.h5 is at step 100"));
    free(text);
}

/* A step of rate 0 over all views leaves the head as it was, and so has the loss of a validation on the same
 * ones. */
static void validation_loss_is_that_of_one_large_batch(void)
{
    char *text = NULL, options[1024];
    validation_targets();
    for (int n = 1; n <= 3; n += 2) {
        char how[32], name[16];
        snprintf(how, sizeof how, "mpirun -n %d", n);
        snprintf(name, sizeof name, "val%d", n);
        snprintf(
            options, sizeof options,
            "--steps 2 --warm-up 0 --lr 0 --batch 24 --init %s --val-targets %s/val --val-features %s/f.h5 "
            "--validate-every 1 --log %s/val%d.csv",
            whole(), scenes(), scenes(), scenes(), n);
        CU_ASSERT_EQUAL(train(&text, how, "f.h5", name, options), 0);
        CU_ASSERT_PTR_NOT_NULL(strstr(text, "train: after step 1  validation loss "));
        free(text);
        CU_ASSERT_EQUAL(
            check_run(&text,
                      "awk -F, 'NR == 2 { print ($3 == $6 && $4 == $7 && $3 > 0 && $4 > 0) }' %s/val%d.csv",
                      scenes(), n),
            0);
        CU_ASSERT_STRING_EQUAL(text, "1\n");
        free(text);
    }
    CU_ASSERT_EQUAL(check_run(NULL, "cmp %s/val1.h5 %s/val3.h5 && cmp %s/val1.csv %s/val3.csv", scenes(),
                              scenes(), scenes(), scenes()),
                    0);
    CU_ASSERT_EQUAL(train(&text, "", "f.h5", "val4", "--val-features f.h5"), 2);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "--val-targets and --val-features go together"));
    free(text);
}

/* What is logged is what `propose` and `evaluate` give for the head that is written. */
static void validation_recall_is_that_of_the_proposals(void)
{
    char *text = NULL, options[1024];
    const char *d = scenes();
    validation_targets();
    for (int n = 1; n <= 2; n++) {
        char how[32], name[16];
        snprintf(how, sizeof how, "mpirun -n %d", n);
        snprintf(name, sizeof name, "recall%d", n);
        snprintf(options, sizeof options,
                 "-q --steps 40 --batch 6 --val-targets %s/val --val-features %s/f.h5 --val-annotations "
                 "%s/annotations.json --log %s/recall%d.csv",
                 d, d, d, d, n);
        CU_ASSERT_EQUAL(train(NULL, how, "f.h5", name, options), 0);
    }
    CU_ASSERT_EQUAL(check_run(NULL, "cmp %s/recall1.h5 %s/recall2.h5", d, d), 0);
    int code =
        check_run(&text,
                  "cd %s && %s propose -q recall1.h5 f.h5 -o recall-p.h5 && %s evaluate -q recall-p.h5 "
                  "annotations.json "
                  "--top 100 --json recall.json >/dev/null && " PYTHON
                  " -c \"import json; r = json.load(open('recall.json'))['sizes'][0]['average_recall'][0]; "
                  "l = float(open('recall1.csv').read().split()[-1].split(',')[-1]); print(0.02 < r < 1, "
                  "abs(l - r) < 1e-8)\"",
                  d, ANC_BINARY, ANC_BINARY);
    CU_ASSERT_EQUAL(code, 0);
    CU_ASSERT_STRING_EQUAL(text, "True True\n");
    free(text);
    CU_ASSERT_EQUAL(train(&text, "", "f.h5", "recall3", "--val-annotations x.json"), 2);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "--val-annotations goes with --val-targets and --val-features"));
    free(text);
}

/* One line that says so, and no head. */
static void refused(int code, const char *how, const char *features, const char *options, const char *says)
{
    char *text = NULL;
    CU_ASSERT_EQUAL(train(&text, how, features, "refused", options), code);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, says));
    if (!strstr(text, says)) puts(text);
    const char *first = strstr(text, "anchorage: train: ");
    CU_ASSERT(first && !strstr(first + 1, "anchorage: train: "));
    free(text);
    CU_ASSERT_EQUAL(access(check_path("scenes/refused.h5"), F_OK), -1);
}

static void the_features_are_not_written_over(void)
{
    char *text = NULL;
    CU_ASSERT_EQUAL(check_run(NULL, "cp %s/f.h5 %s/spared.h5", scenes(), scenes()), 0);
    CU_ASSERT_EQUAL(train(&text, "", "spared.h5", "spared", "-q --steps 1 --batch 6 --overwrite"), 2);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "the run reads this file; choose another name"));
    free(text);
    CU_ASSERT_EQUAL(check_run(NULL, "cmp %s/f.h5 %s/spared.h5", scenes(), scenes()), 0);
}

static void what_does_not_fit_is_said_before_the_first_step(void)
{
    static const struct {
        const char *word, *says;
    } faults[] = {
        { "size", "the features are of another size" },
        { "grid", "the features have other grids" },
        { "stride", "level 0 has stride 8, that of" },
        { "missing", "there are no features of it" },
        { "channels", "all levels must have as many" },
        { "offset", "/level0/offset goes from 1" },
        { "nan", "step 1: image 1: the gradient of head.conv.0.0.weight is not a number" },
    };
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        char features[16];
        snprintf(features, sizeof features, "bad%zu.h5", i);
        CU_ASSERT_EQUAL(check_run(NULL, PYTHON " tests/python/make_features.py %s/annotations.json %s/%s %s",
                                  scenes(), scenes(), features, faults[i].word),
                        0);
        refused(1, "", features, "-q --batch 24", faults[i].says);
    }
    refused(1, "", "targets/targets.h5", "-q", "holds 'anchorage-targets', not 'anchorage-features'");
    refused(2, "", "f.h5", "--batch 25", "no epoch of");
    refused(2, "", "f.h5", "--milestones 5,3", "--milestones 5,3: must be at most 32 ascending steps");
    refused(2, "", "f.h5", "--normaliser mean", "must be sampled, constant or image");
    refused(2, "", "f.h5", "--log refused.h5 --summary-json refused.h5",
            "--summary-json refused.h5: the run reads or writes");
    refused(2, "", "f.h5", "--lr x", "--lr: 'x' is not a number");
    refused(1, "", "f.h5", "-q --lr 1e6 --warm-up 0 --batch 24", "lower");
}

static void a_team_says_once_which_image_is_no_number(void)
{
    CU_ASSERT_EQUAL(check_run(NULL, PYTHON " tests/python/make_features.py %s/annotations.json %s/nan.h5 nan",
                              scenes(), scenes()),
                    0);
    refused(1, "mpirun -n 3", "nan.h5", "-q --batch 24",
            "image 1: the gradient of head.conv.0.0.weight is not a number");
}

static void the_output_of_another_run_is_not_touched(void)
{
    char *text = NULL;
    CU_ASSERT_EQUAL(check_run(NULL, "cp %s %s/other.h5", whole(), scenes()), 0);
    CU_ASSERT_EQUAL(train(&text, "", "f.h5", "other", "--steps 100 --batch 6 --lr 0.1 -q"), 2);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "other.h5: is of another run: lr is "));
    free(text);
    same_as_whole("other");
    CU_ASSERT_EQUAL(train(NULL, "", "f.h5", "other", OPTIONS " --overwrite"), 0);
    same_as_whole("other");
}

static void labels_like_features_stand_on_their_grids(void)
{
    char *text = NULL;
    int code = check_run(
        &text,
        PYTHON
        " -c \"import h5py, numpy as np; t = h5py.File('%s/targets/targets.h5'); f = h5py.File('%s/f.h5'); "
        "print(all((t['views/' + k][:24] == f['images/' + k][:]).all() for k in ('size', 'padded_size')), "
        "all((t['views/grid'][24:, l] == f['level%%d/grid' %% l][:]).all() for l in (0, 1)))\"",
        scenes(), scenes());
    CU_ASSERT_EQUAL(code, 0);
    CU_ASSERT_STRING_EQUAL(text, "True True\n");
    free(text);
    static const struct {
        const char *options, *says;
        int code;
    } wrong[] = {
        { "--preset torchvision-fpn", "has 2 levels, preset torchvision-fpn 5", 2 },
        { "--config %s --flip 0.5", "--like and a flip exclude each other", 2 },
        { "--config %s --min-size 400", "view.min_size and --like exclude each other: ", 2 },
        { "--config %s --set view.resize=none", "view.resize and --like exclude each other: ", 2 },
    };
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char options[512];
        snprintf(options, sizeof options, wrong[i].options, check_path("scenes.ini"));
        code = check_run(&text, "%s label %s/annotations.json -o %s/wrong --like %s/f.h5 %s", ANC_BINARY,
                         scenes(), scenes(), scenes(), options);
        CU_ASSERT_EQUAL(code, wrong[i].code);
        CU_ASSERT_PTR_NOT_NULL(strstr(text, wrong[i].says));
        free(text);
    }
}

/* Labels the scenes on their features into OUT; the exit code. */
static int label_like(char **output, const char *out, const char *options)
{
    return check_run(output, "%s label %s/annotations.json -o %s --like %s/f.h5 --config %s %s", ANC_BINARY,
                     scenes(), out, scenes(), check_path("scenes.ini"), options);
}

static void what_lays_views_like_features_is_recorded_as_that(void)
{
    char *text = NULL, options[600];
    const char full[] = "[view]\nresize = torchvision\nmin_size = 640\nmax_size = 900\npad = 0\n[anchors]\n"
                        "strides = 8 16\nsizes = 24 48 | 64 128\n";
    snprintf(options, sizeof options, "--config %s", check_file("full.ini", full, strlen(full)));
    CU_ASSERT_EQUAL(label_like(&text, check_path("scenes/full"), options), 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "/f.h5\n"));
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "full.ini take no part: --like places the views"));
    free(text);
    CU_ASSERT_EQUAL(check_run(&text, "%s inspect --config %s/full", ANC_BINARY, scenes()), 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "\"view\":{\"resize\":\"like\",\"flip\":0}"));
    free(text);
    const char *const again[] = { "label -q %s/annotations.json -o %s/full --like %s/f.h5 --config %s",
                                  "verify -q %s/full --recompute %s/annotations.json --like %s/f.h5" };
    char command[2][2000];
    snprintf(command[0], 2000, again[0], scenes(), scenes(), scenes(), check_path("full.ini"));
    snprintf(command[1], 2000, again[1], scenes(), scenes(), scenes());
    for (int i = 0; i < 2; i++) {
        CU_ASSERT_EQUAL(check_run(&text, "%s %s", ANC_BINARY, command[i]), 0);
        CU_ASSERT_STRING_EQUAL(text, "");
        free(text);
    }
}

/* Earlier versions recorded the preset's rule: their folders are gone on with as they are. */
static void a_run_that_recorded_the_preset_s_sizes_goes_on(void)
{
    const char *old = check_path("scenes/old");
    const char *make =
        "import json, os, zlib; os.mkdir('%s'); r = json.loads(open('%s/targets/run.json').read()); "
        "c = r['config']; v = c['rules']['view']; f = v.pop('flip'); c['epochs'] = 1; "
        "v.update(resize='torchvision', min_size=[800], max_size=1333, pad=32, flip=f); "
        "r['shards'] = 1; del r['crc32']; t = json.dumps(r, separators=(',', ':'))[:-1]; "
        "open('%s/run.json', 'w').write(t + ',\"crc32\":\"%%08x\"}\\n' %% zlib.crc32(t.encode()))";
    char script[3000], *text = NULL, *before, *after;
    snprintf(script, sizeof script, make, old, scenes(), old);
    CU_ASSERT_EQUAL_FATAL(check_run(NULL, PYTHON " %s", check_file("old.py", script, strlen(script))), 0);
    before = check_slurp(check_path("scenes/old/run.json"), NULL);
    CU_ASSERT_EQUAL(label_like(&text, old, "-q"), 0);
    if (*text) puts(text);
    free(text);
    after = check_slurp(check_path("scenes/old/run.json"), NULL);
    CU_ASSERT_STRING_EQUAL(before, after);
    free(before);
    free(after);
    CU_ASSERT_EQUAL(check_run(&text, "%s inspect --config %s", ANC_BINARY, old), 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "\"resize\":\"torchvision\",\"min_size\":[800]"));
    free(text);
    CU_ASSERT_EQUAL(check_run(NULL, "%s verify %s --recompute %s/annotations.json --like %s/f.h5", ANC_BINARY,
                              old, scenes(), scenes()),
                    0);
    CU_ASSERT_EQUAL(label_like(&text, old, "-q --restart"),
                    0); /* and one that begins anew is recorded right */
    free(text);
    CU_ASSERT_EQUAL(check_run(NULL, "%s inspect --config %s | grep -q resize.:.like", ANC_BINARY, old), 0);
}

static void a_finished_run_says_so_and_changes_nothing(void)
{
    char *text = NULL;
    const char *done = check_path("scenes/done.h5");
    CU_ASSERT_EQUAL(check_run(NULL, "cp -p %s %s && cp -p %s %s.kept", whole(), done, done, done), 0);
    for (int ranks = 1; ranks <= 2; ranks++) {
        CU_ASSERT_EQUAL(train(&text, ranks == 2 ? "mpirun -n 2" : "", "f.h5", "done",
                              "--steps 100 --batch 6 --lr 0.05 --checkpoint-every 40"),
                        0);
        CU_ASSERT_PTR_NOT_NULL(
            strstr(text, "done.h5 is finished, after all of its 100 steps: nothing to do\n"));
        CU_ASSERT_PTR_NULL(strstr(text, "loss of the last"));
        CU_ASSERT_PTR_NULL(strstr(text, "goes on after"));
        free(text);
        CU_ASSERT_EQUAL(check_run(NULL, "cmp %s %s.kept && ! test %s -nt %s.kept", done, done, done, done),
                        0);
    }
}

CHECK_SUITE("train", CHECK(a_finished_run_says_so_and_changes_nothing),
            CHECK(what_lays_views_like_features_is_recorded_as_that),
            CHECK(a_run_that_recorded_the_preset_s_sizes_goes_on),
            CHECK(any_number_of_ranks_trains_the_same_bits), CHECK(a_run_goes_on_as_if_it_had_never_stopped),
            CHECK(a_signal_saves_and_the_same_command_goes_on), CHECK(a_time_limit_saves_too),
            CHECK(one_run_at_a_time_writes_a_head), CHECK(storage_and_kernels_do_not_change_the_bits),
            CHECK(the_head_learns_and_reads_as_torchvisions), CHECK(float_sums_come_near),
            CHECK(options_reach_the_trainer), CHECK(features_of_another_backbone_are_another_run),
            CHECK(a_stop_leaves_no_more_checkpoints_than_are_kept),
            CHECK(a_head_beyond_the_end_of_its_run_is_refused), CHECK(only_a_head_is_written_over),
            CHECK(anchors_that_contradict_each_other_are_refused),
            CHECK(a_dry_run_checks_everything_and_writes_nothing),
            CHECK(validation_loss_is_that_of_one_large_batch),
            CHECK(validation_recall_is_that_of_the_proposals), CHECK(the_features_are_not_written_over),
            CHECK(what_does_not_fit_is_said_before_the_first_step),
            CHECK(a_team_says_once_which_image_is_no_number), CHECK(the_output_of_another_run_is_not_touched),
            CHECK(labels_like_features_stand_on_their_grids));
