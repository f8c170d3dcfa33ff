// SPDX-License-Identifier: Apache-2.0
// How translations come and go: code that is rewritten by its own thread, by another one, by DMA; breakpoints; full code memory.
#include <fcntl.h>
#include <pthread.h>
#include <sys/wait.h>
#include <unistd.h>

#include "cpu/code.h"
#include "cpu/debug.h"
#include "cpu/test_machine.h"
#include "cpu/xlate/background.h"
#include "cpu/xlate/target.h"
#include "cpu/xlate/xlate.h"

#define I_ADDI(rt, ra, v) (I_LI(rt, v) | (u32)(ra) << 16)
#define I_STW(rs, d, ra)  (0x90000000u | (u32)(rs) << 21 | (u32)(ra) << 16 | ((u32)(d)&0xffff))
#define I_BDNZ(offset)    (0x42000000u | ((u32)(offset)&0xfffc))
#define I_B(offset)       (0x48000000u | ((u32)(offset)&0x3fffffc))
#define I_BL(offset)      (I_B(offset) | 1)
#define I_BLR             0x4e800020u
#define I_ISYNC           0x4c00012cu
#define I_CMPDI(ra, v)    (0x2c200000u | (u32)(ra) << 16 | ((u32)(v)&0xffff))
#define I_BEQ(offset)     (0x41820000u | ((u32)(offset)&0xfffc))
#define I_BNE(offset)     (0x40820000u | ((u32)(offset)&0xfffc))
#define I_ANDI(ra, rs, v) (0x70000000u | (u32)(rs) << 21 | (u32)(ra) << 16 | (v))
#define I_STDU(rs, d, ra) (0xf8000001u | (u32)(rs) << 21 | (u32)(ra) << 16 | ((u32)(d)&0xfffc))
#define I_MFLR(rt)        (0x7c0802a6u | (u32)(rt) << 21)
#define I_MTLR(rs)        (0x7c0803a6u | (u32)(rs) << 21)

static void put_all(struct machine *m, u64 at, const u32 *insns, unsigned len)
{
    for (unsigned i = 0; i < len; i++)
        machine_put(m, at + i * 4, insns[i], false);
}

static void run_jit_at(struct machine *m, struct cpu *cpu, u64 nia)
{
    m->stopped_at = ~0ull;
    cpu_set_msr(cpu, MSR_BASE);
    cpu->nia = nia;
    cpu->budget = 0;
    atomic_fetch_and(&cpu->attn, ~(u32)ATTN_STOP);
    CHECK_EQ(jit_engine.run(cpu), EXIT_STOPPED);
}

static void run_jit(struct machine *m, struct cpu *cpu)
{
    run_jit_at(m, cpu, TEST_CODE);
}

static struct xlate_stats stats(const struct machine *m)
{
    return m->mem.xlate ? xlate_stats(m->mem.xlate) : (struct xlate_stats){0};
}

static void test_loop_is_translated(void)
{
    static const u32 loop[] = {I_ADDI(3, 3, 2), I_BDNZ(-4), I_SC1};
    struct machine *m = machine_new(1, LEVEL_V30);
    put_all(m, TEST_CODE, loop, ARRAY_LEN(loop));
    m->cpu->ctr = 1000000;
    run_jit(m, m->cpu);
    CHECK_EQ(m->cpu->gpr[3], 2000000);
    CHECK_EQ(m->cpu->insns, 2000001);
    CHECK(stats(m).regions >= 1);
    machine_free(m);
}

// A loop that leaves out a branch which was never taken has it when it is taken after all, and stays in the region from then on.
static void test_pruned_branch_comes_back(void)
{
    static const u32 loop[] = {I_CMPDI(5, 0), I_BNE(0x40 - 4), I_ADDI(3, 3, 1), I_BDNZ(-12), I_SC1};
    static const u32 branch[] = {I_ADDI(4, 4, 1), I_B(8 - 0x44)};
    struct machine *m = machine_new(1, LEVEL_V30);
    put_all(m, TEST_CODE, loop, ARRAY_LEN(loop));
    put_all(m, TEST_CODE + 0x40, branch, ARRAY_LEN(branch));
    for (unsigned round = 0; round < 2; round++) {
        m->cpu->gpr[3] = m->cpu->gpr[4] = 0;
        m->cpu->gpr[5] = round;
        m->cpu->ctr = 1000;
        run_jit(m, m->cpu);
        CHECK_EQ(m->cpu->gpr[3], 1000);
        CHECK_EQ(m->cpu->gpr[4], round ? 1000 : 0);
        CHECK_EQ(stats(m).remade, round);
    }
    u64 left = stats(m).exits[XLATE_EXIT_UNLINKED];
    m->cpu->ctr = 1000;
    run_jit(m, m->cpu);
    CHECK(stats(m).exits[XLATE_EXIT_UNLINKED] <= left + 4);
    machine_free(m);
}

