// SPDX-License-Identifier: Apache-2.0
// Performance monitor. ISA III "Performance Monitor Facility". Cycles are counted at the rate of PMU_CYCLES_PER_TICK per time base
// tick while the thread runs, instructions as they complete; other events stay at zero. Owner's thread only.
#ifndef CPU_PMU_H
#define CPU_PMU_H

#include "cpu/cpu.h"

#define PMU_CYCLES_PER_TICK 8 // 4.096 GHz

#define MMCR0_FC            PPC_BIT(32)
#define MMCR0_FCS           PPC_BIT(33)
#define MMCR0_FCP           PPC_BIT(34)
#define MMCR0_FCM1          PPC_BIT(35)
#define MMCR0_FCM0          PPC_BIT(36)
#define MMCR0_PMAE          PPC_BIT(37)
#define MMCR0_FCECE         PPC_BIT(38)
#define MMCR0_EBE           PPC_BIT(43)
#define MMCR0_PMCC          PPC_BITMASK(44, 45)
#define MMCR0_PMC1CE        PPC_BIT(48)
#define MMCR0_PMCJCE        PPC_BIT(49)
#define MMCR0_CC56RUN       PPC_BIT(55)
#define MMCR0_PMAO          PPC_BIT(56)
#define MMCR0_FC56          PPC_BIT(59)

// Brings the counters up to now. To be called before anything that they depend on changes (MSR[PR], MMCRn, CTRL[RUN]).
void pmu_update(struct cpu *cpu);

// The same, and the estimated number of instructions until a counter that may alert overflows (0: none will).
u64 pmu_check(struct cpu *cpu);

// Registers by their privileged SPR numbers (784..798).
u64 pmu_read(struct cpu *cpu, unsigned spr);
void pmu_write(struct cpu *cpu, unsigned spr, u64 value);

// Whether anything counts: a cheap test before pmu_update() on hot paths.
static inline bool pmu_active(const struct cpu *cpu)
{
    return !(cpu->pmu.mmcr0 & MMCR0_FC);
}

#endif
