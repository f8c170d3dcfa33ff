// SPDX-License-Identifier: Apache-2.0
// The rules of dispatching, played in virtual time: who gets how much under which load.
#include "hyper/dispatch/policy.h"

#include <string.h>

#include "base/test.h"

#define MS       1000000ll
#define SECOND   1000000000ll
#define JOBS_MAX 128u

struct job {
    u32 id, vp;
    s64 run, rest; // works so long, then rests; run 0: always works
    s64 left, wakes, woke;
    s64 worst;       // from waking to running
    s64 ran, second; // in all; in the present second
    s64 turn;        // since it was dispatched
    s64 least;       // of whole seconds
    bool on, waiting_first;
};

static struct policy p;
static struct job jobs[JOBS_MAX];
static u32 jobs_len;
static s64 now, idle_ns, lost_ns, second_end, overrun;
static s64 gap;                            // between one that stops and the next one
static s64 theft;                          // what the host has of a processor that is used, in thousandths
static s64 free_at[POLICY_PROCESSORS_MAX]; // from when a processor can be given to somebody
static u64 switches;

static void start(u32 processors)
{
    now = 5 * SECOND; // any time
    idle_ns = lost_ns = overrun = gap = theft = 0;
    memset(free_at, 0, sizeof(free_at));
    switches = 0;
    jobs_len = 0;
    second_end = now + SECOND;
    CHECK_EQ(policy_init(&p, processors), 0);
}

static void lp(u32 id, enum policy_mode mode, u32 units, u32 vps, u32 weight)
{
    struct policy_config c = {.mode = mode, .units = units, .vps = vps, .weight = weight};
    CHECK_EQ(policy_set_lp(&p, id, &c, now), 0);
}

static struct job *job(u32 id, u32 vp, s64 run, s64 rest)
{
    struct job *j = &jobs[jobs_len++];
    *j = (struct job){.id = id, .vp = vp, .run = run, .rest = rest, .wakes = now, .least = SECOND};
    return j;
}

static struct job *job_of(const struct policy_vp *vp)
{
    for (u32 i = 0; i < jobs_len; i++)
        if (jobs[i].id == vp->lp->id && jobs[i].vp == vp->index)
            return &jobs[i];
    return NULL;
}

static void end_second(void)
{
    for (u32 i = 0; i < jobs_len; i++) {
        jobs[i].least = MIN(jobs[i].least, jobs[i].second);
        jobs[i].second = 0;
    }
    second_end += SECOND;
}

// Runs what was chosen until something happens, at the latest until `end`.
static void step(s64 end)
{
    s64 next = MIN(end, second_end);
    for (u32 i = 0; i < p.processors_len; i++) {
        struct policy_processor *proc = &p.processors[i];
        if (!proc->running) {
            next = MIN(next, now < free_at[i] ? free_at[i] : policy_next(&p, i, now));
            continue;
        }
        const struct job *j = job_of(proc->running);
        next = MIN(next, proc->until == POLICY_NEVER ? proc->until : proc->until + overrun);
        if (j->run)
            next = MIN(next, now + j->left);
    }
    for (u32 i = 0; i < jobs_len; i++)
        if (!jobs[i].on)
            next = MIN(next, jobs[i].wakes);
    next = MAX(next, now);
    for (u32 i = 0; i < p.processors_len; i++) {
        const struct policy_vp *vp = p.processors[i].running;
        struct job *j = vp ? job_of(vp) : NULL;
        if (!j) {
            *(now < free_at[i] ? &lost_ns : &idle_ns) += next - now;
            continue;
        }
        s64 got = (next - now) - (next - now) * theft / 1000;
        j->ran += got;
        j->turn += got;
        j->second += got;
        j->left -= got;
        lost_ns += next - now - got;
    }
    now = next;
    if (now == second_end)
        end_second();
}

static void stop_where_due(void)
{
    for (u32 i = 0; i < p.processors_len; i++) {
        struct policy_processor *proc = &p.processors[i];
        if (!proc->running)
            continue;
        struct job *j = job_of(proc->running);
        bool done = j->run && j->left <= 0;
        if (!done && (proc->until == POLICY_NEVER || proc->until + overrun > now))
            continue;
        switches++;
        policy_stop(&p, i, !done, j->turn, now);
        j->turn = 0;
        free_at[i] = now + gap;
        if (done) {
            j->on = false;
            j->wakes = now + j->rest;
        }
    }
}

