// SPDX-License-Identifier: Apache-2.0
// Operand sets: instruction words of a row with valid register numbers, and register contents that hit the corners.
#include <fnmatch.h>
#include <string.h>

#include "cpu/msr.h"
#include "tests/insn/insn_test.h"

static u64 rng_state = 1;

void rng_seed(u64 seed, const char *name)
{
    u64 h = seed * 0x9e3779b97f4a7c15ull ^ 0xcbf29ce484222325ull;
    for (; *name; name++)
        h = (h ^ (u8)*name) * 0x100000001b3ull;
    rng_state = h ? h : 1;
    for (unsigned i = 0; i < 4; i++)
        rng();
}

u64 rng(void)
{
    rng_state ^= rng_state >> 12;
    rng_state ^= rng_state << 25;
    rng_state ^= rng_state >> 27;
    return rng_state * 0x2545f4914f6cdd1dull;
}

bool gen_traps;

#define PICK(list) ((list)[rng_below(ARRAY_LEN(list))])

// --- Instruction words

static void set_field(u32 *insn, unsigned first, unsigned bits, u32 value)
{
    u32 mask = (~0u >> (32 - bits)) << (32 - first - bits);
    *insn = (*insn & ~mask) | (value << (32 - first - bits) & mask);
}

static u32 get_field(u32 insn, unsigned first, unsigned bits)
{
    return insn >> (32 - first - bits) & (~0u >> (32 - bits));
}

static bool is_gpr(const struct operand_ref *op)
{
    return op->class == CLASS_GPR || op->class == CLASS_GPR0;
}

static bool named(const struct row *row, const char *pattern)
{
    return !fnmatch(pattern, row->name, 0);
}

static const struct operand_ref *find_operand(const struct operand_ref *ops, unsigned len, const char *name)
{
    for (unsigned i = 0; i < len; i++)
        if (!strcmp(ops[i].name, name))
            return &ops[i];
    return NULL;
}

bool row_uses_memory(const struct row *row)
{
    return row->kind == KIND_LOAD || row->kind == KIND_STORE || row->group == GROUP_STORAGE;
}

static bool is_atomic(const struct row *row)
{
    static const char *const names[] = {"l[bhwdq]arx", "st[bhwdq]cx*", "l[wd]at", "st[wd]at", "lq", "stq"};
    for (unsigned i = 0; i < ARRAY_LEN(names); i++)
        if (named(row, names[i]))
            return true;
    return false;
}

// EA = RA alone, and RB is something else.
static bool ea_is_ra(const struct row *row)
{
    return named(row, "lxvl*") || named(row, "stxvl*") || named(row, "l[wd]at") || named(row, "st[wd]at") ||
           named(row, "lswi") || named(row, "stswi");
}

static bool has_reg(u32 first, u32 len, u32 reg)
{
    return ((reg - first) & 31) < len;
}

// Register numbers that make a valid form and leave the guest's own register alone.
static bool word_is_good(const struct row *row, const struct operand_ref *ops, unsigned len, u32 insn)
{
    bool memory = row_uses_memory(row);
    u32 rt = get_field(insn, 6, 5), ra = get_field(insn, 11, 5), rb = get_field(insn, 16, 5);
    const struct operand_ref *a = NULL;
    for (unsigned i = 0; i < len; i++) {
        u32 reg = ops[i].bits == 5 ? get_field(insn, ops[i].first, 5) : 0;
        if (is_gpr(&ops[i]) && reg == JUDGE_OWN_GPR)
            return false;
        bool pair = strlen(ops[i].name) == 3 + (ops[i].name[0] == 'F') && ops[i].name[strlen(ops[i].name) - 1] == 'P';
        if (pair && (reg & 1))
            return false;
        if (pair && is_gpr(&ops[i]) && reg == (JUDGE_OWN_GPR & ~1u))
            return false;
        if (is_gpr(&ops[i]) && ops[i].first == 11)
            a = &ops[i];
    }
    if (memory && a) {
        bool indexed = find_operand(ops, len, "RB") && !ea_is_ra(row);
        bool update = !strcmp(a->name, "RAU");
        bool gpr_load = row->kind == KIND_LOAD && (find_operand(ops, len, "RT") || find_operand(ops, len, "RTP"));
        if (ra == 0 && (!indexed || update))
            return false;
        if (indexed && ra == rb)
            return false;
        if (update && gpr_load && ra == rt)
            return false;
        if (named(row, "lq") && (rt & ~1u) == (ra & ~1u))
            return false;
        if ((named(row, "lmw") || named(row, "stmw")) && (rt <= JUDGE_OWN_GPR || ra >= rt))
            return false;
        if (named(row, "lxvl*") || named(row, "stxvl*"))
            return ra != rb;
        if (named(row, "l[wd]at")) { // RT, RT+1 and RT+2 are operands
            if (has_reg(rt, 3, ra) || has_reg(rt, 3, JUDGE_OWN_GPR) || rt > 29)
                return false;
        }
        if (named(row, "lsw*") || named(row, "stsw*")) {
            u32 nb = named(row, "*swi") ? rb ? rb : 32 : 127;
            u32 regs = (nb + 3) / 4;
            if (named(row, "*swx"))
                return rt >= 14 && ra < 14 && rb < 14 && ra != rb;
            if (has_reg(rt, regs, JUDGE_OWN_GPR) || has_reg(rt, regs, ra))
                return false;
        }
        if (named(row, "l?arx") && (rt == ra || rt == rb))
            return false;
        if (named(row, "lqarx") && ((rt | 1) == ra || (rt | 1) == rb))
            return false;
    }
    return true;
}

