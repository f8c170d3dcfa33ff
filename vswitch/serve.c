// SPDX-License-Identifier: Apache-2.0
//
// Ports have their turn one after the other, those with the better quality of service first, for TURN bytes each. A frame for a port whose ring is full waits for HOLD_NS, so that what
// its partition takes in bursts is not lost; meanwhile its sender's ring fills, and its sender is slowed down. Longer, and frames for that port are lost: nobody else waits
// for a partition that takes nothing.
#include "vswitch/serve.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <seccomp.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <time.h>
#include <unistd.h>

#include "ipc/ring.h"
#include "ipc/shut_in.h"
#include "proto/hyper/link.h"
#include "vswitch/deliver.h"
#include "vswitch/fabric.h"

#define TURN    0x40000u
#define HOLD_NS 10000000
#define FIXED   2u // descriptors to poll before those of ports

// Its links and its daemon's socket.
static const int allowed[] = {
    SCMP_SYS(read),
    SCMP_SYS(write),
    SCMP_SYS(pread64),
    SCMP_SYS(close),
    SCMP_SYS(fstat),
    SCMP_SYS(newfstatat),
    SCMP_SYS(fcntl),
    SCMP_SYS(poll),
    SCMP_SYS(ppoll),
    SCMP_SYS(accept4),
    SCMP_SYS(getsockopt),
    SCMP_SYS(sendmsg),
    SCMP_SYS(recvmsg),
    SCMP_SYS(shutdown),
    SCMP_SYS(mmap),
    SCMP_SYS(munmap),
    SCMP_SYS(mremap),
    SCMP_SYS(madvise),
    SCMP_SYS(brk),
    SCMP_SYS(futex),
    SCMP_SYS(clock_gettime),
    SCMP_SYS(getrandom),
    SCMP_SYS(geteuid),
    SCMP_SYS(getpid),
    SCMP_SYS(gettid),
    SCMP_SYS(rt_sigprocmask),
    SCMP_SYS(rt_sigreturn),
    SCMP_SYS(rt_sigaction),
    SCMP_SYS(exit),
    SCMP_SYS(exit_group),
    SCMP_SYS(restart_syscall),
    SCMP_SYS(tgkill),
};

struct port {
    u32 number; // the daemon's name for it
    bool used;
    struct ring *ring;
    struct ring_fds link;
    u8 qos;
    bool rung;      // something was put into its ring
    bool refused;   // its address; that was said
    bool blocked;   // its next frame waits
    s64 full_since; // its ring has had no room; 0: it has
};

static struct {
    int listen_fd;
    bool linked, quitting, served; // served: a daemon was there
    struct link link;
    struct fabric *fabric;
    int counts_fd;
    struct switch_port *counts;          // by the fabric's numbers
    struct port ports[FABRIC_PORTS_MAX]; // by the fabric's numbers
    struct hop hops[FABRIC_PORTS_MAX];
    struct pollfd polls[FIXED + FABRIC_PORTS_MAX];
} the;

static s64 now_ns(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (s64)now.tv_sec * 1000000000 + now.tv_nsec;
}

static void send_message(enum message type, const struct wire_record *values, const int *fds, u32 fds_len)
{
    static struct wire_message m; // large
    m.type = (u16)type;
    m.values = *values;
    link_send(&the.link, &m, fds, fds_len);
}

// For the system's event log. Without a daemon it is lost: what is wrong then is seen by what was dropped.
PRINTF_LIKE(2, 3) static void say(u32 number, const char *fmt, ...)
{
    char text[256];
    struct wire_record v = {0};
    va_list ap;
    va_start(ap, fmt);
    vsnprintf(text, sizeof(text), fmt, ap);
    va_end(ap);
    wire_put_num(&v, "port", number);
    wire_put_text(&v, "text", text);
    if (the.linked)
        send_message(MESSAGE_LOG, &v, NULL, 0);
}

static bool parse_mac(const char *text, u8 mac[6])
{
    unsigned bytes[6];
    if (!text || strlen(text) != 12 ||
        sscanf(text, "%2x%2x%2x%2x%2x%2x", &bytes[0], &bytes[1], &bytes[2], &bytes[3], &bytes[4], &bytes[5]) != 6)
        return false;
    for (u32 i = 0; i < 6; i++)
        mac[i] = (u8)bytes[i];
    return true;
}

