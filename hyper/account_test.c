// SPDX-License-Identifier: Apache-2.0
#include "hyper/account.h"

#include <stdlib.h>

#include "base/test.h"
#include "hyper/guard.h"
#include "hyper/pools.h"
#include "hyper/system.h"
#include "hyper/usage.h"

#define MS 1000000ll

static struct sys *sys;
static s64 now = 1;

static void fresh(void)
{
    sys = calloc(1, sizeof(*sys));
    sys->rec = rec_new(OBJECT_SYS);
    sys->folder = -1;
    rec_set_num(sys->rec, "active_procs", 4);
    rec_set_num(sys->rec, "installed_procs", 4);
    for (u32 i = 0; i < SYS_POOLS; i++)
        sys->pools[i] = rec_new(OBJECT_PROCPOOL);
    account_update(sys, now, true);
}

static struct lp *add(u32 id, const char *proc_mode, const char *sharing_mode, u64 procs, u64 units)
{
    struct lp *lp = lp_new(id);
    lp->current = rec_new(OBJECT_PROF);
    rec_set_text(lp->current, "proc_mode", proc_mode);
    rec_set_text(lp->current, "sharing_mode", sharing_mode);
    lp->state = LP_RUNNING;
    lp->run_procs = procs;
    lp->run_units = units;
    sys_insert(sys, lp);
    account_update(sys, now, false); // something changed
    return lp;
}

// Time passes, and the partition uses that much in it.
static void pass(struct lp *lp, u64 ms, u64 used_ms)
{
    now += (s64)ms * MS;
    lp->before_ms += used_ms;
    account_update(sys, now, true);
}

static void test_shared(void)
{
    fresh();
    struct lp *a = add(1, "shared", "uncap", 2, 50);
    pass(a, 1000, 300); // within 0.50
    CHECK_EQ(a->account.entitled, 500 * MS);
    CHECK_EQ(a->account.capped, 300 * MS);
    CHECK_EQ(a->account.uncapped, 0);
    pass(a, 1000, 1200);
    CHECK_EQ(a->account.capped, 800 * MS);
    CHECK_EQ(a->account.uncapped, 700 * MS);
    CHECK_EQ(a->account.idle + a->account.donated, 0);
    CHECK_EQ(sys->account.time, 2000 * MS);
    CHECK_EQ(sys->account.pool_total, 8000 * MS);
    CHECK_EQ(sys->account.pool_used, 1500 * MS);
    CHECK_EQ(sys->account.pools[0].used, 1500 * MS);
    sys_close(sys);
}

static void test_dedicated(void)
{
    fresh();
    struct lp *a = add(1, "ded", "keep_idle_procs", 2, 200), *b = add(2, "ded", "share_idle_procs_active", 1, 100);
    pass(a, 1000, 500);
    CHECK_EQ(a->account.entitled, 2000 * MS);
    CHECK_EQ(a->account.capped, 500 * MS);
    CHECK_EQ(a->account.idle, 1500 * MS);
    CHECK_EQ(b->account.donated, 1000 * MS);
    CHECK_EQ(b->account.idle, 0);
    CHECK_EQ(sys->account.pool_total, 1000 * MS); // one processor is left
    sys_close(sys);
}

// Dedicated processors of partitions that are off: lent, or kept.
static void test_off(void)
{
    static const struct {
        const char *mode;
        u64 lent, kept;
    } rows[] = {{"keep_idle_procs", 0, 200},
                {"share_idle_procs", 200, 0},
                {"share_idle_procs_active", 0, 200},
                {"share_idle_procs_always", 200, 0}};
    for (unsigned i = 0; i < ARRAY_LEN(rows); i++) {
        fresh();
        struct lp *a = add(1, "ded", rows[i].mode, 2, 200);
        rec_set_num(a->current, "desired_procs", 2);
        CHECK_EQ(usage_of(sys).units_pool, 200);
        CHECK_EQ(usage_of(sys).units_lent + usage_of(sys).units_kept, 0);
        a->state = LP_OFF;
        account_update(sys, now, false);
        struct usage u = usage_of(sys);
        CHECK_EQ(u.units_lent, rows[i].lent);
        CHECK_EQ(u.units_kept, rows[i].kept);
        CHECK_EQ(u.units_pool, 400 - rows[i].kept);
        CHECK_EQ(u.units_available, 400); // for whoever is activated
        pass(a, 1000, 0);
        CHECK_EQ(sys->account.pool_total, (4000 - rows[i].kept * 10) * MS);
        struct lp *b = add(2, "shared", "uncap", 4, 250); // one that needs them
        CHECK_EQ(usage_of(sys).units_kept, rows[i].kept / 2);
        CHECK_EQ(usage_of(sys).units_lent, rows[i].lent / 2);
        b->state = LP_OFF;
        CHECK_EQ(usage_of(sys).units_kept, rows[i].kept);
        sys_close(sys);
    }
}

