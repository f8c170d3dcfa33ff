// SPDX-License-Identifier: Apache-2.0
#include "hyper/guard.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "hyper/dispatch/dispatcher.h"
#include "hyper/processors.h"
#include "hyper/refcode.h"
#include "hyper/usage.h"

struct guard {
    u32 cpus[CPU_SETSIZE], cpus_len; // of the host, in the dispatcher's order: processor n is one of them, in turn
    bool gone[GUARD_PROCESSORS_MAX]; // with the host's CPU
    bool used[GUARD_PROCESSORS_MAX];
    u32 kept; // are not used, for they are those of partitions that are off
};

static u32 installed(const struct sys *sys)
{
    return (u32)MIN(rec_num(sys->rec, "installed_procs"), GUARD_PROCESSORS_MAX);
}

static bool is_listed(const struct sys *sys, u32 number)
{
    for (const char *p = rec_text(sys->rec, "guarded_procs"); *p; p += strcspn(p, ","), p += *p == ',')
        if (strtoull(p, NULL, 10) == number)
            return true;
    return false;
}

// failed[number], and how many these are.
static u32 find_failed(const struct sys *sys, bool failed[GUARD_PROCESSORS_MAX])
{
    u32 len = installed(sys), count = 0, all = 0;
    memset(failed, 0, GUARD_PROCESSORS_MAX * sizeof(failed[0]));
    for (u32 i = 0; i < len; i++) {
        failed[i] = is_listed(sys, i);
        count += failed[i];
        all += failed[i] || (sys->guard && sys->guard->gone[i]);
    }
    if (all == count || all == len) // of the last ones the threads run on another CPU of the host
        return count;
    for (u32 i = 0; i < len; i++)
        failed[i] |= sys->guard->gone[i];
    return all;
}

u32 guard_failed(const struct sys *sys)
{
    bool failed[GUARD_PROCESSORS_MAX];
    return find_failed(sys, failed);
}

u32 guard_usable(const struct sys *sys)
{
    return MIN((u32)rec_num(sys->rec, "active_procs"), installed(sys) - guard_failed(sys));
}

u32 guard_used(const struct sys *sys)
{
    u32 used = 0;
    for (u32 i = 0; sys->guard && i < GUARD_PROCESSORS_MAX; i++)
        used += sys->guard->used[i];
    return used;
}

void guard_list(const struct sys *sys, char *text, size_t size)
{
    bool failed[GUARD_PROCESSORS_MAX];
    size_t at = 0;
    find_failed(sys, failed);
    *text = 0;
    for (u32 i = 0; i < GUARD_PROCESSORS_MAX && at < size; i++)
        if (failed[i])
            at += (size_t)snprintf(text + at, size - at, "%s%u", at ? "," : "", i);
}

const char *guard_state(const struct sys *sys, u32 number)
{
    bool failed[GUARD_PROCESSORS_MAX];
    u32 before = 0;
    find_failed(sys, failed);
    for (u32 i = 0; i < number; i++)
        before += !failed[i];
    return failed[number] ? "Guarded" : before < rec_num(sys->rec, "active_procs") ? "Configured" : "Not Activated";
}

static void set_used(struct sys *sys, u32 number, bool used)
{
    sys->guard->used[number] = used;
    if (sys->dispatcher)
        dispatcher_set_processor(sys->dispatcher, number, used);
}

// One is always used: what runs next waits for no look at the others.
static u32 kept(const struct sys *sys)
{
    struct usage u = usage_of(sys);
    return u.units >= 100 ? (u32)(MIN(u.units_kept, u.units - 100) / 100) : 0;
}

// Uses what should be used. What comes does before what goes, so that dedicated processors find where to move. The value is one that came, or -1.
static s32 apply(struct sys *sys)
{
    bool failed[GUARD_PROCESSORS_MAX], wanted[GUARD_PROCESSORS_MAX];
    u32 len = installed(sys), left = guard_usable(sys);
    s32 came = -1;
    sys->guard->kept = kept(sys);
    left -= sys->guard->kept;
    find_failed(sys, failed);
    for (u32 i = 0; i < len; i++) {
        wanted[i] = !failed[i] && left;
        left -= wanted[i];
    }
    for (u32 i = 0; i < len; i++)
        if (wanted[i] && !sys->guard->used[i]) {
            set_used(sys, i, true);
            came = (s32)i;
        }
    for (u32 i = 0; i < len; i++)
        if (!wanted[i] && sys->guard->used[i])
            set_used(sys, i, false);
    processors_follow(sys);
    return came;
}

