// SPDX-License-Identifier: Apache-2.0
// Which slots an instruction that is left to its reference semantics reads and writes: from the operands of its row.
#include <string.h>

#include "cpu/xlate/ir.h"

// Vector instructions never raise an interrupt once their facility is available, nor do moves. Arithmetic may, when exceptions are enabled.
static bool raises(enum insn_id id, const struct insn_row *row)
{
    if (row->kind != KIND_PLAIN)
        return true;
    if (row->facility == FAC_VMX)
        return false;
    switch (id) {
    case INSN_fmr:
    case INSN_fneg:
    case INSN_fabs:
    case INSN_fnabs:
    case INSN_fcpsgn:
    case INSN_fmrgow:
    case INSN_fmrgew:
    case INSN_fsel: return false;
    default: return id < INSN_xxland || id > INSN_mtvsrws;
    }
}

static void touch(struct ir_effects *e, unsigned role, unsigned slot)
{
    if (role == ROLE_IN || role == ROLE_INOUT)
        slots_add(&e->reads, slot);
    if (role == ROLE_OUT || role == ROLE_INOUT)
        slots_add(&e->writes, slot);
}

static void touch_register(struct ir_effects *e, unsigned role, unsigned n)
{
    touch(e, role, SLOT_VSR + n % 64);
    touch(e, role, SLOT_FPR + n % 64);
}

bool ir_effects(u32 insn, struct ir_effects *e)
{
    enum insn_id id = isa_decode(insn, LEVEL_V30);
    const struct insn_row *row = &insn_rows[id];
    const struct operand *ops[ISA_OPERANDS_MAX];
    if (id == INSN_ILLEGAL || row->facility == FAC_NONE || row->privilege != PRIV_U)
        return false;
    *e = (struct ir_effects){.raises = raises(id, row)};
    unsigned len = isa_operands(row, ops);
    for (unsigned i = 0; i < len; i++) {
        unsigned n = (unsigned)operand_get(ops[i], insn), role = ops[i]->role;
        switch (ops[i]->class) {
        case CLASS_GPR:
        case CLASS_GPR0: touch(e, role, SLOT_GPR + n); break;
        case CLASS_FPR:
            touch_register(e, role, n);
            if (ops[i]->name[strlen(ops[i]->name) - 1] == 'P') { // a pair
                touch_register(e, role, n & ~1u);
                touch_register(e, role, n | 1);
            }
            break;
        case CLASS_VR: touch_register(e, role, n + 32); break;
        case CLASS_VSR: touch_register(e, role, n); break;
        case CLASS_CRF: touch(e, role, SLOT_CRF + n); break;
        case CLASS_CRB: touch(e, ROLE_INOUT, SLOT_CRF + n / 4); break;
        default: break;
        }
    }
    if (strchr(row->pattern, 'R'))
        slots_add(&e->writes, row->facility == FAC_FP ? SLOT_CRF + 1 : SLOT_CRF + 6);
    // Decimal and binary-coded results set a field without being asked, and so do a few tests.
    if (row->facility == FAC_VMX)
        slots_add(&e->writes, SLOT_CRF + 6);
    return true;
}
