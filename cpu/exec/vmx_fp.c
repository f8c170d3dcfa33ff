// SPDX-License-Identifier: Apache-2.0
// Vector floating point: single precision, round to nearest even, no exceptions. ISA I "Vector Floating-Point Operations".
//
// The host's own single precision arithmetic gives the exact result; what differs is which NaN comes out (the first operand's,
// quieted, else the positive default one) and non-Java mode, VSCR[NJ], which replaces denormalized operands and results by zeros
// of the same sign. Compiled code may neither contract multiplications and additions nor assume that there are no NaNs.
#include <math.h>

#include "cpu/exec/vmx_lanes.h"

#define DEFAULT_NAN 0x7fc00000u
#define SIGN        0x80000000u

static inline float to_float(u32 w)
{
    float f;
    memcpy(&f, &w, sizeof(f));
    return f;
}

static inline u32 from_float(float f)
{
    u32 w;
    memcpy(&w, &f, sizeof(w));
    return w;
}

static inline bool is_nan(u32 w)
{
    return (w & ~SIGN) > 0x7f800000u;
}

static inline u32 quiet(u32 w)
{
    return w | 0x400000u;
}

// Non-Java mode: denormalized values become zero.
static inline u32 flush(u32 w)
{
    return w & 0x7f800000u ? w : w & SIGN;
}

static inline bool non_java(const struct cpu *cpu)
{
    return cpu->vscr & VSCR_NJ;
}

// The register with denormalized elements flushed where the mode asks for it.
static inline union vsr operand(struct cpu *cpu, const union vsr *source)
{
    fpu_settle(cpu);
    union vsr v = *source;
    if (unlikely(non_java(cpu)))
        for (unsigned i = 0; i < 4; i++)
            v.w[i] = flush(v.w[i]);
    return v;
}

static inline u32 pick_nan(u32 a, u32 b, u32 c)
{
    return is_nan(a) ? quiet(a) : is_nan(b) ? quiet(b) : is_nan(c) ? quiet(c) : DEFAULT_NAN;
}

EXEC(vaddfp)
{
    const union vsr va = operand(cpu, VR(RA)), vb = operand(cpu, VR(RB));
    union vsr vt;
    for (unsigned i = 0; i < 4; i++) {
        u32 r = from_float(to_float(va.w[i]) + to_float(vb.w[i]));
        vt.w[i] = unlikely(is_nan(r)) ? pick_nan(va.w[i], vb.w[i], 0) : r;
    }
    *VR(RT) = operand(cpu, &vt);
}

EXEC(vsubfp)
{
    const union vsr va = operand(cpu, VR(RA)), vb = operand(cpu, VR(RB));
    union vsr vt;
    for (unsigned i = 0; i < 4; i++) {
        u32 r = from_float(to_float(va.w[i]) - to_float(vb.w[i]));
        vt.w[i] = unlikely(is_nan(r)) ? pick_nan(va.w[i], vb.w[i], 0) : r;
    }
    *VR(RT) = operand(cpu, &vt);
}

// Whether A x C + B, exactly, is below the normal range, when its rounded value is the smallest normal number: double precision
// holds the product and the sum's rounding error.
static bool tiny_before_rounding(u32 a, u32 c, u32 b)
{
    double product = (double)to_float(a) * to_float(c), addend = to_float(b);
    double sum = product + addend, part = sum - product;
    double error = (product - (sum - part)) + (addend - part);
    return sum < 0 ? -sum < 0x1p-126 || (-sum == 0x1p-126 && error > 0)
                   : sum < 0x1p-126 || (sum == 0x1p-126 && error < 0);
}

// A x C + B with one rounding. In non-Java mode a result that was below the normal range before rounding is flushed too.
static inline u32 multiply_add(u32 a, u32 c, u32 b, bool nj)
{
    u32 r = from_float(fmaf(to_float(a), to_float(c), to_float(b)));
    if (unlikely(is_nan(r)))
        return DEFAULT_NAN;
    if (unlikely(nj))
        r = (r & ~SIGN) == 0x00800000u && tiny_before_rounding(a, c, b) ? r & SIGN : flush(r);
    return r;
}

