// SPDX-License-Identifier: Apache-2.0
// Logic, counting, rotates and shifts, decimal assist. ISA I "Fixed-Point Logical Instructions" and following.
#include "cpu/exec/fixed_int.h"

#define SH  INSN_FIELD(16, 20)
#define SH6 (INSN_FIELD(30, 30) << 5 | INSN_FIELD(16, 20))
#define MB6 (INSN_FIELD(26, 26) << 5 | INSN_FIELD(21, 25))

EXEC_PURE(andi_r)
{
    u64 v = GPR(RS) & UI;
    GPR(RA) = v;
    set_cr0(cpu, v);
}

EXEC_PURE(andis_r)
{
    u64 v = GPR(RS) & UI << 16;
    GPR(RA) = v;
    set_cr0(cpu, v);
}

EXEC_PURE(ori)
{
    GPR(RA) = GPR(RS) | UI;
}

EXEC_PURE(oris)
{
    GPR(RA) = GPR(RS) | UI << 16;
}

EXEC_PURE(xori)
{
    GPR(RA) = GPR(RS) ^ UI;
}

EXEC_PURE(xoris)
{
    GPR(RA) = GPR(RS) ^ UI << 16;
}

// RA = expression of s (RS) and b (RB), with Rc.
#define EXEC_LOGIC(id, expression)    \
    EXEC_PURE(id)                     \
    {                                 \
        u64 s = GPR(RS), b = GPR(RB); \
        u64 v = (u64)(expression);    \
        GPR(RA) = v;                  \
        record(cpu, insn, v);         \
    }

EXEC_LOGIC(and, s &b)
EXEC_LOGIC(xor, s ^ b)
EXEC_LOGIC(nand, ~(s &b))
EXEC_LOGIC(or, s | b)
EXEC_LOGIC(nor, ~(s | b))
EXEC_LOGIC(eqv, ~(s ^ b))
EXEC_LOGIC(andc, s & ~b)
EXEC_LOGIC(orc, s | ~b)

#define EXEC_UNARY(id, expression) \
    EXEC_PURE(id)                  \
    {                              \
        u64 s = GPR(RS);           \
        u64 v = (u64)(expression); \
        GPR(RA) = v;               \
        record(cpu, insn, v);      \
    }

EXEC_UNARY(extsb, (s64)(s8)s)
EXEC_UNARY(extsh, (s64)(s16)s)
EXEC_UNARY(extsw, (s64)(s32)s)
EXEC_UNARY(cntlzw, clz32((u32)s))
EXEC_UNARY(cntlzd, clz64(s))
EXEC_UNARY(cnttzw, ctz32((u32)s))
EXEC_UNARY(cnttzd, ctz64(s))

EXEC_PURE(cmpb)
{
    u64 x = GPR(RS) ^ GPR(RB), v = 0;
    for (unsigned i = 0; i < 64; i += 8)
        v |= x >> i & 0xff ? 0 : 0xffull << i;
    GPR(RA) = v;
}

// Ones in each field of `bits` bits, by adding neighbours.
static inline u64 popcount_fields(u64 v, unsigned bits)
{
    v -= v >> 1 & 0x5555555555555555ull;
    v = (v & 0x3333333333333333ull) + (v >> 2 & 0x3333333333333333ull);
    v = (v + (v >> 4)) & 0x0f0f0f0f0f0f0f0full;
    if (bits == 8)
        return v;
    v += v >> 8;
    v += v >> 16;
    if (bits == 32)
        return v & 0x0000003f0000003full;
    return (v + (v >> 32)) & 0x7f;
}

EXEC_PURE(popcntb)
{
    GPR(RA) = popcount_fields(GPR(RS), 8);
}

EXEC_PURE(popcntw)
{
    GPR(RA) = popcount_fields(GPR(RS), 32);
}

EXEC_PURE(popcntd)
{
    GPR(RA) = popcount_fields(GPR(RS), 64);
}

// Parity of the least significant bits of the bytes.
EXEC_PURE(prtyw)
{
    u64 v = GPR(RS);
    v ^= v >> 8;
    v ^= v >> 16;
    GPR(RA) = v & 0x0000000100000001ull;
}

EXEC_PURE(prtyd)
{
    u64 v = GPR(RS);
    v ^= v >> 8;
    v ^= v >> 16;
    v ^= v >> 32;
    GPR(RA) = v & 1;
}

