// SPDX-License-Identifier: Apache-2.0
// Interrupts on the engine: what SRR0, SRR1, MSR and the interrupt's own registers hold, by ISA III "Interrupt Definitions".
#include "cpu/test_machine.h"
#include "cpu/time.h"

static void test_system_call(void)
{
    struct machine *m = machine_new(1, LEVEL_V30);
    CHECK_EQ(machine_exec(m, MSR_BASE | MSR_EE | MSR_FP | MSR_RI, I_SC, 0, 0), VEC_SYSCALL);
    CHECK_EQ(m->cpu->srr0, TEST_CODE + 4);
    CHECK_EQ(m->cpu->srr1, MSR_BASE | MSR_EE | MSR_FP | MSR_RI);
    CHECK_EQ(m->cpu->msr, MSR_BASE);
    machine_free(m);
}

static void test_scv(void)
{
    struct machine *m = machine_new(1, LEVEL_V30);
    CHECK_EQ(machine_exec(m, MSR_BASE, I_SCV(0), 0, 0), VEC_FACILITY_UNAVAILABLE);
    CHECK_EQ(m->cpu->fscr >> 56, CAUSE_SCV);
    m->cpu->fscr = FSCR_BIT(CAUSE_SCV);
    machine_put(m, VEC_SCV + 0x20, I_SC1, false);
    CHECK_EQ(machine_exec(m, MSR_BASE | MSR_EE | MSR_RI, I_SCV(1), 0, 0), VEC_SCV + 0x20);
    CHECK_EQ(m->cpu->lr, TEST_CODE + 4);
    CHECK_EQ(m->cpu->ctr, MSR_BASE | MSR_EE | MSR_RI);
    CHECK_EQ(m->cpu->msr, MSR_BASE | MSR_EE | MSR_RI);
    machine_free(m);
}

// One row per instruction that is interrupted: the vector and SRR1's own bits.
static void test_program_and_unavailable(void)
{
    static const struct {
        u32 insn;
        u64 msr, vector, srr1;
    } cases[] = {
        {0, 0, 0, 0},
        {0x00000000, 0, VEC_PROGRAM, SRR1_PROG_ILLEGAL},
        {I_TW, 0, VEC_PROGRAM, SRR1_PROG_TRAP},
        {I_FADD, 0, VEC_FP_UNAVAILABLE, 0},
        {I_VXOR, 0, VEC_VMX_UNAVAILABLE, 0},
        {I_XXLXOR, 0, VEC_VSX_UNAVAILABLE, 0},
        {I_MFMSR(3), MSR_PR, VEC_PROGRAM, SRR1_PROG_PRIVILEGED},
        {I_SC1, MSR_PR, VEC_PROGRAM, SRR1_PROG_PRIVILEGED},
        {I_HRFID, 0, VEC_PROGRAM, SRR1_PROG_ILLEGAL},
        {I_HRFID, MSR_PR, VEC_PROGRAM, SRR1_PROG_PRIVILEGED},
        {I_MFSPR(3, 318), 0, VEC_PROGRAM, SRR1_PROG_PRIVILEGED},      // LPCR
        {I_MFSPR(3, 287), MSR_PR, VEC_PROGRAM, SRR1_PROG_PRIVILEGED}, // PVR
        {I_MFSPR(3, 1000), MSR_PR, VEC_PROGRAM, SRR1_PROG_ILLEGAL},   // undefined, not privileged
        {I_MFSPR(3, 1008), MSR_PR, VEC_PROGRAM, SRR1_PROG_PRIVILEGED},
        {I_MFSPR(3, 0), 0, VEC_PROGRAM, SRR1_PROG_ILLEGAL},
        {I_TLBIE(4, 5, 0, 1, 1), 0, VEC_PROGRAM, SRR1_PROG_PRIVILEGED}, // no GTSE
        {I_RFID, MSR_PR, VEC_PROGRAM, SRR1_PROG_PRIVILEGED},
    };
    struct machine *m = machine_new(1, LEVEL_V30);
    for (unsigned i = 1; i < ARRAY_LEN(cases); i++) {
        u64 msr = MSR_BASE | cases[i].msr;
        machine_put(m, TEST_CODE, cases[i].insn, false);
        machine_put(m, TEST_CODE + 4, I_SC1, false);
        u64 at = machine_run(m, TEST_CODE, msr);
        if (at != cases[i].vector)
            printf("# case %u\n", i);
        CHECK_EQ(at, cases[i].vector);
        CHECK_EQ(m->cpu->srr0, TEST_CODE);
        CHECK_EQ(m->cpu->srr1, msr | cases[i].srr1);
        CHECK_EQ(m->cpu->msr, MSR_BASE);
    }
    machine_free(m);
}

