// SPDX-License-Identifier: Apache-2.0
//
// Invariants: (1) `waiting` holds exactly the virtual processors that want to run and do not; (2) a virtual processor runs on one processor at most; (3) who is dedicated runs
// on its home only; (4) what a partition has beyond its entitlement is charged to its virtual time only while somebody else could have had it.
#include "hyper/dispatch/policy.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>

#define DEBT_MAX_NS   1000000000ll    // more is forgiven
#define PASSED_MAX_NS 3600000000000ll // so that products fit
#define TURN_LEAST_NS 100000ll        // nobody is dispatched for less: what is left is kept
#define AFFINITY_NS   4000000ll       // so much later one may be due, for the sake of warm caches
#define OWED_MAX_NS   250000000ll
#define WEIGHT_UNIT   256u

static const s64 window = POLICY_WINDOW_NS;

int policy_init(struct policy *p, u32 processors)
{
    memset(p, 0, sizeof(*p));
    p->processors_len = MIN(processors, POLICY_PROCESSORS_MAX);
    for (u32 i = 0; i < p->processors_len; i++)
        p->processors[i] = (struct policy_processor){.usable = true, .contended = POLICY_NEVER};
    p->waiting_room = 64;
    p->waiting = calloc(p->waiting_room, sizeof(struct policy_vp *));
    return p->waiting ? 0 : -ENOMEM;
}

void policy_fini(struct policy *p)
{
    for (u32 i = 0; i <= POLICY_LPS_MAX; i++)
        free(p->lps[i]);
    free(p->waiting);
    memset(p, 0, sizeof(*p));
}

static bool shares_tokens(const struct policy_lp *lp)
{
    return lp->config.mode != POLICY_DEDICATED && lp->config.vps > 1;
}

static s64 by_rate(s64 ns, s64 rate)
{
    return ns * rate / (POLICY_UNITS * 1000);
}

static s64 time_for(s64 credit, s64 rate)
{
    return credit * (POLICY_UNITS * 1000) / MAX(rate, 1);
}

// The most that it keeps. What it may be late by while it waits is the same for all, so that all lose their part when there is not enough for everybody.
static s64 credit_most(const struct policy_vp *vp)
{
    const struct policy_lp *lp = vp->lp;
    return vp->wanting ? 2 * lp->turn + by_rate(POLICY_LAG_NS, lp->rate) : lp->turn;
}

static void set_due(struct policy_vp *vp, s64 now)
{
    vp->due = now + time_for(2 * vp->lp->turn - vp->credit, vp->lp->rate);
}

// Gives it what it has earned.
static void advance(struct policy_vp *vp, s64 now)
{
    struct policy_lp *lp = vp->lp;
    struct policy *p = lp->policy;
    s64 passed = MIN(now - vp->credit_at, PASSED_MAX_NS), most = credit_most(vp);
    if (passed <= 0)
        return;
    s64 missing = MIN(MIN(p->missing - vp->missing_seen, POLICY_LAG_NS), passed / 16 * 15);
    s64 earned = by_rate(passed - missing, lp->rate);
    if (lp->owed > 0 && earned > 0) {
        s64 pays = MIN(lp->owed, lp->owed > OWED_MAX_NS ? earned : earned / 4);
        lp->owed -= pays;
        earned -= pays;
    }
    vp->credit_at = now;
    vp->credit += earned;
    vp->missing_seen = MAX(vp->missing_seen + missing, p->missing - POLICY_LAG_NS);
    if (vp->credit > most) {
        s64 more = time_for(vp->credit - most, lp->rate);
        bool late = vp->wanting && vp->running < 0 && lp->config.mode != POLICY_DEDICATED && !shares_tokens(lp);
        p->missing += late ? more : 0;
        vp->missing_seen += late ? more : 0;
        vp->credit = most;
    }
    if (vp->running < 0)
        set_due(vp, now);
}

