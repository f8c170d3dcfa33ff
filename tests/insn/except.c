// SPDX-License-Identifier: Apache-2.0
// Exceptions of except.def.
#include <fnmatch.h>
#include <math.h>
#include <string.h>

#include "cpu/msr.h"
#include "tests/insn/except_fixed.h"
#include "tests/insn/except_fp.h"
#include "tests/insn/except_traps.h"
#include "tests/insn/insn_test.h"

// Rows whose target is an FPR: both results get zero in the half that is undefined.
static void except_fpr_low(const struct comparison *c)
{
    static const char *const targets[] = {"FRT", "FRTP"};
    struct operand_ref ops[8];
    unsigned len = row_operands(c->row, ops);
    for (unsigned i = 0; i < len; i++)
        for (unsigned k = 0; k < ARRAY_LEN(targets); k++)
            if (!strcmp(ops[i].name, targets[k])) {
                u32 reg = c->insn >> 21 & 31;
                for (unsigned n = 0; n <= k; n++)
                    c->ours->vsr[(reg + n) & 31][1] = c->want->vsr[(reg + n) & 31][1] = 0;
            }
}

static void except_fraction_rounded(const struct comparison *c)
{
    c->ours->fpscr &= ~(u64)FPSCR_FR;
    c->want->fpscr &= ~(u64)FPSCR_FR;
}

static void except_fp_enabled(const struct comparison *c)
{
    if (c->want->outcome == OUTCOME_FPE && !gen_traps)
        *c->want = *c->ours;
    if (c->want->outcome == OUTCOME_FPE) // a signal keeps this half only
        c->want->fpscr = (u32)c->want->fpscr | (c->in->fpscr >> 32 << 32);
}

// Doubleword 1 of the VSR that is the target.
static void except_vsr_low(const struct comparison *c)
{
    unsigned reg = (c->insn & 1) << 5 | (c->insn >> 21 & 31);
    c->ours->vsr[reg][1] = c->want->vsr[reg][1] = 0;
}

// Extracts and inserts whose element reaches past the register: the target is not compared. The size is the letter before the
// index's kind: ub, uh, uw, d.
static void except_past_end(const struct comparison *c)
{
    const char *name = c->row->name;
    bool indexed = !strncmp(name, "vextu", 5), vsx = name[0] == 'x';
    char letter = indexed ? name[5] : vsx ? 'w' : name[strlen(name) - 1];
    unsigned size = letter == 'b' ? 1 : letter == 'h' ? 2 : letter == 'w' ? 4 : 8;
    unsigned field = c->insn >> 16 & 31, rt = c->insn >> 21 & 31;
    if (indexed) {
        if ((c->in->gpr[field] & 15) + size > 16)
            c->ours->gpr[rt] = c->want->gpr[rt];
    } else if ((field & 15) + size > 16) {
        unsigned reg = vsx ? (c->insn & 1) << 5 | rt : 32 + rt;
        memcpy(c->ours->vsr[reg], c->want->vsr[reg], sizeof(c->want->vsr[reg]));
    }
}

static void except_vscr_reserved(const struct comparison *c)
{
    c->want->vscr &= VSCR_NJ | VSCR_SAT;
}

static void except_vrldmi(const struct comparison *c)
{
    unsigned t = 32 + (c->insn >> 21 & 31), b = 32 + (c->insn >> 11 & 31);
    for (unsigned i = 0; i < 2; i++) {
        u64 control = c->in->vsr[b][i], mask = 0;
        for (u64 bit = control >> 16 & 63;; bit = (bit + 1) & 63) {
            mask |= PPC_BIT(bit);
            if (bit == (control >> 8 & 63))
                break;
        }
        c->want->vsr[t][i] = (c->want->vsr[t][i] & mask) | (c->in->vsr[t][i] & ~mask);
    }
}

