// SPDX-License-Identifier: Apache-2.0
// Operations that may go to a helper: loads and stores through the software TLB, whole instructions, facility checks.
//
// A miss calls the instruction's reference semantics and goes on behind the instruction (ir.h). What lives in values across it is saved
// on the stack around the call: `keeps` notes where each value is when the lookup fails and where the code behind the instruction
// expects it.
#include "cpu/code.h"
#include "cpu/mmu/access.h"
#include "cpu/xlate/x86/comp.h"
#include "cpu/xlate/xlate_hooks.h"

// Arguments of the region's helper routine: rax the function, rsi the instruction, rdx and rcx the entries of cpu->d and
// cpu->block_d as offsets in the page.
#define ENTRY(index) ((u64)(index) * sizeof(struct dinsn))

static_assert(sizeof(struct tlb_entry) == 32 && offsetof(struct tlb_entry, rtag) == 0, "the index is shifted, not multiplied");

struct cold *comp_cold(struct comp *x, enum cold_kind kind)
{
    if (x->colds_len == COLDS_MAX) {
        x->failed = true;
        x->colds_len = x->open = 0;
    }
    struct cold *cold = &x->colds[x->colds_len++];
    *cold = (struct cold){.kind = (u8)kind, .at = (u16)x->at, .block = (u16)x->block_no, .dirty = x->dirty_now};
    return cold;
}

static void keep(struct comp *x, struct cold *cold, ir_value v)
{
    if (x->vals[v].last <= x->at)
        return;
    if (x->keeps_len == KEEPS_MAX) {
        x->failed = true;
        return;
    }
    x->keeps[x->keeps_len++] = (struct keep){.value = v, .from = x->vals[v].loc, .from_n = x->vals[v].n};
    cold->keeps_len++;
}

static struct cold *miss(struct comp *x)
{
    struct cold *cold = comp_cold(x, COLD_MISS);
    cold->keeps = (u16)x->keeps_len;
    for (unsigned r = 0; r < REGS; r++) {
        if (x->reg_value[r] != IR_NO_VALUE)
            keep(x, cold, x->reg_value[r]);
    }
    for (unsigned s = 0; s < x->spills_max; s++) {
        if (x->spill_value[s] != IR_NO_VALUE)
            keep(x, cold, x->spill_value[s]);
    }
    for (unsigned i = 0; i < x->aliases_len; i++) {
        if (x->vals[x->aliases[i]].loc == LOC_SLOT)
            keep(x, cold, x->aliases[i]);
    }
    return cold;
}

// The slot of struct cpu that holds, after the whole instruction, the value that operation i made; IR_SLOTS: none.
static unsigned slot_with(const struct comp *x, unsigned i, unsigned end)
{
    const struct ir_insn *insns = x->r->insns;
    unsigned slot = insns[i].op == IR_GET ? insns[i].slot : IR_SLOTS;
    for (unsigned k = i + 1; k < end; k++) {
        if (insns[k].op != IR_PUT)
            continue;
        if (insns[k].a == i && ir_slots[insns[k].slot].bytes == 8)
            slot = insns[k].slot;
        else if (insns[k].slot == slot)
            slot = IR_SLOTS;
    }
    return slot;
}

// Values that the rest of the instruction made and that live on.
static void keep_made(struct comp *x, struct cold *cold)
{
    for (unsigned i = cold->at; i < x->at; i++) {
        const struct val *val = &x->vals[i];
        if (ir_ops[x->r->insns[i].op].result != 'V' || val->last < x->at || (val->loc != LOC_REG && val->loc != LOC_SPILL))
            continue;
        unsigned slot = slot_with(x, i, x->at);
        if (slot == IR_SLOTS || x->keeps_len == KEEPS_MAX) {
            cold->leaves = true;
            continue;
        }
        x->keeps[x->keeps_len++] = (struct keep){.value = (ir_value)i, .from = LOC_NONE, .from_n = (u8)slot, .to = val->loc, .to_n = val->n};
    }
}