// The entitlement is divided among those with work: what idle ones leave goes to the others of the partition first.
static void set_rate(struct policy_lp *lp, s64 now)
{
    bool own = lp->config.mode == POLICY_DEDICATED;
    s64 rate = own ? POLICY_UNITS * 1000 : lp->config.units * 1000 / MAX(lp->busy, 1u);
    rate = MIN(rate, POLICY_UNITS * 1000);
    if (rate == lp->rate)
        return;
    for (u32 i = 0; i < lp->used; i++)
        advance(&lp->vps[i], now);
    lp->rate = rate;
    lp->turn = MAX(by_rate(window, rate), POLICY_SLICE_MIN_NS);
}

static void set_wanting(struct policy_vp *vp, bool wanting, s64 now)
{
    struct policy_lp *lp = vp->lp;
    advance(vp, now);
    vp->wanting = wanting;
    lp->busy += wanting ? 1 : -1u;
    set_rate(lp, now);
    vp->credit = MIN(vp->credit, credit_most(vp));
}

static void advance_tokens(struct policy_lp *lp, s64 now)
{
    s64 most = 2 * MAX((s64)lp->config.units * window / POLICY_UNITS, POLICY_SLICE_MIN_NS) +
               (s64)lp->config.units * POLICY_LAG_NS / POLICY_UNITS;
    s64 passed = MIN(now - lp->tokens_at, 2 * DEBT_MAX_NS);
    if (passed <= 0)
        return;
    lp->tokens = MIN(lp->tokens + passed * lp->config.units / POLICY_UNITS, most);
    lp->tokens_at = now;
}

static void advance_pool(struct policy_pool *pool, s64 now)
{
    s64 passed = MIN(now - pool->at, 2 * DEBT_MAX_NS);
    if (passed <= 0)
        return;
    pool->left = MIN(pool->left + passed * pool->max / POLICY_UNITS, window * pool->max / POLICY_UNITS);
    pool->reserve =
        MIN(pool->reserve + passed * pool->reserved / POLICY_UNITS, 2 * window * pool->reserved / POLICY_UNITS);
    pool->at = now;
}

static bool shared_everywhere(const struct policy_vp *vp)
{
    return vp->home < 0;
}

// Virtual processors of the pool that run. More than its processors would take them from other pools in bursts, and leave them unused afterwards.
static u32 running_of(const struct policy *p, const struct policy_pool *pool)
{
    u32 running = 0;
    for (u32 i = 0; i < p->processors_len; i++) {
        const struct policy_vp *vp = p->processors[i].running;
        running += vp && vp->home < 0 && &p->pools[vp->lp->config.pool] == pool;
    }
    return running;
}

// What must be there before it runs: that much is not worth a turn otherwise.
static s64 credit_least(const struct policy_vp *vp)
{
    const struct policy_lp *lp = vp->lp;
    return !vp->saving ? TURN_LEAST_NS + 1 : vp->first > 0 ? MIN(POLICY_WAKE_NS, lp->turn) : lp->turn;
}

// What it may have at `now`; *from: when that should be asked again.
static bool may_run(struct policy *p, struct policy_vp *vp, s64 now, enum policy_class *class, s64 *from)
{
    struct policy_lp *lp = vp->lp;
    struct policy_pool *pool = &p->pools[lp->config.pool];
    advance(vp, now);
    s64 lacks = credit_least(vp) - vp->credit;
    bool tokens = true;
    *from = now + MAX(time_for(lacks, lp->rate), 0) + 1;
    if (shares_tokens(lp)) {
        advance_tokens(lp, now);
        tokens = lp->tokens > TURN_LEAST_NS;
        if (!tokens && lacks <= 0)
            *from =
                now + MAX((2 * TURN_LEAST_NS - lp->tokens) * POLICY_UNITS / MAX(lp->config.units, 1u), TURN_LEAST_NS);
    }
    *class = POLICY_ENTITLED;
    if (lacks <= 0 && tokens)
        return true;
    if (lp->config.mode != POLICY_UNCAPPED || !lp->config.weight)
        return false;
    *class = POLICY_BEYOND;
    advance_pool(pool, now);
    if (pool->max && pool->left <= 0) {
        *from = MIN(*from, now + MAX(-pool->left * POLICY_UNITS / pool->max, TURN_LEAST_NS));
        return false;
    }
    if (pool->max && running_of(p, pool) * POLICY_UNITS >= pool->max)
        return false;
    if (pool->reserve > 0)
        *class = POLICY_RESERVED;
    return true;
}

