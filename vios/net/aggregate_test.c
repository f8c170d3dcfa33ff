// SPDX-License-Identifier: Apache-2.0
// Aggregations whose interfaces are pairs of sockets; this side plays the switch.
#include "vios/net/aggregate.h"

#include <sys/socket.h>
#include <unistd.h>

#include "base/endian.h"
#include "base/test.h"

#define REALS 3u

static const u8 mac[6] = {2, 0, 0, 0, 7, 7};
static struct aggregate a;
static int outside[REALS];
static u8 frame[1000], got[FRAME_SIZE_MAX];

static void open_outside(u32 i, u32 mode, u32 backup)
{
    int pair[2];
    char why[UPLINK_TEXT_MAX] = "";
    struct uplink_real real = {.kind = UPLINK_FD_GIVEN, .default_id = 1, .mode = mode, .backup = backup};
    CHECK(!socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair));
    outside[i] = pair[0];
    CHECK_EQ(aggregate_add(&a, &real, pair[1], why, sizeof(why)), 0);
}

static void begin(u32 len, u32 mode, u32 backups)
{
    CHECK_EQ(aggregate_open(&a), 0);
    for (u32 i = 0; i < len; i++)
        open_outside(i, mode, i >= len - backups);
    for (u32 i = len; i < REALS; i++)
        outside[i] = -1;
}

static void end(void)
{
    aggregate_close(&a);
    for (u32 i = 0; i < REALS; i++)
        if (outside[i] >= 0)
            close(outside[i]);
}

static u32 used(void)
{
    u32 set = 0;
    for (u32 i = 0; i < a.len; i++)
        set |= (u32)a.members[i].used << i;
    return set;
}

// TCP from one of many connections.
static u32 make(u16 port)
{
    memset(frame, 0, sizeof(frame));
    memcpy(frame, "\x02\x00\x00\x00\x00\x01\x02\x00\x00\x00\x00\x02\x08\x00\x45", 15);
    store_be16(frame + 16, 40);
    frame[23] = 6;
    memcpy(frame + 26, "\x0a\x00\x00\x01\x0a\x00\x00\x02", 8);
    store_be16(frame + 34, port);
    store_be16(frame + 36, 80);
    return 60;
}

static void send_one(u16 port)
{
    struct frame header = {FRAME_DATA, 0, make(port), 0};
    CHECK(aggregate_send(&a, &header, frame, -1));
}

// How many are outside an interface now.
static u32 count_outside(u32 i)
{
    u8 packet[1200];
    u32 count = 0;
    while (recv(outside[i], packet, sizeof(packet), MSG_DONTWAIT) > 0)
        count++;
    return count;
}

static void put_outside(u32 i, const u8 *bytes, u32 size)
{
    u8 packet[VNET_HEADER + sizeof(frame)] = {0};
    memcpy(packet + VNET_HEADER, bytes, size);
    CHECK_EQ(send(outside[i], packet, VNET_HEADER + size, 0), VNET_HEADER + size);
}

// How many come in from outside until there is nothing.
static u32 receive_all(s64 now)
{
    struct frame header;
    u32 count = 0;
    for (int err; (err = aggregate_receive(&a, &header, got, now)) != 0;)
        count += err == 1;
    return count;
}

static void test_hash(void)
{
    u32 size = make(1000);
    u8 other[sizeof(frame)];
    memcpy(other, frame, sizeof(other));
    CHECK_EQ(aggregate_hash(frame, size, true), aggregate_hash(other, size, true));
    store_be16(other + 34, 1001);
    CHECK_EQ(aggregate_hash(frame, size, false), aggregate_hash(other, size, false));
    CHECK(aggregate_hash(frame, size, true) != aggregate_hash(other, size, true));
    frame[20] = other[20] = 0x20; // pieces
    CHECK_EQ(aggregate_hash(frame, size, true), aggregate_hash(other, size, true));
    other[29]++;
    CHECK(aggregate_hash(frame, size, false) != aggregate_hash(other, size, false));
    for (u32 len = 0; len < size; len++)
        aggregate_hash(frame, len, true);
}

