// SPDX-License-Identifier: Apache-2.0
// Loops through memory: random ones by both engines, with strides of all kinds, across pages that are not beside each other, into those that are
// not there or not to be written, left in their middle; and
// which loops get a copy without checks.
#include <string.h>

#include "base/test_random.h"
#include "cpu/code.h"
#include "cpu/mmu/mmu_int.h"
#include "cpu/test_machine.h"
#include "cpu/xlate/pass_tables.h"
#include "cpu/xlate/target.h"
#include "cpu/xlate/xlate.h"

#define I_ADDI(rt, ra, v)   (I_LI(rt, v) | (u32)(ra) << 16)
#define I_ADD(rt, ra, rb)   (0x7c000214u | (u32)(rt) << 21 | (u32)(ra) << 16 | (u32)(rb) << 11)
#define I_B(offset)         (0x48000000u | ((u32)(offset)&0x3fffffc))
#define I_BDNZ(offset)      (0x42000000u | ((u32)(offset)&0xfffc))
#define I_CMPDI(ra, v)      (0x2c200000u | (u32)(ra) << 16 | ((u32)(v)&0xffff))
#define I_CMPD(ra, rb)      (0x7c200000u | (u32)(ra) << 16 | (u32)(rb) << 11)
#define I_BEQ(offset)       (0x41820000u | ((u32)(offset)&0xfffc))
#define I_D(op, rt, ra, d)  ((u32)(op) << 26 | (u32)(rt) << 21 | (u32)(ra) << 16 | ((u32)(d)&0xffff))
#define I_X(op, rt, ra, rb) (31u << 26 | (u32)(rt) << 21 | (u32)(ra) << 16 | (u32)(rb) << 11 | (u32)(op) << 1)
#define BODY                9u
#define DATA                0x200000u
#define PAGES               256u
#define DATA_SIZE           (PAGES * 0x1000u)
#define DATA_EA             0x10000000u
#define PRTB                0x100000u
#define ROOT                0x110000u
#define TABLES_AT           0x120000u
#define LEAF                (PPC_BIT(0) | PPC_BIT(1) | 0x100 | 0x80)

static unsigned strips;
static struct pass_tables tables;

static void count_strips(const struct ir_region *r, const void *code, size_t size)
{
    CHECK_STR(ir_check(r) ? ir_check(r) : "right", "right");
    for (unsigned i = 0; i < r->len; i++)
        strips += r->insns[i].op == IR_BEGIN;
}

static struct ir_region newest;

static void note_newest(const struct ir_region *r, const void *code, size_t size)
{
    newest = *r;
}

// r3 .. r6 point into memory, r7 is an index; r8 .. r12 are data.
static u32 random_insn(unsigned *moves)
{
    unsigned rt = 8 + below(5), ra = 3 + below(4), d = (below(33) - 16) * 8;
    static const u8 d_forms[] = {32, 34, 36, 38, 40, 42, 44, 33, 35, 37, 39, 41, 43, 45}; // the last seven update RA
    static const u16 x_forms[] = {21, 23, 87, 149, 151, 215, 103, 231, 844, 972, 844, 972, 599, 727};
    switch (below(8)) {
    case 0:
    case 1: return I_X(x_forms[below(ARRAY_LEN(x_forms))], rt, ra, 7);
    case 2:
        if (*moves & 1u << ra)
            return I_D(d_forms[below(7)], rt, ra, d);
        *moves |= 1u << ra;
        return I_ADDI(ra, ra, (below(3) ? 8u << below(4) : below(300)) * (below(4) ? 1u : ~0u));
    case 3: return below(3) ? I_ADD(rt, 8 + below(5), 8 + below(5)) : I_ADDI(7, 7, below(2) ? 16 : -4);
    case 4: return 0x10000000u | rt << 21 | (8 + below(5)) << 16 | (8 + below(5)) << 11; // vaddubm
    case 5: return below(3) ? I_LD(rt, d, ra) : I_D(d_forms[7 + below(7)], rt, ra, d & 31);
    case 6: return I_STD(rt, d, ra);
    default: return I_D(d_forms[below(7)], rt, ra, d + below(2));
    }
}

