// SPDX-License-Identifier: Apache-2.0
// How an access finds its page.
//
// A lookup in the software TLB loads the addend from a place that depends on the address, so each access waits for two loads, one after
// the other. A memo (cpu->memo_tag, memo_addend) is what the last access through the same base register, or pair of registers, found. It is at a fixed place:
// its addend is there before the address is, and fewer instructions are executed. What it costs when the page is another one is a
// mispredicted branch, so only accesses in loops have memos, and those through the stack pointer and r13 (thread or processor data).
// Where a loop replaces its memo again and again within some hundred instructions, the access is noted in cpu->memo_failed and
// translated anew without (xlate_memo_failed).
//
// The address less the memo's tag is the offset in the page if it is in that page, and a large number otherwise. One comparison says that all
// bytes from the address on are in it, so that an unaligned access matches, and one that crosses pages does not. Accesses that follow
// from the same base are looked up with the first one, as if they were one long access (memory.c). No address is less
// than a page above the tag of a memo that holds nothing (cpu/mmu/tables.c).
//
// What is not found at once is left to a finder: code that all regions share, one for each pair of registers. It looks into the TLB, has
// that filled where it has to be, and makes the answer the memo.
#include "cpu/code.h"
#include "cpu/xlate/find.h"
#include "cpu/xlate/x86/codemem.h"
#include "cpu/xlate/x86/comp.h"

#define LOOP_WEIGHT 8u
#define SOON        192 // instructions
#define BAD_MAX     64

static bool is_memo_of_thread(unsigned base)
{
    return base == 1 || base == 13;
}

static bool memo_wanted(const struct comp *x)
{
    const struct ir_insn *in = &x->r->insns[x->at];
    return is_memo_of_thread(ir_memo(in->insn)) ||
           (x->block->weight >= LOOP_WEIGHT && !page_bit(x->r->page->no_memo, in->index));
}

// at = the offset in the TLB of the entry for the page of the address in from + disp
static void offset_of(struct code *c, enum reg at, enum reg from, s32 disp)
{
    const u8 shift = GUEST_PAGE_SHIFT - 5;
    if (!disp && x86_features.bmi2) {
        x_rorx(c, 0, at, from, shift); // what comes in from the other end is masked off
    } else {
        if (disp)
            x_lea(c, 0, at, mem_at(from, disp));
        else
            x_mov(c, 0, at, from);
        x_shift(c, SHIFT_SHR, 0, at, shift);
    }
    x_alu_load(c, ALU_AND, 0, at, CPU_MEM(tlb_mask));
}

static s32 tag_place(bool write)
{
    return write ? offsetof(struct tlb_entry, wtag) : offsetof(struct tlb_entry, rtag);
}

// table NO_REG: at is the entry's address.
static struct mem entry_mem(enum reg table, enum reg at, s32 place)
{
    return table != NO_REG ? mem_indexed(table, at, place) : mem_at(at, place);
}

static void address_in(struct code *c, enum reg dst, struct mem a)
{
    if (a.disp)
        x_lea(c, 1, dst, a);
    else
        x_mov(c, 1, dst, a.base);
}

// tag = page of the last byte; at = the addend of the entry of the page of the first one (cpu/mmu/access.h). Where a register is left the table's address is
// added by the accesses to the entry: what waits for the address is an operation less.
static void look_up(struct comp *x, struct cold *cold, struct mem a, unsigned span, bool write)
{
    struct code *c = &x->c;
    enum reg tag = cold->tag, at = cold->addend, table = value_spare(x);
    address_in(c, tag, mem_at(a.base, a.disp + (s32)span - 1));
    if (span == 1)
        offset_of(c, at, tag, 0);
    else
        offset_of(c, at, a.base, a.disp);
    if (table != NO_REG)
        x_load(c, 1, table, CPU_MEM(tlb));
    else
        x_alu_load(c, ALU_ADD, 1, at, CPU_MEM(tlb));
    x_alu_imm(c, ALU_AND, 1, tag, (s32)GUEST_PAGE_MASK);
    x_alu_load(c, ALU_CMP, 1, tag, entry_mem(table, at, tag_place(write)));
    x_jcc(c, CC_NE, &cold->start);
    x_load(c, 1, at, entry_mem(table, at, offsetof(struct tlb_entry, addend)));
}