// The estimate is good when it is within one sixteenth of 2^b. The known answers are in cpu/exec/vmx_test.c.
static void except_vexptefp(const struct comparison *c)
{
    unsigned t = 32 + (c->insn >> 21 & 31), b = 32 + (c->insn >> 11 & 31);
    for (unsigned i = 0; i < 4; i++) {
        unsigned shift = i & 1 ? 0 : 32;
        u32 from = (u32)(c->in->vsr[b][i / 2] >> shift), to = (u32)(c->ours->vsr[t][i / 2] >> shift);
        float x, y;
        memcpy(&x, &from, sizeof(x));
        memcpy(&y, &to, sizeof(y));
        double exact = exp2((double)x);
        bool good = exact < 0x1p-126 ? y >= 0 && y <= 0x1p-126f : fabs((double)y - exact) <= exact / 16;
        if (isnan(x))
            continue;
        if (exact >= 0x1p128)
            good = isinf(y) && y > 0;
        if (good)
            c->want->vsr[t][i / 2] = (c->want->vsr[t][i / 2] & ~(0xffffffffull << shift)) | (u64)to << shift;
    }
}

// Decimal operands as the ISA's pseudocode looks at them: nibbles of a quadword.
static unsigned nibble(const u64 q[2], unsigned i)
{
    return (unsigned)(q[i / 16] >> (60 - 4 * (i % 16))) & 15;
}

static bool bcd_valid(const u64 q[2], bool is_signed)
{
    for (unsigned i = 0; i < 31; i++)
        if (nibble(q, i) > 9)
            return false;
    return is_signed ? nibble(q, 31) > 9 : nibble(q, 31) <= 9;
}

static bool bcd_zero(const u64 q[2], bool is_signed)
{
    return !q[0] && !(is_signed ? q[1] >> 4 : q[1]);
}

static bool bcd_negative(const u64 q[2])
{
    return nibble(q, 31) == 0xb || nibble(q, 31) == 0xd;
}

static void set_cr6(struct judge_state *s, u32 value)
{
    s->cr = (s->cr & ~0xf0u) | value << 4;
}

static void except_bcd(const struct comparison *c)
{
    const char *name = c->row->name;
    unsigned t = 32 + (c->insn >> 21 & 31);
    const u64 *a = c->in->vsr[32 + (c->insn >> 16 & 31)], *b = c->in->vsr[32 + (c->insn >> 11 & 31)];
    u64 *result = c->want->vsr[t];
    bool two = !strcmp(name, "bcdadd") || !strcmp(name, "bcdsub") || !strcmp(name, "bcdcpsgn");
    bool is_signed = strcmp(name, "bcdus") && strcmp(name, "bcdutrunc");
    bool other_format = !strncmp(name, "bcdcf", 5); // what is packed is the result, QEMU's comparison is right
    u32 overflow = (u32)c->want->cr >> 4 & 1;

    bool valid = other_format ? !overflow : bcd_valid(b, is_signed) && (!two || bcd_valid(a, true));
    if (!valid) { // undefined
        if (!other_format)
            set_cr6(c->want, 1);
        memcpy(result, c->ours->vsr[t], sizeof(c->want->vsr[t]));
        return;
    }
    if (other_format)
        return;
    if (!strcmp(name, "bcdus") && bcd_zero(b, false)) // no digit is lost
        overflow = 0;
    bool zero = bcd_zero(two ? a : b, is_signed), negative = is_signed && bcd_negative(b);
    if (!strcmp(name, "bcdadd") || !strcmp(name, "bcdsub")) {
        zero = !overflow && bcd_zero(result, true);
        negative = overflow ? bcd_negative(a) : bcd_negative(result);
        if (zero)
            result[1] = c->insn & 0x200 ? 0xf : 0xc;
    } else if (two) { // QEMU loses the sign when VRT is VRB
        result[1] = (result[1] & ~15ull) | (b[1] & 15);
    }
    set_cr6(c->want, (zero ? 2 : negative ? 8 : 4) | overflow);
}

