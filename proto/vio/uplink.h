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
#define UPLINK_VERSION      3u
#define UPLINK_FORWARDS_MAX 32u
#define UPLINK_TEXT_MAX     256u
#define UPLINK_FOLDER_MAX   1024u
#define UPLINK_FILE_MAX     128u // DHCP's field

enum uplink_type {
    // To the process.
    UPLINK_PORT = 1, // port, with the descriptors of its link: memory, bells of side 0 and 1
    UPLINK_LEASE,    // lease
    UPLINK_FORWARD,  // forward
    UPLINK_START,    // start
    // From it.
    UPLINK_READY = 64,
    UPLINK_FAILED, // text
    UPLINK_EVENT,  // text
};

// The virtual side.
struct uplink_port {
    u32 side; // of the link: 1 behind a partition's adapter, 0 as a trunk adapter of a switch
    u8 mac[6];
    u16 reserved;
    char tftp[UPLINK_FOLDER_MAX];   // the host's folder whose files are given by TFTP; "": none
    char bootfile[UPLINK_FILE_MAX]; // the one that DHCP names; "": none
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

struct uplink_start {
    u32 first_address; // that DHCP gives to adapters without a lease
};

struct uplink_message {
    u16 type, version; // enum uplink_type
    u32 reserved;
    union {
        struct uplink_port port;
        struct uplink_lease lease;
        struct uplink_forward forward;
        struct uplink_start start;
        char text[UPLINK_TEXT_MAX];
    };
};

// The network that user-mode networking shows to partitions.
#define UPLINK_NETWORK 0x0a000200u // 10.0.2.0/24
#define UPLINK_HOST    0x0a000202u // the host: gateway, and what listens on its loopback address
#define UPLINK_DNS     0x0a000203u
#define UPLINK_GUEST   0x0a00020fu // the first address that DHCP gives
#define UPLINK_LAST    0x0a0002feu

// Sends with descriptors (three, or none). 0 or a negative errno.
int uplink_send(int fd, const struct uplink_message *message, const int fds[3]);
// 1, the message being checked and, for UPLINK_PORT, the descriptors the caller's; 0: the other side is gone; or a negative errno.
int uplink_receive(int fd, struct uplink_message *message, int fds[3]);
// The check alone.
bool uplink_message_valid(const struct uplink_message *message, size_t size);

#endif
