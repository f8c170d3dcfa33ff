// SPDX-License-Identifier: Apache-2.0
//
// Watchdog timers: H_WATCHDOG. LoPAR "H_WATCHDOG".
//
// A thread of the host waits for the earliest of a partition's watchdogs; it exists from the first start of one on. The lock is
// around everything.
#include "papr/watchdog.h"

#include <errno.h>
#include <pthread.h>
#include <signal.h>
#include <stdlib.h>

#include "base/clock.h"
#include "papr/hcall_int.h"

#define WATCHDOGS      4u
#define MIN_TIMEOUT_MS 100u
#define MAX_TIMEOUT_MS (1ull << 40) // decades; keeps sums of nanoseconds in range
#define ALL_WATCHDOGS  (~0ull)

// R4: operation, and what happens when the time is over.
enum { OP_START = 1, OP_STOP = 2, OP_QUERY = 3 };
enum { ACTION_POWER_OFF = 1, ACTION_RESTART = 2, ACTION_DUMP_RESTART = 3 };
#define FLAGS_OP_SHIFT 8
#define FLAGS_OP       (0xffull << FLAGS_OP_SHIFT)
#define FLAGS_ACTION   0xffull

struct watchdog {
    s64 expires; // nanoseconds of CLOCK_MONOTONIC, 0: stopped
    u8 action;
};

struct watchdogs {
    pthread_mutex_t lock;
    pthread_cond_t changed;
    pthread_t thread;
    bool have_thread, end;
    struct watchdog each[WATCHDOGS];
};

static void expire(struct partition *lp, u8 action)
{
    switch (action) {
    case ACTION_POWER_OFF: partition_end(lp, END_POWER_OFF, "a watchdog's time was over: power off"); break;
    case ACTION_DUMP_RESTART:
        atomic_store(&lp->report_wanted, true);
        partition_end(lp, END_REBOOT, "a watchdog's time was over: report, restart");
        break;
    default: partition_end(lp, END_REBOOT, "a watchdog's time was over: restart"); break;
    }
}

// The earliest that runs, or NULL.
static struct watchdog *earliest(struct watchdogs *w)
{
    struct watchdog *first = NULL;
    for (unsigned i = 0; i < WATCHDOGS; i++)
        if (w->each[i].expires && (!first || w->each[i].expires < first->expires))
            first = &w->each[i];
    return first;
}

static void *watch(void *arg)
{
    struct partition *lp = arg;
    struct watchdogs *w = lp->watchdogs;
    pthread_mutex_lock(&w->lock);
    while (!w->end) {
        struct watchdog *next = earliest(w);
        if (!next) {
            pthread_cond_wait(&w->changed, &w->lock);
            continue;
        }
        s64 left = next->expires - clock_ns();
        if (left > 0) {
            struct timespec until = {.tv_sec = next->expires / 1000000000, .tv_nsec = next->expires % 1000000000};
            pthread_cond_timedwait(&w->changed, &w->lock, &until);
            continue;
        }
        next->expires = 0;
        u8 action = next->action;
        pthread_mutex_unlock(&w->lock);
        expire(lp, action);
        pthread_mutex_lock(&w->lock);
    }
    pthread_mutex_unlock(&w->lock);
    return NULL;
}

// The caller holds the lock.
static bool need_thread(struct partition *lp)
{
    struct watchdogs *w = lp->watchdogs;
    if (w->have_thread)
        return true;
    sigset_t all, old;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &old);
    w->have_thread = pthread_create(&w->thread, NULL, watch, lp) == 0;
    pthread_sigmask(SIG_SETMASK, &old, NULL);
    return w->have_thread;
}

static long start(struct partition *lp, u64 action, u64 number, u64 timeout_ms)
{
    struct watchdogs *w = lp->watchdogs;
    if (action < ACTION_POWER_OFF || action > ACTION_DUMP_RESTART)
        return H_PARAMETER;
    if (!number || number > WATCHDOGS)
        return H_P2;
    if (timeout_ms < MIN_TIMEOUT_MS)
        return H_P3;
    long rc = H_HARDWARE;
    pthread_mutex_lock(&w->lock);
    if (need_thread(lp)) {
        // A running one starts again.
        w->each[number - 1].expires = clock_ns() + (s64)MIN(timeout_ms, MAX_TIMEOUT_MS) * 1000000;
        w->each[number - 1].action = (u8)action;
        pthread_cond_signal(&w->changed);
        rc = H_SUCCESS;
    }
    pthread_mutex_unlock(&w->lock);
    return rc;
}

static long stop(struct partition *lp, u64 number)
{
    struct watchdogs *w = lp->watchdogs;
    if (number != ALL_WATCHDOGS && (!number || number > WATCHDOGS))
        return H_P2;
    bool ran = false;
    pthread_mutex_lock(&w->lock);
    for (unsigned i = 0; i < WATCHDOGS; i++) {
        if (number != ALL_WATCHDOGS && number != i + 1)
            continue;
        ran |= w->each[i].expires != 0;
        w->each[i].expires = 0;
    }
    pthread_mutex_unlock(&w->lock);
    return ran ? H_SUCCESS : H_NOOP;
}

// flags, watchdog (1..), milliseconds -> for a query: the least time (bits 0:15), the highest number (16:31)
long h_watchdog(struct cpu *cpu, u64 *args)
{
    struct partition *lp = cpu_partition(cpu);
    u64 action = args[0] & FLAGS_ACTION, op = (args[0] & FLAGS_OP) >> FLAGS_OP_SHIFT;
    if ((args[0] & ~(FLAGS_OP | FLAGS_ACTION)) || (op != OP_START && action))
        return H_PARAMETER;
    switch (op) {
    case OP_START: return start(lp, action, args[1], args[2]);
    case OP_STOP: return stop(lp, args[1]);
    case OP_QUERY: args[0] = (u64)MIN_TIMEOUT_MS << 48 | (u64)WATCHDOGS << 32; return H_SUCCESS;
    default: return H_PARAMETER;
    }
}

int watchdog_init(struct partition *lp)
{
    pthread_condattr_t attr;
    struct watchdogs *w = lp->watchdogs = calloc(1, sizeof(*w));
    if (!w)
        return -ENOMEM;
    pthread_mutex_init(&w->lock, NULL);
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&w->changed, &attr);
    pthread_condattr_destroy(&attr);
    return 0;
}

void watchdog_reset(struct partition *lp)
{
    struct watchdogs *w = lp->watchdogs;
    pthread_mutex_lock(&w->lock);
    for (unsigned i = 0; i < WATCHDOGS; i++)
        w->each[i].expires = 0;
    pthread_mutex_unlock(&w->lock);
}

void watchdog_fini(struct partition *lp)
{
    struct watchdogs *w = lp->watchdogs;
    if (!w)
        return;
    pthread_mutex_lock(&w->lock);
    w->end = true;
    pthread_cond_signal(&w->changed);
    pthread_mutex_unlock(&w->lock);
    if (w->have_thread)
        pthread_join(w->thread, NULL);
    pthread_cond_destroy(&w->changed);
    pthread_mutex_destroy(&w->lock);
    free(w);
    lp->watchdogs = NULL;
}
