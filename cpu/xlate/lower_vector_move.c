// SPDX-License-Identifier: Apache-2.0
// What moves elements of vectors about. Semantics: cpu/exec/vmx_permute.c, vsx_move.c.
#include "cpu/xlate/lower_vector.h"

static void lower_two(struct ir_builder *b, u32 insn, unsigned arg)
{
    enum ir_vector op = (enum ir_vector)(arg & FORM_OP);
    if (!target_vector(op)) {
        lower_exec(b);
        return;
    }
    lower_vt(b, insn, arg, ir_vec2(b, op, lower_va(b, insn, arg), lower_vb(b, insn, arg), 0));
}

// Packs that saturate: the elements' bits outside of the result's range say so. arg: the operation; above it what is added first to
// see that, the bits, and what is clamped to before.
enum { PACK_SHSS, PACK_SHUS, PACK_SWSS, PACK_SWUS, PACK_UHUS, PACK_UWUS };

static void lower_pack(struct ir_builder *b, u32 insn, unsigned arg)
{
    static const struct {
        u8 op, add, min; // min: of unsigned elements, which the operation takes for signed ones
        u64 offset, outside;
    } packs[] = {
        [PACK_SHSS] = {VEC_PACKS16, VEC_ADD16, 0, 0x0080008000800080ull, 0xff00ff00ff00ff00ull},
        [PACK_SHUS] = {VEC_PACKU16, 0, 0, 0, 0xff00ff00ff00ff00ull},
        [PACK_SWSS] = {VEC_PACKS32, VEC_ADD32, 0, 0x0000800000008000ull, 0xffff0000ffff0000ull},
        [PACK_SWUS] = {VEC_PACKU32, 0, 0, 0, 0xffff0000ffff0000ull},
        [PACK_UHUS] = {VEC_PACKU16, 0, VEC_MINU16, 0x00ff00ff00ff00ffull, 0xff00ff00ff00ff00ull},
        [PACK_UWUS] = {VEC_PACKU32, 0, VEC_MINU32, 0x0000ffff0000ffffull, 0xffff0000ffff0000ull},
    };
    enum ir_vector op = (enum ir_vector)packs[arg].op, add = (enum ir_vector)packs[arg].add,
                   min = (enum ir_vector)packs[arg].min;
    if (!target_vector(op) || (min && !target_vector(min))) {
        lower_exec(b);
        return;
    }
    ir_value a = lower_va(b, insn, 0), v = lower_vb(b, insn, 0), all;
    ir_value outside = lower_splat64(b, packs[arg].outside), offset = IR_NO_VALUE;
    if (packs[arg].offset)
        offset = lower_splat64(b, packs[arg].offset);
    if (add)
        all = ir_vec2(b, VEC_OR, ir_vec2(b, add, a, offset, 0), ir_vec2(b, add, v, offset, 0), 0);
    else
        all = ir_vec2(b, VEC_OR, a, v, 0);
    ir_op1(b, IR_SATURATED, ir_vec2(b, VEC_AND, all, outside, 0));
    if (min) {
        a = ir_vec2(b, min, a, offset, 0);
        v = ir_vec2(b, min, v, offset, 0);
    }
    lower_vt(b, insn, 0, ir_vec2(b, op, a, v, 0));
}

// arg: the operation; above it: of the more significant half.
enum { UNPACK_HIGH = 0x10000 };
static void lower_unpack(struct ir_builder *b, u32 insn, unsigned arg)
{
    enum ir_vector op = (enum ir_vector)(arg & FORM_OP);
    if (!target_vector(op)) {
        lower_exec(b);
        return;
    }
    ir_value v = lower_vb(b, insn, 0);
    if (arg & UNPACK_HIGH)
        v = ir_vec1(b, VEC_WORDS, v, 0xee);
    lower_vt(b, insn, 0, ir_vec1(b, op, v, 0));
}

