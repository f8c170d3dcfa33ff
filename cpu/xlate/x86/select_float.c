// SPDX-License-Identifier: Apache-2.0
//
// Instructions for floating-point operations. The host's unit computes with FPSCR[RN] as its rounding mode and nothing trapped; x86 and
// Power agree on every result that is not a NaN, and on ZX, OX and XX. Where they differ:
//
// (1) A NaN that comes out (default NaN, order of precedence, exceptions): found by comparing the result with itself.
// (2) Underflow: Power looks before rounding, x86 after it. They differ where an inexact result is the smallest normal number, so
//     that results of up to that magnitude go out of line where they can be inexact; zeros are told apart there first. Sums that
//     small are exact. What the host notes for them is less than or the same as what the reference semantics do.
// (3) Single precision in registers of doubles: the operation is rounded to double, and then to single. In directed modes that
//     is one rounding. To nearest it differs from one only where the double is half way between two singles and the operation was
//     inexact. Sums, products, quotients and roots of operands with 24 significant bits are never that (53 >= 2 * 24 + 2).
#include "cpu/exec/fp_lazy.h"
#include "cpu/msr.h"
#include "cpu/xlate/x86/comp.h"

enum {
    UCOMISD = SSE_66(1, 0x2e),
    ADDSD = SSE_F2(1, 0x58),
    MULSD = SSE_F2(1, 0x59),
    SUBSD = SSE_F2(1, 0x5c),
    MINSD = SSE_F2(1, 0x5d),
    DIVSD = SSE_F2(1, 0x5e),
    MAXSD = SSE_F2(1, 0x5f),
    SQRTSD = SSE_F2(1, 0x51),
    ANDPD = SSE_66(1, 0x54),
    ANDNPD = SSE_66(1, 0x55),
    ORPD = SSE_66(1, 0x56),
    XORPD = SSE_66(1, 0x57),
    CMPSD = SSE_F2(1, 0xc2),
    CVTSD2SS = SSE_F2(1, 0x5a),
    CVTSS2SD = SSE_F3(1, 0x5a),
    CVTSI2SD = SSE_F2(1, 0x2a) | SSE_W,
    CVTSI2SS = SSE_F3(1, 0x2a) | SSE_W,
    CVTTSD2SI = SSE_F2(1, 0x2c),
    CVTSD2SI = SSE_F2(1, 0x2d),
    ROUNDSD = SSE_66(3, 0x0b),
    FMADD231SD = SSE_66(2, 0xb9) | SSE_W,
    FMSUB231SD = SSE_66(2, 0xbb) | SSE_W,
    // Single format.
    UCOMISS = SSE_NP(1, 0x2e),
    ADDSS = SSE_F3(1, 0x58),
    MULSS = SSE_F3(1, 0x59),
    SUBSS = SSE_F3(1, 0x5c),
    DIVSS = SSE_F3(1, 0x5e),
    SQRTSS = SSE_F3(1, 0x51),
    FMADD231SS = SSE_66(2, 0xb9),
    FMSUB231SS = SSE_66(2, 0xbb),
};
enum { CMP_LT = 1, CMP_LE = 2, CMP_EQ = 0 };                                                // of CMPSD
enum { ROUND_DOWN = 1, ROUND_UP = 2, ROUND_TRUNCATE = 3, ROUND_MODE = 4, ROUND_EXACT = 8 }; // of ROUNDSD

#define SIGN         0x8000000000000000ull
#define MIN_DOUBLE   0x0010000000000000ull // the smallest normal numbers
#define MIN_SINGLE   0x3810000000000000ull // as a double
#define MIN_FLOAT    0x00800000ull
#define FLOAT_SIGN   0x80000000ull
#define TWO_32       0x41f0000000000000ull
#define TWO_63       0x43e0000000000000ull
#define MINUS_ONE    0xbff0000000000000ull
#define DOUBLE(bits) select_constant(x, (bits), (bits))

// What is looked at out of line before anything is called.
enum quick {
    QUICK_NONE,
    QUICK_SUM,      // the result zero
    QUICK_PRODUCT,  // one of the first two operands zero
    QUICK_DIVIDEND, // the first operand zero
    QUICK_VECTOR = FP_QUICK_VECTOR,
    QUICK_NARROW, // NARROW of zero: a general register has the double
};

