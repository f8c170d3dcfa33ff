// SPDX-License-Identifier: Apache-2.0
//
// Firmware's memory (of_disk_set_area): queues of an adapter, a page for lists that boot programs are given, and a buffer for what is not
// whole blocks or goes to host memory.
#include "papr/of_disk.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/endian.h"
#include "papr/of_vscsi.h"
#include "papr/vdev_ops.h"

#define DISKS_MAX   64u

#define AREA_LIST   OF_DISK_QUEUE_SIZE // a page
#define AREA_BUFFER 0x8000u
#define BUFFER_SIZE (OF_DISK_AREA - AREA_BUFFER)

struct of_disks {
    u64 area;   // guest real; 0: none
    bool found; // somebody asked, so adapters were
    struct of_vscsi driver;
    struct of_disk list[DISKS_MAX];
    u32 len;
};

int of_disk_init(struct partition *lp)
{
    lp->disks = calloc(1, sizeof(*lp->disks));
    return lp->disks ? 0 : -ENOMEM;
}

void of_disk_fini(struct partition *lp)
{
    free(lp->disks);
    lp->disks = NULL;
}

void of_disk_set_area(struct partition *lp, u64 gra)
{
    lp->disks->area = gra;
}

u64 of_disk_queue(const struct partition *lp)
{
    return lp->disks->area;
}

static bool before(const struct of_disk *a, const struct of_disk *b)
{
    return a->slot != b->slot ? a->slot < b->slot : a->lun < b->lun;
}

int of_disk_add(struct partition *lp, const struct of_disk *disk)
{
    struct of_disks *disks = lp->disks;
    u32 size = disk->block_size, at = disks->len;
    if (disks->len == DISKS_MAX)
        return -ENOSPC;
    if (size < 512 || size > 4096 || (size & (size - 1)) || !disk->blocks || disk->blocks > UINT64_MAX / 2 / size ||
        !disk->most)
        return -EINVAL;
    for (; at > 0 && before(disk, &disks->list[at - 1]); at--)
        disks->list[at] = disks->list[at - 1];
    disks->list[at] = *disk;
    disks->len++;
    return 0;
}

struct of_vscsi *of_disk_driver(const struct partition *lp)
{
    return &lp->disks->driver;
}

u32 of_disk_count(struct partition *lp)
{
    if (lp->disks->area && !lp->disks->found) {
        lp->disks->found = true;
        of_vscsi_find(lp);
    }
    return lp->disks->len;
}

const struct of_disk *of_disk_get(struct partition *lp, u32 index)
{
    return index < of_disk_count(lp) ? &lp->disks->list[index] : NULL;
}

const struct of_disk *of_disk_find(struct partition *lp, u32 slot, u64 lun)
{
    for (u32 i = 0; i < of_disk_count(lp); i++)
        if (lp->disks->list[i].slot == slot && lp->disks->list[i].lun == lun)
            return &lp->disks->list[i];
    return NULL;
}

void of_disk_path(const struct partition *lp, const struct of_disk *disk, char path[OF_DISK_PATH_MAX])
{
    snprintf(path, OF_DISK_PATH_MAX, "/vdevice/v-scsi@%x/disk@%llx", VIO_UNIT(disk->slot),
             (unsigned long long)disk->lun);
}

u64 of_disk_size(const struct of_disk *disk)
{
    return disk->blocks * disk->block_size;
}

// Whole blocks.
static int transfer(struct partition *lp, const struct of_disk *disk, bool write, u64 block, u64 count, u64 gra)
{
    while (count) {
        u32 part = (u32)MIN(count, disk->most);
        int err = disk->ops->transfer(lp, disk, write, block, part, gra);
        if (err)
            return err;
        block += part;
        count -= part;
        gra += (u64)part * disk->block_size;
    }
    return 0;
}

static bool on_disk(const struct of_disk *disk, u64 offset, u64 size)
{
    return offset <= of_disk_size(disk) && size <= of_disk_size(disk) - offset;
}

// The part of [offset, offset+size) that the buffer takes at once, as whole blocks.
struct piece {
    u64 block, count;
    u64 skip, size; // bytes of it
};

static struct piece first_piece(const struct of_disk *disk, u64 offset, u64 size)
{
    u64 skip = offset % disk->block_size, bytes = MIN(size, BUFFER_SIZE - skip);
    return (struct piece){
        .block = offset / disk->block_size,
        .count = (skip + bytes + disk->block_size - 1) / disk->block_size,
        .skip = skip,
        .size = bytes,
    };
}