static void wake_where_due(void)
{
    for (u32 i = 0; i < jobs_len; i++) {
        struct job *j = &jobs[i];
        if (j->on || j->wakes > now)
            continue;
        j->on = j->waiting_first = true;
        j->left = j->run;
        j->woke = now;
        policy_wake(&p, j->id, j->vp, now);
    }
}

static void play(s64 ns)
{
    s64 end = now + ns;
    while (now < end) {
        wake_where_due();
        stop_where_due();
        for (u32 i = 0; i < p.processors_len; i++) {
            const struct policy_vp *vp = now < free_at[i] ? NULL : policy_pick(&p, i, now);
            struct job *j = vp ? job_of(vp) : NULL;
            if (j && j->waiting_first) {
                j->worst = MAX(j->worst, now - j->woke);
                j->waiting_first = false;
            }
        }
        step(end);
    }
}

static void forget(void)
{
    for (u32 i = 0; i < jobs_len; i++) {
        jobs[i].ran = jobs[i].second = jobs[i].worst = 0;
        jobs[i].least = SECOND;
    }
    idle_ns = lost_ns = 0;
    switches = 0;
    second_end = now + SECOND;
}

static bool near(s64 got, s64 want, s64 per_mille)
{
    if (got >= want - want * per_mille / 1000 && got <= want + want * per_mille / 1000)
        return true;
    printf("# %lld us, not %lld us\n", (long long)(got / 1000), (long long)(want / 1000));
    return false;
}

static void test_capped(void)
{
    start(1);
    lp(1, POLICY_CAPPED, 30, 1, 0);
    lp(2, POLICY_CAPPED, 70, 1, 0);
    struct job *a = job(1, 0, 0, 0), *b = job(2, 0, 0, 0);
    play(60 * SECOND);
    CHECK(near(a->ran, 18 * SECOND, 2));
    CHECK(near(b->ran, 42 * SECOND, 2));
    CHECK(a->least >= 296 * MS && b->least >= 693 * MS); // a turn more or less
    policy_fini(&p);
}

// Passing the processor on takes so long that there is not enough for all: everybody loses his part, and nobody all of it.
static void test_slow_host(void)
{
    start(1);
    gap = MS;
    for (u32 i = 0; i < 20; i++) {
        lp(1 + i, POLICY_CAPPED, 5, 1, 0);
        job(1 + i, 0, 0, 0);
        play(i % 3 * 1300000); // some of them at the same moment
    }
    play(SECOND);
    forget();
    play(30 * SECOND);
    s64 all = 30 * SECOND - lost_ns;
    for (u32 i = 0; i < 20; i++) {
        CHECK(near(jobs[i].ran, all / 20, 20));
        CHECK(jobs[i].least >= 30 * MS);
    }
    CHECK_EQ(idle_ns, 0);
    policy_fini(&p);
    start(1); // of different size, and their sum is all that there is
    gap = 200000;
    lp(1, POLICY_CAPPED, 70, 1, 0);
    lp(2, POLICY_CAPPED, 30, 1, 0);
    struct job *a = job(1, 0, 0, 0), *b = job(2, 0, 0, 0);
    play(30 * SECOND);
    all = 30 * SECOND - lost_ns;
    CHECK(near(a->ran, all * 7 / 10, 5));
    CHECK(near(b->ran, all * 3 / 10, 5));
    CHECK(lost_ns > 0 && idle_ns < lost_ns / 10);
    lp(3, POLICY_CAPPED, 100, 1, 0); // and twice as much as there is
    struct job *c = job(3, 0, 0, 0);
    play(5 * SECOND);
    forget();
    play(30 * SECOND);
    all = 30 * SECOND - lost_ns;
    CHECK(near(a->ran, all * 35 / 100, 10));
    CHECK(near(b->ran, all * 15 / 100, 10));
    CHECK(near(c->ran, all / 2, 10));
    policy_fini(&p);
}

