/* tests/e2e/e2e_propose.c: `anchorage propose` through the real binary: numpy's proposals, the same bytes on any
 * ranks, kills, stops and damage, and what is refused */
#include "tests/check.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PYTHON "/usr/bin/python3"

/* Features of 40 scenes, a head trained on them (h.h5) and its start (u.h5); made once. */
static const char *scenes(void)
{
    static const char *dir;
    if (dir) return dir;
    dir = check_path("propose");
    static const char ini[] =
        "[preset]\nname = torchvision-fpn\n[anchors]\nstrides = 8 16\nsizes = 24 48 | 64 128\n"
        "[sample]\nbatch = 64\n";
    const char *config = check_file("propose.ini", ini, sizeof ini - 1);
    char *text = NULL;
    int code = check_run(
        &text,
        "set -e; cd %s 2>/dev/null || mkdir %s && cd %s; A=%s; "
        "$A synth -q -o . --scenes 40 --width 120-200 --height 100-160 --boxes 1-6 --seed 3; " PYTHON
        " $OLDPWD/tests/python/make_features.py annotations.json f.h5; "
        "$A label -q annotations.json -o t --config %s --like f.h5 --epochs 10; "
        "$A train -q t f.h5 -o h.h5 --steps 300 --batch 4 --lr 0.05; "
        "$A train -q t f.h5 -o u.h5 --batch 4 --untrained; mpirun -n 1 $A propose -q h.h5 f.h5 -o whole.h5",
        dir, dir, dir, ANC_BINARY, config);
    if (code) puts(text);
    free(text);
    CU_ASSERT_EQUAL_FATAL(code, 0);
    return dir;
}

/* Runs a command in the scenes' folder, with A as the program and T as tests/; its output to *text. */
static int in_scenes(char **text, const char *command)
{
    return check_run(text, "T=$PWD/tests/python; A='%s'; cd %s && { %s\n}", ANC_BINARY, scenes(), command);
}

static void good(const char *command)
{
    char *text = NULL;
    int code = in_scenes(&text, command);
    if (code) printf("%s\n%s", command, text);
    CU_ASSERT_EQUAL(code, 0);
    free(text);
}

/* One line of ours, with these words and this exit code. */
static void refused(const char *command, int want, const char *words)
{
    char *text = NULL;
    int code = in_scenes(&text, command);
    const char *first = strstr(text, "anchorage: ");
    CU_ASSERT_EQUAL(code, want);
    CU_ASSERT(first && !strstr(first + 1, "anchorage: ") && strstr(text, words));
    if (code != want || !strstr(text, words)) printf("%s: %d: %s", words, code, text);
    free(text);
}

static void proposals_are_those_of_numpy(void)
{
    good(PYTHON " $T/propose.py check h.h5 f.h5 whole.h5");
    good(PYTHON " $T/propose.py check u.h5 f.h5 whole.h5 >/dev/null 2>&1 && exit 1; true"); /* it can fail */
    good(PYTHON " $T/make_features.py annotations.json r.h5 resized packed reversed && $A propose -q h.h5 "
                "r.h5 -o r-p.h5 --after 50 && " PYTHON " $T/propose.py check h.h5 r.h5 r-p.h5 50");
}

static void a_trained_head_finds_far_more_than_an_untrained_one(void)
{
    good("$A propose -q u.h5 f.h5 -o u-p.h5 && for k in whole u-p; do $A evaluate -q $k.h5 annotations.json "
         "--top 10,100 --json $k.json "
         ">/dev/null || exit 1; done; " PYTHON
         " -c \"import json; a, b = (json.load(open(k + '.json'))['sizes'][0]['average_recall'] "
         "for k in ('whole', 'u-p')); assert a[0] > 0.2 and a[0] > 4 * b[0] and a[1] > 2 * b[1], (a, b)\"");
}

static void ranks_shards_kernels_and_storage_do_not_change_the_proposals(void)
{
    good("for n in 2 3 4; do mpirun -n $n $A propose -q h.h5 f.h5 -o n$n.h5 && cmp n$n.h5 whole.h5 && test ! "
         "-e n$n.h5.parts || exit 1; done");
    good("$A propose -q h.h5 f.h5 -o s.h5 --simd scalar && cmp s.h5 whole.h5");
    good(PYTHON " $T/make_features.py annotations.json k.h5 packed float32 && mpirun -n 2 $A propose -q h.h5 "
                "k.h5 -o k-p.h5 && cmp k-p.h5 whole.h5");
    /* shards are named in the configuration; the rows are the same */
    good("mpirun -n 3 $A propose -q h.h5 f.h5 -o small.h5 --images-per-shard 3 && h5dump -d /proposals/xyxy "
         "-d /proposals/score small.h5 | tail -n +2 > a && "
         "h5dump -d /proposals/xyxy -d /proposals/score whole.h5 | tail -n +2 > b && cmp a b");
    good("$A verify -q whole.h5 && $A verify -q small.h5");
}

