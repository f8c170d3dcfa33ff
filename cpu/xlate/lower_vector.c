// SPDX-License-Identifier: Apache-2.0
// Vectors: loads and stores, logical operations, integer arithmetic, permutations. Semantics: cpu/exec/vmx_*.c, vsx_move.c, vsx_storage.c.
//
// MSR[VEC], MSR[VSX] or MSR[FP] has been checked before (region.c). What is said of loads and stores in lower_storage.c holds here.
#include "cpu/exec/exec.h"
#include "cpu/xlate/lower.h"
#include "cpu/xlate/vector.h"

#undef VR
#undef VSR
#undef FPR
#define VR(n)  (SLOT_VSR + 32 + (n))
#define VSR(n) (SLOT_VSR + (n))
#define FPR(n) (SLOT_FPR + (n))

// Which registers the operands are in: VRT, VRA, VRB, or XT, XA, XB. The operation is below.
enum { FORM_VSX = 0x10000 };

static void lower_two(struct ir_builder *b, u32 insn, unsigned arg)
{
    bool vsx = arg & FORM_VSX;
    ir_value a = ir_get(b, vsx ? VSR(XA) : VR(RA)), v = ir_get(b, vsx ? VSR(XB) : VR(RB));
    ir_value result;
    enum ir_vector op = (enum ir_vector)(arg & 0xffff);
    if (a != v && (vsx ? XA == XB : RA == RB))
        v = a;
    if (a == v && op == VEC_XOR)
        result = ir_vec0(b, VEC_CONST, 0);
    else if (a == v && op == VEC_EQV)
        result = ir_vec0(b, VEC_CONST, ~0ull);
    else if (a == v && (op == VEC_OR || op == VEC_AND))
        result = a;
    else
        result = ir_vec2(b, op, a, v, 0);
    ir_put(b, vsx ? VSR(XT) : VR(RT), result);
}

static void lower_xxpermdi(struct ir_builder *b, u32 insn, unsigned arg)
{
    unsigned dm = INSN_FIELD(22, 23); // the ISA's doubleword 0 is the more significant one
    ir_value a = ir_get(b, VSR(XA)), v = XA == XB ? a : ir_get(b, VSR(XB));
    ir_put(b, VSR(XT), ir_vec2(b, VEC_DWORDS, a, v, dm ^ 3));
}

