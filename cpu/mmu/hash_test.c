// SPDX-License-Identifier: Apache-2.0
// Segments and the hashed page table on the engine.
#include "cpu/mmu/access.h"
#include "cpu/mmu/slb.h"
#include "cpu/test_machine.h"

#define HPT_SHIFT   18u
#define DATA        0x400000ull
#define USER_EA     0x10000000ull
#define KERNEL_EA   0xc000000000000000ull

#define V_VALID     1ull
#define V_LARGE     4ull
#define V_SECONDARY 2ull
#define R_REF       0x100ull
#define R_CHG       0x80ull
#define R_M         0x10ull
#define R_N         4ull

#define MSR_VIRT    (MSR_BASE | MSR_IR | MSR_DR)
#define MSR_USER    (MSR_VIRT | MSR_PR | MSR_EE)

#define VSID_KERNEL 0x123456ull
#define VSID_USER   0xabcdeull
#define NEXT(n)     (KERNEL_EA + TEST_CODE + 4 * (n))

static struct hpt table;

// Puts an entry where the hash says; `segment` is 28 or 40, base the segment's page shift. Returns its second doubleword.
static u64 *enter(u64 vsid, u64 ea, unsigned segment, unsigned base, bool secondary, u64 v_bits, u64 r)
{
    u64 offset = ea & ((1ull << segment) - 1);
    u64 hash = segment == 40 ? vsid ^ (vsid << 25) ^ (offset >> base) : vsid ^ (offset >> base);
    if (secondary)
        hash = ~hash;
    u64 group = hash & ((1ull << (HPT_SHIFT - 7)) - 1);
    u64 avpn = vsid << (segment - 23) | offset >> 23;
    for (unsigned i = 0; i < 8; i++) {
        u64 *e = &table.vr[group * 16 + i * 2];
        if (e[0])
            continue;
        e[1] = r;
        e[0] = (segment == 40 ? PPC_BIT(1) : 0) | avpn << 7 | v_bits | V_VALID | (secondary ? V_SECONDARY : 0);
        return &e[1];
    }
    abort();
}

static struct machine *hash_machine(void)
{
    struct machine *m = machine_new(1, LEVEL_V207);
    table = (struct hpt){.shift = HPT_SHIFT};
    table.base = calloc(1, 1u << HPT_SHIFT);
    table.vr = (u64 *)(void *)table.base;
    m->group.hpt = &table;
    m->cpu->lpcr |= LPCR_AIL_3;
    // The kernel: a segment of 1 TB, pages of 16 MB.
    slb_write(m->cpu, KERNEL_EA | SLB_ESID_V | 0, SLB_B_1T | VSID_KERNEL << 24 | SLB_KP | SLB_L);
    enter(VSID_KERNEL, KERNEL_EA, 40, 24, false, V_LARGE, R_REF | R_CHG | R_M);
    machine_vectors(m, 0x4000, false);
    return m;
}

static void hash_machine_free(struct machine *m)
{
    free(table.base);
    machine_free(m);
}

static void user_segment(struct machine *m, u64 flags)
{
    slb_write(m->cpu, (USER_EA & SLB_ESID) | SLB_ESID_V | 1, VSID_USER << 12 | SLB_KS | SLB_KP | flags);
}

static u64 kernel_exec(struct machine *m, u64 msr, u32 i0, u32 i1, u32 i2)
{
    return machine_exec_at(m, KERNEL_EA + TEST_CODE, msr, i0, i1, i2);
}

#define VECTOR(v) (0xc000000000004000ull + (v))

static void test_translates_and_sets_bits(void)
{
    struct machine *m = hash_machine();
    user_segment(m, 0);
    u64 *r = enter(VSID_USER, USER_EA + 0x3000, 28, 12, false, 0, DATA | R_M | 2);
    store_be64(guest_mem_at(&m->mem, DATA, 8), 0x5500000000000000);
    m->cpu->gpr[4] = USER_EA + 0x3000;
    CHECK_EQ(kernel_exec(m, MSR_VIRT, I_LD(3, 0, 4), 0, 0), NEXT(1));
    CHECK_EQ(m->cpu->gpr[3], 0x55);
    CHECK_EQ(*r & (R_REF | R_CHG), R_REF);
    CHECK_EQ(kernel_exec(m, MSR_VIRT, I_STD(3, 8, 4), I_LD(5, 8, 4), 0), NEXT(2));
    CHECK_EQ(*r & (R_REF | R_CHG), R_REF | R_CHG);
    CHECK_EQ(m->cpu->gpr[5], 0x55);
    hash_machine_free(m);
}

