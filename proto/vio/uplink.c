// SPDX-License-Identifier: Apache-2.0
#include "proto/vio/uplink.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#define FDS      3u
#define VID_LAST 4094u

static unsigned fds_of(const struct uplink_message *m)
{
    if (m->type == UPLINK_REAL)
        return m->real.kind == UPLINK_FD_GIVEN;
    return m->type == UPLINK_PORT ? FDS : 0;
}

int uplink_send(int fd, const struct uplink_message *message, const int fds[3])
{
    _Alignas(struct cmsghdr) u8 control[CMSG_SPACE(sizeof(int) * FDS)] = {0};
    struct uplink_message copy = *message;
    struct iovec iov = {.iov_base = &copy, .iov_len = sizeof(copy)};
    struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
    unsigned len = fds_of(message);
    if (len) {
        msg.msg_control = control;
        msg.msg_controllen = CMSG_SPACE(sizeof(int) * len);
        struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(sizeof(int) * len);
        memcpy(CMSG_DATA(c), fds, sizeof(int) * len);
    }
    copy.version = UPLINK_VERSION;
    ssize_t sent;
    do
        sent = sendmsg(fd, &msg, MSG_NOSIGNAL);
    while (sent < 0 && errno == EINTR);
    return sent < 0 ? -errno : 0;
}

static bool in_network(u32 address)
{
    return (address & 0xffffff00u) == UPLINK_NETWORK && address > UPLINK_DNS && address <= UPLINK_LAST;
}

bool uplink_message_valid(const struct uplink_message *m, size_t size)
{
    if (size != sizeof(*m) || m->version != UPLINK_VERSION)
        return false;
    switch (m->type) {
    case UPLINK_PORT:
        return m->port.side <= 1 && !(m->port.mac[0] & 1) && m->port.pvid <= VID_LAST &&
               m->port.vlans_len <= UPLINK_VLANS_MAX && m->port.use <= UPLINK_CONTROL && m->port.priority <= 15 &&
               m->port.standby <= 1 && m->port.starts_closed <= 1 && memchr(m->port.tftp, 0, sizeof(m->port.tftp)) &&
               memchr(m->port.bootfile, 0, sizeof(m->port.bootfile));
    case UPLINK_REAL:
        return m->real.kind >= UPLINK_TAP && m->real.kind <= UPLINK_FD_GIVEN && m->real.default_id <= VID_LAST &&
               memchr(m->real.name, 0, sizeof(m->real.name));
    case UPLINK_LEASE: return in_network(m->lease.address) && !(m->lease.mac[0] & 1);
    case UPLINK_FORWARD:
        return m->forward.host_port && m->forward.guest_port && m->forward.udp <= 1 &&
               in_network(m->forward.guest_address);
    case UPLINK_START: return in_network(m->start.first_address);
    case UPLINK_QUERY:
    case UPLINK_STATE:
    case UPLINK_READY: return true;
    case UPLINK_FAILED:
    case UPLINK_EVENT: return memchr(m->text, 0, sizeof(m->text)) != NULL;
    default: return false;
    }
}

int uplink_receive(int fd, struct uplink_message *message, int fds[3])
{
    _Alignas(struct cmsghdr) u8 control[CMSG_SPACE(sizeof(int) * FDS)];
    struct iovec iov = {.iov_base = message, .iov_len = sizeof(*message)};
    struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1, .msg_control = control, .msg_controllen = sizeof(control)};
    ssize_t got;
    do
        got = recvmsg(fd, &msg, MSG_CMSG_CLOEXEC);
    while (got < 0 && errno == EINTR);
    if (got <= 0)
        return got < 0 ? -errno : 0;
    int passed[FDS] = {-1, -1, -1};
    size_t len = 0;
    struct cmsghdr *c = CMSG_FIRSTHDR(&msg);
    if (c && c->cmsg_level == SOL_SOCKET && c->cmsg_type == SCM_RIGHTS) {
        len = (c->cmsg_len - CMSG_LEN(0)) / sizeof(int);
        memcpy(passed, CMSG_DATA(c), len * sizeof(int));
    }
    if (!(msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) && uplink_message_valid(message, (size_t)got) &&
        len == fds_of(message)) {
        memcpy(fds, passed, sizeof(passed));
        return 1;
    }
    for (size_t i = 0; i < len; i++)
        close(passed[i]);
    return -EPROTO;
}
