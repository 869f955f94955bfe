/* tests/unit/test_lock.c: one run at a time in a folder */
#include "io/file/lock.h"
#include "tests/check.h"
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

static anc_lock_request request(const char *name, int part, int n_parts)
{
    mkdir(check_path("%s", name), 0777);
    return (anc_lock_request){ check_path("%s", name), part, n_parts, NULL, NULL, NULL };
}

static anc_lock *take(const anc_lock_request *r, anc_err *err)
{
    anc_lock *l = NULL;
    *err = (anc_err){ 0 };
    anc_lock_take(r, &l, err);
    return l;
}

static int files_in(const char *dir)
{
    char *text = NULL;
    check_run(&text, "ls %s | wc -l", dir);
    int n = atoi(text);
    free(text);
    return n;
}

static double now_s(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (double)t.tv_sec + 1e-9 * (double)t.tv_nsec;
}

static void a_second_taker_is_told_who_holds_it(void)
{
    anc_lock_request r = request("lock-held", 1, 1);
    anc_err err;
    anc_lock *l = take(&r, &err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(l);
    char wanted[64];
    snprintf(wanted, sizeof wanted, "in use by process %ld of ", (long)getpid());
    CU_ASSERT_PTR_NULL(take(&r, &err));
    CU_ASSERT_EQUAL(err.code, ANC_ESYSTEM);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, wanted));
    CU_ASSERT(!anc_lock_lost(l));
    anc_lock_release(l);
    CU_ASSERT_EQUAL(files_in(r.dir), 0);
    l = take(&r, &err);
    CU_ASSERT_PTR_NOT_NULL(l);
    anc_lock_release(l);
}

static void parts_of_the_same_number_go_side_by_side(void)
{
    anc_lock_request a = request("lock-parts", 1, 3), b = request("lock-parts", 2, 3),
                     whole = request("lock-parts", 1, 1), other = request("lock-parts", 2, 4);
    anc_err err;
    anc_lock *l = take(&a, &err), *k = take(&b, &err);
    CU_ASSERT(l && k && strcmp(anc_lock_tag(l), anc_lock_tag(k)));
    CU_ASSERT(!strncmp(anc_lock_tag(k), "2-of-3-", 7));
    CU_ASSERT(!take(&a, &err) && !take(&b, &err) && !take(&whole, &err) && !take(&other, &err));
    anc_lock_release(l);
    CU_ASSERT(!take(&whole, &err));
    anc_lock_release(k);
    l = take(&whole, &err);
    CU_ASSERT(l && !take(&a, &err));
    anc_lock_release(l);
    CU_ASSERT_EQUAL(files_in(a.dir), 0);
}

/* A child takes the lock and is killed. */
static void outputs_of_one_folder_are_locked_one_by_one(void)
{
    anc_err err = { 0 };
    anc_lock_request a = request("lock-names", 1, 1), b = a, folder = a;
    a.name = "a.h5";
    b.name = "b.h5";
    anc_lock *of_a = take(&a, &err), *of_b = take(&b, &err), *of_folder = take(&folder, &err);
    CU_ASSERT(of_a && of_b && of_folder);
    anc_lock *again = take(&a, &err);
    CU_ASSERT_PTR_NULL(again);
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "lock-names/a.h5: in use by process "));
    anc_lock_release(of_a);
    anc_lock_release(of_b);
    anc_lock_release(of_folder);
}

static void leave_a_dead_lock(const anc_lock_request *r)
{
    int ready[2];
    CU_ASSERT_FATAL(!pipe(ready));
    fflush(NULL);
    pid_t child = fork();
    if (!child) {
        anc_err err;
        char byte = take(r, &err) ? 1 : 0;
        if (write(ready[1], &byte, 1) != 1) _exit(1);
        pause();
        _exit(0);
    }
    char byte = 0;
    CU_ASSERT(read(ready[0], &byte, 1) == 1 && byte == 1);
    close(ready[0]);
    close(ready[1]);
    anc_err err;
    CU_ASSERT_PTR_NULL(take(r, &err)); /* alive */
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
}