static void test_secondary_group_and_page_sizes(void)
{
    static const struct {
        u64 slb;
        unsigned base;
        bool secondary;
        u64 v, r, ea, gra;
    } cases[] = {
        {0, 12, true, 0, DATA, USER_EA + 0x5000, DATA},
        {SLB_L | PPC_BIT(59), 16, false, V_LARGE, DATA | 1 << 12, USER_EA + 0x1fff8, DATA + 0xfff8},
        {SLB_L | PPC_BIT(59), 16, true, V_LARGE, DATA | 1 << 12, USER_EA + 0x2fff8, DATA + 0xfff8},
        {SLB_L | PPC_BIT(59), 16, false, V_LARGE, 8 << 12, USER_EA + 0x412340, 0x412340}, // 16 MB among 64 KB
        {0, 12, false, V_LARGE, DATA | 7 << 12, USER_EA + 0x13008, DATA + 0x3008},        // 64 KB among 4 KB
        {SLB_L, 24, false, V_LARGE, 0, USER_EA + 0x402340, 0x402340},
    };
    for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
        struct machine *m = hash_machine();
        user_segment(m, cases[i].slb);
        enter(VSID_USER, cases[i].ea, 28, cases[i].base, cases[i].secondary, cases[i].v,
              cases[i].r | R_M | R_REF | R_CHG | 2);
        store_be64(guest_mem_at(&m->mem, cases[i].gra, 8), 0x6600000000000000);
        m->cpu->gpr[4] = cases[i].ea;
        u64 at = kernel_exec(m, MSR_VIRT, I_LD(3, 0, 4), 0, 0);
        if (at != NEXT(1))
            printf("# case %u\n", i);
        CHECK_EQ(at, NEXT(1));
        CHECK_EQ(m->cpu->gpr[3], 0x66);
        hash_machine_free(m);
    }
}

static void test_segment_faults(void)
{
    struct machine *m = hash_machine();
    m->cpu->gpr[4] = USER_EA;
    CHECK_EQ(kernel_exec(m, MSR_VIRT, I_LD(3, 0, 4), 0, 0), VECTOR(VEC_DATA_SEGMENT));
    CHECK_EQ(m->cpu->dar, USER_EA);
    CHECK_EQ(m->cpu->srr0, NEXT(0));
    CHECK_EQ(machine_run(m, USER_EA, MSR_USER), VECTOR(VEC_INSN_SEGMENT));
    CHECK_EQ(m->cpu->srr0, USER_EA);
    CHECK_EQ(m->cpu->srr1, MSR_USER);
    hash_machine_free(m);
}

static void test_protection(void)
{
    static const struct {
        u64 pp, flags, msr; // flags: of the segment
        bool load, store;
    } cases[] = {
        {0, SLB_KP, MSR_VIRT, true, true}, // supervisor, Ks = 0
        {0, SLB_KS, MSR_VIRT, false, false},        {1, SLB_KS, MSR_VIRT, true, false},
        {2, SLB_KS, MSR_VIRT, true, true},          {3, 0, MSR_VIRT, true, false},
        {PPC_BIT(0) | 2, 0, MSR_VIRT, true, false}, {PPC_BIT(0) | 2, SLB_KS, MSR_VIRT, false, false},
    };
    for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
        struct machine *m = hash_machine();
        slb_write(m->cpu, USER_EA | SLB_ESID_V | 1, VSID_USER << 12 | cases[i].flags);
        enter(VSID_USER, USER_EA, 28, 12, false, 0, DATA | R_M | R_REF | R_CHG | cases[i].pp);
        m->cpu->gpr[4] = USER_EA;
        CHECK_EQ(kernel_exec(m, cases[i].msr, I_LD(3, 0, 4), 0, 0), cases[i].load ? NEXT(1) : VECTOR(VEC_DSI));
        if (!cases[i].load)
            CHECK_EQ(m->cpu->dsisr, DSISR_PROTECTION);
        CHECK_EQ(kernel_exec(m, cases[i].msr, I_STD(3, 0, 4), 0, 0), cases[i].store ? NEXT(1) : VECTOR(VEC_DSI));
        if (!cases[i].store)
            CHECK_EQ(m->cpu->dsisr, DSISR_PROTECTION | DSISR_STORE);
        hash_machine_free(m);
    }
}