// What the host takes is made good as long as nobody else is entitled to that time.
static void test_made_good(void)
{
    start(1);
    theft = 50;
    gap = 50000;
    lp(1, POLICY_CAPPED, 30, 1, 0);
    lp(2, POLICY_CAPPED, 60, 1, 0);
    struct job *a = job(1, 0, 0, 0), *b = job(2, 0, 0, 0);
    play(60 * SECOND);
    CHECK(near(a->ran, 18 * SECOND, 2));
    CHECK(near(b->ran, 36 * SECOND, 2));
    CHECK_EQ(a->ran + b->ran + idle_ns + lost_ns, 60 * SECOND);
    policy_fini(&p);
}

static void test_capped_leaves_rest(void)
{
    start(1);
    lp(1, POLICY_CAPPED, 5, 1, 0);
    lp(2, POLICY_UNCAPPED, 25, 1, 0); // weight 0: as capped
    struct job *a = job(1, 0, 0, 0), *b = job(2, 0, 0, 0);
    play(60 * SECOND);
    CHECK(near(a->ran, 3 * SECOND, 5));
    CHECK(near(b->ran, 15 * SECOND, 5));
    CHECK(near(idle_ns, 42 * SECOND, 5));
    CHECK_EQ(a->ran + b->ran + idle_ns, 60 * SECOND);
    policy_fini(&p);
}

static void test_weights(void)
{
    start(1);
    lp(1, POLICY_UNCAPPED, 10, 1, 64);
    lp(2, POLICY_UNCAPPED, 10, 1, 192);
    struct job *a = job(1, 0, 0, 0), *b = job(2, 0, 0, 0);
    play(60 * SECOND);
    CHECK(near(a->ran, 18 * SECOND, 10)); // 0.10 + 0.80 / 4
    CHECK(near(b->ran, 42 * SECOND, 10)); // 0.10 + 0.80 * 3 / 4
    CHECK_EQ(idle_ns, 0);
    policy_fini(&p);
}

// One that had the processor alone for long owes nothing for that to one that comes later, and the other way round.
static void test_alone_before(void)
{
    start(1);
    lp(1, POLICY_UNCAPPED, 10, 1, 128);
    lp(2, POLICY_UNCAPPED, 10, 1, 128);
    struct job *a = job(1, 0, 0, 0);
    play(30 * SECOND);
    CHECK_EQ(a->ran, 30 * SECOND);
    struct job *b = job(2, 0, 0, 0);
    forget();
    play(4 * SECOND);
    CHECK(near(a->ran, 2 * SECOND, 20));
    CHECK(near(b->ran, 2 * SECOND, 20));
    policy_fini(&p);
}

static void test_ten_more(void)
{
    start(1);
    lp(1, POLICY_CAPPED, 20, 1, 0);
    lp(2, POLICY_UNCAPPED, 30, 1, 128);
    job(1, 0, 0, 0);
    job(2, 0, 0, 0);
    play(5 * SECOND);
    for (u32 i = 0; i < 10; i++) {
        lp(10 + i, POLICY_UNCAPPED, 5, 1, 255);
        job(10 + i, 0, 0, 0);
        play(333 * MS); // one after the other, out of step
    }
    forget();
    play(30 * SECOND);
    CHECK(jobs[0].least >= 195 * MS);
    CHECK(jobs[1].least >= 295 * MS);
    for (u32 i = 2; i < jobs_len; i++)
        CHECK(jobs[i].least >= 42 * MS); // a turn more or less, and what was left over
    CHECK_EQ(idle_ns, 0);
    policy_fini(&p);
}

static void test_wakes_up_in_time(void)
{
    start(1);
    lp(1, POLICY_CAPPED, 10, 1, 0);
    lp(2, POLICY_UNCAPPED, 50, 1, 255);
    struct job *a = job(1, 0, 300000, 17 * MS + 12345);
    job(2, 0, 0, 0);
    for (u32 i = 0; i < 8; i++) {
        lp(10 + i, POLICY_UNCAPPED, 5, 1, 255);
        job(10 + i, 0, 0, 0);
    }
    play(60 * SECOND);
    CHECK(a->worst < 20 * MS);
    CHECK(a->ran > 500 * MS);
    policy_fini(&p);
}

