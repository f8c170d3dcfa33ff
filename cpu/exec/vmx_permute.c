// SPDX-License-Identifier: Apache-2.0
// What moves vector elements about: pack, unpack, merge, splat, permute, select, shift, extract, insert.
// ISA I "Vector Permute and Formatting Instructions", "Vector Bit Permute", "Vector Gather".
#include "cpu/exec/vmx_lanes.h"

// Pack: the elements of VRA become the high half of the result, those of VRB the low half. `sf` are the source's elements, `f`
// the result's.
#define PACK(id, sf, f)                                         \
    EXEC(id)                                                    \
    {                                                           \
        const union vsr va = *VR(RA), vb = *VR(RB);             \
        union vsr vt;                                           \
        for (unsigned i = 0; i < VMX_LANES(sf); i++) {          \
            vt.f[i] = (VMX_ELEMENT(f))vb.sf[i];                 \
            vt.f[VMX_LANES(sf) + i] = (VMX_ELEMENT(f))va.sf[i]; \
        }                                                       \
        *VR(RT) = vt;                                           \
    }

#define PACK_SAT(id, type, sf, f, saturate, low, high)                                           \
    EXEC(id)                                                                                     \
    {                                                                                            \
        const union vsr va = *VR(RA), vb = *VR(RB);                                              \
        union vsr vt;                                                                            \
        bool sat = false;                                                                        \
        for (unsigned i = 0; i < VMX_LANES(sf); i++) {                                           \
            vt.f[i] = (VMX_ELEMENT(f))saturate((type)vb.sf[i], low, high, &sat);                 \
            vt.f[VMX_LANES(sf) + i] = (VMX_ELEMENT(f))saturate((type)va.sf[i], low, high, &sat); \
        }                                                                                        \
        vmx_set_sat(cpu, sat);                                                                   \
        *VR(RT) = vt;                                                                            \
    }

static inline u64 saturate_unsigned(u64 v, u64 low, u64 high, bool *sat)
{
    *sat |= v > high;
    return v > high ? high : v;
}

PACK(vpkuhum, h, b)
PACK(vpkuwum, w, h)
PACK(vpkudum, d, w)
PACK_SAT(vpkshss, s16, h, b, vmx_saturate, INT8_MIN, INT8_MAX)
PACK_SAT(vpkshus, s16, h, b, vmx_saturate, 0, UINT8_MAX)
PACK_SAT(vpkswss, s32, w, h, vmx_saturate, INT16_MIN, INT16_MAX)
PACK_SAT(vpkswus, s32, w, h, vmx_saturate, 0, UINT16_MAX)
PACK_SAT(vpksdss, s64, d, w, vmx_saturate, INT32_MIN, INT32_MAX)
PACK_SAT(vpksdus, s64, d, w, vmx_saturate, 0, UINT32_MAX)
PACK_SAT(vpkuhus, u16, h, b, saturate_unsigned, 0, UINT8_MAX)
PACK_SAT(vpkuwus, u32, w, h, saturate_unsigned, 0, UINT16_MAX)
PACK_SAT(vpkudus, u64, d, w, saturate_unsigned, 0, UINT32_MAX)

// 8:8:8:8 pixels to 1:5:5:5 and back.
static inline u16 pixel_pack(u32 w)
{
    return (u16)((w >> 24 & 1) << 15 | (w >> 19 & 31) << 10 | (w >> 11 & 31) << 5 | (w >> 3 & 31));
}

static inline u32 pixel_unpack(u16 h)
{
    return (h & 0x8000 ? 0xff000000u : 0) | (h >> 10 & 31u) << 16 | (h >> 5 & 31u) << 8 | (h & 31u);
}

EXEC(vpkpx)
{
    const union vsr va = *VR(RA), vb = *VR(RB);
    union vsr vt;
    for (unsigned i = 0; i < 4; i++) {
        vt.h[i] = pixel_pack(vb.w[i]);
        vt.h[4 + i] = pixel_pack(va.w[i]);
    }
    *VR(RT) = vt;
}

// Unpack: each element of the high (first = half of the lanes) or low half of VRB, widened by `widen`.
#define UNPACK(id, sf, f, first, widen)                        \
    EXEC(id)                                                   \
    {                                                          \
        const union vsr vb = *VR(RB);                          \
        union vsr vt;                                          \
        for (unsigned i = 0; i < VMX_LANES(f); i++)            \
            vt.f[i] = (VMX_ELEMENT(f))widen(vb.sf[first + i]); \
        *VR(RT) = vt;                                          \
    }

