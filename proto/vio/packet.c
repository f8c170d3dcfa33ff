// SPDX-License-Identifier: Apache-2.0
#include "proto/vio/packet.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

int packet_send(int fd, const void *packet, size_t size, const int *fds, unsigned fds_len)
{
    _Alignas(struct cmsghdr) u8 control[CMSG_SPACE(sizeof(int) * PACKET_FDS_MAX)] = {0};
    struct iovec iov = {.iov_base = (void *)packet, .iov_len = size};
    struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
    if (fds_len > PACKET_FDS_MAX)
        return -EINVAL;
    if (fds_len) {
        msg.msg_control = control;
        msg.msg_controllen = CMSG_SPACE(sizeof(int) * fds_len);
        struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(sizeof(int) * fds_len);
        memcpy(CMSG_DATA(c), fds, sizeof(int) * fds_len);
    }
    ssize_t sent;
    do
        sent = sendmsg(fd, &msg, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent < 0 ? -errno : 0;
}

ssize_t packet_receive(int fd, void *packet, size_t size, int fds[PACKET_FDS_MAX], unsigned *fds_len)
{
    _Alignas(struct cmsghdr) u8 control[CMSG_SPACE(sizeof(int) * PACKET_FDS_MAX)];
    struct iovec iov = {.iov_base = packet, .iov_len = size};
    struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
    ssize_t got;
    *fds_len = 0;
    do
        got = recvmsg(fd, &msg, MSG_CMSG_CLOEXEC);
    while (got < 0 && errno == EINTR);
    if (got <= 0)
        return got < 0 ? -errno : 0;
    struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
    if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS) {
        *fds_len = (unsigned)((c->cmsg_len - CMSG_LEN(0)) / sizeof(int));
        memcpy(fds, CMSG_DATA(c), *fds_len * sizeof(int));
    }
    if (!(msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC)))
        return got;
    packet_close_fds(fds, *fds_len);
    *fds_len = 0;
    return -EPROTO;
}

void packet_close_fds(const int *fds, unsigned fds_len)
{
    for (unsigned i = 0; i < fds_len; i++)
        close(fds[i]);
}
