// SPDX-License-Identifier: Apache-2.0
// The scroll-back of a virtual terminal: a file in memory that the daemon makes and the partition's process writes, so that it outlives
// processes. Sealed against changes of its size. The process may write anything into it: a reader takes a copy of `total` and masks.
#ifndef PROTO_HYPER_SCROLL_H
#define PROTO_HYPER_SCROLL_H

#include <stdatomic.h>

#include "base/types.h"

#define SCROLL_SIZE 0x40000u // bytes kept, a power of two

struct scroll {
    _Atomic u64
        total; // bytes ever written; the last SCROLL_SIZE of them are in data[], each at its number modulo the size
    u8 unused[4088];
    u8 data[SCROLL_SIZE];
};

#endif
