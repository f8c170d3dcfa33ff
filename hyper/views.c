// SPDX-License-Identifier: Apache-2.0
#include "hyper/views.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#include "base/clock.h"
#include "hyper/counters.h"
#include "hyper/guard.h"
#include "hyper/objects.h"
#include "hyper/pools.h"
#include "hyper/service.h"
#include "hyper/usage.h"
#include "hyper/utilisation.h"
#include "hyper/vio.h"

// A row in the making: every attribute of the object, with its first value or what code puts there. Texts are in the arena.
struct row {
    struct wire_record values;
    size_t used;
    char arena[16 * KIB];
};

struct listing {
    struct sys *sys;
    const struct wire_record *where;
    void (*give)(void *arg, const struct wire_record *values);
    void *arg;
    struct row row;
    u64 number; // of the row
};

static const char *keep(struct row *row, const char *text)
{
    size_t size = strlen(text) + 1;
    if (size > sizeof(row->arena) - row->used)
        return "";
    char *to = row->arena + row->used;
    memcpy(to, text, size);
    row->used += size;
    return to;
}

static void put(struct row *row, const char *name, struct wire_value v)
{
    for (u32 i = 0; i < row->values.len; i++)
        if (strcmp(row->values.pairs[i].name, name) == 0)
            row->values.pairs[i].value = v;
}

static void put_num(struct row *row, const char *name, u64 num)
{
    put(row, name, (struct wire_value){.kind = WIRE_NUM, .num = num});
}

static void put_text(struct row *row, const char *name, const char *text)
{
    put(row, name, (struct wire_value){.kind = WIRE_TEXT, .text = keep(row, text)});
}

static void drop(struct row *row, const char *name)
{
    for (u32 i = 0; i < row->values.len; i++)
        if (strcmp(row->values.pairs[i].name, name) == 0) {
            row->values.len--;
            memmove(&row->values.pairs[i], &row->values.pairs[i + 1],
                    (row->values.len - i) * sizeof(row->values.pairs[0]));
            return;
        }
}

// What is only ever given to a command is no attribute of the object.
static bool readable(const struct attr *attr)
{
    return attr->flags != ATTR_MAKE && attr->flags != ATTR_CHANGE;
}

static void start(struct row *row, enum object object)
{
    u32 len;
    const struct attr *attrs = attr_list(object, &len);
    row->values.len = 0;
    row->used = 0;
    for (u32 i = 0; i < len; i++) {
        struct wire_value v = {.kind = WIRE_NULL};
        char why[8];
        if (attrs[i].initial)
            attr_parse(&attrs[i], attrs[i].initial, &v, why, sizeof(why));
        if (readable(&attrs[i]))
            wire_put(&row->values, attrs[i].name, v);
    }
}

static void start_rec(struct row *row, const struct rec *rec)
{
    row->values.len = 0;
    row->used = 0;
    for (u32 i = 0; i < rec->len; i++)
        if (readable(&rec->attrs[i]))
            wire_put(&row->values, rec->attrs[i].name, rec->v[i]);
}

static bool equal(const struct wire_value *a, const struct wire_value *b)
{
    return a->kind == WIRE_NUM ? b->kind == WIRE_NUM && a->num == b->num
                               : a->text && b->text && strcmp(a->text, b->text) == 0;
}

bool views_match(const struct wire_record *where, const struct wire_record *values)
{
    for (u32 i = 0; i < where->len; i++) {
        const struct wire_value *have = wire_get(values, where->pairs[i].name);
        bool any = false;
        for (u32 j = 0; have && j < where->len; j++)
            any |= strcmp(where->pairs[j].name, where->pairs[i].name) == 0 && equal(have, &where->pairs[j].value);
        if (!any)
            return false;
    }
    return true;
}

static void finish(struct listing *l)
{
    if (views_match(l->where, &l->row.values))
        l->give(l->arg, &l->row.values);
}

static void time_text(s64 seconds, char text[32])
{
    time_t t = (time_t)seconds;
    struct tm tm;
    localtime_r(&t, &tm);
    strftime(text, 32, "%m/%d/%Y %H:%M:%S", &tm);
}

