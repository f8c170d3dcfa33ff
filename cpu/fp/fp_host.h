// SPDX-License-Identifier: Apache-2.0
// The host's floating-point unit as a short cut for round to nearest. Each function either answers, with exactly the result and flags of
// fp_num.h, or declines and leaves everything as it was. The host's status register is never looked at: what was lost in rounding is
// computed, by error-free transformations where operands and results are far enough from the ends of the range.
#ifndef CPU_FP_FP_HOST_H
#define CPU_FP_FP_HOST_H

#include <string.h>
#ifdef __SSE2__
#include <emmintrin.h>
#endif

#include "base/bits.h"
#include "cpu/fp/fp.h"

static inline double host_double(u64 bits)
{
    double d;
    memcpy(&d, &bits, sizeof(d));
    return d;
}

static inline u64 host_bits(double d)
{
    u64 bits;
    memcpy(&bits, &d, sizeof(bits));
    return bits;
}

static inline unsigned host_exp(u64 bits)
{
    return bits >> 52 & 0x7ff;
}

// A normal number with room to both ends, so that no partial result overflows or is denormal.
static inline bool host_tame(u64 bits)
{
    return host_exp(bits) - 128 < 2047 - 256;
}

static inline void host_inexact(struct fp_env *env, bool incremented)
{
    env->flags |= FPSCR_XX | FPSCR_FI | (incremented ? FPSCR_FR : 0);
}

// What the rounding of s = a + b lost (Knuth's TwoSum; only additions, so that contraction cannot spoil it).
static inline double host_add_error(double a, double b, double s)
{
    double bb = s - a;
    return (a - (s - bb)) + (b - bb);
}

// The host's square root instruction, without the C library's error number.
#ifdef __SSE2__
#define HOST_HAS_SQRT 1
static inline double host_sqrt(double a)
{
    __m128d v = _mm_set_sd(a);
    return _mm_cvtsd_f64(_mm_sqrt_sd(v, v));
}
#else
#define HOST_HAS_SQRT 0
static inline double host_sqrt(double a)
{
    return a;
}
#endif

static inline bool host_is_zero(u64 bits)
{
    return !(bits << 1);
}

static inline bool host_add(struct fp_env *env, double a, double b, u64 *r)
{
    if (unlikely(env->round != FP_NEAREST || !host_tame(host_bits(a)) || !host_tame(host_bits(b))))
        return false;
    double s = a + b; // a zero is exact and positive in round to nearest; cancellation cannot reach the denormals
    double e = host_add_error(a, b, s);
    if (e != 0)
        host_inexact(env, __builtin_signbit(e) != __builtin_signbit(s));
    *r = host_bits(s);
    return true;
}

static inline bool host_fp64_add(struct fp_env *env, u64 a, u64 b, u64 *r)
{
    return host_add(env, host_double(a), host_double(b), r);
}

static inline bool host_fp64_sub(struct fp_env *env, u64 a, u64 b, u64 *r)
{
    return host_add(env, host_double(a), -host_double(b), r);
}

#define HOST_SIG(bits) (((bits)&0xfffffffffffffull) | 1ull << 52)

static inline bool host_fp64_mul(struct fp_env *env, u64 a, u64 b, u64 *r)
{
    u64 p = host_bits(host_double(a) * host_double(b));
    if (unlikely(env->round != FP_NEAREST || !host_tame(a) || !host_tame(b) || !host_tame(p)))
        return false;
    u128 exact = (u128)HOST_SIG(a) * HOST_SIG(b);
    unsigned drop = 52 + (unsigned)(exact >> 105);
    u64 rest = (u64)exact & ((1ull << drop) - 1), half = 1ull << (drop - 1);
    if (rest)
        host_inexact(env, rest > half || (rest == half && (exact >> drop & 1)));
    *r = p;
    return true;
}

static inline bool host_fp64_div(struct fp_env *env, u64 a, u64 b, u64 *r)
{
    if (unlikely(env->round != FP_NEAREST || !host_tame(a) || !host_tame(b)))
        return false;
    u64 q = host_bits(host_double(a) / host_double(b));
    if (unlikely(!host_tame(q)))
        return false;
    // The quotient times the divisor against the dividend, both as integers of the same scale.
    int shift = (int)host_exp(q) + (int)host_exp(b) - (int)host_exp(a) - 1023;
    u128 back = (u128)HOST_SIG(q) * HOST_SIG(b), dividend = (u128)HOST_SIG(a) << (52 - shift);
    if (back != dividend)
        host_inexact(env, back > dividend);
    *r = q;
    return true;
}

static inline bool host_fp64_sqrt(struct fp_env *env, u64 a, u64 *r)
{
    if (unlikely(env->round != FP_NEAREST || !HOST_HAS_SQRT || !host_tame(a) || a >> 63))
        return false;
    u64 s = host_bits(host_sqrt(host_double(a)));
    int shift = 2 * ((int)host_exp(s) - 1023) - ((int)host_exp(a) - 1023);
    u128 back = (u128)HOST_SIG(s) * HOST_SIG(s), operand = (u128)HOST_SIG(a) << (52 - shift);
    if (back != operand)
        host_inexact(env, back > operand);
    *r = s;
    return true;
}

static inline bool host_fp64_muladd(struct fp_env *env, u64 a, u64 c, u64 b, unsigned how, u64 *r)
{
    return false;
}

// Single precision in double format: computed in double, where the rounding to single happens once or, after rounding to odd, as if
// once (53 bits are more than twice 24 plus two).

// Operands that hold a normal single number; for them products are exact in double.
static inline bool host_is_single(u64 bits)
{
    return host_exp(bits) - 897 < 254 && !(bits & 0x1fffffff);
}

