// SPDX-License-Identifier: Apache-2.0
// Disks that another process reaches (proto/vio/remote.h): LUNs of iSCSI targets.
#ifndef VIOS_STORE_REMOTE_H
#define VIOS_STORE_REMOTE_H

#include "proto/vio/config.h"
#include "vios/store/store.h"

#define REMOTE_FDS 4u // of such a disk: the link's, then the socket to the process

// Whether the path is the address of a disk elsewhere.
bool remote_is(const char *path);

// Starts the process for m->path and fills in what it says of the disk. *fds_len is 0 before. false: *why says why.
bool remote_open(struct vios_disk *m, int fds[VIOS_FDS_MAX], unsigned *fds_len, char *why, size_t why_size);

// The same without reaching it for long: what the disk is.
bool remote_look(struct vios_disk *m, char *why, size_t why_size);

// It takes the descriptors over, `state` too (-1: none). The loop stops when the process ends: whoever started the server starts another one, with another process. NULL: no
// memory, and the descriptors are still the caller's.
struct store *remote_store_new(struct loop *loop, const struct vios_disk *m, const int fds[REMOTE_FDS], int state);

#endif
