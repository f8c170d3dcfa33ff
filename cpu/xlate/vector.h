// SPDX-License-Identifier: Apache-2.0
// Operations on vectors in the intermediate form: their names, their meaning as plain C (for tests), and how lowering makes them.
#ifndef CPU_XLATE_VECTOR_H
#define CPU_XLATE_VECTOR_H

#include "cpu/xlate/build.h"

enum ir_vector {
#define LANES(name, ...) VEC_##name,
#define WHOLE(name, ...) VEC_##name,
#include "cpu/xlate/vector.def"
#undef LANES
#undef WHOLE
    VEC_OPS,
};

// ir_insn.imm: the operation, and its immediate above.
#define VEC_OP(imm)  ((unsigned)(imm)&0xffff)
#define VEC_IMM(imm) ((u64)((s64)(imm) >> 16))
static inline u64 vec_imm(enum ir_vector op, u64 n)
{
    return (u64)op | n << 16;
}

// Whether it is an operation with that many operands.
bool vector_check(u64 imm, unsigned operands);
void vector_print(u64 imm, char *text, size_t size);
union vsr vector_eval(u64 imm, const union vsr *a, const union vsr *b, const union vsr *c);

static inline ir_value ir_vec0(struct ir_builder *b, enum ir_vector op, u64 n)
{
    return ir_emit(b, (struct ir_insn){.op = IR_VX0, .imm = vec_imm(op, n)});
}
static inline ir_value ir_vec1(struct ir_builder *b, enum ir_vector op, ir_value a, u64 n)
{
    return ir_emit(b, (struct ir_insn){.op = IR_VX1, .a = a, .imm = vec_imm(op, n)});
}
static inline ir_value ir_vec2(struct ir_builder *b, enum ir_vector op, ir_value a, ir_value v, u64 n)
{
    return ir_emit(b, (struct ir_insn){.op = IR_VX2, .a = a, .b = v, .imm = vec_imm(op, n)});
}
static inline ir_value ir_vec3(struct ir_builder *b, enum ir_vector op, ir_value a, ir_value v, ir_value c, u64 n)
{
    return ir_emit(b, (struct ir_insn){.op = IR_VX3, .a = a, .b = v, .c = c, .imm = vec_imm(op, n)});
}

#endif
