/* tests/e2e/e2e_shards.c: targets of more shards than a process may open files, and what the index says of them,
 * through every reader that there is */
#include "tests/check.h"
#include <stdbool.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PYTHON "/usr/bin/python3"

/* In the folder of the suite; few: so many files may be open. */
static int run(char **text, bool few, const char *command)
{
    return check_run(
        text,
        "export A=%s D=%s R=$PWD PYTHONDONTWRITEBYTECODE=1; mkdir -p $D; cd $D; %s timeout -k 5 300 "
        "bash -c '%s'",
        ANC_BINARY, check_path("shards"), few ? "ulimit -n 256;" : "", command);
}

static void says(bool few, int code, const char *command, const char *wanted)
{
    char *text;
    int got = run(&text, few, command);
    if (got != code || !strstr(text, wanted))
        printf("%s\nwanted %d: %s\ngot %d: %s\n", command, code, wanted, got, text);
    CU_ASSERT_EQUAL(got, code);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, wanted));
    free(text);
}

static void good(bool few, const char *command) { says(few, 0, command, ""); }

#define MANY                                                                                               \
    "label -q many/annotations.json --config many.ini --like many/f.h5 --images-per-shard 1 --assignment " \
    "--labels --with-gt"

/* 2,000 shards, made once, by two ranks that may have 256 files open. */
static void many(void)
{
    static bool made;
    static const char ini[] = "[anchors]\nstrides = 8 16\nsizes = 24 48 | 64 128\n[sample]\nbatch = 16\n";
    if (made) return;
    made = true;
    good(false, "true");
    check_file("shards/many.ini", ini, sizeof ini - 1);
    good(false, "$A synth -q -o many --scenes 2000 --width 64-128 --height 64-96 --boxes 1-3 && " PYTHON
                " $R/tests/python/make_features.py many/annotations.json many/f.h5");
    good(true, "mpirun -n 2 $A " MANY " -o many/t && test $(ls many/t | wc -l) = 2002");
}

static void every_command_reads_2000_shards_with_256_files(void)
{
    many();
    says(true, 0, "$A inspect many/t --views 2000 > told; head -1 told; tail -1 told",
         "index over 2,000 shards, all there (27.3 MiB)\n  1999             9999     0   no ");
    says(true, 0, "tail -1 told", "    000000009999.png\n");
    says(true, 0, "$A verify many/t --recompute many/annotations.json --like many/f.h5",
         "2,000 shards and targets.h5 with 2,000 views are whole, and the same when labelled again");
    says(true, 0, "mpirun -n 3 $A verify many/t", "2,000 shards and targets.h5 with 2,000 views are whole");
    good(true, "$A train -q many/t many/f.h5 -o many/one.h5 --steps 5");
    good(true,
         "mpirun -n 2 $A train -q many/t many/f.h5 -o many/two.h5 --steps 5 && cmp many/one.h5 many/two.h5");
}

static void label_goes_on_over_2000_shards_with_256_files(void)
{
    many();
    good(false, "cp -r many/t many/again && rm many/again/shard-00[01]7* many/again/targets.h5");
    good(true, "$A " MANY " -o many/again && diff -r many/t many/again");
}

static void every_example_reads_2000_shards_with_256_files(void)
{
    many();
    says(true, 0, PYTHON " $R/examples/read_targets.py many/t/targets.h5 1999",
         "view 1999 of 2000: image 9999 (000000009999.png), ");
    says(true, 0, PYTHON " $R/tests/python/read_targets.py many/t/targets.h5 $(seq 0 17 1999)",
         "118 views recomputed, equal");
    says(true, 0, PYTHON " $R/tests/python/read_shards.py many/t/targets.h5 many/annotations.json",
         "2000 of 2000 views right, 16 shards open; read as virtual lacks some\n");
    good(false, "ulimit -n 4096 && " PYTHON " -c \"import h5py; f = h5py.File(\\\"many/t/targets.h5\\\"); "
                "x = f[\\\"views/image_id\\\"]; assert (x[:] != x.fillvalue).all()\"");
}

/* What torch makes of it: examples/pytorch_dataset.py checks itself, and fails if it does not. */
static bool no_torch(void)
{
    if (!run(NULL, false, PYTHON " -c \"import torch\"")) return false;
    puts("NOT RUN: examples/pytorch_dataset.py: no torch here");
    return true;
}

static void the_torch_dataset_reads_2000_shards_with_256_files(void)
{
    if (no_torch()) return;
    many();
    says(true, 0, PYTHON " $R/examples/pytorch_dataset.py many/t/targets.h5 64", "64 of 2000 views, ");
}

#define FEW "label -q few/annotations.json --epochs 2 --flip 0.5 --images-per-shard 7"

