// SPDX-License-Identifier: Apache-2.0
//
// The adapter's calls. Buffers are kept here, by size, and not in the OS's buffer list, of which only the counter at its end is written.
//
// A full link: H_BUSY with a token that counts the attempts, so that the OS tries again at once; after SEND_ATTEMPTS the frame is dropped, and so
// is everything until there is room again. Linux would report an error after 1024 attempts.
#include "vdev/llan.h"

#include <errno.h>
#include <sched.h>
#include <stdatomic.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/endian.h"
#include "papr/hcall.h"
#include "papr/tce.h"
#include "proto/vio/offload.h"
#include "vdev/llan_int.h"

#define WINDOW_SIZE  (512 * MIB) // ibmveth with all of its buffers at an MTU of 64 KiB takes 46 MiB
#define SEND_BUFFERS 6u
#define ADD_BUFFERS  8u

// H_MULTICAST_CTRL
#define MULTICAST_RECEIVE_CHANGE 0x80000ull
#define MULTICAST_FILTER_CHANGE  0x40000ull
#define MULTICAST_RECEIVE        0x20000ull
#define MULTICAST_FILTER         0x10000ull
#define MULTICAST_TABLE          0x00003ull
enum { TABLE_KEEP, TABLE_ADD, TABLE_REMOVE, TABLE_CLEAR };

void llan_tell_port(struct llan *llan)
{
    struct frame frame = {FRAME_PORT, 0, 6 + 6 * llan->filters_len, 0};
    frame.flags = (u16)((llan->open ? PORT_OPEN : 0) | (llan->attributes & ILLAN_CSUM ? PORT_CSUM : 0) |
                        (llan->attributes & ILLAN_LARGE_ENABLED ? PORT_LARGE : 0) |
                        (llan->multicast ? PORT_MULTICAST : 0) | (llan->filtering ? 0 : PORT_MULTICAST_ALL));
    pthread_mutex_lock(&llan->send_lock);
    u8 *to = ring_reserve(llan->ring, FRAME_HEADER + frame.size);
    llan->port_changed = !to;
    if (to) {
        frame_put(to, &frame);
        memcpy(to + FRAME_HEADER, llan->mac, 6);
        memcpy(to + FRAME_HEADER + 6, llan->filters, 6 * llan->filters_len);
        ring_commit(llan->ring, FRAME_HEADER + frame.size);
        ring_notify(llan->ring);
    }
    pthread_mutex_unlock(&llan->send_lock);
}

static bool mac_of(u64 value, u8 mac[6])
{
    u8 bytes[8];
    store_be64(bytes, value);
    memcpy(mac, bytes + 2, 6);
    return value >> 48 == 0 && value;
}

static bool mapped(const struct llan *llan, u32 ioba, u32 size)
{
    return tce_permits(llan->vdev.lp, llan->vdev.liobn, ioba, size, TCE_READ | TCE_WRITE);
}

static void close_port(struct llan *llan)
{
    llan->open = false;
    llan->pools_len = 0;
    llan->counts->buffers = 0;
    llan->starving = 0;
    llan->multicast = false;
    llan->filtering = true;
    llan->filters_len = 0;
    llan_wake(llan); // a frame that waits for a buffer does so no longer
}

static void clear_memory(struct llan *llan, u32 ioba, u32 size)
{
    static const u8 zeros[4096];
    for (u32 done = 0; done < size; done += sizeof(zeros))
        tce_write(llan->vdev.lp, llan->vdev.liobn, ioba + done, zeros, MIN(size - done, sizeof(zeros)));
}

