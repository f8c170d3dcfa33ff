// SPDX-License-Identifier: Apache-2.0
// Managed systems as metrics in Prometheus' text format.
#ifndef CLI_METRICS_H
#define CLI_METRICS_H

#include <stdio.h>

#include "cli/snapshot.h"

// A system without a state did not answer: it has openlpar_system_up 0 and nothing else.
void metrics_write(FILE *to, const struct snapshot *list, u32 len);

#endif