/* 4 epochs' shards of 30 scenes of COCO's sizes, under torchvision-fpn's rules. */
static void few(void)
{
    static bool made;
    if (made) return;
    made = true;
    good(false, "$A synth -q -o few --scenes 30 && $A " FEW " -o few/t");
}

static void collate_never_moves_an_anchor(void)
{
    static const char script[] =
        "import sys; sys.path.insert(0, sys.argv[2] + '/examples')\n"
        "import numpy as np, torch, pytorch_dataset as p\n"
        "data = p.Targets(sys.argv[1])\n"
        "refused = wrong = 0\n"
        "for a, b in zip(range(59), range(1, 60)):\n"
        "    views = [data[a], data[b]]\n"
        "    try:\n"
        "        p.check_anchors(p.collate(views), data)\n"
        "        continue\n"
        "    except ValueError as e:\n"
        "        assert 'make batches of one padded size (SamePadding)' in str(e), e\n"
        "        refused += 1\n"
        "    grid = np.max([v['grid'] for v in views], axis=0)\n" /* what collate would have made of it */
        "    anchor, n = p.renumber(views, grid)\n"
        "    batch = {'anchor': torch.cat(anchor), 'n_anchors': n, 'grid': grid.tolist(), 'view': [a, b],\n"
        "             'padded_size': np.max([v['padded_size'] for v in views], axis=0).tolist()}\n"
        "    try:\n"
        "        p.check_anchors(batch, data)\n"
        "    except AssertionError as e:\n"
        "        wrong += 1\n"
        "assert 10 < wrong <= refused < 50, (wrong, refused)\n"
        "sampler, seen = p.SamePadding(data.padded_sizes(), range(60), 4), []\n"
        "for batch in sampler:\n"
        "    seen += batch\n"
        "    assert len({tuple(data[v]['padded_size']) for v in batch}) == 1 and len(batch) <= 4\n"
        "assert sorted(seen) == list(range(60)) and len(list(sampler)) == len(sampler)\n"
        "sampler.set_epoch(1)\n"
        "assert [v for b in sampler for v in b] != seen\n"
        "print('collate ok')\n";
    if (no_torch()) return;
    few();
    check_file("shards/collate.py", script, sizeof script - 1);
    says(false, 0, PYTHON " collate.py few/t/targets.h5 $R", "collate ok\n");
    says(false, 0, PYTHON " $R/examples/pytorch_dataset.py few/t/targets.h5 60", "60 of 60 views, ");
}

/* Changes an HDF5 file by a few words of Python, and seals it again. */
static const char *seal_again(void)
{
    static const char script[] = "import h5py, numpy as np, sys, zlib\n"
                                 "f = h5py.File(sys.argv[1], 'r+')\n"
                                 "exec(sys.argv[2])\n"
                                 "f.close()\n"
                                 "b = open(sys.argv[1], 'rb').read().split(b'\\nanchorage-seal')[0]\n"
                                 "b += b'\\nanchorage-seal crc32 %08x\\n' % zlib.crc32(b)\n"
                                 "open(sys.argv[1], 'wb').write(b)\n";
    return check_file("shards/change.py", script, sizeof script - 1);
}

static void an_index_of_an_earlier_build_is_read_and_written_anew(void)
{
    few();
    seal_again();
    good(false, "rm -rf few/old && cp -r few/t few/old && " PYTHON
                " change.py few/old/targets.h5 \"del f[\\\"views/shard\\\"], f[\\\"views/row\\\"], "
                "f[\\\"views/image\\\"], f[\\\"shards\\\"], f[\\\"images\\\"]\"");
    says(false, 0, "$A inspect few/old --views 2",
         "of an earlier build: it does not say which shard each view is in; the same label command again");
    says(false, 0, "$A verify few/old --recompute few/annotations.json", "are whole, and the same");
    says(false, 1, PYTHON " $R/examples/read_targets.py few/old/targets.h5",
         "targets.h5: does not say where each view is; run the same label command again");
    says(false, 1, PYTHON " $R/examples/read_roi_targets.py few/t/targets.h5",
         "holds targets of the first stage; see read_targets.py");
    says(false, 0, PYTHON " $R/examples/read_targets.py few/old/shard-00001-of-00010.h5 2",
         "view 2 of 7: image");
    says(false, 0, "$A " FEW " -o few/old && diff -r few/t few/old",
         "targets.h5: is of an earlier build: it does not say where each view is; writing it again");
}