// unit, buffer list, receive queue's descriptor, filter list, address
static long h_register(struct llan *llan, const u64 *args)
{
    u64 list = args[1], queue = args[2], filter = args[3];
    u8 mac[6];
    if (list >= WINDOW_SIZE || list % LIST_SIZE || filter >= WINDOW_SIZE || filter % LIST_SIZE ||
        !mapped(llan, (u32)list, LIST_SIZE) || !mapped(llan, (u32)filter, LIST_SIZE))
        return H_PARAMETER;
    if (!(queue & BUFFER_VALID) || BUFFER_LEN(queue) < QUEUE_ENTRY || BUFFER_LEN(queue) % QUEUE_ENTRY ||
        BUFFER_ADDR(queue) % QUEUE_ENTRY || !mapped(llan, BUFFER_ADDR(queue), BUFFER_LEN(queue)))
        return H_PARAMETER;
    if (!mac_of(args[4], mac) || mac[0] & 1)
        return H_PARAMETER;
    if (llan->open)
        return H_RESOURCE;
    clear_memory(llan, BUFFER_ADDR(queue), BUFFER_LEN(queue));
    clear_memory(llan, (u32)list + DROP_COUNTER, 8);
    atomic_store(&llan->vdev.irq_on, false);
    llan->open = true;
    llan->buffer_list = (u32)list;
    llan->queue = BUFFER_ADDR(queue);
    llan->queue_size = BUFFER_LEN(queue);
    llan->queue_at = 0;
    llan->toggle = true;
    llan->no_buffer = 0;
    memcpy(llan->mac, mac, 6);
    llan_tell_port(llan);
    return H_SUCCESS;
}

static long h_free(struct llan *llan)
{
    if (!llan->open)
        return H_RESOURCE;
    close_port(llan);
    llan_tell_port(llan);
    return H_SUCCESS;
}

static struct pool *pool_of(struct llan *llan, u32 size)
{
    for (u32 i = 0; i < llan->pools_len; i++)
        if (llan->pools[i].size == size)
            return &llan->pools[i];
    // A size that is not used any more makes place for another one.
    for (u32 i = 0; i < POOLS_MAX; i++) {
        struct pool *pool = &llan->pools[i];
        if (i < llan->pools_len && (pool->len || llan->pools_len < POOLS_MAX))
            continue;
        pool->size = size;
        pool->len = 0;
        llan->pools_len = MAX(llan->pools_len, i + 1);
        return pool;
    }
    return NULL;
}

// Descriptors; those after the first invalid one do not count, and the first must be valid. All of them or none.
static long h_add(struct llan *llan, const u64 *descriptors, u32 max)
{
    u32 len = 0;
    for (; len < max && descriptors[len] & BUFFER_VALID; len++) {
        u64 d = descriptors[len];
        if (BUFFER_LEN(d) < BUFFER_MIN || BUFFER_LEN(d) != BUFFER_LEN(descriptors[0]) ||
            !mapped(llan, BUFFER_ADDR(d), BUFFER_LEN(d)))
            return H_PARAMETER;
    }
    if (!len)
        return H_PARAMETER;
    struct pool *pool = llan->open ? pool_of(llan, BUFFER_LEN(descriptors[0])) : NULL;
    if (!pool || pool->len + len > POOL_BUFFERS)
        return H_RESOURCE;
    for (u32 i = 0; i < len; i++)
        pool->buffers[pool->len++] = BUFFER_ADDR(descriptors[i]);
    llan->counts->buffers += len;
    llan->counts->buffers_max = MAX(llan->counts->buffers_max, llan->counts->buffers);
    if (llan->starving && pool->size >= llan->starving) {
        llan->starving = 0;
        llan_wake(llan);
    }
    return H_SUCCESS;
}

// unit, size: a buffer of that size goes back by the receive queue, with nothing in it.
static long h_free_buffer(struct llan *llan, u64 size)
{
    if (!llan->open)
        return H_RESOURCE;
    for (u32 i = 0; i < llan->pools_len; i++) {
        struct pool *pool = &llan->pools[i];
        u64 correlator;
        if (pool->size != size || !pool->len)
            continue;
        u32 buffer = pool->buffers[--pool->len];
        llan->counts->buffers--;
        if (!tce_read(llan->vdev.lp, llan->vdev.liobn, buffer, &correlator, sizeof(correlator)))
            correlator = 0;
        llan_queue(llan, 0, 0, correlator);
        return H_SUCCESS;
    }
    return H_NOT_FOUND;
}

