// SPDX-License-Identifier: Apache-2.0
// What a partition has used of processors since it was made: the one place from which accounting hears of it.
#ifndef HYPER_USAGE_TIME_H
#define HYPER_USAGE_TIME_H

#include "base/types.h"

struct lp;

// Nanoseconds, counting up. Whoever dispatches knows what was within the entitlement and fills in the rest with `split`; without it the
// accounting derives these from what was used between two looks.
struct usage_time {
    u64 used;
    bool split;
    u64 capped, uncapped, donated, idle;
    u64 wait; // ready, and no physical processor was there
};

struct usage_time usage_time_of(const struct lp *lp);

#endif