// All of the processor is promised, and everybody else is busy and late: one that wakes up goes first, and costs others no more than he is entitled to.
static void test_wakes_up_first(void)
{
    start(1);
    gap = 100000;
    lp(1, POLICY_CAPPED, 10, 1, 0);
    lp(2, POLICY_UNCAPPED, 50, 1, 255);
    struct job *a = job(1, 0, 300000, 15 * MS + 12345), *b = job(2, 0, 0, 0);
    for (u32 i = 0; i < 4; i++) {
        lp(10 + i, POLICY_UNCAPPED, 10, 1, 255);
        job(10 + i, 0, 0, 0);
    }
    play(60 * SECOND);
    CHECK(a->worst < MS);
    CHECK(b->ran > 60 * SECOND * 45 / 100);
    policy_fini(&p);
    start(1); // one that is always awake for a moment only does not get more than its own
    lp(1, POLICY_CAPPED, 10, 1, 0);
    lp(2, POLICY_CAPPED, 90, 1, 0);
    struct job *greedy = job(1, 0, 500000, 200000);
    job(2, 0, 0, 0);
    play(60 * SECOND);
    CHECK(greedy->ran < 60 * SECOND * 101 / 1000);
    CHECK(jobs[1].ran > 60 * SECOND * 89 / 100);
    policy_fini(&p);
}

// 20 busy ones: how often it changes is what it costs.
static void test_switches(void)
{
    start(1);
    for (u32 i = 0; i < 20; i++) {
        lp(1 + i, i & 1 ? POLICY_UNCAPPED : POLICY_CAPPED, 5, 1, 128);
        job(1 + i, 0, 0, 0);
    }
    play(20 * SECOND);
    for (u32 i = 0; i < 20; i++)
        CHECK(near(jobs[i].ran, SECOND, 20));
    CHECK(switches / 20 < 320);
    policy_fini(&p);
}

// What somebody overran is taken from what he gets next.
static void test_overrun(void)
{
    start(1);
    lp(1, POLICY_CAPPED, 30, 1, 0);
    lp(2, POLICY_CAPPED, 60, 1, 0);
    struct job *a = job(1, 0, 0, 0), *b = job(2, 0, 0, 0);
    overrun = 150000;
    play(60 * SECOND);
    CHECK(near(a->ran, 18 * SECOND, 10));
    CHECK(near(b->ran, 36 * SECOND, 10));
    policy_fini(&p);
}

// Three on two processors, none of which fits beside another one.
static void test_two_processors(void)
{
    start(2);
    for (u32 i = 1; i <= 3; i++) {
        lp(i, POLICY_CAPPED, 66, 1, 0);
        job(i, 0, 0, 0);
    }
    play(60 * SECOND);
    for (u32 i = 0; i < 3; i++)
        CHECK(near(jobs[i].ran, 60 * SECOND * 66 / 100, 10));
    policy_fini(&p);
    start(2);
    lp(1, POLICY_CAPPED, 100, 1, 0);
    lp(2, POLICY_CAPPED, 50, 1, 0);
    lp(3, POLICY_CAPPED, 50, 1, 0);
    for (u32 i = 1; i <= 3; i++)
        job(i, 0, 0, 0);
    play(60 * SECOND);
    CHECK(near(jobs[0].ran, 60 * SECOND, 10));
    CHECK(near(jobs[1].ran, 30 * SECOND, 10));
    CHECK(near(jobs[2].ran, 30 * SECOND, 10));
    policy_fini(&p);
}

static void test_affinity(void)
{
    start(4);
    for (u32 i = 1; i <= 4; i++) {
        lp(i, POLICY_CAPPED, 50, 1, 0);
        job(i, 0, 3 * MS, 4 * MS);
    }
    play(20 * SECOND);
    for (u32 i = 1; i <= 4; i++) {
        const struct policy_vp *vp = &p.lps[i]->vps[0];
        CHECK(vp->dispatches > 1000);
        CHECK(vp->moves * 20 < vp->dispatches);
    }
    policy_fini(&p);
}

