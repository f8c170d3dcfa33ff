// SPDX-License-Identifier: Apache-2.0
#include "cpu/xlate/atomic_loop.h"

#include "cpu/exec/exec.h"
#include "cpu/xlate/lower.h"

#define FIELD(insn, shift) ((insn) >> (shift)&31)
#define F_RT(insn)         FIELD(insn, 21)
#define F_RA(insn)         FIELD(insn, 16)
#define F_RB(insn)         FIELD(insn, 11)
#define OE_RC              0x401u

// bne, with any hint, on that field of the condition register: how far it goes, in instructions; 0: it is none.
static s32 branch_unless_equal(u16 id, u32 insn, unsigned field)
{
    if (id != INSN_bc || insn & 3 || (F_RT(insn) & 0x1c) != 4 || F_RA(insn) != field * 4 + 2)
        return 0;
    return (s16)(insn & 0xfffc) / 4;
}

// stcx. of register `value` to where the larx was, and the loop's branch behind it.
static bool ends_with(const u32 *words, const u16 *ids, unsigned store, unsigned value)
{
    u16 id = ids[0] == INSN_lwarx ? INSN_stwcx_r : INSN_stdcx_r;
    return ids[store] == id && F_RT(words[store]) == value && F_RA(words[store]) == F_RA(words[0]) &&
           F_RB(words[store]) == F_RB(words[0]) &&
           branch_unless_equal(ids[store + 1], words[store + 1], 0) == -(s32)(store + 1);
}

static bool match_add(const u32 *words, const u16 *ids, struct atomic_loop *loop)
{
    u32 insn = words[1];
    unsigned t = F_RT(words[0]), a = F_RA(insn), b = F_RB(insn);
    switch (ids[1]) {
    case INSN_add:
        if (insn & OE_RC || (a == t) == (b == t))
            return false;
        loop->change = (u8)(a == t ? b : a);
        break;
    case INSN_subf:
        if (insn & OE_RC || b != t || a == t)
            return false;
        loop->change = (u8)a;
        loop->negative = true;
        break;
    case INSN_addi:
        if (a != t || !t)
            return false;
        loop->immediate = true;
        loop->value = (s16)insn;
        break;
    default: return false;
    }
    // The address is still the same.
    if (F_RT(insn) == F_RA(words[0]) || F_RT(insn) == F_RB(words[0]))
        return false;
    return ends_with(words, ids, 2, F_RT(insn));
}

static bool match_compare(const u32 *words, const u16 *ids, struct atomic_loop *loop)
{
    u32 insn = words[1];
    unsigned t = F_RT(words[0]), a = F_RA(insn), b = F_RB(insn);
    bool wide = insn >> 21 & 1;
    if (wide != (ids[0] == INSN_ldarx))
        return false;
    switch (ids[1]) {
    case INSN_cmp:
    case INSN_cmpl:
        if ((a == t) == (b == t))
            return false;
        loop->expect = (u8)(a == t ? b : a);
        break;
    case INSN_cmpi:
    case INSN_cmpli:
        if (a != t)
            return false;
        loop->immediate = true;
        loop->value = ids[1] == INSN_cmpi ? (s16)insn : (u16)insn;
        break;
    default: return false;
    }
    s32 elsewhere = branch_unless_equal(ids[2], words[2], insn >> 23 & 7);
    loop->change = (u8)F_RT(words[3]);
    return elsewhere && (elsewhere <= -2 || elsewhere > 2) && loop->change != t &&
           ends_with(words, ids, 3, loop->change);
}

bool atomic_loop_match(const u32 *words, const u16 *ids, unsigned n, struct atomic_loop *loop)
{
    unsigned t = F_RT(words[0]);
    *loop = (struct atomic_loop){.op = IR_RMW};
    if (n < 3 || (ids[0] != INSN_lwarx && ids[0] != INSN_ldarx) || t == F_RB(words[0]) ||
        (t == F_RA(words[0]) && F_RA(words[0])))
        return false;
    loop->kind = ids[0] == INSN_lwarx ? MEM_32 : MEM_64;
    loop->change = (u8)F_RT(words[1]);
    if (loop->change != t && ends_with(words, ids, 1, loop->change)) {
        loop->store = 1;
    } else if (n >= 4 && match_add(words, ids, loop)) {
        loop->kind |= RMW_ADD;
        loop->store = 2;
    } else if (n >= 5 && match_compare(words, ids, loop)) {
        loop->op = IR_CAS;
        loop->store = 3;
    }
    loop->len = (u8)(loop->store + 2);
    return loop->store;
}

void atomic_loop_lower(struct ir_builder *b, u32 insn, const struct atomic_loop *loop)
{
    struct ir_insn in = {.op = loop->op, .imm = loop->kind};
    in.a = ir_op2(b, IR_ADD, lower_ra_or_zero(b, RA), ir_get(b, SLOT_GPR + RB));
    if (loop->op == IR_CAS) {
        in.b = ir_get(b, SLOT_GPR + loop->change);
        in.c = loop->immediate ? ir_const(b, (u64)loop->value) : ir_get(b, SLOT_GPR + loop->expect);
    } else {
        in.b = loop->immediate ? ir_const(b, (u64)loop->value) : ir_get(b, SLOT_GPR + loop->change);
        if (loop->negative)
            in.b = ir_op1(b, IR_NEG, in.b);
    }
    ir_put(b, SLOT_GPR + RT, ir_emit(b, in));
}

void atomic_loop_lower_store(struct ir_builder *b)
{
    ir_put(b, SLOT_CRF, ir_op2(b, IR_OR, ir_get(b, SLOT_SO), ir_const(b, CR_EQ)));
}
