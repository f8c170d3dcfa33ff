// SPDX-License-Identifier: Apache-2.0
// The user-mode network: a network of its own behind a link (proto/vio/frame.h), whose connections become those of this process, by libslirp. It gives addresses by DHCP,
// resolves names as the host does, and listens on ports of the host for the partition. It needs no privileges.
#ifndef VIOS_NET_USER_H
#define VIOS_NET_USER_H

#include "ipc/ring.h"
#include "proto/vio/uplink.h"

struct user_net;

// NULL: no memory, or this is no link.
struct user_net *user_net_new(const struct uplink_port *port, const struct ring_fds *link);
void user_net_free(struct user_net *net);

// Takes a port of the host for a partition. false with `why`.
bool user_net_forward(struct user_net *net, const struct uplink_forward *forward, char *why, size_t why_size);
void user_net_lease(struct user_net *net, const struct uplink_lease *lease);
void user_net_first_address(struct user_net *net, u32 address); // for adapters without a lease

// Serves until `control` is readable or closed. false: the link is broken.
bool user_net_run(struct user_net *net, int control);

#endif
