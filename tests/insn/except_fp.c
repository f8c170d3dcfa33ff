// SPDX-License-Identifier: Apache-2.0
#include "tests/insn/except_fp.h"

#include <math.h>
#include <stdio.h>
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

// An element of a vector conversion as the ISA has it: truncated, saturated, NaN the most negative number or 0.
static u64 converted(double x, bool is_signed, unsigned bits)
{
    double limit = is_signed ? 0x1p31 : 0x1p32;
    if (bits == 64)
        limit = is_signed ? 0x1p63 : 0x1p64;
    u64 max = is_signed ? ~0ull >> (65 - bits) : ~0ull >> (64 - bits), min = is_signed ? 1ull << (bits - 1) : 0;
    if (isnan(x) || trunc(x) < (is_signed ? -limit : 0))
        return min;
    if (trunc(x) >= limit)
        return max;
    return is_signed ? (u64)(s64)x : (u64)x;
}

static double number_of(const u64 vsr[2], unsigned i, bool single)
{
    double d;
    float f;
    u32 word = (u32)(vsr[i / 2] >> (i & 1 ? 0 : 32));
    if (!single) {
        memcpy(&d, &vsr[i / 2], sizeof(d));
        return d;
    }
    memcpy(&f, &word, sizeof(f));
    return (double)f;
}

void except_fp_vector_invalid(const struct comparison *c)
{
    if (!(c->want->fpscr & c->ours->fpscr & FPSCR_VXCVI))
        return;
    const char *name = c->row->name; // xvcv[sd]p[su]x[wd]s
    bool single = name[4] == 's', is_signed = name[6] == 's', word = name[8] == 'w';
    const u64 *b = c->in->vsr[(c->insn & 2) << 4 | (c->insn >> 11 & 31)];
    u64 *want = c->want->vsr[target(c)];
    for (unsigned i = 0; i < 4; i += single && word ? 1 : 2) {
        u64 v = converted(number_of(b, i, single), is_signed, word ? 32 : 64);
        if (!word)
            want[i / 2] = v;
        else if (i & 1)
            want[i / 2] = (want[i / 2] & ~0xffffffffull) | (u32)v;
        else
            want[i / 2] = (want[i / 2] & 0xffffffff) | v << 32;
    }
    if (word && !single) // words 1 and 3 are undefined
        for (unsigned i = 0; i < 2; i++)
            want[i] = (want[i] & ~0xffffffffull) | (u32)c->ours->vsr[target(c)][i];
}

void except_fp_estimate(const struct comparison *c)
{
    if (!(c->want->fpscr & ~(u64)FPSCR_XX & ~c->in->fpscr & EXCEPTIONS))
        c->want->fpscr = (c->want->fpscr & ~(u64)FPSCR_FX) | (c->in->fpscr & FPSCR_FX);
    ignore(c, FPSCR_XX | FPSCR_FI);
    add_missing(c, FPSCR_ZX);
    set_cr1(c);
}

// What our engine gives for the same operands with another row, which is compared with QEMU on its own.
static struct judge_state run_row(const struct comparison *c, const char *name, u32 insn)
{
    struct judge_state s = *c->in;
    for (unsigned i = 1; i < INSN_COUNT; i++)
        if (!strcmp(rows[i].name, name)) {
            u32 word = (insn & ~c->row->mask) | rows[i].value;
            engine_run((enum insn_id)i, c->prepare, word, c->in->nia - 4, c->big_endian, false, &s);
        }
    s.fpscr &= ~(u64)FPSCR_FR; // not compared
    if (c->row->name[0] == 'f')
        s.vsr[target(c)][1] = 0;
    s.gpr[JUDGE_OWN_GPR] = c->want->gpr[JUDGE_OWN_GPR];
    return s;
}

static void negate_single(u64 *v, unsigned shift)
{
    if ((*v >> shift & 0x7fffffff) <= 0x7f800000)
        *v ^= 0x80000000ull << shift;
}

static void negate_double(u64 *v, u64 infinity)
{
    if ((*v & ~(1ull << 63)) <= infinity)
        *v ^= 1ull << 63;
}

// The result is rounded, then negated: it is the other instruction's with the sign changed, unless it is a NaN. QEMU rounds the
// negated one, which differs in the directed modes, and to odd.
void except_fp_negated(const struct comparison *c)
{
    const char *name = c->row->name;
    bool vector = name[1] == 'v', single = name[strlen(name) - 2] == 's', quad = strstr(name, "qp");
    if ((c->in->fpscr & 3) < FP_UP && !(quad && c->insn & 1))
        return;
    char plain[16];
    unsigned prefix = name[0] == 'f' ? 1 : 2;
    snprintf(plain, sizeof(plain), "%.*s%s", (int)prefix, name, name + prefix + 1);
    struct judge_state s = run_row(c, plain, c->insn);
    if (s.outcome == OUTCOME_DONE) {
        u64 *v = s.vsr[target(c)];
        if (vector && single) {
            for (unsigned i = 0; i < 4; i++)
                negate_single(&v[i / 2], i & 1 ? 0 : 32);
        } else {
            negate_double(&v[0], quad ? 0x7fff000000000000 - !!v[1] : 0x7ff0000000000000);
            if (vector)
                negate_double(&v[1], 0x7ff0000000000000);
        }
        u32 class = s.fpscr & FPSCR_FPRF;
        if (!vector && class != (FPSCR_C | FPSCR_FU))
            s.fpscr ^= class & FPSCR_FE ? FPSCR_C : FPSCR_FL | FPSCR_FG;
    }
    *c->want = s;
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

// RMC = 3 without R means FPSCR[RN]; with R the modes of RN have their own numbers. The other two are reserved.
void except_fp_round_current(const struct comparison *c)
{
    enum { R = 0x10000, RMC = 0x600 };
    bool reserved = !(c->insn & R) && (c->insn >> 9 & 3) % 3;
    if (!(c->insn & R) && (c->insn & RMC) == RMC)
        *c->want = run_row(c, c->row->name, (c->insn & ~(u32)RMC) | R | (u32)(c->in->fpscr & 3) << 9);
    else if (reserved)
        *c->want = *c->ours;
    else if (!strcmp(c->row->name, "xsrqpxp") &&
             (c->in->vsr[32 + (c->insn >> 11 & 31)][0] << 1) >= 0xfffe000000000000ull)
        copy_target(c); // NaN
}

// The second of two zeros: it is not less than the first.
void except_fp_max_zeros(const struct comparison *c)
{
    u64 a = c->in->vsr[(c->insn & 4) << 3 | (c->insn >> 16 & 31)][0];
    u64 b = c->in->vsr[(c->insn & 2) << 4 | (c->insn >> 11 & 31)][0];
    if (!(a << 1) && !(b << 1))
        c->want->vsr[target(c)][0] = b;
}