// Element of the ISA's number, which counts from the other end. arg: bits.
static void lower_splat(struct ir_builder *b, u32 insn, unsigned bits)
{
    ir_value v = lower_vb(b, insn, 0);
    if (bits == 8 && !target_vector(VEC_SPLAT8))
        lower_exec(b);
    else if (bits == 8)
        lower_vt(b, insn, 0, ir_vec1(b, VEC_SPLAT8, v, 15 - INSN_FIELD(12, 15)));
    else if (bits == 16)
        lower_vt(b, insn, 0, ir_vec1(b, VEC_SPLAT16, v, 7 - INSN_FIELD(13, 15)));
    else
        lower_vt(b, insn, 0, ir_vec1(b, VEC_WORDS, v, (3 - INSN_FIELD(14, 15)) * 0x55));
}

static void lower_xxspltw(struct ir_builder *b, u32 insn, unsigned arg)
{
    lower_vt(b, insn, FORM_VSX, ir_vec1(b, VEC_WORDS, lower_vb(b, insn, FORM_VSX), (3 - INSN_FIELD(14, 15)) * 0x55));
}

static void lower_splat_immediate(struct ir_builder *b, u32 insn, unsigned bits)
{
    s64 v = sext64(INSN_FIELD(11, 15), 5);
    u64 n = bits == 8    ? (u8)v * 0x0101010101010101ull
            : bits == 16 ? (u16)v * 0x0001000100010001ull
                         : (u32)v * 0x0000000100000001ull;
    lower_vt(b, insn, 0, lower_constant(b, n, n));
}

static void lower_xxspltib(struct ir_builder *b, u32 insn, unsigned arg)
{
    u64 n = INSN_FIELD(13, 20) * 0x0101010101010101ull;
    lower_vt(b, insn, FORM_VSX, lower_constant(b, n, n));
}

static void lower_permute(struct ir_builder *b, u32 insn, unsigned complement)
{
    if (!target_vector(VEC_PERMUTE)) {
        lower_exec(b);
        return;
    }
    lower_vt(b, insn, 0,
             ir_vec3(b, VEC_PERMUTE, lower_va(b, insn, 0), lower_vb(b, insn, 0), ir_get(b, VR(RC)), complement));
}

static void lower_xxperm(struct ir_builder *b, u32 insn, unsigned complement)
{
    if (!target_vector(VEC_PERMUTE)) {
        lower_exec(b);
        return;
    }
    ir_value a = ir_get(b, VSR(XA)), t = ir_get(b, VSR(XT)), c = ir_get(b, VSR(XB));
    ir_put(b, VSR(XT), ir_vec3(b, VEC_PERMUTE, a, t, c, complement));
}

static void lower_xxpermdi(struct ir_builder *b, u32 insn, unsigned arg)
{
    unsigned dm = INSN_FIELD(22, 23); // the ISA's doubleword 0 is the more significant one
    ir_put(b, VSR(XT), ir_vec2(b, VEC_DWORDS, ir_get(b, VSR(XA)), ir_get(b, VSR(XB)), dm ^ 3));
}

// `bytes` to the left of both operands.
static void align(struct ir_builder *b, u32 insn, unsigned form, unsigned bytes)
{
    if (bytes && !target_vector(VEC_ALIGN)) {
        lower_exec(b);
        return;
    }
    ir_value a = lower_va(b, insn, form);
    lower_vt(b, insn, form, bytes ? ir_vec2(b, VEC_ALIGN, a, lower_vb(b, insn, form), bytes) : a);
}

static void lower_vsldoi(struct ir_builder *b, u32 insn, unsigned arg)
{
    align(b, insn, 0, INSN_FIELD(22, 25));
}

static void lower_xxsldwi(struct ir_builder *b, u32 insn, unsigned arg)
{
    align(b, insn, FORM_VSX, 4 * INSN_FIELD(22, 23));
}

static void lower_reverse(struct ir_builder *b, u32 insn, unsigned bytes)
{
    lower_vt(b, insn, FORM_VSX, ir_vec1(b, VEC_REVERSE, lower_vb(b, insn, FORM_VSX), bytes));
}

