// SPDX-License-Identifier: Apache-2.0
// Two threads that share memory.
#include "work.h"

#include <pthread.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/mman.h>

static void in_two_threads(void *(*first)(void *), void *(*second)(void *))
{
    pthread_t other;
    if (pthread_create(&other, NULL, second, (void *)1))
        work_fail("thread");
    first((void *)0);
    pthread_join(other, NULL);
}

static pthread_mutex_t mutex = PTHREAD_MUTEX_INITIALIZER;
static pthread_cond_t changed = PTHREAD_COND_INITIALIZER;
static uint64_t shared[64];

static void *use_mutex(void *unused)
{
    (void)unused;
    for (int i = 0; i < 1000000; i++) {
        pthread_mutex_lock(&mutex);
        shared[0]++;
        shared[1] += shared[0] & 1;
        pthread_mutex_unlock(&mutex);
        for (int k = 0; k < 10; k++)
            HIDE(k);
    }
    return NULL;
}

uint64_t work_mutex(void)
{
    shared[0] = shared[1] = 0;
    in_two_threads(use_mutex, use_mutex);
    return sum_add(shared[0], shared[1]);
}

static atomic_int spin;

// A waiter gives way after a while: the holder may have no processor.
static void *use_spinlock(void *unused)
{
    (void)unused;
    for (int i = 0; i < 1000000; i++) {
        for (int tries = 0; atomic_exchange_explicit(&spin, 1, memory_order_acquire);)
            if (++tries % 200 == 0)
                sched_yield();
        shared[2] = shared[2] * 3 + 1;
        shared[3]++;
        atomic_store_explicit(&spin, 0, memory_order_release);
        for (int k = 0; k < 10; k++)
            HIDE(k);
    }
    return NULL;
}

uint64_t work_spinlock(void)
{
    shared[2] = shared[3] = 0;
    in_two_threads(use_spinlock, use_spinlock);
    return sum_add(shared[2], shared[3]);
}

static _Atomic uint64_t counters[32];

static void *use_counters(void *which)
{
    for (uint64_t i = 0; i < 1500000; i++) {
        atomic_fetch_add_explicit(&counters[0], i, memory_order_relaxed);
        atomic_fetch_xor(&counters[16 + ((uintptr_t)which << 3)], i);
        uint64_t seen = atomic_load_explicit(&counters[1], memory_order_relaxed);
        if (seen < i)
            atomic_compare_exchange_strong(&counters[1], &seen, i);
    }
    return NULL;
}

uint64_t work_counters(void)
{
    for (int i = 0; i < 32; i++)
        counters[i] = 0;
    in_two_threads(use_counters, use_counters);
    return sum_add(sum_add(counters[0], counters[1]), counters[16] ^ counters[24]);
}

// No sharing but the start and the end.
static void *work_alone(void *which)
{
    uint64_t state = NUMBER_START + (uintptr_t)which, sum = 0;
    uint32_t *table = work_memory(65536 * sizeof *table);
    for (int i = 0; i < 30000000; i++) {
        uint64_t value = number_next(&state);
        table[value >> 48] += (uint32_t)value;
        sum += table[value & 0xffff];
    }
    free(table);
    shared[8 + 16 * (uintptr_t)which] = sum;
    return NULL;
}

uint64_t work_parallel(void)
{
    in_two_threads(work_alone, work_alone);
    return sum_add(shared[8], shared[24]);
}

static int turn;

static void *take_turns(void *which)
{
    int me = (int)(uintptr_t)which;
    for (int i = 0; i < 6000; i++) {
        pthread_mutex_lock(&mutex);
        while (turn != me)
            pthread_cond_wait(&changed, &mutex);
        turn = !me;
        shared[4]++;
        pthread_cond_signal(&changed);
        pthread_mutex_unlock(&mutex);
    }
    return NULL;
}

uint64_t work_wakeups(void)
{
    turn = 0;
    shared[4] = 0;
    in_two_threads(take_turns, take_turns);
    return shared[4];
}

// One writer, one reader, no lock.
enum { RING = 1024, ITEMS = 2000000 };
static uint64_t ring[RING];
static _Atomic uint64_t ring_in, ring_out;

static void *ring_write(void *unused)
{
    (void)unused;
    for (uint64_t i = 0; i < ITEMS; i++) {
        while (i - atomic_load_explicit(&ring_out, memory_order_acquire) >= RING)
            sched_yield();
        ring[i % RING] = i * 7;
        atomic_store_explicit(&ring_in, i + 1, memory_order_release);
    }
    return NULL;
}

static void *ring_read(void *unused)
{
    uint64_t sum = SUM_START;
    (void)unused;
    for (uint64_t i = 0; i < ITEMS; i++) {
        while (atomic_load_explicit(&ring_in, memory_order_acquire) == i)
            sched_yield();
        sum = sum_add(sum, ring[i % RING]);
        atomic_store_explicit(&ring_out, i + 1, memory_order_release);
    }
    shared[5] = sum;
    return NULL;
}

uint64_t work_ring(void)
{
    ring_in = ring_out = 0;
    in_two_threads(ring_read, ring_write);
    return shared[5];
}

// One thread takes pages away and gives them back, which the other's processor has to be told.
static uint8_t *area;
static atomic_int stop;
enum { PAGE = 65536, PAGES = 8 };

static void *change_pages(void *unused)
{
    (void)unused;
    for (int i = 0; i < 3000; i++) {
        uint8_t *page = area + (size_t)(i % PAGES) * PAGE;
        mprotect(page, PAGE, PROT_READ);
        mprotect(page, PAGE, PROT_READ | PROT_WRITE);
        madvise(page, PAGE, MADV_DONTNEED);
        page[1] = 1;
    }
    stop = 1;
    return NULL;
}

static void *read_pages(void *unused)
{
    uint64_t sum = 0;
    (void)unused;
    while (!stop)
        for (int i = 0; i < PAGES; i++)
            sum += ((volatile uint8_t *)area)[(size_t)i * PAGE];
    HIDE(sum);
    return NULL;
}

uint64_t work_shootdown(void)
{
    area = mmap(NULL, PAGE * PAGES, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (area == MAP_FAILED)
        work_fail("mmap");
    stop = 0;
    in_two_threads(change_pages, read_pages);
    uint64_t sum = 0;
    for (int i = 0; i < PAGES; i++)
        sum = sum * 3 + area[(size_t)i * PAGE + 1];
    munmap(area, PAGE * PAGES);
    return sum;
}
