// SPDX-License-Identifier: Apache-2.0
// Decimal tests: results in a CR field and FPCC, no exceptions. ISA I "DFP Test Instructions".
#include "cpu/exec/dfp_int.h"

static void set_result(struct cpu *cpu, u32 insn, unsigned field)
{
    fpu_settle(cpu);
    cpu->fpscr = (cpu->fpscr & ~FPSCR_FPCC) | field << 12;
    cpu->crf[BF] = (u8)field;
}

// The sign, and whether the operand's class is among those asked for: bits from the left, zero to SNaN.
static void set_match(struct cpu *cpu, u32 insn, struct dec v, unsigned class_bit)
{
    bool match = INSN_FIELD(16, 21) & 0x20 >> class_bit;
    set_result(cpu, insn, (v.sign ? 8 : 0) | (match ? 2 : 0));
}

static void test_class(struct cpu *cpu, u32 insn, const struct dec_format *f)
{
    struct dec a = dfp_get(cpu, f, RA);
    static const u8 special[] = {[DEC_INF] = 3, [DEC_QNAN] = 4, [DEC_SNAN] = 5};
    set_match(cpu, insn, a, a.class ? special[a.class] : !a.coef ? 0 : dec_is_subnormal(f, a) ? 1 : 2);
}

EXEC(dtstdc)
{
    test_class(cpu, insn, &dec64);
}

EXEC(dtstdcq)
{
    test_class(cpu, insn, &dec128);
}

static void test_group(struct cpu *cpu, u32 insn, const struct dec_format *f)
{
    struct dec a = dfp_get(cpu, f, RA);
    bool extreme = a.exp == -f->bias || a.exp == f->exp_max;
    unsigned group;
    if (a.class)
        group = 5;
    else if (!a.coef)
        group = extreme ? 1 : 0;
    else if (extreme || dec_is_subnormal(f, a))
        group = 2;
    else
        group = a.coef < dec_pow10(f->digits - 1) ? 3 : 4; // the leftmost digit is zero, or is not
    set_match(cpu, insn, a, group);
}

EXEC(dtstdg)
{
    test_group(cpu, insn, &dec64);
}

EXEC(dtstdgq)
{
    test_group(cpu, insn, &dec128);
}

static void test_exponent(struct cpu *cpu, u32 insn, const struct dec_format *f)
{
    struct dec a = dfp_get(cpu, f, RA), b = dfp_get(cpu, f, RB);
    if (a.class || b.class) {
        bool alike = (dec_is_nan(a) && dec_is_nan(b)) || (a.class == DEC_INF && b.class == DEC_INF);
        set_result(cpu, insn, alike ? CR_EQ : CR_SO);
    } else {
        set_result(cpu, insn, a.exp < b.exp ? CR_LT : a.exp > b.exp ? CR_GT : CR_EQ);
    }
}

EXEC(dtstex)
{
    test_exponent(cpu, insn, &dec64);
}

EXEC(dtstexq)
{
    test_exponent(cpu, insn, &dec128);
}

// A number of digits against those that the operand has.
static void test_significance(struct cpu *cpu, u32 insn, const struct dec_format *f, unsigned digits)
{
    struct dec b = dfp_get(cpu, f, RB);
    unsigned n = dec_digits(b.coef);
    if (b.class)
        set_result(cpu, insn, CR_SO);
    else if (!digits)
        set_result(cpu, insn, CR_GT);
    else
        set_result(cpu, insn, digits < n ? CR_LT : digits > n ? CR_GT : CR_EQ);
}

EXEC(dtstsf)
{
    test_significance(cpu, insn, &dec64, FPR(RA) & 63);
}

EXEC(dtstsfq)
{
    test_significance(cpu, insn, &dec128, FPR(RA) & 63);
}

EXEC(dtstsfi)
{
    test_significance(cpu, insn, &dec64, INSN_FIELD(10, 15));
}

EXEC(dtstsfiq)
{
    test_significance(cpu, insn, &dec128, INSN_FIELD(10, 15));
}
