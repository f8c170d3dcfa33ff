// SPDX-License-Identifier: Apache-2.0
// How the process of an uplink (openlpar-uplink) is told what it connects, over the socket pair that it is started with (descriptor UPLINK_FD, sequenced packets).
//
// Its starter sends UPLINK_START with the descriptors of a link for frames: memory, bells of side 0 and 1. The process, which is side 1, opens what it
// needs, shuts itself in and answers UPLINK_READY, or UPLINK_FAILED and ends. When the starter is gone, so is the process. Fields are in the host's order.
#ifndef PROTO_VIO_UPLINK_H
#define PROTO_VIO_UPLINK_H

#include "base/types.h"

#define UPLINK_FD           3
#define UPLINK_VERSION      1u
#define UPLINK_FORWARDS_MAX 32u
#define UPLINK_TEXT_MAX     256u

enum uplink_type { UPLINK_START = 1, UPLINK_READY, UPLINK_FAILED };

// A port of the host whose connections go to the partition. Addresses are IPv4, as numbers.
struct uplink_forward {
    u32 host_address, guest_address;
    u16 host_port, guest_port;
    u32 udp; // 0: TCP
};

struct uplink_message {
    u16 type, version; // enum uplink_type
    u32 forwards_len;  // UPLINK_START
    struct uplink_forward forwards[UPLINK_FORWARDS_MAX];
    char text[UPLINK_TEXT_MAX]; // UPLINK_FAILED
};

// The network that user-mode networking shows to the partition.
#define UPLINK_NETWORK 0x0a000200u // 10.0.2.0/24
#define UPLINK_HOST    0x0a000202u // the host: gateway, and what listens on its loopback address
#define UPLINK_DNS     0x0a000203u
#define UPLINK_GUEST   0x0a00020fu // the first address that DHCP gives

// Sends with descriptors (three, or none). 0 or a negative errno.
int uplink_send(int fd, const struct uplink_message *message, const int fds[3]);
// 1, the message being checked and, for UPLINK_START, the descriptors the caller's; 0: the other side is gone; or a negative errno.
int uplink_receive(int fd, struct uplink_message *message, int fds[3]);
// The check alone.
bool uplink_message_valid(const struct uplink_message *message, size_t size);

#endif
