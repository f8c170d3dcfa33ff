// SPDX-License-Identifier: Apache-2.0
//
// Processor state that an OS changes through the hypervisor: H_SET_MODE, debug registers, H_PERFMON, processor characteristics.
#include "cpu/except.h"
#include "cpu/mmu/mmu.h"
#include "papr/hcall_int.h"
#include "papr/sched.h"

// LoPAR H_SET_MODE: resources
enum {
    SET_MODE_CIABR = 1,
    SET_MODE_DAWR0 = 2,
    SET_MODE_ADDR_TRANS = 3,
    SET_MODE_ENDIAN = 4,
};

#define CIABR_PRIV_HYPERVISOR 3ull
#define DAWRX_HYPERVISOR      PPC_BIT(61)
#define DAWRX_BITS            PPC_BITMASK(48, 63)

// Debug registers changed: what the processor derives from them is computed again.
static void debug_changed(struct cpu *cpu)
{
    mmu_flush_local(cpu, TLB_ALL, 0, 0, 0);
    mmu_context_changed(cpu);
    cpu_set_msr(cpu, cpu->msr);
}

static void set_lpcr_all(struct cpu *cpu, u64 clear, u64 set)
{
    struct cpu_group *group = cpu->group;
    group_exclusive_begin(group, cpu);
    for (u32 i = 0; i < group->len; i++)
        group->cpus[i]->lpcr = (group->cpus[i]->lpcr & ~clear) | set;
    group_exclusive_end(group, cpu);
}

static long set_ciabr(struct cpu *cpu, u64 flags, u64 value1, u64 value2)
{
    if (flags)
        return H_UNSUPPORTED_FLAG(clz64(flags));
    if (value2)
        return H_P4;
    if ((value1 & 3) == CIABR_PRIV_HYPERVISOR)
        return H_P3;
    cpu->ciabr = value1;
    debug_changed(cpu);
    return H_SUCCESS;
}

static long set_dawr0(struct cpu *cpu, u64 flags, u64 value1, u64 value2)
{
    if (flags)
        return H_UNSUPPORTED_FLAG(clz64(flags));
    if ((value2 & DAWRX_HYPERVISOR) || (value2 & ~DAWRX_BITS))
        return H_P4;
    cpu->dawr0 = value1;
    cpu->dawrx0 = value2;
    debug_changed(cpu);
    return H_SUCCESS;
}

// ISA III "Logical Partitioning Control Register": AIL. 1 is reserved, 2 is 0x18000, 3 is c000000000004000.
static long set_addr_trans(struct cpu *cpu, u64 flags, u64 value1, u64 value2)
{
    if (value1)
        return H_P3;
    if (value2)
        return H_P4;
    if (flags == 1 || flags > 3)
        return H_UNSUPPORTED_FLAG(flags > 3 ? clz64(flags) : 63);
    set_lpcr_all(cpu, LPCR_AIL, flags << LPCR_AIL_SHIFT);
    return H_SUCCESS;
}

static long set_endian(struct cpu *cpu, u64 flags, u64 value1, u64 value2)
{
    if (value1)
        return H_P3;
    if (value2)
        return H_P4;
    if (flags > 1)
        return H_UNSUPPORTED_FLAG(clz64(flags));
    set_lpcr_all(cpu, LPCR_ILE, flags ? LPCR_ILE : 0);
    return H_SUCCESS;
}

// flags, resource, value, value
long h_set_mode(struct cpu *cpu, u64 *args)
{
    switch (args[1]) {
    case SET_MODE_CIABR: return set_ciabr(cpu, args[0], args[2], args[3]);
    case SET_MODE_DAWR0: return set_dawr0(cpu, args[0], args[2], args[3]);
    case SET_MODE_ADDR_TRANS: return set_addr_trans(cpu, args[0], args[2], args[3]);
    case SET_MODE_ENDIAN: return set_endian(cpu, args[0], args[2], args[3]);
    default: return H_P2;
    }
}

long h_set_sprg0(struct cpu *cpu, u64 *args)
{
    cpu->sprg[0] = args[0];
    return H_SUCCESS;
}

// The data address breakpoint register of older processors, as a match of one doubleword. LoPAR: bits 61:63 are BT, DW, DR;
// the call asks for translation on (BT), and no match without DR or DW.
static long set_dabr(struct cpu *cpu, u64 dabr, u64 kinds)
{
    u64 dawrx = kinds;                   // problem, privileged state
    dawrx |= dabr & 1 ? PPC_BIT(57) : 0; // DR
    dawrx |= dabr & 2 ? PPC_BIT(58) : 0; // DW
    dawrx |= dabr & 4 ? PPC_BIT(59) : 0; // WT: as MSR[DR] is; WTI 0
    cpu->dawr0 = dabr & ~7ull;
    cpu->dawrx0 = dabr & 3 ? dawrx : 0;
    debug_changed(cpu);
    return H_SUCCESS;
}

long h_set_dabr(struct cpu *cpu, u64 *args)
{
    return set_dabr(cpu, args[0], 3);
}

// DABR, DABRX: bits 62, 63 choose supervisor and problem state; the hypervisor's (bit 61) is refused.
long h_set_xdabr(struct cpu *cpu, u64 *args)
{
    u64 kinds = args[1] & 3;
    if ((args[1] & ~0xfull) || (args[1] & 4) || !kinds)
        return H_PARAMETER;
    return set_dabr(cpu, args[0], kinds);
}

// LoPAR H_PERFMON: modes. The monitor cannot be switched off here; the threshold's granularity has one value.
#define PERFMON_ENABLED PPC_BIT(0)
#define PERFMON_MODES   PPC_BITMASK(0, 1)

// modes to set, modes to reset -> the modes in force
long h_perfmon(struct cpu *cpu, u64 *args)
{
    if ((args[0] | args[1]) & ~PERFMON_MODES)
        return H_PARAMETER;
    if ((args[0] & args[1]) || (args[0] & ~PERFMON_ENABLED))
        return H_RESOURCE;
    args[0] = PERFMON_ENABLED;
    return H_SUCCESS;
}

// LoPAR H_GET_CPU_CHARACTERISTICS: behaviours, bits 7..9. The processor executes nothing speculatively: no flushes are needed.
#define BEHAVIOUR_NO_L1D_FLUSH_ENTRY   PPC_BIT(7)
#define BEHAVIOUR_NO_L1D_FLUSH_UACCESS PPC_BIT(8)
#define BEHAVIOUR_NO_STF_BARRIER       PPC_BIT(9)

long h_get_cpu_characteristics(struct cpu *cpu, u64 *args)
{
    args[0] = 0;
    args[1] = BEHAVIOUR_NO_L1D_FLUSH_ENTRY | BEHAVIOUR_NO_L1D_FLUSH_UACCESS | BEHAVIOUR_NO_STF_BARRIER;
    return H_SUCCESS;
}
