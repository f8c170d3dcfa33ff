// SPDX-License-Identifier: Apache-2.0
// Vector logic, integer arithmetic, compares, shifts, cryptography. Semantics: cpu/exec/vmx_integer.c, vmx_logical.c, vsx_move.c, crypto.c.
#include "cpu/xlate/lower_vector.h"

static ir_value complement(struct ir_builder *b, ir_value v)
{
    return ir_vec2(b, VEC_XOR, v, lower_splat64(b, ~0ull), 0);
}

static void lower_two(struct ir_builder *b, u32 insn, unsigned arg)
{
    enum ir_vector op = (enum ir_vector)(arg & FORM_OP);
    if (!target_vector(op)) {
        lower_exec(b);
        return;
    }
    ir_value a = lower_va(b, insn, arg), v = lower_vb(b, insn, arg);
    bool same = arg & FORM_VSX ? XA == XB : RA == RB;
    ir_value result;
    if (same && op == VEC_XOR)
        result = lower_splat64(b, 0);
    else if (same && op == VEC_EQV)
        result = lower_splat64(b, ~0ull);
    else if (same && (op == VEC_OR || op == VEC_AND))
        result = a;
    else
        result = arg & FORM_REVERSED ? ir_vec2(b, op, v, a, 0) : ir_vec2(b, op, a, v, 0);
    lower_vt(b, insn, arg, result);
}

// VRT = op of VRB.
static void lower_one(struct ir_builder *b, u32 insn, unsigned arg)
{
    enum ir_vector op = (enum ir_vector)(arg & FORM_OP);
    if (!target_vector(op)) {
        lower_exec(b);
        return;
    }
    lower_vt(b, insn, arg, ir_vec1(b, op, lower_vb(b, insn, arg), 0));
}

static void lower_select(struct ir_builder *b, u32 insn, unsigned arg)
{
    ir_value c = ir_get(b, arg & FORM_VSX ? VSR(XC) : VR(RC));
    lower_vt(b, insn, arg, ir_vec3(b, VEC_SELECT, lower_va(b, insn, arg), lower_vb(b, insn, arg), c, 0));
}

// Saturating bytes and halfwords: arg is the saturating operation, and above it the one that wraps.
static void lower_saturating(struct ir_builder *b, u32 insn, unsigned arg)
{
    ir_value a = lower_va(b, insn, 0), v = lower_vb(b, insn, 0);
    ir_value result = ir_vec2(b, (enum ir_vector)(arg & 0xff), a, v, 0);
    ir_value wrapped = ir_vec2(b, (enum ir_vector)(arg >> 8), a, v, 0);
    ir_op1(b, IR_SATURATED, ir_vec2(b, VEC_XOR, result, wrapped, 0));
    lower_vt(b, insn, 0, result);
}

// Saturating words; target_vector(VEC_MINU32).
static ir_value saturating_unsigned(struct ir_builder *b, ir_value a, ir_value v, bool subtract)
{
    ir_value result, changed;
    if (subtract) { // max(a, b) - b
        ir_value most = ir_vec2(b, VEC_MAXU32, a, v, 0);
        result = ir_vec2(b, VEC_SUB32, most, v, 0);
        changed = ir_vec2(b, VEC_XOR, most, a, 0);
    } else { // a + min(~a, b)
        ir_value least = ir_vec2(b, VEC_MINU32, complement(b, a), v, 0);
        result = ir_vec2(b, VEC_ADD32, a, least, 0);
        changed = ir_vec2(b, VEC_XOR, least, v, 0);
    }
    ir_op1(b, IR_SATURATED, changed);
    return result;
}