static u32 branch_option(const struct row *row)
{
    // ISA I "Branch Instructions": the valid BO encodings
    static const u8 all[] = {0, 2, 4, 6, 7, 8, 10, 12, 14, 15, 16, 18, 20, 24, 25, 26, 27};
    static const u8 keep_ctr[] = {4, 6, 7, 12, 14, 15, 20};
    return named(row, "bcctr*") || named(row, "bctar*") ? PICK(keep_ctr) : PICK(all);
}

// A word near the instruction that is neither part of the slot's code nor the instruction itself.
static int branch_offset(void)
{
    static const s8 words[] = {-16, -15, -14, -13, -12, -11, -10, -9, -8, -7, -6, -5, 2,
                               3,   4,   5,   6,   7,   8,   9,   10, 11, 12, 13, 14, 15};
    return PICK(words);
}

u32 gen_word(const struct row *row, u32 *prepare)
{
    struct operand_ref ops[8];
    unsigned len = row_operands(row, ops);
    *prepare = 0x60000000;
    for (unsigned tries = 0; tries < 10000; tries++) {
        u32 insn = row->value | ((u32)rng() & row->letters);
        for (unsigned i = 0; i < len; i++) {
            const struct operand_ref *op = &ops[i];
            if (!strcmp(op->name, "BO"))
                set_field(&insn, 6, 5, branch_option(row));
            if (op->class == CLASS_TARGET) {
                bool conditional = !strcmp(op->name, "BD");
                set_field(&insn, conditional ? 16 : 6, conditional ? 14 : 24, (u32)branch_offset());
            }
            if (op->class == CLASS_SPR) {
                static const u16 sprs[] = {1, 8, 9, 256, 815};
                u32 spr = PICK(sprs);
                set_field(&insn, 11, 10, (spr & 31) << 5 | spr >> 5);
            }
            if (!strcmp(op->name, "L2") && named(row, "dcbf") && get_field(insn, 9, 2) == 2)
                set_field(&insn, 9, 2, 0); // the one that is reserved
            if (!strcmp(op->name, "FXM") && named(row, "*ocrf"))
                set_field(&insn, 12, 8, 1u << rng_below(8));
        }
        // Few different registers now and then, so that operands coincide.
        if (rng_below(8) == 0)
            for (unsigned i = 0; i + 1 < len; i++)
                if (ops[i].class == ops[i + 1].class && ops[i].bits == 5 && ops[i + 1].bits == 5)
                    set_field(&insn, ops[i + 1].first, 5, get_field(insn, ops[i].first, 5));
        insn = (insn & ~row->mask) | row->value;
        if (!word_is_good(row, ops, len, insn) || rows_decode(insn) != (enum insn_id)(row - rows))
            continue;
        static const struct {
            const char *store;
            u32 load_xo;
        } reservations[] = {{"stwcx*", 20}, {"stbcx*", 52}, {"stdcx*", 84}, {"sthcx*", 116}, {"stqcx*", 276}};
        for (unsigned k = 0; k < ARRAY_LEN(reservations); k++)
            if (named(row, reservations[k].store) && rng_below(4)) {
                u32 rs = get_field(insn, 6, 5), ra = get_field(insn, 11, 5), rb = get_field(insn, 16, 5), rt = 0;
                while ((rt & 1) || rt == JUDGE_OWN_GPR - 1 || (rt | 1) == (rs | 1) || (rt | 1) == (ra | 1) ||
                       (rt | 1) == (rb | 1))
                    rt++;
                *prepare = 31u << 26 | rt << 21 | ra << 16 | rb << 11 | reservations[k].load_xo << 1;
            }
        return insn;
    }
    return 0;
}

