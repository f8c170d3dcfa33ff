// SPDX-License-Identifier: Apache-2.0
#include "proto/vio/config.h"

#include <errno.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

struct vios_header vios_header(enum vios_type type)
{
    return (struct vios_header){.type = (u16)type, .version = VIOS_VERSION};
}

int vios_send(int fd, const void *message, size_t size, const int *fds, unsigned fds_len)
{
    _Alignas(struct cmsghdr) u8 control[CMSG_SPACE(sizeof(int) * VIOS_FDS_MAX)] = {0};
    struct iovec iov = {.iov_base = (void *)message, .iov_len = size};
    struct msghdr msg = {.msg_iov = &iov, .msg_iovlen = 1};
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

bool vios_message_valid(const union vios_message *m, size_t size, unsigned fds_len)
{
    static const struct {
        size_t size;
        unsigned fds;
    } rows[] = {
        [VIOS_ADAPTER] = {sizeof(struct vios_adapter), 3}, [VIOS_DISK] = {sizeof(struct vios_disk), 0},
        [VIOS_START] = {sizeof(struct vios_header), 0},    [VIOS_READY] = {sizeof(struct vios_header), 0},
        [VIOS_FAILED] = {sizeof(struct vios_text), 0},     [VIOS_EVENT] = {sizeof(struct vios_text), 0},
    };
    if (size < sizeof(m->header) || m->header.version != VIOS_VERSION || m->header.type >= ARRAY_LEN(rows) ||
        !rows[m->header.type].size || rows[m->header.type].size != size || rows[m->header.type].fds != fds_len)
        return false;
    switch (m->header.type) {
    case VIOS_ADAPTER: return m->adapter.id < VIOS_ADAPTERS_MAX;
    case VIOS_DISK:
        return m->disk.adapter < VIOS_ADAPTERS_MAX && m->disk.target && m->disk.target < VIOS_TARGETS_MAX &&
               memchr(m->disk.path, 0, sizeof(m->disk.path));
    case VIOS_FAILED:
    case VIOS_EVENT: return memchr(m->text.text, 0, sizeof(m->text.text));
    default: return true;
    }
}

int vios_receive(int fd, union vios_message *message, int fds[VIOS_FDS_MAX], unsigned *fds_len)
{
    _Alignas(struct cmsghdr) u8 control[CMSG_SPACE(sizeof(int) * VIOS_FDS_MAX)];
    struct iovec iov = {.iov_base = message, .iov_len = sizeof(*message)};
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
    if (!(msg.msg_flags & (MSG_TRUNC | MSG_CTRUNC)) && vios_message_valid(message, (size_t)got, *fds_len))
        return 1;
    while (*fds_len)
        close(fds[--*fds_len]);
    return -EPROTO;
}
