// SPDX-License-Identifier: Apache-2.0
// Virtual SCSI adapters of a managed partition: a client's, and who serves them; a server's, and whom they serve (vdev/vscsi_host.h).
//
// A client's adapter has a channel to its Virtual I/O Server's process, which sends a link over it for each life of its data path (VIOS_ADAPTER), and says when one is
// over (VIOS_REMOVE_ADAPTER). So a data path that dies is replaced without the hypervisor. The end of the channel is the end of the server; the hypervisor brings
// another channel when there is another one. The operating system waits all the time.
#ifndef LPAR_SERVERS_H
#define LPAR_SERVERS_H

#include "lpar/life.h"
#include "vdev/vscsi_host.h"

struct servers;

// NULL: no memory or no thread. After the process has been shut in: it makes a thread.
struct servers *servers_new(void);
// One adapter more, a client's or a server's. NULL: no memory, or there are too many.
struct vdev *servers_add(struct servers *servers, u32 slot, bool server);
// The adapter's channel from now on, and of a server's adapter the link (memory -1: there is none) and its client; the descriptors are taken over. false: there is no such adapter.
bool servers_join(struct servers *servers, u32 slot, const struct vscsi_client *client);
// The adapter in a slot, or NULL.
struct vdev *servers_find(struct servers *servers, u32 slot);
// It is detached, and goes away with its channel.
void servers_remove(struct servers *servers, u32 slot);
// With all adapters, which are detached. Takes NULL.
void servers_free(struct servers *servers);

#endif
