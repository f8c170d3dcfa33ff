// SPDX-License-Identifier: Apache-2.0
// Who has which part of a link's data area: contiguous pieces in pages of 4 KiB.
#ifndef VIOS_AREA_H
#define VIOS_AREA_H

#include "base/types.h"

#define AREA_PAGE 4096u
#define AREA_NONE (~0ull)

struct area {
    u32 pages;
    u32 low;    // none is free before it
    u64 *taken; // a bit for each page
};

int area_init(struct area *area, u64 size); // 0 or -ENOMEM
void area_fini(struct area *area);

// The lowest piece there is, which others used a moment ago: it is in the caches still. Offset of a piece of `size` bytes, more than 0, or AREA_NONE.
u64 area_take(struct area *area, u64 size);
void area_give(struct area *area, u64 offset, u64 size);

#endif
