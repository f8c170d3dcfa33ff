// SPDX-License-Identifier: Apache-2.0
// The arithmetic under fp.h: unpacked numbers, exact operations on them, and the one rounding that every result passes.
//
// 1. A finite number is sig / 2^127 * 2^exp with bit 127 of sig set: always normalised, whatever the format it came from. Denormals
//    exist only while packed.
// 2. Operands have at most 113 significant bits, so the low 15 bits of their sig are zero.
// 3. Operations deliver at least prec + 2 exact bits with everything below ORed into the last one (the "jam"); fp_num_round() turns
//    that into prec bits and the flags, knowing the exact value by (3).
// 4. In a NaN, bit 126 of sig is the quiet bit and the payload follows, so that it keeps its place between formats.
#ifndef CPU_FP_FP_NUM_H
#define CPU_FP_FP_NUM_H

#include "base/bits.h"
#include "cpu/fp/fp.h"

enum fp_class { FP_CLASS_ZERO, FP_CLASS_FINITE, FP_CLASS_INF, FP_CLASS_QNAN, FP_CLASS_SNAN };

struct fp_num {
    u128 sig;
    s32 exp;
    u8 sign;
    u8 class;
};

struct fp_format {
    int prec;   // significant bits, the implicit one included
    int emax;   // largest exponent; the smallest normal one is 1 - emax
    int adjust; // of the exponent when an enabled overflow or underflow happens
    int bits;   // of the whole encoding
};

static const struct fp_format fp_half = {11, 15, 24, 16};
static const struct fp_format fp_single = {24, 127, 192, 32};
static const struct fp_format fp_double = {53, 1023, 1536, 64};
static const struct fp_format fp_extended = {64, 16383, 24576, 128}; // xsrqpxp's precision, in a quad
static const struct fp_format fp_quad = {113, 16383, 24576, 128};

#define FP_TOP   ((u128)1 << 127)
#define FP_QUIET ((u128)1 << 126)

static inline unsigned clz128(u128 v)
{
    u64 high = (u64)(v >> 64);
    return high ? clz64(high) : 64 + clz64((u64)v);
}

// Shift right; what falls out is ORed into the last bit.
static inline u128 shr_jam128(u128 v, unsigned n)
{
    if (n == 0)
        return v;
    if (n > 127)
        return v != 0;
    return v >> n | ((v << (128 - n)) != 0);
}

static inline bool fp_num_is_nan(struct fp_num n)
{
    return n.class >= FP_CLASS_QNAN;
}

static inline struct fp_num fp_num_unpack(u128 bits, const struct fp_format *f)
{
    int frac_bits = f->prec - 1;
    u128 frac = bits & (((u128)1 << frac_bits) - 1);
    s32 biased = (s32)(bits >> frac_bits) & (2 * f->emax + 1);
    struct fp_num n = {.sign = (u8)(bits >> (f->bits - 1) & 1)};
    n.sig = frac << (127 - frac_bits);
    if (biased == 2 * f->emax + 1) {
        n.class = !frac ? FP_CLASS_INF : n.sig & FP_QUIET ? FP_CLASS_QNAN : FP_CLASS_SNAN;
    } else if (biased) {
        n.class = FP_CLASS_FINITE;
        n.sig |= FP_TOP;
        n.exp = biased - f->emax;
    } else if (frac) {
        unsigned shift = clz128(n.sig);
        n.class = FP_CLASS_FINITE;
        n.sig <<= shift;
        n.exp = 1 - f->emax - (s32)shift;
    }
    return n;
}

