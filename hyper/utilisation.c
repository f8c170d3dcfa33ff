// SPDX-License-Identifier: Apache-2.0
#include "hyper/utilisation.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "hyper/guard.h"
#include "hyper/pools.h"
#include "hyper/samples.h"
#include "hyper/usage.h"

#define ROWS_MAX    500u // in one answer
#define THIN_EVERY  (30 * 60)
#define RETRY_AFTER 60

static u64 rate_of(const struct sys *sys)
{
    return strtoull(rec_text(sys->rec, "sample_rate"), NULL, 10);
}

static void fill_sys(const struct sys *sys, struct rec *r)
{
    struct usage u = usage_of(sys);
    rec_set_text(r, "state", sys_state_name(sys));
    rec_set_num(r, "configurable_sys_proc_units", u.units);
    rec_set_num(r, "configurable_sys_mem", u.mem);
    rec_set_num(r, "curr_avail_sys_proc_units", u.units_available);
    rec_set_num(r, "curr_avail_sys_mem", u.mem_available);
    rec_set_num(r, "sys_firmware_mem", u.mem_firmware);
    rec_set_num(r, "proc_cycles_per_second", ACCOUNT_CYCLES_HZ);
    rec_set_num(r, "time_cycles", account_cycles(sys->account.time));
}

static void fill_pool(const struct sys *sys, struct rec *r)
{
    struct usage u = usage_of(sys);
    rec_set_num(r, "time_cycles", account_cycles(sys->account.time));
    rec_set_num(r, "curr_avail_pool_proc_units", u.units_available);
    rec_set_num(r, "configurable_pool_proc_units", u.units_pool);
    rec_set_num(r, "borrowed_pool_proc_units", u.units_lent);
    rec_set_num(r, "total_pool_cycles", account_cycles(sys->account.pool_total));
    rec_set_num(r, "utilized_pool_cycles", account_cycles(sys->account.pool_used));
}

static void fill_procpool(const struct sys *sys, u32 id, struct rec *r)
{
    rec_set_num(r, "shared_proc_pool_id", id);
    rec_set_text(r, "shared_proc_pool_name", pool_name(sys, id));
    rec_set_num(r, "time_cycles", account_cycles(sys->account.time));
    rec_set_num(r, "total_pool_cycles", account_cycles(sys->account.pools[id].total));
    rec_set_num(r, "utilized_pool_cycles", account_cycles(sys->account.pools[id].used));
}

static void fill_lpar(const struct sys *sys, const struct lp *lp, struct rec *r)
{
    const struct account *a = &lp->account;
    const struct rec *c = lp->current;
    bool active = lp_active(lp), shared = rec_is(c, "proc_mode", "shared");
    rec_set_num(r, "time_cycles", account_cycles(sys->account.time));
    rec_set_text(r, "lpar_name", lp_name(lp));
    rec_set_num(r, "lpar_id", lp->id);
    rec_set_text(r, "lpar_uuid", rec_text(lp->rec, "uuid"));
    rec_set_num(r, "uptime", active ? (u64)MAX((s64)time(NULL) - lp->started, 0) : 0);
    rec_set_text(r, "curr_proc_mode", rec_text(c, "proc_mode"));
    rec_set_num(r, "curr_procs", active ? lp->run_procs : rec_num(c, "desired_procs"));
    rec_set_text(r, "curr_sharing_mode", rec_text(c, "sharing_mode"));
    if (shared) {
        u32 pool = (u32)rec_num(c, "shared_proc_pool_id");
        rec_set_num(r, "curr_proc_units", active ? lp->run_units : rec_num(c, "desired_proc_units"));
        rec_set_num(r, "curr_uncap_weight", rec_is(c, "sharing_mode", "uncap") ? rec_num(c, "uncap_weight") : 0);
        rec_set_num(r, "curr_shared_proc_pool_id", pool);
        rec_set_text(r, "curr_shared_proc_pool_name", pool_name(sys, pool));
    }
    rec_set_text(r, "mem_mode", rec_text(c, "mem_mode"));
    rec_set_num(r, "curr_mem", active ? lp->run_mem : rec_num(c, "desired_mem"));
    rec_set_num(r, "entitled_cycles", account_cycles(a->entitled));
    rec_set_num(r, "capped_cycles", account_cycles(a->capped));
    rec_set_num(r, "uncapped_cycles", account_cycles(a->uncapped));
    rec_set_num(r, "shared_cycles_while_active", account_cycles(a->donated));
    rec_set_num(r, "donated_cycles", account_cycles(a->donated));
    rec_set_num(r, "idle_cycles", account_cycles(a->idle));
    rec_set_text(r, "state", lp_state_name(lp));
    rec_set_num(r, "dispatch_wait_cycles", account_cycles(a->wait));
    rec_set_num(r, "clock_ns", usage_clock(lp));
}

