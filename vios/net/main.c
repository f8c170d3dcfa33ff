// SPDX-License-Identifier: Apache-2.0
// openlpar-uplink: what leads outside: the user-mode network behind a partition's virtual Ethernet adapter or a switch, or a Shared Ethernet Adapter. A process of its own, for it parses what partitions
// send and opens connections. One thread. Started with a socket as descriptor 3 (proto/vio/uplink.h).
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/sanitized.h"
#include "ipc/shut_in.h"
#include "vios/net/bridge.h"
#include "vios/net/failover.h"
#include "vios/net/user.h"

SANITIZED_SHUT_IN

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
    // One of the two is what leads outside.
    struct user_net *net;
    struct bridge *bridge;
    bool started;
};

static bool say_failed(const char *why)
{
    say(UPLINK_FAILED, why);
    return false;
}

static void say_state(const struct uplink_state *state)
{
    struct uplink_message m = {.type = UPLINK_STATE, .state = *state};
    uplink_send(UPLINK_FD, &m, NULL);
}

// The user-mode network is there for as long as its process is.
static const struct uplink_state user_net_state = {.failover = FAILOVER_PRIMARY, .link = 1, .bridging = FAILOVER_ALL};

// The real side comes first, if it is to be an interface.
static bool take_port(struct uplink *u, const struct uplink_port *port, const struct ring_fds *link)
{
    if (u->bridge) {
        int err = bridge_add_port(u->bridge, port, link);
        return !err || say_failed(strerror(-err));
    }
    if (u->net)
        return say_failed("the user-mode network has one adapter");
    u->net = user_net_new(port, link);
    return u->net || say_failed("the network cannot be made: no memory, or no link");
}

static bool take_real(struct uplink *u, const struct uplink_real *real, int fd)
{
    char why[UPLINK_TEXT_MAX];
    if (u->net || u->started)
        return false;
    if (u->bridge)
        return !bridge_add_real(u->bridge, real, fd, why, sizeof(why)) || say_failed(why);
    u->bridge = bridge_new(real, fd, why, sizeof(why));
    return u->bridge || say_failed(why);
}

static bool take_forward(struct uplink *u, const struct uplink_forward *forward)
{
    char why[UPLINK_TEXT_MAX];
    if (user_net_forward(u->net, forward, why, sizeof(why)))
        return true;
    say(u->started ? UPLINK_EVENT : UPLINK_FAILED, why);
    return u->started;
}

static bool take_start(struct uplink *u, u32 first_address)
{
    if (u->started)
        return false;
    if (u->net)
        user_net_first_address(u->net, first_address);
    int err = shut_in(allowed, ARRAY_LEN(allowed), SHUT_IN_READ_FILES | SHUT_IN_REFUSE);
    say(err ? UPLINK_FAILED : UPLINK_READY, err ? strerror(-err) : "");
    u->started = !err;
    return u->started;
}

// false: it is over.
static bool take(struct uplink *u, const struct uplink_message *m, const int fds[3])
{
    struct ring_fds link = {fds[0], {fds[1], fds[2]}};
    switch (m->type) {
    case UPLINK_PORT: return !u->started && take_port(u, &m->port, &link);
    case UPLINK_REAL: return take_real(u, &m->real, fds[0]);
    case UPLINK_LEASE:
        if (u->net)
            user_net_lease(u->net, &m->lease);
        return u->net;
    case UPLINK_FORWARD: return u->net && take_forward(u, &m->forward);
    case UPLINK_START: return (u->net || u->bridge) && take_start(u, m->start.first_address);
    case UPLINK_QUERY: {
        struct uplink_state state = u->bridge ? bridge_state(u->bridge) : user_net_state;
        say_state(&state);
        return u->bridge || u->net;
    }
    default: return false;
    }
}

static bool run(struct uplink *u)
{
    if (u->net)
        return user_net_run(u->net, UPLINK_FD);
    bridge_run(u->bridge, UPLINK_FD, say_state);
    return true;
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
        if (uplink.started && !run(&uplink))
            break;
    user_net_free(uplink.net);
    bridge_free(uplink.bridge);
    return 0;
}
