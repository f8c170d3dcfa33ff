// SPDX-License-Identifier: Apache-2.0
//
// Shared processor information: entitlement, pool, PURR, associativity of the home node.
#include "papr/splpar.h"

#include "cpu/group.h"
#include "cpu/time.h"
#include "papr/hcall_int.h"
#include "papr/xics.h"
#include "papr/xive.h"

#define UNITS_PER_PROCESSOR 100u // entitlement is in hundredths of a processor
#define UNITS_PER_VCPU_MIN  5u
#define WEIGHT_DEFAULT      128u

struct hv_ppp splpar_ppp(const struct partition *lp)
{
    struct hv_ppp ppp = {.weight = WEIGHT_DEFAULT, .weight_max = WEIGHT_DEFAULT};
    if (lp->hv->ppp && lp->hv->ppp(lp->hv_arg, &ppp))
        return ppp;
    ppp.pool_processors = ppp.processors = lp->config.vcpus;
    ppp.units = ppp.units_max = ppp.pool_units = lp->config.vcpus * UNITS_PER_PROCESSOR;
    return ppp;
}

// -> entitlement, unallocated; group and pool; capped, weights, processors; the platform's processors
long h_get_ppp(struct cpu *cpu, u64 *args)
{
    const struct partition *lp = cpu_partition(cpu);
    struct hv_ppp ppp = splpar_ppp(lp);
    args[0] = ppp.units;
    args[1] = ppp.units_max - MIN(ppp.units, ppp.units_max);
    args[2] = (u64)lp->config.id << 16 | ppp.pool;
    // Bit 15: capped. Then weight, unallocated weight, processors of the pool and of the system.
    args[3] = (u64)ppp.capped << 48 | (u64)ppp.weight << 40 |
              (u64)(ppp.weight_max - MIN(ppp.weight, ppp.weight_max)) << 32 | (u64)ppp.pool_processors << 16 |
              ppp.processors;
    args[4] = (u64)ppp.pool_processors << 48 | (u64)(ppp.pool_processors * UNITS_PER_PROCESSOR) << 24 | ppp.pool_units;
    return H_SUCCESS;
}

// entitlement, weight. A partition may give up what it was configured with, and take it back.
long h_set_ppp(struct cpu *cpu, u64 *args)
{
    const struct partition *lp = cpu_partition(cpu);
    struct hv_ppp ppp = splpar_ppp(lp);
    if (args[0] > (u64)lp->config.vcpus * UNITS_PER_PROCESSOR || args[1] > 255)
        return H_PARAMETER;
    bool constrained = args[0] > ppp.units_max || args[1] > ppp.weight_max;
    u32 units = (u32)MIN(args[0], ppp.units_max), weight = (u32)MIN(args[1], ppp.weight_max);
    if (units == ppp.units && weight == ppp.weight)
        return constrained ? H_CONSTRAINED : H_SUCCESS;
    if (ppp.dedicated || units < lp->config.vcpus * UNITS_PER_VCPU_MIN || !lp->hv->set_ppp ||
        !lp->hv->set_ppp(lp->hv_arg, units, weight))
        return H_CONSTRAINED;
    return constrained ? H_CONSTRAINED : H_SUCCESS;
}

// -> PURR of the thread, time base of the reading
long h_purr(struct cpu *cpu, u64 *args)
{
    args[0] = cpu_purr(cpu);
    args[1] = cpu_timebase(cpu);
    return H_SUCCESS;
}

// -> idle time of the processors of the pools (time base), their number. A partition that nobody manages is in no pool.
long h_pic(struct cpu *cpu, u64 *args)
{
    const struct partition *lp = cpu_partition(cpu);
    struct hv_ppp ppp = {0};
    if (!lp->hv->ppp || !lp->hv->ppp(lp->hv_arg, &ppp) || ppp.dedicated)
        return H_AUTHORITY;
    args[0] = (u64)((u128)ppp.pool_idle_ns * TIMEBASE_HZ / 1000000000);
    args[1] = ppp.pool_processors;
    return H_SUCCESS;
}

// Whether H_CEDE would return at once.
long h_poll_pending(struct cpu *cpu, u64 *args)
{
    bool external = cpu_partition(cpu)->xive_mode ? xive_pending(cpu) : xics_pending(cpu);
    return external || (atomic_load(&cpu->lines) & ~(u32)LINE_PROD) || atomic_load(&cpu_papr(cpu)->prodded) ? H_PENDING
                                                                                                            : H_SUCCESS;
}

// flags (1: by server number, 2: by processor index), id -> associativity, packed: each sixteen bits with the top bit
// set hold one domain; all ones end the list. One node, one domain at each level: the same list that the tree gives.
long h_home_node_associativity(struct cpu *cpu, u64 *args)
{
    if (args[0] != 1 && args[0] != 2)
        return H_P2;
    const struct cpu *target = partition_cpu(cpu_partition(cpu), args[1]);
    if (!target)
        return H_P2;
    args[0] = 0x8000800080008000ull;
    args[1] = (0x8000ull | target->vcpu) << 48 | 0xffffffffffffull;
    for (unsigned i = 2; i < 6; i++)
        args[i] = ~0ull;
    return H_SUCCESS;
}
