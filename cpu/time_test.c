// SPDX-License-Identifier: Apache-2.0
// What the PURR counts, against the time base: which of them is more, never how much.
#include "cpu/time.h"

#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include "base/clock.h"
#include "cpu/group.h"
#include "cpu/test_machine.h"

static void test_only_processor_time(void)
{
    struct machine *m = machine_new(1, LEVEL_V30);
    struct cpu *cpu = m->cpu;
    u64 before = cpu_purr(cpu), vtb = cpu->vtb;
    cpu_time_start(cpu);
    usleep(20000); // the host's thread has no processor
    cpu_time_stop(cpu);
    CHECK(cpu->purr - before < cpu->vtb - vtb);
    CHECK_EQ(cpu_purr(cpu), cpu->purr_seen);
    machine_free(m);
}

// It may go ahead of the host's clock in between, but never back.
static void test_never_back(void)
{
    struct machine *m = machine_new(1, LEVEL_V30);
    struct cpu *cpu = m->cpu;
    u64 last = 0, back = 0;
    for (u32 i = 0; i < 2000; i++) {
        if (i % 100 == 0)
            cpu_time_start(cpu);
        if (i % 7 == 0)
            usleep(100);
        u64 value = cpu_purr(cpu);
        back += value < last;
        last = value;
        if (i % 100 == 99)
            cpu_time_stop(cpu);
    }
    CHECK_EQ(back, 0);
    CHECK(last > 0);
    machine_free(m);
}

// A region that is executed twice, by both engines, gets the same answer.
static void test_stands_still_with_the_time_base(void)
{
    struct machine *m = machine_new(1, LEVEL_V30);
    struct cpu *cpu = m->cpu;
    cpu_time_start(cpu);
    usleep(5000); // long enough that the host would be asked
    group_stop_time(cpu->group);
    struct cpu before = *cpu;
    u64 first = cpu_purr(cpu);
    cpu->purr = before.purr;
    cpu->purr_host_ns = before.purr_host_ns;
    cpu->purr_tb = before.purr_tb;
    cpu->purr_seen = before.purr_seen;
    for (u64 begun = clock_ns(); clock_ns() - begun < 3000000;)
        ;
    CHECK_EQ(cpu_purr(cpu), first);
    CHECK(first - before.purr <=
          TIMEBASE_HZ / 1000); // it slept: what is counted too early would not be counted again for so long
    group_start_time(cpu->group);
    cpu_time_stop(cpu);
    machine_free(m);
}

struct runner {
    struct cpu *cpu;
    _Atomic u32 *begun;
    u32 all;
    bool bound;
};

static void *run(void *arg)
{
    struct runner *r = arg;
    cpu_set_t one;
    CPU_ZERO(&one);
    CPU_SET(0, &one);
    r->bound = !sched_setaffinity(0, sizeof(one), &one);
    cpu_time_start(r->cpu);
    atomic_fetch_add(r->begun, 1);
    while (atomic_load(r->begun) < r->all)
        ;
    cpu_time_stop(r->cpu);
    return NULL;
}

// Hardware threads that share a processor share its time.
static void test_threads_add_up(void)
{
    enum { THREADS = 4 };
    struct machine *m = machine_new(1, LEVEL_V30);
    struct runner each[THREADS];
    pthread_t threads[THREADS];
    _Atomic u32 begun = 0;
    u64 sum = 0, began = cpu_timebase(m->cpu);
    bool bound = true;
    for (u32 i = 0; i < THREADS; i++) {
        struct cpu *cpu = i ? group_add_cpu(m->cpu->group, 0, i, i, m->cpu->pvr) : m->cpu;
        each[i] = (struct runner){cpu, &begun, THREADS, false};
    }
    for (u32 i = 0; i < THREADS; i++)
        CHECK_EQ(pthread_create(&threads[i], NULL, run, &each[i]), 0);
    for (u32 i = 0; i < THREADS; i++) {
        pthread_join(threads[i], NULL);
        bound &= each[i].bound;
        sum += each[i].cpu->purr;
    }
    CHECK(!bound || sum <= cpu_timebase(m->cpu) - began);
    machine_free(m);
}

int main(void)
{
    TEST(test_only_processor_time);
    TEST(test_never_back);
    TEST(test_stands_still_with_the_time_base);
    TEST(test_threads_add_up);
    return test_done();
}