// Of a number that fits the format exactly (NaN payloads are cut).
static inline u128 fp_num_pack(struct fp_num n, const struct fp_format *f)
{
    int frac_bits = f->prec - 1;
    u128 sign = (u128)n.sign << (f->bits - 1);
    u128 special = (u128)(2 * f->emax + 1) << frac_bits;
    u128 frac_mask = ((u128)1 << frac_bits) - 1;
    if (n.class == FP_CLASS_ZERO)
        return sign;
    if (n.class == FP_CLASS_INF || (n.class == FP_CLASS_FINITE && n.exp > f->emax))
        return sign | special;
    if (fp_num_is_nan(n))
        return sign | special | (n.sig >> (127 - frac_bits) & frac_mask);
    if (n.exp >= 1 - f->emax)
        return sign | (u128)(n.exp + f->emax) << frac_bits | (n.sig >> (127 - frac_bits) & frac_mask);
    int shift = 127 - frac_bits + (1 - f->emax - n.exp);
    return sign | (shift > 127 ? 0 : n.sig >> shift);
}

static inline struct fp_num fp_num_zero(unsigned sign)
{
    return (struct fp_num){.class = FP_CLASS_ZERO, .sign = (u8)sign};
}

static inline struct fp_num fp_num_inf(unsigned sign)
{
    return (struct fp_num){.class = FP_CLASS_INF, .sign = (u8)sign};
}

// The generated NaN, with the reason.
static inline struct fp_num fp_num_invalid(struct fp_env *env, u32 flag)
{
    env->flags |= flag;
    return (struct fp_num){.class = FP_CLASS_QNAN, .sig = FP_QUIET};
}

// The NaN of a unary operation.
static inline struct fp_num fp_num_quiet(struct fp_env *env, struct fp_num n)
{
    if (n.class == FP_CLASS_SNAN)
        env->flags |= FPSCR_VXSNAN;
    n.class = FP_CLASS_QNAN;
    n.sig |= FP_QUIET;
    return n;
}

// At least one is a NaN: the first one wins, a signaling one anywhere is noted.
static inline struct fp_num fp_num_pick_nan(struct fp_env *env, struct fp_num a, struct fp_num b)
{
    if (b.class == FP_CLASS_SNAN)
        env->flags |= FPSCR_VXSNAN;
    if (fp_num_is_nan(a))
        return fp_num_quiet(env, a);
    return fp_num_quiet(env, b);
}

// Whether a truncated value is to be incremented: `rest` is what was cut off, `half` its most significant bit.
static inline bool fp_round_up(enum fp_round round, unsigned sign, bool odd, u128 rest, u128 half)
{
    switch (round) {
    case FP_NEAREST: return rest > half || (rest == half && odd);
    case FP_AWAY: return rest >= half;
    case FP_UP: return rest && !sign;
    case FP_DOWN: return rest && sign;
    case FP_ODD: return rest && !odd;
    default: return false;
    }
}

// ISA I "Overflow Exception": the result when it is not enabled.
static inline struct fp_num fp_num_overflow(struct fp_env *env, struct fp_num n, const struct fp_format *f)
{
    env->flags |= FPSCR_OX | FPSCR_XX | FPSCR_FI;
    bool to_inf = env->round == FP_NEAREST || env->round == FP_AWAY || env->round == (n.sign ? FP_DOWN : FP_UP);
    if (to_inf) {
        env->flags |= FPSCR_FR;
        return fp_num_inf(n.sign);
    }
    env->flags &= ~FPSCR_FR;
    n.exp = f->emax;
    n.sig = ~(u128)0 << (128 - f->prec);
    return n;
}