void memory_close_misses(struct comp *x)
{
    for (; x->open < x->colds_len; x->open++) {
        struct cold *cold = &x->colds[x->open];
        if (cold->kind != COLD_MISS)
            continue;
        x_bind(&x->c, &cold->back);
        struct keep *keeps = &x->keeps[cold->keeps];
        for (unsigned i = 0; i < cold->keeps_len; i++) {
            const struct val *val = &x->vals[keeps[i].value];
            bool live = val->last >= x->at && (val->loc == LOC_REG || val->loc == LOC_SPILL);
            keeps[i].to = live ? val->loc : LOC_NONE;
            keeps[i].to_n = val->n;
        }
        // Those are added behind all others: their own range.
        cold->made = (u16)x->keeps_len;
        keep_made(x, cold);
        cold->made_len = (u16)(x->keeps_len - cold->made);
    }
}

static void swap_in(struct code *c, unsigned bytes, enum reg dst, struct mem m)
{
    if (x86_features.movbe && bytes > 2) {
        x_movbe_load(c, bytes, dst, m);
        return;
    }
    x_load_zx(c, bytes, dst, m);
    if (bytes == 2)
        x_rol16_8(c, dst);
    else
        x_bswap(c, bytes == 8, dst);
}

static void load(struct comp *x, const struct ir_insn *in, enum reg dst, struct mem m)
{
    struct code *c = &x->c;
    unsigned bytes = 1u << (in->imm & MEM_SIZE);
    bool swap = in->imm & MEM_SWAP && bytes > 1;
    if (!swap) {
        if (in->imm & MEM_SIGNED)
            x_load_sx(c, bytes, dst, m);
        else
            x_load_zx(c, bytes, dst, m);
        return;
    }
    swap_in(c, bytes, dst, m);
    if (in->imm & MEM_SIGNED && bytes < 8)
        x_movsx(c, bytes, dst, dst);
}

static void store(struct comp *x, const struct ir_insn *in, enum reg value, enum reg scratch, struct mem m)
{
    struct code *c = &x->c;
    unsigned bytes = 1u << (in->imm & MEM_SIZE);
    bool swap = in->imm & MEM_SWAP && bytes > 1;
    if (value == NO_REG) {
        u64 imm = comp_insn(x, in->b)->imm;
        if (swap)
            imm = __builtin_bswap64(imm) >> (64 - 8 * bytes);
        x_store_imm(c, bytes, m, (s32)imm);
    } else if (!swap) {
        x_store(c, bytes, m, value);
    } else if (x86_features.movbe) {
        x_movbe_store(c, bytes, m, value);
    } else {
        x_mov(c, 1, scratch, value);
        if (bytes == 2)
            x_rol16_8(c, scratch);
        else
            x_bswap(c, bytes == 8, scratch);
        x_store(c, bytes, m, scratch);
    }
}

// A constant that a store of this kind can hold in the instruction.
static bool storable(const struct comp *x, const struct ir_insn *in)
{
    if (!is_const(x, in->b))
        return false;
    u64 imm = comp_insn(x, in->b)->imm;
    if ((in->imm & MEM_SIZE) != MEM_64)
        return true;
    return is_s32(in->imm & MEM_SWAP ? __builtin_bswap64(imm) : imm);
}

// The lookup of cpu/mmu/access.h.
void memory_access(struct comp *x)
{
    struct code *c = &x->c;
    const struct ir_insn *in = &x->r->insns[x->at];
    unsigned bytes = 1u << (in->imm & MEM_SIZE);
    bool write = in->op == IR_STORE;
    ir_value base = in->a;
    s32 disp = 0;
    if (x->vals[base].loc == LOC_FOLDED) {
        disp = (s32)comp_insn(x, comp_insn(x, base)->b)->imm;
        base = comp_insn(x, base)->a;
    }
    enum reg ra = value_reg(x, base);
    enum reg rv = write && !storable(x, in) ? value_reg(x, in->b) : NO_REG;
    enum reg tag = value_scratch(x), at = value_scratch(x);

    // tag = page of the last byte, with the generation of its half of the address space
    s32 last = disp + (s32)bytes - 1;
    if (last)
        x_lea(c, 1, tag, mem_at(ra, last));
    else
        x_mov(c, 1, tag, ra);
    x_mov(c, 1, at, tag);
    x_shift(c, SHIFT_SHR, 1, at, 63);
    x_alu_imm(c, ALU_AND, 1, tag, (s32)GUEST_PAGE_MASK);
    x_alu_load(c, ALU_OR, 1, tag, (struct mem){CPU, (u8)at, 8, (s32)offsetof(struct cpu, tlb_gen)});
    // at = the entry of the page of the first byte
    if (disp)
        x_lea(c, 0, at, mem_at(ra, disp));
    else
        x_mov(c, 0, at, ra);
    x_shift(c, SHIFT_SHR, 0, at, GUEST_PAGE_SHIFT - 5);
    x_alu_imm(c, ALU_AND, 0, at, (s32)((TLB_ENTRIES - 1) << 5));
    x_alu_load(c, ALU_ADD, 1, at, CPU_MEM(tlb));
    x_alu_load(c, ALU_CMP, 1, tag, mem_at(at, write ? offsetof(struct tlb_entry, wtag) : offsetof(struct tlb_entry, rtag)));
    struct cold *cold = miss(x);
    x_jcc(c, CC_NE, &cold->start);
    x_load(c, 1, at, mem_at(at, offsetof(struct tlb_entry, addend)));
    struct mem m = mem_indexed(at, ra, disp);
    if (write)
        store(x, in, rv, tag, m);
    else
        load(x, in, value_result(x, base, IR_NO_VALUE, 0), m);
}

