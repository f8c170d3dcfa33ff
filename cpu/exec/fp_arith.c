// SPDX-License-Identifier: Apache-2.0
// Floating-point facility: moves, arithmetic, rounding, conversion, comparison. ISA I chapter 4.
#include "cpu/exec/fp_int.h"

// ISA I "Floating-Point Move Instructions": bits only, FPSCR stays.
#define FP_MOVE(id, value)       \
    EXEC(id)                     \
    {                            \
        fpr_set(cpu, RT, value); \
        if (RC_BIT)              \
            set_cr1(cpu);        \
    }

#define SIGN PPC_BIT(0)

FP_MOVE(fmr, FPR(RB))
FP_MOVE(fneg, FPR(RB) ^ SIGN)
FP_MOVE(fabs, FPR(RB) & ~SIGN)
FP_MOVE(fnabs, FPR(RB) | SIGN)
FP_MOVE(fcpsgn, (FPR(RA) & SIGN) | (FPR(RB) & ~SIGN))

EXEC(fmrgew)
{
    fpr_set(cpu, RT, (FPR(RA) & ~0xffffffffull) | FPR(RB) >> 32);
}

EXEC(fmrgow)
{
    fpr_set(cpu, RT, FPR(RA) << 32 | (u32)FPR(RB));
}

// ISA I "Floating-Point Select Instruction": neither FPSCR nor NaNs matter.
FP_MOVE(fsel, fp64_compare(FPR(RA), 0) & (FP_GREATER | FP_EQUAL) ? FPR(RC) : FPR(RB))

// ISA I "Floating-Point Elementary Arithmetic Instructions"
#define FP_OP(id, call, fprf)                    \
    EXEC(id)                                     \
    {                                            \
        struct fp_env env = fpu_begin(cpu);      \
        u64 r = call;                            \
        fpr_finish(cpu, insn, &env, r, fprf(r)); \
    }

FP_OP(fadd, fp64_add(&env, FPR(RA), FPR(RB)), fpu_fprf64)
FP_OP(fadds, fp64s_add(&env, FPR(RA), FPR(RB)), fpu_fprf64s)
FP_OP(fsub, fp64_sub(&env, FPR(RA), FPR(RB)), fpu_fprf64)
FP_OP(fsubs, fp64s_sub(&env, FPR(RA), FPR(RB)), fpu_fprf64s)
FP_OP(fmul, fp64_mul(&env, FPR(RA), FPR(RC)), fpu_fprf64)
FP_OP(fmuls, fp64s_mul(&env, FPR(RA), FPR(RC)), fpu_fprf64s)
FP_OP(fdiv, fp64_div(&env, FPR(RA), FPR(RB)), fpu_fprf64)
FP_OP(fdivs, fp64s_div(&env, FPR(RA), FPR(RB)), fpu_fprf64s)
FP_OP(fsqrt, fp64_sqrt(&env, FPR(RB)), fpu_fprf64)
FP_OP(fsqrts, fp64s_sqrt(&env, FPR(RB)), fpu_fprf64s)
FP_OP(fre, fp64_recip_estimate(&env, FPR(RB)), fpu_fprf64)
FP_OP(fres, fp64s_recip_estimate(&env, FPR(RB)), fpu_fprf64s)
FP_OP(frsqrte, fp64_rsqrt_estimate(&env, FPR(RB)), fpu_fprf64)
FP_OP(frsqrtes, fp64s_rsqrt_estimate(&env, FPR(RB)), fpu_fprf64s)

