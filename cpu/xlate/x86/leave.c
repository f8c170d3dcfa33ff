// SPDX-License-Identifier: Apache-2.0
// Entry, ends of blocks, and the ways out of a region (target.h).
#include "cpu/code.h"
#include "cpu/xlate/x86/comp.h"
#include "cpu/xlate/xlate_hooks.h"

void leave_store_xmm(struct comp *x, unsigned slot, enum reg r)
{
    if (ir_slots[slot].type == 'X') {
        x_v1_mem(&x->c, MOVUPS_STORE, r, slot_mem(slot));
    } else {
        x_v1_mem(&x->c, MOVQ_STORE, r, slot_mem(slot));
        x_store_imm(&x->c, 8, slot_mem(ir_overlap(slot)), 0);
    }
}

void leave_store_slot(struct comp *x, unsigned slot)
{
    if (ir_slots[slot].type == 'V')
        x_store(&x->c, ir_slots[slot].bytes, slot_mem(slot), x->slot_reg[slot]);
    else
        leave_store_xmm(x, slot, x->slot_reg[slot]);
}

void leave_load_slot(struct comp *x, unsigned slot)
{
    if (x->slot_reg[slot] < XMM0)
        x_load_zx(&x->c, ir_slots[slot].bytes, x->slot_reg[slot], slot_mem(slot));
    else
        x_v1_mem(&x->c, ir_slots[slot].type == 'X' ? MOVUPS_LOAD : MOVQ_LOAD, x->slot_reg[slot], slot_mem(slot));
}

void leave_write_back(struct comp *x, struct slot_set slots)
{
    slots = slots_and(slots, x->slots);
    SLOTS_EACH (s, slots)
        leave_store_slot(x, s);
}

void leave_load_slots(struct comp *x)
{
    SLOTS_EACH (s, x->slots)
        leave_load_slot(x, s);
    if (x->counting)
        x_load(&x->c, 1, BUDGET, CPU_MEM(budget));
}

void leave_prologue(struct comp *x)
{
    for (unsigned i = 0; i < x->saved_len; i++)
        x_push(&x->c, x->saved[i]);
    leave_load_slots(x);
}

void leave_pops(struct comp *x)
{
    for (unsigned i = x->saved_len; i-- > 0;)
        x_pop(&x->c, x->saved[i]);
}

// To cpu->insns and cpu->budget; changes rax.
static void sync(struct comp *x)
{
    struct code *c = &x->c;
    if (!x->counting)
        return;
    x_load(c, 1, RAX, CPU_MEM(budget));
    x_alu(c, ALU_SUB, 1, RAX, BUDGET);
    x_alu_store(c, ALU_ADD, 1, CPU_MEM(insns), RAX);
    x_store(c, 8, CPU_MEM(budget), BUDGET);
}

// Counts the block's instructions, in memory when the region ends here.
static void count(struct comp *x, bool leaves)
{
    struct code *c = &x->c;
    s32 n = x->block->insns;
    if (x->counting) {
        if (n)
            x_alu_imm(c, ALU_SUB, 1, BUDGET, n);
        if (leaves)
            sync(x);
    } else if (n) {
        x_alu_mem_imm(c, ALU_ADD, 1, CPU_MEM(insns), n);
        x_alu_mem_imm(c, ALU_SUB, 1, CPU_MEM(budget), n);
    }
}

// rsi is the entry; its doubleword goes to rdx.
void leave_dispatch(struct comp *x)
{
    struct code *c = &x->c;
#ifdef OPENLPAR_LOOP_DISPATCH
    x_store(c, 8, CPU_MEM(d), RSI);
    x_ret(c);
#else
    x_load(c, 1, RDX, mem_at(RSI, 0));
    x_address(c, RCX, interp_ops);
    x_movzx(c, 2, RAX, RDX);
    x_jmp_mem(c, (struct mem){RCX, RAX, 8, 0});
#endif
}

static void set_nia(struct comp *x, unsigned index)
{
    struct code *c = &x->c;
    x_load(c, 1, RAX, CPU_MEM(page_ea));
    if (index)
        x_alu_imm(c, ALU_ADD, 1, RAX, (s32)index * 4);
    x_store(c, 8, CPU_MEM(nia), RAX);
}

static void entry_in_rsi(struct comp *x, unsigned index)
{
    x_mov_imm(&x->c, RSI, (uintptr_t)&x->r->page->insns[index]);
    x_store(&x->c, 8, CPU_MEM(block_d), RSI);
}

