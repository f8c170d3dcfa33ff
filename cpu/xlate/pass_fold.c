// SPDX-License-Identifier: Apache-2.0
//
// Constant folding and algebraic simplification of one operation at a time, while a region is built.
//
// (1) Constants are the second operand of commutative operations, so that chains of them meet.
// (2) For each value the bits that may be set are known: extensions and masks that change nothing disappear.
// (3) Bits of an operand that cannot matter (above an extension's, outside of an AND's mask) are not computed.
// (4) Words whose bytes are swapped by rotates and insertions are recognised: no instruction before Power ISA 3.1 does it in registers.
// (5) What the block has computed before is not computed again. The table of candidates is never cleared: an entry counts when the operation
//     that it names is in the block and is the one that is wanted.
#include "base/bits.h"
#include "cpu/xlate/pass.h"

bool ir_compare_values(enum ir_cond cond, u64 a, u64 b)
{
    switch (cond) {
    case COND_EQ: return a == b;
    case COND_NE: return a != b;
    case COND_LT: return (s64)a < (s64)b;
    case COND_GE: return (s64)a >= (s64)b;
    case COND_LE: return (s64)a <= (s64)b;
    case COND_GT: return (s64)a > (s64)b;
    case COND_ULT: return a < b;
    case COND_UGE: return a >= b;
    case COND_ULE: return a <= b;
    default: return a > b;
    }
}

static u64 compare_field(u64 how, u64 a, u64 b, u64 so)
{
    if (how == COMPARE_S32 || how == COMPARE_U32) {
        a = how == COMPARE_S32 ? (u64)(s64)(s32)a : (u32)a;
        b = how == COMPARE_S32 ? (u64)(s64)(s32)b : (u32)b;
    }
    bool is_signed = how == COMPARE_S64 || how == COMPARE_S32;
    bool less = is_signed ? (s64)a < (s64)b : a < b;
    return (less ? CR_LT : a == b ? CR_EQ : CR_GT) | so;
}

// DIVS, DIVU, REMS, REMU.
static u64 divide(u8 op, u64 bits, u64 a, u64 b)
{
    bool is_signed = op == IR_DIVS || op == IR_REMS, quotient = op == IR_DIVS || op == IR_DIVU;
    u64 width = bits == 32 ? 0xffffffff : ~0ull, result;
    if (bits == 32) {
        a = is_signed ? (u64)(s64)(s32)a : (u32)a;
        b = is_signed ? (u64)(s64)(s32)b : (u32)b;
    }
    if (!b || (is_signed && b == ~0ull && (a & width) == (width >> 1) + 1))
        return 0;
    if (is_signed && b == ~0ull)
        result = quotient ? -a : 0;
    else if (is_signed)
        result = (u64)(quotient ? (s64)a / (s64)b : (s64)a % (s64)b);
    else
        result = quotient ? a / b : a % b;
    return result & width;
}

// The operation on constants; false when it is none that folds.
static bool evaluate(const struct ir_insn *in, u64 a, u64 b, u64 c, u64 *out)
{
    switch (in->op) {
    case IR_ADD: *out = a + b; break;
    case IR_SUB: *out = a - b; break;
    case IR_AND: *out = a & b; break;
    case IR_OR: *out = a | b; break;
    case IR_XOR: *out = a ^ b; break;
    case IR_NOT: *out = ~a; break;
    case IR_NEG: *out = -a; break;
    case IR_MUL: *out = a * b; break;
    case IR_MULHS: *out = (u64)((s128)(s64)a * (s64)b >> 64); break;
    case IR_MULHU: *out = (u64)((u128)a * b >> 64); break;
    case IR_DIVS:
    case IR_DIVU:
    case IR_REMS:
    case IR_REMU: *out = divide(in->op, in->imm, a, b); break;
    case IR_SHL: *out = b > 63 ? 0 : a << b; break;
    case IR_SHR: *out = b > 63 ? 0 : a >> b; break;
    case IR_SAR: *out = (u64)((s64)a >> MIN(b, 63)); break;
    case IR_ROTL: *out = rotl64(a, (unsigned)b & 63); break;
    case IR_ROTL32: *out = rotl32((u32)a, (unsigned)b & 31); break;
    case IR_SEXT8: *out = (u64)(s64)(s8)a; break;
    case IR_SEXT16: *out = (u64)(s64)(s16)a; break;
    case IR_SEXT32: *out = (u64)(s64)(s32)a; break;
    case IR_ZEXT8: *out = (u8)a; break;
    case IR_ZEXT16: *out = (u16)a; break;
    case IR_ZEXT32: *out = (u32)a; break;
    case IR_CLZ: *out = clz64(a); break;
    case IR_CTZ: *out = ctz64(a); break;
    case IR_POPCNT: *out = (u64)__builtin_popcountll(a); break;
    case IR_BSWAP16: *out = __builtin_bswap16((u16)a); break;
    case IR_BSWAP32: *out = __builtin_bswap32((u32)a); break;
    case IR_BSWAP64: *out = __builtin_bswap64(a); break;
    case IR_SET: *out = ir_compare_values(in->cond, a, b); break;
    case IR_SELECT: *out = a ? b : c; break;
    case IR_CRF: *out = compare_field(in->imm, a, b, c); break;
    default: return false;
    }
    return true;
}