// How things stand: a record for each object of the kind. `each` returns non-zero to stop.
static int each_now(const struct sys *sys, enum object object,
                    int (*each)(void *arg, const struct lp *lp, struct rec *r), void *arg)
{
    u32 len = object == OBJECT_UTIL_LPAR ? sys->lps_len : object == OBJECT_UTIL_PROCPOOL ? SYS_POOLS : 1;
    int err = 0;
    for (u32 i = 0; i < len && !err; i++) {
        const struct lp *lp = object == OBJECT_UTIL_LPAR ? sys->lps[i] : NULL;
        if ((lp && !lp->current) || (object == OBJECT_UTIL_PROCPOOL && !pool_usable(sys, i)))
            continue; // never activated; no such pool
        struct rec *r = rec_new(object);
        if (!r)
            return -ENOMEM;
        switch (object) {
        case OBJECT_UTIL_SYS: fill_sys(sys, r); break;
        case OBJECT_UTIL_POOL: fill_pool(sys, r); break;
        case OBJECT_UTIL_PROCPOOL: fill_procpool(sys, i, r); break;
        default: fill_lpar(sys, lp, r); break;
        }
        err = each(arg, lp, r);
        rec_free(r);
    }
    return err;
}

struct taking {
    struct sys *sys;
    s64 time;
    enum samples_tier tier;
};

static int take_one(void *arg, const struct lp *lp, struct rec *r)
{
    struct taking *t = arg;
    return samples_add(t->sys->samples, t->time, t->tier, r);
}

static void take_sample(struct sys *sys, s64 now)
{
    static const enum object objects[] = {OBJECT_UTIL_SYS, OBJECT_UTIL_POOL, OBJECT_UTIL_PROCPOOL, OBJECT_UTIL_LPAR};
    struct taking t = {sys, now, samples_tier(sys->sampled, now)};
    account_update(sys, clock_ns(), true);
    int err = samples_begin(sys->samples);
    for (unsigned i = 0; i < ARRAY_LEN(objects) && !err; i++)
        err = each_now(sys, objects[i], take_one, &t);
    if (err)
        samples_rollback(sys->samples);
    else
        err = samples_commit(sys->samples);
    if (!err && sys->sampled / THIN_EVERY != now / THIN_EVERY)
        err = samples_thin(sys->samples, now, SAMPLES_ROWS_MAX);
    if (err)
        fprintf(stderr, "openlpard: a sample of utilisation could not be kept: %s\n", samples_error(sys->samples));
    sys->sampled = now;
}

// Rows between samples: something changed. The accounts up to then are in them.
static void take_event(struct sys *sys, const struct lp *lp, const char *type)
{
    struct rec *r = rec_new(lp ? OBJECT_UTIL_LPAR : OBJECT_UTIL_SYS);
    if (!r)
        return;
    if (lp)
        fill_lpar(sys, lp, r);
    else
        fill_sys(sys, r);
    rec_set_text(r, "event_type", type);
    int err = samples_begin(sys->samples);
    if (!err)
        err = samples_add(sys->samples, (s64)time(NULL), TIER_SAMPLED, r);
    if (err)
        samples_rollback(sys->samples);
    else
        err = samples_commit(sys->samples);
    if (err)
        fprintf(stderr, "openlpard: an event of utilisation could not be kept: %s\n", samples_error(sys->samples));
    rec_free(r);
}