// Operands and result in single format.
static bool is_float_kind(unsigned kind)
{
    return kind >= FPK_ADDF && kind <= FPK_FROM_S64F;
}

// Operands in double format, the result in single format: the operation that has both as doubles.
static enum fp_kind as_doubles(unsigned kind)
{
    static const u8 kinds[] = {FPK_ADDS,  FPK_SUBS,  FPK_MULS,   FPK_DIVS,   FPK_SQRTS,
                               FPK_MADDS, FPK_MSUBS, FPK_NMADDS, FPK_NMSUBS, FPK_RSP};
    static_assert(ARRAY_LEN(kinds) == FPK_RSPG - FPK_ADDG + 1, "one for each");
    return kind >= FPK_ADDG && kind <= FPK_RSPG ? (enum fp_kind)kinds[kind - FPK_ADDG] : (enum fp_kind)kind;
}

static u32 compare_op(const struct fp_site *s)
{
    return is_float_kind(s->kind) ? UCOMISS : UCOMISD;
}

// dst = op(a, b), dst not b.
void float_two(struct comp *x, u32 op, enum reg dst, enum reg a, enum reg b)
{
    if (x86_features.avx) {
        x_v2(&x->c, op, dst, a, b);
    } else {
        x_vmov(&x->c, dst, a);
        x_v2(&x->c, op, dst, dst, b);
    }
}

void float_two_const(struct comp *x, u32 op, enum reg dst, enum reg a, struct label *l)
{
    if (!x86_features.avx)
        x_vmov(&x->c, dst, a);
    x_v2_const(&x->c, op, dst, x86_features.avx ? a : dst, l);
}

static struct fp_site *new_site(struct comp *x, const struct ir_insn *in)
{
    struct fp_site *s = &x->fp_site_spare;
    if (x->fp_sites_len == FP_SITES_MAX)
        x->failed = true;
    else
        s = &x->fp_sites[x->fp_sites_len++];
    *s = (struct fp_site){.at = (u16)x->at, .kind = (u8)in->imm, .args = {NO_REG, NO_REG, NO_REG}};
    return s;
}

struct fp_site *float_begin(struct comp *x, const struct ir_insn *in)
{
    struct fp_site *s = new_site(x, in);
    const ir_value v[] = {in->a, in->b, in->c};
    unsigned n = ir_ops[in->op].values, last = NO_REG;
    for (unsigned i = 0; i < n; i++)
        last = value_reg(x, v[i]);
    s->result = (u8)value_result(x, IR_NO_VALUE, IR_NO_VALUE, 0);
    s->holds_last = s->result == last; // a slot's register, whose value has another one now
    for (unsigned i = 0; i < n; i++)
        s->args[i] = (u8)value_reg(x, v[i]);
    return s;
}

void float_call(struct comp *x, const struct fp_site *s)
{
    struct code *c = &x->c;
    char type = ir_type(comp_insn(x, s->at));
    char from = ir_operand_type(comp_insn(x, s->at), 0);
    for (unsigned i = 0; i < 3; i++) {
        s32 offset = (s32)(offsetof(struct cpu, fp_arg) + 16 * i);
        if (s->args[i] == NO_REG)
            continue;
        if (from == 'X')
            x_v1_mem(c, MOVUPS_STORE, s->args[i], mem_at(CPU, offset));
        else
            x_v1_mem(c, MOVQ_STORE, s->args[i], mem_at(CPU, offset + 8));
    }
    x_store_imm(c, 4, CPU_MEM(fp_kind), s->kind);
    x_lea(c, 1, RSP, mem_at(RSP, -RED_ZONE));
    x_call_mem(c, CPU_MEM(fp_call));
    x_lea(c, 1, RSP, mem_at(RSP, RED_ZONE));
    s32 offset = (s32)(offsetof(struct cpu, fp_arg) + 48);
    if (type == 'V')
        x_load(c, 1, s->result, mem_at(CPU, offset + 8));
    else if (type == 'X')
        x_v1_mem(c, MOVUPS_LOAD, s->result, mem_at(CPU, offset));
    else
        x_v1_mem(c, MOVQ_LOAD, s->result, mem_at(CPU, offset + 8));
}