UNPACK(vupkhpx, h, w, 4, pixel_unpack)
UNPACK(vupklpx, h, w, 0, pixel_unpack)
UNPACK(vupkhsb, b, h, 8, (s8))
UNPACK(vupklsb, b, h, 0, (s8))
UNPACK(vupkhsh, h, w, 4, (s16))
UNPACK(vupklsh, h, w, 0, (s16))
UNPACK(vupkhsw, w, d, 2, (s64)(s32))
UNPACK(vupklsw, w, d, 0, (s64)(s32))

// Merge: elements of VRA and VRB alternate, VRA's first (in the higher half of each pair).
#define MERGE(id, f, first)                               \
    EXEC(id)                                              \
    {                                                     \
        const union vsr va = *VR(RA), vb = *VR(RB);       \
        union vsr vt;                                     \
        for (unsigned i = 0; i < VMX_LANES(f) / 2; i++) { \
            vt.f[2 * i] = vb.f[first + i];                \
            vt.f[2 * i + 1] = va.f[first + i];            \
        }                                                 \
        *VR(RT) = vt;                                     \
    }

MERGE(vmrghb, b, 8)
MERGE(vmrglb, b, 0)
MERGE(vmrghh, h, 4)
MERGE(vmrglh, h, 0)
MERGE(vmrghw, w, 2)
MERGE(vmrglw, w, 0)

EXEC(vmrgew)
{
    const union vsr va = *VR(RA), vb = *VR(RB);
    *VR(RT) = (union vsr){.w = {vb.w[1], va.w[1], vb.w[3], va.w[3]}};
}

EXEC(vmrgow)
{
    const union vsr va = *VR(RA), vb = *VR(RB);
    *VR(RT) = (union vsr){.w = {vb.w[0], va.w[0], vb.w[2], va.w[2]}};
}

#define SPLAT(id, f, value)                         \
    EXEC(id)                                        \
    {                                               \
        VMX_ELEMENT(f) v = (VMX_ELEMENT(f))(value); \
        for (unsigned i = 0; i < VMX_LANES(f); i++) \
            VR(RT)->f[i] = v;                       \
    }

#define SIM5 sext64(INSN_FIELD(11, 15), 5)

SPLAT(vspltb, b, VSR_B(VR(RB), INSN_FIELD(12, 15)))
SPLAT(vsplth, h, VSR_H(VR(RB), INSN_FIELD(13, 15)))
SPLAT(vspltw, w, VSR_W(VR(RB), INSN_FIELD(14, 15)))
SPLAT(vspltisb, b, SIM5)
SPLAT(vspltish, h, SIM5)
SPLAT(vspltisw, w, SIM5)

// Byte element k of VRA || VRB is at [31 - k] of the host bytes VRB, VRA.
EXEC(vperm)
{
    const union vsr source[2] = {*VR(RB), *VR(RA)}, control = *VR(RC);
    const u8 *bytes = source[0].b;
    union vsr vt;
    for (unsigned i = 0; i < 16; i++)
        vt.b[i] = bytes[~control.b[i] & 31];
    *VR(RT) = vt;
}

EXEC(vpermr)
{
    const union vsr source[2] = {*VR(RB), *VR(RA)}, control = *VR(RC);
    const u8 *bytes = source[0].b;
    union vsr vt;
    for (unsigned i = 0; i < 16; i++)
        vt.b[i] = bytes[control.b[i] & 31];
    *VR(RT) = vt;
}

EXEC(vsel)
{
    u128 select = VR(RC)->q;
    VR(RT)->q = (VR(RA)->q & ~select) | (VR(RB)->q & select);
}

// Defined when all bytes of VRB hold the same count; the last one decides.
EXEC(vsl)
{
    VR(RT)->q = VR(RA)->q << (VSR_B(VR(RB), 15) & 7);
}

EXEC(vsr)
{
    VR(RT)->q = VR(RA)->q >> (VSR_B(VR(RB), 15) & 7);
}

EXEC(vslo)
{
    VR(RT)->q = VR(RA)->q << (VSR_B(VR(RB), 15) & 0x78);
}

EXEC(vsro)
{
    VR(RT)->q = VR(RA)->q >> (VSR_B(VR(RB), 15) & 0x78);
}

EXEC(vsldoi)
{
    unsigned shift = 8 * INSN_FIELD(22, 25);
    u128 a = VR(RA)->q, b = VR(RB)->q;
    VR(RT)->q = shift ? a << shift | b >> (128 - shift) : a;
}

