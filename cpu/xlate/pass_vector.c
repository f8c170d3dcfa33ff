// SPDX-License-Identifier: Apache-2.0
//
// Moves inside of vectors and between vectors and scalars that undo each other, or that one operation does as well. Little-endian code is
// full of them: loads and stores that exchange doublewords, and instructions that exchange them back.
#include "cpu/xlate/pass.h"
#include "cpu/xlate/vector.h"

static bool is_vector(const struct ir_insn *in, enum ir_vector op)
{
    return in->op >= IR_VX0 && in->op <= IR_VX3 && VEC_OP(in->imm) == op;
}

// Where doubleword *n of *v comes from: the vector and its doubleword, seen through what moves doublewords only.
static void trace(const struct ir_builder *b, ir_value *v, unsigned *n)
{
    for (;;) {
        const struct ir_insn *in = &b->r->insns[*v];
        if (!is_vector(in, VEC_DWORDS))
            return;
        unsigned imm = (unsigned)VEC_IMM(in->imm);
        *v = *n ? in->a : in->b;
        *n = *n ? imm >> 1 & 1 : imm & 1;
    }
}

static ir_value fold_dwords(const struct ir_builder *b, struct ir_insn *in)
{
    unsigned imm = (unsigned)VEC_IMM(in->imm), high = imm >> 1 & 1, low = imm & 1;
    trace(b, &in->a, &high);
    trace(b, &in->b, &low);
    in->imm = vec_imm(VEC_DWORDS, high << 1 | low);
    return in->a == in->b && high && !low ? in->a : IR_NO_VALUE;
}

// Words by words; by doublewords of one vector.
static ir_value fold_words(const struct ir_builder *b, struct ir_insn *in)
{
    const struct ir_insn *inner = &b->r->insns[in->a];
    unsigned order = (unsigned)VEC_IMM(in->imm), first;
    if (is_vector(inner, VEC_WORDS)) {
        first = (unsigned)VEC_IMM(inner->imm);
    } else if (is_vector(inner, VEC_DWORDS) && inner->a == inner->b) {
        static const u8 orders[] = {0x44, 0x4e, 0xe4, 0xee};
        first = orders[VEC_IMM(inner->imm) & 3];
    } else {
        return IR_NO_VALUE;
    }
    unsigned both = 0;
    for (unsigned i = 0; i < 4; i++)
        both |= (first >> 2 * (order >> 2 * i & 3) & 3) << 2 * i;
    in->a = inner->a;
    in->imm = vec_imm(VEC_WORDS, both);
    return both == 0xe4 ? in->a : IR_NO_VALUE;
}

// Whether each element of so many bits is all ones or all zeros.
static bool is_mask(const struct ir_builder *b, ir_value v, unsigned bits, unsigned depth)
{
    const struct ir_insn *in = &b->r->insns[v];
    if (in->op != IR_VX2)
        return false;
    switch (VEC_OP(in->imm)) {
    case VEC_EQ16:
    case VEC_GTS16:
    case VEC_GTU16: return bits == 16;
    case VEC_EQ32:
    case VEC_GTS32:
    case VEC_GTU32: return bits == 32;
    case VEC_PACKS32:
        return bits == 16 && depth && is_mask(b, in->a, 32, depth - 1) && is_mask(b, in->b, 32, depth - 1);
    case VEC_AND:
    case VEC_ANDN:
    case VEC_OR:
    case VEC_ORN:
    case VEC_XOR:
    case VEC_NOR:
    case VEC_EQV:
    case VEC_NAND: return depth && is_mask(b, in->a, bits, depth - 1) && is_mask(b, in->b, bits, depth - 1);
    default: return false;
    }
}

// The lower halves of masks are what saturation makes of them, too.
static void fold_pack(const struct ir_builder *b, struct ir_insn *in)
{
    enum { DEPTH = 4 };
    bool words = VEC_OP(in->imm) == VEC_PACK32;
    unsigned bits = words ? 32 : 16;
    if (is_mask(b, in->a, bits, DEPTH) && is_mask(b, in->b, bits, DEPTH))
        in->imm = vec_imm(words ? VEC_PACKS32 : VEC_PACKS16, 0);
}

// XTOV: a doubleword as a general value.
static ir_value fold_extract(const struct ir_builder *b, struct ir_insn *in)
{
    unsigned n = (unsigned)in->imm;
    trace(b, &in->a, &n);
    in->imm = n;
    const struct ir_insn *from = &b->r->insns[in->a];
    if (from->op == IR_VTOX)
        return n ? from->a : from->b;
    if (from->op == IR_DTOX && n)
        *in = (struct ir_insn){.op = IR_DTOV, .a = from->a};
    return IR_NO_VALUE;
}

ir_value pass_vector(const struct ir_builder *b, struct ir_insn *in)
{
    const struct ir_insn *from = &b->r->insns[in->a == IR_NO_VALUE ? 0 : in->a];
    switch (in->op) {
    case IR_VX1:
        if (VEC_OP(in->imm) == VEC_WORDS)
            return fold_words(b, in);
        if (VEC_OP(in->imm) == VEC_REVERSE && from->op == IR_VX1 && from->imm == in->imm)
            return from->a;
        return IR_NO_VALUE;
    case IR_VX2:
        if (VEC_OP(in->imm) == VEC_DWORDS)
            return fold_dwords(b, in);
        if (VEC_OP(in->imm) == VEC_PACK16 || VEC_OP(in->imm) == VEC_PACK32)
            fold_pack(b, in);
        if (in->a == in->b && (VEC_OP(in->imm) == VEC_AND || VEC_OP(in->imm) == VEC_OR))
            return in->a;
        return IR_NO_VALUE;
    case IR_XTOV: return fold_extract(b, in);
    case IR_XTOD: {
        unsigned n = !in->imm;
        ir_value v = in->a;
        trace(b, &v, &n);
        from = &b->r->insns[v];
        if (from->op == IR_DTOX && n)
            return from->a;
        in->a = v;
        in->imm = !n;
        if (from->op == IR_VTOX)
            *in = (struct ir_insn){.op = IR_VTOD, .a = n ? from->a : from->b};
        return IR_NO_VALUE;
    }
    case IR_VTOD: return from->op == IR_DTOV ? from->a : IR_NO_VALUE;
    case IR_DTOV:
        if (from->op == IR_XTOD)
            *in = (struct ir_insn){.op = IR_XTOV, .a = from->a, .imm = !from->imm};
        return from->op == IR_VTOD ? from->a : IR_NO_VALUE;
    default: return IR_NO_VALUE;
    }
}
