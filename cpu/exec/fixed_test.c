// SPDX-License-Identifier: Apache-2.0
// Fixed-point and branch semantics with known answers: carries, overflows and widths, what the differential test cannot judge
// (32-bit mode, results that the ISA leaves undefined).
#include "base/test.h"

#include "cpu/cpu.h"
#include "isa/isa.h"

typedef void exec_fn(struct cpu *cpu, u32 insn);

#define INSN(id, ...) exec_fn exec_##id;
#include "isa/insn/branch.def"
#include "isa/insn/fixed.def"
#undef INSN

#define MODE64 (~0ull)
#define MODE32 0xffffffffull
#define OE     0x400u
#define RC     1u

// RT (and RS) = 3, RA = 4, RB = 5.
static u32 fields(unsigned r6, unsigned r11, unsigned r16)
{
    return r6 << 21 | r11 << 16 | r16 << 11;
}

struct sum_case {
    exec_fn *fn;
    const char *name;
    u64 mode, a, b;
    u8 ca_in;
    u64 result;
    u8 ca, ca32, ov, ov32;
};

#define SUM(id) .fn = exec_##id, .name = #id

static const struct sum_case sums[] = {
    {SUM(addc), MODE64, ~0ull, 1, 0, 0, 1, 1, 0, 0},
    {SUM(addc), MODE64, 0xffffffff, 1, 0, 0x100000000, 0, 1, 0, 0},
    {SUM(addc), MODE32, 0xffffffff, 1, 0, 0x100000000, 1, 1, 0, 0},
    {SUM(addc), MODE64, 0x7fffffff, 1, 0, 0x80000000, 0, 0, 0, 1},
    {SUM(addc), MODE32, 0x7fffffff, 1, 0, 0x80000000, 0, 0, 1, 1},
    {SUM(addc), MODE64, 1ull << 63, 1ull << 63, 0, 0, 1, 0, 1, 0},
    {SUM(adde), MODE64, ~0ull, 0, 1, 0, 1, 1, 0, 0},
    {SUM(adde), MODE64, ~0ull, ~0ull, 1, ~0ull, 1, 1, 0, 0},
    {SUM(subfc), MODE64, 1, 0, 0, ~0ull, 0, 0, 0, 0},
    {SUM(subfc), MODE64, 5, 5, 0, 0, 1, 1, 0, 0},
    {SUM(subfe), MODE64, 0, 0, 0, ~0ull, 0, 0, 0, 0},
    {SUM(addme), MODE64, 0, 0, 0, ~0ull, 0, 0, 0, 0},
    {SUM(addme), MODE64, 1ull << 63, 0, 0, ~0ull >> 1, 1, 0, 1, 0},
    {SUM(addze), MODE64, ~0ull >> 1, 0, 1, 1ull << 63, 0, 1, 1, 0},
    {SUM(subfze), MODE64, 0, 0, 1, 0, 1, 1, 0, 0},
    {SUM(subfme), MODE64, 0, 0, 0, ~0ull - 1, 1, 1, 0, 0},
};

static void test_carries(void)
{
    for (size_t i = 0; i < ARRAY_LEN(sums); i++) {
        const struct sum_case *c = &sums[i];
        static struct cpu cpu;
        memset(&cpu, 0, sizeof(cpu));
        cpu.ea_mask = c->mode;
        cpu.gpr[4] = c->a;
        cpu.gpr[5] = c->b;
        cpu.ca = c->ca_in;
        c->fn(&cpu, fields(3, 4, 5) | OE | RC);
        bool right = cpu.gpr[3] == c->result && cpu.ca == c->ca && cpu.ca32 == c->ca32 && cpu.ov == c->ov &&
                     cpu.ov32 == c->ov32 && cpu.so == c->ov;
        if (!right)
            printf("# case %zu, %s: %llx ca %u %u ov %u %u\n", i, c->name, (unsigned long long)cpu.gpr[3], cpu.ca,
                   cpu.ca32, cpu.ov, cpu.ov32);
        CHECK(right);
        s64 signed_result = c->mode == MODE64 ? (s64)c->result : (s32)c->result;
        CHECK_EQ(cpu.crf[0], (signed_result < 0 ? CR_LT : signed_result ? CR_GT : CR_EQ) | cpu.so);
    }
}

