// SPDX-License-Identifier: Apache-2.0
// The adapter in a partition of this process: its memory has the buffer list, queue and buffers, this side of the link is the network.
#include "vdev/llan.h"

#include <errno.h>
#include <poll.h>

#include "papr/irq.h"
#include "papr/tce.h"
#include "papr/test_partition.h"
#include "papr/vdev_ops.h"
#include "vdev/llan_int.h"

#define SLOT    3u
#define UNIT    VIO_UNIT(SLOT)
#define LIOBN   VIO_LIOBN(SLOT)
#define LIST    0x1000u // I/O bus addresses; guest real ones are BASE higher
#define FILTER  0x2000u
#define QUEUE   0x3000u
#define ENTRIES 4u
#define FRAME   0x10000u // what is sent
#define BUFFERS 0x40000u
#define MAPPED  0x200000u
#define BASE    0x1000000u
#define MAC     0x021234567802ull
#define VALID   BUFFER_VALID

static struct partition *lp;
static struct cpu *cpu;
static struct llan *llan;
static struct ring_fds fds;
static struct ring *net;

static u8 *at(u32 ioba)
{
    return lp->mem.base + BASE + ioba;
}

static void begin(u8 trunk_priority)
{
    struct llan_config config = {.slot = SLOT, .mac = {2, 0x12, 0x34, 0x56, 0x78, 2}, .trunk_priority = trunk_priority};
    lp = test_partition(1, 1, LEVEL_V30);
    cpu = lp->group.cpus[0];
    CHECK_EQ(ring_create(0x40000, 0, &fds), 0);
    llan = llan_new(lp, &config, &fds);
    net = ring_attach(&fds, 1);
    CHECK(llan && net);
    for (u32 ioba = 0x1000; ioba < MAPPED; ioba += 0x1000)
        CHECK_EQ(H(cpu, H_PUT_TCE, LIOBN, ioba, (BASE + ioba) | TCE_READ | TCE_WRITE), H_SUCCESS);
}

static void end(void)
{
    llan_free(llan, false);
    ring_detach(net);
    ring_close_fds(&fds);
    partition_fini(lp);
}

static long open_port(void)
{
    return H(cpu, H_REGISTER_LOGICAL_LAN, UNIT, LIST, VALID | (u64)(ENTRIES * 16) << 32 | QUEUE, FILTER, MAC);
}

static long add_buffer(u32 ioba, u32 size, u64 correlator)
{
    memcpy(at(ioba), &correlator, 8);
    return H(cpu, H_ADD_LOGICAL_LAN_BUFFER, UNIT, VALID | (u64)size << 32 | ioba);
}

// The next message from the adapter, which may take a moment.
static const u8 *next(struct frame *frame)
{
    u32 size;
    const void *message;
    while (!(message = ring_peek(net, &size))) {
        struct pollfd p = {.fd = ring_bell(net), .events = POLLIN};
        if (ring_sleep(net))
            poll(&p, 1, -1);
        ring_woken(net);
    }
    CHECK(frame_get(message, size, frame));
    return (const u8 *)message + FRAME_HEADER;
}

// The last of its states that it told.
static u16 port_flags(void)
{
    struct frame frame;
    u32 size;
    u16 flags = 0xffff;
    while (ring_peek(net, &size)) {
        next(&frame);
        if (frame.kind == FRAME_PORT)
            flags = frame.flags;
        ring_consume(net);
    }
    return flags;
}

static void send_to_guest(u64 destination, u32 size, u16 flags, u16 mss)
{
    struct frame frame = {FRAME_DATA, flags, size, mss};
    u8 *to = ring_reserve(net, FRAME_HEADER + size), mac[8];
    CHECK(to);
    if (!to)
        return;
    frame_put(to, &frame);
    store_be64(mac, destination);
    memset(to + FRAME_HEADER, (u8)size, size);
    memcpy(to + FRAME_HEADER, mac + 2, 6);
    ring_commit(net, FRAME_HEADER + size);
    ring_notify(net);
}

