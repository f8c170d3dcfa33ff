// SPDX-License-Identifier: Apache-2.0
//
// Channel and link come, go and are listened to on the I/O thread; processors leave it a word (`kick`). A processor that copies waits for the client's answer, and does not count as
// running meanwhile. While `users` is not 0 the link stays.
#include "vdev/vscsi_host.h"

#include <errno.h>
#include <pthread.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <time.h>
#include <unistd.h>

#include "base/endian.h"
#include "cpu/group.h"
#include "papr/crq.h"
#include "papr/hcall.h"
#include "papr/tce.h"
#include "proto/vio/config.h"
#include "vdev/io_thread.h"

#define WINDOW_SIZE  (512 * MIB)
#define PATIENCE     10 // seconds: a client's process that is there answers in microseconds
#define INFO_SIZE    16u
#define PARTNER_INFO 0x08u

struct place {
    bool busy, done, ok;
    bool lost; // nobody waits any more, and the client may still write to it
};

struct vscsi_host {
    struct vdev vdev;
    struct io_thread *io;
    struct io_source kick;
    // The I/O thread's.
    struct io_source channel, bell; // descriptor -1: there is none
    struct ring_fds link;
    u32 serves; // the registration that the link is for

    pthread_mutex_t lock;
    pthread_cond_t changed;
    // Under lock.
    struct vscsi_client next; // channel -1: none
    u32 partition, slot;      // the client's; 0: there is none
    struct crq crq;
    u32 registered; // counts registrations
    struct ring *ring;
    bool open; // the client has registered its queue, too
    u32 session;
    bool stalled; // the OS's queue had no room
    u32 users;
    struct place places[VSCSI_HOST_COPIES];
};

static struct vscsi_host *of(struct vdev *vdev)
{
    return container_of(vdev, struct vscsi_host, vdev);
}

static void wake(struct vscsi_host *host)
{
    eventfd_write(host->kick.fd, 1);
}

// Under lock.
static void close_session(struct vscsi_host *host, u8 event)
{
    if (host->open && host->crq.size)
        crq_put_event(&host->crq, event);
    host->open = false;
    pthread_cond_broadcast(&host->changed);
}

static long reg_crq(struct vdev *vdev, u64 ioba, u64 size)
{
    struct vscsi_host *host = of(vdev);
    pthread_mutex_lock(&host->lock);
    long rc = crq_register(&host->crq, ioba, size);
    host->registered += rc == H_SUCCESS;
    pthread_mutex_unlock(&host->lock);
    if (rc != H_SUCCESS)
        return rc;
    wake(host);
    return H_CLOSED; // the client registers when it hears of us
}

static long free_crq(struct vdev *vdev)
{
    struct vscsi_host *host = of(vdev);
    pthread_mutex_lock(&host->lock);
    crq_release(&host->crq);
    close_session(host, 0);
    pthread_mutex_unlock(&host->lock);
    wake(host);
    return H_SUCCESS;
}

static long enable_crq(struct vdev *vdev)
{
    struct vscsi_host *host = of(vdev);
    pthread_mutex_lock(&host->lock);
    long rc = host->crq.size ? H_SUCCESS : H_CLOSED;
    pthread_mutex_unlock(&host->lock);
    return rc;
}

static long send_crq(struct vdev *vdev, u64 high, u64 low)
{
    struct vscsi_host *host = of(vdev);
    u8 kind = (u8)(high >> 56);
    if (kind != CRQ_COMMAND && kind != CRQ_INITIAL)
        return H_PARAMETER;
    long rc = H_CLOSED;
    pthread_mutex_lock(&host->lock);
    if (host->open && host->ring) {
        struct vscsi_send *out = ring_reserve(host->ring, sizeof(*out));
        rc = out ? H_SUCCESS : H_DROPPED;
        if (out) {
            memset(out, 0, sizeof(*out));
            out->header = (struct vscsi_header){.type = VSCSI_SEND, .version = VSCSI_VERSION, .session = host->session};
            store_be64(out->element, high);
            store_be64(out->element + 8, low);
            ring_commit(host->ring, sizeof(*out));
            ring_notify(host->ring);
        }
    }
    pthread_mutex_unlock(&host->lock);
    return rc;
}