static void call_helper(struct comp *x, const void *fn, u32 insn, unsigned index, unsigned block)
{
    struct code *c = &x->c;
    x_mov_imm(c, RSI, insn);
    x_mov_imm(c, RDX, ENTRY(index));
    x_mov_imm(c, RCX, ENTRY(x->r->blocks[block].index));
    x_address(c, RAX, fn);
    x_call(c, &x->helper);
    x->helper_used = true;
}

static const void *semantics(u32 insn)
{
    return (const void *)(uintptr_t)interp_exec[isa_decode(insn, LEVEL_V30)];
}

// Everything in values is saved around the call, whatever the registers; names of slots get registers of their own first.
void memory_exec(struct comp *x)
{
    struct code *c = &x->c;
    const struct ir_insn *in = &x->r->insns[x->at];
    for (unsigned s = 0; s < IR_SLOTS; s++) {
        if (x->slots >> s & 1)
            value_evict_aliases(x, s);
    }
    u16 saved = 0;
    unsigned pushes = 0;
    bool spilled = false;
    for (unsigned r = 0; r < REGS; r++) {
        if (x->reg_value[r] != IR_NO_VALUE && x->vals[x->reg_value[r]].last > x->at)
            saved |= (u16)(1 << r);
    }
    for (unsigned s = 0; s < x->spills_max; s++)
        spilled |= x->spill_value[s] != IR_NO_VALUE;
    if (spilled)
        x_alu_imm(c, ALU_ADD, 1, RSP, -RED_ZONE);
    for (unsigned r = 0; r < REGS; r++) {
        if (saved >> r & 1) {
            x_push(c, r);
            pushes++;
        }
    }
    if (pushes & 1)
        x_push(c, CPU);
    call_helper(x, semantics(in->insn), in->insn, in->index, x->block_no);
    if (pushes & 1)
        x_pop(c, CPU);
    for (unsigned r = REGS; r-- > 0;) {
        if (saved >> r & 1)
            x_pop(c, r);
    }
    if (spilled)
        x_alu_imm(c, ALU_SUB, 1, RSP, -RED_ZONE);
}

void memory_require(struct comp *x)
{
    struct code *c = &x->c;
    u64 need = x->r->insns[x->at].imm;
    if (!need)
        return;
    struct cold *cold = comp_cold(x, COLD_REQUIRE);
    if (!(need & (need - 1)) && need >> 32 == 0) {
        unsigned shift = (unsigned)__builtin_ctzll(need) / 8 * 8;
        x_test8_mem_imm(c, mem_at(CPU, (s32)offsetof(struct cpu, msr) + (s32)shift / 8), (u8)(need >> shift));
        x_jcc(c, CC_E, &cold->start);
        return;
    }
    enum reg bits = value_scratch(x), mask = value_scratch(x);
    x_mov_imm(c, mask, need);
    x_load(c, 1, bits, CPU_MEM(msr));
    x_alu(c, ALU_AND, 1, bits, mask);
    x_alu(c, ALU_CMP, 1, bits, mask);
    x_jcc(c, CC_NE, &cold->start);
}

