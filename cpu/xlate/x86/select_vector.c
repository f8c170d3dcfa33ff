// SPDX-License-Identifier: Apache-2.0
// Instructions for the operations on vectors (cpu/xlate/vector.def).
#include "cpu/xlate/target.h"
#include "cpu/xlate/vector.h"
#include "cpu/xlate/x86/comp.h"

#define BIT(r) (1u << (r))

struct label *select_constant(struct comp *x, u64 high, u64 low)
{
    for (unsigned i = 0; i < x->constants_len; i++) {
        if (x->constants[i].high == high && x->constants[i].low == low)
            return &x->constants[i].label;
    }
    if (x->constants_len == CONSTANTS_MAX) {
        x->failed = true;
        return &x->constants[0].label;
    }
    unsigned n = x->constants_len++;
    x->constants[n].high = high;
    x->constants[n].low = low;
    x->constants[n].label = (struct label){0};
    return &x->constants[n].label;
}

void select_constants(struct comp *x)
{
    if (x->constants_len)
        x_align(&x->c, 16);
    for (unsigned i = 0; i < x->constants_len; i++) {
        x_bind(&x->c, &x->constants[i].label);
        x_data(&x->c, x->constants[i].low);
        x_data(&x->c, x->constants[i].high);
    }
}

// What operations need of the host beyond SSE2.
enum need { SSE2, SSSE3, SSE41, AVX2, AVX512, AVX512CD, AES, PCLMUL, NEVER };

static bool has(enum need need)
{
    switch (need) {
    case SSE2: return true;
    case SSSE3: return x86_features.ssse3;
    case SSE41: return x86_features.sse41 && x86_features.ssse3;
    case AVX2: return x86_features.avx2;
    case AVX512: return x86_features.avx512;
    case AVX512CD: return x86_features.avx512cd;
    case AES: return x86_features.aes && x86_features.ssse3;
    case PCLMUL: return x86_features.pclmul;
    default: return false;
    }
}

// dst = op(a, b) whatever the registers; without AVX dst is not b, unless the operation commutes.
static void emit2(struct comp *x, u32 op, enum reg dst, enum reg a, enum reg b)
{
    struct code *c = &x->c;
    if (x86_features.avx) {
        x_v2(c, op, dst, a, b);
    } else if (dst == b && dst != a) {
        x_v2(c, op, dst, dst, a);
    } else {
        x_vmov(c, dst, a);
        x_v2(c, op, dst, dst, b);
    }
}

// The same with an immediate; dst is not b without AVX.
static void emit2_imm(struct comp *x, u32 op, enum reg dst, enum reg a, enum reg b, u8 imm)
{
    if (!x86_features.avx)
        x_vmov(&x->c, dst, a);
    x_v2_imm(&x->c, op, dst, x86_features.avx ? a : dst, b, imm);
}

// The same with a constant; both doublewords are `n`.
static void emit_const(struct comp *x, u32 op, enum reg dst, enum reg a, u64 n)
{
    if (!x86_features.avx)
        x_vmov(&x->c, dst, a);
    x_v2_const(&x->c, op, dst, x86_features.avx ? a : dst, select_constant(x, n, n));
}

static void emit_shift(struct comp *x, u32 op, unsigned ext, enum reg dst, enum reg src, unsigned count)
{
    if (!x86_features.avx)
        x_vmov(&x->c, dst, src);
    x_vshift_imm(&x->c, op, ext, dst, x86_features.avx ? src : dst, (u8)count);
}

enum { RIGHT = 2, SIGNED = 4, LEFT = 6 }; // ext of shifts

// The result of an operation whose first operand is `a`, when the second one is not to be destroyed before it is used.
static enum reg result2(struct comp *x, ir_value a, ir_value b, enum reg rb, bool commutes)
{
    return value_result(x, a, b, x86_features.avx || commutes ? 0 : BIT(rb));
}

static enum reg result(struct comp *x)
{
    return value_result(x, IR_NO_VALUE, IR_NO_VALUE, 0);
}

static enum reg ones(struct comp *x)
{
    enum reg r = value_xscratch(x);
    x_v2(&x->c, PCMPEQD, r, r, r);
    return r;
}

static void two(struct comp *x, const struct ir_insn *in, u32 op, bool commutes)
{
    enum reg ra = value_reg(x, in->a), rb = value_reg(x, in->b);
    emit2(x, op, result2(x, in->a, in->b, rb, commutes), ra, rb);
}

// The same with the operands exchanged.
static void two_reversed(struct comp *x, const struct ir_insn *in, u32 op)
{
    enum reg ra = value_reg(x, in->a), rb = value_reg(x, in->b);
    emit2(x, op, result2(x, in->b, in->a, ra, false), rb, ra);
}

static void one(struct comp *x, const struct ir_insn *in, u32 op)
{
    enum reg ra = value_reg(x, in->a);
    x_v1(&x->c, op, value_result(x, in->a, IR_NO_VALUE, 0), ra);
}