// When the adapter answers this it has taken everything that was sent before.
static void settle(void)
{
    struct frame ask = {FRAME_ASK, 0, 0, 0}, got;
    port_flags();
    frame_put(ring_reserve(net, FRAME_HEADER), &ask);
    ring_commit(net, FRAME_HEADER);
    ring_notify(net);
    do {
        next(&got);
        ring_consume(net);
    } while (got.kind != FRAME_PORT);
}

static u32 entry_flags(u32 i)
{
    return load_be32(at(QUEUE + i * 16));
}

static u64 entry_correlator(u32 i)
{
    u64 value;
    memcpy(&value, at(QUEUE + i * 16 + 8), 8);
    return value;
}

static void test_register(void)
{
    begin(0);
    u64 queue = VALID | (u64)64 << 32 | QUEUE;
    CHECK_EQ(port_flags(), 0);
    CHECK_EQ(H(cpu, H_FREE_LOGICAL_LAN, UNIT), H_RESOURCE);
    CHECK_EQ(add_buffer(BUFFERS, 2048, 1), H_RESOURCE);
    CHECK_EQ(H(cpu, H_REGISTER_LOGICAL_LAN, UNIT + 1, LIST, queue, FILTER, MAC), H_PARAMETER);
    CHECK_EQ(H(cpu, H_REGISTER_LOGICAL_LAN, VTY_UNIT, LIST, queue, FILTER, MAC), H_PARAMETER);
    CHECK_EQ(H(cpu, H_REGISTER_LOGICAL_LAN, UNIT, LIST + 8, queue, FILTER, MAC), H_PARAMETER);
    CHECK_EQ(H(cpu, H_REGISTER_LOGICAL_LAN, UNIT, MAPPED, queue, FILTER, MAC), H_PARAMETER);
    CHECK_EQ(H(cpu, H_REGISTER_LOGICAL_LAN, UNIT, 1ull << 32 | LIST, queue, FILTER, MAC), H_PARAMETER);
    CHECK_EQ(H(cpu, H_REGISTER_LOGICAL_LAN, UNIT, LIST, queue, MAPPED, MAC), H_PARAMETER);
    CHECK_EQ(H(cpu, H_REGISTER_LOGICAL_LAN, UNIT, LIST, queue & ~VALID, FILTER, MAC), H_PARAMETER);
    CHECK_EQ(H(cpu, H_REGISTER_LOGICAL_LAN, UNIT, LIST, queue + 8, FILTER, MAC), H_PARAMETER);
    CHECK_EQ(H(cpu, H_REGISTER_LOGICAL_LAN, UNIT, LIST, queue + (8ull << 32), FILTER, MAC), H_PARAMETER);
    CHECK_EQ(H(cpu, H_REGISTER_LOGICAL_LAN, UNIT, LIST, VALID | QUEUE, FILTER, MAC), H_PARAMETER);
    CHECK_EQ(H(cpu, H_REGISTER_LOGICAL_LAN, UNIT, LIST, VALID | 0xfffff0ull << 32 | QUEUE, FILTER, MAC), H_PARAMETER);
    CHECK_EQ(H(cpu, H_REGISTER_LOGICAL_LAN, UNIT, LIST, queue, FILTER, 0), H_PARAMETER);
    CHECK_EQ(H(cpu, H_REGISTER_LOGICAL_LAN, UNIT, LIST, queue, FILTER, MAC | 1ull << 40), H_PARAMETER);
    CHECK_EQ(H(cpu, H_REGISTER_LOGICAL_LAN, UNIT, LIST, queue, FILTER, MAC | 1ull << 48), H_PARAMETER);
    CHECK_EQ(port_flags(), 0xffff); // nothing changed
    CHECK_EQ(open_port(), H_SUCCESS);
    CHECK_EQ(port_flags(), PORT_OPEN);
    CHECK_EQ(open_port(), H_RESOURCE);
    CHECK_EQ(H(cpu, H_VIO_SIGNAL, UNIT, 1), H_SUCCESS);
    CHECK_EQ(H(cpu, H_FREE_LOGICAL_LAN, UNIT), H_SUCCESS);
    CHECK_EQ(port_flags(), 0);
    end();
}

