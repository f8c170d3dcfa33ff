// SPDX-License-Identifier: Apache-2.0
// Loads and stores of vectors, and of scalars that need no conversion. Semantics: cpu/exec/vmx_storage.c, vsx_storage.c, fp_storage.c.
#include "cpu/xlate/lower_vector.h"

// How an instruction addresses memory (else RA and RB), which register it has (else XT), and what it moves: the bytes of an element of a
// vector, or enum ir_memory of a scalar.
enum {
    FORM_DQ = 0x100,
    FORM_DS = 0x200,
    FORM_D = 0x400,
    FORM_ALIGNED = 0x800,
    FORM_STORE = 0x1000,
    FORM_VR = 0x2000,
    FORM_FPR = 0x4000,
    FORM_UPDATE = 0x8000,
    FORM_KIND = 0xff,
};

static ir_value address(struct ir_builder *b, u32 insn, unsigned arg)
{
    ir_value base = arg & FORM_UPDATE ? ir_get(b, SLOT_GPR + RA) : lower_ra_or_zero(b, RA), ea;
    if (arg & FORM_DQ)
        ea = ir_op2i(b, IR_ADD, base, (u64)DISP_DQ);
    else if (arg & FORM_DS)
        ea = ir_op2i(b, IR_ADD, base, (u64)DISP_DS);
    else if (arg & FORM_D)
        ea = ir_op2i(b, IR_ADD, base, (u64)DISP_D);
    else
        ea = ir_op2(b, IR_ADD, base, ir_get(b, SLOT_GPR + RB));
    return arg & FORM_ALIGNED ? ir_op2i(b, IR_AND, ea, ~15ull) : ea;
}

// Between register and memory: elements follow each other from element 0 on, each in the order of the mode; big-endian: all reversed.
static ir_value in_memory_order(struct ir_builder *b, ir_value v, unsigned element)
{
    if (b->r->big_endian)
        return ir_vec1(b, VEC_REVERSE, v, 16);
    switch (element) {
    case 8: return ir_vec2(b, VEC_DWORDS, v, v, 1);
    case 4: return ir_vec1(b, VEC_WORDS, v, 0x1b);
    case 2: return ir_vec1(b, VEC_REVERSE, ir_vec1(b, VEC_REVERSE, v, 16), 2);
    case 1: return ir_vec1(b, VEC_REVERSE, v, 16);
    default: return v;
    }
}

static void lower_vector_access(struct ir_builder *b, u32 insn, unsigned arg)
{
    unsigned slot = arg & FORM_VR ? VR(RT) : arg & FORM_DQ ? VSR(XTQ) : VSR(XT);
    ir_value ea = address(b, insn, arg);
    if (arg & FORM_STORE)
        ir_emit(b,
                (struct ir_insn){.op = IR_STOREX, .a = ea, .b = in_memory_order(b, ir_get(b, slot), arg & FORM_KIND)});
    else
        ir_put(b, slot, in_memory_order(b, ir_emit(b, (struct ir_insn){.op = IR_LOADX, .a = ea}), arg & FORM_KIND));
}

static u64 order_of(const struct ir_builder *b, unsigned kind)
{
    return b->r->big_endian && (kind & MEM_SIZE) != MEM_8 ? kind ^ MEM_SWAP : kind;
}

static void lower_scalar_access(struct ir_builder *b, u32 insn, unsigned arg)
{
    unsigned slot = FPR(arg & FORM_FPR ? RT : arg & FORM_VR ? RT + 32 : XT);
    ir_value ea = address(b, insn, arg);
    u64 kind = order_of(b, arg & FORM_KIND);
    if (arg & FORM_STORE) {
        ir_emit(b, (struct ir_insn){.op = IR_STORED, .a = ea, .b = ir_get(b, slot), .imm = kind});
    } else if ((kind & MEM_SIZE) == MEM_64) {
        ir_put(b, slot, ir_emit(b, (struct ir_insn){.op = IR_LOADD, .a = ea, .imm = kind}));
    } else {
        ir_put(b, slot, ir_op1(b, IR_VTOD, ir_emit(b, (struct ir_insn){.op = IR_LOAD, .a = ea, .imm = kind})));
    }
    if (arg & FORM_UPDATE)
        ir_put(b, SLOT_GPR + RA, ea);
}