static void one_512(struct comp *x, const struct ir_insn *in, u32 op)
{
    enum reg ra = value_reg(x, in->a);
    x_v512(&x->c, op, value_result(x, in->a, IR_NO_VALUE, 0), 0, ra);
}

// A logical operation whose table of truth of a and b is `ternary` (VPTERNLOG's with the third operand the same as the second); else op, and
// the complement of that.
static void logic_not(struct comp *x, const struct ir_insn *in, u32 op, u8 ternary)
{
    enum reg ra = value_reg(x, in->a), rb = value_reg(x, in->b);
    if (x86_features.avx512) {
        enum reg dst = value_result(x, in->a, IR_NO_VALUE, BIT(rb));
        x_vmov(&x->c, dst, ra);
        x_v512_imm(&x->c, VPTERNLOGD, dst, rb, rb, ternary);
        return;
    }
    enum reg one = ones(x);
    if (op == PANDN) { // a | ~b
        emit2(x, PXOR, one, one, rb);
        emit2(x, POR, result2(x, in->a, IR_NO_VALUE, one, true), ra, one);
        return;
    }
    enum reg dst = result2(x, in->a, in->b, rb, true);
    emit2(x, op, dst, ra, rb);
    emit2(x, PXOR, dst, dst, one);
}

static void constant(struct comp *x, u64 high, u64 low)
{
    enum reg dst = result(x);
    if (!(high | low))
        x_v2(&x->c, PXOR, dst, dst, dst);
    else if ((high & low) == ~0ull)
        x_v2(&x->c, PCMPEQD, dst, dst, dst);
    else
        x_v1_const(&x->c, MOVAPS, dst, select_constant(x, high, low));
}

static void words(struct comp *x, const struct ir_insn *in, u8 order)
{
    enum reg ra = value_reg(x, in->a);
    x_v1_imm(&x->c, PSHUFD, value_result(x, in->a, IR_NO_VALUE, 0), ra, order);
}

// Doubleword 1: a's n / 2; doubleword 0: b's n % 2.
static void dwords(struct comp *x, const struct ir_insn *in, unsigned n)
{
    if (in->a == in->b) {
        static const u8 orders[] = {0x44, 0x4e, 0xe4, 0xee};
        words(x, in, orders[n & 3]);
        return;
    }
    enum reg ra = value_reg(x, in->a), rb = value_reg(x, in->b);
    emit2_imm(x, SHUFPD, result2(x, in->b, in->a, ra, false), rb, ra,
              (u8)(n & 3)); // doubleword 0 from the first operand
}

// Bytes in the order of a constant: `flip` says how it differs from the one that changes nothing.
static void shuffle(struct comp *x, const struct ir_insn *in, u64 high, u64 low)
{
    enum reg ra = value_reg(x, in->a), dst = value_result(x, in->a, IR_NO_VALUE, 0);
    if (!x86_features.avx)
        x_vmov(&x->c, dst, ra);
    x_v2_const(&x->c, PSHUFB, dst, x86_features.avx ? ra : dst, select_constant(x, high, low));
}

static void reverse(struct comp *x, const struct ir_insn *in, unsigned n)
{
    struct code *c = &x->c;
    u64 flip = 0x0101010101010101ull * (n - 1);
    if (x86_features.ssse3) {
        shuffle(x, in, 0x0f0e0d0c0b0a0908ull ^ flip, 0x0706050403020100ull ^ flip);
        return;
    }
    // Bytes in halfwords, halfwords in words, words.
    enum reg ra = value_reg(x, in->a), t = value_xscratch(x), dst = value_result(x, in->a, IR_NO_VALUE, 0);
    x_vmov(c, dst, ra);
    x_vmov(c, t, dst);
    x_vshift_imm(c, PSHIFT_WORDS, LEFT, t, t, 8);
    x_vshift_imm(c, PSHIFT_WORDS, RIGHT, dst, dst, 8);
    x_v2(c, POR, dst, dst, t);
    if (n == 2)
        return;
    u8 halves = n == 4 ? 0xb1 : 0x1b;
    x_v1_imm(c, PSHUFLW, dst, dst, halves);
    x_v1_imm(c, PSHUFHW, dst, dst, halves);
    if (n == 16)
        x_v1_imm(c, PSHUFD, dst, dst, 0x4e);
}

static void splat16(struct comp *x, const struct ir_insn *in, unsigned n)
{
    enum reg ra = value_reg(x, in->a), dst = value_result(x, in->a, IR_NO_VALUE, 0);
    x_v1_imm(&x->c, n < 4 ? PSHUFLW : PSHUFHW, dst, ra, (u8)((n & 3) * 0x55));
    x_v1_imm(&x->c, PSHUFD, dst, dst, n < 4 ? 0x00 : 0xaa);
}

