// SPDX-License-Identifier: Apache-2.0
// Fixed-point arithmetic and comparison. Semantics: cpu/exec/fixed.c.
#include "cpu/exec/exec.h"
#include "cpu/xlate/lower.h"

// The columns of a sum a + b + carry.
enum {
    SUM_NOT_A = 1 << 0, // a is the complement of RA
    SUM_RB = 0 << 1,    // b
    SUM_SI = 1 << 1,
    SUM_ZERO = 2 << 1,
    SUM_ONES = 3 << 1,
    SUM_B = 3 << 1,
    SUM_PLUS_1 = 1 << 3, // carry; otherwise 0
    SUM_PLUS_CA = 1 << 4,
    SUM_CARRYING = 1 << 5, // sets CA and CA32
    SUM_RECORD = 1 << 6,   // always
    SUM_XO = 1 << 7,       // OE and Rc are in the instruction
};

static ir_value bit_of(struct ir_builder *b, ir_value v, unsigned shift)
{
    return ir_op2i(b, IR_AND, ir_op2i(b, IR_SHR, v, shift), 1);
}

static void put_overflow(struct ir_builder *b, ir_value ov, ir_value ov32)
{
    ir_put(b, SLOT_OV, ov);
    ir_put(b, SLOT_OV32, ov32);
    ir_put(b, SLOT_SO, ir_op2(b, IR_OR, ir_get(b, SLOT_SO), ov));
}

void lower_record(struct ir_builder *b, ir_value result)
{
    ir_value zero = ir_const(b, 0);
    ir_put(b, SLOT_CRF, ir_crf(b, COMPARE_S64, result, zero, ir_get(b, SLOT_SO)));
}

static ir_value sum_b(struct ir_builder *b, u32 insn, unsigned arg)
{
    switch (arg & SUM_B) {
    case SUM_RB: return ir_get(b, SLOT_GPR + RB);
    case SUM_SI: return ir_const(b, (u64)SI);
    case SUM_ZERO: return ir_const(b, 0);
    default: return ir_const(b, ~0ull);
    }
}

static void lower_sum(struct ir_builder *b, u32 insn, unsigned arg)
{
    ir_value ra = ir_get(b, SLOT_GPR + RA), v = sum_b(b, insn, arg), sum, carry;
    ir_value a = arg & SUM_NOT_A ? ir_op1(b, IR_NOT, ra) : ra;
    if (arg & SUM_PLUS_CA) {
        ir_value part = ir_op2(b, IR_ADD, a, v);
        sum = ir_op2(b, IR_ADD, part, ir_get(b, SLOT_CA));
        carry = ir_op2(b, IR_OR, ir_set(b, COND_ULT, part, a), ir_set(b, COND_ULT, sum, part));
    } else if (arg & SUM_PLUS_1) { // ~RA + b + 1
        sum = ir_op2(b, IR_SUB, v, ra);
        carry = ir_set(b, COND_UGE, v, ra);
    } else {
        sum = ir_op2(b, IR_ADD, a, v);
        carry = ir_set(b, COND_ULT, sum, a);
    }
    ir_put(b, SLOT_GPR + RT, sum);
    if (arg & SUM_CARRYING) {
        ir_put(b, SLOT_CA, carry);
        ir_put(b, SLOT_CA32, bit_of(b, ir_op2(b, IR_XOR, ir_op2(b, IR_XOR, a, v), sum), 32));
    }
    if (arg & SUM_XO && OE_BIT) {
        ir_value over = ir_op2(b, IR_AND, ir_op2(b, IR_XOR, a, sum), ir_op2(b, IR_XOR, v, sum));
        put_overflow(b, ir_op2i(b, IR_SHR, over, 63), bit_of(b, over, 31));
    }
    if (arg & SUM_RECORD || (arg & SUM_XO && RC_BIT))
        lower_record(b, sum);
}

// arg: how far the immediate is shifted.
static void lower_addi(struct ir_builder *b, u32 insn, unsigned arg)
{
    ir_put(b, SLOT_GPR + RT, ir_op2i(b, IR_ADD, lower_ra_or_zero(b, RA), (u64)SI << arg));
}

static void lower_addpcis(struct ir_builder *b, u32 insn, unsigned arg)
{
    u32 d = INSN_FIELD(16, 25) << 6 | INSN_FIELD(11, 15) << 1 | INSN_FIELD(31, 31);
    u64 offset = b->index * 4 + 4 + ((u64)(s64)(s16)d << 16);
    ir_value page = ir_emit(b, (struct ir_insn){.op = IR_PAGE_EA});
    ir_put(b, SLOT_GPR + RT, ir_op2i(b, IR_ADD, page, offset));
}

