// SPDX-License-Identifier: Apache-2.0
#include "cpu/pmu.h"

#include "cpu/test_machine.h"

static void test_instructions_are_counted(void)
{
    struct machine *m = machine_new(1, LEVEL_V30);
    pmu_write(m->cpu, 795, MMCR0_CC56RUN);
    pmu_write(m->cpu, 791, 0);
    CHECK_EQ(machine_exec(m, MSR_BASE, I_NOP, I_NOP, I_MFSPR(3, 791)), TEST_CODE + 12);
    CHECK_EQ(m->cpu->gpr[3], 2);
    CHECK(pmu_read(m->cpu, 792) > 0); // cycles
    // Frozen: all, in this state, and this counter.
    static const u64 frozen[] = {MMCR0_FC | MMCR0_CC56RUN, MMCR0_FCS | MMCR0_CC56RUN, MMCR0_FC56 | MMCR0_CC56RUN, 0};
    for (unsigned i = 0; i < ARRAY_LEN(frozen); i++) {
        pmu_write(m->cpu, 795, frozen[i]);
        pmu_write(m->cpu, 791, 0);
        CHECK_EQ(machine_exec(m, MSR_BASE, I_NOP, I_NOP, I_MFSPR(3, 791)), TEST_CODE + 12);
        CHECK_EQ(m->cpu->gpr[3], 0);
    }
    machine_free(m);
}

static void test_programmable_counters(void)
{
    struct machine *m = machine_new(1, LEVEL_V30);
    pmu_write(m->cpu, 798, 0x02ull << 24 | 0x1e << 16); // PMC1: PM_INST_CMPL, PMC2: PM_CYC
    pmu_write(m->cpu, 795, 0);
    CHECK_EQ(machine_exec(m, MSR_BASE, I_NOP, I_MFSPR(3, 787), I_MFSPR(4, 788)), TEST_CODE + 12);
    CHECK_EQ(m->cpu->gpr[3], 1);
    CHECK(m->cpu->gpr[4] > 0);
    CHECK_EQ(pmu_read(m->cpu, 789), 0);
    machine_free(m);
}

static void test_overflow_interrupts(void)
{
    struct machine *m = machine_new(1, LEVEL_V30);
    pmu_write(m->cpu, 795, MMCR0_CC56RUN | MMCR0_PMAE | MMCR0_PMCJCE | MMCR0_FCECE);
    pmu_write(m->cpu, 791, 0x80000000u - 50000);
    CHECK_EQ(machine_exec(m, MSR_BASE | MSR_EE, I_NOP, I_B_SELF, 0), VEC_PERFMON);
    u64 mmcr0 = pmu_read(m->cpu, 795);
    CHECK(mmcr0 & MMCR0_PMAO);
    CHECK(!(mmcr0 & MMCR0_PMAE));
    CHECK(mmcr0 & MMCR0_FC);
    u32 over = (u32)pmu_read(m->cpu, 791) - 0x80000000u;
    CHECK(over < 20000); // not much later than the overflow
    CHECK_EQ(pmu_read(m->cpu, 796), TEST_CODE + 4);
    // The interrupt goes when software clears the alert.
    pmu_write(m->cpu, 795, MMCR0_FC);
    CHECK_EQ(atomic_load(&m->cpu->lines) & LINE_PMU, 0);
    machine_free(m);
}

static void test_event_based_branch(void)
{
    struct machine *m = machine_new(1, LEVEL_V30);
    m->cpu->fscr = FSCR_BIT(CAUSE_EBB);
    m->cpu->bescr = BESCR_GE | BESCR_PME;
    m->cpu->ebbhr = 0x20000;
    machine_put(m, 0x20000, I_SC, false);
    pmu_write(m->cpu, 795, MMCR0_CC56RUN | MMCR0_PMAE | MMCR0_PMCJCE | MMCR0_EBE | MMCR0_FCECE);
    pmu_write(m->cpu, 791, 0x80000000u - 1000);
    CHECK_EQ(machine_exec(m, MSR_BASE | MSR_EE | MSR_PR, I_B_SELF, 0, 0), VEC_SYSCALL);
    CHECK_EQ(m->cpu->srr0, 0x20004);
    CHECK_EQ(m->cpu->ebbrr, TEST_CODE);
    CHECK_EQ(m->cpu->bescr, BESCR_PMEO);
    machine_free(m);
}

int main(void)
{
    TEST(test_instructions_are_counted);
    TEST(test_programmable_counters);
    TEST(test_overflow_interrupts);
    TEST(test_event_based_branch);
    return test_done();
}
