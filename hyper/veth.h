// SPDX-License-Identifier: Apache-2.0
// Virtual Ethernet adapters as profiles have them: slot/ieee/pvid/vlans/trunk priority/required[/vswitch[/mac[/allowed macs[/qos[/rate]]]]], several with commas between them.
#ifndef HYPER_VETH_H
#define HYPER_VETH_H

#include "hyper/system.h"

#define VETH_MAX       16u // of a partition
#define VETH_VLANS_MAX 20u
#define VETH_SLOT_MAX  63u
#define VETH_QOS_NONE  0xffu
#define VETH_RATE_MAX  1000000u

struct veth {
    u32 slot;
    u16 pvid, vlans[VETH_VLANS_MAX];
    u32 vlans_len;
    bool ieee, required;
    u8 trunk; // its priority; 0: it is no trunk
    u8 qos;
    u32 rate; // Mbit/s that it may send; 0: no limit
    char vswitch[32];
    char mac[13];  // hexadecimal digits; "": the hypervisor chooses one
    char macs[64]; // that its operating system may choose: all, none, or up to four with commas
};

// How many there are, or -1 with what is wrong. Items, and the whole, may be between quotation marks, as records write items that have commas.
int veth_parse(const char *text, struct veth adapters[VETH_MAX], char *why, size_t why_size);

// The length of the first one, up to the comma after it. What is no adapter is one as long as the text.
size_t veth_item(const char *text);

// How they are written; like snprintf().
int veth_format(const struct veth *adapters, u32 len, char *text, size_t size);

// chhwres: an adapter added to, removed from or changed in the configuration of a partition. What is changed of one that is on the switch holds at once. 0, -1 with the answer,
// or 1: an operating system is asked, and the answer comes later (hyper/slots.h).
int veth_create(struct sys *sys, const struct wire_message *m, struct answer *answer);
int veth_remove(struct sys *sys, const struct wire_message *m, struct answer *answer);
int veth_change(struct sys *sys, const struct wire_message *m, struct answer *answer);

// Takes the adapter in a slot out of the configuration. 0, or -1 with the answer.
int veth_forget(struct sys *sys, struct lp *lp, u64 slot, struct answer *answer);

// The VLANs with commas between them.
void veth_vlans(const struct veth *veth, char *text, size_t size);

// The adapter's address: its own, or one of this system, partition and slot.
void veth_mac(const struct veth *veth, const char *serial, u32 lpar_id, char mac[13]);

// Bytes from hexadecimal digits. false: they are none.
bool veth_mac_bytes(const char mac[13], u8 bytes[6]);

#endif
