// SPDX-License-Identifier: Apache-2.0
// Opening what holds a disk's data, on behalf of a server that has shut itself in and cannot.
#ifndef VIOS_STORE_OPEN_H
#define VIOS_STORE_OPEN_H

#include "proto/vio/config.h"

// Opens m->path, a file, a block device, or what another process reaches (vios/store/remote.h), as m->flags say (VIOS_DISK_READ_ONLY, VIOS_DISK_OPTICAL), waits m->wait_ms for another process that still has it, and fills in
// what VIOS_DISK and VIOS_LOAD say beside that. state: the name of a file, made where there is none, for what outlives the server where the data's file has no
// place for it; or NULL. The descriptors, in the message's order, are the caller's, who closes them once they are sent: the lock on the file goes with the server's own.
// false: *why says why, and what to do.
bool store_open(struct vios_disk *m, const char *state, int fds[VIOS_FDS_MAX], unsigned *fds_len, char *why,
                size_t why_size);

// The same of pieces (m->pieces, m->pieces_len, m->size, m->identity, m->name) of the files at `paths`. Each piece is locked by itself, so that others may use other pieces of a file. grows: a server of ours has what it was before, and the locks on that.
bool store_open_pieces(struct vios_disk *m, const char *const *paths, const char *state, bool grows,
                       int fds[VIOS_FDS_MAX], unsigned *fds_len, char *why, size_t why_size);

#endif
