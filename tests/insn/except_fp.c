// SPDX-License-Identifier: Apache-2.0
#include "tests/insn/except_fp.h"

#include <string.h>

#include "cpu/fp/fp.h"

#define EXCEPTIONS (FPSCR_OX | FPSCR_UX | FPSCR_ZX | FPSCR_XX | FPSCR_VX_ALL)

static bool has_record_bit(const struct row *row)
{
    size_t len = strlen(row->pattern);
    return len && row->pattern[len - 1] == 'R';
}

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

static void ignore(const struct comparison *c, u64 bits)
{
    c->ours->fpscr &= ~bits;
    c->want->fpscr &= ~bits;
}

// FX becomes 1 only when an exception bit goes from 0 to 1; QEMU sets it for every exception. CR1 follows in record forms.
void except_fp_status(const struct comparison *c)
{
    struct judge_state *want = c->want;
    if (!(want->fpscr & ~c->in->fpscr & EXCEPTIONS))
        want->fpscr = (want->fpscr & ~(u64)FPSCR_FX) | (c->in->fpscr & FPSCR_FX);
    if (has_record_bit(c->row) && c->insn & 1)
        want->cr = (want->cr & ~0x0f000000ull) | (want->fpscr >> 28 & 15) << 24;
}

// FPRF of a single-precision result tells what it is in single format.
void except_fp_single_class(const struct comparison *c)
{
    if (!memcmp(c->want, c->ours, sizeof(*c->want)))
        return;
    u64 v = c->want->vsr[target(c)][0], exp = v >> 52 & 0x7ff;
    if (exp && exp < 897)
        c->want->fpscr |= FPSCR_C;
}

void except_fp_no_class(const struct comparison *c)
{
    ignore(c, FPSCR_FPRF);
}

// Equal enough for an estimate: both within 2^-13 of each other.
static bool near64(u64 a, u64 b)
{
    double x, y;
    memcpy(&x, &a, sizeof(x));
    memcpy(&y, &b, sizeof(y));
    return (x > 0) == (y > 0) && __builtin_fabs(x - y) <= __builtin_fabs(y) / 8192;
}

// The precision is the implementation's own, XX is undefined (FI and FR too).
void except_fp_estimate(const struct comparison *c)
{
    unsigned t = target(c);
    bool single = c->row->name[0] == 'x' && c->row->name[1] == 'v' && strstr(c->row->name, "sp");
    for (unsigned i = 0; i < 2; i++) {
        u64 ours = c->ours->vsr[t][i], want = c->want->vsr[t][i];
        bool same = near64(ours, want);
        if (single) {
            u32 low = (u32)ours, want_low = (u32)want, high = (u32)(ours >> 32), want_high = (u32)(want >> 32);
            same = (low == want_low || near64(fp_load_single(low), fp_load_single(want_low))) &&
                   (high == want_high || near64(fp_load_single(high), fp_load_single(want_high)));
        }
        if (same)
            c->want->vsr[t][i] = ours;
    }
    if (!(c->want->fpscr & ~(u64)FPSCR_XX & ~c->in->fpscr & EXCEPTIONS))
        c->want->fpscr = (c->want->fpscr & ~(u64)FPSCR_FX) | (c->in->fpscr & FPSCR_FX);
    ignore(c, FPSCR_XX | FPSCR_FI);
    if (has_record_bit(c->row) && c->insn & 1)
        c->want->cr = (c->want->cr & ~0x0f000000ull) | (c->want->fpscr >> 28 & 15) << 24;
}

// Negative multiply-add: the result is rounded, then negated. QEMU rounds the negated one, which differs in the directed modes. There
// the magnitude may differ by the last bit; the sign of the rounding mode is what cpu/fp/fp_test.c checks.
void except_fp_negated(const struct comparison *c)
{
    if ((c->in->fpscr & 3) < FP_UP)
        return;
    *c->want = *c->ours;
}

// Compares leave FR, FI and C alone.
void except_fp_compare(const struct comparison *c)
{
    u64 kept = FPSCR_FI | FPSCR_C;
    c->want->fpscr = (c->want->fpscr & ~kept) | (c->in->fpscr & kept);
}

// Vectors leave FI alone. When one element overflows QEMU forgets another's underflow.
void except_fp_vector(const struct comparison *c)
{
    c->want->fpscr = (c->want->fpscr & ~(u64)FPSCR_FI) | (c->in->fpscr & FPSCR_FI);
    if (c->want->fpscr & FPSCR_OX)
        c->want->fpscr |= c->ours->fpscr & FPSCR_UX;
}
