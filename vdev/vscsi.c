// SPDX-License-Identifier: Apache-2.0
//
// The OS's elements go to the server, whatever they say; the server's requests to copy go through the adapter's TCE table at the moment of copying. All state is
// under one lock, which is held for the time of a message and the data of a small write, at most. The I/O thread has another one while it copies, which H_FREE_CRQ
// waits for: nothing of the session touches memory any more then.
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
#include "proto/vio/srp_wire.h"
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
    struct ring *ring; // to the server; NULL: there is none now. Sending is under lock, receiving the I/O thread's
    u32 session;       // the last one's number
    bool open;         // the server knows the session
    bool moved;        // the OS has not yet said H_ENABLE_CRQ after the server went away
    bool gone;         // no server will come back
    bool initialise;   // the OS asked a server that was not there to begin
    struct vscsi_grant grant;
    u32 free_len, free[VSCSI_PLACES_MAX]; // of its places, the one that was used last on top
    // Of what a server asks for, one message at a time: before `lock`.
    pthread_mutex_t serving;
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
    vscsi->free_len = 0;
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

// The data of a write that fits a place of the server's goes there. What cannot be read now is left for the server to ask for, and to fail.
static void send_data(struct vscsi *vscsi, struct vscsi_element *m, const u8 *descriptors, u32 len)
{
    u64 sum = 0;
    for (u32 i = 0; i < len; i++)
        sum += load_be32(descriptors + i * DESCRIPTOR_SIZE + 12);
    if (!sum || !vscsi->free_len || sum > vscsi->grant.size)
        return;
    u32 place = vscsi->free[vscsi->free_len - 1];
    u8 *to = (u8 *)ring_data(vscsi->ring) + vscsi->grant.offset + (u64)(place - 1) * vscsi->grant.size;
    for (u32 i = 0; i < len; i++) {
        const u8 *d = descriptors + i * DESCRIPTOR_SIZE;
        u32 size = load_be32(d + 12);
        if (!tce_read(vscsi->vdev.lp, vscsi->vdev.liobn, load_be64(d), to, size))
            return;
        to += size;
    }
    m->place = place;
    m->data_size = (u32)sum;
    vscsi->free_len--;
}

// What the server would ask for next.
static void send_along(struct vscsi *vscsi, struct vscsi_element *m, u8 table[VSCSI_TABLE_MAX])
{
    struct srp_buffers b;
    if (m->element[ELEMENT_FORMAT] != FORMAT_SRP || m->iu[0] != SRP_CMD || m->iu_size < CMD_SIZE ||
        !srp_buffers(m->iu, m->iu_size, &b) || !(b.out || b.in))
        return;
    if (!b.descriptors && b.table_size <= VSCSI_TABLE_MAX &&
        tce_read(vscsi->vdev.lp, vscsi->vdev.liobn, b.table, table, b.table_size)) {
        m->table_size = b.table_size;
        b.descriptors = table;
    }
    if (b.out && b.descriptors)
        send_data(vscsi, m, b.descriptors, b.len);
}

