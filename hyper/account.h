// SPDX-License-Identifier: Apache-2.0
// Processor time that was given, used and left, counted up for as long as the system is there: what utilisation is computed from.
//
// Between two looks an entitlement is taken as constant, so account_update() looks at once when one has changed. How much a partition used
// comes from usage_time_of() (hyper/usage.h).
#ifndef HYPER_ACCOUNT_H
#define HYPER_ACCOUNT_H

#include "hyper/usage_time.h"

#define SYS_POOLS         64u
#define ACCOUNT_CYCLES_HZ 512000000u // the time base

struct sys;

// How a partition stood at the last look.
struct account_shape {
    bool active, shared, capped, donates;
    u64 units; // hundredths; of a dedicated partition its processors
    u32 pool;
};

// Of a partition, nanoseconds.
struct account {
    struct account_shape shape;
    const void *of; // what the shape was read from: where nothing of this changed, it is the same
    u64 of_units, of_procs;
    int of_state;
    struct usage_time seen;
    u64 entitled, capped, uncapped, donated, idle, wait;
};

// Of the system, nanoseconds.
struct account_system {
    s64 at;    // clock_ns() of the last look; 0: none yet
    u64 units; // of processors that were usable then, hundredths
    u64 kept;  // of these, for partitions that are off
    u64 time, pool_total, pool_used;
    struct {
        u64 total, used;
    } pools[SYS_POOLS];
};

// Looks when a second has passed, when something changed, or when it must.
void account_update(struct sys *sys, s64 now, bool must);

static inline u64 account_cycles(u64 ns)
{
    return (u64)((u128)ns * ACCOUNT_CYCLES_HZ / 1000000000u);
}
static inline u64 account_ns(u64 cycles)
{
    return (u64)((u128)cycles * 1000000000u / ACCOUNT_CYCLES_HZ);
}

#endif
