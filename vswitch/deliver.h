// SPDX-License-Identifier: Apache-2.0
// Puts a frame into the ring of whoever gets it, tagged as it is there, with what the receiver does not take done: checksums, segments. One copy.
#ifndef VSWITCH_DELIVER_H
#define VSWITCH_DELIVER_H

#include "ipc/ring.h"
#include "vswitch/fabric.h"

// `bytes` is the frame, which its sender may change meanwhile; flags: the receiver's, enum port_flag. The bytes that went into the ring; 0: there is no room now (nothing or, of several segments, the first ones went in);
// -EPROTO: it is not what its header says.
int deliver(struct ring *to, u16 flags, const struct frame *frame, const u8 *bytes, const struct hop *hop);

#endif
