// SPDX-License-Identifier: Apache-2.0
#include "vswitch/deliver.h"

#include <errno.h>

#include "base/endian.h"
#include "base/test.h"
#include "ipc/test_frame.h"
#include "proto/vio/offload.h"

static struct ring_fds fds;
static struct ring *near, *far;
static u8 frame[70000], got[70000];
static struct frame header;

// A TCP frame, tagged or not, that carries `carried` bytes.
static u32 make(bool tag, u32 carried)
{
    u32 l3 = tag ? 18 : 14;
    memset(frame, 0, sizeof(frame));
    memcpy(frame, "\x02\x00\x00\x00\x00\x01\x02\x00\x00\x00\x00\x02", 12);
    store_be16(frame + 12, 0x8100);
    store_be16(frame + 14, 20);
    store_be16(frame + l3 - 2, 0x0800);
    frame[l3] = 0x45;
    store_be16(frame + l3 + 2, (u16)(40 + carried));
    frame[l3 + 9] = 6;
    offload_ipv4_checksum(frame + l3, 20);
    frame[l3 + 32] = 0x50;
    for (u32 i = 0; i < carried; i++)
        frame[l3 + 40 + i] = (u8)(i * 7 + (i >> 8));
    return l3 + 40 + carried;
}

static bool next(void)
{
    return test_frame_take(far, &header, got);
}

static int put(u16 port, u16 flags, u32 size, u16 mss, u8 tagging)
{
    struct frame f = {FRAME_DATA, flags, size, mss};
    struct hop hop = {.tagging = tagging, .tci = 0x2014};
    return deliver(near, port, &f, frame, &hop);
}

static void begin(void)
{
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

static void test_tags(void)
{
    begin();
    for (u32 carried = 6; carried < 2000; carried += 331) {
        u32 size = make(false, carried);
        CHECK_EQ(put(PORT_OPEN, FRAME_CSUM_GOOD, size, 0, TAG_AS_IS), size);
        CHECK(next());
        CHECK_EQ(header.flags, FRAME_CSUM_GOOD);
        CHECK(header.size == size && !memcmp(got, frame, size));
        CHECK_EQ(put(PORT_OPEN, 0, size, 0, TAG_INSERT), size + 4);
        CHECK(next());
        CHECK_EQ(load_be32(got + 12), 0x81002014);
        CHECK(header.size == size + 4 && !memcmp(got, frame, 12) && !memcmp(got + 16, frame + 12, size - 12));
        size = make(true, carried);
        CHECK_EQ(put(PORT_OPEN, 0, size, 0, TAG_REMOVE), size - 4);
        CHECK(next());
        CHECK(header.size == size - 4 && !memcmp(got, frame, 12) && !memcmp(got + 12, frame + 16, size - 16));
        CHECK_EQ(put(PORT_OPEN, 0, size, 0, TAG_INSERT), size); // its own gives way
        CHECK(next());
        CHECK_EQ(load_be32(got + 12), 0x81002014);
        CHECK(!memcmp(got + 16, frame + 16, size - 16));
    }
    end();
}

static void test_offloads(void)
{
    struct tcp_frame tcp;
    begin();
    for (u8 tagging = TAG_AS_IS; tagging <= TAG_INSERT; tagging++) {
        u32 size = make(tagging == TAG_REMOVE, 1000), l3 = tagging == TAG_INSERT ? 18 : 14;
        CHECK(put(PORT_OPEN | PORT_CSUM, FRAME_CSUM_NEEDED, size, 0, tagging) > 0);
        CHECK(next());
        CHECK_EQ(header.flags, FRAME_CSUM_NEEDED);
        CHECK_EQ(load_be16(got + l3 + 20 + 16), 0);
        CHECK(put(PORT_OPEN, FRAME_CSUM_NEEDED, size, 0, tagging) > 0); // it wants one
        CHECK(next());
        CHECK_EQ(header.flags, 0);
        u16 sum = load_be16(got + l3 + 20 + 16);
        CHECK(offload_parse(got, OFFLOAD_HEAD_MAX, header.size, &tcp));
        offload_checksum(got, &tcp);
        CHECK(sum && load_be16(got + l3 + 20 + 16) == sum);

        size = make(tagging == TAG_REMOVE, 60000);
        CHECK(put(PORT_OPEN | PORT_CSUM | PORT_LARGE, FRAME_CSUM_NEEDED | FRAME_LARGE, size, 1460, tagging) > 0);
        CHECK(next());
        CHECK_EQ(header.flags, FRAME_CSUM_NEEDED | FRAME_LARGE);
        CHECK_EQ(header.mss, 1460);
        CHECK(put(PORT_OPEN | PORT_CSUM, FRAME_CSUM_NEEDED | FRAME_LARGE, size, 1460, tagging) > 60000);
        u32 seen = 0, segments = 0, in = tagging == TAG_REMOVE ? 58 : 54;
        for (; next(); segments++) {
            CHECK_EQ(header.flags, FRAME_CSUM_GOOD);
            CHECK(!memcmp(got + l3 + 40, frame + in + seen, header.size - l3 - 40));
            seen += header.size - l3 - 40;
        }
        CHECK_EQ(segments, 42);
        CHECK_EQ(seen, 60000);
    }
    end();
}

static void test_refusals(void)
{
    begin();
    u32 size = make(false, 1000);
    frame[23] = 17; // no TCP
    CHECK_EQ(put(PORT_OPEN, FRAME_CSUM_NEEDED, size, 0, TAG_AS_IS), -EPROTO);
    CHECK_EQ(put(PORT_OPEN, FRAME_CSUM_NEEDED | FRAME_LARGE, size, 500, TAG_AS_IS), -EPROTO);
    CHECK_EQ(put(PORT_OPEN, 0, FRAME_SIZE_MAX, 0, TAG_INSERT), -EPROTO);
    make(true, 0);
    CHECK_EQ(put(PORT_OPEN, 0, 16, 0, TAG_REMOVE), -EPROTO);
    CHECK(!next());
    size = make(false, 60000);
    u32 went = 0;
    while (put(PORT_OPEN, 0, size, 0, TAG_AS_IS) > 0)
        went++;
    CHECK(went > 4 && went < 9);
    end();
}

int main(void)
{
    TEST(test_tags);
    TEST(test_offloads);
    TEST(test_refusals);
    return test_done();
}
