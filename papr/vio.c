// SPDX-License-Identifier: Apache-2.0
//
// The virtual I/O bus: finds the adapter that a call names. The table changes only while no thread is inside guest code.
#include "papr/vdev_ops.h"

#include <errno.h>
#include <stdlib.h>

#include "papr/drc.h"
#include "papr/hcall_int.h"
#include "papr/irq.h"
#include "papr/tce.h"

struct vio {
    struct vdev *_Atomic slots[VIO_SLOTS];
};

int vio_init(struct partition *lp)
{
    lp->vio = calloc(1, sizeof(*lp->vio));
    return lp->vio ? 0 : -ENOMEM;
}

void vio_fini(struct partition *lp)
{
    free(lp->vio);
    lp->vio = NULL;
}

void vio_reset(struct partition *lp)
{
    for (u32 slot = 0; slot < VIO_SLOTS; slot++) {
        struct vdev *vdev = lp->vio->slots[slot];
        if (!vdev)
            continue;
        atomic_store(&vdev->irq_on, vdev->console); // terminals: see vdev/vty.c
        if (vdev->ops->reset)
            vdev->ops->reset(vdev);
    }
}

static int put_in(struct partition *lp, struct vdev *vdev, bool usable)
{
    if (vdev->slot >= VIO_SLOTS)
        return -EINVAL;
    if (lp->vio->slots[vdev->slot])
        return -EEXIST;
    vdev->lp = lp;
    vdev->unit = VIO_UNIT(vdev->slot);
    vdev->irq = vdev->slot ? IRQ_VDEV_FIRST + vdev->slot : IRQ_VTY;
    vdev->liobn = VIO_LIOBN(vdev->slot);
    int err = vdev->window_size ? tce_window_add(lp, vdev->liobn, vdev->window_size, 12) : 0;
    if (err)
        return err;
    atomic_store(&vdev->usable, usable);
    lp->vio->slots[vdev->slot] = vdev;
    return 0;
}

static void take_out(struct partition *lp, struct vdev *vdev)
{
    lp->vio->slots[vdev->slot] = NULL;
    if (vdev->window_size)
        tce_window_remove(lp, vdev->liobn);
}

int vio_add(struct partition *lp, struct vdev *vdev)
{
    int err = put_in(lp, vdev, true);
    if (!err)
        drc_slot_attached(lp, vdev->slot, true);
    return err;
}

void vio_remove(struct partition *lp, struct vdev *vdev)
{
    if (vio_slot(lp, vdev->slot) != vdev)
        return;
    drc_slot_attached(lp, vdev->slot, false);
    take_out(lp, vdev);
}

int vio_plug(struct partition *lp, struct vdev *vdev)
{
    group_exclusive_begin(&lp->group, NULL);
    int err = put_in(lp, vdev, false);
    group_exclusive_end(&lp->group, NULL);
    return err;
}

void vio_unplug(struct partition *lp, struct vdev *vdev)
{
    group_exclusive_begin(&lp->group, NULL);
    if (vdev->ops->reset)
        vdev->ops->reset(vdev); // a call that had found it before the OS gave it back may have used it since
    vio_remove(lp, vdev);
    group_exclusive_end(&lp->group, NULL);
}

void vio_hand_over(struct partition *lp, u32 slot, bool to_os)
{
    struct vdev *vdev = vio_slot(lp, slot);
    if (!vdev)
        return;
    atomic_store(&vdev->usable, to_os);
    if (to_os)
        return;
    if (vdev->ops->reset)
        vdev->ops->reset(vdev);
    atomic_store(&vdev->irq_on, false);
    tce_window_clear(lp, vdev->liobn);
}

struct vdev *vio_slot(const struct partition *lp, u32 slot)
{
    return lp->vio && slot < VIO_SLOTS ? lp->vio->slots[slot] : NULL;
}

struct vdev *vio_find(struct partition *lp, u64 unit)
{
    struct vdev *vdev =
        unit >= VIO_UNIT(0) && unit - VIO_UNIT(0) < VIO_SLOTS ? lp->vio->slots[unit - VIO_UNIT(0)] : NULL;
    return vdev && atomic_load(&vdev->usable) ? vdev : NULL;
}

// Terminal 0 is the partition's console, which early boot code uses before it knows the tree.
static struct vdev *find_terminal(struct partition *lp, u64 unit)
{
    for (u32 slot = 0; unit == 0 && slot < VIO_SLOTS; slot++) {
        struct vdev *vdev = lp->vio->slots[slot];
        if (vdev && vdev->console)
            return vdev;
    }
    return vio_find(lp, unit);
}

// unit -> length, sixteen bytes
long h_get_term_char(struct cpu *cpu, u64 *args)
{
    struct vdev *vdev = find_terminal(cpu_partition(cpu), args[0]);
    return vdev && vdev->ops->get_term_char ? vdev->ops->get_term_char(vdev, cpu, args) : H_PARAMETER;
}

// unit, length, sixteen bytes
long h_put_term_char(struct cpu *cpu, u64 *args)
{
    struct vdev *vdev = find_terminal(cpu_partition(cpu), args[0]);
    return vdev && vdev->ops->put_term_char ? vdev->ops->put_term_char(vdev, cpu, args) : H_PARAMETER;
}

// unit, 0 off or 1 on
long h_vio_signal(struct cpu *cpu, u64 *args)
{
    struct vdev *vdev = vio_find(cpu_partition(cpu), args[0]);
    if (!vdev || (args[1] & ~1ull))
        return H_PARAMETER;
    atomic_store(&vdev->irq_on, args[1]);
    if (args[1] && vdev->ops->irq_enabled)
        vdev->ops->irq_enabled(vdev);
    return H_SUCCESS;
}

// The adapter that copies between these two windows, its own first.
static struct vdev *find_copier(struct partition *lp, u64 own, u64 remote)
{
    u64 slot = own - VIO_LIOBN(0);
    struct vdev *vdev = own >= VIO_LIOBN(0) && slot < VIO_SLOTS ? vio_find(lp, VIO_UNIT(slot)) : NULL;
    return vdev && vdev->ops->copy_rdma && vdev->remote_liobn && vdev->remote_liobn == remote ? vdev : NULL;
}

// length, source's LIOBN and I/O bus address, destination's
long h_copy_rdma(struct cpu *cpu, u64 *args)
{
    struct partition *lp = cpu_partition(cpu);
    struct vdev *vdev = find_copier(lp, args[1], args[3]);
    struct vdev_copy copy = {.size = args[0], .local = args[2], .remote = args[4], .to_remote = vdev != NULL};
    if (!vdev) {
        vdev = find_copier(lp, args[3], args[1]);
        copy.local = args[4];
        copy.remote = args[2];
    }
    return vdev ? vdev->ops->copy_rdma(vdev, cpu, &copy) : H_PARAMETER;
}

// unit, function, its arguments
long h_vioctl(struct cpu *cpu, u64 *args)
{
    struct vdev *vdev = vio_find(cpu_partition(cpu), args[0]);
    if (!vdev)
        return H_PARAMETER;
    return vdev->ops->vioctl ? vdev->ops->vioctl(vdev, args[1], args[2]) : H_NOT_FOUND;
}
