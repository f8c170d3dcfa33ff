// SPDX-License-Identifier: Apache-2.0
// openlpar-viosd: the process of a Virtual I/O Server. Its starter tells it over descriptor 3 what it serves (proto/vio/config.h).
//
// One thread: opens everything, says that it is ready, shuts itself in, then serves until its starter is gone.
#include <errno.h>
#include <poll.h>
#include <seccomp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ipc/shut_in.h"
#include "proto/vio/config.h"
#include "vios/srp.h"

#define DISKS_MAX 256u

// What a server does that has opened everything: memory, time, its ring, its descriptors. What the ring may do is restricted by itself (vios/loop.c).
static const int allowed[] = {
    SCMP_SYS(read),
    SCMP_SYS(write),
    SCMP_SYS(sendmsg),
    SCMP_SYS(recvmsg),
    SCMP_SYS(io_uring_enter),
    SCMP_SYS(io_uring_register),
    SCMP_SYS(fsetxattr),
    SCMP_SYS(fgetxattr),
    SCMP_SYS(fsync),
    SCMP_SYS(fdatasync),
    SCMP_SYS(close),
    SCMP_SYS(mmap),
    SCMP_SYS(munmap),
    SCMP_SYS(mremap),
    SCMP_SYS(madvise),
    SCMP_SYS(mprotect),
    SCMP_SYS(brk),
    SCMP_SYS(futex),
    SCMP_SYS(clock_gettime),
    SCMP_SYS(clock_nanosleep),
    SCMP_SYS(nanosleep),
    SCMP_SYS(gettid),
    SCMP_SYS(getpid),
    SCMP_SYS(tgkill),
    SCMP_SYS(rt_sigaction),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(sigaltstack),
    SCMP_SYS(sched_yield),
    SCMP_SYS(restart_syscall),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
};

struct server {
    struct loop loop;
    struct loop_op gone;
    struct srp_port *ports[VIOS_ADAPTERS_MAX];
    struct scsi_lu *disks[DISKS_MAX];
    unsigned disks_len;
};

PRINTF_LIKE(1, 2) static _Noreturn void fail(const char *fmt, ...)
{
    struct vios_text m = {.header = vios_header(VIOS_FAILED)};
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(m.text, sizeof(m.text), fmt, ap);
    va_end(ap);
    vios_send(VIOS_FD, &m, sizeof(m), NULL, 0);
    exit(1);
}

static void add_adapter(struct server *s, const struct vios_adapter *m, const int *fds)
{
    struct ring_fds link = {fds[0], {fds[1], fds[2]}};
    char name[16];
    snprintf(name, sizeof(name), "vhost%u", m->id);
    if (m->kind != VIOS_SCSI || s->ports[m->id])
        fail("adapter %u: of no known kind, or told twice", m->id);
    s->ports[m->id] = srp_port_new(&s->loop, &link, name, m->partition, m->slot);
    if (!s->ports[m->id])
        fail("adapter %u: %s", m->id, strerror(errno));
}

static void add_disk(struct server *s, const struct vios_disk *m)
{
    char why[256];
    if (!s->ports[m->adapter] || s->disks_len == DISKS_MAX)
        fail("%s: there is no adapter %u, or there are too many disks", m->path, m->adapter);
    struct store *store = store_open_file(&s->loop, m->path, m->flags & (VIOS_DISK_READ_ONLY | VIOS_DISK_OPTICAL),
                                          m->wait_ms, why, sizeof(why));
    if (!store)
        fail("%s: %s", m->path, why);
    struct scsi_lu *lu = scsi_lu_new(store, m->flags & VIOS_DISK_OPTICAL);
    if (!lu)
        fail("%s: no memory", m->path);
    s->disks[s->disks_len++] = lu;
    if (!srp_port_add(s->ports[m->adapter], m->target, lu))
        fail("%s: target %u is taken", m->path, m->target);
}

// Until everything is told. false: the starter is gone.
static bool configure(struct server *s)
{
    union vios_message m;
    int fds[VIOS_FDS_MAX];
    unsigned fds_len;
    for (;;) {
        int got = vios_receive(VIOS_FD, &m, fds, &fds_len);
        if (got == 0)
            return false;
        if (got < 0)
            fail("a message of another version of OpenLPAR, or none: %s", strerror(-got));
        switch (m.header.type) {
        case VIOS_ADAPTER: add_adapter(s, &m.adapter, fds); break;
        case VIOS_DISK: add_disk(s, &m.disk); break;
        case VIOS_START: return true;
        default: fail("a message of kind %u is not for a server", m.header.type);
        }
    }
}

// Nothing more is said to a server that runs: what there is to read is the end.
static void on_starter(struct loop_op *op, int result)
{
    loop_stop(&container_of(op, struct server, gone)->loop);
}

int main(void)
{
    static struct server server;
    struct server *s = &server;
    int type = 0;
    socklen_t size = sizeof(type);
    if (getsockopt(VIOS_FD, SOL_SOCKET, SO_TYPE, &type, &size) || type != SOCK_SEQPACKET) {
        fprintf(stderr, "openlpar-viosd: partitions with disks start this program: openlpar boot --disk FILE\n");
        return 1;
    }
    int err = loop_init(&s->loop);
    if (err)
        fail("io_uring: %s; allow it with: sysctl kernel.io_uring_disabled=0", strerror(-err));
    if (!configure(s))
        return 0;
    err = loop_restrict(&s->loop);
    if (err)
        fail("io_uring restrictions: %s", strerror(-err));
    s->gone.done = on_starter;
    struct io_uring_sqe *sqe = loop_get(&s->loop, &s->gone);
    io_uring_prep_poll_add(sqe, VIOS_FD, POLLIN | POLLHUP);
    loop_prepare(sqe, &s->gone);
    struct vios_header ready = vios_header(VIOS_READY);
    if (vios_send(VIOS_FD, &ready, sizeof(ready), NULL, 0))
        return 0;
    if (shut_in(allowed, ARRAY_LEN(allowed), SHUT_IN_WRITE_FILES))
        fail("the host refuses seccomp filters");
    loop_run(&s->loop);
    return 0;
}
