// SPDX-License-Identifier: Apache-2.0
// Floating-point exceptions as instructions show them: FPSCR, CR1, what happens to the target, and the program interrupt. Arithmetic
// itself is tested in cpu/fp/fp_test.c and, instruction by instruction, in tests/insn.
#include <setjmp.h>
#include <stdlib.h>

#include "base/test.h"
#include "cpu/cpu.h"
#include "cpu/except.h"
#include "cpu/group.h"
#include "cpu/interp.h"
#include "cpu/mem.h"

typedef void exec_fn(struct cpu *cpu, u32 insn);
exec_fn exec_fadd, exec_fdiv, exec_fdivs, exec_fmul, exec_fmuls, exec_fsqrt, exec_frsp, exec_fctiw, exec_frin,
    exec_fcmpo, exec_fcmpu, exec_mtfsb0, exec_mtfsb1, exec_mtfsf, exec_mcrfs, exec_mffsce, exec_xsadddp, exec_xvadddp,
    exec_xvdivdp, exec_xvcmpgtdp, exec_xscmpgtdp, exec_xsaddqp, exec_xsmaxcdp, exec_xsmincdp, exec_fnmadd, exec_fnmsub,
    exec_xsrdpic;

static struct cpu_group group;
static struct guest_mem mem;
static struct cpu *cpu;

static void no_hcall(struct cpu *self) {}
static bool no_read(struct cpu *self, u64 gra, unsigned size, u64 *value)
{
    return false;
}
static bool no_write(struct cpu *self, u64 gra, unsigned size, u64 value)
{
    return false;
}
static void no_dispatch(struct cpu *self, bool running) {}
static const struct cpu_hooks hooks = {
    .hcall = no_hcall, .mmio_read = no_read, .mmio_write = no_write, .dispatch = no_dispatch};

#define CIA         0x1230ull
#define MSR         (MSR_SF | MSR_LE | MSR_FP | MSR_VEC | MSR_VSX | MSR_ME)
#define TRAPS       (MSR_FE0 | MSR_FE1)
#define OLD         0x1111111111111111ull
#define ONE         0x3ff0000000000000ull
#define TWO         0x4000000000000000ull
#define THREE       0x4008000000000000ull
#define INF         0x7ff0000000000000ull
#define SNAN        0x7ff0000000000001ull
#define QNAN        0x7ff8000000000001ull
#define LARGEST     0x7fefffffffffffffull
#define MINUS       0x8000000000000000ull
#define NAN0        0x7ff8000000000000ull

#define PLUS_NORMAL FPSCR_FG
#define CLASS_NAN   (FPSCR_C | FPSCR_FU)

// Target 1, operands 2 (A), 3 (B), 4 (C) in the FPR forms; the record bit and others come with `fields`.
#define INSN(fields) (1u << 21 | 2u << 16 | 3u << 11 | 4u << 6 | (fields))

// True when the instruction interrupted.
static bool execute(exec_fn *fn, u32 insn)
{
    sigjmp_buf unwind;
    cpu->unwind = &unwind;
    if (sigsetjmp(unwind, 0))
        return true;
    fn(cpu, insn);
    return false;
}

static void set_state(u64 msr, u32 fpscr)
{
    static struct cpage *page;
    if (!page) {
        page = aligned_alloc(8192, (sizeof(*page) + 8191) & ~8191ul);
        memset(page, 0, sizeof(*page));
    }
    cpu_set_msr(cpu, msr);
    cpu->page = page;
    cpu->page_ea = CIA & GUEST_PAGE_MASK;
    cpu->d = cpu->block_d = &page->insns[(CIA & ~GUEST_PAGE_MASK) / 4];
    cpu->fpscr = fpscr;
    cpu->srr0 = cpu->srr1 = 0;
    memset(cpu->crf, 0, sizeof(cpu->crf));
    VSR_D(&cpu->vsr[1], 0) = VSR_D(&cpu->vsr[1], 1) = OLD;
}

static u64 result(void)
{
    return VSR_D(&cpu->vsr[1], 0);
}

