// SPDX-License-Identifier: Apache-2.0
// Translations that outlive a switch of context, and what must take them away all the same: every kind of switch with every kind of
// invalidation, for the supervisor and for problem state.
#include "cpu/mmu/access.h"
#include "cpu/mmu/mmu_int.h"
#include "cpu/mmu/slb.h"
#include "cpu/test_machine.h"

#define PRTB        0x100000ull
#define TABLES_AT   0x200000ull
#define DATA        0x400000ull
#define USER_EA     0x10000000ull
#define KERNEL_EA   0xc000000000000000ull
#define LEAF        (PPC_BIT(0) | PPC_BIT(1) | 0x100 | 0x80)
#define MSR_VIRT    (MSR_BASE | MSR_IR | MSR_DR)
#define MSR_PROBLEM (MSR_VIRT | MSR_PR | MSR_EE)
#define PIDS        12u // more than there are tables

static struct machine *m;

static u64 *word(u64 gra)
{
    return guest_mem_at(&m->mem, gra, 8);
}

// PID n: a tree of its own whose only 4 KiB pages are USER_EA (DATA + 64 KiB * n) and the next one; and one page of 64 KiB behind them.
static u64 leaf_at(unsigned pid, unsigned page)
{
    return TABLES_AT + pid * 0x8000ull + 0x4000 + page * 8;
}

static u64 data_of(unsigned pid, unsigned version)
{
    return DATA + pid * 0x10000ull + version * 0x2000;
}

static void map(unsigned pid, unsigned version)
{
    for (unsigned page = 0; page < 2; page++) {
        u64 gra = data_of(pid, version) + page * 0x1000;
        store_be64(word(leaf_at(pid, page)), LEAF | gra | 6);
        memset(word(gra), 0, 0x1000);
        *word(gra) = pid * 100 + version * 10 + page;
    }
}

static void build(unsigned pid)
{
    // 13, 9, 9 and 9 bits: the root is shared, as is the next level; they differ in the third one.
    u64 base = TABLES_AT + pid * 0x8000ull;
    u64 root = 0x300000 + pid * 0x10000ull;
    store_be64(word(PRTB + pid * 16), (21ull >> 3) << 61 | (21ull & 7) << 5 | root | 13);
    store_be64(word(root), PPC_BIT(0) | (base + 0x1000) | 9);
    store_be64(word(base + 0x1000), PPC_BIT(0) | (base + 0x2000) | 9);
    store_be64(word(base + 0x2000 + (USER_EA >> 21) * 8), PPC_BIT(0) | (base + 0x4000) | 9);
    if (!pid) { // the kernel's half: identity in pages of 2 MiB
        for (u64 i = 0; i < 8; i++)
            store_be64(word(base + 0x2000 + i * 8), LEAF | i * 2 * MIB | 8 | 6 | 1);
    }
    map(pid, 0);
}

static void start(unsigned threads)
{
    m = machine_new(threads, LEVEL_V30);
    m->group.radix = m->group.gtse = true;
    m->group.prtb = PRTB | 4;
    for (unsigned pid = 0; pid < PIDS; pid++)
        build(pid);
    for (unsigned t = 0; t < threads; t++)
        mmu_flush_local(m->group.cpus[t], TLB_ALL, 0, 0, 0);
}

static void state(struct cpu *cpu, unsigned pid, u64 msr)
{
    cpu->pidr = pid;
    cpu_set_msr(cpu, msr);
    mmu_context_changed(cpu);
}

// What the thread reads; ~0 when it would have to ask the tables in memory for it.
static u64 cached(struct cpu *cpu, u64 ea)
{
    const struct tlb_entry *e = tlb_slot(cpu, ea);
    return e->rtag == (ea & GUEST_PAGE_MASK) ? *(u64 *)(ea + e->addend) : ~0ull;
}

static u64 look_up(struct cpu *cpu, u64 ea)
{
    return mem_read64(cpu, ea);
}

static void test_spaces_stay(void)
{
    start(1);
    struct cpu *cpu = m->cpu;
    for (unsigned round = 0; round < 2; round++) {
        for (unsigned pid = 1; pid <= USER_TABLES; pid++) {
            state(cpu, pid, MSR_PROBLEM);
            CHECK_EQ(cached(cpu, USER_EA), round ? pid * 100 : ~0ull);
            CHECK_EQ(look_up(cpu, USER_EA), pid * 100);
        }
    }
    // One more takes the place of the one that was not used for the longest time.
    state(cpu, USER_TABLES + 1, MSR_PROBLEM);
    CHECK_EQ(cached(cpu, USER_EA), ~0ull);
    CHECK_EQ(look_up(cpu, USER_EA), (USER_TABLES + 1) * 100);
    state(cpu, 2, MSR_PROBLEM);
    CHECK_EQ(cached(cpu, USER_EA), 200);
    state(cpu, 1, MSR_PROBLEM);
    CHECK_EQ(cached(cpu, USER_EA), ~0ull);
    CHECK_EQ(look_up(cpu, USER_EA), 100);
    machine_free(m);
}