static void test_undefined_spr(void)
{
    struct machine *m = machine_new(1, LEVEL_V30);
    m->cpu->gpr[3] = 77;
    CHECK_EQ(machine_exec(m, MSR_BASE, I_MFSPR(3, 1008), I_MTSPR(1000, 3), I_MFSPR(3, 808)), TEST_CODE + 12);
    CHECK_EQ(m->cpu->gpr[3], 77);
    machine_free(m);
}

static void test_facilities(void)
{
    static const struct {
        unsigned spr, cause;
    } cases[] = {{3, CAUSE_DSCR}, {815, CAUSE_TAR}, {806, CAUSE_EBB}, {804, CAUSE_EBB}};
    struct machine *m = machine_new(1, LEVEL_V30);
    for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
        m->cpu->fscr = 0;
        CHECK_EQ(machine_exec(m, MSR_BASE | MSR_PR, I_MFSPR(3, cases[i].spr), 0, 0), VEC_FACILITY_UNAVAILABLE);
        CHECK_EQ(m->cpu->fscr >> 56, cases[i].cause);
        CHECK_EQ(m->cpu->srr0, TEST_CODE);
        CHECK_EQ(machine_exec(m, MSR_BASE, I_MFSPR(3, cases[i].spr), 0, 0), TEST_CODE + 4);
        m->cpu->fscr = FSCR_BIT(cases[i].cause);
        CHECK_EQ(machine_exec(m, MSR_BASE | MSR_PR, I_MFSPR(3, cases[i].spr), I_SC, 0), VEC_SYSCALL);
    }
    // The performance monitor has its own control.
    m->cpu->pmu.mmcr0 = PPC_BIT(45);
    CHECK_EQ(machine_exec(m, MSR_BASE | MSR_PR, I_MFSPR(3, 771), 0, 0), VEC_FACILITY_UNAVAILABLE);
    CHECK_EQ(m->cpu->fscr >> 56, CAUSE_PMU);
    machine_free(m);
}

static void test_interrupt_endianness(void)
{
    struct machine *m = machine_new(1, LEVEL_V30);
    machine_vectors(m, 0, true);
    m->cpu->lpcr = 0;
    CHECK_EQ(machine_exec(m, MSR_BASE, I_SC, 0, 0), VEC_SYSCALL);
    CHECK_EQ(m->cpu->msr, MSR_SF | MSR_ME);
    CHECK_EQ(m->cpu->be, 1);
    // And back by rfid: the vector's program is big-endian.
    machine_put(m, VEC_SYSCALL, I_RFID, true);
    machine_put(m, TEST_CODE, I_SC, false);
    machine_put(m, TEST_CODE + 4, I_SC1, false);
    CHECK_EQ(machine_run(m, TEST_CODE, MSR_BASE), TEST_CODE + 4);
    CHECK_EQ(m->cpu->msr, MSR_BASE);
    machine_free(m);
}

