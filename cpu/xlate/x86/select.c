// SPDX-License-Identifier: Apache-2.0
// Instructions for the operations that compute.
#include "cpu/xlate/x86/comp.h"

static const struct {
    u8 cc, mirrored, inverted;
} conditions[] = {
    [COND_EQ] = {CC_E, COND_EQ, COND_NE},     [COND_NE] = {CC_NE, COND_NE, COND_EQ},
    [COND_LT] = {CC_L, COND_GT, COND_GE},     [COND_GE] = {CC_GE, COND_LE, COND_LT},
    [COND_LE] = {CC_LE, COND_GE, COND_GT},    [COND_GT] = {CC_G, COND_LT, COND_LE},
    [COND_ULT] = {CC_B, COND_UGT, COND_UGE},  [COND_UGE] = {CC_AE, COND_ULE, COND_ULT},
    [COND_ULE] = {CC_BE, COND_UGE, COND_UGT}, [COND_UGT] = {CC_A, COND_ULT, COND_ULE},
};

#define BIT(r) ((u16)(1 << (r)))

static u64 imm_of(const struct comp *x, ir_value v)
{
    return comp_insn(x, v)->imm;
}

static bool is_imm(const struct comp *x, ir_value v)
{
    return is_const(x, v) && is_s32(imm_of(x, v));
}

bool select_folds_condition(const struct comp *x, ir_value v)
{
    return comp_insn(x, v)->op == IR_SET || comp_insn(x, v)->op == IR_AND;
}

// cmp of two values in width w; false: the operands went in exchanged.
static bool compare(struct comp *x, int w, ir_value a, ir_value b)
{
    struct code *c = &x->c;
    if (is_const(x, a) && !is_const(x, b)) {
        compare(x, w, b, a);
        return false;
    }
    enum reg ra = value_reg(x, a);
    u64 imm = is_const(x, b) ? imm_of(x, b) : 0;
    if (is_const(x, b) && (w ? is_s32(imm) : true)) {
        if (w ? imm == 0 : (u32)imm == 0)
            x_test(c, w, ra, ra);
        else
            x_alu_imm(c, ALU_CMP, w, ra, (s32)imm);
    } else {
        x_alu(c, ALU_CMP, w, ra, value_reg(x, b));
    }
    return true;
}

// a & b against zero.
static void test_and(struct comp *x, ir_value a, ir_value b)
{
    struct code *c = &x->c;
    if (is_const(x, a)) {
        ir_value t = a;
        a = b;
        b = t;
    }
    enum reg ra = value_reg(x, a);
    if (!is_const(x, b)) {
        x_test(c, 1, ra, value_reg(x, b));
        return;
    }
    u64 imm = imm_of(x, b);
    if (imm <= 0xff)
        x_test8_imm(c, ra, (u8)imm);
    else if (imm >> 32 == 0)
        x_test_imm(c, 0, ra, (s32)imm);
    else if (is_s32(imm))
        x_test_imm(c, 1, ra, (s32)imm);
    else
        x_test(c, 1, ra, value_reg(x, b));
}

static bool is_word(const struct comp *x, enum ir_op extend, ir_value v)
{
    u64 imm = imm_of(x, v);
    if (is_const(x, v))
        return extend == IR_SEXT32 ? is_s32(imm) : imm >> 32 == 0;
    return comp_insn(x, v)->op == extend;
}

bool select_compares_words(const struct comp *x, enum ir_cond cond, ir_value a, ir_value b)
{
    const u8 op = comp_insn(x, is_const(x, a) ? b : a)->op;
    bool is_signed = cond >= COND_LT && cond <= COND_GT;
    return (op == IR_SEXT32 || (op == IR_ZEXT32 && !is_signed)) && is_word(x, op, a) && is_word(x, op, b);
}

static ir_value word_of(const struct comp *x, ir_value v)
{
    return x->vals[v].loc == LOC_FOLDED ? comp_insn(x, v)->a : v;
}

