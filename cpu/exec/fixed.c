// SPDX-License-Identifier: Apache-2.0
// Fixed-point addition, multiplication, division, comparison. ISA I "Fixed-Point Facility".
//
// Results that the ISA leaves undefined are what processors give: quotients and remainders of impossible divisions are
// zero; the upper word of a word quotient or product is zero, of a signed word remainder its sign.
#include "cpu/exec/fixed_int.h"

#include <sys/random.h>

EXEC_PURE(addi)
{
    GPR(RT) = ra_or_zero(cpu, insn) + (u64)SI;
}

EXEC_PURE(addis)
{
    GPR(RT) = ra_or_zero(cpu, insn) + ((u64)SI << 16);
}

EXEC(addpcis)
{
    u32 d = INSN_FIELD(16, 25) << 6 | INSN_FIELD(11, 15) << 1 | INSN_FIELD(31, 31);
    GPR(RT) = ((cpu_cia(cpu) + 4) & cpu->ea_mask) + ((u64)(s64)(s16)d << 16);
}

// a + b + carry with CA; the sum.
static inline u64 add_carrying(struct cpu *cpu, u64 a, u64 b, unsigned carry)
{
    u64 part, sum;
    bool carry64 = __builtin_add_overflow(a, b, &part);
    carry64 |= __builtin_add_overflow(part, (u64)carry, &sum);
    set_ca_sum(cpu, carry64, a ^ b ^ sum);
    return sum;
}

static inline void set_ov_sum(struct cpu *cpu, u64 a, u64 b, u64 sum)
{
    set_ov_signs(cpu, (a ^ sum) & (b ^ sum));
}

EXEC_PURE(addic)
{
    GPR(RT) = add_carrying(cpu, GPR(RA), (u64)SI, 0);
}

EXEC_PURE(addic_r)
{
    u64 sum = add_carrying(cpu, GPR(RA), (u64)SI, 0);
    GPR(RT) = sum;
    set_cr0(cpu, sum);
}

EXEC_PURE(subfic)
{
    GPR(RT) = add_carrying(cpu, ~GPR(RA), (u64)SI, 1);
}

EXEC_PURE(mulli)
{
    GPR(RT) = GPR(RA) * (u64)SI;
}

// RT = a + b + carry; `carrying` says whether CA is set.
#define EXEC_SUM(id, a_, b_, carry_, carrying)     \
    EXEC_PURE(id)                                  \
    {                                              \
        u64 a = (a_), b = (b_), sum;               \
        if (carrying)                              \
            sum = add_carrying(cpu, a, b, carry_); \
        else                                       \
            sum = a + b + (carry_);                \
        GPR(RT) = sum;                             \
        if (unlikely(OE_RC_BITS)) {                \
            if (OE_BIT)                            \
                set_ov_sum(cpu, a, b, sum);        \
            record(cpu, insn, sum);                \
        }                                          \
    }

EXEC_SUM(add, GPR(RA), GPR(RB), 0, false)
EXEC_SUM(subf, ~GPR(RA), GPR(RB), 1, false)
EXEC_SUM(addc, GPR(RA), GPR(RB), 0, true)
EXEC_SUM(subfc, ~GPR(RA), GPR(RB), 1, true)
EXEC_SUM(adde, GPR(RA), GPR(RB), cpu->ca, true)
EXEC_SUM(subfe, ~GPR(RA), GPR(RB), cpu->ca, true)
EXEC_SUM(addme, GPR(RA), ~0ull, cpu->ca, true)
EXEC_SUM(subfme, ~GPR(RA), ~0ull, cpu->ca, true)
EXEC_SUM(addze, GPR(RA), 0, cpu->ca, true)
EXEC_SUM(subfze, ~GPR(RA), 0, cpu->ca, true)
EXEC_SUM(neg, ~GPR(RA), 0, 1, false)

// CY = 0: OV is the carry, in and out; other values are reserved. SO stays.
EXEC(addex)
{
    if (unlikely(INSN_FIELD(21, 22)))
        cpu_raise_illegal(cpu);
    u64 a = GPR(RA), b = GPR(RB), part, sum;
    bool carry64 = __builtin_add_overflow(a, b, &part);
    carry64 |= __builtin_add_overflow(part, (u64)cpu->ov, &sum);
    cpu->ov32 = (a ^ b ^ sum) >> 32 & 1;
    cpu->ov = mode64(cpu) ? carry64 : cpu->ov32;
    GPR(RT) = sum;
}

EXEC_PURE(mullw)
{
    s64 product = (s64)(s32)GPR(RA) * (s32)GPR(RB);
    GPR(RT) = (u64)product;
    if (unlikely(OE_RC_BITS)) {
        if (OE_BIT)
            set_ov_both(cpu, product != (s32)product);
        record(cpu, insn, (u64)product);
    }
}

