// SPDX-License-Identifier: Apache-2.0
// Decimal floating point: what the comparison with another implementation cannot tell (enabled exceptions), the coding of digits, and
// results that POWER processors gave.
#include "base/test.h"

#include "cpu/cpu.h"
#include "cpu/fp/dec.h"
#include "cpu/msr.h"

typedef void exec_fn(struct cpu *cpu, u32 insn);
exec_fn exec_dadd, exec_dsub, exec_dmul, exec_dmulq, exec_ddiv, exec_dcmpo, exec_dcmpu, exec_drsp, exec_drdpq,
    exec_dquai, exec_dctfix, exec_dscli, exec_diex, exec_dxex, exec_denbcd, exec_ddedpd, exec_dtstsf, exec_dtstdg;

static struct cpu cpu;

// FRT = f2, FRA = f4, FRB = f6.
#define FIELDS (2u << 21 | 4u << 16 | 6u << 11)

static u64 long_of(int sign, u64 coef, int exp)
{
    return (u64)dec_pack(&dec64, (struct dec){.sign = sign < 0, .coef = coef, .exp = exp});
}

static void begin(u32 fpscr, enum dec_round round)
{
    memset(&cpu, 0, sizeof(cpu));
    cpu.fpscr = fpscr;
    cpu.fpscr_hi = round;
    VSR_D(&cpu.vsr[2], 0) = 0xdeadbeef;
}

static u64 run(exec_fn *fn, u32 fields, u64 a, u64 b)
{
    VSR_D(&cpu.vsr[4], 0) = a;
    VSR_D(&cpu.vsr[6], 0) = b;
    fn(&cpu, FIELDS | fields);
    return VSR_D(&cpu.vsr[2], 0);
}

static u64 run_pair(exec_fn *fn, struct dec a, struct dec b)
{
    u128 x = dec_pack(&dec128, a), y = dec_pack(&dec128, b);
    VSR_D(&cpu.vsr[4], 0) = (u64)(x >> 64);
    VSR_D(&cpu.vsr[5], 0) = (u64)x;
    VSR_D(&cpu.vsr[6], 0) = (u64)(y >> 64);
    VSR_D(&cpu.vsr[7], 0) = (u64)y;
    fn(&cpu, FIELDS);
    return VSR_D(&cpu.vsr[2], 0);
}

// ISA I "Decimal Encoding: DPD", the equations from BCD digits abcd efgh ijkm to the declet pqr stu v wxy.
static unsigned declet_of(unsigned n)
{
    unsigned d[3] = {n / 100, n / 10 % 10, n % 10};
#define BIT(i, k) (d[i] >> (3 - (k)) & 1)
    unsigned a = BIT(0, 0), b = BIT(0, 1), c = BIT(0, 2), dd = BIT(0, 3), e = BIT(1, 0), f = BIT(1, 1), g = BIT(1, 2),
             h = BIT(1, 3), i = BIT(2, 0), j = BIT(2, 1), k = BIT(2, 2), m = BIT(2, 3);
#undef BIT
    unsigned na = !a, ne = !e, ni = !i;
    unsigned p = (f & a & i & ne) | (j & a & ni) | (b & na);
    unsigned q = (g & a & i & ne) | (k & a & ni) | (c & na);
    unsigned r = dd;
    unsigned s = (j & na & e & ni) | (f & ni & ne) | (f & na & ne) | (e & i);
    unsigned t = (k & na & e & ni) | (g & ni & ne) | (g & na & ne) | (a & i);
    unsigned u = h;
    unsigned v = a | e | i;
    unsigned w = (ne & j & ni) | (e & i) | a;
    unsigned x = (na & k & ni) | (a & i) | e;
    unsigned y = m;
    return p << 9 | q << 8 | r << 7 | s << 6 | t << 5 | u << 4 | v << 3 | w << 2 | x << 1 | y;
}

