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

static unsigned looks_until_over(u32 thread)
{
    for (unsigned n = 1; n <= 100; n++) {
        if (dispatch_over(&d, thread))
            return n;
    }
    return 0;
}

static void test_two_on_one_cpu(void)
{
    dispatch_init(&d);
    d.tokens = 2;
    dispatch_begin(&d, 0);
    CHECK(!dispatch_crowded(&d, 0));
    CHECK_EQ(looks_until_over(0), 0);
    dispatch_begin(&d, 1);
    CHECK(dispatch_crowded(&d, 0));
    CHECK(dispatch_crowded(&d, 1));
    CHECK_EQ(looks_until_over(0), DISPATCH_TURN);
    dispatch_end(&d, 0);
    CHECK(!dispatch_crowded(&d, 1));
    dispatch_begin(&d, 0);
    CHECK_EQ(looks_until_over(0), DISPATCH_TURN); // a new turn
    dispatch_end(&d, 1);
    CHECK_EQ(looks_until_over(0), 0);
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
