// SPDX-License-Identifier: Apache-2.0
// Decimal arithmetic, comparisons and quantum adjustment. ISA I "DFP Arithmetic Instructions", "DFP Compare Instructions",
// "DFP Quantum Adjustment Instructions".
#include "cpu/exec/dfp_int.h"

#define DFP_BINARY(id, f, op)                                                 \
    EXEC(id)                                                                  \
    {                                                                         \
        struct fp_env env = dfp_begin(cpu);                                   \
        struct dec r = op(f, &env, dfp_get(cpu, f, RA), dfp_get(cpu, f, RB)); \
        dfp_finish(cpu, insn, &env, f, r);                                    \
    }

DFP_BINARY(dadd, &dec64, dec_add)
DFP_BINARY(daddq, &dec128, dec_add)
DFP_BINARY(dsub, &dec64, dec_sub)
DFP_BINARY(dsubq, &dec128, dec_sub)
DFP_BINARY(dmul, &dec64, dec_mul)
DFP_BINARY(dmulq, &dec128, dec_mul)
DFP_BINARY(ddiv, &dec64, dec_div)
DFP_BINARY(ddivq, &dec128, dec_div)

static void compare(struct cpu *cpu, u32 insn, const struct dec_format *f, bool ordered)
{
    struct dec a = dfp_get(cpu, f, RA), b = dfp_get(cpu, f, RB);
    bool snan = a.class == DEC_SNAN || b.class == DEC_SNAN, nan = dec_is_nan(a) || dec_is_nan(b);
    fpu_compare_finish(cpu, BF, dec_compare(a, b), fpu_compare_flags(cpu, snan, nan, ordered));
}

EXEC(dcmpu)
{
    compare(cpu, insn, &dec64, false);
}

EXEC(dcmpuq)
{
    compare(cpu, insn, &dec128, false);
}

EXEC(dcmpo)
{
    compare(cpu, insn, &dec64, true);
}

EXEC(dcmpoq)
{
    compare(cpu, insn, &dec128, true);
}

static void quantize_immediate(struct cpu *cpu, u32 insn, const struct dec_format *f)
{
    struct fp_env env = dfp_begin(cpu);
    dfp_choose_rounding(&env, 0, DFP_RMC);
    struct dec b = dfp_get(cpu, f, RB), r;
    if (dec_is_nan(b))
        r = dec_quiet(&env, b);
    else if (b.class == DEC_INF) // not a number with the finite exponent that is asked for
        r = dec_invalid(&env, FPSCR_VXCVI);
    else
        r = dec_quantize(f, &env, b, (s32)sext64(INSN_FIELD(11, 15), 5));
    dfp_finish(cpu, insn, &env, f, r);
}

EXEC(dquai)
{
    quantize_immediate(cpu, insn, &dec64);
}

EXEC(dquaiq)
{
    quantize_immediate(cpu, insn, &dec128);
}

static void quantize(struct cpu *cpu, u32 insn, const struct dec_format *f)
{
    struct fp_env env = dfp_begin(cpu);
    dfp_choose_rounding(&env, 0, DFP_RMC);
    struct dec a = dfp_get(cpu, f, RA), b = dfp_get(cpu, f, RB), r;
    if (a.class == DEC_SNAN)
        r = dec_quiet(&env, a);
    else if (b.class == DEC_SNAN)
        r = dec_quiet(&env, b);
    else if (dec_is_nan(a) || dec_is_nan(b))
        r = dec_is_nan(a) ? a : b;
    else if (a.class != b.class)
        r = dec_invalid(&env, FPSCR_VXCVI);
    else if (b.class == DEC_INF)
        r = (struct dec){.class = DEC_INF, .sign = b.sign};
    else
        r = dec_quantize(f, &env, b, a.exp);
    dfp_finish(cpu, insn, &env, f, r);
}

EXEC(dqua)
{
    quantize(cpu, insn, &dec64);
}

EXEC(dquaq)
{
    quantize(cpu, insn, &dec128);
}

static void reround(struct cpu *cpu, u32 insn, const struct dec_format *f)
{
    struct fp_env env = dfp_begin(cpu);
    dfp_choose_rounding(&env, 0, DFP_RMC);
    struct dec b = dfp_get(cpu, f, RB), r;
    if (dec_is_nan(b))
        r = dec_quiet(&env, b);
    else if (b.class == DEC_INF)
        r = (struct dec){.class = DEC_INF, .sign = b.sign};
    else
        r = dec_reround(f, &env, b, FPR(RA) & 63);
    dfp_finish(cpu, insn, &env, f, r);
}

EXEC(drrnd)
{
    reround(cpu, insn, &dec64);
}

EXEC(drrndq)
{
    reround(cpu, insn, &dec128);
}

static void to_integer(struct cpu *cpu, u32 insn, const struct dec_format *f, bool inexact)
{
    struct fp_env env = dfp_begin(cpu);
    dfp_choose_rounding(&env, INSN_FIELD(15, 15), DFP_RMC);
    struct dec b = dfp_get(cpu, f, RB), r;
    if (dec_is_nan(b))
        r = dec_quiet(&env, b);
    else if (b.class == DEC_INF)
        r = (struct dec){.class = DEC_INF, .sign = b.sign};
    else
        r = b.exp >= 0 ? b : dec_quantize(f, &env, b, 0);
    if (!inexact)
        env.flags &= ~(FPSCR_XX | FPSCR_FI | FPSCR_FR);
    dfp_finish(cpu, insn, &env, f, r);
}

EXEC(drintx)
{
    to_integer(cpu, insn, &dec64, true);
}

EXEC(drintxq)
{
    to_integer(cpu, insn, &dec128, true);
}

EXEC(drintn)
{
    to_integer(cpu, insn, &dec64, false);
}

EXEC(drintnq)
{
    to_integer(cpu, insn, &dec128, false);
}