enum cc select_condition(struct comp *x, enum ir_cond cond, ir_value a, ir_value b)
{
    bool zero = is_const(x, b) && imm_of(x, b) == 0 && (cond == COND_EQ || cond == COND_NE);
    if (zero && x->vals[a].loc == LOC_FOLDED && select_folds_condition(x, a)) {
        const struct ir_insn *in = comp_insn(x, a);
        if (in->op == IR_SET) {
            enum ir_cond inner = cond == COND_NE ? in->cond : conditions[in->cond].inverted;
            return select_condition(x, inner, in->a, in->b);
        }
        test_and(x, in->a, in->b);
        return conditions[cond].cc;
    }
    bool words = select_compares_words(x, cond, a, b);
    if (words) {
        a = word_of(x, a);
        b = word_of(x, b);
    }
    if (!compare(x, !words, a, b))
        cond = conditions[cond].mirrored;
    return conditions[cond].cc;
}

// `v != 0` as a condition.
static enum cc truth(struct comp *x, ir_value v)
{
    const struct ir_insn *in = comp_insn(x, v);
    if (x->vals[v].loc == LOC_FOLDED) {
        if (in->op == IR_SET)
            return select_condition(x, in->cond, in->a, in->b);
        test_and(x, in->a, in->b);
        return CC_NE;
    }
    enum reg r = value_reg(x, v);
    x_test(&x->c, 1, r, r);
    return CC_NE;
}

// dst = a op b where op is commutative or SUB, b not a small constant.
static void alu_regs(struct comp *x, enum alu op, ir_value a, ir_value b)
{
    struct code *c = &x->c;
    enum reg ra = value_reg(x, a), rb = value_reg(x, b);
    enum reg dst = value_result(x, a, b, 0);
    if (dst == ra) {
        x_alu(c, op, 1, dst, rb);
    } else if (dst == rb && op == ALU_SUB) {
        x_unary(c, UNARY_NEG, 1, dst);
        x_alu(c, ALU_ADD, 1, dst, ra);
    } else if (dst == rb) {
        x_alu(c, op, 1, dst, ra);
    } else if (op == ALU_ADD) {
        x_lea(c, 1, dst, mem_indexed(ra, rb, 0));
    } else {
        x_mov(c, 1, dst, ra);
        x_alu(c, op, 1, dst, rb);
    }
}

static void move(struct comp *x, enum reg dst, enum reg src)
{
    if (dst != src)
        x_mov(&x->c, 1, dst, src);
}

static void add_imm(struct comp *x, ir_value a, s32 imm)
{
    struct code *c = &x->c;
    enum reg ra = value_reg(x, a), dst = value_result(x, a, IR_NO_VALUE, 0);
    if (dst != ra)
        x_lea(c, 1, dst, mem_at(ra, imm));
    else
        x_alu_imm(c, ALU_ADD, 1, dst, imm);
}

static void and_imm(struct comp *x, ir_value a, u64 imm)
{
    struct code *c = &x->c;
    enum reg ra = value_reg(x, a), dst = value_result(x, a, IR_NO_VALUE, 0);
    if (imm == 0xff || imm == 0xffff) {
        x_movzx(c, imm == 0xff ? 1 : 2, dst, ra);
    } else if (imm >> 32 == 0) {
        if (dst != ra)
            x_mov(c, 0, dst, ra);
        if (imm != 0xffffffff || dst == ra)
            x_alu_imm(c, ALU_AND, 0, dst, (s32)imm);
    } else {
        move(x, dst, ra);
        x_alu_imm(c, ALU_AND, 1, dst, (s32)imm);
    }
}

