// SPDX-License-Identifier: Apache-2.0
//
// One thread. Frames of the partition are handed to libslirp where they lie in the ring: it copies what it keeps. A large frame goes in whole, as libslirp takes TCP segments up
// to 64 KiB; only the checksum, which it verifies, has to be there. The other way segments of one connection that follow each other are put
// together to a large frame while the partition takes those: one frame for up to 64 KiB (join.c).
#include "vios/net/user.h"

#include <errno.h>
#include <poll.h>
#include <slirp/libslirp.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "proto/vio/offload.h"
#include "vios/net/dhcp.h"
#include "vios/net/join.h"
#include "vios/net/port.h"

#define POLL_MAX    4096
#define FRAMES_TURN 256u // taken from the link before others have their turn
#define MTU         1500 // of libslirp, which takes it for that of the partition too: larger segments are made in join.c
#define TIMERS_MAX  8u
#define IDLE_MS     60000u

struct timer {
    bool used;
    s64 due_ms; // -1: it is not set
    SlirpTimerId id;
    void *arg;
};

struct user_net {
    Slirp *slirp;
    struct port port;
    bool sent;
    struct join join;
    struct dhcp dhcp;
    struct timer timers[TIMERS_MAX];
    struct pollfd polls[POLL_MAX];
    int polls_len;
};

static s64 now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (s64)now.tv_sec * 1000000000 + now.tv_nsec;
}

static s64 clock_ns(void *arg)
{
    return now_ns();
}

// What does not fit into the link is lost: TCP sends it once more.
static ssize_t to_partition(const void *bytes, size_t size, void *arg)
{
    struct user_net *net = arg;
    if (!(net->port.flags & PORT_OPEN) || size < FRAME_SIZE_MIN || size > FRAME_SIZE_MAX)
        return (ssize_t)size;
    port_count_sent(&net->port, (u32)size);
    join_frame(&net->join, net->port.ring, bytes, (u32)size,
               net->port.flags & PORT_CSUM && net->port.flags & PORT_LARGE);
    net->sent = true;
    return (ssize_t)size;
}

static void guest_error(const char *message, void *arg) {}
static void ignore_fd(int fd, void *arg) {}
static void notify(void *arg) {}
static void init_completed(Slirp *slirp, void *arg) {}

static void *timer_new(SlirpTimerId id, void *timer_arg, void *arg)
{
    struct user_net *net = arg;
    for (u32 i = 0; i < TIMERS_MAX; i++) {
        if (net->timers[i].used)
            continue;
        net->timers[i] = (struct timer){.used = true, .due_ms = -1, .id = id, .arg = timer_arg};
        return &net->timers[i];
    }
    return NULL;
}

static void timer_free(void *timer, void *arg)
{
    if (timer)
        ((struct timer *)timer)->used = false;
}

static void timer_mod(void *timer, int64_t due_ms, void *arg)
{
    if (timer)
        ((struct timer *)timer)->due_ms = due_ms;
}

static const SlirpCb callbacks = {
    .send_packet = to_partition,
    .guest_error = guest_error,
    .clock_get_ns = clock_ns,
    .timer_free = timer_free,
    .timer_mod = timer_mod,
    .register_poll_fd = ignore_fd,
    .unregister_poll_fd = ignore_fd,
    .notify = notify,
    .init_completed = init_completed,
    .timer_new_opaque = timer_new,
};

// How long until the next one, at most `timeout`; those that are due run.
static u32 run_timers(struct user_net *net, u32 timeout)
{
    s64 now = now_ns() / 1000000;
    for (u32 i = 0; i < TIMERS_MAX; i++) {
        struct timer *timer = &net->timers[i];
        if (!timer->used || timer->due_ms < 0)
            continue;
        if (timer->due_ms <= now) {
            timer->due_ms = -1;
            slirp_handle_timer(net->slirp, timer->id, timer->arg);
        }
        if (timer->used && timer->due_ms > now)
            timeout = (u32)MIN((s64)timeout, timer->due_ms - now);
    }
    return timeout;
}

static void from_partition(struct user_net *net, u8 *bytes, const struct frame *frame)
{
    struct tcp_frame tcp;
    u8 head[OFFLOAD_HEAD_MAX], reply[DHCP_REPLY_MAX];
    u32 head_size = MIN(frame->size, OFFLOAD_HEAD_MAX), reply_size;
    if (dhcp_take(&net->dhcp, bytes, frame->size, reply, &reply_size)) {
        if (reply_size)
            to_partition(reply, reply_size, net);
        return;
    }
    if (frame->flags & FRAME_CSUM_NEEDED) {
        memcpy(head, bytes, head_size);
        if (!offload_parse(head, head_size, frame->size, &tcp))
            return;
        offload_checksum(bytes, &tcp);
    }
    slirp_input(net->slirp, bytes, (int)frame->size);
}

