// SPDX-License-Identifier: Apache-2.0
// Who waits for a host CPU, who is next, and who gives way to another one on the same CPU. One thread plays them all.
#include "lpar/dispatch.h"

#include <sched.h>

#include "base/test.h"

static struct dispatcher d;

static void pin(void)
{
    cpu_set_t set;
    int here = sched_getcpu();
    CPU_ZERO(&set);
    CPU_SET(here < 0 ? 0 : here, &set);
    sched_setaffinity(0, sizeof(set), &set);
}

// It takes some processor time, which passes here.
static bool ends_its_turn(u32 thread)
{
    for (unsigned n = 0; n < 100000000; n++) {
        if (dispatch_over(&d, thread))
            return true;
    }
    return false;
}

static bool goes_on(u32 thread)
{
    for (unsigned n = 0; n < 10000; n++) {
        if (dispatch_over(&d, thread))
            return false;
    }
    return true;
}

static void test_two_on_one_cpu(void)
{
    dispatch_init(&d);
    d.tokens = 2;
    dispatch_begin(&d, 0);
    CHECK(!dispatch_crowded(&d, 0));
    CHECK(goes_on(0));
    dispatch_begin(&d, 1);
    CHECK(dispatch_crowded(&d, 0));
    CHECK(dispatch_crowded(&d, 1));
    CHECK(ends_its_turn(0));
    dispatch_end(&d, 0);
    CHECK(!dispatch_crowded(&d, 1));
    dispatch_begin(&d, 0);
    CHECK(ends_its_turn(0)); // a new turn
    dispatch_end(&d, 1);
    CHECK(goes_on(0));
    dispatch_end(&d, 0);
    CHECK_EQ(d.tokens, 2);
    dispatch_fini(&d);
}

static void test_promoted(void)
{
    dispatch_init(&d);
    d.tokens = 0; // as if another thread ran; these two wait
    d.queue[0] = 5;
    d.queue[1] = 6;
    d.waiting = 2;
    dispatch_promote(&d, 6);
    CHECK_EQ(d.queue[d.first], 6);
    dispatch_promote(&d, 7); // waits not
    dispatch_end(&d, 0);
    CHECK_EQ(d.threads[6].granted, 1);
    CHECK_EQ(d.threads[5].granted, 0);
    dispatch_end(&d, 6);
    CHECK_EQ(d.threads[5].granted, 1);
    dispatch_end(&d, 5);
    CHECK_EQ(d.tokens, 1);
    dispatch_fini(&d);
}

int main(void)
{
    pin();
    TEST(test_two_on_one_cpu);
    TEST(test_promoted);
    return test_done();
}
