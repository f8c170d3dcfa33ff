// SPDX-License-Identifier: Apache-2.0
//
// Everything that concerns a channel or a link happens on the I/O thread; others leave a new channel at the adapter and wake that thread up.
#include "lpar/servers.h"

#include <pthread.h>
#include <stdlib.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "ipc/ring.h"
#include "proto/vio/config.h"
#include "vdev/io_thread.h"
#include "vdev/vscsi.h"

#define ADAPTERS_MAX 62u

struct server {
    struct vscsi *vscsi;     // a client's adapter, or
    struct vscsi_host *host; // a server's
    u32 slot;
    _Atomic int next;     // a channel that is to take the place of this one; -1: none
    _Atomic bool leaving; // nobody else knows it any more
    // The I/O thread's.
    struct io_source channel; // its descriptor -1: there is none
    struct io_thread *io;
    struct ring_fds link;
};

struct servers {
    struct io_thread *io;
    struct io_source woken;
    pthread_mutex_t lock;
    // Under lock.
    struct server *list[ADAPTERS_MAX];
    u32 len;
};

static void drop_link(struct server *s)
{
    vscsi_disconnect(s->vscsi, true);
    ring_close_fds(&s->link);
}

static void drop_channel(struct server *s)
{
    if (s->channel.fd < 0)
        return;
    io_thread_remove(s->io, &s->channel);
    close(s->channel.fd);
    s->channel.fd = -1;
    drop_link(s);
}

static void take_link(struct server *s, const int fds[3])
{
    drop_link(s);
    s->link = (struct ring_fds){fds[0], {fds[1], fds[2]}};
    if (vscsi_connect(s->vscsi, &s->link))
        drop_link(s);
}

static void on_said(void *arg)
{
    struct server *s = arg;
    union vios_message m;
    int fds[VIOS_FDS_MAX];
    unsigned len;
    int got = vios_receive(s->channel.fd, &m, fds, &len);
    if (got > 0 && m.header.type == VIOS_ADAPTER) {
        take_link(s, fds);
        return;
    }
    for (unsigned i = 0; got > 0 && i < len; i++)
        close(fds[i]);
    if (got > 0 && m.header.type == VIOS_REMOVE_ADAPTER)
        drop_link(s);
    else
        drop_channel(s); // it ended, or says what it may not say
}

// The data path broke the link's rules: its process hears of that by the end of the channel.
static void on_broken(void *arg)
{
    drop_channel(arg);
}

static void take_channel(struct server *s, int fd)
{
    drop_channel(s);
    s->channel.fd = fd;
    if (io_thread_add(s->io, &s->channel)) {
        close(fd);
        s->channel.fd = -1;
    }
}

// The last that is done with it.
static void end_server(struct server *s)
{
    int unused = atomic_exchange(&s->next, -1);
    if (unused >= 0)
        close(unused);
    drop_channel(s);
    vscsi_free(s->vscsi);
    vscsi_host_free(s->host);
    free(s);
}

static void on_woken(void *arg)
{
    struct servers *servers = arg;
    eventfd_t count;
    eventfd_read(servers->woken.fd, &count);
    pthread_mutex_lock(&servers->lock);
    for (u32 i = 0; i < servers->len;) {
        struct server *s = servers->list[i];
        int fd = atomic_load(&s->leaving) ? -1 : atomic_exchange(&s->next, -1);
        if (atomic_load(&s->leaving)) {
            end_server(s);
            servers->list[i] = servers->list[--servers->len];
            continue;
        }
        if (fd >= 0)
            take_channel(s, fd);
        i++;
    }
    pthread_mutex_unlock(&servers->lock);
}

struct servers *servers_new(void)
{
    struct servers *servers = calloc(1, sizeof(*servers));
    if (!servers)
        return NULL;
    pthread_mutex_init(&servers->lock, NULL);
    servers->io = io_thread_start();
    servers->woken =
        (struct io_source){.fd = eventfd(0, EFD_CLOEXEC | EFD_NONBLOCK), .ready = on_woken, .arg = servers};
    if (servers->io && servers->woken.fd >= 0 && !io_thread_add(servers->io, &servers->woken))
        return servers;
    io_thread_stop(servers->io);
    if (servers->woken.fd >= 0)
        close(servers->woken.fd);
    pthread_mutex_destroy(&servers->lock);
    free(servers);
    return NULL;
}

static struct vdev *vdev_of(const struct server *s)
{
    return s->host ? vscsi_host_vdev(s->host) : vscsi_vdev(s->vscsi);
}

struct vdev *servers_add(struct servers *servers, u32 slot, bool server)
{
    struct server *s = calloc(1, sizeof(*s));
    if (!s)
        return NULL;
    s->slot = slot;
    s->io = servers->io;
    s->link = (struct ring_fds){-1, {-1, -1}};
    s->next = -1;
    s->channel = (struct io_source){.fd = -1, .ready = on_said, .arg = s};
    if (server)
        s->host = vscsi_host_new(s->io, slot);
    else
        s->vscsi = vscsi_new(s->io, slot, on_broken, s);
    pthread_mutex_lock(&servers->lock);
    if (!(s->host || s->vscsi) || servers->len == ADAPTERS_MAX) {
        pthread_mutex_unlock(&servers->lock);
        vscsi_free(s->vscsi);
        vscsi_host_free(s->host);
        free(s);
        return NULL;
    }
    servers->list[servers->len++] = s;
    pthread_mutex_unlock(&servers->lock);
    return vdev_of(s);
}

// Under lock.
static struct server *find(struct servers *servers, u32 slot)
{
    for (u32 i = 0; i < servers->len; i++)
        if (servers->list[i]->slot == slot && !atomic_load(&servers->list[i]->leaving))
            return servers->list[i];
    return NULL;
}

bool servers_join(struct servers *servers, u32 slot, const struct vscsi_client *client)
{
    int unused = -1;
    pthread_mutex_lock(&servers->lock);
    struct server *s = find(servers, slot);
    if (s && (client->link.memory >= 0) != (s->host != NULL))
        s = NULL;
    else if (s && s->host)
        vscsi_host_join(s->host, client);
    else if (s)
        unused = atomic_exchange(&s->next, client->channel);
    pthread_mutex_unlock(&servers->lock);
    if (unused >= 0)
        close(unused);
    if (s)
        eventfd_write(servers->woken.fd, 1);
    return s;
}

struct vdev *servers_find(struct servers *servers, u32 slot)
{
    pthread_mutex_lock(&servers->lock);
    struct server *s = find(servers, slot);
    pthread_mutex_unlock(&servers->lock);
    return s ? vdev_of(s) : NULL;
}

void servers_remove(struct servers *servers, u32 slot)
{
    pthread_mutex_lock(&servers->lock);
    struct server *s = find(servers, slot);
    if (s)
        atomic_store(&s->leaving, true);
    pthread_mutex_unlock(&servers->lock);
    if (s)
        eventfd_write(servers->woken.fd, 1);
}

void servers_free(struct servers *servers)
{
    if (!servers)
        return;
    io_thread_remove(servers->io, &servers->woken);
    for (u32 i = 0; i < servers->len; i++)
        end_server(servers->list[i]);
    io_thread_stop(servers->io);
    close(servers->woken.fd);
    pthread_mutex_destroy(&servers->lock);
    free(servers);
}
