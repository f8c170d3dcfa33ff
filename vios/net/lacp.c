// SPDX-License-Identifier: Apache-2.0
#include "vios/net/lacp.h"

#include <string.h>

#include "base/endian.h"

#define TYPE      0x8809u // slow protocols
#define SUBTYPE   1u
#define VERSION   1u
#define PRIORITY  0x8000u
#define KEY       1u
#define FAST_MS   1000
#define SLOW_MS   30000
#define PACE_MS   333 // no more than three a second
#define ACTOR     16u // offsets in a frame
#define PARTNER   36u
#define COLLECTOR 56u
#define TLV_INFO  20u

static const u8 group[6] = {0x01, 0x80, 0xc2, 0, 0, 2};

void lacp_begin(struct lacp *lacp, u32 ports, const u8 system[6])
{
    *lacp = (struct lacp){.len = MIN(ports, LACP_PORTS_MAX)};
    for (u32 i = 0; i < lacp->len; i++) {
        struct lacp_port *p = &lacp->ports[i];
        p->actor = (struct lacp_info){.system_priority = PRIORITY,
                                      .key = KEY,
                                      .port_priority = PRIORITY,
                                      .port = (u16)(i + 1),
                                      .state = LACP_ACTIVITY | LACP_TIMEOUT | LACP_AGGREGATION | LACP_DEFAULTED};
        memcpy(p->actor.system, system, 6);
        p->joined_at = -1;
        p->sent_at = -SLOW_MS;
    }
}

// --- What partners say

static void forget(struct lacp_port *p)
{
    p->known = false;
    p->partner = (struct lacp_info){.state = LACP_TIMEOUT};
    p->actor.state = (u8)((p->actor.state & ~LACP_EXPIRED) | LACP_DEFAULTED);
    p->say = true;
}

// The states of the receive machine: CURRENT, then for as long again EXPIRED, then DEFAULTED.
static void age(struct lacp_port *p, s64 now)
{
    if (!p->known || now < p->until)
        return;
    if (p->actor.state & LACP_EXPIRED) {
        forget(p);
        return;
    }
    p->actor.state |= LACP_EXPIRED;
    p->partner.state = (u8)((p->partner.state & ~LACP_SYNC) | LACP_TIMEOUT);
    p->until = now + LACP_SHORT_MS;
    p->say = true;
}

static bool same_group(const struct lacp_info *a, const struct lacp_info *b)
{
    return a->system_priority == b->system_priority && a->key == b->key && !memcmp(a->system, b->system, 6);
}

static bool same_port(const struct lacp_info *a, const struct lacp_info *b)
{
    return same_group(a, b) && a->port == b->port && a->port_priority == b->port_priority &&
           !((a->state ^ b->state) & LACP_AGGREGATION);
}

static void read_info(const u8 *at, struct lacp_info *info)
{
    info->system_priority = load_be16(at);
    memcpy(info->system, at + 2, 6);
    info->key = load_be16(at + 8);
    info->port_priority = load_be16(at + 10);
    info->port = load_be16(at + 12);
    info->state = at[14];
}

bool lacp_take(struct lacp *lacp, u32 port, const u8 *frame, u32 size, s64 now_ms)
{
    struct lacp_port *p = &lacp->ports[port];
    struct lacp_info seen;
    if (size < 14 || memcmp(frame, group, 6) != 0 || load_be16(frame + 12) != TYPE)
        return false;
    if (size < LACP_FRAME || frame[14] != SUBTYPE || frame[ACTOR] != 1 || frame[ACTOR + 1] != TLV_INFO ||
        frame[PARTNER] != 2 || frame[PARTNER + 1] != TLV_INFO || !p->link)
        return true; // another slow protocol
    read_info(frame + ACTOR + 2, &p->partner);
    read_info(frame + PARTNER + 2, &seen);
    if (!memcmp(p->partner.system, p->actor.system, 6)) { // our own, from another port of ours
        forget(p);
        return true;
    }
    bool alone = !(p->partner.state & LACP_AGGREGATION);
    if (!alone && !same_port(&seen, &p->actor))
        p->partner.state &= (u8)~LACP_SYNC; // it means somebody else
    u8 told = LACP_ACTIVITY | LACP_TIMEOUT | LACP_AGGREGATION | LACP_SYNC;
    p->say |= !same_port(&seen, &p->actor) || (seen.state ^ p->actor.state) & told;
    p->known = true;
    p->until = now_ms + LACP_SHORT_MS;
    p->actor.state &= (u8) ~(LACP_EXPIRED | LACP_DEFAULTED);
    return true;
}