static void a_lock_of_a_dead_process_stops_nobody(void)
{
    anc_lock_request r = request("lock-dead", 1, 1);
    anc_err err;
    leave_a_dead_lock(&r);
    CU_ASSERT_EQUAL(files_in(r.dir), 1);
    double start = now_s();
    anc_lock *l = take(&r, &err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(l);
    CU_ASSERT(now_s() - start < 5);
    CU_ASSERT_EQUAL(files_in(r.dir), 1);
    anc_lock_release(l);
    CU_ASSERT_EQUAL(files_in(r.dir), 0);
}

static void foreign(const char *dir, int count)
{
    char text[256], path[512];
    snprintf(path, sizeof path, "%s/run.lock.1-of-1.4", dir);
    snprintf(text, sizeof text,
             "process 7 of ada on far, since then\nlocal 1 7 other-boot pid:[1]\ntoken feed\nbeat %016d\n",
             count);
    FILE *f = fopen(path, "w");
    CU_ASSERT_FATAL(f && fputs(text, f) >= 0 && !fclose(f));
}

/* Of another host nothing is known but what its lock does. */
static void a_lock_of_another_host_counts_while_it_changes(void)
{
    anc_lock_request r = request("lock-far", 1, 1);
    anc_err err;
    foreign(r.dir, 1);
    fflush(NULL);
    pid_t child = fork();
    if (!child) {
        for (int i = 2; i < 100; i++) {
            foreign(r.dir, i);
            usleep(200000);
        }
        _exit(0);
    }
    CU_ASSERT_PTR_NULL(take(&r, &err));
    CU_ASSERT_PTR_NOT_NULL(strstr(err.text, "in use by process 7 of ada on far"));
    kill(child, SIGKILL);
    waitpid(child, NULL, 0);
    foreign(r.dir, 1); /* whatever the writer had left half done */
    double start = now_s();
    anc_lock *l = take(&r, &err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(l);
    CU_ASSERT(now_s() - start > 14 && now_s() - start < 30);
    CU_ASSERT_EQUAL(files_in(r.dir), 1);
    anc_lock_release(l);
}

static void a_dead_lock_of_the_last_generation_stops_nobody(void)
{
    anc_lock_request r = request("lock-last", 1, 1);
    anc_err err;
    leave_a_dead_lock(&r);
    CU_ASSERT_EQUAL(check_run(NULL, "mv %s/run.lock.1-of-1.0 %s/run.lock.1-of-1.2147483647", r.dir, r.dir),
                    0);
    anc_lock *l = take(&r, &err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(l);
    CU_ASSERT_EQUAL(files_in(r.dir), 1);
    anc_lock_release(l);
}

static void who_comes_back_to_a_lock_taken_over_is_told(void)
{
    anc_lock_request r = request("lock-lost", 1, 1);
    anc_err err;
    anc_lock *l = take(&r, &err);
    CU_ASSERT_PTR_NOT_NULL_FATAL(l);
    CU_ASSERT_EQUAL(check_run(NULL, "rm %s/run.lock.1-of-1.0", r.dir), 0); /* as one who took it over does */
    for (int i = 0; i < 50 && !anc_lock_lost(l); i++) usleep(100000);
    CU_ASSERT(anc_lock_lost(l));
    foreign(r.dir, 1);
    anc_lock_release(l);
    CU_ASSERT_EQUAL(files_in(r.dir), 1); /* the other's stays */
}

/* Many at once: never two. */
static void of_many_at_once_one_at_most_gets_it(void)
{
    enum { TAKERS = 8, ROUNDS = 12 };
    anc_lock_request r = request("lock-race", 1, 1);
    for (int round = 0; round < ROUNDS; round++) {
        pid_t child[TAKERS];
        if (round % 2) leave_a_dead_lock(&r);
        fflush(NULL);
        for (int i = 0; i < TAKERS; i++)
            if (!(child[i] = fork())) {
                anc_err err;
                anc_lock *l = take(&r, &err);
                if (!l) _exit(0);
                char path[600];
                snprintf(path, sizeof path, "%s/inside", r.dir);
                int fd = open(path, O_CREAT | O_EXCL, 0666);
                usleep(20000);
                if (fd >= 0) unlink(path);
                anc_lock_release(l);
                _exit(fd >= 0 ? 1 : 2);
            }
        int clash = 0;
        for (int i = 0; i < TAKERS; i++) {
            int status = 0;
            waitpid(child[i], &status, 0);
            clash += !WIFEXITED(status) || WEXITSTATUS(status) > 1;
        }
        CU_ASSERT_EQUAL(clash, 0);
    }
    CU_ASSERT_EQUAL(files_in(r.dir), 0);
}

CHECK_SUITE("lock", CHECK(a_second_taker_is_told_who_holds_it),
            CHECK(parts_of_the_same_number_go_side_by_side),
            CHECK(outputs_of_one_folder_are_locked_one_by_one), CHECK(a_lock_of_a_dead_process_stops_nobody),
            CHECK(a_lock_of_another_host_counts_while_it_changes),
            CHECK(a_dead_lock_of_the_last_generation_stops_nobody),
            CHECK(who_comes_back_to_a_lock_taken_over_is_told), CHECK(of_many_at_once_one_at_most_gets_it));