static void select(struct comp *x, const struct ir_insn *in)
{
    enum reg ra = value_reg(x, in->a), rb = value_reg(x, in->b), rc = value_reg(x, in->c);
    if (x86_features.avx512) {
        enum reg dst = value_result(x, in->c, IR_NO_VALUE, BIT(ra) | BIT(rb));
        x_vmov(&x->c, dst, rc);
        x_v512_imm(&x->c, VPTERNLOGD, dst, rb, ra, 0xca);
        return;
    }
    enum reg t = value_xscratch(x), u = value_xscratch(x);
    emit2(x, PANDN, t, rc, ra);
    emit2(x, PAND, u, rb, rc);
    emit2(x, POR, result(x), t, u);
}

// Greater, unsigned: as signed, with the signs of both changed.
static void greater(struct comp *x, const struct ir_insn *in, u32 op, u64 sign)
{
    enum reg ra = value_reg(x, in->a), rb = value_reg(x, in->b), t = value_xscratch(x), u = value_xscratch(x);
    emit_const(x, PXOR, t, ra, sign);
    emit_const(x, PXOR, u, rb, sign);
    emit2(x, op, result(x), t, u);
}

static void shift_imm(struct comp *x, const struct ir_insn *in, u32 op, unsigned ext, u64 n)
{
    enum reg ra = value_reg(x, in->a);
    emit_shift(x, op, ext, value_result(x, in->a, IR_NO_VALUE, 0), ra, (unsigned)n);
}

static void rotate_imm(struct comp *x, const struct ir_insn *in, unsigned bits, unsigned n)
{
    u32 op = bits == 32 ? PSHIFT_DWORDS : PSHIFT_QWORDS;
    enum reg ra = value_reg(x, in->a);
    if (x86_features.avx512) {
        x_v512_shift_imm(&x->c, bits == 32 ? VPROLD : VPROLQ, 1, value_result(x, in->a, IR_NO_VALUE, 0), ra, (u8)n);
        return;
    }
    enum reg t = value_xscratch(x), u = value_xscratch(x);
    emit_shift(x, op, LEFT, t, ra, n);
    emit_shift(x, op, RIGHT, u, ra, bits - n);
    emit2(x, POR, result(x), t, u);
}

// Counts from b, modulo the lane's bits: AVX2's and AVX-512's, which take more for all bits.
static void shift(struct comp *x, const struct ir_insn *in, u32 op, u64 mask)
{
    enum reg ra = value_reg(x, in->a), rb = value_reg(x, in->b), t = value_xscratch(x);
    emit_const(x, PAND, t, rb, mask);
    x_v2(&x->c, op, result(x), ra, t);
}

static void two_512(struct comp *x, const struct ir_insn *in, u32 op)
{
    enum reg ra = value_reg(x, in->a), rb = value_reg(x, in->b);
    x_v512(&x->c, op, value_result(x, in->a, in->b, 0), ra, rb);
}

static void shift_512(struct comp *x, const struct ir_insn *in, u32 op, u64 mask)
{
    enum reg ra = value_reg(x, in->a), rb = value_reg(x, in->b), t = value_xscratch(x);
    emit_const(x, PAND, t, rb, mask);
    x_v512(&x->c, op, result(x), ra, t);
}

// Halfwords by AVX2's words: the lower and the higher ones.
static void shift16(struct comp *x, const struct ir_insn *in, unsigned ext)
{
    enum reg ra = value_reg(x, in->a), rb = value_reg(x, in->b), low = value_xscratch(x), high = value_xscratch(x);
    u32 op = ext == LEFT ? VPSLLVD : ext == RIGHT ? VPSRLVD : VPSRAVD;
    emit_const(x, PAND, high, rb, 0x000f000f000f000full);
    emit_shift(x, PSHIFT_DWORDS, RIGHT, low, high, 16); // the counts of the higher ones
    enum reg t = value_xscratch(x);
    if (ext == LEFT)
        emit_const(x, PAND, t, ra, 0xffff0000ffff0000ull);
    x_v2(&x->c, op, low, ext == LEFT ? t : ra, low); // the higher ones
    emit_const(x, PAND, high, high, 0x0000ffff0000ffffull);
    if (ext == RIGHT)
        emit_const(x, PAND, t, ra, 0x0000ffff0000ffffull);
    else if (ext == SIGNED)
        emit_shift(x, PSHIFT_DWORDS, LEFT, t, ra, 16);
    x_v2(&x->c, op, high, ext == LEFT ? ra : t, high);
    if (ext == SIGNED)
        emit_shift(x, PSHIFT_DWORDS, RIGHT, high, high, 16);
    x_v2_imm(&x->c, PBLENDW, result(x), high, low, 0xaa);
}

