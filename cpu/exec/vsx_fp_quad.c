// SPDX-License-Identifier: Apache-2.0
// VSX scalar quad precision. ISA I "VSX Scalar ... Quad-Precision".
#include "cpu/exec/fp_int.h"
#include "cpu/exec/vsx_fp_class.h"

#define SIGN ((u128)1 << 127)
#define A    (VR(RA)->q)
#define B    (VR(RB)->q)
#define T    (VR(RT)->q)

static void quad_finish(struct cpu *cpu, u32 insn, const struct fp_env *env, u128 result, u32 fprf)
{
    if (fpu_commit(cpu, env, fprf))
        VR(RT)->q = result;
    fpu_trap(cpu, env);
}

// For the forms with bit 31 = RO: round to odd overrides FPSCR[RN].
static struct fp_env begin_odd(struct cpu *cpu, u32 insn)
{
    struct fp_env env = fpu_begin(cpu);
    if (insn & 1)
        env.round = FP_ODD;
    return env;
}

#define QUAD_OP(id, call)                               \
    EXEC(id)                                            \
    {                                                   \
        struct fp_env env = begin_odd(cpu, insn);       \
        u128 r = call;                                  \
        quad_finish(cpu, insn, &env, r, fp128_fprf(r)); \
    }

QUAD_OP(xsaddqp, fp128_add(&env, A, B))
QUAD_OP(xssubqp, fp128_sub(&env, A, B))
QUAD_OP(xsmulqp, fp128_mul(&env, A, B))
QUAD_OP(xsdivqp, fp128_div(&env, A, B))
QUAD_OP(xssqrtqp, fp128_sqrt(&env, B))
QUAD_OP(xsmaddqp, fp128_muladd(&env, A, B, T, 0))
QUAD_OP(xsmsubqp, fp128_muladd(&env, A, B, T, FP_NEGATE_ADDEND))
QUAD_OP(xsnmaddqp, fp128_muladd(&env, A, B, T, FP_NEGATE_RESULT))
QUAD_OP(xsnmsubqp, fp128_muladd(&env, A, B, T, FP_NEGATE_ADDEND | FP_NEGATE_RESULT))

EXEC(xscvqpdp)
{
    struct fp_env env = begin_odd(cpu, insn);
    u64 r = fp128_to_fp64(&env, B);
    quad_finish(cpu, insn, &env, (u128)r << 64, fpu_fprf64(r));
}

EXEC(xscvdpqp)
{
    struct fp_env env = fpu_begin(cpu);
    u128 r = fp64_to_fp128(&env, VSR_D(VR(RB), 0));
    quad_finish(cpu, insn, &env, r, fp128_fprf(r));
}

EXEC(xscvsdqp)
{
    struct fp_env env = fpu_begin(cpu);
    u128 r = fp128_from_s64(&env, (s64)VSR_D(VR(RB), 0));
    quad_finish(cpu, insn, &env, r, fp128_fprf(r));
}

EXEC(xscvudqp)
{
    struct fp_env env = fpu_begin(cpu);
    u128 r = fp128_from_u64(&env, VSR_D(VR(RB), 0));
    quad_finish(cpu, insn, &env, r, fp128_fprf(r));
}

#define QUAD_TO_INT(id, format)                                          \
    EXEC(id)                                                             \
    {                                                                    \
        struct fp_env env = fpu_begin(cpu);                              \
        u64 r = fp128_to_int(&env, B, format, FP_TRUNCATE);              \
        quad_finish(cpu, insn, &env, (u128)r << 64, fpu_fprf_kept(cpu)); \
    }

QUAD_TO_INT(xscvqpsdz, FP_S64)
QUAD_TO_INT(xscvqpudz, FP_U64)
QUAD_TO_INT(xscvqpswz, FP_S32)
QUAD_TO_INT(xscvqpuwz, FP_U32)

// R and RMC choose the mode of the round instructions; RMC = 3 with R = 0 is the current one.
static enum fp_round round_field(const struct cpu *cpu, u32 insn)
{
    static const u8 modes[2][4] = {
        {FP_AWAY, FP_AWAY, FP_AWAY, FP_AWAY},
        {FP_NEAREST, FP_TRUNCATE, FP_UP, FP_DOWN},
    };
    unsigned r = INSN_FIELD(15, 15), rmc = INSN_FIELD(21, 22);
    return r == 0 && rmc == 3 ? (enum fp_round)(cpu->fpscr & FPSCR_RN) : (enum fp_round)modes[r][rmc];
}

static void round_integral(struct cpu *cpu, u32 insn, u32 keep)
{
    struct fp_env env = fpu_begin(cpu);
    u128 r = fp128_round_integral(&env, B, round_field(cpu, insn));
    env.flags &= keep;
    quad_finish(cpu, insn, &env, r, fp128_fprf(r));
}

EXEC(xsrqpi)
{
    round_integral(cpu, insn, FPSCR_VXSNAN);
}

EXEC(xsrqpix)
{
    round_integral(cpu, insn, ~0u);
}

EXEC(xsrqpxp)
{
    struct fp_env env = fpu_begin(cpu);
    u128 r = fp128_round_extended(&env, B, round_field(cpu, insn));
    quad_finish(cpu, insn, &env, r, fp128_fprf(r));
}

static void compare(struct cpu *cpu, u32 insn, bool ordered)
{
    u128 a = A, b = B;
    unsigned order = fp128_compare(a, b);
    u32 flags = 0;
    if (order == FP_UNORDERED)
        flags = fpu_compare_flags(cpu, fp128_is_snan(a) || fp128_is_snan(b), true, ordered);
    fpu_compare_finish(cpu, BF, order, flags);
}

EXEC(xscmpuqp)
{
    compare(cpu, insn, false);
}

EXEC(xscmpoqp)
{
    compare(cpu, insn, true);
}

static unsigned exponent(u128 v)
{
    return (unsigned)(v >> 112) & 0x7fff;
}

EXEC(xscmpexpqp)
{
    u128 a = A, b = B;
    unsigned ea = exponent(a), eb = exponent(b);
    unsigned order = fp128_is_nan(a) || fp128_is_nan(b) ? FP_UNORDERED
                     : ea < eb                          ? FP_LESS
                     : ea > eb                          ? FP_GREATER
                                                        : FP_EQUAL;
    fpu_compare_finish(cpu, BF, order, 0);
}

EXEC(xststdcqp)
{
    u128 v = B;
    bool negative = v >> 127;
    fp_class_finish(cpu, insn, negative, fp_data_class(fp128_fprf(v), negative) & DCMX, false);
}

EXEC(xsabsqp)
{
    T = B & ~SIGN;
}

EXEC(xsnabsqp)
{
    T = B | SIGN;
}

EXEC(xsnegqp)
{
    T = B ^ SIGN;
}

EXEC(xscpsgnqp)
{
    T = (A & SIGN) | (B & ~SIGN);
}

EXEC(xsxexpqp)
{
    T = (u128)exponent(B) << 64;
}

EXEC(xsxsigqp)
{
    u128 v = B, frac = v & (((u128)1 << 112) - 1);
    unsigned exp = exponent(v);
    T = exp && exp != 0x7fff ? frac | (u128)1 << 112 : frac;
}

EXEC(xsiexpqp)
{
    T = (A & ~((u128)0x7fff << 112)) | (u128)(VSR_D(VR(RB), 0) & 0x7fff) << 112;
}
