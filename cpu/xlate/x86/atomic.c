// SPDX-License-Identifier: Apache-2.0
// Load and reserve, store conditional in line. What a reservation is: cpu/reserve.h.
#include "cpu/exec/exec.h"
#include "cpu/mmu/access.h"
#include "cpu/reserve.h"
#include "cpu/xlate/x86/comp.h"

static_assert(sizeof(struct reserve_line) == RESERVE_VERSION, "an address in guest real memory is one in the table");

// at = the entry of its version, from the guest real address in it
static void version_of(struct comp *x, enum reg at)
{
    struct code *c = &x->c;
    x_alu_imm(c, ALU_AND, 0, at, (s32)((RESERVE_LINES - 1) * RESERVE_VERSION));
    x_alu_load(c, ALU_ADD, 1, at, CPU_MEM(reserve_lines));
}

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

void atomic_load_reserve(struct comp *x)
{
    struct code *c = &x->c;
    const struct ir_insn *in = &x->r->insns[x->at];
    unsigned bytes = 1u << (in->imm & MEM_SIZE);
    enum reg base = value_reg(x, in->a), tag = value_scratch(x), at = value_scratch(x);
    lookup_aligned(x, base, bytes, false, tag, at);
    x_lea(c, 1, at, mem_indexed(base, at, 0));
    x_mov(c, 1, tag, at);
    x_alu_load(c, ALU_SUB, 1, tag, CPU_MEM(mem_base));
    x_store(c, 8, CPU_MEM(reserve_addr), tag);
    version_of(x, tag);
    x_load(c, 1, tag, mem_at(tag, 0));
    x_store(c, 8, CPU_MEM(reserve_version), tag);
    enum reg dst = value_result(x, in->a, IR_NO_VALUE, 0);
    x_load_zx(c, bytes, dst, mem_at(at, 0));
    x_store(c, 8, CPU_MEM(reserve_value), dst);
    x_store_imm(c, 4, CPU_MEM(reserve_size), (s32)bytes);
    if (in->imm & MEM_SWAP) {
        swap(c, bytes, dst);
    }
}

void atomic_store_conditional(struct comp *x)
{
    struct code *c = &x->c;
    const struct ir_insn *in = &x->r->insns[x->at];
    unsigned bytes = 1u << (in->imm & MEM_SIZE);
    value_claim(x, RAX);
    enum reg base = value_reg(x, in->a), value = value_reg(x, in->b), tag = value_scratch(x), at = value_scratch(x);
    bool swaps = in->imm & MEM_SWAP && bytes > 1;
    struct label fail = {0}, lost = {0}, alone = {0}, done = {0};
    lookup_aligned(x, base, bytes, true, tag, at);
    x_lea(c, 1, at, mem_indexed(base, at, 0));
    x_mov(c, 1, tag, at);
    x_alu_load(c, ALU_SUB, 1, tag, CPU_MEM(mem_base));
    x_alu_load(c, ALU_CMP, 1, tag, CPU_MEM(reserve_addr));
    x_jcc(c, CC_NE, &fail);
    x_alu_mem_imm(c, ALU_CMP, 0, CPU_MEM(reserve_size), (s32)bytes);
    x_jcc(c, CC_NE, &fail);
    // In place, and back again: nothing can fail in between.
    if (swaps)
        swap_low(c, bytes, value);
    x_test8_mem_imm(c, CPU_MEM(reserve_alone), 1);
    x_jcc(c, CC_NE, &alone);
    version_of(x, tag);
    x_load(c, 1, RAX, CPU_MEM(reserve_version));
    x_lock_bts(c, mem_at(tag, 0), 0);
    x_jcc(c, CC_B, &lost);
    x_alu_imm(c, ALU_OR, 1, RAX, 1);
    x_alu_load(c, ALU_CMP, 1, RAX, mem_at(tag, 0));
    struct label stale = {0};
    x_jcc(c, CC_NE, &stale);
    x_load(c, 1, RAX, CPU_MEM(reserve_value));
    x_lock_cmpxchg(c, bytes, mem_at(at, 0), value);
    x_setcc(c, CC_E, RAX);
    x_alu_mem_imm(c, ALU_ADD, 1, mem_at(tag, 0), 1);
    x_movzx(c, 1, RAX, RAX);
    x_jmp(c, &done);

    x_bind(c, &stale);
    x_alu_mem_imm(c, ALU_SUB, 1, mem_at(tag, 0), 1);
    x_bind(c, &lost);
    x_mov_imm(c, RAX, 0);
    x_jmp(c, &done);

    x_bind(c, &alone);
    x_load(c, 1, RAX, CPU_MEM(reserve_value));
    x_lock_cmpxchg(c, bytes, mem_at(at, 0), value);
    x_setcc(c, CC_E, RAX);
    x_movzx(c, 1, RAX, RAX);
    x_bind(c, &done);
    if (swaps)
        swap_low(c, bytes, value);
    struct label over = {0};
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
