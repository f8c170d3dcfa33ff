// SPDX-License-Identifier: Apache-2.0
// Reservations in translated code: nothing is lost between threads, and a value that came back does not pass for one that stayed.
#include <pthread.h>

#include "cpu/test_machine.h"
#include "cpu/xlate/ir.h"
#include "cpu/xlate/xlate.h"

#define X31(op, rt, ra, rb) (31u << 26 | (u32)(rt) << 21 | (u32)(ra) << 16 | (u32)(rb) << 11 | (u32)(op) << 1)
#define I_LARX(op, rt)      X31(op, rt, 0, 4)
#define I_STCX(op, rs)      (X31(op, rs, 0, 4) | 1)
#define I_MFCR(rt)          X31(19, rt, 0, 0)
#define I_LWSYNC            (X31(598, 0, 0, 0) | 1u << 21)
#define I_SYNC              X31(598, 0, 0, 0)
#define I_ISYNC             0x4c00012cu
#define I_ADDI(rt, ra, v)   (I_LI(rt, v) | (u32)(ra) << 16)
#define I_XORI(ra, rs, v)   (0x68000000u | (u32)(rs) << 21 | (u32)(ra) << 16 | (v))
#define I_STW(rs, d, ra)    (0x90000000u | (u32)(rs) << 21 | (u32)(ra) << 16 | ((u32)(d)&0xffff))
#define I_CMPWI(ra, v)      (0x2c000000u | (u32)(ra) << 16 | ((u32)(v)&0xffff))
#define I_BDNZ(offset)      (0x42000000u | ((u32)(offset)&0xfffc))
#define I_B(offset)         (0x48000000u | ((u32)(offset)&0x3fffffc))
#define I_BNE(offset)       (0x40820000u | ((u32)(offset)&0xfffc))
#define I_DCBZ              X31(1014, 0, 0, 4)

#define THREADS             3
#define DATA                0x200000ull

enum { LDARX = 84, LWARX = 20, LHARX = 116, LBARX = 52, STDCX = 214, STWCX = 150, STHCX = 726, STBCX = 694 };
static const struct {
    unsigned load, store, size;
} widths[] = {{LBARX, STBCX, 1}, {LHARX, STHCX, 2}, {LWARX, STWCX, 4}, {LDARX, STDCX, 8}};

static void put(struct machine *m, u64 at, const u32 *insns, unsigned len, bool be)
{
    for (unsigned i = 0; i < len; i++)
        machine_put(m, at + i * 4, insns[i], be);
}

static void *run(void *arg)
{
    struct cpu *cpu = arg;
    cpu->budget = 0;
    CHECK_EQ(jit_engine.run(cpu), EXIT_STOPPED);
    return NULL;
}

static void prepare(struct machine *m, unsigned t, u64 at, u64 ctr, bool be)
{
    struct cpu *cpu = m->group.cpus[t];
    cpu_set_msr(cpu, be ? MSR_BASE & ~MSR_LE : MSR_BASE);
    cpu->nia = at;
    cpu->ctr = ctr;
    cpu->gpr[4] = DATA;
    cpu->gpr[7] = DATA + 256;
    atomic_fetch_and(&cpu->attn, ~(u32)ATTN_STOP);
}

static void run_all(struct machine *m, u64 ctr, bool be)
{
    pthread_t threads[THREADS];
    for (unsigned t = 0; t < THREADS; t++) {
        prepare(m, t, TEST_CODE, ctr, be);
        pthread_create(&threads[t], NULL, run, m->group.cpus[t]);
    }
    for (unsigned t = 0; t < THREADS; t++)
        pthread_join(threads[t], NULL);
}

static u64 value_at(const struct machine *m, u64 gra, unsigned size, bool be)
{
    u64 v = 0;
    guest_mem_read(&m->mem, gra, &v, size);
    return be ? __builtin_bswap64(v) >> (64 - 8 * size) : v;
}

static unsigned pairs_made;

