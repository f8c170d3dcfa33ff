// SPDX-License-Identifier: Apache-2.0
// Several hardware threads on real host threads: stopping, invalidation, exclusive sections, idling, code written meanwhile.
#include "cpu/group.h"

#include <pthread.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/test.h"
#include "cpu/code.h"
#include "cpu/except.h"
#include "cpu/mmu/mmu.h"
#include "cpu/run.h"
#include "isa/isa.h"

#define THREADS 3
#define INSN_BRANCH_SELF 0x48000000u // b .
#define INSN_BRANCH_BACK 0x4bfffffcu // b .-4
#define INSN_ADDI_R3 0x38630001u     // addi r3,r3,1

static struct guest_mem mem;
static struct cpu_group group;
static pthread_t hosts[THREADS];
static enum cpu_exit exits[THREADS];

static void put_insn(u64 gra, u32 insn)
{
    guest_mem_write(&mem, gra, &insn, sizeof(insn)); // little-endian
}

static void setup(void)
{
    static const struct cpu_hooks hooks = {0};
    CHECK_EQ(guest_mem_init(&mem, 4 * MIB), 0);
    CHECK_EQ(group_init(&group, &mem, &hooks, NULL), 0);
    group.radix = true;
    for (u32 i = 0; i < THREADS; i++) {
        struct cpu *cpu = group_add_cpu(&group, i, 0, i, 0x4e1203);
        CHECK(cpu != NULL);
        cpu->isa_level = LEVEL_V30;
        cpu->dec_expires = ~0ull >> 1;
        cpu_set_msr(cpu, MSR_SF | MSR_LE);
        cpu->nia = 0x1000 * (i + 1);
        put_insn(cpu->nia, INSN_ADDI_R3);
        put_insn(cpu->nia + 4, INSN_BRANCH_BACK);
    }
}

static void teardown(void)
{
    group_fini(&group);
    guest_mem_fini(&mem);
}

static void *host_main(void *arg)
{
    struct cpu *cpu = arg;
    exits[cpu->index] = interp_engine.run(cpu);
    return NULL;
}

static void start(void)
{
    for (u32 i = 0; i < THREADS; i++)
        pthread_create(&hosts[i], NULL, host_main, group.cpus[i]);
    for (u32 i = 0; i < THREADS; i++) {
        while (!atomic_load(&group.cpus[i]->running))
            usleep(100);
    }
}

static void stop(void)
{
    for (u32 i = 0; i < THREADS; i++)
        cpu_kick(group.cpus[i], ATTN_STOP);
    for (u32 i = 0; i < THREADS; i++) {
        pthread_join(hosts[i], NULL);
        CHECK_EQ(exits[i], EXIT_STOPPED);
        atomic_fetch_and(&group.cpus[i]->attn, ~(u32)ATTN_STOP);
    }
}

static bool all_turned(void)
{
    bool all = true;
    for (u32 i = 0; i < THREADS; i++)
        all &= group.cpus[i]->gpr[3] > 100;
    return all;
}

static void test_run_and_stop(void)
{
    setup();
    do { // a busy host may not have run one of them meanwhile
        start();
        usleep(5000);
        stop();
    } while (!all_turned());
    for (u32 i = 0; i < THREADS; i++) {
        const struct cpu *cpu = group.cpus[i];
        // Every instruction is counted exactly once, wherever the stop came.
        CHECK_EQ(cpu->insns, 2 * cpu->gpr[3] - (cpu->nia & 4 ? 1 : 0));
        CHECK_EQ(cpu->nia & ~4ull, 0x1000 * (i + 1));
    }
    teardown();
}

static void test_exclusive_section(void)
{
    setup();
    start();
    for (unsigned round = 0; round < 50; round++) {
        group_exclusive_begin(&group, NULL);
        u64 seen[THREADS];
        for (u32 i = 0; i < THREADS; i++)
            seen[i] = group.cpus[i]->gpr[3];
        usleep(200);
        for (u32 i = 0; i < THREADS; i++)
            CHECK_EQ(group.cpus[i]->gpr[3], seen[i]);
        code_flush_all(&group);
        group_exclusive_end(&group, NULL);
        group_invalidate(&group, NULL, TLB_ALL, 0, 0, 0);
    }
    stop();
    teardown();
}

static void *invalidator(void *arg)
{
    for (unsigned i = 0; i < 500; i++)
        group_invalidate(&group, NULL, i % 3 ? TLB_EA_PAGE : TLB_ALL, i << 12, 0, 12);
    return arg;
}

static void test_concurrent_invalidations(void)
{
    pthread_t two[2];
    setup();
    start();
    for (unsigned i = 0; i < 2; i++)
        pthread_create(&two[i], NULL, invalidator, NULL);
    for (unsigned i = 0; i < 2; i++)
        pthread_join(two[i], NULL);
    stop();
    teardown();
}

// Code that changes under a running thread is executed as changed.
static void test_code_written_meanwhile(void)
{
    setup();
    start();
    for (u32 i = 0; i < THREADS; i++)
        put_insn(0x1000 * (i + 1) + 4, INSN_BRANCH_SELF);
    u64 seen[THREADS];
    for (bool arrived = false; !arrived;) { // each thread has come by the new branch
        usleep(500);
        arrived = true;
        group_exclusive_begin(&group, NULL);
        for (u32 i = 0; i < THREADS; i++) {
            arrived = arrived && group.cpus[i]->nia == 0x1000 * (i + 1) + 4;
            seen[i] = group.cpus[i]->gpr[3];
        }
        group_exclusive_end(&group, NULL);
    }
    usleep(2000);
    stop();
    for (u32 i = 0; i < THREADS; i++) {
        CHECK_EQ(group.cpus[i]->gpr[3], seen[i]);
        CHECK_EQ(group.cpus[i]->nia, 0x1000 * (i + 1) + 4);
    }
    teardown();
}