// true: there may be more.
static bool take_frames(struct user_net *net)
{
    struct frame frame;
    for (u32 i = 0; i < FRAMES_TURN; i++) {
        u8 *bytes = port_receive(&net->port, &frame);
        if (!bytes)
            return false;
        port_count_received(&net->port, frame.size);
        from_partition(net, bytes, &frame);
        port_consume(&net->port);
    }
    return true;
}

static int add_poll(int fd, int events, void *arg)
{
    struct user_net *net = arg;
    short wanted = (short)((events & SLIRP_POLL_IN ? POLLIN : 0) | (events & SLIRP_POLL_OUT ? POLLOUT : 0) |
                           (events & SLIRP_POLL_PRI ? POLLPRI : 0));
    if (net->polls_len == POLL_MAX)
        return -1; // it is asked about it in a later turn
    net->polls[net->polls_len] = (struct pollfd){.fd = fd, .events = wanted};
    return net->polls_len++;
}

static int poll_result(int index, void *arg)
{
    struct user_net *net = arg;
    int got = index < 0 ? 0 : net->polls[index].revents;
    return (got & POLLIN ? SLIRP_POLL_IN : 0) | (got & POLLOUT ? SLIRP_POLL_OUT : 0) |
           (got & POLLPRI ? SLIRP_POLL_PRI : 0) | (got & POLLERR ? SLIRP_POLL_ERR : 0) |
           (got & POLLHUP ? SLIRP_POLL_HUP : 0);
}

static void flush(struct user_net *net)
{
    if (!net->sent)
        return;
    net->sent = false;
    join_end(&net->join, net->port.ring);
    ring_notify(net->port.ring);
}

bool user_net_run(struct user_net *net, int control)
{
    for (;;) {
        bool more = take_frames(net);
        flush(net);
        u32 timeout = run_timers(net, IDLE_MS);
        net->polls[0] = (struct pollfd){.fd = control, .events = POLLIN};
        net->polls[1] = (struct pollfd){.fd = ring_bell(net->port.ring), .events = POLLIN};
        net->polls_len = 2;
        slirp_pollfds_fill(net->slirp, &timeout, add_poll, net);
        bool sleep = !more && ring_sleep(net->port.ring);
        int got = poll(net->polls, (nfds_t)net->polls_len, sleep ? (int)timeout : 0);
        if (sleep)
            ring_woken(net->port.ring);
        if (ring_broken(net->port.ring))
            return false;
        if (net->polls[0].revents)
            return true;
        slirp_pollfds_poll(net->slirp, got < 0, poll_result, net);
        flush(net);
    }
}

bool user_net_forward(struct user_net *net, const struct uplink_forward *f, char *why, size_t why_size)
{
    struct in_addr host = {.s_addr = htonl(f->host_address)}, guest = {.s_addr = htonl(f->guest_address)};
    // One that is there already is made anew: it may lead elsewhere now.
    slirp_remove_hostfwd(net->slirp, f->udp != 0, host, f->host_port);
    if (!slirp_add_hostfwd(net->slirp, f->udp != 0, host, f->host_port, guest, f->guest_port))
        return true;
    snprintf(why, why_size, "port %u of %s cannot be forwarded: %s; choose another one", f->host_port, inet_ntoa(host),
             strerror(errno));
    return false;
}

void user_net_lease(struct user_net *net, const struct uplink_lease *lease)
{
    dhcp_keep(&net->dhcp, lease);
}

void user_net_first_address(struct user_net *net, u32 address)
{
    net->dhcp.first = address;
}

struct user_net *user_net_new(const struct uplink_port *port, const struct ring_fds *link)
{
    SlirpConfig config = {
        .version = 4,
        .in_enabled = true,
        .vnetwork.s_addr = htonl(UPLINK_NETWORK),
        .vnetmask.s_addr = htonl(0xffffff00),
        .vhost.s_addr = htonl(UPLINK_HOST),
        .vnameserver.s_addr = htonl(UPLINK_DNS),
        .vdhcp_start.s_addr = htonl(UPLINK_GUEST),
        .in6_enabled = true,
        .vprefix_len = 64,
        .vhostname = "partition",
        .tftp_path = port->tftp[0] ? port->tftp : NULL,
        .if_mtu = MTU,
        .if_mru = MTU,
    };
    inet_pton(AF_INET6, "fec0::", &config.vprefix_addr6);
    inet_pton(AF_INET6, "fec0::2", &config.vhost6);
    inet_pton(AF_INET6, "fec0::3", &config.vnameserver6);
    struct user_net *net = calloc(1, sizeof(*net));
    if (!net)
        return NULL;
    dhcp_begin(&net->dhcp, UPLINK_GUEST);
    memcpy(net->dhcp.file, port->bootfile, sizeof(net->dhcp.file));
    net->slirp = slirp_new(&config, &callbacks, net);
    if (net->slirp && !port_open(&net->port, port, link))
        return net;
    user_net_free(net);
    return NULL;
}

void user_net_free(struct user_net *net)
{
    if (!net)
        return;
    if (net->slirp)
        slirp_cleanup(net->slirp);
    port_close(&net->port);
    free(net);
}
