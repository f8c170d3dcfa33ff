// SPDX-License-Identifier: Apache-2.0
// The optimiser: each pass keeps the region's meaning.
#ifndef CPU_XLATE_PASS_H
#define CPU_XLATE_PASS_H

#include "cpu/xlate/build.h"

struct pass_tables; // (pass_tables.h)

// Rebuilds `in` as `out`, block by block: slots that are known are not read again (and not written again with what they hold),
// constants are folded, copies disappear, comparisons are fused into the branches and selections that use them.
void pass_forward(struct pass_tables *t, const struct ir_region *in, struct ir_region *out);

// Drops what nobody looks at: PUTs that are overwritten before anybody sees them, and values without a use.
void pass_dead(struct pass_tables *t, struct ir_region *r);

// The front end's last step: marks the loads and stores of reservations that are pairs.
void pass_pair(struct ir_region *r);

// Loops through memory get a copy that need not look at pages.
void pass_strip(struct pass_tables *t, struct ir_region *r);

// The first two; returns `out`. (A second pass_forward() finds nothing that counts.)
struct ir_region *pass_all(struct pass_tables *t, const struct ir_region *in, struct ir_region *out);

// An array by values is a little longer than it need be, so that IR_NO_VALUE has a place, too: what an operation has not got need not be
// asked for.
#define PASS_VALUES (2 * IR_INSNS_MAX)
static inline unsigned pass_at(ir_value v)
{
    static_assert((IR_NO_VALUE & (PASS_VALUES - 1)) >= IR_INSNS_MAX && !(PASS_VALUES & (PASS_VALUES - 1)),
                  "a place of its own");
    return v & (PASS_VALUES - 1);
}

// Parts of pass_forward().

// found: the bits of MSR that REQUIRE need not look at any more where a block begins; need: ir_block.need, which that relies on.
void pass_facilities(const struct ir_region *r, u64 found[IR_BLOCKS_MAX], u32 need[IR_BLOCKS_MAX]);

#define FOLD_COMPUTED_BITS 8

struct fold_facts {
    u64 mask[IR_INSNS_MAX]; // what may be set in each value of the region that is being built
    unsigned block_first;   // the block's first operation
    ir_value computed[1 << FOLD_COMPUTED_BITS];
};

// Appends a PURE operation, or finds what it is equal to; its value.
ir_value fold_append(struct ir_builder *b, struct fold_facts *facts, const struct ir_insn *in);
static inline ir_value fold_emit(struct ir_builder *b, struct fold_facts *facts, struct ir_insn in)
{
    return fold_append(b, facts, &in);
}

// An operation that moves inside of a vector, or from or to one: the value that it is equal to, or IR_NO_VALUE, and then what does it better.
ir_value pass_vector(const struct ir_builder *b, struct ir_insn *in);
// FP1 .. FP3: whether it is now an operation on singles, whose result is to be widened.
bool pass_single(const struct ir_builder *b, struct ir_insn *in);
// FNARROW: the value that it is equal to, or IR_NO_VALUE.
ir_value pass_narrow(const struct ir_builder *b, const struct ir_insn *in);
// Replaces the condition of a BRANCH or SET against zero, or of a SELECT, by the comparison behind it. b: where to append.
struct ir_insn fuse(struct ir_builder *b, struct fold_facts *facts, struct ir_insn in);

static inline bool fold_constant(const struct ir_builder *b, ir_value v, u64 *imm)
{
    *imm = b->r->insns[v].imm;
    return b->r->insns[v].op == IR_CONST;
}

bool ir_compare_values(enum ir_cond cond, u64 a, u64 b);

#endif
