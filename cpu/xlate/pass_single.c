// SPDX-License-Identifier: Apache-2.0
//
// Arithmetic in single precision on what is known to be in single format: loaded singles, and results of such arithmetic. As singles they
// need no conversion from one operation to the next, and no look at how a double would have been rounded. What registers hold is
// made of them by FWIDEN, beside the chain of operations.
#include "cpu/exec/fp_lazy.h"
#include "cpu/xlate/pass.h"

// `doubles`: with operands in double format.
static enum fp_kind kind_of(u64 kind, bool doubles)
{
    switch (kind) {
    case FPK_ADDS: return doubles ? FPK_ADDG : FPK_ADDF;
    case FPK_SUBS: return doubles ? FPK_SUBG : FPK_SUBF;
    case FPK_MULS: return doubles ? FPK_MULG : FPK_MULF;
    case FPK_DIVS: return doubles ? FPK_DIVG : FPK_DIVF;
    case FPK_SQRTS: return doubles ? FPK_SQRTG : FPK_SQRTF;
    case FPK_MADDS: return doubles ? FPK_MADDG : FPK_MADDF;
    case FPK_MSUBS: return doubles ? FPK_MSUBG : FPK_MSUBF;
    case FPK_NMADDS: return doubles ? FPK_NMADDG : FPK_NMADDF;
    case FPK_NMSUBS: return doubles ? FPK_NMSUBG : FPK_NMSUBF;
    case FPK_RSP: return FPK_RSPG;
    case FPK_FROM_S64S: return FPK_FROM_S64F;
    default: return FPK_NONE;
    }
}

// The single that the double was made of, or IR_NO_VALUE.
static ir_value single(const struct ir_builder *b, ir_value v)
{
    const struct ir_insn *in = &b->r->insns[v];
    return in->op == IR_FWIDEN ? in->a : IR_NO_VALUE;
}

bool pass_single(const struct ir_builder *b, struct ir_insn *in)
{
    ir_value *operands[] = {&in->a, &in->b, &in->c}, singles[3];
    unsigned n = ir_ops[in->op].values;
    bool doubles = in->imm == FPK_RSP || in->imm == FPK_FROM_S64S;
    enum fp_kind kind = kind_of(in->imm, false);
    if (kind == FPK_NONE)
        return false;
    for (unsigned i = 0; i < n && !doubles; i++) {
        singles[i] = single(b, *operands[i]);
        doubles = singles[i] == IR_NO_VALUE;
    }
    for (unsigned i = 0; i < n && !doubles; i++)
        *operands[i] = singles[i];
    in->imm = kind_of(in->imm, doubles);
    return true;
}

ir_value pass_narrow(const struct ir_builder *b, const struct ir_insn *in)
{
    return single(b, in->a);
}