static ir_value saturating_signed(struct ir_builder *b, ir_value a, ir_value v, bool subtract)
{
    ir_value wrapped = ir_vec2(b, subtract ? VEC_SUB32 : VEC_ADD32, a, v, 0);
    // Overflow: the result's sign is not a's, although b's allowed it.
    ir_value turned = ir_vec2(b, VEC_XOR, a, wrapped, 0), other = ir_vec2(b, VEC_XOR, a, v, 0);
    ir_value over = subtract ? ir_vec2(b, VEC_AND, turned, other, 0) : ir_vec2(b, VEC_ANDN, turned, other, 0);
    over = ir_vec1(b, VEC_SARI32, over, 31);
    ir_value limit =
        ir_vec2(b, VEC_XOR, ir_vec1(b, VEC_SARI32, a, 31), ir_vec1(b, VEC_SHRI32, lower_splat64(b, ~0ull), 1), 0);
    ir_op1(b, IR_SATURATED, over);
    return ir_vec3(b, VEC_SELECT, wrapped, limit, over, 0);
}

static void lower_saturating_word(struct ir_builder *b, u32 insn, unsigned arg)
{
    bool is_signed = arg & 2, subtract = arg & 1;
    if (!is_signed && !target_vector(VEC_MINU32)) {
        lower_exec(b);
        return;
    }
    ir_value a = lower_va(b, insn, 0), v = lower_vb(b, insn, 0);
    lower_vt(b, insn, 0, is_signed ? saturating_signed(b, a, v, subtract) : saturating_unsigned(b, a, v, subtract));
}

// Each word of VRB plus the elements of VRA in that word.
enum { SUM4_UBS, SUM4_SBS, SUM4_SHS };
static void lower_sum_quarter(struct ir_builder *b, u32 insn, unsigned arg)
{
    if (arg == SUM4_UBS && !target_vector(VEC_MINU32)) {
        lower_exec(b);
        return;
    }
    ir_value a = lower_va(b, insn, 0), v = lower_vb(b, insn, 0), ones = lower_splat64(b, 0x0001000100010001ull);
    if (arg != SUM4_SHS) { // bytes to halfwords, then as those
        ir_value low, high;
        if (arg == SUM4_UBS) {
            low = ir_vec2(b, VEC_AND, a, lower_splat64(b, 0x00ff00ff00ff00ffull), 0);
            high = ir_vec1(b, VEC_SHRI16, a, 8);
        } else {
            low = ir_vec1(b, VEC_SARI16, ir_vec1(b, VEC_SHLI16, a, 8), 8);
            high = ir_vec1(b, VEC_SARI16, a, 8);
        }
        a = ir_vec2(b, VEC_ADD16, low, high, 0);
    }
    ir_value sum = ir_vec2(b, VEC_MADD16, a, ones, 0);
    lower_vt(b, insn, 0, arg == SUM4_UBS ? saturating_unsigned(b, v, sum, false) : saturating_signed(b, v, sum, false));
}

enum { COMPARE_NOT = 0x10000, COMPARE_ZERO = 0x20000 };

static void lower_compare(struct ir_builder *b, u32 insn, unsigned arg)
{
    enum ir_vector op = (enum ir_vector)(arg & FORM_OP);
    if (!target_vector(op)) {
        lower_exec(b);
        return;
    }
    ir_value a = lower_va(b, insn, 0), v = lower_vb(b, insn, 0);
    ir_value result = ir_vec2(b, op, a, v, 0);
    if (arg & COMPARE_ZERO) { // or one of them is zero
        ir_value zero = lower_splat64(b, 0);
        ir_value zeros = ir_vec2(b, VEC_OR, ir_vec2(b, op, a, zero, 0), ir_vec2(b, op, v, zero, 0), 0);
        result = ir_vec2(b, VEC_ANDN, result, zeros, 0);
    }
    if (arg & COMPARE_NOT)
        result = complement(b, result);
    lower_vt(b, insn, 0, result);
    if (insn & PPC_BIT32(21))
        lower_cr6(b, result);
}