// A partition's entitlement is that of those of its virtual processors that have work; together they do not get more.
static void test_several_vps(void)
{
    start(2);
    lp(1, POLICY_CAPPED, 80, 4, 0);
    struct job *one = job(1, 2, 0, 0);
    play(20 * SECOND);
    CHECK(near(one->ran, 16 * SECOND, 10));
    job(1, 0, 0, 0);
    job(1, 1, 0, 0);
    job(1, 3, 0, 0);
    forget();
    play(20 * SECOND);
    s64 all = 0;
    for (u32 i = 0; i < 4; i++)
        all += jobs[i].ran;
    CHECK(near(all, 16 * SECOND, 10));
    for (u32 i = 0; i < 4; i++)
        CHECK(near(jobs[i].ran, 4 * SECOND, 30));
    policy_fini(&p);
    start(1); // two that take turns in having work have no more than the partition's
    lp(1, POLICY_CAPPED, 50, 2, 0);
    struct job *a = job(1, 0, 5 * MS, 5 * MS), *b = job(1, 1, 5 * MS, 5 * MS);
    b->wakes += 5 * MS;
    play(20 * SECOND);
    CHECK(a->ran + b->ran < 10 * SECOND + 20 * MS);
    CHECK(a->ran + b->ran > 8 * SECOND);
    policy_fini(&p);
}

static void test_pool_limit(void)
{
    start(2);
    policy_set_pool(&p, 3, 100, 0, now);
    for (u32 i = 1; i <= 3; i++) {
        struct policy_config c = {.mode = POLICY_UNCAPPED, .units = 10, .vps = 1, .weight = 128, .pool = i < 3 ? 3 : 0};
        CHECK_EQ(policy_set_lp(&p, i, &c, now), 0);
        job(i, 0, 0, 0);
    }
    play(30 * SECOND);
    CHECK(near(jobs[0].ran + jobs[1].ran, 30 * SECOND, 20));
    CHECK(near(jobs[2].ran, 30 * SECOND, 20)); // they are no more than one at a time
    policy_fini(&p);
}

static void test_pool_reserve(void)
{
    start(1);
    policy_set_pool(&p, 1, 100, 40, now);
    for (u32 i = 1; i <= 2; i++) {
        struct policy_config c = {.mode = POLICY_UNCAPPED, .units = 10, .vps = 1, .weight = 128, .pool = i - 1};
        CHECK_EQ(policy_set_lp(&p, i, &c, now), 0);
        job(i, 0, 0, 0);
    }
    play(30 * SECOND);
    CHECK(jobs[1].ran >= 15 * SECOND - 150 * MS); // 0.10 + the reserve 0.40 at least
    CHECK(jobs[0].ran > 5 * SECOND);
    policy_fini(&p);
}

static void test_dedicated(void)
{
    start(2);
    lp(1, POLICY_DEDICATED, 100, 1, 0);
    lp(2, POLICY_UNCAPPED, 10, 2, 128);
    CHECK(p.lps[1]->vps[0].home >= 0);
    job(2, 0, 0, 0);
    job(2, 1, 0, 0);
    play(10 * SECOND);
    CHECK_EQ(jobs[0].ran + jobs[1].ran, 10 * SECOND); // kept, though idle
    policy_fini(&p);
    start(2);
    struct policy_config lends = {.mode = POLICY_DEDICATED, .lend = POLICY_LEND, .units = 100, .vps = 1};
    CHECK_EQ(policy_set_lp(&p, 1, &lends, now), 0);
    lp(2, POLICY_UNCAPPED, 10, 2, 128);
    job(2, 0, 0, 0);
    job(2, 1, 0, 0);
    struct job *owner = job(1, 0, 5 * MS, 15 * MS);
    play(20 * SECOND);
    CHECK(owner->worst <= POLICY_SLICE_NS); // at once: what runs there gives way
    CHECK(near(owner->ran, 5 * SECOND, 10));
    CHECK(near(jobs[0].ran + jobs[1].ran, 35 * SECOND, 10));
    policy_fini(&p);
}