// The guest writes an instruction of a function that is translated, with isync, and calls it again.
static void test_self_modifying(void)
{
    static const u32 code[] = {
        I_STW(5, 0x20, 6), I_ISYNC, I_BL(0x18), I_ADDI(5, 5, 1), I_BDNZ(-16), I_SC1, I_NOP, I_NOP,
        I_ADDI(3, 3, 0),   I_BLR,
    };
    struct machine *m = machine_new(1, LEVEL_V30);
    put_all(m, TEST_CODE, code, ARRAY_LEN(code));
    m->cpu->gpr[5] = I_ADDI(3, 3, 0);
    m->cpu->gpr[6] = TEST_CODE;
    m->cpu->ctr = 3000;
    run_jit(m, m->cpu);
    CHECK_EQ(m->cpu->gpr[3], 3000 * 2999 / 2);
    machine_free(m);
}

static bool has_jump(const struct cpu *cpu, u64 ea)
{
    const struct jump *set = (const void *)((const u8 *)cpu->jumps + jump_offset(ea));
    return set[0].ea == ea || set[1].ea == ea;
}

// The same with the function in another page, to which calls go by the processor's jumps.
static void test_self_modifying_elsewhere(void)
{
    static const u32 code[] = {I_STW(5, 0, 6), I_ISYNC, I_BL(0xff8), I_ADDI(5, 5, 1), I_BDNZ(-16), I_SC1};
    static const u32 calls[] = {I_BL(0xf80), I_BDNZ(-4), I_SC1};
    struct machine *m = machine_new(1, LEVEL_V30);
    struct cpu *cpu = m->cpu;
    put_all(m, TEST_CODE, code, ARRAY_LEN(code));
    put_all(m, TEST_CODE + 0x80, calls, ARRAY_LEN(calls));
    put_all(m, TEST_CODE + 0x1000, (const u32[]){I_ADDI(3, 3, 0), I_BLR}, 2);
    u64 sum = 0;
    for (unsigned round = 1; round <= 50; round++) {
        cpu->gpr[5] = I_ADDI(3, 3, round);
        cpu->gpr[6] = TEST_CODE + 0x1000;
        cpu->ctr = 1;
        run_jit(m, cpu);
        CHECK(!has_jump(cpu, TEST_CODE + 0x1000));
        cpu->ctr = 1000;
        run_jit_at(m, cpu, TEST_CODE + 0x80);
        sum += round + 1000 * round;
        CHECK_EQ(cpu->gpr[3], sum);
    }
    machine_free(m);
}

// Three functions whose jumps are of one set, which has room for two.
static void test_jumps_of_one_set(void)
{
    static const u32 loop[] = {I_BL(0x10000), I_BL(0x11008 - 4), I_BL(0x12010 - 8), I_BDNZ(-12), I_SC1};
    const u64 at[] = {TEST_CODE + 0x10000, TEST_CODE + 0x11008, TEST_CODE + 0x12010};
    struct machine *m = machine_new(1, LEVEL_V30);
    put_all(m, TEST_CODE, loop, ARRAY_LEN(loop));
    for (unsigned i = 0; i < ARRAY_LEN(at); i++)
        put_all(m, at[i], (const u32[]){I_ADDI(3 + i, 3 + i, 1), I_BLR}, 2);
    for (unsigned i = 0; i < ARRAY_LEN(at); i++)
        CHECK_EQ(jump_offset(at[i]), jump_offset(at[0]));
    m->cpu->ctr = 5000;
    run_jit(m, m->cpu);
    for (unsigned i = 0; i < ARRAY_LEN(at); i++)
        CHECK_EQ(m->cpu->gpr[3 + i], 5000);
    CHECK(!has_jump(m->cpu, at[0]) || !has_jump(m->cpu, at[1]) || !has_jump(m->cpu, at[2]));
    machine_free(m);
}

// Data beside code in one page does not cost the page its translations.
// What is written drops the regions that were made of it, and no others of its page.
static void test_regions_beside_each_other(void)
{
    static const u32 first[] = {I_ADDI(5, 5, 1), I_BDNZ(-4), I_SC1},
                     second[] = {I_ADDI(5, 5, 2), I_NOP, I_BDNZ(-8), I_SC1};
    const u64 places[] = {TEST_CODE, TEST_CODE + 0x400, TEST_CODE + 0xff0};
    struct machine *m = machine_new(1, LEVEL_V30);
    u64 want = 0, regions = ARRAY_LEN(places);
    put_all(m, places[0], first, ARRAY_LEN(first));
    put_all(m, places[1], first, ARRAY_LEN(first));
    put_all(m, places[2], second, ARRAY_LEN(second));
    for (unsigned round = 0; round < 8; round++) {
        for (unsigned i = 0; i < ARRAY_LEN(places); i++) {
            m->cpu->ctr = 1000;
            run_jit_at(m, m->cpu, places[i]);
            want += 1000 * (i == 0 ? round + 1 : i == 1 ? 1 : 2);
        }
        CHECK_EQ(m->cpu->gpr[5], want);
        CHECK_EQ(stats(m).regions, regions);
        machine_put(m, places[0], I_ADDI(5, 5, round + 2), false);
        regions++;
    }
    machine_free(m);
}