// lxvdsx, lxvwsx
static void lower_load_splat(struct ir_builder *b, u32 insn, unsigned arg)
{
    ir_value ea = address(b, insn, arg);
    ir_value v = ir_emit(b, (struct ir_insn){.op = IR_LOAD, .a = ea, .imm = order_of(b, arg & FORM_KIND)});
    ir_value pair = ir_op2(b, IR_VTOX, v, v);
    ir_put(b, VSR(XT), (arg & MEM_SIZE) == MEM_64 ? pair : ir_vec1(b, VEC_WORDS, pair, 0));
}

// lvsl, lvsr: sixteen consecutive bytes from the address's low bits on, or from 16 less them.
static void lower_shift_control(struct ir_builder *b, u32 insn, unsigned right)
{
    ir_value n = ir_op2i(b, IR_AND, address(b, insn, 0), 15);
    if (right)
        n = ir_op2(b, IR_SUB, ir_const(b, 16), n);
    n = ir_op2i(b, IR_MUL, n, 0x0101010101010101ull);
    ir_value high = ir_op2i(b, IR_ADD, n, 0x0001020304050607ull), low = ir_op2i(b, IR_ADD, n, 0x08090a0b0c0d0e0full);
    ir_put(b, VR(RT), ir_op2(b, IR_VTOX, high, low));
}

static void lower_fmr(struct ir_builder *b, u32 insn, unsigned arg)
{
    if (insn & 1)
        lower_exec(b);
    else
        ir_put(b, FPR(RT), ir_get(b, FPR(RB)));
}

#define VECTOR(id, arg) [INSN_##id] = {lower_vector_access, arg}
#define SCALAR(id, arg) [INSN_##id] = {lower_scalar_access, arg}
#define FORMS_D(id, arg)                                                                                               \
    [INSN_##id] = {lower_scalar_access, (arg) | FORM_D},                                                               \
    [INSN_##id##u] = {lower_scalar_access, (arg) | FORM_D | FORM_UPDATE}, [INSN_##id##x] = {lower_scalar_access, arg}, \
    [INSN_##id##ux] = {lower_scalar_access, (arg) | FORM_UPDATE}

const struct lower_row lower_vector_storage[INSN_COUNT] = {
    VECTOR(lvx, FORM_VR | FORM_ALIGNED | 16),
    VECTOR(lvxl, FORM_VR | FORM_ALIGNED | 16),
    VECTOR(stvx, FORM_VR | FORM_ALIGNED | FORM_STORE | 16),
    VECTOR(stvxl, FORM_VR | FORM_ALIGNED | FORM_STORE | 16),
    VECTOR(lxv, FORM_DQ | 16),
    VECTOR(lxvx, 16),
    VECTOR(stxv, FORM_DQ | FORM_STORE | 16),
    VECTOR(stxvx, FORM_STORE | 16),
    VECTOR(lxvd2x, 8),
    VECTOR(lxvw4x, 4),
    VECTOR(lxvh8x, 2),
    VECTOR(lxvb16x, 1),
    VECTOR(stxvd2x, FORM_STORE | 8),
    VECTOR(stxvw4x, FORM_STORE | 4),
    VECTOR(stxvh8x, FORM_STORE | 2),
    VECTOR(stxvb16x, FORM_STORE | 1),
    [INSN_lxvdsx] = {lower_load_splat, MEM_64},
    [INSN_lxvwsx] = {lower_load_splat, MEM_32},
    [INSN_lvsl] = {lower_shift_control, 0},
    [INSN_lvsr] = {lower_shift_control, 1},
    SCALAR(lxsdx, MEM_64),
    SCALAR(lxsd, MEM_64 | FORM_DS | FORM_VR),
    SCALAR(lxsiwax, MEM_32 | MEM_SIGNED),
    SCALAR(lxsiwzx, MEM_32),
    SCALAR(lxsibzx, MEM_8),
    SCALAR(lxsihzx, MEM_16),
    SCALAR(stxsdx, MEM_64 | FORM_STORE),
    SCALAR(stxsd, MEM_64 | FORM_DS | FORM_VR | FORM_STORE),
    SCALAR(stxsiwx, MEM_32 | FORM_STORE),
    SCALAR(stxsibx, MEM_8 | FORM_STORE),
    SCALAR(stxsihx, MEM_16 | FORM_STORE),
    FORMS_D(lfd, MEM_64 | FORM_FPR),
    FORMS_D(stfd, MEM_64 | FORM_FPR | FORM_STORE),
    SCALAR(lfiwax, MEM_32 | MEM_SIGNED | FORM_FPR),
    SCALAR(lfiwzx, MEM_32 | FORM_FPR),
    SCALAR(stfiwx, MEM_32 | FORM_FPR | FORM_STORE),
    [INSN_fmr] = {lower_fmr, 0},
};
