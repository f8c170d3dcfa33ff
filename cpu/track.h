// SPDX-License-Identifier: Apache-2.0
// Pages of a running partition: which were written, and taking some away for a while. For migration, memory sharing, snapshots.
//
// Called from any thread that is no hardware thread of the group, one at a time. What hypervisor services access by host address
// (page tables, registered areas) is not kept from them by page_take(): the caller takes no page that holds such a thing.
#ifndef CPU_TRACK_H
#define CPU_TRACK_H

#include "cpu/group.h"

// From now on stores are noticed. When this returns, no store that will not be noticed is under way.
void track_start(struct cpu_group *group);

// Adds to `bitmap` (one bit per 4 KiB page, bit 0 of word 0 first) the pages written since track_start() or the last call, and begins
// anew. The number of pages added. A page's content read afterwards holds every store that its bit stands for.
u64 track_collect(struct cpu_group *group, u64 *bitmap);

void track_stop(struct cpu_group *group);

// Takes the page at guest real address `gra` away: when this returns no thread accesses it any more, and one that wants to calls
// cpu_hooks.page_in() first. page_give() makes it accessible again.
void page_take(struct cpu_group *group, u64 gra);
void page_give(struct cpu_group *group, u64 gra);
bool page_absent(const struct cpu_group *group, u64 gra);

#endif
