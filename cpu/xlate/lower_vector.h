// SPDX-License-Identifier: Apache-2.0
// Between the parts of the lowering of vectors: lower_vector.c, lower_vector_move.c, lower_vector_storage.c.
//
// MSR[VEC], MSR[VSX] or MSR[FP] has been checked before (region.c). What is said of loads and stores in lower_storage.c holds here. An
// instruction whose operations the host does not have (target_vector()) is left to its semantics.
#ifndef CPU_XLATE_LOWER_VECTOR_H
#define CPU_XLATE_LOWER_VECTOR_H

#include "cpu/exec/exec.h"
#include "cpu/xlate/lower.h"
#include "cpu/xlate/target.h"
#include "cpu/xlate/vector.h"

#undef VR
#undef VSR
#undef FPR
#define VR(n)  (SLOT_VSR + 32 + (n))
#define VSR(n) (SLOT_VSR + (n))
#define FPR(n) (SLOT_FPR + (n)) // n up to 63: doubleword 0 of the vector-scalar register, whose other one becomes zero

// arg of many: the operation, which registers the operands are in (VRT, VRA, VRB, or XT, XA, XB), and whether they are exchanged.
enum { FORM_OP = 0xffff, FORM_VSX = 0x10000, FORM_REVERSED = 0x20000 };

static inline void lower_exec(struct ir_builder *b)
{
    ir_emit(b, (struct ir_insn){.op = IR_EXEC});
}

static inline ir_value lower_va(struct ir_builder *b, u32 insn, unsigned arg)
{
    return ir_get(b, arg & FORM_VSX ? VSR(XA) : VR(RA));
}
static inline ir_value lower_vb(struct ir_builder *b, u32 insn, unsigned arg)
{
    return ir_get(b, arg & FORM_VSX ? VSR(XB) : VR(RB));
}
static inline void lower_vt(struct ir_builder *b, u32 insn, unsigned arg, ir_value v)
{
    ir_put(b, arg & FORM_VSX ? VSR(XT) : VR(RT), v);
}

// CR6 of the recording compares: bit 0 all elements, bit 2 none.
static inline void lower_cr6(struct ir_builder *b, ir_value v)
{
    ir_value mask = ir_op1(b, IR_XMASK, v);
    ir_value all = ir_op2i(b, IR_SHL, ir_set(b, COND_EQ, mask, ir_const(b, 0xffff)), 3);
    ir_value none = ir_op2i(b, IR_SHL, ir_set(b, COND_EQ, mask, ir_const(b, 0)), 1);
    ir_put(b, SLOT_CRF + 6, ir_op2(b, IR_OR, all, none));
}

static inline ir_value lower_constant(struct ir_builder *b, u64 high, u64 low)
{
    if (high == low && VEC_IMM(vec_imm(VEC_CONST, high)) == high)
        return ir_vec0(b, VEC_CONST, high);
    return ir_op2(b, IR_VTOX, ir_const(b, high), ir_const(b, low));
}
static inline ir_value lower_splat64(struct ir_builder *b, u64 v)
{
    return lower_constant(b, v, v);
}

#endif
