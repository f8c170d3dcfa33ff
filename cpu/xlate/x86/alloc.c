// SPDX-License-Identifier: Apache-2.0
// What is decided before code is emitted: slots' registers for the region, and values' uses in a block.
#include <string.h>

#include "cpu/xlate/x86/comp.h"

static const u8 slot_regs[] = {RBX, RBP, R9, R10, R12, R13, R14, R15};
// What values want decides where between these those of slots begin.
#define FIRST_SLOT_XMM      (XMM0 + 6u)
#define LAST_FIRST_SLOT_XMM (XMM0 + 11u)
#define SLOT_REGS           ((unsigned)sizeof(slot_regs))

static bool dirty_landings(struct comp *x, struct slot_set out)
{
    bool more = false;
    for (unsigned b = 0; b < x->r->blocks_len; b++)
        more |= x->r->blocks[b].landing && slots_join(&x->dirty[b], out);
    return more;
}

// puts: the slots that each block PUTs.
static void find_dirty(struct comp *x, struct slot_set puts[IR_BLOCKS_MAX])
{
    const struct ir_region *r = x->r;
    x->changed = SLOTS_NONE;
    for (unsigned b = 0; b < r->blocks_len; b++) {
        x->dirty[b] = SLOTS_NONE;
        puts[b] = slots_and(puts[b], x->slots);
        slots_join(&x->changed, puts[b]);
    }
    for (bool again = true; again;) {
        again = false;
        for (unsigned b = 0; b < r->blocks_len; b++) {
            const struct ir_block *block = &r->blocks[b];
            unsigned end = r->insns[block->first + block->len - 1].op;
            struct slot_set out = slots_or(x->dirty[b], puts[b]);
            for (unsigned s = 0; s < ir_successors((u8)end); s++) {
                again |= slots_join(&x->dirty[s ? block->other : block->then], out);
            }
            if (block->switches)
                again |= dirty_landings(x, out);
        }
    }
}

// How many xmm registers values want at once in any block, with those that operations work in.
static unsigned xmm_pressure(struct comp *x)
{
    u16 *last = x->last_use;
    const struct ir_region *r = x->r;
    unsigned most = 0;
    for (unsigned n = 0; n < r->blocks_len; n++) {
        const struct ir_block *block = &r->blocks[n];
        unsigned end = (unsigned)block->first + block->len, live = 0, peak = 0;
        for (unsigned i = block->first; i < end; i++) {
            const struct ir_insn *in = &r->insns[i];
            const ir_value v[] = {in->a, in->b, in->c};
            last[i] = 0;
            for (unsigned k = 0; k < ir_ops[in->op].values; k++)
                last[v[k]] = (u16)i;
        }
        for (unsigned i = block->first; i < end; i++) {
            const struct ir_insn *in = &r->insns[i];
            const ir_value v[] = {in->a, in->b, in->c};
            bool made = ir_type(in) == 'X' || ir_type(in) == 'D';
            if (made && in->op != IR_GET && last[i]) {
                live++;
                peak = MAX(peak, live + (in->op >= IR_FV1 && in->op <= IR_FV3 ? 2u : ir_needs_float(in) ? 1u : 0u));
            }
            for (unsigned k = 0; k < ir_ops[in->op].values; k++) {
                const struct ir_insn *from = &r->insns[v[k]];
                bool again = (k > 0 && v[k] == v[0]) || (k > 1 && v[k] == v[1]);
                if (last[v[k]] == i && !again && from->op != IR_GET && ir_type(from) != 'V')
                    live--;
            }
        }
        most = MAX(most, peak);
    }
    return most;
}