// Ones below and at the highest set bit.
static u64 fill(u64 v)
{
    return v ? ~0ull >> clz64(v) : 0;
}

// (2)
static u64 mask_of(const struct ir_builder *b, const struct fold_facts *facts, const struct ir_insn *in)
{
    u64 a = in->a != IR_NO_VALUE ? facts->mask[in->a] : 0, v = in->b != IR_NO_VALUE ? facts->mask[in->b] : 0, n;
    switch (in->op) {
    case IR_CONST: return in->imm;
    case IR_GET: return ir_slots[in->slot].bytes == 8 ? ~0ull : in->slot < SLOT_SO ? 15 : 1;
    case IR_AND: return a & v;
    case IR_OR:
    case IR_XOR: return a | v;
    case IR_DIVS:
    case IR_DIVU:
    case IR_REMS:
    case IR_REMU: return in->imm == 32 ? 0xffffffff : ~0ull;
    case IR_SHL: return fold_constant(b, in->b, &n) ? (n > 63 ? 0 : a << n) : ~0ull;
    case IR_SHR: return fold_constant(b, in->b, &n) ? (n > 63 ? 0 : a >> n) : fill(a);
    case IR_ROTL32:
    case IR_ZEXT32: return in->op == IR_ZEXT32 ? (u32)a : 0xffffffffu;
    case IR_BSWAP32: return 0xffffffffu;
    case IR_ZEXT8: return (u8)a;
    case IR_ZEXT16: return (u16)a;
    case IR_BSWAP16: return 0xffff;
    case IR_CLZ:
    case IR_CTZ:
    case IR_POPCNT: return 0x7f;
    case IR_SET: return 1;
    case IR_SELECT: return v | facts->mask[in->c];
    case IR_STCX:
    case IR_FCMP:
    case IR_CRF: return 15;
    case IR_FIELD: return ~0ull >> (64 - 8 * IR_FIELD_BYTES(in->imm));
    case IR_LARX:
    case IR_RMW:
    case IR_CAS:
    case IR_LOAD:
        return in->imm & MEM_SIGNED || (in->imm & MEM_SIZE) == MEM_64 ? ~0ull
                                                                      : ~0ull >> (64 - (8u << (in->imm & MEM_SIZE)));
    default: return ~0ull;
    }
}

static bool commutes(u8 op)
{
    return op == IR_ADD || op == IR_AND || op == IR_OR || op == IR_XOR || op == IR_MUL || op == IR_MULHS ||
           op == IR_MULHU;
}

// The low bits that a value has in common with its extension, or 0.
static u64 extension_bits(u8 op)
{
    switch (op) {
    case IR_ZEXT8:
    case IR_SEXT8: return 0xff;
    case IR_ZEXT16:
    case IR_SEXT16: return 0xffff;
    case IR_ZEXT32:
    case IR_SEXT32: return 0xffffffff;
    default: return 0;
    }
}

// Bits that an extension keeps, or 0; SEXT keeps a value whose sign bit is not set either.
static u64 extension_mask(u8 op)
{
    switch (op) {
    case IR_ZEXT8: return 0xff;
    case IR_ZEXT16: return 0xffff;
    case IR_ZEXT32: return 0xffffffff;
    case IR_SEXT8: return 0x7f;
    case IR_SEXT16: return 0x7fff;
    case IR_SEXT32: return 0x7fffffff;
    default: return 0;
    }
}

// The value is already sign-extended from that many bits or fewer.
static bool is_sign_extended(const struct ir_builder *b, ir_value v, u8 op)
{
    const struct ir_insn *in = &b->r->insns[v];
    if (in->op == op)
        return true;
    if (in->op == IR_LOAD && in->imm & MEM_SIGNED)
        return op == IR_SEXT32 ? (in->imm & MEM_SIZE) <= MEM_32 : op == IR_SEXT16 && (in->imm & MEM_SIZE) <= MEM_16;
    return (op == IR_SEXT32 && (in->op == IR_SEXT16 || in->op == IR_SEXT8)) || (op == IR_SEXT16 && in->op == IR_SEXT8);
}

