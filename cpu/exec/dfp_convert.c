// SPDX-License-Identifier: Apache-2.0
// Decimal conversions between formats, to and from integers and BCD, and the fields of the format.
// ISA I "DFP Conversion Instructions", "DFP Format Instructions".
#include "cpu/exec/dfp_int.h"

// ISA I "DFP Data-Format Conversion Instructions": Short is a format for storage only, conversions from and to it propagate what is
// no number as it is, with its digits. Between Long and Extended, infinities become canonical and signaling NaNs quiet.
static struct dec convert_special(struct fp_env *env, struct dec v)
{
    if (v.class == DEC_INF)
        v.coef = 0;
    return dec_is_nan(v) ? dec_quiet(env, v) : v;
}

EXEC(dctdp)
{
    struct fp_env env = dfp_begin(cpu);
    dfp_finish(cpu, insn, &env, &dec64, dec_unpack(&dec32, (u32)FPR(RB)));
}

EXEC(dctqpq)
{
    struct fp_env env = dfp_begin(cpu);
    struct dec b = dec_unpack(&dec64, FPR(RB));
    dfp_finish(cpu, insn, &env, &dec128, convert_special(&env, b));
}

// In the right half of the register.
EXEC(drsp)
{
    struct fp_env env = dfp_begin(cpu);
    struct dec r = dec_unpack(&dec64, FPR(RB));
    if (r.class == DEC_FINITE)
        r = dec_round_to(&dec32, &env, r);
    if (likely(fpu_commit(cpu, &env, dec_fprf(&dec32, r))))
        fpr_set(cpu, RT, (u64)dec_pack(&dec32, r));
    if (RC_BIT)
        set_cr1(cpu);
    fpu_trap(cpu, &env);
}

// In the first register of the pair; the second becomes zero.
EXEC(drdpq)
{
    struct fp_env env = dfp_begin(cpu);
    struct dec r = dec_unpack(&dec128, dfp_bits(cpu, &dec128, RB));
    if (r.class == DEC_FINITE)
        r = dec_round_to(&dec64, &env, r);
    else
        r = convert_special(&env, r);
    if (likely(fpu_commit(cpu, &env, dec_fprf(&dec64, r))))
        dfp_set_bits(cpu, &dec128, RT, dec_pack(&dec64, r) << 64);
    if (RC_BIT)
        set_cr1(cpu);
    fpu_trap(cpu, &env);
}

static void from_integer(struct cpu *cpu, u32 insn, const struct dec_format *f)
{
    struct fp_env env = dfp_begin(cpu);
    s64 v = (s64)FPR(RB);
    struct dec r = {.sign = v < 0, .coef = v < 0 ? -(u64)v : (u64)v};
    dfp_finish(cpu, insn, &env, f, dec_round_to(f, &env, r));
}

EXEC(dcffix)
{
    from_integer(cpu, insn, &dec64);
}

EXEC(dcffixq)
{
    from_integer(cpu, insn, &dec128);
}

static void to_fixed(struct cpu *cpu, u32 insn, const struct dec_format *f)
{
    struct fp_env env = dfp_begin(cpu);
    s64 v = dec_to_s64(&env, dfp_get(cpu, f, RB));
    if (likely(fpu_commit(cpu, &env, fpu_fprf_kept(cpu)))) // FPRF is undefined
        fpr_set(cpu, RT, (u64)v);
    if (RC_BIT)
        set_cr1(cpu);
    fpu_trap(cpu, &env);
}

EXEC(dctfix)
{
    to_fixed(cpu, insn, &dec64);
}

EXEC(dctfixq)
{
    to_fixed(cpu, insn, &dec128);
}

// The rightmost digits as BCD, without exceptions: all of the register or pair, or all but a sign digit.
static void to_bcd(struct cpu *cpu, u32 insn, const struct dec_format *f)
{
    struct dec b = dfp_get(cpu, f, RB);
    unsigned sp = INSN_FIELD(11, 12), digits = f->bits / 4, first = 0;
    u128 bits = 0;
    if (sp & 2) {
        bits = b.sign ? 0xd : sp & 1 ? 0xf : 0xc;
        first = 1;
    }
    for (unsigned i = first; i < digits; i++, b.coef /= 10)
        bits |= (u128)(u64)(b.coef % 10) << (4 * i);
    dfp_set_bits(cpu, f, RT, bits);
    if (RC_BIT)
        set_cr1(cpu);
}

