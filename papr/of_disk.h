// SPDX-License-Identifier: Apache-2.0
// Disks as firmware sees them, before the OS has drivers: for the search for a boot program, and for the boot program through the client
// interface. Who reaches them is behind of_disk_ops. Data go straight between a disk and guest memory.
//
// Threads: the client interface's lock is held, or no thread runs.
#ifndef PAPR_OF_DISK_H
#define PAPR_OF_DISK_H

#include "papr/partition.h"

struct of_disk;

struct of_disk_ops {
    // Blocks [block, block+count), which are on the disk, between it and guest real address `gra`, in the real mode area. 0 or a negative errno.
    int (*transfer)(struct partition *lp, const struct of_disk *disk, bool write, u64 block, u32 count, u64 gra);
    // Ends what firmware has open at the adapter: the OS takes over. May be NULL.
    void (*quiesce)(struct partition *lp, const struct of_disk *disk);
};

struct of_disk {
    u32 slot;       // virtual slot of its adapter
    u64 lun;        // SCSI's eight bytes: the unit of its path
    bool cdrom;     // a CD or DVD
    u32 block_size; // bytes, a power of two of 512 to 4096
    u32 most;       // blocks that one transfer may have
    u64 blocks;
    const struct of_disk_ops *ops;
    void *arg;
};

int of_disk_init(struct partition *lp);
void of_disk_fini(struct partition *lp);

// Guest real memory that firmware works in, of OF_DISK_AREA bytes, 4 KiB aligned, in the real mode area and claimed. Before that there are no disks.
#define OF_DISK_AREA 0x48000u
void of_disk_set_area(struct partition *lp, u64 gra);
// Its part for an adapter's queue and information units: OF_DISK_QUEUE_SIZE bytes.
#define OF_DISK_QUEUE_SIZE 0x4000u
u64 of_disk_queue(const struct partition *lp);
// State of its driver (papr/of_vscsi.h).
struct of_vscsi *of_disk_driver(const struct partition *lp);

// 0, or -ENOSPC, -EINVAL (what it says of itself cannot be).
int of_disk_add(struct partition *lp, const struct of_disk *disk);

// How many there are (who asks first waits until adapters were asked), in the order of slots and units; which one; the one with a unit address at an adapter, or NULL.
u32 of_disk_count(struct partition *lp);
const struct of_disk *of_disk_get(struct partition *lp, u32 index);
const struct of_disk *of_disk_find(struct partition *lp, u32 slot, u64 lun);

// "/vdevice/v-scsi@30000002/disk@8100000000000000"
#define OF_DISK_PATH_MAX 96u
void of_disk_path(const struct partition *lp, const struct of_disk *disk, char path[OF_DISK_PATH_MAX]);

u64 of_disk_size(const struct of_disk *disk);

// Any bytes that are on the disk: into host memory; between it and guest memory. 0 or a negative errno.
int of_disk_read(struct partition *lp, const struct of_disk *disk, u64 offset, void *to, u64 size);
int of_disk_copy(struct partition *lp, const struct of_disk *disk, bool write, u64 offset, u64 gra, u64 size);

// The methods of a disk, or of an adapter (disk NULL), that boot programs call: false when there is none of that name, or it fails. rets: what it gives.
bool of_disk_method(struct partition *lp, u32 slot, const struct of_disk *disk, const char *method, u32 rets[2]);

// The OS takes over: nothing of firmware's is left at the adapters. Disks are found again when somebody asks.
void of_disk_quiesce(struct partition *lp);

#endif
