// SPDX-License-Identifier: Apache-2.0
// Fixed-point, storage access and system instructions where QEMU is no judge.
#include "tests/insn/except_fixed.h"

#include <string.h>

#include "base/bits.h"
#include "cpu/cpu.h"

// What a division gives. Where it has no result (division by zero, overflow) the ISA leaves RT undefined; processors give zero.
// Word divisions leave the upper half undefined, and CR0 with it.
void except_divide(const struct comparison *c)
{
    const char *kind = c->row->name + 3; // w wu d du we weu de deu
    bool word = kind[0] == 'w', extended = strchr(kind, 'e'), is_signed = !strchr(kind, 'u');
    unsigned bits = word ? 32 : 64;
    u32 rt = c->insn >> 21 & 31;
    u64 a = c->in->gpr[c->insn >> 16 & 31], b = c->in->gpr[c->insn >> 11 & 31], q = 0;
    bool overflow;
    if (is_signed) {
        s128 n = word ? (s128)(s32)a : (s128)(s64)a, d = word ? (s128)(s32)b : (s128)(s64)b;
        if (extended)
            n = (s128)((u128)n << bits);
        s128 limit = (s128)1 << (bits - 1);
        // The most negative dividend by -1 does not even fit 128 bits.
        overflow = d == 0 || (d == -1 && n == (s128)((u128)1 << 127)) || n / d >= limit || n / d < -limit;
        if (!overflow)
            q = (u64)(n / d);
    } else {
        u128 n = word ? (u32)a : a, d = word ? (u32)b : b;
        if (extended)
            n <<= bits;
        overflow = d == 0 || n / d >> bits;
        if (!overflow)
            q = (u64)(n / d);
    }
    struct judge_state *want = c->want;
    want->gpr[rt] = q;
    if (word) {
        want->gpr[rt] = (u32)q;
        c->ours->gpr[rt] = (u32)c->ours->gpr[rt];
    }
    if (c->insn & 0x400) { // OE
        want->xer = (c->in->xer & ~(u64)0x40080000) | (overflow ? 0xc0080000 : 0);
    }
    if (c->insn & 1) {
        u64 cr0 = (s64)q < 0 ? CR_LT : q ? CR_GT : CR_EQ;
        want->cr = (want->cr & 0x0fffffff) | (cr0 | (want->xer >> 31 & 1)) << 28;
        if (word) {
            want->cr &= ~0xe0000000ull;
            c->ours->cr &= ~0xe0000000ull;
        }
    }
}

// Reserved bits of XER read as zero.
void except_xer_reserved(const struct comparison *c)
{
    c->want->xer &= 0xe00c007f;
}

// VRSAVE has 32 bits.
void except_vrsave_width(const struct comparison *c)
{
    c->want->vrsave = (u32)c->want->vrsave;
}

// QEMU compares the address with the reservation's first.
void except_stcx_alignment(const struct comparison *c)
{
    static const char sizes[] = "bhwdq"; // stbcx_r, sthcx_r ...
    unsigned size = 1u << (strchr(sizes, c->row->name[2]) - sizes);
    u32 ra = c->insn >> 16 & 31, rb = c->insn >> 11 & 31;
    if (!(((ra ? c->in->gpr[ra] : 0) + c->in->gpr[rb]) & (size - 1)))
        return;
    *c->want = *c->in;
    c->want->outcome = OUTCOME_BUS;
    c->want->nia = c->in->nia - 4;
}

// After lqarx to the same place the store is done. The even register is the more significant half.
void except_stqcx(const struct comparison *c)
{
    if (c->prepare == 0x60000000 || c->want->outcome != OUTCOME_DONE)
        return;
    u32 rs = c->insn >> 21 & 30, ra = c->insn >> 16 & 31, rb = c->insn >> 11 & 31;
    u8 *at = &c->want->mem[(ra ? c->in->gpr[ra] : 0) + c->in->gpr[rb] - JUDGE_DATA];
    c->want->cr = (c->want->cr & 0x0fffffff) | (u64)(CR_EQ | (c->in->xer >> 31 & 1)) << 28;
    u128 v = (u128)c->in->gpr[rs] << 64 | c->in->gpr[rs + 1];
    for (unsigned i = 0; i < 16; i++)
        at[i] = (u8)(v >> 8 * (c->big_endian ? 15 - i : i));
}

static u64 memory(const struct judge_state *s, u64 ea, unsigned size, bool big_endian)
{
    u64 v = 0;
    for (unsigned i = 0; i < size; i++)
        v |= (u64)s->mem[ea - JUDGE_DATA + i] << 8 * (big_endian ? size - 1 - i : i);
    return v;
}

// Increments and decrements that compare with a neighbour: the one above, for the decrement the one below.
void except_amo_bounded(const struct comparison *c)
{
    enum { INCREMENT_BOUNDED = 24, INCREMENT_EQUAL = 25, DECREMENT_BOUNDED = 28 };
    unsigned size = c->row->name[1] == 'w' ? 4 : 8, function = c->insn >> 11 & 31, rt = c->insn >> 21 & 31;
    if (function != INCREMENT_BOUNDED && function != INCREMENT_EQUAL && function != DECREMENT_BOUNDED)
        return;
    u64 ea = c->in->gpr[c->insn >> 16 & 31], v = memory(c->in, ea, size, c->big_endian);
    u64 other = memory(c->in, function == DECREMENT_BOUNDED ? ea - size : ea + size, size, c->big_endian);
    *c->want = *c->in;
    c->want->fpscr &= ~(u64)PPC_BIT32(13); // FR is not compared
    if ((v == other) != (function == INCREMENT_EQUAL)) {
        c->want->gpr[rt] = 1ull << (size * 8 - 1);
        return;
    }
    c->want->gpr[rt] = v;
    v += function == DECREMENT_BOUNDED ? ~0ull : 1;
    for (unsigned i = 0; i < size; i++)
        c->want->mem[ea - JUDGE_DATA + i] = (u8)(v >> 8 * (c->big_endian ? size - 1 - i : i));
}

// The forms that are newer than QEMU's: no effect that a program sees.
void except_dcbf(const struct comparison *c)
{
    if ((c->insn >> 21 & 3) < 2)
        return;
    *c->want = *c->in;
    c->want->fpscr &= ~(u64)PPC_BIT32(13);
}

// Multiple and string instructions are for big-endian mode.
void except_le_alignment(const struct comparison *c)
{
    if (c->big_endian)
        return;
    u64 at = c->in->nia - 4;
    *c->want = *c->in;
    c->want->outcome = OUTCOME_BUS;
    c->want->nia = at;
}