static void test_attributes(void)
{
    begin(5);
    u64 fixed = ILLAN_PADDED_CSUM | ILLAN_LARGE_SEND | ILLAN_MULTI_BUFFER | ILLAN_TRUNK_ACTIVE | 5 << 8;
    port_flags();
    CHECK_EQ(H(cpu, H_ILLAN_ATTRIBUTES, UNIT, 0, 0), H_SUCCESS);
    CHECK_EQ(cpu->gpr[4], fixed);
    CHECK_EQ(H(cpu, H_ILLAN_ATTRIBUTES, UNIT, 0, ILLAN_IPV4_CSUM), H_SUCCESS);
    CHECK_EQ(port_flags(), PORT_CSUM);
    CHECK_EQ(H(cpu, H_ILLAN_ATTRIBUTES, UNIT, 0, ILLAN_LARGE_ENABLED), H_SUCCESS);
    CHECK_EQ(cpu->gpr[4], fixed | ILLAN_IPV4_CSUM | ILLAN_LARGE_ENABLED);
    CHECK_EQ(port_flags(), PORT_CSUM | PORT_LARGE);
    CHECK_EQ(H(cpu, H_ILLAN_ATTRIBUTES, UNIT, ILLAN_IPV4_CSUM, 0), H_SUCCESS);
    CHECK_EQ(cpu->gpr[4], fixed | ILLAN_LARGE_ENABLED);
    CHECK_EQ(H(cpu, H_ILLAN_ATTRIBUTES, UNIT, ILLAN_PADDED_CSUM, 0), H_CONSTRAINED);
    CHECK_EQ(H(cpu, H_ILLAN_ATTRIBUTES, UNIT, 2, 2), H_PARAMETER);
    CHECK_EQ(H(cpu, H_ILLAN_ATTRIBUTES, UNIT, 0, 8), H_PARAMETER);
    end();
}

static void test_receive(void)
{
    begin(0);
    CHECK_EQ(open_port(), H_SUCCESS);
    CHECK_EQ(add_buffer(BUFFERS, BUFFER_MIN - 1, 1), H_PARAMETER);
    CHECK_EQ(H(cpu, H_ADD_LOGICAL_LAN_BUFFER, UNIT, (u64)2048 << 32 | BUFFERS), H_PARAMETER);
    CHECK_EQ(add_buffer(BUFFERS, 2048, 0x1122334455667788), H_SUCCESS);
    CHECK_EQ(add_buffer(BUFFERS + 0x1000, 512, 7), H_SUCCESS);
    CHECK_EQ(add_buffer(BUFFERS + 0x1ff0, 2048, 9), H_SUCCESS); // across pages
    send_to_guest(MAC, 100, 0, 0);
    send_to_guest(MAC, 1514, 0, 0);
    send_to_guest(MAC + 1, 100, 0, 0);             // for somebody else
    send_to_guest(0x01005e000001, 100, 0, 0);      // multicast, of which there is none yet
    send_to_guest(0xffffffffffff, 505, 0, 0);      // one byte too many for the small buffer
    send_to_guest(MAC, 100, FRAME_CSUM_NEEDED, 0); // it has a checksum to be complete
    settle();
    CHECK_EQ(entry_flags(0), 0xc0000008);
    CHECK_EQ(load_be32(at(QUEUE + 4)), 100);
    CHECK_EQ(entry_correlator(0), 7);
    CHECK_EQ(at(BUFFERS + 0x1000)[8 + 5], 2);
    CHECK_EQ(at(BUFFERS + 0x1000)[8 + 99], 100);
    CHECK_EQ(at(BUFFERS + 0x1000)[8 + 100], 0);
    CHECK_EQ(entry_flags(1), 0xc0000008);
    CHECK_EQ(entry_correlator(1), 9);
    CHECK_EQ(at(BUFFERS + 0x1ff0)[8 + 1513], (u8)1514);
    CHECK_EQ(entry_correlator(2), 0x1122334455667788);
    CHECK_EQ(entry_flags(3), 0);
    struct adapter_counts counts = llan_counts(llan);
    CHECK_EQ(counts.received, 3);
    CHECK_EQ(counts.received_bytes, 100 + 1514 + 505);
    CHECK_EQ(counts.filtered, 3);

    // No buffer of any size would do: counted where the OS sees it.
    send_to_guest(MAC, 5000, 0, 0);
    settle();
    CHECK_EQ(load_be64(at(LIST + 4088)), 1);

    // The queue goes around, with the other toggle.
    CHECK_EQ(add_buffer(BUFFERS, 2048, 1), H_SUCCESS);
    CHECK_EQ(add_buffer(BUFFERS + 0x2000, 2048, 2), H_SUCCESS);
    send_to_guest(MAC, 60, 0, 0);
    send_to_guest(MAC, 60, 0, 0);
    settle();
    CHECK_EQ(entry_flags(3), 0xc0000008);
    CHECK_EQ(entry_flags(0), 0x40000008);
    end();
}