struct value_case {
    exec_fn *fn;
    const char *name;
    u32 more; // operand bits beside the registers
    u64 a, b, result;
};

// a is the register of bits 11:15 for arithmetic, of bits 6:10 (RS) for logic.
#define ARITH(id) .fn = exec_##id, .name = #id

static const struct value_case arith[] = {
    // Impossible divisions: zero.
    {ARITH(divw), 0, 7, 0, 0},
    {ARITH(divw), 0, 0x80000000, ~0ull, 0},
    {ARITH(divwu), 0, 7, 1ull << 32, 0},
    {ARITH(divd), 0, 1ull << 63, ~0ull, 0},
    {ARITH(divdu), 0, 7, 0, 0},
    {ARITH(divwe), 0, 2, 2, 0},
    {ARITH(divweu), 0, 2, 2, 0},
    {ARITH(divde), 0, 1, 2, 0},
    {ARITH(divdeu), 0, 2, 2, 0},
    {ARITH(modsw), 0, 7, 0, 0},
    {ARITH(modsd), 0, 1ull << 63, ~0ull, 0},
    // A word quotient has zeros above.
    {ARITH(divw), 0, (u64)-7, 2, 0xfffffffd},
    {ARITH(divwe), 0, (u64)-1, 4, 0xc0000000},
    {ARITH(divweu), 0, 1, 2, 0x80000000},
    {ARITH(divdeu), 0, 1, 2, 1ull << 63},
    {ARITH(divde), 0, (u64)-1, 4, 0xc000000000000000},
    {ARITH(modsw), 0, (u64)-7, 3, (u64)-1},
    {ARITH(moduw), 0, 0xffffffff00000007, 4, 3},
    {ARITH(modsd), 0, (u64)-7, 3, (u64)-1},
    {ARITH(mulhw), 0, 0xffffffff, 2, 0xffffffff},
    {ARITH(mulhd), 0, ~0ull, 2, ~0ull},
    {ARITH(mulhdu), 0, ~0ull, 2, 1},
    {ARITH(addg6s), 0, 0x9, 0x1, 0x6666666666666666},
    {ARITH(addg6s), 0, 0xf, 0x1, 0x6666666666666660},
};

static const struct value_case logic[] = {
    {ARITH(cmpb), 0, 0x1122334455667788, 0x1100330055007700, 0xff00ff00ff00ff00},
    {ARITH(bpermd), 0, 0x0000000000003f00, 0x8000000000000001, 0xff},
    {ARITH(popcntb), 0, 0xff00010380000000, 0, 0x0800010201000000},
    {ARITH(popcntw), 0, 0xffffffff00000003, 0, 0x0000002000000002},
    {ARITH(popcntd), 0, ~0ull, 0, 64},
    {ARITH(prtyw), 0, 0x0100000001010000, 0, 0x0000000100000000},
    {ARITH(prtyd), 0, 0x0100000001010000, 0, 1},
    {ARITH(slw), 0, ~0ull, 31, 0x80000000},
    {ARITH(slw), 0, ~0ull, 32, 0},
    {ARITH(slw), 0, 1, 64, 1},
    {ARITH(srd), 0, ~0ull, 64, 0},
    {ARITH(srd), 0, ~0ull, 128 + 63, 1},
    {ARITH(cntlzw), 0, 0xffffffff00000000, 0, 32},
    {ARITH(cnttzd), 0, 0, 0, 64},
    // rlwinm 4,3,0,31,0: the wrapped mask reaches the upper word.
    {ARITH(rlwinm), 31 << 6 | 0 << 1, 0x00000000c0000003, 0, 0xc000000380000001},
    {ARITH(cdtbcd), 0, 0x3ff, 0, 0x999},
    {ARITH(cbcdtd), 0, 0x999, 0, 0x0ff},
    {ARITH(cbcdtd), 0, 0x123456, 0, 0x0a3 << 10 | 0x256},
};

