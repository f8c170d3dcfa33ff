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

// Zeros are as good: nothing is lost with them, and their signs in round to nearest are the host's.
static inline bool host_tame_or_zero(u64 bits)
{
    return host_tame(bits) || !(bits << 1);
}

static inline bool host_add(struct fp_env *env, double a, double b, u64 *r)
{
    if (unlikely(env->round != FP_NEAREST || !host_tame_or_zero(host_bits(a)) || !host_tame_or_zero(host_bits(b))))
        return false;
    double s = a + b; // cancellation is exact and cannot reach the denormals
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
    if (unlikely(env->round != FP_NEAREST || !host_tame(a) || !host_tame(b) || !host_tame(p))) {
        *r = p;
        return !(p << 1) && host_tame_or_zero(a) && host_tame_or_zero(b) && !(a << 1 && b << 1);
    }
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

// Multiply-add: the host's fused instruction, and what its rounding lost (S. Boldo, J.-M. Muller, "Exact and Approximated Error of the
// FMA"). The product comes rounded from outside, so that no compiler can fuse it into the sums.
struct host_fma {
    double result, error; // error has the sign of what was lost, and is zero when nothing was
};

#if defined(__x86_64__)
#define HOST_FMA_TARGET __attribute__((target("fma"), noinline, unused))
#define HOST_HAS_FMA    __builtin_cpu_supports("fma")
#elif defined(__FP_FAST_FMA)
#define HOST_FMA_TARGET __attribute__((noinline, unused))
#define HOST_HAS_FMA    1
#else
#define HOST_FMA_TARGET __attribute__((noinline, unused))
#define HOST_HAS_FMA    0
#endif

HOST_FMA_TARGET static struct host_fma host_fma(double a, double c, double b, double product)
{
    double r = __builtin_fma(a, c, b), lost = __builtin_fma(a, c, -product);
    double low = b + lost, low_error = host_add_error(b, lost, low);
    double high = product + low, high_error = host_add_error(product, low, high);
    return (struct host_fma){r, ((high - r) + high_error) + low_error};
}

static inline bool host_fp64_muladd(struct fp_env *env, u64 a, u64 c, u64 b, unsigned how, u64 *r)
{
    double x = host_double(a), y = host_double(c), product = x * y;
    if (unlikely(env->round != FP_NEAREST || !HOST_HAS_FMA || !host_tame(host_bits(product)) || !host_tame(a) ||
                 !host_tame(c) || !host_tame_or_zero(b)))
        return false;
    double z = host_double(how & FP_NEGATE_ADDEND ? b ^ 1ull << 63 : b);
    struct host_fma f = host_fma(x, y, z, product);
    if (f.error != 0) {
        if (unlikely(!host_tame(host_bits(f.result))))
            return false;
        host_inexact(env, __builtin_signbit(f.error) != __builtin_signbit(f.result));
    }
    *r = host_bits(f.result) ^ (how & FP_NEGATE_RESULT ? 1ull << 63 : 0);
    return true;
}

// Comparison, and conversions that lose nothing or truncate.
static inline enum fp_order host_compare(double a, double b)
{
    return a < b ? FP_LESS : a > b ? FP_GREATER : a == b ? FP_EQUAL : FP_UNORDERED;
}

static inline bool host_truncate(struct fp_env *env, double a, enum fp_int format, enum fp_round round, u64 *r)
{
    static const struct {
        double low, high; // exclusive
    } limits[] = {
        [FP_S32] = {-0x1p31 - 1, 0x1p31},
        [FP_U32] = {-1, 0x1p32},
        [FP_S64] = {-0x1p62, 0x1p62},
        [FP_U64] = {-1, 0x1p62},
    };
    if (round != FP_TRUNCATE || !(a > limits[format].low && a < limits[format].high))
        return false;
    s64 v = (s64)a;
    if ((double)v != a)
        host_inexact(env, false);
    *r = (u64)v;
    return true;
}

static inline bool host_exact_integer(s64 v)
{
    return (u64)v + (1ull << 53) <= 1ull << 54;
}

// Single precision in double format: computed in double, where the rounding to single happens once or, after rounding to odd, as if
// once (53 bits are more than twice 24 plus two).

// Operands that hold a normal single number; for them products are exact in double.
static inline bool host_is_single(u64 bits)
{
    return host_exp(bits) - 897 < 254 && !(bits & 0x1fffffff);
}

static inline bool host_is_single_or_zero(u64 bits)
{
    return host_is_single(bits) || !(bits << 1);
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
    if (unlikely(env->round != FP_NEAREST || !host_tame_or_zero(a) || !host_tame_or_zero(b)))
        return false;
    return host_single_sum(env, host_double(a), host_double(b), r);
}

static inline bool host_fp64s_sub(struct fp_env *env, u64 a, u64 b, u64 *r)
{
    if (unlikely(env->round != FP_NEAREST || !host_tame_or_zero(a) || !host_tame_or_zero(b)))
        return false;
    return host_single_sum(env, host_double(a), -host_double(b), r);
}

static inline bool host_fp64s_mul(struct fp_env *env, u64 a, u64 b, u64 *r)
{
    if (unlikely(env->round != FP_NEAREST || !host_is_single_or_zero(a) || !host_is_single_or_zero(b)))
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
    if (unlikely(env->round != FP_NEAREST || !host_is_single_or_zero(a) || !host_is_single_or_zero(b) ||
                 !host_is_single_or_zero(c)))
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

static inline bool host_fp64_to_int(struct fp_env *env, u64 a, enum fp_int format, enum fp_round round, u64 *r)
{
    return host_truncate(env, host_double(a), format, round, r);
}

static inline bool host_fp64_from_s64(s64 v, u64 *r)
{
    *r = host_bits((double)v);
    return host_exact_integer(v);
}

// Vector single: the same through the double forms, which are exact conversions both ways for normal numbers.
static inline float host_float(u32 bits)
{
    float f;
    memcpy(&f, &bits, sizeof(f));
    return f;
}

static inline u64 host_widen(u32 a)
{
    return host_bits((double)host_float(a));
}

static inline u32 host_narrow(u64 a)
{
    float f = (float)host_double(a);
    u32 bits;
    memcpy(&bits, &f, sizeof(bits));
    return bits;
}

#define HOST_FP32(op)                                                                                              \
    static inline bool host_fp32_##op(struct fp_env *env, u32 a, u32 b, u32 *r)                                    \
    {                                                                                                              \
        u64 x = host_widen(a), y = host_widen(b), d;                                                               \
        if (unlikely(!host_is_single_or_zero(x) || !host_is_single_or_zero(y) || !host_fp64s_##op(env, x, y, &d))) \
            return false;                                                                                          \
        *r = host_narrow(d);                                                                                       \
        return true;                                                                                               \
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

static inline bool host_fp32_to_int(struct fp_env *env, u32 a, enum fp_int format, enum fp_round round, u64 *r)
{
    return host_truncate(env, (double)host_float(a), format, round, r);
}

// No host has quads.
#define host_fp128_add(env, a, b, r)                ((void)(r), false)
#define host_fp128_sub(env, a, b, r)                ((void)(r), false)
#define host_fp128_mul(env, a, b, r)                ((void)(r), false)
#define host_fp128_div(env, a, b, r)                ((void)(r), false)
#define host_fp128_sqrt(env, a, r)                  ((void)(r), false)
#define host_fp128_muladd(env, a, c, b, how, r)     ((void)(r), false)

#define host_fp128_to_int(env, a, format, round, r) ((void)(r), false)
#define host_fp128_from_s64(v, r)                   ((void)(r), false)
#define host_fp64s_from_s64(v, r)                   ((void)(r), false)
#define host_fp32_from_s64(v, r)                    ((void)(r), false)

#endif