// Whether the double in scratch[1], half way between two singles, is a * b + c exactly: then the rest rounds it once. With 24 significant
// bits in a and b their product is exact; the sum is where one addend comes back when the other one is subtracted, both ways.
// What the subtractions lose has been lost, and noted, before.
static void exact_sum(struct comp *x, struct fp_site *s, struct label *slow)
{
    struct code *c = &x->c;
    enum reg r = s->scratch[0], product = s->result, sum = s->scratch[1];
    bool sub = as_doubles(s->kind) == FPK_MSUBS || as_doubles(s->kind) == FPK_NMSUBS;
    float_two(x, ORPD, r, s->args[0], s->args[1]);
    x_v2_const(c, ANDPD, r, r, DOUBLE(0x1fffffff));
    float_two(x, XORPD, product, r, r);
    x_v1(c, UCOMISD, r, product);
    x_jcc(c, CC_NE, slow);
    for (unsigned i = 0; i < 2; i++) { // nothing to be noted for the product
        float_two_const(x, ANDPD, r, s->args[i], DOUBLE(~SIGN));
        x_v1_const(c, UCOMISD, r, DOUBLE(MIN_SINGLE));
        x_jcc(c, CC_B, slow);
        x_v1_const(c, UCOMISD, r, DOUBLE(TWO_63));
        x_jcc(c, CC_A, slow);
    }
    float_two(x, MULSD, product, s->args[0], s->args[1]);
    float_two(x, SUBSD, r, sum, product);
    if (sub)
        x_v2_const(c, XORPD, r, r, DOUBLE(SIGN));
    x_v1(c, UCOMISD, r, s->args[2]);
    x_jcc(c, CC_NE, slow);
    float_two(x, sub ? ADDSD : SUBSD, r, sum, s->args[2]);
    x_v1(c, UCOMISD, r, product);
    x_jcc(c, CC_E, &s->rounded);
}

void float_cold(struct comp *x, struct fp_site *s)
{
    struct code *c = &x->c;
    struct label slow = {0};
    enum reg zero = s->scratch[0];
    if (s->waits)
        return;
    x_bind(c, &s->start);
    if (s->before) {
        float_cold_pair(x, &x->fp_sites[s->before - 1], s);
        return;
    }
    switch (s->quick) {
    case QUICK_SUM:
    case QUICK_PRODUCT:
    case QUICK_DIVIDEND:
        // scratch[1] has what is to be rounded, or is; a NaN is not for here
        x_v1(c, compare_op(s), s->scratch[1], s->scratch[1]);
        x_jcc(c, CC_P, &slow);
        float_two(x, XORPD, zero, zero, zero);
        x_v1(c, compare_op(s), s->quick == QUICK_SUM ? s->scratch[1] : s->args[0], zero);
        x_jcc(c, CC_E, &s->resume);
        if (s->quick == QUICK_PRODUCT) {
            x_v1(c, compare_op(s), s->args[1], zero);
            x_jcc(c, CC_E, &s->resume);
        }
        break;
    case QUICK_NARROW:
        x_lea(c, 1, s->scratch[1], mem_indexed(s->scratch[0], s->scratch[0], 0));
        x_test(c, 1, s->scratch[1], s->scratch[1]);
        x_jcc(c, CC_E, &s->resume);
        break;
    case QUICK_VECTOR: float_cold_vector(x, s); break;
    default: break;
    }
    x_bind(c, &slow);
    float_call(x, s);
    x_jmp(c, &s->back);
    if (!s->middle.chain)
        return;
    // (3)
    x_bind(c, &s->middle);
    if (s->args[2] == NO_REG) {
        enum reg r = s->scratch[0]; // an xmm register that is free
        if (s->args[1] != NO_REG)
            float_two(x, ORPD, r, s->args[0], s->args[1]);
        else
            x_vmov(c, r, s->args[0]);
        x_v2_const(c, ANDPD, r, r, DOUBLE(0x1fffffff));
        // A number without these bits and others is zero.
        float_two(x, XORPD, s->result, r, r);
        x_v1(c, UCOMISD, r, s->result);
        x_jcc(c, CC_E, &s->rounded);
    }
    if (s->args[2] != NO_REG)
        exact_sum(x, s, &slow);
    x_jmp(c, &slow);
}

// (1)
static void check_nan(struct comp *x, struct fp_site *s, enum reg r)
{
    x_v1(&x->c, compare_op(s), r, r);
    x_jcc(&x->c, CC_P, &s->start);
}

