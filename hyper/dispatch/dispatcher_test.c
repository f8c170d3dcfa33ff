// SPDX-License-Identifier: Apache-2.0
// The threads of the dispatcher with partitions that this test plays, through the same memory as a process has. What is compared is who runs, never how long.
#include "hyper/dispatch/dispatcher.h"

#include <errno.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/wait.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/test.h"
#include "proto/hyper/share.h"

struct played {
    int fds[2];
    struct share *share;
};

static const struct policy_config uncapped = {.mode = POLICY_UNCAPPED, .units = 20, .vps = 2, .weight = 128};

static void attach(struct dispatcher *d, struct played *p, u32 id, const struct policy_config *config)
{
    CHECK_EQ(dispatcher_attach(d, id, config, 0, p->fds), 0);
    p->share = mmap(NULL, sizeof(struct share), PROT_READ | PROT_WRITE, MAP_SHARED, p->fds[0], 0);
    CHECK(p->share != MAP_FAILED);
}

static void release(struct played *p)
{
    munmap(p->share, sizeof(struct share));
    close(p->fds[0]);
    close(p->fds[1]);
}

static void want(struct played *p, u32 vp)
{
    u64 one = 1;
    u32 out = SHARE_OUT;
    CHECK(atomic_compare_exchange_strong(&p->share->vps[vp].word, &out, SHARE_WANT));
    CHECK_EQ(write(p->fds[1], &one, sizeof(one)), sizeof(one));
}

static void await(struct played *p, u32 vp, u32 word)
{
    for (u32 now; (now = atomic_load(&p->share->vps[vp].word)) != word; sched_yield())
        if (word == SHARE_RUN && now == SHARE_OUT) // it had the processor, and it was taken away before we saw that
            want(p, vp);
    if (word == SHARE_RUN)
        atomic_store(&p->share->vps[vp].run_since, clock_ns());
}

static void give_back(struct played *p, u32 vp, u32 word)
{
    struct share_vp *s = &p->share->vps[vp];
    u32 run = SHARE_RUN;
    s64 since = atomic_load(&s->run_since);
    if (since > 0)
        atomic_fetch_add(&s->ran_ns, (u64)(clock_ns() - since));
    atomic_store(&s->run_since, -clock_ns());
    bool had = atomic_compare_exchange_strong(&s->word, &run, word);
    atomic_fetch_add(&s->event, 1);
    share_wake(&s->event);
    if (!had && word == SHARE_WANT) // it was taken away
        want(p, vp);
}

static u32 running(struct dispatcher *d, u32 id)
{
    struct dispatcher_usage u;
    CHECK(dispatcher_usage(d, id, &u));
    return u.running;
}

static void test_runs(void)
{
    struct dispatcher *d = dispatcher_new(1);
    struct played a, b;
    attach(d, &a, 1, &uncapped);
    attach(d, &b, 2, &uncapped);
    want(&a, 0);
    await(&a, 0, SHARE_RUN);
    want(&b, 0); // it waits, until the first one stops
    while (!atomic_load(&a.share->vps[0].contended) && atomic_load(&b.share->vps[0].word) != SHARE_RUN)
        sched_yield();
    give_back(&a, 0, SHARE_WANT);
    await(&b, 0, SHARE_RUN);
    give_back(&b, 0, SHARE_OUT);
    await(&a, 0, SHARE_RUN);
    CHECK_EQ(running(d, 2), 0);
    give_back(&a, 0, SHARE_OUT);
    struct dispatcher_totals t;
    dispatcher_totals(d, &t);
    CHECK(t.decisions >= 3);
    CHECK(t.ran_ns + t.idle_ns == (u64)t.elapsed_ns);
    dispatcher_free(d);
    release(&a);
    release(&b);
}

// Somebody who does not stop: others get the processor nevertheless. One that idles without giving back: likewise.
static void test_taken_away(void)
{
    struct dispatcher *d = dispatcher_new(1);
    struct played a, b;
    attach(d, &a, 1, &uncapped);
    attach(d, &b, 2, &uncapped);
    want(&a, 0);
    await(&a, 0, SHARE_RUN);
    want(&b, 0);
    await(&b, 0, SHARE_RUN);
    CHECK(atomic_load(&a.share->vps[0].word) == SHARE_OUT);
    u32 run = SHARE_RUN;
    CHECK(atomic_compare_exchange_strong(&b.share->vps[0].word, &run, SHARE_IDLE));
    atomic_store(&b.share->vps[0].run_since, -clock_ns());
    want(&a, 1);
    await(&a, 1, SHARE_RUN);
    CHECK_EQ(atomic_load(&b.share->vps[0].word), SHARE_OUT);
    dispatcher_detach(d, 1); // its process is gone while it has the processor
    want(&b, 1);
    await(&b, 1, SHARE_RUN);
    dispatcher_free(d);
    release(&a);
    release(&b);
}

