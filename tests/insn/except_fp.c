// SPDX-License-Identifier: Apache-2.0
#include "tests/insn/except_fp.h"

#include <string.h>

#include "cpu/fp/fp.h"

#define EXCEPTIONS (FPSCR_OX | FPSCR_UX | FPSCR_ZX | FPSCR_XX | FPSCR_VX_ALL)

// The VSR that holds the scalar or vector target.
static unsigned target(const struct comparison *c)
{
    struct operand_ref ops[8];
    unsigned len = row_operands(c->row, ops), t = c->insn >> 21 & 31;
    for (unsigned i = 0; i < len; i++) {
        if (!strncmp(ops[i].name, "FRT", 3))
            return t;
        if (!strncmp(ops[i].name, "VRT", 3))
            return 32 + t;
    }
    return (c->insn & 1) << 5 | t;
}

static void copy_target(const struct comparison *c)
{
    unsigned t = target(c);
    memcpy(c->want->vsr[t], c->ours->vsr[t], sizeof(c->want->vsr[t]));
}

static void ignore(const struct comparison *c, u64 bits)
{
    c->ours->fpscr &= ~bits;
    c->want->fpscr &= ~bits;
}

// Exceptions that we have and QEMU should have.
static void add_missing(const struct comparison *c, u32 bits)
{
    c->want->fpscr |= c->ours->fpscr & bits;
    if (c->want->fpscr & ~c->in->fpscr & EXCEPTIONS)
        c->want->fpscr |= FPSCR_FX;
}

static void set_cr1(const struct comparison *c)
{
    size_t len = strlen(c->row->pattern);
    if (c->row->pattern[len - 1] == 'R' && c->insn & 1)
        c->want->cr = (c->want->cr & ~0x0f000000ull) | (c->want->fpscr >> 28 & 15) << 24;
}

// FPRF of a single-precision result tells what it is in single format.
void except_fp_single_class(const struct comparison *c)
{
    u64 v = c->want->vsr[target(c)][0], exp = v >> 52 & 0x7ff;
    if (memcmp(c->want, c->ours, sizeof(*c->want)) && exp && exp < 897)
        c->want->fpscr |= FPSCR_C;
}

// Operands of the scalar single instructions that are not representable in single precision: the sum, rounded to double, then to
// single, differs in the last bit at most, and forgets an underflow. fadds and its relatives check the single rounding.
void except_fp_twice(const struct comparison *c)
{
    unsigned t = target(c);
    u32 ours = fp_store_single(c->ours->vsr[t][0]), want = fp_store_single(c->want->vsr[t][0]);
    if (!(c->ours->fpscr & FPSCR_XX) || ours - want + 1 > 2)
        return;
    if (ours == want) {
        add_missing(c, FPSCR_UX);
    } else {
        c->want->vsr[t][0] = c->ours->vsr[t][0];
        c->want->fpscr = c->ours->fpscr;
    }
}

// Conversions to words: word 0 of the target is undefined.
void except_fp_word(const struct comparison *c)
{
    unsigned t = target(c);
    c->ours->vsr[t][0] = (u32)c->ours->vsr[t][0];
    c->want->vsr[t][0] = (u32)c->want->vsr[t][0];
}

// QEMU forgets to classify some results.
void except_fp_class_missing(const struct comparison *c)
{
    c->want->fpscr = (c->want->fpscr & ~(u64)FPSCR_FPRF) | (c->ours->fpscr & FPSCR_FPRF);
}

// QEMU's estimate of 1/0 is one half.
void except_fp_divide_zero(const struct comparison *c)
{
    if (c->in->vsr[c->insn >> 11 & 31][0] << 1)
        return;
    copy_target(c);
    except_fp_class_missing(c);
}

void except_fp_no_class(const struct comparison *c)
{
    ignore(c, FPSCR_FPRF);
}

// Compares leave FI and C alone.
void except_fp_compare(const struct comparison *c)
{
    u64 kept = FPSCR_FI | FPSCR_C;
    c->want->fpscr = (c->want->fpscr & ~kept) | (c->in->fpscr & kept);
}

void except_fp_vector(const struct comparison *c)
{
    c->want->fpscr = (c->want->fpscr & ~(u64)FPSCR_FI) | (c->in->fpscr & FPSCR_FI);
    if (c->want->fpscr & FPSCR_OX)
        add_missing(c, FPSCR_UX);
}

void except_fp_vector_invalid(const struct comparison *c)
{
    if (c->want->fpscr & c->ours->fpscr & FPSCR_VXCVI)
        copy_target(c);
}

void except_fp_estimate(const struct comparison *c)
{
    if (!(c->want->fpscr & ~(u64)FPSCR_XX & ~c->in->fpscr & EXCEPTIONS))
        c->want->fpscr = (c->want->fpscr & ~(u64)FPSCR_FX) | (c->in->fpscr & FPSCR_FX);
    ignore(c, FPSCR_XX | FPSCR_FI);
    add_missing(c, FPSCR_ZX);
    set_cr1(c);
}

// The result is rounded, then negated. QEMU rounds the negated one, which differs in the directed modes, and to odd.
void except_fp_negated(const struct comparison *c)
{
    bool odd = strstr(c->row->name, "qp") && c->insn & 1;
    if ((c->in->fpscr & 3) >= FP_UP || odd)
        *c->want = *c->ours;
}

// The class follows the exponent of the operand in double format.
void except_fp_class_single(const struct comparison *c)
{
    unsigned b = (c->insn & 2) << 4 | (c->insn >> 11 & 31);
    u64 exp = c->in->vsr[b][0] >> 52 & 0x7ff;
    if (exp && exp < 897) {
        c->want->cr = c->ours->cr;
        c->want->fpscr = c->ours->fpscr;
    }
}

// A signaling NaN is noted wherever it stands.
void except_fp_snan(const struct comparison *c)
{
    add_missing(c, FPSCR_VXSNAN | FPSCR_VX);
    set_cr1(c);
}

void except_fp_round_current(const struct comparison *c)
{
    u64 high = c->in->vsr[32 + (c->insn >> 11 & 31)][0];
    bool current = (c->insn & 0x10600) == 0x600, nan = (high << 1) >= 0xfffe000000000000ull;
    bool reserved = !(c->insn & 0x10000) && (c->insn >> 9 & 3) % 3;
    if (current || reserved || nan)
        *c->want = *c->ours;
}