#define EXCEPTIONS (FPSCR_OX | FPSCR_UX | FPSCR_ZX | FPSCR_XX | FPSCR_VX_ALL)

// Whether the row has a record bit, and it is set.
static bool records(const struct comparison *c)
{
    const char *pattern = c->row->pattern;
    return pattern[strlen(pattern) - 1] == 'R' && c->insn & 1;
}

static void set_cr1(const struct comparison *c)
{
    if (records(c))
        c->want->cr = (c->want->cr & ~0x0f000000ull) | (c->want->fpscr >> 28 & 15) << 24;
}

// FX becomes 1 only when an exception bit goes from 0 to 1; FEX stands for the enabled ones.
static void except_fx(const struct comparison *c)
{
    struct judge_state *want = c->want;
    if (c->row->group < GROUP_FP || c->row->group == GROUP_VMX || c->row->name[0] == 'm') // not what moves to FPSCR
        return;
    if (!(want->fpscr & ~c->in->fpscr & EXCEPTIONS))
        want->fpscr = (want->fpscr & ~(u64)FPSCR_FX) | (c->in->fpscr & FPSCR_FX);
    want->fpscr &= ~(u64)FPSCR_FEX;
    if (want->fpscr >> 22 & want->fpscr & (FPSCR_VE | FPSCR_OE | FPSCR_UE | FPSCR_ZE | FPSCR_XE))
        want->fpscr |= FPSCR_FEX;
    set_cr1(c);
}

// Setting an exception's bit sets FX as if the exception had happened; QEMU does not set NI.
static void except_mtfsb1(const struct comparison *c)
{
    if (PPC_BIT32(c->insn >> 21 & 31) & EXCEPTIONS & ~c->in->fpscr)
        c->want->fpscr |= FPSCR_FX;
    c->want->fpscr |= PPC_BIT32(c->insn >> 21 & 31) & FPSCR_NI;
    set_cr1(c);
}

// FI is what the instruction itself did: an old one does not stay.
static void except_dfp_fi(const struct comparison *c)
{
    if (c->in->fpscr & FPSCR_FI) {
        c->want->fpscr &= ~(u64)FPSCR_FI;
        c->ours->fpscr &= ~(u64)FPSCR_FI;
    }
}

static u32 target(const struct comparison *c)
{
    return c->insn >> 21 & 31;
}

// The result is in the first register of the pair, the second becomes zero.
static void except_drdpq(const struct comparison *c)
{
    u32 t = target(c) & 30;
    c->want->vsr[t][0] = c->want->vsr[t + 1][0];
    c->want->vsr[t + 1][0] = 0;
    u32 b = c->insn >> 11 & 30;
    if ((c->in->vsr[b][0] >> 57 & 0x3f) == 0x3f) { // a signaling NaN
        c->want->fpscr |= FPSCR_VX | FPSCR_VXSNAN | (c->in->fpscr & FPSCR_VXSNAN ? 0 : FPSCR_FX);
        set_cr1(c);
    }
}

// An invalid digit or sign: the default NaN. QEMU takes a digit of 10 and does not classify the NaN.
static void except_denbcd(const struct comparison *c)
{
    bool quad = c->row->name[6] == 'q', sign = c->insn >> 20 & 1;
    u32 b = c->insn >> 11 & 31, t = target(c);
    bool invalid = false;
    for (unsigned i = 0; i < (quad ? 32 : 16); i++) {
        u64 part = c->in->vsr[quad ? (b & 30) + (i < 16) : b][0];
        unsigned digit = part >> (4 * (i & 15)) & 15;
        invalid |= sign && i == 0 ? digit < 10 : digit > 9;
    }
    if (!invalid)
        return;
    struct judge_state *want = c->want;
    want->vsr[quad ? t & 30 : t][0] = 0x7c00000000000000;
    if (quad)
        want->vsr[t | 1][0] = 0;
    want->fpscr =
        (c->in->fpscr & ~(u64)(FPSCR_FPRF | FPSCR_FI | FPSCR_FR)) | FPSCR_C | FPSCR_FU | FPSCR_VX | FPSCR_VXCVI;
    if (!(c->in->fpscr & FPSCR_VXCVI))
        want->fpscr |= FPSCR_FX;
    set_cr1(c);
}

