// SPDX-License-Identifier: Apache-2.0
// Decimal arithmetic.
//
//  1. A finite coefficient is below 10^34 < 2^113. Sums of aligned operands and products need more: struct big, up to 115 digits.
//  2. An operand of a sum that lies more than 72 digits below the other is replaced by one unit 72 digits below: it can no longer
//     reach the digits that decide rounding.
//  3. dec_finish() is the one place that rounds arithmetic results; everything before it is exact. A sticky bit may stand for what
//     is below the last digit only if there is at least one digit more than the format holds.
#include "cpu/fp/dec.h"

#include <string.h>

const struct dec_format dec32 = {.digits = 7, .bits = 32, .exp_bits = 6, .bias = 101, .exp_max = 90, .wrap = 192};
const struct dec_format dec64 = {.digits = 16, .bits = 64, .exp_bits = 8, .bias = 398, .exp_max = 369, .wrap = 576};
const struct dec_format dec128 = {
    .digits = 34, .bits = 128, .exp_bits = 12, .bias = 6176, .exp_max = 6111, .wrap = 9216};

// --- Numbers

#define E19 10000000000000000000ull
#define E18 1000000000000000000ull

static const u64 pow10_64[20] = {
    1ull,
    10ull,
    100ull,
    1000ull,
    10000ull,
    100000ull,
    1000000ull,
    10000000ull,
    100000000ull,
    1000000000ull,
    10000000000ull,
    100000000000ull,
    1000000000000ull,
    10000000000000ull,
    100000000000000ull,
    1000000000000000ull,
    10000000000000000ull,
    100000000000000000ull,
    1000000000000000000ull,
    10000000000000000000ull,
};

u128 dec_pow10(unsigned n)
{
    return n < 20 ? pow10_64[n] : (u128)pow10_64[n - 19] * E19;
}

unsigned dec_digits(u128 coef)
{
    if (!coef)
        return 0;
    unsigned bits =
        coef >> 64 ? 128 - (unsigned)__builtin_clzll((u64)(coef >> 64)) : 64 - (unsigned)__builtin_clzll((u64)coef);
    unsigned guess = bits * 1233 >> 12; // floor of bits * log10(2)
    return guess + (coef >= dec_pow10(guess));
}

#define BIG_WORDS 6

struct big {
    u64 w[BIG_WORDS]; // least significant first
};

static struct big big_of(u128 v)
{
    return (struct big){{(u64)v, (u64)(v >> 64)}};
}

static bool big_small(const struct big *a)
{
    return !(a->w[2] | a->w[3] | a->w[4] | a->w[5]);
}

static u128 big_low(const struct big *a)
{
    return (u128)a->w[1] << 64 | a->w[0];
}

static void big_scale(struct big *a, u64 by)
{
    u128 carry = 0;
    for (unsigned i = 0; i < BIG_WORDS; i++) {
        carry += (u128)a->w[i] * by;
        a->w[i] = (u64)carry;
        carry >>= 64;
    }
}

static void big_scale10(struct big *a, unsigned n)
{
    for (; n > 19; n -= 19)
        big_scale(a, E19);
    big_scale(a, pow10_64[n]);
}

static u64 big_divide(struct big *a, u64 by)
{
    u64 rest = 0;
    for (int i = BIG_WORDS - 1; i >= 0; i--) {
        u128 n = (u128)rest << 64 | a->w[i];
        if (!n)
            continue;
        a->w[i] = (u64)(n / by);
        rest = (u64)(n % by);
    }
    return rest;
}

static struct big big_product(u128 a, u128 b)
{
    u64 a0 = (u64)a, a1 = (u64)(a >> 64), b0 = (u64)b, b1 = (u64)(b >> 64);
    u128 low = (u128)a0 * b0, mid1 = (u128)a0 * b1, mid2 = (u128)a1 * b0, high = (u128)a1 * b1;
    u128 mid = (low >> 64) + (u64)mid1 + (u64)mid2;
    high += (mid1 >> 64) + (mid2 >> 64) + (mid >> 64);
    return (struct big){{(u64)low, (u64)mid, (u64)high, (u64)(high >> 64)}};
}

