// SPDX-License-Identifier: Apache-2.0
// Clocks: monotonic on every processor, sleeps that end when they should, random numbers.
#define _GNU_SOURCE
#include "checks.h"

#include <pthread.h>
#include <string.h>
#include <sys/random.h>
#include <time.h>

static _Atomic uint64_t latest;
static _Atomic int backwards;

static uint64_t now(clockid_t clock)
{
    struct timespec t;
    clock_gettime(clock, &t);
    return t.tv_sec * 1000000000ull + t.tv_nsec;
}

// The clock that one processor has read is never ahead of what another reads after it.
static void *watch(void *argument)
{
    (void)argument;
    for (int i = 0; i < 5000; i++) {
        uint64_t before = latest, time = now(CLOCK_MONOTONIC);
        if (time < before)
            backwards++;
        while (before < time && !__atomic_compare_exchange_n((uint64_t *)&latest, &before, time, 0, __ATOMIC_SEQ_CST,
                                                             __ATOMIC_SEQ_CST))
            ;
    }
    return NULL;
}

void checks_time(void)
{
    pthread_t thread[4];
    for (int i = 0; i < 4; i++)
        pthread_create(&thread[i], NULL, watch, NULL);
    for (int i = 0; i < 4; i++)
        pthread_join(thread[i], NULL);
    check("time-monotonic", backwards == 0, "%d steps back", (int)backwards);

    uint64_t start = now(CLOCK_MONOTONIC);
    for (int i = 0; i < 5; i++)
        nanosleep(&(struct timespec){0, 10000000}, NULL);
    uint64_t slept = now(CLOCK_MONOTONIC) - start;
    check("time-sleep", slept >= 50000000 && slept < 5000000000, "five sleeps of 10 ms took %llu ns", (unsigned long long)slept);
    check("time-of-day", now(CLOCK_REALTIME) / 1000000000 > 1700000000, "the clock shows a time before 2023");

    unsigned char a[64] = {0}, b[64] = {0};
    check("random", getrandom(a, 64, 0) == 64 && getrandom(b, 64, 0) == 64 && memcmp(a, b, 64), "two equal reads");
}
