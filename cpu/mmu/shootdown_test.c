// SPDX-License-Identifier: Apache-2.0
// A thread that runs while another takes its translations away: after group_invalidate() returns, the old page is not touched again.
#include <pthread.h>
#include <sched.h>
#include <unistd.h>

#include "cpu/test_machine.h"

#define PRTB   0x100000ull
#define ROOT   0x200000ull
#define PAGE_A 0x400000ull
#define PAGE_B 0x500000ull
#define LEAF   (PPC_BIT(0) | PPC_BIT(1) | 0x100 | 0x80 | 8 | 6 | 1)
#define EA     0x10000000ull

static u64 *at(struct machine *m, u64 gra)
{
    return guest_mem_at(&m->mem, gra, 8);
}

// One level of 2 MiB pages for the low 64 GiB would do; the tree has 13, 9 and 9 bits above them, all through slot 0.
static u64 build(struct machine *m)
{
    store_be64(at(m, PRTB), (21ull >> 3) << 61 | (21ull & 7) << 5 | ROOT | 13);
    store_be64(at(m, ROOT), PPC_BIT(0) | 0x210000 | 9);
    store_be64(at(m, 0x210000), PPC_BIT(0) | 0x211000 | 9);
    for (u64 i = 0; i < 8; i++)
        store_be64(at(m, 0x211000 + i * 8), LEAF | i * 2 * MIB);
    u64 slot = 0x211000 + (EA >> 21) * 8;
    store_be64(at(m, slot), PPC_BIT(0) | 0x212000 | 9);
    store_be64(at(m, 0x212000), LEAF | PAGE_A);
    return 0x212000;
}

static void *runner(void *arg)
{
    struct machine *m = arg;
    interp_engine.run(m->cpu);
    return NULL;
}

static struct machine *start(pthread_t *thread)
{
    struct machine *m = machine_new(1, LEVEL_V30);
    m->group.radix = m->group.gtse = true;
    m->group.prtb = PRTB;
    machine_put(m, TEST_CODE, I_LD(3, 0, 4), false);
    machine_put(m, TEST_CODE + 4, 0x38630001, false); // addi r3,r3,1
    machine_put(m, TEST_CODE + 8, I_STD(3, 0, 4), false);
    machine_put(m, TEST_CODE + 12, 0x4bfffff4, false); // b TEST_CODE
    m->cpu->gpr[4] = EA;
    m->cpu->nia = TEST_CODE;
    build(m);
    cpu_set_msr(m->cpu, MSR_BASE | MSR_IR | MSR_DR);
    pthread_create(thread, NULL, runner, m);
    return m;
}

static u64 count(struct machine *m, u64 page)
{
    return __atomic_load_n(at(m, page), __ATOMIC_SEQ_CST);
}

static void wait_for_progress(struct machine *m, u64 page)
{
    u64 before = count(m, page);
    for (unsigned i = 0; i < 10000000 && count(m, page) == before; i++)
        sched_yield();
    CHECK(count(m, page) != before);
}

static void stop(struct machine *m, pthread_t thread)
{
    cpu_kick(m->cpu, ATTN_STOP);
    pthread_join(thread, NULL);
    machine_free(m);
}

static void test_remapped_page_is_left_alone(void)
{
    pthread_t thread;
    struct machine *m = start(&thread);
    for (unsigned round = 0; round < 200; round++) {
        u64 old = round & 1 ? PAGE_B : PAGE_A, new = round & 1 ? PAGE_A : PAGE_B;
        wait_for_progress(m, old);
        store_be64(at(m, 0x212000), LEAF | new);
        static const enum tlb_scope scopes[] = {TLB_EA_PAGE, TLB_PID, TLB_ALL, TLB_REAL};
        enum tlb_scope scope = scopes[round / 2 % 4];
        group_invalidate(&m->group, NULL, scope, scope == TLB_REAL ? old : EA, 0, 12);
        u64 before = count(m, old);
        wait_for_progress(m, new);
        CHECK_EQ(count(m, old), before);
    }
    stop(m, thread);
}

// Dirty tracking: a page that is made clean while a thread writes it is reported as written again, every time.
static void test_clean_page_is_seen_dirty(void)
{
    pthread_t thread;
    struct machine *m = start(&thread);
    _Atomic u8 *flags = &m->mem.flags[PAGE_A >> GUEST_PAGE_SHIFT];
    wait_for_progress(m, PAGE_A);
    for (unsigned round = 0; round < 200; round++) {
        u8 old = atomic_fetch_or(flags, PAGE_CLEAN);
        if (old & PAGE_WRITABLE) {
            atomic_fetch_and(flags, (u8)~PAGE_WRITABLE);
            group_invalidate(&m->group, NULL, TLB_REAL_WRITE, PAGE_A, 0, 0);
        }
        wait_for_progress(m, PAGE_A);
        wait_for_progress(m, PAGE_A);
        CHECK(!(atomic_load(flags) & PAGE_CLEAN));
    }
    stop(m, thread);
}

// Instructions that another thread replaces: the loop's addi becomes an addition of two, and back.
static void test_code_that_changes(void)
{
    pthread_t thread;
    struct machine *m = start(&thread);
    for (unsigned round = 0; round < 100; round++) {
        wait_for_progress(m, PAGE_A);
        machine_put(m, TEST_CODE + 4, 0x38630000u | (round & 1 ? 1 : 2), false);
    }
    machine_put(m, TEST_CODE + 12, I_SC1, false);
    pthread_join(thread, NULL);
    CHECK_EQ(m->stopped_at, TEST_CODE + 12);
    machine_free(m);
}

int main(void)
{
    alarm(120);
    TEST(test_remapped_page_is_left_alone);
    TEST(test_clean_page_is_seen_dirty);
    TEST(test_code_that_changes);
    return test_done();
}
