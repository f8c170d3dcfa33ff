// SPDX-License-Identifier: Apache-2.0
// What the system has, and who has it. available + firmware + used = configurable, always.
#ifndef HYPER_USAGE_H
#define HYPER_USAGE_H

#include "hyper/system.h"
#include "hyper/usage_time.h"

struct usage {
    u64 lmb;                                        // MB
    u64 mem, mem_firmware, mem_used, mem_available; // MB
    u64 units, units_used, units_available;         // hundredths of a processor
    // Of the available ones, dedicated processors of partitions that are off: lent to the shared pool, or kept from it, as their sharing modes say. Whoever is
    // activated gets these as it gets others.
    u64 units_lent, units_kept;
    u64 units_pool; // of the pool of all shared processors
};

struct usage usage_of(const struct sys *sys);

// What the hypervisor needs for a partition besides its memory: its page table. MB
u64 usage_overhead(const struct rec *profile);

#endif
