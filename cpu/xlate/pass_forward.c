// SPDX-License-Identifier: Apache-2.0
//
// One walk over each block that rebuilds it: operands are what their operations turned into, slots are what was last read from or
// written to them. EXEC may write any slot. A LOAD or STORE writes slots only as the PUTs after it do (cpu/xlate/lower_storage.c).
#include "cpu/xlate/pass.h"

#include <string.h>

struct forward {
    struct ir_builder b;
    struct fold_facts facts;
    ir_value now[PASS_VALUES]; // values of the old region in the new one
    ir_value known[IR_SLOTS];  // what slots hold, in the block
    u64 set, clear;            // bits of MSR that were found to be so, in the block
};

static void forget(struct forward *f)
{
    static_assert(IR_NO_VALUE == 0xffff, "all ones");
    memset(f->known, 0xff, sizeof(f->known));
    f->set = f->clear = 0;
}

static inline ir_value append(struct forward *f, const struct ir_insn *in)
{
    return ir_ops[in->op].flags & IR_PURE ? fold_append(&f->b, &f->facts, in) : ir_append(&f->b, in);
}

static ir_value rebuild(struct forward *f, const struct ir_insn *old)
{
    struct ir_insn in = {
        .op = old->op,
        .cond = old->cond,
        .slot = old->slot,
        .a = f->now[pass_at(old->a)],
        .b = f->now[pass_at(old->b)],
        .c = f->now[pass_at(old->c)],
        .index = old->index,
        .insn = old->insn,
        .imm = old->imm,
    };
    f->b.index = in.index;
    f->b.insn = in.insn;
    switch (in.op) {
    case IR_GET:
        if (f->known[in.slot] == IR_NO_VALUE)
            f->known[in.slot] = fold_append(&f->b, &f->facts, &in);
        return f->known[in.slot];
    case IR_PUT:
        if (f->known[in.slot] != in.a)
            ir_append(&f->b, &in);
        f->known[in.slot] = in.a;
        return IR_NO_VALUE;
    case IR_EXEC: forget(f); break;
    case IR_REQUIRE: {
        u64 *found = in.cond == COND_NE ? &f->clear : &f->set;
        if ((*found & in.imm) == in.imm)
            return IR_NO_VALUE;
        *found |= in.imm;
        break;
    }
    case IR_SET_FIELD:
        if (in.imm == ir_field(msr))
            f->set = f->clear = 0;
        break;
    case IR_FIELD:
    case IR_LOAD: return fold_append(&f->b, &f->facts, &in); // finds nothing equal: only notes what it may give
    case IR_SET:
    case IR_SELECT:
    case IR_BRANCH: in = fuse(&f->b, &f->facts, in); break;
    default: break;
    }
    return append(f, &in);
}

// A branch on constants is a jump.
static void settle(struct forward *f, struct ir_block *block)
{
    struct ir_insn *end = &f->b.r->insns[f->b.r->len - 1];
    u64 x, y;
    if (end->op != IR_BRANCH || !fold_constant(&f->b, end->a, &x) || !fold_constant(&f->b, end->b, &y))
        return;
    if (!ir_compare_values(end->cond, x, y))
        block->then = block->other;
    end->op = IR_JUMP;
    end->a = end->b = IR_NO_VALUE;
}

void pass_forward(const struct ir_region *in, struct ir_region *out)
{
    static _Thread_local struct forward f;
    f.b = (struct ir_builder){.r = out};
    f.now[pass_at(IR_NO_VALUE)] = IR_NO_VALUE;
    out->page = in->page;
    out->entry = in->entry;
    out->big_endian = in->big_endian;
    out->guest_insns = in->guest_insns;
    out->blocks_len = in->blocks_len;
    out->len = 0;
    for (unsigned n = 0; n < in->blocks_len; n++) {
        struct ir_block *block = &out->blocks[n];
        *block = in->blocks[n];
        block->first = out->len;
        forget(&f);
        for (unsigned i = 0; i < in->blocks[n].len; i++) {
            unsigned at = in->blocks[n].first + i;
            f.now[at] = rebuild(&f, &in->insns[at]);
        }
        settle(&f, block);
        block->len = (u16)(out->len - block->first);
    }
}
