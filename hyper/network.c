// SPDX-License-Identifier: Apache-2.0
#include "hyper/network.h"

#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "hyper/outside.h"
#include "hyper/process.h"
#include "hyper/refcode.h"
#include "hyper/veth.h"
#include "hyper/vio.h"
#include "hyper/vswitch.h"
#include "ipc/ring.h"
#include "proto/hyper/place.h"
#include "proto/vio/frame.h"

#define SOCKET     "vswitch"
#define RETRY_NS   5000000ll    // while it starts
#define RESTART_NS 1000000000ll // after it died
#define PORTS_MAX  256u
#define SLOTS      64u
#define TRUNK      0u  // number of the port of the system's own network
#define TRUNK_LAST 15u // its priority: a Virtual I/O Server's goes first

struct net_port {
    u32 number; // partition * SLOTS + slot
    bool used, told;
    struct ring_fds link;
    u16 pvid;
    bool ieee;
    u8 trunk, qos;
    u32 vswitch;
    bool vepa;
    u64 rate;                  // bytes a second
    struct port_counts before; // of switches that died
    char vlans[128], mac[13], macs[64];
};

struct network {
    bool linked, greeted;
    struct link link;
    int pid, pidfd;
    int counts_fd;  // the switch's (proto/vio/counts.h); -1: none
    s64 next_start; // not before
    struct net_port ports[PORTS_MAX];
};

static struct network *network_of(struct sys *sys)
{
    if (!sys->network) {
        sys->network = calloc(1, sizeof(*sys->network));
        if (sys->network)
            sys->network->pidfd = sys->network->counts_fd = -1;
    }
    return sys->network;
}

static void say(struct network *n, enum message type, const struct wire_record *values, const int *fds, u32 len)
{
    static struct wire_message m; // large; one thread
    m.type = (u16)type;
    m.values = *values;
    link_send(&n->link, &m, fds, len);
    link_flush(&n->link);
}

static void tell_port(struct network *n, struct net_port *p)
{
    struct wire_record v = {0};
    int fds[3] = {p->link.memory, p->link.bell[0], p->link.bell[1]};
    if (!n->greeted || p->told)
        return;
    wire_put_num(&v, "port", p->number);
    wire_put_num(&v, "vswitch", p->vswitch);
    wire_put_num(&v, "pvid", p->pvid);
    wire_put_num(&v, "ieee", p->ieee);
    wire_put_num(&v, "trunk", p->trunk);
    wire_put_num(&v, "qos", p->qos);
    wire_put_num(&v, "rate", p->rate);
    wire_put_num(&v, "vepa", p->vepa);
    wire_put_text(&v, "vlans", p->vlans);
    wire_put_text(&v, "mac", p->mac);
    wire_put_text(&v, "macs", p->macs);
    say(n, MESSAGE_PORT, &v, fds, 3);
    p->told = true;
}

static void tell_gone(struct network *n, u32 number)
{
    struct wire_record v = {0};
    wire_put_num(&v, "port", number);
    if (n->greeted)
        say(n, MESSAGE_PORT_GONE, &v, NULL, 0);
}

static bool wanted(const struct network *n)
{
    for (u32 i = 0; i < PORTS_MAX; i++)
        if (n->ports[i].used)
            return true;
    return false;
}

// What the switch that is there has counted of a port. false: nothing.
static bool counted(const struct network *n, u32 number, struct port_counts *counts)
{
    struct switch_port ports[SWITCH_PORTS_MAX];
    if (n->counts_fd < 0 || pread(n->counts_fd, ports, sizeof(ports), 0) != (ssize_t)sizeof(ports))
        return false;
    for (u32 i = 0; i < SWITCH_PORTS_MAX; i++)
        if (ports[i].number == (u64)number + 1) {
            *counts = ports[i].counts;
            return true;
        }
    return false;
}

