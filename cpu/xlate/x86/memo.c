// SPDX-License-Identifier: Apache-2.0
// Accesses that find their page where the last one through the same base register found it: in cpu->memo_tag and memo_addend.
//
// A lookup in the software TLB loads the addend from a place that depends on the address, so each access waits for two loads, one after
// the other. A memo is at a fixed place: its addend is there before the address is, and two instructions less are executed. What it costs
// when the page is another one is a mispredicted branch, so only accesses in loops have memos, and those through the stack pointer and r13
// (thread or processor data). Where a loop replaces its memo again and again within a few instructions, the access is noted in cpu->memo_page
// and translated anew without (xlate_memo_failed).
//
// A memo's tag is compared with the address without its offset in the page; the low bits by which the access would be
// unaligned stay, so that an access that may cross pages never matches and goes the long way.
#include "cpu/code.h"
#include "cpu/xlate/x86/comp.h"

#define LOOP_WEIGHT 8u
#define SOON        128 // instructions
#define BAD_MAX     64

static unsigned base_register(u32 insn)
{
    unsigned ra = insn >> 16 & 31;
    return ra ? ra : insn >> 11 & 31;
}

static struct mem memo_mem(size_t array, size_t size, const struct cold *cold)
{
    return mem_at(CPU, (s32)(array + (32 * cold->memo_write + cold->memo) * size));
}
#define MEMO(cold, member) memo_mem(offsetof(struct cpu, member), sizeof(((struct cpu *)0)->member[0][0]), cold)

bool memo_wanted(const struct comp *x)
{
    const struct ir_insn *in = &x->r->insns[x->at];
    unsigned base = base_register(in->insn);
    if (base == 1 || base == 13)
        return true;
    const _Atomic u64 *no = &x->r->page->no_memo[in->index / 64];
    return x->block->weight >= LOOP_WEIGHT &&
           !(atomic_load_explicit(no, memory_order_relaxed) >> (in->index % 64) & 1);
}

void memo_lookup(struct comp *x, struct cold *miss, struct mem a, unsigned bytes, bool write, enum reg tag, enum reg at)
{
    struct code *c = &x->c;
    struct cold *cold = comp_cold(x, COLD_MEMO);
    cold->memo = (u8)base_register(x->r->insns[x->at].insn);
    cold->memo_write = write;
    cold->memo_bytes = (u8)bytes;
    cold->base = a.base;
    cold->disp = a.disp;
    cold->tag = (u8)tag;
    cold->addend = (u8)at;
    cold->to = (u16)(miss - x->colds);
    if (a.disp)
        x_lea(c, 1, tag, a);
    else
        x_mov(c, 1, tag, a.base);
    x_alu_imm(c, ALU_AND, 1, tag, (s32)(GUEST_PAGE_MASK | (bytes - 1)));
    x_alu_load(c, ALU_CMP, 1, tag, MEMO(cold, memo_tag));
    x_jcc(c, CC_NE, &cold->start);
    x_load(c, 1, at, MEMO(cold, memo_addend));
    x_bind(c, &cold->back);
}

// Counts replacements that come soon after one another; changes nothing but `at`.
static void judge(struct comp *x, const struct cold *cold, enum reg at)
{
    struct code *c = &x->c;
    struct label good = {0}, done = {0};
    x_load(c, 1, at, MEMO(cold, memo_when));
    x_alu(c, ALU_SUB, 1, at, BUDGET);
    x_store(c, 8, MEMO(cold, memo_when), BUDGET);
    x_alu_imm(c, ALU_CMP, 1, at, SOON);
    x_jcc(c, CC_A, &good);
    x_alu_mem_imm(c, ALU_ADD, 0, MEMO(cold, memo_bad), 1);
    x_alu_mem_imm(c, ALU_CMP, 0, MEMO(cold, memo_bad), BAD_MAX);
    x_jcc(c, CC_B, &done);
    leave_page(x, at);
    x_store(c, 8, CPU_MEM(memo_page), at);
    x_store_imm(c, 4, CPU_MEM(memo_index), x->r->insns[cold->at].index);
    x_bind(c, &good);
    x_alu_mem_imm(c, ALU_AND, 0, MEMO(cold, memo_bad), BAD_MAX / 2 - 1);
    x_bind(c, &done);
}

void memo_cold(struct comp *x, struct cold *cold)
{
    struct code *c = &x->c;
    x_bind(c, &cold->start);
    if (cold->memo != 1 && cold->memo != 13)
        judge(x, cold, cold->addend);
    memory_lookup(x, mem_at(cold->base, cold->disp), cold->memo_bytes, cold->memo_write, cold->tag, cold->addend,
                  &x->colds[cold->to].start);
    x_bind(c, &x->colds[cold->to].hit);
    x_store(c, 8, MEMO(cold, memo_tag), cold->tag);
    x_store(c, 8, MEMO(cold, memo_addend), cold->addend);
    x_jmp(c, &cold->back);
}