static void test_values(void)
{
    for (size_t i = 0; i < ARRAY_LEN(arith); i++) {
        static struct cpu cpu;
        memset(&cpu, 0, sizeof(cpu));
        cpu.ea_mask = MODE64;
        cpu.gpr[4] = arith[i].a;
        cpu.gpr[5] = arith[i].b;
        arith[i].fn(&cpu, fields(3, 4, 5) | arith[i].more);
        if (cpu.gpr[3] != arith[i].result)
            printf("# %s, case %zu\n", arith[i].name, i);
        CHECK_EQ(cpu.gpr[3], arith[i].result);
    }
    for (size_t i = 0; i < ARRAY_LEN(logic); i++) {
        static struct cpu cpu;
        memset(&cpu, 0, sizeof(cpu));
        cpu.ea_mask = MODE64;
        cpu.gpr[3] = logic[i].a;
        cpu.gpr[5] = logic[i].b;
        bool has_rb = logic[i].fn != exec_rlwinm;
        logic[i].fn(&cpu, fields(3, 4, has_rb ? 5 : 0) | logic[i].more);
        if (cpu.gpr[4] != logic[i].result)
            printf("# %s, case %zu\n", logic[i].name, i);
        CHECK_EQ(cpu.gpr[4], logic[i].result);
    }
}

// Every declet and every three digits: there and back.
static void test_densely_packed(void)
{
    static struct cpu cpu;
    for (u32 n = 0; n < 1000; n++) {
        cpu.gpr[3] = n / 100 << 8 | n / 10 % 10 << 4 | n % 10;
        exec_cbcdtd(&cpu, fields(3, 4, 0));
        CHECK(cpu.gpr[4] < 1024);
        exec_cdtbcd(&cpu, fields(4, 5, 0));
        CHECK_EQ(cpu.gpr[5], cpu.gpr[3]);
    }
}

static void test_shift_carry(void)
{
    static struct cpu cpu;
    cpu.ea_mask = MODE64;
    cpu.gpr[3] = 0x80000001;
    exec_srawi(&cpu, fields(3, 4, 1));
    CHECK_EQ(cpu.gpr[4], 0xffffffffc0000000);
    CHECK_EQ(cpu.ca, 1);
    CHECK_EQ(cpu.ca32, 1);
    exec_srawi(&cpu, fields(3, 4, 0));
    CHECK_EQ(cpu.ca, 0);
    cpu.gpr[3] = 1ull << 63;
    cpu.gpr[5] = 64;
    exec_srad(&cpu, fields(3, 4, 5));
    CHECK_EQ(cpu.gpr[4], ~0ull);
    CHECK_EQ(cpu.ca, 1);
    cpu.gpr[5] = 63;
    exec_srad(&cpu, fields(3, 4, 5));
    CHECK_EQ(cpu.ca, 0);
}

static void test_addex(void)
{
    static struct cpu cpu;
    cpu.ea_mask = MODE64;
    cpu.gpr[4] = ~0ull;
    cpu.ov = 1;
    exec_addex(&cpu, fields(3, 4, 5));
    CHECK_EQ(cpu.gpr[3], 0);
    CHECK_EQ(cpu.ov, 1);
    CHECK_EQ(cpu.ov32, 1);
    CHECK_EQ(cpu.so, 0);
}

static void branch(struct cpu *cpu, exec_fn *fn, u32 insn)
{
    cpu->nia = 0x1004; // the instruction is at 0x1000
    fn(cpu, insn);
}

