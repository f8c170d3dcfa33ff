// SPDX-License-Identifier: Apache-2.0
// Shared Ethernet Adapters between a switch, which is played here, and a real side that is a pair of sockets.
#include "vios/net/bridge.h"

#include <poll.h>
#include <pthread.h>
#include <stdatomic.h>
#include <sys/eventfd.h>
#include <sys/socket.h>
#include <unistd.h>

#include "base/endian.h"
#include "base/test.h"
#include "proto/vio/frame.h"
#include "proto/vio/offload.h"
#include "vios/net/failover.h"
#include "vios/net/real.h"

#define PORTS 3u

struct sea {
    struct bridge *bridge;
    int outside, stop;
    struct ring_fds fds[PORTS];
    struct ring *ring[PORTS]; // the switch's side
    u16 flags[PORTS];         // as the port said last
    pthread_t thread;
};

static struct sea seas[2];
static u8 frame[2000], got[2000];
static struct frame header;

static void ignore(const struct uplink_state *state) {}

static void *serve(void *arg)
{
    struct sea *s = arg;
    bridge_run(s->bridge, s->stop, ignore);
    return NULL;
}

static void begin(struct sea *s, const struct uplink_port *ports, u32 len)
{
    int pair[2];
    char why[UPLINK_TEXT_MAX] = "";
    struct uplink_real real = {.kind = UPLINK_FD_GIVEN, .default_id = 1};
    CHECK(!socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair));
    s->outside = pair[0];
    s->stop = eventfd(0, 0);
    s->bridge = bridge_new(&real, pair[1], why, sizeof(why));
    CHECK(s->bridge);
    for (u32 i = 0; i < len; i++) {
        CHECK(!ring_create(FRAME_RING_SIZE, 0, &s->fds[i]));
        s->ring[i] = ring_attach(&s->fds[i], 1);
        s->flags[i] = 0;
        CHECK_EQ(bridge_add_port(s->bridge, &ports[i], &s->fds[i]), 0);
    }
    pthread_create(&s->thread, NULL, serve, s);
}

static void stop(struct sea *s)
{
    u64 one = 1;
    CHECK(write(s->stop, &one, 8) == 8);
    pthread_join(s->thread, NULL);
}

static void end(struct sea *s, u32 len)
{
    bridge_free(s->bridge);
    for (u32 i = 0; i < len; i++) {
        ring_detach(s->ring[i]);
        ring_close_fds(&s->fds[i]);
    }
    if (s->outside >= 0)
        close(s->outside);
    close(s->stop);
}

static void put(struct sea *s, u32 port, u16 flags, u16 mss, const u8 *bytes, u32 size)
{
    struct frame f = {FRAME_DATA, flags, size, mss};
    u8 *to = ring_reserve(s->ring[port], FRAME_HEADER + size);
    CHECK(to);
    frame_put(to, &f);
    memcpy(to + FRAME_HEADER, bytes, size);
    ring_commit(s->ring[port], FRAME_HEADER + size);
    ring_notify(s->ring[port]);
}

// The next frame at the switch's port; false: there is none now. States are kept.
static bool take(struct sea *s, u32 port)
{
    const void *message;
    u32 size;
    while ((message = ring_peek(s->ring[port], &size))) {
        bool data = frame_get(message, size, &header) && header.kind == FRAME_DATA && header.size <= sizeof(got);
        if (header.kind == FRAME_PORT)
            s->flags[port] = header.flags;
        if (data)
            memcpy(got, (const u8 *)message + FRAME_HEADER, header.size);
        ring_consume(s->ring[port]);
        if (data)
            return true;
    }
    return false;
}

static void take_soon(struct sea *s, u32 port)
{
    while (!take(s, port))
        usleep(1000);
}

static bool is_open(struct sea *s, u32 port)
{
    take(s, port);
    return s->flags[port] & PORT_OPEN;
}