EXEC_PURE(bpermd)
{
    u64 s = GPR(RS), b = GPR(RB), v = 0;
    for (unsigned i = 0; i < 8; i++) {
        unsigned index = s >> (8 * i) & 0xff;
        if (index < 64)
            v |= (b >> (63 - index) & 1) << i;
    }
    GPR(RA) = v;
}

// ROTL32 works on the low word twice: the mask may wrap into the upper one.
static inline u64 rotl32_twice(u64 s, unsigned n)
{
    u32 r = rotl32((u32)s, n);
    return (u64)r << 32 | r;
}

// MASK(MB+32, ME+32) by the ten instruction bits MB||ME: the most frequent of all rotates is worth a table.
#define FROM_BIT(mb)      (0xffffffffull >> (mb))
#define UPTO_BIT(me)      (~0ull << (31 - (me)))
#define WORD_MASK(mb, me) ((mb) <= (me) ? FROM_BIT(mb) & UPTO_BIT(me) : FROM_BIT(mb) | UPTO_BIT(me))
#define MASKS4(mb, me)    WORD_MASK(mb, me), WORD_MASK(mb, (me) + 1), WORD_MASK(mb, (me) + 2), WORD_MASK(mb, (me) + 3)
#define MASKS16(mb, me)   MASKS4(mb, me), MASKS4(mb, (me) + 4), MASKS4(mb, (me) + 8), MASKS4(mb, (me) + 12)
#define MASKS32(mb)       MASKS16(mb, 0), MASKS16(mb, 16)
#define MASKS128(mb)      MASKS32(mb), MASKS32((mb) + 1), MASKS32((mb) + 2), MASKS32((mb) + 3)

static const u64 word_masks[1024] = {
    MASKS128(0), MASKS128(4), MASKS128(8), MASKS128(12), MASKS128(16), MASKS128(20), MASKS128(24), MASKS128(28),
};

static inline u64 word_mask(u32 insn)
{
    return word_masks[INSN_FIELD(21, 30)];
}

EXEC_PURE(rlwinm)
{
    u64 v = rotl32_twice(GPR(RS), SH) & word_mask(insn);
    GPR(RA) = v;
    record(cpu, insn, v);
}

EXEC_PURE(rlwimi)
{
    u64 m = word_mask(insn);
    u64 v = (rotl32_twice(GPR(RS), SH) & m) | (GPR(RA) & ~m);
    GPR(RA) = v;
    record(cpu, insn, v);
}

EXEC_PURE(rlwnm)
{
    u64 v = rotl32_twice(GPR(RS), (unsigned)GPR(RB) & 31) & word_mask(insn);
    GPR(RA) = v;
    record(cpu, insn, v);
}

EXEC_PURE(rldicl)
{
    u64 v = rotl64(GPR(RS), SH6) & ~0ull >> MB6;
    GPR(RA) = v;
    record(cpu, insn, v);
}

EXEC_PURE(rldicr)
{
    u64 v = rotl64(GPR(RS), SH6) & ~0ull << (63 - MB6);
    GPR(RA) = v;
    record(cpu, insn, v);
}

EXEC_PURE(rldic)
{
    u64 v = rotl64(GPR(RS), SH6) & mask64(MB6, 63 - SH6);
    GPR(RA) = v;
    record(cpu, insn, v);
}

EXEC_PURE(rldimi)
{
    u64 m = mask64(MB6, 63 - SH6);
    u64 v = (rotl64(GPR(RS), SH6) & m) | (GPR(RA) & ~m);
    GPR(RA) = v;
    record(cpu, insn, v);
}

EXEC_PURE(rldcl)
{
    u64 v = rotl64(GPR(RS), (unsigned)GPR(RB) & 63) & ~0ull >> MB6;
    GPR(RA) = v;
    record(cpu, insn, v);
}

EXEC_PURE(rldcr)
{
    u64 v = rotl64(GPR(RS), (unsigned)GPR(RB) & 63) & ~0ull << (63 - MB6);
    GPR(RA) = v;
    record(cpu, insn, v);
}

// Shift amounts have one bit more than the width: beyond it nothing (or only the sign) is left.
EXEC_LOGIC(slw, b & 0x20 ? 0 : (u32)((u32)s << (b & 31)))
EXEC_LOGIC(srw, b & 0x20 ? 0 : (u32)s >> (b & 31))
EXEC_LOGIC(sld, b & 0x40 ? 0 : s << (b & 63))
EXEC_LOGIC(srd, b & 0x40 ? 0 : s >> (b & 63))

