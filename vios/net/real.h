// SPDX-License-Identifier: Apache-2.0
// The real side of a Shared Ethernet Adapter: an interface of the host, whose frames come and go with the description of what is left to do (virtio_net_hdr): checksums, segments.
#ifndef VIOS_NET_REAL_H
#define VIOS_NET_REAL_H

#include "proto/vio/frame.h"
#include "proto/vio/uplink.h"

#define VLAN_TAG 4u

struct real {
    int fd;          // readable: frames
    bool strips_tag; // the host takes tags out of frames and says them beside
    u64 send_failures;
};

// 0, or a negative errno with `why`, which names the fix. fd: of UPLINK_FD_GIVEN, the real side's from now on.
int real_open(struct real *real, const struct uplink_real *config, int fd, char *why, size_t why_size);
void real_close(struct real *real);

// The next frame, which takes FRAME_SIZE_MAX bytes at most. 1; 0: there is none; -EPROTO: one that cannot be passed on, and is gone.
int real_receive(struct real *real, struct frame *frame, u8 *bytes);

// Sends a frame; tci: of a tag that is put in, or -1. The bytes of its checksum are changed. false: it was dropped.
bool real_send(struct real *real, const struct frame *frame, u8 *bytes, int tci);

// What a frame needs is in these ten bytes.
#define VNET_HEADER 10u
void real_put_header(u8 header[VNET_HEADER], const struct frame *frame, u8 *bytes, u32 shift);
// false: nothing that this side can pass on. Bytes of its checksum are changed.
bool real_take_header(const u8 header[VNET_HEADER], struct frame *frame, u8 *bytes);

#endif
