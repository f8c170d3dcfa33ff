// SPDX-License-Identifier: Apache-2.0
#include "vios/net/dhcp.h"

#include "base/endian.h"
#include "base/test.h"

static struct dhcp dhcp;
static u8 frame[400], reply[DHCP_REPLY_MAX];
static u32 reply_size;

enum { DISCOVER = 1, OFFER, REQUEST, DECLINE, ACK, NAK, RELEASE, INFORM };

// A message of the adapter 02:..:`mac`; 0: no such option. true: it was one.
static bool ask(u8 mac, u8 type, u32 wanted, u32 server)
{
    u8 *bootp = frame + 42, *at = bootp + 240;
    memset(frame, 0, sizeof(frame));
    memset(frame, 0xff, 6);
    store_be16(frame + 12, 0x0800);
    frame[14] = 0x45;
    frame[23] = 17;
    store_be16(frame + 34, 68);
    store_be16(frame + 36, 67);
    memcpy(bootp, "\x01\x01\x06\x00\x12\x34\x56\x78", 8);
    bootp[28] = 2;
    bootp[33] = mac;
    store_be32(bootp + 236, 0x63825363);
    *at++ = 53;
    *at++ = 1;
    *at++ = type;
    if (wanted) {
        *at++ = 50;
        *at++ = 4;
        store_be32(at, wanted);
        at += 4;
    }
    if (server) {
        *at++ = 54;
        *at++ = 4;
        store_be32(at, server);
        at += 4;
    }
    *at++ = 255;
    u32 size = (u32)(at - frame);
    store_be16(frame + 16, (u16)(size - 14));
    return dhcp_take(&dhcp, frame, size, reply, &reply_size);
}

static u8 answer_type(void)
{
    return reply_size ? reply[42 + 242] : 0;
}

static u32 answer_address(void)
{
    return load_be32(reply + 42 + 16);
}

static void test_order(void)
{
    dhcp_begin(&dhcp, UPLINK_GUEST);
    for (u8 i = 0; i < 3; i++) {
        CHECK(ask(i, DISCOVER, 0, 0));
        CHECK_EQ(answer_type(), OFFER);
        CHECK_EQ(answer_address(), UPLINK_GUEST + i);
        CHECK(ask(i, REQUEST, UPLINK_GUEST + i, UPLINK_HOST));
        CHECK_EQ(answer_type(), ACK);
        CHECK_EQ(answer_address(), UPLINK_GUEST + i);
        CHECK(!memcmp(reply + 46, "\x12\x34\x56\x78", 4) && !memcmp(reply, frame + 70, 6));
    }
    CHECK(ask(1, DISCOVER, 0, 0));
    CHECK_EQ(answer_address(), UPLINK_GUEST + 1);
    CHECK(ask(9, DISCOVER, UPLINK_GUEST + 40, 0)); // what it would like is free
    CHECK_EQ(answer_address(), UPLINK_GUEST + 40);
    CHECK(ask(8, REQUEST, UPLINK_GUEST + 1, 0)); // that is somebody else's
    CHECK_EQ(answer_type(), NAK);
    CHECK(ask(7, REQUEST, UPLINK_GUEST + 1, 0x0a000204)); // another server's
    CHECK_EQ(reply_size, 0);
    CHECK(ask(0, RELEASE, 0, 0) && !reply_size);
    CHECK(ask(6, DISCOVER, 0, 0));
    CHECK_EQ(answer_address(), UPLINK_GUEST);
    CHECK(ask(6, INFORM, 0, 0));
    CHECK(answer_type() == ACK && !answer_address());
}

static void test_kept(void)
{
    struct uplink_lease lease = {.address = UPLINK_GUEST + 4, .mac = {2, 0, 0, 0, 0, 9}};
    dhcp_begin(&dhcp, UPLINK_GUEST + 100);
    dhcp_keep(&dhcp, &lease);
    CHECK(ask(1, DISCOVER, UPLINK_GUEST + 4, 0));
    CHECK_EQ(answer_address(), UPLINK_GUEST + 100);
    CHECK(ask(9, DISCOVER, UPLINK_GUEST + 120, 0));
    CHECK_EQ(answer_address(), UPLINK_GUEST + 4);
    CHECK(ask(9, RELEASE, 0, 0) && ask(9, DISCOVER, 0, 0));
    CHECK_EQ(answer_address(), UPLINK_GUEST + 4);
    lease.mac[5] = 1; // now another adapter's
    dhcp_keep(&dhcp, &lease);
    CHECK(ask(1, REQUEST, UPLINK_GUEST + 100, 0));
    CHECK_EQ(answer_type(), NAK);
    CHECK(ask(9, DISCOVER, 0, 0));
    CHECK_EQ(answer_address(), UPLINK_GUEST + 100);
}

static void test_none_left(void)
{
    dhcp_begin(&dhcp, UPLINK_LAST - 1);
    CHECK(ask(1, DISCOVER, 0, 0) && reply_size);
    CHECK(ask(2, DISCOVER, 0, 0) && reply_size);
    CHECK(ask(3, DISCOVER, 0, 0) && !reply_size);
}

static void test_other_frames(void)
{
    dhcp_begin(&dhcp, UPLINK_GUEST);
    CHECK(ask(1, DISCOVER, 0, 0));
    for (u32 size = 0; size < 282; size++)
        CHECK(!dhcp_take(&dhcp, frame, size, reply, &reply_size));
    static const u32 fields[] = {12, 14, 23, 36, 42, 278}; // types, ports, the cookie
    for (unsigned i = 0; i < ARRAY_LEN(fields); i++) {
        ask(1, DISCOVER, 0, 0);
        frame[fields[i]] ^= 0x40;
        CHECK(!dhcp_take(&dhcp, frame, 300, reply, &reply_size));
    }
    ask(1, DISCOVER, 0, 0);
    frame[42 + 241] = 255; // an option that is longer than the message
    CHECK(dhcp_take(&dhcp, frame, 300, reply, &reply_size));
    CHECK(reply_size && reply[42 + 240] != 53); // as of BOOTP
}

int main(void)
{
    TEST(test_order);
    TEST(test_kept);
    TEST(test_none_left);
    TEST(test_other_frames);
    return test_done();
}