// They are not used, but for one that always is.
static void test_kept_are_not_used(void)
{
    fresh();
    guard_begin(sys);
    CHECK_EQ(guard_used(sys), 4);
    struct lp *a = add(1, "ded", "keep_idle_procs", 3, 300);
    rec_set_num(a->current, "desired_procs", 3);
    guard_follow(sys);
    CHECK_EQ(guard_used(sys), 4);
    a->state = LP_OFF;
    guard_follow(sys);
    CHECK_EQ(guard_used(sys), 1);
    a->state = LP_STARTING;
    guard_follow(sys);
    CHECK_EQ(guard_used(sys), 4);
    a->state = LP_ERROR;
    rec_set_num(a->current, "desired_procs", 4);
    guard_follow(sys);
    CHECK_EQ(guard_used(sys), 1);
    CHECK_STR(guard_state(sys, 3), "Configured");
    guard_end(sys);
    sys_close(sys);
}

static void test_changes_are_noticed(void)
{
    fresh();
    struct lp *a = add(1, "shared", "uncap", 1, 20);
    now += 10 * MS;
    account_update(sys, now, false); // too early to look
    CHECK_EQ(a->account.entitled, 0);
    a->run_units = 40;
    account_update(sys, now, false); // what was until now counts with what was until now
    CHECK_EQ(a->account.entitled, 2 * MS);
    pass(a, 10, 0);
    CHECK_EQ(a->account.entitled, 6 * MS);
    a->state = LP_OFF;
    account_update(sys, now, false);
    pass(a, 1000, 0);
    CHECK_EQ(a->account.entitled, 6 * MS);
    sys_close(sys);
}

static void test_a_clock_that_goes_back(void)
{
    fresh();
    struct lp *a = add(1, "shared", "cap", 1, 100);
    pass(a, 1000, 500);
    a->before_ms -= 100; // its process ended, and its last reading is older
    pass(a, 1000, 0);
    CHECK_EQ(a->account.capped, 500 * MS);
    a->before_ms += 200;
    pass(a, 1000, 0);
    CHECK_EQ(a->account.capped, 600 * MS);
    sys_close(sys);
}

static void test_pools(void)
{
    fresh();
    rec_set_num(sys->pools[3], "max_pool_proc_units", 200);
    struct lp *a = add(1, "shared", "uncap", 1, 50);
    struct rec *moved = rec_copy(a->current);
    rec_set_num(moved, "shared_proc_pool_id", 3);
    rec_free(a->current);
    a->current = moved;
    account_update(sys, now, false);
    pass(a, 1000, 600);
    CHECK_EQ(sys->account.pools[3].total, 2000 * MS);
    CHECK_EQ(sys->account.pools[3].used, 600 * MS);
    CHECK_EQ(sys->account.pools[0].used, 0);
    CHECK_EQ(sys->account.pools[0].total, 4000 * MS);
    CHECK_EQ(sys->account.pools[1].total, 0);
    sys_close(sys);
}

// A processor that failed is not the pool's any more, from when it failed.
static void test_processor_fails(void)
{
    fresh();
    now += 500 * MS;
    rec_set(sys->rec, "guarded_procs", (struct wire_value){.kind = WIRE_LIST, .text = "1"});
    account_update(sys, now, false);
    CHECK_EQ(sys->account.pool_total, 2000 * MS);
    now += 1000 * MS;
    account_update(sys, now, false);
    CHECK_EQ(sys->account.pool_total, 5000 * MS);
    sys_close(sys);
}

static void test_cycles(void)
{
    CHECK_EQ(account_cycles(1000000000), 512000000);
    CHECK_EQ(account_ns(512000000), 1000000000);
}

int main(void)
{
    TEST(test_shared);
    TEST(test_dedicated);
    TEST(test_off);
    TEST(test_kept_are_not_used);
    TEST(test_changes_are_noticed);
    TEST(test_a_clock_that_goes_back);
    TEST(test_pools);
    TEST(test_processor_fails);
    TEST(test_cycles);
    return test_done();
}
