// SPDX-License-Identifier: Apache-2.0
// The partition's console in the hands of firmware, before there is an OS.
#ifndef LPAR_FW_CONSOLE_H
#define LPAR_FW_CONSOLE_H

#include "papr/partition.h"

// A text in which "\n" ends a line. Waits while the console takes none, unless the partition ends.
PRINTF_LIKE(2, 3) void fw_print(struct partition *lp, const char *fmt, ...);

// Waits for a line, which is echoed, and may be edited with backspace and Ctrl-u; what does not fit is dropped. false: the partition ends.
bool fw_read_line(struct partition *lp, char *line, size_t size);

#endif