static void test_waits_for_a_buffer(void)
{
    begin(0);
    CHECK_EQ(open_port(), H_SUCCESS);
    CHECK_EQ(add_buffer(BUFFERS, 2048, 1), H_SUCCESS);
    for (u32 i = 0; i < 3; i++)
        send_to_guest(MAC, 1000 + i, 0, 0);
    while (llan_counts(llan).received < 1)
        poll(NULL, 0, 1);
    CHECK_EQ(add_buffer(BUFFERS + 0x1000, 512, 2), H_SUCCESS); // no help
    CHECK_EQ(add_buffer(BUFFERS + 0x2000, 2048, 3), H_SUCCESS);
    while (llan_counts(llan).received < 2)
        poll(NULL, 0, 1);
    CHECK_EQ(entry_correlator(1), 3);
    CHECK_EQ(load_be32(at(QUEUE + 16 + 4)), 1001);
    CHECK_EQ(H(cpu, H_FREE_LOGICAL_LAN, UNIT), H_SUCCESS); // the third one is for nobody
    settle();
    CHECK_EQ(llan_counts(llan).received, 2);
    CHECK_EQ(llan_counts(llan).filtered, 1);
    CHECK_EQ(llan_counts(llan).no_buffer, 0);
    end();
}

static void test_large(void)
{
    begin(0);
    CHECK_EQ(open_port(), H_SUCCESS);
    CHECK_EQ(H(cpu, H_ILLAN_ATTRIBUTES, UNIT, 0, ILLAN_CSUM | ILLAN_LARGE_ENABLED), H_SUCCESS);
    CHECK_EQ(add_buffer(BUFFERS, 0x10000, 5), H_SUCCESS);
    send_to_guest(MAC, 60000, FRAME_LARGE | FRAME_CSUM_NEEDED, 1448);
    settle();
    CHECK_EQ(entry_flags(0), 0xc7000010);
    CHECK_EQ(load_be32(at(QUEUE + 4)), 60000);
    CHECK_EQ(load_be64(at(BUFFERS + 8)), 1448);
    CHECK_EQ(at(BUFFERS)[16 + 59999], (u8)60000);
    CHECK_EQ(add_buffer(BUFFERS, 0x10000, 5), H_SUCCESS);
    send_to_guest(MAC, 60, FRAME_CSUM_GOOD, 0);
    settle();
    CHECK_EQ(entry_flags(1), 0xc1000008);
    CHECK_EQ(H(cpu, H_ILLAN_ATTRIBUTES, UNIT, ILLAN_LARGE_ENABLED, 0), H_SUCCESS);
    send_to_guest(MAC, 60000, FRAME_LARGE | FRAME_CSUM_NEEDED, 1448);
    settle();
    CHECK_EQ(llan_counts(llan).filtered, 1);
    end();
}

