// SPDX-License-Identifier: Apache-2.0
#include "proto/vio/offload.h"

#include "base/endian.h"
#include "base/test.h"
#include "proto/vio/frame.h"

static u8 frame[70000], segment[70000];

// A TCP frame that carries `carried` bytes; the value is its size.
static u32 make(bool tag, bool v6, u32 options, u32 carried)
{
    u32 at = 12, tcp_size = 20 + options;
    memset(frame, 0, sizeof(frame));
    memcpy(frame, "\x02\x00\x00\x00\x00\x01\x02\x00\x00\x00\x00\x02", 12);
    if (tag) {
        store_be16(frame + at, 0x8100);
        store_be16(frame + at + 2, 20);
        at += 4;
    }
    store_be16(frame + at, v6 ? 0x86dd : 0x0800);
    u8 *ip = frame + at + 2, *tcp;
    if (v6) {
        ip[0] = 0x60;
        store_be16(ip + 4, (u16)(tcp_size + carried));
        ip[6] = 6;
        for (u32 i = 8; i < 40; i++)
            ip[i] = (u8)(i * 7);
        tcp = ip + 40;
    } else {
        ip[0] = 0x45;
        store_be16(ip + 2, (u16)(20 + tcp_size + carried));
        store_be16(ip + 4, 0xfffe);
        ip[9] = 6;
        memcpy(ip + 12, "\x0a\x00\x02\x0f\x0a\x00\x02\x02", 8);
        tcp = ip + 20;
    }
    store_be32(tcp + 4, 0xfffffff0);
    tcp[12] = (u8)(tcp_size / 4 << 4);
    tcp[13] = 0x99; // CWR, ACK, PSH, FIN
    for (u32 i = 0; i < carried; i++)
        tcp[tcp_size + i] = (u8)(i * 31 + (i >> 8));
    return (u32)(tcp - frame) + tcp_size + carried;
}

// RFC 1071, slowly.
static u32 add(u32 sum, const u8 *p, u32 size)
{
    for (u32 i = 0; i < size; i++)
        sum += i & 1 ? p[i] : (u32)p[i] << 8;
    while (sum >> 16)
        sum = (sum & 0xffff) + (sum >> 16);
    return sum;
}

static bool checksum_right(const u8 *f, const struct tcp_frame *tcp)
{
    u8 tail[4] = {0, 6};
    store_be16(tail + 2, (u16)(tcp->size - tcp->l4));
    u32 sum = add(0, tail, 4);
    sum = tcp->v6 ? add(sum, f + tcp->l3 + 8, 32) : add(sum, f + tcp->l3 + 12, 8);
    return add(sum, f + tcp->l4, tcp->size - tcp->l4) == 0xffff &&
           (tcp->v6 || add(0, f + tcp->l3, (u32)tcp->l4 - tcp->l3) == 0xffff || !load_be16(f + tcp->l3 + 10));
}

static void test_parse(void)
{
    struct tcp_frame tcp;
    u32 size = make(false, false, 12, 1000);
    CHECK(offload_parse(frame, size, size, &tcp));
    CHECK_EQ(tcp.l3, 14);
    CHECK_EQ(tcp.l4, 34);
    CHECK_EQ(tcp.payload, 66);
    CHECK_EQ(tcp.size, size);
    CHECK(offload_parse(frame, size, size + 10, &tcp)); // padding
    CHECK_EQ(tcp.size, size);
    CHECK(!offload_parse(frame, size, size - 1, &tcp));
    for (u32 i = 0; i < 66; i++)
        CHECK(!offload_parse(frame, i, size, &tcp));
    CHECK(offload_parse(frame, 66, size, &tcp));
    frame[20] = 0x20; // more fragments
    CHECK(!offload_parse(frame, size, size, &tcp));
    frame[20] = 0x40; // must not be cut
    CHECK(offload_parse(frame, size, size, &tcp));
    frame[23] = 17;
    CHECK(!offload_parse(frame, size, size, &tcp));
    frame[23] = 6;
    frame[14] = 0x44;
    CHECK(!offload_parse(frame, size, size, &tcp));
    frame[14] = 0x45;
    frame[46] = 0x40;
    CHECK(!offload_parse(frame, size, size, &tcp));
    size = make(true, true, 0, 0);
    CHECK(offload_parse(frame, size, size, &tcp));
    CHECK(tcp.v6);
    CHECK_EQ(tcp.l3, 18);
    CHECK_EQ(tcp.payload, size);
}

