// SPDX-License-Identifier: Apache-2.0
// Watchdog timers that the OS starts and must start again in time (H_WATCHDOG), or the partition is powered off or restarted.
#ifndef PAPR_WATCHDOG_H
#define PAPR_WATCHDOG_H

#include "papr/partition.h"

int watchdog_init(struct partition *lp);
void watchdog_fini(struct partition *lp);
void watchdog_reset(struct partition *lp);

#endif
