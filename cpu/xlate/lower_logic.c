// SPDX-License-Identifier: Apache-2.0
// Logic, counting, rotates and shifts. Semantics: cpu/exec/fixed_logic.c.
#include "cpu/exec/exec.h"
#include "cpu/xlate/lower.h"

#define SH  INSN_FIELD(16, 20)
#define SH6 (INSN_FIELD(30, 30) << 5 | INSN_FIELD(16, 20))
#define MB6 (INSN_FIELD(26, 26) << 5 | INSN_FIELD(21, 25))

static void finish(struct ir_builder *b, u32 insn, ir_value v)
{
    ir_put(b, SLOT_GPR + RA, v);
    if (RC_BIT)
        lower_record(b, v);
}

ir_value lower_logic_op(struct ir_builder *b, unsigned arg, ir_value a, ir_value v)
{
    if (arg & LOGIC_NOT_B)
        v = ir_op1(b, IR_NOT, v);
    v = ir_op2(b, arg & LOGIC_OP, a, v);
    return arg & LOGIC_NOT ? ir_op1(b, IR_NOT, v) : v;
}

static void lower_logic2(struct ir_builder *b, u32 insn, unsigned arg)
{
    finish(b, insn, lower_logic_op(b, arg, ir_get(b, SLOT_GPR + RS), ir_get(b, SLOT_GPR + RB)));
}

enum { LOGIC_SHIFTED = 0x100, LOGIC_RECORD = 0x200 };

static void lower_logic_imm(struct ir_builder *b, u32 insn, unsigned arg)
{
    u64 imm = arg & LOGIC_SHIFTED ? UI << 16 : UI;
    ir_value v = ir_op2i(b, arg & LOGIC_OP, ir_get(b, SLOT_GPR + RS), imm);
    ir_put(b, SLOT_GPR + RA, v);
    if (arg & LOGIC_RECORD)
        lower_record(b, v);
}

// arg: the operation.
static void lower_unary(struct ir_builder *b, u32 insn, unsigned arg)
{
    finish(b, insn, ir_op1(b, arg, ir_get(b, SLOT_GPR + RS)));
}

static void lower_popcntd(struct ir_builder *b, u32 insn, unsigned arg)
{
    ir_put(b, SLOT_GPR + RA, ir_op1(b, IR_POPCNT, ir_get(b, SLOT_GPR + RS)));
}

static void lower_popcntw(struct ir_builder *b, u32 insn, unsigned arg)
{
    ir_value s = ir_get(b, SLOT_GPR + RS);
    ir_value low = ir_op1(b, IR_POPCNT, ir_op1(b, IR_ZEXT32, s)),
             high = ir_op1(b, IR_POPCNT, ir_op2i(b, IR_SHR, s, 32));
    ir_put(b, SLOT_GPR + RA, ir_op2(b, IR_OR, low, ir_op2i(b, IR_SHL, high, 32)));
}

// The low bits of the bytes, folded together; arg: the width of what they are folded to.
static void lower_parity(struct ir_builder *b, u32 insn, unsigned arg)
{
    ir_value v = ir_get(b, SLOT_GPR + RS);
    for (unsigned n = 8; n < arg; n *= 2)
        v = ir_op2(b, IR_XOR, v, ir_op2i(b, IR_SHR, v, n));
    ir_put(b, SLOT_GPR + RA, ir_op2i(b, IR_AND, v, arg == 64 ? 1 : 0x0000000100000001ull));
}

static void lower_cntlzw(struct ir_builder *b, u32 insn, unsigned arg)
{
    ir_value word = ir_op1(b, IR_ZEXT32, ir_get(b, SLOT_GPR + RS));
    finish(b, insn, ir_op2i(b, IR_SUB, ir_op1(b, IR_CLZ, word), 32));
}

static void lower_cnttzw(struct ir_builder *b, u32 insn, unsigned arg)
{
    finish(b, insn, ir_op1(b, IR_CTZ, ir_op2i(b, IR_OR, ir_get(b, SLOT_GPR + RS), 1ull << 32)));
}

// All ones in each byte in which the operands agree.
static void lower_cmpb(struct ir_builder *b, u32 insn, unsigned arg)
{
    const u64 low7 = 0x7f7f7f7f7f7f7f7full;
    ir_value x = ir_op2(b, IR_XOR, ir_get(b, SLOT_GPR + RS), ir_get(b, SLOT_GPR + RB));
    ir_value differs =
        ir_op2(b, IR_OR, ir_op2i(b, IR_ADD, ir_op2i(b, IR_AND, x, low7), low7), x); // in bit 0 of each byte
    ir_value same = ir_op2i(b, IR_AND, ir_op2i(b, IR_SHR, ir_op1(b, IR_NOT, differs), 7), 0x0101010101010101ull);
    ir_put(b, SLOT_GPR + RA, ir_op2i(b, IR_MUL, same, 0xff));
}

