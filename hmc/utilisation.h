// SPDX-License-Identifier: Apache-2.0
// Samples of utilisation: lslparutil and chlparutil.
#ifndef HMC_UTILISATION_H
#define HMC_UTILISATION_H

#include "hmc/options.h"

int cmd_lslparutil(const struct options *o);
int cmd_chlparutil(const struct options *o);

// The span of time that the options ask for, seconds since 1970, both ends included. 0, or 1 with the message printed.
int utilisation_span(const struct options *o, s64 now, s64 *since, s64 *until);

#endif
