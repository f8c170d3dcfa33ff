// SPDX-License-Identifier: Apache-2.0
#include "hyper/processors.h"

#include <errno.h>
#include <stdio.h>

#include "hyper/dispatch/dispatcher.h"
#include "hyper/guard.h"
#include "hyper/pools.h"

static_assert(POLICY_POOLS_MAX == SYS_POOLS && POLICY_LPS_MAX == LPARS_MAX, "one numbering");

static struct policy_config config_of(const struct lp *lp)
{
    const struct rec *c = lp->current;
    bool shared = rec_is(c, "proc_mode", "shared") || lp->crowded, uncapped = rec_is(c, "sharing_mode", "uncap");
    // share_idle_procs lends processors of a partition that is off (hyper/usage.h).
    bool lends =
        rec_is(c, "sharing_mode", "share_idle_procs_active") || rec_is(c, "sharing_mode", "share_idle_procs_always");
    return (struct policy_config){
        .mode = !shared    ? POLICY_DEDICATED
                : uncapped ? POLICY_UNCAPPED
                           : POLICY_CAPPED,
        .lend = lends ? POLICY_LEND : POLICY_KEEP,
        .units = (u32)(rec_is(c, "proc_mode", "shared") ? lp->run_units : lp->run_procs * POLICY_UNITS),
        .vps = (u32)lp->run_procs,
        .weight = uncapped ? (u32)rec_num(c, "uncap_weight") : 0,
        .pool = shared ? (u32)rec_num(c, "shared_proc_pool_id") : 0,
    };
}

void processors_pools(struct sys *sys)
{
    for (u32 i = 0; i < SYS_POOLS && sys->dispatcher; i++)
        dispatcher_set_pool(sys->dispatcher, i, (u32)pool_max(sys, i), (u32)pool_reserved(sys, i));
}

void processors_begin(struct sys *sys)
{
    sys->dispatcher = dispatcher_new((u32)rec_num(sys->rec, "installed_procs")); // guard_begin() says which are used
    if (!sys->dispatcher)
        fprintf(stderr, "openlpard: there are no threads for processors: entitlements are not enforced\n");
    processors_pools(sys);
    counters_begin(sys);
}

void processors_end(struct sys *sys)
{
    counters_end(sys);
    for (u32 i = 0; i < sys->lps_len; i++)
        processors_detach(sys->lps[i]);
    dispatcher_free(sys->dispatcher);
    sys->dispatcher = NULL;
}

int processors_attach(struct sys *sys, struct lp *lp, int fds[2])
{
    if (!sys->dispatcher || !lp->current)
        return -ENOENT;
    struct policy_config c = config_of(lp);
    if (!lp->had.used) // by the clock of its process until now: it may be found running
        lp->had = usage_time_of(lp);
    int err = dispatcher_attach(sys->dispatcher, lp->id, &c, lp->pid, fds);
    if (!err)
        lp->dispatcher = sys->dispatcher;
    return err;
}

void processors_detach(struct lp *lp)
{
    struct dispatcher_usage u;
    if (!lp->dispatcher)
        return;
    dispatcher_usage(lp->dispatcher, lp->id, &u);
    lp->had.used += u.ran_ns;
    lp->had.beyond += u.beyond_ns;
    lp->had.wait += u.waited_ns;
    counters_detach(lp);
    dispatcher_detach(lp->dispatcher, lp->id);
    lp->dispatcher = NULL;
}

void processors_changed(struct lp *lp)
{
    if (!lp->dispatcher || !lp->current)
        return;
    struct policy_config c = config_of(lp);
    int err = dispatcher_configure(lp->dispatcher, lp->id, &c);
    if (err)
        fprintf(stderr, "openlpard: partition %u keeps its processors as they were: error %d\n", lp->id, -err);
}

// Processors failed, and there are not enough for all dedicated ones, or none is left for those who share: partitions whose availability priority is the lowest
// share, with what they are entitled to, until there are.
static void crowd(struct sys *sys)
{
    u64 dedicated = 0, usable = guard_usable(sys);
    bool sharing = false;
    for (u32 i = 0; i < sys->lps_len; i++) {
        struct lp *lp = sys->lps[i];
        lp->crowded = false;
        if (!lp_active(lp) || !lp->current)
            continue;
        if (rec_is(lp->current, "proc_mode", "shared"))
            sharing = true;
        else
            dedicated += lp->run_procs;
    }
    while (dedicated && dedicated + sharing > usable) {
        struct lp *least = NULL;
        for (u32 i = 0; i < sys->lps_len; i++) {
            struct lp *lp = sys->lps[i];
            if (lp_active(lp) && lp->current && !lp->crowded && !rec_is(lp->current, "proc_mode", "shared") &&
                (!least || rec_num(lp->rec, "lpar_avail_priority") < rec_num(least->rec, "lpar_avail_priority")))
                least = lp;
        }
        if (!least)
            return;
        least->crowded = sharing = true;
        dedicated -= least->run_procs;
    }
}

void processors_follow(struct sys *sys)
{
    crowd(sys);
    for (u32 i = 0; i < sys->lps_len; i++)
        processors_changed(sys->lps[i]);
}
