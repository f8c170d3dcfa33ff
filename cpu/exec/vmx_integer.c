// SPDX-License-Identifier: Apache-2.0
// Vector integer arithmetic. ISA I "Vector Integer Arithmetic Instructions".
#include "cpu/exec/vmx_lanes.h"

VMX_BINARY(vaddubm, u8, b, a + b)
VMX_BINARY(vadduhm, u16, h, a + b)
VMX_BINARY(vadduwm, u32, w, a + b)
VMX_BINARY(vaddudm, u64, d, a + b)
VMX_BINARY(vsububm, u8, b, a - b)
VMX_BINARY(vsubuhm, u16, h, a - b)
VMX_BINARY(vsubuwm, u32, w, a - b)
VMX_BINARY(vsubudm, u64, d, a - b)
VMX_BINARY(vaddcuw, u64, w, (a + b) >> 32)
VMX_BINARY(vsubcuw, u32, w, a >= b)

#define ADD_SUB_SAT(name, type, f, low, high)             \
    VMX_BINARY_SAT(vadd##name, type, f, low, high, a + b) \
    VMX_BINARY_SAT(vsub##name, type, f, low, high, a - b)

ADD_SUB_SAT(sbs, s8, b, INT8_MIN, INT8_MAX)
ADD_SUB_SAT(shs, s16, h, INT16_MIN, INT16_MAX)
ADD_SUB_SAT(sws, s32, w, INT32_MIN, INT32_MAX)
ADD_SUB_SAT(ubs, u8, b, 0, UINT8_MAX)
ADD_SUB_SAT(uhs, u16, h, 0, UINT16_MAX)
ADD_SUB_SAT(uws, u32, w, 0, UINT32_MAX)

// Quadwords: subtraction is a + ~b + carry in.
static inline u128 carry_out(u128 a, u128 b, unsigned carry)
{
    u128 sum = a + b;
    return (sum < a) | (sum + carry < sum);
}

EXEC(vadduqm)
{
    VR(RT)->q = VR(RA)->q + VR(RB)->q;
}

EXEC(vaddcuq)
{
    VR(RT)->q = carry_out(VR(RA)->q, VR(RB)->q, 0);
}

EXEC(vaddeuqm)
{
    VR(RT)->q = VR(RA)->q + VR(RB)->q + (VR(RC)->q & 1);
}

EXEC(vaddecuq)
{
    VR(RT)->q = carry_out(VR(RA)->q, VR(RB)->q, VR(RC)->q & 1);
}

EXEC(vsubuqm)
{
    VR(RT)->q = VR(RA)->q - VR(RB)->q;
}

EXEC(vsubcuq)
{
    VR(RT)->q = carry_out(VR(RA)->q, ~VR(RB)->q, 1);
}

EXEC(vsubeuqm)
{
    VR(RT)->q = VR(RA)->q + ~VR(RB)->q + (VR(RC)->q & 1);
}

EXEC(vsubecuq)
{
    VR(RT)->q = carry_out(VR(RA)->q, ~VR(RB)->q, VR(RC)->q & 1);
}

// Products of twice the width. Even elements in the ISA's numbering are the odd ones of the host.
#define MULTIPLY_HALF(id, type, wide, sf, f, odd_host)                                                             \
    EXEC(id)                                                                                                       \
    {                                                                                                              \
        const union vsr va = *VR(RA), vb = *VR(RB);                                                                \
        union vsr vt;                                                                                              \
        for (unsigned i = 0; i < VMX_LANES(f); i++)                                                                \
            vt.f[i] = (VMX_ELEMENT(f))((wide)(type)va.sf[2 * i + odd_host] * (wide)(type)vb.sf[2 * i + odd_host]); \
        *VR(RT) = vt;                                                                                              \
    }

#define MULTIPLY(even, odd, type, wide, sf, f) \
    MULTIPLY_HALF(even, type, wide, sf, f, 1)  \
    MULTIPLY_HALF(odd, type, wide, sf, f, 0)

MULTIPLY(vmulesb, vmulosb, s8, s32, b, h)
MULTIPLY(vmulesh, vmulosh, s16, s32, h, w)
MULTIPLY(vmulesw, vmulosw, s32, s64, w, d)
MULTIPLY(vmuleub, vmuloub, u8, u32, b, h)
MULTIPLY(vmuleuh, vmulouh, u16, u32, h, w)
MULTIPLY(vmuleuw, vmulouw, u32, u64, w, d)
VMX_BINARY(vmuluwm, u32, w, a *b)

// Multiply-add of halfwords.
#define MULTIPLY_HIGH_ADD(id, round)                                                                           \
    EXEC(id)                                                                                                   \
    {                                                                                                          \
        const union vsr va = *VR(RA), vb = *VR(RB), vc = *VR(RC);                                              \
        union vsr vt;                                                                                          \
        bool sat = false;                                                                                      \
        for (unsigned i = 0; i < 8; i++) {                                                                     \
            s32 product = (s16)va.h[i] * (s16)vb.h[i];                                                         \
            vt.h[i] = (u16)vmx_saturate(((product + round) >> 15) + (s16)vc.h[i], INT16_MIN, INT16_MAX, &sat); \
        }                                                                                                      \
        vmx_set_sat(cpu, sat);                                                                                 \
        *VR(RT) = vt;                                                                                          \
    }

MULTIPLY_HIGH_ADD(vmhaddshs, 0)
MULTIPLY_HIGH_ADD(vmhraddshs, 0x4000)

EXEC(vmladduhm)
{
    const union vsr va = *VR(RA), vb = *VR(RB), vc = *VR(RC);
    union vsr vt;
    for (unsigned i = 0; i < 8; i++)
        vt.h[i] = (u16)((u32)va.h[i] * vb.h[i] + vc.h[i]);
    *VR(RT) = vt;
}

// Each word of VRC plus the products of the elements of VRA and VRB in that word.
#define MULTIPLY_SUM(id, type_a, type_b, type_c, f, finish)                              \
    EXEC(id)                                                                             \
    {                                                                                    \
        const union vsr va = *VR(RA), vb = *VR(RB), vc = *VR(RC);                        \
        union vsr vt;                                                                    \
        bool sat = false;                                                                \
        for (unsigned i = 0; i < 4; i++) {                                               \
            s64 sum = (type_c)vc.w[i];                                                   \
            for (unsigned j = i * VMX_LANES(f) / 4; j < (i + 1) * VMX_LANES(f) / 4; j++) \
                sum += (s64)(type_a)va.f[j] * (type_b)vb.f[j];                           \
            vt.w[i] = (u32)(finish);                                                     \
        }                                                                                \
        vmx_set_sat(cpu, sat);                                                           \
        *VR(RT) = vt;                                                                    \
    }

MULTIPLY_SUM(vmsumubm, u8, u8, u32, b, sum)
MULTIPLY_SUM(vmsummbm, s8, u8, s32, b, sum)
MULTIPLY_SUM(vmsumshm, s16, s16, s32, h, sum)
MULTIPLY_SUM(vmsumuhm, u16, u16, u32, h, sum)
MULTIPLY_SUM(vmsumshs, s16, s16, s32, h, vmx_saturate(sum, INT32_MIN, INT32_MAX, &sat))
MULTIPLY_SUM(vmsumuhs, u16, u16, u32, h, vmx_saturate(sum, 0, UINT32_MAX, &sat))

EXEC(vmsumudm)
{
    const union vsr va = *VR(RA), vb = *VR(RB);
    VR(RT)->q = (u128)va.d[0] * vb.d[0] + (u128)va.d[1] * vb.d[1] + VR(RC)->q;
}

// Sums across: `words` words of VRA to one word of VRB, the rightmost of its group; the group's other words become zero.
static inline void sum_words(struct cpu *cpu, u32 insn, unsigned words)
{
    const union vsr va = *VR(RA), vb = *VR(RB);
    union vsr vt = {.q = 0};
    bool sat = false;
    for (unsigned i = 0; i < 4; i += words) {
        s64 sum = (s32)vb.w[i];
        for (unsigned j = 0; j < words; j++)
            sum += (s32)va.w[i + j];
        vt.w[i] = (u32)vmx_saturate(sum, INT32_MIN, INT32_MAX, &sat);
    }
    vmx_set_sat(cpu, sat);
    *VR(RT) = vt;
}

EXEC(vsumsws)
{
    sum_words(cpu, insn, 4);
}

EXEC(vsum2sws)
{
    sum_words(cpu, insn, 2);
}

#define SUM_QUARTER(id, type, wide, f, low, high)                                        \
    EXEC(id)                                                                             \
    {                                                                                    \
        const union vsr va = *VR(RA), vb = *VR(RB);                                      \
        union vsr vt;                                                                    \
        bool sat = false;                                                                \
        for (unsigned i = 0; i < 4; i++) {                                               \
            s64 sum = (wide)vb.w[i];                                                     \
            for (unsigned j = i * VMX_LANES(f) / 4; j < (i + 1) * VMX_LANES(f) / 4; j++) \
                sum += (type)va.f[j];                                                    \
            vt.w[i] = (u32)vmx_saturate(sum, low, high, &sat);                           \
        }                                                                                \
        vmx_set_sat(cpu, sat);                                                           \
        *VR(RT) = vt;                                                                    \
    }

SUM_QUARTER(vsum4sbs, s8, s32, b, INT32_MIN, INT32_MAX)
SUM_QUARTER(vsum4shs, s16, s32, h, INT32_MIN, INT32_MAX)
SUM_QUARTER(vsum4ubs, u8, u32, b, 0, UINT32_MAX)

VMX_UNARY(vnegw, u32, w, -b)
VMX_UNARY(vnegd, u64, d, -b)
VMX_UNARY(vextsb2w, s8, w, b)
VMX_UNARY(vextsh2w, s16, w, b)
VMX_UNARY(vextsb2d, s8, d, b)
VMX_UNARY(vextsh2d, s16, d, b)
VMX_UNARY(vextsw2d, s32, d, b)

VMX_BINARY(vavgsb, s8, b, (a + b + 1) >> 1)
VMX_BINARY(vavgsh, s16, h, (a + b + 1) >> 1)
VMX_BINARY(vavgsw, s32, w, ((s64)a + b + 1) >> 1)
VMX_BINARY(vavgub, u8, b, (a + b + 1) >> 1)
VMX_BINARY(vavguh, u16, h, (a + b + 1) >> 1)
VMX_BINARY(vavguw, u32, w, ((u64)a + b + 1) >> 1)

VMX_BINARY(vabsdub, u8, b, a > b ? a - b : b - a)
VMX_BINARY(vabsduh, u16, h, a > b ? a - b : b - a)
VMX_BINARY(vabsduw, u32, w, a > b ? a - b : b - a)

#define MAX_MIN(suffix, type, f)                     \
    VMX_BINARY(vmax##suffix, type, f, a > b ? a : b) \
    VMX_BINARY(vmin##suffix, type, f, a < b ? a : b)

MAX_MIN(sb, s8, b)
MAX_MIN(sh, s16, h)
MAX_MIN(sw, s32, w)
MAX_MIN(sd, s64, d)
MAX_MIN(ub, u8, b)
MAX_MIN(uh, u16, h)
MAX_MIN(uw, u32, w)
MAX_MIN(ud, u64, d)