// Rounds to the precision and range of a format. ISA I "Overflow Exception", "Underflow Exception", "Inexact Exception".
static inline struct fp_num fp_num_round(struct fp_env *env, struct fp_num n, const struct fp_format *f)
{
    if (n.class != FP_CLASS_FINITE) {
        if (n.class >= FP_CLASS_QNAN)
            n.sig = n.sig >> (128 - f->prec) << (128 - f->prec);
        return n;
    }
    int emin = 1 - f->emax, drop = 128 - f->prec;
    bool tiny = n.exp < emin;
    if (unlikely(tiny)) {
        if (env->traps & FPSCR_UE) {
            env->flags |= FPSCR_UX;
            n.exp += f->adjust;
        } else {
            n.sig = shr_jam128(n.sig, (unsigned)(emin - n.exp));
            n.exp = emin;
        }
    }
    u128 lsb = (u128)1 << drop, rest = n.sig & (lsb - 1);
    n.sig -= rest;
    if (rest) {
        env->flags |= FPSCR_XX | FPSCR_FI;
        if (tiny)
            env->flags |= FPSCR_UX;
        if (fp_round_up(env->round, n.sign, n.sig & lsb, rest, lsb >> 1)) {
            env->flags |= FPSCR_FR;
            n.sig += lsb;
            if (!n.sig) {
                n.sig = FP_TOP;
                n.exp++;
            }
        }
    }
    if (unlikely(n.exp > f->emax)) {
        if (!(env->traps & FPSCR_OE))
            return fp_num_overflow(env, n, f);
        env->flags |= FPSCR_OX;
        n.exp -= f->adjust;
    }
    if (unlikely(!(n.sig & FP_TOP))) { // a denormal, back to (1)
        if (!n.sig)
            return fp_num_zero(n.sign);
        unsigned shift = clz128(n.sig);
        n.sig <<= shift;
        n.exp -= (s32)shift;
    }
    return n;
}

// A significand of 256 bits: sums of products are exact in it.
struct fp_wide {
    u128 high, low;
};

static inline struct fp_wide fp_wide_mul(u128 a, u128 b)
{
    u64 ah = (u64)(a >> 64), al = (u64)a, bh = (u64)(b >> 64), bl = (u64)b;
    struct fp_wide r = {(u128)ah * bh, 0};
    if (likely(!(al | bl))) // all formats up to double
        return r;
    u128 mid = (u128)ah * bl, cross = (u128)al * bh;
    r.low = (u128)al * bl;
    u128 sum = (r.low >> 64) + (u64)mid + (u64)cross;
    r.low = sum << 64 | (u64)r.low;
    r.high += (mid >> 64) + (cross >> 64) + (sum >> 64);
    return r;
}

static inline struct fp_wide fp_wide_shr_jam(struct fp_wide v, unsigned n)
{
    if (n == 0)
        return v;
    if (n >= 128)
        return (struct fp_wide){0, n >= 256 ? (v.high | v.low) != 0 : shr_jam128(v.high, n - 128) | (v.low != 0)};
    return (struct fp_wide){v.high >> n, shr_jam128(v.low, n) | v.high << (128 - n)};
}

static inline struct fp_wide fp_wide_shl(struct fp_wide v, unsigned n)
{
    if (n == 0)
        return v;
    if (n >= 128)
        return (struct fp_wide){v.low << (n - 128), 0};
    return (struct fp_wide){v.high << n | v.low >> (128 - n), v.low << n};
}

static inline bool fp_wide_less(struct fp_wide a, struct fp_wide b)
{
    return a.high < b.high || (a.high == b.high && a.low < b.low);
}

// The sum of two finite numbers whose significands are a and b, normalised to bit 255.
static inline struct fp_num fp_wide_add(struct fp_env *env, struct fp_wide a, s32 a_exp, unsigned a_sign,
                                        struct fp_wide b, s32 b_exp, unsigned b_sign)
{
    if (a_exp < b_exp || (a_exp == b_exp && fp_wide_less(a, b))) {
        struct fp_wide w = a;
        a = b;
        b = w;
        s32 exp = a_exp;
        a_exp = b_exp;
        b_exp = exp;
        unsigned sign = a_sign;
        a_sign = b_sign;
        b_sign = sign;
    }
    b = fp_wide_shr_jam(b, (unsigned)(a_exp - b_exp));
    struct fp_num r = {.class = FP_CLASS_FINITE, .sign = (u8)a_sign, .exp = a_exp};
    if (a_sign == b_sign) {
        struct fp_wide s = {a.high + b.high, a.low + b.low};
        bool low_carry = s.low < a.low, carry = s.high < a.high;
        if (low_carry)
            carry |= !++s.high;
        if (carry) {
            s = fp_wide_shr_jam(s, 1);
            s.high |= FP_TOP;
            r.exp++;
        }
        r.sig = s.high | (s.low != 0);
        return r;
    }
    struct fp_wide s = {a.high - b.high - (a.low < b.low), a.low - b.low};
    if (!(s.high | s.low))
        return fp_num_zero(env->round == FP_DOWN);
    unsigned shift = s.high ? clz128(s.high) : 128 + clz128(s.low);
    s = fp_wide_shl(s, shift);
    r.exp -= (s32)shift;
    r.sig = s.high | (s.low != 0);
    return r;
}

