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

// The block lies in one page. Its ends first: what is between them needs no look at the page.
static void lower_dcbz(struct ir_builder *b, u32 insn, unsigned arg)
{
    ir_value block = block_address(b, insn), zero = ir_const(b, 0);
    for (unsigned i = 0; i < CACHE_BLOCK / 8; i++) {
        unsigned at = (i == 0 ? CACHE_BLOCK / 8 - 1 : i - 1) * 8;
        ir_emit(b, (struct ir_insn){.op = IR_STORE, .a = ir_op2i(b, IR_ADD, block, at), .b = zero, .imm = MEM_64});
    }
}

const struct lower_row lower_cache[INSN_COUNT] = {
    [INSN_dcbst] = {lower_touch, 0},
    [INSN_dcbf] = {lower_touch, 0},
    [INSN_icbi] = {lower_touch, 0},
    [INSN_dcbz] = {lower_dcbz, 0},
};