static void test_rfid_keeps_me_and_forces_problem_state_bits(void)
{
    struct machine *m = machine_new(1, LEVEL_V30);
    m->cpu->srr0 = TEST_CODE + 4;
    m->cpu->srr1 = MSR_SF | MSR_LE | MSR_HV | MSR_RI;
    CHECK_EQ(machine_exec(m, MSR_BASE, I_RFID, 0, 0), TEST_CODE + 4);
    CHECK_EQ(m->cpu->msr, MSR_BASE | MSR_RI);
    machine_free(m);
}

static void test_mtmsrd(void)
{
    struct machine *m = machine_new(1, LEVEL_V30);
    m->cpu->gpr[3] = MSR_EE | MSR_RI | MSR_FP;
    CHECK_EQ(machine_exec(m, MSR_BASE, I_MTMSRD(3, 1), 0, 0), TEST_CODE + 4);
    CHECK_EQ(m->cpu->msr, MSR_BASE | MSR_EE | MSR_RI);
    m->cpu->gpr[3] = MSR_SF | MSR_FP | MSR_HV | MSR_TM;
    CHECK_EQ(machine_exec(m, MSR_BASE, I_MTMSRD(3, 0), 0, 0), TEST_CODE + 4);
    CHECK_EQ(m->cpu->msr, MSR_BASE | MSR_FP);
    machine_free(m);
}

static void test_decrementer(void)
{
    struct machine *m = machine_new(1, LEVEL_V30);
    m->cpu->gpr[3] = 100000; // about 0.2 ms
    CHECK_EQ(machine_exec(m, MSR_BASE | MSR_EE | MSR_RI, I_MTSPR(22, 3), I_B_SELF, 0), VEC_DECREMENTER);
    CHECK_EQ(m->cpu->srr0, TEST_CODE + 4);
    CHECK_EQ(m->cpu->srr1, MSR_BASE | MSR_EE | MSR_RI);
    // It stays while the register is negative, and goes when it is written.
    CHECK(atomic_load(&m->cpu->lines) & LINE_DECREMENTER);
    CHECK_EQ(machine_exec(m, MSR_BASE | MSR_EE, I_NOP, I_B_SELF, 0), VEC_DECREMENTER);
    m->cpu->gpr[3] = 0x7fffffff;
    CHECK_EQ(machine_exec(m, MSR_BASE, I_MTSPR(22, 3), I_MFSPR(4, 22), 0), TEST_CODE + 8);
    CHECK(!(atomic_load(&m->cpu->lines) & LINE_DECREMENTER));
    CHECK(m->cpu->gpr[4] <= 0x7fffffff && m->cpu->gpr[4] > 0x70000000);
    // 32 bits unless the partition has the large one.
    m->cpu->gpr[3] = 0xffffffff;
    CHECK_EQ(machine_exec(m, MSR_BASE | MSR_EE, I_MTSPR(22, 3), I_B_SELF, 0), VEC_DECREMENTER);
    m->cpu->lpcr |= LPCR_LD;
    CHECK_EQ(machine_exec(m, MSR_BASE, I_MTSPR(22, 3), I_MFSPR(4, 22), 0), TEST_CODE + 8);
    CHECK(m->cpu->gpr[4] > 0xf0000000 && m->cpu->gpr[4] <= 0xffffffff);
    machine_free(m);
}

static void test_external_and_doorbell(void)
{
    struct machine *m = machine_new(2, LEVEL_V30);
    cpu_raise_line(m->cpu, LINE_EXTERNAL);
    CHECK_EQ(machine_exec(m, MSR_BASE, I_NOP, 0, 0), TEST_CODE + 4); // masked
    CHECK_EQ(machine_exec(m, MSR_BASE | MSR_EE, I_NOP, 0, 0), VEC_EXTERNAL);
    CHECK_EQ(m->cpu->srr0, TEST_CODE);
    cpu_lower_line(m->cpu, LINE_EXTERNAL);
    m->cpu->gpr[3] = 5ull << 27 | 1;
    CHECK_EQ(machine_exec(m, MSR_BASE, I_MSGSNDP(3), 0, 0), TEST_CODE + 4);
    CHECK_EQ(atomic_load(&m->group.cpus[1]->lines), LINE_DOORBELL);
    CHECK_EQ(atomic_load(&m->cpu->lines), 0);
    m->cpu->gpr[3] = 5ull << 27;
    CHECK_EQ(machine_exec(m, MSR_BASE | MSR_EE, I_MSGSNDP(3), I_B_SELF, 0), VEC_DOORBELL);
    CHECK_EQ(atomic_load(&m->cpu->lines), 0);
    machine_free(m);
}

