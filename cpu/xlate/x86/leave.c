// SPDX-License-Identifier: Apache-2.0
// Entry, ends of blocks, and the ways out of a region (target.h).
#include <string.h>

#include "cpu/code.h"
#include "cpu/xlate/x86/codemem.h"
#include "cpu/xlate/x86/comp.h"

void leave_store_xmm(struct comp *x, unsigned slot, enum reg r)
{
    if (ir_slots[slot].type == 'X') {
        x_v1_mem(&x->c, MOVUPS_STORE, r, slot_mem(slot));
    } else {
        x_v1_mem(&x->c, MOVQ_STORE, r, slot_mem(slot));
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
    if (x->wide)
        x_vzeroupper(&x->c);
}

void leave_load_slots(struct comp *x)
{
    SLOTS_EACH (s, x->slots)
        leave_load_slot(x, s);
}

// Absolute addresses, in one place each.
void leave_page(struct comp *x, enum reg dst)
{
    x_pointer(&x->c, dst, x->r->page);
}

static void cell_address(struct comp *x, enum reg dst, unsigned index)
{
    const struct link_cell *cell = link_cell(x->memory, x->r->page, index);
    if (cell)
        x_address(&x->c, dst, cell);
    else
        x->failed = true;
}

// dst = the effective address of instruction `index` of the page.
static void page_address(struct comp *x, enum reg dst, unsigned index)
{
    x_load(&x->c, 1, dst, CPU_MEM(page_ea));
    if (index)
        x_alu_imm(&x->c, ALU_ADD, 1, dst, (s32)index * 4);
}

// The head of a region's entry: attn, and the budget.
static void check(struct comp *x, struct label *away)
{
    x_test(&x->c, 1, BUDGET, BUDGET);
    x_jcc(&x->c, CC_S, away);
    x_alu_mem_imm(&x->c, ALU_CMP, 0, CPU_MEM(attn), 0);
    x_jcc(&x->c, CC_NE, away);
}

static void away_to(struct comp *x, struct label *away, unsigned block)
{
    x_bind(&x->c, away);
    page_address(x, RSI, x->r->blocks[block].index);
    x_jmp_to(&x->c, x->memory->stubs.leave);
}

void leave_to_plain(struct comp *x, unsigned block)
{
    leave_page(x, R8);
    x_mov_imm(&x->c, RSI, x->r->blocks[block].index * sizeof(struct dinsn));
    x_jmp_to(&x->c, x->memory->stubs.plain);
}

void leave_entry_cold(struct comp *x, struct cold *cold)
{
    x_bind(&x->c, &cold->start);
    leave_to_plain(x, cold->to);
}

// Facilities that are not available are the interpreter's, which comes to the instruction that raises the interrupt.
static void need(struct comp *x, unsigned block)
{
    struct code *c = &x->c;
    u32 bits = x->r->blocks[block].need;
    if (!bits)
        return;
    struct cold *cold = comp_cold(x, COLD_ENTER);
    cold->to = (u16)block;
    if (!(bits & (bits - 1))) {
        unsigned byte = (unsigned)__builtin_ctz(bits) / 8;
        x_test8_mem_imm(c, mem_at(CPU, (s32)(offsetof(struct cpu, msr) + byte)), (u8)(bits >> 8 * byte));
        x_jcc(c, CC_E, &cold->start);
        return;
    }
    x_load(c, 0, RAX, CPU_MEM(msr));
    x_alu_imm(c, ALU_AND, 0, RAX, (s32)bits);
    x_alu_imm(c, ALU_CMP, 0, RAX, (s32)bits);
    x_jcc(c, CC_NE, &cold->start);
}

// Where the region is entered for a block of it, everything in memory.
static void load_entry(struct comp *x, unsigned block)
{
    x_bind(&x->c, &x->loads[block]);
    need(x, block);
    float_enter(x, block);
    leave_load_slots(x);
}

void leave_entry(struct comp *x)
{
    x->entry_away = (struct label){0};
    check(x, &x->entry_away);
    load_entry(x, 0);
}

void leave_entries(struct comp *x, struct target_code *out)
{
    struct code *c = &x->c;
    away_to(x, &x->entry_away, 0);
    for (unsigned n = 1; n < x->r->blocks_len; n++) {
        if (!x->r->blocks[n].returns)
            continue;
        struct label away = {0};
        x_data(c, x->r->lines); // (codemem.h)
        out->returns[out->returns_len].index = x->r->blocks[n].index;
        out->returns[out->returns_len++].code = c->at + c->exec;
        check(x, &away);
        if (!x->loads[n].at) { // its call is not in the region
            load_entry(x, n);
            x_jmp(c, &x->blocks[n]);
        } else {
            x_jmp(c, &x->loads[n]);
        }
        away_to(x, &away, n);
    }
}

void leave_sync(struct comp *x, enum reg scratch)
{
    struct code *c = &x->c;
    x_load(c, 1, scratch, CPU_MEM(budget));
    x_alu(c, ALU_SUB, 1, scratch, BUDGET);
    x_alu_store(c, ALU_ADD, 1, CPU_MEM(insns), scratch);
    x_alu_store(c, ALU_ADD, 1, CPU_MEM(xlate_insns), scratch);
    x_store(c, 8, CPU_MEM(budget), BUDGET);
}

static void count(struct comp *x)
{
    if (x->block->insns)
        x_alu_imm(&x->c, ALU_SUB, 1, BUDGET, x->block->insns);
}

// Behind a call of instruction `index`: where its predicted return arrives, with the return address on the stack.
static void return_point(struct comp *x, unsigned index)
{
    struct code *c = &x->c;
    unsigned n = 0, to = index + 1;
    x_pop(c, RSI);
    if (to == CODE_PAGE_INSNS) {
        x_jmp_to(c, x->memory->stubs.far);
        return;
    }
    x_alu_imm(c, ALU_ADD, 1, RSI, -(s32)to * 4);
    x_store(c, 8, CPU_MEM(page_ea), RSI);
    while (n < x->r->blocks_len && (!x->r->blocks[n].returns || x->r->blocks[n].index != to))
        n++;
    if (n == x->r->blocks_len) {
        cell_address(x, RSI, to);
        x_jmp_mem(c, mem_at(RSI, 0));
        return;
    }
    if (x->loads[n].at) {
        x_jmp(c, &x->loads[n]);
        return;
    }
    load_entry(x, n);
    if (n != x->block_no + 1)
        x_jmp(c, &x->blocks[n]);
}

static void end_exit(struct comp *x, const struct ir_insn *in)
{
    struct code *c = &x->c;
    leave_write_back(x, x->dirty_now);
    count(x);
    if (in->cond == WAY_CALL)
        x_push_mem(c, slot_mem(SLOT_LR));
    cell_address(x, RSI, (unsigned)in->imm);
    if (in->cond == WAY_CALL) {
        x_call_mem(c, mem_at(RSI, 0));
        return_point(x, in->index);
    } else {
        x_jmp_mem(c, mem_at(RSI, 0));
    }
}

// To the code at rsi by way of the processor's jumps (xlate.c (10)): each place has a lookup and a jump of its own, which the host predicts better than
// one that all share. Sets cpu->page_ea; gives the entry.
static struct mem find_jump(struct comp *x)
{
    struct code *c = &x->c;
    static_assert(sizeof(struct jump) * JUMP_WAYS == 32, "jump_offset()");
    if (x86_features.bmi2) {
        x_rorx(c, 0, RCX, RSI, 29);
        x_rorx(c, 0, RDX, RSI, 6);
    } else {
        x_mov(c, 0, RCX, RSI);
        x_shift(c, SHIFT_SHL, 0, RCX, 3);
        x_mov(c, 0, RDX, RSI);
        x_shift(c, SHIFT_SHR, 0, RDX, 6);
    }
    x_alu(c, ALU_XOR, 0, RCX, RDX);
    x_alu_imm(c, ALU_AND, 0, RCX, (s32)((JUMP_SETS - 1) << 5));
    x_alu_load(c, ALU_ADD, 1, RCX, CPU_MEM(jumps));
    x_alu_load(c, ALU_CMP, 1, RSI, mem_at(RCX, offsetof(struct jump, ea)));
    struct cold *cold = comp_cold(x, COLD_JUMP);
    x_jcc(c, CC_NE, &cold->start);
    x_bind(c, &cold->back);
    x_alu_imm(c, ALU_AND, 1, RSI, (s32)GUEST_PAGE_MASK);
    x_store(c, 8, CPU_MEM(page_ea), RSI);
    return mem_at(RCX, offsetof(struct jump, code));
}

void leave_jump_cold(struct comp *x, struct cold *cold)
{
    x_bind(&x->c, &cold->start);
    x_call_to(&x->c, x->memory->stubs.jump);
    x_jmp(&x->c, &cold->back);
}

void leave_find_landings(struct comp *x)
{
    const struct ir_region *r = x->r;
    unsigned first = CODE_PAGE_INSNS, last = 0;
    for (unsigned n = 0; n < r->blocks_len; n++) {
        if (!r->blocks[n].landing)
            continue;
        first = MIN(first, r->blocks[n].index);
        last = MAX(last, r->blocks[n].index);
    }
    x->landing_first = first;
    x->landings = first > last ? 0 : last - first + 1;
    x->table = x->no_landing = (struct label){0};
    x->switch_dirty = SLOTS_NONE;
}

// To the landing at rsi, if there is one: every slot stays in its register.
static void switch_to(struct comp *x)
{
    struct code *c = &x->c;
    struct label out = {0}, away = {0};
    slots_join(&x->switch_dirty, x->dirty_now);
    x_mov(c, 1, RCX, RSI);
    x_alu_load(c, ALU_SUB, 1, RCX, CPU_MEM(page_ea));
    if (x->landing_first)
        x_alu_imm(c, ALU_SUB, 1, RCX, (s32)x->landing_first * 4);
    x_alu_imm(c, ALU_CMP, 1, RCX, (s32)(x->landings - 1) * 4);
    x_jcc(c, CC_A, &out);
    count(x);
    check(x, &away);
    x_lea_label(c, RDX, &x->table);
    x_load_sx(c, 4, RCX, mem_indexed(RDX, RCX, 0));
    x_alu(c, ALU_ADD, 1, RCX, RDX);
    x_jmp_reg(c, RCX);
    x_bind(c, &away);
    leave_write_back(x, x->dirty_now);
    x_jmp_to(c, x->memory->stubs.leave);
    x_bind(c, &out);
}

void leave_no_landing(struct comp *x)
{
    if (!x->table.chain)
        return;
    x_bind(&x->c, &x->no_landing);
    leave_write_back(x, x->switch_dirty);
    x_jmp_mem(&x->c, find_jump(x));
}

void leave_table(struct comp *x)
{
    const struct ir_region *r = x->r;
    u8 block[CODE_PAGE_INSNS];
    if (!x->table.chain)
        return;
    memset(block, 0xff, x->landings);
    for (unsigned n = 0; n < r->blocks_len; n++) {
        if (r->blocks[n].landing)
            block[r->blocks[n].index - x->landing_first] = (u8)n;
    }
    x_align(&x->c, 4);
    x_bind(&x->c, &x->table);
    for (unsigned i = 0; i < x->landings; i++)
        x_data_label(&x->c, block[i] == 0xff ? &x->no_landing : &x->blocks[block[i]], &x->table);
}

static void end_exit_ea(struct comp *x, const struct ir_insn *in)
{
    struct code *c = &x->c;
    if (is_const(x, in->a)) {
        x_mov_imm(c, RSI, comp_insn(x, in->a)->imm);
    } else {
        enum reg r = value_reg(x, in->a);
        if (r != RSI)
            x_mov(c, 1, RSI, r);
    }
    if (x->block->switches && x->landings)
        switch_to(x);
    leave_write_back(x, x->dirty_now);
    count(x);
    switch (in->cond) {
    case WAY_CALL: {
        struct mem code = find_jump(x);
        x_push_mem(c, slot_mem(SLOT_LR));
        x_call_mem(c, code);
        return_point(x, in->index);
        break;
    }
    case WAY_RETURN:
        x_alu_load(c, ALU_CMP, 1, RSI, mem_at(RSP, 8));
        x_jcc_to(c, CC_NE, x->memory->stubs.return_miss);
        x_ret(c);
        break;
    default: x_jmp_mem(c, find_jump(x)); break;
    }
}

// The instruction's own row, whatever its entry in the page has become meanwhile.
static void end_exit_insn(struct comp *x, const struct ir_insn *in)
{
    struct code *c = &x->c;
    enum insn_id id = isa_decode(in->insn, LEVEL_V30 - x->r->older);
    leave_write_back(x, x->dirty_now);
    count(x);
    leave_page(x, R8);
    x_mov_imm(c, RSI, in->index * sizeof(struct dinsn));
    x_mov_imm(c, RDX, (u64)in->insn << 32 | id);
    x_jmp_to(c, x->memory->stubs.insn);
}

static bool is_back_edge(const struct comp *x, unsigned to)
{
    return x->r->blocks[to].strip || (to <= x->block_no && !x->block->copied);
}

// From the end of this block to block `to`; falls through to the next one.
// counted: the flags are those of the budget.
static void edge(struct comp *x, unsigned to, bool counted)
{
    struct code *c = &x->c;
    if (!is_back_edge(x, to)) {
        if (to != x->block_no + 1)
            x_jmp(c, &x->blocks[to]);
        return;
    }
    struct cold *cold = comp_cold(x, COLD_LEAVE);
    cold->to = (u16)to;
    if (!counted)
        x_test(c, 1, BUDGET, BUDGET);
    x_jcc(c, CC_S, &cold->start);
    x_alu_mem_imm(c, ALU_CMP, 0, CPU_MEM(attn), 0);
    x_jcc(c, CC_E, &x->blocks[to]);
    x_jmp(c, &cold->start);
}

static void branch(struct comp *x, const struct ir_insn *in)
{
    struct code *c = &x->c;
    unsigned then = x->block->then, other = x->block->other;
    bool then_back = is_back_edge(x, then), other_back = is_back_edge(x, other);
    enum cc cc = select_condition(x, in->cond, in->a, in->b);
    struct label over = {0};
    if (!then_back && (other_back || then != x->block_no + 1)) {
        x_jcc(c, cc, &x->blocks[then]);
        edge(x, other, false);
    } else if (!other_back) {
        x_jcc(c, cc ^ 1, &x->blocks[other]);
        edge(x, then, false);
    } else { // both back
        x_jcc(c, cc, &over);
        edge(x, other, false);
        x_bind(c, &over);
        edge(x, then, false);
    }
}

// So many repetitions, by what the budget is behind them.
static void begin(struct comp *x, const struct ir_insn *in)
{
    struct code *c = &x->c;
    enum reg n = value_reg(x, in->a), end = value_scratch(x), zero = value_scratch(x);
    x_alu_imm(c, ALU_CMP, 1, n, (s32)STRIP_LEAST);
    x_jcc(c, CC_B, &x->blocks[x->block->other]);
    x_imul_imm(c, 1, end, n, (s32)in->imm);
    x_unary(c, UNARY_NEG, 1, end);
    x_mov_imm(c, zero, 0);
    x_alu(c, ALU_ADD, 1, end, BUDGET);
    x_cmov(c, CC_S, 1, end, zero);
    x_store(c, 8, CPU_MEM(strip_end), end);
    if (x->block->then != x->block_no + 1)
        x_jmp(c, &x->blocks[x->block->then]);
}

static void again(struct comp *x)
{
    struct code *c = &x->c;
    x_alu_load(c, ALU_CMP, 1, BUDGET, CPU_MEM(strip_end));
    x_jcc(c, CC_G, &x->blocks[x->block->then]);
    edge(x, x->block->other, false);
}

void leave_behind(struct comp *x)
{
    x_jmp_to(&x->c, x->memory->stubs.behind);
}

void leave_behind_if(struct comp *x, enum cc cc)
{
    x_jcc_to(&x->c, cc, x->memory->stubs.behind);
}

void leave_end(struct comp *x)
{
    const struct ir_insn *in = &x->r->insns[x->at];
    float_flush(x);
    switch (in->op) {
    case IR_EXIT: end_exit(x, in); break;
    case IR_EXIT_EA: end_exit_ea(x, in); break;
    case IR_EXIT_INSN: end_exit_insn(x, in); break;
    case IR_JUMP:
        count(x);
        edge(x, x->block->then, x->block->insns != 0);
        break;
    case IR_BEGIN: begin(x, in); break;
    case IR_AGAIN:
        count(x);
        again(x);
        break;
    default:
        count(x);
        branch(x, in);
        break;
    }
}

void leave_cold(struct comp *x, struct cold *cold)
{
    x_bind(&x->c, &cold->start);
    leave_write_back(x, cold->dirty);
    page_address(x, RSI, x->r->blocks[cold->to].index);
    x_jmp_to(&x->c, x->memory->stubs.leave);
}
