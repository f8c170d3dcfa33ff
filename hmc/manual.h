// SPDX-License-Identifier: Apache-2.0
// Manual pages of the commands, made from the tables that the commands themselves use.
#ifndef HMC_MANUAL_H
#define HMC_MANUAL_H

#include <stdio.h>

#include "hmc/options.h"

// The page of a command, or of hmc itself (NULL), for man(1).
void manual_print(FILE *to, const struct command *command);

#endif