// DATA_EA on: the pages of DATA in another order, some of them missing or only to be read; memory below 16 MiB where it is.
static void map(struct machine *m)
{
    u8 *base = m->mem.base;
    store_be64(base + PRTB, (21ull >> 3) << 61 | (21ull & 7) << 5 | ROOT | 13);
    store_be64(base + ROOT, PPC_BIT(0) | (TABLES_AT + 0x1000) | 9);
    store_be64(base + TABLES_AT + 0x1000, PPC_BIT(0) | (TABLES_AT + 0x2000) | 9);
    store_be64(base + TABLES_AT + 0x2000 + (DATA_EA >> 21) * 8, PPC_BIT(0) | (TABLES_AT + 0x4000) | 9);
    for (u64 i = 0; i < 8; i++)
        store_be64(base + TABLES_AT + 0x2000 + i * 8, LEAF | i * 2 * MIB | 8 | 6 | 1);
    for (unsigned page = 0; page < PAGES; page++) {
        u64 gra = DATA + page * 37 % PAGES * 0x1000ull;
        if (page % 32 != 31)
            store_be64(base + TABLES_AT + 0x4000 + page * 8, LEAF | gra | (page % 32 == 16 ? 4 : 6) | 8);
    }
    m->group.radix = m->group.gtse = true;
    m->group.prtb = PRTB | 4;
    mmu_flush_local(m->cpu, TLB_ALL, 0, 0, 0);
}

static void start(struct machine *m, u64 seed, u64 at, const u32 *code, unsigned len)
{
    struct cpu *cpu = m->cpu;
    for (unsigned i = 0; i < len; i++)
        machine_put(m, at + i * 4, code[i], false);
    test_seed = seed;
    for (unsigned i = 0; i < 32; i++)
        cpu->gpr[i] = random64() & 0xff;
    for (unsigned i = 3; i < 7; i++)
        cpu->gpr[i] = DATA_EA + DATA_SIZE / 4 + below(DATA_SIZE / 2);
    cpu->gpr[7] = below(64);
    for (unsigned i = 0; i < 64; i++)
        cpu->vsr[i].d[0] = cpu->vsr[i].d[1] = random64();
    memset(cpu->crf, 0, sizeof(cpu->crf));
    cpu->ctr = 1 + below(below(2) ? 20 : 2000);
    cpu->cfar = cpu->insns = cpu->dar = cpu->dsisr = cpu->srr0 = cpu->srr1 = 0;
    cpu->budget = below(2) ? 0 : below(3000);
    atomic_fetch_and(&cpu->attn, ~(u32)ATTN_STOP);
    cpu_set_msr(cpu, MSR_BASE | MSR_FP | MSR_VEC | MSR_VSX | MSR_IR | MSR_DR);
    mmu_context_changed(cpu);
    cpu->nia = at;
    m->stopped_at = ~0ull;
}

static void same(const struct machine *a, const struct machine *b)
{
    CHECK_EQ(a->stopped_at, b->stopped_at);
    CHECK(!memcmp(a->cpu->gpr, b->cpu->gpr, sizeof(a->cpu->gpr)));
    CHECK(!memcmp(a->cpu->vsr, b->cpu->vsr, sizeof(a->cpu->vsr)));
    CHECK(!memcmp(a->cpu->crf, b->cpu->crf, sizeof(a->cpu->crf)));
    CHECK_EQ(a->cpu->ctr, b->cpu->ctr);
    CHECK_EQ(a->cpu->cfar, b->cpu->cfar);
    CHECK_EQ(a->cpu->insns, b->cpu->insns);
    CHECK_EQ(a->cpu->dar, b->cpu->dar);
    CHECK_EQ(a->cpu->dsisr, b->cpu->dsisr);
    CHECK_EQ(a->cpu->srr0, b->cpu->srr0);
    CHECK_EQ(a->cpu->srr1, b->cpu->srr1);
    CHECK(!memcmp(a->mem.base + DATA, b->mem.base + DATA, DATA_SIZE));
}

