// SPDX-License-Identifier: Apache-2.0
// What a partition's threads do when they are given a processor, when it is taken, and when whoever gives it goes away. This test plays the daemon.
#include "lpar/share.h"

#include <fcntl.h>
#include <pthread.h>
#include <sched.h>
#include <sys/eventfd.h>
#include <sys/mman.h>

#include "base/clock.h"
#include "base/test.h"
#include "papr/hv_ops.h"

static struct dispatcher alone;
static struct share_client client;
static struct share *daemon_side;
static int memory, bell;

static void attach(void)
{
    memory = memfd_create("test", MFD_CLOEXEC);
    bell = eventfd(0, EFD_NONBLOCK);
    CHECK_EQ(ftruncate(memory, sizeof(struct share)), 0);
    daemon_side = mmap(NULL, sizeof(struct share), PROT_READ | PROT_WRITE, MAP_SHARED, memory, 0);
    CHECK(daemon_side != MAP_FAILED);
    CHECK_EQ(share_attach(&client, memory, bell), 0);
}

static void release(void)
{
    munmap(daemon_side, sizeof(struct share));
    close(memory);
    close(bell);
}

static void start(u32 threads)
{
    dispatch_init(&alone);
    share_init(&client, &alone);
    share_set_threads(&client, threads);
    attach();
}

static void end(void)
{
    share_fini(&client);
    dispatch_fini(&alone);
    release();
}

static u64 rung(void)
{
    u64 count = 0;
    return read(bell, &count, sizeof(count)) == sizeof(count) ? count : 0;
}

static void grant(u32 vp, s64 until, bool contended)
{
    struct share_vp *s = &daemon_side->vps[vp];
    u32 want = SHARE_WANT;
    atomic_store(&s->until, until);
    atomic_store(&s->contended, contended);
    atomic_store(&s->host_cpu, (u32)MAX(sched_getcpu(), 0));
    CHECK(atomic_compare_exchange_strong(&s->word, &want, SHARE_RUN));
    share_wake(&s->word);
}

static void await_word(u32 vp, u32 word)
{
    while (atomic_load(&daemon_side->vps[vp].word) != word)
        sched_yield();
}

static void *begin_one(void *arg)
{
    share_begin(&client, (u32)(uintptr_t)arg);
    return NULL;
}

static pthread_t begin_apart(u32 thread)
{
    pthread_t t;
    CHECK_EQ(pthread_create(&t, NULL, begin_one, (void *)(uintptr_t)thread), 0);
    return t;
}

static u32 word(u32 vp)
{
    return atomic_load(&daemon_side->vps[vp].word);
}

static void test_given_and_kept(void)
{
    start(1);
    pthread_t t = begin_apart(3);
    await_word(3, SHARE_WANT);
    grant(3, INT64_MAX, false);
    pthread_join(t, NULL);
    CHECK_EQ(rung(), 1);
    CHECK(!share_over(&client, 3));
    CHECK(share_alone(&client, 3));
    CHECK(atomic_load(&daemon_side->vps[3].run_since) > 0);
    u32 event = atomic_load(&daemon_side->vps[3].event);
    share_end(&client, 3, true); // idles, and nobody waits: it keeps the processor, and goes on without a message
    CHECK_EQ(word(3), SHARE_IDLE);
    CHECK(atomic_load(&daemon_side->vps[3].run_since) < 0);
    share_begin(&client, 3);
    CHECK_EQ(word(3), SHARE_RUN);
    CHECK_EQ(atomic_load(&daemon_side->vps[3].event), event);
    CHECK_EQ(rung(), 0);
    atomic_store(&daemon_side->vps[3].contended, 1); // now somebody waits
    CHECK(!share_alone(&client, 3));
    share_end(&client, 3, true);
    CHECK_EQ(word(3), SHARE_OUT);
    CHECK(atomic_load(&daemon_side->vps[3].event) != event);
    CHECK(atomic_load(&daemon_side->vps[3].ran_ns) > 0);
    end();
}

static void test_time_is_over(void)
{
    start(1);
    pthread_t t = begin_apart(0);
    await_word(0, SHARE_WANT);
    grant(0, INT64_MAX, true);
    pthread_join(t, NULL);
    CHECK(!share_over(&client, 0));
    atomic_store(&daemon_side->vps[0].until, clock_ns());
    CHECK(share_over(&client, 0));
    share_end(&client, 0, false);
    CHECK_EQ(word(0), SHARE_WANT);
    grant(0, INT64_MAX, true);
    share_begin(&client, 0);
    u32 run = SHARE_RUN; // taken away
    CHECK(atomic_compare_exchange_strong(&daemon_side->vps[0].word, &run, SHARE_OUT));
    CHECK(share_over(&client, 0));
    share_end(&client, 0, false);
    CHECK_EQ(word(0), SHARE_OUT);
    end();
}

