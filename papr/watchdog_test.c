// SPDX-License-Identifier: Apache-2.0
#include "papr/watchdog.h"

#include <unistd.h>

#include "base/clock.h"
#include "papr/test_partition.h"

#define START     0x100u
#define STOP      0x200u
#define QUERY     0x300u
#define POWER_OFF 1u
#define RESTART   2u
#define DUMP      3u

static struct partition *lp;
static struct cpu *cpu;

static void begin(void)
{
    lp = test_partition(1, 1, LEVEL_V30);
    cpu = lp->group.cpus[0];
}

static void wait_for_end(void)
{
    for (s64 until = clock_ns() + 20000000000; atomic_load(&lp->end) == END_NONE && clock_ns() < until;)
        usleep(1000);
}

static void test_arguments(void)
{
    begin();
    CHECK_EQ(H(cpu, H_WATCHDOG, QUERY), H_SUCCESS);
    u64 least = cpu->gpr[4] >> 48, most = cpu->gpr[4] >> 32 & 0xffff;
    CHECK(least > 0 && most >= 1);
    CHECK_EQ(H(cpu, H_WATCHDOG, QUERY | 1), H_PARAMETER);
    CHECK_EQ(H(cpu, H_WATCHDOG, 0x400), H_PARAMETER);
    CHECK_EQ(H(cpu, H_WATCHDOG, 0), H_PARAMETER);
    CHECK_EQ(H(cpu, H_WATCHDOG, 1ull << 63 | QUERY), H_PARAMETER);
    CHECK_EQ(H(cpu, H_WATCHDOG, START, 1, 5000), H_PARAMETER);
    CHECK_EQ(H(cpu, H_WATCHDOG, START | 4, 1, 5000), H_PARAMETER);
    CHECK_EQ(H(cpu, H_WATCHDOG, START | RESTART, 0, 5000), H_P2);
    CHECK_EQ(H(cpu, H_WATCHDOG, START | RESTART, most + 1, 5000), H_P2);
    CHECK_EQ(H(cpu, H_WATCHDOG, START | RESTART, 1, least - 1), H_P3);
    CHECK_EQ(H(cpu, H_WATCHDOG, STOP, 0), H_P2);
    CHECK_EQ(H(cpu, H_WATCHDOG, STOP, 1), H_NOOP);
    CHECK_EQ(H(cpu, H_WATCHDOG, STOP, ~0ull), H_NOOP);
    CHECK_EQ(H(cpu, H_WATCHDOG, START | RESTART, most, ~0ull), H_SUCCESS);
    CHECK_EQ(H(cpu, H_WATCHDOG, START | RESTART, 1, 1000000), H_SUCCESS);
    CHECK_EQ(H(cpu, H_WATCHDOG, STOP, most), H_SUCCESS);
    CHECK_EQ(H(cpu, H_WATCHDOG, STOP, most), H_NOOP);
    CHECK_EQ(H(cpu, H_WATCHDOG, STOP, ~0ull), H_SUCCESS);
    CHECK_EQ(H(cpu, H_WATCHDOG, STOP, 1), H_NOOP);
    CHECK_EQ(atomic_load(&lp->end), END_NONE);
    partition_fini(lp);
}

static void test_actions(void)
{
    static const struct {
        u32 action;
        enum partition_end end;
        bool report;
    } cases[] = {{POWER_OFF, END_POWER_OFF, false}, {RESTART, END_REBOOT, false}, {DUMP, END_REBOOT, true}};
    for (unsigned i = 0; i < ARRAY_LEN(cases); i++) {
        const char *why;
        begin();
        s64 before = clock_ns();
        CHECK_EQ(H(cpu, H_WATCHDOG, START | RESTART, 2, 3600000), H_SUCCESS);
        CHECK_EQ(H(cpu, H_WATCHDOG, START | cases[i].action, 1, 200), H_SUCCESS);
        wait_for_end();
        CHECK_EQ(atomic_load(&lp->end), cases[i].end);
        CHECK_EQ(atomic_load(&lp->report_wanted), cases[i].report);
        CHECK(clock_ns() - before >= 200 * 1000000);
        // Nothing of it is left after a restart.
        CHECK_EQ(partition_reset(lp, &why), 0);
        CHECK_EQ(atomic_load(&lp->report_wanted), false);
        CHECK_EQ(H(lp->group.cpus[0], H_WATCHDOG, STOP, 2), H_NOOP);
        partition_fini(lp);
    }
}

static void test_kept_alive(void)
{
    begin();
    s64 before = clock_ns();
    for (unsigned i = 0; i < 4; i++) {
        CHECK_EQ(H(cpu, H_WATCHDOG, START | RESTART, 1, 5000), H_SUCCESS);
        usleep(50000);
    }
    CHECK_EQ(atomic_load(&lp->end), END_NONE);
    CHECK_EQ(H(cpu, H_WATCHDOG, START | RESTART, 1, 150), H_SUCCESS); // sooner than before
    wait_for_end();
    CHECK_EQ(atomic_load(&lp->end), END_REBOOT);
    CHECK(clock_ns() - before >= 350 * 1000000);
    partition_fini(lp);
}

int main(void)
{
    TEST(test_arguments);
    TEST(test_actions);
    TEST(test_kept_alive);
    return test_done();
}
