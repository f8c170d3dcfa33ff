// SPDX-License-Identifier: Apache-2.0
// How a managed system stands at one moment, for the monitors; and what happened between two such moments.
#ifndef CLI_SNAPSHOT_H
#define CLI_SNAPSHOT_H

#include "proto/hyper/link.h"

struct snapshot_lpar {
    u32 id;
    char name[32], state[32], refcode[16], sharing_mode[32];
    bool configured, shared, capped; // configured: it was activated once, and has the rest
    u64 units, procs, mem, uptime, weight, pool;
    u64 entitled, used_capped, used_uncapped, donated, idle, wait; // cycles
};

struct snapshot_pool {
    u32 id;
    char name[32];
    u64 total, used; // cycles
};

struct snapshot {
    char name[64], state[32], type_model[32], serial[32];
    u64 cycles_hz, time;                    // cycles
    u64 units, units_available, pool_units; // hundredths
    u64 mem, mem_available, mem_firmware;   // MB
    u64 pool_total, pool_used;              // cycles, of all shared processors
    struct snapshot_pool *pools;
    struct snapshot_lpar *lpars; // by number
    u32 pools_len, lpars_len;
};

// Asks the system; the snapshot is to be freed in all cases. 0, or a negative errno: it does not answer.
int snapshot_take(struct link *link, struct snapshot *s);
// The same of the system with that folder. 0, or a negative errno.
int snapshot_open(const char *folder, struct snapshot *s);
void snapshot_free(struct snapshot *s);

const struct snapshot_lpar *snapshot_lpar(const struct snapshot *s, u32 id);

// Between two snapshots of one system. Where a counter went back, or there is no earlier snapshot, it is 0.
struct rates {
    double physical; // processors that it used
    double entitled; // per cent of its entitlement
    double busy;     // per cent of its (virtual) processors
    double wait;     // per cent of a processor: ready, and no physical processor was there
};

struct rates snapshot_rates(const struct snapshot *before, const struct snapshot *now,
                            const struct snapshot_lpar *lpar);
// Processors that a pool's partitions used; without one, those of all shared processors, or of dedicated ones.
double snapshot_pool_used(const struct snapshot *before, const struct snapshot *now, const struct snapshot_pool *pool);
double snapshot_shared_used(const struct snapshot *before, const struct snapshot *now);
double snapshot_dedicated_used(const struct snapshot *before, const struct snapshot *now);

#endif
