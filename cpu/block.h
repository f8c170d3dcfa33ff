// SPDX-License-Identifier: Apache-2.0
// Blocks of memory that a running partition is given, and gives back.
//
// What hypervisor services access by host address (registered areas, page tables) is not kept from a block that is taken: the caller takes
// none that holds such a thing. Such an access finds zeroes, and harms nobody but the partition.
#ifndef CPU_BLOCK_H
#define CPU_BLOCK_H

#include "cpu/group.h"

// [gra, gra+size), whole blocks of the address range, becomes memory, all zero. 0 or a negative errno. Any thread.
int block_give(struct cpu_group *group, u64 gra, u64 size);

// It is no memory any more: when this returns no thread has a translation to it, predecoded instructions or a reservation of it, and the
// host has its pages back. `self` is the calling hardware thread, inside guest code, or NULL. No lock is held that another one waits for.
// 0, or a negative errno: the host keeps the pages, which are zeroed then.
int block_take(struct cpu_group *group, struct cpu *self, u64 gra, u64 size);

#endif
