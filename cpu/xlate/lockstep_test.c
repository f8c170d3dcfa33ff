// SPDX-License-Identifier: Apache-2.0
//
// Random programs, run by the interpreter and by translation from the same state: registers, memory, interrupts and the number
// of instructions must agree. Translation is the intermediate form executed by eval.h, as lowered and as optimised, and the jit engine.
//
// A program is a loop on CTR over random instructions of the whole table, with conditional branches that skip some, a switch, and a call. GPR
// 28-31 point into the data; now and then an address is wrong, or a facility unavailable, so that interrupts come from anywhere.
#include "base/test_random.h"
#include "cpu/code.h"
#include "cpu/test_machine.h"
#include "cpu/xlate/eval.h"
#include "cpu/xlate/lower.h"
#include "cpu/xlate/pass_tables.h"
#include "cpu/xlate/region.h"
#include "cpu/xlate/target.h"
#include "cpu/xlate/xlate.h"

#define DATA      0x40000ull
#define DATA_SIZE 0x4000u
#define BODY_MAX  160u

enum how { BY_INTERPRETER, BY_LOWERED, BY_OPTIMISED, BY_JIT };

// Instructions that are the same whenever they run, and leave the loop counter and the return address alone.
static bool is_usable(enum insn_id id)
{
    static const enum insn_id not [] = {INSN_mfspr, INSN_mtspr, INSN_mftb,    INSN_darn,    INSN_mtctr,
                                        INSN_mtlr,  INSN_wait,  INSN_mfbhrbe, INSN_clrbhrb, INSN_lmw,
                                        INSN_stmw,  INSN_lswi,  INSN_lswx};
    const struct insn_row *row = &insn_rows[id];
    for (unsigned i = 0; i < ARRAY_LEN(not ); i++) {
        if (not [i] == id)
            return false;
    }
    return row->privilege == PRIV_U && (row->kind == KIND_PLAIN || row->kind == KIND_LOAD || row->kind == KIND_STORE);
}

// Stores stay in the data, or would change the program and the vectors.
static u32 put_operand(u32 insn, const struct operand *op, bool memory, bool store)
{
    bool wild = !store && below(100) < 2;
    switch (op->class) {
    case CLASS_GPR:
    case CLASS_GPR0:
        if (op->role == ROLE_OUT)
            return operand_put(op, insn, below(26));
        if (memory && op->first == 11)
            return operand_put(op, insn, wild ? below(32) : 28 + below(4));
        if (memory && op->first == 16)
            return operand_put(op, insn, wild ? below(32) : 26 + below(2));
        return op->role == ROLE_INOUT ? operand_put(op, insn, below(26)) : insn;
    case CLASS_DISP: return operand_put(op, insn, (s64)below(128) - 64);
    default: return insn;
    }
}

// These may enable exceptions, with which nothing floating-point is translated.
static bool writes_fpscr(enum insn_id id)
{
    return id == INSN_mtfsf || id == INSN_mtfsfi || id == INSN_mtfsb1;
}

// Which instructions a program has: any, those that are translated, those of them that have to do with vectors and scalars of 64 bits,
// arithmetic in single precision from few registers, arithmetic on vectors of numbers from few registers.
enum choice { ANY, FAST, VECTORS, SINGLES, NUMBERS, CHOICES };

