// SPDX-License-Identifier: Apache-2.0
#include "vios/net/bridge.h"

#include <errno.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/endian.h"
#include "vios/net/aggregate.h"
#include "vios/net/failover.h"
#include "vios/net/port.h"

#define TURN     64u // frames of a side before the others have their turn
#define LINK_MS  200 // between looks at the real side's link
#define MACS     12u
#define VID_MASK 0x0fffu

struct bridge {
    struct port ports[UPLINK_PORTS_MAX];
    u32 ports_len;
    struct port *control;      // one of them; NULL: it is alone
    struct uplink_real config; // of the first real side
    struct aggregate reals;
    bool link;
    u8 bridging; // halves of the trunk adapters: FAILOVER_EVEN, FAILOVER_ODD
    s64 looked_at;
    struct failover failover;
    struct uplink_state state;
    struct pollfd polls[1 + UPLINK_REALS_MAX + UPLINK_PORTS_MAX];
    u8 buffer[FRAME_SIZE_MAX + VLAN_TAG];
};

static s64 now_ms(void)
{
    struct timespec now;
    clock_gettime(CLOCK_MONOTONIC, &now);
    return (s64)now.tv_sec * 1000 + now.tv_nsec / 1000000;
}

struct bridge *bridge_new(const struct uplink_real *config, int fd, char *why, size_t why_size)
{
    struct bridge *b = calloc(1, sizeof(*b));
    snprintf(why, why_size, "no memory");
    if (!b)
        return NULL;
    b->config = *config;
    b->link = true;
    if (!aggregate_open(&b->reals) && !aggregate_add(&b->reals, config, fd, why, why_size))
        return b;
    bridge_free(b);
    return NULL;
}

void bridge_free(struct bridge *b)
{
    if (!b)
        return;
    for (u32 i = 0; i < b->ports_len; i++)
        port_close(&b->ports[i]);
    aggregate_close(&b->reals);
    free(b);
}

int bridge_add_real(struct bridge *b, const struct uplink_real *config, int fd, char *why, size_t why_size)
{
    snprintf(why, why_size, "there can be %u interfaces", UPLINK_REALS_MAX);
    return aggregate_add(&b->reals, config, fd, why, why_size);
}

int bridge_add_port(struct bridge *b, const struct uplink_port *config, const struct ring_fds *link)
{
    if (b->ports_len == UPLINK_PORTS_MAX || (config->use == UPLINK_CONTROL && b->control))
        return -ENOSPC;
    struct port *p = &b->ports[b->ports_len];
    int err = port_open(p, config, link);
    if (err)
        return err;
    b->ports_len++;
    if (config->use == UPLINK_CONTROL) {
        b->control = p;
        failover_begin(&b->failover, (u8)config->priority, config->standby, config->sharing, config->mac, now_ms());
    }
    return 0;
}

static bool is_trunk(const struct bridge *b, const struct port *p)
{
    return p != b->control;
}

static bool is_bridged(const struct bridge *b, const struct port *p)
{
    u32 number = 0;
    for (const struct port *before = b->ports; before < p; before++)
        number += is_trunk(b, before);
    return is_trunk(b, p) && (b->bridging & (number % 2 ? FAILOVER_ODD : FAILOVER_EVEN));
}

static void set_bridging(struct bridge *b, u8 bridging)
{
    if (b->bridging == bridging)
        return;
    b->bridging = bridging;
    for (u32 i = 0; i < b->ports_len; i++)
        if (is_trunk(b, &b->ports[i]) && b->ports[i].open != is_bridged(b, &b->ports[i]))
            port_set_open(&b->ports[i], !b->ports[i].open);
}

// Behind another interface switches have to learn where everybody is: the switch says it to a trunk adapter that opens.
static void look(struct bridge *b, s64 now)
{
    bool others = aggregate_look(&b->reals, b->ports[0].config.mac, now);
    b->looked_at = now;
    b->link = aggregate_up(&b->reals);
    for (u32 i = 0; others && b->link && i < b->ports_len; i++)
        if (is_trunk(b, &b->ports[i]) && b->ports[i].open) {
            port_set_open(&b->ports[i], false);
            port_set_open(&b->ports[i], true);
        }
}

// What was heard (NULL: nothing), or just the time.
static void step(struct bridge *b, const struct failover_word *word, s64 now)
{
    u8 frame[FAILOVER_FRAME];
    if (now - b->looked_at >= LINK_MS || !b->looked_at) {
        look(b, now);
    }
    if (b->control && failover_step(&b->failover, word, b->link, now)) {
        failover_write(&b->failover.own, frame);
        port_send(b->control, frame, sizeof(frame));
    }
    set_bridging(b, b->control ? b->failover.own.bridges : b->link ? FAILOVER_ALL : 0);
    b->state.failover = b->control ? b->failover.own.state : b->link ? FAILOVER_PRIMARY : FAILOVER_LIMBO;
    b->state.link = b->link;
    b->state.bridging = b->bridging;
}

// The tag of a frame: its VLAN, or -1.
static int tag_of(const u8 *bytes, u32 size)
{
    bool has = size >= MACS + VLAN_TAG + 2 && load_be16(bytes + MACS) == 0x8100;
    return has ? (int)(load_be16(bytes + MACS + 2) & VID_MASK) : -1;
}

static void to_real(struct bridge *b, const struct port *p, const struct frame *frame, u8 *bytes)
{
    int tag = tag_of(bytes, frame->size);
    bool bare = tag >= 0 || p->config.pvid == b->config.default_id;
    port_count_received(p, frame->size);
    b->state.virtual_received++;
    if (b->config.vlan && (tag >= 0 || !bare)) {
        b->state.dropped_vlan++;
        return;
    }
    if (!aggregate_send(&b->reals, frame, bytes, b->config.vlan ? b->config.vlan : bare ? -1 : p->config.pvid))
        return;
    b->state.real_sent++;
    b->state.real_sent_bytes += frame->size;
}

