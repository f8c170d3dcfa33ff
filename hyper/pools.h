// SPDX-License-Identifier: Apache-2.0
// Shared processor pools: 64 of them are always there, 0 is the default pool, and another one can be used once it has a maximum.
//
// A pool's maximum bounds what its partitions get together, reserved units included; the reserve is taken from what the system has and goes to
// the pool's uncapped partitions. Whoever dispatches enforces both: it finds a partition's pool in lp->current, and the figures here.
#ifndef HYPER_POOLS_H
#define HYPER_POOLS_H

#include "hyper/system.h"

#define POOLS SYS_POOLS

// Reads them from the database; 0 or a negative errno.
int pools_load(struct sys *sys);
void pools_free(struct sys *sys);

// Hundredths. 0: it has no maximum, which only the default pool can be used without.
u64 pool_max(const struct sys *sys, u32 id);
u64 pool_reserved(const struct sys *sys, u32 id);
u64 pools_reserved(const struct sys *sys);
const char *pool_name(const struct sys *sys, u32 id);
bool pool_usable(const struct sys *sys, u64 id);
bool pool_find(const struct sys *sys, const char *name, u32 *id);

// What the entitlements of its running partitions may still grow by; `but` is left out of these.
u64 pool_left(const struct sys *sys, u32 id, const struct lp *but);

// A profile may name its pool: shared_proc_pool_name of `values` becomes the number. 0 or -1 with the answer.
int pools_take_name(const struct sys *sys, const struct wire_record *values, struct rec *profile,
                    struct answer *answer);

// CHANGE of OBJECT_PROCPOOL: of the pool that `where` names, or, where it names a partition, that partition's pool.
int pools_change(struct sys *sys, const struct wire_message *m, struct answer *answer);

#endif