// --- Values

static u64 gen_u64(void)
{
    static const u64 corners[] = {0,
                                  1,
                                  ~0ull,
                                  0x7fffffffffffffff,
                                  0x8000000000000000,
                                  0x7fffffff,
                                  0x80000000,
                                  0xffffffff,
                                  0xffffffff80000000,
                                  0x100000000,
                                  0x8000000000000001,
                                  0xfffffffffffffffe,
                                  2,
                                  0x7f,
                                  0x80,
                                  0xff,
                                  0x7fff,
                                  0x8000,
                                  0xffff,
                                  0x5555555555555555,
                                  0xaaaaaaaaaaaaaaaa,
                                  63,
                                  64,
                                  127,
                                  31,
                                  32};
    switch (rng_below(10)) {
    case 0:
    case 1:
    case 2: return PICK(corners);
    case 3: return 1ull << rng_below(64);
    case 4: return (1ull << rng_below(64)) - 1;
    case 5: return (u64)(s64)(s32)rng();
    case 6: return rng_below(256);
    case 7: return rng() >> rng_below(64);
    default: return rng();
    }
}

static u64 gen_f64(void)
{
    static const u64 corners[] = {0,
                                  1,
                                  0x000fffffffffffff,
                                  0x0010000000000000,
                                  0x0008000000000000,
                                  0x3ff0000000000000,
                                  0x3ff0000000000001,
                                  0x3ff8000000000000,
                                  0x4000000000000000,
                                  0x4008000000000000,
                                  0x7fefffffffffffff,
                                  0x7ff0000000000000,
                                  0x7ff8000000000000,
                                  0x7ff0000000000001,
                                  0x7ff7ffffffffffff,
                                  0x7ff8000000000123,
                                  0x7fffffffffffffff,
                                  0x7ff4000000000000,
                                  0x7ff0000020000000,
                                  0x41e0000000000000,
                                  0x41dfffffffc00000,
                                  0x41dfffffffe00000,
                                  0x41f0000000000000,
                                  0x41efffffffe00000,
                                  0x41efffffffffffff,
                                  0x43e0000000000000,
                                  0x43dfffffffffffff,
                                  0x43f0000000000000,
                                  0x43efffffffffffff,
                                  0x3fe0000000000000,
                                  0x3fdfffffffffffff,
                                  0x3fe0000000000001,
                                  0x3ff8000000000001,
                                  0x4004000000000000,
                                  0x47efffffe0000000,
                                  0x47effffff0000000,
                                  0x47f0000000000000,
                                  0x3810000000000000,
                                  0x380fffffffffffff,
                                  0x36a0000000000000,
                                  0x3690000000000000,
                                  0x369fffffffffffff,
                                  0x37f0000000000000,
                                  0x4340000000000000,
                                  0x4330000000000000,
                                  0x4330000000000001,
                                  0x432fffffffffffff,
                                  0x40effc0000000000,
                                  0x40f0000000000000,
                                  0x40effe0000000000,
                                  0x3f10000000000000,
                                  0x3f0fffffffffffff,
                                  0x3e70000000000000,
                                  0x3e60000000000000,
                                  0x41dfffffffffffff,
                                  0xc1e0000000200000,
                                  0xc1e00000001fffff,
                                  0x0000000000000002,
                                  0x0360000000000000,
                                  0x0350000000000000};
    static const u64 extremes[] = {0, 0, 0x7ff0000000000000, 0x7ff8000000000000, 0x7ff4000000000000, 0x7fefffffffffffff,
                                   1};
    u64 sign = rng() & 0x8000000000000000;
    switch (rng_below(11)) {
    case 10: return sign | PICK(extremes);
    case 0:
    case 1:
    case 2: return sign ^ PICK(corners);
    case 3: return rng();
    case 4: // few significant bits
        return sign | (0x3ff - 70 + rng_below(140)) << 52 | ((rng() << rng_below(64)) & 0xfffffffffffff);
    case 5: // in the range of single precision and its borders
        return sign | (0x3ff - 152 + rng_below(285)) << 52 | (rng() & 0xfffffffffffff);
    case 6: return sign | (0x3ff - 152 + rng_below(285)) << 52 | (rng() & 0xfffffe0000000);
    case 7: { // integers
        union {
            double f;
            u64 u;
        } v = {.f = (double)(s64)gen_u64()};
        return v.u ^ (rng_below(4) ? 0 : 1);
    }
    case 8: return sign | (rng() & 0xfffffffffffff) >> rng_below(53); // denormal
    default: return sign | (0x3ff - 4 + rng_below(9)) << 52 | (rng() & 0xfffffffffffff);
    }
}