EXEC(vmaddfp)
{
    const union vsr va = operand(cpu, VR(RA)), vb = operand(cpu, VR(RB)), vc = operand(cpu, VR(RC));
    union vsr vt;
    for (unsigned i = 0; i < 4; i++) {
        u32 r = multiply_add(va.w[i], vc.w[i], vb.w[i], non_java(cpu));
        vt.w[i] = unlikely(is_nan(r)) ? pick_nan(va.w[i], vb.w[i], vc.w[i]) : r;
    }
    *VR(RT) = vt;
}

// -(A x C - B); a NaN keeps its sign.
EXEC(vnmsubfp)
{
    const union vsr va = operand(cpu, VR(RA)), vb = operand(cpu, VR(RB)), vc = operand(cpu, VR(RC));
    union vsr vt;
    for (unsigned i = 0; i < 4; i++) {
        u32 r = multiply_add(va.w[i], vc.w[i], vb.w[i] ^ SIGN, non_java(cpu));
        vt.w[i] = unlikely(is_nan(r)) ? pick_nan(va.w[i], vb.w[i], vc.w[i]) : r ^ SIGN;
    }
    *VR(RT) = vt;
}

// Order of the values, with -0 below +0: as sign-magnitude integers.
static inline s32 order(u32 w)
{
    return (s32)(w & SIGN ? ~(w & ~SIGN) : w);
}

#define MAX_MIN(id, cmp)                                                                          \
    EXEC(id)                                                                                      \
    {                                                                                             \
        const union vsr va = operand(cpu, VR(RA)), vb = operand(cpu, VR(RB));                     \
        union vsr vt;                                                                             \
        for (unsigned i = 0; i < 4; i++) {                                                        \
            u32 a = va.w[i], b = vb.w[i];                                                         \
            vt.w[i] = is_nan(a) || is_nan(b) ? pick_nan(a, b, 0) : order(a) cmp order(b) ? a : b; \
        }                                                                                         \
        *VR(RT) = vt;                                                                             \
    }

MAX_MIN(vmaxfp, >)
MAX_MIN(vminfp, <)

// Conversions scale by 2^UIM, exactly, as double precision has room for every word.
#define SCALE ((double)(1u << INSN_FIELD(11, 15)))

#define FROM_INTEGER(id, type)                                    \
    EXEC(id)                                                      \
    {                                                             \
        const union vsr vb = *VR(RB);                             \
        union vsr vt;                                             \
        fpu_settle(cpu);                                          \
        for (unsigned i = 0; i < 4; i++)                          \
            vt.w[i] = from_float((float)((type)vb.w[i] / SCALE)); \
        *VR(RT) = vt;                                             \
    }

FROM_INTEGER(vcfsx, s32)
FROM_INTEGER(vcfux, u32)

// Truncates and saturates; a NaN gives zero and does not saturate.
#define TO_INTEGER(id, low, high)                                              \
    EXEC(id)                                                                   \
    {                                                                          \
        const union vsr vb = *VR(RB);                                          \
        union vsr vt;                                                          \
        bool sat = false;                                                      \
        fpu_settle(cpu);                                                       \
        for (unsigned i = 0; i < 4; i++) {                                     \
            double v = is_nan(vb.w[i]) ? 0 : trunc(to_float(vb.w[i]) * SCALE); \
            sat |= v < (low) || v > (high);                                    \
            vt.w[i] = (u32)(s64)(v < (low) ? (low) : v > (high) ? (high) : v); \
        }                                                                      \
        vmx_set_sat(cpu, sat);                                                 \
        *VR(RT) = vt;                                                          \
    }

TO_INTEGER(vctsxs, -0x1p31, 0x1p31 - 1)
TO_INTEGER(vctuxs, 0.0, 0x1p32 - 1)

#define ROUND(id, fn)                                                                       \
    EXEC(id)                                                                                \
    {                                                                                       \
        const union vsr vb = operand(cpu, VR(RB));                                          \
        union vsr vt;                                                                       \
        for (unsigned i = 0; i < 4; i++)                                                    \
            vt.w[i] = is_nan(vb.w[i]) ? quiet(vb.w[i]) : from_float(fn(to_float(vb.w[i]))); \
        *VR(RT) = vt;                                                                       \
    }

ROUND(vrfim, floorf)
ROUND(vrfin, rintf)
ROUND(vrfip, ceilf)
ROUND(vrfiz, truncf)