// Bytes by AVX-512's halfwords.
static void shift8(struct comp *x, const struct ir_insn *in, unsigned ext)
{
    struct code *c = &x->c;
    enum reg ra = value_reg(x, in->a), rb = value_reg(x, in->b), low = value_xscratch(x), high = value_xscratch(x);
    enum reg t = value_xscratch(x);
    u32 op = ext == LEFT ? VPSLLVW : ext == RIGHT ? VPSRLVW : VPSRAVW;
    const u64 lower = 0x00ff00ff00ff00ffull;
    emit_const(x, PAND, low, rb, 0x0707070707070707ull);
    emit_shift(x, PSHIFT_WORDS, RIGHT, high, low, 8);
    emit_const(x, PAND, low, low, lower);
    if (ext == LEFT)
        emit_const(x, PAND, t, ra, ~lower);
    x_v512(c, op, high, ext == LEFT ? t : ra, high);
    if (ext == RIGHT)
        emit_const(x, PAND, t, ra, lower);
    else if (ext == SIGNED)
        emit_shift(x, PSHIFT_WORDS, LEFT, t, ra, 8);
    x_v512(c, op, low, ext == LEFT ? ra : t, low);
    if (ext == SIGNED)
        emit_shift(x, PSHIFT_WORDS, RIGHT, low, low, 8);
    else
        emit_const(x, PAND, low, low, lower);
    emit_const(x, PAND, high, high, ~lower);
    emit2(x, POR, result(x), low, high);
}

static void rotate(struct comp *x, const struct ir_insn *in, unsigned bits)
{
    enum reg ra = value_reg(x, in->a), rb = value_reg(x, in->b);
    u64 each = bits == 32 ? 0x0000000100000001ull : 1;
    if (x86_features.avx512) {
        x_v512(&x->c, bits == 32 ? VPROLVD : VPROLVQ, value_result(x, in->a, in->b, 0), ra, rb);
        return;
    }
    enum reg left = value_xscratch(x), right = value_xscratch(x);
    emit_const(x, PAND, left, rb, each * (bits - 1));
    x_v1_const(&x->c, MOVAPS, right, select_constant(x, each * bits, each * bits));
    x_v2(&x->c, bits == 32 ? PSUBD : PSUBQ, right, right, left);
    x_v2(&x->c, bits == 32 ? VPSLLVD : VPSLLVQ, left, ra, left);
    x_v2(&x->c, bits == 32 ? VPSRLVD : VPSRLVQ, right, ra, right);
    x_v2(&x->c, POR, result(x), left, right);
}

static void population(struct comp *x, const struct ir_insn *in, unsigned bits)
{
    static const u32 ops[] = {VPOPCNTB, VPOPCNTW, VPOPCNTD, VPOPCNTQ};
    struct code *c = &x->c;
    enum reg ra = value_reg(x, in->a);
    if (x86_features.avx512bitalg) {
        x_v512(c, ops[__builtin_ctz(bits) - 3], value_result(x, in->a, IR_NO_VALUE, 0), 0, ra);
        return;
    }
    // Of each half of a byte by a table.
    const u64 halves = 0x0f0f0f0f0f0f0f0full;
    struct label *table = select_constant(x, 0x0403030203020201ull, 0x0302020102010100ull);
    enum reg low = value_xscratch(x), high = value_xscratch(x), t = value_xscratch(x);
    emit_shift(x, PSHIFT_WORDS, RIGHT, high, ra, 4);
    emit_const(x, PAND, high, high, halves);
    emit_const(x, PAND, low, ra, halves);
    x_v1_const(c, MOVAPS, t, table);
    emit2(x, PSHUFB, t, t, low);
    x_v1_const(c, MOVAPS, low, table);
    emit2(x, PSHUFB, low, low, high);
    enum reg dst = result(x);
    emit2(x, PADDB, dst, t, low);
    if (bits == 16) {
        emit_shift(x, PSHIFT_WORDS, RIGHT, t, dst, 8);
        emit2(x, PADDB, dst, dst, t);
        emit_const(x, PAND, dst, dst, 0x00ff00ff00ff00ffull);
    } else if (bits == 32) {
        emit_const(x, PMADDUBSW, dst, dst, 0x0101010101010101ull);
        emit_const(x, PMADDWD, dst, dst, 0x0001000100010001ull);
    } else if (bits == 64) {
        x_v2(c, PXOR, t, t, t);
        emit2(x, PSADBW, dst, dst, t);
    }
}

