// SPDX-License-Identifier: Apache-2.0
// Translation control entries: the windows through which I/O adapters reach the partition's memory. LoPAR "TCE".
#ifndef PAPR_TCE_H
#define PAPR_TCE_H

#include "papr/partition.h"

#define TCE_READ        1ull // the adapter may read memory
#define TCE_WRITE       2ull // the adapter may write it
#define TCE_WINDOWS_MAX 64u

int tce_init(struct partition *lp);
void tce_fini(struct partition *lp);
// Invalidates every entry; the windows stay. No thread runs.
void tce_reset(struct partition *lp);

// A window (liobn not 0) of `size` bytes of I/O bus addresses from 0, in pages of 1 << page_shift (12, 16 or 24). 0 or a negative errno. No thread runs, or
// in an exclusive section: whoever uses the window that goes away has stopped, other adapters go on.
int tce_window_add(struct partition *lp, u32 liobn, u64 size, unsigned page_shift);
void tce_window_remove(struct partition *lp, u32 liobn);

// Invalidates its entries. Any thread.
void tce_window_clear(struct partition *lp, u32 liobn);

// Copies between an adapter and memory through a window: false when a page is not mapped for that direction (what came before it may
// have been copied). Any thread.
bool tce_read(struct partition *lp, u32 liobn, u64 ioba, void *to, u64 size);
bool tce_write(struct partition *lp, u32 liobn, u64 ioba, const void *from, u64 size);

// Whether every page of [ioba, ioba+size) is mapped for all of `permission`, at this moment. Any thread.
bool tce_permits(struct partition *lp, u32 liobn, u64 ioba, u64 size, u64 permission);

// Stores a big-endian word, which is aligned, as one access behind all of what was written before.
bool tce_store_be32(struct partition *lp, u32 liobn, u64 ioba, u32 value);

#endif
