// SPDX-License-Identifier: Apache-2.0
// The seam to virtual adapters (vdev/): what a device on the virtual I/O bus answers. The bus is papr/vio.c.
#ifndef PAPR_VDEV_OPS_H
#define PAPR_VDEV_OPS_H

#include "papr/partition.h"

struct vdev;
struct vdev_node;

// What H_COPY_RDMA copies between the adapter's window and its partner's.
struct vdev_copy {
    u64 size, local, remote; // I/O bus addresses
    bool to_remote;
};

// All callbacks: any thread, several at once; a NULL one answers H_PARAMETER. args as hypervisor calls pass them, from R4.
struct vdev_ops {
    const char *name;        // of the node: name@unit. The console's is made without these
    const char *device_type; // its properties of these names
    const char *compatible;
    void (*properties)(const struct vdev *vdev,
                       struct vdev_node *node); // its others. The client interface's lock is held
    long (*get_term_char)(struct vdev *vdev, struct cpu *cpu, u64 *args);
    long (*put_term_char)(struct vdev *vdev, struct cpu *cpu, u64 *args);
    long (*reg_crq)(struct vdev *vdev, u64 ioba, u64 size); // these four: papr/crq.h
    long (*free_crq)(struct vdev *vdev);
    long (*enable_crq)(struct vdev *vdev);
    long (*send_crq)(struct vdev *vdev, u64 high, u64 low);
    // May wait, with cpu_leave() and cpu_enter() around it.
    long (*copy_rdma)(struct vdev *vdev, struct cpu *cpu, const struct vdev_copy *copy);
    long (*vioctl)(struct vdev *vdev, u64 function, u64 argument);
    // The calls of a logical LAN, by their numbers (papr/vio_lan.c). What is not for the adapter answers H_PARAMETER before.
    long (*logical_lan)(struct vdev *vdev, u32 number, u64 *args);
    void (*irq_enabled)(struct vdev *vdev); // H_VIO_SIGNAL switched the interrupt on
    void (*reset)(struct vdev *vdev);       // the OS has let go of it, or no thread runs
};

struct vdev {
    // Set by the adapter before vio_add().
    const struct vdev_ops *ops;
    u32 slot;         // virtual slot, below VIO_SLOTS
    u64 window_size;  // bytes of I/O bus addresses in its TCE window; 0: it reaches no memory
    bool console;     // also answers to terminal number 0, the firmware's console
    u32 remote_liobn; // of its partner's window, as H_COPY_RDMA names it; 0: it copies nothing
    // Set by vio_add().
    struct partition *lp;
    u32 unit;            // unit address
    u32 irq;             // interrupt source
    u32 liobn;           // of its window
    _Atomic bool irq_on; // H_VIO_SIGNAL
    _Atomic bool usable; // the OS has its connector
};

// Virtual slots. What is in slot n has unit address, connector index, interrupt source and LIOBN that follow from n. Slot 0 is the console's.
#define VIO_SLOTS              64u
#define VIO_UNIT(slot)         (0x30000000u + (slot))
#define VIO_LIOBN(slot)        (0x10000000u + (slot))
#define VIO_REMOTE_LIOBN(slot) (0x18000000u + (slot))
#define VTY_UNIT               VIO_UNIT(0)

int vio_init(struct partition *lp);
void vio_fini(struct partition *lp);
void vio_reset(struct partition *lp);

// Attaches an adapter, which stays the caller's, with its TCE window, and detaches it. No thread runs; of_attached() then puts its node into the
// tree. 0, -EEXIST, -EINVAL (the slot) or -ENOMEM.
int vio_add(struct partition *lp, struct vdev *vdev);
void vio_remove(struct partition *lp, struct vdev *vdev);

// The same while the OS runs, from a thread that is no processor's: the OS does not have the adapter yet (papr/drc.h: drc_ask_slot), or no more.
int vio_plug(struct partition *lp, struct vdev *vdev);
void vio_unplug(struct partition *lp, struct vdev *vdev);

// The OS takes what is in a slot, or gives it back: then it is reset, and reaches no memory.
void vio_hand_over(struct partition *lp, u32 slot, bool to_os);

// The adapter with this unit address that the OS has, or NULL.
struct vdev *vio_find(struct partition *lp, u64 unit);

// What is in a slot, or NULL.
struct vdev *vio_slot(const struct partition *lp, u32 slot);

// Properties of the node that is being made (papr/tree.c).
void vdev_property(struct vdev_node *node, const char *name, const void *value, size_t size);
void vdev_property_cells(struct vdev_node *node, const char *name, const u32 *cells, u32 len);

#endif