#define COMPARE(id, cmp)                                                      \
    EXEC(id)                                                                  \
    {                                                                         \
        const union vsr va = operand(cpu, VR(RA)), vb = operand(cpu, VR(RB)); \
        union vsr vt;                                                         \
        for (unsigned i = 0; i < 4; i++)                                      \
            vt.w[i] = to_float(va.w[i]) cmp to_float(vb.w[i]) ? ~0u : 0;      \
        *VR(RT) = vt;                                                         \
        if (insn & PPC_BIT32(21))                                             \
            vmx_set_cr6(cpu, vt.q);                                           \
    }

COMPARE(vcmpeqfp, ==)
COMPARE(vcmpgefp, >=)
COMPARE(vcmpgtfp, >)

// Bit 0: not A <= B, bit 1: not A >= -B; CR6[2]: all within bounds.
EXEC(vcmpbfp)
{
    const union vsr va = operand(cpu, VR(RA)), vb = operand(cpu, VR(RB));
    union vsr vt;
    for (unsigned i = 0; i < 4; i++) {
        float a = to_float(va.w[i]), b = to_float(vb.w[i]);
        vt.w[i] = (a <= b ? 0 : 0x80000000u) | (a >= -b ? 0 : 0x40000000u);
    }
    *VR(RT) = vt;
    if (insn & PPC_BIT32(21))
        cpu->crf[6] = vt.q ? 0 : CR_EQ;
}

// Estimates. Precision is the implementation's own; ours are the correctly rounded or nearly exact values, and the same on
// every host: only basic operations, never the C library's logarithm or exponential.

// 2^x: 2^floor(x) times the Taylor series of e^(f ln 2), |f| <= 1/2.
static float exp2_estimate(float x)
{
    if (x >= 128)
        return INFINITY;
    if (x < -151)
        return 0;
    int n = (int)rintf(x);
    double t = ((double)x - n) * 0x1.62e42fefa39efp-1, sum = 1, term = 1;
    for (int k = 1; k < 16; k++) {
        term = term * t / k;
        sum += term;
    }
    u64 scale = (u64)(1023 + n) << 52; // n > -152: normal in double precision
    double factor;
    memcpy(&factor, &scale, sizeof(factor));
    return (float)(sum * factor);
}

// log2 of a positive finite value: exponent plus 2/ln 2 * atanh((m - 1) / (m + 1)), m in [1/sqrt 2, sqrt 2).
static float log2_estimate(float x)
{
    double d = x;
    u64 bits;
    memcpy(&bits, &d, sizeof(bits));
    int exponent = (int)(bits >> 52) - 1023;
    bits = (bits & 0xfffffffffffffull) | 0x3ff0000000000000ull;
    double m;
    memcpy(&m, &bits, sizeof(m));
    if (m > 0x1.6a09e667f3bcdp0) {
        m /= 2;
        exponent++;
    }
    double t = (m - 1) / (m + 1), square = t * t, term = t, sum = 0;
    for (int k = 1; k < 30; k += 2) {
        sum += term / k;
        term *= square;
    }
    return (float)(exponent + sum * 0x1.71547652b82fep1);
}

static float log2_all(float x)
{
    if (x == 0)
        return -INFINITY;
    if (isinf(x) && x > 0)
        return x;
    return x < 0 ? NAN : log2_estimate(x);
}

static float reciprocal(float x)
{
    return 1.0f / x;
}

static float reciprocal_sqrt(float x)
{
    return 1.0f / sqrtf(x);
}

// Invalid operations give the default NaN.
#define ESTIMATE(id, fn)                                                                  \
    EXEC(id)                                                                              \
    {                                                                                     \
        const union vsr vb = operand(cpu, VR(RB));                                        \
        union vsr vt;                                                                     \
        for (unsigned i = 0; i < 4; i++) {                                                \
            u32 r = is_nan(vb.w[i]) ? quiet(vb.w[i]) : from_float(fn(to_float(vb.w[i]))); \
            vt.w[i] = is_nan(r) && !is_nan(vb.w[i]) ? DEFAULT_NAN : r;                    \
        }                                                                                 \
        *VR(RT) = operand(cpu, &vt);                                                      \
    }

ESTIMATE(vrefp, reciprocal)
ESTIMATE(vrsqrtefp, reciprocal_sqrt)
ESTIMATE(vlogefp, log2_all)
ESTIMATE(vexptefp, exp2_estimate)
