// SPDX-License-Identifier: Apache-2.0
// The real side of a Shared Ethernet Adapter as one or several interfaces of the host (link aggregation): each frame that goes outside takes one of those that are used now, always the same for what belongs
// together. What comes is taken from those alone, so that nothing is there twice.
#ifndef VIOS_NET_AGGREGATE_H
#define VIOS_NET_AGGREGATE_H

#include "vios/net/lacp.h"
#include "vios/net/real.h"

struct aggregate_member {
    struct uplink_real config;
    struct real real;
    bool link, used;
};

struct aggregate {
    struct aggregate_member members[UPLINK_REALS_MAX];
    u32 len;
    int query; // for states of interfaces
    u32 turn;  // whose frames come next
    struct lacp lacp;
    bool speaks; // the protocol has begun
};

int aggregate_open(struct aggregate *a); // 0 or a negative errno
void aggregate_close(struct aggregate *a);
// As real_open(). The first one says the mode.
int aggregate_add(struct aggregate *a, const struct uplink_real *config, int fd, char *why, size_t why_size);

// Looks at links, and speaks the protocol where it is wanted; mac: what this side is called there. Whether others are used than before; aggregate_up(): whether any is.
bool aggregate_look(struct aggregate *a, const u8 mac[6], s64 now_ms);
bool aggregate_up(const struct aggregate *a);

// As real_receive() and real_send().
int aggregate_receive(struct aggregate *a, struct frame *frame, u8 *bytes, s64 now_ms);
bool aggregate_send(struct aggregate *a, const struct frame *frame, u8 *bytes, int tci);
u64 aggregate_failures(const struct aggregate *a);

// What belongs together has the same value: addresses and, if wanted, ports.
u32 aggregate_hash(const u8 *bytes, u32 size, bool ports);

#endif
