// SPDX-License-Identifier: Apache-2.0
// VSX vector binary floating-point: arithmetic, comparison, rounding, sign manipulation. ISA I "VSX Instruction Descriptions".
// Exceptions of all elements are gathered; an enabled one leaves the whole target. FR, FI and FPRF do not change.
#include "cpu/exec/fp_int.h"

#define SIGN64 PPC_BIT(0)
#define SIGN32 PPC_BIT32(0)

// `call` computes one element from a, b (of XA, XB) and t (of XT).
#define XV_OP(id, type, lanes, lane, call)                              \
    EXEC(id)                                                            \
    {                                                                   \
        struct fp_env env = fpu_begin(cpu);                             \
        union vsr va = *VSR(XA), vb = *VSR(XB), vt = *VSR(XT), r = {0}; \
        for (unsigned i = 0; i < lanes; i++) {                          \
            type a = va.lane[i], b = vb.lane[i], t = vt.lane[i];        \
            (void)a, (void)b, (void)t;                                  \
            r.lane[i] = call;                                           \
        }                                                               \
        xt_finish_vector(cpu, insn, &env, r);                           \
    }
#define XV_DP(id, call) XV_OP(id, u64, 2, d, call)
#define XV_SP(id, call) XV_OP(id, u32, 4, w, call)

