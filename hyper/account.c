// SPDX-License-Identifier: Apache-2.0
#include "hyper/account.h"

#include <string.h>

#include "hyper/guard.h"
#include "hyper/pools.h"
#include "hyper/usage.h"

#define SECOND 1000000000ll

static struct account_shape shape_of(const struct lp *lp)
{
    struct account_shape s = {.active = lp_active(lp) && lp->current};
    if (!s.active)
        return s;
    const char *mode = rec_text(lp->current, "sharing_mode");
    s.shared = rec_is(lp->current, "proc_mode", "shared");
    s.capped = strcmp(mode, "uncap") != 0;
    s.donates = strcmp(mode, "share_idle_procs_active") == 0 || strcmp(mode, "share_idle_procs_always") == 0;
    s.units = s.shared ? lp->run_units : lp->run_procs * 100;
    s.pool = s.shared ? (u32)MIN(rec_num(lp->current, "shared_proc_pool_id"), SYS_POOLS - 1) : 0;
    return s;
}

// A configuration is replaced, not changed. Cheap, for it is asked often of many; what slips through is seen a second later.
static bool changed(const struct lp *lp)
{
    const struct account *a = &lp->account;
    return a->of != lp->current || a->of_units != lp->run_units || a->of_procs != lp->run_procs ||
           a->of_state != (int)lp->state;
}

static void read_shape(struct lp *lp)
{
    struct account *a = &lp->account;
    a->shape = shape_of(lp);
    a->of = lp->current;
    a->of_units = lp->run_units;
    a->of_procs = lp->run_procs;
    a->of_state = (int)lp->state;
}

// A clock that went back, as the last reading of a process that ended can, has not moved.
static u64 since(u64 now, u64 before)
{
    return now > before ? now - before : 0;
}

static u64 latest(u64 now, u64 before)
{
    return MAX(now, before);
}

// What the partition used since the last look is put into its accounts; the value is how much it is.
static u64 look(struct lp *lp, u64 passed)
{
    struct account *a = &lp->account;
    const struct account_shape *s = &a->shape;
    struct usage_time t = usage_time_of(lp);
    // What it was by the other source is accounted. A dispatcher counts from its beginning, clocks since the partition was made.
    if (t.source != a->seen.source)
        a->seen = t.source == USAGE_CLOCK ? t : (struct usage_time){.source = t.source};
    u64 used = since(t.used, a->seen.used), entitled = s->active ? passed * s->units / 100 : 0, beyond = 0;
    if (t.split)
        beyond = MIN(since(t.beyond, a->seen.beyond), used);
    else if (s->shared && !s->capped)
        beyond = used - MIN(used, entitled);
    a->entitled += entitled;
    a->capped += used - beyond;
    a->uncapped += beyond;
    a->wait += since(t.wait, a->seen.wait);
    if (!s->shared)
        *(s->donates ? &a->donated : &a->idle) += since(entitled, used);
    a->seen.used = latest(t.used, a->seen.used);
    a->seen.beyond = latest(t.beyond, a->seen.beyond);
    a->seen.wait = latest(t.wait, a->seen.wait);
    return used;
}

void account_update(struct sys *sys, s64 now, bool must)
{
    struct account_system *a = &sys->account;
    u64 passed = a->at && now > a->at ? (u64)(now - a->at) : 0, dedicated = 0,
        units = a->at ? since(a->units, a->kept) : 0;
    u64 usable = (u64)guard_usable(sys) * 100;
    must |= usable != a->units;
    for (u32 i = 0; i < sys->lps_len && !must; i++)
        must = changed(sys->lps[i]);
    if (!must && passed < SECOND && a->at)
        return;
    a->at = now;
    a->units = usable;
    a->time += passed;
    for (u32 i = 0; i < sys->lps_len; i++) {
        struct lp *lp = sys->lps[i];
        struct account_shape *s = &lp->account.shape;
        u64 used = look(lp, passed);
        if (s->active && s->shared) {
            a->pool_used += used;
            a->pools[s->pool].used += used;
        } else if (s->active) {
            dedicated += s->units;
        }
        read_shape(lp);
    }
    a->kept = usage_of(sys).units_kept;
    u64 pool = passed * since(units, dedicated) / 100;
    a->pool_total += pool;
    for (u32 i = 0; i < SYS_POOLS; i++) {
        u64 max = pool_max(sys, i);
        a->pools[i].total += max ? MIN(passed * max / 100, pool) : i ? 0 : pool;
    }
}