// `size` bytes from byte element UIM on, to the right end of doubleword 0.
static void lower_extract(struct ir_builder *b, u32 insn, unsigned arg)
{
    unsigned size = arg & 0xff, form = arg & FORM_VSX;
    ir_value v = ir_vec1(b, VEC_BYTES_LEFT, lower_vb(b, insn, form), INSN_FIELD(12, 15));
    lower_vt(b, insn, form, ir_vec1(b, VEC_BYTES_LEFT, ir_vec1(b, VEC_BYTES_RIGHT, v, 16 - size), 8));
}

// The rightmost bytes of doubleword 0 to byte element UIM on.
static void lower_insert(struct ir_builder *b, u32 insn, unsigned arg)
{
    unsigned size = arg & 0xff, form = arg & FORM_VSX, at = INSN_FIELD(12, 15);
    u128 mask = (u128)(~0ull >> (64 - 8 * size)) << (128 - 8 * size) >> 8 * at;
    ir_value v = ir_vec1(b, VEC_BYTES_LEFT, ir_vec1(b, VEC_BYTES_RIGHT, lower_vb(b, insn, form), 8), 16 - size);
    ir_value old = ir_get(b, form ? VSR(XT) : VR(RT));
    v = ir_vec1(b, VEC_BYTES_RIGHT, v, at);
    lower_vt(b, insn, form, ir_vec3(b, VEC_SELECT, old, v, lower_constant(b, (u64)(mask >> 64), (u64)mask), 0));
}

// Moves from and to general registers. arg: bits that are moved, MEM_SIGNED.
static void lower_mfvsr(struct ir_builder *b, u32 insn, unsigned bits)
{
    ir_value v = ir_op1(b, IR_DTOV, ir_get(b, FPR(XS)));
    ir_put(b, SLOT_GPR + RA, bits == 32 ? ir_op1(b, IR_ZEXT32, v) : v);
}

static void lower_mfvsrld(struct ir_builder *b, u32 insn, unsigned arg)
{
    ir_put(b, SLOT_GPR + RA, ir_emit(b, (struct ir_insn){.op = IR_XTOV, .a = ir_get(b, VSR(XS)), .imm = 0}));
}

enum { SIGNED_WORD = 0x100 };
static void lower_mtvsr(struct ir_builder *b, u32 insn, unsigned arg)
{
    ir_value v = ir_get(b, SLOT_GPR + RA);
    if ((arg & 0xff) == 32)
        v = ir_op1(b, arg & SIGNED_WORD ? IR_SEXT32 : IR_ZEXT32, v);
    ir_put(b, FPR(XT), ir_op1(b, IR_VTOD, v));
}

static void lower_mtvsrdd(struct ir_builder *b, u32 insn, unsigned arg)
{
    ir_put(b, VSR(XT), ir_op2(b, IR_VTOX, lower_ra_or_zero(b, RA), ir_get(b, SLOT_GPR + RB)));
}

static void lower_mtvsrws(struct ir_builder *b, u32 insn, unsigned arg)
{
    ir_value v = ir_get(b, SLOT_GPR + RA);
    ir_put(b, VSR(XT), ir_vec1(b, VEC_WORDS, ir_op2(b, IR_VTOX, v, v), 0));
}

// Bytes before the first, or behind the last, whose least significant bit is set.
static void lower_count_bytes(struct ir_builder *b, u32 insn, unsigned trailing)
{
    ir_value mask = ir_op1(b, IR_XMASK, ir_vec1(b, VEC_SHLI16, lower_vb(b, insn, 0), 7));
    if (trailing)
        ir_put(b, SLOT_GPR + RT, ir_op1(b, IR_CTZ, ir_op2i(b, IR_OR, mask, 0x10000)));
    else
        ir_put(b, SLOT_GPR + RT, ir_op2i(b, IR_SUB, ir_op1(b, IR_CLZ, mask), 48));
}