static void note_pairs(const struct ir_region *r, const void *code, size_t size)
{
    for (unsigned i = 0; i < r->len; i++)
        pairs_made += r->insns[i].op == IR_RMW || (r->insns[i].op == IR_STCX && r->insns[i].imm & MEM_PAIRED);
}

static void test_increments(void)
{
    pairs_made = 0;
    xlate_trace = note_pairs;
    for (unsigned w = 0; w < 2 * ARRAY_LEN(widths); w++) {
        bool be = w & 1;
        unsigned size = widths[w / 2].size;
        const u32 code[] = {
            I_LARX(widths[w / 2].load, 3),
            I_ADDI(3, 3, 1),
            I_STCX(widths[w / 2].store, 3),
            I_BNE(-12),
            I_BDNZ(-16),
            I_SC1,
        };
        struct machine *m = machine_new(THREADS, LEVEL_V30);
        put(m, TEST_CODE, code, ARRAY_LEN(code), be);
        u64 each = 20000;
        run_all(m, each, be);
        CHECK_EQ(value_at(m, DATA, size, be), (each * THREADS) & ~0ull >> (64 - 8 * size));
        CHECK_EQ(value_at(m, DATA + size, 8, be), 0);
        CHECK(xlate_stats(m->mem.xlate).regions > 0);
        machine_free(m);
    }
    xlate_trace = NULL;
    CHECK(pairs_made >= 2 * ARRAY_LEN(widths));
}

// A lock as Linux has it around a counter that is not atomic.
static void test_lock(void)
{
    const u32 code[] = {
        I_LI(5, 1),     I_LARX(LWARX, 3), I_CMPWI(3, 0),   I_BNE(-8),      I_STCX(STWCX, 5), I_BNE(-16),
        I_ISYNC,        I_LD(6, 0, 7),    I_ADDI(6, 6, 1), I_STD(6, 0, 7), I_LWSYNC,         I_LI(8, 0),
        I_STW(8, 0, 4), I_BDNZ(-52),      I_SYNC,          I_SC1,
    };
    struct machine *m = machine_new(THREADS, LEVEL_V30);
    put(m, TEST_CODE, code, ARRAY_LEN(code), false);
    run_all(m, 10000, false);
    CHECK_EQ(value_at(m, DATA + 256, 8, false), 10000 * THREADS);
    CHECK_EQ(value_at(m, DATA, 4, false), 0);
    machine_free(m);
}

// Each part becomes a region by its loop, and goes on behind it.
#define RESERVES TEST_CODE
#define STORES   (TEST_CODE + 0x1000)
#define FLIPS    (TEST_CODE + 0x2000)

static u64 run_part(struct machine *m, unsigned t, u64 at, u64 ctr)
{
    prepare(m, t, at, ctr, false);
    run(m->group.cpus[t]);
    return m->group.cpus[t]->gpr[6] >> 28;
}

static void warm(struct machine *m)
{
    for (unsigned i = 0; i < 4; i++) {
        for (unsigned t = 0; t < 2; t++) {
            run_part(m, t, RESERVES, 200);
            run_part(m, t, STORES, 200);
            run_part(m, t, FLIPS, 200);
        }
    }
}

