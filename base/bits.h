// SPDX-License-Identifier: Apache-2.0
// Bits in IBM's numbering (bit 0 is the most significant one of a doubleword), rotations, masks, sign extension.
#ifndef BASE_BITS_H
#define BASE_BITS_H

#include "base/types.h"

#define PPC_BIT(n) (0x8000000000000000ull >> (n))
#define PPC_BIT32(n) (0x80000000u >> (n))
#define PPC_BITMASK(first, last) ((PPC_BIT(first) - PPC_BIT(last)) | PPC_BIT(first))
// Field first..last of a doubleword, right-aligned.
#define PPC_FIELD(value, first, last) (((u64)(value) >> (63 - (last))) & (~0ull >> (63 - ((last) - (first)))))

static inline u32 rotl32(u32 v, unsigned n)
{
    n &= 31;
    return (v << n) | (v >> (-n & 31));
}

static inline u64 rotl64(u64 v, unsigned n)
{
    n &= 63;
    return (v << n) | (v >> (-n & 63));
}

// Ones from bit `mb` to bit `me` (IBM numbering, wrapping when mb > me): ISA I "Fixed-Point Rotate and Shift".
static inline u64 mask64(unsigned mb, unsigned me)
{
    u64 from = ~0ull >> (mb & 63);
    u64 upto = ~0ull << (63 - (me & 63));
    return mb <= me ? from & upto : from | upto;
}

// Sign-extends the low `bits` (1..64) bits of v.
static inline s64 sext64(u64 v, unsigned bits)
{
    return (s64)(v << (64 - bits)) >> (64 - bits);
}

static inline unsigned clz64(u64 v)
{
    return v ? (unsigned)__builtin_clzll(v) : 64;
}

static inline unsigned ctz64(u64 v)
{
    return v ? (unsigned)__builtin_ctzll(v) : 64;
}

static inline unsigned clz32(u32 v)
{
    return v ? (unsigned)__builtin_clz(v) : 32;
}

static inline unsigned ctz32(u32 v)
{
    return v ? (unsigned)__builtin_ctz(v) : 32;
}

#endif