static void cold_miss(struct comp *x, struct cold *cold)
{
    struct code *c = &x->c;
    const struct ir_insn *in = &x->r->insns[cold->at];
    const struct keep *keeps = &x->keeps[cold->keeps], *made = &x->keeps[cold->made];
    s32 below = cold->leaves || !x->spills_max ? 0 : RED_ZONE;
    unsigned pushes = 0;
    if (below)
        x_alu_imm(c, ALU_ADD, 1, RSP, -RED_ZONE);
    for (unsigned i = 0; i < cold->keeps_len && !cold->leaves; i++) {
        const struct keep *k = &keeps[i];
        if (k->to == LOC_NONE || (k->from == LOC_SPILL && k->to == LOC_SPILL && k->from_n == k->to_n))
            continue;
        if (k->from == LOC_SPILL)
            x_push_mem(c, spill_mem(k->from_n, below + 8 * (s32)pushes));
        else
            x_push(c, k->from == LOC_SLOT ? x->slot_reg[k->from_n] : k->from_n);
        pushes++;
    }
    if (pushes & 1)
        x_push(c, CPU);
    call_helper(x, semantics(in->insn), in->insn, in->index, cold->block);
    if (cold->leaves) {
        leave_pops(x);
        x_load(c, 1, RSI, CPU_MEM(d));
        x_alu_imm(c, ALU_ADD, 1, RSI, sizeof(struct dinsn));
        leave_dispatch(x);
        return;
    }
    // Those that belong below rsp by way of rax, then the registers. The stack holds the kept ones, the last on top.
    s32 pad = pushes & 1 ? 8 : 0;
    s32 frame = below + 8 * (s32)pushes + pad;
    for (unsigned pass = LOC_SPILL;; pass = LOC_REG) {
        unsigned n = 0;
        for (unsigned i = 0; i < cold->keeps_len; i++) {
            const struct keep *k = &keeps[i];
            if (k->to == LOC_NONE || (k->from == LOC_SPILL && k->to == LOC_SPILL && k->from_n == k->to_n))
                continue;
            n++;
            if (k->to != pass)
                continue;
            x_load(c, 1, pass == LOC_REG ? k->to_n : RAX, mem_at(RSP, pad + 8 * (s32)(pushes - n)));
            if (pass == LOC_SPILL)
                x_store(c, 8, spill_mem(k->to_n, frame), RAX);
        }
        for (unsigned i = 0; i < cold->made_len; i++) {
            const struct keep *k = &made[i];
            if (k->to != pass)
                continue;
            x_load_zx(c, ir_slots[k->from_n].bytes, pass == LOC_REG ? k->to_n : RAX, slot_mem(k->from_n));
            if (pass == LOC_SPILL)
                x_store(c, 8, spill_mem(k->to_n, frame), RAX);
        }
        if (pass == LOC_REG)
            break;
    }
    if (frame == RED_ZONE)
        x_alu_imm(c, ALU_SUB, 1, RSP, -RED_ZONE);
    else if (frame)
        x_alu_imm(c, ALU_ADD, 1, RSP, frame);
    x_jmp(c, &cold->back);
}

void memory_cold(struct comp *x, struct cold *cold)
{
    const struct ir_insn *in = &x->r->insns[cold->at];
    x_bind(&x->c, &cold->start);
    if (cold->kind == COLD_MISS)
        cold_miss(x, cold);
    else
        call_helper(x, (const void *)(uintptr_t)xlate_require_slow, in->insn, in->index, cold->block); // does not return
}

// rsp is as in the region's code when this is called, or an even number of doublewords below.
void memory_helper(struct comp *x)
{
    struct code *c = &x->c;
    bool pad = !(x->saved_len & 1);
    x_bind(c, &x->helper);
    leave_write_back(x, x->changed);
    if (x->counting) {
        x_load(c, 1, R8, CPU_MEM(budget));
        x_alu(c, ALU_SUB, 1, R8, BUDGET);
        x_alu_store(c, ALU_ADD, 1, CPU_MEM(insns), R8);
        x_store(c, 8, CPU_MEM(budget), BUDGET);
    }
    x_mov_imm(c, R8, (uintptr_t)x->r->page->insns);
    x_alu(c, ALU_ADD, 1, RDX, R8);
    x_store(c, 8, CPU_MEM(d), RDX);
    x_alu(c, ALU_ADD, 1, RCX, R8);
    x_store(c, 8, CPU_MEM(block_d), RCX);
    if (pad)
        x_push(c, CPU);
    x_push(c, CPU);
    x_call_reg(c, RAX);
    x_pop(c, CPU);
    if (pad)
        x_pop(c, CPU);
    leave_load_slots(x);
    x_ret(c);
}