static void test_declets(void)
{
    u64 zero = long_of(1, 0, 0);
    for (unsigned n = 0; n < 1000; n++) {
        CHECK_EQ(long_of(1, n, 0) - zero, declet_of(n));
        CHECK_EQ(long_of(1, n * 1000000000000ull, 0) - zero, (u64)declet_of(n) << 40);
    }
    // Every code means something; 24 of them a number that has another code.
    unsigned redundant = 0;
    for (unsigned code = 0; code < 1024; code++) {
        struct dec v = dec_unpack(&dec64, zero | code);
        CHECK(v.coef < 1000);
        redundant += declet_of((unsigned)v.coef) != code;
    }
    CHECK_EQ(redundant, 24);
}

static void test_formats(void)
{
    static const struct dec_format *const formats[] = {&dec32, &dec64, &dec128};
    for (unsigned i = 0; i < ARRAY_LEN(formats); i++) {
        const struct dec_format *f = formats[i];
        for (s32 exp = -f->bias; exp <= f->exp_max; exp += 7)
            for (unsigned lead = 0; lead < 10; lead++) {
                struct dec v = {.sign = lead & 1, .exp = exp, .coef = lead * dec_pow10(f->digits - 1) + 123456};
                struct dec r = dec_unpack(f, dec_pack(f, v));
                CHECK(r.sign == v.sign && r.exp == v.exp && r.coef == v.coef && r.class == DEC_FINITE);
            }
    }
    for (unsigned n = 0; n < 38; n++) {
        CHECK_EQ(dec_digits(dec_pow10(n)), n + 1);
        CHECK_EQ(dec_digits(dec_pow10(n) - 1), n);
    }
}

// 16 digits and something below: last digit kept, what follows, and the result's last digit in each mode.
static void test_rounding(void)
{
    static const struct {
        int sign;
        unsigned last, below;
        u8 result[8]; // NEAREST TRUNCATE UP DOWN NEAREST_AWAY NEAREST_ZERO AWAY SHORTER
    } cases[] = {
        {1, 4, 5, {4, 4, 5, 4, 5, 4, 5, 4}}, {1, 3, 5, {4, 3, 4, 3, 4, 3, 4, 3}},  {1, 4, 6, {5, 4, 5, 4, 5, 5, 5, 4}},
        {1, 4, 4, {4, 4, 5, 4, 4, 4, 5, 4}}, {-1, 4, 5, {4, 4, 4, 5, 5, 4, 5, 4}}, {-1, 5, 1, {5, 5, 5, 6, 5, 5, 6, 6}},
        {1, 0, 1, {0, 0, 1, 0, 0, 0, 1, 1}}, {1, 5, 9, {6, 5, 6, 5, 6, 6, 6, 6}},  {1, 6, 0, {6, 6, 6, 6, 6, 6, 6, 6}},
    };
    for (unsigned i = 0; i < ARRAY_LEN(cases); i++)
        for (unsigned mode = 0; mode < 8; mode++) {
            begin(0, (enum dec_round)mode);
            u64 big = 1000000000000000ull;
            u64 r = run(exec_dadd, 0, long_of(cases[i].sign, big + cases[i].last, 0),
                        long_of(cases[i].sign, cases[i].below, -1));
            CHECK_EQ(r, long_of(cases[i].sign, big + cases[i].result[mode], 0));
            bool inexact = cases[i].below, up = cases[i].result[mode] != cases[i].last;
            CHECK_EQ(cpu.fpscr & (FPSCR_XX | FPSCR_FI | FPSCR_FR),
                     inexact ? FPSCR_XX | FPSCR_FI | (up ? FPSCR_FR : 0) : 0);
        }
}

#define STATUS                                                                                               \
    (FPSCR_FX | FPSCR_FEX | FPSCR_VX | FPSCR_OX | FPSCR_UX | FPSCR_ZX | FPSCR_XX | FPSCR_VX_ALL | FPSCR_FR | \
     FPSCR_FI | FPSCR_FPRF)