static void alu(struct comp *x, enum alu op, ir_value a, ir_value b)
{
    if (op != ALU_SUB && is_const(x, a) && !is_const(x, b)) {
        ir_value t = a;
        a = b;
        b = t;
    }
    if (is_const(x, b)) {
        u64 imm = imm_of(x, b);
        if (op == ALU_ADD && is_s32(imm))
            return add_imm(x, a, (s32)imm);
        if (op == ALU_SUB && is_s32(-imm))
            return add_imm(x, a, (s32)-imm);
        if (op == ALU_AND && (imm >> 32 == 0 || is_s32(imm)))
            return and_imm(x, a, imm);
        if ((op == ALU_OR || op == ALU_XOR) && is_s32(imm)) {
            enum reg ra = value_reg(x, a), dst = value_result(x, a, IR_NO_VALUE, 0);
            move(x, dst, ra);
            x_alu_imm(&x->c, op, 1, dst, (s32)imm);
            return;
        }
    }
    alu_regs(x, op, a, b);
}

static void multiply(struct comp *x, ir_value a, ir_value b)
{
    struct code *c = &x->c;
    if (is_const(x, a)) {
        ir_value t = a;
        a = b;
        b = t;
    }
    enum reg ra = value_reg(x, a);
    if (is_imm(x, b)) {
        enum reg dst = value_result(x, a, IR_NO_VALUE, 0);
        x_imul_imm(c, 1, dst, ra, (s32)imm_of(x, b));
        return;
    }
    enum reg rb = value_reg(x, b), dst = value_result(x, a, b, 0);
    if (dst == rb) {
        x_imul(c, 1, dst, ra);
    } else {
        move(x, dst, ra);
        x_imul(c, 1, dst, rb);
    }
}

static void multiply_high(struct comp *x, enum unary op, ir_value a, ir_value b)
{
    value_claim(x, RAX);
    value_claim(x, RDX);
    enum reg ra = value_reg(x, a), rb = value_reg(x, b);
    x_mov(&x->c, 1, RAX, ra);
    x_unary(&x->c, op, 1, rb);
    value_result_in(x, RDX);
}

static void shift_imm(struct comp *x, unsigned op, ir_value a, u64 count)
{
    struct code *c = &x->c;
    enum shift how = op == IR_SHL ? SHIFT_SHL : op == IR_SHR ? SHIFT_SHR : op == IR_SAR ? SHIFT_SAR : SHIFT_ROL;
    int w = op != IR_ROTL32;
    if (op == IR_ROTL || op == IR_ROTL32)
        count &= w ? 63 : 31;
    if (op == IR_SAR)
        count = MIN(count, 63u);
    if (count > 63) {
        x_mov_imm(c, value_result(x, IR_NO_VALUE, IR_NO_VALUE, 0), 0);
        return;
    }
    enum reg ra = value_reg(x, a), dst = value_result(x, a, IR_NO_VALUE, 0);
    if (how == SHIFT_ROL && dst != ra && count && x86_features.bmi2) {
        x_rorx(c, w, dst, ra, (u8)((w ? 64 : 32) - count));
        return;
    }
    if (dst != ra || !w)
        x_mov(c, w, dst, ra);
    if (count)
        x_shift(c, how, w, dst, (u8)count);
}

// Shifts by a variable count in one instruction that leaves the count where it is; counts above 63 by a mask.
static void shift_bmi2(struct comp *x, unsigned op, ir_value a, ir_value n)
{
    struct code *c = &x->c;
    enum shift how = op == IR_SHL ? SHIFT_SHL : op == IR_SHR ? SHIFT_SHR : SHIFT_SAR;
    bool large = value_max(x, n) > 63;
    enum reg ra = value_reg(x, a), rn = value_reg(x, n);
    if (!large) {
        x_shiftx(c, how, 1, value_result(x, a, n, 0), ra, rn);
        return;
    }
    enum reg mask = value_scratch(x);
    if (op == IR_SAR) {
        x_mov_imm(c, mask, 63);
        x_alu_imm(c, ALU_CMP, 1, rn, 63);
        x_cmov(c, CC_B, 1, mask, rn);
        x_shiftx(c, how, 1, value_result(x, a, n, 0), ra, mask);
        return;
    }
    x_alu_imm(c, ALU_CMP, 1, rn, 64);
    x_alu(c, ALU_SBB, 1, mask, mask); // all ones when the count is below 64
    enum reg dst = value_result(x, a, n, 0);
    x_shiftx(c, how, 1, dst, ra, rn);
    x_alu(c, ALU_AND, 1, dst, mask);
}

