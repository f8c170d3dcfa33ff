// SPDX-License-Identifier: Apache-2.0
// The monitor on a terminal.
#ifndef CLI_TOP_SCREEN_H
#define CLI_TOP_SCREEN_H

#include "cli/top_view.h"

// Until somebody quits. 0, or 1 with the message printed.
int top_screen(const char *name, const char *folder, double interval);

#endif
