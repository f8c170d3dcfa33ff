// SPDX-License-Identifier: Apache-2.0
// The Virtual I/O Server that `openlpar boot` brings along: a process of its own (openlpar-viosd) that owns the disks, and the partition's adapters to it.
//
// When the server ends, whatever the reason, another one takes its place; the partition waits for it.
#ifndef LPAR_EMBEDDED_H
#define LPAR_EMBEDDED_H

#include "base/types.h"

struct embedded;
struct vdev;

#define EMBEDDED_DISKS_MAX 32u

struct embedded_disk {
    const char *path; // borrowed
    bool read_only, optical;
};

// Starts the server and waits until it has opened everything. NULL: `why` says what is wrong, and what to do.
struct embedded *embedded_start(u32 partition, const struct embedded_disk *disks, unsigned disks_len, char *why,
                                size_t why_size);
// The partition's adapter, to be attached; detached before embedded_stop().
struct vdev *embedded_adapter(struct embedded *e);
void embedded_stop(struct embedded *e); // takes NULL

#endif
