// SPDX-License-Identifier: Apache-2.0
// Virtual terminals.
#ifndef HMC_VTERM_H
#define HMC_VTERM_H

#include "hmc/options.h"

int cmd_mkvterm(const struct options *o);
int cmd_rmvterm(const struct options *o);

// Takes "~." at the beginning of a line out of what was typed, in place; "~~" there becomes "~". *state is 0 at first. The value is what is
// left; *end: the session is to end.
size_t vterm_filter(u8 *data, size_t size, int *state, bool *end);

#endif
