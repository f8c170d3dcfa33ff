// SPDX-License-Identifier: Apache-2.0
// Decimal integers in vector registers. ISA I "Decimal Integer Arithmetic Instructions", "Decimal Integer Format Conversion",
// "Decimal Integer Sign Manipulation", "Decimal Integer Shift and Round", "Decimal Integer Truncate".
//
// A packed decimal is 31 digits of four bits and a sign in the last four: B and D are negative, other values from A on
// positive. Results have the preferred signs: D, and C or F as PS says. Condition register field 6 compares the source (the
// unbounded result of an addition) with zero and holds in bit 3 whether a source was invalid or digits were lost. The target of
// an invalid source is undefined: here it is all ones.
#include "cpu/exec/exec.h"

#define DIGITS 31
#define PS     INSN_FIELD(22, 22)

struct packed {
    u128 digits; // 31 or, of unsigned operands, 32 of them
    bool negative;
    bool valid;
};

static bool digits_valid(u128 digits)
{
    for (; digits; digits >>= 4)
        if ((digits & 15) > 9)
            return false;
    return true;
}

static struct packed packed_get(u128 v)
{
    unsigned sign = v & 15;
    return (struct packed){
        .digits = v >> 4,
        .negative = sign == 0xb || sign == 0xd,
        .valid = sign >= 0xa && digits_valid(v >> 4),
    };
}

static u128 packed_make(u128 digits, bool negative, unsigned ps)
{
    return digits << 4 | (negative ? 0xd : ps ? 0xf : 0xc);
}

// Sets VRT and CR6; `overflow` is reported beside the comparison.
static void finish(struct cpu *cpu, u32 insn, u128 result, u128 magnitude, bool negative, bool valid, bool overflow)
{
    VR(RT)->q = valid ? result : ~(u128)0;
    unsigned compared = !magnitude ? CR_EQ : negative ? CR_LT : CR_GT;
    cpu->crf[6] = (u8)((valid ? compared : 0) | (overflow || !valid ? CR_SO : 0));
}

static u128 digits_add(u128 a, u128 b, unsigned *carry)
{
    u128 sum = 0;
    *carry = 0;
    for (unsigned at = 0; at < 4 * DIGITS; at += 4) {
        unsigned d = (unsigned)(a >> at & 15) + (unsigned)(b >> at & 15) + *carry;
        *carry = d > 9;
        sum |= (u128)(d - 10 * *carry) << at;
    }
    return sum;
}

// a - b for a >= b.
static u128 digits_subtract(u128 a, u128 b)
{
    u128 difference = 0;
    unsigned borrow = 0;
    for (unsigned at = 0; at < 4 * DIGITS; at += 4) {
        unsigned d = 10 + (unsigned)(a >> at & 15) - (unsigned)(b >> at & 15) - borrow;
        borrow = d < 10;
        difference |= (u128)(borrow ? d : d - 10) << at;
    }
    return difference;
}

static void add(struct cpu *cpu, u32 insn, struct packed a, struct packed b)
{
    u128 sum;
    unsigned carry = 0;
    bool negative = a.negative;
    if (a.negative == b.negative) {
        sum = digits_add(a.digits, b.digits, &carry);
    } else if (a.digits >= b.digits) {
        sum = digits_subtract(a.digits, b.digits);
    } else {
        sum = digits_subtract(b.digits, a.digits);
        negative = b.negative;
    }
    bool zero = !sum && !carry;
    negative &= !zero;
    finish(cpu, insn, packed_make(sum, negative, PS), !zero, negative, a.valid && b.valid, carry);
}

EXEC(bcdadd)
{
    add(cpu, insn, packed_get(VR(RA)->q), packed_get(VR(RB)->q));
}

EXEC(bcdsub)
{
    struct packed b = packed_get(VR(RB)->q);
    b.negative = !b.negative;
    add(cpu, insn, packed_get(VR(RA)->q), b);
}

// National decimal: seven halfwords with the digits' characters, then the sign's.
EXEC(bcdcfn)
{
    const union vsr vb = *VR(RB);
    u128 digits = 0;
    unsigned sign = VSR_H(&vb, 7);
    bool valid = sign == '+' || sign == '-';
    for (unsigned i = 0; i < 7; i++) {
        unsigned h = VSR_H(&vb, i);
        valid &= h >= '0' && h <= '9';
        digits = digits << 4 | (h & 15);
    }
    finish(cpu, insn, packed_make(digits, sign == '-', PS), digits, sign == '-', valid, false);
}

EXEC(bcdctn)
{
    struct packed b = packed_get(VR(RB)->q);
    union vsr v;
    VSR_H(&v, 7) = b.negative ? '-' : '+';
    for (unsigned i = 0; i < 7; i++)
        VSR_H(&v, i) = (u16)('0' | (b.digits >> (24 - 4 * i) & 15));
    finish(cpu, insn, v.q, b.digits, b.negative, b.valid, b.digits >> 28);
}

// Zoned decimal: sixteen bytes of zone and digit, the last one's zone is the sign. Zones are 3 (ASCII) or, with PS, F (EBCDIC).
EXEC(bcdcfz)
{
    const union vsr vb = *VR(RB);
    unsigned zone = PS ? 0xf : 3, sign = VSR_B(&vb, 15) >> 4;
    bool negative = PS ? sign == 0xb || sign == 0xd : sign & 4, valid = !PS || sign >= 0xa;
    u128 digits = 0;
    for (unsigned i = 0; i < 16; i++) {
        unsigned b = VSR_B(&vb, i);
        valid &= (b & 15) <= 9 && (i == 15 || b >> 4 == zone);
        digits = digits << 4 | (b & 15);
    }
    finish(cpu, insn, packed_make(digits, negative, 0), digits, negative, valid, false);
}