static void end_exit(struct comp *x, unsigned index)
{
    struct code *c = &x->c;
    struct label away = {0};
    bool back = index < (unsigned)x->block->index + x->block->insns;
    leave_write_back(x, x->dirty_now);
    count(x, true);
    leave_pops(x);
    if (back) {
        x_alu_mem_imm(c, ALU_CMP, 1, CPU_MEM(budget), 0);
        x_jcc(c, CC_L, &away);
        x_alu_mem_imm(c, ALU_CMP, 0, CPU_MEM(attn), 0);
        x_jcc(c, CC_NE, &away);
    }
    entry_in_rsi(x, index);
    leave_dispatch(x);
    if (!back)
        return;
    x_bind(c, &away);
    set_nia(x, index);
    x_jmp_to(c, (const void *)(uintptr_t)xlate_leave);
}

static void end_exit_ea(struct comp *x, ir_value a)
{
    struct code *c = &x->c;
    if (is_const(x, a) && is_s32(comp_insn(x, a)->imm))
        x_store_imm(c, 8, CPU_MEM(nia), (s32)comp_insn(x, a)->imm);
    else
        x_store(c, 8, CPU_MEM(nia), value_reg(x, a));
    leave_write_back(x, x->dirty_now);
    count(x, true);
    leave_pops(x);
    x_jmp_to(c, (const void *)(uintptr_t)xlate_exit_far);
}

// The instruction's own row, whatever its entry in the page has become meanwhile.
static void end_exit_insn(struct comp *x, const struct ir_insn *in)
{
    struct code *c = &x->c;
    enum insn_id id = isa_decode(in->insn, LEVEL_V30 - x->r->older);
    leave_write_back(x, x->dirty_now);
    count(x, true);
    leave_pops(x);
    entry_in_rsi(x, in->index);
    x_mov_imm(c, RDX, (u64)in->insn << 32 | id);
    x_jmp_to(c, (const void *)(uintptr_t)interp_ops[id]);
}

// From the end of this block to block `to`; falls through to the next one.
static void edge(struct comp *x, unsigned to)
{
    struct code *c = &x->c;
    if (to > x->block_no) {
        if (to != x->block_no + 1)
            x_jmp(c, &x->blocks[to]);
        return;
    }
    struct cold *cold = comp_cold(x, COLD_LEAVE);
    cold->to = (u16)to;
    x_test(c, 1, BUDGET, BUDGET);
    x_jcc(c, CC_S, &cold->start);
    x_alu_mem_imm(c, ALU_CMP, 0, CPU_MEM(attn), 0);
    x_jcc(c, CC_E, &x->blocks[to]);
    x_jmp(c, &cold->start);
}

static void branch(struct comp *x, const struct ir_insn *in)
{
    struct code *c = &x->c;
    unsigned then = x->block->then, other = x->block->other, here = x->block_no;
    enum cc cc = select_condition(x, in->cond, in->a, in->b);
    struct label over = {0};
    if (then > here && (other <= here || then != here + 1)) {
        x_jcc(c, cc, &x->blocks[then]);
        edge(x, other);
    } else if (other > here) {
        x_jcc(c, cc ^ 1, &x->blocks[other]);
        edge(x, then);
    } else { // both back
        x_jcc(c, cc, &over);
        edge(x, other);
        x_bind(c, &over);
        edge(x, then);
    }
}

void leave_behind(struct comp *x)
{
    x_bind(&x->c, &x->behind);
    leave_pops(x);
    x_load(&x->c, 1, RSI, CPU_MEM(d));
    x_alu_imm(&x->c, ALU_ADD, 1, RSI, sizeof(struct dinsn));
    leave_dispatch(x);
}

void leave_end(struct comp *x)
{
    const struct ir_insn *in = &x->r->insns[x->at];
    switch (in->op) {
    case IR_EXIT: end_exit(x, (unsigned)in->imm); break;
    case IR_EXIT_EA: end_exit_ea(x, in->a); break;
    case IR_EXIT_INSN: end_exit_insn(x, in); break;
    case IR_JUMP:
        count(x, false);
        edge(x, x->block->then);
        break;
    default:
        count(x, false);
        branch(x, in);
        break;
    }
}

void leave_cold(struct comp *x, struct cold *cold)
{
    x_bind(&x->c, &cold->start);
    leave_write_back(x, cold->dirty);
    sync(x);
    leave_pops(x);
    set_nia(x, x->r->blocks[cold->to].index);
    x_jmp_to(&x->c, (const void *)(uintptr_t)xlate_leave);
}
