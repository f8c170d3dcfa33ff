// SPDX-License-Identifier: Apache-2.0
// From guest instructions to intermediate form, in 64-bit mode: the meaning that exec_<id>() has, as operations on slots.
//
// Each lower_*.c has a table with a row per instruction: a function that many instructions share, and what distinguishes them.
// Instructions without a row are executed by their reference semantics (EXEC) or left to the interpreter (EXIT_INSN).
#ifndef CPU_XLATE_LOWER_H
#define CPU_XLATE_LOWER_H

#include "cpu/xlate/build.h"
#include "isa/isa.h"

typedef void lower_fn(struct ir_builder *b, u32 insn, unsigned arg);

struct lower_row {
    lower_fn *fn;
    unsigned arg; // the function's own
};

extern const struct lower_row lower_arith[INSN_COUNT], lower_logic[INSN_COUNT], lower_storage[INSN_COUNT], lower_system[INSN_COUNT],
    lower_state[INSN_COUNT], lower_cache[INSN_COUNT], lower_vector[INSN_COUNT], lower_vector_move[INSN_COUNT],
    lower_vector_storage[INSN_COUNT], lower_vector_more[INSN_COUNT], lower_float[INSN_COUNT];

// The instruction's row, or NULL when it has none.
const struct lower_row *lower_find(enum insn_id id);

// CR field 0 as the record forms set it.
void lower_record(struct ir_builder *b, ir_value result);

// The bit of the condition register as zero or not zero.
ir_value lower_cr_test(struct ir_builder *b, unsigned bit);

static inline ir_value lower_ra_or_zero(struct ir_builder *b, unsigned ra)
{
    return ra ? ir_get(b, SLOT_GPR + ra) : ir_const(b, 0);
}

// arg of logic: an operation of ir.def, and what is inverted.
enum { LOGIC_OP = 0xff, LOGIC_NOT_B = 0x100, LOGIC_NOT = 0x200 };
ir_value lower_logic_op(struct ir_builder *b, unsigned arg, ir_value a, ir_value v);

#endif