struct fp_case {
    exec_fn *fn;
    const char *name;
    u32 fields;
    u64 a, b, c;
    u32 before; // FPSCR
    u64 result; // OLD: not written
    u32 after;
    bool interrupts; // when MSR asks for it
};

#define CASE(id, ...)                             \
    {                                             \
        .fn = exec_##id, .name = #id, __VA_ARGS__ \
    }
#define ROUND_UP 2u // FPSCR[RN]
#define INEXACT  (FPSCR_FX | FPSCR_XX | FPSCR_FI)

static const struct fp_case cases[] = {
    CASE(fadd, 0, ONE, TWO, 0, 0, THREE, PLUS_NORMAL),
    // FR: the quotient was rounded up or down in magnitude
    CASE(fdiv, 0, ONE, THREE, 0, 0, 0x3fd5555555555555, INEXACT | PLUS_NORMAL),
    CASE(fdivs, 0, ONE, THREE, 0, 0, 0x3fd5555560000000, INEXACT | FPSCR_FR | PLUS_NORMAL),
    CASE(fdiv, 0, ONE, THREE, 0, ROUND_UP, 0x3fd5555555555556, INEXACT | FPSCR_FR | PLUS_NORMAL | ROUND_UP),
    // the next instruction clears FR, FI, not XX; FX only follows new exceptions
    CASE(fadd, 0, ONE, TWO, 0, FPSCR_XX | FPSCR_FI | FPSCR_FR, THREE, FPSCR_XX | PLUS_NORMAL),
    CASE(fdiv, 0, ONE, THREE, 0, FPSCR_XX, 0x3fd5555555555555, FPSCR_XX | FPSCR_FI | PLUS_NORMAL),
    // invalid operation
    CASE(fadd, 0, INF, INF | MINUS, 0, 0, NAN0, FPSCR_FX | FPSCR_VX | FPSCR_VXISI | CLASS_NAN),
    CASE(fadd, 0, INF, INF | MINUS, 0, FPSCR_VE | FPSCR_FI | FPSCR_FL, OLD,
         FPSCR_FX | FPSCR_FEX | FPSCR_VX | FPSCR_VXISI | FPSCR_VE | FPSCR_FL, .interrupts = true),
    CASE(fsqrt, 0, 0, ONE | MINUS, 0, FPSCR_VE, OLD, FPSCR_FX | FPSCR_FEX | FPSCR_VX | FPSCR_VXSQRT | FPSCR_VE,
         .interrupts = true),
    CASE(xsadddp, 0, SNAN, ONE, 0, FPSCR_VE, OLD, FPSCR_FX | FPSCR_FEX | FPSCR_VX | FPSCR_VXSNAN | FPSCR_VE,
         .interrupts = true),
    CASE(fctiw, 0, 0, QNAN, 0, FPSCR_VE, OLD, FPSCR_FX | FPSCR_FEX | FPSCR_VX | FPSCR_VXCVI | FPSCR_VE,
         .interrupts = true),
    // zero divide
    CASE(fdiv, 0, ONE, MINUS, 0, 0, INF | MINUS, FPSCR_FX | FPSCR_ZX | FPSCR_FL | FPSCR_FU),
    CASE(fdiv, 0, ONE, MINUS, 0, FPSCR_ZE, OLD, FPSCR_FX | FPSCR_FEX | FPSCR_ZX | FPSCR_ZE, .interrupts = true),
    // overflow and underflow: the target gets the adjusted exponent
    CASE(fmul, 0, LARGEST, 0, TWO, 0, INF, FPSCR_FX | FPSCR_OX | FPSCR_XX | FPSCR_FI | FPSCR_FR | FPSCR_FG | FPSCR_FU),
    CASE(fmul, 0, LARGEST, 0, TWO, FPSCR_OE, LARGEST + (1ull << 52) - (1536ull << 52),
         FPSCR_FX | FPSCR_FEX | FPSCR_OX | FPSCR_OE | PLUS_NORMAL, .interrupts = true),
    CASE(fmuls, 0, 0x47e0000000000000, 0, TWO, FPSCR_OE, 0x47f0000000000000 - (192ull << 52),
         FPSCR_FX | FPSCR_FEX | FPSCR_OX | FPSCR_OE | PLUS_NORMAL, .interrupts = true),
    CASE(frsp, 0, 0, 0x3690000000000000, 0, 0, 0, FPSCR_FX | FPSCR_UX | FPSCR_XX | FPSCR_FI | FPSCR_FE),
    CASE(frsp, 0, 0, 0x3690000000000000, 0, FPSCR_UE, 0x3690000000000000 + (192ull << 52),
         FPSCR_FX | FPSCR_FEX | FPSCR_UX | FPSCR_UE | PLUS_NORMAL, .interrupts = true),
    // a denormal number in single format is one for FPRF
    CASE(frsp, 0, 0, 0x36a0000000000000, 0, 0, 0x36a0000000000000, FPSCR_C | FPSCR_FG),
    // inexact: written, then interrupts
    CASE(fdiv, 0, ONE, THREE, 0, FPSCR_XE, 0x3fd5555555555555, INEXACT | FPSCR_FEX | FPSCR_XE | PLUS_NORMAL,
         .interrupts = true),
    // rounding to integral values is never inexact, but for the form in the current mode
    CASE(frin, 0, 0, 0x3fe0000000000000, 0, FPSCR_XE, ONE, FPSCR_XE | PLUS_NORMAL),
    CASE(xsrdpic, 0, 0, 0x3fe0000000000000, 0, 0, 0, INEXACT | FPSCR_FE),
    // negative multiply-add: rounded, then negated
    CASE(fnmadd, 0, ONE, 0x3c00000000000000, ONE, ROUND_UP, 0xbff0000000000001,
         INEXACT | FPSCR_FR | FPSCR_FL | ROUND_UP),
    CASE(fnmsub, 0, ONE, ONE, ONE, 0, MINUS, FPSCR_C | FPSCR_FE),
    CASE(fnmadd, 0, ONE, QNAN, ONE, 0, QNAN, CLASS_NAN),
    // a > b ? a : b
    CASE(xsmaxcdp, 0, 0, MINUS, 0, 0, MINUS, 0),
    CASE(xsmaxcdp, 0, QNAN, ONE, 0, 0, ONE, 0),
    CASE(xsmincdp, 0, MINUS, 0, 0, 0, 0, 0),
    CASE(xscmpgtdp, 0, QNAN, ONE, 0, 0, 0, FPSCR_FX | FPSCR_VX | FPSCR_VXVC),
    CASE(xscmpgtdp, 0, SNAN, ONE, 0, FPSCR_VE, OLD, FPSCR_FX | FPSCR_FEX | FPSCR_VX | FPSCR_VXSNAN | FPSCR_VE,
         .interrupts = true),
};