// xmm registers for vectors and scalars; `calls`: how often, weighed, each of them is stored and loaded for a call.
static void choose_xmm(struct comp *x, u32 benefit[IR_SLOTS], u32 calls)
{
    unsigned first = MIN(MAX(xmm_pressure(x) + XMM0, FIRST_SLOT_XMM), LAST_FIRST_SLOT_XMM);
    for (unsigned reg = first; reg < ALL_REGS; reg++) {
        unsigned best = SLOT_VSR;
        for (unsigned s = SLOT_VSR; s < IR_SLOTS; s++) {
            if (benefit[s] > benefit[best])
                best = s;
        }
        if (benefit[best] <= 2 * calls)
            return;
        benefit[best] = 0;
        x->slot_reg[best] = (u8)reg;
        slots_add(&x->slots, best);
        x->pool &= ~(1u << reg);
    }
}

void comp_choose_slots(struct comp *x)
{
    const struct ir_region *r = x->r;
    u32 benefit[IR_SLOTS] = {0}, entries = 1; // accesses, and how often the region is entered (and left), both weighed
    struct slot_set puts[IR_BLOCKS_MAX], put = SLOTS_NONE, touched = SLOTS_NONE;
    u32 calls = 0;
    for (unsigned b = 0; b < r->blocks_len; b++) {
        const struct ir_block *block = &r->blocks[b];
        u32 weight = MAX(block->weight, (u16)1);
        if (block->returns)
            entries += weight;
        puts[b] = SLOTS_NONE;
        for (unsigned i = block->first; i < (unsigned)block->first + block->len; i++) {
            const struct ir_insn *in = &r->insns[i];
            if (in->op == IR_GET || in->op == IR_PUT) {
                benefit[in->slot] += weight;
                slots_add(in->op == IR_PUT ? &puts[b] : &touched, in->slot);
            } else if (in->op == IR_EXEC) {
                calls += weight;
            }
        }
        slots_join(&put, puts[b]);
    }
    slots_join(&touched, put);
    const bool vectors = touched.w[1] || touched.w[2];
    static_assert(SLOT_VSR == 64, "all others are in the first word");
    for (unsigned s = SLOT_VSR; vectors && s < SLOT_FPR; s++) { // two views of one register: in memory
        if (benefit[s] && benefit[ir_overlap(s)])
            benefit[s] = benefit[ir_overlap(s)] = 0;
    }
    // A slot in a register is loaded at each entry and, where it may have changed, stored at each exit.
    SLOTS_EACH (s, touched) {
        u32 cost = slots_have(&put, s) ? 2 * entries : entries;
        benefit[s] = benefit[s] > cost ? benefit[s] - cost : 0;
    }
    u8 wanted[IR_SCALARS];
    unsigned wanted_len = 0;
    SLOTS_EACH (s, touched) {
        if (s < IR_SCALARS && benefit[s])
            wanted[wanted_len++] = (u8)s;
    }
    memset(x->slot_reg, NO_REG, sizeof(x->slot_reg));
    x->slots = SLOTS_NONE;
    x->pool = 1 << RAX | 1 << RCX | 1 << RDX | 1 << RSI | 1 << R8;
    for (unsigned n = 0; n < SLOT_REGS; n++) {
        unsigned at = 0;
        for (unsigned i = 1; i < wanted_len; i++) {
            if (benefit[wanted[i]] > benefit[wanted[at]])
                at = i;
        }
        if (!wanted_len) {
            x->pool |= 1u << slot_regs[n];
            continue;
        }
        unsigned best = wanted[at];
        for (wanted_len--; at < wanted_len; at++) // in the order of their numbers, which decides between equals
            wanted[at] = wanted[at + 1];
        x->slot_reg[best] = slot_regs[n];
        slots_add(&x->slots, best);
    }
    x->pool |= XMM_FILE;
    if (vectors)
        choose_xmm(x, benefit, calls);
    find_dirty(x, puts);
}

// LOAD and STORE compute `base + constant` themselves, and their displacement reaches to the last byte.
static bool is_address(const struct comp *x, ir_value v)
{
    const struct ir_insn *in = comp_insn(x, v);
    return in->op == IR_ADD && is_const(x, in->b) && !is_const(x, in->a) && is_s32(comp_insn(x, in->b)->imm) &&
           is_s32(comp_insn(x, in->b)->imm + 128);
}

