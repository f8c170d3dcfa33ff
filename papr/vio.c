// SPDX-License-Identifier: Apache-2.0
//
// The virtual I/O bus: finds the adapter that a call names. The table changes only while no thread runs.
#include "papr/vdev_ops.h"

#include <errno.h>
#include <stdlib.h>

#include "papr/hcall_int.h"

struct vio {
    struct vdev *vdevs[VDEV_MAX];
    unsigned len;
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
    for (unsigned i = 0; i < lp->vio->len; i++) {
        struct vdev *vdev = lp->vio->vdevs[i];
        atomic_store(&vdev->irq_on, vdev->console); // terminals: see vdev/vty.c
        if (vdev->ops->reset)
            vdev->ops->reset(vdev);
    }
}

int vio_add(struct partition *lp, struct vdev *vdev)
{
    if (vio_find(lp, vdev->unit))
        return -EEXIST;
    if (lp->vio->len == VDEV_MAX)
        return -ENOSPC;
    vdev->lp = lp;
    lp->vio->vdevs[lp->vio->len++] = vdev;
    return 0;
}

void vio_remove(struct partition *lp, struct vdev *vdev)
{
    struct vio *vio = lp->vio;
    for (unsigned i = 0; i < vio->len; i++) {
        if (vio->vdevs[i] == vdev) {
            vio->vdevs[i] = vio->vdevs[--vio->len];
            return;
        }
    }
}

struct vdev *vio_find(struct partition *lp, u64 unit)
{
    for (unsigned i = 0; i < lp->vio->len; i++) {
        if (lp->vio->vdevs[i]->unit == unit)
            return lp->vio->vdevs[i];
    }
    return NULL;
}

// Terminal 0 is the partition's console, which early boot code uses before it knows the tree.
static struct vdev *find_terminal(struct partition *lp, u64 unit)
{
    for (unsigned i = 0; unit == 0 && i < lp->vio->len; i++) {
        if (lp->vio->vdevs[i]->console)
            return lp->vio->vdevs[i];
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

// Command/response queues belong to adapters that have one; none of the bus's adapters does, so that no unit address is right.
long h_reg_crq(struct cpu *cpu, u64 *args)
{
    return H_PARAMETER;
}

long h_free_crq(struct cpu *cpu, u64 *args)
{
    return H_PARAMETER;
}

long h_send_crq(struct cpu *cpu, u64 *args)
{
    return H_PARAMETER;
}

long h_enable_crq(struct cpu *cpu, u64 *args)
{
    return H_PARAMETER;
}