static void test_trace(void)
{
    struct machine *m = machine_new(1, LEVEL_V30);
    CHECK_EQ(machine_exec(m, MSR_BASE | MSR_SE, I_NOP, I_NOP, 0), VEC_TRACE);
    CHECK_EQ(m->cpu->srr0, TEST_CODE + 4);
    CHECK_EQ(m->cpu->srr1, MSR_BASE | MSR_SE | PPC_BIT(33));
    m->cpu->gpr[4] = 0x20000;
    CHECK_EQ(machine_exec(m, MSR_BASE | MSR_SE, I_LD(3, 0, 4), I_NOP, 0), VEC_TRACE);
    CHECK_EQ(m->cpu->srr1, MSR_BASE | MSR_SE | PPC_BIT(33) | PPC_BIT(35));
    m->cpu->ciabr = (TEST_CODE + 4) | 2;
    CHECK_EQ(machine_exec(m, MSR_BASE, I_NOP, I_NOP, 0), VEC_TRACE);
    CHECK_EQ(m->cpu->srr0, TEST_CODE + 8);
    CHECK_EQ(m->cpu->srr1, MSR_BASE | PPC_BIT(33) | PPC_BIT(43));
    // What returns from a system call is no traced instruction: the trace interrupt comes after the next one.
    m->cpu->ciabr = 0;
    machine_put(m, VEC_SYSCALL, I_RFID, false);
    CHECK_EQ(machine_exec(m, MSR_BASE | MSR_SE, 0x44000002, I_NOP, I_NOP), VEC_TRACE);
    CHECK_EQ(m->cpu->srr0, TEST_CODE + 8);
    machine_free(m);
}

static void test_machine_check(void)
{
    struct machine *m = machine_new(1, LEVEL_V30);
    m->cpu->gpr[4] = 0x10000000; // beyond memory
    CHECK_EQ(machine_exec(m, MSR_BASE, I_LD(3, 0, 4), 0, 0), VEC_MACHINE_CHECK);
    CHECK_EQ(m->cpu->dar, 0x10000000);
    CHECK_EQ(m->cpu->srr0, TEST_CODE);
    CHECK_EQ(m->cpu->msr, MSR_SF | MSR_LE);
    machine_free(m);
}

static void test_mmio(void)
{
    struct machine *m = machine_new(1, LEVEL_V30);
    m->cpu->gpr[4] = 6ull << 32 | 0x40;
    m->mmio_value = 0x1122334455667788;
    CHECK_EQ(machine_exec(m, MSR_BASE, I_LD(3, 8, 4), 0, 0), TEST_CODE + 4);
    CHECK_EQ(m->cpu->gpr[3], 0x8877665544332211);
    CHECK_EQ(m->mmio_gra, 0x600000048);
    CHECK_EQ(m->mmio_size, 8);
    CHECK_EQ(machine_exec(m, MSR_BASE, I_STD(3, 8, 4), 0, 0), TEST_CODE + 4);
    CHECK_EQ(m->mmio_value, 0x1122334455667788);
    CHECK_EQ(m->mmio_writes, 1);
    machine_free(m);
}

