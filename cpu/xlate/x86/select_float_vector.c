// SPDX-License-Identifier: Apache-2.0
// Instructions for floating-point operations on vectors. What is said in select_float.c holds for each element: one that needs more than the
// host's instruction takes the whole operation out of line. No two-step rounding here: single precision is the host's own.
#include <string.h>

#include "cpu/exec/fp_lazy.h"
#include "cpu/xlate/x86/comp.h"

// As for doubles; singles have no prefix.
enum {
    SQRT = 0x51,
    AND = 0x54,
    ANDN = 0x55,
    OR = 0x56,
    XOR = 0x57,
    ADD = 0x58,
    MUL = 0x59,
    SUB = 0x5c,
    MIN = 0x5d,
    DIV = 0x5e,
    MAX = 0x5f,
    COMPARE = 0xc2,
    MOVE_MASK = 0x50,
    CVTDQ2PS = SSE_NP(1, 0x5b),
    CVTTPS2DQ = SSE_F3(1, 0x5b),
    CVTDQ2PD = SSE_F3(1, 0xe6),
    CVTTPD2DQ = SSE_66(1, 0xe6),
    CVTPD2PS = SSE_66(1, 0x5a),
    CVTPS2PD = SSE_NP(1, 0x5a),
    ROUNDPS = SSE_66(3, 0x08),
    ROUNDPD = SSE_66(3, 0x09),
    VCVTQQ2PD = SSE_F3(1, 0xe6) | SSE_W,
    VCVTUQQ2PD = SSE_F3(1, 0x7a) | SSE_W,
    VCVTUDQ2PD = SSE_F3(1, 0x7a),
    VCVTUDQ2PS = SSE_F2(1, 0x7a),
    VCVTTPD2QQ = SSE_66(1, 0x7a) | SSE_W,
    FMADD231 = SSE_66(2, 0xb8),
    FMSUB231 = SSE_66(2, 0xba),
};
enum { CMP_EQ, CMP_LT, CMP_LE, CMP_UNORDERED, CMP_NLT = 5, CMP_NGT = 10 };

static bool is_single(enum fp_kind kind)
{
    return kind >= FPK_VADD32;
}

static u32 packed(const struct fp_site *s, u32 op)
{
    return is_single((enum fp_kind)s->kind) ? SSE_NP(1, op) : SSE_66(1, op);
}

static struct label *both(struct comp *x, const struct fp_site *s, u64 v64, u32 v32)
{
    u64 v = is_single((enum fp_kind)s->kind) ? (u64)v32 << 32 | v32 : v64;
    return select_constant(x, v, v);
}

static struct label *magnitude(struct comp *x, const struct fp_site *s)
{
    return both(x, s, 0x7fffffffffffffff, 0x7fffffff);
}

static void compare(struct comp *x, const struct fp_site *s, enum reg dst, enum reg a, enum reg b, u8 how)
{
    if (!x86_features.avx)
        x_vmov(&x->c, dst, a);
    x_v2_imm(&x->c, packed(s, COMPARE), dst, x86_features.avx ? a : dst, b, how);
}

// Out of line when any element of the mask is set.
static void go_if_any(struct comp *x, struct fp_site *s, enum reg mask)
{
    x_v1(&x->c, packed(s, MOVE_MASK), s->bits, mask);
    x_test(&x->c, 0, s->bits, s->bits);
    x_jcc(&x->c, CC_NE, &s->start);
}

static void check_nan(struct comp *x, struct fp_site *s)
{
    compare(x, s, s->scratch[0], s->result, s->result, CMP_UNORDERED);
    go_if_any(x, s, s->scratch[0]);
}

