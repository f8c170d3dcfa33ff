// SPDX-License-Identifier: Apache-2.0
// What is said about a partition's state: registers of each virtual processor, the last hypervisor calls, the reason of its end.
#ifndef LPAR_REPORT_H
#define LPAR_REPORT_H

#include <stdio.h>

#include "papr/partition.h"

// No thread of the partition runs. Lines end in \r\n where `raw`.
void report_registers(FILE *to, const struct partition *lp, bool raw);
void report_crash(FILE *to, const struct partition *lp, bool raw);

#endif