// ISA I "DFP Exceptions": with the exception enabled, the exponent is adjusted by 576 (Long), 9216 (Extended), 192 (Short).
static void test_enabled_overflow(void)
{
    begin(FPSCR_OE, DEC_NEAREST);
    CHECK_EQ(run(exec_dmul, 0, long_of(1, 3, 200), long_of(-1, 2, 210)), long_of(-1, 6, 410 - 576));
    CHECK_EQ(cpu.fpscr & STATUS, FPSCR_FX | FPSCR_FEX | FPSCR_OX | FPSCR_FL);

    begin(FPSCR_OE, DEC_NEAREST);
    CHECK_EQ(run(exec_drsp, 0, 0, long_of(1, 12345678, 100)),
             dec_pack(&dec32, (struct dec){.coef = 1234568, .exp = 101 - 192}));
    CHECK_EQ(cpu.fpscr & STATUS, FPSCR_FX | FPSCR_FEX | FPSCR_OX | FPSCR_XX | FPSCR_FI | FPSCR_FR | FPSCR_FG);

    begin(FPSCR_OE, DEC_NEAREST);
    CHECK_EQ(run_pair(exec_drdpq, (struct dec){0}, (struct dec){.coef = 5, .exp = 500}), long_of(1, 5, 500 - 576));

    begin(FPSCR_OE, DEC_NEAREST);
    run_pair(exec_dmulq, (struct dec){.coef = 5, .exp = 6000}, (struct dec){.coef = 1, .exp = 5000});
    u128 r = (u128)VSR_D(&cpu.vsr[2], 0) << 64 | VSR_D(&cpu.vsr[3], 0);
    CHECK(r == dec_pack(&dec128, (struct dec){.coef = 5, .exp = 11000 - 9216}));

    begin(0, DEC_NEAREST);
    CHECK_EQ(run(exec_dmul, 0, long_of(1, 3, 200), long_of(-1, 2, 210)), 0xf800000000000000);
    CHECK_EQ(cpu.fpscr & STATUS & ~FPSCR_FR, FPSCR_FX | FPSCR_OX | FPSCR_XX | FPSCR_FI | FPSCR_FL | FPSCR_FU);
}

static void test_enabled_underflow(void)
{
    // Tiny is enough when enabled, exact or not.
    begin(FPSCR_UE, DEC_NEAREST);
    CHECK_EQ(run(exec_dmul, 0, long_of(1, 3, -200), long_of(1, 2, -190)), long_of(1, 6, 576 - 390));
    CHECK_EQ(cpu.fpscr & STATUS, FPSCR_FX | FPSCR_FEX | FPSCR_UX | FPSCR_FG);

    begin(0, DEC_NEAREST);
    CHECK_EQ(run(exec_dmul, 0, long_of(1, 3, -200), long_of(1, 2, -190)), long_of(1, 6, -390));
    CHECK_EQ(cpu.fpscr & STATUS, FPSCR_FG | FPSCR_C);

    begin(0, DEC_NEAREST);
    CHECK_EQ(run(exec_dmul, 0, long_of(1, 7, -200), long_of(1, 1, -199)), long_of(1, 1, -398));
    CHECK_EQ(cpu.fpscr & STATUS, FPSCR_FX | FPSCR_UX | FPSCR_XX | FPSCR_FI | FPSCR_FR | FPSCR_FG | FPSCR_C);
}

// Enabled invalid operations and division by zero leave the target and FPRF.
static void test_enabled_invalid(void)
{
    u64 infinity = 0x7800000000000000;
    begin(FPSCR_VE | FPSCR_FPRF | FPSCR_FI | FPSCR_FR, DEC_NEAREST);
    CHECK_EQ(run(exec_dsub, 0, infinity, infinity), 0xdeadbeef);
    CHECK_EQ(cpu.fpscr & STATUS, FPSCR_FX | FPSCR_FEX | FPSCR_VX | FPSCR_VXISI | FPSCR_FPRF);

    begin(FPSCR_ZE, DEC_NEAREST);
    CHECK_EQ(run(exec_ddiv, 0, long_of(1, 1, 0), long_of(1, 0, 0)), 0xdeadbeef);
    CHECK_EQ(cpu.fpscr & STATUS, FPSCR_FX | FPSCR_FEX | FPSCR_ZX);

    begin(FPSCR_XE, DEC_NEAREST);
    CHECK_EQ(run(exec_ddiv, 0, long_of(1, 2, 0), long_of(1, 3, 0)), long_of(1, 6666666666666667, -16));
    CHECK_EQ(cpu.fpscr & STATUS, FPSCR_FX | FPSCR_FEX | FPSCR_XX | FPSCR_FI | FPSCR_FR | FPSCR_FG);

    begin(FPSCR_VE, DEC_NEAREST);
    CHECK_EQ(run(exec_dctfix, 0, 0, infinity), 0xdeadbeef);
}