#define XV_BOTH(name, suffix, call64, call32) \
    XV_DP(name##dp##suffix, call64)           \
    XV_SP(name##sp##suffix, call32)

XV_BOTH(xvadd, , fp64_add(&env, a, b), fp32_add(&env, a, b))
XV_BOTH(xvsub, , fp64_sub(&env, a, b), fp32_sub(&env, a, b))
XV_BOTH(xvmul, , fp64_mul(&env, a, b), fp32_mul(&env, a, b))
XV_BOTH(xvdiv, , fp64_div(&env, a, b), fp32_div(&env, a, b))
XV_BOTH(xvsqrt, , fp64_sqrt(&env, b), fp32_sqrt(&env, b))
XV_BOTH(xvre, , fp64_recip_estimate(&env, b), fp32_recip_estimate(&env, b))
XV_BOTH(xvrsqrte, , fp64_rsqrt_estimate(&env, b), fp32_rsqrt_estimate(&env, b))

#define XV_MADD(name, how)                                                               \
    XV_BOTH(name##a, , fp64_muladd(&env, a, b, t, how), fp32_muladd(&env, a, b, t, how)) \
    XV_BOTH(name##m, , fp64_muladd(&env, a, t, b, how), fp32_muladd(&env, a, t, b, how))

XV_MADD(xvmadd, 0)
XV_MADD(xvmsub, FP_NEGATE_ADDEND)
XV_MADD(xvnmadd, FP_NEGATE_RESULT)
XV_MADD(xvnmsub, FP_NEGATE_ADDEND | FP_NEGATE_RESULT)

// Rounding to integral values; only the forms in the current mode may be inexact.
static u64 round64(struct fp_env *env, u64 v, enum fp_round round)
{
    u32 before = env->flags;
    v = fp64_round_integral(env, v, round);
    env->flags = before | (env->flags & FPSCR_VXSNAN);
    return v;
}

static u32 round32(struct fp_env *env, u32 v, enum fp_round round)
{
    u32 before = env->flags;
    v = fp32_round_integral(env, v, round);
    env->flags = before | (env->flags & FPSCR_VXSNAN);
    return v;
}

XV_DP(xvrdpi, round64(&env, b, FP_AWAY))
XV_DP(xvrdpiz, round64(&env, b, FP_TRUNCATE))
XV_DP(xvrdpip, round64(&env, b, FP_UP))
XV_DP(xvrdpim, round64(&env, b, FP_DOWN))
XV_DP(xvrdpic, fp64_round_integral(&env, b, env.round))
XV_SP(xvrspi, round32(&env, b, FP_AWAY))
XV_SP(xvrspiz, round32(&env, b, FP_TRUNCATE))
XV_SP(xvrspip, round32(&env, b, FP_UP))
XV_SP(xvrspim, round32(&env, b, FP_DOWN))
XV_SP(xvrspic, fp32_round_integral(&env, b, env.round))

XV_BOTH(xvabs, , b & ~SIGN64, b & ~SIGN32)
XV_BOTH(xvnabs, , b | SIGN64, b | SIGN32)
XV_BOTH(xvneg, , b ^ SIGN64, b ^ SIGN32)
XV_BOTH(xvcpsgn, , (a & SIGN64) | (b & ~SIGN64), (a & SIGN32) | (b & ~SIGN32))

XV_BOTH(xvmax, , fpu_minmax64(&env, a, b, FP_GREATER), fpu_minmax32(&env, a, b, FP_GREATER))
XV_BOTH(xvmin, , fpu_minmax64(&env, a, b, FP_LESS), fpu_minmax32(&env, a, b, FP_LESS))

// Comparisons make masks; the record forms say in CR6 whether all or none were true.
#define XV_COMPARE(id, fp, type, lanes, lane, accept, ordered)                                          \
    EXEC(id)                                                                                            \
    {                                                                                                   \
        struct fp_env env = {0};                                                                        \
        union vsr va = *VSR(XA), vb = *VSR(XB), r;                                                      \
        unsigned trues = 0;                                                                             \
        for (unsigned i = 0; i < lanes; i++) {                                                          \
            type a = va.lane[i], b = vb.lane[i];                                                        \
            unsigned order = fp##_compare(a, b);                                                        \
            if (unlikely(order == FP_UNORDERED))                                                        \
                env.flags |= fpu_compare_flags(cpu, fp##_is_snan(a) || fp##_is_snan(b), true, ordered); \
            bool is_true = order & (accept);                                                            \
            trues += is_true;                                                                           \
            r.lane[i] = is_true ? (type) ~(type)0 : 0;                                                  \
        }                                                                                               \
        if (fpu_commit_flags(cpu, &env)) {                                                              \
            *VSR(XT) = r;                                                                               \
            if (insn & PPC_BIT32(21))                                                                   \
                cpu->crf[6] = trues == lanes ? CR_LT : trues == 0 ? CR_EQ : 0;                          \
        }                                                                                               \
        fpu_trap(cpu, &env);                                                                            \
    }

XV_COMPARE(xvcmpeqdp, fp64, u64, 2, d, FP_EQUAL, false)
XV_COMPARE(xvcmpgtdp, fp64, u64, 2, d, FP_GREATER, true)
XV_COMPARE(xvcmpgedp, fp64, u64, 2, d, FP_GREATER | FP_EQUAL, true)
XV_COMPARE(xvcmpeqsp, fp32, u32, 4, w, FP_EQUAL, false)
XV_COMPARE(xvcmpgtsp, fp32, u32, 4, w, FP_GREATER, true)
XV_COMPARE(xvcmpgesp, fp32, u32, 4, w, FP_GREATER | FP_EQUAL, true)

// The tests for software are the OR over the elements.
EXEC(xvtdivdp)
{
    const union vsr *a = VSR(XA), *b = VSR(XB);
    cpu->crf[BF] = (u8)(fpu_test_divide64(a->d[0], b->d[0]) | fpu_test_divide64(a->d[1], b->d[1]));
}

EXEC(xvtdivsp)
{
    const union vsr *a = VSR(XA), *b = VSR(XB);
    unsigned crf = 0;
    for (unsigned i = 0; i < 4; i++)
        crf |= fpu_test_divide32(a->w[i], b->w[i]);
    cpu->crf[BF] = (u8)crf;
}

EXEC(xvtsqrtdp)
{
    const union vsr *b = VSR(XB);
    cpu->crf[BF] = (u8)(fpu_test_sqrt64(b->d[0]) | fpu_test_sqrt64(b->d[1]));
}

EXEC(xvtsqrtsp)
{
    const union vsr *b = VSR(XB);
    unsigned crf = 0;
    for (unsigned i = 0; i < 4; i++)
        crf |= fpu_test_sqrt32(b->w[i]);
    cpu->crf[BF] = (u8)crf;
}