static void test_keys(void)
{
    struct machine *m = hash_machine();
    user_segment(m, 0);
    u64 key = 3ull << 9; // key 3
    enter(VSID_USER, USER_EA, 28, 12, false, 0, DATA | R_M | R_REF | R_CHG | key | 2);
    m->cpu->gpr[4] = USER_EA;
    m->cpu->gpr[6] = PPC_BITMASK(0, 1) >> 6;
    m->cpu->gpr[7] = 0;
    CHECK_EQ(kernel_exec(m, MSR_VIRT, I_LD(3, 0, 4), I_MTSPR(29, 6), I_LD(3, 0, 4)), VECTOR(VEC_DSI));
    CHECK_EQ(m->cpu->srr0, NEXT(2));
    CHECK_EQ(m->cpu->dsisr, DSISR_KEY);
    CHECK_EQ(kernel_exec(m, MSR_VIRT, I_STD(3, 0, 4), 0, 0), VECTOR(VEC_DSI));
    CHECK_EQ(m->cpu->dsisr, DSISR_KEY | DSISR_STORE);
    CHECK_EQ(kernel_exec(m, MSR_VIRT, I_MTSPR(29, 7), I_STD(3, 0, 4), 0), NEXT(2));
    hash_machine_free(m);
}

static void test_fetch_faults(void)
{
    struct machine *m = hash_machine();
    user_segment(m, 0);
    enter(VSID_USER, USER_EA, 28, 12, false, 0, TEST_CODE | R_M | R_N | 2);
    enter(VSID_USER, USER_EA + 0x1000, 28, 12, false, 0, TEST_CODE | R_M | 2);
    enter(VSID_USER, USER_EA + 0x2000, 28, 12, false, 0, TEST_CODE | R_M | 0);
    machine_put(m, TEST_CODE, I_SC, false);
    CHECK_EQ(machine_run(m, USER_EA, MSR_USER), VECTOR(VEC_ISI));
    CHECK_EQ(m->cpu->srr1, MSR_USER | DSISR_NOEXEC);
    CHECK_EQ(machine_run(m, USER_EA + 0x1000, MSR_USER), VECTOR(VEC_SYSCALL));
    CHECK_EQ(machine_run(m, USER_EA + 0x2000, MSR_USER), VECTOR(VEC_ISI));
    CHECK_EQ(m->cpu->srr1, MSR_USER | DSISR_PROTECTION);
    CHECK_EQ(machine_run(m, USER_EA + 0x4000, MSR_USER), VECTOR(VEC_ISI));
    CHECK_EQ(m->cpu->srr1, MSR_USER | DSISR_NOPTE);
    enter(VSID_USER, USER_EA + 0x5000, 28, 12, false, 0, TEST_CODE | R_M | 2ull << 9 | 2);
    m->cpu->iamr = PPC_BIT(5);
    mmu_context_changed(m->cpu);
    CHECK_EQ(machine_run(m, USER_EA + 0x5000, MSR_USER), VECTOR(VEC_ISI));
    CHECK_EQ(m->cpu->srr1, MSR_USER | DSISR_KEY);
    hash_machine_free(m);
}

