// SPDX-License-Identifier: Apache-2.0
// Dynamic logical partitioning: changing what partitions have, while they run and while they do not.
//
// What a partition has is counted by what its OS really took and gave back; while a change is under way the larger of before and after
// counts (usage.h), so that nothing is promised twice. A change of processors or memory takes its time: whoever asked hears of it
// when it is over. Entitlement, weight and sharing mode change at once.
#ifndef HYPER_DLPAR_H
#define HYPER_DLPAR_H

#include "hyper/system.h"

// MESSAGE_DYNAMIC. 0: done; -1: refused, with the answer; 1: sys->answered() gets the answer for `token` when it is over.
int dlpar_request(struct sys *sys, const struct wire_message *m, u64 token, struct answer *answer);

// What a partition's process says: what it has, and the end of a change. 0, or -EPROTO: that cannot be.
int dlpar_take_resources(struct sys *sys, struct lp *lp, const struct wire_record *values);
int dlpar_take_done(struct sys *sys, struct lp *lp, const struct wire_record *values);

// Its process is gone.
void dlpar_gone(struct sys *sys, struct lp *lp);

// Changes whose partition does not answer at all. ns until the next look.
s64 dlpar_tick(struct sys *sys, s64 now);

#endif