EXEC(bcdctz)
{
    struct packed b = packed_get(VR(RB)->q);
    unsigned zone = PS ? 0xf0 : 0x30;
    union vsr v;
    for (unsigned i = 0; i < 16; i++)
        VSR_B(&v, i) = (u8)(zone | (b.digits >> (60 - 4 * i) & 15));
    VSR_B(&v, 15) = (u8)((PS ? (b.negative ? 0xd0 : 0xc0) : (b.negative ? 0x70 : 0x30)) | (b.digits & 15));
    finish(cpu, insn, v.q, b.digits, b.negative, b.valid, b.digits >> 64);
}

EXEC(bcdcfsq)
{
    s128 value = (s128)VR(RB)->q;
    bool negative = value < 0;
    u128 magnitude = negative ? -(u128)value : (u128)value, digits = 0, rest = magnitude;
    for (unsigned at = 0; at < 4 * DIGITS; at += 4) {
        digits |= rest % 10 << at;
        rest /= 10;
    }
    finish(cpu, insn, packed_make(digits, negative, PS), magnitude, negative, true, rest);
}

EXEC(bcdctsq)
{
    struct packed b = packed_get(VR(RB)->q);
    u128 value = 0;
    for (unsigned i = 0; i < DIGITS; i++)
        value = value * 10 + (b.digits >> (4 * (DIGITS - 1 - i)) & 15);
    finish(cpu, insn, b.negative ? -value : value, b.digits, b.negative, b.valid, false);
}

EXEC(bcdcpsgn)
{
    u128 a = VR(RA)->q, b = VR(RB)->q;
    struct packed pa = packed_get(a), pb = packed_get(b);
    finish(cpu, insn, (a & ~(u128)15) | (b & 15), pa.digits, pb.negative, pa.valid && pb.valid, false);
}

EXEC(bcdsetsgn)
{
    struct packed b = packed_get(VR(RB)->q);
    finish(cpu, insn, packed_make(b.digits, b.negative, PS), b.digits, b.negative, b.valid, false);
}

// The digits moved left by `count`, right where it is negative, within `len` digits.
static u128 digits_shift(u128 digits, int count, int len, bool *lost)
{
    if (count > len)
        count = len;
    if (count < -len)
        count = -len;
    *lost = count > 0 && digits >> 4 * (len - count);
    if (count == 32 || count == -32)
        return 0;
    u128 shifted = count > 0 ? digits << 4 * count : digits >> -4 * count;
    return len == DIGITS ? shifted << 4 >> 4 : shifted;
}

EXEC(bcds)
{
    struct packed b = packed_get(VR(RB)->q);
    bool lost;
    u128 digits = digits_shift(b.digits, (s8)VSR_B(VR(RA), 7), DIGITS, &lost);
    finish(cpu, insn, packed_make(digits, b.negative, PS), b.digits, b.negative, b.valid, lost);
}

EXEC(bcdus)
{
    u128 b = VR(RB)->q;
    bool lost;
    u128 digits = digits_shift(b, (s8)VSR_B(VR(RA), 7), 32, &lost);
    finish(cpu, insn, digits, b, false, digits_valid(b), lost);
}

// Rounds away from zero when the first digit shifted out is 5 or more. Counts beyond -31 are -31, also for that.
EXEC(bcdsr)
{
    struct packed b = packed_get(VR(RB)->q);
    int count = MAX((s8)VSR_B(VR(RA), 7), -DIGITS);
    bool lost;
    u128 digits = digits_shift(b.digits, count, DIGITS, &lost);
    if (count < 0 && (b.digits >> 4 * (-count - 1) & 15) >= 5) {
        unsigned carry;
        digits = digits_add(digits, 1, &carry);
    }
    finish(cpu, insn, packed_make(digits, b.negative, PS), b.digits, b.negative, b.valid, lost);
}

// The low-order `len` digits.
static u128 digits_truncate(u128 digits, unsigned len, bool *lost)
{
    u128 keep = len < 32 ? ((u128)1 << 4 * len) - 1 : ~(u128)0;
    *lost = digits & ~keep;
    return digits & keep;
}

EXEC(bcdtrunc)
{
    struct packed b = packed_get(VR(RB)->q);
    bool lost;
    u128 digits = digits_truncate(b.digits, VSR_H(VR(RA), 3), &lost);
    finish(cpu, insn, packed_make(digits, b.negative, PS), b.digits, b.negative, b.valid, lost);
}

EXEC(bcdutrunc)
{
    u128 b = VR(RB)->q;
    bool lost;
    u128 digits = digits_truncate(b, VSR_H(VR(RA), 3), &lost);
    finish(cpu, insn, digits, b, false, digits_valid(b), lost);
}

// Multiply-by-10 of an unsigned binary quadword, with the digit in VRB's last four bits added in the extended forms; `high` gets
// what exceeds 128 bits.
static u128 multiply_by_10(u128 a, unsigned digit, u128 *high)
{
    u128 low = (u128)(u64)a * 10 + digit;
    u128 upper = (u128)(u64)(a >> 64) * 10 + (low >> 64);
    *high = upper >> 64;
    return upper << 64 | (u64)low;
}

EXEC(vmul10uq)
{
    u128 high;
    VR(RT)->q = multiply_by_10(VR(RA)->q, 0, &high);
}

EXEC(vmul10cuq)
{
    multiply_by_10(VR(RA)->q, 0, &VR(RT)->q);
}

EXEC(vmul10euq)
{
    u128 high;
    VR(RT)->q = multiply_by_10(VR(RA)->q, VR(RB)->q & 15, &high);
}

EXEC(vmul10ecuq)
{
    multiply_by_10(VR(RA)->q, VR(RB)->q & 15, &VR(RT)->q);
}
