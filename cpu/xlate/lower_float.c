// SPDX-License-Identifier: Apache-2.0
// Floating point. Semantics: cpu/exec/fp_*.c, vsx_fp_*.c; which operation stands for which instruction: cpu/exec/fp_kinds.def.
//
// The facility has been checked before (region.c). What is said of loads and stores in lower_storage.c holds here.
#include "cpu/exec/exec.h"
#include "cpu/xlate/lower_vector.h"

// Where the operands are; a * b + c has them in this order.
enum {
    FORM_AB = 0x100,  // FRA, FRB
    FORM_AC = 0x200,  // FRA, FRC
    FORM_B = 0x300,   // FRB
    FORM_ACB = 0x400, // FRA * FRC + FRB
    FORM_XAB = 0x500,
    FORM_XB = 0x600,
    FORM_XABT = 0x700, // XA * XB + XT
    FORM_XATB = 0x800, // XA * XT + XB
    FORM = 0xf00,
    FORM_XB_BIT = 0x2000, // of vectors: the first operand is XB
    WORDS = 0x1000,       // the low word of the result in both words
    KIND = 0xff
};
static_assert((int)FPK_COUNT <= (int)KIND, "one byte");

static ir_value both_words(struct ir_builder *b, ir_value d)
{
    ir_value v = ir_op1(b, IR_ZEXT32, ir_op1(b, IR_DTOV, d));
    return ir_op1(b, IR_VTOD, ir_op2(b, IR_OR, v, ir_op2i(b, IR_SHL, v, 32)));
}

static ir_value operation(struct ir_builder *b, enum fp_kind kind, ir_value a, ir_value v, ir_value c)
{
    static const u8 ops[] = {0, IR_FP1, IR_FP2, IR_FP3};
    return ir_emit(b, (struct ir_insn){.op = ops[fp_kind_operands(kind)], .a = a, .b = v, .c = c, .imm = kind});
}

// Record forms look at FPSCR: left to the reference semantics.
static void lower_fp(struct ir_builder *b, u32 insn, unsigned arg)
{
    unsigned to = FPR(RT);
    ir_value a = IR_NO_VALUE, v = IR_NO_VALUE, c = IR_NO_VALUE;
    if ((arg & FORM) < FORM_XAB && insn & 1) {
        lower_exec(b);
        return;
    }
    switch (arg & FORM) {
    case FORM_AB:
        a = ir_get(b, FPR(RA));
        v = ir_get(b, FPR(RB));
        break;
    case FORM_AC:
        a = ir_get(b, FPR(RA));
        v = ir_get(b, FPR(RC));
        break;
    case FORM_B: a = ir_get(b, FPR(RB)); break;
    case FORM_ACB:
        a = ir_get(b, FPR(RA));
        v = ir_get(b, FPR(RC));
        c = ir_get(b, FPR(RB));
        break;
    case FORM_XAB:
        a = ir_get(b, FPR(XA));
        v = ir_get(b, FPR(XB));
        break;
    case FORM_XB: a = ir_get(b, FPR(XB)); break;
    case FORM_XABT:
        a = ir_get(b, FPR(XA));
        v = ir_get(b, FPR(XB));
        c = ir_get(b, FPR(XT));
        break;
    default:
        a = ir_get(b, FPR(XA));
        v = ir_get(b, FPR(XT));
        c = ir_get(b, FPR(XB));
        break;
    }
    if ((arg & FORM) >= FORM_XAB)
        to = FPR(XT);
    ir_value r = operation(b, (enum fp_kind)(arg & KIND), a, v, c);
    ir_put(b, to, arg & WORDS ? both_words(b, r) : r);
}

// Comparisons; arg: the kind, and FORM_AB or FORM_XAB.
static void lower_compare(struct ir_builder *b, u32 insn, unsigned arg)
{
    bool vsx = (arg & FORM) == FORM_XAB;
    ir_value a = ir_get(b, FPR(vsx ? XA : RA)), v = ir_get(b, FPR(vsx ? XB : RB));
    ir_put(b, SLOT_CRF + BF, ir_emit(b, (struct ir_insn){.op = IR_FCMP, .a = a, .b = v, .imm = arg & KIND}));
}