static void test_many_buffers(void)
{
    begin(0);
    CHECK_EQ(open_port(), H_SUCCESS);
    u64 d = VALID | 2048ull << 32 | BUFFERS;
    CHECK_EQ(H(cpu, H_ADD_LOGICAL_LAN_BUFFERS, UNIT, d, d + 0x1000, d + 0x2000, 0, 0, 0, 0, 0), H_SUCCESS);
    CHECK_EQ(H(cpu, H_ADD_LOGICAL_LAN_BUFFERS, UNIT, 0, d, 0, 0, 0, 0, 0, 0), H_PARAMETER);
    CHECK_EQ(H(cpu, H_ADD_LOGICAL_LAN_BUFFERS, UNIT, d, d + (1ull << 32), 0, 0, 0, 0, 0, 0), H_PARAMETER);
    CHECK_EQ(H(cpu, H_ADD_LOGICAL_LAN_BUFFERS, UNIT, d, VALID | 2048ull << 32 | MAPPED, 0, 0, 0, 0, 0, 0), H_PARAMETER);
    CHECK_EQ(H(cpu, H_FREE_LOGICAL_LAN_BUFFER, UNIT, 512), H_NOT_FOUND);
    for (u32 i = 0; i < 3; i++)
        CHECK_EQ(H(cpu, H_FREE_LOGICAL_LAN_BUFFER, UNIT, 2048), H_SUCCESS);
    CHECK_EQ(H(cpu, H_FREE_LOGICAL_LAN_BUFFER, UNIT, 2048), H_NOT_FOUND);
    CHECK_EQ(entry_flags(2), 0x80000000); // toggled and not valid
    for (u32 i = 0; i < POOL_BUFFERS; i++)
        CHECK_EQ(H(cpu, H_ADD_LOGICAL_LAN_BUFFER, UNIT, d), H_SUCCESS);
    CHECK_EQ(H(cpu, H_ADD_LOGICAL_LAN_BUFFER, UNIT, d), H_RESOURCE);
    for (u32 i = 1; i < POOLS_MAX; i++)
        CHECK_EQ(H(cpu, H_ADD_LOGICAL_LAN_BUFFER, UNIT, d + ((u64)i << 32)), H_SUCCESS);
    CHECK_EQ(H(cpu, H_ADD_LOGICAL_LAN_BUFFER, UNIT, d + (100ull << 32)), H_RESOURCE);
    CHECK_EQ(H(cpu, H_FREE_LOGICAL_LAN_BUFFER, UNIT, 2049), H_SUCCESS); // its size makes place
    CHECK_EQ(H(cpu, H_ADD_LOGICAL_LAN_BUFFER, UNIT, d + (100ull << 32)), H_SUCCESS);
    end();
}

