/* tests/unit/test_progress.c: jobs/cli/progress */
#include "jobs/cli/progress.h"
#include "tests/check.h"
#include <pty.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

static anc_progress at(int64_t first, int64_t done, int64_t total)
{
    return (anc_progress){ .job = "label", .unit = "images", .first = first, .done = done, .total = total };
}

static void same(anc_progress p, double elapsed_s, int width, const char *want)
{
    char text[512];
    anc_progress_text(&p, elapsed_s, width, text, sizeof text);
    if (strcmp(text, want)) fprintf(stderr, "got \"%s\"\nwant \"%s\"\n", text, want);
    CU_ASSERT_STRING_EQUAL(text, want);
}

static void a_plain_line_has_count_percent_rate_and_time_left(void)
{
    same(at(0, 1210, 5000), 2, 0, "label: 1,210/5,000 images (24 %)  605 images/s  6.3 s left");
}

static void the_rate_leaves_out_what_an_earlier_run_did(void)
{
    same(at(1000, 1100, 2000), 10, 0, "label: 1,100/2,000 images (55 %)  10 images/s  1 min 30 s left");
}

static void before_the_first_item_no_rate_is_claimed(void)
{
    same(at(0, 0, 5000), 3, 0, "label: 0/5,000 images (0 %)");
    same(at(0, 0, 5000), 0, 0, "label: 0/5,000 images (0 %)");
}

static void a_hundred_percent_means_all(void)
{
    same(at(0, 118286, 118287), 1, 0, "label: 118,286/118,287 images (99 %)  118,286 images/s  0 ms left");
    same(at(0, 10, 10), 2, 0, "label: 10/10 images (100 %)  5.0 images/s");
    same(at(0, 0, 0), 2, 0, "label: 0/0 images (100 %)");
}

static void the_line_fits_any_terminal(void)
{
    anc_progress p = at(0, 56700, 118287);
    for (int width = 1; width <= 300; width++) {
        char text[512];
        anc_progress_text(&p, 6, width, text, sizeof text);
        CU_ASSERT(strlen(text) < (size_t)width);
        if (width > 10) CU_ASSERT_PTR_NOT_NULL(strstr(text, "47 %"));
    }
    same(p, 6, 80, "label [======>       ]  47 %  56,700/118,287 images  9,450 images/s  6.5 s left");
    same(p, 6, 60, " 47 %  56,700/118,287 images  9,450 images/s  6.5 s left");
    same(p, 6, 50, " 47 %  56,700/118,287 images  6.5 s left");
    same(p, 6, 30, " 47 %  6.5 s left");
}

static void a_bar_is_as_long_as_its_share(void)
{
    same(at(0, 50, 100), 10, 200,
         "label [====================>                   ]  50 %  50/100 images  5.0 images/s  10 s left");
    same(at(0, 100, 100), 10, 200,
         "label [========================================] 100 %  100/100 images  10 images/s");
}

static void pause_ms(long ms) { nanosleep(&(struct timespec){ .tv_nsec = ms * 1000000 }, NULL); }

/* What a progress of 100 steps, 3 ms apart, writes. */
static void run_into(FILE *f, bool quiet, double every_s)
{
    anc_progress p;
    anc_progress_start(&p, f, quiet, "label", "images", 0, 100, every_s);
    for (int i = 1; i <= 100; i++) {
        pause_ms(3);
        anc_progress_set(&p, i);
    }
    anc_progress_stop(&p);
}

static int count_of(const char *text, char c)
{
    int n = 0;
    for (; *text; text++) n += *text == c;
    return n;
}

static void a_file_gets_plain_lines_and_quiet_gets_nothing(void)
{
    const char *path = check_path("progress.txt");
    FILE *f = fopen(path, "w");
    run_into(f, false, 0.1);
    fclose(f);
    char *text = check_slurp(path, NULL);
    int lines = count_of(text, '\n');
    CU_ASSERT(lines >= 1 && lines <= 40);
    CU_ASSERT_PTR_NULL(strchr(text, '\r'));
    free(text);

    f = fopen(path, "w");
    run_into(f, true, 0.1);
    fclose(f);
    text = check_slurp(path, NULL);
    CU_ASSERT_STRING_EQUAL(text, "");
    free(text);
}

static void a_terminal_gets_one_line_drawn_over_at_most_10_times_a_second(void)
{
    int master, slave;
    struct winsize size = { .ws_row = 24, .ws_col = 90 };
    if (openpty(&master, &slave, NULL, NULL, &size)) {
        CU_FAIL("no pseudo terminal");
        return;
    }
    FILE *f = fdopen(slave, "w");
    struct timespec a, b;
    clock_gettime(CLOCK_MONOTONIC, &a);
    run_into(f, false, 0);
    clock_gettime(CLOCK_MONOTONIC, &b);
    double s = (double)(b.tv_sec - a.tv_sec) + 1e-9 * (double)(b.tv_nsec - a.tv_nsec);
    char text[16384];
    size_t length = 0;
    fclose(f); /* so that reading ends after what was written */
    for (ssize_t n; (n = read(master, text + length, sizeof text - 1 - length)) > 0;) length += (size_t)n;
    text[length] = '\0';
    close(master);
    int drawn = 0;
    for (const char *at_label = text; (at_label = strstr(at_label, "\rlabel [")); at_label++) drawn++;
    CU_ASSERT(drawn >= 3 && drawn <= 2 + (int)(s * 10)); /* the first, the last, and those between */
    CU_ASSERT(count_of(text, '\n') == 1);
    CU_ASSERT_PTR_NOT_NULL(strstr(text, "100 %  100/100 images"));
}

CHECK_SUITE("progress", CHECK(a_plain_line_has_count_percent_rate_and_time_left),
            CHECK(the_rate_leaves_out_what_an_earlier_run_did),
            CHECK(before_the_first_item_no_rate_is_claimed), CHECK(a_hundred_percent_means_all),
            CHECK(the_line_fits_any_terminal), CHECK(a_bar_is_as_long_as_its_share),
            CHECK(a_file_gets_plain_lines_and_quiet_gets_nothing),
            CHECK(a_terminal_gets_one_line_drawn_over_at_most_10_times_a_second));