// Products of the lanes 2 * i + n, of `bits` bits.
static void multiply(struct comp *x, const struct ir_insn *in, unsigned bits, bool is_signed, unsigned n)
{
    enum reg ra = value_reg(x, in->a), rb = value_reg(x, in->b), t = value_xscratch(x), u = value_xscratch(x);
    if (bits == 32) {
        u32 op = is_signed ? PMULDQ : PMULUDQ;
        if (n) {
            emit_shift(x, PSHIFT_QWORDS, RIGHT, t, ra, 32);
            emit_shift(x, PSHIFT_QWORDS, RIGHT, u, rb, 32);
        }
        emit2(x, op, result2(x, in->a, in->b, n ? u : rb, true), n ? t : ra, n ? u : rb);
    } else if (bits == 16 && is_signed) {
        emit_const(x, PAND, t, ra, n ? 0xffff0000ffff0000ull : 0x0000ffff0000ffffull);
        emit2(x, PMADDWD, result2(x, in->b, IR_NO_VALUE, t, true), t, rb);
    } else if (bits == 16) {
        emit2(x, PMULLW, t, ra, rb);
        emit2(x, PMULHUW, u, ra, rb);
        emit_shift(x, PSHIFT_DWORDS, n ? RIGHT : LEFT, n ? t : u, n ? t : u, 16);
        emit2_imm(x, PBLENDW, result(x), t, u, 0xaa);
    } else {
        if (n) {
            emit_shift(x, PSHIFT_WORDS, is_signed ? SIGNED : RIGHT, t, ra, 8);
            emit_shift(x, PSHIFT_WORDS, is_signed ? SIGNED : RIGHT, u, rb, 8);
        } else if (is_signed) {
            emit_shift(x, PSHIFT_WORDS, LEFT, t, ra, 8);
            emit_shift(x, PSHIFT_WORDS, SIGNED, t, t, 8);
            emit_shift(x, PSHIFT_WORDS, LEFT, u, rb, 8);
            emit_shift(x, PSHIFT_WORDS, SIGNED, u, u, 8);
        } else {
            emit_const(x, PAND, t, ra, 0x00ff00ff00ff00ffull);
            emit_const(x, PAND, u, rb, 0x00ff00ff00ff00ffull);
        }
        emit2(x, PMULLW, result(x), t, u);
    }
}

static void permute(struct comp *x, const struct ir_insn *in, bool complement)
{
    enum reg ra = value_reg(x, in->a), rb = value_reg(x, in->b), rc = value_reg(x, in->c);
    enum reg t = value_xscratch(x);
    u32 mask = complement ? PANDN : PAND;
    if (in->a == in->b) {
        emit_const(x, mask, t, rc, 0x0f0f0f0f0f0f0f0full);
        emit2(x, PSHUFB, result2(x, in->a, IR_NO_VALUE, t, false), ra, t);
        return;
    }
    // Not VPERMI2B, which takes eight cycles: here the operands come in at the end. PSHUFB gives zero where bit 7 of the index is set: of bytes 16 to 31 for b, of the others for a.
    enum reg u = value_xscratch(x);
    emit_const(x, mask, t, rc, 0x1f1f1f1f1f1f1f1full);
    emit_const(x, PADDB, t, t, 0x7070707070707070ull);
    emit2(x, PSHUFB, u, rb, t);
    emit_const(x, PXOR, t, t, 0x8080808080808080ull);
    enum reg dst = result2(x, in->a, IR_NO_VALUE, t, false);
    emit2(x, PSHUFB, dst, ra, t);
    emit2(x, POR, dst, dst, u);
}

// The words of one operand, moved over in each doubleword, between those of the other.
static void merge_words(struct comp *x, const struct ir_insn *in, bool odd)
{
    enum reg ra = value_reg(x, in->a), rb = value_reg(x, in->b), t = value_xscratch(x);
    emit_shift(x, PSHIFT_QWORDS, odd ? RIGHT : LEFT, t, odd ? rb : ra, 32);
    emit2_imm(x, PBLENDW, result2(x, odd ? IR_NO_VALUE : in->b, IR_NO_VALUE, odd ? ra : t, false), odd ? t : rb,
              odd ? ra : t, 0xcc);
}

static void pack(struct comp *x, const struct ir_insn *in, u32 op, u64 mask)
{
    enum reg ra = value_reg(x, in->a), rb = value_reg(x, in->b), t = value_xscratch(x), u = value_xscratch(x);
    emit_const(x, PAND, t, rb, mask);
    emit_const(x, PAND, u, ra, mask);
    emit2(x, op, result(x), t, u);
}

static void carryless(struct comp *x, const struct ir_insn *in)
{
    enum reg ra = value_reg(x, in->a), rb = value_reg(x, in->b), t = value_xscratch(x), u = value_xscratch(x);
    emit2_imm(x, PCLMULQDQ, t, ra, rb, 0x00);
    emit2_imm(x, PCLMULQDQ, u, ra, rb, 0x11);
    emit2(x, PXOR, result(x), t, u);
}

