// SPDX-License-Identifier: Apache-2.0
#include "lpar/resources.h"

#include <string.h>

#include "base/clock.h"

#define LISTEN_MS 300 // how often a starting OS is asked whether it takes events yet

void resources_init(struct resources *r, struct life *life,
                    void (*send)(enum message type, const struct wire_record *values))
{
    *r = (struct resources){.life = life, .send = send};
}

static void look(struct resources *r)
{
    struct partition *lp = &r->life->lp;
    r->procs = drc_owned(lp, DRC_KIND_CPU);
    r->mem = drc_owned(lp, DRC_KIND_LMB) * (lp->config.lmb / MIB);
    r->listens = drc_listens(lp);
}

static void answer(struct resources *r, const char *why)
{
    struct wire_record v = {0};
    u64 unit = r->change.kind == DRC_KIND_LMB ? r->life->lp.config.lmb / MIB : 1;
    wire_put_num(&v, "number", r->change.number);
    wire_put_num(&v, "done", r->change.done * unit);
    wire_put_num(&v, "mem", r->mem);
    wire_put_num(&v, "procs", r->procs);
    wire_put_num(&v, "halved", r->change.halved);
    wire_put_text(&v, "why", why);
    r->send(MESSAGE_DLPAR_DONE, &v);
    r->changing = false;
    r->told_mem = r->mem;
    r->told_procs = r->procs;
}

bool resources_take(struct resources *r, const struct wire_record *v)
{
    const char *resource = wire_text(v, "resource");
    u64 number = wire_num(v, "number", 0), amount = wire_num(v, "amount", 0), seconds = wire_num(v, "seconds", 0);
    if (r->changing || !resource || !amount)
        return false;
    bool mem = strcmp(resource, "mem") == 0, there = life_hold(r->life);
    r->change = (struct dlpar){.number = (u32)number, .kind = mem ? DRC_KIND_LMB : DRC_KIND_CPU};
    r->changing = true;
    if (there) {
        r->starts = r->life->starts;
        u64 unit = mem ? r->life->lp.config.lmb / MIB : 1;
        if (drc_listens(&r->life->lp))
            dlpar_begin(&r->change, (u32)number, mem ? DRC_KIND_LMB : DRC_KIND_CPU, wire_num(v, "add", 0),
                        (u32)(amount / unit), seconds, clock_ns());
        life_release(r->life);
    }
    if (!r->change.active)
        answer(r, "deaf");
    return true;
}

static void tell(struct resources *r)
{
    struct wire_record v = {0};
    if (!r->procs) // nothing is known yet
        return;
    if (r->told && r->mem == r->told_mem && r->procs == r->told_procs && r->listens == r->told_listens)
        return;
    r->told = true;
    r->told_mem = r->mem;
    r->told_procs = r->procs;
    r->told_listens = r->listens;
    wire_put_num(&v, "mem", r->mem);
    wire_put_num(&v, "procs", r->procs);
    wire_put_num(&v, "dynamic", r->listens);
    r->send(MESSAGE_RESOURCES, &v);
}

int resources_step(struct resources *r, bool running, bool linked)
{
    s64 wait = -1;
    bool there = running && life_hold(r->life), same = there && r->starts == r->life->starts;
    if (there) {
        r->change.active &= same;
        if (r->change.active)
            wait = dlpar_step(&r->change, &r->life->lp, clock_ns());
        look(r);
        life_release(r->life);
    } else {
        r->change.active = r->listens = false;
    }
    if (linked)
        tell(r);
    if (linked && r->changing && !r->change.active)
        answer(r, !same                               ? "restart"
                  : r->change.timed_out               ? "time"
                  : r->change.done < r->change.wanted ? "refused"
                                                      : "");
    if (r->change.active)
        return (int)(wait / 1000000) + 1;
    return running && !r->listens ? LISTEN_MS : -1;
}

void resources_settle(struct resources *r)
{
    if (r->procs && life_hold(r->life)) {
        if (r->change.active && r->change.asked)
            drc_withdraw(&r->life->lp, r->change.index);
        look(r);
        life_release(r->life);
    }
    r->told = r->changing = r->change.active = false;
}