static void test_checksum(void)
{
    for (u32 i = 0; i < 64; i++) {
        struct tcp_frame tcp;
        u32 size = make(i & 1, i & 2, i & 4 ? 12 : 0, i * 1021 % 1500);
        CHECK(offload_parse(frame, size, size, &tcp));
        frame[tcp.l4 + 16] = 0x55; // what is there does not count
        offload_checksum(frame, &tcp);
        CHECK(checksum_right(frame, &tcp));
    }
}

static void test_segments(void)
{
    static const u32 sizes[] = {0, 1, 1447, 1448, 1449, 2896, 65000};
    for (u32 i = 0; i < ARRAY_LEN(sizes) * 4; i++) {
        struct tcp_frame tcp, part;
        u32 carried = sizes[i / 4], size = make(i & 1, i & 2, 12, carried), seen = 0;
        CHECK(offload_parse(frame, MIN(size, OFFLOAD_HEAD_MAX), size, &tcp));
        u32 count = offload_segments(&tcp, 1448);
        CHECK_EQ(count, MAX(1, (carried + 1447) / 1448));
        for (u32 n = 0; n < count; n++) {
            u32 len = offload_segment_size(&tcp, 1448, n);
            memset(segment, 0xee, len + 1);
            offload_segment(frame, frame + tcp.payload, &tcp, 1448, n, segment);
            CHECK_EQ(segment[len], 0xee);
            CHECK(offload_parse(segment, len, len, &part));
            CHECK_EQ(part.size, len);
            CHECK(checksum_right(segment, &part));
            CHECK(!memcmp(segment, frame, tcp.l3));
            CHECK(!memcmp(segment + tcp.payload, frame + tcp.payload + seen, len - tcp.payload));
            CHECK_EQ(load_be32(segment + tcp.l4 + 4), (u32)(0xfffffff0 + seen));
            CHECK_EQ(segment[tcp.l4 + 13], 0x10 | (n == 0 ? 0x80 : 0) | (n + 1 == count ? 0x09 : 0));
            if (!tcp.v6) {
                CHECK_EQ(load_be16(segment + tcp.l3 + 4), (u16)(0xfffe + n));
                CHECK_EQ(add(0, segment + tcp.l3, 20), 0xffff);
            }
            seen += len - tcp.payload;
        }
        CHECK_EQ(seen, carried);
    }
}

static void test_messages(void)
{
    static const struct {
        struct frame frame;
        bool good;
    } rows[] = {
        {{FRAME_DATA, 0, 14, 0}, true},
        {{FRAME_DATA, 0, 13, 0}, false},
        {{FRAME_DATA, 0, FRAME_SIZE_MAX, 0}, true},
        {{FRAME_DATA, 0, FRAME_SIZE_MAX + 1, 0}, false},
        {{FRAME_DATA, 8, 60, 0}, false},
        {{FRAME_DATA, FRAME_LARGE | FRAME_CSUM_NEEDED, 60, 1448}, true},
        {{FRAME_DATA, FRAME_LARGE | FRAME_CSUM_NEEDED, 60, 0}, false},
        {{FRAME_DATA, FRAME_LARGE, 60, 1448}, false},
        {{FRAME_DATA, FRAME_LARGE | FRAME_CSUM_NEEDED, 60, 15}, false},
        {{FRAME_DATA, 0, 60, 1448}, false},
        {{FRAME_PORT, PORT_FLAGS, 6, 0}, true},
        {{FRAME_PORT, 0, 6 + 6 * FRAME_FILTERS_MAX, 0}, true},
        {{FRAME_PORT, 0, 12 + 6 * FRAME_FILTERS_MAX, 0}, false},
        {{FRAME_PORT, 0, 0, 0}, false},
        {{FRAME_PORT, 0, 13, 0}, false},
        {{FRAME_PORT, PORT_FLAGS + 1, 6, 0}, false},
        {{FRAME_ASK, 0, 0, 0}, true},
        {{FRAME_ASK, 0, 6, 0}, false},
        {{0, 0, 14, 0}, false},
        {{4, 0, 14, 0}, false},
    };
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        struct frame got;
        frame_put(frame, &rows[i].frame);
        CHECK_EQ(frame_get(frame, FRAME_HEADER + rows[i].frame.size, &got), rows[i].good);
        CHECK(!frame_get(frame, FRAME_HEADER + rows[i].frame.size + 1, &got));
        CHECK(!frame_get(frame, FRAME_HEADER - 1, &got));
        frame[1]++;
        CHECK(!frame_get(frame, FRAME_HEADER + rows[i].frame.size, &got));
    }
}

int main(void)
{
    TEST(test_parse);
    TEST(test_checksum);
    TEST(test_segments);
    TEST(test_messages);
    return test_done();
}