// Its owner keeps a processor over an idle moment as long as nobody else could use it.
static void test_lent_at_once(void)
{
    start(2);
    struct policy_config lends = {.mode = POLICY_DEDICATED, .lend = POLICY_LEND, .units = 100, .vps = 1};
    for (u32 i = 0; i < 2; i++) {
        CHECK_EQ(policy_set_lp(&p, 1, &lends, now), 0);
        lp(2, POLICY_UNCAPPED, 10, 2, 128);
        u32 own = (u32)p.lps[1]->vps[0].home;
        policy_wake(&p, 1, 0, now);
        CHECK(policy_pick(&p, own, now) == &p.lps[1]->vps[0]);
        policy_wake(&p, 2, 0, now);
        CHECK(policy_pick(&p, !own, now) == &p.lps[2]->vps[0]);
        policy_refresh(&p, own, now);
        CHECK_EQ(p.processors[own].contended, POLICY_NEVER);
        p.processors[own].resting = true;
        CHECK_EQ(policy_wake(&p, 2, 1, now), i ? -1 : (s32)own);
        policy_refresh(&p, own, now);
        CHECK_EQ(p.processors[own].contended, i ? POLICY_NEVER : now);
        CHECK_EQ(p.processors[own].until, POLICY_NEVER); // as long as it works it stays
        policy_fini(&p);
        start(2);
        lends.lend = POLICY_KEEP;
    }
    policy_fini(&p);
}

// A dedicated processor fails: its owner gets the spare one, and shared ones move over.
static void test_processor_fails(void)
{
    start(3);
    lp(1, POLICY_DEDICATED, 100, 1, 0);
    lp(2, POLICY_CAPPED, 50, 1, 0);
    struct job *own = job(1, 0, 0, 0), *other = job(2, 0, 0, 0);
    play(SECOND);
    u32 failed = (u32)p.lps[1]->vps[0].home;
    policy_set_processor(&p, failed, false, now);
    CHECK(p.lps[1]->vps[0].home >= 0 && p.lps[1]->vps[0].home != (s32)failed);
    forget();
    play(10 * SECOND);
    CHECK(near(own->ran, 10 * SECOND, 10));
    CHECK(near(other->ran, 5 * SECOND, 10));
    CHECK(!p.processors[failed].running);
    policy_fini(&p);
}

// The operating system gives one back that is not the last one: the others keep their processors, and where they did not they get them when they have work.
static void test_dedicated_gaps(void)
{
    start(3);
    lp(1, POLICY_DEDICATED, 300, 3, 0);
    struct policy_vp *vps = p.lps[1]->vps;
    for (u32 i = 0; i < 3; i += 2) {
        policy_wake(&p, 1, i, now);
        CHECK(policy_pick(&p, (u32)vps[i].home, now) == &vps[i]);
    }
    lp(1, POLICY_DEDICATED, 200, 2, 0);
    CHECK(vps[0].home >= 0 && vps[1].home < 0 && vps[2].home >= 0);
    lp(1, POLICY_DEDICATED, 300, 3, 0);
    CHECK(vps[1].home >= 0);
    policy_stop(&p, (u32)vps[2].home, false, MS, now += MS);
    policy_wake(&p, 1, 1, now += MS);
    CHECK(policy_pick(&p, (u32)vps[1].home, now) == &vps[1]);
    lp(1, POLICY_DEDICATED, 200, 2, 0); // it is the last one that goes, says who has work
    CHECK(vps[0].home >= 0 && vps[1].home >= 0 && vps[2].home < 0);
    policy_stop(&p, (u32)vps[1].home, false, MS, now += MS);
    policy_wake(&p, 1, 2, now += MS); // but it was the one in the middle
    CHECK(vps[0].home >= 0 && vps[1].home < 0 && vps[2].home >= 0);
    CHECK(policy_pick(&p, (u32)vps[2].home, now) == &vps[2]);
    lp(1, POLICY_CAPPED, 200, 2, 0);
    CHECK(vps[0].home < 0 && vps[2].home < 0);
    policy_fini(&p);
}