static void add_waiting(struct policy *p, struct policy_vp *vp)
{
    vp->place = p->waiting_len;
    p->waiting[p->waiting_len++] = vp;
}

static void drop_waiting(struct policy *p, struct policy_vp *vp)
{
    struct policy_vp *last = p->waiting[--p->waiting_len];
    p->waiting[vp->place] = last;
    last->place = vp->place;
}

// Whether others than its owner may use the processor.
static bool open_to_all(const struct policy_processor *proc)
{
    if (!proc->usable || !proc->owner)
        return proc->usable;
    return proc->owner->lp->config.lend == POLICY_LEND && (!proc->owner->wanting || proc->resting);
}

static bool may_use(const struct policy_processor *proc, s32 number, const struct policy_vp *vp)
{
    return shared_everywhere(vp) ? open_to_all(proc) : proc->usable && vp->home == number;
}

static void give_home(struct policy *p, struct policy_vp *vp)
{
    for (s32 i = (s32)p->processors_len - 1; i >= 0; i--) { // the last ones first: the shared pool keeps the first ones
        struct policy_processor *proc = &p->processors[i];
        if (!proc->usable || proc->owner)
            continue;
        proc->owner = vp;
        vp->home = i;
        return;
    }
}

static void take_home(struct policy *p, struct policy_vp *vp)
{
    if (vp->home >= 0)
        p->processors[vp->home].owner = NULL;
    vp->home = -1;
}

// How many of its virtual processors have a home. *idlest: of these the one that has had no work for the longest time, or NULL: all have work.
static u32 count_homes(struct policy_lp *lp, struct policy_vp **idlest)
{
    u32 homes = 0;
    *idlest = NULL;
    for (u32 i = POLICY_VPS_MAX; i-- > 0;) { // of equal ones the last one
        struct policy_vp *vp = &lp->vps[i];
        homes += vp->home >= 0;
        if (vp->home >= 0 && !vp->wanting && (!*idlest || vp->since < (*idlest)->since))
            *idlest = vp;
    }
    return homes;
}

// An operating system may give back any of its processors, not only the last ones: one that it kept, and that has no home, gets that of one without work.
static void find_home(struct policy *p, struct policy_vp *vp)
{
    struct policy_vp *from;
    bool all = count_homes(vp->lp, &from) >= vp->lp->config.vps;
    if (all && from)
        take_home(p, from);
    if (!all || from)
        give_home(p, vp);
}

static void set_homes(struct policy *p, struct policy_lp *lp)
{
    u32 wanted = lp->config.mode == POLICY_DEDICATED ? lp->config.vps : 0;
    struct policy_vp *idlest;
    u32 homes = count_homes(lp, &idlest);
    for (u32 i = POLICY_VPS_MAX; homes > wanted; homes--) {
        while (!idlest && lp->vps[--i].home < 0)
            ;
        take_home(p, idlest ? idlest : &lp->vps[i]);
        count_homes(lp, &idlest);
    }
    for (u32 i = 0; i < wanted && homes < wanted; i++) {
        if (lp->vps[i].home >= 0)
            continue;
        give_home(p, &lp->vps[i]);
        homes += lp->vps[i].home >= 0;
    }
}

