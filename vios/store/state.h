// SPDX-License-Identifier: Apache-2.0
// A small file that keeps one named value over a crash at any moment: two places, of which the newer whole one counts, written in turn.
#ifndef VIOS_STORE_STATE_H
#define VIOS_STORE_STATE_H

#include "base/types.h"

#define STATE_VALUE_MAX 4000u

// The value's size, or a negative errno: -ENODATA where there is none of this name.
int state_get(int fd, const char *name, void *value, size_t size);
// On stable storage when it returns. 0 or a negative errno.
int state_set(int fd, const char *name, const void *value, size_t size);

#endif
