// SPDX-License-Identifier: Apache-2.0
// VSX loads and stores. ISA I "VSX Storage Access Instructions".
//
// Any alignment. Elements are loaded in the order of their addresses from element 0 on, each one in the current byte order; lxv, lxvx
// and lxvl see one quadword instead. What the ISA leaves undefined in the target (doubleword 1 of scalar loads) becomes zero.
#include "cpu/exec/exec.h"

static inline u64 vsx_ea(const struct cpu *cpu, u32 insn)
{
    return ra_or_zero(cpu, insn) + GPR(RB);
}

static inline u128 dword0(u64 v)
{
    return (u128)v << 64;
}

// ISA I "Floating-Point Load Instructions", DOUBLE(): widens without changing NaNs, hence no host conversion.
static inline u64 single_to_double(u32 w)
{
    u64 sign = (u64)(w & 0x80000000u) << 32, fraction = w & 0x7fffffu;
    unsigned exponent = w >> 23 & 0xff;
    if (exponent == 0xff)
        return sign | 0x7ff0000000000000ull | fraction << 29;
    if (exponent)
        return sign | (u64)(exponent + 896) << 52 | fraction << 29;
    if (!fraction)
        return sign;
    unsigned shift = clz64(fraction) - 40; // brings the leading one to the implied bit
    return sign | (u64)(897 - shift) << 52 | (fraction << (29 + shift) & 0xfffffffffffffull);
}

// ISA I "Floating-Point Store Instructions", SINGLE(): truncates; what single format cannot hold gives what these bits give.
static inline u32 double_to_single(u64 d)
{
    unsigned exponent = d >> 52 & 0x7ff;
    if (exponent > 896 || !(d << 1))
        return (u32)(d >> 32 & 0xc0000000u) | (u32)(d >> 29 & 0x3fffffffu);
    u64 significand = (d & 0xfffffffffffffull) | 0x10000000000000ull;
    unsigned shift = 29 + 897 - exponent;
    return (u32)(d >> 32 & 0x80000000u) | (shift < 64 ? (u32)(significand >> shift) : 0);
}

// Scalars: `v` is what was loaded, the value goes to doubleword 0.
#define LOAD_SCALAR(id, target, ea, bits, value) \
    EXEC(id)                                     \
    {                                            \
        u##bits v = mem_read##bits(cpu, ea);     \
        (target)->q = dword0(value);             \
    }

#define STORE_SCALAR(id, source, ea, bits, value) \
    EXEC(id)                                      \
    {                                             \
        const union vsr *v = (source);            \
        mem_write##bits(cpu, ea, value);          \
    }

#define EA_X  vsx_ea(cpu, insn)
#define EA_DS (ra_or_zero(cpu, insn) + (u64)DISP_DS)
#define EA_DQ (ra_or_zero(cpu, insn) + (u64)DISP_DQ)

LOAD_SCALAR(lxsdx, VSR(XT), EA_X, 64, v)
LOAD_SCALAR(lxsiwax, VSR(XT), EA_X, 32, (u64)(s32)v)
LOAD_SCALAR(lxsiwzx, VSR(XT), EA_X, 32, v)
LOAD_SCALAR(lxsibzx, VSR(XT), EA_X, 8, v)
LOAD_SCALAR(lxsihzx, VSR(XT), EA_X, 16, v)
LOAD_SCALAR(lxsspx, VSR(XT), EA_X, 32, single_to_double(v))
LOAD_SCALAR(lxsd, VR(RT), EA_DS, 64, v)
LOAD_SCALAR(lxssp, VR(RT), EA_DS, 32, single_to_double(v))

STORE_SCALAR(stxsdx, VSR(XS), EA_X, 64, VSR_D(v, 0))
STORE_SCALAR(stxsiwx, VSR(XS), EA_X, 32, VSR_W(v, 1))
STORE_SCALAR(stxsibx, VSR(XS), EA_X, 8, VSR_B(v, 7))
STORE_SCALAR(stxsihx, VSR(XS), EA_X, 16, VSR_H(v, 3))
STORE_SCALAR(stxsspx, VSR(XS), EA_X, 32, double_to_single(VSR_D(v, 0)))
STORE_SCALAR(stxsd, VR(RS), EA_DS, 64, VSR_D(v, 0))
STORE_SCALAR(stxssp, VR(RS), EA_DS, 32, double_to_single(VSR_D(v, 0)))

