// SPDX-License-Identifier: Apache-2.0
// openlpar-viosd: the process of a Virtual I/O Server. Its starter tells it over descriptor 3 what it serves (proto/vio/config.h).
//
// One thread: opens everything, says that it is ready, shuts itself in, then serves, and does what it is told meanwhile, until its starter is gone.
#include <errno.h>
#include <poll.h>
#include <seccomp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/sanitized.h"
#include "ipc/shut_in.h"
#include "proto/vio/config.h"
#include "vios/server.h"

SANITIZED_SHUT_IN

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
    SCMP_SYS(fcntl), // of links that come later: their seals and size
    SCMP_SYS(fstat),
    SCMP_SYS(newfstatat),
    SCMP_SYS(pread64),
    SCMP_SYS(pwrite64),
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

struct process {
    struct loop loop;
    struct server *server;
    struct loop_op said; // the starter said something
};

static void say(void *arg, const void *message, size_t size)
{
    vios_send(VIOS_FD, message, size, NULL, 0); // a starter that is gone is noticed elsewhere
}

// Until everything is told. false: the starter is gone.
static bool configure(struct process *p)
{
    union vios_message m;
    int fds[VIOS_FDS_MAX];
    unsigned fds_len;
    char why[VIOS_TEXT_MAX];
    for (;;) {
        int got = vios_receive(VIOS_FD, &m, fds, &fds_len);
        if (got == 0)
            return false;
        if (got < 0)
            vios_fail(VIOS_FD, "a message of another version of OpenLPAR, or none: %s", strerror(-got));
        if (m.header.type == VIOS_START)
            return true;
        if (!server_take(p->server, &m, fds, fds_len, why, sizeof(why)))
            vios_fail(VIOS_FD, "%s", why);
    }
}

static void listen_to_starter(struct process *p)
{
    struct io_uring_sqe *sqe = loop_get(&p->loop, &p->said);
    io_uring_prep_poll_add(sqe, VIOS_FD, POLLIN | POLLHUP);
    loop_prepare(sqe, &p->said);
}

static void on_starter(struct loop_op *op, int result)
{
    struct process *p = container_of(op, struct process, said);
    union vios_message m;
    int fds[VIOS_FDS_MAX];
    unsigned fds_len;
    char why[VIOS_TEXT_MAX];
    if (result == -EINTR) {
        listen_to_starter(p);
        return;
    }
    if (vios_receive(VIOS_FD, &m, fds, &fds_len) <= 0) { // it is gone, or not what it should be
        loop_stop(&p->loop);
        return;
    }
    server_take(p->server, &m, fds, fds_len, why, sizeof(why));
    listen_to_starter(p);
}

int main(void)
{
    static struct process process;
    struct process *p = &process;
    int type = 0;
    socklen_t size = sizeof(type);
    if (getsockopt(VIOS_FD, SOL_SOCKET, SO_TYPE, &type, &size) || type != SOCK_SEQPACKET) {
        fprintf(stderr, "openlpar-viosd: partitions with disks start this program: openlpar boot --disk FILE\n");
        return 1;
    }
    int err = loop_init(&p->loop);
    if (err)
        vios_fail(VIOS_FD, "io_uring: %s; allow it with: sysctl kernel.io_uring_disabled=0", strerror(-err));
    p->server = server_new(&p->loop, say, NULL);
    if (!p->server)
        vios_fail(VIOS_FD, "no memory");
    if (!configure(p))
        return 0;
    err = loop_restrict(&p->loop);
    if (err)
        vios_fail(VIOS_FD, "io_uring restrictions: %s", strerror(-err));
    p->said.done = on_starter;
    listen_to_starter(p);
    struct vios_header ready = vios_header(VIOS_READY);
    if (vios_send(VIOS_FD, &ready, sizeof(ready), NULL, 0))
        return 0;
    server_started(p->server);
    if (shut_in(allowed, ARRAY_LEN(allowed), SHUT_IN_WRITE_FILES))
        vios_fail(VIOS_FD, "the host refuses seccomp filters");
    loop_run(&p->loop);
    return 0;
}
