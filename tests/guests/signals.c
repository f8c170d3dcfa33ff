// SPDX-License-Identifier: Apache-2.0
// Signals: state kept across handlers that use floating point and vectors; the synchronous ones.
#define _GNU_SOURCE
#include "checks.h"

#include <fenv.h>
#include <setjmp.h>
#include <signal.h>
#include <string.h>
#include <sys/time.h>
#include <time.h>
#include <unistd.h>

static volatile sig_atomic_t ticks, got_code;
static volatile double handler_result;
static sigjmp_buf back;

static void on_tick(int number)
{
    (void)number;
    // Spoils floating-point and vector registers of the interrupted loop unless the kernel keeps them.
    double a[8] = {1, 2, 3, 4, 5, 6, 7, 8}, sum = 0;
    for (int i = 0; i < 64; i++)
        for (int j = 0; j < 8; j++)
            sum += a[j] *= 1.0000001;
    handler_result = sum;
    ticks++;
}

static void on_trap(int number, siginfo_t *info, void *context)
{
    (void)number;
    (void)context;
    got_code = info->si_code;
    siglongjmp(back, 1);
}

static double series(int count)
{
    double a = 1, b = 2, c = 3, d = 4, e = 5, f = 6;
    for (int i = 0; i < count; i++) {
        a = a * 0.5 + b;
        b = b * 0.25 + c;
        c = c * 0.125 + d;
        d = d * 0.5 + e;
        e = e * 0.25 + f;
        f = f * 0.5 + 1;
    }
    return a + b + c + d + e + f;
}

static int code_of(int signal_number, void (*cause)(void))
{
    struct sigaction old, action = {.sa_sigaction = on_trap, .sa_flags = SA_SIGINFO};
    got_code = -1000;
    sigaction(signal_number, &action, &old);
    if (!sigsetjmp(back, 1))
        cause();
    sigaction(signal_number, &old, NULL);
    return got_code;
}

#ifdef __powerpc64__
static void cause_illegal(void) { __asm__ volatile(".long 0"); }
static void cause_trap(void) { __asm__ volatile("tdi 31,0,0"); }
static void cause_privileged(void) { __asm__ volatile("mfmsr 3" ::: "r3"); }
static void cause_division(void)
{
    feenableexcept(FE_DIVBYZERO);
    volatile double one = 1, zero = 0, result = one / zero;
    (void)result;
}
#endif

void checks_signals(void)
{
    // The interrupted loop must come to the very same result, tick or no tick.
    double known = series(3000);
    struct sigaction action = {.sa_handler = on_tick, .sa_flags = SA_RESTART};
    sigaction(SIGALRM, &action, NULL);
    struct itimerval timer = {{0, 2000}, {0, 2000}}, off = {{0, 0}, {0, 0}};
    setitimer(ITIMER_REAL, &timer, NULL);
    bool same = true;
    struct timespec start, now;
    clock_gettime(CLOCK_MONOTONIC, &start);
    do {
        same = same && series(3000) == known;
        clock_gettime(CLOCK_MONOTONIC, &now);
    } while (ticks < 30 && now.tv_sec - start.tv_sec < 10);
    setitimer(ITIMER_REAL, &off, NULL);
    check("signal-timer", ticks >= 30, "%d ticks in 10 s", (int)ticks);
    check("signal-float-state", same, "a result changed under signals");

    // a queue of real-time signals keeps order and values
    sigset_t set;
    sigemptyset(&set);
    sigaddset(&set, SIGRTMIN + 1);
    sigprocmask(SIG_BLOCK, &set, NULL);
    bool ordered = true;
    for (int i = 0; i < 20; i++)
        sigqueue(getpid(), SIGRTMIN + 1, (union sigval){.sival_int = i});
    for (int i = 0; i < 20; i++) {
        siginfo_t info;
        struct timespec wait = {2, 0};
        ordered = sigtimedwait(&set, &info, &wait) == SIGRTMIN + 1 && info.si_value.sival_int == i && ordered;
    }
    check("signal-queue", ordered, "order or value wrong");

#ifdef __powerpc64__
    check("signal-illegal", code_of(SIGILL, cause_illegal) == ILL_ILLOPC, "code %d", (int)got_code);
    check("signal-privileged", code_of(SIGILL, cause_privileged) == ILL_PRVOPC, "code %d", (int)got_code);
    check("signal-trap", code_of(SIGTRAP, cause_trap) == TRAP_BRKPT, "code %d", (int)got_code);
    check("signal-float-trap", code_of(SIGFPE, cause_division) == FPE_FLTDIV, "code %d", (int)got_code);
    fedisableexcept(FE_ALL_EXCEPT);
#else
    (void)code_of;
#endif
}
