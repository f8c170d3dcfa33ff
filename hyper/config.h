// SPDX-License-Identifier: Apache-2.0
// Changes of a partition's configuration: what it was, or will be, activated with.
#ifndef HYPER_CONFIG_H
#define HYPER_CONFIG_H

#include "hyper/system.h"

// Each: 0, or -1 with the answer and nothing changed.

// What it has while it runs becomes what it asks for the next time; with sync_curr_profile=1 also that of its profile.
int config_keep(struct sys *sys, struct lp *lp, struct answer *answer);

// Adds to what it asks for: MB, processors, hundredths.
struct config_change {
    s64 mem, procs, units;
};
int config_change(struct sys *sys, struct lp *lp, const struct config_change *change, struct answer *answer);

// sharing_mode and uncap_weight.
int config_set(struct sys *sys, struct lp *lp, const struct wire_record *values, struct answer *answer);

// An attribute of the configuration.
int config_set_text(struct sys *sys, struct lp *lp, const char *name, const char *text, struct answer *answer);

// Whether so many units go with so many shared processors, within its limits and its pool's.
int config_check_units(const struct sys *sys, const struct lp *lp, s64 units, s64 procs, struct answer *answer);

#endif
