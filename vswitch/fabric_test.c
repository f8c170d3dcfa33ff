// SPDX-License-Identifier: Apache-2.0
#include "vswitch/fabric.h"

#include <errno.h>

#include "base/endian.h"
#include "base/test.h"

#define OPEN   (PORT_OPEN | PORT_MULTICAST | PORT_MULTICAST_ALL)
#define SECOND 1000000000ll

// The ports that most tests have; their address is 02:00:00:00:00:NN with their place here.
enum { A, B, C, D, TRUNK, STANDBY, OTHER, PORTS };
static const struct port_config configs[PORTS] = {
    [A] = {.pvid = 1, .qos = QOS_NONE},
    [B] = {.pvid = 1, .ieee = true, .vlans = {10, 20}, .vlans_len = 2, .qos = 5},
    [C] = {.pvid = 10, .qos = 3},
    [D] = {.pvid = 2, .qos = QOS_NONE},
    [TRUNK] = {.pvid = 1, .ieee = true, .vlans = {10}, .vlans_len = 1, .trunk_priority = 1, .qos = QOS_NONE},
    [STANDBY] = {.pvid = 1, .ieee = true, .vlans = {10, 20}, .vlans_len = 2, .trunk_priority = 2, .qos = QOS_NONE},
    [OTHER] = {.pvid = 1, .vswitch = 1, .qos = QOS_NONE},
};
#define NOBODY    0x99
#define BROADCAST 0xff
#define GROUP     0xfe

static struct fabric *fabric;
static struct switch_port counted[FABRIC_PORTS_MAX];
static struct hop hops[FABRIC_PORTS_MAX];

static void mac_of(u32 place, u8 mac[6])
{
    memcpy(mac, (const u8[]){2, 0, 0, 0, 0, (u8)place}, 6);
    if (place == BROADCAST)
        memset(mac, 0xff, 6);
    if (place == GROUP)
        memcpy(mac, "\x01\x00\x5e\x00\x00\xfb", 6);
}

static void begin(void)
{
    memset(counted, 0, sizeof(counted));
    fabric = fabric_new(counted);
    for (u32 i = 0; i < PORTS; i++) {
        struct port_config c = configs[i];
        mac_of(i, c.mac);
        CHECK_EQ(fabric_add_port(fabric, &c), i);
        CHECK(fabric_set_state(fabric, i, OPEN, c.mac, 1));
    }
}

static void end(void)
{
    fabric_free(fabric);
}

// tci: of a tag; -1: none
static u32 route_at(u32 from, u32 source, u32 destination, int tci, s64 now)
{
    u8 head[FABRIC_HEAD_MAX] = {0};
    mac_of(destination, head);
    mac_of(source, head + 6);
    store_be16(head + 12, tci < 0 ? 0x0800 : 0x8100);
    if (tci >= 0)
        store_be16(head + 14, (u16)tci);
    return fabric_route(fabric, from, head, 100, now, hops);
}

static u32 route(u32 from, u32 destination, int tci)
{
    return route_at(from, from, destination, tci, SECOND);
}

