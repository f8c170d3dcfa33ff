// SPDX-License-Identifier: Apache-2.0
// Vector compares, logical operations, rotates, shifts and bit counts. ISA I "Vector Integer Compare Instructions",
// "Vector Logical Instructions", "Vector Integer Rotate and Shift Instructions", "Vector Count ..." and "Vector Population Count".
#include "cpu/exec/vmx_lanes.h"

// All ones where the condition holds; with Rc (bit 21) CR6 tells whether it held everywhere or nowhere.
#define COMPARE(id, type, f, condition)                         \
    EXEC(id)                                                    \
    {                                                           \
        const union vsr va = *VR(RA), vb = *VR(RB);             \
        union vsr vt;                                           \
        for (unsigned i = 0; i < VMX_LANES(f); i++) {           \
            const type a = (type)va.f[i], b = (type)vb.f[i];    \
            vt.f[i] = (condition) ? (VMX_ELEMENT(f)) ~0ull : 0; \
        }                                                       \
        *VR(RT) = vt;                                           \
        if (insn & PPC_BIT32(21))                               \
            vmx_set_cr6(cpu, vt.q);                             \
    }

COMPARE(vcmpequb, u8, b, a == b)
COMPARE(vcmpequh, u16, h, a == b)
COMPARE(vcmpequw, u32, w, a == b)
COMPARE(vcmpequd, u64, d, a == b)
COMPARE(vcmpgtsb, s8, b, a > b)
COMPARE(vcmpgtsh, s16, h, a > b)
COMPARE(vcmpgtsw, s32, w, a > b)
COMPARE(vcmpgtsd, s64, d, a > b)
COMPARE(vcmpgtub, u8, b, a > b)
COMPARE(vcmpgtuh, u16, h, a > b)
COMPARE(vcmpgtuw, u32, w, a > b)
COMPARE(vcmpgtud, u64, d, a > b)
COMPARE(vcmpneb, u8, b, a != b)
COMPARE(vcmpneh, u16, h, a != b)
COMPARE(vcmpnew, u32, w, a != b)
COMPARE(vcmpnezb, u8, b, a != b || !a || !b)
COMPARE(vcmpnezh, u16, h, a != b || !a || !b)
COMPARE(vcmpnezw, u32, w, a != b || !a || !b)

VMX_BINARY(vand, u64, d, a &b)
VMX_BINARY(vandc, u64, d, a & ~b)
VMX_BINARY(vor, u64, d, a | b)
VMX_BINARY(vorc, u64, d, a | ~b)
VMX_BINARY(vnor, u64, d, ~(a | b))
VMX_BINARY(vxor, u64, d, a ^ b)
VMX_BINARY(veqv, u64, d, ~(a ^ b))
VMX_BINARY(vnand, u64, d, ~(a &b))

VMX_BINARY(vrlb, u8, b, a << (b & 7) | a >> (-b & 7))
VMX_BINARY(vrlh, u16, h, a << (b & 15) | a >> (-b & 15))
VMX_BINARY(vrlw, u32, w, rotl32(a, b))
VMX_BINARY(vrld, u64, d, rotl64(a, b & 63))
VMX_BINARY(vslb, u8, b, a << (b & 7))
VMX_BINARY(vslh, u16, h, a << (b & 15))
VMX_BINARY(vslw, u32, w, a << (b & 31))
VMX_BINARY(vsld, u64, d, a << (b & 63))
VMX_BINARY(vsrb, u8, b, a >> (b & 7))
VMX_BINARY(vsrh, u16, h, a >> (b & 15))
VMX_BINARY(vsrw, u32, w, a >> (b & 31))
VMX_BINARY(vsrd, u64, d, a >> (b & 63))
VMX_BINARY(vsrab, s8, b, a >> (b & 7))
VMX_BINARY(vsrah, s16, h, a >> (b & 15))
VMX_BINARY(vsraw, s32, w, a >> (b & 31))
VMX_BINARY(vsrad, s64, d, a >> (b & 63))

// Rotate with mask: the element of VRB holds the mask's begin and end and the count, in its third, second and last byte.
static inline u32 rotate_mask32(u32 b)
{
    return (u32)mask64(32 + (b >> 16 & 31), 32 + (b >> 8 & 31));
}

static inline u64 rotate_mask64(u64 b)
{
    return mask64(b >> 16 & 63, b >> 8 & 63);
}

VMX_BINARY(vrlwnm, u32, w, rotl32(a, b) & rotate_mask32(b))
VMX_BINARY(vrldnm, u64, d, rotl64(a, b & 63) & rotate_mask64(b))

#define ROTATE_INSERT(id, bits, f)                                                   \
    EXEC(id)                                                                         \
    {                                                                                \
        const union vsr va = *VR(RA), vb = *VR(RB);                                  \
        union vsr vt = *VR(RT);                                                      \
        for (unsigned i = 0; i < VMX_LANES(f); i++) {                                \
            u##bits m = rotate_mask##bits(vb.f[i]);                                  \
            vt.f[i] = (rotl##bits(va.f[i], (unsigned)vb.f[i]) & m) | (vt.f[i] & ~m); \
        }                                                                            \
        *VR(RT) = vt;                                                                \
    }

ROTATE_INSERT(vrlwmi, 32, w)
ROTATE_INSERT(vrldmi, 64, d)

VMX_UNARY(vclzb, u8, b, clz32(b) - 24)
VMX_UNARY(vclzh, u16, h, clz32(b) - 16)
VMX_UNARY(vclzw, u32, w, clz32(b))
VMX_UNARY(vclzd, u64, d, clz64(b))
VMX_UNARY(vctzb, u8, b, ctz32(b | 0x100u))
VMX_UNARY(vctzh, u16, h, ctz32(b | 0x10000u))
VMX_UNARY(vctzw, u32, w, ctz32(b))
VMX_UNARY(vctzd, u64, d, ctz64(b))
VMX_UNARY(vpopcntb, u8, b, __builtin_popcount(b))
VMX_UNARY(vpopcnth, u16, h, __builtin_popcount(b))
VMX_UNARY(vpopcntw, u32, w, __builtin_popcount(b))
VMX_UNARY(vpopcntd, u64, d, __builtin_popcountll(b))

// Parity of the bytes' least significant bits.
VMX_UNARY(vprtybw, u32, w, __builtin_parity(b & 0x01010101u))
VMX_UNARY(vprtybd, u64, d, __builtin_parityll(b & 0x0101010101010101ull))

EXEC(vprtybq)
{
    const union vsr vb = *VR(RB);
    VR(RT)->q = (unsigned)__builtin_parityll((vb.d[0] ^ vb.d[1]) & 0x0101010101010101ull);
}

// Bytes before the first, or after the last, whose least significant bit is set.
EXEC(vclzlsbb)
{
    u64 ones = 0x0101010101010101ull, high = VSR_D(VR(RB), 0) & ones, low = VSR_D(VR(RB), 1) & ones;
    GPR(RT) = high ? clz64(high) / 8 : 8 + clz64(low) / 8;
}

EXEC(vctzlsbb)
{
    u64 ones = 0x0101010101010101ull, high = VSR_D(VR(RB), 0) & ones, low = VSR_D(VR(RB), 1) & ones;
    GPR(RT) = low ? ctz64(low) / 8 : 8 + ctz64(high) / 8;
}
