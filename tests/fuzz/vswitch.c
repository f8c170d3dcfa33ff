// SPDX-License-Identifier: Apache-2.0
// Fuzz target: the Ethernet switch: ports with any configuration and state, and messages of their links, right or wrong, forwarded into other ports' rings. What arrives keeps to the
// protocol, and never crosses VLANs or switches.
#include <stdlib.h>
#include <string.h>

#include "proto/vio/frame.h"
#include "vswitch/deliver.h"
#include "vswitch/fabric.h"
#include "tests/fuzz/input.h"

int LLVMFuzzerTestOneInput(const u8 *data, size_t size);

#define PORTS     6u
#define STEPS_MAX 64u

static struct ring_fds fds;
static struct ring *near, *far;
static struct port_config configs[PORTS];
static u8 message[FRAME_HEADER + FRAME_SIZE_MAX];

static bool in_vlan(const struct port_config *c, u16 vid)
{
    bool in = c->pvid == vid;
    for (u32 i = 0; i < c->vlans_len; i++)
        in |= c->vlans[i] == vid;
    return in;
}

static void add_port(struct fabric *fabric, struct input *in)
{
    struct port_config c = {.vswitch = take(in) & 1, .pvid = take(in) & 3, .ieee = take(in) & 1, .qos = QOS_NONE};
    c.vlans_len = c.ieee ? take(in) & 3 : 0;
    for (u32 i = 0; i < c.vlans_len; i++)
        c.vlans[i] = take(in) & 7;
    c.trunk_priority = take(in) & 3;
    c.rate = take(in) & 4 ? 1000 : 0;
    c.mac[0] = 2;
    c.mac[5] = take(in) & 7;
    int port = fabric_add_port(fabric, &c);
    if (port >= (int)PORTS)
        fabric_remove_port(fabric, (u32)port);
    else if (port >= 0)
        configs[port] = c;
}

static void send_frame(struct fabric *fabric, struct input *in, s64 now)
{
    static struct hop hops[FABRIC_PORTS_MAX];
    u32 from = take(in) % PORTS, size = FRAME_HEADER + (u32)take(in) * (take(in) & 1 ? 250 : 1);
    u8 flags = take(in);
    struct frame f = {FRAME_DATA, flags & 7, size - FRAME_HEADER, flags & 8 ? 100 : 0};
    for (u32 i = 0; i < 100; i++)
        message[FRAME_HEADER + i] = take(in);
    if (flags & 16)
        memcpy(message + FRAME_HEADER + 6, configs[from].mac, 6);
    frame_put(message, &f);
    if (!frame_get(message, size, &f))
        return;
    u8 head[FABRIC_HEAD_MAX] = {0};
    memcpy(head, message + FRAME_HEADER, MIN(f.size, FABRIC_HEAD_MAX));
    u32 len = fabric_route(fabric, from, head, f.size, now, hops);
    u16 tci = (u16)(head[14] << 8 | head[15]);
    bool tagged = head[12] == 0x81 && !head[13] && tci & 0xfff;
    u16 vid = tagged ? tci & 0xfff : configs[from].pvid;
    for (u32 i = 0; i < len; i++) {
        const struct port_config *to = &configs[hops[i].port];
        u16 port_flags = fabric_flags(fabric, hops[i].port);
        u32 got;
        const void *m;
        if (hops[i].port == from || to->vswitch != configs[from].vswitch || !in_vlan(to, vid) ||
            !in_vlan(&configs[from], vid) || !(port_flags & PORT_OPEN))
            abort();
        deliver(near, port_flags, &f, message + FRAME_HEADER, &hops[i]);
        while ((m = ring_peek(far, &got))) {
            struct frame out;
            if (!frame_get(m, got, &out) || (out.flags & FRAME_LARGE && !(port_flags & PORT_LARGE)))
                abort();
            ring_consume(far);
        }
    }
}

int LLVMFuzzerTestOneInput(const u8 *data, size_t size)
{
    struct input in = {data, size};
    if (!near) {
        if (ring_create(0x100000, 0, &fds))
            abort();
        near = ring_attach(&fds, 1);
        far = ring_attach(&fds, 0);
    }
    static struct switch_port counts[FABRIC_PORTS_MAX];
    struct fabric *fabric = fabric_new(counts);
    if (!fabric || !near || !far)
        abort();
    s64 now = 1;
    for (u32 steps = 0; in.size && steps < STEPS_MAX; steps++, now += (s64)take(&in) << 30) {
        u8 macs[12] = {2, 0, 0, 0, 0, 0, 1}, choice = take(&in);
        switch (choice & 7) {
        case 0: add_port(fabric, &in); break;
        case 1: fabric_remove_port(fabric, take(&in) % PORTS); break;
        case 2:
            macs[5] = take(&in) & 7;
            fabric_set_state(fabric, take(&in) % PORTS, take(&in) & PORT_FLAGS, macs, 1 + (choice >> 7));
            break;
        default: send_frame(fabric, &in, now); break;
        }
    }
    fabric_free(fabric);
    return 0;
}