static inline struct fp_num fp_num_add(struct fp_env *env, struct fp_num a, struct fp_num b)
{
    if (unlikely(fp_num_is_nan(a) || fp_num_is_nan(b)))
        return fp_num_pick_nan(env, a, b);
    if (unlikely(a.class == FP_CLASS_INF || b.class == FP_CLASS_INF)) {
        if (a.class == b.class && a.sign != b.sign)
            return fp_num_invalid(env, FPSCR_VXISI);
        return a.class == FP_CLASS_INF ? a : b;
    }
    if (a.class == FP_CLASS_ZERO) {
        if (b.class == FP_CLASS_ZERO)
            return fp_num_zero(a.sign == b.sign ? a.sign : env->round == FP_DOWN);
        return b;
    }
    if (b.class == FP_CLASS_ZERO)
        return a;
    return fp_wide_add(env, (struct fp_wide){a.sig, 0}, a.exp, a.sign, (struct fp_wide){b.sig, 0}, b.exp, b.sign);
}

static inline struct fp_num fp_num_mul(struct fp_env *env, struct fp_num a, struct fp_num b)
{
    if (unlikely(fp_num_is_nan(a) || fp_num_is_nan(b)))
        return fp_num_pick_nan(env, a, b);
    unsigned sign = a.sign ^ b.sign;
    if (unlikely(a.class == FP_CLASS_INF || b.class == FP_CLASS_INF)) {
        if (a.class == FP_CLASS_ZERO || b.class == FP_CLASS_ZERO)
            return fp_num_invalid(env, FPSCR_VXIMZ);
        return fp_num_inf(sign);
    }
    if (a.class == FP_CLASS_ZERO || b.class == FP_CLASS_ZERO)
        return fp_num_zero(sign);
    struct fp_wide p = fp_wide_mul(a.sig, b.sig);
    s32 exp = a.exp + b.exp + 1;
    if (!(p.high & FP_TOP)) {
        p = fp_wide_shl(p, 1);
        exp--;
    }
    return (struct fp_num){.class = FP_CLASS_FINITE, .sign = (u8)sign, .exp = exp, .sig = p.high | (p.low != 0)};
}

// a * c + b. An invalid product (infinity times zero) is noted even when b is a NaN, which is then the result.
static inline struct fp_num fp_num_muladd(struct fp_env *env, struct fp_num a, struct fp_num c, struct fp_num b)
{
    if (unlikely(fp_num_is_nan(a) || fp_num_is_nan(b) || fp_num_is_nan(c))) {
        bool invalid = (a.class == FP_CLASS_INF && c.class == FP_CLASS_ZERO) ||
                       (a.class == FP_CLASS_ZERO && c.class == FP_CLASS_INF);
        if (invalid)
            env->flags |= FPSCR_VXIMZ;
        if (c.class == FP_CLASS_SNAN)
            env->flags |= FPSCR_VXSNAN;
        return fp_num_is_nan(a) || fp_num_is_nan(b) ? fp_num_pick_nan(env, a, b) : fp_num_quiet(env, c);
    }
    bool finite = a.class == FP_CLASS_FINITE && b.class == FP_CLASS_FINITE && c.class == FP_CLASS_FINITE;
    if (unlikely(!finite)) {
        struct fp_num p = fp_num_mul(env, a, c);
        if (fp_num_is_nan(p))
            return p;
        return fp_num_add(env, p, b); // exact: one of them is zero or infinite, or the product is final
    }
    struct fp_wide p = fp_wide_mul(a.sig, c.sig);
    s32 exp = a.exp + c.exp + 1;
    if (!(p.high & FP_TOP)) {
        p = fp_wide_shl(p, 1);
        exp--;
    }
    return fp_wide_add(env, p, exp, a.sign ^ c.sign, (struct fp_wide){b.sig, 0}, b.exp, b.sign);
}