// An ordered comparison notes the comparison itself unless the signaling NaN interrupts.
static void test_compare_nan(void)
{
    u64 snan = 0x7e00000000000000, qnan = 0x7c00000000000000, one = long_of(1, 1, 0);
    begin(0, DEC_NEAREST);
    run(exec_dcmpo, 0, snan, one);
    CHECK_EQ(cpu.fpscr & FPSCR_VX_ALL, FPSCR_VXSNAN | FPSCR_VXVC);
    begin(FPSCR_VE, DEC_NEAREST);
    run(exec_dcmpo, 0, snan, one);
    CHECK_EQ(cpu.fpscr & FPSCR_VX_ALL, FPSCR_VXSNAN);
    begin(FPSCR_VE, DEC_NEAREST);
    run(exec_dcmpo, 0, one, qnan);
    CHECK_EQ(cpu.fpscr & FPSCR_VX_ALL, FPSCR_VXVC);
    begin(0, DEC_NEAREST);
    run(exec_dcmpu, 0, one, qnan);
    CHECK_EQ(cpu.fpscr & FPSCR_VX_ALL, 0);
    CHECK_EQ(cpu.crf[0], CR_SO);
}

// What processors answered.
static void test_processors(void)
{
    begin(0, DEC_NEAREST);
    CHECK_EQ(run(exec_dquai, 0, 0, 0x7800000000000000), 0x7c00000000000000);
    CHECK_EQ(run(exec_dquai, 0, 0, 0x7e34000000000111), 0x7c00000000000111);
    CHECK_EQ(run(exec_drsp, 0, 0, 0x7e34000000000111), 0x7e000111);
    CHECK_EQ(run(exec_drsp, 0, 0, 0xfe000000d0e0a0d0), 0xfe00a0d0);
    CHECK_EQ(run(exec_diex, 0, (u64)-1, 0x6e4d3f1f534acdd4), 0x78013f1f534acdd4);
    CHECK_EQ(run(exec_diex, 0, 0, 0xfe000000d0e0a0d0), 0x80000000d0e0a0d0);
    VSR_D(&cpu.vsr[4], 0) = 0x7e34000000000111;
    exec_dscli(&cpu, 2u << 21 | 4u << 16 | 1u << 10);
    CHECK_EQ(VSR_D(&cpu.vsr[2], 0), 0x7e00000000000890);
    VSR_D(&cpu.vsr[7], 0) = 0xfe000000d0e0a0d0;
    VSR_D(&cpu.vsr[6], 0) = 0x7e00000000000000;
    exec_drdpq(&cpu, FIELDS);
    CHECK_EQ(VSR_D(&cpu.vsr[2], 0), 0x7c000000d0e0a0d0);
    CHECK_EQ(VSR_D(&cpu.vsr[3], 0), 0);
}

// Doubleword 1 of the target's VSR.
static void test_low_half(void)
{
    begin(0, DEC_NEAREST);
    VSR_D(&cpu.vsr[2], 1) = ~0ull;
    run(exec_dadd, 0, long_of(1, 1, 0), long_of(1, 1, 0));
    CHECK_EQ(VSR_D(&cpu.vsr[2], 1), 0);
}

int main(void)
{
    TEST(test_declets);
    TEST(test_formats);
    TEST(test_rounding);
    TEST(test_enabled_overflow);
    TEST(test_enabled_underflow);
    TEST(test_enabled_invalid);
    TEST(test_compare_nan);
    TEST(test_processors);
    TEST(test_low_half);
    return test_done();
}