// unit, what to do, address
static long h_multicast(struct llan *llan, u64 what, u64 address)
{
    u64 table = what & MULTICAST_TABLE;
    bool change = table == TABLE_ADD || table == TABLE_REMOVE;
    u8 mac[6];
    if (what & ~(MULTICAST_RECEIVE_CHANGE | MULTICAST_FILTER_CHANGE | MULTICAST_RECEIVE | MULTICAST_FILTER |
                 MULTICAST_TABLE) ||
        (change && (!mac_of(address, mac) || !(mac[0] & 1))))
        return H_PARAMETER;
    u32 found = 0;
    while (change && found < llan->filters_len && memcmp(llan->filters[found], mac, 6) != 0)
        found++;
    if (table == TABLE_ADD && found == FRAME_FILTERS_MAX)
        return H_RESOURCE;
    if (table == TABLE_REMOVE && found == llan->filters_len)
        return H_NOT_FOUND;
    if (what & MULTICAST_RECEIVE_CHANGE)
        llan->multicast = what & MULTICAST_RECEIVE;
    if (what & MULTICAST_FILTER_CHANGE)
        llan->filtering = what & MULTICAST_FILTER;
    if (table == TABLE_ADD && found == llan->filters_len)
        memcpy(llan->filters[llan->filters_len++], mac, 6);
    if (table == TABLE_REMOVE)
        memcpy(llan->filters[found], llan->filters[--llan->filters_len], 6);
    if (table == TABLE_CLEAR)
        llan->filters_len = 0;
    llan_tell_port(llan);
    return H_SUCCESS;
}

static long h_change_mac(struct llan *llan, u64 value)
{
    u8 mac[6];
    if (!mac_of(value, mac) || mac[0] & 1)
        return H_PARAMETER;
    memcpy(llan->mac, mac, 6);
    llan_tell_port(llan);
    return H_SUCCESS;
}

// unit, bits to clear, bits to set -> attributes
static long h_attributes(struct llan *llan, u64 *args)
{
    u64 clear = args[1], set = args[2], old = llan->attributes;
    if (clear & set || (clear | set) & ~ILLAN_KNOWN)
        return H_PARAMETER;
    llan->attributes = (old & ~(clear & ILLAN_CHANGEABLE)) | (set & ILLAN_CHANGEABLE);
    args[0] = llan->attributes;
    if (llan->attributes != old)
        llan_tell_port(llan);
    return (llan->attributes & clear) || (set & ~llan->attributes) ? H_CONSTRAINED : H_SUCCESS;
}

// The frame's flags, as the descriptors' control bytes and the segment size say; false: they contradict each other or what was negotiated.
static bool send_flags(u64 control, u64 mss, u64 attributes, struct frame *frame)
{
    bool bare = control & BUFFER_NO_CSUM;
    if (bare && !(attributes & ILLAN_CSUM))
        return false;
    if (control & BUFFER_LARGE) {
        if (!bare || !(attributes & ILLAN_LARGE_ENABLED) || mss < FRAME_MSS_MIN || mss > FRAME_SIZE_MAX)
            return false;
        frame->mss = (u16)MIN(mss, 0xffffu);
        frame->flags = FRAME_LARGE;
    }
    frame->flags |= (bare ? FRAME_CSUM_NEEDED : 0) | (control & BUFFER_CSUM_GOOD ? FRAME_CSUM_GOOD : 0);
    return true;
}

