// SPDX-License-Identifier: Apache-2.0
// The Link Aggregation Control Protocol (IEEE 802.1AX): which of several interfaces lead to the same switch, which takes them for one. Active, with short timeouts; one aggregate, that of the first interface
// whose switch speaks the protocol. No clock, no I/O: the caller says what time it is.
#ifndef VIOS_NET_LACP_H
#define VIOS_NET_LACP_H

#include "base/types.h"

#define LACP_PORTS_MAX 8u
#define LACP_FRAME     124u
#define LACP_SHORT_MS  3000 // without a word the partner is taken for gone
#define LACP_WAIT_MS   2000 // before a port joins, so that others can join with it

enum lacp_state {
    LACP_ACTIVITY = 1,
    LACP_TIMEOUT = 2, // short
    LACP_AGGREGATION = 4,
    LACP_SYNC = 8,
    LACP_COLLECTING = 16,
    LACP_DISTRIBUTING = 32,
    LACP_DEFAULTED = 64,
    LACP_EXPIRED = 128,
};

// One side of a link, as frames say it.
struct lacp_info {
    u16 system_priority, key, port_priority, port;
    u8 system[6];
    u8 state; // enum lacp_state
};

struct lacp_port {
    struct lacp_info actor, partner;
    bool link, known; // known: the partner spoke, and not too long ago
    bool selected;
    bool say;                      // the partner does not know how things are here
    s64 until, joined_at, sent_at; // of what it said; when it may join; -1: not selected
};

struct lacp {
    struct lacp_port ports[LACP_PORTS_MAX];
    u32 len;
};

void lacp_begin(struct lacp *lacp, u32 ports, const u8 system[6]);
// Some time has passed, or a link is another one.
void lacp_step(struct lacp *lacp, const bool *links, s64 now_ms);
// A frame that came; false: it is none of this protocol.
bool lacp_take(struct lacp *lacp, u32 port, const u8 *frame, u32 size, s64 now_ms);
// Whether there is something to be said at a port; then `frame` is it.
bool lacp_say(struct lacp *lacp, u32 port, u8 frame[LACP_FRAME], s64 now_ms);

bool lacp_collects(const struct lacp *lacp, u32 port);    // frames may come
bool lacp_distributes(const struct lacp *lacp, u32 port); // and be sent

#endif