// Arithmetic shift right of a word or doubleword value by n; CA tells of ones lost from a negative value.
static inline void shift_right_algebraic(struct cpu *cpu, u32 insn, s64 value, unsigned n)
{
    s64 v = value >> (n > 63 ? 63 : n);
    u64 lost = n > 63 ? ~0ull : ~(~0ull << n);
    set_ca_both(cpu, value < 0 && (u64)value & lost);
    GPR(RA) = (u64)v;
    record(cpu, insn, (u64)v);
}

EXEC_PURE(sraw)
{
    shift_right_algebraic(cpu, insn, (s32)GPR(RS), (unsigned)GPR(RB) & 63);
}

EXEC_PURE(srawi)
{
    shift_right_algebraic(cpu, insn, (s32)GPR(RS), SH);
}

EXEC_PURE(srad)
{
    shift_right_algebraic(cpu, insn, (s64)GPR(RS), (unsigned)GPR(RB) & 127);
}

EXEC_PURE(sradi)
{
    shift_right_algebraic(cpu, insn, (s64)GPR(RS), SH6);
}

EXEC_PURE(extswsli)
{
    u64 v = (u64)(s64)(s32)GPR(RS) << SH6;
    GPR(RA) = v;
    record(cpu, insn, v);
}

// ISA I "Densely Packed Decimal": one declet of ten bits (b0 = most significant) and three BCD digits.
static u32 declet_to_bcd(u32 d)
{
    u32 pqr = d >> 7 & 7, stu = d >> 4 & 7, wxy = d & 7;
    if (!(d & 8))
        return pqr << 8 | stu << 4 | wxy;
    u32 small_p = pqr & 6, small_s = stu & 6; // pq, st
    u32 r = pqr & 1, u = stu & 1, y = wxy & 1;
    switch (wxy >> 1) {
    case 0: return pqr << 8 | stu << 4 | (8 | y);
    case 1: return pqr << 8 | (8 | u) << 4 | (small_s | y);
    case 2: return (8 | r) << 8 | stu << 4 | (small_p | y);
    default: break;
    }
    switch (stu >> 1) {
    case 0: return (8 | r) << 8 | (8 | u) << 4 | (small_p | y);
    case 1: return (8 | r) << 8 | (small_p | u) << 4 | (8 | y);
    case 2: return pqr << 8 | (8 | u) << 4 | (8 | y);
    default: return (8 | r) << 8 | (8 | u) << 4 | (8 | y);
    }
}

static u32 bcd_to_declet(u32 bcd)
{
    u32 a = bcd >> 8 & 15, b = bcd >> 4 & 15, c = bcd & 15;
    u32 r = a & 1, u = b & 1, y = c & 1;
    switch ((a >> 3) << 2 | (b >> 3) << 1 | c >> 3) {
    case 0: return (a & 7) << 7 | (b & 7) << 4 | (c & 7);
    case 1: return (a & 7) << 7 | (b & 7) << 4 | 8 | y;
    case 2: return (a & 7) << 7 | ((c & 6) | u) << 4 | 10 | y;
    case 3: return (a & 7) << 7 | (4 | u) << 4 | 14 | y;
    case 4: return ((c & 6) | r) << 7 | (b & 7) << 4 | 12 | y;
    case 5: return ((b & 6) | r) << 7 | (2 | u) << 4 | 14 | y;
    case 6: return ((c & 6) | r) << 7 | u << 4 | 14 | y;
    default: return r << 7 | (6 | u) << 4 | 14 | y;
    }
}

EXEC_PURE(cdtbcd)
{
    u64 s = GPR(RS), v = 0;
    for (unsigned half = 0; half < 64; half += 32)
        v |= (u64)(declet_to_bcd(s >> (half + 10) & 0x3ff) << 12 | declet_to_bcd(s >> half & 0x3ff)) << half;
    GPR(RA) = v;
}

EXEC_PURE(cbcdtd)
{
    u64 s = GPR(RS), v = 0;
    for (unsigned half = 0; half < 64; half += 32)
        v |= (u64)(bcd_to_declet(s >> (half + 12) & 0xfff) << 10 | bcd_to_declet(s >> half & 0xfff)) << half;
    GPR(RA) = v;
}
