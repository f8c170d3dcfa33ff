// SPDX-License-Identifier: Apache-2.0
// Vectors as quadwords: shifts and sums across elements; rotations of small elements, parities, bits as a matrix; parts of
// scalars. Semantics: cpu/exec/vmx_integer.c, vmx_logical.c, vmx_permute.c, crypto.c, vsx_fp_math.c.
#include "cpu/xlate/lower_vector.h"

struct pair {
    ir_value high, low;
};

static struct pair split(struct ir_builder *b, ir_value v)
{
    return (struct pair){.high = ir_emit(b, (struct ir_insn){.op = IR_XTOV, .a = v, .imm = 1}),
                         .low = ir_emit(b, (struct ir_insn){.op = IR_XTOV, .a = v, .imm = 0})};
}

static ir_value join(struct ir_builder *b, struct pair p)
{
    return ir_op2(b, IR_VTOX, p.high, p.low);
}

// By n bits, 0..127: shifts by 64 and more give zero, counts below zero are such ones.
static struct pair shift_left(struct ir_builder *b, struct pair p, ir_value n)
{
    ir_value across = ir_op2(b, IR_SHR, p.low, ir_op2(b, IR_SUB, ir_const(b, 64), n));
    ir_value far = ir_op2(b, IR_SHL, p.low, ir_op2i(b, IR_SUB, n, 64));
    ir_value high = ir_op2(b, IR_OR, ir_op2(b, IR_OR, ir_op2(b, IR_SHL, p.high, n), across), far);
    return (struct pair){.high = high, .low = ir_op2(b, IR_SHL, p.low, n)};
}

static struct pair shift_right(struct ir_builder *b, struct pair p, ir_value n)
{
    ir_value across = ir_op2(b, IR_SHL, p.high, ir_op2(b, IR_SUB, ir_const(b, 64), n));
    ir_value far = ir_op2(b, IR_SHR, p.high, ir_op2i(b, IR_SUB, n, 64));
    ir_value low = ir_op2(b, IR_OR, ir_op2(b, IR_OR, ir_op2(b, IR_SHR, p.low, n), across), far);
    return (struct pair){.high = ir_op2(b, IR_SHR, p.high, n), .low = low};
}

// vsl, vsr: by the last three bits of VRB; vslo, vsro: by the four before them, in bytes.
enum { SHIFT_RIGHT = 0x100 };
static void lower_shift(struct ir_builder *b, u32 insn, unsigned arg)
{
    struct pair a = split(b, lower_va(b, insn, 0));
    ir_value count = ir_emit(b, (struct ir_insn){.op = IR_XTOV, .a = lower_vb(b, insn, 0), .imm = 0});
    ir_value n = ir_op2i(b, IR_AND, count, arg & 0xff);
    lower_vt(b, insn, 0, join(b, arg & SHIFT_RIGHT ? shift_right(b, a, n) : shift_left(b, a, n)));
}

// Each byte shifts in the bits of its neighbour: those come by way of a shift by one and one by what is left of seven.
static void lower_shift_variable(struct ir_builder *b, u32 insn, unsigned right)
{
    if (!target_vector(VEC_SHL8) || !target_vector(VEC_SHR8)) {
        lower_exec(b);
        return;
    }
    ir_value a = lower_va(b, insn, 0), seven = lower_splat64(b, 0x0707070707070707ull);
    ir_value n = ir_vec2(b, VEC_AND, lower_vb(b, insn, 0), seven, 0), rest = ir_vec2(b, VEC_XOR, n, seven, 0);
    ir_value one = lower_splat64(b, 0x0101010101010101ull);
    enum ir_vector with = right ? VEC_SHR8 : VEC_SHL8, against = right ? VEC_SHL8 : VEC_SHR8;
    ir_value beside = ir_vec1(b, right ? VEC_BYTES_RIGHT : VEC_BYTES_LEFT, a, 1);
    beside = ir_vec2(b, against, ir_vec2(b, against, beside, one, 0), rest, 0);
    lower_vt(b, insn, 0, ir_vec2(b, VEC_OR, ir_vec2(b, with, a, n, 0), beside, 0));
}