int policy_set_lp(struct policy *p, u32 id, const struct policy_config *config, s64 now)
{
    struct policy_lp *lp = p->lps[id];
    bool comes = !lp;
    if (comes) {
        u32 room = p->waiting_room + POLICY_VPS_MAX;
        struct policy_vp **waiting = realloc(p->waiting, room * sizeof(struct policy_vp *));
        lp = calloc(1, sizeof(*lp));
        if (waiting) {
            p->waiting = waiting;
            p->waiting_room = room;
        }
        if (!waiting || !lp) {
            free(lp);
            return -ENOMEM;
        }
        lp->id = id;
        lp->policy = p;
        lp->tokens = POLICY_WINDOW_NS * config->units / POLICY_UNITS;
        lp->tokens_at = now;
        lp->vtime = p->vclock;
        for (u32 i = 0; i < POLICY_VPS_MAX; i++)
            lp->vps[i] = (struct policy_vp){.lp = lp,
                                            .index = i,
                                            .running = -1,
                                            .last = -1,
                                            .home = -1,
                                            .since = now,
                                            .credit_at = now,
                                            .missing_seen = p->missing};
        p->lps[id] = lp;
    }
    lp->config = *config;
    lp->config.pool = MIN(lp->config.pool, POLICY_POOLS_MAX - 1);
    lp->config.vps = MIN(lp->config.vps, POLICY_VPS_MAX);
    set_rate(lp, now);
    for (u32 i = 0; comes && i < POLICY_VPS_MAX; i++)
        lp->vps[i].credit = lp->turn;
    set_homes(p, lp);
    return 0;
}

void policy_remove_lp(struct policy *p, u32 id)
{
    struct policy_lp *lp = p->lps[id];
    if (!lp)
        return;
    for (u32 i = 0; i < POLICY_VPS_MAX; i++)
        take_home(p, &lp->vps[i]);
    p->lps[id] = NULL;
    free(lp);
}

void policy_set_pool(struct policy *p, u32 pool, u32 max_units, u32 reserved_units, s64 now)
{
    advance_pool(&p->pools[pool], now);
    p->pools[pool].max = max_units;
    p->pools[pool].reserved = reserved_units;
    p->pools[pool].at = now;
}

void policy_set_processor(struct policy *p, u32 processor, bool usable, s64 now)
{
    struct policy_processor *proc = &p->processors[processor];
    proc->usable = usable;
    if (!usable && proc->running)
        proc->until = now;
    if (!usable && proc->owner) { // a spare one, where there is one
        struct policy_vp *vp = proc->owner;
        take_home(p, vp);
        give_home(p, vp);
    }
    for (u32 i = 1; usable && i <= POLICY_LPS_MAX; i++)
        if (p->lps[i])
            set_homes(p, p->lps[i]);
}

// Among the entitled ones.
static bool goes_before(const struct policy_vp *a, const struct policy_vp *b)
{
    bool first_a = a->first > 0, first_b = b->first > 0;
    if (first_a || first_b)
        return first_a && first_b ? a->since < b->since : first_a;
    return a->due != b->due ? a->due < b->due : a->since < b->since;
}

// How good it would be for `vp` to have the processor of what runs there now; 0: it may not.
static u32 preference(const struct policy *p, s32 number, const struct policy_vp *vp, enum policy_class class)
{
    const struct policy_processor *proc = &p->processors[number];
    if (!may_use(proc, number, vp))
        return 0;
    u32 here = vp->last == number;
    if (!proc->running)
        return 8 + here;
    if (vp->home == number)
        return 10;
    if (proc->resting)
        return 6 + here;
    if (class == POLICY_ENTITLED && proc->class > POLICY_ENTITLED)
        return 4 + here;
    if (class == POLICY_ENTITLED && proc->class == POLICY_ENTITLED && goes_before(vp, proc->running))
        return 2 + here;
    return 0;
}