static bool dec_special(u64 v)
{
    return (v >> 58 & 0x1e) == 0x1e;
}

static bool dec_infinite(u64 v)
{
    return (v >> 58 & 0x1f) == 0x1e;
}

static u64 canonical_declets(u64 v, unsigned n)
{
    for (unsigned i = 0; i < n; i++)
        if ((v >> (i * 10) & 0x6e) == 0x6e)
            v &= ~(0x300ull << (i * 10));
    return v;
}

// To a narrower format a NaN keeps the rightmost digits of its payload; POWER processors do so too.
static void except_dfp_narrow_nan(const struct comparison *c)
{
    bool quad = c->row->name[strlen(c->row->name) - 1] == 'q';
    u32 b = c->insn >> 11 & 31, t = quad ? target(c) & 30 : target(c);
    if ((c->in->vsr[quad ? b & 30 : b][0] >> 58 & 0x1f) != 0x1f)
        return;
    u64 v = c->in->vsr[quad ? b | 1 : b][0];
    u64 *want = &c->want->vsr[t][0];
    if (quad)
        *want = (*want & 0xfe00000000000000) | canonical_declets(v & 0x3ffffffffffff, 5);
    else
        *want = (*want & 0xfe000000) | (v >> 57 & 1) << 25 | canonical_declets(v & 0xfffff, 2);
    if (!quad && v >> 57 & 1) // signaling, and stays so
        c->want->fpscr &= ~(u64)FPSCR_C;
}

// The default NaN is positive.
static void except_drrnd(const struct comparison *c)
{
    u64 *want = &c->want->vsr[c->row->name[5] == 'q' ? target(c) & 30 : target(c)][0];
    if (*want == 0xfc00000000000000 && c->want->fpscr & FPSCR_VXCVI && c->ours->vsr[target(c)][0] == 0x7c00000000000000)
        *want = 0x7c00000000000000;
}

// Digits of infinities are digits like those of other operands; QEMU takes them for zeros.
static void except_infinity_digits(const struct comparison *c)
{
    bool shifts = !fnmatch("dsc*", c->row->name, 0);
    u32 b = c->insn >> (shifts ? 16 : 11) & 31;
    bool quad = c->row->name[strlen(c->row->name) - 1] == 'q';
    u64 v = c->in->vsr[quad ? b & 30 : b][0];
    if (!strcmp(c->row->name, "dctdp"))
        v <<= 32;
    if (dec_infinite(v))
        *c->want = *c->ours;
}

// Results are canonical: a NaN's reserved bits are zero and its declets are those that its digits have.
static void except_dfp_canonical(const struct comparison *c)
{
    bool quad = c->row->name[strlen(c->row->name) - 1] == 'q';
    u32 t = quad ? target(c) & 30 : target(c);
    struct judge_state *want = c->want, *ours = c->ours;
    if (!dec_special(want->vsr[t][0]))
        return;
    u64 low = quad ? 0x00003fffffffffff : 0x0003ffffffffffff;
    want->vsr[t][0] &= 0xfe00000000000000 | low;
    for (unsigned i = 0; i < (quad ? 11 : 5); i++) {
        // Bits 1 and 0x300 mean nothing in a declet of three large digits.
        unsigned at = i * 10;
        for (unsigned k = 0; k < 2; k++) {
            struct judge_state *s = k ? ours : want;
            u128 v = quad ? (u128)s->vsr[t][0] << 64 | s->vsr[t + 1][0] : s->vsr[t][0];
            if ((v >> at & 0x6e) == 0x6e)
                v &= ~((u128)0x300 << at);
            if (quad) {
                s->vsr[t][0] = (u64)(v >> 64);
                s->vsr[t + 1][0] = (u64)v;
            } else {
                s->vsr[t][0] = (u64)v;
            }
        }
    }
}

