// SPDX-License-Identifier: Apache-2.0
// Manual pages.
#ifndef BASE_ROFF_H
#define BASE_ROFF_H

#include <stdio.h>

// Writes text so that no character of it is a command of roff.
void roff_text(FILE *to, const char *text);

#endif
