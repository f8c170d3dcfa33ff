// SPDX-License-Identifier: Apache-2.0
// Radix translation on the engine: faults, permissions, reference and change bits, invalidation, interrupts with relocation.
#include "cpu/test_machine.h"

// Where the tests keep their tables, and a bump allocator for lower levels.
#define PRTB      0x100000ull
#define TABLES    0x200000ull
#define DATA      0x400000ull
#define USER_EA   0x10000000ull
#define KERNEL_EA 0xc000000000000000ull

#define PTE_V     PPC_BIT(0)
#define PTE_L     PPC_BIT(1)
#define PTE_R     0x100ull
#define PTE_C     0x80ull
#define PTE_PRIV  8ull
#define PTE_READ  4ull
#define PTE_RW    6ull
#define PTE_EXEC  1ull
#define PTE_CI    0x20ull

#define MSR_VIRT  (MSR_BASE | MSR_IR | MSR_DR)
#define MSR_USER  (MSR_VIRT | MSR_PR | MSR_EE)

static u64 tables_next;

static u64 get(struct machine *m, u64 gra)
{
    return load_be64(guest_mem_at(&m->mem, gra, 8));
}

static void put(struct machine *m, u64 gra, u64 value)
{
    store_be64(guest_mem_at(&m->mem, gra, 8), value);
}

static u64 table_new(struct machine *m, unsigned bits)
{
    u64 at = (tables_next + (8ull << bits) - 1) & ~((8ull << bits) - 1);
    tables_next = at + (8ull << bits);
    memset(guest_mem_at(&m->mem, at, 8ull << bits), 0, 8ull << bits);
    return at;
}

// Linux's shape: 52 bits as 13, 9, 9, 9 and 4 KiB pages, leaves allowed earlier. Returns where the leaf is.
static u64 map(struct machine *m, u64 pid, u64 ea, u64 gra, unsigned shift, u64 bits)
{
    static const unsigned levels[] = {13, 9, 9, 9};
    u64 entry = PRTB + pid * 16;
    if (!get(m, entry)) {
        u64 root = table_new(m, 13);
        put(m, entry, (21ull >> 3) << 61 | (21ull & 7) << 5 | root | 13);
    }
    u64 table = get(m, entry) & PPC_BITMASK(4, 55);
    unsigned at = 52;
    for (unsigned l = 0;; l++) {
        unsigned level = levels[l];
        if (l == 3 && shift == 16)
            level = 5;
        at -= level;
        u64 slot = table + ((ea >> at) & ((1ull << level) - 1)) * 8;
        if (at == shift) {
            put(m, slot, PTE_V | PTE_L | gra | bits);
            return slot;
        }
        if (!get(m, slot)) {
            unsigned next = l == 2 && shift == 16 ? 5 : levels[l + 1];
            put(m, slot, PTE_V | table_new(m, next) | next);
        }
        table = get(m, slot) & PPC_BITMASK(4, 55);
    }
}

static struct machine *radix_machine(unsigned threads)
{
    struct machine *m = machine_new(threads, LEVEL_V30);
    tables_next = TABLES;
    m->group.radix = true;
    m->group.gtse = true;
    m->group.prtb = PRTB | 4;
    // The kernel's linear mapping in pages of 2 MiB.
    for (u64 at = 0; at < TEST_MEMORY; at += 2 * MIB)
        map(m, 0, KERNEL_EA + at, at, 21, PTE_PRIV | PTE_RW | PTE_EXEC | PTE_R | PTE_C);
    for (unsigned t = 0; t < threads; t++) {
        m->group.cpus[t]->lpcr |= LPCR_HR | LPCR_UPRT | LPCR_GTSE | LPCR_AIL_3;
        m->group.cpus[t]->pidr = 1;
    }
    machine_vectors(m, 0x4000, false);
    return m;
}

// A program at TEST_CODE, run at its kernel address.
static u64 kernel_exec(struct machine *m, u64 msr, u32 i0, u32 i1, u32 i2)
{
    return machine_exec_at(m, KERNEL_EA + TEST_CODE, msr, i0, i1, i2);
}

#define VECTOR(v) (0xc000000000004000ull + (v))
#define NEXT(n)   (KERNEL_EA + TEST_CODE + 4 * (n))