static void test_send(void)
{
    begin(0);
    struct frame frame;
    u64 d = VALID | 40ull << 32 | FRAME;
    CHECK_EQ(H(cpu, H_SEND_LOGICAL_LAN, UNIT, d, 0, 0, 0, 0, 0, 0, 0), H_DROPPED);
    CHECK_EQ(open_port(), H_SUCCESS);
    port_flags();
    for (u32 i = 0; i < 300; i++)
        at(FRAME)[i] = (u8)i;
    CHECK_EQ(H(cpu, H_SEND_LOGICAL_LAN, UNIT, d, d + 40, d + 80, d + 120, d + 160, d + 200, 0, 0), H_SUCCESS);
    CHECK_EQ(cpu->gpr[4], 0);
    const u8 *bytes = next(&frame);
    CHECK_EQ(frame.size, 240);
    CHECK(!memcmp(bytes, at(FRAME), 240));
    ring_consume(net);
    CHECK_EQ(H(cpu, H_SEND_LOGICAL_LAN, UNIT, d, d & ~VALID, d, 0, 0, 0, 0, 0), H_SUCCESS);
    next(&frame);
    CHECK_EQ(frame.size, 40);
    ring_consume(net);
    CHECK_EQ(H(cpu, H_SEND_LOGICAL_LAN, UNIT, 0, 0, 0, 0, 0, 0, 0, 0), H_PARAMETER);
    CHECK_EQ(H(cpu, H_SEND_LOGICAL_LAN, UNIT, VALID | 13ull << 32 | FRAME, 0, 0, 0, 0, 0, 0, 0), H_PARAMETER);
    CHECK_EQ(H(cpu, H_SEND_LOGICAL_LAN, UNIT, VALID | 64ull << 32 | (MAPPED - 32), 0, 0, 0, 0, 0, 0, 0), H_PARAMETER);
    CHECK_EQ(H(cpu, H_SEND_LOGICAL_LAN, UNIT, VALID | 65536ull << 32 | FRAME, d, 0, 0, 0, 0, 0, 0), H_PARAMETER);
    CHECK_EQ(H(cpu, H_SEND_LOGICAL_LAN, UNIT, d, 0, 0, 0, 0, 0, SEND_ATTEMPTS + 1, 0), H_PARAMETER);
    CHECK_EQ(H(cpu, H_SEND_LOGICAL_LAN, UNIT, d | BUFFER_NO_CSUM, 0, 0, 0, 0, 0, 0, 0), H_PARAMETER); // not negotiated
    CHECK_EQ(H(cpu, H_ILLAN_ATTRIBUTES, UNIT, 0, ILLAN_CSUM | ILLAN_LARGE_ENABLED), H_SUCCESS);
    CHECK_EQ(H(cpu, H_SEND_LOGICAL_LAN, UNIT, d | BUFFER_NO_CSUM, 0, 0, 0, 0, 0, 0, 0), H_PARAMETER); // no TCP
    static const u8 tcp[] = {2, 0, 0,  0, 0, 1,  2,  0, 0, 0, 0, 2,  8, 0, 0x45, 0, 0, 60, 0, 0, 0x40, 0, 64,   6,
                             0, 0, 10, 0, 2, 15, 10, 0, 2, 2, 0, 80, 1, 2, 0,    0, 0, 1,  0, 0, 0,    2, 0x50, 0x10};
    memcpy(at(FRAME), tcp, sizeof(tcp));
    u64 bare = VALID | BUFFER_NO_CSUM | BUFFER_CSUM_GOOD | 74ull << 32 | FRAME;
    port_flags();
    CHECK_EQ(H(cpu, H_SEND_LOGICAL_LAN, UNIT, bare, 0, 0, 0, 0, 0, 0, 0), H_SUCCESS);
    next(&frame);
    CHECK_EQ(frame.flags, FRAME_CSUM_NEEDED | FRAME_CSUM_GOOD);
    ring_consume(net);
    CHECK_EQ(H(cpu, H_SEND_LOGICAL_LAN, UNIT, bare | BUFFER_LARGE, 0, 0, 0, 0, 0, 0, 1448), H_SUCCESS);
    next(&frame);
    CHECK_EQ(frame.flags, FRAME_CSUM_NEEDED | FRAME_CSUM_GOOD | FRAME_LARGE);
    CHECK_EQ(frame.mss, 1448);
    ring_consume(net);
    CHECK_EQ(H(cpu, H_SEND_LOGICAL_LAN, UNIT, bare | BUFFER_LARGE, 0, 0, 0, 0, 0, 0, 15), H_PARAMETER);
    CHECK_EQ(H(cpu, H_SEND_LOGICAL_LAN, UNIT, bare | BUFFER_LARGE, 0, 0, 0, 0, 0, 0, 1ull << 32), H_PARAMETER);
    end();
}