static int big_compare(const struct big *a, const struct big *b)
{
    for (int i = BIG_WORDS - 1; i >= 0; i--)
        if (a->w[i] != b->w[i])
            return a->w[i] < b->w[i] ? -1 : 1;
    return 0;
}

static void big_add(struct big *a, const struct big *b)
{
    u128 carry = 0;
    for (unsigned i = 0; i < BIG_WORDS; i++) {
        carry += (u128)a->w[i] + b->w[i];
        a->w[i] = (u64)carry;
        carry >>= 64;
    }
}

// a >= b
static void big_subtract(struct big *a, const struct big *b)
{
    u64 borrow = 0;
    for (unsigned i = 0; i < BIG_WORDS; i++) {
        u128 d = (u128)a->w[i] - b->w[i] - borrow;
        a->w[i] = (u64)d;
        borrow = (u64)(d >> 64) & 1;
    }
}

static unsigned big_digits(const struct big *a)
{
    struct big v = *a;
    unsigned n = 0;
    for (; !big_small(&v); n += 19)
        big_divide(&v, E19);
    return n + dec_digits(big_low(&v));
}

// --- Rounding

// What was cut off, compared with half a unit of the last place.
enum rest { REST_NONE, REST_LESS, REST_HALF, REST_MORE };

static enum rest rest_of(u64 digit, bool sticky)
{
    if (digit == 5)
        return sticky ? REST_MORE : REST_HALF;
    if (digit > 5)
        return REST_MORE;
    return digit || sticky ? REST_LESS : REST_NONE;
}

// Drops the last n digits. What is left must fit 38 digits.
static u128 big_drop(struct big *a, unsigned n, bool sticky, enum rest *rest)
{
    if (!n) {
        *rest = sticky ? REST_LESS : REST_NONE;
        return big_low(a);
    }
    if (n > 116) { // (1): everything goes, and is far less than half
        *rest = sticky || !big_small(a) || big_low(a) ? REST_LESS : REST_NONE;
        return 0;
    }
    unsigned k = n - 1;
    for (; k > 19; k -= 19)
        sticky |= big_divide(a, E19) != 0;
    if (k)
        sticky |= big_divide(a, pow10_64[k]) != 0;
    *rest = rest_of(big_divide(a, 10), sticky);
    return big_low(a);
}

static bool round_up(u32 mode, bool sign, unsigned last, enum rest rest)
{
    if (rest == REST_NONE)
        return false;
    switch (mode) {
    case DEC_NEAREST: return rest == REST_MORE || (rest == REST_HALF && (last & 1));
    case DEC_TRUNCATE: return false;
    case DEC_UP: return !sign;
    case DEC_DOWN: return sign;
    case DEC_NEAREST_AWAY: return rest >= REST_HALF;
    case DEC_NEAREST_ZERO: return rest == REST_MORE;
    case DEC_AWAY: return true;
    default: return last == 0 || last == 5;
    }
}

// Rounds q by what was cut off, with XX, FI and FR.
static u128 apply_rounding(struct fp_env *env, bool sign, u128 q, enum rest rest)
{
    if (rest == REST_NONE)
        return q;
    env->flags |= FPSCR_XX | FPSCR_FI;
    if (!round_up(env->round, sign, (unsigned)(q % 10), rest))
        return q;
    env->flags |= FPSCR_FR;
    return q + 1;
}

static struct dec overflow(const struct dec_format *f, struct fp_env *env, bool sign)
{
    static const u8 to_infinity[2][8] = {
        // by sign, then rounding mode
        {[DEC_NEAREST] = 1, [DEC_UP] = 1, [DEC_NEAREST_AWAY] = 1, [DEC_NEAREST_ZERO] = 1, [DEC_AWAY] = 1},
        {[DEC_NEAREST] = 1, [DEC_DOWN] = 1, [DEC_NEAREST_AWAY] = 1, [DEC_NEAREST_ZERO] = 1, [DEC_AWAY] = 1},
    };
    env->flags = (env->flags & ~FPSCR_FR) | FPSCR_OX | FPSCR_XX | FPSCR_FI;
    if (to_infinity[sign][env->round & 7]) {
        env->flags |= FPSCR_FR;
        return (struct dec){.class = DEC_INF, .sign = sign};
    }
    return (struct dec){.sign = sign, .exp = f->exp_max, .coef = dec_pow10(f->digits) - 1};
}