static void irq_enabled(struct vdev *vdev)
{
    struct vscsi_host *host = of(vdev);
    pthread_mutex_lock(&host->lock);
    crq_signal(&host->crq);
    bool stalled = host->stalled;
    pthread_mutex_unlock(&host->lock);
    if (stalled)
        wake(host);
}

static void reset(struct vdev *vdev)
{
    struct vscsi_host *host = of(vdev);
    free_crq(vdev);
    pthread_mutex_lock(&host->lock);
    while (host->users)
        pthread_cond_wait(&host->changed, &host->lock);
    pthread_mutex_unlock(&host->lock);
}

// --- H_COPY_RDMA

// Under lock. false: time is up.
static bool wait_until(struct vscsi_host *host, const struct timespec *until)
{
    return pthread_cond_timedwait(&host->changed, &host->lock, until) != ETIMEDOUT;
}

// Under lock. NULL: none before time is up, or the session is over.
static struct place *take_place(struct vscsi_host *host, u32 session, const struct timespec *until)
{
    bool in_time = true;
    while (in_time && host->open && host->session == session) {
        for (u32 i = 0; i < VSCSI_HOST_COPIES; i++) {
            if (!host->places[i].busy) {
                host->places[i] = (struct place){.busy = true};
                return &host->places[i];
            }
        }
        in_time = wait_until(host, until);
    }
    return NULL;
}

// Under lock: the client's part. H_SUCCESS, H_REMOTE_PARM: its table has no such entry now, or H_PERMISSION: there is no client.
static long ask(struct vscsi_host *host, u32 session, struct place *place, const struct vdev_copy *c,
                const struct timespec *until)
{
    u32 size = sizeof(struct vscsi_copy) + sizeof(struct vscsi_segment), id = (u32)(place - host->places);
    struct vscsi_copy *out =
        host->open && host->session == session && host->ring ? ring_reserve(host->ring, size) : NULL;
    if (!out)
        return H_PERMISSION;
    *out = (struct vscsi_copy){
        .header = {.type = c->to_remote ? VSCSI_PUT : VSCSI_COPY, .version = VSCSI_VERSION, .session = session},
        .id = id,
        .segments_len = 1,
        .offset = (u64)id * VSCSI_HOST_COPY_MAX};
    out->segments[0] = (struct vscsi_segment){.ioba = c->remote, .size = (u32)c->size};
    ring_commit(host->ring, size);
    ring_notify(host->ring);
    while (!place->done && host->open && host->session == session) {
        if (!wait_until(host, until) && !place->done) {
            place->lost = true;
            return H_PERMISSION;
        }
    }
    return !place->done ? H_PERMISSION : place->ok ? H_SUCCESS : H_REMOTE_PARM;
}

// Under lock, which is given up while memory is copied.
static bool copy_own(struct vscsi_host *host, const struct place *place, const struct vdev_copy *c)
{
    u8 *data = (u8 *)ring_data(host->ring) + (u64)(place - host->places) * VSCSI_HOST_COPY_MAX;
    pthread_mutex_unlock(&host->lock);
    bool ok = c->to_remote ? tce_read(host->vdev.lp, host->vdev.liobn, c->local, data, c->size)
                           : tce_write(host->vdev.lp, host->vdev.liobn, c->local, data, c->size);
    pthread_mutex_lock(&host->lock);
    return ok;
}

static long copy_locked(struct vscsi_host *host, const struct vdev_copy *c)
{
    long own = c->to_remote ? H_SOURCE_PARM : H_DEST_PARM, remote = c->to_remote ? H_DEST_PARM : H_SOURCE_PARM;
    struct timespec until;
    clock_gettime(CLOCK_MONOTONIC, &until);
    until.tv_sec += PATIENCE;
    u32 session = host->session;
    struct place *place = take_place(host, session, &until);
    if (!place || !host->ring)
        return H_PERMISSION;
    long rc = c->to_remote && !copy_own(host, place, c) ? own : ask(host, session, place, c, &until);
    if (rc == H_REMOTE_PARM)
        rc = remote;
    if (rc == H_SUCCESS && !c->to_remote && !copy_own(host, place, c))
        rc = own;
    if (!place->lost)
        *place = (struct place){0};
    return rc;
}