static bool parse_port(const struct wire_record *v, struct port_config *c)
{
    const char *vlans = wire_text(v, "vlans"), *macs = wire_text(v, "macs");
    *c = (struct port_config){
        .vswitch = (u32)wire_num(v, "vswitch", 0),
        .pvid = (u16)wire_num(v, "pvid", 0),
        .ieee = wire_num(v, "ieee", 0),
        .trunk_priority = (u8)wire_num(v, "trunk", 0),
        .qos = (u8)wire_num(v, "qos", QOS_NONE),
        .any_mac = !macs || !strcmp(macs, "all"),
        .rate = wire_num(v, "rate", 0),
        .vepa = wire_num(v, "vepa", 0),
    };
    for (char *end; vlans && *vlans; vlans = *end ? end + 1 : end) {
        unsigned long vlan = strtoul(vlans, &end, 10);
        if (end == vlans || vlan > 0xffff || (*end && *end != ',') || c->vlans_len == FABRIC_VLANS_MAX)
            return false;
        c->vlans[c->vlans_len++] = (u16)vlan;
    }
    for (const char *mac = c->any_mac || !strcmp(macs, "none") ? "" : macs; *mac; mac += mac[12] ? 13 : 12) {
        char one[13];
        if (strlen(mac) < 12 || (mac[12] && mac[12] != ',') || c->macs_len == FABRIC_MACS_MAX)
            return false;
        snprintf(one, sizeof(one), "%s", mac);
        if (!parse_mac(one, c->macs[c->macs_len++]))
            return false;
    }
    return parse_mac(wire_text(v, "mac"), c->mac);
}

static struct port *find(u32 number)
{
    for (u32 i = 0; i < FABRIC_PORTS_MAX; i++)
        if (the.ports[i].used && the.ports[i].number == number)
            return &the.ports[i];
    return NULL;
}

static void remove_port(struct port *p)
{
    fabric_remove_port(the.fabric, (u32)(p - the.ports));
    the.counts[p - the.ports].number = 0;
    ring_detach(p->ring);
    ring_close_fds(&p->link);
    *p = (struct port){0};
}

// What state the port is in, its partition says again: there may have been another switch before.
static void ask_state(struct port *p)
{
    struct frame ask = {FRAME_ASK, 0, 0, 0};
    void *to = ring_reserve(p->ring, FRAME_HEADER);
    if (!to)
        return;
    frame_put(to, &ask);
    ring_commit(p->ring, FRAME_HEADER);
    ring_notify(p->ring);
}

static bool add_port(const struct wire_record *v, const int *fds, u32 fds_len)
{
    struct port_config config;
    u32 number = (u32)wire_num(v, "port", 0);
    if (fds_len != 3 || !parse_port(v, &config))
        return false;
    struct port *old =
        find(number); // its configuration changes, or a daemon that has not heard of it yet makes its own
    struct port_counts counts = old ? the.counts[old - the.ports].counts : (struct port_counts){0};
    if (old)
        remove_port(old);
    struct port port = {.number = number, .used = true, .qos = config.qos == QOS_NONE ? 0 : config.qos};
    port.link = (struct ring_fds){fcntl(fds[0], F_DUPFD_CLOEXEC, 3),
                                  {fcntl(fds[1], F_DUPFD_CLOEXEC, 3), fcntl(fds[2], F_DUPFD_CLOEXEC, 3)}};
    port.ring = ring_attach(&port.link, 1);
    int place = port.ring ? fabric_add_port(the.fabric, &config) : -errno;
    if (place < 0) {
        say(number, "the switch refuses the adapter: %s",
            place == -EEXIST ? "another one of the switch has its address; give it one of its own" : strerror(-place));
        ring_detach(port.ring);
        ring_close_fds(&port.link);
        return true; // the daemon's configuration is at fault, not what it says
    }
    the.ports[place] = port;
    the.counts[place].counts = counts;
    the.counts[place].number = (u64)number + 1;
    ask_state(&the.ports[place]);
    return true;
}

static void announce(void)
{
    struct wire_record v = {0};
    wire_put_num(&v, "version", WIRE_VERSION);
    send_message(MESSAGE_ANNOUNCE, &v, &the.counts_fd, 1);
    for (u32 i = 0; i < FABRIC_PORTS_MAX; i++) {
        const struct port *p = &the.ports[i];
        int fds[3] = {p->link.memory, p->link.bell[0], p->link.bell[1]};
        if (!p->used)
            continue;
        v.len = 0;
        wire_put_num(&v, "port", p->number);
        send_message(MESSAGE_PORT, &v, fds, 3);
    }
}

static bool take_message(const struct wire_message *m, const int *fds)
{
    u32 number = (u32)wire_num(&m->values, "port", 0);
    switch (m->type) {
    case MESSAGE_PORT: return add_port(&m->values, fds, m->fds);
    case MESSAGE_PORT_GONE:
        if (find(number))
            remove_port(find(number));
        return true;
    case MESSAGE_QUIT: the.quitting = true; return true;
    default: return false;
    }
}