s32 policy_wake(struct policy *p, u32 id, u32 index, s64 now)
{
    struct policy_lp *lp = p->lps[id];
    struct policy_vp *vp = &lp->vps[index];
    enum policy_class class;
    u32 best = 0;
    s32 where = -1;
    s64 from;
    if (vp->wanting)
        return -1;
    if (lp->config.mode == POLICY_DEDICATED && vp->home < 0)
        find_home(p, vp);
    lp->used = MAX(lp->used, index + 1);
    set_wanting(vp, true, now);
    set_due(vp, now);
    vp->since = now;
    vp->first = MIN(MAX(by_rate(window, lp->rate), POLICY_WAKE_NS), POLICY_SLICE_MIN_NS);
    lp->vtime = MAX(lp->vtime, p->vclock);
    add_waiting(p, vp);
    bool now_able = may_run(p, vp, now, &class, &from);
    for (s32 i = 0; i < (s32)p->processors_len; i++) {
        if (p->processors[i].running)
            policy_refresh(p, (u32)i, now);
        u32 good = now_able || vp->home >= 0 || !p->processors[i].running ? preference(p, i, vp, class) : 0;
        if (good > best) {
            best = good;
            where = i;
        }
    }
    if (where >= 0 && p->processors[where].running && !p->processors[where].resting)
        p->processors[where].until = MIN(p->processors[where].until, now);
    return where;
}

void policy_sleep(struct policy *p, u32 id, u32 index, s64 now)
{
    struct policy_vp *vp = &p->lps[id]->vps[index];
    if (!vp->wanting || vp->running >= 0)
        return;
    drop_waiting(p, vp);
    set_wanting(vp, false, now);
    vp->waited_ns += (u64)MAX(now - vp->since, 0);
    vp->since = now;
}

static void charge(struct policy *p, struct policy_processor *proc, struct policy_vp *vp, s64 ran, s64 now)
{
    struct policy_lp *lp = vp->lp;
    struct policy_pool *pool = &p->pools[lp->config.pool];
    bool shares = shares_tokens(lp);
    s64 beyond = 0;
    vp->ran_ns += (u64)ran;
    if (lp->config.mode == POLICY_DEDICATED) {
        lp->entitled_ns += (u64)ran;
        return;
    }
    if (shares) {
        advance_tokens(lp, now);
        lp->tokens -= ran;
    }
    vp->credit -= ran;
    advance(vp, now);
    vp->first = MAX(vp->first - ran, 0);
    if (lp->config.mode == POLICY_UNCAPPED && lp->config.weight) {
        beyond = shares ? MAX(-MIN(vp->credit, 0), -MIN(lp->tokens, 0)) : -MIN(vp->credit, 0);
        beyond = MIN(beyond, ran);
        vp->credit = MAX(vp->credit, 0);
        lp->tokens = MAX(lp->tokens, 0);
    } else {
        vp->credit = MAX(vp->credit, -DEBT_MAX_NS);
        lp->tokens = MAX(lp->tokens, -DEBT_MAX_NS);
    }
    vp->saving |= vp->credit <= TURN_LEAST_NS;
    lp->entitled_ns += (u64)(ran - beyond);
    lp->beyond_ns += (u64)beyond;
    advance_pool(pool, now);
    pool->left = MAX(pool->left - ran, -DEBT_MAX_NS);
    if (beyond)
        pool->reserve = MAX(pool->reserve - beyond, 0);
    if (proc->contended != POLICY_NEVER) // (4)
        lp->vtime += (u64)MIN(beyond, MAX(now - proc->contended, 0)) * WEIGHT_UNIT / MAX(lp->config.weight, 1u);
}

void policy_stop(struct policy *p, u32 processor, bool wants, s64 ran, s64 now)
{
    struct policy_processor *proc = &p->processors[processor];
    struct policy_vp *vp = proc->running;
    if (!vp)
        return;
    charge(p, proc, vp, MAX(ran, 0), now);
    proc->running = NULL;
    proc->resting = false;
    proc->contended = POLICY_NEVER;
    vp->running = -1;
    set_due(vp, now);
    vp->since = now;
    if (wants)
        add_waiting(p, vp);
    else
        set_wanting(vp, false, now);
}