static long copy_rdma(struct vdev *vdev, struct cpu *cpu, const struct vdev_copy *c)
{
    struct vscsi_host *host = of(vdev);
    if (c->size > VSCSI_HOST_COPY_MAX)
        return H_PARAMETER;
    if (!c->size)
        return H_SUCCESS;
    if (!tce_permits(vdev->lp, vdev->liobn, c->local, c->size, c->to_remote ? TCE_READ : TCE_WRITE))
        return c->to_remote ? H_SOURCE_PARM : H_DEST_PARM;
    cpu_leave(cpu);
    pthread_mutex_lock(&host->lock);
    host->users++;
    long rc = copy_locked(host, c);
    host->users--;
    pthread_cond_broadcast(&host->changed);
    pthread_mutex_unlock(&host->lock);
    cpu_enter(cpu);
    return rc;
}

// Function, buffer: its I/O bus address with its size above.
static long vioctl(struct vdev *vdev, u64 function, u64 buffer)
{
    struct vscsi_host *host = of(vdev);
    u8 info[INFO_SIZE];
    if (function != PARTNER_INFO)
        return H_NOT_FOUND;
    pthread_mutex_lock(&host->lock);
    u32 partition = host->partition;
    store_be64(info, partition);
    store_be64(info + 8, VIO_UNIT(host->slot));
    pthread_mutex_unlock(&host->lock);
    if (buffer >> 32 < INFO_SIZE)
        return H_PARAMETER;
    if (!partition)
        return H_CLOSED;
    return tce_write(vdev->lp, vdev->liobn, (u32)buffer, info, INFO_SIZE) ? H_SUCCESS : H_PARAMETER;
}

static const struct vdev_ops host_ops = {
    .name = "v-scsi-host",
    .device_type = "v-scsi-host",
    .compatible = "IBM,v-scsi-host",
    .reg_crq = reg_crq,
    .free_crq = free_crq,
    .enable_crq = enable_crq,
    .send_crq = send_crq,
    .copy_rdma = copy_rdma,
    .vioctl = vioctl,
    .irq_enabled = irq_enabled,
    .reset = reset,
};

// --- the I/O thread

enum served { SERVED, EMPTY, NO_ROOM, BROKEN };

// Each under lock.
static enum served serve_opened(struct vscsi_host *host, u32 session)
{
    close_session(host, CRQ_EVENT_DEREGISTERED);
    host->session = session;
    host->open = host->crq.size && host->registered == host->serves;
    for (u32 i = 0; i < VSCSI_HOST_COPIES; i++)
        if (host->places[i].lost)
            host->places[i] = (struct place){0};
    return SERVED;
}

static enum served serve_element(struct vscsi_host *host, const u8 *shared, u32 size)
{
    struct vscsi_element m = {0};
    if (size < offsetof(struct vscsi_element, iu))
        return BROKEN;
    memcpy(&m, shared, offsetof(struct vscsi_element, iu));
    if (!host->open || m.header.session != host->session)
        return SERVED;
    if (m.element[0] != CRQ_COMMAND && m.element[0] != CRQ_INITIAL)
        return BROKEN;
    host->stalled = !crq_put(&host->crq, m.element);
    return host->stalled ? NO_ROOM : SERVED;
}

static enum served serve_copied(struct vscsi_host *host, const u8 *shared, u32 size)
{
    struct vscsi_copied m;
    if (size < sizeof(m))
        return BROKEN;
    memcpy(&m, shared, sizeof(m));
    if (m.id >= VSCSI_HOST_COPIES)
        return BROKEN;
    struct place *place = &host->places[m.id];
    if (m.header.session != host->session || !place->busy)
        return SERVED;
    if (place->lost) {
        *place = (struct place){0};
    } else {
        place->done = true;
        place->ok = !m.failed;
    }
    pthread_cond_broadcast(&host->changed);
    return SERVED;
}