static u32 random_single(void)
{
    static const u16 ids[] = {INSN_lfs,     INSN_lfs,     INSN_stfs,   INSN_fadds,  INSN_fsubs,
                              INSN_fmuls,   INSN_fdivs,   INSN_fsqrts, INSN_fmadds, INSN_fmsubs,
                              INSN_fnmadds, INSN_fnmsubs, INSN_frsp,   INSN_fcfids, INSN_fcmpu,
                              INSN_fadd,    INSN_mtfsb0,  INSN_mtfsb1, INSN_mffs};
    enum insn_id id = (enum insn_id)ids[below(ARRAY_LEN(ids))];
    u32 insn = insn_rows[id].value | below(6) << 21;
    switch (id) {
    case INSN_lfs:
    case INSN_stfs: return insn | (28 + below(4)) << 16 | below(16) << 2;
    case INSN_fcmpu: return (insn & ~0x03e00000u) | below(8) << 23 | below(6) << 16 | below(6) << 11;
    case INSN_mtfsb0:
    case INSN_mtfsb1: return (insn & ~0x03e00000u) | (30 + below(2)) << 21; // the rounding mode
    case INSN_mffs: return insn;
    case INSN_fsqrts:
    case INSN_frsp:
    case INSN_fcfids: return insn | below(6) << 11;
    case INSN_fmuls: return insn | below(6) << 16 | below(6) << 6;
    case INSN_fmadds:
    case INSN_fmsubs:
    case INSN_fnmadds:
    case INSN_fnmsubs: return insn | below(6) << 16 | below(6) << 11 | below(6) << 6;
    default: return insn | below(6) << 16 | below(6) << 11;
    }
}

static u32 random_numbers(void)
{
    static const u16 ids[] = {INSN_xvadddp,   INSN_xvsubdp,   INSN_xvmuldp,   INSN_xvdivdp,   INSN_xvmaddadp,
                              INSN_xvmaddmdp, INSN_xvmsubadp, INSN_xvmsubmdp, INSN_xvaddsp,   INSN_xvsubsp,
                              INSN_xvmulsp,   INSN_xvdivsp,   INSN_xvmaddasp, INSN_xvmaddmsp, INSN_xvmsubasp};
    u32 t = below(4) << 21;
    if (below(8) == 0)
        return insn_rows[INSN_lxvd2x].value | t | 1 | (28 + below(4)) << 16 | (26 + below(2)) << 11;
    if (below(32) == 0)
        return insn_rows[INSN_xxlor].value | t | 1 | below(32) << 16 | below(32) << 11;
    return insn_rows[ids[below(ARRAY_LEN(ids))]].value | t | 7 | below(4) << 16 | below(4) << 11;
}

static u32 random_insn(enum choice choice, enum isa_level level)
{
    if (choice == NUMBERS && below(64))
        return random_numbers();
    if (choice == SINGLES && below(16))
        return random_single();
    for (;;) {
        enum insn_id id = 1 + below(INSN_COUNT - 1);
        if (!is_usable(id) || insn_rows[id].since > level || (writes_fpscr(id) && below(8)))
            continue;
        bool fast = lower_find(id);
        if (!fast && (choice != ANY || below(4)))
            continue;
        if (choice == VECTORS && insn_rows[id].facility == FAC_NONE && below(32))
            continue;
        const struct insn_row *row = &insn_rows[id];
        u32 insn = row->value | ((u32)random64() & ~row->mask);
        if (below(4))
            insn &= ~1u | row->value; // not always recording
        bool memory = row->kind == KIND_LOAD || row->kind == KIND_STORE;
        const struct operand *ops[ISA_OPERANDS_MAX];
        unsigned len = isa_operands(row, ops);
        for (unsigned i = 0; i < len; i++)
            insn = put_operand(insn, ops[i], memory, row->kind == KIND_STORE);
        if (isa_decode(insn, level) != id) // a more specific row
            continue;
        return insn;
    }
}

struct program {
    u32 insns[2 * BODY_MAX + 48];
    unsigned len, entry;
};

static void add(struct program *p, u32 insn)
{
    p->insns[p->len++] = insn;
}

static u32 skip_branch(unsigned skip)
{
    static const u32 bo[] = {4, 12, 4, 12, 20};
    return 16u << 26 | bo[below(5)] << 21 | below(32) << 16 | (skip + 1) * 4;
}

