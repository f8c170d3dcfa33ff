// SPDX-License-Identifier: Apache-2.0
// chhwres: resources of partitions and pools.
#ifndef HMC_HWRES_H
#define HMC_HWRES_H

#include "hmc/options.h"

int cmd_chhwres(const struct options *o);

#endif