// How an instruction addresses memory, and in which groups of bytes its elements are.
enum {
    FORM_DQ = 0x100,
    FORM_DS = 0x200,
    FORM_D = 0x400,
    FORM_ALIGNED = 0x800,
    FORM_STORE = 0x1000,
    FORM_VR = 0x2000,
    FORM_UPDATE = 0x4000,
    GROUP = 0xff
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

// Between the register and memory: elements follow each other from element 0 on, each in the order of the mode; big-endian: all reversed.
static ir_value in_memory_order(struct ir_builder *b, ir_value v, unsigned group)
{
    if (b->r->big_endian)
        return ir_vec1(b, VEC_REVERSE, v, 16);
    switch (group) {
    case 8: return ir_vec2(b, VEC_DWORDS, v, v, 1);
    case 4: return ir_vec1(b, VEC_WORDS, v, 0x1b);
    case 2: return ir_vec1(b, VEC_REVERSE, ir_vec1(b, VEC_REVERSE, v, 16), 2);
    case 1: return ir_vec1(b, VEC_REVERSE, v, 16);
    default: return v;
    }
}

static void lower_access_x(struct ir_builder *b, u32 insn, unsigned arg)
{
    unsigned slot = arg & FORM_VR ? VR(RT) : arg & FORM_DQ ? VSR(XTQ) : VSR(XT);
    ir_value ea = address(b, insn, arg);
    if (arg & FORM_STORE)
        ir_emit(b, (struct ir_insn){.op = IR_STOREX, .a = ea, .b = in_memory_order(b, ir_get(b, slot), arg & GROUP)});
    else
        ir_put(b, slot, in_memory_order(b, ir_emit(b, (struct ir_insn){.op = IR_LOADX, .a = ea}), arg & GROUP));
}

static void lower_access_d(struct ir_builder *b, u32 insn, unsigned arg)
{
    ir_value ea = address(b, insn, arg);
    u64 kind = MEM_64 | (b->r->big_endian ? MEM_SWAP : 0);
    if (arg & FORM_STORE)
        ir_emit(b, (struct ir_insn){.op = IR_STORED, .a = ea, .b = ir_get(b, FPR(RT)), .imm = kind});
    else
        ir_put(b, FPR(RT), ir_emit(b, (struct ir_insn){.op = IR_LOADD, .a = ea, .imm = kind}));
    if (arg & FORM_UPDATE)
        ir_put(b, SLOT_GPR + RA, ea);
}

static void lower_fmr(struct ir_builder *b, u32 insn, unsigned arg)
{
    if (insn & 1)
        ir_emit(b, (struct ir_insn){.op = IR_EXEC});
    else
        ir_put(b, FPR(RT), ir_get(b, FPR(RB)));
}

#define TWO(id, op)     [INSN_##id] = {lower_two, VEC_##op}
#define TWO_VSX(id, op) [INSN_##id] = {lower_two, VEC_##op | FORM_VSX}
#define ACCESS(id, arg) [INSN_##id] = {lower_access_x, arg}
#define FORMS_D(id, arg)                                                                                             \
    [INSN_##id] = {lower_access_d, (arg) | FORM_D}, [INSN_##id##u] = {lower_access_d, (arg) | FORM_D | FORM_UPDATE}, \
    [INSN_##id##x] = {lower_access_d, arg}, [INSN_##id##ux] = {lower_access_d, (arg) | FORM_UPDATE}

const struct lower_row lower_vector[INSN_COUNT] = {
    TWO(vand, AND),
    TWO(vandc, ANDN),
    TWO(vor, OR),
    TWO(vorc, ORN),
    TWO(vxor, XOR),
    TWO(vnor, NOR),
    TWO(veqv, EQV),
    TWO(vnand, NAND),
    TWO_VSX(xxland, AND),
    TWO_VSX(xxlandc, ANDN),
    TWO_VSX(xxlor, OR),
    TWO_VSX(xxlorc, ORN),
    TWO_VSX(xxlxor, XOR),
    TWO_VSX(xxlnor, NOR),
    TWO_VSX(xxleqv, EQV),
    TWO_VSX(xxlnand, NAND),
    TWO(vaddubm, ADD8),
    TWO(vadduhm, ADD16),
    TWO(vadduwm, ADD32),
    TWO(vaddudm, ADD64),
    TWO(vsububm, SUB8),
    TWO(vsubuhm, SUB16),
    TWO(vsubuwm, SUB32),
    TWO(vsubudm, SUB64),
    [INSN_xxpermdi] = {lower_xxpermdi, 0},
    ACCESS(lvx, FORM_VR | FORM_ALIGNED),
    ACCESS(lvxl, FORM_VR | FORM_ALIGNED),
    ACCESS(stvx, FORM_VR | FORM_ALIGNED | FORM_STORE),
    ACCESS(stvxl, FORM_VR | FORM_ALIGNED | FORM_STORE),
    ACCESS(lxv, FORM_DQ | 16),
    ACCESS(lxvx, 16),
    ACCESS(stxv, FORM_DQ | FORM_STORE | 16),
    ACCESS(stxvx, FORM_STORE | 16),
    ACCESS(lxvd2x, 8),
    ACCESS(lxvw4x, 4),
    ACCESS(lxvh8x, 2),
    ACCESS(lxvb16x, 1),
    ACCESS(stxvd2x, FORM_STORE | 8),
    ACCESS(stxvw4x, FORM_STORE | 4),
    ACCESS(stxvh8x, FORM_STORE | 2),
    ACCESS(stxvb16x, FORM_STORE | 1),
    FORMS_D(lfd, 0),
    FORMS_D(stfd, FORM_STORE),
    [INSN_fmr] = {lower_fmr, 0},
};
