// SPDX-License-Identifier: Apache-2.0
// The virtual Ethernet adapter, which Linux's ibmveth drives. LoPAR "Interpartition Logical LAN".
//
// Frames go over a link (proto/vio/frame.h) to whoever is on its other side: a switch or an uplink. H_SEND_LOGICAL_LAN gathers a frame into the link's ring, and
// a thread of the adapter copies frames from the ring into buffers of the OS; both through the adapter's window only.
#ifndef VDEV_LLAN_H
#define VDEV_LLAN_H

#include "ipc/ring.h"
#include "papr/partition.h"
#include "proto/vio/counts.h"

struct llan_config {
    u32 slot;
    u8 mac[6];
    u8 trunk_priority; // 1..15 of a trunk adapter; 0: it is none
    bool hot;          // it comes while the OS runs (vio_plug())
};

struct llan;

// Attaches an adapter to the virtual I/O bus, with its link's side 0; the descriptors stay the caller's. No hardware thread runs, but for `hot`. NULL with errno set.
struct llan *llan_new(struct partition *lp, const struct llan_config *config, const struct ring_fds *link);
// Detaches it. No hardware thread runs, or the OS does not have it and `hot` says so. Takes NULL.
void llan_free(struct llan *llan, bool hot);

// Any thread.
struct adapter_counts llan_counts(struct llan *llan);

#endif
