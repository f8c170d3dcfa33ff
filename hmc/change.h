// SPDX-License-Identifier: Apache-2.0
// Commands that change the configuration, and partitions' power.
#ifndef HMC_CHANGE_H
#define HMC_CHANGE_H

#include "hmc/options.h"

int cmd_mksyscfg(const struct options *o);
int cmd_chsyscfg(const struct options *o);
int cmd_rmsyscfg(const struct options *o);
int cmd_chsysstate(const struct options *o);

#endif