// Under send_lock: the frame, straight into the link.
static long send_frame(struct llan *llan, const u64 *descriptors, u32 len, const struct frame *frame)
{
    u8 *to = ring_reserve(llan->ring, FRAME_HEADER + frame->size);
    if (!to)
        return H_BUSY;
    u8 *at = to + FRAME_HEADER;
    for (u32 i = 0; i < len; at += BUFFER_LEN(descriptors[i++])) {
        if (!tce_read(llan->vdev.lp, llan->vdev.liobn, BUFFER_ADDR(descriptors[i]), at, BUFFER_LEN(descriptors[i])))
            return H_PARAMETER;
    }
    if (frame->flags & FRAME_CSUM_NEEDED) {
        struct tcp_frame tcp;
        u8 head[OFFLOAD_HEAD_MAX];
        u32 head_size = MIN(frame->size, OFFLOAD_HEAD_MAX);
        memcpy(head, to + FRAME_HEADER, head_size);
        if (!offload_parse(head, head_size, frame->size, &tcp))
            return H_PARAMETER;
    }
    frame_put(to, frame);
    ring_commit(llan->ring, FRAME_HEADER + frame->size);
    ring_notify(llan->ring);
    llan->stalled = false;
    llan->counts->sent++;
    llan->counts->sent_bytes += frame->size;
    return H_SUCCESS;
}

// unit, six descriptors, token, maximum segment size -> token
static long h_send(struct llan *llan, u64 *args)
{
    const u64 *descriptors = args + 1;
    u64 token = args[7], mss = args[8], control = 0;
    struct frame frame = {.kind = FRAME_DATA};
    u32 len = 0;
    for (; len < SEND_BUFFERS && descriptors[len] & BUFFER_VALID && BUFFER_LEN(descriptors[len]); len++) {
        control |= descriptors[len] & BUFFER_CONTROL;
        frame.size += BUFFER_LEN(descriptors[len]);
    }
    if (token > SEND_ATTEMPTS || frame.size < FRAME_SIZE_MIN || frame.size > FRAME_SIZE_MAX ||
        !send_flags(control, mss, llan->attributes, &frame))
        return H_PARAMETER;
    if (!llan->open)
        return H_DROPPED;
    pthread_mutex_lock(&llan->send_lock);
    long rc = send_frame(llan, descriptors, len, &frame);
    if (rc == H_BUSY && (llan->stalled || token == SEND_ATTEMPTS || ring_broken(llan->ring))) {
        llan->stalled = true;
        llan->counts->send_drops++;
        rc = H_DROPPED;
    }
    pthread_mutex_unlock(&llan->send_lock);
    args[0] = rc == H_BUSY ? token + 1 : 0;
    if (rc == H_BUSY)
        sched_yield(); // whoever empties the link may wait for this host CPU
    return rc;
}

static long call(struct vdev *vdev, u32 number, u64 *args)
{
    struct llan *llan = container_of(vdev, struct llan, vdev);
    if (number == H_SEND_LOGICAL_LAN)
        return h_send(llan, args);
    long rc = H_PARAMETER;
    pthread_mutex_lock(&llan->lock);
    switch (number) {
    case H_REGISTER_LOGICAL_LAN: rc = h_register(llan, args); break;
    case H_FREE_LOGICAL_LAN: rc = h_free(llan); break;
    case H_ADD_LOGICAL_LAN_BUFFER: rc = h_add(llan, args + 1, 1); break;
    case H_ADD_LOGICAL_LAN_BUFFERS: rc = h_add(llan, args + 1, ADD_BUFFERS); break;
    case H_FREE_LOGICAL_LAN_BUFFER: rc = h_free_buffer(llan, args[1]); break;
    case H_MULTICAST_CTRL: rc = h_multicast(llan, args[1], args[2]); break;
    case H_CHANGE_LOGICAL_LAN_MAC: rc = h_change_mac(llan, args[1]); break;
    case H_ILLAN_ATTRIBUTES: rc = h_attributes(llan, args); break;
    default: break;
    }
    pthread_mutex_unlock(&llan->lock);
    return rc;
}

static void irq_enabled(struct vdev *vdev)
{
    struct llan *llan = container_of(vdev, struct llan, vdev);
    pthread_mutex_lock(&llan->lock);
    llan->irq_sent = false;
    pthread_mutex_unlock(&llan->lock);
}

static void reset(struct vdev *vdev)
{
    struct llan *llan = container_of(vdev, struct llan, vdev);
    pthread_mutex_lock(&llan->lock);
    close_port(llan);
    u64 trunk = llan->config.trunk_priority ? ILLAN_TRUNK_ACTIVE | (u64)llan->config.trunk_priority << 8 : 0;
    llan->attributes = ILLAN_PADDED_CSUM | ILLAN_LARGE_SEND | ILLAN_MULTI_BUFFER | trunk;
    memcpy(llan->mac, llan->config.mac, 6);
    llan_tell_port(llan);
    pthread_mutex_unlock(&llan->lock);
}

