// SPDX-License-Identifier: Apache-2.0
//
// The OS's elements go to the server, whatever they say; the server's requests to copy go through the adapter's TCE table at the moment of copying. All state is
// under one lock, which hypervisor calls hold for the time of a message, and the I/O thread for that of one copy: once H_FREE_CRQ has it, nothing
// of the session touches memory any more.
#include "vdev/vscsi.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>

#include "base/endian.h"
#include "ipc/ring.h"
#include "papr/crq.h"
#include "papr/hcall.h"
#include "papr/tce.h"
#include "proto/vio/vscsi.h"
#include "vdev/io_thread.h"

#define WINDOW_SIZE    (512 * MIB) // I/O bus addresses: of all requests that the OS may have sent
#define NONRECOVERABLE 1           // an element's status

struct vscsi {
    struct vdev vdev;
    struct io_thread *io;
    struct io_source source; // the link's bell
    void (*broken)(void *arg);
    void *broken_arg;
    pthread_mutex_t lock;
    // Under lock.
    struct crq crq;
    struct ring *ring; // to the server; NULL: there is none now
    u32 session;       // the last one's number
    bool open;         // the server knows the session
    bool moved;        // the OS has not yet said H_ENABLE_CRQ after the server went away
    bool gone;         // no server will come back
    bool initialise;   // the OS asked a server that was not there to begin
};

static struct vscsi *of(struct vdev *vdev)
{
    return container_of(vdev, struct vscsi, vdev);
}

static struct vscsi_header header(const struct vscsi *vscsi, enum vscsi_type type)
{
    return (struct vscsi_header){.type = (u16)type, .version = VSCSI_VERSION, .session = vscsi->session};
}

static bool send_header(struct vscsi *vscsi, enum vscsi_type type)
{
    struct vscsi_header *out = ring_reserve(vscsi->ring, sizeof(*out));
    if (!out)
        return false;
    *out = header(vscsi, type);
    ring_commit(vscsi->ring, sizeof(*out));
    ring_notify(vscsi->ring);
    return true;
}

// Each under lock.
static bool open_session(struct vscsi *vscsi)
{
    vscsi->session++;
    vscsi->open = vscsi->ring && send_header(vscsi, VSCSI_OPENED);
    return vscsi->open;
}

static void close_session(struct vscsi *vscsi)
{
    // Where there is no room the server has not looked for a long time; it will see by the next session's number.
    if (vscsi->open)
        send_header(vscsi, VSCSI_CLOSED);
    vscsi->open = vscsi->moved = vscsi->initialise = false;
    vscsi->session++;
}

static bool send_element(struct vscsi *vscsi, u64 high, u64 low)
{
    struct vscsi_element *out = ring_reserve(vscsi->ring, sizeof(*out));
    if (!out)
        return false;
    struct vscsi_element message = {.header = header(vscsi, VSCSI_ELEMENT)};
    store_be64(message.element, high);
    store_be64(message.element + 8, low);
    u32 size = (u32)(high & 0xffff); // the length of the information unit
    if (message.element[0] == CRQ_COMMAND && size && size <= VSCSI_IU_MAX &&
        tce_read(vscsi->vdev.lp, vscsi->vdev.liobn, low, message.iu, size))
        message.iu_size = size;
    u32 whole = (u32)offsetof(struct vscsi_element, iu) + message.iu_size;
    memcpy(out, &message, whole);
    ring_commit(vscsi->ring, whole);
    ring_notify(vscsi->ring);
    return true;
}

static long reg_crq(struct vdev *vdev, u64 ioba, u64 size)
{
    struct vscsi *vscsi = of(vdev);
    pthread_mutex_lock(&vscsi->lock);
    long rc = crq_register(&vscsi->crq, ioba, size);
    // A server that comes back will find the queue there, so the OS need not know that it is away.
    if (rc == H_SUCCESS && !open_session(vscsi)) {
        rc = vscsi->gone ? H_CLOSED : vscsi->ring ? H_BUSY : H_SUCCESS;
        if (rc == H_BUSY)
            crq_release(&vscsi->crq);
    }
    pthread_mutex_unlock(&vscsi->lock);
    return rc;
}

static long free_crq(struct vdev *vdev)
{
    struct vscsi *vscsi = of(vdev);
    pthread_mutex_lock(&vscsi->lock);
    if (vscsi->crq.size)
        close_session(vscsi);
    crq_release(&vscsi->crq);
    pthread_mutex_unlock(&vscsi->lock);
    return H_SUCCESS;
}

// LoPAR "H_ENABLE_CRQ": after the partner moved.
static long enable_crq(struct vdev *vdev)
{
    struct vscsi *vscsi = of(vdev);
    long rc = H_SUCCESS;
    pthread_mutex_lock(&vscsi->lock);
    if (!vscsi->crq.size) {
        rc = H_CLOSED;
    } else if (vscsi->moved) {
        if (!vscsi->ring || !open_session(vscsi))
            rc = vscsi->gone ? H_CLOSED : H_LONG_BUSY_ORDER_10_MSEC;
        else
            vscsi->moved = false;
    }
    pthread_mutex_unlock(&vscsi->lock);
    return rc;
}