static void test_values_that_come_back(void)
{
    for (unsigned w = 0; w < ARRAY_LEN(widths); w++) {
        const u32 reserves[] = {I_ADDI(9, 9, 1), I_BDNZ(-4), I_LARX(widths[w].load, 3), I_SC1};
        const u32 stores[] = {I_ADDI(9, 9, 1), I_BDNZ(-4), I_STCX(widths[w].store, 3), I_MFCR(6), I_SC1};
        const u32 flips[] = {I_LARX(widths[w].load, 3), I_XORI(3, 3, 1), I_STCX(widths[w].store, 3), I_BDNZ(-12),
                             I_SC1};
        for (unsigned cold = 0; cold < 2; cold++) {
            struct machine *m = machine_new(2, LEVEL_V30);
            put(m, RESERVES, reserves, ARRAY_LEN(reserves), false);
            put(m, STORES, stores, ARRAY_LEN(stores), false);
            put(m, FLIPS, flips, ARRAY_LEN(flips), false);
            if (!cold)
                warm(m);
            m->cpu->so = 0;
            run_part(m, 0, RESERVES, 1);
            CHECK_EQ(run_part(m, 0, STORES, 1), CR_EQ);
            CHECK_EQ(run_part(m, 0, STORES, 1), 0); // a reservation serves once
            run_part(m, 0, RESERVES, 1);
            run_part(m, 1, RESERVES, 1); // takes nothing away
            CHECK_EQ(run_part(m, 0, STORES, 1), CR_EQ);
            run_part(m, 0, RESERVES, 1);
            run_part(m, 1, FLIPS, 2); // there and back
            m->cpu->so = 1;
            CHECK_EQ(run_part(m, 0, STORES, 1), CR_SO);
            run_part(m, 0, RESERVES, 1);
            u64 changed = value_at(m, DATA, 8, false) ^ 2;
            guest_mem_write(&m->mem, DATA, &changed, 8); // a plain store that stays
            CHECK_EQ(run_part(m, 0, STORES, 1), CR_SO);
            run_part(m, 0, RESERVES, 1);
            CHECK_EQ(run_part(m, 0, STORES, 1), CR_EQ | CR_SO);
            machine_free(m);
        }
    }
}

#define I_ADD(rt, ra, rb)  X31(266, rt, ra, rb)
#define I_SUBF(rt, ra, rb) X31(40, rt, ra, rb)
#define I_CMPW(ra, rb)     X31(0, 0, ra, rb)
#define I_CMPD(ra, rb)     X31(0, 1, ra, rb)
#define I_MR(ra, rs)       X31(444, rs, ra, rs)

static unsigned loops_made[2];

static void note_loops(const struct ir_region *r, const void *code, size_t size)
{
    for (unsigned i = 0; i < r->len; i++) {
        loops_made[0] += r->insns[i].op == IR_RMW;
        loops_made[1] += r->insns[i].op == IR_CAS;
    }
}

// One operation of the host does the loop: threads at once, each `ctr` times. The sum of the words at DATA and, of an exchange, of what the
// threads hold at the end.
static u64 run_loop(const u32 *code, unsigned len, unsigned size, u64 r5, u64 r6, bool held)
{
    struct machine *m = machine_new(THREADS, LEVEL_V30);
    pthread_t threads[THREADS];
    put(m, TEST_CODE, code, len, false);
    for (unsigned t = 0; t < THREADS; t++) {
        prepare(m, t, TEST_CODE, 20000, false);
        m->group.cpus[t]->gpr[5] = r5 << 8 * t;
        m->group.cpus[t]->gpr[6] = r6;
        m->group.cpus[t]->so = t & 1;
        pthread_create(&threads[t], NULL, run, m->group.cpus[t]);
    }
    u64 sum = 0;
    for (unsigned t = 0; t < THREADS; t++) {
        pthread_join(threads[t], NULL);
        sum += held ? m->group.cpus[t]->gpr[5] : 0;
        CHECK_EQ(m->group.cpus[t]->crf[0], CR_EQ | (t & 1));
    }
    sum += value_at(m, DATA, size, false);
    CHECK_EQ(value_at(m, DATA + size, 8, false), 0);
    machine_free(m);
    return sum;
}