static void look_at_memo(struct comp *x, struct cold *cold, struct mem a, unsigned span, unsigned memo)
{
    struct code *c = &x->c;
    address_in(c, cold->tag, a);
    x_alu_load(c, ALU_SUB, 1, cold->tag, mem_at(CPU, (s32)(offsetof(struct cpu, memo_tag) + 8 * memo)));
    x_alu_imm(c, ALU_CMP, 1, cold->tag, (s32)(GUEST_PAGE_SIZE - span));
    x_jcc(c, CC_A, &cold->start);
    x_load(c, 1, cold->addend, mem_at(CPU, (s32)(offsetof(struct cpu, memo_addend) + 8 * memo)));
}

void memory_find(struct comp *x, struct address a, unsigned span, bool write, bool shared, enum reg tag, enum reg at)
{
    const struct ir_insn *in = &x->r->insns[x->at];
    unsigned base = ir_memo(in->insn), memo = 32u * write + base;
    struct cold *cold = memory_miss(x);
    cold->base = (u8)a.base;
    cold->disp = a.disp;
    cold->tag = (u8)tag;
    cold->addend = (u8)at;
    cold->what =
        (span - 1) | memo << FIND_MEMO_SHIFT | (u32)in->index << FIND_INDEX_SHIFT | (shared ? FIND_SHARED : 0u);
    cold->finds = true;
    if (memo_wanted(x)) {
        cold->what |= FIND_MEMO | (is_memo_of_thread(base) ? 0u : FIND_JUDGE);
        look_at_memo(x, cold, mem_at(a.base, a.disp), span, memo);
    } else {
        look_up(x, cold, mem_at(a.base, a.disp), span, write);
    }
    x_bind(&x->c, &cold->hit);
}

static struct mem memo_addend(const struct ir_insn *in, bool write)
{
    return mem_at(CPU, (s32)(offsetof(struct cpu, memo_addend) + 8 * (32 * write + ir_memo(in->insn))));
}

void memory_known(struct comp *x, enum reg at)
{
    const struct ir_insn *in = &x->r->insns[x->at];
    x_load(&x->c, 1, at, memo_addend(in, ir_is_store(in)));
}

// How far the address is from where the first byte, or the last one, would be in another page.
void memory_strip(struct comp *x)
{
    struct code *c = &x->c;
    const struct ir_insn *in = &x->r->insns[x->at];
    unsigned memo = 32u * !!(in->imm & STRIP_WRITE) + ir_memo(in->insn);
    s32 room = (s32)(GUEST_PAGE_SIZE - (in->imm & STRIP_SPAN));
    enum reg a = value_reg(x, in->a), most = value_reg(x, in->b), left = value_scratch(x);
    x_mov(c, 1, left, a);
    x_alu_load(c, ALU_SUB, 1, left, mem_at(CPU, (s32)(offsetof(struct cpu, memo_tag) + 8 * memo)));
    x_alu_imm(c, ALU_CMP, 1, left, room);
    x_jcc(c, CC_A, &x->blocks[x->block->other]);
    enum reg n = value_result(x, in->b, IR_NO_VALUE, 1u << left);
    if (n != most)
        x_mov(c, 1, n, most);
    if (in->imm & STRIP_STAYS)
        return;
    if (!(in->imm & STRIP_DOWN)) {
        x_unary(c, UNARY_NEG, 1, left);
        x_alu_imm(c, ALU_ADD, 1, left, room);
    }
    unsigned shift = in->imm >> STRIP_SHIFT_AT & STRIP_SHIFT;
    if (shift)
        x_shift(c, SHIFT_SHR, 1, left, (u8)shift);
    x_alu_imm(c, ALU_ADD, 1, left, 1);
    x_alu(c, ALU_CMP, 1, left, n);
    x_cmov(c, CC_B, 1, n, left);
}

void memory_find_cold(struct comp *x, struct cold *cold)
{
    struct code *c = &x->c;
    address_in(c, cold->tag, mem_at(cold->base, cold->disp));
    x_mov_imm(c, cold->addend, cold->what);
    x_call_to(c, link_finder(x->memory, cold->tag, cold->addend));
    x_jcc(c, CC_NE, &cold->hit);
}

static struct mem what_mem(void)
{
    return mem_at(RSP, 0);
}

// Whether a bit of the upper half of what was asked is set: not CC_E.
static void test_what(struct code *c, u32 bit)
{
    static_assert((FIND_WRITE | FIND_MEMO | FIND_JUDGE) >> 16 <= 0xff, "one byte");
    x_test8_mem_imm(c, mem_at(RSP, 2), (u8)(bit >> 16));
}

