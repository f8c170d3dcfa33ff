// SPDX-License-Identifier: Apache-2.0
// How the process of an uplink (openlpar-uplink) is told what it connects, over the socket pair that it is started with (descriptor UPLINK_FD, sequenced packets).
//
// Its starter sends UPLINK_PORT, then what else it is to know, then UPLINK_START. The process opens what it needs, shuts itself in and answers UPLINK_READY, or
// UPLINK_FAILED and ends. Leases and forwards may come later as well: a forward that cannot be had ends the process before
// UPLINK_START, and is told by UPLINK_EVENT after it. When the starter is gone, so is the process. Fields are in the host's order.
#ifndef PROTO_VIO_UPLINK_H
#define PROTO_VIO_UPLINK_H

#include "base/types.h"

#define UPLINK_FD           3
#define UPLINK_VERSION      6u
#define UPLINK_FORWARDS_MAX 32u
#define UPLINK_TEXT_MAX     256u
#define UPLINK_FOLDER_MAX   1024u
#define UPLINK_FILE_MAX     128u // DHCP's field
#define UPLINK_PORTS_MAX    16u
#define UPLINK_REALS_MAX    8u
#define UPLINK_VLANS_MAX    20u

enum uplink_type {
    // To the process.
    UPLINK_PORT = 1, // port, with the descriptors of its link: memory, bells of side 0 and 1
    UPLINK_LEASE,    // lease
    UPLINK_FORWARD,  // forward
    UPLINK_REAL, // real; with UPLINK_FD_GIVEN its descriptor; more of them: an aggregation. Without it the real side is the user-mode network
    UPLINK_START, // start
    UPLINK_QUERY, // what is the state?
    // From it.
    UPLINK_READY = 64,
    UPLINK_FAILED, // text
    UPLINK_EVENT,  // text
    UPLINK_STATE,  // state: asked for, or another one (of the real sides that are interfaces)
};

enum uplink_use {
    UPLINK_TRUNK,   // what is bridged
    UPLINK_CONTROL, // two adapters agree there who bridges
};

// A virtual side. With an interface of the host as the real side there can be several, each with VLANs of its own.
struct uplink_port {
    u32 side; // of the link: 1 behind a partition's adapter, 0 as a trunk adapter of a switch
    u8 mac[6];
    u16 pvid;                    // VLAN of its untagged frames; the user-mode network has those alone
    u16 vlans[UPLINK_VLANS_MAX]; // tagged
    u32 vlans_len;
    u32 use;           // enum uplink_use
    u32 starts_closed; // 1: a trunk that waits until it is to bridge
    // Of a control channel.
    u32 priority; // 1 is the best
    u32 standby;  // 1: bridge only when nobody else does
    u32 sharing;  // 1: bridge half of the trunk adapters when the other one bridges the other half
    // Of the user-mode network.
    char tftp[UPLINK_FOLDER_MAX];   // the host's folder whose files are given by TFTP; "": none
    char bootfile[UPLINK_FILE_MAX]; // the one that DHCP names; "": none
};

// The real side: what a Shared Ethernet Adapter bridges to.
enum uplink_kind {
    UPLINK_TAP = 1,  // a tap, which may be the user's: no privileges
    UPLINK_MACVTAP,  // a macvtap
    UPLINK_PACKET,   // an interface of the host, by a packet socket
    UPLINK_FD_GIVEN, // a descriptor of one of these, or of packets in the same form
};

// Several interfaces as one. Of the first one counts what is the same for all: default_id, vlan, mode and hash_ports.
enum uplink_mode {
    UPLINK_ALONE,
    UPLINK_STANDARD, // all that have a link
    UPLINK_8023AD,   // all that lead to the same switch, by its word
    UPLINK_BACKUP,   // one
    UPLINK_MODES,
};

struct uplink_real {
    u32 kind;       // enum uplink_kind
    u16 default_id; // the VLAN of its untagged frames
    u16 vlan;       // not 0: it is this VLAN of the interface, whose tag is all that its frames have there
    char name[16];  // of the interface
    u32 mode;       // enum uplink_mode
    u32 hash_ports; // 1: which one a frame takes follows from its ports, too
    u32 backup;     // 1: used when no other one can be; behind those
};

// An address that DHCP keeps for an adapter. Addresses are IPv4, as numbers.
struct uplink_lease {
    u32 address;
    u8 mac[6];
    u16 reserved;
};

// A port of the host whose connections go to a partition.
struct uplink_forward {
    u32 host_address, guest_address;
    u16 host_port, guest_port;
    u32 udp; // 0: TCP
};

// What there is of a Shared Ethernet Adapter, since its start.
struct uplink_state {
    u32 failover; // enum failover_state (vios/net/failover.h): 0 LISTENING, 1 PRIMARY, 2 BACKUP, 3 STANDBY, 4 LIMBO, 5 and 6 PRIMARY and BACKUP that share
    u32 link;     // of the real side
    u32 bridging; // 1: the first, third, ... trunk adapter; 2: the others
    u32 reals_link; // bits: real sides that have a link, and those that are used
    u32 reals_used;
    u32 reserved;
    u64 real_received, real_received_bytes, real_sent, real_sent_bytes, send_failures;
    u64 virtual_received, virtual_sent;
    u64 dropped_vlan; // from outside, of a VLAN that no trunk adapter has
    u64 dropped_full; // from outside, and the switch took no more
};

struct uplink_start {
    u32 first_address; // that DHCP gives to adapters without a lease
};

struct uplink_message {
    u16 type, version; // enum uplink_type
    u32 reserved;
    union {
        struct uplink_port port;
        struct uplink_real real;
        struct uplink_lease lease;
        struct uplink_forward forward;
        struct uplink_start start;
        struct uplink_state state;
        char text[UPLINK_TEXT_MAX];
    };
};

// The network that user-mode networking shows to partitions.
#define UPLINK_NETWORK 0x0a000200u // 10.0.2.0/24
#define UPLINK_HOST    0x0a000202u // the host: gateway, and what listens on its loopback address
#define UPLINK_DNS     0x0a000203u
#define UPLINK_GUEST   0x0a00020fu // the first address that DHCP gives
#define UPLINK_LAST    0x0a0002feu

// Sends with the descriptors that the message has: three of a port's link, one of a real side that is given. 0 or a negative errno.
int uplink_send(int fd, const struct uplink_message *message, const int fds[3]);
// 1, the message being checked and its descriptors the caller's; 0: the other side is gone; or a negative errno.
int uplink_receive(int fd, struct uplink_message *message, int fds[3]);
// The check alone.
bool uplink_message_valid(const struct uplink_message *message, size_t size);

#endif