static long send_crq(struct vdev *vdev, u64 high, u64 low)
{
    struct vscsi *vscsi = of(vdev);
    u8 kind = (u8)(high >> 56), what = (u8)(high >> 48);
    if (kind != CRQ_COMMAND && kind != CRQ_INITIAL)
        return H_PARAMETER;
    long rc = H_CLOSED;
    pthread_mutex_lock(&vscsi->lock);
    if (vscsi->open) {
        rc = send_element(vscsi, high, low) ? H_SUCCESS : H_DROPPED;
    } else if (vscsi->crq.size && !vscsi->moved && !vscsi->gone && kind == CRQ_INITIAL && what == CRQ_INITIALISE) {
        vscsi->initialise = true;
        rc = H_SUCCESS;
    }
    pthread_mutex_unlock(&vscsi->lock);
    return rc;
}

static void irq_enabled(struct vdev *vdev)
{
    struct vscsi *vscsi = of(vdev);
    pthread_mutex_lock(&vscsi->lock);
    crq_signal(&vscsi->crq);
    pthread_mutex_unlock(&vscsi->lock);
}

static void reset(struct vdev *vdev)
{
    free_crq(vdev);
}

static const struct vdev_ops vscsi_ops = {
    .name = "v-scsi",
    .device_type = "vscsi",
    .compatible = "IBM,v-scsi",
    .reg_crq = reg_crq,
    .free_crq = free_crq,
    .enable_crq = enable_crq,
    .send_crq = send_crq,
    .irq_enabled = irq_enabled,
    .reset = reset,
};

// Copies between the data area from `offset` and the segments, which lie in shared memory: each is copied before it is looked at.
static bool copy(struct vscsi *vscsi, const struct vscsi_segment *segments, u32 len, u64 offset, bool to_memory)
{
    u8 *data = ring_data(vscsi->ring);
    u64 room = ring_data_size(vscsi->ring);
    if (offset > room)
        return false;
    for (u32 i = 0; i < len; i++) {
        struct vscsi_segment s;
        memcpy(&s, &segments[i], sizeof(s));
        if (s.size > room - offset)
            return false;
        if (to_memory ? !tce_write(vscsi->vdev.lp, vscsi->vdev.liobn, s.ioba, data + offset, s.size)
                      : !tce_read(vscsi->vdev.lp, vscsi->vdev.liobn, s.ioba, data + offset, s.size))
            return false;
        offset += s.size;
    }
    return true;
}

enum served { SERVED, EMPTY, NO_ROOM, BROKEN };

// Room for the answer comes first: without it the message stays, and is served as a whole later on. The server may give the place in the data area to another request
// as soon as it sees the answer, which is committed behind the copying.
static void answer(struct vscsi *vscsi, struct vscsi_copied *out, u32 session, u32 id, bool ok)
{
    *out = (struct vscsi_copied){.header = header(vscsi, VSCSI_COPIED), .id = id, .failed = !ok};
    out->header.session = session;
    ring_commit(vscsi->ring, sizeof(*out));
}

static enum served serve_copy(struct vscsi *vscsi, const struct vscsi_copy *shared, u32 size)
{
    struct vscsi_copy m;
    if (size < sizeof(m))
        return BROKEN;
    memcpy(&m, shared, sizeof(m));
    if (m.segments_len > VSCSI_SEGMENTS_MAX || size < sizeof(m) + m.segments_len * sizeof(struct vscsi_segment))
        return BROKEN;
    struct vscsi_copied *out = ring_reserve(vscsi->ring, sizeof(*out));
    if (!out)
        return NO_ROOM;
    bool ok = vscsi->open && m.header.session == vscsi->session &&
              copy(vscsi, shared->segments, m.segments_len, m.offset, false);
    answer(vscsi, out, m.header.session, m.id, ok);
    return SERVED;
}

static enum served serve_send(struct vscsi *vscsi, const struct vscsi_send *shared, u32 size)
{
    struct vscsi_send m;
    struct vscsi_copied *out = NULL;
    if (size < sizeof(m))
        return BROKEN;
    memcpy(&m, shared, sizeof(m));
    if (m.segments_len > VSCSI_SEGMENTS_MAX || m.iu_size > VSCSI_IU_MAX ||
        size < sizeof(m) + m.segments_len * sizeof(struct vscsi_segment) ||
        (m.element[0] != CRQ_COMMAND && m.element[0] != CRQ_INITIAL))
        return BROKEN;
    if (m.segments_len && !(out = ring_reserve(vscsi->ring, sizeof(*out))))
        return NO_ROOM;
    bool current = vscsi->open && m.header.session == vscsi->session;
    bool ok = current && copy(vscsi, shared->segments, m.segments_len, m.offset, true);
    if (out)
        answer(vscsi, out, m.header.session, m.id, ok);
    if (current) {
        if (m.iu_size)
            ok = tce_write(vscsi->vdev.lp, vscsi->vdev.liobn, m.iu_ioba, m.iu, m.iu_size) && ok;
        if (!ok)
            m.element[3] = NONRECOVERABLE;
        crq_put(&vscsi->crq, m.element); // without room the OS has sent more requests than its queue has elements
    }
    return SERVED;
}

