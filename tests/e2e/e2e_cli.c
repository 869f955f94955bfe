/* tests/e2e/e2e_cli.c: the program's command line, through the real binary */
#include "tests/check.h"
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static const char *const commands[] = { "import",  "label",   "train",  "propose", "evaluate",
                                        "presets", "inspect", "verify", "synth" };
enum { N_COMMANDS = sizeof commands / sizeof *commands };

/* Runs `anchorage ARGUMENTS`; text is in the output (stdout or stderr as asked; NULL: it is empty). */
static void expect(int code, const char *arguments, const char *out, const char *err)
{
    char *text = NULL;
    CU_ASSERT_EQUAL(check_run(&text, "%s %s 2>/dev/null", ANC_BINARY, arguments), code);
    CU_ASSERT(out ? strstr(text, out) != NULL : !*text);
    free(text);
    CU_ASSERT_EQUAL(check_run(&text, "%s %s 2>&1 >/dev/null", ANC_BINARY, arguments), code);
    CU_ASSERT(err ? strstr(text, err) != NULL : !*text);
    if (err && code == 2 && *arguments) { /* one line */
        const char *end = strchr(text, '\n');
        CU_ASSERT(end && !end[1]);
    }
    free(text);
}

static void help_goes_to_stdout_and_is_no_failure(void)
{
    expect(0, "--help", "usage: anchorage COMMAND", NULL);
    expect(0, "-h", "usage: anchorage COMMAND", NULL);
    for (int i = 0; i < N_COMMANDS; i++) expect(0, "--help", commands[i], NULL);
}

static void every_command_has_help_with_an_example_that_names_it(void)
{
    for (int i = 0; i < N_COMMANDS; i++) {
        char *text = NULL;
        CU_ASSERT_EQUAL(check_run(&text, "%s %s --help 2>/dev/null", ANC_BINARY, commands[i]), 0);
        const char *example = strstr(text, "\nExample:\n");
        CU_ASSERT(strstr(text, "usage: anchorage ") == text && strstr(text, "  -h, --help ") != NULL);
        CU_ASSERT(example && strstr(example, "anchorage ") && strstr(example, commands[i]));
        free(text);
    }
}

static void help_of_a_command_is_had_in_every_usual_way(void)
{
    static const char *const ways[] = { "help %s", "--help %s", "-h %s", "%s help", "%s -h", "%s --help" };
    for (int i = 0; i < N_COMMANDS; i++)
        for (size_t k = 0; k < sizeof ways / sizeof *ways; k++) {
            char arguments[64], wanted[64];
            snprintf(arguments, sizeof arguments, ways[k], commands[i]);
            snprintf(wanted, sizeof wanted, "usage: anchorage %s [OPTION]...", commands[i]);
            expect(0, arguments, wanted, NULL);
        }
    expect(2, "help lable", NULL, "no command is called 'lable' (did you mean 'label'?)");
}

static void a_file_called_help_is_an_operand(void)
{
    char *text = NULL;
    check_file("help", "{}", 2);
    CU_ASSERT_EQUAL(check_run(&text, "cd %s && %s inspect help", check_dir(), ANC_BINARY), 1);
    CU_ASSERT(strstr(text, "anchorage: inspect: help: ") == text);
    free(text);
}

static void the_version_is_one_line(void)
{
    static const char *const ways[] = { "--version", "-V", "version", "label --version", "evaluate -V" };
    for (size_t k = 0; k < sizeof ways / sizeof *ways; k++) {
        char *text = NULL;
        CU_ASSERT_EQUAL(check_run(&text, "%s %s", ANC_BINARY, ways[k]), 0);
        CU_ASSERT_STRING_EQUAL(text, "anchorage " ANC_VERSION "\n");
        free(text);
    }
}