static void test_loops(void)
{
    loops_made[0] = loops_made[1] = 0;
    xlate_trace = note_loops;
    for (unsigned w = 2; w < ARRAY_LEN(widths); w++) {
        const u32 larx = I_LARX(widths[w].load, 3), size = widths[w].size;
        const u64 mask = ~0ull >> (64 - 8 * size), n = 20000 * THREADS;
        const unsigned store = widths[w].store;
        const u32 add[] = {larx, I_ADD(7, 6, 3), I_STCX(store, 7), I_BNE(-12), I_BDNZ(-16), I_SC1};
        const u32 subtract[] = {larx, I_SUBF(3, 6, 3), I_STCX(store, 3), I_BNE(-12), I_BDNZ(-16), I_SC1};
        const u32 immediate[] = {larx, I_ADDI(7, 3, -3), I_STCX(store, 7), I_BNE(-12), I_BDNZ(-16), I_SC1};
        const u32 exchange[] = {larx, I_STCX(store, 5), I_BNE(-8), I_MR(5, 3), I_BDNZ(-16), I_SC1};
        // r8 = the value; compare and swap r8 to r8 + 1, from the start where it is another one
        const u32 swap[] = {I_LWZ(8, 0, 4), I_ADDI(9, 8, 1),  larx,       size == 8 ? I_CMPD(3, 8) : I_CMPW(8, 3),
                            I_BNE(-16),     I_STCX(store, 9), I_BNE(-16), I_BDNZ(-28),
                            I_SC1};
        CHECK_EQ(run_loop(add, ARRAY_LEN(add), size, 0, 0x123456789, false), 0x123456789 * n & mask);
        CHECK_EQ(run_loop(subtract, ARRAY_LEN(subtract), size, 0, 5, false), -5 * n & mask);
        CHECK_EQ(run_loop(immediate, ARRAY_LEN(immediate), size, 0, 0, false), -3 * n & mask);
        CHECK_EQ(run_loop(exchange, ARRAY_LEN(exchange), size, 0x51, 0, true), 0x515151);
        CHECK_EQ(run_loop(swap, ARRAY_LEN(swap), size, 0, 0, false), n);
    }
    xlate_trace = NULL;
    CHECK(loops_made[0] >= 8);
    CHECK(loops_made[1] >= 2);
}

// Where the comparison failed there is a reservation, with which a store elsewhere succeeds, if not at once.
static void test_compared_in_vain(void)
{
    const u32 code[] = {I_LWZ(5, 0, 4),    I_ADD(5, 5, 10),
                        I_LARX(LWARX, 3),  I_CMPW(3, 5),
                        I_BNE(16),         I_STCX(STWCX, 9),
                        I_BNE(-16),        I_B(12),
                        I_STCX(STWCX, 9),  I_BNE(-36),
                        I_XORI(10, 10, 1), I_ADDI(9, 9, 1),
                        I_BDNZ(-48),       I_SC1};
    for (unsigned cpus = 1; cpus <= 2; cpus++) {
        struct machine *m = machine_new(cpus, LEVEL_V30);
        put(m, TEST_CODE, code, ARRAY_LEN(code), false);
        loops_made[1] = 0;
        xlate_trace = note_loops;
        prepare(m, 0, TEST_CODE, 2000, false);
        m->cpu->gpr[9] = 1;
        m->cpu->gpr[10] = 0;
        run(m->cpu);
        xlate_trace = NULL;
        CHECK_EQ(value_at(m, DATA, 4, false), 2000);
        CHECK(loops_made[1] >= 1);
        machine_free(m);
    }
}

// A pair that is left in between for a store elsewhere: it fails, but not always.
static void test_pair_is_left(void)
{
    const u32 code[] = {
        I_LI(5, 0),       I_LARX(LWARX, 3), I_CMPWI(3, 1000),
        I_BNE(16), // to the second store
        I_STCX(STWCX, 5), I_BNE(-16),       I_SC1,
        I_ADDI(3, 3, 1),  I_STCX(STWCX, 3), I_BNE(-32),
        I_ADDI(9, 9, 1),  I_BDNZ(-40),      I_SC1,
    };
    struct machine *m = machine_new(2, LEVEL_V30);
    put(m, TEST_CODE, code, ARRAY_LEN(code), false);
    prepare(m, 0, TEST_CODE, 900, false);
    m->cpu->gpr[9] = 0;
    run(m->cpu);
    CHECK_EQ(value_at(m, DATA, 4, false), 900);
    CHECK_EQ(m->cpu->gpr[9], 900);
    CHECK(xlate_stats(m->mem.xlate).regions > 0);
    machine_free(m);
}