u64 lp_cpu_ms(const struct lp *lp)
{
    return usage_clock(lp) / 1000000;
}

static void list_sys(struct listing *l)
{
    static char procs[WIRE_TEXT_MAX]; // borrowed by the row; one thread
    char text[32];
    start_rec(&l->row, l->sys->rec);
    time_text((s64)time(NULL), text);
    put_text(&l->row, "sys_time", text);
    put_text(&l->row, "state", sys_state_name(l->sys));
    put_num(&l->row, "mfg_default_config", l->sys->lps_len == 0);
    guard_list(l->sys, procs, sizeof(procs));
    put(&l->row, "guarded_procs", (struct wire_value){.kind = WIRE_LIST, .text = procs});
    finish(l);
}

static void list_lpar(struct listing *l)
{
    for (u32 i = 0; i < l->sys->lps_len; i++) {
        const struct lp *lp = l->sys->lps[i];
        char serial[32];
        start_rec(&l->row, lp->rec);
        snprintf(serial, sizeof(serial), "%s%X", rec_text(l->sys->rec, "serial_num"), lp->id);
        put_text(&l->row, "logical_serial_num", serial);
        put_text(&l->row, "state", lp_state_name(lp));
        put_num(&l->row, "resource_config", lp->current != NULL);
        put_num(&l->row, "cpu_time_ms", lp_cpu_ms(lp));
        if (lp->state == LP_RUNNING || lp->state == LP_STOPPING)
            put_text(&l->row, "rmc_state",
                     lp->dynamic || (vio_is_server(lp) && lp->state == LP_RUNNING) ? "active" : "inactive");
        if (lp->activation_us)
            put_num(&l->row, "activation_us", lp->activation_us);
        if (lp->activation_us)
            put_num(&l->row, "activation_cpu_us", lp->activation_cpu_us);
        if (lp->pid)
            put_num(&l->row, "pid", (u64)lp->pid);
        if (lp_active(lp))
            put_num(&l->row, "uptime", (u64)MAX((s64)time(NULL) - lp->started, 0));
        finish(l);
    }
}

static void list_prof(struct listing *l)
{
    for (u32 i = 0; i < l->sys->lps_len; i++) {
        const struct lp *lp = l->sys->lps[i];
        for (u32 j = 0; j < lp->profiles_len; j++) {
            struct row *row = &l->row;
            const struct rec *rec = lp->profiles[j].rec;
            start_rec(row, rec);
            put_text(row, "lpar_name", lp_name(lp));
            put_num(row, "lpar_id", lp->id);
            put_text(row, "lpar_env", rec_text(lp->rec, "lpar_env"));
            put_text(row, "shared_proc_pool_name", pool_name(l->sys, (u32)rec_num(rec, "shared_proc_pool_id")));
            if (!rec_is(rec, "proc_mode", "shared")) {
                static const char *const shared_only[] = {"min_proc_units",      "desired_proc_units",
                                                          "max_proc_units",      "uncap_weight",
                                                          "shared_proc_pool_id", "shared_proc_pool_name"};
                for (unsigned k = 0; k < ARRAY_LEN(shared_only); k++)
                    drop(row, shared_only[k]);
            } else if (!rec_is(rec, "sharing_mode", "uncap")) {
                drop(row, "uncap_weight");
            }
            finish(l);
        }
    }
}

static void list_proc_sys(struct listing *l)
{
    struct usage u = usage_of(l->sys);
    u64 installed = rec_num(l->sys->rec, "installed_procs") * 100;
    start(&l->row, OBJECT_PROC_SYS);
    put_num(&l->row, "configurable_sys_proc_units", u.units);
    put_num(&l->row, "curr_avail_sys_proc_units", u.units_available);
    put_num(&l->row, "pend_avail_sys_proc_units", u.units_available);
    put_num(&l->row, "installed_sys_proc_units", installed);
    put_num(&l->row, "used_procs", guard_used(l->sys));
    put_num(&l->row, "deconfig_sys_proc_units", (u64)guard_failed(l->sys) * 100);
    if (l->sys->dispatcher) {
        struct counters_sys c = counters_all(l->sys);
        put_num(&l->row, "elapsed_us", c.elapsed / 1000);
        put_num(&l->row, "run_us", c.ran / 1000);
        put_num(&l->row, "idle_us", (c.room - MIN(c.ran, c.room)) / 1000);
        put_num(&l->row, "lost_us", c.lost / 1000);
        put_num(&l->row, "dispatcher_us", c.own / 1000);
        put_num(&l->row, "dispatches", c.decisions);
        counters_keep(l->sys, clock_ns(), true); // what was said once is true of the next daemon, too
    }
    finish(l);
}