// Maximum and minimum of doublewords, by comparison where there is nothing better. arg: the operation; above it the comparison, and which of
// the two is taken where a is greater.
static void lower_extreme64(struct ir_builder *b, u32 insn, unsigned arg)
{
    enum ir_vector compare = (enum ir_vector)(arg >> 8 & 0xff);
    if (target_vector(arg & 0xff)) {
        lower_two(b, insn, arg & 0xff);
    } else if (target_vector(compare)) {
        ir_value a = lower_va(b, insn, 0), v = lower_vb(b, insn, 0), greater = ir_vec2(b, compare, a, v, 0);
        bool max = arg >> 16;
        lower_vt(b, insn, 0, ir_vec3(b, VEC_SELECT, max ? v : a, max ? a : v, greater, 0));
    } else {
        lower_exec(b);
    }
}

// Signed averages: as unsigned, with the signs changed. arg: the operation; above it the sign's position.
static void lower_average(struct ir_builder *b, u32 insn, unsigned bits)
{
    ir_value sign = lower_splat64(b, bits == 8 ? 0x8080808080808080ull : 0x8000800080008000ull);
    ir_value a = ir_vec2(b, VEC_XOR, lower_va(b, insn, 0), sign, 0),
             v = ir_vec2(b, VEC_XOR, lower_vb(b, insn, 0), sign, 0);
    lower_vt(b, insn, 0, ir_vec2(b, VEC_XOR, ir_vec2(b, bits == 8 ? VEC_AVGU8 : VEC_AVGU16, a, v, 0), sign, 0));
}

// Words: (a | b) - ((a ^ b) >> 1).
static void lower_average32(struct ir_builder *b, u32 insn, unsigned is_signed)
{
    ir_value a = lower_va(b, insn, 0), v = lower_vb(b, insn, 0);
    ir_value half = ir_vec1(b, is_signed ? VEC_SARI32 : VEC_SHRI32, ir_vec2(b, VEC_XOR, a, v, 0), 1);
    lower_vt(b, insn, 0, ir_vec2(b, VEC_SUB32, ir_vec2(b, VEC_OR, a, v, 0), half, 0));
}

// arg: the maximum, the minimum, the difference.
static void lower_distance(struct ir_builder *b, u32 insn, unsigned arg)
{
    enum ir_vector max = (enum ir_vector)(arg & 0xff), min = (enum ir_vector)(arg >> 8 & 0xff);
    if (!target_vector(max) || !target_vector(min)) {
        lower_exec(b);
        return;
    }
    ir_value a = lower_va(b, insn, 0), v = lower_vb(b, insn, 0);
    lower_vt(b, insn, 0,
             ir_vec2(b, (enum ir_vector)(arg >> 16), ir_vec2(b, max, a, v, 0), ir_vec2(b, min, a, v, 0), 0));
}

static void lower_negate(struct ir_builder *b, u32 insn, unsigned op)
{
    lower_vt(b, insn, 0, ir_vec2(b, (enum ir_vector)op, lower_splat64(b, 0), lower_vb(b, insn, 0), 0));
}

// Carries out of words: of a + b, or of a - b (no borrow).
static void lower_carry(struct ir_builder *b, u32 insn, unsigned subtract)
{
    ir_value a = lower_va(b, insn, 0), v = lower_vb(b, insn, 0);
    ir_value greater =
        subtract ? complement(b, ir_vec2(b, VEC_GTU32, v, a, 0)) : ir_vec2(b, VEC_GTU32, a, complement(b, v), 0);
    lower_vt(b, insn, 0, ir_vec1(b, VEC_SHRI32, greater, 31));
}

// Quadwords by their doublewords.
static void lower_quad(struct ir_builder *b, u32 insn, unsigned subtract)
{
    ir_value va = lower_va(b, insn, 0), vb = lower_vb(b, insn, 0), low[2], high[2];
    const ir_value from[] = {va, vb};
    for (unsigned i = 0; i < 2; i++) {
        low[i] = ir_emit(b, (struct ir_insn){.op = IR_XTOV, .a = from[i], .imm = 0});
        high[i] = ir_emit(b, (struct ir_insn){.op = IR_XTOV, .a = from[i], .imm = 1});
    }
    enum ir_op op = subtract ? IR_SUB : IR_ADD;
    ir_value sum = ir_op2(b, op, low[0], low[1]);
    ir_value carry = subtract ? ir_set(b, COND_ULT, low[0], low[1]) : ir_set(b, COND_ULT, sum, low[0]);
    lower_vt(b, insn, 0, ir_op2(b, IR_VTOX, ir_op2(b, op, ir_op2(b, op, high[0], high[1]), carry), sum));
}