// Pairs, and reservations with a version (something is loaded in between), on the same word.
static void test_both_kinds(void)
{
    const u32 pairs[] = {I_LARX(LDARX, 3), I_ADDI(3, 3, 1), I_STCX(STDCX, 3), I_BNE(-12), I_BDNZ(-16), I_SC1};
    const u32 versions[] = {I_LARX(LDARX, 3), I_LD(8, 0, 7), I_ADDI(3, 3, 1), I_STCX(STDCX, 3), I_BNE(-16),
                            I_BDNZ(-20),      I_SC1};
    struct machine *m = machine_new(THREADS, LEVEL_V30);
    pthread_t threads[THREADS];
    put(m, TEST_CODE, pairs, ARRAY_LEN(pairs), false);
    put(m, TEST_CODE + 0x1000, versions, ARRAY_LEN(versions), false);
    for (unsigned t = 0; t < THREADS; t++) {
        prepare(m, t, TEST_CODE + (t & 1 ? 0x1000 : 0), 20000, false);
        pthread_create(&threads[t], NULL, run, m->group.cpus[t]);
    }
    for (unsigned t = 0; t < THREADS; t++)
        pthread_join(threads[t], NULL);
    CHECK_EQ(value_at(m, DATA, 8, false), 20000 * THREADS);
    machine_free(m);
}

static void test_block_is_cleared(void)
{
    const u32 code[] = {I_DCBZ, I_BDNZ(-4), I_SC1};
    struct machine *m = machine_new(1, LEVEL_V30);
    put(m, TEST_CODE, code, ARRAY_LEN(code), false);
    for (unsigned i = 0; i < 4; i++) {
        memset(guest_mem_at(&m->mem, DATA - 128, 512), 0xaa, 512);
        prepare(m, 0, TEST_CODE, 200, false);
        m->cpu->gpr[4] = DATA + 77;
        run(m->cpu);
        CHECK_EQ(value_at(m, DATA - 8, 8, false), 0xaaaaaaaaaaaaaaaa);
        CHECK_EQ(value_at(m, DATA + 128, 8, false), 0xaaaaaaaaaaaaaaaa);
        for (unsigned at = 0; at < 128; at += 8)
            CHECK_EQ(value_at(m, DATA + at, 8, false), 0);
    }
    machine_free(m);
}

// The loads and stores of a reservation are aligned, or interrupt.
static void test_alignment(void)
{
    const u32 code[] = {I_ADDI(9, 9, 1), I_BDNZ(-4), I_LARX(LWARX, 3), I_STCX(STWCX, 3), I_SC1};
    struct machine *m = machine_new(1, LEVEL_V30);
    put(m, TEST_CODE, code, ARRAY_LEN(code), false);
    for (unsigned i = 0; i < 8; i++) {
        prepare(m, 0, TEST_CODE, 200, false);
        m->cpu->gpr[4] = DATA + (i & 1 ? 2 : 0);
        run(m->cpu);
        CHECK_EQ(m->stopped_at, i & 1 ? VEC_ALIGNMENT : TEST_CODE + 16);
        if (i & 1)
            CHECK_EQ(m->cpu->srr0, TEST_CODE + 8);
    }
    machine_free(m);
}

int main(void)
{
    xlate_heat_limit = 8;
    xlate_in_background = false; // what is tested is the regions
    TEST(test_increments);
    TEST(test_lock);
    TEST(test_values_that_come_back);
    TEST(test_loops);
    TEST(test_compared_in_vain);
    TEST(test_pair_is_left);
    TEST(test_both_kinds);
    TEST(test_block_is_cleared);
    TEST(test_alignment);
    return test_done();
}
