// SPDX-License-Identifier: Apache-2.0
// What the lists of virtual adapters in profiles have in common, of whatever kind they are.
#ifndef HYPER_ADAPTER_H
#define HYPER_ADAPTER_H

#include "base/types.h"

// Writes what is wrong. Always -1.
PRINTF_LIKE(3, 4) int adapter_wrong(char *why, size_t size, const char *fmt, ...);

// A decimal number in [low, high], nothing before or behind it.
bool adapter_number(const char *text, u32 low, u32 high, u32 *value);

#endif