// Entries of a segment that left the SLB must not be met; those of one that comes back may.
static void test_slb_changes(void)
{
    struct machine *m = hash_machine();
    user_segment(m, 0);
    enter(VSID_USER, USER_EA, 28, 12, false, 0, DATA | R_M | R_REF | R_CHG | 2);
    enter(VSID_USER + 1, USER_EA, 28, 12, false, 0, (DATA + 0x1000) | R_M | R_REF | R_CHG | 2);
    store_be64(guest_mem_at(&m->mem, DATA, 8), 0x0100000000000000);
    store_be64(guest_mem_at(&m->mem, DATA + 0x1000, 8), 0x0200000000000000);
    m->cpu->gpr[4] = USER_EA;
    CHECK_EQ(kernel_exec(m, MSR_VIRT, I_LD(3, 0, 4), 0, 0), NEXT(1));
    CHECK_EQ(m->cpu->gpr[3], 1);
    CHECK_EQ(kernel_exec(m, MSR_VIRT, I_SLBIE(4), I_LD(3, 0, 4), 0), VECTOR(VEC_DATA_SEGMENT));
    m->cpu->gpr[6] = (VSID_USER + 1) << 12;
    m->cpu->gpr[7] = USER_EA | SLB_ESID_V | 5;
    CHECK_EQ(kernel_exec(m, MSR_VIRT, I_SLBMTE(6, 7), I_LD(3, 0, 4), 0), NEXT(2));
    CHECK_EQ(m->cpu->gpr[3], 2);
    m->cpu->gpr[6] = VSID_USER << 12;
    CHECK_EQ(kernel_exec(m, MSR_VIRT, I_SLBMTE(6, 7), I_LD(3, 0, 4), 0), NEXT(2));
    CHECK_EQ(m->cpu->gpr[3], 1);
    // Another segment joins: nothing changes for the first.
    m->cpu->gpr[6] = (VSID_USER + 7) << 12;
    m->cpu->gpr[7] = (USER_EA + 0x10000000) | SLB_ESID_V | 6;
    CHECK_EQ(kernel_exec(m, MSR_VIRT, I_SLBMTE(6, 7), I_LD(3, 0, 4), 0), NEXT(2));
    CHECK_EQ(m->cpu->gpr[3], 1);
    hash_machine_free(m);
}

// As a switch of context: in supervisor state the segment of one process is replaced by that of another.
static void choose_process(struct machine *m, u64 n)
{
    cpu_set_msr(m->cpu, MSR_VIRT);
    slb_invalidate(m->cpu, USER_EA);
    slb_write(m->cpu, (USER_EA & SLB_ESID) | SLB_ESID_V | 1, (VSID_USER + n) << 12 | SLB_KS | SLB_KP);
    cpu_set_msr(m->cpu, MSR_VIRT | MSR_PR | MSR_EE);
}

static bool is_cached(const struct machine *m, u64 ea)
{
    return tlb_slot(m->cpu, ea)->rtag == (ea & GUEST_PAGE_MASK);
}

static void test_processes_keep_theirs(void)
{
    enum { PROCESSES = 3 };
    struct machine *m = hash_machine();
    u64 *r[PROCESSES];
    for (u64 n = 0; n < PROCESSES; n++) {
        r[n] = enter(VSID_USER + n, USER_EA, 28, 12, false, 0, (DATA + n * 0x1000) | R_M | R_REF | R_CHG | 2);
        *(u64 *)guest_mem_at(&m->mem, DATA + n * 0x1000, 8) = 70 + n;
    }
    for (unsigned round = 0; round < 2; round++) {
        for (u64 n = 0; n < PROCESSES; n++) {
            choose_process(m, n);
            CHECK_EQ(is_cached(m, USER_EA), round);
            CHECK_EQ(mem_read64(m->cpu, USER_EA), 70 + n);
            cpu_set_msr(m->cpu, MSR_VIRT);
            CHECK(!is_cached(m, USER_EA)); // the supervisor's own entry went with the segment of the one before
            CHECK_EQ(mem_read64(m->cpu, USER_EA), 70 + n);
        }
    }
    // A page of a process that does not run at the moment is taken away: its entry goes, the others' stay.
    r[1][-1] = 0;
    group_invalidate(&m->group, NULL, TLB_VPN, (VSID_USER + 1) << 16, 12, 28);
    cpu_serve_requests(m->cpu);
    choose_process(m, 0);
    CHECK(is_cached(m, USER_EA));
    choose_process(m, 1);
    CHECK(!is_cached(m, USER_EA));
    // Storage keys belong to what is kept.
    choose_process(m, 0);
    m->cpu->amr = PPC_BITMASK(0, 1);
    mmu_context_changed(m->cpu);
    CHECK(!is_cached(m, USER_EA));
    m->cpu->amr = 0;
    mmu_context_changed(m->cpu);
    CHECK(is_cached(m, USER_EA));
    // Without the segment there is nothing, whatever was kept.
    cpu_set_msr(m->cpu, MSR_VIRT);
    slb_invalidate(m->cpu, USER_EA);
    CHECK(!is_cached(m, USER_EA));
    cpu_set_msr(m->cpu, MSR_VIRT | MSR_PR | MSR_EE);
    CHECK(!is_cached(m, USER_EA));
    hash_machine_free(m);
}

