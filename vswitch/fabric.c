// SPDX-License-Identifier: Apache-2.0
//
// Ports are few, so they are looked at one by one. Stations behind trunks are learned, so that a frame for one of them that was seen behind a trunk of one VLAN does not
// depend on that trunk's being the best one at the moment; what is learned is forgotten when nothing was heard for AGE_NS.
#include "vswitch/fabric.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#include "base/endian.h"

#define TYPE_VLAN     0x8100u
#define VID_MASK      0x0fffu
#define VID_LAST      4094u
#define STATIONS      4096u // a power of two; a new one takes the place of the one with the same hash
#define AGE_NS        300000000000ll
#define BURST_DEFAULT (4 * (u64)FRAME_SIZE_MAX)

struct port {
    bool used;
    struct port_config config;
    u16 flags;
    u8 mac[6];
    u8 filters[FRAME_FILTERS_MAX][6];
    u32 filters_len;
    u64 tokens; // bytes that it may send now
    s64 tokens_at;
    struct port_counts *counts;
};

struct station {
    u8 mac[6];
    u16 vid;
    u32 vswitch;
    u16 port; // + 1; 0: none
    s64 seen;
};

struct fabric {
    struct port ports[FABRIC_PORTS_MAX];
    u32 ports_len; // those that were ever used
    struct station stations[STATIONS];
};

struct fabric *fabric_new(struct switch_port *ports)
{
    struct fabric *fabric = calloc(1, sizeof(*fabric));
    for (u32 i = 0; fabric && i < FABRIC_PORTS_MAX; i++)
        fabric->ports[i].counts = &ports[i].counts;
    return fabric;
}

void fabric_free(struct fabric *fabric)
{
    free(fabric);
}

static bool same(const u8 *a, const u8 *b)
{
    return !memcmp(a, b, 6);
}

static bool is_group(const u8 *mac)
{
    return mac[0] & 1;
}

static struct port *port_at(struct fabric *fabric, u32 port)
{
    return port < FABRIC_PORTS_MAX && fabric->ports[port].used ? &fabric->ports[port] : NULL;
}

static bool valid(const struct port_config *c)
{
    if (!c->pvid || c->pvid > VID_LAST || c->vlans_len > FABRIC_VLANS_MAX || (c->vlans_len && !c->ieee) ||
        c->trunk_priority > 15 || (c->qos > 7 && c->qos != QOS_NONE) || is_group(c->mac) ||
        c->macs_len > FABRIC_MACS_MAX)
        return false;
    for (u32 i = 0; i < c->vlans_len; i++) {
        if (!c->vlans[i] || c->vlans[i] > VID_LAST || c->vlans[i] == c->pvid)
            return false;
        for (u32 j = 0; j < i; j++)
            if (c->vlans[j] == c->vlans[i])
                return false;
    }
    return true;
}

// Whether another port of that switch has this address, or was given it.
static bool taken(const struct fabric *fabric, u32 vswitch, const u8 *mac, const struct port *but)
{
    for (u32 i = 0; i < fabric->ports_len; i++) {
        const struct port *p = &fabric->ports[i];
        if (p->used && p != but && p->config.vswitch == vswitch && (same(p->mac, mac) || same(p->config.mac, mac)))
            return true;
    }
    return false;
}

int fabric_add_port(struct fabric *fabric, const struct port_config *config)
{
    u32 i = 0;
    if (!valid(config))
        return -EINVAL;
    if (taken(fabric, config->vswitch, config->mac, NULL))
        return -EEXIST;
    while (i < FABRIC_PORTS_MAX && fabric->ports[i].used)
        i++;
    if (i == FABRIC_PORTS_MAX)
        return -ENOSPC;
    struct port *p = &fabric->ports[i];
    *p = (struct port){.used = true, .config = *config, .counts = p->counts};
    *p->counts = (struct port_counts){0};
    if (p->config.rate && !p->config.burst)
        p->config.burst = BURST_DEFAULT;
    p->tokens = p->config.burst;
    memcpy(p->mac, config->mac, 6);
    fabric->ports_len = MAX(fabric->ports_len, i + 1);
    return (int)i;
}

void fabric_remove_port(struct fabric *fabric, u32 port)
{
    struct port *p = port_at(fabric, port);
    if (!p)
        return;
    p->used = false;
    for (u32 i = 0; i < STATIONS; i++)
        if (fabric->stations[i].port == port + 1)
            fabric->stations[i].port = 0;
}

static bool may_have(const struct port_config *c, const u8 *mac)
{
    bool listed = c->any_mac || same(mac, c->mac);
    for (u32 i = 0; i < c->macs_len && !listed; i++)
        listed = same(mac, c->macs[i]);
    return listed && !is_group(mac);
}