// (1), (2)
static void check_tiny(struct comp *x, struct fp_site *s, enum reg r, enum reg t, u64 least, enum quick quick)
{
    s->scratch[0] = (u8)t;
    s->scratch[1] = (u8)r;
    s->quick = (u8)quick;
    float_two_const(x, ANDPD, t, r, DOUBLE(is_float_kind(s->kind) ? FLOAT_SIGN - 1 : ~SIGN));
    x_v1_const(&x->c, compare_op(s), t, DOUBLE(least));
    x_jcc(&x->c, CC_BE, &s->start);
}

static u32 host_op(enum fp_kind kind)
{
    switch (kind) {
    case FPK_ADD:
    case FPK_ADDS: return ADDSD;
    case FPK_SUB:
    case FPK_SUBS: return SUBSD;
    case FPK_MUL:
    case FPK_MULS: return MULSD;
    case FPK_DIV:
    case FPK_DIVS: return DIVSD;
    case FPK_ADDF: return ADDSS;
    case FPK_SUBF: return SUBSS;
    case FPK_MULF: return MULSS;
    case FPK_DIVF: return DIVSS;
    case FPK_SQRTF: return SQRTSS;
    default: return SQRTSD;
    }
}

static enum quick quick_of(enum fp_kind kind)
{
    switch (kind) {
    case FPK_ADDS:
    case FPK_SUBS: return QUICK_SUM;
    case FPK_MUL:
    case FPK_MULS:
    case FPK_MADD:
    case FPK_MSUB:
    case FPK_NMADD:
    case FPK_NMSUB:
    case FPK_MADDS:
    case FPK_MSUBS:
    case FPK_NMADDS:
    case FPK_NMSUBS:
    case FPK_MULF:
    case FPK_MADDF:
    case FPK_MSUBF:
    case FPK_NMADDF:
    case FPK_NMSUBF: return QUICK_PRODUCT;
    default: return QUICK_DIVIDEND;
    }
}

// Whether the double is known to be a number, infinity or NaN of single format.
static bool is_single(const struct comp *x, ir_value v)
{
    const struct ir_insn *in = comp_insn(x, v);
    switch (in->op) {
    case IR_FWIDEN: return true;
    case IR_FBITS1: return is_single(x, in->a);
    case IR_FBITS2: return is_single(x, in->b);
    case IR_FSEL: return is_single(x, in->b) && is_single(x, in->c);
    case IR_FP1:
    case IR_FP2:
    case IR_FP3:
        switch (in->imm) {
        case FPK_ADDS:
        case FPK_SUBS:
        case FPK_MULS:
        case FPK_DIVS:
        case FPK_SQRTS:
        case FPK_RES:
        case FPK_RSQRTES:
        case FPK_MADDS:
        case FPK_MSUBS:
        case FPK_NMADDS:
        case FPK_NMSUBS:
        case FPK_RSP:
        case FPK_FROM_S64S:
        case FPK_FROM_U64S: return true;
        default: return false;
        }
    default: return false;
    }
}

// The double in t to single, as a double.
static void to_single(struct comp *x, enum reg dst, enum reg t)
{
    float_two(x, CVTSD2SS, dst, t, t);
    float_two(x, CVTSS2SD, dst, dst, dst);
}

static void move_addend(struct comp *x, const struct fp_site *s, enum reg dst)
{
    if (dst != s->result || !s->holds_last)
        x_vmov(&x->c, dst, s->args[2]);
}

static void compute(struct comp *x, struct fp_site *s, enum reg dst)
{
    enum fp_kind kind = as_doubles(s->kind);
    switch (kind) {
    case FPK_MADD:
    case FPK_MADDS:
    case FPK_NMADD:
    case FPK_NMADDS:
    case FPK_MSUB:
    case FPK_MSUBS:
    case FPK_NMSUB:
    case FPK_NMSUBS: {
        bool sub = kind == FPK_MSUB || kind == FPK_MSUBS || kind == FPK_NMSUB || kind == FPK_NMSUBS;
        move_addend(x, s, dst);
        x_v2(&x->c, sub ? FMSUB231SD : FMADD231SD, dst, s->args[0], s->args[1]);
        break;
    }
    case FPK_MADDF:
    case FPK_NMADDF:
    case FPK_MSUBF:
    case FPK_NMSUBF:
        move_addend(x, s, dst);
        x_v2(&x->c, kind == FPK_MSUBF || kind == FPK_NMSUBF ? FMSUB231SS : FMADD231SS, dst, s->args[0], s->args[1]);
        break;
    default: float_two(x, host_op(kind), dst, s->args[0], s->args[1] == NO_REG ? s->args[0] : s->args[1]);
    }
}

