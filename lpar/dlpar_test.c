// SPDX-License-Identifier: Apache-2.0
// Changes of a partition with an operating system that does as it is asked, refuses, or sleeps.
#include "lpar/dlpar.h"

#include "base/endian.h"
#include "isa/isa.h"
#include "papr/events.h"
#include "papr/test_partition.h"
#include "papr/tree.h"

#define LMB    (256 * MIB)
#define SECOND 1000000000ll

static struct partition *lp;
static u32 refuses; // the connector that the OS keeps
static u32 fails;   // the processor of which it starts one thread, and gives it back then
static struct dlpar *under_way;
static bool asleep, says_no, blind, halves;
static unsigned looked; // at what it has already

static void begin_with(u32 threads)
{
    struct partition_config c = test_config(1, threads, LEVEL_V30);
    static struct hv_ops ops;
    ops = test_hv_ops;
    c.vcpus_max = 4;
    c.memory = 4 * LMB;
    c.memory_min = 2 * LMB;
    c.memory_max = 8 * LMB;
    lp = test_partition_of(&c, &ops);
    refuses = fails = looked = 0;
    asleep = says_no = blind = halves = false;
}

static void begin(void)
{
    begin_with(1);
}

static void set_threads(u32 index, int state)
{
    for (u32 i = 0; i < lp->config.threads; i++)
        atomic_store(&cpu_papr(partition_cpu(lp, index - DRC_CPU + i))->state, state);
}

static void configure(u32 index)
{
    u8 area[4096] = {0};
    store_be32(area, index);
    guest_mem_write(&lp->mem, 0x20000, area, sizeof(area));
    while (drc_configure(lp, 0x20000) > 0)
        ;
}

static void take(struct cpu *cpu, u32 index)
{
    u32 state;
    if (blind && index >= DRC_LMB)
        return;
    if (drc_entity_sense(cpu, index, &state) || state != 2) {
        looked++;
        return;
    }
    if (index == refuses || drc_set_allocation(cpu, index, 1) || drc_set_isolation(cpu, index, 1))
        return;
    configure(index);
    if (index < DRC_LMB)
        set_threads(index, THREAD_RUNNING);
    if (index == fails) {
        dlpar_step(under_way, lp, under_way->heard_at);
        set_threads(index, THREAD_STOPPED);
        drc_set_isolation(cpu, index, 0);
        drc_set_allocation(cpu, index, 0);
    }
}

static void give(struct cpu *cpu, u32 index)
{
    u32 state;
    if (index == refuses) {
        if (halves)
            atomic_store(&cpu_papr(partition_cpu(lp, index - DRC_CPU + 1))->state, THREAD_STOPPED);
        if (says_no)
            drc_set_isolation(cpu, index, 1);
        return;
    }
    if (index < DRC_LMB)
        set_threads(index, THREAD_STOPPED);
    if (!drc_entity_sense(cpu, index, &state) && state == 1 && !drc_set_isolation(cpu, index, 0))
        drc_set_allocation(cpu, index, 0);
}

static void serve(void)
{
    u8 log[EVENT_LOG_MAX];
    struct cpu *cpu = lp->group.cpus[0];
    while (!asleep && events_take(lp, EVENT_HOT_PLUG, log, sizeof(log))) {
        const u8 *hp = log + 8 + 16 + 48 + 24;
        cpu_enter(cpu);
        if (hp[9] == HOTPLUG_ADD)
            take(cpu, load_be32(hp + 12));
        else
            give(cpu, load_be32(hp + 12));
        cpu_leave(cpu);
    }
}

// Until it is over; how many seconds it took.
static s64 run(struct dlpar *d, enum drc_kind kind, bool add, u32 wanted, u64 seconds)
{
    s64 now = SECOND;
    under_way = d;
    dlpar_begin(d, 1, kind, add, wanted, seconds, now);
    for (unsigned i = 0; i < 10000; i++) {
        s64 wait = dlpar_step(d, lp, now);
        for (unsigned events = 0; events < 4 && d->active; events++) { // what it does is heard of at once
            serve();
            wait = dlpar_step(d, lp, now);
        }
        if (!d->active)
            return now / SECOND - 1;
        now += MAX(wait, 1);
    }
    return -1;
}