static void test_real_mode_limit(void)
{
    struct machine *m = machine_new(1, LEVEL_V207);
    m->group.rma_size = 4 * MIB;
    m->cpu->gpr[4] = 4 * MIB;
    CHECK_EQ(machine_exec(m, MSR_BASE, I_LD(3, 0, 4), 0, 0), VEC_DSI);
    CHECK_EQ(m->cpu->dsisr, DSISR_PROTECTION);
    CHECK_EQ(m->cpu->dar, 4 * MIB);
    m->cpu->gpr[4] = 0xc000000000000000ull + 4 * MIB - 8;
    CHECK_EQ(machine_exec(m, MSR_BASE, I_LD(3, 0, 4), 0, 0), TEST_CODE + 4); // bits 0:3 are ignored
    machine_free(m);
}

static void test_purr_counts(void)
{
    struct machine *m = machine_new(1, LEVEL_V30);
    CHECK_EQ(machine_exec(m, MSR_BASE, I_MFSPR(3, 309), I_MFSPR(4, 309), I_MFSPR(5, 268)), TEST_CODE + 12);
    CHECK(m->cpu->gpr[4] >= m->cpu->gpr[3] && m->cpu->gpr[4] < TIMEBASE_HZ);
    u64 before = m->cpu->purr;
    CHECK_EQ(cpu_timebase(m->cpu) >= m->cpu->gpr[5], 1);
    CHECK_EQ(m->cpu->purr, before); // stands still outside
    machine_free(m);
}

static u64 nmi_address;
static unsigned nmi_calls;

static u64 nmi(struct cpu *cpu, unsigned vector, u64 srr1)
{
    nmi_calls++;
    if (nmi_address == NMI_LATER && nmi_calls == 3) // free at last
        nmi_address = 0x9000;
    return nmi_address;
}

// Firmware chooses the handler of a system reset or machine check, or puts it off.
static void test_nmi_hook(void)
{
    struct machine *m = machine_new(1, LEVEL_V30);
    struct cpu_hooks hooks = machine_hooks;
    hooks.nmi = nmi;
    m->group.hooks = &hooks;
    machine_put(m, 0x9000, I_SC1, false);
    nmi_address = 0x9000;
    cpu_raise_line(m->cpu, LINE_RESET);
    CHECK_EQ(machine_exec(m, MSR_BASE | MSR_EE, I_NOP, 0, 0), 0x9000);
    CHECK_EQ(m->cpu->srr0, TEST_CODE);
    CHECK_EQ(m->cpu->srr1, MSR_BASE | MSR_EE);
    nmi_address = NMI_LATER;
    nmi_calls = 0;
    m->cpu->srr0 = 77;
    m->cpu->gpr[4] = 0x10000000; // beyond memory
    CHECK_EQ(machine_exec(m, MSR_BASE, I_LD(3, 0, 4), 0, 0), 0x9000);
    CHECK_EQ(nmi_calls, 3);
    CHECK_EQ(m->cpu->srr0, TEST_CODE);
    CHECK_EQ(m->cpu->dar, 0x10000000);
    // From elsewhere: the line stays up meanwhile, and does not keep the thread from running.
    nmi_address = NMI_LATER;
    nmi_calls = 0;
    cpu_raise_line(m->cpu, LINE_MACHINE_CHECK);
    CHECK_EQ(machine_exec(m, MSR_BASE, I_NOP, I_NOP, 0), TEST_CODE + 8);
    CHECK(atomic_load(&m->cpu->lines) & LINE_MACHINE_CHECK);
    CHECK(nmi_calls >= 1);
    machine_free(m);
}

