// SPDX-License-Identifier: Apache-2.0
#include "hyper/pools.h"

#include <errno.h>
#include <stdio.h>
#include <string.h>

#include "hyper/objects.h"
#include "hyper/processors.h"
#include "hyper/usage.h"

int pools_load(struct sys *sys)
{
    for (u32 i = 0; i < POOLS; i++) {
        char name[32];
        bool found;
        struct rec *rec = sys->pools[i] = rec_new(OBJECT_PROCPOOL);
        snprintf(name, sizeof(name), i ? "SharedPool%02u" : "DefaultPool", i);
        if (!rec || !rec_set_num(rec, "shared_proc_pool_id", i) || !rec_set_text(rec, "name", name))
            return -ENOMEM;
        int err = store_load(sys->store, STORE_POOL, i, rec, &found);
        if (err)
            return err;
    }
    return 0;
}

void pools_free(struct sys *sys)
{
    for (u32 i = 0; i < POOLS; i++) {
        rec_free(sys->pools[i]);
        sys->pools[i] = NULL;
    }
}

u64 pool_max(const struct sys *sys, u32 id)
{
    return id < POOLS ? rec_num(sys->pools[id], "max_pool_proc_units") : 0;
}

u64 pool_reserved(const struct sys *sys, u32 id)
{
    return id < POOLS ? rec_num(sys->pools[id], "curr_reserved_pool_proc_units") : 0;
}

u64 pools_reserved(const struct sys *sys)
{
    u64 sum = 0;
    for (u32 i = 0; i < POOLS; i++)
        sum += pool_reserved(sys, i);
    return sum;
}

const char *pool_name(const struct sys *sys, u32 id)
{
    return id < POOLS ? rec_text(sys->pools[id], "name") : "";
}

bool pool_usable(const struct sys *sys, u64 id)
{
    return id < POOLS && (!id || pool_max(sys, (u32)id));
}

bool pool_find(const struct sys *sys, const char *name, u32 *id)
{
    for (*id = 0; *id < POOLS; ++*id)
        if (strcmp(pool_name(sys, *id), name) == 0)
            return true;
    return false;
}

static bool member(const struct lp *lp, u32 id)
{
    return lp->current && rec_is(lp->current, "proc_mode", "shared") &&
           rec_num(lp->current, "shared_proc_pool_id") == id;
}

static u64 entitled(const struct sys *sys, u32 id, const struct lp *but)
{
    u64 sum = 0;
    for (u32 i = 0; i < sys->lps_len; i++)
        if (sys->lps[i] != but && lp_active(sys->lps[i]) && member(sys->lps[i], id))
            sum += sys->lps[i]->run_units;
    return sum;
}

u64 pool_left(const struct sys *sys, u32 id, const struct lp *but)
{
    u64 max = pool_max(sys, id), used = entitled(sys, id, but) + pool_reserved(sys, id);
    return !max ? UINT64_MAX : max > used ? max - used : 0;
}

int pools_take_name(const struct sys *sys, const struct wire_record *values, struct rec *profile, struct answer *answer)
{
    const char *name = wire_text(values, "shared_proc_pool_name");
    u32 id;
    if (!name)
        return 0;
    if (!pool_find(sys, name, &id))
        return refuse_parameter(answer, "-i", "shared_proc_pool_name=%s: there is no such pool", name);
    if (wire_get(values, "shared_proc_pool_id") && wire_num(values, "shared_proc_pool_id", 0) != id)
        return refuse_parameter(answer, "-i", "pool %llu is %s, not %s",
                                (unsigned long long)wire_num(values, "shared_proc_pool_id", 0),
                                pool_name(sys, (u32)wire_num(values, "shared_proc_pool_id", 0)), name);
    rec_set_num(profile, "shared_proc_pool_id", id);
    return 0;
}

static int find(const struct sys *sys, const struct wire_record *where, const char *by_name, u32 *id,
                struct answer *answer)
{
    const char *name = wire_text(where, by_name);
    const struct wire_value *number = wire_get(where, "shared_proc_pool_id");
    if (!name && !number)
        return refuse_parameter(answer, "--poolname", "the pool's name or ID is missing");
    if (number && (number->kind != WIRE_NUM || number->num >= POOLS))
        return refuse_parameter(answer, "--poolid", "the IDs of pools are 0 to %u", POOLS - 1);
    if (number)
        *id = (u32)number->num;
    else if (!pool_find(sys, name, id))
        return refuse_parameter(answer, "--poolname", "there is no pool %s", name);
    if (name && strcmp(pool_name(sys, *id), name))
        return refuse_parameter(answer, "--poolid", "pool %u is %s, not %s", *id, pool_name(sys, *id), name);
    return 0;
}

// The first partition that has the pool, in a profile or in its configuration.
static const char *user_of(const struct sys *sys, u32 id)
{
    for (u32 i = 0; i < sys->lps_len; i++) {
        const struct lp *lp = sys->lps[i];
        bool uses = member(lp, id);
        for (u32 j = 0; j < lp->profiles_len; j++)
            uses |= rec_num(lp->profiles[j].rec, "shared_proc_pool_id") == id;
        if (uses)
            return lp_name(lp);
    }
    return NULL;
}

