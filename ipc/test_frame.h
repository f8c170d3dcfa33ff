// SPDX-License-Identifier: Apache-2.0
// For tests: what came over a link of Ethernet adapters.
#ifndef IPC_TEST_FRAME_H
#define IPC_TEST_FRAME_H

#include "base/test.h"
#include "ipc/ring.h"
#include "proto/vio/frame.h"

// Takes the next message out of the ring; false: there is none. `bytes`: room for the largest frame that is sent.
static inline bool test_frame_take(struct ring *ring, struct frame *header, u8 *bytes)
{
    u32 size;
    const void *m = ring_peek(ring, &size);
    if (!m)
        return false;
    CHECK(frame_get(m, size, header));
    memcpy(bytes, (const u8 *)m + FRAME_HEADER, header->size);
    ring_consume(ring);
    return true;
}

#endif