// An exception that was enabled and set before MSR asks for interrupts: the next instruction is the one that SRR0 names.
static void test_fp_exception_mode(void)
{
    struct machine *m = machine_new(1, LEVEL_V30);
    m->cpu->fpscr = FPSCR_FEX | FPSCR_VX | FPSCR_VXSNAN | FPSCR_VE | FPSCR_FX;
    m->cpu->gpr[3] = MSR_BASE | MSR_FP | MSR_FE0;
    CHECK_EQ(machine_exec(m, MSR_BASE | MSR_FP, I_MTMSRD(3, 0), I_NOP, 0), VEC_PROGRAM);
    CHECK_EQ(m->cpu->srr0, TEST_CODE + 4);
    CHECK_EQ(m->cpu->srr1, MSR_BASE | MSR_FP | MSR_FE0 | SRR1_PROG_FP | SRR1_PROG_LATE);
    CHECK_EQ(m->cpu->msr, MSR_BASE);
    m->cpu->srr0 = TEST_CODE + 8;
    m->cpu->srr1 = MSR_BASE | MSR_FP | MSR_FE1 | MSR_PR | MSR_EE;
    CHECK_EQ(machine_exec(m, MSR_BASE, I_RFID, I_NOP, I_NOP), VEC_PROGRAM);
    CHECK_EQ(m->cpu->srr0, TEST_CODE + 8);
    CHECK_EQ(m->cpu->srr1 & (SRR1_PROG_FP | SRR1_PROG_LATE), SRR1_PROG_FP | SRR1_PROG_LATE);
    m->cpu->fpscr = FPSCR_VX | FPSCR_VXSNAN | FPSCR_FX; // not enabled
    m->cpu->gpr[3] = MSR_BASE | MSR_FP | MSR_FE0;
    CHECK_EQ(machine_exec(m, MSR_BASE | MSR_FP, I_MTMSRD(3, 0), I_NOP, 0), TEST_CODE + 8);
    machine_free(m);
}

// DSISR after an alignment interrupt: gone since ISA 3.0.
static void test_alignment(void)
{
    const u32 lmw = 0xb8640002u, ldarx = 0x7c6020a8u; // lmw r3,2(r4); ldarx r3,0,r4
    struct machine *m = machine_new(1, LEVEL_V207);
    m->cpu->gpr[4] = 0x20001;
    m->cpu->dsisr = 0;
    CHECK_EQ(machine_exec(m, MSR_BASE, ldarx, 0, 0), VEC_ALIGNMENT);
    CHECK_EQ(m->cpu->dar, 0x20001);
    // 47:48 of 29:30, 49 of 25, 50:53 of 21:24, 54:58 RT, 59:63 RA: extended opcode 84
    CHECK_EQ(m->cpu->dsisr, (84u & 3) << 15 | (84u >> 5 & 1) << 14 | (84u >> 6 & 0xf) << 10 | 3u << 5);
    CHECK_EQ(machine_exec(m, MSR_BASE, lmw, 0, 0), VEC_ALIGNMENT); // little-endian
    CHECK_EQ(m->cpu->dar, 0x20003);
    CHECK_EQ(m->cpu->dsisr, 0x1c00 | 3u << 5 | 4); // opcode 46: bit 5 is 0, bits 1:4 are 0111
    machine_free(m);

    m = machine_new(1, LEVEL_V30);
    m->cpu->gpr[4] = 0x20001;
    m->cpu->dsisr = 77;
    CHECK_EQ(machine_exec(m, MSR_BASE, ldarx, 0, 0), VEC_ALIGNMENT);
    CHECK_EQ(m->cpu->dsisr, 77);
    machine_free(m);
}

int main(void)
{
    TEST(test_nmi_hook);
    TEST(test_fp_exception_mode);
    TEST(test_alignment);
    TEST(test_system_call);
    TEST(test_scv);
    TEST(test_program_and_unavailable);
    TEST(test_undefined_spr);
    TEST(test_facilities);
    TEST(test_interrupt_endianness);
    TEST(test_rfid_keeps_me_and_forces_problem_state_bits);
    TEST(test_mtmsrd);
    TEST(test_decrementer);
    TEST(test_external_and_doorbell);
    TEST(test_trace);
    TEST(test_machine_check);
    TEST(test_mmio);
    TEST(test_real_mode_limit);
    TEST(test_purr_counts);
    return test_done();
}
