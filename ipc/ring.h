// SPDX-License-Identifier: Apache-2.0
// A link between two processes: in shared memory a ring of messages in each direction and a data area, and a doorbell for each side.
//
// Whoever makes the link hands its descriptors to exactly two processes and is then out of the way. Each of the two takes the other for an attacker: what lies in
// the shared memory may change at any time, so that a message is copied before it is checked. A peer that breaks the ring's rules is
// noticed (ring_broken()) and nothing that it sends is seen any more.
//
// One thread at a time sends on a side, one at a time receives (the owner has its own lock where there are several). Sending and receiving are independent of each other.
#ifndef IPC_RING_H
#define IPC_RING_H

#include "base/types.h"

#define RING_SIZE_MIN               0x1000u
#define RING_SIZE_MAX               0x4000000u
#define RING_DATA_MAX               0x40000000ull
#define RING_MESSAGE_MAX(ring_size) ((ring_size) / 2 - 8)

// The memory (sealed against growing and shrinking) and the doorbells (event counters). Close-on-exec.
struct ring_fds {
    int memory, bell[2]; // bell[side] is what that side waits for
};

// Makes a link. ring_size: bytes of each direction's ring, a power of two; data_size: a multiple of 4096, or 0. 0 or a negative errno.
int ring_create(u32 ring_size, u64 data_size, struct ring_fds *fds);
void ring_close_fds(struct ring_fds *fds);

// Reads from the start of a link's data area without being a side of it. Whether there are so many bytes.
bool ring_read_data(const struct ring_fds *fds, void *to, u32 size);

struct ring;

// Side 0 or 1 of a link. The descriptors stay the caller's. NULL with errno set: EINVAL when this is no link's memory.
struct ring *ring_attach(const struct ring_fds *fds, unsigned side);
void ring_detach(struct ring *ring); // takes NULL

// Room for a message of `size` bytes, 8-byte aligned, which ring_commit() then makes visible, as it is or shorter. NULL: no room now, the peer rings when it
// has made some (it knows that this side waits); or the message is too large for any room (RING_MESSAGE_MAX).
void *ring_reserve(struct ring *ring, u32 size);
void ring_commit(struct ring *ring, u32 size);
// Rings the peer when it sleeps. After any number of commits.
void ring_notify(struct ring *ring);

// The next message, in place, 8-byte aligned; NULL: none. Its bytes may change while one looks at them. ring_consume() gives its room back.
const void *ring_peek(struct ring *ring, u32 *size);
void ring_consume(struct ring *ring);

// What to poll for. ring_sleep() before waiting: false when there is something to receive (or room again, where that was missing) already. ring_woken() after
// it, whatever woke the thread up, or ring_awake() where it is known that the bell did not ring.
int ring_bell(const struct ring *ring);
bool ring_sleep(struct ring *ring);
void ring_woken(struct ring *ring);
void ring_awake(struct ring *ring);

bool ring_broken(const struct ring *ring);

// The data area, for whoever the protocol gives its parts to. NULL when there is none.
void *ring_data(const struct ring *ring);
u64 ring_data_size(const struct ring *ring);

// This part of the data area is used for large transfers: it moves to large pages of the host where there are some, so that the kernel hands a device few pieces instead of a
// thousand. Cheap when it has been done; a page that the kernel has in use just now is tried again another time. One thread.
void ring_enlarge_data(struct ring *ring, u64 offset, u64 size);

#endif