// What events are about. A configuration is replaced, not changed.
static struct util_seen seen_of(const struct lp *lp)
{
    return (struct util_seen){.known = true,
                              .config = lp->current,
                              .state = lp_state_name(lp),
                              .procs = lp->run_procs,
                              .units = lp->run_units,
                              .mem = lp->run_mem};
}

static void look_for_events(struct sys *sys)
{
    struct util_seen now = {.known = true, .state = sys_state_name(sys), .procs = guard_usable(sys)};
    struct util_seen before = sys->seen;
    sys->seen = now;
    if (before.known && before.state != now.state)
        take_event(sys, NULL, "state_change");
    if (before.known && before.procs != now.procs)
        take_event(sys, NULL, "config_change");
    for (u32 i = 0; i < sys->lps_len; i++) {
        struct lp *lp = sys->lps[i];
        before = lp->seen;
        now = lp->seen = seen_of(lp);
        if (!before.known || !lp->current)
            continue;
        if (before.state != now.state)
            take_event(sys, lp, "state_change");
        else if (before.config != now.config || before.procs != now.procs || before.units != now.units ||
                 before.mem != now.mem)
            take_event(sys, lp, "config_change");
    }
}

// What a killed daemon had counted up to its last sample. The time since then is accounted with the entitlements of that sample.
struct resuming {
    struct sys *sys;
    s64 last;
    bool gap;
};

static int resume_sys(void *arg, s64 number, s64 when, struct rec *r)
{
    struct resuming *resuming = arg;
    s64 passed = (s64)time(NULL) - when;
    resuming->last = when;
    resuming->sys->account.time = account_ns(rec_num(r, "time_cycles"));
    resuming->sys->account.at = clock_ns();
    if (resuming->gap && passed > 0)
        resuming->sys->account.at -= MIN(passed, 86400 * 366) * 1000000000;
    return 1;
}

static int resume_pool(void *arg, s64 number, s64 when, struct rec *r)
{
    struct resuming *resuming = arg;
    resuming->sys->account.pool_total = account_ns(rec_num(r, "total_pool_cycles"));
    resuming->sys->account.pool_used = account_ns(rec_num(r, "utilized_pool_cycles"));
    return 1;
}

static int resume_procpool(void *arg, s64 number, s64 when, struct rec *r)
{
    struct resuming *resuming = arg;
    u64 id = rec_num(r, "shared_proc_pool_id");
    if (id < SYS_POOLS) {
        resuming->sys->account.pools[id].total = account_ns(rec_num(r, "total_pool_cycles"));
        resuming->sys->account.pools[id].used = account_ns(rec_num(r, "utilized_pool_cycles"));
    }
    return 0;
}

static int resume_lpar(void *arg, s64 number, s64 when, struct rec *r)
{
    struct resuming *resuming = arg;
    struct lp *lp = sys_lp(resuming->sys, rec_num(r, "lpar_id"));
    if (!lp || strcmp(rec_text(lp->rec, "uuid"), rec_text(r, "lpar_uuid")))
        return 0; // removed since
    struct account *a = &lp->account;
    const char *mode = rec_text(r, "curr_sharing_mode");
    a->entitled = account_ns(rec_num(r, "entitled_cycles"));
    a->capped = account_ns(rec_num(r, "capped_cycles"));
    a->uncapped = account_ns(rec_num(r, "uncapped_cycles"));
    a->donated = account_ns(rec_num(r, "donated_cycles"));
    a->idle = account_ns(rec_num(r, "idle_cycles"));
    a->wait = account_ns(rec_num(r, "dispatch_wait_cycles"));
    a->seen = (struct usage_time){.source = USAGE_CLOCK, .used = rec_num(r, "clock_ns")};
    if (!resuming->gap || !rec_num(lp->rec, "activated"))
        return 0;
    a->shape = (struct account_shape){
        .active = true,
        .shared = rec_is(r, "curr_proc_mode", "shared"),
        .capped = strcmp(mode, "uncap") != 0,
        .donates = strcmp(mode, "share_idle_procs_active") == 0 || strcmp(mode, "share_idle_procs_always") == 0,
        .units = rec_is(r, "curr_proc_mode", "shared") ? rec_num(r, "curr_proc_units") : rec_num(r, "curr_procs") * 100,
        .pool = (u32)MIN(rec_num(r, "curr_shared_proc_pool_id"), SYS_POOLS - 1),
    };
    return 0;
}