// An operand that the operation is equal to, or IR_NO_VALUE.
static ir_value same_as(const struct ir_builder *b, const struct fold_facts *facts, const struct ir_insn *in)
{
    u64 n;
    u64 keeps = extension_mask(in->op);
    if (keeps && (!(facts->mask[in->a] & ~keeps) || is_sign_extended(b, in->a, in->op)))
        return in->a;
    if ((in->op == IR_AND || in->op == IR_OR) && in->a == in->b)
        return in->a;
    if (in->op == IR_SELECT && in->b == in->c)
        return in->b;
    if (in->b == IR_NO_VALUE || !fold_constant(b, in->b, &n))
        return IR_NO_VALUE;
    switch (in->op) {
    case IR_ADD:
    case IR_SUB:
    case IR_OR:
    case IR_XOR:
    case IR_SHL:
    case IR_SHR:
    case IR_SAR:
    case IR_ROTL: return n == 0 ? in->a : IR_NO_VALUE;
    case IR_AND: return (facts->mask[in->a] & ~n) == 0 ? in->a : IR_NO_VALUE;
    case IR_MUL: return n == 1 ? in->a : IR_NO_VALUE;
    default: return IR_NO_VALUE;
    }
}

static ir_value constant(struct ir_builder *b, struct fold_facts *facts, u64 imm)
{
    return fold_emit(b, facts, (struct ir_insn){.op = IR_CONST, .imm = imm});
}

// (3) An operand that agrees with `v` in the bits of `wanted`.
static ir_value without_other_bits(const struct ir_builder *b, const struct fold_facts *facts, ir_value v, u64 wanted)
{
    for (;;) {
        const struct ir_insn *in = &b->r->insns[v];
        u64 n;
        if (!(wanted & ~extension_bits(in->op)) || (in->op == IR_AND && fold_constant(b, in->b, &n) && !(wanted & ~n)))
            v = in->a;
        else if ((in->op == IR_OR || in->op == IR_XOR) && !(facts->mask[in->b] & wanted))
            v = in->a;
        else if ((in->op == IR_OR || in->op == IR_XOR) && !(facts->mask[in->a] & wanted))
            v = in->b;
        else
            return v;
    }
}

// (4)
static bool is_masked(const struct ir_builder *b, ir_value v, ir_value *of, u64 *mask)
{
    const struct ir_insn *in = &b->r->insns[v];
    *of = in->a;
    return in->op == IR_AND && fold_constant(b, in->b, mask);
}

static bool is_rotated(const struct ir_builder *b, ir_value v, u64 count, ir_value *of)
{
    const struct ir_insn *in = &b->r->insns[v];
    u64 n;
    *of = in->a;
    return in->op == IR_ROTL32 && fold_constant(b, in->b, &n) && (n & 31) == count;
}

static bool is_shifted_half(const struct ir_builder *b, ir_value v, u8 op, ir_value *of)
{
    const struct ir_insn *in = &b->r->insns[v];
    u64 n;
    *of = in->a;
    return in->op == op && fold_constant(b, in->b, &n) && n == 32;
}

// OR of p & m and q: the bytes of a word, or of both halves of a doubleword, swapped; or with an insertion of p inside of q, one for both.
static ir_value merge(struct ir_builder *b, struct fold_facts *facts, ir_value one, ir_value other)
{
    ir_value p, q, inner, x, y;
    u64 m, n, first;
    if (is_shifted_half(b, one, IR_SHL, &p) && b->r->insns[p].op == IR_BSWAP32 && b->r->insns[other].op == IR_BSWAP32 &&
        is_shifted_half(b, b->r->insns[other].a, IR_SHR, &x) && x == b->r->insns[p].a)
        return fold_emit(b, facts, (struct ir_insn){.op = IR_BSWAP64, .a = x});
    if (!is_masked(b, one, &p, &m) || !is_masked(b, other, &q, &n))
        return IR_NO_VALUE;
    if ((u32)m == 0x00ff00ff && (u32)n == 0xff00ff00 && is_rotated(b, p, 8, &x) && is_rotated(b, q, 24, &y) && x == y)
        return fold_emit(b, facts, (struct ir_insn){.op = IR_BSWAP32, .a = x});
    const struct ir_insn *in = &b->r->insns[q];
    if (in->op != IR_OR)
        return IR_NO_VALUE;
    ir_value sides[] = {in->a, in->b};
    for (unsigned i = 0; i < 2; i++) {
        if (!is_masked(b, sides[i], &inner, &first) || inner != p)
            continue;
        ir_value both =
            fold_emit(b, facts, (struct ir_insn){.op = IR_AND, .a = p, .b = constant(b, facts, m | (first & n))});
        ir_value rest =
            fold_emit(b, facts, (struct ir_insn){.op = IR_AND, .a = sides[1 - i], .b = constant(b, facts, n)});
        return fold_emit(b, facts, (struct ir_insn){.op = IR_OR, .a = both, .b = rest});
    }
    return IR_NO_VALUE;
}