static void list_processor(struct listing *l)
{
    for (u32 i = 0; i < MIN(rec_num(l->sys->rec, "installed_procs"), GUARD_PROCESSORS_MAX); i++) {
        start(&l->row, OBJECT_PROCESSOR);
        put_num(&l->row, "proc_num", i);
        put_text(&l->row, "state", guard_state(l->sys, i));
        finish(l);
    }
}

static void list_proc_pool(struct listing *l)
{
    struct usage u = usage_of(l->sys);
    start(&l->row, OBJECT_PROC_POOL);
    put_num(&l->row, "configurable_pool_proc_units", u.units_pool);
    put_num(&l->row, "curr_avail_pool_proc_units", u.units_available);
    put_num(&l->row, "pend_avail_pool_proc_units", u.units_available);
    finish(l);
}

// `prefix` is curr_ or pend_.
static void put_proc(const struct sys *sys, struct row *row, const struct lp *lp, const char *prefix)
{
    const struct rec *c = lp->current;
    bool active = lp_active(lp), shared = rec_is(c, "proc_mode", "shared");
    char name[48];
#define NAMED(what) (snprintf(name, sizeof(name), "%s_" what, prefix), name)
    put_text(row, NAMED("proc_mode"), rec_text(c, "proc_mode"));
    put_num(row, NAMED("min_procs"), rec_num(c, "min_procs"));
    u64 procs = active ? lp->run_procs : rec_num(c, "desired_procs");
    put_num(row, NAMED("procs"), active && lp->pend_procs && *prefix == 'p' ? lp->pend_procs : procs);
    put_num(row, NAMED("max_procs"), rec_num(c, "max_procs"));
    put_text(row, NAMED("sharing_mode"), rec_text(c, "sharing_mode"));
    put_num(row, NAMED("min_proc_units"), rec_num(c, "min_proc_units"));
    put_num(row, NAMED("proc_units"), active ? lp->run_units : rec_num(c, "desired_proc_units"));
    put_num(row, NAMED("max_proc_units"), rec_num(c, "max_proc_units"));
    put_num(row, NAMED("uncap_weight"), rec_is(c, "sharing_mode", "uncap") ? rec_num(c, "uncap_weight") : 0);
    put_num(row, NAMED("shared_proc_pool_id"), rec_num(c, "shared_proc_pool_id"));
    put_text(row, NAMED("shared_proc_pool_name"), pool_name(sys, (u32)rec_num(c, "shared_proc_pool_id")));
    if (shared)
        return;
    drop(row, NAMED("min_proc_units"));
    drop(row, NAMED("proc_units"));
    drop(row, NAMED("max_proc_units"));
    drop(row, NAMED("uncap_weight"));
    drop(row, NAMED("shared_proc_pool_id"));
    drop(row, NAMED("shared_proc_pool_name"));
#undef NAMED
}

static void put_dispatched(const struct sys *sys, struct row *row, const struct lp *lp)
{
    if (!lp->dispatcher)
        return;
    struct counters_lp c = counters_of(lp);
    put_num(row, "elapsed_us", counters_all(sys).elapsed / 1000);
    put_num(row, "run_us", c.ran / 1000);
    put_num(row, "run_wait_us", c.waited / 1000);
    put_num(row, "run_beyond_us", c.beyond / 1000);
    put_num(row, "run_charged_us", c.charged / 1000);
    put_num(row, "run_dispatches", c.dispatches);
    put_num(row, "run_moves", c.moves);
}

