// SPDX-License-Identifier: Apache-2.0
// Condition register, moves of registers, hints and barriers. Semantics: cpu/exec/branch.c, fixed.c, spr.c, storage_cache.c.
#include "cpu/exec/exec.h"
#include "cpu/xlate/lower.h"

const struct lower_row *lower_find(enum insn_id id)
{
    static const struct lower_row *const tables[] = {lower_arith, lower_logic, lower_storage, lower_system, lower_state, lower_cache,
                                                     lower_vector, lower_vector_move, lower_vector_storage, lower_vector_more, lower_float};
    for (unsigned i = 0; i < ARRAY_LEN(tables); i++) {
        if (tables[i][id].fn)
            return &tables[i][id];
    }
    return NULL;
}

ir_value lower_cr_test(struct ir_builder *b, unsigned bit)
{
    return ir_op2i(b, IR_AND, ir_get(b, SLOT_CRF + bit / 4), 8u >> bit % 4);
}

static ir_value cr_bit_value(struct ir_builder *b, unsigned bit)
{
    return ir_op2i(b, IR_AND, ir_op2i(b, IR_SHR, ir_get(b, SLOT_CRF + bit / 4), 3 - bit % 4), 1);
}

static void lower_cr_logic(struct ir_builder *b, u32 insn, unsigned arg)
{
    unsigned shift = 3 - BT % 4;
    ir_value v;
    if (BA == BB && (arg & LOGIC_OP) == IR_XOR) // crclr, crset
        v = ir_const(b, arg & LOGIC_NOT ? 1 : 0);
    else
        v = ir_op2i(b, IR_AND, lower_logic_op(b, arg, cr_bit_value(b, BA), cr_bit_value(b, BB)), 1);
    ir_value rest = ir_op2i(b, IR_AND, ir_get(b, SLOT_CRF + BT / 4), 15 & ~(1u << shift));
    ir_put(b, SLOT_CRF + BT / 4, ir_op2(b, IR_OR, rest, ir_op2i(b, IR_SHL, v, shift)));
}

static void lower_mcrf(struct ir_builder *b, u32 insn, unsigned arg)
{
    ir_put(b, SLOT_CRF + BF, ir_get(b, SLOT_CRF + BFA));
}

static void lower_isel(struct ir_builder *b, u32 insn, unsigned arg)
{
    ir_value a = lower_ra_or_zero(b, RA), v = ir_get(b, SLOT_GPR + RB);
    ir_put(b, SLOT_GPR + RT, ir_select(b, lower_cr_test(b, RC), a, v));
}

static void lower_setb(struct ir_builder *b, u32 insn, unsigned arg)
{
    ir_value less = lower_cr_test(b, 4 * BFA), greater = cr_bit_value(b, 4 * BFA + 1);
    ir_put(b, SLOT_GPR + RT, ir_select(b, less, ir_const(b, ~0ull), greater));
}

// The fields of FXM; arg: all of them.
static void lower_mfcr(struct ir_builder *b, u32 insn, unsigned arg)
{
    unsigned fxm = arg ? 0xff : INSN_FIELD(12, 19);
    ir_value cr = ir_const(b, 0);
    for (unsigned i = 0; i < 8; i++) {
        if (fxm & 0x80u >> i)
            cr = ir_op2(b, IR_OR, cr, ir_op2i(b, IR_SHL, ir_get(b, SLOT_CRF + i), 28 - 4 * i));
    }
    ir_put(b, SLOT_GPR + RT, cr);
}

static void lower_mtcrf(struct ir_builder *b, u32 insn, unsigned arg)
{
    ir_value s = ir_get(b, SLOT_GPR + RS);
    for (unsigned i = 0; i < 8; i++) {
        if (INSN_FIELD(12, 19) & 0x80u >> i)
            ir_put(b, SLOT_CRF + i, ir_op2i(b, IR_AND, ir_op2i(b, IR_SHR, s, 28 - 4 * i), 15));
    }
}

static void lower_mcrxrx(struct ir_builder *b, u32 insn, unsigned arg)
{
    ir_value ov = ir_op2i(b, IR_SHL, ir_get(b, SLOT_OV), 3), ov32 = ir_op2i(b, IR_SHL, ir_get(b, SLOT_OV32), 2);
    ir_value ca = ir_op2i(b, IR_SHL, ir_get(b, SLOT_CA), 1);
    ir_value high = ir_op2(b, IR_OR, ov, ov32), low = ir_op2(b, IR_OR, ca, ir_get(b, SLOT_CA32));
    ir_put(b, SLOT_CRF + BF, ir_op2(b, IR_OR, high, low));
}

// arg: the slot.
static void lower_mf(struct ir_builder *b, u32 insn, unsigned arg)
{
    ir_put(b, SLOT_GPR + RT, ir_get(b, arg));
}

static void lower_mt(struct ir_builder *b, u32 insn, unsigned arg)
{
    ir_put(b, arg, ir_get(b, SLOT_GPR + RS));
}

static void lower_nothing(struct ir_builder *b, u32 insn, unsigned arg) {}

const struct lower_row lower_system[INSN_COUNT] = {
    [INSN_crand] = {lower_cr_logic, IR_AND},
    [INSN_crnand] = {lower_cr_logic, IR_AND | LOGIC_NOT},
    [INSN_cror] = {lower_cr_logic, IR_OR},
    [INSN_crxor] = {lower_cr_logic, IR_XOR},
    [INSN_crnor] = {lower_cr_logic, IR_OR | LOGIC_NOT},
    [INSN_creqv] = {lower_cr_logic, IR_XOR | LOGIC_NOT},
    [INSN_crandc] = {lower_cr_logic, IR_AND | LOGIC_NOT_B},
    [INSN_crorc] = {lower_cr_logic, IR_OR | LOGIC_NOT_B},
    [INSN_mcrf] = {lower_mcrf, 0},
    [INSN_isel] = {lower_isel, 0},
    [INSN_setb] = {lower_setb, 0},
    [INSN_mfcr] = {lower_mfcr, true},
    [INSN_mfocrf] = {lower_mfcr, false},
    [INSN_mtcrf] = {lower_mtcrf, 0},
    [INSN_mtocrf] = {lower_mtcrf, 0},
    [INSN_mcrxrx] = {lower_mcrxrx, 0},
    [INSN_mflr] = {lower_mf, SLOT_LR},
    [INSN_mtlr] = {lower_mt, SLOT_LR},
    [INSN_mfctr] = {lower_mf, SLOT_CTR},
    [INSN_mtctr] = {lower_mt, SLOT_CTR},
    [INSN_dcbt] = {lower_nothing, 0},
    [INSN_dcbtst] = {lower_nothing, 0},
    [INSN_icbt] = {lower_nothing, 0},
    [INSN_dst] = {lower_nothing, 0},
    [INSN_dstt] = {lower_nothing, 0},
    [INSN_dstst] = {lower_nothing, 0},
    [INSN_dststt] = {lower_nothing, 0},
    [INSN_dss] = {lower_nothing, 0},
    [INSN_dssall] = {lower_nothing, 0},
    [INSN_reserved_nop] = {lower_nothing, 0},
};