static bool send_element(struct vscsi *vscsi, u64 high, u64 low)
{
    u8 table[VSCSI_TABLE_MAX];
    struct vscsi_element *out = ring_reserve(vscsi->ring, sizeof(*out) + VSCSI_TABLE_MAX);
    if (!out)
        return false;
    struct vscsi_element message = {.header = header(vscsi, VSCSI_ELEMENT)};
    store_be64(message.element, high);
    store_be64(message.element + 8, low);
    u32 size = (u32)(high & 0xffff); // the length of the information unit
    if (message.element[0] == CRQ_COMMAND && size && size <= VSCSI_IU_MAX &&
        tce_read(vscsi->vdev.lp, vscsi->vdev.liobn, low, message.iu, size)) {
        message.iu_size = size;
        send_along(vscsi, &message, table);
    }
    u32 whole = (u32)offsetof(struct vscsi_element, iu) + message.iu_size;
    if (message.table_size) {
        whole = (u32)sizeof(message) + message.table_size;
        memcpy(out->table, table, message.table_size);
    }
    memcpy(out, &message, MIN(whole, sizeof(message)));
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
    pthread_mutex_lock(&vscsi->serving); // what is being copied still
    pthread_mutex_unlock(&vscsi->serving);
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

// Under `serving` only. Copies between the data area from `offset` and the segments, which lie in shared memory: each is copied before it is looked at.
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

static bool is_current(struct vscsi *vscsi, u32 session)
{
    pthread_mutex_lock(&vscsi->lock);
    bool current = vscsi->open && session == vscsi->session;
    pthread_mutex_unlock(&vscsi->lock);
    return current;
}

// Under lock. The server may give the place in the data area to another request as soon as it sees the answer, which comes behind the copying. false: no room; the message
// stays, and is served as a whole once more.
static bool answer(struct vscsi *vscsi, u32 session, u32 id, bool ok)
{
    struct vscsi_copied *out = ring_reserve(vscsi->ring, sizeof(*out));
    if (!out)
        return false;
    *out = (struct vscsi_copied){.header = header(vscsi, VSCSI_COPIED), .id = id, .failed = !ok};
    out->header.session = session;
    ring_commit(vscsi->ring, sizeof(*out));
    return true;
}

// Under lock.
static void take_back(struct vscsi *vscsi, u32 place)
{
    if (place && place <= vscsi->grant.places && vscsi->free_len < vscsi->grant.places)
        vscsi->free[vscsi->free_len++] = place;
}

static enum served serve_copy(struct vscsi *vscsi, const struct vscsi_copy *shared, u32 size, bool to_memory)
{
    struct vscsi_copy m;
    if (size < sizeof(m))
        return BROKEN;
    memcpy(&m, shared, sizeof(m));
    if (m.segments_len > VSCSI_SEGMENTS_MAX || size < sizeof(m) + m.segments_len * sizeof(struct vscsi_segment))
        return BROKEN;
    bool ok = is_current(vscsi, m.header.session) && copy(vscsi, shared->segments, m.segments_len, m.offset, to_memory);
    pthread_mutex_lock(&vscsi->lock);
    bool answered = answer(vscsi, m.header.session, m.id, ok);
    pthread_mutex_unlock(&vscsi->lock);
    return answered ? SERVED : NO_ROOM;
}

static enum served serve_send(struct vscsi *vscsi, const struct vscsi_send *shared, u32 size)
{
    struct vscsi_send m;
    if (size < sizeof(m))
        return BROKEN;
    memcpy(&m, shared, sizeof(m));
    if (m.segments_len > VSCSI_SEGMENTS_MAX || m.iu_size > VSCSI_IU_MAX ||
        size < sizeof(m) + m.segments_len * sizeof(struct vscsi_segment) ||
        (m.element[0] != CRQ_COMMAND && m.element[0] != CRQ_INITIAL))
        return BROKEN;
    bool current = is_current(vscsi, m.header.session);
    bool moved = current && copy(vscsi, shared->segments, m.segments_len, m.offset, true), ok = moved;
    if (current && m.iu_size)
        ok = tce_write(vscsi->vdev.lp, vscsi->vdev.liobn, m.iu_ioba, m.iu, m.iu_size) && ok;
    pthread_mutex_lock(&vscsi->lock);
    bool served = !m.segments_len || answer(vscsi, m.header.session, m.id, moved);
    if (served && vscsi->open && m.header.session == vscsi->session) {
        if (!ok)
            m.element[3] = NONRECOVERABLE;
        take_back(vscsi, m.place);
        crq_put(&vscsi->crq, m.element); // without room the OS has sent more requests than its queue has elements
    }
    pthread_mutex_unlock(&vscsi->lock);
    return served ? SERVED : NO_ROOM;
}

static enum served serve_places(struct vscsi *vscsi, const void *shared, u32 size, enum vscsi_type type)
{
    struct vscsi_grant grant;
    struct vscsi_return returned;
    u64 room = ring_data_size(vscsi->ring);
    if (size < (type == VSCSI_GRANT ? sizeof(grant) : sizeof(returned)))
        return BROKEN;
    memcpy(&grant, shared, MIN(size, sizeof(grant)));
    memcpy(&returned, shared, sizeof(returned));
    if (type == VSCSI_GRANT && (grant.places > VSCSI_PLACES_MAX || grant.offset > room ||
                                (u64)grant.places * grant.size > room - grant.offset))
        return BROKEN;
    pthread_mutex_lock(&vscsi->lock);
    if (vscsi->open && returned.header.session == vscsi->session && type == VSCSI_RETURN) {
        take_back(vscsi, returned.place);
    } else if (vscsi->open && grant.header.session == vscsi->session) {
        vscsi->grant = grant;
        vscsi->free_len = 0;
        for (u32 place = grant.places; place; place--)
            take_back(vscsi, place);
    }
    pthread_mutex_unlock(&vscsi->lock);
    return SERVED;
}

// The next message.
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
    case VSCSI_COPY:
    case VSCSI_PUT: served = serve_copy(vscsi, (const struct vscsi_copy *)shared, size, h.type == VSCSI_PUT); break;
    case VSCSI_SEND: served = serve_send(vscsi, (const struct vscsi_send *)shared, size); break;
    case VSCSI_GRANT:
    case VSCSI_RETURN: served = serve_places(vscsi, shared, size, h.type); break;
    case VSCSI_NUDGE: break;
    default: return BROKEN;
    }
    if (served == SERVED) {
        ring_consume(vscsi->ring);
        *ring_bell |= h.type == VSCSI_COPY || h.type == VSCSI_PUT || h.type == VSCSI_NUDGE;
    }
    return served;
}

// Serves until there is nothing (EMPTY), no room for answers (NO_ROOM: the server rings when it has made some), or the server breaks the rules.
static enum served serve_all(struct vscsi *vscsi)
{
    bool ring_bell = false;
    enum served served;
    do {
        pthread_mutex_lock(&vscsi->serving);
        served = serve(vscsi, &ring_bell);
        pthread_mutex_unlock(&vscsi->serving);
    } while (served == SERVED);
    if (ring_bell) {
        pthread_mutex_lock(&vscsi->lock);
        ring_notify(vscsi->ring);
        pthread_mutex_unlock(&vscsi->lock);
    }
    return served;
}

static void on_bell(void *arg)
{
    struct vscsi *vscsi = arg;
    enum served served;
    ring_woken(vscsi->ring);
    do
        served = serve_all(vscsi);
    while (served == EMPTY && !ring_sleep(vscsi->ring));
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
    pthread_mutex_init(&vscsi->serving, NULL);
    return vscsi;
}

void vscsi_free(struct vscsi *vscsi)
{
    if (!vscsi)
        return;
    pthread_mutex_destroy(&vscsi->lock);
    pthread_mutex_destroy(&vscsi->serving);
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
    struct ring *ring = vscsi->ring;
    if (ring)
        serve_all(vscsi); // what the server had answered is answered
    pthread_mutex_lock(&vscsi->lock);
    if (ring) {
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