static void shift_cl(struct comp *x, unsigned op, ir_value a, ir_value n)
{
    struct code *c = &x->c;
    enum shift how = op == IR_SHL ? SHIFT_SHL : op == IR_SHR ? SHIFT_SHR : op == IR_SAR ? SHIFT_SAR : SHIFT_ROL;
    int w = op != IR_ROTL32;
    bool large = how != SHIFT_ROL && value_max(x, n) > 63;
    value_claim(x, RCX);
    enum reg ra = value_reg(x, a), rn = value_reg(x, n), mask = NO_REG;
    if (large && op == IR_SAR) {
        x_mov_imm(c, RCX, 63);
        x_alu_imm(c, ALU_CMP, 1, rn, 63);
        x_cmov(c, CC_B, 1, RCX, rn);
    } else {
        if (large) {
            mask = value_scratch(x);
            x_alu_imm(c, ALU_CMP, 1, rn, 64);
            x_alu(c, ALU_SBB, 1, mask, mask);
        }
        x_mov(c, 0, RCX, rn);
    }
    enum reg dst = value_result(x, a, n, 0);
    if (dst != ra || !w)
        x_mov(c, w, dst, ra);
    x_shift_cl(c, how, w, dst);
    if (mask != NO_REG)
        x_alu(c, ALU_AND, 1, dst, mask);
}

static void shift(struct comp *x, unsigned op, ir_value a, ir_value n)
{
    if (is_const(x, n))
        shift_imm(x, op, a, imm_of(x, n));
    else if (op != IR_ROTL && op != IR_ROTL32 && x86_features.bmi2)
        shift_bmi2(x, op, a, n);
    else
        shift_cl(x, op, a, n);
}

// The ones of v by adding ever wider fields.
static void popcount_by_hand(struct comp *x, enum reg dst, enum reg src)
{
    struct code *c = &x->c;
    enum reg t = value_scratch(x), k = value_scratch(x);
    move(x, dst, src);
    x_mov(c, 1, t, dst);
    x_shift(c, SHIFT_SHR, 1, t, 1);
    x_mov_imm(c, k, 0x5555555555555555);
    x_alu(c, ALU_AND, 1, t, k);
    x_alu(c, ALU_SUB, 1, dst, t);
    x_mov_imm(c, k, 0x3333333333333333);
    x_mov(c, 1, t, dst);
    x_alu(c, ALU_AND, 1, dst, k);
    x_shift(c, SHIFT_SHR, 1, t, 2);
    x_alu(c, ALU_AND, 1, t, k);
    x_alu(c, ALU_ADD, 1, dst, t);
    x_mov(c, 1, t, dst);
    x_shift(c, SHIFT_SHR, 1, t, 4);
    x_alu(c, ALU_ADD, 1, dst, t);
    x_mov_imm(c, k, 0x0f0f0f0f0f0f0f0f);
    x_alu(c, ALU_AND, 1, dst, k);
    x_mov_imm(c, k, 0x0101010101010101);
    x_imul(c, 1, dst, k);
    x_shift(c, SHIFT_SHR, 1, dst, 56);
}