static void test_scalars(void)
{
    for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
        const struct fp_case *c = &cases[i];
        for (unsigned k = 0; k < 2; k++) {
            set_state(k ? MSR | TRAPS : MSR, c->before);
            VSR_D(&cpu->vsr[2], 0) = c->a;
            VSR_D(&cpu->vsr[3], 0) = c->b;
            VSR_D(&cpu->vsr[4], 0) = c->c;
            bool interrupted = execute(c->fn, INSN(c->fields));
            if (interrupted != (k && c->interrupts) || result() != c->result || cpu->fpscr != c->after) {
                test_case_failed = 1;
                printf("# %s, case %u: %s%llx, FPSCR %08x\n", c->name, i, interrupted ? "interrupt, " : "",
                       (unsigned long long)result(), cpu->fpscr);
            }
            if (interrupted) {
                CHECK_EQ(cpu->srr0, CIA);
                CHECK_EQ(cpu->srr1, MSR | TRAPS | SRR1_PROG_FP);
                CHECK_EQ(cpu->nia & 0xfff, VEC_PROGRAM);
            }
            if (result() != OLD)
                CHECK_EQ(VSR_D(&cpu->vsr[1], 1), 0);
        }
    }
}

static void test_record(void)
{
    set_state(MSR | TRAPS, FPSCR_XE);
    VSR_D(&cpu->vsr[2], 0) = ONE;
    VSR_D(&cpu->vsr[3], 0) = THREE;
    CHECK(execute(exec_fdiv, INSN(1)));
    CHECK_EQ(cpu->crf[1], 0xc); // FX and FEX: CR1 is set although the instruction interrupts
}

