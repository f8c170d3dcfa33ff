// SPDX-License-Identifier: Apache-2.0
#include "cli/snapshot.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "proto/hyper/attr.h"
#include "proto/hyper/place.h"

struct taking {
    struct snapshot *s;
    bool failed;
};

static void copy(char *to, size_t size, const struct wire_record *row, const char *name)
{
    const char *text = wire_text(row, name);
    snprintf(to, size, "%s", text ? text : "");
}

static void take_system(void *arg, const struct wire_record *row)
{
    struct taking *t = arg;
    copy(t->s->name, sizeof(t->s->name), row, "name");
    copy(t->s->state, sizeof(t->s->state), row, "state");
    copy(t->s->type_model, sizeof(t->s->type_model), row, "type_model");
    copy(t->s->serial, sizeof(t->s->serial), row, "serial_num");
}

static void take_util_system(void *arg, const struct wire_record *row)
{
    struct snapshot *s = ((struct taking *)arg)->s;
    s->cycles_hz = wire_num(row, "proc_cycles_per_second", 1);
    s->time = wire_num(row, "time_cycles", 0);
    s->units = wire_num(row, "configurable_sys_proc_units", 0);
    s->units_available = wire_num(row, "curr_avail_sys_proc_units", 0);
    s->mem = wire_num(row, "configurable_sys_mem", 0);
    s->mem_available = wire_num(row, "curr_avail_sys_mem", 0);
    s->mem_firmware = wire_num(row, "sys_firmware_mem", 0);
}

static void take_util_pool(void *arg, const struct wire_record *row)
{
    struct snapshot *s = ((struct taking *)arg)->s;
    s->pool_units = wire_num(row, "configurable_pool_proc_units", 0);
    s->pool_total = wire_num(row, "total_pool_cycles", 0);
    s->pool_used = wire_num(row, "utilized_pool_cycles", 0);
}

// One more in a list. NULL: no memory.
static void *grow(struct taking *t, void *list, u32 *len, size_t size)
{
    void *more = realloc(list, (*len + 1) * size);
    t->failed |= !more;
    *len += more != NULL;
    return more;
}

static void take_procpool(void *arg, const struct wire_record *row)
{
    struct taking *t = arg;
    struct snapshot_pool *more = grow(t, t->s->pools, &t->s->pools_len, sizeof(*more));
    if (!more)
        return;
    t->s->pools = more;
    struct snapshot_pool *p = &more[t->s->pools_len - 1];
    *p = (struct snapshot_pool){.id = (u32)wire_num(row, "shared_proc_pool_id", 0),
                                .total = wire_num(row, "total_pool_cycles", 0),
                                .used = wire_num(row, "utilized_pool_cycles", 0)};
    copy(p->name, sizeof(p->name), row, "shared_proc_pool_name");
}

static void take_lpar(void *arg, const struct wire_record *row)
{
    struct taking *t = arg;
    struct snapshot_lpar *more = grow(t, t->s->lpars, &t->s->lpars_len, sizeof(*more));
    if (!more)
        return;
    t->s->lpars = more;
    struct snapshot_lpar *l = &more[t->s->lpars_len - 1];
    *l = (struct snapshot_lpar){.id = (u32)wire_num(row, "lpar_id", 0)};
    copy(l->name, sizeof(l->name), row, "name");
    copy(l->state, sizeof(l->state), row, "state");
}

static void take_util_lpar(void *arg, const struct wire_record *row)
{
    struct taking *t = arg;
    const char *mode = wire_text(row, "curr_proc_mode"), *sharing = wire_text(row, "curr_sharing_mode");
    struct snapshot_lpar *l = NULL;
    for (u32 i = 0; i < t->s->lpars_len; i++)
        if (t->s->lpars[i].id == wire_num(row, "lpar_id", 0))
            l = &t->s->lpars[i];
    if (!l) // made between two questions: the next snapshot has it
        return;
    l->configured = true;
    l->shared = mode && strcmp(mode, "shared") == 0;
    l->capped = sharing && strcmp(sharing, "cap") == 0;
    copy(l->state, sizeof(l->state), row, "state");
    copy(l->refcode, sizeof(l->refcode), row, "refcode");
    copy(l->sharing_mode, sizeof(l->sharing_mode), row, "curr_sharing_mode");
    l->procs = wire_num(row, "curr_procs", 0);
    l->units = l->shared ? wire_num(row, "curr_proc_units", 0) : l->procs * 100;
    l->mem = wire_num(row, "curr_mem", 0);
    l->uptime = wire_num(row, "uptime", 0);
    l->weight = wire_num(row, "curr_uncap_weight", 0);
    l->pool = wire_num(row, "curr_shared_proc_pool_id", 0);
    l->entitled = wire_num(row, "entitled_cycles", 0);
    l->used_capped = wire_num(row, "capped_cycles", 0);
    l->used_uncapped = wire_num(row, "uncapped_cycles", 0);
    l->donated = wire_num(row, "donated_cycles", 0);
    l->idle = wire_num(row, "idle_cycles", 0);
    l->wait = wire_num(row, "dispatch_wait_cycles", 0);
}