static void resume(struct sys *sys, bool killed)
{
    static struct wire_record sample; // large; one thread
    struct resuming r = {.sys = sys, .gap = killed};
    struct samples_query q = {.until = INT64_MAX, .max = 1, .where = &sample};
    sample.len = 0;
    wire_put_text(&sample, "event_type", "sample");
    samples_each(sys->samples, OBJECT_UTIL_SYS, &q, resume_sys, &r);
    if (!r.last)
        return;
    sys->sampled = r.last;
    samples_each(sys->samples, OBJECT_UTIL_POOL, &q, resume_pool, &r);
    q.since = q.until = r.last;
    q.max = LPARS_MAX;
    samples_each(sys->samples, OBJECT_UTIL_PROCPOOL, &q, resume_procpool, &r);
    samples_each(sys->samples, OBJECT_UTIL_LPAR, &q, resume_lpar, &r);
}

void util_begin(struct sys *sys, bool killed)
{
    char path[sizeof(sys->path) + 16], why[1200];
    snprintf(path, sizeof(path), "%s/usage.db", sys->path);
    sys->samples = samples_open(path, why, sizeof(why));
    if (sys->samples)
        resume(sys, killed);
    else
        fprintf(stderr, "openlpard: samples of utilisation cannot be kept: %s\n", why);
    account_update(sys, clock_ns(), true);
}

int util_tick(struct sys *sys)
{
    s64 rate = (s64)rate_of(sys), now = (s64)time(NULL);
    account_update(sys, clock_ns(), false);
    if (sys->samples)
        look_for_events(sys);
    if (!rate || !sys->samples)
        return -1;
    // The first one is taken at once, the others when the clock shows a multiple of the rate. A clock that was set back starts anew.
    if (!sys->sampled || now / rate != sys->sampled / rate)
        take_sample(sys, now);
    return (int)MIN((now / rate + 1) * rate - now, RETRY_AFTER) * 1000;
}

void util_end(struct sys *sys)
{
    if (sys->samples && rate_of(sys))
        take_sample(sys, (s64)time(NULL));
    samples_close(sys->samples);
    sys->samples = NULL;
}

static void time_text(s64 seconds, char text[32])
{
    time_t t = (time_t)seconds;
    struct tm tm;
    localtime_r(&t, &tm);
    strftime(text, 32, "%m/%d/%Y %H:%M:%S", &tm);
}

struct giving {
    struct sys *sys;
    const struct wire_record *where; // of what is not in the database
    void (*give)(void *arg, const struct wire_record *values);
    void *arg;
};

static void give_rec(struct giving *g, s64 number, s64 when, struct rec *r)
{
    static struct wire_record row; // large; one thread
    char text[32];
    row.len = 0;
    time_text(when, text);
    rec_set_text(r, "time", text);
    rec_set_text(r, "sys_time", text);
    for (u32 i = 0; i < r->len; i++)
        if (r->v[i].kind != WIRE_NULL)
            wire_put(&row, r->attrs[i].name, r->v[i]);
    if (number)
        wire_put_num(&row, "number", (u64)number);
    g->give(g->arg, &row);
}

static int give_sample(void *arg, s64 number, s64 when, struct rec *r)
{
    give_rec(arg, number, when, r);
    return 0;
}