// One instruction each.
static const struct {
    u32 op;
    u8 need;
    bool commutes, reversed;
} simple[VEC_OPS] = {
    [VEC_AND] = {PAND, SSE2, true, false},
    [VEC_ANDN] = {PANDN, SSE2, false, true},
    [VEC_OR] = {POR, SSE2, true, false},
    [VEC_XOR] = {PXOR, SSE2, true, false},
#define ADD(name, op, need) [VEC_##name] = {op, need, true, false}
#define SUB(name, op, need) [VEC_##name] = {op, need, false, false}
#define REV(name, op, need) [VEC_##name] = {op, need, false, true}
    ADD(ADD8, PADDB, SSE2),
    ADD(ADD16, PADDW, SSE2),
    ADD(ADD32, PADDD, SSE2),
    ADD(ADD64, PADDQ, SSE2),
    SUB(SUB8, PSUBB, SSE2),
    SUB(SUB16, PSUBW, SSE2),
    SUB(SUB32, PSUBD, SSE2),
    SUB(SUB64, PSUBQ, SSE2),
    ADD(ADDS8, PADDSB, SSE2),
    ADD(ADDS16, PADDSW, SSE2),
    ADD(ADDU8, PADDUSB, SSE2),
    ADD(ADDU16, PADDUSW, SSE2),
    SUB(SUBS8, PSUBSB, SSE2),
    SUB(SUBS16, PSUBSW, SSE2),
    SUB(SUBU8, PSUBUSB, SSE2),
    SUB(SUBU16, PSUBUSW, SSE2),
    ADD(AVGU8, PAVGB, SSE2),
    ADD(AVGU16, PAVGW, SSE2),
    ADD(MINS8, PMINSB, SSE41),
    ADD(MINS16, PMINSW, SSE2),
    ADD(MINS32, PMINSD, SSE41),
    ADD(MINU8, PMINUB, SSE2),
    ADD(MINU16, PMINUW, SSE41),
    ADD(MINU32, PMINUD, SSE41),
    ADD(MAXS8, PMAXSB, SSE41),
    ADD(MAXS16, PMAXSW, SSE2),
    ADD(MAXS32, PMAXSD, SSE41),
    ADD(MAXU8, PMAXUB, SSE2),
    ADD(MAXU16, PMAXUW, SSE41),
    ADD(MAXU32, PMAXUD, SSE41),
    ADD(EQ8, PCMPEQB, SSE2),
    ADD(EQ16, PCMPEQW, SSE2),
    ADD(EQ32, PCMPEQD, SSE2),
    ADD(EQ64, PCMPEQQ, SSE41),
    SUB(GTS8, PCMPGTB, SSE2),
    SUB(GTS16, PCMPGTW, SSE2),
    SUB(GTS32, PCMPGTD, SSE2),
    SUB(GTS64, PCMPGTQ, SSE41),
    ADD(MUL16, PMULLW, SSE2),
    ADD(MUL32, PMULLD, SSE41),
    ADD(MADD16, PMADDWD, SSE2),
    REV(MERGE_HIGH8, PUNPCKHBW, SSE2),
    REV(MERGE_HIGH16, PUNPCKHWD, SSE2),
    REV(MERGE_HIGH32, PUNPCKHDQ, SSE2),
    REV(MERGE_LOW8, PUNPCKLBW, SSE2),
    REV(MERGE_LOW16, PUNPCKLWD, SSE2),
    REV(MERGE_LOW32, PUNPCKLDQ, SSE2),
    REV(PACKS16, PACKSSWB, SSE2),
    REV(PACKS32, PACKSSDW, SSE2),
    REV(PACKU16, PACKUSWB, SSE2),
    REV(PACKU32, PACKUSDW, SSE41),
    SUB(AESENC, AESENC, AES),
    SUB(AESENCLAST, AESENCLAST, AES),
    SUB(AESDECLAST, AESDECLAST, AES),
#undef ADD
#undef SUB
#undef REV
};

bool target_vector(unsigned op)
{
    if (simple[op].op)
        return has(simple[op].need);
    switch (op) {
    case VEC_MINS64:
    case VEC_MINU64:
    case VEC_MAXS64:
    case VEC_MAXU64:
    case VEC_SHL8:
    case VEC_SHR8:
    case VEC_SAR8:
    case VEC_SAR64: return has(AVX512);
    case VEC_CLZ32:
    case VEC_CLZ64: return has(AVX512CD);
    case VEC_SHL16:
    case VEC_SHL32:
    case VEC_SHL64:
    case VEC_SHR16:
    case VEC_SHR32:
    case VEC_SHR64:
    case VEC_SAR16:
    case VEC_SAR32:
    case VEC_ROL32:
    case VEC_ROL64: return has(AVX2);
    case VEC_POPCNT8:
    case VEC_POPCNT16:
    case VEC_POPCNT32:
    case VEC_POPCNT64:
    case VEC_SPLAT8:
    case VEC_PERMUTE:
    case VEC_ALIGN: return has(SSSE3);
    case VEC_GTU64:
    case VEC_MULU16:
    case VEC_MULS32:
    case VEC_MERGE_ODD32:
    case VEC_MERGE_EVEN32:
    case VEC_PACK32:
    case VEC_SEXT8:
    case VEC_SEXT16:
    case VEC_SEXT32: return has(SSE41);
    case VEC_AESIMC: return has(AES);
    case VEC_CLMUL: return has(PCLMUL);
    default: return true;
    }
}