static void test_full_link(void)
{
    begin(0);
    struct frame frame;
    u64 d = VALID | 60000ull << 32 | FRAME;
    unsigned sent = 0;
    CHECK_EQ(open_port(), H_SUCCESS);
    while (H(cpu, H_SEND_LOGICAL_LAN, UNIT, d, 0, 0, 0, 0, 0, 0, 0) == H_SUCCESS)
        sent++;
    CHECK(sent > 0 && sent < 10);
    for (u64 token = 1; token < SEND_ATTEMPTS; token++) {
        CHECK_EQ(cpu->gpr[4], token);
        CHECK_EQ(H(cpu, H_SEND_LOGICAL_LAN, UNIT, d, 0, 0, 0, 0, 0, token, 0), H_BUSY);
    }
    CHECK_EQ(H(cpu, H_SEND_LOGICAL_LAN, UNIT, d, 0, 0, 0, 0, 0, cpu->gpr[4], 0), H_DROPPED);
    CHECK_EQ(H(cpu, H_SEND_LOGICAL_LAN, UNIT, d, 0, 0, 0, 0, 0, 0, 0), H_DROPPED); // at once
    CHECK_EQ(llan_counts(llan).send_drops, 2);
    do {
        next(&frame);
        ring_consume(net);
    } while (frame.kind != FRAME_DATA);
    CHECK_EQ(H(cpu, H_SEND_LOGICAL_LAN, UNIT, d, 0, 0, 0, 0, 0, 0, 0), H_SUCCESS);
    CHECK_EQ(llan_counts(llan).sent, sent + 1);
    // What state it is in does not get lost.
    while (H(cpu, H_SEND_LOGICAL_LAN, UNIT, d - (59940ull << 32), 0, 0, 0, 0, 0, 0, 0) == H_SUCCESS) {
    }
    CHECK_EQ(H(cpu, H_FREE_LOGICAL_LAN, UNIT), H_SUCCESS);
    do {
        next(&frame);
        ring_consume(net);
    } while (frame.kind != FRAME_PORT);
    CHECK_EQ(frame.flags, 0);
    end();
}

static void test_multicast(void)
{
    begin(0);
    u64 group = 0x01005e0000fb, other = 0x333300000001;
    CHECK_EQ(open_port(), H_SUCCESS);
    for (u32 i = 0; i < 4; i++)
        CHECK_EQ(add_buffer(BUFFERS + i * 0x1000, 2048, i), H_SUCCESS);
    CHECK_EQ(H(cpu, H_MULTICAST_CTRL, UNIT, 4, 0), H_PARAMETER);
    CHECK_EQ(H(cpu, H_MULTICAST_CTRL, UNIT, 0x80000 | 0x20000 | 0x40000 | 3, 0), H_SUCCESS);
    CHECK_EQ(port_flags(), PORT_OPEN | PORT_MULTICAST | PORT_MULTICAST_ALL);
    send_to_guest(other, 60, 0, 0);
    settle();
    CHECK_EQ(llan_counts(llan).received, 1);
    CHECK_EQ(H(cpu, H_MULTICAST_CTRL, UNIT, 1, MAC), H_PARAMETER);
    CHECK_EQ(H(cpu, H_MULTICAST_CTRL, UNIT, 1, group), H_SUCCESS);
    CHECK_EQ(H(cpu, H_MULTICAST_CTRL, UNIT, 1, group), H_SUCCESS); // again
    CHECK_EQ(H(cpu, H_MULTICAST_CTRL, UNIT, 0x40000 | 0x10000, 0), H_SUCCESS);
    send_to_guest(other, 60, 0, 0);
    send_to_guest(group, 60, 0, 0);
    settle();
    CHECK_EQ(llan_counts(llan).received, 2);
    CHECK_EQ(H(cpu, H_MULTICAST_CTRL, UNIT, 2, other), H_NOT_FOUND);
    CHECK_EQ(H(cpu, H_MULTICAST_CTRL, UNIT, 2, group), H_SUCCESS);
    send_to_guest(group, 60, 0, 0);
    settle();
    CHECK_EQ(llan_counts(llan).received, 2);
    for (u64 i = 0; i < FRAME_FILTERS_MAX; i++)
        CHECK_EQ(H(cpu, H_MULTICAST_CTRL, UNIT, 1, group + i), H_SUCCESS);
    CHECK_EQ(H(cpu, H_MULTICAST_CTRL, UNIT, 1, other), H_RESOURCE);
    CHECK_EQ(H(cpu, H_MULTICAST_CTRL, UNIT, 0x80000, 0), H_SUCCESS);
    CHECK_EQ(H(cpu, H_CHANGE_LOGICAL_LAN_MAC, UNIT, group), H_PARAMETER);
    CHECK_EQ(H(cpu, H_CHANGE_LOGICAL_LAN_MAC, UNIT, MAC + 7), H_SUCCESS);
    send_to_guest(group, 60, 0, 0);
    send_to_guest(MAC, 60, 0, 0);
    send_to_guest(MAC + 7, 60, 0, 0);
    settle();
    CHECK_EQ(llan_counts(llan).received, 3);
    end();
}

