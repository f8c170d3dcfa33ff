// SPDX-License-Identifier: Apache-2.0
// FPSCR derived from the last operation and its operands is what the instruction itself leaves, for every operation and rounding mode.
#include <stdlib.h>
#include <string.h>

#include "base/test.h"
#include "base/test_random.h"
#include "cpu/exec/fp_lazy.h"
#include "cpu/fp/fp.h"
#include "cpu/interp.h"
#include "cpu/msr.h"
#include "cpu/xlate/xlate_hooks.h"

// Where the instruction has its operands: target 1, FRA 2, FRB 3, FRC 4. SINGLE: the kind's are in single format, RESULT: so is what it makes.
enum { AB, AC, B, ACB, FORM = 3, SINGLE = 4, RESULT = 8 };

static const struct {
    u16 id;
    u8 kind, form;
} operations[] = {
#define OP(id, kind, form)          \
    {                               \
        INSN_##id, FPK_##kind, form \
    }
#define OP_BOTH(id, kind, form) OP(id, kind, form), OP(id##s, kind##S, form)
    OP_BOTH(fadd, ADD, AB),
    OP_BOTH(fsub, SUB, AB),
    OP_BOTH(fmul, MUL, AC),
    OP_BOTH(fdiv, DIV, AB),
    OP_BOTH(fsqrt, SQRT, B),
    OP_BOTH(fre, RE, B),
    OP_BOTH(frsqrte, RSQRTE, B),
    OP_BOTH(fmadd, MADD, ACB),
    OP_BOTH(fmsub, MSUB, ACB),
    OP_BOTH(fnmadd, NMADD, ACB),
    OP_BOTH(fnmsub, NMSUB, ACB),
    OP(frsp, RSP, B),
    OP(fcfid, FROM_S64, B),
    OP(fcfidu, FROM_U64, B),
    OP(fcfids, FROM_S64S, B),
    OP(fcfidus, FROM_U64S, B),
    OP(frin, ROUND_AWAY, B),
    OP(friz, ROUND_TRUNCATE, B),
    OP(frip, ROUND_UP, B),
    OP(frim, ROUND_DOWN, B),
    OP(fctiw, TO_S32, B),
    OP(fctiwz, TO_S32Z, B),
    OP(fctiwu, TO_U32, B),
    OP(fctiwuz, TO_U32Z, B),
#define OP_RESULT(id, kind, form) OP(id, kind, (form) | RESULT)
#define OP_SINGLE(id, kind, form) OP(id, kind, (form) | SINGLE | RESULT)
    OP_RESULT(fadds, ADDG, AB),
    OP_RESULT(fsubs, SUBG, AB),
    OP_RESULT(fmuls, MULG, AC),
    OP_RESULT(fdivs, DIVG, AB),
    OP_RESULT(fsqrts, SQRTG, B),
    OP_RESULT(fmadds, MADDG, ACB),
    OP_RESULT(fmsubs, MSUBG, ACB),
    OP_RESULT(fnmadds, NMADDG, ACB),
    OP_RESULT(fnmsubs, NMSUBG, ACB),
    OP_RESULT(frsp, RSPG, B),
    OP_SINGLE(fadds, ADDF, AB),
    OP_SINGLE(fsubs, SUBF, AB),
    OP_SINGLE(fmuls, MULF, AC),
    OP_SINGLE(fdivs, DIVF, AB),
    OP_SINGLE(fsqrts, SQRTF, B),
    OP_SINGLE(fmadds, MADDF, ACB),
    OP_SINGLE(fmsubs, MSUBF, ACB),
    OP_SINGLE(fnmadds, NMADDF, ACB),
    OP_SINGLE(fnmsubs, NMSUBF, ACB),
    OP(fcfids, FROM_S64F, B | RESULT),
    OP(fctid, TO_S64, B),
    OP(fctidz, TO_S64Z, B),
    OP(fctidu, TO_U64, B),
    OP(fctiduz, TO_U64Z, B),
};

static u64 random_double(void)
{
    static const u64 special[] = {0,
                                  0x7ff0000000000000,
                                  0x7ff8000000000001,
                                  0x7ff0000000000001,
                                  0x3ff0000000000000,
                                  0x0010000000000000,
                                  0x000fffffffffffff,
                                  1,
                                  0x7fefffffffffffff,
                                  0x3810000000000000,
                                  0x47efffffe0000000,
                                  0x43e0000000000000};
    static const u16 centres[] = {1, 1023, 897, 1150, 2045, 1075, 874, 1054, 512, 1535};
    u64 sign = random64() << 63, fraction = random64() >> 12;
    switch (below(6)) {
    case 0: return random64();
    case 1: return sign | special[below(ARRAY_LEN(special))];
    case 2: fraction &= ~0ull << below(52); break;
    case 3: fraction &= ~0x1fffffffull; break;
    default: break;
    }
    return sign | (u64)(centres[below(ARRAY_LEN(centres))] + below(4) - 1) << 52 | fraction;
}

