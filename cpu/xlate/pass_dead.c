// SPDX-License-Identifier: Apache-2.0
//
// What nobody looks at goes away. A slot is live where some path reads it, leaves the region, or comes to an operation that
// may look at all guest state (GUEST), before it is written again. Back edges may leave the region, so everything is live there.
#include <string.h>

#include "cpu/xlate/pass_tables.h"

static_assert(IR_SLOTS <= 64 * SLOT_WORDS, "one bit each");

static struct slot_set live_out(const struct ir_region *r, unsigned n, const struct slot_set *live_in)
{
    const struct ir_block *block = &r->blocks[n];
    u8 op = r->insns[block->first + block->len - 1].op;
    if (!ir_successors(op))
        return SLOTS_ALL;
    struct slot_set live = block->then > n ? live_in[block->then] : SLOTS_ALL;
    if (ir_successors(op) == 2)
        slots_join(&live, block->other > n ? live_in[block->other] : SLOTS_ALL);
    return live;
}

static bool is_needed(const struct ir_insn *in)
{
    return !(ir_ops[in->op].flags & IR_PURE);
}

// What a LOAD gave is kept where its out-of-line code finds it (cpu/xlate/ir.h, "Helpers").
static bool is_loaded(const struct ir_region *r, const struct ir_insn *in)
{
    if (ir_slots[in->slot].type == 'V')
        return r->insns[in->a].index == in->index &&
               (r->insns[in->a].op == IR_LOAD || r->insns[in->a].op == IR_LARX || r->insns[in->a].op == IR_STCX);
    for (unsigned at = in->a; r->insns[at].index == in->index; at--) {
        if (r->insns[at].op == IR_LOADX || r->insns[at].op == IR_LOADD || r->insns[at].op == IR_LOAD)
            return true;
        if (at == 0)
            break;
    }
    return false;
}

// Backwards through one block: dead[] for PUTs that nobody sees; the slots that are live at its start.
static struct slot_set sweep_slots(const struct ir_region *r, unsigned n, struct slot_set live, u8 *dead)
{
    const struct ir_block *block = &r->blocks[n];
    for (unsigned at = block->first + block->len; at-- > block->first;) {
        const struct ir_insn *in = &r->insns[at];
        struct ir_effects e;
        if (dead[at])
            continue;
        if (in->op == IR_EXEC && ir_effects(in->insn, &e) && !e.raises) {
            slots_join(&live, e.reads); // what it writes may keep a part
            slots_join(&live, e.writes);
        } else if (ir_is_guest(in)) {
            live = SLOTS_ALL;
        } else if (in->op == IR_PUT) {
            dead[at] = !slots_have(&live, in->slot) && !is_loaded(r, in);
            slots_remove(&live, in->slot);
            if (in->slot >= SLOT_VSR)
                slots_remove(&live, ir_overlap(in->slot));
        } else if (in->op == IR_GET) {
            slots_add(&live, in->slot);
            if (in->slot >= SLOT_VSR)
                slots_add(&live, ir_overlap(in->slot));
        }
    }
    return live;
}

// GETs that only dead values use keep slots alive that need not be: values go first, then slots, then values again.
static void sweep_values(const struct ir_region *r, u8 *dead, u8 *used)
{
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

static void compact(struct ir_region *r, const u8 *dead, ir_value *now)
{
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

void pass_dead(struct pass_tables *t, struct ir_region *r)
{
    u8 *dead = t->dead;
    struct slot_set live_in[IR_BLOCKS_MAX];
    memset(dead, 0, r->len);
    sweep_values(r, dead, t->used);
    for (unsigned n = r->blocks_len; n-- > 0;)
        live_in[n] = sweep_slots(r, n, live_out(r, n, live_in), dead);
    sweep_values(r, dead, t->used);
    compact(r, dead, t->now);
}

struct ir_region *pass_all(struct pass_tables *t, const struct ir_region *in, struct ir_region *out)
{
    pass_forward(t, in, out);
    pass_dead(t, out);
    return out;
}
