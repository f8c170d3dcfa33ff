// SPDX-License-Identifier: Apache-2.0
// Partition tables of disks: MBR with logical partitions, and GPT. What is on a disk is not trusted: everything found lies on it.
#ifndef PAPR_DISK_LABEL_H
#define PAPR_DISK_LABEL_H

#include "base/types.h"

// Where bytes come from. read: false when they cannot be read.
struct disk_source {
    u32 block_size; // a power of two of 512 to 4096
    u64 size;       // bytes
    bool (*read)(void *arg, u64 offset, void *to, u32 size);
    void *arg;
};

struct disk_partition {
    u32 number;      // 1 ..
    bool prep;       // holds a boot program for firmware: CHRP "PReP Boot Partition"
    u64 start, size; // bytes
};

#define DISK_PARTITIONS_MAX 128u

// The partitions of a disk, in the order of their numbers; how many there are. 0: it has no table.
u32 disk_label_read(const struct disk_source *disk, struct disk_partition parts[DISK_PARTITIONS_MAX]);

#endif