static void use(struct comp *x, ir_value v, unsigned at)
{
    struct val *val = &x->vals[v];
    val->last = (u16)at;
    if (val->loc != LOC_FOLDED)
        return;
    const struct ir_insn *in = comp_insn(x, v);
    use(x, in->a, at);
    if (ir_ops[in->op].values > 1)
        use(x, in->b, at);
}

static unsigned operands(const struct ir_insn *in, ir_value out[3])
{
    unsigned n = ir_ops[in->op].values;
    out[0] = in->a;
    out[1] = in->b;
    out[2] = in->c;
    return n;
}

// A condition is folded where its only use is the test against zero.
static ir_value tested(const struct comp *x, const struct ir_insn *in)
{
    if (in->op == IR_SELECT)
        return in->a;
    if ((in->op == IR_BRANCH || in->op == IR_SET) && (in->cond == COND_EQ || in->cond == COND_NE) &&
        is_const(x, in->b) && comp_insn(x, in->b)->imm == 0)
        return in->a;
    return IR_NO_VALUE;
}

void comp_scan_block(struct comp *x)
{
    const struct ir_insn *insns = x->r->insns;
    unsigned first = x->block->first, end = first + x->block->len;
    u16 touched[IR_SLOTS]; // position of the last access, plus one
    unsigned guest = first;
    memset(touched, 0, sizeof(touched));
    memset(&x->vals[first], 0, sizeof(x->vals[0]) * (end - first));
    for (unsigned i = first; i < end; i++) {
        const struct ir_insn *in = &insns[i];
        ir_value v[3];
        unsigned n = operands(in, v);
        x->vals[i].target = IR_SLOTS;
        if (in->op == IR_CONST)
            x->vals[i].loc = LOC_CONST;
        for (unsigned k = 0; k < n; k++)
            x->vals[v[k]].uses++;
        if (ir_access_bytes(in) && is_address(x, in->a))
            x->vals[in->a].folds++;
        if ((in->op == IR_BRANCH || in->op == IR_SET) && select_compares_words(x, in->cond, in->a, in->b)) {
            for (unsigned k = 0; k < 2; k++)
                x->vals[v[k]].folds += !is_const(x, v[k]);
        }
        ir_value t = tested(x, in);
        if (t != IR_NO_VALUE && select_folds_condition(x, t))
            x->vals[t].folds++;
        if (in->op == IR_PUT) {
            // The result is computed in the slot's register when nobody looks at the slot in between. What an access makes is
            // not, when another instruction PUTs it: the helper's path reads the slots anew, and this one is still the old one.
            if (x->slot_reg[in->slot] != NO_REG && touched[in->slot] <= in->a && guest <= in->a &&
                insns[in->a].op != IR_GET && insns[in->a].op != IR_CONST && x->vals[in->a].target == IR_SLOTS &&
                (insns[guest].index != insns[in->a].index || in->index == insns[in->a].index))
                x->vals[in->a].target = (u8)in->slot;
            touched[in->slot] = (u16)(i + 1);
        }
        if (in->op == IR_GET)
            touched[in->slot] = (u16)(i + 1);
        if (ir_is_guest(in))
            guest = i;
    }
    memory_scan(x, first, end);
    for (unsigned i = first; i < end; i++) {
        struct val *val = &x->vals[i];
        if (val->uses && val->folds == val->uses && val->loc == LOC_NONE &&
            (insns[i].op == IR_ADD || insns[i].op == IR_SEXT32 || insns[i].op == IR_ZEXT32 || val->uses == 1))
            val->loc = LOC_FOLDED;
        if (val->loc == LOC_FOLDED)
            continue;
        const struct ir_insn *in = &insns[i];
        unsigned n = ir_ops[in->op].values;
        if (n > 0)
            use(x, in->a, i);
        if (n > 1)
            use(x, in->b, i);
        if (n > 2)
            use(x, in->c, i);
    }
    float_scan_block(x, first, end);
}
