// SPDX-License-Identifier: Apache-2.0
#include "vios/net/failover.h"

#include "base/test.h"

// Two adapters and the channel between them, in steps of 10 ms. What one says arrives with the next step.
static struct failover sea[2];
static struct failover_word said[2];
static bool says[2], alive[2], link_up[2], channel;
static s64 now, both; // both: steps in which two bridged

static const u8 macs[2][6] = {{2, 0, 0, 0, 0, 1}, {2, 0, 0, 0, 0, 2}};

static bool sharing;

static void begin_one(unsigned i, u8 priority, bool standby)
{
    failover_begin(&sea[i], priority, standby, sharing, macs[i], now);
    alive[i] = link_up[i] = true;
}

static void step(void)
{
    struct failover_word words[2] = {said[0], said[1]};
    bool heard[2] = {says[1] && channel, says[0] && channel};
    now += 10;
    for (unsigned i = 0; i < 2; i++) {
        u8 frame[FAILOVER_FRAME];
        struct failover_word word;
        says[i] = false;
        failover_write(&words[!i], frame);
        CHECK(!heard[i] || failover_read(frame, sizeof(frame), &word));
        if (alive[i])
            says[i] = failover_step(&sea[i], heard[i] ? &word : NULL, link_up[i], now);
        said[i] = sea[i].own;
    }
    both += alive[0] && alive[1] && (sea[0].own.bridges & sea[1].own.bridges);
}

static void pass(s64 ms)
{
    for (s64 end = now + ms; now < end;)
        step();
}

static void begin(u8 priority0, u8 priority1)
{
    both = 0;
    channel = true;
    says[0] = says[1] = false;
    begin_one(0, priority0, false);
    begin_one(1, priority1, false);
    pass(2000);
}

static void test_priority(void)
{
    begin(1, 2);
    CHECK_EQ(sea[0].own.state, FAILOVER_PRIMARY);
    CHECK_EQ(sea[1].own.state, FAILOVER_BACKUP);
    CHECK_EQ(both, 0);
    begin(5, 5);
    CHECK_EQ(sea[0].own.state, FAILOVER_PRIMARY);
    CHECK_EQ(sea[1].own.state, FAILOVER_BACKUP);
    CHECK_EQ(both, 0);
}

static void test_death(void)
{
    begin(1, 2);
    alive[0] = false;
    pass(FAILOVER_DEAD_MS + 50);
    CHECK_EQ(sea[1].own.state, FAILOVER_PRIMARY);
    begin_one(0, 1, false); // it is back, and gets its place without both being primary
    pass(2000);
    CHECK_EQ(sea[0].own.state, FAILOVER_PRIMARY);
    CHECK_EQ(sea[1].own.state, FAILOVER_BACKUP);
    CHECK_EQ(both, 0);
}

static void test_link(void)
{
    begin(1, 2);
    link_up[0] = false;
    pass(50); // it says so at once
    CHECK_EQ(sea[0].own.state, FAILOVER_LIMBO);
    CHECK_EQ(sea[1].own.state, FAILOVER_PRIMARY);
    link_up[1] = false;
    pass(50);
    CHECK_EQ(sea[1].own.state, FAILOVER_LIMBO);
    link_up[0] = true;
    pass(50);
    CHECK_EQ(sea[0].own.state, FAILOVER_PRIMARY);
    CHECK_EQ(both, 0);
}

// While the channel is cut both take themselves for the only one; afterwards one word is enough.
static void test_channel(void)
{
    begin(1, 2);
    channel = false;
    pass(3000);
    CHECK(both > 0); // the switch has one active trunk all the same
    channel = true;
    both = 0;
    pass(1000);
    CHECK_EQ(sea[1].own.state, FAILOVER_BACKUP);
    CHECK(both * 10 <= FAILOVER_SAY_MS + 20);
}

