/* tests/real/real_propose.c: proposals on features of real photographs, beside those of torchvision's own RPN
 *
 * ANC_REAL/data/features holds the features, their annotations, and in reference/ torch's trained heads with
 * the recall of its proposals. tests/real/real_propose.py compares.
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

static const char *configuration(int s)
{
    char ini[512], name[32];
    int n = snprintf(ini, sizeof ini, "[preset]\nname = torchvision-fpn\n[anchors]\n%s", sets[s].levels);
    snprintf(name, sizeof name, "propose%d.ini", s);
    return check_file(name, ini, (size_t)n);
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

#define EVALUATE "evaluate -q --protocol detectron --top 10,100,1000"

static void torchs_head_proposes_what_torch_proposes(void)
{
    char command[16384];
    for (int s = 0; s < 2; s++) {
        const char *dir = features(), *name = sets[s].name, *to = check_path("torch-%s", name);
        snprintf(command, sizeof command,
                 "set -e; R=%s/reference/%s_seed0; python=/usr/bin/python3; $python tests/real/real_propose.py "
                 "head $R %s.h5; "
                 "mpirun -n 2 %s propose -q %s.h5 %s/%s_val.h5 -o %s-p.h5 --config %s; "
                 "%s " EVALUATE " %s-p.h5 %s/%s_val.json --json %s.json >/dev/null; $python "
                 "tests/real/real_propose.py same $R %s.json",
                 dir, name, to, ANC_BINARY, to, dir, name, to, configuration(s), ANC_BINARY, to, dir, name,
                 to, to);
        good(command);
    }
}

static void heads_trained_here_find_no_less_than_torchs(void)
{
    char command[16384];
    for (int s = 0; s < 2; s++) {
        const char *dir = features(), *name = sets[s].name, *to = check_path("ours-%s", name);
        snprintf(
            command, sizeof command,
            "set -e; A=%s; F=%s; N=%s; T=%s; python=/usr/bin/python3; mkdir $T; for k in 0 1 2; do "
            "$A label -q $F/${N}_train.json -o $T/t --config %s --like $F/${N}_train.h5 --restart --epochs "
            "50 --seed $k; "
            "mpirun -n 2 $A train -q $T/t $F/${N}_train.h5 -o $T/h$k.h5 --steps 1500 --batch 4 --lr 0.05 "
            "--milestones 1050,1350 --seed $k; "
            "$A train -q $T/t $F/${N}_train.h5 -o $T/u$k.h5 --batch 4 --seed $k --untrained; for h in h u; "
            "do "
            "mpirun -n 2 $A propose -q $T/$h$k.h5 $F/${N}_val.h5 -o $T/$h$k-p.h5; "
            "$A " EVALUATE " $T/$h$k-p.h5 $F/${N}_val.json --json $T/$h$k.json >/dev/null; done; "
            "$python tests/real/real_propose.py above $T/h$k.json $T/u$k.json; done; R=$F/reference/${N}_seed; "
            "$python tests/real/real_propose.py as-good ${R}0 ${R}1 ${R}2 -- $T/h0.json $T/h1.json $T/h2.json",
            ANC_BINARY, dir, name, to, configuration(s));
        good(command);
    }
}

CHECK_SUITE("propose", CHECK(torchs_head_proposes_what_torch_proposes),
            CHECK(heads_trained_here_find_no_less_than_torchs));
