// SPDX-License-Identifier: Apache-2.0
// openlpar-uplink: what leads outside: the user-mode network, behind a partition's virtual Ethernet adapter or a switch. A process of its own, for it parses what partitions
// send and opens connections. One thread. Started with a socket as descriptor 3 (proto/vio/uplink.h).
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "ipc/shut_in.h"
#include "vios/net/user.h"

// Sockets, memory, and reading files: the host's resolver configuration may change.
static const int allowed[] = {
    SCMP_SYS(read),         SCMP_SYS(write),
    SCMP_SYS(readv),        SCMP_SYS(writev),
    SCMP_SYS(close),        SCMP_SYS(fstat),
    SCMP_SYS(stat),         SCMP_SYS(newfstatat),
    SCMP_SYS(lseek),        SCMP_SYS(poll),
    SCMP_SYS(ppoll),        SCMP_SYS(socket),
    SCMP_SYS(socketpair),   SCMP_SYS(connect),
    SCMP_SYS(bind),         SCMP_SYS(listen),
    SCMP_SYS(accept),       SCMP_SYS(accept4),
    SCMP_SYS(shutdown),     SCMP_SYS(getsockname),
    SCMP_SYS(getpeername),  SCMP_SYS(getsockopt),
    SCMP_SYS(setsockopt),   SCMP_SYS(sendto),
    SCMP_SYS(recvfrom),     SCMP_SYS(sendmsg),
    SCMP_SYS(recvmsg),      SCMP_SYS(fcntl),
    SCMP_SYS(ioctl),        SCMP_SYS(mmap),
    SCMP_SYS(munmap),       SCMP_SYS(mremap),
    SCMP_SYS(madvise),      SCMP_SYS(brk),
    SCMP_SYS(futex),        SCMP_SYS(sched_yield),
    SCMP_SYS(getpid),       SCMP_SYS(gettid),
    SCMP_SYS(getrandom),    SCMP_SYS(clock_gettime),
    SCMP_SYS(gettimeofday), SCMP_SYS(clock_nanosleep),
    SCMP_SYS(rt_sigaction), SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigreturn), SCMP_SYS(restart_syscall),
    SCMP_SYS(exit),         SCMP_SYS(exit_group),
    SCMP_SYS(tgkill), // abort()
};

static int say(enum uplink_type type, const char *text)
{
    struct uplink_message m = {.type = (u16)type};
    snprintf(m.text, sizeof(m.text), "%s", text);
    uplink_send(UPLINK_FD, &m, NULL);
    return 1;
}

struct uplink {
    struct user_net *net;
    bool started;
};

// false: it is over.
static bool take(struct uplink *u, const struct uplink_message *m, const int fds[3])
{
    char why[UPLINK_TEXT_MAX];
    struct ring_fds link = {fds[0], {fds[1], fds[2]}};
    int err;
    if (!u->net != (m->type == UPLINK_PORT))
        return false;
    switch (m->type) {
    case UPLINK_PORT:
        u->net = user_net_new(&m->port, &link);
        return u->net || !say(UPLINK_FAILED, "the network cannot be made: no memory, or no link");
    case UPLINK_LEASE: user_net_lease(u->net, &m->lease); return true;
    case UPLINK_FORWARD:
        if (user_net_forward(u->net, &m->forward, why, sizeof(why)))
            return true;
        say(u->started ? UPLINK_EVENT : UPLINK_FAILED, why);
        return u->started;
    case UPLINK_START:
        if (u->started)
            return false;
        user_net_first_address(u->net, m->start.first_address);
        err = shut_in(allowed, ARRAY_LEN(allowed), SHUT_IN_READ_FILES | SHUT_IN_REFUSE);
        say(err ? UPLINK_FAILED : UPLINK_READY, err ? strerror(-err) : "");
        u->started = !err;
        return u->started;
    default: return false;
    }
}

int main(int argc, char **argv)
{
    int type = 0, fds[3];
    socklen_t size = sizeof(type);
    if (argc != 1 || getsockopt(UPLINK_FD, SOL_SOCKET, SO_TYPE, &type, &size) || type != SOCK_SEQPACKET) {
        fprintf(stderr, "openlpar-uplink: openlpar starts this program: openlpar boot --net user\n");
        return 1;
    }
    struct uplink_message m;
    struct uplink uplink = {0};
    signal(SIGPIPE, SIG_IGN);
    while (uplink_receive(UPLINK_FD, &m, fds) == 1 && take(&uplink, &m, fds))
        if (uplink.started && !user_net_run(uplink.net, UPLINK_FD))
            break;
    user_net_free(uplink.net);
    return 0;
}