// Changes of the sign; arg: enum ir_fbits, and the form.
static void lower_bits(struct ir_builder *b, u32 insn, unsigned arg)
{
    bool vsx = (arg & FORM) == FORM_XB;
    if (!vsx && insn & 1) {
        lower_exec(b);
        return;
    }
    ir_value v = ir_get(b, FPR(vsx ? XB : RB));
    ir_put(b, FPR(vsx ? XT : RT), ir_emit(b, (struct ir_insn){.op = IR_FBITS1, .a = v, .imm = arg & KIND}));
}

static void lower_cpsgn(struct ir_builder *b, u32 insn, unsigned arg)
{
    bool vsx = arg == FORM_XAB;
    if (!vsx && insn & 1) {
        lower_exec(b);
        return;
    }
    ir_value a = ir_get(b, FPR(vsx ? XA : RA)), v = ir_get(b, FPR(vsx ? XB : RB));
    ir_put(b, FPR(vsx ? XT : RT), ir_op2(b, IR_FBITS2, a, v));
}

static void lower_fsel(struct ir_builder *b, u32 insn, unsigned arg)
{
    if (insn & 1) {
        lower_exec(b);
        return;
    }
    ir_value a = ir_get(b, FPR(RA)), c = ir_get(b, FPR(RC)), v = ir_get(b, FPR(RB));
    ir_put(b, FPR(RT), ir_emit(b, (struct ir_insn){.op = IR_FSEL, .a = a, .b = c, .c = v}));
}

// Loads and stores: the register, the form of the address, and what the word in memory is.
enum {
    MEM_DISP_D = 0x10,
    MEM_DISP_DS = 0x20,
    MEM_UPDATE = 0x40,
    MEM_STORE = 0x80,
    MEM_XT = 0x100,
    MEM_VR = 0x200,
    MEM_SINGLE = 0x400, // in single format
    MEM_BYTES = 3
};

static ir_value widen(struct ir_builder *b, ir_value v)
{
    return ir_op1(b, IR_FWIDEN, v);
}

static void lower_memory(struct ir_builder *b, u32 insn, unsigned arg)
{
    unsigned slot = FPR(arg & MEM_VR ? 32 + RT : arg & MEM_XT ? XT : RT);
    ir_value base = arg & MEM_UPDATE ? ir_get(b, SLOT_GPR + RA) : lower_ra_or_zero(b, RA), ea;
    if (arg & (MEM_DISP_D | MEM_DISP_DS))
        ea = ir_op2i(b, IR_ADD, base, (u64)(arg & MEM_DISP_D ? DISP_D : DISP_DS));
    else
        ea = ir_op2(b, IR_ADD, base, ir_get(b, SLOT_GPR + RB));
    u64 kind = (arg & MEM_BYTES) | (b->r->big_endian && arg & MEM_BYTES ? MEM_SWAP : 0);
    if (arg & MEM_STORE) {
        ir_value v = ir_get(b, slot);
        if (arg & MEM_SINGLE)
            v = ir_op1(b, IR_FNARROW, v);
        ir_emit(b, (struct ir_insn){.op = IR_STORED, .a = ea, .b = v, .imm = kind});
    } else {
        ir_value v = ir_emit(b, (struct ir_insn){.op = IR_LOADD, .a = ea, .imm = kind});
        ir_put(b, slot, arg & MEM_SINGLE ? widen(b, v) : v);
    }
    if (arg & MEM_UPDATE)
        ir_put(b, SLOT_GPR + RA, ea);
}

// The single-precision word of a vector register's doubleword 0 as a double, and back; no exceptions.
static void lower_xscvspdpn(struct ir_builder *b, u32 insn, unsigned arg)
{
    ir_value word = ir_op2i(b, IR_SHR, ir_op1(b, IR_DTOV, ir_get(b, FPR(XB))), 32);
    ir_put(b, FPR(XT), widen(b, ir_op1(b, IR_VTOD, word)));
}

static void lower_xscvdpspn(struct ir_builder *b, u32 insn, unsigned arg)
{
    ir_put(b, FPR(XT), both_words(b, ir_op1(b, IR_FNARROW, ir_get(b, FPR(XB)))));
}

