// SPDX-License-Identifier: Apache-2.0
// The seam to virtual adapters (vdev/): what a device on the virtual I/O bus answers. The bus is papr/vio.c.
#ifndef PAPR_VDEV_OPS_H
#define PAPR_VDEV_OPS_H

#include "papr/partition.h"

struct vdev;

// All callbacks: any thread, several at once; a NULL one answers H_PARAMETER. args as hypervisor calls pass them, from R4.
struct vdev_ops {
    const char *name;
    long (*get_term_char)(struct vdev *vdev, struct cpu *cpu, u64 *args);
    long (*put_term_char)(struct vdev *vdev, struct cpu *cpu, u64 *args);
    void (*irq_enabled)(struct vdev *vdev); // H_VIO_SIGNAL switched the interrupt on
    void (*reset)(struct vdev *vdev);       // no thread runs
};

struct vdev {
    const struct vdev_ops *ops;
    struct partition *lp;
    u32 unit;            // unit address
    u32 irq;             // interrupt source
    bool console;        // also answers to terminal number 0, the firmware's console
    _Atomic bool irq_on; // H_VIO_SIGNAL
};

// Unit address of the partition's console, as the device tree names it.
#define VTY_UNIT 0x30000000u

#define VDEV_MAX 64u

int vio_init(struct partition *lp);
void vio_fini(struct partition *lp);
void vio_reset(struct partition *lp);

// Attaches an adapter, which stays the caller's, and detaches it. No thread runs. 0, -EEXIST or -ENOSPC.
int vio_add(struct partition *lp, struct vdev *vdev);
void vio_remove(struct partition *lp, struct vdev *vdev);

// The adapter with this unit address, or NULL.
struct vdev *vio_find(struct partition *lp, u64 unit);

#endif