static struct cpu *reference, *lazy;

static void start(u64 a, u64 b, u64 c)
{
    u32 fpscr = (u32)random64() & (FPSCR_FR | FPSCR_FI | FPSCR_FPRF | FPSCR_RN | FPSCR_XX);
    reference->fpscr = lazy->fpscr = fpscr;
    reference->vsr[2].d[1] = a;
    reference->vsr[3].d[1] = b;
    reference->vsr[4].d[1] = c;
    lazy->fp_last = 0;
}

static bool check(unsigned n)
{
    enum fp_kind kind = (enum fp_kind)operations[n].kind;
    u64 a = random_double(), b = random_double(), c = random_double();
    unsigned form = operations[n].form;
    if (form & SINGLE) {
        a = fp_store_single(a);
        b = fp_store_single(b);
        c = fp_store_single(c);
        start(fp_load_single((u32)a), fp_load_single((u32)b), fp_load_single((u32)c));
        a |= random64() << 32; // nobody looks there
    } else {
        start(a, b, c);
    }
    interp_exec[operations[n].id](reference,
                                  insn_rows[operations[n].id].value | 1u << 21 | 2u << 16 | 3u << 11 | 4u << 6);
    if (!fp_lazy_enter(lazy))
        return true; // no such host
    const u64 operands[][3] = {[AB] = {a, b}, [AC] = {a, c}, [B] = {b}, [ACB] = {a, c, b}};
    for (unsigned i = 0; i < 3; i++) {
        lazy->fp_operand[i] = operands[form & FORM][i];
        lazy->fp_arg[i].d[1] = operands[form & FORM][i];
    }
    // As for a result that the host's unit does not give; else only the last operation's traces are looked at.
    if (below(2)) {
        fp_lazy_compute(lazy, kind);
        u64 result = lazy->fp_arg[3].d[1];
        if (form & RESULT && fp_load_single((u32)result) != reference->vsr[1].d[1])
            return false;
    }
    lazy->fp_last = kind;
    fpu_settle(lazy);
    return lazy->fpscr == reference->fpscr && !lazy->fp_live;
}

static void test_last_operation(void)
{
    for (unsigned n = 0; n < ARRAY_LEN(operations); n++) {
        unsigned wrong = 0;
        for (unsigned i = 0; i < 4000; i++)
            wrong += !check(n);
        if (wrong)
            printf("# %s\n", fp_kind_name((enum fp_kind)operations[n].kind));
        CHECK_EQ(wrong, 0);
    }
}

// A comparison after an operation: FR, FI and C of the one, FPCC of the other.
static void test_comparison(void)
{
    for (unsigned i = 0; i < 4000; i++) {
        u64 a = random_double(), b = random_double();
        start(a, b, 0);
        interp_exec[INSN_fadd](reference, insn_rows[INSN_fadd].value | 1u << 21 | 2u << 16 | 3u << 11);
        interp_exec[INSN_fcmpu](reference, insn_rows[INSN_fcmpu].value | 2u << 16 | 3u << 11);
        if (!fp_lazy_enter(lazy))
            return;
        lazy->fp_operand[0] = lazy->fp_arg[0].d[1] = lazy->fp_compared[0] = a;
        lazy->fp_operand[1] = lazy->fp_arg[1].d[1] = lazy->fp_compared[1] = b;
        fp_lazy_compute(lazy, FPK_COMPARE);
        CHECK_EQ(lazy->fp_arg[3].d[1], reference->crf[0]);
        lazy->fp_last = FPK_ADD | FP_LAST_COMPARED;
        fpu_settle(lazy);
        CHECK_EQ(lazy->fpscr, reference->fpscr);
    }
}

static void test_enabled_exceptions(void)
{
    lazy->fpscr = FPSCR_ZE;
    CHECK(!fp_lazy_enter(lazy));
    CHECK(!lazy->fp_live);
    lazy->fpscr = 0;
}

int main(void)
{
    reference = aligned_alloc(64, (sizeof(struct cpu) + 63) & ~63ul);
    lazy = aligned_alloc(64, (sizeof(struct cpu) + 63) & ~63ul);
    memset(reference, 0, sizeof(*reference));
    memset(lazy, 0, sizeof(*lazy));
    TEST(test_last_operation);
    TEST(test_comparison);
    TEST(test_enabled_exceptions);
    return test_done();
}