static void test_removal(void)
{
    struct machine *m = hash_machine();
    user_segment(m, 0);
    u64 *r = enter(VSID_USER, USER_EA + 0x3000, 28, 12, false, 0, DATA | R_M | R_REF | R_CHG | 2);
    m->cpu->gpr[4] = USER_EA + 0x3000;
    CHECK_EQ(kernel_exec(m, MSR_VIRT, I_LD(3, 0, 4), 0, 0), NEXT(1));
    r[-1] = 0;
    group_invalidate(&m->group, NULL, TLB_VPN, VSID_USER << 16 | 2, 12, 28);
    CHECK_EQ(kernel_exec(m, MSR_VIRT, I_LD(3, 0, 4), 0, 0), NEXT(1)); // another page
    group_invalidate(&m->group, NULL, TLB_VPN, VSID_USER << 16 | 3, 12, 28);
    CHECK_EQ(kernel_exec(m, MSR_VIRT, I_LD(3, 0, 4), 0, 0), VECTOR(VEC_DSI));
    CHECK_EQ(m->cpu->dsisr, DSISR_NOPTE);
    hash_machine_free(m);
}

static void test_virtual_real_mode(void)
{
    struct machine *m = hash_machine();
    m->group.vrma_vsid = SLB_B_1T | 0x1ffffffull << 24 | SLB_L; // 16 MB pages
    enter(0x1ffffff, 0, 40, 24, false, V_LARGE, R_M | R_REF | R_CHG);
    CHECK_EQ(machine_exec(m, MSR_BASE, I_NOP, 0, 0), TEST_CODE + 4);
    m->cpu->gpr[4] = 16 * MIB;
    CHECK_EQ(machine_exec(m, MSR_BASE, I_LD(3, 0, 4), 0, 0), VEC_DSI);
    CHECK_EQ(m->cpu->dsisr, DSISR_NOPTE);
    hash_machine_free(m);
}

// Translated code compares an address with the tag of a memo, which is less than a page below it or not. One that holds nothing has
// a tag where the SLB has no segment, whatever is put into it.
static void test_memo_of_nothing(void)
{
    struct machine *m = hash_machine();
    for (unsigned n = 0; n < 3 * SLB_ENTRIES; n++) {
        u64 tag = m->cpu->memo_tag[n % 2][n % 32];
        u64 esid = n % 3 ? tag & SLB_ESID : tag & PPC_BITMASK(0, 23);
        slb_write(m->cpu, esid | SLB_ESID_V | (1 + n % (SLB_ENTRIES - 1)),
                  (u64)VSID_USER << 24 | (n % 3 ? 0 : SLB_B_1T));
        for (unsigned i = 0; i < 64; i++) {
            CHECK(slb_find(m->cpu, m->cpu->memo_tag[i / 32][i % 32]) < 0);
            CHECK(slb_find(m->cpu, m->cpu->memo_tag[i / 32][i % 32] + GUEST_PAGE_SIZE - 1) < 0);
        }
    }
    hash_machine_free(m);
}

int main(void)
{
    TEST(test_translates_and_sets_bits);
    TEST(test_secondary_group_and_page_sizes);
    TEST(test_segment_faults);
    TEST(test_protection);
    TEST(test_keys);
    TEST(test_fetch_faults);
    TEST(test_slb_changes);
    TEST(test_processes_keep_theirs);
    TEST(test_removal);
    TEST(test_virtual_real_mode);
    TEST(test_memo_of_nothing);
    return test_done();
}
