// SPDX-License-Identifier: Apache-2.0
#include "vios/net/aggregate.h"

#include <errno.h>
#include <net/if.h>
#include <poll.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/endian.h"

#define MACS      12u
#define TYPE_VLAN 0x8100u
#define TYPE_IPV4 0x0800u
#define TYPE_IPV6 0x86ddu
#define HASHED    80u // bytes that decide: addresses of IPv6 and ports behind a tag

int aggregate_open(struct aggregate *a)
{
    *a = (struct aggregate){.query = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0)};
    return a->query < 0 ? -errno : 0;
}

void aggregate_close(struct aggregate *a)
{
    for (u32 i = 0; i < a->len; i++)
        real_close(&a->members[i].real);
    if (a->query >= 0)
        close(a->query);
    a->len = 0;
    a->query = -1;
}

int aggregate_add(struct aggregate *a, const struct uplink_real *config, int fd, char *why, size_t why_size)
{
    if (a->len == UPLINK_REALS_MAX)
        return -ENOSPC;
    struct aggregate_member *m = &a->members[a->len];
    int err = real_open(&m->real, config, fd, why, why_size);
    if (err)
        return err;
    m->config = *config;
    m->link = m->used = a->len == 0;
    a->len++;
    return 0;
}

// --- Which are used

static u32 mode_of(const struct aggregate *a)
{
    return a->members[0].config.mode;
}

// An interface that is gone has no link either. What was given is taken for up until its other end is closed.
static bool look_at_link(const struct aggregate *a, const struct aggregate_member *m)
{
    struct ifreq ifr = {0};
    if (m->config.kind == UPLINK_FD_GIVEN) {
        struct pollfd p = {.fd = m->real.fd, .events = POLLIN};
        return poll(&p, 1, 0) >= 0 && !(p.revents & (POLLHUP | POLLERR));
    }
    memcpy(ifr.ifr_name, m->config.name, sizeof(ifr.ifr_name));
    return !ioctl(a->query, SIOCGIFFLAGS, &ifr) && (ifr.ifr_flags & (IFF_UP | IFF_RUNNING)) == (IFF_UP | IFF_RUNNING);
}

static void speak(struct aggregate *a, const u8 mac[6], s64 now)
{
    u8 bytes[LACP_FRAME];
    bool links[UPLINK_REALS_MAX];
    u32 mains = 0;
    while (mains < a->len && !a->members[mains].config.backup) {
        links[mains] = a->members[mains].link;
        mains++;
    }
    if (!a->speaks)
        lacp_begin(&a->lacp, mains, mac);
    a->speaks = true;
    lacp_step(&a->lacp, links, now);
    for (u32 i = 0; i < mains; i++) {
        struct frame frame = {FRAME_DATA, 0, LACP_FRAME, 0};
        if (lacp_say(&a->lacp, i, bytes, now))
            real_send(&a->members[i].real, &frame, bytes, -1);
    }
}

static bool is_usable(const struct aggregate *a, u32 i)
{
    const struct aggregate_member *m = &a->members[i];
    return m->link && (mode_of(a) != UPLINK_8023AD || m->config.backup || lacp_distributes(&a->lacp, i));
}

// All, or one; those that are the reserve when there is nothing else.
static bool choose(struct aggregate *a, bool backup)
{
    bool any = false;
    for (u32 i = 0; i < a->len; i++) {
        struct aggregate_member *m = &a->members[i];
        if ((m->config.backup != 0) != backup)
            continue;
        m->used = is_usable(a, i) && (!any || mode_of(a) != UPLINK_BACKUP);
        any |= m->used;
    }
    return any;
}

static u32 set_of(const struct aggregate *a)
{
    u32 set = 0;
    for (u32 i = 0; i < a->len; i++)
        set |= (u32)a->members[i].used << i;
    return set;
}

bool aggregate_look(struct aggregate *a, const u8 mac[6], s64 now_ms)
{
    u32 before = set_of(a);
    for (u32 i = 0; i < a->len; i++)
        a->members[i].link = look_at_link(a, &a->members[i]);
    if (mode_of(a) == UPLINK_8023AD)
        speak(a, mac, now_ms);
    bool any = choose(a, false);
    for (u32 i = 0; i < a->len; i++)
        a->members[i].used &= !(any && a->members[i].config.backup);
    if (!any)
        choose(a, true);
    return before != set_of(a);
}

bool aggregate_up(const struct aggregate *a)
{
    return set_of(a) != 0;
}

// --- Frames

// A frame of one that is not used is taken out and gone.
static bool is_wanted(struct aggregate *a, u32 i, const u8 *bytes, u32 size, s64 now)
{
    const struct aggregate_member *m = &a->members[i];
    if (mode_of(a) != UPLINK_8023AD || m->config.backup)
        return m->used;
    return !lacp_take(&a->lacp, i, bytes, size, now) && lacp_collects(&a->lacp, i);
}

int aggregate_receive(struct aggregate *a, struct frame *frame, u8 *bytes, s64 now_ms)
{
    for (u32 tried = 0; tried < a->len; a->turn = (a->turn + 1) % a->len, tried++) {
        struct aggregate_member *m = &a->members[a->turn];
        int got = m->link ? real_receive(&m->real, frame, bytes) : 0;
        if (got > 0 && a->len > 1 && !is_wanted(a, a->turn, bytes, frame->size, now_ms))
            return -EPROTO;
        if (got)
            return got;
    }
    return 0;
}

static u32 mix(u32 hash, const u8 *bytes, u32 len)
{
    for (u32 i = 0; i < len; i++)
        hash = (hash ^ bytes[i]) * 16777619u; // FNV-1a
    return hash;
}

u32 aggregate_hash(const u8 *bytes, u32 size, bool ports)
{
    u32 hash = mix(2166136261u, bytes, MIN(size, MACS)), at = MACS + 2;
    u32 type = size >= at ? load_be16(bytes + MACS) : 0;
    if (type == TYPE_VLAN && size >= at + 4) {
        type = load_be16(bytes + at + 2);
        at += 4;
    }
    u32 l4 = 0, protocol = 0;
    if (type == TYPE_IPV4 && size >= at + 20) {
        hash = mix(hash, bytes + at + 12, 8);
        protocol = bytes[at + 9];
        l4 = load_be16(bytes + at + 6) & 0x3fff ? 0 : at + (bytes[at] & 15u) * 4; // pieces have no ports
    } else if (type == TYPE_IPV6 && size >= at + 40) {
        hash = mix(hash, bytes + at + 8, 32);
        protocol = bytes[at + 6];
        l4 = at + 40;
    }
    if (ports && l4 && (protocol == 6 || protocol == 17) && size >= l4 + 4)
        hash = mix(hash, bytes + l4, 4);
    return hash ^ hash >> 15;
}

bool aggregate_send(struct aggregate *a, const struct frame *frame, u8 *bytes, int tci)
{
    u8 head[HASHED];
    u32 len = 0, used[UPLINK_REALS_MAX], size = MIN(frame->size, HASHED);
    for (u32 i = 0; i < a->len; i++)
        if (a->members[i].used)
            used[len++] = i;
    if (!len)
        return false;
    if (len > 1)
        memcpy(head, bytes, size); // the sender may change it meanwhile
    u32 which = len > 1 ? aggregate_hash(head, size, a->members[0].config.hash_ports) % len : 0;
    return real_send(&a->members[used[which]].real, frame, bytes, tci);
}

u64 aggregate_failures(const struct aggregate *a)
{
    u64 failures = 0;
    for (u32 i = 0; i < a->len; i++)
        failures += a->members[i].real.send_failures;
    return failures;
}
