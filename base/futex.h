// SPDX-License-Identifier: Apache-2.0
// Waiting on a word of this process's memory.
#ifndef BASE_FUTEX_H
#define BASE_FUTEX_H

#include <limits.h>
#include <linux/futex.h>
#include <stdatomic.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#include "base/types.h"

// Sleeps while *word == value, for at most `ns` nanoseconds (< 0: no limit). May return early for no reason.
static inline void futex_wait(_Atomic u32 *word, u32 value, s64 ns)
{
    struct timespec limit = {.tv_sec = ns / 1000000000, .tv_nsec = ns % 1000000000};
    syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, value, ns < 0 ? NULL : &limit, NULL, 0);
}

static inline void futex_wake_all(_Atomic u32 *word)
{
    syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, INT_MAX, NULL, NULL, 0);
}

#endif