static void add_counts(struct port_counts *to, const struct port_counts *more)
{
    u64 *a = (u64 *)to;
    const u64 *b = (const u64 *)more;
    for (u32 i = 0; i < sizeof(*to) / sizeof(u64); i++)
        a[i] += b[i];
}

// Its process is gone, or is to be taken for that: every port is told to the next one.
static void lost(struct network *n)
{
    struct port_counts counts;
    for (u32 i = 0; i < PORTS_MAX; i++)
        if (n->ports[i].used && counted(n, n->ports[i].number, &counts))
            add_counts(&n->ports[i].before, &counts);
    if (n->counts_fd >= 0)
        close(n->counts_fd);
    n->counts_fd = -1;
    if (n->linked)
        link_fini(&n->link);
    n->linked = n->greeted = false;
    for (u32 i = 0; i < PORTS_MAX; i++)
        n->ports[i].told = false;
}

static struct net_port *find_port(struct network *n, u32 number)
{
    for (u32 i = 0; i < PORTS_MAX; i++)
        if (n->ports[i].used && n->ports[i].number == number)
            return &n->ports[i];
    return NULL;
}

static void connect_switch(struct sys *sys)
{
    struct network *n = sys->network;
    int fd = place_connect(sys->path, SOCKET);
    if (fd < 0)
        return;
    fcntl(fd, F_SETFL, fcntl(fd, F_GETFL) | O_NONBLOCK);
    link_init(&n->link, fd);
    n->linked = true;
}

static void start_switch(struct sys *sys)
{
    struct network *n = sys->network;
    unlinkat(sys->folder, SOCKET, 0);
    int err = process_start_program(sys->path, SOCKET, "openlpar-vswitch", &n->pid, &n->pidfd);
    n->next_start = clock_ns() + RESTART_NS;
    if (err)
        fprintf(stderr, "openlpard: openlpar-vswitch cannot be started: %s\n", strerror(-err));
}

void network_begin(struct sys *sys)
{
    struct network *n = network_of(sys);
    if (!n)
        return;
    outside_changed(sys);
    connect_switch(sys);
    if (!n->linked)
        return;
    n->pid = link_peer_pid(n->link.fd); // it called listen() itself
    n->pidfd = n->pid > 0 ? (int)syscall(SYS_pidfd_open, n->pid, 0) : -1;
    if (n->pidfd < 0)
        lost(n);
}

void network_end(struct sys *sys, bool ended)
{
    struct network *n = sys->network;
    struct wire_record none = {0};
    if (!n)
        return;
    outside_end(sys);
    if (ended && n->linked)
        say(n, MESSAGE_QUIT, &none, NULL, 0);
    else if (ended && n->pidfd >= 0)
        syscall(SYS_pidfd_send_signal, n->pidfd, SIGKILL, NULL, 0);
    if (ended)
        unlinkat(sys->folder, SOCKET, 0);
    lost(n);
    if (n->pidfd >= 0)
        close(n->pidfd);
    for (u32 i = 0; i < PORTS_MAX; i++)
        if (n->ports[i].used)
            ring_close_fds(&n->ports[i].link);
    free(n);
    sys->network = NULL;
}

static struct net_port *new_port(struct network *n, u32 number)
{
    for (u32 i = 0; i < PORTS_MAX; i++) {
        if (n->ports[i].used)
            continue;
        n->ports[i] = (struct net_port){.number = number, .used = true, .link = {-1, {-1, -1}}};
        return &n->ports[i];
    }
    return NULL;
}

static void free_port(struct net_port *p)
{
    ring_close_fds(&p->link);
    p->used = false;
}

// Switches have names, and the switch's process numbers.
static u32 number_of(const char *name)
{
    u32 hash = 2166136261u; // FNV-1a
    for (; *name; name++)
        hash = (hash ^ (u8)*name) * 16777619u;
    return hash;
}

