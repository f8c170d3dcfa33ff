// SPDX-License-Identifier: Apache-2.0
#include "proto/hyper/link.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct link_frame {
    struct link_frame *next;
    u8 *data;
    size_t size, done;
    int fds[WIRE_FDS_MAX];
    u32 fds_len;
};

static void close_all(const int *fds, u32 len)
{
    for (u32 i = 0; i < len; i++)
        close(fds[i]);
}

void link_init(struct link *link, int fd)
{
    *link = (struct link){.fd = fd};
    link->out_end = &link->out;
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
}

static void drop_frame(struct link *link)
{
    struct link_frame *frame = link->out;
    link->out = frame->next;
    if (!link->out)
        link->out_end = &link->out;
    link->out_size -= frame->size;
    close_all(frame->fds, frame->fds_len);
    free(frame->data);
    free(frame);
}

void link_fini(struct link *link)
{
    while (link->out)
        drop_frame(link);
    close_all(link->fds, link->fds_len);
    link->fds_len = 0;
    free(link->in);
    link->in = NULL;
    if (link->fd >= 0)
        close(link->fd);
    link->fd = -1;
}

#define IN_ROOM (WIRE_HEADER + WIRE_BODY_MAX)

// Descriptors that came with some bytes. false: more than anybody may send ahead.
static bool keep_fds(struct link *link, struct msghdr *msg)
{
    bool ok = !(msg->msg_flags & MSG_CTRUNC);
    for (struct cmsghdr *c = CMSG_FIRSTHDR(msg); c; c = CMSG_NXTHDR(msg, c)) {
        if (c->cmsg_level != SOL_SOCKET || c->cmsg_type != SCM_RIGHTS)
            continue;
        size_t len = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        for (size_t i = 0; i < len; i++) {
            int fd;
            memcpy(&fd, CMSG_DATA(c) + i * sizeof(int), sizeof(fd));
            if (link->fds_len < ARRAY_LEN(link->fds)) {
                link->fds[link->fds_len++] = fd;
            } else {
                close(fd);
                ok = false;
            }
        }
    }
    return ok;
}

