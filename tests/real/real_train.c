/* tests/real/real_train.c: `anchorage train` on features of real photographs, beside torchvision's own training of
 * the same head
 *
 * ANC_REAL/data/features holds the features, their annotations, and in reference/ what torch did with them:
 * weights, the minibatches, losses and weights of its first 50 steps, and the losses of whole runs.
 * tests/real/real_train.py compares.
 */
#include "tests/check.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const struct {
    const char *name, *levels;
} sets[] = {
    { "bccd_s16", "strides = 16\nsizes = 32 64 90 128 180\n" },
    { "coco256_pyr3", "strides = 8 16 32\nsizes = 16 32 64 | 32 64 128 | 64 128 256\n" },
};

static const char *features(void)
{
    static char path[4096];
    const char *real = getenv("ANC_REAL");
    if (!real) puts("ANC_REAL must name the folder with data/; run `make check-real REAL=FOLDER`");
    CU_ASSERT_PTR_NOT_NULL_FATAL(real);
    snprintf(path, sizeof path, "%s/data/features", real);
    return path;
}

/* Runs it, shows what it says, and wants success. */
static void good(const char *command)
{
    char *text = NULL;
    int code = check_run(&text, "%s", command);
    if (*text) printf("\n    %s", text);
    CU_ASSERT_EQUAL(code, 0);
    free(text);
}

static void steps_follow_torchs_on_one_rank_and_on_three(void)
{
    char command[16384];
    for (int s = 0; s < 2; s++)
        for (int ranks = 1; ranks <= 3; ranks += 2) {
            const char *dir = features(), *name = sets[s].name, *to = check_path("%s", name);
            snprintf(command, sizeof command,
                     "set -e; R=%s/reference/%s_seed0; python=/usr/bin/python3; "
                     "$python tests/real/real_train.py trace %s/%s_train.h5 $R %s; "
                     "for n in 1 50; do mpirun -n %d %s train %s-targets.h5 %s/%s_train.h5 -o %s-head.h5 "
                     "--init %s-init.h5 "
                     "--steps 50 --stop-at $n --batch 4 --lr 0.05 --warm-up 100 --normaliser image "
                     "--no-shuffle --overwrite "
                     "--log %s.csv -q 2>/dev/null || test $? = 75; $python tests/real/real_train.py weights $R "
                     "%s-head.h5 $n; done; "
                     "$python tests/real/real_train.py follow $R %s.csv 50",
                     dir, name, dir, name, to, ranks, ANC_BINARY, to, dir, name, to, to, to, to, to);
            good(command);
        }
}

static void final_losses_are_no_worse_than_torchs(void)
{
    char command[16384];
    for (int s = 0; s < 2; s++) {
        const char *dir = features(), *name = sets[s].name, *to = check_path("final-%s", name);
        char ini[512];
        int n = snprintf(ini, sizeof ini, "[preset]\nname = torchvision-fpn\n[anchors]\n%s", sets[s].levels);
        const char *config = check_file("final.ini", ini, (size_t)n);
        snprintf(command, sizeof command,
                 "set -e; for k in 0 1 2; do %s label -q %s/%s_train.json -o %s --config %s --like "
                 "%s/%s_train.h5 --restart "
                 "--epochs 50 --seed $k; mpirun -n 2 %s train %s %s/%s_train.h5 -o %s/head$k.h5 --steps 1500 "
                 "--batch 4 --lr 0.05 "
                 "--milestones 1050,1350 --seed $k -q; done; R=%s/reference/%s_seed; "
                 "/usr/bin/python3 tests/real/real_train.py losses ${R}0 ${R}1 ${R}2 -- %s/head0.h5 %s/head1.h5 "
                 "%s/head2.h5",
                 ANC_BINARY, dir, name, to, config, dir, name, ANC_BINARY, to, dir, name, to, dir, name, to,
                 to, to);
        good(command);
    }
}

CHECK_SUITE("train", CHECK(steps_follow_torchs_on_one_rank_and_on_three),
            CHECK(final_losses_are_no_worse_than_torchs));
