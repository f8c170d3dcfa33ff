// SPDX-License-Identifier: Apache-2.0
//
// What nobody looks at goes away. A slot is live where some path reads it, leaves the region, or comes to an operation that
// may look at all guest state (GUEST), before it is written again. Back edges may leave the region, so everything is live there.
#include <string.h>

#include "cpu/xlate/pass.h"

#define ALL_SLOTS ((1ull << IR_SLOTS) - 1)
static_assert(IR_SLOTS < 64, "one bit each");

static u64 live_out(const struct ir_region *r, unsigned n, const u64 *live_in)
{
    const struct ir_block *block = &r->blocks[n];
    u8 op = r->insns[block->first + block->len - 1].op;
    if (op != IR_JUMP && op != IR_BRANCH)
        return ALL_SLOTS;
    u64 live = block->then > n ? live_in[block->then] : ALL_SLOTS;
    if (op == IR_BRANCH)
        live |= block->other > n ? live_in[block->other] : ALL_SLOTS;
    return live;
}

static bool is_needed(const struct ir_insn *in)
{
    return !(ir_ops[in->op].flags & IR_PURE);
}

// What a LOAD gave is kept where its out-of-line code finds it (cpu/xlate/ir.h, "Helpers").
static bool is_loaded(const struct ir_region *r, const struct ir_insn *in)
{
    return r->insns[in->a].op == IR_LOAD && r->insns[in->a].index == in->index;
}

// Backwards through one block: dead[] for PUTs that nobody sees; the slots that are live at its start.
static u64 sweep_slots(const struct ir_region *r, unsigned n, u64 live, u8 *dead)
{
    const struct ir_block *block = &r->blocks[n];
    for (unsigned at = block->first + block->len; at-- > block->first;) {
        const struct ir_insn *in = &r->insns[at];
        u64 bit = 1ull << (in->slot % 64);
        if (dead[at])
            continue;
        if (ir_ops[in->op].flags & IR_GUEST) {
            live = ALL_SLOTS;
        } else if (in->op == IR_PUT) {
            dead[at] = !(live & bit) && !is_loaded(r, in);
            live &= ~bit;
        } else if (in->op == IR_GET) {
            live |= bit;
        }
    }
    return live;
}

// GETs that only dead values use keep slots alive that need not be: values go first, then slots, then values again.
static void sweep_values(const struct ir_region *r, u8 *dead)
{
    static _Thread_local u8 used[PASS_VALUES];
    memset(used, 0, r->len);
    for (unsigned at = r->len; at-- > 0;) {
        const struct ir_insn *in = &r->insns[at];
        if (!dead[at] && (used[at] || is_needed(in))) {
            used[pass_at(in->a)] = used[pass_at(in->b)] = used[pass_at(in->c)] = 1;
        } else {
            dead[at] = 1;
        }
    }
}

static void compact(struct ir_region *r, const u8 *dead)
{
    static _Thread_local ir_value now[PASS_VALUES];
    now[pass_at(IR_NO_VALUE)] = IR_NO_VALUE;
    u16 to = 0;
    for (unsigned n = 0; n < r->blocks_len; n++) {
        struct ir_block *block = &r->blocks[n];
        unsigned first = block->first, len = block->len;
        block->first = to;
        for (unsigned at = first; at < first + len; at++) {
            if (dead[at])
                continue;
            const struct ir_insn *in = &r->insns[at];
            ir_value a = now[pass_at(in->a)], b = now[pass_at(in->b)], c = now[pass_at(in->c)];
            now[at] = to;
            struct ir_insn *out = &r->insns[to++];
            if (out != in)
                *out = *in;
            out->a = a;
            out->b = b;
            out->c = c;
        }
        block->len = (u16)(to - block->first);
    }
    r->len = to;
}

void pass_dead(struct ir_region *r)
{
    static _Thread_local u8 dead[IR_INSNS_MAX];
    u64 live_in[IR_BLOCKS_MAX];
    memset(dead, 0, r->len);
    sweep_values(r, dead);
    for (unsigned n = r->blocks_len; n-- > 0;)
        live_in[n] = sweep_slots(r, n, live_out(r, n, live_in), dead);
    sweep_values(r, dead);
    compact(r, dead);
}

struct ir_region *pass_all(const struct ir_region *in, struct ir_region *out)
{
    pass_forward(in, out);
    pass_dead(out);
    return out;
}
