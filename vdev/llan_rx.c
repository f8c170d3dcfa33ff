// SPDX-License-Identifier: Apache-2.0
//
// The adapter has a thread of its own, not the partition's I/O thread: it stays with a frame until the OS has a buffer for it, copies for as long as frames come, and so would keep disks waiting.
//
// It takes frames from the link and copies each into the smallest buffer that holds it. A frame for which there is no
// buffer at the moment, while the OS gives buffers of its size, waits in the link; then everything behind it waits, too, and the other side sees a full
// link: who sends more than the OS takes is slowed down or loses his own frames.
#include <poll.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "base/endian.h"
#include "papr/irq.h"
#include "papr/tce.h"
#include "vdev/llan_int.h"

#define QUEUE_TOGGLE    0x80000000u
#define QUEUE_LARGE     0x04000000u
#define QUEUE_NO_CSUM   0x02000000u
#define QUEUE_CSUM_GOOD 0x01000000u

enum delivery { DELIVERED, DROPPED, STARVED };

// Where Linux sees the entry, or sees it missing and has the interrupt on by then: it enables the interrupt, then looks once more.
static void interrupt(struct llan *llan)
{
    atomic_thread_fence(memory_order_seq_cst);
    if (!atomic_load(&llan->vdev.irq_on) || llan->irq_sent)
        return;
    llan->irq_sent = true;
    llan->counts->interrupts++;
    irq_pulse(llan->vdev.lp, llan->vdev.irq);
}

void llan_queue(struct llan *llan, u32 flags, u32 length, u64 correlator)
{
    struct partition *lp = llan->vdev.lp;
    u8 rest[12];
    u32 at = llan->queue + llan->queue_at;
    store_be32(rest, length);
    memcpy(rest + 4, &correlator, 8); // as the OS wrote it
    // Where the OS unmapped its queue it sees nothing of this, and gets no other entry here either.
    if (tce_write(lp, llan->vdev.liobn, at + 4, rest, sizeof(rest)))
        tce_store_be32(lp, llan->vdev.liobn, at, flags | (llan->toggle ? QUEUE_TOGGLE : 0));
    llan->queue_at += QUEUE_ENTRY;
    if (llan->queue_at == llan->queue_size) {
        llan->queue_at = 0;
        llan->toggle = !llan->toggle;
    }
    interrupt(llan);
}

static bool wanted(const struct llan *llan, const u8 destination[6])
{
    static const u8 broadcast[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};
    if (llan->config.trunk_priority)
        return true;
    if (!(destination[0] & 1))
        return !memcmp(destination, llan->mac, 6);
    if (!memcmp(destination, broadcast, 6))
        return true;
    bool listed = !llan->filtering;
    for (u32 i = 0; i < llan->filters_len && !listed; i++)
        listed = !memcmp(destination, llan->filters[i], 6);
    return llan->multicast && listed;
}

// The smallest size that is large enough and there; NULL: none is there. *known: the OS gives such buffers.
static struct pool *choose(struct llan *llan, u32 need, bool *known)
{
    struct pool *best = NULL;
    *known = false;
    for (u32 i = 0; i < llan->pools_len; i++) {
        struct pool *pool = &llan->pools[i];
        *known |= pool->size >= need;
        if (pool->size >= need && pool->len && (!best || pool->size < best->size))
            best = pool;
    }
    return best;
}

static void count_missing_buffer(struct llan *llan)
{
    u8 count[8];
    store_be64(count, ++llan->no_buffer);
    llan->counts->no_buffer++;
    tce_write(llan->vdev.lp, llan->vdev.liobn, llan->buffer_list + DROP_COUNTER, count, sizeof(count));
}