// An enabled exception in one element leaves the whole vector; FR, FI and FPRF never change.
static void test_vectors(void)
{
    static const u32 kept = FPSCR_FR | FPSCR_FI | FPSCR_FL;
    for (unsigned enabled = 0; enabled < 2; enabled++) {
        set_state(MSR, kept | (enabled ? FPSCR_ZE : 0));
        VSR_D(&cpu->vsr[2], 0) = VSR_D(&cpu->vsr[2], 1) = ONE;
        VSR_D(&cpu->vsr[3], 0) = TWO;
        VSR_D(&cpu->vsr[3], 1) = 0;
        CHECK(!execute(exec_xvdivdp, INSN(0)));
        CHECK_EQ(VSR_D(&cpu->vsr[1], 0), enabled ? OLD : 0x3fe0000000000000);
        CHECK_EQ(VSR_D(&cpu->vsr[1], 1), enabled ? OLD : INF);
        CHECK_EQ(cpu->fpscr, kept | FPSCR_FX | FPSCR_ZX | (enabled ? FPSCR_ZE | FPSCR_FEX : 0));
    }
    set_state(MSR, 0);
    VSR_D(&cpu->vsr[2], 0) = TWO, VSR_D(&cpu->vsr[3], 0) = ONE;
    VSR_D(&cpu->vsr[2], 1) = TWO, VSR_D(&cpu->vsr[3], 1) = QNAN;
    cpu->crf[6] = 5;
    CHECK(!execute(exec_xvcmpgtdp, INSN(PPC_BIT32(21))));
    CHECK_EQ(VSR_D(&cpu->vsr[1], 0), ~0ull);
    CHECK_EQ(VSR_D(&cpu->vsr[1], 1), 0);
    CHECK_EQ(cpu->crf[6], 0);
    CHECK_EQ(cpu->fpscr, FPSCR_FX | FPSCR_VX | FPSCR_VXVC);
}

// Compares set CR and FPCC even when they interrupt, and leave FR, FI and C.
static void test_compares(void)
{
    static const struct {
        exec_fn *fn;
        u64 a, b;
        u32 before, flags;
        u8 order;
        bool interrupts;
    } rows[] = {
        {exec_fcmpu, ONE, TWO, 0, 0, CR_LT, false},
        {exec_fcmpu, 0, MINUS, 0, 0, CR_EQ, false},
        {exec_fcmpu, QNAN, ONE, FPSCR_VE, 0, CR_SO, false},
        {exec_fcmpu, SNAN, ONE, FPSCR_VE, FPSCR_VXSNAN, CR_SO, true},
        {exec_fcmpo, QNAN, ONE, 0, FPSCR_VXVC, CR_SO, false},
        {exec_fcmpo, QNAN, ONE, FPSCR_VE, FPSCR_VXVC, CR_SO, true},
        {exec_fcmpo, QNAN, SNAN, 0, FPSCR_VXSNAN | FPSCR_VXVC, CR_SO, false},
        {exec_fcmpo, QNAN, SNAN, FPSCR_VE, FPSCR_VXSNAN, CR_SO, true},
    };
    static const u32 kept = FPSCR_FR | FPSCR_FI | FPSCR_C;
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        set_state(MSR | TRAPS, rows[i].before | kept);
        VSR_D(&cpu->vsr[2], 0) = rows[i].a;
        VSR_D(&cpu->vsr[3], 0) = rows[i].b;
        CHECK_EQ(execute(rows[i].fn, 5u << 23 | 2u << 16 | 3u << 11), rows[i].interrupts);
        CHECK_EQ(cpu->crf[5], rows[i].order);
        u32 want = rows[i].before | kept | rows[i].flags | (u32)rows[i].order << 12;
        if (rows[i].flags)
            want |= FPSCR_FX | FPSCR_VX | (rows[i].interrupts ? FPSCR_FEX : 0);
        CHECK_EQ(cpu->fpscr, want);
    }
}