static void vector(struct comp *x, const struct ir_insn *in)
{
    u64 n = VEC_IMM(in->imm);
    unsigned op = VEC_OP(in->imm);
    if (simple[op].op) {
        if (simple[op].reversed)
            two_reversed(x, in, simple[op].op);
        else
            two(x, in, simple[op].op, simple[op].commutes);
        return;
    }
    const u64 each16 = 0x0001000100010001ull, each32 = 0x0000000100000001ull;
    bool avx512 = x86_features.avx512;
    switch (op) {
    case VEC_CONST: constant(x, n, n); break;
    case VEC_ORN: logic_not(x, in, PANDN, 0xf3); break;
    case VEC_NOR: logic_not(x, in, POR, 0x03); break;
    case VEC_EQV: logic_not(x, in, PXOR, 0xc3); break;
    case VEC_NAND: logic_not(x, in, PAND, 0x3f); break;
    case VEC_SELECT: select(x, in); break;
    case VEC_MINS64: two_512(x, in, VPMINSQ); break;
    case VEC_MINU64: two_512(x, in, VPMINUQ); break;
    case VEC_MAXS64: two_512(x, in, VPMAXSQ); break;
    case VEC_MAXU64: two_512(x, in, VPMAXUQ); break;
    case VEC_GTU8: greater(x, in, PCMPGTB, 0x8080808080808080ull); break;
    case VEC_GTU16: greater(x, in, PCMPGTW, 0x8000800080008000ull); break;
    case VEC_GTU32: greater(x, in, PCMPGTD, 0x8000000080000000ull); break;
    case VEC_GTU64: greater(x, in, PCMPGTQ, 0x8000000000000000ull); break;
    case VEC_SHLI16: shift_imm(x, in, PSHIFT_WORDS, LEFT, n); break;
    case VEC_SHLI32: shift_imm(x, in, PSHIFT_DWORDS, LEFT, n); break;
    case VEC_SHLI64: shift_imm(x, in, PSHIFT_QWORDS, LEFT, n); break;
    case VEC_SHRI16: shift_imm(x, in, PSHIFT_WORDS, RIGHT, n); break;
    case VEC_SHRI32: shift_imm(x, in, PSHIFT_DWORDS, RIGHT, n); break;
    case VEC_SHRI64: shift_imm(x, in, PSHIFT_QWORDS, RIGHT, n); break;
    case VEC_SARI16: shift_imm(x, in, PSHIFT_WORDS, SIGNED, n); break;
    case VEC_SARI32: shift_imm(x, in, PSHIFT_DWORDS, SIGNED, n); break;
    case VEC_ROLI32: rotate_imm(x, in, 32, (unsigned)n); break;
    case VEC_ROLI64: rotate_imm(x, in, 64, (unsigned)n); break;
    case VEC_SHL8: shift8(x, in, LEFT); break;
    case VEC_SHR8: shift8(x, in, RIGHT); break;
    case VEC_SAR8: shift8(x, in, SIGNED); break;
    case VEC_SHL16: avx512 ? shift_512(x, in, VPSLLVW, each16 * 15) : shift16(x, in, LEFT); break;
    case VEC_SHR16: avx512 ? shift_512(x, in, VPSRLVW, each16 * 15) : shift16(x, in, RIGHT); break;
    case VEC_SAR16: avx512 ? shift_512(x, in, VPSRAVW, each16 * 15) : shift16(x, in, SIGNED); break;
    case VEC_SHL32: shift(x, in, VPSLLVD, each32 * 31); break;
    case VEC_SHR32: shift(x, in, VPSRLVD, each32 * 31); break;
    case VEC_SAR32: shift(x, in, VPSRAVD, each32 * 31); break;
    case VEC_SHL64: shift(x, in, VPSLLVQ, 63); break;
    case VEC_SHR64: shift(x, in, VPSRLVQ, 63); break;
    case VEC_SAR64: shift_512(x, in, VPSRAVQ, 63); break;
    case VEC_ROL32: rotate(x, in, 32); break;
    case VEC_ROL64: rotate(x, in, 64); break;
    case VEC_POPCNT8: population(x, in, 8); break;
    case VEC_POPCNT16: population(x, in, 16); break;
    case VEC_POPCNT32: population(x, in, 32); break;
    case VEC_POPCNT64: population(x, in, 64); break;
    case VEC_CLZ32: one_512(x, in, VPLZCNTD); break;
    case VEC_CLZ64: one_512(x, in, VPLZCNTQ); break;
    case VEC_MULU8: multiply(x, in, 8, false, (unsigned)n); break;
    case VEC_MULS8: multiply(x, in, 8, true, (unsigned)n); break;
    case VEC_MULU16: multiply(x, in, 16, false, (unsigned)n); break;
    case VEC_MULS16: multiply(x, in, 16, true, (unsigned)n); break;
    case VEC_MULU32: multiply(x, in, 32, false, (unsigned)n); break;
    case VEC_MULS32: multiply(x, in, 32, true, (unsigned)n); break;
    case VEC_DWORDS: dwords(x, in, (unsigned)n); break;
    case VEC_WORDS: words(x, in, (u8)n); break;
    case VEC_REVERSE: reverse(x, in, (unsigned)n); break;
    case VEC_SPLAT8: shuffle(x, in, (n & 15) * 0x0101010101010101ull, (n & 15) * 0x0101010101010101ull); break;
    case VEC_SPLAT16: splat16(x, in, (unsigned)n & 7); break;
    case VEC_BYTES_LEFT: shift_imm(x, in, PSHIFT_BYTES, PSLLDQ, n); break;
    case VEC_BYTES_RIGHT: shift_imm(x, in, PSHIFT_BYTES, PSRLDQ, n); break;
    case VEC_ALIGN: {
        enum reg ra = value_reg(x, in->a), rb = value_reg(x, in->b);
        emit2_imm(x, PALIGNR, result2(x, in->a, in->b, rb, false), ra, rb, (u8)(16 - n));
        break;
    }
    case VEC_PERMUTE: permute(x, in, n != 0); break;
    case VEC_MERGE_ODD32: merge_words(x, in, true); break;
    case VEC_MERGE_EVEN32: merge_words(x, in, false); break;
    case VEC_PACK16: pack(x, in, PACKUSWB, 0x00ff00ff00ff00ffull); break;
    case VEC_PACK32: pack(x, in, PACKUSDW, 0x0000ffff0000ffffull); break;
    case VEC_PACK64: {
        enum reg ra = value_reg(x, in->a), rb = value_reg(x, in->b);
        emit2_imm(x, SHUFPS, result2(x, in->b, in->a, ra, false), rb, ra, 0x88);
        break;
    }
    case VEC_SEXT8: one(x, in, PMOVSXBW); break;
    case VEC_SEXT16: one(x, in, PMOVSXWD); break;
    case VEC_SEXT32: one(x, in, PMOVSXDQ); break;
    case VEC_AESIMC: one(x, in, AESIMC); break;
    case VEC_CLMUL: carryless(x, in); break;
    default: x->failed = true; break;
    }
}

