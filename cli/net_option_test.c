// SPDX-License-Identifier: Apache-2.0
#include "cli/net_option.h"

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
        CHECK(net_option_parse(rows[i].text, &net, why, sizeof(why)));
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
        bool ok = net_option_parse(texts[i], &net, why, sizeof(why));
        CHECK(!ok && *why);
        if (ok)
            printf("# %s\n", texts[i]);
    }
}

static void test_all(void)
{
    struct net_options net;
    char why[256];
    CHECK(net_option_parse("user,mac=02:0a:bC:00:00:01,hostfwd=tcp:1-1,hostfwd=udp:2-2", &net, why, sizeof(why)));
    CHECK(!memcmp(net.mac, "\x02\x0a\xbc\x00\x00\x01", 6));
    CHECK_EQ(net.forwards_len, 2);
    char many[1024] = "user";
    for (unsigned i = 0; i <= UPLINK_FORWARDS_MAX; i++) {
        CHECK_EQ(net_option_parse(many, &net, why, sizeof(why)), true);
        strcat(many, ",hostfwd=tcp:1-1");
    }
    CHECK(!net_option_parse(many, &net, why, sizeof(why)));
}

int main(void)
{
    TEST(test_forwards);
    TEST(test_refusals);
    TEST(test_all);
    return test_done();
}
