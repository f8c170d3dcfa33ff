// SPDX-License-Identifier: Apache-2.0
// Making intermediate form: what lowering appends to the block that is being built. Nothing is simplified here; the passes do that.
#ifndef CPU_XLATE_BUILD_H
#define CPU_XLATE_BUILD_H

#include "cpu/xlate/ir.h"

struct ir_builder {
    struct ir_region *r;
    u16 index; // of the guest instruction that is being lowered, and its word
    u32 insn;
    u8 level; // enum isa_level of the partition
    bool full; // an operation did not fit: the region cannot be used as it is
};

// Appends an operation; its value, or IR_NO_VALUE where it has none. In line, and member by member: an operation that is put together in
// memory and then copied as a whole waits for its own stores.
static inline __attribute__((always_inline)) ir_value ir_append(struct ir_builder *b, const struct ir_insn *insn)
{
    struct ir_region *r = b->r;
    unsigned at = r->len;
    if (unlikely(at == IR_INSNS_MAX)) {
        b->full = true;
        return 0;
    }
    const struct ir_op_row *row = &ir_ops[insn->op];
    struct ir_insn *to = &r->insns[at];
    to->op = insn->op;
    to->cond = insn->cond;
    to->slot = insn->slot;
    to->a = row->values < 1 ? IR_NO_VALUE : insn->a;
    to->b = row->values < 2 ? IR_NO_VALUE : insn->b;
    to->c = row->values < 3 ? IR_NO_VALUE : insn->c;
    to->index = b->index;
    to->insn = b->insn;
    to->imm = insn->imm;
    r->len = (u16)(at + 1);
    return row->result == '-' ? IR_NO_VALUE : (ir_value)at;
}
static inline __attribute__((always_inline)) ir_value ir_emit(struct ir_builder *b, struct ir_insn insn)
{
    return ir_append(b, &insn);
}

static inline ir_value ir_const(struct ir_builder *b, u64 value)
{
    return ir_emit(b, (struct ir_insn){.op = IR_CONST, .imm = value});
}

static inline ir_value ir_get(struct ir_builder *b, unsigned slot)
{
    return ir_emit(b, (struct ir_insn){.op = IR_GET, .slot = (u16)slot});
}

static inline void ir_put(struct ir_builder *b, unsigned slot, ir_value value)
{
    ir_emit(b, (struct ir_insn){.op = IR_PUT, .slot = (u16)slot, .a = value});
}

static inline ir_value ir_op1(struct ir_builder *b, enum ir_op op, ir_value a)
{
    return ir_emit(b, (struct ir_insn){.op = (u8)op, .a = a});
}

static inline ir_value ir_op2(struct ir_builder *b, enum ir_op op, ir_value a, ir_value v)
{
    return ir_emit(b, (struct ir_insn){.op = (u8)op, .a = a, .b = v});
}

static inline ir_value ir_op2i(struct ir_builder *b, enum ir_op op, ir_value a, u64 imm)
{
    return ir_op2(b, op, a, ir_const(b, imm));
}

static inline ir_value ir_set(struct ir_builder *b, enum ir_cond cond, ir_value a, ir_value v)
{
    return ir_emit(b, (struct ir_insn){.op = IR_SET, .cond = (u8)cond, .a = a, .b = v});
}

static inline ir_value ir_select(struct ir_builder *b, ir_value condition, ir_value yes, ir_value no)
{
    return ir_emit(b, (struct ir_insn){.op = IR_SELECT, .a = condition, .b = yes, .c = no});
}

// A condition register field: a compared with v, and the summary overflow bit.
static inline ir_value ir_crf(struct ir_builder *b, enum ir_compare how, ir_value a, ir_value v, ir_value so)
{
    return ir_emit(b, (struct ir_insn){.op = IR_CRF, .imm = how, .a = a, .b = v, .c = so});
}

// a & mask, in the cheapest operation.
ir_value ir_and_mask(struct ir_builder *b, ir_value a, u64 mask);

#endif
