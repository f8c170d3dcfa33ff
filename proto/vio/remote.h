// SPDX-License-Identifier: Apache-2.0
// How a process that reaches a disk elsewhere (openlpar-iscsi) is told which one, and what goes over the link (ipc/ring.h) between it and the server.
//
// Over the socket pair that it is started with: VIOS_DISK with the disk's address as its path, with the descriptors of the link, or without: then only what the disk is
// is asked for. Its answer is VIOS_DISK with what it found out, or VIOS_FAILED. The other end of that pair goes to the server: each ends when the other one has ended.
#ifndef PROTO_VIO_REMOTE_H
#define PROTO_VIO_REMOTE_H

#include "base/types.h"

#define REMOTE_SERVER    0u // the sides of the link
#define REMOTE_REACHES   1u
#define REMOTE_RING_SIZE 0x10000u // holds a message for each request that can be open, with much to spare
#define REMOTE_DATA_SIZE (16 * MIB)
#define REMOTE_REQUESTS  128u

enum remote_op { REMOTE_READ = 1, REMOTE_WRITE, REMOTE_FLUSH, REMOTE_ZERO, REMOTE_DISCARD };

// From the server, which gives out the data area.
struct remote_request {
    u32 op;
    u32 id;           // below REMOTE_REQUESTS
    u64 offset, size; // on the disk
    u64 data;         // offset in the data area; REMOTE_READ, REMOTE_WRITE
    u32 durable;      // REMOTE_WRITE: it is on stable storage when it is done
    u32 reserved;
};

// The answer, in any order.
struct remote_done {
    u32 id;
    s32 error; // 0 or a negative errno
};

#endif