static enum served serve(struct vscsi_host *host)
{
    u32 size;
    struct vscsi_header h;
    const u8 *shared = ring_peek(host->ring, &size);
    if (!shared || size < sizeof(h))
        return shared || ring_broken(host->ring) ? BROKEN : EMPTY;
    memcpy(&h, shared, sizeof(h));
    if (h.version != VSCSI_VERSION)
        return BROKEN;
    enum served served = SERVED;
    pthread_mutex_lock(&host->lock);
    switch (h.type) {
    case VSCSI_OPENED: served = serve_opened(host, h.session); break;
    case VSCSI_CLOSED:
        if (h.session == host->session)
            close_session(host, CRQ_EVENT_DEREGISTERED);
        break;
    case VSCSI_ELEMENT: served = serve_element(host, shared, size); break;
    case VSCSI_COPIED: served = serve_copied(host, shared, size); break;
    default: served = BROKEN; break;
    }
    pthread_mutex_unlock(&host->lock);
    if (served == SERVED)
        ring_consume(host->ring);
    return served;
}

// The client loses the link, too, where it is still there.
static void close_link(struct vscsi_host *host, u8 event)
{
    if (!host->ring)
        return;
    io_thread_remove(host->io, &host->bell);
    pthread_mutex_lock(&host->lock);
    close_session(host, event);
    while (host->users)
        pthread_cond_wait(&host->changed, &host->lock);
    struct ring *ring = host->ring;
    host->ring = NULL;
    host->stalled = false;
    pthread_mutex_unlock(&host->lock);
    ring_detach(ring);
    struct vios_place m = {.header = vios_header(VIOS_REMOVE_ADAPTER)};
    if (host->channel.fd >= 0)
        vios_send(host->channel.fd, &m, sizeof(m), NULL, 0);
}

static void drop_channel(struct vscsi_host *host)
{
    if (host->channel.fd < 0)
        return;
    io_thread_remove(host->io, &host->channel);
    close(host->channel.fd);
    host->channel.fd = -1;
    close_link(host, CRQ_EVENT_FAILED);
    ring_close_fds(&host->link);
    pthread_mutex_lock(&host->lock);
    host->partition = host->slot = 0;
    pthread_mutex_unlock(&host->lock);
}

static void serve_all(struct vscsi_host *host)
{
    enum served served = EMPTY;
    while (host->ring && ((served = serve(host)) == SERVED || (served == EMPTY && !ring_sleep(host->ring)))) {
    }
    if (served == BROKEN)
        drop_channel(host);
}

static void on_bell(void *arg)
{
    struct vscsi_host *host = arg;
    ring_woken(host->ring);
    serve_all(host);
}

// What is in the ring still was for an earlier registration.
static void drain(struct ring *ring)
{
    u32 size;
    while (ring_peek(ring, &size))
        ring_consume(ring);
}

static void open_link(struct vscsi_host *host, u32 registered)
{
    struct vios_adapter m = {.header = vios_header(VIOS_ADAPTER), .kind = VIOS_SCSI};
    int fds[3] = {host->link.memory, host->link.bell[0], host->link.bell[1]};
    struct ring *ring = ring_attach(&host->link, VSCSI_SERVER);
    if (!ring || ring_data_size(ring) < VSCSI_HOST_DATA_SIZE) {
        ring_detach(ring);
        return;
    }
    drain(ring);
    pthread_mutex_lock(&host->lock);
    host->ring = ring;
    host->open = false;
    host->serves = registered;
    memset(host->places, 0, sizeof(host->places));
    pthread_mutex_unlock(&host->lock);
    host->bell = (struct io_source){.fd = ring_bell(ring), .ready = on_bell, .arg = host};
    if (io_thread_add(host->io, &host->bell) || vios_send(host->channel.fd, &m, sizeof(m), fds, 3))
        drop_channel(host);
    else
        serve_all(host);
}

