// SPDX-License-Identifier: Apache-2.0
// The operations of fp.h by format. Double and single arithmetic tries the host's own unit first (fp_host.h), which answers only where
// result and flags are certain.
#include "cpu/fp/fp.h"

#include "cpu/fp/fp_host.h"
#include "cpu/fp/fp_num.h"

// Each format: how operands are unpacked and results rounded and packed.
#define UNPACK_fp32(a)       fp_num_unpack(a, &fp_single)
#define UNPACK_fp64(a)       fp_num_unpack(a, &fp_double)
#define UNPACK_fp64s(a)      fp_num_unpack(a, &fp_double)
#define UNPACK_fp128(a)      fp_num_unpack(a, &fp_quad)
#define FINISH_fp32(env, n)  (u32) fp_num_pack(fp_num_round(env, n, &fp_single), &fp_single)
#define FINISH_fp64(env, n)  (u64) fp_num_pack(fp_num_round(env, n, &fp_double), &fp_double)
#define FINISH_fp64s(env, n) (u64) fp_num_pack(fp_num_round(env, n, &fp_single), &fp_double)
#define FINISH_fp128(env, n) fp_num_pack(fp_num_round(env, n, &fp_quad), &fp_quad)
#define FORMAT_fp32          (&fp_single)
#define FORMAT_fp64          (&fp_double)
#define FORMAT_fp64s         (&fp_single)
#define FORMAT_fp128         (&fp_quad)

// Operands' format, which differs from the results' for single precision in double format.
#define OPERAND_fp32  (&fp_single)
#define OPERAND_fp64  (&fp_double)
#define OPERAND_fp64s (&fp_double)
#define OPERAND_fp128 (&fp_quad)