// Elements of `r` that are NaNs, or no greater than `least`; NULL: the smallest normal number.
static void check_tiny(struct comp *x, struct fp_site *s, enum reg r, struct label *least, struct label *bits)
{
    enum reg t = s->scratch[0], mask = s->scratch[1];
    s->quick = FP_QUICK_VECTOR;
    float_two_const(x, SSE_66(1, AND), t, r, bits);
    if (x86_features.avx && !least) {
        struct mem m = mem_at(CPU, (s32)(offsetof(struct cpu, fp_least) + 32 * is_single((enum fp_kind)s->kind)));
        x_v2_mem_imm(&x->c, packed(s, COMPARE), mask, t, m, CMP_NGT);
    } else {
        x_v1_const(&x->c, MOVUPS_LOAD, mask, least ? least : both(x, s, 0x0010000000000000, 0x00800000));
        compare(x, s, mask, mask, t, CMP_NLT);
    }
    go_if_any(x, s, mask);
}

// Elements that are zero because an operand is are not tiny.
void float_cold_vector(struct comp *x, struct fp_site *s)
{
    struct code *c = &x->c;
    enum reg zero = s->scratch[0], mask = s->scratch[1];
    bool divides = s->kind == FPK_VDIV64 || s->kind == FPK_VDIV32 || s->kind == FPK_VNARROW;
    for (unsigned i = 0; i < (divides ? 1u : 2u); i++) {
        x_v2(c, PXOR, zero, zero, zero);
        x_v2_imm(c, packed(s, COMPARE), zero, zero, s->args[i], CMP_EQ);
        x_v2(c, PANDN, zero, zero, mask);
        enum reg t = zero;
        zero = mask;
        mask = t;
    }
    enum reg nan = s->kind == FPK_VNARROW ? s->args[0] : s->result;
    compare(x, s, zero, nan, nan, CMP_UNORDERED);
    x_v2(c, POR, mask, mask, zero);
    x_v1(c, packed(s, MOVE_MASK), s->bits, mask);
    x_test(c, 0, s->bits, s->bits);
    x_jcc(c, CC_E, &s->resume);
}

static bool is_sum(const struct fp_site *s)
{
    return s->kind == FPK_VADD64 || s->kind == FPK_VSUB64 || s->kind == FPK_VADD32 || s->kind == FPK_VSUB32;
}

static void check_result(struct comp *x, struct fp_site *s)
{
    if (is_sum(s))
        check_nan(x, s);
    else
        check_tiny(x, s, s->result, NULL, magnitude(x, s));
}

static void arithmetic(struct comp *x, struct fp_site *s, u32 op)
{
    float_two(x, packed(s, op), s->result, s->args[0], s->args[1]);
    check_result(x, s);
}

static void multiply_add(struct comp *x, const struct fp_site *s, bool subtract)
{
    u32 w = is_single((enum fp_kind)s->kind) ? 0 : SSE_W;
    if (!s->holds_last)
        x_vmov(&x->c, s->result, s->args[2]);
    x_v2(&x->c, (subtract ? FMSUB231 : FMADD231) | w, s->result, s->args[0], s->args[1]);
}

static void fused(struct comp *x, struct fp_site *s, bool subtract, bool negate)
{
    multiply_add(x, s, subtract);
    check_result(x, s);
    x_bind(&x->c, &s->resume);
    if (negate)
        x_v2_const(&x->c, PXOR, s->result, s->result, both(x, s, 1ull << 63, 1u << 31));
}

static void root(struct comp *x, struct fp_site *s)
{
    x_v1(&x->c, packed(s, SQRT), s->result, s->args[0]);
    check_nan(x, s);
}

static void unordered_first(struct comp *x, struct fp_site *s)
{
    compare(x, s, s->scratch[0], s->args[0], s->args[1], CMP_UNORDERED);
    go_if_any(x, s, s->scratch[0]);
}

static void extreme(struct comp *x, struct fp_site *s, bool max)
{
    u32 op = packed(s, max ? MAX : MIN);
    unordered_first(x, s);
    float_two(x, op, s->result, s->args[0], s->args[1]);
    float_two(x, op, s->scratch[0], s->args[1], s->args[0]);
    x_v2(&x->c, max ? PAND : POR, s->result, s->result, s->scratch[0]);
}

static void mask(struct comp *x, struct fp_site *s, u8 how)
{
    unordered_first(x, s);
    compare(x, s, s->result, s->args[1], s->args[0], how);
}