static void test_random_loops(void)
{
    struct machine *interp = machine_new(1, LEVEL_V30), *jit = machine_new(1, LEVEL_V30);
    unsigned ended = 0;
    for (unsigned i = 0; i < DATA_SIZE; i++)
        interp->mem.base[DATA + i] = jit->mem.base[DATA + i] = (u8)random64();
    map(interp);
    map(jit);
    xlate_trace = count_strips;
    strips = 0;
    for (unsigned n = 0; n < 400; n++) {
        u32 code[BODY + 6];
        unsigned len = 0, moves = 0, body = 1 + below(BODY),
                 before = below(3); // before: looks at what the last repetition compared
        if (!before)
            len++;
        while (len < body)
            code[len++] = random_insn(&moves);
        if (!before)
            code[len++] = (below(2) ? I_CMPD(8 + below(5), 8 + below(5)) : I_CMPDI(8 + below(5), below(256))) | 1 << 23;
        if (below(2)) {
            code[len++] = I_CMPDI(8 + below(5), below(256));
            code[len] = I_BEQ(8);
            len++;
        }
        code[len] = I_BDNZ(-(s32)len * 4);
        len++;
        if (!before)
            code[0] = I_BEQ(len * 4) | 1 << 18;
        code[len++] = I_SC1;
        u64 seed = random64() | 1, at = TEST_CODE + n * 64;
        for (unsigned which = 0; which < 2; which++) {
            struct machine *m = which ? jit : interp;
            start(m, seed, at, code, len);
            CHECK_EQ((which ? &jit_engine : &interp_engine)->run(m->cpu), EXIT_STOPPED);
        }
        same(interp, jit);
        ended += jit->stopped_at == at + (len - 1) * 4;
        test_seed = seed;
    }
    CHECK(ended > 200);
    CHECK(strips > 100);
    xlate_trace = NULL;
    machine_free(interp);
    machine_free(jit);
}

// A loop that is entered behind the comparison which it repeats: where it is left before it compares, the field is still what it was outside.
static void test_entered_in_the_middle(void)
{
    static const u32 code[] = {I_B(4),          I_B(16),         I_CMPD(8, 9),    I_BEQ(24),   I_CMPDI(10, 5) | 1 << 23,
                               I_LWZ(11, 0, 3), I_ADDI(3, 3, 4), I_ADDI(8, 8, 1), I_BDNZ(-24), I_SC1};
    struct machine *machines[] = {machine_new(1, LEVEL_V30), machine_new(1, LEVEL_V30)};
    map(machines[0]);
    map(machines[1]);
    xlate_trace = count_strips;
    strips = 0;
    for (unsigned n = 0; n < 40; n++) {
        for (unsigned which = 0; which < 2; which++) {
            struct cpu *cpu = machines[which]->cpu;
            start(machines[which], n + 1, TEST_CODE, code, n ? 0 : ARRAY_LEN(code));
            cpu->gpr[3] = DATA_EA;
            cpu->gpr[9] = cpu->gpr[8] + (n % 2 ? 1 : 50);
            cpu->ctr = 100;
            cpu->crf[1] = 9;
            CHECK_EQ((which ? &jit_engine : &interp_engine)->run(cpu), EXIT_STOPPED);
        }
        same(machines[0], machines[1]);
    }
    CHECK(strips > 0);
    xlate_trace = NULL;
    machine_free(machines[0]);
    machine_free(machines[1]);
}

// Rows of three arrays in different pages, one of them across two: one index counts in all. The region begins at the inner loop, which is the
// heaviest, and keeps its copy.
static void test_rows(void)
{
    static const u32 code[] = {I_LI(9, 0),
                               I_LI(10, 64),
                               0x7d4903a6 /* mtctr 10 */,
                               I_X(21, 11, 9, 3),
                               I_X(21, 12, 9, 4),
                               I_ADD(11, 11, 12),
                               I_X(149, 11, 9, 5),
                               I_ADDI(9, 9, 8),
                               I_BDNZ(-20),
                               I_ADDI(6, 6, -1),
                               I_CMPDI(6, 0),
                               I_BEQ(8),
                               0x4bffffd0 /* b to the start */,
                               I_SC1};
    struct machine *m = machine_new(1, LEVEL_V30);
    map(m);
    xlate_trace = note_newest;
    start(m, 1, TEST_CODE, code, ARRAY_LEN(code));
    m->cpu->gpr[3] = DATA_EA;
    m->cpu->gpr[4] = DATA_EA + 0x3000;
    m->cpu->gpr[5] = DATA_EA + 0x5f00;
    m->cpu->gpr[6] = 5000;
    m->cpu->budget = 0;
    CHECK_EQ(jit_engine.run(m->cpu), EXIT_STOPPED);
    CHECK_EQ(m->stopped_at, TEST_CODE + 4 * (ARRAY_LEN(code) - 1));
    unsigned copies = 0, heaviest = 0, inner = 0;
    for (unsigned n = 0; n < newest.blocks_len; n++) {
        heaviest = MAX(heaviest, (unsigned)newest.blocks[n].weight);
        if (newest.blocks[n].index == (TEST_CODE & 0xfff) / 4 + 3 && newest.blocks[n].insns)
            inner = MAX(inner, (unsigned)newest.blocks[n].weight);
    }
    for (unsigned i = 0; i < newest.len; i++)
        copies += newest.insns[i].op == IR_BEGIN;
    CHECK_EQ(copies, 1);
    CHECK(inner > 8);
    CHECK_EQ(inner, heaviest);
    xlate_trace = NULL;
    machine_free(m);
}