static void count_bits(struct comp *x, unsigned op, ir_value a)
{
    struct code *c = &x->c;
    enum reg ra = value_reg(x, a);
    if (op == IR_CLZ && x86_features.lzcnt) {
        x_bits(c, BITS_LZCNT, 1, value_result(x, a, IR_NO_VALUE, 0), ra);
    } else if (op == IR_CTZ && x86_features.tzcnt) {
        x_bits(c, BITS_TZCNT, 1, value_result(x, a, IR_NO_VALUE, 0), ra);
    } else if (op == IR_POPCNT && x86_features.popcnt) {
        x_bits(c, BITS_POPCNT, 1, value_result(x, a, IR_NO_VALUE, 0), ra);
    } else if (op == IR_POPCNT) {
        popcount_by_hand(x, value_result(x, a, IR_NO_VALUE, 0), ra);
    } else {
        enum reg zero = value_scratch(x);
        x_mov_imm(c, zero, op == IR_CLZ ? 127 : 64);
        enum reg dst = value_result(x, a, IR_NO_VALUE, 0);
        x_scan(c, op == IR_CLZ ? SCAN_REVERSE : SCAN_FORWARD, 1, dst, ra);
        x_cmov(c, CC_E, 1, dst, zero);
        if (op == IR_CLZ)
            x_alu_imm(c, ALU_XOR, 0, dst, 63);
    }
}

static void unary(struct comp *x, const struct ir_insn *in)
{
    struct code *c = &x->c;
    enum reg ra = value_reg(x, in->a), dst = value_result(x, in->a, IR_NO_VALUE, 0);
    switch (in->op) {
    case IR_SEXT8: x_movsx(c, 1, dst, ra); return;
    case IR_SEXT16: x_movsx(c, 2, dst, ra); return;
    case IR_SEXT32: x_movsx(c, 4, dst, ra); return;
    case IR_ZEXT8: x_movzx(c, 1, dst, ra); return;
    case IR_ZEXT16: x_movzx(c, 2, dst, ra); return;
    case IR_ZEXT32: x_mov(c, 0, dst, ra); return;
    case IR_BSWAP16:
        x_movzx(c, 2, dst, ra);
        x_rol16_8(c, dst);
        return;
    case IR_BSWAP32:
        x_mov(c, 0, dst, ra);
        x_bswap(c, 0, dst);
        return;
    default: break;
    }
    move(x, dst, ra);
    if (in->op == IR_BSWAP64)
        x_bswap(c, 1, dst);
    else
        x_unary(c, in->op == IR_NOT ? UNARY_NOT : UNARY_NEG, 1, dst);
}

static void set(struct comp *x, const struct ir_insn *in)
{
    enum cc cc = select_condition(x, in->cond, in->a, in->b);
    enum reg dst = value_result(x, in->a, in->b, 0);
    x_setcc(&x->c, cc, dst);
    x_movzx(&x->c, 1, dst, dst);
}

static void select(struct comp *x, const struct ir_insn *in)
{
    // Operands first: what loads them must not come between comparison and use of its flags only where it changes flags; moves do not.
    enum reg yes = value_reg(x, in->b), no = value_reg(x, in->c);
    enum cc cc = truth(x, in->a);
    enum reg dst = value_result(x, in->c, in->b, 0);
    if (dst == yes) {
        x_cmov(&x->c, cc ^ 1, 1, dst, no);
    } else {
        move(x, dst, no);
        x_cmov(&x->c, cc, 1, dst, yes);
    }
}

// Whether a, compared as `how` says, is not less than 0.
static bool not_negative(const struct comp *x, u64 how, ir_value a)
{
    return how == COMPARE_U64 || how == COMPARE_U32 ||
           value_max(x, a) <= (how == COMPARE_S32 ? 0x7fffffffull : ~0ull >> 1);
}

