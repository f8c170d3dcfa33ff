// SPDX-License-Identifier: Apache-2.0
// Virtual Ethernet adapters as profiles have them: slot/ieee/pvid/vlans/trunk priority/required[/vswitch[/mac[/allowed macs[/qos]]]], several with commas between them.
#ifndef HYPER_VETH_H
#define HYPER_VETH_H

#include "hyper/record.h"

#define VETH_MAX       16u // of a partition
#define VETH_VLANS_MAX 20u
#define VETH_SLOT_MAX  63u
#define VETH_QOS_NONE  0xffu

struct veth {
    u32 slot;
    u16 pvid, vlans[VETH_VLANS_MAX];
    u32 vlans_len;
    bool ieee, required;
    u8 trunk; // its priority; 0: it is no trunk
    u8 qos;
    char vswitch[32];
    char mac[13];  // hexadecimal digits; "": the hypervisor chooses one
    char macs[64]; // that its operating system may choose: all, none, or up to four with commas
};

// How many there are, or -1 with what is wrong. Items, and the whole, may be between quotation marks, as records write items that have commas.
int veth_parse(const char *text, struct veth adapters[VETH_MAX], char *why, size_t why_size);

// The length of the first one, up to the comma after it. What is no adapter is one as long as the text.
size_t veth_item(const char *text);

// The VLANs with commas between them.
void veth_vlans(const struct veth *veth, char *text, size_t size);

// The adapter's address: its own, or one of this system, partition and slot.
void veth_mac(const struct veth *veth, const char *serial, u32 lpar_id, char mac[13]);

#endif
