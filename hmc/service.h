// SPDX-License-Identifier: Apache-2.0
// Commands of service: firmware level, attention LEDs, serviceable events; and the console's own host.
#ifndef HMC_SERVICE_H
#define HMC_SERVICE_H

#include "hmc/options.h"

int cmd_lslic(const struct options *o);
int cmd_lsled(const struct options *o);
int cmd_chled(const struct options *o);
int cmd_lssvcevents(const struct options *o);
int cmd_chsvcevent(const struct options *o);
int cmd_monhmc(const struct options *o);

#endif
