// SPDX-License-Identifier: Apache-2.0
// A change is one or more steps, each with one partition: what a move has taken from one goes to the other, and what that one does not take
// goes back. A partition takes part in one change at a time.
#include "hyper/dlpar.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "hyper/config.h"
#include "hyper/objects.h"
#include "hyper/power.h"
#include "hyper/processors.h"
#include "hyper/refcode.h"
#include "hyper/rules.h"
#include "hyper/usage.h"

#define SECOND          1000000000ll
#define DEFAULT_MINUTES 5
#define GRACE           10 // seconds beyond the partition's own time

enum change_step { STEP_TAKE, STEP_GIVE, STEP_RETURN };

struct change {
    bool mem; // else processors
    enum change_step step;
    u32 from, to;             // partitions; 0: none
    u64 wanted, taken, given; // MB or processors
    s64 units;                // processing units that go with processors, hundredths, given or taken at the end
    u64 seconds, token;
    s64 deadline; // ns; 0: none
    u64 halved;   // processors of `from` that stay, with threads offline
    bool timed_out, deaf, gone;
};

static const char *what(const struct change *c)
{
    return c->mem ? "memory" : "processors";
}

static const char *unit(const struct change *c)
{
    return c->mem ? " MB" : "";
}

static struct lp *stepper(struct sys *sys, const struct change *c)
{
    return sys_lp(sys, c->step == STEP_GIVE ? c->to : c->from);
}

static u64 *run_of(struct lp *lp, bool mem)
{
    return mem ? &lp->run_mem : &lp->run_procs;
}

static u64 *pend_of(struct lp *lp, bool mem)
{
    return mem ? &lp->pend_mem : &lp->pend_procs;
}

static void answered(struct sys *sys, const struct change *c, const struct answer *answer)
{
    if (sys->answered && c->token)
        sys->answered(sys->answered_arg, c->token, answer);
}

// What it has now is what it starts with the next time.
static void keep(struct sys *sys, struct lp *lp)
{
    struct answer ignored = {0};
    if (lp_active(lp) && lp->current && config_keep(sys, lp, &ignored))
        fprintf(stderr, "openlpard: %s: its configuration could not be kept: %s\n", lp_name(lp), ignored.text);
}

static void start_step(struct sys *sys, struct change *c)
{
    struct lp *lp = stepper(sys, c);
    struct wire_record v = {0};
    bool add = c->step != STEP_TAKE;
    u64 amount = c->step == STEP_TAKE   ? c->wanted
                 : c->step == STEP_GIVE ? (c->from ? c->taken : c->wanted)
                                        : c->taken - c->given;
    *pend_of(lp, c->mem) = add ? *run_of(lp, c->mem) + amount : *run_of(lp, c->mem) - amount;
    lp->change = c;
    lp->change_number++;
    c->deadline = c->seconds ? clock_ns() + (s64)(c->seconds + GRACE) * SECOND : 0;
    wire_put_num(&v, "number", lp->change_number);
    wire_put_text(&v, "resource", c->mem ? "mem" : "proc");
    wire_put_num(&v, "add", add);
    wire_put_num(&v, "amount", amount);
    wire_put_num(&v, "seconds", c->seconds);
    power_say(lp, MESSAGE_DLPAR, &v);
}

static void tell_units(struct lp *lp)
{
    struct wire_record v = {0};
    wire_put_num(&v, "units", lp->run_units);
    processors_changed(lp);
    if (lp->linked)
        power_say(lp, MESSAGE_ENTITLED, &v);
}

// Within what its processors allow.
static void set_units(struct lp *lp, u64 units)
{
    lp->run_units = MIN(MAX(units, lp->run_procs * UNITS_PER_PROC_MIN), lp->run_procs * 100);
    tell_units(lp);
}

static void finish_units(struct sys *sys, const struct change *c)
{
    struct lp *from = sys_lp(sys, c->from), *to = sys_lp(sys, c->to);
    if (from && lp_active(from) && rec_is(from->current, "proc_mode", "shared"))
        set_units(from, from->run_units - MIN((u64)c->units, from->run_units));
    if (to && lp_active(to) && rec_is(to->current, "proc_mode", "shared"))
        set_units(to, to->run_units); // they were added before; it may have fewer processors than was thought
}

