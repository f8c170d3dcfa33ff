// SPDX-License-Identifier: Apache-2.0
// Cache blocks: what is left of their management is translation, and dcbz. Semantics: cpu/exec/storage_cache.c.
#include "cpu/exec/exec.h"
#include "cpu/xlate/lower.h"

#define CACHE_BLOCK 128u

static ir_value block_address(struct ir_builder *b, u32 insn)
{
    ir_value ea = ir_op2(b, IR_ADD, lower_ra_or_zero(b, RA), ir_get(b, SLOT_GPR + RB));
    return ir_op2i(b, IR_AND, ea, ~(u64)(CACHE_BLOCK - 1));
}

static void lower_touch(struct ir_builder *b, u32 insn, unsigned arg)
{
    ir_emit(b, (struct ir_insn){.op = IR_LOAD, .a = block_address(b, insn), .imm = MEM_8});
}

static void lower_dcbz(struct ir_builder *b, u32 insn, unsigned arg)
{
    ir_emit(b, (struct ir_insn){.op = IR_ZERO, .a = block_address(b, insn)});
}

const struct lower_row lower_cache[INSN_COUNT] = {
    [INSN_dcbst] = {lower_touch, 0},
    [INSN_dcbf] = {lower_touch, 0},
    [INSN_icbi] = {lower_touch, 0},
    [INSN_dcbz] = {lower_dcbz, 0},
};