static void from_control(struct bridge *b, const struct frame *frame, const u8 *bytes, s64 now)
{
    u8 copy[FAILOVER_FRAME];
    struct failover_word word;
    if (frame->size < sizeof(copy))
        return;
    memcpy(copy, bytes, sizeof(copy));
    if (failover_read(copy, sizeof(copy), &word))
        step(b, &word, now);
}

// true: there may be more.
static bool take_virtual(struct bridge *b, struct port *p, s64 now)
{
    struct frame frame;
    for (u32 i = 0; i < TURN; i++) {
        u8 *bytes = port_receive(p, &frame);
        if (!bytes)
            return false;
        if (!is_trunk(b, p))
            from_control(b, &frame, bytes, now);
        else if (p->open)
            to_real(b, p, &frame, bytes);
        port_consume(p);
    }
    return true;
}

// The trunk adapter that has a VLAN; *tagged: whether its frames are tagged there.
static struct port *port_of(struct bridge *b, u16 vid, bool *tagged)
{
    for (u32 i = 0; i < b->ports_len; i++) {
        struct port *p = &b->ports[i];
        *tagged = p->config.pvid != vid;
        bool has = !*tagged;
        for (u32 k = 0; k < p->config.vlans_len && !has; k++)
            has = p->config.vlans[k] == vid;
        if (has && is_trunk(b, p))
            return p;
    }
    return NULL;
}

static void remove_tag(struct frame *frame, u8 *bytes)
{
    memmove(bytes + MACS, bytes + MACS + VLAN_TAG, frame->size - MACS - VLAN_TAG);
    frame->size -= VLAN_TAG;
}

static void to_virtual(struct bridge *b, struct frame *frame)
{
    u8 *bytes = b->buffer;
    int tag = tag_of(bytes, frame->size);
    if (b->config.vlan && tag != b->config.vlan)
        return; // another one's
    if (b->config.vlan) {
        remove_tag(frame, bytes);
        tag = -1;
    }
    u16 vid = tag > 0 ? (u16)tag : b->config.default_id;
    bool tagged;
    struct port *p = port_of(b, vid, &tagged);
    b->state.real_received++;
    b->state.real_received_bytes += frame->size;
    if (!p || !p->open) {
        b->state.dropped_vlan += !p; // else it is another one's
        return;
    }
    if (tagged && tag < 0) {
        memmove(bytes + MACS + VLAN_TAG, bytes + MACS, frame->size - MACS);
        store_be32(bytes + MACS, 0x81000000u | vid);
        frame->size += VLAN_TAG;
    } else if (!tagged && tag >= 0) {
        remove_tag(frame, bytes);
    }
    if (frame->size <= FRAME_SIZE_MAX && port_send_frame(p, frame, bytes))
        b->state.virtual_sent++;
    else
        b->state.dropped_full++;
}

static bool take_real(struct bridge *b, s64 now)
{
    struct frame frame;
    for (u32 i = 0; i < TURN; i++) {
        int got = aggregate_receive(&b->reals, &frame, b->buffer, now);
        if (!got)
            return false;
        if (got > 0 && b->bridging)
            to_virtual(b, &frame);
    }
    return true;
}

static void wait_for_more(struct bridge *b, int control, bool more, s64 now)
{
    u32 asleep = 0, fixed = 1 + b->reals.len;
    b->polls[0] = (struct pollfd){.fd = control, .events = POLLIN};
    for (u32 i = 0; i < b->reals.len; i++) {
        const struct aggregate_member *m = &b->reals.members[i];
        b->polls[1 + i] = (struct pollfd){.fd = m->link ? m->real.fd : -1, .events = POLLIN};
    }
    for (; asleep < b->ports_len && !more; asleep++) {
        struct port *p = &b->ports[asleep];
        b->polls[fixed + asleep] = (struct pollfd){.fd = ring_bell(p->ring), .events = POLLIN};
        if (!ring_sleep(p->ring))
            more = true;
    }
    s64 wait = MAX(b->looked_at + LINK_MS - now, 0);
    if (b->control)
        wait = MIN(wait, failover_wait(&b->failover, now));
    poll(b->polls, fixed + asleep, more ? 0 : (int)wait);
    for (u32 i = 0; i < asleep; i++)
        ring_woken(b->ports[i].ring);
}

void bridge_run(struct bridge *b, int control, void (*changed)(const struct uplink_state *state))
{
    for (;;) {
        s64 now = now_ms();
        bool more = false;
        u32 state = b->state.failover;
        step(b, NULL, now);
        for (u32 i = 0; i < b->ports_len; i++)
            more |= take_virtual(b, &b->ports[i], now);
        more |= take_real(b, now);
        for (u32 i = 0; i < b->ports_len; i++)
            ring_notify(b->ports[i].ring);
        if (b->state.failover != state)
            changed(&b->state);
        wait_for_more(b, control, more, now);
        if (b->polls[0].revents)
            return;
    }
}

struct uplink_state bridge_state(const struct bridge *b)
{
    struct uplink_state state = b->state;
    state.send_failures = aggregate_failures(&b->reals);
    for (u32 i = 0; i < b->reals.len; i++) {
        state.reals_link |= (u32)b->reals.members[i].link << i;
        state.reals_used |= (u32)b->reals.members[i].used << i;
    }
    return state;
}