static struct mem memo_mem(size_t array, enum reg memo, unsigned size)
{
    return (struct mem){CPU, (u8)memo, (u8)size, (s32)array};
}
#define MEMO(member, memo) memo_mem(offsetof(struct cpu, member), memo, sizeof(((struct cpu *)0)->member[0][0]))

// Counts replacements that come soon after one another.
static void judge(struct code *c, enum reg memo, enum reg r)
{
    struct label good = {0}, done = {0};
    test_what(c, FIND_JUDGE);
    x_jcc(c, CC_E, &done);
    x_load(c, 1, r, MEMO(memo_when, memo));
    x_alu(c, ALU_SUB, 1, r, BUDGET);
    x_store(c, 8, MEMO(memo_when, memo), BUDGET);
    x_alu_imm(c, ALU_CMP, 1, r, SOON);
    x_jcc(c, CC_A, &good);
    x_alu_mem_imm(c, ALU_ADD, 0, MEMO(memo_bad, memo), 1);
    x_alu_mem_imm(c, ALU_CMP, 0, MEMO(memo_bad, memo), BAD_MAX);
    x_jcc(c, CC_B, &done);
    x_load(c, 0, r, what_mem());
    x_store(c, 4, CPU_MEM(memo_failed), r);
    x_load(c, 1, r, CPU_MEM(page_ea));
    x_store(c, 8, CPU_MEM(memo_failed_page), r);
    x_bind(c, &good);
    x_alu_mem_imm(c, ALU_AND, 0, MEMO(memo_bad, memo), BAD_MAX / 2 - 1);
    x_bind(c, &done);
}

// Called with t: the address, a: what is asked (find.h). Returns, unless the zero flag is set, with a: the addend; t is changed. No other register
// is, nor what is spilled (comp.h).
void memo_emit_finder(struct code *c, enum reg t, enum reg a)
{
    enum reg s = t != RAX && a != RAX ? RAX : t != RCX && a != RCX ? RCX : RDX;
    struct label write = {0}, hit = {0}, found = {0}, miss = {0}, done = {0}, out = {0};
    x_lea(c, 1, RSP, mem_at(RSP, 8 - RED_ZONE));
    x_push(c, s);
    x_push(c, a);
    x_alu_mem_imm(c, ALU_ADD, 1, CPU_MEM(finds), 1);
    x_mov(c, 0, s, a);
    x_alu_imm(c, ALU_AND, 0, s, FIND_SPAN);
    x_alu(c, ALU_ADD, 1, s, t);
    offset_of(c, a, t, 0);
    x_alu_load(c, ALU_ADD, 1, a, CPU_MEM(tlb));
    x_alu_imm(c, ALU_AND, 1, s, (s32)GUEST_PAGE_MASK);
    test_what(c, FIND_WRITE);
    x_jcc(c, CC_NE, &write);
    x_alu_load(c, ALU_CMP, 1, s, mem_at(a, tag_place(false)));
    x_jcc(c, CC_E, &hit);
    x_bind(c, &miss);
    x_store(c, 8, CPU_MEM(refill_ea), t);
    x_load(c, 0, a, what_mem());
    x_store(c, 4, CPU_MEM(refill_what), a);
    x_call_mem(c, CPU_MEM(refill));
    x_jcc(c, CC_E, &out);
    x_load(c, 1, a, CPU_MEM(refill_addend));
    x_jmp(c, &found);
    x_bind(c, &write);
    x_alu_load(c, ALU_CMP, 1, s, mem_at(a, tag_place(true)));
    x_jcc(c, CC_NE, &miss);
    x_bind(c, &hit);
    x_load(c, 1, a, mem_at(a, offsetof(struct tlb_entry, addend)));
    x_bind(c, &found);
    test_what(c, FIND_MEMO);
    x_jcc(c, CC_E, &done);
    x_load(c, 0, t, what_mem());
    x_shift(c, SHIFT_SHR, 0, t, FIND_MEMO_SHIFT);
    x_alu_imm(c, ALU_AND, 0, t, FIND_MEMO_MASK);
    x_store(c, 8, MEMO(memo_tag, t), s);
    x_store(c, 8, MEMO(memo_addend, t), a);
    judge(c, t, s);
    x_bind(c, &done);
    x_test(c, 1, RSP, RSP);
    x_bind(c, &out); // nothing below changes flags
    x_lea(c, 1, RSP, mem_at(RSP, 8));
    x_pop(c, s);
    x_lea(c, 1, RSP, mem_at(RSP, RED_ZONE - 8));
    x_ret(c);
}