// Under lock.
static enum delivery deliver(struct llan *llan, const struct frame *frame, const u8 *bytes)
{
    struct partition *lp = llan->vdev.lp;
    u32 liobn = llan->vdev.liobn;
    bool large = frame->flags & FRAME_LARGE, bare = frame->flags & FRAME_CSUM_NEEDED, known;
    u8 destination[6];
    memcpy(destination, bytes, 6);
    if (!llan->open || !wanted(llan, destination) || (large && !(llan->attributes & ILLAN_LARGE_ENABLED)) ||
        (bare && !(llan->attributes & ILLAN_CSUM))) {
        llan->counts->filtered++;
        return DROPPED;
    }
    u32 offset = large ? LARGE_MSS + 8 : CORRELATOR_SIZE, need = offset + frame->size;
    struct pool *pool = choose(llan, need, &known);
    if (!pool && known) {
        llan->starving = need;
        return STARVED;
    }
    if (!pool) {
        count_missing_buffer(llan);
        return DROPPED;
    }
    u32 buffer = pool->buffers[--pool->len];
    llan->counts->buffers--;
    u64 correlator;
    u8 mss[8];
    store_be64(mss, frame->mss);
    if (!tce_read(lp, liobn, buffer, &correlator, sizeof(correlator)))
        return DROPPED; // the OS took the buffer's mapping away, and the buffer with it
    bool ok = (!large || tce_write(lp, liobn, buffer + LARGE_MSS, mss, sizeof(mss))) &&
              tce_write(lp, liobn, buffer + offset, bytes, frame->size);
    u32 flags = (large ? QUEUE_LARGE : 0) | (bare ? QUEUE_NO_CSUM | QUEUE_CSUM_GOOD : 0);
    if (frame->flags & FRAME_CSUM_GOOD && llan->attributes & ILLAN_CSUM)
        flags |= QUEUE_CSUM_GOOD;
    llan_queue(llan, ok ? QUEUE_VALID | flags | offset : 0, frame->size, correlator);
    if (!ok)
        return DROPPED;
    llan->counts->received++;
    llan->counts->received_bytes += frame->size;
    return DELIVERED;
}

// false: the first one waits for a buffer.
static bool take_messages(struct llan *llan)
{
    const u8 *message;
    u32 size;
    while (!atomic_load(&llan->ending) && (message = ring_peek(llan->ring, &size))) {
        struct frame frame;
        enum delivery done = DROPPED;
        pthread_mutex_lock(&llan->lock);
        if (!frame_get(message, size, &frame))
            llan->counts->filtered++;
        else if (frame.kind == FRAME_ASK)
            llan_tell_port(llan);
        else if (frame.kind == FRAME_DATA)
            done = deliver(llan, &frame, message + FRAME_HEADER);
        pthread_mutex_unlock(&llan->lock);
        if (done == STARVED)
            return false;
        ring_consume(llan->ring);
    }
    return true;
}

static void say_what_waits(struct llan *llan)
{
    pthread_mutex_lock(&llan->lock);
    pthread_mutex_lock(&llan->send_lock);
    bool changed = llan->port_changed;
    pthread_mutex_unlock(&llan->send_lock);
    if (changed)
        llan_tell_port(llan);
    pthread_mutex_unlock(&llan->lock);
}

void *llan_main(void *arg)
{
    struct llan *llan = arg;
    struct pollfd p[] = {{.fd = llan->kick, .events = POLLIN}, {.fd = ring_bell(llan->ring), .events = POLLIN}};
    while (!atomic_load(&llan->ending)) {
        say_what_waits(llan);
        bool empty = take_messages(llan);
        if (empty && !ring_sleep(llan->ring))
            continue;
        // A link whose rules the other side broke is dead; so is one on whose next frame nothing but a buffer has an influence.
        poll(p, empty && !ring_broken(llan->ring) ? 2 : 1, -1);
        u64 count;
        ssize_t got = p[0].revents ? read(llan->kick, &count, sizeof(count)) : 0;
        (void)got;
        if (empty)
            ring_woken(llan->ring);
    }
    return NULL;
}

void llan_wake(const struct llan *llan)
{
    u64 one = 1;
    ssize_t done = write(llan->kick, &one, sizeof(one));
    (void)done; // an eventfd that is full wakes just as well
}
