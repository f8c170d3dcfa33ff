// SPDX-License-Identifier: Apache-2.0
// What a partition has used of processors since it was made: the one place from which accounting hears of it.
#ifndef HYPER_USAGE_TIME_H
#define HYPER_USAGE_TIME_H

#include "base/types.h"

struct lp;

// Nanoseconds, counting up as long as they come from one source; another source begins anew. Whoever dispatches knows what was beyond the
// entitlement (`split`); else it is derived from what was used between two looks.
enum usage_source { USAGE_CLOCK, USAGE_DISPATCHER }; // the clock of its process

struct usage_time {
    enum usage_source source;
    u64 used;
    bool split;
    u64 beyond; // of `used`
    u64 wait;   // ready, and no physical processor was there
};

struct usage_time usage_time_of(const struct lp *lp);
// By the clocks of its processes alone, which a daemon that comes later can read, too.
u64 usage_clock(const struct lp *lp);

#endif
