// SPDX-License-Identifier: Apache-2.0
// What goes over a link (ipc/ring.h) of a virtual Ethernet adapter: side 0 is the partition's process, side 1 the switch or an uplink. One message of the ring is a header
// of FRAME_HEADER bytes, in the host's byte order, and what its kind says.
//
//     u8 kind, u8 version, u16 flags, u32 size, u16 mss, u16 0, u32 0
//
// FRAME_DATA: an Ethernet frame of `size` bytes, without its check sequence; a VLAN tag is in the frame. flags: enum frame_flag.
// FRAME_PORT: the state of the port, from the partition to the switch, at each change and when it is asked. flags: enum port_flag; `size` bytes
//             behind the header: the adapter's address and those of its multicast filter, six bytes each.
// FRAME_ASK:  from the switch: what state is the port in? size 0.
#ifndef PROTO_VIO_FRAME_H
#define PROTO_VIO_FRAME_H

#include <string.h>

#include "base/types.h"

#define FRAME_VERSION     1u
#define FRAME_HEADER      16u
#define FRAME_SIZE_MIN    14u
#define FRAME_SIZE_MAX    (65536u + 18u) // 64 KiB behind an Ethernet header with a tag
#define FRAME_MSS_MIN     16u
#define FRAME_FILTERS_MAX 64u
#define FRAME_PORT_MAX    (6u + FRAME_FILTERS_MAX * 6u)
#define FRAME_RING_SIZE   0x100000u // of a link for frames; each way
#define FRAME_LINK_DATA   0x1000u   // its data area: struct adapter_counts of side 0

enum frame_kind { FRAME_DATA = 1, FRAME_PORT = 2, FRAME_ASK = 3 };

enum frame_flag {
    FRAME_CSUM_NEEDED = 1, // TCP: whoever gives the frame to somebody who wants a checksum puts it in; its field is 0
    FRAME_CSUM_GOOD = 2,   // the checksum of TCP or UDP needs no check
    FRAME_LARGE =
        4, // TCP, to be cut into segments of `mss` bytes for whoever does not take it whole; with FRAME_CSUM_NEEDED
};
#define FRAME_FLAGS 7u

enum port_flag {
    PORT_OPEN = 1,           // the OS takes frames
    PORT_CSUM = 2,           // and those with FRAME_CSUM_NEEDED
    PORT_LARGE = 4,          // and those with FRAME_LARGE
    PORT_MULTICAST = 8,      // and multicast ones
    PORT_MULTICAST_ALL = 16, // whether its filter lists them or not
};
#define PORT_FLAGS 31u

struct frame {
    u8 kind;
    u16 flags;
    u32 size;
    u16 mss;
};

static inline void frame_put(void *to, const struct frame *f)
{
    u8 head[FRAME_HEADER] = {f->kind, FRAME_VERSION};
    memcpy(head + 2, &f->flags, 2);
    memcpy(head + 4, &f->size, 4);
    memcpy(head + 8, &f->mss, 2);
    memcpy(to, head, sizeof(head));
}

// The header of a message of `size` bytes, which may change meanwhile. false: it is none; the peer breaks the protocol.
static inline bool frame_get(const void *message, u32 size, struct frame *f)
{
    u8 head[FRAME_HEADER];
    if (size < sizeof(head))
        return false;
    memcpy(head, message, sizeof(head));
    f->kind = head[0];
    memcpy(&f->flags, head + 2, 2);
    memcpy(&f->size, head + 4, 4);
    memcpy(&f->mss, head + 8, 2);
    if (head[1] != FRAME_VERSION || f->size != size - FRAME_HEADER)
        return false;
    bool large = f->flags & FRAME_LARGE;
    switch (f->kind) {
    case FRAME_DATA:
        return !(f->flags & ~FRAME_FLAGS) && f->size >= FRAME_SIZE_MIN && f->size <= FRAME_SIZE_MAX &&
               large == (f->mss != 0) && (!large || (f->mss >= FRAME_MSS_MIN && f->flags & FRAME_CSUM_NEEDED));
    case FRAME_PORT:
        return !(f->flags & ~PORT_FLAGS) && f->size >= 6 && f->size <= FRAME_PORT_MAX && f->size % 6 == 0 && !f->mss;
    case FRAME_ASK: return !f->flags && !f->size && !f->mss;
    default: return false;
    }
}

#endif