// The threads of a virtual processor share its processor; when its time is over none goes in before all are out.
static void test_threads_together(void)
{
    start(2);
    pthread_t a = begin_apart(4), b;
    await_word(2, SHARE_WANT);
    grant(2, INT64_MAX, true);
    pthread_join(a, NULL);
    share_begin(&client, 5);
    share_end(&client, 4, true); // the other one is still there
    CHECK_EQ(word(2), SHARE_RUN);
    share_begin(&client, 4);
    atomic_store(&daemon_side->vps[2].until, clock_ns());
    share_end(&client, 4, false);
    CHECK_EQ(word(2), SHARE_RUN);
    b = begin_apart(4);
    for (;;) { // it is at the gate
        pthread_mutex_lock(&client.gates[2].lock);
        u32 outside = client.gates[2].outside;
        pthread_mutex_unlock(&client.gates[2].lock);
        if (outside)
            break;
        sched_yield();
    }
    CHECK_EQ(word(2), SHARE_RUN);
    share_end(&client, 5, true); // has no work, but the one at the gate does
    CHECK_EQ(word(2), SHARE_WANT);
    grant(2, INT64_MAX, true);
    pthread_join(b, NULL);
    CHECK_EQ(word(2), SHARE_RUN);
    share_end(&client, 4, true);
    CHECK_EQ(word(2), SHARE_OUT);
    end();
}

static void *turn(void *arg)
{
    u32 thread = (u32)(uintptr_t)arg;
    static _Atomic u32 begun;
    share_begin(&client, thread);
    atomic_fetch_add(&begun, 1);
    while (atomic_load(&begun) < 2)
        ;
    share_end(&client, thread, true);
    return NULL;
}

// What is reported is processor time: of both threads no more than there was, and of one that sleeps less.
static void test_processor_time(void)
{
    start(2);
    s64 began = clock_ns();
    pthread_t a, b;
    CHECK_EQ(pthread_create(&a, NULL, turn, (void *)(uintptr_t)4), 0);
    await_word(2, SHARE_WANT);
    grant(2, INT64_MAX, true);
    CHECK_EQ(pthread_create(&b, NULL, turn, (void *)(uintptr_t)5), 0);
    pthread_join(a, NULL);
    pthread_join(b, NULL);
    CHECK((s64)atomic_load(&daemon_side->vps[2].ran_ns) <= clock_ns() - began);
    CHECK(atomic_load(&daemon_side->vps[2].ran_ns) > 0);
    a = begin_apart(0);
    await_word(0, SHARE_WANT);
    grant(0, INT64_MAX, true);
    pthread_join(a, NULL);
    share_begin(&client, 0); // this thread has it, too
    began = clock_ns();
    usleep(20000);
    share_end(&client, 0, true);
    CHECK((s64)atomic_load(&daemon_side->vps[0].ran_ns) < clock_ns() - began);
    end();
}

static void test_confer(void)
{
    start(1);
    pthread_t t = begin_apart(0);
    await_word(0, SHARE_WANT);
    grant(0, INT64_MAX, false);
    pthread_join(t, NULL);
    share_conferring(&client, 0, 1); // nobody waits for the processor: it keeps it
    share_end(&client, 0, false);
    CHECK_EQ(word(0), SHARE_IDLE);
    share_begin(&client, 0);
    atomic_store(&daemon_side->vps[0].contended, 1);
    share_conferring(&client, 0, 1);
    share_end(&client, 0, false);
    CHECK_EQ(word(0), SHARE_WANT);
    CHECK_EQ(atomic_load(&daemon_side->vps[0].confer), 1);
    end();
}

// The daemon goes away while one runs and another one waits; a new one takes over.
static void test_daemon_goes(void)
{
    start(1);
    pthread_t a = begin_apart(0), b = begin_apart(1);
    await_word(0, SHARE_WANT);
    await_word(1, SHARE_WANT);
    grant(0, INT64_MAX, true);
    pthread_join(a, NULL);
    atomic_store(&daemon_side->facts.units, 20);
    share_detach(&client);
    CHECK_EQ(client.lease.units, 20); // no more than that
    pthread_join(b, NULL);         // runs without one
    CHECK(share_over(&client, 0)); // it is to be dispatched by the other rules
    CHECK(client.each[1].alone && !client.each[0].alone);
    share_end(&client, 0, false);
    struct hv_ppp ppp;
    CHECK(!share_ppp(&client, &ppp));
    release();
    attach();
    CHECK(share_over(&client, 1));
    share_end(&client, 1, false);
    CHECK_EQ(word(1), SHARE_OUT);
    b = begin_apart(1);
    await_word(1, SHARE_WANT);
    CHECK_EQ(rung(), 1);
    grant(1, INT64_MAX, true);
    pthread_join(b, NULL);
    CHECK(!client.each[1].alone);
    atomic_store(&daemon_side->facts.units, 30);
    atomic_store(&daemon_side->facts.pool_idle_ns, 1000);
    atomic_store(&daemon_side->facts.pool_idle_at, clock_ns());
    CHECK(share_ppp(&client, &ppp));
    CHECK_EQ(ppp.units, 30);
    CHECK_EQ(ppp.pool_idle_ns, 1000);
    share_quiet(&client);
    CHECK_EQ(word(1), SHARE_OUT);
    end();
}

static void test_what_is_no_memory(void)
{
    start(1);
    int small = memfd_create("small", MFD_CLOEXEC);
    CHECK_EQ(ftruncate(small, 4096), 0);
    CHECK(share_attach(&client, small, bell) < 0);
    CHECK(atomic_load(&client.attached)); // the one before is in force
    close(small);
    end();
}

int main(void)
{
    TEST(test_given_and_kept);
    TEST(test_time_is_over);
    TEST(test_threads_together);
    TEST(test_processor_time);
    TEST(test_confer);
    TEST(test_daemon_goes);
    TEST(test_what_is_no_memory);
    return test_done();
}