EXEC(ddedpd)
{
    to_bcd(cpu, insn, &dec64);
}

EXEC(ddedpdq)
{
    to_bcd(cpu, insn, &dec128);
}

static void from_bcd(struct cpu *cpu, u32 insn, const struct dec_format *f)
{
    struct fp_env env = dfp_begin(cpu);
    u128 bits = dfp_bits(cpu, f, RB);
    struct dec r = {0};
    bool valid = true;
    unsigned first = 0;
    if (INSN_FIELD(11, 11)) {
        unsigned sign = (unsigned)bits & 15;
        valid = sign >= 10;
        r.sign = sign == 11 || sign == 13;
        first = 1;
    }
    for (int i = (int)f->bits / 4 - 1; i >= (int)first; i--) {
        unsigned digit = (unsigned)(bits >> (4 * i)) & 15;
        valid &= digit < 10;
        r.coef = r.coef * 10 + digit;
    }
    dfp_finish(cpu, insn, &env, f, valid ? r : dec_invalid(&env, FPSCR_VXCVI));
}

EXEC(denbcd)
{
    from_bcd(cpu, insn, &dec64);
}

EXEC(denbcdq)
{
    from_bcd(cpu, insn, &dec128);
}

// Biased exponents as integers; negative ones stand for what is no number.
enum { EXP_INF = -1, EXP_QNAN = -2, EXP_SNAN = -3 };

static void extract_exponent(struct cpu *cpu, u32 insn, const struct dec_format *f)
{
    struct dec b = dfp_get(cpu, f, RB);
    static const s64 special[] = {[DEC_INF] = EXP_INF, [DEC_QNAN] = EXP_QNAN, [DEC_SNAN] = EXP_SNAN};
    fpr_set(cpu, RT, (u64)(b.class ? special[b.class] : b.exp + f->bias));
    if (RC_BIT)
        set_cr1(cpu);
}

EXEC(dxex)
{
    extract_exponent(cpu, insn, &dec64);
}

EXEC(dxexq)
{
    extract_exponent(cpu, insn, &dec128);
}

static void insert_exponent(struct cpu *cpu, u32 insn, const struct dec_format *f)
{
    s64 exp = (s64)FPR(RA);
    struct dec r = dfp_get(cpu, f, RB);
    if (exp >= 0 && exp <= f->exp_max + f->bias) {
        r.class = DEC_FINITE;
        r.exp = (s32)exp - f->bias;
    } else {
        r.class = exp == EXP_INF ? DEC_INF : exp == EXP_SNAN ? DEC_SNAN : DEC_QNAN;
    }
    dfp_set_bits(cpu, f, RT, dec_pack(f, r));
    if (RC_BIT)
        set_cr1(cpu);
}

EXEC(diex)
{
    insert_exponent(cpu, insn, &dec64);
}

EXEC(diexq)
{
    insert_exponent(cpu, insn, &dec128);
}

// Digits move within the coefficient; what is no number has one digit fewer.
static void shift(struct cpu *cpu, u32 insn, const struct dec_format *f, bool left)
{
    struct dec r = dfp_get(cpu, f, RA);
    unsigned n = INSN_FIELD(16, 21), digits = f->digits - (r.class != DEC_FINITE);
    if (n >= digits)
        r.coef = 0;
    else if (left)
        r.coef = r.coef % dec_pow10(digits - n) * dec_pow10(n);
    else
        r.coef /= dec_pow10(n);
    dfp_set_bits(cpu, f, RT, dec_pack(f, r));
    if (RC_BIT)
        set_cr1(cpu);
}

EXEC(dscli)
{
    shift(cpu, insn, &dec64, true);
}

EXEC(dscliq)
{
    shift(cpu, insn, &dec128, true);
}

EXEC(dscri)
{
    shift(cpu, insn, &dec64, false);
}

EXEC(dscriq)
{
    shift(cpu, insn, &dec128, false);
}