static void negate(struct comp *x, struct fp_site *s)
{
    if (s->kind == FPK_NMADD || s->kind == FPK_NMSUB || s->kind == FPK_NMADDS || s->kind == FPK_NMSUBS)
        x_v2_const(&x->c, XORPD, s->result, s->result, DOUBLE(SIGN));
    if (s->kind == FPK_NMADDF || s->kind == FPK_NMSUBF || s->kind == FPK_NMADDG || s->kind == FPK_NMSUBG)
        x_v2_const(&x->c, XORPD, s->result, s->result, DOUBLE(FLOAT_SIGN));
}

static bool is_fused(const struct ir_insn *in)
{
    return in->op == IR_FP3;
}

void float_out_of_line(struct comp *x, struct fp_site *s)
{
    x_jmp(&x->c, &s->start);
    x_bind(&x->c, &s->back);
}

static void arithmetic(struct comp *x, const struct ir_insn *in)
{
    struct fp_site *s = float_begin(x, in);
    if (is_fused(in) && !x86_features.fma) {
        float_out_of_line(x, s);
        return;
    }
    compute(x, s, s->result);
    switch (in->imm) {
    case FPK_ADD:
    case FPK_SUB:
    case FPK_SQRT:
    case FPK_ADDF:
    case FPK_SUBF:
    case FPK_SQRTF: check_nan(x, s, s->result); break;
    default:
        check_tiny(x, s, s->result, value_xscratch(x), is_float_kind(s->kind) ? MIN_FLOAT : MIN_DOUBLE,
                   quick_of((enum fp_kind)in->imm));
        break;
    }
    x_bind(&x->c, &s->resume);
    negate(x, s);
    x_bind(&x->c, &s->back);
}

static void arithmetic_single(struct comp *x, const struct ir_insn *in)
{
    struct code *c = &x->c;
    struct fp_site *s = float_begin(x, in);
    if (is_fused(in) && !x86_features.fma) {
        float_out_of_line(x, s);
        return;
    }
    enum fp_kind kind = as_doubles(s->kind);
    enum reg t = kind == FPK_RSP ? s->args[0] : value_xscratch(x), magnitude = value_xscratch(x);
    bool halves = is_fused(in) || !is_single(x, in->a) || (in->op == IR_FP2 && !is_single(x, in->b));
    enum reg bits = halves ? value_scratch(x) : NO_REG;
    if (kind != FPK_RSP) {
        compute(x, s, t);
        if (halves) {
            x_vmov_to(c, 0, bits, t);
            x_alu_imm(c, ALU_AND, 0, bits, 0x1fffffff);
            x_alu_imm(c, ALU_CMP, 0, bits, 0x10000000);
            x_jcc(c, CC_E, &s->middle);
            x_bind(c, &s->rounded);
        }
    }
    check_tiny(x, s, t, magnitude, MIN_SINGLE, quick_of(kind));
    x_bind(c, &s->resume);
    if (kind == s->kind)
        to_single(x, s->result, t);
    else
        float_two(x, CVTSD2SS, s->result, t, t);
    negate(x, s);
    x_bind(c, &s->back);
}

static void from_integer(struct comp *x, const struct ir_insn *in)
{
    struct code *c = &x->c;
    struct fp_site *s = float_begin(x, in);
    ir_value integer = float_moved_from(x, in);
    enum reg r = integer != IR_NO_VALUE ? value_reg(x, integer) : value_scratch(x);
    if (integer == IR_NO_VALUE)
        x_vmov_to(c, 1, r, s->args[0]);
    if (in->imm == FPK_FROM_U64 || in->imm == FPK_FROM_U64S) {
        x_test(c, 1, r, r);
        x_jcc(c, CC_S, &s->start);
    }
    x_v2(c, XORPD, s->result, s->result, s->result);
    if (in->imm == FPK_FROM_S64 || in->imm == FPK_FROM_U64) {
        x_v2(c, CVTSI2SD, s->result, s->result, r);
    } else {
        x_v2(c, CVTSI2SS, s->result, s->result, r);
        if (in->imm != FPK_FROM_S64F)
            x_v2(c, CVTSS2SD, s->result, s->result, s->result);
    }
    x_bind(c, &s->back);
}