static void test_data_beside_code(void)
{
    static const u32 code[] = {I_STW(5, 0x200, 6), I_ADDI(5, 5, 1), I_BDNZ(-8), I_SC1};
    struct machine *m = machine_new(1, LEVEL_V30);
    put_all(m, TEST_CODE, code, ARRAY_LEN(code));
    m->cpu->gpr[6] = TEST_CODE;
    m->cpu->ctr = 5000;
    run_jit(m, m->cpu);
    CHECK_EQ(stats(m).regions, 1);
    CHECK_EQ(*(const u32 *)(m->mem.base + TEST_CODE + 0x200), 4999);
    machine_free(m);
}

static void *run_thread(void *arg)
{
    struct cpu *cpu = arg;
    jit_engine.run(cpu);
    return NULL;
}

// One thread spins in a translated loop that another (or DMA) ends by rewriting its branch.
static void test_rewritten_from_outside(void)
{
    static const u32 code[] = {I_ADDI(3, 3, 1), I_ADDI(4, 4, 1), I_B(-8), I_SC1};
    struct machine *m = machine_new(2, LEVEL_V30);
    put_all(m, TEST_CODE, code, ARRAY_LEN(code));
    for (unsigned round = 0; round < 20; round++) {
        struct cpu *cpu = m->group.cpus[round & 1];
        m->stopped_at = ~0ull;
        machine_put(m, TEST_CODE + 8, I_B(-8), false);
        cpu->nia = TEST_CODE;
        cpu->budget = 1000;
        cpu->gpr[3] = cpu->gpr[4] = 0;
        atomic_fetch_and(&cpu->attn, ~(u32)ATTN_STOP);
        pthread_t thread;
        pthread_create(&thread, NULL, run_thread, cpu);
        usleep(2000);
        machine_put(m, TEST_CODE + 8, I_NOP, false);
        pthread_join(thread, NULL);
        CHECK_EQ(m->stopped_at, TEST_CODE + 12);
        CHECK_EQ(cpu->gpr[3], cpu->gpr[4]);
    }
    machine_free(m);
}

// A thread runs round through regions that are linked to each other, in two pages, with a call, until one of them is rewritten: within a page,
// in the other page, or what a call returns to.
static void test_linked_cycle_is_broken(void)
{
    static const u32 first[] = {I_ADDI(3, 3, 1), I_BL(0x3c), I_ADDI(4, 4, 1), I_B(0xff4), I_SC1};
    static const u32 second[] = {I_ADDI(5, 5, 1), I_B(-0x1004), I_SC1};
    static const u64 breaks[] = {TEST_CODE + 0x40, TEST_CODE + 0x1004, TEST_CODE + 0xc, TEST_CODE + 0x8};
    struct machine *m = machine_new(2, LEVEL_V30);
    u64 longest = 0;
    for (unsigned round = 0; round < 40; round++) {
        struct cpu *cpu = m->group.cpus[round & 1];
        u64 at = breaks[round / 2 % 4];
        put_all(m, TEST_CODE, first, ARRAY_LEN(first));
        put_all(m, TEST_CODE + 0x1000, second, ARRAY_LEN(second));
        put_all(m, TEST_CODE + 0x40, (const u32[]){I_ADDI(6, 6, 1), I_BLR}, 2);
        m->stopped_at = ~0ull;
        cpu->nia = TEST_CODE;
        cpu->budget = 1000;
        cpu->gpr[3] = cpu->gpr[4] = cpu->gpr[5] = cpu->gpr[6] = 0;
        atomic_fetch_and(&cpu->attn, ~(u32)ATTN_STOP);
        pthread_t thread;
        pthread_create(&thread, NULL, run_thread, cpu);
        usleep(2000);
        machine_put(m, at, I_SC1, false);
        pthread_join(thread, NULL);
        CHECK_EQ(m->stopped_at, at);
        unsigned back = round / 2 % 4;
        CHECK_EQ(cpu->gpr[3] - cpu->gpr[6], back == 0);
        CHECK_EQ(cpu->gpr[6] - cpu->gpr[4], back == 3);
        CHECK_EQ(cpu->gpr[4] - cpu->gpr[5], back == 2);
        longest = MAX(longest, cpu->gpr[3]);
    }
    CHECK(longest > 1000);
    machine_free(m);
}