// (5)
static ir_value *candidate(struct fold_facts *facts, const struct ir_insn *in)
{
    u64 key = in->imm ^ ((u64)in->a << 48 | (u64)in->b << 32 | (u64)in->c << 16 | (u64)in->op << 8 | in->cond);
    return &facts->computed[key * 0x9e3779b97f4a7c15ull >> (64 - FOLD_COMPUTED_BITS)];
}

static bool same_operation(const struct ir_insn *a, const struct ir_insn *b)
{
    return a->op == b->op && a->a == b->a && a->b == b->b && a->c == b->c && a->imm == b->imm && a->cond == b->cond;
}

// The operation as it is, unless there is one like it.
static ir_value append_new(struct ir_builder *b, struct fold_facts *facts, const struct ir_insn *in)
{
    ir_value *before = NULL;
    if (ir_ops[in->op].flags & IR_PURE && in->op != IR_GET) {
        before = candidate(facts, in);
        if (*before >= facts->block_first && *before < b->r->len && same_operation(&b->r->insns[*before], in))
            return *before;
    }
    ir_value v = ir_append(b, in);
    if (b->full)
        return v;
    if (before)
        *before = v;
    facts->mask[v] = mask_of(b, facts, &b->r->insns[v]);
    return v;
}

ir_value fold_append(struct ir_builder *b, struct fold_facts *facts, const struct ir_insn *operation)
{
    const struct ir_op_row *row = &ir_ops[operation->op];
    if (!row->values)
        return append_new(b, facts, operation);
    struct ir_insn in = *operation;
    u64 x = 0, y = 0, z = 0, out;
    bool ca = row->values < 1 || fold_constant(b, in.a, &x), cb = row->values < 2 || fold_constant(b, in.b, &y);
    bool cc = row->values < 3 || fold_constant(b, in.c, &z);
    if (in.op != IR_CONST && row->values && ca && cb && cc && evaluate(&in, x, y, z, &out))
        return constant(b, facts, out);
    if (ca && !cb && commutes(in.op)) { // (1)
        ir_value t = in.a;
        in.a = in.b;
        in.b = t;
        y = x;
        ca = false;
        cb = true;
    }
    if (in.op == IR_SELECT && ca)
        return x ? in.b : in.c;
    if (in.op == IR_SUB && cb) {
        in.op = IR_ADD;
        y = -y;
        in.b = constant(b, facts, y);
    }
    u64 wanted = in.op == IR_AND && cb                       ? y
                 : in.op == IR_ROTL32 || in.op == IR_BSWAP32 ? 0xffffffff
                                                             : extension_bits(in.op);
    if (wanted) // (3)
        in.a = without_other_bits(b, facts, in.a, wanted);
    if (in.op == IR_SUB && ca && x == 0) {
        in = (struct ir_insn){.op = IR_NEG, .a = in.b};
    }
    ir_value same = row->values ? same_as(b, facts, &in) : IR_NO_VALUE;
    if (same != IR_NO_VALUE)
        return same;
    if (row->values == 2 && cb && (in.op == IR_ADD || in.op == IR_AND || in.op == IR_OR || in.op == IR_XOR)) {
        const struct ir_insn *inner = &b->r->insns[in.a];
        u64 first;
        if (inner->op == in.op && fold_constant(b, inner->b, &first)) { // (v op first) op y
            in.a = inner->a;
            u64 both = in.op == IR_ADD   ? first + y
                       : in.op == IR_AND ? first & y
                       : in.op == IR_OR  ? first | y
                                         : first ^ y;
            in.b = constant(b, facts, both);
            y = both;
        }
    }
    if ((in.op == IR_XOR || in.op == IR_SUB) && in.a == in.b)
        return constant(b, facts, 0);
    if ((in.op == IR_AND || in.op == IR_MUL) && cb && y == 0)
        return in.b;
    same = row->values ? same_as(b, facts, &in) : IR_NO_VALUE;
    if (same != IR_NO_VALUE)
        return same;
    if (in.op == IR_OR) { // (4)
        same = merge(b, facts, in.a, in.b);
        if (same == IR_NO_VALUE)
            same = merge(b, facts, in.b, in.a);
        if (same != IR_NO_VALUE)
            return same;
    }
    return append_new(b, facts, &in);
}