static u32 gen_f32(void)
{
    static const u32 corners[] = {0,          1,          0x007fffff, 0x00800000, 0x00400000, 0x3f800000, 0x3f800001,
                                  0x3fc00000, 0x40000000, 0x40400000, 0x7f7fffff, 0x7f800000, 0x7fc00000, 0x7f800001,
                                  0x7fbfffff, 0x7fffffff, 0x7fa00000, 0x4f000000, 0x4effffff, 0x4f800000, 0x4f7fffff,
                                  0x5f000000, 0x5effffff, 0x5f800000, 0x5f7fffff, 0x3f000000, 0x3effffff, 0x3f000001,
                                  0x4b000000, 0x4b000001, 0x4affffff, 0x477fe000, 0x47800000, 0x477ff000, 0x38800000,
                                  0x387fffff, 0x33800000, 0x33000000, 0x43000000, 0xc3150000, 0x42fe0000};
    static const u32 extremes[] = {0, 0, 0x7f800000, 0x7fc00000, 0x7fa00000, 0x7f7fffff, 1};
    u32 sign = (u32)rng() & 0x80000000;
    switch (rng_below(9)) {
    case 8: return sign | PICK(extremes);
    case 0:
    case 1: return sign ^ PICK(corners);
    case 2: return (u32)rng();
    case 3: return sign | (u32)(127 - 40 + rng_below(80)) << 23 | (((u32)rng() << rng_below(32)) & 0x7fffff);
    case 4: {
        union {
            float f;
            u32 u;
        } v = {.f = (float)(s32)gen_u64()};
        return v.u;
    }
    case 5: return sign | ((u32)rng() & 0x7fffff) >> rng_below(24);
    default: return sign | (u32)(127 - 4 + rng_below(9)) << 23 | ((u32)rng() & 0x7fffff);
    }
}

static u16 gen_f16(void)
{
    static const u16 corners[] = {0, 1, 0x03ff, 0x0400, 0x3c00, 0x3c01, 0x7bff, 0x7c00, 0x7e00, 0x7c01, 0x7dff, 0x7fff};
    return (u16)((rng() & 0x8000) ^ (rng_below(3) ? rng() : PICK(corners)));
}

static u128 gen_f128(void)
{
    u128 sign = (u128)(rng() & 0x8000000000000000) << 64;
    u128 fraction = ((u128)rng() << 64 | rng()) & (((u128)1 << 112) - 1);
    u128 ones = ((u128)1 << 112) - 1;
    static const u16 exps[] = {0,
                               1,
                               0x7ffe,
                               0x7fff,
                               0x3fff,
                               0x3ffe,
                               0x4000,
                               0x3fff + 112,
                               0x3fff + 113,
                               0x3fff - 112,
                               0x3fff + 63,
                               0x3fff + 64,
                               0x3fff + 31,
                               0x3fff + 32,
                               0x3fff + 62,
                               0x3fff + 1023,
                               0x3fff + 1024,
                               0x3fff - 1022,
                               0x3fff - 1023,
                               0x3fff - 1074,
                               0x3fff - 1075,
                               113,
                               112,
                               0x3fff + 127,
                               0x3fff + 128};
    switch (rng_below(8)) {
    case 0: fraction = 0; break;
    case 1: fraction = 1; break;
    case 2: fraction = ones; break;
    case 3: fraction = (fraction << rng_below(112)) & ones; break;
    case 4: fraction >>= rng_below(112); break;
    case 5: fraction = (u128)1 << 111 | (rng_below(2) ? fraction : 0); break;
    default: break;
    }
    u64 e = 0;
    if (rng_below(16) == 0)
        return sign | (rng_below(2) ? 0 : (u128)0x7fff << 112);
    switch (rng_below(4)) {
    case 0: e = PICK(exps); break;
    case 1: e = rng() & 0x7fff; break;
    case 2: e = 0x3fff - 4 + rng_below(9); break;
    default: e = 0x3fff - 130 + rng_below(260); break;
    }
    return sign | (u128)e << 112 | fraction;
}