// a + b + carry; the carry out, or the sum.
enum { ADD_CARRY_OUT = 1, ADD_CARRY_IN = 2, ADD_SUBTRACT = 4 };
static void lower_add_quad(struct ir_builder *b, u32 insn, unsigned arg)
{
    struct pair x = split(b, lower_va(b, insn, 0)), y = split(b, lower_vb(b, insn, 0));
    ir_value carry;
    if (arg & ADD_SUBTRACT) {
        y.high = ir_op1(b, IR_NOT, y.high);
        y.low = ir_op1(b, IR_NOT, y.low);
    }
    if (arg & ADD_CARRY_IN)
        carry = ir_op2i(b, IR_AND, ir_emit(b, (struct ir_insn){.op = IR_XTOV, .a = ir_get(b, VR(RC)), .imm = 0}), 1);
    else
        carry = ir_const(b, arg & ADD_SUBTRACT ? 1 : 0);
    ir_value out = carry, sum[2];
    const ir_value from[2][2] = {{x.low, y.low}, {x.high, y.high}};
    for (unsigned i = 0; i < 2; i++) {
        ir_value first = ir_op2(b, IR_ADD, from[i][0], from[i][1]);
        sum[i] = ir_op2(b, IR_ADD, first, out);
        out = ir_op2(b, IR_OR, ir_set(b, COND_ULT, first, from[i][0]), ir_set(b, COND_ULT, sum[i], first));
    }
    struct pair result = {.high = sum[1], .low = sum[0]};
    if (arg & ADD_CARRY_OUT)
        result = (struct pair){.high = ir_const(b, 0), .low = out};
    lower_vt(b, insn, 0, join(b, result));
}

// The sum of two products of doublewords and a quadword.
static void lower_vmsumudm(struct ir_builder *b, u32 insn, unsigned arg)
{
    struct pair x = split(b, lower_va(b, insn, 0)), y = split(b, lower_vb(b, insn, 0)),
                sum = split(b, ir_get(b, VR(RC)));
    const ir_value from[2][2] = {{x.low, y.low}, {x.high, y.high}};
    for (unsigned i = 0; i < 2; i++) {
        ir_value low = ir_op2(b, IR_MUL, from[i][0], from[i][1]), high = ir_op2(b, IR_MULHU, from[i][0], from[i][1]);
        sum.low = ir_op2(b, IR_ADD, sum.low, low);
        sum.high = ir_op2(b, IR_ADD, ir_op2(b, IR_ADD, sum.high, high), ir_set(b, COND_ULT, sum.low, low));
    }
    lower_vt(b, insn, 0, join(b, sum));
}

// Word i of a doubleword, sign-extended.
static ir_value word(struct ir_builder *b, ir_value v, unsigned i)
{
    return i ? ir_op2i(b, IR_SAR, v, 32) : ir_op1(b, IR_SEXT32, v);
}

static ir_value saturated(struct ir_builder *b, ir_value sum, ir_value *changed)
{
    ir_value most = ir_const(b, 0x7fffffff), least = ir_const(b, (u64)INT32_MIN);
    ir_value v = ir_select(b, ir_set(b, COND_GT, sum, most), most, sum);
    v = ir_select(b, ir_set(b, COND_LT, v, least), least, v);
    *changed = ir_op2(b, IR_OR, *changed, ir_op2(b, IR_XOR, v, sum));
    return ir_op1(b, IR_ZEXT32, v);
}

// Sums across words: of all four, or of each doubleword's.
static void lower_sum_across(struct ir_builder *b, u32 insn, unsigned words)
{
    struct pair x = split(b, lower_va(b, insn, 0)), y = split(b, lower_vb(b, insn, 0)), result;
    ir_value low = ir_op2(b, IR_ADD, word(b, x.low, 0), word(b, x.low, 1));
    ir_value high = ir_op2(b, IR_ADD, word(b, x.high, 0), word(b, x.high, 1)), changed = ir_const(b, 0);
    low = ir_op2(b, IR_ADD, low, word(b, y.low, 0));
    if (words == 4) {
        result.low = saturated(b, ir_op2(b, IR_ADD, low, high), &changed);
        result.high = ir_const(b, 0);
    } else {
        result.low = saturated(b, low, &changed);
        result.high = saturated(b, ir_op2(b, IR_ADD, high, word(b, y.high, 0)), &changed);
    }
    ir_op1(b, IR_SATURATED, ir_op2(b, IR_VTOX, changed, changed));
    lower_vt(b, insn, 0, join(b, result));
}

