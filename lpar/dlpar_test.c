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
static bool asleep, says_no;
static unsigned looked; // at what it has already

static void begin(void)
{
    struct partition_config c = test_config(1, 1, LEVEL_V30);
    static struct hv_ops ops;
    ops = test_hv_ops;
    c.vcpus_max = 4;
    c.memory = 4 * LMB;
    c.memory_min = 2 * LMB;
    c.memory_max = 8 * LMB;
    lp = test_partition_of(&c, &ops);
    refuses = looked = 0;
    asleep = says_no = false;
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
    if (drc_entity_sense(cpu, index, &state) || state != 2) {
        looked++;
        return;
    }
    if (index == refuses || drc_set_allocation(cpu, index, 1) || drc_set_isolation(cpu, index, 1))
        return;
    configure(index);
    if (index < DRC_LMB)
        atomic_store(&cpu_papr(partition_cpu(lp, index - DRC_CPU))->state, THREAD_RUNNING);
}

static void give(struct cpu *cpu, u32 index)
{
    u32 state;
    if (index == refuses) {
        if (says_no)
            drc_set_isolation(cpu, index, 1);
        return;
    }
    if (index < DRC_LMB)
        atomic_store(&cpu_papr(partition_cpu(lp, index - DRC_CPU))->state, THREAD_STOPPED);
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
    run(&d, DRC_KIND_CPU, false, 2, 300);
    CHECK_EQ(d.done, 2);
    CHECK_EQ(drc_owned(lp, DRC_KIND_CPU), 2);
    run(&d, DRC_KIND_LMB, true, 4, 300);
    CHECK_EQ(d.done, 4);
    run(&d, DRC_KIND_LMB, false, 4, 300);
    CHECK_EQ(d.done, 4);
    CHECK_EQ(drc_owned(lp, DRC_KIND_LMB), 4);
    CHECK_EQ(looked, 0); // nobody had to be asked how it goes
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
    says_no = true;
    run(&d, DRC_KIND_CPU, false, 1, 300);
    CHECK_EQ(d.refused, 1);
    CHECK_EQ(looked, 0);
    CHECK_EQ(drc_owned(lp, DRC_KIND_CPU), 1); // the other one instead
    run(&d, DRC_KIND_CPU, false, 1, 300);
    CHECK_EQ(d.done, 0); // the last one stays
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
    TEST(test_time_limit);
    return test_done();
}
