// SPDX-License-Identifier: Apache-2.0
//
// A thread waits on the process's socket; the end of the process ends the conversation. What the new process needs, it asks the partition's adapter for over the link.
#include "lpar/uplink.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <unistd.h>

#include "ipc/uplink.h"
#include "proto/vio/frame.h"

#define PAUSE_MS 1000 // before a process that died is started again

struct uplink {
    struct net_options options;
    struct ring_fds link;
    int stop; // readable: the thread ends
    pthread_t thread;
    struct uplink_process process; // the thread's, and before it uplink_start()'s
};

static int begin_process(struct uplink *u, char *why, size_t why_size)
{
    struct uplink_spec spec = {
        .port.side = 1, .link = &u->link, .forwards = u->options.forwards, .forwards_len = u->options.forwards_len};
    memcpy(spec.port.tftp, u->options.tftp, sizeof(spec.port.tftp));
    memcpy(spec.port.bootfile, u->options.bootfile, sizeof(spec.port.bootfile));
    int err = uplink_begin(&spec, &u->process);
    if (err)
        snprintf(why, why_size, "openlpar-uplink, which belongs beside this program: %s", strerror(-err));
    return err ? err : uplink_wait_ready(&u->process, why, why_size);
}

static void *watch(void *arg)
{
    struct uplink *u = arg;
    char why[UPLINK_TEXT_MAX];
    for (;;) {
        struct pollfd p[] = {{.fd = u->stop, .events = POLLIN}, {.fd = u->process.socket, .events = POLLIN}};
        if (poll(p, 2, u->process.socket < 0 ? PAUSE_MS : -1) < 0 && errno != EINTR)
            break;
        if (p[0].revents)
            break;
        if (u->process.socket >= 0 && p[1].revents)
            uplink_end(&u->process); // it says nothing any more: it has ended, or should
        else if (u->process.socket < 0)
            begin_process(u, why, sizeof(why)); // else again, in a while
    }
    uplink_end(&u->process);
    return NULL;
}

static void release(struct uplink *u)
{
    ring_close_fds(&u->link);
    if (u->stop >= 0)
        close(u->stop);
    free(u);
}

int uplink_start(const struct net_options *options, struct uplink **uplink, char *why, size_t why_size)
{
    struct uplink *u = calloc(1, sizeof(*u));
    *uplink = NULL;
    snprintf(why, why_size, "%s", strerror(ENOMEM));
    if (!u)
        return -ENOMEM;
    u->options = *options;
    u->stop = eventfd(0, EFD_CLOEXEC);
    u->process = UPLINK_NO_PROCESS;
    int err = ring_create(FRAME_RING_SIZE, FRAME_LINK_DATA, &u->link);
    if (!err)
        err = u->stop < 0 ? -EMFILE : 0;
    if (err)
        snprintf(why, why_size, "%s", strerror(-err));
    else
        err = begin_process(u, why, why_size);
    if (!err) {
        err = -pthread_create(&u->thread, NULL, watch, u);
        if (err)
            uplink_end(&u->process);
    }
    if (err) {
        release(u);
        return err;
    }
    *uplink = u;
    return 0;
}

void uplink_stop(struct uplink *u)
{
    if (!u)
        return;
    u64 one = 1;
    ssize_t done = write(u->stop, &one, sizeof(one));
    (void)done;
    pthread_join(u->thread, NULL);
    release(u);
}

const struct ring_fds *uplink_link(const struct uplink *u)
{
    return &u->link;
}