static void a_team_says_help_and_version_once(void)
{
    static const char *const ways[] = { "version", "--help", "label --version", "help label" };
    for (size_t k = 0; k < sizeof ways / sizeof *ways; k++) {
        char *alone = NULL, *team = NULL;
        CU_ASSERT_EQUAL(check_run(&alone, "%s %s", ANC_BINARY, ways[k]), 0);
        CU_ASSERT_EQUAL(check_run(&team, "mpirun -n 2 %s %s", ANC_BINARY, ways[k]), 0);
        CU_ASSERT_STRING_EQUAL(alone, team);
        free(alone);
        free(team);
    }
}

static void no_command_prints_the_help_as_an_error(void) { expect(2, "", NULL, "usage: anchorage COMMAND"); }

static void an_unknown_command_is_answered_with_the_nearest(void)
{
    expect(2, "lable x.json", NULL, "no command is called 'lable' (did you mean 'label'?)");
    expect(2, "inspct", NULL, "(did you mean 'inspect'?)");
    expect(2, "frobnicate", NULL, "no command is called 'frobnicate'; see anchorage --help");
}

static void an_unknown_preset_is_answered_with_the_one_that_is_meant(void)
{
    static const struct {
        const char *said, *meant;
    } cases[] = {
        { "d2", "'detectron2-fpn'" },
        { "D2_C4", "'detectron2-c4'" },
        { "detectron2", "'detectron2-fpn'" },
        { "tv", "'torchvision-fpn'" },
        { "torchvision", "'torchvision-fpn'" },
        { "mmdetection", "'mmdet-fpn'" },
        { "mmdet", "'mmdet-fpn'" },
        { "frcnn", "'faster-rcnn-vgg16'" },
        { "vgg16", "'faster-rcnn-vgg16'" },
        { "py-faster-rcnn", "'faster-rcnn-vgg16'" },
        { "maskrcnn", "'maskrcnn-benchmark" },
        { "c4", "'detectron2-c4'" },
        { "torchvison-fpn", "'torchvision-fpn'" },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char arguments[64], wanted[64];
        snprintf(arguments, sizeof arguments, "presets %s", cases[i].said);
        snprintf(wanted, sizeof wanted, "(did you mean %s", cases[i].meant);
        expect(2, arguments, NULL, wanted);
    }
    expect(2, "presets yolo", NULL, "no preset is called 'yolo'; see anchorage presets");
    expect(2, "label x.json -o x -p d2", NULL, "anchorage: label: no preset is called 'd2' (did you mean");
}

static void an_unknown_option_is_answered_with_the_nearest(void)
{
    expect(2, "synth --sceens 3 -o x", NULL,
           "anchorage: synth: there is no option --sceens (did you mean --scenes?)");
    for (int i = 0; i < N_COMMANDS; i++) {
        char arguments[64];
        strcat(strcpy(arguments, commands[i]), " --hlep");
        expect(2, arguments, NULL, "there is no option --hlep (did you mean --help?)");
    }
}

static void a_team_reports_a_wrong_option_once(void)
{
    char *text = NULL;
    int code = check_run(&text, "mpirun -n 3 %s synth --sceens 3", ANC_BINARY);
    CU_ASSERT_EQUAL(code, 2);
    const char *first = strstr(text, "there is no option --sceens");
    CU_ASSERT(first && !strstr(first + 1, "there is no option --sceens"));
    free(text);
}

/* A value of pml that MPI_Init refuses tells whether it was called. */
static void a_process_that_is_alone_never_starts_mpi(void)
{
    char *text = NULL;
    CU_ASSERT_EQUAL(check_run(&text, "%s synth -q --scenes 3 -o %s", ANC_BINARY, check_path("alone")), 0);
    free(text);
    CU_ASSERT_EQUAL(check_run(&text,
                              "OMPI_MCA_pml=none-such %s label -q %s/annotations.json -o %s/t && "
                              "OMPI_MCA_pml=none-such %s verify %s/t",
                              ANC_BINARY, check_path("alone"), check_path("alone"), ANC_BINARY,
                              check_path("alone")),
                    0);
    free(text);
}

