/* tests/e2e/e2e_seal.c: `anchorage verify` of files that others wrote, and `anchorage seal`, through the real
 * binary */
#include "tests/check.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PYTHON "/usr/bin/python3"
#define A      ANC_BINARY

/* Copies of ours as h5py writes them, without a seal: NAME-theirs.h5. And damaged ones. */
static const char make[] =
    "import h5py, json, shutil\n"
    "for name in ('features', 'annotations', 'proposals'):\n"
    "    a, b = h5py.File(name + '.h5'), h5py.File(name + '-theirs.h5', 'w')\n"
    "    for k in a: a.copy(k, b)\n"
    "    for k, v in a.attrs.items(): b.attrs[k] = v\n"
    "    b.close()\n"
    "def change(name, new, how):\n"
    "    shutil.copy(name + '-theirs.h5', new)\n"
    "    with h5py.File(new, 'r+') as f: how(f)\n"
    "def put(f, name, at, x): f[name][at] = x\n"
    "change('features', 'nan.h5', lambda f: put(f, 'level1/feature', (5, 3), float('nan')))\n"
    "change('features', 'rows.h5', lambda f: put(f, 'level0/offset', 1, 7))\n"
    "change('features', 'ids.h5', lambda f: put(f, 'images/id', 1, f['images/id'][0]))\n"
    "def lzf(f):\n"
    "    x = f['level1/feature'][:]\n"
    "    del f['level1/feature']\n"
    "    f['level1'].create_dataset('feature', data=x, compression='lzf')\n"
    "change('features', 'lzf.h5', lzf)\n"
    "change('annotations', 'boxes.h5', lambda f: put(f, 'boxes/xyxy', 2, float('inf')))\n"
    "change('annotations', 'classes.h5', lambda f: put(f, 'categories/id', 1, f['categories/id'][0]))\n"
    "change('annotations', 'names.h5', lambda f: put(f, 'images/file_name', 1, b'\\xff.png'))\n"
    "change('proposals', 'order.h5', lambda f: put(f, 'proposals/score', 0, -9e9))\n"
    "b = open('features-theirs.h5', 'rb').read()\n"
    "open('cut.h5', 'wb').write(b[:len(b) // 2])\n"
    "open('begun.h5', 'wb').write(b + b'\\nanchorage-seal crc')\n"
    "t = open('annotations.json').read()\n"
    "open('theirs.json', 'w').write(json.dumps(json.loads(t)))\n"
    "open('cut.json', 'w').write(t[:len(t) // 2])\n"
    "s = open('targets/shard-00000-of-00001.h5', 'rb').read()\n"
    "open('shard.h5', 'wb').write(s[:-31])\n";

static const char *folder(void)
{
    static const char *dir;
    if (dir) return dir;
    dir = check_path("files");
    char *text = NULL;
    int code =
        check_run(&text,
                  "%s synth -q -o %s --scenes 12 --features && cd %s && %s import -q annotations.json -o "
                  "annotations.h5 && "
                  "%s label -q annotations.json --like features.h5 -o targets && "
                  "%s train -q targets features.h5 -o head.h5 --steps 2 --batch 2 && "
                  "%s propose -q head.h5 features.h5 -o proposals.h5 --coco results.json && " PYTHON " %s",
                  A, dir, dir, A, A, A, A, check_file("make.py", make, sizeof make - 1));
    if (code) puts(text);
    free(text);
    CU_ASSERT_EQUAL_FATAL(code, 0);
    return dir;
}

/* Runs a command in the folder; says: in its output. */
static void expect(int code, const char *command, const char *says)
{
    char *text = NULL;
    int got = check_run(&text, "cd %s && A=%s && %s", folder(), A, command);
    if (got != code || !strstr(text, says)) printf("%s: %d, wanted %s:\n%s", command, got, says, text);
    CU_ASSERT_EQUAL(got, code);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, says));
    free(text);
}

static void files_that_others_wrote_are_sound_and_not_sealed(void)
{
    static const char *const name[] = { "features-theirs.h5", "annotations-theirs.h5",
                                        "proposals-theirs.h5" };
    for (int i = 0; i < 3; i++) {
        char command[200], says[200];
        snprintf(command, sizeof command, "$A verify %s", name[i]);
        snprintf(says, sizeof says, "verify: %s is sound but not sealed: changed bytes could not be told",
                 name[i]);
        expect(0, command, says);
        snprintf(says, sizeof says, "`anchorage seal %s` adds a checksum", name[i]);
        expect(0, command, says);
    }
    expect(0, "$A verify theirs.json", "verify: theirs.json is sound but not sealed");
    expect(0, "$A verify results.json", "verify: results.json is sound but not sealed");
    expect(0, "! $A verify theirs.json | grep 'anchorage seal'", "");
    expect(0, "test -z \"$($A verify -q features-theirs.h5 theirs.json 2>&1)\"", "");
    expect(0, "mpirun -n 2 $A verify features-theirs.h5", "features-theirs.h5 is sound but not sealed");
}