static void describe(const struct sys *sys, const struct lp *lp, const struct veth *v, struct net_port *p)
{
    p->pvid = v->pvid;
    p->ieee = v->ieee;
    p->trunk = v->trunk;
    p->qos = v->qos;
    p->vswitch = number_of(v->vswitch);
    p->vepa = vswitch_is_vepa(sys, v->vswitch);
    p->rate = (u64)v->rate * 1000000 / 8;
    veth_vlans(v, p->vlans, sizeof(p->vlans));
    veth_mac(v, rec_text(sys->rec, "serial_num"), lp->id, p->mac);
    snprintf(p->macs, sizeof(p->macs), "%s", v->macs);
}

static void describe_trunk(const struct sys *sys, const char *vswitch, u16 vlan, struct net_port *p)
{
    static const struct veth none;
    p->pvid = vlan;
    p->trunk = TRUNK_LAST;
    p->qos = VETH_QOS_NONE;
    p->vswitch = number_of(vswitch);
    veth_mac(&none, rec_text(sys->rec, "serial_num"), 0, p->mac);
    snprintf(p->macs, sizeof(p->macs), "none");
}

const struct ring_fds *network_trunk(struct sys *sys, const char *vswitch, u16 vlan, u8 mac[6])
{
    struct network *n = network_of(sys);
    struct net_port *p = n ? find_port(n, TRUNK) : NULL;
    if (n && !p) {
        p = new_port(n, TRUNK);
        if (p && ring_create(FRAME_RING_SIZE, FRAME_LINK_DATA, &p->link)) {
            free_port(p);
            p = NULL;
        }
    }
    if (!p)
        return NULL;
    describe_trunk(sys, vswitch, vlan, p);
    tell_port(n, p);
    return veth_mac_bytes(p->mac, mac) ? &p->link : NULL;
}

void network_trunk_gone(struct sys *sys)
{
    struct net_port *p = sys->network ? find_port(sys->network, TRUNK) : NULL;
    if (!p)
        return;
    tell_gone(sys->network, TRUNK);
    free_port(p);
}

bool network_used(const struct sys *sys)
{
    for (u32 i = 0; sys->network && i < PORTS_MAX; i++)
        if (sys->network->ports[i].used && sys->network->ports[i].number != TRUNK)
            return true;
    return false;
}

static int adapters_of(const struct lp *lp, struct veth v[VETH_MAX])
{
    char why[256];
    int len = lp->current ? veth_parse(rec_text(lp->current, "virtual_eth_adapters"), v, why, sizeof(why)) : 0;
    return MAX(len, 0); // checked when it was set
}

// What is behind an adapter hears of it (with `more`); fds NULL: it has its link, and there is something new about it.
static void tell_partition(struct lp *lp, enum message type, const struct wire_record *more, const struct veth *v,
                           const struct net_port *p, const int *fds)
{
    static struct wire_message m; // large; one thread
    m.type = (u16)type;
    m.values = *more;
    wire_put_num(&m.values, "slot", v->slot);
    wire_put_text(&m.values, "mac", p->mac);
    wire_put_num(&m.values, "trunk", p->trunk);
    wire_put_num(&m.values, "pvid", p->pvid);
    wire_put_text(&m.values, "vlans", p->vlans);
    wire_put_text(&m.values, "vswitch", v->vswitch);
    link_send(&lp->link, &m, fds, fds ? 3 : 0);
}

// Its port on the switch.
static int open_port(struct sys *sys, struct lp *lp, const struct veth *v, enum message type,
                     const struct wire_record *more)
{
    struct network *n = network_of(sys);
    struct net_port *p = n ? new_port(n, lp->id * SLOTS + v->slot) : NULL;
    if (!p)
        return n ? -ENOSPC : -ENOMEM;
    int err = ring_create(FRAME_RING_SIZE, FRAME_LINK_DATA, &p->link);
    if (err) {
        free_port(p);
        return err;
    }
    describe(sys, lp, v, p);
    int fds[3] = {p->link.memory, p->link.bell[0], p->link.bell[1]};
    tell_partition(lp, type, more, v, p, fds);
    tell_port(n, p);
    if (n->pidfd < 0)
        start_switch(sys);
    return 0;
}