static void a_launcher_that_mpi_does_not_know_is_an_error_told_once(void)
{
    char *text = NULL;
    int code = check_run(&text,
                         "cd %s && FLUX_TASK_RANK=1 FLUX_JOB_SIZE=4 %s verify %s; test $? = 1 || exit 9; "
                         "FLUX_TASK_RANK=0 FLUX_JOB_SIZE=4 %s verify %s",
                         check_dir(), ANC_BINARY, ANC_BINARY, ANC_BINARY, ANC_BINARY);
    CU_ASSERT_EQUAL(code, 1);
    const char *first = strstr(text, "anchorage: verify: flux run started 4 processes, but MPI knows 1: ");
    CU_ASSERT(first && !strstr(first + 1, "anchorage:"));
    free(text);
}

static void the_first_rank_leaves_its_exit_code_where_it_is_asked_to(void)
{
    char *text = NULL;
    CU_ASSERT_EQUAL(
        check_run(&text,
                  "cd %s; export ANCHORAGE_EXIT_FILE=code; mpirun -n 3 %s verify none.h5 2>/dev/null; "
                  "cat code; %s presets >/dev/null; cat code; ANCHORAGE_EXIT_FILE=no/code %s presets 2>&1 "
                  ">/dev/null",
                  check_dir(), ANC_BINARY, ANC_BINARY, ANC_BINARY),
        1);
    CU_ASSERT_STRING_EQUAL(
        text, "1\n0\nanchorage: ANCHORAGE_EXIT_FILE=no/code: cannot write: No such file or directory\n");
    free(text);
}

static void the_settings_of_mpi_are_lines_for_a_shell_that_keep_what_is_set(void)
{
    expect(0, "mpi-settings desk", "export PRTE_MCA_rmaps_default_mapping_policy=", NULL);
    expect(0, "mpi-settings desk", "export PRTE_MCA_mapby=", NULL);
    expect(0, "mpi-settings desk", "export OMPI_MCA_btl_tcp_if_include=\"${OMPI_MCA_btl_tcp_if_include-lo}\"",
           NULL);
    expect(0, "mpi-settings cluster", "export OMPI_MCA_oob_tcp_keepalive_time=", NULL);
    expect(2, "mpi-settings moon", NULL, "'moon' is neither desk nor cluster");
    char *text = NULL;
    CU_ASSERT_EQUAL(
        check_run(
            &text,
            "unset OMPI_MCA_smsc; export OMPI_MCA_mpi_yield_when_idle=0; eval \"$(%s mpi-settings desk)\"; "
            "sh -c 'echo $OMPI_MCA_mpi_yield_when_idle $OMPI_MCA_smsc'",
            ANC_BINARY),
        0);
    CU_ASSERT_STRING_EQUAL(text, "0 ^cma\n");
    free(text);
}

/* One image with one box, and two of each. */
static void one_thing_is_not_counted_in_the_plural(void)
{
    static const char one[] =
        "{\"images\":[{\"id\":1,\"width\":64,\"height\":48}],\"annotations\":[{\"id\":7,"
        "\"image_id\":1,\"category_id\":1,\"bbox\":[1,2,30,40]}],\"categories\":[{\"id\":1,"
        "\"name\":\"a\"}]}";
    char *text = NULL;
    CU_ASSERT_EQUAL(
        check_run(&text,
                  "cd %s && %s import one.json -o one.h5 && %s label one.h5 -o t1 && %s label one.h5 "
                  "-o t2 -e 2 && %s inspect t1 && %s verify t1 && %s label one.h5 --dry-run",
                  check_file("one.json", one, sizeof one - 1) ? check_dir() : "", ANC_BINARY, ANC_BINARY,
                  ANC_BINARY, ANC_BINARY, ANC_BINARY, ANC_BINARY),
        0);
    static const char *const says[] = {
        "(coco): 1 image, 1 box of 1 annotation\n  0 crowd regions, 0 images without boxes\n",
        "one.h5: 1 image, 1 box (annotations); preset torchvision-fpn\nlabel: 1 view, 1 shard, 1 rank, ",
        "label: wrote 1 shard and targets.h5 to t1, ",
        "label: 2 views, 2 shards, 1 rank, ",
        "index over 1 shard, all there",
        "1 epoch, ",
        "made from 1 image with 1 box, ",
        "t1: run.json, 1 shard and targets.h5 with 1 view are whole",
        "label: dry run: would write 1 shard and targets.h5\n",
    };
    for (size_t i = 0; i < sizeof says / sizeof *says; i++) {
        if (!strstr(text, says[i])) printf("wanted %s:\n%s", says[i], text);
        CU_ASSERT_PTR_NOT_NULL(strstr(text, says[i]));
    }
    free(text);
}