static void test_confer(void)
{
    start(1);
    lp(1, POLICY_CAPPED, 50, 2, 0);
    policy_wake(&p, 1, 0, now);
    policy_wake(&p, 1, 1, now);
    struct policy_vp *first = policy_pick(&p, 0, now);
    struct policy_vp *other = &p.lps[1]->vps[!first->index];
    now += MS / 2;
    policy_stop(&p, 0, true, MS / 2, now);
    s64 had = other->credit, rest = first->credit;
    policy_confer(&p, 1, first->index, (s32)other->index, now);
    CHECK_EQ(other->credit, had + rest + MS / 2 * 25 / 100); // and what it earned meanwhile
    CHECK(rest > 0 && other->due <= first->due);
    CHECK_EQ(first->credit, 0);
    CHECK(policy_pick(&p, 0, now) == other);
    policy_confer(&p, 1, first->index, 77, now); // nobody
    policy_confer(&p, 1, first->index, -1, now);
    policy_fini(&p);
}

// Changes while it runs.
static void test_change(void)
{
    start(1);
    lp(1, POLICY_CAPPED, 20, 1, 0);
    lp(2, POLICY_UNCAPPED, 20, 1, 128);
    struct job *a = job(1, 0, 0, 0);
    job(2, 0, 0, 0);
    play(2 * SECOND);
    lp(1, POLICY_CAPPED, 60, 1, 0);
    play(SECOND);
    forget();
    play(10 * SECOND);
    CHECK(near(a->ran, 6 * SECOND, 10));
    lp(1, POLICY_UNCAPPED, 20, 1, 128);
    play(SECOND);
    forget();
    play(10 * SECOND);
    CHECK(near(a->ran, 5 * SECOND, 20));
    policy_fini(&p);
}

// What the host spent for a partition beside it is its own.
static void test_charge(void)
{
    start(1);
    lp(1, POLICY_CAPPED, 50, 1, 0);
    struct job *a = job(1, 0, 0, 0);
    for (u32 i = 0; i < 100; i++) {
        play(100 * MS);
        policy_charge(&p, 1, 10 * MS);
    }
    CHECK(near(a->ran, 4 * SECOND, 20)); // 5 s less 1 s
    policy_fini(&p);
}

// Random loads: nobody below what he is entitled to who wants it all the time, nothing idle that somebody may use, and sums add up.
static void test_random(void)
{
    u64 seed = 88172645463325252ull;
    for (u32 round = 0; round < 30; round++) {
        u32 left = 100, n = 0;
        start(1);
        while (left >= 5 && n < 12) {
            seed ^= seed << 13;
            seed ^= seed >> 7;
            seed ^= seed << 17;
            u32 units = 5 + (u32)(seed % 30);
            if (units > left)
                break;
            left -= units;
            n++;
            lp(n, seed & 64 ? POLICY_CAPPED : POLICY_UNCAPPED, units, 1, 1 + (u32)((seed >> 8) % 255));
            bool busy = (seed >> 20) & 1;
            job(n, 0, busy ? 0 : (s64)(100000 + (seed >> 24) % 9000000), (s64)((seed >> 40) % 20000000));
        }
        play(2 * SECOND);
        forget();
        s64 all = 0;
        play(8 * SECOND);
        for (u32 i = 0; i < n; i++) {
            all += jobs[i].ran;
            if (!jobs[i].run && jobs[i].least < (s64)p.lps[i + 1]->config.units * 10 * MS - 5 * MS) {
                printf("# round %u: partition %u of %u units: %lld us\n", round, i + 1, p.lps[i + 1]->config.units,
                       (long long)(jobs[i].least / 1000));
                CHECK(false);
            }
        }
        CHECK_EQ(all + idle_ns, 8 * SECOND);
        policy_fini(&p);
    }
}

int main(void)
{
    TEST(test_capped);
    TEST(test_slow_host);
    TEST(test_made_good);
    TEST(test_capped_leaves_rest);
    TEST(test_weights);
    TEST(test_alone_before);
    TEST(test_ten_more);
    TEST(test_wakes_up_in_time);
    TEST(test_wakes_up_first);
    TEST(test_switches);
    TEST(test_overrun);
    TEST(test_two_processors);
    TEST(test_affinity);
    TEST(test_several_vps);
    TEST(test_pool_limit);
    TEST(test_pool_reserve);
    TEST(test_dedicated);
    TEST(test_lent_at_once);
    TEST(test_processor_fails);
    TEST(test_dedicated_gaps);
    TEST(test_confer);
    TEST(test_change);
    TEST(test_charge);
    TEST(test_random);
    return test_done();
}
