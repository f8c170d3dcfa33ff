// SPDX-License-Identifier: Apache-2.0
// Addresses of the user-mode network (RFC 2131): kept ones for adapters that are known, others in the order in which adapters ask. No clock: an address belongs to its adapter as long as the uplink is there.
#ifndef VIOS_NET_DHCP_H
#define VIOS_NET_DHCP_H

#include "proto/vio/uplink.h"

#define DHCP_LEASES    256u
#define DHCP_REPLY_MAX 342u // a frame with the least message that a client takes

struct dhcp {
    u32 first;                  // address for adapters that are not known
    char file[UPLINK_FILE_MAX]; // to boot from; "": none
    u32 len;
    struct dhcp_lease {
        u32 address;
        u8 mac[6];
        bool kept;
    } leases[DHCP_LEASES];
};

void dhcp_begin(struct dhcp *dhcp, u32 first);

// Keeps an address for an adapter. Whoever had it gets another one the next time.
void dhcp_keep(struct dhcp *dhcp, const struct uplink_lease *lease);

// true: the frame is a client's message; *reply_size is the answer's size, 0 when there is none. The frame may change meanwhile.
bool dhcp_take(struct dhcp *dhcp, const u8 *frame, u32 size, u8 reply[DHCP_REPLY_MAX], u32 *reply_size);

#endif
