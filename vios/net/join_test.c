// SPDX-License-Identifier: Apache-2.0
#include "vios/net/join.h"

#include "base/endian.h"
#include "base/test.h"
#include "ipc/test_frame.h"

static struct ring_fds fds;
static struct ring *near, *far;
static struct join join;
static u8 segment[2000], got[70000], cut[2000];
static struct frame message;

// A segment of one connection with `carried` bytes from `sequence` on.
static u32 make(bool v6, u32 sequence, u32 carried, u8 flags)
{
    struct tcp_frame tcp;
    memset(segment, 0, sizeof(segment));
    memcpy(segment, "\x02\x00\x00\x00\x00\x01\x52\x55\x0a\x00\x02\x02", 12);
    store_be16(segment + 12, v6 ? 0x86dd : 0x0800);
    u8 *ip = segment + 14, *t = ip + (v6 ? 40 : 20);
    u32 size = (u32)(t - segment) + 32 + carried;
    if (v6) {
        ip[0] = 0x60;
        store_be16(ip + 4, (u16)(32 + carried));
        ip[6] = 6;
    } else {
        ip[0] = 0x45;
        store_be16(ip + 2, (u16)(size - 14));
        store_be16(ip + 4, (u16)sequence);
        ip[9] = 6;
        offload_ipv4_checksum(ip, 20);
    }
    store_be32(t + 4, sequence);
    t[12] = 0x80;
    t[13] = flags;
    for (u32 i = 0; i < carried; i++)
        t[32 + i] = (u8)((sequence + i) * 13);
    CHECK(offload_parse(segment, size, size, &tcp));
    offload_checksum(segment, &tcp);
    return size;
}

static void send(bool v6, u32 sequence, u32 carried, u8 flags)
{
    u32 size = make(v6, sequence, carried, flags);
    join_frame(&join, near, segment, size, true);
}

static bool next(void)
{
    return test_frame_take(far, &message, got);
}

static void begin(void)
{
    memset(&join, 0, sizeof(join));
    CHECK_EQ(ring_create(0x80000, 0, &fds), 0);
    near = ring_attach(&fds, 1);
    far = ring_attach(&fds, 0);
}

static void end(void)
{
    ring_detach(near);
    ring_detach(far);
    ring_close_fds(&fds);
}

// What was joined, cut again, is what was sent.
static void test_joins(void)
{
    for (u32 v6 = 0; v6 < 2; v6++) {
        struct tcp_frame tcp;
        begin();
        for (u32 i = 0; i < 10; i++)
            send(v6, 1000 + i * 1448, 1448, 0x10);
        send(v6, 1000 + 14480, 100, 0x18);
        CHECK(next());
        CHECK_EQ(message.flags, FRAME_LARGE | FRAME_CSUM_NEEDED | FRAME_CSUM_GOOD);
        CHECK_EQ(message.mss, 1448);
        CHECK(offload_parse(got, MIN(message.size, OFFLOAD_HEAD_MAX), message.size, &tcp));
        CHECK_EQ(tcp.size, message.size);
        CHECK_EQ(offload_segments(&tcp, 1448), 11);
        for (u32 i = 0; i < 11; i++) {
            u32 size = make(v6, 1000 + i * 1448, i < 10 ? 1448 : 100, i < 10 ? 0x10 : 0x18);
            CHECK_EQ(offload_segment_size(&tcp, 1448, i), size);
            offload_segment(got, got + tcp.payload, &tcp, 1448, i, cut);
            if (!v6) { // numbers of their own
                store_be16(cut + 18, (u16)(1000 + i * 1448));
                offload_ipv4_checksum(cut + 14, 20);
            }
            CHECK(!memcmp(cut, segment, size));
        }
        CHECK(!next());
        end();
    }
}

static void test_does_not_join(void)
{
    begin();
    send(false, 1000, 1448, 0x10);
    send(false, 1000 + 1448 + 1, 1448, 0x10); // a hole
    send(false, 1000, 1448, 0x10);            // again
    send(false, 1000 + 1448, 1448, 0x11);     // FIN
    send(false, 1000 + 2896, 0, 0x10);        // an acknowledgement
    for (u32 i = 0; i < 5; i++) {
        CHECK(next());
        CHECK_EQ(message.flags, FRAME_CSUM_GOOD);
    }
    CHECK(!next());
    send(false, 1000, 1448, 0x10);
    u32 size = make(false, 1000 + 1448, 1448, 0x10);
    segment[30]++; // another host
    join_frame(&join, near, segment, size, true);
    CHECK(next());
    CHECK(!next());
    join_end(&join, near);
    CHECK(next());
    CHECK_EQ(message.size, size);
    join_end(&join, near);
    CHECK(!next());
    size = make(false, 1, 100, 0x10);
    join_frame(&join, near, segment, size, false); // nobody takes large ones
    CHECK(next());
    CHECK(!join.to);
    end();
}

static void test_sizes(void)
{
    begin();
    for (u32 i = 0; i < 60; i++)
        send(false, i * 1448, 1448, 0x10);
    CHECK(next());
    CHECK(message.size <= 65000 && message.size > 65000 - 1448);
    CHECK(!next());
    send(false, 60 * 1448, 1449, 0x10); // longer than the first one: not its segment
    CHECK(next());
    CHECK(!next());
    // A ring that is full loses frames and nothing else.
    for (u32 i = 0; i < 2000; i++)
        send(false, i * 1448, 1448, i % 3 ? 0x10 : 0x18);
    join_end(&join, near);
    u32 frames = 0;
    for (; next(); frames++) {
    }
    CHECK(frames > 5 && frames < 2000);
    send(false, 7, 1448, 0x18);
    join_end(&join, near);
    CHECK(next());
    end();
}

int main(void)
{
    TEST(test_joins);
    TEST(test_does_not_join);
    TEST(test_sizes);
    return test_done();
}
