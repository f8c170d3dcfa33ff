// SPDX-License-Identifier: Apache-2.0
// Utilisation: samples at the system's rate, and what lslparutil and the monitors ask for.
#ifndef HYPER_UTILISATION_H
#define HYPER_UTILISATION_H

#include "hyper/system.h"

// Opens usage.db and goes on counting where the last daemon ended. `killed`: partitions went on without it, and those that were adopted are
// known by now. A system whose samples cannot be kept runs without them.
void util_begin(struct sys *sys, bool killed);
// Looks at the accounts and takes the sample that is due. The value is ms until the next one, -1: none.
int util_tick(struct sys *sys);
void util_end(struct sys *sys);

// LIST of OBJECT_UTIL_*. values: live (1: how things stand now, not a sample), or since, until, tier, before, max. Each row has, besides its
// attributes, `number`: the next request goes on `before` the last one's.
int util_list(struct sys *sys, const struct wire_message *m, void (*give)(void *arg, const struct wire_record *values),
              void *arg, struct answer *answer);
// CHANGE of OBJECT_UTIL_CONFIG.
int util_change(struct sys *sys, const struct wire_message *m, struct answer *answer);

#endif
