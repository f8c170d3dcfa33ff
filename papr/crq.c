// SPDX-License-Identifier: Apache-2.0
#include "papr/crq.h"

#include <stdatomic.h>

#include "papr/hcall_int.h"
#include "papr/irq.h"
#include "papr/tce.h"

#define QUEUE_PAGE 0x1000u
#define QUEUE_MAX  0x100000u

long crq_register(struct crq *crq, u64 ioba, u64 size)
{
    u8 byte;
    if (ioba % QUEUE_PAGE || !size || size % QUEUE_PAGE || size > QUEUE_MAX || ioba + size < ioba)
        return H_PARAMETER;
    if (crq->size)
        return H_RESOURCE;
    for (u64 at = 0; at < size; at += QUEUE_PAGE) {
        if (!tce_read(crq->vdev->lp, crq->vdev->liobn, ioba + at, &byte, 1))
            return H_PARAMETER;
    }
    crq->ioba = ioba;
    crq->size = (u32)size;
    crq->next = 0;
    return H_SUCCESS;
}

void crq_release(struct crq *crq)
{
    crq->size = 0;
}

static void interrupt(const struct crq *crq)
{
    if (atomic_load(&crq->vdev->irq_on))
        irq_pulse(crq->vdev->lp, crq->vdev->irq);
}

bool crq_put(struct crq *crq, const u8 element[CRQ_ELEMENT])
{
    struct partition *lp = crq->vdev->lp;
    u32 liobn = crq->vdev->liobn;
    u64 at = crq->ioba + crq->next;
    u8 header;
    if (!crq->size || !tce_read(lp, liobn, at, &header, 1) || header != CRQ_FREE)
        return false;
    // The OS takes an element when it sees the header, so that comes last.
    if (!tce_write(lp, liobn, at + 8, element + 8, 8))
        return false;
    atomic_thread_fence(memory_order_release);
    if (!tce_write(lp, liobn, at, element, 8))
        return false;
    crq->next = (crq->next + CRQ_ELEMENT) % crq->size;
    // An OS that empties the queue switches the interrupt on, then looks once more: one of the two sees the other.
    atomic_thread_fence(memory_order_seq_cst);
    interrupt(crq);
    return true;
}

bool crq_put_event(struct crq *crq, u8 event)
{
    return crq_put(crq, (const u8[CRQ_ELEMENT]){CRQ_EVENT, event});
}

void crq_signal(struct crq *crq)
{
    u8 header;
    u32 last = (crq->next + crq->size - CRQ_ELEMENT);
    if (crq->size && tce_read(crq->vdev->lp, crq->vdev->liobn, crq->ioba + last % crq->size, &header, 1) &&
        header != CRQ_FREE)
        interrupt(crq);
}

// unit, I/O bus address of the queue, its size
long h_reg_crq(struct cpu *cpu, u64 *args)
{
    struct vdev *vdev = vio_find(cpu_partition(cpu), args[0]);
    return vdev && vdev->ops->reg_crq ? vdev->ops->reg_crq(vdev, args[1], args[2]) : H_PARAMETER;
}

// unit
long h_free_crq(struct cpu *cpu, u64 *args)
{
    struct vdev *vdev = vio_find(cpu_partition(cpu), args[0]);
    return vdev && vdev->ops->free_crq ? vdev->ops->free_crq(vdev) : H_PARAMETER;
}

// unit
long h_enable_crq(struct cpu *cpu, u64 *args)
{
    struct vdev *vdev = vio_find(cpu_partition(cpu), args[0]);
    return vdev && vdev->ops->enable_crq ? vdev->ops->enable_crq(vdev) : H_PARAMETER;
}

// unit, two doublewords of the element
long h_send_crq(struct cpu *cpu, u64 *args)
{
    struct vdev *vdev = vio_find(cpu_partition(cpu), args[0]);
    return vdev && vdev->ops->send_crq ? vdev->ops->send_crq(vdev, args[1], args[2]) : H_PARAMETER;
}