EXEC_PURE(mulld)
{
    s64 product;
    bool over = __builtin_mul_overflow((s64)GPR(RA), (s64)GPR(RB), &product);
    GPR(RT) = (u64)product;
    if (unlikely(OE_RC_BITS)) {
        if (OE_BIT)
            set_ov_both(cpu, over);
        record(cpu, insn, (u64)product);
    }
}

#define EXEC_MULH(id, product)        \
    EXEC_PURE(id)                     \
    {                                 \
        u64 a = GPR(RA), b = GPR(RB); \
        u64 high = (u64)(product);    \
        GPR(RT) = high;               \
        record(cpu, insn, high);      \
    }

EXEC_MULH(mulhw, (u32)((s64)(s32)a *(s32)b >> 32))
EXEC_MULH(mulhwu, (u64)(u32)a *(u32)b >> 32)
EXEC_MULH(mulhd, (s128)(s64)a *(s64)b >> 64)
EXEC_MULH(mulhdu, (u128)a *b >> 64)

EXEC_PURE(maddhd)
{
    s128 sum = (s128)((u128)((s128)(s64)GPR(RA) * (s64)GPR(RB)) + (u128)(s128)(s64)GPR(RC));
    GPR(RT) = (u64)((u128)sum >> 64);
}

EXEC_PURE(maddhdu)
{
    GPR(RT) = (u64)(((u128)GPR(RA) * GPR(RB) + GPR(RC)) >> 64);
}

EXEC_PURE(maddld)
{
    GPR(RT) = GPR(RA) * GPR(RB) + GPR(RC);
}

// The body computes `quotient`, or sets `over` and leaves it zero.
#define EXEC_DIV(id)                                           \
    static inline u64 quotient_##id(u64 a, u64 b, bool *over); \
    EXEC_PURE(id)                                              \
    {                                                          \
        bool over = false;                                     \
        u64 quotient = quotient_##id(GPR(RA), GPR(RB), &over); \
        GPR(RT) = quotient;                                    \
        if (unlikely(OE_RC_BITS)) {                            \
            if (OE_BIT)                                        \
                set_ov_both(cpu, over);                        \
            record(cpu, insn, quotient);                       \
        }                                                      \
    }                                                          \
    static inline u64 quotient_##id(u64 a, u64 b, bool *over)

EXEC_DIV(divw)
{
    s32 x = (s32)a, y = (s32)b;
    if (unlikely(!y || (x == INT32_MIN && y == -1))) {
        *over = true;
        return 0;
    }
    return (u32)(x / y);
}

EXEC_DIV(divwu)
{
    if (unlikely(!(u32)b)) {
        *over = true;
        return 0;
    }
    return (u32)a / (u32)b;
}

EXEC_DIV(divd)
{
    s64 x = (s64)a, y = (s64)b;
    if (unlikely(!y || (x == INT64_MIN && y == -1))) {
        *over = true;
        return 0;
    }
    return (u64)(x / y);
}

EXEC_DIV(divdu)
{
    if (unlikely(!b)) {
        *over = true;
        return 0;
    }
    return a / b;
}

// Extended: the dividend is RA followed by as many zeros.
EXEC_DIV(divwe)
{
    s64 x = (s64)((u64)(u32)a << 32), y = (s32)b;
    if (unlikely(!y || (x == INT64_MIN && y == -1))) {
        *over = true;
        return 0;
    }
    s64 q = x / y;
    *over = q != (s32)q;
    return *over ? 0 : (u32)q;
}

EXEC_DIV(divweu)
{
    if (unlikely((u32)a >= (u32)b)) {
        *over = true;
        return 0;
    }
    return (u64)(u32)((a << 32) / (u32)b);
}

EXEC_DIV(divde)
{
    s64 y = (s64)b;
    if (unlikely(!y || (a == 1ull << 63 && y == -1))) {
        *over = true;
        return 0;
    }
    s128 q = (s128)((u128)a << 64) / y;
    *over = q != (s64)q;
    return *over ? 0 : (u64)q;
}

EXEC_DIV(divdeu)
{
    if (unlikely(a >= b)) {
        *over = true;
        return 0;
    }
    return (u64)(((u128)a << 64) / b);
}

EXEC_PURE(modsw)
{
    s32 x = (s32)GPR(RA), y = (s32)GPR(RB);
    GPR(RT) = unlikely(!y || y == -1) ? 0 : (u64)(s64)(x % y);
}

EXEC_PURE(moduw)
{
    u32 x = (u32)GPR(RA), y = (u32)GPR(RB);
    GPR(RT) = unlikely(!y) ? 0 : x % y;
}

EXEC_PURE(modsd)
{
    s64 x = (s64)GPR(RA), y = (s64)GPR(RB);
    GPR(RT) = unlikely(!y || y == -1) ? 0 : (u64)(x % y);
}

