// SPDX-License-Identifier: Apache-2.0
// Firmware's driver for virtual SCSI adapters: it uses queue, translation entries and information units as the OS's driver does, one adapter and one
// request at a time, and leaves the adapter as it was.
#ifndef PAPR_OF_VSCSI_H
#define PAPR_OF_VSCSI_H

#include "papr/partition.h"

struct vdev;

// What it has open. Part of the firmware's disks (papr/of_disk.c).
struct of_vscsi {
    struct vdev *vdev; // NULL: nothing
    u32 next;          // element of the queue that comes next
    u32 most;          // bytes that one request may move
    u64 tag;           // of the last request
};

// Adds the disks and CDs of all adapters (of_disk_add).
void of_vscsi_find(struct partition *lp);

// Frees the queue and takes the translation entries back.
void of_vscsi_close(struct partition *lp);

#endif
