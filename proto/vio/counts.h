// SPDX-License-Identifier: Apache-2.0
// What is counted of virtual Ethernet. The switch counts for each of its ports in memory that it shares with the hypervisor alone (an array of struct switch_port); the process behind an adapter counts
// in the data area of the adapter's link, where whoever has the link can read it (ring_read_data()). Numbers are for people: nothing is decided by them.
#ifndef PROTO_VIO_COUNTS_H
#define PROTO_VIO_COUNTS_H

#include "base/types.h"

#define SWITCH_PORTS_MAX 256u

// DROP(NAME, what it is called, why frames of the port were dropped)
#define PORT_DROPS(DROP)                                                   \
    DROP(VLAN, "drops_vlan", "not one of the port's VLANs")                \
    DROP(ADDRESS, "drops_address", "sent with an address not the port's")  \
    DROP(RATE, "drops_rate", "over the port's rate")                       \
    DROP(TRUNK, "drops_trunk", "of a trunk that is not active")            \
    DROP(NOBODY, "drops_nobody", "for nobody")                             \
    DROP(FULL, "drops_full", "for the port, whose receiver takes no more") \
    DROP(MALFORMED, "drops_malformed", "no frames, or not what they say")

enum port_drop {
#define DROP(name, text, why) DROP_##name,
    PORT_DROPS(DROP)
#undef DROP
        DROP_CAUSES,
};

struct port_counts {
    u64 sent, sent_bytes;         // by the port's partition
    u64 received, received_bytes; // to it
    u64 multicast_sent, broadcast_sent;
    u64 drops[DROP_CAUSES];
};

struct switch_port {
    u64 number; // the hypervisor's name for the port, + 1; 0: no port
    struct port_counts counts;
};

struct adapter_counts {
    u64 sent, sent_bytes;
    u64 send_drops; // the link was full
    u64 received, received_bytes;
    u64 no_buffer; // frames too large for any buffer that the OS gives
    u64 filtered;  // frames for somebody else, or that this adapter may not get as they are
    u64 interrupts;
    u64 buffers, buffers_max; // that the OS gave now, and at most
};

#endif