// arg: the operation, and above it which lanes: the ISA's even ones are the host's odd ones.
enum { LANES_EVEN = 0x10000 };
static void lower_multiply(struct ir_builder *b, u32 insn, unsigned arg)
{
    enum ir_vector op = (enum ir_vector)(arg & FORM_OP);
    if (!target_vector(op)) {
        lower_exec(b);
        return;
    }
    lower_vt(b, insn, 0, ir_vec2(b, op, lower_va(b, insn, 0), lower_vb(b, insn, 0), arg & LANES_EVEN ? 1 : 0));
}

static void lower_multiply_add(struct ir_builder *b, u32 insn, unsigned arg)
{
    ir_value product = ir_vec2(b, VEC_MUL16, lower_va(b, insn, 0), lower_vb(b, insn, 0), 0);
    lower_vt(b, insn, 0, ir_vec2(b, VEC_ADD16, product, ir_get(b, VR(RC)), 0));
}

// Sums of products in words, modulo.
enum { SUM_UBM, SUM_MBM, SUM_SHM, SUM_UHM };
static void lower_multiply_sum(struct ir_builder *b, u32 insn, unsigned arg)
{
    if (arg == SUM_UHM && !target_vector(VEC_MULU16)) {
        lower_exec(b);
        return;
    }
    ir_value a = lower_va(b, insn, 0), v = lower_vb(b, insn, 0), sum;
    if (arg == SUM_SHM) {
        sum = ir_vec2(b, VEC_MADD16, a, v, 0);
    } else if (arg == SUM_UHM) {
        sum = ir_vec2(b, VEC_ADD32, ir_vec2(b, VEC_MULU16, a, v, 0), ir_vec2(b, VEC_MULU16, a, v, 1), 0);
    } else { // bytes as halfwords: the lower ones, the higher ones
        ir_value low_b = ir_vec2(b, VEC_AND, v, lower_splat64(b, 0x00ff00ff00ff00ffull), 0),
                 high_b = ir_vec1(b, VEC_SHRI16, v, 8);
        ir_value low_a, high_a;
        if (arg == SUM_UBM) {
            low_a = ir_vec2(b, VEC_AND, a, lower_splat64(b, 0x00ff00ff00ff00ffull), 0);
            high_a = ir_vec1(b, VEC_SHRI16, a, 8);
        } else {
            low_a = ir_vec1(b, VEC_SARI16, ir_vec1(b, VEC_SHLI16, a, 8), 8);
            high_a = ir_vec1(b, VEC_SARI16, a, 8);
        }
        sum = ir_vec2(b, VEC_ADD32, ir_vec2(b, VEC_MADD16, low_a, low_b, 0), ir_vec2(b, VEC_MADD16, high_a, high_b, 0),
                      0);
    }
    lower_vt(b, insn, 0, ir_vec2(b, VEC_ADD32, sum, ir_get(b, VR(RC)), 0));
}

// Sign extension inside of words and doublewords: bits of the source, and of the result.
static void lower_extend(struct ir_builder *b, u32 insn, unsigned arg)
{
    unsigned from = arg & 0xff, to = arg >> 8;
    if (to == 64 && !target_vector(VEC_SEXT32)) {
        lower_exec(b);
        return;
    }
    ir_value v = lower_vb(b, insn, 0);
    if (from < 32)
        v = ir_vec1(b, VEC_SARI32, ir_vec1(b, VEC_SHLI32, v, 32 - from), 32 - from);
    if (to == 64)
        v = ir_vec1(b, VEC_SEXT32, ir_vec1(b, VEC_WORDS, v, 0x08), 0); // the lower words of both
    lower_vt(b, insn, 0, v);
}

