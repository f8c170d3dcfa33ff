// SPDX-License-Identifier: Apache-2.0
// Division. The host's instruction raises an exception where Power's leaves a result undefined; the semantics make that 0. Such divisors
// (0, and -1 for signed division) are rare: they are told apart by one branch that is not taken, and handled out of line.
#include "cpu/xlate/x86/comp.h"

static bool is_signed(const struct ir_insn *in)
{
    return in->op == IR_DIVS || in->op == IR_REMS;
}

static bool is_quotient(const struct ir_insn *in)
{
    return in->op == IR_DIVS || in->op == IR_DIVU;
}

static bool takes_any_divisor(const struct comp *x, const struct ir_insn *in)
{
    if (!is_const(x, in->b))
        return true;
    u64 divisor = comp_insn(x, in->b)->imm;
    if (in->imm == 32)
        divisor = (u64)(s64)(s32)divisor;
    return !divisor || (is_signed(in) && divisor == ~0ull);
}

void divide(struct comp *x)
{
    struct code *c = &x->c;
    const struct ir_insn *in = &x->r->insns[x->at];
    int w = in->imm != 32;
    value_claim(x, RAX);
    value_claim(x, RDX);
    enum reg ra = value_reg(x, in->a), rb = value_reg(x, in->b);
    struct cold *cold = NULL;
    if (takes_any_divisor(x, in)) {
        cold = comp_cold(x, COLD_DIVIDE);
        cold->tag = ra;
        cold->base = rb;
        if (is_signed(in)) {
            x_lea(c, w, RAX, mem_at(rb, 1));
            x_alu_imm(c, ALU_CMP, w, RAX, 1);
            x_jcc(c, CC_BE, &cold->start);
        } else {
            x_test(c, w, rb, rb);
            x_jcc(c, CC_E, &cold->start);
        }
    }
    x_mov(c, w, RAX, ra);
    if (is_signed(in))
        x_sign_rax(c, w);
    else
        x_alu(c, ALU_XOR, 0, RDX, RDX);
    x_unary(c, is_signed(in) ? UNARY_IDIV : UNARY_DIV, w, rb);
    if (cold)
        x_bind(c, &cold->back);
    value_result_in(x, is_quotient(in) ? RAX : RDX);
}

void divide_cold(struct comp *x, struct cold *cold)
{
    struct code *c = &x->c;
    const struct ir_insn *in = &x->r->insns[cold->at];
    int w = in->imm != 32;
    enum reg ra = cold->tag, rb = cold->base;
    x_bind(c, &cold->start);
    x_alu(c, ALU_XOR, 0, RAX, RAX);
    if (!is_quotient(in)) {
        x_alu(c, ALU_XOR, 0, RDX, RDX);
    } else if (is_signed(in)) { // by -1, unless that overflows
        x_test(c, w, rb, rb);
        x_jcc(c, CC_E, &cold->back);
        x_alu(c, ALU_SUB, w, RAX, ra);
        x_jcc(c, CC_NO, &cold->back);
        x_alu(c, ALU_XOR, 0, RAX, RAX);
    }
    x_jmp(c, &cold->back);
}