// Bytes of VRB from the place that RA tells, counted from the right end or, single ones, from the left.
enum { EXTRACT_LEFT = 0x100 };
static void lower_extract_indexed(struct ir_builder *b, u32 insn, unsigned arg)
{
    ir_value v = lower_vb(b, insn, 0), at = ir_get(b, SLOT_GPR + RA);
    if (arg & EXTRACT_LEFT)
        at = ir_op1(b, IR_NOT, at);
    ir_value low = ir_emit(b, (struct ir_insn){.op = IR_XTOV, .a = v, .imm = 0});
    ir_value high = ir_emit(b, (struct ir_insn){.op = IR_XTOV, .a = v, .imm = 1});
    ir_value shift = ir_op2i(b, IR_SHL, ir_op2i(b, IR_AND, at, 7), 3);
    ir_value from_low = ir_op2(b, IR_OR, ir_op2(b, IR_SHR, low, shift),
                               ir_op2(b, IR_SHL, high, ir_op2(b, IR_SUB, ir_const(b, 64), shift)));
    ir_value result = ir_select(b, ir_op2i(b, IR_AND, at, 8), ir_op2(b, IR_SHR, high, shift), from_low);
    ir_put(b, SLOT_GPR + RT, ir_and_mask(b, result, ~0ull >> (64 - 8 * (arg & 0xff))));
}

// Bits of VRA whose numbers are in the bytes of VRB, gathered; those from 128 on are zero.
static void lower_vbpermq(struct ir_builder *b, u32 insn, unsigned arg)
{
    if (!target_vector(VEC_PERMUTE)) {
        lower_exec(b);
        return;
    }
    ir_value a = lower_va(b, insn, 0), n = lower_vb(b, insn, 0);
    ir_value byte = ir_vec2(b, VEC_AND, ir_vec1(b, VEC_SHRI16, n, 3), lower_splat64(b, 0x0f0f0f0f0f0f0f0full), 0);
    ir_value bytes = ir_vec3(b, VEC_PERMUTE, a, a, byte, 31);
    ir_value table = lower_splat64(b, 0x0102040810204080ull);
    ir_value bits =
        ir_vec3(b, VEC_PERMUTE, table, table, ir_vec2(b, VEC_AND, n, lower_splat64(b, 0x0707070707070707ull), 0), 0);
    ir_value set = ir_vec2(b, VEC_EQ8, ir_vec2(b, VEC_AND, bytes, bits, 0), bits, 0);
    set = ir_vec2(b, VEC_AND, set, ir_vec2(b, VEC_GTS8, n, lower_splat64(b, ~0ull), 0), 0);
    ir_put(b, VR(RT), ir_op2(b, IR_VTOX, ir_op1(b, IR_XMASK, set), ir_const(b, 0)));
}

#define TWO(id, op)     [INSN_##id] = {lower_two, VEC_##op}
#define TWO_VSX(id, op) [INSN_##id] = {lower_two, VEC_##op | FORM_VSX}

