// SPDX-License-Identifier: Apache-2.0
// A Shared Ethernet Adapter: trunk adapters of a switch, each with VLANs of its own, bridged to an interface of the host. Untagged frames of the real side belong to the default VLAN. With a control channel it
// bridges only while it is the primary one of two (failover.h).
#ifndef VIOS_NET_BRIDGE_H
#define VIOS_NET_BRIDGE_H

#include "ipc/ring.h"
#include "proto/vio/uplink.h"

struct bridge;

// NULL with `why`. fd: of UPLINK_FD_GIVEN.
struct bridge *bridge_new(const struct uplink_real *real, int fd, char *why, size_t why_size);
// Further interfaces, which together with the first one are its real side. Before ports are added. 0, or a negative errno with `why`.
int bridge_add_real(struct bridge *bridge, const struct uplink_real *config, int fd, char *why, size_t why_size);
void bridge_free(struct bridge *bridge); // takes NULL
// 0 or a negative errno; the descriptors stay the caller's.
int bridge_add_port(struct bridge *bridge, const struct uplink_port *port, const struct ring_fds *link);

// Serves until `control` is readable or closed. The state is told by `changed` when it is another one.
void bridge_run(struct bridge *bridge, int control, void (*changed)(const struct uplink_state *state));
struct uplink_state bridge_state(const struct bridge *bridge);

#endif