static void an_output_named_like_something_else_is_refused(void)
{
    static const struct {
        const char *arguments, *says;
    } cases[] = {
        { "import one.json -o x.txt", "import: --output x.txt: is annotations.h5 or COCO JSON, whose name "
                                      "ends in .h5, .hdf5, .hdf or .json, "
                                      "not in .txt\n" },
        { "train t f.h5 -o x.pth",
          "train: --output x.pth: is an HDF5 file, whose name ends in .h5, .hdf5 or .hdf, "
          "not in .pth\n" },
        { "propose h.h5 f.h5 -o x.json", "propose: --output x.json: is an HDF5 file, whose name ends in " },
        { "propose h.h5 f.h5 -o x.h5 --coco x.h5",
          "propose: --coco x.h5: is a JSON file, whose name ends in .json, not in .h5\n" },
        { "label one.json -o targets.h5",
          "label: --output targets.h5: is the name of a folder to make, not of a .h5 file\n" },
        { "synth -o x.json",
          "synth: --output x.json: is the name of a folder to make, not of a .json file\n" },
    };
    static const char *const good[] = { "x", "x-0.5", "x.HDF5", "x.json", "./.x" };
    static const char one[] = "{\"images\":[],\"annotations\":[],\"categories\":[]}";
    char *text = NULL;
    const char *path = check_file("one.json", one, sizeof one - 1);
    CU_ASSERT_PTR_NOT_NULL(path);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        CU_ASSERT_EQUAL(check_run(&text, "cd %s && %s %s", check_dir(), ANC_BINARY, cases[i].arguments), 2);
        const char *newline = strchr(text, '\n');
        if (!strstr(text, cases[i].says)) puts(text);
        CU_ASSERT(strstr(text, cases[i].says) && newline && !newline[1]);
        free(text);
    }
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        CU_ASSERT_EQUAL(
            check_run(NULL, "cd %s && %s import -q one.json -o %s", check_dir(), ANC_BINARY, good[i]), 0);
    /* one that was written under such a name before is gone on with */
    CU_ASSERT_EQUAL(
        check_run(NULL, "cd %s && mv x x.bin && %s import -q one.json -o x.bin", check_dir(), ANC_BINARY), 0);
}

CHECK_SUITE("cli", CHECK(an_output_named_like_something_else_is_refused),
            CHECK(one_thing_is_not_counted_in_the_plural), CHECK(a_process_that_is_alone_never_starts_mpi),
            CHECK(a_launcher_that_mpi_does_not_know_is_an_error_told_once),
            CHECK(the_first_rank_leaves_its_exit_code_where_it_is_asked_to),
            CHECK(the_settings_of_mpi_are_lines_for_a_shell_that_keep_what_is_set),
            CHECK(help_goes_to_stdout_and_is_no_failure),
            CHECK(every_command_has_help_with_an_example_that_names_it),
            CHECK(help_of_a_command_is_had_in_every_usual_way), CHECK(a_file_called_help_is_an_operand),
            CHECK(the_version_is_one_line), CHECK(a_team_says_help_and_version_once),
            CHECK(no_command_prints_the_help_as_an_error),
            CHECK(an_unknown_command_is_answered_with_the_nearest),
            CHECK(an_unknown_preset_is_answered_with_the_one_that_is_meant),
            CHECK(an_unknown_option_is_answered_with_the_nearest), CHECK(a_team_reports_a_wrong_option_once));