static void test_branches(void)
{
    static struct cpu cpu;
    cpu.ea_mask = MODE64;
    branch(&cpu, exec_b, 0x4bfffff1); // bl .-16
    CHECK_EQ(cpu.nia, 0xff0);
    CHECK_EQ(cpu.lr, 0x1004);
    branch(&cpu, exec_b, 0x4bfffff2); // ba -16
    CHECK_EQ(cpu.nia, ~0ull - 15);
    cpu.ctr = 1;
    branch(&cpu, exec_bc, 0x42000010); // bdnz
    CHECK_EQ(cpu.nia, 0x1004);
    CHECK_EQ(cpu.ctr, 0);
    branch(&cpu, exec_bc, 0x42000010);
    CHECK_EQ(cpu.nia, 0x1010);
    cpu.ctr = 0xf00000001; // 32-bit mode looks at the low word
    cpu.ea_mask = MODE32;
    branch(&cpu, exec_bc, 0x42000010);
    CHECK_EQ(cpu.nia, 0x1004);
    CHECK_EQ(cpu.ctr, 0xf00000000);
    cpu.ea_mask = MODE64;
    cpu.crf[1] = CR_EQ;
    branch(&cpu, exec_bc, 0x41860011); // beql cr1
    CHECK_EQ(cpu.nia, 0x1010);
    branch(&cpu, exec_bc, 0x40860010); // bne cr1
    CHECK_EQ(cpu.nia, 0x1004);
    cpu.lr = 0x2003;
    branch(&cpu, exec_bclr, 0x4e800021); // blrl: the old LR is the target
    CHECK_EQ(cpu.nia, 0x2000);
    CHECK_EQ(cpu.lr, 0x1004);
    cpu.lr = 0;
    branch(&cpu, exec_bc, 0x40860011); // bnel, not taken: LR is set all the same
    CHECK_EQ(cpu.nia, 0x1004);
    CHECK_EQ(cpu.lr, 0x1004);
}

static void test_condition_register(void)
{
    static struct cpu cpu;
    cpu.ea_mask = MODE64;
    cpu.gpr[3] = 0x12345678;
    exec_mtcrf(&cpu, fields(3, 0, 0) | 0xff << 12);
    exec_mfcr(&cpu, fields(4, 0, 0));
    CHECK_EQ(cpu.gpr[4], 0x12345678);
    exec_mfocrf(&cpu, fields(4, 0, 0) | 0x10 << 12);
    CHECK_EQ(cpu.gpr[4], 0x40000);
    exec_crnor(&cpu, fields(0, 1, 2)); // cr0 was 0001
    CHECK_EQ(cpu.crf[0], 9);
    cpu.gpr[4] = 0x35;
    cpu.gpr[5] = 0x39302010;
    exec_cmprb(&cpu, 1 << 23 | 1 << 21 | fields(0, 4, 5));
    CHECK_EQ(cpu.crf[1], CR_GT);
    exec_setb(&cpu, fields(3, 1 << 2, 0));
    CHECK_EQ(cpu.gpr[3], 1);
    cpu.so = 1;
    cpu.gpr[4] = 0xffffffff;
    exec_cmpi(&cpu, 1 << 23 | fields(0, 4, 0)); // cmpwi: -1 < 0
    CHECK_EQ(cpu.crf[1], CR_LT | CR_SO);
    exec_cmpi(&cpu, 1 << 23 | 1 << 21 | fields(0, 4, 0));
    CHECK_EQ(cpu.crf[1], CR_GT | CR_SO);
}

static void test_random_numbers(void)
{
    static struct cpu cpu;
    exec_darn(&cpu, fields(3, 3, 0));
    CHECK_EQ(cpu.gpr[3], ~0ull);
    exec_darn(&cpu, fields(3, 0, 0));
    CHECK(cpu.gpr[3] <= 0xffffffff);
    exec_darn(&cpu, fields(3, 1, 0));
    exec_darn(&cpu, fields(4, 1, 0));
    CHECK(cpu.gpr[3] != cpu.gpr[4]);
}

int main(void)
{
    TEST(test_carries);
    TEST(test_values);
    TEST(test_densely_packed);
    TEST(test_shift_carry);
    TEST(test_addex);
    TEST(test_branches);
    TEST(test_condition_register);
    TEST(test_random_numbers);
    return test_done();
}