// 8, 4 or 2 for less, greater, equal, and c.
static void crf(struct comp *x, const struct ir_insn *in)
{
    struct code *c = &x->c;
    int w = in->imm == COMPARE_S64 || in->imm == COMPARE_U64;
    bool so_const = is_const(x, in->c);
    enum reg so = so_const ? NO_REG : value_reg(x, in->c);
    const ir_value a = in->a == in->c ? IR_NO_VALUE : in->a, b = in->b == in->c ? IR_NO_VALUE : in->b;
    const u32 avoid = so_const ? 0u : BIT(so);
    const s32 so_imm = so_const ? (s32)imm_of(x, in->c) : 0;
    if (is_const(x, in->b) && (w ? imm_of(x, in->b) : (u32)imm_of(x, in->b)) == 0 && not_negative(x, in->imm, in->a)) {
        x_alu_imm(c, ALU_CMP, w, value_reg(x, in->a), 1); // carry: equal
        enum reg dst = value_result(x, a, IR_NO_VALUE, avoid);
        x_alu(c, ALU_SBB, 0, dst, dst);
        x_lea(c, 0, dst, so_const ? (struct mem){dst, dst, 1, CR_GT + so_imm} : (struct mem){so, dst, 2, CR_GT});
        return;
    }
    bool straight = compare(x, w, in->a, in->b);
    enum cc less = in->imm == COMPARE_S64 || in->imm == COMPARE_S32 ? CC_L : CC_B;
    enum reg dst = value_result(x, a, b, avoid);
    x_mov_imm(c, dst, straight ? CR_GT : CR_LT); // changes no flags
    x_cmov_load(c, CC_E, 0, dst, CPU_MEM(crf_bits[0]));
    x_cmov_load(c, less, 0, dst, CPU_MEM(crf_bits[straight ? 2 : 1]));
    if (!so_const)
        x_alu(c, ALU_OR, 0, dst, so);
    else if (so_imm)
        x_alu_imm(c, ALU_OR, 0, dst, so_imm);
}

static void get(struct comp *x, const struct ir_insn *in)
{
    if (x->slot_reg[in->slot] != NO_REG)
        value_alias(x, (ir_value)x->at, in->slot);
    else if (ir_slots[in->slot].type != 'V')
        x_v1_mem(&x->c, ir_slots[in->slot].type == 'X' ? MOVUPS_LOAD : MOVQ_LOAD,
                 value_result(x, IR_NO_VALUE, IR_NO_VALUE, 0), slot_mem(in->slot));
    else
        x_load_zx(&x->c, ir_slots[in->slot].bytes, value_result(x, IR_NO_VALUE, IR_NO_VALUE, 0), slot_mem(in->slot));
}

// A PUT of a scalar makes the register's other doubleword zero: at once, because what is written back later may not have been PUT on the way
// that was taken.
static void zero_other(struct comp *x, unsigned slot)
{
    if (ir_slots[slot].type != 'D' || slots_have(&x->zeroed, slot))
        return;
    x_store_imm(&x->c, 8, slot_mem(ir_overlap(slot)), 0);
    slots_add(&x->zeroed, slot);
}

static void put(struct comp *x, const struct ir_insn *in)
{
    struct code *c = &x->c;
    zero_other(x, in->slot);
    const struct val *val = &x->vals[in->a];
    enum reg home = x->slot_reg[in->slot];
    if (home == NO_REG) {
        unsigned bytes = ir_slots[in->slot].bytes;
        if (ir_slots[in->slot].type != 'V') {
            leave_store_xmm(x, in->slot, value_reg(x, in->a));
            return;
        }
        if (is_imm(x, in->a))
            x_store_imm(c, bytes, slot_mem(in->slot), (s32)imm_of(x, in->a));
        else
            x_store(c, bytes, slot_mem(in->slot), value_reg(x, in->a));
        return;
    }
    slots_add(&x->dirty_now, in->slot);
    if (val->loc == LOC_SLOT && val->n == in->slot)
        return;
    value_evict_aliases(x, in->slot);
    if (is_const(x, in->a)) {
        x_mov_imm(c, home, imm_of(x, in->a));
        return;
    }
    if (home >= XMM0)
        x_vmov(c, home, value_reg(x, in->a));
    else
        x_mov(c, 1, home, value_reg(x, in->a));
    if (val->loc == LOC_REG && val->last > x->at)
        value_alias(x, in->a, in->slot);
}

static struct mem field_mem(u64 imm)
{
    return mem_at(CPU, IR_FIELD_OFFSET(imm));
}

static void set_field(struct comp *x, const struct ir_insn *in)
{
    if (is_imm(x, in->a))
        x_store_imm(&x->c, IR_FIELD_BYTES(in->imm), field_mem(in->imm), (s32)imm_of(x, in->a));
    else
        x_store(&x->c, IR_FIELD_BYTES(in->imm), field_mem(in->imm), value_reg(x, in->a));
}