static void test_translates_and_sets_bits(void)
{
    struct machine *m = radix_machine(1);
    u64 pte = map(m, 1, USER_EA, DATA, 12, PTE_RW);
    put(m, DATA + 8, 0);
    m->cpu->gpr[4] = USER_EA;
    CHECK_EQ(kernel_exec(m, MSR_VIRT, I_LD(3, 8, 4), 0, 0), NEXT(1));
    CHECK_EQ(get(m, pte) & (PTE_R | PTE_C), PTE_R);
    m->cpu->gpr[3] = 0x1234;
    CHECK_EQ(kernel_exec(m, MSR_VIRT, I_STD(3, 8, 4), I_LD(5, 8, 4), 0), NEXT(2));
    CHECK_EQ(get(m, pte) & (PTE_R | PTE_C), PTE_R | PTE_C);
    CHECK_EQ(get(m, DATA + 8), 0x3412000000000000ull);
    CHECK_EQ(m->cpu->gpr[5], 0x1234);
    machine_free(m);
}

static void test_page_sizes(void)
{
    struct machine *m = radix_machine(1);
    map(m, 1, 0x20000000, 0x410000, 16, PTE_RW | PTE_R | PTE_C);
    map(m, 1, 0x40000000, 0x400000, 21, PTE_RW | PTE_R | PTE_C);
    map(m, 1, 0x80000000, 0, 30, PTE_RW | PTE_R | PTE_C);
    put(m, 0x41fff8, 0x1111111111111111);
    static const u64 eas[] = {0x2000fff8, 0x4001fff8, 0x8041fff8};
    for (unsigned i = 0; i < ARRAY_LEN(eas); i++) {
        m->cpu->gpr[4] = eas[i];
        m->cpu->gpr[3] = 0;
        CHECK_EQ(kernel_exec(m, MSR_VIRT, I_LD(3, 0, 4), 0, 0), NEXT(1));
        CHECK_EQ(m->cpu->gpr[3], 0x1111111111111111);
    }
    machine_free(m);
}

static void test_faults(void)
{
    struct machine *m = radix_machine(1);
    map(m, 1, USER_EA, DATA, 12, PTE_READ | PTE_R);
    map(m, 1, USER_EA + 0x1000, DATA, 12, PTE_RW | PTE_R | PTE_PRIV);
    static const struct {
        u32 insn;
        u64 ea, msr, vector, dsisr;
    } cases[] = {
        {I_LD(3, 0, 4), USER_EA, MSR_VIRT, 0, 0},
        {I_STD(3, 0, 4), USER_EA, MSR_VIRT, VEC_DSI, DSISR_PROTECTION | DSISR_STORE},
        {I_LD(3, 0, 4), USER_EA + 0x2000, MSR_VIRT, VEC_DSI, DSISR_NOPTE},
        {I_STD(3, 0, 4), USER_EA + 0x2000, MSR_VIRT, VEC_DSI, DSISR_NOPTE | DSISR_STORE},
        {I_LD(3, 0, 4), 0x4000000000000000, MSR_VIRT, VEC_DATA_SEGMENT, 0},
        {I_LD(3, 0, 4), 0x8000000000000000, MSR_VIRT, VEC_DATA_SEGMENT, 0},
        {I_LD(3, 0, 4), 0x0010000000000000, MSR_VIRT, VEC_DATA_SEGMENT, 0},
        {I_LD(3, 0, 4), KERNEL_EA + 0x40000000, MSR_VIRT, VEC_DSI, DSISR_NOPTE},
    };
    for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
        m->cpu->gpr[4] = cases[i].ea;
        m->cpu->dsisr = 0;
        u64 want = cases[i].vector ? VECTOR(cases[i].vector) : NEXT(1);
        u64 at = kernel_exec(m, cases[i].msr, cases[i].insn, 0, 0);
        if (at != want)
            printf("# case %u\n", i);
        CHECK_EQ(at, want);
        if (!cases[i].vector)
            continue;
        CHECK_EQ(m->cpu->dar, cases[i].ea);
        CHECK_EQ(m->cpu->dsisr, cases[i].dsisr);
        CHECK_EQ(m->cpu->srr0, NEXT(0));
        CHECK_EQ(m->cpu->srr1, MSR_VIRT);
        CHECK_EQ(m->cpu->msr, MSR_VIRT);
    }
    machine_free(m);
}