static int explain(struct sys *sys, const struct change *c, struct answer *answer)
{
    struct lp *lp = sys_lp(sys, c->from ? c->from : c->to);
    u64 done = c->to ? c->given : c->taken;
    const char *verb = !c->to ? "removed" : !c->from ? "added" : "moved";
    char amount[400];
    int len = snprintf(amount, sizeof(amount), "Amount of %s %s: %llu%s of %llu%s.", what(c), verb,
                       (unsigned long long)done, unit(c), (unsigned long long)c->wanted, unit(c));
    if (c->halved)
        snprintf(amount + len, sizeof(amount) - (size_t)len,
                 "\nIt took threads of %llu processors offline and did not give these processors back: they are "
                 "slower now. Bring the threads online there (chcpu -e, or ppc64_cpu --smt=on), or remove again.",
                 (unsigned long long)c->halved);
    if (done >= c->wanted)
        return 0;
    if (c->gone)
        return refuse(answer, "HSCL2957", "The partition %s ended or was restarted during the operation.\n%s",
                      lp ? lp_name(lp) : "", amount);
    if (c->deaf)
        return refuse(answer, "HSCL2957",
                      "The operating system of the partition %s takes no dynamic operations: it is starting, has "
                      "ended, or has no support "
                      "of hotplug events.\n%s",
                      lp_name(lp), amount);
    if (c->timed_out)
        return refuse(answer, "HSCL294D",
                      "The operation in the partition %s timed out. What the operating system still does is accounted "
                      "for; -w gives it more "
                      "time.\n%s",
                      lp_name(lp), amount);
    if (c->from)
        return refuse(
            answer, c->mem ? "HSCL2932" : "HSCL2930",
            "The operating system of the partition %s gave back less than was asked for: the rest is in use.\n%s",
            lp_name(lp), amount);
    return refuse(answer, c->mem ? "HSCL294C" : "HSCL294E",
                  "The operating system of the partition %s took less than was offered.\n%s", lp_name(lp), amount);
}

static void log_change(struct sys *sys, struct lp *lp, const struct change *c, u64 done, bool add)
{
    char text[128];
    if (!done)
        return;
    snprintf(text, sizeof(text), "%s: %llu%s %s, %llu%s now", what(c), (unsigned long long)done, unit(c),
             add ? "added" : "removed", (unsigned long long)*run_of(lp, c->mem), unit(c));
    sys_event(sys, lp, REFCODE_LPAR_DYNAMIC, text);
}

static void finish(struct sys *sys, struct change *c)
{
    struct answer answer = {0};
    explain(sys, c, &answer);
    if (!c->mem)
        finish_units(sys, c);
    for (unsigned i = 0; i < 2; i++) {
        struct lp *lp = sys_lp(sys, i ? c->to : c->from);
        if (lp)
            keep(sys, lp);
    }
    answered(sys, c, &answer);
    free(c);
}

// The step of a partition is over.
static void step_over(struct sys *sys, struct lp *lp, u64 done)
{
    struct change *c = lp->change;
    lp->change = NULL;
    lp->pend_mem = lp->pend_procs = 0;
    log_change(sys, lp, c, done, c->step != STEP_TAKE);
    switch (c->step) {
    case STEP_TAKE: c->taken = MIN(done, c->wanted); break;
    case STEP_GIVE: c->given = MIN(done, c->wanted); break;
    case STEP_RETURN: break;
    }
    struct lp *to = sys_lp(sys, c->to), *from = sys_lp(sys, c->from);
    bool can_give = to && to->state == LP_RUNNING && to->linked && !to->change;
    bool can_return = from && from->state == LP_RUNNING && from->linked && !from->change;
    if (c->step == STEP_TAKE && c->taken && can_give)
        c->step = STEP_GIVE;
    else if (c->step != STEP_RETURN && c->from && c->to && c->taken > c->given && can_return)
        c->step = STEP_RETURN;
    else {
        finish(sys, c);
        return;
    }
    start_step(sys, c);
}