void select_operation(struct comp *x)
{
    const struct ir_insn *in = &x->r->insns[x->at];
    struct val *val = &x->vals[x->at];
    if (val->loc == LOC_CONST || val->loc == LOC_FOLDED || (ir_ops[in->op].flags & IR_PURE && !val->uses))
        return;
    switch (in->op) {
    case IR_GET: get(x, in); break;
    case IR_PUT: put(x, in); break;
    case IR_PAGE_EA: x_load(&x->c, 1, value_result(x, IR_NO_VALUE, IR_NO_VALUE, 0), CPU_MEM(page_ea)); break;
    case IR_ADD: alu(x, ALU_ADD, in->a, in->b); break;
    case IR_SUB: alu(x, ALU_SUB, in->a, in->b); break;
    case IR_AND: alu(x, ALU_AND, in->a, in->b); break;
    case IR_OR: alu(x, ALU_OR, in->a, in->b); break;
    case IR_XOR: alu(x, ALU_XOR, in->a, in->b); break;
    case IR_MUL: multiply(x, in->a, in->b); break;
    case IR_MULHS: multiply_high(x, UNARY_IMUL, in->a, in->b); break;
    case IR_MULHU: multiply_high(x, UNARY_MUL, in->a, in->b); break;
    case IR_DIVS:
    case IR_DIVU:
    case IR_REMS:
    case IR_REMU: divide(x); break;
    case IR_SHL:
    case IR_SHR:
    case IR_SAR:
    case IR_ROTL:
    case IR_ROTL32: shift(x, in->op, in->a, in->b); break;
    case IR_CLZ:
    case IR_CTZ:
    case IR_POPCNT: count_bits(x, in->op, in->a); break;
    case IR_SET: set(x, in); break;
    case IR_SELECT: select(x, in); break;
    case IR_CRF: crf(x, in); break;
    case IR_LOAD:
    case IR_STORE:
    case IR_LOADX:
    case IR_STOREX:
    case IR_LOADD:
    case IR_STORED: memory_access(x); break;
    case IR_ZERO: memory_zero(x); break;
    case IR_VX0:
    case IR_VX1:
    case IR_VX2:
    case IR_VX3:
    case IR_XMASK:
    case IR_SATURATED:
    case IR_XTOV:
    case IR_VTOX:
    case IR_XTOD:
    case IR_DTOX:
    case IR_VTOD:
    case IR_DTOV: select_vector(x, in); break;
    case IR_LARX: atomic_load_reserve(x); break;
    case IR_STCX: atomic_store_conditional(x); break;
    case IR_RMW:
    case IR_CAS: atomic_loop(x); break;
    case IR_FENCE: x_fence(&x->c); break;
    case IR_FP1:
    case IR_FP2:
    case IR_FP3:
    case IR_FV1:
    case IR_FV2:
    case IR_FV3:
    case IR_FCMP:
    case IR_FBITS1:
    case IR_FBITS2:
    case IR_FSEL:
    case IR_FWIDEN:
    case IR_FNARROW: select_float(x, in); break;
    case IR_EXEC: memory_exec(x); break;
    case IR_REQUIRE: memory_require(x); break;
    case IR_CHECK: memory_check(x); break;
    case IR_FIELD:
        x_load_zx(&x->c, IR_FIELD_BYTES(in->imm), value_result(x, IR_NO_VALUE, IR_NO_VALUE, 0), field_mem(in->imm));
        break;
    case IR_SET_FIELD: set_field(x, in); break;
    case IR_STRIP: memory_strip(x); break;
    case IR_JUMP:
    case IR_BRANCH:
    case IR_BEGIN:
    case IR_AGAIN:
    case IR_EXIT:
    case IR_EXIT_EA:
    case IR_EXIT_INSN: leave_end(x); break;
    default: unary(x, in); break;
    }
}