#define ARITHMETIC(name, type)                                                                         \
    type name##_add(struct fp_env *env, type a, type b)                                                \
    {                                                                                                  \
        type r;                                                                                        \
        if (likely(host_##name##_add(env, a, b, &r)))                                                  \
            return r;                                                                                  \
        struct fp_num n = fp_num_add(env, UNPACK_##name(a), UNPACK_##name(b));                         \
        return FINISH_##name(env, n);                                                                  \
    }                                                                                                  \
    type name##_sub(struct fp_env *env, type a, type b)                                                \
    {                                                                                                  \
        type r;                                                                                        \
        if (likely(host_##name##_sub(env, a, b, &r)))                                                  \
            return r;                                                                                  \
        struct fp_num x = UNPACK_##name(a), y = UNPACK_##name(b);                                      \
        if (!fp_num_is_nan(y))                                                                         \
            y.sign ^= 1;                                                                               \
        x = fp_num_add(env, x, y);                                                                     \
        return FINISH_##name(env, x);                                                                  \
    }                                                                                                  \
    type name##_mul(struct fp_env *env, type a, type b)                                                \
    {                                                                                                  \
        type r;                                                                                        \
        if (likely(host_##name##_mul(env, a, b, &r)))                                                  \
            return r;                                                                                  \
        struct fp_num n = fp_num_mul(env, UNPACK_##name(a), UNPACK_##name(b));                         \
        return FINISH_##name(env, n);                                                                  \
    }                                                                                                  \
    type name##_div(struct fp_env *env, type a, type b)                                                \
    {                                                                                                  \
        type r;                                                                                        \
        if (likely(host_##name##_div(env, a, b, &r)))                                                  \
            return r;                                                                                  \
        struct fp_num n = fp_num_div(env, UNPACK_##name(a), UNPACK_##name(b), FORMAT_##name);          \
        return FINISH_##name(env, n);                                                                  \
    }                                                                                                  \
    type name##_sqrt(struct fp_env *env, type a)                                                       \
    {                                                                                                  \
        type r;                                                                                        \
        if (likely(host_##name##_sqrt(env, a, &r)))                                                    \
            return r;                                                                                  \
        struct fp_num n = fp_num_sqrt(env, UNPACK_##name(a), FORMAT_##name);                           \
        return FINISH_##name(env, n);                                                                  \
    }                                                                                                  \
    type name##_muladd(struct fp_env *env, type a, type c, type b, unsigned how)                       \
    {                                                                                                  \
        type r;                                                                                        \
        if (likely(host_##name##_muladd(env, a, c, b, how, &r)))                                       \
            return r;                                                                                  \
        struct fp_num addend = UNPACK_##name(b);                                                       \
        if (how & FP_NEGATE_ADDEND && !fp_num_is_nan(addend))                                          \
            addend.sign ^= 1;                                                                          \
        struct fp_num n = fp_num_muladd(env, UNPACK_##name(a), UNPACK_##name(c), addend);              \
        n = fp_num_round(env, n, FORMAT_##name);                                                       \
        if (how & FP_NEGATE_RESULT && !fp_num_is_nan(n))                                               \
            n.sign ^= 1;                                                                               \
        return PACK_##name(n);                                                                         \
    }                                                                                                  \
    /* A true quotient is an estimate within any bound; what it loses is no exception. */              \
    type name##_recip_estimate(struct fp_env *env, type a)                                             \
    {                                                                                                  \
        struct fp_env local = {.round = env->round, .traps = env->traps};                              \
        struct fp_num n = fp_num_div(&local, fp_num_from_u128(1, 0), UNPACK_##name(a), FORMAT_##name); \
        type r = FINISH_##name(&local, n);                                                             \
        env->flags |= local.flags & ~(FPSCR_XX | FPSCR_FR | FPSCR_FI);                                 \
        return r;                                                                                      \
    }                                                                                                  \
    type name##_rsqrt_estimate(struct fp_env *env, type a)                                             \
    {                                                                                                  \
        struct fp_env local = {.round = env->round, .traps = env->traps};                              \
        struct fp_num n = fp_num_sqrt(&local, UNPACK_##name(a), OPERAND_##name);                       \
        n = fp_num_round(&local, n, OPERAND_##name); /* as an operand again */                         \
        if (!fp_num_is_nan(n))                                                                         \
            n = fp_num_div(&local, fp_num_from_u128(1, 0), n, FORMAT_##name);                          \
        type r = FINISH_##name(&local, n);                                                             \
        env->flags |= local.flags & ~(FPSCR_XX | FPSCR_FR | FPSCR_FI);                                 \
        return r;                                                                                      \
    }                                                                                                  \
    type name##_from_s64(struct fp_env *env, s64 v)                                                    \
    {                                                                                                  \
        type r;                                                                                        \
        if (host_##name##_from_s64(v, &r))                                                             \
            return r;                                                                                  \
        struct fp_num n = fp_num_from_u128(v < 0 ? -(u64)v : (u64)v, v < 0);                           \
        return FINISH_##name(env, n);                                                                  \
    }                                                                                                  \
    type name##_from_u64(struct fp_env *env, u64 v)                                                    \
    {                                                                                                  \
        struct fp_num n = fp_num_from_u128(v, 0);                                                      \
        return FINISH_##name(env, n);                                                                  \
    }

#define FORMAT(name, type)                                                                            \
    ARITHMETIC(name, type)                                                                            \
    enum fp_order name##_compare(type a, type b)                                                      \
    {                                                                                                 \
        return COMPARE_##name(a, b);                                                                  \
    }                                                                                                 \
    type name##_round_integral(struct fp_env *env, type a, enum fp_round round)                       \
    {                                                                                                 \
        return (type)fp_num_pack(fp_num_round_integral(env, UNPACK_##name(a), round), FORMAT_##name); \
    }                                                                                                 \
    u64 name##_to_int(struct fp_env *env, type a, enum fp_int format, enum fp_round round)            \
    {                                                                                                 \
        u64 r;                                                                                        \
        if (host_##name##_to_int(env, a, format, round, &r))                                          \
            return r;                                                                                 \
        return fp_num_to_int(env, UNPACK_##name(a), format, round);                                   \
    }                                                                                                 \
    u32 name##_fprf(type a)                                                                           \
    {                                                                                                 \
        return fp_num_fprf(UNPACK_##name(a), name##_is_denormal(a));                                  \
    }                                                                                                 \
    bool name##_is_nan(type a)                                                                        \
    {                                                                                                 \
        return (type)(a << 1) > INFINITE_##name;                                                      \
    }                                                                                                 \
    bool name##_is_snan(type a)                                                                       \
    {                                                                                                 \
        return name##_is_nan(a) && !(a >> (FORMAT_##name->prec - 2) & 1);                             \
    }                                                                                                 \
    bool name##_is_denormal(type a)                                                                   \
    {                                                                                                 \
        return !(a & INFINITE_##name >> 1) && (type)(a << 1);                                         \
    }

// Infinity shifted left by one: the sign is gone.
#define INFINITE_fp32       0xff000000u
#define INFINITE_fp64       0xffe0000000000000ull
#define INFINITE_fp128      ((u128)0xfffe000000000000ull << 64)

#define COMPARE_fp32(a, b)  host_compare(host_float(a), host_float(b))
#define COMPARE_fp64(a, b)  host_compare(host_double(a), host_double(b))
#define COMPARE_fp128(a, b) fp_num_compare(UNPACK_fp128(a), UNPACK_fp128(b))

#define PACK_fp32(n)        (u32) fp_num_pack(n, &fp_single)
#define PACK_fp64(n)        (u64) fp_num_pack(n, &fp_double)
#define PACK_fp64s(n)       (u64) fp_num_pack(n, &fp_double)
#define PACK_fp128(n)       fp_num_pack(n, &fp_quad)

FORMAT(fp32, u32)
FORMAT(fp64, u64)
FORMAT(fp128, u128)
ARITHMETIC(fp64s, u64)

// Conversion: a signaling NaN is noted and quieted, the rest is rounding.
static u128 convert(struct fp_env *env, u128 a, const struct fp_format *from, const struct fp_format *to,
                    const struct fp_format *encoding)
{
    struct fp_num n = fp_num_unpack(a, from);
    if (fp_num_is_nan(n))
        n = fp_num_quiet(env, n);
    return fp_num_pack(fp_num_round(env, n, to), encoding);
}

u64 fp64s_round(struct fp_env *env, u64 a)
{
    u64 r;
    if (likely(host_fp64s_round(env, a, &r)))
        return r;
    return (u64)convert(env, a, &fp_double, &fp_single, &fp_double);
}

u32 fp64_to_fp32(struct fp_env *env, u64 a)
{
    return (u32)convert(env, a, &fp_double, &fp_single, &fp_single);
}

u16 fp64_to_fp16(struct fp_env *env, u64 a)
{
    return (u16)convert(env, a, &fp_double, &fp_half, &fp_half);
}

u64 fp32_to_fp64(struct fp_env *env, u32 a)
{
    return (u64)convert(env, a, &fp_single, &fp_double, &fp_double);
}

u16 fp32_to_fp16(struct fp_env *env, u32 a)
{
    return (u16)convert(env, a, &fp_single, &fp_half, &fp_half);
}

u64 fp16_to_fp64(struct fp_env *env, u16 a)
{
    return (u64)convert(env, a, &fp_half, &fp_double, &fp_double);
}

u32 fp16_to_fp32(struct fp_env *env, u16 a)
{
    return (u32)convert(env, a, &fp_half, &fp_single, &fp_single);
}

u64 fp128_to_fp64(struct fp_env *env, u128 a)
{
    return (u64)convert(env, a, &fp_quad, &fp_double, &fp_double);
}

u128 fp64_to_fp128(struct fp_env *env, u64 a)
{
    return convert(env, a, &fp_double, &fp_quad, &fp_quad);
}

// Only the significand is cut: NaN payloads are not, and the range is that of quads.
u128 fp128_round_extended(struct fp_env *env, u128 a, enum fp_round round)
{
    struct fp_num n = fp_num_unpack(a, &fp_quad);
    if (fp_num_is_nan(n))
        return fp_num_pack(fp_num_quiet(env, n), &fp_quad);
    u32 mode = env->round;
    env->round = round;
    n = fp_num_round(env, n, &fp_extended);
    env->round = mode;
    return fp_num_pack(n, &fp_quad);
}

u64 fp_load_single(u32 a)
{
    u64 sign = (u64)(a >> 31) << 63, frac = a & 0x7fffff;
    unsigned exp = a >> 23 & 0xff;
    if (exp == 0xff)
        return sign | 0x7ffull << 52 | frac << 29;
    if (exp)
        return sign | (u64)(exp + 896) << 52 | frac << 29;
    if (!frac)
        return sign;
    unsigned shift = clz64(frac) - 40; // brings the leading one to the implicit bit
    return sign | (u64)(897 - shift) << 52 | (frac << shift & 0x7fffff) << 29;
}

u32 fp_store_single(u64 a)
{
    unsigned exp = a >> 52 & 0x7ff;
    if (exp > 896 || !(a << 1))
        return (u32)(a >> 32 & 0xc0000000) | (u32)(a >> 29 & 0x3fffffff);
    // ISA I "Floating-Point Store Instructions": denormalised by shifting, bits that fall out are lost. Below single's denormals
    // the result is undefined: zero.
    u64 sig = (1ull << 52) | (a & 0xfffffffffffff);
    return (u32)(a >> 32 & 0x80000000) | (exp < 874 ? 0 : (u32)(sig >> (926 - exp)));
}
