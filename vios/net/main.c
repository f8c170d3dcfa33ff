// SPDX-License-Identifier: Apache-2.0
// openlpar-uplink: what is on the other side of a partition's virtual Ethernet adapter when that is no switch: the user-mode network. A process of its own, for it parses what the partition
// sends and opens connections. One thread. Started with a socket as descriptor 3 (proto/vio/uplink.h).
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

static int failed(const char *why)
{
    struct uplink_message answer = {.type = UPLINK_FAILED};
    snprintf(answer.text, sizeof(answer.text), "%s", why);
    uplink_send(UPLINK_FD, &answer, NULL);
    return 1;
}

int main(int argc, char **argv)
{
    int type = 0, fds[3];
    socklen_t size = sizeof(type);
    if (argc != 1 || getsockopt(UPLINK_FD, SOL_SOCKET, SO_TYPE, &type, &size) || type != SOCK_SEQPACKET) {
        fprintf(stderr, "openlpar-uplink: openlpar starts this program: openlpar boot --net user\n");
        return 1;
    }
    struct uplink_message start;
    if (uplink_receive(UPLINK_FD, &start, fds) != 1 || start.type != UPLINK_START)
        return 1;
    signal(SIGPIPE, SIG_IGN);
    const char *why = NULL;
    struct ring_fds link = {fds[0], {fds[1], fds[2]}};
    struct user_net *net = user_net_new(&start, &link, &why);
    if (!net)
        return failed(why);
    int err = shut_in(allowed, ARRAY_LEN(allowed), SHUT_IN_READ_FILES | SHUT_IN_REFUSE);
    if (err)
        return failed(strerror(-err));
    struct uplink_message ready = {.type = UPLINK_READY};
    if (!uplink_send(UPLINK_FD, &ready, NULL))
        user_net_run(net, UPLINK_FD);
    user_net_free(net);
    return 0;
}
