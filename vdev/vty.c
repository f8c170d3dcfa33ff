// SPDX-License-Identifier: Apache-2.0
//
// The virtual terminal. Output: a call takes at most sixteen bytes, whole or not at all (H_BUSY). When the console takes only some of
// them, the rest waits here, before whatever the OS sends next, so no byte is lost or passes another.
#include "vdev/vty.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/endian.h"
#include "papr/hcall.h"
#include "papr/irq.h"
#include "papr/vdev_ops.h"

#define VTY_CHUNK 16u

struct vty {
    struct vdev vdev;
    pthread_mutex_t lock;
    u8 pending[VTY_CHUNK]; // under lock: output that is still to go
    u32 pending_len;
    pthread_mutex_t input_lock; // one reader at a time, so that input stays in order
};

// Under lock.
static bool flush(struct vty *vty)
{
    struct partition *lp = vty->vdev.lp;
    while (vty->pending_len) {
        size_t took = lp->hv->console_write(lp->hv_arg, vty->pending, vty->pending_len);
        took = MIN(took, vty->pending_len);
        if (!took)
            return false;
        vty->pending_len -= took;
        memmove(vty->pending, vty->pending + took, vty->pending_len);
    }
    return true;
}

// unit, length, sixteen bytes
static long put(struct vdev *vdev, struct cpu *cpu, u64 *args)
{
    struct vty *vty = container_of(vdev, struct vty, vdev);
    u64 len = args[1];
    if (len > VTY_CHUNK)
        return H_PARAMETER;
    u8 bytes[VTY_CHUNK];
    store_be64(bytes, args[2]);
    store_be64(bytes + 8, args[3]);
    long rc = H_BUSY;
    pthread_mutex_lock(&vty->lock);
    if (flush(vty)) {
        size_t took = len ? vdev->lp->hv->console_write(vdev->lp->hv_arg, bytes, len) : 0;
        took = MIN(took, len);
        if (took || !len) {
            vty->pending_len = (u32)(len - took);
            memcpy(vty->pending, bytes + took, vty->pending_len);
            flush(vty);
            rc = H_SUCCESS;
        }
    }
    pthread_mutex_unlock(&vty->lock);
    return rc;
}

// unit -> length, sixteen bytes
static long get(struct vdev *vdev, struct cpu *cpu, u64 *args)
{
    struct vty *vty = container_of(vdev, struct vty, vdev);
    u8 bytes[VTY_CHUNK] = {0};
    pthread_mutex_lock(&vty->input_lock);
    size_t len = vdev->lp->hv->console_read(vdev->lp->hv_arg, bytes, VTY_CHUNK);
    pthread_mutex_unlock(&vty->input_lock);
    args[0] = MIN(len, VTY_CHUNK);
    args[1] = load_be64(bytes);
    args[2] = load_be64(bytes + 8);
    return H_SUCCESS;
}

// Input may have come while the interrupt was off; one interrupt too many does no harm.
static void irq_enabled(struct vdev *vdev)
{
    irq_pulse(vdev->lp, vdev->irq);
}

static void reset(struct vdev *vdev)
{
    struct vty *vty = container_of(vdev, struct vty, vdev);
    pthread_mutex_lock(&vty->lock);
    flush(vty);
    vty->pending_len = 0;
    pthread_mutex_unlock(&vty->lock);
}

static const struct vdev_ops vty_ops = {
    .name = "vty",
    .get_term_char = get,
    .put_term_char = put,
    .irq_enabled = irq_enabled,
    .reset = reset,
};

int vty_init(struct partition *lp)
{
    struct vty *vty = calloc(1, sizeof(*vty));
    if (!vty)
        return -ENOMEM;
    vty->vdev.ops = &vty_ops;
    vty->vdev.console = true;
    // Linux's hvc_vio takes the terminal's interrupt and never calls H_VIO_SIGNAL for it: it is on from the start.
    atomic_store(&vty->vdev.irq_on, true);
    pthread_mutex_init(&vty->lock, NULL);
    pthread_mutex_init(&vty->input_lock, NULL);
    int err = vio_add(lp, &vty->vdev);
    if (err) {
        free(vty);
        return err;
    }
    lp->vty = vty;
    return 0;
}

void vty_fini(struct partition *lp)
{
    struct vty *vty = lp->vty;
    if (!vty)
        return;
    vty_flush(lp);
    if (lp->vio)
        vio_remove(lp, &vty->vdev);
    pthread_mutex_destroy(&vty->input_lock);
    pthread_mutex_destroy(&vty->lock);
    free(vty);
    lp->vty = NULL;
}

void vty_input_ready(struct partition *lp)
{
    if (lp->vty && atomic_load(&lp->vty->vdev.irq_on))
        irq_pulse(lp, lp->vty->vdev.irq);
}

bool vty_flush(struct partition *lp)
{
    struct vty *vty = lp->vty;
    if (!vty)
        return true;
    pthread_mutex_lock(&vty->lock);
    bool done = flush(vty);
    pthread_mutex_unlock(&vty->lock);
    return done;
}