bool fabric_set_state(struct fabric *fabric, u32 port, u16 flags, const u8 *macs, u32 macs_len)
{
    struct port *p = port_at(fabric, port);
    if (!p || !macs_len || macs_len > FRAME_FILTERS_MAX + 1)
        return false;
    bool ok = may_have(&p->config, macs) && !taken(fabric, p->config.vswitch, macs, p);
    p->flags = ok ? flags : (u16)(flags & ~PORT_OPEN);
    memcpy(p->mac, ok ? macs : p->config.mac, 6);
    p->filters_len = macs_len - 1;
    memcpy(p->filters, macs + 6, 6 * p->filters_len);
    return ok;
}

u16 fabric_flags(const struct fabric *fabric, u32 port)
{
    return port < FABRIC_PORTS_MAX && fabric->ports[port].used ? fabric->ports[port].flags : 0;
}

static bool has_vlan(const struct port *p, u16 vid)
{
    bool has = vid == p->config.pvid;
    for (u32 i = 0; i < p->config.vlans_len && !has; i++)
        has = p->config.vlans[i] == vid;
    return has;
}

static bool listens(const struct port *p, u32 vswitch, u16 vid)
{
    return p->used && p->flags & PORT_OPEN && p->config.vswitch == vswitch && has_vlan(p, vid);
}

// The trunk of a VLAN that is active; of equal ones the first.
static struct port *active_trunk(struct fabric *fabric, u32 vswitch, u16 vid)
{
    struct port *best = NULL;
    for (u32 i = 0; i < fabric->ports_len; i++) {
        struct port *p = &fabric->ports[i];
        if (p->config.trunk_priority && listens(p, vswitch, vid) &&
            (!best || p->config.trunk_priority < best->config.trunk_priority))
            best = p;
    }
    return best;
}

static struct station *station_of(struct fabric *fabric, u32 vswitch, u16 vid, const u8 *mac)
{
    u64 key = (u64)load_be32(mac + 2) << 32 | (u64)load_be16(mac) << 16 | (u64)(vid ^ vswitch << 12);
    return &fabric->stations[(key * 0x9e3779b97f4a7c15ull) >> 52];
}

static_assert(STATIONS == 1u << 12, "the hash's bits");

static void learn(struct fabric *fabric, u32 port, u16 vid, const u8 *mac, s64 now)
{
    u32 vswitch = fabric->ports[port].config.vswitch;
    struct station *s = station_of(fabric, vswitch, vid, mac);
    *s = (struct station){.vid = vid, .vswitch = vswitch, .port = (u16)(port + 1), .seen = now};
    memcpy(s->mac, mac, 6);
}

static struct port *learned(struct fabric *fabric, u32 vswitch, u16 vid, const u8 *mac, s64 now)
{
    const struct station *s = station_of(fabric, vswitch, vid, mac);
    if (!s->port || s->vid != vid || s->vswitch != vswitch || !same(s->mac, mac) || now - s->seen > AGE_NS)
        return NULL;
    struct port *p = &fabric->ports[s->port - 1];
    return listens(p, vswitch, vid) ? p : NULL;
}

static const u8 broadcast[6] = {0xff, 0xff, 0xff, 0xff, 0xff, 0xff};

static bool wants_group(const struct port *p, const u8 *mac)
{
    if (same(mac, broadcast))
        return true;
    bool listed = p->flags & PORT_MULTICAST_ALL;
    for (u32 i = 0; i < p->filters_len && !listed; i++)
        listed = same(mac, p->filters[i]);
    return p->flags & PORT_MULTICAST && listed;
}

// Tokens of a bucket that fills at the port's rate.
static bool within_rate(struct port *p, u32 size, s64 now)
{
    if (!p->config.rate)
        return true;
    if (p->tokens_at && now > p->tokens_at) {
        u128 more = (u128)(u64)(now - p->tokens_at) * p->config.rate / 1000000000u;
        p->tokens = (u64)MIN((u128)p->config.burst, p->tokens + more);
        // What was less than a byte is not lost.
        if (more || p->tokens == p->config.burst)
            p->tokens_at = now;
    }
    if (!p->tokens_at)
        p->tokens_at = now;
    if (p->tokens < size)
        return false;
    p->tokens -= size;
    return true;
}

struct tag {
    bool present;
    u16 vid, priority; // priority: the other bits of its TCI
};

static struct hop hop_to(const struct fabric *fabric, const struct port *p, u16 vid, const struct tag *tag, u8 qos)
{
    struct hop hop = {.port = (u16)(p - fabric->ports), .tagging = TAG_AS_IS};
    bool tagged = vid != p->config.pvid;
    if (!tagged && tag->present)
        hop.tagging = TAG_REMOVE;
    if (tagged && !tag->present) {
        hop.tagging = TAG_INSERT;
        hop.tci = (u16)(vid | (qos == QOS_NONE ? 0 : qos << 13));
    }
    return hop;
}