int dlpar_take_resources(struct sys *sys, struct lp *lp, const struct wire_record *v)
{
    u64 mem = wire_num(v, "mem", 0), procs = wire_num(v, "procs", 0), lmb = rec_num(sys->rec, "mem_region_size");
    if (!lp->current || !mem || !procs || mem % lmb || mem > MAX(lp->run_mem, lp->pend_mem) ||
        procs > MAX(lp->run_procs, lp->pend_procs))
        return -EPROTO; // it has what it was given, or less
    bool by_itself = !lp->change && (mem < lp->run_mem || procs < lp->run_procs);
    lp->run_mem = mem;
    lp->run_procs = procs;
    if (wire_get(v, "dynamic"))
        lp->dynamic = wire_num(v, "dynamic", 0);
    if (by_itself) { // an answer that came too late, or its own wish
        sys_event(sys, lp, REFCODE_LPAR_DYNAMIC, "the operating system gave resources back");
        set_units(lp, rec_is(lp->current, "proc_mode", "shared") ? lp->run_units : procs * 100);
        keep(sys, lp);
    } else if (!rec_is(lp->current, "proc_mode", "shared")) {
        lp->run_units = procs * 100;
    }
    processors_changed(lp);
    return 0;
}

int dlpar_take_done(struct sys *sys, struct lp *lp, const struct wire_record *v)
{
    struct change *c = lp->change;
    const char *why = wire_text(v, "why");
    int err = wire_num(v, "procs", 0) ? dlpar_take_resources(sys, lp, v) : 0;
    if (err || !c || wire_num(v, "number", 0) != lp->change_number)
        return err; // of one that was given up
    c->timed_out |= why && strcmp(why, "time") == 0;
    c->deaf |= why && strcmp(why, "deaf") == 0;
    c->halved += wire_num(v, "halved", 0);
    c->gone |= why && strcmp(why, "restart") == 0;
    step_over(sys, lp, wire_num(v, "done", 0));
    return 0;
}

void dlpar_gone(struct sys *sys, struct lp *lp)
{
    lp->dynamic = false;
    if (!lp->change)
        return;
    lp->change->gone = true;
    step_over(sys, lp, 0);
}

s64 dlpar_tick(struct sys *sys, s64 now)
{
    s64 next = -1;
    for (u32 i = 0; i < sys->lps_len; i++) {
        struct lp *lp = sys->lps[i];
        struct change *c = lp->change;
        if (!c || !c->deadline)
            continue;
        if (now >= c->deadline) {
            c->timed_out = true;
            step_over(sys, lp, 0);
        } else {
            next = next < 0 ? c->deadline - now : MIN(next, c->deadline - now);
        }
    }
    return next;
}

// Requests.

static int check_running(struct lp *lp, struct answer *answer)
{
    if (lp->change)
        return refuse(answer, "HSCL3205",
                      "Another dynamic operation goes on in the partition %s. Try again when it is over.", lp_name(lp));
    if (lp->state != LP_RUNNING || !lp->linked)
        return refuse(answer, "HSCL2957",
                      "The state of the partition %s is %s; a dynamic operation needs one that runs.", lp_name(lp),
                      lp_state_name(lp));
    if (!lp->dynamic)
        return refuse(answer, "HSCL2957",
                      "The operating system of the partition %s takes no dynamic operations yet. Wait until rmc_state "
                      "is active, or use one "
                      "with support of hotplug events.",
                      lp_name(lp));
    return 0;
}

static int check_mem(struct sys *sys, struct lp *lp, s64 change, bool reserve, struct answer *answer)
{
    struct usage u = usage_of(sys);
    u64 amount = (u64)(change < 0 ? -change : change), has = lp->run_mem;
    if (change > 0 && has + amount > rec_num(lp->current, "max_mem"))
        return refuse(answer, "HSCL0622", "The partition %s has %llu MB and can have %llu MB at most (max_mem).",
                      lp_name(lp), (unsigned long long)has, (unsigned long long)rec_num(lp->current, "max_mem"));
    if (change > 0 && reserve && amount > u.mem_available)
        return refuse(answer, "HSCL03EC",
                      "%llu MB more were asked for, and %llu MB are free. Stop a partition, or take memory from one.",
                      (unsigned long long)amount, (unsigned long long)u.mem_available);
    if (change < 0 && has < amount + rec_num(lp->current, "min_mem"))
        return refuse(answer, "HSCL0622", "The partition %s has %llu MB and needs %llu MB at least (min_mem).",
                      lp_name(lp), (unsigned long long)has, (unsigned long long)rec_num(lp->current, "min_mem"));
    return 0;
}