// What is behind a call is rewritten by the function that was called: it returns to the new instruction.
static void test_return_point_rewritten(void)
{
    static const u32 code[] = {I_BL(0x40), I_ADDI(3, 3, 0), I_BDNZ(-8), I_SC1};
    static const u32 function[] = {I_STW(5, 4, 6), I_ISYNC, I_ADDI(5, 5, 1), I_BLR};
    struct machine *m = machine_new(1, LEVEL_V30);
    put_all(m, TEST_CODE, code, ARRAY_LEN(code));
    put_all(m, TEST_CODE + 0x40, function, ARRAY_LEN(function));
    m->cpu->gpr[5] = I_ADDI(3, 3, 0);
    m->cpu->gpr[6] = TEST_CODE;
    m->cpu->ctr = 3000;
    run_jit(m, m->cpu);
    CHECK_EQ(m->cpu->gpr[3], 3000 * 2999 / 2);
    machine_free(m);
}

// Two levels of calls; the inner function returns now and then to the outer one's caller, as longjmp() would.
static void test_returns_past_a_frame(void)
{
    static const u32 loop[] = {I_BL(0x40), I_ADDI(3, 3, 1), I_BDNZ(-8), I_SC1};
    static const u32 outer[] = {I_MFLR(9), I_BL(0x3c), I_ADDI(4, 4, 1), I_MTLR(9), I_BLR};
    static const u32 inner[] = {I_ADDI(5, 5, 1), I_ANDI(8, 5, 7), I_BNE(8), I_MTLR(9), I_BLR};
    struct machine *m = machine_new(1, LEVEL_V30);
    put_all(m, TEST_CODE, loop, ARRAY_LEN(loop));
    put_all(m, TEST_CODE + 0x40, outer, ARRAY_LEN(outer));
    put_all(m, TEST_CODE + 0x80, inner, ARRAY_LEN(inner));
    m->cpu->ctr = 80000;
    run_jit(m, m->cpu);
    CHECK_EQ(m->cpu->gpr[3], 80000);
    CHECK_EQ(m->cpu->gpr[4], 70000);
    CHECK_EQ(m->cpu->gpr[5], 80000);
    CHECK_EQ(m->cpu->insns, 80000 * (3 + 2 + 4) + 10000 + 70000 * 3 + 1);
    CHECK(stats(m).exits[XLATE_EXIT_RETURN] >= 9000); // once for each return past a frame, and little more
    CHECK(stats(m).exits[XLATE_EXIT_RETURN] < 20000);
    CHECK(stats(m).exits[XLATE_EXIT_FAR] + stats(m).exits[XLATE_EXIT_UNLINKED] < 5000);
    machine_free(m);
}

// Recursion far deeper than predictions are kept, with LR on the guest's stack.
static void test_deep_recursion(void)
{
    static const u32 start[] = {I_BL(0x40), I_SC1};
    static const u32 function[] = {I_CMPDI(3, 0),    I_BEQ(0x24),     I_MFLR(0),     I_STDU(0, -16, 1),
                                   I_ADDI(3, 3, -1), I_BL(-20),       I_LD(0, 0, 1), I_ADDI(1, 1, 16),
                                   I_MTLR(0),        I_ADDI(4, 4, 1), I_BLR};
    struct machine *m = machine_new(1, LEVEL_V30);
    put_all(m, TEST_CODE, start, ARRAY_LEN(start));
    put_all(m, TEST_CODE + 0x40, function, ARRAY_LEN(function));
    for (unsigned round = 0; round < 4; round++) {
        m->cpu->gpr[1] = TEST_CODE + 4 * MIB;
        m->cpu->gpr[3] = 50000;
        m->cpu->gpr[4] = 0;
        run_jit(m, m->cpu);
        CHECK_EQ(m->cpu->gpr[4], 50000);
        CHECK_EQ(m->cpu->gpr[1], TEST_CODE + 4 * MIB);
    }
    machine_free(m);
}

// The page that a linked branch goes to is mapped elsewhere: the branch follows the fetch TLB.
static void test_mapping_changes_under_link(void)
{
    static const u32 loop[] = {I_BL(0x1000), I_ADDI(3, 3, 1), I_BDNZ(-8), I_SC1};
    struct machine *m = machine_new(1, LEVEL_V30);
    struct cpu *cpu = m->cpu;
    put_all(m, TEST_CODE, loop, ARRAY_LEN(loop));
    put_all(m, TEST_CODE + 0x1000, (const u32[]){I_ADDI(4, 4, 1), I_BLR}, 2);
    put_all(m, TEST_CODE + 0x2000, (const u32[]){I_ADDI(5, 5, 1), I_BLR}, 2);
    cpu->ctr = 5000;
    run_jit(m, cpu);
    CHECK_EQ(cpu->gpr[4], 5000);
    struct ftlb_entry *e = &cpu->ftlb[ftlb_index((TEST_CODE + 0x1000) >> GUEST_PAGE_SHIFT)];
    CHECK(has_jump(cpu, TEST_CODE + 0x1000));
    e->page = mmu_fetch_page(cpu, TEST_CODE + 0x2000);
    mmu_forget_jumps(cpu);
    CHECK(!has_jump(cpu, TEST_CODE + 0x1000));
    cpu->ctr = 5000;
    run_jit(m, cpu);
    CHECK_EQ(cpu->gpr[4], 5000);
    CHECK_EQ(cpu->gpr[5], 5000);
    CHECK_EQ(cpu->gpr[3], 10000);
    mmu_flush_local(cpu, TLB_ALL, 0, 0, 0);
    CHECK(!has_jump(cpu, TEST_CODE + 0x1000));
    cpu->ctr = 5000;
    run_jit(m, cpu);
    CHECK_EQ(cpu->gpr[4], 10000);
    machine_free(m);
}

