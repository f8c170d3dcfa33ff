// SPDX-License-Identifier: Apache-2.0
// chhwres -r proc and -r mem: what partitions have, also while they run.
#ifndef HMC_HARDWARE_H
#define HMC_HARDWARE_H

#include "hmc/options.h"
#include "proto/hyper/wire.h"

int change_dynamic(const struct options *o);

// What -w says, if it is given, as minutes. 0, or 1 with the message printed.
int put_minutes(struct wire_record *r, const struct options *o);

#endif