int of_disk_read(struct partition *lp, const struct of_disk *disk, u64 offset, void *to, u64 size)
{
    u64 buffer = lp->disks->area + AREA_BUFFER;
    u8 *out = to;
    if (!on_disk(disk, offset, size))
        return -EINVAL;
    while (size) {
        struct piece p = first_piece(disk, offset, size);
        int err = transfer(lp, disk, false, p.block, p.count, buffer);
        if (err)
            return err;
        if (!guest_mem_read(&lp->mem, buffer + p.skip, out, p.size))
            return -EFAULT;
        out += p.size;
        offset += p.size;
        size -= p.size;
    }
    return 0;
}

// What is not whole blocks: through the buffer, and when written with what is around it on the disk.
static int copy_piece(struct partition *lp, const struct of_disk *disk, bool write, const struct piece *p, u64 gra)
{
    u64 buffer = lp->disks->area + AREA_BUFFER, from = write ? gra : buffer + p->skip,
        to = write ? buffer + p->skip : gra;
    int err = transfer(lp, disk, false, p->block, p->count, buffer);
    if (err)
        return err;
    const u8 *bytes = guest_mem_at(&lp->mem, from, p->size);
    if (!bytes || !guest_mem_write(&lp->mem, to, bytes, p->size))
        return -EFAULT;
    return write ? transfer(lp, disk, true, p->block, p->count, buffer) : 0;
}

int of_disk_copy(struct partition *lp, const struct of_disk *disk, bool write, u64 offset, u64 gra, u64 size)
{
    u32 mask = disk->block_size - 1;
    int err = 0;
    if (!on_disk(disk, offset, size))
        return -EINVAL;
    if (size && !guest_mem_contains(&lp->mem, gra, size))
        return -EFAULT;
    while (size && !err) {
        u64 part = offset & mask ? 0 : size & ~(u64)mask;
        if (part) {
            err = transfer(lp, disk, write, offset / disk->block_size, part / disk->block_size, gra);
        } else {
            struct piece p =
                first_piece(disk, offset, offset & mask ? MIN(size, disk->block_size - (offset & mask)) : size);
            err = copy_piece(lp, disk, write, &p, gra);
            part = p.size;
        }
        offset += part;
        gra += part;
        size -= part;
    }
    return err;
}

// GRUB's way of finding disks: a list of entries of two cells, the second one is the address of unit addresses that end with 0. The list stays
// where it is until the next call.
static bool report_units(struct partition *lp, u32 slot, u32 rets[2])
{
    u64 list = lp->disks->area + AREA_LIST;
    be64 units[DISKS_MAX + 1];
    u32 len = 0;
    if (!lp->disks->area)
        return false;
    for (u32 i = 0; i < of_disk_count(lp); i++)
        if (lp->disks->list[i].slot == slot)
            units[len++] = be64_of(lp->disks->list[i].lun);
    units[len++] = be64_of(0);
    be32 head[2] = {be32_of(0), be32_of((u32)list + sizeof(head))};
    rets[0] = 1;
    rets[1] = (u32)list;
    return guest_mem_write(&lp->mem, list, head, sizeof(head)) &&
           guest_mem_write(&lp->mem, list + sizeof(head), units, len * sizeof(be64));
}

bool of_disk_method(struct partition *lp, u32 slot, const struct of_disk *disk, const char *method, u32 rets[2])
{
    if (!disk)
        return strcmp(method, "vscsi-report-luns") == 0 && report_units(lp, slot, rets);
    if (strcmp(method, "block-size") == 0)
        rets[0] = disk->block_size;
    else if (strcmp(method, "#blocks") == 0)
        rets[0] = (u32)MIN(disk->blocks, UINT32_MAX);
    else if (strcmp(method, "#blocks64") == 0)
        rets[0] = (u32)(disk->blocks >> 32), rets[1] = (u32)disk->blocks;
    else
        return false;
    return true;
}

void of_disk_quiesce(struct partition *lp)
{
    for (u32 i = 0; i < lp->disks->len; i++)
        if (lp->disks->list[i].ops->quiesce)
            lp->disks->list[i].ops->quiesce(lp, &lp->disks->list[i]);
    of_vscsi_close(lp); // without a disk
    lp->disks->len = 0;
    lp->disks->found = false;
}