static int check_procs(struct sys *sys, struct lp *lp, s64 procs, s64 units, bool reserve, struct answer *answer)
{
    struct usage u = usage_of(sys);
    s64 has = (s64)lp->run_procs, min = (s64)rec_num(lp->current, "min_procs"),
        max = (s64)rec_num(lp->current, "max_procs");
    bool shared = rec_is(lp->current, "proc_mode", "shared");
    s64 need = shared ? units : procs * 100;
    if (units && !shared)
        return refuse_parameter(answer, "--procunits",
                                "the partition %s has dedicated processors, which are whole ones", lp_name(lp));
    if (has + procs > max || has + procs < min)
        return refuse(answer, "HSCL0622",
                      "The partition %s has %lld processors and can have from %lld (min_procs) to %lld (max_procs).",
                      lp_name(lp), (long long)has, (long long)min, (long long)max);
    if (need > 0 && reserve && (u64)need > u.units_available)
        return refuse(answer, "HSCL03F4",
                      "%lld.%02lld processing units more were asked for, and %llu.%02llu are free. Stop a partition, "
                      "or take them from one.",
                      (long long)need / 100, (long long)need % 100, (unsigned long long)u.units_available / 100,
                      (unsigned long long)u.units_available % 100);
    return shared ? config_check_units(sys, lp, (s64)lp->run_units + units, has + procs, answer) : 0;
}

static void add_units(struct lp *lp, s64 units)
{
    if (!units)
        return;
    lp->run_units = (u64)((s64)lp->run_units + units);
    tell_units(lp);
}

static int begin(struct sys *sys, const struct change *from, struct answer *answer)
{
    struct change *c = malloc(sizeof(*c));
    if (!c)
        return refuse(answer, "HSCL3205", "The hypervisor has no memory for it. Nothing was changed.");
    *c = *from;
    start_step(sys, c);
    return 1;
}

// Units alone: no matter of the operating system.
static int move_units(struct sys *sys, struct lp *from, struct lp *to, s64 units)
{
    if (from) {
        add_units(from, -units);
        sys_event(sys, from, REFCODE_LPAR_DYNAMIC, "processing units removed");
        keep(sys, from);
    }
    if (to) {
        add_units(to, units);
        sys_event(sys, to, REFCODE_LPAR_DYNAMIC, "processing units added");
        keep(sys, to);
    }
    return 0;
}

static int start(struct sys *sys, struct lp *from, struct lp *to, const struct wire_message *m, u64 token,
                 struct answer *answer)
{
    const struct wire_record *v = &m->values;
    const char *resource = wire_text(v, "resource");
    u64 minutes = wire_num(v, "minutes", DEFAULT_MINUTES), lmb = rec_num(sys->rec, "mem_region_size");
    struct change c = {.mem = resource && strcmp(resource, "mem") == 0,
                       .step = from ? STEP_TAKE : STEP_GIVE,
                       .from = from ? from->id : 0,
                       .to = to ? to->id : 0,
                       .seconds = MIN(minutes, 10000) * 60,
                       .token = token};
    c.wanted = wire_num(v, c.mem ? "mem" : "procs", 0);
    c.units = (s64)MIN(wire_num(v, "units", 0), 1000000);
    if (c.wanted > 1000000000 || (c.mem && (!c.wanted || c.wanted % lmb)))
        return refuse_parameter(
            answer, c.mem ? "-q" : "--procs", "%llu is %s", (unsigned long long)c.wanted,
            c.mem ? "no multiple of the memory region size (lshwres -r mem --level sys -F mem_region_size)"
                  : "too many");
    if (!c.mem && !c.wanted && !c.units)
        return refuse_parameter(answer, "--procs", "how many processors or processing units is missing");
    s64 n = (s64)c.wanted;
    for (unsigned i = 0; i < 2; i++) {
        struct lp *lp = i ? to : from;
        s64 sign = i ? 1 : -1;
        if (lp && ((c.wanted && check_running(lp, answer)) ||
                   (c.mem ? check_mem(sys, lp, sign * n, !from, answer)
                          : check_procs(sys, lp, sign * n, sign * c.units, !from, answer))))
            return -1;
    }
    if (!c.wanted)
        return move_units(sys, from, to, c.units);
    if (to && !from)
        add_units(to, c.units);
    return begin(sys, &c, answer);
}