// Everything that a process can write into its memory. The daemon goes on, and others get their turn.
static void test_nonsense(void)
{
    struct dispatcher *d = dispatcher_new(1);
    struct played a, b;
    u64 seed = 1, one = 1;
    attach(d, &a, 1, &uncapped);
    attach(d, &b, 2, &uncapped);
    for (u32 round = 0; round < 300; round++) {
        for (u32 vp = 0; vp < SHARE_VPS_MAX; vp++) {
            _Atomic u32 *words = (_Atomic u32 *)&a.share->vps[vp];
            for (u32 i = 0; i < sizeof(struct share_vp) / 4; i++) {
                seed = seed * 6364136223846793005u + 1442695040888963407u;
                atomic_store(&words[i], (u32)(seed >> 33) >> (seed >> 59));
            }
        }
        atomic_store(&a.share->facts.wanted_units, (u32)(seed >> 40));
        if (write(a.fds[1], &one, sizeof(one)) < 0)
            break;
        if (round % 16)
            continue;
        want(&b, 0);
        await(&b, 0, SHARE_RUN);
        give_back(&b, 0, SHARE_OUT);
    }
    struct dispatcher_usage u;
    CHECK(dispatcher_usage(d, 1, &u));
    struct dispatcher_totals t;
    dispatcher_totals(d, &t);
    CHECK(u.ran_ns <= (u64)t.elapsed_ns);
    dispatcher_free(d);
    release(&a);
    release(&b);
}

static void test_changes(void)
{
    struct dispatcher *d = dispatcher_new(2);
    struct policy_config dedicated = {.mode = POLICY_DEDICATED, .units = 100, .vps = 1};
    struct played a, b;
    attach(d, &a, 1, &uncapped);
    attach(d, &b, 2, &dedicated);
    want(&b, 0);
    want(&a, 0);
    want(&a, 1);
    await(&b, 0, SHARE_RUN);
    // Of the other two one at a time: which one, time decides.
    CHECK(running(d, 1) <= 1);
    struct policy_config more = uncapped;
    more.units = 50;
    CHECK_EQ(dispatcher_configure(d, 1, &more), 0);
    CHECK_EQ(atomic_load(&a.share->facts.units), 50);
    CHECK_EQ(dispatcher_configure(d, 3, &more), -ENOENT);
    u32 failed = atomic_load(&b.share->vps[0].processor);
    dispatcher_set_processor(d, failed, false); // the dedicated one moves
    give_back(&b, 0, SHARE_WANT);
    await(&b, 0, SHARE_RUN);
    CHECK(atomic_load(&b.share->vps[0].processor) != failed);
    struct dispatcher_totals first, then; // what it had until it failed stays, and is no more since
    dispatcher_totals(d, &first);
    usleep(1000);
    dispatcher_totals(d, &then);
    CHECK_EQ(then.room_ns - first.room_ns, (u64)(then.elapsed_ns - first.elapsed_ns));
    CHECK(then.room_ns > (u64)then.elapsed_ns && then.room_ns < 2 * (u64)then.elapsed_ns);
    dispatcher_set_processor(d, failed, true);
    await(&a, 0, SHARE_RUN);
    dispatcher_free(d);
    release(&a);
    release(&b);
}

// One that does not stop has perhaps not run at all: it is charged for what it reports, then and later.
static void test_only_what_is_reported(void)
{
    struct dispatcher *d = dispatcher_new(1);
    struct dispatcher_usage u;
    struct played a, b;
    attach(d, &a, 1, &uncapped);
    attach(d, &b, 2, &uncapped);
    want(&a, 0);
    await(&a, 0, SHARE_RUN);
    atomic_fetch_add(&a.share->vps[0].ran_ns, 1000);
    want(&b, 0);
    await(&b, 0, SHARE_RUN);
    CHECK_EQ(atomic_load(&a.share->vps[0].word), SHARE_OUT);
    CHECK(dispatcher_usage(d, 1, &u));
    CHECK_EQ(u.ran_ns, 1000);
    atomic_store(&a.share->vps[0].run_since, -clock_ns());
    atomic_fetch_add(&a.share->vps[0].ran_ns, 500);
    give_back(&b, 0, SHARE_OUT);
    want(&a, 0);
    while (atomic_load(&a.share->vps[0].word) != SHARE_RUN)
        sched_yield();
    give_back(&a, 0, SHARE_OUT);
    want(&b, 0); // by then that is settled
    await(&b, 0, SHARE_RUN);
    CHECK(dispatcher_usage(d, 1, &u));
    CHECK_EQ(u.ran_ns, 1000); // what it used after its time was no turn of it: audit() charges it
    dispatcher_free(d);
    release(&a);
    release(&b);
}