static void round_to(struct comp *x, struct fp_site *s, u8 mode)
{
    x_v1_imm(&x->c, is_single((enum fp_kind)s->kind) ? ROUNDPS : ROUNDPD, s->result, s->args[0], mode);
    check_nan(x, s);
}

// 32-bit integers: the host's one for what cannot be converted takes the operation out of line.
static void to_words(struct comp *x, struct fp_site *s, u32 op)
{
    struct code *c = &x->c;
    x_v1(c, op, s->result, s->args[0]);
    float_two_const(x, PCMPEQD, s->scratch[0], s->result, select_constant(x, 0x8000000080000000, 0x8000000080000000));
    x_v1(c, SSE_NP(1, MOVE_MASK), s->bits, s->scratch[0]);
    x_test(c, 0, s->bits, s->bits);
    x_jcc(c, CC_NE, &s->start);
}

#define BOTH_WORDS 0x50 // words 0, 1 to doublewords
#define HIGH_WORDS 0x0d // the more significant words of doublewords to words 0, 1

// Conversions of doublewords, and of unsigned integers.
static void with_avx512(struct comp *x, struct fp_site *s)
{
    struct code *c = &x->c;
    switch (s->kind) {
    case FPK_VFROM_S64: x_v512(c, VCVTQQ2PD, s->result, 0, s->args[0]); break;
    case FPK_VFROM_U64: x_v512(c, VCVTUQQ2PD, s->result, 0, s->args[0]); break;
    case FPK_VFROM_U32S: x_v512(c, VCVTUDQ2PS, s->result, 0, s->args[0]); break;
    case FPK_VFROM_U32:
        x_v1_imm(c, PSHUFD, s->result, s->args[0], HIGH_WORDS);
        x_v512(c, VCVTUDQ2PD, s->result, 0, s->result);
        break;
    default: // the host's integer for what cannot be converted takes the operation out of line
        x_v512(c, VCVTTPD2QQ, s->result, 0, s->args[0]);
        float_two_const(x, PCMPEQQ, s->scratch[0], s->result, select_constant(x, 1ull << 63, 1ull << 63));
        x_v1(c, SSE_66(1, MOVE_MASK), s->bits, s->scratch[0]);
        x_test(c, 0, s->bits, s->bits);
        x_jcc(c, CC_NE, &s->start);
        break;
    }
}

static void compute_pairing(struct comp *x, struct fp_site *s)
{
    switch (s->kind) {
    case FPK_VADD64:
    case FPK_VADD32: float_two(x, packed(s, ADD), s->result, s->args[0], s->args[1]); break;
    case FPK_VSUB64:
    case FPK_VSUB32: float_two(x, packed(s, SUB), s->result, s->args[0], s->args[1]); break;
    case FPK_VMUL64:
    case FPK_VMUL32: float_two(x, packed(s, MUL), s->result, s->args[0], s->args[1]); break;
    case FPK_VDIV64:
    case FPK_VDIV32: float_two(x, packed(s, DIV), s->result, s->args[0], s->args[1]); break;
    default: multiply_add(x, s, s->kind == FPK_VMSUB64 || s->kind == FPK_VMSUB32); break;
    }
}

// What the first one of a pair needs is where code out of line may use it, and the second one with it.
static bool has_room(const struct comp *x, const struct ir_insn *in, const struct ir_insn *first, ir_value v)
{
    const ir_value values[] = {v, first->a, first->b, first->c, in->a, in->b, in->c};
    u32 used = 0;
    unsigned more = 3; // the result, and two to work in
    for (unsigned i = 0; i < ARRAY_LEN(values); i++) {
        if (values[i] == IR_NO_VALUE)
            continue;
        const struct val *val = &x->vals[values[i]];
        if (val->loc == LOC_REG)
            used |= 1u << val->n;
        else if (val->loc == LOC_SLOT)
            more++; // it may have to be moved out of the slot's register
        else if (i < 4)
            return false;
        else
            more++;
    }
    return (unsigned)__builtin_popcount(used) + more <= (unsigned)__builtin_popcount(x->pool & XMM_FILE);
}