static void list_proc_lpar(struct listing *l)
{
    for (u32 i = 0; i < l->sys->lps_len; i++) {
        const struct lp *lp = l->sys->lps[i];
        struct row *row = &l->row;
        if (!lp->current) // never activated: it has nothing
            continue;
        start(row, OBJECT_PROC_LPAR);
        put_text(row, "lpar_name", lp_name(lp));
        put_num(row, "lpar_id", lp->id);
        put_proc(l->sys, row, lp, "curr");
        put_proc(l->sys, row, lp, "pend");
        put_dispatched(l->sys, row, lp);
        bool shared = rec_is(lp->current, "proc_mode", "shared");
        put_num(row, "run_procs", lp_active(lp) ? lp->run_procs : 0);
        put_num(row, "run_proc_units", lp_active(lp) ? lp->run_units : 0);
        put_num(row, "run_uncap_weight",
                rec_is(lp->current, "sharing_mode", "uncap") ? rec_num(lp->current, "uncap_weight") : 0);
        if (!shared) {
            drop(row, "run_proc_units");
            drop(row, "run_uncap_weight");
        }
        finish(l);
    }
    counters_keep(l->sys, clock_ns(), true);
}

static void list_one_procpool(struct listing *l, u32 id)
{
    static char names[WIRE_TEXT_MAX], ids[WIRE_TEXT_MAX]; // one thread
    size_t names_len = 0, ids_len = 0;
    *names = *ids = 0;
    for (u32 i = 0; i < l->sys->lps_len; i++) {
        const struct lp *lp = l->sys->lps[i];
        if (!lp->current || !rec_is(lp->current, "proc_mode", "shared") || names_len + 64 > sizeof(names) ||
            ids_len + 16 > sizeof(ids) || rec_num(lp->current, "shared_proc_pool_id") != id)
            continue;
        names_len +=
            (size_t)snprintf(names + names_len, sizeof(names) - names_len, "%s%s", names_len ? "," : "", lp_name(lp));
        ids_len += (size_t)snprintf(ids + ids_len, sizeof(ids) - ids_len, "%s%u", ids_len ? "," : "", lp->id);
    }
    start_rec(&l->row, l->sys->pools[id]);
    put(&l->row, "lpar_names", (struct wire_value){.kind = WIRE_LIST, .text = names});
    put(&l->row, "lpar_ids", (struct wire_value){.kind = WIRE_LIST, .text = ids});
    finish(l);
}

static void list_procpool(struct listing *l)
{
    for (u32 i = 0; i < SYS_POOLS; i++)
        if (pool_usable(l->sys, i))
            list_one_procpool(l, i);
}

static void list_mem_sys(struct listing *l)
{
    struct usage u = usage_of(l->sys);
    start(&l->row, OBJECT_MEM_SYS);
    put_num(&l->row, "configurable_sys_mem", u.mem);
    put_num(&l->row, "curr_avail_sys_mem", u.mem_available);
    put_num(&l->row, "pend_avail_sys_mem", u.mem_available);
    put_num(&l->row, "installed_sys_mem", u.mem);
    put_num(&l->row, "sys_firmware_mem", u.mem_firmware);
    put_num(&l->row, "mem_region_size", u.lmb);
    put_num(&l->row, "pend_mem_region_size", u.lmb);
    finish(l);
}

static void list_mem_lpar(struct listing *l)
{
    for (u32 i = 0; i < l->sys->lps_len; i++) {
        const struct lp *lp = l->sys->lps[i];
        const struct rec *c = lp->current;
        struct row *row = &l->row;
        if (!c)
            continue;
        u64 mem = lp_active(lp) ? lp->run_mem : rec_num(c, "desired_mem");
        start(row, OBJECT_MEM_LPAR);
        put_text(row, "lpar_name", lp_name(lp));
        put_num(row, "lpar_id", lp->id);
        put_num(row, "curr_min_mem", rec_num(c, "min_mem"));
        put_num(row, "curr_mem", mem);
        put_num(row, "curr_max_mem", rec_num(c, "max_mem"));
        put_num(row, "pend_min_mem", rec_num(c, "min_mem"));
        put_num(row, "pend_mem", lp_active(lp) && lp->pend_mem ? lp->pend_mem : mem);
        put_num(row, "pend_max_mem", rec_num(c, "max_mem"));
        put_num(row, "run_min_mem", lp_active(lp) ? rec_num(c, "min_mem") : 0);
        put_num(row, "run_mem", lp_active(lp) ? lp->run_mem : 0);
        put_num(row, "curr_min_num_huge_pages", 0);
        put_num(row, "curr_num_huge_pages", 0);
        put_num(row, "curr_max_num_huge_pages", 0);
        put_text(row, "mem_mode", rec_text(c, "mem_mode"));
        put_num(row, "curr_mem_expansion", rec_num(c, "mem_expansion"));
        put_text(row, "curr_hpt_ratio", rec_text(c, "hpt_ratio"));
        finish(l);
    }
}