int link_fill(struct link *link)
{
    alignas(struct cmsghdr) char control[CMSG_SPACE(WIRE_FDS_MAX * sizeof(int))];
    if (!link->in && !(link->in = malloc(IN_ROOM)))
        return -ENOMEM;
    if (link->in_used) {
        memmove(link->in, link->in + link->in_used, link->in_size - link->in_used);
        link->in_size -= link->in_used;
        link->in_used = 0;
    }
    if (link->in_size == IN_ROOM)
        return 1; // a whole frame is there
    struct iovec iov = {link->in + link->in_size, IN_ROOM - link->in_size};
    struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
    ssize_t got = recvmsg(link->fd, &msg, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    if (got < 0)
        return errno == EINTR ? -EAGAIN : -errno;
    if (!keep_fds(link, &msg))
        return -EPROTO;
    link->in_size += (size_t)got;
    return got > 0;
}

int link_next(struct link *link, struct wire_message *m, int fds[WIRE_FDS_MAX])
{
    m->fds = 0;
    if (!link->in)
        return 0;
    const u8 *data = link->in + link->in_used;
    size_t have = link->in_size - link->in_used;
    s64 size = wire_frame_size(data, have);
    if (size <= 0 || (u64)size > have)
        return size < 0 ? -EPROTO : 0;
    int err = wire_decode(data, (size_t)size, m);
    if (err || m->fds > link->fds_len) {
        m->fds = 0;
        return -EPROTO;
    }
    memcpy(fds, link->fds, m->fds * sizeof(int));
    link->fds_len -= m->fds;
    memmove(link->fds, link->fds + m->fds, link->fds_len * sizeof(int));
    link->in_used += (size_t)size;
    return 1;
}

bool link_serve(struct link *link, bool (*take)(const struct wire_message *message, const int *fds))
{
    static struct wire_message m; // large
    int fds[WIRE_FDS_MAX], err = link_fill(link), got = 0;
    while (err > 0 && (got = link_next(link, &m, fds)) > 0) {
        bool ok = take(&m, fds);
        for (u32 i = 0; i < m.fds; i++)
            close(fds[i]);
        if (!ok)
            return false;
    }
    return got >= 0 && err != 0 && (err > 0 || err == -EAGAIN);
}

void link_send(struct link *link, const struct wire_message *message, const int *fds, u32 fds_len)
{
    struct link_frame *frame = calloc(1, sizeof(*frame));
    struct wire_message m = *message;
    m.fds = (u16)fds_len;
    if (frame)
        frame->data = wire_encode(&m, &frame->size);
    if (!frame || !frame->data || link->out_size + frame->size > LINK_OUT_MAX) {
        if (frame)
            free(frame->data);
        free(frame);
        link->failed = true;
        return;
    }
    for (u32 i = 0; i < fds_len; i++) {
        int fd = fcntl(fds[i], F_DUPFD_CLOEXEC, 3);
        if (fd < 0)
            link->failed = true;
        else
            frame->fds[frame->fds_len++] = fd;
    }
    *link->out_end = frame;
    link->out_end = &frame->next;
    link->out_size += frame->size;
}

int link_flush(struct link *link)
{
    while (link->out) {
        struct link_frame *frame = link->out;
        alignas(struct cmsghdr) char control[CMSG_SPACE(WIRE_FDS_MAX * sizeof(int))] = {0};
        struct iovec iov = {frame->data + frame->done, frame->size - frame->done};
        struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
        if (!frame->done && frame->fds_len) {
            msg.msg_control = control;
            msg.msg_controllen = CMSG_SPACE(frame->fds_len * sizeof(int));
            struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
            c->cmsg_level = SOL_SOCKET;
            c->cmsg_type = SCM_RIGHTS;
            c->cmsg_len = CMSG_LEN(frame->fds_len * sizeof(int));
            memcpy(CMSG_DATA(c), frame->fds, frame->fds_len * sizeof(int));
        }
        ssize_t done = sendmsg(link->fd, &msg, MSG_NOSIGNAL | MSG_DONTWAIT);
        if (done < 0)
            return errno == EINTR ? -EAGAIN : -errno;
        frame->done += (size_t)done;
        if (frame->done == frame->size)
            drop_frame(link);
    }
    return 0;
}

static int peer(int fd, struct ucred *cred)
{
    socklen_t size = sizeof(*cred);
    return getsockopt(fd, SOL_SOCKET, SO_PEERCRED, cred, &size);
}

s64 link_peer_uid(int fd)
{
    struct ucred cred;
    return peer(fd, &cred) ? -1 : (s64)cred.uid;
}

int link_accept(int listen_fd)
{
    int fd = accept4(listen_fd, NULL, NULL, SOCK_CLOEXEC);
    if (fd >= 0 && link_peer_uid(fd) != (s64)geteuid()) {
        close(fd);
        fd = -1;
    }
    return fd;
}

int link_peer_pid(int fd)
{
    struct ucred cred;
    return peer(fd, &cred) ? 0 : cred.pid;
}

static int wait_for(struct link *link, short events)
{
    struct pollfd p = {.fd = link->fd, .events = events};
    int ready = poll(&p, 1, link->patience_ms ? link->patience_ms : -1);
    return ready < 0 && errno != EINTR ? -errno : ready == 0 ? -ETIMEDOUT : 0;
}

int link_send_all(struct link *link, const struct wire_message *message, const int *fds, u32 fds_len)
{
    link_send(link, message, fds, fds_len);
    if (link->failed)
        return -ENOMEM;
    for (;;) {
        int err = link_flush(link);
        if (err != -EAGAIN)
            return err;
        err = wait_for(link, POLLOUT);
        if (err)
            return err;
    }
}

int link_wait(struct link *link, struct wire_message *m, int fds[WIRE_FDS_MAX])
{
    for (;;) {
        int got = link_next(link, m, fds);
        if (got)
            return got;
        int err = link_fill(link);
        if (err == -EAGAIN) {
            err = wait_for(link, POLLIN);
            if (err)
                return err;
        } else if (err <= 0) {
            return err;
        }
    }
}
