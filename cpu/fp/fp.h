// SPDX-License-Identifier: Apache-2.0
// Exact software floating point with Power's flags: binary16, binary32, binary64 and binary128, as plain bit patterns.
//
// Every operation takes a `struct fp_env`: the rounding mode and the enabled traps go in, exceptions come out as FPSCR bits (OX UX
// ZX XX VX..., and FR and FI of the last rounding) that are ORed into env->flags. Nothing here knows registers or raises interrupts.
// The suffix of a name is the format of the operands: fp32 is u32, fp64 is u64, fp128 is u128. fp64s_* take double-format
// operands and round once, exactly, to single precision; their results are in double format, as FPRs hold them.
//
// NaNs propagate in Power's order: the first operand, then the second; multiply-add: a, then the addend b, then c. A result NaN is
// quieted; generated ones are positive quiet NaNs with an empty payload. Tininess is detected before rounding.
#ifndef CPU_FP_FP_H
#define CPU_FP_FP_H

#include "base/types.h"
#include "cpu/msr.h"

enum fp_round {
    FP_NEAREST, // ties to even; these four as in FPSCR[RN]
    FP_TRUNCATE,
    FP_UP,
    FP_DOWN,
    FP_AWAY, // to nearest, ties away from zero
    FP_ODD,  // truncated, the last bit set when that was inexact
};

struct fp_env {
    u32 round; // enum fp_round
    u32 traps; // FPSCR_OE and FPSCR_UE: the result of that exception gets the adjusted exponent
    u32 flags; // FPSCR exception bits, FR and FI
};

// Round to nearest, nothing trapped: what VMX arithmetic and conversions without FPSCR use.
static inline struct fp_env fp_env_default(void)
{
    return (struct fp_env){.round = FP_NEAREST};
}

// Results of comparisons: CR field bits.
enum fp_order { FP_LESS = 8, FP_GREATER = 4, FP_EQUAL = 2, FP_UNORDERED = 1 };

// Variants of multiply-add.
enum { FP_NEGATE_ADDEND = 1, FP_NEGATE_RESULT = 2 };

// Integer formats of conversions.
enum fp_int { FP_S32, FP_U32, FP_S64, FP_U64 };

#define FP_ARITHMETIC(name, type)                                                       \
    type name##_add(struct fp_env *env, type a, type b);                                \
    type name##_sub(struct fp_env *env, type a, type b);                                \
    type name##_mul(struct fp_env *env, type a, type b);                                \
    type name##_div(struct fp_env *env, type a, type b);                                \
    type name##_sqrt(struct fp_env *env, type a);                                       \
    /* a * c + b; `how` is an OR of FP_NEGATE_*; NaN results are never negated. */      \
    type name##_muladd(struct fp_env *env, type a, type c, type b, unsigned how);       \
    /* 1 / a and 1 / sqrt(a), within the ISA's bound for estimates; no XX, FR or FI. */ \
    type name##_recip_estimate(struct fp_env *env, type a);                             \
    type name##_rsqrt_estimate(struct fp_env *env, type a);                             \
    type name##_from_s64(struct fp_env *env, s64 v);                                    \
    type name##_from_u64(struct fp_env *env, u64 v);

#define FP_FORMAT(name, type)                                                                                      \
    FP_ARITHMETIC(name, type)                                                                                      \
    /* No flags; NaNs are unordered, zeros are equal. */                                                           \
    enum fp_order name##_compare(type a, type b);                                                                  \
    /* To an integral value in the format; XX, FI and FR as for inexact results. `round` instead of env->round. */ \
    type name##_round_integral(struct fp_env *env, type a, enum fp_round round);                                   \
    /* Saturates with VXCVI; NaN gives the most negative number, or 0 unsigned. 32-bit results are extended. */    \
    u64 name##_to_int(struct fp_env *env, type a, enum fp_int format, enum fp_round round);                        \
    /* FPSCR[FPRF] for the value, in place. */                                                                     \
    u32 name##_fprf(type a);                                                                                       \
    bool name##_is_nan(type a);                                                                                    \
    bool name##_is_snan(type a);                                                                                   \
    bool name##_is_denormal(type a);

FP_FORMAT(fp32, u32)
FP_FORMAT(fp64, u64)
FP_FORMAT(fp128, u128)
FP_ARITHMETIC(fp64s, u64)

#undef FP_FORMAT
#undef FP_ARITHMETIC

// Between formats, with flags.
u64 fp64s_round(struct fp_env *env, u64 a); // frsp: to single precision, in double format
u32 fp64_to_fp32(struct fp_env *env, u64 a);
u16 fp64_to_fp16(struct fp_env *env, u64 a);
u64 fp32_to_fp64(struct fp_env *env, u32 a);
u16 fp32_to_fp16(struct fp_env *env, u32 a);
u64 fp16_to_fp64(struct fp_env *env, u16 a);
u32 fp16_to_fp32(struct fp_env *env, u16 a);
u64 fp128_to_fp64(struct fp_env *env, u128 a);
u128 fp64_to_fp128(struct fp_env *env, u64 a);
u128 fp128_round_extended(struct fp_env *env, u128 a, enum fp_round round); // xsrqpxp: to 64 bits of significand

// Bit rearrangements of single loads and stores (lfs, stfs, xscvspdpn, xscvdpspn): no flags, NaNs stay as they are.
// ISA I "Floating-Point Load Instructions", "Floating-Point Store Instructions".
u64 fp_load_single(u32 a);
u32 fp_store_single(u64 a);

// VMX with VSCR[NJ]: a denormal number becomes a zero of its sign.
static inline u32 fp32_flush(u32 a)
{
    return a & 0x7f800000 ? a : a & 0x80000000;
}

#endif
