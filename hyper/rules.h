// SPDX-License-Identifier: Apache-2.0
// What a profile must satisfy.
#ifndef HYPER_RULES_H
#define HYPER_RULES_H

#include "hyper/system.h"

#define UNITS_PER_PROC_MIN 5u // hundredths of a processor for each virtual one

// 0, or -1: the rule that is broken, with the values, in the answer.
int rules_check_profile(const struct sys *sys, const struct rec *profile, struct answer *answer);

#endif