static void test_routes(void)
{
    static const struct {
        u32 from, to;
        int tci;   // of the frame
        u32 ports; // bits of those that get it
        int cause; // or why nobody does
        int tagging;
        u16 tag;
    } rows[] = {
        {A, B, -1, 1 << B, -1, TAG_AS_IS, 0},
        {B, A, -1, 1 << A, -1, TAG_AS_IS, 0},
        {A, A, -1, 0, DROP_NOBODY, 0, 0},         // nobody sends to itself
        {A, C, -1, 1 << TRUNK, -1, TAG_AS_IS, 0}, // in another VLAN: as one that is not there
        {A, NOBODY, -1, 1 << TRUNK, -1, TAG_AS_IS, 0},
        {D, A, -1, 0, DROP_NOBODY, 0, 0}, // nobody else is in its VLAN, and no trunk
        {D, BROADCAST, -1, 0, DROP_NOBODY, 0, 0},
        {OTHER, A, -1, 0, DROP_NOBODY, 0, 0}, // another switch
        {OTHER, BROADCAST, -1, 0, DROP_NOBODY, 0, 0},
        {A, BROADCAST, -1, 1 << B | 1 << TRUNK, -1, TAG_AS_IS, 0},
        {A, GROUP, -1, 1 << B | 1 << TRUNK, -1, TAG_AS_IS, 0},
        {B, C, 10, 1 << C, -1, TAG_REMOVE, 0},
        {B, C, 10 | 0x6000, 1 << C, -1, TAG_REMOVE, 0},
        {C, B, -1, 1 << B, -1, TAG_INSERT, 10 | 3 << 13},
        {B, BROADCAST, 20, 1 << STANDBY, -1, TAG_AS_IS, 0}, // of this VLAN it is the active one
        {B, NOBODY, 10, 1 << TRUNK, -1, TAG_AS_IS, 0},
        {C, NOBODY, -1, 1 << TRUNK, -1, TAG_INSERT, 10 | 3 << 13},
        {TRUNK, A, -1, 1 << A, -1, TAG_AS_IS, 0},
        {TRUNK, C, 10, 1 << C, -1, TAG_REMOVE, 0},
        {TRUNK, B, 10, 1 << B, -1, TAG_AS_IS, 0},
        {TRUNK, NOBODY, -1, 0, DROP_NOBODY, 0, 0},
        {TRUNK, BROADCAST, -1, 1 << A | 1 << B, -1, TAG_AS_IS, 0},
        {TRUNK, B, 20, 0, DROP_VLAN, 0, 0},
        {STANDBY, A, -1, 0, DROP_TRUNK, 0, 0},
        {STANDBY, B, 20, 1 << B, -1, TAG_AS_IS, 0},
        {A, B, 1, 0, DROP_VLAN, 0, 0},  // it knows no tags
        {A, C, 10, 0, DROP_VLAN, 0, 0}, // not even those of VLANs that there are
        {A, B, 0, 0, DROP_VLAN, 0, 0},
        {B, A, 1, 0, DROP_VLAN, 0, 0}, // the port VLAN has no tag
        {B, C, 30, 0, DROP_VLAN, 0, 0},
        {B, A, 0x6000, 1 << A, -1, TAG_REMOVE, 0}, // a tag with a priority alone
    };
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        begin();
        u32 len = route(rows[i].from, rows[i].to, rows[i].tci), ports = 0;
        for (u32 n = 0; n < len; n++)
            ports |= 1u << hops[n].port;
        if (ports != rows[i].ports)
            printf("# row %u\n", i);
        CHECK_EQ(ports, rows[i].ports);
        if (len &&
            (hops[0].tagging != rows[i].tagging || (rows[i].tagging == TAG_INSERT && hops[0].tci != rows[i].tag))) {
            printf("# row %u: tagging %u, tag %x\n", i, hops[0].tagging, hops[0].tci);
            CHECK(false);
        }
        struct port_counts counts = counted[rows[i].from].counts;
        for (int cause = 0; cause < DROP_CAUSES; cause++)
            CHECK_EQ(counts.drops[cause], cause == rows[i].cause);
        CHECK_EQ(counts.sent, len != 0);
        CHECK_EQ(counts.sent_bytes, len ? 100 : 0);
        end();
    }
}

static void test_mixed_tags(void)
{
    begin();
    CHECK_EQ(route(C, BROADCAST, -1), 2); // B and the trunk, both tagged
    CHECK_EQ(hops[0].tagging, TAG_INSERT);
    CHECK_EQ(route(B, BROADCAST, 10), 2); // C untagged, the trunk as it is
    CHECK_EQ(hops[0].port, C);
    CHECK_EQ(hops[0].tagging, TAG_REMOVE);
    CHECK_EQ(hops[1].tagging, TAG_AS_IS);
    end();
}

static void test_spoofing(void)
{
    u8 macs[12], mac[6];
    begin();
    CHECK_EQ(route_at(A, C, B, -1, SECOND), 0);
    CHECK_EQ(route_at(A, GROUP, B, -1, SECOND), 0);
    CHECK_EQ(counted[A].counts.drops[DROP_ADDRESS], 2);
    CHECK_EQ(route_at(TRUNK, NOBODY, B, -1, SECOND), 1); // somebody outside
    // An address that was not given closes the port; one of another port cannot be had at all.
    mac_of(0x55, macs);
    CHECK(!fabric_set_state(fabric, A, OPEN, macs, 1));
    CHECK_EQ(fabric_flags(fabric, A), OPEN & ~PORT_OPEN);
    CHECK_EQ(route(A, B, -1), 0);
    CHECK_EQ(route(B, A, -1), 1);
    CHECK_EQ(hops[0].port, TRUNK);
    mac_of(A, macs);
    CHECK(fabric_set_state(fabric, A, OPEN, macs, 1));
    CHECK_EQ(route(A, B, -1), 1);
    struct port_config c = {.pvid = 1, .any_mac = true, .qos = QOS_NONE};
    mac_of(0x20, c.mac);
    int port = fabric_add_port(fabric, &c);
    mac_of(0x21, mac);
    CHECK(fabric_set_state(fabric, (u32)port, OPEN, mac, 1));
    CHECK_EQ(route_at((u32)port, 0x21, A, -1, SECOND), 1);
    mac_of(A, mac);
    CHECK(!fabric_set_state(fabric, (u32)port, OPEN, mac, 1));
    mac_of(GROUP, mac);
    CHECK(!fabric_set_state(fabric, (u32)port, OPEN, mac, 1));
    c = (struct port_config){.pvid = 1, .macs = {{2, 0, 0, 0, 0, 0x31}}, .macs_len = 1, .qos = QOS_NONE};
    mac_of(0x30, c.mac);
    port = fabric_add_port(fabric, &c);
    mac_of(0x31, mac);
    CHECK(fabric_set_state(fabric, (u32)port, OPEN, mac, 1));
    mac_of(0x32, mac);
    CHECK(!fabric_set_state(fabric, (u32)port, OPEN, mac, 1));
    end();
}