// A frame of TCP with some bytes, in a VLAN or untagged (0).
static u32 make(u16 vlan)
{
    u32 l3 = vlan ? 18 : 14;
    memset(frame, 0, sizeof(frame));
    memcpy(frame, "\x02\x00\x00\x00\x00\x01\x02\x00\x00\x00\x00\x02", 12);
    store_be16(frame + 12, 0x8100);
    store_be16(frame + 14, vlan);
    store_be16(frame + l3 - 2, 0x0800);
    frame[l3] = 0x45;
    store_be16(frame + l3 + 2, 40 + 1000);
    frame[l3 + 9] = 6;
    frame[l3 + 32] = 0x50;
    for (u32 i = 0; i < 1000; i++)
        frame[l3 + 40 + i] = (u8)(i * 7);
    return l3 + 1040;
}

static u32 receive_outside(const struct sea *s, u8 vnet[VNET_HEADER])
{
    u8 packet[2000];
    ssize_t size = recv(s->outside, packet, sizeof(packet), 0);
    CHECK(size > (ssize_t)VNET_HEADER);
    memcpy(vnet, packet, VNET_HEADER);
    memcpy(got, packet + VNET_HEADER, (size_t)size - VNET_HEADER);
    return (u32)size - VNET_HEADER;
}

static void send_outside(const struct sea *s, const u8 vnet[VNET_HEADER], u32 size)
{
    u8 packet[2000];
    memcpy(packet, vnet, VNET_HEADER);
    memcpy(packet + VNET_HEADER, frame, size);
    CHECK_EQ(send(s->outside, packet, VNET_HEADER + size, 0), VNET_HEADER + size);
}

static const struct uplink_port trunks[] = {
    {.mac = {2, 0, 0, 0, 1, 1}, .pvid = 1, .vlans = {30}, .vlans_len = 1},
    {.mac = {2, 0, 0, 0, 1, 2}, .pvid = 20},
};

static void test_vlans(void)
{
    struct sea *s = &seas[0];
    u8 vnet[VNET_HEADER], none[VNET_HEADER] = {0};
    begin(s, trunks, 2);
    while (!is_open(s, 0) || !is_open(s, 1))
        usleep(1000);
    u32 size = make(0);
    put(s, 0, FRAME_CSUM_GOOD, 0, frame, size); // the default VLAN is untagged outside, too
    CHECK_EQ(receive_outside(s, vnet), size);
    CHECK(!memcmp(got, frame, size));
    put(s, 1, 0, 0, frame, size);
    CHECK_EQ(receive_outside(s, vnet), size + 4);
    CHECK(load_be32(got + 12) == 0x81000014 && !memcmp(got + 16, frame + 12, size - 12));
    size = make(30);
    put(s, 0, 0, 0, frame, size);
    CHECK_EQ(receive_outside(s, vnet), size);
    CHECK(!memcmp(got, frame, size));
    // And back.
    send_outside(s, none, size);
    take_soon(s, 0);
    CHECK(header.size == size && !memcmp(got, frame, size));
    size = make(99); // nobody's
    send_outside(s, none, size);
    size = make(20);
    send_outside(s, none, size);
    take_soon(s, 1);
    CHECK(header.size == size - 4 && !memcmp(got, frame, 12) && !memcmp(got + 12, frame + 16, size - 16));
    size = make(0);
    send_outside(s, none, size);
    take_soon(s, 0);
    CHECK(header.size == size && !memcmp(got, frame, size));
    stop(s);
    struct uplink_state state = bridge_state(s->bridge);
    CHECK_EQ(state.dropped_vlan, 1);
    CHECK_EQ(state.real_received, 4);
    CHECK_EQ(state.virtual_sent, 3);
    CHECK_EQ(state.real_sent, 3);
    CHECK_EQ(state.failover, FAILOVER_PRIMARY);
    end(s, 2);
}

