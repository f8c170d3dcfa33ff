// SPDX-License-Identifier: Apache-2.0
// Instructions for the operations on vectors (cpu/xlate/vector.def).
#include "cpu/xlate/vector.h"
#include "cpu/xlate/x86/comp.h"

#define BIT(r) (1u << (r))

struct label *select_constant(struct comp *x, u64 high, u64 low)
{
    for (unsigned i = 0; i < x->constants_len; i++) {
        if (x->constants[i].high == high && x->constants[i].low == low)
            return &x->constants[i].label;
    }
    if (x->constants_len == CONSTANTS_MAX) {
        x->failed = true;
        return &x->constants[0].label;
    }
    unsigned n = x->constants_len++;
    x->constants[n].high = high;
    x->constants[n].low = low;
    x->constants[n].label = (struct label){0};
    return &x->constants[n].label;
}

void select_constants(struct comp *x)
{
    if (x->constants_len)
        x_align(&x->c, 16);
    for (unsigned i = 0; i < x->constants_len; i++) {
        x_bind(&x->c, &x->constants[i].label);
        x_data(&x->c, x->constants[i].low);
        x_data(&x->c, x->constants[i].high);
    }
}

// dst = op(a, b) whatever the registers; without AVX dst is not b, unless the operation commutes.
static void emit2(struct comp *x, u32 op, enum reg dst, enum reg a, enum reg b)
{
    struct code *c = &x->c;
    if (x86_features.avx) {
        x_v2(c, op, dst, a, b);
    } else if (dst == b && dst != a) {
        x_v2(c, op, dst, dst, a);
    } else {
        x_vmov(c, dst, a);
        x_v2(c, op, dst, dst, b);
    }
}

// The result of an operation whose first operand is `a`, when the second one is not to be destroyed before it is used.
static enum reg result2(struct comp *x, ir_value a, ir_value b, enum reg rb, bool commutes)
{
    return value_result(x, a, b, x86_features.avx || commutes ? 0 : BIT(rb));
}

static enum reg ones(struct comp *x)
{
    enum reg r = value_xscratch(x);
    x_v2(&x->c, PCMPEQD, r, r, r);
    return r;
}

static void two(struct comp *x, const struct ir_insn *in, u32 op, bool commutes)
{
    enum reg ra = value_reg(x, in->a), rb = value_reg(x, in->b);
    emit2(x, op, result2(x, in->a, in->b, rb, commutes), ra, rb);
}

// The same with the operands exchanged.
static void two_reversed(struct comp *x, const struct ir_insn *in, u32 op)
{
    enum reg ra = value_reg(x, in->a), rb = value_reg(x, in->b);
    emit2(x, op, result2(x, in->b, in->a, ra, false), rb, ra);
}

// op, and the complement of that; ORN: the complement of b first.
static void two_not(struct comp *x, const struct ir_insn *in, u32 op)
{
    enum reg ra = value_reg(x, in->a), rb = value_reg(x, in->b), one = ones(x);
    enum reg dst = result2(x, in->a, in->b, rb, true);
    emit2(x, op, dst, ra, rb);
    emit2(x, PXOR, dst, dst, one);
}

static void or_not(struct comp *x, const struct ir_insn *in)
{
    enum reg ra = value_reg(x, in->a), rb = value_reg(x, in->b), one = ones(x);
    emit2(x, PXOR, one, one, rb);
    emit2(x, POR, result2(x, in->a, IR_NO_VALUE, one, true), ra, one);
}

static void constant(struct comp *x, u64 n)
{
    enum reg dst = value_result(x, IR_NO_VALUE, IR_NO_VALUE, 0);
    if (n == 0)
        x_v2(&x->c, PXOR, dst, dst, dst);
    else if (n == ~0ull)
        x_v2(&x->c, PCMPEQD, dst, dst, dst);
    else
        x_v1_const(&x->c, MOVAPS, dst, select_constant(x, n, n));
}

static void words(struct comp *x, const struct ir_insn *in, u8 order)
{
    enum reg ra = value_reg(x, in->a);
    x_v1_imm(&x->c, PSHUFD, value_result(x, in->a, IR_NO_VALUE, 0), ra, order);
}

// Doubleword 1: a's n / 2; doubleword 0: b's n % 2.
static void dwords(struct comp *x, const struct ir_insn *in, unsigned n)
{
    if (in->a == in->b) {
        static const u8 orders[] = {0x44, 0x4e, 0xe4, 0xee};
        words(x, in, orders[n & 3]);
        return;
    }
    enum reg ra = value_reg(x, in->a), rb = value_reg(x, in->b);
    // SHUFPD: doubleword 0 from the first operand, 1 from the second.
    enum reg dst = result2(x, in->b, in->a, ra, false);
    if (!x86_features.avx)
        x_vmov(&x->c, dst, rb);
    x_v2_imm(&x->c, SHUFPD, dst, x86_features.avx ? rb : dst, ra, (u8)(n & 3));
}