// A jump goes with the translation of its page, also when the fetch TLB has lost that before.
static void test_jumps_go_with_translations(void)
{
    static const u32 loop[] = {I_BL(0x1000), I_BDNZ(-4), I_SC1};
    const u64 to = TEST_CODE + 0x1000, page = to >> GUEST_PAGE_SHIFT, slot = ftlb_index(page);
    struct machine *m = machine_new(1, LEVEL_V30);
    struct cpu *cpu = m->cpu;
    put_all(m, TEST_CODE, loop, ARRAY_LEN(loop));
    put_all(m, to, (const u32[]){I_ADDI(4, 4, 1), I_BLR}, 2);
    for (unsigned round = 0; round < 3; round++) {
        cpu->ctr = 5000;
        run_jit(m, cpu);
        CHECK(has_jump(cpu, to));
        if (round == 1)
            cpu->ftlb[slot].tag = TLB_NO_TAG;
        mmu_flush_local(cpu, TLB_VPN, page + 1, GUEST_PAGE_SHIFT, 0); // never fetched
        CHECK(has_jump(cpu, to));
        mmu_flush_local(cpu, round == 2 ? TLB_REAL : TLB_VPN, round == 2 ? to : page, GUEST_PAGE_SHIFT, 0);
        CHECK(!has_jump(cpu, to));
    }
    CHECK_EQ(cpu->gpr[4], 15000);
    machine_free(m);
}

static void test_breakpoint_in_loop(void)
{
    static const u32 loop[] = {I_ADDI(3, 3, 1), I_ADDI(4, 4, 1), I_BDNZ(-8), I_SC1};
    struct machine *m = machine_new(1, LEVEL_V30);
    put_all(m, TEST_CODE, loop, ARRAY_LEN(loop));
    m->cpu->ctr = 1000;
    run_jit(m, m->cpu);
    CHECK_EQ(debug_set_breakpoint(&m->group, TEST_CODE + 4, true), 0);
    m->cpu->ctr = 1000;
    m->cpu->gpr[3] = m->cpu->gpr[4] = 0;
    m->cpu->nia = TEST_CODE;
    atomic_fetch_and(&m->cpu->attn, ~(u32)ATTN_STOP);
    for (unsigned i = 1; i < 300; i++) {
        CHECK_EQ(jit_engine.run(m->cpu), EXIT_BREAKPOINT);
        CHECK_EQ(m->cpu->nia, TEST_CODE + 4);
        CHECK_EQ(m->cpu->gpr[3], i);
        CHECK_EQ(m->cpu->gpr[4], i - 1);
        debug_set_breakpoint(&m->group, TEST_CODE + 4, false);
        CHECK_EQ(jit_engine.step(m->cpu), EXIT_STEPPED);
        debug_set_breakpoint(&m->group, TEST_CODE + 4, true);
    }
    debug_clear(&m->group);
    machine_free(m);
}

// Many pages of loops in little code memory, two threads: the oldest code goes now and then while both run.
static void test_full_memory(void)
{
    enum { PAGES = 64, LOOPS = 64 };
    struct machine *m = machine_new(2, LEVEL_V30);
    u64 at = TEST_CODE;
    for (unsigned i = 0; i < PAGES * LOOPS; i++, at += 64) {
        u32 loop[16] = {I_LI(5, 70), I_SPR(0x7c0003a6u, 5, 9), I_ADDI(3, 3, 1), I_ADDI(4, 4, 3)};
        for (unsigned k = 4; k < 14; k++)
            loop[k] = I_ADDI(6 + k, 6 + k, 1);
        loop[14] = I_BDNZ(-48);
        loop[15] = I_B(4);
        if (i % 7 == 0)
            loop[15] = I_NOP;
        put_all(m, at, loop, ARRAY_LEN(loop));
    }
    machine_put(m, at, I_SC1, false);
    // A thread that waits for the translator interprets, so one round may translate little.
    for (unsigned round = 0; round < 50 && stats(m).evictions < 20; round++) {
        pthread_t threads[2];
        for (unsigned t = 0; t < 2; t++) {
            struct cpu *cpu = m->group.cpus[t];
            cpu->nia = TEST_CODE;
            cpu->budget = 1000;
            cpu->gpr[3] = cpu->gpr[4] = 0;
            atomic_fetch_and(&cpu->attn, ~(u32)ATTN_STOP);
            pthread_create(&threads[t], NULL, run_thread, cpu);
        }
        for (unsigned t = 0; t < 2; t++) {
            pthread_join(threads[t], NULL);
            CHECK_EQ(m->group.cpus[t]->gpr[3], PAGES * LOOPS * 70);
            CHECK_EQ(m->group.cpus[t]->gpr[4], PAGES * LOOPS * 210);
        }
    }
    CHECK(stats(m).evictions >= 20);
    CHECK_EQ(stats(m).flushes, 0);
    CHECK(stats(m).code_size > 2 * xlate_code_size);
    machine_free(m);
}