const struct lower_row lower_vector_move[INSN_COUNT] = {
    TWO(vpkuhum, PACK16),
    TWO(vpkuwum, PACK32),
    TWO(vpkudum, PACK64),
    [INSN_vpkshss] = {lower_pack, PACK_SHSS},
    [INSN_vpkshus] = {lower_pack, PACK_SHUS},
    [INSN_vpkswss] = {lower_pack, PACK_SWSS},
    [INSN_vpkswus] = {lower_pack, PACK_SWUS},
    [INSN_vpkuhus] = {lower_pack, PACK_UHUS},
    [INSN_vpkuwus] = {lower_pack, PACK_UWUS},
    [INSN_vupkhsb] = {lower_unpack, VEC_SEXT8 | UNPACK_HIGH},
    [INSN_vupklsb] = {lower_unpack, VEC_SEXT8},
    [INSN_vupkhsh] = {lower_unpack, VEC_SEXT16 | UNPACK_HIGH},
    [INSN_vupklsh] = {lower_unpack, VEC_SEXT16},
    [INSN_vupkhsw] = {lower_unpack, VEC_SEXT32 | UNPACK_HIGH},
    [INSN_vupklsw] = {lower_unpack, VEC_SEXT32},
    TWO(vmrghb, MERGE_HIGH8),
    TWO(vmrghh, MERGE_HIGH16),
    TWO(vmrghw, MERGE_HIGH32),
    TWO(vmrglb, MERGE_LOW8),
    TWO(vmrglh, MERGE_LOW16),
    TWO(vmrglw, MERGE_LOW32),
    TWO(vmrgew, MERGE_ODD32),
    TWO(vmrgow, MERGE_EVEN32),
    TWO_VSX(xxmrghw, MERGE_HIGH32),
    TWO_VSX(xxmrglw, MERGE_LOW32),
    [INSN_vspltb] = {lower_splat, 8},
    [INSN_vsplth] = {lower_splat, 16},
    [INSN_vspltw] = {lower_splat, 32},
    [INSN_vspltisb] = {lower_splat_immediate, 8},
    [INSN_vspltish] = {lower_splat_immediate, 16},
    [INSN_vspltisw] = {lower_splat_immediate, 32},
    [INSN_xxspltw] = {lower_xxspltw, 0},
    [INSN_xxspltib] = {lower_xxspltib, 0},
    [INSN_vperm] = {lower_permute, 31},
    [INSN_vpermr] = {lower_permute, 0},
    [INSN_xxperm] = {lower_xxperm, 31},
    [INSN_xxpermr] = {lower_xxperm, 0},
    [INSN_xxpermdi] = {lower_xxpermdi, 0},
    [INSN_vsldoi] = {lower_vsldoi, 0},
    [INSN_xxsldwi] = {lower_xxsldwi, 0},
    [INSN_xxbrh] = {lower_reverse, 2},
    [INSN_xxbrw] = {lower_reverse, 4},
    [INSN_xxbrd] = {lower_reverse, 8},
    [INSN_xxbrq] = {lower_reverse, 16},
    [INSN_vextractub] = {lower_extract, 1},
    [INSN_vextractuh] = {lower_extract, 2},
    [INSN_vextractuw] = {lower_extract, 4},
    [INSN_vextractd] = {lower_extract, 8},
    [INSN_xxextractuw] = {lower_extract, 4 | FORM_VSX},
    [INSN_vinsertb] = {lower_insert, 1},
    [INSN_vinserth] = {lower_insert, 2},
    [INSN_vinsertw] = {lower_insert, 4},
    [INSN_vinsertd] = {lower_insert, 8},
    [INSN_xxinsertw] = {lower_insert, 4 | FORM_VSX},
    [INSN_vclzlsbb] = {lower_count_bytes, 0},
    [INSN_vctzlsbb] = {lower_count_bytes, 1},
    [INSN_vbpermq] = {lower_vbpermq, 0},
    [INSN_vextublx] = {lower_extract_indexed, 1 | EXTRACT_LEFT},
    [INSN_vextubrx] = {lower_extract_indexed, 1},
    [INSN_vextuhrx] = {lower_extract_indexed, 2},
    [INSN_vextuwrx] = {lower_extract_indexed, 4},
    [INSN_mfvsrd] = {lower_mfvsr, 64},
    [INSN_mfvsrwz] = {lower_mfvsr, 32},
    [INSN_mfvsrld] = {lower_mfvsrld, 0},
    [INSN_mtvsrd] = {lower_mtvsr, 64},
    [INSN_mtvsrwz] = {lower_mtvsr, 32},
    [INSN_mtvsrwa] = {lower_mtvsr, 32 | SIGNED_WORD},
    [INSN_mtvsrdd] = {lower_mtvsrdd, 0},
    [INSN_mtvsrws] = {lower_mtvsrws, 0},
};
