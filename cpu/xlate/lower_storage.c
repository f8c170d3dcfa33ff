// SPDX-License-Identifier: Apache-2.0
// Fixed-point loads and stores. Semantics: cpu/exec/storage.c.
//
// The out-of-line code of a LOAD or STORE executes the whole instruction: what is PUT after it must be what the instruction itself
// writes, and nothing may be PUT before it.
#include "cpu/exec/exec.h"
#include "cpu/xlate/lower.h"

// The columns: enum ir_memory as for a little-endian page, and the form.
enum { FORM_UPDATE = 0x10, FORM_INDEXED = 0x20, FORM_DS = 0x40, FORM_STORE = 0x80 };

static void lower_access(struct ir_builder *b, u32 insn, unsigned arg)
{
    u64 kind = arg & (MEM_SIZE | MEM_SIGNED | MEM_SWAP);
    if (b->r->big_endian && (arg & MEM_SIZE) != MEM_8)
        kind ^= MEM_SWAP;
    ir_value base = arg & FORM_UPDATE ? ir_get(b, SLOT_GPR + RA) : lower_ra_or_zero(b, RA);
    ir_value ea;
    if (arg & FORM_INDEXED)
        ea = ir_op2(b, IR_ADD, base, ir_get(b, SLOT_GPR + RB));
    else
        ea = ir_op2i(b, IR_ADD, base, (u64)(arg & FORM_DS ? DISP_DS : DISP_D));
    if (arg & FORM_STORE) {
        ir_emit(b, (struct ir_insn){.op = IR_STORE, .a = ea, .b = ir_get(b, SLOT_GPR + RS), .imm = kind});
    } else {
        ir_value v = ir_emit(b, (struct ir_insn){.op = IR_LOAD, .a = ea, .imm = kind});
        ir_put(b, SLOT_GPR + RT, v);
    }
    if (arg & FORM_UPDATE)
        ir_put(b, SLOT_GPR + RA, ea);
}

static u64 access_kind(const struct ir_builder *b, unsigned size)
{
    return size | (b->r->big_endian && size != MEM_8 ? MEM_SWAP : 0);
}

static ir_value indexed(struct ir_builder *b, u32 insn)
{
    return ir_op2(b, IR_ADD, lower_ra_or_zero(b, RA), ir_get(b, SLOT_GPR + RB));
}

// arg: the size.
static void lower_larx(struct ir_builder *b, u32 insn, unsigned arg)
{
    struct ir_insn in = {.op = IR_LARX, .a = indexed(b, insn), .imm = access_kind(b, arg)};
    ir_put(b, SLOT_GPR + RT, ir_emit(b, in));
}

static void lower_stcx(struct ir_builder *b, u32 insn, unsigned arg)
{
    struct ir_insn in = {.op = IR_STCX, .a = indexed(b, insn), .imm = access_kind(b, arg)};
    in.b = ir_get(b, SLOT_GPR + RS);
    ir_put(b, SLOT_CRF, ir_emit(b, in));
}

// Neither passes nor back end move accesses, and x86 hosts order everything but stores before later loads: lwsync and eieio, which
// only orders stores among themselves where there are no devices, cost nothing there.
static void lower_sync(struct ir_builder *b, u32 insn, unsigned arg)
{
#ifdef __x86_64__
    if (arg || INSN_FIELD(9, 10) == 1)
        return;
#endif
    ir_emit(b, (struct ir_insn){.op = IR_FENCE});
}

// Displacement, with update, indexed, indexed with update.
#define FORMS(id, kind, disp)                                   \
    [INSN_##id] = {lower_access, (kind) | (disp)},              \
    [INSN_##id##u] = {lower_access, (kind) | (disp) | FORM_UPDATE}, \
    [INSN_##id##x] = {lower_access, (kind) | FORM_INDEXED},     \
    [INSN_##id##ux] = {lower_access, (kind) | FORM_INDEXED | FORM_UPDATE}

const struct lower_row lower_storage[INSN_COUNT] = {
    FORMS(lbz, MEM_8, 0),
    FORMS(lhz, MEM_16, 0),
    FORMS(lha, MEM_16 | MEM_SIGNED, 0),
    FORMS(lwz, MEM_32, 0),
    FORMS(ld, MEM_64, FORM_DS),
    [INSN_lwa] = {lower_access, MEM_32 | MEM_SIGNED | FORM_DS},
    [INSN_lwax] = {lower_access, MEM_32 | MEM_SIGNED | FORM_INDEXED},
    [INSN_lwaux] = {lower_access, MEM_32 | MEM_SIGNED | FORM_INDEXED | FORM_UPDATE},
    [INSN_lhbrx] = {lower_access, MEM_16 | MEM_SWAP | FORM_INDEXED},
    [INSN_lwbrx] = {lower_access, MEM_32 | MEM_SWAP | FORM_INDEXED},
    [INSN_ldbrx] = {lower_access, MEM_64 | MEM_SWAP | FORM_INDEXED},
    FORMS(stb, MEM_8 | FORM_STORE, 0),
    FORMS(sth, MEM_16 | FORM_STORE, 0),
    FORMS(stw, MEM_32 | FORM_STORE, 0),
    FORMS(std, MEM_64 | FORM_STORE, FORM_DS),
    [INSN_lbarx] = {lower_larx, MEM_8},
    [INSN_lharx] = {lower_larx, MEM_16},
    [INSN_lwarx] = {lower_larx, MEM_32},
    [INSN_ldarx] = {lower_larx, MEM_64},
    [INSN_stbcx_r] = {lower_stcx, MEM_8},
    [INSN_sthcx_r] = {lower_stcx, MEM_16},
    [INSN_stwcx_r] = {lower_stcx, MEM_32},
    [INSN_stdcx_r] = {lower_stcx, MEM_64},
    [INSN_sync] = {lower_sync, false},
    [INSN_eieio] = {lower_sync, true},
    [INSN_sthbrx] = {lower_access, MEM_16 | MEM_SWAP | FORM_STORE | FORM_INDEXED},
    [INSN_stwbrx] = {lower_access, MEM_32 | MEM_SWAP | FORM_STORE | FORM_INDEXED},
    [INSN_stdbrx] = {lower_access, MEM_64 | MEM_SWAP | FORM_STORE | FORM_INDEXED},
};
