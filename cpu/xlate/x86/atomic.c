// SPDX-License-Identifier: Apache-2.0
// Load and reserve, store conditional in line. What a reservation is: cpu/reserve.h.
#include "cpu/exec/exec.h"
#include "cpu/mmu/access.h"
#include "cpu/reserve.h"
#include "cpu/xlate/x86/comp.h"

static_assert(sizeof(struct reserve_line) == RESERVE_VERSION, "an address in guest real memory is one in the table");

// Leaves the page's addend in `at`; `tag` is free again.
static void lookup_aligned(struct comp *x, enum reg base, unsigned bytes, bool write, enum reg tag, enum reg at)
{
    if (bytes > 1) {
        x_test8_imm(&x->c, base, (u8)(bytes - 1));
        x_jcc(&x->c, CC_NE, &memory_miss(x)->start);
    }
    // Aligned: the first byte's page is the last one's.
    memory_find(x, (struct address){.base = base}, 1, write, false, tag, at);
}

static void swap(struct code *c, unsigned bytes, enum reg r)
{
    if (bytes == 2)
        x_rol16_8(c, r);
    else
        x_bswap(c, bytes == 8, r);
}

// The low bytes, in place; the same again puts everything back, the other bytes included.
static void swap_low(struct code *c, unsigned bytes, enum reg r)
{
    if (bytes != 4) {
        swap(c, bytes, r);
        return;
    }
    x_bswap(c, 1, r);
    x_shift(c, SHIFT_ROL, 1, r, 32);
}

// What a thread with others needs: versions, which the reference semantics know, or a pair.
static struct cold *unless_alone(struct comp *x)
{
    struct cold *slow = memory_miss(x);
    x_test8_mem_imm(&x->c, CPU_MEM(reserve_alone), 1);
    x_jcc(&x->c, CC_E, &slow->start);
    return slow;
}

void atomic_load_reserve(struct comp *x)
{
    struct code *c = &x->c;
    const struct ir_insn *in = &x->r->insns[x->at];
    unsigned bytes = 1u << (in->imm & MEM_SIZE);
    enum reg base = value_reg(x, in->a), tag = value_scratch(x), at = value_scratch(x);
    if (in->imm & MEM_PAIRED) {
        struct cold *slow = memory_miss(x);
        x_test8_mem_imm(c, CPU_MEM(reserve_slow), RESERVE_SLOW_NEXT | RESERVE_SLOW_GROUP);
        x_jcc(c, CC_NE, &slow->start);
    } else {
        unless_alone(x);
    }
    lookup_aligned(x, base, bytes, false, tag, at);
    x_lea(c, 1, at, mem_indexed(base, at, 0));
    x_mov(c, 1, tag, at);
    x_alu_load(c, ALU_SUB, 1, tag, CPU_MEM(mem_base));
    x_store(c, 8, CPU_MEM(reserve_addr), tag);
    x_store_imm(c, 8, CPU_MEM(reserve_version), (s32)RESERVE_PAIRED);
    enum reg dst = value_result(x, in->a, IR_NO_VALUE, 0);
    x_load_zx(c, bytes, dst, mem_at(at, 0));
    x_store(c, 8, CPU_MEM(reserve_value), dst);
    x_store_imm(c, 4, CPU_MEM(reserve_size), (s32)bytes);
    if (in->imm & MEM_SWAP) {
        swap(c, bytes, dst);
    }
}

// rax = whether the bytes at `at` were those of the reservation, and are `value` now
static void compare_and_swap(struct comp *x, unsigned bytes, enum reg at, enum reg value)
{
    struct code *c = &x->c;
    x_load(c, 1, RAX, CPU_MEM(reserve_value));
    x_lock_cmpxchg(c, bytes, mem_at(at, 0), value);
    x_setcc(c, CC_E, RAX);
    x_movzx(c, 1, RAX, RAX);
}

static_assert((u64)(s32)RESERVE_PAIRED == RESERVE_PAIRED && sizeof(((struct cpu *)0)->reserve_counts[0]) == 8 &&
                  RESERVE_VERSION == 64,
              "encodings");