// The OS unmaps what it gave: nothing is written where nothing is mapped, and the queue goes on.
static void test_unmapped(void)
{
    begin(0);
    CHECK_EQ(open_port(), H_SUCCESS);
    for (u32 i = 0; i < 3; i++)
        CHECK_EQ(add_buffer(BUFFERS + i * 0x1000, 2048, i + 1), H_SUCCESS);
    CHECK_EQ(H(cpu, H_PUT_TCE, LIOBN, BUFFERS + 0x2000, 0), H_SUCCESS);
    CHECK_EQ(H(cpu, H_PUT_TCE, LIOBN, BUFFERS + 0x1000, (BASE + BUFFERS + 0x1000) | TCE_READ), H_SUCCESS);
    memset(at(BUFFERS + 0x1008), 0, 100);
    for (u32 i = 0; i < 3; i++)
        send_to_guest(MAC, 60, 0, 0);
    settle();
    CHECK_EQ(entry_flags(0), 0x80000000); // given back with nothing in it
    CHECK_EQ(entry_correlator(0), 2);
    CHECK_EQ(at(BUFFERS + 0x1008)[0], 0);
    CHECK_EQ(entry_flags(1), 0xc0000008);
    CHECK_EQ(H(cpu, H_PUT_TCE, LIOBN, QUEUE, 0), H_SUCCESS);
    CHECK_EQ(add_buffer(BUFFERS, 2048, 1), H_SUCCESS);
    send_to_guest(MAC, 60, 0, 0);
    settle();
    CHECK_EQ(entry_flags(2), 0);
    end();
}

static void test_bad_peer(void)
{
    begin(0);
    CHECK_EQ(open_port(), H_SUCCESS);
    CHECK_EQ(add_buffer(BUFFERS, 2048, 1), H_SUCCESS);
    memset(ring_reserve(net, 64), 0xff, 64);
    ring_commit(net, 64);
    memset(ring_reserve(net, 3), 1, 3);
    ring_commit(net, 3);
    send_to_guest(MAC, 60, 0, 0);
    settle();
    CHECK_EQ(llan_counts(llan).filtered, 2);
    CHECK_EQ(llan_counts(llan).received, 1);
    end();
}

static void test_slots(void)
{
    begin(0);
    struct llan_config config = {.slot = SLOT, .mac = {2}};
    CHECK(!llan_new(lp, &config, &fds) && errno == EEXIST);
    config.slot = VIO_SLOTS;
    CHECK(!llan_new(lp, &config, &fds) && errno == EINVAL);
    config.slot = SLOT + 1;
    CHECK(!llan_new(lp, &config, &(struct ring_fds){-1, {-1, -1}}));
    end();
}

int main(void)
{
    TEST(test_register);
    TEST(test_attributes);
    TEST(test_receive);
    TEST(test_waits_for_a_buffer);
    TEST(test_large);
    TEST(test_many_buffers);
    TEST(test_send);
    TEST(test_full_link);
    TEST(test_multicast);
    TEST(test_unmapped);
    TEST(test_bad_peer);
    TEST(test_slots);
    return test_done();
}