// --- Who belongs together

static bool can_join(const struct lacp_port *p)
{
    return p->link && p->known;
}

// The first one that can, and those that lead to the same group of the same partner; one that its partner takes alone is alone.
static void select_ports(struct lacp *lacp, s64 now)
{
    const struct lacp_port *first = NULL;
    for (u32 i = 0; i < lacp->len; i++) {
        struct lacp_port *p = &lacp->ports[i];
        bool was = p->selected;
        if (!first && can_join(p))
            first = p;
        p->selected = can_join(p) && (p == first || (same_group(&p->partner, &first->partner) &&
                                                     p->partner.state & first->partner.state & LACP_AGGREGATION));
        if (p->selected && !was)
            p->joined_at = now + LACP_WAIT_MS;
    }
}

static void join_or_leave(struct lacp_port *p, s64 now)
{
    u8 before = p->actor.state, partner = p->partner.state, on = 0;
    if (p->selected && now >= p->joined_at) {
        on = LACP_SYNC;
        if (partner & LACP_SYNC)
            on |= LACP_COLLECTING | (partner & LACP_COLLECTING ? LACP_DISTRIBUTING : 0);
    }
    p->actor.state = (u8)((before & ~(LACP_SYNC | LACP_COLLECTING | LACP_DISTRIBUTING)) | on);
    p->say |= p->actor.state != before;
}

void lacp_step(struct lacp *lacp, const bool *links, s64 now_ms)
{
    for (u32 i = 0; i < lacp->len; i++) {
        struct lacp_port *p = &lacp->ports[i];
        if (p->link && !links[i])
            forget(p);
        p->say |= links[i] && !p->link;
        p->link = links[i];
        age(p, now_ms);
    }
    select_ports(lacp, now_ms);
    for (u32 i = 0; i < lacp->len; i++)
        join_or_leave(&lacp->ports[i], now_ms);
}

// --- What is said

static void write_info(u8 *at, u8 type, const struct lacp_info *info)
{
    at[0] = type;
    at[1] = TLV_INFO;
    store_be16(at + 2, info->system_priority);
    memcpy(at + 4, info->system, 6);
    store_be16(at + 10, info->key);
    store_be16(at + 12, info->port_priority);
    store_be16(at + 14, info->port);
    at[16] = info->state;
}

bool lacp_say(struct lacp *lacp, u32 port, u8 frame[LACP_FRAME], s64 now_ms)
{
    struct lacp_port *p = &lacp->ports[port];
    s64 since = now_ms - p->sent_at;
    if (!p->link || since < PACE_MS || (!p->say && since < (p->partner.state & LACP_TIMEOUT ? FAST_MS : SLOW_MS)))
        return false;
    p->say = false;
    p->sent_at = now_ms;
    memset(frame, 0, LACP_FRAME);
    memcpy(frame, group, 6);
    memcpy(frame + 6, p->actor.system, 6);
    store_be16(frame + 12, TYPE);
    frame[14] = SUBTYPE;
    frame[15] = VERSION;
    write_info(frame + ACTOR, 1, &p->actor);
    write_info(frame + PARTNER, 2, &p->partner);
    frame[COLLECTOR] = 3;
    frame[COLLECTOR + 1] = 16;
    return true;
}

bool lacp_collects(const struct lacp *lacp, u32 port)
{
    return lacp->ports[port].actor.state & LACP_COLLECTING;
}

bool lacp_distributes(const struct lacp *lacp, u32 port)
{
    return lacp->ports[port].actor.state & LACP_DISTRIBUTING;
}
