// SPDX-License-Identifier: Apache-2.0
// Host time.
#ifndef BASE_CLOCK_H
#define BASE_CLOCK_H

#include <time.h>

#include "base/types.h"

// Nanoseconds of CLOCK_MONOTONIC.
static inline s64 clock_ns(void)
{
    struct timespec t;
    clock_gettime(CLOCK_MONOTONIC, &t);
    return (s64)t.tv_sec * 1000000000 + t.tv_nsec;
}

#endif