static void reverse(struct comp *x, const struct ir_insn *in, unsigned n)
{
    struct code *c = &x->c;
    u64 flip = 0x0101010101010101ull * (n - 1);
    enum reg ra = value_reg(x, in->a);
    if (x86_features.ssse3) {
        enum reg dst = value_result(x, in->a, IR_NO_VALUE, 0);
        if (!x86_features.avx)
            x_vmov(c, dst, ra);
        x_v2_const(c, PSHUFB, dst, x86_features.avx ? ra : dst,
                   select_constant(x, 0x0f0e0d0c0b0a0908ull ^ flip, 0x0706050403020100ull ^ flip));
        return;
    }
    // Bytes in halfwords, halfwords in words, words.
    enum reg t = value_xscratch(x), dst = value_result(x, in->a, IR_NO_VALUE, 0);
    x_vmov(c, dst, ra);
    x_vmov(c, t, dst);
    x_vshift_imm(c, PSHIFT_WORDS, 6, t, t, 8);
    x_vshift_imm(c, PSHIFT_WORDS, 2, dst, dst, 8);
    x_v2(c, POR, dst, dst, t);
    if (n == 2)
        return;
    u8 halves = n == 4 ? 0xb1 : 0x1b;
    x_v1_imm(c, PSHUFLW, dst, dst, halves);
    x_v1_imm(c, PSHUFHW, dst, dst, halves);
    if (n == 16)
        x_v1_imm(c, PSHUFD, dst, dst, 0x4e);
}

static const struct {
    u32 op;
    bool commutes;
} simple[VEC_OPS] = {
    [VEC_AND] = {PAND, true},     [VEC_OR] = {POR, true},       [VEC_XOR] = {PXOR, true},
    [VEC_ADD8] = {PADDB, true},   [VEC_ADD16] = {PADDW, true},  [VEC_ADD32] = {PADDD, true},
    [VEC_ADD64] = {PADDQ, true},  [VEC_SUB8] = {PSUBB, false},  [VEC_SUB16] = {PSUBW, false},
    [VEC_SUB32] = {PSUBD, false}, [VEC_SUB64] = {PSUBQ, false},
};

static void vector(struct comp *x, const struct ir_insn *in)
{
    u64 n = VEC_IMM(in->imm);
    unsigned op = VEC_OP(in->imm);
    if (simple[op].op) {
        two(x, in, simple[op].op, simple[op].commutes);
        return;
    }
    switch (op) {
    case VEC_CONST: constant(x, n); break;
    case VEC_ANDN: two_reversed(x, in, PANDN); break;
    case VEC_ORN: or_not(x, in); break;
    case VEC_NOR: two_not(x, in, POR); break;
    case VEC_EQV: two_not(x, in, PXOR); break;
    case VEC_NAND: two_not(x, in, PAND); break;
    case VEC_DWORDS: dwords(x, in, (unsigned)n); break;
    case VEC_WORDS: words(x, in, (u8)n); break;
    case VEC_REVERSE: reverse(x, in, (unsigned)n); break;
    default: x->failed = true; break;
    }
}

static void high_doubleword(struct comp *x, const struct ir_insn *in)
{
    enum reg ra = value_reg(x, in->a);
    x_v1_imm(&x->c, PSHUFD, value_result(x, in->a, IR_NO_VALUE, 0), ra, 0xee);
}

// XTOV
static void extract(struct comp *x, const struct ir_insn *in)
{
    struct code *c = &x->c;
    enum reg ra = value_reg(x, in->a);
    if (!in->imm) {
        x_vmov_to(c, 1, value_result(x, IR_NO_VALUE, IR_NO_VALUE, 0), ra);
    } else if (x86_features.sse41) {
        x_v1_imm(c, PEXTRQ, ra, value_result(x, IR_NO_VALUE, IR_NO_VALUE, 0), 1);
    } else {
        enum reg t = value_xscratch(x);
        x_v1_imm(c, PSHUFD, t, ra, 0xee);
        x_vmov_to(c, 1, value_result(x, IR_NO_VALUE, IR_NO_VALUE, 0), t);
    }
}

// VTOX
static void pair(struct comp *x, const struct ir_insn *in)
{
    struct code *c = &x->c;
    enum reg high = value_reg(x, in->a), low = value_reg(x, in->b);
    enum reg t = value_xscratch(x), dst = value_result(x, IR_NO_VALUE, IR_NO_VALUE, 0);
    x_vmov_from(c, 1, dst, low);
    if (in->a == in->b) {
        x_v1_imm(c, PSHUFD, dst, dst, 0x44);
        return;
    }
    x_vmov_from(c, 1, t, high);
    x_v2(c, PUNPCKLQDQ, dst, dst, t);
}

void select_vector(struct comp *x, const struct ir_insn *in)
{
    struct code *c = &x->c;
    switch (in->op) {
    case IR_XTOV: extract(x, in); break;
    case IR_VTOX: pair(x, in); break;
    case IR_XTOD: high_doubleword(x, in); break;
    case IR_DTOX: {
        enum reg ra = value_reg(x, in->a), dst = value_result(x, in->a, IR_NO_VALUE, 0);
        if (!x86_features.avx)
            x_vmov(c, dst, ra);
        x_vshift_imm(c, PSHIFT_BYTES, PSLLDQ, dst, x86_features.avx ? ra : dst, 8);
        break;
    }
    case IR_VTOD: {
        enum reg ra = value_reg(x, in->a);
        x_vmov_from(c, 1, value_result(x, IR_NO_VALUE, IR_NO_VALUE, 0), ra);
        break;
    }
    case IR_DTOV: {
        enum reg ra = value_reg(x, in->a);
        x_vmov_to(c, 1, value_result(x, IR_NO_VALUE, IR_NO_VALUE, 0), ra);
        break;
    }
    default: vector(x, in); break;
    }
}