// XTOD
static void scalar_of(struct comp *x, const struct ir_insn *in)
{
    enum reg ra = value_reg(x, in->a);
    if (in->imm)
        x_vmov(&x->c, value_result(x, in->a, IR_NO_VALUE, 0), ra);
    else
        x_v1_imm(&x->c, PSHUFD, value_result(x, in->a, IR_NO_VALUE, 0), ra, 0xee);
}

// XTOV
static void extract(struct comp *x, const struct ir_insn *in)
{
    struct code *c = &x->c;
    enum reg ra = value_reg(x, in->a);
    if (!in->imm) {
        x_vmov_to(c, 1, result(x), ra);
    } else if (x86_features.sse41) {
        x_v1_imm(c, PEXTRQ, ra, result(x), 1);
    } else {
        enum reg t = value_xscratch(x);
        x_v1_imm(c, PSHUFD, t, ra, 0xee);
        x_vmov_to(c, 1, result(x), t);
    }
}

// VTOX
static void pair(struct comp *x, const struct ir_insn *in)
{
    struct code *c = &x->c;
    if (is_const(x, in->a) && is_const(x, in->b)) {
        constant(x, comp_insn(x, in->a)->imm, comp_insn(x, in->b)->imm);
        return;
    }
    enum reg high = value_reg(x, in->a), low = value_reg(x, in->b);
    enum reg t = value_xscratch(x), dst = result(x);
    x_vmov_from(c, 1, dst, low);
    if (in->a == in->b) {
        x_v1_imm(c, PSHUFD, dst, dst, 0x44);
        return;
    }
    x_vmov_from(c, 1, t, high);
    x_v2(c, PUNPCKLQDQ, dst, dst, t);
}

// VSCR[SAT] when any bit of a is set.
static void saturated(struct comp *x, const struct ir_insn *in)
{
    struct code *c = &x->c;
    enum reg ra = value_reg(x, in->a);
    struct label none = {0};
    if (x86_features.sse41) {
        x_v1(c, PTEST, ra, ra);
    } else {
        enum reg t = value_xscratch(x), r = value_scratch(x);
        x_v2(c, PXOR, t, t, t);
        emit2(x, PCMPEQB, t, t, ra);
        x_v1(c, PMOVMSKB, r, t);
        x_alu_imm(c, ALU_CMP, 0, r, 0xffff);
    }
    x_jcc(c, CC_E, &none);
    x_alu_mem_imm(c, ALU_OR, 0, CPU_MEM(vscr), VSCR_SAT);
    x_bind(c, &none);
}

void select_vector(struct comp *x, const struct ir_insn *in)
{
    struct code *c = &x->c;
    enum reg ra;
    switch (in->op) {
    case IR_XTOV: extract(x, in); break;
    case IR_VTOX: pair(x, in); break;
    case IR_XTOD: scalar_of(x, in); break;
    case IR_DTOX:
        ra = value_reg(x, in->a);
        emit_shift(x, PSHIFT_BYTES, PSLLDQ, value_result(x, in->a, IR_NO_VALUE, 0), ra, 8);
        break;
    case IR_VTOD:
        ra = value_reg(x, in->a);
        x_vmov_from(c, 1, result(x), ra);
        break;
    case IR_DTOV:
        ra = value_reg(x, in->a);
        x_vmov_to(c, 1, result(x), ra);
        break;
    case IR_XMASK:
        ra = value_reg(x, in->a);
        x_v1(c, PMOVMSKB, result(x), ra);
        break;
    case IR_SATURATED: saturated(x, in); break;
    default: vector(x, in); break;
    }
}