static void an_index_that_says_otherwise_is_refused(void)
{
    static const struct {
        const char *change, *wanted;
    } wrong[] = {
        { "f[\\\"views/shard\\\"][10] = 0", "/views/shard: view 10 is in 1, not in 0; remove it" },
        { "f[\\\"views/row\\\"][10] = 4", "/views/row: view 10 is in 3, not in 4; remove it" },
        { "f[\\\"views/image\\\"][40] = 11", "/views/image: view 40 is of image " },
        { "f[\\\"views/image\\\"][40] = -1", "not of row -1 of /images; remove it" },
        { "f[\\\"views/image\\\"][40] = 30", "not of row 30 of /images; remove it" },
        { "f[\\\"shards/file_name\\\"][3] = b\\\"other.h5\\\"",
          "/shards/file_name: shard 3 is shard-00003-of-00010.h5, not other.h5" },
        { "f[\\\"images/id\\\"][3] = 1 << 40", "/images/id: " },
        { "del f[\\\"views/row\\\"]", "/views/row" },
        { "del f[\\\"images/id\\\"]", "/images/id" },
        { "del f[\\\"shards\\\"]", "/shards/file_name" },
    };
    few();
    seal_again();
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char command[600];
        snprintf(command, sizeof command,
                 "rm -rf few/odd && cp -r few/t few/odd && " PYTHON " change.py few/odd/targets.h5 \"%s\"",
                 wrong[i].change);
        good(false, command);
        says(false, 1, "$A verify few/odd", wrong[i].wanted);
    }
    good(false, "rm -rf few/odd && cp -r few/t few/odd && " PYTHON
                " change.py few/odd/shard-00001-of-00010.h5 \"f[\\\"views/image_id\\\"][3] += 100000\"");
    says(false, 1, "$A verify few/odd", "targets.h5: /views/image: view 10 is of image 100");
    says(false, 1, "rm few/odd/targets.h5 && $A " FEW " -o few/odd",
         "shard-00001-of-00010.h5: view 3 is of image 100");
    good(false, "rm few/odd/shard-00001* && $A " FEW " -o few/odd && diff -r few/t few/odd");
    /* a name is for those who have the annotations to see */
    good(false, "rm -rf few/odd && cp -r few/t few/odd && " PYTHON
                " change.py few/odd/targets.h5 \"f[\\\"images/file_name\\\"][3] = b\\\"x.png\\\"\"");
    good(false, "$A verify few/odd");
    says(false, 1, "$A verify few/odd --recompute few/annotations.json",
         "targets.h5: entry 3 of /images is not the annotations");
    says(false, 0, "$A " FEW " -o few/odd && diff -r few/t few/odd",
         "image of that place and name; writing it again");
}

static void a_shard_that_is_missing_or_another_is_an_error_in_python_too(void)
{
    few();
    good(false, "rm -rf few/gap && cp -r few/t few/gap && rm few/gap/shard-00001* && "
                "cp few/gap/shard-00002-of-00010.h5 few/gap/shard-00003-of-00010.h5");
    says(false, 1, PYTHON " $R/examples/read_targets.py few/gap/targets.h5 8",
         "few/gap/shard-00001-of-00010.h5");
    says(false, 1, PYTHON " $R/examples/read_targets.py few/gap/targets.h5 22",
         "few/gap/shard-00003-of-00010.h5: is of another run than ");
    says(false, 0, PYTHON " $R/examples/read_targets.py few/gap/targets.h5 0", "view 0 of 60: image ");
    says(false, 0, PYTHON " $R/tests/python/read_shards.py few/t/targets.h5 few/annotations.json spawn",
         "60 of 60 views right, 10 shards open; read as virtual whole\n");
    says(false, 0, PYTHON " $R/tests/python/read_shards.py few/t/targets.h5 few/annotations.json fork",
         "60 of 60 views right, 10 shards open; read as virtual whole\n");
}

/* Another writer's annotations.h5 may lack them; what the index says is that they are not known. */
static void images_without_names_are_labelled_without(void)
{
    few();
    good(false, "$A import -q few/annotations.json -o few/bare.h5 && $A label -q few/bare.h5 -o few/named "
                "--epochs 2 --flip 0.5 --images-per-shard 7 && diff -r few/t few/named && " PYTHON
                " -c \"import h5py; f = h5py.File(\\\"few/bare.h5\\\", \\\"r+\\\"); del "
                "f[\\\"images/file_name\\\"]\"");
    says(false, 0,
         "$A label -q few/bare.h5 -o few/bare && $A verify few/bare --recompute few/bare.h5 && " PYTHON
         " $R/examples/read_targets.py few/bare/targets.h5",
         "view 0 of 30: image 1, ");
}

CHECK_SUITE("shards", CHECK(every_command_reads_2000_shards_with_256_files),
            CHECK(label_goes_on_over_2000_shards_with_256_files),
            CHECK(every_example_reads_2000_shards_with_256_files),
            CHECK(the_torch_dataset_reads_2000_shards_with_256_files), CHECK(collate_never_moves_an_anchor),
            CHECK(an_index_of_an_earlier_build_is_read_and_written_anew),
            CHECK(an_index_that_says_otherwise_is_refused),
            CHECK(a_shard_that_is_missing_or_another_is_an_error_in_python_too),
            CHECK(images_without_names_are_labelled_without));