// Rotations of bytes and halfwords, by shifts both ways, whose counts are taken modulo the element's bits.
static void lower_rotate(struct ir_builder *b, u32 insn, unsigned bits)
{
    enum ir_vector left = bits == 8 ? VEC_SHL8 : VEC_SHL16, right = bits == 8 ? VEC_SHR8 : VEC_SHR16;
    if (!target_vector(left) || !target_vector(right)) {
        lower_exec(b);
        return;
    }
    ir_value a = lower_va(b, insn, 0), n = lower_vb(b, insn, 0);
    ir_value back = ir_vec2(b, bits == 8 ? VEC_SUB8 : VEC_SUB16, lower_splat64(b, 0), n, 0);
    lower_vt(b, insn, 0, ir_vec2(b, VEC_OR, ir_vec2(b, left, a, n, 0), ir_vec2(b, right, a, back, 0), 0));
}

// Leading zeros: the ones of what is not filled from the highest one down.
static void lower_leading(struct ir_builder *b, u32 insn, unsigned bits)
{
    enum ir_vector ones = bits == 8 ? VEC_POPCNT8 : VEC_POPCNT16;
    if (!target_vector(ones)) {
        lower_exec(b);
        return;
    }
    ir_value v = lower_vb(b, insn, 0);
    for (unsigned n = 1; n < bits; n *= 2) {
        ir_value down = ir_vec1(b, VEC_SHRI16, v, n);
        if (bits == 8)
            down = ir_vec2(b, VEC_AND, down, lower_splat64(b, (0xffull >> n) * 0x0101010101010101ull), 0);
        v = ir_vec2(b, VEC_OR, v, down, 0);
    }
    v = ir_vec2(b, VEC_XOR, v, lower_splat64(b, ~0ull), 0);
    lower_vt(b, insn, 0, ir_vec1(b, ones, v, 0));
}

// The parity of the bytes' last bits.
static void lower_parity(struct ir_builder *b, u32 insn, unsigned bits)
{
    enum ir_vector right = bits == 32 ? VEC_SHRI32 : VEC_SHRI64;
    ir_value v = lower_vb(b, insn, 0);
    for (unsigned n = bits / 2; n >= 8; n /= 2)
        v = ir_vec2(b, VEC_XOR, v, ir_vec1(b, right, v, n), 0);
    lower_vt(b, insn, 0, ir_vec2(b, VEC_AND, v, lower_splat64(b, bits == 32 ? 0x0000000100000001ull : 1), 0));
}

// Each doubleword as a matrix of eight by eight bits, its rows and columns exchanged: by single ones, by twos, by fours.
static void lower_vgbbd(struct ir_builder *b, u32 insn, unsigned arg)
{
    static const u64 masks[] = {0x00aa00aa00aa00aaull, 0x0000cccc0000ccccull, 0x00000000f0f0f0f0ull};
    ir_value v = lower_vb(b, insn, 0);
    for (unsigned i = 0; i < 3; i++) {
        unsigned n = 7u << i;
        ir_value t = ir_vec2(b, VEC_XOR, v, ir_vec1(b, VEC_SHRI64, v, n), 0);
        t = ir_vec2(b, VEC_AND, t, lower_splat64(b, masks[i]), 0);
        v = ir_vec2(b, VEC_XOR, v, ir_vec2(b, VEC_XOR, t, ir_vec1(b, VEC_SHLI64, t, n), 0), 0);
    }
    lower_vt(b, insn, 0, v);
}

// Each byte: one of VRA by the first half of VRC's byte, and one of VRB by the other.
static void lower_vpermxor(struct ir_builder *b, u32 insn, unsigned arg)
{
    if (!target_vector(VEC_PERMUTE)) {
        lower_exec(b);
        return;
    }
    ir_value a = lower_va(b, insn, 0), v = lower_vb(b, insn, 0), c = ir_get(b, VR(RC));
    ir_value halves = lower_splat64(b, 0x0f0f0f0f0f0f0f0full);
    ir_value first = ir_vec2(b, VEC_AND, ir_vec1(b, VEC_SHRI16, c, 4), halves, 0),
             second = ir_vec2(b, VEC_AND, c, halves, 0);
    first = ir_vec3(b, VEC_PERMUTE, a, a, first, 31);
    second = ir_vec3(b, VEC_PERMUTE, v, v, second, 31);
    lower_vt(b, insn, 0, ir_vec2(b, VEC_XOR, first, second, 0));
}

#define EXPONENT 0x7ffull
#define FRACTION 0x000fffffffffffffull