static void lower_mulli(struct ir_builder *b, u32 insn, unsigned arg)
{
    ir_put(b, SLOT_GPR + RT, ir_op2i(b, IR_MUL, ir_get(b, SLOT_GPR + RA), (u64)SI));
}

// The columns of a product: what the operands are extended by, the operation, and how far its result is shifted right.
enum { MUL_OP = 0xff, MUL_SIGNED_WORDS = 0x100, MUL_WORDS = 0x200, MUL_HIGH_WORD = 0x400, MUL_OE = 0x800 };

static void lower_mul(struct ir_builder *b, u32 insn, unsigned arg)
{
    ir_value a = ir_get(b, SLOT_GPR + RA), v = ir_get(b, SLOT_GPR + RB);
    if (arg & (MUL_SIGNED_WORDS | MUL_WORDS)) {
        enum ir_op extend = arg & MUL_WORDS ? IR_ZEXT32 : IR_SEXT32;
        a = ir_op1(b, extend, a);
        v = ir_op1(b, extend, v);
    }
    ir_value product = ir_op2(b, arg & MUL_OP, a, v);
    if (arg & MUL_HIGH_WORD)
        product = ir_op2i(b, IR_SHR, product, 32);
    ir_put(b, SLOT_GPR + RT, product);
    if (arg & MUL_OE && OE_BIT) {
        ir_value over;
        if (arg & MUL_SIGNED_WORDS)
            over = ir_set(b, COND_NE, ir_op1(b, IR_SEXT32, product), product);
        else
            over = ir_set(b, COND_NE, ir_op2(b, IR_MULHS, a, v), ir_op2i(b, IR_SAR, product, 63));
        put_overflow(b, over, over);
    }
    if (RC_BIT)
        lower_record(b, product);
}

// The columns of a division: the operation, its width, and whether OE and Rc are in the instruction.
enum { DIV_OP = 0xff, DIV_WORDS = 0x100, DIV_FLAGS = 0x200 };

static void lower_div(struct ir_builder *b, u32 insn, unsigned arg)
{
    ir_value x = ir_get(b, SLOT_GPR + RA), y = ir_get(b, SLOT_GPR + RB);
    u64 width = arg & DIV_WORDS ? 32 : 64;
    unsigned op = arg & DIV_OP;
    ir_value v = ir_emit(b, (struct ir_insn){.op = (u8)op, .imm = width, .a = x, .b = y});
    if (op == IR_REMS && width == 32)
        v = ir_op1(b, IR_SEXT32, v);
    ir_put(b, SLOT_GPR + RT, v);
    if (arg & DIV_FLAGS && OE_BIT) {
        if (width == 32) {
            x = ir_op1(b, IR_ZEXT32, x);
            y = ir_op1(b, IR_ZEXT32, y);
        }
        ir_value over = ir_set(b, COND_EQ, y, ir_const(b, 0));
        if (op == IR_DIVS) {
            ir_value minimum = ir_set(b, COND_EQ, x, ir_const(b, 1ull << (width - 1)));
            ir_value minus_1 = ir_set(b, COND_EQ, y, ir_const(b, ~0ull >> (64 - width)));
            over = ir_op2(b, IR_OR, over, ir_op2(b, IR_AND, minimum, minus_1));
        }
        put_overflow(b, over, over);
    }
    if (arg & DIV_FLAGS && RC_BIT)
        lower_record(b, v);
}

// The high doubleword of RA * RB + RC; arg: IR_MULHS or IR_MULHU.
static void lower_maddhd(struct ir_builder *b, u32 insn, unsigned arg)
{
    ir_value x = ir_get(b, SLOT_GPR + RA), y = ir_get(b, SLOT_GPR + RB), z = ir_get(b, SLOT_GPR + RC);
    ir_value low = ir_op2(b, IR_MUL, x, y), high = ir_op2(b, arg, x, y);
    ir_value carry = ir_set(b, COND_ULT, ir_op2(b, IR_ADD, low, z), low);
    if (arg == IR_MULHS)
        high = ir_op2(b, IR_ADD, high, ir_op2i(b, IR_SAR, z, 63));
    ir_put(b, SLOT_GPR + RT, ir_op2(b, IR_ADD, high, carry));
}

static void lower_maddld(struct ir_builder *b, u32 insn, unsigned arg)
{
    ir_value product = ir_op2(b, IR_MUL, ir_get(b, SLOT_GPR + RA), ir_get(b, SLOT_GPR + RB));
    ir_put(b, SLOT_GPR + RT, ir_op2(b, IR_ADD, product, ir_get(b, SLOT_GPR + RC)));
}

enum { CMP_UNSIGNED = 1, CMP_IMMEDIATE = 2 };
#define L_BIT (insn & 0x00200000)

