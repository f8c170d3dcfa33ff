// SPDX-License-Identifier: Apache-2.0
// What the dispatcher counts, over restarts of the daemon: a file in the system's folder that is written every second, and without waiting for the disk. It is no configuration: one
// that is broken is begun anew. What a partition runs while there is no daemon is not in it (hyper/account.h).
#ifndef HYPER_COUNTERS_H
#define HYPER_COUNTERS_H

#include "hyper/dispatch/dispatcher.h"

struct sys;
struct lp;

// Of a partition since it was made. Nanoseconds; elapsed: while there was a dispatcher.
struct counters_lp {
    u64 key; // of its identifier: another partition with its number has none of this
    u64 ran, beyond, waited, charged, dispatches, moves;
};
struct counters_sys {
    u64 elapsed, room, ran, lost, own, decisions;
};

// Before the first partition is dispatched: what was counted up to now.
void counters_begin(struct sys *sys);
// Writes what there is, when a second has passed or it must.
void counters_keep(struct sys *sys, s64 now, bool must);
void counters_end(struct sys *sys);

// Everything until now.
struct counters_lp counters_of(const struct lp *lp);
struct counters_sys counters_all(const struct sys *sys);
// The dispatcher will know no more of it: what it counted stays.
void counters_detach(struct lp *lp);

#endif