static void test_multicast(void)
{
    u8 macs[12];
    begin();
    mac_of(B, macs);
    mac_of(GROUP, macs + 6);
    CHECK(fabric_set_state(fabric, B, PORT_OPEN, macs, 2)); // no multicast at all
    CHECK_EQ(route(A, GROUP, -1), 1);
    CHECK_EQ(route(A, BROADCAST, -1), 2);
    CHECK(fabric_set_state(fabric, B, PORT_OPEN | PORT_MULTICAST, macs, 2));
    CHECK_EQ(route(A, GROUP, -1), 2);
    macs[11]++;
    CHECK(fabric_set_state(fabric, B, PORT_OPEN | PORT_MULTICAST, macs, 2));
    CHECK_EQ(route(A, GROUP, -1), 1);
    CHECK(!fabric_set_state(fabric, B, PORT_OPEN, macs, 0));
    CHECK(!fabric_set_state(fabric, 77, PORT_OPEN, macs, 1));
    end();
}

// The standby takes over, and what was learned ages.
// An active trunk can say outside who is behind it.
static void test_members(void)
{
    static struct member members[FABRIC_PORTS_MAX];
    begin();
    CHECK_EQ(fabric_members(fabric, TRUNK, members), 3); // A and B untagged, C in VLAN 10
    CHECK(members[0].mac[5] == A && members[0].hop.port == TRUNK && members[0].hop.tagging == TAG_AS_IS);
    CHECK(members[2].mac[5] == C && members[2].hop.tagging == TAG_INSERT && (members[2].hop.tci & 0xfff) == 10);
    CHECK_EQ(fabric_members(fabric, STANDBY, members), 0);
    CHECK_EQ(fabric_members(fabric, A, members), 0);
    u8 mac[6];
    mac_of(TRUNK, mac);
    CHECK(fabric_set_state(fabric, TRUNK, 0, mac, 1));
    CHECK_EQ(fabric_members(fabric, STANDBY, members), 3);
    end();
}

// Nothing goes from port to port: all of it outside, and what comes back to everybody but its sender.
static void test_vepa(void)
{
    begin();
    for (u32 i = 0; i < PORTS; i++) {
        struct port_config c = configs[i];
        fabric_remove_port(fabric, i);
        c.vepa = true;
        mac_of(i, c.mac);
        CHECK_EQ(fabric_add_port(fabric, &c), i);
        CHECK(fabric_set_state(fabric, i, OPEN, c.mac, 1));
    }
    CHECK_EQ(route(A, B, -1), 1);
    CHECK_EQ(hops[0].port, TRUNK);
    CHECK_EQ(route(A, BROADCAST, -1), 1);
    CHECK_EQ(hops[0].port, TRUNK);
    CHECK_EQ(counted[A].counts.broadcast_sent, 1);
    CHECK_EQ(route_at(TRUNK, A, B, -1, SECOND), 1);
    CHECK_EQ(hops[0].port, B);
    CHECK_EQ(route_at(TRUNK, A, BROADCAST, -1, SECOND), 1); // B, not A
    CHECK_EQ(hops[0].port, B);
    end();
}

