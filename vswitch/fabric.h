// SPDX-License-Identifier: Apache-2.0
// The hypervisor's Ethernet switches: which ports a frame goes to, and how it is tagged there. No clock, no thread, no I/O: the caller says what time it is, and moves bytes.
//
// A port belongs to one switch. Its untagged frames are in its port VLAN; a port with 802.1Q also has frames of further VLANs, tagged. A trunk port is the way to whoever is not on the switch:
// in each VLAN the open trunk with the best (lowest) priority is active, gets what is for nobody else, and may send for others; the further ones are silent. Two
// ports never have the same address: a frame for a port's address goes to that port alone.
//
// In VEPA mode a switch forwards nothing between its own ports: all goes to the active trunk, and what comes back from there goes to everybody but its sender.
//
// Security: a port that is no trunk sends with its own address only, and that is the one it was given, or one that its list permits.
#ifndef VSWITCH_FABRIC_H
#define VSWITCH_FABRIC_H

#include "proto/vio/counts.h"
#include "proto/vio/frame.h"

#define FABRIC_PORTS_MAX SWITCH_PORTS_MAX
#define FABRIC_VLANS_MAX 20u // further ones of a port
#define FABRIC_MACS_MAX  4u
#define FABRIC_HEAD_MAX  18u // as many of a frame's bytes as decide
#define QOS_NONE         0xffu

struct port_config {
    u32 vswitch;
    u16 pvid; // 1..4094
    u16 vlans[FABRIC_VLANS_MAX];
    u32 vlans_len;
    bool ieee;         // 802.1Q
    u8 trunk_priority; // 1..15; 0: no trunk
    u8 qos;            // 0..7, of tags that are put in; QOS_NONE: 0
    u8 mac[6];
    bool any_mac; // else the given one and these
    u8 macs[FABRIC_MACS_MAX][6];
    u32 macs_len;
    bool vepa;       // what it sends goes outside only, and comes back from there
    u64 rate, burst; // bytes a second that it may send, and at once; 0: no limit
};

enum tagging { TAG_AS_IS, TAG_REMOVE, TAG_INSERT };

struct hop {
    u16 port;
    u16 tci; // TAG_INSERT
    u8 tagging;
};

struct fabric;

// ports: where it counts, FABRIC_PORTS_MAX of them, all zero, the caller's. NULL: no memory.
struct fabric *fabric_new(struct switch_port *ports);
void fabric_free(struct fabric *fabric);

// Its number, or -EINVAL (a VLAN that is none, twice the same), -EEXIST (another port of the switch has that address), -ENOSPC.
int fabric_add_port(struct fabric *fabric, const struct port_config *config);
void fabric_remove_port(struct fabric *fabric, u32 port);
// What the partition's side says (FRAME_PORT): flags, its address, its filter. An address that it may not have closes the port: false.
bool fabric_set_state(struct fabric *fabric, u32 port, u16 flags, const u8 *macs, u32 macs_len);
u16 fabric_flags(const struct fabric *fabric, u32 port); // enum port_flag

// Where a frame of `size` bytes goes that came from `port`; head: its first FABRIC_HEAD_MAX bytes (or all). hops has room for FABRIC_PORTS_MAX. The value is how many; 0: none, and counted as dropped.
u32 fabric_route(struct fabric *fabric, u32 port, const u8 *head, u32 size, s64 now_ns, struct hop *hops);

// Those for whom an open trunk is the way outside now, with how a frame of theirs is tagged there: so that it can tell the outside where they are. Room for FABRIC_PORTS_MAX.
struct member {
    u8 mac[6];
    struct hop hop;
};
u32 fabric_members(struct fabric *fabric, u32 trunk, struct member *members);

// The caller's: what became of it.
void fabric_delivered(struct fabric *fabric, u32 port, u32 size);
void fabric_dropped(struct fabric *fabric, u32 port, enum port_drop cause);

#endif
