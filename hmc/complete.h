// SPDX-License-Identifier: Apache-2.0
// Completion of the console's commands in a shell: what fits where the cursor stands. Systems that run are asked for the names of what they have.
#ifndef HMC_COMPLETE_H
#define HMC_COMPLETE_H

#include <stdio.h>

#include "base/types.h"

// Prints the candidates for the word before the cursor, one on each line.
void complete(const char *line, size_t point, FILE *to);

// The script that makes bash ask: for hmc and every command's own name.
void complete_script(FILE *to);

#endif