void policy_confer(struct policy *p, u32 id, u32 from, s32 to, s64 now)
{
    struct policy_lp *lp = p->lps[id];
    struct policy_vp *giver = &lp->vps[from], *taker = NULL;
    if (!giver->wanting || giver->running >= 0 || giver->credit <= 0 || to >= (s32)POLICY_VPS_MAX)
        return;
    for (u32 i = 0; i < POLICY_VPS_MAX; i++) {
        struct policy_vp *vp = &lp->vps[i];
        if (vp == giver || !vp->wanting || vp->running >= 0 || (to >= 0 && to != (s32)i))
            continue;
        advance(vp, now);
        if (!taker || vp->due < taker->due)
            taker = vp;
    }
    if (!taker)
        return;
    taker->credit = MIN(MAX(taker->credit, 0) + giver->credit, credit_most(taker));
    taker->due = MIN(taker->due, giver->due);
    taker->saving = false;
    giver->credit = 0;
    giver->saving = true;
}

// Among the entitled ones: whether a goes before b.
static bool before(const struct policy *p, u32 processor, const struct policy_vp *a, const struct policy_vp *b, s64 now)
{
    if (p->processors_len == 1 || a->first > 0 || b->first > 0)
        return goes_before(a, b);
    // One that must run from now on to use its credit in time.
    bool now_a = a->due - a->credit <= now, now_b = b->due - b->credit <= now;
    if (now_a != now_b)
        return now_a;
    s64 here_a = a->last == (s32)processor ? AFFINITY_NS : 0, here_b = b->last == (s32)processor ? AFFINITY_NS : 0;
    return a->due - here_a < b->due - here_b;
}

static bool before_beyond(u32 processor, const struct policy_vp *a, const struct policy_vp *b)
{
    if (a->lp->vtime != b->lp->vtime)
        return a->lp->vtime < b->lp->vtime;
    bool here_a = a->last == (s32)processor, here_b = b->last == (s32)processor;
    return here_a != here_b ? here_a : a->since < b->since;
}

// Somebody who is not bound to a processor waits, and may run.
static bool somebody_could(struct policy *p, s64 now)
{
    enum policy_class class;
    s64 from;
    for (u32 i = 0; i < p->waiting_len; i++)
        if (shared_everywhere(p->waiting[i]) && may_run(p, p->waiting[i], now, &class, &from))
            return true;
    return false;
}

// How long what was chosen may run, given who else waits.
static void bound(struct policy *p, u32 processor, s64 now)
{
    struct policy_processor *proc = &p->processors[processor];
    struct policy_vp *vp = proc->running;
    struct policy_lp *lp = vp->lp;
    struct policy_pool *pool = &p->pools[lp->config.pool];
    s64 until = POLICY_NEVER;
    bool others = false;
    if (!proc->usable) {
        proc->until = now;
        return;
    }
    if (vp->home == (s32)processor) { // its own
        proc->until = POLICY_NEVER;
        bool lends = lp->config.lend == POLICY_LEND && somebody_could(p, now);
        proc->contended = !lends ? POLICY_NEVER : MIN(proc->contended, now);
        return;
    }
    for (u32 i = 0; i < p->waiting_len; i++) {
        struct policy_vp *other = p->waiting[i];
        enum policy_class class;
        s64 from;
        if (!may_use(proc, (s32)processor, other))
            continue;
        if (other->home == (s32)processor) {
            until = now;
            others = true;
            continue;
        }
        bool able = may_run(p, other, now, &class, &from);
        others |= able;
        if (!able) { // it has saved enough while this one runs
            if (proc->class > POLICY_ENTITLED || other->first > 0 ||
                from + time_for(other->lp->turn, other->lp->rate) < vp->due)
                until = MIN(until, from);
            else
                until = MIN(until, MAX(from, proc->since + POLICY_WINDOW_NS));
        } else if (class > POLICY_ENTITLED) {
            if (proc->class > POLICY_ENTITLED)
                until = MIN(until, MAX(from, proc->since + TURN_LEAST_NS));
        } else if (p->processors_len > 1 && other->due - other->credit > now) {
            until = MIN(until, other->due - other->credit);
        }
    }
    bool uncapped = lp->config.mode == POLICY_UNCAPPED && lp->config.weight;
    if (proc->class == POLICY_ENTITLED && !(uncapped && !others && !pool->max)) {
        s64 most = others ? MIN(vp->credit, vp->first > 0 ? vp->first : lp->turn) : vp->credit;
        until = MIN(until, proc->since + MAX(most, TURN_LEAST_NS));
        if (shares_tokens(lp))
            until = MIN(until, proc->since + MAX(lp->tokens, TURN_LEAST_NS));
    } else if (proc->class > POLICY_ENTITLED) {
        if (others)
            until = MIN(until, MAX(now, proc->since + POLICY_SLICE_NS));
        if (pool->max)
            until = MIN(until, proc->since + MAX(pool->left, TURN_LEAST_NS));
    }
    if (others && proc->contended == POLICY_NEVER)
        proc->contended = now;
    else if (!others)
        proc->contended = POLICY_NEVER;
    proc->until = until == POLICY_NEVER ? until : MAX(until, MIN(proc->since + TURN_LEAST_NS, POLICY_NEVER));
}