// Trailing zeros: the ones of (b - 1) & ~b. arg: the count of ones, the difference.
static void lower_trailing(struct ir_builder *b, u32 insn, unsigned arg)
{
    if (!target_vector(arg & 0xff)) {
        lower_exec(b);
        return;
    }
    static const u64 each[] = {0x0101010101010101ull, 0x0001000100010001ull, 0x0000000100000001ull, 1};
    ir_value v = lower_vb(b, insn, 0);
    ir_value below = ir_vec2(b, (enum ir_vector)(arg >> 8 & 0xff), v, lower_splat64(b, each[arg >> 16]), 0);
    lower_vt(b, insn, 0, ir_vec1(b, (enum ir_vector)(arg & 0xff), ir_vec2(b, VEC_ANDN, below, v, 0), 0));
}

// AES: the state's first byte is the most significant one here.
enum { CIPHER, CIPHER_LAST, INVERSE, INVERSE_LAST };
static void lower_cipher(struct ir_builder *b, u32 insn, unsigned arg)
{
    if (!target_vector(VEC_AESENC)) {
        lower_exec(b);
        return;
    }
    ir_value state = ir_vec1(b, VEC_REVERSE, lower_va(b, insn, 0), 16),
             key = ir_vec1(b, VEC_REVERSE, lower_vb(b, insn, 0), 16);
    ir_value v = ir_vec2(b,
                         arg == CIPHER        ? VEC_AESENC
                         : arg == CIPHER_LAST ? VEC_AESENCLAST
                                              : VEC_AESDECLAST,
                         state, key, 0);
    if (arg == INVERSE)
        v = ir_vec1(b, VEC_AESIMC, v, 0);
    lower_vt(b, insn, 0, ir_vec1(b, VEC_REVERSE, v, 16));
}

// The sigmas of SHA-256 and SHA-512, where all elements take the same function.
static void lower_sigma(struct ir_builder *b, u32 insn, unsigned bits)
{
    static const u8 counts[2][2][2][3] = {
        // 32 and 64 bits, ST, one: rotations to the right; the last one of the schedule's is a shift
        {{{7, 18, 3}, {17, 19, 10}}, {{2, 13, 22}, {6, 11, 25}}},
        {{{1, 8, 7}, {19, 61, 6}}, {{28, 34, 39}, {14, 18, 41}}}};
    unsigned six = INSN_FIELD(17, 20), st = INSN_FIELD(16, 16), used = bits == 32 ? 15 : 10;
    if ((six & used) && (six & used) != used) {
        lower_exec(b);
        return;
    }
    const u8 *n = counts[bits == 64][st][six & used ? 1 : 0];
    enum ir_vector rotate = bits == 32 ? VEC_ROLI32 : VEC_ROLI64;
    ir_value a = lower_va(b, insn, 0);
    ir_value v = ir_vec2(b, VEC_XOR, ir_vec1(b, rotate, a, bits - n[0]), ir_vec1(b, rotate, a, bits - n[1]), 0);
    ir_value last = st ? ir_vec1(b, rotate, a, bits - n[2]) : ir_vec1(b, bits == 32 ? VEC_SHRI32 : VEC_SHRI64, a, n[2]);
    lower_vt(b, insn, 0, ir_vec2(b, VEC_XOR, v, last, 0));
}