// Three decimal digits as a declet. ISA I "Densely Packed Decimal"
static unsigned declet(unsigned d2, unsigned d1, unsigned d0)
{
    unsigned large = (d2 & 8) >> 1 | (d1 & 8) >> 2 | (d0 & 8) >> 3;
    unsigned a = d2 & 7, b = d1 & 7, c = d0 & 7, x = d2 & 1, y = d1 & 1, z = d0 & 1;
    switch (large) {
    case 0: return a << 7 | b << 4 | c;
    case 1: return a << 7 | b << 4 | 8 | z;
    case 2: return a << 7 | (c >> 1) << 5 | y << 4 | 10 | z;
    case 4: return (c >> 1) << 8 | x << 7 | b << 4 | 12 | z;
    case 6: return (c >> 1) << 8 | x << 7 | y << 4 | 14 | z;
    case 5: return (b >> 1) << 8 | x << 7 | 1 << 5 | y << 4 | 14 | z;
    case 3: return a << 7 | 2 << 5 | y << 4 | 14 | z;
    default: return x << 7 | 3 << 5 | y << 4 | 14 | z;
    }
}

static void gen_digits(u8 *digits, unsigned len)
{
    unsigned used = (unsigned)rng_below(len + 1), kind = (unsigned)rng_below(8);
    if (kind == 4) // products of two such lie half-way between two numbers
        used = len / 2 + (unsigned)rng_below(2);
    for (unsigned i = 0; i < len; i++) { // from the least significant
        unsigned d = (unsigned)rng_below(10);
        if (kind == 0)
            d = 9;
        if (kind == 1)
            d = i + 1 == used ? 1 : 0;
        if (kind == 2)
            d = i + 1 == used ? 5 : 0;
        if (kind == 3 && rng_below(2))
            d = 0;
        if (kind == 4 && i == 0)
            d = 5;
        digits[i] = (u8)(i < used ? d : 0);
    }
    if (kind != 4 && rng_below(4) == 0) // trailing zeros
        for (unsigned i = 0, n = (unsigned)rng_below(len); i < n; i++)
            digits[i] = 0;
}

// A decimal number of 16 or 34 digits.
static u128 gen_decimal(bool quad)
{
    unsigned len = quad ? 34 : 16, bias = quad ? 6176 : 398, max = quad ? 12287 : 767;
    unsigned top = quad ? 127 : 63, exp_bits = quad ? 12 : 8;
    u128 sign = (u128)(rng() & 1) << top;
    if (rng_below(6) == 0) {
        u128 v = ((u128)rng() << 64 | rng()) >> (quad ? 0 : 64);
        u128 mask = (u128)15 << (top - 4);
        return rng_below(3) ? v : (v | mask); // often infinities and NaN
    }
    if (rng_below(12) == 0) {
        static const u8 specials[] = {0x1e, 0x1f, 0x3f, 0x3e};
        u128 five = PICK(specials) & 0x1f;
        u128 low = rng_below(2) ? 0 : rng_below(1000);
        return sign | five << (top - 5) | (u128)(rng() & 1) << (top - 6) | low;
    }
    u8 d[34];
    gen_digits(d, len);
    unsigned e = 0;
    switch (rng_below(8)) {
    case 0: e = (unsigned)rng_below(quad ? 40 : 20); break;
    case 1: e = max - (unsigned)rng_below(quad ? 40 : 20); break;
    case 2: e = (unsigned)rng_below(max + 1); break;
    case 3: e = bias; break;
    default: e = bias - 40 + (unsigned)rng_below(60); break;
    }
    unsigned lead = d[len - 1];
    unsigned hi = e >> exp_bits;
    u128 five = lead < 8 ? hi << 3 | lead : 0x18 | hi << 1 | (lead & 1);
    u128 v = sign | five << (top - 5) | (u128)(e & ((1u << exp_bits) - 1)) << (top - 5 - exp_bits);
    for (unsigned i = 0; i + 1 < len; i += 3)
        v |= (u128)declet(d[i + 2], d[i + 1], d[i]) << (i / 3 * 10);
    return v;
}

