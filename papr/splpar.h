// SPDX-License-Identifier: Apache-2.0
// What a partition has of the system's processors.
#ifndef PAPR_SPLPAR_H
#define PAPR_SPLPAR_H

#include "papr/partition.h"

// As whoever manages it says; one that nobody manages has its processors, and all that there are.
struct hv_ppp splpar_ppp(const struct partition *lp);

#endif
