// SPDX-License-Identifier: Apache-2.0
// The user-mode network: a network of its own behind a link (proto/vio/frame.h), whose connections become those of this process, by libslirp. It gives addresses by DHCP,
// resolves names as the host does, and listens on ports of the host for the partition. It needs no privileges.
#ifndef VIOS_NET_USER_H
#define VIOS_NET_USER_H

#include "ipc/ring.h"
#include "proto/vio/uplink.h"

struct user_net;

// With the link's side 1; the ports of `start` are open then. NULL with *why set to a text in static storage.
struct user_net *user_net_new(const struct uplink_message *start, const struct ring_fds *link, const char **why);
void user_net_free(struct user_net *net);

// Serves until `control` is readable or closed.
void user_net_run(struct user_net *net, int control);

#endif
