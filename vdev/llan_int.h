// SPDX-License-Identifier: Apache-2.0
// What the adapter's files share. Locks: `lock` before `send_lock`.
#ifndef VDEV_LLAN_INT_H
#define VDEV_LLAN_INT_H

#include <pthread.h>

#include "papr/vdev_ops.h"
#include "proto/vio/frame.h"
#include "vdev/llan.h"

// LoPAR "Logical LAN": buffer descriptors, a doubleword each.
#define BUFFER_VALID     0x8000000000000000ull
#define BUFFER_LARGE     0x0400000000000000ull
#define BUFFER_NO_CSUM   0x0200000000000000ull // its checksum's field is 0
#define BUFFER_CSUM_GOOD 0x0100000000000000ull
#define BUFFER_CONTROL   0xff00000000000000ull
#define BUFFER_LEN(d)    ((u32)((d) >> 32) & 0xffffffu)
#define BUFFER_ADDR(d)   ((u32)(d))

// Attributes of H_ILLAN_ATTRIBUTES.
#define ILLAN_TRUNK_ACTIVE   0x00001ull
#define ILLAN_IPV4_CSUM      0x00002ull
#define ILLAN_IPV6_CSUM      0x00004ull
#define ILLAN_TRUNK_PRIORITY 0x00f00ull
#define ILLAN_PADDED_CSUM    0x02000ull
#define ILLAN_LARGE_SEND     0x08000ull // supported
#define ILLAN_LARGE_ENABLED  0x10000ull
#define ILLAN_MULTI_BUFFER   0x40000ull
#define ILLAN_CSUM           (ILLAN_IPV4_CSUM | ILLAN_IPV6_CSUM)
#define ILLAN_CHANGEABLE     (ILLAN_CSUM | ILLAN_LARGE_ENABLED)
#define ILLAN_KNOWN                                                                                        \
    (ILLAN_CHANGEABLE | ILLAN_TRUNK_ACTIVE | ILLAN_TRUNK_PRIORITY | ILLAN_PADDED_CSUM | ILLAN_LARGE_SEND | \
     ILLAN_MULTI_BUFFER)

#define POOLS_MAX       8u    // sizes of buffers
#define POOL_BUFFERS    4096u // of each size; as many as ibmveth has at most
#define BUFFER_MIN      32u
#define LIST_SIZE       4096u
#define DROP_COUNTER    (LIST_SIZE - 8) // in the buffer list: frames dropped as there was no buffer large enough
#define QUEUE_ENTRY     16u
#define LARGE_MSS       8u   // where a large frame's segment size goes in its buffer
#define CORRELATOR_SIZE 8u   // what the OS has at the start of each buffer; it goes into the queue's entry
#define SEND_ATTEMPTS   256u // with a full link

struct pool {
    u32 size, len;
    u32 buffers[POOL_BUFFERS]; // I/O bus addresses; the last one given is the first one used: the host's cache has it
};

struct llan {
    struct vdev vdev;
    struct llan_config config;
    struct ring *ring;
    pthread_t thread;
    int kick; // wakes the thread

    // Written under lock.
    _Atomic bool open;
    _Atomic u64 attributes;

    pthread_mutex_t lock;
    // Under lock.
    u32 buffer_list, queue, queue_size, queue_at;
    bool toggle;
    u8 mac[6], filters[FRAME_FILTERS_MAX][6];
    u32 filters_len;
    bool multicast, filtering;
    struct pool pools[POOLS_MAX];
    u32 pools_len;
    u32 starving;  // the next frame waits for a buffer of this size; 0: none does
    bool irq_sent; // since the OS switched it on
    u64 no_buffer; // since the OS opened it

    pthread_mutex_t send_lock;
    // Under send_lock.
    bool port_changed; // the link had no room for its state
    bool stalled;      // the link was full until somebody gave up
    // What is sent under send_lock, the rest under lock; in the link's data area where it has one, so that others can read it.
    struct adapter_counts *counts, own_counts;

    _Atomic bool ending;
};

// Under lock. Tells the other side what the port takes.
void llan_tell_port(struct llan *llan);

// The thread, and what wakes it up.
void *llan_main(void *arg);
void llan_wake(const struct llan *llan);

// Under lock. Puts an entry into the receive queue: flags and offset, length, correlator.
void llan_queue(struct llan *llan, u32 flags, u32 length, u64 correlator);
#define QUEUE_VALID 0x40000000u

#endif