static _Atomic int idle_state;

static void *idler(void *arg)
{
    struct cpu *cpu = arg;
    cpu_enter(cpu);
    atomic_store(&idle_state, 1);
    cpu_idle(cpu, ~0ull);
    atomic_store(&idle_state, 2);
    cpu_leave(cpu);
    return NULL;
}

static void test_idle_wakes_on_line(void)
{
    pthread_t host;
    setup();
    struct cpu *cpu = group.cpus[0];
    atomic_store(&idle_state, 0);
    pthread_create(&host, NULL, idler, cpu);
    while (atomic_load(&idle_state) == 0 || atomic_load(&cpu->running))
        usleep(100);
    // Another thread's invalidation does not wait for one that idles.
    group_invalidate(&group, NULL, TLB_ALL, 0, 0, 0);
    CHECK_EQ(atomic_load(&idle_state), 1);
    cpu_raise_line(cpu, LINE_PROD);
    pthread_join(host, NULL);
    CHECK_EQ(atomic_load(&idle_state), 2);
    teardown();
}

static void test_idle_wakes_on_decrementer(void)
{
    pthread_t host;
    setup();
    struct cpu *cpu = group.cpus[0];
    s64 before = clock_ns();
    cpu->dec_expires = cpu_timebase(cpu) + TIMEBASE_HZ / 100;
    pthread_create(&host, NULL, idler, cpu);
    pthread_join(host, NULL);
    CHECK(clock_ns() - before >= 9900000);
    teardown();
}

static const struct cpu_hooks no_hooks;

// A page cache full of predecoded pages is emptied and refilled while all threads run.
static void test_code_arena_overflow(void)
{
    CHECK_EQ(guest_mem_init(&mem, 64 * MIB), 0);
    CHECK_EQ(group_init(&group, &mem, &no_hooks, NULL), 0);
    group.radix = true;
    struct cpu *cpu = group_add_cpu(&group, 0, 0, 0, 0x4e1203);
    cpu->isa_level = LEVEL_V30;
    cpu->dec_expires = ~0ull >> 1;
    cpu_set_msr(cpu, MSR_SF | MSR_LE);
    // Each page: branch to the next one; the last one to itself.
    u32 pages = CODE_PAGES_MAX + 500;
    for (u32 i = 0; i < pages; i++)
        put_insn((u64)i * GUEST_PAGE_SIZE, i + 1 < pages ? 0x48001000u : INSN_BRANCH_SELF);
    pthread_create(&hosts[0], NULL, host_main, cpu);
    for (unsigned wait = 0; wait < 5000; wait++) {
        usleep(1000);
        if (atomic_load(&mem.code[pages - 1][0]))
            break;
    }
    cpu_kick(cpu, ATTN_STOP);
    pthread_join(hosts[0], NULL);
    CHECK_EQ(cpu->nia, (u64)(pages - 1) * GUEST_PAGE_SIZE);
    CHECK(atomic_load(&mem.code_used) <= CODE_PAGES_MAX);
    teardown();
}

static bool spin_allowed(struct cpu *cpu)
{
    return !(atomic_load(&cpu->attn) & ATTN_STEP); // here: the test's way to forbid it
}

// Short sleeps make the owner watch before the next one, a long sleep ends that; and watching is no deafness.
static void test_idle_watches_after_short_sleeps(void)
{
    static const struct cpu_hooks hooks = {.may_spin = spin_allowed};
    setup();
    struct cpu *cpu = group.cpus[0];
    group.hooks = &hooks;
    cpu->dec_expires = ~0ull >> 1;
    cpu_enter(cpu);
    for (unsigned i = 0; i < 200 && !cpu->idle_spin_ns; i++) // a loaded host makes some of them long
        cpu_idle(cpu, cpu_timebase(cpu) + 5);
    CHECK(cpu->idle_spin_ns > 0);
    cpu->idle_spin_ns = 100000000;
    pthread_t host;
    cpu_leave(cpu);
    atomic_store(&idle_state, 0);
    pthread_create(&host, NULL, idler, cpu);
    while (atomic_load(&idle_state) == 0 || atomic_load(&cpu->running))
        usleep(10);
    cpu_raise_line(cpu, LINE_PROD);
    pthread_join(host, NULL);
    CHECK_EQ(atomic_load(&idle_state), 2);
    cpu_lower_line(cpu, LINE_PROD);
    atomic_fetch_or(&cpu->attn, ATTN_STEP);
    cpu->idle_spin_ns = 1000;
    cpu_enter(cpu);
    cpu_idle(cpu, cpu_timebase(cpu) + TIMEBASE_HZ / 200);
    CHECK_EQ(cpu->idle_spin_ns, 0);
    cpu_leave(cpu);
    teardown();
}

int main(void)
{
    isa_init();
    TEST(test_run_and_stop);
    TEST(test_exclusive_section);
    TEST(test_concurrent_invalidations);
    TEST(test_code_written_meanwhile);
    TEST(test_idle_wakes_on_line);
    TEST(test_idle_wakes_on_decrementer);
    TEST(test_idle_watches_after_short_sleeps);
    TEST(test_code_arena_overflow);
    return test_done();
}
