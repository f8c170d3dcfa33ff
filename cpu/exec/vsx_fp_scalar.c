// SPDX-License-Identifier: Apache-2.0
// VSX scalar binary floating-point: arithmetic, comparison, rounding, sign manipulation. ISA I "VSX Instruction Descriptions".
// Operands are doubleword 0; doubleword 1 of the target becomes zero.
#include "cpu/exec/fp_int.h"

#define SIGN PPC_BIT(0)
#define A    VSR_D(VSR(XA), 0)
#define B    VSR_D(VSR(XB), 0)
#define T    VSR_D(VSR(XT), 0)

#define XS_OP(id, call, fprf)                   \
    EXEC(id)                                    \
    {                                           \
        struct fp_env env = fpu_begin(cpu);     \
        u64 r = call;                           \
        xt_finish(cpu, insn, &env, r, fprf(r)); \
    }

XS_OP(xsadddp, fp64_add(&env, A, B), fpu_fprf64)
XS_OP(xssubdp, fp64_sub(&env, A, B), fpu_fprf64)
XS_OP(xsmuldp, fp64_mul(&env, A, B), fpu_fprf64)
XS_OP(xsdivdp, fp64_div(&env, A, B), fpu_fprf64)
XS_OP(xssqrtdp, fp64_sqrt(&env, B), fpu_fprf64)
XS_OP(xsredp, fp64_recip_estimate(&env, B), fpu_fprf64)
XS_OP(xsrsqrtedp, fp64_rsqrt_estimate(&env, B), fpu_fprf64)
XS_OP(xsaddsp, fp64s_add(&env, A, B), fpu_fprf64s)
XS_OP(xssubsp, fp64s_sub(&env, A, B), fpu_fprf64s)
XS_OP(xsmulsp, fp64s_mul(&env, A, B), fpu_fprf64s)
XS_OP(xsdivsp, fp64s_div(&env, A, B), fpu_fprf64s)
XS_OP(xssqrtsp, fp64s_sqrt(&env, B), fpu_fprf64s)
XS_OP(xsresp, fp64s_recip_estimate(&env, B), fpu_fprf64s)
XS_OP(xsrsqrtesp, fp64s_rsqrt_estimate(&env, B), fpu_fprf64s)
XS_OP(xsrsp, fp64s_round(&env, B), fpu_fprf64s)
XS_OP(xscvsxddp, fp64_from_s64(&env, (s64)B), fpu_fprf64)
XS_OP(xscvuxddp, fp64_from_u64(&env, B), fpu_fprf64)
XS_OP(xscvsxdsp, fp64s_from_s64(&env, (s64)B), fpu_fprf64s)
XS_OP(xscvuxdsp, fp64s_from_u64(&env, B), fpu_fprf64s)

