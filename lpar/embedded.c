// SPDX-License-Identifier: Apache-2.0
//
// Everything after the start happens on the I/O thread: what the server says, its end, the next one. Each server has a link of its own, so that nothing of an earlier one,
// not even what the kernel still does for it, can be taken for the next one's.
#include "lpar/embedded.h"

#include <errno.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/timerfd.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ipc/child.h"
#include "ipc/ring.h"
#include "lpar/console.h"
#include "proto/vio/config.h"
#include "proto/vio/vscsi.h"
#include "vdev/io_thread.h"
#include "vdev/vscsi.h"

#define SLOT            2u     // the first ones are the consoles'
#define FIRST_WAIT_MS   2000u  // for whoever has a disk: a partition that was just ended
#define RESTART_WAIT_MS 60000u // for what the kernel still does for an earlier server
#define RETRY_NS        200000000

struct embedded {
    struct io_thread *io;
    struct vscsi *vscsi;
    u32 partition;
    struct embedded_disk disks[EMBEDDED_DISKS_MAX];
    unsigned disks_len;
    // The I/O thread's, once that runs.
    pid_t server; // 0: none
    int socket;   // -1: none
    struct ring_fds link;
    struct io_source said, retry;
    bool complained; // that no server starts
};

static void say(const char *text)
{
    fprintf(stderr, "openlpar: disks: %s%s", text, console_is_raw() ? "\r\n" : "\n");
}

static int tell_disk(const struct embedded *e, unsigned i, u32 wait_ms)
{
    const struct embedded_disk *d = &e->disks[i];
    struct vios_disk m = {.header = vios_header(VIOS_DISK), .target = i + 1, .wait_ms = wait_ms};
    m.flags = (d->read_only ? VIOS_DISK_READ_ONLY : 0) | (d->optical ? VIOS_DISK_OPTICAL : 0);
    snprintf(m.path, sizeof(m.path), "%s", d->path);
    return vios_send(e->socket, &m, sizeof(m), NULL, 0);
}

static int tell(const struct embedded *e, u32 wait_ms)
{
    struct vios_adapter a = {
        .header = vios_header(VIOS_ADAPTER), .kind = VIOS_SCSI, .partition = e->partition, .slot = SLOT};
    struct vios_header start = vios_header(VIOS_START);
    int fds[3] = {e->link.memory, e->link.bell[0], e->link.bell[1]};
    int err = vios_send(e->socket, &a, sizeof(a), fds, 3);
    for (unsigned i = 0; !err && i < e->disks_len; i++)
        err = tell_disk(e, i, wait_ms);
    return err ? err : vios_send(e->socket, &start, sizeof(start), NULL, 0);
}

// Ends the server and forgets what belonged to it.
static void drop_server(struct embedded *e)
{
    if (e->socket >= 0)
        close(e->socket);
    e->socket = -1;
    if (e->server) {
        kill(e->server, SIGKILL);
        while (waitpid(e->server, NULL, 0) < 0 && errno == EINTR)
            ;
    }
    e->server = 0;
    ring_close_fds(&e->link);
}

// A process that knows what it is to serve, and will say when it does.
static int start_server(struct embedded *e, u32 wait_ms)
{
    int err = ring_create(VSCSI_RING_SIZE, VSCSI_DATA_SIZE, &e->link);
    if (!err)
        err = child_start("openlpar-viosd", VIOS_FD, &e->server, &e->socket);
    if (!err)
        err = tell(e, wait_ms);
    if (err)
        drop_server(e);
    return err;
}

static void start_again(struct embedded *e);

static void retry_soon(struct embedded *e)
{
    struct itimerspec when = {.it_value.tv_nsec = RETRY_NS};
    timerfd_settime(e->retry.fd, 0, &when, NULL);
}

// The server is gone, or must go.
static void replace_server(struct embedded *e, bool at_once)
{
    io_thread_remove(e->io, &e->said);
    vscsi_disconnect(e->vscsi, true);
    drop_server(e);
    if (at_once)
        start_again(e);
    else
        retry_soon(e);
}

static void complain(struct embedded *e, const char *text)
{
    if (!e->complained)
        say(text);
    e->complained = true;
}

