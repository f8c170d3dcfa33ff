// SPDX-License-Identifier: Apache-2.0
// Command/response queues of virtual adapters: a ring of sixteen-byte elements in the partition's memory, which the adapter fills and the OS empties.
// LoPAR "Command/Response Queue".
//
// The calls (H_REG_CRQ ...) go to the adapter's callbacks (papr/vdev_ops.h), which use this under a lock of their own.
#ifndef PAPR_CRQ_H
#define PAPR_CRQ_H

#include "papr/vdev_ops.h"

#define CRQ_ELEMENT 16u

// The first byte of an element: its header. LoPAR "CRQ Entry Header"
#define CRQ_FREE    0x00u
#define CRQ_COMMAND 0x80u
#define CRQ_INITIAL 0xc0u
#define CRQ_EVENT   0xffu

// The second byte of an initialisation element and of a transport event.
#define CRQ_INITIALISE         0x01u
#define CRQ_INITIALISED        0x02u
#define CRQ_EVENT_FAILED       0x01u // the partner failed
#define CRQ_EVENT_DEREGISTERED 0x02u // the partner closed its queue
#define CRQ_EVENT_MIGRATED     0x06u // the partner is somewhere else; H_ENABLE_CRQ resumes

struct crq {
    struct vdev *vdev;
    u64 ioba; // of the queue
    u32 size; // in bytes; 0: none is registered
    u32 next; // offset of the element that is written next
};

// H_SUCCESS, H_PARAMETER (place or size, or memory that the adapter cannot reach) or H_RESOURCE (there is one already).
long crq_register(struct crq *crq, u64 ioba, u64 size);
void crq_release(struct crq *crq);

// Puts an element and interrupts. false: there is no queue, it is full, or the OS took its memory away.
bool crq_put(struct crq *crq, const u8 element[CRQ_ELEMENT]);
bool crq_put_event(struct crq *crq, u8 event);

// The interrupt was switched on: raises it when the last element has not been read.
void crq_signal(struct crq *crq);

#endif