EXEC_PURE(modud)
{
    u64 x = GPR(RA), y = GPR(RB);
    GPR(RT) = unlikely(!y) ? 0 : x % y;
}

// L: 0 a word, 1 and 2 a doubleword (conditioned, raw), 3 reserved. All ones report an error.
EXEC_PURE(darn)
{
    u64 random, value = ~0ull;
    unsigned l = INSN_FIELD(14, 15);
    if (l != 3 && !cpu->checked && getrandom(&random, sizeof(random), 0) == (ssize_t)sizeof(random)) {
        value = l ? random : (u32)random;
        if (value == ~0ull)
            value = 0;
    }
    GPR(RT) = value;
}

static inline u8 compare_signed(const struct cpu *cpu, s64 a, s64 b)
{
    return (u8)((a < b) << 3 | (a > b) << 2 | (a == b) << 1 | cpu->so);
}

static inline u8 compare_unsigned(const struct cpu *cpu, u64 a, u64 b)
{
    return (u8)((a < b) << 3 | (a > b) << 2 | (a == b) << 1 | cpu->so);
}

#define L_BIT (insn & 0x00200000)

EXEC_PURE(cmpi)
{
    u64 a = GPR(RA);
    cpu->crf[BF] = compare_signed(cpu, L_BIT ? (s64)a : (s64)(s32)a, SI);
}

EXEC_PURE(cmpli)
{
    u64 a = GPR(RA);
    cpu->crf[BF] = compare_unsigned(cpu, L_BIT ? a : (u32)a, UI);
}

EXEC_PURE(cmp)
{
    u64 a = GPR(RA), b = GPR(RB);
    cpu->crf[BF] = compare_signed(cpu, L_BIT ? (s64)a : (s64)(s32)a, L_BIT ? (s64)b : (s64)(s32)b);
}

EXEC_PURE(cmpl)
{
    u64 a = GPR(RA), b = GPR(RB);
    cpu->crf[BF] = compare_unsigned(cpu, L_BIT ? a : (u32)a, L_BIT ? b : (u32)b);
}

static inline bool in_range(u8 v, u8 low, u8 high)
{
    return v >= low && v <= high;
}

EXEC_PURE(cmprb)
{
    u8 v = (u8)GPR(RA);
    u64 b = GPR(RB);
    bool found = in_range(v, (u8)b, (u8)(b >> 8));
    if (L_BIT)
        found |= in_range(v, (u8)(b >> 16), (u8)(b >> 24));
    cpu->crf[BF] = found ? CR_GT : 0;
}

EXEC_PURE(cmpeqb)
{
    u8 v = (u8)GPR(RA);
    bool found = false;
    for (u64 b = GPR(RB), i = 0; i < 8; i++, b >>= 8)
        found |= (u8)b == v;
    cpu->crf[BF] = found ? CR_GT : 0;
}

EXEC_PURE(mfcr)
{
    u64 cr = 0;
    for (unsigned i = 0; i < 8; i++)
        cr = cr << 4 | cpu->crf[i];
    GPR(RT) = cr;
}

// One field of FXM; the others read as zero. None or several: undefined, all of those that are named.
EXEC_PURE(mfocrf)
{
    u64 cr = 0;
    for (unsigned i = 0; i < 8; i++)
        cr = cr << 4 | (INSN_FIELD(12, 19) & 0x80u >> i ? cpu->crf[i] : 0);
    GPR(RT) = cr;
}

static inline void set_cr_fields(struct cpu *cpu, unsigned fxm, u32 cr)
{
    for (unsigned i = 0; i < 8; i++) {
        if (fxm & 0x80u >> i)
            cpu->crf[i] = cr >> (28 - 4 * i) & 15;
    }
}

EXEC_PURE(mtcrf)
{
    set_cr_fields(cpu, INSN_FIELD(12, 19), (u32)GPR(RS));
}

EXEC_PURE(mtocrf)
{
    set_cr_fields(cpu, INSN_FIELD(12, 19), (u32)GPR(RS));
}

EXEC_PURE(mcrxrx)
{
    cpu->crf[BF] = (u8)(cpu->ov << 3 | cpu->ov32 << 2 | cpu->ca << 1 | cpu->ca32);
}

// Six-bit sums of 4-bit groups: 6 in each group that had no carry out of it.
EXEC_PURE(addg6s)
{
    u64 a = GPR(RA), b = GPR(RB), sum = a + b;
    u64 carries = (a & b) | ((a | b) & ~sum); // carry out of each bit
    u64 none = ~carries & 0x8888888888888888ull;
    GPR(RT) = none >> 1 | none >> 2;
}

EXEC_PURE(reserved_nop)
{
    (void)cpu, (void)insn;
}
