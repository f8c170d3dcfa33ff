// SPDX-License-Identifier: Apache-2.0
// Where a block's values are while its code is emitted (comp.h).
#include "cpu/xlate/x86/comp.h"

#include <string.h>

static void set_loc(struct comp *x, ir_value v, enum loc loc, unsigned n)
{
    x->vals[v].loc = (u8)loc;
    x->vals[v].n = (u8)n;
}

static void add_alias(struct comp *x, ir_value v, unsigned slot)
{
    set_loc(x, v, LOC_SLOT, slot);
    x->aliases[x->aliases_len++] = v;
}

static unsigned spill_place(struct comp *x)
{
    for (unsigned s = 0; s < SPILLS; s++) {
        if (x->spill_value[s] == IR_NO_VALUE) {
            x->spills_max = MAX(x->spills_max, s + 1);
            return s;
        }
    }
    x->failed = true;
    return 0;
}

static void spill(struct comp *x, enum reg r)
{
    ir_value v = x->reg_value[r];
    if (r >= XMM0) {
        unsigned place = 0;
        while (place < XLATE_SPILLS && x->xspill_value[place] != IR_NO_VALUE)
            place++;
        if (place == XLATE_SPILLS) {
            x->failed = true;
            return;
        }
        x_v1_mem(&x->c, MOVUPS_STORE, r, xspill_mem(place));
        x->xspill_value[place] = v;
        set_loc(x, v, LOC_XSPILL, place);
        x->reg_value[r] = IR_NO_VALUE;
        return;
    }
    unsigned s = spill_place(x);
    x_store(&x->c, 8, spill_mem(s, 0), r);
    x->spill_value[s] = v;
    set_loc(x, v, LOC_SPILL, s);
    x->reg_value[r] = IR_NO_VALUE;
}

// A free register of the pool and file, none of `avoid`; a value whose use is far is spilled for it.
static enum reg take_of(struct comp *x, u32 file, u32 avoid)
{
    unsigned best = NO_REG, far = 0;
    u32 may = x->pool & file & ~(avoid | x->locked);
    for (unsigned r = 0; r < ALL_REGS; r++) {
        if (!(may >> r & 1))
            continue;
        if ((u32)x->held >> r & 1)
            continue;
        if (x->reg_value[r] == IR_NO_VALUE)
            return r;
        if (best == NO_REG || x->vals[x->reg_value[r]].last > far) {
            best = r;
            far = x->vals[x->reg_value[r]].last;
        }
    }
    if (may & x->held) { // what is known of pages is worth less than a spill
        memory_drop_caches(x, may & x->held);
        return take_of(x, file, avoid);
    }
    if (best == NO_REG) { // an operation never needs that many
        x->failed = true;
        return file == XMM_FILE ? XMM0 : RAX;
    }
    spill(x, best);
    return best;
}

static enum reg take(struct comp *x, u32 avoid)
{
    return take_of(x, GPR_FILE, avoid);
}

// The registers for values of that type.
static u32 file_of(char type)
{
    return type == 'V' ? GPR_FILE : XMM_FILE;
}

static void move(struct comp *x, enum reg dst, enum reg src)
{
    if (dst >= XMM0)
        x_vmov(&x->c, dst, src);
    else
        x_mov(&x->c, 1, dst, src);
}

enum reg value_scratch(struct comp *x)
{
    enum reg r = take(x, 0);
    x->locked |= 1u << r;
    return r;
}

enum reg value_spare(const struct comp *x)
{
    u32 may = x->pool & GPR_FILE & ~(x->locked | x->held);
    for (unsigned r = 0; r < REGS; r++) {
        if (may >> r & 1 && x->reg_value[r] == IR_NO_VALUE)
            return r;
    }
    return NO_REG;
}

enum reg value_xscratch(struct comp *x)
{
    enum reg r = take_of(x, XMM_FILE, 0);
    x->locked |= 1u << r;
    return r;
}

void value_claim(struct comp *x, enum reg r)
{
    ir_value v = x->reg_value[r];
    memory_drop_caches(x, 1u << r);
    if (v != IR_NO_VALUE) {
        enum reg other = take(x, 1u << r);
        x_mov(&x->c, 1, other, r);
        x->reg_value[other] = v;
        set_loc(x, v, LOC_REG, other);
        x->reg_value[r] = IR_NO_VALUE;
    }
    x->locked |= 1u << r;
}

enum reg value_reg(struct comp *x, ir_value v)
{
    struct val *val = &x->vals[v];
    enum reg r;
    switch (val->loc) {
    case LOC_REG: r = val->n; break;
    case LOC_SLOT: return x->slot_reg[val->n];
    case LOC_CONST:
        r = value_scratch(x);
        x_mov_imm(&x->c, r, comp_insn(x, v)->imm);
        return r;
    case LOC_SPILL:
        r = take(x, 0);
        x_load(&x->c, 1, r, spill_mem(val->n, 0));
        x->spill_value[val->n] = IR_NO_VALUE;
        x->reg_value[r] = v;
        set_loc(x, v, LOC_REG, r);
        break;
    case LOC_XSPILL:
        r = take_of(x, XMM_FILE, 0);
        x_v1_mem(&x->c, MOVUPS_LOAD, r, xspill_mem(val->n));
        x->xspill_value[val->n] = IR_NO_VALUE;
        x->reg_value[r] = v;
        set_loc(x, v, LOC_REG, r);
        break;
    default: x->failed = true; return file_of(ir_type(comp_insn(x, v))) == XMM_FILE ? XMM0 : RAX;
    }
    x->locked |= 1u << r;
    return r;
}