// ISA I "Floating-Point Multiply-Add Instructions"
#define FP_MADD(id, how)                                                     \
    FP_OP(id, fp64_muladd(&env, FPR(RA), FPR(RC), FPR(RB), how), fpu_fprf64) \
    FP_OP(id##s, fp64s_muladd(&env, FPR(RA), FPR(RC), FPR(RB), how), fpu_fprf64s)

FP_MADD(fmadd, 0)
FP_MADD(fmsub, FP_NEGATE_ADDEND)
FP_MADD(fnmadd, FP_NEGATE_RESULT)
FP_MADD(fnmsub, FP_NEGATE_ADDEND | FP_NEGATE_RESULT)

// ISA I "Floating-Point Rounding and Conversion Instructions"
FP_OP(frsp, fp64s_round(&env, FPR(RB)), fpu_fprf64s)
FP_OP(fcfid, fp64_from_s64(&env, (s64)FPR(RB)), fpu_fprf64)
FP_OP(fcfidu, fp64_from_u64(&env, FPR(RB)), fpu_fprf64)
FP_OP(fcfids, fp64s_from_s64(&env, (s64)FPR(RB)), fpu_fprf64s)
FP_OP(fcfidus, fp64s_from_u64(&env, FPR(RB)), fpu_fprf64s)

// Rounding to integral values is never inexact in FPSCR.
#define FP_ROUND(id, mode)                                \
    EXEC(id)                                              \
    {                                                     \
        struct fp_env env = fpu_begin(cpu);               \
        u64 r = fp64_round_integral(&env, FPR(RB), mode); \
        env.flags &= FPSCR_VXSNAN;                        \
        fpr_finish(cpu, insn, &env, r, fpu_fprf64(r));    \
    }

FP_ROUND(frin, FP_AWAY)
FP_ROUND(friz, FP_TRUNCATE)
FP_ROUND(frip, FP_UP)
FP_ROUND(frim, FP_DOWN)

// FPRF is undefined after conversions to integers: zero.
#define FP_TO_INT(id, format, mode)                         \
    EXEC(id)                                                \
    {                                                       \
        struct fp_env env = fpu_begin(cpu);                 \
        u64 r = fp64_to_int(&env, FPR(RB), format, mode);   \
        fpr_finish(cpu, insn, &env, r, 0);                  \
    }

FP_TO_INT(fctiw, FP_S32, env.round)
FP_TO_INT(fctiwz, FP_S32, FP_TRUNCATE)
FP_TO_INT(fctiwu, FP_U32, env.round)
FP_TO_INT(fctiwuz, FP_U32, FP_TRUNCATE)
FP_TO_INT(fctid, FP_S64, env.round)
FP_TO_INT(fctidz, FP_S64, FP_TRUNCATE)
FP_TO_INT(fctidu, FP_U64, env.round)
FP_TO_INT(fctiduz, FP_U64, FP_TRUNCATE)

// ISA I "Floating-Point Compare Instructions"
static void compare(struct cpu *cpu, u32 insn, bool ordered)
{
    u64 a = FPR(RA), b = FPR(RB);
    unsigned order = fp64_compare(a, b);
    u32 flags = 0;
    if (unlikely(order == FP_UNORDERED))
        flags = fpu_compare_flags(cpu, fp64_is_snan(a) || fp64_is_snan(b), true, ordered);
    fpu_compare_finish(cpu, BF, order, flags);
}

EXEC(fcmpu)
{
    compare(cpu, insn, false);
}

EXEC(fcmpo)
{
    compare(cpu, insn, true);
}

// ISA I "Floating Test for software Divide", "... Square Root": the CR field is 1 || fg || fe || 0. The limits are those of a format
// with exponents up to `emax` and `prec` bits.
static unsigned test_divide(u64 a, u64 b, int emax, int prec)
{
    u64 exp_mask = 2 * (u64)emax + 1, frac_mask = (1ull << (prec - 1)) - 1;
    u64 exp_a = a >> (prec - 1) & exp_mask, exp_b = b >> (prec - 1) & exp_mask, frac_a = a & frac_mask,
        frac_b = b & frac_mask;
    int ea = (int)exp_a - emax, eb = (int)exp_b - emax;
    bool nan_a = exp_a == exp_mask && frac_a, nan_b = exp_b == exp_mask && frac_b;
    bool inf_a = exp_a == exp_mask && !frac_a, inf_b = exp_b == exp_mask && !frac_b;
    bool zero_a = !exp_a && !frac_a, zero_b = !exp_b && !frac_b;
    bool fe = nan_a || inf_a || zero_b || nan_b || inf_b || eb <= 1 - emax || eb >= emax - 2 ||
              (!zero_a && (ea - eb >= emax || ea - eb <= 2 - emax || ea <= prec - emax));
    bool fg = inf_a || zero_b || inf_b || (!exp_b && frac_b);
    return CR_LT | (fg ? CR_GT : 0) | (fe ? CR_EQ : 0);
}

static unsigned test_sqrt(u64 b, int emax, int prec)
{
    u64 exp_mask = 2 * (u64)emax + 1, frac = b & ((1ull << (prec - 1)) - 1), exp = b >> (prec - 1) & exp_mask;
    bool negative = b >> (prec - 1) > exp_mask;
    bool special = exp == exp_mask, zero = !exp && !frac;
    bool fe = special || zero || negative || (int)exp - emax <= prec - emax;
    bool fg = zero || (special && !frac) || (!exp && frac);
    return CR_LT | (fg ? CR_GT : 0) | (fe ? CR_EQ : 0);
}

unsigned fpu_test_divide64(u64 a, u64 b)
{
    return test_divide(a, b, 1023, 53);
}

unsigned fpu_test_sqrt64(u64 b)
{
    return test_sqrt(b, 1023, 53);
}

unsigned fpu_test_divide32(u32 a, u32 b)
{
    return test_divide(a, b, 127, 24);
}

unsigned fpu_test_sqrt32(u32 b)
{
    return test_sqrt(b, 127, 24);
}

EXEC(ftdiv)
{
    cpu->crf[BF] = (u8)fpu_test_divide64(FPR(RA), FPR(RB));
}

EXEC(ftsqrt)
{
    cpu->crf[BF] = (u8)fpu_test_sqrt64(FPR(RB));
}