/* Each time some way into a run of many shards; then the same command must come to the same bytes. */
static void killed_and_stopped_runs_go_on_to_the_same_bytes(void)
{
    good("$A propose -q h.h5 f.h5 -o one.h5 --images-per-shard 1");
    for (int n = 1; n <= 3; n += 2) {
        char command[2048];
        snprintf(command, sizeof command,
                 "rm -rf kill.h5*; mpirun -n %d $A propose -q h.h5 f.h5 -o kill.h5 --images-per-shard 1 "
                 "--simd scalar & M=$!; "
                 "while ! ls kill.h5.parts/shard-0000[2-9]*.h5 >/dev/null 2>&1 && kill -0 $M 2>/dev/null; do "
                 "sleep 0.002; done; "
                 "kill -9 $(cat /proc/$M/task/*/children) $M 2>/dev/null; wait $M; "
                 "test ! -e kill.h5 && n=$(ls kill.h5.parts | grep -c '^shard.*h5$') && test $n -gt 1 && "
                 "test $n -lt 40",
                 n);
        good(command);
        good("A2=\"$A propose h.h5 f.h5 -o kill.h5 --images-per-shard 1 --simd scalar\"; "
             "for i in 1 2 3 4 5 6 7 8; do mpirun -n 2 $A2 -q && break; sleep 1; done; cmp kill.h5 one.h5 && "
             "test ! -e kill.h5.parts");
    }
    good("rm -rf usr1.h5*; P2=\"$A propose -q h.h5 f.h5 -o usr1.h5 --images-per-shard 1 --simd scalar\"; "
         "$P2 2> said & P=$!; "
         "while ! ls usr1.h5.parts/shard-0000[2-9]*.h5 >/dev/null 2>&1 && kill -0 $P; do sleep 0.002; done; "
         "kill -USR1 $P; wait $P; test $? = 75 && grep -q 'stopped by SIGUSR1 with [0-9]* of 40 shards left' "
         "said && "
         "test ! -e usr1.h5 && $P2 && cmp usr1.h5 one.h5");
    refused(
        "rm -rf stop.h5*; mpirun -n 2 $A propose -q h.h5 f.h5 -o stop.h5 --images-per-shard 1 --time-limit 0",
        75, "stopped by --time-limit with 40 of 40 shards left; run the same command again to go on");
    good("test ! -e stop.h5 && test ! -e stop.h5.parts && mpirun -n 3 $A propose -q h.h5 f.h5 -o stop.h5 "
         "--images-per-shard 1 && cmp stop.h5 one.h5");
}

static void a_damaged_shard_is_made_again(void)
{
    /* a folder where the output is to be written keeps a run from joining its shards */
    good("$A propose -q h.h5 f.h5 -o e.h5 --images-per-shard 10; rm -rf d.h5*; mkdir d.h5.part");
    refused("$A propose -q h.h5 f.h5 -o d.h5 --images-per-shard 10", 1,
            "d.h5.part: cannot create: Is a directory");
    good("rmdir d.h5.part; echo half-written > d.h5.part; cd d.h5.parts; test $(ls | grep -c "
         "'^shard-0000[0-3]-of-00004.h5$') = 4; "
         "cp ../e.h5 shard-00000-of-00004.h5; printf X | dd of=shard-00001-of-00004.h5 bs=1 seek=700 "
         "conv=notrunc 2>/dev/null; "
         "head -c 3000 ../e.h5 > shard-00002-of-00004.h5; cd ..; mpirun -n 2 $A propose -q h.h5 f.h5 -o d.h5 "
         "--images-per-shard 10 2> said; "
         "cat said; cmp d.h5 e.h5 && test ! -e d.h5.parts && test ! -e d.h5.part && test $(wc -l < said) = 3 "
         "&& "
         "grep -q 'shard-00000-of-00004.h5: has 40 images, where 10 are meant; making it again' said && "
         "grep -q 'shard-00001-of-00004.h5: .*; making it again' said && "
         "grep -q 'shard-00002-of-00004.h5: does not end in a seal.*; making it again' said");
}

