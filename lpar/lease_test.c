// SPDX-License-Identifier: Apache-2.0
// Played in virtual time.
#include "lpar/lease.h"

#include "base/test.h"

#define SECOND 1000000000ll

// What threads that always have work, on a processor each, get in a minute.
static s64 play(struct lease *l, u32 threads, s64 *now)
{
    s64 end = *now + 60 * SECOND, used = 0, turn;
    while (*now < end) {
        s64 wait = lease_wait(l, *now, &turn);
        if (wait) {
            *now += wait;
            continue;
        }
        turn = MIN(turn, SECOND);
        *now += turn;
        for (u32 i = 0; i < threads; i++)
            lease_pay(l, turn, *now);
        used += threads * turn;
    }
    return used;
}

static void test_entitlement(void)
{
    static const u32 units[] = {5, 30, 70, 100, 160};
    for (size_t i = 0; i < ARRAY_LEN(units); i++) {
        struct lease l;
        s64 now = 7 * SECOND, want = 60 * SECOND * units[i] / 100;
        lease_init(&l);
        lease_set(&l, units[i], now);
        s64 got = play(&l, 2, &now);
        CHECK(got >= want - want / 50 && got <= want + want / 50);
        lease_fini(&l);
    }
}

// What it did not use is kept for a moment only.
static void test_not_saved(void)
{
    struct lease l;
    s64 now = SECOND, turn;
    lease_init(&l);
    lease_set(&l, 30, now);
    now += 100 * SECOND;
    CHECK_EQ(lease_wait(&l, now, &turn), 0);
    CHECK_EQ(turn, LEASE_TURN_NS);
    lease_pay(&l, turn, now);
    lease_pay(&l, turn, now);
    CHECK(lease_wait(&l, now, &turn) > 0);
    lease_fini(&l);
}

static void test_no_limit(void)
{
    struct lease l;
    s64 turn;
    lease_init(&l);
    lease_pay(&l, SECOND, 0);
    CHECK_EQ(lease_wait(&l, 1, &turn), 0);
    CHECK_EQ(turn, INT64_MAX);
    lease_fini(&l);
}

int main(void)
{
    TEST(test_entitlement);
    TEST(test_not_saved);
    TEST(test_no_limit);
    return test_done();
}
