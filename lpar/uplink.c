// SPDX-License-Identifier: Apache-2.0
//
// A thread waits on the process's socket; the end of the process ends the conversation. What the new process needs, it asks the partition's adapter for over the link.
#include "lpar/uplink.h"

#include <errno.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

#include "ipc/child.h"
#include "proto/vio/frame.h"

#define PROGRAM  "openlpar-uplink"
#define PAUSE_MS 1000 // before a process that died is started again

struct uplink {
    struct uplink_message start;
    struct ring_fds link;
    int stop; // readable: the thread ends
    pthread_t thread;
    // The thread's, and before it uplink_start()'s.
    pid_t pid;
    int socket;
};

static void end_process(struct uplink *u)
{
    if (u->socket >= 0)
        close(u->socket); // it ends by itself
    u->socket = -1;
    if (u->pid > 0)
        waitpid(u->pid, NULL, 0);
    u->pid = 0;
}

static int begin_process(struct uplink *u, char *why, size_t why_size)
{
    int fds[3] = {u->link.memory, u->link.bell[0], u->link.bell[1]}, none[3];
    struct uplink_message answer;
    int err = child_start(PROGRAM, UPLINK_FD, &u->pid, &u->socket);
    if (!err)
        err = uplink_send(u->socket, &u->start, fds);
    int got = err ? err : uplink_receive(u->socket, &answer, none);
    if (got == 1 && answer.type == UPLINK_READY)
        return 0;
    if (got == 1 && answer.type == UPLINK_FAILED)
        snprintf(why, why_size, "%s", answer.text);
    else
        snprintf(why, why_size, "%s, which belongs beside this program: %s", PROGRAM,
                 got < 0 ? strerror(-got) : "it ended");
    end_process(u);
    return got < 0 ? got : -EIO;
}

static void *watch(void *arg)
{
    struct uplink *u = arg;
    char why[UPLINK_TEXT_MAX];
    for (;;) {
        struct pollfd p[] = {{.fd = u->stop, .events = POLLIN}, {.fd = u->socket, .events = POLLIN}};
        if (poll(p, 2, u->socket < 0 ? PAUSE_MS : -1) < 0 && errno != EINTR)
            break;
        if (p[0].revents)
            break;
        if (u->socket >= 0 && p[1].revents) { // it says nothing any more: it has ended, or should
            if (u->pid > 0)
                kill(u->pid, SIGKILL);
            end_process(u);
            continue;
        }
        if (u->socket < 0)
            begin_process(u, why, sizeof(why)); // else again, in a while
    }
    end_process(u);
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
    u->start = (struct uplink_message){.type = UPLINK_START, .forwards_len = options->forwards_len};
    memcpy(u->start.forwards, options->forwards, sizeof(u->start.forwards));
    u->stop = eventfd(0, EFD_CLOEXEC);
    u->socket = -1;
    int err = ring_create(FRAME_RING_SIZE, 0, &u->link);
    if (!err)
        err = u->stop < 0 ? -EMFILE : 0;
    if (err)
        snprintf(why, why_size, "%s", strerror(-err));
    else
        err = begin_process(u, why, why_size);
    if (!err) {
        err = -pthread_create(&u->thread, NULL, watch, u);
        if (err)
            end_process(u);
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