static void test_all(void)
{
    struct dlpar d;
    begin();
    run(&d, DRC_KIND_CPU, true, 3, 300);
    CHECK_EQ(d.done, 3);
    CHECK_EQ(drc_owned(lp, DRC_KIND_CPU), 4);
    CHECK_EQ(looked, 3); // after each: whether it is at the next event already
    run(&d, DRC_KIND_CPU, false, 2, 300);
    CHECK_EQ(d.done, 2);
    CHECK_EQ(drc_owned(lp, DRC_KIND_CPU), 2);
    run(&d, DRC_KIND_LMB, true, 4, 300);
    CHECK_EQ(d.done, 4);
    run(&d, DRC_KIND_LMB, false, 4, 300);
    CHECK_EQ(d.done, 4);
    CHECK_EQ(drc_owned(lp, DRC_KIND_LMB), 4);
    CHECK_EQ(looked, 3); // otherwise nobody had to be asked how it goes
    partition_fini(lp);
}

// It says nothing: another one is taken in its place.
static void test_silent_refusal(void)
{
    struct dlpar d;
    begin();
    refuses = DRC_LMB + 3;
    s64 took = run(&d, DRC_KIND_LMB, false, 1, 300);
    CHECK_EQ(d.done, 1);
    CHECK_EQ(d.refused, 1);
    CHECK_EQ(looked, 1);
    CHECK(took < 60);
    run(&d, DRC_KIND_LMB, false, 1, 300); // what is left is the real mode area
    CHECK_EQ(d.done, 0);
    CHECK(!d.timed_out);
    CHECK_EQ(drc_owned(lp, DRC_KIND_LMB), 3);
    refuses = DRC_LMB + 4;
    run(&d, DRC_KIND_LMB, true, 9, 300);
    CHECK_EQ(d.done, 4); // 2, 5, 6, 7
    partition_fini(lp);
}

static void test_refusal_that_is_said(void)
{
    struct dlpar d;
    begin();
    run(&d, DRC_KIND_CPU, true, 1, 300);
    refuses = DRC_CPU + 1;
    looked = 0;
    says_no = true;
    run(&d, DRC_KIND_CPU, false, 1, 300);
    CHECK_EQ(d.refused, 1);
    CHECK_EQ(d.halved, 0);
    CHECK_EQ(looked, 0);
    CHECK_EQ(drc_owned(lp, DRC_KIND_CPU), 1); // the other one instead
    run(&d, DRC_KIND_CPU, false, 1, 300);
    CHECK_EQ(d.done, 0); // the last one stays
    partition_fini(lp);
}

// A processor whose second thread does not come: the OS takes none of it, and that is what is said.
static void test_half_a_processor(void)
{
    struct dlpar d;
    begin();
    fails = DRC_CPU + 2;
    run(&d, DRC_KIND_CPU, true, 3, 300);
    CHECK_EQ(d.done, 2);
    CHECK_EQ(d.refused, 1);
    CHECK_EQ(drc_owned(lp, DRC_KIND_CPU), 3);
    partition_fini(lp);
}

// It takes a thread of a processor offline, and keeps the processor.
static void test_halved(void)
{
    struct dlpar d;
    begin_with(2);
    run(&d, DRC_KIND_CPU, true, 1, 300);
    CHECK_EQ(drc_threads(lp, DRC_CPU + 2), 2);
    refuses = DRC_CPU + 2;
    halves = true;
    run(&d, DRC_KIND_CPU, false, 2, 300);
    CHECK_EQ(d.refused, 1);
    CHECK_EQ(d.halved, 1);
    CHECK_EQ(d.done, 1); // the other one
    partition_fini(lp);
}

// An OS without memory hotplug does not look at what tells that it has gone on.
static void test_no_confirmation(void)
{
    struct dlpar d;
    begin();
    blind = true;
    s64 took = run(&d, DRC_KIND_CPU, true, 1, 300);
    CHECK_EQ(d.done, 1);
    CHECK(took >= 30 && took < 60);
    partition_fini(lp);
}

static void test_time_limit(void)
{
    struct dlpar d;
    begin();
    asleep = true;
    CHECK_EQ(run(&d, DRC_KIND_LMB, true, 2, 30), 30);
    CHECK(d.timed_out);
    CHECK_EQ(d.done, 0);
    asleep = false;
    serve(); // too late
    CHECK_EQ(drc_owned(lp, DRC_KIND_LMB), 4);
    partition_fini(lp);
}

int main(void)
{
    TEST(test_all);
    TEST(test_silent_refusal);
    TEST(test_refusal_that_is_said);
    TEST(test_half_a_processor);
    TEST(test_halved);
    TEST(test_no_confirmation);
    TEST(test_time_limit);
    return test_done();
}