// Vectors of elements; `f` is the element's member of union vsr.
#define LOAD_STORE_ELEMENTS(load, store, bits, f)                               \
    EXEC(load)                                                                  \
    {                                                                           \
        u64 ea = EA_X;                                                          \
        union vsr v;                                                            \
        for (unsigned i = 0; i < 128 / bits; i++)                               \
            v.f[128 / bits - 1 - i] = mem_read##bits(cpu, ea + i * (bits / 8)); \
        *VSR(XT) = v;                                                           \
    }                                                                           \
    EXEC(store)                                                                 \
    {                                                                           \
        u64 ea = EA_X;                                                          \
        const union vsr v = *VSR(XS);                                           \
        for (unsigned i = 0; i < 128 / bits; i++)                               \
            mem_write##bits(cpu, ea + i * (bits / 8), v.f[128 / bits - 1 - i]); \
    }

LOAD_STORE_ELEMENTS(lxvd2x, stxvd2x, 64, d)
LOAD_STORE_ELEMENTS(lxvw4x, stxvw4x, 32, w)
LOAD_STORE_ELEMENTS(lxvh8x, stxvh8x, 16, h)
LOAD_STORE_ELEMENTS(lxvb16x, stxvb16x, 8, b)

EXEC(lxvdsx)
{
    u64 v = mem_read64(cpu, EA_X);
    VSR(XT)->q = dword0(v) | v;
}

EXEC(lxvwsx)
{
    u32 v = mem_read32(cpu, EA_X);
    *VSR(XT) = (union vsr){.w = {v, v, v, v}};
}

EXEC(lxv)
{
    VSR(XTQ)->q = mem_read128(cpu, EA_DQ);
}

EXEC(stxv)
{
    mem_write128(cpu, EA_DQ, VSR(XSQ)->q);
}

EXEC(lxvx)
{
    VSR(XT)->q = mem_read128(cpu, EA_X);
}

EXEC(stxvx)
{
    mem_write128(cpu, EA_X, VSR(XS)->q);
}

// With length: bits 0:7 of RB, 16 and more mean 16. lxvl and stxvl use the end of the register that the byte order suggests (least
// significant in little-endian), lxvll and stxvll always the left one.
static inline unsigned vsx_length(const struct cpu *cpu, u32 insn)
{
    u64 length = GPR(RB) >> 56;
    return length < 16 ? (unsigned)length : 16;
}

static void load_length(struct cpu *cpu, u32 insn, bool from_right)
{
    u64 ea = ra_or_zero(cpu, insn);
    unsigned length = vsx_length(cpu, insn);
    union vsr v = {.q = 0};
    if (length == 16) {
        v.q = mem_read128(cpu, ea);
        length = 0;
        if (!from_right && !cpu->be)
            v.q = swap128(v.q);
    }
    for (unsigned i = 0; i < length; i++)
        v.b[from_right ? i : 15 - i] = mem_read8(cpu, ea + i);
    *VSR(XT) = v;
}

static void store_length(struct cpu *cpu, u32 insn, bool from_right)
{
    u64 ea = ra_or_zero(cpu, insn);
    unsigned length = vsx_length(cpu, insn);
    const union vsr v = *VSR(XS);
    if (length == 16) {
        mem_write128(cpu, ea, !from_right && !cpu->be ? swap128(v.q) : v.q);
        return;
    }
    for (unsigned i = 0; i < length; i++)
        mem_write8(cpu, ea + i, v.b[from_right ? i : 15 - i]);
}

EXEC(lxvl)
{
    load_length(cpu, insn, !cpu->be);
}

EXEC(lxvll)
{
    load_length(cpu, insn, false);
}

EXEC(stxvl)
{
    store_length(cpu, insn, !cpu->be);
}

EXEC(stxvll)
{
    store_length(cpu, insn, false);
}
