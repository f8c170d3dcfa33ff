// SPDX-License-Identifier: Apache-2.0
//
// Which facilities are known to be available where a block begins. What every way from an entry comes to needs sooner or later is looked at
// where the region is entered (ir_block.need), so that loops need not look; the rest is known where all ways to the block have looked.
#include <string.h>

#include "cpu/xlate/pass.h"

// What a block looks at before MSR may change in it, and after it.
struct facts {
    u64 first, last;
    bool changes;
};

static bool changes_msr(const struct ir_insn *in)
{
    struct ir_effects e;
    return (in->op == IR_SET_FIELD && in->imm == ir_field(msr)) || (in->op == IR_EXEC && !ir_effects(in->insn, &e));
}

static struct facts look(const struct ir_region *r, const struct ir_block *block)
{
    struct facts f = {0};
    for (unsigned i = block->first; i < (unsigned)block->first + block->len; i++) {
        const struct ir_insn *in = &r->insns[i];
        if (in->op == IR_REQUIRE && in->cond == COND_EQ) {
            f.last |= in->imm;
            if (!f.changes)
                f.first |= in->imm;
        } else if (changes_msr(in)) {
            f.changes = true;
            f.last = 0;
        }
    }
    return f;
}

static unsigned successors(const struct ir_region *r, const struct ir_block *block, u16 to[2])
{
    u8 end = r->insns[block->first + block->len - 1].op;
    to[0] = block->then;
    to[1] = block->other;
    return ir_successors(end);
}

// What will be looked at on every way from the block's beginning.
static void find_coming(const struct ir_region *r, const struct facts *facts, u64 *coming)
{
    for (unsigned n = 0; n < r->blocks_len; n++)
        coming[n] = facts[n].first;
    for (bool again = true; again;) {
        again = false;
        for (unsigned n = r->blocks_len; n-- > 0;) {
            u16 to[2];
            unsigned len = successors(r, &r->blocks[n], to);
            if (!len || facts[n].changes)
                continue;
            u64 now = coming[n] | (coming[to[0]] & coming[to[len - 1]]);
            again |= now != coming[n];
            coming[n] = now;
        }
    }
}

void pass_facilities(const struct ir_region *r, u64 found[IR_BLOCKS_MAX], u32 need[IR_BLOCKS_MAX])
{
    struct facts facts[IR_BLOCKS_MAX];
    u64 coming[IR_BLOCKS_MAX], all = 0;
    memset(found, 0, sizeof(*found) * r->blocks_len);
    memset(need, 0, sizeof(*need) * r->blocks_len);
    for (unsigned i = 0; i < r->len && !all; i++)
        all = r->insns[i].op == IR_REQUIRE && r->insns[i].cond == COND_EQ;
    if (!all)
        return;
    all = 0;
    for (unsigned n = 0; n < r->blocks_len; n++) {
        facts[n] = look(r, &r->blocks[n]);
        all |= facts[n].first | facts[n].last;
    }
    find_coming(r, facts, coming);
    for (unsigned n = 0; n < r->blocks_len; n++) {
        found[n] = all;
        if (n == 0 || r->blocks[n].returns)
            found[n] = need[n] = (u32)coming[n];
        if (r->blocks[n].landing)
            found[n] = 0;
    }
    for (bool again = true; again;) {
        again = false;
        for (unsigned n = 0; n < r->blocks_len; n++) {
            u16 to[2];
            unsigned len = successors(r, &r->blocks[n], to);
            u64 out = facts[n].last | (facts[n].changes ? 0 : found[n]);
            for (unsigned s = 0; s < len; s++) {
                again |= (found[to[s]] & ~out) != 0;
                found[to[s]] &= out;
            }
        }
    }
}