static void test_fetch_faults(void)
{
    struct machine *m = radix_machine(1);
    map(m, 1, USER_EA, TEST_CODE, 12, PTE_READ | PTE_R);
    map(m, 1, USER_EA + 0x1000, TEST_CODE, 12, PTE_READ | PTE_EXEC | PTE_R);
    map(m, 1, USER_EA + 0x3000, TEST_CODE, 12, PTE_READ | PTE_EXEC | PTE_PRIV | PTE_R);
    machine_put(m, TEST_CODE, I_SC, false);
    CHECK_EQ(machine_run(m, USER_EA, MSR_USER), VECTOR(VEC_ISI));
    CHECK_EQ(m->cpu->srr0, USER_EA);
    CHECK_EQ(m->cpu->srr1, MSR_USER | DSISR_NOEXEC);
    CHECK_EQ(machine_run(m, USER_EA + 0x1000, MSR_USER), VECTOR(VEC_SYSCALL));
    CHECK_EQ(machine_run(m, USER_EA + 0x2000, MSR_USER), VECTOR(VEC_ISI));
    CHECK_EQ(m->cpu->srr1, MSR_USER | DSISR_NOPTE);
    CHECK_EQ(machine_run(m, USER_EA + 0x3000, MSR_USER), VECTOR(VEC_ISI));
    CHECK_EQ(machine_run(m, 0x4000000000000000, MSR_USER), VECTOR(VEC_INSN_SEGMENT));
    CHECK_EQ(m->cpu->srr0, 0x4000000000000000);
    // The supervisor may be kept from executing problem-state pages.
    machine_put(m, TEST_CODE, I_SC1, false);
    CHECK_EQ(machine_run(m, USER_EA + 0x1000, MSR_VIRT), USER_EA + 0x1000);
    m->cpu->iamr = PPC_BIT(1);
    mmu_context_changed(m->cpu);
    CHECK_EQ(machine_run(m, USER_EA + 0x1000, MSR_VIRT), VECTOR(VEC_ISI));
    machine_free(m);
}

// The kernel opens and closes access to user memory by AMR; entries of the open state must not serve the closed one.
static void test_amr_guards_user_pages(void)
{
    struct machine *m = radix_machine(1);
    map(m, 1, USER_EA, DATA, 12, PTE_RW | PTE_R | PTE_C);
    m->cpu->gpr[4] = USER_EA;
    m->cpu->gpr[6] = PPC_BITMASK(0, 1);
    m->cpu->gpr[7] = 0;
    CHECK_EQ(kernel_exec(m, MSR_VIRT, I_LD(3, 0, 4), I_MTSPR(29, 6), I_LD(3, 0, 4)), VECTOR(VEC_DSI));
    CHECK_EQ(m->cpu->srr0, NEXT(2));
    CHECK_EQ(m->cpu->dsisr, DSISR_PROTECTION);
    CHECK_EQ(kernel_exec(m, MSR_VIRT, I_MTSPR(29, 7), I_STD(3, 0, 4), 0), NEXT(2));
    m->cpu->gpr[6] = PPC_BIT(0);
    CHECK_EQ(kernel_exec(m, MSR_VIRT, I_MTSPR(29, 6), I_LD(3, 0, 4), I_STD(3, 0, 4)), VECTOR(VEC_DSI));
    CHECK_EQ(m->cpu->srr0, NEXT(2));
    CHECK_EQ(m->cpu->dsisr, DSISR_PROTECTION | DSISR_STORE);
    machine_free(m);
}

static void test_pid_switch(void)
{
    struct machine *m = radix_machine(1);
    map(m, 1, USER_EA, DATA, 12, PTE_RW | PTE_R | PTE_C);
    map(m, 2, USER_EA, DATA + 0x1000, 12, PTE_RW | PTE_R | PTE_C);
    put(m, DATA, 0x0100000000000000);
    put(m, DATA + 0x1000, 0x0200000000000000);
    m->cpu->gpr[4] = USER_EA;
    for (unsigned i = 0; i < 3; i++) {
        for (u64 pid = 1; pid <= 2; pid++) {
            m->cpu->gpr[6] = pid;
            CHECK_EQ(kernel_exec(m, MSR_VIRT, I_MTSPR(48, 6), I_LD(3, 0, 4), 0), NEXT(2));
            CHECK_EQ(m->cpu->gpr[3], pid);
        }
    }
    machine_free(m);
}