static int check(const struct sys *sys, u32 id, u64 max, u64 reserved, struct answer *answer)
{
    struct usage u = usage_of(sys);
    u64 before = pool_reserved(sys, id), sum = entitled(sys, id, NULL) + reserved;
    const char *user = max ? NULL : user_of(sys, id);
    if (max % 100)
        return refuse_parameter(answer, "-a", "max_pool_proc_units is a whole number of processing units");
    if (!max && reserved)
        return refuse_parameter(answer, "-a", "a pool without a maximum has no reserve");
    if (user)
        return refuse(answer, "HSCL0622", "The pool %s is that of the partition %s; give it another one first.",
                      pool_name(sys, id), user);
    if (max && sum > max)
        return refuse(answer, "HSCL0622",
                      "The entitlements of the running partitions of the pool %s and its reserve are %llu.%02llu "
                      "processing units, more than the maximum of %llu.%02llu.",
                      pool_name(sys, id), (unsigned long long)sum / 100, (unsigned long long)sum % 100,
                      (unsigned long long)max / 100, (unsigned long long)max % 100);
    if (reserved > before && reserved - before > u.units_available)
        return refuse(
            answer, "HSCL0622",
            "The reserve needs %llu.%02llu processing units more, and %llu.%02llu are free. Stop a partition, "
            "or reserve less.",
            (unsigned long long)(reserved - before) / 100, (unsigned long long)(reserved - before) % 100,
            (unsigned long long)u.units_available / 100, (unsigned long long)u.units_available % 100);
    return 0;
}

static int set_values(struct sys *sys, u32 id, const struct wire_record *values, struct rec *rec, struct answer *answer)
{
    static const char *const names[] = {"max_pool_proc_units", "reserved_pool_proc_units", "new_name"};
    u32 other;
    for (u32 i = 0; i < values->len; i++) {
        const char *name = values->pairs[i].name;
        const struct wire_value *v = &values->pairs[i].value;
        char why[300];
        unsigned j = 0;
        while (j < ARRAY_LEN(names) && strcmp(names[j], name))
            j++;
        if (j == ARRAY_LEN(names) || v->change != WIRE_SET)
            return refuse_parameter(answer, "-a", "%s cannot be given here", name);
        if (attr_check(attr_find(OBJECT_PROCPOOL, name), v, why, sizeof(why)))
            return refuse_parameter(answer, "-a", "%s: %s", name, why);
        if (j == 2 && pool_find(sys, v->text, &other) && other != id)
            return refuse(answer, "HSCL0622", "There is a pool %s already; give another name.", v->text);
        if (!rec_set(rec,
                     j == 0   ? name
                     : j == 1 ? "curr_reserved_pool_proc_units"
                              : "name",
                     *v) ||
            (j == 1 && !rec_set(rec, "pend_reserved_pool_proc_units", *v)))
            return refuse(answer, "HSCL3205", "The hypervisor has no memory for it. Nothing was changed.");
    }
    return check(sys, id, rec_num(rec, "max_pool_proc_units"), rec_num(rec, "curr_reserved_pool_proc_units"), answer);
}

static int change_pool(struct sys *sys, const struct wire_message *m, struct answer *answer)
{
    u32 id;
    if (find(sys, &m->where, "name", &id, answer))
        return -1;
    if (!id)
        return refuse(answer, "HSCL0622", "The default pool has neither maximum nor reserve, and keeps its name.");
    if (!m->values.len)
        return refuse_parameter(answer, "-a",
                                "what to change is missing: max_pool_proc_units, reserved_pool_proc_units "
                                "or new_name");
    struct rec *rec = rec_copy(sys->pools[id]);
    int failed = rec ? set_values(sys, id, &m->values, rec, answer)
                     : refuse(answer, "HSCL3205", "The hypervisor has no memory for it. Nothing was changed.");
    if (!failed && (store_begin(sys->store) || store_save(sys->store, STORE_POOL, id, rec) || store_commit(sys->store)))
        failed = refuse_store(answer, sys);
    if (failed) {
        rec_free(rec);
        return failed;
    }
    rec_free(sys->pools[id]);
    sys->pools[id] = rec;
    return 0;
}

static int assign(struct sys *sys, const struct wire_message *m, struct answer *answer)
{
    struct lp *lp = objects_find_lp(sys, &m->where, "lpar_name", answer);
    u32 id;
    if (!lp || find(sys, &m->values, "shared_proc_pool_name", &id, answer))
        return -1;
    if (!lp->current || !rec_is(lp->current, "proc_mode", "shared"))
        return refuse(answer, "HSCL0622", "The partition %s has no shared processors%s.", lp_name(lp),
                      lp->current ? "" : ", for it was never activated; change its profile");
    if (!pool_usable(sys, id))
        return refuse(answer, "HSCL0622", "The pool %s has no maximum yet; set max_pool_proc_units first.",
                      pool_name(sys, id));
    u64 left = pool_left(sys, id, lp);
    if (lp_active(lp) && lp->run_units > left)
        return refuse(answer, "HSCL0622",
                      "The partition %s has %llu.%02llu processing units, and the pool %s has room for %llu.%02llu.",
                      lp_name(lp), (unsigned long long)lp->run_units / 100, (unsigned long long)lp->run_units % 100,
                      pool_name(sys, id), (unsigned long long)left / 100, (unsigned long long)left % 100);
    struct rec *rec = rec_copy(lp->current);
    int failed = rec && rec_set_num(rec, "shared_proc_pool_id", id)
                     ? 0
                     : refuse(answer, "HSCL3205", "The hypervisor has no memory for it. Nothing was changed.");
    if (!failed &&
        (store_begin(sys->store) || store_save(sys->store, STORE_CURRENT, lp->id, rec) || store_commit(sys->store)))
        failed = refuse_store(answer, sys);
    if (failed) {
        rec_free(rec);
        return failed;
    }
    rec_free(lp->current);
    lp->current = rec;
    processors_changed(lp);
    return 0;
}

int pools_change(struct sys *sys, const struct wire_message *m, struct answer *answer)
{
    return wire_get(&m->where, "lpar_name") || wire_get(&m->where, "lpar_id") ? assign(sys, m, answer)
                                                                              : change_pool(sys, m, answer);
}