static void test_supervisor_loses_the_lower_half(void)
{
    start(1);
    struct cpu *cpu = m->cpu;
    for (unsigned round = 0; round < 3; round++) {
        for (unsigned pid = 1; pid < PIDS; pid++) {
            state(cpu, pid, MSR_VIRT);
            CHECK_EQ(cached(cpu, USER_EA), ~0ull);
            CHECK_EQ(look_up(cpu, USER_EA), pid * 100);
            CHECK_EQ(look_up(cpu, USER_EA + 0x1000), pid * 100 + 1);
            CHECK_EQ(look_up(cpu, KERNEL_EA + data_of(3, 0)), 300);
            state(cpu, pid + 1 < PIDS ? pid + 1 : 1, MSR_VIRT);
            CHECK_EQ(cached(cpu, USER_EA), ~0ull);
            CHECK_EQ(cached(cpu, USER_EA + 0x1000), ~0ull);
            CHECK_EQ(cached(cpu, KERNEL_EA + data_of(3, 0)), 300);
        }
    }
    machine_free(m);
}

// The page moves; after the invalidation nobody reads the old one, whichever space is chosen at the moment and whichever state looks.
static void test_invalidations(void)
{
    static const struct {
        enum tlb_scope scope;
        u64 ea, shift;
    } kinds[] = {{TLB_EA_PAGE, USER_EA, 12},
                 {TLB_EA_PAGE, USER_EA, 16},
                 {TLB_EA_PAGE, USER_EA, 21},
                 {TLB_EA_PAGE, USER_EA, 30},
                 {TLB_PID, 0, 0},
                 {TLB_ALL, 0, 0}};
    static const u64 states[] = {MSR_PROBLEM, MSR_VIRT};
    start(2);
    struct cpu *cpu = m->cpu, *other = m->group.cpus[1];
    unsigned version[PIDS] = {0};
    for (unsigned n = 0; n < ARRAY_LEN(kinds) * 2 * 2 * 3; n++) {
        unsigned kind = n % ARRAY_LEN(kinds), here = n / 6 % 3;
        u64 msr = states[n / 18 % 2], msr2 = states[n / 36 % 2];
        for (unsigned pid = 1; pid <= 4; pid++) {
            state(cpu, pid, msr);
            state(other, pid, msr);
            CHECK_EQ(look_up(cpu, USER_EA), pid * 100 + version[pid] * 10);
            CHECK_EQ(look_up(other, USER_EA), pid * 100 + version[pid] * 10);
        }
        // The space of PID 2 is the one that is chosen, or not, or one has gone through real mode since.
        state(cpu, here ? 3 : 2, here == 2 ? MSR_BASE : msr2);
        state(other, here ? 2 : 3, msr2);
        version[2] ^= 1;
        map(2, version[2]);
        group_invalidate(&m->group, cpu, kinds[kind].scope, kinds[kind].ea, 2, kinds[kind].shift);
        cpu_serve_requests(other);
        for (unsigned s = 0; s < 2; s++) {
            for (unsigned pid = 1; pid <= 4; pid++) {
                state(cpu, pid, states[s]);
                state(other, pid, states[s]);
                CHECK_EQ(look_up(cpu, USER_EA), pid * 100 + version[pid] * 10);
                CHECK_EQ(look_up(other, USER_EA), pid * 100 + version[pid] * 10);
            }
        }
    }
    machine_free(m);
}

// Others keep theirs when one process or page is invalidated, and threads without it are not asked.
static void test_others_keep_theirs(void)
{
    start(2);
    struct cpu *cpu = m->cpu, *other = m->group.cpus[1];
    for (unsigned pid = 1; pid <= 3; pid++) {
        state(cpu, pid, MSR_PROBLEM);
        look_up(cpu, USER_EA);
        look_up(cpu, USER_EA + 0x1000);
    }
    state(other, 7, MSR_PROBLEM);
    CHECK(mmu_may_hold(cpu, 1) && mmu_may_hold(cpu, 3) && !mmu_may_hold(cpu, 4));
    CHECK(mmu_may_hold(other, 7) && !mmu_may_hold(other, 1) && mmu_may_hold(other, 0));
    group_invalidate(&m->group, cpu, TLB_EA_PAGE, USER_EA, 1, 12);
    CHECK(!(atomic_load(&other->attn) & ATTN_REQUEST));
    state(cpu, 1, MSR_PROBLEM);
    CHECK_EQ(cached(cpu, USER_EA), ~0ull);
    CHECK_EQ(cached(cpu, USER_EA + 0x1000), 101);
    group_invalidate(&m->group, cpu, TLB_PID, 0, 2, 0);
    state(cpu, 2, MSR_PROBLEM);
    CHECK_EQ(cached(cpu, USER_EA + 0x1000), ~0ull);
    state(cpu, 3, MSR_PROBLEM);
    CHECK_EQ(cached(cpu, USER_EA), 300);
    group_invalidate(&m->group, cpu, TLB_PID, 0, 7, 0);
    CHECK(atomic_load(&other->attn) & ATTN_REQUEST);
    machine_free(m);
}

