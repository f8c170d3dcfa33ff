// SPDX-License-Identifier: Apache-2.0
// Generators of element-wise vector semantics. An element's position does not matter to most of them, so they walk the
// host's order; what depends on the order uses VSR_B and its relatives, in the ISA's.
//
// `f` is the member of union vsr with the element's size (b h w d), `type` the C type that an element is seen as.
#ifndef CPU_EXEC_VMX_LANES_H
#define CPU_EXEC_VMX_LANES_H

#include "cpu/exec/exec.h"

#define VMX_LANES(f)   ARRAY_LEN(((union vsr *)0)->f)
#define VMX_ELEMENT(f) __typeof__(((union vsr *)0)->f[0])

// VRT[i] = expr of a = VRA[i] and b = VRB[i].
#define VMX_BINARY(id, type, f, expr)                        \
    EXEC(id)                                                 \
    {                                                        \
        const union vsr va = *VR(RA), vb = *VR(RB);          \
        union vsr vt;                                        \
        for (unsigned i = 0; i < VMX_LANES(f); i++) {        \
            const type a = (type)va.f[i], b = (type)vb.f[i]; \
            vt.f[i] = (VMX_ELEMENT(f))(expr);                \
        }                                                    \
        *VR(RT) = vt;                                        \
    }

// VRT[i] = expr of b = VRB[i].
#define VMX_UNARY(id, type, f, expr)                  \
    EXEC(id)                                          \
    {                                                 \
        const union vsr vb = *VR(RB);                 \
        union vsr vt;                                 \
        for (unsigned i = 0; i < VMX_LANES(f); i++) { \
            const type b = (type)vb.f[i];             \
            vt.f[i] = (VMX_ELEMENT(f))(expr);         \
        }                                             \
        *VR(RT) = vt;                                 \
    }

// The same as VMX_BINARY with the 64-bit result saturated to low..high; VSCR[SAT] records that it was.
#define VMX_BINARY_SAT(id, type, f, low, high, expr)                       \
    EXEC(id)                                                               \
    {                                                                      \
        const union vsr va = *VR(RA), vb = *VR(RB);                        \
        union vsr vt;                                                      \
        bool sat = false;                                                  \
        for (unsigned i = 0; i < VMX_LANES(f); i++) {                      \
            const s64 a = (type)va.f[i], b = (type)vb.f[i];                \
            vt.f[i] = (VMX_ELEMENT(f))vmx_saturate(expr, low, high, &sat); \
        }                                                                  \
        vmx_set_sat(cpu, sat);                                             \
        *VR(RT) = vt;                                                      \
    }

static inline s64 vmx_saturate(s64 v, s64 low, s64 high, bool *sat)
{
    *sat |= v < low || v > high;
    return v < low ? low : v > high ? high : v;
}

static inline void vmx_set_sat(struct cpu *cpu, bool sat)
{
    if (sat)
        cpu->vscr |= VSCR_SAT;
}

// CR6 of the recording compares: bit 0 all elements true, bit 2 all false.
static inline void vmx_set_cr6(struct cpu *cpu, u128 mask)
{
    cpu->crf[6] = mask == ~(u128)0 ? CR_LT : mask == 0 ? CR_EQ : 0;
}

#endif