static void properties(const struct vdev *vdev, struct vdev_node *node)
{
    const struct llan *llan = container_of(vdev, struct llan, vdev);
    static const char types[] = "ethernet,1000,auto,full";
    vdev_property(node, "local-mac-address", llan->config.mac, 6);
    vdev_property(node, "mac-address", llan->config.mac, 6);
    vdev_property_cells(node, "address-bits", (const u32[]){48}, 1);
    vdev_property_cells(node, "max-frame-size", (const u32[]){FRAME_SIZE_MAX}, 1);
    vdev_property(node, "supported-network-types", types, sizeof(types));
    vdev_property(node, "chosen-network-type", types, sizeof(types));
    vdev_property_cells(node, "ibm,mac-address-filters", (const u32[]){FRAME_FILTERS_MAX}, 1);
    vdev_property_cells(node, "ibm,illan-options", (const u32[]){0}, 1);
    if (llan->config.trunk_priority)
        vdev_property(node, "ibm,trunk-adapter", "", 0);
}

static const struct vdev_ops llan_ops = {
    .name = "l-lan",
    .device_type = "network",
    .compatible = "IBM,l-lan",
    .properties = properties,
    .logical_lan = call,
    .irq_enabled = irq_enabled,
    .reset = reset,
};

static void release(struct llan *llan)
{
    ring_detach(llan->ring);
    if (llan->kick >= 0)
        close(llan->kick);
    pthread_mutex_destroy(&llan->lock);
    pthread_mutex_destroy(&llan->send_lock);
    free(llan);
}

static void detach(struct llan *llan, bool hot)
{
    if (hot)
        vio_unplug(llan->vdev.lp, &llan->vdev);
    else
        vio_remove(llan->vdev.lp, &llan->vdev);
}

struct llan *llan_new(struct partition *lp, const struct llan_config *config, const struct ring_fds *link)
{
    struct llan *llan = calloc(1, sizeof(*llan));
    if (!llan)
        return NULL;
    llan->config = *config;
    llan->vdev.ops = &llan_ops;
    llan->vdev.slot = config->slot;
    llan->vdev.window_size = WINDOW_SIZE;
    pthread_mutex_init(&llan->lock, NULL);
    pthread_mutex_init(&llan->send_lock, NULL);
    llan->kick = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK);
    llan->ring = ring_attach(link, 0);
    llan->counts =
        llan->ring && ring_data_size(llan->ring) >= sizeof(*llan->counts) ? ring_data(llan->ring) : &llan->own_counts;
    int err = llan->kick < 0 || !llan->ring ? errno
              : config->hot                 ? -vio_plug(lp, &llan->vdev)
                                            : -vio_add(lp, &llan->vdev);
    if (!err) {
        reset(&llan->vdev);
        err = pthread_create(&llan->thread, NULL, llan_main, llan);
        if (err)
            detach(llan, config->hot);
    }
    if (err) {
        release(llan);
        errno = err;
        return NULL;
    }
    return llan;
}

void llan_free(struct llan *llan, bool hot)
{
    if (!llan)
        return;
    atomic_store(&llan->ending, true);
    llan_wake(llan);
    pthread_join(llan->thread, NULL);
    pthread_mutex_lock(&llan->lock);
    close_port(llan);
    llan_tell_port(llan);
    pthread_mutex_unlock(&llan->lock);
    detach(llan, hot);
    release(llan);
}

struct adapter_counts llan_counts(struct llan *llan)
{
    pthread_mutex_lock(&llan->lock);
    pthread_mutex_lock(&llan->send_lock);
    struct adapter_counts counts = *llan->counts;
    pthread_mutex_unlock(&llan->send_lock);
    pthread_mutex_unlock(&llan->lock);
    return counts;
}