// Vectors; arg as for lower_fp().
static void lower_fv(struct ir_builder *b, u32 insn, unsigned arg)
{
    static const u8 ops[] = {0, IR_FV1, IR_FV2, IR_FV3};
    enum fp_kind kind = (enum fp_kind)(arg & KIND);
    ir_value a = ir_get(b, VSR(arg & FORM_XB_BIT ? XB : XA)), v = IR_NO_VALUE, c = IR_NO_VALUE;
    switch (arg & FORM) {
    case FORM_XAB: v = ir_get(b, VSR(XB)); break;
    case FORM_XABT:
        v = ir_get(b, VSR(XB));
        c = ir_get(b, VSR(XT));
        break;
    case FORM_XATB:
        v = ir_get(b, VSR(XT));
        c = ir_get(b, VSR(XB));
        break;
    default: break;
    }
    ir_put(b, VSR(XT),
           ir_emit(b, (struct ir_insn){.op = ops[fp_kind_operands(kind)], .a = a, .b = v, .c = c, .imm = kind}));
}

// Changes of the signs of all elements. arg: the operation, and whether they are singles.
static void lower_fv_bits(struct ir_builder *b, u32 insn, unsigned arg)
{
    u64 sign = arg & WORDS ? 0x8000000080000000 : 0x8000000000000000;
    enum ir_vector op = (enum ir_vector)(arg & ~WORDS);
    ir_put(b, VSR(XT), ir_vec2(b, op, ir_get(b, VSR(XB)), lower_constant(b, sign, sign), 0));
}

// Sign of XA, magnitude of XB.
static void lower_fv_cpsgn(struct ir_builder *b, u32 insn, unsigned arg)
{
    u64 sign = arg & WORDS ? 0x8000000080000000 : 0x8000000000000000;
    ir_value mask = lower_constant(b, sign, sign);
    ir_value signs = ir_vec2(b, VEC_AND, ir_get(b, VSR(XA)), mask, 0);
    ir_put(b, VSR(XT), ir_vec2(b, VEC_OR, signs, ir_vec2(b, VEC_ANDN, ir_get(b, VSR(XB)), mask, 0), 0));
}

// The record forms say in CR6 whether all or none were true.
static void lower_fv_compare(struct ir_builder *b, u32 insn, unsigned arg)
{
    lower_fv(b, insn, arg);
    if (insn & PPC_BIT32(21))
        lower_cr6(b, ir_get(b, VSR(XT)));
}