// One of four cases by a register's value. The loop counter is in r27 meanwhile; r26 is an index again afterwards.
static void add_switch(struct program *p, enum choice choice, enum isa_level level)
{
    enum { CASES = 4 };
    add(p, 0x7f6902a6u);                                                                // mfctr r27
    add(p, 0x54000000u | below(26) << 21 | 26u << 16 | 3u << 11 | 27u << 6 | 28u << 1); // rlwinm r26,rx,3,27,28
    add(p, 0x675a0000u | (u32)(TEST_CODE >> 16));                                       // oris r26,r26
    add(p, 0x3b5a0000u | (u32)((TEST_CODE & 0xffff) + (p->len + 3) * 4));               // addi r26,r26
    add(p, 0x7f4903a6u);                                                                // mtctr r26
    add(p, 0x4e800420u);                                                                // bctr
    for (unsigned i = 0; i < CASES; i++) {
        add(p, random_insn(choice, level));
        add(p, 0x48000000u | (2 * (CASES - i) - 1) * 4);
    }
    add(p, 0x3b400008u); // li r26,8
    add(p, 0x7f6903a6u); // mtctr r27
}

// body; bdnz body; sc 1; function; blr
static void make_program(struct program *p, enum choice choice, enum isa_level level)
{
    unsigned len = 2 + below(BODY_MAX - 2), skip = 0;
    bool call = below(3) == 0;
    *p = (struct program){0};
    if (below(4) == 0)
        add_switch(p, choice, level);
    for (unsigned i = 0; i < len; i++) {
        if (skip == 0 && below(4) == 0 && i + 20 < len) {
            skip = 1 + below(below(4) ? 4 : 16);
            add(p, skip_branch(skip));
            continue;
        }
        if (skip)
            skip--;
        u32 insn = random_insn(choice, level);
        add(p, insn);
        // What was loaded is moved on by the next instruction: values that outlive the access, wherever it was done.
        if (insn_rows[isa_decode(insn, level)].kind == KIND_LOAD && !skip && below(2))
            add(p, 0x7c000378u | (insn >> 21 & 31) << 21 | below(26) << 16 | (insn >> 21 & 31) << 11);
    }
    if (call)
        add(p, 0x48000001u | 3 * 4);                // over bdnz and sc
    add(p, 0x42000000u | (-(p->len * 4) & 0xfffc)); // bdnz
    add(p, I_SC1);
    if (call) {
        add(p, random_insn(FAST, level));
        add(p, random_insn(FAST, level));
        add(p, 0x4e800020u); // blr
    }
}

static void load_program(struct machine *m, const struct program *p)
{
    for (unsigned i = 0; i < p->len; i++)
        machine_put(m, TEST_CODE + i * 4, p->insns[i], m->cpu->be);
}

// Doubles of all kinds: any bits, special ones, around the ends of both formats' ranges, with few bits, and singles.
static u64 random_double(void)
{
    static const u64 special[] = {0,
                                  0x7ff0000000000000,
                                  0x7ff8000000000001,
                                  0x7ff0000000000001,
                                  0x3ff0000000000000,
                                  0x4000000000000000,
                                  0x0010000000000000,
                                  0x000fffffffffffff,
                                  1,
                                  0x7fefffffffffffff,
                                  0x3810000000000000,
                                  0x47efffffe0000000,
                                  0x43e0000000000000,
                                  0x41e0000000000000,
                                  0x41f0000000000000,
                                  0x3fe0000000000000,
                                  0x36a0000000000000};
    static const u16 centres[] = {1, 1023, 897, 1150, 2046, 1075, 874, 1054, 512, 1535, 971};
    u64 sign = random64() << 63, fraction = random64() >> 12;
    switch (below(8)) {
    case 0: return random64();
    case 1: return sign | special[below(ARRAY_LEN(special))];
    case 2: fraction &= ~0ull << below(53); break;
    case 3: fraction &= ~0x1fffffffull; break;
    case 4: fraction = (fraction & ~0x3fffffffull) | 0x10000000; break;
    case 5: return sign | (u64)(1023 + below(16)) << 52 | (fraction & ~0ull << (40 + below(12)));
    default: break;
    }
    return sign | (u64)(centres[below(ARRAY_LEN(centres))] + below(5) - 2) << 52 | fraction;
}

