// SPDX-License-Identifier: Apache-2.0
// Special-purpose registers and the machine state register. Semantics: cpu/exec/spr.c, cpu/exec/system.c; the registers: cpu/spr.def.
//
// What changes MSR, and isync, is a point where interrupts and other threads' requests are looked at (CHECK): code that was changed, and
// translations that were taken away, announce themselves in cpu->attn.
#include "cpu/exec/exec.h"
#include "cpu/spr.h"
#include "cpu/xlate/lower.h"

#define SPR_NUMBER (INSN_FIELD(16, 20) << 5 | INSN_FIELD(11, 15))
#define SPR_CFAR   28

// Bits of MSR that change nothing but what REQUIRE and the delivery of interrupts look at.
#define MSR_LIGHT (MSR_EE | MSR_RI | MSR_FP | MSR_VEC | MSR_VSX)
#define MSR_BY_MOVE                                                                                                  \
    (MSR_SF | MSR_VEC | MSR_VSX | MSR_EE | MSR_PR | MSR_FP | MSR_FE0 | MSR_SE | MSR_BE | MSR_FE1 | MSR_IR | MSR_DR | \
     MSR_PMM | MSR_RI)

static ir_value field(struct ir_builder *b, u64 which)
{
    return ir_emit(b, (struct ir_insn){.op = IR_FIELD, .imm = which});
}

static void set_field(struct ir_builder *b, u64 which, ir_value v)
{
    ir_emit(b, (struct ir_insn){.op = IR_SET_FIELD, .a = v, .imm = which});
}

static void check(struct ir_builder *b, ir_value v, u64 execute)
{
    ir_emit(b, (struct ir_insn){.op = IR_CHECK, .a = v, .imm = execute});
}

// The register as a member of struct cpu; 0: its semantics are more than that.
static u64 plain_field(const struct ir_builder *b, const struct spr_row *row, bool write)
{
    unsigned right = write ? row->write : row->read;
    if (!row->name || row->since > b->level || (right != SPR_U && right != SPR_P) ||
        (write ? row->set != NULL : row->get != NULL))
        return 0;
    return (u64)row->size << 32 | row->offset;
}

static void require_right(struct ir_builder *b, unsigned right)
{
    if (right == SPR_P)
        ir_emit(b, (struct ir_insn){.op = IR_REQUIRE, .cond = COND_NE, .imm = MSR_PR});
}

static void lower_mfspr(struct ir_builder *b, u32 insn, unsigned arg)
{
    const struct spr_row *row = &spr_rows[SPR_NUMBER];
    u64 which = plain_field(b, row, false);
    if (!which) {
        ir_emit(b, (struct ir_insn){.op = IR_EXEC});
        return;
    }
    require_right(b, row->read);
    ir_put(b, SLOT_GPR + RT, SPR_NUMBER == SPR_CFAR ? ir_get(b, SLOT_CFAR) : field(b, which));
}

static void lower_mtspr(struct ir_builder *b, u32 insn, unsigned arg)
{
    const struct spr_row *row = &spr_rows[SPR_NUMBER];
    u64 which = plain_field(b, row, true);
    if (!which) {
        ir_emit(b, (struct ir_insn){.op = IR_EXEC});
        return;
    }
    require_right(b, row->write);
    ir_value v = ir_get(b, SLOT_GPR + RS);
    if (SPR_NUMBER == SPR_CFAR)
        ir_put(b, SLOT_CFAR, v);
    else
        set_field(b, which, v);
}

static void lower_mfxer(struct ir_builder *b, u32 insn, unsigned arg)
{
    static const struct {
        u8 slot, shift;
    } bits[] = {{SLOT_SO, 31}, {SLOT_OV, 30}, {SLOT_CA, 29}, {SLOT_OV32, 19}, {SLOT_CA32, 18}};
    ir_value v = field(b, ir_field(xer_rest));
    for (unsigned i = 0; i < ARRAY_LEN(bits); i++)
        v = ir_op2(b, IR_OR, v, ir_op2i(b, IR_SHL, ir_get(b, bits[i].slot), bits[i].shift));
    ir_put(b, SLOT_GPR + RT, v);
}