void atomic_store_conditional(struct comp *x)
{
    struct code *c = &x->c;
    const struct ir_insn *in = &x->r->insns[x->at];
    unsigned bytes = 1u << (in->imm & MEM_SIZE);
    value_claim(x, RAX);
    enum reg base = value_reg(x, in->a), value = value_reg(x, in->b), tag = value_scratch(x), at = value_scratch(x);
    bool swaps = in->imm & MEM_SWAP && bytes > 1, paired = in->imm & MEM_PAIRED;
    struct label fail = {0}, alone = {0}, held = {0}, done = {0}, over = {0};
    struct cold *slow = paired ? memory_miss(x) : unless_alone(x);
    lookup_aligned(x, base, bytes, true, tag, at);
    x_lea(c, 1, at, mem_indexed(base, at, 0));
    x_mov(c, 1, tag, at);
    x_alu_load(c, ALU_SUB, 1, tag, CPU_MEM(mem_base));
    x_alu_load(c, ALU_CMP, 1, tag, CPU_MEM(reserve_addr));
    x_jcc(c, CC_NE, &fail);
    x_alu_mem_imm(c, ALU_CMP, 0, CPU_MEM(reserve_size), (s32)bytes);
    x_jcc(c, CC_NE, &fail);
    // The value is swapped in place, and back again: nothing can fail in between.
    if (paired) {
        x_test8_mem_imm(c, CPU_MEM(reserve_alone), 1);
        x_jcc(c, CC_NE, &alone);
        x_alu_mem_imm(c, ALU_CMP, 1, CPU_MEM(reserve_version), (s32)RESERVE_PAIRED);
        x_jcc(c, CC_NE, &slow->start);
        x_alu_imm(c, ALU_AND, 0, tag, (s32)((RESERVE_LINES - 1) * RESERVE_VERSION));
        x_mov(c, 0, RAX, tag);
        x_shift(c, SHIFT_SHR, 0, RAX, 3);
        x_alu_load(c, ALU_ADD, 1, RAX, CPU_MEM(reserve_counts));
        x_lock_inc(c, mem_at(RAX, 0));
        x_alu_load(c, ALU_ADD, 1, tag, CPU_MEM(reserve_lines));
        x_test8_mem_imm(c, mem_at(tag, 0), 1);
        x_jcc(c, CC_NE, &held);
        x_mov(c, 1, tag, RAX);
        if (swaps)
            swap_low(c, bytes, value);
        compare_and_swap(x, bytes, at, value);
        x_alu_mem_imm(c, ALU_ADD, 1, mem_at(tag, 0), 1);
        x_jmp(c, &done);
        x_bind(c, &held); // for a few instructions of another thread
        x_alu_mem_imm(c, ALU_ADD, 1, mem_at(RAX, 0), 1);
        x_jmp(c, &fail);
        x_bind(c, &alone);
    }
    if (swaps)
        swap_low(c, bytes, value);
    compare_and_swap(x, bytes, at, value);
    x_bind(c, &done);
    if (swaps)
        swap_low(c, bytes, value);
    x_jmp(c, &over);

    x_bind(c, &fail);
    x_mov_imm(c, RAX, 0);
    x_bind(c, &over);
    // CR_EQ where it was stored, and SO, which this operation may look at (GUEST).
    x_alu(c, ALU_ADD, 0, RAX, RAX);
    enum reg so = x->slot_reg[SLOT_SO];
    if (so == NO_REG) {
        so = tag;
        x_load_zx(c, 1, so, slot_mem(SLOT_SO));
    }
    x_alu(c, ALU_OR, 0, RAX, so);
    x_store_imm(c, 8, CPU_MEM(reserve_addr), (s32)RESERVE_NONE);
    static_assert(CR_EQ == 2 && CR_SO == 1 && (u64)(s32)RESERVE_NONE == RESERVE_NONE, "encodings");
    value_result_in(x, RAX);
}

static void leave_when_missed(struct comp *x, unsigned colds)
{
    for (; colds < x->colds_len; colds++)
        x->colds[colds].leaves = x->colds[colds].leaves || x->colds[colds].kind == COLD_MISS;
}

