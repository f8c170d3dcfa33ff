// SPDX-License-Identifier: Apache-2.0
// Finds the load and reserve that a store conditional always comes from, with nothing but computing in between: a pair (cpu/reserve.h).
//
// Nothing in between accesses memory or looks at anything but slots, so no program can tell when the load was done, as long as
// the store finds the bytes that it gave. Ways out in between are allowed (a comparison that failed).
#include "cpu/xlate/pass.h"

#define BLOCKS_BACK 4u

// The one block from which control comes to block n, or -1: there are others, or it is entered from outside, or it is a loop's head.
static int only_predecessor(const struct ir_region *r, unsigned n)
{
    int found = -1;
    if (!n || r->blocks[n].returns)
        return -1;
    for (unsigned i = 0; i < r->blocks_len; i++) {
        const struct ir_block *block = &r->blocks[i];
        u8 end = r->insns[block->first + block->len - 1].op;
        if ((end != IR_JUMP && end != IR_BRANCH) || (block->then != n && (end != IR_BRANCH || block->other != n)))
            continue;
        if (found >= 0 || i >= n)
            return -1;
        found = (int)i;
    }
    return found;
}

static bool only_computes(const struct ir_insn *in)
{
    return ir_ops[in->op].flags & IR_PURE || in->op == IR_PUT || in->op == IR_JUMP || in->op == IR_BRANCH;
}

static struct ir_insn *load_before(struct ir_region *r, unsigned block, unsigned store)
{
    unsigned i = store;
    for (unsigned back = 0; back < BLOCKS_BACK; back++) {
        for (; i > r->blocks[block].first; i--) {
            struct ir_insn *in = &r->insns[i - 1];
            if (in->op == IR_LARX)
                return in;
            if (!only_computes(in))
                return NULL;
        }
        int before = only_predecessor(r, block);
        if (before < 0)
            return NULL;
        block = (unsigned)before;
        i = r->blocks[block].first + r->blocks[block].len;
    }
    return NULL;
}

void pass_pair(struct ir_region *r)
{
    for (unsigned n = 0; n < r->blocks_len; n++) {
        for (unsigned i = r->blocks[n].first; i < r->blocks[n].first + r->blocks[n].len; i++) {
            if (r->insns[i].op != IR_STCX)
                continue;
            struct ir_insn *load = load_before(r, n, i);
            if (!load || (load->imm & MEM_SIZE) != (r->insns[i].imm & MEM_SIZE))
                continue;
            load->imm |= MEM_PAIRED;
            r->insns[i].imm |= MEM_PAIRED;
        }
    }
}