static void find_first(struct comp *x, struct fp_site *first)
{
    const struct ir_insn *in = comp_insn(x, first->at);
    const ir_value v[] = {in->a, in->b, in->c};
    for (unsigned i = 0; i < ir_ops[in->op].values; i++)
        first->args[i] = (u8)value_reg(x, v[i]);
    first->result = (u8)value_reg(x, first->at);
}

static void work_in(struct comp *x, struct fp_site *s)
{
    s->scratch[0] = (u8)value_xscratch(x);
    s->scratch[1] = (u8)value_xscratch(x);
    s->bits = (u8)value_scratch(x);
}

// The second one of a pair. False: it is on its own now, the first one checked.
static bool second(struct comp *x, const struct ir_insn *in)
{
    struct code *c = &x->c;
    unsigned before = x->fp_sites_len;
    ir_value v = (ir_value)(x->vals[x->at].pair - 1);
    while (before && x->fp_sites[before - 1].at != v)
        before--;
    if (!before) {
        x->failed = true;
        return false;
    }
    struct fp_site *first = &x->fp_sites[before - 1];
    bool room = has_room(x, in, comp_insn(x, v), v);
    find_first(x, first);
    if (!room) {
        first->waits = false;
        work_in(x, first);
        check_result(x, first);
        x_bind(c, &first->resume);
        x_bind(c, &first->back);
        x->locked = 0;
        return false;
    }
    struct fp_site *s = float_begin(x, in);
    find_first(x, first); // the result may have taken a slot's register
    work_in(x, s);
    s->before = (u16)before;
    compute_pairing(x, s);
    enum reg t = s->scratch[0], mask = s->scratch[1];
    s32 at = 32 * is_single((enum fp_kind)s->kind);
    x_v2_imm(c, VINSERTF128, t, first->result, s->result, 1);
    x_v2_mem(c, packed(s, AND) | SSE_256, t, t, mem_at(CPU, (s32)offsetof(struct cpu, fp_abs) + at));
    x_v2_mem_imm(c, packed(s, COMPARE) | SSE_256, mask, t, mem_at(CPU, (s32)offsetof(struct cpu, fp_least) + at),
                 CMP_NGT);
    x_v1(c, packed(s, MOVE_MASK) | SSE_256, s->bits, mask);
    x_test(c, 0, s->bits, s->bits);
    x_jcc(c, CC_NE, &s->start);
    x_bind(c, &s->resume);
    x_bind(c, &s->back);
    return true;
}

// Goes to s->resume, or does the operation by reference semantics.
static void look_again(struct comp *x, struct fp_site *s)
{
    struct code *c = &x->c;
    enum reg t = s->scratch[0], mask = s->scratch[1];
    if (is_sum(s)) {
        compare(x, s, mask, s->result, s->result, CMP_UNORDERED);
    } else {
        float_two_const(x, SSE_66(1, AND), t, s->result, magnitude(x, s));
        s32 at = 32 * is_single((enum fp_kind)s->kind);
        x_v2_mem_imm(c, packed(s, COMPARE), mask, t, mem_at(CPU, (s32)offsetof(struct cpu, fp_least) + at), CMP_NGT);
    }
    x_v1(c, packed(s, MOVE_MASK), s->bits, mask);
    x_test(c, 0, s->bits, s->bits);
    x_jcc(c, CC_E, &s->resume);
    if (!is_sum(s))
        float_cold_vector(x, s);
    float_call(x, s);
}

void float_cold_pair(struct comp *x, struct fp_site *first, struct fp_site *second)
{
    memcpy(first->scratch, second->scratch, sizeof(first->scratch));
    first->bits = second->bits;
    look_again(x, first);
    x_bind(&x->c, &first->resume);
    second->holds_last = false; // the register has the result now
    compute_pairing(x, second);
    look_again(x, second);
    x_jmp(&x->c, &second->back);
}

