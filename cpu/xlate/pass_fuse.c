// SPDX-License-Identifier: Apache-2.0
// A condition register bit that is tested in the block that computes it: the test becomes the comparison itself.
#include "cpu/xlate/pass.h"

static enum ir_cond inverted(enum ir_cond cond)
{
    static const u8 table[] = {
        [COND_EQ] = COND_NE, [COND_NE] = COND_EQ,   [COND_LT] = COND_GE,   [COND_GE] = COND_LT,   [COND_LE] = COND_GT,
        [COND_GT] = COND_LE, [COND_ULT] = COND_UGE, [COND_UGE] = COND_ULT, [COND_ULE] = COND_UGT, [COND_UGT] = COND_ULE,
    };
    return table[cond];
}

static bool bit_condition(u64 bit, bool is_signed, enum ir_cond *cond)
{
    switch (bit) {
    case CR_LT: *cond = is_signed ? COND_LT : COND_ULT; return true;
    case CR_GT: *cond = is_signed ? COND_GT : COND_UGT; return true;
    case CR_EQ: *cond = COND_EQ; return true;
    default: return false; // SO
    }
}

// `test` is a comparison that gives 0 or not 0: the same as a condition on two values.
static bool find_comparison(struct ir_builder *b, struct fold_facts *facts, ir_value test, struct ir_insn *out)
{
    const struct ir_insn in = b->r->insns[test];
    if (in.op == IR_SET) {
        *out = in;
        return true;
    }
    u64 bit;
    enum ir_cond cond;
    // a bit of a field that is put together of comparisons (vector compares): the others have been found not to matter
    if (in.op == IR_SHL && b->r->insns[in.a].op == IR_SET && fold_constant(b, in.b, &bit) && bit < 64) {
        *out = b->r->insns[in.a];
        return true;
    }
    if (in.op != IR_AND || !fold_constant(b, in.b, &bit) || b->r->insns[in.a].op != IR_CRF)
        return false;
    const struct ir_insn crf = b->r->insns[in.a];
    if (!bit_condition(bit, crf.imm == COMPARE_S64 || crf.imm == COMPARE_S32, &cond))
        return false;
    *out = (struct ir_insn){.op = IR_SET, .cond = (u8)cond, .a = crf.a, .b = crf.b};
    if (crf.imm == COMPARE_S32 || crf.imm == COMPARE_U32) {
        u8 extend = crf.imm == COMPARE_S32 ? IR_SEXT32 : IR_ZEXT32;
        out->a = fold_emit(b, facts, (struct ir_insn){.op = extend, .a = crf.a});
        out->b = fold_emit(b, facts, (struct ir_insn){.op = extend, .a = crf.b});
    }
    return true;
}

struct ir_insn fuse(struct ir_builder *b, struct fold_facts *facts, struct ir_insn in)
{
    struct ir_insn found;
    u64 zero;
    if (in.op == IR_SELECT) {
        if (b->r->insns[in.a].op != IR_SET && find_comparison(b, facts, in.a, &found))
            in.a = fold_emit(b, facts, found);
        return in;
    }
    while ((in.cond == COND_EQ || in.cond == COND_NE) && fold_constant(b, in.b, &zero) && zero == 0 &&
           find_comparison(b, facts, in.a, &found)) {
        in.cond = (u8)(in.cond == COND_NE ? found.cond : inverted(found.cond));
        in.a = found.a;
        in.b = found.b;
    }
    return in;
}
