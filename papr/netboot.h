// SPDX-License-Identifier: Apache-2.0
// A file from the network, before there is an OS: an address by DHCP or BOOTP, the file by TFTP. Frames go through netboot_ops; what the network sends is not
// trusted. RFC 826 (ARP), 951 and 2131 (BOOTP, DHCP), 1350, 2347 to 2349 (TFTP and its options).
#ifndef PAPR_NETBOOT_H
#define PAPR_NETBOOT_H

#include "base/types.h"

#define NETBOOT_FRAME_MAX 1514u
#define NETBOOT_REPLY_MAX 1472u
#define NETBOOT_FILE_MAX  256u

struct netboot_ops {
    // A frame of at most NETBOOT_FRAME_MAX bytes. What cannot be sent is lost.
    void (*send)(void *arg, const u8 *frame, u32 size);
    // The next frame: its size, or 0 when none came until then, or `over`.
    u32 (*receive)(void *arg, u8 frame[NETBOOT_FRAME_MAX], s64 until);
    s64 (*now)(void *arg);   // nanoseconds
    bool (*over)(void *arg); // nobody waits for the file any more
};

// What a boot device's arguments say. IEEE 1275 "Network Boot": [bootp|dhcp,]server,file,client,gateway,bootp-retries,tftp-retries,mask,block-size
struct netboot_args {
    u32 server, client, gateway, mask; // IPv4; 0: DHCP says it
    char file[NETBOOT_FILE_MAX];
    u32 block_size;
    u32 tries, tftp_tries;
};

struct netboot {
    const struct netboot_ops *ops;
    void *arg;
    u8 mac[6];
    u32 id; // differs from start to start
    struct netboot_args args;

    // After netboot_configure().
    u32 address, mask, router, server; // IPv4 addresses as numbers
    char file[NETBOOT_FILE_MAX];
    u8 reply[NETBOOT_REPLY_MAX]; // the answer that configured it, from the BOOTP header on
    u32 reply_size;              // 0: there was none

    // Its own.
    u32 hop; // whose hardware address is in hop_mac; 0: nobody's
    u8 hop_mac[6];
    u16 packets;
    u8 frame[NETBOOT_FRAME_MAX];
};

// Takes a piece of the file, in order; false: no more of it.
typedef bool netboot_sink(void *arg, const u8 *data, u32 size);

// The arguments of a path ("speed=auto,duplex=auto,bootp,10.0.0.1,,10.0.0.7,0.0.0.0"), without what is before the colon. What makes no sense counts as not there.
void netboot_parse_args(const char *text, struct netboot_args *args);

// Both: 0, or a negative errno with `why`: a sentence's part ("no DHCP server answers"). The caller set ops, arg, mac, id and args.
int netboot_configure(struct netboot *net, char *why, size_t why_size);
int netboot_fetch(struct netboot *net, netboot_sink *sink, void *sink_arg, char *why, size_t why_size);

// "10.0.2.2"
#define NETBOOT_ADDRESS_MAX 16u
const char *netboot_address(u32 address, char text[NETBOOT_ADDRESS_MAX]);

#endif