#define TWO(id, op)               [INSN_##id] = {lower_two, VEC_##op}
#define TWO_VSX(id, op)           [INSN_##id] = {lower_two, VEC_##op | FORM_VSX}
#define ONE(id, op)               [INSN_##id] = {lower_one, VEC_##op}
#define SATURATING(id, op, wraps) [INSN_##id] = {lower_saturating, VEC_##op | VEC_##wraps << 8}
#define COMPARE(id, arg)          [INSN_##id] = {lower_compare, arg}
#define MULTIPLY(even, odd, op) \
    [INSN_##even] = {lower_multiply, VEC_##op | LANES_EVEN}, [INSN_##odd] = {lower_multiply, VEC_##op}
#define DISTANCE(id, max, min, sub)   [INSN_##id] = {lower_distance, VEC_##max | VEC_##min << 8 | VEC_##sub << 16}
#define TRAILING(id, ones, sub, size) [INSN_##id] = {lower_trailing, VEC_##ones | VEC_##sub << 8 | (size) << 16}
static_assert(VEC_OPS <= 256, "two operations in an argument");

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
    [INSN_vsel] = {lower_select, 0},
    [INSN_xxsel] = {lower_select, FORM_VSX},

    TWO(vaddubm, ADD8),
    TWO(vadduhm, ADD16),
    TWO(vadduwm, ADD32),
    TWO(vaddudm, ADD64),
    TWO(vsububm, SUB8),
    TWO(vsubuhm, SUB16),
    TWO(vsubuwm, SUB32),
    TWO(vsubudm, SUB64),
    SATURATING(vaddsbs, ADDS8, ADD8),
    SATURATING(vaddshs, ADDS16, ADD16),
    SATURATING(vaddubs, ADDU8, ADD8),
    SATURATING(vadduhs, ADDU16, ADD16),
    SATURATING(vsubsbs, SUBS8, SUB8),
    SATURATING(vsubshs, SUBS16, SUB16),
    SATURATING(vsububs, SUBU8, SUB8),
    SATURATING(vsubuhs, SUBU16, SUB16),
    [INSN_vadduws] = {lower_saturating_word, 0},
    [INSN_vsubuws] = {lower_saturating_word, 1},
    [INSN_vaddsws] = {lower_saturating_word, 2},
    [INSN_vsubsws] = {lower_saturating_word, 3},
    [INSN_vsum4ubs] = {lower_sum_quarter, SUM4_UBS},
    [INSN_vsum4sbs] = {lower_sum_quarter, SUM4_SBS},
    [INSN_vsum4shs] = {lower_sum_quarter, SUM4_SHS},
    [INSN_vaddcuw] = {lower_carry, 0},
    [INSN_vsubcuw] = {lower_carry, 1},
    [INSN_vadduqm] = {lower_quad, 0},
    [INSN_vsubuqm] = {lower_quad, 1},
    [INSN_vnegw] = {lower_negate, VEC_SUB32},
    [INSN_vnegd] = {lower_negate, VEC_SUB64},
    [INSN_vextsb2w] = {lower_extend, 8 | 32 << 8},
    [INSN_vextsh2w] = {lower_extend, 16 | 32 << 8},
    [INSN_vextsb2d] = {lower_extend, 8 | 64 << 8},
    [INSN_vextsh2d] = {lower_extend, 16 | 64 << 8},
    [INSN_vextsw2d] = {lower_extend, 32 | 64 << 8},

    TWO(vavgub, AVGU8),
    TWO(vavguh, AVGU16),
    [INSN_vavgsb] = {lower_average, 8},
    [INSN_vavgsh] = {lower_average, 16},
    [INSN_vavguw] = {lower_average32, 0},
    [INSN_vavgsw] = {lower_average32, 1},
    DISTANCE(vabsdub, MAXU8, MINU8, SUB8),
    DISTANCE(vabsduh, MAXU16, MINU16, SUB16),
    DISTANCE(vabsduw, MAXU32, MINU32, SUB32),
    TWO(vmaxsb, MAXS8),
    TWO(vmaxsh, MAXS16),
    TWO(vmaxsw, MAXS32),
    TWO(vmaxub, MAXU8),
    TWO(vmaxuh, MAXU16),
    TWO(vmaxuw, MAXU32),
    TWO(vminsb, MINS8),
    TWO(vminsh, MINS16),
    TWO(vminsw, MINS32),
    TWO(vminub, MINU8),
    TWO(vminuh, MINU16),
    TWO(vminuw, MINU32),
    [INSN_vmaxsd] = {lower_extreme64, VEC_MAXS64 | VEC_GTS64 << 8 | 1 << 16},
    [INSN_vmaxud] = {lower_extreme64, VEC_MAXU64 | VEC_GTU64 << 8 | 1 << 16},
    [INSN_vminsd] = {lower_extreme64, VEC_MINS64 | VEC_GTS64 << 8},
    [INSN_vminud] = {lower_extreme64, VEC_MINU64 | VEC_GTU64 << 8},

    COMPARE(vcmpequb, VEC_EQ8),
    COMPARE(vcmpequh, VEC_EQ16),
    COMPARE(vcmpequw, VEC_EQ32),
    COMPARE(vcmpequd, VEC_EQ64),
    COMPARE(vcmpgtsb, VEC_GTS8),
    COMPARE(vcmpgtsh, VEC_GTS16),
    COMPARE(vcmpgtsw, VEC_GTS32),
    COMPARE(vcmpgtsd, VEC_GTS64),
    COMPARE(vcmpgtub, VEC_GTU8),
    COMPARE(vcmpgtuh, VEC_GTU16),
    COMPARE(vcmpgtuw, VEC_GTU32),
    COMPARE(vcmpgtud, VEC_GTU64),
    COMPARE(vcmpneb, VEC_EQ8 | COMPARE_NOT),
    COMPARE(vcmpneh, VEC_EQ16 | COMPARE_NOT),
    COMPARE(vcmpnew, VEC_EQ32 | COMPARE_NOT),
    COMPARE(vcmpnezb, VEC_EQ8 | COMPARE_NOT | COMPARE_ZERO),
    COMPARE(vcmpnezh, VEC_EQ16 | COMPARE_NOT | COMPARE_ZERO),
    COMPARE(vcmpnezw, VEC_EQ32 | COMPARE_NOT | COMPARE_ZERO),

    TWO(vslb, SHL8),
    TWO(vslh, SHL16),
    TWO(vslw, SHL32),
    TWO(vsld, SHL64),
    TWO(vsrb, SHR8),
    TWO(vsrh, SHR16),
    TWO(vsrw, SHR32),
    TWO(vsrd, SHR64),
    TWO(vsrab, SAR8),
    TWO(vsrah, SAR16),
    TWO(vsraw, SAR32),
    TWO(vsrad, SAR64),
    TWO(vrlw, ROL32),
    TWO(vrld, ROL64),
    ONE(vpopcntb, POPCNT8),
    ONE(vpopcnth, POPCNT16),
    ONE(vpopcntw, POPCNT32),
    ONE(vpopcntd, POPCNT64),
    ONE(vclzw, CLZ32),
    ONE(vclzd, CLZ64),
    TRAILING(vctzb, POPCNT8, SUB8, 0),
    TRAILING(vctzh, POPCNT16, SUB16, 1),
    TRAILING(vctzw, POPCNT32, SUB32, 2),
    TRAILING(vctzd, POPCNT64, SUB64, 3),

    MULTIPLY(vmuleub, vmuloub, MULU8),
    MULTIPLY(vmulesb, vmulosb, MULS8),
    MULTIPLY(vmuleuh, vmulouh, MULU16),
    MULTIPLY(vmulesh, vmulosh, MULS16),
    MULTIPLY(vmuleuw, vmulouw, MULU32),
    MULTIPLY(vmulesw, vmulosw, MULS32),
    TWO(vmuluwm, MUL32),
    [INSN_vmladduhm] = {lower_multiply_add, 0},
    [INSN_vmsumubm] = {lower_multiply_sum, SUM_UBM},
    [INSN_vmsummbm] = {lower_multiply_sum, SUM_MBM},
    [INSN_vmsumshm] = {lower_multiply_sum, SUM_SHM},
    [INSN_vmsumuhm] = {lower_multiply_sum, SUM_UHM},

    [INSN_vcipher] = {lower_cipher, CIPHER},
    [INSN_vcipherlast] = {lower_cipher, CIPHER_LAST},
    [INSN_vncipher] = {lower_cipher, INVERSE},
    [INSN_vncipherlast] = {lower_cipher, INVERSE_LAST},
    [INSN_vshasigmaw] = {lower_sigma, 32},
    [INSN_vshasigmad] = {lower_sigma, 64},
    TWO(vpmsumd, CLMUL),
};