static void what_is_done_is_not_done_again(void)
{
    char *text = NULL;
    CU_ASSERT_EQUAL(in_scenes(&text, "mpirun -n 2 $A propose h.h5 f.h5 -o whole.h5 --coco w.json"), 0);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "whole.h5 is there and whole: nothing to do but to write w.json"));
    free(text);
    good(PYTHON " $T/propose.py coco whole.h5 w.json && test ! -e whole.h5.parts");
    good("for p in coco detectron; do $A evaluate -q -p $p whole.h5 annotations.json --json a.json "
         ">/dev/null && "
         "$A evaluate -q -p $p w.json annotations.json --json b.json >/dev/null && cmp a.json b.json || exit "
         "1; done");
}

static void two_runs_into_one_output_exclude_each_other(void)
{
    good("rm -rf x.h5*; mkdir x.h5.parts; $A propose -q h.h5 f.h5 -o x.h5 --images-per-shard 1 --simd scalar "
         "& P=$!; "
         "while ! ls x.h5.parts/run.lock* >/dev/null 2>&1; do sleep 0.001; done; kill -STOP $P; "
         "$A propose -q h.h5 f.h5 -o x.h5 --images-per-shard 1 2> said; code=$?; kill -CONT $P; wait $P; "
         "first=$?; "
         "cat said; test $code = 1 && test $first = 0 && grep -q 'anchorage: propose: x.h5.parts' said && "
         "test $(wc -l < said) = 1 && cmp x.h5 one.h5");
}

static void an_output_of_another_run_is_kept(void)
{
    good("cp whole.h5 o.h5");
    refused("$A propose -q h.h5 f.h5 -o o.h5 --after 20", 2,
            "o.h5: is of another run: proposals.after is 1000 there and 20 here");
    refused("$A propose -q u.h5 f.h5 -o o.h5", 2, "o.h5: is of another run: head.fingerprint is");
    refused("$A propose -q h.h5 f.h5 -o o.h5 --preset detectron2-fpn", 2,
            "o.h5: is of another run: proposals.preset is torchvision-fpn there");
    good("cp annotations.json plain");
    refused("$A propose -q h.h5 f.h5 -o plain", 2,
            "plain: is there and is no HDF5 file, so it is not replaced");
    refused("$A propose -q h.h5 f.h5 -o annotations.json", 2, "annotations.json");
    good("test -s annotations.json && cmp annotations.json plain");
    refused("$A propose -q h.h5 f.h5 -o f.h5 --restart", 2,
            "f.h5: holds 'anchorage-features', so it is not replaced");
    good("cmp whole.h5 o.h5 && test ! -e o.h5.parts && test ! -e f.h5.parts");
    good("mkdir p.h5.part; $A propose -q h.h5 f.h5 -o p.h5 --images-per-shard 1 2>/dev/null; rmdir "
         "p.h5.part; test -e p.h5.parts/run.json");
    refused("$A propose -q h.h5 f.h5 -o p.h5 --images-per-shard 1 --iou 0.5", 2,
            "p.h5.parts: holds another run: proposals.iou is 0.7");
    refused("$A propose -q h.h5 f.h5 -o p.h5 --images-per-shard 7 --iou 0.5", 2,
            "p.h5.parts: holds another run");
    good("test -e p.h5.parts/run.json && cp -r p.h5.parts left && $A propose -q h.h5 f.h5 -o p.h5 "
         "--images-per-shard 1 "
         "&& test ! -e p.h5.parts && mv left p.h5.parts"); /* as a kill right after the output leaves them */
    good("$A propose -q h.h5 f.h5 -o p.h5 --images-per-shard 1 && test ! -e p.h5.parts && rm p.h5");
    good("$A propose -q h.h5 f.h5 -o p.h5 --iou 0.5 --restart && $A propose -q h.h5 f.h5 -o o.h5 --iou 0.5 "
         "--restart && cmp p.h5 o.h5");
    refused("head -c 5000 whole.h5 > cut.h5; $A propose -q h.h5 f.h5 -o cut.h5", 1,
            "cut.h5: does not end in a seal");
    good("$A propose -q h.h5 f.h5 -o cut.h5 --restart && cmp cut.h5 whole.h5");
}