void value_evict_aliases(struct comp *x, unsigned slot)
{
    unsigned kept = 0;
    for (unsigned i = 0; i < x->aliases_len; i++) {
        ir_value v = x->aliases[i];
        struct val *val = &x->vals[v];
        if (val->loc != LOC_SLOT || val->last <= x->at)
            continue;
        if (val->n != slot) {
            x->aliases[kept++] = v;
            continue;
        }
        enum reg r = take_of(x, file_of(ir_slots[slot].type), 0);
        move(x, r, x->slot_reg[slot]);
        x->reg_value[r] = v;
        set_loc(x, v, LOC_REG, r);
    }
    x->aliases_len = kept;
}

// The value is in a register that the result, of type `type`, may have.
static bool dies_in_pool(const struct comp *x, ir_value v, u32 avoid, char type)
{
    if (v == IR_NO_VALUE)
        return false;
    const struct val *val = &x->vals[v];
    return val->loc == LOC_REG && file_of(type) >> val->n & 1 && val->last == x->at && !(avoid >> val->n & 1);
}

enum reg value_result(struct comp *x, ir_value a, ir_value b, u32 avoid)
{
    ir_value v = (ir_value)x->at;
    char type = ir_type(comp_insn(x, v));
    struct val *val = &x->vals[v];
    if (val->target != IR_SLOTS && !(avoid >> x->slot_reg[val->target] & 1)) {
        value_evict_aliases(x, val->target);
        add_alias(x, v, val->target);
        return x->slot_reg[val->target];
    }
    ir_value dying = dies_in_pool(x, a, avoid, type) ? a : dies_in_pool(x, b, avoid, type) ? b : IR_NO_VALUE;
    enum reg r;
    if (dying != IR_NO_VALUE) {
        r = x->vals[dying].n;
        set_loc(x, dying, LOC_NONE, 0);
    } else {
        r = take_of(x, file_of(type), avoid);
    }
    x->locked |= 1u << r;
    x->reg_value[r] = v;
    set_loc(x, v, LOC_REG, r);
    return r;
}

void value_result_in(struct comp *x, enum reg r)
{
    ir_value v = (ir_value)x->at;
    struct val *val = &x->vals[v];
    if (val->target != IR_SLOTS) {
        value_evict_aliases(x, val->target);
        add_alias(x, v, val->target);
        move(x, x->slot_reg[val->target], r);
        return;
    }
    x->reg_value[r] = v;
    set_loc(x, v, LOC_REG, r);
}

// GET of a slot that is in a register, and a PUT whose value stays in use: another name for the register.
void value_alias(struct comp *x, ir_value v, unsigned slot)
{
    if (x->vals[v].loc == LOC_REG)
        x->reg_value[x->vals[v].n] = IR_NO_VALUE;
    add_alias(x, v, slot);
}

// The places of what this operation used last, by itself or through what was folded into it.
static void release(struct comp *x, ir_value v)
{
    struct val *val = &x->vals[v];
    if (val->last > x->at)
        return;
    switch (val->loc) {
    case LOC_REG: x->reg_value[val->n] = IR_NO_VALUE; break;
    case LOC_SPILL: x->spill_value[val->n] = IR_NO_VALUE; break;
    case LOC_XSPILL: x->xspill_value[val->n] = IR_NO_VALUE; break;
    case LOC_FOLDED:
        release(x, comp_insn(x, v)->a);
        if (ir_ops[comp_insn(x, v)->op].values > 1)
            release(x, comp_insn(x, v)->b);
        return;
    default: return;
    }
    val->loc = LOC_NONE;
}

void value_end_operation(struct comp *x)
{
    const struct ir_insn *in = &x->r->insns[x->at];
    unsigned values = ir_ops[in->op].values;
    x->locked = 0;
    if (values > 0)
        release(x, in->a);
    if (values > 1)
        release(x, in->b);
    if (values > 2)
        release(x, in->c);
    if (x->vals[x->at].loc != LOC_FOLDED) // a result without a use
        release(x, (ir_value)x->at);
}

void value_start_block(struct comp *x)
{
    for (unsigned r = 0; r < ALL_REGS; r++)
        x->reg_value[r] = IR_NO_VALUE;
    for (unsigned s = 0; s < SPILLS; s++)
        x->spill_value[s] = IR_NO_VALUE;
    for (unsigned s = 0; s < XLATE_SPILLS; s++)
        x->xspill_value[s] = IR_NO_VALUE;
    x->aliases_len = 0;
    x->locked = 0;
    memory_drop_caches(x, ~0u);
}

u64 value_max(const struct comp *x, ir_value v)
{
    const struct ir_insn *in = comp_insn(x, v);
    switch (in->op) {
    case IR_CONST: return in->imm;
    case IR_AND: return is_const(x, in->b) ? comp_insn(x, in->b)->imm : ~0ull;
    case IR_SET: return 1;
    case IR_SHR: return is_const(x, in->b) ? ~0ull >> MIN(comp_insn(x, in->b)->imm, 63u) : ~0ull;
    case IR_STCX:
    case IR_FCMP:
    case IR_CRF: return 15;
    case IR_ZEXT8: return 0xff;
    case IR_ZEXT16: return 0xffff;
    case IR_ZEXT32: return 0xffffffff;
    case IR_CLZ:
    case IR_CTZ:
    case IR_POPCNT: return 64;
    case IR_GET: return ir_slots[in->slot].bytes == 1 ? 0xff : ~0ull;
    case IR_LARX:
    case IR_RMW:
    case IR_CAS:
    case IR_LOAD: return in->imm & MEM_SIGNED ? ~0ull : ~0ull >> (64 - (8u << (in->imm & MEM_SIZE)));
    default: return ~0ull;
    }
}