static bool wanted(const struct wire_record *where, const struct rec *r)
{
    for (u32 i = 0; i < where->len; i++) {
        const struct wire_value *have = rec_get(r, where->pairs[i].name);
        bool any = false;
        for (u32 j = 0; j < where->len; j++) {
            const struct wire_value *v = &where->pairs[j].value;
            any |= strcmp(where->pairs[j].name, where->pairs[i].name) == 0 && v->kind == have->kind &&
                   (v->kind == WIRE_NUM ? v->num == have->num : v->text && have->text && !strcmp(v->text, have->text));
        }
        if (!any)
            return false;
    }
    return true;
}

static int give_live(void *arg, const struct lp *lp, struct rec *r)
{
    struct giving *g = arg;
    if (lp)
        rec_set_text(r, "refcode", lp->refcode);
    if (wanted(g->where, r))
        give_rec(g, 0, (s64)time(NULL), r);
    return 0;
}

static int list_config(struct sys *sys, struct giving *g)
{
    static struct wire_record row; // large; one thread
    char serial[64];
    row.len = 0;
    snprintf(serial, sizeof(serial), "%s*%s", rec_text(sys->rec, "type_model"), rec_text(sys->rec, "serial_num"));
    wire_put_text(&row, "type_model_serial_num", serial);
    wire_put_text(&row, "name", rec_text(sys->rec, "name"));
    wire_put_text(&row, "sample_rate", rec_text(sys->rec, "sample_rate"));
    g->give(g->arg, &row);
    return 0;
}

int util_list(struct sys *sys, const struct wire_message *m, void (*give)(void *arg, const struct wire_record *values),
              void *arg, struct answer *answer)
{
    struct giving g = {sys, &m->where, give, arg};
    int err;
    if (m->object == OBJECT_UTIL_CONFIG)
        return list_config(sys, &g);
    if (wire_num(&m->values, "live", 0)) {
        account_update(sys, clock_ns(), true);
        err = each_now(sys, m->object, give_live, &g);
        return err ? refuse(answer, "HSCL3205", "The hypervisor has no memory for it.") : 0;
    }
    if (!sys->samples)
        return refuse(answer, "HSCL0622", "The managed system %s keeps no samples; its log says why.",
                      rec_text(sys->rec, "name"));
    struct samples_query q = {.since = (s64)MIN(wire_num(&m->values, "since", 0), (u64)INT64_MAX),
                              .until = (s64)MIN(wire_num(&m->values, "until", INT64_MAX), (u64)INT64_MAX),
                              .before = (s64)MIN(wire_num(&m->values, "before", 0), (u64)INT64_MAX),
                              .tier = (enum samples_tier)MIN(wire_num(&m->values, "tier", 0), TIERS - 1),
                              .max = (u32)MIN(wire_num(&m->values, "max", ROWS_MAX), ROWS_MAX),
                              .where = &m->where};
    err = samples_each(sys->samples, m->object, &q, give_sample, &g);
    if (err == -EINVAL)
        return refuse_parameter(answer, "--filter", "these samples cannot be chosen so");
    return err ? refuse(answer, "HSCL3205", "The samples could not be read: %s.", samples_error(sys->samples)) : 0;
}

int util_change(struct sys *sys, const struct wire_message *m, struct answer *answer)
{
    const struct wire_value *rate = wire_get(&m->values, "sample_rate");
    const struct attr *attr = attr_find(OBJECT_SYS, "sample_rate");
    char why[300];
    if (!rate || m->values.len != 1)
        return refuse_parameter(answer, "-s", "the sampling rate is missing");
    if (attr_check(attr, rate, why, sizeof(why)))
        return refuse_parameter(answer, "-s", "%s", why);
    struct rec *rec = rec_copy(sys->rec);
    if (rec && !rec_set(rec, "sample_rate", *rate)) {
        rec_free(rec);
        rec = NULL;
    }
    return sys_replace(sys, rec, answer);
}