static void presets_and_options_choose_otherwise(void)
{
    good("for p in torchvision-fpn torchvision-0.14-fpn detectron2-fpn mmdet-fpn faster-rcnn-vgg16 "
         "maskrcnn-benchmark-fpn; do "
         "$A propose -q h.h5 f.h5 -o q-$p.h5 --preset $p && $A verify -q q-$p.h5 || exit 1; done; " PYTHON
         " -c \"import h5py; n = {p: h5py.File('q-%s.h5' % p)['proposals/score'] for p in "
         "('torchvision-fpn', 'detectron2-fpn', 'faster-rcnn-vgg16')}; "
         "t, d, o = n.values(); assert (d[:] < 0).any() and 0 <= t[:].min() and t[:].max() <= 1 and 0 < "
         "len(o) <= 300 * 40 < len(t)\"");
    good("$A propose -q h.h5 f.h5 -o few.h5 --after 7 --before 100 --iou 0.3 --least-side 20 --least-score "
         "0.2 && " PYTHON
         " -c \"import h5py, numpy as np; f = h5py.File('few.h5')['proposals']; b = f['xyxy'][:]; "
         "assert np.diff(f['offset'][:]).max() == 7 and f['score'][:].min() >= 0.2 and (b[:, 2:] - b[:, "
         ":2]).min() > 19.99\"");
    good("$A propose h.h5 f.h5 --dry-run | grep -q 'would write 2 shards' && test ! -e proposals.h5.parts");
}

/* py-faster-rcnn's boxes end at their last pixel; proposals are written with exclusive edges. */
static void legacy_boxes_get_exclusive_edges(void)
{
    good("printf '[preset]\\nname = faster-rcnn-vgg16\\n[anchors]\\nstrides = 8 16\\nsizes = 24 48 | 64 "
         "128\\n' > l.ini; "
         "$A propose -q h.h5 f.h5 -o l.h5 --config l.ini --preset faster-rcnn-vgg16 && $A verify -q l.h5 "
         "&& " PYTHON " -c \"import h5py, numpy as np; f, p = h5py.File('f.h5'), h5py.File('l.h5'); o = "
         "p['proposals/offset'][:]; "
         "s = dict(zip(f['images/id'][:], f['images/original_size'][:])); "
         "r = np.array([p['proposals/xyxy'][a:b, 2].max() / s[i][1] for i, a, b in zip(p['images/id'][:], o, "
         "o[1:])]); "
         "assert (r <= 1).all() and (r == 1).any(), r\"");
}

static void what_does_not_fit_is_said_in_one_line(void)
{
    good("for w in stride narrow nan silent; do " PYTHON
         " $T/make_features.py annotations.json bad-$w.h5 $w || exit 1; done; "
         "head -c 20000 f.h5 > cut-f.h5; head -c 2000 h.h5 > cut-h.h5; " PYTHON
         " -c \"import h5py, shutil; shutil.copy('h.h5', 'torch.h5'); "
         "f = h5py.File('torch.h5', 'r+'); f.attrs['config'] = '{}'\"");
    good(PYTHON " -c \"import h5py, shutil; shutil.copy('f.h5', 'bad-scale.h5'); f = "
                "h5py.File('bad-scale.h5', 'r+'); "
                "f['images/scale'][3, 1] = 0\"");
    refused("$A propose -q h.h5 bad-scale.h5 -o no.h5", 1, "bad-scale.h5: /images/scale is 0 for image ");
    refused("$A propose -q h.h5 bad-stride.h5 -o no.h5", 1,
            "bad-stride.h5: level 0 has stride 16, the anchors of h.h5 have 8");
    refused("$A propose -q h.h5 bad-narrow.h5 -o no.h5", 1,
            "bad-narrow.h5: has 8 channels, the head h.h5 is for 16");
    refused("mpirun -n 3 $A propose -q h.h5 bad-nan.h5 -o nan.h5 --images-per-shard 1", 1,
            "image 1: the head's output is infinite or no number on level 0");
    refused("$A propose -q h.h5 cut-f.h5 -o no.h5", 1, "cut-f.h5");
    refused("$A propose -q cut-h.h5 f.h5 -o no.h5", 1, "cut-h.h5");
    refused("$A propose -q f.h5 f.h5 -o no.h5", 1, "f.h5: holds 'anchorage-features', not 'anchorage-head'");
    refused("$A propose -q none.h5 f.h5 -o no.h5", 1, "none.h5: cannot open");
    refused("mpirun -n 2 $A propose -q h.h5 none.h5 -o no.h5", 1, "none.h5: cannot open");
    refused("$A propose -q torch.h5 f.h5 -o no.h5", 1, "torch.h5: does not say which anchors it is for");
    refused("$A propose -q torch.h5 f.h5 -o no.h5 --preset torchvision-fpn", 1,
            "f.h5: has 2 levels, the anchors of torch.h5 have 5");
    refused("$A propose -q h.h5 f.h5 -o no.h5 --preset torchvision-fpm", 2,
            "did you mean 'torchvision-fpn'?");
    refused("$A propose -q h.h5 f.h5 -o no.h5 --after x", 2, "--after: 'x' is not a whole number");
    refused("$A propose -q h.h5 f.h5", 2, "--output PROPOSALS.h5 is missing");
    refused("$A propose -q h.h5 f.h5 -o ''", 2, "--output : must be the name of a file");
    refused("$A propose -q h.h5 f.h5 -o no/", 2, "--output no/: must be the name of a file");
    good("test ! -e .parts");
    refused("$A propose -q h.h5 f.h5 -o no.h5 --simd sse9", 2, "no kernels called 'sse9'");
    refused("$A propose -q h.h5 f.h5 -o /proc/no.h5", 1, "/proc/no.h5.parts");
    refused("$A propose -q h.h5 f.h5 -o no.h5 --coco /nowhere/no.json", 2,
            "--coco /nowhere/no.json: its folder cannot be written to");
    refused("$A propose -q h.h5 f.h5 -o no.h5 --coco f.h5", 2,
            "--coco f.h5: the run reads or writes this file");
    refused("$A propose -q h.h5 f.h5 -o no.h5 --summary-json no.h5", 2,
            "--summary-json no.h5: the run reads or writes this file");
    good("test ! -e no.h5 && test ! -e no.h5.parts");
    good("$A propose -q torch.h5 f.h5 -o torch-p.h5 --config ../propose.ini && h5dump -d /proposals/xyxy "
         "torch-p.h5 | tail -n +2 > a && "
         "h5dump -d /proposals/xyxy whole.h5 | tail -n +2 > b && cmp a b");
    good("$A propose h.h5 bad-silent.h5 -o silent.h5 2>&1 | grep -q 'do not say how images were resized'");
}

