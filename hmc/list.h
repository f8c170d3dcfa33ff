// SPDX-License-Identifier: Apache-2.0
// Commands that list: what is asked for, in the console's output grammar.
#ifndef HMC_LIST_H
#define HMC_LIST_H

#include "hmc/options.h"

int cmd_lssyscfg(const struct options *o);
int cmd_lshwres(const struct options *o);
int cmd_lsrefcode(const struct options *o);
int cmd_lsevents(const struct options *o);

#endif