static void put_bit(struct ir_builder *b, unsigned slot, ir_value v, unsigned shift)
{
    ir_put(b, slot, ir_op2i(b, IR_AND, ir_op2i(b, IR_SHR, v, shift), 1));
}

static void lower_mtxer(struct ir_builder *b, u32 insn, unsigned arg)
{
    ir_value v = ir_get(b, SLOT_GPR + RS);
    put_bit(b, SLOT_SO, v, 31);
    put_bit(b, SLOT_OV, v, 30);
    put_bit(b, SLOT_CA, v, 29);
    if (b->level >= LEVEL_V30) {
        put_bit(b, SLOT_OV32, v, 19);
        put_bit(b, SLOT_CA32, v, 18);
    }
    set_field(b, ir_field(xer_rest), ir_op2i(b, IR_AND, v, 0x7f));
}

static void lower_mfmsr(struct ir_builder *b, u32 insn, unsigned arg)
{
    ir_put(b, SLOT_GPR + RT, field(b, ir_field(msr)));
}

// MSR was set to `msr`: where it lets interrupts in, those that wait are served before the next instruction.
static void check_interrupts(struct ir_builder *b, ir_value msr)
{
    ir_value on = ir_op2i(b, IR_AND, msr, MSR_EE);
    ir_value lines = ir_select(b, on, field(b, ir_field(lines)), ir_const(b, 0));
    check(b, ir_op2(b, IR_OR, lines, field(b, ir_field(attn))), 0);
}

static void lower_ee_ri(struct ir_builder *b, u32 insn, unsigned arg)
{
    ir_value keep = ir_op2i(b, IR_AND, field(b, ir_field(msr)), ~(MSR_EE | MSR_RI));
    ir_value msr = ir_op2(b, IR_OR, keep, ir_op2i(b, IR_AND, ir_get(b, SLOT_GPR + RS), MSR_EE | MSR_RI));
    set_field(b, ir_field(msr), msr);
    check_interrupts(b, msr);
}

// arg: the whole register, not the low word alone. Only light bits change as a rule.
static void lower_mtmsr(struct ir_builder *b, u32 insn, unsigned arg)
{
    if (INSN_FIELD(15, 15)) {
        lower_ee_ri(b, insn, arg);
        return;
    }
    ir_value old = field(b, ir_field(msr));
    ir_value changed =
        ir_op2i(b, IR_AND, ir_op2(b, IR_XOR, old, ir_get(b, SLOT_GPR + RS)), MSR_BY_MOVE & (arg ? ~0ull : 0xffffffff));
    check(b, ir_op2i(b, IR_AND, changed, ~MSR_LIGHT), 1);
    ir_value msr = ir_op2(b, IR_XOR, old, changed);
    set_field(b, ir_field(msr), msr);
    check_interrupts(b, msr);
}

static void lower_isync(struct ir_builder *b, u32 insn, unsigned arg)
{
    check(b, field(b, ir_field(attn)), 0);
}

// Nothing for one of the classes that are always empty; else the semantics, and what is behind only then.
static void lower_tlbiel(struct ir_builder *b, u32 insn, unsigned arg)
{
    ir_value rb = ir_get(b, SLOT_GPR + RB), zero = ir_const(b, 0);
    ir_value one = ir_set(b, COND_EQ, ir_op2i(b, IR_AND, rb, PPC_BITMASK(52, 53)), zero);
    ir_value first = ir_set(b, COND_EQ, ir_op2i(b, IR_AND, rb, PPC_BITMASK(40, 51)), zero);
    check(b, ir_op2(b, IR_OR, one, first), 1);
}

const struct lower_row lower_state[INSN_COUNT] = {
    [INSN_mfspr] = {lower_mfspr, 0},     [INSN_mtspr] = {lower_mtspr, 0},     [INSN_mfxer] = {lower_mfxer, 0},
    [INSN_mtxer] = {lower_mtxer, 0},     [INSN_mfmsr] = {lower_mfmsr, 0},     [INSN_mtmsrd_ee] = {lower_ee_ri, 0},
    [INSN_mtmsr] = {lower_mtmsr, false}, [INSN_mtmsrd] = {lower_mtmsr, true}, [INSN_isync] = {lower_isync, 0},
    [INSN_tlbiel] = {lower_tlbiel, 0},
};