// In 32-bit mode regions of the same code are passed over.
static void test_word_mode(void)
{
    static const u32 loop[] = {I_ADDI(3, 3, 1), I_CMPDI(3, 0), I_BEQ(8), I_BDNZ(-12), I_SC1};
    struct machine *m = machine_new(1, LEVEL_V30);
    put_all(m, TEST_CODE, loop, ARRAY_LEN(loop));
    m->cpu->ctr = 1000;
    run_jit(m, m->cpu);
    CHECK(stats(m).regions >= 1);
    cpu_set_msr(m->cpu, MSR_BASE & ~MSR_SF);
    m->cpu->nia = TEST_CODE;
    m->cpu->ctr = (1ull << 32) + 500; // only the low word counts
    m->cpu->gpr[3] = 0;
    atomic_fetch_and(&m->cpu->attn, ~(u32)ATTN_STOP);
    CHECK_EQ(jit_engine.run(m->cpu), EXIT_STOPPED);
    CHECK_EQ(m->cpu->gpr[3], 500);
    machine_free(m);
}

// clang-format off
// One partition that runs `loop` from the address; what became of it is in *s.
static u64 run_kept(const u32 *loop, unsigned len, u64 at, bool big_endian, struct xlate_stats *s)
{
    struct machine *m = machine_new(1, LEVEL_V30);
    for (unsigned i = 0; i < len; i++)
        machine_put(m, at + i * 4, loop[i], big_endian);
    m->cpu->ctr = 1000;
    m->stopped_at = ~0ull;
    if (big_endian) {
        m->cpu->lpcr &= ~LPCR_ILE;
        machine_vectors(m, 0, true);
    }
    cpu_set_msr(m->cpu, big_endian ? MSR_BASE & ~MSR_LE : MSR_BASE);
    m->cpu->nia = at;
    m->cpu->budget = 0;
    atomic_fetch_and(&m->cpu->attn, ~(u32)ATTN_STOP);
    CHECK_EQ(jit_engine.run(m->cpu), EXIT_STOPPED);
    u64 out = m->cpu->gpr[3];
    *s = stats(m);
    machine_free(m);
    return out;
}

