// SPDX-License-Identifier: Apache-2.0
#include "hyper/usage.h"

#include <stdlib.h>
#include <time.h>

#include "hyper/dispatch/dispatcher.h"
#include "hyper/guard.h"
#include "hyper/pools.h"

#define BASE_MB 128u // the daemon and what every process of a partition shares

u64 usage_overhead(const struct rec *profile)
{
    u64 ratio = strtoul(rec_text(profile, "hpt_ratio") + 2, NULL, 10); // "1:128"
    return (rec_num(profile, "max_mem") + ratio - 1) / ratio;
}

static void find_idle(const struct sys *sys, struct usage *u)
{
    u64 left = u->units_available / 100;
    for (u32 i = 0; i < sys->lps_len; i++) {
        const struct lp *lp = sys->lps[i];
        const struct rec *c = lp->current;
        if (lp_active(lp) || !c || rec_is(c, "proc_mode", "shared"))
            continue;
        u64 procs = MIN(rec_num(c, "desired_procs"), left);
        bool lends =
            rec_is(c, "sharing_mode", "share_idle_procs") || rec_is(c, "sharing_mode", "share_idle_procs_always");
        left -= procs;
        *(lends ? &u->units_lent : &u->units_kept) += procs * 100;
    }
}

struct usage usage_of(const struct sys *sys)
{
    struct usage u = {.lmb = rec_num(sys->rec, "mem_region_size"),
                      .mem = rec_num(sys->rec, "installed_mem"),
                      .mem_firmware = BASE_MB,
                      .units = (u64)guard_usable(sys) * 100};
    u64 dedicated = 0;
    for (u32 i = 0; i < sys->lps_len; i++) {
        const struct lp *lp = sys->lps[i];
        if (!lp_active(lp) || !lp->current)
            continue;
        u.mem_used += MAX(lp->run_mem, lp->pend_mem);
        u.mem_firmware += usage_overhead(lp->current);
        bool shared = rec_is(lp->current, "proc_mode", "shared");
        u.units_used += shared ? lp->run_units : MAX(lp->run_procs, lp->pend_procs) * 100;
        dedicated += shared ? 0 : lp->run_procs * 100;
    }
    u.units_used += pools_reserved(sys);
    u.mem_firmware = (u.mem_firmware + u.lmb - 1) / u.lmb * u.lmb;
    u.mem_available = u.mem > u.mem_firmware + u.mem_used ? u.mem - u.mem_firmware - u.mem_used : 0;
    u.units_available = u.units > u.units_used ? u.units - u.units_used : 0;
    find_idle(sys, &u);
    dedicated += u.units_kept;
    u.units_pool = u.units > dedicated ? u.units - dedicated : 0;
    return u;
}

// 0: it is gone.
static u64 clock_of(int pid)
{
    struct timespec t;
    clockid_t clock;
    return pid && clock_getcpuclockid(pid, &clock) == 0 && clock_gettime(clock, &t) == 0
               ? (u64)t.tv_sec * 1000000000 + (u64)t.tv_nsec
               : 0;
}

u64 usage_clock(const struct lp *lp)
{
    return (lp->before_ms + lp->data_dead_ms) * 1000000 + clock_of(lp->pid) + clock_of(lp->data_pid);
}

static struct usage_time dispatched(const struct lp *lp)
{
    struct dispatcher_usage u;
    struct usage_time t = lp->had;
    t.source = USAGE_DISPATCHER;
    t.split = true;
    if (lp->dispatcher && dispatcher_usage(lp->dispatcher, lp->id, &u)) {
        t.used += u.ran_ns;
        t.beyond += u.beyond_ns;
        t.wait += u.waited_ns;
    }
    return t;
}

struct usage_time usage_time_of(const struct lp *lp)
{
    if (lp->dispatcher || lp->had.used)
        return dispatched(lp);
    return (struct usage_time){.source = USAGE_CLOCK, .used = usage_clock(lp)};
}