static inline struct fp_num fp_num_div(struct fp_env *env, struct fp_num a, struct fp_num b, const struct fp_format *f)
{
    if (unlikely(fp_num_is_nan(a) || fp_num_is_nan(b)))
        return fp_num_pick_nan(env, a, b);
    unsigned sign = a.sign ^ b.sign;
    if (a.class == b.class && a.class != FP_CLASS_FINITE)
        return fp_num_invalid(env, a.class == FP_CLASS_INF ? FPSCR_VXIDI : FPSCR_VXZDZ);
    if (a.class == FP_CLASS_INF)
        return fp_num_inf(sign);
    if (b.class == FP_CLASS_ZERO) {
        env->flags |= FPSCR_ZX;
        return fp_num_inf(sign);
    }
    if (a.class == FP_CLASS_ZERO || b.class == FP_CLASS_INF)
        return fp_num_zero(sign);
    struct fp_num r = {.class = FP_CLASS_FINITE, .sign = (u8)sign, .exp = a.exp - b.exp};
    u128 n = a.sig >> 1, d = b.sig >> 1; // exact by (2), and doubling a remainder stays in range
    if (n < d) {
        n <<= 1;
        r.exp--;
    }
    if (f->prec < 62 && !((u64)a.sig | (u64)b.sig)) { // a quotient of 64 bits is enough: one host division
        u64 divisor = (u64)(b.sig >> 64);
        r.sig = n / divisor << 64 | (n % divisor != 0);
        return r;
    }
    u128 q = 0;
    for (unsigned i = 0; i < 128; i++) {
        q <<= 1;
        if (n >= d) {
            n -= d;
            q |= 1;
        }
        n <<= 1;
    }
    r.sig = q | (n != 0);
    return r;
}

// Digit by digit, prec + 3 of them: each step brings down two bits of the radicand.
static inline struct fp_num fp_num_sqrt(struct fp_env *env, struct fp_num a, const struct fp_format *f)
{
    if (unlikely(fp_num_is_nan(a)))
        return fp_num_quiet(env, a);
    if (a.class == FP_CLASS_ZERO)
        return a;
    if (a.sign)
        return fp_num_invalid(env, FPSCR_VXSQRT);
    if (a.class == FP_CLASS_INF)
        return a;
    struct fp_num r = {.class = FP_CLASS_FINITE, .exp = a.exp >> 1};
    u128 radicand = a.exp & 1 ? a.sig : a.sig >> 1, root = 0, rest = 0;
    int digits = f->prec + 3;
    for (int i = 0; i < digits; i++) {
        rest = rest << 2 | radicand >> 126;
        radicand <<= 2;
        u128 trial = root << 2 | 1;
        root <<= 1;
        if (rest >= trial) {
            rest -= trial;
            root |= 1;
        }
    }
    r.sig = root << (128 - digits) | ((rest | radicand) != 0);
    return r;
}

static inline enum fp_order fp_num_compare(struct fp_num a, struct fp_num b)
{
    if (fp_num_is_nan(a) || fp_num_is_nan(b))
        return FP_UNORDERED;
    if (a.class == FP_CLASS_ZERO && b.class == FP_CLASS_ZERO)
        return FP_EQUAL;
    if (a.class == FP_CLASS_ZERO)
        return b.sign ? FP_GREATER : FP_LESS;
    if (b.class == FP_CLASS_ZERO || a.sign != b.sign)
        return a.sign ? FP_LESS : FP_GREATER;
    enum fp_order above = a.sign ? FP_LESS : FP_GREATER, below = a.sign ? FP_GREATER : FP_LESS;
    if (a.class != b.class)
        return a.class == FP_CLASS_INF ? above : below;
    if (a.class == FP_CLASS_INF)
        return FP_EQUAL;
    if (a.exp != b.exp)
        return a.exp > b.exp ? above : below;
    return a.sig > b.sig ? above : a.sig < b.sig ? below : FP_EQUAL;
}