static void damage_is_a_fault_without_a_seal_too(void)
{
    static const char *const faults[][2] = {
        { "nan.h5", "nan.h5: image 1: /level1/feature is infinite or no number at y 0, x 5, channel 3" },
        { "rows.h5", "/level0/offset gives image" },
        { "ids.h5", "ids.h5: " },
        { "lzf.h5",
          "lzf.h5: /level1/feature is packed by filter 32000 (lzf), which HDF5 here does not have" },
        { "boxes.h5", "boxes.h5: " },
        { "classes.h5", "classes.h5: category id 1 follows 1: ids must ascend" },
        { "names.h5", " is not UTF-8: save the source as UTF-8" },
        { "order.h5", "order.h5: image 1: proposal 1 has a higher score than the one before it" },
        { "cut.h5", "cut.h5: " },
        { "cut.json", "cut.json: line " },
        { "shard.h5",
          "shard.h5: does not end in a seal; it was cut off, damaged, or changed by another program" },
    };
    for (size_t i = 0; i < sizeof faults / sizeof *faults; i++) {
        char command[200];
        snprintf(command, sizeof command, "$A verify %s", faults[i][0]);
        expect(1, command, faults[i][1]);
        expect(1, command, ": 1 fault\n");
        snprintf(command, sizeof command, "cp %s kept && ! $A seal %s && cmp %s kept", faults[i][0],
                 faults[i][0], faults[i][0]);
        expect(0, command, faults[i][1]);
    }
}

static void several_files_are_counted(void)
{
    expect(0, "$A verify features.h5 targets features-theirs.h5 theirs.json",
           "verify: 4 files: 2 whole, 2 sound but not sealed\n");
    expect(1, "$A verify features.h5 nan.h5 nowhere.h5 order.h5 2>/dev/null",
           "verify: 4 files: 1 whole, 2 with faults, 1 that could not be read\n");
    expect(2, "$A verify targets targets --recompute annotations.json", "--recompute is for one folder");
}

static void a_seal_makes_every_later_change_a_fault(void)
{
    expect(0, "cp features-theirs.h5 mine.h5 && $A seal mine.h5",
           "seal: mine.h5 is sound and now sealed (crc32 ");
    expect(0, "$A verify mine.h5", "verify: mine.h5 is whole");
    expect(0,
           "cmp -n $(stat -c %s features-theirs.h5) mine.h5 features-theirs.h5 && "
           "test $(stat -c %s mine.h5) = $(($(stat -c %s features-theirs.h5) + 31))",
           "");
    expect(0,
           PYTHON " -c \"import h5py; a, b = h5py.File('mine.h5'), h5py.File('features.h5'); "
                  "assert (a['level0/feature'][:] == b['level0/feature'][:]).all()\"",
           "");
    expect(0, "cp mine.h5 kept && $A seal mine.h5 && cmp mine.h5 kept",
           "seal: mine.h5 is sealed already, and whole");
    expect(0, "test -z \"$($A seal -q mine.h5)\"", "");
    expect(0,
           PYTHON " -c \"b = bytearray(open('mine.h5', 'rb').read()); b[-5000] ^= 4; "
                  "open('flipped.h5', 'wb').write(b)\"",
           "");
    expect(1, "$A verify flipped.h5", "flipped.h5: its bytes are not those that were written");
    expect(1, "$A seal flipped.h5", "flipped.h5: its bytes are not those that were written");
}

/* What a kill in the midst of it leaves. */
static void a_seal_that_was_cut_short_is_none_and_can_be_had_again(void)
{
    expect(0, "$A verify begun.h5", "begun.h5 is sound but not sealed");
    expect(0, "$A seal begun.h5 && $A verify begun.h5", "verify: begun.h5 is whole");
}

static void what_cannot_be_sealed_stays_as_it_is(void)
{
    expect(1, "cp theirs.json kept && ! $A seal theirs.json && cmp theirs.json kept && false",
           "seal: theirs.json: is sound, but no HDF5 file: in text a seal would stand where other programs "
           "read");
    expect(1, "$A seal nowhere.h5", "seal: nowhere.h5: cannot open: No such file");
    expect(1, "$A seal targets", "seal: targets: is a folder; name the files in it\n");
    expect(0,
           "cp features-theirs.h5 held.h5 && cp held.h5 kept && " PYTHON
           " -c \"import h5py, os, sys; f = h5py.File('held.h5', 'r+'); sys.exit(os.system('$A seal "
           "held.h5') == 0)\""
           " && " PYTHON " -c \"import h5py; h5py.File('held.h5')\"",
           "seal: held.h5: ");
    expect(0, "cp features-theirs.h5 team.h5 && mpirun -n 2 $A seal team.h5 && $A verify -q team.h5",
           "seal: team.h5 is sound and now sealed");
}

CHECK_SUITE("seal-files", CHECK(files_that_others_wrote_are_sound_and_not_sealed),
            CHECK(damage_is_a_fault_without_a_seal_too), CHECK(several_files_are_counted),
            CHECK(a_seal_makes_every_later_change_a_fault),
            CHECK(a_seal_that_was_cut_short_is_none_and_can_be_had_again),
            CHECK(what_cannot_be_sealed_stays_as_it_is));
