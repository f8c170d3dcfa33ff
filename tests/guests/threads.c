// SPDX-License-Identifier: Apache-2.0
// Threads on several virtual processors: reservations of each size, barriers, locks, wake-ups.
#define _GNU_SOURCE
#include "checks.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

enum { THREADS = 6, ROUNDS = 4000 };

static struct {
    _Atomic uint8_t byte;
    _Atomic uint16_t half;
    _Atomic uint32_t word;
    _Atomic uint64_t doubleword;
    _Atomic uint64_t list; // compare-and-swap
} shared;
static uint64_t locked;
static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;

static void *count(void *argument)
{
    (void)argument;
    for (int i = 0; i < ROUNDS; i++) {
        atomic_fetch_add(&shared.byte, 1);
        atomic_fetch_add(&shared.half, 1);
        atomic_fetch_add(&shared.word, 1);
        atomic_fetch_add(&shared.doubleword, 1);
        uint64_t old = atomic_load(&shared.list);
        while (!atomic_compare_exchange_weak(&shared.list, &old, old + 3))
            ;
        pthread_mutex_lock(&mutex);
        locked++;
        pthread_mutex_unlock(&mutex);
    }
    return NULL;
}

// Message passing and store buffering, the two classic tests of barriers.
enum { LITMUS = 3000 };
static _Atomic int data[LITMUS], ready[LITMUS], left[LITMUS], right[LITMUS];
static int saw_left[LITMUS], saw_right[LITMUS], stale;
static pthread_barrier_t start_line;

static void *litmus_writer(void *argument)
{
    (void)argument;
    pthread_barrier_wait(&start_line);
    for (int i = 0; i < LITMUS; i++) {
        atomic_store_explicit(&data[i], i + 1, memory_order_relaxed);
        atomic_store_explicit(&ready[i], 1, memory_order_release);
        atomic_store_explicit(&left[i], 1, memory_order_relaxed);
        atomic_thread_fence(memory_order_seq_cst);
        saw_right[i] = atomic_load_explicit(&right[i], memory_order_relaxed);
    }
    return NULL;
}

static void *litmus_reader(void *argument)
{
    (void)argument;
    pthread_barrier_wait(&start_line);
    for (int i = 0; i < LITMUS; i++) {
        if (atomic_load_explicit(&ready[i], memory_order_acquire) &&
            atomic_load_explicit(&data[i], memory_order_relaxed) != i + 1)
            stale++;
        atomic_store_explicit(&right[i], 1, memory_order_relaxed);
        atomic_thread_fence(memory_order_seq_cst);
        saw_left[i] = atomic_load_explicit(&left[i], memory_order_relaxed);
    }
    return NULL;
}

static pthread_cond_t turn_changed = PTHREAD_COND_INITIALIZER;
static int turn;

static void *play(void *argument)
{
    int me = argument != NULL;
    for (int i = 0; i < 300; i++) {
        pthread_mutex_lock(&mutex);
        while (turn != me)
            pthread_cond_wait(&turn_changed, &mutex);
        turn = !me;
        pthread_cond_signal(&turn_changed);
        pthread_mutex_unlock(&mutex);
    }
    return NULL;
}

static void *return_argument(void *argument) { return argument; }

void checks_threads(void)
{
    pthread_t thread[THREADS];
    for (int i = 0; i < THREADS; i++)
        pthread_create(&thread[i], NULL, count, NULL);
    for (int i = 0; i < THREADS; i++)
        pthread_join(thread[i], NULL);
    uint64_t all = THREADS * ROUNDS;
    check_value("thread-atomic-1", shared.byte, all & 0xff);
    check_value("thread-atomic-2", shared.half, all & 0xffff);
    check_value("thread-atomic-4", shared.word, all);
    check_value("thread-atomic-8", shared.doubleword, all);
    check_value("thread-compare-swap", shared.list, all * 3);
    check_value("thread-mutex", locked, all);

    pthread_barrier_init(&start_line, NULL, 2);
    pthread_create(&thread[0], NULL, litmus_writer, NULL);
    pthread_create(&thread[1], NULL, litmus_reader, NULL);
    pthread_join(thread[0], NULL);
    pthread_join(thread[1], NULL);
    int both_missed = 0;
    for (int i = 0; i < LITMUS; i++)
        both_missed += !saw_left[i] && !saw_right[i];
    check("thread-message-passing", stale == 0, "%d stale reads", stale);
    check("thread-store-buffering", both_missed == 0, "%d pairs of missed stores", both_missed);

    pthread_create(&thread[0], NULL, play, NULL);
    pthread_create(&thread[1], NULL, play, &turn);
    pthread_join(thread[0], NULL);
    pthread_join(thread[1], NULL);
    check("thread-ping-pong", turn == 0, "turn %d", turn);

    bool ok = true;
    for (long i = 0; i < 200; i++) {
        void *result = NULL;
        ok = !pthread_create(&thread[0], NULL, return_argument, (void *)i) && !pthread_join(thread[0], &result) &&
             result == (void *)i && ok;
    }
    check("thread-create-join", ok, "a thread's result is wrong");

    // each online processor runs this thread when told to
    int wanted = 0, reached = 0;
    for (int cpu = 0; cpu < 1024; cpu++) {
        cpu_set_t *set = CPU_ALLOC(1024);
        CPU_ZERO_S(CPU_ALLOC_SIZE(1024), set);
        CPU_SET_S(cpu, CPU_ALLOC_SIZE(1024), set);
        if (!sched_setaffinity(0, CPU_ALLOC_SIZE(1024), set)) {
            wanted++;
            reached += sched_getcpu() == cpu;
        }
        CPU_FREE(set);
    }
    check("thread-affinity", wanted == sysconf(_SC_NPROCESSORS_ONLN) && reached == wanted, "%d of %d", reached, wanted);
}
