// SPDX-License-Identifier: Apache-2.0
// The host scheduler's slices.
#ifndef BASE_SLICE_H
#define BASE_SLICE_H

#include <linux/sched/types.h>
#include <sys/syscall.h>
#include <unistd.h>

#include "base/types.h"

#define SLICE_SHORTEST_NS 100000 // the least that Linux takes

// The calling thread, and threads and programs that it starts from now on, get their share of a host CPU in short slices: one that wakes up runs at
// once, as others' slices are over. Costs nothing where one thread at a time has work. Linux before 6.12 has slices of one length, and ignores it.
static inline void slice_shortest(void)
{
    struct sched_attr a = {.size = sizeof(a)};
    if (syscall(SYS_sched_getattr, 0, &a, sizeof(a), 0))
        return;
    a.sched_runtime = SLICE_SHORTEST_NS;
    syscall(SYS_sched_setattr, 0, &a, 0);
}

#endif