static u128 gen_bcd(void)
{
    u8 d[31];
    gen_digits(d, 31);
    u128 v = 0;
    for (unsigned i = 0; i < 31; i++)
        v |= (u128)d[i] << (4 + 4 * i);
    static const u8 signs[] = {12, 13, 15, 10, 11, 14};
    v |= rng_below(10) ? PICK(signs) : rng_below(16);
    if (rng_below(10) == 0)
        v |= (u128)(10 + rng_below(6)) << (4 + 4 * rng_below(31));
    return v;
}

static u128 gen_zoned(void)
{
    u8 d[31];
    gen_digits(d, 16);
    u128 v = 0;
    u64 zone = rng_below(2) ? 3 : 15;
    for (unsigned i = 0; i < 16; i++) {
        u64 z = i == 0 ? rng_below(16) : rng_below(24) ? zone : rng_below(16);
        u64 digit = rng_below(48) ? d[i] : rng_below(16);
        v |= (u128)(z << 4 | digit) << (8 * i);
    }
    return v;
}

static u128 gen_national(void)
{
    u8 d[31];
    gen_digits(d, 7);
    u128 v = rng_below(12) ? (rng_below(2) ? 0x2b : 0x2d) : rng_below(64);
    for (unsigned i = 0; i < 7; i++)
        v |= (u128)(rng_below(32) ? 0x30u + d[i] : rng_below(256)) << (16 * (i + 1));
    return v;
}

enum flavour {
    FL_RANDOM,
    FL_INT,
    FL_BYTES,
    FL_DP,
    FL_SP,
    FL_HP,
    FL_QP,
    FL_BCD,
    FL_ZONED,
    FL_NATIONAL,
    FL_DEC64,
    FL_DEC128
};

static u128 gen_vector(enum flavour flavour)
{
    u128 v = 0;
    switch (flavour) {
    case FL_INT: return (u128)gen_u64() << 64 | gen_u64();
    case FL_BYTES: {
        static const u8 corners[] = {0, 1, 0x7f, 0x80, 0xff, 0xfe, 0x55, 0x81};
        for (unsigned i = 0; i < 16; i++)
            v = v << 8 | (rng_below(2) ? PICK(corners) : (u8)rng());
        return v;
    }
    case FL_DP: return (u128)gen_f64() << 64 | gen_f64();
    case FL_SP: return (u128)((u64)gen_f32() << 32 | gen_f32()) << 64 | ((u64)gen_f32() << 32 | gen_f32());
    case FL_HP:
        for (unsigned i = 0; i < 8; i++)
            v = v << 16 | gen_f16();
        return v;
    case FL_QP: return gen_f128();
    case FL_BCD: return gen_bcd();
    case FL_ZONED: return gen_zoned();
    case FL_NATIONAL: return gen_national();
    case FL_DEC64: return (u128)(u64)gen_decimal(false) << 64 | rng();
    default: return (u128)rng() << 64 | rng();
    }
}