static void test_trunks(void)
{
    u8 mac[6];
    begin();
    mac_of(TRUNK, mac);
    CHECK_EQ(route_at(TRUNK, NOBODY, A, 10, SECOND), 0); // NOBODY is behind it in VLAN 10 (A is not in it)
    CHECK(fabric_set_state(fabric, TRUNK, OPEN & ~PORT_OPEN, mac, 1));
    CHECK_EQ(route(A, NOBODY, -1), 1);
    CHECK_EQ(hops[0].port, STANDBY);
    CHECK_EQ(route(STANDBY, A, -1), 1);
    CHECK_EQ(route_at(STANDBY, NOBODY, C, 10, 2 * SECOND), 1);
    CHECK(fabric_set_state(fabric, TRUNK, OPEN, mac, 1));
    CHECK_EQ(route_at(C, C, NOBODY, -1, 3 * SECOND), 1);
    CHECK_EQ(hops[0].port, STANDBY); // where it was heard
    CHECK_EQ(route_at(C, C, NOBODY, -1, 1000 * SECOND), 1);
    CHECK_EQ(hops[0].port, TRUNK);
    fabric_remove_port(fabric, STANDBY);
    CHECK_EQ(route_at(C, C, NOBODY, -1, 3 * SECOND), 1);
    CHECK_EQ(hops[0].port, TRUNK);
    fabric_remove_port(fabric, TRUNK);
    CHECK_EQ(route_at(C, C, NOBODY, -1, 3 * SECOND), 0);
    CHECK_EQ(route(TRUNK, A, -1), 0);
    end();
}

static void test_rate(void)
{
    struct port_config c = {.pvid = 1, .qos = QOS_NONE, .rate = 1000, .burst = 250};
    u8 mac[6];
    begin();
    mac_of(0x40, c.mac);
    mac_of(0x40, mac);
    u32 port = (u32)fabric_add_port(fabric, &c);
    CHECK(fabric_set_state(fabric, port, OPEN, mac, 1));
    CHECK_EQ(route_at(port, 0x40, A, -1, SECOND), 1);
    CHECK_EQ(route_at(port, 0x40, A, -1, SECOND), 1);
    CHECK_EQ(route_at(port, 0x40, A, -1, SECOND), 0);
    CHECK_EQ(counted[port].counts.drops[DROP_RATE], 1);
    CHECK_EQ(route_at(port, 0x40, A, -1, SECOND + SECOND / 20), 1); // 50 bytes more
    CHECK_EQ(route_at(port, 0x40, A, -1, SECOND + SECOND / 20), 0);
    // Small steps add up.
    u32 went = 0;
    for (s64 i = 0; i < 10000; i++)
        went += route_at(port, 0x40, A, -1, 2 * SECOND + i * 100000);
    CHECK_EQ(went, 2 + 10); // the burst, and 1000 bytes in a second
    end();
}

static void test_configs(void)
{
    struct port_config c;
    begin();
    c = (struct port_config){.pvid = 1, .qos = QOS_NONE};
    mac_of(A, c.mac);
    CHECK_EQ(-fabric_add_port(fabric, &c), EEXIST);
    c.vswitch = 2;
    CHECK(fabric_add_port(fabric, &c) > 0);
    mac_of(0x60, c.mac);
    c.pvid = 0;
    CHECK_EQ(-fabric_add_port(fabric, &c), EINVAL);
    c.pvid = 4095;
    CHECK_EQ(-fabric_add_port(fabric, &c), EINVAL);
    c.pvid = 5;
    c.vlans[0] = 7;
    c.vlans_len = 1;
    CHECK_EQ(-fabric_add_port(fabric, &c), EINVAL); // no 802.1Q
    c.ieee = true;
    c.vlans[1] = 7;
    c.vlans_len = 2;
    CHECK_EQ(-fabric_add_port(fabric, &c), EINVAL);
    c.vlans[1] = 5;
    CHECK_EQ(-fabric_add_port(fabric, &c), EINVAL);
    c.vlans[1] = 8;
    c.qos = 8;
    CHECK_EQ(-fabric_add_port(fabric, &c), EINVAL);
    c.qos = 7;
    int port = fabric_add_port(fabric, &c), last = 0;
    CHECK(port > 0);
    fabric_remove_port(fabric, (u32)port);
    CHECK_EQ(fabric_add_port(fabric, &c), port);
    for (u32 i = 0; last >= 0; i++) {
        c.mac[3] = (u8)(i >> 8);
        c.mac[4] = (u8)(i + 1);
        last = fabric_add_port(fabric, &c);
    }
    CHECK_EQ(-last, ENOSPC);
    end();
}

int main(void)
{
    TEST(test_routes);
    TEST(test_mixed_tags);
    TEST(test_spoofing);
    TEST(test_multicast);
    TEST(test_members);
    TEST(test_vepa);
    TEST(test_trunks);
    TEST(test_rate);
    TEST(test_configs);
    return test_done();
}