static void test_standby(void)
{
    begin(1, 2);
    begin_one(0, 1, true);
    pass(3000);
    CHECK_EQ(sea[0].own.state, FAILOVER_STANDBY);
    CHECK_EQ(sea[1].own.state, FAILOVER_PRIMARY);
    alive[1] = false;
    pass(FAILOVER_DEAD_MS + 50);
    CHECK_EQ(sea[0].own.state, FAILOVER_PRIMARY);
}

// Each has a half while both can; nobody has what the other one still has.
static void test_sharing(void)
{
    sharing = true;
    begin(1, 2);
    CHECK_EQ(sea[0].own.state, FAILOVER_PRIMARY_SHARING);
    CHECK_EQ(sea[1].own.state, FAILOVER_BACKUP_SHARING);
    CHECK_EQ(sea[0].own.bridges, FAILOVER_EVEN);
    CHECK_EQ(sea[1].own.bridges, FAILOVER_ODD);
    link_up[0] = false;
    pass(50);
    CHECK_EQ(sea[0].own.bridges, 0);
    CHECK_EQ(sea[1].own.state, FAILOVER_PRIMARY);
    link_up[0] = true;
    pass(50);
    CHECK_EQ(sea[0].own.bridges, FAILOVER_EVEN);
    CHECK_EQ(sea[1].own.bridges, FAILOVER_ODD);
    alive[1] = false;
    pass(FAILOVER_DEAD_MS + 50);
    CHECK_EQ(sea[0].own.bridges, FAILOVER_ALL);
    CHECK_EQ(both, 0);
    sharing = false; // the other one is configured alone
    begin_one(1, 2, false);
    pass(2000);
    CHECK_EQ(sea[0].own.state, FAILOVER_PRIMARY);
    CHECK_EQ(sea[1].own.state, FAILOVER_BACKUP);
    CHECK_EQ(both, 0);
}

// Whatever happens: two bridge for no longer than it takes one word to arrive, unless the channel is cut, and within its time somebody does who can.
static void run_random(u32 seed)
{
    begin(3, 3);
    for (unsigned i = 0; i < 2000; i++) {
        seed = seed * 1664525u + 1013904223u;
        unsigned who = seed >> 31, what = seed >> 20 & 7;
        if (what < 2)
            link_up[who] = what;
        else if (what == 2)
            alive[who] = false;
        else if (what == 3 && !alive[who])
            begin_one(who, (u8)(1 + (seed >> 24 & 3)), false);
        pass((seed >> 8 & 127) * 10);
        if (i % 20 == 0) {
            pass(2500);
            bool can = (alive[0] && link_up[0]) || (alive[1] && link_up[1]);
            u8 does = 0;
            for (unsigned k = 0; k < 2; k++)
                does |= alive[k] ? sea[k].own.bridges : 0;
            CHECK_EQ(can ? FAILOVER_ALL : 0, does);
            both = 0;
            pass(500);
            CHECK_EQ(both, 0);
        }
    }
}

static void test_random(void)
{
    run_random(1);
    sharing = true;
    run_random(2);
    sharing = false;
}

static void test_frames(void)
{
    u8 frame[FAILOVER_FRAME];
    struct failover_word word = {.state = FAILOVER_BACKUP,
                                 .standby = 1,
                                 .priority = 7,
                                 .sharing = 1,
                                 .bridges = 2,
                                 .mac = {2, 3, 4, 5, 6, 7}},
                         got;
    failover_write(&word, frame);
    CHECK(failover_read(frame, sizeof(frame), &got) && !memcmp(&word, &got, sizeof(word)));
    CHECK(!failover_read(frame, sizeof(frame) - 1, &got));
    for (u32 at = 12; at < 21; at++) {
        failover_write(&word, frame);
        frame[at] ^= 0x80;
        CHECK(!failover_read(frame, sizeof(frame), &got));
    }
}

int main(void)
{
    TEST(test_priority);
    TEST(test_death);
    TEST(test_link);
    TEST(test_channel);
    TEST(test_standby);
    TEST(test_sharing);
    TEST(test_random);
    TEST(test_frames);
    return test_done();
}