#define MANY  20u
#define TURNS 150u

struct player {
    struct played *p;
    u64 seed;
};

// Takes its turns, and ends them in all ways that there are.
static void *play(void *arg)
{
    struct player *player = arg;
    struct share_vp *s = &player->p->share->vps[0];
    for (u32 turns = 0; turns < TURNS;) {
        u32 out = SHARE_OUT, idle = SHARE_IDLE, run = SHARE_RUN;
        u64 one = 1;
        if (atomic_compare_exchange_strong(&s->word, &out, SHARE_WANT))
            while (write(player->p->fds[1], &one, sizeof(one)) < 0)
                sched_yield();
        atomic_compare_exchange_strong(&s->word, &idle, SHARE_RUN);
        share_wait(&s->word, SHARE_WANT, -1);
        if (atomic_load(&s->word) != SHARE_RUN)
            continue;
        turns++;
        atomic_store(&s->run_since, clock_ns());
        player->seed = player->seed * 6364136223846793005u + 1442695040888963407u;
        for (u64 n = player->seed >> 50; n; n--)
            atomic_load(&s->until);
        atomic_fetch_add(&s->ran_ns, 1000);
        atomic_store(&s->run_since, -clock_ns());
        u32 how = (u32)(player->seed >> 33) % 3;
        if (how < 2)
            atomic_compare_exchange_strong(&s->word, &run, how ? SHARE_WANT : SHARE_OUT);
        else if (!atomic_compare_exchange_strong(&s->word, &run, SHARE_IDLE) || !atomic_load(&s->contended))
            continue;
        else
            atomic_compare_exchange_strong(&s->word, &idle, SHARE_OUT);
        atomic_fetch_add(&s->event, 1);
        share_wake(&s->event);
    }
    atomic_store(&s->word, SHARE_OUT);
    atomic_fetch_add(&s->event, 1);
    share_wake(&s->event);
    return NULL;
}

// Many that come and go, and configurations that change meanwhile: nobody is forgotten. Whoever is would hang the test.
static void test_nobody_forgotten(void)
{
    struct policy_config c = {.mode = POLICY_CAPPED, .units = 5, .vps = 1};
    for (u32 processors = 1; processors <= 2; processors++) {
        struct dispatcher *d = dispatcher_new(processors);
        struct played p[MANY];
        struct player players[MANY];
        pthread_t threads[MANY];
        for (u32 i = 0; i < MANY; i++) {
            c.mode = i & 1 ? POLICY_CAPPED : POLICY_UNCAPPED;
            c.weight = i & 2 ? 128 : 0;
            attach(d, &p[i], i + 1, &c);
            players[i] = (struct player){&p[i], i};
            CHECK_EQ(pthread_create(&threads[i], NULL, play, &players[i]), 0);
        }
        for (u32 i = 0; i < MANY; i++) {
            c.units = 5 + i;
            CHECK_EQ(dispatcher_configure(d, i + 1, &c), 0);
            pthread_join(threads[i], NULL);
        }
        dispatcher_free(d);
        for (u32 i = 0; i < MANY; i++)
            release(&p[i]);
    }
}

// A process that computes without having been given a processor is held up.
static void test_offence(void)
{
    struct dispatcher *d = dispatcher_new(1);
    struct played a;
    struct dispatcher_usage u = {0};
    int status;
    pid_t child = fork();
    if (child == 0) {
        prctl(PR_SET_PDEATHSIG, SIGKILL);
        for (volatile u64 n = 0;; n++)
            ;
    }
    CHECK_EQ(dispatcher_attach(d, 1, &uncapped, child, a.fds), 0);
    a.share = mmap(NULL, sizeof(struct share), PROT_READ | PROT_WRITE, MAP_SHARED, a.fds[0], 0);
    want(&a, 0); // it was dispatched once
    await(&a, 0, SHARE_RUN);
    give_back(&a, 0, SHARE_OUT);
    while (!u.held_up) {
        dispatcher_tick(d);
        usleep(100000);
        CHECK(dispatcher_usage(d, 1, &u));
    }
    CHECK(u.charged_ns > 0);
    CHECK(!dispatcher_offence(d, 1));
    dispatcher_detach(d, 1); // it goes on, for whoever ends it
    kill(child, SIGKILL);
    CHECK_EQ(waitpid(child, &status, 0), child);
    CHECK(WIFSIGNALED(status));
    dispatcher_free(d);
    release(&a);
}

int main(void)
{
    TEST(test_offence); // first: it forks
    TEST(test_runs);
    TEST(test_taken_away);
    TEST(test_nonsense);
    TEST(test_changes);
    TEST(test_only_what_is_reported);
    TEST(test_nobody_forgotten);
    return test_done();
}