// What the sender left to others is described outside as the host's interfaces do it, and the other way.
static void test_offloads(void)
{
    struct sea *s = &seas[0];
    u8 vnet[VNET_HEADER], whole[2000];
    struct tcp_frame tcp;
    begin(s, trunks, 2);
    u32 size = make(0);
    while (!is_open(s, 0) || !is_open(s, 1))
        usleep(1000);
    memcpy(whole, frame, size);
    CHECK(offload_parse(whole, size, size, &tcp));
    offload_checksum(whole, &tcp);
    for (u32 port = 0; port < 2; port++) {
        u32 shift = port ? 4 : 0;
        put(s, port, FRAME_CSUM_NEEDED | FRAME_LARGE, 500, frame, size);
        CHECK_EQ(receive_outside(s, vnet), size + shift);
        CHECK(vnet[0] == 1 && vnet[1] == 1); // a checksum is needed; TCP over IPv4
        CHECK(vnet[2] == 54 + shift && vnet[4] == 500 % 256 && vnet[6] == 34 + shift && vnet[8] == 16);
        offload_ones_complement(got + 34 + shift, size - 34, got + 34 + shift + 16);
        CHECK(!memcmp(got + 34 + shift, whole + 34, size - 34));
    }
    CHECK(offload_parse(frame, size, size, &tcp));
    offload_pseudo(frame, &tcp, frame + 34 + 16);
    memcpy(vnet, (const u8[]){1, 1, 54, 0, 244, 1, 34, 0, 16, 0}, sizeof(vnet));
    send_outside(s, vnet, size);
    take_soon(s, 0);
    CHECK_EQ(header.flags, FRAME_CSUM_NEEDED | FRAME_CSUM_GOOD | FRAME_LARGE);
    CHECK_EQ(header.mss, 500);
    CHECK_EQ(load_be16(got + 34 + 16), 0);
    stop(s);
    end(s, 2);
}

// Control frames go from one to the other; trunks are looked at.
static void relay(bool both)
{
    for (u32 i = 0; i < 2; i++)
        while ((both || i == 1) && take(&seas[i], 1))
            put(&seas[!i], 1, 0, 0, got, header.size);
    for (u32 i = 0; i < 2; i++)
        take(&seas[i], 0);
    usleep(1000);
}

static void test_failover(void)
{
    for (u32 i = 0; i < 2; i++) {
        struct uplink_port ports[] = {trunks[0], {.mac = {2, 0, 0, 0, 2, (u8)i}, .pvid = 99}};
        ports[0].starts_closed = 1;
        ports[1].use = UPLINK_CONTROL;
        ports[1].priority = i + 1;
        begin(&seas[i], ports, 2);
    }
    while (!is_open(&seas[0], 0) || is_open(&seas[1], 0))
        relay(true);
    close(seas[0].outside); // its link is gone: it says so, and the other one takes over
    seas[0].outside = -1;
    while (is_open(&seas[0], 0) || !is_open(&seas[1], 0))
        relay(true);
    stop(&seas[0]);
    CHECK_EQ(bridge_state(seas[0].bridge).failover, FAILOVER_LIMBO);
    end(&seas[0], 2);
    // What comes from outside goes on through it.
    u8 none[VNET_HEADER] = {0};
    u32 size = make(0);
    send_outside(&seas[1], none, size);
    take_soon(&seas[1], 0);
    CHECK_EQ(header.size, size);
    stop(&seas[1]);
    CHECK_EQ(bridge_state(seas[1].bridge).failover, FAILOVER_PRIMARY);
    end(&seas[1], 2);
}

// The primary one ends without a word.
static void test_death(void)
{
    for (u32 i = 0; i < 2; i++) {
        struct uplink_port ports[] = {trunks[0], {.mac = {2, 0, 0, 0, 2, (u8)i}, .pvid = 99}};
        ports[0].starts_closed = 1;
        ports[1].use = UPLINK_CONTROL;
        ports[1].priority = i + 1;
        begin(&seas[i], ports, 2);
    }
    while (!is_open(&seas[0], 0))
        relay(true);
    stop(&seas[0]);
    while (!is_open(&seas[1], 0))
        relay(false);
    end(&seas[0], 2);
    stop(&seas[1]);
    end(&seas[1], 2);
}

int main(void)
{
    TEST(test_vlans);
    TEST(test_offloads);
    TEST(test_failover);
    TEST(test_death);
    return test_done();
}