static void to_integer(struct comp *x, const struct ir_insn *in)
{
    struct code *c = &x->c;
    struct fp_site *s = float_begin(x, in);
    enum reg r = value_scratch(x), a = s->args[0];
    bool truncates =
        in->imm == FPK_TO_S32Z || in->imm == FPK_TO_U32Z || in->imm == FPK_TO_S64Z || in->imm == FPK_TO_U64Z;
    u32 op = truncates ? CVTTSD2SI : CVTSD2SI;
    switch (in->imm) {
    case FPK_TO_S32:
    case FPK_TO_S32Z:
        x_v1(c, op, r, a);
        x_alu_imm(c, ALU_CMP, 0, r, 1); // overflows for the integer that says that it is none
        x_jcc(c, CC_O, &s->start);
        x_movsx(c, 4, r, r);
        break;
    case FPK_TO_S64:
    case FPK_TO_S64Z:
        x_v1(c, op | SSE_W, r, a);
        x_alu_imm(c, ALU_CMP, 1, r, 1);
        x_jcc(c, CC_O, &s->start);
        break;
    default: { // unsigned: the host's conversion to 64 signed bits must not note anything that is no exception here
        enum reg least = value_xscratch(x);
        bool word = in->imm == FPK_TO_U32 || in->imm == FPK_TO_U32Z;
        x_v1_const(c, MOVQ_LOAD, least, DOUBLE(truncates ? MINUS_ONE : 0));
        x_v1(c, UCOMISD, least, a);
        x_jcc(c, truncates ? CC_AE : CC_A, &s->start); // a NaN is found by the other comparison
        x_v1_const(c, MOVQ_LOAD, least, DOUBLE(word ? 0x41efffffffe00000 : 0x43dfffffffffffff));
        x_v1(c, UCOMISD, least, a);
        x_jcc(c, CC_B, &s->start);
        x_v1(c, op | SSE_W, r, a);
        break;
    }
    }
    x_vmov_from(c, 1, s->result, r);
    x_bind(c, &s->back);
}

static void to_integral(struct comp *x, const struct ir_insn *in)
{
    static const u8 modes[] = {
        [FPK_ROUND_TRUNCATE - FPK_ROUND_AWAY] = ROUND_TRUNCATE | ROUND_EXACT,
        [FPK_ROUND_UP - FPK_ROUND_AWAY] = ROUND_UP | ROUND_EXACT,
        [FPK_ROUND_DOWN - FPK_ROUND_AWAY] = ROUND_DOWN | ROUND_EXACT,
        [FPK_ROUND_CURRENT - FPK_ROUND_AWAY] = ROUND_MODE,
    };
    struct fp_site *s = float_begin(x, in);
    if (in->imm == FPK_ROUND_AWAY || !x86_features.sse41) {
        float_out_of_line(x, s);
        return;
    }
    x_v2_imm(&x->c, ROUNDSD, s->result, s->args[0], s->args[0], modes[in->imm - FPK_ROUND_AWAY]);
    check_nan(x, s, s->result);
    x_bind(&x->c, &s->back);
}

// IEEE 754-2008's: zeros are ordered by sign, which the host's leave to the order of operands.
static void extreme(struct comp *x, const struct ir_insn *in)
{
    struct fp_site *s = float_begin(x, in);
    bool max = in->imm == FPK_MAX || in->imm == FPK_MAXC;
    u32 op = max ? MAXSD : MINSD;
    enum reg t = value_xscratch(x);
    x_v1(&x->c, UCOMISD, s->args[0], s->args[1]);
    x_jcc(&x->c, CC_P, &s->start);
    float_two(x, op, s->result, s->args[0], s->args[1]);
    if (in->imm == FPK_MAX || in->imm == FPK_MIN) {
        float_two(x, op, t, s->args[1], s->args[0]);
        x_v2(&x->c, max ? ANDPD : ORPD, s->result, s->result, t);
    }
    x_bind(&x->c, &s->back);
}