static void tell(struct sys *sys, u32 number, bool failed, bool used, s32 came, const char *why)
{
    char text[256], then[128] = "";
    if (failed && came >= 0)
        snprintf(then, sizeof(then), "; processor %d takes its place", came);
    else if (failed && used)
        snprintf(then, sizeof(then), "; no other one is there: %u.00 processing units are left", guard_usable(sys));
    snprintf(text, sizeof(text), "physical processor %u %s (%s)%s", number,
             failed ? "failed and is guarded" : "is back", why, then);
    sys_event(sys, NULL, failed ? REFCODE_PROCESSOR_FAILED : REFCODE_PROCESSOR_REPAIRED, text);
}

void guard_begin(struct sys *sys)
{
    cpu_set_t set;
    sys->guard = calloc(1, sizeof(*sys->guard));
    if (!sys->guard)
        return;
    CPU_ZERO(&set);
    if (sched_getaffinity(0, sizeof(set), &set) == 0)
        for (u32 i = 0; i < CPU_SETSIZE; i++)
            if (CPU_ISSET(i, &set))
                sys->guard->cpus[sys->guard->cpus_len++] = i;
    for (u32 i = 0; i < installed(sys); i++)
        sys->guard->used[i] = true; // as the dispatcher begins
    apply(sys);
}

void guard_end(struct sys *sys)
{
    free(sys->guard);
    sys->guard = NULL;
}

void guard_follow(struct sys *sys)
{
    if (sys->guard && sys->guard->kept != kept(sys))
        apply(sys);
    else
        processors_follow(sys);
}

void guard_watch(struct sys *sys)
{
    struct guard *g = sys->guard;
    cpu_set_t set;
    CPU_ZERO(&set);
    if (!g || !g->cpus_len || sched_getaffinity(0, sizeof(set), &set))
        return;
    for (u32 i = 0; i < installed(sys); i++) {
        u32 cpu = g->cpus[i % g->cpus_len];
        bool gone = !CPU_ISSET(cpu, &set), used = g->used[i];
        char why[64];
        if (gone == g->gone[i])
            continue;
        g->gone[i] = gone;
        snprintf(why, sizeof(why), "CPU %u of the host is %s", cpu, gone ? "gone" : "there again");
        tell(sys, i, gone, used, apply(sys), why);
    }
}

// The list with the number, or without it.
static bool put_number(struct rec *rec, u32 number, bool failed)
{
    char text[WIRE_TEXT_MAX];
    size_t at = 0;
    for (const char *p = rec_text(rec, "guarded_procs"); *p && at < sizeof(text);) {
        size_t len = strcspn(p, ",");
        if (strtoull(p, NULL, 10) != number)
            at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%.*s", at ? "," : "", (int)len, p);
        p += len + (p[len] == ',');
    }
    if (failed && at < sizeof(text))
        at += (size_t)snprintf(text + at, sizeof(text) - at, "%s%u", at ? "," : "", number);
    if (!at)
        *text = 0;
    return at < sizeof(text) && rec_set(rec, "guarded_procs", (struct wire_value){.kind = WIRE_LIST, .text = text});
}

int guard_change(struct sys *sys, const struct wire_message *m, struct answer *answer)
{
    u64 number = wire_num(&m->where, "proc_num", UINT64_MAX);
    const char *state = wire_text(&m->values, "state"), *name = rec_text(sys->rec, "name");
    bool failed[GUARD_PROCESSORS_MAX], repair = state && strcmp(state, "Configured") == 0;
    if (number >= installed(sys))
        return refuse(answer, "HSCL0622", "The physical processors of the managed system %s are 0 to %u.", name,
                      installed(sys) - 1);
    if (!state || (!repair && strcmp(state, "Guarded")))
        return refuse_parameter(answer, "state", "a processor is Configured or Guarded");
    if (is_listed(sys, (u32)number) != repair)
        return refuse(answer, "HSCL0622", "The physical processor %llu of the managed system %s is %s.",
                      (unsigned long long)number, name, repair ? "not guarded" : "guarded already");
    u32 count = find_failed(sys, failed);
    if (!repair && count + !failed[number] == installed(sys))
        return refuse(answer, "HSCL0622",
                      "The managed system %s cannot go on without its last physical processor; repair another one "
                      "first.",
                      name);
    bool used = sys->guard && sys->guard->used[number];
    struct rec *rec = rec_copy(sys->rec);
    if (rec && !put_number(rec, (u32)number, !repair)) {
        rec_free(rec);
        rec = NULL;
    }
    if (sys_replace(sys, rec, answer))
        return -1;
    tell(sys, (u32)number, !repair, used, sys->guard ? apply(sys) : -1,
         repair ? "an operator repaired it" : "an operator reported it");
    return 0;
}