static enum flavour pick_flavour(const struct row *row)
{
    if (row->group == GROUP_DFP) {
        if (named(row, "*cffix*") || named(row, "denbcd*"))
            return rng_below(8) ? (named(row, "denbcd*") ? FL_BCD : FL_INT) : FL_DEC64;
        if (named(row, "drdpq*"))
            return FL_DEC128;
        if (named(row, "dctdp") || named(row, "dctqpq"))
            return FL_DEC64;
        bool quad = strchr(row->name, 'q') && !named(row, "dqua") && !named(row, "dquai") && !named(row, "dctqpq");
        if (named(row, "dquaq") || named(row, "dquaiq"))
            quad = true;
        return quad ? FL_DEC128 : FL_DEC64;
    }
    if (row->group == GROUP_VMX) {
        if (named(row, "bcdcfn*"))
            return FL_NATIONAL;
        if (named(row, "bcdcfz*"))
            return FL_ZONED;
        if (named(row, "bcdcfsq*"))
            return rng_below(2) ? FL_INT : FL_RANDOM;
        if (named(row, "bcd*") || named(row, "vmul10*"))
            return rng_below(8) ? FL_BCD : FL_BYTES;
        if (named(row, "*fp*") || named(row, "*fp") || named(row, "vct*") || named(row, "vcf*") || named(row, "vrfi*"))
            return rng_below(8) ? FL_SP : FL_INT;
        static const u8 any[] = {FL_RANDOM, FL_INT, FL_BYTES, FL_BYTES};
        return PICK(any);
    }
    if (row->group == GROUP_FP)
        return rng_below(12) ? FL_DP : FL_INT;
    if (row->group == GROUP_VSX_FP) {
        static const u8 fp[] = {FL_DP, FL_DP, FL_SP, FL_SP, FL_QP, FL_HP, FL_INT, FL_RANDOM};
        if (rng_below(8) == 0)
            return PICK(fp);
        if (named(row, "*hp*"))
            return rng_below(2) ? FL_HP : named(row, "xv*") ? FL_SP : FL_DP;
        if (named(row, "*qp*"))
            return rng_below(8) == 0 ? FL_INT : named(row, "*dpqp*") ? FL_DP : FL_QP;
        if (named(row, "*sxd*") || named(row, "*uxd*") || named(row, "*sxw*") || named(row, "*uxw*"))
            return rng_below(3) == 0 ? FL_INT : named(row, "xvcvsp*") ? FL_SP : FL_DP;
        if (named(row, "xscvsp*"))
            return FL_SP;
        if (named(row, "xv*sp*") && !named(row, "xvcvdpsp"))
            return FL_SP;
        return FL_DP;
    }
    static const u8 any[] = {FL_RANDOM, FL_INT, FL_BYTES, FL_DP, FL_SP};
    return PICK(any);
}

static void gen_vsrs(const struct row *row, struct judge_state *s)
{
    enum flavour flavour = pick_flavour(row);
    for (unsigned i = 0; i < 64; i++) {
        if (flavour == FL_DEC128 && i < 32) {
            if (!(i & 1)) {
                u128 v = gen_decimal(true);
                s->vsr[i][0] = (u64)(v >> 64);
                s->vsr[i + 1][0] = (u64)v;
                s->vsr[i][1] = rng();
                s->vsr[i + 1][1] = rng();
            }
            continue;
        }
        u128 v = gen_vector(flavour);
        s->vsr[i][0] = (u64)(v >> 64);
        s->vsr[i][1] = (u64)v;
    }
    // Operands that are equal, opposite or one unit apart.
    for (unsigned k = (unsigned)rng_below(24); k > 0; k--) {
        unsigned from = (unsigned)rng_below(64) & ~1u, to = (unsigned)rng_below(64) & ~1u;
        memcpy(s->vsr[to], s->vsr[from], sizeof(s->vsr[0]) * 2);
        switch (rng_below(4)) {
        case 0: s->vsr[to][0] ^= 0x8000000000000000; break;
        case 1: s->vsr[to][rng_below(2)] ^= 1; break;
        default: break;
        }
    }
    // DFP shifts, counts and exponents come in integer registers too.
    if (row->group == GROUP_DFP && (named(row, "diex*") || named(row, "drrnd*") || named(row, "dtstsf*")))
        for (unsigned i = 0; i < 32; i += 1 + (unsigned)rng_below(3))
            s->vsr[i][0] = rng_below(2) ? rng_below(64) : rng_below(4) ? rng_below(0x3200) - 8 : gen_u64();
}

static void gen_fpscr(struct judge_state *s)
{
    u32 f = (u32)rng() &
            ~(FPSCR_FEX | FPSCR_VX | PPC_BIT32(20) | FPSCR_VE | FPSCR_OE | FPSCR_UE | FPSCR_ZE | FPSCR_XE | FPSCR_NI);
    if (rng_below(2)) // clear, to see every bit that gets set
        f &= FPSCR_RN;
    if (f & FPSCR_VX_ALL)
        f |= FPSCR_VX;
    if (gen_traps) {
        f |= (u32)rng() & (u32)rng() & (FPSCR_VE | FPSCR_OE | FPSCR_UE | FPSCR_ZE | FPSCR_XE);
        if (f >> 22 & f & (FPSCR_VE | FPSCR_OE | FPSCR_UE | FPSCR_ZE | FPSCR_XE))
            f &= FPSCR_RN; // nothing enabled may be pending already
    }
    s->fpscr = (u64)rng_below(8) << 32 | f;
}