static void test_status(void)
{
    // The summaries follow; they cannot be set.
    set_state(MSR, 0);
    CHECK(!execute(exec_mtfsb1, 1u << 21)); // FEX
    CHECK(!execute(exec_mtfsb1, 2u << 21)); // VX
    CHECK_EQ(cpu->fpscr, 0);
    CHECK(!execute(exec_mtfsb1, 7u << 21)); // VXSNAN
    CHECK_EQ(cpu->fpscr, FPSCR_FX | FPSCR_VX | FPSCR_VXSNAN);
    CHECK(!execute(exec_mtfsb1, 24u << 21)); // VE
    CHECK_EQ(cpu->fpscr, FPSCR_FX | FPSCR_FEX | FPSCR_VX | FPSCR_VXSNAN | FPSCR_VE);
    // An exception that is enabled by moving to FPSCR interrupts.
    set_state(MSR | MSR_FE0, FPSCR_VX | FPSCR_VXSNAN);
    CHECK(execute(exec_mtfsb1, 24u << 21));
    CHECK_EQ(cpu->srr1 & SRR1_PROG_FP, SRR1_PROG_FP);
    // mcrfs resets what it copies.
    set_state(MSR, FPSCR_FX | FPSCR_VX | FPSCR_OX | FPSCR_VXSNAN | FPSCR_VXISI);
    CHECK(!execute(exec_mcrfs, 3u << 23 | 0u << 18));
    CHECK_EQ(cpu->crf[3], 0xb);
    CHECK_EQ(cpu->fpscr, FPSCR_VX | FPSCR_VXSNAN | FPSCR_VXISI);
    CHECK(!execute(exec_mcrfs, 3u << 23 | 1u << 18));
    CHECK(!execute(exec_mcrfs, 3u << 23 | 2u << 18));
    CHECK_EQ(cpu->crf[3], 8);
    CHECK_EQ(cpu->fpscr, 0);
    // mffsce: all, then the enables are off.
    set_state(MSR, FPSCR_VE | FPSCR_XE | FPSCR_VX | FPSCR_VXISI | FPSCR_FEX | FPSCR_FR);
    CHECK(!execute(exec_mffsce, 1u << 21));
    CHECK_EQ(result(), (u64)cpu->fpscr_hi << 32 | FPSCR_VE | FPSCR_XE | FPSCR_VX | FPSCR_VXISI | FPSCR_FEX | FPSCR_FR);
    CHECK_EQ(cpu->fpscr, FPSCR_VX | FPSCR_VXISI | FPSCR_FR);
    // mtfsf with all fields: reserved bits read as zero, FX is as given.
    set_state(MSR, 0);
    VSR_D(&cpu->vsr[3], 0) = ~0ull;
    CHECK(!execute(exec_mtfsf, 0xffu << 17 | 1u << 25 | 3u << 11));
    CHECK_EQ(cpu->fpscr, ~PPC_BIT32(20));
    CHECK_EQ(cpu->fpscr_hi, 7);
    cpu->fpscr_hi = 0;
}

int main(void)
{
    isa_init();
    if (guest_mem_init(&mem, MIB) || group_init(&group, &mem, &hooks, NULL))
        return 2;
    group.rma_size = MIB;
    cpu = group_add_cpu(&group, 0, 0, 0, 0x004e1202);
    cpu->isa_level = LEVEL_V30;
    TEST(test_scalars);
    TEST(test_record);
    TEST(test_vectors);
    TEST(test_compares);
    TEST(test_status);
    return test_done();
}