// coef * 10^exp, and something below the last digit if sticky (3), as a number of the format. A zero gets the exponent nearest to exp.
// ISA I "DFP Exceptions": overflow, underflow, inexact.
static struct dec dec_finish(const struct dec_format *f, struct fp_env *env, bool sign, struct big *coef, s32 exp,
                             bool sticky)
{
    unsigned n = big_digits(coef);
    if (!n) {
        exp = MAX(-f->bias, MIN(exp, f->exp_max));
        return (struct dec){.sign = sign, .exp = exp};
    }
    bool tiny = exp + (s32)n - 1 < dec_normal_min(f);
    bool wrap = tiny && env->traps & FPSCR_UE;
    if (wrap) {
        env->flags |= FPSCR_UX;
        exp += f->wrap;
    }
    s32 drop = n > f->digits ? (s32)(n - f->digits) : 0;
    if (exp + drop < -f->bias) // also after wrapping: a number of a wider format
        drop = -f->bias - exp;

    enum rest rest;
    u128 q = big_drop(coef, (unsigned)drop, sticky, &rest);
    q = apply_rounding(env, sign, q, rest);
    exp += drop;
    if (q == dec_pow10(f->digits)) {
        q /= 10;
        exp++;
    }
    if (tiny && !wrap && rest != REST_NONE)
        env->flags |= FPSCR_UX;

    if (q && exp + (s32)dec_digits(q) - 1 > f->exp_max + (s32)f->digits - 1) {
        if (!(env->traps & FPSCR_OE))
            return overflow(f, env, sign);
        env->flags |= FPSCR_OX;
        exp -= f->wrap;
    }
    if (q && exp + (s32)dec_digits(q) > f->exp_max + (s32)f->digits) // a number of a wider format, although wrapped
        return overflow(f, env, sign);
    if (exp > f->exp_max) { // the value fits with more digits
        q *= dec_pow10((unsigned)(exp - f->exp_max));
        exp = f->exp_max;
    }
    return (struct dec){.sign = sign, .exp = exp, .coef = q};
}

// --- DPD coding. ISA I "Decimal Encoding: DPD"

// Declet to its three digits as a number 0..999; codes that no canonical number uses are understood too.
static unsigned declet_decode(unsigned v)
{
    unsigned pqr = v >> 7, stu = v >> 4 & 7, wxy = v & 7;
    unsigned r = pqr & 1, u = stu & 1, y = v & 1, pq = pqr & 6, st = stu & 6;
    if (!(v & 8))
        return pqr * 100 + stu * 10 + wxy;
    switch (wxy >> 1) {
    case 0: return pqr * 100 + stu * 10 + 8 + y;
    case 1: return pqr * 100 + (8 + u) * 10 + (st | y);
    case 2: return (8 + r) * 100 + stu * 10 + (pq | y);
    default: break;
    }
    switch (st >> 1) {
    case 0: return (8 + r) * 100 + (8 + u) * 10 + (pq | y);
    case 1: return (8 + r) * 100 + (pq | u) * 10 + 8 + y;
    case 2: return pqr * 100 + (8 + u) * 10 + 8 + y;
    default: return (8 + r) * 100 + (8 + u) * 10 + 8 + y;
    }
}

static unsigned declet_encode(unsigned v)
{
    unsigned a = v / 100, b = v / 10 % 10, c = v % 10;
    unsigned a0 = a & 1, b0 = b & 1, c0 = c & 1, bh = b & 6, ch = c & 6;
    switch ((a >= 8) << 2 | (b >= 8) << 1 | (c >= 8)) {
    case 0: return a << 7 | b << 4 | c;
    case 1: return a << 7 | b << 4 | 8 | c0;
    case 2: return a << 7 | (ch | b0) << 4 | 10 | c0;
    case 3: return a << 7 | (4 | b0) << 4 | 14 | c0;
    case 4: return (ch | a0) << 7 | b << 4 | 12 | c0;
    case 5: return (bh | a0) << 7 | (2 | b0) << 4 | 14 | c0;
    case 6: return (ch | a0) << 7 | b0 << 4 | 14 | c0;
    default: return a0 << 7 | (6 | b0) << 4 | 14 | c0;
    }
}