static void place_memory_operand(const struct row *row, u32 insn, struct judge_state *s)
{
    struct operand_ref ops[8];
    unsigned len = row_operands(row, ops);
    const struct operand_ref *base = NULL;
    for (unsigned i = 0; i < len; i++)
        if (is_gpr(&ops[i]) && ops[i].first == 11)
            base = &ops[i];
    if (!base)
        return;
    u64 off = 32 + rng_below(320);
    if (is_atomic(row) || rng_below(2))
        off &= ~15ull;
    else if (rng_below(4) == 0)
        off = 0x100 - rng_below(32);
    if ((named(row, "l?arx") || named(row, "st?cx*")) && rng_below(8) == 0)
        off += rng_below(16);               // alignment interrupts
    if (ea_is_ra(row) && named(row, "*at")) // all that the function may touch is in one aligned block of 32 bytes
        off = (off & ~31ull) + 16;
    u64 ea = JUDGE_DATA + off;
    u32 ra = get_field(insn, 11, 5), rb = get_field(insn, 16, 5);
    if (find_operand(ops, len, "RB") && !ea_is_ra(row)) {
        u64 part = ra == 0 ? 0 : rng_below(3) ? rng_below(4096) - 2048 : rng();
        if (rng_below(2) && ra)
            part = ea - part;
        if (ra)
            s->gpr[ra] = part;
        s->gpr[rb] = ea - part;
        return;
    }
    s64 disp = find_operand(ops, len, "D")    ? (s16)insn
               : find_operand(ops, len, "DS") ? (s16)(insn & 0xfffc)
               : find_operand(ops, len, "DQ") ? (s16)(insn & 0xfff0)
                                              : 0;
    s->gpr[ra] = ea - (u64)disp;
    if (named(row, "lxvl*") || named(row, "stxvl*"))
        s->gpr[rb] = (rng_below(4) ? rng_below(20) : rng_below(256)) << 56 | (rng() >> 8);
}

void gen_state(const struct row *row, u32 insn, u64 at, struct judge_state *s)
{
    memset(s, 0, sizeof(*s));
    for (unsigned i = 0; i < 32; i++)
        s->gpr[i] = gen_u64();
    for (unsigned k = (unsigned)rng_below(12); k > 0; k--)
        s->gpr[rng_below(32)] = s->gpr[rng_below(32)] + rng_below(3) - 1;
    s->cr = (u32)rng();
    s->xer = rng() & 0xe00c007f;
    if (named(row, "*swx")) // no wrapping to registers that hold the address
        s->xer = (s->xer & ~(u64)0x7f) | rng_below(MIN((32 - get_field(insn, 6, 5)) * 4 + 1, 128));
    s->lr = gen_u64();
    s->ctr = rng_below(2) ? rng_below(3) : gen_u64();
    s->tar = rng();
    s->vrsave = (u32)rng();
    s->vscr = rng() & (VSCR_NJ | VSCR_SAT);
    gen_fpscr(s);
    gen_vsrs(row, s);
    for (unsigned i = 0; i < JUDGE_DATA_SIZE; i += 16) {
        memcpy(&s->mem[i], s->vsr[rng_below(64)], 16);
    }
    if (row->kind == KIND_BRANCH) {
        s->fpscr &= 0xffffffff; // where a branch went is seen by a signal, which keeps only this half
        u64 target = at + (u64)(s64)(branch_offset() * 4) + rng_below(4);
        if (named(row, "bclr*"))
            s->lr = target;
        if (named(row, "bcctr*"))
            s->ctr = target;
        if (named(row, "bctar*"))
            s->tar = target;
    }
    static const char *const counted[] = {"bcds", "bcdus", "bcdsr", "bcdtrunc", "bcdutrunc"};
    for (unsigned i = 0; i < ARRAY_LEN(counted); i++)
        if (named(row, counted[i]) && rng_below(8)) { // numbers of digits, in byte 7 or halfword 3 of VRA
            u64 *count = &s->vsr[32 + (insn >> 16 & 31)][0];
            *count = (*count & ~0xffffull) | (i < 3 ? (u8)(rng_below(72) - 36) : rng_below(36));
        }
    if (row_uses_memory(row))
        place_memory_operand(row, insn, s);
}