static int ask(struct link *link, enum object object, void (*row)(void *arg, const struct wire_record *row),
               struct taking *t)
{
    static struct wire_message m; // large
    int fds[WIRE_FDS_MAX], got;
    m = (struct wire_message){.type = MESSAGE_LIST, .serial = 1, .object = (u8)object};
    wire_put_num(&m.values, "live", 1);
    int err = link_send_all(link, &m, NULL, 0);
    if (err)
        return err;
    while ((got = link_wait(link, &m, fds)) > 0 && m.type == MESSAGE_ROW)
        row(t, &m.values);
    return got < 0 ? got : got && m.type == MESSAGE_DONE && !wire_num(&m.values, "status", 1) ? 0 : -EIO;
}

int snapshot_take(struct link *link, struct snapshot *s)
{
    struct taking t = {.s = s};
    *s = (struct snapshot){.cycles_hz = 1};
    static const struct {
        enum object object;
        void (*take)(void *arg, const struct wire_record *row);
    } kinds[] = {
        // Partitions first: the accounts are looked at when utilisation is asked for, one after the other.
        {OBJECT_SYS, take_system},
        {OBJECT_LPAR, take_lpar},
        {OBJECT_UTIL_SYS, take_util_system},
        {OBJECT_UTIL_POOL, take_util_pool},
        {OBJECT_UTIL_PROCPOOL, take_procpool},
        {OBJECT_UTIL_LPAR, take_util_lpar},
    };
    int err = 0;
    for (unsigned i = 0; i < ARRAY_LEN(kinds) && !err; i++)
        err = ask(link, kinds[i].object, kinds[i].take, &t);
    return t.failed ? -ENOMEM : err;
}

int snapshot_open(const char *folder, struct snapshot *s)
{
    struct link link;
    *s = (struct snapshot){.cycles_hz = 1};
    int err = place_open(folder, &link);
    if (err)
        return err;
    link.patience_ms = PLACE_PATIENCE_MS;
    err = snapshot_take(&link, s);
    link_fini(&link);
    return err;
}

void snapshot_free(struct snapshot *s)
{
    free(s->pools);
    free(s->lpars);
    *s = (struct snapshot){.cycles_hz = 1};
}

const struct snapshot_lpar *snapshot_lpar(const struct snapshot *s, u32 id)
{
    for (u32 i = 0; i < s->lpars_len; i++)
        if (s->lpars[i].id == id)
            return &s->lpars[i];
    return NULL;
}

static double passed(u64 before, u64 now)
{
    return now > before ? (double)(now - before) : 0;
}

static double over(double what, double of)
{
    return of > 0 ? what / of : 0;
}

struct rates snapshot_rates(const struct snapshot *before, const struct snapshot *now, const struct snapshot_lpar *l)
{
    const struct snapshot_lpar *b = before ? snapshot_lpar(before, l->id) : NULL;
    if (!b || !l->configured || !b->configured)
        return (struct rates){0};
    double used = passed(b->used_capped, l->used_capped) + passed(b->used_uncapped, l->used_uncapped),
           time = passed(before->time, now->time);
    return (struct rates){.physical = over(used, time),
                          .entitled = 100 * over(used, passed(b->entitled, l->entitled)),
                          .busy = MIN(100 * over(used, time * (double)l->procs), 100.0),
                          .wait = 100 * over(passed(b->wait, l->wait), time)};
}

double snapshot_pool_used(const struct snapshot *before, const struct snapshot *now, const struct snapshot_pool *pool)
{
    for (u32 i = 0; before && i < before->pools_len; i++)
        if (before->pools[i].id == pool->id)
            return over(passed(before->pools[i].used, pool->used), passed(before->time, now->time));
    return 0;
}

double snapshot_shared_used(const struct snapshot *before, const struct snapshot *now)
{
    return before ? over(passed(before->pool_used, now->pool_used), passed(before->time, now->time)) : 0;
}

double snapshot_dedicated_used(const struct snapshot *before, const struct snapshot *now)
{
    double sum = 0;
    for (u32 i = 0; i < now->lpars_len; i++)
        if (!now->lpars[i].shared)
            sum += snapshot_rates(before, now, &now->lpars[i]).physical;
    return sum;
}
