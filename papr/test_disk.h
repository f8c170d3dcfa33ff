// SPDX-License-Identifier: Apache-2.0
// For tests and fuzz targets: disks in memory behind a virtual SCSI adapter that only firmware sees.
#ifndef PAPR_TEST_DISK_H
#define PAPR_TEST_DISK_H

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "papr/of.h"
#include "papr/of_disk.h"
#include "papr/vdev_ops.h"

#define TEST_DISK_SLOT 2u
#define TEST_DISK_AREA 0x40000u

struct test_disk {
    u8 *data;
    u64 size;
    u32 quiesced;
    u64 bad; // the block that cannot be read or written, or 0
};

static int test_disk_transfer(struct partition *lp, const struct of_disk *disk, bool write, u64 block, u32 count,
                              u64 gra)
{
    struct test_disk *t = disk->arg;
    u64 size = (u64)count * disk->block_size;
    u8 *at = t->data + block * disk->block_size;
    if (t->bad && t->bad >= block && t->bad < block + count)
        return -EIO;
    if (block + count > disk->blocks || count > disk->most)
        abort();
    if (write)
        return guest_mem_read(&lp->mem, gra, at, size) ? 0 : -EFAULT;
    return guest_mem_write(&lp->mem, gra, at, size) ? 0 : -EFAULT;
}

static void test_disk_quiesce(struct partition *lp, const struct of_disk *disk)
{
    ((struct test_disk *)disk->arg)->quiesced++;
}

static const struct of_disk_ops test_disk_ops = {test_disk_transfer, test_disk_quiesce};

// The adapter in TEST_DISK_SLOT, and firmware's memory.
static inline void test_disk_adapter(struct partition *lp)
{
    static const struct vdev_ops ops = {.name = "v-scsi", .device_type = "vscsi", .compatible = "IBM,v-scsi"};
    static struct vdev vdev;
    vdev = (struct vdev){.ops = &ops, .slot = TEST_DISK_SLOT, .window_size = 1 * MIB};
    if (vio_add(lp, &vdev) || of_attached(lp) || !of_reserve(lp, TEST_DISK_AREA, OF_DISK_AREA))
        abort();
    of_disk_set_area(lp, TEST_DISK_AREA);
}

static inline int test_disk_add(struct partition *lp, struct test_disk *t, u64 lun, u32 block_size, bool cdrom)
{
    struct of_disk disk = {.slot = TEST_DISK_SLOT,
                           .lun = lun,
                           .cdrom = cdrom,
                           .block_size = block_size,
                           .most = 64,
                           .blocks = t->size / block_size,
                           .ops = &test_disk_ops,
                           .arg = t};
    return of_disk_add(lp, &disk);
}

#endif