// Rounds an exact value, of which d is the truncation with the last bit set if anything was lost, to single.
static inline bool host_single(struct fp_env *env, double d, u64 *r)
{
    u64 bits = host_bits(d);
    if (d != 0 && host_exp(bits) - 898 >= 252)
        return false;
    double f = (double)(float)d;
    if (f != d)
        host_inexact(env, __builtin_fabs(f) > __builtin_fabs(d));
    *r = host_bits(f);
    return true;
}

static inline bool host_single_sum(struct fp_env *env, double a, double b, u64 *r)
{
    double s = a + b, e = host_add_error(a, b, s);
    u64 bits = host_bits(s);
    if (e != 0) { // round to odd
        bits -= __builtin_signbit(e) != __builtin_signbit(s);
        bits |= 1;
    }
    return host_single(env, host_double(bits), r);
}

static inline bool host_fp64s_add(struct fp_env *env, u64 a, u64 b, u64 *r)
{
    if (unlikely(env->round != FP_NEAREST || !host_tame(a) || !host_tame(b)))
        return false;
    return host_single_sum(env, host_double(a), host_double(b), r);
}

static inline bool host_fp64s_sub(struct fp_env *env, u64 a, u64 b, u64 *r)
{
    if (unlikely(env->round != FP_NEAREST || !host_tame(a) || !host_tame(b)))
        return false;
    return host_single_sum(env, host_double(a), -host_double(b), r);
}

static inline bool host_fp64s_mul(struct fp_env *env, u64 a, u64 b, u64 *r)
{
    if (unlikely(env->round != FP_NEAREST || !host_is_single(a) || !host_is_single(b)))
        return false;
    return host_single(env, host_double(a) * host_double(b), r);
}

static inline bool host_fp64s_div(struct fp_env *env, u64 a, u64 b, u64 *r)
{
    if (unlikely(env->round != FP_NEAREST || !host_is_single(a) || !host_is_single(b)))
        return false;
    double x = host_double(a), y = host_double(b), q = x / y;
    if (unlikely(host_exp(host_bits(q)) - 898 >= 252))
        return false;
    double f = (double)(float)q, back = f * y;
    if (back != x)
        host_inexact(env, __builtin_fabs(back) > __builtin_fabs(x));
    *r = host_bits(f);
    return true;
}

static inline bool host_fp64s_sqrt(struct fp_env *env, u64 a, u64 *r)
{
    if (unlikely(env->round != FP_NEAREST || !HOST_HAS_SQRT || !host_is_single(a) || a >> 63))
        return false;
    double x = host_double(a), f = (double)(float)host_sqrt(x), back = f * f;
    if (back != x)
        host_inexact(env, back > x);
    *r = host_bits(f);
    return true;
}

static inline bool host_fp64s_muladd(struct fp_env *env, u64 a, u64 c, u64 b, unsigned how, u64 *r)
{
    if (unlikely(env->round != FP_NEAREST || !host_is_single(a) || !host_is_single(b) || !host_is_single(c)))
        return false;
    double p = host_double(a) * host_double(c), x = host_double(b);
    if (!host_single_sum(env, p, how & FP_NEGATE_ADDEND ? -x : x, r))
        return false;
    if (how & FP_NEGATE_RESULT)
        *r ^= 1ull << 63;
    return true;
}

static inline bool host_fp64s_round(struct fp_env *env, u64 a, u64 *r)
{
    if (unlikely(env->round != FP_NEAREST || !host_tame(a)))
        return false;
    return host_single(env, host_double(a), r);
}

// Vector single: the same through the double forms, which are exact conversions both ways for normal numbers.
static inline u64 host_widen(u32 a)
{
    float f;
    memcpy(&f, &a, sizeof(f));
    return host_bits((double)f);
}

static inline u32 host_narrow(u64 a)
{
    float f = (float)host_double(a);
    u32 bits;
    memcpy(&bits, &f, sizeof(bits));
    return bits;
}

#define HOST_FP32(op)                                                                              \
    static inline bool host_fp32_##op(struct fp_env *env, u32 a, u32 b, u32 *r)                    \
    {                                                                                              \
        u64 x = host_widen(a), y = host_widen(b), d;                                               \
        if (unlikely(!host_is_single(x) || !host_is_single(y) || !host_fp64s_##op(env, x, y, &d))) \
            return false;                                                                          \
        *r = host_narrow(d);                                                                       \
        return true;                                                                               \
    }
HOST_FP32(add)
HOST_FP32(sub)
HOST_FP32(mul)
HOST_FP32(div)
#undef HOST_FP32

static inline bool host_fp32_sqrt(struct fp_env *env, u32 a, u32 *r)
{
    u64 d;
    if (!host_fp64s_sqrt(env, host_widen(a), &d))
        return false;
    *r = host_narrow(d);
    return true;
}

static inline bool host_fp32_muladd(struct fp_env *env, u32 a, u32 c, u32 b, unsigned how, u32 *r)
{
    u64 d;
    if (!host_fp64s_muladd(env, host_widen(a), host_widen(c), host_widen(b), how, &d))
        return false;
    *r = host_narrow(d);
    return true;
}

// No host has quads.
#define host_fp128_add(env, a, b, r)            ((void)(r), false)
#define host_fp128_sub(env, a, b, r)            ((void)(r), false)
#define host_fp128_mul(env, a, b, r)            ((void)(r), false)
#define host_fp128_div(env, a, b, r)            ((void)(r), false)
#define host_fp128_sqrt(env, a, r)              ((void)(r), false)
#define host_fp128_muladd(env, a, c, b, how, r) ((void)(r), false)

#endif