static void on_said(void *arg)
{
    struct embedded *e = arg;
    union vios_message m;
    int fds[VIOS_FDS_MAX];
    unsigned fds_len;
    int got = vios_receive(e->socket, &m, fds, &fds_len);
    if (got > 0 && m.header.type == VIOS_EVENT) {
        say(m.event.text);
        if (m.event.kind == VIOS_EVENT_EJECTED && m.event.target - 1 < e->disks_len)
            e->disks[m.event.target - 1].path = ""; // nor is it there for the next server
    } else if (got > 0 && m.header.type == VIOS_READY) {
        e->complained = false;
        if (vscsi_connect(e->vscsi, &e->link))
            replace_server(e, false);
    } else {
        if (got > 0 && m.header.type == VIOS_FAILED)
            complain(e, m.text.text);
        replace_server(e, got <= 0);
    }
}

static void start_again(struct embedded *e)
{
    int err = start_server(e, RESTART_WAIT_MS);
    if (!err) {
        e->said = (struct io_source){.fd = e->socket, .ready = on_said, .arg = e};
        err = io_thread_add(e->io, &e->said);
        if (err)
            drop_server(e);
    }
    if (err) {
        complain(e, strerror(-err));
        retry_soon(e);
    }
}

static void on_retry(void *arg)
{
    struct embedded *e = arg;
    u64 count;
    if (read(e->retry.fd, &count, sizeof(count)) == (ssize_t)sizeof(count))
        start_again(e);
}

static void on_broken(void *arg)
{
    replace_server(arg, true);
}

// Its first words.
static bool wait_ready(struct embedded *e, char *why, size_t why_size)
{
    union vios_message m;
    int fds[VIOS_FDS_MAX];
    unsigned fds_len;
    int got = vios_receive(e->socket, &m, fds, &fds_len);
    if (got == -ECONNRESET) // it ended with messages unread; its own last one comes behind that error
        got = vios_receive(e->socket, &m, fds, &fds_len);
    if (got > 0 && m.header.type == VIOS_READY)
        return true;
    if (got > 0 && m.header.type == VIOS_FAILED)
        snprintf(why, why_size, "%s", m.text.text);
    else
        snprintf(why, why_size,
                 "openlpar-viosd, which belongs beside this program, ended at its start or is of another version");
    return false;
}

struct embedded *embedded_start(u32 partition, const struct embedded_disk *disks, unsigned disks_len, char *why,
                                size_t why_size)
{
    struct embedded *e = calloc(1, sizeof(*e));
    snprintf(why, why_size, "no memory or no threads");
    if (!e)
        return NULL;
    e->partition = partition;
    e->disks_len = MIN(disks_len, EMBEDDED_DISKS_MAX);
    memcpy(e->disks, disks, e->disks_len * sizeof(*disks));
    e->socket = -1;
    e->link = (struct ring_fds){-1, {-1, -1}};
    e->retry = (struct io_source){
        .fd = timerfd_create(CLOCK_MONOTONIC, TFD_CLOEXEC | TFD_NONBLOCK), .ready = on_retry, .arg = e};
    e->io = io_thread_start();
    e->vscsi = e->io ? vscsi_new(e->io, SLOT, on_broken, e) : NULL;
    if (!e->vscsi || e->retry.fd < 0 || io_thread_add(e->io, &e->retry)) {
        embedded_stop(e);
        return NULL;
    }
    int err = start_server(e, FIRST_WAIT_MS);
    if (err) {
        snprintf(why, why_size, "openlpar-viosd, which belongs beside this program: %s", strerror(-err));
    } else if (wait_ready(e, why, why_size)) {
        e->said = (struct io_source){.fd = e->socket, .ready = on_said, .arg = e};
        if (!vscsi_connect(e->vscsi, &e->link) && !io_thread_add(e->io, &e->said))
            return e;
    }
    embedded_stop(e);
    return NULL;
}

struct vdev *embedded_adapter(struct embedded *e)
{
    return vscsi_vdev(e->vscsi);
}

void embedded_stop(struct embedded *e)
{
    if (!e)
        return;
    if (e->io) {
        io_thread_remove(e->io, &e->retry);
        io_thread_remove(e->io, &e->said);
        if (e->vscsi)
            vscsi_disconnect(e->vscsi, false);
    }
    io_thread_stop(e->io);
    drop_server(e);
    if (e->retry.fd >= 0)
        close(e->retry.fd);
    vscsi_free(e->vscsi);
    free(e);
}