#define FP(id, kind, form) [INSN_##id] = {lower_fp, FPK_##kind | (form)}
#define FP_BOTH(id, xs, kind, form, xform) \
    FP(id, kind, form), FP(id##s, kind##S, form), FP(xs##dp, kind, xform), FP(xs##sp, kind##S, xform)
#define FP_MADD(id, xs, kind)                                                           \
    FP(id, kind, FORM_ACB), FP(id##s, kind##S, FORM_ACB), FP(xs##adp, kind, FORM_XABT), \
        FP(xs##asp, kind##S, FORM_XABT), FP(xs##mdp, kind, FORM_XATB), FP(xs##msp, kind##S, FORM_XATB)
#define FV(id, kind, form)   [INSN_##id] = {lower_fv, FPK_##kind | (form)}
#define FV_XB(id, kind)      [INSN_##id] = {lower_fv, FPK_##kind | FORM_XB | FORM_XB_BIT}
#define FV_AB(name, kind)    FV(name##dp, kind##64, FORM_XAB), FV(name##sp, kind##32, FORM_XAB)
#define FV_COMPARE(id, kind) [INSN_##id] = {lower_fv_compare, FPK_##kind | FORM_XAB}
#define FV_MADD(name, kind)                                                                                     \
    FV(name##adp, kind##64, FORM_XABT), FV(name##asp, kind##32, FORM_XABT), FV(name##mdp, kind##64, FORM_XATB), \
        FV(name##msp, kind##32, FORM_XATB)
#define MEMORY(id, arg) [INSN_##id] = {lower_memory, arg}
#define MEMORY_D(id, arg)                                                                               \
    MEMORY(id, (arg) | MEM_DISP_D), MEMORY(id##u, (arg) | MEM_DISP_D | MEM_UPDATE), MEMORY(id##x, arg), \
        MEMORY(id##ux, (arg) | MEM_UPDATE)

const struct lower_row lower_float[INSN_COUNT] = {
    FP_BOTH(fadd, xsadd, ADD, FORM_AB, FORM_XAB),
    FP_BOTH(fsub, xssub, SUB, FORM_AB, FORM_XAB),
    FP_BOTH(fmul, xsmul, MUL, FORM_AC, FORM_XAB),
    FP_BOTH(fdiv, xsdiv, DIV, FORM_AB, FORM_XAB),
    FP_BOTH(fsqrt, xssqrt, SQRT, FORM_B, FORM_XB),
    FP(fre, RE, FORM_B),
    FP(fres, RES, FORM_B),
    FP(xsredp, RE, FORM_XB),
    FP(xsresp, RES, FORM_XB),
    FP(frsqrte, RSQRTE, FORM_B),
    FP(frsqrtes, RSQRTES, FORM_B),
    FP(xsrsqrtedp, RSQRTE, FORM_XB),
    FP(xsrsqrtesp, RSQRTES, FORM_XB),
    FP_MADD(fmadd, xsmadd, MADD),
    FP_MADD(fmsub, xsmsub, MSUB),
    FP_MADD(fnmadd, xsnmadd, NMADD),
    FP_MADD(fnmsub, xsnmsub, NMSUB),
    FP(frsp, RSP, FORM_B),
    FP(xsrsp, RSP, FORM_XB),
    FP(fcfid, FROM_S64, FORM_B),
    FP(fcfidu, FROM_U64, FORM_B),
    FP(fcfids, FROM_S64S, FORM_B),
    FP(fcfidus, FROM_U64S, FORM_B),
    FP(xscvsxddp, FROM_S64, FORM_XB),
    FP(xscvuxddp, FROM_U64, FORM_XB),
    FP(xscvsxdsp, FROM_S64S, FORM_XB),
    FP(xscvuxdsp, FROM_U64S, FORM_XB),
    FP(fctiw, TO_S32, FORM_B),
    FP(fctiwz, TO_S32Z, FORM_B),
    FP(fctiwu, TO_U32, FORM_B),
    FP(fctiwuz, TO_U32Z, FORM_B),
    FP(fctid, TO_S64, FORM_B),
    FP(fctidz, TO_S64Z, FORM_B),
    FP(fctidu, TO_U64, FORM_B),
    FP(fctiduz, TO_U64Z, FORM_B),
    FP(xscvdpsxds, TO_S64Z, FORM_XB),
    FP(xscvdpuxds, TO_U64Z, FORM_XB),
    FP(xscvdpsxws, TO_S32Z, FORM_XB | WORDS),
    FP(xscvdpuxws, TO_U32Z, FORM_XB | WORDS),
    FP(frin, ROUND_AWAY, FORM_B),
    FP(friz, ROUND_TRUNCATE, FORM_B),
    FP(frip, ROUND_UP, FORM_B),
    FP(frim, ROUND_DOWN, FORM_B),
    FP(xsrdpi, ROUND_AWAY, FORM_XB),
    FP(xsrdpiz, ROUND_TRUNCATE, FORM_XB),
    FP(xsrdpip, ROUND_UP, FORM_XB),
    FP(xsrdpim, ROUND_DOWN, FORM_XB),
    FP(xsrdpic, ROUND_CURRENT, FORM_XB),
    FP(xsmaxdp, MAX, FORM_XAB),
    FP(xsmindp, MIN, FORM_XAB),
    FP(xsmaxcdp, MAXC, FORM_XAB),
    FP(xsmincdp, MINC, FORM_XAB),
    FP(xscmpeqdp, MASK_EQ, FORM_XAB),
    FP(xscmpgtdp, MASK_GT, FORM_XAB),
    FP(xscmpgedp, MASK_GE, FORM_XAB),
    FV_AB(xvadd, VADD),
    FV_AB(xvsub, VSUB),
    FV_AB(xvmul, VMUL),
    FV_AB(xvdiv, VDIV),
    FV_XB(xvsqrtdp, VSQRT64),
    FV_XB(xvsqrtsp, VSQRT32),
    FV_MADD(xvmadd, VMADD),
    FV_MADD(xvmsub, VMSUB),
    FV_MADD(xvnmadd, VNMADD),
    FV_MADD(xvnmsub, VNMSUB),
    FV_AB(xvmax, VMAX),
    FV_AB(xvmin, VMIN),
    FV_COMPARE(xvcmpeqdp, VMASK_EQ64),
    FV_COMPARE(xvcmpgtdp, VMASK_GT64),
    FV_COMPARE(xvcmpgedp, VMASK_GE64),
    FV_COMPARE(xvcmpeqsp, VMASK_EQ32),
    FV_COMPARE(xvcmpgtsp, VMASK_GT32),
    FV_COMPARE(xvcmpgesp, VMASK_GE32),
    FV_XB(xvrdpiz, VROUND_TRUNCATE64),
    FV_XB(xvrdpip, VROUND_UP64),
    FV_XB(xvrdpim, VROUND_DOWN64),
    FV_XB(xvrdpic, VROUND_CURRENT64),
    FV_XB(xvrspiz, VROUND_TRUNCATE32),
    FV_XB(xvrspip, VROUND_UP32),
    FV_XB(xvrspim, VROUND_DOWN32),
    FV_XB(xvrspic, VROUND_CURRENT32),
    FV_XB(xvcvsxddp, VFROM_S64),
    FV_XB(xvcvsxwdp, VFROM_S32),
    FV_XB(xvcvsxwsp, VFROM_S32S),
    FV_XB(xvcvuxddp, VFROM_U64),
    FV_XB(xvcvuxwdp, VFROM_U32),
    FV_XB(xvcvuxwsp, VFROM_U32S),
    FV_XB(xvcvdpsxds, VTO_S64),
    FV_XB(xvcvdpuxds, VTO_U64),
    FV_XB(xvcvdpuxws, VTO_U32),
    FV_XB(xvcvspuxws, VTO_U32S),
    FV_XB(xvcvdpsxws, VTO_S32),
    FV_XB(xvcvspsxws, VTO_S32S),
    FV_XB(xvcvdpsp, VNARROW),
    FV_XB(xvcvspdp, VWIDEN),
    [INSN_xvnegdp] = {lower_fv_bits, VEC_XOR},
    [INSN_xvnegsp] = {lower_fv_bits, VEC_XOR | WORDS},
    [INSN_xvabsdp] = {lower_fv_bits, VEC_ANDN},
    [INSN_xvabssp] = {lower_fv_bits, VEC_ANDN | WORDS},
    [INSN_xvnabsdp] = {lower_fv_bits, VEC_OR},
    [INSN_xvnabssp] = {lower_fv_bits, VEC_OR | WORDS},
    [INSN_xvcpsgndp] = {lower_fv_cpsgn, 0},
    [INSN_xvcpsgnsp] = {lower_fv_cpsgn, WORDS},
    [INSN_fcmpu] = {lower_compare, FPK_COMPARE | FORM_AB},
    [INSN_fcmpo] = {lower_compare, FPK_COMPARE_ORDERED | FORM_AB},
    [INSN_xscmpudp] = {lower_compare, FPK_COMPARE | FORM_XAB},
    [INSN_xscmpodp] = {lower_compare, FPK_COMPARE_ORDERED | FORM_XAB},
    [INSN_fneg] = {lower_bits, FBITS_NEG | FORM_B},
    [INSN_fabs] = {lower_bits, FBITS_ABS | FORM_B},
    [INSN_fnabs] = {lower_bits, FBITS_NABS | FORM_B},
    [INSN_xsnegdp] = {lower_bits, FBITS_NEG | FORM_XB},
    [INSN_xsabsdp] = {lower_bits, FBITS_ABS | FORM_XB},
    [INSN_xsnabsdp] = {lower_bits, FBITS_NABS | FORM_XB},
    [INSN_fcpsgn] = {lower_cpsgn, FORM_AB},
    [INSN_xscpsgndp] = {lower_cpsgn, FORM_XAB},
    [INSN_fsel] = {lower_fsel, 0},
    [INSN_xscvspdpn] = {lower_xscvspdpn, 0},
    [INSN_xscvdpspn] = {lower_xscvdpspn, 0},
    MEMORY_D(lfs, MEM_32 | MEM_SINGLE),
    MEMORY_D(stfs, MEM_32 | MEM_SINGLE | MEM_STORE),
    MEMORY(lxsspx, MEM_32 | MEM_SINGLE | MEM_XT),
    MEMORY(stxsspx, MEM_32 | MEM_SINGLE | MEM_STORE | MEM_XT),
    MEMORY(lxssp, MEM_32 | MEM_SINGLE | MEM_VR | MEM_DISP_DS),
    MEMORY(stxssp, MEM_32 | MEM_SINGLE | MEM_STORE | MEM_VR | MEM_DISP_DS),
};