// The rotated source of a word rotate, its low word twice where the mask reaches into the upper one.
static ir_value rotated_word(struct ir_builder *b, u32 insn, ir_value count, u64 mask)
{
    ir_value r = ir_op2(b, IR_ROTL32, ir_get(b, SLOT_GPR + RS), count);
    if (mask >> 32)
        r = ir_op2(b, IR_OR, r, ir_op2i(b, IR_SHL, r, 32));
    return r;
}

// (v & mask) | (RA & ~mask)
static ir_value insert(struct ir_builder *b, u32 insn, ir_value v, u64 mask)
{
    ir_value old = ir_op2i(b, IR_AND, ir_get(b, SLOT_GPR + RA), ~mask);
    return ir_op2(b, IR_OR, ir_op2i(b, IR_AND, v, mask), old);
}

enum { ROTATE_BY_RB = 1, ROTATE_INSERT = 2, ROTATE_LEFT_MASK = 4, ROTATE_RIGHT_MASK = 8 };

static ir_value rotate_count(struct ir_builder *b, u32 insn, unsigned arg, unsigned imm)
{
    return arg & ROTATE_BY_RB ? ir_get(b, SLOT_GPR + RB) : ir_const(b, imm);
}

static void lower_rotate_word(struct ir_builder *b, u32 insn, unsigned arg)
{
    u64 mask = mask64(INSN_FIELD(21, 25) + 32, INSN_FIELD(26, 30) + 32);
    if (!(arg & (ROTATE_BY_RB | ROTATE_INSERT)) && !(mask >> 32)) {
        ir_value s = ir_get(b, SLOT_GPR + RS);
        u64 kept = (u32)(0xffffffffu << SH); // what a shift to the left leaves
        if (!SH)
            return finish(b, insn, ir_and_mask(b, s, mask));
        if (mask == kept) // slwi
            return finish(b, insn, ir_op1(b, IR_ZEXT32, ir_op2i(b, IR_SHL, s, SH)));
        if (mask == (u32)~kept) // srwi
            return finish(b, insn, ir_op2i(b, IR_SHR, ir_op1(b, IR_ZEXT32, s), 32 - SH));
    }
    ir_value v = rotated_word(b, insn, rotate_count(b, insn, arg, SH), mask);
    finish(b, insn, arg & ROTATE_INSERT ? insert(b, insn, v, mask) : ir_and_mask(b, v, mask));
}

// The mask: from MB on, up to ME, or from MB up to where the rotated-in bits begin.
static u64 rotate_mask(u32 insn, unsigned arg)
{
    if (arg & ROTATE_LEFT_MASK)
        return ~0ull >> MB6;
    if (arg & ROTATE_RIGHT_MASK)
        return ~0ull << (63 - MB6);
    return mask64(MB6, 63 - SH6);
}

static void lower_rotate(struct ir_builder *b, u32 insn, unsigned arg)
{
    u64 mask = rotate_mask(insn, arg);
    ir_value s = ir_get(b, SLOT_GPR + RS), v;
    unsigned n = SH6;
    if (!(arg & (ROTATE_BY_RB | ROTATE_INSERT)) && n && mask == ~0ull << n)
        v = ir_op2i(b, IR_SHL, s, n); // sldi
    else if (!(arg & (ROTATE_BY_RB | ROTATE_INSERT)) && n && mask == ~0ull >> (64 - n))
        v = ir_op2i(b, IR_SHR, s, 64 - n); // srdi
    else if (arg & ROTATE_INSERT)
        v = insert(b, insn, ir_op2i(b, IR_ROTL, s, n), mask);
    else
        v = ir_and_mask(b, ir_op2(b, IR_ROTL, s, rotate_count(b, insn, arg, n)), mask);
    finish(b, insn, v);
}

enum { SHIFT_WORD = 0x100 };

// Shift amounts have one bit more than the width: beyond it nothing is left, which SHL and SHR do by themselves.
static void lower_shift(struct ir_builder *b, u32 insn, unsigned arg)
{
    bool word = arg & SHIFT_WORD, right = (arg & LOGIC_OP) == IR_SHR;
    ir_value s = ir_get(b, SLOT_GPR + RS);
    ir_value n = ir_op2i(b, IR_AND, ir_get(b, SLOT_GPR + RB), word ? 63 : 127);
    if (word && right)
        s = ir_op1(b, IR_ZEXT32, s);
    ir_value v = ir_op2(b, arg & LOGIC_OP, s, n);
    if (word && !right)
        v = ir_op1(b, IR_ZEXT32, v);
    finish(b, insn, v);
}