// n declets (up to 11) as a number. Six of them fit a doubleword.
static u128 declets_decode(u128 bits, unsigned n)
{
    u64 high = 0, low = 0;
    unsigned i = n;
    for (; i > 6; i--)
        high = high * 1000 + declet_decode((unsigned)(bits >> ((i - 1) * 10)) & 0x3ff);
    for (; i > 0; i--)
        low = low * 1000 + declet_decode((unsigned)((u64)bits >> ((i - 1) * 10)) & 0x3ff);
    return (u128)high * E18 + low;
}

static u128 declets_encode(u128 coef, unsigned n)
{
    u64 low = (u64)(coef % E18), high = (u64)(coef / E18);
    u128 bits = 0;
    for (unsigned i = 0; i < n; i++) {
        u64 *part = i < 6 ? &low : &high;
        bits |= (u128)declet_encode((unsigned)(*part % 1000)) << (i * 10);
        *part /= 1000;
    }
    return bits;
}

struct dec dec_unpack(const struct dec_format *f, u128 bits)
{
    unsigned declets = f->digits / 3;
    unsigned g = (unsigned)(bits >> (f->bits - 6)) & 31; // the combination field
    struct dec v = {.sign = bits >> (f->bits - 1) & 1};
    u128 trailing = declets_decode(bits & (((u128)1 << (declets * 10)) - 1), declets);
    v.coef = trailing;
    if (g >= 30) {
        v.class = g == 30 ? DEC_INF : bits >> (f->bits - 7) & 1 ? DEC_SNAN : DEC_QNAN;
        return v;
    }
    unsigned lead = g < 24 ? g & 7 : 8 | (g & 1);
    unsigned top = g < 24 ? g >> 3 : g >> 1 & 3;
    unsigned rest = (unsigned)(bits >> (declets * 10)) & ((1u << f->exp_bits) - 1);
    v.exp = (s32)(top << f->exp_bits | rest) - f->bias;
    v.coef += lead * dec_pow10(f->digits - 1);
    return v;
}

u128 dec_pack(const struct dec_format *f, struct dec v)
{
    unsigned declets = f->digits / 3;
    u128 unit = dec_pow10(f->digits - 1);
    u128 bits = declets_encode(v.coef % unit, declets) | (u128)v.sign << (f->bits - 1);
    static const u8 codes[] = {[DEC_INF] = 30 << 1, [DEC_QNAN] = 31 << 1, [DEC_SNAN] = 31 << 1 | 1};
    if (v.class != DEC_FINITE)
        return bits | (u128)codes[v.class] << (f->bits - 7);
    unsigned lead = (unsigned)(v.coef / unit), exp = (unsigned)(v.exp + f->bias), top = exp >> f->exp_bits;
    unsigned g = lead < 8 ? top << 3 | lead : 24 | top << 1 | (lead & 1);
    return bits | (u128)g << (f->bits - 6) | (u128)(exp & ((1u << f->exp_bits) - 1)) << (declets * 10);
}

// --- Classes

bool dec_is_subnormal(const struct dec_format *f, struct dec v)
{
    return v.class == DEC_FINITE && v.coef && v.exp + (s32)dec_digits(v.coef) - 1 < dec_normal_min(f);
}

u32 dec_fprf(const struct dec_format *f, struct dec v)
{
    // ISA I "DFP Floating-Point Result Flags"
    switch (v.class) {
    case DEC_INF: return FPSCR_FU | (v.sign ? FPSCR_FL : FPSCR_FG);
    case DEC_QNAN: return FPSCR_C | FPSCR_FU;
    case DEC_SNAN: return FPSCR_FU;
    default: break;
    }
    if (!v.coef)
        return FPSCR_FE | (v.sign ? FPSCR_C : 0);
    return (v.sign ? FPSCR_FL : FPSCR_FG) | (dec_is_subnormal(f, v) ? FPSCR_C : 0);
}

// --- Operations

struct dec dec_invalid(struct fp_env *env, u32 flag)
{
    env->flags |= flag;
    return (struct dec){.class = DEC_QNAN};
}