static void drop_daemon(void)
{
    link_fini(&the.link);
    the.linked = false;
}

static void daemon_ready(void)
{
    static struct wire_message m; // large
    int fds[WIRE_FDS_MAX], err = link_fill(&the.link), got = 0;
    bool ok = true;
    while (err > 0 && ok && (got = link_next(&the.link, &m, fds)) > 0) {
        ok = take_message(&m, fds);
        for (u32 i = 0; i < m.fds; i++)
            close(fds[i]);
    }
    if (!ok || got < 0 || err == 0 || (err < 0 && err != -EAGAIN))
        drop_daemon();
}

// There is one daemon at a time, by the lock in the system's folder: a new one takes the place of the one before.
static void take_daemon(void)
{
    int fd = link_accept(the.listen_fd);
    if (fd < 0)
        return;
    if (the.linked)
        drop_daemon();
    link_init(&the.link, fd);
    the.linked = the.served = true;
    announce();
}

// false: it has to wait.
static bool send_on(const struct frame *frame, const u8 *bytes, const struct hop *hop, bool alone, s64 now)
{
    struct port *to = &the.ports[hop->port];
    int done = deliver(to->ring, fabric_flags(the.fabric, hop->port), frame, bytes, hop);
    if (done > 0) {
        to->full_since = 0;
        to->rung = true;
        fabric_delivered(the.fabric, hop->port, (u32)done);
        return true;
    }
    if (done == 0 && !to->full_since)
        to->full_since = now;
    if (done == 0 && alone && now - to->full_since < HOLD_NS)
        return false;
    fabric_dropped(the.fabric, hop->port, done ? DROP_MALFORMED : DROP_FULL);
    return true;
}

// A trunk that opens leads outside from now on: switches there learn where everybody is by a frame from each (RARP, which asks for nothing that anybody answers).
static void announce_members(struct port *trunk)
{
    static struct member members[FABRIC_PORTS_MAX];
    u32 place = (u32)(trunk - the.ports), len = fabric_members(the.fabric, place, members);
    for (u32 i = 0; i < len; i++) {
        u8 bytes[60] = {0};
        struct frame frame = {FRAME_DATA, 0, sizeof(bytes), 0};
        memset(bytes, 0xff, 6);
        memcpy(bytes + 6, members[i].mac, 6);
        memcpy(bytes + 12, "\x80\x35\x00\x01\x08\x00\x06\x04\x00\x03", 10);
        memcpy(bytes + 22, members[i].mac, 6);
        memcpy(bytes + 32, members[i].mac, 6);
        deliver(trunk->ring, fabric_flags(the.fabric, place), &frame, bytes, &members[i].hop);
    }
    trunk->rung = true;
}

static void set_state(struct port *p, u16 flags, const u8 *macs, u32 macs_len)
{
    bool was_open = fabric_flags(the.fabric, (u32)(p - the.ports)) & PORT_OPEN;
    bool ok = fabric_set_state(the.fabric, (u32)(p - the.ports), flags, macs, macs_len);
    if (!ok && !p->refused)
        say(p->number,
            "the operating system chose the address %02X%02X%02X%02X%02X%02X, which it may not have "
            "(allowed_os_mac_addrs) or which another adapter has; the adapter is closed",
            macs[0], macs[1], macs[2], macs[3], macs[4], macs[5]);
    if (ok && !was_open && flags & PORT_OPEN)
        announce_members(p);
    p->refused |= !ok; // once is enough: the partition could go on for ever
}

// The next frame of a port; false: there is none, or it waits. *size: of what was done with.
static bool forward(struct port *p, s64 now, u32 *bytes_done)
{
    u32 size, place = (u32)(p - the.ports);
    const u8 *message = ring_peek(p->ring, &size);
    struct frame frame;
    if (!message)
        return false;
    *bytes_done = size;
    const u8 *bytes = message + FRAME_HEADER;
    if (!frame_get(message, size, &frame)) {
        fabric_dropped(the.fabric, place, DROP_MALFORMED);
    } else if (frame.kind == FRAME_PORT) {
        u8 macs[FRAME_PORT_MAX];
        memcpy(macs, bytes, frame.size);
        set_state(p, frame.flags, macs, frame.size / 6);
    } else if (frame.kind == FRAME_DATA) {
        u8 head[FABRIC_HEAD_MAX] = {0};
        memcpy(head, bytes, MIN(frame.size, FABRIC_HEAD_MAX));
        u32 len = p->blocked ? 1 : fabric_route(the.fabric, place, head, frame.size, now, the.hops);
        static struct hop waiting[FABRIC_PORTS_MAX]; // where the next frame of each port goes, once that is decided
        if (p->blocked)
            the.hops[0] = waiting[place];
        p->blocked = false;
        for (u32 i = 0; i < len; i++) {
            if (!the.ports[the.hops[i].port].used || send_on(&frame, bytes, &the.hops[i], len == 1, now))
                continue;
            p->blocked = true;
            waiting[place] = the.hops[i];
            return false;
        }
    }
    ring_consume(p->ring);
    return true;
}