// A loop over one access in block 0, with what else is asked for; how many copies it gets.
enum { PLAIN, NO_STEP, TWO_STEPS, LEFT, JOINED, CALLS, LOADED, NO_MEMO, COLD };
static unsigned copies(unsigned kind)
{
    static struct ir_region r;
    static struct cpage page;
    struct ir_builder b = {.r = &r};
    const unsigned last = kind == JOINED ? 3 : kind == LEFT || kind == TWO_STEPS ? 2 : 1;
    r = (struct ir_region){.page = &page, .blocks_len = (u16)(last + 1)};
    page = (struct cpage){0};
    if (kind == NO_MEMO)
        page.no_memo[0] = 1;
    for (unsigned n = 0; n <= last; n++) {
        struct ir_block *block = &r.blocks[n];
        *block = (struct ir_block){.first = r.len, .insns = 3, .weight = kind == COLD ? 1 : 8};
        if (n == 0) {
            ir_value from = ir_get(&b, 3);
            ir_put(&b, 4, ir_emit(&b, (struct ir_insn){.op = IR_LOAD, .a = from, .imm = MEM_64}));
            ir_put(&b, 3, kind == LOADED ? ir_get(&b, 4) : ir_op2i(&b, IR_ADD, from, kind == NO_STEP ? 4096 : 8));
            if (kind == CALLS)
                ir_emit(&b, (struct ir_insn){.op = IR_EXEC, .insn = I_TW});
        }
        if (n == 1 && kind == TWO_STEPS)
            ir_put(&b, 3, ir_op2i(&b, IR_ADD, ir_get(&b, 3), 8));
        if (n == last) {
            ir_emit(&b, (struct ir_insn){.op = IR_EXIT, .imm = 8});
        } else if (kind == JOINED && n == 0) {
            ir_emit(&b, (struct ir_insn){.op = IR_BRANCH, .a = ir_get(&b, 4), .b = ir_const(&b, 0)});
            block->then = 1;
            block->other = 2;
        } else if (n + 1 == last) {
            ir_emit(&b, (struct ir_insn){.op = IR_JUMP});
        } else if (kind == LEFT) {
            ir_emit(&b, (struct ir_insn){.op = IR_BRANCH, .a = ir_get(&b, 4), .b = ir_const(&b, 0)});
            block->then = (u16)last;
            block->other = (u16)(n + 1);
        } else {
            ir_emit(&b, (struct ir_insn){.op = IR_JUMP});
            block->then = (u16)(n + 1);
        }
        block->len = (u16)(r.len - block->first);
    }
    CHECK_STR(ir_check(&r) ? ir_check(&r) : "right", "right");
    pass_strip(&tables, &r);
    CHECK_STR(ir_check(&r) ? ir_check(&r) : "right", "right");
    unsigned n = 0;
    for (unsigned i = 0; i < r.len; i++)
        n += r.insns[i].op == IR_AGAIN;
    return n;
}

