// SPDX-License-Identifier: Apache-2.0
#include "lpar/dispatch.h"

#include <sched.h>

#include "base/clock.h"
#include "base/futex.h"

static_assert((GROUP_CPUS_MAX & (GROUP_CPUS_MAX - 1)) == 0, "the ring wraps by a mask");
#define RING_MASK (GROUP_CPUS_MAX - 1u)

void dispatch_init(struct dispatcher *d)
{
    cpu_set_t set;
    *d = (struct dispatcher){.tokens = 1};
    if (!sched_getaffinity(0, sizeof(set), &set))
        d->tokens = (u32)MAX(CPU_COUNT(&set), 1);
    for (u32 i = 0; i < GROUP_CPUS_MAX; i++)
        atomic_store(&d->threads[i].host_cpu, -1);
    pthread_mutex_init(&d->lock, NULL);
}

void dispatch_fini(struct dispatcher *d)
{
    pthread_mutex_destroy(&d->lock);
}

static void wait_for_token(struct dispatcher *d, u32 thread)
{
    struct dispatch_thread *t = &d->threads[thread];
    pthread_mutex_lock(&d->lock);
    if (atomic_load(&d->len) <= thread)
        atomic_store(&d->len, thread + 1);
    u32 waiting = atomic_load(&d->waiting);
    if (d->tokens && !waiting) {
        d->tokens--;
        atomic_store(&t->since, clock_ns());
        pthread_mutex_unlock(&d->lock);
        return;
    }
    atomic_store(&t->granted, 0);
    d->queue[(d->first + waiting) & RING_MASK] = (u16)thread;
    atomic_store(&d->waiting, waiting + 1);
    pthread_mutex_unlock(&d->lock);
    while (!atomic_load(&t->granted))
        futex_wait(&t->granted, 0, -1);
}

void dispatch_begin(struct dispatcher *d, u32 thread)
{
    wait_for_token(d, thread);
    atomic_store_explicit(&d->threads[thread].host_cpu, sched_getcpu(), memory_order_relaxed);
}

void dispatch_end(struct dispatcher *d, u32 thread)
{
    struct dispatch_thread *next = NULL, *t = &d->threads[thread];
    atomic_store_explicit(&t->host_cpu, -1, memory_order_relaxed);
    pthread_mutex_lock(&d->lock);
    u32 waiting = atomic_load(&d->waiting);
    if (waiting) {
        next = &d->threads[d->queue[d->first]];
        d->first = (d->first + 1) & RING_MASK;
        atomic_store(&d->waiting, waiting - 1);
        atomic_store(&next->since, clock_ns());
        atomic_store(&next->granted, 1);
    } else {
        d->tokens++;
    }
    pthread_mutex_unlock(&d->lock);
    if (next)
        futex_wake_all(&next->granted);
    else if (t->yields)
        sched_yield();
    t->yields = false;
    t->turn = 0;
}

bool dispatch_crowded(struct dispatcher *d, u32 thread)
{
    s32 here = sched_getcpu();
    u32 len = atomic_load_explicit(&d->len, memory_order_relaxed);
    atomic_store_explicit(&d->threads[thread].host_cpu, here, memory_order_relaxed);
    for (u32 i = 0; i < len; i++) {
        if (i != thread && here >= 0 && atomic_load_explicit(&d->threads[i].host_cpu, memory_order_relaxed) == here)
            return true;
    }
    return false;
}

static s64 own_time(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (s64)t.tv_sec * 1000000000 + t.tv_nsec;
}

bool dispatch_over(struct dispatcher *d, u32 thread)
{
    struct dispatch_thread *t = &d->threads[thread];
    bool waiting = atomic_load_explicit(&d->waiting, memory_order_relaxed), crowded = dispatch_crowded(d, thread);
    if (!waiting && !crowded)
        return false;
    if (crowded && !t->turn)
        t->turn = own_time();
    t->yields = crowded && own_time() - t->turn > DISPATCH_TURN_NS;
    return t->yields || (waiting && clock_ns() - atomic_load(&t->since) > DISPATCH_QUANTUM_NS);
}

void dispatch_promote(struct dispatcher *d, u32 thread)
{
    pthread_mutex_lock(&d->lock);
    u32 waiting = atomic_load(&d->waiting);
    for (u32 i = 0; i < waiting; i++) {
        if (d->queue[(d->first + i) & RING_MASK] != thread)
            continue;
        for (; i; i--) // those before it move back by one
            d->queue[(d->first + i) & RING_MASK] = d->queue[(d->first + i - 1) & RING_MASK];
        d->queue[d->first] = (u16)thread;
        break;
    }
    pthread_mutex_unlock(&d->lock);
}