// Of a partition that does not run the configuration changes.
static int change_config(struct sys *sys, struct lp *lp, const struct wire_message *m, bool add, struct answer *answer)
{
    s64 sign = add ? 1 : -1;
    if (!lp->current)
        return refuse(
            answer, "HSCL0622",
            "The partition %s has no configuration: it was never activated. Change its profile (chsyscfg -r prof).",
            lp_name(lp));
    struct config_change change = {.mem = sign * (s64)wire_num(&m->values, "mem", 0),
                                   .procs = sign * (s64)wire_num(&m->values, "procs", 0),
                                   .units = sign * (s64)wire_num(&m->values, "units", 0)};
    if (!change.mem && !change.procs && !change.units)
        return refuse_parameter(answer, "-q", "how much is missing");
    return config_change(sys, lp, &change, answer);
}

static int set(struct sys *sys, struct lp *lp, const struct wire_message *m, struct answer *answer)
{
    if (!lp->current)
        return refuse(
            answer, "HSCL0622",
            "The partition %s has no configuration: it was never activated. Change its profile (chsyscfg -r prof).",
            lp_name(lp));
    for (u32 i = 0; i < m->values.len; i++) {
        static const char *const known[] = {"operation", "resource", "sharing_mode", "uncap_weight"};
        unsigned j = 0;
        while (j < ARRAY_LEN(known) && strcmp(known[j], m->values.pairs[i].name))
            j++;
        if (j == ARRAY_LEN(known))
            return refuse_parameter(answer, "-a", "%s cannot be set here; sharing_mode and uncap_weight can",
                                    m->values.pairs[i].name);
    }
    if (config_set(sys, lp, &m->values, answer))
        return -1;
    if (lp_active(lp))
        tell_units(lp);
    return 0;
}

static struct lp *find_to(struct sys *sys, const struct wire_message *m, struct answer *answer)
{
    struct wire_record where = {0};
    if (wire_text(&m->values, "to_name"))
        wire_put_text(&where, "name", wire_text(&m->values, "to_name"));
    if (wire_get(&m->values, "to_id"))
        wire_put_num(&where, "lpar_id", wire_num(&m->values, "to_id", 0));
    return objects_find_lp(sys, &where, "name", answer);
}

int dlpar_request(struct sys *sys, const struct wire_message *m, u64 token, struct answer *answer)
{
    const char *operation = wire_text(&m->values, "operation");
    struct lp *lp = objects_find_lp(sys, &m->where, "name", answer), *to = NULL;
    if (!lp || !operation)
        return lp ? refuse_parameter(answer, "-o", "what to do is missing") : -1;
    if (strcmp(operation, "set") == 0)
        return set(sys, lp, m, answer);
    bool add = strcmp(operation, "add") == 0, move = strcmp(operation, "move") == 0;
    if (!add && !move && strcmp(operation, "remove"))
        return refuse_parameter(answer, "-o", "%s is no operation", operation);
    if (move) {
        to = find_to(sys, m, answer);
        if (!to)
            return -1;
        if (to == lp)
            return refuse_parameter(answer, "-t", "%s is the partition that it is to be moved from", lp_name(to));
        if (!lp_active(lp) || !lp_active(to))
            return refuse(answer, "HSCL0622",
                          "The partition %s is not activated; resources move between partitions that are.",
                          lp_name(lp_active(lp) ? to : lp));
        return start(sys, lp, to, m, token, answer);
    }
    if (!lp_active(lp))
        return change_config(sys, lp, m, add, answer);
    return add ? start(sys, NULL, lp, m, token, answer) : start(sys, lp, NULL, m, token, answer);
}
