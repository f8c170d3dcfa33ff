// SPDX-License-Identifier: Apache-2.0
#include "vios/net/lacp.h"

#include "base/endian.h"
#include "base/test.h"

#define ENDS 3u // machines: of the third one a port may be in the place of the second one's

static struct lacp ends[ENDS];
static bool links[ENDS][LACP_PORTS_MAX];
static u32 peer[LACP_PORTS_MAX]; // whose port is at the other end of the first one's; ENDS: one that is silent
static u64 said;
static s64 now;

static void begin(u32 ports)
{
    now = 1000;
    said = 0;
    for (u32 e = 0; e < ENDS; e++) {
        const u8 system[6] = {2, 0, 0, 0, 9, (u8)e};
        lacp_begin(&ends[e], ports, system);
    }
    for (u32 i = 0; i < ports; i++) {
        peer[i] = 1;
        for (u32 e = 0; e < ENDS; e++)
            links[e][i] = true;
    }
}

// What one says is there at once.
static void pass(s64 ms)
{
    for (s64 end = now + ms; now < end; now += 100) {
        for (u32 e = 0; e < ENDS; e++)
            lacp_step(&ends[e], links[e], now);
        for (u32 i = 0; i < ends[0].len; i++) {
            u8 frame[LACP_FRAME];
            if (lacp_say(&ends[0], i, frame, now)) {
                said++;
                if (peer[i] < ENDS)
                    CHECK(lacp_take(&ends[peer[i]], i, frame, sizeof(frame), now));
            }
            if (peer[i] < ENDS && lacp_say(&ends[peer[i]], i, frame, now))
                CHECK(lacp_take(&ends[0], i, frame, sizeof(frame), now));
        }
    }
}

static u32 distributing(const struct lacp *lacp)
{
    u32 set = 0;
    for (u32 i = 0; i < lacp->len; i++) {
        CHECK(!lacp_distributes(lacp, i) || lacp_collects(lacp, i));
        set |= (u32)lacp_distributes(lacp, i) << i;
    }
    return set;
}

static void test_together(void)
{
    begin(3);
    pass(1500);
    CHECK_EQ(distributing(&ends[0]), 0); // others may come
    pass(3500);
    CHECK_EQ(distributing(&ends[0]), 7);
    CHECK_EQ(distributing(&ends[1]), 7);
    said = 0;
    pass(10000);
    CHECK_EQ(distributing(&ends[0]), 7);
    CHECK_EQ(said, 30); // a word a second, no more
}

static void test_link(void)
{
    begin(2);
    pass(5000);
    links[0][0] = links[1][0] = false;
    pass(200);
    CHECK_EQ(distributing(&ends[0]), 2);
    CHECK_EQ(distributing(&ends[1]), 2);
    links[0][0] = links[1][0] = true;
    pass(5000);
    CHECK_EQ(distributing(&ends[0]), 3);
}

// The link is there and nobody speaks any more: not for longer than the timeout, and not at all without a partner.
static void test_silence(void)
{
    begin(2);
    pass(5000);
    peer[1] = ENDS;
    pass(LACP_SHORT_MS + 300);
    CHECK_EQ(distributing(&ends[0]), 1);
    CHECK(ends[0].ports[1].actor.state & LACP_EXPIRED);
    pass(LACP_SHORT_MS + 300);
    CHECK(ends[0].ports[1].actor.state & LACP_DEFAULTED);
    peer[1] = 1;
    pass(5000);
    CHECK_EQ(distributing(&ends[0]), 3);
    begin(2);
    peer[0] = peer[1] = ENDS;
    pass(20000);
    CHECK_EQ(distributing(&ends[0]), 0);
}

// A cable to another switch carries nothing for as long as the first one is there.
static void test_other_partner(void)
{
    begin(2);
    peer[1] = 2;
    pass(8000);
    CHECK_EQ(distributing(&ends[0]), 1);
    CHECK_EQ(distributing(&ends[2]), 0);
    links[0][0] = links[1][0] = false;
    pass(8000);
    CHECK_EQ(distributing(&ends[0]), 2);
    CHECK_EQ(distributing(&ends[2]), 2);
}

static void test_frames(void)
{
    u8 frame[LACP_FRAME], other[60] = {0};
    begin(2);
    lacp_step(&ends[0], links[0], now);
    CHECK(lacp_say(&ends[0], 0, frame, now));
    CHECK(!lacp_say(&ends[0], 0, frame, now));
    CHECK(!memcmp(
        frame,
        "\x01\x80\xc2\0\0\x02\x02\0\0\0\x09\0\x88\x09\x01\x01\x01\x14\x80\0\x02\0\0\0\x09\0\0\x01\x80\0\0\x01\x47",
        33));
    CHECK(!memcmp(frame + 36, "\x02\x14", 2) && !memcmp(frame + 56, "\x03\x10", 2));
    CHECK(lacp_take(&ends[0], 1, frame, sizeof(frame), now)); // a loop of cable
    CHECK(!ends[0].ports[1].known);
    CHECK(!lacp_take(&ends[0], 1, other, sizeof(other), now));
    for (u32 size = 0; size < sizeof(frame); size++)
        CHECK_EQ(lacp_take(&ends[1], 0, frame, size, now), size >= 14);
    CHECK(!ends[1].ports[0].known);
}

int main(void)
{
    TEST(test_together);
    TEST(test_link);
    TEST(test_silence);
    TEST(test_other_partner);
    TEST(test_frames);
    return test_done();
}