// The magnitude of a finite number below 2^127, rounded to an integer.
static inline u128 fp_num_integer(struct fp_env *env, struct fp_num n, enum fp_round round)
{
    // One fraction bit more than needed for "half", the rest jammed below it.
    u128 v, rest, half;
    if (n.exp < -1) {
        v = 0;
        rest = 1;
        half = 2;
    } else {
        unsigned drop = (unsigned)(127 - n.exp);
        v = drop > 127 ? 0 : n.sig >> drop;
        rest = drop > 127 ? n.sig : drop ? n.sig << (128 - drop) : 0;
        half = FP_TOP;
    }
    if (rest) {
        env->flags |= FPSCR_XX | FPSCR_FI;
        if (fp_round_up(round, n.sign, v & 1, rest, half)) {
            env->flags |= FPSCR_FR;
            v++;
        }
    }
    return v;
}

static inline struct fp_num fp_num_from_u128(u128 v, unsigned sign)
{
    if (!v)
        return fp_num_zero(sign);
    unsigned shift = clz128(v);
    return (struct fp_num){.class = FP_CLASS_FINITE, .sign = (u8)sign, .exp = 127 - (s32)shift, .sig = v << shift};
}

static inline struct fp_num fp_num_round_integral(struct fp_env *env, struct fp_num n, enum fp_round round)
{
    if (fp_num_is_nan(n))
        return fp_num_quiet(env, n);
    if (n.class != FP_CLASS_FINITE || n.exp >= 112) // (2): no fraction from there on
        return n;
    return fp_num_from_u128(fp_num_integer(env, n, round), n.sign);
}

static inline u64 fp_num_to_int(struct fp_env *env, struct fp_num n, enum fp_int format, enum fp_round round)
{
    static const struct {
        u64 max, magnitude_of_min, nan;
    } limits[] = {
        [FP_S32] = {0x7fffffff, 0x80000000, 0xffffffff80000000},
        [FP_U32] = {0xffffffff, 0, 0},
        [FP_S64] = {0x7fffffffffffffff, 0x8000000000000000, 0x8000000000000000},
        [FP_U64] = {0xffffffffffffffff, 0, 0},
    };
    if (fp_num_is_nan(n)) {
        env->flags |= FPSCR_VXCVI | (n.class == FP_CLASS_SNAN ? FPSCR_VXSNAN : 0);
        return limits[format].nan;
    }
    if (n.class == FP_CLASS_ZERO)
        return 0;
    u64 limit = n.sign ? limits[format].magnitude_of_min : limits[format].max;
    struct fp_env local = {0};
    u128 v = (u128)limit + 1;
    if (n.class == FP_CLASS_FINITE && n.exp < 100)
        v = fp_num_integer(&local, n, round);
    if (v > limit) {
        env->flags |= FPSCR_VXCVI;
        v = limit;
    } else {
        env->flags |= local.flags;
    }
    return n.sign ? -(u64)v : (u64)v;
}

static inline u32 fp_num_fprf(struct fp_num n, bool denormal)
{
    // ISA I "Floating-Point Result Flags": C, then FL FG FE FU.
    switch (n.class) {
    case FP_CLASS_ZERO: return n.sign ? FPSCR_C | FPSCR_FE : FPSCR_FE;
    case FP_CLASS_INF: return FPSCR_FU | (n.sign ? FPSCR_FL : FPSCR_FG);
    case FP_CLASS_FINITE: return (denormal ? FPSCR_C : 0) | (n.sign ? FPSCR_FL : FPSCR_FG);
    default: return FPSCR_C | FPSCR_FU;
    }
}

#endif
