/* io/hdf5/h5_guard.c: see h5_guard.h */
#include "io/hdf5/h5_guard.h"
#include <signal.h>
#include <sys/time.h>

/* SIGABRT: the heap is damaged. SIGVTALRM: the timer's. */
static const int signals[] = { SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT, SIGVTALRM };
enum {
    N_SIGNALS = sizeof signals / sizeof *signals,
    STACK_BYTES = 64 << 10,
    SLOWEST = 4 << 20 /* bytes a second */
};

static void (*say)(const char *path, bool stuck);
static int limit_s;
static _Thread_local const char *volatile in_hand;
static _Thread_local int depth;
static struct sigaction before[N_SIGNALS];
static stack_t stack_before;

static void crashed(int number)
{
    const char *path = in_hand;
    in_hand = NULL;
    if (path && say) say(path, number == SIGVTALRM);
    if (number == SIGVTALRM) return; /* of another thread: a signal of the timer comes to any */
    signal(number, SIG_DFL); /* another thread's, or a crash of the last words: as it would have been */
    raise(number);
}

void anc_h5_guard_set(void (*last_words)(const char *path, bool stuck), int seconds)
{
    say = last_words;
    limit_s = seconds;
}

static void set_timer(time_t s)
{
    setitimer(ITIMER_VIRTUAL,
              &(struct itimerval){ .it_value = { .tv_sec = s }, .it_interval = { .tv_usec = s ? 50000 : 0 } },
              NULL);
}

/* The handlers are in place only meanwhile: at other times a crash is our own, and others (MPI) have theirs.
 */
void anc_h5_guard_enter(const char *path)
{
    static char stack[STACK_BYTES]; /* HDF5 may have used up the thread's own */
    if (!path || !say || depth++) return;
    struct sigaction action = { .sa_handler = crashed, .sa_flags = SA_ONSTACK | SA_NODEFER };
    stack_t own = { .ss_sp = stack, .ss_size = sizeof stack };
    in_hand = path;
    sigaltstack(&own, &stack_before);
    for (int i = 0; i < N_SIGNALS; i++) sigaction(signals[i], &action, &before[i]);
    set_timer(limit_s);
}

void anc_h5_guard_reading(const char *path, size_t bytes)
{
    if (path && say) set_timer(limit_s + (time_t)(bytes / SLOWEST));
}

void anc_h5_guard_leave(const char *path)
{
    if (!path || !say || --depth) return;
    set_timer(0);
    for (int i = 0; i < N_SIGNALS; i++) sigaction(signals[i], &before[i], NULL);
    sigaltstack(&stack_before, NULL);
    in_hand = NULL;
}
