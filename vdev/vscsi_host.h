// SPDX-License-Identifier: Apache-2.0
// The virtual SCSI server adapter: what a driver in the operating system serves, Linux's ibmvscsis for one. LoPAR "Virtual SCSI", H_COPY_RDMA.
//
// The adapter is the server's side of the link that a Virtual I/O Server has with a client's adapter (proto/vio/vscsi.h): the client's process copies between its memory and the
// link's data area, this one between that and its own. The client has the link as long as the operating system has registered its queue; it is told by the channel between the two.
#ifndef VDEV_VSCSI_HOST_H
#define VDEV_VSCSI_HOST_H

#include "ipc/ring.h"
#include "proto/vio/vscsi.h"

struct io_thread;
struct vdev;
struct vscsi_host;

// What one H_COPY_RDMA may copy, and how many go on at a time: the link's data area.
#define VSCSI_HOST_COPY_MAX  (128 * KIB)
#define VSCSI_HOST_COPIES    32u
#define VSCSI_HOST_DATA_SIZE (VSCSI_HOST_COPIES * VSCSI_HOST_COPY_MAX)

// The client: its channel and the link, which this side hands to it (it becomes the adapter's), and who it is.
struct vscsi_client {
    int channel;
    struct ring_fds link;
    u32 partition, slot;
};

// In this virtual slot. NULL: no memory or descriptors.
struct vscsi_host *vscsi_host_new(struct io_thread *io, u32 slot);
void vscsi_host_free(struct vscsi_host *host); // takes NULL; detached. On the I/O thread, or that has ended
struct vdev *vscsi_host_vdev(struct vscsi_host *host);

// From now on this client is served instead of the one before it. Its descriptors are taken over. Any thread.
void vscsi_host_join(struct vscsi_host *host, const struct vscsi_client *client);

#endif
