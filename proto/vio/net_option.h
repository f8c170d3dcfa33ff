// SPDX-License-Identifier: Apache-2.0
// A network as users write it: user[,hostfwd=tcp|udp:[ADDRESS:]PORT-[ADDRESS]:PORT]...
//
// Of a managed system also tap,name=INTERFACE, macvtap,name=INTERFACE and packet,name=INTERFACE: a bridge to an interface of the host.
//
// Of `openlpar boot --net` also mac=ADDRESS, tftp=FOLDER and bootfile=NAME; of a managed system also vswitch=NAME and vlan=N, and the second address of a forward may be a partition's name.
//
// Of a Virtual I/O Server it is one of the adapters that its profile gives it, in a list that has commas between its items: tap/name=tap0, user/hostfwd=tcp:2222-10.0.2.15:22.
#ifndef PROTO_VIO_NET_OPTION_H
#define PROTO_VIO_NET_OPTION_H

#include "proto/vio/uplink.h"

struct net_options {
    u32 kind;           // of a system or a server: enum uplink_kind; 0: the user-mode network
    char interface[16]; // of the host, with another kind
    u8 mac[6];          // all 0: whoever makes the adapter chooses one
    u16 vlan;
    char vswitch[32];
    char tftp[UPLINK_FOLDER_MAX]; // absolute; "": none
    char bootfile[UPLINK_FILE_MAX];
    u32 forwards_len;
    struct uplink_forward forwards[UPLINK_FORWARDS_MAX];
    char names[UPLINK_FORWARDS_MAX][32]; // of the partition that a forward leads to; "": the forward has its address
};

enum net_kind { NET_OF_PARTITION, NET_OF_SYSTEM, NET_OF_SERVER };

// false, with a text that names the fix.
bool net_option_parse(const char *value, enum net_kind kind, struct net_options *net, char *why, size_t why_size);

#endif