// Code of one run is used by the next one: for the same instructions in the same state, wherever they are, and for no others.
static void test_kept(void)
{
    // A call and stores, so that there are places of all kinds that code has to be told about.
    u32 loop[] = {I_ADDI(3, 3, 1), I_STW(3, 0x1000, 6), I_BL(0x18), I_ADDI(3, 3, 2), I_BDNZ(-16), I_SC1, I_NOP, I_NOP, I_ADDI(3, 3, 4), I_BLR};
    const unsigned len = ARRAY_LEN(loop);
    char folder[] = "/tmp/openlpar-kept-XXXXXX", path[64], command[64];
    struct xlate_stats s;
    CHECK(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/code", folder);
    xlate_cache_path = path;
    CHECK_EQ(run_kept(loop, len, TEST_CODE, false, &s), 7000);
    CHECK_EQ(s.loaded, 0);
    CHECK(s.kept >= 1);
    CHECK_EQ(run_kept(loop, len, TEST_CODE, false, &s), 7000);
    CHECK_EQ(s.kept, 0);
    CHECK(s.loaded >= 1);
    CHECK_EQ(s.loaded, s.regions);
    CHECK_EQ(run_kept(loop, len, TEST_CODE + 0x5000, false, &s), 7000); // another page
    CHECK_EQ(s.loaded, s.regions);
    CHECK_EQ(run_kept(loop, len, TEST_CODE + 0x40, false, &s), 7000); // another place in the page
    CHECK_EQ(s.loaded, 0);
    CHECK_EQ(run_kept(loop, len, TEST_CODE, true, &s), 7000); // the other byte order
    CHECK_EQ(s.loaded, 0);
    loop[8] = I_ADDI(3, 3, 5); // far from where the name comes from
    CHECK_EQ(run_kept(loop, len, TEST_CODE, false, &s), 8000);
    CHECK(s.kept >= 1);
    CHECK_EQ(run_kept(loop, len, TEST_CODE, false, &s), 8000);
    CHECK_EQ(s.loaded, s.regions);
    loop[8] = I_ADDI(3, 3, 4);
    CHECK_EQ(run_kept(loop, len, TEST_CODE, false, &s), 7000); // the first ones are still there
    CHECK_EQ(s.loaded, s.regions);
    // From another process.
    fflush(stdout);
    pid_t child = fork();
    if (child == 0) {
        u64 got = run_kept(loop, len, TEST_CODE, false, &s);
        _exit(got == 7000 && s.loaded == s.regions ? 0 : 1);
    }
    int status;
    CHECK_EQ(waitpid(child, &status, 0), child);
    CHECK_EQ(status, 0);
    // A damaged file costs time, no more.
    static u8 bytes[65536];
    int fd = open(path, O_RDWR);
    ssize_t size = read(fd, bytes, sizeof(bytes));
    CHECK(size > 0 && size < (ssize_t)sizeof(bytes));
    for (ssize_t at = 0; at < size; at += 97) {
        u8 bad = bytes[at] ^ 0x10;
        CHECK_EQ(pwrite(fd, &bad, 1, at), 1);
        CHECK_EQ(run_kept(loop, len, TEST_CODE, false, &s), 7000);
        close(fd);
        unlink(path);
        fd = open(path, O_RDWR | O_CREAT, 0600);
        CHECK_EQ(write(fd, bytes, (size_t)size), size);
    }
    close(fd);
    xlate_cache_path = NULL;
    snprintf(command, sizeof(command), "rm -r %s", folder);
    CHECK_EQ(system(command), 0);
}

// Code is translated again without a memo that does not pay: once, and not by taking what an earlier run has kept with the memo.
static void test_kept_without_memo(void)
{
    // Loads from two pages in turn.
    static const u32 loop[] = {I_ADDI(8, 0, 30000), I_MTSPR(9, 8), I_ADDI(7, 0, 0x1000), I_LWZ(5, 0x4000, 6), 0x7cc63a78 /* xor 6,6,7 */,
        I_ADDI(3, 3, 1), I_BDNZ(-12), I_ADDI(9, 9, 1), I_CMPDI(9, 20), I_BNE(-36), I_SC1};
    char folder[] = "/tmp/openlpar-memo-XXXXXX", path[64], command[64];
    struct xlate_stats s;
    CHECK(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/code", folder);
    xlate_cache_path = path;
    CHECK_EQ(run_kept(loop, ARRAY_LEN(loop), TEST_CODE, false, &s), 600000);
    CHECK(s.regions >= 2);
    CHECK(s.kept >= 2);
    for (unsigned i = 0; i < 2; i++) {
        CHECK_EQ(run_kept(loop, ARRAY_LEN(loop), TEST_CODE, false, &s), 600000);
        CHECK(s.regions <= 4);
        CHECK_EQ(s.loaded, s.regions);
    }
    xlate_cache_path = NULL;
    snprintf(command, sizeof(command), "rm -r %s", folder);
    CHECK_EQ(system(command), 0);
}

// Accesses from one base are looked up together. Where they lie in two pages they are translated again, each on its own.
static void test_kept_apart(void)
{
    static const u32 loop[] = {I_ADDI(6, 0, 0x4ff0), I_ADDI(8, 0, 30000), I_MTSPR(9, 8), I_STD(3, 0, 6), I_STD(3, 24, 6), I_LD(5, 24, 6), I_LD(7, 0, 6),
        I_ADDI(3, 5, 1), I_BDNZ(-20), I_ADDI(9, 9, 1), I_CMPDI(9, 20), I_BNE(-40), I_SC1};
    struct xlate_stats s;
    CHECK_EQ(run_kept(loop, ARRAY_LEN(loop), TEST_CODE, false, &s), 600000);
    CHECK(s.regions >= 2);
    CHECK(s.exits[XLATE_EXIT_BEHIND] < 300000);
}

#define CASES(run)                       \
    run(test_loop_is_translated)         \
    run(test_pruned_branch_comes_back)   \
    run(test_self_modifying)             \
    run(test_self_modifying_elsewhere)   \
    run(test_jumps_of_one_set)           \
    run(test_regions_beside_each_other)  \
    run(test_data_beside_code)           \
    run(test_rewritten_from_outside)     \
    run(test_linked_cycle_is_broken)     \
    run(test_return_point_rewritten)     \
    run(test_returns_past_a_frame)       \
    run(test_deep_recursion)             \
    run(test_mapping_changes_under_link) \
    run(test_jumps_go_with_translations) \
    run(test_breakpoint_in_loop)         \
    run(test_full_memory)                \
    run(test_word_mode)                  \
    run(test_written_when_quiet)         \
    run(test_switch) run(test_in_background) run(test_kept) run(test_kept_without_memo) \
    run(test_kept_apart)
// clang-format on

static unsigned switches, landings;

static void count_switches(const struct ir_region *r, const void *code, size_t size)
{
    (void)code, (void)size;
    for (unsigned n = 0; n < r->blocks_len; n++) {
        switches += r->blocks[n].switches;
        landings += r->blocks[n].landing;
    }
}

// A loop over a switch statement of four cases becomes one region. When another case is written, it is that one.
static void test_switch(void)
{
    u32 code[] = {I_ADDI(4, 4, 1),   I_ANDI(5, 4, 3), 0x54a51838 /* slwi r5,r5,3 */, 0x7ca53214 /* add r5,r5,r6 */,
                  0x7ca903a6,        0x4e800420, // mtctr r5; bctr
                  I_ADDI(7, 7, 1),   I_B(7 * 4),    I_ADDI(7, 7, 10),               I_B(5 * 4),
                  I_ADDI(7, 7, 100), I_B(3 * 4),    I_ADDI(7, 7, 1000),             I_B(4),
                  I_ADDI(8, 8, -1),  I_CMPDI(8, 0), I_BNE(-16 * 4),                 I_SC1};
    struct machine *m = machine_new(1, LEVEL_V30);
    xlate_trace = count_switches;
    switches = landings = 0;
    for (unsigned round = 0; round < 2; round++) {
        put_all(m, TEST_CODE, code, ARRAY_LEN(code));
        m->cpu->gpr[4] = m->cpu->gpr[7] = 0;
        m->cpu->gpr[6] = TEST_CODE + 6 * 4;
        m->cpu->gpr[8] = 4000;
        run_jit(m, m->cpu);
        CHECK_EQ(m->cpu->gpr[7], round ? 1511000 : 1111000);
        code[10] = I_ADDI(7, 7, 500);
    }
    CHECK(switches >= 1);
    CHECK(landings >= 4);
    xlate_trace = NULL;
    machine_free(m);
}

// The same with a helper thread: whenever it comes, what is executed is what was written last.
static void test_in_background(void)
{
    static const u32 ends[] = {I_NOP, I_ADDI(4, 4, 1), I_ADDI(3, 3, 5)};
    xlate_in_background = true;
    struct machine *m = machine_new(1, LEVEL_V30);
    for (unsigned round = 0; round < 3000; round++) {
        u32 loop[] = {I_ADDI(3, 3, round & 0xff), ends[round % 3], ends[round / 3 % 3], I_BDNZ(-12), I_SC1};
        u64 want = 0;
        for (unsigned i = 0; i < 3; i++) {
            u32 insn = loop[i];
            want += (insn & 0xffff0000) == I_ADDI(3, 3, 0) ? insn & 0xffff : 0;
        }
        put_all(m, TEST_CODE, loop, ARRAY_LEN(loop));
        m->cpu->gpr[3] = 0;
        m->cpu->ctr = 25 + round % 64 * 16;
        u64 n = m->cpu->ctr;
        run_jit(m, m->cpu);
        CHECK_EQ(m->cpu->gpr[3], n * want);
        if (m->cpu->gpr[3] != n * want)
            break;
    }
    machine_free(m);
    // A loop that runs long enough is entered, and so are the many of test_full_memory().
    test_full_memory();
    m = machine_new(1, LEVEL_V30);
    static const u32 loop[] = {I_ADDI(3, 3, 2), I_BDNZ(-4), I_SC1};
    put_all(m, TEST_CODE, loop, ARRAY_LEN(loop));
    for (unsigned i = 0; i < 100 && !stats(m).background; i++) {
        m->cpu->ctr = 1000000;
        run_jit(m, m->cpu);
    }
    CHECK(stats(m).background >= 1);
    xlate_stop(m->mem.xlate);
    CHECK_EQ(stats(m).background, stats(m).regions + stats(m).refused);
    machine_free(m);
    xlate_in_background = false;
}

// What was translated is in the file while the partition still exists, as soon as the helper thread has nothing to do.
static void test_written_when_quiet(void)
{
    static const u32 loop[] = {I_ADDI(3, 3, 2), I_BDNZ(-4), I_SC1};
    char folder[] = "/tmp/openlpar-kept-XXXXXX", path[64], command[64];
    CHECK(mkdtemp(folder));
    snprintf(path, sizeof(path), "%s/code", folder);
    xlate_cache_path = path;
    xlate_in_background = true;
    background_quiet_ms = 10;
    struct machine *m = machine_new(1, LEVEL_V30);
    put_all(m, TEST_CODE, loop, ARRAY_LEN(loop));
    for (unsigned i = 0; i < 10000 && !stats(m).writes; i++) {
        m->cpu->ctr = 100000;
        run_jit(m, m->cpu);
        usleep(10000);
    }
    CHECK(stats(m).writes >= 1);
    m->cpu->ctr = 100000;
    run_jit(m, m->cpu);
    CHECK(stats(m).executed > 0);
    CHECK(access(path, R_OK) == 0);
    machine_free(m);
    background_quiet_ms = 1000;
    xlate_in_background = false;
    xlate_cache_path = NULL;
    snprintf(command, sizeof(command), "rm -r %s", folder);
    CHECK_EQ(system(command), 0);
}

int main(void)
{
    xlate_code_size = 512 * KIB;
    xlate_heat_limit = 20;
    xlate_in_background = false; // where regions are counted
#define RUN(fn)  TEST(fn);
#define SKIP(fn) test_skip(#fn, "no back end for this host");
    if (target_available()) {
        CASES(RUN)
    } else {
        CASES(SKIP)
    }
    return test_done();
}
