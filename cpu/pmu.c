// SPDX-License-Identifier: Apache-2.0
//
// Counters are brought up to date when somebody looks, from the thread's time and its instruction count; between two such moments
// the conditions under which they count do not change, because whatever changes them calls pmu_update() first.
#include "cpu/pmu.h"

#include "cpu/except.h"
#include "cpu/group.h"
#include "cpu/msr.h"
#include "cpu/spr.h"
#include "cpu/time.h"

#define PMC_NEGATIVE 0x80000000u

enum pmu_source { SOURCE_NONE, SOURCE_CYCLES, SOURCE_INSNS };

static bool frozen(const struct cpu *cpu, unsigned n)
{
    const struct cpu_pmu *pmu = &cpu->pmu;
    u64 mmcr0 = pmu->mmcr0;
    bool problem = cpu->msr & MSR_PR;
    if ((mmcr0 & MMCR0_FC) || (mmcr0 & (problem ? MMCR0_FCP : MMCR0_FCS)))
        return true;
    if (mmcr0 & (cpu->msr & MSR_PMM ? MMCR0_FCM1 : MMCR0_FCM0))
        return true;
    // MMCR2: nine bits for each counter, of which the first two freeze in supervisor and in problem state.
    if (pmu->mmcr2 & (PPC_BIT(9 * n) << 0 >> (problem ? 1 : 0)))
        return true;
    if (n < 4)
        return false;
    if (mmcr0 & MMCR0_FC56)
        return true;
    return !(cpu->ctrl & CTRL_RUN) && !(mmcr0 & MMCR0_CC56RUN);
}

// What counter n (0..5) counts: MMCR1 holds an event selector byte for each of the first four.
static enum pmu_source source(const struct cpu *cpu, unsigned n)
{
    if (n == 4)
        return SOURCE_INSNS;
    if (n == 5)
        return SOURCE_CYCLES;
    switch (cpu->pmu.mmcr1 >> (24 - 8 * n) & 0xff) {
    case 0x1e: return SOURCE_CYCLES;                                                  // PM_CYC
    case 0x02: return SOURCE_INSNS;                                                   // PM_INST_CMPL
    case 0xfe: return n == 0 ? SOURCE_INSNS : SOURCE_NONE;                            // PM_INST_CMPL on PMC1
    case 0xf0: return n == 0 ? SOURCE_CYCLES : SOURCE_NONE;                           // PM_CYC on PMC1
    case 0xf4: return n == 1 && (cpu->ctrl & CTRL_RUN) ? SOURCE_CYCLES : SOURCE_NONE; // PM_RUN_CYC
    case 0xfa: return n == 3 && (cpu->ctrl & CTRL_RUN) ? SOURCE_INSNS : SOURCE_NONE;  // PM_RUN_INST_CMPL
    default: return SOURCE_NONE;
    }
}

static bool may_alert(const struct cpu *cpu, unsigned n)
{
    return (cpu->pmu.mmcr0 & MMCR0_PMAE) && (cpu->pmu.mmcr0 & (n == 0 ? MMCR0_PMC1CE : MMCR0_PMCJCE));
}

static void alert(struct cpu *cpu)
{
    struct cpu_pmu *pmu = &cpu->pmu;
    pmu->mmcr0 = (pmu->mmcr0 & ~MMCR0_PMAE) | MMCR0_PMAO;
    if (pmu->mmcr0 & MMCR0_FCECE)
        pmu->mmcr0 |= MMCR0_FC;
    pmu->siar = cpu->page ? cpu_cia(cpu) : cpu->nia;
    pmu->sdar = 0;
    // SIER: the sampled instruction address is valid, and the state in which it was.
    pmu->sier = PPC_BIT(41) | (cpu->msr & MSR_PR ? PPC_BIT(38) : 0);
    cpu_raise_line(cpu, LINE_PMU);
}

void pmu_update(struct cpu *cpu)
{
    struct cpu_pmu *pmu = &cpu->pmu;
    u64 cycles = cpu_purr(cpu) * PMU_CYCLES_PER_TICK;
    u64 insns = cpu_insns_now(cpu);
    u64 delta_cycles = cycles - pmu->cycles_base, delta_insns = insns - pmu->insns_base;
    pmu->cycles_base = cycles;
    pmu->insns_base = insns;
    if (!pmu_active(cpu))
        return;
    bool overflowed = false;
    for (unsigned n = 0; n < 6; n++) {
        enum pmu_source s = source(cpu, n);
        if (s == SOURCE_NONE || frozen(cpu, n))
            continue;
        pmu->pmc[n] += (u32)(s == SOURCE_CYCLES ? delta_cycles : delta_insns);
        if ((pmu->pmc[n] & PMC_NEGATIVE) && may_alert(cpu, n))
            overflowed = true;
    }
    if (overflowed)
        alert(cpu);
}

u64 pmu_check(struct cpu *cpu)
{
    if (!pmu_active(cpu))
        return 0;
    pmu_update(cpu);
    u64 soonest = 0;
    for (unsigned n = 0; n < 6; n++) {
        enum pmu_source s = source(cpu, n);
        if (s == SOURCE_NONE || frozen(cpu, n) || !may_alert(cpu, n))
            continue;
        // An instruction takes at least some cycles here; asking too early only costs another look.
        u64 left = PMC_NEGATIVE - pmu_read(cpu, 787 + n);
        if (s == SOURCE_CYCLES)
            left /= 16;
        if (!soonest || left < soonest)
            soonest = MAX(left, 1);
    }
    return soonest;
}

u64 pmu_read(struct cpu *cpu, unsigned spr)
{
    struct cpu_pmu *pmu = &cpu->pmu;
    pmu_update(cpu);
    switch (spr) {
    case 784: return pmu->sier;
    case 785: return pmu->mmcr2;
    case 786: return pmu->mmcra;
    case 795: return pmu->mmcr0;
    case 796: return pmu->siar;
    case 797: return pmu->sdar;
    case 798: return pmu->mmcr1;
    default: return spr >= 787 && spr <= 792 ? pmu->pmc[spr - 787] : 0;
    }
}

void pmu_write(struct cpu *cpu, unsigned spr, u64 value)
{
    struct cpu_pmu *pmu = &cpu->pmu;
    pmu_update(cpu);
    switch (spr) {
    case 784: pmu->sier = value; break;
    case 785: pmu->mmcr2 = value; break;
    case 786: pmu->mmcra = value; break;
    case 795:
        pmu->mmcr0 = value;
        // The alert's interrupt is pending while PMAO is one: software may set or clear it.
        if (value & MMCR0_PMAO)
            cpu_raise_line(cpu, LINE_PMU);
        else
            cpu_lower_line(cpu, LINE_PMU);
        break;
    case 796: pmu->siar = value; break;
    case 797: pmu->sdar = value; break;
    case 798: pmu->mmcr1 = value; break;
    default:
        if (spr >= 787 && spr <= 792)
            pmu->pmc[spr - 787] = (u32)value;
    }
    if (pmu_active(cpu) && (pmu->mmcr0 & MMCR0_PMAE))
        atomic_fetch_or(&cpu->attn, ATTN_TIMER); // the next budget depends on it
}