// The client's process has nothing to say: this is its end.
static void on_channel(void *arg)
{
    struct vscsi_host *host = arg;
    union vios_message m;
    int fds[VIOS_FDS_MAX];
    unsigned len = 0;
    int got = vios_receive(host->channel.fd, &m, fds, &len);
    for (unsigned i = 0; got > 0 && i < len; i++)
        close(fds[i]);
    drop_channel(host);
}

static void take_client(struct vscsi_host *host, const struct vscsi_client *client)
{
    drop_channel(host);
    host->link = client->link;
    host->channel = (struct io_source){.fd = client->channel, .ready = on_channel, .arg = host};
    if (io_thread_add(host->io, &host->channel)) {
        close(client->channel);
        ring_close_fds(&host->link);
        host->channel.fd = -1;
    }
}

static void on_kick(void *arg)
{
    struct vscsi_host *host = arg;
    eventfd_t count;
    eventfd_read(host->kick.fd, &count);
    pthread_mutex_lock(&host->lock);
    struct vscsi_client next = host->next;
    host->next.channel = -1;
    pthread_mutex_unlock(&host->lock);
    if (next.channel >= 0)
        take_client(host, &next);
    pthread_mutex_lock(&host->lock);
    if (next.channel >= 0 && host->channel.fd >= 0) {
        host->partition = next.partition;
        host->slot = next.slot;
    }
    u32 wanted = host->crq.size ? host->registered : 0;
    pthread_mutex_unlock(&host->lock);
    if (host->ring && host->serves != wanted)
        close_link(host, 0);
    if (!host->ring && wanted && host->channel.fd >= 0)
        open_link(host, wanted);
    else
        serve_all(host);
}

struct vscsi_host *vscsi_host_new(struct io_thread *io, u32 slot)
{
    struct vscsi_host *host = calloc(1, sizeof(*host));
    if (!host)
        return NULL;
    pthread_condattr_t attr;
    pthread_condattr_init(&attr);
    pthread_condattr_setclock(&attr, CLOCK_MONOTONIC);
    pthread_cond_init(&host->changed, &attr);
    pthread_condattr_destroy(&attr);
    pthread_mutex_init(&host->lock, NULL);
    host->vdev.ops = &host_ops;
    host->vdev.slot = slot;
    host->vdev.window_size = WINDOW_SIZE;
    host->vdev.remote_liobn = VIO_REMOTE_LIOBN(slot);
    host->crq.vdev = &host->vdev;
    host->io = io;
    host->next.channel = host->channel.fd = -1;
    host->link = (struct ring_fds){-1, {-1, -1}};
    host->kick = (struct io_source){.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), .ready = on_kick, .arg = host};
    if (host->kick.fd >= 0 && !io_thread_add(io, &host->kick))
        return host;
    if (host->kick.fd >= 0)
        close(host->kick.fd);
    pthread_mutex_destroy(&host->lock);
    pthread_cond_destroy(&host->changed);
    free(host);
    return NULL;
}

static void close_client(struct vscsi_client *client)
{
    if (client->channel < 0)
        return;
    close(client->channel);
    ring_close_fds(&client->link);
    client->channel = -1;
}

void vscsi_host_free(struct vscsi_host *host)
{
    if (!host)
        return;
    io_thread_remove(host->io, &host->kick);
    close(host->kick.fd);
    close_client(&host->next);
    drop_channel(host);
    pthread_mutex_destroy(&host->lock);
    pthread_cond_destroy(&host->changed);
    free(host);
}

struct vdev *vscsi_host_vdev(struct vscsi_host *host)
{
    return &host->vdev;
}

void vscsi_host_join(struct vscsi_host *host, const struct vscsi_client *client)
{
    pthread_mutex_lock(&host->lock);
    close_client(&host->next);
    host->next = *client;
    pthread_mutex_unlock(&host->lock);
    wake(host);
}