// Each byte shifts in the bits of its neighbour; host byte i + 1 is the one to the left.
EXEC(vslv)
{
    const union vsr va = *VR(RA), vb = *VR(RB);
    union vsr vt;
    for (unsigned i = 0; i < 16; i++) {
        unsigned right = i ? va.b[i - 1] : 0;
        vt.b[i] = (u8)(((unsigned)va.b[i] << 8 | right) >> (8 - (vb.b[i] & 7)));
    }
    *VR(RT) = vt;
}

EXEC(vsrv)
{
    const union vsr va = *VR(RA), vb = *VR(RB);
    union vsr vt;
    for (unsigned i = 0; i < 16; i++) {
        unsigned left = i < 15 ? va.b[i + 1] : 0;
        vt.b[i] = (u8)((left << 8 | va.b[i]) >> (vb.b[i] & 7));
    }
    *VR(RT) = vt;
}

// `size` bytes from byte element `first` on; past the end of the register (undefined) they are zeros.
static inline u64 extract(u128 v, unsigned first, unsigned size)
{
    return (u64)((v << 8 * first) >> (128 - 8 * size));
}

#define EXTRACT(id, size)                                                     \
    EXEC(id)                                                                  \
    {                                                                         \
        VR(RT)->q = (u128)extract(VR(RB)->q, INSN_FIELD(12, 15), size) << 64; \
    }

EXTRACT(vextractub, 1)
EXTRACT(vextractuh, 2)
EXTRACT(vextractuw, 4)
EXTRACT(vextractd, 8)

#define EXTRACT_INDEXED(size, left, right)                                             \
    EXEC(left)                                                                         \
    {                                                                                  \
        GPR(RT) = extract(VR(RB)->q, GPR(RA) & 15, size);                              \
    }                                                                                  \
    EXEC(right)                                                                        \
    {                                                                                  \
        GPR(RT) = (u64)(VR(RB)->q >> 8 * (GPR(RA) & 15)) & (~0ull >> (64 - 8 * size)); \
    }

EXTRACT_INDEXED(1, vextublx, vextubrx)
EXTRACT_INDEXED(2, vextuhlx, vextuhrx)
EXTRACT_INDEXED(4, vextuwlx, vextuwrx)

// The rightmost bytes of doubleword 0 replace those from byte element UIM on. What would go past the end is dropped (undefined).
#define INSERT(id, size)                                                                            \
    EXEC(id)                                                                                        \
    {                                                                                               \
        u128 keep = (u128)(~0ull >> (64 - 8 * size)) << (128 - 8 * size) >> 8 * INSN_FIELD(12, 15); \
        u128 value = (u128)VSR_D(VR(RB), 0) << (128 - 8 * size) >> 8 * INSN_FIELD(12, 15);          \
        VR(RT)->q = (VR(RT)->q & ~keep) | value;                                                    \
    }

INSERT(vinsertb, 1)
INSERT(vinserth, 2)
INSERT(vinsertw, 4)
INSERT(vinsertd, 8)

EXEC(vbpermq)
{
    const union vsr vb = *VR(RB);
    u128 a = VR(RA)->q;
    u64 bits = 0;
    for (unsigned i = 0; i < 16; i++) {
        unsigned index = VSR_B(&vb, i);
        bits = bits << 1 | (index < 128 ? (u64)(a >> (127 - index)) & 1 : 0);
    }
    VR(RT)->q = (u128)bits << 64;
}

EXEC(vbpermd)
{
    const union vsr va = *VR(RA), vb = *VR(RB);
    union vsr vt;
    for (unsigned i = 0; i < 2; i++) {
        u64 bits = 0;
        for (unsigned j = 0; j < 8; j++) {
            unsigned index = vb.d[i] >> (56 - 8 * j) & 0xff;
            bits = bits << 1 | (index < 64 ? va.d[i] >> (63 - index) & 1 : 0);
        }
        vt.d[i] = bits;
    }
    *VR(RT) = vt;
}

// The 8x8 bit matrix of each doubleword, transposed.
EXEC(vgbbd)
{
    const union vsr vb = *VR(RB);
    union vsr vt;
    for (unsigned i = 0; i < 2; i++) {
        u64 x = vb.d[i], t;
        t = (x ^ x >> 7) & 0x00aa00aa00aa00aaull;
        x ^= t ^ t << 7;
        t = (x ^ x >> 14) & 0x0000cccc0000ccccull;
        x ^= t ^ t << 14;
        t = (x ^ x >> 28) & 0x00000000f0f0f0f0ull;
        x ^= t ^ t << 28;
        vt.d[i] = x;
    }
    *VR(RT) = vt;
}