// The next message. Under lock.
static enum served serve(struct vscsi *vscsi, bool *ring_bell)
{
    u32 size;
    struct vscsi_header h;
    const struct vscsi_header *shared = ring_peek(vscsi->ring, &size);
    if (!shared || size < sizeof(h))
        return shared || ring_broken(vscsi->ring) ? BROKEN : EMPTY;
    memcpy(&h, shared, sizeof(h));
    if (h.version != VSCSI_VERSION)
        return BROKEN;
    enum served served = SERVED;
    switch (h.type) {
    case VSCSI_COPY: served = serve_copy(vscsi, (const struct vscsi_copy *)shared, size); break;
    case VSCSI_SEND: served = serve_send(vscsi, (const struct vscsi_send *)shared, size); break;
    case VSCSI_NUDGE: break;
    default: return BROKEN;
    }
    if (served == SERVED) {
        ring_consume(vscsi->ring);
        *ring_bell |= h.type != VSCSI_SEND;
    }
    return served;
}

// Serves until there is nothing (EMPTY), no room for answers (NO_ROOM: the server rings when it has made some), or the server breaks the rules. Under lock, which is
// given up between messages.
static enum served serve_all(struct vscsi *vscsi)
{
    bool ring_bell = false;
    enum served served;
    while ((served = serve(vscsi, &ring_bell)) == SERVED) {
        pthread_mutex_unlock(&vscsi->lock);
        pthread_mutex_lock(&vscsi->lock);
    }
    if (ring_bell)
        ring_notify(vscsi->ring);
    return served;
}

static void on_bell(void *arg)
{
    struct vscsi *vscsi = arg;
    enum served served;
    pthread_mutex_lock(&vscsi->lock);
    ring_woken(vscsi->ring);
    do
        served = serve_all(vscsi);
    while (served == EMPTY && !ring_sleep(vscsi->ring));
    pthread_mutex_unlock(&vscsi->lock);
    if (served != BROKEN)
        return;
    io_thread_remove(vscsi->io, &vscsi->source);
    vscsi->broken(vscsi->broken_arg);
}

struct vscsi *vscsi_new(struct io_thread *io, u32 slot, void (*broken)(void *arg), void *arg)
{
    struct vscsi *vscsi = calloc(1, sizeof(*vscsi));
    if (!vscsi)
        return NULL;
    vscsi->vdev.ops = &vscsi_ops;
    vscsi->vdev.slot = slot;
    vscsi->vdev.window_size = WINDOW_SIZE;
    vscsi->crq.vdev = &vscsi->vdev;
    vscsi->io = io;
    vscsi->broken = broken;
    vscsi->broken_arg = arg;
    pthread_mutex_init(&vscsi->lock, NULL);
    return vscsi;
}

void vscsi_free(struct vscsi *vscsi)
{
    if (!vscsi)
        return;
    pthread_mutex_destroy(&vscsi->lock);
    free(vscsi);
}

struct vdev *vscsi_vdev(struct vscsi *vscsi)
{
    return &vscsi->vdev;
}

int vscsi_connect(struct vscsi *vscsi, const struct ring_fds *fds)
{
    struct ring *ring = ring_attach(fds, VSCSI_CLIENT);
    if (!ring)
        return -errno;
    pthread_mutex_lock(&vscsi->lock);
    assert(!vscsi->ring);
    vscsi->ring = ring;
    vscsi->gone = false;
    // The OS registered its queue while there was no server; what it sent then is sent now.
    if (vscsi->crq.size && !vscsi->moved && open_session(vscsi) && vscsi->initialise) {
        vscsi->initialise = false;
        send_element(vscsi, (u64)CRQ_INITIAL << 56 | (u64)CRQ_INITIALISE << 48, 0);
    }
    bool quiet = ring_sleep(ring);
    pthread_mutex_unlock(&vscsi->lock);
    vscsi->source = (struct io_source){.fd = ring_bell(ring), .ready = on_bell, .arg = vscsi};
    int err = io_thread_add(vscsi->io, &vscsi->source);
    if (err)
        vscsi_disconnect(vscsi, false);
    else if (!quiet)
        eventfd_write(ring_bell(ring), 1); // the server was faster
    return err;
}

void vscsi_disconnect(struct vscsi *vscsi, bool returns)
{
    io_thread_remove(vscsi->io, &vscsi->source);
    pthread_mutex_lock(&vscsi->lock);
    struct ring *ring = vscsi->ring;
    if (ring) {
        serve_all(vscsi); // what the server had answered is answered
        vscsi->ring = NULL;
        vscsi->gone = !returns;
        if (vscsi->open) {
            vscsi->open = false;
            vscsi->session++;
            vscsi->moved = returns;
            crq_put_event(&vscsi->crq, returns ? CRQ_EVENT_MIGRATED : CRQ_EVENT_FAILED);
        }
    }
    pthread_mutex_unlock(&vscsi->lock);
    ring_detach(ring);
}