// true: there is more.
static bool have_turn(struct port *p, s64 now)
{
    u32 done = 0, bytes = 0;
    while (done < TURN && forward(p, now, &bytes))
        done += bytes;
    return done >= TURN;
}

static void ring_bells(void)
{
    for (u32 i = 0; i < FABRIC_PORTS_MAX; i++) {
        if (the.ports[i].used && the.ports[i].rung)
            ring_notify(the.ports[i].ring);
        the.ports[i].rung = false;
    }
}

static bool all_turns(void)
{
    bool more = false;
    s64 now = now_ns();
    for (int qos = 7; qos >= 0; qos--) {
        for (u32 i = 0; i < FABRIC_PORTS_MAX; i++)
            if (the.ports[i].used && the.ports[i].qos == qos)
                more |= have_turn(&the.ports[i], now);
        ring_bells();
    }
    return more;
}

// Waits until something happens, at most for what a frame may wait.
static void sleep_all(bool more)
{
    u32 len = FIXED, asleep[FABRIC_PORTS_MAX], asleep_len = 0;
    bool busy = more, blocked = false;
    the.polls[0] = (struct pollfd){.fd = the.listen_fd, .events = POLLIN};
    the.polls[1] = (struct pollfd){.fd = the.linked ? the.link.fd : -1,
                                   .events = (short)(POLLIN | (the.linked && the.link.out ? POLLOUT : 0))};
    for (u32 i = 0; i < FABRIC_PORTS_MAX; i++) {
        struct port *p = &the.ports[i];
        if (!p->used)
            continue;
        the.polls[len++] = (struct pollfd){.fd = ring_broken(p->ring) ? -1 : ring_bell(p->ring), .events = POLLIN};
        blocked |= p->blocked;
        if (p->blocked || busy)
            continue;
        if (ring_sleep(p->ring))
            asleep[asleep_len++] = i;
        else
            busy = true;
    }
    poll(the.polls, len, busy ? 0 : blocked ? 2 : -1);
    for (u32 i = 0; i < asleep_len; i++)
        ring_woken(the.ports[asleep[i]].ring);
    // The bell of one whose frame waits rings when its receiver, itself a port, made room; it is not to ring for ever.
    for (u32 i = 0; i < FABRIC_PORTS_MAX; i++)
        if (the.ports[i].used && the.ports[i].blocked)
            ring_woken(the.ports[i].ring);
}

// No daemon, and nobody who could miss it.
static bool forgotten(void)
{
    bool ports = false;
    for (u32 i = 0; i < FABRIC_PORTS_MAX && !ports; i++)
        ports = the.ports[i].used;
    return the.served && !the.linked && !ports;
}

static int fail(int err)
{
    fprintf(stderr, "openlpar-vswitch: %s\n", strerror(err));
    return 1;
}

int serve_run(int listen_fd)
{
    the.listen_fd = listen_fd;
    size_t counts_size = sizeof(*the.counts) * FABRIC_PORTS_MAX;
    the.counts_fd = memfd_create("counts", MFD_CLOEXEC);
    if (the.counts_fd < 0 || ftruncate(the.counts_fd, (off_t)counts_size))
        return fail(errno);
    the.counts = mmap(NULL, counts_size, PROT_READ | PROT_WRITE, MAP_SHARED, the.counts_fd, 0);
    if (the.counts == MAP_FAILED)
        return fail(errno);
    the.fabric = fabric_new(the.counts);
    signal(SIGPIPE, SIG_IGN);
    fcntl(listen_fd, F_SETFL, fcntl(listen_fd, F_GETFL) | O_NONBLOCK);
    int err = the.fabric ? 0 : -ENOMEM;
    if (!err)
        err = listen(listen_fd, 4) ? -errno : shut_in(allowed, ARRAY_LEN(allowed), SHUT_IN_REFUSE);
    if (err)
        return fail(-err);
    while (!the.quitting && !forgotten()) {
        bool more = all_turns();
        if (the.linked) {
            err = link_flush(&the.link);
            if (the.link.failed || (err && err != -EAGAIN))
                drop_daemon();
        }
        sleep_all(more);
        if (the.linked && the.polls[1].revents)
            daemon_ready();
        if (the.polls[0].revents)
            take_daemon();
    }
    return 0;
}
