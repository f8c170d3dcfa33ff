// SPDX-License-Identifier: Apache-2.0
#include "proto/vio/net_option.h"

#include "base/test.h"

static void test_forwards(void)
{
    static const struct {
        const char *text;
        u32 host, guest;
        u16 host_port, guest_port;
        bool udp;
    } rows[] = {
        {"user,hostfwd=tcp:2222-:22", 0x7f000001, 0x0a00020f, 2222, 22, false},
        {"user,hostfwd=tcp::2222-:22", 0x7f000001, 0x0a00020f, 2222, 22, false},
        {"user,hostfwd=udp:0.0.0.0:1-22", 0, 0x0a00020f, 1, 22, true},
        {"user,hostfwd=tcp:192.0.2.1:65535-10.0.2.77:65535", 0xc0000201, 0x0a00024d, 65535, 65535, false},
    };
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        struct net_options net;
        char why[256] = "";
        CHECK(net_option_parse(rows[i].text, NET_OF_PARTITION, &net, why, sizeof(why)));
        CHECK_STR(why, "");
        CHECK_EQ(net.forwards_len, 1);
        CHECK_EQ(net.forwards[0].host_address, rows[i].host);
        CHECK_EQ(net.forwards[0].guest_address, rows[i].guest);
        CHECK_EQ(net.forwards[0].host_port, rows[i].host_port);
        CHECK_EQ(net.forwards[0].guest_port, rows[i].guest_port);
        CHECK_EQ(net.forwards[0].udp, rows[i].udp);
    }
}

static void test_refusals(void)
{
    static const char *const texts[] = {
        "",
        "tap",
        "user,",
        "user,x=1",
        "user,hostfwd=",
        "user,hostfwd=sctp:1-2",
        "user,hostfwd=tcp:1",
        "user,hostfwd=tcp:0-22",
        "user,hostfwd=tcp:65536-22",
        "user,hostfwd=tcp:22-",
        "user,hostfwd=tcp:host:22-22",
        "user,hostfwd=tcp:22-192.0.2.1:22", // not in the partition's network
        "user,mac=",
        "user,mac=1:2:3:4:5:6",
        "user,mac=01:00:00:00:00:01", // a group's
        "user,mac=00:00:00:00:00:00",
        "user,mac=02:00:00:00:00:011",
    };
    for (unsigned i = 0; i < ARRAY_LEN(texts); i++) {
        struct net_options net;
        char why[256] = "";
        bool ok = net_option_parse(texts[i], NET_OF_PARTITION, &net, why, sizeof(why));
        CHECK(!ok && *why);
        if (ok)
            printf("# %s\n", texts[i]);
    }
}

static void test_all(void)
{
    struct net_options net;
    char why[256];
    CHECK(net_option_parse("user,mac=02:0a:bC:00:00:01,hostfwd=tcp:1-1,hostfwd=udp:2-2", NET_OF_PARTITION, &net, why,
                           sizeof(why)));
    CHECK(!memcmp(net.mac, "\x02\x0a\xbc\x00\x00\x01", 6));
    CHECK_EQ(net.forwards_len, 2);
    char many[1024] = "user";
    for (unsigned i = 0; i <= UPLINK_FORWARDS_MAX; i++) {
        CHECK_EQ(net_option_parse(many, NET_OF_PARTITION, &net, why, sizeof(why)), true);
        strcat(many, ",hostfwd=tcp:1-1");
    }
    CHECK(!net_option_parse(many, NET_OF_PARTITION, &net, why, sizeof(why)));
}

static void test_of_system(void)
{
    struct net_options net;
    char why[256];
    CHECK(net_option_parse("user", NET_OF_SYSTEM, &net, why, sizeof(why)));
    CHECK(net.vlan == 1 && !strcmp(net.vswitch, "ETHERNET0") && !net.forwards_len);
    CHECK(net_option_parse("user,vswitch=outside,vlan=4094,hostfwd=tcp:2222-web-01:22,hostfwd=udp:53-10.0.2.20:53",
                           NET_OF_SYSTEM, &net, why, sizeof(why)));
    CHECK(net.vlan == 4094 && !strcmp(net.vswitch, "outside") && net.forwards_len == 2);
    CHECK_STR(net.names[0], "web-01");
    CHECK(net.forwards[0].host_port == 2222 && net.forwards[0].guest_port == 22 && !net.forwards[0].udp);
    CHECK_STR(net.names[1], "");
    CHECK_EQ(net.forwards[1].guest_address, 0x0a000214);
    CHECK(net_option_parse("macvtap,name=olt0,vlan=5", NET_OF_SYSTEM, &net, why, sizeof(why)));
    CHECK(net.kind == UPLINK_MACVTAP && net.vlan == 5 && !strcmp(net.interface, "olt0"));
    static const char *const texts[] = {"user,mac=02:00:00:00:00:01",
                                        "user,vlan=0",
                                        "user,vlan=4095",
                                        "user,vlan=1x",
                                        "user,vswitch=",
                                        "user,hostfwd=tcp:1-10.0.2.3:1",
                                        "none",
                                        "tap",
                                        "tap,name=",
                                        "tap,name=0123456789abcdef",
                                        "packet,name=eth0,hostfwd=tcp:1-a:1"};
    for (unsigned i = 0; i < ARRAY_LEN(texts); i++) {
        *why = 0;
        CHECK(!net_option_parse(texts[i], NET_OF_SYSTEM, &net, why, sizeof(why)) && *why);
    }
}

static void test_of_server(void)
{
    struct net_options net;
    char why[512];
    CHECK(net_option_parse("tap/name=tap0", NET_OF_SERVER, &net, why, sizeof(why)));
    CHECK(net.kind == UPLINK_TAP && !strcmp(net.interface, "tap0"));
    CHECK(net_option_parse("user/hostfwd=tcp:2222-10.0.2.16:22", NET_OF_SERVER, &net, why, sizeof(why)));
    CHECK(!net.kind && net.forwards_len == 1 && net.forwards[0].guest_address == 0x0a000210);
    static const char *const texts[] = {
        "", "tap", "tap,name=tap0", "user/vlan=1", "user/hostfwd=tcp:1-web:1", "user/", "user/mac=02:00:00:00:00:01"};
    for (unsigned i = 0; i < ARRAY_LEN(texts); i++) {
        *why = 0;
        CHECK(!net_option_parse(texts[i], NET_OF_SERVER, &net, why, sizeof(why)) && *why);
    }
    CHECK(!net_option_parse("tap", NET_OF_SERVER, &net, why, sizeof(why)));
    CHECK_STR(why, "the interface is missing: tap/name=INTERFACE");
}

int main(void)
{
    TEST(test_forwards);
    TEST(test_refusals);
    TEST(test_all);
    TEST(test_of_system);
    TEST(test_of_server);
    return test_done();
}