static u64 random_singles(void)
{
    static const u32 special[] = {0,          0x7f800000, 0x7fc00001, 0x7f800001, 0x3f800000,
                                  0x00800000, 0x007fffff, 1,          0x7f7fffff};
    u64 r = 0;
    for (unsigned i = 0; i < 2; i++) {
        u32 w = (u32)random64();
        if (below(3) == 0)
            w = (w & 0x80000000) | special[below(ARRAY_LEN(special))];
        else if (below(3))
            w = (w & 0x807fffff) | (126 + below(4)) << 23;
        r = r << 32 | w;
    }
    return r;
}

static void start_state(struct cpu *cpu)
{
    static const u64 special[] = {0, 1, ~0ull, 1ull << 63, ~0ull >> 1, 0x80000000, 0x7fffffff, 0xffffffff};
    for (unsigned i = 0; i < 28; i++)
        cpu->gpr[i] = below(3) ? random64() >> below(64) : special[below(8)];
    for (unsigned i = 26; i < 28; i++)
        cpu->gpr[i] = below(64) * (below(2) ? 1 : 8);
    for (unsigned i = 28; i < 32; i++)
        cpu->gpr[i] = DATA + 0x1000 + (below(3) ? below(0x1000) : 0x1000 - below(16)); // misses at the end of the page
    if (below(16) == 0)
        cpu->gpr[28 + below(4)] = 5ull << 32; // no memory
    for (unsigned i = 0; i < 8; i++)
        cpu->crf[i] = below(16);
    cpu->so = below(2);
    cpu->ov = cpu->ov32 = below(2);
    cpu->ca = cpu->ca32 = below(2);
    cpu->xer_rest = below(16);
    for (unsigned i = 0; i < 64; i++)
        cpu->vsr[i] = below(2) ? (union vsr){.d = {random_double(), random_double()}}
                               : (union vsr){.d = {random_singles(), random_singles()}};
    cpu->fpscr = below(2) ? below(4) : 0;
    cpu->fpscr_hi = 0;
    cpu->vscr = 0;
    cpu->ctr = 1 + below(24);
    cpu->lr = TEST_CODE;
    cpu->insns = 0;
    cpu->cfar = 0;
    cpu->reserve_addr = RESERVE_NONE;
    cpu->srr0 = cpu->srr1 = cpu->dar = cpu->dsisr = 0;
}

// What the start is copied from and ends are compared by: everything up to the first member that engines use for themselves.
static void copy_state(struct cpu *to, const struct cpu *from)
{
    memcpy(to->gpr, from->gpr, sizeof(to->gpr));
    memcpy(to->crf, from->crf, sizeof(to->crf));
    memcpy(to->vsr, from->vsr, sizeof(to->vsr));
#define COPY(member) to->member = from->member
    COPY(so), COPY(ov), COPY(ca), COPY(ov32), COPY(ca32), COPY(xer_rest), COPY(fpscr), COPY(fpscr_hi), COPY(vscr);
    COPY(ctr), COPY(lr), COPY(insns), COPY(cfar), COPY(reserve_addr), COPY(srr0), COPY(srr1), COPY(dar), COPY(dsisr);
    COPY(vrsave), COPY(tar);
#undef COPY
}

static unsigned differences;
static bool silent;

static void differ(const char *what, u64 got, u64 want)
{
    if (differences++ < 20 && !silent)
        printf("# %s is %#llx, not %#llx\n", what, (unsigned long long)got, (unsigned long long)want);
}