// rax = what was there; of a comparison that failed, with a reservation. `count`: the thread's count of the version to end, or NO_REG.
static void operate(struct comp *x, const struct ir_insn *in, enum reg at, enum reg value, enum reg expected,
                    enum reg count)
{
    struct code *c = &x->c;
    unsigned bytes = 1u << (in->imm & MEM_SIZE);
    struct label other = {0}, done = {0};
    if (in->op == IR_RMW) {
        x_mov(c, 1, RAX, value);
        if (in->imm & RMW_ADD)
            x_lock_xadd(c, bytes, mem_at(at, 0), RAX);
        else
            x_xchg_mem(c, bytes, mem_at(at, 0), RAX);
    } else {
        x_mov(c, 1, RAX, expected);
        x_lock_cmpxchg(c, bytes, mem_at(at, 0), value);
        x_jcc(c, CC_NE, &other);
    }
    x_store_imm(c, 8, CPU_MEM(reserve_addr), (s32)RESERVE_NONE);
    if (count != NO_REG)
        x_alu_mem_imm(c, ALU_ADD, 1, mem_at(count, 0), 1);
    if (in->op == IR_RMW)
        return;
    if (bytes == 4)
        x_mov(c, 0, RAX, RAX);
    x_jmp(c, &done);
    x_bind(c, &other);
    if (count != NO_REG)
        x_alu_mem_imm(c, ALU_ADD, 1, mem_at(count, 0), 1);
    x_alu_load(c, ALU_SUB, 1, at, CPU_MEM(mem_base));
    x_store(c, 8, CPU_MEM(reserve_addr), at);
    x_store_imm(c, 8, CPU_MEM(reserve_version), (s32)RESERVE_PAIRED);
    x_store(c, 8, CPU_MEM(reserve_value), RAX);
    x_store_imm(c, 4, CPU_MEM(reserve_size), (s32)bytes);
    x_bind(c, &done);
}

void atomic_loop(struct comp *x)
{
    struct code *c = &x->c;
    const struct ir_insn *in = &x->r->insns[x->at];
    unsigned bytes = 1u << (in->imm & MEM_SIZE), colds = x->colds_len;
    value_claim(x, RAX);
    enum reg base = value_reg(x, in->a), value = value_reg(x, in->b);
    enum reg expected = in->op == IR_CAS ? value_reg(x, in->c) : NO_REG;
    enum reg tag = value_scratch(x), at = value_scratch(x);
    struct label again = {0}, held = {0}, alone = {0}, done = {0};
    lookup_aligned(x, base, bytes, true, tag, at);
    leave_when_missed(x, colds);
    struct cold *slow = memory_miss(x);
    slow->leaves = true;
    x_lea(c, 1, at, mem_indexed(base, at, 0));
    x_test8_mem_imm(c, CPU_MEM(reserve_alone), 1);
    x_jcc(c, CC_NE, &alone);
    x_test8_mem_imm(c, CPU_MEM(reserve_slow), RESERVE_SLOW_GROUP | (in->op == IR_CAS ? RESERVE_SLOW_NEXT : 0));
    x_jcc(c, CC_NE, &slow->start);
    x_mov(c, 1, tag, at);
    x_alu_load(c, ALU_SUB, 1, tag, CPU_MEM(mem_base));
    x_alu_imm(c, ALU_AND, 0, tag, (s32)((RESERVE_LINES - 1) * RESERVE_VERSION));
    x_mov(c, 0, RAX, tag);
    x_shift(c, SHIFT_SHR, 0, tag, 3);
    x_alu_load(c, ALU_ADD, 1, RAX, CPU_MEM(reserve_lines));
    x_alu_load(c, ALU_ADD, 1, tag, CPU_MEM(reserve_counts));
    x_bind(c, &again);
    x_lock_inc(c, mem_at(tag, 0));
    x_test8_mem_imm(c, mem_at(RAX, 0), 1);
    x_jcc(c, CC_NE, &held);
    operate(x, in, at, value, expected, tag);
    x_jmp(c, &done);
    x_bind(c, &held); // for a few instructions of another thread
    x_alu_mem_imm(c, ALU_ADD, 1, mem_at(tag, 0), 1);
    x_pause(c);
    x_jmp(c, &again);
    x_bind(c, &alone);
    operate(x, in, at, value, expected, NO_REG);
    x_bind(c, &done);
    value_result_in(x, RAX);
}