struct dec dec_quiet(struct fp_env *env, struct dec v)
{
    if (v.class == DEC_SNAN)
        env->flags |= FPSCR_VXSNAN;
    v.class = DEC_QNAN;
    return v;
}

// The order of ISA I "Actions" tables: a signaling NaN first, of two equals the first operand.
static struct dec pick_nan(struct fp_env *env, struct dec a, struct dec b)
{
    if (a.class == DEC_SNAN || b.class == DEC_SNAN)
        return dec_quiet(env, a.class == DEC_SNAN ? a : b);
    return dec_is_nan(a) ? a : b;
}

static struct dec infinity(bool sign)
{
    return (struct dec){.class = DEC_INF, .sign = sign};
}

struct dec dec_add(const struct dec_format *f, struct fp_env *env, struct dec a, struct dec b)
{
    if (unlikely(a.class | b.class)) {
        if (dec_is_nan(a) || dec_is_nan(b))
            return pick_nan(env, a, b);
        if (a.class == b.class && a.sign != b.sign)
            return dec_invalid(env, FPSCR_VXISI);
        return infinity(a.class == DEC_INF ? a.sign : b.sign);
    }
    if (a.exp < b.exp) {
        struct dec t = a;
        a = b;
        b = t;
    }
    s32 apart = a.exp - b.exp;
    if (!a.coef)
        apart = 0;    // a zero is the same with any exponent
    if (apart > 72) { // (2)
        apart = 72;
        b.coef = b.coef != 0;
        b.exp = a.exp - apart;
    }
    struct big x = big_of(a.coef), y = big_of(b.coef);
    big_scale10(&x, (unsigned)apart);
    bool sign = a.sign;
    if (a.sign == b.sign) {
        big_add(&x, &y);
    } else {
        int order = big_compare(&x, &y);
        if (order == 0)
            sign = env->round == DEC_DOWN;
        if (order < 0) {
            big_subtract(&y, &x);
            x = y;
            sign = b.sign;
        } else {
            big_subtract(&x, &y);
        }
    }
    return dec_finish(f, env, sign, &x, b.exp, false);
}

struct dec dec_sub(const struct dec_format *f, struct fp_env *env, struct dec a, struct dec b)
{
    if (!dec_is_nan(b))
        b.sign = !b.sign;
    return dec_add(f, env, a, b);
}

struct dec dec_mul(const struct dec_format *f, struct fp_env *env, struct dec a, struct dec b)
{
    bool sign = a.sign ^ b.sign;
    if (unlikely(a.class | b.class)) {
        if (dec_is_nan(a) || dec_is_nan(b))
            return pick_nan(env, a, b);
        return dec_is_zero(a) || dec_is_zero(b) ? dec_invalid(env, FPSCR_VXIMZ) : infinity(sign);
    }
    struct big p = big_product(a.coef, b.coef);
    return dec_finish(f, env, sign, &p, a.exp + b.exp, false);
}

struct dec dec_div(const struct dec_format *f, struct fp_env *env, struct dec a, struct dec b)
{
    bool sign = a.sign ^ b.sign;
    if (unlikely(a.class | b.class)) {
        if (dec_is_nan(a) || dec_is_nan(b))
            return pick_nan(env, a, b);
        if (a.class == b.class)
            return dec_invalid(env, FPSCR_VXIDI);
        return a.class == DEC_INF ? infinity(sign) : (struct dec){.sign = sign, .exp = -f->bias};
    }
    if (!b.coef) {
        if (!a.coef)
            return dec_invalid(env, FPSCR_VXZDZ);
        env->flags |= FPSCR_ZX;
        return infinity(sign);
    }
    s32 exp = a.exp - b.exp, ideal = exp;
    // Long division in steps of as many digits as the dividend's 128 bits allow: rest < b < 10^digits.
    unsigned step = f->digits <= 16 ? 18 : 4;
    u128 scale = dec_pow10(step), q = a.coef / b.coef, rest = a.coef % b.coef;
    while (rest && dec_digits(q) <= f->digits) {
        rest *= scale;
        q = q * scale + rest / b.coef;
        rest %= b.coef;
        exp -= (s32)step;
    }
    if (!rest)
        for (; exp < ideal && q && q % 10 == 0; exp++)
            q /= 10;
    struct big v = big_of(q);
    return dec_finish(f, env, sign, &v, exp, rest != 0);
}