static void put_event(struct row *row, const struct store_event *e)
{
    char when[32];
    time_text(e->time, when);
    put_text(row, row->values.pairs[0].name[0] == 'e' ? "time" : "time_stamp", when);
    put_text(row, "refcode", e->refcode);
    put_text(row, "text", e->text);
    if (e->lpar_id) {
        put_text(row, "lpar_name", e->lpar_name);
        put_num(row, "lpar_id", e->lpar_id);
    }
}

static int give_refcode(void *arg, const struct store_event *e)
{
    struct listing *l = arg;
    start(&l->row, e->lpar_id ? OBJECT_REFCODE_LPAR : OBJECT_REFCODE_SYS);
    put_num(&l->row, "refcode_num", l->number++);
    put_event(&l->row, e);
    finish(l);
    return 0;
}

static int give_event(void *arg, const struct store_event *e)
{
    struct listing *l = arg;
    start(&l->row, OBJECT_EVENT);
    put_num(&l->row, "event_num", (u64)e->number);
    put_event(&l->row, e);
    finish(l);
    return 0;
}

int views_list(struct sys *sys, const struct wire_message *m, void (*give)(void *arg, const struct wire_record *values),
               void *arg, struct answer *answer)
{
    static struct listing l; // large; one thread
    u32 max = (u32)MIN(wire_num(&m->values, "max", 1), STORE_EVENTS_MAX);
    int err = 0;
    l.sys = sys;
    l.where = &m->where;
    l.give = give;
    l.arg = arg;
    l.number = 0;
    for (u32 i = 0; i < m->where.len; i++)
        if (!attr_find(m->object, m->where.pairs[i].name))
            return refuse_parameter(answer, "--filter", "%s is no attribute to choose by", m->where.pairs[i].name);
    if (m->object >= OBJECT_UTIL_CONFIG && m->object <= OBJECT_UTIL_LPAR)
        return util_list(sys, m, give, arg, answer);
    if (service_lists((enum object)m->object))
        return service_list(sys, m, give, arg, answer);
    switch (m->object) {
    case OBJECT_SYS: list_sys(&l); break;
    case OBJECT_LPAR: list_lpar(&l); break;
    case OBJECT_PROF: list_prof(&l); break;
    case OBJECT_PROC_SYS: list_proc_sys(&l); break;
    case OBJECT_PROC_LPAR: list_proc_lpar(&l); break;
    case OBJECT_PROC_POOL: list_proc_pool(&l); break;
    case OBJECT_PROCPOOL: list_procpool(&l); break;
    case OBJECT_PROCESSOR: list_processor(&l); break;
    case OBJECT_MEM_SYS: list_mem_sys(&l); break;
    case OBJECT_MEM_LPAR: list_mem_lpar(&l); break;
    case OBJECT_REFCODE_LPAR: // of each partition its newest ones
        for (u32 i = 0; i < sys->lps_len && !err; i++) {
            l.number = 0;
            err = store_each_event(sys->store, sys->lps[i]->id, max, give_refcode, &l);
        }
        break;
    case OBJECT_REFCODE_SYS: err = store_each_event(sys->store, 0, max, give_refcode, &l); break;
    case OBJECT_EVENT: err = store_each_event(sys->store, -1, max, give_event, &l); break;
    default: return refuse_parameter(answer, "-r", "there is nothing of that kind to list");
    }
    return err < 0 ? refuse(answer, "HSCL3205", "The event log could not be read: %s.", store_error(sys->store)) : 0;
}