static const struct {
    const char *row, *reason;
} skips[] = {
#define SKIP(row, reason) {row, reason},
#define ALONE_LE(row, reason)
#define EXCEPT(row, check, section, what)
#include "tests/insn/except.def"
#undef SKIP
#undef ALONE_LE
#undef EXCEPT
};

static const struct {
    const char *row;
    void (*check)(const struct comparison *c);
} excepts[] = {
#define SKIP(row, reason)
#define ALONE_LE(row, reason)
#define EXCEPT(row, check, section, what) {row, except_##check},
#include "tests/insn/except.def"
#undef SKIP
#undef ALONE_LE
#undef EXCEPT
};

static const char *const alone_le[] = {
#define SKIP(row, reason)
#define ALONE_LE(row, reason) row,
#define EXCEPT(row, check, section, what)
#include "tests/insn/except.def"
#undef SKIP
#undef ALONE_LE
#undef EXCEPT
};

bool except_alone(const struct row *row, bool big_endian)
{
    for (unsigned i = 0; !big_endian && i < ARRAY_LEN(alone_le); i++)
        if (!fnmatch(alone_le[i], row->name, 0))
            return true;
    return false;
}

const char *except_skip(const struct row *row)
{
    if (gen_traps && row->group == GROUP_DFP)
        return "QEMU does not take interrupts for decimal exceptions";
    if (gen_traps &&
        (!fnmatch("f*re*s", row->name, 0) || !fnmatch("f*re", row->name, 0) || !fnmatch("frsqrte", row->name, 0) ||
         !fnmatch("x[sv]re[sd]p", row->name, 0) || !fnmatch("x[sv]rsqrte*", row->name, 0)))
        return "whether estimates are inexact is undefined";
    if (row->privilege != PRIV_U)
        return "privileged";
    for (unsigned i = 0; i < ARRAY_LEN(skips); i++)
        if (!fnmatch(skips[i].row, row->name, 0))
            return skips[i].reason;
    return NULL;
}

void except_apply(const struct comparison *c)
{
    for (unsigned i = 0; i < ARRAY_LEN(excepts); i++)
        if (!fnmatch(excepts[i].row, c->row->name, 0))
            excepts[i].check(c);
}

u32 except_unknown_word(u32 word)
{
    if (word & 1) // few operand bits, so that reserved fields are zero now and then
        word &= 0xfc0007ff | (word & 0x1000 ? 0x03e00000 : 0) | (word & 0x2000 ? 0x001f0000 : 0);
    unsigned primary = word >> 26, extended = word >> 1 & 0x3ff;
    bool system_call = primary == 17;
    bool record_bit = rows_decode(word ^ 1) != INSN_ILLEGAL; // QEMU does not look at it everywhere
    bool mcrf = primary == 19 && !(extended & 31);           // nor at all bits of this extended opcode
    // ISA 3.1: vclrlb, vclrrb, vextractbm and its relatives, dcffixqq, dctfixqq
    bool newer = primary == 4 && ((word & 0x7bf) == 0x18d || (word & 0x7ff) == 0x642);
    newer |= primary == 63 && extended == 994;
    unsigned compare = extended >> 2 & 0x7f;
    bool not_equal = primary == 60 && (compare == 91 || compare == 123); // xvcmpnesp, xvcmpnedp: in a draft only
    bool transaction = primary == 31 && (extended & 0x21f) == 0x20e;     // facility not available here
    return system_call || record_bit || mcrf || newer || not_equal || transaction ? 0 : word;
}