void policy_refresh(struct policy *p, u32 processor, s64 now)
{
    struct policy_processor *proc = &p->processors[processor];
    if (proc->running) {
        s64 before = proc->until;
        bound(p, processor, now);
        if (before <= now) // stopped already, but not yet said so
            proc->until = before;
    }
}

static struct policy_vp *choose(struct policy *p, u32 processor, enum policy_class *best_class, s64 now)
{
    const struct policy_processor *proc = &p->processors[processor];
    struct policy_vp *best = NULL;
    for (u32 i = 0; i < p->waiting_len; i++) {
        struct policy_vp *vp = p->waiting[i];
        enum policy_class class;
        s64 from;
        if (!may_use(proc, (s32)processor, vp))
            continue;
        if (vp->home == (s32)processor) {
            *best_class = POLICY_OWNER;
            return vp;
        }
        if (!may_run(p, vp, now, &class, &from))
            continue;
        if (best && (class > *best_class ||
                     (class == *best_class && (class == POLICY_ENTITLED ? !before(p, processor, vp, best, now)
                                                                        : !before_beyond(processor, vp, best)))))
            continue;
        best = vp;
        *best_class = class;
    }
    return best;
}

struct policy_vp *policy_pick(struct policy *p, u32 processor, s64 now)
{
    struct policy_processor *proc = &p->processors[processor];
    enum policy_class class = POLICY_BEYOND;
    if (proc->running || !proc->usable)
        return NULL;
    struct policy_vp *vp = choose(p, processor, &class, now);
    if (!vp)
        return NULL;
    drop_waiting(p, vp);
    if (class > POLICY_ENTITLED)
        p->vclock = MAX(p->vclock, vp->lp->vtime);
    vp->waited_ns += (u64)MAX(now - vp->since, 0);
    vp->dispatches++;
    vp->moves += vp->last >= 0 && vp->last != (s32)processor;
    vp->running = vp->last = (s32)processor;
    vp->since = now;
    proc->running = vp;
    vp->saving &= class > POLICY_ENTITLED;
    proc->class = class;
    proc->since = now;
    proc->contended = POLICY_NEVER;
    bound(p, processor, now);
    return vp;
}

s64 policy_next(struct policy *p, u32 processor, s64 now)
{
    const struct policy_processor *proc = &p->processors[processor];
    s64 next = POLICY_NEVER;
    for (u32 i = 0; i < p->waiting_len; i++) {
        enum policy_class class;
        s64 from;
        if (!may_use(proc, (s32)processor, p->waiting[i]))
            continue;
        if (p->waiting[i]->home == (s32)processor || may_run(p, p->waiting[i], now, &class, &from))
            return now;
        next = MIN(next, from);
    }
    return next;
}

void policy_charge(struct policy *p, u32 id, s64 ns)
{
    struct policy_lp *lp = p->lps[id];
    if (!lp || ns <= 0 || lp->config.mode == POLICY_DEDICATED)
        return;
    lp->tokens -= shares_tokens(lp) ? ns : 0;
    lp->owed = MIN(lp->owed + ns, DEBT_MAX_NS);
}
