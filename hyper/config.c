// SPDX-License-Identifier: Apache-2.0
#include "hyper/config.h"

#include <stdio.h>
#include <string.h>

#include "hyper/pools.h"
#include "hyper/processors.h"
#include "hyper/rules.h"

static int no_memory(struct answer *answer)
{
    return refuse(answer, "HSCL3205", "The hypervisor has no memory for it. Nothing was changed.");
}

// Its profile follows where the partition wants that.
static struct profile *synced(const struct lp *lp)
{
    return rec_num(lp->rec, "sync_curr_profile") == 1 ? lp_profile(lp, rec_text(lp->rec, "curr_profile")) : NULL;
}

// `current` takes the place of what was.
static int commit(struct sys *sys, struct lp *lp, struct rec *current, struct answer *answer)
{
    struct profile *profile = synced(lp);
    struct rec *also = profile ? rec_copy(current) : NULL;
    int failed =
        profile && (!also || !rec_set_text(also, "name", rec_text(profile->rec, "name"))) ? no_memory(answer) : 0;
    if (!failed && (store_begin(sys->store) || store_save(sys->store, STORE_CURRENT, lp->id, current) ||
                    (also && store_save(sys->store, STORE_PROFILE, profile->id, also)) || store_commit(sys->store)))
        failed = refuse_store(answer, sys);
    if (failed) {
        rec_free(current);
        rec_free(also);
        return failed;
    }
    rec_free(lp->current);
    lp->current = current;
    processors_changed(lp);
    if (also) {
        rec_free(profile->rec);
        profile->rec = also;
    }
    return 0;
}

int config_keep(struct sys *sys, struct lp *lp, struct answer *answer)
{
    struct rec *current = rec_copy(lp->current);
    bool shared = rec_is(lp->current, "proc_mode", "shared");
    if (!current || !rec_set_num(current, "desired_mem", lp->run_mem) ||
        !rec_set_num(current, "desired_procs", lp->run_procs) ||
        (shared && !rec_set_num(current, "desired_proc_units", lp->run_units))) {
        rec_free(current);
        return no_memory(answer);
    }
    return commit(sys, lp, current, answer);
}

static bool add(struct rec *rec, const char *name, s64 change)
{
    s64 value = (s64)rec_num(rec, name) + change;
    return !change || rec_set_num(rec, name, value < 0 ? 0 : (u64)value);
}

int config_change(struct sys *sys, struct lp *lp, const struct config_change *change, struct answer *answer)
{
    struct rec *current = rec_copy(lp->current);
    int failed = current && add(current, "desired_mem", change->mem) && add(current, "desired_procs", change->procs) &&
                         add(current, "desired_proc_units", change->units)
                     ? 0
                     : no_memory(answer);
    if (!failed && change->units && !rec_is(current, "proc_mode", "shared"))
        failed = refuse_parameter(answer, "--procunits",
                                  "the partition %s has dedicated processors, which are whole ones", lp_name(lp));
    if (!failed)
        failed = rules_check_profile(sys, current, answer);
    if (!failed)
        return commit(sys, lp, current, answer);
    rec_free(current);
    return failed;
}

int config_set(struct sys *sys, struct lp *lp, const struct wire_record *values, struct answer *answer)
{
    static const char *const names[] = {"sharing_mode", "uncap_weight"};
    struct rec *current = rec_copy(lp->current);
    int failed = current ? 0 : no_memory(answer);
    bool any = false;
    for (unsigned i = 0; !failed && i < ARRAY_LEN(names); i++) {
        const struct wire_value *v = wire_get(values, names[i]);
        char why[300];
        if (!v)
            continue;
        any = true;
        if (attr_check(attr_find(OBJECT_PROF, names[i]), v, why, sizeof(why)))
            failed = refuse_parameter(answer, "-a", "%s: %s", names[i], why);
        else if (!rec_set(current, names[i], *v))
            failed = no_memory(answer);
    }
    if (!failed && !any)
        failed = refuse_parameter(answer, "-a", "what to change is missing: sharing_mode or uncap_weight");
    if (!failed && wire_get(values, "uncap_weight") && !rec_is(current, "sharing_mode", "uncap"))
        failed = refuse_parameter(answer, "-a",
                                  "uncap_weight goes with sharing_mode=uncap, and the partition %s has sharing_mode=%s",
                                  lp_name(lp), rec_text(current, "sharing_mode"));
    if (!failed)
        failed = rules_check_profile(sys, current, answer);
    if (!failed)
        return commit(sys, lp, current, answer);
    rec_free(current);
    return failed;
}

int config_set_text(struct sys *sys, struct lp *lp, const char *name, const char *text, struct answer *answer)
{
    struct rec *current = rec_copy(lp->current);
    bool list = attr_find(OBJECT_PROF, name)->type == ATTR_LIST;
    int failed =
        current && rec_set(current, name, (struct wire_value){.kind = list ? WIRE_LIST : WIRE_TEXT, .text = text})
            ? 0
            : no_memory(answer);
    if (!failed)
        failed = rules_check_profile(sys, current, answer);
    if (!failed)
        return commit(sys, lp, current, answer);
    rec_free(current);
    return failed;
}

int config_check_units(const struct sys *sys, const struct lp *lp, s64 units, s64 procs, struct answer *answer)
{
    const struct rec *c = lp->current;
    s64 min = (s64)rec_num(c, "min_proc_units"), max = (s64)rec_num(c, "max_proc_units"),
        low = procs * (s64)UNITS_PER_PROC_MIN;
    if (units < low || units > procs * 100)
        return refuse(answer, "HSCL1566",
                      "The partition %s would have %lld virtual processors and %lld.%02lld processing units; so many "
                      "processors need from "
                      "%lld.%02lld to %lld.00.",
                      lp_name(lp), (long long)procs, (long long)units / 100, (long long)(units < 0 ? 0 : units % 100),
                      (long long)low / 100, (long long)low % 100, (long long)procs);
    if (units < min || units > max)
        return refuse(answer, "HSCL0622",
                      "The partition %s would have %lld.%02lld processing units and can have from %lld.%02lld "
                      "(min_proc_units) to %lld.%02lld "
                      "(max_proc_units).",
                      lp_name(lp), (long long)units / 100, (long long)units % 100, (long long)min / 100,
                      (long long)min % 100, (long long)max / 100, (long long)max % 100);
    u32 pool = (u32)rec_num(c, "shared_proc_pool_id");
    u64 left = pool_left(sys, pool, lp);
    if (lp_active(lp) && units > (s64)lp->run_units && (u64)units > left)
        return refuse(answer, "HSCL0622", "The pool %s has room for %llu.%02llu processing units of the partition %s.",
                      pool_name(sys, pool), (unsigned long long)left / 100, (unsigned long long)left % 100,
                      lp_name(lp));
    return 0;
}
