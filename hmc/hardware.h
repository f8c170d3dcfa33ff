// SPDX-License-Identifier: Apache-2.0
// chhwres -r proc and -r mem: what partitions have, also while they run.
#ifndef HMC_HARDWARE_H
#define HMC_HARDWARE_H

#include "hmc/options.h"

int change_dynamic(const struct options *o);

#endif