static void test_tlbie(void)
{
    struct machine *m = radix_machine(2);
    u64 pte = map(m, 1, USER_EA, DATA, 12, PTE_RW | PTE_R | PTE_C);
    struct cpu *cpu = m->cpu;
    cpu->gpr[4] = USER_EA;
    cpu->gpr[6] = USER_EA;    // IS 0, AP 0: one page of 4 KiB
    cpu->gpr[7] = 1ull << 32; // PID 1
    CHECK_EQ(kernel_exec(m, MSR_VIRT, I_LD(3, 0, 4), 0, 0), NEXT(1));
    put(m, pte, 0);
    CHECK_EQ(kernel_exec(m, MSR_VIRT, I_LD(3, 0, 4), 0, 0), NEXT(1)); // still in the TLB, as the architecture allows
    CHECK_EQ(kernel_exec(m, MSR_VIRT, I_TLBIE(6, 7, 0, 1, 1), I_LD(3, 0, 4), 0), VECTOR(VEC_DSI));
    put(m, pte, PTE_V | PTE_L | (DATA) | PTE_RW | PTE_R | PTE_C);
    CHECK_EQ(kernel_exec(m, MSR_VIRT, I_LD(3, 0, 4), 0, 0), NEXT(1));
    put(m, pte, 0);
    cpu->gpr[6] = PPC_BIT(53); // IS 1: everything of the PID
    CHECK_EQ(kernel_exec(m, MSR_VIRT, I_TLBIEL(6, 7, 2, 1, 1), I_LD(3, 0, 4), 0), VECTOR(VEC_DSI));
    machine_free(m);
}

// Each invalidation is seen by the next access.
static void test_many_invalidations(void)
{
    struct machine *m = radix_machine(1);
    u64 pte = map(m, 1, USER_EA, DATA, 12, PTE_RW | PTE_R | PTE_C);
    m->cpu->gpr[4] = USER_EA;
    for (u64 i = 0; i < 10000; i++) {
        u64 page = DATA + (i & 7) * 0x1000;
        put(m, pte, PTE_V | PTE_L | page | PTE_RW | PTE_R | PTE_C);
        store_be64(guest_mem_at(&m->mem, page, 8), __builtin_bswap64(i));
        mmu_flush_local(m->cpu, TLB_PID, 0, 1, 0);
        kernel_exec(m, MSR_VIRT, I_LD(3, 0, 4), 0, 0);
        if (m->cpu->gpr[3] != i) {
            CHECK_EQ(m->cpu->gpr[3], i);
            break;
        }
    }
    machine_free(m);
}

static void test_relocation_mix(void)
{
    struct machine *m = radix_machine(1);
    map(m, 1, USER_EA, DATA, 12, PTE_RW | PTE_R | PTE_C);
    put(m, DATA, 0x0700000000000000);
    put(m, 0x300000, 0x0900000000000000);
    // Real data with relocated instructions, and the other way round: vectors are at their real place.
    m->cpu->gpr[4] = 0x300000;
    CHECK_EQ(kernel_exec(m, MSR_BASE | MSR_IR, I_LD(3, 0, 4), 0, 0), NEXT(1));
    CHECK_EQ(m->cpu->gpr[3], 9);
    m->cpu->gpr[4] = USER_EA;
    CHECK_EQ(machine_exec(m, MSR_BASE | MSR_DR, I_LD(3, 0, 4), 0, 0), TEST_CODE + 4);
    CHECK_EQ(m->cpu->gpr[3], 7);
    m->cpu->gpr[4] = USER_EA + 0x5000;
    CHECK_EQ(machine_exec(m, MSR_BASE | MSR_DR, I_LD(3, 0, 4), 0, 0), VEC_DSI);
    machine_free(m);
}