// PUTs of the address that a loop's first block has branched from, which all repetitions write: the loop's, and the copy's where another way than
// by that block leads to the loop's end.
static unsigned written_in_copy(bool in_the_middle)
{
    static struct ir_region r;
    static struct cpage page;
    struct ir_builder b = {.r = &r};
    unsigned puts = 0;
    r = (struct ir_region){.page = &page, .blocks_len = 5};
    for (unsigned n = 0; n < 5; n++) {
        struct ir_block *block = &r.blocks[n];
        *block = (struct ir_block){.first = r.len, .insns = 3, .weight = n % 4 ? 8 : 1, .then = (u16)(n + 1)};
        if (n == 0)
            block->then = in_the_middle ? 2 : 1;
        if (n == 1)
            ir_put(&b, SLOT_CFAR, ir_op2i(&b, IR_ADD, ir_emit(&b, (struct ir_insn){.op = IR_PAGE_EA}), 4));
        if (n == 2) {
            ir_value from = ir_get(&b, 3), v = ir_emit(&b, (struct ir_insn){.op = IR_LOAD, .a = from, .imm = MEM_64});
            ir_put(&b, 4, v);
            ir_put(&b, 3, ir_op2i(&b, IR_ADD, from, 8));
            ir_emit(&b, (struct ir_insn){.op = IR_BRANCH, .a = v, .b = ir_const(&b, 0)});
            block->other = 4;
        } else if (n == 4) {
            ir_emit(&b, (struct ir_insn){.op = IR_EXIT, .imm = 8});
        } else {
            ir_emit(&b, (struct ir_insn){.op = IR_JUMP});
        }
        if (n == 3)
            block->then = 1;
        block->len = (u16)(r.len - block->first);
    }
    CHECK_STR(ir_check(&r) ? ir_check(&r) : "right", "right");
    pass_strip(&tables, &r);
    CHECK_STR(ir_check(&r) ? ir_check(&r) : "right", "right");
    CHECK(r.blocks_len > 5);
    for (unsigned i = 0; i < r.len; i++)
        puts += r.insns[i].op == IR_PUT && r.insns[i].slot == SLOT_CFAR;
    return puts;
}

static void test_written_in_copy(void)
{
    CHECK_EQ(written_in_copy(false), 1);
    CHECK_EQ(written_in_copy(true), 2);
}

static void many_loops(unsigned loops)
{
    static struct ir_region r;
    static struct cpage page;
    struct ir_builder b = {.r = &r};
    r = (struct ir_region){.page = &page};
    r.blocks_len = (u16)(2 * loops + 1);
    for (unsigned n = 0; n <= 2 * loops; n++) {
        struct ir_block *block = &r.blocks[n];
        *block = (struct ir_block){
            .first = r.len, .insns = 3, .weight = 8, .then = (u16)(n & 1 ? n - 1 : n + 1), .other = (u16)(n + 2)};
        if (n == 2 * loops) {
            ir_emit(&b, (struct ir_insn){.op = IR_EXIT, .imm = 8});
        } else if (n & 1) {
            ir_emit(&b, (struct ir_insn){.op = IR_JUMP});
        } else {
            ir_value from = ir_get(&b, 3), v = ir_emit(&b, (struct ir_insn){.op = IR_LOAD, .a = from, .imm = MEM_64});
            ir_put(&b, 4, v);
            ir_put(&b, 3, ir_op2i(&b, IR_ADD, from, 8));
            ir_put(&b, SLOT_CRF, ir_crf(&b, COMPARE_S64, v, ir_const(&b, 0), ir_get(&b, SLOT_SO)));
            ir_emit(&b, (struct ir_insn){.op = IR_BRANCH, .a = v, .b = ir_const(&b, 0)});
        }
        block->len = (u16)(r.len - block->first);
    }
    CHECK_STR(ir_check(&r) ? ir_check(&r) : "right", "right");
    pass_strip(&tables, &r);
    CHECK_STR(ir_check(&r) ? ir_check(&r) : "right", "right");
    CHECK(r.blocks_len > 2 * loops + 1);
}

// More loops than there is room for copies of.
static void test_many_loops(void)
{
    for (unsigned loops = 30; loops < 40; loops++)
        many_loops(loops);
}

static void test_which_loops(void)
{
    CHECK_EQ(copies(PLAIN), 1);
    CHECK_EQ(copies(TWO_STEPS), 1);
    CHECK_EQ(copies(LEFT), 1);
    CHECK_EQ(copies(NO_STEP), 0); // always in another page
    CHECK_EQ(copies(LOADED), 0);
    CHECK_EQ(copies(JOINED), 0);
    CHECK_EQ(copies(CALLS), 0);
    CHECK_EQ(copies(NO_MEMO), 0);
    CHECK_EQ(copies(COLD), 0);
}

int main(void)
{
    xlate_heat_limit = 10;
    xlate_in_background = false;
    TEST(test_many_loops);
    TEST(test_which_loops);
    TEST(test_written_in_copy);
    if (target_available()) {
        TEST(test_random_loops);
        TEST(test_rows);
        TEST(test_entered_in_the_middle);
    } else {
        test_skip("test_random_loops", "no back end for this host");
        test_skip("test_rows", "no back end for this host");
        test_skip("test_entered_in_the_middle", "no back end for this host");
    }
    return test_done();
}
