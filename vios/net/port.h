// SPDX-License-Identifier: Apache-2.0
// The virtual side of an uplink: one side of a link for frames (proto/vio/frame.h). Behind a partition's adapter it is the link's side 1 and hears the state of the adapter; as a trunk adapter of a switch
// it is side 0 and says its own: open, for every frame as it is.
#ifndef VIOS_NET_PORT_H
#define VIOS_NET_PORT_H

#include "ipc/ring.h"
#include "proto/vio/counts.h"
#include "proto/vio/frame.h"
#include "proto/vio/uplink.h"

struct port {
    struct ring *ring;
    struct uplink_port config;
    bool open;                     // of side 0
    u16 flags;                     // enum port_flag: what the other side takes
    struct adapter_counts *counts; // of side 0, where whoever has the link sees them; NULL
};

// 0 or a negative errno; the descriptors stay the caller's.
int port_open(struct port *port, const struct uplink_port *config, const struct ring_fds *link);
void port_close(struct port *port);

// The next frame, whose bytes are this side's as well as the other's, who has sent them away; NULL: there is none. Everything else that comes is seen to. port_consume() gives its room back.
u8 *port_receive(struct port *port, struct frame *frame);
void port_consume(struct port *port);

// Sends a frame, after which ring_notify() is called once for all. false: there is no room.
bool port_send_frame(struct port *port, const struct frame *frame, const u8 *bytes);
// What was taken from the link was for this side, or went into it (0: there was no room). Sends by port_send_frame() are counted there.
void port_count_received(const struct port *port, u32 size);
void port_count_sent(const struct port *port, u32 size);

// Sends a small one as it is, at once.
void port_send(struct port *port, const u8 *bytes, u32 size);

// Whether a trunk adapter takes and sends frames.
void port_set_open(struct port *port, bool open);

#endif