static void compare_state(const struct cpu *got, const struct cpu *want)
{
    char name[16];
    for (unsigned i = 0; i < IR_SCALARS; i++) {
        u64 a = eval_get(got, i), b = eval_get(want, i);
        if (a != b)
            differ(ir_slots[i].name, a, b);
    }
    for (unsigned i = 0; i < 64; i++) {
        snprintf(name, sizeof(name), "vsr%u", i);
        if (got->vsr[i].d[0] != want->vsr[i].d[0] || got->vsr[i].d[1] != want->vsr[i].d[1])
            differ(name, got->vsr[i].d[1], want->vsr[i].d[1]), differ(name, got->vsr[i].d[0], want->vsr[i].d[0]);
    }
#define SAME(member)                 \
    if (got->member != want->member) \
    differ(#member, got->member, want->member)
    SAME(xer_rest);
    SAME(fpscr);
    SAME(vscr);
    SAME(nia);
    SAME(msr);
    SAME(srr0);
    SAME(srr1);
    SAME(dar);
    SAME(dsisr);
    SAME(insns);
    SAME(reserve_addr);
#undef SAME
}

// One region at cpu->nia, or one instruction where there is none.
static void run_piece(struct cpu *cpu, enum how how)
{
    static struct ir_region region, scratch;
    static struct pass_tables tables;
    struct region_shape shape;
    sigjmp_buf unwind;
    u64 nia = cpu->nia;
    struct cpage *page = mmu_fetch_page(cpu, nia);
    if (!region_form(&tables, &region, &shape, cpu, page, (nia & ~GUEST_PAGE_MASK) / 4, REGION_INSNS)) {
        interp_engine.step(cpu);
        return;
    }
    const struct ir_region *r = &region;
    const char *wrong = ir_check(r);
    if (!wrong && how == BY_OPTIMISED) {
        r = pass_all(&tables, &region, &scratch);
        wrong = ir_check(r);
    }
    if (wrong) {
        static char text[200000];
        ir_print(r, text, sizeof(text));
        printf("# %s\n%s", wrong, text);
        abort();
    }
    cpu->page_ea = nia & GUEST_PAGE_MASK;
    cpu->page = page;
    cpu->unwind = &unwind;
    bool step = false;
    if (!sigsetjmp(unwind, 0))
        step = eval_region(cpu, r);
    else
        cpu->insns += (u64)(cpu->d - cpu->block_d);
    cpu->page = NULL;
    cpu->unwind = NULL;
    if (step)
        interp_engine.step(cpu);
}

static void run(struct machine *m, enum how how, u64 msr)
{
    struct cpu *cpu = m->cpu;
    m->stopped_at = ~0ull;
    cpu_set_msr(cpu, msr);
    cpu->nia = TEST_CODE;
    atomic_fetch_and(&cpu->attn, ~(u32)ATTN_STOP);
    cpu->budget = 0;
    switch (how) {
    case BY_INTERPRETER: interp_engine.run(cpu); break;
    case BY_JIT: jit_engine.run(cpu); break;
    default:
        for (unsigned i = 0; i < 100000 && m->stopped_at == ~0ull; i++)
            run_piece(cpu, how);
    }
}

static struct machine *new_machine(bool big_endian)
{
    struct machine *m = machine_new(1, LEVEL_V30);
    if (big_endian) {
        m->cpu->lpcr &= ~LPCR_ILE;
        machine_vectors(m, 0, true);
    }
    return m;
}

static bool agree(struct machine *a, struct machine *b, const struct program *p, enum how how, u64 msr)
{
    cpu_set_msr(a->cpu, msr);
    cpu_set_msr(b->cpu, msr);
    load_program(a, p);
    load_program(b, p);
    start_state(a->cpu);
    copy_state(b->cpu, a->cpu);
    for (u64 at = 0; at < DATA_SIZE; at += 8) {
        u64 v = random64();
        guest_mem_write(&a->mem, DATA + at, &v, 8);
        guest_mem_write(&b->mem, DATA + at, &v, 8);
    }
    run(a, BY_INTERPRETER, msr);
    run(b, how, msr);
    differences = 0;
    if (a->stopped_at != b->stopped_at)
        differ("end", b->stopped_at, a->stopped_at);
    compare_state(b->cpu, a->cpu);
    if (memcmp(a->mem.base + DATA, b->mem.base + DATA, DATA_SIZE))
        differ("memory", 0, 0);
    return !differences;
}

// Takes away what the difference does not need.
static struct program reduce(struct machine *a, struct machine *b, const struct program *p, enum how how, u64 msr,
                             u64 start)
{
    struct program small = *p;
    for (unsigned i = 0; i < p->len; i++) {
        u32 insn = small.insns[i];
        if (insn == I_SC1)
            continue;
        small.insns[i] = I_NOP;
        test_seed = start;
        if (agree(a, b, &small, how, msr))
            small.insns[i] = insn;
    }
    return small;
}

static bool check_program(struct machine *a, struct machine *b, const struct program *p, enum how how, u64 msr)
{
    u64 start = test_seed;
    silent = true;
    if (agree(a, b, p, how, msr))
        return true;
    u64 after = test_seed;
    struct program small = reduce(a, b, p, how, msr, start);
    silent = false;
    test_seed = start;
    agree(a, b, &small, how, msr);
    test_seed = after;
    printf("# program (state %#llx), way %d, msr %#llx:\n", (unsigned long long)start, how, (unsigned long long)msr);
    for (unsigned i = 0; i < small.len; i++) {
        char text[96];
        if (small.insns[i] != I_NOP)
            printf("#   %05llx %08x %s\n", TEST_CODE + i * 4, small.insns[i],
                   isa_disassemble(small.insns[i], TEST_CODE + i * 4, LEVEL_V30, text, sizeof(text)));
    }
    return false;
}

static void lockstep(enum how how, bool big_endian, unsigned programs)
{
    struct machine *a = new_machine(big_endian), *b = new_machine(big_endian);
    unsigned failed = 0;
    for (unsigned i = 0; i < programs && failed < 3; i++) {
        struct program p;
        u64 msr = MSR_SF | MSR_ME | (big_endian ? 0 : MSR_LE) | (below(8) ? MSR_FP | MSR_VEC | MSR_VSX : 0);
        make_program(&p, (enum choice)below(CHOICES), LEVEL_V30);
        failed += !check_program(a, b, &p, how, msr);
    }
    CHECK_EQ(failed, 0);
    machine_free(a);
    machine_free(b);
}

static unsigned programs = 1500;

static void test_lowered(void)
{
    lockstep(BY_LOWERED, false, programs);
}

static void test_optimised(void)
{
    lockstep(BY_OPTIMISED, false, programs);
}

static void test_optimised_big_endian(void)
{
    lockstep(BY_OPTIMISED, true, programs);
}

static void test_jit(void)
{
    lockstep(BY_JIT, false, programs);
}

static void test_jit_big_endian(void)
{
    lockstep(BY_JIT, true, programs);
}

// Hosts that lack more and more of what vectors are made of.
static void test_jit_lesser_hosts(void)
{
    for (unsigned less = 1; target_limit(less); less++)
        lockstep(BY_JIT, less & 1, programs / 2);
    target_limit(0);
}

// lockstep_test [PROGRAMS [SEED]]
int main(int argc, char **argv)
{
    if (argc > 1)
        programs = (unsigned)strtoul(argv[1], NULL, 0);
    if (argc > 2)
        test_seed = strtoull(argv[2], NULL, 0) | 1;
    xlate_heat_limit = 2;
    xlate_in_background = false;
    TEST(test_lowered);
    TEST(test_optimised);
    TEST(test_optimised_big_endian);
    if (target_available()) {
        TEST(test_jit);
        TEST(test_jit_big_endian);
        TEST(test_jit_lesser_hosts);
    } else {
        test_skip("test_jit", "no back end for this host");
    }
    return test_done();
}