enum fp_order dec_compare(struct dec a, struct dec b)
{
    if (dec_is_nan(a) || dec_is_nan(b))
        return FP_UNORDERED;
    if (dec_is_zero(a) && dec_is_zero(b))
        return FP_EQUAL;
    if (dec_is_zero(a))
        return b.sign ? FP_GREATER : FP_LESS;
    if (dec_is_zero(b) || a.sign != b.sign)
        return a.sign ? FP_LESS : FP_GREATER;
    enum fp_order above = a.sign ? FP_LESS : FP_GREATER, below = a.sign ? FP_GREATER : FP_LESS;
    if (a.class != b.class)
        return a.class == DEC_INF ? above : below;
    if (a.class == DEC_INF)
        return FP_EQUAL;
    unsigned an = dec_digits(a.coef), bn = dec_digits(b.coef);
    s32 ae = a.exp + (s32)an, be = b.exp + (s32)bn;
    if (ae != be)
        return ae > be ? above : below;
    if (an < bn)
        a.coef *= dec_pow10(bn - an);
    else
        b.coef *= dec_pow10(an - bn);
    return a.coef > b.coef ? above : a.coef < b.coef ? below : FP_EQUAL;
}

struct dec dec_round_to(const struct dec_format *f, struct fp_env *env, struct dec v)
{
    struct big c = big_of(v.coef);
    return dec_finish(f, env, v.sign, &c, v.exp, false);
}

struct dec dec_quantize(const struct dec_format *f, struct fp_env *env, struct dec v, s32 exp)
{
    struct dec r = {.sign = v.sign, .exp = exp};
    if (!v.coef)
        return r;
    if (v.exp >= exp) {
        unsigned more = (unsigned)(v.exp - exp);
        if (dec_digits(v.coef) + more > f->digits)
            return dec_invalid(env, FPSCR_VXCVI);
        r.coef = v.coef * dec_pow10(more);
        return r;
    }
    struct big c = big_of(v.coef);
    enum rest rest;
    r.coef = big_drop(&c, (unsigned)(exp - v.exp), false, &rest);
    r.coef = apply_rounding(env, v.sign, r.coef, rest);
    return r;
}

struct dec dec_reround(const struct dec_format *f, struct fp_env *env, struct dec v, unsigned digits)
{
    unsigned n = dec_digits(v.coef);
    if (!digits || n <= digits)
        return v;
    struct big c = big_of(v.coef);
    enum rest rest;
    struct dec r = {.sign = v.sign, .exp = v.exp + (s32)(n - digits)};
    r.coef = big_drop(&c, n - digits, false, &rest);
    u32 before = env->flags;
    r.coef = apply_rounding(env, v.sign, r.coef, rest);
    if (r.coef == dec_pow10(digits)) {
        r.coef /= 10;
        r.exp++;
    }
    if (r.exp > f->exp_max) {
        env->flags = before;
        return dec_invalid(env, FPSCR_VXCVI);
    }
    return r;
}

s64 dec_to_s64(struct fp_env *env, struct dec v)
{
    u64 limit = v.sign ? 1ull << 63 : ~0ull >> 1;
    if (dec_is_nan(v)) {
        env->flags |= FPSCR_VXCVI | (v.class == DEC_SNAN ? FPSCR_VXSNAN : 0);
        return INT64_MIN;
    }
    struct fp_env local = *env;
    u128 q = (u128)limit + 1;
    if (v.class == DEC_FINITE) {
        unsigned n = dec_digits(v.coef);
        if (v.exp < 0) {
            struct big c = big_of(v.coef);
            enum rest rest;
            q = big_drop(&c, (unsigned)-v.exp, false, &rest);
            q = apply_rounding(&local, v.sign, q, rest);
        } else if (!n || (s32)n + v.exp <= 19) {
            q = n ? v.coef * dec_pow10((unsigned)v.exp) : 0;
        }
    }
    if (q > limit) {
        env->flags |= FPSCR_VXCVI;
        q = limit;
    } else {
        env->flags = local.flags;
    }
    return (s64)(v.sign ? -(u64)q : (u64)q);
}