// Type A adds to the target, type M multiplies with it.
#define XS_MADD(name, how)                                          \
    XS_OP(name##adp, fp64_muladd(&env, A, B, T, how), fpu_fprf64)   \
    XS_OP(name##mdp, fp64_muladd(&env, A, T, B, how), fpu_fprf64)   \
    XS_OP(name##asp, fp64s_muladd(&env, A, B, T, how), fpu_fprf64s) \
    XS_OP(name##msp, fp64s_muladd(&env, A, T, B, how), fpu_fprf64s)

XS_MADD(xsmadd, 0)
XS_MADD(xsmsub, FP_NEGATE_ADDEND)
XS_MADD(xsnmadd, FP_NEGATE_RESULT)
XS_MADD(xsnmsub, FP_NEGATE_ADDEND | FP_NEGATE_RESULT)

// Only xsrdpic, in the current mode, may be inexact.
#define XS_ROUND(id, mode, keep)                      \
    EXEC(id)                                          \
    {                                                 \
        struct fp_env env = fpu_begin(cpu);           \
        u64 r = fp64_round_integral(&env, B, mode);   \
        env.flags &= (keep);                          \
        xt_finish(cpu, insn, &env, r, fpu_fprf64(r)); \
    }

XS_ROUND(xsrdpi, FP_AWAY, FPSCR_VXSNAN)
XS_ROUND(xsrdpiz, FP_TRUNCATE, FPSCR_VXSNAN)
XS_ROUND(xsrdpip, FP_UP, FPSCR_VXSNAN)
XS_ROUND(xsrdpim, FP_DOWN, FPSCR_VXSNAN)
XS_ROUND(xsrdpic, env.round, ~0u)

#define XS_MOVE(id, value)              \
    EXEC(id)                            \
    {                                   \
        vsr_set_scalar(VSR(XT), value); \
    }

XS_MOVE(xsabsdp, B & ~SIGN)
XS_MOVE(xsnabsdp, B | SIGN)
XS_MOVE(xsnegdp, B ^ SIGN)
XS_MOVE(xscpsgndp, (A & SIGN) | (B & ~SIGN))

// xscmpudp, xscmpodp: as fcmpu and fcmpo.
static void compare(struct cpu *cpu, u32 insn, bool ordered)
{
    u64 a = A, b = B;
    unsigned order = fp64_compare(a, b);
    u32 flags = 0;
    if (unlikely(order == FP_UNORDERED))
        flags = fpu_compare_flags(cpu, fp64_is_snan(a) || fp64_is_snan(b), true, ordered);
    fpu_compare_finish(cpu, BF, order, flags);
}

EXEC(xscmpudp)
{
    compare(cpu, insn, false);
}

EXEC(xscmpodp)
{
    compare(cpu, insn, true);
}

// xscmpeqdp, xscmpgtdp, xscmpgedp: a mask as the result.
static void compare_mask(struct cpu *cpu, u32 insn, unsigned accept, bool ordered)
{
    u64 a = A, b = B;
    unsigned order = fp64_compare(a, b);
    struct fp_env env = {0};
    if (unlikely(order == FP_UNORDERED))
        env.flags = fpu_compare_flags(cpu, fp64_is_snan(a) || fp64_is_snan(b), true, ordered);
    if (fpu_commit_flags(cpu, &env))
        vsr_set_scalar(VSR(XT), order & accept ? ~0ull : 0);
    fpu_trap(cpu, &env);
}

EXEC(xscmpeqdp)
{
    compare_mask(cpu, insn, FP_EQUAL, false);
}

EXEC(xscmpgtdp)
{
    compare_mask(cpu, insn, FP_GREATER, true);
}

EXEC(xscmpgedp)
{
    compare_mask(cpu, insn, FP_GREATER | FP_EQUAL, true);
}

// Exponents alone; no exceptions. ISA I "VSX Scalar Compare Exponents Double-Precision".
EXEC(xscmpexpdp)
{
    u64 a = A, b = B, ea = a >> 52 & 0x7ff, eb = b >> 52 & 0x7ff;
    unsigned order = fp64_is_nan(a) || fp64_is_nan(b) ? FP_UNORDERED
                     : ea < eb                        ? FP_LESS
                     : ea > eb                        ? FP_GREATER
                                                      : FP_EQUAL;
    fpu_compare_finish(cpu, BF, order, 0);
}

// Maximum and minimum in three flavours. `wanted` is FP_GREATER or FP_LESS.

// IEEE 754-2008: a quiet NaN yields to a number, zeros are ordered by sign.
u64 fpu_minmax64(struct fp_env *env, u64 a, u64 b, unsigned wanted)
{
    unsigned order = fp64_compare(a, b);
    if (order == FP_UNORDERED) {
        if (fp64_is_snan(a) || fp64_is_snan(b))
            env->flags |= FPSCR_VXSNAN;
        if (fp64_is_snan(a) || (fp64_is_nan(a) && fp64_is_nan(b)))
            return a | PPC_BIT(12);
        return fp64_is_snan(b) ? b | PPC_BIT(12) : fp64_is_nan(a) ? b : a;
    }
    if (order == FP_EQUAL) // only zeros can differ
        return wanted == FP_GREATER ? a & b : a | b;
    return order == wanted ? a : b;
}

// C's a > b ? a : b: NaNs and equal operands give the second one.
u64 fpu_minmax64_c(struct fp_env *env, u64 a, u64 b, unsigned wanted)
{
    unsigned order = fp64_compare(a, b);
    if (order == FP_UNORDERED && (fp64_is_snan(a) || fp64_is_snan(b)))
        env->flags |= FPSCR_VXSNAN;
    return order == wanted ? a : b;
}

u32 fpu_minmax32(struct fp_env *env, u32 a, u32 b, unsigned wanted)
{
    // Widening by bits is exact, keeps signaling NaNs and the order.
    return fp_store_single(fpu_minmax64(env, fp_load_single(a), fp_load_single(b), wanted));
}

// Java's: a NaN is the result, zeros are ordered by sign.
static u64 minmax_j(struct fp_env *env, u64 a, u64 b, unsigned wanted)
{
    if (fp64_compare(a, b) != FP_UNORDERED)
        return fpu_minmax64(env, a, b, wanted);
    if (fp64_is_snan(a) || fp64_is_snan(b))
        env->flags |= FPSCR_VXSNAN;
    return fp64_is_nan(a) ? a : b;
}

#define XS_MINMAX(id, fn, wanted)           \
    EXEC(id)                                \
    {                                       \
        struct fp_env env = fpu_begin(cpu); \
        u64 r = fn(&env, A, B, wanted);     \
        if (fpu_commit_flags(cpu, &env))    \
            vsr_set_scalar(VSR(XT), r);     \
        fpu_trap(cpu, &env);                \
    }

XS_MINMAX(xsmaxdp, fpu_minmax64, FP_GREATER)
XS_MINMAX(xsmindp, fpu_minmax64, FP_LESS)
XS_MINMAX(xsmaxcdp, fpu_minmax64_c, FP_GREATER)
XS_MINMAX(xsmincdp, fpu_minmax64_c, FP_LESS)
XS_MINMAX(xsmaxjdp, minmax_j, FP_GREATER)
XS_MINMAX(xsminjdp, minmax_j, FP_LESS)

EXEC(xstdivdp)
{
    cpu->crf[BF] = (u8)fpu_test_divide64(A, B);
}

EXEC(xstsqrtdp)
{
    cpu->crf[BF] = (u8)fpu_test_sqrt64(B);
}