static void mask(struct comp *x, const struct ir_insn *in)
{
    struct fp_site *s = float_begin(x, in);
    enum reg a = s->args[0], b = s->args[1];
    u8 how = in->imm == FPK_MASK_EQ ? CMP_EQ : in->imm == FPK_MASK_GT ? CMP_LT : CMP_LE;
    x_v1(&x->c, UCOMISD, a, b);
    x_jcc(&x->c, CC_P, &s->start);
    if (x86_features.avx) {
        x_v2_imm(&x->c, CMPSD, s->result, b, a, how);
    } else {
        x_vmov(&x->c, s->result, b);
        x_v2_imm(&x->c, CMPSD, s->result, s->result, a, how);
    }
    x_bind(&x->c, &s->back);
}

static void compare(struct comp *x, const struct ir_insn *in)
{
    struct code *c = &x->c;
    struct fp_site *s = float_begin(x, in);
    enum reg t = value_scratch(x), dst = s->result;
    x_v1(c, UCOMISD, s->args[0], s->args[1]);
    x_jcc(c, CC_P, &s->start);
    x_mov_imm(c, dst, 4); // leaves flags alone
    x_mov_imm(c, t, 2);
    x_cmov(c, CC_E, 0, dst, t);
    x_mov_imm(c, t, 8);
    x_cmov(c, CC_B, 0, dst, t);
    x_bind(c, &s->back);
}

static void bits1(struct comp *x, const struct ir_insn *in)
{
    enum reg a = value_reg(x, in->a), dst = value_result(x, IR_NO_VALUE, IR_NO_VALUE, 0);
    switch (in->imm) {
    case FBITS_NEG: float_two_const(x, XORPD, dst, a, DOUBLE(SIGN)); break;
    case FBITS_ABS: float_two_const(x, ANDPD, dst, a, DOUBLE(~SIGN)); break;
    default: float_two_const(x, ORPD, dst, a, DOUBLE(SIGN)); break;
    }
}

// Sign of a, magnitude of b.
static void bits2(struct comp *x, const struct ir_insn *in)
{
    value_reg(x, in->a);
    value_reg(x, in->b);
    enum reg dst = value_result(x, IR_NO_VALUE, IR_NO_VALUE, 0), t = value_xscratch(x);
    float_two_const(x, ANDPD, t, value_reg(x, in->a), DOUBLE(SIGN));
    float_two_const(x, ANDPD, dst, value_reg(x, in->b), DOUBLE(~SIGN));
    x_v2(&x->c, ORPD, dst, dst, t);
}

// a >= 0 ? b : c, a NaN is less.
static void select_sign(struct comp *x, const struct ir_insn *in)
{
    value_reg(x, in->a);
    value_reg(x, in->b);
    value_reg(x, in->c);
    enum reg dst = value_result(x, IR_NO_VALUE, IR_NO_VALUE, 0), t = value_xscratch(x);
    x_v2(&x->c, XORPD, t, t, t);
    x_v2_imm(&x->c, CMPSD, t, t, value_reg(x, in->a), CMP_LE);
    float_two(x, ANDPD, dst, t, value_reg(x, in->b));
    float_two(x, ANDNPD, t, t, value_reg(x, in->c));
    x_v2(&x->c, ORPD, dst, dst, t);
}

// The register rearrangements of single loads and stores: NaNs keep all their bits.
static void widen(struct comp *x, const struct ir_insn *in)
{
    const struct ir_insn *from = comp_insn(x, in->a);
    if (from->op >= IR_FP1 && from->op <= IR_FP3) { // an operation's result: a NaN among these is a quiet one
        enum reg a = value_reg(x, in->a);
        float_two(x, CVTSS2SD, value_result(x, in->a, IR_NO_VALUE, 0), a, a);
        return;
    }
    struct fp_site *s = float_begin(x, in);
    s->kind = FPK_WIDEN;
    float_two(x, CVTSS2SD, s->result, s->args[0], s->args[0]);
    check_nan(x, s, s->result);
    x_bind(&x->c, &s->back);
}