static const struct wire_record nothing_more;

int network_attach(struct sys *sys, struct lp *lp)
{
    struct veth adapters[VETH_MAX];
    int len = adapters_of(lp, adapters);
    for (int i = 0; i < len; i++) {
        int err = open_port(sys, lp, &adapters[i], MESSAGE_ADAPTER, &nothing_more);
        if (err) {
            network_detach(sys, lp);
            return err;
        }
    }
    if (len)
        outside_attach(sys, lp);
    return 0;
}

int network_plug(struct sys *sys, struct lp *lp, const struct veth *veth, const struct wire_record *values)
{
    int err = open_port(sys, lp, veth, MESSAGE_PLUG, values);
    if (!err) {
        link_flush(&lp->link);
        outside_attach(sys, lp);
    }
    return err;
}

void network_unplug(struct sys *sys, const struct lp *lp, u32 slot)
{
    struct net_port *p = sys->network ? find_port(sys->network, lp->id * SLOTS + slot) : NULL;
    if (!p)
        return;
    tell_gone(sys->network, p->number);
    free_port(p);
}

bool network_counts(const struct sys *sys, u32 lpar_id, u32 slot, struct network_counts *counts)
{
    const struct net_port *p = sys->network ? find_port(sys->network, lpar_id * SLOTS + slot) : NULL;
    struct port_counts now;
    if (!p)
        return false;
    *counts = (struct network_counts){.port = p->before};
    if (counted(sys->network, p->number, &now))
        add_counts(&counts->port, &now);
    ring_read_data(&p->link, &counts->adapter, sizeof(counts->adapter));
    return true;
}

void network_changed(struct sys *sys)
{
    struct network *n = sys->network;
    for (u32 i = 0; n && i < PORTS_MAX; i++) {
        struct net_port *p = &n->ports[i], old = *p;
        struct veth adapters[VETH_MAX];
        struct lp *lp = p->used ? sys_lp(sys, p->number / SLOTS) : NULL;
        const struct veth *v = NULL;
        int len = lp ? adapters_of(lp, adapters) : 0;
        for (int k = 0; k < len && !v; k++)
            v = adapters[k].slot == p->number % SLOTS ? &adapters[k] : NULL;
        if (v)
            describe(sys, lp, v, p);
        if (!v || memcmp(&old, p, sizeof(old)) == 0)
            continue;
        p->told = false;
        tell_port(n, p);
        if (vio_is_server(lp) && lp->linked) {
            tell_partition(lp, MESSAGE_ADAPTER, &nothing_more, v, p, NULL);
            link_flush(&lp->link);
        }
    }
}

void network_detach(struct sys *sys, struct lp *lp)
{
    struct network *n = sys->network;
    for (u32 i = 0; n && i < PORTS_MAX; i++) {
        struct net_port *p = &n->ports[i];
        if (!p->used || p->number / SLOTS != lp->id)
            continue;
        tell_gone(n, p->number);
        free_port(p);
    }
}

// A port that the switch has from the daemon before.
static void adopt_port(struct sys *sys, const struct wire_message *m, const int *fds)
{
    struct network *n = sys->network;
    u32 number = (u32)wire_num(&m->values, "port", 0);
    if (find_port(n, number))
        return; // it has heard of the new one
    const struct lp *lp = sys_lp(sys, number / SLOTS);
    struct veth adapters[VETH_MAX];
    int len = lp && lp_active(lp) && m->fds == 3 ? adapters_of(lp, adapters) : 0;
    for (int i = 0; i < len; i++) {
        struct net_port *p = adapters[i].slot == number % SLOTS ? new_port(n, number) : NULL;
        if (!p)
            continue;
        describe(sys, lp, &adapters[i], p);
        p->link.memory = fcntl(fds[0], F_DUPFD_CLOEXEC, 3);
        p->link.bell[0] = fcntl(fds[1], F_DUPFD_CLOEXEC, 3);
        p->link.bell[1] = fcntl(fds[2], F_DUPFD_CLOEXEC, 3);
        p->told = true;
        return;
    }
    tell_gone(n, number); // its partition is gone
}

