// SPDX-License-Identifier: Apache-2.0
//
// Shared processor information: entitlement, pool, PURR, associativity of the home node.
#include "cpu/time.h"
#include "papr/hcall_int.h"
#include "papr/xics.h"
#include "papr/xive.h"

#define UNITS_PER_PROCESSOR 100u // entitlement is in hundredths of a processor
#define WEIGHT_DEFAULT      128u

// -> entitlement, unallocated; group and pool; capped, weights, processors; the platform's processors
long h_get_ppp(struct cpu *cpu, u64 *args)
{
    const struct partition *lp = cpu_partition(cpu);
    u64 processors = lp->config.vcpus;
    args[0] = processors * UNITS_PER_PROCESSOR;
    args[1] = 0;
    args[2] = (u64)lp->config.id << 16; // group; pool 0
    // Bit 15: capped. Then weight, unallocated weight, processors of the pool and of the system.
    args[3] = 0ull << 48 | (u64)WEIGHT_DEFAULT << 40 | 0ull << 32 | processors << 16 | processors;
    args[4] = processors << 48 | processors * UNITS_PER_PROCESSOR << 24 | processors * UNITS_PER_PROCESSOR;
    return H_SUCCESS;
}

// entitlement, weight. A partition without a pool keeps what it has.
long h_set_ppp(struct cpu *cpu, u64 *args)
{
    const struct partition *lp = cpu_partition(cpu);
    if (args[0] > (u64)lp->config.vcpus * UNITS_PER_PROCESSOR || args[1] > 255)
        return H_PARAMETER;
    if (args[0] == (u64)lp->config.vcpus * UNITS_PER_PROCESSOR && args[1] == WEIGHT_DEFAULT)
        return H_SUCCESS;
    return H_CONSTRAINED;
}

// -> PURR of the thread, time base of the reading
long h_purr(struct cpu *cpu, u64 *args)
{
    args[0] = cpu_purr(cpu);
    args[1] = cpu_timebase(cpu);
    return H_SUCCESS;
}

// Pool idle time is another partition's business: only with the right to see it, which nobody gives yet.
long h_pic(struct cpu *cpu, u64 *args)
{
    return H_AUTHORITY;
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
