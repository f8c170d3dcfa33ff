// SPDX-License-Identifier: Apache-2.0
// Puts TCP segments that follow each other together to a large frame, which the partition's driver takes as one: the reverse of cutting (proto/vio/offload.h).
#ifndef VIOS_NET_JOIN_H
#define VIOS_NET_JOIN_H

#include "ipc/ring.h"
#include "proto/vio/offload.h"

struct join {
    u8 *to; // room in the ring with a frame that may grow; NULL: none
    u32 size, room;
    u16 mss; // what the first segment carries
    u32 segments, next_sequence;
    struct tcp_frame tcp; // of the first segment
    u8 head[OFFLOAD_HEAD_MAX];
};

// Sends a frame, or keeps it so that the next one can join it; what is kept goes first when the frame does not. allowed: the partition takes large frames.
void join_frame(struct join *join, struct ring *ring, const u8 *frame, u32 size, bool allowed);
// Sends what is kept.
void join_end(struct join *join, struct ring *ring);

#endif