static void take_log(struct sys *sys, const struct wire_message *m)
{
    u32 number = (u32)wire_num(&m->values, "port", 0);
    const char *said = wire_text(&m->values, "text");
    char text[512];
    snprintf(text, sizeof(text), "virtual Ethernet adapter in slot %u: %s", number % SLOTS, said ? said : "");
    sys_event(sys, sys_lp(sys, number / SLOTS), REFCODE_NETWORK, text);
}

static bool take_message(struct sys *sys, const struct wire_message *m, const int *fds)
{
    struct network *n = sys->network;
    switch (m->type) {
    case MESSAGE_ANNOUNCE:
        n->greeted = wire_num(&m->values, "version", 0) == WIRE_VERSION;
        if (m->fds == 1 && n->counts_fd < 0)
            n->counts_fd = fcntl(fds[0], F_DUPFD_CLOEXEC, 3);
        for (u32 i = 0; i < PORTS_MAX; i++)
            if (n->ports[i].used)
                tell_port(n, &n->ports[i]);
        return n->greeted;
    case MESSAGE_PORT: adopt_port(sys, m, fds); return true;
    case MESSAGE_LOG: take_log(sys, m); return true;
    default: return false;
    }
}

static void link_ready(struct sys *sys)
{
    static struct wire_message m; // large; one thread
    struct network *n = sys->network;
    int fds[WIRE_FDS_MAX], got = 0, flushed = link_flush(&n->link), err = link_fill(&n->link);
    bool ok = !n->link.failed && (!flushed || flushed == -EAGAIN);
    while (ok && err > 0 && (got = link_next(&n->link, &m, fds)) > 0) {
        ok = take_message(sys, &m, fds);
        for (u32 i = 0; i < m.fds; i++)
            close(fds[i]);
    }
    if (ok && got >= 0 && (err > 0 || err == -EAGAIN))
        return;
    if (n->pidfd >= 0)
        syscall(SYS_pidfd_send_signal, n->pidfd, SIGKILL, NULL, 0);
    lost(n);
}

void network_ready(struct sys *sys, int fd)
{
    struct network *n = sys->network;
    if (fd == outside_socket(sys)) {
        outside_ready(sys);
        return;
    }
    if (n && n->linked && fd == n->link.fd) {
        link_ready(sys);
    } else if (n && fd == n->pidfd) {
        siginfo_t info;
        waitid(P_PIDFD, (id_t)n->pidfd, &info, WEXITED | WNOHANG);
        close(n->pidfd);
        n->pidfd = -1;
        lost(n);
        fprintf(stderr, "openlpard: openlpar-vswitch ended%s\n", wanted(n) ? ", and is started again" : "");
    }
}

static s64 wait_less(s64 a, s64 b)
{
    return a < 0 ? b : MIN(a, b);
}

struct network_wait network_wait(struct sys *sys)
{
    struct network *n = sys->network;
    struct network_wait wait = {-1, -1, -1, false, outside_tick(sys)};
    if (!n)
        return wait;
    if (n->pidfd < 0 && wanted(n) && clock_ns() >= n->next_start)
        start_switch(sys);
    if (n->pidfd >= 0 && !n->linked)
        connect_switch(sys);
    if (!n->linked && wanted(n))
        wait.time = wait_less(wait.time, n->pidfd >= 0 ? RETRY_NS : RESTART_NS);
    wait.outside = outside_socket(sys);
    wait.link = n->linked ? n->link.fd : -1;
    wait.out = n->linked && n->link.out;
    wait.process = n->pidfd;
    return wait;
}