static void lower_shift_algebraic(struct ir_builder *b, u32 insn, unsigned arg)
{
    bool word = arg & SHIFT_WORD;
    ir_value s = ir_get(b, SLOT_GPR + RS), n, kept;
    if (word)
        s = ir_op1(b, IR_SEXT32, s);
    if (arg & ROTATE_BY_RB) {
        n = ir_op2i(b, IR_AND, ir_get(b, SLOT_GPR + RB), word ? 63 : 127);
        kept = ir_op2(b, IR_SHL, ir_const(b, ~0ull), n);
    } else {
        unsigned sh = word ? SH : SH6;
        n = ir_const(b, sh);
        kept = ir_const(b, ~0ull << sh);
    }
    ir_value v = ir_op2(b, IR_SAR, s, n);
    ir_value lost = ir_set(b, COND_NE, ir_op2(b, IR_AND, s, ir_op1(b, IR_NOT, kept)), ir_const(b, 0));
    ir_value carry = ir_op2(b, IR_AND, lost, ir_op2i(b, IR_SHR, s, 63));
    ir_put(b, SLOT_CA, carry);
    ir_put(b, SLOT_CA32, carry);
    finish(b, insn, v);
}

static void lower_extswsli(struct ir_builder *b, u32 insn, unsigned arg)
{
    finish(b, insn, ir_op2i(b, IR_SHL, ir_op1(b, IR_SEXT32, ir_get(b, SLOT_GPR + RS)), SH6));
}

const struct lower_row lower_logic[INSN_COUNT] = {
    [INSN_andi_r] = {lower_logic_imm, IR_AND | LOGIC_RECORD},
    [INSN_andis_r] = {lower_logic_imm, IR_AND | LOGIC_SHIFTED | LOGIC_RECORD},
    [INSN_ori] = {lower_logic_imm, IR_OR},
    [INSN_oris] = {lower_logic_imm, IR_OR | LOGIC_SHIFTED},
    [INSN_xori] = {lower_logic_imm, IR_XOR},
    [INSN_xoris] = {lower_logic_imm, IR_XOR | LOGIC_SHIFTED},
    [INSN_and] = {lower_logic2, IR_AND},
    [INSN_xor] = {lower_logic2, IR_XOR},
    [INSN_nand] = {lower_logic2, IR_AND | LOGIC_NOT},
    [INSN_or] = {lower_logic2, IR_OR},
    [INSN_nor] = {lower_logic2, IR_OR | LOGIC_NOT},
    [INSN_eqv] = {lower_logic2, IR_XOR | LOGIC_NOT},
    [INSN_andc] = {lower_logic2, IR_AND | LOGIC_NOT_B},
    [INSN_orc] = {lower_logic2, IR_OR | LOGIC_NOT_B},
    [INSN_extsb] = {lower_unary, IR_SEXT8},
    [INSN_extsh] = {lower_unary, IR_SEXT16},
    [INSN_extsw] = {lower_unary, IR_SEXT32},
    [INSN_cntlzd] = {lower_unary, IR_CLZ},
    [INSN_cnttzd] = {lower_unary, IR_CTZ},
    [INSN_cntlzw] = {lower_cntlzw, 0},
    [INSN_cnttzw] = {lower_cnttzw, 0},
    [INSN_popcntd] = {lower_popcntd, 0},
    [INSN_popcntw] = {lower_popcntw, 0},
    [INSN_prtyw] = {lower_parity, 32},
    [INSN_prtyd] = {lower_parity, 64},
    [INSN_cmpb] = {lower_cmpb, 0},
    [INSN_rlwinm] = {lower_rotate_word, 0},
    [INSN_rlwimi] = {lower_rotate_word, ROTATE_INSERT},
    [INSN_rlwnm] = {lower_rotate_word, ROTATE_BY_RB},
    [INSN_rldicl] = {lower_rotate, ROTATE_LEFT_MASK},
    [INSN_rldicr] = {lower_rotate, ROTATE_RIGHT_MASK},
    [INSN_rldic] = {lower_rotate, 0},
    [INSN_rldimi] = {lower_rotate, ROTATE_INSERT},
    [INSN_rldcl] = {lower_rotate, ROTATE_LEFT_MASK | ROTATE_BY_RB},
    [INSN_rldcr] = {lower_rotate, ROTATE_RIGHT_MASK | ROTATE_BY_RB},
    [INSN_slw] = {lower_shift, IR_SHL | SHIFT_WORD},
    [INSN_srw] = {lower_shift, IR_SHR | SHIFT_WORD},
    [INSN_sld] = {lower_shift, IR_SHL},
    [INSN_srd] = {lower_shift, IR_SHR},
    [INSN_sraw] = {lower_shift_algebraic, SHIFT_WORD | ROTATE_BY_RB},
    [INSN_srawi] = {lower_shift_algebraic, SHIFT_WORD},
    [INSN_srad] = {lower_shift_algebraic, ROTATE_BY_RB},
    [INSN_sradi] = {lower_shift_algebraic, 0},
    [INSN_extswsli] = {lower_extswsli, 0},
};