static void lower_exponent(struct ir_builder *b, u32 insn, unsigned arg)
{
    ir_value v = ir_op1(b, IR_DTOV, ir_get(b, FPR(XB)));
    ir_put(b, SLOT_GPR + RT, ir_op2i(b, IR_AND, ir_op2i(b, IR_SHR, v, 52), EXPONENT));
}

// With the bit that normal numbers have in front.
static void lower_significand(struct ir_builder *b, u32 insn, unsigned arg)
{
    ir_value v = ir_op1(b, IR_DTOV, ir_get(b, FPR(XB)));
    ir_value exponent = ir_op2i(b, IR_AND, ir_op2i(b, IR_SHR, v, 52), EXPONENT);
    ir_value normal = ir_set(b, COND_ULT, ir_op2i(b, IR_SUB, exponent, 1), ir_const(b, EXPONENT - 1));
    ir_put(b, SLOT_GPR + RT, ir_op2(b, IR_OR, ir_op2i(b, IR_AND, v, FRACTION), ir_op2i(b, IR_SHL, normal, 52)));
}

static void lower_insert_exponent(struct ir_builder *b, u32 insn, unsigned arg)
{
    ir_value from = ir_op2i(b, IR_AND, ir_get(b, SLOT_GPR + RA), FRACTION | 1ull << 63);
    ir_value exponent = ir_op2i(b, IR_SHL, ir_op2i(b, IR_AND, ir_get(b, SLOT_GPR + RB), EXPONENT), 52);
    ir_put(b, FPR(XT), ir_op1(b, IR_VTOD, ir_op2(b, IR_OR, from, exponent)));
}

// Words of two scalars: their first ones, or their second ones.
static void lower_merge_words(struct ir_builder *b, u32 insn, unsigned odd)
{
    ir_value a = ir_op1(b, IR_DTOV, ir_get(b, FPR(RA))), v = ir_op1(b, IR_DTOV, ir_get(b, FPR(RB)));
    ir_value high = odd ? ir_op2i(b, IR_SHL, a, 32) : ir_op2i(b, IR_AND, a, ~0xffffffffull);
    ir_value low = odd ? ir_op1(b, IR_ZEXT32, v) : ir_op2i(b, IR_SHR, v, 32);
    ir_put(b, FPR(RT), ir_op1(b, IR_VTOD, ir_op2(b, IR_OR, high, low)));
}

const struct lower_row lower_vector_more[INSN_COUNT] = {
    [INSN_vsl] = {lower_shift, 7},
    [INSN_vsr] = {lower_shift, 7 | SHIFT_RIGHT},
    [INSN_vslo] = {lower_shift, 0x78},
    [INSN_vsro] = {lower_shift, 0x78 | SHIFT_RIGHT},
    [INSN_vslv] = {lower_shift_variable, 0},
    [INSN_vsrv] = {lower_shift_variable, 1},
    [INSN_vaddcuq] = {lower_add_quad, ADD_CARRY_OUT},
    [INSN_vaddeuqm] = {lower_add_quad, ADD_CARRY_IN},
    [INSN_vaddecuq] = {lower_add_quad, ADD_CARRY_IN | ADD_CARRY_OUT},
    [INSN_vsubcuq] = {lower_add_quad, ADD_SUBTRACT | ADD_CARRY_OUT},
    [INSN_vsubeuqm] = {lower_add_quad, ADD_SUBTRACT | ADD_CARRY_IN},
    [INSN_vsubecuq] = {lower_add_quad, ADD_SUBTRACT | ADD_CARRY_IN | ADD_CARRY_OUT},
    [INSN_vmsumudm] = {lower_vmsumudm, 0},
    [INSN_vsumsws] = {lower_sum_across, 4},
    [INSN_vsum2sws] = {lower_sum_across, 2},
    [INSN_vrlb] = {lower_rotate, 8},
    [INSN_vrlh] = {lower_rotate, 16},
    [INSN_vclzb] = {lower_leading, 8},
    [INSN_vclzh] = {lower_leading, 16},
    [INSN_vprtybw] = {lower_parity, 32},
    [INSN_vprtybd] = {lower_parity, 64},
    [INSN_vgbbd] = {lower_vgbbd, 0},
    [INSN_vpermxor] = {lower_vpermxor, 0},
    [INSN_xsxexpdp] = {lower_exponent, 0},
    [INSN_xsxsigdp] = {lower_significand, 0},
    [INSN_xsiexpdp] = {lower_insert_exponent, 0},
    [INSN_fmrgew] = {lower_merge_words, 0},
    [INSN_fmrgow] = {lower_merge_words, 1},
};