void select_float_vector(struct comp *x, const struct ir_insn *in)
{
    struct code *c = &x->c;
    u16 pair = x->vals[x->at].pair;
    if (pair && pair <= x->at && second(x, in))
        return;
    struct fp_site *s = float_begin(x, in);
    if (pair > x->at) {
        s->waits = true;
        compute_pairing(x, s);
        return;
    }
    work_in(x, s);
    if ((in->op == IR_FV3 && !x86_features.fma) || !x86_features.sse41) {
        float_out_of_line(x, s);
        return;
    }
    switch (in->imm) {
    case FPK_VADD64:
    case FPK_VADD32: arithmetic(x, s, ADD); break;
    case FPK_VSUB64:
    case FPK_VSUB32: arithmetic(x, s, SUB); break;
    case FPK_VMUL64:
    case FPK_VMUL32: arithmetic(x, s, MUL); break;
    case FPK_VDIV64:
    case FPK_VDIV32: arithmetic(x, s, DIV); break;
    case FPK_VSQRT64:
    case FPK_VSQRT32: root(x, s); break;
    case FPK_VMADD64:
    case FPK_VMADD32: fused(x, s, false, false); break;
    case FPK_VMSUB64:
    case FPK_VMSUB32: fused(x, s, true, false); break;
    case FPK_VNMADD64:
    case FPK_VNMADD32: fused(x, s, false, true); break;
    case FPK_VNMSUB64:
    case FPK_VNMSUB32: fused(x, s, true, true); break;
    case FPK_VMAX64:
    case FPK_VMAX32: extreme(x, s, true); break;
    case FPK_VMIN64:
    case FPK_VMIN32: extreme(x, s, false); break;
    case FPK_VMASK_EQ64:
    case FPK_VMASK_EQ32: mask(x, s, CMP_EQ); break;
    case FPK_VMASK_GT64:
    case FPK_VMASK_GT32: mask(x, s, CMP_LT); break;
    case FPK_VMASK_GE64:
    case FPK_VMASK_GE32: mask(x, s, CMP_LE); break;
    case FPK_VROUND_TRUNCATE64:
    case FPK_VROUND_TRUNCATE32: round_to(x, s, 8 | 3); break;
    case FPK_VROUND_UP64:
    case FPK_VROUND_UP32: round_to(x, s, 8 | 2); break;
    case FPK_VROUND_DOWN64:
    case FPK_VROUND_DOWN32: round_to(x, s, 8 | 1); break;
    case FPK_VROUND_CURRENT64:
    case FPK_VROUND_CURRENT32: round_to(x, s, 4); break;
    case FPK_VFROM_S32S: x_v1(c, CVTDQ2PS, s->result, s->args[0]); break;
    case FPK_VFROM_S32:
        x_v1_imm(c, PSHUFD, s->result, s->args[0], HIGH_WORDS);
        x_v1(c, CVTDQ2PD, s->result, s->result);
        break;
    case FPK_VFROM_S64:
    case FPK_VFROM_U64:
    case FPK_VFROM_U32:
    case FPK_VFROM_U32S:
    case FPK_VTO_S64:
        if (!x86_features.avx512) {
            float_out_of_line(x, s);
            return;
        }
        with_avx512(x, s);
        break;
    case FPK_VTO_S32S: to_words(x, s, CVTTPS2DQ); break;
    case FPK_VTO_S32:
        to_words(x, s, CVTTPD2DQ);
        x_v1_imm(c, PSHUFD, s->result, s->result, BOTH_WORDS);
        break;
    case FPK_VWIDEN:
        x_v1_imm(c, PSHUFD, s->result, s->args[0], HIGH_WORDS);
        x_v1(c, CVTPS2PD, s->result, s->result);
        check_nan(x, s);
        break;
    case FPK_VNARROW:
        check_tiny(x, s, s->args[0], both(x, s, 0x3810000000000000, 0), magnitude(x, s));
        x_bind(c, &s->resume);
        x_v1(c, CVTPD2PS, s->result, s->args[0]);
        x_v1_imm(c, PSHUFD, s->result, s->result, BOTH_WORDS);
        break;
    default: float_out_of_line(x, s); return;
    }
    if (!s->resume.at)
        x_bind(c, &s->resume);
    x_bind(c, &s->back);
}
