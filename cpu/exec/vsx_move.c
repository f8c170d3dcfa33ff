// SPDX-License-Identifier: Apache-2.0
// VSX logical, permute and byte-reverse instructions, and moves between general and vector-scalar registers.
// ISA I "VSX Vector Logical", "VSX Vector Permute and Formatting", "Move To/From Vector-Scalar Register Instructions".
#include "cpu/exec/exec.h"

#define LOGICAL(id, expr)                          \
    EXEC(id)                                       \
    {                                              \
        const u128 a = VSR(XA)->q, b = VSR(XB)->q; \
        VSR(XT)->q = (expr);                       \
    }

LOGICAL(xxland, (a & b))
LOGICAL(xxlandc, a & ~b)
LOGICAL(xxleqv, ~(a ^ b))
LOGICAL(xxlnand, ~(a &b))
LOGICAL(xxlnor, ~(a | b))
LOGICAL(xxlor, a | b)
LOGICAL(xxlorc, a | ~b)
LOGICAL(xxlxor, a ^ b)

EXEC(xxsel)
{
    u128 select = VSR(XC)->q;
    VSR(XT)->q = (VSR(XA)->q & ~select) | (VSR(XB)->q & select);
}

EXEC(xxmrghw)
{
    const union vsr a = *VSR(XA), b = *VSR(XB);
    *VSR(XT) = (union vsr){.w = {b.w[2], a.w[2], b.w[3], a.w[3]}};
}

EXEC(xxmrglw)
{
    const union vsr a = *VSR(XA), b = *VSR(XB);
    *VSR(XT) = (union vsr){.w = {b.w[0], a.w[0], b.w[1], a.w[1]}};
}

EXEC(xxpermdi)
{
    unsigned dm = INSN_FIELD(22, 23);
    u64 high = VSR_D(VSR(XA), dm >> 1), low = VSR_D(VSR(XB), dm & 1);
    VSR(XT)->q = (u128)high << 64 | low;
}

EXEC(xxsldwi)
{
    unsigned shift = 32 * INSN_FIELD(22, 23);
    u128 a = VSR(XA)->q, b = VSR(XB)->q;
    VSR(XT)->q = shift ? a << shift | b >> (128 - shift) : a;
}

// Byte element k of XA || XT is at [31 - k] of the host bytes XT, XA.
static inline void permute(struct cpu *cpu, u32 insn, unsigned reverse)
{
    const union vsr source[2] = {*VSR(XT), *VSR(XA)}, control = *VSR(XB);
    const u8 *bytes = source[0].b;
    union vsr v;
    for (unsigned i = 0; i < 16; i++)
        v.b[i] = bytes[(control.b[i] ^ reverse) & 31];
    *VSR(XT) = v;
}

EXEC(xxperm)
{
    permute(cpu, insn, 31);
}

EXEC(xxpermr)
{
    permute(cpu, insn, 0);
}

EXEC(xxspltw)
{
    u32 v = VSR_W(VSR(XB), INSN_FIELD(14, 15));
    *VSR(XT) = (union vsr){.w = {v, v, v, v}};
}

EXEC(xxspltib)
{
    u64 v = INSN_FIELD(13, 20) * 0x0101010101010101ull;
    *VSR(XT) = (union vsr){.d = {v, v}};
}

#define BYTE_REVERSE(id, f, bits)                          \
    EXEC(id)                                               \
    {                                                      \
        const union vsr b = *VSR(XB);                      \
        for (unsigned i = 0; i < ARRAY_LEN(b.f); i++)      \
            VSR(XT)->f[i] = __builtin_bswap##bits(b.f[i]); \
    }

BYTE_REVERSE(xxbrh, h, 16)
BYTE_REVERSE(xxbrw, w, 32)
BYTE_REVERSE(xxbrd, d, 64)

EXEC(xxbrq)
{
    VSR(XT)->q = swap128(VSR(XB)->q);
}

// A word from any byte element on; past the end (undefined) come zeros.
EXEC(xxextractuw)
{
    u64 v = (u64)((VSR(XB)->q << 8 * INSN_FIELD(12, 15)) >> 96);
    VSR(XT)->q = (u128)v << 64;
}

EXEC(xxinsertw)
{
    unsigned at = 8 * INSN_FIELD(12, 15);
    u128 mask = (u128)0xffffffffu << 96 >> at, value = (u128)VSR_W(VSR(XB), 1) << 96 >> at;
    VSR(XT)->q = (VSR(XT)->q & ~mask) | value;
}

// Doubleword 1 is undefined after the moves to doubleword 0; it becomes zero.
EXEC(mfvsrd)
{
    GPR(RA) = VSR_D(VSR(XS), 0);
}

EXEC(mfvsrld)
{
    GPR(RA) = VSR_D(VSR(XS), 1);
}

EXEC(mfvsrwz)
{
    GPR(RA) = VSR_W(VSR(XS), 1);
}

EXEC(mtvsrd)
{
    VSR(XT)->q = (u128)GPR(RA) << 64;
}

EXEC(mtvsrwa)
{
    VSR(XT)->q = (u128)(u64)(s64)(s32)GPR(RA) << 64;
}

EXEC(mtvsrwz)
{
    VSR(XT)->q = (u128)(u32)GPR(RA) << 64;
}

EXEC(mtvsrdd)
{
    VSR(XT)->q = (u128)ra_or_zero(cpu, insn) << 64 | GPR(RB);
}

EXEC(mtvsrws)
{
    u32 v = (u32)GPR(RA);
    *VSR(XT) = (union vsr){.w = {v, v, v, v}};
}