static void test_standard(void)
{
    begin(3, UPLINK_STANDARD, 1);
    a.members[0].config.hash_ports = 1;
    CHECK(aggregate_look(&a, mac, 0));
    CHECK_EQ(used(), 3);
    for (u16 port = 0; port < 200; port++)
        send_one(port);
    u32 first = count_outside(0), second = count_outside(1);
    CHECK_EQ(first + second, 200);
    CHECK(first > 50 && second > 50);
    for (u32 i = 0; i < 20; i++)
        send_one(7);
    first = count_outside(0);
    CHECK(first == 0 || first == 20);
    CHECK_EQ(count_outside(2), 0);
    for (u32 i = 0; i < 3; i++)
        put_outside(i, frame, 60);
    CHECK_EQ(receive_all(0), 2); // not what comes by the reserve
    close(outside[0]);
    CHECK(aggregate_look(&a, mac, 1000) && used() == 2);
    close(outside[1]);
    CHECK(aggregate_look(&a, mac, 2000) && used() == 4 && aggregate_up(&a));
    outside[0] = outside[1] = -1;
    send_one(7);
    CHECK_EQ(count_outside(2), 1);
    close(outside[2]);
    outside[2] = -1;
    CHECK(aggregate_look(&a, mac, 3000) && !aggregate_up(&a));
    struct frame header = {FRAME_DATA, 0, make(1), 0};
    CHECK(!aggregate_send(&a, &header, frame, -1));
    end();
}

static void test_backup(void)
{
    begin(3, UPLINK_BACKUP, 1);
    aggregate_look(&a, mac, 0);
    CHECK_EQ(used(), 1);
    CHECK(!aggregate_look(&a, mac, 200));
    close(outside[0]);
    CHECK(aggregate_look(&a, mac, 400) && used() == 2);
    close(outside[1]);
    CHECK(aggregate_look(&a, mac, 600) && used() == 4);
    outside[0] = outside[1] = -1;
    put_outside(2, frame, 60);
    CHECK_EQ(receive_all(0), 1);
    end();
}

// The other end speaks the protocol, too, at those of its ports that are not silent; its words go no further.
static void speak(struct lacp *peer, u32 silent, s64 from, s64 to)
{
    bool links[2] = {true, true};
    u8 packet[1200];
    for (s64 now = from; now < to; now += 200) {
        aggregate_look(&a, mac, now);
        lacp_step(peer, links, now);
        for (u32 i = 0; i < 2; i++) {
            ssize_t size;
            while ((size = recv(outside[i], packet, sizeof(packet), MSG_DONTWAIT)) > 0)
                CHECK(lacp_take(peer, i, packet + VNET_HEADER, (u32)size - VNET_HEADER, now));
            if (lacp_say(peer, i, frame, now) && i != silent)
                put_outside(i, frame, LACP_FRAME);
        }
        CHECK_EQ(receive_all(now), 0);
    }
}

static void test_8023ad(void)
{
    struct lacp peer;
    begin(3, UPLINK_8023AD, 1);
    lacp_begin(&peer, 2, (const u8[6]){2, 0, 0, 0, 8, 8});
    aggregate_look(&a, mac, 0);
    CHECK_EQ(used(), 4); // nobody has said anything yet
    speak(&peer, 2, 200, 8000);
    CHECK_EQ(used(), 3);
    CHECK(lacp_distributes(&peer, 0) && lacp_distributes(&peer, 1));
    CHECK_EQ(count_outside(2), 0);
    make(3);
    put_outside(1, frame, 60);
    CHECK_EQ(receive_all(8000), 1);
    speak(&peer, 0, 8000, 8000 + LACP_SHORT_MS + 400);
    CHECK_EQ(used(), 2);
    make(3);
    put_outside(0, frame, 60);
    put_outside(2, frame, 60);
    CHECK_EQ(receive_all(8000 + LACP_SHORT_MS + 400), 0);
    end();
}

int main(void)
{
    TEST(test_hash);
    TEST(test_standard);
    TEST(test_backup);
    TEST(test_8023ad);
    return test_done();
}