static void lower_cmp(struct ir_builder *b, u32 insn, unsigned arg)
{
    enum ir_compare how;
    if (arg & CMP_UNSIGNED)
        how = L_BIT ? COMPARE_U64 : COMPARE_U32;
    else
        how = L_BIT ? COMPARE_S64 : COMPARE_S32;
    ir_value a = ir_get(b, SLOT_GPR + RA), v;
    if (arg & CMP_IMMEDIATE)
        v = ir_const(b, arg & CMP_UNSIGNED ? UI : (u64)SI);
    else
        v = ir_get(b, SLOT_GPR + RB);
    ir_put(b, SLOT_CRF + BF, ir_crf(b, how, a, v, ir_get(b, SLOT_SO)));
}

const struct lower_row lower_arith[INSN_COUNT] = {
    [INSN_addi] = {lower_addi, 0},
    [INSN_addis] = {lower_addi, 16},
    [INSN_addpcis] = {lower_addpcis, 0},
    [INSN_addic] = {lower_sum, SUM_SI | SUM_CARRYING},
    [INSN_addic_r] = {lower_sum, SUM_SI | SUM_CARRYING | SUM_RECORD},
    [INSN_subfic] = {lower_sum, SUM_NOT_A | SUM_SI | SUM_PLUS_1 | SUM_CARRYING},
    [INSN_add] = {lower_sum, SUM_XO | SUM_RB},
    [INSN_subf] = {lower_sum, SUM_XO | SUM_NOT_A | SUM_RB | SUM_PLUS_1},
    [INSN_addc] = {lower_sum, SUM_XO | SUM_RB | SUM_CARRYING},
    [INSN_subfc] = {lower_sum, SUM_XO | SUM_NOT_A | SUM_RB | SUM_PLUS_1 | SUM_CARRYING},
    [INSN_adde] = {lower_sum, SUM_XO | SUM_RB | SUM_PLUS_CA | SUM_CARRYING},
    [INSN_subfe] = {lower_sum, SUM_XO | SUM_NOT_A | SUM_RB | SUM_PLUS_CA | SUM_CARRYING},
    [INSN_addme] = {lower_sum, SUM_XO | SUM_ONES | SUM_PLUS_CA | SUM_CARRYING},
    [INSN_subfme] = {lower_sum, SUM_XO | SUM_NOT_A | SUM_ONES | SUM_PLUS_CA | SUM_CARRYING},
    [INSN_addze] = {lower_sum, SUM_XO | SUM_ZERO | SUM_PLUS_CA | SUM_CARRYING},
    [INSN_subfze] = {lower_sum, SUM_XO | SUM_NOT_A | SUM_ZERO | SUM_PLUS_CA | SUM_CARRYING},
    [INSN_neg] = {lower_sum, SUM_XO | SUM_NOT_A | SUM_ZERO | SUM_PLUS_1},
    [INSN_mulli] = {lower_mulli, 0},
    [INSN_mullw] = {lower_mul, IR_MUL | MUL_SIGNED_WORDS | MUL_OE},
    [INSN_mulld] = {lower_mul, IR_MUL | MUL_OE},
    [INSN_mulhw] = {lower_mul, IR_MUL | MUL_SIGNED_WORDS | MUL_HIGH_WORD},
    [INSN_mulhwu] = {lower_mul, IR_MUL | MUL_WORDS | MUL_HIGH_WORD},
    [INSN_mulhd] = {lower_mul, IR_MULHS},
    [INSN_mulhdu] = {lower_mul, IR_MULHU},
    [INSN_divw] = {lower_div, IR_DIVS | DIV_WORDS | DIV_FLAGS},
    [INSN_divwu] = {lower_div, IR_DIVU | DIV_WORDS | DIV_FLAGS},
    [INSN_divd] = {lower_div, IR_DIVS | DIV_FLAGS},
    [INSN_divdu] = {lower_div, IR_DIVU | DIV_FLAGS},
    [INSN_modsw] = {lower_div, IR_REMS | DIV_WORDS},
    [INSN_moduw] = {lower_div, IR_REMU | DIV_WORDS},
    [INSN_modsd] = {lower_div, IR_REMS},
    [INSN_modud] = {lower_div, IR_REMU},
    [INSN_maddld] = {lower_maddld, 0},
    [INSN_maddhd] = {lower_maddhd, IR_MULHS},
    [INSN_maddhdu] = {lower_maddhd, IR_MULHU},
    [INSN_cmpi] = {lower_cmp, CMP_IMMEDIATE},
    [INSN_cmpli] = {lower_cmp, CMP_IMMEDIATE | CMP_UNSIGNED},
    [INSN_cmp] = {lower_cmp, 0},
    [INSN_cmpl] = {lower_cmp, CMP_UNSIGNED},
};
