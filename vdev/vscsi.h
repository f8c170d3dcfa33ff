// SPDX-License-Identifier: Apache-2.0
// The virtual SCSI client adapter: what the OS's driver sees of a server that is another process. LoPAR "Virtual SCSI".
//
// The adapter outlives reboots of its partition, and its server's life. While there is no server the OS waits: a server that comes back is announced as a
// partner that moved, which the OS resumes with H_ENABLE_CRQ, repeating what was not answered.
#ifndef VDEV_VSCSI_H
#define VDEV_VSCSI_H

#include "base/types.h"

struct io_thread;
struct ring_fds;
struct vdev;
struct vscsi;

// In this virtual slot (papr/vdev_ops.h). broken: the server broke the link's rules, and is not listened to any more; on the I/O thread. NULL: no memory.
struct vscsi *vscsi_new(struct io_thread *io, u32 slot, void (*broken)(void *arg), void *arg);
void vscsi_free(struct vscsi *vscsi); // takes NULL; detached and disconnected
struct vdev *vscsi_vdev(struct vscsi *vscsi);

// The server listens on this link, whose descriptors stay the caller's until vscsi_disconnect(). 0 or a negative errno.
int vscsi_connect(struct vscsi *vscsi, const struct ring_fds *fds);
// It does not any more. returns: another one will be there. Does nothing where none is connected.
void vscsi_disconnect(struct vscsi *vscsi, bool returns);

#endif
