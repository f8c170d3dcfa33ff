// SPDX-License-Identifier: Apache-2.0
// The system's Ethernet switches: their process (openlpar-vswitch), and the links between it and the partitions. The daemon makes a link for each adapter at activation, hands it to both, and keeps it, so that
// a switch that dies can be followed by another one. The daemon's thread only.
#ifndef HYPER_NETWORK_H
#define HYPER_NETWORK_H

#include "hyper/system.h"
#include "ipc/ring.h"
#include "proto/vio/counts.h"

// A switch that an earlier daemon left is adopted, with its ports. Before power_begin().
void network_begin(struct sys *sys);
// ended: the system is stopped, and its switch with it; else it stays for the next daemon.
void network_end(struct sys *sys, bool ended);

// Links for the adapters of a partition that starts, and the messages about them to its process. 0 or a negative errno.
int network_attach(struct sys *sys, struct lp *lp);
void network_detach(struct sys *sys, struct lp *lp); // its process is gone

// The trunk adapter of the system's own network (hyper/outside.c), made if there is none: its link, of which that is side 0, and its address. NULL: there is no room for it.
const struct ring_fds *network_trunk(struct sys *sys, const char *vswitch, u16 vlan, u8 mac[6]);
void network_trunk_gone(struct sys *sys);
bool network_used(const struct sys *sys); // whether a partition has an adapter

// What was counted of an adapter since its partition was activated. false: it is not there now.
struct network_counts {
    struct port_counts port;
    struct adapter_counts adapter;
};
bool network_counts(const struct sys *sys, u32 lpar_id, u32 slot, struct network_counts *counts);

// An adapter that comes (MESSAGE_PLUG with `values` and what the adapter is) and goes while the operating system runs. 0 or a negative errno.
struct veth;
int network_plug(struct sys *sys, struct lp *lp, const struct veth *veth, const struct wire_record *values);
void network_unplug(struct sys *sys, const struct lp *lp, u32 slot);

// The configuration of a partition's adapters, or the mode of a switch, has changed: the switch hears of it.
void network_changed(struct sys *sys);

// What to wait for: the descriptors (-1: none), and for how long at most (ns; -1: for ever).
struct network_wait {
    int link, process, outside;
    bool out; // the link has something to say
    s64 time;
};
struct network_wait network_wait(struct sys *sys);
void network_ready(struct sys *sys, int fd);

#endif
