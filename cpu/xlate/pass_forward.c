// SPDX-License-Identifier: Apache-2.0
//
// One walk over each block that rebuilds it: operands are what their operations turned into, slots are what was last read from or
// written to them. EXEC may write any slot, or those that ir_effects() tells. A LOAD or STORE writes slots only as the PUTs after it do (cpu/xlate/lower_storage.c).
#include <string.h>

#include "cpu/xlate/pass_tables.h"

static void forget(struct forward *f)
{
    static_assert(IR_NO_VALUE == 0xffff, "all ones");
    memset(f->known, 0xff, sizeof(f->known));
    memset(f->put, 0, sizeof(f->put));
    f->set = f->clear = 0;
}

// An EXEC changes what its instruction writes, or everything. (None changes MSR.)
static void forget_written(struct forward *f, u32 insn)
{
    struct ir_effects e;
    if (!ir_effects(insn, &e)) {
        forget(f);
        return;
    }
    SLOTS_EACH (s, e.writes) {
        f->known[s] = IR_NO_VALUE;
        if (s >= SLOT_VSR)
            f->put[s % 64] = false;
    }
}

static inline ir_value append(struct forward *f, const struct ir_insn *in)
{
    return ir_ops[in->op].flags & IR_PURE ? fold_append(&f->b, &f->facts, in) : ir_append(&f->b, in);
}

// Moves in vectors, simplified.
static ir_value append_vector(struct forward *f, struct ir_insn in)
{
    ir_value same = pass_vector(&f->b, &in);
    return same != IR_NO_VALUE ? same : append(f, &in);
}

static ir_value get(struct forward *f, struct ir_insn *in)
{
    if (in->slot >= SLOT_FPR && f->both[in->slot % 64]) {
        in->slot = (u16)ir_overlap(in->slot);
        return append_vector(f, (struct ir_insn){.op = IR_XTOD, .a = get(f, in)});
    }
    if (f->known[in->slot] == IR_NO_VALUE)
        f->known[in->slot] = fold_append(&f->b, &f->facts, in);
    return f->known[in->slot];
}

static void put(struct forward *f, struct ir_insn *in)
{
    if (in->slot >= SLOT_FPR && f->both[in->slot % 64]) {
        in->slot = (u16)ir_overlap(in->slot);
        in->a = append_vector(f, (struct ir_insn){.op = IR_DTOX, .a = in->a});
    }
    // What an FPR holds already may have another doubleword 1.
    if (f->known[in->slot] != in->a || (in->slot >= SLOT_FPR && !f->put[in->slot % 64]))
        ir_append(&f->b, in);
    f->known[in->slot] = in->a;
    if (in->slot >= SLOT_FPR)
        f->put[in->slot % 64] = true;
}

static void find_views(struct forward *f, const struct ir_region *r)
{
    u64 vectors = 0, scalars = 0;
    for (unsigned i = 0; i < r->len; i++) {
        const struct ir_insn *in = &r->insns[i];
        if ((in->op != IR_GET && in->op != IR_PUT) || in->slot < SLOT_VSR)
            continue;
        if (in->slot < SLOT_FPR)
            vectors |= 1ull << in->slot % 64;
        else
            scalars |= 1ull << in->slot % 64;
    }
    for (unsigned n = 0; n < 64; n++)
        f->both[n] = vectors & scalars & 1ull << n;
}

static ir_value rebuild(struct forward *f, const struct ir_insn *old)
{
    // Most GETs are of what is known.
    if (old->op == IR_GET && f->known[old->slot] != IR_NO_VALUE && (old->slot < SLOT_FPR || !f->both[old->slot % 64]))
        return f->known[old->slot];
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
    case IR_GET: return get(f, &in);
    case IR_PUT: put(f, &in); return IR_NO_VALUE;
    case IR_EXEC: forget_written(f, in.insn); break;
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
    case IR_LARX:
    case IR_RMW:
    case IR_CAS:
    case IR_STCX:
    case IR_FCMP:
    case IR_LOAD: return fold_append(&f->b, &f->facts, &in); // finds nothing equal: only notes what it may give
    case IR_SET:
    case IR_SELECT:
    case IR_BRANCH: in = fuse(&f->b, &f->facts, in); break;
    case IR_VX1:
    case IR_VX2:
    case IR_XTOV:
    case IR_XTOD:
    case IR_VTOD:
    case IR_DTOV: return append_vector(f, in);
    case IR_FP1:
    case IR_FP2:
    case IR_FP3:
        if (pass_single(&f->b, &in))
            return append(
                f, &(struct ir_insn){.op = IR_FWIDEN, .a = ir_append(&f->b, &in), .b = IR_NO_VALUE, .c = IR_NO_VALUE});
        break;
    case IR_FNARROW: {
        ir_value same = pass_narrow(&f->b, &in);
        if (same != IR_NO_VALUE)
            return same;
        break;
    }
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

void pass_forward(struct pass_tables *t, const struct ir_region *in, struct ir_region *out)
{
    struct forward *f = &t->forward;
    f->b = (struct ir_builder){.r = out};
    f->now[pass_at(IR_NO_VALUE)] = IR_NO_VALUE;
    out->page = in->page;
    out->entry = in->entry;
    out->big_endian = in->big_endian;
    out->older = in->older;
    out->guest_insns = in->guest_insns;
    out->blocks_len = in->blocks_len;
    out->len = 0;
    u64 found[IR_BLOCKS_MAX];
    u32 need[IR_BLOCKS_MAX];
    find_views(f, in);
    pass_facilities(in, found, need);
    for (unsigned n = 0; n < in->blocks_len; n++) {
        struct ir_block *block = &out->blocks[n];
        *block = in->blocks[n];
        block->first = out->len;
        block->need = need[n];
        f->facts.block_first = out->len;
        forget(f);
        f->set = found[n];
        for (unsigned i = 0; i < in->blocks[n].len; i++) {
            unsigned at = in->blocks[n].first + i;
            f->now[at] = rebuild(f, &in->insns[at]);
        }
        settle(f, block);
        block->len = (u16)(out->len - block->first);
    }
}