static u32 drop(struct port *p, enum port_drop cause)
{
    p->counts->drops[cause]++;
    return 0;
}

u32 fabric_route(struct fabric *fabric, u32 port, const u8 *head, u32 size, s64 now, struct hop *hops)
{
    struct port *from = port_at(fabric, port);
    if (!from || size < FRAME_SIZE_MIN)
        return 0;
    const u8 *destination = head, *source = head + 6;
    struct tag tag = {0};
    if (load_be16(head + 12) == TYPE_VLAN) {
        if (size < FABRIC_HEAD_MAX)
            return drop(from, DROP_VLAN);
        u16 tci = load_be16(head + 14);
        tag = (struct tag){.present = true, .vid = tci & VID_MASK, .priority = (u16)(tci & ~VID_MASK)};
    }
    const struct port_config *c = &from->config;
    u32 vswitch = c->vswitch, len = 0;
    u16 vid = tag.vid ? tag.vid : c->pvid;
    // The port VLAN goes untagged; a tag without a VLAN says a priority only, and is for those who know tags.
    if ((tag.present && !c->ieee) || (tag.vid && (tag.vid == c->pvid || !has_vlan(from, tag.vid))))
        return drop(from, DROP_VLAN);
    bool trunk = c->trunk_priority;
    if (is_group(source) || (!trunk && !same(source, from->mac)) || !(from->flags & PORT_OPEN))
        return drop(from, DROP_ADDRESS);
    struct port *outside = active_trunk(fabric, vswitch, vid);
    if (trunk && from != outside)
        return drop(from, DROP_TRUNK);
    if (!within_rate(from, size, now))
        return drop(from, DROP_RATE);
    if (trunk)
        learn(fabric, port, vid, source, now);
    bool away = c->vepa && !trunk;
    if (is_group(destination)) {
        for (u32 i = 0; i < fabric->ports_len; i++) {
            struct port *p = &fabric->ports[i];
            bool wants = p->config.trunk_priority ? p == outside : !away && wants_group(p, destination);
            if (p != from && !same(p->mac, source) && listens(p, vswitch, vid) && wants)
                hops[len++] = hop_to(fabric, p, vid, &tag, c->qos);
        }
    } else {
        struct port *to = NULL;
        for (u32 i = 0; i < fabric->ports_len && !to; i++) {
            struct port *p = &fabric->ports[i];
            if (!away && listens(p, vswitch, vid) && same(p->mac, destination) &&
                (!p->config.trunk_priority || p == outside))
                to = p;
        }
        if (!to && !away)
            to = learned(fabric, vswitch, vid, destination, now);
        if (!to)
            to = outside;
        if (to && to != from)
            hops[len++] = hop_to(fabric, to, vid, &tag, c->qos);
    }
    // A tag that says a priority only belongs to nobody's VLAN: it stays for those to whom the VLAN is tagged, with the VLAN in it.
    for (u32 i = 0; i < len && tag.present && !tag.vid; i++)
        if (hops[i].tagging == TAG_AS_IS)
            hops[i] = (struct hop){.port = hops[i].port, .tagging = TAG_INSERT, .tci = (u16)(vid | tag.priority)};
    if (!len)
        return drop(from, DROP_NOBODY);
    from->counts->sent++;
    from->counts->multicast_sent += is_group(destination) && !same(destination, broadcast);
    from->counts->broadcast_sent += same(destination, broadcast);
    from->counts->sent_bytes += size;
    return len;
}

u32 fabric_members(struct fabric *fabric, u32 trunk, struct member *members)
{
    const struct port *to = port_at(fabric, trunk);
    u32 len = 0;
    for (u32 i = 0; to && to->config.trunk_priority && i < fabric->ports_len; i++) {
        const struct port *p = &fabric->ports[i];
        u16 vid = p->config.pvid;
        if (p->config.trunk_priority || !listens(p, to->config.vswitch, vid) ||
            active_trunk(fabric, to->config.vswitch, vid) != to)
            continue;
        members[len].hop = hop_to(fabric, to, vid, &(struct tag){0}, p->config.qos);
        memcpy(members[len++].mac, p->mac, 6);
    }
    return len;
}

void fabric_delivered(struct fabric *fabric, u32 port, u32 size)
{
    struct port *p = port_at(fabric, port);
    if (!p)
        return;
    p->counts->received++;
    p->counts->received_bytes += size;
}

void fabric_dropped(struct fabric *fabric, u32 port, enum port_drop cause)
{
    struct port *p = port_at(fabric, port);
    if (p)
        drop(p, cause);
}
