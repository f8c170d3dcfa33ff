// SPDX-License-Identifier: Apache-2.0
#include "cpu/xlate/background.h"

#include <pthread.h>
#include <sched.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define STACK (1024 * KIB)

u32 background_quiet_ms = 1000;

struct background {
    const struct background_calls *calls;
    void *arg;
    bool alone; // no processor to spare
    pthread_mutex_t lock;
    pthread_cond_t changed;
    // Under lock.
    struct work queue[BACKGROUND_MAX]; // hot last comes last
    u32 len;
    bool running, stop, asleep;
    u32 longest, dropped; // for statistics: how many waited at once, how many lost their place or found none
    pthread_t thread;
};

struct background *background_new(const struct background_calls *calls, void *arg)
{
    struct background *b = calloc(1, sizeof(*b));
    cpu_set_t set;
    if (!b)
        return NULL;
    b->calls = calls;
    b->arg = arg;
    b->alone = !sched_getaffinity(0, sizeof(set), &set) && CPU_COUNT(&set) < 2;
    pthread_mutex_init(&b->lock, NULL);
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&b->changed, &attr);
    pthread_condattr_destroy(&attr);
    return b;
}

void background_free(struct background *b)
{
    if (!b)
        return;
    background_stop(b);
    pthread_cond_destroy(&b->changed);
    pthread_mutex_destroy(&b->lock);
    free(b);
}

static struct timespec quiet_end(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    u64 ns = (u64)t.tv_nsec + (u64)background_quiet_ms * 1000000;
    t.tv_sec += (time_t)(ns / 1000000000);
    t.tv_nsec = (long)(ns % 1000000000);
    return t;
}

static bool wait_for_work(struct background *b)
{
    struct timespec until = quiet_end();
    bool quiet = false;
    pthread_mutex_lock(&b->lock);
    while (!b->len && !b->stop) {
        b->asleep = true;
        if (quiet) {
            pthread_cond_wait(&b->changed, &b->lock);
        } else if (pthread_cond_timedwait(&b->changed, &b->lock, &until)) {
            pthread_mutex_unlock(&b->lock);
            quiet = !b->calls->between(b->arg, true);
            until = quiet_end();
            pthread_mutex_lock(&b->lock);
        }
    }
    b->asleep = false;
    bool more = !b->stop;
    pthread_mutex_unlock(&b->lock);
    return more;
}

// The next place. None: it was cleared away while we waited for our turn.
static bool take(struct background *b, struct work *work)
{
    pthread_mutex_lock(&b->lock);
    bool any = b->len && !b->stop;
    if (any)
        *work = b->queue[--b->len];
    pthread_mutex_unlock(&b->lock);
    return any;
}

static void *run(void *arg)
{
    struct background *b = arg;
    struct work work;
    while (wait_for_work(b)) {
        b->calls->begin(b->arg);
        if (take(b, &work))
            b->calls->do_work(b->arg, &work);
        b->calls->end(b->arg);
        b->calls->between(b->arg, false);
    }
    return NULL;
}

// Under lock.
static bool start(struct background *b)
{
    pthread_attr_t attr;
    pthread_attr_init(&attr);
    pthread_attr_setstacksize(&attr, STACK);
    b->stop = false;
    b->running = !pthread_create(&b->thread, &attr, run, b);
    pthread_attr_destroy(&attr);
    if (b->running)
        pthread_setname_np(b->thread, "translator");
    return b->running;
}

// Under lock. Where the place waits, or the one that has to go: nobody knows how hot it still is.
static u32 place_of(const struct background *b, const struct work *work)
{
    for (u32 i = b->len; i-- > 0;) {
        if (b->queue[i].page == work->page && b->queue[i].index == work->index)
            return i;
    }
    return b->len < BACKGROUND_MAX ? b->len : 0;
}

bool background_put(struct background *b, struct work work)
{
    if (b->alone)
        return false;
    pthread_mutex_lock(&b->lock);
    bool put = !b->stop && (b->running || start(b)), wake = false;
    if (put) {
        u32 at = place_of(b, &work);
        bool more = at == b->len;
        if (!more && (b->queue[at].page != work.page || b->queue[at].index != work.index)) {
            b->calls->drop(b->arg, &b->queue[at]);
            b->dropped++;
        }
        if (!more)
            memmove(&b->queue[at], &b->queue[at + 1], (b->len - at - 1) * sizeof(work));
        b->len += more;
        b->queue[b->len - 1] = work;
        b->longest = MAX(b->longest, b->len);
        wake = b->asleep;
        b->asleep = false;
    }
    b->dropped += !put;
    pthread_mutex_unlock(&b->lock);
    if (wake)
        pthread_cond_signal(&b->changed);
    return put;
}

void background_counts(struct background *b, u32 *longest, u32 *dropped)
{
    pthread_mutex_lock(&b->lock);
    *longest = b->longest;
    *dropped = b->dropped;
    pthread_mutex_unlock(&b->lock);
}

void background_clear(struct background *b)
{
    pthread_mutex_lock(&b->lock);
    b->len = 0;
    pthread_mutex_unlock(&b->lock);
}

void background_stop(struct background *b)
{
    pthread_mutex_lock(&b->lock);
    bool running = b->running;
    b->stop = running; // nothing is put until it has ended
    b->len = 0;
    pthread_cond_signal(&b->changed);
    pthread_mutex_unlock(&b->lock);
    if (!running)
        return;
    pthread_join(b->thread, NULL);
    pthread_mutex_lock(&b->lock);
    b->running = b->stop = false;
    pthread_mutex_unlock(&b->lock);
}