// The kernel opens and closes access to user memory: each state keeps what it found, and finds no more than it may.
static void test_guards(void)
{
    start(1);
    struct cpu *cpu = m->cpu;
    static const u64 amr[] = {0, PPC_BIT(0), PPC_BIT(1), PPC_BITMASK(0, 1)};
    for (unsigned round = 0; round < 2; round++) {
        for (unsigned i = 0; i < 4; i++) {
            cpu->amr = amr[i];
            state(cpu, 1, MSR_VIRT);
            const struct tlb_entry *e = tlb_slot(cpu, USER_EA);
            CHECK_EQ(e->rtag == USER_EA, round && i < 2);
            CHECK_EQ(e->wtag == USER_EA, round && i == 0);
            if (i < 2)
                CHECK_EQ(look_up(cpu, USER_EA), 100);
        }
        cpu->amr = 0;
        state(cpu, 1, MSR_VIRT);
        mem_write64(cpu, USER_EA + 8, 1);
    }
    machine_free(m);
}

// A table that is too small grows, and still holds what it held.
static void test_growth(void)
{
    start(1);
    struct cpu *cpu = m->cpu;
    state(cpu, 1, MSR_BASE); // real mode: all memory, 4096 pages
    u64 pages = TEST_MEMORY / GUEST_PAGE_SIZE;
    for (unsigned round = 0; round < 8; round++) {
        for (u64 i = 0; i < pages; i++) {
            u64 ea = i * GUEST_PAGE_SIZE + 0xff8;
            CHECK_EQ(look_up(cpu, ea), *word(ea));
        }
    }
    CHECK(mmu_counts(cpu).grown >= 2);
    u64 held = 0;
    for (u64 i = 0; i < pages; i++)
        held += tlb_slot(cpu, i * GUEST_PAGE_SIZE)->rtag == i * GUEST_PAGE_SIZE;
    CHECK(held > pages / 2);
    mmu_flush_local(cpu, TLB_REAL, DATA, 0, 0);
    CHECK_EQ(tlb_slot(cpu, DATA)->rtag, TLB_NO_TAG);
    mmu_flush_local(cpu, TLB_ALL, 0, 0, 0);
    for (u64 i = 0; i < pages; i++)
        CHECK(tlb_slot(cpu, i * GUEST_PAGE_SIZE)->rtag == TLB_NO_TAG);
    machine_free(m);
}

// Entries that let stores through to the page.
static unsigned writers_of(const struct cpu *cpu, u64 gra)
{
    unsigned found = 0;
    for (const struct tlb_table *t = cpu_mmu(cpu)->tables; t < cpu_mmu(cpu)->tables + TABLES; t++) {
        for (u64 i = 0; i <= t->mask / sizeof(struct tlb_entry); i++)
            found +=
                t->data[i].wtag != TLB_NO_TAG && t->data[i].wtag + t->data[i].addend == (uintptr_t)m->mem.base + gra;
    }
    return found;
}

// A page becomes code: whatever let stores through to it goes, however much of it there is, and nothing else.
static void test_writers_go(void)
{
    start(1);
    struct cpu *cpu = m->cpu;
    u64 page = data_of(3, 0), other = data_of(4, 0);
    for (unsigned round = 0; round < 4; round++) {
        for (unsigned guards = 0; guards <= 4; guards++) { // tables of the supervisor, more than are noted
            state(cpu, 3, MSR_PROBLEM);
            mem_write64(cpu, USER_EA, 1);
            for (unsigned i = 0; i < guards; i++) {
                cpu->amr = (u64)i << 62;
                state(cpu, 3, MSR_VIRT);
                mem_write64(cpu, KERNEL_EA + page, 2);
                mem_write64(cpu, KERNEL_EA + other, 2);
            }
            cpu->amr = 0;
            state(cpu, 3, MSR_BASE);
            mem_write64(cpu, page, 3);
            for (u64 i = 0; round & 1 && i < TEST_MEMORY / GUEST_PAGE_SIZE; i++) // the table grows
                mem_write8(cpu, i * GUEST_PAGE_SIZE + 0xfff, 0);
            unsigned others = writers_of(cpu, other);
            CHECK(writers_of(cpu, page) >= MIN(1 + guards, 4u));
            mmu_flush_local(cpu, TLB_REAL_WRITE, page, 0, 0);
            CHECK_EQ(writers_of(cpu, page), 0);
            CHECK_EQ(writers_of(cpu, other), others);
        }
    }
    machine_free(m);
}

int main(void)
{
    TEST(test_writers_go);
    TEST(test_spaces_stay);
    TEST(test_supervisor_loses_the_lower_half);
    TEST(test_invalidations);
    TEST(test_others_keep_theirs);
    TEST(test_guards);
    TEST(test_growth);
    return test_done();
}