static void narrow(struct comp *x, const struct ir_insn *in)
{
    struct code *c = &x->c;
    struct fp_site *s = float_begin(x, in);
    s->kind = FPK_NARROW;
    if (is_single(x, in->a)) {
        check_nan(x, s, s->args[0]);
        float_two(x, CVTSD2SS, s->result, s->args[0], s->args[0]);
        x_bind(c, &s->back);
        return;
    }
    // What single format cannot hold gives what these bits give; below its normal numbers it is out of line.
    enum reg r = value_scratch(x), t = value_scratch(x);
    s->quick = QUICK_NARROW;
    s->scratch[0] = (u8)r;
    s->scratch[1] = (u8)t;
    x_vmov_to(c, 1, r, s->args[0]);
    x_mov(c, 1, t, r);
    x_shift(c, SHIFT_SHR, 1, t, 52);
    x_alu_imm(c, ALU_AND, 0, t, 0x7ff);
    x_alu_imm(c, ALU_CMP, 0, t, 896);
    x_jcc(c, CC_BE, &s->start);
    x_bind(c, &s->resume);
    x_mov(c, 1, t, r);
    x_shift(c, SHIFT_SHR, 1, t, 32);
    x_alu_imm(c, ALU_AND, 0, t, (s32)0xc0000000);
    x_shift(c, SHIFT_SHR, 1, r, 29);
    x_alu_imm(c, ALU_AND, 0, r, 0x3fffffff);
    x_alu(c, ALU_OR, 0, r, t);
    x_vmov_from(c, 0, s->result, r);
    x_bind(c, &s->back);
}

static void scalar(struct comp *x, const struct ir_insn *in)
{
    switch (in->imm) {
    case FPK_ADD:
    case FPK_SUB:
    case FPK_MUL:
    case FPK_DIV:
    case FPK_SQRT:
    case FPK_MADD:
    case FPK_MSUB:
    case FPK_NMADD:
    case FPK_NMSUB:
    case FPK_ADDF:
    case FPK_SUBF:
    case FPK_MULF:
    case FPK_DIVF:
    case FPK_SQRTF:
    case FPK_MADDF:
    case FPK_MSUBF:
    case FPK_NMADDF:
    case FPK_NMSUBF: arithmetic(x, in); break;
    case FPK_ADDS:
    case FPK_SUBS:
    case FPK_MULS:
    case FPK_DIVS:
    case FPK_SQRTS:
    case FPK_MADDS:
    case FPK_MSUBS:
    case FPK_NMADDS:
    case FPK_NMSUBS:
    case FPK_RSP:
    case FPK_ADDG:
    case FPK_SUBG:
    case FPK_MULG:
    case FPK_DIVG:
    case FPK_SQRTG:
    case FPK_MADDG:
    case FPK_MSUBG:
    case FPK_NMADDG:
    case FPK_NMSUBG:
    case FPK_RSPG: arithmetic_single(x, in); break;
    case FPK_FROM_S64:
    case FPK_FROM_U64:
    case FPK_FROM_S64S:
    case FPK_FROM_U64S:
    case FPK_FROM_S64F: from_integer(x, in); break;
    case FPK_TO_S32:
    case FPK_TO_S32Z:
    case FPK_TO_U32:
    case FPK_TO_U32Z:
    case FPK_TO_S64:
    case FPK_TO_S64Z:
    case FPK_TO_U64:
    case FPK_TO_U64Z: to_integer(x, in); break;
    case FPK_ROUND_AWAY:
    case FPK_ROUND_TRUNCATE:
    case FPK_ROUND_UP:
    case FPK_ROUND_DOWN:
    case FPK_ROUND_CURRENT: to_integral(x, in); break;
    case FPK_MAX:
    case FPK_MIN:
    case FPK_MAXC:
    case FPK_MINC: extreme(x, in); break;
    case FPK_MASK_EQ:
    case FPK_MASK_GT:
    case FPK_MASK_GE: mask(x, in); break;
    default: float_out_of_line(x, float_begin(x, in)); break;
    }
}

void select_float(struct comp *x, const struct ir_insn *in)
{
    switch (in->op) {
    case IR_FCMP: compare(x, in); break;
    case IR_FBITS1: bits1(x, in); break;
    case IR_FBITS2: bits2(x, in); break;
    case IR_FSEL: select_sign(x, in); break;
    case IR_FWIDEN: widen(x, in); break;
    case IR_FNARROW: narrow(x, in); break;
    case IR_FV1:
    case IR_FV2:
    case IR_FV3: select_float_vector(x, in); break;
    default: scalar(x, in); break;
    }
    if (in->op == IR_FCMP) {
        x->fp_compared = (ir_value)x->at;
    } else if (ir_is_float(in) && fp_kind_classifies((enum fp_kind)in->imm)) {
        x->fp_last = (ir_value)x->at;
        x->fp_compared = IR_NO_VALUE;
    }
}