static void the_summary_inspect_and_verify_say_what_there_is(void)
{
    good("mpirun -n 2 $A propose h.h5 f.h5 -o y.h5 --summary-json y.json 2>&1 | grep -q 'dense head "
         ".*GFLOP/s a rank' && " PYTHON " -c \"import json, h5py; d = json.load(open('y.json')); p = "
         "h5py.File('y.h5'); assert d['images'] == 40 and d['ranks'] == 2 and "
         "d['proposals'] == len(p['proposals/score']) and d['config'] == json.loads(p.attrs['config']) and "
         "d['seconds']['all_ranks']['dense'] > 0\"");
    good("$A inspect y.h5 | grep -q 'proposals of 40 images' && $A inspect y.h5 --config | grep -q "
         "'\"command\":\"propose\"'");
    good("$A propose -q h.h5 f.h5 -o z.h5 | grep . && exit 1; true");
    refused("cp y.h5 flipped.h5; printf '\\377' | dd of=flipped.h5 bs=1 seek=9000 conv=notrunc 2>/dev/null; "
            "$A verify -q flipped.h5 2> said; code=$?; "
            "head -n 1 said; exit $code",
            1, "flipped.h5");
    good(PYTHON " -c \"import h5py, zlib, shutil; shutil.copy('y.h5', 'order.h5'); f = h5py.File('order.h5', "
                "'r+'); f['proposals/score'][5] = 2; f.close(); "
                "b = open('order.h5', 'rb').read().split(b'\\\\nanchorage-seal')[0]; open('order.h5', "
                "'wb').write(b + b'\\\\nanchorage-seal crc32 %08x\\\\n' % zlib.crc32(b))\"; "
                "$A verify order.h5 2>&1 | grep -q 'order.h5: image 1: proposal 5 has a higher score than "
                "the one before it'");
}

CHECK_SUITE("propose", CHECK(proposals_are_those_of_numpy),
            CHECK(a_trained_head_finds_far_more_than_an_untrained_one),
            CHECK(ranks_shards_kernels_and_storage_do_not_change_the_proposals),
            CHECK(killed_and_stopped_runs_go_on_to_the_same_bytes), CHECK(a_damaged_shard_is_made_again),
            CHECK(what_is_done_is_not_done_again), CHECK(two_runs_into_one_output_exclude_each_other),
            CHECK(an_output_of_another_run_is_kept), CHECK(presets_and_options_choose_otherwise),
            CHECK(legacy_boxes_get_exclusive_edges), CHECK(what_does_not_fit_is_said_in_one_line),
            CHECK(the_summary_inspect_and_verify_say_what_there_is));