static void test_page_crossing(void)
{
    struct machine *m = radix_machine(1);
    map(m, 1, USER_EA, DATA, 12, PTE_RW | PTE_R | PTE_C);
    u64 second = map(m, 1, USER_EA + 0x1000, DATA + 0x5000, 12, PTE_READ | PTE_R);
    memset(guest_mem_at(&m->mem, DATA, 0x6000), 0, 0x6000);
    m->cpu->gpr[4] = USER_EA + 0xffc;
    m->cpu->gpr[3] = 0x1122334455667788;
    CHECK_EQ(kernel_exec(m, MSR_VIRT, I_STD(3, 0, 4), 0, 0), VECTOR(VEC_DSI));
    CHECK_EQ(m->cpu->dar, USER_EA + 0x1000);
    CHECK_EQ(get(m, DATA + 0xff8), 0); // nothing was stored
    put(m, second, PTE_V | PTE_L | (DATA + 0x5000) | PTE_RW | PTE_R | PTE_C);
    CHECK_EQ(kernel_exec(m, MSR_VIRT, I_STD(3, 0, 4), I_LD(5, 0, 4), 0), NEXT(2));
    CHECK_EQ(m->cpu->gpr[5], 0x1122334455667788);
    CHECK_EQ(get(m, DATA + 0xff8), 0x88776655);
    CHECK_EQ(get(m, DATA + 0x5000), 0x4433221100000000);
    machine_free(m);
}

static void test_dawr(void)
{
    struct machine *m = radix_machine(1);
    map(m, 1, USER_EA, DATA, 12, PTE_RW | PTE_R | PTE_C);
    m->cpu->gpr[4] = USER_EA;
    CHECK_EQ(kernel_exec(m, MSR_VIRT, I_LD(3, 16, 4), I_STD(3, 16, 4), 0), NEXT(2));
    m->cpu->dawr0 = USER_EA + 16;
    m->cpu->dawrx0 = PPC_BIT(57) | PPC_BIT(59) | PPC_BIT(62); // stores, with translation, in supervisor state
    mmu_context_changed(m->cpu);
    CHECK_EQ(kernel_exec(m, MSR_VIRT, I_LD(3, 16, 4), I_STD(3, 24, 4), I_STD(3, 16, 4)), VECTOR(VEC_DSI));
    CHECK_EQ(m->cpu->srr0, NEXT(2));
    CHECK_EQ(m->cpu->dar, USER_EA + 16);
    CHECK_EQ(m->cpu->dsisr, DSISR_DAWR | DSISR_STORE);
    machine_free(m);
}

static void test_cache_inhibited_goes_to_the_device(void)
{
    struct machine *m = radix_machine(1);
    map(m, 1, USER_EA, 6ull << 32, 12, PTE_RW | PTE_CI | PTE_R | PTE_C);
    m->cpu->gpr[4] = USER_EA;
    m->cpu->gpr[3] = 0x1122334455667788;
    CHECK_EQ(kernel_exec(m, MSR_VIRT, I_STD(3, 0x20, 4), I_LD(5, 0x20, 4), 0), NEXT(2));
    CHECK_EQ(m->mmio_gra, 0x600000020);
    CHECK_EQ(m->mmio_value, 0x8877665544332211);
    CHECK_EQ(m->cpu->gpr[5], 0x1122334455667788);
    machine_free(m);
}

static void test_stores_to_code(void)
{
    struct machine *m = radix_machine(1);
    m->cpu->gpr[4] = KERNEL_EA + TEST_CODE + 8;
    m->cpu->gpr[3] = I_SC1;
    m->cpu->gpr[9] = 0;
    // The store replaces the instruction after it.
    machine_put(m, TEST_CODE, 0x90640000u, false);    // stw r3,0(r4)
    machine_put(m, TEST_CODE + 4, 0x7c0004ac, false); // sync
    machine_put(m, TEST_CODE + 8, I_NOP, false);
    machine_put(m, TEST_CODE + 12, I_SC1, false);
    CHECK_EQ(machine_run(m, KERNEL_EA + TEST_CODE, MSR_VIRT), NEXT(2));
    machine_free(m);
}

int main(void)
{
    TEST(test_translates_and_sets_bits);
    TEST(test_page_sizes);
    TEST(test_faults);
    TEST(test_fetch_faults);
    TEST(test_amr_guards_user_pages);
    TEST(test_pid_switch);
    TEST(test_tlbie);
    TEST(test_many_invalidations);
    TEST(test_relocation_mix);
    TEST(test_page_crossing);
    TEST(test_dawr);
    TEST(test_cache_inhibited_goes_to_the_device);
    TEST(test_stores_to_code);
    return test_done();
}
